/* The guard of a step: along a gradient flow F does not rise. */
#include "flow/flow_impl.h"

#define SCALING 0.1 /* of a density, for a unit of energy */

PetscErrorCode MuFlowScaleEnergy(MuFlow flow) {
  PetscReal size = 0;
  PetscInt terms;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetTerms(flow->energy, &terms, NULL, NULL));
  for (PetscInt k = 0; k < terms; ++k) size += PetscAbsReal(flow->energy_terms[k]);
  flow->energy_scale = PetscMax(flow->energy_scale, size);
  PetscFunctionReturn(0);
}

/* F(factor rho) - value, in modulus; the derivative's field is scratch. */
static PetscErrorCode add_change(MuFlow flow, Vec rho, PetscReal factor, PetscReal value,
                                 PetscReal *sum) {
  PetscReal terms[MU_MAX_TERMS], changed;

  PetscFunctionBegin;
  flow->derivative_state = 0;
  PetscCall(VecCopy(rho, flow->derivative));
  PetscCall(VecScale(flow->derivative, factor));
  PetscCall(MuEnergyEvaluate(flow->energy, flow->derivative, &changed, terms, NULL, NULL));
  *sum += PetscAbsReal(changed - value);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowEnergyRises(MuFlow flow, Vec rho, PetscReal before, PetscReal value,
                                 PetscBool *rises) {
  const PetscReal allowed = before + 1e-11 * flow->energy_scale;
  PetscReal unit = 0;

  PetscFunctionBegin;
  *rises = (PetscBool)(flow->spec.guard && value > allowed);
  if (!*rises) PetscFunctionReturn(0);
  PetscCall(add_change(flow, rho, 1 + SCALING, value, &unit));
  PetscCall(add_change(flow, rho, 1 - SCALING, value, &unit));
  unit /= SCALING * SCALING;
  if (!PetscIsInfOrNanReal(unit)) *rises = (PetscBool)(value > allowed + 1e-14 * unit);
  if (!*rises) PetscCall(MuFlowEvaluateDerivative(flow));
  PetscFunctionReturn(0);
}
