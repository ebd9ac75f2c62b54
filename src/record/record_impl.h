/* Private to record/: the state of the driver. */
#ifndef MUDOT_RECORD_IMPL_H
#define MUDOT_RECORD_IMPL_H

#include "base/lock.h"
#include "record/progress.h"
#include "record/record.h"

/* From where a restarted run goes on. */
typedef struct {
  MuRunRemains remains;
  PetscBool finished;            /* the run is done already */
  MuCheckpoint checkpoint;       /* NULL: from t = 0 */
  PetscInt rows, snapshots;      /* of the file at the checkpoint */
  PetscInt ranks;                /* that wrote it */
  PetscReal time;                /* of the checkpoint */
  char path[PETSC_MAX_PATH_LEN]; /* of the checkpoint */
} MuRestart;

/* When a checkpoint is written and when the run has to stop. */
typedef struct {
  MuCheckpoint checkpoint;
  PetscReal every_seconds, limit; /* 0: never, none */
  PetscInt every_steps, steps;    /* steps since the last checkpoint */
  double written, last_step;      /* wall-clock times */
  PetscReal step_seconds, write_seconds;
  PetscBool warned;
  PetscBool there; /* a good checkpoint is on disk ... */
  PetscReal time;  /* ... of this time */
  char reason[32]; /* why the run was stopped, "" if it was not */
} MuKeeping;

struct _p_MuRecord {
  MuCase c;
  MPI_Comm comm;
  PetscMPIInt rank, size;
  const MuRecordOps *ops;
  void *ctx;
  const char *directory, *case_text, *command_line, *program;
  MuRecordPlan plan;
  PetscInt columns, shown; /* shown: the column of the progress line */
  MuRunWriter writer;
  MuProgress progress;
  PetscReal *first, *last, *largest; /* rows */
  PetscReal last_snapshot;           /* time of the last one in the file, NAN: none */
  PetscBool ended;                   /* MuRecordEnd() */
  MuRestart restart;
  MuKeeping keeping;
  MuLock lock;    /* of the directory, on rank 0; NULL: not yet */
  double started; /* wall-clock time */
};

/* The numbers "run" of a checkpoint: what it belongs to. */
enum { MU_RUN_ROWS, MU_RUN_SNAPSHOTS, MU_RUN_TIME, MU_RUN_RANKS, MU_RUN_NUMBERS };

/* Looks through the output directory, before anything is built: transforms are then planned as they
   were. Warns of a damaged checkpoint if the one before is good. Nothing is changed. Collective.
   MU_ERR_INPUT: the run there is of another case; MU_ERR_FILE: its file or every checkpoint is
   damaged. */
PetscErrorCode MuRestartFind(MuRecord record);
/* Whether the plan is that of the run that is there. MU_ERR_INPUT. */
PetscErrorCode MuRestartCheck(MuRecord record);
PetscErrorCode MuRestartFree(MuRestart *restart);

/* Reads output_checkpoint and time_wall_limit. Collective. */
PetscErrorCode MuKeepingBegin(MuRecord record);
/* At the end of a step: does what signals, the clock and the number of steps ask for, on all ranks
   alike. Collective. */
PetscErrorCode MuKeepingAnswer(MuRecord record);
/* A signal has cut a step off: the checkpoint of the state before it. Collective. */
PetscErrorCode MuKeepingStop(MuRecord record);

#endif
