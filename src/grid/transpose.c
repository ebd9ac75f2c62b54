/* Redistribution between slabs of rows and slabs of columns; MPI's derived types do the reordering.
 */
#include "grid/transpose.h"
#include "grid/grid_impl.h"

#include <string.h>

struct _p_MuTranspose {
  MuGrid grid;
  PetscInt columns, item;
  PetscInt count;                                   /* columns of this rank */
  MPI_Datatype *row_types, *column_types;           /* what goes to / comes from each rank */
  PetscMPIInt *ones, *row_offsets, *column_offsets; /* offsets in bytes */
};

void MuColumnRange(const MuGridInfo *info, PetscInt columns, PetscInt item, PetscMPIInt r,
                   PetscInt *first, PetscInt *count) {
  const PetscInt whole = MU_CACHE_LINE / item, size = info->size;
  const PetscInt unit = columns >= whole * size ? whole : 1, units = (columns + unit - 1) / unit;
  const PetscInt even = units / size, extra = units % size;
  *first = PetscMin(unit * (r * even + PetscMin((PetscInt)r, extra)), columns);
  *count = PetscMin(unit * (even + (r < extra)), columns - *first);
}

/* On the rows side a block [my rows][count columns]; on the columns side [my columns][count rows],
   filled row by row of the sender, so that the element order of both types agrees: for each row,
   for each column. */
static PetscErrorCode create_types(MuTranspose t, PetscMPIInt r) {
  const MuGridInfo *info = &t->grid->info;
  const PetscInt item = t->item, rows = info->row_starts[r + 1] - info->row_starts[r];
  PetscInt first, count;
  MPI_Datatype column;

  PetscFunctionBegin;
  MuColumnRange(info, t->columns, item, r, &first, &count);
  PetscCallMPI(MPI_Type_vector((PetscMPIInt)info->rows, (PetscMPIInt)(count * item),
                               (PetscMPIInt)(t->columns * item), MPIU_REAL, &t->row_types[r]));
  PetscCallMPI(MPI_Type_commit(&t->row_types[r]));
  t->row_offsets[r] = (PetscMPIInt)(first * item * (PetscInt)sizeof(PetscReal));
  /* one sender row: my `count` columns, a total_rows*item apart */
  PetscCallMPI(MPI_Type_create_hvector(
      (PetscMPIInt)t->count, (PetscMPIInt)item,
      (MPI_Aint)(info->total_rows * item) * (MPI_Aint)sizeof(PetscReal), MPIU_REAL, &column));
  PetscCallMPI(MPI_Type_create_hvector((PetscMPIInt)rows, 1,
                                       (MPI_Aint)item * (MPI_Aint)sizeof(PetscReal), column,
                                       &t->column_types[r]));
  PetscCallMPI(MPI_Type_free(&column));
  PetscCallMPI(MPI_Type_commit(&t->column_types[r]));
  t->column_offsets[r] = (PetscMPIInt)(info->row_starts[r] * item * (PetscInt)sizeof(PetscReal));
  t->ones[r] = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransposeCreate(MuGrid grid, PetscInt columns, PetscInt item,
                                 MuTranspose *transpose) {
  MuTranspose t;
  const PetscMPIInt size = grid->info.size;
  PetscInt first;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  PetscCall(MuGridReference(grid));
  t->grid = grid;
  t->columns = columns;
  t->item = item;
  MuColumnRange(&grid->info, columns, item, grid->info.rank, &first, &t->count);
  PetscCall(PetscMalloc2(size, &t->row_types, size, &t->column_types));
  PetscCall(PetscMalloc3(size, &t->ones, size, &t->row_offsets, size, &t->column_offsets));
  for (PetscMPIInt r = 0; r < size; ++r) PetscCall(create_types(t, r));
  *transpose = t;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransposeDestroy(MuTranspose *transpose) {
  MuTranspose t = *transpose;

  PetscFunctionBegin;
  *transpose = NULL;
  if (!t) PetscFunctionReturn(0);
  for (PetscMPIInt r = 0; r < t->grid->info.size; ++r) {
    PetscCallMPI(MPI_Type_free(&t->row_types[r]));
    PetscCallMPI(MPI_Type_free(&t->column_types[r]));
  }
  PetscCall(PetscFree2(t->row_types, t->column_types));
  PetscCall(PetscFree3(t->ones, t->row_offsets, t->column_offsets));
  PetscCall(MuGridDestroy(&t->grid));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransposeForward(MuTranspose t, const PetscReal *rows, PetscReal *columns) {
  PetscFunctionBegin;
  PetscCallMPI(MPI_Alltoallw(rows, t->ones, t->row_offsets, t->row_types, columns, t->ones,
                             t->column_offsets, t->column_types, t->grid->info.comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransposeBackward(MuTranspose t, const PetscReal *columns, PetscReal *rows) {
  PetscFunctionBegin;
  PetscCallMPI(MPI_Alltoallw(columns, t->ones, t->column_offsets, t->column_types, rows, t->ones,
                             t->row_offsets, t->row_types, t->grid->info.comm));
  PetscFunctionReturn(0);
}
