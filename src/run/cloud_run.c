/* mudot particles: a cloud advanced, recorded and summed up. */
#include "base/files.h"
#include "particles/particles_impl.h"
#include "problem/problem.h"
#include "record/progress.h"
#include "record/run_writer.h"

#include <string.h>

typedef struct {
  MPI_Comm comm;
  MuParticles particles;
  MuParticlesDescription words;
  MuRunWriter writer;
  MuProgress progress;
  const char *directory;
  PetscReal end, *times, started;
  PetscInt snapshots, every, columns, energy, mmd2; /* columns of these names; -1: there is none */
  const char *const *names;
  const PetscReal *row;
  PetscReal first_energy, first_mmd2, worst_residual, last_snapshot;
} Run;

static PetscInt find_column(const Run *r, const char *name) {
  for (PetscInt k = 0; k < r->columns; ++k)
    if (!strcmp(r->names[k], name)) return k;
  return -1;
}

/* ------------------------------------------------------------------ building */

static PetscErrorCode require(MuCase c) {
  PetscInt choice;
  PetscReal end;
  const char *directory;

  PetscFunctionBegin;
  PetscCall(MuCaseGetChoice(c, "initial_type", &choice, NULL));
  PetscCall(MuCaseGetReal(c, "time_end", &end, NULL));
  PetscCall(MuCaseGetString(c, "output_directory", &directory, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode describe(Run *r) {
  const struct {
    const char *object, *name, *text;
  } attributes[] = {{"/", "method", r->words.method},
                    {"/", "scheme", r->words.scheme},
                    {"/", "target", r->words.target},
                    {"/", "energy", r->words.energy},
                    {"/ledger/mmd2", "method", r->words.mmd2}};
  char seed[32];

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof attributes / sizeof *attributes; ++k)
    if (attributes[k].text[0])
      PetscCall(MuRunWriterSetAttribute(r->writer, attributes[k].object, attributes[k].name,
                                        attributes[k].text));
  PetscCall(PetscSNPrintf(seed, sizeof seed, "%" PetscInt_FMT, r->words.seed));
  PetscCall(MuRunWriterSetAttribute(r->writer, "/", "seed", seed));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_writer(MuCase c, Run *r) {
  MuRunWriterSpec spec = {.columns = r->columns, .names = r->names};
  MuParticlesState state;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetBool(c, "output_overwrite", &spec.overwrite, &given));
  PetscCall(MuCaseGetCommandLine(c, &spec.command_line));
  PetscCall(MuCaseGetEffective(c, &spec.case_text));
  spec.directory = r->directory;
  PetscCall(MuParticlesGetState(r->particles, &state));
  PetscCall(MuRunWriterCreateParticles(r->comm, state.count, state.dim, &spec, &r->writer));
  PetscCall(describe(r));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCase c, Run *r) {
  PetscBool given;

  PetscFunctionBegin;
  r->started = MPI_Wtime();
  r->last_snapshot = -1;
  PetscCall(MuCaseGetComm(c, &r->comm));
  PetscCall(require(c));
  PetscCall(MuCaseGetString(c, "output_directory", &r->directory, NULL));
  PetscCall(MuCaseGetReal(c, "time_end", &r->end, NULL));
  PetscCall(MuCaseGetSnapshots(c, r->end, &r->snapshots, &r->times));
  PetscCall(MuParticlesCreate(c, NULL, &r->particles));
  PetscCall(MuParticlesDescribe(r->particles, &r->words));
  PetscCall(MuParticlesGetRow(r->particles, &r->columns, &r->names, &r->row));
  r->every = 1;
  PetscCall(MuCaseGetInt(c, "particles_ledger_every", &r->every, &given));
  r->energy = find_column(r, "energy");
  r->mmd2 = find_column(r, "mmd2");
  PetscCall(create_writer(c, r));
  PetscCall(MuProgressCreate(r->comm, 0, r->end, &r->progress));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Run *r) {
  PetscFunctionBegin;
  PetscCall(MuProgressDestroy(&r->progress));
  PetscCall(MuRunWriterDestroy(&r->writer));
  PetscCall(MuParticlesDestroy(&r->particles));
  PetscCall(PetscFree(r->times));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ running */

static PetscReal value_of(const Run *r, PetscInt column) {
  return column < 0 ? 0 : r->row[column];
}

/* Every so many steps, and at the end. */
static PetscErrorCode on_step(void *ctx, MuParticles particles) {
  Run *r = ctx;
  MuParticlesState state;
  const PetscInt residual = find_column(r, "simplex_residual");

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(particles, &state));
  if (state.steps % r->every != 0 && state.time < r->end) PetscFunctionReturn(0);
  PetscCall(MuParticlesGetRow(particles, NULL, NULL, &r->row));
  PetscCall(MuRunWriterAddLedgerRow(r->writer, r->row));
  PetscCall(MuProgressUpdate(r->progress, state.time, state.steps,
                             value_of(r, r->energy >= 0 ? r->energy : r->mmd2)));
  r->worst_residual = PetscMax(r->worst_residual, value_of(r, residual));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_snapshot(Run *r) {
  MuParticlesState state;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(r->particles, &state));
  if (state.time == r->last_snapshot) PetscFunctionReturn(0);
  PetscCall(MuRunWriterAddCloud(r->writer, state.time, state.position, state.weight));
  r->last_snapshot = state.time;
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(Run *r) {
  PetscFunctionBegin;
  r->first_energy = value_of(r, r->energy);
  r->first_mmd2 = value_of(r, r->mmd2);
  PetscCall(MuRunWriterAddLedgerRow(r->writer, r->row));
  PetscCall(MuParticlesSetStepCallback(r->particles, on_step, r));
  for (PetscInt k = 0; k < r->snapshots; ++k) {
    PetscCall(MuParticlesAdvance(r->particles, r->times[k]));
    PetscCall(add_snapshot(r));
  }
  PetscCall(MuParticlesAdvance(r->particles, r->end));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

static PetscErrorCode print_line(Run *r, const char *what, const char *text) {
  PetscFunctionBegin;
  if (text[0]) PetscCall(PetscPrintf(r->comm, "%-15s %s\n", what, text));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_change(Run *r, const char *what, PetscInt column, PetscReal first) {
  PetscFunctionBegin;
  if (column >= 0)
    PetscCall(PetscPrintf(r->comm, "%-15s %.10g -> %.10g\n", what, first, r->row[column]));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_summary(Run *r) {
  MuParticlesState state;
  PetscReal memory;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(r->particles, &state));
  PetscCall(MuPeakMemory(r->comm, &memory));
  PetscCallMPI(MPI_Comm_size(r->comm, &size));
  PetscCall(PetscPrintf(r->comm, "method          %s: %s\n", r->words.method, r->words.scheme));
  PetscCall(PetscPrintf(r->comm, "particles       %d in dimension %d, seed %d\n", (int)state.count,
                        (int)state.dim, (int)r->words.seed));
  PetscCall(print_line(r, "target", r->words.target));
  PetscCall(print_line(r, "energy means", r->words.energy));
  PetscCall(PetscPrintf(r->comm,
                        "steps           %d\n"
                        "wall time       %.3g s on %d rank%s\n"
                        "peak memory     %.0f MB\n",
                        (int)state.steps, MPI_Wtime() - r->started, size, size > 1 ? "s" : "",
                        memory));
  PetscCall(print_change(r, "energy", r->energy, r->first_energy));
  PetscCall(print_change(r, "mmd2", r->mmd2, r->first_mmd2));
  PetscCall(print_line(r, "mmd2 is", r->words.mmd2));
  PetscCall(PetscPrintf(r->comm, "effective size  %.6g of %d\n", value_of(r, find_column(r, "ess")),
                        (int)state.count));
  if (find_column(r, "simplex_residual") >= 0)
    PetscCall(PetscPrintf(r->comm, "weight step     optimality conditions to %.3g at worst\n",
                          r->worst_residual));
  PetscCall(PetscPrintf(r->comm, "results         %s/particles.h5\n", r->directory));
  PetscFunctionReturn(0);
}

/* The last good state goes on disk and the sentence names it. */
static PetscErrorCode record_failure(Run *r) {
  char sentence[1024], status[1100];
  MuParticlesState state;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(sentence, MuErrorMessage(), sizeof sentence));
  PetscCall(MuParticlesGetState(r->particles, &state));
  PetscCall(add_snapshot(r));
  PetscCall(PetscSNPrintf(status, sizeof status, "failed: %s", sentence));
  PetscCall(MuRunWriterFinish(r->writer, status));
  return MuError(MU_ERR_NUMERICS,
                 "%s; the last good state, t = %g, is the last snapshot of %s/particles.h5",
                 sentence, state.time, r->directory);
}

PetscErrorCode MuRunParticles(MuCase c) {
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
