/* Faults that random cases (stress.c) have found, each in a small form. */
#include "flow_support.h"

#include <string.h>

static PetscReal half(PetscReal x, PetscReal y) {
  (void)y;
  return x < 0.2 ? 1 : 0;
}

static PetscReal hill(PetscReal x, PetscReal y) {
  return 0.5 * x * x + 0.2 * y;
}

static PetscReal abyss(PetscReal x, PetscReal y) {
  (void)y;
  return 150 * (x - 2) * (x - 2);
}

static PetscReal flat(PetscReal x, PetscReal y) {
  (void)x;
  (void)y;
  return 1;
}

static Vec density(MuGrid grid, PetscReal (*f)(PetscReal x, PetscReal y)) {
  Vec rho = TestField(grid, f);
  TestNormalise(grid, rho);
  return rho;
}

/* rho = 0 is no stationary point of hellinger, of kl it is: log_density must agree with the closed
   form in both, also where it starts from nothing. Local error 1e-8 of log rho in every inner step.
 */
START_TEST(mass_out_of_nothing) {
  static const char *const energies[] = {"hellinger", "kl"};
  MuGrid grid = TestGrid(1, 16, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, hill), initial = density(grid, half);
  for (int k = 0; k < (TestQuick() ? 1 : 2); ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {energies[k]},
                         .geometry = {"fisher_rao"},
                         .log_target = log_target,
                         .scheme = "log_density",
                         .step = 0.25,
                         .end = TestQuick() ? 0.25 : 0.5};
    Vec rho = TestFlowRun(&spec, initial), exact;
    PetscReal smallest;
    spec.scheme = "closed_form";
    exact = TestFlowRun(&spec, initial);
    ck_assert_double_le(TestMaxDifference(rho, exact), 1e-6);
    OK(VecMin(exact, NULL, &smallest));
    ck_assert((smallest > 0) == (k == 0));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&exact));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Rates of e^600 are a numerical outcome with a sentence, not an error of the program; with less
   haste the flow goes on. */
START_TEST(enormous_rates) {
  MuGrid grid = TestGrid(1, 16, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, abyss), initial = density(grid, flat), rho;
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"hellinger", "kl", "l2"},
                       .geometry = {"fisher_rao", "ridge_mobility"},
                       .ridge = 1e-3,
                       .log_target = log_target,
                       .scheme = "log_density",
                       .step = 1e6,
                       .end = 1e6};
  PetscReal time, mass;
  MuFlow flow;
  OK(PetscOptionsSetValue(NULL, "-mudot_ts_max_steps", "50"));
  flow = TestFlowCreate(&spec, initial);
  ck_assert_int_eq(MuFlowAdvance(flow, 1e6), MU_ERR_NUMERICS);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "explicit inner steps"));
  OK(MuFlowGetState(flow, &time, &rho));
  ck_assert_double_eq(time, 0);
  ck_assert_double_eq(TestMaxDifference(rho, initial), 0);
  OK(MuFlowDestroy(&flow));
  OK(PetscOptionsClearValue(NULL, "-mudot_ts_max_steps"));
  if (!TestQuick()) {
    spec.step = spec.end = 1e-3;
    rho = TestFlowRun(&spec, initial);
    OK(MuGridIntegrate(grid, rho, &mass));
    ck_assert(mass > 0 && mass < 1);
    OK(VecDestroy(&rho));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* A solve inside K that does not converge rejects the step; the flow stays where it was. */
START_TEST(a_failed_inner_solve) {
  static const char *const schemes[] = {"log_density", "discrete_gradient"};
  MuGrid grid = TestGrid(1, 24, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, hill), initial = density(grid, flat), rho;
  MuKernel kernel = TestKernel(1, "gaussian", 0.5, MU_EXTENSION_REFLECT);
  for (int k = TestQuick() ? 1 : 0; k < 2; ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"kl"},
                         .geometry = {"ridge_fisher_rao"},
                         .ridge = 1e-3,
                         .kernel = kernel,
                         .log_target = log_target,
                         .scheme = schemes[k],
                         .step = 0.1,
                         .end = 1};
    MuFlow flow = TestFlowCreate(&spec, initial);
    MuGeometry geometry;
    PetscReal time;
    OK(MuFlowAdvance(flow, 0.1));
    OK(MuFlowGetState(flow, &time, &rho));
    OK(VecCopy(rho, initial));
    OK(MuFlowGetParts(flow, NULL, NULL, &geometry));
    OK(MuGeometrySetRidgeTolerance(geometry, 1e-300)); /* never reached */
    ck_assert_int_eq(MuFlowAdvance(flow, 1), MU_ERR_NUMERICS);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "geometry_ridge"));
    OK(MuFlowGetState(flow, &time, &rho));
    ck_assert_double_eq(time, 0.1);
    ck_assert_double_eq(TestMaxDifference(rho, initial), 0);
    OK(MuFlowDestroy(&flow));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Where rho^2 underflows s^(-3/2) overflows: their product must not be 0 times infinity. */
START_TEST(nonlinear_transport_into_empty_cells) {
  MuGrid grid = TestGrid(1, 128, 1, -4, 4, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, hill), initial = density(grid, half), rho;
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"hellinger"},
                       .geometry = {"wasserstein_mobility"},
                       .mobility_exponent = 2,
                       .log_target = log_target,
                       .step = 2.5e-4,
                       .end = 2.5e-3};
  PetscReal mass, smallest;
  rho = TestFlowRun(&spec, initial);
  OK(MuGridIntegrate(grid, rho, &mass));
  OK(VecMin(rho, NULL, &smallest));
  ck_assert_double_eq_tol(mass, 1, 1e-12);
  ck_assert_double_ge(smallest, 0);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* <G, rho1 - rho0> = F(rho1) - F(rho0) of blob_entropy with a kernel far narrower than a cell,
   whose weights have both signs, so that k*rho is cut off in some cells, in one state or in both.
 */
START_TEST(blob_entropy_of_a_narrow_kernel) {
  MuGrid grid = TestGrid(1, 20, 1, 0, 1, PETSC_FALSE);
  MuKernel kernel = TestKernel(1, "matern", 0.004, MU_EXTENSION_REFLECT);
  TestFlowSpec spec = {.grid = grid, .energy = {"blob_entropy"}, .kernel = kernel};
  MuEnergy energy = TestEnergy(&spec);
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Vec rho0 = TestRandomField(grid, seed, -1, 2), rho1 = TestRandomField(grid, seed + 50, -1, 2);
    Vec gradient, zero;
    PetscReal f0, f1, inner;
    OK(VecDuplicate(rho0, &gradient));
    OK(VecDuplicate(rho0, &zero));
    OK(VecSet(zero, 0));
    OK(VecPointwiseMax(rho0, rho0, zero));
    OK(VecPointwiseMax(rho1, rho1, zero));
    OK(MuEnergyEvaluate(energy, rho0, &f0, NULL, NULL, NULL));
    OK(MuEnergyEvaluate(energy, rho1, &f1, NULL, NULL, NULL));
    OK(MuEnergyDiscreteGradient(energy, rho0, rho1, gradient, NULL));
    OK(VecAXPY(rho1, -1, rho0));
    OK(MuGridInner(grid, gradient, rho1, &inner));
    ck_assert_double_eq_tol(inner, f1 - f0, 1e-11); /* G is of the size 100 */
    OK(VecDestroy(&rho0));
    OK(VecDestroy(&rho1));
    OK(VecDestroy(&gradient));
    OK(VecDestroy(&zero));
  }
  OK(MuEnergyDestroy(&energy));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* (P Kc P)^(-1) of a field of size 1e180, whose square overflows. */
START_TEST(inverse_of_an_enormous_field) {
  MuGrid grid = TestGrid(1, 32, 1, 0, 1, PETSC_FALSE);
  MuKernel kernel = TestKernel(1, "matern", 0.1, MU_EXTENSION_ZERO);
  Vec f = TestRandomField(grid, 3, -1, 1), g, large;
  MuConvolution convolution;
  OK(VecDuplicate(f, &g));
  OK(VecDuplicate(f, &large));
  OK(MuConvolutionCreate(grid, kernel, MU_CELLS, &convolution));
  OK(MuConvolutionApplyInverse(convolution, 1e-3, f, g));
  OK(VecScale(f, 1e180));
  OK(MuConvolutionApplyInverse(convolution, 1e-3, f, large));
  OK(VecScale(large, 1e-180));
  ck_assert_double_le(TestMaxDifference(g, large), 1e-7); /* condition number 1e3, residual 1e-12 */
  OK(MuConvolutionDestroy(&convolution));
  OK(VecDestroy(&f));
  OK(VecDestroy(&g));
  OK(VecDestroy(&large));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* R(0) = 0 from a guess that is enormous: the lower bound is not below 0. */
START_TEST(primal_is_not_negative) {
  MuGrid grid = TestGrid(1, 200, 1, -4, 4, PETSC_FALSE);
  Vec rho = TestLogTarget(grid, hill), v, image, guess = TestRandomField(grid, 5, -1e9, 1e9),
      log_pi;
  TestFlowSpec spec = {.grid = grid, .geometry = {"wasserstein", "fisher_rao"}};
  MuGeometry geometry = TestGeometry(&spec);
  PetscReal value, dual;
  log_pi = rho;
  rho = TestExp(grid, log_pi);
  OK(VecDuplicate(rho, &v));
  OK(VecDuplicate(rho, &image));
  OK(VecSet(v, 0));
  OK(MuGeometrySetState(geometry, rho));
  OK(MuGeometryApply(geometry, MU_PART_ALL, guess, NULL, image));
  OK(MuGridInner(grid, guess, image, &dual));
  OK(MuGeometryPrimal(geometry, v, guess, image, &value));
  ck_assert_double_ge(value, 0);
  ck_assert_double_le(value, 1e-3 * dual);
  OK(MuGeometryDestroy(&geometry));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&log_pi));
  OK(VecDestroy(&v));
  OK(VecDestroy(&image));
  OK(VecDestroy(&guess));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* An adaptive run whose first step is 1e7 times too large finds its step. */
START_TEST(adaptation_from_a_huge_step) {
  MuGrid grid = TestGrid(1, 24, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, hill), initial = density(grid, half);
  TestFlowSpec spec = {
      .grid = grid, .energy = {"kl"}, .geometry = {"wasserstein"}, .log_target = log_target};
  MuEnergy energy = TestEnergy(&spec);
  MuGeometry geometry = TestGeometry(&spec);
  MuFlowSpec f;
  MuFlow flow;
  PetscInt accepted, rejected;
  MuFlowSpecDefault(&f);
  f.adapt = PETSC_TRUE;
  f.tolerance = 1e-10;
  f.step = 1e4;
  f.end = 2e4;
  OK(MuFlowCreate(grid, energy, geometry, initial, &f, &flow));
  OK(MuFlowAdvance(flow, 1e-5));
  OK(MuFlowSetState(flow, 0, initial)); /* once more with the huge step */
  ck_assert_int_eq(MuFlowAdvance(flow, 1e-2), 0);
  OK(MuFlowGetSteps(flow, &accepted, &rejected));
  ck_assert_int_gt(accepted, 10);
  ck_assert_int_gt(rejected, 5);
  OK(MuFlowDestroy(&flow));
  OK(MuGeometryDestroy(&geometry));
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("extremes");
  TCase *t = tcase_create("extremes");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, mass_out_of_nothing);
  tcase_add_test(t, enormous_rates);
  tcase_add_test(t, a_failed_inner_solve);
  tcase_add_test(t, nonlinear_transport_into_empty_cells);
  tcase_add_test(t, blob_entropy_of_a_narrow_kernel);
  tcase_add_test(t, inverse_of_an_enormous_field);
  tcase_add_test(t, primal_is_not_negative);
  tcase_add_test(t, adaptation_from_a_huge_step);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
