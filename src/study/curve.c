/* curve: int R_e(mu, mu') + R*_e(mu, -DF_e(mu)) dt along a prescribed curve, against the limit's,
   as the parameter e vanishes. Along a flow's own solution the two integrals add up to the lost
   energy by themselves; along a prescribed curve nothing holds by itself. Two sequences of curves
   are tried: the curve itself, for which the integrals must converge, each by itself, so that it is
   a recovery sequence; and the curve with oscillations of wavelength and amplitude that vanish with
   e, for which the sum must not fall below the limit's: the liminf inequality of Sandier and
   Serfaty (2004), Mielke (2016).

   R is computed from the velocity alone, v = (mu_(k+1) - mu_k)/dt at the midpoint of every piece.
   The companions of a row have half the cells, and half the pieces. */
#include "facts/facts.h"
#include "study/path.h"
#include "study/two.h"

enum {
  VALUE,
  TOTAL_ERROR,
  PRIMAL_ERROR,
  DUAL_ERROR,
  TOTAL,
  LIMIT,
  EXCESS,
  OSCILLATING,
  FLOOR,
  USED,
  PRIMAL_LIMIT,
  DUAL_LIMIT,
  SECOND,
  COLUMNS
};
static const char *const columns[COLUMNS] = {
    "value",        "total_error", "primal_error",       "dual_error", "total",
    "limit_total",  "excess",      "oscillating_excess", "floor",      "used_in_fit",
    "primal_limit", "dual_limit",  "second_value"};
enum { CURVE_PRIMAL, CURVE_DUAL, CURVE_PRIMAL_LIMIT, CURVE_DUAL_LIMIT, CURVES };
static const char *const curves[CURVES] = {"dissipation_primal", "dissipation_dual", "limit_primal",
                                           "limit_dual"};

/* Oscillations of the first row: waves in the box, amplitude. */
#define WAVES     4
#define AMPLITUDE 0.2

typedef struct {
  MuPathSpec path;
  MuOverrides limit;
  MuStudyLimit found;
  PetscBool conserve;
  PetscInt leading; /* the error whose order is claimed; the others have half of it */
  PetscInt companion[MU_COMPANIONS];
} Curve;

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode read_path(MuStudy s, Curve *q) {
  static const char *const words[] = {"geodesic", "linear", "translation", "run", NULL};
  PetscInt kind = MU_PATH_GEODESIC;
  PetscBool given, shift, run;

  PetscFunctionBegin;
  q->path = (MuPathSpec){.pieces = 64};
  PetscCall(MuCaseGetChoice(s->file, "study_curve", words, &kind, &given));
  PetscCall(MuCaseGetInt(s->file, "study_pieces", &q->path.pieces, &given));
  PetscCall(MuCaseGetReal(s->file, "study_shift", &q->path.shift, &shift));
  PetscCall(MuCaseGetString(s->file, "study_directory", &q->path.run, &run));
  q->path.kind = (MuPathKind)kind;
  if (q->path.pieces < 4 || q->path.pieces % 2)
    return MuError(MU_ERR_INPUT,
                   "study_pieces: %d is not allowed; an even number from 4 on is needed",
                   (int)q->path.pieces);
  if (shift != (kind == MU_PATH_TRANSLATION))
    return MuError(MU_ERR_INPUT, "study_shift: belongs to study_curve translation, which needs it");
  if (run != (kind == MU_PATH_RUN))
    return MuError(MU_ERR_INPUT, "study_directory: belongs to study_curve run, which needs it");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_leading(MuStudy s, Curve *q) {
  const char *name = columns[TOTAL_ERROR];
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_of", &name, &given));
  q->leading = -1;
  for (PetscInt k = TOTAL_ERROR; k <= DUAL_ERROR; ++k)
    if (!strcmp(columns[k], name)) q->leading = k;
  if (q->leading < 0)
    return MuError(MU_ERR_INPUT,
                   "study_of: %s is no error of a curve study; they are total_error, primal_error, "
                   "dual_error",
                   name);
  PetscFunctionReturn(0);
}

/* Whether R is known from a velocity alone. */
static PetscErrorCode check_primal(const MuTrial *t) {
  MuPrimalMethod method;
  const char *sentence;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetPrimalMethod(t->parts->geometry, &method, &sentence));
  if (method == MU_PRIMAL_IDENTITY)
    return MuError(MU_ERR_INPUT,
                   "study_type: curve needs R from the velocity alone, and here there is none "
                   "(%s); kernels whose inverse is tame, bessel and matern with reflect or "
                   "periodic, have one",
                   sentence);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_limit(MuStudy s, Curve *q, MuTrial *first) {
  const char *limit = "auto";
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuSystem system;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_limit", &limit, &given));
  PetscCall(MuOverridesCopy(&s->base, &q->limit));
  PetscCall(MuStudyFindLimit(s, limit, first, &q->limit, &q->found));
  if (isnan(s->expected) && q->found.order > 0) s->expected = q->found.order;
  if (isnan(s->expected)) {
    s->expected = 0.25;
    s->tolerance = 0;
  }
  PetscCall(MuStudyCheckThreshold(s->expected, s->tolerance));
  PetscCall(MuGeometryGetSpec(first->parts->geometry, &g));
  PetscCall(MuEnergyGetSpec(first->parts->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  q->conserve = MuSystemConservesMass(&system);
  PetscFunctionReturn(0);
}

/* The curve on the grid of the trial, on a level. */
static PetscErrorCode create_path(MuStudy s, PetscInt value, PetscInt level, const MuTrial *t,
                                  MuPath *path) {
  const Curve *q = s->data;
  const PetscBool ends =
      (PetscBool)(q->path.kind == MU_PATH_GEODESIC || q->path.kind == MU_PATH_LINEAR);
  const PetscInt grid = level == 1 + MU_FROM_GRID ? level : 0;
  MuTwo two;

  PetscFunctionBegin;
  if (ends) PetscCall(MuTwoCreate(s, value, grid, PETSC_FALSE, &two));
  PetscErrorCode code =
      MuPathCreate(&q->path, t, ends ? two.trial[0].parts->initial : t->parts->initial,
                   ends ? two.trial[1].parts->initial : NULL,
                   (PetscBool)(level == 1 + MU_FROM_STEP), q->conserve, path);
  if (ends) PetscCall(MuTwoDestroy(&two));
  PetscFunctionReturn(code);
}

static PetscErrorCode build_first(MuStudy s, Curve *q) {
  MuTrial first;
  MuPath path = {0};

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_TRUE, &first));
  PetscErrorCode code = check_primal(&first);
  if (!code) code = read_limit(s, q, &first);
  if (!code) code = create_path(s, 0, 0, &first, &path);
  if (!code) {
    s->times = path.points - 1;
    code = PetscMalloc1(s->times, &s->time);
    for (PetscInt k = 0; k < s->times; ++k) s->time[k] = 0.5 * (path.time[k] + path.time[k + 1]);
    PetscCall(MuPathDestroy(&path));
  }
  s->rows = s->count;
  if (!code) code = MuStudyPlaceCompanions(s, &first, q->companion);
  PetscCall(MuTrialDestroy(&first));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  Curve *q;
  MuTrial limit;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  s->data = q;
  PetscCall(read_path(s, q));
  PetscCall(read_leading(s, q));
  PetscCall(MuStudyCheckVanishing(s));
  if (s->count < 3)
    return MuError(MU_ERR_INPUT, "study_values: has %d values; at least 3 are needed",
                   (int)s->count);
  PetscCall(build_first(s, q));
  PetscCall(MuTrialCreate(s->group, s->case_path, &q->limit, PETSC_TRUE,
                          &limit)); /* finds mistakes now */
  PetscErrorCode code = check_primal(&limit);
  PetscCall(MuTrialDestroy(&limit));
  PetscCall(code);
  MuStudySetTable(s, COLUMNS, columns, CURVES, curves);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Curve *q = s->data;

  PetscFunctionBegin;
  if (!q) PetscFunctionReturn(0);
  PetscCall(MuOverridesDestroy(&q->limit));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the integrals */

/* R and R* of every piece, and their integrals. */
typedef struct {
  PetscReal *primal, *dual; /* [pieces] */
  PetscReal primal_integral, dual_integral;
} Integrals;

/* R(mid, v) and R*(mid, -DF) of one piece. */
static PetscErrorCode measure_piece(MuTrial *t, Vec mid, Vec v, PetscReal *primal,
                                    PetscReal *dual) {
  MuGeometry geometry;
  Vec df;

  PetscFunctionBegin;
  PetscCall(MuFlowGetParts(t->flow, NULL, NULL, &geometry));
  PetscCall(MuLedgerDual(t->ledger, mid, dual));
  PetscCall(VecDuplicate(mid, &df));
  PetscCall(MuEnergyEvaluate(t->parts->energy, mid, NULL, NULL, df, NULL));
  PetscCall(MuGeometrySetDirection(geometry, df));
  PetscCall(MuGeometrySetState(geometry, mid));
  PetscErrorCode code = MuGeometryPrimal(geometry, v, NULL, NULL, primal);
  PetscCall(VecDestroy(&df));
  PetscFunctionReturn(code);
}

static PetscErrorCode integrate(MuTrial *t, const MuPath *path, Integrals *in) {
  Vec mid, v;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(path->points, &in->primal));
  PetscCall(PetscCalloc1(path->points, &in->dual));
  PetscCall(VecDuplicate(path->state[0], &mid));
  PetscCall(VecDuplicate(path->state[0], &v));
  PetscErrorCode code = 0;
  for (PetscInt k = 0; k + 1 < path->points && !code; ++k) {
    const PetscReal dt = path->time[k + 1] - path->time[k];
    PetscCall(VecWAXPY(v, -1, path->state[k], path->state[k + 1]));
    PetscCall(VecWAXPY(mid, 0.5, v, path->state[k]));
    PetscCall(VecScale(v, 1 / dt));
    code = measure_piece(t, mid, v, &in->primal[k], &in->dual[k]);
    in->primal_integral += dt * in->primal[k];
    in->dual_integral += dt * in->dual[k];
  }
  PetscCall(VecDestroy(&mid));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(code);
}

static PetscErrorCode free_integrals(Integrals *in) {
  PetscFunctionBegin;
  PetscCall(PetscFree(in->primal));
  PetscCall(PetscFree(in->dual));
  PetscFunctionReturn(0);
}

/* Every state times 1 + amplitude cos(2 pi waves x/L), and the mass that it had if it is to have
 * it.
 */
static PetscErrorCode oscillate(const MuTrial *t, PetscInt waves, PetscReal amplitude,
                                PetscBool conserve, MuPath *path) {
  const PetscReal length = t->info->upper[0] - t->info->lower[0];
  PetscReal *rho, x[2], before, after;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < path->points; ++k) {
    PetscCall(MuGridIntegrate(t->parts->grid, path->state[k], &before));
    PetscCall(VecGetArray(path->state[k], &rho));
    for (PetscInt i = 0; i < t->info->local_size; ++i) {
      PetscCall(MuGridCellCentre(t->parts->grid, i, x));
      rho[i] *= 1 + amplitude *
                        cos(2 * PETSC_PI * (PetscReal)waves * (x[0] - t->info->lower[0]) / length);
    }
    PetscCall(VecRestoreArray(path->state[k], &rho));
    PetscCall(MuGridIntegrate(t->parts->grid, path->state[k], &after));
    if (conserve) PetscCall(VecScale(path->state[k], before / after));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one row */

/* How far one value is from the limit, over another. */
static PetscReal smallness(const Curve *q, PetscReal value, PetscReal other) {
  return q->found.rises ? other / value : value / other;
}

static PetscErrorCode compare(MuStudy s, PetscInt value, PetscInt level, MuTrial *t, MuTrial *limit,
                              PetscReal *row, PetscReal *curve) {
  const Curve *q = s->data;
  const PetscReal part = smallness(q, s->values[value], s->values[0]);
  Integrals own = {0}, of_limit = {0}, oscillating = {0};
  MuPath path;

  PetscFunctionBegin;
  PetscCall(create_path(s, value, level, t, &path));
  PetscErrorCode code = integrate(t, &path, &own);
  if (!code) code = integrate(limit, &path, &of_limit);
  const PetscInt waves = PetscMin((PetscInt)(WAVES / part), t->info->cells[0] / 8);
  if (!code) code = oscillate(t, waves, AMPLITUDE * part, q->conserve, &path);
  if (!code) code = integrate(t, &path, &oscillating);
  for (PetscInt k = 0; k < CURVES * s->times; ++k) curve[k] = NAN;
  for (PetscInt k = 0; k + 1 < path.points && path.points == s->times + 1 && !code; ++k) {
    curve[CURVE_PRIMAL * s->times + k] = own.primal[k];
    curve[CURVE_DUAL * s->times + k] = own.dual[k];
    curve[CURVE_PRIMAL_LIMIT * s->times + k] = of_limit.primal[k];
    curve[CURVE_DUAL_LIMIT * s->times + k] = of_limit.dual[k];
  }
  row[TOTAL] = own.primal_integral + own.dual_integral;
  row[LIMIT] = of_limit.primal_integral + of_limit.dual_integral;
  row[EXCESS] = (row[TOTAL] - row[LIMIT]) / row[LIMIT];
  row[OSCILLATING] =
      (oscillating.primal_integral + oscillating.dual_integral - row[LIMIT]) / row[LIMIT];
  row[TOTAL_ERROR] = PetscAbsReal(row[TOTAL] - row[LIMIT]);
  row[PRIMAL_ERROR] = PetscAbsReal(own.primal_integral - of_limit.primal_integral);
  row[DUAL_ERROR] = PetscAbsReal(own.dual_integral - of_limit.dual_integral);
  row[PRIMAL_LIMIT] = of_limit.primal_integral;
  row[DUAL_LIMIT] = of_limit.dual_integral;
  PetscCall(free_integrals(&own));
  PetscCall(free_integrals(&of_limit));
  PetscCall(free_integrals(&oscillating));
  PetscCall(MuPathDestroy(&path));
  PetscFunctionReturn(code);
}

static PetscErrorCode build(MuStudy s, const MuOverrides *from, PetscInt level, MuTrial *t) {
  MuOverrides o = {0};

  PetscFunctionBegin;
  PetscErrorCode code = MuOverridesCopy(from, &o);
  if (!code && level == 1 + MU_FROM_GRID) code = MuStudyCoarsen(s, MU_FROM_GRID, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const Curve *q = s->data;
  PetscInt value;
  const PetscInt level = MuStudyLevelOf(q->companion, i, &value);
  MuOverrides o = {0};
  MuTrial t, limit;

  PetscFunctionBegin;
  row[VALUE] = s->values[value];
  row[SECOND] = MuStudyJoint(s, value);
  row[FLOOR] = row[USED] = NAN;
  PetscErrorCode code = MuStudyOverrides(s, value, &o);
  if (!code) code = build(s, &o, level, &t);
  PetscCall(MuOverridesDestroy(&o));
  PetscCall(code);
  code = build(s, &q->limit, level, &limit);
  if (!code) {
    code = compare(s, value, level, &t, &limit, row, curve);
    PetscCall(MuTrialDestroy(&limit));
  }
  PetscCall(MuTrialDestroy(&t));
  if (!code && !isfinite(row[TOTAL] + row[LIMIT]))
    return MuError(MU_ERR_NUMERICS, "R or R* is infinite along the curve");
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* An integral that is as near to the limit's as grid and pieces let it be has no order. */
static void claim_smallness(MuStudy s, PetscInt column, PetscReal floor, MuClaim *c) {
  const PetscReal *last = MuStudyRow(s, s->rows - 1);
  MuClaim small = {.claimed = 0, .tolerance = 1e-3};

  snprintf(small.name, sizeof small.name, "%.60s over the limit, negative", columns[column]);
  small.observed = -last[column] / last[LIMIT];
  small.error[MU_FROM_GRID] = PetscMin(floor, last[column]) / last[LIMIT];
  if (MuClaimVerdict(&small) == MU_VERDICT_HOLDS) *c = small;
}

static MuClaim claim_column(MuStudy s, PetscInt column) {
  const Curve *q = s->data;
  const PetscBool leads = (PetscBool)(column == q->leading);
  const PetscReal part = leads ? 1 : 0.5;
  MuClaim c = {.claimed = part * s->expected, .tolerance = part * s->tolerance};
  MuStudySeries series = {
      .column = column, .rounding = 1e-12 * MuStudyRow(s, 0)[LIMIT], .inverse = q->found.rises};
  PetscReal floor[MU_MAX_VALUES];
  PetscBool use[MU_MAX_VALUES];

  snprintf(c.name, sizeof c.name, "order of %s", columns[column]);
  for (int k = 0; k < MU_COMPANIONS; ++k) series.companion[k] = q->companion[k];
  MuStudyClaimOrder(s, &series, &c, floor, use);
  MuStudyAddClaim(s, columns[column], &c);
  for (PetscInt i = 0; i < s->rows && leads; ++i) {
    MuStudyRow(s, i)[USED] = use[i];
    MuStudyRow(s, i)[FLOOR] = floor[i];
  }
  if (leads) MuStudyTakeClaim(s, &c);
  if (c.reason[0] && !leads) claim_smallness(s, column, floor[s->rows - 1], &c);
  return c;
}

/* The excess along the curve as e vanishes, extrapolated with an order from rows last - 1 and last;
   without an order that of the last row. */
static PetscReal extrapolated(MuStudy s, PetscInt first, PetscInt last, PetscReal order) {
  const PetscReal *a = MuStudyRow(s, first + last - 1), *b = MuStudyRow(s, first + last);
  const PetscReal ratio = pow(smallness(s->data, a[VALUE], b[VALUE]), order);
  return order > 0.1 ? b[EXCESS] - (a[EXCESS] - b[EXCESS]) / (ratio - 1) : b[EXCESS];
}

/* The sum along a sequence, over the limit's, is at least 1 in the limit: of the curve itself, and
   of the oscillating curves, which add to it. */
static void judge_liminf(MuStudy s, PetscBool oscillating) {
  const Curve *q = s->data;
  const PetscInt last = s->rows - 1;
  PetscReal value[1 + MU_COMPANIONS];
  MuClaim c = {.claimed = 0, .tolerance = 0.02};

  snprintf(c.name, sizeof c.name, "liminf along %s", oscillating ? "oscillations" : "the curve");
  for (PetscInt i = last - 2; i <= last; ++i) MuStudyDoubtCompanions(s, i, q->companion, &c);
  for (int level = 0; level <= MU_COMPANIONS; ++level) {
    const PetscInt first = level ? q->companion[level - 1] : 0;
    if (first < 0) {
      value[level] = value[0];
      continue;
    }
    const PetscReal *row = MuStudyRow(s, first + last);
    value[level] =
        extrapolated(s, first, last, s->order) + (oscillating ? row[OSCILLATING] - row[EXCESS] : 0);
  }
  c.observed = value[0];
  for (int k = 0; k < MU_COMPANIONS; ++k) c.error[k] = PetscAbsReal(value[1 + k] - value[0]);
  c.error[MU_FROM_WINDOW] =
      PetscAbsReal(extrapolated(s, 0, last - 1, s->order) - extrapolated(s, 0, last, s->order));
  MuStudyJudge(s, &c);
}

static PetscErrorCode judge(MuStudy s) {
  const Curve *q = s->data;
  const PetscReal *last = MuStudyRow(s, s->rows - 1);

  MuStudyNote(s, "limit: %s%s", q->found.what, q->conserve ? "; the curve has constant mass" : "");
  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt k = TOTAL_ERROR; k <= DUAL_ERROR; ++k) {
    const MuClaim c = claim_column(s, k); /* the sum may cross its limit: its parts do not */
    if (k != TOTAL_ERROR || q->leading == k) MuStudyJudge(s, &c);
  }
  judge_liminf(s, PETSC_FALSE);
  judge_liminf(s, PETSC_TRUE);
  MuStudyNote(
      s,
      "int R + R* at the last value %.6g, of the limit %.6g (R %.6g, R* %.6g); over it %+.3g "
      "along the curve, %+.3g with oscillations",
      last[TOTAL], last[LIMIT], last[PRIMAL_LIMIT], last[DUAL_LIMIT], last[EXCESS],
      last[OSCILLATING]);
  return 0;
}

const MuStudyOps MuStudyCurveOps = {.name = "curve",
                                    .tolerance = 0.25,
                                    .create = create,
                                    .task = task,
                                    .judge = judge,
                                    .destroy = destroy};
