/* gamma: a parameter goes to its limit, and with it the gradient system (M, F_e, R_e): densities,
   energies, and the two dissipation integrals separately. Sandier and Serfaty, Comm. Pure Appl.
   Math. 57 (2004); Mielke, On evolutionary Gamma-convergence for gradient systems (2016); Zhu and
   Mielke, Kernel approximation of Fisher-Rao gradient flows (2024).

   Every column that is an error has its own floor: the same quantity between the limit flow and the
   limit flow on twice the cells per axis with half the step. */
#include "grid/arrays.h"
#include "study/study_impl.h"

enum {
  VALUE,
  DENSITY_L1,
  DENSITY_HELLINGER,
  ENERGY,
  PRIMAL,
  DUAL,
  DUAL_POTENTIAL,
  BALANCE_DEFECT,
  FLOOR,
  USED,
  DENSITY_W2,
  LIMINF_ENERGY,
  LIMINF_PRIMAL,
  LIMINF_DUAL,
  INITIAL_ENERGY,
  MONOTONE,
  IDENTITY,
  SECOND,
  COLUMNS
};
static const char *const columns[COLUMNS] = {"value",
                                             "density_error_l1",
                                             "density_error_hellinger",
                                             "energy_error",
                                             "dissipation_primal_error",
                                             "dissipation_dual_error",
                                             "dual_potential_error",
                                             "balance_defect",
                                             "floor",
                                             "used_in_fit",
                                             "density_error_w2",
                                             "liminf_energy",
                                             "liminf_primal",
                                             "liminf_dual",
                                             "initial_energy_error",
                                             "dual_potential_gap",
                                             "ridge_identity",
                                             "second_value"};

/* Columns that must vanish, DENSITY_L1 first. */
static const PetscInt errors[] = {DENSITY_L1, DENSITY_HELLINGER, DENSITY_W2, ENERGY, PRIMAL,
                                  DUAL,       DUAL_POTENTIAL};
enum { ERRORS = sizeof errors / sizeof errors[0] };

enum { CURVE_L1 = MU_TRIAL_CURVES, CURVE_HELLINGER, CURVE_W2, CURVE_DUAL_AT_LIMIT, CURVES };
static const char *const extra_curves[] = {"density_error_l1", "density_error_hellinger",
                                           "density_error_w2", "dual_potential_at_limit"};

typedef struct {
  MuOverrides limit; /* the base with the limit */
  MuStudyLimit found;
  MuTrial trial; /* the limit flow */
  Vec *density;  /* [times] of the limit flow */
  MuDiagnostic *w2;
  PetscBool has_w2, refine_grid, has_identity;
  PetscReal *dual; /* [times] R*_0 at the limit's states */
  const char *names[CURVES];
} Gamma;

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode read_limit(MuStudy s, Gamma *g, MuTrial *first) {
  const char *limit = "auto";
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_limit", &limit, &given));
  PetscCall(MuOverridesCopy(&s->base, &g->limit));
  PetscCall(MuStudyFindLimit(s, limit, first, &g->limit, &g->found));
  if (isnan(s->expected) && g->found.order > 0) s->expected = g->found.order;
  PetscCall(MuTrialCanRefine(first, &g->refine_grid));
  g->has_w2 = (PetscBool)(first->info->dim == 1 && !first->info->periodic[0]);
  PetscFunctionReturn(0);
}

/* `auto` would solve a nonlocal transport with the discrete gradient, of order 2, and its local
   limit with implicit Euler, of order 1: the limit then takes the scheme of its approximations. */
static PetscErrorCode choose_scheme(Gamma *g, MuTrial *first) {
  const char *asked = "auto", *scheme;
  PetscBool given, exact;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(first->c, "time_scheme", &asked, &given));
  PetscCall(MuFlowGetScheme(first->flow, &scheme, NULL, NULL));
  PetscCall(MuFlowHasExactBalance(first->flow, &exact));
  if (!strcmp(asked, "auto") && exact)
    PetscCall(MuOverridesSet(&g->limit, "time_scheme", "%s", scheme));
  PetscFunctionReturn(0);
}

static PetscErrorCode build_first(MuStudy s, Gamma *g) {
  MuTrial first;

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_TRUE, &first));
  PetscErrorCode code = read_limit(s, g, &first);
  if (!code) code = choose_scheme(g, &first);
  if (!code) code = MuStudyTakeTimes(s, &first);
  PetscCall(MuTrialDestroy(&first));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  Gamma *g;
  MuTrial limit;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  s->data = g;
  PetscCall(MuStudyCheckValues(s, 2));
  for (PetscInt i = 0; i < s->count; ++i)
    if (!(s->values[i] > 0))
      return MuError(MU_ERR_INPUT,
                     "study_values: %g is not allowed; a parameter that goes to its "
                     "limit 0 is positive",
                     s->values[i]);
  if (s->values[0] < s->values[s->count - 1])
    return MuError(MU_ERR_INPUT,
                   "study_values: %g, ..., %g rise; a gamma study needs values that fall to 0",
                   s->values[0], s->values[s->count - 1]);
  PetscCall(build_first(s, g));
  PetscCall(MuTrialCreate(s->case_path, &g->limit, PETSC_FALSE, &limit)); /* finds mistakes now */
  PetscCall(MuTrialDestroy(&limit));
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) g->names[k] = MuTrialCurveNames[k];
  for (PetscInt k = MU_TRIAL_CURVES; k < CURVES; ++k) g->names[k] = extra_curves[k - CURVE_L1];
  s->rows = s->count;
  s->extras = 2; /* the limit flow itself, and its refinement */
  s->columns = COLUMNS;
  s->column_names = columns;
  s->curves = CURVES;
  s->curve_names = g->names;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Gamma *g = s->data;

  PetscFunctionBegin;
  if (!g) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < s->times; ++k) {
    if (g->density) PetscCall(VecDestroy(&g->density[k]));
    if (g->w2) PetscCall(MuDiagnosticDestroy(&g->w2[k]));
  }
  PetscCall(PetscFree(g->density));
  PetscCall(PetscFree(g->w2));
  PetscCall(PetscFree(g->dual));
  PetscCall(MuTrialDestroy(&g->trial));
  PetscCall(MuOverridesDestroy(&g->limit));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the limit flow */

static PetscErrorCode create_w2(Gamma *g, PetscInt k, Vec rho) {
  Vec log_rho;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(rho, &log_rho));
  PetscCall(VecCopy(rho, log_rho));
  PetscCall(VecGetArray(log_rho, &x));
  MuArrayLogPositive(g->trial.info->local_size, x, x);
  PetscCall(VecRestoreArray(log_rho, &x));
  PetscCall(MuDiagnosticCreate(g->trial.parts->grid, "w2", log_rho, NULL, &g->w2[k]));
  PetscCall(VecDestroy(&log_rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode keep(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Gamma *g = ctx;

  PetscFunctionBegin;
  (void)t;
  PetscCall(VecDuplicate(rho, &g->density[k]));
  PetscCall(VecCopy(rho, g->density[k]));
  if (g->has_w2) PetscCall(create_w2(g, k, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare(MuStudy s) {
  Gamma *g = s->data;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(s->times, &g->density));
  PetscCall(PetscCalloc1(s->times, &g->w2));
  PetscCall(PetscCalloc1(s->times, &g->dual));
  PetscCall(MuTrialCreate(s->case_path, &g->limit, PETSC_TRUE, &g->trial));
  g->trial.output = keep;
  g->trial.ctx = g;
  PetscCall(MuTrialSolve(&g->trial));
  for (PetscInt k = 0; k < s->times; ++k)
    PetscCall(MuLedgerDual(g->trial.ledger, g->density[k], &g->dual[k]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one value */

typedef struct {
  Gamma *g;
  PetscReal *row, *curve;
  PetscInt times;
  PetscBool refined;
  Vec coarse; /* NULL: the trial has the limit's grid */
} Comparison;

/* NaN stays. */
static void raise_to(PetscReal *most, PetscReal value) {
  if (isnan(value) || value > *most) *most = value;
}

/* Densities at one output time. */
static PetscErrorCode compare_density(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Comparison *c = ctx;
  Gamma *g = c->g;
  const MuGridInfo *info = g->trial.info;
  PetscReal *l1 = c->curve + CURVE_L1 * c->times + k;
  PetscReal *hellinger = c->curve + CURVE_HELLINGER * c->times + k;
  PetscReal *w2 = c->curve + CURVE_W2 * c->times + k;

  PetscFunctionBegin;
  if (c->refined)
    PetscCall(MuLedgerDual(t->ledger, rho, c->curve + CURVE_DUAL_AT_LIMIT * c->times + k));
  if (c->coarse) {
    PetscCall(MuTransferRestrict(t->info, rho, info, c->coarse));
    rho = c->coarse;
  }
  PetscCall(MuGridDistanceL1(g->trial.parts->grid, rho, g->density[k], l1));
  PetscCall(MuTransferHellinger(info, rho, g->density[k], hellinger));
  *w2 = NAN;
  if (g->has_w2) PetscCall(MuDiagnosticEvaluate(g->w2[k], rho, w2));
  raise_to(&c->row[DENSITY_L1], *l1);
  raise_to(&c->row[DENSITY_HELLINGER], *hellinger);
  if (g->has_w2) raise_to(&c->row[DENSITY_W2], *w2);
  PetscFunctionReturn(0);
}

/* Energies and the two dissipation integrals at every output time, with their sign. */
static void compare_curves(Comparison *c, MuTrial *t) {
  static const PetscInt error[] = {ENERGY, PRIMAL, DUAL};
  static const PetscInt sign[] = {LIMINF_ENERGY, LIMINF_PRIMAL, LIMINF_DUAL};
  static const PetscInt of[] = {MU_CURVE_ENERGY, MU_CURVE_PRIMAL_INTEGRAL, MU_CURVE_DUAL_INTEGRAL};
  for (int q = 0; q < 3; ++q) {
    c->row[sign[q]] = INFINITY;
    for (PetscInt k = 0; k < c->times; ++k) {
      PetscReal d = t->curve[of[q]][k] - c->g->trial.curve[of[q]][k];
      raise_to(&c->row[error[q]], PetscAbsReal(d));
      c->row[sign[q]] = PetscMin(c->row[sign[q]], d);
    }
  }
  c->row[INITIAL_ENERGY] = t->curve[MU_CURVE_ENERGY][0] - c->g->trial.curve[MU_CURVE_ENERGY][0];
  c->row[BALANCE_DEFECT] = t->worst_defect;
}

/* R*_e at the limit flow's states; of the refined limit flow it is known already, at its own. */
static PetscErrorCode compare_dual(Comparison *c, MuTrial *t) {
  PetscReal gap = INFINITY, *dual = c->curve + CURVE_DUAL_AT_LIMIT * c->times;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < c->times; ++k) {
    if (!c->refined) PetscCall(MuLedgerDual(t->ledger, c->g->density[k], &dual[k]));
    raise_to(&c->row[DUAL_POTENTIAL], PetscAbsReal(dual[k] - c->g->dual[k]));
    gap = PetscMin(gap, c->g->dual[k] - dual[k]);
  }
  c->row[MONOTONE] = gap;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ tasks */

static PetscErrorCode compare(MuStudy s, MuTrial *t, PetscBool refined, PetscReal *row,
                              PetscReal *curve) {
  Gamma *g = s->data;
  Comparison c = {.g = g, .row = row, .curve = curve, .times = s->times, .refined = refined};
  PetscErrorCode code;

  PetscFunctionBegin;
  if (refined && t->info->local_size != g->trial.info->local_size)
    PetscCall(MuGridCreateField(g->trial.parts->grid, &c.coarse));
  for (PetscInt e = 0; e < ERRORS; ++e) row[errors[e]] = 0;
  if (!g->has_w2) row[DENSITY_W2] = NAN;
  t->output = compare_density;
  t->ctx = &c;
  code = MuTrialSolve(t);
  t->ctx = NULL;
  if (!code) compare_curves(&c, t);
  if (!code) code = MuStudyKeepCurves(s, t, curve);
  if (!code) code = compare_dual(&c, t);
  if (!code && !refined) code = MuStudyRidgeIdentity(t, s->times, g->density, &row[IDENTITY]);
  PetscCall(VecDestroy(&c.coarse));
  PetscFunctionReturn(code);
}

static PetscErrorCode record_limit(MuStudy s, PetscReal *row, PetscReal *curve) {
  Gamma *g = s->data;
  Comparison c = {.g = g, .row = row, .curve = curve, .times = s->times};

  PetscFunctionBegin;
  for (PetscInt e = 0; e < ERRORS; ++e) row[errors[e]] = 0;
  compare_curves(&c, &g->trial);
  PetscCall(MuStudyKeepCurves(s, &g->trial, curve));
  memcpy(curve + CURVE_DUAL_AT_LIMIT * s->times, g->dual, sizeof(PetscReal) * (size_t)s->times);
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  Gamma *g = s->data;
  MuOverrides o = {0};
  MuTrial t;
  PetscErrorCode code;
  const PetscBool refined = (PetscBool)(i == s->rows + 1);

  PetscFunctionBegin;
  row[FLOOR] = row[USED] = NAN;
  row[VALUE] = i < s->rows ? s->values[i] : 0;
  row[SECOND] = i < s->rows ? MuStudyJoint(s, i) : 0;
  if (i == s->rows) {
    PetscCall(record_limit(s, row, curve));
    PetscFunctionReturn(0);
  }
  code = refined ? MuOverridesCopy(&g->limit, &o) : MuStudyOverrides(s, i, &o);
  if (!code && refined) code = MuTrialRefine(&g->trial, g->refine_grid ? 2 : 1, 2, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, &t));
  code = compare(s, &t, refined, row, curve);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* Order of every error. The density must have the claimed order; energies, dissipation integrals
   and dual potentials must converge, with half of it, or have come down to their floor. */
static void judge_orders(MuStudy s) {
  const PetscReal *floors = MuStudyRow(s, s->rows + 1);
  const PetscReal claim = isnan(s->expected) ? 0.25 : s->expected - s->tolerance;
  PetscBool use[MU_MAX_VALUES];

  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt e = 0; e < ERRORS; ++e) {
    const PetscInt column = errors[e];
    if (isnan(floors[column])) continue;
    MuFit fit = MuStudyFit(s, 0, column, PETSC_FALSE, &floors[column], 0, use);
    MuStudyVerdict verdict = MuStudyJudgeFit(&fit, e == 0 ? claim : claim / 2, s->tolerance);
    const PetscReal last = MuStudyRow(s, s->rows - 1)[column];
    if (e > 0 && fit.points < 3 && last <= MU_FLOOR_FACTOR * floors[column])
      verdict = MU_VERDICT_HOLDS;
    MuStudyAddOrder(s, columns[column], fit.slope, fit.stderror);
    if (e == 0) {
      MuStudyTakeOrder(s, &fit);
      for (PetscInt i = 0; i < s->rows; ++i) MuStudyRow(s, i)[USED] = use[i];
      if (fit.points < 3)
        MuStudyNote(s, "only %d rows lie a factor %d above the floor %.3g; three are needed",
                    (int)fit.points, MU_FLOOR_FACTOR, floors[column]);
    }
    if (verdict != MU_VERDICT_HOLDS)
      MuStudyNote(s, "%s: order %.2f +- %.2f from %d rows where %.2f is %s", columns[column],
                  fit.slope, fit.stderror, (int)fit.points, e == 0 ? claim : claim / 2,
                  e == 0 ? "claimed" : "needed");
    s->verdict = MuStudyWorse(s->verdict, verdict);
  }
}

/* R*_lambda rises as lambda falls, up to the tolerance of the ridge solves. */
static void judge_ridge(MuStudy s) {
  const Gamma *g = s->data;
  const PetscReal slack = 1e-7;
  PetscReal worst = 0, identity = NAN;

  if (!g->found.ridge) return;
  for (PetscInt i = 0; i < s->rows; ++i) {
    if (!MuStudyDone(s, i)) return;
    const PetscInt next = i + 1 < s->rows ? i + 1 : s->rows; /* then the limit itself */
    const PetscReal *lower = MuStudyCurve(s, i, CURVE_DUAL_AT_LIMIT);
    const PetscReal *upper = MuStudyCurve(s, next, CURVE_DUAL_AT_LIMIT);
    for (PetscInt k = 0; k < s->times; ++k)
      worst = PetscMax(worst, (lower[k] - upper[k]) / PetscMax(upper[k], 1e-300));
    if (!isnan(MuStudyRow(s, i)[IDENTITY])) identity = fmax(identity, MuStudyRow(s, i)[IDENTITY]);
  }
  if (s->varied == 1) {
    MuStudyNote(s, "R* rises to its limit as the ridge falls: %s (largest fall %.1e of R*)",
                worst <= slack ? "yes" : "NO", worst);
    if (worst > slack) s->verdict = MU_VERDICT_FAILS;
  }
  if (isnan(identity)) return; /* of transport: not checked */
  MuStudyNote(s, "missed dissipation = regression loss, identity (2): largest defect %.1e",
              identity);
  if (identity > 1e-6) s->verdict = MU_VERDICT_FAILS;
}

/* The signed differences at the smallest value; lower semicontinuity allows a negative one only as
   far as it vanishes. */
static void note_liminf(MuStudy s) {
  const PetscReal *last = MuStudyRow(s, s->rows - 1);
  MuStudyNote(
      s,
      "liminf inequalities at the last value, smallest over time: energy %+.3g, primal %+.3g, "
      "dual %+.3g; well-preparedness F_e(mu_0) - F_0(mu_0) = %+.3g",
      last[LIMINF_ENERGY], last[LIMINF_PRIMAL], last[LIMINF_DUAL], last[INITIAL_ENERGY]);
}

static PetscErrorCode judge(MuStudy s) {
  Gamma *g = s->data;

  MuStudyNote(s, "limit: %s", g->found.what);
  if (!MuStudyDone(s, s->rows + 1)) {
    s->verdict = MU_VERDICT_UNDECIDED;
    MuStudyNote(s, "the floor could not be had: %s", s->status[s->rows + 1]);
    return 0;
  }
  if (!g->refine_grid) MuStudyNote(s, "the floor is that of the step alone: the grid has a shape");
  for (PetscInt i = 0; i < s->rows; ++i)
    MuStudyRow(s, i)[FLOOR] = MuStudyRow(s, s->rows + 1)[DENSITY_L1];
  judge_orders(s);
  judge_ridge(s);
  note_liminf(s);
  return 0;
}

const MuStudyOps MuStudyGamma = {.name = "gamma",
                                 .tolerance = 0.25,
                                 .create = create,
                                 .prepare = prepare,
                                 .task = task,
                                 .judge = judge,
                                 .destroy = destroy};
