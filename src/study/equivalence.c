/* equivalence: two gradient systems, system_a and system_b, with one trajectory. The distance of
   their solutions, the largest over the output times, must vanish as step and grid are refined,
   with the expected order, or be rounding. With study_shape the densities are compared over their
   masses: Hellinger-Kantorovich flows of the relative entropy split into the flow on probability
   measures (system_b, spherical) and the mass z, u = log(z/z_pi), u' = -b (u + KL(nu|pi/z_pi))
   (Mielke and Zhu 2025; b the weights of fisher_rao and kl multiplied). */
#include "facts/facts.h"
#include "problem/problem.h"
#include "study/two.h"

enum { VALUE, ERROR, MASS_ERROR, FLOOR, USED, SECOND, SCALE, COLUMNS };
static const char *const columns[COLUMNS] = {"value",       "distance",     "mass_error", "floor",
                                             "used_in_fit", "second_value", "scale"};
enum { CURVE_DISTANCE, CURVE_MASS_ERROR, CURVES };
static const char *const curves[CURVES] = {"distance", "mass_error"};

/* Below this part of the mass (of log mass) two solutions are one: rounding and solver tolerances.
 */
#define ROUNDING 1e-9

typedef struct {
  MuDistance distance;
  PetscBool shape;
  PetscReal reaction, weight; /* b of the law of the mass; that of kl */
  PetscBool grid;             /* the first key is grid_cells */
  PetscInt companion[MU_COMPANIONS];
} Equivalence;

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode check_vary(MuStudy s, Equivalence *q) {
  PetscFunctionBegin;
  PetscCall(MuStudyCheckValues(s, 3));
  q->grid = (PetscBool)!strcmp(s->vary[0], "grid_cells");
  if (!q->grid && strcmp(s->vary[0], "time_step") != 0)
    return MuError(MU_ERR_INPUT,
                   "study_vary: %s is not refined by an equivalence study; allowed are time_step "
                   "and grid_cells, or [grid_cells, time_step]",
                   s->vary[0]);
  if (s->varied == 2 && (!q->grid || strcmp(s->vary[1], "time_step") != 0))
    return MuError(MU_ERR_INPUT, "study_vary: with two keys they are [grid_cells, time_step]");
  if ((s->values[1] > s->values[0]) != q->grid)
    return MuError(MU_ERR_INPUT, "study_values: must go from coarse to fine: %s",
                   q->grid ? "numbers of cells that rise" : "steps that fall");
  if (q->grid) PetscCall(MuStudyReadGrid(s, PETSC_FALSE));
  PetscFunctionReturn(0);
}

/* The law of the mass belongs to fisher_rao beside transport and the relative entropy alone, and
   the second system conserves mass. */
static PetscErrorCode find_law(const MuTwo *two, Equivalence *q) {
  MuSystem system[2];
  PetscInt classes;

  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    const MuGeometrySpec *g;
    const MuEnergySpec *e;
    PetscCall(MuGeometryGetSpec(two->trial[k].parts->geometry, &g));
    PetscCall(MuEnergyGetSpec(two->trial[k].parts->energy, &e));
    PetscCall(MuSystemRead(g, e, &system[k]));
  }
  const PetscReal b = MuSystemWeight(&system[0], MU_IS_FISHER_RAO, &classes);
  if (system[0].terms != 1 || system[0].term[0].power != 1 || !(b > 0) || system[0].spherical ||
      (classes & ~(PetscInt)(MU_IS_WASSERSTEIN | MU_IS_FISHER_RAO)) ||
      !MuSystemConservesMass(&system[1]))
    return MuError(MU_ERR_INPUT,
                   "study_shape: the law of the mass is known for system_a with energy kl and "
                   "geometry fisher_rao, with or without wasserstein, not spherical, and a "
                   "system_b that conserves mass");
  q->weight = system[0].term[0].weight;
  q->reaction = b * q->weight;
  PetscFunctionReturn(0);
}

/* Where the step is refined the companions have half the cells; where the grid is, twice the step;
   where both are, there is nothing left that could be coarser. */
static PetscErrorCode place_companions(MuStudy s, Equivalence *q, const MuTrial *t) {
  PetscBool can;

  PetscFunctionBegin;
  PetscCall(MuTrialCanRefine(t, &can));
  s->rows = s->count;
  q->companion[MU_FROM_GRID] = q->companion[MU_FROM_STEP] = -1;
  s->has_estimates = (PetscBool)(s->varied == 1 && (q->grid || can));
  if (!s->has_estimates || s->bare) PetscFunctionReturn(0);
  q->companion[q->grid ? MU_FROM_STEP : MU_FROM_GRID] = s->rows;
  s->extras = s->rows;
  PetscFunctionReturn(0);
}

static PetscErrorCode build_first(MuStudy s, Equivalence *q) {
  MuTwo two;

  PetscFunctionBegin;
  PetscCall(MuTwoCreate(s, 0, 0, PETSC_FALSE, &two));
  PetscErrorCode code = MuDistanceRead(s->file, &two.trial[0], &q->distance);
  if (!code && q->shape) code = find_law(&two, q);
  if (!code && q->grid && two.trial[0].info->masked)
    code = MuError(MU_ERR_INPUT,
                   "study_vary: grid_cells cannot be refined on a domain with a mask, whose "
                   "staircase changes with the grid");
  if (!code) code = MuStudyTakeTimes(s, &two.trial[0]);
  if (!code) code = place_companions(s, q, &two.trial[0]);
  PetscCall(MuTwoDestroy(&two));
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  Equivalence *q;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  s->data = q;
  PetscCall(MuCaseGetBool(s->file, "study_shape", &q->shape, &given));
  PetscCall(MuStudyCheckThreshold(s->expected, s->tolerance));
  PetscCall(check_vary(s, q));
  PetscCall(build_first(s, q));
  MuStudySetTable(s, COLUMNS, columns, CURVES, curves);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  return PetscFree(s->data);
}

/* ------------------------------------------------------------------ one pair of runs */

typedef struct {
  MuStudy study;
  PetscReal *row, *curve;
  PetscReal log_mass, entropy;   /* u and KL(nu|pi/z_pi), as far as the second run has come */
  PetscReal of_target, of_shape; /* z_pi, and the mass that the second run keeps */
} Watch;

/* KL(nu|pi/z_pi) from KL(m nu|pi) = m KL(nu|pi/z_pi) + m log(m/z_pi) - m + z_pi. */
static PetscReal shape_entropy(const Watch *w, PetscReal energy) {
  const PetscReal m = w->of_shape, z = w->of_target;
  const Equivalence *q = w->study->data;
  return (energy / q->weight + m - z) / m - log(m / z);
}

/* The law of the mass, exact for an entropy that is linear over the step. */
static PetscErrorCode follow_mass(void *ctx, MuTrial *t, PetscReal time, PetscReal dt) {
  Watch *w = ctx;
  const Equivalence *q = w->study->data;
  const PetscReal z = q->reaction * dt, decay = exp(-z), lost = -expm1(-z);
  const PetscReal now = shape_entropy(w, MuTrialValue(t, MU_COLUMN_ENERGY));
  (void)time;
  w->log_mass =
      decay * w->log_mass - lost * w->entropy - (now - w->entropy) * (z > 0 ? 1 - lost / z : 0);
  w->entropy = now;
  return 0;
}

static PetscErrorCode compare(void *ctx, MuTwo *two, PetscInt k, Vec a, Vec b) {
  Watch *w = ctx;
  const MuStudy s = w->study;
  const Equivalence *q = s->data;
  const MuTrial *t = &two->trial[0];
  const PetscReal mass = t->curve[MU_CURVE_MASS][k];
  const PetscInt slot = MuStudySlot(s, t->parts->snapshot_times[k]);
  PetscReal *distance = &w->curve[CURVE_DISTANCE * s->times + slot];
  PetscReal *mass_error = &w->curve[CURVE_MASS_ERROR * s->times + slot];

  PetscFunctionBegin;
  if (q->shape) {
    PetscCall(VecScale(a, w->of_shape / mass)); /* kept for this comparison alone */
    *mass_error = PetscAbsReal(log(mass / w->of_target) - w->log_mass);
    w->row[MASS_ERROR] = fmax(w->row[MASS_ERROR], *mass_error);
  }
  PetscCall(MuDistanceEvaluate(&q->distance, t, a, b, distance));
  w->row[ERROR] = PetscMax(w->row[ERROR], *distance);
  PetscFunctionReturn(0);
}

static PetscErrorCode measure(MuStudy s, MuTwo *two, PetscReal *row, PetscReal *curve) {
  const Equivalence *q = s->data;
  const MuProblemParts *p = two->trial[1].parts;
  Watch w = {.study = s, .row = row, .curve = curve};

  PetscFunctionBegin;
  for (PetscInt k = 0; k < CURVES * s->times; ++k) curve[k] = NAN;
  row[ERROR] = 0;
  row[MASS_ERROR] = q->shape ? 0 : NAN;
  if (q->shape) {
    PetscReal energy, mass;
    PetscCall(MuGridIntegrate(two->trial[0].parts->grid, two->trial[0].parts->initial, &mass));
    PetscCall(MuGridIntegrate(p->grid, p->initial, &w.of_shape));
    PetscCall(MuLogDensityMass(p->grid, p->log_target, &w.of_target));
    PetscCall(MuEnergyEvaluate(p->energy, p->initial, &energy, NULL, NULL, NULL));
    w.log_mass = log(mass / w.of_target);
    w.entropy = shape_entropy(&w, energy);
    two->step = follow_mass;
  }
  two->output = compare;
  two->ctx = &w;
  PetscCall(MuTwoSolve(two));
  row[SCALE] = q->shape ? w.of_shape : two->trial[0].curve[MU_CURVE_MASS][0];
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const Equivalence *q = s->data;
  PetscInt value;
  const PetscInt level = MuStudyLevelOf(q->companion, i, &value);
  MuTwo two;

  PetscFunctionBegin;
  row[VALUE] = s->values[value];
  row[SECOND] = MuStudyJoint(s, value);
  row[FLOOR] = row[USED] = NAN;
  PetscCall(MuTwoCreate(s, value, level, PETSC_TRUE, &two));
  PetscErrorCode code = measure(s, &two, row, curve);
  PetscCall(MuTwoDestroy(&two));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* Whether a column is rounding in every row, and then the claim that it is. */
static PetscBool claim_rounding(MuStudy s, PetscInt column, MuClaim *c) {
  PetscReal most = 0;
  for (PetscInt i = 0; i < s->rows; ++i) {
    if (!MuStudyDone(s, i)) return PETSC_FALSE;
    most = PetscMax(most, MuStudyRow(s, i)[column] / MuStudyRow(s, i)[SCALE]);
  }
  if (most > ROUNDING) return PETSC_FALSE;
  *c = (MuClaim){.observed = -most, .tolerance = ROUNDING};
  snprintf(c->name, sizeof c->name, "%s over the mass, negative", columns[column]);
  return PETSC_TRUE;
}

static MuClaim claim_column(MuStudy s, PetscInt column) {
  const Equivalence *q = s->data;
  MuStudySeries series = {.column = column, .inverse = q->grid, .rounding = 1e-14};
  const PetscBool given = (PetscBool)!isnan(s->expected);
  MuClaim c = {.claimed = given ? s->expected : 0.25, .tolerance = given ? s->tolerance : 0};
  PetscReal floor[MU_MAX_VALUES];
  PetscBool use[MU_MAX_VALUES];

  if (claim_rounding(s, column, &c)) {
    MuStudyNote(s, "%s: at most %.1e of the mass in every row, which is rounding", columns[column],
                -c.observed);
    return c;
  }
  snprintf(c.name, sizeof c.name, "order of %s", columns[column]);
  for (int k = 0; k < MU_COMPANIONS; ++k) series.companion[k] = q->companion[k];
  MuStudyClaimOrder(s, &series, &c, floor, use);
  MuStudyAddClaim(s, columns[column], &c);
  for (PetscInt i = 0; i < s->rows && column == ERROR; ++i) {
    MuStudyRow(s, i)[USED] = use[i];
    MuStudyRow(s, i)[FLOOR] = floor[i];
  }
  return c;
}

static PetscErrorCode judge(MuStudy s) {
  const Equivalence *q = s->data;

  MuStudyNote(s, "distance: %s%s", q->distance.name,
              q->shape ? " of the densities over their masses" : "");
  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt column = ERROR; column <= (q->shape ? MASS_ERROR : ERROR); ++column) {
    const MuClaim c = claim_column(s, column);
    if (c.claimed > 0 && isnan(s->order)) MuStudyTakeClaim(s, &c); /* rounding has no order */
    MuStudyJudge(s, &c);
  }
  return 0;
}

const MuStudyOps MuStudyEquivalence = {.name = "equivalence",
                                       .held = 2,
                                       .tolerance = 0.25,
                                       .create = create,
                                       .task = task,
                                       .judge = judge,
                                       .destroy = destroy};
