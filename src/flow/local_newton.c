/* Newton's method for implicit Euler along a local transport in 2-D, with an assembled Jacobian.

   Where DF is a function of the density of the cell alone, the flux of a face is a function
   J_f(rho_lower, rho_upper) of two numbers, and its two derivatives are coefficients a' =
   dJ/drho_lower and b' = -dJ/drho_upper of a matrix like that of a linear transport step: column
   sums one, so that the corrections keep the mass. Cells are coloured like a
   chessboard, with a third colour where an odd periodic axis needs it. The cells of a face then
   have different colours, and one more filling of the coefficients of linearization.c for each
   colour, whose densities are raised by a relative EPSILON, gives all derivatives. A derivative
   that is smaller than the rounding of its difference (a near-empty cell next to a full one) is
   replaced by the coefficient itself, that of the linearly implicit step. A correction that does
   not lower the residual in L1 is halved. */
#include "flow/flow_impl.h"
#include "flow/transport.h"
#include "flow/transport_impl.h"

#include <math.h>

#define EPSILON   1e-7
#define NOISE     1e-3  /* largest relative rounding of a derivative */
#define LINEAR    1e-3  /* residual of a correction, relative to that of the step */
#define TOLERANCE 1e-12 /* L1 residual over the mass */
#define MOST      11    /* corrections */
#define HALVINGS  3

struct _p_MuLocalNewton {
  MuFlow flow;
  MuLinearization linearization; /* borrowed, like the two that follow */
  MuTransport exact, raised;     /* coefficients at the iterate, and with one colour raised */
  MuTransport matrix;            /* I + dt div (a', b') */
  MuTransportOperator op;        /* of `exact` */
  Vec trial, residual, correction;
  PetscReal *below; /* [row_length] */
};

PetscErrorCode MuLocalNewtonCreate(MuFlow flow, MuLinearization linearization, MuTransport exact,
                                   MuTransport raised, MuLocalNewton *newton) {
  MuLocalNewton n;
  PetscBool has[MU_DF_PARTS], local;
  Vec ones;

  PetscFunctionBegin;
  *newton = NULL;
  PetscCall(MuGeometryTransportIsLocal(flow->geometry, &local));
  PetscCall(VecDuplicate(flow->rho, &ones));
  PetscCall(VecSet(ones, 1));
  PetscCall(MuGridApplyMask(flow->grid, ones));
  PetscCall(MuEnergyTransportParts(flow->energy, ones, (Vec[MU_DF_PARTS]){NULL}, has));
  PetscCall(VecDestroy(&ones));
  if (!local || has[MU_DF_FROZEN] || !(has[MU_DF_RELATIVE] || has[MU_DF_LOCAL]) ||
      flow->info->dim != 2)
    PetscFunctionReturn(0);
  PetscCall(PetscNew(&n));
  *newton = n;
  n->flow = flow;
  n->linearization = linearization;
  n->exact = exact;
  n->raised = raised;
  PetscCall(MuTransportCreate(flow->grid, MU_TRANSPORT_COUPLED, &n->matrix));
  PetscCall(MuTransportSetTolerance(n->matrix, LINEAR));
  PetscCall(MuTransportOperatorCreate(flow->grid, &n->op));
  PetscCall(MuGridCreateField(flow->grid, &n->trial));
  PetscCall(MuGridCreateField(flow->grid, &n->residual));
  PetscCall(MuGridCreateField(flow->grid, &n->correction));
  PetscCall(PetscCalloc1(flow->info->row_length, &n->below));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLocalNewtonDestroy(MuLocalNewton *newton) {
  MuLocalNewton n = *newton;

  PetscFunctionBegin;
  *newton = NULL;
  if (!n) PetscFunctionReturn(0);
  PetscCall(MuTransportDestroy(&n->matrix));
  PetscCall(MuTransportOperatorDestroy(&n->op));
  PetscCall(VecDestroy(&n->trial));
  PetscCall(VecDestroy(&n->residual));
  PetscCall(VecDestroy(&n->correction));
  PetscCall(PetscFree(n->below));
  PetscCall(PetscFree(n));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the matrix */

/* (after - before)/step, or `otherwise` where the rounding of fluxes of this size hides a
 * derivative of this scale. */
static inline PetscReal derivative(PetscReal before, PetscReal after, PetscReal size,
                                   PetscReal step, PetscReal scale, PetscReal otherwise) {
  const PetscReal value = (after - before) / step;
  if (!(step * scale * NOISE > PETSC_MACHINE_EPSILON * size)) return otherwise;
  return PetscIsInfOrNanReal(value) ? otherwise : value;
}

/* One row of faces of an axis. */
typedef struct {
  const PetscReal *low, *up, *a, *b, *raised_a, *raised_b;
  PetscReal *out_a, *out_b;
} Row;

static inline void derive_face(const Row *w, PetscInt c, PetscReal low, PetscBool raise_upper) {
  const PetscReal up = w->up[c], in = w->a[c] * low, out = w->b[c] * up;
  const PetscReal scale = w->a[c] + w->b[c];
  if (raise_upper) {
    PetscReal after = w->raised_a[c] * low - w->raised_b[c] * up * (1 + EPSILON);
    w->out_b[c] = -derivative(in - out, after, in + out, EPSILON * up, scale, -w->b[c]);
  } else {
    PetscReal after = w->raised_a[c] * low * (1 + EPSILON) - w->raised_b[c] * up;
    w->out_a[c] = derivative(in - out, after, in + out, EPSILON * low, scale, w->a[c]);
  }
}

/* Two, or three where an odd periodic axis closes a circle. */
static PetscInt colours(const MuGridInfo *info) {
  for (PetscInt axis = 0; axis < 2; ++axis)
    if (info->periodic[axis] && info->cells[axis] % 2) return 3;
  return 2;
}

/* 0, 1, 0, 1, ..., and 2 at the end of an odd circle. */
static PetscInt axis_colour(const MuGridInfo *info, PetscInt axis, PetscInt i) {
  const PetscInt last = info->cells[axis] - 1;
  return info->periodic[axis] && i == last && last % 2 == 0 ? 2 : i % 2;
}

/* Of the cell in column c and global row `row`. */
static PetscInt colour_of(const MuGridInfo *info, PetscInt c, PetscInt row) {
  return (axis_colour(info, 0, c) + axis_colour(info, 1, row)) % colours(info);
}

/* The derivatives in the raised colour; `row` is the global row. */
static void derive_row(const MuGridInfo *info, PetscInt axis, PetscInt row, PetscInt colour,
                       const Row *w) {
  const PetscInt below = row ? row - 1 : info->total_rows - 1;
  for (PetscInt c = 0; c < info->row_length; ++c) {
    const PetscInt left = c ? c - 1 : info->row_length - 1;
    const PetscInt lower = axis == 0 ? colour_of(info, left, row) : colour_of(info, c, below);
    const PetscBool upper_raised = (PetscBool)(colour_of(info, c, row) == colour);
    if (upper_raised == (PetscBool)(lower == colour)) continue;
    derive_face(w, c, axis == 0 ? w->up[left] : w->low[c], upper_raised);
  }
}

static PetscErrorCode derive_axis(MuLocalNewton n, PetscInt axis, PetscInt colour, Vec rho) {
  const MuGridInfo *info = n->flow->info;
  const PetscInt length = info->row_length;
  Row first = {.up = NULL};

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &first.up));
  PetscCall(VecGetArrayRead(n->exact->a[axis], &first.a));
  PetscCall(VecGetArrayRead(n->exact->b[axis], &first.b));
  PetscCall(VecGetArrayRead(n->raised->a[axis], &first.raised_a));
  PetscCall(VecGetArrayRead(n->raised->b[axis], &first.raised_b));
  PetscCall(VecGetArray(n->matrix->a[axis], &first.out_a));
  PetscCall(VecGetArray(n->matrix->b[axis], &first.out_b));
  PetscCall(MuGridExchangeRows(n->flow->grid, first.up, n->below, NULL));
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt at = r * length;
    const Row w = {.low = r ? first.up + at - length : n->below,
                   .up = first.up + at,
                   .a = first.a + at,
                   .b = first.b + at,
                   .raised_a = first.raised_a + at,
                   .raised_b = first.raised_b + at,
                   .out_a = first.out_a + at,
                   .out_b = first.out_b + at};
    derive_row(info, axis, info->first_row + r, colour, &w);
  }
  PetscCall(VecRestoreArray(n->matrix->b[axis], &first.out_b));
  PetscCall(VecRestoreArray(n->matrix->a[axis], &first.out_a));
  PetscCall(VecRestoreArrayRead(n->raised->b[axis], &first.raised_b));
  PetscCall(VecRestoreArrayRead(n->raised->a[axis], &first.raised_a));
  PetscCall(VecRestoreArrayRead(n->exact->b[axis], &first.b));
  PetscCall(VecRestoreArrayRead(n->exact->a[axis], &first.a));
  PetscCall(VecRestoreArrayRead(rho, &first.up));
  PetscFunctionReturn(0);
}

static PetscErrorCode raise_colour(MuLocalNewton n, PetscInt colour, Vec rho, Vec raised) {
  const MuGridInfo *info = n->flow->info;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecCopy(rho, raised));
  PetscCall(VecGetArray(raised, &x));
  for (PetscInt r = 0; r < info->rows; ++r)
    for (PetscInt c = 0; c < info->row_length; ++c)
      if (colour_of(info, c, info->first_row + r) == colour)
        x[r * info->row_length + c] *= 1 + EPSILON;
  PetscCall(VecRestoreArray(raised, &x));
  PetscFunctionReturn(0);
}

/* The matrix at rho, whose coefficients `exact` holds. */
static PetscErrorCode assemble(MuLocalNewton n, PetscReal dt, Vec rho) {
  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(VecCopy(n->exact->a[axis], n->matrix->a[axis]));
    PetscCall(VecCopy(n->exact->b[axis], n->matrix->b[axis]));
  }
  for (PetscInt colour = 0; colour < colours(n->flow->info); ++colour) {
    PetscCall(raise_colour(n, colour, rho, n->trial));
    PetscCall(MuLinearizationFill(n->linearization, n->trial, n->raised));
    for (PetscInt axis = 0; axis < 2; ++axis) PetscCall(derive_axis(n, axis, colour, rho));
  }
  PetscCall(MuTransportSetUp(n->matrix, dt));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the iteration */

/* residual = start - rho - dt div J(rho); *size its sum of moduli, *goal that at which it counts as
 * solved. */
static PetscErrorCode evaluate(MuLocalNewton n, PetscReal dt, Vec start, Vec rho, PetscReal *size,
                               PetscReal *goal) {
  const PetscReal *from, *x;
  PetscReal *r, sums[2], mass;

  PetscFunctionBegin;
  PetscCall(MuLinearizationFill(n->linearization, rho, n->exact));
  n->exact->dt = dt;
  PetscCall(MuTransportOperatorSetUp(n->op, n->exact));
  PetscCall(VecGetArrayRead(start, &from));
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArray(n->residual, &r));
  PetscCall(MuTransportOperatorResidual(n->op, from, x, r, sums));
  PetscCall(VecRestoreArray(n->residual, &r));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCall(VecRestoreArrayRead(start, &from));
  PetscCall(VecNorm(start, NORM_1, &mass));
  *size = sums[0];
  *goal = PetscMax(TOLERANCE * mass, 2 * PETSC_MACHINE_EPSILON * sums[1]);
  PetscFunctionReturn(0);
}

/* rho <- (rho + correction)_+, halved until the residual falls; *better is false if it does not. */
static PetscErrorCode correct(MuLocalNewton n, PetscReal dt, Vec start, Vec rho, PetscReal *size,
                              PetscReal *goal, PetscBool *better) {
  PetscReal scale = 1, now = *size;

  PetscFunctionBegin;
  *better = PETSC_FALSE;
  for (PetscInt k = 0; k <= HALVINGS && !*better; ++k, scale /= 2) {
    PetscCall(VecWAXPY(n->trial, scale, n->correction, rho));
    PetscCall(MuFlowPositivePart(n->flow, n->trial, n->trial, NULL));
    PetscCall(evaluate(n, dt, start, n->trial, &now, goal));
    *better = (PetscBool)(now < *size || now <= *goal);
  }
  *size = now;
  if (*better) PetscCall(VecCopy(n->trial, rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLocalNewtonSolve(MuLocalNewton n, PetscReal dt, Vec start, Vec rho,
                                  PetscInt *solves, PetscBool *converged) {
  PetscReal size, goal;
  PetscBool better = PETSC_TRUE;

  PetscFunctionBegin;
  *converged = PETSC_FALSE;
  PetscCall(evaluate(n, dt, start, rho, &size, &goal));
  for (*solves = 0; size > goal && *solves < MOST && better; ++*solves) {
    PetscCall(assemble(n, dt, rho));
    PetscCall(MuTransportSolve(n->matrix, PETSC_FALSE, n->residual, n->correction));
    PetscCall(correct(n, dt, start, rho, &size, &goal, &better));
  }
  *converged = (PetscBool)(size <= goal);
  PetscFunctionReturn(0);
}
