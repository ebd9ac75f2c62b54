/* What the energies of a smoothed density q = k*rho share. */
#include "energy/smoothed.h"

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
