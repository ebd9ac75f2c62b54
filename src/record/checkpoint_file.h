/* The two generations of a checkpoint on disk: bytes that are whole or refused. One process.
   Private to output/. */
#ifndef MUDOT_CHECKPOINT_FILE_H
#define MUDOT_CHECKPOINT_FILE_H

#include "mudot.h"

/* Replaces generation 0 by these bytes; what it was becomes generation 1 unless it is damaged.
   `newest_is_good`: it was written by this process and need not be looked at. MU_ERR_FILE. */
PetscErrorCode MuCheckpointFileWrite(const char *directory, const void *bytes, size_t size,
                                     PetscBool newest_is_good);
/* The bytes of a generation, freed by the caller with PetscFree(); NULL if there is no such file.
   MU_ERR_FILE: damaged, cut off or unreadable, and the sentence says which. */
PetscErrorCode MuCheckpointFileRead(const char *path, void **bytes, size_t *size);

#endif
