/* The error in time of a run, as the difference to a run at a tenth of the tolerance: what the
   estimates of the steps add up to is known to be far too large. */
#include "run/verify.h"

struct _p_MuVerification {
  MuProblem problem;
  MuFlow flow;
  PetscReal largest, last;
};

static PetscErrorCode check(const MuFlowSpec *spec, MuFlow flow) {
  const char *name;
  PetscBool leaps;

  PetscFunctionBegin;
  PetscCall(MuFlowGetScheme(flow, &name, NULL, NULL));
  PetscCall(MuFlowLeaps(flow, &leaps));
  if (!leaps)
    return MuError(
        MU_ERR_INPUT,
        "time_verify: %s has no tolerance to be made smaller; it goes with extrapolation, "
        "time_tolerance without time_step",
        name);
  if (spec->tolerance / 10 < MU_LEAST_TOLERANCE)
    return MuError(MU_ERR_INPUT, "time_verify: a tenth of time_tolerance %g is below %g",
                   spec->tolerance, MU_LEAST_TOLERANCE);
  PetscFunctionReturn(0);
}

PetscErrorCode MuVerificationCreate(MuCase c, MuFlow flow, MuVerification *verification) {
  const MuProblemParts *p;
  MuVerification v;
  MuFlowSpec spec;
  PetscBool wanted = PETSC_FALSE, given;

  PetscFunctionBegin;
  *verification = NULL;
  PetscCall(MuCaseGetBool(c, "time_verify", &wanted, &given));
  if (!wanted) PetscFunctionReturn(0);
  PetscCall(PetscNew(&v));
  *verification = v;
  PetscCall(MuProblemCreate(c, &v->problem));
  PetscCall(MuProblemGetParts(v->problem, &p));
  PetscCall(check(&p->flow, flow));
  spec = p->flow;
  spec.tolerance /= 10;
  PetscCall(MuFlowCreate(p->grid, p->energy, p->geometry, p->initial, &spec, &v->flow));
  PetscFunctionReturn(0);
}

PetscErrorCode MuVerificationDestroy(MuVerification *verification) {
  MuVerification v = *verification;

  PetscFunctionBegin;
  *verification = NULL;
  if (!v) PetscFunctionReturn(0);
  PetscCall(MuFlowDestroy(&v->flow));
  PetscCall(MuProblemDestroy(&v->problem));
  PetscCall(PetscFree(v));
  PetscFunctionReturn(0);
}

PetscErrorCode MuVerificationCompare(MuVerification v, PetscReal time, Vec density) {
  PetscReal distance, mass;
  MuGrid grid;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuFlowAdvance(v->flow, time));
  PetscCall(MuFlowGetState(v->flow, NULL, &rho));
  PetscCall(MuFlowGetParts(v->flow, &grid, NULL, NULL));
  PetscCall(MuGridDistanceL1(grid, rho, density, &distance));
  PetscCall(MuGridIntegrate(grid, rho, &mass));
  v->last = distance / mass;
  v->largest = PetscMax(v->largest, v->last);
  PetscFunctionReturn(0);
}

PetscErrorCode MuVerificationGet(MuVerification v, PetscReal *largest, PetscReal *last) {
  *largest = v->largest;
  *last = v->last;
  return 0;
}
