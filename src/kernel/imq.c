/* Inverse multiquadric (1 + r^2)^(-1/2); symbol 2 K_0(w) in 1-D, 2 pi exp(-w)/w in 2-D. Its
   integral diverges, so it has a peak and no mass. Wendland, Scattered Data Approximation (2005),
   theorem 6.13. */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_sf_bessel.h>
#include <math.h>

static PetscReal value(MuKernel kernel, PetscReal r) {
  (void)kernel;
  return 1 / sqrt(1 + r * r);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  if (w == 0) return INFINITY;
  return kernel->dim == 1 ? 2 * gsl_sf_bessel_K0_scaled(w) * exp(-w) : 2 * PETSC_PI * exp(-w) / w;
}

static PetscErrorCode setup(MuKernel kernel) {
  kernel->shape.analyticity = MU_ANALYTIC_STRIP;
  kernel->shape.support = INFINITY;
  return 0;
}

static PetscErrorCode radial(MuRadial r) {
  r->profile = MU_PROFILE_IMQ;
  return 0;
}

const MuKernelOps MuKernelImq = {.name = "imq",
                                 .formula = "(1 + |z|^2/h^2)^(-1/2), peak-normalised only",
                                 .value = value,
                                 .symbol = symbol,
                                 .setup = setup,
                                 .radial = radial,
                                 .traits = {.infinite_mass = PETSC_TRUE}};
