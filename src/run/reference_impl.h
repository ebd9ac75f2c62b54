/* Private to the files of mudot reference. */
#ifndef MUDOT_RUN_REFERENCE_IMPL_H
#define MUDOT_RUN_REFERENCE_IMPL_H

#include "base/lock.h"
#include "run/reference.h"

#define MU_REASON 512

typedef struct {
  MuCase c;
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MuReferenceSpec spec;
  const char *directory;
  MuLock lock; /* on rank 0 */
  double started, deadline;
  MuGrid grid; /* of the case */
  MuRunWriter writer;
  PetscReal tolerance;
  MuLevel level[MU_GRIDS]; /* the last `levels`, the finest last */
  PetscInt levels, grids;  /* grids: solved in all */
  PetscReal *initial;      /* rank 0: the first snapshot, from a much finer grid; NULL: not known */
  PetscInt initial_factor; /* of that grid */
  PetscBool sought;        /* it was looked for */
  MuRefinement refinement; /* on rank 0 */
  PetscBool refines;       /* it is there */
  /* the estimate, on every rank */
  PetscReal unit; /* on rank 0: what the following are parts of */
  PetscReal worst, space, time, order;
  PetscBool cornered;     /* errors have the order that corners of the mask leave */
  PetscReal at;           /* time of the worst snapshot */
  PetscInt extrapolated;  /* snapshots that are */
  char reason[MU_REASON]; /* why it ended before the accuracy, "" */
} MuReference;

/* Makes the directory's files: a MuLevelBuilt, once, on the case's own cells. */
PetscErrorCode MuReferenceOpen(void *ctx, const MuRunRows *rows);
/* Writes the snapshots, the rows of the finest grid, /error, /moments and how all was obtained. */
PetscErrorCode MuReferenceWrite(MuReference *r, PetscBool reached);
/* The cells of a grid of `factor` times those of the case, in words. */
void MuReferenceCells(const MuReference *r, PetscInt factor, char text[48]);

#endif
