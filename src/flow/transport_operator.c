/* The unsplit transport operator A = I + dt div J on plain arrays. Every flux is added to one cell
   and taken from its neighbour as the same number, so that sum (A x)_i = sum x_i to rounding. */
#include "flow/transport.h"
#include "flow/transport_impl.h"

#include <math.h>

#define LANES 8

struct _p_MuTransportOperator {
  MuGrid grid;
  const MuGridInfo *info;
  Vec a[2], b[2]; /* borrowed */
  PetscReal dt;
  PetscReal *a_above, *b_above, *below, *above, *scale; /* rows [row_length] */
};

PetscErrorCode MuTransportOperatorCreate(MuGrid grid, MuTransportOperator *op) {
  MuTransportOperator o;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(PetscNew(&o));
  PetscCall(MuGridReference(grid));
  o->grid = grid;
  PetscCall(MuGridGetInfo(grid, &o->info));
  n = o->info->row_length;
  PetscCall(PetscCalloc5(n, &o->a_above, n, &o->b_above, n, &o->below, n, &o->above, n, &o->scale));
  *op = o;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportOperatorDestroy(MuTransportOperator *op) {
  MuTransportOperator o = *op;

  PetscFunctionBegin;
  *op = NULL;
  if (!o) PetscFunctionReturn(0);
  PetscCall(PetscFree5(o->a_above, o->b_above, o->below, o->above, o->scale));
  PetscCall(MuGridDestroy(&o->grid));
  PetscCall(PetscFree(o));
  PetscFunctionReturn(0);
}

static PetscErrorCode fetch_above(MuTransportOperator o, Vec v, PetscReal *above) {
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(v, &x));
  PetscCall(MuGridExchangeRows(o->grid, x, NULL, above));
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportOperatorSetUp(MuTransportOperator o, MuTransport t) {
  PetscFunctionBegin;
  o->dt = t->dt;
  for (PetscInt axis = 0; axis < t->info->dim; ++axis) {
    o->a[axis] = t->a[axis];
    o->b[axis] = t->b[axis];
  }
  PetscCall(fetch_above(o, o->a[o->info->slow_axis], o->a_above));
  PetscCall(fetch_above(o, o->b[o->info->slow_axis], o->b_above));
  PetscFunctionReturn(0);
}

/* One row of everything; `upper_*` belong to the row above. */
typedef struct {
  const PetscReal *ax, *bx, *ay, *by, *upper_ay, *upper_by, *x, *below, *above, *rhs;
  PetscReal *r, *scale;
} Row;

/* left and right are x_(c-1) and x_(c+1), upper the x-face above the cell. */
static inline void apply_cell(const Row *w, PetscReal dt, PetscInt c, PetscInt left, PetscInt right,
                              PetscBool wall) {
  PetscReal here = w->x[c], out_right = wall ? 0 : w->ax[right], in_right = wall ? 0 : w->bx[right];
  PetscReal x_flux =
      (out_right * here - in_right * w->x[right]) - (w->ax[c] * w->x[left] - w->bx[c] * here);
  PetscReal y_flux = (w->upper_ay[c] * here - w->upper_by[c] * w->above[c]) -
                     (w->ay[c] * w->below[c] - w->by[c] * here);
  PetscReal image = here + dt * (x_flux + y_flux);
  PetscReal diagonal = 1 + dt * (out_right + w->bx[c] + w->upper_ay[c] + w->by[c]);
  w->r[c] = w->rhs ? w->rhs[c] - image : image;
  w->scale[c] = fabs(diagonal * here);
}

static void apply_inner(const Row *w, PetscReal dt, PetscInt n) {
  const PetscReal *restrict ax = w->ax, *restrict bx = w->bx, *restrict ay = w->ay;
  const PetscReal *restrict by = w->by, *restrict upper_ay = w->upper_ay;
  const PetscReal *restrict upper_by = w->upper_by, *restrict x = w->x;
  const PetscReal *restrict below = w->below, *restrict above = w->above;
  PetscReal *restrict r = w->r, *restrict scale = w->scale;

  for (PetscInt c = 1; c < n - 1; ++c) {
    PetscReal x_flux =
        (ax[c + 1] * x[c] - bx[c + 1] * x[c + 1]) - (ax[c] * x[c - 1] - bx[c] * x[c]);
    PetscReal y_flux =
        (upper_ay[c] * x[c] - upper_by[c] * above[c]) - (ay[c] * below[c] - by[c] * x[c]);
    scale[c] = fabs((1 + dt * (ax[c + 1] + bx[c] + upper_ay[c] + by[c])) * x[c]);
    r[c] = x[c] + dt * (x_flux + y_flux);
  }
  if (w->rhs)
    for (PetscInt c = 1; c < n - 1; ++c) r[c] = w->rhs[c] - r[c];
}

static PetscReal sum_of_sizes(PetscInt n, const PetscReal *x) {
  PetscReal lane[LANES] = {0}, sum = 0;
  PetscInt i = 0;
  for (; i + LANES <= n; i += LANES)
    for (PetscInt l = 0; l < LANES; ++l) lane[l] += fabs(x[i + l]);
  for (; i < n; ++i) sum += fabs(x[i]);
  for (PetscInt l = 0; l < LANES; ++l) sum += lane[l];
  return sum;
}

static void apply_rows(MuTransportOperator o, Row first, PetscReal sums[2]) {
  const MuGridInfo *info = o->info;
  const PetscInt n = info->row_length;

  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscBool top = (PetscBool)(r == info->rows - 1);
    const PetscInt at = r * n;
    Row w = {.ax = first.ax + at,
             .bx = first.bx + at,
             .ay = first.ay + at,
             .by = first.by + at,
             .upper_ay = top ? o->a_above : first.ay + at + n,
             .upper_by = top ? o->b_above : first.by + at + n,
             .x = first.x + at,
             .below = r ? first.x + at - n : o->below,
             .above = top ? o->above : first.x + at + n,
             .rhs = first.rhs ? first.rhs + at : NULL,
             .r = first.r + at,
             .scale = o->scale};
    PetscBool wall = (PetscBool)!info->periodic[0];
    apply_cell(&w, o->dt, 0, n - 1, n > 1 ? 1 : 0, (PetscBool)(wall && n == 1));
    apply_inner(&w, o->dt, n);
    if (n > 1) apply_cell(&w, o->dt, n - 1, n - 2, 0, wall);
    if (sums) {
      sums[0] += sum_of_sizes(n, w.r);
      sums[1] += sum_of_sizes(n, w.scale);
    }
  }
}

PetscErrorCode MuTransportOperatorResidual(MuTransportOperator o, const PetscReal *rhs,
                                           const PetscReal *x, PetscReal *r, PetscReal sums[2]) {
  Row first = {.x = x, .r = r, .rhs = rhs};

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(o->a[0], &first.ax));
  PetscCall(VecGetArrayRead(o->b[0], &first.bx));
  PetscCall(VecGetArrayRead(o->a[1], &first.ay));
  PetscCall(VecGetArrayRead(o->b[1], &first.by));
  PetscCall(MuGridExchangeRows(o->grid, x, o->below, o->above));
  if (sums) sums[0] = sums[1] = 0;
  apply_rows(o, first, sums);
  PetscCall(VecRestoreArrayRead(o->b[1], &first.by));
  PetscCall(VecRestoreArrayRead(o->a[1], &first.ay));
  PetscCall(VecRestoreArrayRead(o->b[0], &first.bx));
  PetscCall(VecRestoreArrayRead(o->a[0], &first.ax));
  if (sums) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, o->info->comm));
  PetscFunctionReturn(0);
}
