/* Langevin dynamics by Euler-Maruyama: with DF = D log mu + R
     x += -a dt grad R(x) + sqrt(2 a D dt) u, u ~ N(0, I),
   whose law follows the Wasserstein flow (Jordan, Kinderlehrer and Otto 1998). */
#include "particles/particles_impl.h"

#include <gsl/gsl_randist.h>

static PetscErrorCode step(MuParticles p, PetscReal dt) {
  PetscReal diffusivity;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetDiffusivity(p->energy, &diffusivity));
  const PetscReal sigma = PetscSqrtReal(2 * p->transport * diffusivity * dt);
  for (PetscInt i = 0; i < p->cloud.n * p->cloud.dim; ++i)
    p->velocity[i] = -p->transport * dt * p->gradient[i] +
                     sigma * gsl_ran_gaussian_ziggurat(p->rng[MU_STREAM_NOISE], 1);
  PetscCall(MuParticlesMove(p, p->velocity));
  PetscFunctionReturn(0);
}

const MuMethodOps MuMethodLangevin = {
    .name = "langevin",
    .formula = "dx = -a grad(DF - D log mu) dt + sqrt(2 a D) dB, D = kl + entropy: a wasserstein",
    .transport = MU_OPERATOR_TRANSPORT,
    .logarithm = MU_LOG_NOISE,
    .random = PETSC_TRUE,
    .step = step,
};
