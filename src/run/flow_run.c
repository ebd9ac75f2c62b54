/* mudot run: a case solved, recorded and summed up. */
#include "mudot/problem.h"
#include "output/terminal.h"
#include "problem/problem.h"
#include "record/record.h"
#include "run/changed.h"
#include "run/indicator.h"
#include "run/labels.h"
#include "run/rows.h"
#include "run/steady.h"
#include "run/verify.h"
#include "run/wasted.h"

#include <unistd.h>

typedef struct {
  MuProblem problem;
  const MuProblemParts *parts;
  const MuGridInfo *info;
  MuFlow flow;
  MuRunRows rows;
  PetscReal target;            /* time that it is advanced to */
  MuRecord record;             /* while the flow advances */
  MuVerification verification; /* NULL: none is wanted */
  MuIndicator indicator;       /* NULL: none is wanted */
  MuSteady steady;
  MuLabels labels;
} Run;

/* ------------------------------------------------------------------ building */

static PetscErrorCode build(void *ctx, MuCase c, MuRecordPlan *plan) {
  Run *r = ctx;

  PetscFunctionBegin;
  PetscCall(MuProblemCreate(c, &r->problem));
  PetscCall(MuProblemGetParts(r->problem, &r->parts));
  PetscCall(MuGridGetInfo(r->parts->grid, &r->info));
  PetscCall(MuLabelsRead(c, &r->labels));
  PetscCall(MuFlowCreate(r->parts->grid, r->parts->energy, r->parts->geometry, r->parts->initial,
                         &r->parts->flow, &r->flow));
  PetscCall(MuVerificationCreate(c, r->flow, &r->verification));
  PetscCall(MuSteadyCreate(c, r->flow, &r->steady));
  PetscCall(MuRunRowsCreate(c, r->parts, r->flow, &r->rows));
  PetscCall(MuIndicatorCreate(c, r->parts, r->rows.ledger, &r->indicator));
  *plan = (MuRecordPlan){.columns = r->rows.columns,
                         .end = r->parts->flow.end,
                         .snapshots = r->parts->snapshots,
                         .times = r->parts->snapshot_times,
                         .numbers = (PetscReal)r->info->cells[0] * (PetscReal)r->info->cells[1]};
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Run *r) {
  PetscFunctionBegin;
  PetscCall(MuIndicatorDestroy(&r->indicator));
  PetscCall(MuRunRowsDestroy(&r->rows));
  PetscCall(MuVerificationDestroy(&r->verification));
  PetscCall(MuSteadyDestroy(&r->steady));
  PetscCall(MuFlowDestroy(&r->flow));
  PetscCall(MuProblemDestroy(&r->problem));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ files */

static PetscErrorCode check(void *ctx, const MuRunRemains *remains, const PetscReal *first,
                            const char *directory) {
  Run *r = ctx;
  const PetscReal energy = first ? MuColumnsValue(r->rows.columns, first, MU_COLUMN_ENERGY) : NAN;
  const char *changed;

  PetscFunctionBegin;
  PetscCall(MuRunChanged(r->parts, r->flow, remains, energy, &changed));
  if (changed)
    return MuError(MU_ERR_INPUT,
                   "%s: is not the one of the run in %s although the case is the same; a file "
                   "that it is made from has changed",
                   changed, directory);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_writer(void *ctx, const MuRunWriterSpec *spec, MuRunWriter *writer) {
  Run *r = ctx;
  return MuRunWriterCreate(r->parts->grid, spec, writer);
}

static PetscErrorCode describe(void *ctx, MuRunWriter writer) {
  Run *r = ctx;

  PetscFunctionBegin;
  if (r->parts->log_target) PetscCall(MuRunWriterSetTarget(writer, r->parts->log_target));
  PetscCall(MuRunRowsDescribe(&r->rows, writer));
  PetscCall(MuLabelsWrite(&r->labels, writer));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ solving */

static PetscErrorCode end_if_steady(Run *r) {
  PetscReal time;
  PetscBool asked;

  PetscFunctionBegin;
  PetscCall(MuSteadyGet(r->steady, &time, &asked));
  if (!PetscIsNanReal(time)) PetscCall(MuRecordEnd(r->record));
  PetscFunctionReturn(0);
}

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  Run *r = ctx;
  PetscBool row;

  PetscFunctionBegin;
  (void)flow;
  PetscCall(MuRunRowsStep(&r->rows, time, dt, (PetscBool)(time == r->target), before, after, &row));
  PetscCall(MuSteadyStep(r->steady, time, dt, before, after));
  PetscCall(MuRecordStep(r->record, row ? r->rows.row : NULL));
  PetscCall(end_if_steady(r));
  PetscFunctionReturn(0);
}

static PetscErrorCode start(void *ctx, PetscReal row[]) {
  return MuRunRowsStart(&((Run *)ctx)->rows, row);
}

static PetscErrorCode advance(void *ctx, MuRecord record, PetscReal time) {
  Run *r = ctx;

  PetscFunctionBegin;
  r->record = record;
  r->target = time;
  PetscCall(MuFlowSetStepCallback(r->flow, on_step, r));
  PetscCall(end_if_steady(r)); /* stopped by a signal in its last step */
  if (!MuRecordHasEnded(record)) PetscCall(MuFlowAdvance(r->flow, time));
  PetscFunctionReturn(0);
}

static PetscErrorCode stop(void *ctx) {
  return MuFlowStop(((Run *)ctx)->flow);
}

static PetscErrorCode get_state(void *ctx, PetscReal *time, PetscInt *steps) {
  Run *r = ctx;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(r->flow, time, NULL));
  PetscCall(MuFlowGetSteps(r->flow, steps, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_snapshot(void *ctx, MuRunWriter writer) {
  Run *r = ctx;
  PetscReal time;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(r->flow, &time, &rho));
  PetscCall(MuRunWriterAddSnapshot(writer, time, rho));
  if (r->indicator) PetscCall(MuIndicatorAdd(r->indicator, time, rho));
  if (r->verification) PetscCall(MuVerificationCompare(r->verification, time, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode save(void *ctx, MuCheckpoint checkpoint) {
  Run *r = ctx;

  PetscFunctionBegin;
  PetscCall(MuFlowSave(r->flow, checkpoint));
  PetscCall(MuRunRowsSave(&r->rows, checkpoint));
  PetscCall(MuSteadySave(r->steady, checkpoint));
  if (r->indicator) PetscCall(MuIndicatorSave(r->indicator, checkpoint));
  PetscFunctionReturn(0);
}

static PetscErrorCode load(void *ctx, MuCheckpoint checkpoint) {
  Run *r = ctx;

  PetscFunctionBegin;
  PetscCall(MuFlowLoad(r->flow, checkpoint));
  PetscCall(MuRunRowsLoad(&r->rows, checkpoint));
  PetscCall(MuSteadyLoad(r->steady, checkpoint));
  if (r->indicator) PetscCall(MuIndicatorLoad(r->indicator, checkpoint));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

#define LARGE_DEFECT 0.05 /* of F(0) */

/* energy: F(0). */
static PetscErrorCode warn_of_ledger(Run *r, PetscReal defect, PetscReal energy) {
  PetscBool frozen;
  PetscInt steps;

  PetscFunctionBegin;
  PetscCall(MuRunWarnOfRest(r->parts, r->flow, r->rows.ledger, energy, &frozen));
  PetscCall(MuRunWarnOfCuts(r->flow, r->info->comm));
  if (PetscIsInfOrNanReal(defect))
    PetscCall(
        MuWarn(r->info->comm,
               "the balance defect is not finite: the steps are far too large for this flow"));
  else if (!frozen && energy != 0 && defect > LARGE_DEFECT * fabs(energy))
    PetscCall(MuWarn(r->info->comm,
                     "the balance defect is %.2g times the energy at t = 0: the time steps are too "
                     "long for this flow, take a smaller time_step, or time_tolerance without one",
                     defect / fabs(energy)));
  PetscCall(MuLedgerGetCutOff(r->rows.ledger, &steps));
  if (steps > 0)
    PetscCall(
        MuWarn(r->info->comm,
               "dissipation_primal is only a lower bound in %d steps, where its solve was cut off",
               (int)steps));
  PetscFunctionReturn(0);
}

static PetscErrorCode conclude_indicator(Run *r, MuRunWriter writer) {
  MuIndicatorValue value;

  PetscFunctionBegin;
  if (!r->indicator) PetscFunctionReturn(0);
  PetscCall(MuIndicatorGet(r->indicator, &value));
  if (value.missing) {
    PetscCall(MuRunWriterSetAttribute(writer, "/", "no_grid_indicator", value.missing));
    PetscFunctionReturn(0);
  }
  PetscCall(MuRunSetNumber(writer, "grid_indicator", value.integral));
  PetscCall(MuRunSetNumber(writer, "largest_grid_indicator", value.largest));
  PetscFunctionReturn(0);
}

/* Whether it has come to rest, and its errors in time. */
static PetscErrorCode conclude(void *ctx, MuRunWriter writer) {
  Run *r = ctx;
  PetscReal largest, last, time;
  PetscBool leaps, asked;
  MuEffort effort;

  PetscFunctionBegin;
  PetscCall(MuSteadyGet(r->steady, &time, &asked));
  if (asked) PetscCall(MuRunSetNumber(writer, "steady_time", time));
  PetscCall(conclude_indicator(r, writer));
  PetscCall(MuFlowLeaps(r->flow, &leaps));
  PetscCall(MuFlowGetEffort(r->flow, &effort));
  if (leaps) PetscCall(MuRunSetNumber(writer, "estimated_time_error", effort.error));
  if (!r->verification) PetscFunctionReturn(0);
  PetscCall(MuVerificationGet(r->verification, &largest, &last));
  PetscCall(MuRunSetNumber(writer, "verified_time_error", largest));
  PetscFunctionReturn(0);
}

/* What a scheme with error control says of its own accuracy. */
static PetscErrorCode print_effort(Run *r) {
  PetscReal diffusivity;
  PetscBool only;
  MuEffort effort;

  PetscFunctionBegin;
  PetscCall(MuFlowGetEffort(r->flow, &effort));
  if (!effort.leaps) PetscFunctionReturn(0);
  char columns[48] = "";
  if (effort.highest)
    PetscCall(PetscSNPrintf(columns, sizeof columns, " of %d to %d columns", (int)effort.lowest,
                            (int)effort.highest));
  PetscCall(PetscPrintf(r->info->comm,
                        "effort          %d macro steps%s, %d %s\n"
                        "time error      %.3g estimated, L1 over the mass, the sum of the steps'\n",
                        (int)effort.leaps, columns, (int)effort.substeps,
                        effort.highest ? "substeps" : "stages", effort.error));
  if (r->verification) {
    PetscReal largest, last;
    PetscCall(MuVerificationGet(r->verification, &largest, &last));
    PetscCall(PetscPrintf(
        r->info->comm,
        largest > 0 ? "time verified   %.3g at most, %.3g at the end, from a tenth of the "
                      "tolerance\n"
                    : "time verified   nothing: a tenth of the tolerance has the same "
                      "steps, set by the times of output\n",
        largest, last));
  }
  PetscCall(MuEnergyLogarithmicPart(r->parts->energy, &diffusivity, NULL, &only));
  if (effort.touched)
    PetscCall(PetscPrintf(r->info->comm,
                          "positivity      %d values of cells were raised to a lower order%s\n",
                          (int)effort.touched,
                          diffusivity > 0 ? "" : "; a front may depend on them, see -time_verify"));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_indicator(Run *r) {
  MuIndicatorValue value;

  PetscFunctionBegin;
  if (!r->indicator) PetscFunctionReturn(0);
  PetscCall(MuIndicatorGet(r->indicator, &value));
  if (value.missing)
    PetscCall(PetscPrintf(r->info->comm, "grid indicator  none: %s\n", value.missing));
  else
    PetscCall(
        PetscPrintf(r->info->comm,
                    "grid indicator  %.3g: by how much doubled cells change the velocity, in L1 "
                    "over time\n",
                    value.integral));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_steady(Run *r) {
  char sentence[256];

  PetscFunctionBegin;
  PetscCall(MuSteadyDescribe(r->steady, sizeof sentence, sentence));
  if (sentence[0]) PetscCall(PetscPrintf(r->info->comm, "steady          %s\n", sentence));
  PetscFunctionReturn(0);
}

/* Rows of cells (in 1-D: cells) below which a rank is taken to cost more than it brings: estimates.
 */
#define FEWEST_ROWS 64
#define FEWEST_LINE 100000

/* A line where fewer ranks would have been quicker. */
static PetscErrorCode print_ranks(Run *r) {
  const MuGridInfo *info = r->info;
  const PetscInt cores = (PetscInt)sysconf(_SC_NPROCESSORS_ONLN);
  const PetscInt pay_off =
      PetscMax(1, info->total_rows / (info->dim == 2 ? FEWEST_ROWS : FEWEST_LINE));
  PetscMPIInt neighbours;
  MPI_Comm node;

  PetscFunctionBegin;
  if (info->size == 1) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_split_type(info->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &neighbours));
  PetscCallMPI(MPI_Comm_free(&node));
  if (neighbours > cores)
    PetscCall(PetscPrintf(info->comm,
                          "ranks           %d share %d cores; with %d this would be quicker\n",
                          neighbours, (int)cores, (int)PetscMin(cores, pay_off)));
  else if (info->size > pay_off)
    PetscCall(
        PetscPrintf(info->comm,
                    "ranks           %d rows of cells are few for a rank; with %d rank%s this "
                    "would be quicker\n",
                    (int)info->rows, (int)pay_off, pay_off > 1 ? "s" : ""));
  PetscFunctionReturn(0);
}

static PetscErrorCode summarize(void *ctx, MuRecord record) {
  Run *r = ctx;
  const char *why, *sentence;
  const PetscReal *first;
  MuPrimalMethod method;
  PetscInt accepted, rejected;
  PetscReal energy, defect, drift;

  PetscFunctionBegin;
  PetscCall(MuFlowGetScheme(r->flow, NULL, NULL, &why));
  PetscCall(MuFlowGetSteps(r->flow, &accepted, &rejected));
  PetscCall(MuFlowGetEnergy(r->flow, &energy, NULL));
  PetscCall(MuLedgerGetWorst(r->rows.ledger, &defect, &drift));
  PetscCall(MuGeometryGetPrimalMethod(r->parts->geometry, &method, &sentence));
  PetscCall(MuRecordGetRows(record, &first, NULL, NULL));
  PetscCall(PetscPrintf(r->info->comm,
                        "scheme          %s\n"
                        "steps           %d (%d rejected)\n",
                        why, (int)accepted, (int)rejected));
  PetscCall(print_steady(r));
  PetscCall(print_effort(r));
  PetscCall(MuRecordPrintCosts(record));
  PetscCall(print_ranks(r));
  PetscCall(PetscPrintf(r->info->comm,
                        "energy          %.10g -> %.10g\n"
                        "balance defect  %.3g at worst (%s)\n",
                        MuColumnsValue(r->rows.columns, first, MU_COLUMN_ENERGY), energy, defect,
                        sentence));
  PetscCall(print_indicator(r));
  PetscCall(PetscPrintf(r->info->comm, "mass drift      %.3g at worst, relative\n", drift));
  PetscCall(MuRecordPrintResults(record));
  PetscCall(warn_of_ledger(r, defect, MuColumnsValue(r->rows.columns, first, MU_COLUMN_ENERGY)));
  PetscFunctionReturn(0);
}

static const MuRecordOps ops = {
    .file = "run.h5",
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
    .conclude = conclude,
    .summarize = summarize,
};

PetscErrorCode MuRunSolve(MuCase c, const MuRunSpec *spec, PetscBool *interrupted) {
  const MuRecordSpec record = {.restart = (PetscBool)(spec && spec->restart),
                               .program = spec ? spec->program : NULL};
  Run r = {0};
  PetscErrorCode code;

  PetscFunctionBegin;
  *interrupted = PETSC_FALSE;
  PetscCall(MuCaseRequire(c));
  PetscCall(MuCaseChooseBandwidths(c));
  code = MuRecordRun(c, &ops, &r, &record, interrupted);
  PetscCall(destroy(&r));
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunCase(MuCase c) {
  PetscBool interrupted;
  return MuRunSolve(c, NULL, &interrupted);
}
