/* Proximal steps of the inverse of a kernel: the equation that they solve, their order, and flows
 * that no other step gets through. */
#include "flow_support.h"

static PetscReal shallow(PetscReal x, PetscReal y) {
  return 0.5 * x * x - 0.3 * sin(2 * x) + 0.4 * y * y;
}

/* Next to nothing in most of the box. */
static PetscReal narrow(PetscReal x, PetscReal y) {
  return exp(-8 * (x - 0.8) * (x - 0.8) - 8 * (y + 0.5) * (y + 0.5));
}

/* Near the target. */
static PetscReal shifted(PetscReal x, PetscReal y) {
  return exp(-shallow(x, y) + 0.2 * cos(x));
}

static const char *const energies[] = {"kl", "entropy", "hellinger", "inclusive_kl"};
enum { ENERGIES = sizeof energies / sizeof *energies };
static const PetscReal ridges[] = {1e-3, 1e-2, 0.2, 10};
enum { RIDGES = sizeof ridges / sizeof *ridges };

typedef struct {
  PetscInt dim;
  PetscBool periodic, spherical;
  MuExtension extension;
} Setting;

static const Setting settings[] = {
    {1, PETSC_FALSE, PETSC_FALSE, MU_EXTENSION_ZERO},
    {1, PETSC_TRUE, PETSC_TRUE, MU_EXTENSION_PERIODIC},
    {2, PETSC_FALSE, PETSC_TRUE, MU_EXTENSION_ZERO},
    {2, PETSC_FALSE, PETSC_FALSE, MU_EXTENSION_REFLECT},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static void make_flow(const Setting *s, const char *energy, PetscReal ridge, TestFlowSpec *spec) {
  MuGrid grid = TestGrid(s->dim, s->dim == 1 ? 48 : 16, 12, -3, 3, s->periodic);
  *spec = (TestFlowSpec){.grid = grid,
                         .energy = {energy},
                         .geometry = {"mmd"},
                         .ridge = ridge,
                         .spherical = s->spherical,
                         .log_target = TestLogTarget(grid, shallow),
                         .kernel = TestKernel(s->dim, "gaussian", 0.4, s->extension)};
}

static void free_flow(TestFlowSpec *spec) {
  OK(MuKernelDestroy(&spec->kernel));
  OK(VecDestroy(&spec->log_target));
  OK(MuGridDestroy(&spec->grid));
}

/* The largest |(Kc + r)(rho1 - rho0)/dt + DF(rho1) - c| over the largest |DF(rho1) - c|; c = 0, or
   the mean where mass is conserved. */
static PetscReal residual_of_step(const TestFlowSpec *spec, Vec rho0, Vec rho1) {
  MuEnergy energy = TestEnergy(spec);
  MuConvolution convolution;
  PetscReal size, residual, mean;
  PetscInt cells;
  Vec change, image, force;
  OK(VecDuplicate(rho0, &change));
  OK(VecDuplicate(rho0, &image));
  OK(VecDuplicate(rho0, &force));
  OK(MuEnergyEvaluate(energy, rho1, NULL, NULL, force, NULL));
  OK(MuConvolutionCreate(spec->grid, spec->kernel, MU_CELLS, &convolution));
  OK(VecWAXPY(change, -1, rho0, rho1));
  OK(MuConvolutionApply(convolution, change, image));
  OK(VecAXPY(image, spec->ridge, change));
  OK(VecAXPBY(image, 1, 1 / spec->step, force));
  OK(VecGetSize(image, &cells));
  OK(VecSum(image, &mean));
  if (spec->spherical) OK(VecShift(image, -mean / cells));
  OK(VecNorm(image, NORM_INFINITY, &residual));
  OK(VecNorm(force, NORM_INFINITY, &size));
  OK(MuConvolutionDestroy(&convolution));
  OK(MuEnergyDestroy(&energy));
  OK(VecDestroy(&change));
  OK(VecDestroy(&image));
  OK(VecDestroy(&force));
  return residual / size;
}

/* The iteration stops at a change of 1e-12 of the density, which DF divides by the density of near-
   empty cells: 1e-6 and more of its maximum here. */
START_TEST(the_step_solves_its_equation) {
  static const PetscReal steps[] = {1e-3, 0.02, 1};
  const int every = TestQuick() ? 2 : 1;
  for (int s = 0; s < SETTINGS; s += every)
    for (int e = 0; e < ENERGIES; e += every)
      for (int r = 0; r < RIDGES; r += every)
        for (int k = 0; k < 3; k += every) {
          TestFlowSpec spec;
          make_flow(&settings[s], energies[e], ridges[r], &spec);
          spec.scheme = "proximal";
          spec.step = spec.end = steps[k];
          Vec initial = TestField(spec.grid, narrow), rho;
          TestNormalise(spec.grid, initial);
          PetscReal smallest, mass, time;
          PetscInt rejected;
          MuFlow flow = TestFlowCreate(&spec, initial);
          OK(MuFlowAdvance(flow, spec.end));
          OK(MuFlowGetSteps(flow, NULL, &rejected));
          OK(MuFlowGetState(flow, &time, &rho));
          ck_assert_int_eq(rejected, 0);
          OK(VecMin(rho, NULL, &smallest));
          OK(MuGridIntegrate(spec.grid, rho, &mass));
          ck_assert(smallest > 0);
          if (spec.spherical) ck_assert_double_eq_tol(mass, 1, 1e-12);
          const PetscReal residual = residual_of_step(&spec, initial, rho);
          ck_assert_msg(residual < 1e-5, "%s, setting %d, ridge %g, step %g: residual %g",
                        energies[e], s, ridges[r], steps[k], residual);
          OK(MuFlowDestroy(&flow));
          OK(VecDestroy(&initial));
          free_flow(&spec);
        }
}
END_TEST

START_TEST(order_one) {
  TestFlowSpec spec;
  PetscReal steps[3], error[3];
  make_flow(&settings[2], "kl", 0.2, &spec);
  Vec initial = TestField(spec.grid, shifted), exact, rho;
  TestNormalise(spec.grid, initial);
  spec.end = 0.2;
  spec.scheme = "discrete_gradient";
  spec.step = 0.004;
  exact = TestFlowRun(&spec, initial);
  spec.scheme = "proximal";
  for (int k = 0; k < 3; ++k) {
    spec.step = steps[k] = 0.02 / (1 << k);
    rho = TestFlowRun(&spec, initial);
    OK(MuGridDistanceL1(spec.grid, rho, exact, &error[k]));
    OK(VecDestroy(&rho));
  }
  const PetscReal order = TestSlope(3, steps, error);
  ck_assert_msg(fabs(order - 1) < 0.1, "order %g, errors %g, %g, %g", order, error[0], error[1],
                error[2]);
  OK(VecDestroy(&exact));
  OK(VecDestroy(&initial));
  free_flow(&spec);
}
END_TEST

/* `auto`, with transport and without: every ridge and extension, from a density that leaves most
   cells next to empty. */
START_TEST(auto_gets_through) {
  const int every = TestQuick() ? 2 : 1;
  for (int transport = 0; transport < 2; ++transport)
    for (int s = every - 1; s < SETTINGS; s += every)
      for (int e = 0; e < ENERGIES; e += every)
        for (int r = 0; r < RIDGES; r += 2 * every) {
          TestFlowSpec spec;
          make_flow(&settings[s], energies[e], ridges[r], &spec);
          if (transport) spec.geometry[1] = "wasserstein";
          spec.step = 0.02;
          spec.end = 0.06;
          Vec initial = TestField(spec.grid, narrow), rho;
          TestNormalise(spec.grid, initial);
          PetscReal smallest;
          rho = TestFlowRun(&spec, initial);
          OK(VecMin(rho, NULL, &smallest));
          ck_assert(smallest > 0);
          OK(VecDestroy(&rho));
          OK(VecDestroy(&initial));
          free_flow(&spec);
        }
}
END_TEST

/* What it does not fit is refused in a sentence that says what it is for. */
START_TEST(other_pairs_are_refused) {
  static const char *const pairs[][3] = {
      {"mmd", NULL, "chi2"}, {"fisher_rao", NULL, "kl"}, {"mmd", "fisher_rao", "kl"}};
  for (size_t k = 0; k < sizeof pairs / sizeof *pairs; ++k) {
    TestFlowSpec spec;
    MuFlowSpec f;
    MuFlow flow;
    make_flow(&settings[0], pairs[k][2], 0.1, &spec);
    for (int i = 0; i < 2; ++i) spec.geometry[i] = pairs[k][i];
    MuEnergy energy = TestEnergy(&spec);
    MuGeometry geometry = TestGeometry(&spec);
    Vec initial = TestField(spec.grid, shifted);
    MuFlowSpecDefault(&f);
    f.scheme = "proximal";
    f.step = f.end = 1;
    ck_assert_int_eq(MuFlowCreate(spec.grid, energy, geometry, initial, &f, &flow), MU_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "proximal"));
    OK(VecDestroy(&initial));
    OK(MuEnergyDestroy(&energy));
    OK(MuGeometryDestroy(&geometry));
    free_flow(&spec);
  }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("proximal");
  TCase *t = tcase_create("proximal");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, the_step_solves_its_equation);
  tcase_add_test(t, order_one);
  tcase_add_test(t, auto_gets_through);
  tcase_add_test(t, other_pairs_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
