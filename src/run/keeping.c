/* Checkpoints of a run and its answers to signals and the clock. Ranks may be told different things
   (a signal may reach one of them, their clocks differ): they agree at the end of every step. */
#include "run/keeping.h"

#include "output/terminal.h"
#include "record/interrupt.h"

struct _p_MuKeeping {
  MuKeepingSpec spec;
  MuCheckpoint checkpoint;
  PetscReal every_seconds, limit; /* 0: never, none */
  PetscInt every_steps, steps;    /* steps since the last checkpoint */
  double written, last_step;      /* wall-clock times */
  PetscReal step_seconds, write_seconds;
  PetscBool warned;
  PetscBool there; /* a good checkpoint is on disk ... */
  PetscReal time;  /* ... of this time */
  char reason[32];
};

PetscErrorCode MuKeepingCreate(MuCase c, const MuKeepingSpec *spec, MuKeeping *keeping) {
  MuKeeping k;
  PetscInt none;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscNew(&k));
  *keeping = k;
  k->spec = *spec;
  k->every_seconds = 600;
  PetscCall(MuCaseGetInterval(c, "output_checkpoint", &k->every_seconds, &k->every_steps, &given));
  PetscCall(MuCaseGetInterval(c, "time_wall_limit", &k->limit, &none, &given));
  PetscCall(MuCheckpointCreate(spec->info->comm, &k->checkpoint));
  /* until one has been written: a tenth of a gigabyte per second */
  k->write_seconds =
      0.05 + 8e-8 * (PetscReal)spec->info->cells[0] * (PetscReal)spec->info->cells[1];
  k->there = spec->restarted;
  k->time = spec->restart_time;
  k->written = k->last_step = MPI_Wtime();
  PetscFunctionReturn(0);
}

PetscErrorCode MuKeepingDestroy(MuKeeping *keeping) {
  PetscFunctionBegin;
  if (*keeping) PetscCall(MuCheckpointDestroy(&(*keeping)->checkpoint));
  PetscCall(PetscFree(*keeping));
  PetscFunctionReturn(0);
}

const char *MuKeepingReason(MuKeeping k) {
  return k ? k->reason : "";
}

PetscBool MuKeepingHas(MuKeeping k, PetscReal *time) {
  *time = k->time;
  return k->there;
}

/* ------------------------------------------------------------------ writing */

/* The complete state, with what of run.h5 it belongs to. */
static PetscErrorCode collect(MuKeeping k) {
  const MuKeepingSpec *s = &k->spec;
  PetscReal numbers[MU_RUN_NUMBERS], time;
  PetscInt rows, snapshots;
  char *plans;

  PetscFunctionBegin;
  PetscCall(MuRunWriterSync(s->writer, &rows, &snapshots));
  PetscCall(MuFlowSave(s->flow, k->checkpoint));
  PetscCall(MuLedgerSave(s->ledger, k->checkpoint));
  PetscCall(MuFlowGetState(s->flow, &time, NULL));
  numbers[MU_RUN_ROWS] = (PetscReal)rows;
  numbers[MU_RUN_SNAPSHOTS] = (PetscReal)snapshots;
  numbers[MU_RUN_INITIAL_ENERGY] = *s->initial_energy;
  numbers[MU_RUN_TIME] = time;
  numbers[MU_RUN_RANKS] = (PetscReal)s->info->size;
  PetscCall(MuCheckpointPutNumbers(k->checkpoint, "run", MU_RUN_NUMBERS, numbers));
  PetscCall(MuCheckpointPutText(k->checkpoint, "case", s->case_text));
  PetscCall(MuCheckpointPutText(k->checkpoint, "mudot_version", MUDOT_VERSION));
  PetscCall(MuTransformPlansGet(&plans));
  PetscCall(MuCheckpointPutText(k->checkpoint, "transform_plans", plans));
  PetscCall(PetscFree(plans));
  PetscFunctionReturn(0);
}

static PetscErrorCode warn(MuKeeping k, PetscBool stopping) {
  const char *end = stopping ? "" : ", and the run goes on";

  PetscFunctionBegin;
  if (k->there)
    PetscCall(MuWarn(k->spec.info->comm, "%s; the checkpoint of t = %g stays%s", MuErrorMessage(),
                     k->time, end));
  else
    PetscCall(MuWarn(k->spec.info->comm, "%s; there is no checkpoint%s", MuErrorMessage(), end));
  PetscFunctionReturn(0);
}

/* A checkpoint that cannot be written is no reason to stop: one warning, and the one before stays.
 */
static PetscErrorCode write(MuKeeping k, PetscBool stopping) {
  const double start = MPI_Wtime();
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(collect(k));
  code = MuCheckpointWrite(k->checkpoint, k->spec.directory);
  if (code && code != MU_ERR_FILE) PetscFunctionReturn(code);
  if (code && (!k->warned || stopping)) PetscCall(warn(k, stopping));
  k->warned = (PetscBool)(code != 0);
  if (!code) {
    k->there = PETSC_TRUE;
    PetscCall(MuFlowGetState(k->spec.flow, &k->time, NULL));
  }
  k->written = MPI_Wtime();
  k->write_seconds = PetscMax(k->write_seconds, k->written - start);
  k->steps = 0;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ wishes */

enum { STOP, WRITE, LIMIT, WISHES };

/* What this rank knows; times are those of rank 0. Before the limit there must be room for one more
   step and the checkpoint, each twice as long as they were. */
static void gather_wishes(MuKeeping k, int wish[WISHES]) {
  const double now = MPI_Wtime();

  wish[STOP] = MuInterruptTake(&wish[WRITE]);
  wish[LIMIT] = 0;
  k->step_seconds = PetscMax(now - k->last_step, 0.9 * k->step_seconds);
  k->last_step = now;
  if (k->every_steps && ++k->steps >= k->every_steps) wish[WRITE] = 1;
  if (k->spec.info->rank) return;
  if (k->every_seconds > 0 && now - k->written >= k->every_seconds) wish[WRITE] = 1;
  if (k->limit > 0 && now - k->spec.started + 2 * (k->step_seconds + k->write_seconds) >= k->limit)
    wish[LIMIT] = 1;
}

PetscErrorCode MuKeepingAnswer(MuKeeping k, PetscReal time) {
  int wish[WISHES];

  PetscFunctionBegin;
  gather_wishes(k, wish);
  if (k->spec.info->size > 1)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, wish, WISHES, MPI_INT, MPI_MAX, k->spec.info->comm));
  if (time >= k->spec.end) PetscFunctionReturn(0);
  const PetscBool stopping = (PetscBool)(wish[STOP] || wish[LIMIT]);
  if (stopping || wish[WRITE]) PetscCall(write(k, stopping));
  if (!stopping) PetscFunctionReturn(0);
  PetscCall(PetscStrncpy(k->reason, wish[STOP] ? MuInterruptName(wish[STOP]) : "time_wall_limit",
                         sizeof k->reason));
  PetscCall(MuFlowStop(k->spec.flow));
  PetscFunctionReturn(0);
}
