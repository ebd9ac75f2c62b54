/* Private to particles/: ways to sum over pairs. Each handles the targets y [m][dim] of one rank;
   sums [m][columns] (may be NULL) and gradient [m][dim] (may be NULL) are overwritten. */
#ifndef MUDOT_PARTICLES_PAIRS_IMPL_H
#define MUDOT_PARTICLES_PAIRS_IMPL_H

#include "particles/pairs.h"

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

/* By Fourier series on a grid, for many points in 1-D and 2-D. */
typedef struct _MuFastSum *MuFastSum;
/* `tolerance` as in MuPairsSetMethod(). Not collective. */
PetscErrorCode MuFastSumCreate(MPI_Comm comm, MuRadial radial, PetscReal tolerance,
                               MuFastSum *fast);
PetscErrorCode MuFastSumDestroy(MuFastSum *fast);
/* Makes a grid for the points of `sum` (of all ranks), if the one that is there does not do.
   *possible: whether the kernel's tails allow it and the grid is not too large; the same on all
   ranks. Not collective. */
PetscErrorCode MuFastSumPrepare(MuFastSum fast, const MuPairSum *sum, PetscBool *possible);
/* Low corner and cells of the grid, zeros if there is none; makes that grid. */
void MuFastSumRemember(MuFastSum fast, PetscReal memory[MU_PAIRS_MEMORY]);
PetscErrorCode MuFastSumRecall(MuFastSum fast, const PetscReal memory[MU_PAIRS_MEMORY]);
/* This rank spreads sources first_source .. last_source - 1 and fills the sums of targets first ..
   last - 1. Collective. */
PetscErrorCode MuFastSumApply(MuFastSum fast, const MuPairSum *sum, PetscInt first_source,
                              PetscInt last_source, PetscInt first, PetscInt last);

#endif
