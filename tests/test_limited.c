/* The limited mean of the density over a face: a slow oracle, positivity, order, fronts,
 * oscillations. */
#include "flow_support.h"

enum { MOST = 128 };

typedef struct {
  const char *what;
  PetscInt dim, cells[2];
  PetscBool periodic[2];
  PetscBool masked;
} Domain;

static const Domain domains[] = {
    {"a line", 1, {17, 1}, {PETSC_FALSE, PETSC_FALSE}, PETSC_FALSE},
    {"a circle", 1, {9, 1}, {PETSC_TRUE, PETSC_FALSE}, PETSC_FALSE},
    {"a line with a gap", 1, {20, 1}, {PETSC_TRUE, PETSC_FALSE}, PETSC_TRUE},
    {"a plane with obstacles", 2, {9, 7}, {PETSC_FALSE, PETSC_FALSE}, PETSC_TRUE},
    {"a tube with obstacles", 2, {10, 5}, {PETSC_TRUE, PETSC_FALSE}, PETSC_TRUE},
    {"a torus", 2, {5, 6}, {PETSC_TRUE, PETSC_TRUE}, PETSC_FALSE},
    {"two columns", 2, {2, 8}, {PETSC_TRUE, PETSC_TRUE}, PETSC_FALSE},
};
enum { DOMAINS = sizeof domains / sizeof *domains };

typedef struct {
  const Domain *domain;
  MuGrid grid;
  unsigned char mask[MOST];
  PetscInt n;
} Bench;

static void bench_create(const Domain *domain, Bench *b) {
  MuGridSpec spec = {.dim = domain->dim, .upper = {1, 2}};
  *b = (Bench){.domain = domain, .n = domain->cells[0] * domain->cells[1]};
  for (PetscInt a = 0; a < domain->dim; ++a) {
    spec.cells[a] = domain->cells[a];
    spec.periodic[a] = domain->periodic[a];
  }
  for (PetscInt i = 0; i < b->n; ++i) b->mask[i] = !domain->masked || i % 11 != 6;
  if (domain->masked) spec.mask = b->mask;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &b->grid));
}

/* The neighbour of cell i, or i itself behind a wall. */
static PetscInt neighbour(const Bench *b, PetscInt i, PetscInt axis, PetscInt step) {
  const Domain *d = b->domain;
  PetscInt at[2] = {i % d->cells[0], i / d->cells[0]}, j;
  at[axis] += step;
  if (at[axis] < 0 || at[axis] >= d->cells[axis]) {
    if (!d->periodic[axis]) return i;
    at[axis] = (at[axis] + d->cells[axis]) % d->cells[axis];
  }
  j = at[1] * d->cells[0] + at[0];
  return b->mask[j] ? j : i;
}

/* The density on the face of `donor` that lies in the direction of `step`, from the five cells
   around: Lagrange's polynomials of degree two and four in the averages. */
static PetscReal plain_mean(const Bench *b, const PetscReal *rho, PetscInt donor, PetscInt axis,
                            PetscInt step) {
  const PetscInt back = neighbour(b, donor, axis, -step), next = neighbour(b, donor, axis, step);
  const PetscReal r0 = rho[neighbour(b, back, axis, -step)], r1 = rho[back], r2 = rho[donor];
  const PetscReal r3 = rho[next], r4 = rho[neighbour(b, next, axis, step)];
  const PetscReal behind = r2 - r1, ahead = r3 - r2;
  if (back == donor || next == donor || behind * ahead <= 0) return r2;
  const PetscReal three = (-r1 + 5 * r2 + 2 * r3) / 6 - r2;
  const PetscReal five = (2 * r0 - 13 * r1 + 47 * r2 + 27 * r3 - 3 * r4) / 60 - r2;
  const PetscReal x = (five - three) / three;
  const PetscReal t = 2 * behind * ahead / (behind * behind + ahead * ahead);
  const PetscReal rise = three * (1 + x / (1 + 4 * x * x)) * (1 - pow(1 - t, 3));
  return r2 + (fabs(rise) < fabs(ahead) ? rise : ahead);
}

static MuGeometry limited_geometry(MuGrid grid, Vec rho) {
  TestFlowSpec spec = {.grid = grid, .geometry = {"wasserstein"}, .mean = MU_MEAN_LIMITED};
  MuGeometry geometry = TestGeometry(&spec);
  OK(MuGeometrySetState(geometry, rho));
  return geometry;
}

/* Positive numbers over `decades` decades, the same on any number of ranks, and some zeros. */
static Vec rough_density(MuGrid grid, unsigned seed, PetscReal decades) {
  Vec rho = TestRandomField(grid, seed, -decades, 0);
  const MuGridInfo *info;
  PetscReal *r;
  OK(MuGridGetInfo(grid, &info));
  OK(VecGetArray(rho, &r));
  for (PetscInt i = 0; i < info->local_size; ++i)
    r[i] = r[i] < -0.9 * decades || !info->mask[i] ? 0 : pow(10, r[i]);
  OK(VecRestoreArray(rho, &r));
  return rho;
}

/* K xi, and R* and R of xi, for which K is that of the donors of xi. */
START_TEST(the_donor_with_a_limited_slope) {
  for (PetscInt d = 0; d < DOMAINS; ++d) {
    Bench b;
    bench_create(&domains[d], &b);
    const MuGridInfo *info;
    OK(MuGridGetInfo(b.grid, &info));
    for (unsigned seed = 1; seed <= 4; ++seed) {
      Vec rho = rough_density(b.grid, seed, seed < 3 ? 0.5 : 12), image, twice;
      Vec xi = TestRandomField(b.grid, seed + 10, -1, 1);
      OK(MuGridApplyMask(b.grid, xi));
      MuGeometry geometry = limited_geometry(b.grid, rho);
      OK(VecDuplicate(xi, &image));
      OK(VecDuplicate(xi, &twice));
      OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, image));
      PetscReal *r = TestGather(b.grid, rho), *x = TestGather(b.grid, xi);
      PetscReal *y = TestGather(b.grid, image);
      for (PetscInt i = 0; i < b.n; ++i) {
        PetscReal sum = 0;
        for (PetscInt axis = 0; axis < domains[d].dim && b.mask[i]; ++axis)
          for (PetscInt step = -1; step <= 1; step += 2) {
            const PetscInt j = neighbour(&b, i, axis, step);
            const PetscBool leaves = (PetscBool)(x[i] > x[j] || (x[i] == x[j] && step > 0));
            const PetscReal mean =
                leaves ? plain_mean(&b, r, i, axis, step) : plain_mean(&b, r, j, axis, -step);
            sum += mean * (x[i] - x[j]) / (info->spacing[axis] * info->spacing[axis]);
          }
        ck_assert_msg(fabs(y[i] - sum) < 1e-11 * (1 + fabs(sum)), "%s, cell %d: %g, not %g",
                      domains[d].what, (int)i, y[i], sum);
      }
      PetscReal dual, primal;
      OK(MuGridInner(b.grid, xi, image, &dual));
      OK(MuGeometryPrimal(geometry, image, xi, image, &primal));
      ck_assert_double_eq_tol(primal, dual / 2, 1e-12 * dual);
      OK(VecScale(xi, 3));
      OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, twice));
      OK(VecScale(image, 3));
      ck_assert_double_le(TestMaxDifference(image, twice), 1e-12 * 9 * 4 * dual);
      ck_assert_int_eq(MuGeometryFaceMobility(geometry, 0, image), MU_ERR_INPUT);
      free(r);
      free(x);
      free(y);
      OK(MuGeometryDestroy(&geometry));
      OK(VecDestroy(&rho));
      OK(VecDestroy(&xi));
      OK(VecDestroy(&image));
      OK(VecDestroy(&twice));
    }
    OK(MuGridDestroy(&b.grid));
  }
}
END_TEST

/* R of a velocity that is not K of the guess: a dense solve with the mobilities of its donors. */
START_TEST(primal_potential_of_the_same_donors) {
  enum { N = 24 };
  MuGrid grid = TestGrid(1, N, 1, 0, 1, PETSC_FALSE);
  Vec rho = TestRandomField(grid, 3, 0.2, 1), xi = TestRandomField(grid, 4, -1, 1), image, v;
  MuGeometry geometry = limited_geometry(grid, rho);
  OK(VecDuplicate(xi, &image));
  v = TestRandomField(grid, 5, -1, 1);
  PetscReal mass, primal, expected = 0, flux = 0;
  OK(MuGridIntegrate(grid, v, &mass));
  OK(VecShift(v, -mass));
  OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, image));
  OK(MuGeometryPrimal(geometry, v, xi, image, &primal));
  OK(MuGeometrySetDirection(geometry, xi));
  OK(MuGeometryFaceMean(geometry, 0, image));
  /* in 1-D the flux is an integral of v, and R = 1/2 int flux^2/mobility */
  PetscReal *m = TestGather(grid, image), *rate = TestGather(grid, v);
  for (PetscInt i = 1; i < N; ++i) {
    flux += rate[i - 1] / N;
    expected += 0.5 * flux * flux / m[i] / N;
  }
  ck_assert_double_eq_tol(primal, expected, 1e-8 * expected);
  free(m);
  free(rate);
  OK(MuGeometryDestroy(&geometry));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&xi));
  OK(VecDestroy(&image));
  OK(VecDestroy(&v));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Over hundreds of decades and at empty cells, whichever cell is the donor: between the densities
   on both sides, to the donor's rounding, and at most 3.5 times the donor. */
START_TEST(a_mean_lies_between_its_neighbours) {
  static const PetscReal decades[] = {0.3, 3, 30, 340};
  for (PetscInt d = 0; d < DOMAINS; ++d)
    for (size_t k = 0; k < sizeof decades / sizeof *decades; ++k)
      for (unsigned seed = 0; seed < 20; ++seed) {
        Bench b;
        bench_create(&domains[d], &b);
        Vec rho = rough_density(b.grid, seed, decades[k]), mean;
        Vec xi = TestRandomField(b.grid, seed + 100, -1, 1);
        MuGeometry geometry = limited_geometry(b.grid, rho);
        OK(VecDuplicate(xi, &mean));
        OK(MuGeometrySetDirection(geometry, xi));
        PetscReal *r = TestGather(b.grid, rho), *x = TestGather(b.grid, xi);
        for (PetscInt axis = 0; axis < domains[d].dim; ++axis) {
          OK(MuGeometryFaceMean(geometry, axis, mean));
          PetscReal *m = TestGather(b.grid, mean);
          for (PetscInt i = 0; i < b.n; ++i) {
            const PetscInt j = neighbour(&b, i, axis, -1);
            if (j == i || !b.mask[i]) {
              ck_assert(m[i] == 0);
              continue;
            }
            const PetscReal low = fmin(r[i], r[j]), high = fmax(r[i], r[j]);
            const PetscReal donor = x[i] > x[j] ? r[i] : r[j];
            ck_assert_msg(m[i] >= 0 && m[i] <= 3.5 * donor * (1 + 1e-15), "mean %g, donor %g", m[i],
                          donor);
            ck_assert(m[i] >= low - 1e-15 * donor && m[i] <= high * (1 + 1e-15));
          }
          free(m);
        }
        free(r);
        free(x);
        OK(MuGeometryDestroy(&geometry));
        OK(VecDestroy(&rho));
        OK(VecDestroy(&xi));
        OK(VecDestroy(&mean));
        OK(MuGridDestroy(&b.grid));
      }
}
END_TEST

/* ------------------------------------------------------------------ the order */

/* Average of N(mean, variance) over a cell of width h around x. */
static PetscReal gaussian_average(PetscReal x, PetscReal h, PetscReal mean, PetscReal variance) {
  const PetscReal s = 1 / sqrt(2 * variance);
  return (erf((x + h / 2 - mean) * s) - erf((x - h / 2 - mean) * s)) / (2 * h);
}

static PetscReal start(PetscReal x, PetscReal h) {
  return gaussian_average(x, h, 0.8, 0.3);
}

static PetscReal target(PetscReal x, PetscReal h) {
  return 0.5 * gaussian_average(x, h, -1.2, 0.4) + 0.5 * gaussian_average(x, h, 1.2, 0.5);
}

/* A density of mass one on the line, or its logarithm. */
static Vec averages(MuGrid grid, PetscReal (*f)(PetscReal x, PetscReal h), PetscBool logarithm) {
  const MuGridInfo *info;
  PetscReal *a, x[2];
  Vec rho;
  OK(MuGridGetInfo(grid, &info));
  OK(MuGridCreateField(grid, &rho));
  OK(VecGetArray(rho, &a));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    OK(MuGridCellCentre(grid, i, x));
    a[i] = f(x[0], info->spacing[0]);
  }
  OK(VecRestoreArray(rho, &a));
  TestNormalise(grid, rho);
  if (logarithm) OK(VecLog(rho));
  return rho;
}

/* Interaction-force transport of the MMD energy on n cells, at t = 2. */
static PetscReal *force_transport(PetscInt n, MuMean mean) {
  MuGrid grid = TestGrid(1, n, 1, -4, 4, PETSC_FALSE);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"mmd"},
                       .geometry = {"wasserstein", "mmd"},
                       .geometry_weight = {4, 0.2},
                       .spherical = PETSC_TRUE,
                       .mean = mean,
                       .kernel = TestKernel(1, "gaussian", 0.4, MU_EXTENSION_ZERO),
                       .log_target = averages(grid, target, PETSC_TRUE),
                       .scheme = "extrapolation",
                       .tolerance = 1e-6,
                       .step = 2,
                       .end = 2};
  Vec initial = averages(grid, start, PETSC_FALSE), rho = TestFlowRun(&spec, initial);
  PetscReal *all = TestGather(grid, rho);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&spec.log_target));
  OK(MuKernelDestroy(&spec.kernel));
  OK(MuGridDestroy(&grid));
  return all;
}

/* In L1, against the averages of a finer solution. */
static PetscReal distance(PetscInt n, const PetscReal *coarse, PetscInt fine, const PetscReal *f) {
  const PetscInt ratio = fine / n;
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal mean = 0;
    for (PetscInt k = 0; k < ratio; ++k) mean += f[i * ratio + k] / ratio;
    sum += fabs(coarse[i] - mean) * 8 / n;
  }
  return sum;
}

START_TEST(drift_is_of_second_order) {
  const PetscInt most = TestQuick() ? 960 : 1920;
  PetscReal *reference = force_transport(most, MU_MEAN_LIMITED), error[3];
  for (PetscInt k = 0; k < 3; ++k) {
    PetscReal *rho = force_transport(120 << k, MU_MEAN_LIMITED);
    error[k] = distance(120 << k, rho, most, reference);
    free(rho);
  }
  PetscReal *upwind = force_transport(240, MU_MEAN_UPWIND);
  const PetscReal first = distance(240, upwind, most, reference);
  ck_assert_msg(log2(error[1] / error[2]) >= 1.8, "errors %g, %g, %g: order %g", error[0], error[1],
                error[2], log2(error[1] / error[2]));
  ck_assert_double_le(error[2], 2e-4);
  ck_assert_double_le(error[1], first / 5);
  free(upwind);
  free(reference);
}
END_TEST

/* ------------------------------------------------------------------ fronts */

static PetscReal box(PetscReal x, PetscReal h) {
  return fabs(x) < 1 + h / 4 ? 0.5 : 0;
}

/* A box that the potential x^2/2 draws together: 1/2 e^t on |x| < e^-t. */
static PetscReal error_of_box(MuMean mean, PetscReal *largest, PetscReal *outside) {
  enum { N = 160 };
  MuGrid grid = TestGrid(1, N, 1, -2, 2, PETSC_FALSE);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"potential"},
                       .geometry = {"wasserstein"},
                       .mean = mean,
                       .scheme = "extrapolation",
                       .tolerance = 1e-4,
                       .step = 1,
                       .end = log(2)};
  Vec initial = averages(grid, box, PETSC_FALSE), rho = TestFlowRun(&spec, initial);
  PetscReal *r = TestGather(grid, rho), error = 0;
  *largest = *outside = 0;
  for (PetscInt i = 0; i < N; ++i) {
    const PetscReal x = -2 + (i + 0.5) * 4 / N, exact = fabs(x) < 0.5 ? 1 : 0;
    error += fabs(r[i] - exact) * 4 / N;
    *largest = fmax(*largest, r[i]);
    if (fabs(x) > 0.5 + 4 * 4.0 / N) *outside += r[i] * 4 / N;
  }
  free(r);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
  return error;
}

START_TEST(fronts_stay_sharp) {
  PetscReal largest[2], outside[2];
  const PetscReal limited = error_of_box(MU_MEAN_LIMITED, &largest[0], &outside[0]);
  const PetscReal upwind = error_of_box(MU_MEAN_UPWIND, &largest[1], &outside[1]);
  ck_assert_msg(limited < upwind / 3, "limited %g, upwind %g", limited, upwind);
  ck_assert_double_le(largest[0], 1 + 1e-3); /* no overshoot: the tolerance of the steps */
  ck_assert_msg(outside[0] < 1e-3 && outside[0] < outside[1] / 10, "outside: %g, %g", outside[0],
                outside[1]);
}
END_TEST

/* ------------------------------------------------------------------ oscillations */

static PetscReal two_wells(PetscReal x, PetscReal y) {
  return 4 * ((x * x - 1) * (x * x - 1) + y * y / 2 + 0.3 * x * y);
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return exp(-8 * ((x - 1) * (x - 1) + (y - 0.5) * (y - 0.5)));
}

/* Local minima with more than 1e-4 of the maximum, beyond rounding. */
static PetscInt count_minima(PetscInt n, const PetscReal *r) {
  PetscReal largest = 0;
  PetscInt count = 0;
  for (PetscInt i = 0; i < n * n; ++i) largest = fmax(largest, r[i]);
  for (PetscInt y = 1; y < n - 1; ++y)
    for (PetscInt x = 1; x < n - 1; ++x) {
      const PetscInt i = y * n + x;
      const PetscReal lowest = fmin(fmin(r[i - 1], r[i + 1]), fmin(r[i - n], r[i + n]));
      if (r[i] > 1e-4 * largest && r[i] < lowest * (1 - 1e-9)) ++count;
    }
  return count;
}

/* A kernel narrower than a cell, for which the drift is as rough as the density: no step is
   rejected and no minimum arises between the two wells that the density goes to. */
START_TEST(narrow_kernels_bring_no_oscillations) {
  const PetscInt n = TestQuick() ? 64 : 128;
  MuGrid grid = TestGrid(2, n, n, -3, 3, PETSC_FALSE);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"mmd"},
                       .geometry = {"wasserstein", "mmd"},
                       .mean = MU_MEAN_LIMITED,
                       .kernel = TestKernel(2, "gaussian", 0.05, MU_EXTENSION_ZERO),
                       .log_target = TestLogTarget(grid, two_wells),
                       .step = 0.01,
                       .end = 0.5};
  Vec initial = TestField(grid, bump), rho;
  TestNormalise(grid, initial);
  MuFlow flow = TestFlowCreate(&spec, initial);
  PetscInt rejected;
  PetscReal time;
  OK(MuFlowAdvance(flow, spec.end));
  OK(MuFlowGetSteps(flow, NULL, &rejected));
  OK(MuFlowGetState(flow, &time, &rho));
  PetscReal *r = TestGather(grid, rho);
  ck_assert_int_eq(rejected, 0);
  ck_assert_int_eq(count_minima(n, r), 0);
  free(r);
  OK(MuFlowDestroy(&flow));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&spec.log_target));
  OK(MuKernelDestroy(&spec.kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("limited");
  TCase *t = tcase_create("limited");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, the_donor_with_a_limited_slope);
  tcase_add_test(t, primal_potential_of_the_same_donors);
  tcase_add_test(t, a_mean_lies_between_its_neighbours);
  tcase_add_test(t, drift_is_of_second_order);
  tcase_add_test(t, fronts_stay_sharp);
  tcase_add_test(t, narrow_kernels_bring_no_oscillations);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
