/* The lines of a grid. In 1-D every rank solves the whole line; in 2-D on several ranks the y-lines
   are solved in slabs of columns, in memory that the ranks share or, where they cannot, after a
   transposition. */
#include "grid/transpose.h"
#include "grid/window.h"
#include "linear/line.h"

struct _p_MuGridLines {
  MuGrid grid;
  const MuGridInfo *info;
  MuLines lines[2];      /* per axis */
  MuWindow window;       /* 2-D on several ranks that share memory */
  MuTranspose transpose; /* 2-D on several ranks that do not */
  /* 2-D on several ranks: [ny][nx] in the window, or [my columns][ny]; in 1-D: the whole line */
  PetscReal *work[3];
  PetscInt first; /* of my columns in the window */
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

/* Work for the y-lines of several ranks, and how it changes their layout. */
static PetscErrorCode create_columns(MuGridLines s, MuLinesLayout *y) {
  const MuGridInfo *info = s->info;
  const PetscInt nx = info->cells[0], ny = info->cells[1];
  PetscInt size;

  PetscFunctionBegin;
  MuColumnRange(info, nx, 1, info->rank, &s->first, &y->count);
  PetscCall(MuWindowCreate(s->grid, 3 * (size_t)(nx * ny), &s->window));
  if (s->window) {
    for (PetscInt k = 0; k < 3; ++k) s->work[k] = MuWindowArray(s->window) + k * nx * ny;
    PetscFunctionReturn(0);
  }
  PetscCall(MuTransposeCreate(s->grid, nx, 1, &s->transpose));
  s->first = 0;
  y->line_stride = ny;
  y->cell_stride = 1;
  size = y->count * ny;
  PetscCall(PetscMalloc3(size, &s->work[0], size, &s->work[1], size, &s->work[2]));
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
  if (info->size > 1) PetscCall(create_columns(s, &y));
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
  if (s->work[0] && !s->window) PetscCall(PetscFree3(s->work[0], s->work[1], s->work[2]));
  PetscCall(MuWindowDestroy(&s->window));
  if (s->counts) PetscCall(PetscFree2(s->counts, s->starts));
  PetscCall(MuGridDestroy(&s->grid));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* *lines = the local array as the lines of the axis see it, in work[k] if it has to be moved; in a
   window after meet(). */
static PetscErrorCode move(MuGridLines s, PetscInt axis, PetscInt k, const PetscReal *local,
                           const PetscReal **lines) {
  const MuGridInfo *info = s->info;

  PetscFunctionBegin;
  *lines = local;
  if (!local || !(info->dim == 1 || (axis == 1 && info->size > 1))) PetscFunctionReturn(0);
  *lines = s->work[k] + s->first;
  if (info->dim == 1)
    PetscCallMPI(MPI_Allgatherv(local, (PetscMPIInt)info->rows, MPIU_REAL, s->work[k], s->counts,
                                s->starts, MPIU_REAL, info->comm));
  else if (s->window)
    PetscCall(
        PetscArraycpy(s->work[k] + info->first_row * info->row_length, local, info->local_size));
  else
    PetscCall(MuTransposeForward(s->transpose, local, s->work[k]));
  PetscFunctionReturn(0);
}

/* Between what the ranks do in a window with their rows and what they do with their columns. */
static PetscErrorCode meet(MuGridLines s, PetscInt axis) {
  PetscFunctionBegin;
  if (s->window && axis == 1) PetscCall(MuWindowMeet(s->window));
  PetscFunctionReturn(0);
}

static PetscErrorCode factor_axis(MuGridLines s, PetscInt axis, PetscReal scale, const PetscReal *e,
                                  const PetscReal *a, const PetscReal *b) {
  PetscFunctionBegin;
  PetscCall(move(s, axis, 0, a, &a));
  PetscCall(move(s, axis, 1, b, &b));
  PetscCall(move(s, axis, 2, e, &e));
  PetscCall(meet(s, axis));
  PetscCall(MuLinesFactor(s->lines[axis], scale, e, a, b));
  PetscCall(meet(s, axis));
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

static PetscErrorCode solve_line(MuGridLines s, const PetscReal *r, PetscReal *x) {
  PetscFunctionBegin;
  PetscCall(move(s, 0, 0, r, &r));
  PetscCall(MuLinesSolve(s->lines[0], r, s->work[0]));
  PetscCall(PetscArraycpy(x, s->work[0] + s->info->first_row, s->info->rows));
  PetscFunctionReturn(0);
}

/* Both axes, the second solve or the first in the window where its rows lie. */
static PetscErrorCode solve_in_window(MuGridLines s, PetscBool reversed, const PetscReal *r,
                                      PetscReal *x) {
  const PetscInt size = s->info->local_size;
  PetscReal *columns = s->work[0] + s->first;
  PetscReal *rows = s->work[0] + s->info->first_row * s->info->row_length;

  PetscFunctionBegin;
  if (reversed)
    PetscCall(PetscArraycpy(rows, r, size));
  else
    PetscCall(MuLinesSolve(s->lines[0], r, rows));
  PetscCall(MuWindowMeet(s->window));
  PetscCall(MuLinesSolve(s->lines[1], columns, columns));
  PetscCall(MuWindowMeet(s->window));
  if (reversed)
    PetscCall(MuLinesSolve(s->lines[0], rows, x));
  else
    PetscCall(PetscArraycpy(x, rows, size));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_axis(MuGridLines s, PetscInt axis, const PetscReal *r, PetscReal *x) {
  PetscFunctionBegin;
  if (axis == 1 && s->transpose) {
    PetscCall(MuTransposeForward(s->transpose, r, s->work[0]));
    PetscCall(MuLinesSolve(s->lines[1], s->work[0], s->work[0]));
    PetscCall(MuTransposeBackward(s->transpose, s->work[0], x));
  } else {
    PetscCall(MuLinesSolve(s->lines[axis], r, x));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridLinesSolve(MuGridLines s, PetscBool reversed, const PetscReal *r,
                                PetscReal *x) {
  PetscFunctionBegin;
  if (s->info->dim == 1) {
    PetscCall(solve_line(s, r, x));
  } else if (s->window) {
    PetscCall(solve_in_window(s, reversed, r, x));
  } else {
    PetscCall(solve_axis(s, reversed ? 1 : 0, r, x));
    PetscCall(solve_axis(s, reversed ? 0 : 1, x, x));
  }
  PetscFunctionReturn(0);
}
