/* Squared distance F = 1/2 int (rho - pi)^2, DF = rho - pi. */
#include "energy/energy_impl.h"

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  const PetscReal *rho = state->rho, *pi = term->shared->pi;

  for (PetscInt i = 0; f && i < n; ++i) f[i] = 0.5 * (rho[i] - pi[i]) * (rho[i] - pi[i]);
  for (PetscInt i = 0; df && i < n; ++i) df[i] = rho[i] - pi[i];
  return 0;
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const PetscReal *m = pair->mid.rho, *pi = term->shared->pi;

  for (PetscInt i = 0; i < term->shared->n; ++i) g[i] = m[i] - pi[i];
  return 0;
}

static PetscErrorCode curvature(MuTerm *term, const MuState *state, PetscReal *c) {
  (void)state;
  for (PetscInt i = 0; i < term->shared->n; ++i) c[i] = 1;
  return 0;
}

static PetscErrorCode split(MuTerm *term, const MuState *state, PetscReal *local,
                            PetscReal *frozen) {
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    local[i] = state->rho[i];
    frozen[i] = -term->shared->pi[i];
  }
  return 0;
}

const MuTermOps MuTermL2 = {
    .name = "l2",
    .formula = "1/2 int (rho - pi)^2",
    .needs = MU_NEEDS_TARGET,
    .kind = MU_TERM_LOCAL,
    .flat_square = PETSC_TRUE,
    .convex = PETSC_TRUE,
    .evaluate = evaluate,
    .gradient = gradient,
    .curvature = curvature,
    .split = split,
};
