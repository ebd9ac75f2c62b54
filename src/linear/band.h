/* Private to flow/: banded factorisation for the coarsest level of a multigrid hierarchy. */
#ifndef MUDOT_BAND_H
#define MUDOT_BAND_H

#include "mudot.h"

/* Entry (i, j) of the matrix is row[i*(2*width + 1) + width + j - i], |i - j| <= width. */
typedef struct {
  PetscInt size, width;
  PetscReal *row, *pivot;
} MuBand;

PetscErrorCode MuBandCreate(PetscInt size, PetscInt width, MuBand *band);
PetscErrorCode MuBandDestroy(MuBand *band);
/* LU in place without pivoting: for matrices that are diagonally dominant by columns. */
PetscErrorCode MuBandFactor(MuBand *band);
void MuBandSolve(const MuBand *band, PetscReal *x);

#endif
