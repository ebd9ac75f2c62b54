/* Benchmark of whole steps, as multiples of one zero-padded FFTW r2c + c2r pair of the same grid:
     100 Strang steps of the Hellinger-Kantorovich flow of KL at 512^2 (dimension_split);
     100 Strang steps of the IFT flow of the MMD energy at 512^2 (Gaussian kernel, bandwidth 0.1 on
   a box of 6, extension zero); cost per cell and step of that IFT flow from 128^2 to 2048^2. Set-up
   (plans, symbols) is not counted. The bounds are 0.6 s over the time of the pair on the machine
   where they were set. */
#include "bench.h"

#include <fftw3.h>
#include <math.h>
#include <string.h>

#define BOUND 85

/* ------------------------------------------------------------------ the yardstick */

typedef struct {
  PetscInt n;
  double *real;
  fftw_complex *spectrum;
  fftw_plan forward, backward;
} Pair;

static Pair pair_create(PetscInt n) {
  const int m = 2 * (int)n;
  Pair p = {.n = n};
  p.real = fftw_malloc(sizeof(double) * (size_t)m * (size_t)m);
  p.spectrum = fftw_malloc(sizeof(fftw_complex) * (size_t)m * (size_t)(m / 2 + 1));
  p.forward = fftw_plan_dft_r2c_2d(m, m, p.real, p.spectrum, FFTW_MEASURE);
  p.backward = fftw_plan_dft_c2r_2d(m, m, p.spectrum, p.real, FFTW_MEASURE);
  memset(p.real, 0, sizeof(double) * (size_t)m * (size_t)m);
  return p;
}

static PetscErrorCode pair_run(void *ctx) {
  Pair *p = ctx;
  fftw_execute(p->forward);
  fftw_execute(p->backward);
  return 0;
}

static void pair_destroy(Pair *p) {
  fftw_destroy_plan(p->forward);
  fftw_destroy_plan(p->backward);
  fftw_free(p->real);
  fftw_free(p->spectrum);
}

/* ------------------------------------------------------------------ the flows */

typedef struct {
  MuFlow flow;
  PetscReal step;
  PetscInt steps;
} Run;

static PetscReal potential(const PetscReal x[2]) {
  return (x[0] * x[0] - 1) * (x[0] * x[0] - 1) + 0.5 * x[1] * x[1] + 0.3 * x[0] * x[1];
}

static PetscReal start(const PetscReal x[2]) {
  return exp(-(x[0] - 0.5) * (x[0] - 0.5) - (x[1] + 0.5) * (x[1] + 0.5));
}

static PetscErrorCode make_fields(MuGrid grid, Vec *log_target, Vec *initial) {
  const MuGridInfo *info;
  PetscReal *l, *r, x[2], mass = 0, z = 0;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(MuGridCreateField(grid, log_target));
  PetscCall(MuGridCreateField(grid, initial));
  PetscCall(VecGetArray(*log_target, &l));
  PetscCall(VecGetArray(*initial, &r));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscCall(MuGridCellCentre(grid, i, x));
    l[i] = -potential(x);
    r[i] = start(x);
    z += exp(l[i]) * info->volume;
    mass += r[i] * info->volume;
  }
  PetscCall(VecRestoreArray(*log_target, &l));
  PetscCall(VecRestoreArray(*initial, &r));
  PetscCall(VecShift(*log_target, -log(z)));
  PetscCall(VecScale(*initial, 1 / mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_run(PetscInt n, PetscBool ift, Run *run) {
  MuGridSpec g = {.dim = 2, .lower = {-3, -3}, .upper = {3, 3}, .cells = {n, n}};
  MuKernelSpec k;
  MuKernel kernel;
  MuGrid grid;
  MuEnergy energy;
  MuGeometry geometry;
  MuFlowSpec f;
  Vec log_target, initial;

  PetscFunctionBegin;
  PetscCall(MuGridCreate(PETSC_COMM_SELF, &g, &grid));
  PetscCall(make_fields(grid, &log_target, &initial));
  MuKernelSpecDefault(&k);
  k.bandwidth = 0.1;
  k.extension = MU_EXTENSION_ZERO;
  PetscCall(MuKernelCreate(&k, 2, &kernel));
  MuEnergySpec e = {.terms = 1,
                    .term = {{.name = ift ? "mmd" : "kl", .weight = 1}},
                    .kernel = kernel,
                    .log_target = log_target};
  PetscCall(MuEnergyCreate(grid, &e, &energy));
  MuGeometrySpec m = {.parts = 2,
                      .part = {{.name = "wasserstein", .weight = 1},
                               {.name = ift ? "mmd" : "fisher_rao", .weight = 1}},
                      .face_mean = ift ? MU_MEAN_UPWIND : MU_MEAN_LOGARITHMIC,
                      .kernel = kernel};
  PetscCall(MuGeometryCreate(grid, &m, &geometry));
  MuFlowSpecDefault(&f);
  f.scheme = "splitting";
  f.step = run->step;
  f.end = 1e3;
  f.solver = MU_TRANSPORT_DIMENSION_SPLIT;
  PetscCall(MuFlowCreate(grid, energy, geometry, initial, &f, &run->flow));
  PetscCall(VecDestroy(&log_target));
  PetscCall(VecDestroy(&initial));
  PetscCall(MuEnergyDestroy(&energy));
  PetscCall(MuGeometryDestroy(&geometry));
  PetscCall(MuKernelDestroy(&kernel));
  PetscCall(MuGridDestroy(&grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode advance(void *ctx) {
  Run *run = ctx;
  PetscReal time;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(run->flow, &time, NULL));
  PetscCall(MuFlowAdvance(run->flow, time + run->steps * run->step));
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_hundred_steps(PetscBool ift, const char *name, double bound) {
  Run run = {.step = 1e-3, .steps = 100};
  Pair pair = pair_create(512);
  double seconds, yardstick;

  PetscFunctionBegin;
  PetscCall(make_run(512, ift, &run));
  PetscCall(BenchPair(advance, &run, pair_run, &pair, 5, &seconds, &yardstick));
  PetscCall(BenchReport(name, seconds / yardstick, bound, seconds));
  PetscCall(MuFlowDestroy(&run.flow));
  pair_destroy(&pair);
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_scaling(void) {
  double first = 0;

  PetscFunctionBegin;
  printf("IFT flow of the MMD energy, nanoseconds per cell and step:\n");
  for (PetscInt n = 128; n <= 2048; n *= 2) {
    Run run = {.step = 1e-3, .steps = PetscMax(2, 100 * 128 * 128 / (n * n))};
    double seconds = 1e300;
    PetscCall(make_run(n, PETSC_TRUE, &run));
    for (int k = 0; k < 4; ++k) {
      double before = MPI_Wtime();
      PetscCall(advance(&run));
      seconds = PetscMin(seconds, MPI_Wtime() - before);
    }
    double cost = seconds / ((double)run.steps * (double)n * (double)n) * 1e9;
    if (n == 128) first = cost;
    printf("  %4d^2  %8.2f ns  (%.2f times 128^2)\n", (int)n, cost, cost / first);
    /* log(2048)/log(128) = 1.57; leaving the second-level cache costs as much again, about 2 */
    if (n == 2048)
      PetscCall(
          BenchReport("IFT cost per cell and step: 2048^2 over 128^2", cost / first, 3.2, seconds));
    PetscCall(MuFlowDestroy(&run.flow));
  }
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(bench_hundred_steps(
      PETSC_FALSE, "100 Strang steps of Hellinger-Kantorovich, 512^2 [FFTW pairs]", BOUND));
  PetscCall(
      bench_hundred_steps(PETSC_TRUE, "100 Strang steps of IFT of MMD, 512^2 [FFTW pairs]", BOUND));
  PetscCall(bench_scaling());
  return MuFinalize() ? 1 : 0;
}
