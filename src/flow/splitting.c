/* Splitting: Lie and Strang compositions of flows that are simpler than the whole.

   A geometry with a transport and a reaction part is split between the two, each with the whole
   energy and by the scheme that `auto` takes for it: Lie is transport, then reaction (the JKO
   splitting of the IFT paper, Gladin et al. 2024), Strang reaction for dt/2, transport for dt,
   reaction for dt/2. Strang is of order 2 where its parts are; implicit Euler transport is of
   order 1. A geometry without transport is split into (part, energy term) pieces that each have a
   closed form, such as fisher_rao of kl + chi2: exact parts, so that Lie shows order 1 and Strang
   order 2. */
#include "flow/flow_impl.h"

enum { MAX_PIECES = 2 * MU_MAX_TERMS };

typedef struct {
  PetscInt count;
  MuIntegrator piece[MAX_PIECES]; /* in the order of Lie; Strang puts the last in the middle */
} Splitting;

static PetscErrorCode create_transport_and_reaction(MuIntegrator it, PetscBool transport_first) {
  Splitting *s = it->data;
  const MuIntegratorOps *ops;
  const char *why;
  PetscInt t = transport_first ? 0 : 1;

  PetscFunctionBegin;
  s->count = 2;
  PetscCall(MuIntegratorCreate(it->flow, &MuSplitTransportOps, MU_PART_TRANSPORT, it->tolerance,
                               &s->piece[t]));
  PetscCall(MuFlowChooseReaction(it->flow, &ops, &why));
  PetscCall(MuIntegratorCreate(it->flow, ops, MU_PART_REACTION, it->tolerance, &s->piece[1 - t]));
  it->order = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode add_piece(MuIntegrator it, PetscInt part, PetscInt term) {
  Splitting *s = it->data;

  PetscFunctionBegin;
  PetscCall(MuClosedFormPieceCreate(it->flow, part, term, &s->piece[s->count]));
  if (!s->piece[s->count])
    return MuError(MU_ERR_INPUT,
                   "time_scheme: %s of a geometry without transport needs a closed form for every "
                   "part and energy term; use log_density, discrete_gradient or auto",
                   it->ops->name);
  s->count++;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_pieces(MuIntegrator it) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuTermTraits term;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(it->flow->geometry, &g));
  PetscCall(MuEnergyGetSpec(it->flow->energy, &e));
  if (g->spherical && g->parts > 1)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: %s cannot split the spherical sum of %d reaction parts; use "
                   "log_density, discrete_gradient or auto",
                   it->ops->name, (int)g->parts);
  for (PetscInt p = 0; p < g->parts; ++p) {
    PetscBool logarithmic = PETSC_FALSE;
    for (PetscInt k = 0; k < e->terms; ++k) {
      PetscCall(MuEnergyGetTraits(e, k, &term));
      if (term.logarithmic || term.linear)
        logarithmic = PETSC_TRUE;
      else
        PetscCall(add_piece(it, p, k));
    }
    if (logarithmic) PetscCall(add_piece(it, p, MU_LOGARITHMIC_TERMS));
  }
  it->order = it->ops->order;
  PetscFunctionReturn(0);
}

static PetscErrorCode splitting_create(MuIntegrator it) {
  Splitting *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  it->data = s;
  if (it->kinds == MU_PART_TRANSPORT)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: %s has nothing to split in a pure transport geometry; use "
                   "implicit_euler, discrete_gradient or auto",
                   it->ops->name);
  if (it->kinds == MU_PART_REACTION)
    PetscCall(create_pieces(it));
  else
    PetscCall(create_transport_and_reaction(it, (PetscBool)(it->ops == &MuSplittingLieOps)));
  PetscFunctionReturn(0);
}

static PetscErrorCode splitting_destroy(MuIntegrator it) {
  Splitting *s = it->data;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < MAX_PIECES; ++k) PetscCall(MuIntegratorDestroy(&s->piece[k]));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode splitting_remember(MuIntegrator it, MuMemory *memory) {
  Splitting *s = it->data;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->count; ++k) PetscCall(MuIntegratorRemember(s->piece[k], memory));
  PetscFunctionReturn(0);
}

static PetscErrorCode splitting_recall(MuIntegrator it, MuMemory *memory) {
  Splitting *s = it->data;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->count; ++k) PetscCall(MuIntegratorRecall(s->piece[k], memory));
  PetscFunctionReturn(0);
}

static PetscErrorCode substep(MuIntegrator it, PetscReal dt, Vec rho, MuStepOutcome *outcome) {
  PetscFunctionBegin;
  if (*outcome == MU_STEP_OK) PetscCall(it->ops->advance(it, dt, rho, outcome));
  PetscFunctionReturn(0);
}

static PetscErrorCode lie_advance(MuIntegrator it, PetscReal dt, Vec rho, MuStepOutcome *outcome) {
  Splitting *s = it->data;

  PetscFunctionBegin;
  *outcome = MU_STEP_OK;
  for (PetscInt k = 0; k < s->count; ++k) PetscCall(substep(s->piece[k], dt, rho, outcome));
  PetscFunctionReturn(0);
}

static PetscErrorCode strang_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                     MuStepOutcome *outcome) {
  Splitting *s = it->data;
  const PetscInt middle = s->count - 1;

  PetscFunctionBegin;
  *outcome = MU_STEP_OK;
  for (PetscInt k = 0; k < middle; ++k) PetscCall(substep(s->piece[k], dt / 2, rho, outcome));
  PetscCall(substep(s->piece[middle], dt, rho, outcome));
  for (PetscInt k = middle; k-- > 0;) PetscCall(substep(s->piece[k], dt / 2, rho, outcome));
  PetscFunctionReturn(0);
}

static PetscErrorCode splitting_describe(MuIntegrator it, char *text, size_t length) {
  Splitting *s = it->data;
  char part[256];
  size_t used;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(text, "; parts", length));
  for (PetscInt k = 0; k < s->count; ++k) {
    part[0] = 0;
    if (s->piece[k]->ops->describe)
      PetscCall(s->piece[k]->ops->describe(s->piece[k], part, sizeof part));
    PetscCall(PetscStrlen(text, &used));
    PetscCall(PetscSNPrintf(text + used, length - used, "%s %s%s", k ? "," : "",
                            s->piece[k]->ops->name, part));
  }
  PetscFunctionReturn(0);
}

const MuIntegratorOps MuSplittingOps = {
    .name = "splitting",
    .formula = "Strang: reaction dt/2, transport dt, reaction dt/2; order 2 where its parts are "
               "(implicit Euler transport is of order 1)",
    .order = 2,
    .create = splitting_create,
    .advance = strang_advance,
    .destroy = splitting_destroy,
    .remember = splitting_remember,
    .recall = splitting_recall,
    .describe = splitting_describe,
};

const MuIntegratorOps MuSplittingLieOps = {
    .name = "splitting_lie",
    .formula = "Lie: transport dt, then reaction dt (the JKO splitting of interaction-force "
               "transport), order 1",
    .order = 1,
    .create = splitting_create,
    .advance = lie_advance,
    .destroy = splitting_destroy,
    .remember = splitting_remember,
    .recall = splitting_recall,
    .describe = splitting_describe,
};
