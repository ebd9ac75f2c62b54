/* The target in the MMD. Private to particles/. */
#ifndef MUDOT_KERNEL_MEAN_H
#define MUDOT_KERNEL_MEAN_H

#include "measure/law.h"
#include "particles/wall_kernel.h"

typedef enum { MU_SAMPLES_EXACT, MU_SAMPLES_FIXED, MU_SAMPLES_FRESH } MuTargetSamples;

/* k*pi, by one of: closed form (gaussian kernel and mixture), points with equal weights, or the
   density on the grid convolved there and interpolated. */
typedef struct _MuKernelMean *MuKernelMean;
/* count, rng: of the samples of FIXED and FRESH; rng is borrowed. grid NULL: none. Collective. */
PetscErrorCode MuKernelMeanCreate(MuLaw law, MuWallKernel kernel, MPI_Comm comm, MuGrid grid,
                                  MuTargetSamples samples, PetscInt count, const gsl_rng *rng,
                                  MuKernelMean *mean);
PetscErrorCode MuKernelMeanDestroy(MuKernelMean *mean);
/* Draws new samples if FRESH. Collective. */
PetscErrorCode MuKernelMeanRefresh(MuKernelMean mean);
/* value [m], gradient [m][dim] at y; either may be NULL. Collective. */
PetscErrorCode MuKernelMeanApply(MuKernelMean mean, PetscInt m, const PetscReal *y,
                                 PetscReal *value, PetscReal *gradient);
/* The points of FIXED, FRESH and a target of points, equal weights; NULL where it has none.
   Borrowed until the next Refresh. */
PetscErrorCode MuKernelMeanGetPoints(MuKernelMean mean, PetscInt *count, const PetscReal **points);
/* <pi, k*pi> of the target as it is represented. */
PetscErrorCode MuKernelMeanGetNorm(MuKernelMean mean, PetscReal *norm);
/* Whether Refresh draws. */
PetscErrorCode MuKernelMeanIsRandom(MuKernelMean mean, PetscBool *random);
/* A sentence: how it is had. `exact`: no sampling is involved and no grid. Borrowed. */
PetscErrorCode MuKernelMeanDescribe(MuKernelMean mean, PetscBool *exact, const char **sentence);

#endif
