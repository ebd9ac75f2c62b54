/* The search for sharp constants: its gradient against differences, for every way in which it is
   put together. */
#include "study/search.h"
#include "support.h"

#include <stdio.h>
#include <unistd.h>

#define LINE                                                                                       \
  "grid: {lower: [-2], upper: [3], cells: [20]}\n"                                                 \
  "target: {type: formula, log_density: \"-(x^2-1)^2+0.3*x\"}\n"
#define CIRCLE                                                                                     \
  "grid: {lower: [0], upper: [6.283185307179586], cells: [16], boundary: periodic}\n"              \
  "target: {type: formula, log_density: \"cos(x)\"}\n"
#define ROOMS                                                                                      \
  "grid: {lower: [-2, -1], upper: [2, 2], cells: [8, 6], mask_formula: \"abs(x)-0.6+abs(y)\"}\n"   \
  "target: {type: formula, log_density: \"-x^2-0.5*y^2+0.2*x*y\"}\n"
#define BESSEL "kernel: {type: bessel, order: 1, bandwidth: 0.5}\n"

/* The tolerance: central differences of v by 1e-4 are right to about 1e-7 of the largest. */
static const struct {
  const char *text;
  int assembled;
} pairs[] = {
    {LINE "energy: {kl: 1}\ngeometry: {wasserstein: 1}\n", 1},
    {ROOMS "energy: {kl: 0.5}\ngeometry: {wasserstein: 2}\n", 1},
    {CIRCLE "energy: {hellinger: 1}\ngeometry: {wasserstein: 1, face_mean: logarithmic}\n", 1},
    {LINE "energy: {power: 1, power_exponent: 0.4}\ngeometry: {fisher_rao: 2}\n", 1},
    {ROOMS "energy: {power: 1, power_exponent: 0.4}\n"
           "geometry: {fisher_rao: 1, spherical: true}\n",
     1},
    {LINE "energy: {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 0.5, spherical: true}\n", 1},
    {LINE "energy: {chi2: 1, inclusive_kl: 0.5}\n"
          "geometry: {face_mean: logarithmic, flat_wasserstein: 1, power_mobility: 0.3, "
          "mobility_exponent: 0.5}\n",
     1},
    {LINE BESSEL "energy: {mmd: 1}\ngeometry: {wasserstein: 1, face_mean: arithmetic}\n", 1},
    {CIRCLE BESSEL "energy: {kl: 1, mmd: 2}\ngeometry: {fisher_rao: 1, wasserstein: 0.1}\n", 1},
    {LINE BESSEL "energy: {l2: 1}\ngeometry: {mmd: 1}\n", 1},
    {LINE BESSEL "energy: {kl: 1}\ngeometry: {kernel_fisher_rao: 1}\n", 0},
};
#define REST "initial: {type: uniform}\ntime: {end: 1, step: 0.01}\noutput: {directory: none}\n"

static void create_trial(const char *text, MuTrial *t) {
  const MuOverrides none = {0};
  char path[] = "/tmp/mudot-test-search-XXXXXX";
  const int descriptor = mkstemp(path);
  ck_assert(descriptor >= 0);
  FILE *file = fdopen(descriptor, "w");
  ck_assert(file && fputs(text, file) >= 0 && fputs(REST, file) >= 0 && fclose(file) == 0);
  OK(MuTrialCreate(PETSC_COMM_SELF, path, &none, PETSC_TRUE, t));
  ck_assert_int_eq(unlink(path), 0);
}

/* The largest difference to central differences, over the largest derivative. */
static PetscReal gradient_error(MuTrial *t, MuSearch search) {
  const PetscReal step = 1e-4;
  PetscReal value[2], most = 0, error = 0;
  const PetscReal *g;
  Vec v, gradient;
  OK(MuGridCreateField(t->parts->grid, &v));
  OK(MuGridCreateField(t->parts->grid, &gradient));
  for (PetscInt i = 0; i < t->info->local_size; ++i)
    OK(VecSetValue(v, i, sin(1.7 * (PetscReal)i + 0.3), INSERT_VALUES));
  OK(VecAssemblyBegin(v));
  OK(VecAssemblyEnd(v));
  OK(MuSearchEvaluate(search, v, &value[0], gradient));
  OK(VecGetArrayRead(gradient, &g));
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    for (int side = 0; side < 2; ++side) {
      PetscReal *x;
      OK(VecGetArray(v, &x));
      x[i] += side ? -2 * step : step;
      OK(VecRestoreArray(v, &x));
      OK(MuSearchEvaluate(search, v, &value[side], NULL));
    }
    PetscReal *x;
    OK(VecGetArray(v, &x));
    x[i] += step;
    OK(VecRestoreArray(v, &x));
    most = PetscMax(most, fabs(g[i]));
    error = PetscMax(error, fabs(g[i] - (value[0] - value[1]) / (2 * step)));
  }
  OK(VecRestoreArrayRead(gradient, &g));
  OK(VecDestroy(&v));
  OK(VecDestroy(&gradient));
  return error / most;
}

START_TEST(gradient_is_that_of_the_quotient) {
  for (size_t k = 0; k < sizeof pairs / sizeof *pairs; ++k)
    for (int low = 0; low < 2; ++low) {
      const MuSearchBounds bounds = {.floor = 1e-6, .energy = low ? 1e3 : 1e-4};
      MuSearch search;
      MuTrial t;
      create_trial(pairs[k].text, &t);
      OK(MuSearchCreate(&t, &bounds, &search));
      ck_assert_int_eq(MuSearchIsAssembled(search), pairs[k].assembled);
      const PetscReal error = gradient_error(&t, search);
      ck_assert_msg(error < 1e-6, "pair %zu, penalty %d: %g", k, low, error);
      OK(MuSearchDestroy(&search));
      OK(MuTrialDestroy(&t));
    }
}
END_TEST

/* The quotient along an exact tilt of a Gaussian is 2, up to the grid and the walls. */
START_TEST(quotient_of_a_tilted_gaussian) {
  const MuSearchBounds bounds = {.floor = 1e-6, .energy = 1e-4};
  PetscReal value, x[2];
  MuSearch search;
  MuTrial t;
  Vec v;
  create_trial("grid: {lower: [-9], upper: [9], cells: [720]}\n"
               "target: {type: gaussian, mean: [0], covariance: [1]}\n"
               "energy: {kl: 1}\ngeometry: {wasserstein: 1}\n",
               &t);
  OK(MuSearchCreate(&t, &bounds, &search));
  OK(MuGridCreateField(t.parts->grid, &v));
  for (PetscInt i = 0; i < t.info->local_size; ++i) {
    OK(MuGridCellCentre(t.parts->grid, i, x));
    OK(VecSetValue(v, i, 0.8 * x[0], INSERT_VALUES));
  }
  OK(MuSearchEvaluate(search, v, &value, NULL));
  ck_assert_double_eq_tol(exp(value), 2, 3e-4); /* h^2/3 = 2.1e-4 */
  OK(VecDestroy(&v));
  OK(MuSearchDestroy(&search));
  OK(MuTrialDestroy(&t));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("search");
  TCase *t = tcase_create("search");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, gradient_is_that_of_the_quotient);
  tcase_add_test(t, quotient_of_a_tilted_gaussian);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
