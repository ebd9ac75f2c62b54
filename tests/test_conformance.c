/* Every geometry with every energy through discrete_gradient and through `auto`: discrete balance,
   mass, positivity, decay of the energy at the rate -2 R*, ledger; the transport step against the
   operator; and the same flow on all ranks as on one. A new row of a table is tested the day it
   is added. */
#include "flow/flow_impl.h"
#include "flow_support.h"
#include "geometry/geometry_impl.h"

#include <string.h>

static PetscReal double_well(PetscReal x, PetscReal y) {
  return 0.5 * ((x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y);
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return 0.2 + exp(-(x - 0.5) * (x - 0.5) / 0.5 - (y + 0.2) * (y + 0.2) / 0.8);
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
  PetscBool conserves_mass, keeps_sign; /* as declared */
  MuLedger ledger;
  MuPrimalMethod method;
  MuColumns columns; /* of the ledger; borrowed */
  PetscInt steps;
  PetscReal row[32], previous_energy, initial_energy, mass;
  PetscReal fallen, promised; /* F(0) - F(t), the integral of 2 R* */
} Watch;

static MuPartTraits traits_of(const char *geometry) {
  const MuGeometrySpec spec = {.parts = 1,
                               .part = {{.name = geometry, .weight = 1, .value = {1, 1, 1, 1}}}};
  MuPartTraits traits;
  OK(MuGeometryGetTraits(&spec, 0, &traits));
  return traits;
}

static PetscReal value_of(const Watch *w, MuColumnRole role) {
  return MuColumnsValue(w->columns, w->row, role);
}

static PetscErrorCode watch_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                                 Vec after) {
  Watch *w = ctx;
  (void)flow;
  OK(MuLedgerStep(w->ledger, time, dt, before, after, w->row));
  w->steps++;
  const PetscReal energy = value_of(w, MU_COLUMN_ENERGY), mass = value_of(w, MU_COLUMN_MASS);
  const PetscReal dual = value_of(w, MU_COLUMN_DISSIPATION_DUAL);
  PetscReal drop = w->previous_energy - energy;
  PetscReal dissipated = dt * (value_of(w, MU_COLUMN_DISSIPATION_PRIMAL) + dual);
  PetscReal size = fabs(energy) + fabs(w->previous_energy);
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
  w->fallen += drop;
  w->promised += 2 * dt * dual;
  if (w->conserves_mass)
    ck_assert_msg(fabs(mass - w->mass) < 1e-12, "%s of %s (%s): mass drifts by %g", w->geometry,
                  w->energy, w->scheme, mass - w->mass);
  if (w->keeps_sign) ck_assert(value_of(w, MU_COLUMN_MIN_DENSITY) >= 0);
  w->previous_energy = energy;
  return 0;
}

/* The relative difference between the fall of the energy and the integral of 2 R*, which is of the
   order of the step. */
static PetscReal run_pair(const Setting *s, const char *geometry, const char *energy,
                          const char *scheme, PetscBool spherical, PetscReal refinement) {
  const MuPartTraits traits = traits_of(geometry);
  /* an inverse of the kernel under a divergence is of the fourth order in space */
  const PetscBool steep = (PetscBool)(traits.needs_inverse && traits.kind == MU_PART_TRANSPORT);
  const PetscReal step = (traits.vanishes ? 2e-3 : steep ? 1e-5 : 2e-4) / refinement;
  TestFlowSpec spec = {.grid = s->grid,
                       .energy = {energy},
                       .geometry = {geometry},
                       .spherical = spherical,
                       .power_exponent = 0.25,
                       .internal_exponent = 2,
                       .mobility_exponent = 1.5,
                       .ridge = traits.needs_inverse ? 0 : 1e-2,
                       .kernel = s->kernel,
                       .log_target = s->log_target,
                       .scheme = scheme,
                       .step = step,
                       .end = 3 * step};
  Watch w = {.geometry = geometry,
             .energy = energy,
             .scheme = scheme,
             .conserves_mass = (PetscBool)(spherical || traits.kind == MU_PART_TRANSPORT),
             .keeps_sign = traits.vanishes};
  MuFlow flow = TestFlowCreate(&spec, s->initial);
  MuGeometry g;
  const char *sentence;
  PetscInt count;
  OK(MuFlowGetParts(flow, NULL, NULL, &g));
  OK(MuGeometryGetPrimalMethod(g, &w.method, &sentence));
  OK(MuLedgerCreate(flow, &w.ledger));
  OK(MuLedgerGetColumns(w.ledger, &w.columns));
  OK(MuColumnsGet(w.columns, &count, NULL));
  ck_assert_int_le(count, sizeof w.row / sizeof w.row[0]);
  OK(MuLedgerStart(w.ledger, w.row));
  w.initial_energy = w.previous_energy = value_of(&w, MU_COLUMN_ENERGY);
  w.mass = value_of(&w, MU_COLUMN_MASS);
  OK(MuFlowSetStepCallback(flow, watch_step, &w));
  PetscErrorCode code = MuFlowAdvance(flow, spec.end);
  ck_assert_msg(code == 0, "%s of %s (%s): %s", geometry, energy, scheme, MuErrorMessage());
  ck_assert_int_ge(w.steps, 3);
  OK(MuLedgerDestroy(&w.ledger));
  OK(MuFlowDestroy(&flow));
  return fabs(w.fallen - w.promised) / w.promised;
}

/* Whether the energy falls at the rate -2 R*: the error is small or of first order in the step. */
static PetscBool falls(const Setting *s, const char *geometry, const char *energy,
                       const char *scheme, PetscBool spherical) {
  const PetscReal error = run_pair(s, geometry, energy, scheme, spherical, 1);
  if (error < 0.05) return PETSC_TRUE;
  return (PetscBool)(run_pair(s, geometry, energy, scheme, spherical, 10) < 0.2 * error);
}

/* One rank takes all pairs; two, on which small steps wait for each other, a third, in which every
   geometry and every energy is; more, which wait for a core as well, a quarter. */
static PetscBool is_taken(PetscInt geometry, PetscInt energy) {
  PetscMPIInt ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return (PetscBool)((geometry + energy) % (ranks == 1 ? 1 : ranks == 2 ? 3 : 4) == 0);
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
      if (!is_taken(g, e)) continue;
      ck_assert_msg(falls(&s, geometry, energy, scheme, spherical),
                    "%s of %s (%s): the energy does not fall at the rate -2 R*", geometry, energy,
                    scheme);
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

/* ------------------------------------------------------------------ linearised transport */

/* out = div J, J_f = a_f rho_lower - b_f rho_upper, in 1-D with walls. */
static PetscReal *divergence(MuGrid grid, MuTransport transport, const PetscReal *rho, PetscInt n) {
  PetscReal *out = calloc((size_t)n, sizeof *out), *a, *b;
  Vec fields[2];
  OK(MuTransportGetCoefficients(transport, 0, &fields[0], &fields[1]));
  a = TestGather(grid, fields[0]);
  b = TestGather(grid, fields[1]);
  for (PetscInt i = 1; i < n; ++i) {
    const PetscReal flux = a[i] * rho[i - 1] - b[i] * rho[i];
    out[i - 1] += flux;
    out[i] -= flux;
  }
  free(a);
  free(b);
  return out;
}

/* Largest difference between the transport step's coefficients at rho and K_transport(rho) DF(rho),
   relative to the largest value. */
static PetscReal linearization_error(const Setting *s, const char *geometry, const char *energy,
                                     MuMean mean) {
  TestFlowSpec spec = {.grid = s->grid,
                       .energy = {energy},
                       .geometry = {geometry},
                       .power_exponent = 0.25,
                       .internal_exponent = 2,
                       .mobility_exponent = 1.5,
                       .ridge = 1e-2,
                       .mean = mean,
                       .kernel = s->kernel,
                       .log_target = s->log_target,
                       .scheme = "discrete_gradient",
                       .step = 1e-3,
                       .end = 1e-3};
  const PetscInt n = 24;
  MuLinearization linearization;
  MuTransport transport;
  Vec rho = TestRandomField(s->grid, 5, 0.2, 1.5), derivative, image;
  MuFlow flow = TestFlowCreate(&spec, rho);
  OK(VecDuplicate(rho, &derivative));
  OK(VecDuplicate(rho, &image));
  OK(MuLinearizationCreate(flow, &linearization));
  OK(MuTransportCreate(s->grid, MU_TRANSPORT_DIMENSION_SPLIT, &transport));
  OK(MuLinearizationFill(linearization, rho, transport));
  OK(MuEnergyEvaluate(flow->energy, rho, NULL, NULL, derivative, NULL));
  OK(MuGeometrySetState(flow->geometry, rho));
  OK(MuGeometryApply(flow->geometry, MU_PART_TRANSPORT, derivative, NULL, image));
  PetscReal *density = TestGather(s->grid, rho), *exact = TestGather(s->grid, image);
  PetscReal *linear = divergence(s->grid, transport, density, n), error = 0, size = 0;
  for (PetscInt i = 0; i < n; ++i) {
    error = fmax(error, fabs(linear[i] - exact[i]));
    size = fmax(size, fabs(exact[i]));
  }
  free(density);
  free(exact);
  free(linear);
  OK(MuTransportDestroy(&transport));
  OK(MuLinearizationDestroy(&linearization));
  OK(MuFlowDestroy(&flow));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&derivative));
  OK(VecDestroy(&image));
  return error / size;
}

/* Means of the donor go with energies without log rho, and with mobilities that are a cell's. */
static PetscBool has_donors(const char *geometry) {
  return (PetscBool)!traits_of(geometry).fixed;
}

static PetscBool is_logarithmic(const char *energy) {
  const MuEnergySpec spec = {.terms = 1,
                             .term = {{.name = energy, .weight = 1, .value = {2, 2, 2, 2}}}};
  MuTermTraits traits;
  OK(MuEnergyGetTraits(&spec, 0, &traits));
  return traits.logarithmic;
}

START_TEST(linearised_transport_is_the_operator) {
  static const MuMean means[] = {MU_MEAN_LOGARITHMIC, MU_MEAN_UPWIND, MU_MEAN_LIMITED};
  Setting s = make_setting(1);
  const char *geometry, *energy, *formula;
  for (PetscInt g = 0; MuGeometryGetTableRow(g, &geometry, &formula), geometry; ++g)
    for (PetscInt e = 0; MuEnergyGetTableRow(e, &energy, &formula), energy; ++e) {
      if (traits_of(geometry).kind != MU_PART_TRANSPORT || !is_taken(g, e)) continue;
      for (int m = 0; m < (is_logarithmic(energy) || !has_donors(geometry) ? 1 : 3); ++m) {
        const PetscReal error = linearization_error(&s, geometry, energy, means[m]);
        ck_assert_msg(error < 1e-10, "%s of %s, mean %d: the transport step differs by %g",
                      geometry, energy, (int)means[m], error);
      }
    }
  free_setting(&s);
}
END_TEST

/* ------------------------------------------------------------------ a flow that stands still */

static PetscErrorCode no_mobility(MuGeometry geometry, MuPart *part, PetscInt axis, Vec mobility) {
  (void)geometry, (void)part, (void)axis, (void)mobility;
  return 0;
}

/* Runs last: it adds to the table. */
START_TEST(a_frozen_flow_fails) {
  static MuPartOps frozen;
  Setting s = make_setting(1);
  frozen = MuPartWasserstein;
  frozen.name = "frozen";
  frozen.mobility = no_mobility;
  OK(MuGeometryRegister(&frozen));
  ck_assert(!falls(&s, "frozen", "chi2", "auto", PETSC_FALSE));
  ck_assert(linearization_error(&s, "frozen", "chi2", MU_MEAN_LOGARITHMIC) > 0.9);
  free_setting(&s);
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
  tcase_add_test(t, linearised_transport_is_the_operator);
  tcase_add_test(t, a_frozen_flow_fails);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
