/* The exact solutions 1-8 of the theory. Closed forms are held to 1e-10; discretised flows show
 * their order. */
#include "flow_support.h"

static PetscReal quadratic(PetscReal x, PetscReal y) {
  return 0.5 * (x * x + y * y);
}

/* |rho - f(rho0, log pi)| relative to max f, f in long double */
static PetscReal error_against(Vec rho, Vec initial, Vec log_target, PetscReal p, PetscReal t,
                               long double (*f)(long double, long double, long double,
                                                long double)) {
  const PetscReal *a, *b, *c;
  PetscReal worst = 0, largest = 0;
  PetscInt n;
  OK(VecGetLocalSize(rho, &n));
  OK(VecGetArrayRead(rho, &a));
  OK(VecGetArrayRead(initial, &b));
  OK(VecGetArrayRead(log_target, &c));
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal exact = (PetscReal)f(b[i], c[i], p, t);
    worst = fmax(worst, fabs(a[i] - exact));
    largest = fmax(largest, fabs(exact));
  }
  OK(VecRestoreArrayRead(rho, &a));
  OK(VecRestoreArrayRead(initial, &b));
  OK(VecRestoreArrayRead(log_target, &c));
  return worst / largest;
}

static long double power_solution(long double r0, long double log_pi, long double p,
                                  long double t) {
  long double pi = expl(log_pi), s0 = r0 / pi;
  return pi * powl(1 + (powl(s0, 1 - p) - 1) * expl(-t), 1 / (1 - p));
}

static long double kl_solution(long double r0, long double log_pi, long double p, long double t) {
  (void)p;
  return powl(r0, expl(-t)) * expl(log_pi * (1 - expl(-t)));
}

static long double linear_solution(long double r0, long double log_pi, long double p,
                                   long double t) {
  long double pi = expl(log_pi);
  (void)p;
  return pi + expl(-t) * (r0 - pi);
}

/* 1. fisher_rao + power p */
START_TEST(fisher_rao_power) {
  const PetscReal exponents[] = {-1, 0.25, 0.5, 0.6, 2, 3};
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    MuGrid grid = TestGrid(dim, 24, 16, -2, 2, PETSC_FALSE);
    Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
    for (size_t k = 0; k < sizeof exponents / sizeof exponents[0]; ++k) {
      TestFlowSpec spec = {.grid = grid,
                           .energy = {"power"},
                           .geometry = {"fisher_rao"},
                           .power_exponent = exponents[k],
                           .log_target = log_target,
                           .step = 0.3,
                           .end = 1.2};
      Vec rho = TestFlowRun(&spec, initial);
      ck_assert_double_lt(
          error_against(rho, initial, log_target, exponents[k], 1.2, power_solution), 1e-12);
      OK(VecDestroy(&rho));
    }
    OK(VecDestroy(&log_target));
    OK(VecDestroy(&initial));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* the same flow by log_density, which does not know the closed form: within its tolerance */
START_TEST(log_density_agrees_with_the_closed_form) {
  MuGrid grid = TestGrid(1, 64, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
  PetscReal error[2];
  for (int k = 0; k < 2; ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"power"},
                         .geometry = {"fisher_rao"},
                         .power_exponent = 0.25,
                         .log_target = log_target,
                         .scheme = "log_density",
                         .step = 0.5,
                         .end = 1,
                         .tolerance = k ? 1e-11 : 1e-5};
    Vec rho = TestFlowRun(&spec, initial);
    error[k] = error_against(rho, initial, log_target, 0.25, 1, power_solution);
    OK(VecDestroy(&rho));
  }
  ck_assert_double_lt(error[1], 1e-9); /* local tolerance 1e-11, tens of steps */
  ck_assert_double_lt(error[1], 1e-3 * error[0]);
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* 2. fisher_rao + kl, spherical or not */
START_TEST(fisher_rao_kl) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int spherical = 0; spherical < 2; ++spherical) {
      MuGrid grid = TestGrid(dim, 24, 16, -2, 2, PETSC_FALSE);
      Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
      TestFlowSpec spec = {.grid = grid,
                           .energy = {"kl"},
                           .geometry = {"fisher_rao"},
                           .geometry_weight = {2},
                           .spherical = (PetscBool)spherical,
                           .log_target = log_target,
                           .step = 0.07,
                           .end = 0.6};
      Vec rho = TestFlowRun(&spec, initial);
      if (spherical) { /* undo the normalisation: exact up to a factor */
        PetscReal mass;
        Vec copy;
        OK(VecDuplicate(rho, &copy));
        OK(VecCopy(initial, copy));
        spec.spherical = PETSC_FALSE;
        Vec plain = TestFlowRun(&spec, copy);
        OK(MuGridIntegrate(grid, rho, &mass));
        ck_assert_double_eq_tol(mass, 1, 1e-13);
        OK(MuGridIntegrate(grid, plain, &mass));
        OK(VecScale(rho, mass));
        OK(VecDestroy(&plain));
        OK(VecDestroy(&copy));
      }
      ck_assert_double_lt(error_against(rho, initial, log_target, 1, 1.2, kl_solution), 1e-12);
      OK(VecDestroy(&rho));
      OK(VecDestroy(&log_target));
      OK(VecDestroy(&initial));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* 3. fisher_rao + inclusive_kl; mmd + mmd for any kernel, F(t) = e^(-2t) F(0) */
START_TEST(linear_flows) {
  static const char *const kernels[] = {"gaussian", "matern", "bessel", "imq", "wendland"};
  MuGrid grid = TestGrid(2, 24, 16, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
  for (int k = -1; k < 5; ++k) {
    MuKernel kernel = k < 0 ? NULL : TestKernel(2, kernels[k], 0.7, MU_EXTENSION_ZERO);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {k < 0 ? "inclusive_kl" : "mmd"},
                         .energy_weight = {0.5},
                         .geometry = {k < 0 ? "fisher_rao" : "mmd"},
                         .geometry_weight = {2},
                         .kernel = kernel,
                         .log_target = log_target,
                         .step = 0.1,
                         .end = 1};
    MuFlow flow = TestFlowCreate(&spec, initial);
    PetscReal before, after;
    Vec rho;
    OK(MuFlowGetEnergy(flow, &before, NULL));
    OK(MuFlowAdvance(flow, 1));
    OK(MuFlowGetEnergy(flow, &after, NULL));
    OK(MuFlowGetState(flow, NULL, &rho));
    ck_assert_double_lt(error_against(rho, initial, log_target, 0, 1, linear_solution), 1e-13);
    if (k >= 0) ck_assert_double_eq_tol(after / before, exp(-2), 1e-11);
    OK(MuFlowDestroy(&flow));
    OK(MuKernelDestroy(&kernel));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* 4. mmd + l2 under reflect: the cosine mode of rho - pi decays with rate 1/k^(w);
 * discrete_gradient is the midpoint rule: order 2 */
static PetscReal mode(PetscReal x, PetscReal y) {
  (void)y;
  return cos(2 * PETSC_PI * (x + 2) / 4);
}

static PetscReal zero_potential(PetscReal x, PetscReal y) {
  (void)x;
  (void)y;
  return 0;
}

START_TEST(mmd_geometry_of_l2) {
  const PetscReal w = 2 * PETSC_PI / 4, h = 0.5, rate = 1 + h * h * w * w;
  PetscReal step[3], error[3];
  MuGrid grid = TestGrid(1, 32, 1, -2, 2, PETSC_FALSE);
  MuKernel kernel = TestKernel(1, "bessel", h, MU_EXTENSION_REFLECT);
  Vec log_target = TestLogTarget(grid, zero_potential), initial = TestField(grid, mode);
  OK(VecScale(initial, 0.1));
  OK(VecShift(initial, 0.25));
  for (int k = 0; k < 3; ++k) {
    step[k] = 0.2 / (1 << k);
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"l2"},
                         .geometry = {"mmd"},
                         .kernel = kernel,
                         .log_target = log_target,
                         .scheme = "discrete_gradient",
                         .step = step[k],
                         .end = 0.8};
    Vec rho = TestFlowRun(&spec, initial), exact = TestField(grid, mode);
    OK(VecScale(exact, 0.1 * exp(-rate * 0.8)));
    OK(VecShift(exact, 0.25));
    error[k] = TestMaxDifference(rho, exact);
    OK(VecDestroy(&rho));
    OK(VecDestroy(&exact));
  }
  ck_assert_double_eq_tol(TestSlope(3, step, error), 2, 0.05);
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* 5. Ornstein-Uhlenbeck: m e^-t, 1 + (S - 1) e^-2t */
static PetscReal gauss_mean, gauss_variance;
static PetscReal gaussian(PetscReal x, PetscReal y) {
  (void)y;
  return exp(-(x - gauss_mean) * (x - gauss_mean) / (2 * gauss_variance)) /
         sqrt(2 * PETSC_PI * gauss_variance);
}

static PetscReal ou_error(PetscInt cells, PetscReal step, const char *scheme) {
  MuGrid grid = TestGrid(1, cells, 1, -8, 8, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, quadratic), initial, rho, exact;
  PetscReal error;
  gauss_mean = 1, gauss_variance = 0.5;
  initial = TestField(grid, gaussian);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"kl"},
                       .geometry = {"wasserstein"},
                       .log_target = log_target,
                       .scheme = scheme,
                       .step = step,
                       .end = 0.5};
  rho = TestFlowRun(&spec, initial);
  gauss_mean = exp(-0.5), gauss_variance = 1 + (0.5 - 1) * exp(-1);
  exact = TestField(grid, gaussian);
  OK(MuGridDistanceL1(grid, rho, exact, &error));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&exact));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  OK(MuGridDestroy(&grid));
  return error;
}

START_TEST(ornstein_uhlenbeck_orders) {
  PetscReal h[3], error[3];
  for (int k = 0; k < 3; ++k) { /* the step is refined with h^2, so that order 2 in space shows */
    h[k] = 16.0 / (48 << k);
    error[k] = ou_error(48 << k, 0.08 * h[k] * h[k] / (h[0] * h[0]), "implicit_euler");
  }
  ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.1);
  for (int k = 0; k < 3; ++k) { /* to a tolerance that is far below */
    h[k] = 16.0 / (48 << k);
    error[k] = ou_error(48 << k, 1, "extrapolation");
  }
  ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.1);
  for (int k = 0; k < 3; ++k) { /* fine grid: its error, at most 2e-4, is far below */
    h[k] = 0.1 / (1 << k);
    error[k] = ou_error(TestQuick() ? 400 : 800, h[k], "implicit_euler");
  }
  ck_assert_double_eq_tol(TestSlope(3, h, error), 1, 0.1);
}
END_TEST

/* 6. spherical a wasserstein + b fisher_rao of KL to N(m, P^-1): an ODE for mean and variance */
static void gaussian_ode(PetscReal a, PetscReal b, PetscReal precision, PetscReal end, PetscReal *m,
                         PetscReal *s) {
  const int steps = 2000;
  PetscReal dt = end / steps;
  for (int k = 0; k < steps; ++k) {
    PetscReal km[4], ks[4], x = *m, y = *s;
    static const PetscReal c[4] = {0, 0.5, 0.5, 1};
    for (int j = 0; j < 4; ++j) {
      x = *m + (j ? c[j] * dt * km[j - 1] : 0);
      y = *s + (j ? c[j] * dt * ks[j - 1] : 0);
      km[j] = -(a * precision + b * y * precision) * x;
      ks[j] = 2 * a - 2 * a * precision * y + b * (y - y * precision * y);
    }
    *m += dt / 6 * (km[0] + 2 * km[1] + 2 * km[2] + km[3]);
    *s += dt / 6 * (ks[0] + 2 * ks[1] + 2 * ks[2] + ks[3]);
  }
}

static Vec hk_run(MuGrid grid, PetscReal step, const char *scheme) {
  Vec log_target = TestLogTarget(grid, quadratic), initial, rho;
  gauss_mean = 1.5, gauss_variance = 0.4;
  initial = TestField(grid, gaussian);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"kl"},
                       .geometry = {"wasserstein", "fisher_rao"},
                       .geometry_weight = {0.7, 1.3},
                       .spherical = PETSC_TRUE,
                       .log_target = log_target,
                       .scheme = scheme,
                       .step = step,
                       .end = 0.5};
  rho = TestFlowRun(&spec, initial);
  OK(VecDestroy(&initial));
  OK(VecDestroy(&log_target));
  return rho;
}

static PetscReal hk_error(PetscInt cells, PetscReal step, const char *scheme) {
  MuGrid grid = TestGrid(1, cells, 1, -8, 8, PETSC_FALSE);
  Vec rho = hk_run(grid, step, scheme), exact;
  PetscReal error;
  gaussian_ode(0.7, 1.3, 1, 0.5, &gauss_mean, &gauss_variance);
  exact = TestField(grid, gaussian);
  OK(MuGridDistanceL1(grid, rho, exact, &error));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&exact));
  OK(MuGridDestroy(&grid));
  return error;
}

START_TEST(spherical_hellinger_kantorovich_gaussians) {
  PetscReal h[3], error[3];
  for (int s = 0; s < 2; ++s) { /* order 1 in time on a grid whose own error is far below */
    for (int k = 0; k < 3; ++k) {
      h[k] = 0.1 / (1 << k);
      error[k] = hk_error(TestQuick() ? 400 : 800, h[k], s ? "splitting" : "splitting_lie");
    }
    ck_assert_double_eq_tol(TestSlope(3, h, error), 1, 0.1);
  }
  for (int s = 0; s < 2; ++s) { /* order 2 in space with steps whose error is far below */
    for (int k = 0; k < 3; ++k) {
      h[k] = 16.0 / (40 << k);
      error[k] = s ? hk_error(40 << k, 1, "extrapolation")
                   : hk_error(40 << k, 0.02 / (1 << k), "discrete_gradient");
    }
    ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.1);
  }
}
END_TEST

/* discrete_gradient is of order 2 in time: successive differences |rho_dt - rho_(dt/2)| on one grid
 */
START_TEST(discrete_gradient_is_second_order_in_time) {
  MuGrid grid = TestGrid(1, 64, 1, -8, 8, PETSC_FALSE);
  PetscReal step[4], error[4];
  Vec rho[5];
  for (int k = 0; k < 5; ++k) rho[k] = hk_run(grid, 0.0125 / (1 << k), "discrete_gradient");
  for (int k = 0; k < 4; ++k) {
    step[k] = 0.0125 / (1 << k);
    OK(MuGridDistanceL1(grid, rho[k], rho[k + 1], &error[k]));
  }
  ck_assert_msg(fabs(TestSlope(3, step + 1, error + 1) - 2) < 0.1, "errors %g %g %g %g", error[0],
                error[1], error[2], error[3]);
  for (int k = 0; k < 5; ++k) OK(VecDestroy(&rho[k]));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Both splittings tend to the unsplit flow with order 1, whatever integrates the reaction part:
   wasserstein with mmd (discrete_gradient), with fisher_rao (closed_form) and with
   kernel_fisher_rao (log_density), against discrete_gradient of the whole with small steps. */
START_TEST(splitting_tends_to_the_unsplit_flow) {
  static const char *const reactions[] = {"mmd", "fisher_rao", "kernel_fisher_rao"};
  MuGrid grid = TestGrid(1, 48, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid);
  MuKernel kernel = TestKernel(1, "bessel", 0.5, MU_EXTENSION_REFLECT);
  for (int g = 0; g < 3; ++g) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"kl"},
                         .geometry = {"wasserstein", reactions[g]},
                         .geometry_weight = {0.5, 1},
                         .spherical = PETSC_TRUE,
                         .kernel = kernel,
                         .log_target = log_target,
                         .scheme = "discrete_gradient",
                         .step = 2e-3,
                         .end = 0.1};
    Vec reference = TestFlowRun(&spec, initial);
    for (int s = 0; s < 2; ++s) {
      PetscReal error[3], step[3];
      spec.scheme = s ? "splitting" : "splitting_lie";
      for (int k = 0; k < 3; ++k) {
        spec.step = step[k] = 0.01 / (1 << k);
        Vec rho = TestFlowRun(&spec, initial);
        OK(MuGridDistanceL1(grid, rho, reference, &error[k]));
        OK(VecDestroy(&rho));
      }
      ck_assert_msg(fabs(TestSlope(3, step, error) - 1) < 0.15,
                    "%s of %s: order %g, errors %g %g %g", spec.scheme, reactions[g],
                    TestSlope(3, step, error), error[0], error[1], error[2]);
    }
    OK(VecDestroy(&reference));
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Splitting whose parts are exact: fisher_rao of kl + chi2 into its two closed forms, against
 * log_density. Lie order 1, Strang order 2. */
START_TEST(splitting_of_exact_parts) {
  MuGrid grid = TestGrid(1, 64, 1, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), initial = TestBumpDensity(grid), reference;
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"kl", "chi2"},
                       .energy_weight = {1, 0.5},
                       .geometry = {"fisher_rao"},
                       .log_target = log_target,
                       .scheme = "log_density",
                       .step = 0.1,
                       .end = 0.8,
                       .tolerance = 1e-12};
  reference = TestFlowRun(&spec, initial);
  for (int s = 0; s < 2; ++s) {
    PetscReal error[3], step[3];
    spec.scheme = s ? "splitting" : "splitting_lie";
    for (int k = 0; k < 3; ++k) {
      spec.step = step[k] = 0.1 / (1 << k);
      Vec rho = TestFlowRun(&spec, initial);
      OK(MuGridDistanceL1(grid, rho, reference, &error[k]));
      OK(VecDestroy(&rho));
    }
    ck_assert_double_eq_tol(TestSlope(3, step, error), 1 + s, 0.1);
  }
  OK(VecDestroy(&reference));
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* 7. Barenblatt: rho = (C - x^2/(12 t^(2/3)))_+ t^(-1/3) for d rho/dt = (rho^2)'' and heat equation
 */
static PetscReal barenblatt_time;
static PetscReal barenblatt(PetscReal x, PetscReal y) {
  PetscReal t = barenblatt_time, profile = 0.5 - x * x / (12 * pow(t, 2.0 / 3));
  (void)y;
  return fmax(profile, 0) * pow(t, -1.0 / 3);
}

static void check_barenblatt(const char *scheme) {
  PetscReal h[3], error[3];
  for (int k = 0; k < 3; ++k) {
    PetscInt n = (TestQuick() ? 20 : 40) << k;
    MuGrid grid = TestGrid(1, n, 1, -5, 5, PETSC_FALSE);
    Vec initial, rho, exact;
    barenblatt_time = 1;
    initial = TestField(grid, barenblatt);
    h[k] = 10.0 / n;
    TestFlowSpec spec = {.grid = grid,
                         .energy = {"internal"},
                         .internal_exponent = 2,
                         .mean = MU_MEAN_STOLARSKY,
                         .geometry = {"wasserstein"},
                         .scheme = scheme,
                         .tolerance = 1e-5,
                         .step = 0.2 * h[k] * h[k],
                         .end = 1};
    rho = TestFlowRun(&spec, initial);
    barenblatt_time = 2;
    exact = TestField(grid, barenblatt);
    OK(MuGridDistanceL1(grid, rho, exact, &error[k]));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&exact));
    OK(VecDestroy(&initial));
    OK(MuGridDestroy(&grid));
  }
  ck_assert_double_gt(TestSlope(3, h, error),
                      1.4); /* the front's kink limits L1 to between 1 and 2 */
  ck_assert_double_lt(error[2], TestQuick() ? 8e-3 : 2e-3);
}

START_TEST(barenblatt_profile) {
  check_barenblatt("implicit_euler");
  check_barenblatt("extrapolation");
}
END_TEST

START_TEST(heat_equation_modes) {
  PetscReal step[3], error[3];
  const PetscReal w = 2 * PETSC_PI / 4;
  MuGrid grid = TestGrid(1, 256, 1, -2, 2, PETSC_FALSE);
  const PetscReal discrete = pow(2 / (4.0 / 256) * sin(w * 4.0 / 256 / 2), 2);
  for (int s = 0; s < 2; ++s) {
    for (int k = 0; k < 3; ++k) {
      Vec initial = TestField(grid, mode), exact = TestField(grid, mode), rho;
      OK(VecScale(initial, 0.2));
      OK(VecShift(initial, 0.25));
      step[k] = 0.1 / (1 << k);
      TestFlowSpec spec = {.grid = grid,
                           .energy = {"entropy"},
                           .geometry = {"wasserstein"},
                           .scheme = s ? "discrete_gradient" : "implicit_euler",
                           .step = step[k],
                           .end = 0.4};
      rho = TestFlowRun(&spec, initial);
      OK(VecScale(exact, 0.2 * exp(-discrete * 0.4)));
      OK(VecShift(exact, 0.25));
      error[k] = TestMaxDifference(rho, exact);
      OK(VecDestroy(&rho));
      OK(VecDestroy(&exact));
      OK(VecDestroy(&initial));
    }
    /* against the exact decay of the mode on this grid: only the error in time is left */
    ck_assert_double_eq_tol(TestSlope(3, step, error), 1 + s, 0.1);
  }
  ck_assert_double_eq_tol(discrete, w * w, w * w * 1e-3);
  OK(MuGridDestroy(&grid));
}
END_TEST

/* 8. any geometry stays at pi, to rounding */
START_TEST(target_is_stationary) {
  static const char *const energies[] = {"kl", "inclusive_kl", "hellinger", "chi2", "power"};
  static const char *const schemes[] = {"auto", "discrete_gradient"};
  const char *geometry, *formula;
  MuGrid grid = TestGrid(2, 12, 10, -2, 2, PETSC_FALSE);
  Vec log_target = TestLogTarget(grid, TestDoubleWell), target = TestExp(grid, log_target);
  MuKernel kernel = TestKernel(2, "matern", 0.4, MU_EXTENSION_REFLECT);
  PetscReal largest;
  OK(VecMax(target, NULL, &largest));
  for (PetscInt g = 0;; ++g) {
    OK(MuGeometryGetTableRow(g, &geometry, &formula));
    if (!geometry) break;
    for (int e = 0; e < 5; ++e)
      for (int s = 0; s < 2 && !(TestQuick() && (g + e) % 3); ++s) {
        TestFlowSpec spec = {.grid = grid,
                             .energy = {energies[e]},
                             .power_exponent = -1,
                             .geometry = {geometry},
                             .mobility_exponent = 1.5,
                             .ridge = 1e-2,
                             .kernel = kernel,
                             .log_target = log_target,
                             .scheme = schemes[s],
                             .step = 0.1,
                             .end = 0.5};
        Vec rho = TestFlowRun(&spec, target);
        PetscReal change = TestMaxDifference(rho, target) / largest;
        ck_assert_msg(change < 1e-12, "%s of %s (%s) moved by %g", geometry, energies[e],
                      schemes[s], change);
        OK(VecDestroy(&rho));
      }
  }
  OK(VecDestroy(&log_target));
  OK(VecDestroy(&target));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("exact solutions");
  TCase *t = tcase_create("exact solutions");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, fisher_rao_power);
  tcase_add_test(t, log_density_agrees_with_the_closed_form);
  tcase_add_test(t, fisher_rao_kl);
  tcase_add_test(t, linear_flows);
  tcase_add_test(t, mmd_geometry_of_l2);
  tcase_add_test(t, ornstein_uhlenbeck_orders);
  tcase_add_test(t, spherical_hellinger_kantorovich_gaussians);
  tcase_add_test(t, discrete_gradient_is_second_order_in_time);
  tcase_add_test(t, splitting_tends_to_the_unsplit_flow);
  tcase_add_test(t, splitting_of_exact_parts);
  tcase_add_test(t, barenblatt_profile);
  tcase_add_test(t, heat_equation_modes);
  tcase_add_test(t, target_is_stationary);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
