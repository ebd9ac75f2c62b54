/* Flows as objects: output times, adaptation, rejection, choice of scheme, huge steps, steep
 * potentials, obstacles. */
#include "flow_support.h"

#include <string.h>

typedef struct {
  PetscInt steps;
  PetscReal time, largest;
} Times;

static PetscErrorCode watch_times(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                                  Vec after) {
  Times *t = ctx;
  (void)flow;
  (void)before;
  (void)after;
  ck_assert_double_eq_tol(time - t->time, dt, 1e-14);
  t->time = time;
  t->steps++;
  t->largest = fmax(t->largest, dt);
  return 0;
}

/* Every output time is hit to the bit, with steps no larger than asked for, equal within an
 * interval */
START_TEST(output_times_are_hit_exactly) {
  static const PetscReal times[] = {0.1, 0.25, 0.2500001, 1.0 / 3, 0.7};
  for (int adapt = 0; adapt < 2; ++adapt) {
    MuGrid grid = TestGrid(1, 32, 1, -2, 2, PETSC_FALSE);
    Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"kl"},
                         .geometry = {"wasserstein", "fisher_rao"},
                         .log_target = log_target,
                         .step = 0.03,
                         .end = 0.7};
    MuEnergy energy = TestEnergy(&spec);
    MuGeometry geometry = TestGeometry(&spec);
    MuFlowSpec f;
    MuFlow flow;
    Times watch = {0};
    PetscInt accepted;
    MuFlowSpecDefault(&f);
    f.step = 0.03;
    f.end = 0.7;
    f.adapt = (PetscBool)adapt;
    f.tolerance = 1e-4;
    OK(MuFlowCreate(grid, energy, geometry, initial, &f, &flow));
    OK(MuFlowSetStepCallback(flow, watch_times, &watch));
    for (size_t k = 0; k < sizeof times / sizeof times[0]; ++k) {
      PetscReal time;
      OK(MuFlowAdvance(flow, times[k]));
      OK(MuFlowGetState(flow, &time, NULL));
      ck_assert(time == times[k]);
      ck_assert(watch.time == times[k]);
    }
    OK(MuFlowGetSteps(flow, &accepted, NULL));
    ck_assert_int_eq(accepted, watch.steps);
    if (!adapt) {
      ck_assert_int_eq(watch.steps, 4 + 5 + 1 + 3 + 13);
      ck_assert_double_le(watch.largest, 0.03 * (1 + 1e-9));
    }
    OK(MuFlowDestroy(&flow));
    OK(MuEnergyDestroy(&energy));
    OK(MuGeometryDestroy(&geometry));
    OK(VecDestroy(&log_target));
    OK(VecDestroy(&initial));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* 7200 steps lose 5e-13 of t = 50 by rounding: no step of that length follows them. */
START_TEST(no_step_is_made_of_rounding) {
  MuGrid grid = TestGrid(1, 4, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
  const TestFlowSpec spec = {.grid = grid,
                             .energy = {"kl"},
                             .geometry = {"wasserstein"},
                             .log_target = log_target,
                             .step = 50.0 / 7200,
                             .end = 50};
  MuFlow flow = TestFlowCreate(&spec, initial);
  Times watch = {0};
  OK(MuFlowSetStepCallback(flow, watch_times, &watch));
  OK(MuFlowAdvance(flow, 50));
  ck_assert_int_eq(watch.steps, 7200);
  ck_assert(watch.time == 50);
  OK(MuFlowDestroy(&flow));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The error at the end goes down with the tolerance of the adaptation, and the steps differ in size
 */
START_TEST(adaptation_controls_the_error) {
  static const PetscReal tolerance[] = {1e-4, 1e-5, 1e-6};
  MuGrid grid = TestGrid(1, 32, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid), reference;
  PetscReal error[3];
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"kl"},
                       .geometry = {"wasserstein"},
                       .log_target = log_target,
                       .scheme = "discrete_gradient",
                       .step = 5e-4,
                       .end = 0.2};
  reference = TestFlowRun(&spec, initial);
  MuEnergy energy = TestEnergy(&spec);
  MuGeometry geometry = TestGeometry(&spec);
  for (int k = 0; k < 3; ++k) {
    MuFlowSpec f;
    MuFlow flow;
    Vec rho;
    Times watch = {0};
    MuFlowSpecDefault(&f);
    f.scheme = "implicit_euler";
    f.step = 0.05;
    f.end = 0.2;
    f.adapt = PETSC_TRUE;
    f.tolerance = tolerance[k];
    OK(MuFlowCreate(grid, energy, geometry, initial, &f, &flow));
    OK(MuFlowSetStepCallback(flow, watch_times, &watch));
    OK(MuFlowAdvance(flow, 0.2));
    OK(MuFlowGetState(flow, NULL, &rho));
    OK(MuGridDistanceL1(grid, rho, reference, &error[k]));
    ck_assert_double_lt(error[k], watch.steps * tolerance[k]); /* every step is within tolerance */
    OK(MuFlowDestroy(&flow));
  }
  ck_assert_double_lt(error[2], 0.3 * error[0]);
  OK(MuEnergyDestroy(&energy));
  OK(MuGeometryDestroy(&geometry));
  OK(VecDestroy(&reference));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

typedef struct {
  Vec after;
  PetscReal time, energy, terms[MU_MAX_TERMS];
} Last;

static PetscErrorCode watch_last(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                                 Vec after) {
  Last *last = ctx;
  (void)dt;
  (void)before;
  OK(VecCopy(after, last->after));
  last->time = time;
  return MuFlowGetEnergy(flow, &last->energy, last->terms);
}

/* A flow that leaves the numbers stops with a sentence, at its last
   accepted step to the bit */
START_TEST(a_failed_step_restores_the_state) {
  static const struct {
    const char *geometry, *energy[3], *scheme, *word;
  } faults[] = {
      {"fisher_rao", {"potential"}, "closed_form", "no longer finite"},
      {"kernel_fisher_rao", {"potential"}, "auto", "too fast for explicit"},
      {"wasserstein", {"potential", "interaction"}, "discrete_gradient", ""},
  };
  const PetscReal end = 400;
  MuGrid grid = TestGrid(1, 24, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid), rho;
  MuKernel kernel = TestKernel(1, "matern", 0.6, MU_EXTENSION_REFLECT);
  for (size_t k = 0; k < sizeof faults / sizeof *faults; ++k) {
    if (TestQuick() && k % 2) continue; /* these take a hundred thousand small steps */
    TestFlowSpec spec = {.grid = grid,
                         .energy = {faults[k].energy[0], faults[k].energy[1]},
                         .energy_weight = {-3, -3},
                         .geometry = {faults[k].geometry},
                         .kernel = kernel,
                         .log_target = log_target,
                         .scheme = faults[k].scheme,
                         .step = 1,
                         .end = end};
    MuFlow flow = TestFlowCreate(&spec, initial);
    Last last = {.time = 0};
    PetscReal time, energy, terms[MU_MAX_TERMS] = {0};
    OK(VecDuplicate(initial, &last.after));
    OK(VecCopy(initial, last.after));
    OK(MuFlowGetEnergy(flow, &last.energy, last.terms));
    OK(MuFlowSetStepCallback(flow, watch_last, &last));
    PetscErrorCode code = MuFlowAdvance(flow, end);
    ck_assert_msg(code == MU_ERR_NUMERICS, "%s, %s: code %d", faults[k].geometry, faults[k].scheme,
                  (int)code);
    ck_assert_msg(strstr(MuErrorMessage(), faults[k].word) != NULL, "%s: %s", faults[k].geometry,
                  MuErrorMessage());
    OK(MuFlowGetState(flow, &time, &rho));
    ck_assert(time == last.time);
    ck_assert(TestMaxDifference(rho, last.after) == 0);
    OK(MuFlowGetEnergy(flow, &energy, terms));
    ck_assert(energy == last.energy);
    ck_assert(!memcmp(terms, last.terms, sizeof terms));
    OK(VecDestroy(&last.after));
    OK(MuFlowDestroy(&flow));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(auto_chooses) {
  static const struct {
    const char *geometry[3], *energy, *scheme;
  } choices[] = {
      {{"fisher_rao"}, "kl", "closed_form"},
      {{"fisher_rao"}, "chi2", "closed_form"},
      {{"fisher_rao"}, "l2", "log_density"},
      {{"mmd"}, "mmd", "closed_form"},
      {{"mmd"}, "kl", "gradient_or_proximal"},
      {{"kernel_fisher_rao"}, "kl", "log_density"},
      {{"wasserstein"}, "kl", "implicit_euler"},
      {{"wasserstein"}, "internal", "implicit_euler"},
      {{"stein"}, "kl", "discrete_gradient"},
      {{"wasserstein", "mmd"}, "mmd", "splitting"},
      {{"wasserstein", "fisher_rao"}, "kl", "splitting"},
  };
  MuGrid grid = TestGrid(1, 16, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
  MuKernel kernel = TestKernel(1, "matern", 0.6, MU_EXTENSION_REFLECT);
  for (size_t k = 0; k < sizeof choices / sizeof choices[0]; ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {choices[k].energy},
                         .geometry = {choices[k].geometry[0], choices[k].geometry[1]},
                         .internal_exponent = 2,
                         .kernel = kernel,
                         .log_target = log_target,
                         .step = 0.01,
                         .end = 1};
    MuFlow flow = TestFlowCreate(&spec, initial);
    const char *name, *why;
    OK(MuFlowGetScheme(flow, &name, NULL, &why));
    ck_assert_str_eq(name, choices[k].scheme);
    ck_assert_ptr_nonnull(strchr(why, ':'));
    OK(MuFlowDestroy(&flow));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(unfit_schemes_are_refused) {
  static const struct {
    const char *geometry, *energy, *scheme;
  } unfit[] = {
      {"wasserstein", "kl", "closed_form"},  {"wasserstein", "kl", "log_density"},
      {"wasserstein", "kl", "splitting"},    {"fisher_rao", "kl", "implicit_euler"},
      {"mmd", "kl", "log_density"},          {"kernel_fisher_rao", "kl", "closed_form"},
      {"fisher_rao", "l2", "splitting_lie"}, {"fisher_rao", "kl", "runge_kutta"},
  };
  MuGrid grid = TestGrid(1, 16, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
  MuKernel kernel = TestKernel(1, "matern", 0.6, MU_EXTENSION_REFLECT);
  for (size_t k = 0; k < sizeof unfit / sizeof unfit[0]; ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {unfit[k].energy},
                         .geometry = {unfit[k].geometry},
                         .kernel = kernel,
                         .log_target = log_target};
    MuEnergy energy = TestEnergy(&spec);
    MuGeometry geometry = TestGeometry(&spec);
    MuFlowSpec f;
    MuFlow flow;
    MuFlowSpecDefault(&f);
    f.scheme = unfit[k].scheme;
    f.step = 0.1;
    f.end = 1;
    ck_assert_int_eq(MuFlowCreate(grid, energy, geometry, initial, &f, &flow), MU_ERR_INPUT);
    ck_assert_ptr_null(flow);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "time_scheme"));
    f.scheme = "auto";
    f.step = -1;
    ck_assert_int_eq(MuFlowCreate(grid, energy, geometry, initial, &f, &flow), MU_ERR_INPUT);
    OK(MuEnergyDestroy(&energy));
    OK(MuGeometryDestroy(&geometry));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ what implicit Euler promises
 */

typedef struct {
  const char *what;
  PetscReal energy, scale, mass;
} Promise;

static PetscErrorCode watch_promise(void *ctx, MuFlow flow, PetscReal time, PetscReal dt,
                                    Vec before, Vec after) {
  Promise *p = ctx;
  PetscReal value, smallest, mass;
  MuGrid grid;
  (void)time;
  (void)dt;
  (void)before;
  OK(MuFlowGetEnergy(flow, &value, NULL));
  OK(MuFlowGetParts(flow, &grid, NULL, NULL));
  OK(VecMin(after, NULL, &smallest));
  OK(MuGridIntegrate(grid, after, &mass));
  ck_assert_msg(value <= p->energy + 1e-12 * p->scale, "%s: energy rises by %g", p->what,
                value - p->energy);
  ck_assert_msg(smallest >= 0, "%s: density %g", p->what, smallest);
  ck_assert_msg(fabs(mass - p->mass) < 1e-12, "%s: mass drifts by %g", p->what, mass - p->mass);
  p->energy = value;
  return 0;
}

/* positive, conservative and dissipative for steps from tiny to far beyond the flow's own time, in
 * one attempt each */
START_TEST(implicit_euler_for_any_step) {
  static const char *const energies[] = {"kl", "entropy", "internal", "chi2", "mmd"};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int e = 0; e < 5; ++e)
      for (PetscReal step = 1e-6; step < 2e3; step *= TestQuick() ? 1e9 : 1e3) {
        MuGrid grid = TestGrid(dim, dim == 1 ? 48 : 10, 12, -2, 2, PETSC_FALSE);
        Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
        MuKernel kernel = TestKernel(dim, "gaussian", 0.8, MU_EXTENSION_REFLECT);
        TestFlowSpec spec = {.grid = grid,
                             .energy = {energies[e]},
                             .internal_exponent = 2,
                             .mean = e >= 4             ? MU_MEAN_UPWIND
                                     : e == 2 || e == 3 ? MU_MEAN_STOLARSKY
                                                        : MU_MEAN_LOGARITHMIC,
                             .geometry = {"wasserstein"},
                             .kernel = kernel,
                             .log_target = log_target,
                             .scheme = "implicit_euler",
                             .step = step,
                             .end = 3 * step};
        Promise promise = {.what = energies[e], .mass = 1};
        MuFlow flow = TestFlowCreate(&spec, initial);
        OK(MuFlowGetEnergy(flow, &promise.energy, NULL));
        promise.scale = fabs(promise.energy) + 1e-3;
        OK(MuFlowSetStepCallback(flow, watch_promise, &promise));
        PetscErrorCode code = MuFlowAdvance(flow, 3 * step);
        ck_assert_msg(code == 0, "%s, step %g: %s", energies[e], step, MuErrorMessage());
        OK(MuFlowDestroy(&flow));
        OK(VecDestroy(&log_target));
        OK(VecDestroy(&initial));
        OK(MuKernelDestroy(&kernel));
        OK(MuGridDestroy(&grid));
      }
}
END_TEST

/* V ranging over 10^4, so that pi underflows almost everywhere: finite, positive, conservative, and
 * pi stays pi */
static PetscReal steep(PetscReal x, PetscReal y) {
  return 1250 * (x * x + 0.5 * y * y + 0.3 * x * y);
}

START_TEST(steep_potentials_change_nothing) {
  static const struct {
    const char *geometry[3], *scheme;
    MuTransportSolver solver;
  } runs[] = {
      {{"wasserstein"}, "implicit_euler", MU_TRANSPORT_COUPLED},
      {{"wasserstein"}, "implicit_euler", MU_TRANSPORT_DIRECT},
      {{"wasserstein"}, "implicit_euler", MU_TRANSPORT_DIMENSION_SPLIT},
      {{"wasserstein", "fisher_rao"}, "splitting", MU_TRANSPORT_DIMENSION_SPLIT},
      {{"fisher_rao"}, "closed_form", MU_TRANSPORT_AUTO},
      {{"fisher_rao"}, "log_density", MU_TRANSPORT_AUTO},
  };
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (size_t k = 0; k < sizeof runs / sizeof runs[0]; ++k) {
      MuGrid grid = TestGrid(dim, dim == 1 ? 200 : 40, 30, -2, 2, PETSC_FALSE);
      Vec log_target = TestLogTarget(grid, steep), target = TestExp(grid, log_target);
      Vec initial = TestBumpDensity(grid);
      TestFlowSpec spec = {.grid = grid,
                           .energy = {"kl"},
                           .geometry = {runs[k].geometry[0], runs[k].geometry[1]},
                           .spherical = PETSC_TRUE,
                           .log_target = log_target,
                           .scheme = runs[k].scheme,
                           .solver = runs[k].solver,
                           .step = 0.02,
                           .end = 0.06};
      PetscReal lowest, highest, smallest, mass;
      OK(VecMin(log_target, NULL, &lowest));
      OK(VecMax(log_target, NULL, &highest));
      ck_assert_double_gt(highest - lowest, 4900);
      Vec rho = TestFlowRun(&spec, initial), still = TestFlowRun(&spec, target);
      OK(VecMin(rho, NULL, &smallest));
      ck_assert_double_ge(smallest, 0);
      OK(MuGridIntegrate(grid, rho, &mass));
      ck_assert_double_eq_tol(mass, 1, 1e-12);
      OK(VecMax(target, NULL, &highest));
      ck_assert_double_lt(TestMaxDifference(still, target), 1e-12 * highest);
      OK(VecDestroy(&rho));
      OK(VecDestroy(&still));
      OK(VecDestroy(&target));
      OK(VecDestroy(&initial));
      OK(VecDestroy(&log_target));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* ------------------------------------------------------------------ equilibria */

static PetscReal flat(PetscReal x, PetscReal y) {
  (void)x;
  (void)y;
  return 0;
}

static PetscReal shallow(PetscReal x, PetscReal y) {
  return 0.5 * x * x - 0.3 * sin(2 * x) + 0.2 * y * y;
}

/* At an equilibrium F may be 0, while rounding moves rho and F: no step is rejected. */
START_TEST(equilibrium_at_full_speed) {
  static const char *const energies[] = {"entropy", "kl", "chi2", "l2", "internal", "mmd"};
  static const PetscInt cells[][2] = {{20000, 1}, {2, 600}, {24, 24}};
  for (int c = 0; c < 3; ++c)
    for (size_t e = 0; e < sizeof energies / sizeof *energies; ++e)
      for (int spherical = 0; spherical < 2; ++spherical) {
        PetscMPIInt ranks;
        MPI_Comm_size(MPI_COMM_WORLD, &ranks);
        if (ranks > 2 && (e + (size_t)c + (size_t)spherical) % 3) continue; /* they share cores */
        const PetscBool plain = (PetscBool)(e == 0 || e == 4); /* uniform at equilibrium */
        MuGrid grid = TestGrid(c ? 2 : 1, cells[c][0], cells[c][1], 0, 1, PETSC_FALSE);
        TestFlowSpec spec = {.grid = grid,
                             .energy = {energies[e]},
                             .geometry = {"wasserstein", spherical ? "fisher_rao" : NULL},
                             .spherical = (PetscBool)spherical,
                             .internal_exponent = 2,
                             .log_target = TestLogTarget(grid, plain ? flat : shallow),
                             .kernel = TestKernel(c ? 2 : 1, "gaussian", 0.2, MU_EXTENSION_REFLECT),
                             .step = 0.01,
                             .end = 0.1};
        Vec initial = TestExp(grid, spec.log_target);
        MuFlow flow = TestFlowCreate(&spec, initial);
        PetscInt rejected;
        OK(MuFlowAdvance(flow, spec.end));
        OK(MuFlowGetSteps(flow, NULL, &rejected));
        ck_assert_msg(rejected == 0, "%s on %d x %d cells: %d steps rejected", energies[e],
                      (int)cells[c][0], (int)cells[c][1], (int)rejected);
        OK(MuFlowDestroy(&flow));
        OK(VecDestroy(&initial));
        OK(VecDestroy(&spec.log_target));
        OK(MuKernelDestroy(&spec.kernel));
        OK(MuGridDestroy(&grid));
      }
}
END_TEST

/* ------------------------------------------------------------------ the inverse of a kernel */

/* near the target, so that no cell becomes empty */
static PetscReal shifted(PetscReal x, PetscReal y) {
  return exp(-shallow(x, y) + 0.2 * cos(x));
}

/* (Kc + r)(rho_1 - rho_0) + dt ((rho_0 + rho_1)/2 - pi), which one step of the flow of l2 = 1/2 int
   (rho - pi)^2 along (Kc + r)^(-1) makes zero; relative to dt, in L1. */
static PetscReal residual_of_step(const TestFlowSpec *spec, Vec initial) {
  MuConvolution convolution;
  PetscReal l1;
  Vec rho = TestFlowRun(spec, initial), pi = TestExp(spec->grid, spec->log_target), change, image;
  OK(VecDuplicate(rho, &change));
  OK(VecDuplicate(rho, &image));
  OK(MuConvolutionCreate(spec->grid, spec->kernel, MU_CELLS, &convolution));
  OK(VecWAXPY(change, -1, initial, rho));
  OK(MuConvolutionApply(convolution, change, image));
  OK(VecAXPY(image, spec->ridge, change));
  OK(VecAXPY(rho, 1, initial));
  OK(VecAXPBY(rho, -spec->step, spec->step / 2, pi));
  OK(VecAXPY(image, 1, rho));
  OK(MuGridDistanceL1(spec->grid, image, NULL, &l1));
  OK(MuConvolutionDestroy(&convolution));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&pi));
  OK(VecDestroy(&change));
  OK(VecDestroy(&image));
  return l1 / spec->step;
}

/* A ridge bounds the rates of (Kc + r)^(-1) by 1/r: every extension and size of r is solved. The
   step's solve stops at a balance of 1e-12, or 1e-9 of the change in L1. */
START_TEST(a_ridge_of_the_inverse_is_solved) {
  static const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT};
  static const PetscReal ridges[] = {1e-3, 0.2, 10};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int periodic = 0; periodic < 2; ++periodic)
      for (int e = 0; e < 2 - periodic; ++e)
        for (int r = 0; r < 3; ++r) {
          MuGrid grid = TestGrid(dim, 64 / dim, 20, -3, 3, (PetscBool)periodic);
          Vec initial = TestField(grid, shifted);
          TestNormalise(grid, initial);
          TestFlowSpec spec = {.grid = grid,
                               .energy = {"l2"},
                               .geometry = {"mmd"},
                               .ridge = ridges[r],
                               .log_target = TestLogTarget(grid, shallow),
                               .kernel = TestKernel(dim, "gaussian", 0.4, extensions[e]),
                               .step = 0.2 * ridges[r],
                               .end = 0.2 * ridges[r]};
          ck_assert_double_le(residual_of_step(&spec, initial), 1e-7);
          OK(MuKernelDestroy(&spec.kernel));
          OK(VecDestroy(&spec.log_target));
          OK(VecDestroy(&initial));
          OK(MuGridDestroy(&grid));
        }
}
END_TEST

/* ------------------------------------------------------------------ obstacles */

/* Two rooms with and without a door: through the door the masses even out, without it each room
 * keeps its own */
START_TEST(rooms_with_and_without_a_door) {
  enum { N = 16 };
  for (int door = 0; door < 2; ++door) {
    unsigned char mask[N * N];
    for (PetscInt i = 0; i < N * N; ++i) {
      PetscInt x = i % N, y = i / N;
      mask[i] = x != N / 2 || (door && y >= 6 && y < 10);
    }
    MuGridSpec g = {.dim = 2, .lower = {-2, -2}, .upper = {2, 2}, .cells = {N, N}, .mask = mask};
    MuGrid grid;
    const MuGridInfo *info;
    const PetscReal *r;
    PetscReal left = 0, start = 0, x[2], total;
    OK(MuGridCreate(MPI_COMM_WORLD, &g, &grid));
    OK(MuGridGetInfo(grid, &info));
    Vec initial = TestBumpDensity(grid), rho;
    TestFlowSpec spec = {
        .grid = grid, .energy = {"entropy"}, .geometry = {"wasserstein"}, .step = 1, .end = 100};
    rho = TestFlowRun(&spec, initial);
    OK(VecGetArrayRead(rho, &r));
    for (PetscInt i = 0; i < info->local_size; ++i) {
      OK(MuGridCellCentre(grid, i, x));
      if (!info->mask[i])
        ck_assert(r[i] == 0);
      else if (x[0] < 0)
        left += r[i] * info->volume;
    }
    OK(VecRestoreArrayRead(rho, &r));
    OK(VecGetArrayRead(initial, &r));
    for (PetscInt i = 0; i < info->local_size; ++i) {
      OK(MuGridCellCentre(grid, i, x));
      if (x[0] < 0) start += r[i] * info->volume;
    }
    OK(VecRestoreArrayRead(initial, &r));
    MPI_Allreduce(MPI_IN_PLACE, &left, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, &start, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    OK(MuGridIntegrate(grid, rho, &total));
    ck_assert_double_eq_tol(total, 1, 1e-12);
    /* at equilibrium the density is uniform: the left room has N/2 of the open columns */
    if (door)
      ck_assert_double_eq_tol(left, (N / 2) * N / (PetscReal)info->inside, 1e-6);
    else
      ck_assert_double_eq_tol(left, start, 1e-11);
    OK(VecDestroy(&rho));
    OK(VecDestroy(&initial));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("flow");
  TCase *t = tcase_create("flow");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, output_times_are_hit_exactly);
  tcase_add_test(t, no_step_is_made_of_rounding);
  tcase_add_test(t, adaptation_controls_the_error);
  tcase_add_test(t, a_failed_step_restores_the_state);
  tcase_add_test(t, auto_chooses);
  tcase_add_test(t, unfit_schemes_are_refused);
  tcase_add_test(t, implicit_euler_for_any_step);
  tcase_add_test(t, steep_potentials_change_nothing);
  tcase_add_test(t, equilibrium_at_full_speed);
  tcase_add_test(t, a_ridge_of_the_inverse_is_solved);
  tcase_add_test(t, rooms_with_and_without_a_door);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
