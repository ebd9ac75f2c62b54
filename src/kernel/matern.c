/* Matern kernels of smoothness nu = 1/2, 3/2, 5/2 with length scale 1: with t = sqrt(2 nu) r,
   e^-t, (1 + t) e^-t, (1 + t + t^2/3) e^-t. Symbol
   2^d pi^(d/2) Gamma(nu + d/2) (2 nu)^nu / Gamma(nu) (2 nu + w^2)^(-(nu + d/2)).
   Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), section 4.2.1. */
#include "kernel/kernel_impl.h"

#include <math.h>

enum { SMOOTHNESS };

static PetscReal value(MuKernel kernel, PetscReal r) {
  const PetscReal nu = kernel->spec.parameter[SMOOTHNESS], t = kernel->shape.rate * r;
  if (nu == 0.5) return exp(-t);
  return nu == 1.5 ? (1 + t) * exp(-t) : (1 + t * (1 + t / 3)) * exp(-t);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  const PetscReal nu = kernel->spec.parameter[SMOOTHNESS], half = 0.5 * kernel->dim;
  const PetscReal *factor = kernel->ctx;
  return *factor * pow(2 * nu + w * w, -(nu + half));
}

static PetscErrorCode setup(MuKernel kernel) {
  const PetscReal nu = kernel->spec.parameter[SMOOTHNESS], half = 0.5 * kernel->dim;
  PetscReal *factor;

  PetscFunctionBegin;
  if (nu != 0.5 && nu != 1.5 && nu != 2.5)
    return MuError(MU_ERR_INPUT,
                   "kernel_smoothness: %g is not allowed for matern; allowed are 0.5, 1.5 and 2.5",
                   nu);
  PetscCall(PetscNew(&factor));
  *factor =
      pow(2, kernel->dim) * pow(PETSC_PI, half) * tgamma(nu + half) * pow(2 * nu, nu) / tgamma(nu);
  kernel->ctx = factor;
  kernel->shape.rate = sqrt(2 * nu);
  PetscFunctionReturn(0);
}

PetscBool MuRadialSetMatern(MuRadial r, PetscReal nu) {
  const PetscReal half = 0.5 * r->dim;
  if (nu != 0.5 && nu != 1.5 && nu != 2.5) return PETSC_FALSE;
  r->profile = nu == 0.5   ? MU_PROFILE_EXPONENTIAL
               : nu == 1.5 ? MU_PROFILE_LINEAR
                           : MU_PROFILE_QUADRATIC;
  r->log_integral = r->dim * log(2) + half * log(PETSC_PI) + lgamma(nu + half) - lgamma(nu);
  return PETSC_TRUE;
}

static PetscErrorCode radial(MuRadial r) {
  const PetscReal nu = r->kernel->spec.parameter[SMOOTHNESS];
  (void)MuRadialSetMatern(r, nu);
  r->rate *= sqrt(2 * nu);
  return 0;
}

static const MuParameter parameters[] = {[SMOOTHNESS] = {.name = "smoothness",
                                                         .doc = "nu of matern: 0.5, 1.5 or 2.5",
                                                         .low = 0.5,
                                                         .high = 2.5,
                                                         .initial = 1.5},
                                         {.name = NULL}};

const MuKernelOps MuKernelMatern = {
    .name = "matern",
    .formula = "Matern of smoothness 1/2, 3/2 or 5/2; symbol ~ (2 nu/h^2 + w^2)^(-(nu + d/2))",
    .parameters = parameters,
    .value = value,
    .symbol = symbol,
    .setup = setup,
    .radial = radial};
