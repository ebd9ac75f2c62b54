/* inequality: the search for a sharp constant c = inf of 2 R*(mu, -DF(mu))/F(mu), over densities on
   the grid whose ratio to the target is bounded, F not below 1e-4 in
   the unit of the target's mass. Every row is one start: tilted,
   with a hole, two bumps, random; it is minimised on a quarter of the cells, then on half, then on
   all of them. A search proves that a constant is too large, by the measure that it found, and
   never that one is right. */
#include "problem/problem.h"
#include "study/search.h"

enum { VALUE, CONSTANT, COARSE, ENERGY, LOWEST, HIGHEST, ITERATIONS, CELLS, ENDED, COLUMNS };
static const char *const columns[COLUMNS] = {"value",      "constant",     "constant_coarse",
                                             "energy",     "lowest_ratio", "highest_ratio",
                                             "iterations", "cells",        "converged"};
static const char *const curves[] = {"density"};

#define LEAST_ENERGY 1e-4
enum { LEVELS = 3, FEWEST_CELLS = 16 };

typedef struct {
  PetscInt levels, starts; /* levels of grids, the last is the case's own */
  MuSearchBounds bounds;
  MuTrial trial[LEVELS]; /* built when they are needed; c = NULL: not yet */
  MuSearch search[LEVELS];
} Inequality;

/* ------------------------------------------------------------------ the grids */

static PetscErrorCode build_level(MuStudy s, PetscInt level) {
  Inequality *q = s->data;
  MuTrial *t = &q->trial[level];
  MuOverrides o = {0};
  MuTrial whole;

  PetscFunctionBegin;
  if (q->search[level]) PetscFunctionReturn(0);
  PetscErrorCode code = MuStudyOverrides(s, 0, &o);
  if (!code && level < q->levels - 1) {
    const PetscReal factor = 1 / (PetscReal)(1 << (q->levels - 1 - level));
    code = MuTrialCreate(s->group, s->case_path, &o, PETSC_FALSE, &whole);
    if (!code) {
      code = MuTrialRefine(&whole, factor, 1, &o);
      PetscCall(MuTrialDestroy(&whole));
    }
  }
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, t));
  PetscCall(MuSearchCreate(t, &q->bounds, &q->search[level]));
  PetscFunctionReturn(0);
}

/* As many halvings as leave whole numbers of cells, and enough of them. */
static PetscErrorCode count_levels(Inequality *q, const MuTrial *t) {
  PetscBool can;

  PetscFunctionBegin;
  q->levels = 1;
  PetscCall(MuTrialCanRefine(t, &can));
  for (PetscInt part = 2; can && q->levels < LEVELS; part *= 2, ++q->levels)
    for (PetscInt a = 0; a < t->info->dim; ++a)
      if (t->info->cells[a] % part || t->info->cells[a] / part < FEWEST_CELLS)
        PetscFunctionReturn(0);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode read_keys(MuStudy s, Inequality *q) {
  PetscBool given;

  PetscFunctionBegin;
  if (s->varied || s->count)
    return MuError(MU_ERR_INPUT,
                   "study_vary: an inequality study varies nothing; it searches on the grid of the "
                   "case, on half and on a quarter of its cells");
  q->starts = 24;
  q->bounds = (MuSearchBounds){.floor = 1e-6, .energy = LEAST_ENERGY};
  PetscCall(MuCaseGetInt(s->file, "study_starts", &q->starts, &given));
  PetscCall(MuCaseGetReal(s->file, "study_floor", &q->bounds.floor, &given));
  if (!(q->bounds.floor < 0.5) || !(q->bounds.floor >= 1e-100))
    return MuError(MU_ERR_INPUT, "study_floor: %g is not allowed; it must be from 1e-100 to 0.5",
                   q->bounds.floor);
  if (q->starts < 2)
    return MuError(MU_ERR_INPUT, "study_starts: %d is not enough; at least 2 are needed",
                   (int)q->starts);
  PetscCall(MuCaseGetReal(s->file, "study_expect_constant", &s->expected, &given));
  PetscCall(MuStudyCheckThreshold(NAN, s->tolerance));
  PetscFunctionReturn(0);
}

/* Mistakes are found on the case's own grid. */
static PetscErrorCode build_first(MuStudy s, Inequality *q) {
  MuTrial t;

  PetscFunctionBegin;
  PetscCall(MuTrialCreate(s->group, s->case_path, &s->base, PETSC_FALSE, &t));
  PetscCall(count_levels(q, &t));
  s->times = t.info->local_size;
  PetscCall(MuTrialDestroy(&t));
  PetscCall(PetscMalloc1(s->times, &s->time));
  for (PetscInt i = 0; i < s->times; ++i) s->time[i] = (PetscReal)i; /* cells */
  PetscCall(build_level(s, q->levels - 1));
  PetscFunctionReturn(0);
}

static const char *const kinds[] = {"tilted", "hole", "two bumps", "random"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static PetscErrorCode create(MuStudy s) {
  Inequality *q;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  s->data = q;
  PetscCall(read_keys(s, q));
  PetscCall(build_first(s, q));
  s->rows = q->starts;
  s->extras = 0;
  MuStudySetTable(s, COLUMNS, columns, 1, curves);
  s->work_curves = 1;
  PetscCall(PetscCalloc1(s->rows, &s->label));
  for (PetscInt i = 0; i < s->rows; ++i)
    snprintf(s->label[i], MU_STATUS_LENGTH, "%s", kinds[i % KINDS]);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Inequality *q = s->data;

  PetscFunctionBegin;
  for (int level = 0; q && level < LEVELS; ++level) {
    PetscCall(MuSearchDestroy(&q->search[level]));
    PetscCall(MuTrialDestroy(&q->trial[level]));
  }
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ starts */

/* A number in [0, 1) of start i (splitmix64): the same on every grid and every rank. */
static PetscReal random_number(PetscInt start, PetscInt k) {
  unsigned long long z = 0x9E3779B97F4A7C15ULL * (unsigned long long)(1 + 64 * start + k);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return (PetscReal)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* What starts are made from: place along the box and mass of the target before it, along one axis;
   mean and deviation of the target. */
typedef struct {
  PetscInt start;
  PetscReal floor, place[2], below, mean[2], deviation[2], lower[2], length[2];
} Place;

static PetscReal tilted(const Place *p, PetscInt n) {
  static const PetscReal slopes[] = {1, -1, 0.3, -0.3, 3, -3, 0.1, -0.1};
  const PetscInt axis = p->deviation[1] > 0 ? n / 2 % 2 : 0;
  return slopes[n % 8] * (p->place[axis] - p->mean[axis]) / p->deviation[axis];
}

/* Two values, on sets whose part of the target's mass is theta and 1 - theta. */
static PetscReal hole(const Place *p, PetscInt n) {
  const PetscReal theta = fmod(0.25 + 0.6180339887 * n, 1);
  static const PetscReal depth[] = {1, 0.5, 0.25};
  const PetscBool in = (PetscBool)(n % 2 ? p->below > 1 - theta : p->below < theta);
  return in ? depth[n % 3] * log(p->floor) : 0;
}

static PetscReal two_bumps(const Place *p, PetscInt n) {
  const PetscReal width = 0.05 + 0.15 * random_number(p->start, 0);
  PetscReal sum = 0;
  (void)n;
  for (int k = 0; k < 2; ++k) {
    PetscReal square = 0;
    for (int a = 0; a < 2 && p->length[a] > 0; ++a)
      square += PetscSqr((p->place[a] - p->lower[a]) / p->length[a] -
                         random_number(p->start, 1 + 2 * k + a));
    sum += (k ? random_number(p->start, 5) : 1) * exp(-square / (2 * width * width));
  }
  return log(sum + p->floor);
}

static PetscReal random_field(const Place *p, PetscInt n) {
  PetscReal sum = 0;
  (void)n;
  for (int k = 1; k <= 5; ++k)
    for (int a = 0; a < 2 && p->length[a] > 0; ++a)
      sum += (4 * random_number(p->start, 8 + 2 * k + a) - 2) *
             cos(k * PETSC_PI * (p->place[a] - p->lower[a]) / p->length[a]);
  return sum;
}

/* Mean and deviation of the target along the axes of a grid. */
static PetscErrorCode measure_target(const MuTrial *t, const PetscReal *log_pi, Place *p) {
  PetscReal x[2], mass = 0, square[2] = {0};

  PetscFunctionBegin;
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    PetscCall(MuGridCellCentre(t->parts->grid, i, x));
    const PetscReal w = exp(log_pi[i]);
    mass += w;
    for (PetscInt a = 0; a < t->info->dim; ++a)
      p->mean[a] += w * x[a], square[a] += w * x[a] * x[a];
  }
  for (PetscInt a = 0; a < t->info->dim; ++a) {
    p->mean[a] /= mass;
    p->deviation[a] = sqrt(PetscMax(square[a] / mass - p->mean[a] * p->mean[a], 1e-300));
    p->lower[a] = t->info->lower[a];
    p->length[a] = t->info->upper[a] - t->info->lower[a];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode set_start(const Inequality *q, const MuTrial *t, PetscInt start, Vec v) {
  static PetscReal (*const make[KINDS])(const Place *, PetscInt) = {tilted, hole, two_bumps,
                                                                    random_field};
  Place p = {.start = start, .floor = q->bounds.floor};
  const PetscReal *log_pi;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(t->parts->log_target, &log_pi));
  PetscCall(VecGetArray(v, &x));
  PetscCall(measure_target(t, log_pi, &p));
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    const PetscReal mass = exp(log_pi[i]) * t->info->volume;
    PetscCall(MuGridCellCentre(t->parts->grid, i, p.place));
    p.below += 0.5 * mass;
    x[i] = make[start % KINDS](&p, start / KINDS);
    p.below += 0.5 * mass;
  }
  PetscCall(VecRestoreArray(v, &x));
  PetscCall(VecRestoreArrayRead(t->parts->log_target, &log_pi));
  PetscFunctionReturn(0);
}

/* The field on twice the cells per axis, linear between the coarse centres. */
static PetscErrorCode prolong(const MuGridInfo *from, Vec coarse, const MuGridInfo *to, Vec fine) {
  const PetscInt nx = from->cells[0], ny = from->dim == 2 ? from->cells[1] : 1;
  const PetscReal *c;
  PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(coarse, &c));
  PetscCall(VecGetArray(fine, &f));
  for (PetscInt i = 0; i < to->local_size; ++i) {
    const PetscInt x = i % to->cells[0], y = i / to->cells[0];
    const PetscInt x0 = x / 2, y0 = ny > 1 ? y / 2 : 0;
    const PetscInt x1 = PetscClipInterval(x % 2 ? x0 + 1 : x0 - 1, 0, nx - 1);
    const PetscInt y1 = ny > 1 ? PetscClipInterval(y % 2 ? y0 + 1 : y0 - 1, 0, ny - 1) : 0;
    f[i] = 0.75 * (0.75 * c[y0 * nx + x0] + 0.25 * c[y1 * nx + x0]) +
           0.25 * (0.75 * c[y0 * nx + x1] + 0.25 * c[y1 * nx + x1]);
  }
  PetscCall(VecRestoreArray(fine, &f));
  PetscCall(VecRestoreArrayRead(coarse, &c));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one start */

/* The density of v into the curve, and its range over the target's into the row. */
static PetscErrorCode keep(const Inequality *q, Vec v, PetscReal *row, PetscReal *curve) {
  const MuTrial *t = &q->trial[q->levels - 1];
  const PetscReal *x, *log_pi;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(v, &rho));
  PetscCall(MuSearchDensity(q->search[q->levels - 1], v, rho));
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArrayRead(t->parts->log_target, &log_pi));
  row[LOWEST] = INFINITY;
  row[HIGHEST] = 0;
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    curve[i] = x[i];
    if (t->info->masked && !(x[i] > 0)) continue;
    row[LOWEST] = PetscMin(row[LOWEST], x[i] / exp(log_pi[i]));
    row[HIGHEST] = PetscMax(row[HIGHEST], x[i] / exp(log_pi[i]));
  }
  PetscCall(VecRestoreArrayRead(t->parts->log_target, &log_pi));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCall(VecDestroy(&rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  Inequality *q = s->data;
  PetscInt iterations;
  PetscBool ended;
  Vec v = NULL, before;

  PetscFunctionBegin;
  row[VALUE] = i + 1;
  row[COARSE] = row[CONSTANT] = NAN;
  for (PetscInt level = 0; level < q->levels; ++level) {
    PetscCall(build_level(s, level));
    const MuTrial *t = &q->trial[level];
    before = v;
    PetscCall(MuGridCreateField(t->parts->grid, &v));
    if (before)
      PetscCall(prolong(q->trial[level - 1].info, before, t->info, v));
    else
      PetscCall(set_start(q, t, i, v));
    PetscCall(VecDestroy(&before));
    row[COARSE] = row[CONSTANT];
    PetscCall(
        MuSearchMinimise(q->search[level], v, &row[CONSTANT], &row[ENERGY], &iterations, &ended));
    row[ITERATIONS] += (PetscReal)iterations;
    row[ENDED] = ended;
    row[CELLS] = t->info->local_size;
  }
  PetscCall(keep(q, v, row, curve));
  PetscCall(VecDestroy(&v));
  if (isnan(row[CONSTANT]))
    return MuError(MU_ERR_NUMERICS, "the search from this start ended where F = 0");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the verdict */

/* The least constant of all starts and the next one; -1: there is none. */
static void find_least(MuStudy s, PetscInt *least, PetscInt *next) {
  *least = *next = -1;
  for (PetscInt i = 0; i < s->rows; ++i) {
    if (!MuStudyDone(s, i)) continue;
    const PetscReal c = MuStudyRow(s, i)[CONSTANT];
    if (*least < 0 || c < MuStudyRow(s, *least)[CONSTANT]) {
      *next = *least;
      *least = i;
    } else if (*next < 0 || c < MuStudyRow(s, *next)[CONSTANT]) {
      *next = i;
    }
  }
}

/* The minimiser with the target and the centres of the cells, for study.h5. */
static PetscErrorCode store_minimiser(MuStudy s, PetscInt least) {
  static const char *const axes[] = {"x", "y"};
  const Inequality *q = s->data;
  const MuTrial *t = &q->trial[q->levels - 1];
  const PetscReal *log_pi;
  PetscReal *values, x[2];

  PetscFunctionBegin;
  const PetscInt *n = t->info->cells, dim = t->info->dim;
  const PetscInt shape[2] = {dim == 2 ? n[1] : n[0], n[0]};
  PetscCall(MuStudyAddField(s, "density", dim, shape, &values));
  PetscCall(PetscArraycpy(values, MuStudyCurve(s, least, 0), t->info->local_size));
  PetscCall(MuStudyAddField(s, "target", dim, shape, &values));
  PetscCall(VecGetArrayRead(t->parts->log_target, &log_pi));
  for (PetscInt i = 0; i < t->info->local_size; ++i) values[i] = exp(log_pi[i]);
  PetscCall(VecRestoreArrayRead(t->parts->log_target, &log_pi));
  for (PetscInt a = 0; a < dim; ++a) {
    PetscCall(MuStudyAddField(s, axes[a], 1, &n[a], &values));
    for (PetscInt i = 0; i < n[a]; ++i) {
      PetscCall(MuGridCellCentre(t->parts->grid, a ? i * n[0] : i, x));
      values[i] = x[a];
    }
  }
  PetscFunctionReturn(0);
}

/* With what error the least constant is known: of the grid, and of the search, which finds it from
   one start and not from the next. */
static void judge_constant(MuStudy s, const PetscReal *row, PetscReal next) {
  MuClaim c = {.claimed = s->expected,
               .observed = row[CONSTANT],
               .tolerance = s->tolerance * s->expected,
               .error = {PetscAbsReal(row[CONSTANT] - row[COARSE])}};

  snprintf(c.name, sizeof c.name, "constant");
  if (isnan(row[COARSE]))
    MuClaimDoubt(&c,
                 "one grid alone was searched, so that what half the cells would change is not "
                 "known; it takes an even number of cells, at least %d along every axis, and a "
                 "case that can be made on half of them",
                 2 * FEWEST_CELLS);
  if (isnan(next)) MuClaimDoubt(&c, "one start alone came to an end");
  const PetscBool below = (PetscBool)(MuClaimVerdict(&c) == MU_VERDICT_FAILS);
  if (!below) c.error[MU_FROM_WINDOW] = next - row[CONSTANT];
  MuStudyTakeClaim(s, &c);
  MuStudyAddClaim(s, "constant", &c);
  MuStudyAddNumber(s, "constant", c.observed);
  MuStudyAddNumber(s, "constant_stderr", MuClaimError(&c));
  if (isnan(s->expected)) {
    MuStudyNote(s, "no constant is claimed (study_expect_constant): nothing is decided");
    return;
  }
  if (-MuClaimExcess(&c) > c.tolerance)
    MuClaimDoubt(&c, "the search stays above %.6g: it comes down to %.6g", c.claimed, c.observed);
  s->verdict = MU_VERDICT_HOLDS;
  MuStudyJudge(s, &c);
  if (below)
    MuStudyNote(s,
                "the measure in /minimiser of study.h5 has 2 R* = %.6g F: below %.6g it is a "
                "counterexample that anybody can check",
                row[CONSTANT], c.claimed);
}

/* How many searches were cut off on the last grid. */
static PetscInt count_cut_off(MuStudy s) {
  PetscInt count = 0;
  for (PetscInt i = 0; i < s->rows; ++i) count += MuStudyDone(s, i) && MuStudyRow(s, i)[ENDED] == 0;
  return count;
}

static PetscErrorCode judge(MuStudy s) {
  const Inequality *q = s->data;
  PetscInt least, next;

  PetscFunctionBegin;
  s->verdict = MU_VERDICT_UNDECIDED;
  find_least(s, &least, &next);
  if (least < 0) PetscFunctionReturn(0);
  PetscCall(build_level(s, q->levels - 1));
  const PetscReal *row = MuStudyRow(s, least);
  MuStudyNote(
      s,
      "least 2 R*/F over densities from %.3g to %.3g times the target%s, F >= %.3g: %.6g, "
      "from the start \"%s\" (%d), where F = %.4g and the density is %.3g to %.3g times the "
      "target's; on half the cells %.6g",
      q->bounds.floor, 1 / q->bounds.floor,
      MuSearchIsScaled(q->search[q->levels - 1]) ? ", of its mass" : "",
      MuSearchLeastEnergy(q->search[q->levels - 1]), row[CONSTANT], s->label[least], (int)least + 1,
      row[ENERGY], row[LOWEST], row[HIGHEST], row[COARSE]);
  if (!MuSearchIsAssembled(q->search[q->levels - 1]))
    MuStudyNote(s, "the gradient is taken by differences in every cell");
  if (count_cut_off(s))
    MuStudyNote(s, "%d of %d searches ended at the limit of iterations", (int)count_cut_off(s),
                (int)s->rows);
  PetscCall(store_minimiser(s, least));
  judge_constant(s, row, next < 0 ? NAN : MuStudyRow(s, next)[CONSTANT]);
  MuStudyNote(s, "a search proves that a constant is too large, and never that one is right");
  PetscFunctionReturn(0);
}

const MuStudyOps MuStudyInequality = {.name = "inequality",
                                      .tolerance = 0.02,
                                      .create = create,
                                      .task = task,
                                      .judge = judge,
                                      .destroy = destroy};
