/* rate: decay of the energy against a theorem's constant c, and the exponent fitted in a window.
   Gladin, Dvurechensky, Mielke and Zhu (2024): mmd energy along IFT, and relative entropy under a
   logarithmic Sobolev inequality; Lojasiewicz inequality along Fisher-Rao for powers p <= 1/2.

   What is observed is a rate in every case: of a bound F(t) <= e^(-c t) F(0) the least
   log(F(0)/F(t))/t, of an inequality 2 R* >= c F its least quotient over the output times, of a
   late rate the fitted exponent. Each row has two companions, on half the cells and with twice the
   step. */
#include "facts/facts.h"
#include "problem/problem.h"
#include "study/study_impl.h"

enum {
  VALUE,
  RATE,
  RATE_STDERR,
  CONSTANT,
  EXCESS,
  WORST_TIME,
  FLOOR,
  WINDOW_START,
  WINDOW_END,
  USED,
  ENERGY_INITIAL,
  ENERGY_FINAL,
  OBSERVED,
  BOUND_RATE,
  INEQUALITY,
  WINDOW_ERROR,
  COLUMNS
};
static const char *const columns[COLUMNS] = {
    "value",    "rate",         "rate_stderr", "constant",    "bound_excess",   "worst_time",
    "floor",    "window_start", "window_end",  "used_in_fit", "energy_initial", "energy_final",
    "observed", "bound_rate",   "inequality",  "window_error"};

enum { CURVE_BOUND = MU_TRIAL_CURVES, CURVE_QUOTIENT, CURVES };

/* An energy below this part of its initial value is rounding; quotients of energies are already at
   the root of it. */
#define ROUNDING          1e-12
#define QUOTIENT_ROUNDING 1e-8

typedef struct {
  PetscInt theorem;   /* that is asked for */
  MuDecay decay;      /* what it says of the case */
  PetscReal constant; /* given by the user, NaN: the theorem's */
  PetscReal window[2];
  PetscBool has_window;
  PetscInt companion[MU_COMPANIONS]; /* first rows; -1: there is none */
  const char *names[CURVES];
  char sentence[sizeof(((MuDecay *)0)->sentence) + 160];
} Rate;

/* What is judged: the fitted late rate, or 2 R* >= c F, or else the bound. */
static PetscBool is_late(const Rate *r) {
  return (PetscBool)(r->decay.theorem == MU_THEOREM_SPECTRAL_GAP && isnan(r->constant));
}

static PetscBool is_inequality(const Rate *r) {
  return (PetscBool)(r->decay.theorem == MU_THEOREM_LOJASIEWICZ);
}

/* ------------------------------------------------------------------ the constants */

/* The constant of the target that a theorem's factor is multiplied by, told in the sentence: a
   lower bound of the logarithmic Sobolev constant, or the spectral gap, which is an upper one. */
static PetscErrorCode target_constant(Rate *r, MuTrial *t, PetscReal *constant) {
  MuTargetConstant c;

  PetscFunctionBegin;
  PetscCall(MuStudyTargetConstant(t, &c));
  if (r->decay.theorem == MU_THEOREM_SPECTRAL_GAP) {
    *constant = c.upper;
    snprintf(r->sentence, sizeof r->sentence, "%s; here gap = %.6g, the upper bound is used",
             r->decay.sentence, c.upper);
    PetscFunctionReturn(0);
  }
  *constant = c.lower;
  if (!(c.lower > 0))
    return MuError(
        MU_ERR_INPUT,
        "study_theorem: log_sobolev: no lower bound of the constant of this target is "
        "known%s; take spectral_gap, which is %.6g here and bounds it from above, or give "
        "study_expect_rate",
        t->info->masked ? " on a domain with a mask" : "", c.upper);
  snprintf(
      r->sentence, sizeof r->sentence,
      "%s; here c is at least %.6g (%s) and at most %.6g (spectral gap), the lower bound is used",
      r->decay.sentence, c.lower, c.proof, c.upper);
  PetscFunctionReturn(0);
}

static const char *const theorems[] = {[MU_THEOREM_AUTO] = "auto",
                                       [MU_THEOREM_INTERACTION_FORCE] = "interaction_force",
                                       [MU_THEOREM_LOG_SOBOLEV] = "log_sobolev",
                                       [MU_THEOREM_SPECTRAL_GAP] = "spectral_gap",
                                       [MU_THEOREM_LOJASIEWICZ] = "lojasiewicz",
                                       NULL};

static PetscErrorCode find_theorem(Rate *r, MuTrial *t, MuTheorem tried) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuSystem system;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(t->parts->geometry, &g));
  PetscCall(MuEnergyGetSpec(t->parts->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  MuFactsDecay(&system, r->theorem ? (MuTheorem)r->theorem : tried, &r->decay);
  if (r->decay.theorem) PetscFunctionReturn(0);
  if (!r->theorem)
    return MuError(
        MU_ERR_INPUT,
        "study_theorem: auto: no theorem is known for this energy and geometry%s%s; give "
        "study_expect_rate",
        r->decay.missing[0] ? ", it would need " : "", r->decay.missing);
  return MuError(MU_ERR_INPUT, "study_theorem: %s does not belong to this case; it needs %s",
                 theorems[r->theorem], r->decay.missing);
}

static PetscErrorCode find_constant(Rate *r, MuTrial *t, PetscReal *c) {
  PetscReal constant = 1;

  PetscFunctionBegin;
  *c = r->constant;
  if (!isnan(*c)) {
    if (r->theorem) PetscCall(find_theorem(r, t, MU_THEOREM_AUTO));
    snprintf(r->sentence, sizeof r->sentence, "%s, c as given",
             is_inequality(r) ? "2 R*(mu, -DF) >= c F" : "F(t) <= e^(-ct) F(0)");
    PetscFunctionReturn(0);
  }
  PetscCall(find_theorem(r, t, MU_THEOREM_AUTO));
  snprintf(r->sentence, sizeof r->sentence, "%s", r->decay.sentence);
  *c = r->decay.rate;
  if (!(r->decay.factor > 0)) PetscFunctionReturn(0);
  PetscErrorCode code = target_constant(r, t, &constant);
  if (code && !r->theorem && isnan(constant)) { /* auto: what is known is the gap */
    PetscCall(find_theorem(r, t, MU_THEOREM_SPECTRAL_GAP));
    code = target_constant(r, t, &constant);
  }
  PetscCall(code);
  *c = r->decay.factor * constant;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode read_keys(MuStudy s, Rate *r) {
  PetscInt count = 2;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetChoice(s->file, "study_theorem", theorems, &r->theorem, &given));
  r->constant = NAN;
  PetscCall(MuCaseGetReal(s->file, "study_expect_rate", &r->constant, &given));
  PetscCall(MuStudyCheckThreshold(NAN, s->tolerance));
  if (s->tolerance >= 1)
    return MuError(MU_ERR_INPUT,
                   "study_tolerance: %g is not allowed; of a rate it is the relative one, below 1",
                   s->tolerance);
  PetscCall(MuCaseGetRealArray(s->file, "study_window", &count, r->window, &r->has_window));
  if (r->has_window && (count != 2 || !(r->window[1] > r->window[0])))
    return MuError(MU_ERR_INPUT, "study_window: needs two times, the second after the first");
  PetscFunctionReturn(0);
}

/* Tasks: the rows, and the companions of all on half the cells and with twice the step. */
static PetscErrorCode place_companions(MuStudy s, Rate *r, MuTrial *t) {
  PetscBool grid;

  PetscFunctionBegin;
  PetscCall(MuTrialCanRefine(t, &grid));
  s->rows = PetscMax(s->count, 1);
  s->extras = 0;
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    r->companion[k] = k == MU_FROM_GRID && !grid ? -1 : s->rows + s->extras;
    if (r->companion[k] >= 0) s->extras += s->rows;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode build_first(MuStudy s, Rate *r) {
  MuTrial t;
  PetscReal c;

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_FALSE, &t));
  PetscErrorCode code = find_constant(r, &t, &c);
  if (!code) code = MuStudyTakeTimes(s, &t);
  if (!code) code = place_companions(s, r, &t);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  Rate *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  s->data = r;
  PetscCall(read_keys(s, r));
  if (s->varied || s->count) PetscCall(MuStudyCheckValues(s, 2));
  if (s->varied && !strcmp(s->vary[0], "grid_cells")) PetscCall(MuStudyReadGrid(s, PETSC_FALSE));
  PetscCall(build_first(s, r));
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) r->names[k] = MuTrialCurveNames[k];
  r->names[CURVE_BOUND] = "bound";
  r->names[CURVE_QUOTIENT] = "dissipation_quotient";
  s->columns = COLUMNS;
  s->column_names = columns;
  s->curves = CURVES;
  s->curve_names = r->names;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  return PetscFree(s->data);
}

/* ------------------------------------------------------------------ one run */

/* Exponent of the points k = first .. last - 1. */
static PetscReal exponent(PetscInt first, PetscInt last, const PetscReal *x, const PetscReal *y) {
  return -MuFitLine(last - first, x + first, y + first).slope;
}

/* The window: as given, or the later half of the time in which F is above rounding. Its error is
   the largest change of the exponent where a third of it is left out at either end. */
static PetscErrorCode fit_rate(const Rate *r, PetscInt n, const PetscReal *t,
                               const PetscReal *energy, PetscReal *row) {
  PetscReal *x, *y, first = r->window[0], last = r->window[1];
  PetscInt m = 0;

  PetscFunctionBegin;
  if (!r->has_window) {
    last = t[0];
    for (PetscInt k = 0; k < n; ++k)
      if (energy[k] > ROUNDING * energy[0]) last = t[k];
    first = 0.5 * (t[0] + last);
  }
  PetscCall(PetscMalloc2(n, &x, n, &y));
  for (PetscInt k = 0; k < n; ++k)
    if (t[k] >= first && t[k] <= last && energy[k] > ROUNDING * energy[0] && energy[k] > 0) {
      x[m] = t[k];
      y[m++] = log(energy[k]);
    }
  const PetscInt part = PetscMax(1, m / 3);
  row[RATE] = exponent(0, m, x, y);
  row[WINDOW_ERROR] = m < 3 ? NAN
                            : PetscMax(PetscAbsReal(exponent(part, m, x, y) - row[RATE]),
                                       PetscAbsReal(exponent(0, m - part, x, y) - row[RATE]));
  PetscCall(PetscFree2(x, y));
  row[WINDOW_START] = first;
  row[WINDOW_END] = last;
  row[USED] = m;
  PetscFunctionReturn(0);
}

/* The excess of log F over the bound, and the least log(F(0)/F(t))/t. */
static void check_bound(PetscInt n, const PetscReal *t, const PetscReal *energy, PetscReal *row) {
  row[EXCESS] = -INFINITY;
  row[WORST_TIME] = 0;
  row[BOUND_RATE] = NAN;
  for (PetscInt k = 0; k < n; ++k) {
    if (!(t[k] > t[0]) || !(energy[k] > ROUNDING * energy[0])) continue;
    const PetscReal fall = log(energy[0] / energy[k]), time = t[k] - t[0];
    row[BOUND_RATE] = fmin(row[BOUND_RATE], fall / time); /* fmin: of a NaN the other */
    if (row[CONSTANT] * time - fall <= row[EXCESS]) continue;
    row[EXCESS] = row[CONSTANT] * time - fall;
    row[WORST_TIME] = t[k];
  }
}

/* 2 R*(mu, -DF)/F at the output times. */
static PetscErrorCode keep_quotient(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  PetscReal *quotient = ctx, dual;

  PetscFunctionBegin;
  PetscCall(MuLedgerDual(t->ledger, rho, &dual));
  quotient[k] = 2 * dual / t->curve[MU_CURVE_ENERGY][k];
  PetscFunctionReturn(0);
}

static PetscReal least_quotient(const MuTrial *t, const PetscReal *quotient) {
  const PetscReal *energy = t->curve[MU_CURVE_ENERGY];
  PetscReal least = NAN;
  for (PetscInt k = 0; k < t->times; ++k)
    if (energy[k] > QUOTIENT_ROUNDING * energy[0]) least = fmin(least, quotient[k]);
  return least;
}

/* Whether the flow starts at its target, up to rounding. */
static PetscErrorCode starts_at_target(const MuTrial *t, PetscBool *is) {
  PetscReal distance, size;
  Vec target;

  PetscFunctionBegin;
  *is = PETSC_FALSE;
  if (!t->parts->log_target) PetscFunctionReturn(0);
  PetscCall(VecDuplicate(t->parts->log_target, &target));
  PetscCall(VecCopy(t->parts->log_target, target));
  PetscCall(VecExp(target));
  PetscCall(MuGridApplyMask(t->parts->grid, target));
  PetscCall(MuGridDistanceL1(t->parts->grid, target, NULL, &size));
  PetscCall(MuGridDistanceL1(t->parts->grid, target, t->parts->initial, &distance));
  PetscCall(VecDestroy(&target));
  *is = (PetscBool)(distance <= 1e-12 * size);
  PetscFunctionReturn(0);
}

static void keep_curves(MuStudy s, const MuTrial *t, const PetscReal *quotient, PetscReal constant,
                        PetscReal *curve) {
  const PetscReal *time = t->parts->snapshot_times;
  for (PetscInt k = 0; k < s->times; ++k)
    curve[CURVE_BOUND * s->times + k] = curve[CURVE_QUOTIENT * s->times + k] = NAN;
  for (PetscInt k = 0; k < t->times; ++k) {
    const PetscInt slot = MuStudySlot(s, time[k]);
    curve[CURVE_BOUND * s->times + slot] =
        t->curve[MU_CURVE_ENERGY][0] * exp(-constant * (time[k] - time[0]));
    curve[CURVE_QUOTIENT * s->times + slot] = quotient[k];
  }
}

static PetscErrorCode measure(MuStudy s, MuTrial *t, PetscReal *row, PetscReal *curve) {
  Rate *r = s->data;
  const PetscReal *energy = t->curve[MU_CURVE_ENERGY], *time = t->parts->snapshot_times;
  PetscReal *quotient;
  PetscBool still;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(t->times, &quotient));
  t->output = keep_quotient;
  t->ctx = quotient;
  PetscErrorCode code = MuTrialSolve(t);
  if (!code) code = MuStudyKeepCurves(s, t, curve);
  if (!code) code = find_constant(r, t, &row[CONSTANT]);
  if (!code) keep_curves(s, t, quotient, row[CONSTANT], curve);
  if (!code) row[INEQUALITY] = least_quotient(t, quotient);
  PetscCall(PetscFree(quotient));
  if (code) PetscFunctionReturn(code);
  PetscCall(starts_at_target(t, &still));
  row[ENERGY_FINAL] = energy[t->times - 1];
  PetscCall(fit_rate(r, t->times, time, energy, row));
  check_bound(t->times, time, energy, row);
  row[ENERGY_INITIAL] = still ? 0 : energy[0];
  if (still) row[RATE] = row[WINDOW_ERROR] = row[EXCESS] = NAN; /* of rounding */
  row[OBSERVED] = is_late(r) ? row[RATE] : (is_inequality(r) ? row[INEQUALITY] : row[BOUND_RATE]);
  PetscFunctionReturn(0);
}

/* The level of a task, 0 for the rows, and the number of its value. */
static PetscInt level_of(MuStudy s, PetscInt task, PetscInt *value) {
  const Rate *r = s->data;
  PetscInt level = 0;
  *value = task;
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    if (r->companion[k] < 0 || task < r->companion[k]) continue;
    level = k + 1;
    *value = task - r->companion[k];
  }
  return level;
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  PetscInt value;
  const PetscInt level = level_of(s, i, &value);
  MuOverrides o = {0};
  MuTrial t;
  PetscErrorCode code;

  PetscFunctionBegin;
  row[VALUE] = s->count ? s->values[value] : NAN;
  row[FLOOR] = row[RATE_STDERR] = NAN;
  code = MuStudyOverrides(s, value, &o);
  if (!code && level) code = MuStudyCoarsen(s, (int)level - 1, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, &t));
  code = measure(s, &t, row, curve);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* What a column, less the constant where it is judged, changes by on a companion. */
static PetscReal change(MuStudy s, PetscInt i, int k, PetscInt column, PetscBool judged) {
  const Rate *r = s->data;
  if (r->companion[k] < 0) return 0;
  const PetscReal *a = MuStudyRow(s, i), *b = MuStudyRow(s, r->companion[k] + i);
  if (!MuStudyDone(s, r->companion[k] + i)) return NAN;
  return PetscAbsReal(a[column] - b[column] - (judged ? a[CONSTANT] - b[CONSTANT] : 0));
}

static void look_for_doubts(MuStudy s, PetscInt i, MuClaim *c) {
  static const char *const what[] = {"half the cells", "twice the step"};
  const Rate *r = s->data;
  const PetscReal *row = MuStudyRow(s, i);

  if (!MuStudyDone(s, i)) {
    MuClaimDoubt(c, "the run failed");
  } else if (!(row[ENERGY_INITIAL] > 0)) {
    MuClaimDoubt(c, "F(0) = %.3g: there is nothing that could decay", row[ENERGY_INITIAL]);
  } else if (is_late(r) && row[USED] < 3) {
    MuClaimDoubt(c,
                 "the window from %.4g to %.4g holds %d output times at which F is above rounding; "
                 "three are needed",
                 row[WINDOW_START], row[WINDOW_END], (int)row[USED]);
  } else if (isnan(row[OBSERVED])) {
    MuClaimDoubt(c, "F is above rounding at no output time after the first");
  }
  for (int k = 0; k < MU_COMPANIONS && !c->reason[0]; ++k)
    if (r->companion[k] >= 0 && !MuStudyDone(s, r->companion[k] + i))
      MuClaimDoubt(c, "the companion with %s failed: %.120s", what[k],
                   s->status[r->companion[k] + i]);
}

static MuClaim claim_of(MuStudy s, PetscInt i) {
  const Rate *r = s->data;
  PetscReal *row = MuStudyRow(s, i);
  MuClaim c = {.claimed = row[CONSTANT],
               .observed = row[OBSERVED],
               .tolerance = s->tolerance * row[CONSTANT]};

  snprintf(c.name, sizeof c.name, s->count ? "rate at %g" : "rate", row[VALUE]);
  look_for_doubts(s, i, &c);
  row[RATE_STDERR] = row[WINDOW_ERROR];
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    c.error[k] = change(s, i, k, OBSERVED, PETSC_TRUE);
    row[RATE_STDERR] += change(s, i, k, RATE, PETSC_FALSE);
  }
  if (is_late(r)) c.error[MU_FROM_WINDOW] = row[WINDOW_ERROR];
  row[FLOOR] = MuClaimError(&c);
  return c;
}

static PetscErrorCode judge(MuStudy s) {
  const Rate *r = s->data;
  PetscReal worst = -INFINITY;
  char name[64];

  MuStudyNote(s, "theorem: %s", r->sentence);
  if (r->companion[MU_FROM_GRID] < 0)
    MuStudyNote(s,
                "the grid has a shape of its own: what half the cells would change is not known");
  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt i = 0; i < s->rows; ++i) {
    const MuClaim c = claim_of(s, i);
    const PetscReal *row = MuStudyRow(s, i), excess = MuClaimExcess(&c) / c.claimed;
    snprintf(name, sizeof name, s->count ? "rate_%g" : "rate", row[VALUE]);
    MuStudyAddOrder(s, name, row[RATE], row[RATE_STDERR]);
    MuStudyJudge(s, &c);
    if (i > 0 && !(excess > worst)) continue;
    worst = excess;
    MuStudyTakeClaim(s, &c);
    s->expected = c.claimed;
  }
  return 0;
}

const MuStudyOps MuStudyRate = {.name = "rate",
                                .tolerance = 0.02,
                                .create = create,
                                .task = task,
                                .judge = judge,
                                .destroy = destroy};
