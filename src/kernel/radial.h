/* Private to the library: kernels in R^dim for any dim >= 1, as functions of |z|^2. */
#ifndef MUDOT_KERNEL_RADIAL_H
#define MUDOT_KERNEL_RADIAL_H

#include "mudot/extend.h"

/* A MuRadial (mudot/extend.h) is a kernel k(z) = phi(|z|^2) on R^dim, with the name, the parameters
   and the normalization of a MuKernelSpec (the extension is not looked at). */
/* Not collective. MU_ERR_INPUT: as MuKernelCreate(); a kernel that is infinite at 0. */
PetscErrorCode MuRadialCreate(const MuKernelSpec *spec, PetscInt dim, MuRadial *radial);
PetscErrorCode MuRadialDestroy(MuRadial *radial);
PetscErrorCode MuRadialReference(MuRadial radial);
PetscErrorCode MuRadialGetSpec(MuRadial radial, const MuKernelSpec **spec, PetscInt *dim);
/* k(z) and its slope s with grad k(z) = s z, at |z|^2 = r2 >= 0. Not collective. */
PetscErrorCode MuRadialEvaluate(MuRadial radial, PetscReal r2, PetscReal *value, PetscReal *slope);
/* value[i] = k, slope[i] with grad k(z) = slope z, at r2[i] = |z|^2; slope may be NULL. */
PetscErrorCode MuRadialEvaluateArray(MuRadial radial, PetscInt n, const PetscReal *r2,
                                     PetscReal *value, PetscReal *slope);

/* Positive definite only on measures of mass zero. */
PetscBool MuRadialIsConditional(MuRadial radial);
/* Whether k is a multiple of exp(-|z|^2/(2 h^2)), so that its integrals against Gaussians are
 * known.
 */
PetscBool MuRadialIsGaussian(MuRadial radial);

#endif
