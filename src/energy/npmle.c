/* Nonparametric maximum likelihood: F = KL(pi given q) = int pi log(pi/q) - pi + q, q = k*rho,
   DF = k*(1 - pi/q). Its minimiser deconvolves the target; an explicit Euler step of length 1 of
   fisher_rao is the EM step of the mixture model. Yan, Wang and Rigollet, Learning Gaussian
   mixtures using the Wasserstein-Fisher-Rao gradient flow (2023).

   Discrete gradient: F(q1) - F(q0) = <q1 - q0, 1 - pi/L>, L the logarithmic mean of q0 and q1, so
   that G = k*(1 - pi/L), as k is symmetric.

   q is a convolution by FFT, exact to rounding of its largest value only; on the grid kernels
   narrower than a cell also have weights below 0. So the share of F is continued below a floor,
   which is the same for all densities, by its tangent there: F stays convex with a continuous DF,
   and the identity stays exact. Where the target has mass in such cells, log q is not known, and
   the energy is refused: the error of F is about int pi noise/q and, below the floor, int pi (1 +
   (floor - q)/floor), which is asked to be below TOLERATED of the mass of pi. Where pi = 0 the
   share is q. */
#include "energy/smoothed.h"
#include "grid/arrays.h"

#include <math.h>

#define TOLERATED 1e-8

/* The rounding of a convolution by FFT relative to its largest value: measured 1 to 4 units in the
   last place on grids up to 2048^2, so that this is on the safe side. */
#define CONVOLUTION_NOISE (8 * PETSC_MACHINE_EPSILON)

typedef struct {
  Vec q[2], image;
  PetscReal floor; /* the noise of the largest k*rho of a density with the mass of pi */
} Npmle;

static PetscErrorCode find_floor(MuTerm *term, Npmle *own) {
  const MuShared *shared = term->shared;
  PetscReal mass = 0, diagonal;

  PetscFunctionBegin;
  PetscCall(MuConvolutionGetDiagonal(term->convolution, &diagonal));
  for (PetscInt i = 0; i < shared->n; ++i) mass += shared->pi[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mass, 1, MPIU_REAL, MPI_SUM, shared->info->comm));
  own->floor = PetscMax(CONVOLUTION_NOISE * diagonal * mass, MU_MIN_NORMAL);
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuTerm *term) {
  Npmle *own;

  PetscFunctionBegin;
  PetscCall(MuSmoothedCheckKernel(term));
  PetscCall(PetscNew(&own));
  term->data = own;
  PetscCall(MuGridCreateField(term->shared->grid, &own->q[0]));
  PetscCall(MuGridCreateField(term->shared->grid, &own->q[1]));
  PetscCall(MuGridCreateField(term->shared->grid, &own->image));
  PetscCall(find_floor(term, own));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Npmle *own = term->data;

  PetscFunctionBegin;
  if (!own) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&own->q[0]));
  PetscCall(VecDestroy(&own->q[1]));
  PetscCall(VecDestroy(&own->image));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

/* q[k] = k*rho, its logarithm known where pi has mass. */
static PetscErrorCode smooth(MuTerm *term, PetscInt k, Vec rho) {
  const Npmle *own = term->data;
  const PetscReal *pi = term->shared->pi, floor = own->floor, *q;
  PetscReal noise, sums[2] = {0};

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->convolution, rho, own->q[k]));
  PetscCall(VecMax(own->q[k], NULL, &noise));
  noise = PetscMax(CONVOLUTION_NOISE * noise, MU_MIN_NORMAL);
  PetscCall(VecGetArrayRead(own->q[k], &q));
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    const PetscReal below = PetscMax(noise / floor, 1) + (floor - q[i]) / floor;
    if (pi[i] > 0) sums[0] += pi[i] * (q[i] >= floor ? noise / q[i] : below);
    sums[1] += pi[i];
  }
  PetscCall(VecRestoreArrayRead(own->q[k], &q));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, term->shared->info->comm));
  if (!(sums[0] <= TOLERATED * sums[1]))
    return MuError(MU_ERR_NUMERICS,
                   "energy_%s: k*rho is lost in rounding where the target has mass (F would be "
                   "wrong by about %.1e); take a wider energy_kernel_bandwidth or an initial "
                   "density nearer to the target",
                   term->ops->name, sums[1] > 0 ? sums[0] / sums[1] : INFINITY);
  PetscFunctionReturn(0);
}

/* max(q[0], floor) or, with both states, their mean: df = k*(1 - pi/mean) */
static PetscErrorCode fill_derivative(MuTerm *term, const PetscReal *mean, PetscReal *df) {
  const Npmle *own = term->data;
  const MuShared *shared = term->shared;
  const PetscReal *image;
  PetscReal *ratio;

  PetscFunctionBegin;
  PetscCall(VecGetArray(own->image, &ratio));
  for (PetscInt i = 0; i < shared->n; ++i)
    ratio[i] = !shared->info->mask[i] ? 0
               : shared->pi[i] > 0    ? 1 - shared->pi[i] / PetscMax(mean[i], own->floor)
                                      : 1;
  PetscCall(VecRestoreArray(own->image, &ratio));
  PetscCall(MuConvolutionApply(term->convolution, own->image, own->image));
  PetscCall(VecGetArrayRead(own->image, &image));
  PetscCall(PetscArraycpy(df, image, shared->n));
  PetscCall(VecRestoreArrayRead(own->image, &image));
  PetscFunctionReturn(0);
}

/* pi log(pi/q) - pi + q = q h(pi/q), which keeps its digits where the two are close */
static void fill_shares(const MuShared *shared, PetscReal floor, const PetscReal *q, PetscReal *f) {
  const PetscReal *pi = shared->pi, *log_pi = shared->log_pi, log_floor = log(floor);
  PetscReal *log_q = shared->work[0];

  MuArrayLog(shared->n, q, log_q);
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscBool low = (PetscBool)(q[i] < floor);
    const PetscReal log_of = low ? log_floor : log_q[i], at = low ? floor : q[i];
    const PetscReal t = pi[i] > 0 ? MuRelativeLog(pi[i], at, log_pi[i], log_of) : 0;
    f[i] = pi[i] > 0 ? pi[i] * t - (pi[i] - at) : q[i];
    if (low && pi[i] > 0) f[i] += (1 - pi[i] / floor) * (q[i] - floor);
  }
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const Npmle *own = term->data;
  const PetscReal *q;

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, state->field));
  PetscCall(VecGetArrayRead(own->q[0], &q));
  if (f) fill_shares(term->shared, own->floor, q, f);
  if (df) PetscCall(fill_derivative(term, q, df));
  PetscCall(VecRestoreArrayRead(own->q[0], &q));
  PetscFunctionReturn(0);
}

/* The mean L of two numbers of which one at least is below the floor: (hi - lo)/L is the difference
   of log q, continued by its tangent. */
static PetscReal low_mean(PetscReal floor, PetscReal a, PetscReal b) {
  const PetscReal low = PetscMin(a, b), high = PetscMax(a, b);
  if (high <= floor) return floor;
  return (high - low) / (log(high / floor) + (floor - low) / floor);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const Npmle *own = term->data;
  PetscReal *mean = term->shared->work[0];
  const PetscReal *q0, *q1;

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, pair->a->field));
  PetscCall(smooth(term, 1, pair->b->field));
  PetscCall(VecGetArrayRead(own->q[0], &q0));
  PetscCall(VecGetArrayRead(own->q[1], &q1));
  MuArrayLogarithmicMean(term->shared->n, q0, q1, mean);
  for (PetscInt i = 0; i < term->shared->n; ++i)
    if (term->shared->pi[i] > 0 && PetscMin(q0[i], q1[i]) < own->floor)
      mean[i] = low_mean(own->floor, q0[i], q1[i]);
  PetscCall(VecRestoreArrayRead(own->q[1], &q1));
  PetscCall(VecRestoreArrayRead(own->q[0], &q0));
  PetscCall(fill_derivative(term, mean, g));
  PetscFunctionReturn(0);
}

static const MuTermLimit limits[] = {
    {.parameters = "bandwidth", .to = &MuTermInclusiveKL, .order = 2}, {.parameters = NULL}};

const MuTermOps MuTermNpmle = {
    .name = "npmle",
    .formula = "KL(pi given k*rho)",
    .form = MU_FORM_LIKELIHOOD,
    .needs = MU_NEEDS_TARGET | MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .limits = limits,
    .convex = PETSC_TRUE,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
