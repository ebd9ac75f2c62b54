/* Steps of reactions by their exact solutions, which facts/ knows; here they are evaluated. */
#include "facts/facts.h"
#include "flow/flow_impl.h"
#include "grid/arrays.h"

#include <math.h>

typedef struct {
  MuExactStep step;
  PetscReal rate; /* of the step; LOGARITHMIC: times D */
  PetscReal diffusivity;
  Vec potential; /* LOGARITHMIC: V */
  Vec log_target;
  Vec target; /* LINEAR: pi */
} ClosedForm;

static PetscErrorCode recognise(MuFlow flow, PetscInt part, PetscInt term, ClosedForm *c) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuSystem system;
  PetscBool only;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  PetscCall(MuEnergyGetSpec(flow->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  system.unequal = flow->unequal;
  MuFactsExactStep(&system, part, term, &c->step);
  c->rate = c->step.rate;
  PetscCall(MuEnergyLogarithmicPart(flow->energy, &c->diffusivity, NULL, &only));
  if (c->step.form == MU_FORM_LOGARITHMIC) c->rate *= c->diffusivity;
  PetscFunctionReturn(0);
}

PetscErrorCode MuClosedFormExists(MuFlow flow, PetscBool *exists) {
  ClosedForm c;

  PetscFunctionBegin;
  PetscCall(recognise(flow, MU_WHOLE, MU_WHOLE, &c));
  *exists = (PetscBool)(c.step.form != MU_FORM_NONE);
  PetscFunctionReturn(0);
}

static PetscErrorCode closed_form_create(MuIntegrator it) {
  MuFlow flow = it->flow;
  ClosedForm *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  it->data = c;
  PetscCall(recognise(flow, it->part, it->term, c));
  if (c->step.form == MU_FORM_NONE)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: closed_form needs a single reaction part with an exact solution "
                   "(fisher_rao with kl, entropy, potential or one power energy; mmd with mmd of "
                   "the same kernel; power_mobility 0 with l2); use auto");
  if (it->kinds & MU_PART_TRANSPORT)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: closed_form does not solve transport; use splitting or auto");
  PetscCall(MuEnergyGetLogTarget(flow->energy, &c->log_target));
  if (c->step.form == MU_FORM_LOGARITHMIC) {
    PetscReal d;
    PetscBool only;
    PetscCall(MuGridCreateField(flow->grid, &c->potential));
    PetscCall(MuEnergyLogarithmicPart(flow->energy, &d, c->potential, &only));
  }
  if (c->step.form == MU_FORM_LINEAR) {
    PetscReal *x;
    PetscCall(VecDuplicate(c->log_target, &c->target));
    PetscCall(VecCopy(c->log_target, c->target));
    PetscCall(VecGetArray(c->target, &x));
    MuArrayExp(flow->info->local_size, x, x);
    PetscCall(VecRestoreArray(c->target, &x));
    PetscCall(MuGridApplyMask(flow->grid, c->target));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode closed_form_destroy(MuIntegrator it) {
  ClosedForm *c = it->data;

  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&c->potential));
  PetscCall(VecDestroy(&c->target));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* log rho_t = keep log rho_0 - shift V; cells that are empty stay empty. */
static PetscErrorCode advance_logarithmic(MuFlow flow, const ClosedForm *c, PetscReal dt, Vec rho) {
  const PetscInt n = flow->info->local_size;
  const unsigned char *inside = flow->info->mask;
  const PetscReal keep = exp(-c->rate * dt);
  const PetscReal shift =
      c->rate > 0 ? -expm1(-c->rate * dt) / c->diffusivity : c->step.weight * dt;
  const PetscReal *v;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(c->potential, &v));
  PetscCall(VecGetArray(rho, &x));
  MuArrayLog(n, x, x);
  for (PetscInt i = 0; i < n; ++i)
    x[i] = inside[i] && x[i] > -INFINITY ? keep * x[i] - shift * v[i] : -INFINITY;
  MuArrayExp(n, x, x);
  PetscCall(VecRestoreArray(rho, &x));
  PetscCall(VecRestoreArrayRead(c->potential, &v));
  PetscFunctionReturn(0);
}

/* log s_t = log(1 + (s_0^(1-p) - 1) e^(-tau))/(1-p), in logarithms so that neither s nor pi
 * overflows. */
static PetscErrorCode advance_power(MuFlow flow, const ClosedForm *c, PetscReal dt, Vec rho) {
  const PetscReal keep = exp(-c->rate * dt), q = 1 - c->step.exponent;
  const PetscReal *log_pi;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(c->log_target, &log_pi));
  PetscCall(VecGetArray(rho, &x));
  for (PetscInt i = 0; i < flow->info->local_size; ++i) {
    if (!flow->info->mask[i] || log_pi[i] == -INFINITY) continue;
    PetscReal y = q * (log(x[i]) - log_pi[i]); /* log s_0^(1-p) */
    PetscReal log_y =
        y > 30 ? y - c->rate * dt + log1p(expm1(c->rate * dt) * exp(-y)) : log1p(expm1(y) * keep);
    x[i] = exp(log_pi[i] + log_y / q);
  }
  PetscCall(VecRestoreArray(rho, &x));
  PetscCall(VecRestoreArrayRead(c->log_target, &log_pi));
  PetscFunctionReturn(0);
}

static PetscErrorCode closed_form_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                          MuStepOutcome *outcome) {
  ClosedForm *c = it->data;
  MuFlow flow = it->flow;
  PetscReal before = 0, after = 0;

  PetscFunctionBegin;
  *outcome = MU_STEP_OK;
  if (c->step.form == MU_FORM_LINEAR) {
    PetscReal decay = exp(-c->rate * dt);
    PetscBool known; /* DF of the quadratic energies is linear in rho - pi, so it decays alike */
    PetscCall(MuFlowKnowsDerivative(flow, rho, &known));
    PetscCall(VecAXPBY(rho, -expm1(-c->rate * dt), decay, c->target));
    if (known && c->step.quadratic) PetscCall(MuFlowScaleDerivative(flow, rho, decay));
    PetscFunctionReturn(0);
  }
  if (c->step.normalise) PetscCall(MuGridIntegrate(flow->grid, rho, &before));
  if (c->step.form == MU_FORM_LOGARITHMIC)
    PetscCall(advance_logarithmic(flow, c, dt, rho));
  else
    PetscCall(advance_power(flow, c, dt, rho));
  if (!c->step.normalise) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(flow->grid, rho, &after));
  if (!(after > 0) || PetscIsInfOrNanReal(after))
    *outcome = MU_STEP_NOT_FINITE;
  else
    PetscCall(VecScale(rho, before / after));
  PetscFunctionReturn(0);
}

const MuIntegratorOps MuClosedFormOps = {
    .name = "closed_form",
    .formula = "the exact solution: rho0^(e^-t) pi^(1-e^-t), pi + e^-t (rho0 - pi), "
               "pi (1 + (s0^(1-p) - 1) e^-t)^(1/(1-p))",
    .order = 8, /* exact; the step-doubling error is rounding */
    .create = closed_form_create,
    .advance = closed_form_advance,
    .destroy = closed_form_destroy,
};

PetscErrorCode MuClosedFormPieceCreate(MuFlow flow, PetscInt part, PetscInt term,
                                       MuIntegrator *integrator) {
  MuIntegrator it;
  ClosedForm c;

  PetscFunctionBegin;
  *integrator = NULL;
  PetscCall(recognise(flow, part, term, &c));
  if (c.step.form == MU_FORM_NONE) PetscFunctionReturn(0);
  PetscCall(PetscNew(&it));
  *it = (struct _p_MuIntegrator){.ops = &MuClosedFormOps,
                                 .flow = flow,
                                 .kinds = MU_PART_REACTION,
                                 .order = MuClosedFormOps.order,
                                 .part = part,
                                 .term = term};
  *integrator = it;
  PetscCall(closed_form_create(it));
  PetscFunctionReturn(0);
}
