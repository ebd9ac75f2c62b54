/* An integrator of some parts of a flow. */
#include "flow/flow_impl.h"

PetscErrorCode MuIntegratorCreate(MuFlow flow, const MuIntegratorOps *ops, PetscInt kinds,
                                  PetscReal tolerance, MuIntegrator *integrator) {
  MuIntegrator it;

  PetscFunctionBegin;
  *integrator = NULL;
  PetscCall(PetscNew(&it));
  it->ops = ops;
  it->flow = flow;
  it->kinds = kinds;
  it->order = ops->order;
  it->part = it->term = MU_WHOLE;
  it->tolerance = tolerance;
  *integrator = it;
  PetscCall(ops->create(it));
  PetscFunctionReturn(0);
}

PetscErrorCode MuIntegratorDestroy(MuIntegrator *integrator) {
  PetscFunctionBegin;
  if (!*integrator) PetscFunctionReturn(0);
  if ((*integrator)->ops->destroy) PetscCall((*integrator)->ops->destroy(*integrator));
  PetscCall(PetscFree(*integrator));
  PetscFunctionReturn(0);
}

PetscErrorCode MuIntegratorRemember(MuIntegrator it, MuMemory *memory) {
  PetscFunctionBegin;
  if (it->ops->remember) PetscCall(it->ops->remember(it, memory));
  PetscFunctionReturn(0);
}

PetscErrorCode MuIntegratorRecall(MuIntegrator it, MuMemory *memory) {
  PetscFunctionBegin;
  if (it->ops->recall) PetscCall(it->ops->recall(it, memory));
  PetscFunctionReturn(0);
}
