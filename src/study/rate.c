/* rate: decay of the energy against a theorem's constant c, F(t) <= e^(-c t) F(0) at every output
   time, and the exponent fitted in a window.
   Gladin, Dvurechensky, Mielke and Zhu (2024): mmd energy along IFT, and relative entropy under a
   logarithmic Sobolev inequality; Lojasiewicz inequality along Fisher-Rao for powers p <= 1/2.

   The floor of a row is the largest difference of log F between the run and one with half the step
   on twice the cells per axis; a bound is broken only beyond the tolerance and twice the floor. */
#include "facts/facts.h"
#include "flow/transport.h"
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
  COLUMNS
};
static const char *const columns[COLUMNS] = {
    "value", "rate",         "rate_stderr", "constant",    "bound_excess",   "worst_time",
    "floor", "window_start", "window_end",  "used_in_fit", "energy_initial", "energy_final"};

enum { CURVE_BOUND = MU_TRIAL_CURVES, CURVES };

/* An energy below this part of its initial value is rounding. */
#define ROUNDING 1e-12
/* By how much a fitted rate may miss the bound of the spectral gap, relative. */
#define GAP_TOLERANCE 0.02

typedef struct {
  PetscInt theorem;   /* that is asked for */
  MuDecay decay;      /* what it says of the case */
  PetscReal constant; /* given by the user, NaN: the theorem's */
  PetscReal window[2];
  PetscBool has_window;
  const char *names[CURVES];
  char sentence[sizeof(((MuDecay *)0)->sentence) + 32];
} Rate;

/* ------------------------------------------------------------------ the constants */

/* Number of eigenvalues below x of the symmetric tridiagonal matrix (Sturm's sequence; Golub and
   Van Loan, section 8.4). */
static PetscInt count_below(PetscInt n, const PetscReal *d, const PetscReal *e2, PetscReal x) {
  PetscInt count = 0;
  PetscReal q = 1;
  for (PetscInt i = 0; i < n; ++i) {
    q = d[i] - x - (i ? e2[i] / q : 0);
    if (q == 0) q = 1e-300;
    if (q < 0) count++;
  }
  return count;
}

/* Second smallest eigenvalue of the discrete -div(pi grad(rho/pi)), symmetrised with pi. */
static PetscErrorCode spectral_gap(MuTrial *t, PetscReal *gap) {
  const PetscInt n = t->info->local_size;
  MuTransport transport;
  PetscReal *d, *e2, low = 0, high = 0;
  const PetscReal *a, *b;
  Vec fields[2], potential;

  PetscFunctionBegin;
  if (t->info->dim != 1 || t->info->periodic[0])
    return MuError(MU_ERR_INPUT,
                   "study_theorem: spectral_gap is computed in 1-D with no_flux walls; give "
                   "study_expect_rate instead");
  PetscCall(VecDuplicate(t->parts->log_target, &potential));
  PetscCall(VecCopy(t->parts->log_target, potential));
  PetscCall(VecScale(potential, -1));
  PetscCall(MuTransportCreate(t->parts->grid, MU_TRANSPORT_AUTO, &transport));
  PetscCall(MuTransportFillScharfetterGummel(transport, 1, potential));
  PetscCall(MuTransportGetCoefficients(transport, 0, &fields[0], &fields[1]));
  PetscCall(PetscCalloc2(n, &d, n, &e2));
  PetscCall(VecGetArrayRead(fields[0], &a));
  PetscCall(VecGetArrayRead(fields[1], &b));
  for (PetscInt i = 1; i < n; ++i) {
    d[i - 1] += a[i];
    d[i] += b[i];
    e2[i] = a[i] * b[i];
  }
  PetscCall(VecRestoreArrayRead(fields[1], &b));
  PetscCall(VecRestoreArrayRead(fields[0], &a));
  for (PetscInt i = 0; i < n; ++i) high = PetscMax(high, 4 * d[i]);
  for (int k = 0; k < 200 && high - low > 1e-13 * high; ++k) {
    PetscReal middle = 0.5 * (low + high);
    if (count_below(n, d, e2, middle) >= 2)
      high = middle;
    else
      low = middle;
  }
  *gap = 0.5 * (low + high);
  PetscCall(PetscFree2(d, e2));
  PetscCall(MuTransportDestroy(&transport));
  PetscCall(VecDestroy(&potential));
  PetscFunctionReturn(0);
}

/* c of a Gaussian target. */
static PetscErrorCode log_sobolev(MuTrial *t, PetscReal *constant) {
  PetscFunctionBegin;
  PetscCall(MuCaseGetLogSobolev(t->c, t->info->dim, constant));
  if (isnan(*constant))
    return MuError(
        MU_ERR_INPUT,
        "study_theorem: log_sobolev knows the constant of a gaussian target only, without "
        "background; take "
        "spectral_gap, which bounds it, or give study_expect_rate");
  PetscFunctionReturn(0);
}

/* The constant of the target that a theorem's factor is multiplied by, told in the sentence. */
static PetscErrorCode target_constant(Rate *r, MuTrial *t, PetscReal *constant) {
  const PetscBool gap = (PetscBool)(r->decay.theorem == MU_THEOREM_SPECTRAL_GAP);

  PetscFunctionBegin;
  PetscCall((gap ? spectral_gap : log_sobolev)(t, constant));
  snprintf(r->sentence, sizeof r->sentence, "%s; here %s = %.6g", r->decay.sentence,
           gap ? "gap" : "c", *constant);
  PetscFunctionReturn(0);
}

static const char *const theorems[] = {[MU_THEOREM_AUTO] = "auto",
                                       [MU_THEOREM_INTERACTION_FORCE] = "interaction_force",
                                       [MU_THEOREM_LOG_SOBOLEV] = "log_sobolev",
                                       [MU_THEOREM_SPECTRAL_GAP] = "spectral_gap",
                                       [MU_THEOREM_LOJASIEWICZ] = "lojasiewicz",
                                       NULL};

static PetscErrorCode find_theorem(Rate *r, MuTrial *t) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuSystem system;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(t->parts->geometry, &g));
  PetscCall(MuEnergyGetSpec(t->parts->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  MuFactsDecay(&system, (MuTheorem)r->theorem, &r->decay);
  if (r->decay.theorem) PetscFunctionReturn(0);
  if (!r->theorem)
    return MuError(MU_ERR_INPUT,
                   "study_theorem: auto: no theorem is known for this energy and geometry; give "
                   "study_expect_rate");
  return MuError(MU_ERR_INPUT, "study_theorem: %s does not belong to this case; it needs %s",
                 theorems[r->theorem], r->decay.missing);
}

static PetscErrorCode find_constant(Rate *r, MuTrial *t, PetscReal *c) {
  PetscReal constant = 1;

  PetscFunctionBegin;
  *c = r->constant;
  if (!isnan(*c)) {
    snprintf(r->sentence, sizeof r->sentence, "F(t) <= e^(-ct) F(0), c as given");
    PetscFunctionReturn(0);
  }
  PetscCall(find_theorem(r, t));
  snprintf(r->sentence, sizeof r->sentence, "%s", r->decay.sentence);
  *c = r->decay.rate;
  if (r->decay.factor > 0) {
    PetscCall(target_constant(r, t, &constant));
    *c = r->decay.factor * constant;
  }
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
  PetscCall(MuCaseGetRealArray(s->file, "study_window", &count, r->window, &r->has_window));
  if (r->has_window && (count != 2 || !(r->window[1] > r->window[0])))
    return MuError(MU_ERR_INPUT, "study_window: needs two times, the second after the first");
  PetscFunctionReturn(0);
}

static PetscErrorCode build_first(MuStudy s, Rate *r) {
  MuTrial t;
  PetscReal c;

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_FALSE, &t));
  PetscErrorCode code = find_constant(r, &t, &c);
  if (!code) code = MuStudyTakeTimes(s, &t);
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
  PetscCall(build_first(s, r));
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) r->names[k] = MuTrialCurveNames[k];
  r->names[CURVE_BOUND] = "bound";
  s->rows = PetscMax(s->count, 1);
  s->extras = s->rows; /* every run once more, refined */
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

/* The window: as given, or the later half of the time in which F is above rounding. */
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
    if (t[k] >= first && t[k] <= last && energy[k] > ROUNDING * energy[0]) {
      x[m] = t[k];
      y[m++] = log(energy[k]);
    }
  MuFit fit = MuFitLine(m, x, y);
  PetscCall(PetscFree2(x, y));
  row[RATE] = -fit.slope;
  row[RATE_STDERR] = fit.stderror;
  row[WINDOW_START] = first;
  row[WINDOW_END] = last;
  row[USED] = m;
  PetscFunctionReturn(0);
}

static void check_bound(PetscInt n, const PetscReal *t, const PetscReal *energy, PetscReal *row) {
  row[EXCESS] = -INFINITY;
  row[WORST_TIME] = 0;
  for (PetscInt k = 0; k < n; ++k) {
    PetscReal excess = log(energy[k] / energy[0]) + row[CONSTANT] * (t[k] - t[0]);
    if (!(t[k] > t[0]) || !(energy[k] > ROUNDING * energy[0]) || excess <= row[EXCESS]) continue;
    row[EXCESS] = excess;
    row[WORST_TIME] = t[k];
  }
}

static PetscErrorCode measure(MuStudy s, MuTrial *t, PetscReal *row, PetscReal *curve) {
  Rate *r = s->data;
  const PetscReal *energy = t->curve[MU_CURVE_ENERGY];

  PetscFunctionBegin;
  PetscCall(MuTrialSolve(t));
  PetscCall(MuStudyKeepCurves(s, t, curve));
  PetscCall(find_constant(r, t, &row[CONSTANT]));
  for (PetscInt k = 0; k < s->times; ++k)
    curve[CURVE_BOUND * s->times + k] = energy[0] * exp(-row[CONSTANT] * (s->time[k] - s->time[0]));
  row[ENERGY_INITIAL] = energy[0];
  row[ENERGY_FINAL] = energy[s->times - 1];
  PetscCall(fit_rate(r, s->times, s->time, energy, row));
  check_bound(s->times, s->time, energy, row);
  PetscFunctionReturn(0);
}

/* The refined run needs the numbers of the plain one: the overrides are made from its parts. */
static PetscErrorCode refine(MuStudy s, MuOverrides *o) {
  MuTrial t;
  PetscBool grid;

  PetscFunctionBegin;
  PetscCall(MuTrialCreate(s->case_path, o, PETSC_FALSE, &t));
  PetscErrorCode code = MuTrialCanRefine(&t, &grid);
  if (!code) code = MuTrialRefine(&t, grid ? 2 : 1, 2, o);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const PetscInt value = i < s->rows ? i : i - s->rows;
  MuOverrides o = {0};
  MuTrial t;
  PetscErrorCode code;

  PetscFunctionBegin;
  row[VALUE] = s->count ? s->values[value] : NAN;
  row[FLOOR] = NAN;
  code = MuStudyOverrides(s, value, &o);
  if (!code && i >= s->rows) code = refine(s, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, &t));
  code = measure(s, &t, row, curve);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

static PetscReal floor_of(MuStudy s, PetscInt i) {
  const PetscReal *plain = MuStudyCurve(s, i, MU_CURVE_ENERGY);
  const PetscReal *fine = MuStudyCurve(s, s->rows + i, MU_CURVE_ENERGY);
  PetscReal worst = 0;
  if (!MuStudyDone(s, s->rows + i)) return NAN;
  for (PetscInt k = 0; k < s->times; ++k)
    if (plain[k] > ROUNDING * plain[0] && fine[k] > ROUNDING * fine[0])
      worst = PetscMax(worst, PetscAbsReal(log((plain[k] / plain[0]) / (fine[k] / fine[0]))));
  return worst;
}

/* The refined run may itself be at fault by as much as it differs, for a scheme of first order. */
static MuStudyVerdict judge_row(MuStudy s, PetscInt i) {
  const Rate *r = s->data;
  const PetscReal *row = MuStudyRow(s, i);
  if (!MuStudyDone(s, i) || isnan(row[FLOOR]) || !(row[USED] >= 3)) return MU_VERDICT_UNDECIDED;
  if (r->decay.theorem == MU_THEOREM_SPECTRAL_GAP && isnan(r->constant)) {
    const PetscReal rate = row[RATE] + 2 * row[RATE_STDERR];
    return rate >= row[CONSTANT] * (1 - GAP_TOLERANCE) ? MU_VERDICT_HOLDS : MU_VERDICT_FAILS;
  }
  return row[EXCESS] <= s->tolerance + 2 * row[FLOOR] ? MU_VERDICT_HOLDS : MU_VERDICT_FAILS;
}

static PetscErrorCode judge(MuStudy s) {
  const Rate *r = s->data;
  PetscInt worst = 0;
  char name[64];

  MuStudyNote(s, "theorem: %s", r->sentence);
  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt i = 0; i < s->rows; ++i) {
    PetscReal *row = MuStudyRow(s, i);
    row[FLOOR] = floor_of(s, i);
    const MuStudyVerdict verdict = judge_row(s, i);
    s->verdict = MuStudyWorse(s->verdict, verdict);
    if (row[EXCESS] > MuStudyRow(s, worst)[EXCESS]) worst = i;
    snprintf(name, sizeof name, s->count ? "rate_%g" : "rate", row[VALUE]);
    MuStudyAddOrder(s, name, row[RATE], row[RATE_STDERR]);
    if (verdict != MU_VERDICT_HOLDS)
      MuStudyNote(s, "%s%.4g: log F exceeds the bound by %.3g at t = %.3g (floor %.1g)",
                  s->count ? "value " : "row ", s->count ? row[VALUE] : 1, row[EXCESS],
                  row[WORST_TIME], row[FLOOR]);
  }
  s->order = MuStudyRow(s, worst)[RATE];
  s->order_stderr = MuStudyRow(s, worst)[RATE_STDERR];
  s->expected = MuStudyRow(s, worst)[CONSTANT];
  return 0;
}

const MuStudyOps MuStudyRate = {.name = "rate",
                                .tolerance = 1e-3,
                                .create = create,
                                .task = task,
                                .judge = judge,
                                .destroy = destroy};
