/* particles: error of a particle method against the grid flow of the same case as the number N of
   particles grows. Each row is a number of seeds; the error is MMD, in the case's kernel on R^d, at
   the last output time, its root mean square over the seeds. I.i.d. initial data give N^(-1/2).

   The floor is what more particles do not remove: the error of the grid flow, estimated by refining
   grid and step, and that of the method's time step, estimated by halving it. */
#include "particles/pairs.h"
#include "study/study_impl.h"

enum { VALUE, ERROR, STDERROR, SAMPLING, RATIO, TRANSPORT, FLOOR, USED, SEEDS, COLUMNS };
static const char *const columns[COLUMNS] = {"value",   "mmd_error",   "mmd_error_stderr",
                                             "mmd_iid", "ratio",       "transport_error",
                                             "floor",   "used_in_fit", "seeds"};
enum { CURVE_ERROR, CURVE_SAMPLING, CURVES };
static const char *const curve_names[CURVES] = {"mmd_error", "mmd_iid"};

#define METRIC "mmd2"

typedef struct {
  PetscInt seeds, first_seed;
  PetscBool random; /* the step draws random numbers */
  PetscInt cells;
  PetscReal *density; /* [times][cells], of the grid flow */
  MuComparison comparison;
  PetscInt metric, transport; /* their numbers; transport: w1 or sliced_w1 */
  PetscInt metrics;
} Particles;

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode check_counts(MuStudy s) {
  PetscFunctionBegin;
  if (s->varied == 0) {
    s->varied = 1;
    PetscCall(PetscStrallocpy("particles_count", &s->vary[0]));
  }
  if (s->varied > 1 || strcmp(s->vary[0], "particles_count") != 0)
    return MuError(MU_ERR_INPUT,
                   "study_vary: %s is not varied by a study of particles; particles_count is",
                   s->vary[s->varied - 1]);
  PetscCall(MuStudyCheckValues(s, 3));
  for (PetscInt i = 0; i < s->count; ++i)
    if (s->values[i] < 2 || s->values[i] != floor(s->values[i]) || s->values[i] > 1e7)
      return MuError(MU_ERR_INPUT,
                     "study_values: %g is no number of particles; whole numbers from 2 on are",
                     s->values[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_comparison(MuCase c, const MuGridInfo *info, Particles *p) {
  MuComparisonSpec spec;
  const char *const *names;
  const PetscBool *squared;
  PetscBool given;

  PetscFunctionBegin;
  MuComparisonSpecDefault(&spec);
  spec.dim = info->dim;
  for (PetscInt a = 0; a < info->dim; ++a) {
    spec.cells[a] = info->cells[a];
    spec.lower[a] = info->lower[a];
    spec.upper[a] = info->upper[a];
    spec.periodic[a] = info->periodic[a];
  }
  if (info->dim == 1) spec.cells[1] = 1;
  spec.mask = info->masked ? info->mask : NULL;
  spec.directions = 16;
  spec.replicates = 2; /* the expected mmd2 is in closed form */
  PetscCall(MuCaseGetKernelSpec(c, "diagnostics_kernel", &spec.kernel, &given));
  if (!given)
    return MuError(MU_ERR_INPUT,
                   "diagnostics_kernel: is missing; the errors of particles are measured in MMD "
                   "(or give kernel)");
  PetscCall(MuComparisonCreate(PETSC_COMM_SELF, &spec, &p->comparison));
  PetscCall(MuComparisonGetMetrics(p->comparison, &p->metrics, &names, &squared));
  for (PetscInt k = 0; k < p->metrics; ++k) {
    if (!strcmp(names[k], METRIC)) p->metric = k;
    if (!strcmp(names[k], info->dim == 1 ? "w1" : "sliced_w1")) p->transport = k;
  }
  PetscFunctionReturn(0);
}

/* The case built once, as a grid flow and as a cloud. */
static PetscErrorCode build_both(MuStudy s, Particles *p, MuTrial *trial) {
  const MuParticlesSpec spec = {.count = (PetscInt)s->values[0], .seed = -1};
  MuParticlesDescription what;
  MuParticles particles;

  PetscFunctionBegin;
  PetscCall(MuStudyTakeTimes(s, trial));
  p->cells = trial->info->local_size;
  PetscCall(create_comparison(trial->c, trial->info, p));
  PetscCall(MuParticlesCreate(trial->c, &spec, &particles));
  PetscCall(MuParticlesDescribe(particles, &what));
  p->first_seed = what.seed;
  p->random = what.random;
  PetscCall(MuParticlesDestroy(&particles));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuStudy s) {
  Particles *p;
  MuTrial trial;
  PetscBool given;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  s->data = p;
  p->seeds = 10;
  PetscCall(MuCaseGetInt(s->file, "study_seeds", &p->seeds, &given));
  if (p->seeds < 2)
    return MuError(MU_ERR_INPUT, "study_seeds: %d is not allowed; at least 2 are needed",
                   (int)p->seeds);
  PetscCall(check_counts(s));
  PetscCall(MuTrialCreate(s->group, s->case_path, &s->base, PETSC_FALSE, &trial));
  code = build_both(s, p, &trial);
  PetscCall(MuTrialDestroy(&trial));
  if (code) PetscFunctionReturn(code);
  if (isnan(s->expected)) s->expected = 0.5;
  PetscCall(MuStudyCheckThreshold(s->expected, s->tolerance));
  s->rows = s->count;
  s->extras = 1; /* the floor */
  MuStudySetTable(s, COLUMNS, columns, CURVES, curve_names);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Particles *p = s->data;

  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(0);
  PetscCall(MuComparisonDestroy(&p->comparison));
  PetscCall(PetscFree(p->density));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the grid flow */

static PetscErrorCode keep_density(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Particles *p = ctx;
  const PetscReal *x;

  PetscFunctionBegin;
  (void)t;
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(PetscArraycpy(p->density + k * p->cells, x, p->cells));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare(MuStudy s) {
  Particles *p = s->data;
  MuTrial trial;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->times * p->cells, &p->density));
  PetscCall(MuTrialCreate(s->group, s->case_path, &s->base, PETSC_TRUE, &trial));
  trial.output = keep_density;
  trial.ctx = p;
  code = MuTrialSolve(&trial);
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(code);
}

/* MMD of a cloud to the grid flow at an output time, squared, and the transport distance. */
static PetscErrorCode distance(const Particles *p, PetscInt n, const PetscReal *x,
                               const PetscReal *w, PetscReal *mmd2, PetscReal *transport) {
  PetscReal values[MU_MAX_METRICS];

  PetscFunctionBegin;
  PetscCall(MuComparisonEvaluate(p->comparison, n, x, w, values));
  *mmd2 = values[p->metric];
  *transport = values[p->transport];
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ rows */

/* What the seeds of a row add up to. */
typedef struct {
  PetscReal *squares;                      /* [times] sums of MMD^2 */
  PetscReal last, last_squared, transport; /* sums at the last time */
} Sums;

static PetscErrorCode solve_seed(MuStudy s, MuCase c, PetscInt seed, Sums *sums, PetscInt count) {
  Particles *p = s->data;
  const MuParticlesSpec spec = {.count = count, .seed = seed};
  MuParticles particles;
  MuParticlesState cloud;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCall(MuParticlesCreate(c, &spec, &particles));
  for (PetscInt k = 0; k < s->times && !code; ++k) {
    PetscReal mmd2 = 0, transport = 0;
    code = MuParticlesAdvance(particles, s->time[k]);
    if (!code) code = MuParticlesGetState(particles, &cloud);
    if (!code) code = MuComparisonSetReference(p->comparison, p->density + k * p->cells);
    if (!code) code = distance(p, cloud.count, cloud.position, cloud.weight, &mmd2, &transport);
    sums->squares[k] += mmd2;
    if (k < s->times - 1) continue;
    sums->last += mmd2;
    sums->last_squared += mmd2 * mmd2;
    sums->transport += transport;
  }
  PetscCall(MuParticlesDestroy(&particles));
  PetscFunctionReturn(code);
}

/* The root mean square of MMD and its standard error; i.i.d. samples of the grid flow beside it. */
static PetscErrorCode fill_row(MuStudy s, PetscInt n, const Sums *sums, PetscReal *row,
                               PetscReal *curve) {
  Particles *p = s->data;
  const PetscReal seeds = p->seeds, mean = sums->last / seeds;
  const PetscReal variance = (sums->last_squared / seeds - mean * mean) / (seeds - 1);
  PetscReal expected[MU_MAX_METRICS], deviation[MU_MAX_METRICS];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->times; ++k) {
    PetscCall(MuComparisonSetReference(p->comparison, p->density + k * p->cells));
    PetscCall(MuComparisonExpect(p->comparison, n, expected, deviation));
    curve[CURVE_ERROR * s->times + k] = sqrt(sums->squares[k] / seeds);
    curve[CURVE_SAMPLING * s->times + k] = sqrt(expected[p->metric]);
  }
  row[VALUE] = n;
  row[ERROR] = sqrt(mean);
  row[STDERROR] = mean > 0 ? sqrt(PetscMax(variance, 0)) / (2 * sqrt(mean)) : 0;
  row[SAMPLING] = curve[CURVE_SAMPLING * s->times + s->times - 1];
  row[RATIO] = row[ERROR] / row[SAMPLING];
  row[TRANSPORT] = sums->transport / seeds;
  row[SEEDS] = seeds;
  PetscFunctionReturn(0);
}

static PetscErrorCode count_task(MuStudy s, MuCase c, PetscInt i, PetscReal *row,
                                 PetscReal *curve) {
  Particles *p = s->data;
  const PetscInt n = (PetscInt)s->values[i];
  PetscErrorCode code = 0;
  Sums sums = {0};

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(s->times, &sums.squares));
  for (PetscInt j = 0; j < p->seeds && !code; ++j)
    code = solve_seed(s, c, p->first_seed + j, &sums, n);
  if (!code) code = fill_row(s, n, &sums, row, curve);
  PetscCall(PetscFree(sums.squares));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the floor */

typedef struct {
  MuStudy study;
  MuGrid grid; /* of the study */
  PetscReal mmd2;
} Refined;

/* The refined flow on the study's grid, as a cloud of cell centres, against the study's own. */
static PetscErrorCode compare_refined(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Refined *r = ctx;
  const Particles *p = r->study->data;
  const MuGridInfo *info;
  PetscReal *x, *w, point[2], transport, mass = 0;

  PetscFunctionBegin;
  if (k < t->times - 1) PetscFunctionReturn(0);
  PetscCall(MuGridGetInfo(r->grid, &info));
  PetscCall(PetscMalloc2(p->cells, &w, p->cells * info->dim, &x));
  PetscCall(MuTransferRestrict(t->parts->grid, rho, info, 1, w));
  for (PetscInt i = 0; i < p->cells; ++i) {
    PetscCall(MuGridCellCentre(r->grid, i, point));
    for (PetscInt a = 0; a < info->dim; ++a) x[i * info->dim + a] = point[a];
  }
  for (PetscInt i = 0; i < p->cells; ++i) mass += w[i];
  for (PetscInt i = 0; i < p->cells; ++i) w[i] /= mass;
  PetscCall(MuComparisonSetReference(p->comparison, p->density + k * p->cells));
  PetscCall(distance(p, p->cells, x, w, &r->mmd2, &transport));
  PetscCall(PetscFree2(w, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode refined_grid(MuStudy s, MuTrial *coarse, PetscReal *mmd) {
  Refined r = {.study = s, .grid = coarse->parts->grid};
  MuOverrides overrides = {0};
  MuTrial fine;
  PetscBool can;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuTrialCanRefine(coarse, &can));
  PetscCall(MuOverridesCopy(&s->base, &overrides));
  code = MuTrialRefine(coarse, can ? 2 : 1, 2, &overrides);
  PetscCall(MuStudyTrial(s, code, &overrides, PETSC_TRUE, &fine));
  fine.output = compare_refined;
  fine.ctx = &r;
  code = MuTrialSolve(&fine);
  PetscCall(MuTrialDestroy(&fine));
  *mmd = sqrt(r.mmd2);
  PetscFunctionReturn(code);
}

/* The cloud of the last row's size and the first seed at the end, with the step over `factor`. */
static PetscErrorCode cloud_at_end(MuStudy s, PetscReal step, PetscReal *x, PetscReal *w,
                                   PetscReal sign) {
  Particles *p = s->data;
  const MuParticlesSpec spec = {.count = (PetscInt)s->values[s->count - 1], .seed = p->first_seed};
  MuOverrides overrides = {0};
  MuParticles particles = NULL;
  MuParticlesState cloud;
  PetscErrorCode code;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuOverridesCopy(&s->base, &overrides));
  PetscCall(MuOverridesSet(&overrides, "time_step", "%.17g", step));
  code = MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)overrides.count, overrides.text, &c);
  PetscCall(MuOverridesDestroy(&overrides));
  if (code) PetscFunctionReturn(code);
  code = MuParticlesCreate(c, &spec, &particles);
  for (PetscInt k = 0; k < s->times && !code; ++k) code = MuParticlesAdvance(particles, s->time[k]);
  if (!code) {
    PetscCall(MuParticlesGetState(particles, &cloud));
    PetscCall(PetscArraycpy(x, cloud.position, cloud.count * cloud.dim));
    for (PetscInt i = 0; i < cloud.count; ++i) w[i] = sign * cloud.weight[i];
  }
  PetscCall(MuParticlesDestroy(&particles));
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

/* MMD of n points with signed weights to nothing. */
static PetscErrorCode signed_mmd(MuCase c, PetscInt dim, PetscInt n, const PetscReal *x,
                                 const PetscReal *w, PetscReal *mmd) {
  MuKernelSpec kernel;
  PetscReal *sum, square = 0;
  PetscBool given;
  MuRadial radial;
  MuPairs pairs;

  PetscFunctionBegin;
  PetscCall(MuCaseGetKernelSpec(c, "diagnostics_kernel", &kernel, &given));
  PetscCall(MuRadialCreate(&kernel, dim, &radial));
  PetscCall(MuPairsCreate(PETSC_COMM_SELF, radial, &pairs));
  PetscCall(PetscMalloc1(n, &sum));
  PetscCall(MuPairsApply(pairs, n, x, w, n, x, sum, NULL));
  for (PetscInt i = 0; i < n; ++i) square += w[i] * sum[i];
  *mmd = sqrt(PetscMax(square, 0));
  PetscCall(PetscFree(sum));
  PetscCall(MuPairsDestroy(&pairs));
  PetscCall(MuRadialDestroy(&radial));
  PetscFunctionReturn(0);
}

static PetscErrorCode halved_step(MuStudy s, const MuTrial *trial, PetscReal *mmd) {
  const Particles *p = s->data;
  const PetscInt n = (PetscInt)s->values[s->count - 1], dim = trial->info->dim;
  const PetscReal step = trial->parts->flow.step;
  PetscReal *x, *w;
  PetscErrorCode code;

  PetscFunctionBegin;
  *mmd = 0;
  if (p->random) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(2 * n * dim, &x, 2 * n, &w));
  code = cloud_at_end(s, step, x, w, 1);
  if (!code) code = cloud_at_end(s, step / 2, x + n * dim, w + n, -1);
  if (!code) code = signed_mmd(trial->c, dim, 2 * n, x, w, mmd);
  PetscCall(PetscFree2(x, w));
  PetscFunctionReturn(code);
}

/* Both errors are taken as of first order: what halving changes is half of what is wrong. */
static PetscErrorCode floor_task(MuStudy s, MuTrial *trial, PetscReal *row) {
  PetscReal grid = 0, step = 0;

  PetscFunctionBegin;
  PetscCall(refined_grid(s, trial, &grid));
  PetscCall(halved_step(s, trial, &step));
  row[FLOOR] = 2 * (grid + step);
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  PetscErrorCode code;
  MuTrial trial;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < COLUMNS; ++k) row[k] = NAN;
  PetscCall(MuTrialCreate(s->group, s->case_path, &s->base, PETSC_FALSE, &trial));
  code = i < s->rows ? count_task(s, trial.c, i, row, curve) : floor_task(s, &trial, row);
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* Two standard errors of the slope: what the seeds leave open. */
static PetscReal scatter(MuStudy s, const PetscBool *use) {
  PetscReal n = 0, mean = 0, spread = 0, sum = 0;

  for (PetscInt i = 0; i < s->rows; ++i) {
    if (!use[i]) continue;
    n += 1;
    mean += log(s->values[i]);
  }
  mean /= n;
  for (PetscInt i = 0; i < s->rows; ++i) {
    if (!use[i]) continue;
    const PetscReal x = log(s->values[i]) - mean;
    const PetscReal noise = MuStudyRow(s, i)[STDERROR] / MuStudyRow(s, i)[ERROR];
    spread += x * x;
    sum += x * x * noise * noise;
  }
  return 2 * sqrt(sum) / spread;
}

/* How far the floor, taken off or put on every error, moves the slope. */
static PetscReal slope_of_floor(MuStudy s, PetscReal floor, const PetscBool *use, PetscReal slope) {
  PetscReal x[MU_MAX_VALUES], y[MU_MAX_VALUES], most = 0;

  for (int sign = -1; sign <= 1; sign += 2) {
    PetscInt n = 0;
    for (PetscInt i = 0; i < s->rows; ++i) {
      if (!use[i]) continue;
      x[n] = -log(s->values[i]);
      y[n++] = log(MuStudyRow(s, i)[ERROR] + sign * floor);
    }
    most = PetscMax(most, PetscAbsReal(MuFitLine(n, x, y).slope - slope));
  }
  return most;
}

static MuClaim claim_order(MuStudy s) {
  MuStudySeries series = {.companion = {-1, -1},
                          .column = ERROR,
                          .inverse = PETSC_TRUE,
                          .scattered = PETSC_TRUE,
                          .rounding = MuStudyRow(s, s->rows)[FLOOR]};
  MuClaim c = {.name = "order of mmd_error", .claimed = s->expected, .tolerance = s->tolerance};
  PetscReal floor[MU_MAX_VALUES];
  PetscBool use[MU_MAX_VALUES];

  MuStudyClaimOrder(s, &series, &c, floor, use);
  for (PetscInt i = 0; i < s->rows; ++i) {
    MuStudyRow(s, i)[FLOOR] = floor[i];
    MuStudyRow(s, i)[USED] = use[i];
  }
  if (c.reason[0]) return c;
  c.error[MU_FROM_WINDOW] = scatter(s, use); /* the seeds scatter the slopes */
  c.error[MU_FROM_GRID] = slope_of_floor(s, series.rounding, use, c.observed);
  return c;
}

static PetscErrorCode judge(MuStudy s) {
  const Particles *p = s->data;

  s->verdict = MU_VERDICT_UNDECIDED;
  if (!MuStudyDone(s, s->rows)) {
    MuStudyNote(s, "the floor could not be estimated: %s", s->status[s->rows]);
    return 0;
  }
  MuStudyNote(
      s,
      "root mean square over %d seeds of the MMD to the grid flow at t = %g; mmd_iid is that "
      "of N independent samples of the grid flow%s",
      (int)p->seeds, s->time[s->times - 1],
      p->random ? "; the floor does not hold the error of the method's time step" : "");
  s->verdict = MU_VERDICT_HOLDS;
  const MuClaim c = claim_order(s);
  MuStudyAddClaim(s, columns[ERROR], &c);
  MuStudyTakeClaim(s, &c);
  MuStudyJudge(s, &c);
  return 0;
}

const MuStudyOps MuStudyParticles = {.name = "particles",
                                     .tolerance = 0.1,
                                     .create = create,
                                     .prepare = prepare,
                                     .task = task,
                                     .judge = judge,
                                     .destroy = destroy};
