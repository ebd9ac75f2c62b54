/* Green's function of (1 - Lap)^s, symbol (1 + w^2)^(-s):
     k(r) = 2^(1 - s) / ((2 pi)^(d/2) Gamma(s)) r^nu K_nu(r),  nu = s - d/2,
   which is a Matern kernel of smoothness nu where nu > 0. At the origin: finite for nu > 0,
   logarithmic for nu = 0, r^(2 nu) for nu < 0. Aronszajn and Smith, Theory of Bessel potentials I
   (1961). */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_sf_bessel.h>
#include <math.h>

enum { ORDER };

typedef struct {
  PetscReal nu, factor, peak;
  MuTable scaled; /* exp(r) k(r) */
} Bessel;

/* exp(r) k(r), r > 0. K_nu overflows for large nu, hence the logarithm. */
static PetscReal scaled_value(void *ctx, PetscReal r) {
  const Bessel *b = ctx;
  const PetscReal nu = fabs(b->nu);
  if (nu == 0.5) return b->factor * pow(r, b->nu) * sqrt(PETSC_PI / (2 * r));
  if (nu > 10) return exp(log(b->factor) + b->nu * log(r) + gsl_sf_bessel_lnKnu(nu, r) + r);
  return b->factor * pow(r, b->nu) * gsl_sf_bessel_Knu_scaled(nu, r);
}

static PetscReal value(MuKernel kernel, PetscReal r) {
  const Bessel *b = kernel->ctx;
  PetscReal scaled;
  if (r == 0 || (b->nu > 1 && r < 1e-9)) return b->peak;
  if (r > 700) return 0;
  if (!MuTableEvaluate(b->scaled, r, &scaled)) scaled = scaled_value(kernel->ctx, r);
  return scaled * exp(-r);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  const PetscReal s = kernel->spec.parameter[ORDER], t = 1 + w * w;
  if (s == 1) return 1 / t;
  return s == 2 ? 1 / (t * t) : pow(t, -s);
}

static PetscErrorCode setup(MuKernel kernel) {
  const PetscReal s = kernel->spec.parameter[ORDER], half = 0.5 * kernel->dim;
  Bessel *b;

  PetscFunctionBegin;
  if (kernel->spec.normalization == MU_NORMALIZATION_PEAK && s <= half)
    return MuError(MU_ERR_INPUT,
                   "kernel_normalization: peak is not possible for bessel of order %g in %d-D, "
                   "which is infinite at 0; use mass or an order above %g",
                   s, (int)kernel->dim, half);
  PetscCall(PetscNew(&b));
  kernel->ctx = b;
  b->nu = s - half;
  b->factor = exp((1 - s) * log(2) - half * log(2 * PETSC_PI) - lgamma(s));
  b->peak = b->nu > 0 ? exp(lgamma(b->nu) - half * log(4 * PETSC_PI) - lgamma(s)) : INFINITY;
  kernel->shape.rate = 1;
  kernel->shape.singularity = PetscMin(2 * b->nu, 0);
  PetscCall(MuTableCreate(scaled_value, b, -12, 7, &b->scaled));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuKernel kernel) {
  Bessel *b = kernel->ctx;

  PetscFunctionBegin;
  if (b) PetscCall(MuTableDestroy(&b->scaled));
  PetscCall(PetscFree(kernel->ctx));
  PetscFunctionReturn(0);
}

static PetscReal inverse_order(MuKernel kernel) {
  return 2 * kernel->spec.parameter[ORDER];
}

static PetscErrorCode check_averages(MuKernel kernel) {
  const PetscReal least = 0.5 * kernel->dim - 0.5;

  PetscFunctionBegin;
  if (kernel->spec.parameter[ORDER] <= least)
    return MuError(MU_ERR_INPUT,
                   "kernel_order: %g is not allowed with extension zero in %d-D; it must be above "
                   "%g, or take extension reflect",
                   kernel->spec.parameter[ORDER], (int)kernel->dim, least);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ in any dimension */

/* p(t) = exp(log_factor) t^nu K_nu(t); nu = 1/2, 3/2 and 5/2 are elementary. */
typedef struct {
  PetscReal nu, log_factor;
  PetscReal peak[2]; /* p(0) and (p'(t)/t)(0) */
  MuTable table[2];  /* e^t p(t) and e^t p'(t)/t */
} Radial;

/* exp(log_factor) e^t t^mu K_mu(t) for t > 0; K_mu overflows for large mu, hence the logarithm. */
static PetscReal scaled_profile(PetscReal log_factor, PetscReal mu, PetscReal t) {
  return exp(log_factor + mu * log(t) + gsl_sf_bessel_lnKnu(fabs(mu), t) + t);
}

static PetscReal scaled_radial_value(void *ctx, PetscReal t) {
  const Radial *b = ctx;
  return scaled_profile(b->log_factor, b->nu, t);
}

/* d/dt t^nu K_nu = -t^nu K_(nu-1) */
static PetscReal scaled_radial_slope(void *ctx, PetscReal t) {
  const Radial *b = ctx;
  return -scaled_profile(b->log_factor, b->nu - 1, t);
}

/* exp(log_factor) t^mu K_mu(t) at t = 0, 0 where that is infinite */
static PetscReal at_zero(PetscReal log_factor, PetscReal mu) {
  return mu > 0 ? exp(log_factor + (mu - 1) * log(2) + lgamma(mu)) : 0;
}

/* which = 0: p(t), 1: p'(t)/t */
static PetscReal evaluate_radial(Radial *b, PetscInt which, PetscReal t) {
  PetscReal scaled;
  if (t == 0 || (b->nu - which > 1 && t < 1e-9)) return b->peak[which];
  if (t > 700) return 0;
  if (!MuTableEvaluate(b->table[which], t, &scaled))
    scaled = which ? scaled_radial_slope(b, t) : scaled_radial_value(b, t);
  return scaled * exp(-t);
}

static PetscReal radial_value(MuRadial r, PetscReal t) {
  return evaluate_radial(r->ctx, 0, t);
}

static PetscReal radial_slope(MuRadial r, PetscReal t) {
  return evaluate_radial(r->ctx, 1, t);
}

static PetscErrorCode destroy_radial(MuRadial r) {
  Radial *b = r->ctx;

  PetscFunctionBegin;
  for (int which = 0; which < 2 && b; ++which) PetscCall(MuTableDestroy(&b->table[which]));
  PetscCall(PetscFree(r->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode radial(MuRadial r) {
  const PetscReal s = r->kernel->spec.parameter[ORDER], half = 0.5 * r->dim;
  Radial *b;

  PetscFunctionBegin;
  if (!(s > half))
    return MuError(MU_ERR_INPUT,
                   "kernel_order: %g is not allowed for bessel between particles in %d-D, where "
                   "the kernel is infinite at 0; it must be above %g",
                   s, (int)r->dim, half);
  if (MuRadialSetMatern(r, s - half)) PetscFunctionReturn(0);
  PetscCall(PetscNew(&b));
  r->ctx = b;
  r->value = radial_value;
  r->slope = radial_slope;
  r->destroy = destroy_radial;
  b->nu = s - half;
  b->log_factor = (1 - s) * log(2) - half * log(2 * PETSC_PI) - lgamma(s);
  b->peak[0] = at_zero(b->log_factor, b->nu);
  b->peak[1] = -at_zero(b->log_factor, b->nu - 1);
  r->log_integral = 0;
  r->log_peak = log(b->peak[0]);
  PetscCall(MuTableCreate(scaled_radial_value, b, -12, 7, &b->table[0]));
  PetscCall(MuTableCreate(scaled_radial_slope, b, -12, 7, &b->table[1]));
  PetscFunctionReturn(0);
}

static const MuParameter parameters[] = {
    [ORDER] = {.name = "order",
               .doc = "s of bessel; above d/2 - 1/2 under extension zero, above d/2 for particles",
               .low = 0,
               .above_low = PETSC_TRUE,
               .high = 100,
               .initial = 1},
    {.name = NULL}};

const MuKernelOps MuKernelBessel = {
    .name = "bessel",
    .formula = "Green's function of (1 - h^2 Lap)^s; symbol (1 + h^2 w^2)^(-s)",
    .parameters = parameters,
    .value = value,
    .symbol = symbol,
    .setup = setup,
    .destroy = destroy,
    .radial = radial,
    .check_averages = check_averages,
    .inverse_order = inverse_order};
