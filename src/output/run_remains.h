/* What the file of a run holds, finished or not. Private to output/ and the floors above. */
#ifndef MUDOT_RUN_REMAINS_H
#define MUDOT_RUN_REMAINS_H

#include <petscsys.h>

typedef struct {
  PetscBool there; /* whether there is such a file; the rest is empty if not */
  PetscInt rows, snapshots;
  PetscReal *times;                    /* [snapshots] */
  PetscInt cells;                      /* values of target, 0 if it has none */
  PetscReal *target;                   /* log_density, on rank 0 */
  PetscInt mask_cells;                 /* values of mask, 0 if it has none */
  PetscReal *mask;                     /* 1 = inside, on rank 0 */
  PetscInt initial_values;             /* 0: there is no snapshot of t = 0 */
  PetscReal *initial;                  /* its density, or the positions of its cloud, on rank 0 */
  char *case_text, *status, *restarts; /* attributes, "" where there is none */
} MuRunRemains;

/* DIRECTORY/NAME, "run.h5" or "particles.h5". Collective. MU_ERR_FILE: it is there and cannot be
   read. */
PetscErrorCode MuRunRemainsRead(MPI_Comm comm, const char *directory, const char *name,
                                MuRunRemains *remains);
PetscErrorCode MuRunRemainsFree(MuRunRemains *remains);

#endif
