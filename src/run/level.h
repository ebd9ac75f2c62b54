/* A flow solved on one of several nested grids, as far as references need it. Private to run/. */
#ifndef MUDOT_RUN_LEVEL_H
#define MUDOT_RUN_LEVEL_H

#include "run/rows.h"

/* Numbers that a density has at an output time, on the grid that it was solved on. */
enum {
  MU_SCALAR_ENERGY,
  MU_SCALAR_MASS,
  MU_SCALAR_RIGHT, /* mass at x above the centre of the box */
  MU_SCALAR_MEAN_X,
  MU_SCALAR_MEAN_Y,
  MU_SCALAR_VARIANCE_X, /* of the normalised density, about its mean */
  MU_SCALAR_VARIANCE_Y,
  MU_SCALAR_COVARIANCE,
  MU_SCALARS
};

typedef struct {
  PetscInt factor; /* cells per cell of the case, along each axis */
  PetscReal tolerance;
  double deadline; /* MPI_Wtime() at which it gives up; 0: never */
} MuLevelSpec;

/* Arrays are on every rank unless they say otherwise. */
typedef struct {
  PetscInt factor, times, cells; /* cells: of the case */
  PetscBool leaps;               /* to the tolerance, rather than by adapted steps */
  PetscReal tolerance, seconds;
  PetscReal *time;               /* [times] */
  PetscReal *density;            /* rank 0: [times][cells], means over the cells of the case */
  PetscReal *scalar[MU_SCALARS]; /* rank 0: [times] */
  MuColumns columns;             /* of the ledger with diagnostics */
  PetscInt rows, room;
  PetscReal *row; /* rank 0: [rows][columns] */
} MuLevel;

/* Called once the problem is built. */
typedef PetscErrorCode (*MuLevelBuilt)(void *ctx, const MuRunRows *rows);

/* Solves the case to its end, from its tolerance alone. *stopped: the deadline came first, and the
   level is empty. built may be NULL. Collective. Errors as MuRunSolve(); the level is then empty.
 */
PetscErrorCode MuLevelSolve(MuCase c, const MuLevelSpec *spec, MuLevelBuilt built, void *ctx,
                            MuLevel *level, PetscBool *stopped);
PetscErrorCode MuLevelDestroy(MuLevel *level);

/* The initial density as means over the cells of the case, extrapolated from grids of `factor` and
   factor/2 times as many, freed by the caller; NULL on other ranks than 0. Collective. */
PetscErrorCode MuLevelInitial(MuCase c, PetscInt factor, PetscInt cells, PetscReal **density);

#endif
