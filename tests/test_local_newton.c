/* The assembled Jacobian of local transports (face_jacobian.c) against differences, and the Newton
   iterations that use it, of implicit Euler (local_newton.c) and of the discrete gradient, against
   those whose Jacobian is known by differences of the residual alone. */
#include "flow/face_jacobian.h"
#include "flow/flow_impl.h"
#include "flow/transport.h"
#include "flow/transport_impl.h"
#include "flow_support.h"
#include "linear/newton.h"

static PetscReal well(PetscReal x, PetscReal y) {
  return 0.5 * (x * x - 1) * (x * x - 1) + 0.4 * y * y + 0.2 * x * y;
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return 0.02 + exp(-4 * (x - 0.5) * (x - 0.5) - 3 * (y + 0.2) * (y + 0.2));
}

static PetscBool disc_hole(PetscReal x, PetscReal y) {
  return (PetscBool)(x * x + y * y > 0.16);
}

static MuGrid make_grid(PetscInt nx, PetscInt ny, PetscBool periodic, PetscBool hole) {
  unsigned char *mask = malloc((size_t)(nx * ny));
  MuGridSpec spec = {.dim = 2,
                     .lower = {-2, -2},
                     .upper = {2, 2},
                     .cells = {nx, ny},
                     .periodic = {periodic, periodic}};
  MuGrid grid;
  for (PetscInt j = 0; j < ny; ++j)
    for (PetscInt i = 0; i < nx; ++i)
      mask[j * nx + i] =
          disc_hole(-2 + 4 * (i + 0.5) / (PetscReal)nx, -2 + 4 * (j + 0.5) / (PetscReal)ny);
  if (hole) spec.mask = mask;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  free(mask);
  return grid;
}

/* rho + dt K(rho) DF(rho) - start */
typedef struct {
  MuFlow flow;
  PetscReal dt;
  Vec start, derivative;
} Step;

static PetscErrorCode residual(SNES snes, Vec x, Vec f, void *ctx) {
  Step *s = ctx;
  (void)snes;
  OK(MuEnergyEvaluate(s->flow->energy, x, NULL, NULL, s->derivative, NULL));
  OK(MuGeometrySetState(s->flow->geometry, x));
  OK(MuGeometryApply(s->flow->geometry, MU_PART_TRANSPORT, s->derivative, NULL, f));
  OK(VecAYPX(f, s->dt, x));
  OK(VecAXPY(f, -1, s->start));
  return 0;
}

/* Newton's method with differences of the residual and GMRES, nothing else. */
static void solve_by_differences(Step *s, Vec x) {
  const MuNewtonSpec spec = {.prefix = "test_oracle_", .residual = residual, .linear = 1e-6};
  SNESConvergedReason reason;
  PetscReal norm;
  SNES snes;
  KSP ksp;
  OK(VecNorm(x, NORM_2, &norm));
  OK(MuNewtonCreate(x, &spec, s, &snes));
  OK(SNESGetKSP(snes, &ksp));
  OK(KSPGMRESSetRestart(ksp, 300));
  OK(KSPSetTolerances(ksp, 1e-6, 0, 1e10, 3000));
  OK(SNESSetTolerances(snes, 1e-11 * norm, 0, 0, 40, 1000000));
  OK(MuNewtonSolve(snes, x));
  OK(SNESGetConvergedReason(snes, &reason));
  ck_assert_int_gt(reason, 0);
  OK(SNESDestroy(&snes));
}

/* L1 distance of the two solutions; *solves: linear systems of the assembled one. */
static PetscReal compare(TestFlowSpec *spec, Vec initial, PetscInt *solves) {
  MuFlow flow = TestFlowCreate(spec, initial);
  Step step = {.flow = flow, .dt = spec->step, .start = initial};
  MuLinearization linearization;
  MuTransport exact;
  MuLocalNewton newton;
  PetscBool converged;
  PetscReal distance, mass;
  Vec x, y;
  OK(VecDuplicate(initial, &step.derivative));
  OK(VecDuplicate(initial, &x));
  OK(VecDuplicate(initial, &y));
  OK(MuLinearizationCreate(flow, &linearization));
  OK(MuTransportCreate(spec->grid, MU_TRANSPORT_DIMENSION_SPLIT, &exact));
  OK(MuLocalNewtonCreate(flow, linearization, exact, &newton));
  ck_assert_ptr_nonnull(newton);
  OK(VecCopy(initial, x));
  OK(MuLocalNewtonSolve(newton, spec->step, initial, x, solves, &converged));
  ck_assert_msg(converged, "%s did not converge in %d solves", spec->energy[0], (int)*solves);
  OK(MuGridIntegrate(spec->grid, x, &mass));
  ck_assert_double_eq_tol(mass, 1, 1e-11);
  OK(VecCopy(initial, y));
  solve_by_differences(&step, y);
  OK(MuGridDistanceL1(spec->grid, x, y, &distance));
  OK(MuLocalNewtonDestroy(&newton));
  OK(MuLinearizationDestroy(&linearization));
  OK(MuTransportDestroy(&exact));
  OK(VecDestroy(&x));
  OK(VecDestroy(&y));
  OK(VecDestroy(&step.derivative));
  OK(MuFlowDestroy(&flow));
  return distance;
}

/* Both residuals are at most 1e-11 of the mass, and the inverse of the Jacobian has norm one in L1
 * where it is an M-matrix. With wrong derivatives the iteration is no Newton iteration and needs
 * more systems than it may solve: a fixed point of the linearly implicit step takes 20 and more. */
START_TEST(equals_differences_in_few_solves) {
  static const struct {
    const char *energy[3];
    PetscReal exponent;
    MuMean mean;
    PetscInt nx, ny;
    PetscBool periodic, hole;
  } cases[] = {
      {{"chi2"}, 0, MU_MEAN_LOGARITHMIC, 24, 20, PETSC_FALSE, PETSC_FALSE},
      {{"chi2"}, 2, MU_MEAN_STOLARSKY, 20, 16, PETSC_TRUE, PETSC_FALSE},
      {{"chi2"}, 0, MU_MEAN_ARITHMETIC, 21, 17, PETSC_TRUE, PETSC_TRUE}, /* one colour at the wrap
                                                                          */
      {{"internal", "potential"}, 2, MU_MEAN_STOLARSKY, 20, 16, PETSC_FALSE, PETSC_TRUE},
      {{"chi2", "kl"}, 0, MU_MEAN_LOGARITHMIC, 20, 16, PETSC_FALSE, PETSC_FALSE},
  };
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
    MuGrid grid = make_grid(cases[c].nx, cases[c].ny, cases[c].periodic, cases[c].hole);
    Vec log_target = TestLogTarget(grid, well), initial = TestField(grid, bump);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {cases[c].energy[0], cases[c].energy[1]},
                         .internal_exponent = cases[c].exponent,
                         .mean = cases[c].mean,
                         .geometry = {"wasserstein"},
                         .log_target = log_target,
                         .scheme = "implicit_euler",
                         .step = 0.1,
                         .end = 1};
    PetscInt solves;
    TestNormalise(grid, initial);
    PetscReal distance = compare(&spec, initial, &solves);
    ck_assert_msg(distance <= 1e-9, "case %d: %g", (int)c, distance);
    ck_assert_msg(solves <= 9, "case %d: %d linear solves", (int)c, (int)solves);
    OK(VecDestroy(&log_target));
    OK(VecDestroy(&initial));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* Where a flux depends on more than the cells beside the face there is nothing to assemble. */
START_TEST(only_where_fluxes_are_local) {
  static const char *const energies[] = {"mmd", "kl", "chi2"};
  MuGrid grid = make_grid(12, 10, PETSC_FALSE, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, well), initial = TestField(grid, bump);
  MuKernel kernel = TestKernel(2, "gaussian", 0.8, MU_EXTENSION_REFLECT);
  TestNormalise(grid, initial);
  for (int k = 0; k < 3; ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {energies[k], "mmd"},
                         .geometry = {"wasserstein"},
                         .kernel = kernel,
                         .log_target = log_target,
                         .scheme = "implicit_euler",
                         .step = 0.1,
                         .end = 1};
    if (!k) spec.energy[1] = NULL;
    MuFlow flow = TestFlowCreate(&spec, initial);
    MuLocalNewton newton;
    OK(MuLocalNewtonCreate(flow, NULL, NULL, &newton));
    ck_assert_ptr_null(newton);
    OK(MuFlowDestroy(&flow));
  }
  OK(MuKernelDestroy(&kernel));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ the Jacobian itself */

/* K DF at x, or K((start + x)/2) G(start, x) */
static void force(MuFlow flow, Vec start, Vec x, Vec work, Vec out) {
  if (!start) {
    OK(MuEnergyEvaluate(flow->energy, x, NULL, NULL, work, NULL));
    OK(MuGeometrySetState(flow->geometry, x));
  } else {
    OK(VecCopy(start, work));
    OK(VecAXPBY(work, 0.5, 0.5, x));
    OK(MuGeometrySetState(flow->geometry, work));
    OK(MuEnergyDiscreteGradient(flow->energy, start, x, work, NULL));
  }
  OK(MuGeometryApply(flow->geometry, MU_PART_TRANSPORT, work, NULL, out));
}

/* A smooth relative change of x, in some cells only where `patches`. */
static void change(Vec x, PetscReal size, PetscBool patches) {
  PetscReal *v;
  PetscInt first, last;
  OK(VecGetOwnershipRange(x, &first, &last));
  OK(VecGetArray(x, &v));
  for (PetscInt i = first; i < last; ++i)
    v[i - first] *= 1 + (patches && i / 7 % 2 ? 1e-6 : size) * sin(1.3 * i + 0.4);
  OK(VecRestoreArray(x, &v));
}

/* |(A - 1) v - dt (F(x + e v) - F(x - e v))/(2 e)|_1/|(A - 1) v|_1 with the assembled A and v = x
   times a sine. */
static PetscReal jacobian_error(const TestFlowSpec *spec, MuFlow flow, Vec start, Vec x) {
  const PetscReal dt = 0.1, step = 1e-5;
  MuLinearization linearization;
  MuTransportOperator op;
  MuTransport linear, matrix;
  MuFaceJacobian jacobian;
  const PetscReal *from;
  PetscReal *to, error, size;
  Vec v, up, down, work, image;
  Vec *const all[] = {&v, &up, &down, &work, &image};
  for (int k = 0; k < 5; ++k) OK(VecDuplicate(x, all[k]));
  OK(MuLinearizationCreate(flow, &linearization));
  OK(MuTransportCreate(spec->grid, MU_TRANSPORT_DIMENSION_SPLIT, &linear));
  OK(MuTransportCreate(spec->grid, MU_TRANSPORT_DIMENSION_SPLIT, &matrix));
  OK(MuTransportOperatorCreate(spec->grid, &op));
  OK(MuFaceJacobianCreate(flow, &jacobian));
  ck_assert_ptr_nonnull(jacobian);
  OK(MuLinearizationFill(linearization, x, linear));
  force(flow, start, x, work, image);
  if (start)
    OK(MuFaceJacobianOfGradient(jacobian, start, x, work, linear, matrix));
  else
    OK(MuFaceJacobianOfForce(jacobian, x, linear, matrix));
  OK(VecCopy(x, v));
  change(v, 1, PETSC_FALSE);
  OK(VecAXPY(v, -1, x));
  matrix->dt = dt;
  OK(MuTransportOperatorSetUp(op, matrix));
  OK(VecGetArrayRead(v, &from));
  OK(VecGetArray(image, &to));
  OK(MuTransportOperatorResidual(op, NULL, from, to, NULL));
  OK(VecRestoreArray(image, &to));
  OK(VecRestoreArrayRead(v, &from));
  OK(VecAXPY(image, -1, v));
  OK(MuGridApplyMask(spec->grid, image));
  OK(VecNorm(image, NORM_1, &size));
  for (int k = 0; k < 2; ++k) {
    OK(VecWAXPY(down, k ? -step : step, v, x));
    force(flow, start, down, work, up);
    OK(VecAXPY(image, (k ? 0.5 : -0.5) * dt / step, up));
  }
  OK(VecNorm(image, NORM_1, &error));
  OK(MuFaceJacobianDestroy(&jacobian));
  OK(MuTransportOperatorDestroy(&op));
  OK(MuTransportDestroy(&matrix));
  OK(MuTransportDestroy(&linear));
  OK(MuLinearizationDestroy(&linearization));
  for (int k = 0; k < 5; ++k) OK(VecDestroy(all[k]));
  return error / size;
}

/* Differences of smooth fluxes with a step of 1e-5 are exact to about 1e-10; derivatives of means
   near equal densities, and of the gradient, to 1e-8 and better. */
START_TEST(jacobian_equals_differences) {
  static const struct {
    const char *energy[3], *geometry;
    PetscReal exponent;
    MuMean mean;
    PetscBool periodic, hole;
  } cases[] = {
      {{"chi2"}, "wasserstein", 0, MU_MEAN_LOGARITHMIC, PETSC_FALSE, PETSC_FALSE},
      {{"chi2", "internal"}, "wasserstein", 2, MU_MEAN_STOLARSKY, PETSC_TRUE, PETSC_TRUE},
      {{"internal", "potential"}, "wasserstein", 1.5, MU_MEAN_STOLARSKY, PETSC_FALSE, PETSC_TRUE},
      {{"internal", "hellinger"}, "wasserstein", 3, MU_MEAN_STOLARSKY, PETSC_TRUE, PETSC_FALSE},
      {{"chi2"}, "wasserstein_mobility", 0, MU_MEAN_ARITHMETIC, PETSC_FALSE, PETSC_FALSE},
      {{"chi2"}, "wasserstein_ridge_mobility", 0, MU_MEAN_LOGARITHMIC, PETSC_TRUE, PETSC_FALSE},
      {{"chi2"}, "wasserstein", 0, MU_MEAN_UPWIND, PETSC_FALSE, PETSC_FALSE},
      {{"chi2", "kl"}, "wasserstein", 0, MU_MEAN_LOGARITHMIC, PETSC_FALSE, PETSC_TRUE},
  };
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
    MuGrid grid = make_grid(21, 18, cases[c].periodic, cases[c].hole);
    Vec log_target = TestLogTarget(grid, well), start = TestField(grid, bump), end;
    const TestFlowSpec spec = {.grid = grid,
                               .energy = {cases[c].energy[0], cases[c].energy[1]},
                               .geometry = {cases[c].geometry},
                               .internal_exponent = cases[c].exponent,
                               .mobility_exponent = 0.7,
                               .ridge = 0.2,
                               .mean = cases[c].mean,
                               .log_target = log_target,
                               .scheme = "implicit_euler",
                               .step = 0.1,
                               .end = 1};
    TestNormalise(grid, start);
    OK(VecDuplicate(start, &end));
    OK(VecCopy(start, end));
    change(end, 0.4, PETSC_TRUE);
    MuFlow flow = TestFlowCreate(&spec, start);
    const PetscReal of_force = jacobian_error(&spec, flow, NULL, end);
    const PetscReal of_gradient = jacobian_error(&spec, flow, start, end);
    ck_assert_msg(of_force <= 1e-8, "case %d: %g", (int)c, of_force);
    ck_assert_msg(of_gradient <= 1e-8, "case %d, gradient: %g", (int)c, of_gradient);
    OK(MuFlowDestroy(&flow));
    OK(VecDestroy(&end));
    OK(VecDestroy(&start));
    OK(VecDestroy(&log_target));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ the discrete gradient */

/* One step; *systems that it solved. */
static Vec gradient_step(const TestFlowSpec *spec, Vec initial, PetscInt *systems) {
  MuFlow flow = TestFlowCreate(spec, initial);
  Vec rho;
  OK(MuFlowAdvance(flow, spec->step));
  OK(MuDiscreteGradientSystems(flow->integrator, systems));
  OK(VecDuplicate(initial, &rho));
  OK(VecCopy(flow->rho, rho));
  OK(MuFlowDestroy(&flow));
  return rho;
}

/* Both iterations end where <G, residual> is 1e-12 of the dissipation of the step. */
START_TEST(discrete_gradient_in_few_solves) {
  static const char *const energies[][2] = {
      {"chi2", NULL}, {"internal", "potential"}, {"chi2", "kl"}};
  for (int k = 0; k < 3; ++k) {
    MuGrid grid = make_grid(22, 17, PETSC_FALSE, k == 1);
    Vec log_target = TestLogTarget(grid, well), initial = TestField(grid, bump);
    const TestFlowSpec spec = {.grid = grid,
                               .energy = {energies[k][0], energies[k][1]},
                               .geometry = {"wasserstein"},
                               .internal_exponent = 2,
                               .mean = k == 1 ? MU_MEAN_STOLARSKY : MU_MEAN_LOGARITHMIC,
                               .log_target = log_target,
                               .scheme = "discrete_gradient",
                               .step = 0.05,
                               .end = 1};
    PetscInt systems, none;
    PetscReal distance;
    TestNormalise(grid, initial);
    Vec fast = gradient_step(&spec, initial, &systems);
    OK(PetscOptionsSetValue(NULL, "-mudot_assembled_snes_max_it", "0"));
    Vec slow = gradient_step(&spec, initial, &none);
    OK(PetscOptionsClearValue(NULL, "-mudot_assembled_snes_max_it"));
    OK(MuGridDistanceL1(grid, fast, slow, &distance));
    ck_assert_int_eq(none, -1);
    ck_assert_msg(systems >= 2 && systems <= 7, "%s: %d systems", energies[k][0], (int)systems);
    ck_assert_msg(distance <= 1e-9, "%s: %g", energies[k][0], distance);
    OK(VecDestroy(&fast));
    OK(VecDestroy(&slow));
    OK(VecDestroy(&initial));
    OK(VecDestroy(&log_target));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("local newton");
  TCase *t = tcase_create("local newton");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, equals_differences_in_few_solves);
  tcase_add_test(t, only_where_fluxes_are_local);
  tcase_add_test(t, jacobian_equals_differences);
  tcase_add_test(t, discrete_gradient_in_few_solves);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
