/* Private to the library: radial profiles as plain arithmetic that compilers vectorize when the
   profile is a constant. */
#ifndef MUDOT_KERNEL_PROFILE_H
#define MUDOT_KERNEL_PROFILE_H

#include "grid/vector_exp.h"
#include "kernel/radial.h"

/* p(t) and p'(t)/t at t2 = t^2, for all profiles but GENERAL. */
static inline __attribute__((always_inline)) void
mu_profile_inline(const MuProfile profile, PetscReal t2, PetscReal *value, PetscReal *slope) {
  if (profile == MU_PROFILE_GAUSSIAN) {
    *value = MuExpNonPositive(-0.5 * t2);
    *slope = -*value;
  } else if (profile == MU_PROFILE_IMQ) {
    const PetscReal q = 1 / (1 + t2);
    *value = sqrt(q);
    *slope = -q * *value;
  } else {
    const PetscReal t = sqrt(t2);
    if (profile == MU_PROFILE_WENDLAND) {
      const PetscReal q = t < 1 ? 1 - t : 0, q3 = q * q * q;
      *value = q3 * q * (4 * t + 1);
      *slope = -20 * q3;
    } else if (profile == MU_PROFILE_DISTANCE) {
      *value = -t;
      *slope = t > 0 ? -1 / t : 0;
    } else {
      const PetscReal e = MuExpNonPositive(-t);
      if (profile == MU_PROFILE_EXPONENTIAL) {
        *value = e;
        *slope = t > 0 ? -e / t : 0;
      } else if (profile == MU_PROFILE_LINEAR) {
        *value = (1 + t) * e;
        *slope = -e;
      } else {
        *value = (1 + t * (1 + t * (1.0 / 3))) * e;
        *slope = -(1.0 / 3) * (1 + t) * e;
      }
    }
  }
}

#endif
