/* Which integrator `auto` takes for a reaction. */
#include "flow/flow_impl.h"

PetscErrorCode MuFlowChooseReaction(MuFlow flow, const MuIntegratorOps **ops, const char **why) {
  PetscBool closed, relative, proximal;

  PetscFunctionBegin;
  PetscCall(MuClosedFormExists(flow, &closed));
  PetscCall(MuGeometryHasRelative(flow->geometry, &relative));
  PetscCall(MuProximalFits(flow, &proximal));
  if (closed) {
    *ops = &MuClosedFormOps;
    *why = "the reaction part has an exact solution for this energy";
  } else if (relative) {
    *ops = &MuLogDensityOps;
    *why = "reaction without a closed form: positive by construction";
  } else {
    *ops = proximal ? &MuGradientOrProximalOps : &MuDiscreteGradientOps;
    *why = "the reaction part acts where the density vanishes, so its logarithm is no unknown";
  }
  PetscFunctionReturn(0);
}
