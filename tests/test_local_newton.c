/* The assembled Newton iteration of implicit Euler (local_newton.c) against one whose Jacobian is
   known by differences of the residual alone. */
#include "flow/flow_impl.h"
#include "flow/transport.h"
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
  MuTransport exact, raised;
  MuLocalNewton newton;
  PetscBool converged;
  PetscReal distance, mass;
  Vec x, y;
  OK(VecDuplicate(initial, &step.derivative));
  OK(VecDuplicate(initial, &x));
  OK(VecDuplicate(initial, &y));
  OK(MuLinearizationCreate(flow, &linearization));
  OK(MuTransportCreate(spec->grid, MU_TRANSPORT_DIMENSION_SPLIT, &exact));
  OK(MuTransportCreate(spec->grid, MU_TRANSPORT_DIMENSION_SPLIT, &raised));
  OK(MuLocalNewtonCreate(flow, linearization, exact, raised, &newton));
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
  OK(MuTransportDestroy(&raised));
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
    OK(MuLocalNewtonCreate(flow, NULL, NULL, NULL, &newton));
    ck_assert_ptr_null(newton);
    OK(MuFlowDestroy(&flow));
  }
  OK(MuKernelDestroy(&kernel));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("local newton");
  TCase *t = tcase_create("local newton");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, equals_differences_in_few_solves);
  tcase_add_test(t, only_where_fluxes_are_local);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
