/* The state of a flow, as its schemes ask for it: is it a density, what is DF there. */
#include "base/stopped.h"
#include "flow/flow_impl.h"
#include "record/interrupt.h"

#include <petsc/private/petscimpl.h>

#define SHORTEST_CUT 0.5 /* s */

PetscErrorCode MuFlowInspect(MuFlow flow, Vec rho, MuStepOutcome *outcome) {
  const MuGridInfo *info = flow->info;
  const PetscReal *x;
  int worst = MU_STEP_OK, bad = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  for (PetscInt i = 0; i < info->local_size; ++i) bad += !(x[i] >= 0 && x[i] <= PETSC_MAX_REAL);
  for (PetscInt i = 0; bad && i < info->local_size; ++i) {
    if (PetscIsInfOrNanReal(x[i]))
      worst = MU_STEP_NOT_FINITE;
    else if (x[i] < 0 && worst == MU_STEP_OK)
      worst = MU_STEP_NEGATIVE;
  }
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, info->comm));
  *outcome = (MuStepOutcome)worst;
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowPositivePart(MuFlow flow, Vec from, Vec to, PetscReal *removed) {
  PetscReal *y, sum = 0;

  PetscFunctionBegin;
  if (from != to) PetscCall(VecCopy(from, to));
  PetscCall(VecGetArray(to, &y));
  for (PetscInt i = 0; i < flow->info->local_size; ++i) {
    sum -= PetscMin(y[i], 0);
    y[i] = PetscMax(y[i], 0);
  }
  PetscCall(VecRestoreArray(to, &y));
  if (!removed) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPI_SUM, flow->info->comm));
  *removed = sum * flow->info->volume;
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowKnowsDerivative(MuFlow flow, Vec rho, PetscBool *known) {
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(PetscObjectStateGet((PetscObject)rho, &state));
  *known = (PetscBool)(rho == flow->rho && state == flow->derivative_state);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowDerivative(MuFlow flow, Vec rho, Vec *derivative) {
  PetscBool known;

  PetscFunctionBegin;
  PetscCall(MuFlowKnowsDerivative(flow, rho, &known));
  *derivative = flow->derivative;
  if (known) PetscFunctionReturn(0);
  PetscCall(MuEnergyEvaluate(flow->energy, rho, NULL, NULL, flow->derivative, NULL));
  flow->derivative_state = 0;
  if (rho == flow->rho) PetscCall(PetscObjectStateGet((PetscObject)rho, &flow->derivative_state));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowKeepBefore(MuFlow flow) {
  PetscBool known;

  PetscFunctionBegin;
  PetscCall(VecCopy(flow->rho, flow->before));
  flow->before_state = 0;
  if (!flow->derivative_before) PetscFunctionReturn(0);
  PetscCall(MuFlowKnowsDerivative(flow, flow->rho, &known));
  if (!known) PetscFunctionReturn(0);
  PetscCall(VecCopy(flow->derivative, flow->derivative_before));
  PetscCall(PetscObjectStateGet((PetscObject)flow->before, &flow->before_state));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowDerivativeBefore(MuFlow flow, Vec before, Vec *derivative) {
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(PetscObjectStateGet((PetscObject)before, &state));
  *derivative =
      before == flow->before && state == flow->before_state ? flow->derivative_before : NULL;
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowScaleDerivative(MuFlow flow, Vec rho, PetscReal factor) {
  PetscFunctionBegin;
  PetscCall(VecScale(flow->derivative, factor));
  PetscCall(PetscObjectStateGet((PetscObject)rho, &flow->derivative_state));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowPoll(MuFlow flow) {
  PetscMPIInt ranks;
  int stop;

  PetscFunctionBegin;
  stop = flow->stopped || (MuInterruptPending() && MPI_Wtime() - flow->step_began > SHORTEST_CUT);
  PetscCallMPI(MPI_Comm_size(flow->info->comm, &ranks));
  if (ranks > 1)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, flow->info->comm));
  PetscFunctionReturn(stop ? MU_STOPPED : 0);
}

PetscErrorCode MuFlowCatch(MuFlow flow, PetscErrorCode code, PetscBool *failed) {
  PetscFunctionBegin;
  if (code == MU_STOPPED) flow->stopped = PETSC_TRUE;
  *failed = (PetscBool)(code == MU_ERR_NUMERICS || code == MU_STOPPED);
  if (code == MU_ERR_NUMERICS)
    PetscCall(PetscStrncpy(flow->failure, MuErrorMessage(), sizeof flow->failure));
  PetscFunctionReturn(*failed ? 0 : code);
}

PetscErrorCode MuFlowCatchField(MuFlow flow, PetscErrorCode code, Vec field) {
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(MuFlowCatch(flow, code, &failed));
  if (failed) PetscCall(VecSet(field, NAN));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowEvaluateDerivative(MuFlow flow) {
  PetscReal value, terms[MU_MAX_TERMS];

  PetscFunctionBegin;
  if (!flow->keep_derivative) PetscFunctionReturn(0);
  PetscCall(MuEnergyEvaluate(flow->energy, flow->rho, &value, terms, flow->derivative, NULL));
  PetscCall(PetscObjectStateGet((PetscObject)flow->rho, &flow->derivative_state));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowConservesMass(MuFlow flow, PetscBool *conserves) {
  const MuGeometrySpec *g;
  const MuEnergySpec *energy;
  MuSystem system;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  PetscCall(MuEnergyGetSpec(flow->energy, &energy));
  PetscCall(MuSystemRead(g, energy, &system));
  *conserves = MuSystemConservesMass(&system);
  PetscFunctionReturn(0);
}
