/* The lines of a grid. In 1-D every rank solves the whole line; in 2-D on several ranks the y-lines
   are solved in slabs of columns. */
#include "grid/transpose.h"
#include "linear/line.h"

struct _p_MuGridLines {
  MuGrid grid;
  const MuGridInfo *info;
  MuLines lines[2];      /* per axis */
  MuTranspose transpose; /* 2-D on several ranks */
  PetscReal *work[3];    /* 2-D on several ranks: [my columns][ny]; in 1-D: the whole line */
  PetscMPIInt *counts, *starts;
};

static PetscErrorCode create_line(MuGridLines s) {
  const MuGridInfo *info = s->info;
  const PetscInt n = info->cells[0];
  const MuLinesLayout layout = {
      .count = 1, .cells = n, .line_stride = 1, .cell_stride = 1, .cyclic = info->periodic[0]};

  PetscFunctionBegin;
  PetscCall(MuLinesCreate(&layout, &s->lines[0]));
  PetscCall(PetscMalloc3(n, &s->work[0], n, &s->work[1], n, &s->work[2]));
  PetscCall(PetscMalloc2(info->size, &s->counts, info->size, &s->starts));
  for (PetscMPIInt r = 0; r < info->size; ++r) {
    s->starts[r] = (PetscMPIInt)info->row_starts[r];
    s->counts[r] = (PetscMPIInt)(info->row_starts[r + 1] - info->row_starts[r]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_plane(MuGridLines s) {
  const MuGridInfo *info = s->info;
  const PetscInt nx = info->cells[0], ny = info->cells[1];
  MuLinesLayout x = {.count = info->rows,
                     .cells = nx,
                     .line_stride = nx,
                     .cell_stride = 1,
                     .cyclic = info->periodic[0]};
  MuLinesLayout y = {
      .count = nx, .cells = ny, .line_stride = 1, .cell_stride = nx, .cyclic = info->periodic[1]};

  PetscFunctionBegin;
  PetscCall(MuLinesCreate(&x, &s->lines[0]));
  if (info->size > 1) {
    PetscInt first, size;
    PetscCall(MuTransposeCreate(s->grid, nx, 1, &s->transpose));
    PetscCall(MuTransposeGetColumns(s->transpose, &first, &y.count));
    y.line_stride = ny;
    y.cell_stride = 1;
    size = y.count * ny;
    PetscCall(PetscMalloc3(size, &s->work[0], size, &s->work[1], size, &s->work[2]));
  }
  PetscCall(MuLinesCreate(&y, &s->lines[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridLinesCreate(MuGrid grid, MuGridLines *lines) {
  MuGridLines s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *lines = s;
  PetscCall(MuGridReference(grid));
  s->grid = grid;
  PetscCall(MuGridGetInfo(grid, &s->info));
  if (s->info->dim == 1)
    PetscCall(create_line(s));
  else
    PetscCall(create_plane(s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridLinesDestroy(MuGridLines *lines) {
  MuGridLines s = *lines;

  PetscFunctionBegin;
  *lines = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuLinesDestroy(&s->lines[0]));
  PetscCall(MuLinesDestroy(&s->lines[1]));
  PetscCall(MuTransposeDestroy(&s->transpose));
  if (s->work[0]) PetscCall(PetscFree3(s->work[0], s->work[1], s->work[2]));
  if (s->counts) PetscCall(PetscFree2(s->counts, s->starts));
  PetscCall(MuGridDestroy(&s->grid));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* *lines = the local array as the lines of the axis see it, in work[k] if it has to be moved. */
static PetscErrorCode move(MuGridLines s, PetscInt axis, PetscInt k, const PetscReal *local,
                           const PetscReal **lines) {
  PetscFunctionBegin;
  *lines = local;
  if (!local || !(s->info->dim == 1 || (axis == 1 && s->transpose))) PetscFunctionReturn(0);
  if (s->info->dim == 1)
    PetscCallMPI(MPI_Allgatherv(local, (PetscMPIInt)s->info->rows, MPIU_REAL, s->work[k], s->counts,
                                s->starts, MPIU_REAL, s->info->comm));
  else
    PetscCall(MuTransposeForward(s->transpose, local, s->work[k]));
  *lines = s->work[k];
  PetscFunctionReturn(0);
}

static PetscErrorCode factor_axis(MuGridLines s, PetscInt axis, PetscReal scale, const PetscReal *e,
                                  const PetscReal *a, const PetscReal *b) {
  PetscFunctionBegin;
  PetscCall(move(s, axis, 0, a, &a));
  PetscCall(move(s, axis, 1, b, &b));
  PetscCall(move(s, axis, 2, e, &e));
  PetscCall(MuLinesFactor(s->lines[axis], scale, e, a, b));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridLinesFactor(MuGridLines s, const MuFaceMatrix *matrix) {
  const PetscReal *a, *b, *e = NULL;

  PetscFunctionBegin;
  if (matrix->e) PetscCall(VecGetArrayRead(matrix->e, &e));
  for (PetscInt axis = 0; axis < s->info->dim; ++axis) {
    PetscCall(VecGetArrayRead(matrix->a[axis], &a));
    PetscCall(VecGetArrayRead(matrix->b[axis], &b));
    PetscCall(factor_axis(s, axis, matrix->scale[axis], e, a, b));
    PetscCall(VecRestoreArrayRead(matrix->b[axis], &b));
    PetscCall(VecRestoreArrayRead(matrix->a[axis], &a));
  }
  if (matrix->e) PetscCall(VecRestoreArrayRead(matrix->e, &e));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridLinesSolve(MuGridLines s, PetscInt axis, const PetscReal *r, PetscReal *x) {
  PetscReal *work = s->work[0];

  PetscFunctionBegin;
  PetscCall(move(s, axis, 0, r, &r));
  if (s->info->dim == 1) {
    PetscCall(MuLinesSolve(s->lines[0], r, work));
    PetscCall(PetscArraycpy(x, work + s->info->first_row, s->info->rows));
  } else if (axis == 1 && s->transpose) {
    PetscCall(MuLinesSolve(s->lines[1], r, work));
    PetscCall(MuTransposeBackward(s->transpose, work, x));
  } else {
    PetscCall(MuLinesSolve(s->lines[axis], r, x));
  }
  PetscFunctionReturn(0);
}
