/* Formulas, densities, samples and image files: closed forms, masses, and errors that name their
   place. */
#include "measure/samples.h"
#include "support.h"

#include <hdf5.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ set-up */

static MuCells cells_of(MuGrid grid) {
  const MuGridInfo *info;
  MuCells cells;
  OK(MuGridGetInfo(grid, &info));
  MuCellsFromGrid(info, &cells);
  return cells;
}

static MuGrid box(PetscInt dim, PetscInt nx, PetscInt ny, PetscReal half_width,
                  const unsigned char *mask, PetscBool periodic) {
  MuGridSpec spec = {.dim = dim,
                     .lower = {-half_width, -half_width},
                     .upper = {half_width, half_width},
                     .cells = {nx, ny},
                     .periodic = {periodic, PETSC_FALSE},
                     .mask = mask};
  MuGrid grid;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  return grid;
}

/* The log density as a field; raw or normalised. */
static Vec fill(MuGrid grid, const MuDensitySpec *spec, PetscBool raw) {
  const MuGridInfo *info;
  MuCells cells = cells_of(grid);
  MuDensity density;
  PetscReal *a;
  Vec field;
  OK(MuGridGetInfo(grid, &info));
  OK(MuDensityCreate(MPI_COMM_WORLD, info->dim, spec, &density));
  OK(MuGridCreateField(grid, &field));
  OK(VecGetArray(field, &a));
  OK(raw ? MuDensityFillLogRaw(density, &cells, a) : MuDensityFillLog(density, &cells, a));
  OK(VecRestoreArray(field, &a));
  OK(MuDensityDestroy(&density));
  return field;
}

/* sum exp(log density) |C| over the inside cells, and outside it is -infinity */
static void check_mass(MuGrid grid, Vec log_density) {
  const MuGridInfo *info;
  PetscReal *l = TestGather(grid, log_density), mass;
  const PetscReal *local;
  Vec density;
  OK(MuGridGetInfo(grid, &info));
  OK(VecGetArrayRead(log_density, &local));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if (!info->mask[i]) ck_assert_int_eq(isinf(local[i]), -1);
  OK(VecRestoreArrayRead(log_density, &local));
  OK(VecDuplicate(log_density, &density));
  OK(VecCopy(log_density, density));
  OK(VecExp(density));
  OK(MuGridIntegrate(grid, density, &mass));
  ck_assert_double_eq_tol(mass, 1, 1e-13);
  OK(VecDestroy(&density));
  free(l);
}

static MuDensitySpec spec_of(const char *type) {
  MuDensitySpec spec;
  MuDensitySpecDefault(&spec);
  spec.block = "initial";
  strcpy(spec.type, type);
  return spec;
}

/* A file name of this test, the same on every rank. */
static const char *temporary(const char *name) {
  static char path[256];
  int id = (int)getpid();
  MPI_Bcast(&id, 1, MPI_INT, 0, MPI_COMM_WORLD);
  snprintf(path, sizeof path, "/tmp/mudot_test_%d_%s", id, name);
  return path;
}

static PetscMPIInt my_rank(void) {
  PetscMPIInt rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static void write_file(const char *path, const void *bytes, size_t n) {
  if (my_rank() == 0) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void remove_file(const char *path) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (my_rank() == 0) remove(path);
}

static void sentence_has(const char *part) {
  ck_assert_msg(strstr(MuErrorMessage(), part) != NULL, "\"%s\" lacks \"%s\"", MuErrorMessage(),
                part);
}

/* ------------------------------------------------------------------ formulas */

static PetscReal evaluate(const char *expression, PetscReal x, PetscReal y) {
  const PetscReal point[2] = {x, y};
  PetscReal value;
  MuFormula f;
  OK(MuFormulaCreate("key", expression, &f));
  OK(MuFormulaEvaluate(f, point, &value));
  OK(MuFormulaDestroy(&f));
  return value;
}

START_TEST(formulas_have_their_values) {
  const PetscReal x = 0.7, y = -1.3;
  ck_assert_double_eq(evaluate("x", x, y), x);
  ck_assert_double_eq_tol(evaluate("-x^2 + 2*y", x, y), -x * x + 2 * y, 1e-15);
  ck_assert_double_eq_tol(evaluate("exp(-x^2/2)*sin(pi*y)", x, y),
                          exp(-x * x / 2) * sin(PETSC_PI * y), 1e-15);
  ck_assert_double_eq_tol(evaluate("log(e^3)", x, y), 3, 1e-15);
  ck_assert_double_eq_tol(evaluate("ln(x) - log(x) + log10(100)", x, y), 2, 1e-15);
  ck_assert_double_eq(evaluate("max(x, y, 0) + min(x, y) + abs(y)", x, y), x + y - y);
  ck_assert_double_eq_tol(evaluate("sqrt(x^2 + y^2) + tanh(x) + atan2(y, x)", x, y),
                          hypot(x, y) + tanh(x) + atan2(y, x), 1e-15);
  ck_assert_double_eq(evaluate("x >= 0.5 && y != 1 ? 3 : 4", x, y), 3);
  ck_assert_double_eq(evaluate("x == 0.7 ? 1 : 0", x, y), 1);
  ck_assert_double_eq(evaluate("1e-3*x", x, y), 1e-3 * x);
}
END_TEST

START_TEST(values_that_are_not_finite_are_returned) {
  ck_assert(isinf(evaluate("1/x", 0, 0)));
  ck_assert_double_eq(evaluate("log(x)", 0, 0), -INFINITY);
  ck_assert(isnan(evaluate("sqrt(x)", -1, 0)));
}
END_TEST

START_TEST(formulas_keep_no_state) {
  const PetscReal point[2][2] = {{1, 2}, {3, 4}};
  PetscReal value;
  MuFormula f;
  OK(MuFormulaCreate("key", "10*x + y", &f));
  for (PetscInt repeat = 0; repeat < 3; ++repeat)
    for (PetscInt k = 0; k < 2; ++k) {
      OK(MuFormulaEvaluate(f, point[k], &value));
      ck_assert_double_eq(value, 10 * point[k][0] + point[k][1]);
    }
  OK(MuFormulaDestroy(&f));
  ck_assert_ptr_null(f);
  OK(MuFormulaDestroy(&f));
}
END_TEST

static void bad_formula(const char *expression, const char *part) {
  MuFormula f;
  ck_assert_msg(MuFormulaCreate("target_density", expression, &f) == MU_ERR_INPUT, "%s",
                expression);
  ck_assert_ptr_null(f);
  sentence_has("target_density");
  sentence_has(part);
}

/* muParser's sentences count from 0 in their own text. */
static void one_position(const char *expression) {
  MuFormula f;
  ck_assert(MuFormulaCreate("target_density", expression, &f) == MU_ERR_INPUT);
  const char *first = strstr(MuErrorMessage(), "position");
  ck_assert_msg(first && !strstr(first + 1, "position"), "%s", MuErrorMessage());
}

START_TEST(words_of_formulas) {
  static const struct {
    const char *expression;
    PetscReal value; /* at x = 1.5, y = -2 */
  } cases[] = {{"floor(x) + 10*floor(y/4)", 1 - 10},
               {"ceil(x) + 10*ceil(y/4)", 2},
               {"mod(x, 1) + 10*mod(y, 3)", 0.5 + 10},
               {"erf(x)", 0.96610514647531076},
               {"if(x > 1, 3, 1/0)", 3},
               {"if(x < 1, log(-1), y)", -2},
               {"x > 1 and y < 0", 1},
               {"x > 1 and y > 0 or x == 1.5", 1},
               {"not(x > 1)", 0},
               {"not(x > 1) or y < 0", 1},
               {"x >= 1.5 and x <= 1.5 and y != 2", 1},
               {"x > 1 ? 2 : 3", 2}};
  const PetscReal x[2] = {1.5, -2};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
    MuFormula f;
    PetscReal value;
    ck_assert_msg(!MuFormulaCreate("target_density", cases[k].expression, &f), "%s",
                  MuErrorMessage());
    OK(MuFormulaEvaluate(f, x, &value));
    ck_assert_msg(PetscAbsReal(value - cases[k].value) < 1e-14, "%s is %.17g", cases[k].expression,
                  value);
    OK(MuFormulaDestroy(&f));
  }
}
END_TEST

START_TEST(bad_formulas_are_refused) {
  char *endless = malloc(6000);
  bad_formula("x +", "position 4");
  bad_formula("2*(x + y", "2*(x + y");
  bad_formula("x + z", "z");
  bad_formula("foo(x)", "position 1");
  bad_formula("x = 3", "assignment at position 3");
  bad_formula("x, y", "2 values");
  bad_formula("", "empty");
  bad_formula("   ", "empty");
  bad_formula("sin()", "position");
  bad_formula("\"x\"", "position");
  bad_formula("not x > 1", "position");
  bad_formula("x+*y", "position 3: Unexpected operator \"*\"");
  one_position("x+*y");
  one_position("2*(x + y");
  one_position("sin()");
  one_position("mod(x)");
  memset(endless, '1', 5999);
  endless[5999] = '\0';
  bad_formula(endless, "5999 characters");
  free(endless);
}
END_TEST

START_TEST(a_line_has_no_y) {
  static const struct {
    const char *expression;
    PetscBool uses_y;
  } cases[] = {{"x", PETSC_FALSE},
               {"exp(-x^2) + pi", PETSC_FALSE},
               {"1", PETSC_FALSE},
               {"x + 0*y", PETSC_TRUE},
               {"y", PETSC_TRUE},
               {"tanh(x)", PETSC_FALSE},
               {"x > 0 ? y : x", PETSC_TRUE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    MuFormula f;
    OK(MuFormulaCreate("energy_potential_formula", cases[i].expression, &f));
    OK(MuFormulaCheckDimension(f, "energy_potential_formula", 2));
    const PetscErrorCode code = MuFormulaCheckDimension(f, "energy_potential_formula", 1);
    ck_assert_msg(code == (cases[i].uses_y ? MU_ERR_INPUT : 0), "%s", cases[i].expression);
    if (code) sentence_has("energy_potential_formula: the formula uses y");
    OK(MuFormulaDestroy(&f));
  }
}
END_TEST

/* ------------------------------------------------------------------ gaussian, mixture, uniform */

static PetscReal normal_1d(PetscReal x, PetscReal mean, PetscReal variance) {
  return -0.5 * (x - mean) * (x - mean) / variance - 0.5 * log(2 * PETSC_PI * variance);
}

START_TEST(gaussians_match_their_formula) {
  MuDensitySpec spec = spec_of("gaussian");
  const PetscReal a = 0.5, b = 0.3, c = 0.9, determinant = a * c - b * b;
  MuGrid grid = box(2, 40, 36, 6, NULL, PETSC_FALSE);
  const MuGridInfo *info;
  const PetscReal *l;
  Vec raw, normalised;
  spec.means = (PetscReal[2]){0.4, -0.2};
  spec.covariances = (PetscReal[4]){a, b, b, c};
  raw = fill(grid, &spec, PETSC_TRUE);
  OK(MuGridGetInfo(grid, &info));
  OK(VecGetArrayRead(raw, &l));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscReal x[2], u, v, exact;
    OK(MuGridCellCentre(grid, i, x));
    u = x[0] - 0.4, v = x[1] + 0.2;
    exact = -0.5 * (c * u * u - 2 * b * u * v + a * v * v) / determinant -
            log(2 * PETSC_PI * sqrt(determinant));
    ck_assert_double_eq_tol(l[i], exact, 1e-12);
  }
  OK(VecRestoreArrayRead(raw, &l));
  normalised = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, normalised);
  /* the trapezoidal sum of a smooth function that vanishes at the walls: the mass was 1 already */
  ck_assert_double_le(TestMaxDifference(raw, normalised), 1e-6);
  OK(VecDestroy(&raw));
  OK(VecDestroy(&normalised));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* weights are normalised; tails far below the smallest number are finite in the log */
START_TEST(mixtures_match_their_formula) {
  const PetscReal weights[3] = {2, 6, 0}, means[3] = {-1, 1.5, 0}, variances[3] = {0.04, 0.0625, 1};
  MuDensitySpec spec = spec_of("mixture");
  MuGrid grid = box(1, 64, 1, 6, NULL, PETSC_FALSE);
  const MuGridInfo *info;
  PetscReal *l;
  Vec raw;
  spec.components = 3;
  spec.weights = weights;
  spec.means = means;
  spec.covariances = variances;
  raw = fill(grid, &spec, PETSC_TRUE);
  OK(MuGridGetInfo(grid, &info));
  l = TestGather(grid, raw);
  for (PetscInt i = 0; i < 64; ++i) {
    PetscReal x = -6 + (i + 0.5) * 12.0 / 64;
    long double sum =
        0.25L * expl(normal_1d(x, -1, 0.04)) + 0.75L * expl(normal_1d(x, 1.5, 0.0625));
    ck_assert_double_eq_tol(l[i] / (PetscReal)logl(sum), 1, 1e-12); /* long double: to -11000 */
  }
  ck_assert_double_lt(l[0], -200);
  free(l);
  OK(VecDestroy(&raw));
  raw = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, raw);
  OK(VecDestroy(&raw));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Against the normal distribution's table: 1 - Phi(1) = 0.158655, 1 - Phi(2) = 0.022750. */
START_TEST(mass_outside_the_box) {
  const PetscReal lower[2] = {-1, -2}, upper[2] = {1, 4};
  PetscReal means[4] = {0, 0, 1, 0}, covariances[8] = {0.25, 0.1, 0.1, 1, 0.25, 0, 0, 1};
  PetscReal weights[2] = {3, 1}, mass;
  MuDensitySpec spec;
  MuDensity density;

  MuDensitySpecDefault(&spec);
  strcpy(spec.type, "gaussian");
  spec.means = means;
  spec.covariances = (PetscReal[1]){1};
  OK(MuDensityCreate(MPI_COMM_WORLD, 1, &spec, &density));
  OK(MuDensityMassOutside(density, lower, upper, &mass));
  ck_assert_double_eq_tol(mass, 2 * 0.158655, 1e-6);
  OK(MuDensityDestroy(&density));
  strcpy(spec.type,
         "mixture"); /* along x 3/4 2 (1 - Phi(2)) + 1/4 (1/2 + 1 - Phi(4)); along y less */
  spec.components = 2;
  spec.weights = weights;
  spec.means = means;
  spec.covariances = covariances;
  OK(MuDensityCreate(MPI_COMM_WORLD, 2, &spec, &density));
  OK(MuDensityMassOutside(density, lower, upper, &mass));
  ck_assert_double_eq_tol(mass, 1.5 * 0.022750 + 0.125 + 0.25 * 0.0000317, 1e-6);
  OK(MuDensityMassOutside(density, (PetscReal[2]){-9, -1}, (PetscReal[2]){9, 1}, &mass));
  ck_assert_double_eq_tol(mass, 2 * 0.158655, 2e-6); /* along y the covariance is 1 in both */
  OK(MuDensityDestroy(&density));
  strcpy(spec.type, "uniform");
  spec.lower[0] = -5;
  spec.upper[0] = 5;
  OK(MuDensityCreate(MPI_COMM_WORLD, 1, &spec, &density));
  OK(MuDensityMassOutside(density, lower, upper, &mass));
  ck_assert_double_eq(mass, 0);
  OK(MuDensityDestroy(&density));
}
END_TEST

START_TEST(uniform_and_background) {
  unsigned char mask[16 * 16];
  for (PetscInt i = 0; i < 256; ++i) mask[i] = i % 16 < 12;
  MuDensitySpec spec = spec_of("uniform");
  MuGrid grid = box(2, 16, 16, 4, mask, PETSC_FALSE);
  Vec field;
  PetscReal *l;
  memcpy(spec.lower, (PetscReal[2]){-4, -4}, sizeof spec.lower);
  memcpy(spec.upper, (PetscReal[2]){0, 0}, sizeof spec.upper);
  field = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, field);
  l = TestGather(grid, field);
  ck_assert_double_eq_tol(l[0], -log(16), 1e-14);
  ck_assert_int_eq(isinf(l[8]), -1);
  free(l);
  OK(VecDestroy(&field));
  spec.background = 0.5; /* (1/16 + 0.5/48)/1.5 inside the box, (0.5/48)/1.5 outside */
  field = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, field);
  l = TestGather(grid, field);
  ck_assert_double_eq_tol(exp(l[0]), (1.0 / 16 + 0.5 / 48) / 1.5, 1e-14);
  ck_assert_double_eq_tol(exp(l[8]), 0.5 / 48 / 1.5, 1e-14);
  ck_assert_int_eq(isinf(l[12]), -1);
  free(l);
  OK(VecDestroy(&field));
  spec.mass = 2e-6; /* of the whole, background included */
  field = fill(grid, &spec, PETSC_FALSE);
  l = TestGather(grid, field);
  ck_assert_double_eq_tol(exp(l[0]), 2e-6 * (1.0 / 16 + 0.5 / 48) / 1.5, 1e-20);
  ck_assert_double_eq_tol(exp(l[8]), 2e-6 * 0.5 / 48 / 1.5, 1e-20);
  free(l);
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* A potential: e^(-V)/Z with V up to 1e4, and the same density by its own formula. */
START_TEST(formula_densities) {
  MuGrid grid = box(1, 100, 1, 5, NULL, PETSC_FALSE);
  MuDensitySpec spec = spec_of("formula");
  Vec steep, a, b;
  PetscReal *l;
  spec.log_density = "-400*x^2 - 3000";
  steep = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, steep);
  l = TestGather(grid, steep);
  ck_assert_double_eq_tol(l[0] - l[50], -400 * (4.95 * 4.95 - 0.05 * 0.05), 1e-10);
  free(l);
  spec.log_density = "-x^2/2 + log(2 + sin(x))";
  a = fill(grid, &spec, PETSC_FALSE);
  spec.log_density = NULL;
  spec.density = "7*exp(-x^2/2)*(2 + sin(x))";
  b = fill(grid, &spec, PETSC_FALSE);
  ck_assert_double_le(TestMaxDifference(a, b), 1e-12);
  OK(VecDestroy(&steep));
  OK(VecDestroy(&a));
  OK(VecDestroy(&b));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ refusals */

static void refused(MuGrid grid, const MuDensitySpec *spec, PetscErrorCode code, const char *part) {
  const MuGridInfo *info;
  MuCells cells = cells_of(grid);
  MuDensity density;
  PetscErrorCode given;
  OK(MuGridGetInfo(grid, &info));
  PetscReal *l = malloc(sizeof(PetscReal) * (size_t)info->local_size);
  given = MuDensityCreate(MPI_COMM_WORLD, info->dim, spec, &density);
  if (given)
    ck_assert_ptr_null(density);
  else
    given = MuDensityFillLog(density, &cells, l);
  ck_assert_msg(given == code, "%d, not %d: %s", (int)given, (int)code, MuErrorMessage());
  sentence_has(part);
  OK(MuDensityDestroy(&density));
  free(l);
}

START_TEST(bad_densities_are_refused) {
  MuGrid line = box(1, 16, 1, 2, NULL, PETSC_FALSE), plane = box(2, 8, 8, 2, NULL, PETSC_FALSE);
  const PetscReal weights[2] = {1, -1}, means[2] = {0, 1}, variances[2] = {1, 1};
  MuDensitySpec spec = spec_of("gausian");
  refused(line, &spec, MU_ERR_INPUT, "gausian");
  spec = spec_of("gaussian");
  refused(line, &spec, MU_ERR_INPUT, "initial_covariance");
  spec.means = means;
  spec.covariances = (PetscReal[4]){1, 2, 2, 1};
  refused(plane, &spec, MU_ERR_INPUT, "positive definite");
  spec.covariances = (PetscReal[4]){1, 0.5, 0.4, 1};
  refused(plane, &spec, MU_ERR_INPUT, "symmetric");
  spec.covariances = (PetscReal[1]){NAN};
  refused(line, &spec, MU_ERR_INPUT, "initial_covariance");
  spec = spec_of("mixture");
  refused(line, &spec, MU_ERR_INPUT, "initial_means");
  spec.components = 2;
  spec.weights = weights;
  spec.means = means;
  spec.covariances = variances;
  refused(line, &spec, MU_ERR_INPUT, "initial_weights");
  spec = spec_of("uniform");
  spec.lower[0] = 5, spec.upper[0] = 6;
  refused(line, &spec, MU_ERR_INPUT, "no mass");
  spec.upper[0] = 5;
  refused(line, &spec, MU_ERR_INPUT, "initial_upper");
  spec.background = -1;
  refused(line, &spec, MU_ERR_INPUT, "initial_background");
  spec = spec_of("formula");
  refused(line, &spec, MU_ERR_INPUT, "neither");
  spec.density = "x"; /* negative on the lower half: on some ranks only */
  refused(line, &spec, MU_ERR_INPUT, "-1.875");
  spec.density = "sqrt(x)";
  refused(line, &spec, MU_ERR_INPUT, "nan");
  spec.density = "1/abs(x - 0.125)";
  refused(line, &spec, MU_ERR_INPUT, "(0.125)");
  spec.density = NULL;
  spec.log_density = "sqrt(x)";
  refused(line, &spec, MU_ERR_INPUT, "initial_log_density");
  spec.density = "1";
  refused(line, &spec, MU_ERR_INPUT, "not both");
  OK(MuGridDestroy(&line));
  OK(MuGridDestroy(&plane));
}
END_TEST

/* ------------------------------------------------------------------ PGM */

START_TEST(grey_maps_are_read) {
  const char *text = "P2 # a comment\n3 2\n# another\n10\n0 5 10\n1 2 3\n";
  const unsigned char binary[] = {'P', '5', '\n', '2',  ' ', '1', '\n', '6', '5',
                                  '5', '3', '5',  '\n', 255, 255, 0x12, 0x34};
  const char eight[] = {'P', '5', ' ', '1', ' ', '2', ' ', '2', '0', '0', '\n', (char)200, 50};
  const char *path = temporary("image.pgm");
  PetscInt width, height;
  PetscReal *values;
  write_file(path, text, strlen(text));
  OK(MuPgmRead(MPI_COMM_WORLD, path, &width, &height, &values));
  ck_assert_int_eq(width, 3);
  ck_assert_int_eq(height, 2);
  ck_assert_double_eq(values[0], 0.1); /* the bottom row comes first */
  ck_assert_double_eq(values[4], 0.5);
  ck_assert_double_eq(values[5], 1);
  OK(PetscFree(values));
  write_file(path, binary, sizeof binary);
  OK(MuPgmRead(MPI_COMM_WORLD, path, &width, &height, &values));
  ck_assert_int_eq(width, 2);
  ck_assert_int_eq(height, 1);
  ck_assert_double_eq(values[0], 1);
  ck_assert_double_eq(values[1], (PetscReal)0x1234 / 65535);
  OK(PetscFree(values));
  write_file(path, eight, sizeof eight);
  OK(MuPgmRead(MPI_COMM_WORLD, path, &width, &height, &values));
  ck_assert_double_eq(values[0], 0.25);
  ck_assert_double_eq(values[1], 1);
  OK(PetscFree(values));
  remove_file(path);
}
END_TEST

/* What netpbm allows, and what Windows makes of it: one row of two values, 1 and 3 of 9. */
START_TEST(headers_of_every_kind_are_read) {
  static const char *const images[] = {
      "P5\n2 1\n9\n\001\003",     "P5\r\n2 1\r\n9\r\n\001\003", "P5\n# c\n2 1\n9\n\001\003",
      "P5\n2# c\n1\n9\n\001\003", "P5\n2 1\n9\n# c\n\001\003",  "P5\n2 1\n9\n# c\n# d\n\001\003",
      "P5\n2 1 # c\n9 \001\003",  "P2\r\n2 1\r\n9\r\n1 3\r\n",  "P2 2 1 9 1#c\n3 # the end\n\n",
      "P5 2 1\r9\r\001\003"};
  const char *path = temporary("header.pgm");
  for (size_t k = 0; k < sizeof images / sizeof *images; ++k) {
    PetscInt width, height;
    PetscReal *values;
    write_file(path, images[k], strlen(images[k]));
    ck_assert_msg(!MuPgmRead(MPI_COMM_WORLD, path, &width, &height, &values), "image %zu: %s", k,
                  MuErrorMessage());
    ck_assert_int_eq(width * height, 2);
    ck_assert_msg(values[0] == 1.0 / 9 && values[1] == 3.0 / 9, "image %zu", k);
    OK(PetscFree(values));
  }
  remove_file(path);
}
END_TEST

static void bad_image(const char *bytes, size_t n, const char *part) {
  const char *path = temporary("bad.pgm");
  PetscInt width, height;
  PetscReal *values;
  write_file(path, bytes, n);
  ck_assert_int_eq(MuPgmRead(MPI_COMM_WORLD, path, &width, &height, &values), MU_ERR_FILE);
  ck_assert_ptr_null(values);
  sentence_has(part);
  remove_file(path);
}

START_TEST(bad_grey_maps_are_refused) {
  PetscInt width, height;
  PetscReal *values;
  bad_image("P6 1 1 255 abc", 14, "P2 or P5");
  bad_image("P2 2 2 255 1 2 3", 16, "row 2, column 2 is missing");
  bad_image("P2 2 1 9 1 10", 13, "column 2 is too large");
  bad_image("P5 2 2 255 abc", 14, "row 2, column 2 is missing");
  bad_image("P2 0 2 255", 10, "header");
  bad_image("P2 2 2 70000 1 1 1 1", 20, "header");
  bad_image("P2 two 2 255", 12, "header");
  bad_image("", 0, "P2 or P5");
  bad_image("P5 2 1 255 abc", 14,
            "3 bytes stand behind the header of this grey map, where the image takes 2");
  bad_image("P5 2 1 255\n\n\nab", 15, "nothing else may follow");
  bad_image("P2 2 1 255 1 2 3", 16, "behind the last value");
  ck_assert_int_eq(MuPgmRead(MPI_COMM_WORLD, "/nonexistent.pgm", &width, &height, &values),
                   MU_ERR_FILE);
  sentence_has("/nonexistent.pgm");
}
END_TEST

/* ------------------------------------------------------------------ densities from files */

START_TEST(densities_from_images) {
  const char *text = "P2 4 4 8\n0 0 0 8\n0 0 0 0\n0 0 0 0\n4 0 0 0\n";
  const char *path = temporary("density.pgm");
  MuGrid grid = box(2, 4, 4, 2, NULL, PETSC_FALSE), other = box(2, 4, 5, 2, NULL, PETSC_FALSE);
  MuDensitySpec spec = spec_of("file");
  Vec field;
  PetscReal *l;
  write_file(path, text, strlen(text));
  spec.file = path;
  field = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, field);
  l = TestGather(grid, field);
  ck_assert_double_eq_tol(exp(l[0]), 1.0 / 3, 1e-14);  /* lower left */
  ck_assert_double_eq_tol(exp(l[15]), 2.0 / 3, 1e-14); /* top right */
  ck_assert_int_eq(isinf(l[7]), -1);
  free(l);
  refused(other, &spec, MU_ERR_INPUT, "[4, 4] values ([rows, columns]), the grid has [5, 4]");
  remove_file(path);
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
  OK(MuGridDestroy(&other));
}
END_TEST

static void write_dataset(const char *path, const char *name, int dim, const hsize_t shape[3],
                          const double *values) {
  if (my_rank() == 0) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(dim, shape, NULL);
    hid_t set =
        H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

START_TEST(densities_from_datasets) {
  const hsize_t plane_shape[3] = {5, 4, 1}, line_shape[3] = {20, 1, 1}, wrong[3] = {2, 5, 2};
  const char *path = temporary("density.h5");
  MuGrid plane = box(2, 4, 5, 2, NULL, PETSC_FALSE), line = box(1, 20, 1, 2, NULL, PETSC_FALSE);
  MuDensitySpec spec = spec_of("file");
  double values[20];
  PetscReal *l;
  Vec field;
  for (PetscInt i = 0; i < 20; ++i) values[i] = i; /* 0 + ... + 19 = 190 */
  spec.file = path;
  write_dataset(path, "density", 2, plane_shape, values);
  field = fill(plane, &spec, PETSC_FALSE);
  check_mass(plane, field);
  l = TestGather(plane, field);
  for (PetscInt i = 0; i < 20; ++i) ck_assert_double_eq_tol(exp(l[i]), i / 190.0 / 0.8, 1e-14);
  free(l);
  OK(VecDestroy(&field));
  refused(line, &spec, MU_ERR_INPUT, "the grid has [20] cells");
  write_dataset(path, "other", 1, line_shape, values);
  refused(line, &spec, MU_ERR_FILE, "no dataset density");
  spec.dataset = "other";
  field = fill(line, &spec, PETSC_FALSE);
  l = TestGather(line, field);
  ck_assert_double_eq_tol(exp(l[19]), 19 / 190.0 / 0.2, 1e-13);
  free(l);
  OK(VecDestroy(&field));
  values[3] = -1;
  write_dataset(path, "other", 1, line_shape, values);
  refused(line, &spec, MU_ERR_INPUT, "-1.3"); /* the centre of cell 3 */
  write_dataset(path, "other", 3, wrong, values);
  refused(line, &spec, MU_ERR_FILE, "3 dimensions");
  write_file(path, "text", 4);
  refused(line, &spec, MU_ERR_FILE, "neither an HDF5 file");
  remove_file(path);
  MPI_Barrier(MPI_COMM_WORLD);
  refused(line, &spec, MU_ERR_FILE, path);
  OK(MuGridDestroy(&plane));
  OK(MuGridDestroy(&line));
}
END_TEST

/* ------------------------------------------------------------------ samples */

START_TEST(samples_are_read) {
  const char *text =
      "\"id\", eruptions , waiting\r\n# comment\n1,3.6,79\n\n2, 1.8 ,\"54\"\n3,3.333,74\n";
  const char *numbers = "1,2\n3,4\n";
  const char *path = temporary("samples.csv");
  const char *names[2] = {"waiting", "eruptions"}, *second[2] = {"2", NULL};
  PetscInt n;
  PetscReal *p;
  write_file(path, text, strlen(text));
  MuPointsSpec spec = {.key = "key", .file = path, .dim = 2, .columns = names};
  OK(MuSamplesRead(MPI_COMM_WORLD, &spec, NULL, &n, &p));
  ck_assert_int_eq(n, 3);
  ck_assert_double_eq(p[0], 79);
  ck_assert_double_eq(p[1], 3.6);
  ck_assert_double_eq(p[2], 54);
  ck_assert_double_eq(p[3], 1.8);
  ck_assert_double_eq(p[5], 3.333);
  OK(PetscFree(p));
  spec.dim = 1;
  spec.columns = second;
  OK(MuSamplesRead(MPI_COMM_WORLD, &spec, NULL, &n, &p));
  ck_assert_int_eq(n, 3);
  ck_assert_double_eq(p[1], 1.8);
  OK(PetscFree(p));
  write_file(path, numbers, strlen(numbers)); /* no header: no line is lost */
  spec.dim = 2;
  spec.columns = NULL;
  OK(MuSamplesRead(MPI_COMM_WORLD, &spec, NULL, &n, &p));
  ck_assert_int_eq(n, 2);
  ck_assert_double_eq(p[0], 1);
  ck_assert_double_eq(p[3], 4);
  OK(PetscFree(p));
  remove_file(path);
}
END_TEST

static void bad_samples(const char *text, const char *column, PetscErrorCode code,
                        const char *part) {
  const char *path = temporary("bad.csv"), *columns[2] = {column, "b"};
  PetscInt n;
  PetscReal *p;
  write_file(path, text, strlen(text));
  const MuPointsSpec spec = {.key = "target_samples", .file = path, .dim = 2, .columns = columns};
  ck_assert_int_eq(MuSamplesRead(MPI_COMM_WORLD, &spec, NULL, &n, &p), code);
  sentence_has("target_samples");
  sentence_has(part);
  remove_file(path);
}

START_TEST(bad_samples_are_refused) {
  const char *none[2] = {NULL, NULL};
  PetscInt n;
  PetscReal *p;
  bad_samples("a,b\n1,2\n3,four\n", "a", MU_ERR_INPUT, "line 3, column 2: `four`");
  bad_samples("a,b\n1,2\n\n3\n", "a", MU_ERR_INPUT, "line 4: the number of its fields is 1");
  bad_samples("a,b\n1,2\n3,\n", "a", MU_ERR_INPUT, "line 3, column 2: ``");
  bad_samples("a,b,a\n1,2,3\n", "a", MU_ERR_INPUT, "two columns `a`");
  bad_samples("a,b\n1,nan\n", "a", MU_ERR_INPUT, "line 2");
  bad_samples("a,b\n1,2\n", "c", MU_ERR_INPUT, "no column `c`");
  bad_samples("a,b\n1,2\n", "3", MU_ERR_INPUT, "no column `3`");
  bad_samples("a,b\n", "a", MU_ERR_INPUT, "no points");
  bad_samples("", "a", MU_ERR_INPUT, "no points");
  const MuPointsSpec spec = {.key = "key", .file = "/none.csv", .dim = 1, .columns = none};
  ck_assert_int_eq(MuSamplesRead(MPI_COMM_WORLD, &spec, NULL, &n, &p), MU_ERR_FILE);
  sentence_has("/none.csv");
}
END_TEST

/* Points (1.5, -2) and (3, 0.25) as programs and spreadsheets write them. */
START_TEST(tables_of_every_kind_are_read) {
  static const struct {
    const char *text;
    PetscBool decimal_comma;
  } tables[] = {{"1.5,-2\n3,0.25\n", PETSC_FALSE},
                {"\xef\xbb\xbf"
                 "1.5,-2\n3,0.25\n",
                 PETSC_FALSE},
                {"\xef\xbb\xbf"
                 "x,y\r\n1.5,-2\r\n3,0.25",
                 PETSC_FALSE},
                {"x,y\r1.5,-2\r3,0.25\r", PETSC_FALSE},
                {"1.5,-2,\n3,0.25,\n", PETSC_FALSE},
                {"x,y\n1.5,-2,,\n3,0.25,,\n", PETSC_FALSE},
                {"x,y,name\n1.5,-2,\"one, two\"\n3,0.25,\"a \"\"b\"\"\"\n", PETSC_FALSE},
                {"\"1.5\",\"-2\"\n\"3\",\"0.25\"\n", PETSC_FALSE},
                {"1.5;-2\n3;0.25\n", PETSC_FALSE},
                {"1,5;-2\n3;0,25\n", PETSC_TRUE},
                {"x;y\n1,5;-2\n3,0;2,5e-1\n", PETSC_TRUE},
                {"1.5\t-2\n3\t0.25\n", PETSC_FALSE},
                {"x (m, at noon)\ty\n1,5\t-2\n3\t0,25\n", PETSC_TRUE},
                {"# of numpy\n1.500e+00 -2.0e+00\n3.000e+00 2.5e-01\n", PETSC_FALSE},
                {"  1.5   -2  \n  3    0.25\n", PETSC_FALSE},
                {"1.5, -2\n3, 0.25\n", PETSC_FALSE},
                {"eruption time, waiting time\n1.5, -2\n3, 0.25\n", PETSC_FALSE}};
  const char *path = temporary("kind.csv");
  const MuPointsSpec spec = {.key = "key", .file = path, .dim = 2};
  for (size_t k = 0; k < sizeof tables / sizeof *tables; ++k) {
    MuPointsLayout layout;
    PetscInt n;
    PetscReal *p;
    write_file(path, tables[k].text, strlen(tables[k].text));
    ck_assert_msg(!MuSamplesRead(MPI_COMM_WORLD, &spec, &layout, &n, &p), "table %zu: %s", k,
                  MuErrorMessage());
    ck_assert_msg(n == 2 && p[0] == 1.5 && p[1] == -2 && p[2] == 3 && p[3] == 0.25, "table %zu", k);
    ck_assert_int_eq(layout.decimal_comma, tables[k].decimal_comma);
    OK(PetscFree(p));
  }
  remove_file(path);
}
END_TEST

/* Tables that would be other numbers than were meant, in one dimension and in two. */
START_TEST(tables_of_doubt_are_refused) {
  static const struct {
    PetscInt dim, optional;
    const char *text, *part;
  } tables[] = {
      {1, 0, "1,83\n2,91\n3,55\n", "2 columns of integers, or 1 of numbers with decimal commas"},
      {2, 1, "1,83\n2,91\n", "2 columns of integers, or 1 of"},
      {2, 0, "1,5,2,5\n3,1,0,25\n", "4 columns of integers, or 2 of"},
      {1, 0, "x\n1,83\n2,91\n", "line 2, column 1: `1,83` is not a finite number (write a point"},
      {1, 0, "1,83\n2\n", "line 1, column 1: `1,83` is not"},
      {1, 0, "1,83\n2,91\n3\n", "line 3: the number of its fields is 1, that of the first line 2"},
      {1, 0, "1.5\n2.5 m\n", "line 2, column 1: `2.5 m`"},
      {2, 0, "1.5,a\n3,0.25\n", "`a` in column 2, where the next line has `0.25`"},
      {2, 0, "1.5;2,5\n3;0.25\n", "line 1, column 2: up to here there are decimal points"},
      {1, 0, "a;1,500\nb;2,500\n", "what separates"},
      {1, 0, "1,500\tx\n2,750\ty\n", "may be decimal ones or separate thousands"},
      {2, 0, "x,y\n1,2,3\n", "line 2: the number of its fields is 3, that of the first line 2"},
      {2, 0, "x,y\n1,\"2\n", "line 2: a quote has no end"},
      {2, 0, "1,2\n3,\"4\"5\n", "line 2: a quote has no end"},
      {1, 0,
       "\xff\xfe"
       "1\n",
       "UTF-16"},
      {1, 0, "0x10\n", NULL}};
  const char *path = temporary("doubt.csv");
  for (size_t k = 0; k < sizeof tables / sizeof *tables; ++k) {
    const MuPointsSpec spec = {
        .key = "key", .file = path, .dim = tables[k].dim, .optional = tables[k].optional};
    PetscInt n;
    PetscReal *p = NULL;
    write_file(path, tables[k].text, strlen(tables[k].text));
    const PetscErrorCode code = MuSamplesRead(MPI_COMM_WORLD, &spec, NULL, &n, &p);
    ck_assert_msg(code == MU_ERR_INPUT, "table %zu", k);
    if (tables[k].part) sentence_has(tables[k].part);
  }
  remove_file(path);
}
END_TEST

/* Mass 1, the mean of the points exactly (linear shares), and a point at a centre in one cell. */
START_TEST(samples_are_binned) {
  const PetscReal points[5][2] = {{-1.9, 0.3}, {0.1, 0.25}, {1.2, -1.3}, {0.25, 0.75}, {-0.6, 2}};
  MuGrid grid = box(2, 8, 8, 2, NULL, PETSC_FALSE);
  MuCells cells = cells_of(grid);
  PetscReal *a, *all, mass = 0, mean = 0, exact = 0;
  Vec field;
  OK(MuGridCreateField(grid, &field));
  OK(VecGetArray(field, &a));
  OK(MuSamplesBin(&cells, 5, &points[0][0], a));
  OK(VecRestoreArray(field, &a));
  all = TestGather(grid, field);
  for (PetscInt i = 0; i < 64; ++i) {
    mass += all[i] * 0.25;
    mean += all[i] * 0.25 * (-2 + (i % 8 + 0.5) * 0.5);
  }
  for (PetscInt k = 0; k < 5; ++k)
    exact += PetscMax(points[k][0], -1.75) / 5; /* -1.9: at the wall */
  ck_assert_double_eq_tol(mass, 1, 1e-15);
  ck_assert_double_eq_tol(mean, exact, 1e-15);
  ck_assert_double_eq_tol(all[5 * 8 + 4], 4 * 0.2, 1e-15); /* (0.25, 0.75) */
  free(all);
  ck_assert_int_eq(MuSamplesBin(&cells, 1, (PetscReal[2]){0, 2.1}, NULL), MU_ERR_INPUT);
  sentence_has("coordinate 2 of point 1 is 2.1");
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(binning_wraps_on_a_periodic_axis) {
  MuGrid grid = box(1, 8, 1, 2, NULL, PETSC_TRUE);
  MuCells cells = cells_of(grid);
  PetscReal *a, *all;
  Vec field;
  OK(MuGridCreateField(grid, &field));
  OK(VecGetArray(field, &a));
  OK(MuSamplesBin(&cells, 2, (PetscReal[2]){-2, 1.9}, a)); /* shares 1/2, 1/2; 0.7, 0.3 */
  OK(VecRestoreArray(field, &a));
  all = TestGather(grid, field);
  ck_assert_double_eq_tol(all[0], 0.5 + 0.3, 1e-14);
  ck_assert_double_eq_tol(all[7], 0.5 + 0.7, 1e-14);
  free(all);
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Against the double sum in long double, whose range holds the tails; per-axis bandwidths. */
START_TEST(kernel_density_estimate_is_the_sum) {
  enum { N = 30 };
  const PetscReal h[2] = {0.02, 0.4};
  PetscReal points[N][2];
  for (PetscInt periodic = 0; periodic <= 1; ++periodic) {
    MuGrid grid = box(2, 200, 16, 1, NULL, (PetscBool)periodic);
    MuCells cells = cells_of(grid);
    PetscReal *l = malloc(sizeof(PetscReal) * (size_t)cells.count);
    for (PetscInt i = 0; i < N; ++i) {
      points[i][0] = 0.9 + 0.1 * sin(3.0 * i);
      points[i][1] = -0.3 + 0.6 * cos(5.0 * i);
    }
    OK(MuSamplesLogKde(&cells, N, &points[0][0], h, l));
    for (PetscInt i = 0; i < cells.count; ++i) {
      long double sum = 0;
      PetscReal x[2];
      OK(MuGridCellCentre(grid, i, x));
      for (PetscInt k = 0; k < N; ++k)
        for (PetscInt image = -periodic; image <= periodic; ++image) {
          long double u = (x[0] - points[k][0] + 2 * image) / h[0],
                      v = (x[1] - points[k][1]) / h[1];
          sum += expl(-(u * u + v * v) / 2);
        }
      sum /= 2 * PETSC_PI * h[0] * h[1] * N;
      ck_assert_double_eq_tol(l[i] / (PetscReal)logl(sum), 1, 1e-11);
    }
    free(l);
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

START_TEST(densities_from_samples) {
  const char *text = "x,y\n0.1,10\n0.2,30\n0.6,20\n0.5,60\n", *flat = "x,y\n1,2\n1,3\n";
  const char *path = temporary("kde.csv"), *columns[2] = {"x", NULL};
  MuGrid grid = box(1, 400, 1, 2, NULL, PETSC_FALSE);
  MuDensitySpec spec = spec_of("samples");
  const PetscReal sigma = sqrt((0.25 * 0.25 + 0.15 * 0.15) * 2 / 3), h = sigma * pow(4, -0.2);
  Vec field;
  PetscReal *l;
  write_file(path, text, strlen(text));
  spec.file = path;
  spec.columns = columns;
  field = fill(grid, &spec, PETSC_TRUE);
  l = TestGather(grid, field);
  PetscReal x = -2 + 210.5 * 0.01, sum = 0;
  for (PetscInt k = 0; k < 4; ++k)
    sum += exp(normal_1d(x, (PetscReal[4]){0.1, 0.2, 0.6, 0.5}[k], h * h)) / 4;
  ck_assert_double_eq_tol(exp(l[210]), sum, 1e-13); /* Scott's rule */
  free(l);
  OK(VecDestroy(&field));
  field = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, field);
  OK(VecDestroy(&field));
  spec.smoothing = MU_SMOOTHING_NONE;
  field = fill(grid, &spec, PETSC_FALSE);
  check_mass(grid, field);
  l = TestGather(grid, field);
  ck_assert_double_eq_tol(exp(l[260]) + exp(l[259]), 0.25 / 0.01, 1e-10);
  ck_assert_int_eq(isinf(l[100]), -1);
  free(l);
  OK(VecDestroy(&field));
  spec.smoothing = MU_SMOOTHING_KDE;
  write_file(path, flat, strlen(flat));
  refused(grid, &spec, MU_ERR_INPUT, "initial_samples_bandwidth");
  spec.bandwidth[0] = -1;
  refused(grid, &spec, MU_ERR_INPUT, "initial_samples_bandwidth");
  remove_file(path);
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("density");
  TCase *t = tcase_create("density");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, formulas_have_their_values);
  tcase_add_test(t, values_that_are_not_finite_are_returned);
  tcase_add_test(t, formulas_keep_no_state);
  tcase_add_test(t, words_of_formulas);
  tcase_add_test(t, bad_formulas_are_refused);
  tcase_add_test(t, a_line_has_no_y);
  tcase_add_test(t, gaussians_match_their_formula);
  tcase_add_test(t, mixtures_match_their_formula);
  tcase_add_test(t, mass_outside_the_box);
  tcase_add_test(t, uniform_and_background);
  tcase_add_test(t, formula_densities);
  tcase_add_test(t, bad_densities_are_refused);
  tcase_add_test(t, grey_maps_are_read);
  tcase_add_test(t, headers_of_every_kind_are_read);
  tcase_add_test(t, bad_grey_maps_are_refused);
  tcase_add_test(t, densities_from_images);
  tcase_add_test(t, densities_from_datasets);
  tcase_add_test(t, samples_are_read);
  tcase_add_test(t, bad_samples_are_refused);
  tcase_add_test(t, tables_of_every_kind_are_read);
  tcase_add_test(t, tables_of_doubt_are_refused);
  tcase_add_test(t, samples_are_binned);
  tcase_add_test(t, binning_wraps_on_a_periodic_axis);
  tcase_add_test(t, kernel_density_estimate_is_the_sum);
  tcase_add_test(t, densities_from_samples);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
