/* The scheme `extrapolation`: the order of every column, errors against tolerances on many pairs
   and against an exact solution. */
#include "flow/flow_impl.h"
#include "flow_support.h"

#define PI 3.14159265358979323846

static PetscReal mild(PetscReal x, PetscReal y) {
  return 0.15 * x * x + 0.1 * y * y + 0.1 * x * y + 0.2 * x;
}

/* ------------------------------------------------------------------ orders */

/* Error of column k at row i after one macro step. */
static void column_errors(const TestFlowSpec *spec, Vec initial, PetscInt k, PetscReal step,
                          PetscReal error[MU_ROWS]) {
  MuFlow flow = TestFlowCreate(spec, initial);
  Vec row[MU_ROWS];
  for (PetscInt i = 0; i < MU_ROWS; ++i) OK(VecDuplicate(initial, &row[i]));
  OK(MuExtrapolationColumn(flow, k, step, initial, row));
  for (PetscInt i = 0; i < MU_ROWS; ++i) {
    Vec exact = TestOracle(spec, initial, step * (i + 1) / MU_ROWS, 400);
    OK(MuGridDistanceL1(spec->grid, row[i], exact, &error[i]));
    OK(VecDestroy(&exact));
    OK(VecDestroy(&row[i]));
  }
  OK(MuFlowDestroy(&flow));
}

/* One macro step of length H with k columns leaves an error of order k + 1 at every row: linear and
   nonlinear diffusion, drift alone, with reaction and in two dimensions */
START_TEST(every_column_has_its_order) {
  static const struct {
    const char *energy, *geometry[3];
    PetscInt dim;
  } cases[] = {{"kl", {"wasserstein"}, 1},
               {"kl", {"wasserstein", "fisher_rao"}, 1},
               {"chi2", {"wasserstein"}, 1},
               {"internal", {"wasserstein"}, 1},
               {"kl", {"wasserstein", "fisher_rao"}, 2}};
  /* wide cells: all modes are slow, so that short steps show the orders above rounding */
  for (size_t c = TestQuick() ? 4 : 0; c < sizeof cases / sizeof *cases; ++c) {
    MuGrid grid = TestGrid(cases[c].dim, 6, cases[c].dim == 2 ? 6 : 1, -3, 3, PETSC_FALSE);
    Vec log_target = TestLogTarget(grid, mild), initial = TestHillDensity(grid);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {cases[c].energy},
                         .geometry = {cases[c].geometry[0], cases[c].geometry[1]},
                         .internal_exponent = 2,
                         .log_target = log_target,
                         .spherical = (PetscBool)(cases[c].geometry[1] != NULL),
                         .scheme = "extrapolation",
                         .tolerance = 1e-11,
                         .step = 1,
                         .end = 1};
    for (PetscInt k = 1; k <= 6; ++k) {
      const PetscReal step[2] = {0.016 * k, 0.008 * k};
      PetscReal error[2][MU_ROWS];
      for (int s = 0; s < 2; ++s) column_errors(&spec, initial, k, step[s], error[s]);
      for (PetscInt i = 0; i < MU_ROWS; ++i) {
        const PetscReal order = log2(error[0][i] / error[1][i]);
        if (error[1][i] < 1e-12) continue; /* rounding */
        ck_assert_msg(order > (i ? 0.75 : 0.9) * (k + 1),
                      "%s, %d parts, dimension %d: column %d, row %d has order %.2f (%.2e, %.2e)",
                      cases[c].energy, cases[c].geometry[1] ? 2 : 1, (int)cases[c].dim, (int)k,
                      (int)i, order, error[0][i], error[1][i]);
      }
    }
    OK(VecDestroy(&log_target));
    OK(VecDestroy(&initial));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ tolerances */

typedef struct {
  const char *energy[3], *geometry[3], *kernel;
  PetscBool spherical, periodic;
  PetscReal weight; /* of the second energy */
  PetscBool kinks;  /* the donor of a frozen flux switches: no full order, the estimates no bound */
  PetscInt dim;
} Pair;

static const Pair pairs[] = {
    {.energy = {"kl"}, .geometry = {"wasserstein"}, .dim = 1},
    {.energy = {"kl"}, .geometry = {"wasserstein", "fisher_rao"}, .dim = 1},
    {.energy = {"kl"},
     .geometry = {"wasserstein", "fisher_rao"},
     .spherical = PETSC_TRUE,
     .dim = 2},
    {.energy = {"entropy"}, .geometry = {"wasserstein"}, .periodic = PETSC_TRUE, .dim = 1},
    {.energy = {"chi2"}, .geometry = {"wasserstein"}, .dim = 1},
    {.energy = {"chi2"}, .geometry = {"wasserstein", "fisher_rao"}, .dim = 1},
    {.energy = {"internal", "potential"}, .geometry = {"wasserstein"}, .weight = 0.1, .dim = 1},
    {.energy = {"internal"}, .geometry = {"wasserstein"}, .periodic = PETSC_TRUE, .dim = 2},
    {.energy = {"hellinger"}, .geometry = {"wasserstein", "fisher_rao"}, .dim = 1},
    {.energy = {"kl"}, .geometry = {"wasserstein_mobility"}, .dim = 1},
    {.energy = {"kl"},
     .geometry = {"wasserstein", "kernel_fisher_rao"},
     .kernel = "gaussian",
     .dim = 1},
    {.energy = {"mmd"}, .geometry = {"wasserstein", "mmd"}, .kernel = "bessel", .dim = 1},
    {.energy = {"mmd"}, .geometry = {"wasserstein"}, .kernel = "gaussian", .dim = 1},
    {.energy = {"mmd", "kl"}, .geometry = {"wasserstein"}, .kernel = "gaussian", .dim = 2},
    {.energy = {"entropy", "interaction"}, .geometry = {"wasserstein"}, .dim = 1},
    {.energy = {"kl"}, .geometry = {"stein"}, .kernel = "gaussian", .kinks = PETSC_TRUE, .dim = 1},
    {.energy = {"mmd"}, .geometry = {"stein"}, .kernel = "gaussian", .kinks = PETSC_TRUE, .dim = 2},
    {.energy = {"kl"},
     .geometry = {"ridge_stein"},
     .kernel = "gaussian",
     .kinks = PETSC_TRUE,
     .dim = 1},
    {.energy = {"kl"},
     .geometry = {"stein", "wasserstein"},
     .kernel = "gaussian",
     .kinks = PETSC_TRUE,
     .dim = 1},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* The error at the end is at most the sum of the estimates, and goes down with the tolerance */
START_TEST(errors_follow_the_tolerance) {
  static const PetscReal tolerance[4] = {1e-3, 1e-5, 1e-7, 1e-9};
  const Pair *p = &pairs[_i];
  if (TestQuick() && _i % 5 != 2) return; /* two in the plane and one on a line */
  MuGrid grid = TestGrid(p->dim, 16, p->dim == 2 ? 12 : 1, -2, 2, p->periodic);
  Vec log_target = TestLogTarget(grid, TestWell), initial = TestHillDensity(grid), exact;
  PetscReal error[4];
  TestFlowSpec spec = {.grid = grid,
                       .energy = {p->energy[0], p->energy[1]},
                       .energy_weight = {1, p->weight},
                       .geometry = {p->geometry[0], p->geometry[1]},
                       .internal_exponent = 2,
                       .mobility_exponent = 2,
                       .ridge = 0.05,
                       .spherical = p->spherical,
                       .log_target = log_target,
                       .scheme = "extrapolation",
                       .step = 1,
                       .tolerance = 1e-5,
                       .end = 0.5};
  if (p->kernel) spec.kernel = TestKernel(p->dim, p->kernel, 0.5, MU_EXTENSION_REFLECT);
  exact = TestOracle(&spec, initial, spec.end, TestQuick() ? 1500 : 4000);
  for (int k = 0; k < 4; ++k) {
    MuFlow flow;
    MuEffort effort;
    Vec rho;
    spec.tolerance = tolerance[k];
    flow = TestFlowCreate(&spec, initial);
    OK(MuFlowAdvance(flow, spec.end));
    OK(MuFlowGetState(flow, NULL, &rho));
    OK(MuGridDistanceL1(grid, rho, exact, &error[k]));
    OK(MuFlowGetEffort(flow, &effort));
    ck_assert_double_le(error[k], (p->kinks ? 5 : 1) * effort.error + 1e-12);
    OK(MuFlowDestroy(&flow));
  }
  const PetscReal slope = TestSlope(4, tolerance, error);
  ck_assert_double_ge(slope, p->kinks ? 0.4 : 0.7);
  OK(VecDestroy(&exact));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  OK(MuKernelDestroy(&spec.kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ exact solutions */

static PetscReal wave(PetscReal x, PetscReal y) {
  (void)y;
  return (1 + 0.5 * cos(PI * x / 2)) / 4;
}

/* A cosine of the heat equation on periodic cells decays with the rate of the discrete Laplacian */
START_TEST(heat_mode_decays_exactly) {
  MuGrid grid = TestGrid(1, 64, 1, -2, 2, PETSC_TRUE);
  Vec initial = TestField(grid, wave), rho, exact = TestField(grid, wave);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"entropy"},
                       .geometry = {"wasserstein"},
                       .scheme = "extrapolation",
                       .tolerance = 1e-10,
                       .step = 1,
                       .end = 1};
  const PetscReal h = 4. / 64, rate = 2 * (1 - cos(PI * h / 2)) / (h * h);
  PetscReal error;
  rho = TestFlowRun(&spec, initial);
  OK(VecShift(exact, -0.25));
  OK(VecScale(exact, exp(-rate)));
  OK(VecShift(exact, 0.25));
  OK(MuGridDistanceL1(grid, rho, exact, &error));
  ck_assert_double_le(error, 1e-10);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&exact));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("extrapolation");
  TCase *t = tcase_create("extrapolation");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, every_column_has_its_order);
  tcase_add_loop_test(t, errors_follow_the_tolerance, 0, PAIRS);
  tcase_add_test(t, heat_mode_decays_exactly);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
