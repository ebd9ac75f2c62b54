/* Every energy there is. A new one: its own file and a line here. */
#include "energy/energy_impl.h"

static const MuTermOps *table[64] = {
    &MuTermKL,          &MuTermInclusiveKL, &MuTermHellinger,    &MuTermChi2,     &MuTermPower,
    &MuTermMmd,         &MuTermL2,          &MuTermPotential,    &MuTermEntropy,  &MuTermInternal,
    &MuTermInteraction, &MuTermBlobEntropy, &MuTermBlobInternal, &MuTermBlobChi2, &MuTermNpmle,
    &MuTermKsd,         &MuTermMoreau,      &MuTermKale,         &MuTermDrMmd,
};
enum { MOST = sizeof table / sizeof *table };

const MuTermOps *MuTermRow(PetscInt i) {
  return i >= 0 && i < MOST ? table[i] : NULL;
}

const MuTermOps *MuTermFind(const char *name) {
  for (PetscInt k = 0; k < MOST && table[k]; ++k)
    if (!strcmp(name, table[k]->name)) return table[k];
  return NULL;
}

PetscErrorCode MuEnergyRegister(const MuTermOps *ops) {
  PetscInt k = 0;

  PetscFunctionBegin;
  PetscCall(MuRegisterCheckName("energy", ops->name, ops->formula));
  while (k < MOST && table[k]) ++k;
  if (MuTermFind(ops->name))
    return MuError(MU_ERR_INPUT, "energy: there is a %s already; take another name", ops->name);
  if (k == MOST) return MuError(MU_ERR_INPUT, "energy: at most %d names are allowed", MOST);
  table[k] = ops;
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyGetLimit(const MuSummand *term, const char *parameters, PetscBool rises,
                                MuLimit *limit) {
  const MuTermOps *ops = MuTermFind(term->name);
  *limit = (MuLimit){.name = NULL};
  for (const MuTermLimit *row = ops ? ops->limits : NULL; row && row->parameters; ++row) {
    if (strcmp(row->parameters, parameters) != 0 || row->rises != rises) continue;
    if (row->applies && !row->applies(term->value)) continue;
    *limit = (MuLimit){
        .name = row->to->name, .factor = row->factor != 0 ? row->factor : 1, .order = row->order};
  }
  return 0;
}

PetscErrorCode MuEnergyGetTableRow(PetscInt i, const char **name, const char **formula) {
  const MuTermOps *ops = MuTermRow(i);
  *name = ops ? ops->name : NULL;
  *formula = ops ? ops->formula : NULL;
  return 0;
}

PetscErrorCode MuEnergyGetInfo(PetscInt i, MuSummandInfo *info) {
  const MuTermOps *ops = MuTermRow(i);
  *info = (MuSummandInfo){0};
  if (ops)
    *info = (MuSummandInfo){.name = ops->name,
                            .formula = ops->formula,
                            .parameters = ops->parameters,
                            .needs_kernel = (PetscBool)((ops->needs & MU_NEEDS_KERNEL) != 0),
                            .needs_target = (PetscBool)((ops->needs & MU_NEEDS_TARGET) != 0),
                            .any_sign = ops->any_sign,
                            .function_key = ops->function_key,
                            .function_doc = ops->function_doc};
  return 0;
}

static void describe(const MuTermOps *ops, const PetscReal value[], MuTermTraits *t) {
  const PetscReal p = t->power = ops->power ? ops->power(value) : NAN;
  const PetscReal m = t->density_power = ops->density_power ? ops->density_power(value) : NAN;
  t->logarithmic = (PetscBool)(ops->kind == MU_TERM_LOGARITHMIC);
  t->linear = (PetscBool)(ops->kind == MU_TERM_POTENTIAL);
  t->local = (PetscBool)(ops->kind == MU_TERM_LOGARITHMIC || ops->kind == MU_TERM_RELATIVE ||
                         ops->kind == MU_TERM_LOCAL);
  t->kernel_square = ops->kernel_square;
  t->flat_square = ops->flat_square;
  t->convex = (PetscBool)(ops->convex || t->linear || !isnan(p) || m >= 0);
  t->infinite_off_support = (PetscBool)(p >= 1);
  t->singular_at_zero = (PetscBool)(p <= 1 || m <= 1);
  t->stolarsky = ops->stolarsky ? ops->stolarsky(value) : 0;
}

MuEnergyForm MuEnergyGetForm(const char *name, const PetscReal value[MU_MAX_PARAMETERS],
                             PetscReal *p) {
  const MuTermOps *ops = MuTermFind(name);

  *p = 0;
  if (!ops) return MU_FORM_OTHER;
  if (ops->power) {
    *p = ops->power(value);
    return MU_FORM_RELATIVE;
  }
  if (ops->density_power && ops->density_power(value) == 1) return MU_FORM_ENTROPY;
  if (ops->form == MU_FORM_BLOB_POWER) *p = value[0];
  return ops->kernel_square ? MU_FORM_MMD : ops->form;
}

MuEnvelope MuEnergyGetEnvelope(const char *name, const PetscReal value[MU_MAX_PARAMETERS]) {
  const MuTermOps *ops = MuTermFind(name);
  return ops && ops->envelope ? ops->envelope(value) : (MuEnvelope){NAN, NAN, NAN};
}

PetscErrorCode MuEnergyGetTraits(const MuEnergySpec *spec, PetscInt k, MuTermTraits *traits) {
  const MuSummand *term = &spec->term[k];
  const MuTermOps *ops = MuTermFind(term->name);
  PetscReal value[MU_MAX_PARAMETERS];

  PetscFunctionBegin;
  if (!ops) return MuError(MU_ERR_INPUT, "energy: there is no energy `%s`", term->name);
  PetscCall(PetscArraycpy(value, term->value, MU_MAX_PARAMETERS));
  PetscCall(MuParametersCheck(ops->parameters, "energy", ops->name, value));
  *traits = (MuTermTraits){.weight = term->weight};
  describe(ops, value, traits);
  if (ops->needs & MU_NEEDS_KERNEL) traits->kernel = term->kernel ? term->kernel : spec->kernel;
  PetscFunctionReturn(0);
}
