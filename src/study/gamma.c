/* gamma: a parameter goes to its limit, and with it the gradient system (M, F_e, R_e): densities,
   energies, and the two dissipation integrals separately. Sandier and Serfaty, Comm. Pure Appl.
   Math. 57 (2004); Mielke, On evolutionary Gamma-convergence for gradient systems (2016); Zhu and
   Mielke, Kernel approximation of Fisher-Rao gradient flows (2024).

   Every row has two companions, on half the cells and with twice the step, which are compared with
   the limit flow on the same grid and with the same step: the orders of their errors tell what grid
   and step make of the order. */
#include "study/gamma_impl.h"

static const char *const columns[MU_GAMMA_COLUMNS] = {"value",
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

static const char *const extra_curves[] = {"density_error_l1", "density_error_hellinger",
                                           "density_error_w2", "dual_potential_at_limit"};

/* ------------------------------------------------------------------ what is asked */

/* The error whose order is claimed; the others have half of it. */
static PetscErrorCode read_leading(MuStudy s, MuGamma *g) {
  const char *name = columns[MU_GAMMA_DENSITY_L1];
  char all[512] = "";
  PetscBool given;
  PetscInt count;
  const PetscInt *errors = MuGammaErrors(&count);

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_of", &name, &given));
  g->leading = -1;
  for (PetscInt e = 0; e < count; ++e) {
    if (!strcmp(columns[errors[e]], name)) g->leading = errors[e];
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", e ? ", " : "",
             columns[errors[e]]);
  }
  if (g->leading < 0)
    return MuError(MU_ERR_INPUT, "study_of: %s is no error of a gamma study; they are %s", name,
                   all);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_limit(MuStudy s, MuGamma *g, MuTrial *first) {
  const char *limit = "auto";
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_limit", &limit, &given));
  PetscCall(MuOverridesCopy(&s->base, &g->limit));
  PetscCall(MuStudyFindLimit(s, limit, first, &g->limit, &g->found));
  if (isnan(s->expected) && g->found.order > 0) s->expected = g->found.order;
  if (isnan(s->expected)) {
    s->expected = 0.25;
    s->tolerance = 0;
  }
  PetscCall(MuStudyCheckThreshold(s->expected, s->tolerance));
  g->has_w2 = (PetscBool)(first->info->dim == 1 && !first->info->periodic[0]);
  PetscFunctionReturn(0);
}

/* `auto` would solve a nonlocal transport with the discrete gradient, of order 2, and its local
   limit with implicit Euler, of order 1: the limit then takes the scheme of its approximations. */
static PetscErrorCode choose_scheme(MuGamma *g, MuTrial *first) {
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

static PetscErrorCode build_first(MuStudy s, MuGamma *g) {
  MuTrial first;

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_TRUE, &first));
  PetscErrorCode code = read_limit(s, g, &first);
  if (!code) code = choose_scheme(g, &first);
  if (!code) code = MuStudyTakeTimes(s, &first);
  s->rows = s->count;
  s->extras = 1; /* the limit flow itself */
  if (!code) code = MuStudyPlaceCompanions(s, &first, g->companion);
  PetscCall(MuTrialDestroy(&first));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  MuGamma *g;
  MuTrial limit;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  s->data = g;
  PetscCall(read_leading(s, g));
  PetscCall(MuStudyCheckVanishing(s));
  PetscCall(build_first(s, g));
  PetscCall(MuTrialCreate(s->group, s->case_path, &g->limit, PETSC_FALSE,
                          &limit)); /* finds mistakes now */
  PetscCall(MuTrialDestroy(&limit));
  for (PetscInt k = 0; k < MU_TRIAL_CURVES; ++k) g->names[k] = MuTrialCurveNames[k];
  for (PetscInt k = MU_TRIAL_CURVES; k < MU_GAMMA_CURVES; ++k)
    g->names[k] = extra_curves[k - MU_TRIAL_CURVES];
  MuStudySetTable(s, MU_GAMMA_COLUMNS, columns, MU_GAMMA_CURVES, g->names);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  MuGamma *g = s->data;

  PetscFunctionBegin;
  if (!g) PetscFunctionReturn(0);
  PetscCall(MuGammaDestroyLimits(g));
  PetscCall(MuOverridesDestroy(&g->limit));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ tasks */

static PetscErrorCode prepare(MuStudy s) {
  return MuGammaSolveLimit(s, 0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const MuGamma *g = s->data;
  PetscInt value;
  const PetscInt level = MuStudyLevelOf(g->companion, i, &value);
  MuOverrides o = {0};
  MuTrial t;
  PetscErrorCode code;

  PetscFunctionBegin;
  row[MU_GAMMA_FLOOR] = row[MU_GAMMA_USED] = row[MU_GAMMA_IDENTITY] = NAN;
  if (i == s->rows) {
    PetscCall(MuGammaRecordLimit(s, row, curve));
    PetscFunctionReturn(0);
  }
  row[MU_GAMMA_VALUE] = s->values[value];
  row[MU_GAMMA_SECOND] = MuStudyJoint(s, value);
  PetscCall(MuGammaSolveLimit(s, level));
  code = MuStudyOverrides(s, value, &o);
  if (!code && level) code = MuStudyCoarsen(s, (int)level - 1, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, &t));
  code = MuGammaCompare(s, &t, level, row, curve);
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* What an error column is compared with: mass, energy that the limit loses, its largest R*. */
static PetscReal scale_of(MuStudy s, PetscInt column) {
  const PetscReal *energy = MuStudyCurve(s, s->rows, MU_CURVE_ENERGY);
  const PetscReal *mass = MuStudyCurve(s, s->rows, MU_CURVE_MASS);
  const PetscReal *dual = MuStudyCurve(s, s->rows, MU_GAMMA_CURVE_DUAL);
  PetscReal most = 0;

  switch (column) {
  case MU_GAMMA_DENSITY_L1:
    return mass[0];
  case MU_GAMMA_DENSITY_HELLINGER:
    return sqrt(mass[0]);
  case MU_GAMMA_DENSITY_W2:
    return MuStudyRow(s, 0)[column];
  case MU_GAMMA_DUAL_POTENTIAL:
    for (PetscInt k = 0; k < s->times; ++k) most = PetscMax(most, dual[k]);
    return most;
  default:
    return PetscAbsReal(energy[0] - energy[s->times - 1]);
  }
}

/* A column that has come down to what grid and step make of it has no order: it must then be small.
 */
static void claim_smallness(MuStudy s, PetscInt column, PetscReal floor, MuClaim *c) {
  const PetscReal scale = scale_of(s, column);
  const PetscReal last = PetscAbsReal(MuStudyRow(s, s->rows - 1)[column]);
  MuClaim small = {.claimed = 0, .tolerance = 1e-3};

  if (!(last <= MU_FLOOR_FACTOR * floor)) return;
  snprintf(small.name, sizeof small.name, "%.60s over its scale, negative", columns[column]);
  small.observed = -last / scale;
  small.error[MU_FROM_GRID] = floor / scale;
  if (MuClaimVerdict(&small) == MU_VERDICT_HOLDS) *c = small;
}

/* A column that must vanish, with the claimed order or, if it does not lead, half of it. */
static MuClaim claim_column(MuStudy s, PetscInt column, PetscInt *points) {
  const MuGamma *g = s->data;
  const PetscBool leads = (PetscBool)(column == g->leading);
  const PetscReal part = leads ? 1 : 0.5;
  MuClaim c = {.claimed = part * s->expected, .tolerance = part * s->tolerance};
  MuStudySeries series = {
      .column = column, .rounding = 1e-14 * scale_of(s, column), .inverse = g->found.rises};
  PetscReal floor[MU_MAX_VALUES];
  PetscBool use[MU_MAX_VALUES];

  snprintf(c.name, sizeof c.name, "order of %s", columns[column]);
  for (int k = 0; k < MU_COMPANIONS; ++k) series.companion[k] = g->companion[k];
  MuStudyClaimOrder(s, &series, &c, floor, use);
  if (g->companion[MU_FROM_GRID] < 0 && !s->bare)
    MuClaimDoubt(&c, "the grid has a shape of its own (a mask, densities of given cells), so that "
                     "what half the cells would change is not known");
  MuStudyAddClaim(s, columns[column], &c);
  *points = 0;
  for (PetscInt i = 0; i < s->rows; ++i) {
    *points += use[i] ? 1 : 0;
    if (!leads) continue;
    MuStudyRow(s, i)[MU_GAMMA_FLOOR] = floor[i];
    MuStudyRow(s, i)[MU_GAMMA_USED] = use[i];
  }
  if (leads)
    MuStudyTakeClaim(s, &c);
  else if (*points < 3)
    claim_smallness(s, column, floor[s->rows - 1], &c);
  return c;
}

/* Order of every error: the leading one, the density, must have the claimed one; energies (at the
   start too: the data are well prepared), dissipation integrals and dual potentials half of it, or
   be as small as grid and step let them. */
static void judge_orders(MuStudy s) {
  PetscInt count, points;
  const PetscInt *errors = MuGammaErrors(&count);

  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt e = 0; e < count; ++e) {
    PetscReal most = 0;
    for (PetscInt i = 0; i < s->rows; ++i)
      most = fmax(most, PetscAbsReal(MuStudyRow(s, i)[errors[e]]));
    if (isnan(MuStudyRow(s, 0)[errors[e]])) continue;
    if (errors[e] == MU_GAMMA_INITIAL_ENERGY && most <= 1e-14 * scale_of(s, errors[e])) continue;
    const MuClaim c = claim_column(s, errors[e], &points);
    MuStudyJudge(s, &c);
  }
}

/* R*_lambda rises as lambda falls, up to the tolerance of the ridge solves. */
static void judge_ridge(MuStudy s) {
  const MuGamma *g = s->data;
  const PetscReal slack = 1e-7;
  PetscReal worst = 0, identity = NAN;

  if (!g->found.ridge) return;
  for (PetscInt i = 0; i < s->rows; ++i) {
    if (!MuStudyDone(s, i)) return;
    const PetscInt next = i + 1 < s->rows ? i + 1 : s->rows; /* then the limit itself */
    const PetscReal *lower = MuStudyCurve(s, i, MU_GAMMA_CURVE_DUAL);
    const PetscReal *upper = MuStudyCurve(s, next, MU_GAMMA_CURVE_DUAL);
    for (PetscInt k = 0; k < s->times; ++k)
      worst = PetscMax(worst, (lower[k] - upper[k]) / PetscMax(upper[k], 1e-300));
    if (!isnan(MuStudyRow(s, i)[MU_GAMMA_IDENTITY]))
      identity = fmax(identity, MuStudyRow(s, i)[MU_GAMMA_IDENTITY]);
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
      last[MU_GAMMA_LIMINF_ENERGY], last[MU_GAMMA_LIMINF_PRIMAL], last[MU_GAMMA_LIMINF_DUAL],
      last[MU_GAMMA_INITIAL_ENERGY]);
}

static PetscErrorCode judge(MuStudy s) {
  MuGamma *g = s->data;

  MuStudyNote(s, "limit: %s", g->found.what);
  judge_orders(s);
  judge_ridge(s);
  note_liminf(s);
  return 0;
}

const MuStudyOps MuStudyGamma = {.name = "gamma",
                                 .held = 4, /* its own and the limit's, with companions */
                                 .tolerance = 0.25,
                                 .create = create,
                                 .prepare = prepare,
                                 .task = task,
                                 .judge = judge,
                                 .destroy = destroy};
