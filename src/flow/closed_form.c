/* Exact solutions of reaction flows (theory: section 5, items 1-3).

   With tau = dt * (geometry weight) * (energy weight):
     fisher_rao, DF = D log rho + V    log rho_t = e^(-gD dt) log rho_0 - (1 - e^(-gD dt)) V/D
   (spherical: normalised) fisher_rao, power p != 1          s_t = (1 + (s_0^(1-p) - 1)
   e^(-tau))^(1/(1-p)) fisher_rao + inclusive_kl, mmd + mmd with the same kernel, power_mobility 0 +
   l2 rho_t = pi + e^(-tau) (rho_0 - pi) The last three conserve the mass if rho_0 and pi have the
   same, so that `spherical` changes nothing. Sources: Zhu and Mielke (2024), Gladin et al. (2024).
 */
#include "flow/flow_impl.h"
#include "grid/arrays.h"

#include <math.h>

typedef enum { FORM_NONE, FORM_LOGARITHMIC, FORM_POWER, FORM_LINEAR } Form;

typedef struct {
  Form form;
  PetscReal rate;   /* geometry weight * energy weight (LOGARITHMIC: geometry weight * D) */
  PetscReal weight; /* geometry weight */
  PetscReal diffusivity;
  PetscReal exponent; /* p of POWER */
  PetscBool normalise;
  PetscBool quadratic; /* LINEAR: of mmd or l2 alone */
  Vec potential;       /* LOGARITHMIC: V */
  Vec log_target;
  Vec target; /* LINEAR: pi */
} ClosedForm;

/* The part to advance: the given one, or the only one of the reaction part; -1 if there are
 * several. */
static PetscErrorCode find_part(const MuGeometrySpec *g, PetscInt *part) {
  MuPartTraits t;
  PetscInt found = -1;

  PetscFunctionBegin;
  if (*part != MU_WHOLE) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &t));
    if (t.kind != MU_PART_REACTION) continue;
    *part = found = found == -1 ? k : -2;
  }
  if (found < 0) *part = -2;
  PetscFunctionReturn(0);
}

/* Pairs whose exact solution is rho_t = pi + e^(-tau) (rho_0 - pi). */
static PetscBool is_linear(const MuPartTraits *part, const MuTermTraits *term) {
  if (part->inverts_kernel)
    return (PetscBool)(part->ridge == 0 && term->kernel_square &&
                       MuKernelsAgree(part->kernel, term->kernel));
  return (PetscBool)((part->power == 0 && term->flat_square) ||
                     (part->power == 1 && term->power == 0));
}

static PetscErrorCode recognise(MuFlow flow, PetscInt part, PetscInt term, ClosedForm *c) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuPartTraits p;
  MuTermTraits t;
  PetscBool only;

  PetscFunctionBegin;
  c->form = FORM_NONE;
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  PetscCall(MuEnergyGetSpec(flow->energy, &e));
  PetscCall(find_part(g, &part));
  if (part < 0) PetscFunctionReturn(0);
  PetscCall(MuGeometryGetTraits(g, part, &p));
  c->weight = p.weight;
  c->normalise = g->spherical;
  PetscCall(MuEnergyLogarithmicPart(flow->energy, &c->diffusivity, NULL, &only));
  if (term == MU_LOGARITHMIC_TERMS || (term == MU_WHOLE && only)) {
    if (p.power != 1) PetscFunctionReturn(0);
    c->form = FORM_LOGARITHMIC;
    c->rate = c->weight * c->diffusivity;
    PetscFunctionReturn(0);
  }
  if (term == MU_WHOLE && e->terms != 1) PetscFunctionReturn(0);
  if (term == MU_WHOLE) term = 0;
  PetscCall(MuEnergyGetTraits(e, term, &t));
  c->rate = c->weight * t.weight;
  if (is_linear(&p, &t)) {
    c->form = FORM_LINEAR;
    c->quadratic = (PetscBool)(e->terms == 1 && (t.kernel_square || t.flat_square));
  } else if (p.power == 1 && !g->spherical && !isnan(t.power) && t.power != 1) {
    c->form = FORM_POWER;
    c->exponent = t.power;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuClosedFormExists(MuFlow flow, PetscBool *exists) {
  ClosedForm c;

  PetscFunctionBegin;
  PetscCall(recognise(flow, MU_WHOLE, MU_WHOLE, &c));
  *exists = (PetscBool)(c.form != FORM_NONE);
  PetscFunctionReturn(0);
}

static PetscErrorCode closed_form_create(MuIntegrator it) {
  MuFlow flow = it->flow;
  ClosedForm *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  it->data = c;
  PetscCall(recognise(flow, it->part, it->term, c));
  if (c->form == FORM_NONE)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: closed_form needs a single reaction part with an exact solution "
                   "(fisher_rao with kl, entropy, potential or one power energy; mmd with mmd of "
                   "the same kernel; power_mobility 0 with l2); use auto");
  if (it->kinds & MU_PART_TRANSPORT)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: closed_form does not solve transport; use splitting or auto");
  PetscCall(MuEnergyGetLogTarget(flow->energy, &c->log_target));
  if (c->form == FORM_LOGARITHMIC) {
    PetscReal d;
    PetscBool only;
    PetscCall(MuGridCreateField(flow->grid, &c->potential));
    PetscCall(MuEnergyLogarithmicPart(flow->energy, &d, c->potential, &only));
  }
  if (c->form == FORM_LINEAR) {
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
  const PetscReal shift = c->rate > 0 ? -expm1(-c->rate * dt) / c->diffusivity : c->weight * dt;
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
  const PetscReal keep = exp(-c->rate * dt), q = 1 - c->exponent;
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
  if (c->form == FORM_LINEAR) {
    PetscReal decay = exp(-c->rate * dt);
    PetscBool known; /* DF of the quadratic energies is linear in rho - pi, so it decays alike */
    PetscCall(MuFlowKnowsDerivative(flow, rho, &known));
    PetscCall(VecAXPBY(rho, -expm1(-c->rate * dt), decay, c->target));
    if (known && c->quadratic) PetscCall(MuFlowScaleDerivative(flow, rho, decay));
    PetscFunctionReturn(0);
  }
  if (c->normalise) PetscCall(MuGridIntegrate(flow->grid, rho, &before));
  if (c->form == FORM_LOGARITHMIC)
    PetscCall(advance_logarithmic(flow, c, dt, rho));
  else
    PetscCall(advance_power(flow, c, dt, rho));
  if (!c->normalise) PetscFunctionReturn(0);
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
  if (c.form == FORM_NONE) PetscFunctionReturn(0);
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
