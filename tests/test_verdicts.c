/* Verdicts: the rule that all studies share, the errors of fitted orders, and small cases with
   their right verdict. */
#include "study/study_impl.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[PETSC_MAX_PATH_LEN];

static void make_folder(void) {
  TestFolderCreate("test-verdicts", folder);
}

static void remove_folder(void) {
  TestFolderRemove(folder);
}

/* ------------------------------------------------------------------ the rule */

/* The rule: holds if excess + error is within the tolerance, fails if excess - error is beyond it.
 */
START_TEST(one_rule_for_all_verdicts) {
  static const struct {
    PetscReal claimed, observed, grid, step, window;
    MuStudyVerdict verdict;
  } cases[] = {
      {2, 2, 0, 0, 0, MU_VERDICT_HOLDS},
      {2, 5, 0.5, 0.5, 0.5, MU_VERDICT_HOLDS}, /* far above */
      {2, 1.8, 0.02, 0.02, 0, MU_VERDICT_HOLDS},
      {2, 1.8, 0.02, 0.02, 0.03, MU_VERDICT_UNDECIDED},
      {2, 2.1, 1, 0, 0, MU_VERDICT_UNDECIDED},     /* an error does not excuse */
      {2, 1.6, 0.1, 0, 0.2, MU_VERDICT_UNDECIDED}, /* and does not refute */
      {2, 1.6, 0.05, 0.05, 0.04, MU_VERDICT_FAILS},
      {2, -INFINITY, 0, 0, 0, MU_VERDICT_FAILS},
      {2, NAN, 0, 0, 0, MU_VERDICT_UNDECIDED},
      {2, 3, NAN, 0, 0, MU_VERDICT_UNDECIDED},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
    MuClaim c = {.claimed = cases[k].claimed,
                 .observed = cases[k].observed,
                 .tolerance = 0.25,
                 .error = {cases[k].grid, cases[k].step, cases[k].window}};
    ck_assert_msg(MuClaimVerdict(&c) == cases[k].verdict, "case %zu: %d", k,
                  (int)MuClaimVerdict(&c));
    MuClaimDoubt(&c, "a reason");
    ck_assert_int_eq(MuClaimVerdict(&c), MU_VERDICT_UNDECIDED);
  }
  ck_assert_int_eq(MuStudyCheckThreshold(0.2, 0.25), MU_ERR_INPUT);
  ck_assert_int_eq(MuStudyCheckThreshold(0.25, 0.25), MU_ERR_INPUT);
  ck_assert_int_eq(MuStudyCheckThreshold(NAN, -1), MU_ERR_INPUT);
  OK(MuStudyCheckThreshold(0.5, 0.25));
}
END_TEST

/* Errors h^2 + 0.1 h^3 with a row that failed, and companions on a coarser grid whose errors are
   h^2.2: the last row is within a factor 3 of what the grid makes of it. */
START_TEST(orders_have_the_errors_of_their_companions) {
  PetscReal values[] = {0.8, 0.4, 0.2, 0.1, 0.05}, table[10], floor[5];
  char status[10][MU_STATUS_LENGTH];
  struct _p_MuStudy s = {
      .count = 5, .rows = 5, .columns = 1, .values = values, .table = table, .status = status};
  MuStudySeries series = {.companion = {5, -1}, .rounding = 1e-3};
  MuClaim c = {.claimed = 2, .tolerance = 0.25};
  PetscBool use[5];
  for (int i = 0; i < 5; ++i) {
    table[i] = values[i] * values[i] + 0.1 * pow(values[i], 3);
    table[5 + i] = pow(values[i], 2.2);
    snprintf(status[i], MU_STATUS_LENGTH, i == 3 ? "failed" : "done");
    snprintf(status[5 + i], MU_STATUS_LENGTH, "done");
  }
  MuStudyClaimOrder(&s, &series, &c, floor, use);
  ck_assert(use[0] && use[1] && use[2] && !use[3] && !use[4]);
  ck_assert_double_eq_tol(c.observed, 2.04, 0.01);
  ck_assert_double_eq_tol(c.error[MU_FROM_GRID], 2.2 - c.observed, 1e-9);
  ck_assert(c.error[MU_FROM_STEP] == 0);
  ck_assert_double_eq_tol(floor[4], 1e-3 + fabs(table[4] - table[9]), 1e-15);
  const PetscReal slopes[] = {log(table[0] / table[1]) / log(2), log(table[1] / table[2]) / log(2)};
  ck_assert_double_eq_tol(c.error[MU_FROM_WINDOW], fabs(slopes[0] - slopes[1]) / 2, 1e-9);
  ck_assert_int_eq(MuClaimVerdict(&c), MU_VERDICT_HOLDS);

  snprintf(status[6], MU_STATUS_LENGTH, "failed"); /* a companion: nothing can be said */
  c = (MuClaim){.claimed = 2, .tolerance = 0.25};
  MuStudyClaimOrder(&s, &series, &c, floor, use);
  ck_assert_int_eq(MuClaimVerdict(&c), MU_VERDICT_UNDECIDED);
  ck_assert_ptr_nonnull(strstr(c.reason, "half the cells"));
}
END_TEST

/* Values within a factor 2.5 have no order; slopes that drift are an error of the window. */
START_TEST(orders_need_a_span) {
  const PetscReal x[] = {log(0.4), log(0.3), log(0.2)}, wide[] = {log(1.0), log(0.3), log(0.1)};
  const PetscReal y[] = {2 * x[0], 2 * x[1], 2 * x[2]}, bent[] = {0, -1, -4};
  MuClaim c = {.claimed = 2, .tolerance = 0.25};
  MuClaimFit(&c, 3, x, y, PETSC_FALSE);
  ck_assert_int_eq(MuClaimVerdict(&c), MU_VERDICT_UNDECIDED);
  ck_assert_ptr_nonnull(strstr(c.reason, "span a factor of 2;"));
  c = (MuClaim){.claimed = 2, .tolerance = 0.25};
  MuClaimFit(&c, 3, wide, bent, PETSC_FALSE);
  ck_assert(c.error[MU_FROM_WINDOW] > 0.5);
  ck_assert_int_eq(MuClaimVerdict(&c), MU_VERDICT_UNDECIDED);
}
END_TEST

/* ------------------------------------------------------------------ small cases and their verdicts
 */

#define SMOOTH                                                                                     \
  "grid: {lower: [-3.0], upper: [3.0], cells: [96], boundary: no_flux}\n"                          \
  "target: {type: formula, log_density: \"-0.5*x^2+0.3*sin(2*x)\"}\n"                              \
  "initial: {type: formula, log_density: \"-0.3*(x-0.7)^2\"}\n"                                    \
  "time: {end: 0.5, step: 0.05}\n"                                                                 \
  "output: {every: 0.25}\n"
#define NARROW  "kernel: {type: gaussian, bandwidth: 0.3}\n"
#define FALLING "vary: kernel_bandwidth, values: [0.4, 0.28, 0.2, 0.14]"
#define ORNSTEIN                                                                                   \
  "target: {type: gaussian, mean: [0.0], covariance: [1.0]}\n"                                     \
  "initial: {type: gaussian, mean: [1.5], covariance: [1.0]}\n"                                    \
  "energy: {kl: 1.0}\n"

#define OUBOX                                                                                      \
  "grid: {lower: [-6], upper: [6], cells: [240]}\n" ORNSTEIN                                       \
  "geometry: {wasserstein: 1}\ntime: {end: 2, step: 0.005}\noutput: {every: 0.1}\n"
#define REACTION                                                                                   \
  "grid: {lower: [-6], upper: [6], cells: [120]}\n"                                                \
  "target: {type: gaussian, mean: [0.0], covariance: [1.0]}\n"                                     \
  "initial: {type: gaussian, mean: [1.5], covariance: [0.5]}\n"                                    \
  "geometry: {fisher_rao: 1}\ntime: {end: 2, step: 0.05}\noutput: {every: 0.25}\n"

#define SEARCH                                                                                     \
  "grid: {lower: [-6], upper: [6], cells: [128]}\n"                                                \
  "target: {type: gaussian, mean: [0.0], covariance: [1.0]}\n"                                     \
  "initial: {type: uniform}\ntime: {end: 1}\n"
#define CURVE                                                                                      \
  "grid: {lower: [0], upper: [6.283185307179586], cells: [128], boundary: periodic}\n"             \
  "target: {type: formula, log_density: \"0.5*cos(x)\"}\n"                                         \
  "initial: {type: formula, density: \"1+0.5*sin(x)\"}\n"                                          \
  "energy: {kl: 1}\nkernel: {type: bessel, order: 1, bandwidth: 0.1}\ntime: {end: 1, step: 0.1}\n"
#define ENDS "system_b: {initial: {density: \"1+0.5*cos(2*x)\"}}\n"

/* A study file, and its verdict with a sentence of the notes, or (REFUSED) of the refusal. */
enum { REFUSED = MU_VERDICT_UNDECIDED + 1 };
static const struct {
  const char *what, *text;
  int verdict;
  const char *sentence;
} small[] = {
    {"the energy has a kernel of its own, which does not vary",
     SMOOTH NARROW "energy: {mmd: 1.0}\ngeometry: {kernel_fisher_rao: 1.0}\n"
                   "energy_kernel: {type: gaussian, bandwidth: 0.5}\n"
                   "study: {type: gamma, " FALLING "}\n",
     MU_VERDICT_HOLDS, "limit: kernel_fisher_rao -> power_mobility with exponent 2\n"},
    {"an order below the tolerance claims nothing",
     SMOOTH NARROW "energy: {kl: 1.0}\ngeometry: {kernel_fisher_rao: 1.0}\n"
                   "study: {type: gamma, " FALLING ", limit: fisher_rao, expect_order: 0.2}\n",
     REFUSED, "study_expect_order: 0.2 with the tolerance 0.25"},
    {"two exponents side by side",
     SMOOTH NARROW
     "energy: {kl: 1.0}\n"
     "geometry: {kernel_fisher_rao: 1.0, power_mobility: 1.0, mobility_exponent: 0.5}\n"
     "study: {type: gamma, " FALLING "}\n",
     MU_VERDICT_HOLDS, "limit: kernel_fisher_rao -> power_mobility with exponent 2\n"},
    {"mmd with a ridge tends to 1/(1 + ridge)",
     SMOOTH "kernel: {type: matern, smoothness: 1.5, bandwidth: 0.3}\nenergy: {l2: 1.0}\n"
            "geometry: {mmd: 1.0, ridge: 0.2}\nstudy: {type: gamma, " FALLING "}\n",
     MU_VERDICT_HOLDS, "limit: mmd -> power_mobility with exponent 0"},
    {"every part goes to its own limit",
     SMOOTH NARROW
     "energy: {kl: 1.0}\n"
     "geometry: {ridge_fisher_rao: 1.0, kernel_fisher_rao: 0.5, ridge: 0.01}\n"
     "study: {type: gamma, vary: [kernel_bandwidth, geometry_ridge], values: [0.4, 0.28, 0.2, "
     "0.14], joint_factor: 0.1, joint_power: 2}\n",
     MU_VERDICT_HOLDS,
     "ridge_fisher_rao -> fisher_rao, kernel_fisher_rao -> power_mobility with exponent 2"},
    {"a part that knows no limit is refused",
     SMOOTH "kernel: {type: matern, smoothness: 1.5, bandwidth: 0.3}\nenergy: {kl: 1.0}\n"
            "geometry: {ridge_fisher_rao: 1.0, mmd: 0.01, ridge: 0.2}\n"
            "study: {type: gamma, vary: geometry_ridge, values: [0.4, 0.28, 0.1]}\n",
     REFUSED, "the geometry mmd depends on geometry_ridge and no limit of it is known"},
    {"three close steps, and an error of the grid of the other sign",
     "grid: {lower: [0.0], upper: [1.0], cells: [32], boundary: periodic}\n"
     "initial: {type: formula, density: \"1+0.5*cos(2*pi*x)\"}\n"
     "energy: {entropy: 1.0}\ngeometry: {wasserstein: 1.0}\n"
     "time: {end: 0.048, step: 0.01, scheme: discrete_gradient}\noutput: {every: 0.048}\n"
     "study: {type: order, vary: time_step, values: [0.012, 0.0096, 0.008], exact: heat, "
     "expect_order: 2.95}\n",
     MU_VERDICT_UNDECIDED, "a factor 3 above what grid and step make of them"},
    {"ten cells do not excuse",
     "grid: {lower: [-7.0], upper: [8.0], cells: [10], boundary: no_flux}\n" ORNSTEIN
     "geometry: {wasserstein: 1.0}\n"
     "time: {end: 3.0, step: 0.02, scheme: discrete_gradient}\noutput: {every: 0.25}\n"
     "study: {type: rate, expect_rate: 2.2}\n",
     MU_VERDICT_FAILS, "where 2.2 is claimed"},
    {"free mass has no logarithmic Sobolev inequality",
     "grid: {lower: [-7.0], upper: [8.0], cells: [200], boundary: no_flux}\n" ORNSTEIN
     "geometry: {wasserstein: 1.0, fisher_rao: 0.05}\n"
     "time: {end: 10.0, step: 0.02, scheme: discrete_gradient}\noutput: {every: 0.5}\n"
     "study: {type: rate}\n",
     REFUSED, "conserved mass (geometry_spherical true)"},
    {"the same of the spectral gap",
     "grid: {lower: [-7.0], upper: [8.0], cells: [200], boundary: no_flux}\n" ORNSTEIN
     "geometry: {wasserstein: 1.0, fisher_rao: 0.05}\n"
     "time: {end: 10.0, step: 0.02, scheme: discrete_gradient}\noutput: {every: 0.5}\n"
     "study: {type: rate, theorem: spectral_gap}\n",
     REFUSED, "or spherical"},
    {"a dumbbell has the gap of a dumbbell",
     "grid: {lower: [-3.0, -2.0], upper: [3.0, 2.0], cells: [60, 40], boundary: no_flux, "
     "mask_formula: \"0.15^2-y^2+100*(abs(x)>0.4)\"}\n"
     "target: {type: gaussian, mean: [0.0, 0.0], covariance: [1.0, 0.0, 0.0, 1.0]}\n"
     "initial: {type: gaussian, mean: [1.5, 0.0], covariance: [0.25, 0.0, 0.0, 0.25]}\n"
     "energy: {kl: 1.0}\ngeometry: {wasserstein: 1.0}\n"
     "time: {end: 3.0, step: 0.02}\noutput: {every: 0.3}\nstudy: {type: rate}\n",
     MU_VERDICT_HOLDS, "here gap = 0.2475"},
    {"half the cells of a mask count as well",
     "grid: {lower: [-2, -2], upper: [2, 2], cells: [24, 24], boundary: no_flux, "
     "mask_formula: \"x^2+(y-0.5)^2-0.4\"}\n"
     "target: {type: gaussian, mean: [0.0, 0.0], covariance: [1.0, 0.0, 0.0, 1.0]}\n"
     "initial: {type: gaussian, mean: [0.8, 0.0], covariance: [0.25, 0.0, 0.0, 0.25]}\n"
     "energy: {kl: 1.0}\ngeometry: {wasserstein: 1.0}\n"
     "time: {end: 3.0, step: 0.01}\noutput: {every: 0.3}\n"
     "study: {type: rate, theorem: late}\n",
     MU_VERDICT_UNDECIDED, "the error of the grid is the largest"},
    {"the cells of a plane are varied",
     "grid: {lower: [-4, -4], upper: [4, 4], cells: [24, 24], boundary: no_flux}\n"
     "target: {type: gaussian, mean: [0.0, 0.0], covariance: [1.0, 0.0, 0.0, 0.5]}\n"
     "initial: {type: gaussian, mean: [1.0, 0.0], covariance: [0.5, 0.0, 0.0, 0.25]}\n"
     "energy: {kl: 1.0}\ngeometry: {wasserstein: 1.0}\n"
     "time: {end: 3.0, step: 0.01}\noutput: {every: 0.3}\n"
     "study: {type: rate, theorem: late, vary: grid_cells, values: [24, 32]}\n",
     MU_VERDICT_HOLDS, "gap = 0.9"},
    {"on a mask no lower bound is known, and the advice leads on",
     "grid: {lower: [-3.0, -2.0], upper: [3.0, 2.0], cells: [60, 40], boundary: no_flux, "
     "mask_formula: \"0.15^2-y^2+100*(abs(x)>0.4)\"}\n"
     "target: {type: gaussian, mean: [0.0, 0.0], covariance: [1.0, 0.0, 0.0, 1.0]}\n"
     "initial: {type: gaussian, mean: [1.5, 0.0], covariance: [0.25, 0.0, 0.0, 0.25]}\n"
     "energy: {kl: 1.0}\ngeometry: {wasserstein: 1.0}\n"
     "time: {end: 3.0, step: 0.02}\noutput: {every: 0.3}\n"
     "study: {type: rate, theorem: log_sobolev}\n",
     REFUSED, "take spectral_gap, which is 0.2475"},
    {"two components have no gap, and no rate is claimed",
     "grid: {lower: [-3.0, -2.0], upper: [3.0, 2.0], cells: [60, 40], boundary: no_flux, "
     "mask_formula: \"abs(x)-0.4\"}\n"
     "target: {type: gaussian, mean: [0.0, 0.0], covariance: [1.0, 0.0, 0.0, 1.0]}\n"
     "initial: {type: gaussian, mean: [1.5, 0.0], covariance: [0.25, 0.0, 0.0, 0.25]}\n"
     "energy: {kl: 1.0}\ngeometry: {wasserstein: 1.0}\n"
     "time: {end: 1.0, step: 0.05}\noutput: {every: 0.2}\n"
     "study: {type: rate, theorem: log_sobolev}\n",
     REFUSED, "falls into 2 components"},
    {"a lower bound above the gap of a coarse grid is told as what it is",
     "grid: {lower: [-5], upper: [5], cells: [100]}\n" ORNSTEIN
     "geometry: {wasserstein: 1}\ntime: {end: 1, step: 0.01}\noutput: {every: 0.2}\n"
     "study: {type: rate}\n",
     MU_VERDICT_HOLDS, "is below it by the grid's error"},
    {"an error of the step is no refutation",
     "grid: {lower: [-5], upper: [5], cells: [64]}\n" ORNSTEIN
     "geometry: {wasserstein: 1}\ntime: {end: 5, step: 0.05}\noutput: {every: 0.25}\n"
     "study: {type: rate, theorem: spectral_gap}\n",
     MU_VERDICT_UNDECIDED, "smaller steps would help"},
    {"with a tenth of the step it holds",
     "grid: {lower: [-5], upper: [5], cells: [64]}\n" ORNSTEIN
     "geometry: {wasserstein: 1}\ntime: {end: 5, step: 0.005}\noutput: {every: 0.25}\n"
     "study: {type: rate, theorem: spectral_gap}\n",
     MU_VERDICT_HOLDS, "here gap = 0.9959"},
    {"with conserved mass the reaction adds to the gap",
     "grid: {lower: [-6], upper: [6], cells: [160]}\n" ORNSTEIN
     "geometry: {wasserstein: 1, fisher_rao: 0.5, spherical: true}\n"
     "time: {end: 3, step: 0.01}\noutput: {every: 0.1}\n"
     "study: {type: rate, theorem: late, window: [1.5, 3]}\n",
     MU_VERDICT_HOLDS, "2 (a gap + b)"},
    {"where mass is free it is the slowest",
     "grid: {lower: [-6], upper: [6], cells: [160]}\n" ORNSTEIN
     "geometry: {wasserstein: 1, fisher_rao: 0.5}\n"
     "time: {end: 10, step: 0.02, scheme: discrete_gradient}\noutput: {every: 0.25}\n"
     "study: {type: rate, theorem: late, window: [6, 10]}\n",
     MU_VERDICT_HOLDS, "2b, that of the mass"},
    {"and no faster rate holds there",
     "grid: {lower: [-6], upper: [6], cells: [160]}\n" ORNSTEIN
     "geometry: {wasserstein: 1, fisher_rao: 0.5}\n"
     "time: {end: 10, step: 0.02, scheme: discrete_gradient}\noutput: {every: 0.25}\n"
     "study: {type: rate, theorem: late, window: [6, 10], expect_rate: 1.1}\n",
     MU_VERDICT_FAILS, "where 1.1 is claimed"},
    {"late rates are those of wasserstein and fisher_rao",
     "grid: {lower: [-6], upper: [6], cells: [64]}\n" ORNSTEIN
     "kernel: {type: bessel, bandwidth: 0.5, extension: reflect}\n"
     "geometry: {wasserstein: 1, mmd: 0.5}\ntime: {end: 1, step: 0.1}\noutput: {every: 0.25}\n"
     "study: {type: rate, theorem: late}\n",
     REFUSED, "wasserstein, fisher_rao or both, nothing else"},
    {"what starts at its target does not decay",
     "grid: {lower: [-5], upper: [5], cells: [64]}\n"
     "target: {type: gaussian, mean: [0], covariance: [1]}\n"
     "initial: {type: gaussian, mean: [0], covariance: [1]}\nenergy: {kl: 1}\n"
     "geometry: {wasserstein: 1}\ntime: {end: 1, step: 0.05}\noutput: {every: 0.25}\n"
     "study: {type: rate}\n",
     MU_VERDICT_UNDECIDED, "F(0) = 0"},
    {"a window without points",
     "grid: {lower: [-5], upper: [5], cells: [64]}\n" ORNSTEIN
     "geometry: {wasserstein: 1}\ntime: {end: 1, step: 0.05}\noutput: {every: 0.25}\n"
     "study: {type: rate, theorem: spectral_gap, window: [100, 200]}\n",
     MU_VERDICT_UNDECIDED, "holds 0 output times"},
    {"two Gaussians under Ornstein-Uhlenbeck in W2",
     OUBOX "study: {type: contraction, distance: w2}\n"
           "system_b: {initial: {mean: [-0.5], covariance: [0.5]}}\n",
     MU_VERDICT_HOLDS, "of the target is convex (1)"},
    {"they approach each other no faster",
     OUBOX "study: {type: contraction, distance: w2, expect_rate: 1.1}\n"
           "system_b: {initial: {mean: [-0.5]}}\n",
     MU_VERDICT_FAILS, "where 1.1 is claimed"},
    {"the constant of a potential that is not convex is below zero",
     "grid: {lower: [-3], upper: [3], cells: [240]}\nenergy: {kl: 1}\n"
     "target: {type: formula, log_density: \"-(x^2-1)^2/4\"}\n"
     "initial: {type: gaussian, mean: [1], covariance: [0.2]}\n"
     "geometry: {wasserstein: 1}\ntime: {end: 2, step: 0.01}\noutput: {every: 0.1}\n"
     "study: {type: contraction, distance: w2}\nsystem_b: {initial: {mean: [-0.5]}}\n",
     MU_VERDICT_HOLDS, "of the target is convex (-0.99"},
    {"a diffusion is a contraction in L1",
     OUBOX "study: {type: contraction}\nsystem_b: {initial: {mean: [-0.5]}}\n", MU_VERDICT_HOLDS,
     "are contractions in L1"},
    {"nothing is known of a distance that is not the geometry's",
     OUBOX "study: {type: contraction, distance: hellinger}\n"
           "system_b: {initial: {mean: [-0.5]}}\n",
     REFUSED, "no constant of contraction is known for the distance hellinger"},
    {"one system makes no two solutions", OUBOX "study: {type: contraction, distance: w2}\n",
     REFUSED, "system_b: is missing"},
    {"powers up to 1/2 contract in Hellinger, here exactly",
     REACTION "energy: {hellinger: 1}\nstudy: {type: contraction, distance: hellinger}\n"
              "system_b: {initial: {mean: [-0.5]}}\n",
     MU_VERDICT_HOLDS, "along Hellinger geodesics"},
    {"the relative entropy does not contract at any rate",
     REACTION "energy: {kl: 1}\nstudy: {type: contraction, distance: hellinger, expect_rate: 1}\n"
              "system_b: {initial: {mean: [-1.5], covariance: [0.3]}}\n",
     MU_VERDICT_FAILS, "where 1 is claimed"},
    {"the same flow from a kernel in the energy and one in the geometry",
     REACTION "kernel: {type: gaussian, bandwidth: 0.4}\n"
              "study: {type: equivalence, vary: time_step, values: [0.1, 0.05, 0.025]}\n"
              "system_a: {geometry: {fisher_rao: 1}, energy: {mmd: 1}}\n"
              "system_b: {geometry: {kernel_fisher_rao: 1}, energy: {inclusive_kl: 1}}\n",
     MU_VERDICT_HOLDS, "which is rounding"},
    {"two systems that only look alike",
     REACTION "kernel: {type: gaussian, bandwidth: 0.4}\n"
              "study: {type: equivalence, vary: time_step, values: [0.1, 0.05, 0.025]}\n"
              "system_a: {geometry: {fisher_rao: 1}, energy: {mmd: 1}}\n"
              "system_b: {geometry: {fisher_rao: 1}, energy: {l2: 1}}\n",
     MU_VERDICT_FAILS, "order of distance"},
    {"Fokker-Planck in two geometries, by schemes of different order",
     OUBOX
     "study: {type: equivalence, vary: time_step, values: [0.1, 0.05, 0.025], expect_order: 1}\n"
     "system_a: {time: {scheme: implicit_euler}}\n"
     "system_b: {geometry: {flat_wasserstein: 1}, energy: {chi2: 1}, "
     "time: {scheme: discrete_gradient}}\n",
     MU_VERDICT_HOLDS, "distance: l1"},
    {"Hellinger-Kantorovich: shape and mass",
     OUBOX "study: {type: equivalence, vary: time_step, values: [0.1, 0.05, 0.025], shape: true, "
           "expect_order: 2}\n"
           "geometry: {fisher_rao: 0.5}\nsystem_b: {geometry: {spherical: true}}\n",
     MU_VERDICT_HOLDS, "which is rounding"},
    {"chi2 along Fokker-Planck", OUBOX "study: {type: rate, of: chi2}\n", MU_VERDICT_HOLDS,
     "Poincare"},
    {"chi2 falls late at no more than twice the gap",
     OUBOX "study: {type: rate, of: chi2, theorem: poincare, expect_rate: 3}\n", MU_VERDICT_FAILS,
     "where 3 is claimed"},
    {"convex energies along spherical Fisher-Rao",
     REACTION "energy: {kl: 1}\ngeometry: {spherical: true}\n"
              "study: {type: rate, theorem: convexity}\n",
     MU_VERDICT_HOLDS, "KL(pi|mu_0)/(c t)"},
    {"a smaller constant is not the sharp one",
     SEARCH "energy: {kl: 1}\ngeometry: {wasserstein: 1}\n"
            "study: {type: inequality, starts: 4, expect_constant: 1.8}\n",
     MU_VERDICT_UNDECIDED, "the search stays above 1.8"},
    {"along a geodesic the kernel approximation tends to the square of the density",
     CURVE "geometry: {kernel_fisher_rao: 1}\n" ENDS "study: {type: curve, " FALLING "}\n",
     MU_VERDICT_HOLDS, "limit: kernel_fisher_rao -> power_mobility with exponent 2"},
    {"and not to Fisher-Rao",
     CURVE "geometry: {kernel_fisher_rao: 1}\n" ENDS "study: {type: curve, " FALLING
           ", limit: fisher_rao}\n",
     MU_VERDICT_FAILS, "order of total_error"},
    {"the same of transport, along a translation",
     CURVE "geometry: {stein: 1, face_mean: logarithmic}\n"
           "study: {type: curve, " FALLING ", curve: translation, shift: 0.7}\n",
     MU_VERDICT_HOLDS, "the curve has constant mass"},
    {"normalised mmd tends to Fisher-Rao, R from below and R* from above",
     CURVE "geometry: {normalized_mmd: 1}\n" ENDS
           "study: {type: curve, vary: kernel_bandwidth, values: [0.2, 0.14, 0.1, 0.07], "
           "of: primal_error, curve: linear}\n",
     MU_VERDICT_HOLDS, "normalized_mmd -> fisher_rao"},
    {"a wide Gaussian has no R of a velocity alone",
     CURVE "geometry: {kernel_fisher_rao: 1}\ngeometry_kernel: {type: gaussian}\n" ENDS
           "study: {type: curve, " FALLING "}\n",
     REFUSED, "curve needs R from the velocity alone"},
    {"a diagnostic that does not exist", OUBOX "study: {type: rate, of: chi3}\n", REFUSED,
     "the nearest is chi2"},
    {"two systems are compared on one grid",
     OUBOX "study: {type: contraction}\nsystem_b: {grid: {cells: [120]}}\n", REFUSED,
     "another grid"},
    {"W2 of a circle is not known",
     CURVE "geometry: {wasserstein: 1}\n" ENDS "study: {type: contraction, distance: w2}\n",
     REFUSED, "in one dimension between walls only"},
    {"the law of the mass needs its flow",
     OUBOX "study: {type: equivalence, vary: time_step, values: [0.1, 0.05, 0.025], shape: true}\n"
           "system_b: {geometry: {fisher_rao: 1, spherical: true}}\n",
     REFUSED, "the law of the mass is known for system_a"},
    {"a translation goes somewhere",
     CURVE "geometry: {kernel_fisher_rao: 1}\n"
           "study: {type: curve, " FALLING ", curve: translation}\n",
     REFUSED, "study_shift"},
    {"a search on one grid knows no error of the grid",
     "grid: {lower: [-6], upper: [6], cells: [12]}\n" ORNSTEIN
     "geometry: {wasserstein: 1}\ntime: {end: 1}\n"
     "study: {type: inequality, expect_constant: 2, starts: 2}\n",
     MU_VERDICT_UNDECIDED, "one grid alone was searched"},
    {"a search varies nothing",
     OUBOX "study: {type: inequality, vary: time_step, values: [0.1, 0.05]}\n", REFUSED,
     "an inequality study varies nothing"},
};

/* Writes the text as a case file of this rank, opens it as a study. */
static PetscErrorCode open_text(size_t number, const char *text, MuStudy *study) {
  char path[2 * PETSC_MAX_PATH_LEN], out[2 * PETSC_MAX_PATH_LEN];
  char *words[] = {(char *)"-output_directory", out};
  PetscMPIInt rank;
  MuCase c;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/small-%zu-%d.yaml", folder, number, (int)rank);
  snprintf(out, sizeof out, "%s/small-%zu-%d", folder, number, (int)rank);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert(fputs(text, file) >= 0 && fclose(file) == 0);
  OK(MuCaseCreate(PETSC_COMM_SELF, path, 2, words, &c));
  PetscErrorCode code = MuStudyCreate(c, study);
  OK(MuCaseDestroy(&c));
  return code;
}

static void check_small(size_t k) {
  MuStudyResult r = {0};
  MuStudy study;
  const PetscErrorCode code = open_text(k, small[k].text, &study);
  ck_assert_msg((code == MU_ERR_INPUT) == (small[k].verdict == REFUSED), "%s: code %d: %s",
                small[k].what, (int)code, MuErrorMessage());
  if (code) {
    ck_assert_msg(strstr(MuErrorMessage(), small[k].sentence) != NULL, "%s: %s", small[k].what,
                  MuErrorMessage());
    return;
  }
  OK(MuStudySolve(study));
  OK(MuStudyGetResult(study, &r));
  ck_assert_msg(small[k].verdict < 0 || (int)r.verdict == small[k].verdict, "%s: verdict %d\n%s",
                small[k].what, (int)r.verdict, r.notes);
  ck_assert_msg(strstr(r.notes, small[k].sentence) != NULL, "%s: %s", small[k].what, r.notes);
  OK(MuStudyDestroy(&study));
}

/* Shared out among the ranks, since each is a study on one. */
START_TEST(small_cases_have_their_verdict) {
  PetscMPIInt rank, size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (size_t k = (size_t)rank; k < sizeof small / sizeof *small; k += (size_t)size) check_small(k);
}
END_TEST

/* The same numbers, without errors and without a verdict; no further runs, and none to do without.
 */
START_TEST(without_estimates_nothing_is_decided) {
  static const char *const coarse = "-grid_cells 64 -study_values 0.4,0.28,0.2,0.14 -time_end 1";
  char bare[256];
  MuStudy with, without;
  snprintf(bare, sizeof bare, "%s -study_estimates false", coarse);
  const char *name = "gamma-kernel-fisher-rao";
  OK(TestStudyOpen(MPI_COMM_WORLD, name, folder, "with", coarse, &with));
  OK(TestStudyOpen(MPI_COMM_WORLD, name, folder, "without", bare, &without));
  OK(MuStudySolve(with));
  OK(MuStudySolve(without));
  ck_assert_int_eq(with->extras, 9);
  ck_assert_int_eq(without->extras, 1); /* the limit */
  ck_assert_int_eq(with->verdict, MU_VERDICT_HOLDS);
  ck_assert_int_eq(without->verdict, MU_VERDICT_UNDECIDED);
  ck_assert_double_eq_tol(without->order, with->order, 1e-9);
  ck_assert(isnan(without->order_stderr));
  ck_assert_ptr_nonnull(strstr(without->notes, "study_estimates: false"));
  OK(MuStudyDestroy(&with));
  OK(MuStudyDestroy(&without));
  ck_assert_int_eq(TestStudyOpen(MPI_COMM_WORLD, "balance", folder, "refused",
                                 "-study_estimates false", &without),
                   MU_ERR_INPUT);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("verdicts");
  TCase *t = tcase_create("verdicts");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_test(t, one_rule_for_all_verdicts);
  tcase_add_test(t, orders_have_the_errors_of_their_companions);
  tcase_add_test(t, orders_need_a_span);
  tcase_add_test(t, without_estimates_nothing_is_decided);
  tcase_add_test(t, small_cases_have_their_verdict);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
