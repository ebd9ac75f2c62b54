/* Reaction flows in the unknown u = log rho: du/dt = -(K(mu) DF)/mu, by an explicit Runge-Kutta
   method of PETSc (TSRK, 5dp by default, -mudot_ts_rk_type) with adaptive inner steps. Positive by
   construction. The local error of u is kept below the tolerance; `spherical` flows are normalised
   after each step, which removes the integrator's drift of the mass. */
#include "flow/flow_impl.h"

#include <math.h>

/* Rates of log rho beyond this count as infinite: their squares must fit into a number. */
#define MOST_RATE 1e100
/* Inner steps are not asked for more: log rho has no more digits. */
#define LEAST_TOLERANCE 1e-14

typedef struct {
  TS ts;
  Vec u, rho, xi;
  PetscReal first_step; /* where the last step left the inner one: the next begins with it */
  int failed;           /* a right-hand side of this step was not finite on this rank */
} LogDensity;

/* rho = exp u inside, 0 outside */
static PetscErrorCode exponentiate(MuFlow flow, Vec u, Vec rho) {
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(rho, &y));
  MuArrayExp(flow->info->local_size, x, y);
  PetscCall(VecRestoreArray(rho, &y));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(MuGridApplyMask(flow->grid, rho));
  PetscFunctionReturn(0);
}

/* PETSc stops the program over numbers that are not finite: they are noted and become zeros, and
   the step is given up. */
static PetscErrorCode check_rate(LogDensity *l, Vec rate) {
  PetscReal *x;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(rate, &n));
  PetscCall(VecGetArray(rate, &x));
  for (PetscInt i = 0; i < n; ++i) l->failed |= !(PetscAbsReal(x[i]) < MOST_RATE);
  if (l->failed) PetscCall(PetscArrayzero(x, n));
  PetscCall(VecRestoreArray(rate, &x));
  PetscFunctionReturn(0);
}

/* Whether any rank has noted a failure in this step. */
static PetscErrorCode has_failed(MuIntegrator it, PetscBool *failed) {
  int any = ((LogDensity *)it->data)->failed;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, it->flow->info->comm));
  *failed = (PetscBool)any;
  PetscFunctionReturn(0);
}

static PetscErrorCode right_hand_side(TS ts, PetscReal t, Vec u, Vec rate, void *ctx) {
  MuIntegrator it = ctx;
  LogDensity *l = it->data;
  MuFlow flow = it->flow;

  PetscErrorCode code;
  PetscBool failed;

  PetscFunctionBegin;
  (void)ts;
  (void)t;
  PetscCall(exponentiate(flow, u, l->rho));
  PetscCall(MuEnergyEvaluate(flow->energy, l->rho, NULL, NULL, l->xi, NULL));
  PetscCall(MuGeometrySetState(flow->geometry, l->rho));
  code = MuGeometryApplyRelative(flow->geometry, l->xi, rate);
  PetscCall(MuFlowCatch(flow, code, &failed));
  if (failed) l->failed = 1;
  PetscCall(VecScale(rate, -1));
  PetscCall(MuGridApplyMask(flow->grid, rate));
  PetscCall(check_rate(l, rate));
  PetscFunctionReturn(0);
}

/* Once a right-hand side has failed no stage is good, and the inner integrator gives up. */
static PetscErrorCode stage_is_good(TS ts, PetscReal time, Vec u, PetscBool *good) {
  MuIntegrator it;
  PetscBool failed;

  PetscFunctionBegin;
  (void)time;
  (void)u;
  PetscCall(TSGetApplicationContext(ts, &it));
  PetscCall(has_failed(it, &failed));
  *good = (PetscBool)!failed;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_inner_ts(MuIntegrator it) {
  LogDensity *l = it->data;
  MuFlow flow = it->flow;
  TSAdapt adapt;

  PetscFunctionBegin;
  PetscCall(TSCreate(flow->info->comm, &l->ts));
  PetscCall(TSSetOptionsPrefix(l->ts, "mudot_"));
  PetscCall(TSSetProblemType(l->ts, TS_NONLINEAR));
  PetscCall(TSSetType(l->ts, TSRK));
  PetscCall(TSRKSetType(l->ts, TSRK5DP));
  PetscCall(TSSetRHSFunction(l->ts, NULL, right_hand_side, it));
  PetscCall(TSSetApplicationContext(l->ts, it));
  PetscCall(TSSetFunctionDomainError(l->ts, stage_is_good));
  PetscCall(TSSetSolution(l->ts, l->u));
  PetscCall(TSSetMaxSteps(l->ts, PETSC_MAX_INT));
  PetscCall(TSSetMaxSNESFailures(l->ts, -1));
  PetscCall(TSSetErrorIfStepFails(l->ts, PETSC_FALSE));
  PetscCall(TSSetExactFinalTime(l->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSGetAdapt(l->ts, &adapt));
  PetscCall(TSAdaptSetType(adapt, TSADAPTBASIC));
  PetscCall(TSSetTolerances(l->ts, PetscMax(flow->spec.tolerance, LEAST_TOLERANCE), NULL, 0, NULL));
  PetscCall(TSSetFromOptions(l->ts));
  PetscFunctionReturn(0);
}

static PetscErrorCode log_density_create(MuIntegrator it) {
  MuFlow flow = it->flow;
  LogDensity *l;
  PetscBool relative;

  PetscFunctionBegin;
  PetscCall(PetscNew(&l));
  it->data = l;
  PetscCall(MuGeometryHasRelative(flow->geometry, &relative));
  if (it->kinds & MU_PART_TRANSPORT)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: log_density does not solve transport; use splitting, "
                   "discrete_gradient or auto");
  if (!relative)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: log_density needs a geometry that vanishes with the density, "
                   "which mmd does not; use discrete_gradient or auto");
  PetscCall(MuGridCreateField(flow->grid, &l->u));
  PetscCall(MuGridCreateField(flow->grid, &l->rho));
  PetscCall(MuGridCreateField(flow->grid, &l->xi));
  PetscCall(create_inner_ts(it));
  PetscFunctionReturn(0);
}

static PetscErrorCode log_density_destroy(MuIntegrator it) {
  LogDensity *l = it->data;

  PetscFunctionBegin;
  if (!l) PetscFunctionReturn(0);
  PetscCall(TSDestroy(&l->ts));
  PetscCall(VecDestroy(&l->u));
  PetscCall(VecDestroy(&l->rho));
  PetscCall(VecDestroy(&l->xi));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* u = log rho, with empty and outside cells at the logarithm of the smallest normal number */
static PetscErrorCode take_logarithm(MuFlow flow, Vec rho, Vec u) {
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArray(u, &y));
  MuArrayLogPositive(flow->info->local_size, x, y);
  PetscCall(VecRestoreArray(u, &y));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscFunctionReturn(0);
}

/* Cells that were empty stay empty; `spherical` keeps the mass of the start. */
static PetscErrorCode give_back(MuFlow flow, Vec u, Vec scratch, Vec rho) {
  const MuGeometrySpec *spec;
  const PetscReal *x;
  PetscReal *y, before, after;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(flow->grid, rho, &before));
  PetscCall(exponentiate(flow, u, scratch));
  PetscCall(VecGetArrayRead(scratch, &x));
  PetscCall(VecGetArray(rho, &y));
  for (PetscInt i = 0; i < flow->info->local_size; ++i) y[i] = y[i] > 0 ? x[i] : 0;
  PetscCall(VecRestoreArray(rho, &y));
  PetscCall(VecRestoreArrayRead(scratch, &x));
  PetscCall(MuGeometryGetSpec(flow->geometry, &spec));
  if (!spec->spherical) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(flow->grid, rho, &after));
  PetscCall(VecScale(rho, before / after));
  PetscFunctionReturn(0);
}

static PetscErrorCode log_density_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                          MuStepOutcome *outcome) {
  LogDensity *l = it->data;
  MuFlow flow = it->flow;
  TSConvergedReason reason;
  PetscBool failed;

  PetscFunctionBegin;
  l->failed = 0;
  PetscCall(take_logarithm(flow, rho, l->u));
  PetscCall(TSSetTime(l->ts, 0));
  PetscCall(TSSetStepNumber(l->ts, 0));
  PetscCall(TSRestartStep(l->ts));
  PetscCall(TSSetMaxTime(l->ts, dt));
  PetscCall(TSSetTimeStep(l->ts, l->first_step > 0 ? PetscMin(l->first_step, dt) : dt));
  PetscCall(TSSolve(l->ts, NULL));
  PetscCall(TSGetConvergedReason(l->ts, &reason));
  PetscCall(has_failed(it, &failed));
  if (failed) reason = TS_DIVERGED_STEP_REJECTED;
  *outcome = reason > 0 ? MU_STEP_OK : MU_STEP_DIVERGED;
  PetscCall(TSGetTimeStep(l->ts, &l->first_step));
  if (reason <= 0) {
    l->first_step = 0;
    PetscFunctionReturn(0);
  }
  PetscCall(give_back(flow, l->u, l->rho, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode log_density_remember(MuIntegrator it, MuMemory *memory) {
  memory->value[memory->count++] = ((LogDensity *)it->data)->first_step;
  return 0;
}

static PetscErrorCode log_density_recall(MuIntegrator it, MuMemory *memory) {
  ((LogDensity *)it->data)->first_step = memory->value[memory->count++];
  return 0;
}

const MuIntegratorOps MuLogDensityOps = {
    .name = "log_density",
    .formula = "u = log rho, du/dt = -(K(mu) DF)/mu, adaptive Runge-Kutta (PETSc TSRK): positive, "
               "order 5",
    .order = 5,
    .create = log_density_create,
    .advance = log_density_advance,
    .destroy = log_density_destroy,
    .remember = log_density_remember,
    .recall = log_density_recall,
};
