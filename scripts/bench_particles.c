/* Speed of what particle methods need: sums over pairs against the exponential function and against
   matrix products, iterations of the IFT particle method, fast sums against direct ones. For
   comparison, a dense PyTorch version took 18 ms per IFT iteration at n = 1000 and 1.1 ms at n =
   200 in 2-D on a machine of this kind; a fifth of that is the bound. Times are the shortest of
   several: these runs are so short that another process takes whole ones. Usage: bench_particles
   [-bench_csv FILE] [-points N] (of the run in 100-D) */
#include "bench.h"
#include "grid/arrays.h"
#include "measure/mixture.h"
#include "particles/pairs.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

/* ------------------------------------------------------------------ pairs and exp */

typedef struct {
  MuPairs pairs;
  PetscInt n;
  PetscReal *x, *w, *sum, *gradient;
} Sum;

static PetscErrorCode run_sum(void *ctx) {
  Sum *s = ctx;
  return MuPairsApply(s->pairs, s->n, s->x, s->w, s->n, s->x, s->sum, s->gradient);
}

/* as many exponentials as there are pairs, in arrays that stay in the cache */
static PetscErrorCode run_exponentials(void *ctx) {
  Sum *s = ctx;
  for (PetscInt i = 0; i < s->n; ++i) MuArrayExp(s->n, s->x, s->sum);
  return 0;
}

static PetscErrorCode shortest(BenchRun run, void *ctx, double *time) {
  const double start = MPI_Wtime();

  PetscFunctionBegin;
  PetscCall(run(ctx));
  *time = PetscMin(*time, MPI_Wtime() - start);
  PetscFunctionReturn(0);
}

static PetscErrorCode make_radial(PetscReal bandwidth, PetscInt dim, MuRadial *radial) {
  MuKernelSpec spec;
  MuKernelSpecDefault(&spec);
  spec.bandwidth = bandwidth;
  spec.normalization = MU_NORMALIZATION_PEAK;
  return MuRadialCreate(&spec, dim, radial);
}

static PetscErrorCode pairs_against_exp(void) {
  const PetscInt n = 500;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  Sum s = {.n = n};
  MuRadial radial;
  double ours = INFINITY, theirs = INFINITY;

  PetscFunctionBegin;
  PetscCall(make_radial(1, 2, &radial));
  PetscCall(MuPairsCreate(PETSC_COMM_SELF, radial, &s.pairs));
  PetscCall(PetscMalloc4(2 * n, &s.x, n, &s.w, n, &s.sum, 2 * n, &s.gradient));
  for (PetscInt i = 0; i < 2 * n; ++i) s.x[i] = -4 * gsl_rng_uniform(rng);
  for (PetscInt i = 0; i < n; ++i) s.w[i] = 1.0 / n;
  for (PetscInt k = 0; k < 200; ++k) {
    PetscCall(shortest(run_sum, &s, &ours));
    PetscCall(shortest(run_exponentials, &s, &theirs));
  }
  PetscCall(BenchReport("pairs: sum and gradient, gaussian, 2-D / vectorised exp", ours / theirs, 2,
                        ours));
  printf("    %.3f ns per pair, exp %.3f ns\n", ours / n / n * 1e9, theirs / n / n * 1e9);
  PetscCall(PetscFree4(s.x, s.w, s.sum, s.gradient));
  PetscCall(MuPairsDestroy(&s.pairs));
  PetscCall(MuRadialDestroy(&radial));
  gsl_rng_free(rng);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ IFT iterations */

/* Step a on positions, eta on weights; the target is a mixture of three Gaussians. */
typedef struct {
  PetscInt n, dim;
  PetscBool exact;
  PetscReal a, eta;
  MuRadial radial;
  MuPairs pairs;
  MuSimplex simplex;
  MuMixture target;
  PetscReal *x, *w, *km, *kpi, *gradient, *pull, *b;
  MuSimplexReport report;
} Ift;

static PetscErrorCode make_target(PetscInt dim, MuMixture *target) {
  PetscReal *means, *covariances;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(3 * dim, &means, 3 * dim * dim, &covariances));
  for (PetscInt c = 0; c < 3; ++c) {
    means[c * dim] = 3.0 * (c - 1);
    means[c * dim + 1] = c == 1 ? 3 : -1;
    for (PetscInt a = 0; a < dim; ++a) covariances[(c * dim + a) * dim + a] = 1;
  }
  PetscCall(MuMixtureCreate("target", dim, 3, NULL, means, covariances, target));
  PetscCall(PetscFree2(means, covariances));
  PetscFunctionReturn(0);
}

static PetscErrorCode ift_start(Ift *f) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

  PetscFunctionBegin;
  PetscCall(MuMixtureSample(f->target, rng, f->n, f->x));
  for (PetscInt i = 0; i < f->n; ++i) {
    f->x[i * f->dim] += 2;
    f->w[i] = 1.0 / f->n;
  }
  gsl_rng_free(rng);
  PetscFunctionReturn(0);
}

static PetscErrorCode ift_create(PetscInt n, PetscInt dim, PetscBool exact, Ift *f) {
  PetscFunctionBegin;
  *f = (Ift){.n = n, .dim = dim, .exact = exact, .a = 1, .eta = 0.1};
  PetscCall(make_radial(10, dim, &f->radial));
  PetscCall(MuPairsCreate(PETSC_COMM_SELF, f->radial, &f->pairs));
  PetscCall(MuSimplexCreate(PETSC_COMM_SELF, f->radial, &f->simplex));
  PetscCall(make_target(dim, &f->target));
  PetscCall(PetscMalloc7(n * dim, &f->x, n, &f->w, n, &f->km, n, &f->kpi, n * dim, &f->gradient,
                         n * dim, &f->pull, n, &f->b));
  PetscCall(ift_start(f));
  PetscFunctionReturn(0);
}

static PetscErrorCode ift_destroy(Ift *f) {
  PetscFunctionBegin;
  PetscCall(MuPairsDestroy(&f->pairs));
  PetscCall(MuSimplexDestroy(&f->simplex));
  PetscCall(MuMixtureDestroy(&f->target));
  PetscCall(MuRadialDestroy(&f->radial));
  PetscCall(PetscFree7(f->x, f->w, f->km, f->kpi, f->gradient, f->pull, f->b));
  PetscFunctionReturn(0);
}

static PetscErrorCode weight_step(Ift *f) {
  PetscReal sum = 0;

  PetscFunctionBegin;
  if (f->exact) {
    for (PetscInt i = 0; i < f->n; ++i) f->b[i] = f->kpi[i] + f->km[i] / f->eta;
    PetscCall(
        MuSimplexSolve(f->simplex, f->n, f->x, 1 + 1 / f->eta, f->b, 1e-10, f->w, &f->report));
    PetscFunctionReturn(0);
  }
  for (PetscInt i = 0; i < f->n; ++i) f->b[i] = f->eta * (f->kpi[i] - f->km[i]);
  MuArrayExp(f->n, f->b, f->b);
  for (PetscInt i = 0; i < f->n; ++i) sum += f->w[i] *= f->b[i];
  for (PetscInt i = 0; i < f->n; ++i) f->w[i] /= sum;
  PetscFunctionReturn(0);
}

static PetscErrorCode run_iteration(void *ctx) {
  Ift *f = ctx;

  PetscFunctionBegin;
  PetscCall(MuPairsApply(f->pairs, f->n, f->x, f->w, f->n, f->x, f->km, f->gradient));
  PetscCall(
      MuMixtureKernelMean(f->target, f->radial, PETSC_COMM_SELF, f->n, f->x, f->kpi, f->pull));
  for (PetscInt i = 0; i < f->n * f->dim; ++i) f->x[i] -= f->a * (f->gradient[i] - f->pull[i]);
  PetscCall(MuPairsApply(f->pairs, f->n, f->x, f->w, f->n, f->x, f->km, NULL));
  PetscCall(MuMixtureKernelMean(f->target, f->radial, PETSC_COMM_SELF, f->n, f->x, f->kpi, NULL));
  PetscCall(weight_step(f));
  PetscFunctionReturn(0);
}

/* The shortest of 100 iterations of one run. */
static PetscErrorCode iterations_in_2d(PetscInt n, PetscBool exact, PetscReal torch) {
  double time = INFINITY;
  char name[100];
  Ift f;

  PetscFunctionBegin;
  PetscCall(ift_create(n, 2, exact, &f));
  for (PetscInt k = 0; k < 100; ++k) PetscCall(shortest(run_iteration, &f, &time));
  snprintf(name, sizeof name, "particles: IFT (%s), n = %d, 2-D / %.3g ms of PyTorch",
           exact ? "exact" : "entropic", (int)n, torch * 1e3);
  PetscCall(BenchReport(name, time / torch, 0.2, time));
  PetscCall(ift_destroy(&f));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ matrix products */

/* X' X and X S in panels, of n points in 100-D. */
static PetscErrorCode run_products(void *ctx) {
  Ift *f = ctx;
  const PetscBLASInt n = (PetscBLASInt)f->n, dim = (PetscBLASInt)f->dim;
  const PetscReal one = 1, zero = 0;
  PetscReal *panel;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(500 * f->n, &panel));
  for (PetscInt first = 0; first < f->n; first += 500) {
    const PetscBLASInt count = (PetscBLASInt)PetscMin(500, f->n - first);
    PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &n, &count, &dim, &one, f->x, &dim,
                                        f->x + first * dim, &dim, &zero, panel, &n));
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &dim, &count, &n, &one, f->x, &dim, panel, &n,
                                        &zero, f->gradient + first * dim, &dim));
  }
  PetscCall(PetscFree(panel));
  PetscFunctionReturn(0);
}

static PetscErrorCode iteration_in_100d(PetscInt n) {
  double products = INFINITY, iteration = INFINITY;
  char name[100];
  Ift f;

  PetscFunctionBegin;
  PetscCall(ift_create(n, 100, PETSC_FALSE, &f));
  for (PetscInt k = 0; k < 2; ++k) {
    PetscCall(shortest(run_products, &f, &products));
    PetscCall(shortest(run_iteration, &f, &iteration));
  }
  snprintf(name, sizeof name, "particles: IFT (entropic), n = %d, 100-D / two products", (int)n);
  PetscCall(BenchReport(name, iteration / products, 3, iteration));
  printf("    matrix products at %.3g Gflop/s\n", 4e-9 * n * n * 100 / products);
  PetscCall(ift_destroy(&f));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ fast sums */

/* n = 10^6 in 2-D to 1e-7, against direct sums at 100 targets times n/100. */
static PetscErrorCode fast_against_direct(void) {
  const PetscInt n = 1000000, few = 100;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  PetscReal *x, *w, *sum, *gradient;
  double direct, fast, start;
  MuRadial radial;
  MuPairs pairs;

  PetscFunctionBegin;
  PetscCall(make_radial(0.1, 2, &radial));
  PetscCall(MuPairsCreate(PETSC_COMM_SELF, radial, &pairs));
  PetscCall(PetscMalloc4(2 * n, &x, n, &w, n, &sum, 2 * n, &gradient));
  for (PetscInt i = 0; i < 2 * n; ++i) x[i] = 4 * gsl_rng_uniform(rng);
  for (PetscInt i = 0; i < n; ++i) w[i] = 1.0 / n;
  PetscCall(MuPairsApply(pairs, n, x, w, few, x, sum, gradient));
  start = MPI_Wtime();
  PetscCall(MuPairsApply(pairs, n, x, w, few, x, sum, gradient));
  direct = (MPI_Wtime() - start) * n / few;
  PetscCall(MuPairsApply(pairs, n, x, w, n, x, sum, gradient));
  start = MPI_Wtime();
  PetscCall(MuPairsApply(pairs, n, x, w, n, x, sum, gradient));
  fast = MPI_Wtime() - start;
  PetscCall(BenchReport("pairs: fast sum and gradient, n = 10^6, 2-D / direct", fast / direct, 0.01,
                        fast));
  PetscCall(PetscFree4(x, w, sum, gradient));
  PetscCall(MuPairsDestroy(&pairs));
  PetscCall(MuRadialDestroy(&radial));
  gsl_rng_free(rng);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  PetscInt points = 10000;
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-points", &points, NULL));
  PetscCall(pairs_against_exp());
  PetscCall(iterations_in_2d(1000, PETSC_FALSE, 18e-3));
  PetscCall(iterations_in_2d(1000, PETSC_TRUE, 18e-3));
  PetscCall(iterations_in_2d(200, PETSC_FALSE, 1.1e-3));
  PetscCall(iterations_in_2d(200, PETSC_TRUE, 1.1e-3));
  PetscCall(fast_against_direct());
  PetscCall(iteration_in_100d(points));
  return MuFinalize() ? 1 : 0;
}
