/* Densities on cells that are wider than what they hold, on axes that close, and beyond walls. */
#include "measure/density_impl.h"
#include "measure/samples.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ set-up */

static MuCells cells_1d(PetscReal lower, PetscReal upper, PetscInt n, PetscBool periodic) {
  return (MuCells){.comm = PETSC_COMM_SELF,
                   .dim = 1,
                   .cells = {n, 1},
                   .lower = {lower},
                   .upper = {upper},
                   .periodic = {periodic},
                   .count = n};
}

static MuCells cells_2d(PetscInt nx, PetscInt ny, PetscReal half_x, PetscReal half_y) {
  return (MuCells){.comm = PETSC_COMM_SELF,
                   .dim = 2,
                   .cells = {nx, ny},
                   .lower = {-half_x, -half_y},
                   .upper = {half_x, half_y},
                   .count = nx * ny};
}

static MuDensitySpec spec_of(const char *type) {
  MuDensitySpec spec;
  MuDensitySpecDefault(&spec);
  spec.block = "initial";
  strcpy(spec.type, type);
  return spec;
}

/* log f of all cells, freed by the caller; the sentences of its doubts in `doubts`, if not NULL. */
static PetscReal *fill(const MuCells *cells, const MuDensitySpec *spec, char doubts[1024]) {
  PetscReal *log_density = malloc(sizeof(PetscReal) * (size_t)cells->count);
  MuDensity density;
  OK(MuDensityCreate(PETSC_COMM_SELF, cells->dim, spec, &density));
  OK(MuDensityFillLogRaw(density, cells, log_density));
  if (doubts) strcpy(doubts, density->doubts);
  OK(MuDensityDestroy(&density));
  return log_density;
}

static PetscReal volume_of(const MuCells *cells) {
  PetscReal volume = 1;
  for (PetscInt a = 0; a < cells->dim; ++a) volume *= MuCellSpacing(cells, a);
  return volume;
}

/* ------------------------------------------------------------------ narrow components */

/* Mass of [a, b] under N(mean, deviation^2), also in the tails. */
static long double interval(PetscReal mean, PetscReal deviation, PetscReal a, PetscReal b) {
  long double from = (a - mean) / (deviation * sqrtl(2)), to = (b - mean) / (deviation * sqrtl(2));
  return from > 0 ? 0.5L * (erfcl(from) - erfcl(to)) : 0.5L * (erfcl(-to) - erfcl(-from));
}

/* Two components, wherever they lie between centres: their masses, and every cell to its tails
   (1e-4000 in long double). */
START_TEST(narrow_components_keep_their_weights) {
  MuCells cells = cells_1d(0, 10, 100, PETSC_FALSE);
  const PetscReal widths[] = {1e-6, 0.01, 0.02, 0.03, 0.0999};
  MuDensitySpec spec = spec_of("mixture");
  spec.components = 2;
  spec.weights = (PetscReal[2]){1, 3};
  for (size_t k = 0; k < sizeof widths / sizeof *widths; ++k) {
    const PetscReal s = widths[k];
    const PetscReal means[2] = {2 + 0.013 * (PetscReal)k, 8.05};
    PetscReal left = 0, *l;
    spec.means = means;
    spec.covariances = (PetscReal[2]){s * s, s * s};
    l = fill(&cells, &spec, NULL);
    for (PetscInt i = 0; i < 100; ++i) {
      const PetscReal a = 0.1 * i, b = 0.1 * (i + 1);
      const long double exact =
          (0.25L * interval(means[0], s, a, b) + 0.75L * interval(means[1], s, a, b)) / 0.1L;
      if (i < 50) left += exp(l[i]) * 0.1;
      if (exact > 1e-4000L) ck_assert_double_eq_tol(l[i] / (PetscReal)logl(exact), 1, 1e-9);
      ck_assert(l[i] > -INFINITY);
    }
    ck_assert_double_eq_tol(left, 0.25, 1e-13);
    free(l);
  }
}
END_TEST

/* As wide as a cell or wider: the density at the centre, whose sum is the mass to 5e-9 at least. */
START_TEST(wide_components_stand_at_the_centres) {
  MuCells cells = cells_1d(-10, 10, 200, PETSC_FALSE);
  for (PetscReal s = 0.1; s < 1; s *= 1.5) {
    MuDensitySpec spec = spec_of("gaussian");
    PetscReal mass = 0, *l;
    spec.means = (PetscReal[1]){0.033};
    spec.covariances = (PetscReal[1]){s * s * (1 + 1e-15)};
    l = fill(&cells, &spec, NULL);
    for (PetscInt i = 0; i < 200; ++i) {
      const PetscReal z = (-9.95 + 0.1 * i - 0.033) / s;
      mass += 0.1 * exp(l[i]);
      ck_assert_double_eq_tol(l[i], -0.5 * z * z - log(s * sqrt(2 * PETSC_PI)), 1e-9);
    }
    ck_assert_double_eq_tol(mass, 1, 2 * exp(-2 * PetscSqr(PETSC_PI * s / 0.1)) + 1e-13);
    free(l);
  }
}
END_TEST

static const PetscReal correlations[] = {0, 0.3, -0.9, 0.999};

/* Sums over a column of cells are masses of an interval of x, however y depends on it. */
START_TEST(narrow_correlated_components_have_their_marginals) {
  MuCells cells = cells_2d(24, 30, 6, 6);
  const PetscReal h = 0.5, s = 0.15, t = 0.3, mean[2] = {0.31, -0.13};
  for (size_t k = 0; k < sizeof correlations / sizeof *correlations; ++k) {
    const PetscReal r = correlations[k];
    MuDensitySpec spec = spec_of("gaussian");
    PetscReal *l;
    spec.means = mean;
    spec.covariances = (PetscReal[4]){s * s, r * s * t, r * s * t, t * t};
    l = fill(&cells, &spec, NULL);
    for (PetscInt i = 0; i < 24; ++i) {
      const PetscReal exact = (PetscReal)interval(mean[0], s, -6 + h * i, -6 + h * (i + 1));
      PetscReal column = 0;
      for (PetscInt j = 0; j < 30; ++j) column += exp(l[j * 24 + i]) * volume_of(&cells);
      ck_assert_double_eq_tol(column, exact, 1e-10 * exact + 1e-18);
    }
    free(l);
  }
}
END_TEST

/* The axes changed: the integral along y of what x leaves is another computation of the same. */
START_TEST(narrow_components_do_not_know_their_axes) {
  MuCells cells = cells_2d(12, 10, 3, 2.2), turned = cells_2d(10, 12, 2.2, 3);
  const PetscReal s = 0.1, t = 0.6;
  for (size_t k = 0; k < sizeof correlations / sizeof *correlations; ++k) {
    const PetscReal r = correlations[k];
    MuDensitySpec spec = spec_of("gaussian");
    PetscReal *a, *b;
    spec.means = (PetscReal[2]){0.2, 0.4};
    spec.covariances = (PetscReal[4]){s * s, r * s * t, r * s * t, t * t};
    a = fill(&cells, &spec, NULL);
    spec.means = (PetscReal[2]){0.4, 0.2};
    spec.covariances = (PetscReal[4]){t * t, r * s * t, r * s * t, s * s};
    b = fill(&turned, &spec, NULL);
    for (PetscInt i = 0; i < 12; ++i)
      for (PetscInt j = 0; j < 10; ++j) {
        const PetscReal one = a[j * 12 + i], other = b[i * 10 + j];
        if (one > -700) ck_assert_double_eq_tol(one, other, 1e-9);
        if (one < -900) ck_assert_double_eq_tol(one / other, 1, 0.02);
      }
    free(a);
    free(b);
  }
}
END_TEST

/* Against a sum of 400 x 400 points in the cell. */
START_TEST(a_narrow_correlated_cell_is_its_mean) {
  const PetscReal s = 0.2, t = 0.3, r = -0.8, lower[2] = {0.1, -0.3}, upper[2] = {0.6, 0.2};
  const PetscReal mean[2] = {0.2, 0.15}, covariance[4] = {s * s, r * s * t, r * s * t, t * t};
  enum { N = 400 };
  PetscReal sum = 0;
  MuNormal normal;
  OK(MuNormalCreate("key", 2, mean, covariance, log(0.7), &normal));
  for (PetscInt i = 0; i < N; ++i)
    for (PetscInt j = 0; j < N; ++j) {
      const PetscReal x[2] = {0.1 + 0.5 * (i + 0.5) / N, -0.3 + 0.5 * (j + 0.5) / N};
      const PetscReal u = (x[0] - mean[0]) / s, v = (x[1] - mean[1]) / t, w = 1 - r * r;
      sum += exp(-(u * u - 2 * r * u * v + v * v) / (2 * w)) / (2 * PETSC_PI * s * t * sqrt(w));
    }
  /* the sum is second order: (1/400)^2 of the second derivative */
  ck_assert_double_eq_tol(MuNormalLogMean(&normal, 2, lower, upper), log(0.7 * sum / N / N), 3e-6);
}
END_TEST

/* Particles meet the density of R^d itself, normalised as the cells are. */
START_TEST(the_law_of_a_narrow_component) {
  const MuGridSpec box = {.dim = 1, .lower = {0}, .upper = {10}, .cells = {100, 1}};
  MuDensitySpec spec = spec_of("gaussian");
  MuCells cells = cells_1d(0, 10, 100, PETSC_FALSE);
  const PetscReal x = 2.03, s = 0.02;
  PetscReal *a, value;
  MuGrid grid;
  Vec field;
  MuLaw law;
  spec.means = (PetscReal[1]){2.01};
  spec.covariances = (PetscReal[1]){s * s};
  OK(MuGridCreate(PETSC_COMM_SELF, &box, &grid));
  OK(MuGridCreateField(grid, &field));
  PetscReal *l = fill(&cells, &spec, NULL);
  OK(VecGetArray(field, &a));
  memcpy(a, l, 100 * sizeof *a);
  OK(VecRestoreArray(field, &a));
  OK(MuLawCreate(PETSC_COMM_SELF, 1, grid, &spec, field, &law));
  OK(MuLawLogDensity(law, 1, &x, &value, NULL));
  ck_assert_double_eq_tol(value, -0.5 - log(s * sqrt(2 * PETSC_PI)), 1e-11);
  OK(MuLawDestroy(&law));
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
  free(l);
}
END_TEST

/* ------------------------------------------------------------------ uniform */

/* A box narrower than a cell: the shares of its cells, wherever it lies. */
START_TEST(narrow_boxes_keep_their_mass) {
  MuCells cells = cells_1d(0, 1, 10, PETSC_FALSE), ring = cells_1d(0, 1, 10, PETSC_TRUE);
  const struct {
    const MuCells *cells;
    PetscReal lower, upper;
    PetscInt cell;
    PetscReal share;
  } boxes[] = {{&cells, 0.06, 0.07, 0, 1},     {&cells, 0.17, 0.25, 1, 0.375},
               {&cells, 0.17, 0.25, 2, 0.625}, {&ring, 0.97, 1.01, 9, 0.75},
               {&ring, -0.03, 0.01, 9, 0.75},  {&ring, -0.03, 0.01, 0, 0.25}};
  for (size_t k = 0; k < sizeof boxes / sizeof *boxes; ++k) {
    MuDensitySpec spec = spec_of("uniform");
    PetscReal mass = 0, *l;
    spec.lower[0] = boxes[k].lower;
    spec.upper[0] = boxes[k].upper;
    l = fill(boxes[k].cells, &spec, NULL);
    for (PetscInt i = 0; i < 10; ++i) mass += 0.1 * exp(l[i]);
    ck_assert_double_eq_tol(mass, 1, 1e-12);
    ck_assert_double_eq_tol(0.1 * exp(l[boxes[k].cell]), boxes[k].share, 1e-12);
    free(l);
  }
}
END_TEST

START_TEST(boxes_wrap) {
  MuCells ring = cells_1d(0, 1, 10, PETSC_TRUE);
  MuDensitySpec spec = spec_of("uniform");
  PetscReal *l;
  spec.lower[0] = 0.8;
  spec.upper[0] = 1.2;
  l = fill(&ring, &spec, NULL);
  for (PetscInt i = 0; i < 10; ++i)
    ck_assert_double_eq_tol(exp(l[i]), i < 2 || i > 7 ? 1 / 0.4 : 0, 1e-12);
  free(l);
}
END_TEST

/* ------------------------------------------------------------------ periodic axes */

/* Against 2001 images in long double: narrow and wide components, and one that is uniform. */
START_TEST(gaussians_wrap) {
  const PetscReal deviations[] = {0.03, 0.5, 3, 12, 500};
  MuCells ring = cells_1d(0, 10, 100, PETSC_TRUE);
  for (size_t k = 0; k < sizeof deviations / sizeof *deviations; ++k) {
    const PetscReal s = deviations[k];
    MuDensitySpec spec = spec_of("gaussian");
    PetscReal *l;
    spec.means = (PetscReal[1]){10.9};
    spec.covariances = (PetscReal[1]){s * s};
    l = fill(&ring, &spec, NULL);
    for (PetscInt i = 0; i < 100; ++i) {
      long double exact = 0;
      for (PetscInt image = -1000; image <= 1000; ++image) {
        const PetscReal mean = 10.9 + 10 * image;
        const long double z = (0.1 * i + 0.05 - mean) / s;
        exact += s < 0.1 ? interval(mean, s, 0.1 * i, 0.1 * (i + 1)) / 0.1L
                         : expl(-z * z / 2) / (s * sqrtl(2 * PETSC_PI));
      }
      if (exact > 0) /* beyond 150 deviations it is below the smallest long double */
        ck_assert_double_eq_tol(l[i] - (PetscReal)logl(exact), 0, 1e-9 * (1 + fabs(l[i])));
    }
    free(l);
  }
}
END_TEST

/* In the plane with correlation: the same density for a mean that is whole periods away, mass 1,
   and no step across the seam. */
START_TEST(correlated_gaussians_wrap) {
  MuCells torus = cells_2d(40, 30, 2, 1.5);
  MuDensitySpec spec = spec_of("gaussian");
  PetscReal *a, *b, mass = 0;
  torus.periodic[0] = torus.periodic[1] = PETSC_TRUE;
  spec.covariances = (PetscReal[4]){0.5, 0.3, 0.3, 0.4};
  spec.means = (PetscReal[2]){1.9, -1.4};
  a = fill(&torus, &spec, NULL);
  spec.means = (PetscReal[2]){1.9 - 12, -1.4 + 6};
  b = fill(&torus, &spec, NULL);
  for (PetscInt i = 0; i < 1200; ++i) {
    ck_assert_double_eq_tol(a[i], b[i], 1e-11);
    mass += exp(a[i]) * 0.01;
  }
  ck_assert_double_eq_tol(mass, 1, 1e-12);
  free(a);
  free(b);
}
END_TEST

/* ------------------------------------------------------------------ samples */

static const char *write_points(PetscInt n, PetscInt dim, const PetscReal *points) {
  static char path[256];
  FILE *f;
  snprintf(path, sizeof path, "/tmp/mudot_cells_%d.csv", (int)getpid());
  f = fopen(path, "w");
  ck_assert_ptr_nonnull(f);
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < dim; ++a)
      fprintf(f, "%.17g%s", points[i * dim + a], a + 1 < dim ? "," : "\n");
  fclose(f);
  return path;
}

/* A kernel narrower than a cell: every point has the same mass wherever it lies in its cell. */
START_TEST(narrow_kernels_keep_the_weight_of_points) {
  MuCells cells = cells_1d(0, 10, 100, PETSC_FALSE);
  const PetscReal points[4] = {2.01, 4.03, 6.05, 8.0999}, h[2] = {0.005, 0};
  PetscReal l[100];
  OK(MuSamplesLogKde(&cells, 4, points, h, l));
  for (PetscInt k = 0; k < 4; ++k) {
    PetscReal mass = 0;
    for (PetscInt i = 10 + 20 * k; i < 30 + 20 * k; ++i) mass += 0.1 * exp(l[i]);
    ck_assert_double_eq_tol(mass, 0.25, 1e-12);
  }
  const long double exact = interval(points[3], 0.005, 8.1, 8.2) / 0.4L;
  ck_assert_double_eq_tol(exp(l[81]), (PetscReal)exact, 1e-12);
  ck_assert(l[50] > -INFINITY && l[50] < -1000);
}
END_TEST

/* Points about the seam, written in three ways: one density, whose bandwidth is that of the same
   points in the middle. */
START_TEST(samples_of_angles) {
  enum { N = 40 };
  PetscReal angle[N], middle[N], h[2], expected[2], *first = NULL;
  MuCells ring = cells_1d(0, 360, 72, PETSC_TRUE);
  for (PetscInt i = 0; i < N; ++i) middle[i] = 180 + 20 * sin(7.0 * i) + 0.1 * i;
  OK(MuSamplesBandwidth("key", &ring, N, middle, expected));
  PetscReal mean = 0, square = 0;
  for (PetscInt i = 0; i < N; ++i) mean += middle[i] / N;
  for (PetscInt i = 0; i < N; ++i) square += PetscSqr(middle[i] - mean) / (N - 1);
  /* a cluster: the circular spread is the linear one to the fourth moment, 1/4 (20/57.3)^2 here */
  ck_assert_double_eq_tol(expected[0] / (sqrt(square) * pow(N, -0.2)), 1, 0.02);
  for (PetscInt way = 0; way < 3; ++way) {
    MuDensitySpec spec = spec_of("samples");
    PetscReal *l;
    for (PetscInt i = 0; i < N; ++i) {
      angle[i] = middle[i] - 180;
      if (way == 1) angle[i] += angle[i] < 0 ? 360 : 0;
      if (way == 2) angle[i] += 720;
    }
    OK(MuSamplesBandwidth("key", &ring, N, angle, h));
    ck_assert_double_eq_tol(h[0] / expected[0], 1, 1e-10);
    spec.file = write_points(N, 1, angle);
    l = fill(&ring, &spec, NULL);
    for (PetscInt i = 0; i < 72 && first; ++i) ck_assert_double_eq_tol(l[i], first[i], 1e-8);
    if (first)
      free(l);
    else
      first = l;
    spec.smoothing = MU_SMOOTHING_NONE;
    l = fill(&ring, &spec, NULL);
    PetscReal mass = 0;
    for (PetscInt i = 0; i < 72; ++i) mass += 5 * exp(l[i]);
    ck_assert_double_eq_tol(mass, 1, 1e-12);
    free(l);
    remove(spec.file);
  }
  free(first);
}
END_TEST

/* A few points off the grid are left out and told; the bandwidth is that of the others. */
START_TEST(samples_off_the_grid) {
  const PetscReal few[5] = {1, 2, 3, 4, 20}, many[5] = {1, 2, 13, 14, 20};
  MuCells cells = cells_1d(0, 10, 50, PETSC_FALSE);
  MuDensitySpec spec = spec_of("samples");
  PetscReal h[2], l[50], *found;
  MuDensity density;
  char doubts[1024];
  OK(MuSamplesBandwidth("key", &cells, 4, few, h));
  OK(MuSamplesLogKde(&cells, 4, few, h, l));
  spec.file = write_points(5, 1, few);
  found = fill(&cells, &spec, doubts);
  for (PetscInt i = 0; i < 50; ++i) ck_assert_double_eq(found[i], l[i]);
  ck_assert_ptr_nonnull(strstr(doubts, "1 of the 5 points lie outside the grid and are left out"));
  free(found);
  write_points(5, 1, many);
  OK(MuDensityCreate(PETSC_COMM_SELF, 1, &spec, &density));
  ck_assert_int_eq(MuDensityFillLogRaw(density, &cells, l), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "3 of the 5 points lie outside the grid"));
  OK(MuDensityDestroy(&density));
  remove(spec.file);
}
END_TEST

/* ------------------------------------------------------------------ another grid's cells */

/* The mass that the stored cells have in a box: every pair of intervals, as slow as can be. */
static PetscReal mass_in(const MuCellDensity *s, const PetscReal lower[2],
                         const PetscReal upper[2]) {
  PetscReal mass = 0;
  for (PetscInt i = 0; i < s->cells[0] * s->cells[1]; ++i) {
    const PetscInt index[2] = {i % s->cells[0], i / s->cells[0]};
    PetscReal part = s->values[i];
    for (PetscInt a = 0; a < s->dim; ++a) {
      const PetscReal h = (s->upper[a] - s->lower[a]) / s->cells[a],
                      at = s->lower[a] + index[a] * h;
      part *= PetscMax(0, PetscMin(upper[a], at + h) - PetscMax(lower[a], at));
    }
    mass += part;
  }
  return mass;
}

/* On its own grid, a finer, a coarser and a shifted one: the mass of every cell, and in all what
   lies in the box. */
START_TEST(snapshots_keep_their_mass_on_other_grids) {
  PetscReal values[9 * 7], total = 0;
  MuCellDensity stored = {
      .dim = 2, .cells = {9, 7}, .lower = {-1, 0}, .upper = {2, 3.5}, .values = values};
  const struct {
    PetscReal lower[2], upper[2];
    PetscInt cells[2];
    PetscBool cut;
  } grids[] = {{{-1, 0}, {2, 3.5}, {9, 7}, PETSC_FALSE},
               {{-1, 0}, {2, 3.5}, {27, 14}, PETSC_FALSE},
               {{-2, -1}, {4, 5}, {5, 4}, PETSC_FALSE},
               {{-0.3, 0.7}, {1.9, 3}, {16, 11}, PETSC_TRUE}};
  for (PetscInt i = 0; i < 63; ++i) total += values[i] = i % 5 ? 1 + sin(2.0 * i) : 0;
  for (PetscInt i = 0; i < 63; ++i) values[i] /= total / 6; /* cells of 1/3 x 1/2 */
  for (size_t k = 0; k < sizeof grids / sizeof *grids; ++k) {
    MuCells cells = {.comm = PETSC_COMM_SELF, .dim = 2};
    MuDensitySpec spec = spec_of("run");
    char doubts[1024];
    PetscReal *l;
    memcpy(cells.lower, grids[k].lower, sizeof cells.lower);
    memcpy(cells.upper, grids[k].upper, sizeof cells.upper);
    memcpy(cells.cells, grids[k].cells, sizeof cells.cells);
    cells.count = cells.cells[0] * cells.cells[1];
    spec.stored = &stored;
    l = fill(&cells, &spec, doubts);
    for (PetscInt i = 0; i < cells.count; ++i) {
      PetscReal lower[2], upper[2];
      MuCellBox(&cells, i, lower, upper);
      ck_assert_double_eq_tol(exp(l[i]) * volume_of(&cells), mass_in(&stored, lower, upper), 1e-14);
      if (k == 0) ck_assert_double_eq_tol(exp(l[i]), values[i], 1e-14);
    }
    ck_assert((strstr(doubts, "% of the mass lies outside") != NULL) == grids[k].cut);
    ck_assert_ptr_null(strstr(doubts, "has the mass"));
    free(l);
  }
}
END_TEST

/* A snapshot keeps its mass; another one that is asked for is told. */
START_TEST(snapshots_of_another_mass_are_told) {
  PetscReal values[4] = {1, 2, 3, 0};
  MuCellDensity stored = {.dim = 1, .cells = {4, 1}, .lower = {0}, .upper = {2}, .values = values};
  MuCells cells = cells_1d(0, 2, 4, PETSC_FALSE);
  MuDensitySpec spec = spec_of("run");
  char doubts[1024];
  PetscReal *l;
  spec.stored = &stored;
  l = fill(&cells, &spec, doubts);
  ck_assert_ptr_null(strstr(doubts, "mass"));
  free(l);
  spec.mass = 2;
  l = fill(&cells, &spec, doubts);
  ck_assert_ptr_nonnull(strstr(doubts, "has the mass 3; it is scaled to 2"));
  ck_assert_int_eq(isinf(l[3]), -1);
  free(l);
}
END_TEST

/* ------------------------------------------------------------------ formulas */

START_TEST(formulas_that_jump_across_the_seam) {
  static const struct {
    const char *formula;
    PetscBool jumps;
  } cases[] = {{"1.2 + sin(2*pi*x)", PETSC_FALSE},
               {"1 + x*(1 - x)", PETSC_FALSE},
               {"1 + x", PETSC_TRUE},
               {"1 + exp(-50*(x - 0.4)^2)", PETSC_FALSE},
               {"1 + exp(-50*(x - 0.2)^2)", PETSC_TRUE}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k)
    for (PetscInt periodic = 0; periodic < 2; ++periodic) {
      MuCells cells = cells_1d(0, 1, 50, (PetscBool)periodic);
      MuDensitySpec spec = spec_of("formula");
      char doubts[1024];
      spec.density = cases[k].formula;
      free(fill(&cells, &spec, doubts));
      ck_assert_msg((strstr(doubts, "jumps") != NULL) == (periodic && cases[k].jumps), "%s",
                    cases[k].formula);
    }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("cells");
  TCase *t = tcase_create("cells");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, narrow_components_keep_their_weights);
  tcase_add_test(t, wide_components_stand_at_the_centres);
  tcase_add_test(t, narrow_correlated_components_have_their_marginals);
  tcase_add_test(t, narrow_components_do_not_know_their_axes);
  tcase_add_test(t, a_narrow_correlated_cell_is_its_mean);
  tcase_add_test(t, the_law_of_a_narrow_component);
  tcase_add_test(t, narrow_boxes_keep_their_mass);
  tcase_add_test(t, boxes_wrap);
  tcase_add_test(t, gaussians_wrap);
  tcase_add_test(t, correlated_gaussians_wrap);
  tcase_add_test(t, narrow_kernels_keep_the_weight_of_points);
  tcase_add_test(t, samples_of_angles);
  tcase_add_test(t, samples_off_the_grid);
  tcase_add_test(t, snapshots_keep_their_mass_on_other_grids);
  tcase_add_test(t, snapshots_of_another_mass_are_told);
  tcase_add_test(t, formulas_that_jump_across_the_seam);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
