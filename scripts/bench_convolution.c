/* Speed of convolutions against FFTW's own transforms of the same data, measured in the same run.
   The yardstick of zero extension is what a program without pruning would do: a zero-padded 2n x 2n
   real transform and back, without the multiplication. */
#include "bench.h"

#include <fftw3.h>

/* ------------------------------------------------------------------ FFTW's pair */

typedef struct {
  fftw_plan forward, backward;
  double *data, *modes;
} Pair;

static void run_plan(fftw_plan plan) {
  fftw_execute(plan);
}

static PetscErrorCode run_pair(void *ctx) {
  const Pair *p = ctx;
  run_plan(p->forward);
  run_plan(p->backward);
  return 0;
}

static void fill(double *data, size_t count) {
  for (size_t i = 0; i < count; ++i) data[i] = 1e-3 * (double)(i % 7);
}

static Pair real_pair(int n) {
  Pair p = {.data = fftw_alloc_real((size_t)n * (size_t)n),
            .modes = fftw_alloc_real((size_t)n * (size_t)(n + 2))};
  fftw_complex *modes = (fftw_complex *)p.modes;
  p.forward = fftw_plan_dft_r2c_2d(n, n, p.data, modes, FFTW_MEASURE);
  p.backward = fftw_plan_dft_c2r_2d(n, n, modes, p.data, FFTW_MEASURE);
  fill(p.data, (size_t)n * (size_t)n);
  return p;
}

static Pair cosine_pair(int n) {
  Pair p = {.data = fftw_alloc_real((size_t)n * (size_t)n),
            .modes = fftw_alloc_real((size_t)n * (size_t)n)};
  p.forward = fftw_plan_r2r_2d(n, n, p.data, p.modes, FFTW_REDFT10, FFTW_REDFT10, FFTW_MEASURE);
  p.backward = fftw_plan_r2r_2d(n, n, p.modes, p.data, FFTW_REDFT01, FFTW_REDFT01, FFTW_MEASURE);
  fill(p.data, (size_t)n * (size_t)n);
  return p;
}

static void destroy_pair(Pair *p) {
  fftw_destroy_plan(p->forward);
  fftw_destroy_plan(p->backward);
  fftw_free(p->data);
  fftw_free(p->modes);
}

/* ------------------------------------------------------------------ ours */

typedef struct {
  MuGrid grid;
  MuKernel kernel;
  MuConvolution convolution;
  Vec in, out;
} Ours;

static PetscErrorCode run_ours(void *ctx) {
  Ours *o = ctx;
  PetscCall(MuConvolutionApply(o->convolution, o->in, o->out));
  return 0;
}

static PetscErrorCode create_ours(const char *type, MuExtension extension, int n,
                                  PetscReal bandwidth, Ours *o) {
  const MuGridSpec grid = {.dim = 2, .lower = {-3, -3}, .upper = {3, 3}, .cells = {n, n}};
  MuKernelSpec spec;
  PetscRandom random;

  PetscFunctionBegin;
  MuKernelSpecDefault(&spec);
  snprintf(spec.type, sizeof spec.type, "%s", type);
  spec.bandwidth = bandwidth;
  spec.extension = extension;
  PetscCall(MuGridCreate(PETSC_COMM_SELF, &grid, &o->grid));
  PetscCall(MuKernelCreate(&spec, 2, &o->kernel));
  double start = MPI_Wtime();
  PetscCall(MuConvolutionCreate(o->grid, o->kernel, MU_CELLS, &o->convolution));
  printf("%-58s set-up %.2f s\n", "", MPI_Wtime() - start);
  PetscCall(MuGridCreateField(o->grid, &o->in));
  PetscCall(MuGridCreateField(o->grid, &o->out));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(VecSetRandom(o->in, random));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_ours(Ours *o) {
  PetscFunctionBegin;
  PetscCall(MuConvolutionDestroy(&o->convolution));
  PetscCall(MuKernelDestroy(&o->kernel));
  PetscCall(VecDestroy(&o->in));
  PetscCall(VecDestroy(&o->out));
  PetscCall(MuGridDestroy(&o->grid));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ lines */

typedef struct {
  const char *name, *type;
  MuExtension extension;
  PetscReal bandwidth, bound;
  int pad; /* FFTW's pair has pad * n points per side; 0: cosine transforms */
} Line;

static const Line lines[] = {
    {"zero extension, kernel of full support", "imq", MU_EXTENSION_ZERO, 0.3, 0.75, 2},
    {"zero extension, gaussian of a quarter", "gaussian", MU_EXTENSION_ZERO, 0.1, 0.45, 2},
    {"reflecting extension", "gaussian", MU_EXTENSION_REFLECT, 0.1, 1.15, 0},
    {"periodic extension", "gaussian", MU_EXTENSION_PERIODIC, 0.1, 1.15, 1}};

static PetscErrorCode bench_line(const Line *line, int n) {
  char name[64];
  double ours_time = 0, pair_time = 0;
  Ours ours;

  PetscFunctionBegin;
  Pair pair = line->pad ? real_pair(line->pad * n) : cosine_pair(n);
  PetscCall(create_ours(line->type, line->extension, n, line->bandwidth, &ours));
  PetscCall(BenchPair(run_ours, &ours, run_pair, &pair, n > 1024 ? 7 : 21, &ours_time, &pair_time));
  snprintf(name, sizeof name, "%s; %d^2", line->name, n);
  PetscCall(BenchReport(name, ours_time / pair_time, line->bound, ours_time));
  PetscCall(destroy_ours(&ours));
  destroy_pair(&pair);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  PetscInt only = 0;
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-only", &only, NULL));
  for (int n = 512; n <= 2048; n *= 2)
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; ++i)
      if (!only || only == n) PetscCall(bench_line(&lines[i], n));
  return MuFinalize();
}
