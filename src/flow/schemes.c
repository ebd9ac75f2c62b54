/* The table of time integrators, and how `auto` chooses among them. */
#include "flow/flow_impl.h"

#include <stdio.h>
#include <string.h>

static const MuIntegratorOps *const schemes[] = {
    &MuImplicitEulerOps, &MuClosedFormOps,   &MuLogDensityOps,
    &MuSplittingOps,     &MuSplittingLieOps, &MuDiscreteGradientOps,
    &MuExtrapolationOps, &MuRungeKuttaOps,   &MuProximalOps,
};
#define AUTO "auto"
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

PetscErrorCode MuSchemeGetTableRow(PetscInt i, const char **name, const char **formula) {
  PetscFunctionBegin;
  *name = *formula = NULL;
  if (i < SCHEMES) {
    *name = schemes[i]->name;
    *formula = schemes[i]->formula;
  } else if (i == SCHEMES) {
    *name = AUTO;
    *formula =
        "closed_form, log_density, implicit_euler, splitting or discrete_gradient, whichever "
        "fits the pair; for transport where a tolerance is given and no step extrapolation, or "
        "runge_kutta if it is nonlocal and not stiff; the run says which and why";
  }
  PetscFunctionReturn(0);
}

/* Other words for schemes. */
static const struct {
  const char *word;
  const MuIntegratorOps *ops;
} aliases[] = {{"strang", &MuSplittingOps}, {"lie", &MuSplittingLieOps}, {AUTO, NULL}};

PetscErrorCode MuSchemeFind(const char *name, const MuIntegratorOps **ops) {
  char known[256] = AUTO;

  PetscFunctionBegin;
  *ops = NULL;
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; ++i)
    if (!strcmp(name, aliases[i].word)) {
      *ops = aliases[i].ops;
      PetscFunctionReturn(0);
    }
  for (PetscInt i = 0; i < SCHEMES; ++i) {
    const size_t used = strlen(known);
    if (!strcmp(name, schemes[i]->name)) *ops = schemes[i];
    snprintf(known + used, sizeof known - used, "%s%s", i < SCHEMES - 1 ? ", " : " and ",
             schemes[i]->name);
  }
  if (!*ops)
    return MuError(MU_ERR_INPUT, "time_scheme: \"%s\" is unknown; allowed are %s", name, known);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowChooseScheme(MuFlow flow, PetscInt kinds, const MuIntegratorOps **ops,
                                  const char **why) {
  PetscBool local;

  PetscFunctionBegin;
  if (kinds == MU_PART_ALL) {
    *ops = &MuSplittingOps;
    *why = "the geometry has a transport and a reaction part";
    PetscFunctionReturn(0);
  }
  if (kinds == MU_PART_TRANSPORT) {
    PetscCall(MuGeometryTransportIsLocal(flow->geometry, &local));
    *ops = local ? &MuImplicitEulerOps : &MuDiscreteGradientOps;
    *why = local
               ? "pure transport: positive, conservative and dissipative for any step"
               : "the transport is nonlocal: the balance of energy and dissipation is kept exactly";
    PetscFunctionReturn(0);
  }
  PetscCall(MuFlowChooseReaction(flow, ops, why));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowChooseByTolerance(MuFlow flow, PetscInt kinds, const MuIntegratorOps **ops,
                                       const char **why) {
  const MuIntegratorOps *reaction;
  const char *chosen;
  PetscBool local, explicit_steps;

  PetscFunctionBegin;
  *ops = NULL;
  *why = "";
  if (!(kinds & MU_PART_TRANSPORT)) PetscFunctionReturn(0);
  if (kinds & MU_PART_REACTION) {
    PetscCall(MuFlowChooseReaction(flow, &reaction, &chosen));
    if (reaction->may_be_negative) {
      *why = "this reaction has no positive substep to extrapolate";
      PetscFunctionReturn(0);
    }
  }
  *ops = &MuExtrapolationOps;
  *why = "transport to a tolerance";
  PetscCall(MuGeometryTransportIsLocal(flow->geometry, &local));
  if (local) PetscFunctionReturn(0);
  PetscCall(MuRungeKuttaSuits(flow, kinds, flow->rho, &explicit_steps, flow->stiffness));
  if (explicit_steps) *ops = &MuRungeKuttaOps;
  *why = flow->stiffness;
  PetscFunctionReturn(0);
}
