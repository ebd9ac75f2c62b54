/* Radial kernels in any dimension. Profiles and normalizations agree with those of the grid for d =
   1 and 2. */
#include "kernel/kernel_impl.h"
#include "kernel/profile.h"

#include <math.h>

/* ------------------------------------------------------------------ profiles */

static PetscReal profile(MuRadial r, PetscReal t) {
  switch (r->profile) {
  case MU_PROFILE_GAUSSIAN:
    return exp(-0.5 * t * t);
  case MU_PROFILE_EXPONENTIAL:
    return exp(-t);
  case MU_PROFILE_LINEAR:
    return (1 + t) * exp(-t);
  case MU_PROFILE_QUADRATIC:
    return (1 + t * (1 + t / 3)) * exp(-t);
  case MU_PROFILE_IMQ:
    return 1 / sqrt(1 + t * t);
  case MU_PROFILE_WENDLAND:
    return t < 1 ? pow(1 - t, 4) * (4 * t + 1) : 0;
  case MU_PROFILE_DISTANCE:
    return -t;
  case MU_PROFILE_GENERAL:
    return r->value(r, t);
  }
  return 0;
}

/* p'(t)/t */
static PetscReal profile_slope(MuRadial r, PetscReal t) {
  switch (r->profile) {
  case MU_PROFILE_GAUSSIAN:
    return -exp(-0.5 * t * t);
  case MU_PROFILE_EXPONENTIAL:
    return t > 0 ? -exp(-t) / t : 0;
  case MU_PROFILE_LINEAR:
    return -exp(-t);
  case MU_PROFILE_QUADRATIC:
    return -(1 + t) * exp(-t) / 3;
  case MU_PROFILE_IMQ:
    return -1 / ((1 + t * t) * sqrt(1 + t * t));
  case MU_PROFILE_WENDLAND:
    return t < 1 ? -20 * pow(1 - t, 3) : 0;
  case MU_PROFILE_DISTANCE:
    return t > 0 ? -1 / t : 0;
  case MU_PROFILE_GENERAL:
    return r->slope(r, t);
  }
  return 0;
}

/* ------------------------------------------------------------------ create */

static PetscErrorCode normalize(MuRadial r) {
  const MuKernelSpec *spec = &r->kernel->spec;
  PetscReal log_amplitude = -r->log_peak;

  PetscFunctionBegin;
  PetscCall(MuKernelNormalize(r->kernel));
  if (spec->normalization == MU_NORMALIZATION_MASS)
    log_amplitude = r->dim * log(r->rate) - r->log_integral;
  if (fabs(log_amplitude) > 600)
    return MuError(MU_ERR_INPUT,
                   "kernel_normalization: mass is not possible with bandwidth %g in %d-D, where "
                   "the kernel at 0 is about 1e%d; use peak",
                   spec->bandwidth, (int)r->dim, (int)(log_amplitude / log(10)));
  r->amplitude = exp(log_amplitude);
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuRadial r, const MuKernelSpec *spec) {
  const MuKernelOps *ops;

  PetscFunctionBegin;
  PetscCall(MuKernelCreateRaw(spec, PetscMin(r->dim, 2), &r->kernel));
  ops = r->kernel->ops;
  r->rate = 1 / spec->bandwidth;
  if (!ops->radial)
    return MuError(MU_ERR_INPUT, "kernel_type: %s is not defined between particles; use another",
                   ops->name);
  PetscCall(ops->radial(r));
  PetscCall(normalize(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRadialCreate(const MuKernelSpec *spec, PetscInt dim, MuRadial *radial) {
  PetscErrorCode failed;
  MuRadial r;

  PetscFunctionBegin;
  *radial = NULL;
  if (dim < 1)
    return MuError(MU_ERR_INPUT, "kernel: the dimension is %d; it must be at least 1", (int)dim);
  PetscCall(PetscNew(&r));
  r->references = 1;
  r->dim = dim;
  failed = build(r, spec);
  if (failed) PetscCall(MuRadialDestroy(&r));
  *radial = r;
  PetscFunctionReturn(failed);
}

PetscErrorCode MuRadialReference(MuRadial radial) {
  radial->references++;
  return 0;
}

PetscErrorCode MuRadialDestroy(MuRadial *radial) {
  MuRadial r = *radial;

  PetscFunctionBegin;
  *radial = NULL;
  if (!r || --r->references > 0) PetscFunctionReturn(0);
  if (r->destroy)
    PetscCall(r->destroy(r));
  else
    PetscCall(PetscFree(r->ctx));
  PetscCall(MuKernelDestroy(&r->kernel));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRadialGetSpec(MuRadial radial, const MuKernelSpec **spec, PetscInt *dim) {
  if (spec) *spec = &radial->kernel->spec;
  if (dim) *dim = radial->dim;
  return 0;
}

PetscBool MuRadialIsConditional(MuRadial radial) {
  return radial->kernel->ops->traits.conditional;
}

PetscBool MuRadialIsGaussian(MuRadial radial) {
  return (PetscBool)(radial->profile == MU_PROFILE_GAUSSIAN);
}

PetscErrorCode MuRadialEvaluate(MuRadial radial, PetscReal r2, PetscReal *value, PetscReal *slope) {
  const PetscReal t = radial->rate * sqrt(r2);
  if (value) *value = radial->amplitude * profile(radial, t);
  if (slope) *slope = radial->amplitude * PetscSqr(radial->rate) * profile_slope(radial, t);
  return 0;
}

/* ------------------------------------------------------------------ arrays */

static inline __attribute__((always_inline)) void fill_array(MuRadial radial, const MuProfile which,
                                                             PetscInt n, const PetscReal *r2,
                                                             PetscReal *value, PetscReal *slope) {
  const PetscReal rate2 = PetscSqr(radial->rate), amplitude = radial->amplitude;
  const PetscReal scale = amplitude * rate2;
  PetscReal v, s;
  if (!slope)
#pragma omp simd private(v, s)
    for (PetscInt i = 0; i < n; ++i) {
      mu_profile_inline(which, rate2 * r2[i], &v, &s);
      value[i] = amplitude * v;
    }
  else
#pragma omp simd private(v, s)
    for (PetscInt i = 0; i < n; ++i) {
      mu_profile_inline(which, rate2 * r2[i], &v, &s);
      value[i] = amplitude * v;
      slope[i] = scale * s;
    }
}

PetscErrorCode MuRadialEvaluateArray(MuRadial radial, PetscInt n, const PetscReal *r2,
                                     PetscReal *value, PetscReal *slope) {
  switch (radial->profile) {
  case MU_PROFILE_GAUSSIAN:
    fill_array(radial, MU_PROFILE_GAUSSIAN, n, r2, value, slope);
    break;
  case MU_PROFILE_EXPONENTIAL:
    fill_array(radial, MU_PROFILE_EXPONENTIAL, n, r2, value, slope);
    break;
  case MU_PROFILE_LINEAR:
    fill_array(radial, MU_PROFILE_LINEAR, n, r2, value, slope);
    break;
  case MU_PROFILE_QUADRATIC:
    fill_array(radial, MU_PROFILE_QUADRATIC, n, r2, value, slope);
    break;
  case MU_PROFILE_IMQ:
    fill_array(radial, MU_PROFILE_IMQ, n, r2, value, slope);
    break;
  case MU_PROFILE_WENDLAND:
    fill_array(radial, MU_PROFILE_WENDLAND, n, r2, value, slope);
    break;
  case MU_PROFILE_DISTANCE:
    fill_array(radial, MU_PROFILE_DISTANCE, n, r2, value, slope);
    break;
  case MU_PROFILE_GENERAL:
    for (PetscInt i = 0; i < n; ++i)
      (void)MuRadialEvaluate(radial, r2[i], value + i, slope ? slope + i : NULL);
  }
  return 0;
}
