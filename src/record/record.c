/* The driver of runs: from the output directory as it is found to the last line that is printed. */
#include "record/record.h"

#include "base/files.h"
#include "base/stopped.h"
#include "case/chosen.h"
#include "output/terminal.h"
#include "record/interrupt.h"
#include "record/record_impl.h"

#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the files */

/* The attributes of a run that goes on: what it is now, and one line per restart. */
static PetscErrorCode note_restart(MuRecord r) {
  const MuRunRemains *remains = &r->restart.remains;
  char *lines, now[32];
  size_t length = strlen(remains->restarts) + strlen(r->command_line) + 128;
  time_t seconds = time(NULL);
  struct tm broken;

  PetscFunctionBegin;
  gmtime_r(&seconds, &broken);
  strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &broken);
  PetscCall(PetscMalloc1(length, &lines));
  PetscCall(PetscSNPrintf(lines, length, "%s%s from t = %.17g on %d rank%s: %s\n",
                          remains->restarts, now, r->restart.time, r->size, r->size > 1 ? "s" : "",
                          r->command_line));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/", "restarts", lines));
  if (strcmp(r->case_text, remains->case_text) != 0)
    PetscCall(MuRunWriterSetAttribute(r->writer, "/", "case", r->case_text));
  PetscCall(PetscFree(lines));
  PetscFunctionReturn(0);
}

static PetscErrorCode warn_of_disk(MuRecord r) {
  struct statvfs disk;
  char needed[MU_BYTES_LENGTH], there[MU_BYTES_LENGTH];

  PetscFunctionBegin;
  const PetscReal bytes =
      (PetscReal)r->plan.snapshots * r->plan.numbers * (PetscReal)sizeof(PetscReal);
  if (r->rank || statvfs(r->directory, &disk) != 0) PetscFunctionReturn(0);
  const PetscReal room = (PetscReal)disk.f_bavail * (PetscReal)disk.f_frsize;
  if (bytes <= room) PetscFunctionReturn(0);
  MuFormatBytes(bytes, needed);
  MuFormatBytes(room, there);
  PetscCall(MuWarn(r->comm, "output_every: %d snapshots need %s of disk; %s has %s left",
                   (int)r->plan.snapshots, needed, r->directory, there));
  PetscFunctionReturn(0);
}

/* On rank 0. */
static PetscErrorCode take_lock(MuRecord r) {
  char path[PETSC_MAX_PATH_LEN], what[PETSC_MAX_PATH_LEN];
  PetscBool none;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/run", r->directory));
  PetscCall(PetscSNPrintf(what, sizeof what, "output_directory: %s", r->directory));
  PetscCall(MuLockTake(path, what, &r->lock, &none));
  if (none) PetscCall(MuWarn(r->comm, MU_NO_LOCKS, what));
  PetscFunctionReturn(0);
}

/* One process at a time looks at the directory and writes it: at once if it is there, else when it
   is made. */
static PetscErrorCode lock_directory(MuRecord r, PetscBool make) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (r->rank == 0 && !r->lock) {
    if (make) code = MuMakeDirectory(r->directory);
    if (!code && (make || access(r->directory, W_OK) == 0)) code = take_lock(r);
  }
  PetscCall(MuErrorAgree(r->comm, code));
  PetscFunctionReturn(0);
}

/* What cannot be written any more ends the run; the state to go on from is named. */
static PetscErrorCode name_state(MuRecord r) {
  if (r->keeping.there)
    return MuError(MU_ERR_FILE, "%s; -restart goes on from the checkpoint of t = %g in %s",
                   MuErrorMessage(), r->keeping.time, r->directory);
  return MuError(MU_ERR_FILE, "%s; there is no checkpoint yet: -restart begins at t = 0",
                 MuErrorMessage());
}

static PetscErrorCode create_writer(MuRecord r) {
  MuRunWriterSpec spec = {.directory = r->directory,
                          .command_line = r->command_line,
                          .case_text = r->case_text,
                          .columns = r->plan.columns,
                          .resume = r->restart.remains.there,
                          .rows = r->restart.rows,
                          .snapshots = r->restart.snapshots};
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetBool(r->c, "output_overwrite", &spec.overwrite, &given));
  PetscCall(lock_directory(r, PETSC_TRUE));
  PetscErrorCode code = r->ops->create_writer(r->ctx, &spec, &r->writer);
  if (!code && spec.resume) code = note_restart(r);
  if (spec.resume) return code == MU_ERR_FILE ? name_state(r) : code;
  PetscCall(code);
  PetscCall(warn_of_disk(r));
  PetscCall(r->ops->describe(r->ctx, r->writer));
  if (MuCaseGetNotes(r->c)[0])
    PetscCall(MuRunWriterSetAttribute(r->writer, "/", "chosen", MuCaseGetNotes(r->c)));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ building */

/* What the run has come to at the checkpoint. */
static PetscErrorCode load(MuRecord r) {
  const MuRestart *restart = &r->restart;

  PetscFunctionBegin;
  if (restart->checkpoint)
    PetscCall(MuCheckpointGetNumbers(restart->checkpoint, "first_row", r->columns, r->first));
  if (restart->remains.there)
    PetscCall(r->ops->check(r->ctx, &restart->remains, restart->checkpoint ? r->first : NULL,
                            r->directory));
  if (!restart->checkpoint) PetscFunctionReturn(0);
  PetscCall(MuCheckpointGetNumbers(restart->checkpoint, "last_row", r->columns, r->last));
  PetscCall(MuCheckpointGetNumbers(restart->checkpoint, "largest_row", r->columns, r->largest));
  if (restart->snapshots) r->last_snapshot = restart->remains.times[restart->snapshots - 1];
  PetscCall(r->ops->load(r->ctx, restart->checkpoint));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuRecord r) {
  PetscFunctionBegin;
  PetscCall(r->ops->build(r->ctx, r->c, &r->plan));
  PetscCall(MuRestartCheck(r));
  PetscCall(MuColumnsGet(r->plan.columns, &r->columns, NULL));
  PetscCall(PetscCalloc3(r->columns, &r->first, r->columns, &r->last, r->columns, &r->largest));
  r->shown = MuColumnsFind(r->plan.columns, MU_COLUMN_ENERGY, 0);
  if (r->shown < 0) r->shown = MuColumnsFind(r->plan.columns, MU_COLUMN_MMD2, 0);
  PetscCall(load(r));
  PetscCall(MuKeepingBegin(r));
  PetscCall(create_writer(r));
  PetscCall(MuProgressCreate(r->comm, r->restart.time, r->plan.end, &r->progress));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuRecord r) {
  PetscFunctionBegin;
  PetscCall(MuProgressDestroy(&r->progress));
  PetscCall(MuRunWriterDestroy(&r->writer));
  PetscCall(MuCheckpointDestroy(&r->keeping.checkpoint));
  PetscCall(MuRestartFree(&r->restart));
  PetscCall(MuLockRelease(&r->lock));
  PetscCall(PetscFree3(r->first, r->last, r->largest));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ steps and snapshots */

static PetscErrorCode write_row(MuRecord r, const PetscReal row[]) {
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(r->last, row, r->columns));
  for (PetscInt k = 0; k < r->columns; ++k)
    r->largest[k] = PetscMax(r->largest[k], PetscAbsReal(row[k]));
  PetscCall(MuRunWriterAddLedgerRow(r->writer, row));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRecordStep(MuRecord r, const PetscReal row[]) {
  PetscReal time;
  PetscInt steps;

  PetscFunctionBegin;
  if (row) {
    PetscCall(write_row(r, row));
    PetscCall(r->ops->get_state(r->ctx, &time, &steps));
    PetscCall(MuProgressUpdate(r->progress, time, steps, r->shown < 0 ? 0 : row[r->shown]));
  }
  PetscCall(MuKeepingAnswer(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRecordEnd(MuRecord r) {
  r->ended = PETSC_TRUE;
  return r->ops->stop(r->ctx);
}

PetscBool MuRecordHasEnded(MuRecord r) {
  return r->ended;
}

/* Once for every time, also where a run ends at it twice. */
static PetscErrorCode add_snapshot(MuRecord r) {
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(r->ops->get_state(r->ctx, &time, NULL));
  if (time == r->last_snapshot) PetscFunctionReturn(0);
  PetscCall(r->ops->add_snapshot(r->ctx, r->writer));
  r->last_snapshot = time;
  PetscFunctionReturn(0);
}

static PetscErrorCode start(MuRecord r) {
  PetscFunctionBegin;
  PetscCall(r->ops->start(r->ctx, r->first));
  PetscCall(write_row(r, r->first));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(MuRecord r) {
  PetscFunctionBegin;
  if (!r->restart.checkpoint) PetscCall(start(r));
  for (PetscInt k = r->restart.snapshots; k < r->plan.snapshots; ++k) {
    PetscCall(r->ops->advance(r->ctx, r, r->plan.times[k]));
    if (r->keeping.reason[0]) PetscFunctionReturn(0);
    PetscCall(add_snapshot(r));
    if (r->ended) PetscFunctionReturn(0);
  }
  PetscCall(r->ops->advance(r->ctx, r, r->plan.end));
  if (r->ended && !r->keeping.reason[0]) PetscCall(add_snapshot(r));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

/* The last good state goes on disk and the sentence names it. */
static PetscErrorCode record_failure(MuRecord r) {
  char sentence[MU_SENTENCE], status[MU_SENTENCE];
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(sentence, MuErrorMessage(), sizeof sentence));
  PetscCall(r->ops->get_state(r->ctx, &time, NULL));
  PetscCall(add_snapshot(r));
  PetscCall(MuRunWriterCut(r->writer));
  PetscCall(PetscSNPrintf(status, sizeof status, "failed: %s", sentence));
  PetscCall(MuRunWriterFinish(r->writer, status));
  return MuError(MU_ERR_NUMERICS, "%s; the last good state, t = %g, is the last snapshot of %s/%s",
                 sentence, time, r->directory, r->ops->file);
}

/* The run ends before its time; what has been written stays, and the next run goes on from it. */
static PetscErrorCode record_interruption(MuRecord r) {
  char status[256];
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(r->ops->get_state(r->ctx, &time, NULL));
  PetscCall(PetscSNPrintf(status, sizeof status, "interrupted at t = %.17g: %s", time,
                          r->keeping.reason));
  PetscCall(MuRunWriterFinish(r->writer, status));
  PetscFunctionReturn(0);
}

/* Up to the end or the interruption, and everything on disk. */
static PetscErrorCode solve_and_record(MuRecord r) {
  PetscErrorCode code = solve(r);
  if (code == MU_STOPPED) code = MuKeepingStop(r);
  if (!code && r->ops->conclude) code = r->ops->conclude(r->ctx, r->writer);

  if (code == MU_ERR_NUMERICS) {
    code = record_failure(r);
  } else if (!code && r->keeping.reason[0]) {
    code = record_interruption(r);
  } else if (!code) {
    code = MuRunWriterCut(r->writer);
    if (!code) code = MuRunWriterFinish(r->writer, "done");
  }
  if (code == MU_ERR_FILE) code = name_state(r);
  return code;
}

/* ------------------------------------------------------------------ what is printed */

/* Says from where the run goes on. */
static PetscErrorCode print_restart(MuRecord r) {
  const MuRestart *restart = &r->restart;

  PetscFunctionBegin;
  if (!restart->checkpoint)
    PetscCall(
        PetscPrintf(r->comm, "restart         from t = 0: %s holds no checkpoint\n", r->directory));
  else
    PetscCall(PetscPrintf(
        r->comm, "restart         from t = %g (%s)%s\n", restart->time, restart->path,
        r->size == (int)restart->ranks ? ""
                                       : ", on another number of ranks: the same to rounding"));
  PetscFunctionReturn(0);
}

/* The program as it was started in place of its name in the command line. */
static PetscErrorCode print_command(MuRecord r) {
  const char *rest = strchr(r->command_line, ' ');
  char launcher[32] = "";

  PetscFunctionBegin;
  if (r->size > 1) PetscCall(PetscSNPrintf(launcher, sizeof launcher, "mpiexec -n %d ", r->size));
  if (!r->program || !rest) rest = r->command_line;
  PetscCall(PetscPrintf(r->comm, "go on with      %s%s%s%s\n", launcher,
                        rest == r->command_line ? "" : r->program, rest,
                        strstr(rest, " -restart") ? "" : " -restart"));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_interruption(MuRecord r) {
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(r->ops->get_state(r->ctx, &time, NULL));
  PetscCall(PetscPrintf(r->comm, "stopped         at t = %g: %s\n", time, r->keeping.reason));
  if (r->keeping.there)
    PetscCall(
        PetscPrintf(r->comm, "checkpoint      t = %g in %s\n", r->keeping.time, r->directory));
  PetscCall(print_command(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRecordPrintCosts(MuRecord r) {
  PetscReal memory;

  PetscFunctionBegin;
  for (const char *at = MuCaseGetNotes(r->c); *at; at += *at == '\n') {
    const int length = (int)strcspn(at, "\n");
    PetscCall(PetscPrintf(r->comm, "chosen          %.*s\n", length, at));
    at += length;
  }
  PetscCall(MuPeakMemory(r->comm, &memory));
  PetscCall(PetscPrintf(r->comm,
                        "wall time       %.3g s on %d rank%s\n"
                        "peak memory     %.0f MB\n",
                        MPI_Wtime() - r->started, r->size, r->size > 1 ? "s" : "", memory));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRecordPrintResults(MuRecord r) {
  return PetscPrintf(r->comm, "results         %s/%s\n", r->directory, r->ops->file);
}

PetscErrorCode MuRecordGetRows(MuRecord r, const PetscReal **first, const PetscReal **last,
                               const PetscReal **largest) {
  if (first) *first = r->first;
  if (last) *last = r->last;
  if (largest) *largest = r->largest;
  return 0;
}

/* ------------------------------------------------------------------ the whole */

static PetscErrorCode begin(MuRecord r) {
  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(r->c, &r->comm));
  PetscCallMPI(MPI_Comm_rank(r->comm, &r->rank));
  PetscCallMPI(MPI_Comm_size(r->comm, &r->size));
  PetscCall(MuCaseGetString(r->c, "output_directory", &r->directory, NULL));
  PetscCall(MuCaseGetCommandLine(r->c, &r->command_line));
  PetscCall(MuCaseGetEffective(r->c, &r->case_text));
  PetscFunctionReturn(0);
}

static PetscErrorCode run(MuRecord r, PetscBool restart) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(begin(r));
  PetscCall(lock_directory(r, PETSC_FALSE));
  if (restart) PetscCall(MuRestartFind(r));
  if (r->restart.finished) {
    PetscCall(PetscPrintf(r->comm, "restart         the run in %s is done\n", r->directory));
    PetscFunctionReturn(0);
  }
  PetscCall(build(r));
  if (restart) PetscCall(print_restart(r));
  code = solve_and_record(r);
  PetscCall(MuProgressDestroy(&r->progress));
  PetscCall(code);
  PetscCall(r->ops->summarize(r->ctx, r));
  if (r->keeping.reason[0]) PetscCall(print_interruption(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRecordRun(MuCase c, const MuRecordOps *ops, void *ctx, const MuRecordSpec *spec,
                           PetscBool *interrupted) {
  struct _p_MuRecord r = {.c = c,
                          .ops = ops,
                          .ctx = ctx,
                          .program = spec->program,
                          .last_snapshot = NAN,
                          .started = MPI_Wtime()};
  PetscErrorCode code;

  PetscFunctionBegin;
  MuInterruptBegin();
  code = run(&r, spec->restart);
  *interrupted = (PetscBool)(r.keeping.reason[0] != 0);
  PetscCall(destroy(&r));
  MuInterruptEnd();
  PetscFunctionReturn(code);
}
