/* Distances between clouds and densities: against direct formulas and brute-force quadrature on
   tiny clouds, and what samples of the density itself have. */
#include "measure/mixture.h"
#include "support.h"

#include <gsl/gsl_rng.h>
#include <string.h>

/* ------------------------------------------------------------------ a comparison and its values */

static MuComparison create(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                           const PetscReal upper[2], const PetscReal *density, const char *kernel,
                           PetscReal bandwidth, PetscInt directions) {
  MuComparisonSpec spec;
  MuComparison c;
  MuComparisonSpecDefault(&spec);
  spec.dim = dim;
  for (PetscInt a = 0; a < dim; ++a) {
    spec.cells[a] = cells[a];
    spec.lower[a] = lower[a];
    spec.upper[a] = upper[a];
  }
  strcpy(spec.kernel.type, kernel);
  spec.kernel.bandwidth = bandwidth;
  spec.directions = directions;
  OK(MuComparisonCreate(MPI_COMM_WORLD, &spec, &c));
  OK(MuComparisonSetReference(c, density));
  return c;
}

static PetscInt index_of(MuComparison c, const char *metric) {
  const char *const *names;
  const PetscBool *squared;
  PetscInt count;
  OK(MuComparisonGetMetrics(c, &count, &names, &squared));
  for (PetscInt i = 0; i < count; ++i)
    if (strcmp(names[i], metric) == 0) return i;
  ck_abort_msg("there is no metric %s", metric);
  return -1;
}

static PetscReal value_of(MuComparison c, PetscInt n, const PetscReal *x, const PetscReal *w,
                          const char *metric) {
  PetscReal values[MU_MAX_METRICS];
  OK(MuComparisonEvaluate(c, n, x, w, values));
  return values[index_of(c, metric)];
}

static void check_value(MuComparison c, PetscInt n, const PetscReal *x, const PetscReal *w,
                        const char *metric, PetscReal expected, PetscReal tolerance) {
  const PetscReal value = value_of(c, n, x, w, metric);
  ck_assert_msg(fabs(value - expected) <= tolerance, "%s is %.15g, not %.15g within %g", metric,
                value, expected, tolerance);
}

/* ------------------------------------------------------------------ one point */

/* Uniform on [0, 1] against a point at x: integrals by hand. */
START_TEST(a_point_against_the_uniform_density) {
  const PetscInt cells[2] = {7, 1};
  const PetscReal lower[2] = {0}, upper[2] = {1}, w[1] = {1};
  const PetscReal density[7] = {2, 2, 2, 2, 2, 2, 2};
  MuComparison c = create(1, cells, lower, upper, density, "gaussian", 0.3, 1);
  for (PetscReal x = 0; x <= 1; x += 0.125) {
    const PetscReal y = 1 - x;
    check_value(c, 1, &x, w, "w1", (x * x + y * y) / 2, 1e-14);
    check_value(c, 1, &x, w, "w2", sqrt((x * x * x + y * y * y) / 3), 1e-14);
    check_value(c, 1, &x, w, "kolmogorov", fmax(x, y), 1e-14);
    check_value(c, 1, &x, w, "energy_distance", x * x + y * y - 1.0 / 3, 1e-14);
    check_value(c, 1, &x, w, "mean_error", fabs(x - 0.5), 1e-14);
    check_value(c, 1, &x, w, "covariance_error", 1.0 / 12, 1e-14);
    check_value(c, 1, &x, w, "histogram_l1", 2 * 6.0 / 7, 1e-14);
  }
  const PetscReal far = 3;
  check_value(c, 1, &far, w, "w1", 2.5, 1e-14);
  check_value(c, 1, &far, w, "w2", sqrt((27.0 - 8) / 3), 1e-14);
  check_value(c, 1, &far, w, "kolmogorov", 1, 1e-14);
  check_value(c, 1, &far, w, "energy_distance", 5 - 1.0 / 3, 1e-13);
  check_value(c, 1, &far, w, "histogram_l1", 2, 1e-14);
  OK(MuComparisonDestroy(&c));
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* ------------------------------------------------------------------ brute force on the line */

/* A density and a cloud as many points of small mass: what the oracles work on. */
typedef struct {
  PetscInt n;
  PetscReal *x, *w;
} Cloud;

static Cloud new_cloud(PetscInt n) {
  return (Cloud){n, malloc(sizeof(PetscReal) * (size_t)n), malloc(sizeof(PetscReal) * (size_t)n)};
}

static void free_cloud(Cloud *c) {
  free(c->x);
  free(c->w);
}

/* Position of point i on [0, 1]: at the middles of n equal parts, or two Gauss points in each of
   n/2 parts. */
static PetscReal node(PetscInt i, PetscInt n, PetscBool gauss) {
  if (!gauss) return (i + 0.5) / n;
  return (2 * (i / 2) + 1 + (i % 2 ? 1 : -1) / sqrt(3.0)) / n;
}

/* parts points per cell. */
static Cloud scatter_line(PetscInt cells, PetscReal lower, PetscReal upper,
                          const PetscReal *density, PetscInt parts, PetscBool gauss) {
  Cloud c = new_cloud(cells * parts);
  PetscReal total = 0;
  for (PetscInt i = 0; i < cells; ++i) total += density[i];
  for (PetscInt i = 0; i < c.n; ++i) {
    c.x[i] = lower + (upper - lower) * node(i, c.n, gauss);
    c.w[i] = density[i / parts] / total / parts;
  }
  return c;
}

/* sum_ij a_i b_j f(|x_i - y_j|) */
static PetscReal double_sum(const Cloud *a, const Cloud *b, PetscInt dim,
                            PetscReal (*f)(void *ctx, PetscReal r), void *ctx) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < a->n; ++i) {
    PetscReal row = 0;
    if (a->w[i] == 0) continue;
    for (PetscInt j = 0; j < b->n; ++j) {
      PetscReal r2 = 0;
      for (PetscInt d = 0; d < dim; ++d) r2 += PetscSqr(a->x[i * dim + d] - b->x[j * dim + d]);
      row += b->w[j] * f(ctx, sqrt(r2));
    }
    sum += a->w[i] * row;
  }
  return sum;
}

static PetscReal distance(void *ctx, PetscReal r) {
  (void)ctx;
  return -r;
}

static PetscReal kernel_value(void *ctx, PetscReal r) {
  PetscReal value = 0;
  return MuKernelEvaluate(ctx, r, &value) ? NAN
                                          : value; /* Check writes every assertion to a file */
}

/* int |Q_a - Q_b|^p du by walking through both sorted clouds. */
static PetscReal transport(const Cloud *a, const Cloud *b, int p) {
  PetscReal sum = 0, left_a = a->w[0], left_b = b->w[0];
  PetscInt i = 0, j = 0;
  while (i < a->n && j < b->n) {
    const PetscReal step = fmin(left_a, left_b);
    sum += step * pow(fabs(a->x[i] - b->x[j]), p);
    left_a -= step;
    left_b -= step;
    if (left_a <= 0 && ++i < a->n) left_a = a->w[i];
    if (left_b <= 0 && ++j < b->n) left_b = b->w[j];
  }
  return sum;
}

static const PetscReal line_density[6] = {1, 0, 4, 2, 0, 0.25};
static PetscReal line_x[6] = {-0.75, -0.2, 0.35, 0.35, 0.61, 1.4}; /* sorted; two beyond the box */
static PetscReal line_w[6] = {0.1, 0.25, 0.2, 0.05, 0.4, 0};

/* The oracle replaces a cell by 4000 points: an error of their spacing 5e-5 in W1, W2, and its
   square elsewhere. */
START_TEST(a_tiny_cloud_on_the_line) {
  const PetscInt cells[2] = {6, 1};
  const PetscReal lower[2] = {-0.5}, upper[2] = {0.7};
  MuComparison c = create(1, cells, lower, upper, line_density, "gaussian", 0.3, 1);
  Cloud pi = scatter_line(6, -0.5, 0.7, line_density, 4000, PETSC_FALSE);
  Cloud mu = {6, line_x, line_w};
  const PetscReal shuffled[6] = {0.61, 0.35, 1.4, -0.75, 0.35, -0.2};
  const PetscReal weights[6] = {0.4, 0.05, 0, 0.1, 0.2, 0.25};
  PetscReal kolmogorov = 0, below = 0;
  check_value(c, 6, line_x, line_w, "w1", transport(&mu, &pi, 1), 5e-5);
  check_value(c, 6, line_x, line_w, "w2", sqrt(transport(&mu, &pi, 2)), 5e-5);
  for (PetscInt i = 0; i < 6; ++i) {
    PetscReal f = 0;
    for (PetscInt j = 0; j < pi.n && pi.x[j] < line_x[i]; ++j) f += pi.w[j];
    kolmogorov = fmax(kolmogorov, fmax(fabs(f - below), fabs(f - below - line_w[i])));
    below += line_w[i];
  }
  check_value(c, 6, line_x, line_w, "kolmogorov", kolmogorov, 2e-4);
  check_value(c, 6, shuffled, weights, "w2", value_of(c, 6, line_x, line_w, "w2"), 1e-14);
  check_value(c, 6, shuffled, weights, "kolmogorov", value_of(c, 6, line_x, line_w, "kolmogorov"),
              1e-14);
  free_cloud(&pi);
  pi = scatter_line(6, -0.5, 0.7, line_density, 500, PETSC_FALSE);
  const PetscReal energy = double_sum(&mu, &mu, 1, distance, NULL) -
                           2 * double_sum(&mu, &pi, 1, distance, NULL) +
                           double_sum(&pi, &pi, 1, distance, NULL);
  check_value(c, 6, line_x, line_w, "energy_distance", energy, 2e-6);
  PetscReal mean[2] = {0}, square[2] = {0};
  for (PetscInt i = 0; i < 6; ++i) mean[0] += line_w[i] * line_x[i];
  for (PetscInt i = 0; i < 6; ++i) square[0] += line_w[i] * PetscSqr(line_x[i] - mean[0]);
  for (PetscInt i = 0; i < pi.n; ++i) mean[1] += pi.w[i] * pi.x[i];
  for (PetscInt i = 0; i < pi.n; ++i) square[1] += pi.w[i] * PetscSqr(pi.x[i] - mean[1]);
  check_value(c, 6, line_x, line_w, "mean_error", fabs(mean[0] - mean[1]), 1e-12);
  check_value(c, 6, line_x, line_w, "covariance_error", fabs(square[0] - square[1]), 1e-6);
  /* the cells hold 4, 0, 16, 8, 0, 1 of 29 of pi, and 0, 0.25, 0, 0, 0.25, 0.4 of mu; 0.1 outside
   */
  check_value(c, 6, line_x, line_w, "histogram_l1",
              28.0 / 29 + 0.25 + 0.25 + (0.4 - 1.0 / 29) + 0.1, 1e-12);
  free_cloud(&pi);
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* ------------------------------------------------------------------ kernels */

/* mmd2 by sums over Gauss points, two per part of a cell and axis: exact to the tolerance where the
   kernel is smooth, and a part of the spacing off where it has a kink at 0 (matern, riesz).
   Relative to k(0), or to what the kernel is at the size of the box for riesz. */
static void check_mmd(PetscInt dim, const PetscInt cells[2], const PetscReal upper[2],
                      const PetscReal *density, const Cloud *pi, const Cloud *mu,
                      const char *kernel, PetscReal bandwidth, PetscReal tolerance) {
  const PetscReal lower[2] = {0, 0};
  MuComparison c = create(dim, cells, lower, upper, density, kernel, bandwidth, 2);
  MuKernelSpec spec;
  MuKernel k;
  PetscReal scale;
  MuKernelSpecDefault(&spec);
  strcpy(spec.type, kernel);
  spec.bandwidth = bandwidth;
  OK(MuKernelCreate(&spec, dim, &k));
  OK(MuKernelEvaluate(k, 0, &scale));
  if (scale == 0) scale = 1 / bandwidth;
  const PetscReal expected = double_sum(mu, mu, dim, kernel_value, k) -
                             2 * double_sum(mu, pi, dim, kernel_value, k) +
                             double_sum(pi, pi, dim, kernel_value, k);
  const PetscReal value = value_of(c, mu->n, mu->x, mu->w, "mmd2");
  ck_assert_msg(fabs(value - expected) <= tolerance * scale,
                "%s, h = %g: %.12g, not %.12g, k(0) %g", kernel, bandwidth, value, expected, scale);
  OK(MuKernelDestroy(&k));
  OK(MuComparisonDestroy(&c));
}

START_TEST(mmd_on_the_line) {
  const PetscInt cells[2] = {6, 1};
  const PetscReal upper[2] = {1.2};
  PetscReal x[5] = {0.01, 0.2, 0.555, 1.19, 2.9}, w[5] = {0.1, 0.2, 0.3, 0.3, 0.1};
  const Cloud mu = {5, x, w};
  Cloud pi = scatter_line(6, 0, 1.2, line_density, 60, PETSC_TRUE);
  check_mmd(1, cells, upper, line_density, &pi, &mu, "gaussian", 0.3, 1e-7);
  check_mmd(1, cells, upper, line_density, &pi, &mu, "gaussian", 0.05, 1e-5);
  check_mmd(1, cells, upper, line_density, &pi, &mu, "imq", 0.2, 1e-6);
  free_cloud(&pi);
  pi = scatter_line(6, 0, 1.2, line_density, 300, PETSC_TRUE);
  check_mmd(1, cells, upper, line_density, &pi, &mu, "wendland", 0.4, 1e-6);
  check_mmd(1, cells, upper, line_density, &pi, &mu, "matern", 0.2, 1e-6);
  check_mmd(1, cells, upper, line_density, &pi, &mu, "riesz", 1, 2e-6);
  free_cloud(&pi);
}
END_TEST

static Cloud scatter_plane(const PetscInt cells[2], const PetscReal upper[2],
                           const PetscReal *density, PetscInt parts, PetscBool gauss) {
  const PetscInt nx = cells[0] * parts, ny = cells[1] * parts;
  Cloud c = {nx * ny, malloc(2 * sizeof(PetscReal) * (size_t)(nx * ny)),
             malloc(sizeof(PetscReal) * (size_t)(nx * ny))};
  PetscReal total = 0;
  for (PetscInt i = 0; i < cells[0] * cells[1]; ++i) total += density[i] * parts * parts;
  for (PetscInt i = 0; i < c.n; ++i) {
    c.x[2 * i] = upper[0] * node(i % nx, nx, gauss);
    c.x[2 * i + 1] = upper[1] * node(i / nx, ny, gauss);
    c.w[i] = density[i / nx / parts * cells[0] + i % nx / parts] / total;
  }
  return c;
}

static const PetscInt plane_cells[2] = {4, 3};
static const PetscReal plane_upper[2] = {1, 1.2};
static const PetscReal plane_density[12] = {1, 0, 2, 1, 3, 1, 0, 0, 0, 1, 0.5, 4};
static PetscReal plane_x[10] = {0.1, 0.2, 0.5, 1.1, 0.9, 0.9, 0.26, 0.5, 0.77, 0.03};
static PetscReal plane_w[5] = {0.2, 0.3, 0.1, 0.15, 0.25};

START_TEST(mmd_and_energy_distance_in_the_plane) {
  const PetscReal lower[2] = {0, 0};
  const Cloud mu = {5, plane_x, plane_w};
  Cloud pi = scatter_plane(plane_cells, plane_upper, plane_density, 10, PETSC_TRUE);
  MuComparison c = create(2, plane_cells, lower, plane_upper, plane_density, "gaussian", 0.3, 2);
  check_mmd(2, plane_cells, plane_upper, plane_density, &pi, &mu, "gaussian", 0.3, 2e-6);
  check_mmd(2, plane_cells, plane_upper, plane_density, &pi, &mu, "imq", 0.4, 2e-6);
  check_mmd(2, plane_cells, plane_upper, plane_density, &pi, &mu, "matern", 0.4, 1e-4);
  const PetscReal energy = double_sum(&mu, &mu, 2, distance, NULL) -
                           2 * double_sum(&mu, &pi, 2, distance, NULL) +
                           double_sum(&pi, &pi, 2, distance, NULL);
  check_value(c, 5, plane_x, plane_w, "energy_distance", energy, 2e-4);
  free_cloud(&pi);
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* k * pi at points of the line in closed form: for the distance |z| it is piecewise quadratic. A
   uniform density on [0, 1] in 5 cells against n points of equal weight and equal distance: mmd2
   with riesz is the energy distance 1/(6 n^2), which shows the spline's error. */
START_TEST(the_floor_of_mmd_is_far_below_samples) {
  enum { N = 400 };
  const PetscInt cells[2] = {5, 1};
  const PetscReal lower[2] = {0}, upper[2] = {1}, density[5] = {1, 1, 1, 1, 1};
  PetscReal x[N], w[N];
  MuComparison c = create(1, cells, lower, upper, density, "riesz", 1, 1);
  for (int i = 0; i < N; ++i) {
    x[i] = (i + 0.5) / N;
    w[i] = 1.0 / N;
  }
  check_value(c, N, x, w, "energy_distance", 1.0 / (6.0 * N * N), 1e-14);
  check_value(c, N, x, w, "mmd2", 1.0 / (6.0 * N * N), 0.01 / (6.0 * N * N));
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* ------------------------------------------------------------------ sliced distances */

static int compare_pairs(const void *a, const void *b) {
  const PetscReal x = *(const PetscReal *)a, y = *(const PetscReal *)b;
  return (x > y) - (x < y);
}

/* The cloud projected on a direction, sorted. */
static Cloud project(const Cloud *c, PetscReal cosine, PetscReal sine) {
  PetscReal(*pair)[2] = malloc(sizeof *pair * (size_t)c->n);
  Cloud p = new_cloud(c->n);
  for (PetscInt i = 0; i < c->n; ++i) {
    pair[i][0] = cosine * c->x[2 * i] + sine * c->x[2 * i + 1];
    pair[i][1] = c->w[i];
  }
  qsort(pair, (size_t)c->n, sizeof *pair, compare_pairs);
  for (PetscInt i = 0; i < c->n; ++i) {
    p.x[i] = pair[i][0];
    p.w[i] = pair[i][1];
  }
  free(pair);
  return p;
}

/* One direction is along y, where the projection is a marginal; of three, pi/6, pi/2 and 5 pi/6,
   the others are oblique. The oracle's points are 1/160 of a cell apart. */
START_TEST(sliced_distances) {
  const PetscReal lower[2] = {0, 0}, marginal[3] = {4, 4, 5.5};
  const PetscInt rows[2] = {3, 1};
  const PetscReal end[2] = {1.2};
  const Cloud mu = {5, plane_x, plane_w};
  PetscReal y[5], sum[2] = {0};
  MuComparison c = create(2, plane_cells, lower, plane_upper, plane_density, "gaussian", 0.3, 1);
  MuComparison line = create(1, rows, lower, end, marginal, "gaussian", 0.3, 1);
  for (int i = 0; i < 5; ++i) y[i] = plane_x[2 * i + 1];
  /* bins of a sixteenth of a cell, and 1.2/64 at least: the edges of the cells fall on edges or
     into bins whose mass is exact */
  check_value(c, 5, plane_x, plane_w, "sliced_w1", value_of(line, 5, y, plane_w, "w1"), 1e-3);
  check_value(c, 5, plane_x, plane_w, "sliced_w2", value_of(line, 5, y, plane_w, "w2"), 1e-3);
  OK(MuComparisonDestroy(&line));
  OK(MuComparisonDestroy(&c));
  c = create(2, plane_cells, lower, plane_upper, plane_density, "gaussian", 0.3, 3);
  Cloud pi = scatter_plane(plane_cells, plane_upper, plane_density, 80, PETSC_FALSE);
  for (int k = 0; k < 3; ++k) {
    const PetscReal angle = PETSC_PI * (k + 0.5) / 3;
    Cloud a = project(&mu, cos(angle), sin(angle)), b = project(&pi, cos(angle), sin(angle));
    for (int p = 1; p <= 2; ++p) sum[p - 1] += transport(&a, &b, p) / 3;
    free_cloud(&a);
    free_cloud(&b);
  }
  check_value(c, 5, plane_x, plane_w, "sliced_w1", sum[0], 2e-4);
  check_value(c, 5, plane_x, plane_w, "sliced_w2", sqrt(sum[1]), 2e-4);
  free_cloud(&pi);
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* ------------------------------------------------------------------ expected values */

/* m clouds of n samples of the reference itself: the means of all metrics within 4 standard errors
   of the expected values, and their standard deviations within a factor. */
static void check_expected(MuComparison c, PetscInt dim, const PetscInt cells[2],
                           const PetscReal lower[2], const PetscReal upper[2],
                           const PetscReal *density, PetscInt replicates, PetscInt n, PetscInt m) {
  PetscReal mean[MU_MAX_METRICS], sd[MU_MAX_METRICS], v[MU_MAX_METRICS];
  PetscReal sum[MU_MAX_METRICS] = {0}, squares[MU_MAX_METRICS] = {0};
  PetscReal *x = malloc(sizeof *x * (size_t)(n * dim)), *w = malloc(sizeof *w * (size_t)n);
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  const char *const *names;
  const PetscBool *squared;
  PetscInt count;
  MuSampler s;
  gsl_rng_set(rng, 12345);
  OK(MuComparisonGetMetrics(c, &count, &names, &squared));
  OK(MuComparisonExpect(c, n, mean, sd));
  OK(MuSamplerCreate(dim, cells, lower, upper, density, &s));
  for (PetscInt i = 0; i < n; ++i) w[i] = 1.0 / n;
  for (PetscInt k = 0; k < m; ++k) {
    OK(MuSamplerDraw(s, rng, PETSC_FALSE, n, x));
    OK(MuComparisonEvaluate(c, n, x, w, v));
    for (PetscInt i = 0; i < count; ++i) {
      sum[i] += v[i] / m;
      squares[i] += v[i] * v[i] / m;
    }
  }
  for (PetscInt i = 0; i < count; ++i) {
    const PetscReal error = sd[i] * sqrt(1.0 / m + 1.0 / replicates);
    const PetscReal ratio = sqrt((squares[i] - sum[i] * sum[i]) * m / (m - 1)) / sd[i];
    ck_assert_msg(fabs(sum[i] - mean[i]) <= 4 * error, "%s: %g, not %g within 4 x %g", names[i],
                  sum[i], mean[i], error);
    ck_assert_msg(ratio > 0.5 && ratio < 2, "%s: deviation %g of the expected", names[i], ratio);
  }
  OK(MuSamplerDestroy(&s));
  gsl_rng_free(rng);
  free(x);
  free(w);
}

static MuComparison create_many(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                                const PetscReal upper[2], const PetscReal *density,
                                PetscInt replicates) {
  MuComparisonSpec spec;
  MuComparison c;
  MuComparisonSpecDefault(&spec);
  spec.dim = dim;
  for (PetscInt a = 0; a < dim; ++a) {
    spec.cells[a] = cells[a];
    spec.lower[a] = lower[a];
    spec.upper[a] = upper[a];
  }
  spec.kernel.bandwidth = 0.2;
  spec.directions = 5;
  spec.replicates = replicates;
  OK(MuComparisonCreate(MPI_COMM_WORLD, &spec, &c));
  OK(MuComparisonSetReference(c, density));
  return c;
}

START_TEST(own_samples_have_the_expected_values) {
  const PetscInt cells[2] = {6, 1}, replicates = TestQuick() ? 40 : 100;
  const PetscReal lower[2] = {-0.5}, upper[2] = {0.7}, origin[2] = {0, 0};
  MuComparison c = create_many(1, cells, lower, upper, line_density, replicates);
  check_expected(c, 1, cells, lower, upper, line_density, replicates, 100, replicates);
  OK(MuComparisonDestroy(&c));
  c = create_many(2, plane_cells, origin, plane_upper, plane_density, replicates);
  check_expected(c, 2, plane_cells, origin, plane_upper, plane_density, replicates, 60, replicates);
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* Closed forms: E|X - X'| = 1/3 and mean 0.5 of the uniform density. */
START_TEST(expected_values_in_closed_form) {
  const PetscInt cells[2] = {9, 1};
  const PetscReal lower[2] = {0}, upper[2] = {1}, density[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  PetscReal mean[MU_MAX_METRICS], sd[MU_MAX_METRICS];
  MuComparison c = create(1, cells, lower, upper, density, "riesz", 1, 1);
  OK(MuComparisonExpect(c, 50, mean, sd));
  ck_assert_double_eq_tol(mean[index_of(c, "energy_distance")], 1.0 / 150, 1e-15);
  ck_assert_double_eq_tol(mean[index_of(c, "mmd2")], 1.0 / 150, 1e-12);
  /* h(x, y) = -|x - y| + E|x - Y| + E|y - Y| - 1/3, its moments by quadrature */
  PetscReal square = 0, diagonal = 0, average = 0;
  for (int i = 0; i < 400; ++i)
    for (int j = 0; j < 400; ++j) {
      const PetscReal x = (i + 0.5) / 400, y = (j + 0.5) / 400;
      const PetscReal a = (x * x + PetscSqr(1 - x)) / 2, b = (y * y + PetscSqr(1 - y)) / 2;
      square += PetscSqr(-fabs(x - y) + a + b - 1.0 / 3) / 160000;
      if (i != j) continue;
      average += (2 * a - 1.0 / 3) / 400;
      diagonal += PetscSqr(2 * a - 1.0 / 3) / 400;
    }
  const PetscReal exact =
      sqrt((diagonal - average * average) / (50.0 * 50 * 50) + 2 * 49 / (50.0 * 50 * 50) * square);
  ck_assert_double_eq_tol(sd[index_of(c, "mmd2")] / exact, 1, 0.05); /* 16384 pairs */
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* ------------------------------------------------------------------ domains */

START_TEST(points_outside_are_counted) {
  const PetscReal x[12] = {0.1, 0.1, 1, 1.2, -0.01, 0.5, 0.6, 0.5, 0.5, 1.21, 0.3, 0.1};
  const PetscReal w[6] = {0.1, 0.2, 0.3, 0.15, 0.05, 0.2};
  unsigned char mask[12];
  PetscReal mass;
  PetscInt count;
  MuComparisonSpec spec;
  MuComparison c;
  MuComparisonSpecDefault(&spec);
  spec.dim = 2;
  for (int a = 0; a < 2; ++a) {
    spec.cells[a] = plane_cells[a];
    spec.upper[a] = plane_upper[a];
  }
  for (int i = 0; i < 12; ++i) mask[i] = plane_density[i] > 0;
  spec.mask = mask;
  spec.kernel.bandwidth = 0.2;
  OK(MuComparisonCreate(MPI_COMM_WORLD, &spec, &c));
  OK(MuComparisonCountOutside(c, 6, x, w, &count, &mass));
  ck_assert_int_eq(count, 4); /* left of the box, in two cells of no density, above the box */
  ck_assert_double_eq_tol(mass, 0.3 + 0.15 + 0.05 + 0.2, 1e-15);
  OK(MuComparisonDestroy(&c));
  spec.periodic[0] = spec.periodic[1] = PETSC_TRUE; /* -0.01 is 0.99, 1.21 is 0.01 */
  OK(MuComparisonCreate(MPI_COMM_WORLD, &spec, &c));
  OK(MuComparisonCountOutside(c, 6, x, w, &count, &mass));
  ck_assert_int_eq(count, 3 + (plane_density[7] > 0 ? -1 : 0));
  OK(MuComparisonDestroy(&c));
}
END_TEST

/* All ranks have the bits of rank 0. */
START_TEST(ranks_agree) {
  const PetscReal lower[2] = {0, 0};
  PetscReal values[3 * MU_MAX_METRICS] = {0}, first[3 * MU_MAX_METRICS];
  MuComparison c = create(2, plane_cells, lower, plane_upper, plane_density, "gaussian", 0.3, 4);
  OK(MuComparisonEvaluate(c, 5, plane_x, plane_w, values));
  OK(MuComparisonExpect(c, 30, values + MU_MAX_METRICS, values + 2 * MU_MAX_METRICS));
  memcpy(first, values, sizeof values);
  MPI_Bcast(first, 3 * MU_MAX_METRICS, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  ck_assert(memcmp(first, values, sizeof values) == 0);
  OK(MuComparisonDestroy(&c));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("compare");
  TCase *clouds = tcase_create("clouds");
  tcase_set_timeout(clouds, 0);
  tcase_add_test(clouds, a_point_against_the_uniform_density);
  tcase_add_test(clouds, a_tiny_cloud_on_the_line);
  tcase_add_test(clouds, mmd_on_the_line);
  tcase_add_test(clouds, mmd_and_energy_distance_in_the_plane);
  tcase_add_test(clouds, the_floor_of_mmd_is_far_below_samples);
  tcase_add_test(clouds, sliced_distances);
  tcase_add_test(clouds, own_samples_have_the_expected_values);
  tcase_add_test(clouds, expected_values_in_closed_form);
  tcase_add_test(clouds, points_outside_are_counted);
  tcase_add_test(clouds, ranks_agree);
  suite_add_tcase(suite, clouds);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
