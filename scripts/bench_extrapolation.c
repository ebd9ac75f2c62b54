/* Benchmark of the scheme extrapolation: what a true error costs, in L1 against a run to 1e-11 on
   the same grid.
     Spherical Hellinger-Kantorovich flow of KL, 256^2, from a Gaussian to a mixture of two, t = 1:
   substeps to an error of 1e-6 over 600, and of 1e-8 over 1200; seconds to 1e-6 over 10.
     Hellinger-Kantorovich flow of KL in a double well, 1024 cells, t = 1: what 1e-6 takes over what
   as many Lie steps take. */
#include "bench.h"

#include <math.h>
#include <string.h>

typedef struct {
  PetscInt dim;
  PetscReal (*log_target)(const PetscReal x[2]), (*initial)(const PetscReal x[2]);
  PetscBool spherical;
} Problem;

/* ------------------------------------------------------------------ the flows */

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

static PetscReal log_well(const PetscReal x[2]) {
  return -1.4 * (x[0] * x[0] - 1) * (x[0] * x[0] - 1);
}

static PetscReal narrow(const PetscReal x[2]) {
  return exp(-(x[0] - 1.2) * (x[0] - 1.2) / 0.18);
}

static PetscErrorCode make_field(MuGrid grid, PetscReal (*f)(const PetscReal x[2]), Vec *field) {
  const MuGridInfo *info;
  PetscReal *v, x[2];

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(MuGridCreateField(grid, field));
  PetscCall(VecGetArray(*field, &v));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscCall(MuGridCellCentre(grid, i, x));
    v[i] = f(x);
  }
  PetscCall(VecRestoreArray(*field, &v));
  PetscFunctionReturn(0);
}

/* log pi and rho_0 with mass one. */
static PetscErrorCode make_densities(const Problem *p, MuGrid grid, Vec *log_target, Vec *initial) {
  PetscReal mass;
  Vec target;

  PetscFunctionBegin;
  PetscCall(make_field(grid, p->log_target, log_target));
  PetscCall(make_field(grid, p->initial, initial));
  PetscCall(VecDuplicate(*log_target, &target));
  PetscCall(VecCopy(*log_target, target));
  PetscCall(VecExp(target));
  PetscCall(MuGridIntegrate(grid, target, &mass));
  PetscCall(VecShift(*log_target, -log(mass)));
  PetscCall(MuGridIntegrate(grid, *initial, &mass));
  PetscCall(VecScale(*initial, 1 / mass));
  PetscCall(VecDestroy(&target));
  PetscFunctionReturn(0);
}

/* tolerance 0: Lie steps of `step`. */
static PetscErrorCode make_flow(const Problem *p, PetscReal tolerance, PetscReal step,
                                MuFlow *flow) {
  MuGridSpec g = {.dim = p->dim, .lower = {-4, -4}, .upper = {4, 4}};
  MuGrid grid;
  MuEnergy energy;
  MuGeometry geometry;
  MuFlowSpec f;
  Vec log_target, initial;

  PetscFunctionBegin;
  g.cells[0] = p->dim == 1 ? 1024 : 256;
  g.cells[1] = p->dim == 1 ? 1 : 256;
  PetscCall(MuGridCreate(PETSC_COMM_SELF, &g, &grid));
  PetscCall(make_densities(p, grid, &log_target, &initial));
  MuEnergySpec e = {.terms = 1, .term = {{.name = "kl", .weight = 1}}, .log_target = log_target};
  PetscCall(MuEnergyCreate(grid, &e, &energy));
  MuGeometrySpec m = {
      .parts = 2,
      .part = {{.name = "wasserstein", .weight = 1}, {.name = "fisher_rao", .weight = 1}},
      .spherical = p->spherical,
      .face_mean = MU_MEAN_LOGARITHMIC};
  PetscCall(MuGeometryCreate(grid, &m, &geometry));
  MuFlowSpecDefault(&f);
  f.end = 1;
  f.scheme = tolerance > 0 ? "extrapolation" : "lie";
  f.free_step = (PetscBool)(tolerance > 0);
  f.step = step;
  if (tolerance > 0) f.tolerance = tolerance;
  PetscCall(MuFlowCreate(grid, energy, geometry, initial, &f, flow));
  PetscCall(VecDestroy(&log_target));
  PetscCall(VecDestroy(&initial));
  PetscCall(MuEnergyDestroy(&energy));
  PetscCall(MuGeometryDestroy(&geometry));
  PetscCall(MuGridDestroy(&grid));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what an error costs */

typedef struct {
  PetscReal tolerance, error, seconds;
  PetscInt substeps;
} Cost;

static PetscErrorCode solve(const Problem *p, PetscReal tolerance, Vec reference, Cost *cost,
                            Vec *result) {
  MuFlow flow;
  MuGrid grid;
  MuEffort effort;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(make_flow(p, tolerance, 1, &flow));
  cost->seconds = MPI_Wtime();
  PetscCall(MuFlowAdvance(flow, 1));
  cost->seconds = MPI_Wtime() - cost->seconds;
  PetscCall(MuFlowGetEffort(flow, &effort));
  cost->tolerance = tolerance;
  cost->substeps = effort.substeps;
  PetscCall(MuFlowGetState(flow, NULL, &rho));
  PetscCall(MuFlowGetParts(flow, &grid, NULL, NULL));
  if (reference) PetscCall(MuGridDistanceL1(grid, rho, reference, &cost->error));
  if (result) {
    PetscCall(VecDuplicate(rho, result));
    PetscCall(VecCopy(rho, *result));
  }
  PetscCall(MuFlowDestroy(&flow));
  PetscFunctionReturn(0);
}

/* The loosest tolerance, by half decades, that leaves an error of at most `error`. */
static PetscErrorCode find_cost(const Problem *p, Vec reference, PetscReal error, Cost *cost) {
  PetscFunctionBegin;
  for (PetscReal digits = -2.5 - log10(error);; digits += 0.5) {
    PetscCall(solve(p, pow(10, -digits), reference, cost, NULL));
    if (cost->error <= error) break;
  }
  printf("  %d-D: error %.1e with tolerance %.1e: %d substeps, %.3g s\n", (int)p->dim, cost->error,
         cost->tolerance, (int)cost->substeps, cost->seconds);
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_plane(void) {
  const Problem p = {
      .dim = 2, .log_target = log_mixture, .initial = start, .spherical = PETSC_TRUE};
  Cost cost;
  Vec reference;

  PetscFunctionBegin;
  PetscCall(solve(&p, MU_LEAST_TOLERANCE, NULL, &cost, &reference));
  PetscCall(find_cost(&p, reference, 1e-6, &cost));
  PetscCall(BenchReport("extrapolation, HK 256^2: substeps to 1e-6 [600]", cost.substeps / 600., 1,
                        cost.seconds));
  PetscCall(BenchReport("extrapolation, HK 256^2: seconds to 1e-6 [10]", cost.seconds / 10, 1,
                        cost.seconds));
  PetscCall(find_cost(&p, reference, 1e-8, &cost));
  PetscCall(BenchReport("extrapolation, HK 256^2: substeps to 1e-8 [1200]", cost.substeps / 1200.,
                        1, cost.seconds));
  PetscCall(VecDestroy(&reference));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what the tableau costs */

typedef struct {
  MuFlow flow;
  Vec start;
} Run;

static PetscErrorCode run_whole(void *ctx) {
  Run *r = ctx;

  PetscFunctionBegin;
  PetscCall(MuFlowSetState(r->flow, 0, r->start));
  PetscCall(MuFlowAdvance(r->flow, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_run(const Problem *p, PetscReal tolerance, PetscReal step, Run *r) {
  Vec rho;

  PetscFunctionBegin;
  PetscCall(make_flow(p, tolerance, step, &r->flow));
  PetscCall(MuFlowGetState(r->flow, NULL, &rho));
  PetscCall(VecDuplicate(rho, &r->start));
  PetscCall(VecCopy(rho, r->start));
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_line(void) {
  const Problem p = {.dim = 1, .log_target = log_well, .initial = narrow};
  Run extrapolation, lie;
  double whole = 0, steps = 1;
  Cost cost;
  Vec reference;

  PetscFunctionBegin;
  PetscCall(solve(&p, MU_LEAST_TOLERANCE, NULL, &cost, &reference));
  PetscCall(find_cost(&p, reference, 1e-4, &cost));
  PetscCall(find_cost(&p, reference, 1e-8, &cost));
  PetscCall(find_cost(&p, reference, 1e-6, &cost));
  PetscCall(make_run(&p, cost.tolerance, 1, &extrapolation));
  PetscCall(make_run(&p, 0, 1. / cost.substeps, &lie));
  PetscCall(BenchPair(run_whole, &extrapolation, run_whole, &lie, 15, &whole, &steps));
  PetscCall(BenchReport("extrapolation, HK 1024 cells to 1e-6 [as many Lie steps]", whole / steps,
                        1.5, whole));
  PetscCall(MuFlowDestroy(&extrapolation.flow));
  PetscCall(MuFlowDestroy(&lie.flow));
  PetscCall(VecDestroy(&extrapolation.start));
  PetscCall(VecDestroy(&lie.start));
  PetscCall(VecDestroy(&reference));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(bench_line());
  PetscCall(bench_plane());
  return MuFinalize() ? 1 : 0;
}
