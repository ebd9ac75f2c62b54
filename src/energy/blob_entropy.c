/* Blob entropy F = int log(k*rho) d rho, DF = log q + k*(rho/q), q = k*rho.
   Carrillo, Craig, Patacchini, A blob method for diffusion, Calc. Var. 58 (2019).

   Discrete gradient, M the mean of rho0 and rho1 and L the logarithmic mean of q0 and q1:
   <rho1, log q1> - <rho0, log q0> = <rho1 - rho0, (log q0 + log q1)/2> + <M, log q1 - log q0>, and
   log q1 - log q0 = k*(rho1 - rho0)/L, so that G = (log q0 + log q1)/2 + k*(M/L), as k is
   symmetric.

   A kernel with non-negative weights has q >= w0 rho, w0 its diagonal entry. Where rounding of the
   transforms (far tails, 1e-16 of the largest q) or a bandwidth below the cell width (weights that
   ring, hence of both signs) leave less than that, q is taken as w0 rho, and as the smallest normal
   number where that is 0: rho/q stays bounded by 1/w0. */
#include "energy/energy_impl.h"

typedef struct {
  Vec q[2], image;
  PetscReal *log_q[2];
  PetscReal diagonal;
} Blob;

static PetscErrorCode create(MuTerm *term, const MuEnergySpec *spec) {
  const MuShared *shared = term->shared;
  PetscBool conditional;
  Blob *blob;

  PetscFunctionBegin;
  PetscCall(MuKernelIsConditional(spec->kernel, &conditional));
  if (conditional)
    return MuError(MU_ERR_INPUT,
                   "energy_blob_entropy: the kernel riesz is not positive; use another "
                   "energy_kernel_type, for example gaussian");
  PetscCall(PetscNew(&blob));
  term->data = blob;
  PetscCall(MuGridCreateField(shared->grid, &blob->q[0]));
  PetscCall(MuGridCreateField(shared->grid, &blob->q[1]));
  PetscCall(MuGridCreateField(shared->grid, &blob->image));
  PetscCall(PetscCalloc2(shared->n, &blob->log_q[0], shared->n, &blob->log_q[1]));
  PetscCall(MuConvolutionGetDiagonal(shared->convolution, &blob->diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Blob *blob = term->data;

  PetscFunctionBegin;
  if (!blob) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&blob->q[0]));
  PetscCall(VecDestroy(&blob->q[1]));
  PetscCall(VecDestroy(&blob->image));
  PetscCall(PetscFree2(blob->log_q[0], blob->log_q[1]));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

/* q[k] = k*rho, bounded below, and its logarithm */
static PetscErrorCode smooth(MuTerm *term, PetscInt k, const MuState *state) {
  Blob *blob = term->data;
  const PetscInt n = term->shared->n;
  PetscReal *q;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->shared->convolution, state->field, blob->q[k]));
  PetscCall(VecGetArray(blob->q[k], &q));
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal least = PetscMax(blob->diagonal * state->rho[i], MU_MIN_NORMAL);
    q[i] = PetscMax(q[i], least);
  }
  MuArrayLog(n, q, blob->log_q[k]);
  PetscCall(VecRestoreArray(blob->q[k], &q));
  PetscFunctionReturn(0);
}

/* g += k*(image); image is overwritten */
static PetscErrorCode add_image(MuTerm *term, PetscReal *g) {
  Blob *blob = term->data;
  const PetscReal *image;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->shared->convolution, blob->image, blob->image));
  PetscCall(VecGetArrayRead(blob->image, &image));
  for (PetscInt i = 0; i < term->shared->n; ++i) g[i] += image[i];
  PetscCall(VecRestoreArrayRead(blob->image, &image));
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  Blob *blob = term->data;
  const PetscReal *log_q = blob->log_q[0];

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, state));
  for (PetscInt i = 0; f && i < n; ++i) f[i] = state->rho[i] * log_q[i];
  if (df) {
    PetscCall(VecPointwiseDivide(blob->image, state->field, blob->q[0]));
    for (PetscInt i = 0; i < n; ++i) df[i] = log_q[i];
    PetscCall(add_image(term, df));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const PetscInt n = term->shared->n;
  Blob *blob = term->data;
  const PetscReal *q0, *q1;
  PetscReal *image;

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, pair->a));
  PetscCall(smooth(term, 1, pair->b));
  PetscCall(VecGetArrayRead(blob->q[0], &q0));
  PetscCall(VecGetArrayRead(blob->q[1], &q1));
  PetscCall(VecGetArray(blob->image, &image));
  MuArrayLogarithmicMean(n, q0, q1, image);
  for (PetscInt i = 0; i < n; ++i) image[i] = pair->mid.rho[i] / image[i];
  for (PetscInt i = 0; i < n; ++i) g[i] = 0.5 * (blob->log_q[0][i] + blob->log_q[1][i]);
  PetscCall(VecRestoreArray(blob->image, &image));
  PetscCall(VecRestoreArrayRead(blob->q[1], &q1));
  PetscCall(VecRestoreArrayRead(blob->q[0], &q0));
  PetscCall(add_image(term, g));
  PetscFunctionReturn(0);
}

const MuTermOps MuTermBlobEntropy = {
    .name = "blob_entropy",
    .formula = "int log(k*rho) d rho",
    .needs = MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .limit = {"entropy", 0, 2},
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
