/* Implicit steps of nonlinear diffusion, chi2 along Wasserstein on 256^2 cells, in units of a
   solver that they are made of: a step of implicit Euler, and of the discrete gradient, over one
   linearly implicit step (coefficients, set-up and solve), and a step of the discrete gradient with
   its assembled Jacobian over one whose Jacobian is known by differences. Usage: bench_newton
   [-bench_csv FILE] [-cells N] */
#include "bench.h"
#include "flow/flow_impl.h"
#include "flow/transport.h"

#include <math.h>

#define STEP    0.01
#define REPEATS 3

typedef struct {
  MuFlow flow;
  Vec start, rho;
} Step;

static PetscErrorCode fill_densities(MuGrid grid, Vec log_target, Vec initial) {
  const MuGridInfo *info;
  PetscReal *l, *r, x[2], z = 0, mass = 0;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(VecGetArray(log_target, &l));
  PetscCall(VecGetArray(initial, &r));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscCall(MuGridCellCentre(grid, i, x));
    l[i] = -0.2 * (x[0] * x[0] + x[1] * x[1]) - 0.5 * cos(2 * x[0]);
    r[i] = exp(-0.6 * ((x[0] - 1) * (x[0] - 1) + (x[1] + 1) * (x[1] + 1)));
    z += exp(l[i]) * info->volume;
    mass += r[i] * info->volume;
  }
  PetscCall(VecRestoreArray(initial, &r));
  PetscCall(VecRestoreArray(log_target, &l));
  PetscCall(VecShift(log_target, -log(PetscMax(z, PETSC_MACHINE_EPSILON))));
  PetscCall(VecScale(initial, 1 / mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode step_create(PetscInt cells, const char *scheme, Step *step) {
  const MuGridSpec g = {.dim = 2, .lower = {-4, -4}, .upper = {4, 4}, .cells = {cells, cells}};
  const MuGeometrySpec m = {.parts = 1, .part = {{.name = "wasserstein", .weight = 1}}};
  MuFlowSpec f;
  MuGrid grid;
  MuEnergy energy;
  MuGeometry geometry;
  Vec log_target;

  PetscFunctionBegin;
  PetscCall(MuGridCreate(PETSC_COMM_SELF, &g, &grid));
  PetscCall(MuGridCreateField(grid, &log_target));
  PetscCall(MuGridCreateField(grid, &step->start));
  PetscCall(MuGridCreateField(grid, &step->rho));
  PetscCall(fill_densities(grid, log_target, step->start));
  const MuEnergySpec e = {
      .terms = 1, .term = {{.name = "chi2", .weight = 1}}, .log_target = log_target};
  PetscCall(MuEnergyCreate(grid, &e, &energy));
  PetscCall(MuGeometryCreate(grid, &m, &geometry));
  MuFlowSpecDefault(&f);
  f.scheme = scheme;
  f.step = STEP;
  f.end = 1;
  PetscCall(MuFlowCreate(grid, energy, geometry, step->start, &f, &step->flow));
  PetscCall(VecDestroy(&log_target));
  PetscCall(MuEnergyDestroy(&energy));
  PetscCall(MuGeometryDestroy(&geometry));
  PetscCall(MuGridDestroy(&grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode step_destroy(Step *step) {
  PetscFunctionBegin;
  PetscCall(MuFlowDestroy(&step->flow));
  PetscCall(VecDestroy(&step->start));
  PetscCall(VecDestroy(&step->rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_step(void *ctx) {
  Step *step = ctx;
  MuIntegrator it = step->flow->integrator;
  MuStepOutcome outcome;

  PetscFunctionBegin;
  PetscCall(VecCopy(step->start, step->rho));
  PetscCall(it->ops->advance(it, STEP, step->rho, &outcome));
  if (outcome != MU_STEP_OK) return MuError(MU_ERR_NUMERICS, "bench: a step has failed");
  PetscFunctionReturn(0);
}

typedef struct {
  MuLinearization linearization;
  MuTransport transport;
  Step *step;
} Linear;

static PetscErrorCode run_linear(void *ctx) {
  Linear *l = ctx;

  PetscFunctionBegin;
  PetscCall(MuLinearizationFill(l->linearization, l->step->start, l->transport));
  PetscCall(MuTransportSetUp(l->transport, STEP));
  PetscCall(MuTransportSolve(l->transport, PETSC_FALSE, l->step->start, l->step->rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_in_solves(PetscInt cells, const char *scheme, const char *name) {
  double ours, theirs;
  Step step;
  Linear linear = {.step = &step};

  PetscFunctionBegin;
  PetscCall(step_create(cells, scheme, &step));
  PetscCall(MuLinearizationCreate(step.flow, &linear.linearization));
  PetscCall(MuTransportCreate(step.flow->grid, MU_TRANSPORT_COUPLED, &linear.transport));
  PetscCall(BenchPair(run_step, &step, run_linear, &linear, REPEATS, &ours, &theirs));
  PetscCall(BenchReport(name, ours / theirs, 12, ours));
  PetscCall(MuTransportDestroy(&linear.transport));
  PetscCall(MuLinearizationDestroy(&linear.linearization));
  PetscCall(step_destroy(&step));
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_differences(PetscInt cells) {
  double ours, theirs;
  Step step, slow;

  PetscFunctionBegin;
  PetscCall(step_create(cells, "discrete_gradient", &step));
  PetscCall(PetscOptionsSetValue(NULL, "-mudot_assembled_snes_max_it", "0"));
  PetscCall(step_create(cells, "discrete_gradient", &slow));
  PetscCall(PetscOptionsClearValue(NULL, "-mudot_assembled_snes_max_it"));
  PetscCall(BenchPair(run_step, &step, run_step, &slow, REPEATS, &ours, &theirs));
  PetscCall(BenchReport("chi2: discrete gradient, assembled Jacobian / differences", ours / theirs,
                        0.3, ours));
  PetscCall(step_destroy(&slow));
  PetscCall(step_destroy(&step));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  PetscInt cells = 256;
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-cells", &cells, NULL));
  PetscCall(bench_in_solves(cells, "implicit_euler",
                            "chi2: step of implicit Euler / linearly implicit step"));
  PetscCall(bench_in_solves(cells, "discrete_gradient",
                            "chi2: step of discrete gradient / linearly implicit step"));
  PetscCall(bench_differences(cells));
  return MuFinalize() ? 1 : 0;
}
