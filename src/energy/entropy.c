/* Entropy F = int rho log rho, DF = log rho + 1. */
#include "energy/energy_impl.h"
#include "grid/arrays.h"

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;

  for (PetscInt i = 0; f && i < n; ++i) f[i] = state->rho[i] * state->log_rho[i];
  for (PetscInt i = 0; df && i < n; ++i) df[i] = state->log_rho[i] + 1;
  return 0;
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  PetscReal log_m[MU_PAIR_CHUNK];

  for (PetscInt start = 0; start < term->shared->n; start += MU_PAIR_CHUNK) {
    const PetscInt n = PetscMin(MU_PAIR_CHUNK, term->shared->n - start);
    PetscReal *out = g + start;
    MuPairLogarithm(n, pair->a->rho + start, pair->b->rho + start, log_m, out);
    for (PetscInt i = 0; i < n; ++i) out[i] += log_m[i] + 1;
  }
  return 0;
}

static PetscErrorCode curvature(MuTerm *term, const MuState *state, PetscReal *c) {
  for (PetscInt i = 0; i < term->shared->n; ++i) c[i] = 1 / PetscMax(state->rho[i], MU_MIN_NORMAL);
  return 0;
}

static PetscErrorCode potential(MuTerm *term, PetscReal *v) {
  for (PetscInt i = 0; i < term->shared->n; ++i) v[i] = 1;
  return 0;
}

static PetscReal one(const PetscReal value[]) {
  (void)value;
  return 1;
}

const MuTermOps MuTermEntropy = {
    .name = "entropy",
    .formula = "int rho log rho",
    .needs = MU_NEEDS_LOG,
    .kind = MU_TERM_LOGARITHMIC,
    .density_power = one,
    .evaluate = evaluate,
    .gradient = gradient,
    .curvature = curvature,
    .potential = potential,
};
