/* Checkpoints of a run and its answers to signals and the clock. Ranks may be told different things
   (a signal may reach one of them, their clocks differ): they agree at the end of every step. */
#include "mudot/kernel.h"
#include "output/terminal.h"
#include "record/interrupt.h"
#include "record/record_impl.h"

PetscErrorCode MuKeepingBegin(MuRecord r) {
  MuKeeping *k = &r->keeping;
  PetscInt none;
  PetscBool given;

  PetscFunctionBegin;
  k->every_seconds = 600;
  PetscCall(
      MuCaseGetInterval(r->c, "output_checkpoint", &k->every_seconds, &k->every_steps, &given));
  PetscCall(MuCaseGetInterval(r->c, "time_wall_limit", &k->limit, &none, &given));
  PetscCall(MuCheckpointCreate(r->comm, &k->checkpoint));
  /* until one has been written: a tenth of a gigabyte per second */
  k->write_seconds = 0.05 + 8e-8 * r->plan.numbers;
  k->there = (PetscBool)(r->restart.checkpoint != NULL);
  k->time = r->restart.time;
  k->written = k->last_step = MPI_Wtime();
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ writing */

/* The complete state, with what of the file it belongs to. */
static PetscErrorCode collect(MuRecord r) {
  MuCheckpoint c = r->keeping.checkpoint;
  PetscReal numbers[MU_RUN_NUMBERS], time;
  PetscInt rows, snapshots;
  char *plans;

  PetscFunctionBegin;
  PetscCall(MuRunWriterSync(r->writer, &rows, &snapshots));
  PetscCall(r->ops->save(r->ctx, c));
  PetscCall(r->ops->get_state(r->ctx, &time, NULL));
  numbers[MU_RUN_ROWS] = (PetscReal)rows;
  numbers[MU_RUN_SNAPSHOTS] = (PetscReal)snapshots;
  numbers[MU_RUN_TIME] = time;
  numbers[MU_RUN_RANKS] = (PetscReal)r->size;
  PetscCall(MuCheckpointPutNumbers(c, "run", MU_RUN_NUMBERS, numbers));
  PetscCall(MuCheckpointPutNumbers(c, "first_row", r->columns, r->first));
  PetscCall(MuCheckpointPutNumbers(c, "last_row", r->columns, r->last));
  PetscCall(MuCheckpointPutNumbers(c, "largest_row", r->columns, r->largest));
  PetscCall(MuCheckpointPutText(c, "case", r->case_text));
  PetscCall(MuCheckpointPutText(c, "mudot_version", MUDOT_VERSION));
  PetscCall(MuTransformPlansGet(&plans));
  PetscCall(MuCheckpointPutText(c, "transform_plans", plans));
  PetscCall(PetscFree(plans));
  PetscFunctionReturn(0);
}

static PetscErrorCode warn(MuRecord r, PetscBool stopping) {
  const char *end = stopping ? "" : ", and the run goes on";

  PetscFunctionBegin;
  if (r->keeping.there)
    PetscCall(MuWarn(r->comm, "%s; the checkpoint of t = %g stays%s", MuErrorMessage(),
                     r->keeping.time, end));
  else
    PetscCall(MuWarn(r->comm, "%s; there is no checkpoint%s", MuErrorMessage(), end));
  PetscFunctionReturn(0);
}

/* A checkpoint that cannot be written is no reason to stop: one warning, and the one before stays.
 */
static PetscErrorCode write(MuRecord r, PetscBool stopping) {
  MuKeeping *k = &r->keeping;
  const double start = MPI_Wtime();
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(collect(r));
  code = MuCheckpointWrite(k->checkpoint, r->directory);
  if (code && code != MU_ERR_FILE) PetscFunctionReturn(code);
  if (code && (!k->warned || stopping)) PetscCall(warn(r, stopping));
  k->warned = (PetscBool)(code != 0);
  if (!code) {
    k->there = PETSC_TRUE;
    PetscCall(r->ops->get_state(r->ctx, &k->time, NULL));
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
static void gather_wishes(MuRecord r, int wish[WISHES]) {
  MuKeeping *k = &r->keeping;
  const double now = MPI_Wtime();

  wish[STOP] = MuInterruptTake(&wish[WRITE]);
  wish[LIMIT] = 0;
  k->step_seconds = PetscMax(now - k->last_step, 0.9 * k->step_seconds);
  k->last_step = now;
  if (k->every_steps && ++k->steps >= k->every_steps) wish[WRITE] = 1;
  if (r->rank) return;
  if (k->every_seconds > 0 && now - k->written >= k->every_seconds) wish[WRITE] = 1;
  if (k->limit > 0 && now - r->started + 2 * (k->step_seconds + k->write_seconds) >= k->limit)
    wish[LIMIT] = 1;
}

PetscErrorCode MuKeepingStop(MuRecord r) {
  int stop = MuInterruptPending();

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, r->comm));
  PetscCall(write(r, PETSC_TRUE));
  PetscCall(PetscStrncpy(r->keeping.reason, MuInterruptName(stop), sizeof r->keeping.reason));
  PetscFunctionReturn(0);
}

PetscErrorCode MuKeepingAnswer(MuRecord r) {
  PetscReal time;
  int wish[WISHES];

  PetscFunctionBegin;
  gather_wishes(r, wish);
  if (r->size > 1)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, wish, WISHES, MPI_INT, MPI_MAX, r->comm));
  PetscCall(r->ops->get_state(r->ctx, &time, NULL));
  if (time >= r->plan.end) PetscFunctionReturn(0);
  const PetscBool stopping = (PetscBool)(wish[STOP] || wish[LIMIT]);
  if (stopping || wish[WRITE]) PetscCall(write(r, stopping));
  if (!stopping) PetscFunctionReturn(0);
  PetscCall(PetscStrncpy(r->keeping.reason,
                         wish[STOP] ? MuInterruptName(wish[STOP]) : "time_wall_limit",
                         sizeof r->keeping.reason));
  PetscCall(r->ops->stop(r->ctx));
  PetscFunctionReturn(0);
}
