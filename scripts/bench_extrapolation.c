/* Benchmark of the scheme extrapolation: what a true error costs.
     Spherical Hellinger-Kantorovich flow of KL, 256^2, from a Gaussian to a mixture of two, t = 1:
   substeps to an error of 1e-6 over 600, and of 1e-8 over 1200; seconds to 1e-6 over 10.
     Hellinger-Kantorovich flow of KL in a double well, 1024 cells, t = 1: what 1e-6 takes over what
   as many Lie steps take. */
#include "bench_problem.h"

static PetscReal normal(const PetscReal x[2], PetscReal mx, PetscReal my, PetscReal sxx,
                        PetscReal sxy, PetscReal syy) {
  const PetscReal dx = x[0] - mx, dy = x[1] - my, det = sxx * syy - sxy * sxy;
  return exp(-(syy * dx * dx - 2 * sxy * dx * dy + sxx * dy * dy) / (2 * det)) / sqrt(det);
}

static PetscReal log_mixture(const PetscReal x[2]) {
  return log(normal(x, -1.2, 0, 0.4, 0, 0.6) + normal(x, 1.2, 0.5, 0.5, 0.1, 0.4));
}

static PetscReal start(const PetscReal x[2]) {
  return normal(x, 1, -1, 0.3, 0, 0.3);
}

static PetscErrorCode bench_plane(void) {
  const BenchProblem p = {
      .dim = 2, .cells = 256, .log_target = log_mixture, .initial = start, .spherical = PETSC_TRUE};
  BenchCost cost;
  Vec reference;

  PetscFunctionBegin;
  PetscCall(BenchSolve(&p, "extrapolation", MU_LEAST_TOLERANCE, 1, NULL, &cost, &reference));
  PetscCall(BenchFindCost(&p, reference, 1e-6, &cost));
  PetscCall(BenchReport("extrapolation, HK 256^2: substeps to 1e-6 [600]", cost.substeps / 600., 1,
                        cost.seconds));
  PetscCall(BenchReport("extrapolation, HK 256^2: seconds to 1e-6 [10]", cost.seconds / 10, 1,
                        cost.seconds));
  PetscCall(BenchFindCost(&p, reference, 1e-8, &cost));
  PetscCall(BenchReport("extrapolation, HK 256^2: substeps to 1e-8 [1200]", cost.substeps / 1200.,
                        1, cost.seconds));
  PetscCall(VecDestroy(&reference));
  PetscFunctionReturn(0);
}

/* What the tableau costs. */
static PetscErrorCode bench_line(void) {
  BenchWhole extrapolation, lie;
  double whole = 0, steps = 1;
  BenchCost cost;
  Vec reference;

  PetscFunctionBegin;
  PetscCall(
      BenchSolve(&BenchWell, "extrapolation", MU_LEAST_TOLERANCE, 1, NULL, &cost, &reference));
  PetscCall(BenchFindCost(&BenchWell, reference, 1e-6, &cost));
  PetscCall(BenchWholeCreate(&BenchWell, "extrapolation", cost.tolerance, 1, &extrapolation));
  PetscCall(BenchWholeCreate(&BenchWell, "lie", 0, 1. / cost.substeps, &lie));
  PetscCall(BenchPair(BenchWholeRun, &extrapolation, BenchWholeRun, &lie, 15, &whole, &steps));
  PetscCall(BenchReport("extrapolation, HK 1024 cells to 1e-6 [as many Lie steps]", whole / steps,
                        1.5, whole));
  PetscCall(BenchWholeDestroy(&extrapolation));
  PetscCall(BenchWholeDestroy(&lie));
  PetscCall(VecDestroy(&reference));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(bench_line());
  PetscCall(bench_plane());
  return MuFinalize() ? 1 : 0;
}
