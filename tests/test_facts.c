/* What is known of a pair, against obvious oracles: the spectral gap against the dense eigenvalues
   of the generator and closed forms; exact solutions against the equation, known energies and the
   flow. Runs in the root of the source tree. */
#include "study/study_impl.h"
#include "support.h"

#include <petscblaslapack.h>
#include <stdio.h>

static MuTrial open_case(const char *text) {
  char path[] = "/tmp/mudot-test-facts-XXXXXX";
  MuOverrides none = {0};
  MuTrial t;
  const int file = mkstemp(path);
  FILE *f = fdopen(file, "w");
  ck_assert_ptr_nonnull(f);
  fprintf(f, "%soutput: {directory: out}\n", text);
  fclose(f);
  OK(MuTrialCreate(PETSC_COMM_SELF, path, &none, PETSC_TRUE, &t));
  remove(path);
  return t;
}

/* ------------------------------------------------------------------ the spectral gap */

static PetscReal bernoulli(PetscReal z) {
  return PetscAbsReal(z) < 1e-10 ? 1 - z / 2 : z / expm1(z);
}

/* Second eigenvalue of -div(pi grad(rho/pi)) made symmetric with pi, as a dense matrix over the
   cells inside. */
static PetscReal dense_gap(const MuTrial *t) {
  const MuGridInfo *g = t->info;
  const PetscInt n = g->local_size, nx = g->cells[0], ny = g->dim == 2 ? g->cells[1] : 1;
  PetscReal *a, *w, *work, gap;
  const PetscReal *log_pi;
  PetscInt *number, inside = 0;
  OK(PetscMalloc1(n, &number));
  for (PetscInt i = 0; i < n; ++i) number[i] = g->mask[i] ? inside++ : -1;
  OK(PetscCalloc3(inside * inside, &a, inside, &w, 4 * inside, &work));
  OK(VecGetArrayRead(t->parts->log_target, &log_pi));
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt axis = 0; axis < g->dim; ++axis) {
      const PetscInt x = i % nx, y = i / nx;
      const PetscInt right = axis == 0 ? (x + 1) % nx : x, up = axis == 1 ? (y + 1) % ny : y;
      const PetscInt j = up * nx + right;
      if ((axis == 0 ? right == 0 : up == 0) && !g->periodic[axis]) continue;
      if (number[i] < 0 || number[j] < 0) continue;
      const PetscReal z = log_pi[i] - log_pi[j], h = g->spacing[axis];
      const PetscReal out = bernoulli(z) / (h * h), in = bernoulli(-z) / (h * h); /* of i, of j */
      a[number[i] * inside + number[i]] += out;
      a[number[j] * inside + number[j]] += in;
      a[number[i] * inside + number[j]] -= sqrt(out * in);
      a[number[j] * inside + number[i]] -= sqrt(out * in);
    }
  OK(VecRestoreArrayRead(t->parts->log_target, &log_pi));
  PetscBLASInt size = (PetscBLASInt)inside, length = 4 * size, info;
  LAPACKsyev_("N", "U", &size, a, &size, w, work, &length, &info);
  ck_assert_int_eq(info, 0);
  ck_assert_double_lt(PetscAbsReal(w[0]), 1e-10 * w[inside - 1]); /* of sqrt(pi) */
  gap = w[1];
  OK(PetscFree3(a, w, work));
  OK(PetscFree(number));
  return gap;
}

#define FLOW                                                                                       \
  "energy: {kl: 1}\ngeometry: {wasserstein: 1}\ntime: {end: 1, step: 0.1}\n"                       \
  "initial: {type: uniform}\n"
#define TILTED "target: {type: formula, log_density: \"-2*(x^2-1)^2-0.3*x\"}\n"
#define PLANE  "target: {type: formula, log_density: \"-2*(x^2-1)^2-0.3*x-y^2+0.5*x*y\"}\n"

static const struct {
  const char *text;
  PetscReal exact; /* of the discrete generator, 0: not known */
} gaps[] = {
    {FLOW TILTED "grid: {lower: [-2], upper: [2], cells: [90]}\n", 0},
    {FLOW "target: {type: formula, log_density: \"cos(3.14159265358979*x)\"}\n"
          "grid: {lower: [-2], upper: [2], cells: [90], boundary: periodic}\n",
     0},
    {FLOW PLANE "grid: {lower: [-2, -2], upper: [2, 2], cells: [18, 14]}\n", 0},
    {FLOW "target: {type: formula, log_density: \"cos(3.14159265358979*(x-y))\"}\n"
          "grid: {lower: [-2, -2], upper: [2, 2], cells: [15, 14], boundary: periodic}\n",
     0},
    {FLOW PLANE "grid: {lower: [-2, -2], upper: [2, 2], cells: [18, 16], "
                "mask_formula: \"x^2+(y-0.5)^2-0.4\"}\n",
     0},
    {FLOW "target: {type: uniform}\ngrid: {lower: [0], upper: [3], cells: [60]}\n",
     1.0 / (0.05 * 0.05)},
    {FLOW "target: {type: uniform}\ngrid: {lower: [0], upper: [3], cells: [60], "
          "boundary: periodic}\n",
     2.0 / (0.05 * 0.05)},
};

START_TEST(gap_is_that_of_the_dense_matrix) {
  for (size_t k = 0; k < sizeof gaps / sizeof *gaps; ++k) {
    MuTrial t = open_case(gaps[k].text);
    const PetscReal dense = dense_gap(&t);
    PetscReal gap;
    OK(MuStudySpectralGap(&t, &gap));
    ck_assert_msg(PetscAbsReal(gap - dense) < 1e-8 * dense, "%s: %.12g, dense %.12g", gaps[k].text,
                  gap, dense);
    if (gaps[k].exact > 0) { /* cosines: (2/h sin(w h/2))^2, w = pi/L or 2 pi/L */
      const PetscReal h = t.info->spacing[0];
      const PetscReal w = gaps[k].exact * h * h * PETSC_PI / 3;
      ck_assert_double_eq_tol(gap, PetscSqr(2 / h * sin(w * h / 2)), 1e-8 * gap);
    }
    OK(MuTrialDestroy(&t));
  }
}
END_TEST

/* Of a Gaussian in a wide box 1/variance, of a box (pi/L)^2, both of order 2 in the spacing. */
START_TEST(gap_tends_to_the_exact_one) {
  static const struct {
    const char *format;
    PetscReal exact;
  } limits[] = {{FLOW "target: {type: gaussian, mean: [0.3], covariance: [0.5]}\n"
                      "grid: {lower: [-6], upper: [6], cells: [%d]}\n",
                 2},
                {FLOW "target: {type: uniform}\ngrid: {lower: [0], upper: [3], cells: [%d]}\n",
                 PETSC_PI * PETSC_PI / 9}};
  for (size_t k = 0; k < sizeof limits / sizeof *limits; ++k) {
    PetscReal h[3], error[3], gap;
    for (int level = 0; level < 3; ++level) {
      char text[1024];
      snprintf(text, sizeof text, limits[k].format, 48 << level);
      MuTrial t = open_case(text);
      OK(MuStudySpectralGap(&t, &gap));
      h[level] = t.info->spacing[0];
      error[level] = PetscAbsReal(gap - limits[k].exact);
      OK(MuTrialDestroy(&t));
    }
    ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.05);
    ck_assert_double_lt(error[2], 5e-3);
  }
}
END_TEST

/* ------------------------------------------------------------------ exact solutions */

#define TWO                                                                                        \
  "grid: {lower: [-4], upper: [4], cells: [64]}\n"                                                 \
  "target: {type: mixture, weights: [0.7, 0.3], means: [-1.5, 1.5], covariances: [0.25, 0.25]}\n"  \
  "initial: {type: gaussian, mean: [0.5], covariance: [1]}\n"
#define MASSES                                                                                     \
  "grid: {lower: [-4], upper: [4], cells: [64]}\n"                                                 \
  "target: {type: mixture, weights: [0.7, 0.3], means: [-1.5, 1.5], covariances: [0.25, 0.25], "   \
  "mass: 5}\ninitial: {type: gaussian, mean: [0.5], covariance: [1], mass: 4}\n"
#define STEPS "time: {end: 0.8, step: 0.025, scheme: discrete_gradient}\n"

static const struct {
  const char *name, *text;
} solutions[] = {
    {"spherical_fisher_rao_power", TWO STEPS "energy: {power: 1.5, power_exponent: -1}\n"
                                             "geometry: {fisher_rao: 0.5, spherical: true}\n"},
    {"spherical_fisher_rao_power",
     TWO STEPS "energy: {hellinger: 1}\ngeometry: {fisher_rao: 2, spherical: true}\n"},
    {"spherical_fisher_rao_power",
     TWO STEPS "energy: {chi2: 1}\ngeometry: {fisher_rao: 1, spherical: true}\n"},
    {"spherical_fisher_rao_power",
     TWO STEPS "energy: {inclusive_kl: 1}\ngeometry: {fisher_rao: 1, spherical: true}\n"},
    {"fisher_rao_potential", TWO STEPS "energy: {potential: 0.5, potential_formula: \"x^2/2+x\"}\n"
                                       "geometry: {fisher_rao: 2}\n"},
    {"fisher_rao_potential", TWO STEPS "energy: {potential: 0.5, potential_formula: \"x^2/2+x\"}\n"
                                       "geometry: {fisher_rao: 2, spherical: true}\n"},
    {"flat_fisher_rao_chi2", TWO STEPS "energy: {chi2: 0.5}\ngeometry: {flat_fisher_rao: 3}\n"},
    {"spherical_fisher_rao_power", MASSES STEPS "energy: {power: 1.5, power_exponent: -1}\n"
                                                "geometry: {fisher_rao: 0.5, spherical: true}\n"},
    {"spherical_fisher_rao_power",
     MASSES STEPS "energy: {chi2: 1}\ngeometry: {fisher_rao: 1, spherical: true}\n"},
    {"fisher_rao_power", MASSES STEPS "energy: {hellinger: 2}\ngeometry: {fisher_rao: 1}\n"},
    {"fisher_rao_kl", MASSES STEPS "energy: {kl: 2}\ngeometry: {fisher_rao: 1}\n"},
    {"fisher_rao_kl", MASSES STEPS "energy: {kl: 2}\n"
                                   "geometry: {fisher_rao: 1, spherical: true}\n"},
    {"mmd_mixture", MASSES STEPS "energy: {mmd: 2}\ngeometry: {mmd: 1}\n"
                                 "kernel: {type: bessel, bandwidth: 0.3}\n"},
    {"flat_fisher_rao_chi2", MASSES STEPS "energy: {chi2: 0.5}\ngeometry: {flat_fisher_rao: 3}\n"},
    {"flat_fisher_rao_chi2",
     "grid: {lower: [-2], upper: [2], cells: [64]}\n"
     "target: {type: gaussian, mean: [0], covariance: [1]}\n"
     "initial: {type: gaussian, mean: [0.5], covariance: [0.1]}\n" STEPS
     "energy: {chi2: 1}\ngeometry: {flat_fisher_rao: 0.1, flat_reference: uniform}\n"},
};

/* |d rho/dt + K DF| against |d rho/dt| at `time`, the velocity from differences of fourth order. */
static PetscReal defect_of(MuTrial *t, MuExact e, PetscReal time) {
  static const PetscReal at[4] = {-2, -1, 1, 2}, weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  const PetscReal dt = 1e-2;
  Vec velocity, rho, xi, image;
  PetscReal defect, size;
  Vec *const fields[] = {&velocity, &rho, &xi, &image};
  for (int k = 0; k < 4; ++k) OK(MuGridCreateField(t->parts->grid, fields[k]));
  for (int k = 0; k < 4; ++k) {
    OK(MuExactEvaluate(e, time + at[k] * dt, rho));
    OK(VecAXPY(velocity, weight[k] / dt, rho));
  }
  OK(MuExactEvaluate(e, time, rho));
  OK(MuEnergyEvaluate(t->parts->energy, rho, NULL, NULL, xi, NULL));
  OK(MuGeometrySetState(t->parts->geometry, rho));
  OK(MuGeometryApply(t->parts->geometry, MU_PART_ALL, xi, NULL, image));
  OK(MuGridDistanceL1(t->parts->grid, velocity, NULL, &size));
  OK(VecAXPY(velocity, 1, image));
  OK(MuGridDistanceL1(t->parts->grid, velocity, NULL, &defect));
  for (int k = 0; k < 4; ++k) OK(VecDestroy(fields[k]));
  return defect / size;
}

/* They start at the initial density and solve the semi-discrete equation. */
START_TEST(reactions_are_exact_on_the_grid) {
  for (size_t k = 0; k < sizeof solutions / sizeof *solutions; ++k) {
    MuTrial t = open_case(solutions[k].text);
    PetscReal difference;
    MuExact e;
    Vec rho;
    OK(MuExactCreate(solutions[k].name, &t, &e));
    OK(MuGridCreateField(t.parts->grid, &rho));
    OK(MuExactEvaluate(e, 0, rho));
    OK(MuGridDistanceL1(t.parts->grid, rho, t.parts->initial, &difference));
    ck_assert_msg(difference < 1e-13, "%zu %s: starts at %g", k, solutions[k].name, difference);
    const PetscReal defect = defect_of(&t, e, 0.3);
    ck_assert_msg(defect < 1e-6, "%zu %s: defect %g", k, solutions[k].name, defect);
    OK(VecDestroy(&rho));
    OK(MuExactDestroy(&e));
    OK(MuTrialDestroy(&t));
  }
}
END_TEST

/* F = 4 (1 - tanh(t + alpha)), alpha = artanh int sqrt(rho_0 pi): hellinger, spherical. */
START_TEST(hellinger_energy_is_a_hyperbolic_tangent) {
  MuTrial t = open_case(TWO STEPS "energy: {hellinger: 1}\n"
                                  "geometry: {fisher_rao: 1, spherical: true}\n");
  PetscReal start, value;
  MuExact e;
  Vec rho;
  OK(MuExactCreate("spherical_fisher_rao_power", &t, &e));
  OK(MuGridCreateField(t.parts->grid, &rho));
  OK(MuEnergyEvaluate(t.parts->energy, t.parts->initial, &start, NULL, NULL, NULL));
  const PetscReal alpha = atanh(1 - start / 4); /* F = 4 - 4 int sqrt(rho pi) */
  for (int k = 1; k < 4; ++k) {
    OK(MuExactEvaluate(e, 0.5 * k, rho));
    OK(MuEnergyEvaluate(t.parts->energy, rho, &value, NULL, NULL, NULL));
    ck_assert_double_eq_tol(value, 4 * (1 - tanh(0.5 * k + alpha)), 1e-9);
  }
  OK(VecDestroy(&rho));
  OK(MuExactDestroy(&e));
  OK(MuTrialDestroy(&t));
}
END_TEST

static PetscErrorCode keep_last(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  return k == t->times - 1 ? VecCopy(rho, *(Vec *)ctx) : 0;
}

/* The energy distance to a uniform target: the flow tends to the solution with order 2 in the
   spacing, at steps whose error is far below. */
START_TEST(quantiles_of_the_energy_distance) {
  static const char *const format =
      "grid: {lower: [0], upper: [2], cells: [%d]}\ntarget: {type: uniform}\n"
      "initial: {type: formula, log_density: \"log(1+0.8*cos(1.5707963267949*x))\"}\n"
      "energy: {mmd: 1.5}\ngeometry: {wasserstein: 0.5}\n"
      "energy_kernel: {type: riesz, exponent: 1, bandwidth: 1, extension: zero}\n"
      "time: {end: 0.4, step: 0.01, scheme: discrete_gradient}\n";
  PetscReal h[3], error[3];
  for (int level = 0; level < 3; ++level) {
    char text[1024];
    MuExact e;
    Vec rho, end;
    PetscReal mass;
    snprintf(text, sizeof text, format, 32 << level);
    MuTrial t = open_case(text);
    OK(MuExactCreate("energy_distance_quantiles", &t, &e));
    OK(MuGridCreateField(t.parts->grid, &rho));
    OK(MuExactEvaluate(e, 0, rho));
    ck_assert_double_lt(TestMaxDifference(rho, t.parts->initial), 1e-12);
    OK(MuExactEvaluate(e, 0.4, rho));
    OK(MuGridDistanceL1(t.parts->grid, rho, NULL, &mass));
    ck_assert_double_eq_tol(mass, 1, 1e-13);
    h[level] = t.info->spacing[0];
    OK(VecDuplicate(rho, &end));
    t.output = keep_last;
    t.ctx = &end;
    OK(MuTrialSolve(&t));
    OK(MuGridDistanceL1(t.parts->grid, rho, end, &error[level]));
    OK(VecDestroy(&end));
    OK(VecDestroy(&rho));
    OK(MuExactDestroy(&e));
    OK(MuTrialDestroy(&t));
  }
  ck_assert_msg(PetscAbsReal(TestSlope(3, h, error) - 2) < 0.2, "errors %g %g %g", error[0],
                error[1], error[2]);
}
END_TEST

/* Without transport Gaussians, whose mass is free, are the closed form of fisher_rao and kl; with
   masses other than 1, too. */
START_TEST(mass_of_gaussians_is_that_of_the_closed_form) {
  for (int dim = 1; dim <= 2; ++dim) {
    MuTrial t = open_case(
        dim == 1 ? "grid: {lower: [-9], upper: [9], cells: [200]}\n" STEPS
                   "target: {type: gaussian, mean: [0.3], covariance: [1.3], mass: 3e-3}\n"
                   "initial: {type: gaussian, mean: [-1], covariance: [0.6], mass: 7e-3}\n"
                   "energy: {kl: 1.5}\ngeometry: {fisher_rao: 0.8}\n"
                 : "grid: {lower: [-8, -8], upper: [8, 8], cells: [64, 64]}\n" STEPS
                   "target: {type: gaussian, mean: [0.3, -0.2], covariance: [1.3, 0.3, 0.3, 0.9]}\n"
                   "initial: {type: gaussian, mean: [-1, 0.5], covariance: [0.6, -0.2, -0.2, 1]}\n"
                   "energy: {kl: 1.5}\ngeometry: {fisher_rao: 0.8}\n");
    MuExact gaussians, closed;
    Vec rho, other;
    PetscReal difference, mass, initial;
    OK(MuExactCreate("gaussian_hellinger_kantorovich", &t, &gaussians));
    OK(MuExactCreate("fisher_rao_kl", &t, &closed));
    OK(MuGridCreateField(t.parts->grid, &rho));
    OK(MuGridCreateField(t.parts->grid, &other));
    OK(MuExactEvaluate(gaussians, 0.6, rho));
    OK(MuExactEvaluate(closed, 0.6, other));
    OK(MuGridDistanceL1(t.parts->grid, rho, other, &difference));
    OK(MuGridDistanceL1(t.parts->grid, rho, NULL, &mass));
    OK(MuGridDistanceL1(t.parts->grid, t.parts->initial, NULL, &initial));
    ck_assert_double_lt(mass, 0.95 * initial); /* it has gone down on the way */
    ck_assert_msg(difference < 1e-8 * mass, "%d-D: %g", dim, difference / mass);
    OK(VecDestroy(&rho));
    OK(VecDestroy(&other));
    OK(MuExactDestroy(&gaussians));
    OK(MuExactDestroy(&closed));
    OK(MuTrialDestroy(&t));
  }
}
END_TEST

/* Gaussians along flat_wasserstein, omega = pi, with chi2: the Fokker-Planck equation; with another
   reference it is none. */
START_TEST(gaussians_of_the_flat_fokker_planck_equation) {
  PetscReal h[3], defect[3];
  for (int level = 0; level < 4; ++level) {
    char text[1024];
    MuExact e;
    snprintf(text, sizeof text,
             "grid: {lower: [-7], upper: [7], cells: [%d]}\n" STEPS
             "target: {type: gaussian, mean: [0.3], covariance: [1.3], mass: 2}\n"
             "initial: {type: gaussian, mean: [-0.5], covariance: [0.6], mass: 2}\n"
             "energy: {chi2: 2}\ngeometry: {flat_wasserstein: 0.7%s}\n",
             100 << (level % 3), level == 3 ? ", flat_reference: uniform" : "");
    MuTrial t = open_case(text);
    if (level == 3) {
      ck_assert_int_eq(MuExactCreate("ornstein_uhlenbeck", &t, &e), MU_ERR_INPUT);
      ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "with the target as reference"));
    } else {
      OK(MuExactCreate("ornstein_uhlenbeck", &t, &e));
      h[level] = t.info->spacing[0];
      defect[level] = defect_of(&t, e, 0.3);
      OK(MuExactDestroy(&e));
    }
    OK(MuTrialDestroy(&t));
  }
  ck_assert_msg(PetscAbsReal(TestSlope(3, h, defect) - 2) < 0.1, "defects %g %g %g", defect[0],
                defect[1], defect[2]);
}
END_TEST

/* With transport, mass free: the equation up to order 2 in the spacing, whatever the masses. */
START_TEST(gaussians_of_free_mass_solve_the_equation) {
  PetscReal h[3], defect[3];
  for (int level = 0; level < 3; ++level) {
    char text[1024];
    MuExact e;
    snprintf(text, sizeof text,
             "grid: {lower: [-9], upper: [9], cells: [%d]}\n" STEPS
             "target: {type: gaussian, mean: [0.3], covariance: [1.3], mass: 40}\n"
             "initial: {type: gaussian, mean: [-1], covariance: [0.6], mass: 0.5}\n"
             "energy: {kl: 1}\ngeometry: {wasserstein: 0.7, fisher_rao: 1.2}\n",
             100 << level);
    MuTrial t = open_case(text);
    OK(MuExactCreate("gaussian_hellinger_kantorovich", &t, &e));
    h[level] = t.info->spacing[0];
    defect[level] = defect_of(&t, e, 0.3);
    OK(MuExactDestroy(&e));
    OK(MuTrialDestroy(&t));
  }
  ck_assert_msg(PetscAbsReal(TestSlope(3, h, defect) - 2) < 0.1, "defects %g %g %g", defect[0],
                defect[1], defect[2]);
}
END_TEST

/* A solution of another pair is refused with what it needs. */
START_TEST(others_are_refused) {
  static const char *const names[] = {"spherical_fisher_rao_power", "fisher_rao_potential",
                                      "flat_fisher_rao_chi2", "energy_distance_quantiles"};
  MuTrial t = open_case(TWO STEPS "energy: {kl: 1}\ngeometry: {fisher_rao: 1}\n");
  for (int k = 0; k < 4; ++k) {
    MuExact e;
    ck_assert_int_eq(MuExactCreate(names[k], &t, &e), MU_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "does not belong to this case; it needs"));
  }
  OK(MuTrialDestroy(&t));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("facts");
  TCase *t = tcase_create("facts");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, gap_is_that_of_the_dense_matrix);
  tcase_add_test(t, gap_tends_to_the_exact_one);
  tcase_add_test(t, reactions_are_exact_on_the_grid);
  tcase_add_test(t, hellinger_energy_is_a_hyperbolic_tangent);
  tcase_add_test(t, quantiles_of_the_energy_distance);
  tcase_add_test(t, mass_of_gaussians_is_that_of_the_closed_form);
  tcase_add_test(t, gaussians_of_free_mass_solve_the_equation);
  tcase_add_test(t, gaussians_of_the_flat_fokker_planck_equation);
  tcase_add_test(t, others_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
