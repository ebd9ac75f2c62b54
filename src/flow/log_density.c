/* Reaction flows in the unknown u = log rho: du/dt = -(K(mu) DF)/mu, by an explicit Runge-Kutta
   method of PETSc (TSRK, 5dp by default, -mudot_ts_rk_type) with adaptive inner steps. Positive by
   construction. The local error of u is kept below the tolerance; `spherical` flows are normalised
   after each step, which removes the integrator's drift of the mass.

   Rates may be enormous, where s = rho/pi is e^700 or e^-700: they are cut off at 1e100, what
   happens in times below 1e-100 being over at once. A step whose stages overflow or have no rate is
   rejected; if its start has none, there is no flow. Explicit steps are of the size of the fastest
   time scale, in cells without mass too; a step that would take more than MOST_STEPS of them is
   given up. */
#include "flow/flow_impl.h"
#include "grid/arrays.h"

#include <math.h>

#define FASTEST         1e100
#define GROWS           1e12
#define LARGEST         700 /* of u in a stage; that of the smallest density is -708 */
#define SMALLEST        (-2000)
#define MOST_STEPS      100000
#define LEAST_TOLERANCE 1e-14 /* of an inner step: log rho has no more digits */
#define MOST_REJECTIONS 1000  /* of one inner step: each makes it smaller by up to a factor 10 */

typedef struct {
  TS ts;
  Vec u, rho, xi, rate;
  PetscReal first_step;
  PetscBool undefined;  /* the last rate was not a number */
  PetscBool unsolved;   /* the last rate was not found: a solve inside K failed */
  MuStepOutcome start;  /* NOT_FINITE or SOLVER if that is so at the start of the step, else OK */
  unsigned char *empty; /* [local_size]: outside, or rho = 0 and remains so */
} LogDensity;

/* rho = exp u, 0 where it is empty */
static PetscErrorCode exponentiate(MuFlow flow, const LogDensity *l, Vec u, Vec rho) {
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(rho, &y));
  MuArrayExp(flow->info->local_size, x, y);
  for (PetscInt i = 0; i < flow->info->local_size; ++i) y[i] = l->empty[i] ? 0 : y[i];
  PetscCall(VecRestoreArray(rho, &y));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(0);
}

/* Cuts rates off at FASTEST, and at 0 where there is no density left; 0 where it is empty.
 *undefined: one is not a number. */
static PetscErrorCode cut_off(MuFlow flow, const LogDensity *l, Vec u, Vec rate,
                              PetscBool *undefined) {
  const PetscReal least = log(MU_MIN_NORMAL), *y;
  PetscReal *x;
  int bad = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(u, &y));
  PetscCall(VecGetArray(rate, &x));
  for (PetscInt i = 0; i < flow->info->local_size; ++i) {
    if (l->empty[i] || (y[i] < least && x[i] < 0)) x[i] = 0;
    if (fabs(x[i]) <= FASTEST) continue;
    bad += isnan(x[i]);
    x[i] = x[i] < 0 ? -FASTEST : FASTEST;
  }
  PetscCall(VecRestoreArray(rate, &x));
  PetscCall(VecRestoreArrayRead(u, &y));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, flow->info->comm));
  *undefined = (PetscBool)(bad > 0);
  PetscFunctionReturn(0);
}

/* rate = -(K(mu) DF)/mu at mu = exp u. MU_ERR_NUMERICS: a solve inside K has not converged. */
static PetscErrorCode evaluate_rate(MuIntegrator it, Vec u, Vec rate) {
  LogDensity *l = it->data;
  MuFlow flow = it->flow;

  PetscFunctionBegin;
  PetscCall(MuFlowPoll(flow));
  PetscCall(exponentiate(flow, l, u, l->rho));
  PetscCall(MuEnergyEvaluate(flow->energy, l->rho, NULL, NULL, l->xi, NULL));
  PetscCall(MuGeometrySetState(flow->geometry, l->rho));
  PetscCall(MuGeometryApplyRelative(flow->geometry, l->xi, rate));
  PetscCall(VecScale(rate, -1));
  PetscFunctionReturn(0);
}

static PetscErrorCode right_hand_side(TS ts, PetscReal t, Vec u, Vec rate, void *ctx) {
  MuIntegrator it = ctx;
  LogDensity *l = it->data;
  PetscErrorCode code = evaluate_rate(it, u, rate);

  PetscFunctionBegin;
  PetscCall(MuFlowCatch(it->flow, code, &l->unsolved));
  if (l->unsolved) PetscCall(VecSet(rate, FASTEST));
  PetscCall(cut_off(it->flow, l, u, rate, &l->undefined));
  if (t > 0 || !(l->undefined || l->unsolved)) PetscFunctionReturn(0);
  l->start = l->unsolved ? MU_STEP_SOLVER : MU_STEP_NOT_FINITE;
  PetscCall(TSSetConvergedReason(ts, TS_DIVERGED_STEP_REJECTED));
  PetscFunctionReturn(0);
}

/* Whether u is where it can be, and the stage before had a rate. */
static PetscErrorCode check_stage(TS ts, PetscReal t, Vec u, PetscBool *accept) {
  MuIntegrator it;
  LogDensity *l;
  const PetscReal *x;
  int bad;

  PetscFunctionBegin;
  (void)t;
  PetscCall(TSGetApplicationContext(ts, &it));
  l = it->data;
  bad = l->undefined || l->unsolved;
  PetscCall(VecGetArrayRead(u, &x));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i)
    bad |= !(x[i] >= SMALLEST && x[i] <= LARGEST);
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, it->flow->info->comm));
  *accept = (PetscBool)!bad;
  if (bad) l->undefined = l->unsolved = PETSC_FALSE;
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
  PetscCall(TSSetFunctionDomainError(l->ts, check_stage));
  PetscCall(TSSetSolution(l->ts, l->u));
  PetscCall(TSSetMaxSteps(l->ts, MOST_STEPS));
  PetscCall(TSSetMaxStepRejections(l->ts, MOST_REJECTIONS));
  PetscCall(TSSetMaxSNESFailures(l->ts, -1));
  PetscCall(TSSetErrorIfStepFails(l->ts, PETSC_FALSE));
  PetscCall(TSSetExactFinalTime(l->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSGetAdapt(l->ts, &adapt));
  PetscCall(TSAdaptSetType(adapt, TSADAPTBASIC));
  /* at the default smallest step, 1e-20, the error would be accepted whatever it is */
  PetscCall(TSAdaptSetStepLimits(adapt, MU_MIN_NORMAL, 1e100));
  const PetscReal tolerance = it->tolerance > 0 ? it->tolerance : flow->spec.tolerance;
  PetscCall(TSSetTolerances(l->ts, PetscMax(tolerance, LEAST_TOLERANCE), NULL, 0, NULL));
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
  PetscCall(MuGridCreateField(flow->grid, &l->rate));
  PetscCall(PetscMalloc1(flow->info->local_size, &l->empty));
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
  PetscCall(VecDestroy(&l->rate));
  PetscCall(PetscFree(l->empty));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* u = log rho, with empty and outside cells at the logarithm of the smallest normal number */
static PetscErrorCode take_logarithm(MuFlow flow, LogDensity *l, Vec rho, PetscBool *any_empty) {
  const PetscReal *x;
  PetscReal *y;
  int any = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArray(l->u, &y));
  MuArrayLogPositive(flow->info->local_size, x, y);
  for (PetscInt i = 0; i < flow->info->local_size; ++i) {
    l->empty[i] = (unsigned char)!flow->info->mask[i];
    any |= flow->info->mask[i] && x[i] < MU_MIN_NORMAL;
  }
  PetscCall(VecRestoreArray(l->u, &y));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, flow->info->comm));
  *any_empty = (PetscBool)any;
  PetscFunctionReturn(0);
}

/* Empty cells where the rate at the smallest density, which stands for 0, is not enormous stay
   empty: with kl and its kin rho = 0 is a stationary point. With power p < 1 (hellinger), where the
   rate grows like rho^(p-1), mass comes out of nothing, as in the closed form. */
static PetscErrorCode mark_empty(MuIntegrator it, Vec rho) {
  LogDensity *l = it->data;
  const PetscReal *x, *rate;

  PetscFunctionBegin;
  PetscCall(evaluate_rate(it, l->u, l->rate));
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArrayRead(l->rate, &rate));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i)
    if (x[i] < MU_MIN_NORMAL && !(rate[i] > GROWS)) l->empty[i] = 1;
  PetscCall(VecRestoreArrayRead(l->rate, &rate));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscFunctionReturn(0);
}

/* rho = exp u; `spherical` keeps the mass of the start. */
static PetscErrorCode give_back(MuFlow flow, LogDensity *l, Vec rho) {
  const MuGeometrySpec *spec;
  PetscReal before, after;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(flow->grid, rho, &before));
  PetscCall(exponentiate(flow, l, l->u, rho));
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
  PetscBool any_empty;

  PetscFunctionBegin;
  l->undefined = l->unsolved = PETSC_FALSE;
  l->start = MU_STEP_OK;
  PetscCall(take_logarithm(flow, l, rho, &any_empty));
  if (any_empty) PetscCall(mark_empty(it, rho));
  PetscCall(TSSetTime(l->ts, 0));
  PetscCall(TSSetStepNumber(l->ts, 0));
  PetscCall(TSRestartStep(l->ts));
  PetscCall(TSSetMaxTime(l->ts, dt));
  PetscCall(TSSetTimeStep(l->ts, l->first_step > 0 ? PetscMin(l->first_step, dt) : dt));
  PetscCall(TSSolve(l->ts, NULL));
  PetscCall(TSGetConvergedReason(l->ts, &reason));
  if (l->start != MU_STEP_OK)
    *outcome = l->start;
  else if (reason == TS_CONVERGED_ITS)
    *outcome = MU_STEP_STIFF;
  else
    *outcome = reason > 0 ? MU_STEP_OK : MU_STEP_DIVERGED;
  PetscCall(TSGetTimeStep(l->ts, &l->first_step));
  if (*outcome != MU_STEP_OK) {
    l->first_step = 0;
    PetscFunctionReturn(0);
  }
  PetscCall(give_back(flow, l, rho));
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
