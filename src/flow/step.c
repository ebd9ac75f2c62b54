/* One accepted step of a flow: attempts from the state before it, with step control, the energy
 * guard and the restoration of the state after a rejected one. */
#include "flow/flow_impl.h"

#include <petsc/private/tsimpl.h>

/* An interval is cut evenly, so a remainder below this fraction of a step is rounding, not a step.
 */
#define STEP_SLACK 1e-9
/* A fixed step is halved at most this often; an adaptive one has to find its size. */
#define MAX_HALVINGS   12
#define MAX_REJECTIONS 60

void MuFlowBeginInterval(MuFlow flow, PetscReal end) {
  const PetscReal length = end - flow->time;
  if (flow->interval_end == end) return;
  flow->interval_end = end;
  flow->rows.interval = length;
  flow->interval_step = length / PetscMax(1, PetscCeilReal(length / flow->spec.step - STEP_SLACK));
}

static PetscErrorCode advance(MuFlow flow, PetscReal dt) {
  PetscErrorCode code;
  PetscBool failed;

  PetscFunctionBegin;
  code = flow->integrator->ops->advance(flow->integrator, dt, flow->rho, &flow->outcome);
  PetscCall(MuFlowCatch(flow, code, &failed));
  if (failed) flow->outcome = MU_STEP_SOLVER;
  if (flow->stopped) flow->outcome = MU_STEP_STOPPED;
  if (flow->outcome == MU_STEP_OK) PetscCall(MuFlowInspect(flow, flow->rho, &flow->outcome));
  PetscFunctionReturn(0);
}

/* One attempt from flow->before to flow->rho, all checks included. */
static PetscErrorCode attempt(MuFlow flow, PetscReal dt) {
  PetscFunctionBegin;
  if (!flow->at_start) PetscCall(VecCopy(flow->before, flow->rho));
  flow->at_start = PETSC_FALSE;
  if (flow->hold) PetscCall(VecSet(flow->multiplier, 0));
  PetscCall(advance(flow, dt));
  PetscFunctionReturn(0);
}

/* The full step against two halves; the halves are kept. error is the L1 distance over the mass,
 * over 2^order - 1. */
static PetscErrorCode attempt_doubled(MuFlow flow, PetscReal dt, PetscReal *error) {
  PetscReal mass;

  PetscFunctionBegin;
  *error = 0;
  PetscCall(attempt(flow, dt));
  if (flow->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(VecCopy(flow->rho, flow->full));
  PetscCall(attempt(flow, dt / 2));
  if (flow->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(advance(flow, dt / 2));
  if (flow->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(MuGridDistanceL1(flow->grid, flow->rho, flow->full, error));
  PetscCall(MuGridIntegrate(flow->grid, flow->rho, &mass));
  *error /= mass * (PetscPowRealInt(2, (int)flow->integrator->order) - 1);
  if (PetscIsInfOrNanReal(*error)) flow->outcome = MU_STEP_NOT_FINITE;
  PetscFunctionReturn(0);
}

/* Evaluates F after the step; a rise beyond rounding rejects it. */
static PetscErrorCode guard_energy(MuFlow flow) {
  PetscReal value, terms[MU_MAX_TERMS];
  PetscBool rises;

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(flow->energy, flow->rho, &value, terms,
                             flow->keep_derivative ? flow->derivative : NULL, NULL));
  if (flow->keep_derivative)
    PetscCall(PetscObjectStateGet((PetscObject)flow->rho, &flow->derivative_state));
  PetscCall(MuFlowEnergyRises(flow, flow->rho, flow->energy_value, value, &rises));
  if (PetscIsInfOrNanReal(value))
    flow->outcome = MU_STEP_NOT_FINITE;
  else if (rises)
    flow->outcome = MU_STEP_ENERGY;
  if (flow->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  flow->energy_value = value;
  PetscCall(PetscArraycpy(flow->energy_terms, terms, MU_MAX_TERMS));
  PetscCall(MuFlowScaleEnergy(flow));
  PetscFunctionReturn(0);
}

/* A rest below this is what the sum of the steps has lost by rounding, not a step: up to half an
   epsilon of t in each of them. */
static PetscReal rounding_of_rest(MuFlow flow, PetscReal dt) {
  const PetscReal t = flow->interval_end;
  return PetscMin(STEP_SLACK * dt + t / dt * PETSC_MACHINE_EPSILON * t, 1e-3 * dt);
}

/* Next step size: the rest of the interval, unless more than one step is left. */
static PetscReal next_step(MuFlow flow, PetscReal rest) {
  PetscReal dt =
      flow->spec.adapt ? flow->adapted_step : PetscMin(flow->interval_step, flow->halved_step);
  if (rest <= dt + rounding_of_rest(flow, dt)) return rest;
  return flow->spec.adapt && rest < 2 * dt ? rest / 2 : dt;
}

static void adapt_step(MuFlow flow, PetscReal dt, PetscReal error) {
  PetscReal order = flow->integrator->order;
  PetscReal factor =
      error > 0 ? 0.9 * PetscPowReal(flow->spec.tolerance / error, 1 / (order + 1)) : 5;
  flow->adapted_step = dt * PetscClipInterval(factor, 0.2, 5);
}

/* Whether a smaller step is worth an attempt after one of dt from t. Fixed steps get no smaller
   than a part of the interval's, however many steps were halved before: a flow that blows up stops.
 */
static PetscBool may_try_again(MuFlow flow, PetscReal t, PetscReal dt, PetscInt halvings) {
  if (flow->outcome == MU_STEP_STIFF || t + dt / 8 == t) return PETSC_FALSE;
  if (flow->spec.adapt) return (PetscBool)(halvings <= MAX_REJECTIONS);
  return (PetscBool)(dt > 1.5 * flow->interval_step / (1 << MAX_HALVINGS));
}

/* One attempt with all checks; `error` is that of the adaptation. */
static PetscErrorCode try_step(MuFlow flow, PetscReal dt, PetscReal *error) {
  PetscFunctionBegin;
  flow->tried_step = dt;
  flow->failure[0] = 0;
  *error = 0;
  if (flow->spec.adapt)
    PetscCall(attempt_doubled(flow, dt, error));
  else
    PetscCall(attempt(flow, dt));
  if (flow->outcome == MU_STEP_OK && *error <= flow->spec.tolerance) PetscCall(guard_energy(flow));
  if (flow->outcome == MU_STEP_OK && flow->spec.adapt) adapt_step(flow, dt, *error);
  PetscFunctionReturn(0);
}

/* Whether the attempt moved no cell by more than rounding: then its error is rounding too, and a
   smaller step does not have a smaller one. Collective. */
static PetscErrorCode is_rounding(MuFlow flow, PetscBool *rounding) {
  const PetscReal *before, *after;
  int moved = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(flow->before, &before));
  PetscCall(VecGetArrayRead(flow->rho, &after));
  for (PetscInt i = 0; i < flow->info->local_size && !moved; ++i)
    moved = fabs(after[i] - before[i]) > 16 * PETSC_MACHINE_EPSILON * fabs(before[i]);
  PetscCall(VecRestoreArrayRead(flow->rho, &after));
  PetscCall(VecRestoreArrayRead(flow->before, &before));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &moved, 1, MPI_INT, MPI_MAX, flow->info->comm));
  *rounding = (PetscBool)!moved;
  PetscFunctionReturn(0);
}

/* The state before the step and all that the integrator and the flow knew of it, bit for bit. */
static PetscErrorCode restore(MuFlow flow) {
  PetscFunctionBegin;
  PetscCall(VecCopy(flow->before, flow->rho));
  flow->at_start = PETSC_TRUE;
  flow->memory.count = 0;
  PetscCall(MuIntegratorRecall(flow->integrator, &flow->memory));
  PetscCall(MuFlowEvaluateDerivative(flow));
  PetscFunctionReturn(0);
}

/* A step of dt was accepted after so many halvings: the next ones begin there. */
static void remember_halving(MuFlow flow, PetscReal dt, PetscInt halvings) {
  if (halvings && flow->spec.adapt) flow->adapted_step = PetscMin(flow->adapted_step, dt);
  if (halvings || flow->halved_step < flow->interval_step)
    flow->halved_step = halvings ? dt : 2 * dt;
}

/* A step that began with `first`. */
static void count_cuts(MuFlow flow, PetscReal first, PetscReal dt, PetscInt halvings) {
  const PetscReal planned = flow->spec.adapt ? first : flow->interval_step;
  if (!halvings) return;
  MuFlowCountCuts(flow, flow->spec.adapt ? halvings : (PetscInt)lround(log2(planned / dt)), planned,
                  dt);
}

/* Tries smaller and smaller steps; *accepted is the size of the one that was taken, 0: none. */
static PetscErrorCode take_step(MuFlow flow, PetscReal dt, PetscReal *accepted) {
  const PetscReal first = dt;
  PetscReal error;
  PetscBool futile = PETSC_FALSE, negative = PETSC_FALSE, begun = PETSC_FALSE;

  PetscFunctionBegin;
  *accepted = 0;
  for (PetscInt halvings = 0;;) {
    PetscCall(try_step(flow, dt, &error));
    if (flow->outcome == MU_STEP_OK && error <= flow->spec.tolerance) {
      remember_halving(flow, dt, halvings);
      count_cuts(flow, first, dt, halvings);
      *accepted = dt;
      PetscFunctionReturn(0);
    }
    if (flow->outcome == MU_STEP_STOPPED) {
      PetscCall(restore(flow));
      PetscFunctionReturn(0);
    }
    flow->rejected++;
    negative = (PetscBool)(negative || flow->outcome == MU_STEP_NEGATIVE);
    if (flow->outcome == MU_STEP_OK) PetscCall(is_rounding(flow, &futile));
    PetscCall(restore(flow));
    if (futile || !may_try_again(flow, flow->time, dt, ++halvings)) {
      if (negative) PetscCall(MuFlowBeginHold(flow, &begun));
      if (!negative || !begun) PetscFunctionReturn(0);
      negative = PETSC_FALSE;
      halvings = 0;
      dt = first;
      futile = PETSC_FALSE;
      continue;
    }
    dt = flow->outcome == MU_STEP_OK ? PetscMin(flow->adapted_step, dt / 2) : dt / 2;
  }
}

PetscErrorCode MuFlowBeginStep(MuFlow flow, PetscBool *stop) {
  PetscErrorCode code;

  PetscFunctionBegin;
  flow->stopped = PETSC_FALSE;
  flow->step_began = 0;
  code = MuFlowPoll(flow);
  PetscCall(MuFlowCatch(flow, code, stop));
  if (*stop) flow->outcome = MU_STEP_STOPPED;
  flow->step_began = MPI_Wtime();
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowStep(TS ts) {
  MuFlow flow;
  PetscReal rest, adapted, accepted;
  PetscInt rejected;
  PetscBool hold, stop;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &flow));
  PetscCall(MuFlowBeginStep(flow, &stop));
  if (stop) {
    ts->reason = TS_DIVERGED_STEP_REJECTED;
    PetscFunctionReturn(0);
  }
  hold = flow->hold;
  rejected = flow->rejected;
  rest = ts->max_time - ts->ptime;
  adapted = flow->adapted_step;
  PetscCall(MuFlowKeepBefore(flow));
  flow->at_start = PETSC_TRUE;
  flow->memory.count = 0;
  PetscCall(MuIntegratorRemember(flow->integrator, &flow->memory));
  code = take_step(flow, next_step(flow, rest), &accepted);
  if (code || !accepted) flow->adapted_step = adapted;
  if (code) {
    PetscCall(restore(flow));
    PetscFunctionReturn(code);
  }
  if (!accepted && flow->outcome == MU_STEP_STOPPED) { /* as if it had not begun */
    flow->hold = hold;
    flow->rejected = rejected;
  }
  if (!accepted) {
    ts->reason = TS_DIVERGED_STEP_REJECTED;
    PetscFunctionReturn(0);
  }
  flow->last_step = accepted;
  flow->accepted++;
  ts->ptime = accepted == rest ? ts->max_time : ts->ptime + accepted;
  ts->time_step = accepted;
  PetscFunctionReturn(0);
}
