/* rate: decay of the energy against a theorem's constant c, and the exponent fitted in a window.
   Gladin, Dvurechensky, Mielke and Zhu (2024): mmd energy along IFT, and relative entropy under a
   logarithmic Sobolev inequality; Lojasiewicz inequality along Fisher-Rao for powers p <= 1/2.

   What is observed is a rate in every case: of a bound F(t) <= e^(-c t) F(0) the least
   log(F(0)/F(t))/t, of an inequality 2 R* >= c F its least quotient over the output times, of a
   late rate the fitted exponent. Each row has two companions, on half the cells and with twice the
   step. */
#include "study/rate_impl.h"

static const char *const columns[MU_RATE_COLUMNS] = {
    "value",    "rate",         "rate_stderr", "constant",    "bound_excess",   "worst_time",
    "floor",    "window_start", "window_end",  "used_in_fit", "energy_initial", "energy_final",
    "observed", "bound_rate",   "inequality",  "window_error"};

/* ------------------------------------------------------------------ the constants */

/* The constant of the target that a theorem's factor is multiplied by, told in the sentence: a
   lower bound of the logarithmic Sobolev constant, or the spectral gap, which is an upper one. */
static PetscErrorCode target_constant(MuRate *r, MuTrial *t, PetscReal *constant) {
  MuTargetConstant c;
  PetscInt components;

  PetscFunctionBegin;
  PetscCall(MuStudyTargetConstant(t, &c));
  PetscCall(MuGridComponents(t->parts->grid, 0, &components, NULL));
  if (components > 1)
    return MuError(
        MU_ERR_INPUT,
        "study_theorem: the domain falls into %d components between which nothing moves: "
        "the spectral gap of the target is 0 and no rate is known; give "
        "study_expect_rate, or a mask that joins them",
        (int)components);
  if (r->decay.theorem != MU_THEOREM_LOG_SOBOLEV) {
    *constant = c.upper;
    snprintf(r->sentence, sizeof r->sentence, "%s; here gap = %.6g%s", r->decay.sentence, c.upper,
             r->decay.theorem == MU_THEOREM_SPECTRAL_GAP ? ", the upper bound is used" : "");
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
  snprintf(r->sentence, sizeof r->sentence,
           c.lower <= c.upper ? "%s; here c is at least %.6g (%s) and at most %.6g (spectral gap), "
                                "the lower bound is used"
                              : "%s; here c is %.6g (%s); the spectral gap on this grid, %.6g, is "
                                "below it by the grid's error",
           r->decay.sentence, c.lower, c.proof, c.upper);
  PetscFunctionReturn(0);
}

static PetscErrorCode find_theorem(MuRate *r, MuTrial *t, MuTheorem tried) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuSystem system;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(t->parts->geometry, &g));
  PetscCall(MuEnergyGetSpec(t->parts->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  PetscCall(
      MuSystemCompareMasses(&system, t->parts->grid, t->parts->log_target, t->parts->initial));
  PetscCall(MuSystemFindReference(&system, t->parts->grid, t->parts->geometry, t->parts->log_target,
                                  t->parts->initial));
  system.observed = r->power;
  MuFactsDecay(&system, r->theorem ? (MuTheorem)r->theorem : tried, &r->decay);
  if (r->decay.theorem) PetscFunctionReturn(0);
  if (!r->theorem)
    return MuError(
        MU_ERR_INPUT,
        "study_theorem: auto: no theorem is known for this energy and geometry%s%s; give "
        "study_expect_rate",
        r->decay.missing[0] ? ", it would need " : "", r->decay.missing);
  return MuError(MU_ERR_INPUT, "study_theorem: %s does not belong to this case; it needs %s",
                 mu_theorem_names[r->theorem], r->decay.missing);
}

static PetscErrorCode find_constant(MuRate *r, MuTrial *t, PetscReal *c) {
  PetscReal constant = 1;

  PetscFunctionBegin;
  *c = r->constant;
  if (!isnan(*c)) {
    if (r->theorem) PetscCall(find_theorem(r, t, MU_THEOREM_AUTO));
    snprintf(r->sentence, sizeof r->sentence, "%s, c as given",
             MuRateIsLate(r)         ? "F(t) falls late at least like e^(-ct)"
             : MuRateIsInequality(r) ? "2 R*(mu, -DF) >= c F"
             : MuRateIsSublinear(r)  ? "F(t) <= KL(pi|mu_0)/(c t)"
                                     : "F(t) <= e^(-ct) F(0)");
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
  *c = r->decay.factor * constant + r->decay.shift;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode read_observed(MuStudy s, MuRate *r) {
  const PetscReal none[MU_MAX_PARAMETERS] = {NAN, NAN, NAN, NAN};
  char nearest[64];
  const char *name;
  PetscBool given;

  PetscFunctionBegin;
  r->power = NAN;
  PetscCall(MuCaseGetString(s->file, "study_of", &name, &given));
  if (!given) PetscFunctionReturn(0);
  PetscCall(MuTableFind(MuDiagnosticGetTableRow, name, &r->of, nearest));
  if (!r->of) return MuError(MU_ERR_INPUT, "study_of: %s is no diagnostic%s", name, nearest);
  if (MuEnergyGetForm(r->of, none, &r->power) != MU_FORM_RELATIVE) r->power = INFINITY;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_keys(MuStudy s, MuRate *r) {
  PetscInt count = 2;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(read_observed(s, r));
  PetscCall(MuCaseGetChoice(s->file, "study_theorem", mu_theorem_names, &r->theorem, &given));
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

static PetscErrorCode build_first(MuStudy s, MuRate *r) {
  MuTrial t;
  PetscReal c;

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_FALSE, &t));
  PetscErrorCode code = find_constant(r, &t, &c);
  if (!code) code = MuStudyTakeTimes(s, &t);
  s->rows = PetscMax(s->count, 1);
  if (!code) code = MuStudyPlaceCompanions(s, &t, r->companion);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  MuRate *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  s->data = r;
  PetscCall(read_keys(s, r));
  if (s->varied || s->count) PetscCall(MuStudyCheckValues(s, 2));
  if (s->varied && !strcmp(s->vary[0], "grid_cells")) PetscCall(MuStudyReadGrid(s, PETSC_FALSE));
  PetscCall(build_first(s, r));
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) r->names[k] = MuTrialCurveNames[k];
  r->names[MU_RATE_CURVE_BOUND] = "bound";
  r->names[MU_RATE_CURVE_QUOTIENT] = "dissipation_quotient";
  r->names[MU_RATE_CURVE_OBSERVED] = "observed"; /* F, or what stands in its place */
  MuStudySetTable(s, MU_RATE_COLUMNS, columns, MU_RATE_CURVES, r->names);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  return PetscFree(s->data);
}

/* ------------------------------------------------------------------ one run */

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const MuRate *r = s->data;
  PetscInt value;
  const PetscInt level = MuStudyLevelOf(r->companion, i, &value);
  MuOverrides o = {0};
  MuTrial t;
  PetscErrorCode code;

  PetscFunctionBegin;
  row[MU_RATE_VALUE] = s->count ? s->values[value] : NAN;
  row[MU_RATE_FLOOR] = row[MU_RATE_RATE_STDERR] = NAN;
  code = MuStudyOverrides(s, value, &o);
  if (!code && level) code = MuStudyCoarsen(s, (int)level - 1, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, &t));
  code = find_constant(s->data, &t, &row[MU_RATE_CONSTANT]);
  if (!code) code = MuRateMeasure(s, &t, row, curve);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

static void look_for_doubts(MuStudy s, PetscInt i, MuClaim *c) {
  const MuRate *r = s->data;
  const PetscReal *row = MuStudyRow(s, i);

  MuStudyDoubtCompanions(s, i, r->companion, c);
  if (!(row[MU_RATE_ENERGY_INITIAL] > 0)) {
    MuClaimDoubt(c, "F(0) = %.3g: there is nothing that could decay", row[MU_RATE_ENERGY_INITIAL]);
  } else if (MuRateIsLate(r) && row[MU_RATE_USED] < 3) {
    MuClaimDoubt(c,
                 "the window from %.4g to %.4g holds %d output times at which F is above rounding; "
                 "three are needed",
                 row[MU_RATE_WINDOW_START], row[MU_RATE_WINDOW_END], (int)row[MU_RATE_USED]);
  } else if (isnan(row[MU_RATE_OBSERVED])) {
    MuClaimDoubt(c, "F is above rounding at no output time after the first");
  }
}

/* Adds the fitted rate to the study as well. */
static MuClaim claim_of(MuStudy s, PetscInt i) {
  const MuRate *r = s->data;
  PetscReal *row = MuStudyRow(s, i);
  MuClaim c = {.claimed = row[MU_RATE_CONSTANT],
               .observed = row[MU_RATE_OBSERVED],
               .tolerance = s->tolerance * row[MU_RATE_CONSTANT]};
  char name[64];

  snprintf(c.name, sizeof c.name, s->count ? "rate at %g" : "rate", row[MU_RATE_VALUE]);
  look_for_doubts(s, i, &c);
  row[MU_RATE_RATE_STDERR] = row[MU_RATE_WINDOW_ERROR];
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    c.error[k] = MuStudyChange(s, i, r->companion[k], MU_RATE_OBSERVED, MU_RATE_CONSTANT);
    row[MU_RATE_RATE_STDERR] += MuStudyChange(s, i, r->companion[k], MU_RATE_RATE, -1);
  }
  if (MuRateIsLate(r)) c.error[MU_FROM_WINDOW] = row[MU_RATE_WINDOW_ERROR];
  row[MU_RATE_FLOOR] = MuClaimError(&c);
  snprintf(name, sizeof name, s->count ? "rate_%g" : "rate", row[MU_RATE_VALUE]);
  MuStudyAddOrder(s, name, row[MU_RATE_RATE], row[MU_RATE_RATE_STDERR]);
  return c;
}

static PetscErrorCode judge(MuStudy s) {
  const MuRate *r = s->data;

  MuStudyNote(s, "theorem: %s", r->sentence);
  MuStudyJudgeRows(s, claim_of);
  return 0;
}

const MuStudyOps MuStudyRate = {.name = "rate",
                                .held = 1,
                                .tolerance = 0.02,
                                .create = create,
                                .task = task,
                                .judge = judge,
                                .destroy = destroy};
