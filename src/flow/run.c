/* mudot run: a case solved, recorded and summed up. */
#include "flow/flow_impl.h"

#include <sys/resource.h>
#include <sys/statvfs.h>

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
  PetscCall(MuCaseGetCommandLine(c, &spec.command_line));
  PetscCall(MuCaseGetEffective(c, &spec.case_text));
  spec.directory = r->directory;
  PetscCall(MuRunWriterCreate(r->parts->grid, &spec, &r->writer));
  PetscCall(warn_of_disk(r));
  if (r->parts->log_target) PetscCall(MuRunWriterSetTarget(r->writer, r->parts->log_target));
  PetscCall(MuFlowGetScheme(r->flow, NULL, NULL, &why));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/", "scheme", why));
  PetscCall(MuGeometryGetPrimalMethod(r->parts->geometry, &method, &sentence));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/ledger/dissipation_primal", "method", sentence));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCase c, Run *r) {
  MPI_Comm comm;

  PetscFunctionBegin;
  r->started = MPI_Wtime();
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuProblemCreate(c, &r->problem));
  PetscCall(MuProblemGetParts(r->problem, &r->parts));
  PetscCall(MuFlowCreate(r->parts->grid, r->parts->energy, r->parts->geometry, r->parts->initial,
                         &r->parts->flow, &r->flow));
  PetscCall(MuLedgerCreate(r->flow, &r->ledger));
  PetscCall(create_diagnostics(r));
  PetscCall(name_columns(r));
  PetscCall(create_writer(c, r));
  PetscCall(MuProgressCreate(comm, 0, r->parts->flow.end, &r->progress));
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

static PetscErrorCode solve(Run *r) {
  const MuProblemParts *p = r->parts;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuLedgerStart(r->ledger, r->row));
  r->initial_energy = r->row[2];
  PetscCall(MuFlowGetState(r->flow, NULL, &rho));
  PetscCall(write_row(r, rho));
  PetscCall(MuFlowSetStepCallback(r->flow, on_step, r));
  for (PetscInt k = 0; k < p->snapshots; ++k) {
    PetscCall(MuFlowAdvance(r->flow, p->snapshot_times[k]));
    PetscCall(add_snapshot(r));
  }
  PetscCall(MuFlowAdvance(r->flow, p->flow.end));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

PetscErrorCode MuPeakMemory(MPI_Comm comm, PetscReal *megabytes) {
  struct rusage usage;

  PetscFunctionBegin;
  getrusage(RUSAGE_SELF, &usage);
  *megabytes = (PetscReal)usage.ru_maxrss / 1024;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, megabytes, 1, MPIU_REAL, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

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
  PetscCall(PetscSNPrintf(status, sizeof status, "failed: %s", sentence));
  PetscCall(MuRunWriterFinish(r->writer, status));
  return MuError(MU_ERR_NUMERICS,
                 "%s; the last good state, t = %g, is the last snapshot of %s/run.h5", sentence,
                 time, r->directory);
}

PetscErrorCode MuRunCase(MuCase c) {
  Run r = {0};
  PetscErrorCode code;

  PetscFunctionBegin;
  code = build(c, &r);
  if (!code) {
    code = solve(&r);
    if (code == MU_ERR_NUMERICS)
      code = record_failure(&r);
    else if (!code)
      code = MuRunWriterFinish(r.writer, "done");
  }
  PetscCall(MuProgressDestroy(&r.progress));
  if (!code) code = print_summary(&r);
  PetscCall(destroy(&r));
  PetscFunctionReturn(code);
}
