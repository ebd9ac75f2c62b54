/* The complete state of a run between two steps, on disk. Private to record/ and the floors above.
 */
#ifndef MUDOT_CHECKPOINT_H
#define MUDOT_CHECKPOINT_H

#include "mudot/grid.h"

/* Named numbers, texts and fields: the complete state of a run between two steps. */
typedef struct _p_MuCheckpoint *MuCheckpoint;
/* An empty one. Collective, like everything below. */
PetscErrorCode MuCheckpointCreate(MPI_Comm comm, MuCheckpoint *checkpoint);
PetscErrorCode MuCheckpointDestroy(MuCheckpoint *checkpoint);
/* Copies, replacing what had the name. Numbers and texts are the same on every rank; names are at
   most 31 characters. */
PetscErrorCode MuCheckpointPutNumbers(MuCheckpoint checkpoint, const char *name, PetscInt n,
                                      const PetscReal values[]);
/* One of the numbers of a group: where it is kept, one of the three. */
typedef struct {
  const char *name; /* NULL ends a list */
  PetscReal *real;
  PetscInt *count;
  PetscBool *flag;
} MuNamedNumber;
/* Every number of the list by itself, as GROUP.NAME. */
PetscErrorCode MuCheckpointPutNamed(MuCheckpoint checkpoint, const char *group,
                                    const MuNamedNumber list[]);
PetscErrorCode MuCheckpointPutText(MuCheckpoint checkpoint, const char *name, const char *text);
PetscErrorCode MuCheckpointPutField(MuCheckpoint checkpoint, MuGrid grid, const char *name,
                                    Vec field);
/* MU_ERR_FILE: there is nothing of this name and size. The text is borrowed. */
PetscErrorCode MuCheckpointGetNumbers(MuCheckpoint checkpoint, const char *name, PetscInt n,
                                      PetscReal values[]);
/* MU_ERR_FILE: one of them is not there; those before it are set. */
PetscErrorCode MuCheckpointGetNamed(MuCheckpoint checkpoint, const char *group,
                                    const MuNamedNumber list[]);
PetscErrorCode MuCheckpointGetText(MuCheckpoint checkpoint, const char *name, const char **text);
PetscErrorCode MuCheckpointGetField(MuCheckpoint checkpoint, MuGrid grid, const char *name,
                                    Vec field);

#define MU_GENERATIONS 2
/* DIRECTORY/checkpoint.h5 (generation 0, the newest) or checkpoint.1.h5 (the one before). */
PetscErrorCode MuCheckpointPath(const char *directory, PetscInt generation,
                                char path[PETSC_MAX_PATH_LEN]);
/* Writes generation 0, whole or not at all: a temporary file beside it, on disk before it is
   renamed; the last good generation 0 becomes generation 1. An HDF5 file behind a block of 512
   bytes with its length and a CRC-32. MU_ERR_FILE: it cannot be written; both generations are as
   before. */
PetscErrorCode MuCheckpointWrite(MuCheckpoint checkpoint, const char *directory);
/* *checkpoint is NULL if there is no such file. MU_ERR_FILE: it is damaged or cannot be read. */
PetscErrorCode MuCheckpointRead(MPI_Comm comm, const char *directory, PetscInt generation,
                                MuCheckpoint *checkpoint);
/* Removes both generations. Not an error if there are none. */
PetscErrorCode MuCheckpointRemove(MPI_Comm comm, const char *directory);

#endif
