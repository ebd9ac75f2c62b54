/* Private to the library: functions on a grid, evaluated anywhere in its box. */
#ifndef MUDOT_MEASURE_INTERPOLANT_H
#define MUDOT_MEASURE_INTERPOLANT_H

#include "mudot/grid.h"

/* A function given at the cell centres of a box, by GSL's cubic splines (2-D: bicubic): error
   O(spacing^4), of the gradient O(spacing^3), for a smooth function. Beyond the outermost centres,
   which a caller keeps out of the box, it is continued by a constant. */
typedef struct _MuInterpolant *MuInterpolant;
/* values [ny][nx] at lower + (i + 1/2) spacing; at least 5 cells an axis. Not collective. */
PetscErrorCode MuInterpolantCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                                   const PetscReal spacing[2], const PetscReal *values,
                                   MuInterpolant *interpolant);
/* From values on a box, continued evenly at its walls. */
PetscErrorCode MuInterpolantCreateMirrored(const MuGridInfo *info, const PetscReal *values,
                                           MuInterpolant *interpolant);
PetscErrorCode MuInterpolantDestroy(MuInterpolant *interpolant);
/* value [n], gradient [n][dim] at x [n][dim]; either may be NULL. */
PetscErrorCode MuInterpolantEvaluate(MuInterpolant interpolant, PetscInt n, const PetscReal *x,
                                     PetscReal *value, PetscReal *gradient);
/* Cells added on every side, so that nothing is seen in the box of how a spline ends. */
#define MU_MARGIN 16

#endif
