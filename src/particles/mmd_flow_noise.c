/* The MMD flow with noise injected where the gradient is evaluated: Arbel, Korba, Salim and
   Gretton, Maximum Mean Discrepancy Gradient Flow (2019), section 4.1, x -= a dt grad DF(x + beta_k
   u), u ~ N(0, I), beta_k = noise (k + 1)^-noise_decay. */
#include "particles/particles_impl.h"

#include <gsl/gsl_randist.h>

static PetscErrorCode create(MuParticles p) {
  PetscBool given, ends;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(p->c, "particles_noise", &p->noise, NULL));
  PetscCall(MuCaseGetReal(p->c, "particles_noise_decay", &p->noise_decay, &given));
  PetscCall(MuCaseGetInt(p->c, "particles_noise_until", &p->noise_until, &ends));
  if (!ends) p->noise_until = PETSC_MAX_INT;
  snprintf(p->scheme, sizeof p->scheme, "%s; noise level %g (k + 1)^-%g in step k", p->ops->formula,
           p->noise, p->noise_decay);
  const size_t used = strlen(p->scheme);
  if (ends)
    snprintf(p->scheme + used, sizeof p->scheme - used, ", none from k = %d on",
             (int)p->noise_until);
  PetscFunctionReturn(0);
}

static PetscErrorCode step(MuParticles p, PetscReal dt) {
  const PetscReal level = p->noise * PetscPowReal((PetscReal)p->steps + 1, -p->noise_decay);
  const PetscInt size = p->cloud.n * p->cloud.dim;

  PetscFunctionBegin;
  if (p->steps >= p->noise_until) {
    PetscCall(MuParticlesDescend(p, dt, p->gradient));
    PetscFunctionReturn(0);
  }
  for (PetscInt i = 0; i < size; ++i)
    p->probe[i] = p->cloud.x[i] + level * gsl_ran_gaussian_ziggurat(p->rng[MU_STREAM_NOISE], 1);
  PetscCall(
      MuCloudEnergyEvaluate(p->energy, &p->cloud, p->cloud.n, p->probe, NULL, p->gradient, NULL));
  PetscCall(MuParticlesDescend(p, dt, p->gradient));
  PetscFunctionReturn(0);
}

const MuMethodOps MuMethodMmdFlowNoise = {
    .name = "mmd_flow_noise",
    .formula = "x' = -a grad DF(x + beta u), u ~ N(0, I): a wasserstein, regularised",
    .transport = MU_OPERATOR_TRANSPORT,
    .logarithm = MU_LOG_BLOB,
    .create = create,
    .random = PETSC_TRUE,
    .step = step,
};
