/* The Wasserstein flow of a cloud by explicit Euler steps: with energy mmd the MMD flow of Arbel,
   Korba, Salim and Gretton, Maximum Mean Discrepancy Gradient Flow (2019), section 2. */
#include "particles/particles_impl.h"

static PetscErrorCode step(MuParticles p, PetscReal dt) {
  return MuParticlesDescend(p, dt, p->gradient);
}

const MuMethodOps MuMethodMmdFlow = {
    .name = "mmd_flow",
    .formula = "x' = -a grad DF(x): a wasserstein",
    .transport = MU_OPERATOR_TRANSPORT,
    .logarithm = MU_LOG_BLOB,
    .step = step,
};
