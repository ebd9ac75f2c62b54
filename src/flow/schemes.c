/* The table of time integrators, and how `auto` chooses among them. */
#include "flow/flow_impl.h"

#include <string.h>

static const MuIntegratorOps *const schemes[] = {
    &MuImplicitEulerOps, &MuClosedFormOps,   &MuLogDensityOps,
    &MuSplittingOps,     &MuSplittingLieOps, &MuDiscreteGradientOps,
};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

PetscErrorCode MuSchemeGetTableRow(PetscInt i, const char **name, const char **formula) {
  PetscFunctionBegin;
  *name = *formula = NULL;
  if (i < SCHEMES) {
    *name = schemes[i]->name;
    *formula = schemes[i]->formula;
  } else if (i == SCHEMES) {
    *name = "auto";
    *formula =
        "closed_form, log_density, implicit_euler, splitting or discrete_gradient, whichever "
        "fits the pair; the run says which and why";
  }
  PetscFunctionReturn(0);
}

static const MuIntegratorOps *find(const char *name) {
  if (!strcmp(name, "strang")) return &MuSplittingOps;
  if (!strcmp(name, "lie")) return &MuSplittingLieOps;
  for (PetscInt i = 0; i < SCHEMES; ++i)
    if (!strcmp(name, schemes[i]->name)) return schemes[i];
  return NULL;
}

PetscErrorCode MuIntegratorCreate(MuFlow flow, const char *name, PetscInt kinds,
                                  MuIntegrator *integrator) {
  const MuIntegratorOps *ops = find(name);
  MuIntegrator it;

  PetscFunctionBegin;
  *integrator = NULL;
  if (!ops)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: \"%s\" is unknown; allowed are auto, implicit_euler, closed_form, "
                   "log_density, splitting, splitting_lie and discrete_gradient",
                   name);
  PetscCall(PetscNew(&it));
  it->ops = ops;
  it->flow = flow;
  it->kinds = kinds;
  it->order = ops->order;
  it->part = it->term = MU_WHOLE;
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

PetscErrorCode MuFlowChooseScheme(MuFlow flow, PetscInt kinds, const char **name,
                                  const char **why) {
  PetscBool closed, relative, local;

  PetscFunctionBegin;
  if (kinds == MU_PART_ALL) {
    *name = "splitting";
    *why = "the geometry has a transport and a reaction part";
    PetscFunctionReturn(0);
  }
  if (kinds == MU_PART_TRANSPORT) {
    PetscCall(MuGeometryTransportIsLocal(flow->geometry, &local));
    *name = local ? "implicit_euler" : "discrete_gradient";
    *why = local
               ? "pure transport: positive, conservative and dissipative for any step"
               : "the transport is nonlocal: the balance of energy and dissipation is kept exactly";
    PetscFunctionReturn(0);
  }
  PetscCall(MuClosedFormExists(flow, &closed));
  PetscCall(MuGeometryHasRelative(flow->geometry, &relative));
  if (closed) {
    *name = "closed_form";
    *why = "the reaction part has an exact solution for this energy";
  } else if (relative) {
    *name = "log_density";
    *why = "reaction without a closed form: positive by construction";
  } else {
    *name = "discrete_gradient";
    *why = "the reaction part acts where the density vanishes, so its logarithm is no unknown";
  }
  PetscFunctionReturn(0);
}
