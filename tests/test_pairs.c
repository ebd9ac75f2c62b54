/* What particle methods need: radial kernels in any dimension, sums over pairs, weights on the
   simplex, mixtures; against direct formulas, long double loops, quadrature and enumeration. */
#include "measure/mixture.h"
#include "particles/pairs.h"
#include "support.h"

#include <gsl/gsl_rng.h>
#include <string.h>

/* ------------------------------------------------------------------ support */

static const struct {
  const char *type;
  PetscReal parameter;
} families[] = {{"gaussian", 1}, {"matern", 0.5}, {"matern", 1.5}, {"matern", 2.5}, {"bessel", 2},
                {"bessel", 3.5}, {"imq", 1},      {"wendland", 1}, {"riesz", 1},    {"riesz", 1.4}};
enum { FAMILIES = sizeof families / sizeof families[0] };

static MuRadial make_radial(const char *type, PetscReal parameter, PetscReal bandwidth,
                            PetscBool peak, PetscInt dim) {
  MuKernelSpec spec;
  MuRadial radial;
  MuKernelSpecDefault(&spec);
  strcpy(spec.type, type);
  spec.bandwidth = bandwidth;
  spec.parameter[0] = parameter;
  if (!strcmp(type, "bessel") && parameter < 0.5 * dim + 0.5) spec.parameter[0] += 0.5 * dim;
  if (peak) spec.normalization = MU_NORMALIZATION_PEAK;
  OK(MuRadialCreate(&spec, dim, &radial));
  return radial;
}

static PetscReal *uniform(gsl_rng *rng, PetscInt count, PetscReal low, PetscReal high) {
  PetscReal *x = malloc(sizeof(PetscReal) * (size_t)count);
  for (PetscInt i = 0; i < count; ++i) x[i] = low + (high - low) * gsl_rng_uniform(rng);
  return x;
}

static PetscReal *zeros(PetscInt count) {
  return calloc((size_t)count, sizeof(PetscReal));
}

/* Without the record that every assertion of Check writes. */
static void kernel_at(MuRadial radial, PetscReal r2, PetscReal *value, PetscReal *slope) {
  if (MuRadialEvaluate(radial, r2, value, slope)) ck_abort_msg("%s", MuErrorMessage());
}

static PetscReal distance2(PetscInt dim, const PetscReal *x, const PetscReal *y) {
  PetscReal sum = 0;
  for (PetscInt a = 0; a < dim; ++a) sum += PetscSqr(x[a] - y[a]);
  return sum;
}

/* ------------------------------------------------------------------ radial kernels */

START_TEST(radial_kernels_are_the_kernels_of_the_grid) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      MuRadial radial = make_radial(families[i].type, families[i].parameter, 0.7, PETSC_FALSE, dim);
      const MuKernelSpec *spec;
      MuKernel kernel;
      OK(MuRadialGetSpec(radial, &spec, NULL));
      OK(MuKernelCreate(spec, dim, &kernel));
      for (PetscReal r = 0; r < 6; r += 0.0173) {
        PetscReal expected, value;
        OK(MuKernelEvaluate(kernel, r, &expected));
        kernel_at(radial, r * r, &value, NULL);
        /* sqrt(r^2) and the exponent's rounding, up to t^2/2 = 36 times machine epsilon */
        ck_assert_msg(fabs(value - expected) <= 5e-14 * fabs(expected), "%s %g %d-D r %g: %g %g",
                      families[i].type, families[i].parameter, (int)dim, r, value, expected);
      }
      OK(MuKernelDestroy(&kernel));
      OK(MuRadialDestroy(&radial));
    }
}
END_TEST

/* The image of a unit mass in the middle cell of a fine grid, away from the kink or the singularity
   that k may have at 0: averages over pairs of cells, so that the error is O(spacing^2). */
static void compare_with_weights(const MuKernelSpec *spec, MuRadial radial, PetscInt dim) {
  const PetscInt n = dim == 1 ? 801 : 161, rows = dim == 1 ? 1 : n;
  const PetscReal half = dim == 1 ? 4 : 2, spacing = 2 * half / n, quarter = 0.0625;
  MuGrid grid = TestGrid(dim, n, rows, -half, half, PETSC_FALSE);
  Vec field;
  MuKernel kernel;
  MuConvolution convolution;
  const MuGridInfo *info;
  PetscReal scale, expected, *x;

  OK(MuGridGetInfo(grid, &info));
  OK(MuKernelCreate(spec, dim, &kernel));
  OK(MuConvolutionCreate(grid, kernel, MU_CELLS, &convolution));
  OK(MuGridCreateField(grid, &field));
  OK(VecGetArray(field, &x));
  const PetscInt middle = rows / 2 * n + n / 2 - info->first_row * info->row_length;
  if (middle >= 0 && middle < info->local_size) x[middle] = 1 / info->volume;
  OK(VecRestoreArray(field, &x));
  OK(MuConvolutionApply(convolution, field, field));
  PetscReal *image = TestGather(grid, field);
  kernel_at(radial, quarter, &scale, NULL);
  for (PetscInt i = 0; i < n * rows; ++i) {
    const PetscReal r2 = PetscSqr(spacing) * (PetscSqr(i % n - n / 2) + PetscSqr(i / n - rows / 2));
    if (r2 < 0.04) continue;
    kernel_at(radial, r2, &expected, NULL);
    ck_assert_msg(fabs(image[i] - expected) <= 20 * PetscSqr(spacing) * fabs(scale),
                  "%s in %d-D at r = %g: grid %g, particles %g", spec->type, (int)dim, sqrt(r2),
                  image[i], expected);
  }
  free(image);
  OK(VecDestroy(&field));
  OK(MuConvolutionDestroy(&convolution));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}

/* Nothing here knows a name: a kernel that is added to the table is asked too. */
START_TEST(every_kernel_is_one_on_the_grid_and_between_particles) {
  const char *name, *formula;
  PetscInt compared = 0, rows = 0;
  for (;; ++rows) {
    OK(MuKernelGetTableRow(rows, &name, &formula));
    if (!name) break;
    for (PetscInt dim = 1; dim <= 2; ++dim) {
      MuKernelSpec spec;
      MuRadial radial;
      MuKernel kernel;
      PetscReal peak, expected, value;
      MuKernelSpecDefault(&spec);
      strcpy(spec.type, name);
      spec.bandwidth = 0.5;
      spec.extension = MU_EXTENSION_ZERO;
      OK(MuKernelCreate(&spec, dim, &kernel));
      OK(MuKernelEvaluate(kernel, 0, &peak));
      if (isinf(peak)) { /* particles refuse it */
        ck_assert_int_eq(MuRadialCreate(&spec, dim, &radial), MU_ERR_INPUT);
        OK(MuKernelDestroy(&kernel));
        continue;
      }
      OK(MuRadialCreate(&spec, dim, &radial));
      for (PetscReal r = 0; r < 4; r += 0.0173) {
        OK(MuKernelEvaluate(kernel, r, &expected));
        kernel_at(radial, r * r, &value, NULL);
        ck_assert_msg(fabs(value - expected) <= 5e-14 * fabs(expected), "%s %d-D r %g: %g %g", name,
                      (int)dim, r, value, expected);
      }
      compare_with_weights(&spec, radial, dim);
      ++compared;
      OK(MuRadialDestroy(&radial));
      OK(MuKernelDestroy(&kernel));
    }
  }
  ck_assert_int_ge(compared, 2 * rows - 1); /* bessel of order 1 is infinite at 0 in the plane */
}
END_TEST

/* Central differences: the error falls by 4 when the step is halved, to the rounding of k. */
START_TEST(slopes_are_derivatives) {
  const PetscInt dims[] = {1, 2, 3, 5, 40};
  for (PetscInt d = 0; d < 5; ++d)
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      MuRadial radial =
          make_radial(families[i].type, families[i].parameter, 0.9, PETSC_FALSE, dims[d]);
      PetscReal peak;
      kernel_at(radial, families[i].type[0] == 'r' ? 1 : 0, &peak, NULL);
      for (PetscReal r = 0.21; r < 3; r += 0.23) {
        PetscReal error[2], slope, up, down;
        kernel_at(radial, r * r, NULL, &slope);
        for (PetscInt k = 0; k < 2; ++k) {
          const PetscReal step = k ? 1e-3 : 2e-3;
          kernel_at(radial, PetscSqr(r + step), &up, NULL);
          kernel_at(radial, PetscSqr(r - step), &down, NULL);
          error[k] = fabs((up - down) / (2 * step) - slope * r) / fabs(peak);
        }
        ck_assert_msg(error[1] <= 0.27 * error[0] + 1e-11, "%s %g %d-D r %g: %g %g",
                      families[i].type, families[i].parameter, (int)dims[d], r, error[0], error[1]);
        ck_assert(error[1] < 1e-2); /* wendland in 40-D has slopes of 20 per bandwidth */
      }
      OK(MuRadialDestroy(&radial));
    }
}
END_TEST

/* Integral over R^3 of a mass-normalized kernel: midpoint sums of 4 pi r^2 k in r = e^u. */
START_TEST(mass_in_three_dimensions) {
  for (PetscInt i = 0; i < FAMILIES; ++i) {
    if (families[i].type[0] == 'r' || families[i].type[0] == 'i') continue;
    MuRadial radial = make_radial(families[i].type, families[i].parameter, 0.6, PETSC_FALSE, 3);
    const PetscReal step = 1e-3;
    PetscReal sum = 0, value;
    for (PetscReal u = -16; u < 4; u += step) {
      const PetscReal r = exp(u);
      kernel_at(radial, r * r, &value, NULL);
      sum += 4 * PETSC_PI * r * r * r * value * step;
    }
    ck_assert_msg(fabs(sum - 1) < 1e-9, "%s: %.15g", families[i].type, sum);
    OK(MuRadialDestroy(&radial));
  }
}
END_TEST

/* In 1-D and 3-D bessel of half-integer nu is elementary: exp(-r) and (1 + r) exp(-r) over 8 pi. */
START_TEST(bessel_closed_forms) {
  MuRadial radial = make_radial("bessel", 2, 1, PETSC_FALSE, 3);
  for (PetscReal r = 0; r < 5; r += 0.31) {
    PetscReal value, slope;
    kernel_at(radial, r * r, &value, &slope);
    ck_assert(fabs(value - exp(-r) / (8 * PETSC_PI)) < 1e-15);
    if (r > 0) ck_assert(fabs(slope + exp(-r) / (8 * PETSC_PI * r)) < 1e-14 / r);
  }
  OK(MuRadialDestroy(&radial));
}
END_TEST

/* Wendland functions are positive definite in the dimension that they were made for. */
START_TEST(wendland_has_the_power_of_its_dimension) {
  const PetscInt dims[] = {1, 3, 4, 10}, powers[] = {4, 4, 5, 8};
  for (PetscInt i = 0; i < 4; ++i) {
    MuRadial radial = make_radial("wendland", 1, 2, PETSC_TRUE, dims[i]);
    PetscReal value;
    kernel_at(radial, 1, &value, NULL);
    ck_assert(fabs(value - pow(0.5, powers[i]) * (0.5 * powers[i] + 1)) < 1e-15);
    OK(MuRadialDestroy(&radial));
  }
}
END_TEST

START_TEST(bad_radial_kernels_are_refused) {
  MuKernelSpec spec;
  MuRadial radial;
  MuKernelSpecDefault(&spec);
  strcpy(spec.type, "bessel");
  spec.bandwidth = 1;
  spec.parameter[0] = 1;
  ck_assert_int_eq(MuRadialCreate(&spec, 2, &radial), MU_ERR_INPUT);
  ck_assert(strstr(MuErrorMessage(), "kernel_order: 1 ") && strstr(MuErrorMessage(), "above 1"));
  ck_assert_ptr_null(radial);
  strcpy(spec.type, "gaussian");
  spec.bandwidth = 0;
  ck_assert_int_eq(MuRadialCreate(&spec, 5, &radial), MU_ERR_INPUT);
  spec.bandwidth = 1e10;
  ck_assert_int_eq(MuRadialCreate(&spec, 100, &radial), MU_ERR_INPUT);
  ck_assert(strstr(MuErrorMessage(), "peak"));
  ck_assert_int_eq(MuRadialCreate(&spec, 0, &radial), MU_ERR_INPUT);
}
END_TEST

/* ------------------------------------------------------------------ sums over pairs */

/* The slow, obvious sums; error relative to sum_j |w_j k|, and to sum_j |w_j slope| |y - x|. */
static void check_sums(MuRadial radial, PetscInt dim, PetscInt n, const PetscReal *x,
                       PetscInt columns, const PetscReal *w, PetscInt m, const PetscReal *y,
                       const PetscReal *sums, const PetscReal *gradient, PetscReal tolerance) {
  for (PetscInt i = 0; i < m; ++i) {
    for (PetscInt c = 0; c < columns; ++c) {
      long double sum = 0, size = 0;
      for (PetscInt j = 0; j < n; ++j) {
        PetscReal value;
        kernel_at(radial, distance2(dim, x + j * dim, y + i * dim), &value, NULL);
        sum += (long double)w[j * columns + c] * value;
        size += fabs(w[j * columns + c] * value);
      }
      ck_assert_msg(fabsl(sums[i * columns + c] - sum) <= tolerance * size, "%d: %.17g %.17Lg",
                    (int)i, sums[i * columns + c], sum);
    }
    for (PetscInt a = 0; a < dim; ++a) {
      long double sum = 0, size = 0;
      for (PetscInt j = 0; j < n; ++j) {
        const PetscReal r2 = distance2(dim, x + j * dim, y + i * dim);
        PetscReal slope;
        kernel_at(radial, r2, NULL, &slope);
        sum += (long double)w[j * columns] * slope * (y[i * dim + a] - x[j * dim + a]);
        size += fabs(w[j * columns] * slope) * sqrt(r2);
      }
      ck_assert_msg(fabsl(gradient[i * dim + a] - sum) <= tolerance * size, "%d: %.17g %.17Lg",
                    (int)i, gradient[i * dim + a], sum);
    }
  }
}

/* All families, few and many dimensions, one and several columns, sizes that fill no block. */
START_TEST(sums_are_direct_sums) {
  const PetscInt dims[] = {1, 2, 3, 5, 40}, n = 613, m = TestQuick() ? 9 : 45;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  for (PetscInt d = 0; d < 5; ++d) {
    const PetscInt dim = dims[d];
    PetscReal *x = uniform(rng, n * dim, -1, 1), *y = uniform(rng, m * dim, -1.3, 1.3);
    PetscReal *w = uniform(rng, n * 3, -1, 1), *sums = zeros(m * 3), *gradient = zeros(m * dim);
    memcpy(y, x + 7 * dim, sizeof(PetscReal) * (size_t)dim); /* a pair of equal points */
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      MuRadial radial =
          make_radial(families[i].type, families[i].parameter, 0.5 * sqrt(dim), PETSC_FALSE, dim);
      MuPairs pairs;
      OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
      OK(MuPairsApply(pairs, n, x, w, m, y, sums, gradient));
      check_sums(radial, dim, n, x, 1, w, m, y, sums, gradient, 4e-14);
      OK(MuPairsApplyColumns(pairs, n, x, 3, w, m, y, sums, gradient));
      check_sums(radial, dim, n, x, 3, w, m, y, sums, gradient, 4e-14);
      OK(MuPairsDestroy(&pairs));
      OK(MuRadialDestroy(&radial));
    }
    free(x), free(y), free(w), free(sums), free(gradient);
  }
  gsl_rng_free(rng);
}
END_TEST

/* Far from the origin and in tight clusters, where |x|^2 + |y|^2 - 2 x.y loses its digits. */
START_TEST(distances_do_not_cancel) {
  const PetscInt dim = 30, n = 200;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  PetscReal *x = uniform(rng, n * dim, -1e-3, 1e-3), *w = uniform(rng, n, 0, 1);
  PetscReal *sums = zeros(n), *gradient = zeros(n * dim);
  for (PetscInt i = 0; i < n * dim; ++i) x[i] += 1e3 + (i / dim % 2 ? 50 : 0);
  for (PetscInt f = 0; f < 2; ++f) {
    MuRadial radial = make_radial(f ? "matern" : "gaussian", 0.5, 2e-3, PETSC_TRUE, dim);
    MuPairs pairs;
    OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
    OK(MuPairsApply(pairs, n, x, w, n, x, sums, gradient));
    check_sums(radial, dim, n, x, 1, w, n, x, sums, gradient, 1e-10);
    OK(MuPairsDestroy(&pairs));
    OK(MuRadialDestroy(&radial));
  }
  free(x), free(w), free(sums), free(gradient);
  gsl_rng_free(rng);
}
END_TEST

START_TEST(outputs_may_be_left_out) {
  const PetscInt dim = 20, n = 100;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  PetscReal *x = uniform(rng, n * dim, -1, 1), *w = uniform(rng, n, 0, 1);
  PetscReal *s1 = zeros(n), *s2 = zeros(n), *g1 = zeros(n * dim), *g2 = zeros(n * dim);
  for (PetscInt d = 2; d <= dim; d += dim - 2) {
    MuRadial radial = make_radial("gaussian", 1, 1, PETSC_TRUE, d);
    MuPairs pairs;
    OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
    OK(MuPairsApply(pairs, n, x, w, n, x, s1, g1));
    OK(MuPairsApply(pairs, n, x, w, n, x, s2, NULL));
    OK(MuPairsApply(pairs, n, x, w, n, x, NULL, g2));
    for (PetscInt i = 0; i < n; ++i) ck_assert(fabs(s1[i] - s2[i]) <= 1e-14 * s1[i]);
    for (PetscInt i = 0; i < n * d; ++i) ck_assert(fabs(g1[i] - g2[i]) <= 1e-13);
    OK(MuPairsDestroy(&pairs));
    OK(MuRadialDestroy(&radial));
  }
  free(x), free(w), free(s1), free(s2), free(g1), free(g2);
  gsl_rng_free(rng);
}
END_TEST

/* Every rank has the same bits, and they are those of one rank alone up to rounding. */
START_TEST(ranks_agree) {
  const PetscInt n = 301;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  for (PetscInt dim = 2; dim <= 20; dim += 18) {
    MuRadial radial = make_radial("gaussian", 1, sqrt(dim), PETSC_TRUE, dim);
    PetscReal *x = uniform(rng, n * dim, -1, 1), *w = uniform(rng, n, 0, 1);
    PetscReal *sum[2] = {zeros(n), zeros(n)}, *gradient[2] = {zeros(n * dim), zeros(n * dim)};
    for (PetscInt k = 0; k < 2; ++k) {
      MuPairs pairs;
      OK(MuPairsCreate(k ? MPI_COMM_SELF : MPI_COMM_WORLD, radial, &pairs));
      OK(MuPairsApply(pairs, n, x, w, n, x, sum[k], gradient[k]));
      OK(MuPairsDestroy(&pairs));
    }
    PetscReal worst = 0, first[2] = {sum[0][n - 1], gradient[0][0]};
    for (PetscInt i = 0; i < n; ++i) worst = PetscMax(worst, fabs(sum[0][i] - sum[1][i]));
    for (PetscInt i = 0; i < n * dim; ++i)
      worst = PetscMax(worst, fabs(gradient[0][i] - gradient[1][i]));
    ck_assert_msg(worst <= 1e-15 * n, "%g", worst);
    MPI_Bcast(first, 2, MPIU_REAL, 0, MPI_COMM_WORLD);
    ck_assert(first[0] == sum[0][n - 1] && first[1] == gradient[0][0]);
    OK(MuRadialDestroy(&radial));
    free(x), free(w), free(sum[0]), free(sum[1]), free(gradient[0]), free(gradient[1]);
  }
  gsl_rng_free(rng);
}
END_TEST

/* ------------------------------------------------------------------ fast sums */

/* Largest errors of sum and gradient, in units of sum |w| k(0) and of that over h. */
static void fast_error(MuRadial radial, PetscInt dim, PetscInt n, PetscReal tolerance,
                       PetscReal error[2]) {
  const PetscInt m = 150;
  const MuKernelSpec *spec;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  PetscReal *x = uniform(rng, n * dim, -1, 3), *w = uniform(rng, n, -1, 1);
  PetscReal *y = uniform(rng, m * dim, -1, 3), *sum[2], *gradient[2], size = 0, peak;
  MuPairs pairs;
  OK(MuRadialGetSpec(radial, &spec, NULL));
  kernel_at(radial, 0, &peak, NULL);
  OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
  for (PetscInt i = 0; i < m * dim / 2; ++i) /* half of the targets: where the kernel is largest */
    y[i] = x[i % (n * dim)] + 1e-3 * spec->bandwidth * (i / (n * dim));
  for (PetscInt k = 0; k < 2; ++k) {
    sum[k] = zeros(m);
    gradient[k] = zeros(m * dim);
    OK(MuPairsSetMethod(pairs, k ? MU_PAIRS_FAST : MU_PAIRS_DIRECT, tolerance));
    OK(MuPairsApply(pairs, n, x, w, m, y, sum[k], gradient[k]));
  }
  for (PetscInt j = 0; j < n; ++j) size += fabs(w[j]) * peak;
  error[0] = error[1] = 0;
  for (PetscInt i = 0; i < m; ++i)
    error[0] = PetscMax(error[0], fabs(sum[1][i] - sum[0][i]) / size);
  for (PetscInt i = 0; i < m * dim; ++i)
    error[1] = PetscMax(error[1], fabs(gradient[1][i] - gradient[0][i]) * spec->bandwidth / size);
  OK(MuPairsDestroy(&pairs));
  free(x), free(y), free(w), free(sum[0]), free(sum[1]), free(gradient[0]), free(gradient[1]);
  gsl_rng_free(rng);
}

/* One source shows the error of the kernel itself, many show that of a sum. The bound is not loose
   by more than four digits, so that the error follows the tolerance. */
START_TEST(fast_sums_keep_their_tolerance) {
  static const struct {
    const char *type;
    PetscReal parameter, bandwidth, tolerance;
    PetscInt dim;
  } cases[] = {
      {"gaussian", 1, 0.05, 1e-4, 1}, {"gaussian", 1, 0.05, 1e-6, 1}, {"gaussian", 1, 0.3, 1e-9, 1},
      {"gaussian", 1, 0.1, 1e-4, 2},  {"gaussian", 1, 0.1, 1e-7, 2},  {"gaussian", 1, 3, 1e-10, 2},
      {"gaussian", 1, 30, 1e-7, 2},   {"matern", 2.5, 0.5, 1e-4, 2},  {"matern", 1.5, 0.5, 1e-4, 1},
      {"matern", 2.5, 0.2, 1e-7, 1},  {"bessel", 3, 0.5, 1e-4, 2},    {"wendland", 1, 2, 1e-4, 1}};
  for (PetscInt i = 0; i < (PetscInt)(sizeof cases / sizeof cases[0]); ++i)
    for (PetscInt n = 1; n <= 2000; n += 1999) {
      MuRadial radial = make_radial(cases[i].type, cases[i].parameter, cases[i].bandwidth,
                                    PETSC_FALSE, cases[i].dim);
      PetscReal error[2];
      fast_error(radial, cases[i].dim, n, cases[i].tolerance, error);
      ck_assert_msg(error[0] <= cases[i].tolerance && error[1] <= cases[i].tolerance &&
                        (n > 1 || PetscMax(error[0], error[1]) >= 1e-4 * cases[i].tolerance),
                    "%s %g h %g %d-D, n %d, tolerance %g: errors %g %g", cases[i].type,
                    cases[i].parameter, cases[i].bandwidth, (int)cases[i].dim, (int)n,
                    cases[i].tolerance, error[0], error[1]);
      OK(MuRadialDestroy(&radial));
    }
}
END_TEST

/* Above 10^10 pairs the sum is a fast one: compared with direct sums at a few targets. */
START_TEST(many_points_are_summed_fast) {
  const PetscInt n = 100001, few = 20;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  MuRadial radial = make_radial("gaussian", 1, 0.1, PETSC_TRUE, 2);
  PetscReal *x = uniform(rng, n * 2, -1, 1), *w = uniform(rng, n, 0, 1), *sum = zeros(n);
  PetscReal *direct = zeros(few), worst = 0, size = 0;
  MuPairs pairs;
  OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
  OK(MuPairsApply(pairs, n, x, w, few, x, direct, NULL));
  OK(MuPairsApply(pairs, n, x, w, n, x, sum, NULL));
  for (PetscInt j = 0; j < n; ++j) size += w[j];
  for (PetscInt i = 0; i < few; ++i) worst = PetscMax(worst, fabs(sum[i] - direct[i]));
  ck_assert_msg(worst <= 1e-7 * size && worst > 0, "%g", worst / size);
  OK(MuPairsDestroy(&pairs));
  OK(MuRadialDestroy(&radial));
  free(x), free(w), free(sum), free(direct);
  gsl_rng_free(rng);
}
END_TEST

START_TEST(impossible_fast_sums_are_refused) {
  const PetscReal x[6] = {0, 0, 1, 1, 0, 2}, w[3] = {1, 1, 1};
  const char *types[] = {"riesz", "imq", "matern", "gaussian"};
  PetscReal sum[3];
  for (PetscInt i = 0; i < 4; ++i) {
    MuRadial radial = make_radial(types[i], i == 0 ? 1 : 0.5, i == 3 ? 1e-5 : 1, PETSC_FALSE, 2);
    MuPairs pairs;
    OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
    OK(MuPairsSetMethod(pairs, MU_PAIRS_FAST, 1e-6));
    ck_assert_int_eq(MuPairsApply(pairs, 3, x, w, 3, x, sum, NULL), MU_ERR_INPUT);
    ck_assert(strstr(MuErrorMessage(), types[i]) && strstr(MuErrorMessage(), "direct sums"));
    OK(MuPairsDestroy(&pairs));
    OK(MuRadialDestroy(&radial));
  }
}
END_TEST

/* ------------------------------------------------------------------ simplex */

/* Violation of the optimality conditions in long double. */
static PetscReal violation(MuRadial radial, PetscInt dim, PetscInt n, const PetscReal *x,
                           PetscReal scale, const PetscReal *b, const PetscReal *w) {
  long double *g = calloc((size_t)n, sizeof *g), level = 0, worst = 0, sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    for (PetscInt j = 0; j < n; ++j) {
      PetscReal value;
      kernel_at(radial, distance2(dim, x + i * dim, x + j * dim), &value, NULL);
      g[i] += (long double)scale * value * w[j];
    }
    g[i] -= b[i];
    level += w[i] * g[i];
    sum += w[i];
    ck_assert(w[i] >= 0);
  }
  ck_assert(fabsl(sum - 1) < 1e-14);
  for (PetscInt i = 0; i < n; ++i) {
    if (level - g[i] > worst) worst = level - g[i];
    if (w[i] * (g[i] - level) > worst) worst = w[i] * (g[i] - level);
  }
  free(g);
  return (PetscReal)worst;
}

/* One weight step of an IFT flow towards 80 other points. */
static void weight_step(const char *type, PetscReal parameter, PetscReal bandwidth, PetscInt dim,
                        PetscInt n, PetscReal eta) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  MuRadial radial = make_radial(type, parameter, bandwidth, (PetscBool)(type[0] != 'r'), dim);
  PetscReal *x = uniform(rng, n * dim, -3, 3), *y = uniform(rng, 80 * dim, 0, 4);
  PetscReal *v = zeros(80), *w = uniform(rng, n, 0, 1), *b = zeros(n), *kw = zeros(n), sum = 0;
  MuSimplexReport report;
  MuSimplex simplex;
  MuPairs pairs;
  for (PetscInt i = 0; i < 80; ++i) v[i] = 1.0 / 80;
  for (PetscInt i = 0; i < n; ++i) sum += w[i];
  for (PetscInt i = 0; i < n; ++i) w[i] /= sum;
  OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
  OK(MuSimplexCreate(MPI_COMM_WORLD, radial, &simplex));
  OK(MuPairsApply(pairs, 80, y, v, n, x, b, NULL));
  OK(MuPairsApply(pairs, n, x, w, n, x, kw, NULL));
  for (PetscInt i = 0; i < n; ++i) b[i] += kw[i] / eta;
  OK(MuSimplexSolve(simplex, n, x, 1 + 1 / eta, b, 1e-10, w, &report));
  ck_assert_msg(violation(radial, dim, n, x, 1 + 1 / eta, b, w) <= 1.01e-10 &&
                    report.residual <= 1e-10,
                "%s h %g n %d: %g, reported %g", type, bandwidth, (int)n,
                violation(radial, dim, n, x, 1 + 1 / eta, b, w), report.residual);
  /* the solution as a guess is not touched */
  memcpy(kw, w, sizeof(PetscReal) * (size_t)n);
  OK(MuSimplexSolve(simplex, n, x, 1 + 1 / eta, b, 1e-10, w, &report));
  ck_assert_int_le(report.iterations, 1);
  OK(MuSimplexDestroy(&simplex));
  OK(MuPairsDestroy(&pairs));
  OK(MuRadialDestroy(&radial));
  free(x), free(y), free(v), free(w), free(b), free(kw);
  gsl_rng_free(rng);
}

START_TEST(optimality_conditions_hold) {
  const PetscReal bandwidths[] = {0.1, 0.3, 1, 3, 10};
  const PetscInt sizes[] = {1, 2, 10, 60, TestQuick() ? 100 : 300};
  for (PetscInt i = 0; i < 5; ++i)
    for (PetscInt k = 0; k < 5; ++k) {
      weight_step("gaussian", 1, bandwidths[i], 2, sizes[k], 0.1);
      weight_step("gaussian", 1, bandwidths[i], 1, sizes[k], 0.01);
    }
  for (PetscInt i = 1; i < FAMILIES; ++i) {
    weight_step(families[i].type, families[i].parameter, 1, 2, 100, 0.1);
    weight_step(families[i].type, families[i].parameter, 3, 5, 60, 1);
  }
  weight_step("gaussian", 1, 6, 40, 100, 0.1);
  weight_step("gaussian", 1, 6, 40, TestQuick() ? 310 : 500, 0.1); /* by active sets */
  if (TestQuick()) return;
  weight_step("matern", 0.5, 3, 3, 350, 0.1);
}
END_TEST

/* Gauss elimination with pivoting: a [n][n + 1] to the solution in v. FALSE: singular. */
static PetscBool eliminate(PetscInt n, PetscReal *a, PetscReal *v) {
  for (PetscInt k = 0; k < n; ++k) {
    PetscInt p = k;
    for (PetscInt i = k; i < n; ++i)
      if (fabs(a[i * (n + 1) + k]) > fabs(a[p * (n + 1) + k])) p = i;
    if (fabs(a[p * (n + 1) + k]) < 1e-13) return PETSC_FALSE;
    for (PetscInt j = 0; j <= n; ++j) {
      const PetscReal swap = a[k * (n + 1) + j];
      a[k * (n + 1) + j] = a[p * (n + 1) + j];
      a[p * (n + 1) + j] = swap;
    }
    for (PetscInt i = 0; i < n; ++i) {
      const PetscReal factor = i == k ? 0 : a[i * (n + 1) + k] / a[k * (n + 1) + k];
      for (PetscInt j = k; j <= n; ++j) a[i * (n + 1) + j] -= factor * a[k * (n + 1) + j];
    }
  }
  for (PetscInt k = 0; k < n; ++k) v[k] = a[k * (n + 1) + n] / a[k * (n + 1) + k];
  return PETSC_TRUE;
}

static PetscReal objective(PetscInt n, const PetscReal *k, const PetscReal *b, const PetscReal *w) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    sum -= b[i] * w[i];
    for (PetscInt j = 0; j < n; ++j) sum += 0.5 * w[i] * k[i * n + j] * w[j];
  }
  return sum;
}

/* Every set of positive weights: the stationary point on it, if it is positive. */
static PetscReal best_by_enumeration(PetscInt n, const PetscReal *k, const PetscReal *b,
                                     PetscReal *best_w) {
  PetscReal best = INFINITY, a[9 * 10], v[9], w[8];
  for (PetscInt set = 1; set < 1 << n; ++set) {
    PetscInt index[8], count = 0;
    PetscBool positive = PETSC_TRUE;
    for (PetscInt i = 0; i < n; ++i)
      if (set >> i & 1) index[count++] = i;
    for (PetscInt i = 0; i <= count; ++i)
      for (PetscInt j = 0; j <= count; ++j)
        a[i * (count + 2) + j] =
            i < count && j < count ? k[index[i] * n + index[j]] : (PetscReal)(i != j);
    for (PetscInt i = 0; i < count; ++i) a[i * (count + 2) + count + 1] = b[index[i]];
    a[count * (count + 2) + count + 1] = 1;
    if (!eliminate(count + 1, a, v)) continue;
    for (PetscInt i = 0; i < n; ++i) w[i] = 0;
    for (PetscInt i = 0; i < count; ++i) {
      w[index[i]] = v[i];
      if (v[i] < 0) positive = PETSC_FALSE;
    }
    if (positive && objective(n, k, b, w) < best) {
      best = objective(n, k, b, w);
      memcpy(best_w, w, sizeof(PetscReal) * (size_t)n);
    }
  }
  return best;
}

START_TEST(weights_are_those_of_enumeration) {
  enum { N = 8 };
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  MuRadial radial = make_radial("gaussian", 1, 0.7, PETSC_TRUE, 2);
  PetscInt zero_weights = 0;
  MuSimplex simplex;
  OK(MuSimplexCreate(MPI_COMM_WORLD, radial, &simplex));
  for (PetscInt trial = 0; trial < 20; ++trial) {
    PetscReal *x = uniform(rng, N * 2, 0, 3), *b = uniform(rng, N, 0, 0.5), k[N * N], w[N], best[N];
    for (PetscInt i = 0; i < N; ++i) {
      w[i] = 1.0 / N;
      for (PetscInt j = 0; j < N; ++j)
        kernel_at(radial, distance2(2, x + 2 * i, x + 2 * j), &k[i * N + j], NULL);
    }
    const PetscReal value = best_by_enumeration(N, k, b, best);
    OK(MuSimplexSolve(simplex, N, x, 1, b, 1e-12, w, NULL));
    ck_assert(fabs(objective(N, k, b, w) - value) < 1e-11);
    for (PetscInt i = 0; i < N; ++i) {
      /* 1/2 lambda_min |w - best|^2 <= difference of the values, which is about 1e-11 */
      ck_assert_msg(fabs(w[i] - best[i]) < 1e-4, "%g %g", w[i], best[i]);
      zero_weights += best[i] == 0;
    }
    free(x), free(b);
  }
  ck_assert_int_gt(zero_weights, 20);
  OK(MuSimplexDestroy(&simplex));
  OK(MuRadialDestroy(&radial));
  gsl_rng_free(rng);
}
END_TEST

START_TEST(tolerances_beyond_rounding_are_refused) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  MuRadial radial = make_radial("gaussian", 1, 1, PETSC_TRUE, 2);
  PetscReal *x = uniform(rng, 100, 0, 3);
  PetscInt refused = 0;
  MuSimplex simplex;
  OK(MuSimplexCreate(MPI_COMM_WORLD, radial, &simplex));
  for (PetscInt trial = 0; trial < 10; ++trial) { /* rounding may hit zero now and then */
    PetscReal *b = uniform(rng, 50, 0, 1), *w = uniform(rng, 50, 0, 1);
    PetscErrorCode code = MuSimplexSolve(simplex, 50, x, 1e6, b, 1e-17, w, NULL);
    ck_assert(!code || code == MU_ERR_NUMERICS);
    if (code) ck_assert(strstr(MuErrorMessage(), "weight step") != NULL);
    refused += code != 0;
    free(b), free(w);
  }
  ck_assert_int_gt(refused, 0);
  OK(MuSimplexDestroy(&simplex));
  OK(MuRadialDestroy(&radial));
  free(x);
  gsl_rng_free(rng);
}
END_TEST

/* ------------------------------------------------------------------ mixtures */

static const PetscReal weights2[] = {1, 3}, means2[] = {-1, 0.4, 0.8, -0.2},
                       covariances2[] = {0.5, 0.2, 0.2, 0.3, 0.25, -0.1, -0.1, 0.6};
static const PetscReal means1[] = {-1, 0.7}, covariances1[] = {0.3, 0.5};

static MuMixture mixture_in(PetscInt dim) {
  MuMixture mixture;
  if (dim == 1)
    OK(MuMixtureCreate("target", 1, 2, weights2, means1, covariances1, &mixture));
  else
    OK(MuMixtureCreate("target", 2, 2, weights2, means2, covariances2, &mixture));
  return mixture;
}

/* Points of a uniform lattice on [-8, 8]^dim: sums over it are exact to rounding for Gaussians that
   are wide against the spacing 0.1. */
static PetscInt lattice(PetscInt dim, PetscReal **points, PetscReal *volume) {
  const PetscInt side = 160, n = dim == 1 ? side : side * side;
  *points = zeros(n * dim);
  *volume = dim == 1 ? 0.1 : 0.01;
  for (PetscInt i = 0; i < n; ++i) {
    (*points)[i * dim] = -8 + 0.1 * (i % side + 0.5);
    if (dim == 2) (*points)[i * dim + 1] = -8 + 0.1 * (i / side + 0.5);
  }
  return n;
}

/* density times volume, and the kernel mean by MuPairsApply with these weights */
START_TEST(closed_forms_are_quadrature) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt peak = 0; peak < 2; ++peak) {
      MuMixture mixture = mixture_in(dim);
      MuRadial radial = make_radial("gaussian", 1, 0.7, (PetscBool)peak, dim);
      PetscReal *points, volume, mass = 0, inner = 0, closed;
      const PetscInt n = lattice(dim, &points, &volume), m = n / 7;
      PetscReal *rho = zeros(n), *sum = zeros(n), *gradient = zeros(n * dim);
      PetscReal *mean = zeros(n), *mean_gradient = zeros(n * dim);
      MuPairs pairs;
      OK(MuPairsCreate(MPI_COMM_WORLD, radial, &pairs));
      OK(MuMixtureLogDensity(mixture, n, points, rho, NULL));
      for (PetscInt i = 0; i < n; ++i) mass += rho[i] = exp(rho[i]) * volume;
      ck_assert(fabs(mass - 1) < 1e-12);
      const PetscReal *some = points + 3 * m * dim; /* the middle */
      OK(MuPairsApply(pairs, n, points, rho, m, some, sum, gradient));
      OK(MuMixtureKernelMean(mixture, radial, MPI_COMM_WORLD, n, points, mean, mean_gradient));
      PetscReal worst = 0;
      for (PetscInt i = 0; i < m; ++i) worst = PetscMax(worst, fabs(sum[i] - mean[3 * m + i]));
      for (PetscInt i = 0; i < m * dim; ++i)
        worst = PetscMax(worst, fabs(gradient[i] - mean_gradient[3 * m * dim + i]));
      ck_assert(worst < 1e-12);
      for (PetscInt i = 0; i < n; ++i) inner += rho[i] * mean[i];
      OK(MuMixtureKernelInner(mixture, mixture, radial, &closed));
      ck_assert(fabs(inner - closed) < 1e-12);
      OK(MuPairsDestroy(&pairs));
      OK(MuRadialDestroy(&radial));
      OK(MuMixtureDestroy(&mixture));
      free(points), free(rho), free(sum), free(gradient), free(mean), free(mean_gradient);
    }
}
END_TEST

/* MMD^2 between two mixtures in closed form against quadrature of both measures. */
START_TEST(mmd_between_mixtures_is_quadrature) {
  const PetscReal other_means[] = {0.5, 0.1}, other_covariance[] = {0.7, 0.3, 0.3, 0.8};
  MuRadial radial = make_radial("gaussian", 1, 0.9, PETSC_TRUE, 2);
  MuMixture a = mixture_in(2), b;
  PetscReal *points, volume, aa, ab, bb, mmd2 = 0;
  const PetscInt n = lattice(2, &points, &volume);
  PetscReal *rho = zeros(n), *sigma = zeros(n), *ka = zeros(n), *kb = zeros(n);
  OK(MuMixtureCreate("target", 2, 1, NULL, other_means, other_covariance, &b));
  OK(MuMixtureKernelInner(a, a, radial, &aa));
  OK(MuMixtureKernelInner(a, b, radial, &ab));
  OK(MuMixtureKernelInner(b, b, radial, &bb));
  OK(MuMixtureLogDensity(a, n, points, rho, NULL));
  OK(MuMixtureLogDensity(b, n, points, sigma, NULL));
  OK(MuMixtureKernelMean(a, radial, MPI_COMM_WORLD, n, points, ka, NULL));
  OK(MuMixtureKernelMean(b, radial, MPI_COMM_WORLD, n, points, kb, NULL));
  for (PetscInt i = 0; i < n; ++i) mmd2 += (exp(rho[i]) - exp(sigma[i])) * (ka[i] - kb[i]) * volume;
  ck_assert(fabs(mmd2 - (aa - 2 * ab + bb)) < 1e-13);
  ck_assert(mmd2 > 1e-2);
  OK(MuMixtureDestroy(&a));
  OK(MuMixtureDestroy(&b));
  OK(MuRadialDestroy(&radial));
  free(points), free(rho), free(sigma), free(ka), free(kb);
}
END_TEST

START_TEST(scores_are_derivatives) {
  MuMixture mixture = mixture_in(2);
  const PetscReal step = 1e-4;
  PetscReal x[2] = {0.3, -0.8}, score[2], up, down;
  OK(MuMixtureLogDensity(mixture, 1, x, NULL, score));
  for (PetscInt a = 0; a < 2; ++a) {
    PetscReal y[2] = {x[0], x[1]};
    y[a] = x[a] + step;
    OK(MuMixtureLogDensity(mixture, 1, y, &up, NULL));
    y[a] = x[a] - step;
    OK(MuMixtureLogDensity(mixture, 1, y, &down, NULL));
    ck_assert(fabs((up - down) / (2 * step) - score[a]) < 1e-7);
  }
  x[0] = 1e4; /* the density underflows, its logarithm does not */
  OK(MuMixtureLogDensity(mixture, 1, x, &up, score));
  ck_assert(up < -1e7 && isfinite(up) && score[0] < -1e4 && isfinite(score[1]));
  OK(MuMixtureDestroy(&mixture));
}
END_TEST

/* Mean, covariance and kernel mean of 10^5 samples in 3-D: within 5 standard errors. */
START_TEST(samples_have_the_moments) {
  const PetscReal means[] = {0, 1, -1, 2, 0, 0.5};
  const PetscReal covariances[] = {1, 0.3, 0,   0.3, 0.5, 0.1, 0,   0.1, 0.8,
                                   2, 0,   0.4, 0,   1,   0,   0.4, 0,   0.3};
  const PetscInt n = 100000;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  MuRadial radial = make_radial("gaussian", 1, 0.8, PETSC_TRUE, 3);
  PetscReal *x = zeros(n * 3), mean[3], covariance[9], here[3] = {0.2, 0.6, -0.3}, closed;
  PetscReal sum = 0, squares = 0;
  MuMixture mixture;
  OK(MuMixtureCreate("target", 3, 2, weights2, means, covariances, &mixture));
  OK(MuMixtureMoments(mixture, mean, covariance));
  OK(MuMixtureSample(mixture, rng, n, x));
  for (PetscInt a = 0; a < 3; ++a) {
    PetscReal average = 0;
    for (PetscInt i = 0; i < n; ++i) average += x[i * 3 + a] / n;
    ck_assert(fabs(average - mean[a]) < 5 * sqrt(covariance[4 * a] / n));
    for (PetscInt b = 0; b < 3; ++b) {
      PetscReal product = 0;
      for (PetscInt i = 0; i < n; ++i)
        product += (x[i * 3 + a] - mean[a]) * (x[i * 3 + b] - mean[b]) / n;
      /* products of Gaussians have at most three times the variance of their size */
      ck_assert(fabs(product - covariance[3 * a + b]) <
                5 * sqrt(3 * covariance[4 * a] * covariance[4 * b] / n));
    }
  }
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal value;
    kernel_at(radial, distance2(3, x + 3 * i, here), &value, NULL);
    sum += value / n;
    squares += value * value / n;
  }
  OK(MuMixtureKernelMean(mixture, radial, MPI_COMM_WORLD, 1, here, &closed, NULL));
  ck_assert(fabs(sum - closed) < 5 * sqrt((squares - sum * sum) / n));
  OK(MuMixtureDestroy(&mixture));
  OK(MuRadialDestroy(&radial));
  free(x);
  gsl_rng_free(rng);
}
END_TEST

START_TEST(bad_mixtures_are_refused) {
  const PetscReal indefinite[] = {1, 2, 2, 1}, crooked[] = {1, 0.5, 0.4, 1}, negative[] = {1, -1};
  MuMixture mixture;
  MuRadial radial;
  PetscReal value;
  ck_assert_int_eq(MuMixtureCreate("target", 2, 1, NULL, means2, indefinite, &mixture),
                   MU_ERR_INPUT);
  ck_assert(strstr(MuErrorMessage(), "target_covariances: matrix 1 ") != NULL);
  ck_assert_int_eq(MuMixtureCreate("initial", 2, 1, NULL, means2, crooked, &mixture), MU_ERR_INPUT);
  ck_assert(strstr(MuErrorMessage(), "initial_covariances") != NULL);
  ck_assert_int_eq(MuMixtureCreate("target", 1, 2, negative, means1, covariances1, &mixture),
                   MU_ERR_INPUT);
  ck_assert(strstr(MuErrorMessage(), "target_weights: -1 ") != NULL);
  mixture = mixture_in(2);
  radial = make_radial("imq", 1, 1, PETSC_FALSE, 2);
  ck_assert_int_eq(MuMixtureKernelInner(mixture, mixture, radial, &value), MU_ERR_INPUT);
  ck_assert(strstr(MuErrorMessage(), "kernel_type: 'imq' ") != NULL);
  OK(MuRadialDestroy(&radial));
  OK(MuMixtureDestroy(&mixture));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("pairs");
  TCase *t = tcase_create("pairs");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, radial_kernels_are_the_kernels_of_the_grid);
  tcase_add_test(t, every_kernel_is_one_on_the_grid_and_between_particles);
  tcase_add_test(t, slopes_are_derivatives);
  tcase_add_test(t, mass_in_three_dimensions);
  tcase_add_test(t, bessel_closed_forms);
  tcase_add_test(t, wendland_has_the_power_of_its_dimension);
  tcase_add_test(t, bad_radial_kernels_are_refused);
  tcase_add_test(t, sums_are_direct_sums);
  tcase_add_test(t, distances_do_not_cancel);
  tcase_add_test(t, outputs_may_be_left_out);
  tcase_add_test(t, ranks_agree);
  tcase_add_test(t, fast_sums_keep_their_tolerance);
  if (!TestQuick()) tcase_add_test(t, many_points_are_summed_fast);
  tcase_add_test(t, impossible_fast_sums_are_refused);
  tcase_add_test(t, optimality_conditions_hold);
  tcase_add_test(t, weights_are_those_of_enumeration);
  tcase_add_test(t, tolerances_beyond_rounding_are_refused);
  tcase_add_test(t, closed_forms_are_quadrature);
  tcase_add_test(t, mmd_between_mixtures_is_quadrature);
  tcase_add_test(t, scores_are_derivatives);
  tcase_add_test(t, samples_have_the_moments);
  tcase_add_test(t, bad_mixtures_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
