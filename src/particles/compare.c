/* A cloud of particles against a density that is constant in every cell: a table of metrics, and
   what they are for independent samples of the density. */
#include "measure/mixture.h"
#include "particles/compare_impl.h"
#include "particles/pairs.h"

#include <gsl/gsl_rng.h>

enum { PAIRS = 1 << 15 }; /* that deviations of kernel metrics are estimated from */

typedef struct {
  PetscReal mean[2], covariance[4]; /* [dim], [dim][dim] */
} Moments;

/* A metric <mu - pi, k*(mu - pi)>. */
typedef struct {
  MuRadial radial;
  MuPairs pairs;
  MuGridKernel grid;
  PetscReal diagonal; /* k(0) */
  PetscReal
      spread[2]; /* Var h(X, X) and E h(X, X')^2, h(x, y) = k(x - y) - g(x) - g(y) + <pi, g> */
} KernelMetric;

struct _p_MuComparison {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MuComparisonSpec spec;
  const MuMetricTable *table;
  PetscInt count; /* cells */
  PetscReal width[2];
  unsigned char *mask;    /* [count] */
  KernelMetric kernel[2]; /* mmd2; in 2-D energy_distance */
  /* the reference */
  PetscReal *mass; /* [count], of sum 1 */
  MuSampler sampler;
  PetscInt lines;
  MuLineMeasure *line; /* [lines] */
  Moments moments;
  /* work */
  PetscReal *cell;        /* [count] */
  PetscInt room;          /* of particles */
  PetscReal *x, *w, *sum; /* [room][dim], [room], [room] */
  MuPoint *points, *sort; /* [room] */
  PetscInt bins, *bin;    /* [bins] */
};

void MuComparisonSpecDefault(MuComparisonSpec *spec) {
  *spec = (MuComparisonSpec){.directions = 64, .replicates = 20, .seed = 1};
  MuKernelSpecDefault(&spec->kernel);
}

/* ------------------------------------------------------------------ creating */

static PetscErrorCode create_kernel(MuComparison c, const MuKernelSpec *spec, KernelMetric *k) {
  const MuComparisonSpec *s = &c->spec;
  PetscReal slope;

  PetscFunctionBegin;
  PetscCall(MuRadialCreate(spec, s->dim, &k->radial));
  PetscCall(MuPairsCreate(c->comm, k->radial, &k->pairs));
  PetscCall(MuRadialEvaluate(k->radial, 0, &k->diagonal, &slope));
  PetscCall(MuGridKernelCreate(s->dim, s->cells, s->lower, s->upper, spec, &k->grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_kernel(KernelMetric *k) {
  PetscFunctionBegin;
  PetscCall(MuPairsDestroy(&k->pairs));
  PetscCall(MuRadialDestroy(&k->radial));
  PetscCall(MuGridKernelDestroy(&k->grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuComparison c, const unsigned char *mask) {
  MuKernelSpec distance;

  PetscFunctionBegin;
  MuKernelSpecDistance(&distance);
  PetscCall(PetscMalloc3(c->count, &c->mask, c->count, &c->mass, c->count, &c->cell));
  for (PetscInt i = 0; i < c->count; ++i) c->mask[i] = mask ? mask[i] : 1;
  PetscCall(PetscCalloc1(c->lines, &c->line));
  PetscCall(create_kernel(c, &c->spec.kernel, &c->kernel[0]));
  if (c->spec.dim == 2) PetscCall(create_kernel(c, &distance, &c->kernel[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuComparisonCreate(MPI_Comm comm, const MuComparisonSpec *spec,
                                  MuComparison *comparison) {
  PetscErrorCode code;
  MuComparison c;

  PetscFunctionBegin;
  *comparison = NULL;
  PetscCall(PetscNew(&c));
  c->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &c->rank));
  PetscCallMPI(MPI_Comm_size(comm, &c->size));
  c->spec = *spec;
  c->spec.mask = NULL;
  if (spec->dim == 1) c->spec.cells[1] = 1;
  c->table = MuMetricTableOf(spec->dim);
  c->count = spec->cells[0] * c->spec.cells[1];
  c->lines = spec->dim == 2 ? spec->directions : 1;
  for (PetscInt a = 0; a < spec->dim; ++a)
    c->width[a] = (spec->upper[a] - spec->lower[a]) / spec->cells[a];
  code = build(c, spec->mask);
  if (code)
    PetscCall(MuComparisonDestroy(&c));
  else
    *comparison = c;
  PetscFunctionReturn(code);
}

PetscErrorCode MuComparisonDestroy(MuComparison *comparison) {
  MuComparison c = *comparison;

  PetscFunctionBegin;
  *comparison = NULL;
  if (!c) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < 2; ++k) PetscCall(destroy_kernel(&c->kernel[k]));
  for (PetscInt l = 0; c->line && l < c->lines; ++l) PetscCall(MuLineMeasureDestroy(&c->line[l]));
  PetscCall(PetscFree(c->line));
  PetscCall(MuSamplerDestroy(&c->sampler));
  PetscCall(PetscFree3(c->mask, c->mass, c->cell));
  PetscCall(PetscFree5(c->x, c->w, c->sum, c->points, c->sort));
  PetscCall(PetscFree(c->bin));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

PetscErrorCode MuComparisonGetMetrics(MuComparison c, PetscInt *count, const char *const **names,
                                      const PetscBool **squared) {
  *count = c->table->count;
  *names = c->table->name;
  *squared = c->table->squared;
  return 0;
}

/* The metrics that the dimension has, in the order of its table; the bits of rank 0, since plans of
   transforms may differ. */
static PetscErrorCode select_metrics(const MuComparison c, const PetscReal all[MU_METRICS],
                                     PetscReal values[]) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < c->table->count; ++i) values[i] = all[c->table->metric[i]];
  PetscCallMPI(MPI_Bcast(values, (PetscMPIInt)c->table->count, MPIU_REAL, 0, c->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room(MuComparison c, PetscInt n) {
  const PetscInt room = PetscMax(n, PAIRS);

  PetscFunctionBegin;
  if (room <= c->room) PetscFunctionReturn(0);
  PetscCall(PetscFree5(c->x, c->w, c->sum, c->points, c->sort));
  PetscCall(PetscMalloc5(room * c->spec.dim, &c->x, room, &c->w, room, &c->sum, room, &c->points,
                         room, &c->sort));
  c->room = room;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ moments and cells */

static void add_moments(PetscInt dim, PetscReal w, const PetscReal *x, Moments *m) {
  for (PetscInt a = 0; a < dim; ++a) m->mean[a] += w * x[a];
}

static void add_square(PetscInt dim, PetscReal w, const PetscReal *x, Moments *m) {
  for (PetscInt a = 0; a < dim; ++a)
    for (PetscInt b = 0; b < dim; ++b)
      m->covariance[a * dim + b] += w * (x[a] - m->mean[a]) * (x[b] - m->mean[b]);
}

static void cell_centre(const MuComparison c, PetscInt i, PetscReal x[2]) {
  const PetscInt index[2] = {i % c->spec.cells[0], i / c->spec.cells[0]};
  for (PetscInt a = 0; a < c->spec.dim; ++a)
    x[a] = c->spec.lower[a] + (index[a] + 0.5) * c->width[a];
}

static void find_moments(MuComparison c) {
  const PetscInt dim = c->spec.dim;
  PetscReal x[2];
  c->moments = (Moments){{0}, {0}};
  for (PetscInt pass = 0; pass < 2; ++pass)
    for (PetscInt i = 0; i < c->count; ++i) {
      cell_centre(c, i, x);
      (pass ? add_square : add_moments)(dim, c->mass[i], x, &c->moments);
    }
  for (PetscInt a = 0; a < dim; ++a)
    c->moments.covariance[a * dim + a] += c->width[a] * c->width[a] / 12;
}

static void compare_moments(const MuComparison c, PetscInt n, const PetscReal *x,
                            const PetscReal *w, PetscReal all[MU_METRICS]) {
  const PetscInt dim = c->spec.dim;
  Moments m = {{0}, {0}};
  all[MU_METRIC_MEAN] = all[MU_METRIC_COVARIANCE] = 0;
  for (PetscInt i = 0; i < n; ++i) add_moments(dim, w[i], x + i * dim, &m);
  for (PetscInt i = 0; i < n; ++i) add_square(dim, w[i], x + i * dim, &m);
  for (PetscInt a = 0; a < dim; ++a)
    all[MU_METRIC_MEAN] += PetscSqr(m.mean[a] - c->moments.mean[a]);
  for (PetscInt a = 0; a < dim * dim; ++a)
    all[MU_METRIC_COVARIANCE] += PetscSqr(m.covariance[a] - c->moments.covariance[a]);
  all[MU_METRIC_MEAN] = PetscSqrtReal(all[MU_METRIC_MEAN]);
  all[MU_METRIC_COVARIANCE] = PetscSqrtReal(all[MU_METRIC_COVARIANCE]);
}

/* The cell of a point, -1 outside the box; its upper edge belongs to it. */
static PetscInt find_cell(const MuComparison c, const PetscReal *x) {
  PetscInt index[2] = {0, 0};
  for (PetscInt a = 0; a < c->spec.dim; ++a) {
    if (!(x[a] >= c->spec.lower[a] && x[a] <= c->spec.upper[a])) return -1;
    index[a] = PetscMin((PetscInt)((x[a] - c->spec.lower[a]) / c->width[a]), c->spec.cells[a] - 1);
  }
  return index[1] * c->spec.cells[0] + index[0];
}

static void compare_cells(const MuComparison c, PetscInt n, const PetscReal *x, const PetscReal *w,
                          PetscReal all[MU_METRICS]) {
  memset(c->cell, 0, sizeof *c->cell * (size_t)c->count);
  all[MU_METRIC_HISTOGRAM] = 0;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscInt cell = find_cell(c, x + i * c->spec.dim);
    *(cell < 0 ? &all[MU_METRIC_HISTOGRAM] : &c->cell[cell]) += w[i];
  }
  for (PetscInt i = 0; i < c->count; ++i) all[MU_METRIC_HISTOGRAM] += fabs(c->cell[i] - c->mass[i]);
}

/* Into the box by whole periods, where an axis is periodic. */
static void wrap(const MuComparison c, PetscInt n, const PetscReal *from, PetscReal *to) {
  const PetscInt dim = c->spec.dim;
  memcpy(to, from, sizeof *to * (size_t)(n * dim));
  for (PetscInt a = 0; a < dim; ++a) {
    const PetscReal lower = c->spec.lower[a], period = c->spec.upper[a] - lower;
    for (PetscInt i = 0; c->spec.periodic[a] && i < n; ++i)
      to[i * dim + a] -= period * floor((to[i * dim + a] - lower) / period);
  }
}

PetscErrorCode MuComparisonCountOutside(MuComparison c, PetscInt n, const PetscReal *x,
                                        const PetscReal *w, PetscInt *count, PetscReal *mass) {
  PetscFunctionBegin;
  *count = 0;
  *mass = 0;
  PetscCall(make_room(c, n));
  wrap(c, n, x, c->x);
  for (PetscInt i = 0; i < n; ++i) {
    const PetscInt cell = find_cell(c, c->x + i * c->spec.dim);
    if (cell >= 0 && c->mask[cell]) continue;
    ++*count;
    *mass += w[i];
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ lines */

static void direction(const MuComparison c, PetscInt l, PetscReal d[2]) {
  const PetscReal angle = PETSC_PI * (l + 0.5) / c->lines;
  d[0] = c->spec.dim == 2 ? cos(angle) : 1;
  d[1] = c->spec.dim == 2 ? sin(angle) : 0;
}

static PetscErrorCode set_lines(MuComparison c) {
  const MuComparisonSpec *s = &c->spec;
  PetscReal d[2];

  PetscFunctionBegin;
  for (PetscInt l = 0; l < c->lines; ++l) {
    PetscCall(MuLineMeasureDestroy(&c->line[l]));
    direction(c, l, d);
    if (s->dim == 1)
      PetscCall(MuLineMeasureCreate(c->count, s->lower[0], s->upper[0], c->mass, &c->line[l]));
    else
      PetscCall(
          MuLineMeasureProject(s->cells, s->lower, s->upper, c->mass, d[0], d[1], &c->line[l]));
    if (c->line[l].n + 3 <= c->bins) continue;
    PetscCall(PetscFree(c->bin));
    c->bins = c->line[l].n + 3;
    PetscCall(PetscMalloc1(c->bins, &c->bin));
  }
  PetscFunctionReturn(0);
}

static void compare_lines(const MuComparison c, PetscInt n, const PetscReal *x, const PetscReal *w,
                          PetscReal all[MU_METRICS]) {
  const PetscInt dim = c->spec.dim;
  MuLineDistances sum = {0}, distances;
  PetscReal d[2];
  for (PetscInt l = 0; l < c->lines; ++l) {
    direction(c, l, d);
    for (PetscInt i = 0; i < n; ++i) {
      c->points[i] = (MuPoint){.x = x[i * dim], .w = w[i]};
      if (dim == 2) c->points[i].x = d[0] * x[2 * i] + d[1] * x[2 * i + 1];
    }
    MuLineMeasureSort(&c->line[l], n, c->points, c->sort, c->bin);
    MuLineMeasureCompare(&c->line[l], n, c->points, &distances);
    sum.w1 += distances.w1 / c->lines;
    sum.w2_squared += distances.w2_squared / c->lines;
    sum.kolmogorov += distances.kolmogorov;
    sum.cramer += distances.cramer;
  }
  all[MU_METRIC_W1] = sum.w1;
  all[MU_METRIC_W2] = PetscSqrtReal(sum.w2_squared);
  all[MU_METRIC_KOLMOGOROV] =
      sum.kolmogorov; /* this and the energy distance in 1-D, on its one line */
  all[MU_METRIC_ENERGY] = 2 * sum.cramer;
}

/* Everything that takes no sum over pairs. */
static void compare_plainly(const MuComparison c, PetscInt n, const PetscReal *x,
                            const PetscReal *w, PetscReal all[MU_METRICS]) {
  compare_lines(c, n, x, w, all);
  compare_cells(c, n, x, w, all);
  compare_moments(c, n, x, w, all);
}

/* ------------------------------------------------------------------ kernels */

/* n independent samples of the reference with equal weights in c->x, c->w; `stream` tells the
   random numbers apart. */
static PetscErrorCode draw(MuComparison c, PetscInt stream, PetscInt n) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCheck(rng, PETSC_COMM_SELF, PETSC_ERR_MEM, "random number generator");
  gsl_rng_set(rng,
              (unsigned long)(c->spec.seed + 1) * 2654435761ul + (unsigned long)stream * 40503ul);
  code = MuSamplerDraw(c->sampler, rng, PETSC_FALSE, n, c->x);
  gsl_rng_free(rng);
  for (PetscInt i = 0; i < n; ++i) c->w[i] = 1.0 / n;
  PetscFunctionReturn(code);
}

static PetscErrorCode set_kernel(MuComparison c, KernelMetric *k) {
  const PetscInt dim = c->spec.dim, half = PAIRS / 2;
  PetscReal inner, mean = 0, square = 0, products = 0, value, slope;
  const PetscReal *g = c->sum;

  PetscFunctionBegin;
  PetscCall(MuGridKernelSetMass(k->grid, c->mass));
  PetscCall(MuGridKernelInner(k->grid, &inner));
  PetscCall(draw(c, -1, PAIRS));
  PetscCall(MuGridKernelEvaluate(k->grid, PAIRS, c->x, c->sum));
  for (PetscInt i = 0; i < PAIRS; ++i) mean += g[i] / PAIRS;
  for (PetscInt i = 0; i < PAIRS; ++i) square += PetscSqr(g[i] - mean) / PAIRS;
  for (PetscInt i = 0; i < half; ++i) {
    PetscReal r2 = 0;
    for (PetscInt a = 0; a < dim; ++a)
      r2 += PetscSqr(c->x[i * dim + a] - c->x[(i + half) * dim + a]);
    PetscCall(MuRadialEvaluate(k->radial, r2, &value, &slope));
    products += PetscSqr(value - g[i] - g[i + half] + inner) / half;
  }
  k->spread[0] = 4 * square;
  k->spread[1] = products;
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate_kernel(MuComparison c, KernelMetric *k, PetscInt n,
                                      const PetscReal *x, const PetscReal *w, PetscReal *value) {
  PetscReal inner, own = 0, cross = 0;

  PetscFunctionBegin;
  PetscCall(MuPairsApply(k->pairs, n, x, w, n, x, c->sum, NULL));
  for (PetscInt i = 0; i < n; ++i) own += w[i] * c->sum[i];
  PetscCall(MuGridKernelEvaluate(k->grid, n, x, c->sum));
  for (PetscInt i = 0; i < n; ++i) cross += w[i] * c->sum[i];
  PetscCall(MuGridKernelInner(k->grid, &inner));
  *value = PetscMax(own - 2 * cross + inner, 0);
  PetscFunctionReturn(0);
}

/* Of the V-statistic 1/n^2 sum_ij h(X_i, X_j), h degenerate (Serfling, Approximation Theorems of
   Mathematical Statistics, 1980, section 5.2). */
static PetscErrorCode expect_kernel(const KernelMetric *k, PetscInt n, PetscReal *mean,
                                    PetscReal *variance) {
  const PetscReal m = n;
  PetscReal inner;

  PetscFunctionBegin;
  PetscCall(MuGridKernelInner(k->grid, &inner));
  *mean = (k->diagonal - inner) / m;
  *variance = k->spread[0] / (m * m * m) + 2 * (m - 1) / (m * m * m) * k->spread[1];
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ use */

PetscErrorCode MuComparisonSetReference(MuComparison c, const PetscReal *density) {
  const MuComparisonSpec *s = &c->spec;
  PetscReal total = 0;

  PetscFunctionBegin;
  PetscCall(MuSamplerDestroy(&c->sampler));
  PetscCall(MuSamplerCreate(s->dim, s->cells, s->lower, s->upper, density, &c->sampler));
  for (PetscInt i = 0; i < c->count; ++i) total += density[i];
  for (PetscInt i = 0; i < c->count; ++i) c->mass[i] = density[i] / total;
  PetscCall(make_room(c, PAIRS));
  find_moments(c);
  PetscCall(set_lines(c));
  for (PetscInt k = 0; k < s->dim; ++k) PetscCall(set_kernel(c, &c->kernel[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuComparisonEvaluate(MuComparison c, PetscInt n, const PetscReal *x,
                                    const PetscReal *w, PetscReal values[]) {
  PetscReal all[MU_METRICS];

  PetscFunctionBegin;
  PetscCall(make_room(c, n));
  wrap(c, n, x, c->x);
  compare_plainly(c, n, c->x, w, all);
  PetscCall(evaluate_kernel(c, &c->kernel[0], n, c->x, w, &all[MU_METRIC_MMD2]));
  if (c->spec.dim == 2)
    PetscCall(evaluate_kernel(c, &c->kernel[1], n, c->x, w, &all[MU_METRIC_ENERGY]));
  PetscCall(select_metrics(c, all, values));
  PetscFunctionReturn(0);
}

/* results [replicates][MU_METRICS]: the replicates are shared out among the ranks. */
static PetscErrorCode replicate(MuComparison c, PetscInt n, PetscReal *results) {
  const PetscInt count = c->spec.replicates * MU_METRICS;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(results, count));
  for (PetscInt r = c->rank; r < c->spec.replicates && !code; r += c->size) {
    code = draw(c, r, n);
    if (!code) compare_plainly(c, n, c->x, c->w, results + r * MU_METRICS);
  }
  PetscCall(MuErrorAgree(c->comm, code));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, results, (PetscMPIInt)count, MPIU_REAL, MPI_SUM, c->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuComparisonExpect(MuComparison c, PetscInt n, PetscReal mean[],
                                  PetscReal deviation[]) {
  const PetscInt replicates = c->spec.replicates;
  PetscReal *results, means[MU_METRICS] = {0}, variances[MU_METRICS] = {0};

  PetscFunctionBegin;
  PetscCall(make_room(c, n));
  PetscCall(PetscMalloc1(replicates * MU_METRICS, &results));
  PetscErrorCode code = replicate(c, n, results);
  for (PetscInt i = 0; i < replicates * MU_METRICS && !code; ++i)
    means[i % MU_METRICS] += results[i] / replicates;
  for (PetscInt i = 0; i < replicates * MU_METRICS && !code; ++i)
    variances[i % MU_METRICS] += PetscSqr(results[i] - means[i % MU_METRICS]) / (replicates - 1);
  PetscCall(PetscFree(results));
  PetscCall(code);
  PetscCall(expect_kernel(&c->kernel[0], n, &means[MU_METRIC_MMD2], &variances[MU_METRIC_MMD2]));
  if (c->spec.dim == 2)
    PetscCall(
        expect_kernel(&c->kernel[1], n, &means[MU_METRIC_ENERGY], &variances[MU_METRIC_ENERGY]));
  else
    means[MU_METRIC_ENERGY] = MuLineMeasureSpread(&c->line[0]) / n;
  for (PetscInt i = 0; i < MU_METRICS; ++i) variances[i] = PetscSqrtReal(variances[i]);
  PetscCall(select_metrics(c, means, mean));
  PetscCall(select_metrics(c, variances, deviation));
  PetscFunctionReturn(0);
}

PetscErrorCode MuComparisonBound(MuComparison c, PetscReal l1, PetscReal w1, PetscReal bound[]) {
  PetscReal all[MU_METRICS], square = 0, far, slope;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < c->spec.dim; ++a)
    square += PetscSqr(c->spec.upper[a] - c->spec.lower[a]);
  const PetscReal diameter = PetscSqrtReal(square);
  PetscCall(MuRadialEvaluate(c->kernel[0].radial, square, &far, &slope));
  all[MU_METRIC_W1] = c->spec.dim == 1 && !isnan(w1) ? w1 : diameter * l1 / 2;
  all[MU_METRIC_W2] = PetscSqrtReal(diameter * all[MU_METRIC_W1]);
  all[MU_METRIC_MMD2] = l1 * PetscSqrtReal(0.5 * (c->kernel[0].diagonal - far));
  all[MU_METRIC_ENERGY] = l1 * PetscSqrtReal(0.5 * diameter);
  all[MU_METRIC_KOLMOGOROV] = l1 / 2;
  all[MU_METRIC_HISTOGRAM] = l1;
  all[MU_METRIC_MEAN] = all[MU_METRIC_W1];
  all[MU_METRIC_COVARIANCE] = square * l1 / 4 + diameter * all[MU_METRIC_W1];
  for (PetscInt i = 0; i < c->table->count; ++i) bound[i] = all[c->table->metric[i]];
  PetscFunctionReturn(0);
}
