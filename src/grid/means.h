/* Private to grid/ and the layers above it: the series behind the means. */
#ifndef MUDOT_GRID_MEANS_H
#define MUDOT_GRID_MEANS_H

#include "mudot.h"

/* (atanh(z)/z - 1)/z^2 as a function of z^2, to rounding for |z| <= MU_ATANH_RADIUS: the first term
   left out is z^18/21 < 3e-17. */
#define MU_ATANH_RADIUS (1.0 / 7)
static inline PetscReal MuAtanhTail(PetscReal zz) {
  PetscReal sum = 1.0 / 19;
  sum = sum * zz + 1.0 / 17;
  sum = sum * zz + 1.0 / 15;
  sum = sum * zz + 1.0 / 13;
  sum = sum * zz + 1.0 / 11;
  sum = sum * zz + 1.0 / 9;
  sum = sum * zz + 1.0 / 7;
  sum = sum * zz + 1.0 / 5;
  return sum * zz + 1.0 / 3;
}

#endif
