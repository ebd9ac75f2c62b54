/* What methods share: DF at the state, moving particles between walls and changing their weights.
 */
#include "particles/particles_impl.h"

/* What the evaluation at the state begins with, so that it can be done again. */
static PetscErrorCode remember(MuParticles p) {
  MuWallKernel kernel;
  const PetscReal *sum;
  PetscReal weight;
  PetscBool only;

  PetscFunctionBegin;
  gsl_rng_memcpy(p->target_stream, p->rng[MU_STREAM_TARGET]);
  PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &kernel, &sum));
  if (kernel) PetscCall(MuWallKernelRemember(kernel, p->energy_memory));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesEvaluate(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  PetscCall(remember(p));
  PetscCall(MuCloudEnergyRefresh(p->energy));
  PetscCall(MuCloudEnergyEvaluate(p->energy, cloud, cloud->n, cloud->x, p->derivative,
                                  p->ops->transport ? p->gradient : NULL, p->terms));
  for (PetscInt i = 0; i < cloud->n; ++i)
    if (PetscIsInfOrNanReal(p->derivative[i]))
      return MuError(MU_ERR_NUMERICS, "DF at particle %d is %g", (int)i + 1, p->derivative[i]);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesCheckFinite(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;

  for (PetscInt i = 0; i < cloud->n; ++i) {
    PetscReal far = 0;
    for (PetscInt a = 0; a < cloud->dim; ++a) {
      const PetscReal x = cloud->x[i * cloud->dim + a];
      far = PetscIsNanReal(x) ? INFINITY : PetscMax(far, PetscAbsReal(x));
    }
    if (!(far < p->limit))
      return MuError(MU_ERR_NUMERICS,
                     "particle %d runs to infinity (a coordinate is %g): the step is too large, or "
                     "the energy is not bounded below",
                     (int)i + 1, far);
    if (!(cloud->w[i] >= 0) || PetscIsInfReal(cloud->w[i]))
      return MuError(MU_ERR_NUMERICS, "the weight of particle %d is %g: the step is too large",
                     (int)i + 1, cloud->w[i]);
  }
  return 0;
}

/* Into [lower, upper] by reflections at both ends. */
static PetscReal reflect(PetscReal x, PetscReal lower, PetscReal upper) {
  const PetscReal length = upper - lower;
  PetscReal u = fmod(x - lower, 2 * length);
  if (u < 0) u += 2 * length;
  return PetscClipInterval(u <= length ? lower + u : upper - (u - length), lower, upper);
}

/* A step across the whole box is no step of a flow in it. */
static PetscErrorCode check_reach(MuParticles p, const PetscReal *displacement) {
  const PetscInt dim = p->cloud.dim;

  for (PetscInt i = 0; i < p->cloud.n * dim && p->info; ++i) {
    const PetscReal length = p->info->upper[i % dim] - p->info->lower[i % dim];
    if (!(PetscAbsReal(displacement[i]) <= length))
      return MuError(MU_ERR_NUMERICS,
                     "particle %d moves by %g in one step, which is more than the box: the step is "
                     "too large",
                     (int)(i / dim) + 1, displacement[i]);
  }
  return 0;
}

PetscErrorCode MuParticlesMove(MuParticles p, const PetscReal *displacement) {
  const PetscInt dim = p->cloud.dim;

  PetscFunctionBegin;
  PetscCall(check_reach(p, displacement));
  for (PetscInt i = 0; i < p->cloud.n * dim; ++i) p->cloud.x[i] += displacement[i];
  PetscCall(MuParticlesCheckFinite(p));
  for (PetscInt i = 0; i < p->cloud.n && p->info; ++i)
    for (PetscInt a = 0; a < dim; ++a)
      p->cloud.x[i * dim + a] =
          reflect(p->cloud.x[i * dim + a], p->info->lower[a], p->info->upper[a]);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesDescend(MuParticles p, PetscReal dt, const PetscReal *gradient) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < p->cloud.n * p->cloud.dim; ++i)
    p->velocity[i] = -p->transport * dt * gradient[i];
  PetscCall(MuParticlesMove(p, p->velocity));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesReweight(MuParticles p, PetscReal rate, const PetscReal *df) {
  MuAtoms *cloud = &p->cloud;
  PetscReal least = 0, sum = 0;

  if (p->spherical) {
    least = PETSC_MAX_REAL;
    for (PetscInt i = 0; i < cloud->n; ++i)
      if (cloud->w[i] > 0) least = PetscMin(least, df[i]);
  }
  for (PetscInt i = 0; i < cloud->n; ++i) {
    cloud->w[i] *= PetscExpReal(-rate * (df[i] - least));
    sum += cloud->w[i];
  }
  for (PetscInt i = 0; i < cloud->n && p->spherical; ++i) cloud->w[i] /= sum;
  return 0;
}
