/* Every geometry with every energy through discrete_gradient and through `auto`: discrete balance,
   mass, positivity, decay of the energy, ledger; and the same flow on all ranks as on one. A new
   row of a table is tested the day it is added. */
#include "flow_support.h"

#include <string.h>

static PetscReal double_well(PetscReal x, PetscReal y) {
  return 0.5 * ((x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y);
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return 0.2 + exp(-(x - 0.5) * (x - 0.5) / 0.5 - (y + 0.2) * (y + 0.2) / 0.8);
}

/* Whether K(mu) xi vanishes where mu does, so that the continuous flow keeps densities non-negative
 * for every energy. */
static PetscBool keeps_sign(const char *geometry) {
  return (PetscBool)(strcmp(geometry, "mmd") != 0);
}

static PetscBool conserves_mass(const char *geometry, PetscBool spherical) {
  return (PetscBool)(spherical || strstr(geometry, "stein") || strstr(geometry, "wasserstein"));
}

typedef struct {
  MuGrid grid;
  Vec log_target, initial;
  MuKernel kernel;
} Setting;

static Setting make_setting(PetscInt dim) {
  Setting s;
  s.grid = TestGrid(dim, dim == 1 ? 24 : 8, 8, -2, 2, PETSC_FALSE);
  s.log_target = TestLogTarget(s.grid, double_well);
  s.initial = TestField(s.grid, bump);
  TestNormalise(s.grid, s.initial);
  s.kernel = TestKernel(dim, "matern", 0.6, MU_EXTENSION_REFLECT);
  return s;
}

static void free_setting(Setting *s) {
  OK(VecDestroy(&s->log_target));
  OK(VecDestroy(&s->initial));
  OK(MuKernelDestroy(&s->kernel));
  OK(MuGridDestroy(&s->grid));
}

typedef struct {
  const char *geometry, *energy, *scheme;
  PetscBool spherical;
  MuLedger ledger;
  MuPrimalMethod method;
  PetscInt columns, terms, steps;
  PetscReal row[32], previous_energy, initial_energy, mass;
} Watch;

static PetscErrorCode watch_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                                 Vec after) {
  Watch *w = ctx;
  PetscReal *tail = w->row + 3 + w->terms;
  (void)flow;
  OK(MuLedgerStep(w->ledger, time, dt, before, after, w->row));
  w->steps++;
  PetscReal drop = w->previous_energy - w->row[2], dissipated = dt * (tail[0] + tail[1]);
  PetscReal size = fabs(w->row[2]) + fabs(w->previous_energy);
  PetscReal rounding = 2e-15 * size + 1e-17; /* of the sums over at most 64 cells in F */
  ck_assert_msg(drop >= -1e-11 * size - 1e-15, "%s of %s (%s): energy rises by %g", w->geometry,
                w->energy, w->scheme, -drop);
  if (!strcmp(w->scheme, "discrete_gradient"))
    ck_assert_msg(fabs(dissipated - drop) <= 1e-10 * drop + rounding,
                  "%s of %s: balance of a step is off by %g of %g", w->geometry, w->energy,
                  dissipated - drop, drop);
  /* Fenchel-Young: R + R* >= <v, -G> = drop/dt, to the accuracy of the dual norm's solve */
  if (w->method != MU_PRIMAL_IDENTITY)
    ck_assert_msg(dissipated >= drop * (1 - 1e-9) - rounding,
                  "%s of %s (%s): R + R* = %g below the dissipation rate %g", w->geometry,
                  w->energy, w->scheme, dissipated, drop);
  if (conserves_mass(w->geometry, w->spherical))
    ck_assert_msg(fabs(tail[4] - w->mass) < 1e-12, "%s of %s (%s): mass drifts by %g", w->geometry,
                  w->energy, w->scheme, tail[4] - w->mass);
  if (keeps_sign(w->geometry)) ck_assert(tail[5] >= 0);
  w->previous_energy = w->row[2];
  return 0;
}

static void run_pair(const Setting *s, const char *geometry, const char *energy, const char *scheme,
                     PetscBool spherical) {
  TestFlowSpec spec = {.grid = s->grid,
                       .energy = {energy},
                       .geometry = {geometry},
                       .spherical = spherical,
                       .power_exponent = 0.25,
                       .internal_exponent = 2,
                       .mobility_exponent = 1.5,
                       .ridge = !strcmp(geometry, "mmd") ? 0 : 1e-2,
                       .kernel = s->kernel,
                       .log_target = s->log_target,
                       .scheme = scheme,
                       .step = keeps_sign(geometry) ? 2e-3 : 2e-4,
                       .end = keeps_sign(geometry) ? 6e-3 : 6e-4};
  Watch w = {.geometry = geometry, .energy = energy, .scheme = scheme, .spherical = spherical};
  MuFlow flow = TestFlowCreate(&spec, s->initial);
  MuGeometry g;
  const char *sentence;
  MuColumns columns;
  OK(MuFlowGetParts(flow, NULL, NULL, &g));
  OK(MuGeometryGetPrimalMethod(g, &w.method, &sentence));
  OK(MuLedgerCreate(flow, &w.ledger));
  OK(MuLedgerGetColumns(w.ledger, &columns));
  OK(MuColumnsGet(columns, &w.columns, NULL));
  w.terms = w.columns - 9;
  OK(MuLedgerStart(w.ledger, w.row));
  w.initial_energy = w.previous_energy = w.row[2];
  w.mass = w.row[3 + w.terms + 4];
  OK(MuFlowSetStepCallback(flow, watch_step, &w));
  PetscErrorCode code = MuFlowAdvance(flow, spec.end);
  ck_assert_msg(code == 0, "%s of %s (%s): %s", geometry, energy, scheme, MuErrorMessage());
  ck_assert_int_ge(w.steps, 3);
  OK(MuLedgerDestroy(&w.ledger));
  OK(MuFlowDestroy(&flow));
}

static void run_table(PetscInt dim, const char *scheme, PetscBool spherical) {
  Setting s = make_setting(dim);
  const char *geometry, *energy, *formula;
  for (PetscInt g = 0;; ++g) {
    OK(MuGeometryGetTableRow(g, &geometry, &formula));
    if (!geometry) break;
    for (PetscInt e = 0;; ++e) {
      OK(MuEnergyGetTableRow(e, &energy, &formula));
      if (!energy) break;
      run_pair(&s, geometry, energy, scheme, spherical);
    }
  }
  free_setting(&s);
}

START_TEST(discrete_gradient_1d) {
  run_table(1, "discrete_gradient", PETSC_FALSE);
}
END_TEST

START_TEST(discrete_gradient_2d) {
  if (!TestQuick()) run_table(2, "discrete_gradient", PETSC_FALSE);
}
END_TEST

START_TEST(discrete_gradient_spherical) {
  run_table(1, "discrete_gradient", PETSC_TRUE);
}
END_TEST

START_TEST(automatic_1d) {
  run_table(1, "auto", PETSC_FALSE);
}
END_TEST

START_TEST(automatic_2d_spherical) {
  run_table(2, "auto", PETSC_TRUE);
}
END_TEST

/* ------------------------------------------------------------------ the same on every number of
 * ranks */

static PetscReal *serial_run(const Setting *parallel, TestFlowSpec spec, PetscInt dim) {
  const MuGridInfo *info;
  MuGridSpec g = {.dim = dim, .lower = {-2, -2}, .upper = {2, 2}};
  OK(MuGridGetInfo(parallel->grid, &info));
  g.cells[0] = info->cells[0];
  g.cells[1] = info->cells[1];
  OK(MuGridCreate(PETSC_COMM_SELF, &g, &spec.grid));
  spec.log_target = TestLogTarget(spec.grid, double_well);
  Vec initial = TestField(spec.grid, bump), rho;
  TestNormalise(spec.grid, initial);
  rho = TestFlowRun(&spec, initial);
  PetscReal *global = TestGather(spec.grid, rho);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&spec.log_target));
  OK(MuGridDestroy(&spec.grid));
  return global;
}

START_TEST(ranks_agree) {
  static const TestFlowSpec cases[] = {
      {.energy = {"kl"}, .geometry = {"wasserstein", "fisher_rao"}},
      {.energy = {"mmd"}, .geometry = {"wasserstein", "mmd"}, .spherical = PETSC_TRUE},
      {.energy = {"kl", "interaction"}, .geometry = {"wasserstein"}},
      {.energy = {"kl"}, .geometry = {"ridge_fisher_rao"}, .ridge = 1e-3},
      {.energy = {"kl"}, .geometry = {"stein"}},
      {.energy = {"internal"}, .geometry = {"wasserstein"}, .mean = MU_MEAN_STOLARSKY},
      {.energy = {"chi2"}, .geometry = {"wasserstein", "kernel_fisher_rao"}},
  };
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
      Setting s = make_setting(dim);
      TestFlowSpec spec = cases[k];
      spec.kernel = s.kernel;
      spec.internal_exponent = 2;
      spec.grid = s.grid;
      spec.log_target = s.log_target;
      spec.step = 0.01;
      spec.end = 0.05;
      Vec rho = TestFlowRun(&spec, s.initial);
      PetscReal *a = TestGather(s.grid, rho), *b = serial_run(&s, spec, dim);
      PetscInt n = dim == 1 ? 24 : 64;
      /* solvers stop at 1e-10 to 1e-12 relative, on different iterates for different numbers of
       * ranks */
      for (PetscInt i = 0; i < n; ++i) ck_assert_double_eq_tol(a[i], b[i], 1e-9);
      free(a);
      free(b);
      OK(VecDestroy(&rho));
      free_setting(&s);
    }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("conformance");
  TCase *t = tcase_create("conformance");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, discrete_gradient_1d);
  tcase_add_test(t, discrete_gradient_2d);
  tcase_add_test(t, discrete_gradient_spherical);
  tcase_add_test(t, automatic_1d);
  tcase_add_test(t, automatic_2d_spherical);
  tcase_add_test(t, ranks_agree);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
