/* The Hellinger-Kantorovich distance on a line against exact values: two atoms, two multiples of a
   measure, the Hellinger limit a -> 0, Gaussians in the Wasserstein limit b -> 0; a metric; what is
   refused. */
#include "study/hellinger_kantorovich.h"
#include "support.h"

#include <stdio.h>

enum { MOST = 240 };

static void make_gaussian(PetscInt n, PetscReal mean, PetscReal deviation, PetscReal mass,
                          PetscReal *x, PetscReal *mu) {
  const PetscReal h = 8. / (PetscReal)n;
  for (PetscInt i = 0; i < n; ++i) {
    x[i] = -4 + ((PetscReal)i + 0.5) * h;
    const PetscReal z = (x[i] - mean) / deviation;
    mu[i] = mass * h * exp(-0.5 * z * z) / (deviation * sqrt(2 * PETSC_PI));
  }
}

/* The middle, after a look at the bounds. */
static PetscReal distance(PetscInt n, const PetscReal *x, const PetscReal *mu, const PetscReal *nu,
                          PetscReal a, PetscReal b) {
  PetscReal bounds[2], mass = 0;
  OK(MuHellingerKantorovich(n, x, mu, nu, a, b, bounds));
  for (PetscInt i = 0; i < n; ++i) mass += 0.5 * (mu[i] + nu[i]);
  const PetscReal high = bounds[1] * bounds[1], low = bounds[0] * bounds[0];
  ck_assert_double_le(low, high * (1 + 1e-14));
  ck_assert_double_le(high - low, fmax(1e-7 * high, 1.01e-9 * mass * 4 / b));
  return sqrt(0.5 * (low + high));
}

/* (4/b) (m + n - 2 (m n)^(1/2) cos min((b/4a)^(1/2) |x - y|, pi/2)) */
START_TEST(two_atoms) {
  const PetscReal mu[] = {0.7, 0}, nu[] = {0, 2.5}, zero[] = {0, 0};
  const PetscReal a = 1.3, b = 0.8, stretch = sqrt(b / (4 * a));
  for (PetscReal d = 0.01; d < 6; d *= 1.7) {
    const PetscReal x[] = {-0.4, -0.4 + d};
    const PetscReal exact =
        4 / b * (3.2 - 2 * sqrt(0.7 * 2.5) * cos(fmin(stretch * d, 0.5 * PETSC_PI)));
    ck_assert_double_eq_tol(distance(2, x, mu, nu, a, b), sqrt(exact), 2e-7);
    ck_assert_double_eq_tol(distance(2, x, mu, zero, a, b), sqrt(4 / b * 0.7), 1e-12);
    ck_assert_double_eq(distance(2, x, zero, zero, a, b), 0);
  }
}
END_TEST

/* (4/b)^(1/2) |c^(1/2) - d^(1/2)| mass^(1/2) for c mu and d mu */
START_TEST(multiples_of_a_measure) {
  PetscReal x[MOST], mu[MOST], nu[MOST];
  make_gaussian(120, 0.5, 0.4, 2, x, mu);
  make_gaussian(120, 0.5, 0.4, 0.5, x, nu);
  for (PetscReal b = 0.1; b < 100; b *= 10)
    ck_assert_double_eq_tol(distance(120, x, mu, nu, 2, b), sqrt(4 / b * 0.5), 1e-6 * sqrt(4 / b));
}
END_TEST

/* Atoms that are too far from each other to be moved: (4/b) sum (mu^(1/2) - nu^(1/2))^2 */
START_TEST(hellinger_is_the_limit_without_transport) {
  PetscReal x[MOST], mu[MOST], nu[MOST], sum = 0;
  make_gaussian(80, 0.5, 0.4, 1, x, mu);
  make_gaussian(80, -0.2, 0.7, 1.5, x, nu);
  for (PetscInt i = 0; i < 80; ++i) sum += pow(sqrt(mu[i]) - sqrt(nu[i]), 2);
  ck_assert_double_eq_tol(distance(80, x, mu, nu, 1e-4, 2), sqrt(2 * sum), 1e-7);
}
END_TEST

/* HK^2 -> W2^2/a = ((m_1 - m_2)^2 + (s_1 - s_2)^2)/a as b -> 0, and of second order in the cells:
   atoms are split where a map would meet no other */
START_TEST(gaussians_in_the_limit_without_reaction) {
  const PetscReal a = 1.5, b = 1e-3, exact = (0.7 * 0.7 + 0.3 * 0.3) / a;
  PetscReal x[MOST], mu[MOST], nu[MOST], error[3], h[3];
  for (int k = 0; k < 3; ++k) {
    const PetscInt n = 60 << k;
    make_gaussian(n, 0.5, 0.4, 1, x, mu);
    make_gaussian(n, -0.2, 0.7, 1, x, nu);
    h[k] = 1 / (PetscReal)n;
    error[k] = fabs(pow(distance(n, x, mu, nu, a, b), 2) - exact);
  }
  ck_assert_double_gt(TestSlope(3, h, error), 1.6);
  ck_assert_double_lt(error[2], 1e-3);
}
END_TEST

START_TEST(it_is_a_metric) {
  PetscReal x[MOST], mu[3][MOST];
  make_gaussian(64, 0.5, 0.4, 1, x, mu[0]);
  make_gaussian(64, -1.2, 0.7, 2, x, mu[1]);
  make_gaussian(64, 2, 0.3, 0.3, x, mu[2]);
  PetscReal d[3];
  for (int k = 0; k < 3; ++k) {
    d[k] = distance(64, x, mu[k], mu[(k + 1) % 3], 1, 4);
    ck_assert_double_eq_tol(d[k], distance(64, x, mu[(k + 1) % 3], mu[k], 1, 4), 1e-6);
    ck_assert_double_lt(distance(64, x, mu[k], mu[k], 1, 4), 5e-5); /* the root of 1e-9 */
  }
  for (int k = 0; k < 3; ++k) ck_assert_double_le(d[k], d[(k + 1) % 3] + d[(k + 2) % 3]);
}
END_TEST

static void check_refused(const char *overrides, const char *part) {
  MuStudy study;
  PetscErrorCode code = TestStudyOpen(MPI_COMM_WORLD, "contraction-hk-internal", "/tmp", "refused",
                                      overrides, &study);
  ck_assert_int_eq(code, MU_ERR_INPUT);
  ck_assert_msg(strstr(MuErrorMessage(), part) != NULL, "%s", MuErrorMessage());
}

START_TEST(what_is_not_known_is_refused) {
  check_refused("-energy_internal_exponent 1.0001 -energy_entropy 1", "kl is not convex");
  check_refused("-energy_potential 0 -energy_internal 0 -energy_kl 1 -target_type uniform",
                "kl is not convex");
  check_refused("-geometry_spherical true", "not spherical");
  check_refused("-geometry_fisher_rao 0", "has another one");
  check_refused("-geometry_mmd 1 -kernel_type gaussian -kernel_bandwidth 0.3", "has another one");
  check_refused("-grid_boundary periodic", "between walls");
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("hellinger_kantorovich");
  TCase *t = tcase_create("hellinger_kantorovich");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, two_atoms);
  tcase_add_test(t, multiples_of_a_measure);
  tcase_add_test(t, hellinger_is_the_limit_without_transport);
  tcase_add_test(t, gaussians_in_the_limit_without_reaction);
  tcase_add_test(t, it_is_a_metric);
  tcase_add_test(t, what_is_not_known_is_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
