/* contraction: the distance d(t) of two solutions, those of system_a and system_b, against d(t) <=
   e^(-c t) d(0). What is observed is the least log(d(0)/d(t))/t over the output times. c is the
   constant of convexity of the energy along the geodesics of the distance (facts/contraction.c), or
   study_expect_rate. */
#include "facts/facts.h"
#include "problem/problem.h"
#include "study/two.h"

enum { VALUE, OBSERVED, CONSTANT, EXCESS, WORST_TIME, RATE, FLOOR, INITIAL, FINAL, COLUMNS };
static const char *const columns[COLUMNS] = {"value",        "observed",         "constant",
                                             "bound_excess", "worst_time",       "rate",
                                             "floor",        "distance_initial", "distance_final"};

enum { CURVE_DISTANCE, CURVE_BOUND, CURVES };
static const char *const curves[CURVES] = {"distance", "bound"};

/* A distance below this part of the first one is rounding, or the grid. */
#define ROUNDING 1e-6

typedef struct {
  MuDistance distance;
  PetscReal given; /* NaN: the theorem's */
  PetscInt companion[MU_COMPANIONS];
  char sentence[320];
} Contraction;

/* ------------------------------------------------------------------ the constant */

/* The least eigenvalue of the Hessian of the target's potential: of a Gaussian, in one dimension
   the least second difference over the cells; NaN elsewhere. */
static PetscErrorCode convexity_of(const MuTrial *t, PetscReal *least) {
  const PetscInt n = t->info->cells[0];
  PetscReal *log_pi;

  PetscFunctionBegin;
  *least = NAN;
  if (!t->parts->log_target || t->info->masked) PetscFunctionReturn(0);
  PetscCall(MuCaseGetLogSobolev(t->c, t->info->dim, least));
  if (!isnan(*least) || t->info->dim > 1) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &log_pi));
  PetscCall(MuGridGather(t->parts->grid, t->parts->log_target, PETSC_TRUE, log_pi));
  for (PetscInt i = 1; i + 1 < n; ++i)
    *least =
        fmin(*least, -(log_pi[i + 1] - 2 * log_pi[i] + log_pi[i - 1]) / PetscSqr(t->info->volume));
  PetscCall(PetscFree(log_pi));
  PetscFunctionReturn(0);
}

/* The least eigenvalue over the cells of the Hessian of r^2 V(x) on the cone with the metric
   4/b dr^2 + r^2 dx^2/a, r^2 the mass: [b V/2, (ab)^(1/2) V'/2; ., a V'' + b V/2], V the potential
   terms. */
static PetscErrorCode convexity_on_cone(const MuTrial *t, PetscReal *least) {
  const PetscInt n = t->info->cells[0];
  const PetscReal h = t->info->volume;
  PetscReal a, b, diffusivity, *v;
  PetscBool only;
  Vec potential;

  PetscFunctionBegin;
  *least = NAN;
  if (t->info->masked) PetscFunctionReturn(0);
  PetscCall(MuDistanceWeights(t, &a, &b));
  PetscCall(MuGridCreateField(t->parts->grid, &potential));
  PetscCall(MuEnergyLogarithmicPart(t->parts->energy, &diffusivity, potential, &only));
  PetscCall(PetscMalloc1(n, &v));
  PetscCall(MuGridGather(t->parts->grid, potential, PETSC_TRUE, v));
  for (PetscInt i = 1; i + 1 < n; ++i) {
    const PetscReal slope = 0.5 * (v[i + 1] - v[i - 1]) / h;
    const PetscReal bend = 0.5 * a * (v[i + 1] - 2 * v[i] + v[i - 1]) / (h * h);
    *least = fmin(*least, 0.5 * b * v[i] + bend - sqrt(bend * bend + 0.25 * a * b * slope * slope));
  }
  PetscCall(PetscFree(v));
  PetscCall(VecDestroy(&potential));
  PetscFunctionReturn(0);
}

/* Whether the masses of the two solutions and of the target are not all the same. */
static PetscErrorCode compare_masses(const MuTrial t[2], MuSystem *system) {
  PetscBool unequal = PETSC_FALSE;

  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    PetscCall(MuSystemCompareMasses(system, t[0].parts->grid, t[0].parts->log_target,
                                    t[k].parts->initial));
    unequal = (PetscBool)(unequal || system->unequal);
  }
  system->unequal = unequal;
  PetscFunctionReturn(0);
}

static PetscErrorCode find_constant(Contraction *q, const MuTrial t[2], PetscReal *constant) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuContraction known;
  PetscReal convexity;
  MuSystem system;

  PetscFunctionBegin;
  *constant = q->given;
  snprintf(q->sentence, sizeof q->sentence, "d(t) <= e^(-ct) d(0), c as given");
  if (!isnan(q->given)) PetscFunctionReturn(0);
  PetscCall(MuGeometryGetSpec(t->parts->geometry, &g));
  PetscCall(MuEnergyGetSpec(t->parts->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  PetscCall(compare_masses(t, &system));
  if (q->distance.which == MU_METRIC_HK)
    PetscCall(convexity_on_cone(t, &convexity));
  else
    PetscCall(convexity_of(t, &convexity));
  MuFactsContraction(&system, q->distance.which, convexity, &known);
  if (isnan(known.rate))
    return MuError(MU_ERR_INPUT,
                   "study_expect_rate: is missing; no constant of contraction is known for the "
                   "distance %s here: it needs %s%s",
                   q->distance.name, known.sentence,
                   isnan(convexity) ? ", and a target whose convexity is known" : "");
  *constant = known.rate;
  snprintf(q->sentence, sizeof q->sentence, "%s", known.sentence);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode build_first(MuStudy s, Contraction *q) {
  PetscReal constant;
  MuTwo two;

  PetscFunctionBegin;
  PetscCall(MuTwoCreate(s, 0, 0, PETSC_FALSE, &two));
  PetscErrorCode code = MuDistanceRead(s->file, &two.trial[0], &q->distance);
  if (!code) code = find_constant(q, two.trial, &constant);
  if (!code) code = MuStudyTakeTimes(s, &two.trial[0]);
  s->rows = PetscMax(s->count, 1);
  if (!code) code = MuStudyPlaceCompanions(s, &two.trial[0], q->companion);
  PetscCall(MuTwoDestroy(&two));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  Contraction *q;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  s->data = q;
  q->given = NAN;
  PetscCall(MuCaseGetReal(s->file, "study_expect_rate", &q->given, &given));
  PetscCall(MuStudyCheckThreshold(NAN, s->tolerance));
  if (s->varied || s->count) PetscCall(MuStudyCheckValues(s, 2));
  if (s->varied && !strcmp(s->vary[0], "grid_cells")) PetscCall(MuStudyReadGrid(s, PETSC_FALSE));
  PetscCall(build_first(s, q));
  MuStudySetTable(s, COLUMNS, columns, CURVES, curves);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  return PetscFree(s->data);
}

/* ------------------------------------------------------------------ one pair of runs */

static PetscErrorCode keep_distance(void *ctx, MuTwo *two, PetscInt k, Vec a, Vec b) {
  MuStudy s = ctx;
  const Contraction *q = s->data;
  PetscReal *distance = two->trial[0].curve[MU_CURVE_DEFECT]; /* of which nothing else is kept */
  return MuDistanceEvaluate(&q->distance, &two->trial[0], a, b, &distance[k]);
}

/* The excess of log d over the bound, and the least log(d(0)/d(t))/t; the last fall as a rate. */
static void observe(PetscInt n, const PetscReal *t, const PetscReal *d, PetscReal *row) {
  row[EXCESS] = -INFINITY;
  row[OBSERVED] = row[RATE] = NAN;
  for (PetscInt k = 1; k < n; ++k) {
    if (!(d[k] > ROUNDING * d[0])) continue;
    const PetscReal fall = log(d[0] / d[k]), time = t[k] - t[0];
    row[OBSERVED] = fmin(row[OBSERVED], fall / time); /* fmin: of a NaN the other */
    if (d[k - 1] > 0) row[RATE] = log(d[k - 1] / d[k]) / (t[k] - t[k - 1]);
    if (row[CONSTANT] * time - fall <= row[EXCESS]) continue;
    row[EXCESS] = row[CONSTANT] * time - fall;
    row[WORST_TIME] = t[k];
  }
}

static PetscErrorCode measure(MuStudy s, MuTwo *two, PetscReal *row, PetscReal *curve) {
  const MuTrial *t = &two->trial[0];
  const PetscReal *time = t->parts->snapshot_times;

  PetscFunctionBegin;
  two->output = keep_distance;
  two->ctx = s;
  PetscErrorCode code = MuTwoSolve(two);
  if (!code) code = find_constant(s->data, t, &row[CONSTANT]);
  if (code) PetscFunctionReturn(code);
  const PetscReal *d = t->curve[MU_CURVE_DEFECT];
  observe(t->times, time, d, row);
  row[INITIAL] = d[0];
  row[FINAL] = d[t->times - 1];
  for (PetscInt k = 0; k < CURVES * s->times; ++k) curve[k] = NAN;
  for (PetscInt k = 0; k < t->times; ++k) {
    const PetscInt slot = MuStudySlot(s, time[k]);
    curve[CURVE_DISTANCE * s->times + slot] = d[k];
    curve[CURVE_BOUND * s->times + slot] = d[0] * exp(-row[CONSTANT] * (time[k] - time[0]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const Contraction *q = s->data;
  PetscInt value;
  const PetscInt level = MuStudyLevelOf(q->companion, i, &value);
  MuTwo two;

  PetscFunctionBegin;
  row[VALUE] = s->count ? s->values[value] : NAN;
  row[FLOOR] = NAN;
  PetscCall(MuTwoCreate(s, value, level, PETSC_TRUE, &two));
  PetscErrorCode code = measure(s, &two, row, curve);
  PetscCall(MuTwoDestroy(&two));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

static MuClaim claim_of(MuStudy s, PetscInt i) {
  const Contraction *q = s->data;
  PetscReal *row = MuStudyRow(s, i);
  const PetscReal size = PetscAbsReal(row[CONSTANT]);
  MuClaim c = {.claimed = row[CONSTANT],
               .observed = row[OBSERVED],
               .tolerance = s->tolerance * (size > 0 ? size : 1)};
  char name[64];

  snprintf(c.name, sizeof c.name, s->count ? "contraction at %g" : "contraction", row[VALUE]);
  MuStudyDoubtCompanions(s, i, q->companion, &c);
  if (MuStudyDone(s, i) && !(row[INITIAL] > 0))
    MuClaimDoubt(&c, "d(0) = %.3g: the two solutions begin as one", row[INITIAL]);
  else if (isnan(row[OBSERVED]))
    MuClaimDoubt(&c, "the distance is above %g of the first one at no later output time", ROUNDING);
  for (int k = 0; k < MU_COMPANIONS; ++k)
    c.error[k] = MuStudyChange(s, i, q->companion[k], OBSERVED, CONSTANT);
  row[FLOOR] = MuClaimError(&c);
  snprintf(name, sizeof name, s->count ? "contraction_%g" : "contraction", row[VALUE]);
  MuStudyAddClaim(s, name, &c);
  return c;
}

static PetscErrorCode judge(MuStudy s) {
  const Contraction *q = s->data;

  MuStudyNote(s, "theorem: %s; distance: %s", q->sentence, q->distance.name);
  MuStudyJudgeRows(s, claim_of);
  return 0;
}

const MuStudyOps MuStudyContraction = {.name = "contraction",
                                       .held = 2,
                                       .tolerance = 0.02,
                                       .create = create,
                                       .task = task,
                                       .judge = judge,
                                       .destroy = destroy};
