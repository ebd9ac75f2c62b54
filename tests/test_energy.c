/* Energies: exact values, derivatives, discrete gradients, parts, infinite values; means;
   diagnostics. Every row of the energy table goes through the same checks. */
#include "energy/energy_impl.h"
#include "grid/arrays.h"
#include "support.h"

#include <string.h>

/* ------------------------------------------------------------------ set-up */

static PetscErrorCode quartic(void *ctx, const PetscReal x[2], PetscReal *v) {
  (void)ctx;
  *v = pow(x[0], 4) / 4 - x[1] + 0.3;
  return 0;
}

/* even in z, but not in each coordinate */
static PetscErrorCode skew_well(void *ctx, const PetscReal z[2], PetscReal *w) {
  const MuGrid grid = ctx;
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  const PetscReal y = info->dim == 2 ? z[1] : 0;
  *w = exp(-z[0] * z[0] - 0.5 * z[0] * y - y * y) - 0.3 * z[0] * z[0];
  return 0;
}

static PetscReal log_target(PetscReal x, PetscReal y) {
  return -0.5 * (x - 0.3) * (x - 0.3) - 0.4 * y * y * y * y - 1.2;
}

typedef struct {
  MuGrid grid;
  Vec log_pi;
  MuKernel kernel;
  TestNumbers numbers;
  MuPointFunction potential, interaction;
  void *interaction_ctx;
  MuEnergySpec spec;
} Fixture;

/* A small grid, with obstacles if masked, a target, a Gaussian kernel wider than a cell. */
static Fixture fixture(PetscInt dim, PetscBool masked, PetscBool periodic) {
  enum { NX = 14, NY = 9 };
  unsigned char mask[NX * NY];
  for (PetscInt i = 0; i < NX * NY; ++i) mask[i] = (i * 7) % 11 != 3;
  MuGridSpec grid = {.dim = dim,
                     .lower = {-1.5, -1},
                     .upper = {2, 1.25},
                     .cells = {NX, NY},
                     .periodic = {periodic, PETSC_FALSE},
                     .mask = masked ? mask : NULL};
  MuKernelSpec kernel;
  Fixture f = {0};
  OK(MuGridCreate(MPI_COMM_WORLD, &grid, &f.grid));
  f.log_pi = TestField(f.grid, log_target);
  MuKernelSpecDefault(&kernel);
  kernel.bandwidth = 0.6;
  kernel.extension = masked ? MU_EXTENSION_ZERO : MU_EXTENSION_DEFAULT;
  OK(MuKernelCreate(&kernel, dim, &f.kernel));
  f.numbers = (TestNumbers){.power_exponent = 1.7, .internal_exponent = 2.4};
  f.potential = quartic;
  f.interaction = skew_well;
  f.interaction_ctx = f.grid;
  f.spec = (MuEnergySpec){.kernel = f.kernel, .log_target = f.log_pi};
  return f;
}

static void set_term(Fixture *f, PetscInt k, const char *name, PetscReal weight) {
  MuSummand *term = &f->spec.term[k];
  *term = TestSummand(MuEnergyGetInfo, name, weight, f->numbers);
  term->function = !strcmp(name, "interaction") ? f->interaction : f->potential;
  term->function_ctx = f->interaction_ctx;
}

static void destroy_fixture(Fixture *f) {
  OK(VecDestroy(&f->log_pi));
  OK(MuKernelDestroy(&f->kernel));
  OK(MuGridDestroy(&f->grid));
}

static MuEnergy make_energy(Fixture *f, const char *name, PetscReal weight) {
  MuEnergy energy;
  f->spec.terms = 1;
  set_term(f, 0, name, weight);
  OK(MuEnergyCreate(f->grid, &f->spec, &energy));
  return energy;
}

static PetscReal value_of(MuEnergy energy, Vec rho) {
  PetscReal value;
  OK(MuEnergyEvaluate(energy, rho, &value, NULL, NULL, NULL));
  return value;
}

/* The names of the table. */
static PetscInt energy_names(const char *names[32]) {
  const char *formula;
  PetscInt n = 0;
  for (;; ++n) {
    OK(MuEnergyGetTableRow(n, &names[n], &formula));
    if (!names[n]) break;
    ck_assert_ptr_nonnull(formula);
  }
  ck_assert_int_eq(n, 19);
  return n;
}

/* ------------------------------------------------------------------ DF */

/* Error of the central difference (F(rho + e v) - F(rho - e v))/(2e) against <DF, v>. */
static PetscReal difference_error(Fixture *f, MuEnergy energy, Vec rho, Vec v, PetscReal e) {
  Vec moved, df;
  PetscReal up, down, slope;
  OK(VecDuplicate(rho, &moved));
  OK(MuGridCreateField(f->grid, &df));
  OK(MuEnergyEvaluate(energy, rho, NULL, NULL, df, NULL));
  OK(MuGridInner(f->grid, df, v, &slope));
  OK(VecWAXPY(moved, e, v, rho));
  up = value_of(energy, moved);
  OK(VecWAXPY(moved, -e, v, rho));
  down = value_of(energy, moved);
  OK(VecDestroy(&moved));
  OK(VecDestroy(&df));
  return fabs((up - down) / (2 * e) - slope);
}

/* Order 2 in e, or no error at all beyond rounding (quadratic and linear energies). */
static void check_derivative(Fixture *f, MuEnergy energy, const char *name) {
  Vec rho = TestRandomField(f->grid, 3, 0.2, 1.5), v = TestRandomField(f->grid, 4, -1, 1);
  PetscReal e[3], error[3], scale = 1 + fabs(value_of(energy, rho));
  for (PetscInt k = 0; k < 3; ++k) {
    e[k] = 0.04 / (1 << k);
    error[k] = difference_error(f, energy, rho, v, e[k]);
  }
  if (error[0] > 1e-11 * scale) /* rounding: 1e-16 scale/e */
    ck_assert_msg(fabs(TestSlope(3, e, error) - 2) < 0.05, "%s: order %g (errors %g, %g, %g)", name,
                  TestSlope(3, e, error), error[0], error[1], error[2]);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&v));
}

START_TEST(derivatives_are_exact) {
  const char *names[32];
  const PetscInt n = energy_names(names);
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int variant = 0; variant < 3; ++variant)
      for (PetscInt k = 0; k < n; ++k) {
        Fixture f = fixture(dim, (PetscBool)(variant == 1), (PetscBool)(variant == 2));
        MuEnergy energy = make_energy(&f, names[k], 0.7);
        check_derivative(&f, energy, names[k]);
        OK(MuEnergyDestroy(&energy));
        destroy_fixture(&f);
      }
}
END_TEST

/* p around and at its limits, exponents of `internal` on both sides of 1 */
START_TEST(derivatives_are_exact_for_every_exponent) {
  const PetscReal p[] = {-3, -1, -1e-9, 0, 1e-9, 0.3, 0.5, 1 - 1e-9, 1, 1 + 1e-9, 2, 3.5, 20};
  const PetscReal m[] = {0.3, 0.999999, 1.000001, 2, 5};
  Fixture f = fixture(1, PETSC_FALSE, PETSC_FALSE);
  for (size_t k = 0; k < sizeof p / sizeof p[0]; ++k) {
    f.numbers.power_exponent = p[k];
    MuEnergy energy = make_energy(&f, "power", 1);
    Vec near = TestRandomField(f.grid, 5, 0.98, 1.05), rho = TestRandomField(f.grid, 3, 0.1, 1);
    Vec v = TestRandomField(f.grid, 4, -1, 1), pi;
    PetscReal e[3], error[3];
    OK(VecDuplicate(rho, &pi));
    OK(VecCopy(f.log_pi, pi));
    OK(VecExp(pi));
    OK(VecPointwiseMult(near, near, pi)); /* inside the Taylor series' reach */
    for (PetscInt j = 0; j < 3; ++j) {
      e[j] = 0.01 / (1 << j) / (1 + fabs(p[k]) / 4);
      error[j] = difference_error(&f, energy, rho, v, e[j]);
    }
    if (p[k] != 2) ck_assert_double_eq_tol(TestSlope(3, e, error), 2, 0.1);
    /* at e = 1e-5 the error of the difference is about 1e-10 and rounding 1e-11 */
    ck_assert_double_le(difference_error(&f, energy, near, v, 1e-5),
                        1e-7 * (1 + pow(fabs(p[k]), 2)));
    OK(VecDestroy(&near));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&v));
    OK(VecDestroy(&pi));
    OK(MuEnergyDestroy(&energy));
  }
  for (size_t k = 0; k < sizeof m / sizeof m[0]; ++k) {
    f.numbers.internal_exponent = m[k];
    MuEnergy energy = make_energy(&f, "internal", 1);
    check_derivative(&f, energy, "internal");
    OK(MuEnergyDestroy(&energy));
  }
  destroy_fixture(&f);
}
END_TEST

/* ------------------------------------------------------------------ values */

/* phi_p(s) of theory.md, in long double; p = 0, 1 by their limits, and near them in the forms that
   are regular there */
static long double phi(long double p, long double s) {
  if (p == 1) return s * logl(s) - s + 1;
  if (p == 0) return s - 1 - logl(s);
  if (fabsl(p) < 1e-2L) return (s - 1 - expm1l(p * logl(s)) / p) / (1 - p);
  if (fabsl(p - 1) < 1e-2L) return (s * expm1l((p - 1) * logl(s)) / (p - 1) - (s - 1)) / p;
  return (powl(s, p) - p * s + p - 1) / (p * (p - 1));
}

static PetscReal one_cell_power(PetscReal p, PetscReal rho, PetscReal log_pi) {
  MuGridSpec spec = {.dim = 1, .upper = {1}, .cells = {4}};
  const char *name = p == 1 ? "kl" : "power";
  MuGrid grid;
  Vec field, target;
  MuEnergy energy;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  OK(MuGridCreateField(grid, &field));
  OK(MuGridCreateField(grid, &target));
  OK(VecSet(field, rho));
  OK(VecSet(target, log_pi));
  MuEnergySpec e = {
      .terms = 1,
      .term = {TestSummand(MuEnergyGetInfo, name, 1, (TestNumbers){.power_exponent = p})}};
  e.log_target = target;
  OK(MuEnergyCreate(grid, &e, &energy));
  PetscReal value = value_of(energy, field);
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&field));
  OK(VecDestroy(&target));
  OK(MuGridDestroy(&grid));
  return value;
}

/* Against the definition in long double; near s = 1 against the Taylor series of phi_p, whose first
   terms are 1/2 x^2 (1 + (p-2) x/3 + (p-2)(p-3) x^2/12). */
START_TEST(power_energies_have_their_values) {
  const PetscReal p[] = {-2, -0.5, 0, 0.25, 0.5, 1, 1.5, 2, 4};
  const PetscReal s[] = {1e-100, 1e-3, 0.3, 0.7, 0.88, 1.13, 1.4, 7, 1e9};
  for (size_t k = 0; k < sizeof p / sizeof p[0]; ++k) {
    for (size_t j = 0; j < sizeof s / sizeof s[0]; ++j) {
      PetscReal exact = (PetscReal)phi(p[k], s[j]);
      /* t = log s carries an absolute error of 1e-14 for |t| up to 230 */
      ck_assert_double_eq_tol(one_cell_power(p[k], s[j], 0) / exact, 1, 2e-13);
    }
    for (PetscReal x = 1e-3; x > 1e-12; x /= 100) {
      PetscReal exact = x * x / 2 * (1 + (p[k] - 2) * x / 3 * (1 + (p[k] - 3) * x / 4));
      PetscReal given = (1 + x) - 1; /* what 1 + x has become */
      exact *= (given / x) * (given / x);
      ck_assert_double_eq_tol(one_cell_power(p[k], 1 + x, 0) / exact, 1, 3 * x * x * x + 1e-12);
    }
    ck_assert_double_eq(one_cell_power(p[k], 1, 0), 0);
  }
}
END_TEST

START_TEST(named_energies_have_their_values) {
  Fixture f = fixture(2, PETSC_TRUE, PETSC_FALSE);
  const MuGridInfo *info;
  Vec rho = TestRandomField(f.grid, 8, 0.05, 2);
  PetscReal *r = TestGather(f.grid, rho), *l = TestGather(f.grid, f.log_pi);
  long double sum[7] = {0};
  const char *name[7] = {"kl", "inclusive_kl", "hellinger", "chi2", "l2", "entropy", "internal"};
  OK(MuGridGetInfo(f.grid, &info));
  for (PetscInt i = 0; i < info->cells[0] * info->cells[1]; ++i) {
    if (r[i] == 0) continue; /* outside */
    long double a = r[i], pi = expl(l[i]);
    sum[0] += a * logl(a / pi) - a + pi;
    sum[1] += pi * logl(pi / a) - pi + a;
    sum[2] += 2 * (sqrtl(a) - sqrtl(pi)) * (sqrtl(a) - sqrtl(pi));
    sum[3] += (a / pi - 1) * (a / pi - 1) * pi / 2;
    sum[4] += (a - pi) * (a - pi) / 2;
    sum[5] += a * logl(a);
    sum[6] += powl(a, 2.4L) / 1.4L;
  }
  for (PetscInt k = 0; k < 7; ++k) {
    MuEnergy energy = make_energy(&f, name[k], 1);
    ck_assert_double_eq_tol(value_of(energy, rho) / (PetscReal)(sum[k] * info->volume), 1, 1e-13);
    OK(MuEnergyDestroy(&energy));
  }
  free(r);
  free(l);
  OK(VecDestroy(&rho));
  destroy_fixture(&f);
}
END_TEST

/* int (x^2/2 over a Gaussian) etc. in one energy: terms sum up, each with its weight */
START_TEST(terms_are_summed_with_their_weights) {
  const char *names[32];
  const PetscInt n = PetscMin(energy_names(names), MU_MAX_TERMS);
  Fixture f = fixture(2, PETSC_TRUE, PETSC_FALSE);
  Vec rho = TestRandomField(f.grid, 8, 0.05, 2), df, sum, part;
  PetscReal value, terms[MU_MAX_TERMS], total = 0;
  MuEnergy all;
  OK(MuGridCreateField(f.grid, &df));
  OK(MuGridCreateField(f.grid, &sum));
  OK(MuGridCreateField(f.grid, &part));
  for (PetscInt k = 0; k < n; ++k) {
    PetscReal single;
    MuEnergy energy = make_energy(&f, names[k], 1);
    OK(MuEnergyEvaluate(energy, rho, &single, NULL, part, NULL));
    OK(VecAXPY(sum, 0.1 * (k + 1), part));
    total += 0.1 * (k + 1) * single;
    OK(MuEnergyDestroy(&energy));
  }
  f.spec.terms = n;
  for (PetscInt k = 0; k < n; ++k) set_term(&f, k, names[k], 0.1 * (k + 1));
  OK(MuEnergyCreate(f.grid, &f.spec, &all));
  OK(MuEnergyEvaluate(all, rho, &value, terms, df, NULL));
  ck_assert_double_eq_tol(value, total, 1e-13 * fabs(total));
  ck_assert_double_le(TestMaxDifference(df, sum), 1e-12);
  for (PetscInt k = 0; k < n; ++k) value -= terms[k];
  ck_assert_double_eq_tol(value, 0, 1e-13 * fabs(total));
  OK(MuEnergyDestroy(&all));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&df));
  OK(VecDestroy(&sum));
  OK(VecDestroy(&part));
  destroy_fixture(&f);
}
END_TEST

/* Stationary to rounding: rho = pi has F = 0 and DF = 0, exactly, for every energy of s. */
START_TEST(target_is_stationary) {
  const char *name[] = {"kl", "inclusive_kl", "hellinger", "chi2", "power", "l2"};
  Fixture f = fixture(2, PETSC_TRUE, PETSC_FALSE);
  const MuGridInfo *info;
  PetscReal norm, *a;
  Vec pi, df;
  OK(MuGridGetInfo(f.grid, &info));
  OK(VecDuplicate(f.log_pi, &pi));
  OK(VecCopy(f.log_pi, pi));
  OK(VecGetArray(pi, &a));
  MuArrayExp(info->local_size, a, a);
  OK(VecRestoreArray(pi, &a));
  OK(MuGridApplyMask(f.grid, pi));
  OK(MuGridCreateField(f.grid, &df));
  for (PetscInt k = 0; k < 6; ++k) {
    PetscReal value;
    MuEnergy energy = make_energy(&f, name[k], 1);
    OK(MuEnergyEvaluate(energy, pi, &value, NULL, df, NULL));
    OK(VecNorm(df, NORM_INFINITY, &norm));
    ck_assert_double_eq(value, 0);
    ck_assert_double_eq(norm, 0);
    OK(MuEnergyDestroy(&energy));
  }
  OK(VecDestroy(&pi));
  OK(VecDestroy(&df));
  destroy_fixture(&f);
}
END_TEST

/* Targets far below the smallest number: V up to 1e4. rho log(rho/pi) is a sum of rho V. */
static PetscReal steep(PetscReal x, PetscReal y) {
  (void)y;
  return -1e4 * x * x;
}
static PetscReal one(PetscReal x, PetscReal y) {
  (void)x, (void)y;
  return 1;
}
static PetscReal steep_oracle(PetscReal x, PetscReal y) {
  return 1e4 * x * x - 1 + exp(-1e4 * x * x) + 0 * y;
}

START_TEST(kl_bears_underflowing_targets) {
  MuGrid grid = TestGrid(1, 64, 1, -1, 1, PETSC_FALSE);
  Vec log_pi = TestField(grid, steep), rho = TestField(grid, one),
      f = TestField(grid, steep_oracle);
  Vec df, rest;
  PetscReal value, expected, diffusivity, norm;
  PetscBool only;
  MuEnergySpec spec = {.terms = 1, .term = {{.name = "kl", .weight = 2}}, .log_target = log_pi};
  MuEnergy energy;
  OK(MuEnergyCreate(grid, &spec, &energy));
  OK(MuGridCreateField(grid, &df));
  OK(MuGridCreateField(grid, &rest));
  OK(MuEnergyEvaluate(energy, rho, &value, NULL, df, NULL));
  OK(MuGridIntegrate(grid, f, &expected));
  ck_assert_double_eq_tol(value, 2 * expected, 1e-12 * expected);
  OK(MuEnergyLogarithmicPart(energy, &diffusivity, rest, &only));
  ck_assert_double_eq(diffusivity, 2);
  ck_assert_int_eq(only, PETSC_TRUE);
  OK(VecAXPY(df, -1, rest)); /* what is left is 2 log rho = 0, at |log pi| up to 1e4 */
  OK(VecNorm(df, NORM_INFINITY, &norm));
  ck_assert_double_le(norm, 1e-11);
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&log_pi));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&f));
  OK(VecDestroy(&df));
  OK(VecDestroy(&rest));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ infinite values */

static PetscReal half_target(PetscReal x, PetscReal y) {
  return x < 0 ? -INFINITY : -0.5 + 0 * y;
}
static PetscReal half_density(PetscReal x, PetscReal y) {
  return x < 0.5 ? 0 : 1 + 0 * y;
}

START_TEST(energies_are_infinite_where_they_must_be) {
  /* mass where pi vanishes; rho = 0 where pi does not */
  const struct {
    const char *name;
    PetscReal p;
    PetscBool mass_outside, gap;
  } row[] = {{"kl", 0, 1, 0},        {"chi2", 0, 1, 0},     {"inclusive_kl", 0, 0, 1},
             {"hellinger", 0, 0, 0}, {"power", 1, 1, 0},    {"power", 1.5, 1, 0},
             {"power", 0.9, 0, 0},   {"power", -0.5, 0, 1}, {"power", 0, 0, 1},
             {"l2", 0, 0, 0}};
  MuGrid grid = TestGrid(1, 32, 1, -1, 1, PETSC_FALSE);
  Vec log_pi = TestField(grid, half_target), everywhere = TestField(grid, one);
  Vec gap = TestField(grid, half_density), df;
  OK(MuGridCreateField(grid, &df));
  for (size_t k = 0; k < sizeof row / sizeof row[0]; ++k) {
    const TestNumbers numbers = {.power_exponent = row[k].p};
    MuEnergySpec spec = {.terms = 1,
                         .term = {TestSummand(MuEnergyGetInfo, row[k].name, 1, numbers)}};
    PetscReal *d;
    MuEnergy energy;
    spec.log_target = log_pi;
    OK(MuEnergyCreate(grid, &spec, &energy));
    ck_assert_int_eq(isinf(value_of(energy, everywhere)) != 0, row[k].mass_outside);
    ck_assert_int_eq(isinf(value_of(energy, gap)) != 0, row[k].gap);
    ck_assert_int_eq(isnan(value_of(energy, gap)), 0);
    OK(MuEnergyEvaluate(energy, gap, NULL, NULL, df, NULL)); /* finite, 0 where both vanish */
    d = TestGather(grid, df);
    for (PetscInt i = 0; i < 32; ++i) ck_assert_msg(isfinite(d[i]), "%s", row[k].name);
    ck_assert_double_eq(d[0], 0);
    free(d);
    OK(MuEnergyDestroy(&energy));
  }
  OK(VecDestroy(&log_pi));
  OK(VecDestroy(&everywhere));
  OK(VecDestroy(&gap));
  OK(VecDestroy(&df));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The finite limits where rho or pi vanishes: hellinger between disjoint supports is 2 (mass +
   mass), kl of a density with a gap is int over the gap of pi more. */
START_TEST(vanishing_densities_have_their_limits) {
  MuGrid grid = TestGrid(1, 32, 1, -1, 1, PETSC_FALSE);
  Vec log_pi = TestField(grid, half_target), gap = TestField(grid, half_density), zero;
  const PetscReal pi = exp(-0.5);
  const struct {
    const char *name;
    PetscReal exact;
  } row[] = {{"kl", 0.5 * (0.5 - 1 + pi) + 0.5 * pi},
             {"hellinger", (1 - sqrt(pi)) * (1 - sqrt(pi)) + pi},
             {"chi2", 0.25 * (1 / pi - 1) * (1 / pi - 1) * pi + 0.25 * pi}};
  OK(MuGridCreateField(grid, &zero));
  for (size_t k = 0; k < 3; ++k) {
    MuEnergySpec spec = {.terms = 1, .term = {{.name = row[k].name, .weight = 1}}};
    MuEnergy energy;
    spec.log_target = log_pi;
    OK(MuEnergyCreate(grid, &spec, &energy));
    ck_assert_double_eq_tol(value_of(energy, gap), row[k].exact, 1e-14);
    ck_assert_double_eq_tol(value_of(energy, zero), pi * (k == 0 ? 1 : (k == 1 ? 2 : 0.5)),
                            1e-14); /* pi/p */
    OK(MuEnergyDestroy(&energy));
  }
  OK(VecDestroy(&log_pi));
  OK(VecDestroy(&gap));
  OK(VecDestroy(&zero));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ discrete gradients */

/* <G, b - a> - (F(b) - F(a)), relative to what is summed: |F(a)| + |F(b)| + sum |G (b - a)| |C|. */
static PetscReal identity_defect(Fixture *f, MuEnergy energy, Vec a, Vec b, Vec g) {
  Vec step, size;
  PetscReal fa = value_of(energy, a), fb = value_of(energy, b), work, scale;
  OK(VecDuplicate(a, &step));
  OK(VecDuplicate(a, &size));
  OK(MuEnergyDiscreteGradient(energy, a, b, g, NULL));
  OK(VecWAXPY(step, -1, a, b));
  OK(MuGridInner(f->grid, g, step, &work));
  OK(VecPointwiseMult(size, g, step));
  OK(MuGridDistanceL1(f->grid, size, NULL, &scale));
  OK(VecDestroy(&step));
  OK(VecDestroy(&size));
  return fabs(work - (fb - fa)) / (fabs(fa) + fabs(fb) + scale);
}

/* b = a (1 + delta noise): from far apart to one unit in the last place */
static Vec neighbour(Fixture *f, Vec a, PetscReal delta) {
  Vec b, noise = TestRandomField(f->grid, 12, -1, 1);
  OK(VecDuplicate(a, &b));
  OK(VecPointwiseMult(b, a, noise));
  OK(VecAYPX(b, delta, a));
  OK(VecDestroy(&noise));
  return b;
}

START_TEST(discrete_gradient_identity) {
  const PetscReal delta[] = {0.99, 0.3, 1e-2, 1e-5, 1e-9, 1e-14, 0};
  const char *names[32];
  const PetscInt n = energy_names(names);
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt k = 0; k < n; ++k) {
      Fixture f = fixture(dim, (PetscBool)(dim == 2), PETSC_FALSE);
      MuEnergy energy = make_energy(&f, names[k], 1.3);
      Vec a = TestRandomField(f.grid, 11, 0.05, 1.7), g, back, df;
      OK(MuGridCreateField(f.grid, &g));
      OK(MuGridCreateField(f.grid, &back));
      OK(MuGridCreateField(f.grid, &df));
      for (size_t j = 0; j < sizeof delta / sizeof delta[0]; ++j) {
        Vec b = neighbour(&f, a, delta[j]);
        PetscReal defect = identity_defect(&f, energy, a, b, g);
        ck_assert_msg(defect < 1e-14, "%s, delta %g: %g", names[k], delta[j], defect);
        OK(MuEnergyDiscreteGradient(energy, b, a, back, NULL));
        ck_assert_double_le(TestMaxDifference(g, back), 1e-14 * 50);
        OK(VecDestroy(&b));
      }
      OK(MuEnergyEvaluate(energy, a, NULL, NULL, df, NULL)); /* g is that of delta = 0 */
      ck_assert_double_le(TestMaxDifference(g, df), 1e-13);
      OK(MuEnergyDestroy(&energy));
      OK(VecDestroy(&a));
      OK(VecDestroy(&g));
      OK(VecDestroy(&back));
      OK(VecDestroy(&df));
      destroy_fixture(&f);
    }
}
END_TEST

/* G(a, b) - DF((a + b)/2) = O(|b - a|^2), not 0 for an energy that is not quadratic */
START_TEST(discrete_gradient_is_second_order) {
  const char *name[] = {"kl",           "inclusive_kl",  "power", "entropy", "internal",
                        "blob_entropy", "blob_internal", "npmle", "moreau"};
  for (PetscInt k = 0; k < 9; ++k) {
    Fixture f = fixture(2, PETSC_TRUE, PETSC_FALSE);
    MuEnergy energy = make_energy(&f, name[k], 1);
    Vec a = TestRandomField(f.grid, 11, 0.4, 1.7), mid, g, df;
    PetscReal delta[3], error[3];
    OK(MuGridCreateField(f.grid, &g));
    OK(MuGridCreateField(f.grid, &df));
    OK(MuGridCreateField(f.grid, &mid));
    for (PetscInt j = 0; j < 3; ++j) {
      delta[j] = 0.1 / (1 << j);
      Vec b = neighbour(&f, a, delta[j]);
      OK(VecAXPBYPCZ(mid, 0.5, 0.5, 0, a, b));
      OK(MuEnergyDiscreteGradient(energy, a, b, g, NULL));
      OK(MuEnergyEvaluate(energy, mid, NULL, NULL, df, NULL));
      error[j] = TestMaxDifference(g, df);
      OK(VecDestroy(&b));
    }
    ck_assert_double_eq_tol(TestSlope(3, delta, error), 2, 0.1);
    OK(MuEnergyDestroy(&energy));
    OK(VecDestroy(&a));
    OK(VecDestroy(&mid));
    OK(VecDestroy(&g));
    OK(VecDestroy(&df));
    destroy_fixture(&f);
  }
}
END_TEST

/* One cell, in long double. Close together: the integral of f' from a to b by ten-point Gauss, f' =
   (s^q - 1)/q; else the quotient itself, which then loses nothing that long double does not have.
 */
static long double slope_oracle(long double p, long double r, long double pi) {
  long double q = p - 1, t = logl(r / pi);
  return q == 0 ? t : expm1l(q * t) / q;
}

static long double quotient_oracle(long double p, long double a, long double b, long double pi) {
  static const long double x[5] = {
      0.1488743389816312108848260011297200L, 0.4333953941292471907992659431657842L,
      0.6794095682990244062343273651148736L, 0.8650633666889845107320966884234930L,
      0.9739065285171717200779640120844521L};
  static const long double w[5] = {
      0.2955242247147528701738929946513383L, 0.2692667193099963550912269215694694L,
      0.2190863625159820439955349342281632L, 0.1494513491505805931457763396576973L,
      0.0666713443086881375935688098933318L};
  long double sum = 0, m = (a + b) / 2, h = (b - a) / 2;
  if (fabsl(b - a) > 0.1L * (a + b)) {
    long double fa = a == 0 ? (p > 0 ? pi / p : INFINITY) : pi * phi(p, a / pi);
    return (pi * phi(p, b / pi) - fa) / (b - a);
  }
  for (int k = 0; k < 5; ++k)
    sum += w[k] / 2 * (slope_oracle(p, m + h * x[k], pi) + slope_oracle(p, m - h * x[k], pi));
  return sum;
}

/* G of cells whose pairs are a[], b[] and pi[]: one grid for all of them */
static PetscReal *cell_gradients(PetscReal p, PetscInt n, const PetscReal *a, const PetscReal *b,
                                 const PetscReal *log_pi) {
  MuGrid grid = TestGrid(1, n, 1, 0, 1, PETSC_FALSE);
  Vec field[3], g;
  PetscReal *gathered;
  const PetscReal *given[3] = {a, b, log_pi};
  MuEnergySpec spec = {.terms = 1, .term = {{.name = "power", .weight = 1, .value = {p}}}};
  MuEnergy energy;
  for (PetscInt k = 0; k < 3; ++k) {
    OK(MuGridCreateField(grid, &field[k]));
    OK(MuGridScatter(grid, given[k], field[k]));
  }
  if (p == 1) spec.term[0].name = "kl";
  spec.log_target = field[2];
  OK(MuEnergyCreate(grid, &spec, &energy));
  OK(MuGridCreateField(grid, &g));
  OK(MuEnergyDiscreteGradient(energy, field[0], field[1], g, NULL));
  gathered = TestGather(grid, g);
  OK(MuEnergyDestroy(&energy));
  for (PetscInt k = 0; k < 3; ++k) OK(VecDestroy(&field[k]));
  OK(VecDestroy(&g));
  OK(MuGridDestroy(&grid));
  return gathered;
}

START_TEST(discrete_gradients_of_extreme_ratios) {
  const PetscReal p[] = {-1, 0, 1e-8, 0.3, 0.5, 0.999, 1, 1 + 1e-8, 1.5, 2, 3};
  const PetscReal excess[] = {0,   1e-14, 1e-10, 1e-6, 1e-3, 0.03, 0.19, 0.21, 0.5,
                              1.9, 2.1,   10,    1e4,  1e8,  1e15, 1e17, 1e50, 1e200};
  enum { EXCESSES = sizeof excess / sizeof excess[0], N = 2 * EXCESSES };
  for (size_t k = 0; k < sizeof p / sizeof p[0]; ++k) {
    PetscReal a[N], b[N], log_pi[N], *g, *back;
    for (PetscInt i = 0; i < N; ++i) {
      a[i] = i < EXCESSES ? 0.37 : 0.37 * (1 + excess[i % EXCESSES]); /* rising, then falling */
      b[i] = i < EXCESSES ? 0.37 * (1 + excess[i % EXCESSES]) : 0.37;
      if (excess[i % EXCESSES] >= 1e50) { /* symmetric around 1, so that powers stay in range */
        PetscReal root = sqrt(excess[i % EXCESSES]);
        a[i] = i < EXCESSES ? 1 / root : root;
        b[i] = i < EXCESSES ? root : 1 / root;
      }
      log_pi[i] = -0.4;
    }
    g = cell_gradients(p[k], N, a, b, log_pi);
    back = cell_gradients(p[k], N, b, a, log_pi);
    for (PetscInt i = 0; i < N; ++i) {
      PetscReal exact = (PetscReal)quotient_oracle(p[k], a[i], b[i], expl(-0.4L));
      /* G = (s^q R - 1)/q: relative to its larger part. log 1e100 = 230 carries 3e-14, times p. */
      PetscReal scale = fabs(exact) + 1;
      ck_assert_msg(fabs(g[i] - exact) <= 1e-13 * scale, "p %g, a %g, b %g: %.17g, exact %.17g",
                    p[k], a[i], b[i], g[i], exact);
      ck_assert_double_eq_tol(g[i], back[i], 1e-15 * scale);
    }
    free(g);
    free(back);
  }
}
END_TEST

START_TEST(discrete_gradients_from_zero) {
  const PetscReal p[] = {0.01, 0.3, 0.5, 0.8, 1, 1.5, 2, 3}, m[] = {0.4, 2, 3};
  const PetscReal a[4] = {0, 0, 0, 0.7}, b[4] = {1e-200, 0.7, 1e20, 0},
                  log_pi[4] = {-0.4, -0.4, 1, 0};
  for (size_t k = 0; k < sizeof p / sizeof p[0]; ++k) {
    PetscReal *g = cell_gradients(p[k], 4, a, b, log_pi);
    for (PetscInt i = 0; i < 4; ++i) {
      PetscReal r = PetscMax(a[i], b[i]);
      long double pi = expl(log_pi[i]), s = r / pi;
      /* (phi(s) - 1/p) pi/r without cancellation: (s^q - p)/(p q), log s - 1 at p = 1 */
      long double q = (long double)p[k] - 1;
      long double exact = p[k] == 1 ? logl(s) - 1 : (powl(s, q) - p[k]) / (p[k] * q);
      ck_assert_msg(fabsl(g[i] - exact) <= 2e-13L * (1 + fabsl(exact)), "p %g, r %g: %.17g, %.17Lg",
                    p[k], r, g[i], exact);
    }
    free(g);
  }
  for (size_t k = 0; k < 3; ++k) { /* internal: b^(m-1)/(m-1) */
    MuGrid grid = TestGrid(1, 4, 1, 0, 1, PETSC_FALSE);
    Vec ra, rb, g;
    MuEnergySpec spec = {.terms = 1, .term = {{.name = "internal", .weight = 1, .value = {m[k]}}}};
    MuEnergy energy;
    PetscReal *d;
    OK(MuEnergyCreate(grid, &spec, &energy));
    OK(MuGridCreateField(grid, &ra));
    OK(MuGridCreateField(grid, &rb));
    OK(MuGridCreateField(grid, &g));
    OK(VecSet(rb, 0.7));
    OK(MuEnergyDiscreteGradient(energy, ra, rb, g, NULL));
    d = TestGather(grid, g);
    ck_assert_double_eq_tol(d[2], pow(0.7, m[k] - 1) / (m[k] - 1), 1e-14);
    free(d);
    OK(MuEnergyDestroy(&energy));
    OK(VecDestroy(&ra));
    OK(VecDestroy(&rb));
    OK(VecDestroy(&g));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ curvature and parts */

START_TEST(curvature_is_the_slope_of_the_derivative) {
  const char *name[] = {"kl",    "inclusive_kl", "hellinger", "chi2",
                        "power", "l2",           "entropy",   "internal"};
  const PetscReal e = 1e-4;
  for (PetscInt k = 0; k < 8; ++k) {
    Fixture f = fixture(1, PETSC_FALSE, PETSC_FALSE);
    MuEnergy energy = make_energy(&f, name[k], 1.1);
    Vec rho = TestRandomField(f.grid, 3, 0.5, 1.5), c, up, down, shift;
    OK(MuGridCreateField(f.grid, &c));
    OK(MuGridCreateField(f.grid, &up));
    OK(MuGridCreateField(f.grid, &down));
    OK(VecDuplicate(rho, &shift));
    OK(MuEnergyCurvature(energy, rho, c));
    OK(VecCopy(rho, shift));
    OK(VecShift(shift, e));
    OK(MuEnergyEvaluate(energy, shift, NULL, NULL, up, NULL));
    OK(VecShift(shift, -2 * e));
    OK(MuEnergyEvaluate(energy, shift, NULL, NULL, down, NULL));
    OK(VecAXPY(up, -1, down));
    OK(VecScale(up, 1 / (2 * e)));
    ck_assert_double_le(TestMaxDifference(up, c), 2e-6); /* e^2 f''''/6, f'''' up to 1e2 */
    OK(MuEnergyDestroy(&energy));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&c));
    OK(VecDestroy(&up));
    OK(VecDestroy(&down));
    OK(VecDestroy(&shift));
    destroy_fixture(&f);
  }
}
END_TEST

START_TEST(parts_sum_to_the_derivative) {
  const char *names[32];
  const PetscInt n = energy_names(names);
  for (PetscInt k = 0; k <= n; ++k) { /* every energy alone, then as many as a sum may have */
    Fixture f = fixture(2, PETSC_TRUE, PETSC_FALSE);
    MuEnergy energy;
    Vec rho = TestRandomField(f.grid, 3, 0.2, 1.5), sum, v, part[3], df, log_rho;
    PetscReal diffusivity;
    PetscBool only, has[3];
    f.spec.terms = k < n ? 1 : PetscMin(n, MU_MAX_TERMS);
    for (PetscInt j = 0; j < f.spec.terms; ++j)
      set_term(&f, j, names[k < n ? k : j], 0.3 + 0.1 * j);
    OK(MuEnergyCreate(f.grid, &f.spec, &energy));
    OK(MuGridCreateField(f.grid, &sum));
    OK(MuGridCreateField(f.grid, &v));
    OK(MuGridCreateField(f.grid, &df));
    OK(VecDuplicate(rho, &log_rho));
    OK(VecCopy(rho, log_rho));
    OK(VecShift(log_rho, 1e-300)); /* outside the mask */
    OK(VecLog(log_rho));
    OK(MuGridApplyMask(f.grid, log_rho));
    OK(MuEnergyLogarithmicPart(energy, &diffusivity, v, &only));
    OK(VecWAXPY(sum, diffusivity, log_rho, v));
    for (PetscInt p = 0; p < 3; ++p) OK(MuGridCreateField(f.grid, &part[p]));
    OK(MuEnergyTransportParts(energy, rho, part, has));
    ck_assert_int_eq(only, !has[0] && !has[1] && !has[2]);
    for (PetscInt p = 0; p < 3; ++p) {
      PetscReal norm;
      OK(VecNorm(part[p], NORM_INFINITY, &norm));
      ck_assert_int_eq(norm > 0, has[p]);
      OK(VecAXPY(sum, 1, part[p]));
    }
    OK(MuEnergyEvaluate(energy, rho, NULL, NULL, df, NULL));
    ck_assert_double_le(TestMaxDifference(sum, df), 1e-12);
    OK(MuEnergyTransportParts(energy, rho, (Vec[]){NULL, part[MU_DF_LOCAL], NULL}, NULL));
    OK(MuEnergyDestroy(&energy));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&sum));
    OK(VecDestroy(&v));
    OK(VecDestroy(&df));
    OK(VecDestroy(&log_rho));
    for (PetscInt p = 0; p < 3; ++p) OK(VecDestroy(&part[p]));
    destroy_fixture(&f);
  }
}
END_TEST

/* DF = Kc preimage, for the derivative and for the discrete gradient */
START_TEST(preimage_of_mmd) {
  Fixture f = fixture(2, PETSC_FALSE, PETSC_FALSE);
  MuEnergy energy = make_energy(&f, "mmd", 1.7), other;
  MuConvolution convolution;
  PetscBool has;
  Vec a = TestRandomField(f.grid, 3, 0.2, 1.5), b = TestRandomField(f.grid, 4, 0.2, 1.5), df, pre;
  OK(MuConvolutionCreate(f.grid, f.kernel, MU_CELLS, &convolution));
  OK(MuGridCreateField(f.grid, &df));
  OK(MuGridCreateField(f.grid, &pre));
  OK(MuEnergyHasPreimage(energy, &has, NULL));
  ck_assert_int_eq(has, PETSC_TRUE);
  OK(MuEnergyEvaluate(energy, a, NULL, NULL, df, pre));
  OK(MuConvolutionApply(convolution, pre, pre));
  ck_assert_double_le(TestMaxDifference(df, pre), 1e-14);
  OK(MuEnergyDiscreteGradient(energy, a, b, df, pre));
  OK(MuConvolutionApply(convolution, pre, pre));
  ck_assert_double_le(TestMaxDifference(df, pre), 1e-14);
  other = make_energy(&f, "l2", 1);
  OK(MuEnergyHasPreimage(other, &has, NULL));
  ck_assert_int_eq(has, PETSC_FALSE);
  OK(MuEnergyDestroy(&energy));
  OK(MuEnergyDestroy(&other));
  OK(MuConvolutionDestroy(&convolution));
  OK(VecDestroy(&a));
  OK(VecDestroy(&b));
  OK(VecDestroy(&df));
  OK(VecDestroy(&pre));
  destroy_fixture(&f);
}
END_TEST

/* ------------------------------------------------------------------ interaction */

static PetscErrorCode odd(void *ctx, const PetscReal z[2], PetscReal *w) {
  (void)ctx;
  *w = z[0];
  return 0;
}
static PetscErrorCode singular(void *ctx, const PetscReal z[2], PetscReal *w) {
  const PetscInt dim = *(const PetscInt *)ctx;
  const PetscReal r = hypot(z[0], dim == 2 ? z[1] : 0);
  *w = dim == 1 ? -log(r) : 1 / r;
  return 0;
}

/* rho = one cell: F = 1/2 |C|^2 W0, W0 the average over the cell. In 1-D of -log|z|: 3/2 - log h;
   in 2-D of 1/|z| over the unit square (h = 1): (4/3)(1 - sqrt 2) + 4 asinh 1 = 2.9732... (Clausen)
 */
START_TEST(singular_interactions_are_averaged) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    const PetscReal width = dim == 1 ? 0.25 : 1;
    MuGrid grid = TestGrid(dim, 6, 6, 0, 6 * width, PETSC_FALSE);
    const MuGridInfo *info;
    MuEnergySpec spec = {.terms = 1, .term = {{.name = "interaction", .weight = -1}}};
    MuEnergy energy;
    Vec rho;
    PetscReal exact = dim == 1 ? 1.5 - log(width) : 4.0 / 3 * (1 - sqrt(2)) + 4 * asinh(1);
    PetscInt d = dim;
    spec.term[0].function = singular;
    spec.term[0].function_ctx = &d;
    OK(MuGridGetInfo(grid, &info));
    OK(MuEnergyCreate(grid, &spec, &energy));
    OK(MuGridCreateField(grid, &rho));
    if (info->rank == 0) OK(VecSetValue(rho, 0, 1 / info->volume, INSERT_VALUES));
    OK(VecAssemblyBegin(rho));
    OK(VecAssemblyEnd(rho));
    ck_assert_double_eq_tol(value_of(energy, rho), -0.5 * exact, 1e-11);
    OK(MuEnergyDestroy(&energy));
    OK(VecDestroy(&rho));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* W by its definition: at half a period of the periodic axis (x) the mean of both images */
static PetscReal image_weight(const MuGridInfo *info, void *ctx, PetscInt dx, PetscInt dy) {
  const PetscInt nx = info->cells[0];
  PetscReal z[2] = {0, dy * info->spacing[1]}, w, other;
  if (info->periodic[0]) dx = (dx % nx + nx) % nx;
  if (info->periodic[0] && 2 * dx > nx) dx -= nx;
  z[0] = dx * info->spacing[0];
  OK(skew_well(ctx, z, &w));
  if (!info->periodic[0] || 2 * dx != nx) return w;
  z[0] = -z[0];
  OK(skew_well(ctx, z, &other));
  return 0.5 * (w + other);
}

START_TEST(interaction_is_the_double_sum) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int periodic = 0; periodic <= 1; ++periodic) {
      Fixture f = fixture(dim, (PetscBool)!periodic, (PetscBool)periodic);
      const MuGridInfo *info;
      MuEnergy energy = make_energy(&f, "interaction", 1);
      Vec rho = TestRandomField(f.grid, 8, 0.05, 2);
      PetscReal *r = TestGather(f.grid, rho), sum = 0;
      OK(MuGridGetInfo(f.grid, &info));
      const PetscInt nx = info->cells[0], n = nx * info->cells[1];
      for (PetscInt i = 0; i < n; ++i)
        for (PetscInt j = 0; j < n; ++j)
          sum += r[i] * r[j] * image_weight(info, f.grid, i % nx - j % nx, i / nx - j / nx);
      sum *= 0.5 * info->volume * info->volume;
      ck_assert_double_eq_tol(value_of(energy, rho) / sum, 1, 1e-12);
      free(r);
      OK(MuEnergyDestroy(&energy));
      OK(VecDestroy(&rho));
      destroy_fixture(&f);
    }
}
END_TEST

/* ------------------------------------------------------------------ bad input */

static PetscErrorCode holes(void *ctx, const PetscReal x[2], PetscReal *v) {
  (void)ctx;
  *v = 1 / PetscMax(x[0], 0); /* infinite on the lower half: on some ranks only */
  return 0;
}

static void refused(Fixture *f, const char *name, PetscReal weight, const char *in_sentence) {
  MuEnergy energy;
  f->spec.terms = 1;
  set_term(f, 0, name, weight);
  ck_assert_int_eq(MuEnergyCreate(f->grid, &f->spec, &energy), MU_ERR_INPUT);
  ck_assert_ptr_null(energy);
  ck_assert_msg(strstr(MuErrorMessage(), in_sentence) != NULL, "%s", MuErrorMessage());
}

START_TEST(bad_energies_are_refused) {
  Fixture f = fixture(1, PETSC_FALSE, PETSC_FALSE);
  const MuEnergySpec good = f.spec;
  Vec nan_target;
  refused(&f, "energia", 1, "energia");
  refused(&f, "kl", 0, "energy_kl");
  refused(&f, "mmd", -1, "energy_mmd");
  f.spec.log_target = NULL;
  refused(&f, "chi2", 1, "target");
  f.spec = good;
  f.spec.kernel = NULL;
  refused(&f, "blob_entropy", 1, "kernel");
  f.spec = good;
  MuKernelSpec riesz;
  MuKernel conditional;
  MuKernelSpecDefault(&riesz);
  strcpy(riesz.type, "riesz");
  riesz.bandwidth = 1;
  riesz.extension = MU_EXTENSION_ZERO;
  OK(MuKernelCreate(&riesz, 1, &conditional));
  f.spec.kernel = conditional;
  refused(&f, "blob_entropy", 1, "riesz");
  OK(MuKernelDestroy(&conditional));
  f.spec = good;
  f.numbers.internal_exponent = 1;
  refused(&f, "internal", 1, "energy_internal_exponent");
  f.numbers.internal_exponent = -1;
  refused(&f, "internal", 1, "energy_internal_exponent");
  f.numbers.power_exponent = NAN;
  refused(&f, "power", 1, "energy_power_exponent");
  f.potential = NULL;
  refused(&f, "potential", 1, "energy_potential");
  f.potential = holes;
  refused(&f, "potential", 1, "energy_potential_formula");
  f.interaction = odd;
  refused(&f, "interaction", 1, "even");
  OK(VecDuplicate(f.log_pi, &nan_target));
  OK(VecSet(nan_target, NAN));
  f.spec = good;
  f.spec.log_target = nan_target;
  refused(&f, "kl", 1, "log pi");
  f.spec.terms = 0;
  MuEnergy energy;
  ck_assert_int_eq(MuEnergyCreate(f.grid, &f.spec, &energy), MU_ERR_INPUT);
  OK(VecDestroy(&nan_target));
  destroy_fixture(&f);
}
END_TEST

/* ------------------------------------------------------------------ means */

START_TEST(means_agree_with_their_formulas) {
  const PetscReal excess[] = {0,   1e-15, 1e-12, 1e-8, 1e-4, 0.01, 0.2,  0.33,  0.34,
                              0.5, 1,     3,     100,  1e10, 1e16, 1e18, 1e200, 1e299};
  const PetscReal m[] = {-2, -1, 0, 0.5, 1 - 1e-9, 1, 1 + 1e-9, 1.5, 2, 3, 7};
  enum { N = sizeof excess / sizeof excess[0] };
  PetscReal a[N], b[N], mean[N];
  for (PetscInt i = 0; i < N; ++i) {
    long double x = 0.3L, y, exact;
    a[i] = 0.3;
    b[i] = 0.3 * (1 + excess[i]);
    x = a[i], y = b[i];
    long double u = (y - x) / (x + y), uu = u * u; /* near a = b: m z/atanh z by its series */
    exact = excess[i] < 1e-2 ? (x + y) / 2 / (1 + uu / 3 + uu * uu / 5 + uu * uu * uu / 7)
                             : (y - x) / logl(y / x);
    ck_assert_double_eq_tol(MuLogarithmicMean(a[i], b[i]) / (PetscReal)exact, 1, 1e-15);
    ck_assert_double_eq(MuLogarithmicMean(a[i], b[i]), MuLogarithmicMean(b[i], a[i]));
    for (size_t k = 0; k < sizeof m / sizeof m[0]; ++k) {
      long double e = m[k];
      PetscReal value = MuStolarskyMean(a[i], b[i], m[k]);
      if (e != 0 && e != 1 && fabsl(e - 1) > 1e-6L && excess[i] > 1e-2 && excess[i] < 1e50) {
        exact = (e - 1) / e * (powl(y, e) - powl(x, e)) / (powl(y, e - 1) - powl(x, e - 1));
        ck_assert_double_eq_tol(value / (PetscReal)exact, 1, 1e-14);
      } else if (excess[i] <= 1e-2) { /* m (1 + (2e - 4)/3 ... z^2/2 + O(z^4)): expansion in z^2 */
        exact = (x + y) / 2 * (1 + (e - 2) / 3 * uu);
        ck_assert_double_eq_tol(value / (PetscReal)exact, 1, 1e-15 + 200 * pow((PetscReal)u, 4));
      } else if (fabsl(e - 1) <= 1e-6L && excess[i] < 1e50) {
        ck_assert_double_eq_tol(value / (PetscReal)((y - x) / logl(y / x)), 1, 1e-7);
      }
      ck_assert_double_eq(value, MuStolarskyMean(b[i], a[i], m[k]));
      ck_assert_msg(value >= 0.3 * (1 - 1e-15) && value <= b[i] * (1 + 1e-15), "m %g, b %g: %g",
                    m[k], b[i], value);
    }
  }
  MuArrayLogarithmicMean(N, a, b, mean);
  for (PetscInt i = 0; i < N; ++i)
    ck_assert_double_eq_tol(mean[i] / MuLogarithmicMean(a[i], b[i]), 1, 1e-15);
}
END_TEST

START_TEST(means_at_zero_and_at_the_ends_of_the_range) {
  PetscReal a[4] = {0, 1, 0, 1e-300}, b[4] = {1, 0, 0, 1e300}, mean[4];
  ck_assert_double_eq(MuLogarithmicMean(0, 2), 0);
  ck_assert_double_eq(MuLogarithmicMean(0, 0), 0);
  ck_assert_double_eq_tol(MuLogarithmicMean(1e-300, 1e300) / (1e300 / (600 * log(10))), 1, 1e-14);
  ck_assert_double_eq_tol(MuLogarithmicMean(1e308, 1.5e308) / (0.5e308 / log(1.5)), 1, 1e-15);
  MuArrayLogarithmicMean(4, a, b, mean);
  for (PetscInt i = 0; i < 4; ++i)
    ck_assert_double_le(fabs(mean[i] - MuLogarithmicMean(a[i], b[i])), 1e-15 * mean[i]);
  ck_assert_double_eq_tol(MuStolarskyMean(0, 3, 2), 1.5, 1e-15);
  ck_assert_double_eq_tol(MuStolarskyMean(3, 0, 3), 2, 1e-15);
  ck_assert_double_eq(MuStolarskyMean(0, 3, 1), 0);
  ck_assert_double_eq(MuStolarskyMean(0, 3, 0.5), 0);
  ck_assert_double_eq(MuStolarskyMean(0, 0, 2), 0);
  ck_assert_double_eq_tol(MuStolarskyMean(1, 1e20, 2), 0.5e20, 1e5);
}
END_TEST

/* ------------------------------------------------------------------ diagnostics */

static PetscReal gaussian(PetscReal x, PetscReal mean, PetscReal sigma) {
  return -0.5 * (x - mean) * (x - mean) / (sigma * sigma) - log(sigma * sqrt(2 * PETSC_PI));
}
static PetscReal log_narrow(PetscReal x, PetscReal y) {
  return gaussian(x, -0.5, 0.5) + 0 * y;
}
static PetscReal wide(PetscReal x, PetscReal y) {
  return 3 * exp(gaussian(x, 0.4, 0.8)) + 0 * y; /* mass 3: normalised by w2 */
}

static PetscReal diagnose(MuGrid grid, const char *name, Vec log_pi, MuKernel kernel, Vec rho) {
  MuDiagnostic d;
  PetscReal value;
  OK(MuDiagnosticCreate(grid, name, log_pi, kernel, &d));
  OK(MuDiagnosticEvaluate(d, rho, &value));
  OK(MuDiagnosticDestroy(&d));
  return value;
}

/* W2^2 = (m1 - m2)^2 + (s1 - s2)^2. Point values stand for cell averages and a density that is
   constant in a cell for its own: both O(h^2). */
START_TEST(w2_of_gaussians) {
  PetscReal h[3], error[3], exact = sqrt(0.81 + 0.09);
  for (PetscInt k = 0; k < 3; ++k) {
    MuGrid grid = TestGrid(1, 64 << k, 1, -8, 8, PETSC_FALSE);
    Vec log_pi = TestField(grid, log_narrow), rho = TestField(grid, wide);
    h[k] = 1.0 / (64 << k);
    error[k] = fabs(diagnose(grid, "w2", log_pi, NULL, rho) - exact);
    OK(VecDestroy(&log_pi));
    OK(VecDestroy(&rho));
    OK(MuGridDestroy(&grid));
  }
  ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.1);
  ck_assert_double_le(error[2], 1e-3);
}
END_TEST

static PetscReal left_block(PetscReal x, PetscReal y) {
  return (x > 1 && x < 2 ? 0 : -INFINITY) + 0 * y;
}
static PetscReal right_block(PetscReal x, PetscReal y) {
  return (x > 2.5 && x < 4.5 ? 0.5 : 0) + 0 * y;
}
static PetscReal two_blocks(PetscReal x, PetscReal y) {
  return ((x > 0 && x < 0.5) || (x > 4 && x < 4.5) ? 1 : 0) + 0 * y;
}

/* Exact to rounding for blocks that end at cell edges, with gaps of zero density between.
   left to right: Q = 1 + u and 2.5 + 2u: int (1.5 + u)^2 = (2.5^3 - 1.5^3)/3;
   left to two: Q = u on (0, 1/2), 3.5 + u on (1/2, 1): int 1 + int 2.5^2 over halves = 3.625 */
START_TEST(w2_of_blocks_is_exact) {
  MuGrid grid = TestGrid(1, 40, 1, 0, 5, PETSC_FALSE);
  Vec log_pi = TestField(grid, left_block), right = TestField(grid, right_block);
  Vec two = TestField(grid, two_blocks), zero, same;
  MuDiagnostic d;
  PetscReal value;
  ck_assert_double_eq_tol(diagnose(grid, "w2", log_pi, NULL, right),
                          sqrt((pow(2.5, 3) - pow(1.5, 3)) / 3), 1e-14);
  ck_assert_double_eq_tol(diagnose(grid, "w2", log_pi, NULL, two), sqrt(3.625), 1e-14);
  ck_assert_double_eq_tol(diagnose(grid, "l1", log_pi, NULL, two), 2, 1e-14);
  OK(VecDuplicate(log_pi, &same));
  OK(VecCopy(log_pi, same));
  OK(VecExp(same));
  ck_assert_double_eq(diagnose(grid, "w2", log_pi, NULL, same), 0);
  OK(MuGridCreateField(grid, &zero));
  OK(MuDiagnosticCreate(grid, "w2", log_pi, NULL, &d));
  ck_assert_int_eq(MuDiagnosticEvaluate(d, zero, &value), MU_ERR_NUMERICS);
  OK(MuDiagnosticDestroy(&d));
  OK(VecDestroy(&log_pi));
  OK(VecDestroy(&right));
  OK(VecDestroy(&two));
  OK(VecDestroy(&zero));
  OK(VecDestroy(&same));
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(diagnostics_are_the_energies) {
  const char *name[] = {"kl", "inclusive_kl", "hellinger", "chi2", "l2", "mmd"};
  Fixture f = fixture(2, PETSC_TRUE, PETSC_FALSE);
  Vec rho = TestRandomField(f.grid, 8, 0.05, 2), shifted;
  PetscReal l1, exact = 0, *r = TestGather(f.grid, rho), *l = TestGather(f.grid, f.log_pi);
  const MuGridInfo *info;
  MuDiagnostic d;
  OK(MuGridGetInfo(f.grid, &info));
  for (PetscInt k = 0; k < 6; ++k) {
    MuEnergy energy = make_energy(&f, name[k], 1);
    ck_assert_double_eq(diagnose(f.grid, name[k], f.log_pi, f.kernel, rho), value_of(energy, rho));
    OK(MuEnergyDestroy(&energy));
  }
  l1 = diagnose(f.grid, "l1", f.log_pi, NULL, rho);
  for (PetscInt i = 0; i < info->cells[0] * info->cells[1]; ++i)
    if (r[i] != 0) exact += fabs(r[i] - exp(l[i])) * info->volume;
  ck_assert_double_eq_tol(l1, exact, 1e-13);
  ck_assert_int_eq(MuDiagnosticCreate(f.grid, "w2", f.log_pi, NULL, &d), MU_ERR_INPUT);
  ck_assert_int_eq(MuDiagnosticCreate(f.grid, "mmd", f.log_pi, NULL, &d), MU_ERR_INPUT);
  ck_assert_int_eq(MuDiagnosticCreate(f.grid, "w3", f.log_pi, NULL, &d), MU_ERR_INPUT);
  ck_assert_int_eq(MuDiagnosticCreate(f.grid, "kl", NULL, NULL, &d), MU_ERR_INPUT);
  MuGrid ring = TestGrid(1, 8, 1, 0, 1, PETSC_TRUE);
  OK(MuGridCreateField(ring, &shifted));
  ck_assert_int_eq(MuDiagnosticCreate(ring, "w2", shifted, NULL, &d), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "periodic"));
  OK(VecDestroy(&shifted));
  OK(MuGridDestroy(&ring));
  free(r);
  free(l);
  OK(VecDestroy(&rho));
  destroy_fixture(&f);
}
END_TEST

/* ------------------------------------------------------------------ closed forms */

#define MEAN_1  0.3
#define SIGMA_1 0.7
#define MEAN_2  -0.4
#define SIGMA_2 0.9
#define WIDTH   0.5

static PetscReal rho_1(PetscReal x, PetscReal y) {
  return exp(gaussian(x, MEAN_1, SIGMA_1)) + 0 * y;
}
static PetscReal log_rho_2(PetscReal x, PetscReal y) {
  return gaussian(x, MEAN_2, SIGMA_2) + 0 * y;
}
static PetscErrorCode square(void *ctx, const PetscReal x[2], PetscReal *v) {
  (void)ctx;
  *v = x[0] * x[0];
  return 0;
}

/* rho = N(m1, s1^2), pi = N(m2, s2^2), k = N(0, h^2): midpoint sums of smooth functions that vanish
   at the walls, and the kernel's exact symbol under `reflect`, leave rounding. */
START_TEST(energies_of_gaussians) {
  const PetscReal a = SIGMA_1 * SIGMA_1, b = SIGMA_2 * SIGMA_2, h = WIDTH * WIDTH;
  const PetscReal d = MEAN_1 - MEAN_2, m2 = a + MEAN_1 * MEAN_1;
  const struct {
    const char *name;
    PetscReal exact;
  } row[] = {
      {"kl", 0.5 * (log(b / a) + (a + d * d) / b - 1)},
      {"inclusive_kl", 0.5 * (log(a / b) + (b + d * d) / a - 1)},
      {"hellinger", 4 - 4 * sqrt(2 * SIGMA_1 * SIGMA_2 / (a + b)) * exp(-0.25 * d * d / (a + b))},
      {"entropy", -0.5 * log(2 * PETSC_PI * exp(1) * a)},
      {"internal", 1 / (2 * SIGMA_1 * sqrt(PETSC_PI))},
      {"l2", 0.5 * (exp(gaussian(0, 0, sqrt(2 * a))) + exp(gaussian(0, 0, sqrt(2 * b)))) -
                 exp(gaussian(d, 0, sqrt(a + b)))},
      {"mmd", 0.5 * (exp(gaussian(0, 0, sqrt(2 * a + h))) + exp(gaussian(0, 0, sqrt(2 * b + h)))) -
                  exp(gaussian(d, 0, sqrt(a + b + h)))},
      {"blob_entropy", -0.5 * log(2 * PETSC_PI * (a + h)) - 0.5 * a / (a + h)},
      {"potential", m2},
      {"interaction", m2 - MEAN_1 * MEAN_1},
  };
  MuGrid grid = TestGrid(1, 160, 1, -10, 10, PETSC_FALSE);
  Vec rho = TestField(grid, rho_1), log_pi = TestField(grid, log_rho_2);
  MuKernelSpec k;
  Fixture f = {.grid = grid, .log_pi = log_pi};
  MuKernelSpecDefault(&k);
  k.bandwidth = WIDTH;
  OK(MuKernelCreate(&k, 1, &f.kernel));
  f.numbers.internal_exponent = 2;
  f.potential = f.interaction = square;
  f.spec = (MuEnergySpec){.kernel = f.kernel, .log_target = log_pi};
  for (size_t i = 0; i < sizeof row / sizeof row[0]; ++i) {
    MuEnergy energy = make_energy(&f, row[i].name, 1);
    PetscReal value = value_of(energy, rho);
    ck_assert_msg(fabs(value - row[i].exact) < 1e-12, "%s: %.15g, exact %.15g", row[i].name, value,
                  row[i].exact);
    OK(MuEnergyDestroy(&energy));
  }
  OK(VecDestroy(&rho));
  destroy_fixture(&f);
}
END_TEST

/* A compactly supported density: k*rho is below rounding of the transform far away; F is the sum of
   rho log(k*rho) over the support, DF and G stay finite. */
START_TEST(blob_entropy_of_a_block) {
  MuGrid grid = TestGrid(1, 64, 1, 0, 5, PETSC_FALSE);
  Vec rho = TestField(grid, right_block), q, df;
  Fixture f = {.grid = grid, .log_pi = NULL};
  MuKernelSpec k;
  MuConvolution convolution;
  MuEnergy energy;
  PetscReal exact, *d;
  MuKernelSpecDefault(&k);
  k.bandwidth = 0.1;
  k.extension = MU_EXTENSION_ZERO;
  OK(MuKernelCreate(&k, 1, &f.kernel));
  f.spec.kernel = f.kernel;
  energy = make_energy(&f, "blob_entropy", 1);
  OK(MuGridCreateField(grid, &q));
  OK(MuGridCreateField(grid, &df));
  OK(MuConvolutionCreate(grid, f.kernel, MU_CELLS, &convolution));
  OK(MuConvolutionApply(convolution, rho, q));
  OK(VecAbs(q));
  OK(VecShift(q, 1e-300));
  OK(VecLog(q));
  OK(MuGridInner(grid, rho, q, &exact));
  ck_assert_double_eq_tol(value_of(energy, rho), exact, 1e-13);
  OK(MuEnergyEvaluate(energy, rho, NULL, NULL, df, NULL));
  d = TestGather(grid, df);
  for (PetscInt i = 0; i < 64; ++i) ck_assert(isfinite(d[i]));
  free(d);
  OK(MuEnergyDiscreteGradient(energy, rho, rho, q, NULL));
  ck_assert_double_le(TestMaxDifference(q, df), 1e-11); /* log of the smallest number: 708 */
  OK(MuConvolutionDestroy(&convolution));
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&q));
  OK(VecDestroy(&df));
  destroy_fixture(&f);
}
END_TEST

static PetscReal middle_cell(PetscReal x, PetscReal y) {
  return fabs(x - 8.5) < 0.1 && (y == 0 || fabs(y - 3.5) < 0.1) ? 1 : 0;
}

/* A spike of one cell under `reflect`, whose walls raise the mean of the diagonal of Kc above the
   spike's own entry w0: F = log w0 exactly. */
START_TEST(blob_entropy_of_a_spike) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    const MuGridSpec box = {.dim = dim, .upper = {16, 7}, .cells = {16, 7}};
    MuGrid grid;
    OK(MuGridCreate(MPI_COMM_WORLD, &box, &grid));
    Vec rho = TestField(grid, middle_cell), q;
    Fixture f = {.grid = grid, .log_pi = NULL};
    MuConvolution convolution;
    MuKernelSpec k;
    PetscReal w0;
    MuKernelSpecDefault(&k);
    k.bandwidth = 1;
    k.extension = MU_EXTENSION_REFLECT;
    OK(MuKernelCreate(&k, dim, &f.kernel));
    f.spec.kernel = f.kernel;
    MuEnergy energy = make_energy(&f, "blob_entropy", 1);
    OK(MuConvolutionCreate(grid, f.kernel, MU_CELLS, &convolution));
    OK(VecDuplicate(rho, &q));
    OK(MuConvolutionApply(convolution, rho, q));
    OK(VecPointwiseMult(q, q, rho));
    OK(VecMax(q, NULL, &w0));
    ck_assert_double_eq_tol(value_of(energy, rho), log(w0), 1e-14);
    OK(MuConvolutionDestroy(&convolution));
    OK(MuEnergyDestroy(&energy));
    OK(VecDestroy(&q));
    OK(VecDestroy(&rho));
    destroy_fixture(&f);
  }
}
END_TEST

/* ------------------------------------------------------------------ what descriptors say */

static MuTermTraits traits_of(Fixture *f, const char *name) {
  MuTermTraits traits;
  f->spec.terms = 1;
  set_term(f, 0, name, 1);
  OK(MuEnergyGetTraits(&f->spec, 0, &traits));
  return traits;
}

/* F at the middle of two random densities, below the mean of F at both where F is convex. */
static void check_convexity(Fixture *f, const char *name) {
  MuEnergy energy = make_energy(f, name, 1);
  for (unsigned seed = 1; seed < 6; ++seed) {
    Vec a = TestRandomField(f->grid, seed, 0.1, 2), b = TestRandomField(f->grid, seed + 9, 0.1, 2);
    const PetscReal ends = value_of(energy, a) + value_of(energy, b);
    OK(VecAXPBY(a, 0.5, 0.5, b));
    ck_assert_msg(value_of(energy, a) <= 0.5 * ends + 1e-13 * fabs(ends), "%s is not convex", name);
    OK(VecDestroy(&a));
    OK(VecDestroy(&b));
  }
  OK(MuEnergyDestroy(&energy));
}

/* Whether DF is large in a cell that is nearly empty. */
static PetscBool is_singular(Fixture *f, const char *name) {
  MuEnergy energy = make_energy(f, name, 1);
  Vec rho = TestRandomField(f->grid, 3, 0.2, 1.5), df;
  OK(VecDuplicate(rho, &df));
  OK(VecSetValue(rho, 5, 1e-300, INSERT_VALUES));
  OK(VecAssemblyBegin(rho));
  OK(VecAssemblyEnd(rho));
  OK(MuEnergyEvaluate(energy, rho, NULL, NULL, df, NULL));
  PetscReal *d = TestGather(f->grid, df);
  const PetscBool singular = (PetscBool)(fabs(d[5]) > 100);
  free(d);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&df));
  OK(MuEnergyDestroy(&energy));
  return singular;
}

/* F of a term of the power family is that of `power` with its exponent. */
static void check_power(Fixture *f, const char *name, PetscReal p) {
  Vec rho = TestRandomField(f->grid, 3, 0.2, 1.5);
  MuEnergy energy = make_energy(f, name, 1);
  const PetscReal value = value_of(energy, rho), given = f->numbers.power_exponent;
  OK(MuEnergyDestroy(&energy));
  f->numbers.power_exponent = p;
  energy = make_energy(f, "power", 1);
  ck_assert_double_eq_tol(value_of(energy, rho), value, 1e-13 * (1 + fabs(value)));
  f->numbers.power_exponent = given;
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&rho));
}

START_TEST(traits_are_what_the_energies_do) {
  const char *names[32];
  const PetscInt n = energy_names(names);
  Fixture f = fixture(1, PETSC_FALSE, PETSC_FALSE);
  for (PetscInt k = 0; k < n; ++k) {
    const MuTermTraits traits = traits_of(&f, names[k]);
    if (traits.convex) check_convexity(&f, names[k]);
    if (!isnan(traits.power)) check_power(&f, names[k], traits.power);
    ck_assert_msg(traits.singular_at_zero == is_singular(&f, names[k]), "%s: singular", names[k]);
  }
  destroy_fixture(&f);
}
END_TEST

/* Two terms of one name with kernels of their own: values and derivatives are sums, and there is a
   preimage only if the kernels are equal. */
START_TEST(terms_have_their_own_kernels) {
  Fixture f = fixture(1, PETSC_FALSE, PETSC_FALSE);
  MuKernelSpec wide;
  MuKernel own, equal;
  const char *const *names;
  PetscReal value, terms[2], single;
  PetscBool has;
  MuEnergy energy;
  Vec rho = TestRandomField(f.grid, 3, 0.2, 1.5);
  MuKernelSpecDefault(&wide);
  wide.bandwidth = 0.6;
  OK(MuKernelCreate(&wide, 1, &equal));
  wide.bandwidth = 1.2;
  OK(MuKernelCreate(&wide, 1, &own));
  f.spec.terms = 2;
  set_term(&f, 0, "mmd", 1);
  set_term(&f, 1, "mmd", 0.5);
  f.spec.term[1].kernel = own;
  OK(MuEnergyCreate(f.grid, &f.spec, &energy));
  OK(MuEnergyGetTerms(energy, NULL, &names, NULL));
  ck_assert_str_eq(names[0], "mmd");
  ck_assert_str_eq(names[1], "mmd_2");
  OK(MuEnergyHasPreimage(energy, &has, NULL));
  ck_assert_int_eq(has, PETSC_FALSE);
  OK(MuEnergyEvaluate(energy, rho, &value, terms, NULL, NULL));
  OK(MuEnergyDestroy(&energy));
  f.spec.kernel = own;
  energy = make_energy(&f, "mmd", 0.5);
  single = value_of(energy, rho);
  ck_assert_double_eq_tol(terms[1], single, 1e-14 * single);
  OK(MuEnergyDestroy(&energy));
  f.spec.kernel = f.kernel;
  f.spec.terms = 2;
  set_term(&f, 1, "mmd", 0.5);
  f.spec.term[1].kernel = equal;
  OK(MuEnergyCreate(f.grid, &f.spec, &energy));
  OK(MuEnergyHasPreimage(energy, &has, NULL));
  ck_assert_int_eq(has, PETSC_TRUE);
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&rho));
  OK(MuKernelDestroy(&own));
  OK(MuKernelDestroy(&equal));
  destroy_fixture(&f);
}
END_TEST

typedef void (*Removal)(MuTermOps *ops);
static void no_kind(MuTermOps *ops) {
  ops->kind = 0;
}
static void no_destroy(MuTermOps *ops) {
  ops->destroy = NULL;
}
static void no_evaluate(MuTermOps *ops) {
  ops->evaluate = NULL;
}
static void no_gradient(MuTermOps *ops) {
  ops->gradient = NULL;
}
static void no_potential(MuTermOps *ops) {
  ops->potential = NULL;
}
static void no_kernel(MuTermOps *ops) {
  ops->needs = MU_NEEDS_TARGET;
}

/* Runs last: it adds to the table. */
START_TEST(incomplete_descriptors_are_refused) {
  static const struct {
    const MuTermOps *of;
    const char *missing;
    Removal removal;
  } rows[] = {{&MuTermKL, "kind", no_kind},           {&MuTermMmd, "destroy", no_destroy},
              {&MuTermKL, "evaluate", no_evaluate},   {&MuTermKL, "gradient", no_gradient},
              {&MuTermKL, "potential", no_potential}, {&MuTermMmd, "needs", no_kernel}};
  enum { ROWS = sizeof rows / sizeof *rows };
  static MuTermOps incomplete[ROWS];
  static char name[ROWS][32];
  Fixture f = fixture(1, PETSC_FALSE, PETSC_FALSE);
  char sentence[64];
  for (PetscInt k = 0; k < ROWS; ++k) {
    snprintf(name[k], sizeof name[k], "incomplete_%d", (int)k);
    snprintf(sentence, sizeof sentence, "no %s", rows[k].missing);
    incomplete[k] = *rows[k].of;
    incomplete[k].name = name[k];
    rows[k].removal(&incomplete[k]);
    OK(MuEnergyRegister(&incomplete[k]));
    refused(&f, name[k], 1, sentence);
  }
  ck_assert_int_eq(MuEnergyRegister(&incomplete[0]), MU_ERR_INPUT); /* the name is taken */
  destroy_fixture(&f);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("energy");
  TCase *t = tcase_create("energy");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, derivatives_are_exact);
  tcase_add_test(t, derivatives_are_exact_for_every_exponent);
  tcase_add_test(t, power_energies_have_their_values);
  tcase_add_test(t, named_energies_have_their_values);
  tcase_add_test(t, terms_are_summed_with_their_weights);
  tcase_add_test(t, target_is_stationary);
  tcase_add_test(t, kl_bears_underflowing_targets);
  tcase_add_test(t, energies_are_infinite_where_they_must_be);
  tcase_add_test(t, vanishing_densities_have_their_limits);
  tcase_add_test(t, discrete_gradient_identity);
  tcase_add_test(t, discrete_gradient_is_second_order);
  tcase_add_test(t, discrete_gradients_of_extreme_ratios);
  tcase_add_test(t, discrete_gradients_from_zero);
  tcase_add_test(t, curvature_is_the_slope_of_the_derivative);
  tcase_add_test(t, parts_sum_to_the_derivative);
  tcase_add_test(t, preimage_of_mmd);
  tcase_add_test(t, interaction_is_the_double_sum);
  tcase_add_test(t, singular_interactions_are_averaged);
  tcase_add_test(t, bad_energies_are_refused);
  tcase_add_test(t, means_agree_with_their_formulas);
  tcase_add_test(t, means_at_zero_and_at_the_ends_of_the_range);
  tcase_add_test(t, w2_of_gaussians);
  tcase_add_test(t, w2_of_blocks_is_exact);
  tcase_add_test(t, diagnostics_are_the_energies);
  tcase_add_test(t, energies_of_gaussians);
  tcase_add_test(t, blob_entropy_of_a_block);
  tcase_add_test(t, blob_entropy_of_a_spike);
  tcase_add_test(t, traits_are_what_the_energies_do);
  tcase_add_test(t, terms_have_their_own_kernels);
  tcase_add_test(t, incomplete_descriptors_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
