/* Kernels: symbol against the Fourier transform of the value, mass, peak, closed forms, support,
 * bad input. */
#include "support.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_bessel.h>
#include <string.h>

enum { WORKSPACE = 2000 };
static gsl_integration_workspace *workspace;

static MuKernel make_kernel(const char *type, PetscReal parameter, PetscReal bandwidth,
                            PetscInt dim) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuKernelSpecDefault(&spec);
  strcpy(spec.type, type);
  spec.bandwidth = bandwidth;
  spec.parameter[0] = parameter;
  OK(MuKernelCreate(&spec, dim, &kernel));
  return kernel;
}

/* Families with an integral, with parameters below, at and above every change of behaviour. */
static const struct {
  const char *type;
  PetscReal parameter;
} integrable[] = {{"gaussian", 1}, {"matern", 0.5}, {"matern", 1.5}, {"matern", 2.5},
                  {"bessel", 0.7}, {"bessel", 1},   {"bessel", 1.5}, {"bessel", 2.25},
                  {"bessel", 14},  {"wendland", 1}};
enum { INTEGRABLE = sizeof integrable / sizeof integrable[0] };

static PetscReal integrate(double (*f)(double, void *), void *ctx, PetscReal from, PetscReal to) {
  gsl_function function = {.function = f, .params = ctx};
  double result, error;
  gsl_integration_qags(&function, from, to, 1e-15, 1e-13, WORKSPACE, workspace, &result, &error);
  return result;
}

typedef struct {
  MuKernel kernel;
  PetscInt dim;
  PetscReal omega, cut;
} Transform;

/* r = cut t^4 tames the singularity of bessel at 0 */
static double transform_integrand(double t, void *ctx) {
  const Transform *c = ctx;
  const PetscReal r = c->cut * t * t * t * t, dr = 4 * c->cut * t * t * t;
  PetscReal k;
  if (r == 0) return 0;
  OK(MuKernelEvaluate(c->kernel, r, &k));
  return k * dr * (c->dim == 1 ? 2 * cos(c->omega * r) : 2 * PETSC_PI * r * j0(c->omega * r));
}

START_TEST(symbol_is_the_fourier_transform) {
  const PetscReal h = 0.4, frequencies[] = {0, 0.05, 0.5, 1, 3, 7.9, 8.1, 20};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < INTEGRABLE; ++i) {
      MuKernel kernel = make_kernel(integrable[i].type, integrable[i].parameter, h, dim);
      for (size_t j = 0; j < sizeof frequencies / sizeof *frequencies; ++j) {
        Transform c = {.kernel = kernel, .dim = dim, .omega = frequencies[j] / h};
        PetscReal symbol, numeric;
        OK(MuKernelSupport(kernel, &c.cut));
        OK(MuKernelSymbol(kernel, c.omega, &symbol));
        numeric = integrate(transform_integrand, &c, 0, 1);
        /* the symbol at 0 is 1; adaptive quadrature of oscillations is good to about 1e-11 */
        ck_assert_msg(fabs(symbol - numeric) < 3e-11, "%s %g in %d-D at %g: %.15g, numeric %.15g",
                      integrable[i].type, integrable[i].parameter, (int)dim, frequencies[j], symbol,
                      numeric);
        if (j == 0) ck_assert_double_eq_tol(symbol, 1, 1e-14); /* mass */
      }
      OK(MuKernelDestroy(&kernel));
    }
}
END_TEST

/* 2-D symbol of wendland beyond the change from quadrature to closed form (h w = 40), where
   quadrature still reaches 1e-13 of the value at 0. */
START_TEST(symbol_of_wendland_is_smooth_across_its_formulas) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    MuKernel kernel = make_kernel("wendland", 0, 1, dim);
    const PetscReal at[] = {7.999, 8.001, 39.99, 40.01, 60, 100};
    for (size_t j = 0; j < sizeof at / sizeof *at; ++j) {
      Transform c = {.kernel = kernel, .dim = dim, .omega = at[j], .cut = 1};
      PetscReal symbol;
      OK(MuKernelSymbol(kernel, at[j], &symbol));
      ck_assert_double_gt(symbol, 0);
      PetscReal numeric = integrate(transform_integrand, &c, 0, 1);
      ck_assert_msg(fabs(symbol - numeric) < 2e-13, "%d-D at %g: %.15g, numeric %.15g", (int)dim,
                    at[j], symbol, numeric);
    }
    OK(MuKernelDestroy(&kernel));
  }
}
END_TEST

static double inverse_integrand(double w, void *ctx) {
  const Transform *c = ctx;
  PetscReal symbol;
  OK(MuKernelSymbol(c->kernel, w, &symbol));
  return symbol *
         (c->dim == 1 ? cos(w * c->omega) / PETSC_PI : w * j0(w * c->omega) / (2 * PETSC_PI));
}

/* imq has no integral; its symbol has, so the transform is checked backwards */
START_TEST(imq_is_the_inverse_transform_of_its_symbol) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    const PetscReal h = 0.4, distances[] = {0, 0.1, 1, 5};
    MuKernel kernel = make_kernel("imq", 0, h, dim);
    for (size_t j = 0; j < 4; ++j) {
      Transform c = {.kernel = kernel, .dim = dim, .omega = distances[j]};
      PetscReal value, symbol;
      OK(MuKernelEvaluate(kernel, distances[j], &value));
      ck_assert_double_eq_tol(value, integrate(inverse_integrand, &c, 0, 40 / h), 1e-11);
      OK(MuKernelSymbol(kernel, 0, &symbol));
      ck_assert(isinf(symbol));
    }
    OK(MuKernelDestroy(&kernel));
  }
}
END_TEST

/* (2 pi)^(-d) k^(w) (g1^ - g2^)(w) times the area of the sphere, w = t^8 */
static double riesz_integrand(double t, void *ctx) {
  const Transform *c = ctx;
  const PetscReal w = pow(t, 8), dw = 8 * pow(t, 7);
  PetscReal symbol;
  if (w < 1e-290) return 0;
  OK(MuKernelSymbol(c->kernel, w, &symbol));
  return symbol * dw * exp(-0.5 * w * w) * -expm1(-1.5 * w * w) *
         (c->dim == 1 ? 1 / PETSC_PI : w / (2 * PETSC_PI));
}

/* Parseval on a difference of Gaussians of standard deviations 1 and 2; E |X|^r is known */
START_TEST(riesz_symbol_acts_on_differences_of_measures) {
  const PetscReal exponents[] = {0.5, 1, 1.7}, h = 0.7;
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < 3; ++i) {
      const PetscReal r = exponents[i];
      Transform c = {.kernel = make_kernel("riesz", r, h, dim), .dim = dim};
      const PetscReal moment = pow(2, 0.5 * r) * tgamma(0.5 * (dim + r)) / tgamma(0.5 * dim);
      const PetscReal exact = (pow(2, r) - 1) * moment / pow(h, r);
      PetscReal value;
      ck_assert_double_eq_tol(integrate(riesz_integrand, &c, 0, pow(10, 0.125)), exact,
                              1e-11 * exact);
      OK(MuKernelEvaluate(c.kernel, 1.3, &value));
      ck_assert_double_eq_tol(value, -pow(1.3 / h, r), 1e-14);
      OK(MuKernelDestroy(&c.kernel));
    }
}
END_TEST

START_TEST(closed_forms) {
  const PetscReal h = 0.3;
  for (PetscReal r = 0.01; r < 5; r *= 1.7) {
    PetscReal value, other;
    MuKernel line = make_kernel("bessel", 1, h, 1), plane = make_kernel("bessel", 1, h, 2);
    OK(MuKernelEvaluate(line, r, &value));
    ck_assert_double_eq_tol(value, exp(-r / h) / (2 * h), 1e-14 * value);
    OK(MuKernelEvaluate(plane, r, &value));
    ck_assert_double_eq_tol(value, gsl_sf_bessel_K0(r / h) / (2 * PETSC_PI * h * h), 1e-13 * value);
    OK(MuKernelDestroy(&line));
    OK(MuKernelDestroy(&plane));
    /* Matern of smoothness nu and length h is Bessel of order nu + d/2 and length h/sqrt(2 nu) */
    for (PetscInt dim = 1; dim <= 2; ++dim)
      for (PetscReal nu = 0.5; nu < 3; nu += 1) {
        MuKernel matern = make_kernel("matern", nu, h, dim);
        MuKernel bessel = make_kernel("bessel", nu + 0.5 * dim, h / sqrt(2 * nu), dim);
        OK(MuKernelEvaluate(matern, r, &value));
        OK(MuKernelEvaluate(bessel, r, &other));
        ck_assert_double_eq_tol(value, other, 1e-13 * value);
        OK(MuKernelSymbol(matern, 1 / r, &value));
        OK(MuKernelSymbol(bessel, 1 / r, &other));
        ck_assert_double_eq_tol(value, other, 1e-14);
        OK(MuKernelDestroy(&matern));
        OK(MuKernelDestroy(&bessel));
      }
  }
}
END_TEST

START_TEST(peak_is_one) {
  const char *types[] = {"gaussian", "matern", "bessel", "imq", "wendland"};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < 5; ++i) {
      MuKernelSpec spec;
      MuKernel kernel;
      PetscReal peak, near;
      MuKernelSpecDefault(&spec);
      strcpy(spec.type, types[i]);
      spec.bandwidth = 0.01;
      spec.parameter[0] = 2.5;
      spec.normalization = MU_NORMALIZATION_PEAK;
      OK(MuKernelCreate(&spec, dim, &kernel));
      OK(MuKernelEvaluate(kernel, 0, &peak));
      OK(MuKernelEvaluate(kernel, 1e-8, &near)); /* 1e-6 h: flat to second order */
      ck_assert_double_eq_tol(peak, 1, 1e-14);
      ck_assert_double_eq_tol(near, 1, 2e-11);
      OK(MuKernelDestroy(&kernel));
    }
}
END_TEST

START_TEST(support_is_where_the_kernel_ends) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < INTEGRABLE; ++i) {
      const PetscReal h = 2.5;
      MuKernel kernel = make_kernel(integrable[i].type, integrable[i].parameter, h, dim);
      PetscReal radius, peak, outside, inside;
      OK(MuKernelSupport(kernel, &radius));
      OK(MuKernelEvaluate(kernel, 0, &peak));
      if (isinf(peak)) OK(MuKernelEvaluate(kernel, h, &peak));
      OK(MuKernelEvaluate(kernel, radius, &outside));
      OK(MuKernelEvaluate(kernel, 0.99 * radius, &inside));
      ck_assert_double_le(outside, 3.0001e-18 * peak);
      ck_assert_double_gt(inside, 2.9e-18 * peak);
      OK(MuKernelDestroy(&kernel));
    }
  MuKernel imq = make_kernel("imq", 0, 1, 1);
  PetscReal radius;
  OK(MuKernelSupport(imq, &radius));
  ck_assert(radius >= PETSC_INFINITY);
  OK(MuKernelDestroy(&imq));
}
END_TEST

START_TEST(specifications_compare) {
  MuKernelSpec a, b;
  MuKernelSpecDefault(&a);
  MuKernelSpecDefault(&b);
  a.bandwidth = b.bandwidth = 1;
  b.extension = MU_EXTENSION_REFLECT;
  b.parameter[0] = 2.5; /* means nothing to a Gaussian */
  ck_assert(MuKernelSpecEqual(&a, &b));
  strcpy(a.type, "matern");
  strcpy(b.type, "matern");
  ck_assert(!MuKernelSpecEqual(&a, &b));
  b.parameter[0] = 1.5; /* the default */
  ck_assert(MuKernelSpecEqual(&a, &b));
  b.extension = MU_EXTENSION_ZERO;
  ck_assert(!MuKernelSpecEqual(&a, &b));
}
END_TEST

static void refuse(const MuKernelSpec *spec, PetscInt dim, const char *key, const char *remedy) {
  MuKernel kernel = (MuKernel)spec;
  ck_assert_int_eq(MuKernelCreate(spec, dim, &kernel), MU_ERR_INPUT);
  ck_assert_ptr_null(kernel);
  ck_assert_msg(strstr(MuErrorMessage(), key) && strstr(MuErrorMessage(), remedy), "%s",
                MuErrorMessage());
}

START_TEST(bad_kernels_are_refused) {
  MuKernelSpec good, bad;
  MuKernelSpecDefault(&good);
  good.bandwidth = 1;
  bad = good;
  strcpy(bad.type, "gauss");
  refuse(&bad, 1, "kernel_type", "gaussian, matern, bessel, imq, wendland, riesz");
  for (PetscInt i = 0; i < 3; ++i) {
    bad = good;
    bad.bandwidth = i == 0 ? 0 : i == 1 ? -1 : NAN;
    refuse(&bad, 1, "kernel_bandwidth", "positive");
  }
  bad = good;
  strcpy(bad.type, "matern");
  bad.parameter[0] = 1;
  refuse(&bad, 2, "kernel_smoothness", "0.5, 1.5 and 2.5");
  bad = good;
  strcpy(bad.type, "bessel");
  bad.parameter[0] = 0;
  refuse(&bad, 2, "kernel_order", "above 0");
  bad.parameter[0] = 1;
  bad.normalization = MU_NORMALIZATION_PEAK;
  refuse(&bad, 2, "kernel_normalization", "order above 1");
  bad = good;
  strcpy(bad.type, "imq");
  bad.normalization = MU_NORMALIZATION_MASS;
  refuse(&bad, 2, "kernel_normalization", "use peak");
  strcpy(bad.type, "riesz");
  refuse(&bad, 2, "kernel_normalization", "leave it out");
  bad.normalization = MU_NORMALIZATION_DEFAULT;
  bad.parameter[0] = 2;
  refuse(&bad, 2, "kernel_exponent", "below 2");
}
END_TEST

START_TEST(every_family_is_listed) {
  const char *name, *formula;
  PetscInt count = 0;
  OK(MuKernelGetTableRow(0, &name, &formula));
  while (name) {
    ck_assert_int_gt(strlen(formula), 0);
    OK(MuKernelGetTableRow(++count, &name, &formula));
  }
  ck_assert_int_eq(count, 6);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("kernel");
  TCase *t = tcase_create("kernel");
  workspace = gsl_integration_workspace_alloc(WORKSPACE);
  tcase_set_timeout(t, 0);
  tcase_add_test(t, symbol_is_the_fourier_transform);
  tcase_add_test(t, symbol_of_wendland_is_smooth_across_its_formulas);
  tcase_add_test(t, imq_is_the_inverse_transform_of_its_symbol);
  tcase_add_test(t, riesz_symbol_acts_on_differences_of_measures);
  tcase_add_test(t, closed_forms);
  tcase_add_test(t, peak_is_one);
  tcase_add_test(t, support_is_where_the_kernel_ends);
  tcase_add_test(t, specifications_compare);
  tcase_add_test(t, bad_kernels_are_refused);
  tcase_add_test(t, every_family_is_listed);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
