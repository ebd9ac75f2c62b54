/* Private to the library: kernels in R^dim for any dim >= 1, as functions of |z|^2. */
#ifndef MUDOT_KERNEL_RADIAL_H
#define MUDOT_KERNEL_RADIAL_H

#include "mudot/kernel.h"

/* A kernel k(z) = phi(|z|^2) on R^dim, with the name, the parameters and the normalization of a
   MuKernelSpec (the extension is not looked at). */
typedef struct _p_MuRadial *MuRadial;
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

/* Profiles p(t), t = rate |z|, with fast arithmetic in profile.h:
     gaussian exp(-t^2/2)   exponential e^-t   linear (1 + t) e^-t   quadratic (1 + t + t^2/3) e^-t
     imq (1 + t^2)^(-1/2)   wendland (1 - t)^4_+ (4 t + 1)   distance -t
   and GENERAL, any other, by the kernel's own functions. */
typedef enum {
  MU_PROFILE_GENERAL,
  MU_PROFILE_GAUSSIAN,
  MU_PROFILE_EXPONENTIAL,
  MU_PROFILE_LINEAR,
  MU_PROFILE_QUADRATIC,
  MU_PROFILE_IMQ,
  MU_PROFILE_WENDLAND,
  MU_PROFILE_DISTANCE
} MuProfile;

/* k(z) = amplitude p(t); grad k(z) = amplitude rate^2 (p'(t)/t) z. Where p'(t)/t is infinite at 0
   the slope there is taken as 0: the gradient of a pair of equal points. */
struct _p_MuRadial {
  PetscInt references;
  MuKernel kernel; /* in R^min(dim, 2): traits, and the specification with its defaults resolved */
  PetscInt dim;
  MuProfile profile;
  PetscReal amplitude, rate;
  PetscReal log_integral; /* of p(|z|) over R^dim; not needed if it diverges */
  PetscReal log_peak;     /* of p(0) */
  /* GENERAL: p(t) and p'(t)/t */
  PetscReal (*value)(MuRadial radial, PetscReal t);
  PetscReal (*slope)(MuRadial radial, PetscReal t);
  PetscErrorCode (*destroy)(MuRadial radial); /* NULL: a ctx from PetscNew() is freed */
  void *ctx;
};

#endif
