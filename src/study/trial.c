/* One run of a study: a case with overrides, solved and recorded at its output times. */
#include "study/study_impl.h"

#include "grid/arrays.h"

const char *const MuTrialCurveNames[MU_TRIAL_CURVES] = {"energy",
                                                        "dissipation_primal",
                                                        "dissipation_dual",
                                                        "primal_integral",
                                                        "dual_integral",
                                                        "balance_defect",
                                                        "mass"};

/* ------------------------------------------------------------------ overrides */

PetscErrorCode MuOverridesSet(MuOverrides *o, const char *key, const char *format, ...) {
  char *value, name[80];
  va_list arguments;
  PetscInt i = 0;

  PetscFunctionBegin;
  va_start(arguments, format);
  const size_t length = 1 + (size_t)vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  PetscCall(PetscMalloc1(length, &value));
  va_start(arguments, format);
  vsnprintf(value, length, format, arguments);
  va_end(arguments);
  snprintf(name, sizeof name, "-%s", key);
  while (i < o->count && strcmp(o->text[2 * i], name) != 0) ++i;
  if (i == o->count) {
    if (o->count == o->capacity) {
      o->capacity = 2 * o->capacity + 16;
      PetscCall(PetscRealloc(sizeof *o->text * 2 * (size_t)o->capacity, &o->text));
    }
    o->count++;
    PetscCall(PetscStrallocpy(name, &o->text[2 * i]));
  } else {
    PetscCall(PetscFree(o->text[2 * i + 1]));
  }
  o->text[2 * i + 1] = value;
  PetscFunctionReturn(0);
}

PetscErrorCode MuOverridesRemove(MuOverrides *o, const char *key) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < o->count; ++i) {
    if (strcmp(o->text[2 * i] + 1, key) != 0) continue;
    PetscCall(PetscFree(o->text[2 * i]));
    PetscCall(PetscFree(o->text[2 * i + 1]));
    o->count--;
    memmove(o->text + 2 * i, o->text + 2 * i + 2, sizeof *o->text * 2 * (size_t)(o->count - i));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuOverridesCopy(const MuOverrides *from, MuOverrides *to) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < from->count; ++i)
    PetscCall(MuOverridesSet(to, from->text[2 * i] + 1, "%s", from->text[2 * i + 1]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuOverridesDestroy(MuOverrides *o) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < 2 * o->count; ++i) PetscCall(PetscFree(o->text[i]));
  PetscCall(PetscFree(o->text));
  o->count = o->capacity = 0;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ building and solving */

static PetscErrorCode create_flow(MuTrial *t) {
  const MuProblemParts *p = t->parts;
  PetscInt columns;

  PetscFunctionBegin;
  PetscCall(MuFlowCreate(p->grid, p->energy, p->geometry, p->initial, &p->flow, &t->flow));
  PetscCall(MuLedgerCreate(t->flow, &t->ledger));
  PetscCall(MuLedgerGetColumns(t->ledger, &t->columns));
  PetscCall(MuColumnsGet(t->columns, &columns, NULL));
  PetscCall(PetscMalloc1(columns, &t->row));
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) PetscCall(PetscCalloc1(t->times, &t->curve[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MPI_Comm comm, const MuOverrides *o, PetscBool flow, MuTrial *t) {
  PetscFunctionBegin;
  PetscCall(MuOverridesCopy(o, &t->overrides));
  PetscCall(MuCaseCreate(comm, t->file, 2 * (int)o->count, o->text, &t->c));
  PetscCall(MuProblemCreate(t->c, &t->problem));
  PetscCall(MuProblemGetParts(t->problem, &t->parts));
  PetscCall(MuGridGetInfo(t->parts->grid, &t->info));
  t->times = t->parts->snapshots;
  if (flow) PetscCall(create_flow(t));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTrialCreate(MPI_Comm comm, const char *file, const MuOverrides *o, PetscBool flow,
                             MuTrial *t) {
  PetscErrorCode code;

  PetscFunctionBegin;
  memset(t, 0, sizeof *t);
  t->file = file;
  code = build(comm, o, flow, t);
  if (code) PetscCall(MuTrialDestroy(t));
  PetscFunctionReturn(code);
}

PetscErrorCode MuTrialAlone(const MuTrial *t, MuTrial *alone) {
  return MuTrialCreate(PETSC_COMM_SELF, t->file, &t->overrides, PETSC_FALSE, alone);
}

PetscErrorCode MuTrialDestroy(MuTrial *t) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) PetscCall(PetscFree(t->curve[k]));
  PetscCall(PetscFree(t->row));
  PetscCall(MuLedgerDestroy(&t->ledger));
  PetscCall(MuFlowDestroy(&t->flow));
  if (t->problem) PetscCall(MuProblemDestroy(&t->problem));
  PetscCall(MuCaseDestroy(&t->c));
  PetscCall(MuOverridesDestroy(&t->overrides));
  PetscFunctionReturn(0);
}

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  MuTrial *t = ctx;

  PetscFunctionBegin;
  (void)flow;
  PetscCall(MuLedgerStep(t->ledger, time, dt, before, after, t->row));
  t->primal_integral += dt * MuTrialValue(t, MU_COLUMN_DISSIPATION_PRIMAL);
  t->dual_integral += dt * MuTrialValue(t, MU_COLUMN_DISSIPATION_DUAL);
  t->worst_defect =
      PetscMax(t->worst_defect, PetscAbsReal(MuTrialValue(t, MU_COLUMN_BALANCE_DEFECT)));
  t->steps++;
  if (t->writer) PetscCall(MuRunWriterAddLedgerRow(t->writer, t->row));
  if (t->step) PetscCall(t->step(t->ctx, t, time, dt));
  PetscFunctionReturn(0);
}

static PetscErrorCode record(MuTrial *t, PetscInt k) {
  Vec rho;

  PetscFunctionBegin;
  t->curve[MU_CURVE_ENERGY][k] = MuTrialValue(t, MU_COLUMN_ENERGY);
  t->curve[MU_CURVE_PRIMAL][k] = MuTrialValue(t, MU_COLUMN_DISSIPATION_PRIMAL);
  t->curve[MU_CURVE_DUAL][k] = MuTrialValue(t, MU_COLUMN_DISSIPATION_DUAL);
  t->curve[MU_CURVE_PRIMAL_INTEGRAL][k] = t->primal_integral;
  t->curve[MU_CURVE_DUAL_INTEGRAL][k] = t->dual_integral;
  t->curve[MU_CURVE_DEFECT][k] = MuTrialValue(t, MU_COLUMN_BALANCE_DEFECT);
  t->curve[MU_CURVE_MASS][k] = MuTrialValue(t, MU_COLUMN_MASS);
  PetscCall(MuFlowGetState(t->flow, NULL, &rho));
  if (t->writer) PetscCall(MuRunWriterAddSnapshot(t->writer, t->parts->snapshot_times[k], rho));
  if (t->output) PetscCall(t->output(t->ctx, t, k, rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTrialSolve(MuTrial *t) {
  PetscFunctionBegin;
  PetscCall(MuLedgerStart(t->ledger, t->row));
  if (t->writer) PetscCall(MuRunWriterAddLedgerRow(t->writer, t->row));
  PetscCall(MuFlowSetStepCallback(t->flow, on_step, t));
  for (PetscInt k = 0; k < t->times; ++k) {
    PetscCall(MuFlowAdvance(t->flow, t->parts->snapshot_times[k]));
    PetscCall(record(t, k));
  }
  PetscCall(MuFlowAdvance(t->flow, t->parts->flow.end));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ refinement and transfer */

PetscErrorCode MuTrialCanRefine(const MuTrial *t, PetscBool *can) {
  PetscFunctionBegin;
  PetscCall(MuTrialCanCoarsen(t, can));
  if (t->info->masked) *can = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTrialCanCoarsen(const MuTrial *t, PetscBool *can) {
  static const char *const keys[] = {"target_type", "initial_type"};
  MuDensityTraits traits;
  const char *type;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(t->c, "grid_mask", &type, &given));
  *can = (PetscBool)!given;
  for (int k = 0; k < 2; ++k) {
    PetscCall(MuCaseGetString(t->c, keys[k], &type, &given));
    if (!given) continue;
    PetscCall(MuDensityGetTraits(type, &traits));
    if (traits.of_cells) *can = PETSC_FALSE;
  }
  PetscFunctionReturn(0);
}

/* Whether the flow controls its error by itself; a trial without a flow has one made for the
 * answer.
 */
static PetscErrorCode leaps_to_tolerance(const MuTrial *t, PetscBool *leaps) {
  const MuProblemParts *p = t->parts;
  MuFlow flow = t->flow;

  PetscFunctionBegin;
  if (!flow) PetscCall(MuFlowCreate(p->grid, p->energy, p->geometry, p->initial, &p->flow, &flow));
  PetscCall(MuFlowLeaps(flow, leaps));
  if (!t->flow) PetscCall(MuFlowDestroy(&flow));
  PetscFunctionReturn(0);
}

/* A part of the cells per axis, at least two. */
static int cells_of(const MuTrial *t, int axis, PetscReal factor) {
  return (int)PetscMax(2, PetscCeilReal(factor * (PetscReal)t->info->cells[axis]));
}

PetscErrorCode MuTrialRefine(const MuTrial *t, PetscReal factor, PetscReal step_factor,
                             MuOverrides *o) {
  const PetscReal tolerance = t->parts->flow.tolerance / (step_factor * step_factor);
  PetscBool leaps;

  PetscFunctionBegin;
  PetscCall(leaps_to_tolerance(t, &leaps));
  if (t->info->dim == 1)
    PetscCall(MuOverridesSet(o, "grid_cells", "%d", cells_of(t, 0, factor)));
  else
    PetscCall(
        MuOverridesSet(o, "grid_cells", "%d,%d", cells_of(t, 0, factor), cells_of(t, 1, factor)));
  if (!leaps || !t->parts->flow.free_step)
    PetscCall(MuOverridesSet(o, "time_step", "%.17g", t->parts->flow.step / step_factor));
  if (leaps)
    PetscCall(MuOverridesSet(o, "time_tolerance", "%.17g",
                             PetscClipInterval(tolerance, MU_LEAST_TOLERANCE, MU_MOST_TOLERANCE)));
  else if (t->parts->flow.adapt)
    PetscCall(
        MuOverridesSet(o, "time_tolerance", "%.17g", PetscMax(tolerance, MU_ROUNDING_TOLERANCE)));
  PetscFunctionReturn(0);
}

/* Whether an interval between output times is an odd, small number of steps, which cannot be
 * halved.
 */
static PetscBool has_no_room(const MuTrial *t) {
  const PetscReal *time = t->parts->snapshot_times;
  for (PetscInt k = 1; k < t->times; ++k) {
    const PetscReal steps = PetscCeilReal((time[k] - time[k - 1]) / t->parts->flow.step - 1e-6);
    if (steps < 8 && fmod(steps, 2) != 0) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Every other output time, and the last one. */
static PetscErrorCode thin_times(const MuTrial *t, MuOverrides *o) {
  const PetscInt room = 32 * (t->times + 1);
  char *text;
  PetscInt used = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(room, &text));
  for (PetscInt k = 0; k < t->times; ++k)
    if (k % 2 == 0 || k + 1 == t->times)
      used += snprintf(text + used, (size_t)(room - used), "%s%.17g", used ? "," : "",
                       t->parts->snapshot_times[k]);
  PetscCall(MuOverridesRemove(o, "output_every"));
  PetscCall(MuOverridesSet(o, "output_times", "%s", text));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTrialCoarsen(const MuTrial *t, int companion, MuOverrides *o) {
  const PetscBool step = (PetscBool)(companion == MU_FROM_STEP);

  PetscFunctionBegin;
  PetscCall(MuTrialRefine(t, step ? 1 : 0.5, step ? 0.5 : 1, o));
  if (step && has_no_room(t)) PetscCall(thin_times(t, o));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransferRestrict(MuGrid grid, Vec f, const MuGridInfo *coarse, PetscInt stride,
                                  PetscReal *c) {
  const MuGridInfo *fine;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &fine));
  const PetscInt *n = fine->cells, *m = coarse->cells;
  if (fine->dim != coarse->dim || n[0] % m[0] || n[1] % m[1])
    return MuError(MU_ERR_INPUT,
                   "grid_cells: %d x %d cells cannot be carried over to %d x %d; the finer numbers "
                   "must be multiples of the coarser ones",
                   (int)n[0], (int)n[1], (int)m[0], (int)m[1]);
  PetscCall(PetscMalloc1(n[0] * n[1], &x));
  PetscCall(MuGridGather(grid, f, PETSC_TRUE, x));
  MuArrayBlockMeans(n, x, m, stride, c);
  PetscCall(PetscFree(x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransferHellinger(const MuGridInfo *info, Vec f, Vec g, PetscReal *distance) {
  const PetscReal *x, *y;
  PetscReal sum = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(f, &x));
  PetscCall(VecGetArrayRead(g, &y));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscReal d = sqrt(PetscMax(x[i], 0)) - sqrt(PetscMax(y[i], 0));
    sum += d * d;
  }
  PetscCall(VecRestoreArrayRead(f, &x));
  PetscCall(VecRestoreArrayRead(g, &y));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPI_SUM, info->comm));
  *distance = sqrt(sum * info->volume);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ fits */

MuFit MuFitLine(PetscInt n, const PetscReal *x, const PetscReal *y) {
  MuFit fit = {n, NAN, NAN, NAN};
  PetscReal mx = 0, my = 0, sxx = 0, sxy = 0, rest = 0;
  if (n < 2) return fit;
  for (PetscInt i = 0; i < n; ++i) mx += x[i] / n, my += y[i] / n;
  for (PetscInt i = 0; i < n; ++i) {
    sxx += (x[i] - mx) * (x[i] - mx);
    sxy += (x[i] - mx) * (y[i] - my);
  }
  fit.slope = sxy / sxx;
  fit.intercept = my - fit.slope * mx;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal r = y[i] - fit.intercept - fit.slope * x[i];
    rest += r * r;
  }
  if (n > 2) fit.stderror = sqrt(rest / (n - 2) / sxx);
  return fit;
}
