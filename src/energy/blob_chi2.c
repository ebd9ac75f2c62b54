/* F = 1/2 int q^2/pi, q = k*rho, DF = k*(q/pi): half the chi-squared divergence of k*rho up to
   constants, as long as the mass of k*rho is that of rho and conserved. Craig, Haydar, Lu, Sander
   and Slepcev, A blob method for inhomogeneous diffusion with applications to multi-agent control
   and sampling, Math. Comp. 92 (2023). F is quadratic: DF at the midpoint is a discrete gradient.

   q is a convolution by FFT, exact to rounding of its largest value only, and is divided by pi:
   a target that falls below LEAST of its largest value is refused. */
#include "energy/smoothed.h"
#include "grid/arrays.h"

#define LEAST 1e-12

/* The least log pi on inside cells over its largest. */
static PetscErrorCode target_range(const MuShared *shared, PetscReal *range) {
  PetscReal ends[2] = {-INFINITY, -INFINITY}; /* of log pi, -log pi */

  PetscFunctionBegin;
  for (PetscInt i = 0; i < shared->n; ++i) {
    if (!shared->info->mask[i]) continue;
    ends[0] = PetscMax(ends[0], shared->log_pi[i]);
    ends[1] = PetscMax(ends[1], -shared->log_pi[i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPIU_REAL, MPI_MAX, shared->info->comm));
  *range = exp(-ends[0] - ends[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuTerm *term) {
  PetscReal range;
  Vec image;

  PetscFunctionBegin;
  PetscCall(MuSmoothedCheckKernel(term));
  PetscCall(target_range(term->shared, &range));
  if (!(range >= LEAST))
    return MuError(MU_ERR_INPUT,
                   "energy_%s: divides k*rho by the target, whose smallest value on the grid is "
                   "%.1e of its largest; it must be at least %.0e, since rounding would decide "
                   "there: take a smaller box or a target_background",
                   term->ops->name, range, LEAST);
  PetscCall(MuGridCreateField(term->shared->grid, &image));
  term->data = image;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Vec image = term->data;

  term->data = NULL;
  return VecDestroy(&image);
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const MuShared *shared = term->shared;
  Vec image = term->data;
  const PetscReal *kq;
  PetscReal *q;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->convolution, state->field, image));
  PetscCall(VecGetArray(image, &q));
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscReal ratio = shared->info->mask[i] ? q[i] / shared->pi[i] : 0;
    if (f) f[i] = 0.5 * q[i] * ratio;
    q[i] = ratio;
  }
  PetscCall(VecRestoreArray(image, &q));
  if (!df) PetscFunctionReturn(0);
  PetscCall(MuConvolutionApply(term->convolution, image, image));
  PetscCall(VecGetArrayRead(image, &kq));
  PetscCall(PetscArraycpy(df, kq, shared->n));
  PetscCall(VecRestoreArrayRead(image, &kq));
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  return evaluate(term, &pair->mid, NULL, g);
}

const MuTermOps MuTermBlobChi2 = {
    .name = "blob_chi2",
    .formula = "1/2 int (k*rho)^2/pi",
    .needs = MU_NEEDS_TARGET | MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .convex = PETSC_TRUE,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
