/* What a run would do, without its files. */
#include "run/plan.h"

#include "base/files.h"
#include "facts/facts.h"
#include "mudot/problem.h"

#include <stdio.h>
#include <unistd.h>

typedef struct {
  const MuProblemParts *parts;
  const MuGridInfo *info;
  MuFlow flow;
  MuLedger ledger;
  PetscReal *row;
  PetscReal dt; /* of the step that was taken; 0: none was */
} Plan;

/* ------------------------------------------------------------------ files */

static PetscErrorCode look_at(const char *directory, PetscBool overwrite) {
  static const char *const results[] = {"run.h5", "particles.h5", "ledger.csv"};
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof results / sizeof *results && !overwrite; ++i) {
    PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", directory, results[i]));
    if (access(path, F_OK) == 0)
      return MuError(MU_ERR_INPUT,
                     "output_directory: %s holds results (%s); give another directory or "
                     "-output_overwrite",
                     directory, results[i]);
  }
  if (access(directory, F_OK) == 0 && access(directory, W_OK) != 0)
    return MuError(MU_ERR_FILE, "output_directory: %s cannot be written to", directory);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_directory(MuCase c, MPI_Comm comm, const char **directory) {
  PetscBool overwrite = PETSC_FALSE, there;
  PetscErrorCode code = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, "output_directory", directory, NULL));
  PetscCall(MuCaseGetBool(c, "output_overwrite", &overwrite, &there));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = look_at(*directory, overwrite);
  PetscCall(MuErrorAgree(comm, code));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one step */

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  Plan *p = ctx;

  PetscFunctionBegin;
  p->dt = dt;
  PetscCall(MuLedgerStep(p->ledger, time, dt, before, after, p->row));
  PetscCall(MuFlowStop(flow));
  PetscFunctionReturn(0);
}

/* Wall time of one step with its row, the second one: the first one makes what later ones share. */
static PetscErrorCode measure_step(Plan *p, PetscReal *seconds) {
  PetscInt columns;
  MuColumns own;

  PetscFunctionBegin;
  PetscCall(MuLedgerGetColumns(p->ledger, &own));
  PetscCall(MuColumnsGet(own, &columns, NULL));
  PetscCall(PetscMalloc1(columns, &p->row));
  PetscCall(MuLedgerStart(p->ledger, p->row));
  PetscCall(MuFlowSetStepCallback(p->flow, on_step, p));
  PetscErrorCode code = MuFlowAdvance(p->flow, p->parts->flow.end);
  double begun = MPI_Wtime();
  if (!code) code = MuFlowAdvance(p->flow, p->parts->flow.end);
  *seconds = MPI_Wtime() - begun;
  PetscCall(PetscFree(p->row));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ what is printed */

static void format_time(PetscReal seconds, char text[32]) {
  if (seconds < 120)
    snprintf(text, 32, "%.2g s", seconds);
  else if (seconds < 7200)
    snprintf(text, 32, "%.2g min", seconds / 60);
  else
    snprintf(text, 32, "%.2g h", seconds / 3600);
}

static PetscErrorCode print_costs(const Plan *p, PetscReal seconds) {
  const PetscReal cells = (PetscReal)p->info->cells[0] * (PetscReal)p->info->cells[1];
  const PetscReal steps = p->dt > 0 ? p->parts->flow.end / p->dt : 0;
  char size[MU_BYTES_LENGTH], time[32];
  PetscReal memory;

  PetscFunctionBegin;
  PetscCall(MuPeakMemory(p->info->comm, &memory));
  MuFormatBytes(8 * cells * p->parts->snapshots, size);
  format_time(steps * seconds, time);
  PetscCall(PetscPrintf(p->info->comm,
                        "steps           about %.3g of %.6g\n"
                        "time            about %s, %.2g s a step\n"
                        "memory          %.0f MB\n"
                        "snapshots       %d, %s\n",
                        steps, p->dt, time, seconds, memory, (int)p->parts->snapshots, size));
  PetscFunctionReturn(0);
}

/* Masses other than 1. */
static PetscErrorCode print_masses(const Plan *p) {
  PetscReal initial, target = 1;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(p->parts->grid, p->parts->initial, &initial));
  if (p->parts->log_target)
    PetscCall(MuLogDensityMass(p->parts->grid, p->parts->log_target, &target));
  if (MuMassesDiffer(initial, 1) || MuMassesDiffer(target, 1))
    PetscCall(PetscPrintf(p->info->comm, "mass            initial %.6g", initial));
  else
    PetscFunctionReturn(0);
  if (p->parts->log_target) PetscCall(PetscPrintf(p->info->comm, ", target %.6g", target));
  PetscCall(PetscPrintf(p->info->comm, "\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_plan(Plan *p, const char *directory) {
  PetscReal seconds = 0;
  const char *why;

  PetscFunctionBegin;
  PetscCall(MuFlowGetScheme(p->flow, NULL, NULL, &why));
  PetscCall(PetscPrintf(p->info->comm, "scheme          %s\ncells           %d", why,
                        (int)p->info->cells[0]));
  if (p->info->dim == 2) PetscCall(PetscPrintf(p->info->comm, " x %d", (int)p->info->cells[1]));
  PetscCall(PetscPrintf(p->info->comm, "\n"));
  PetscCall(print_masses(p));
  PetscCall(measure_step(p, &seconds));
  PetscCall(print_costs(p, seconds));
  PetscCall(PetscPrintf(p->info->comm,
                        "files           %s/run.h5, ledger.csv, run.xdmf, run.xmf\n"
                        "dry run         nothing was written\n",
                        directory));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCase c, MuProblem *problem, Plan *p) {
  const char *directory;

  PetscFunctionBegin;
  PetscCall(MuProblemCreate(c, problem));
  PetscCall(MuProblemGetParts(*problem, &p->parts));
  PetscCall(MuGridGetInfo(p->parts->grid, &p->info));
  PetscCall(check_directory(c, p->info->comm, &directory));
  PetscCall(MuFlowCreate(p->parts->grid, p->parts->energy, p->parts->geometry, p->parts->initial,
                         &p->parts->flow, &p->flow));
  PetscCall(MuLedgerCreate(p->flow, &p->ledger));
  PetscCall(print_plan(p, directory));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunPlan(MuCase c) {
  MuProblem problem = NULL;
  Plan p = {.dt = 0};

  PetscFunctionBegin;
  PetscErrorCode code = build(c, &problem, &p);
  PetscCall(MuLedgerDestroy(&p.ledger));
  PetscCall(MuFlowDestroy(&p.flow));
  PetscCall(MuProblemDestroy(&problem));
  PetscFunctionReturn(code);
}
