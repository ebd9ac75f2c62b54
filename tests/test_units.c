/* The unit of length changes nothing: every geometry with every energy on a grid scaled by L, with
   densities scaled by L^-dim; and neither does the unit of mass, in which both densities are scaled
   by M. K DF then scales by one factor, whose inverse is the unit of time, and after that many
   units the density is the same to the tolerances of the solvers. */
#include "flow_support.h"
#include "geometry/geometry_impl.h"

#include <string.h>

static PetscReal unit = 1; /* L */

static PetscReal well(PetscReal x, PetscReal y) {
  x /= unit;
  y /= unit;
  return 0.5 * ((x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y);
}

static PetscReal bump(PetscReal x, PetscReal y) {
  x /= unit;
  y /= unit;
  return 0.2 + exp(-(x - 0.5) * (x - 0.5) / 0.5 - (y + 0.2) * (y + 0.2) / 0.8);
}

typedef struct {
  MuGrid grid;
  MuKernel kernel;
  Vec log_target, initial, rate; /* rate = K DF at the initial density */
  TestFlowSpec flow;
} System;

/* The ridge of a regression and lambda have the unit of mass times the kernel, M/L^dim. */
static System make_system(PetscInt dim, const char *geometry, const char *energy, PetscReal length,
                          PetscReal mass) {
  const MuGeometrySpec g = {.parts = 1,
                            .part = {{.name = geometry, .weight = 1, .value = {1, 1, 1, 1}}}};
  MuPartTraits traits;
  System s;
  unit = length;
  OK(MuGeometryGetTraits(&g, 0, &traits));
  s.grid = TestGrid(dim, dim == 1 ? 24 : 8, 6, -2 * unit, 2 * unit, PETSC_FALSE);
  s.log_target = TestLogTarget(s.grid, well);
  s.initial = TestField(s.grid, bump);
  TestNormalise(s.grid, s.initial);
  OK(VecScale(s.initial, mass));
  OK(VecShift(s.log_target, log(mass)));
  s.kernel = TestKernel(dim, "matern", 0.6 * unit, MU_EXTENSION_REFLECT);
  s.flow = (TestFlowSpec){.grid = s.grid,
                          .energy = {energy},
                          .geometry = {geometry},
                          .spherical = PETSC_TRUE,
                          .power_exponent = 0.25,
                          .internal_exponent = 2,
                          .mobility_exponent = 1.5,
                          .ridge = traits.needs_inverse ? 0 : 1e-2 * mass * pow(unit, -dim),
                          .lambda = 0.3 * mass * pow(unit, -dim),
                          .kernel = s.kernel,
                          .log_target = s.log_target};
  MuEnergy f = TestEnergy(&s.flow);
  MuGeometry k = TestGeometry(&s.flow);
  Vec derivative;
  OK(VecDuplicate(s.initial, &derivative));
  OK(VecDuplicate(s.initial, &s.rate));
  OK(MuEnergyEvaluate(f, s.initial, NULL, NULL, derivative, NULL));
  OK(MuGeometrySetState(k, s.initial));
  OK(MuGeometryApply(k, MU_PART_TRANSPORT | MU_PART_REACTION, derivative, NULL, s.rate));
  OK(VecDestroy(&derivative));
  OK(MuEnergyDestroy(&f));
  OK(MuGeometryDestroy(&k));
  return s;
}

static void free_system(System *s) {
  OK(VecDestroy(&s->log_target));
  OK(VecDestroy(&s->initial));
  OK(VecDestroy(&s->rate));
  OK(MuKernelDestroy(&s->kernel));
  OK(MuGridDestroy(&s->grid));
}

/* Largest |a - factor b| over the largest |a|. */
static PetscReal difference(Vec a, Vec b, PetscReal factor) {
  PetscReal largest, worst;
  Vec d;
  OK(VecDuplicate(a, &d));
  OK(VecWAXPY(d, -factor, b, a));
  OK(VecNorm(d, NORM_INFINITY, &worst));
  OK(VecNorm(a, NORM_INFINITY, &largest));
  OK(VecDestroy(&d));
  return worst / largest;
}

/* A third of the time in which the fastest cell would be empty. */
static PetscReal safe_step(const System *s) {
  PetscReal fastest;
  Vec quotient;
  OK(VecDuplicate(s->rate, &quotient));
  OK(VecPointwiseDivide(quotient, s->rate, s->initial));
  OK(VecNorm(quotient, NORM_INFINITY, &fastest));
  OK(VecDestroy(&quotient));
  return 0.3 / fastest;
}

static void compare_units(PetscInt dim, const char *geometry, const char *energy,
                          const char *scheme, PetscReal length, PetscReal mass) {
  System one = make_system(dim, geometry, energy, 1, 1),
         s = make_system(dim, geometry, energy, length, mass);
  const PetscReal density = mass * pow(length, -dim); /* its unit */
  PetscReal here, there;
  OK(VecNorm(one.rate, NORM_INFINITY, &there));
  OK(VecNorm(s.rate, NORM_INFINITY, &here));
  /* the inner solves of K stop at 1e-10 of DF, which entropies shift by log L = 28 */
  PetscReal error = difference(s.rate, one.rate, here / there);
  ck_assert_msg(error < 1e-8, "%s of %s in %d-D at the length %g, mass %g: K DF is off by %g",
                geometry, energy, (int)dim, length, mass, error);
  one.flow.scheme = s.flow.scheme = scheme;
  one.flow.step = safe_step(&one);
  s.flow.step = one.flow.step * there / here * density;
  one.flow.end = 3 * one.flow.step;
  s.flow.end = 3 * s.flow.step;
  Vec a = TestFlowRun(&one.flow, one.initial), b = TestFlowRun(&s.flow, s.initial);
  /* the nonlinear solves stop at 1e-9 of a step's change */
  error = difference(a, b, 1 / density);
  ck_assert_msg(error < 1e-8,
                "%s of %s in %d-D at the length %g, mass %g (%s): the density is off by %g",
                geometry, energy, (int)dim, length, mass, scheme, error);
  OK(VecDestroy(&a));
  OK(VecDestroy(&b));
  free_system(&one);
  free_system(&s);
}

/* One rank takes half of the pairs, in which every geometry and every energy is, two take a ninth;
   more, which wait for each other on the cores of a small machine, a thirteenth. */
static PetscBool is_taken(PetscInt geometry, PetscInt energy) {
  PetscMPIInt ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return (PetscBool)((geometry + energy) % (ranks == 1 ? 2 : ranks == 2 ? 9 : 13) == 0);
}

static void compare_table(PetscInt dim, const char *scheme, PetscReal length, PetscReal mass) {
  const char *geometry, *energy, *formula;
  for (PetscInt g = 0;; ++g) {
    OK(MuGeometryGetTableRow(g, &geometry, &formula));
    if (!geometry) break;
    for (PetscInt e = 0;; ++e) {
      OK(MuEnergyGetTableRow(e, &energy, &formula));
      if (!energy) break;
      if (is_taken(g, e)) compare_units(dim, geometry, energy, scheme, length, mass);
    }
  }
}

START_TEST(nanometres_on_a_line) {
  compare_table(1, "auto", 1e-9, 1);
}
END_TEST

START_TEST(nanometres_in_the_plane) {
  compare_table(2, "discrete_gradient", 1e-9, 1);
}
END_TEST

START_TEST(large_units) {
  compare_table(1, "discrete_gradient", 1e12, 1);
  compare_table(2, "auto", 1e6, 1);
}
END_TEST

START_TEST(small_and_large_masses) {
  compare_table(1, "auto", 1, 1e-6);
  compare_table(1, "discrete_gradient", 1, 1e6);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("units");
  TCase *t = tcase_create("units");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, nanometres_on_a_line);
  tcase_add_test(t, nanometres_in_the_plane);
  tcase_add_test(t, large_units);
  tcase_add_test(t, small_and_large_masses);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
