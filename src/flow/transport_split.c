/* dimension_split: (I + dt L_y)^-1 (I + dt L_x)^-1, one batch of tridiagonal solves per axis, each
   positive and conservative. In 1-D it is the whole step.

   Marchuk, Splitting and alternating direction methods (1990), section 2. */
#include "flow/transport.h"
#include "flow/transport_impl.h"
#include "grid/transpose.h"
#include "linear/tridiagonal.h"

#include <string.h>

typedef struct {
  MuLines lines[2];      /* per axis */
  MuTranspose transpose; /* 2-D on several ranks: the y-lines live in slabs of columns */
  PetscReal *work[2];    /* there: [my columns][ny]; in 1-D on several ranks: the whole line */
  PetscMPIInt *counts, *starts;
} Split;

static PetscErrorCode create_line(MuTransport t, Split *s) {
  const MuGridInfo *info = t->info;
  MuLinesLayout layout = {.count = 1,
                          .cells = info->cells[0],
                          .line_stride = 1,
                          .cell_stride = 1,
                          .cyclic = info->periodic[0]};

  PetscFunctionBegin;
  PetscCall(MuLinesCreate(&layout, &s->lines[0]));
  PetscCall(PetscMalloc2(info->cells[0], &s->work[0], info->cells[0], &s->work[1]));
  PetscCall(PetscMalloc2(info->size, &s->counts, info->size, &s->starts));
  for (PetscMPIInt r = 0; r < info->size; ++r) {
    s->starts[r] = (PetscMPIInt)info->row_starts[r];
    s->counts[r] = (PetscMPIInt)(info->row_starts[r + 1] - info->row_starts[r]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_plane(MuTransport t, Split *s) {
  const MuGridInfo *info = t->info;
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
    PetscInt first;
    PetscCall(MuTransposeCreate(t->grid, nx, 1, &s->transpose));
    PetscCall(MuTransposeGetColumns(s->transpose, &first, &y.count));
    y.line_stride = ny;
    y.cell_stride = 1;
    PetscCall(PetscMalloc2(y.count * ny, &s->work[0], y.count * ny, &s->work[1]));
  }
  PetscCall(MuLinesCreate(&y, &s->lines[1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode split_create(MuTransport t) {
  Split *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  t->data = s;
  if (t->info->dim == 1)
    PetscCall(create_line(t, s));
  else
    PetscCall(create_plane(t, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode split_destroy(MuTransport t) {
  Split *s = t->data;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuLinesDestroy(&s->lines[0]));
  PetscCall(MuLinesDestroy(&s->lines[1]));
  PetscCall(MuTransposeDestroy(&s->transpose));
  if (s->work[0]) PetscCall(PetscFree2(s->work[0], s->work[1]));
  if (s->counts) PetscCall(PetscFree2(s->counts, s->starts));
  PetscCall(PetscFree(s));
  t->data = NULL;
  PetscFunctionReturn(0);
}

/* The 1-D field on every rank. */
static PetscErrorCode gather_line(MuTransport t, const PetscReal *local, PetscReal *line) {
  Split *s = t->data;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allgatherv(local, (PetscMPIInt)t->info->rows, MPIU_REAL, line, s->counts,
                              s->starts, MPIU_REAL, t->info->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode factor_axis(MuTransport t, PetscInt axis, const PetscReal *a,
                                  const PetscReal *b) {
  Split *s = t->data;

  PetscFunctionBegin;
  if (t->info->dim == 1) {
    PetscCall(gather_line(t, a, s->work[0]));
    PetscCall(gather_line(t, b, s->work[1]));
    PetscCall(MuLinesFactor(s->lines[0], t->dt, s->work[0], s->work[1]));
  } else if (axis == 1 && s->transpose) {
    PetscCall(MuTransposeForward(s->transpose, a, s->work[0]));
    PetscCall(MuTransposeForward(s->transpose, b, s->work[1]));
    PetscCall(MuLinesFactor(s->lines[1], t->dt, s->work[0], s->work[1]));
  } else {
    PetscCall(MuLinesFactor(s->lines[axis], t->dt, a, b));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode split_set_up(MuTransport t) {
  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < t->info->dim; ++axis) {
    const PetscReal *a, *b;
    PetscCall(VecGetArrayRead(t->a[axis], &a));
    PetscCall(VecGetArrayRead(t->b[axis], &b));
    PetscCall(factor_axis(t, axis, a, b));
    PetscCall(VecRestoreArrayRead(t->b[axis], &b));
    PetscCall(VecRestoreArrayRead(t->a[axis], &a));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_axis(MuTransport t, PetscInt axis, const PetscReal *r, PetscReal *x) {
  Split *s = t->data;

  PetscFunctionBegin;
  if (t->info->dim == 1) {
    PetscCall(gather_line(t, r, s->work[0]));
    PetscCall(MuLinesSolve(s->lines[0], s->work[0], s->work[0]));
    memcpy(x, s->work[0] + t->info->first_row, sizeof(PetscReal) * (size_t)t->info->rows);
  } else if (axis == 1 && s->transpose) {
    PetscCall(MuTransposeForward(s->transpose, r, s->work[0]));
    PetscCall(MuLinesSolve(s->lines[1], s->work[0], s->work[0]));
    PetscCall(MuTransposeBackward(s->transpose, s->work[0], x));
  } else {
    PetscCall(MuLinesSolve(s->lines[axis], r, x));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode split_solve(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1) {
  const PetscInt first = t->info->dim == 2 && reversed ? 1 : 0;
  const PetscReal *r = NULL;
  PetscReal *x;

  PetscFunctionBegin;
  if (rho0 != rho1) PetscCall(VecGetArrayRead(rho0, &r));
  PetscCall(VecGetArray(rho1, &x));
  PetscCall(solve_axis(t, first, r ? r : x, x));
  if (t->info->dim == 2) PetscCall(solve_axis(t, 1 - first, x, x));
  PetscCall(VecRestoreArray(rho1, &x));
  if (rho0 != rho1) PetscCall(VecRestoreArrayRead(rho0, &r));
  PetscFunctionReturn(0);
}

const MuTransportOps MuTransportSplit = {
    .name = "dimension_split",
    .formula = "(I + dt div_y J_y)^-1 (I + dt div_x J_x)^-1",
    .create = split_create,
    .set_up = split_set_up,
    .solve = split_solve,
    .destroy = split_destroy,
};
