/* Private to particles/: what a radial kernel is made of. */
#ifndef MUDOT_PARTICLES_RADIAL_H
#define MUDOT_PARTICLES_RADIAL_H

#include "kernel/table.h"
#include "mudot.h"
#include "particles/pairs.h"

/* Profiles p(t), t = rate |z|/h:
     gaussian exp(-t^2/2)   exponential e^-t   linear (1 + t) e^-t   quadratic (1 + t + t^2/3) e^-t
     imq (1 + t^2)^(-1/2)   wendland (1 - t)^m_+ (m t + 1)   distance -t   riesz -t^e
     bessel t^nu K_nu(t), of which exponential, linear and quadratic are nu = 1/2, 3/2, 5/2 */
typedef enum {
  MU_PROFILE_GAUSSIAN,
  MU_PROFILE_EXPONENTIAL,
  MU_PROFILE_LINEAR,
  MU_PROFILE_QUADRATIC,
  MU_PROFILE_IMQ,
  MU_PROFILE_WENDLAND,
  MU_PROFILE_DISTANCE,
  MU_PROFILE_RIESZ,
  MU_PROFILE_BESSEL
} MuProfile;

/* k(z) = amplitude p(t); grad k(z) = amplitude rate^2 (p'(t)/t) z with rate = (sqrt(2 nu) or 1)/h.
   Where p'(t)/t is infinite at 0 the slope there is taken as 0: the gradient of a pair of equal
   points. */
struct _p_MuRadial {
  PetscInt references;
  MuKernelSpec spec; /* defaults resolved */
  PetscInt dim;
  MuProfile profile;
  PetscReal amplitude, rate;
  PetscInt power;       /* wendland: m */
  PetscReal nu;         /* matern, bessel */
  PetscReal log_factor; /* bessel: p(t) = exp(log_factor) t^nu K_nu(t) */
  PetscReal peak[2];    /* bessel: p(0) and (p'(t)/t)(0) */
  MuTable table[2];     /* bessel: e^t p(t) and e^t p'(t)/t */
};

/* Positive definite only on measures of mass zero. */
static inline PetscBool MuRadialIsConditional(MuRadial radial) {
  return (PetscBool)(radial->profile == MU_PROFILE_DISTANCE || radial->profile == MU_PROFILE_RIESZ);
}

#endif
