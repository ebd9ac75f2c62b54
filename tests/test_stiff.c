/* The scheme `extrapolation` against CVODE (SUNDIALS) on the same semi-discrete equations
   rho' = -K(rho) DF(rho), which CVODE integrates in u = log rho: densities stay positive however
   far their tails reach, and every cell has its own scale. */
#if __has_include(<cvode/cvode.h>)
#include "flow_support.h"

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

/* ------------------------------------------------------------------ the problems */

typedef struct {
  const char *energy[3], *geometry[3], *kernel;
  PetscReal (*potential)(PetscReal x, PetscReal y), (*initial)(PetscReal x, PetscReal y);
  PetscReal half_width, end, weight; /* box, time, weight of the second energy */
  PetscInt cells[2];                 /* 1-D: cells[1] = 0 */
  PetscBool spherical, periodic, masked, stolarsky;
} Problem;

static PetscReal steep(PetscReal x, PetscReal y) {
  (void)y;
  return 1.4 * (x * x - 1) * (x * x - 1);
}

static PetscReal narrow(PetscReal x, PetscReal y) {
  (void)y;
  return exp(-(x - 1.2) * (x - 1.2) / 0.18);
}

/* Narrow on a circle of length 6. */
static PetscReal bulge(PetscReal x, PetscReal y) {
  (void)y;
  return exp(20 * cos(PETSC_PI * (x - 1) / 3));
}

/* 96 where `far` has its mass. */
static PetscReal bowl(PetscReal x, PetscReal y) {
  return 6 * (x * x + y * y) + 0.4 * x * y;
}

static PetscReal far(PetscReal x, PetscReal y) {
  return exp(-((x + 4) * (x + 4) + y * y) / 0.32);
}

static PetscReal far_in_the_plane(PetscReal x, PetscReal y) {
  return exp(-((x - 1.5) * (x - 1.5) + (y + 1.5) * (y + 1.5)) / 0.3);
}

static PetscReal gorge(PetscReal x, PetscReal y) {
  return 4 * (y - 0.5 * x * x + 0.5) * (y - 0.5 * x * x + 0.5) + 0.5 * x * x;
}

#define LINE(n)     .cells = {n, 0}
#define PLANE(m, n) .cells = {m, n}
#define WELL        .potential = TestWell, .initial = TestHill, .half_width = 2
#define STEEP       .potential = steep, .initial = narrow, .half_width = 4
#define YES         PETSC_TRUE

static const Problem problems[] = {
    {{"kl"}, {"wasserstein"}, STEEP, .end = 0.5, LINE(80)},
    {{"kl"}, {"wasserstein", "fisher_rao"}, STEEP, .end = 1, LINE(80)},
    {{"kl"},
     {"wasserstein", "fisher_rao"},
     .potential = bowl,
     .initial = far,
     .half_width = 5,
     .end = 0.2,
     LINE(72),
     .spherical = YES},
    {{"kl"},
     {"wasserstein"},
     .potential = bowl,
     .initial = far,
     .half_width = 5,
     .end = 0.2,
     LINE(72),
     .masked = YES},
    {{"kl"},
     {"wasserstein", "fisher_rao"},
     .potential = gorge,
     .initial = far_in_the_plane,
     .half_width = 2,
     .end = 0.3,
     PLANE(12, 10),
     .spherical = YES,
     .masked = YES},
    {{"entropy"},
     {"wasserstein"},
     .initial = bulge,
     .potential = TestWell,
     .half_width = 3,
     .end = 0.3,
     LINE(48),
     .periodic = YES},
    {{"chi2"}, {"wasserstein"}, WELL, .end = 0.5, LINE(40)},
    {{"chi2"}, {"wasserstein", "fisher_rao"}, WELL, .end = 0.5, LINE(40), .masked = YES},
    {{"internal", "potential"},
     {"wasserstein"},
     WELL,
     .end = 0.5,
     .weight = 0.1,
     PLANE(10, 9),
     .stolarsky = YES},
    {{"hellinger"}, {"wasserstein", "fisher_rao"}, WELL, .end = 0.5, LINE(40)},
    {{"power"}, {"wasserstein"}, WELL, .end = 0.5, LINE(40)},
    {{"kl"}, {"wasserstein_mobility"}, WELL, .end = 0.5, LINE(40)},
    {{"kl"}, {"wasserstein", "kernel_fisher_rao"}, "gaussian", WELL, .end = 0.5, LINE(40)},
    {{"mmd"}, {"wasserstein", "mmd"}, "bessel", WELL, .end = 0.5, LINE(24)},
    {{"mmd", "kl"}, {"wasserstein"}, "gaussian", WELL, .end = 0.5, PLANE(10, 9), .masked = YES},
    {{"entropy", "interaction"}, {"wasserstein"}, WELL, .end = 0.5, .weight = 3, LINE(40)},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

static MuGrid make_grid(const Problem *p) {
  enum { MOST = 128 };
  unsigned char mask[MOST];
  const PetscInt n = p->cells[0] * PetscMax(1, p->cells[1]);
  MuGridSpec spec = {.dim = p->cells[1] ? 2 : 1,
                     .lower = {-p->half_width, -p->half_width},
                     .upper = {p->half_width, p->half_width},
                     .cells = {p->cells[0], p->cells[1]},
                     .periodic = {p->periodic, p->periodic}};
  MuGrid grid;
  ck_assert_int_le(n, MOST);
  /* in 1-D the two ends are cut off, in the plane cells here and there */
  for (PetscInt i = 0; i < n; ++i) mask[i] = p->cells[1] ? i % 13 != 6 : i > 1 && i < n - 2;
  if (p->masked) spec.mask = mask;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  return grid;
}

static TestFlowSpec make_spec(const Problem *p, MuGrid grid) {
  TestFlowSpec spec = {.grid = grid,
                       .energy = {p->energy[0], p->energy[1]},
                       .energy_weight = {1, p->weight},
                       .geometry = {p->geometry[0], p->geometry[1]},
                       .power_exponent = 1.5,
                       .internal_exponent = 2,
                       .mobility_exponent = 2,
                       .spherical = p->spherical,
                       .mean = p->stolarsky ? MU_MEAN_STOLARSKY : MU_MEAN_AUTO,
                       .log_target = TestLogTarget(grid, p->potential),
                       .scheme = "extrapolation",
                       .tolerance = 1e-5,
                       .step = 1,
                       .end = p->end};
  if (p->kernel)
    spec.kernel = TestKernel(p->cells[1] ? 2 : 1, p->kernel, 0.5, MU_EXTENSION_REFLECT);
  return spec;
}

/* ------------------------------------------------------------------ CVODE */

/* Leaves errors of 4e-11 to 3e-10 in L1, by the difference to ten times as much. */
#define TIGHT 1e-12

typedef struct {
  const MuGridInfo *info;
  MuEnergy energy;
  MuGeometry geometry;
  Vec rho, xi, k;
} Equations;

/* rho = exp(u) on the cells inside, in their order. */
static void set_density(Equations *e, N_Vector u) {
  const sunrealtype *a = N_VGetArrayPointer(u);
  PetscReal *r;
  OK(VecGetArray(e->rho, &r));
  for (PetscInt i = 0, j = 0; i < e->info->local_size; ++i)
    r[i] = e->info->mask[i] ? exp(a[j++]) : 0;
  OK(VecRestoreArray(e->rho, &r));
}

/* u' = -(K DF)/rho; 1, which makes CVODE try a smaller step, where a density leaves the numbers. */
static int right_side(sunrealtype t, N_Vector u, N_Vector rate, void *ctx) {
  Equations *e = ctx;
  const PetscReal *r, *k;
  sunrealtype *out = N_VGetArrayPointer(rate);
  int unusable = 0;
  (void)t;
  set_density(e, u);
  OK(MuEnergyEvaluate(e->energy, e->rho, NULL, NULL, e->xi, NULL));
  OK(MuGeometrySetState(e->geometry, e->rho));
  OK(MuGeometryApply(e->geometry, MU_PART_ALL, e->xi, NULL, e->k));
  OK(VecGetArrayRead(e->rho, &r));
  OK(VecGetArrayRead(e->k, &k));
  for (PetscInt i = 0, j = 0; i < e->info->local_size; ++i) {
    if (!e->info->mask[i]) continue;
    out[j] = -k[i] / r[i];
    if (!isfinite(out[j++])) unusable = 1;
  }
  OK(VecRestoreArrayRead(e->rho, &r));
  OK(VecRestoreArrayRead(e->k, &k));
  return unusable;
}

/* BDF with a dense Jacobian of differences: u from 0 to `end`. */
static void integrate(Equations *e, N_Vector u, PetscReal end, SUNContext context) {
  const sunindextype n = N_VGetLength(u);
  void *cvode = CVodeCreate(CV_BDF, context);
  SUNMatrix matrix = SUNDenseMatrix(n, n, context);
  SUNLinearSolver solver = SUNLinSol_Dense(u, matrix, context);
  sunrealtype reached;
  ck_assert_int_eq(CVodeInit(cvode, right_side, 0, u), CV_SUCCESS);
  ck_assert_int_eq(CVodeSStolerances(cvode, TIGHT, TIGHT), CV_SUCCESS);
  ck_assert_int_eq(CVodeSetUserData(cvode, e), CV_SUCCESS);
  ck_assert_int_eq(CVodeSetLinearSolver(cvode, solver, matrix), CV_SUCCESS);
  ck_assert_int_eq(CVodeSetMaxNumSteps(cvode, 1000000), CV_SUCCESS);
  ck_assert_int_eq(CVodeSetStopTime(cvode, end), CV_SUCCESS);
  ck_assert_int_ge(CVode(cvode, end, u, &reached, CV_NORMAL), CV_SUCCESS);
  ck_assert_double_eq(reached, end);
  CVodeFree(&cvode);
  SUNLinSolFree(solver);
  SUNMatDestroy(matrix);
}

/* The density at spec->end by CVODE. */
static Vec solve_with_cvode(const TestFlowSpec *spec, Vec initial) {
  MuFlow flow = TestFlowCreate(spec, initial); /* sets the face mean of the geometry */
  Equations e;
  SUNContext context;
  const PetscReal *r;
  ck_assert_int_eq(SUNContext_Create(NULL, &context), 0);
  OK(MuFlowGetParts(flow, NULL, &e.energy, &e.geometry));
  OK(MuGridGetInfo(spec->grid, &e.info));
  OK(VecDuplicate(initial, &e.rho));
  OK(VecDuplicate(initial, &e.xi));
  OK(VecDuplicate(initial, &e.k));
  N_Vector u = N_VNew_Serial(e.info->inside, context);
  OK(VecGetArrayRead(initial, &r));
  for (PetscInt i = 0, j = 0; i < e.info->local_size; ++i)
    if (e.info->mask[i]) N_VGetArrayPointer(u)[j++] = log(r[i]);
  OK(VecRestoreArrayRead(initial, &r));
  integrate(&e, u, spec->end, context);
  set_density(&e, u);
  N_VDestroy(u);
  SUNContext_Free(&context);
  OK(VecDestroy(&e.xi));
  OK(VecDestroy(&e.k));
  OK(MuFlowDestroy(&flow));
  return e.rho;
}

/* ------------------------------------------------------------------ the comparison */

static PetscReal solve_error(TestFlowSpec *spec, Vec initial, Vec exact, PetscReal tolerance) {
  PetscReal error;
  Vec rho;
  spec->tolerance = tolerance;
  rho = TestFlowRun(spec, initial);
  OK(MuGridDistanceL1(spec->grid, rho, exact, &error));
  OK(VecDestroy(&rho));
  return error;
}

/* Tolerances 1e-3 .. 1e-9: the error at the end is at most the tolerance, and goes down with it */
START_TEST(errors_are_within_the_tolerance) {
  enum { TOLERANCES = 7 };
  const Problem *p = &problems[_i];
  if (TestQuick() && _i % 4 != 1) return;
  MuGrid grid = make_grid(p);
  TestFlowSpec spec = make_spec(p, grid);
  Vec initial = TestField(grid, p->initial), exact;
  PetscReal tolerance[TOLERANCES], error[TOLERANCES];
  TestNormalise(grid, initial);
  exact = solve_with_cvode(&spec, initial);
  for (int k = 0; k < TOLERANCES; ++k) {
    tolerance[k] = pow(10, -3 - k);
    error[k] = solve_error(&spec, initial, exact, tolerance[k]);
    ck_assert_msg(error[k] <= tolerance[k], "%s, %s: error %.2e at tolerance %.0e", p->energy[0],
                  p->geometry[0], error[k], tolerance[k]);
  }
  ck_assert_double_ge(TestSlope(TOLERANCES, tolerance, error), 0.7);
  OK(VecDestroy(&exact));
  OK(VecDestroy(&initial));
  OK(VecDestroy(&spec.log_target));
  OK(MuKernelDestroy(&spec.kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("stiff");
  TCase *t = tcase_create("stiff");
  tcase_set_timeout(t, 120);
  tcase_add_loop_test(t, errors_are_within_the_tolerance, 0, PROBLEMS);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
#else
#include <stdio.h>

int main(void) {
  puts("built without CVODE (Debian: libsundials-dev)");
  return 77;
}
#endif
