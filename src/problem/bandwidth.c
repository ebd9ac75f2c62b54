/* Bandwidths that are words: median, of the distances of pairs under the target (Gretton,
   Borgwardt, Rasch, Schoelkopf and Smola, A kernel two-sample test, 2012, section 8), and scott,
   n^(-1/(d+4)) times the root of the mean variance of the n samples that the target is made from
   (Scott, Multivariate Density Estimation, 1992, section 6.3). */
#include "case/chosen.h"
#include "measure/density_impl.h"
#include "measure/samples.h"
#include "problem/problem.h"

#include <gsl/gsl_rng.h>

enum { PAIRS = 400000, MOST_POINTS = 1000 }; /* drawn; points of which all pairs are taken */

typedef struct {
  PetscInt dim;
  MuGrid grid; /* NULL: none */
  const MuGridInfo *info;
  MuLaw law;
} Target;

static PetscErrorCode open_target(MuCase c, Target *t) {
  PetscInt items, cells;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(c, "grid_lower", &items));
  PetscCall(MuCaseCountItems(c, "grid_cells", &cells));
  PetscCall(MuCaseGetDimension(c, (PetscBool)(items > 0 || cells > 0), &t->dim));
  if (items > 0 || cells > 0) {
    PetscCall(MuCaseCreateGrid(c, 1, &t->grid));
    PetscCall(MuGridGetInfo(t->grid, &t->info));
  }
  PetscCall(MuCaseCreateLaw(c, "target", t->dim, t->grid, &t->law));
  PetscFunctionReturn(0);
}

static PetscErrorCode close_target(Target *t) {
  PetscFunctionBegin;
  PetscCall(MuLawDestroy(&t->law));
  PetscCall(MuGridDestroy(&t->grid));
  PetscFunctionReturn(0);
}

/* Along a periodic axis the shorter way. */
static PetscReal distance(const Target *t, const PetscReal *x, const PetscReal *y) {
  PetscReal sum = 0;
  for (PetscInt a = 0; a < t->dim; ++a) {
    PetscReal z = PetscAbsReal(x[a] - y[a]);
    if (t->info && t->info->periodic[a])
      z = PetscMin(z, PetscAbsReal(t->info->upper[a] - t->info->lower[a] - z));
    sum += z * z;
  }
  return PetscSqrtReal(sum);
}

/* ------------------------------------------------------------------ median */

/* Of the density in the cells, so that it is periodic where the grid is; else of the law. */
static PetscErrorCode draw(const Target *t, const gsl_rng *rng, PetscInt n, PetscReal *x) {
  PetscReal *density;
  MuSampler sampler;

  PetscFunctionBegin;
  if (!t->info || t->law->kind == MU_LAW_POINTS) {
    PetscCall(MuLawSample(t->law, rng, n, x));
    PetscFunctionReturn(0);
  }
  const PetscInt cells = t->info->cells[0] * t->info->cells[1];
  PetscCall(PetscMalloc1(cells, &density));
  for (PetscInt i = 0; i < cells; ++i) density[i] = PetscExpReal(t->law->log_cells[i]);
  PetscErrorCode code =
      MuSamplerCreate(t->dim, t->info->cells, t->info->lower, t->info->upper, density, &sampler);
  if (!code) code = MuSamplerDraw(sampler, rng, PETSC_FALSE, n, x);
  if (!code) PetscCall(MuSamplerDestroy(&sampler));
  PetscCall(PetscFree(density));
  PetscFunctionReturn(code);
}

static PetscReal middle(PetscInt n, PetscReal *values) {
  (void)PetscSortReal(n, values);
  return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static PetscErrorCode median_of_points(const Target *t, PetscReal *median) {
  const PetscInt n = t->law->count, dim = t->dim, pairs = n * (n - 1) / 2;
  PetscReal *d;
  PetscInt k = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(pairs, &d));
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < i; ++j)
      d[k++] = distance(t, t->law->points + i * dim, t->law->points + j * dim);
  *median = pairs ? middle(pairs, d) : 0;
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

static PetscErrorCode median_of_draws(const Target *t, PetscReal *median) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  const PetscInt pairs = PetscMax(PAIRS / PetscMax(1, t->dim / 4), 10000);
  PetscReal *x, *d;

  PetscFunctionBegin;
  PetscCheck(rng, PETSC_COMM_SELF, PETSC_ERR_MEM, "gsl_rng_alloc");
  gsl_rng_set(rng, 1);
  PetscCall(PetscMalloc2(2 * pairs * t->dim, &x, pairs, &d));
  PetscErrorCode code = draw(t, rng, 2 * pairs, x);
  for (PetscInt i = 0; i < pairs && !code; ++i)
    d[i] = distance(t, x + 2 * i * t->dim, x + (2 * i + 1) * t->dim);
  if (!code) *median = middle(pairs, d);
  PetscCall(PetscFree2(x, d));
  gsl_rng_free(rng);
  PetscFunctionReturn(code);
}

static PetscErrorCode find_median(const Target *t, PetscReal *number, char why[]) {
  const PetscBool exact =
      (PetscBool)(t->law->kind == MU_LAW_POINTS && t->law->count <= MOST_POINTS);

  PetscFunctionBegin;
  PetscCall(exact ? median_of_points(t, number) : median_of_draws(t, number));
  snprintf(why, MU_NOTE, "the median distance of %s",
           exact ? "the pairs of the target's points"
                 : "pairs drawn from the target, with a seed of their own");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ scott */

static PetscReal variance(PetscInt n, PetscInt dim, const PetscReal *x) {
  PetscReal mean = 0, square = 0;
  for (PetscInt i = 0; i < n; ++i) mean += x[i * dim] / (PetscReal)n;
  for (PetscInt i = 0; i < n; ++i) square += PetscSqr(x[i * dim] - mean);
  return square / (PetscReal)PetscMax(n - 1, 1);
}

/* points NULL: the target is not made from samples. With a grid spreads are circular where axes
   are periodic. */
static PetscErrorCode find_scott(const Target *t, const char *key, PetscInt n,
                                 const PetscReal *points, PetscReal *number, char why[]) {
  PetscReal h[2] = {0}, sum = 0;
  MuCells cells;

  PetscFunctionBegin;
  if (!points)
    return MuError(MU_ERR_INPUT,
                   "%s: scott is a rule for samples, and the target is none; give a number or "
                   "median",
                   key);
  if (t->info) {
    MuCellsFromGrid(t->info, &cells);
    PetscCall(MuSamplesBandwidth(key, &cells, n, points, h));
    for (PetscInt a = 0; a < t->dim; ++a) sum += h[a] * h[a];
    *number = PetscSqrtReal(sum / t->dim);
  } else {
    for (PetscInt a = 0; a < t->dim; ++a) sum += variance(n, t->dim, points + a);
    *number = PetscSqrtReal(sum / t->dim) * PetscPowReal((PetscReal)n, -1.0 / (t->dim + 4));
  }
  snprintf(why, MU_NOTE, "Scott's rule for the %d samples of the target", (int)n);
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_scott(MuCase c, const Target *t, const char *key, PetscReal *number,
                                  char why[]) {
  PetscReal *points = NULL;
  PetscInt n = t->law->count;

  PetscFunctionBegin;
  if (t->info) PetscCall(MuCaseReadSamples(c, "target", t->info, &n, &points));
  PetscErrorCode code = find_scott(t, key, n, t->info ? points : t->law->points, number, why);
  PetscCall(PetscFree(points));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the case */

static PetscErrorCode find_number(void *ctx, MuCase c, const char *key, const char *word,
                                  PetscReal *number, char why[]) {
  const Target *t = ctx;

  PetscFunctionBegin;
  *number = 0;
  if (!strcmp(word, "median"))
    PetscCall(find_median(t, number, why));
  else
    PetscCall(apply_scott(c, t, key, number, why));
  if (!(*number > 0))
    return MuError(MU_ERR_INPUT, "%s: %s is 0 here, where the target is one point; give a number",
                   key, word);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseChooseBandwidths(MuCase c) {
  Target t = {.dim = 0};
  const char *text;
  PetscBool target;

  PetscFunctionBegin;
  if (!MuCaseHasWords(c)) PetscFunctionReturn(0);
  PetscCall(MuCaseGetString(c, "target_type", &text, &target));
  if (!target) PetscFunctionReturn(0);
  PetscErrorCode code = open_target(c, &t);
  if (!code) code = MuCaseResolveWords(c, find_number, &t);
  PetscCall(close_target(&t));
  PetscFunctionReturn(code);
}
