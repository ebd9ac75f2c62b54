/* Green's function of (1 - Lap)^s, symbol (1 + w^2)^(-s):
     k(r) = 2^(1 - s) / ((2 pi)^(d/2) Gamma(s)) r^nu K_nu(r),  nu = s - d/2,
   which is a Matern kernel of smoothness nu where nu > 0. At the origin: finite for nu > 0,
   logarithmic for nu = 0, r^(2 nu) for nu < 0. Aronszajn and Smith, Theory of Bessel potentials I
   (1961). */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_sf_bessel.h>
#include <math.h>

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
  const PetscReal s = kernel->spec.order, t = 1 + w * w;
  if (s == 1) return 1 / t;
  return s == 2 ? 1 / (t * t) : pow(t, -s);
}

static PetscErrorCode setup(MuKernel kernel) {
  const PetscReal s = kernel->spec.order, half = 0.5 * kernel->dim;
  Bessel *b;

  PetscFunctionBegin;
  if (!(s > 0 && s <= 100))
    return MuError(MU_ERR_INPUT,
                   "kernel_order: %g is not allowed for bessel; it must be positive, at most 100",
                   s);
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

const MuKernelOps MuKernelBessel = {
    .name = "bessel",
    .formula = "Green's function of (1 - h^2 Lap)^s; symbol (1 + h^2 w^2)^(-s)",
    .value = value,
    .symbol = symbol,
    .setup = setup,
    .destroy = destroy};
