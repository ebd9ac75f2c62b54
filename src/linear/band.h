/* A banded LU factorisation (LAPACK). */
#ifndef MUDOT_LINEAR_BAND_H
#define MUDOT_LINEAR_BAND_H

#include <petscsys.h>

typedef struct _p_MuBand *MuBand;

/* size x size, entries with |i - j| <= width; zero. Not collective. */
PetscErrorCode MuBandCreate(PetscInt size, PetscInt width, MuBand *band);
PetscErrorCode MuBandDestroy(MuBand *band);
PetscErrorCode MuBandZero(MuBand band);
/* Entry (i, j) += value. */
void MuBandAdd(MuBand band, PetscInt i, PetscInt j, PetscReal value);
/* In place; MuBandZero() comes before the next matrix. Where it is singular in rounding a pivot is
   0: the largest number stands for it, which keeps that unknown at 0. */
PetscErrorCode MuBandFactor(MuBand band);
/* x [size] <- A^(-1) x */
PetscErrorCode MuBandSolve(MuBand band, PetscReal *x);

#endif
