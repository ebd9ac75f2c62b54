/* Distances on the line between weighted points and a measure whose distribution function is
   piecewise linear: by quantile functions (Villani, Topics in Optimal Transportation, section 2.2)
   and distribution functions, piece by piece; and the projection of a measure in the plane. */
#include "particles/compare_impl.h"

PetscErrorCode MuLineMeasureCreate(PetscInt n, PetscReal lower, PetscReal upper,
                                   const PetscReal *mass, MuLineMeasure *line) {
  PetscFunctionBegin;
  *line = (MuLineMeasure){.n = n, .lower = lower, .width = (upper - lower) / n};
  PetscCall(PetscMalloc1(n + 1, &line->below));
  line->below[0] = 0;
  for (PetscInt i = 0; i < n; ++i) line->below[i + 1] = line->below[i] + mass[i];
  const PetscReal total = line->below[n];
  for (PetscInt i = 0; i <= n; ++i) line->below[i] /= total;
  PetscFunctionReturn(0);
}

PetscErrorCode MuLineMeasureDestroy(MuLineMeasure *line) {
  return PetscFree(line->below);
}

/* ------------------------------------------------------------------ projection */

/* P(long U + short V <= t) for independent U, V uniform in [-1/2, 1/2]. */
static PetscReal trapezoid(PetscReal longer, PetscReal shorter, PetscReal t) {
  const PetscReal v = t + 0.5 * (longer + shorter), rest = longer + shorter - v;
  if (v <= 0) return 0;
  if (rest <= 0) return 1;
  if (v < shorter) return v * v / (2 * longer * shorter);
  if (rest < shorter) return 1 - rest * rest / (2 * longer * shorter);
  return (v - 0.5 * shorter) / longer;
}

/* Adds the mass of a cell whose projection has its middle at z to the bins. */
static void add_cell(const MuLineMeasure *line, PetscReal longer, PetscReal shorter, PetscReal z,
                     PetscReal mass, PetscReal *bins) {
  const PetscReal half = 0.5 * (longer + shorter);
  const PetscInt first = (PetscInt)((z - half - line->lower) / line->width);
  PetscReal before = 0;
  for (PetscInt i = PetscMax(first, 0); i < line->n && before < 1; ++i) {
    const PetscReal t = line->lower + (i + 1) * line->width - z;
    const PetscReal here = i + 1 == line->n ? 1 : trapezoid(longer, shorter, t);
    bins[i] += mass * (here - before);
    before = here;
  }
}

PetscErrorCode MuLineMeasureProject(const PetscInt cells[2], const PetscReal lower[2],
                                    const PetscReal upper[2], const PetscReal *mass,
                                    PetscReal cosine, PetscReal sine, MuLineMeasure *line) {
  enum { PER_CELL = 4, LEAST = 64, MOST = 1 << 15 };
  const PetscReal hx = (upper[0] - lower[0]) / cells[0], hy = (upper[1] - lower[1]) / cells[1];
  const PetscReal a = fabs(cosine) * hx, b = fabs(sine) * hy;
  const PetscReal middle = 0.5 * (cosine * (lower[0] + upper[0]) + sine * (lower[1] + upper[1]));
  const PetscReal half = 0.5 * (a * cells[0] + b * cells[1]);
  const PetscReal wanted = PER_CELL * 2 * half / PetscMin(hx, hy);
  MuLineMeasure bins = {.n = (PetscInt)PetscMin(PetscMax(ceil(wanted), LEAST), MOST),
                        .lower = middle - half};
  PetscReal *sum;

  PetscFunctionBegin;
  bins.width = 2 * half / bins.n;
  PetscCall(PetscCalloc1(bins.n, &sum));
  for (PetscInt i = 0; i < cells[0] * cells[1]; ++i) {
    if (mass[i] == 0) continue;
    const PetscInt ix = i % cells[0], iy = i / cells[0];
    const PetscReal x = lower[0] + (ix + 0.5) * hx, y = lower[1] + (iy + 0.5) * hy;
    add_cell(&bins, PetscMax(a, b), PetscMin(a, b), cosine * x + sine * y, mass[i], sum);
  }
  PetscCall(MuLineMeasureCreate(bins.n, middle - half, middle + half, sum, line));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ sorting */

static int compare_points(const void *a, const void *b) {
  const PetscReal x = ((const MuPoint *)a)->x, y = ((const MuPoint *)b)->x;
  return (x > y) - (x < y);
}

/* Few points are sorted by insertion. */
static void sort_few(PetscInt n, MuPoint *p) {
  enum { FEW = 24 };
  if (n > FEW) {
    qsort(p, (size_t)n, sizeof *p, compare_points);
    return;
  }
  for (PetscInt i = 1; i < n; ++i) {
    const MuPoint point = p[i];
    PetscInt j = i;
    for (; j > 0 && p[j - 1].x > point.x; --j) p[j] = p[j - 1];
    p[j] = point;
  }
}

/* 0 and n + 1 are for points beyond the bins. */
static PetscInt bin_of(const MuLineMeasure *line, PetscReal x) {
  const PetscReal u = (x - line->lower) / line->width;
  return u < 0 ? 0 : u >= line->n ? line->n + 1 : 1 + (PetscInt)u;
}

void MuLineMeasureSort(const MuLineMeasure *line, PetscInt n, MuPoint *points, MuPoint *work,
                       PetscInt *count) {
  const PetscInt bins = line->n + 2;
  memset(count, 0, sizeof *count * (size_t)(bins + 1));
  for (PetscInt i = 0; i < n; ++i) count[bin_of(line, points[i].x) + 1]++;
  for (PetscInt b = 0; b < bins; ++b) count[b + 1] += count[b];
  memcpy(work, points, sizeof *work * (size_t)n);
  for (PetscInt i = 0; i < n; ++i) points[count[bin_of(line, work[i].x)]++] = work[i];
  for (PetscInt b = 0, first = 0; b < bins; first = count[b++])
    sort_few(count[b] - first, points + first);
}

/* ------------------------------------------------------------------ quantile functions */

/* int |a + (b - a) s| ds over [0, 1] */
static PetscReal mean_size(PetscReal a, PetscReal b) {
  const PetscReal size = fabs(a) + fabs(b);
  if (a * b >= 0) return 0.5 * size;
  return 0.5 * (a * a + b * b) / size;
}

/* int (a + (b - a) s)^2 ds over [0, 1] */
static PetscReal mean_square(PetscReal a, PetscReal b) {
  return (a * a + a * b + b * b) / 3;
}

static void compare_quantiles(const MuLineMeasure *line, PetscInt n, const MuPoint *p,
                              MuLineDistances *d) {
  PetscReal level = 0, u = 0;
  PetscInt bin = 0;
  for (PetscInt i = 0; i < n; ++i) {
    level = i + 1 == n ? 1 : level + p[i].w;
    while (u < level) {
      while (bin < line->n && line->below[bin + 1] <= u) ++bin;
      if (bin == line->n) return;
      const PetscReal mass = line->below[bin + 1] - line->below[bin];
      const PetscReal next = PetscMin(level, line->below[bin + 1]);
      const PetscReal left = line->lower + bin * line->width - p[i].x;
      const PetscReal a = left + (u - line->below[bin]) / mass * line->width;
      const PetscReal b = left + (next - line->below[bin]) / mass * line->width;
      d->w1 += (next - u) * mean_size(a, b);
      d->w2_squared += (next - u) * mean_square(a, b);
      u = next;
    }
  }
}

/* ------------------------------------------------------------------ distribution functions */

static PetscReal distribution(const MuLineMeasure *line, PetscReal x) {
  const PetscReal u = (x - line->lower) / line->width;
  if (u <= 0) return 0;
  if (u >= line->n) return 1;
  const PetscInt bin = (PetscInt)u;
  return line->below[bin] + (u - bin) * (line->below[bin + 1] - line->below[bin]);
}

/* int (F_0 - level)^2 dx from x to y. */
static PetscReal integrate_square(const MuLineMeasure *line, PetscReal x, PetscReal y,
                                  PetscReal level) {
  const PetscReal upper = line->lower + line->n * line->width;
  PetscReal sum = 0;
  if (x < line->lower) sum += (PetscMin(y, line->lower) - x) * level * level;
  if (y > upper) sum += (y - PetscMax(x, upper)) * PetscSqr(1 - level);
  x = PetscMax(x, line->lower);
  y = PetscMin(y, upper);
  if (!(x < y)) return sum;
  PetscReal before = distribution(line, x) - level;
  for (PetscInt bin = (PetscInt)((x - line->lower) / line->width); x < y && bin < line->n; ++bin) {
    const PetscReal next = PetscMin(y, line->lower + (bin + 1) * line->width);
    const PetscReal here = distribution(line, next) - level;
    if (next > x) sum += (next - x) * mean_square(before, here);
    before = here;
    x = next;
  }
  return sum;
}

static void compare_distributions(const MuLineMeasure *line, PetscInt n, const MuPoint *p,
                                  MuLineDistances *d) {
  const PetscReal upper = line->lower + line->n * line->width;
  PetscReal level = 0;
  d->cramer += integrate_square(line, PetscMin(line->lower, p[0].x), p[0].x, 0);
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal there = distribution(line, p[i].x);
    const PetscReal after = i + 1 == n ? 1 : level + p[i].w;
    d->kolmogorov = PetscMax(d->kolmogorov, PetscMax(fabs(there - level), fabs(there - after)));
    level = after;
    d->cramer +=
        integrate_square(line, p[i].x, i + 1 < n ? p[i + 1].x : PetscMax(upper, p[i].x), level);
  }
}

void MuLineMeasureCompare(const MuLineMeasure *line, PetscInt n, const MuPoint *points,
                          MuLineDistances *d) {
  *d = (MuLineDistances){0};
  compare_quantiles(line, n, points, d);
  compare_distributions(line, n, points, d);
}

PetscReal MuLineMeasureSpread(const MuLineMeasure *line) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < line->n; ++i) {
    const PetscReal a = line->below[i], b = line->below[i + 1];
    sum += 0.5 * (a + b) - mean_square(a, b);
  }
  return 2 * line->width * sum;
}
