/* From where a restarted run goes on. Private to flow/. */
#ifndef MUDOT_RESTART_H
#define MUDOT_RESTART_H

#include "mudot.h"
#include "output/run_remains.h"
#include "record/checkpoint.h"

typedef struct {
  MuRunRemains remains;
  PetscBool finished;       /* the run is done already */
  MuCheckpoint checkpoint;  /* NULL: from t = 0 */
  PetscInt rows, snapshots; /* of run.h5 at the checkpoint */
  PetscReal time, initial_energy;
  char path[PETSC_MAX_PATH_LEN]; /* of the checkpoint */
} MuRestart;

/* Looks through the output directory, before anything is built: transforms are then planned as they
   were. Warns of a damaged checkpoint if the one before is good. Nothing is changed. Collective.
   MU_ERR_INPUT: the run there is of another case; MU_ERR_FILE: run.h5 or every checkpoint is
   damaged. */
PetscErrorCode MuRestartFind(MuCase c, MuRestart *restart);
/* Whether the built problem is what run.h5 is of: its output times and its target. Collective.
   MU_ERR_INPUT. */
PetscErrorCode MuRestartCheck(const MuRestart *restart, const MuProblemParts *parts,
                              const char *directory);
PetscErrorCode MuRestartFree(MuRestart *restart);

#endif
