/* mudot particles: a cloud advanced, recorded and summed up. */
#include "output/terminal.h"
#include "particles/particles_impl.h"
#include "problem/problem.h"
#include "record/record.h"

typedef struct {
  MPI_Comm comm;
  MuParticles particles;
  MuParticlesDescription words;
  MuColumns columns;
  PetscReal end, *times;
  PetscInt every;  /* so many steps have a row */
  MuRecord record; /* while the cloud advances */
  /* of what should fall, column `watched`, -1: nothing, or chance moves it as well */
  PetscInt watched, rows, rises;
  PetscReal highest, lowest, last, risen;
} Run;

/* ------------------------------------------------------------------ building */

/* The energy, or mmd2, of a method and a target without chance. */
static PetscErrorCode choose_watched(Run *r, MuCase c) {
  static const char *const words[] = {"exact", "fixed", "fresh", NULL};
  PetscInt word = 0;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetChoice(c, "particles_target_samples", words, &word, &given));
  r->watched = MuColumnsFind(r->columns, MU_COLUMN_ENERGY, 0);
  if (r->watched < 0) r->watched = MuColumnsFind(r->columns, MU_COLUMN_MMD2, 0);
  if (r->particles->ops->random || word == 2) r->watched = -1;
  PetscFunctionReturn(0);
}

/* Counts the rises that are more than rounding. */
static void watch(Run *r, const PetscReal row[]) {
  if (r->watched < 0) return;
  const PetscReal value = row[r->watched], rise = value - r->last;
  if (r->rows++ == 0) r->highest = r->lowest = value;
  if (r->rows > 1 && rise > 1e-9 * (PetscAbsReal(value) + PetscAbsReal(r->last))) {
    r->rises++;
    r->risen += rise;
  }
  r->highest = PetscMax(r->highest, value);
  r->lowest = PetscMin(r->lowest, value);
  r->last = value;
}

/* A gradient flow does not rise; its explicit steps do where they are too large for it. */
static PetscErrorCode warn_of_rises(Run *r) {
  const MuColumn *column;
  MuParticlesState state;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(MuColumnsGet(r->columns, &count, &column));
  /* mmd2 falls along flows of its own energy only: to and fro is what tells there */
  const PetscReal share =
      column[r->watched < 0 ? 0 : r->watched].role == MU_COLUMN_ENERGY ? 0.1 : 2;
  if (r->rises < 3 || !(r->risen > share * (r->highest - r->lowest))) PetscFunctionReturn(0);
  PetscCall(MuParticlesGetState(r->particles, &state));
  const PetscReal step = r->end / PetscMax(state.steps, 1);
  PetscCall(MuWarn(r->comm,
                   "time_step: %s rose in %d of %d rows of the ledger, as that of a gradient flow "
                   "does not: explicit steps of %.3g are too large here; try %.3g",
                   column[r->watched].name, (int)r->rises, (int)r->rows - 1, step, step / 10));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(void *ctx, MuCase c, MuRecordPlan *plan) {
  Run *r = ctx;
  MuParticlesState state;
  PetscInt snapshots;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &r->comm));
  PetscCall(MuCaseGetReal(c, "time_end", &r->end, NULL));
  PetscCall(MuCaseGetSnapshots(c, r->end, &snapshots, &r->times));
  PetscCall(MuParticlesCreate(c, NULL, &r->particles));
  PetscCall(MuParticlesDescribe(r->particles, &r->words));
  PetscCall(MuParticlesGetColumns(r->particles, &r->columns));
  PetscCall(choose_watched(r, c));
  PetscCall(MuParticlesGetState(r->particles, &state));
  r->every = 1;
  PetscCall(MuCaseGetInt(c, "particles_ledger_every", &r->every, &given));
  *plan = (MuRecordPlan){.columns = r->columns,
                         .end = r->end,
                         .snapshots = snapshots,
                         .times = r->times,
                         .numbers = (PetscReal)state.count * (PetscReal)(state.dim + 1)};
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Run *r) {
  PetscFunctionBegin;
  PetscCall(MuParticlesDestroy(&r->particles));
  PetscCall(PetscFree(r->times));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ files */

/* Energies and mmd2 are differences of sums over the kernel: what those are at t = 0. */
static PetscErrorCode kernel_size(const Run *r, PetscReal *size) {
  MuWallKernel kernel;
  const PetscReal *sum;
  PetscReal weight;
  PetscBool only;

  PetscFunctionBegin;
  *size = r->particles->test_size;
  PetscCall(MuCloudEnergyGetKernel(r->particles->energy, &weight, &only, &kernel, &sum));
  for (PetscInt i = 0; i < r->particles->cloud.n && sum; ++i)
    *size = PetscMax(*size, weight * PetscAbsReal(sum[i]));
  PetscFunctionReturn(0);
}

/* The positions of t = 0 must be those that are there. */
static PetscErrorCode compare_cloud(Run *r, const MuRunRemains *remains, int *same) {
  const MuAtoms *cloud = &r->particles->cloud;
  const PetscInt n = cloud->n * cloud->dim;
  PetscReal largest = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *same = 1;
  if (!remains->initial_values) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(r->comm, &rank));
  *same = n == remains->initial_values;
  for (PetscInt i = 0; i < n; ++i) largest = PetscMax(largest, PetscAbsReal(cloud->x[i]));
  for (PetscInt i = 0; i < n && *same && rank == 0; ++i)
    if (!(PetscAbsReal(cloud->x[i] - remains->initial[i]) <= 1e-12 * largest)) *same = 0;
  PetscCallMPI(MPI_Bcast(same, 1, MPI_INT, 0, r->comm));
  PetscFunctionReturn(0);
}

/* The positions and the row of t = 0, which follow from target, initial measure and seed, must be
   those that are there, to rounding. */
static PetscErrorCode check(void *ctx, const MuRunRemains *remains, const PetscReal *first,
                            const char *directory) {
  Run *r = ctx;
  const MuColumn *column;
  const PetscReal *row;
  PetscReal size;
  PetscInt count;
  int same;

  PetscFunctionBegin;
  PetscCall(compare_cloud(r, remains, &same));
  if (!same)
    return MuError(MU_ERR_INPUT,
                   "initial: the particles of t = 0 are not those of the run in %s although the "
                   "case is the same; a file that they are made from has changed",
                   directory);
  if (!first) PetscFunctionReturn(0);
  PetscCall(MuParticlesGetRow(r->particles, &row));
  PetscCall(MuColumnsGet(r->columns, &count, &column));
  PetscCall(kernel_size(r, &size));
  for (PetscInt k = 0; k < count; ++k)
    if (row[k] != first[k] && !(fabs(row[k] - first[k]) <= 1e-12 * size + 1e-9 * fabs(first[k])))
      return MuError(MU_ERR_INPUT,
                     "initial: at t = 0 %s is %g, but %g in the run in %s although the case is the "
                     "same; a file that it is made from has changed",
                     column[k].name, row[k], first[k], directory);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_writer(void *ctx, const MuRunWriterSpec *spec, MuRunWriter *writer) {
  Run *r = ctx;
  MuParticlesState state;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(r->particles, &state));
  PetscCall(MuRunWriterCreateParticles(r->comm, state.count, state.dim, spec, writer));
  PetscFunctionReturn(0);
}

static PetscErrorCode describe(void *ctx, MuRunWriter writer) {
  const MuParticlesDescription *words = &((Run *)ctx)->words;
  const struct {
    const char *object, *name, *text;
  } attributes[] = {{"/", "method", words->method},
                    {"/", "scheme", words->scheme},
                    {"/", "target", words->target},
                    {"/", "energy", words->energy},
                    {"/ledger/mmd2", "method", words->mmd2}};
  char seed[32];

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof attributes / sizeof *attributes; ++k)
    if (attributes[k].text[0])
      PetscCall(MuRunWriterSetAttribute(writer, attributes[k].object, attributes[k].name,
                                        attributes[k].text));
  PetscCall(PetscSNPrintf(seed, sizeof seed, "%" PetscInt_FMT, words->seed));
  PetscCall(MuRunWriterSetAttribute(writer, "/", "seed", seed));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ running */

static PetscErrorCode start(void *ctx, PetscReal row[]) {
  Run *r = ctx;
  const PetscReal *made;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetRow(r->particles, &made));
  PetscCall(MuColumnsGet(r->columns, &count, NULL));
  PetscCall(PetscArraycpy(row, made, count));
  watch(r, row);
  PetscFunctionReturn(0);
}

/* A row every so many steps, and at the end. */
static PetscErrorCode on_step(void *ctx, MuParticles particles) {
  Run *r = ctx;
  MuParticlesState state;
  const PetscReal *row = NULL;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(particles, &state));
  if (state.steps % r->every == 0 || state.time >= r->end)
    PetscCall(MuParticlesGetRow(particles, &row));
  if (row) watch(r, row);
  PetscCall(MuRecordStep(r->record, row));
  PetscFunctionReturn(0);
}

static PetscErrorCode advance(void *ctx, MuRecord record, PetscReal time) {
  Run *r = ctx;

  PetscFunctionBegin;
  r->record = record;
  PetscCall(MuParticlesSetStepCallback(r->particles, on_step, r));
  PetscCall(MuParticlesAdvance(r->particles, time));
  PetscFunctionReturn(0);
}

static PetscErrorCode stop(void *ctx) {
  return MuParticlesStop(((Run *)ctx)->particles);
}

static PetscErrorCode get_state(void *ctx, PetscReal *time, PetscInt *steps) {
  MuParticlesState state;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(((Run *)ctx)->particles, &state));
  *time = state.time;
  if (steps) *steps = state.steps;
  PetscFunctionReturn(0);
}

static PetscErrorCode add_snapshot(void *ctx, MuRunWriter writer) {
  MuParticlesState state;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(((Run *)ctx)->particles, &state));
  PetscCall(MuRunWriterAddCloud(writer, state.time, state.position, state.weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode save(void *ctx, MuCheckpoint checkpoint) {
  return MuParticlesSave(((Run *)ctx)->particles, checkpoint);
}

static PetscErrorCode load(void *ctx, MuCheckpoint checkpoint) {
  return MuParticlesLoad(((Run *)ctx)->particles, checkpoint);
}

/* ------------------------------------------------------------------ the end */

static PetscErrorCode print_line(Run *r, const char *what, const char *text) {
  PetscFunctionBegin;
  if (text[0]) PetscCall(PetscPrintf(r->comm, "%-15s %s\n", what, text));
  PetscFunctionReturn(0);
}

/* From the first row to the last of a column, if there is one. */
static PetscErrorCode print_change(Run *r, const char *what, MuRecord record, MuColumnRole role) {
  const PetscReal *first, *last;

  PetscFunctionBegin;
  if (MuColumnsFind(r->columns, role, 0) < 0) PetscFunctionReturn(0);
  PetscCall(MuRecordGetRows(record, &first, &last, NULL));
  PetscCall(PetscPrintf(r->comm, "%-15s %.10g -> %.10g\n", what,
                        MuColumnsValue(r->columns, first, role),
                        MuColumnsValue(r->columns, last, role)));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_weights(Run *r, MuRecord record, PetscInt count) {
  const PetscReal *last, *largest;

  PetscFunctionBegin;
  PetscCall(MuRecordGetRows(record, NULL, &last, &largest));
  PetscCall(PetscPrintf(r->comm, "effective size  %.6g of %d\n",
                        MuColumnsValue(r->columns, last, MU_COLUMN_EFFECTIVE_SIZE), (int)count));
  if (MuColumnsFind(r->columns, MU_COLUMN_SIMPLEX_RESIDUAL, 0) >= 0)
    PetscCall(PetscPrintf(r->comm, "weight step     optimality conditions to %.3g at worst\n",
                          MuColumnsValue(r->columns, largest, MU_COLUMN_SIMPLEX_RESIDUAL)));
  PetscFunctionReturn(0);
}

static PetscErrorCode summarize(void *ctx, MuRecord record) {
  Run *r = ctx;
  MuParticlesState state;

  PetscFunctionBegin;
  PetscCall(MuParticlesGetState(r->particles, &state));
  PetscCall(PetscPrintf(r->comm, "method          %s: %s\n", r->words.method, r->words.scheme));
  PetscCall(PetscPrintf(r->comm, "particles       %d in dimension %d, seed %d\n", (int)state.count,
                        (int)state.dim, (int)r->words.seed));
  PetscCall(print_line(r, "target", r->words.target));
  PetscCall(print_line(r, "energy means", r->words.energy));
  PetscCall(PetscPrintf(r->comm, "steps           %d", (int)state.steps));
  if (r->particles->adapts)
    PetscCall(PetscPrintf(r->comm, " (%d rejected)", (int)r->particles->refused));
  PetscCall(PetscPrintf(r->comm, "\n"));
  PetscCall(MuRecordPrintCosts(record));
  PetscCall(print_change(r, "energy", record, MU_COLUMN_ENERGY));
  PetscCall(print_change(r, "mmd2", record, MU_COLUMN_MMD2));
  PetscCall(print_line(r, "mmd2 is", r->words.mmd2));
  PetscCall(print_weights(r, record, state.count));
  PetscCall(MuRecordPrintResults(record));
  PetscCall(warn_of_rises(r));
  PetscFunctionReturn(0);
}

static const MuRecordOps ops = {
    .file = "particles.h5",
    .build = build,
    .check = check,
    .create_writer = create_writer,
    .describe = describe,
    .start = start,
    .advance = advance,
    .stop = stop,
    .get_state = get_state,
    .add_snapshot = add_snapshot,
    .save = save,
    .load = load,
    .summarize = summarize,
};

/* Keys that every run needs. */
static PetscErrorCode require(MuCase c) {
  PetscReal end, steady;
  const char *type, *directory;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, "time_steady", &steady, &given));
  if (given)
    return MuError(
        MU_ERR_INPUT,
        "time_steady: %g is given, but particles do not stop by themselves; leave it out", steady);
  PetscCall(MuCaseGetString(c, "initial_type", &type, NULL));
  PetscCall(MuCaseGetReal(c, "time_end", &end, NULL));
  PetscCall(MuCaseGetString(c, "output_directory", &directory, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunSolveParticles(MuCase c, const MuRunSpec *spec, PetscBool *interrupted) {
  const MuRecordSpec record = {.restart = (PetscBool)(spec && spec->restart),
                               .program = spec ? spec->program : NULL};
  Run r = {0};
  PetscErrorCode code;

  PetscFunctionBegin;
  *interrupted = PETSC_FALSE;
  PetscCall(require(c));
  PetscCall(MuCaseChooseBandwidths(c));
  code = MuRecordRun(c, &ops, &r, &record, interrupted);
  PetscCall(destroy(&r));
  PetscFunctionReturn(code);
}
