/* Benchmark of extrapolation beside CVODE (SUNDIALS): the Hellinger-Kantorovich flow of KL in a
   double well, 1024 cells, t = 1; time to a true L1 error of 1e-4, 1e-6 and 1e-8 over the time that
   CVODE's BDF takes to it. CVODE integrates u = log rho, so that no density becomes negative,

     u_i' = a_(i-1) exp(u_(i-1) - u_i) - b_(i-1) - a_i + b_i exp(u_(i+1) - u_i) - (u_i - log pi_i),

   a_i, b_i the Scharfetter-Gummel coefficients of the face above cell i, with the tridiagonal
   Jacobian in closed form, the norm in which errors of a cell weigh as much as they do in L1, and
   the tolerance that just leaves the error. The band is solved by SUNDIALS itself: Debian's has no
   band solver of LAPACK, which would bring little to three diagonals.

   -bench_curve FILE writes what pictures are drawn from instead: error and seconds of both over all
   tolerances, and of the schemes with fixed steps; without CVODE of ours alone. */
#include "bench_problem.h"

/* The least time of nine runs, fewer where they take longer than a second. */
static PetscErrorCode time_best(BenchRun run, void *ctx, double *seconds) {
  const double begun = MPI_Wtime();

  PetscFunctionBegin;
  *seconds = PETSC_MAX_REAL;
  for (int k = 0; k < 9 && MPI_Wtime() - begun < 1; ++k) {
    const double start = MPI_Wtime();
    PetscCall(run(ctx));
    *seconds = PetscMin(*seconds, MPI_Wtime() - start);
  }
  PetscFunctionReturn(0);
}

#if __has_include(<cvode/cvode.h>)
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_band.h>
#include <sunmatrix/sunmatrix_band.h>

#include <string.h>

/* ------------------------------------------------------------------ the equations */

enum { CELLS = 1024 };
/* Error of u where there is nearly no mass; with more Newton's iteration fails, with less nothing
   is gained. */
#define TAIL 3e-4

typedef struct {
  PetscReal log_pi[CELLS], start[CELLS]; /* u at time 0 */
  PetscReal a[CELLS], b[CELLS];          /* the last ones are zero */
  PetscReal spacing, tolerance;
  SUNContext context;
  void *cvode;
  SUNMatrix matrix;
  SUNLinearSolver solver;
  N_Vector u;
  int status; /* of the last run; below 0: it failed */
} Equations;

static PetscReal bernoulli(PetscReal x) {
  return fabs(x) < 1e-8 ? 1 - x / 2 : x / expm1(x);
}

static int right_side(sunrealtype t, N_Vector u, N_Vector rate, void *ctx) {
  const Equations *e = ctx;
  const sunrealtype *x = N_VGetArrayPointer(u);
  sunrealtype *out = N_VGetArrayPointer(rate), below = 0;
  int usable = 1;
  (void)t;
  for (int i = 0; i < CELLS; ++i) {
    const PetscReal ratio = i + 1 < CELLS ? exp(x[i + 1] - x[i]) : 1;
    out[i] = below - e->a[i] + e->b[i] * ratio - (x[i] - e->log_pi[i]);
    below = e->a[i] / ratio - e->b[i];
    usable &= isfinite(out[i]);
  }
  return !usable;
}

static int jacobian(sunrealtype t, N_Vector u, N_Vector rate, SUNMatrix j, void *ctx, N_Vector w1,
                    N_Vector w2, N_Vector w3) {
  const Equations *e = ctx;
  const sunrealtype *x = N_VGetArrayPointer(u);
  (void)t, (void)rate, (void)w1, (void)w2, (void)w3;
  for (int i = 0; i < CELLS; ++i) SM_ELEMENT_B(j, i, i) = -1;
  for (int i = 0; i + 1 < CELLS; ++i) {
    const PetscReal ratio = exp(x[i + 1] - x[i]), up = e->b[i] * ratio, down = e->a[i] / ratio;
    SM_ELEMENT_B(j, i, i) -= up;
    SM_ELEMENT_B(j, i, i + 1) = up;
    SM_ELEMENT_B(j, i + 1, i + 1) -= down;
    SM_ELEMENT_B(j, i + 1, i) = down;
  }
  return 0;
}

/* Weights of errors of u: those of rho are to be below the tolerance. */
static int weigh(N_Vector u, N_Vector weight, void *ctx) {
  const Equations *e = ctx;
  const sunrealtype *x = N_VGetArrayPointer(u);
  sunrealtype *w = N_VGetArrayPointer(weight);
  const PetscReal least = 1 / PetscMax(TAIL, e->tolerance);
  for (int i = 0; i < CELLS; ++i) w[i] = exp(x[i]) / e->tolerance + least;
  return 0;
}

/* ------------------------------------------------------------------ CVODE */

static PetscErrorCode equations_create(Equations *e) {
  const PetscReal *log_pi, *rho;
  MuGrid grid;
  Vec target, initial;

  PetscFunctionBegin;
  PetscCall(BenchDensities(&BenchWell, &grid, &target, &initial));
  PetscCall(VecGetArrayRead(target, &log_pi));
  PetscCall(VecGetArrayRead(initial, &rho));
  e->spacing = 8. / CELLS;
  memset(e->a, 0, sizeof e->a);
  memset(e->b, 0, sizeof e->b);
  for (int i = 0; i < CELLS; ++i) {
    e->log_pi[i] = log_pi[i];
    e->start[i] = log(rho[i]);
    if (i + 1 == CELLS) break;
    e->a[i] = bernoulli(log_pi[i] - log_pi[i + 1]) / (e->spacing * e->spacing);
    e->b[i] = bernoulli(log_pi[i + 1] - log_pi[i]) / (e->spacing * e->spacing);
  }
  PetscCall(VecRestoreArrayRead(target, &log_pi));
  PetscCall(VecRestoreArrayRead(initial, &rho));
  PetscCall(VecDestroy(&target));
  PetscCall(VecDestroy(&initial));
  PetscCall(MuGridDestroy(&grid));
  SUNContext_Create(NULL, &e->context);
  e->u = N_VNew_Serial(CELLS, e->context);
  e->matrix = SUNBandMatrix(CELLS, 1, 1, e->context);
  e->solver = SUNLinSol_Band(e->u, e->matrix, e->context);
  e->cvode = CVodeCreate(CV_BDF, e->context);
  CVodeInit(e->cvode, right_side, 0, e->u);
  CVodeSetUserData(e->cvode, e);
  CVodeWFtolerances(e->cvode, weigh);
  CVodeSetLinearSolver(e->cvode, e->solver, e->matrix);
  CVodeSetJacFn(e->cvode, jacobian);
  CVodeSetMaxNumSteps(e->cvode, 100000);
  CVodeSetErrFile(e->cvode, NULL); /* the status is looked at */
  PetscFunctionReturn(0);
}

static void equations_destroy(Equations *e) {
  CVodeFree(&e->cvode);
  SUNLinSolFree(e->solver);
  SUNMatDestroy(e->matrix);
  N_VDestroy(e->u);
  SUNContext_Free(&e->context);
}

/* A BenchRun: u at time 1, unless it fails. */
static PetscErrorCode integrate(void *ctx) {
  Equations *e = ctx;
  sunrealtype reached;

  memcpy(N_VGetArrayPointer(e->u), e->start, sizeof e->start);
  e->status = CVodeReInit(e->cvode, 0, e->u);
  if (!e->status) e->status = CVodeSetStopTime(e->cvode, 1);
  if (!e->status) e->status = CVode(e->cvode, 1, e->u, &reached, CV_NORMAL);
  return 0;
}

static PetscErrorCode error_of(Equations *e, Vec reference, PetscReal *error) {
  const PetscReal *exact;

  PetscFunctionBegin;
  *error = e->status < 0 ? PETSC_INFINITY : 0;
  PetscCall(VecGetArrayRead(reference, &exact));
  for (int i = 0; i < CELLS; ++i)
    *error += e->spacing * fabs(exp(N_VGetArrayPointer(e->u)[i]) - exact[i]);
  PetscCall(VecRestoreArrayRead(reference, &exact));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the lines */

/* The loosest tolerance, by quarters of decades, that leaves an error of at most `error`. */
static PetscErrorCode tune(Equations *e, Vec reference, PetscReal error) {
  PetscReal left;
  long steps;

  PetscFunctionBegin;
  for (PetscReal digits = -2.5 - log10(error);; digits += 0.25) {
    e->tolerance = pow(10, -digits);
    PetscCall(integrate(e));
    PetscCall(error_of(e, reference, &left));
    if (left <= error) break;
  }
  CVodeGetNumSteps(e->cvode, &steps);
  printf("  CVODE: error %.1e with tolerance %.1e: %ld steps\n", left, e->tolerance, steps);
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_error(Equations *e, Vec reference, PetscReal error) {
  double ours = 0, theirs = 1;
  BenchWhole whole;
  BenchCost cost;
  char name[64];

  PetscFunctionBegin;
  PetscCall(BenchFindCost(&BenchWell, reference, error, &cost));
  PetscCall(BenchWholeCreate(&BenchWell, "extrapolation", cost.tolerance, 1, &whole));
  PetscCall(tune(e, reference, error));
  PetscCall(BenchPair(BenchWholeRun, &whole, integrate, e, 31, &ours, &theirs));
  snprintf(name, sizeof name, "extrapolation, HK 1024 cells to %.0e [CVODE, BDF]", error);
  PetscCall(BenchReport(name, ours / theirs, 0.5, ours));
  PetscCall(BenchWholeDestroy(&whole));
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_lines(Vec reference) {
  static Equations e;

  PetscFunctionBegin;
  PetscCall(equations_create(&e));
  for (int digits = 4; digits <= 8; digits += 2)
    PetscCall(bench_error(&e, reference, pow(10, -digits)));
  equations_destroy(&e);
  PetscFunctionReturn(0);
}

static PetscErrorCode curve_of_cvode(Vec reference, FILE *file) {
  static Equations e;
  PetscReal error;
  double seconds;

  PetscFunctionBegin;
  PetscCall(equations_create(&e));
  for (int halves = 2; halves <= 20; ++halves) {
    e.tolerance = pow(10, -0.5 * halves);
    PetscCall(time_best(integrate, &e, &seconds));
    PetscCall(error_of(&e, reference, &error));
    if (e.status >= 0) fprintf(file, "CVODE,%.3e,%.3e\n", error, seconds);
  }
  equations_destroy(&e);
  PetscFunctionReturn(0);
}
#else
static PetscErrorCode bench_lines(Vec reference) {
  (void)reference;
  puts("bench_stiff: built without CVODE, whose lines are left out (Debian: libsundials-dev)");
  return 0;
}

static PetscErrorCode curve_of_cvode(Vec reference, FILE *file) {
  (void)reference, (void)file;
  return 0;
}
#endif

/* ------------------------------------------------------------------ the curves */

/* tolerance 0: fixed steps. */
static PetscErrorCode write_point(const char *scheme, PetscReal tolerance, PetscReal step,
                                  Vec reference, FILE *file, double *seconds) {
  BenchCost cost;
  BenchWhole whole;

  PetscFunctionBegin;
  PetscCall(BenchSolve(&BenchWell, scheme, tolerance, step, reference, &cost, NULL));
  PetscCall(BenchWholeCreate(&BenchWell, scheme, tolerance, step, &whole));
  PetscCall(time_best(BenchWholeRun, &whole, seconds));
  PetscCall(BenchWholeDestroy(&whole));
  fprintf(file, "%s,%.3e,%.3e\n", scheme, cost.error, *seconds);
  PetscFunctionReturn(0);
}

static PetscErrorCode curve_of_tolerances(Vec reference, FILE *file) {
  double seconds;

  PetscFunctionBegin;
  for (int halves = 2; halves <= 20; ++halves)
    PetscCall(write_point("extrapolation", pow(10, -0.5 * halves), 1, reference, file, &seconds));
  PetscFunctionReturn(0);
}

/* Steps of 1/2, 1/4, ... until a run takes a second, at least four. */
static PetscErrorCode curve_of_steps(const char *scheme, Vec reference, FILE *file) {
  double seconds = 0;

  PetscFunctionBegin;
  for (int k = 1; k <= 4 || seconds < 1; ++k)
    PetscCall(write_point(scheme, 0, ldexp(1, -k), reference, file, &seconds));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_curves(Vec reference, const char *path) {
  FILE *file = fopen(path, "w");

  PetscFunctionBegin;
  if (!file) return MuError(MU_ERR_FILE, "%s: cannot be written", path);
  fprintf(file, "method,error,seconds\n");
  PetscCall(curve_of_tolerances(reference, file));
  PetscCall(curve_of_cvode(reference, file));
  PetscCall(curve_of_steps("lie", reference, file));
  PetscCall(curve_of_steps("strang", reference, file));
  PetscCall(curve_of_steps("discrete_gradient", reference, file));
  fclose(file);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  char path[PETSC_MAX_PATH_LEN];
  PetscBool curve;
  BenchCost cost;
  Vec reference;

  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-bench_curve", path, sizeof path, &curve));
  PetscCall(
      BenchSolve(&BenchWell, "extrapolation", MU_LEAST_TOLERANCE, 1, NULL, &cost, &reference));
  PetscCall(curve ? write_curves(reference, path) : bench_lines(reference));
  PetscCall(VecDestroy(&reference));
  return MuFinalize() ? 1 : 0;
}
