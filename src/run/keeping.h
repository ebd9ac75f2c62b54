/* When a run writes a checkpoint and when it has to stop. Private to flow/. */
#ifndef MUDOT_KEEPING_H
#define MUDOT_KEEPING_H

#include "mudot.h"
#include "record/checkpoint.h"
#include "record/run_writer.h"

typedef struct _p_MuKeeping *MuKeeping;

/* What a checkpoint is made from; everything is borrowed. */
typedef struct {
  const MuGridInfo *info;
  MuFlow flow;
  MuLedger ledger;
  MuRunWriter writer;
  const char *directory, *case_text;
  PetscReal end;
  double started;            /* wall-clock time */
  PetscBool restarted;       /* from a checkpoint ... */
  PetscReal restart_time;    /* ... of this time */
  PetscReal *initial_energy; /* goes into every checkpoint */
} MuKeepingSpec;

/* The numbers "run" of a checkpoint. */
enum {
  MU_RUN_ROWS,
  MU_RUN_SNAPSHOTS,
  MU_RUN_INITIAL_ENERGY,
  MU_RUN_TIME,
  MU_RUN_RANKS,
  MU_RUN_NUMBERS
};

/* Reads output_checkpoint and time_wall_limit. Collective. */
PetscErrorCode MuKeepingCreate(MuCase c, const MuKeepingSpec *spec, MuKeeping *keeping);
PetscErrorCode MuKeepingDestroy(MuKeeping *keeping);
/* At the end of a step: does what signals, the clock and the number of steps ask for, on all ranks
   alike, and stops the flow if it has to. Collective. */
PetscErrorCode MuKeepingAnswer(MuKeeping keeping, PetscReal time);
/* Why the run was stopped, "" if it was not. */
const char *MuKeepingReason(MuKeeping keeping);
/* Whether there is a good checkpoint on disk, and its time. */
PetscBool MuKeepingHas(MuKeeping keeping, PetscReal *time);

#endif
