/* Radial kernels in any dimension. Profiles and normalizations agree with those of kernel/ for d =
   1 and 2. wendland for d > 3 is phi_{l,1}, l = floor(d/2) + 2; Wendland, Scattered Data
   Approximation (2005), table 9.1 and corollary 9.14. */
#include "particles/pairs.h"
#include "particles/pairs_impl.h"
#include "particles/profile.h"

#include <gsl/gsl_sf_bessel.h>
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ bessel */

/* exp(log_factor) e^t t^mu K_mu(t) for t > 0; K_mu overflows for large mu, hence the logarithm. */
static PetscReal scaled_bessel(PetscReal log_factor, PetscReal mu, PetscReal t) {
  return exp(log_factor + mu * log(t) + gsl_sf_bessel_lnKnu(fabs(mu), t) + t);
}

static PetscReal scaled_value(void *ctx, PetscReal t) {
  const struct _p_MuRadial *r = ctx;
  return scaled_bessel(r->log_factor, r->nu, t);
}

/* d/dt t^nu K_nu = -t^nu K_(nu-1) */
static PetscReal scaled_slope(void *ctx, PetscReal t) {
  const struct _p_MuRadial *r = ctx;
  return -scaled_bessel(r->log_factor, r->nu - 1, t);
}

/* exp(log_factor) t^mu K_mu(t) at t = 0, 0 where that is infinite */
static PetscReal bessel_at_zero(PetscReal log_factor, PetscReal mu) {
  return mu > 0 ? exp(log_factor + (mu - 1) * log(2) + lgamma(mu)) : 0;
}

/* The elementary ones: smoothness 1/2, 3/2 and 5/2. */
static PetscBool matern_profile(PetscReal nu, MuProfile *profile) {
  if (nu != 0.5 && nu != 1.5 && nu != 2.5) return PETSC_FALSE;
  *profile = nu == 0.5   ? MU_PROFILE_EXPONENTIAL
             : nu == 1.5 ? MU_PROFILE_LINEAR
                         : MU_PROFILE_QUADRATIC;
  return PETSC_TRUE;
}

static PetscErrorCode setup_bessel(MuRadial r) {
  const PetscReal s = r->spec.order, half = 0.5 * r->dim;

  PetscFunctionBegin;
  if (!(s > half))
    return MuError(MU_ERR_INPUT,
                   "kernel_order: %g is not allowed for bessel between particles in %d-D, where "
                   "the kernel is infinite at 0; it must be above %g",
                   s, (int)r->dim, half);
  r->nu = s - half;
  if (matern_profile(r->nu, &r->profile)) PetscFunctionReturn(0);
  r->profile = MU_PROFILE_BESSEL;
  r->log_factor = (1 - s) * log(2) - half * log(2 * PETSC_PI) - lgamma(s);
  r->peak[0] = bessel_at_zero(r->log_factor, r->nu);
  r->peak[1] = -bessel_at_zero(r->log_factor, r->nu - 1);
  PetscCall(MuTableCreate(scaled_value, r, -12, 7, &r->table[0]));
  PetscCall(MuTableCreate(scaled_slope, r, -12, 7, &r->table[1]));
  PetscFunctionReturn(0);
}

/* which = 0: p(t), 1: p'(t)/t */
static PetscReal bessel(MuRadial r, PetscInt which, PetscReal t) {
  PetscReal scaled;
  if (t == 0 || (r->nu - which > 1 && t < 1e-9)) return r->peak[which];
  if (t > 700) return 0;
  if (!MuTableEvaluate(r->table[which], t, &scaled))
    scaled = which ? scaled_slope(r, t) : scaled_value(r, t);
  return scaled * exp(-t);
}

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
    return t < 1 ? pow(1 - t, r->power) * (r->power * t + 1) : 0;
  case MU_PROFILE_DISTANCE:
    return -t;
  case MU_PROFILE_RIESZ:
    return -pow(t, r->spec.exponent);
  case MU_PROFILE_BESSEL:
    return bessel(r, 0, t);
  }
  return 0;
}

/* p'(t)/t */
static PetscReal profile_slope(MuRadial r, PetscReal t) {
  const PetscReal m = r->power, e = r->spec.exponent;
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
    return t < 1 ? -m * (m + 1) * pow(1 - t, m - 1) : 0;
  case MU_PROFILE_DISTANCE:
    return t > 0 ? -1 / t : 0;
  case MU_PROFILE_RIESZ:
    return t > 0 ? -e * pow(t, e - 2) : 0;
  case MU_PROFILE_BESSEL:
    return bessel(r, 1, t);
  }
  return 0;
}

/* ------------------------------------------------------------------ create */

/* log of the integral of p(|z|) over R^d for rate 1; it diverges for imq and riesz. */
static PetscReal log_integral(MuRadial r) {
  const PetscReal half = 0.5 * r->dim, nu = r->nu, m = r->power, d = r->dim;
  const PetscReal log_sphere = log(2) + half * log(PETSC_PI) - lgamma(half);
  switch (r->profile) {
  case MU_PROFILE_GAUSSIAN:
    return half * log(2 * PETSC_PI);
  case MU_PROFILE_EXPONENTIAL:
  case MU_PROFILE_LINEAR:
  case MU_PROFILE_QUADRATIC:
    return d * log(2) + half * log(PETSC_PI) + lgamma(nu + half) - lgamma(nu);
  case MU_PROFILE_WENDLAND: /* beta functions B(d, m + 1) + m B(d + 1, m + 1) */
    return log_sphere + lgamma(d) + lgamma(m + 1) - lgamma(d + m + 1) + log1p(m * d / (d + m + 1));
  default:
    return 0;
  }
}

static PetscErrorCode normalize(MuRadial r) {
  PetscReal log_amplitude = 0;

  PetscFunctionBegin;
  if (r->spec.normalization == MU_NORMALIZATION_MASS)
    log_amplitude = r->dim * log(r->rate) - log_integral(r);
  else if (r->profile == MU_PROFILE_BESSEL)
    log_amplitude = -log(r->peak[0]);
  if (fabs(log_amplitude) > 600)
    return MuError(MU_ERR_INPUT,
                   "kernel_normalization: mass is not possible with bandwidth %g in %d-D, where "
                   "the kernel at 0 is about 1e%d; use peak",
                   r->spec.bandwidth, (int)r->dim, (int)(log_amplitude / log(10)));
  r->amplitude = exp(log_amplitude);
  PetscFunctionReturn(0);
}

static PetscErrorCode choose_profile(MuRadial r) {
  const char *type = r->spec.type;

  PetscFunctionBegin;
  r->rate = 1 / r->spec.bandwidth;
  if (strcmp(type, "gaussian") == 0) {
    r->profile = MU_PROFILE_GAUSSIAN;
  } else if (strcmp(type, "matern") == 0) {
    r->nu = r->spec.smoothness;
    (void)matern_profile(r->nu, &r->profile);
    r->rate *= sqrt(2 * r->nu);
  } else if (strcmp(type, "imq") == 0) {
    r->profile = MU_PROFILE_IMQ;
  } else if (strcmp(type, "wendland") == 0) {
    r->profile = MU_PROFILE_WENDLAND;
    r->power = PetscMax(3, r->dim / 2 + 2) + 1;
  } else if (strcmp(type, "riesz") == 0) {
    r->profile = r->spec.exponent == 1 ? MU_PROFILE_DISTANCE : MU_PROFILE_RIESZ;
  } else {
    PetscCall(setup_bessel(r));
  }
  PetscFunctionReturn(0);
}

/* The table of kernels checks the names and parameters, and resolves the defaults. */
static PetscErrorCode resolve(const MuKernelSpec *spec, PetscInt dim, MuKernelSpec *resolved) {
  const MuKernelSpec *s;
  MuKernelSpec mass = *spec;
  MuKernel kernel;

  PetscFunctionBegin;
  /* a bessel kernel that is infinite at 0 in d = 2 gets its sentence from setup_bessel() */
  if (strcmp(spec->type, "bessel") == 0) mass.normalization = MU_NORMALIZATION_MASS;
  PetscCall(MuKernelCreate(&mass, PetscMin(dim, 2), &kernel));
  PetscCall(MuKernelGetSpec(kernel, &s));
  *resolved = *s;
  if (spec->normalization != MU_NORMALIZATION_DEFAULT)
    resolved->normalization = spec->normalization;
  PetscCall(MuKernelDestroy(&kernel));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRadialCreate(const MuKernelSpec *spec, PetscInt dim, MuRadial *radial) {
  PetscErrorCode failed;
  MuKernelSpec resolved;
  MuRadial r;

  PetscFunctionBegin;
  *radial = NULL;
  if (dim < 1)
    return MuError(MU_ERR_INPUT, "kernel: the dimension is %d; it must be at least 1", (int)dim);
  PetscCall(resolve(spec, dim, &resolved));
  PetscCall(PetscNew(&r));
  r->references = 1;
  r->spec = resolved;
  r->dim = dim;
  failed = choose_profile(r);
  if (!failed) failed = normalize(r);
  if (failed) {
    PetscCall(MuRadialDestroy(&r));
    return failed;
  }
  *radial = r;
  PetscFunctionReturn(0);
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
  PetscCall(MuTableDestroy(&r->table[0]));
  PetscCall(MuTableDestroy(&r->table[1]));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRadialGetSpec(MuRadial radial, const MuKernelSpec **spec, PetscInt *dim) {
  if (spec) *spec = &radial->spec;
  if (dim) *dim = radial->dim;
  return 0;
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
  const MuProfile which = mu_profile_is_inline(radial) ? radial->profile : MU_PROFILE_BESSEL;
  switch (which) {
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
  default:
    for (PetscInt i = 0; i < n; ++i)
      (void)MuRadialEvaluate(radial, r2[i], value + i, slope ? slope + i : NULL);
  }
  return 0;
}
