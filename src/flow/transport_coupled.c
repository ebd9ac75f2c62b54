/* coupled: generalised conjugate residuals with the multigrid preconditioner, on the densities
   themselves.

   A = I + dt div J has column sums one and a non-negative inverse, so |A^-1|_1 = 1 and the error of
   rho1 in L1 is at most the residual in L1. That is the stopping test. (A symmetrised iteration
   measures the residual in a norm weighted with 1/pi, which cells with hardly any mass dominate.)
   The first guess is the dimension-split step. If the iteration stalls, which only happens on
   wildly varying coefficients, the system is factored, and the factors serve until the next
   set-up.

   Eisenstat, Elman and Schultz, SIAM J. Numer. Anal. 20 (1983). */
#include "flow/transport.h"
#include "flow/transport_impl.h"
#include "linear/multigrid.h"

#include <math.h>

#define DIRECTIONS  10      /* directions kept before a restart */
#define MOST        80      /* iterations before it counts as stalled */
#define MOST_DIRECT 4194304 /* most cells that are factored after a stall */

typedef struct {
  MuTransportMultigrid mg;
  MuTransportOperator op;
  MuTransport split, direct; /* direct: NULL until it is needed */
  PetscReal *residual, *rhs;
  PetscReal *search[DIRECTIONS], *image[DIRECTIONS]; /* images are orthonormal */
  PetscReal coefficient[DIRECTIONS][DIRECTIONS], step[DIRECTIONS];
} Coupled;

static PetscErrorCode coupled_create(MuTransport t) {
  const PetscInt n = t->info->local_size;
  Coupled *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  t->data = s;
  PetscCall(MuTransportMultigridCreate(t->grid, &s->mg));
  PetscCall(MuTransportOperatorCreate(t->grid, &s->op));
  PetscCall(MuTransportCreateCompanion(t, &MuTransportSplit, &s->split));
  PetscCall(PetscMalloc2(n, &s->residual, n, &s->rhs));
  for (PetscInt k = 0; k < DIRECTIONS; ++k)
    PetscCall(PetscMalloc2(n, &s->search[k], n, &s->image[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode coupled_destroy(MuTransport t) {
  Coupled *s = t->data;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuTransportMultigridDestroy(&s->mg));
  PetscCall(MuTransportOperatorDestroy(&s->op));
  PetscCall(MuTransportDestroy(&s->split));
  PetscCall(MuTransportDestroy(&s->direct));
  PetscCall(PetscFree2(s->residual, s->rhs));
  for (PetscInt k = 0; k < DIRECTIONS; ++k) PetscCall(PetscFree2(s->search[k], s->image[k]));
  PetscCall(PetscFree(s));
  t->data = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode coupled_set_up(MuTransport t) {
  Coupled *s = t->data;

  PetscFunctionBegin;
  PetscCall(MuTransportMultigridSetUp(s->mg, t));
  PetscCall(MuTransportOperatorSetUp(s->op, t));
  PetscCall(MuTransportSetUp(s->split, t->dt));
  if (s->direct) s->direct->ready = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ sums over chunks and lanes */

#define CHUNK 1024
#define LANES 8

static inline PetscReal inner(PetscInt n, const PetscReal *restrict x,
                              const PetscReal *restrict y) {
  PetscReal lane[LANES] = {0}, sum = 0;
  PetscInt i = 0;
  for (; i + LANES <= n; i += LANES)
    for (PetscInt l = 0; l < LANES; ++l) lane[l] += x[i + l] * y[i + l];
  for (; i < n; ++i) sum += x[i] * y[i];
  for (PetscInt l = 0; l < LANES; ++l) sum += lane[l];
  return sum;
}

static inline PetscReal size_l1(PetscInt n, const PetscReal *x) {
  PetscReal lane[LANES] = {0}, sum = 0;
  PetscInt i = 0;
  for (; i + LANES <= n; i += LANES)
    for (PetscInt l = 0; l < LANES; ++l) lane[l] += fabs(x[i + l]);
  for (; i < n; ++i) sum += fabs(x[i]);
  for (PetscInt l = 0; l < LANES; ++l) sum += lane[l];
  return sum;
}

static inline void add(PetscInt n, PetscReal factor, const PetscReal *restrict x,
                       PetscReal *restrict y) {
  for (PetscInt i = 0; i < n; ++i) y[i] += factor * x[i];
}

/* Takes the components along images 0..k-1 out of image k (classical Gram-Schmidt; the image of a
   good preconditioner is far from their span) and gives the step that minimises |r - step image|.
 */
static PetscErrorCode orthogonalise(MuTransport t, PetscInt k) {
  Coupled *s = t->data;
  const PetscInt n = t->info->local_size;
  PetscReal h[DIRECTIONS] = {0}, pair[2] = {0};

  PetscFunctionBegin;
  if (k > 0) {
    for (PetscInt i = 0; i < n; i += CHUNK)
      for (PetscInt j = 0; j < k; ++j)
        h[j] += inner(PetscMin(CHUNK, n - i), s->image[j] + i, s->image[k] + i);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, h, (PetscMPIInt)k, MPIU_REAL, MPI_SUM, t->info->comm));
  }
  for (PetscInt j = 0; j < k; ++j) h[j] = s->coefficient[j][k] = h[j] / s->coefficient[j][j];
  for (PetscInt i = 0; i < n; i += CHUNK) {
    const PetscInt m = PetscMin(CHUNK, n - i);
    for (PetscInt j = 0; j < k; ++j) add(m, -h[j], s->image[j] + i, s->image[k] + i);
    pair[0] += inner(m, s->image[k] + i, s->image[k] + i);
    pair[1] += inner(m, s->image[k] + i, s->residual + i);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pair, 2, MPIU_REAL, MPI_SUM, t->info->comm));
  s->coefficient[k][k] = pair[0];
  s->step[k] = pair[0] > 0 ? pair[1] / pair[0] : 0;
  PetscFunctionReturn(0);
}

/* residual -= step image; its new size in L1. */
static PetscErrorCode advance(MuTransport t, PetscInt k, PetscReal *size) {
  Coupled *s = t->data;
  const PetscInt n = t->info->local_size;

  PetscFunctionBegin;
  *size = 0;
  for (PetscInt i = 0; i < n; i += CHUNK) {
    const PetscInt m = PetscMin(CHUNK, n - i);
    add(m, -s->step[k], s->image[k] + i, s->residual + i);
    *size += size_l1(m, s->residual + i);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, size, 1, MPIU_REAL, MPI_SUM, t->info->comm));
  PetscFunctionReturn(0);
}

/* x += the combination of `count` search directions whose image is sum step_k image_k. */
static void update(MuTransport t, PetscInt count, PetscReal *x) {
  Coupled *s = t->data;
  const PetscInt n = t->info->local_size;
  PetscReal y[DIRECTIONS];

  for (PetscInt k = count - 1; k >= 0; --k) {
    y[k] = s->step[k];
    for (PetscInt j = k + 1; j < count; ++j) y[k] -= s->coefficient[k][j] * y[j];
  }
  for (PetscInt i = 0; i < n; i += CHUNK)
    for (PetscInt k = 0; k < count; ++k) add(PetscMin(CHUNK, n - i), y[k], s->search[k] + i, x + i);
}

/* Directions until the residual is below `goal`, or to a restart; the residual is that of the
   recurrence. */
static PetscErrorCode search(MuTransport t, PetscReal goal, PetscReal *size, PetscReal *x) {
  Coupled *s = t->data;
  PetscInt k = 0;

  PetscFunctionBegin;
  while (k<DIRECTIONS && * size> goal && t->iterations < MOST) {
    PetscCall(MuTransportMultigridApply(s->mg, s->residual, t->info->inside / *size, s->search[k]));
    PetscCall(MuTransportOperatorResidual(s->op, NULL, s->search[k], s->image[k], NULL));
    PetscCall(orthogonalise(t, k));
    PetscCall(advance(t, k, size));
    ++k;
    ++t->iterations;
  }
  update(t, k, x);
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
  PetscReal size = 0, goal = 0, before = PETSC_MAX_REAL;

  PetscFunctionBegin;
  PetscCall(true_residual(t, mass, x, &size, &goal));
  while (size > goal && size < 0.5 * before && t->iterations < MOST) {
    before = size;
    PetscCall(search(t, goal, &size, x));
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
  PetscReal *x, mass = size_l1(t->info->local_size, s->rhs);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mass, 1, MPIU_REAL, MPI_SUM, t->info->comm));
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
    .create = coupled_create,
    .set_up = coupled_set_up,
    .solve = coupled_solve,
    .destroy = coupled_destroy,
};
