/* Maximum mean discrepancy F = 1/2 <rho - pi, k*(rho - pi)>, DF = k*(rho - pi).
   Arbel et al., Maximum mean discrepancy gradient flow, NeurIPS (2019). */
#include "energy/energy_impl.h"

typedef struct {
  Vec difference, image; /* rho - pi and k*(rho - pi) */
} Mmd;

static PetscErrorCode create(MuTerm *term) {
  Mmd *mmd;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mmd));
  term->data = mmd;
  PetscCall(MuGridCreateField(term->shared->grid, &mmd->difference));
  PetscCall(MuGridCreateField(term->shared->grid, &mmd->image));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Mmd *mmd = term->data;

  PetscFunctionBegin;
  if (!mmd) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&mmd->difference));
  PetscCall(VecDestroy(&mmd->image));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  Mmd *mmd = term->data;
  const PetscReal *d, *kd;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(mmd->difference, -1, term->shared->target, state->field));
  PetscCall(MuConvolutionApply(term->convolution, mmd->difference, mmd->image));
  PetscCall(VecGetArrayRead(mmd->difference, &d));
  PetscCall(VecGetArrayRead(mmd->image, &kd));
  for (PetscInt i = 0; f && i < n; ++i) f[i] = 0.5 * d[i] * kd[i];
  for (PetscInt i = 0; df && i < n; ++i) df[i] = kd[i];
  PetscCall(VecRestoreArrayRead(mmd->image, &kd));
  PetscCall(VecRestoreArrayRead(mmd->difference, &d));
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  return evaluate(term, &pair->mid, NULL, g);
}

static const MuTermLimit limits[] = {{.parameters = "bandwidth", .to = &MuTermL2, .order = 2},
                                     {.parameters = NULL}};

const MuTermOps MuTermMmd = {
    .name = "mmd",
    .formula = "1/2 <rho - pi, k*(rho - pi)>",
    .needs = MU_NEEDS_TARGET | MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .limits = limits,
    .kernel_square = PETSC_TRUE,
    .convex = PETSC_TRUE,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
