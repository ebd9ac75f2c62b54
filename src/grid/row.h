/* Sums and the like of what lies in the cache, in vector lanes. */
#ifndef MUDOT_GRID_ROW_H
#define MUDOT_GRID_ROW_H

#include <petscsys.h>

/* sum a_i b_i */
static inline PetscReal MuRowProduct(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal sum = 0;
#pragma omp simd reduction(+ : sum)
  for (PetscInt i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/* The largest of `least` and x_i; what is no number does not count. */
static inline PetscReal MuRowLargest(PetscInt n, const PetscReal *x, PetscReal least) {
  PetscReal largest = least;
#pragma omp simd reduction(max : largest)
  for (PetscInt i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

#endif
