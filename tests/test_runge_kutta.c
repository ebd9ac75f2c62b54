/* The scheme `runge_kutta`: its order, errors against tolerances, what every row keeps, restarts,
   ranks, and the measured stiffness by which `auto` takes it. */
#include "flow_support.h"
#include "record/checkpoint.h"

static TestFlowSpec stein_spec(MuGrid grid, const char *geometry, const char *energy,
                               PetscReal bandwidth) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  return (TestFlowSpec){.grid = grid,
                        .energy = {energy},
                        .geometry = {geometry},
                        .ridge = 0.05,
                        .kernel =
                            TestKernel(info->dim, "gaussian", bandwidth, MU_EXTENSION_REFLECT),
                        .log_target = TestLogTarget(grid, TestWell),
                        .scheme = "runge_kutta",
                        .tolerance = 1e-6,
                        .step = 1,
                        .end = 0.5};
}

static void spec_destroy(TestFlowSpec *spec) {
  OK(MuKernelDestroy(&spec->kernel));
  OK(VecDestroy(&spec->log_target));
  OK(MuGridDestroy(&spec->grid));
}

/* Rows at a fixed distance have errors of order eight */
START_TEST(order_is_eight) {
  MuGrid grid = TestGrid(1, 16, 1, -2, 2, PETSC_FALSE);
  Vec initial = TestHillDensity(grid);
  TestFlowSpec spec = stein_spec(grid, "stein", "kl", 0.8);
  PetscReal error[2];
  spec.end = 4;
  spec.tolerance = MU_MOST_TOLERANCE;
  Vec exact = TestOracle(&spec, initial, spec.end, 2000);
  for (int k = 0; k < 2; ++k) {
    spec.step = k ? 0.5 : 1;
    Vec rho = TestFlowRun(&spec, initial);
    OK(MuGridDistanceL1(grid, rho, exact, &error[k]));
    OK(VecDestroy(&rho));
  }
  ck_assert_msg(error[0] > 1e-11 && log2(error[0] / error[1]) > 7, "errors %.2e, %.2e", error[0],
                error[1]);
  OK(VecDestroy(&exact));
  OK(VecDestroy(&initial));
  spec_destroy(&spec);
}
END_TEST

/* The error at the end is at most the tolerance and at most twice the sum of the estimates (that of
   a long step at the edge of stability is too small by a factor below 2), and goes down with the
   tolerance; loose ones are undercut far, by macro steps that are never fewer than one */
START_TEST(errors_follow_the_tolerance) {
  static const struct {
    const char *energy, *geometry;
    PetscInt dim;
    PetscReal slope; /* 0: one macro step does for all tolerances */
  } cases[] = {{"kl", "stein", 1, 0.6},
               {"mmd", "stein", 2, 0},
               {"kl", "ridge_stein", 1, 0.7},
               {"kl", "ridge_stein", 2, 0.6},
               {"chi2", "stein", 2, 0}};
  static const PetscReal tolerance[4] = {1e-3, 1e-5, 1e-7, 1e-9};
  int ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    if ((ranks > 1 || TestQuick()) && c != 1) continue; /* see ranks_agree */
    MuGrid grid = TestGrid(cases[c].dim, 16, cases[c].dim == 2 ? 12 : 1, -2, 2, PETSC_FALSE);
    Vec initial = TestHillDensity(grid);
    TestFlowSpec spec = stein_spec(grid, cases[c].geometry, cases[c].energy, 0.8);
    PetscReal error[4];
    spec.end = cases[c].dim == 2 ? 4 : 16;
    Vec exact = TestOracle(&spec, initial, spec.end, cases[c].dim == 2 ? 250 : 4000);
    for (int k = 0; k < 4; ++k) {
      MuFlow flow;
      MuEffort effort;
      Vec rho;
      spec.step = spec.end;
      spec.tolerance = tolerance[k];
      flow = TestFlowCreate(&spec, initial);
      OK(MuFlowAdvance(flow, spec.end));
      OK(MuFlowGetState(flow, NULL, &rho));
      OK(MuGridDistanceL1(grid, rho, exact, &error[k]));
      OK(MuFlowGetEffort(flow, &effort));
      ck_assert_msg(error[k] <= tolerance[k] && error[k] <= 2 * effort.error + 1e-11,
                    "%s, %s: error %.2e, estimate %.2e at %.0e", cases[c].energy, cases[c].geometry,
                    error[k], effort.error, tolerance[k]);
      OK(MuFlowDestroy(&flow));
    }
    ck_assert_msg(TestSlope(4, tolerance, error) >= cases[c].slope,
                  "%s, %s: %.2e, %.2e, %.2e, %.2e", cases[c].energy, cases[c].geometry, error[0],
                  error[1], error[2], error[3]);
    OK(VecDestroy(&exact));
    OK(VecDestroy(&initial));
    spec_destroy(&spec);
  }
}
END_TEST

/* ------------------------------------------------------------------ rows */

typedef struct {
  PetscReal time, energy, mass;
  PetscInt rows, save_at;
  MuCheckpoint checkpoint;
} Watch;

static PetscErrorCode watch_row(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                                Vec after) {
  Watch *w = ctx;
  MuGrid grid;
  PetscReal energy, mass, least;
  (void)dt, (void)before;
  OK(MuFlowGetParts(flow, &grid, NULL, NULL));
  OK(MuFlowGetEnergy(flow, &energy, NULL));
  OK(MuGridIntegrate(grid, after, &mass));
  OK(VecMin(after, NULL, &least));
  ck_assert_double_ge(least, 0);
  ck_assert_double_eq_tol(mass / w->mass, 1, 1e-13);
  ck_assert_double_le(energy, w->energy + 1e-11 * (1 + fabs(w->energy)));
  w->energy = energy;
  w->time = time;
  if (++w->rows == w->save_at) OK(MuFlowSave(flow, w->checkpoint));
  return 0;
}

static PetscReal narrow(PetscReal x, PetscReal y) {
  return exp(-((x - 0.8) * (x - 0.8) + y * y) / 0.003);
}

static MuGrid room(void) {
  enum { NX = 24, NY = 18 };
  unsigned char mask[NX * NY];
  MuGridSpec g = {.dim = 2, .lower = {-2, -2}, .upper = {2, 2}, .cells = {NX, NY}, .mask = mask};
  MuGrid grid;
  for (int i = 0; i < NX * NY; ++i) mask[i] = !(i % NX >= 9 && i % NX < 13 && i / NX < 9);
  OK(MuGridCreate(MPI_COMM_WORLD, &g, &grid));
  return grid;
}

/* From a narrow start beside an obstacle every row is non-negative, has the mass, and no more
   energy than the one before; times are met; a checkpoint of any row goes on with the same bits */
START_TEST(rows_and_restarts) {
  static const PetscReal times[] = {0.01, 0.03, 0.1, 1. / 3, 0.5};
  MuGrid grid = room();
  Vec initial = TestField(grid, narrow), rho[2];
  TestFlowSpec spec = stein_spec(grid, "stein", "kl", 0.5);
  spec.tolerance = 1e-3;
  TestNormalise(grid, initial);
  for (PetscInt row = 3; row <= (TestQuick() ? 3 : 6); ++row) {
    MuFlow flow[2] = {TestFlowCreate(&spec, initial), TestFlowCreate(&spec, initial)};
    Watch w = {.mass = 1, .save_at = row};
    PetscReal time;
    MuEffort effort;
    OK(MuCheckpointCreate(MPI_COMM_WORLD, &w.checkpoint));
    OK(MuFlowGetEnergy(flow[0], &w.energy, NULL));
    OK(MuFlowSetStepCallback(flow[0], watch_row, &w));
    for (size_t t = 0; t < sizeof times / sizeof *times; ++t) {
      OK(MuFlowAdvance(flow[0], times[t]));
      ck_assert(w.time == times[t]);
    }
    ck_assert_int_gt(w.rows, row);
    OK(MuFlowGetEffort(flow[0], &effort));
    ck_assert_int_gt(effort.touched, 0);
    OK(MuFlowLoad(flow[1], w.checkpoint));
    for (size_t t = 0; t < sizeof times / sizeof *times; ++t) OK(MuFlowAdvance(flow[1], times[t]));
    for (int k = 0; k < 2; ++k) OK(MuFlowGetState(flow[k], &time, &rho[k]));
    ck_assert_double_eq(TestMaxDifference(rho[0], rho[1]), 0);
    for (int k = 0; k < 2; ++k) OK(MuFlowDestroy(&flow[k]));
    OK(MuCheckpointDestroy(&w.checkpoint));
  }
  OK(VecDestroy(&initial));
  spec_destroy(&spec);
}
END_TEST

/* A flow that starts at its equilibrium stays there and crosses a long time in a few steps */
START_TEST(equilibrium_is_kept) {
  MuGrid grid = TestGrid(2, 20, 16, -2, 2, PETSC_FALSE);
  TestFlowSpec spec = stein_spec(grid, "stein", "kl", 0.8);
  Vec pi = TestExp(grid, spec.log_target), rho;
  PetscReal distance;
  spec.step = spec.end = 20;
  spec.tolerance = 1e-10;
  rho = TestFlowRun(&spec, pi);
  OK(MuGridDistanceL1(grid, rho, pi, &distance));
  ck_assert_double_le(distance, 1e-12);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&pi));
  spec_destroy(&spec);
}
END_TEST

/* The flow on all ranks is that on one, to a small part of the tolerance */
START_TEST(ranks_agree) {
  PetscReal *result[2];
  for (int k = 0; k < 2; ++k) {
    MuGridSpec g = {.dim = 2, .lower = {-2, -2}, .upper = {2, 2}, .cells = {20, 16}};
    MuGrid grid;
    OK(MuGridCreate(k ? PETSC_COMM_SELF : MPI_COMM_WORLD, &g, &grid));
    TestFlowSpec spec = stein_spec(grid, "ridge_stein", "kl", 0.6);
    Vec initial = TestHillDensity(grid), rho = TestFlowRun(&spec, initial);
    result[k] = TestGather(grid, rho);
    OK(VecDestroy(&rho));
    OK(VecDestroy(&initial));
    spec_destroy(&spec);
  }
  for (PetscInt i = 0; i < 20 * 16; ++i) ck_assert_double_eq_tol(result[0][i], result[1][i], 1e-9);
  for (int k = 0; k < 2; ++k) free(result[k]);
}
END_TEST

/* ------------------------------------------------------------------ the choice */

/* `auto` takes explicit steps where a kernel spans several cells, and not where it spans none or
   where something local diffuses beside it */
START_TEST(stiffness_is_measured) {
  static const struct {
    const char *geometry[3];
    PetscReal bandwidth;
    PetscBool explicit_steps;
  } cases[] = {{{"stein"}, 0.5, PETSC_TRUE},
               {{"ridge_stein"}, 0.5, PETSC_TRUE},
               {{"stein"}, 0.002, PETSC_FALSE},
               {{"stein", "wasserstein"}, 0.5, PETSC_FALSE}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    MuGrid grid = TestGrid(1, 256, 1, -2, 2, PETSC_FALSE);
    TestFlowSpec spec = stein_spec(grid, cases[c].geometry[0], "kl", cases[c].bandwidth);
    spec.geometry[1] = cases[c].geometry[1];
    Vec initial = TestHillDensity(grid);
    MuEnergy energy = TestEnergy(&spec);
    MuGeometry geometry = TestGeometry(&spec);
    MuFlowSpec f;
    MuFlow flow;
    const char *name, *why;
    MuFlowSpecDefault(&f);
    f.step = f.end = 1;
    f.free_step = PETSC_TRUE;
    f.tolerance = 1e-6;
    OK(MuFlowCreate(grid, energy, geometry, initial, &f, &flow));
    OK(MuFlowGetScheme(flow, &name, NULL, &why));
    ck_assert_msg(!strcmp(name, cases[c].explicit_steps ? "runge_kutta" : "extrapolation"), "%s",
                  why);
    ck_assert_ptr_nonnull(strstr(why, cases[c].explicit_steps ? ", not stiff: at" : ", stiff: at"));
    OK(MuFlowDestroy(&flow));
    OK(MuEnergyDestroy(&energy));
    OK(MuGeometryDestroy(&geometry));
    OK(VecDestroy(&initial));
    spec_destroy(&spec);
  }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("runge_kutta");
  TCase *t = tcase_create("runge_kutta");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, order_is_eight);
  tcase_add_test(t, errors_follow_the_tolerance);
  tcase_add_test(t, rows_and_restarts);
  tcase_add_test(t, equilibrium_is_kept);
  tcase_add_test(t, ranks_agree);
  tcase_add_test(t, stiffness_is_measured);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
