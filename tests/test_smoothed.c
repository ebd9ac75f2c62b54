/* Energies of a smoothed density, operators with a fixed reference density, and two systems with
   one trajectory: values against dense formulas, closed forms, limits with their orders, exact
   flows. */
#include "flow_support.h"

#include <gsl/gsl_linalg.h>

enum { NX = 12, NY = 7, MOST = NX * NY };

static PetscReal double_well(PetscReal x, PetscReal y) {
  return 0.5 * ((x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y);
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return 0.2 + exp(-(x - 0.5) * (x - 0.5) / 0.5 - (y + 0.2) * (y + 0.2) / 0.8);
}

typedef struct {
  MuGrid grid;
  const MuGridInfo *info;
  Vec log_target, target, rho;
  MuKernel kernel;
  PetscInt n;
  PetscReal *k; /* [n][n]: Kc, on every rank */
  PetscReal *pi, *r;
} Setting;

/* Column j of Kc is what it does to the unit vector j. */
static void fill_matrix(Setting *s) {
  MuConvolution c;
  Vec unit, image;
  PetscReal e[MOST], *column;
  OK(MuConvolutionCreate(s->grid, s->kernel, MU_CELLS, &c));
  OK(MuGridCreateField(s->grid, &unit));
  OK(MuGridCreateField(s->grid, &image));
  s->k = malloc(sizeof(PetscReal) * (size_t)(s->n * s->n));
  for (PetscInt j = 0; j < s->n; ++j) {
    for (PetscInt i = 0; i < s->n; ++i) e[i] = i == j;
    OK(MuGridScatter(s->grid, e, unit));
    OK(MuConvolutionApply(c, unit, image));
    column = TestGather(s->grid, image);
    for (PetscInt i = 0; i < s->n; ++i) s->k[i * s->n + j] = column[i];
    free(column);
  }
  OK(VecDestroy(&unit));
  OK(VecDestroy(&image));
  OK(MuConvolutionDestroy(&c));
}

/* Takes over the grid and the kernel. */
static Setting make_setting_on(PetscInt dim, MuGrid grid, MuKernel kernel,
                               PetscReal (*potential)(PetscReal x, PetscReal y)) {
  Setting s = {.grid = grid, .kernel = kernel, .n = NX * (dim == 2 ? NY : 1)};
  OK(MuGridGetInfo(s.grid, &s.info));
  s.log_target = TestLogTarget(s.grid, potential);
  s.target = TestExp(s.grid, s.log_target);
  s.rho = TestField(s.grid, bump);
  TestNormalise(s.grid, s.rho);
  s.pi = TestGather(s.grid, s.target);
  s.r = TestGather(s.grid, s.rho);
  fill_matrix(&s);
  return s;
}

static Setting make_setting(PetscInt dim, const char *kernel) {
  return make_setting_on(dim, TestGrid(dim, NX, NY, -2, 2, PETSC_FALSE),
                         TestKernel(dim, kernel, 0.6, MU_EXTENSION_REFLECT), double_well);
}

static void free_setting(Setting *s) {
  free(s->k);
  free(s->pi);
  free(s->r);
  OK(VecDestroy(&s->log_target));
  OK(VecDestroy(&s->target));
  OK(VecDestroy(&s->rho));
  OK(MuKernelDestroy(&s->kernel));
  OK(MuGridDestroy(&s->grid));
}

static void multiply(const Setting *s, const PetscReal *x, PetscReal *y) {
  for (PetscInt i = 0; i < s->n; ++i) {
    y[i] = 0;
    for (PetscInt j = 0; j < s->n; ++j) y[i] += s->k[i * s->n + j] * x[j];
  }
}

/* An energy of one term with one or two numbers. */
static MuEnergy make_energy(const Setting *s, const char *name, PetscReal first, PetscReal second) {
  MuEnergySpec spec = {.terms = 1,
                       .term = {{.name = name, .weight = 1, .value = {first, second}}},
                       .kernel = s->kernel,
                       .log_target = s->log_target};
  MuEnergy energy;
  OK(MuEnergyCreate(s->grid, &spec, &energy));
  return energy;
}

/* F(rho), and DF gathered (NULL: not wanted; the caller frees it). */
static PetscReal evaluate(const Setting *s, const char *name, PetscReal first, PetscReal second,
                          PetscReal **derivative) {
  MuEnergy energy = make_energy(s, name, first, second);
  PetscReal value;
  Vec df;
  OK(MuGridCreateField(s->grid, &df));
  OK(MuEnergyEvaluate(energy, s->rho, &value, NULL, df, NULL));
  if (derivative) *derivative = TestGather(s->grid, df);
  OK(VecDestroy(&df));
  OK(MuEnergyDestroy(&energy));
  return value;
}

/* ------------------------------------------------------------------ values */

START_TEST(values_are_those_of_the_formulas) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    Setting s = make_setting(dim, "matern");
    PetscReal q[MOST], internal = 0, chi2 = 0, npmle = 0;
    multiply(&s, s.r, q);
    for (PetscInt i = 0; i < s.n; ++i) {
      internal += s.info->volume * pow(q[i], 1.4) / 1.4 * s.r[i];
      chi2 += s.info->volume * 0.5 * q[i] * q[i] / s.pi[i];
      npmle += s.info->volume * (s.pi[i] * log(s.pi[i] / q[i]) - s.pi[i] + q[i]);
    }
    ck_assert_double_eq_tol(evaluate(&s, "blob_internal", 2.4, 0, NULL) / internal, 1, 1e-12);
    ck_assert_double_eq_tol(evaluate(&s, "blob_chi2", 0, 0, NULL) / chi2, 1, 1e-12);
    ck_assert_double_eq_tol(evaluate(&s, "npmle", 0, 0, NULL) / npmle, 1, 1e-12);
    free_setting(&s);
  }
}
END_TEST

/* 1 in the cell of the line around 1/6, 0 elsewhere */
static PetscReal one_cell(PetscReal x, PetscReal y) {
  (void)y;
  return fabs(x - 1. / 6) < 0.1 ? 1 : 0;
}

static PetscReal walls_of_one_cell(PetscReal x, PetscReal y) {
  return 1000 * (1 - one_cell(x, y));
}

static PetscReal almost_one_cell(PetscReal x, PetscReal y) {
  return 1e-7 + one_cell(x, y);
}

/* A kernel a thousand times narrower than a cell has weights below 0 on the grid, so that k*rho is
   below 0 beside a cell that holds nearly all mass, where the target has none: there F is linear.
   A floor of rounding changes F by 9e-6 here. */
START_TEST(npmle_is_linear_where_the_target_has_no_mass) {
  Setting s = make_setting_on(1, TestGrid(1, NX, 1, -2, 2, PETSC_TRUE),
                              TestKernel(1, "matern", 1e-3, MU_EXTENSION_ZERO), walls_of_one_cell);
  Vec after = TestField(s.grid, almost_one_cell), g;
  TestNormalise(s.grid, after);
  PetscReal *r = TestGather(s.grid, after), *slope;
  PetscReal q[MOST], expected = 0, lowest = 0, value[2], loss = 0;
  MuEnergy energy = make_energy(&s, "npmle", 0, 0);
  multiply(&s, r, q);
  for (PetscInt i = 0; i < s.n; ++i) {
    expected +=
        s.info->volume * (q[i] - s.pi[i] + (s.pi[i] > 0 ? s.pi[i] * log(s.pi[i] / q[i]) : 0));
    lowest = fmin(lowest, q[i]);
  }
  ck_assert_double_lt(lowest, -1e-7);
  OK(MuGridCreateField(s.grid, &g));
  OK(MuEnergyEvaluate(energy, s.rho, &value[0], NULL, NULL, NULL));
  OK(MuEnergyEvaluate(energy, after, &value[1], NULL, NULL, NULL));
  OK(MuEnergyDiscreteGradient(energy, s.rho, after, g, NULL));
  slope = TestGather(s.grid, g);
  for (PetscInt i = 0; i < s.n; ++i) loss += s.info->volume * slope[i] * (r[i] - s.r[i]);
  ck_assert_double_eq_tol(value[1], expected, 1e-13);
  ck_assert_double_eq_tol(loss, value[1] - value[0], 1e-13);
  free(r);
  free(slope);
  OK(VecDestroy(&g));
  OK(VecDestroy(&after));
  OK(MuEnergyDestroy(&energy));
  free_setting(&s);
}
END_TEST

/* k*1 = 1 under reflect: rho - rho DF of npmle is the EM step rho k*(pi/q) of the mixture model. */
START_TEST(an_explicit_step_of_npmle_is_the_step_of_em) {
  Setting s = make_setting(2, "gaussian");
  PetscReal q[MOST], ratio[MOST], step[MOST], *df;
  evaluate(&s, "npmle", 0, 0, &df);
  multiply(&s, s.r, q);
  for (PetscInt i = 0; i < s.n; ++i) ratio[i] = s.pi[i] / q[i];
  multiply(&s, ratio, step);
  for (PetscInt i = 0; i < s.n; ++i)
    ck_assert_double_eq_tol(s.r[i] - s.r[i] * df[i], s.r[i] * step[i], 1e-13);
  free(df);
  free_setting(&s);
}
END_TEST

/* ksd is R* of stein at kl, with the Scharfetter-Gummel means. */
START_TEST(ksd_is_the_dissipation_of_stein) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    Setting s = make_setting(dim, "matern");
    const MuGeometrySpec spec = {
        .parts = 1, .part = {{.name = "stein", .weight = 1}}, .kernel = s.kernel};
    const PetscReal value = evaluate(&s, "ksd", 0, 0, NULL);
    MuEnergy kl = make_energy(&s, "kl", 0, 0);
    MuGeometry stein;
    PetscReal dissipation;
    Vec df, image, potential;
    OK(MuGridCreateField(s.grid, &df));
    OK(MuGridCreateField(s.grid, &image));
    OK(MuGridCreateField(s.grid, &potential));
    OK(VecCopy(s.log_target, potential));
    OK(VecScale(potential, -1));
    OK(MuGeometryCreate(s.grid, &spec, &stein));
    OK(MuGeometrySetReferencePotential(stein, potential));
    OK(MuGeometrySetState(stein, s.rho));
    OK(MuEnergyEvaluate(kl, s.rho, NULL, NULL, df, NULL));
    OK(MuGeometryApply(stein, MU_PART_ALL, df, NULL, image));
    OK(MuGridInner(s.grid, df, image, &dissipation));
    ck_assert_double_eq_tol(value / (0.5 * dissipation), 1, 1e-12);
    OK(VecDestroy(&df));
    OK(VecDestroy(&image));
    OK(VecDestroy(&potential));
    OK(MuGeometryDestroy(&stein));
    OK(MuEnergyDestroy(&kl));
    free_setting(&s);
  }
}
END_TEST

/* ------------------------------------------------------------------ Moreau envelopes */

/* x = (T_pi + lambda)^(-1) b, T_pi x = k*(pi x) */
static void solve_regularised(const Setting *s, PetscReal lambda, PetscReal *b) {
  const size_t n = (size_t)s->n;
  gsl_matrix *a = gsl_matrix_alloc(n, n);
  gsl_permutation *pivots = gsl_permutation_alloc(n);
  gsl_vector_view x = gsl_vector_view_array(b, n);
  int sign;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      gsl_matrix_set(a, i, j, s->k[i * n + j] * s->pi[j] + (i == j ? lambda : 0));
  ck_assert_int_eq(gsl_linalg_LU_decomp(a, pivots, &sign), 0);
  ck_assert_int_eq(gsl_linalg_LU_svx(a, pivots, &x.vector), 0);
  gsl_permutation_free(pivots);
  gsl_matrix_free(a);
}

/* moreau of chi2 has DF = (T_pi + lambda)^(-1) k*(rho - pi) and F = 1/2 <DF, rho - pi>; drmmd is
   2 (1 + lambda) times that. */
START_TEST(the_regularised_mmd_is_its_closed_form) {
  for (PetscReal lambda = 1e-3; lambda < 50; lambda *= 30) {
    Setting s = make_setting(2, "matern");
    PetscReal d[MOST], h[MOST], *df, exact = 0;
    for (PetscInt i = 0; i < s.n; ++i) d[i] = s.r[i] - s.pi[i];
    multiply(&s, d, h);
    solve_regularised(&s, lambda, h);
    for (PetscInt i = 0; i < s.n; ++i) exact += 0.5 * s.info->volume * h[i] * d[i];
    ck_assert_double_eq_tol(evaluate(&s, "moreau", lambda, 2, &df) / exact, 1, 1e-10);
    for (PetscInt i = 0; i < s.n; ++i) ck_assert_double_eq_tol(df[i], h[i], 1e-9);
    free(df);
    ck_assert_double_eq_tol(evaluate(&s, "drmmd", lambda, 0, NULL) / (2 * (1 + lambda) * exact), 1,
                            1e-10);
    free_setting(&s);
  }
}
END_TEST

/* moreau of kl solves lambda h = k*(rho - pi e^h) and is F of the minimiser sigma = pi e^h; kale is
   (1 + lambda) times that. */
START_TEST(the_envelope_of_kl_is_a_minimum) {
  for (PetscReal lambda = 1e-3; lambda < 50; lambda *= 30) {
    Setting s = make_setting(2, "matern");
    PetscReal *h, d[MOST], kd[MOST], primal = 0, value = evaluate(&s, "moreau", lambda, 1, &h);
    for (PetscInt i = 0; i < s.n; ++i) d[i] = s.r[i] - s.pi[i] * exp(h[i]);
    multiply(&s, d, kd);
    for (PetscInt i = 0; i < s.n; ++i) {
      ck_assert_double_eq_tol(lambda * h[i], kd[i], 1e-12);
      primal += s.info->volume *
                (s.pi[i] * (h[i] * exp(h[i]) - expm1(h[i])) + d[i] * kd[i] / (2 * lambda));
    }
    ck_assert_double_eq_tol(value / primal, 1, 1e-10);
    ck_assert_double_eq_tol(evaluate(&s, "kale", lambda, 0, NULL) / ((1 + lambda) * primal), 1,
                            1e-10);
    free(h);
    free_setting(&s);
  }
}
END_TEST

/* As lambda -> 0 the divergence, with an error of first order (lambda/2 of the squared norm of DF);
   lambda times it tends to mmd as lambda -> infinity, with an error of first order in 1/lambda. */
START_TEST(envelopes_have_both_limits) {
  const char *const base[2] = {"kl", "chi2"};
  for (PetscInt p = 1; p <= 2; ++p) {
    Setting s = make_setting(1, "matern");
    const PetscReal divergence = evaluate(&s, base[p - 1], 0, 0, NULL);
    const PetscReal mmd = evaluate(&s, "mmd", 0, 0, NULL);
    PetscReal small[3], large[3], low[3], high[3];
    for (PetscInt k = 0; k < 3; ++k) {
      small[k] = 1e-5 / (1 << k);
      large[k] = 1e-3 / (1 << k);
      low[k] = divergence - evaluate(&s, "moreau", small[k], p, NULL);
      high[k] = mmd - evaluate(&s, "moreau", 1 / large[k], p, NULL) / large[k];
      ck_assert_double_gt(low[k], 0);
    }
    ck_assert_double_eq_tol(TestSlope(3, small, low), 1, 0.05);
    for (PetscInt k = 0; k < 3; ++k) high[k] = fabs(high[k]);
    ck_assert_double_eq_tol(TestSlope(3, large, high), 1, 0.05);
    free_setting(&s);
  }
}
END_TEST

/* DF of a new energy, and of one that has seen other densities, in the same field and in another
   one, are the same to the bit: what it keeps of them is no part of the result. A discrete
   gradient, whose second density begins where the first has ended, gives the difference of F. */
START_TEST(an_envelope_forgets_what_it_was_asked_before) {
  const PetscReal lambda = 1e-3;
  Setting s = make_setting(2, "matern");
  MuEnergy used = make_energy(&s, "kale", lambda, 0);
  PetscReal *first, *second, *far, *again, *g, values[4], rise = 0;
  Vec other, df;
  OK(VecDuplicate(s.rho, &other));
  OK(VecDuplicate(s.rho, &df));
  values[0] = evaluate(&s, "kale", lambda, 0, &first);
  OK(VecCopy(s.rho, other));
  OK(MuEnergyEvaluate(used, s.rho, &values[1], NULL, df, NULL));
  OK(VecAXPBY(s.rho, 0.6, 0.4, s.target)); /* the field holds another density now */
  OK(MuEnergyDiscreteGradient(used, other, s.rho, df, NULL));
  g = TestGather(s.grid, df);
  OK(MuEnergyEvaluate(used, s.rho, NULL, NULL, df, NULL));
  far = TestGather(s.grid, df);
  values[3] = evaluate(&s, "kale", lambda, 0, &second);
  OK(MuEnergyEvaluate(used, other, &values[2], NULL, df, NULL));
  again = TestGather(s.grid, df);
  ck_assert_double_eq(values[1], values[0]);
  ck_assert_double_eq(values[2], values[0]);
  for (PetscInt i = 0; i < s.n; ++i) {
    ck_assert_double_eq(again[i], first[i]);
    ck_assert_double_eq(far[i], second[i]);
    rise += s.info->volume * g[i] * (s.pi[i] - s.r[i]) * 0.6;
  }
  ck_assert_double_eq_tol(rise, values[3] - values[0], 1e-12);
  free(first);
  free(second);
  free(far);
  free(again);
  free(g);
  OK(VecDestroy(&df));
  OK(VecDestroy(&other));
  OK(MuEnergyDestroy(&used));
  free_setting(&s);
}
END_TEST

/* ------------------------------------------------------------------ flows */

/* The target as the reference density, from the field that the test keeps. */
static PetscErrorCode target_at(void *ctx, const PetscReal x[2], PetscReal *value) {
  const Setting *s = ctx;
  const PetscInt i = (PetscInt)floor((x[0] + 2) / s->info->spacing[0]);
  const PetscInt j = s->info->dim == 2 ? (PetscInt)floor((x[1] + 2) / s->info->spacing[1]) : 0;
  *value = s->pi[j * NX + i];
  return 0;
}

/* K(rho) DF(rho), gathered. */
static PetscReal *velocity(Setting *s, const char *geometry, const char *energy) {
  MuGeometrySpec spec = {
      .parts = 1,
      .part = {{.name = geometry, .weight = 1, .function = target_at, .function_ctx = s}},
      .kernel = s->kernel};
  MuEnergy f = make_energy(s, energy, 0, 0);
  MuGeometry k;
  PetscReal *result;
  Vec df, image, potential;
  OK(MuGridCreateField(s->grid, &df));
  OK(MuGridCreateField(s->grid, &image));
  OK(MuGridCreateField(s->grid, &potential));
  OK(VecCopy(s->log_target, potential));
  OK(VecScale(potential, -1));
  OK(MuGeometryCreate(s->grid, &spec, &k));
  OK(MuGeometrySetReferencePotential(k, potential));
  OK(MuGeometrySetState(k, s->rho));
  OK(MuEnergyEvaluate(f, s->rho, NULL, NULL, df, NULL));
  OK(MuGeometryApply(k, MU_PART_ALL, df, NULL, image));
  result = TestGather(s->grid, image);
  OK(VecDestroy(&df));
  OK(VecDestroy(&image));
  OK(VecDestroy(&potential));
  OK(MuGeometryDestroy(&k));
  OK(MuEnergyDestroy(&f));
  return result;
}

/* Largest difference of two velocities over the largest of the first. */
static PetscReal apart(Setting *s, const char *geometry_a, const char *energy_a,
                       const char *geometry_b, const char *energy_b) {
  PetscReal *a = velocity(s, geometry_a, energy_a), *b = velocity(s, geometry_b, energy_b);
  PetscReal difference = 0, size = 0;
  for (PetscInt i = 0; i < s->n; ++i) {
    difference = fmax(difference, fabs(a[i] - b[i]));
    size = fmax(size, fabs(a[i]));
  }
  free(a);
  free(b);
  return difference / size;
}

/* The Fokker-Planck equation in two geometries, and fisher_rao of mmd as kernel_fisher_rao of
   inclusive_kl: rho k*(rho - pi) = rho k*(rho (1 - pi/rho)). */
START_TEST(two_systems_have_one_trajectory) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    Setting s = make_setting(dim, "matern");
    ck_assert_double_lt(apart(&s, "wasserstein", "kl", "flat_wasserstein", "chi2"), 1e-12);
    ck_assert_double_lt(apart(&s, "fisher_rao", "mmd", "kernel_fisher_rao", "inclusive_kl"), 1e-13);
    ck_assert_double_lt(apart(&s, "flat_fisher_rao", "chi2", "power_mobility", "l2"), 1e-13);
    /* they are not the same whatever the energy */
    ck_assert_double_gt(apart(&s, "wasserstein", "kl", "flat_wasserstein", "kl"), 1e-2);
    free_setting(&s);
  }
}
END_TEST

/* Distance of the flow of mmd along de_stein to the heat equation for rho - pi on the same grid:
   the mode m decays at the rate (2 sin(w h/2)/h)^2. */
static PetscReal heat_error(PetscReal step) {
  enum { CELLS = 48 };
  MuGrid grid = TestGrid(1, CELLS, 1, 0, 1, PETSC_FALSE);
  MuKernel kernel = TestKernel(1, "bessel", 0.1, MU_EXTENSION_REFLECT);
  const PetscReal h = 1.0 / CELLS, end = 0.04;
  Vec log_target, rho;
  PetscReal *initial, *x, error = 0;
  OK(MuGridCreateField(grid, &log_target)); /* pi = 1 */
  OK(VecDuplicate(log_target, &rho));
  initial = malloc(sizeof(PetscReal) * CELLS);
  for (PetscInt i = 0; i < CELLS; ++i)
    initial[i] = 1 + 0.5 * cos(PETSC_PI * (i + 0.5) * h) - 0.3 * cos(2 * PETSC_PI * (i + 0.5) * h);
  OK(MuGridScatter(grid, initial, rho));
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"mmd"},
                       .geometry = {"de_stein"},
                       .kernel = kernel,
                       .log_target = log_target,
                       .scheme = "discrete_gradient",
                       .step = step,
                       .end = end};
  Vec end_state = TestFlowRun(&spec, rho);
  x = TestGather(grid, end_state);
  for (PetscInt i = 0; i < CELLS; ++i) {
    const PetscReal one = 2 * sin(0.5 * PETSC_PI * h) / h, two = 2 * sin(PETSC_PI * h) / h;
    const PetscReal exact = 1 + 0.5 * exp(-one * one * end) * cos(PETSC_PI * (i + 0.5) * h) -
                            0.3 * exp(-two * two * end) * cos(2 * PETSC_PI * (i + 0.5) * h);
    error = fmax(error, fabs(x[i] - exact));
  }
  free(x);
  free(initial);
  OK(VecDestroy(&end_state));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&log_target));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
  return error;
}

START_TEST(de_stein_of_mmd_is_the_heat_equation) {
  const PetscReal step[3] = {0.01, 0.005, 0.0025};
  PetscReal error[3];
  for (PetscInt k = 0; k < 3; ++k) error[k] = heat_error(step[k]);
  ck_assert_double_eq_tol(TestSlope(3, step, error), 2, 0.1); /* the midpoint rule's order */
}
END_TEST

/* ------------------------------------------------------------------ refusals */

static PetscReal far_away(PetscReal x, PetscReal y) {
  return exp(-200 * ((x - 1.5) * (x - 1.5) + y * y));
}

static PetscReal steep(PetscReal x, PetscReal y) {
  return 10 * (x * x + y * y);
}

START_TEST(numbers_that_rounding_would_decide_are_refused) {
  Setting s = make_setting(1, "gaussian");
  MuEnergySpec spec = {.terms = 1,
                       .term = {{.name = "moreau", .weight = 1, .value = {1, 1.5}}},
                       .kernel = s.kernel,
                       .log_target = s.log_target};
  MuEnergy energy;
  PetscReal value;
  ck_assert_int_eq(MuEnergyCreate(s.grid, &spec, &energy), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "energy_moreau_exponent: 1.5"));
  Vec log_steep = TestLogTarget(s.grid, steep), narrow = TestField(s.grid, far_away);
  spec.term[0] = (MuSummand){.name = "blob_chi2", .weight = 1};
  spec.log_target = log_steep;
  ck_assert_int_eq(MuEnergyCreate(s.grid, &spec, &energy), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "divides k*rho by the target"));
  MuKernel kernel = TestKernel(1, "gaussian", 0.15, MU_EXTENSION_REFLECT);
  spec.term[0] = (MuSummand){.name = "npmle", .weight = 1};
  spec.log_target = s.log_target;
  spec.kernel = kernel;
  OK(MuEnergyCreate(s.grid, &spec, &energy));
  ck_assert_int_eq(MuEnergyEvaluate(energy, narrow, &value, NULL, NULL, NULL), MU_ERR_NUMERICS);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "lost in rounding"));
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&log_steep));
  OK(VecDestroy(&narrow));
  OK(MuKernelDestroy(&kernel));
  free_setting(&s);
}
END_TEST

/* What MuFlowCreate() says of one energy along stein from `initial`. */
static PetscErrorCode begin(const Setting *s, const char *energy, const char *geometry,
                            Vec initial) {
  const TestFlowSpec spec = {.grid = s->grid,
                             .energy = {energy},
                             .geometry = {geometry},
                             .kernel = s->kernel,
                             .log_target = s->log_target};
  const MuFlowSpec flow_spec = {.step = 1e-3, .tolerance = 1e-3, .guard = PETSC_TRUE};
  MuEnergy f = TestEnergy(&spec);
  MuGeometry g = TestGeometry(&spec);
  MuFlow flow;
  PetscErrorCode code = MuFlowCreate(s->grid, f, g, initial, &flow_spec, &flow);
  if (!code) OK(MuFlowDestroy(&flow));
  OK(MuGeometryDestroy(&g));
  OK(MuEnergyDestroy(&f));
  return code;
}

/* Where rho = 0 < pi the derivative of hellinger is infinite: stein carries that to every cell,
   wasserstein does not; with mass everywhere both begin. */
START_TEST(flows_without_a_velocity_are_refused_at_the_start) {
  Setting s = make_setting(1, "gaussian");
  PetscReal half[MOST] = {0};
  Vec empty;
  OK(MuGridCreateField(s.grid, &empty));
  for (PetscInt i = s.n / 2; i < s.n; ++i) half[i] = 0.5;
  OK(MuGridScatter(s.grid, half, empty));
  ck_assert_int_eq(begin(&s, "hellinger", "stein", empty), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "`hellinger`"));
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "`stein`"));
  OK(begin(&s, "hellinger", "wasserstein", empty));
  OK(begin(&s, "kl", "stein", empty));
  OK(begin(&s, "hellinger", "stein", s.rho));
  OK(MuKernelDestroy(&s.kernel));
  s.kernel = TestKernel(1, "gaussian", 0.15, MU_EXTENSION_REFLECT);
  ck_assert_int_eq(begin(&s, "npmle", "fisher_rao", empty), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "lost in rounding"));
  OK(VecDestroy(&empty));
  free_setting(&s);
}
END_TEST

/* <G, rho1 - rho0> less F(rho1) - F(rho0), over the largest of the two values. */
static PetscReal identity_error(const Setting *s, MuEnergy energy, Vec rho0, Vec rho1) {
  PetscReal value[2], product;
  Vec g;
  OK(MuGridCreateField(s->grid, &g));
  OK(MuEnergyEvaluate(energy, rho0, &value[0], NULL, NULL, NULL));
  OK(MuEnergyEvaluate(energy, rho1, &value[1], NULL, NULL, NULL));
  OK(MuEnergyDiscreteGradient(energy, rho0, rho1, g, NULL));
  OK(MuGridInner(s->grid, g, rho1, &product));
  PetscReal sum = product;
  OK(MuGridInner(s->grid, g, rho0, &product));
  sum -= product;
  OK(VecDestroy(&g));
  return fabs(sum - (value[1] - value[0])) / fmax(fabs(value[0]), fabs(value[1]));
}

static PetscReal very_steep(PetscReal x, PetscReal y) {
  return 100 * (x * x + y * y);
}

/* A kernel narrower than a cell has weights below 0 next to its middle: k*rho < 0 beside a spike,
   where the target has e^-200. With a floor there the identity was wrong by 1e-3 of F. */
START_TEST(npmle_keeps_the_identity_where_smoothed_densities_are_negative) {
  Setting s = make_setting_on(1, TestGrid(1, NX, NY, -2, 2, PETSC_FALSE),
                              TestKernel(1, "gaussian", 0.05, MU_EXTENSION_REFLECT), very_steep);
  MuEnergy energy = make_energy(&s, "npmle", 0, 0);
  PetscReal spiked[MOST] = {0}, moved[MOST] = {0}, q[MOST], least = 0;
  Vec rho0, rho1;
  OK(MuGridCreateField(s.grid, &rho0));
  OK(MuGridCreateField(s.grid, &rho1));
  for (PetscInt i = 0; i < s.n; ++i) spiked[i] = moved[i] = s.pi[i];
  spiked[s.n - 1] = 0.3;
  moved[s.n - 2] = 0.2;
  moved[s.n - 1] = 0.1;
  multiply(&s, spiked, q);
  for (PetscInt i = 0; i < s.n; ++i) least = fmin(least, q[i]);
  ck_assert(least < -1e-4);
  OK(MuGridScatter(s.grid, spiked, rho0));
  OK(MuGridScatter(s.grid, moved, rho1));
  ck_assert_double_lt(identity_error(&s, energy, rho0, rho1), 1e-13);
  ck_assert_double_lt(identity_error(&s, energy, rho1, rho0), 1e-13);
  OK(VecDestroy(&rho0));
  OK(VecDestroy(&rho1));
  OK(MuEnergyDestroy(&energy));
  free_setting(&s);
}
END_TEST

/* k*1 = 1, so that DF = m/(m-1) rho^(m-1) of a constant rho, at 1e-300 too, where rho^(m-2) is not
   a number of this machine. */
START_TEST(blob_internal_is_finite_at_tiny_densities) {
  Setting s = make_setting(1, "gaussian");
  MuEnergy energy = make_energy(&s, "blob_internal", 0.75, 0);
  PetscReal *df;
  Vec rho1;
  OK(VecSet(s.rho, 1e-300));
  OK(VecDuplicate(s.rho, &rho1));
  for (PetscReal factor = 1; factor < 10; factor *= 1.5) {
    OK(VecSet(rho1, factor * 1e-300));
    ck_assert_double_lt(identity_error(&s, energy, s.rho, rho1), 1e-12);
  }
  evaluate(&s, "blob_internal", 0.75, 0, &df);
  for (PetscInt i = 0; i < s.n; ++i) ck_assert_double_eq_tol(df[i] / -3e75, 1, 1e-12);
  free(df);
  OK(VecDestroy(&rho1));
  OK(MuEnergyDestroy(&energy));
  free_setting(&s);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("smoothed");
  TCase *t = tcase_create("smoothed");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, values_are_those_of_the_formulas);
  tcase_add_test(t, npmle_keeps_the_identity_where_smoothed_densities_are_negative);
  tcase_add_test(t, flows_without_a_velocity_are_refused_at_the_start);
  tcase_add_test(t, blob_internal_is_finite_at_tiny_densities);
  tcase_add_test(t, npmle_is_linear_where_the_target_has_no_mass);
  tcase_add_test(t, an_explicit_step_of_npmle_is_the_step_of_em);
  tcase_add_test(t, ksd_is_the_dissipation_of_stein);
  tcase_add_test(t, the_regularised_mmd_is_its_closed_form);
  tcase_add_test(t, the_envelope_of_kl_is_a_minimum);
  tcase_add_test(t, envelopes_have_both_limits);
  tcase_add_test(t, an_envelope_forgets_what_it_was_asked_before);
  tcase_add_test(t, two_systems_have_one_trajectory);
  tcase_add_test(t, de_stein_of_mmd_is_the_heat_equation);
  tcase_add_test(t, numbers_that_rounding_would_decide_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
