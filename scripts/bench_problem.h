/* Flows with which benchmarks of time integration work: the flow of KL along Hellinger-Kantorovich
   by any scheme, and what a true error costs, in L1 against a run to 1e-11 on the same grid. */
#ifndef MUDOT_BENCH_PROBLEM_H
#define MUDOT_BENCH_PROBLEM_H

#include "bench.h"

#include <math.h>

typedef struct {
  PetscInt dim, cells;
  PetscReal (*log_target)(const PetscReal x[2]), (*initial)(const PetscReal x[2]);
  PetscBool spherical;
} BenchProblem;

static inline PetscErrorCode bench_field(MuGrid grid, PetscReal (*f)(const PetscReal x[2]),
                                         Vec *field) {
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

/* log pi and rho_0 with mass one on [-4, 4]^dim; all three belong to the caller. */
static inline PetscErrorCode BenchDensities(const BenchProblem *p, MuGrid *grid, Vec *log_target,
                                            Vec *initial) {
  MuGridSpec g = {.dim = p->dim, .lower = {-4, -4}, .upper = {4, 4}};
  PetscReal mass;
  Vec target;

  PetscFunctionBegin;
  g.cells[0] = p->cells;
  g.cells[1] = p->dim == 1 ? 1 : p->cells;
  PetscCall(MuGridCreate(PETSC_COMM_SELF, &g, grid));
  PetscCall(bench_field(*grid, p->log_target, log_target));
  PetscCall(bench_field(*grid, p->initial, initial));
  PetscCall(VecDuplicate(*log_target, &target));
  PetscCall(VecCopy(*log_target, target));
  PetscCall(VecExp(target));
  PetscCall(MuGridIntegrate(*grid, target, &mass));
  PetscCall(VecShift(*log_target, -log(mass)));
  PetscCall(MuGridIntegrate(*grid, *initial, &mass));
  PetscCall(VecScale(*initial, 1 / mass));
  PetscCall(VecDestroy(&target));
  PetscFunctionReturn(0);
}

/* A flow to t = 1. Without a tolerance (0) the scheme takes steps of `step`. */
static inline PetscErrorCode BenchFlow(const BenchProblem *p, const char *scheme,
                                       PetscReal tolerance, PetscReal step, MuFlow *flow) {
  MuGrid grid;
  MuEnergy energy;
  MuGeometry geometry;
  MuFlowSpec f;
  Vec log_target, initial;

  PetscFunctionBegin;
  PetscCall(BenchDensities(p, &grid, &log_target, &initial));
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
  f.scheme = scheme;
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

/* Times of whole flows: from `start` at time 0 to 1. */
typedef struct {
  MuFlow flow;
  Vec start;
} BenchWhole;

static inline PetscErrorCode BenchWholeCreate(const BenchProblem *p, const char *scheme,
                                              PetscReal tolerance, PetscReal step, BenchWhole *w) {
  Vec rho;

  PetscFunctionBegin;
  PetscCall(BenchFlow(p, scheme, tolerance, step, &w->flow));
  PetscCall(MuFlowGetState(w->flow, NULL, &rho));
  PetscCall(VecDuplicate(rho, &w->start));
  PetscCall(VecCopy(rho, w->start));
  PetscFunctionReturn(0);
}

static inline PetscErrorCode BenchWholeDestroy(BenchWhole *w) {
  PetscFunctionBegin;
  PetscCall(MuFlowDestroy(&w->flow));
  PetscCall(VecDestroy(&w->start));
  PetscFunctionReturn(0);
}

/* A BenchRun. */
static inline PetscErrorCode BenchWholeRun(void *ctx) {
  BenchWhole *w = ctx;

  PetscFunctionBegin;
  PetscCall(MuFlowSetState(w->flow, 0, w->start));
  PetscCall(MuFlowAdvance(w->flow, 1));
  PetscFunctionReturn(0);
}

typedef struct {
  PetscReal tolerance, error, seconds;
  PetscInt substeps;
} BenchCost;

/* Solves once; the error is that to `reference`, which may be NULL, as `result`, a copy. Step 1
   stands for none. */
static inline PetscErrorCode BenchSolve(const BenchProblem *p, const char *scheme,
                                        PetscReal tolerance, PetscReal step, Vec reference,
                                        BenchCost *cost, Vec *result) {
  MuFlow flow;
  MuGrid grid;
  MuEffort effort;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(BenchFlow(p, scheme, tolerance, step, &flow));
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

/* The loosest tolerance of extrapolation, by half decades, that leaves an error of at most
   `error`. */
static inline PetscErrorCode BenchFindCost(const BenchProblem *p, Vec reference, PetscReal error,
                                           BenchCost *cost) {
  PetscFunctionBegin;
  for (PetscReal digits = -2.5 - log10(error);; digits += 0.5) {
    PetscCall(BenchSolve(p, "extrapolation", pow(10, -digits), 1, reference, cost, NULL));
    if (cost->error <= error) break;
  }
  printf("  %d-D: error %.1e with tolerance %.1e: %d substeps, %.3g s\n", (int)p->dim, cost->error,
         cost->tolerance, (int)cost->substeps, cost->seconds);
  PetscFunctionReturn(0);
}

/* A double well and a hill beside it, on a line of 1024 cells; mass is free. */
static inline PetscReal bench_log_well(const PetscReal x[2]) {
  return -1.4 * (x[0] * x[0] - 1) * (x[0] * x[0] - 1);
}

static inline PetscReal bench_hill(const PetscReal x[2]) {
  return exp(-(x[0] - 1.2) * (x[0] - 1.2) / 0.18);
}

static const BenchProblem BenchWell = {
    .dim = 1, .cells = 1024, .log_target = bench_log_well, .initial = bench_hill};

#endif
