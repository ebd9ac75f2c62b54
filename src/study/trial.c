/* One run of a study: a case with overrides, solved on one rank and recorded at its output times.
 */
#include "study/study_impl.h"

const char *const MuTrialCurveNames[MU_TRIAL_CURVES] = {"energy",
                                                        "dissipation_primal",
                                                        "dissipation_dual",
                                                        "primal_integral",
                                                        "dual_integral",
                                                        "balance_defect",
                                                        "mass"};

/* ------------------------------------------------------------------ overrides */

PetscErrorCode MuOverridesSet(MuOverrides *o, const char *key, const char *format, ...) {
  char value[4096], name[80];
  va_list arguments;
  PetscInt i = 0;

  PetscFunctionBegin;
  va_start(arguments, format);
  vsnprintf(value, sizeof value, format, arguments);
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
  PetscCall(PetscStrallocpy(value, &o->text[2 * i + 1]));
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

static PetscErrorCode build(const char *file, const MuOverrides *o, PetscBool flow, MuTrial *t) {
  PetscFunctionBegin;
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, file, 2 * (int)o->count, o->text, &t->c));
  PetscCall(MuProblemCreate(t->c, &t->problem));
  PetscCall(MuProblemGetParts(t->problem, &t->parts));
  PetscCall(MuGridGetInfo(t->parts->grid, &t->info));
  t->times = t->parts->snapshots;
  if (flow) PetscCall(create_flow(t));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTrialCreate(const char *file, const MuOverrides *o, PetscBool flow, MuTrial *t) {
  PetscErrorCode code;

  PetscFunctionBegin;
  memset(t, 0, sizeof *t);
  code = build(file, o, flow, t);
  if (code) PetscCall(MuTrialDestroy(t));
  PetscFunctionReturn(code);
}

PetscErrorCode MuTrialDestroy(MuTrial *t) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) PetscCall(PetscFree(t->curve[k]));
  PetscCall(PetscFree(t->row));
  PetscCall(MuLedgerDestroy(&t->ledger));
  PetscCall(MuFlowDestroy(&t->flow));
  if (t->problem) PetscCall(MuProblemDestroy(&t->problem));
  PetscCall(MuCaseDestroy(&t->c));
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
  if (t->output) PetscCall(t->output(t->ctx, t, k, rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTrialSolve(MuTrial *t) {
  PetscFunctionBegin;
  PetscCall(MuLedgerStart(t->ledger, t->row));
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
  static const char *const keys[] = {"target_type", "initial_type"};
  MuDensityTraits traits;
  const char *type;
  PetscBool given;

  PetscFunctionBegin;
  *can = (PetscBool)!t->info->masked;
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

PetscErrorCode MuTrialRefine(const MuTrial *t, PetscInt factor, PetscReal step_factor,
                             MuOverrides *o) {
  const PetscReal tolerance = t->parts->flow.tolerance / (step_factor * step_factor);
  PetscBool leaps;

  PetscFunctionBegin;
  PetscCall(leaps_to_tolerance(t, &leaps));
  if (t->info->dim == 1)
    PetscCall(MuOverridesSet(o, "grid_cells", "%d", (int)(factor * t->info->cells[0])));
  else
    PetscCall(MuOverridesSet(o, "grid_cells", "%d,%d", (int)(factor * t->info->cells[0]),
                             (int)(factor * t->info->cells[1])));
  if (!leaps || !t->parts->flow.free_step)
    PetscCall(MuOverridesSet(o, "time_step", "%.17g", t->parts->flow.step / step_factor));
  if (leaps)
    PetscCall(
        MuOverridesSet(o, "time_tolerance", "%.17g", PetscMax(tolerance, MU_LEAST_TOLERANCE)));
  else if (t->parts->flow.adapt)
    PetscCall(MuOverridesSet(o, "time_tolerance", "%.17g", tolerance));
  PetscFunctionReturn(0);
}

void MuTransferMeans(const PetscInt fine[2], const PetscReal *f, const PetscInt coarse[2],
                     PetscInt stride, PetscReal *c) {
  const PetscInt rx = fine[0] / coarse[0], ry = fine[1] / coarse[1];
  for (PetscInt i = 0; i < coarse[0] * coarse[1]; ++i) c[i * stride] = 0;
  for (PetscInt j = 0; j < fine[1]; ++j)
    for (PetscInt i = 0; i < fine[0]; ++i)
      c[((j / ry) * coarse[0] + i / rx) * stride] += f[j * fine[0] + i] / (PetscReal)(rx * ry);
}

PetscErrorCode MuTransferRestrict(const MuGridInfo *fine, Vec f, const MuGridInfo *coarse, Vec c) {
  const PetscInt *n = fine->cells, *m = coarse->cells;
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  if (fine->dim != coarse->dim || n[0] % m[0] || n[1] % m[1])
    return MuError(MU_ERR_INPUT,
                   "grid_cells: %d x %d cells cannot be carried over to %d x %d; the finer numbers "
                   "must be multiples of the coarser ones",
                   (int)n[0], (int)n[1], (int)m[0], (int)m[1]);
  PetscCall(VecGetArrayRead(f, &x));
  PetscCall(VecGetArray(c, &y));
  MuTransferMeans(n, x, m, 1, y);
  PetscCall(VecRestoreArray(c, &y));
  PetscCall(VecRestoreArrayRead(f, &x));
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
