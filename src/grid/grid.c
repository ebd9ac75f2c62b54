/* Uniform Cartesian grids: layout, mask, quadrature. */
#include "grid/grid_impl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode check_spec(const MuGridSpec *spec) {
  PetscFunctionBegin;
  if (spec->dim != 1 && spec->dim != 2)
    return MuError(MU_ERR_INPUT, "grid: the dimension is %d; allowed are 1 and 2", (int)spec->dim);
  for (PetscInt a = 0; a < spec->dim; ++a) {
    if (spec->cells[a] < 1)
      return MuError(MU_ERR_INPUT, "grid_cells: axis %d has %d cells; at least 1 is needed", (int)a,
                     (int)spec->cells[a]);
    if (!(spec->upper[a] > spec->lower[a]) || PetscIsInfOrNanReal(spec->upper[a] - spec->lower[a]))
      return MuError(
          MU_ERR_INPUT,
          "grid_upper: axis %d runs from %g to %g; upper must be above lower, both finite", (int)a,
          spec->lower[a], spec->upper[a]);
  }
  PetscFunctionReturn(0);
}

static void fill_geometry(MuGridInfo *info, const MuGridSpec *spec) {
  info->dim = spec->dim;
  info->volume = 1;
  for (PetscInt a = 0; a < 2; ++a) {
    PetscBool there = (PetscBool)(a < spec->dim);
    info->cells[a] = there ? spec->cells[a] : 1;
    info->lower[a] = there ? spec->lower[a] : 0;
    info->upper[a] = there ? spec->upper[a] : 1;
    info->periodic[a] = there ? spec->periodic[a] : PETSC_FALSE;
    info->spacing[a] = (info->upper[a] - info->lower[a]) / info->cells[a];
    if (there) info->volume *= info->spacing[a];
  }
  info->slow_axis = spec->dim - 1;
  info->row_length = spec->dim == 2 ? info->cells[0] : 1;
  info->total_rows = info->cells[info->slow_axis];
}

static PetscErrorCode share_rows(MuGrid grid) {
  MuGridInfo *info = &grid->info;

  PetscFunctionBegin;
  if (info->total_rows < info->size)
    return MuError(
        MU_ERR_INPUT,
        "grid_cells: %d rows of cells cannot be shared by %d ranks; use at most %d ranks",
        (int)info->total_rows, info->size, (int)info->total_rows);
  PetscCall(PetscMalloc1(info->size + 1, &grid->row_starts));
  grid->row_starts[0] = 0;
  for (PetscMPIInt r = 0; r < info->size; ++r)
    grid->row_starts[r + 1] =
        grid->row_starts[r] + info->total_rows / info->size + (r < info->total_rows % info->size);
  info->row_starts = grid->row_starts;
  info->first_row = grid->row_starts[info->rank];
  info->rows = grid->row_starts[info->rank + 1] - info->first_row;
  info->local_size = info->rows * info->row_length;
  PetscFunctionReturn(0);
}

/* A face is open if it joins two inside cells; read from the global mask (NULL: all inside). */
static void fill_mask(MuGrid grid, const unsigned char *global) {
  MuGridInfo *info = &grid->info;
  const PetscInt n = info->row_length;

  for (PetscInt r = 0; r < info->rows; ++r)
    for (PetscInt c = 0; c < n; ++c) {
      PetscInt row = info->first_row + r, i = r * n + c;
      grid->mask[i] = global ? global[row * n + c] != 0 : 1;
      for (PetscInt a = 0; a < info->dim; ++a) {
        PetscBool slow = (PetscBool)(a == info->slow_axis);
        PetscInt along = slow ? row : c, count = info->cells[a];
        PetscBool there = (PetscBool)(along > 0 || (info->periodic[a] && count > 1));
        PetscInt lower = (along + count - 1) % count;
        PetscInt neighbour = slow ? lower * n + c : row * n + lower;
        grid->open[a][i] = there && grid->mask[i] && (global ? global[neighbour] != 0 : 1);
      }
    }
}

PetscErrorCode MuGridCreate(MPI_Comm comm, const MuGridSpec *spec, MuGrid *grid) {
  MuGrid g;
  MuGridInfo *info;
  PetscInt inside = 0, total;

  PetscFunctionBegin;
  *grid = NULL;
  PetscCall(check_spec(spec));
  PetscCall(PetscNew(&g));
  g->references = 1;
  info = &g->info;
  info->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &info->rank));
  PetscCallMPI(MPI_Comm_size(comm, &info->size));
  fill_geometry(info, spec);
  PetscErrorCode failed = share_rows(g);
  if (failed) {
    PetscCall(MuGridDestroy(&g));
    return failed;
  }
  PetscCall(PetscMalloc2(info->size, &g->cell_counts, info->size, &g->cell_starts));
  for (PetscMPIInt r = 0; r < info->size; ++r) {
    g->cell_starts[r] = (PetscMPIInt)(info->row_starts[r] * info->row_length);
    g->cell_counts[r] =
        (PetscMPIInt)((info->row_starts[r + 1] - info->row_starts[r]) * info->row_length);
  }
  PetscCall(PetscMalloc1(info->local_size, &g->mask));
  for (PetscInt a = 0; a < 2; ++a) {
    PetscCall(PetscCalloc1(info->local_size, &g->open[a]));
    info->open[a] = g->open[a];
  }
  PetscCall(PetscCalloc1(info->row_length, &g->halo_below));
  PetscCall(PetscCalloc1(info->row_length, &g->halo_above));
  fill_mask(g, spec->mask);
  info->mask = g->mask;
  total = info->total_rows * info->row_length;
  for (PetscInt i = 0; i < total; ++i) inside += spec->mask ? spec->mask[i] != 0 : 1;
  info->inside = inside;
  info->masked = (PetscBool)(inside < total);
  if (inside == 0) {
    PetscCall(MuGridDestroy(&g));
    return MuError(MU_ERR_INPUT, "grid_mask: no cell is inside the domain; at least one must be");
  }
  *grid = g;
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridReference(MuGrid grid) {
  grid->references++;
  return 0;
}

PetscErrorCode MuGridDestroy(MuGrid *grid) {
  MuGrid g = *grid;

  PetscFunctionBegin;
  *grid = NULL;
  if (!g || --g->references > 0) PetscFunctionReturn(0);
  PetscCall(DMDestroy(&g->dm));
  PetscCall(PetscFree(g->row_starts));
  PetscCall(PetscFree2(g->cell_counts, g->cell_starts));
  PetscCall(PetscFree(g->mask));
  PetscCall(PetscFree(g->open[0]));
  PetscCall(PetscFree(g->open[1]));
  PetscCall(PetscFree(g->halo_below));
  PetscCall(PetscFree(g->halo_above));
  PetscCall(PetscFree(g));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridGetInfo(MuGrid grid, const MuGridInfo **info) {
  *info = &grid->info;
  return 0;
}

/* DMDA keeps index sets of the size of the grid, which nothing here needs. */
PetscErrorCode MuGridGetDM(MuGrid grid, DM *dm) {
  const MuGridInfo *info = &grid->info;
  PetscInt *rows;

  PetscFunctionBegin;
  *dm = grid->dm;
  if (grid->dm) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(info->size, &rows));
  for (PetscMPIInt r = 0; r < info->size; ++r)
    rows[r] = info->row_starts[r + 1] - info->row_starts[r];
  if (info->dim == 1)
    PetscCall(DMDACreate1d(info->comm, DM_BOUNDARY_NONE, info->cells[0], 1, 1, rows, &grid->dm));
  else
    PetscCall(DMDACreate2d(info->comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR,
                           info->cells[0], info->cells[1], 1, info->size, 1, 1, NULL, rows,
                           &grid->dm));
  PetscCall(DMSetUp(grid->dm));
  PetscCall(PetscFree(rows));
  *dm = grid->dm;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_zeros(MPI_Comm comm, PetscInt local, PetscInt total, Vec *field);

/* So that the vectors that PETSc's solvers make are like the one they are given. */
static PetscErrorCode duplicate(Vec field, Vec *other) {
  PetscInt local, total;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(field, &local));
  PetscCall(VecGetSize(field, &total));
  PetscCall(create_zeros(PetscObjectComm((PetscObject)field), local, total, other));
  PetscFunctionReturn(0);
}

/* A vector on zeros that the system hands out when they are first touched: what a run does not use
   takes no memory. */
static PetscErrorCode create_zeros(MPI_Comm comm, PetscInt local, PetscInt total, Vec *field) {
  PetscReal *array;
  PetscContainer owner;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(PetscMax(local, 1), &array));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1)
    PetscCall(VecCreateSeqWithArray(comm, 1, local, array, field));
  else
    PetscCall(VecCreateMPIWithArray(comm, 1, local, total, array, field));
  PetscCall(VecSetOperation(*field, VECOP_DUPLICATE, (void (*)(void))duplicate));
  PetscCall(PetscContainerCreate(PETSC_COMM_SELF, &owner));
  PetscCall(PetscContainerSetPointer(owner, array));
  PetscCall(PetscContainerSetUserDestroy(owner, PetscContainerUserDestroyDefault));
  PetscCall(PetscObjectCompose((PetscObject)*field, "memory", (PetscObject)owner));
  PetscCall(PetscContainerDestroy(&owner));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridCreateField(MuGrid grid, Vec *field) {
  const MuGridInfo *info = &grid->info;

  PetscFunctionBegin;
  PetscCall(create_zeros(info->comm, info->local_size, info->total_rows * info->row_length, field));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridCellCentre(MuGrid grid, PetscInt i, PetscReal x[2]) {
  const MuGridInfo *info = &grid->info;
  PetscInt row = info->first_row + i / info->row_length, column = i % info->row_length;
  PetscInt index[2] = {info->dim == 2 ? column : row, info->dim == 2 ? row : 0};
  x[1] = 0;
  for (PetscInt a = 0; a < info->dim; ++a)
    x[a] = info->lower[a] + (index[a] + 0.5) * info->spacing[a];
  return 0;
}

typedef enum { SUM_OF_ONE, SUM_OF_PRODUCTS, SUM_OF_DISTANCES } SumKind;

static inline PetscReal summand(SumKind kind, const PetscReal *x, const PetscReal *y, PetscInt i) {
  if (kind == SUM_OF_PRODUCTS) return x[i] * y[i];
  if (kind == SUM_OF_DISTANCES) return PetscAbsReal(y ? x[i] - y[i] : x[i]);
  return x[i];
}

/* One row, in eight chains of additions, which do not wait for each other; mask NULL: all is
 * inside.
 */
static inline PetscReal sum_row(SumKind kind, const unsigned char *mask, PetscInt n,
                                const PetscReal *x, const PetscReal *y) {
  enum { LANES = 8 };
  PetscReal lane[LANES] = {0}, sum = 0;
  PetscInt i = 0;
  for (; i + LANES <= n; i += LANES)
    for (PetscInt l = 0; l < LANES; ++l)
      lane[l] += !mask || mask[i + l] ? summand(kind, x, y, i + l) : 0;
  for (; i < n; ++i) sum += !mask || mask[i] ? summand(kind, x, y, i) : 0;
  for (PetscInt l = 0; l < LANES; ++l) sum += lane[l];
  return sum;
}

/* Row by row, so that the sum hardly depends on the number of ranks. */
static inline PetscReal sum_rows(SumKind kind, const MuGridInfo *info, const PetscReal *x,
                                 const PetscReal *y) {
  const PetscInt n = info->row_length;
  PetscReal sum = 0;
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscReal *f = x + r * n, *g = y ? y + r * n : NULL;
    sum += info->masked ? sum_row(kind, info->mask + r * n, n, f, g) : sum_row(kind, NULL, n, f, g);
  }
  return sum;
}

/* Sums over inside cells; g = NULL stands for one (SUM_OF_PRODUCTS) or zero. */
static PetscErrorCode sum_cells(MuGrid grid, Vec f, Vec g, SumKind kind, PetscReal *result) {
  const MuGridInfo *info = &grid->info;
  const PetscReal *x, *y = NULL;
  PetscReal sum;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(f, &x));
  if (g) PetscCall(VecGetArrayRead(g, &y));
  if (kind == SUM_OF_DISTANCES)
    sum = sum_rows(SUM_OF_DISTANCES, info, x, y);
  else if (y)
    sum = sum_rows(SUM_OF_PRODUCTS, info, x, y);
  else
    sum = sum_rows(SUM_OF_ONE, info, x, NULL);
  if (g) PetscCall(VecRestoreArrayRead(g, &y));
  PetscCall(VecRestoreArrayRead(f, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPI_SUM, info->comm));
  *result = sum * info->volume;
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridIntegrate(MuGrid grid, Vec f, PetscReal *integral) {
  PetscFunctionBegin;
  PetscCall(sum_cells(grid, f, NULL, SUM_OF_ONE, integral));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridInner(MuGrid grid, Vec f, Vec g, PetscReal *inner) {
  PetscFunctionBegin;
  PetscCall(sum_cells(grid, f, g, SUM_OF_PRODUCTS, inner));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridDistanceL1(MuGrid grid, Vec f, Vec g, PetscReal *distance) {
  PetscFunctionBegin;
  PetscCall(sum_cells(grid, f, g, SUM_OF_DISTANCES, distance));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridApplyMask(MuGrid grid, Vec f) {
  const MuGridInfo *info = &grid->info;
  PetscReal *x;

  PetscFunctionBegin;
  if (!info->masked) PetscFunctionReturn(0);
  PetscCall(VecGetArray(f, &x));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if (!info->mask[i]) x[i] = 0;
  PetscCall(VecRestoreArray(f, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridGather(MuGrid grid, Vec f, PetscBool to_all, PetscReal *global) {
  const MuGridInfo *info = &grid->info;
  const PetscMPIInt *counts = grid->cell_counts, *starts = grid->cell_starts;
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(f, &x));
  if (info->size == 1)
    PetscCall(PetscArraycpy(global, x, info->local_size));
  else if (to_all)
    PetscCallMPI(MPI_Allgatherv(x, (PetscMPIInt)info->local_size, MPIU_REAL, global, counts, starts,
                                MPIU_REAL, info->comm));
  else
    PetscCallMPI(MPI_Gatherv(x, (PetscMPIInt)info->local_size, MPIU_REAL, global, counts, starts,
                             MPIU_REAL, 0, info->comm));
  PetscCall(VecRestoreArrayRead(f, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridScatter(MuGrid grid, const PetscReal *global, Vec f) {
  const MuGridInfo *info = &grid->info;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArray(f, &x));
  if (info->size == 1)
    PetscCall(PetscArraycpy(x, global, info->local_size));
  else
    PetscCallMPI(MPI_Scatterv(global, grid->cell_counts, grid->cell_starts, MPIU_REAL, x,
                              (PetscMPIInt)info->local_size, MPIU_REAL, 0, info->comm));
  PetscCall(VecRestoreArray(f, &x));
  PetscFunctionReturn(0);
}
