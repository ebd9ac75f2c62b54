/* mudot run: a case solved, recorded and summed up. */
#include "base/files.h"
#include "output/terminal.h"
#include "record/interrupt.h"
#include "record/progress.h"
#include "record/run_writer.h"
#include "run/keeping.h"
#include "run/restart.h"

#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

typedef struct {
  MuProblem problem;
  const MuProblemParts *parts;
  MuFlow flow;
  MuLedger ledger;
  MuDiagnostic diagnostic[MU_MAX_TERMS];
  MuRunWriter writer;
  MuProgress progress;
  const char *directory;
  const char **columns;
  PetscInt ledger_columns;
  PetscReal *row;
  PetscReal initial_energy, started;
  MuRestart restart;
  PetscBool resumed; /* run.h5 is there and goes on */
  MuKeeping keeping;
  const char *case_text, *command_line;
} Run;

/* ------------------------------------------------------------------ building */

static PetscErrorCode create_diagnostics(Run *r) {
  const MuProblemParts *p = r->parts;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < p->diagnostics; ++k)
    PetscCall(MuDiagnosticCreate(p->grid, p->diagnostic_names[k], p->log_target,
                                 p->diagnostics_kernel, &r->diagnostic[k]));
  PetscFunctionReturn(0);
}

/* The ledger's columns, then one per diagnostic, named after it. */
static PetscErrorCode name_columns(Run *r) {
  const char *const *names;

  PetscFunctionBegin;
  PetscCall(MuLedgerGetColumns(r->ledger, &r->ledger_columns, &names));
  PetscCall(PetscMalloc1(r->ledger_columns + r->parts->diagnostics, &r->columns));
  PetscCall(PetscMalloc1(r->ledger_columns + r->parts->diagnostics, &r->row));
  for (PetscInt k = 0; k < r->ledger_columns; ++k) r->columns[k] = names[k];
  for (PetscInt k = 0; k < r->parts->diagnostics; ++k)
    r->columns[r->ledger_columns + k] = r->parts->diagnostic_names[k];
  PetscFunctionReturn(0);
}

/* The attributes of a run that goes on: what it is now, and one line per restart. */
static PetscErrorCode note_restart(Run *r) {
  const MuGridInfo *info;
  char *lines, now[32];
  size_t length = strlen(r->restart.remains.restarts) + strlen(r->command_line) + 128;
  time_t seconds = time(NULL);
  struct tm broken;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->parts->grid, &info));
  gmtime_r(&seconds, &broken);
  strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &broken);
  PetscCall(PetscMalloc1(length, &lines));
  PetscCall(PetscSNPrintf(lines, length, "%s%s from t = %.17g on %d rank%s: %s\n",
                          r->restart.remains.restarts, now, r->restart.time, info->size,
                          info->size > 1 ? "s" : "", r->command_line));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/", "restarts", lines));
  if (strcmp(r->case_text, r->restart.remains.case_text) != 0)
    PetscCall(MuRunWriterSetAttribute(r->writer, "/", "case", r->case_text));
  PetscCall(PetscFree(lines));
  PetscFunctionReturn(0);
}

static PetscErrorCode warn_of_disk(Run *r) {
  const MuGridInfo *info;
  struct statvfs disk;
  char needed[MU_BYTES_LENGTH], there[MU_BYTES_LENGTH];

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->parts->grid, &info));
  const PetscReal bytes = (PetscReal)r->parts->snapshots * (PetscReal)info->cells[0] *
                          (PetscReal)info->cells[1] * (PetscReal)sizeof(PetscReal);
  if (info->rank || statvfs(r->directory, &disk) != 0) PetscFunctionReturn(0);
  const PetscReal room = (PetscReal)disk.f_bavail * (PetscReal)disk.f_frsize;
  if (bytes <= room) PetscFunctionReturn(0);
  MuFormatBytes(bytes, needed);
  MuFormatBytes(room, there);
  PetscCall(MuWarn(info->comm, "output_every: %d snapshots need %s of disk; %s has %s left",
                   (int)r->parts->snapshots, needed, r->directory, there));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_writer(MuCase c, Run *r) {
  MuRunWriterSpec spec = {.columns = r->ledger_columns + r->parts->diagnostics,
                          .names = r->columns};
  const char *why, *sentence;
  MuPrimalMethod method;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, "output_directory", &r->directory, NULL));
  PetscCall(MuCaseGetBool(c, "output_overwrite", &spec.overwrite, &given));
  spec.command_line = r->command_line;
  spec.case_text = r->case_text;
  spec.directory = r->directory;
  spec.resume = r->resumed;
  spec.rows = r->restart.rows;
  spec.snapshots = r->restart.snapshots;
  PetscCall(MuRunWriterCreate(r->parts->grid, &spec, &r->writer));
  if (r->resumed) {
    PetscCall(note_restart(r));
    PetscFunctionReturn(0);
  }
  PetscCall(warn_of_disk(r));
  if (r->parts->log_target) PetscCall(MuRunWriterSetTarget(r->writer, r->parts->log_target));
  PetscCall(MuFlowGetScheme(r->flow, NULL, NULL, &why));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/", "scheme", why));
  PetscCall(MuGeometryGetPrimalMethod(r->parts->geometry, &method, &sentence));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/ledger/dissipation_primal", "method", sentence));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_keeping(MuCase c, Run *r) {
  MuKeepingSpec spec = {.flow = r->flow,
                        .ledger = r->ledger,
                        .writer = r->writer,
                        .directory = r->directory,
                        .case_text = r->case_text,
                        .end = r->parts->flow.end,
                        .started = r->started,
                        .restarted = (PetscBool)(r->restart.checkpoint != NULL),
                        .restart_time = r->restart.time,
                        .initial_energy = &r->initial_energy};

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->parts->grid, &spec.info));
  PetscCall(MuKeepingCreate(c, &spec, &r->keeping));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCase c, Run *r) {
  MPI_Comm comm;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuProblemCreate(c, &r->problem));
  PetscCall(MuProblemGetParts(r->problem, &r->parts));
  PetscCall(MuRestartCheck(&r->restart, r->parts, r->directory));
  PetscCall(MuFlowCreate(r->parts->grid, r->parts->energy, r->parts->geometry, r->parts->initial,
                         &r->parts->flow, &r->flow));
  PetscCall(MuLedgerCreate(r->flow, &r->ledger));
  PetscCall(create_diagnostics(r));
  PetscCall(name_columns(r));
  if (r->restart.checkpoint) {
    PetscCall(MuFlowLoad(r->flow, r->restart.checkpoint));
    PetscCall(MuLedgerLoad(r->ledger, r->restart.checkpoint));
    r->initial_energy = r->restart.initial_energy;
  }
  PetscCall(create_writer(c, r));
  PetscCall(create_keeping(c, r));
  PetscCall(MuProgressCreate(comm, r->restart.time, r->parts->flow.end, &r->progress));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Run *r) {
  PetscFunctionBegin;
  PetscCall(MuProgressDestroy(&r->progress));
  PetscCall(MuRunWriterDestroy(&r->writer));
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuDiagnosticDestroy(&r->diagnostic[k]));
  PetscCall(MuLedgerDestroy(&r->ledger));
  PetscCall(MuFlowDestroy(&r->flow));
  PetscCall(PetscFree(r->columns));
  PetscCall(PetscFree(r->row));
  PetscCall(MuProblemDestroy(&r->problem));
  PetscCall(MuKeepingDestroy(&r->keeping));
  PetscCall(MuRestartFree(&r->restart));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ solving */

/* Completes the row with the diagnostics of rho and hands it to the writer. */
static PetscErrorCode write_row(Run *r, Vec rho) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < r->parts->diagnostics; ++k)
    PetscCall(MuDiagnosticEvaluate(r->diagnostic[k], rho, &r->row[r->ledger_columns + k]));
  PetscCall(MuRunWriterAddLedgerRow(r->writer, r->row));
  PetscFunctionReturn(0);
}

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  Run *r = ctx;
  PetscInt steps;

  PetscFunctionBegin;
  PetscCall(MuLedgerStep(r->ledger, time, dt, before, after, r->row));
  PetscCall(write_row(r, after));
  PetscCall(MuFlowGetSteps(flow, &steps, NULL));
  PetscCall(MuProgressUpdate(r->progress, time, steps, r->row[2]));
  PetscCall(MuKeepingAnswer(r->keeping, time));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_snapshot(Run *r) {
  PetscReal time;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(r->flow, &time, &rho));
  PetscCall(MuRunWriterAddSnapshot(r->writer, time, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode start(Run *r) {
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuLedgerStart(r->ledger, r->row));
  r->initial_energy = r->row[2];
  PetscCall(MuFlowGetState(r->flow, NULL, &rho));
  PetscCall(write_row(r, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(Run *r) {
  const MuProblemParts *p = r->parts;

  PetscFunctionBegin;
  if (!r->restart.checkpoint) PetscCall(start(r));
  PetscCall(MuFlowSetStepCallback(r->flow, on_step, r));
  for (PetscInt k = r->restart.snapshots; k < p->snapshots; ++k) {
    PetscCall(MuFlowAdvance(r->flow, p->snapshot_times[k]));
    if (MuKeepingReason(r->keeping)[0]) PetscFunctionReturn(0);
    PetscCall(add_snapshot(r));
  }
  PetscCall(MuFlowAdvance(r->flow, p->flow.end));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

static PetscErrorCode warn_of_ledger(Run *r, MPI_Comm comm, PetscReal defect) {
  PetscInt steps;

  PetscFunctionBegin;
  if (PetscIsInfOrNanReal(defect))
    PetscCall(MuWarn(
        comm, "the balance defect is not finite: the steps are far too large for this flow"));
  PetscCall(MuLedgerGetCutOff(r->ledger, &steps));
  if (steps > 0)
    PetscCall(MuWarn(
        comm, "dissipation_primal is only a lower bound in %d steps, where its solve was cut off",
        (int)steps));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_summary(Run *r) {
  const MuGridInfo *info;
  const char *why, *sentence;
  MuPrimalMethod method;
  PetscInt accepted, rejected;
  PetscReal energy, defect, drift, memory;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->parts->grid, &info));
  PetscCall(MuFlowGetScheme(r->flow, NULL, NULL, &why));
  PetscCall(MuFlowGetSteps(r->flow, &accepted, &rejected));
  PetscCall(MuFlowGetEnergy(r->flow, &energy, NULL));
  PetscCall(MuLedgerGetWorst(r->ledger, &defect, &drift));
  PetscCall(MuGeometryGetPrimalMethod(r->parts->geometry, &method, &sentence));
  PetscCall(MuPeakMemory(info->comm, &memory));
  PetscCall(PetscPrintf(info->comm,
                        "scheme          %s\n"
                        "steps           %d (%d rejected)\n"
                        "wall time       %.3g s on %d rank%s\n"
                        "peak memory     %.0f MB\n"
                        "energy          %.10g -> %.10g\n"
                        "balance defect  %.3g at worst (%s)\n"
                        "mass drift      %.3g at worst, relative\n"
                        "results         %s/run.h5\n",
                        why, (int)accepted, (int)rejected, MPI_Wtime() - r->started, info->size,
                        info->size > 1 ? "s" : "", memory, r->initial_energy, energy, defect,
                        sentence, drift, r->directory));
  PetscCall(warn_of_ledger(r, info->comm, defect));
  PetscFunctionReturn(0);
}

/* The last good state goes on disk and the sentence names it. */
static PetscErrorCode record_failure(Run *r) {
  char sentence[1024], status[1100];
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(sentence, MuErrorMessage(), sizeof sentence));
  PetscCall(MuFlowGetState(r->flow, &time, NULL));
  PetscCall(add_snapshot(r));
  PetscCall(MuRunWriterCut(r->writer));
  PetscCall(PetscSNPrintf(status, sizeof status, "failed: %s", sentence));
  PetscCall(MuRunWriterFinish(r->writer, status));
  return MuError(MU_ERR_NUMERICS,
                 "%s; the last good state, t = %g, is the last snapshot of %s/run.h5", sentence,
                 time, r->directory);
}

/* What cannot be written any more ends the run; the state to go on from is named. */
static PetscErrorCode name_state(Run *r) {
  char sentence[1024];
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(sentence, MuErrorMessage(), sizeof sentence));
  if (MuKeepingHas(r->keeping, &time))
    return MuError(MU_ERR_FILE, "%s; -restart goes on from the checkpoint of t = %g in %s",
                   sentence, time, r->directory);
  return MuError(MU_ERR_FILE, "%s; there is no checkpoint yet: -restart begins at t = 0", sentence);
}

/* The run ends before its time; what has been written stays, and the next run goes on from it. */
static PetscErrorCode record_interruption(Run *r) {
  char status[256];
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(r->flow, &time, NULL));
  PetscCall(PetscSNPrintf(status, sizeof status, "interrupted at t = %.17g: %s", time,
                          MuKeepingReason(r->keeping)));
  PetscCall(MuRunWriterFinish(r->writer, status));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_interruption(Run *r) {
  const MuGridInfo *info;
  PetscReal time;
  char launcher[32] = "";

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->parts->grid, &info));
  PetscCall(MuFlowGetState(r->flow, &time, NULL));
  if (info->size > 1)
    PetscCall(PetscSNPrintf(launcher, sizeof launcher, "mpiexec -n %d ", info->size));
  PetscCall(PetscPrintf(info->comm, "stopped         at t = %g: %s\n", time,
                        MuKeepingReason(r->keeping)));
  if (MuKeepingHas(r->keeping, &time))
    PetscCall(PetscPrintf(info->comm, "checkpoint      t = %g in %s\n", time, r->directory));
  PetscCall(PetscPrintf(info->comm, "go on with      %s%s%s\n", launcher, r->command_line,
                        strstr(r->command_line, " -restart") ? "" : " -restart"));
  PetscFunctionReturn(0);
}

/* Says from where the run goes on. */
static PetscErrorCode print_restart(Run *r, MPI_Comm comm) {
  PetscReal numbers[MU_RUN_NUMBERS];
  PetscMPIInt size;

  PetscFunctionBegin;
  if (!r->restart.checkpoint) {
    PetscCall(
        PetscPrintf(comm, "restart         from t = 0: %s holds no checkpoint\n", r->directory));
    PetscFunctionReturn(0);
  }
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(MuCheckpointGetNumbers(r->restart.checkpoint, "run", MU_RUN_NUMBERS, numbers));
  PetscCall(PetscPrintf(
      comm, "restart         from t = %g (%s)%s\n", r->restart.time, r->restart.path,
      size == (int)numbers[MU_RUN_RANKS] ? ""
                                         : ", on another number of ranks: the same to rounding"));
  PetscFunctionReturn(0);
}

/* Up to the end or the interruption, and everything on disk. */
static PetscErrorCode solve_and_record(Run *r) {
  PetscErrorCode code = solve(r);

  PetscFunctionBegin;
  if (code == MU_ERR_NUMERICS) {
    code = record_failure(r);
  } else if (!code && MuKeepingReason(r->keeping)[0]) {
    code = record_interruption(r);
  } else if (!code) {
    code = MuRunWriterCut(r->writer);
    if (!code) code = MuRunWriterFinish(r->writer, "done");
  }
  if (code == MU_ERR_FILE) code = name_state(r);
  PetscFunctionReturn(code);
}

static PetscErrorCode run(MuCase c, Run *r, PetscBool restart) {
  PetscErrorCode code;
  MPI_Comm comm;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuCaseGetString(c, "output_directory", &r->directory, NULL));
  PetscCall(MuCaseGetCommandLine(c, &r->command_line));
  PetscCall(MuCaseGetEffective(c, &r->case_text));
  if (restart) PetscCall(MuRestartFind(c, &r->restart));
  r->resumed = r->restart.remains.there;
  if (r->restart.finished) {
    PetscCall(PetscPrintf(comm, "restart         the run in %s is done\n", r->directory));
    PetscFunctionReturn(0);
  }
  PetscCall(build(c, r));
  if (restart) PetscCall(print_restart(r, comm));
  code = solve_and_record(r);
  PetscCall(MuProgressDestroy(&r->progress));
  PetscCall(code);
  PetscCall(print_summary(r));
  if (MuKeepingReason(r->keeping)[0]) PetscCall(print_interruption(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunSolve(MuCase c, const MuRunSpec *spec, PetscBool *interrupted) {
  Run r = {.started = MPI_Wtime()};
  PetscErrorCode code;

  PetscFunctionBegin;
  MuInterruptBegin();
  code = run(c, &r, (PetscBool)(spec && spec->restart));
  *interrupted = (PetscBool)(MuKeepingReason(r.keeping)[0] != 0);
  PetscCall(destroy(&r));
  MuInterruptEnd();
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunCase(MuCase c) {
  PetscBool interrupted;

  PetscFunctionBegin;
  PetscCall(MuRunSolve(c, NULL, &interrupted));
  PetscFunctionReturn(0);
}
