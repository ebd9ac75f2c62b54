/* What the energies of a smoothed density q = k*rho share. */
#include "energy/smoothed.h"
#include "grid/arrays.h"

/* The rounding of a convolution by FFT relative to its largest value: measured 1 to 4 units in the
   last place on grids up to 2048^2, so that this is on the safe side. */
#define CONVOLUTION_NOISE (8 * PETSC_MACHINE_EPSILON)

PetscErrorCode MuSmoothedCheckKernel(const MuTerm *term) {
  PetscBool conditional;

  PetscFunctionBegin;
  PetscCall(MuKernelIsConditional(term->kernel, &conditional));
  if (conditional)
    return MuError(MU_ERR_INPUT,
                   "energy_%s: the kernel riesz is not positive; use another "
                   "energy_kernel_type, for example gaussian",
                   term->ops->name);
  PetscFunctionReturn(0);
}

PetscErrorCode MuSmoothedFill(const MuTerm *term, Vec rho, Vec q, PetscReal *noise) {
  const PetscReal *pi = term->shared->pi;
  PetscReal *value;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->convolution, rho, q));
  PetscCall(VecMax(q, NULL, noise));
  *noise = PetscMax(CONVOLUTION_NOISE * *noise, MU_MIN_NORMAL);
  PetscCall(VecGetArray(q, &value));
  for (PetscInt i = 0; i < term->shared->n; ++i)
    if (pi[i] > 0) value[i] = PetscMax(value[i], *noise);
  PetscCall(VecRestoreArray(q, &value));
  PetscFunctionReturn(0);
}
