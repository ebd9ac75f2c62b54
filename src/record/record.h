/* One driver for whatever has steps, rows and snapshots: it writes the files of a run, shows how
   far it is, answers signals and the clock, writes checkpoints, goes on from them, and tells how
   the run ended. Private to record/ and the floors above. */
#ifndef MUDOT_RECORD_H
#define MUDOT_RECORD_H

#include "mudot/case.h"
#include "mudot/columns.h"
#include "output/run_remains.h"
#include "record/checkpoint.h"
#include "record/run_writer.h"

typedef struct _p_MuRecord *MuRecord;

/* What build() finds out; borrowed for as long as the run lasts. */
typedef struct {
  MuColumns columns;
  PetscReal end;
  PetscInt snapshots;
  const PetscReal *times; /* [snapshots] ascending */
  PetscReal numbers;      /* of a snapshot */
} MuRecordPlan;

/* What is run: all REQUIRED unless they say otherwise, all collective. ctx is that of
 * MuRecordRun(). */
typedef struct {
  const char *file; /* of its results, "run.h5" */
  /* Makes the whole of it, at t = 0. */
  PetscErrorCode (*build)(void *ctx, MuCase c, MuRecordPlan *plan);
  /* MU_ERR_INPUT if it is not what an earlier run in `directory` was of. first: the row of t = 0 of
     that run, NULL if it is not known. */
  PetscErrorCode (*check)(void *ctx, const MuRunRemains *remains, const PetscReal *first,
                          const char *directory);
  PetscErrorCode (*create_writer)(void *ctx, const MuRunWriterSpec *spec, MuRunWriter *writer);
  /* Puts into the file of a new run what does not change: target, attributes. */
  PetscErrorCode (*describe)(void *ctx, MuRunWriter writer);
  /* The row of t = 0. */
  PetscErrorCode (*start)(void *ctx, PetscReal row[]);
  /* To exactly `time` with MuRecordStep() after every step, or until stop() was called in it. */
  PetscErrorCode (*advance)(void *ctx, MuRecord record, PetscReal time);
  PetscErrorCode (*stop)(void *ctx);
  PetscErrorCode (*get_state)(void *ctx, PetscReal *time, PetscInt *steps);
  PetscErrorCode (*add_snapshot)(void *ctx, MuRunWriter writer);
  /* The complete state, and back. */
  PetscErrorCode (*save)(void *ctx, MuCheckpoint checkpoint);
  PetscErrorCode (*load)(void *ctx, MuCheckpoint checkpoint);
  /* OPTIONAL: puts into the file what the run has come to, at its end or interruption. */
  PetscErrorCode (*conclude)(void *ctx, MuRunWriter writer);
  /* Prints what the run came to. */
  PetscErrorCode (*summarize)(void *ctx, MuRecord record);
} MuRecordOps;

typedef struct {
  PetscBool restart;   /* goes on from the newest good checkpoint of output_directory, if any */
  const char *program; /* how it was started, for the command to go on; NULL: as in the command
                          line of the case */
} MuRecordSpec;

/* Runs a case to its end or an interruption and prints how it went on standard output; see
   MuRunSolve() for signals and errors. The caller frees ctx. Collective. */
PetscErrorCode MuRecordRun(MuCase c, const MuRecordOps *ops, void *ctx, const MuRecordSpec *spec,
                           PetscBool *interrupted);

/* After every step: writes its row (NULL: it has none) and does what signals and the clock ask for.
   Collective. */
PetscErrorCode MuRecordStep(MuRecord record, const PetscReal row[]);
/* From advance(): the run is done with this state, before its end. Calls stop(). Collective. */
PetscErrorCode MuRecordEnd(MuRecord record);
PetscBool MuRecordHasEnded(MuRecord record);

/* Rows of the whole run, also of what was before a restart: the first, the last, and of every
   column the largest size so far. [columns]; borrowed. */
PetscErrorCode MuRecordGetRows(MuRecord record, const PetscReal **first, const PetscReal **last,
                               const PetscReal **largest);
/* "wall time ..." and "peak memory ...": the lines that every summary has. Collective. */
PetscErrorCode MuRecordPrintCosts(MuRecord record);
/* "results ...". Collective. */
PetscErrorCode MuRecordPrintResults(MuRecord record);

#endif
