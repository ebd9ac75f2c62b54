/* -r^e, 0 < e < 2, conditionally positive definite: positive on signed measures of mass zero; e = 1
   is the energy distance. Symbol away from 0: 2^(d + e) pi^(d/2) Gamma((d + e)/2)/(-Gamma(-e/2))
   w^(-d - e). Wendland, Scattered Data Approximation (2005), theorem 8.16. */
#include "kernel/kernel_impl.h"

#include <math.h>

static PetscReal value(MuKernel kernel, PetscReal r) {
  const PetscReal e = kernel->spec.exponent;
  return e == 1 ? -r : -pow(r, e);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  const PetscReal *factor = kernel->ctx;
  return w == 0 ? INFINITY : *factor * pow(w, -kernel->dim - kernel->spec.exponent);
}

static PetscErrorCode setup(MuKernel kernel) {
  const PetscReal e = kernel->spec.exponent, d = kernel->dim;
  PetscReal *factor;

  PetscFunctionBegin;
  if (!(e > 0 && e < 2))
    return MuError(MU_ERR_INPUT,
                   "kernel_exponent: %g is not allowed for riesz; it must be above 0 and below 2",
                   e);
  PetscCall(PetscNew(&factor));
  *factor = pow(2, d + e) * pow(PETSC_PI, 0.5 * d) * tgamma(0.5 * (d + e)) / -tgamma(-0.5 * e);
  kernel->ctx = factor;
  kernel->shape.support = INFINITY;
  kernel->shape.conditional = PETSC_TRUE;
  PetscFunctionReturn(0);
}

const MuKernelOps MuKernelRiesz = {
    .name = "riesz",
    .formula = "-|z/h|^r, 0 < r < 2, on measures of mass zero only (r = 1: energy distance)",
    .value = value,
    .symbol = symbol,
    .setup = setup};
