/* The Fisher-Rao flow on resting positions: w_i' = -b w_i DF_i by the multiplicative Euler step. */
#include "particles/particles_impl.h"

static PetscErrorCode step(MuParticles p, PetscReal dt) {
  return MuParticlesReweight(p, p->reaction * dt, p->derivative);
}

const MuMethodOps MuMethodFisherRaoWeights = {
    .name = "fisher_rao_weights",
    .formula = "w' = -b w DF, x' = 0: b fisher_rao",
    .reaction = MU_OPERATOR_GROWTH,
    .logarithm = MU_LOG_WEIGHTS,
    .step = step,
};
