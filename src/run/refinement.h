/* What nested grids tell of the error of the finest, and their extrapolation. On one process.
   Private to run/. */
#ifndef MUDOT_RUN_REFINEMENT_H
#define MUDOT_RUN_REFINEMENT_H

#include "run/level.h"

/* Distances of two densities on the cells of the case. */
typedef enum {
  MU_NORM_L1,
  MU_NORM_HELLINGER, /* (int (sqrt f - sqrt g)^2)^(1/2) */
  MU_NORM_W1,        /* of the normalised densities, 1-D */
  MU_NORM_MASS,      /* |int f - int g| */
  MU_NORMS
} MuNorm;

/* The words of the norms that may be chosen, separated by |. */
#define MU_NORM_WORDS "l1|hellinger|w1"
extern const char *const MuNormNames[MU_NORMS], *const MuScalarNames[MU_SCALARS];

/* Grids that an estimate looks at, at most; three are needed. */
#define MU_GRIDS 4

/* Errors in space and in time of a number at each of the output times. */
typedef struct {
  PetscReal *space, *time;
} MuErrorSeries;

typedef struct {
  MuNorm norm; /* that is asked for */
  PetscInt dim, cells[2], times, count;
  PetscBool corners;  /* a mask may have some that point into the domain */
  PetscBool cornered; /* the errors have the order that those leave */
  PetscReal spacing[2], volume;
  MuErrorSeries norms[MU_NORMS], scalars[MU_SCALARS]; /* [times] each */
  PetscReal *energy;                                  /* [times] space error on the finest grid */
  PetscReal *order;                                   /* [times] observed in that norm */
  PetscBool *extrapolated;                            /* [times] */
  PetscReal *density;                                 /* [times][count]: the best there is */
  PetscReal *scalar[MU_SCALARS];                      /* [times] the same of the numbers */
  PetscBool rough[MU_NORMS];                          /* a snapshot has no regular order */
  PetscReal *work[2];                                 /* [count] */
} MuRefinement;

/* cells: of the case; both arrays per axis. */
PetscErrorCode MuRefinementCreate(const MuGridInfo *info, MuNorm norm, PetscInt times,
                                  MuRefinement *refinement);
PetscErrorCode MuRefinementDestroy(MuRefinement *refinement);

/* The distance of two densities [count] on its cells; w1 in 2-D: 0. */
PetscReal MuNormDistance(const MuRefinement *refinement, MuNorm norm, const PetscReal *f,
                         const PetscReal *g);

/* Space errors, order and best density from 3 to MU_GRIDS levels, each with twice the cells of the
   one before. With u_k on the k-th grid, d_k = |u_k - u_(k-1)| and p = log2(d_(k-1)/d_k), the error
   of u_k is taken as d_k/(2^p - 1) and more (see refinement.c); where p is near 1, 2 or, with a
   mask in 2-D, 4/3, E_k = u_k + (u_k - u_(k-1))/(2^p - 1), kept positive and of its own mass, takes
   its place if |E_k - E_(k-1)| lets expect less. initial: the density at the first output time
   [count], from a grid much finer than those; NULL: not known. */
void MuRefinementEstimate(MuRefinement *refinement, PetscInt levels, const MuLevel *const level[],
                          const PetscReal *initial);
/* Errors in time from a level and the same level at a smaller tolerance: the larger of what is
   there and what their difference says. */
void MuRefinementTime(MuRefinement *refinement, const MuLevel *level, const MuLevel *finer);
/* Nothing is known of time any more. */
void MuRefinementForgetTime(MuRefinement *refinement);
/* The largest sum of both errors in the norm over the output times; *at is where. */
PetscReal MuRefinementWorst(const MuRefinement *refinement, PetscInt *at);

#endif
