/* Wasserstein-Fisher-Rao: transport of positions, then the multiplicative step on weights at the
   new positions, w_i *= exp(-b dt DF_i). Its birth-death variant keeps the weights equal: with L_i
   = DF_i - mean DF, particle i is replaced by a copy of another one, drawn at random, with
   probability 1 - exp(-b dt L_i) if L_i > 0, and replaces another one with probability
   1 - exp(b dt L_i) if L_i < 0. Lu, Lu and Nolen, Accelerating Langevin sampling with birth-death
   (2019), algorithm 1. */
#include "particles/particles_impl.h"

enum { MULTIPLICATIVE, BIRTH_DEATH };

static const MuWeightStep weight_steps[] = {
    [MULTIPLICATIVE] = {.word = "multiplicative"},
    [BIRTH_DEATH] = {.word = "birth_death", .random = PETSC_TRUE},
    {.word = NULL}};

static PetscErrorCode create(MuParticles p) {
  PetscBool spherical = PETSC_FALSE, given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetBool(p->c, "geometry_spherical", &spherical, &given));
  if (p->weight_step == &weight_steps[BIRTH_DEATH] && !spherical)
    return MuError(MU_ERR_INPUT, "particles_weight_step: birth_death keeps the mass, so it needs "
                                 "geometry_spherical true");
  if (p->weight_step == &weight_steps[BIRTH_DEATH])
    PetscCall(PetscStrlcat(p->scheme, "; w by birth and death of particles", sizeof p->scheme));
  PetscFunctionReturn(0);
}

static void copy_particle(MuParticles p, PetscInt from, PetscInt to) {
  const PetscInt dim = p->cloud.dim;
  memcpy(p->cloud.x + to * dim, p->cloud.x + from * dim, sizeof(PetscReal) * (size_t)dim);
}

/* Every rate is that of the positions before any birth or death. */
static PetscErrorCode give_birth(MuParticles p, PetscReal rate) {
  gsl_rng *rng = p->rng[MU_STREAM_RESAMPLING];
  const PetscInt n = p->cloud.n;
  PetscReal mean = 0;

  PetscFunctionBegin;
  if (n < 2) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < n; ++i) mean += p->derivative[i] / n;
  PetscCall(PetscArraycpy(p->probe, p->cloud.x, n * p->cloud.dim));
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal excess = p->derivative[i] - mean;
    PetscInt other = (PetscInt)gsl_rng_uniform_int(rng, (unsigned long)n - 1);
    if (other >= i) other++;
    if (gsl_rng_uniform(rng) >= -expm1(-rate * PetscAbsReal(excess))) continue;
    if (excess > 0)
      copy_particle(p, other, i);
    else
      copy_particle(p, i, other);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode step(MuParticles p, PetscReal dt) {
  PetscFunctionBegin;
  PetscCall(MuParticlesDescend(p, dt, p->gradient));
  PetscCall(MuCloudEnergyEvaluate(p->energy, &p->cloud, p->cloud.n, p->cloud.x, p->derivative, NULL,
                                  NULL));
  if (p->weight_step == &weight_steps[BIRTH_DEATH])
    PetscCall(give_birth(p, p->reaction * dt));
  else
    PetscCall(MuParticlesReweight(p, p->reaction * dt, p->derivative));
  PetscFunctionReturn(0);
}

const MuMethodOps MuMethodWfr = {
    .name = "wfr",
    .formula = "x' = -a grad DF(x), w' = -b w DF: a wasserstein + b fisher_rao",
    .transport = MU_OPERATOR_TRANSPORT,
    .reaction = MU_OPERATOR_GROWTH,
    .weight_steps = weight_steps,
    .logarithm = MU_LOG_BLOB,
    .create = create,
    .step = step,
};
