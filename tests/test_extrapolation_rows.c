/* What every row of the scheme `extrapolation` keeps, and the flow around it: positivity, mass,
   energy, equilibrium, output times, stops, restarts, ranks, the choice of `auto`. */
#include "flow_support.h"
#include "record/checkpoint.h"

/* ------------------------------------------------------------------ what every row keeps */

typedef struct {
  PetscReal time, energy, mass, smallest;
  PetscInt rows;
  PetscBool conserves, stop;
} Watch;

static PetscErrorCode watch_rows(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                                 Vec after) {
  Watch *w = ctx;
  MuGrid grid;
  PetscReal energy, mass, first;
  OK(MuFlowGetParts(flow, &grid, NULL, NULL));
  OK(MuFlowGetEnergy(flow, &energy, NULL));
  OK(MuGridIntegrate(grid, after, &mass));
  OK(MuGridIntegrate(grid, before, &first));
  ck_assert_double_eq_tol(time - w->time, dt, 1e-14);
  ck_assert_double_le(energy, w->energy + 1e-11 * (1 + fabs(w->energy)));
  if (w->conserves) ck_assert_double_eq_tol(mass / w->mass, 1, 1e-13);
  OK(VecMin(after, NULL, &w->smallest));
  ck_assert_double_ge(w->smallest, 0);
  w->time = time;
  w->energy = energy;
  w->rows++;
  if (w->stop) OK(MuFlowStop(flow));
  return 0;
}

static void begin_watch(MuFlow flow, Watch *w) {
  MuGrid grid;
  Vec rho;
  OK(MuFlowGetParts(flow, &grid, NULL, NULL));
  OK(MuFlowGetState(flow, NULL, &rho));
  OK(MuGridIntegrate(grid, rho, &w->mass));
  OK(MuFlowGetEnergy(flow, &w->energy, NULL));
  OK(MuFlowSetStepCallback(flow, watch_rows, w));
}

static PetscReal double_well(PetscReal x, PetscReal y) {
  return 1.4 * (x * x - 1) * (x * x - 1) + y * y;
}

static PetscReal cliff(PetscReal x, PetscReal y) {
  return 40 * x * x * x * x + 8 * y * y;
}

static PetscReal narrow(PetscReal x, PetscReal y) {
  return exp(-(x - 1.2) * (x - 1.2) / 0.02 - y * y / 0.08);
}

/* [-3, 3]^dim, with a block of 8 x 10 cells cut out. */
static MuGrid box(PetscInt dim, PetscBool periodic, PetscBool obstacle) {
  enum { NX = 40, NY = 30 };
  unsigned char mask[NX * NY];
  MuGridSpec g = {.dim = 2, .lower = {-3, -3}, .upper = {3, 3}, .cells = {NX, NY}, .mask = mask};
  MuGrid grid;
  if (!obstacle) return TestGrid(dim, dim == 1 ? 200 : NX, dim == 1 ? 1 : NY, -3, 3, periodic);
  for (int i = 0; i < NX * NY; ++i) {
    const int x = i % NX, y = i / NX;
    mask[i] = !(x >= 16 && x < 24 && y >= 12 && y < 22);
  }
  OK(MuGridCreate(MPI_COMM_WORLD, &g, &grid));
  return grid;
}

/* Narrow starts, steep potentials, an obstacle, periodic cells: every row is non-negative, has the
   mass, and no more energy than the one before; negative cells were there to be raised */
START_TEST(rows_are_positive_conserve_mass_and_dissipate) {
  static const struct {
    PetscInt dim;
    PetscReal (*potential)(PetscReal, PetscReal);
    const char *energy, *reaction;
    PetscBool spherical, periodic, obstacle, raised;
  } cases[] = {{.dim = 1,
                .potential = double_well,
                .energy = "kl",
                .reaction = "fisher_rao",
                .spherical = PETSC_TRUE,
                .raised = PETSC_TRUE},
               {.dim = 1, .potential = double_well, .energy = "kl"},
               {.dim = 1, .potential = cliff, .energy = "kl", .reaction = "fisher_rao"},
               {.dim = 2,
                .potential = double_well,
                .energy = "kl",
                .reaction = "fisher_rao",
                .spherical = PETSC_TRUE,
                .periodic = PETSC_TRUE},
               {.dim = 2, .potential = double_well, .energy = "kl", .obstacle = PETSC_TRUE},
               {.dim = 1, .potential = double_well, .energy = "entropy", .periodic = PETSC_TRUE},
               {.dim = 1, .potential = TestWell, .energy = "chi2"}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    MuGrid grid = box(cases[c].dim, cases[c].periodic, cases[c].obstacle);
    Vec log_target = TestLogTarget(grid, cases[c].potential), initial = TestField(grid, narrow);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {cases[c].energy},
                         .geometry = {"wasserstein", cases[c].reaction},
                         .log_target = log_target,
                         .spherical = cases[c].spherical,
                         .scheme = "extrapolation",
                         .tolerance = 1e-6,
                         .step = 1,
                         .end = 0.3};
    Watch w = {.conserves = (PetscBool)(cases[c].spherical || !cases[c].reaction)};
    MuFlow flow;
    MuEffort effort;
    TestNormalise(grid, initial);
    flow = TestFlowCreate(&spec, initial);
    begin_watch(flow, &w);
    OK(MuFlowAdvance(flow, spec.end));
    OK(MuFlowGetEffort(flow, &effort));
    if (cases[c].raised) ck_assert_int_gt(effort.touched, 0);
    ck_assert_int_ge(w.rows, 4);
    OK(MuFlowDestroy(&flow));
    OK(VecDestroy(&initial));
    OK(VecDestroy(&log_target));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* A flow that starts at its equilibrium stays there and crosses a long time in a few steps */
START_TEST(equilibrium_is_kept) {
  static const struct {
    const char *energy, *geometry[3];
    PetscInt dim;
  } cases[] = {{"kl", {"wasserstein", "fisher_rao"}, 1},
               {"kl", {"wasserstein", "fisher_rao"}, 2},
               {"chi2", {"wasserstein"}, 2},
               {"mmd", {"wasserstein", "mmd"}, 1}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    MuGrid grid = TestGrid(cases[c].dim, 60, cases[c].dim == 2 ? 40 : 1, -3, 3, PETSC_FALSE);
    Vec log_target = TestLogTarget(grid, double_well), pi = TestExp(grid, log_target), rho;
    TestFlowSpec spec = {.grid = grid,
                         .energy = {cases[c].energy},
                         .geometry = {cases[c].geometry[0], cases[c].geometry[1]},
                         .log_target = log_target,
                         .kernel = TestKernel(cases[c].dim, "bessel", 0.5, MU_EXTENSION_REFLECT),
                         .scheme = "extrapolation",
                         .tolerance = 1e-10,
                         .step = 100,
                         .end = 100};
    MuFlow flow = TestFlowCreate(&spec, pi);
    PetscReal distance;
    PetscInt rejected;
    MuEffort effort;
    OK(MuFlowAdvance(flow, spec.end));
    OK(MuFlowGetState(flow, NULL, &rho));
    OK(MuGridDistanceL1(grid, rho, pi, &distance));
    OK(MuFlowGetSteps(flow, NULL, &rejected));
    OK(MuFlowGetEffort(flow, &effort));
    ck_assert_double_le(distance, 1e-11);
    ck_assert_int_eq(rejected, 0);
    ck_assert_int_le(effort.leaps, 8);
    OK(MuFlowDestroy(&flow));
    OK(MuKernelDestroy(&spec.kernel));
    OK(VecDestroy(&pi));
    OK(VecDestroy(&log_target));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ the flow around it */

static TestFlowSpec plane_spec(MuGrid grid, Vec log_target) {
  return (TestFlowSpec){.grid = grid,
                        .energy = {"kl"},
                        .geometry = {"wasserstein", "fisher_rao"},
                        .log_target = log_target,
                        .spherical = PETSC_TRUE,
                        .scheme = "extrapolation",
                        .tolerance = 1e-6,
                        .step = 1,
                        .end = 0.5};
}

/* Times are met to the bit, whatever the step, and stopping after every row changes no bit */
START_TEST(times_are_met_and_stops_change_nothing) {
  static const PetscReal times[] = {0.01, 0.02, 0.03, 0.1, 0.1000001, 1. / 3, 0.5};
  MuGrid grid = TestGrid(2, 24, 20, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestWell), initial = TestHillDensity(grid), rho[2];
  TestFlowSpec spec = plane_spec(grid, log_target);
  MuFlow flow[2];
  for (int k = 0; k < 2; ++k) {
    Watch w = {.conserves = PETSC_TRUE, .stop = (PetscBool)k};
    PetscReal time = 0;
    PetscInt accepted;
    flow[k] = TestFlowCreate(&spec, initial);
    begin_watch(flow[k], &w);
    for (size_t t = 0; t < sizeof times / sizeof *times; ++t) {
      do {
        OK(MuFlowAdvance(flow[k], times[t]));
        OK(MuFlowGetState(flow[k], &time, &rho[k]));
      } while (k && time < times[t]);
      ck_assert(time == times[t] && w.time == time);
    }
    OK(MuFlowGetSteps(flow[k], &accepted, NULL));
    ck_assert_int_eq(accepted, w.rows);
  }
  ck_assert_double_eq(TestMaxDifference(rho[0], rho[1]), 0);
  for (int k = 0; k < 2; ++k) OK(MuFlowDestroy(&flow[k]));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  OK(MuGridDestroy(&grid));
}
END_TEST

typedef struct {
  MuCheckpoint checkpoint;
  PetscInt rows, save_at;
} Saver;

static PetscErrorCode save_row(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                               Vec after) {
  Saver *s = ctx;
  (void)time;
  (void)dt;
  (void)before;
  (void)after;
  if (++s->rows == s->save_at) OK(MuFlowSave(flow, s->checkpoint));
  return 0;
}

/* A checkpoint of any row, also one between the ends of macro steps, goes on with the same bits */
START_TEST(restart_has_the_same_bits) {
  MuGrid grid = TestGrid(2, 24, 20, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestWell), initial = TestHillDensity(grid), rho[2];
  TestFlowSpec spec = plane_spec(grid, log_target);
  for (PetscInt row = TestQuick() ? 7 : 5; row <= (TestQuick() ? 7 : 8); ++row) {
    MuFlow flow[2] = {TestFlowCreate(&spec, initial), TestFlowCreate(&spec, initial)};
    Saver saver = {.save_at = row};
    MuEffort effort[2];
    OK(MuCheckpointCreate(MPI_COMM_WORLD, &saver.checkpoint));
    OK(MuFlowSetStepCallback(flow[0], save_row, &saver));
    OK(MuFlowAdvance(flow[0], spec.end));
    ck_assert_int_gt(saver.rows, row);
    OK(MuFlowLoad(flow[1], saver.checkpoint));
    OK(MuFlowAdvance(flow[1], spec.end));
    for (int k = 0; k < 2; ++k) {
      OK(MuFlowGetState(flow[k], NULL, &rho[k]));
      OK(MuFlowGetEffort(flow[k], &effort[k]));
    }
    ck_assert_double_eq(TestMaxDifference(rho[0], rho[1]), 0);
    ck_assert_int_eq(effort[0].substeps, effort[1].substeps);
    ck_assert_double_eq(effort[0].error, effort[1].error);
    for (int k = 0; k < 2; ++k) OK(MuFlowDestroy(&flow[k]));
    OK(MuCheckpointDestroy(&saver.checkpoint));
  }
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The flow's rows with `outputs` equidistant output times; with `saver`, a checkpoint on the way.
 */
static PetscInt rows_with_outputs(MuFlow flow, PetscReal end, PetscInt outputs, Saver *saver) {
  PetscInt rows;
  if (saver) OK(MuFlowSetStepCallback(flow, save_row, saver));
  for (PetscInt k = 1; k <= outputs; ++k)
    OK(MuFlowAdvance(flow, end * (PetscReal)k / (PetscReal)outputs));
  OK(MuFlowGetSteps(flow, &rows, NULL));
  return rows;
}

/* Steps grow to many times the distance of the output times: then every row is one of these, but
   for a start of small steps; and wide apart, they cost next to nothing. A step that missed them
   took three rows for each. A restart between output times has the same bits. */
START_TEST(rows_fall_on_output_times) {
  MuGrid grid = TestGrid(1, 96, 1, -5, 5, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestWell), initial = TestHillDensity(grid), rho[2];
  TestFlowSpec spec = plane_spec(grid, log_target);
  spec.tolerance = 1e-4;
  spec.end = 6;
  spec.step = 6;
  MuFlow flow = TestFlowCreate(&spec, initial);
  const PetscInt alone = rows_with_outputs(flow, spec.end, 1, NULL);
  OK(MuFlowDestroy(&flow));
  for (PetscInt outputs = 7; outputs <= 240; outputs *= 3) {
    const PetscInt save_at = outputs / 2;
    Saver saver = {.save_at = save_at};
    MuFlow again = TestFlowCreate(&spec, initial);
    flow = TestFlowCreate(&spec, initial);
    OK(MuCheckpointCreate(MPI_COMM_WORLD, &saver.checkpoint));
    const PetscInt rows = rows_with_outputs(flow, spec.end, outputs, &saver);
    ck_assert_msg(rows <= outputs + 1.4 * alone, "%d rows for %d output times, %d for one",
                  (int)rows, (int)outputs, (int)alone);
    OK(MuFlowLoad(again, saver.checkpoint));
    rows_with_outputs(again, spec.end, outputs, NULL);
    OK(MuFlowGetState(flow, NULL, &rho[0]));
    OK(MuFlowGetState(again, NULL, &rho[1]));
    ck_assert_double_eq(TestMaxDifference(rho[0], rho[1]), 0);
    OK(MuFlowDestroy(&flow));
    OK(MuFlowDestroy(&again));
    OK(MuCheckpointDestroy(&saver.checkpoint));
  }
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The flow on all ranks is that on one: lengths of steps depend on rounding, so to a small part of
   the tolerance */
START_TEST(ranks_agree) {
  PetscReal *result[2];
  const PetscInt cells = 24 * 20;
  for (int k = 0; k < 2; ++k) {
    MuGridSpec g = {.dim = 2, .lower = {-2, -2}, .upper = {2, 2}, .cells = {24, 20}};
    MuGrid grid;
    Vec log_target, initial, rho;
    OK(MuGridCreate(k ? PETSC_COMM_SELF : MPI_COMM_WORLD, &g, &grid));
    log_target = TestLogTarget(grid, TestWell);
    initial = TestHillDensity(grid);
    TestFlowSpec spec = plane_spec(grid, log_target);
    rho = TestFlowRun(&spec, initial);
    result[k] = TestGather(grid, rho);
    OK(VecDestroy(&rho));
    OK(VecDestroy(&initial));
    OK(VecDestroy(&log_target));
    OK(MuGridDestroy(&grid));
  }
  for (PetscInt i = 0; i < cells; ++i) ck_assert_double_eq_tol(result[0][i], result[1][i], 1e-9);
  for (int k = 0; k < 2; ++k) free(result[k]);
}
END_TEST

/* `auto` extrapolates transport where a tolerance is given and no step, unless it is nonlocal and
   not stiff, and nothing else */
START_TEST(auto_extrapolates_transport_without_a_step) {
  static const struct {
    const char *geometry, *scheme;
    PetscBool free_step;
  } cases[] = {{"wasserstein", "extrapolation", PETSC_TRUE},
               {"wasserstein", "implicit_euler", PETSC_FALSE},
               {"fisher_rao", "closed_form", PETSC_TRUE},
               {"stein", "runge_kutta", PETSC_TRUE},
               {"stein", "discrete_gradient", PETSC_FALSE}};
  MuGrid grid = TestGrid(1, 24, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestWell), initial = TestHillDensity(grid);
  MuKernel kernel = TestKernel(1, "gaussian", 0.5, MU_EXTENSION_REFLECT);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"kl"},
                         .geometry = {cases[c].geometry},
                         .kernel = kernel,
                         .log_target = log_target};
    MuEnergy energy = TestEnergy(&spec);
    MuGeometry geometry = TestGeometry(&spec);
    MuFlowSpec f;
    MuFlow flow;
    const char *name, *why;
    MuFlowSpecDefault(&f);
    f.step = 0.01;
    f.end = 1;
    f.free_step = cases[c].free_step;
    OK(MuFlowCreate(grid, energy, geometry, initial, &f, &flow));
    OK(MuFlowGetScheme(flow, &name, NULL, &why));
    ck_assert_str_eq(name, cases[c].scheme);
    OK(MuFlowDestroy(&flow));
    OK(MuEnergyDestroy(&energy));
    OK(MuGeometryDestroy(&geometry));
  }
  OK(MuKernelDestroy(&kernel));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("extrapolation rows");
  TCase *t = tcase_create("extrapolation rows");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, rows_are_positive_conserve_mass_and_dissipate);
  tcase_add_test(t, equilibrium_is_kept);
  tcase_add_test(t, times_are_met_and_stops_change_nothing);
  tcase_add_test(t, restart_has_the_same_bits);
  tcase_add_test(t, rows_fall_on_output_times);
  tcase_add_test(t, ranks_agree);
  tcase_add_test(t, auto_extrapolates_transport_without_a_step);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
