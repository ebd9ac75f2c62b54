/* Private to particles/: ways to sum over pairs. Each handles the targets y [m][dim] of one rank;
   sums [m][columns] (may be NULL) and gradient [m][dim] (may be NULL) are overwritten. */
#ifndef MUDOT_PARTICLES_PAIRS_IMPL_H
#define MUDOT_PARTICLES_PAIRS_IMPL_H

#include "particles/radial.h"

/* What is summed: sources x [n][dim], weights w [n][columns]. */
typedef struct {
  MuRadial radial;
  PetscInt n, columns, m;
  const PetscReal *x, *w, *y;
  PetscReal *sums, *gradient;
} MuPairSum;

/* Work space that grows. */
typedef struct {
  size_t size;
  PetscReal *data;
} MuWork;
PetscErrorCode MuWorkResize(MuWork *work, size_t size);
PetscErrorCode MuWorkDestroy(MuWork *work);

/* Differences of coordinates; for few dimensions. */
PetscErrorCode MuPairSumByDifferences(const MuPairSum *sum, MuWork *work);
/* |x|^2 + |y|^2 - 2 x.y by matrix products; for many dimensions. */
PetscErrorCode MuPairSumByProducts(const MuPairSum *sum, MuWork *work);

/* value[i] = k, slope[i] with grad k(z) = slope z, at r2[i] = |z|^2; slope may be NULL. */
PetscErrorCode MuRadialEvaluateArray(MuRadial radial, PetscInt n, const PetscReal *r2,
                                     PetscReal *value, PetscReal *slope);

#endif
