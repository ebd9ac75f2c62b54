/* The scheme `extrapolation`: the order of every column, errors against tolerances on many pairs,
   exact solutions, equilibrium, positivity, mass, rows and output times, restarts, ranks. */
#include "flow/flow_impl.h"
#include "flow_support.h"
#include "record/checkpoint.h"

#define PI 3.14159265358979323846

static PetscReal well(PetscReal x, PetscReal y) {
  return 0.5 * (x * x - 1) * (x * x - 1) + 0.4 * y * y + 0.2 * x * y;
}

static PetscReal mild(PetscReal x, PetscReal y) {
  return 0.15 * x * x + 0.1 * y * y + 0.1 * x * y + 0.2 * x;
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return 0.1 + exp(-2 * (x - 0.5) * (x - 0.5) - 1.5 * (y + 0.2) * (y + 0.2));
}

static Vec bump_density(MuGrid grid) {
  Vec rho = TestField(grid, bump);
  TestNormalise(grid, rho);
  return rho;
}

/* ------------------------------------------------------------------ the oracle */

/* k = -K(rho) DF(rho), nothing else. */
static void derivative(const TestFlowSpec *spec, MuEnergy energy, MuGeometry geometry, Vec rho,
                       Vec xi, Vec k) {
  (void)spec;
  OK(MuEnergyEvaluate(energy, rho, NULL, NULL, xi, NULL));
  OK(MuGeometrySetState(geometry, rho));
  OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, k));
  OK(VecScale(k, -1));
}

/* The semi-discrete equations by the classical Runge-Kutta method with many small steps. */
static Vec oracle(const TestFlowSpec *spec, Vec initial, PetscReal end, PetscInt steps) {
  static const PetscReal node[4] = {0, 0.5, 0.5, 1}, weight[4] = {1 / 6., 1 / 3., 1 / 3., 1 / 6.};
  MuFlow flow = TestFlowCreate(spec, initial); /* sets the face mean of the geometry */
  MuEnergy energy;
  MuGeometry geometry;
  Vec rho, stage, sum, xi, k;
  const PetscReal dt = end / steps;
  OK(MuFlowGetParts(flow, NULL, &energy, &geometry));
  OK(VecDuplicate(initial, &rho));
  OK(VecCopy(initial, rho));
  OK(VecDuplicate(rho, &stage));
  OK(VecDuplicate(rho, &sum));
  OK(VecDuplicate(rho, &xi));
  OK(VecDuplicate(rho, &k));
  OK(VecSet(k, 0));
  for (PetscInt n = 0; n < steps; ++n) {
    OK(VecCopy(rho, sum));
    for (int s = 0; s < 4; ++s) {
      OK(VecWAXPY(stage, node[s] * dt, k, rho));
      derivative(spec, energy, geometry, stage, xi, k);
      OK(VecAXPY(sum, weight[s] * dt, k));
    }
    OK(VecCopy(sum, rho));
  }
  OK(VecDestroy(&stage));
  OK(VecDestroy(&sum));
  OK(VecDestroy(&xi));
  OK(VecDestroy(&k));
  OK(MuFlowDestroy(&flow));
  return rho;
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
    Vec exact = oracle(spec, initial, step * (i + 1) / MU_ROWS, 400);
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
    Vec log_target = TestLogTarget(grid, mild), initial = bump_density(grid);
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
  Vec log_target = TestLogTarget(grid, well), initial = bump_density(grid), exact;
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
  exact = oracle(&spec, initial, spec.end, TestQuick() ? 1500 : 4000);
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

/* Narrow starts, steep potentials, an obstacle, periodic cells: every row is non-negative, has the
   mass, and no more energy than the one before; negative cells were there to be raised */
START_TEST(rows_are_positive_conserve_mass_and_dissipate) {
  static const struct {
    PetscInt dim, nx, ny;
    PetscReal (*potential)(PetscReal, PetscReal);
    const char *energy, *geometry[3];
    PetscBool spherical, periodic, raised;
  } cases[] = {
      {1,
       200,
       1,
       double_well,
       "kl",
       {"wasserstein", "fisher_rao"},
       PETSC_TRUE,
       PETSC_FALSE,
       PETSC_TRUE},
      {1, 200, 1, double_well, "kl", {"wasserstein"}, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
      {1,
       150,
       1,
       cliff,
       "kl",
       {"wasserstein", "fisher_rao"},
       PETSC_FALSE,
       PETSC_FALSE,
       PETSC_FALSE},
      {2,
       40,
       30,
       double_well,
       "kl",
       {"wasserstein", "fisher_rao"},
       PETSC_TRUE,
       PETSC_TRUE,
       PETSC_FALSE},
      {1, 100, 1, double_well, "entropy", {"wasserstein"}, PETSC_FALSE, PETSC_TRUE, PETSC_FALSE},
      {1, 100, 1, well, "chi2", {"wasserstein"}, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    MuGrid grid = TestGrid(cases[c].dim, cases[c].nx, cases[c].ny, -3, 3, cases[c].periodic);
    Vec log_target = TestLogTarget(grid, cases[c].potential), initial = TestField(grid, narrow);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {cases[c].energy},
                         .geometry = {cases[c].geometry[0], cases[c].geometry[1]},
                         .log_target = log_target,
                         .spherical = cases[c].spherical,
                         .scheme = "extrapolation",
                         .tolerance = 1e-6,
                         .step = 1,
                         .end = 0.3};
    Watch w = {.conserves = (PetscBool)(cases[c].spherical || !cases[c].geometry[1])};
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
  Vec log_target = TestLogTarget(grid, well), initial = bump_density(grid), rho[2];
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
  Vec log_target = TestLogTarget(grid, well), initial = bump_density(grid), rho[2];
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
    log_target = TestLogTarget(grid, well);
    initial = bump_density(grid);
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

/* `auto` extrapolates transport where a tolerance is given and no step, and nothing else */
START_TEST(auto_extrapolates_transport_without_a_step) {
  static const struct {
    const char *geometry, *scheme;
    PetscBool free_step;
  } cases[] = {{"wasserstein", "extrapolation", PETSC_TRUE},
               {"wasserstein", "implicit_euler", PETSC_FALSE},
               {"fisher_rao", "closed_form", PETSC_TRUE},
               {"stein", "extrapolation", PETSC_TRUE},
               {"stein", "discrete_gradient", PETSC_FALSE}};
  MuGrid grid = TestGrid(1, 24, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, well), initial = bump_density(grid);
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
  Suite *suite = suite_create("extrapolation");
  TCase *t = tcase_create("extrapolation");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, every_column_has_its_order);
  tcase_add_loop_test(t, errors_follow_the_tolerance, 0, PAIRS);
  tcase_add_test(t, rows_are_positive_conserve_mass_and_dissipate);
  tcase_add_test(t, equilibrium_is_kept);
  tcase_add_test(t, heat_mode_decays_exactly);
  tcase_add_test(t, times_are_met_and_stops_change_nothing);
  tcase_add_test(t, restart_has_the_same_bits);
  tcase_add_test(t, ranks_agree);
  tcase_add_test(t, auto_extrapolates_transport_without_a_step);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
