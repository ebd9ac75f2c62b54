/* What the kinds of study share: notes, fitted numbers, the case for a value, fits of columns. */
#include "study/study_impl.h"

const char *const MuVerdictWords[] = {[MU_VERDICT_HOLDS] = "holds",
                                      [MU_VERDICT_FAILS] = "fails",
                                      [MU_VERDICT_UNDECIDED] = "undecided",
                                      NULL};

PetscBool MuStudyDone(MuStudy s, PetscInt i) {
  return (PetscBool)!strcmp(s->status[i], "done");
}

void MuStudyNote(MuStudy s, const char *format, ...) {
  size_t used = strlen(s->notes);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(s->notes + used, sizeof s->notes - used, format, arguments);
  va_end(arguments);
  used = strlen(s->notes);
  snprintf(s->notes + used, sizeof s->notes - used, "\n");
}

void MuStudyAddOrder(MuStudy s, const char *name, PetscReal value, PetscReal stderror) {
  if (s->orders == MU_MAX_ORDERS) return;
  MuStudyOrder *order = &s->fitted[s->orders++];
  snprintf(order->name, sizeof order->name, "%s", name);
  order->value = value;
  order->stderror = stderror;
}

PetscErrorCode MuStudyAddField(MuStudy s, const char *name, PetscInt rank, const PetscInt shape[],
                               PetscReal **values) {
  PetscInt size = 1;

  PetscFunctionBegin;
  PetscCheck(s->fields < MU_MAX_FIELDS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "too many fields");
  MuStudyField *field = &s->field[s->fields++];
  snprintf(field->name, sizeof field->name, "%s", name);
  field->rank = rank;
  for (PetscInt k = 0; k < rank; ++k) size *= field->shape[k] = shape[k];
  PetscCall(PetscCalloc1(size, &field->values));
  *values = field->values;
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyAddNumber(MuStudy s, const char *name, PetscReal value) {
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(MuStudyAddField(s, name, 0, NULL, &values));
  *values = value;
  PetscFunctionReturn(0);
}

PetscReal MuStudyJoint(MuStudy s, PetscInt i) {
  return s->varied == 2 ? s->joint_factor * PetscPowReal(s->values[i], s->joint_power) : NAN;
}

PetscErrorCode MuStudyOverrides(MuStudy s, PetscInt i, MuOverrides *o) {
  PetscFunctionBegin;
  PetscCall(MuOverridesCopy(&s->base, o));
  if (s->varied > 0 && s->grid_dim == 2 && !strcmp(s->vary[0], "grid_cells"))
    PetscCall(
        MuOverridesSet(o, "grid_cells", "%.0f,%.0f", s->values[i], s->values[i] * s->grid_ratio));
  else if (s->varied > 0)
    PetscCall(MuOverridesSet(o, s->vary[0], "%.17g", s->values[i]));
  if (s->varied > 1) PetscCall(MuOverridesSet(o, s->vary[1], "%.17g", MuStudyJoint(s, i)));
  PetscFunctionReturn(0);
}

/* Whether the case has the varied keys: asked of the case with the study's overrides. Of two
   spellings the first stays, that of the overrides. */
static PetscErrorCode check_keys(MuStudy s) {
  PetscBool number, given;
  PetscErrorCode code = 0;
  char nearest[64];
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)s->base.count, s->base.text, &c));
  for (PetscInt k = 0; k < s->varied && !code; ++k) {
    code = MuCaseHasKey(c, s->vary[k], &number, &given, nearest);
    if (code) break;
    const PetscBool other = (PetscBool)(nearest[0] && strcmp(nearest, s->vary[k]) != 0);
    if (!number)
      code = MuError(MU_ERR_INPUT, "study_vary: %s is not a key that takes numbers%s%s", s->vary[k],
                     other ? "; the nearest is " : "", other ? nearest : "");
    else if (!given)
      code = MuError(MU_ERR_INPUT, "study_vary: %s is not in %s; a study varies what the case has",
                     s->vary[k], s->case_path);
    if (code) break;
    PetscCall(PetscFree(s->vary[k]));
    PetscCall(PetscStrallocpy(nearest, &s->vary[k]));
  }
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

void MuStudySetTable(MuStudy s, PetscInt columns, const char *const *column_names, PetscInt curves,
                     const char *const *curve_names) {
  s->columns = columns;
  s->column_names = column_names;
  s->curves = curves;
  s->curve_names = curve_names;
}

PetscErrorCode MuStudyCheckValues(MuStudy s, PetscInt least) {
  PetscFunctionBegin;
  if (s->varied == 0)
    return MuError(MU_ERR_INPUT, "study_vary: is missing; it is needed: the key that is varied");
  if (s->count < least)
    return MuError(MU_ERR_INPUT, "study_values: has %d value%s; at least %d are needed",
                   (int)s->count, s->count == 1 ? "" : "s", (int)least);
  for (PetscInt i = 2; i < s->count; ++i)
    if (!((s->values[i] - s->values[i - 1]) * (s->values[1] - s->values[0]) > 0))
      return MuError(MU_ERR_INPUT,
                     "study_values: %g after %g is not monotone; values must rise "
                     "throughout or fall throughout",
                     s->values[i], s->values[i - 1]);
  if (s->count > 1 && s->values[0] == s->values[1])
    return MuError(MU_ERR_INPUT,
                   "study_values: %g is there twice; values must rise throughout or "
                   "fall throughout",
                   s->values[0]);
  PetscCall(check_keys(s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyCheckVanishing(MuStudy s) {
  PetscFunctionBegin;
  PetscCall(MuStudyCheckValues(s, 3));
  for (PetscInt i = 0; i < s->count; ++i)
    if (!(s->values[i] > 0))
      return MuError(MU_ERR_INPUT,
                     "study_values: %g is not allowed; a parameter that goes to its "
                     "limit 0 is positive",
                     s->values[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_cells(MuStudy s, PetscBool nested) {
  const PetscReal first = PetscMin(s->values[0], s->values[s->count - 1]);

  for (PetscInt i = 0; i < s->count; ++i) {
    const PetscReal n = s->values[i], ny = n * s->grid_ratio;
    if (n != floor(n) || n < 1 || (s->grid_dim == 2 && ny != floor(ny)))
      return MuError(
          MU_ERR_INPUT,
          "study_values: %g is no number of cells; a whole number along x is needed, and one "
          "along y in the ratio of the case",
          n);
    if (nested && fmod(n, first) != 0)
      return MuError(
          MU_ERR_INPUT,
          "study_values: %g is not a multiple of %g; without an exact solution the grids "
          "must be nested",
          n, first);
  }
  return 0;
}

PetscErrorCode MuStudyReadGrid(MuStudy s, PetscBool nested) {
  MuGridSpec spec;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)s->base.count, s->base.text, &c));
  PetscErrorCode code = MuCaseGetGridSpec(c, &spec);
  PetscCall(MuCaseDestroy(&c));
  PetscCall(code);
  s->grid_dim = spec.dim;
  s->grid_ratio = spec.dim == 2 ? (PetscReal)spec.cells[1] / (PetscReal)spec.cells[0] : 1;
  PetscCall(check_cells(s, nested));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ trials */

PetscErrorCode MuStudyTrial(MuStudy s, PetscErrorCode code, MuOverrides *o, PetscBool flow,
                            MuTrial *t) {
  PetscFunctionBegin;
  if (!code) code = MuTrialCreate(s->group, s->case_path, o, flow, t);
  PetscCall(MuOverridesDestroy(o));
  PetscFunctionReturn(code);
}

PetscErrorCode MuStudyTrialOf(MuStudy s, PetscInt i, PetscBool flow, MuTrial *t) {
  MuOverrides o = {0};
  return MuStudyTrial(s, MuStudyOverrides(s, i, &o), &o, flow, t);
}

PetscErrorCode MuStudyCoarsen(MuStudy s, int companion, MuOverrides *o) {
  MuTrial t;

  PetscFunctionBegin;
  PetscCall(MuTrialCreate(s->group, s->case_path, o, PETSC_FALSE, &t));
  PetscErrorCode code = MuTrialCoarsen(&t, companion, o);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

PetscErrorCode MuStudyTakeTimes(MuStudy s, const MuTrial *t) {
  PetscFunctionBegin;
  s->times = t->times;
  PetscCall(PetscMalloc1(s->times, &s->time));
  PetscCall(PetscArraycpy(s->time, t->parts->snapshot_times, s->times));
  PetscFunctionReturn(0);
}

PetscInt MuStudySlot(MuStudy s, PetscReal time) {
  PetscInt nearest = 0;
  for (PetscInt k = 1; k < s->times; ++k)
    if (PetscAbsReal(s->time[k] - time) < PetscAbsReal(s->time[nearest] - time)) nearest = k;
  return nearest;
}

PetscErrorCode MuStudyKeepCurves(MuStudy s, const MuTrial *t, PetscReal *curve) {
  PetscFunctionBegin;
  for (PetscInt q = 0; q < MU_TRIAL_CURVES; ++q) {
    PetscReal *to = curve + q * s->times;
    for (PetscInt k = 0; k < s->times; ++k) to[k] = NAN;
    for (PetscInt k = 0; k < t->times; ++k)
      to[MuStudySlot(s, t->parts->snapshot_times[k])] = t->curve[q][k];
  }
  PetscFunctionReturn(0);
}
