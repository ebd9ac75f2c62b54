/* Nonparametric maximum likelihood: F = KL(pi given q) = int pi log(pi/q) - pi + q, q = k*rho,
   DF = k*(1 - pi/q). Its minimiser deconvolves the target; an explicit Euler step of length 1 of
   fisher_rao is the EM step of the mixture model. Yan, Wang and Rigollet, Learning Gaussian
   mixtures using the Wasserstein-Fisher-Rao gradient flow (2023).

   Discrete gradient: F(q1) - F(q0) = <q1 - q0, 1 - pi/L>, L the logarithmic mean of q0 and q1, so
   that G = k*(1 - pi/L), as k is symmetric.

   q is a convolution by FFT, exact to rounding of its largest value only. Where the target has mass
   in such cells, log q is not known, and the energy is refused: the error of F is about int pi
   min(1, noise/q), which is asked to be below TOLERATED of the mass of pi.

   Where pi = 0 the share of F is q, which stays linear in rho: kernels narrower than a cell have
   weights below 0 on the grid, and a floor of q there would break the identity. */
#include "energy/smoothed.h"
#include "grid/arrays.h"

#define TOLERATED 1e-8

typedef struct {
  Vec q[2], image;
} Npmle;

static PetscErrorCode create(MuTerm *term) {
  Npmle *own;

  PetscFunctionBegin;
  PetscCall(MuSmoothedCheckKernel(term));
  PetscCall(PetscNew(&own));
  term->data = own;
  PetscCall(MuGridCreateField(term->shared->grid, &own->q[0]));
  PetscCall(MuGridCreateField(term->shared->grid, &own->q[1]));
  PetscCall(MuGridCreateField(term->shared->grid, &own->image));
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
  const PetscReal *pi = term->shared->pi, *q;
  PetscReal noise, sums[2] = {0};

  PetscFunctionBegin;
  PetscCall(MuSmoothedFill(term, rho, own->q[k], &noise));
  PetscCall(VecGetArrayRead(own->q[k], &q));
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    if (pi[i] > 0) sums[0] += pi[i] * noise / q[i];
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

/* q[0] or, with both states, the logarithmic mean of q[0] and q[1] in `mean`: df = k*(1 - pi/mean)
 */
static PetscErrorCode fill_derivative(MuTerm *term, const PetscReal *mean, PetscReal *df) {
  const Npmle *own = term->data;
  const MuShared *shared = term->shared;
  const PetscReal *image;
  PetscReal *ratio;

  PetscFunctionBegin;
  PetscCall(VecGetArray(own->image, &ratio));
  for (PetscInt i = 0; i < shared->n; ++i)
    ratio[i] = !shared->info->mask[i] ? 0 : shared->pi[i] > 0 ? 1 - shared->pi[i] / mean[i] : 1;
  PetscCall(VecRestoreArray(own->image, &ratio));
  PetscCall(MuConvolutionApply(term->convolution, own->image, own->image));
  PetscCall(VecGetArrayRead(own->image, &image));
  PetscCall(PetscArraycpy(df, image, shared->n));
  PetscCall(VecRestoreArrayRead(own->image, &image));
  PetscFunctionReturn(0);
}

/* pi log(pi/q) - pi + q = q h(pi/q), which keeps its digits where the two are close */
static void fill_shares(const MuShared *shared, const PetscReal *q, PetscReal *f) {
  const PetscReal *pi = shared->pi, *log_pi = shared->log_pi;
  PetscReal *log_q = shared->work[0];

  MuArrayLog(shared->n, q, log_q);
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscReal t = pi[i] > 0 ? MuRelativeLog(pi[i], q[i], log_pi[i], log_q[i]) : 0;
    f[i] = pi[i] > 0 ? pi[i] * t - (pi[i] - q[i]) : q[i];
  }
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const Npmle *own = term->data;
  const PetscReal *q;

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, state->field));
  PetscCall(VecGetArrayRead(own->q[0], &q));
  if (f) fill_shares(term->shared, q, f);
  if (df) PetscCall(fill_derivative(term, q, df));
  PetscCall(VecRestoreArrayRead(own->q[0], &q));
  PetscFunctionReturn(0);
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
