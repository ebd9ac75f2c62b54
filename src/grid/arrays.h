/* Vectorised functions of arrays, and means of two numbers. */
#ifndef MUDOT_GRID_ARRAYS_H
#define MUDOT_GRID_ARRAYS_H

#include <petscsys.h>

#define MU_MIN_NORMAL 2.2250738585072014e-308

/* y_i = exp x_i, log x_i, log max(x_i, smallest normal number), x_i^p; vectorised, within 4 units
   in the last place. x and y may be the same. */
void MuArrayExp(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayLog(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayLogPositive(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayPow(PetscInt n, const PetscReal *x, PetscReal p, PetscReal *y);

/* Logarithmic mean (a - b)/(log a - log b) of a, b >= 0, to rounding for every ratio; a if a = b, 0
   if either is 0. */
PetscReal MuLogarithmicMean(PetscReal a, PetscReal b);
/* The same for arrays [n], vectorised. mean may be a or b. */
void MuArrayLogarithmicMean(PetscInt n, const PetscReal *a, const PetscReal *b, PetscReal *mean);
/* Stolarsky's mean (m-1)/m (a^m - b^m)/(a^(m-1) - b^(m-1)) of a, b >= 0, to rounding for every
   ratio and m; m = 2: arithmetic, m = 1: logarithmic. With one of them 0: (m-1)/m times the other
   for m > 1, else 0. */
PetscReal MuStolarskyMean(PetscReal a, PetscReal b, PetscReal m);
/* Arrays [ny][nx]: c[i stride] = the mean of f over the fine cells in coarse cell i, which
   conserves mass. The fine numbers of cells are multiples of the coarse ones; in 1-D cells[1] = 1.
 */
void MuArrayBlockMeans(const PetscInt fine[2], const PetscReal *f, const PetscInt coarse[2],
                       PetscInt stride, PetscReal *c);
/* Bernoulli function B(z) = z/(e^z - 1), accurate and finite for every z. */
PetscReal MuBernoulli(PetscReal z);

#endif
