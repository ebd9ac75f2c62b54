/* coupled: generalised conjugate residuals with a multigrid cycle in single precision as
   preconditioner, on the densities themselves.

   A = I + dt div J has column sums one and a non-negative inverse, so |A^-1|_1 = 1 and the error of
   rho1 in L1 is at most the residual in L1. That is the stopping test. (A symmetrised iteration
   measures the residual in a norm weighted with 1/pi, which cells with hardly any mass dominate.)
   The first guess is the dimension-split step. If the iteration stalls, which only happens on
   wildly varying coefficients, the system is factored, and the factors serve until the next
   set-up. */
#include "flow/transport_impl.h"
#include "linear/conjugate_residuals.h"
#include "linear/multigrid.h"

#define MOST        80      /* iterations before it counts as stalled */
#define MOST_DIRECT 4194304 /* most cells that are factored after a stall */

typedef struct {
  MuMultigrid mg;
  MuTransportOperator op;
  MuTransport split, direct; /* direct: NULL until it is needed */
  MuConjugateResiduals cr;
  PetscReal *residual, *rhs;
} Coupled;

static PetscErrorCode apply(void *ctx, const PetscReal *x, PetscReal *y) {
  Coupled *s = ((MuTransport)ctx)->data;

  PetscFunctionBegin;
  PetscCall(MuTransportOperatorResidual(s->op, NULL, x, y, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode precondition(void *ctx, const PetscReal *r, PetscReal size, PetscReal *z) {
  MuTransport t = ctx;

  PetscFunctionBegin;
  PetscCall(MuMultigridApply(((Coupled *)t->data)->mg, r, t->info->inside / size, z, NULL));
  PetscFunctionReturn(0);
}

static const MuConjugateResidualsOps system_ops = {.apply = apply, .precondition = precondition};

static PetscErrorCode coupled_create(MuTransport t) {
  const PetscInt n = t->info->local_size;
  Coupled *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  t->data = s;
  PetscCall(MuMultigridCreate(t->grid, PETSC_FALSE, PETSC_TRUE, &s->mg));
  PetscCall(MuTransportOperatorCreate(t->grid, &s->op));
  PetscCall(MuTransportCreateCompanion(t, &MuTransportSplit, &s->split));
  PetscCall(PetscMalloc2(n, &s->residual, n, &s->rhs));
  PetscCall(MuConjugateResidualsCreate(t->info->comm, n, &system_ops, t, &s->cr));
  PetscFunctionReturn(0);
}

static PetscErrorCode coupled_destroy(MuTransport t) {
  Coupled *s = t->data;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuMultigridDestroy(&s->mg));
  PetscCall(MuTransportOperatorDestroy(&s->op));
  PetscCall(MuTransportDestroy(&s->split));
  PetscCall(MuTransportDestroy(&s->direct));
  PetscCall(MuConjugateResidualsDestroy(&s->cr));
  PetscCall(PetscFree2(s->residual, s->rhs));
  PetscCall(PetscFree(s));
  t->data = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode coupled_set_up(MuTransport t) {
  const MuFaceMatrix matrix = MuTransportMatrix(t);
  Coupled *s = t->data;

  PetscFunctionBegin;
  PetscCall(MuMultigridSetUp(s->mg, &matrix));
  PetscCall(MuTransportOperatorSetUp(s->op, t));
  PetscCall(MuTransportSetUp(s->split, t->dt));
  if (s->direct) s->direct->ready = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* The residual of x and what it should be: tolerance * mass, or what rounding leaves of it. */
static PetscErrorCode true_residual(MuTransport t, PetscReal mass, const PetscReal *x,
                                    PetscReal *size, PetscReal *goal) {
  Coupled *s = t->data;
  PetscReal sums[2];

  PetscFunctionBegin;
  PetscCall(MuTransportOperatorResidual(s->op, s->rhs, x, s->residual, sums));
  *size = sums[0];
  *goal = PetscMax(t->tolerance * mass, 2 * PETSC_MACHINE_EPSILON * sums[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode iterate(MuTransport t, PetscReal mass, PetscReal *x, PetscBool *converged) {
  Coupled *s = t->data;
  PetscReal size = 0, goal = 0, before = PETSC_MAX_REAL;

  PetscFunctionBegin;
  PetscCall(true_residual(t, mass, x, &size, &goal));
  while (size > goal && size < 0.5 * before && t->iterations < MOST) {
    before = size;
    PetscCall(MuConjugateResidualsCycle(s->cr, goal, MOST - t->iterations, s->residual, x, &size,
                                        &t->iterations));
    PetscCall(true_residual(t, mass, x, &size, &goal));
  }
  *converged = (PetscBool)(size <= goal);
  PetscFunctionReturn(0);
}

/* The factorisation, made when it is first needed. */
static PetscErrorCode solve_directly(MuTransport t, Vec rho1) {
  Coupled *s = t->data;
  PetscReal *x;

  PetscFunctionBegin;
  if (t->info->total_rows * (PetscReal)t->info->row_length > MOST_DIRECT)
    return MuError(
        MU_ERR_NUMERICS,
        "time_transport_solver: the iteration of `coupled` stalled and %d x %d cells are "
        "too many to factor; use dimension_split or a smaller time_step",
        (int)t->info->cells[0], (int)t->info->cells[1]);
  PetscCall(VecGetArray(rho1, &x));
  PetscCall(PetscArraycpy(x, s->rhs, t->info->local_size));
  PetscCall(VecRestoreArray(rho1, &x));
  if (!s->direct) PetscCall(MuTransportCreateCompanion(t, &MuTransportDirect, &s->direct));
  if (!s->direct->ready) {
    PetscCall(MuTransportSetReversible(s->direct, t->log_pi));
    PetscCall(MuTransportSetUp(s->direct, t->dt));
  }
  s->direct->tolerance = t->tolerance;
  PetscCall(MuTransportSolve(s->direct, PETSC_FALSE, rho1, rho1));
  t->iterations += s->direct->iterations;
  PetscFunctionReturn(0);
}

/* From the dimension-split step; *converged is false if the iteration stalled. */
static PetscErrorCode solve_iteratively(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1,
                                        PetscBool *converged) {
  Coupled *s = t->data;
  PetscReal *x, mass;

  PetscFunctionBegin;
  PetscCall(VecNorm(rho0, NORM_1, &mass));
  PetscCall(MuTransportSolve(s->split, reversed, rho0, rho1));
  PetscCall(VecGetArray(rho1, &x));
  PetscCall(iterate(t, mass, x, converged));
  if (*converged) PetscCall(MuTransportRepair(t, s->rhs, x));
  PetscCall(VecRestoreArray(rho1, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode coupled_solve(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1) {
  Coupled *s = t->data;
  const PetscReal *r;
  PetscBool done = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho0, &r));
  PetscCall(PetscArraycpy(s->rhs, r, t->info->local_size));
  PetscCall(VecRestoreArrayRead(rho0, &r));
  if (!t->stalled) PetscCall(solve_iteratively(t, reversed, rho0, rho1, &done));
  t->stalled = (PetscBool)!done;
  if (!done) PetscCall(solve_directly(t, rho1));
  PetscFunctionReturn(0);
}

const MuTransportOps MuTransportCoupled = {
    .name = "coupled",
    .formula = "(I + dt div J)^-1 by multigrid",
    .reversible = PETSC_TRUE,
    .create = coupled_create,
    .set_up = coupled_set_up,
    .solve = coupled_solve,
    .destroy = coupled_destroy,
};
