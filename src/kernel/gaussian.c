/* exp(-r^2/2), symbol (2 pi)^(d/2) exp(-w^2/2). */
#include "kernel/kernel_impl.h"

#include <math.h>

static PetscReal value(MuKernel kernel, PetscReal r) {
  (void)kernel;
  return exp(-0.5 * r * r);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  return pow(2 * PETSC_PI, 0.5 * kernel->dim) * exp(-0.5 * w * w);
}

/* rate: derivatives of order 2n of a Gaussian grow like (2n)^n, a slope of about 5 for n near 12 */
static PetscErrorCode setup(MuKernel kernel) {
  kernel->shape.analyticity = MU_ANALYTIC_ENTIRE;
  kernel->shape.rate = 5;
  kernel->shape.support = 9;
  kernel->shape.separable = PETSC_TRUE;
  return 0;
}

static PetscErrorCode radial(MuRadial r) {
  r->profile = MU_PROFILE_GAUSSIAN;
  r->log_integral = 0.5 * r->dim * log(2 * PETSC_PI);
  return 0;
}

const MuKernelOps MuKernelGaussian = {.name = "gaussian",
                                      .formula = "exp(-|z|^2/(2 h^2))",
                                      .value = value,
                                      .symbol = symbol,
                                      .setup = setup,
                                      .radial = radial};
