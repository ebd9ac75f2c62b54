/* Steps that are as long as their error allows, for methods without chance: one of dt against two
   of dt/2, which are kept. Explicit Euler's error in a step is of the order dt^2, and that of the
   two about half of the difference (Hairer, Norsett and Wanner, Solving Ordinary Differential
   Equations I, 1993, section II.4). */
#include "particles/particles_impl.h"

#define SAFETY       0.9
#define SLOWEST      0.2 /* a step is at least this part of the one before ... */
#define FASTEST      5.0 /* ... and at most so many of it */
#define SLACK        1e-9
#define MOST_REFUSED 60 /* attempts at one step */

PetscErrorCode MuParticlesCreateAdapt(MuParticles p) {
  PetscBool random = PETSC_FALSE;
  size_t used;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(p->c, "particles_step_tolerance", &p->step_tolerance, &p->adapts));
  if (!p->adapts) PetscFunctionReturn(0);
  PetscCall(MuCloudEnergyIsRandom(p->energy, &random));
  if (random || p->ops->random || (p->weight_step && p->weight_step->random))
    return MuError(MU_ERR_INPUT,
                   "particles_step_tolerance: %g is given, but the steps of this method and target "
                   "draw random numbers, whose error is not that of the step; leave it out",
                   p->step_tolerance);
  p->planned = p->step;
  PetscCall(PetscMalloc2(p->cloud.n * p->cloud.dim, &p->full_x, p->cloud.n, &p->full_w));
  PetscCall(PetscStrlen(p->scheme, &used));
  PetscCall(PetscSNPrintf(p->scheme + used, sizeof p->scheme - used,
                          "; steps of an error of %g at most, of the cloud's width and weight",
                          p->step_tolerance));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the error */

/* Root of the mean squared distance from the mean, by weights; where that is 0 the length of the
   case. */
static PetscReal width(const struct _p_MuParticles *p) {
  const MuAtoms *cloud = &p->cloud;
  PetscReal mass = 0, square = 0;
  for (PetscInt i = 0; i < cloud->n; ++i) mass += cloud->w[i];
  for (PetscInt a = 0; a < cloud->dim; ++a) {
    PetscReal mean = 0;
    for (PetscInt i = 0; i < cloud->n; ++i)
      mean += cloud->w[i] * cloud->x[i * cloud->dim + a] / mass;
    for (PetscInt i = 0; i < cloud->n; ++i)
      square += cloud->w[i] * PetscSqr(cloud->x[i * cloud->dim + a] - mean) / mass;
  }
  return square > 0 ? PetscSqrtReal(square) : p->length > 0 ? p->length : 1;
}

/* Positions: the root of the mean square. */
static PetscReal position_error(const struct _p_MuParticles *p) {
  const MuAtoms *cloud = &p->cloud;
  PetscReal square = 0, mass = 0;
  for (PetscInt i = 0; i < cloud->n; ++i) {
    mass += cloud->w[i];
    for (PetscInt a = 0; a < cloud->dim; ++a)
      square +=
          cloud->w[i] * PetscSqr(cloud->x[i * cloud->dim + a] - p->full_x[i * cloud->dim + a]);
  }
  return PetscSqrtReal(square / mass) / width(p);
}

/* Weights: half of the L1 distance over the mass; of those of the weight step mmd, which the kernel
   may hardly tell apart, the MMD of the two clouds over the root of k(0), or of the kernel at the
   width of the cloud where that is 0. */
static PetscErrorCode weight_error(MuParticles p, PetscReal *error) {
  const MuAtoms *cloud = &p->cloud;
  PetscReal mass = 0, own = 0, size, slope;
  MuRadial radial;

  PetscFunctionBegin;
  *error = 0;
  for (PetscInt i = 0; i < cloud->n; ++i) {
    mass += cloud->w[i];
    *error += 0.5 * PetscAbsReal(cloud->w[i] - p->full_w[i]);
  }
  *error /= mass;
  if (!p->simplex) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < cloud->n; ++i) p->full_w[i] -= cloud->w[i];
  PetscCall(MuWallKernelApply(p->geometry_kernel, cloud->n, cloud->x, p->full_w, cloud->n, cloud->x,
                              p->columns, NULL));
  PetscCall(MuWallKernelGet(p->geometry_kernel, &radial, NULL, NULL));
  PetscCall(MuRadialEvaluate(radial, 0, &size, NULL));
  for (PetscInt i = 0; i < cloud->n; ++i) own += p->full_w[i] * p->columns[i];
  if (!(size > 0)) {
    PetscCall(MuRadialEvaluate(radial, PetscSqr(width(p)), &size, &slope));
    size = PetscAbsReal(size);
  }
  *error = PetscSqrtReal(PetscMax(own, 0) / size);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ a step */

static PetscErrorCode half_step(MuParticles p, PetscReal dt) {
  PetscFunctionBegin;
  PetscCall(p->ops->step(p, dt));
  PetscCall(MuParticlesCheckFinite(p));
  PetscCall(MuParticlesEvaluate(p));
  PetscFunctionReturn(0);
}

static PetscErrorCode go_back(MuParticles p) {
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(p->cloud.x, p->before_x, p->cloud.n * p->cloud.dim));
  PetscCall(PetscArraycpy(p->cloud.w, p->before_w, p->cloud.n));
  PetscCall(MuParticlesEvaluate(p));
  PetscFunctionReturn(0);
}

/* Both ways from the state in before_x, before_w. */
static PetscErrorCode attempt(MuParticles p, PetscReal dt, PetscReal *error) {
  PetscReal weights;

  PetscFunctionBegin;
  PetscCall(p->ops->step(p, dt));
  PetscCall(PetscArraycpy(p->full_x, p->cloud.x, p->cloud.n * p->cloud.dim));
  PetscCall(PetscArraycpy(p->full_w, p->cloud.w, p->cloud.n));
  PetscCall(go_back(p));
  PetscCall(half_step(p, 0.5 * dt));
  PetscCall(half_step(p, 0.5 * dt));
  *error = p->ops->transport ? position_error(p) : 0;
  PetscCall(weight_error(p, &weights));
  *error = PetscMax(*error, weights);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesAdaptStep(MuParticles p, PetscReal rest, PetscReal *taken) {
  PetscReal dt = rest <= p->planned * (1 + SLACK) ? rest : PetscMin(p->planned, 0.5 * rest);
  PetscReal error = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MOST_REFUSED && p->time + dt > p->time; ++k) {
    PetscErrorCode code = attempt(p, dt, &error);
    if (code && code != MU_ERR_NUMERICS) PetscFunctionReturn(code);
    const PetscReal ratio = code ? SLOWEST : SAFETY * PetscSqrtReal(p->step_tolerance / error);
    const PetscReal next = dt * PetscClipInterval(ratio, SLOWEST, FASTEST);
    if (!code && error <= p->step_tolerance) {
      p->planned = dt < p->planned * (1 - SLACK) ? PetscMax(next, p->planned) : next;
      *taken = dt;
      PetscFunctionReturn(0);
    }
    PetscCall(go_back(p));
    dt = p->planned = next;
    p->refused++;
  }
  return MuError(MU_ERR_NUMERICS, "the error of a step stays above particles_step_tolerance %g",
                 p->step_tolerance);
}
