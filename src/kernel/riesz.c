/* -r^e, 0 < e < 2, conditionally positive definite: positive on signed measures of mass zero; e = 1
   is the energy distance. Symbol away from 0: 2^(d + e) pi^(d/2) Gamma((d + e)/2)/(-Gamma(-e/2))
   w^(-d - e). Wendland, Scattered Data Approximation (2005), theorem 8.16. */
#include "kernel/kernel_impl.h"

#include <math.h>

enum { EXPONENT };

static PetscReal value(MuKernel kernel, PetscReal r) {
  const PetscReal e = kernel->spec.parameter[EXPONENT];
  return e == 1 ? -r : -pow(r, e);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  const PetscReal *factor = kernel->ctx;
  return w == 0 ? INFINITY : *factor * pow(w, -kernel->dim - kernel->spec.parameter[EXPONENT]);
}

static PetscErrorCode setup(MuKernel kernel) {
  const PetscReal e = kernel->spec.parameter[EXPONENT], d = kernel->dim;
  PetscReal *factor;

  PetscFunctionBegin;
  PetscCall(PetscNew(&factor));
  *factor = pow(2, d + e) * pow(PETSC_PI, 0.5 * d) * tgamma(0.5 * (d + e)) / -tgamma(-0.5 * e);
  kernel->ctx = factor;
  kernel->shape.support = INFINITY;
  PetscFunctionReturn(0);
}

static PetscReal radial_value(MuRadial r, PetscReal t) {
  const PetscReal *e = r->ctx;
  return -pow(t, *e);
}

static PetscReal radial_slope(MuRadial r, PetscReal t) {
  const PetscReal *e = r->ctx;
  return t > 0 ? -*e * pow(t, *e - 2) : 0;
}

static PetscErrorCode radial(MuRadial r) {
  const MuKernelSpec *spec = &r->kernel->spec;
  PetscReal *e;

  PetscFunctionBegin;
  if (spec->parameter[EXPONENT] == 1) {
    r->profile = MU_PROFILE_DISTANCE;
    PetscFunctionReturn(0);
  }
  PetscCall(PetscNew(&e));
  *e = spec->parameter[EXPONENT];
  r->ctx = e;
  r->value = radial_value;
  r->slope = radial_slope;
  PetscFunctionReturn(0);
}

static const MuParameter parameters[] = {[EXPONENT] = {.name = "exponent",
                                                       .doc = "r of riesz",
                                                       .low = 0,
                                                       .above_low = PETSC_TRUE,
                                                       .high = 2,
                                                       .below_high = PETSC_TRUE,
                                                       .initial = 1},
                                         {.name = NULL}};

const MuKernelOps MuKernelRiesz = {
    .name = "riesz",
    .formula = "-|z/h|^r, 0 < r < 2, on measures of mass zero only (r = 1: energy distance)",
    .parameters = parameters,
    .value = value,
    .symbol = symbol,
    .setup = setup,
    .radial = radial,
    .traits = {.conditional = PETSC_TRUE,
               .infinite_mass = PETSC_TRUE,
               .homogeneous = PETSC_TRUE,
               .negative_distance = PETSC_TRUE}};
