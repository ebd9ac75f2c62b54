/* Every Onsager operator there is. A new one: its own file and a line here. */
#include "geometry/geometry_impl.h"

static const MuPartOps *table[64] = {&MuPartFisherRao,           &MuPartPowerMobility,
                                     &MuPartKernelFisherRao,     &MuPartNormalizedKernelFisherRao,
                                     &MuPartRidgeFisherRao,      &MuPartWasserstein,
                                     &MuPartWassersteinMobility, &MuPartStein,
                                     &MuPartRidgeStein,          &MuPartMmd,
                                     &MuPartRidgeMobility,       &MuPartWassersteinRidgeMobility,
                                     &MuPartNormalizedMmd,       &MuPartFlatFisherRao,
                                     &MuPartFlatWasserstein,     &MuPartDeStein};
enum { MOST = sizeof table / sizeof *table };

const MuPartOps *MuPartRow(PetscInt i) {
  return i >= 0 && i < MOST ? table[i] : NULL;
}

const MuPartOps *MuPartFind(const char *name) {
  for (PetscInt k = 0; k < MOST && table[k]; ++k)
    if (!strcmp(name, table[k]->name)) return table[k];
  return NULL;
}

PetscErrorCode MuGeometryRegister(const MuPartOps *ops) {
  PetscInt k = 0;

  PetscFunctionBegin;
  PetscCall(MuRegisterCheckName("geometry", ops->name, ops->formula));
  while (k < MOST && table[k]) ++k;
  if (MuPartFind(ops->name))
    return MuError(MU_ERR_INPUT, "geometry: there is a %s already; take another name", ops->name);
  if (k == MOST) return MuError(MU_ERR_INPUT, "geometry: at most %d names are allowed", MOST);
  table[k] = ops;
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryGetLimit(const MuSummand *part, const char *parameters, MuLimit *limit) {
  const MuPartOps *ops = MuPartFind(part->name);
  *limit = (MuLimit){.name = NULL};
  for (const MuLimitRow *row = ops ? ops->limits : NULL; row && row->parameters; ++row) {
    if (strcmp(row->parameters, parameters) != 0) continue;
    *limit = (MuLimit){.name = row->to->name,
                       .factor = row->factor ? row->factor(part->value) : 1,
                       .order = row->order};
    memcpy(limit->set, row->set, sizeof limit->set);
  }
  return 0;
}

PetscErrorCode MuGeometryGetKind(const char *name, MuPartKind *kind) {
  const MuPartOps *ops = MuPartFind(name);
  if (ops) *kind = ops->kind;
  return 0;
}

PetscErrorCode MuGeometryGetTableRow(PetscInt i, const char **name, const char **formula) {
  const MuPartOps *ops = MuPartRow(i);
  *name = ops ? ops->name : NULL;
  *formula = ops ? ops->formula : NULL;
  return 0;
}

PetscErrorCode MuGeometryGetInfo(PetscInt i, MuSummandInfo *info) {
  const MuPartOps *ops = MuPartRow(i);
  *info = (MuSummandInfo){0};
  if (ops)
    *info = (MuSummandInfo){.name = ops->name,
                            .formula = ops->formula,
                            .parameters = ops->parameters,
                            .needs_kernel = ops->needs_kernel,
                            .function_key = ops->function_key,
                            .function_doc = ops->function_doc};
  return 0;
}

static void describe(const MuPartOps *ops, const PetscReal value[], MuPartTraits *t) {
  t->kind = ops->kind;
  t->local = (PetscBool)(ops->mobility_at || ops->multiplies);
  t->fixed = ops->multiplies;
  t->power = ops->power ? ops->power(value) : NAN;
  t->inverts_kernel = (PetscBool)(ops->inverse_ridge != NULL);
  t->needs_inverse = (PetscBool)(ops->check_invertible != NULL);
  t->regression = (PetscBool)(ops->regression_ridge != NULL);
  t->ridge = ops->inverse_ridge ? ops->inverse_ridge(value) : 0;
  if (ops->regression_ridge) t->ridge = ops->regression_ridge(value);
  t->vanishes = ops->mobility_at ? (PetscBool)(ops->mobility_at(0, value) == 0) : ops->vanishes;
  t->keeps_equal_mass = ops->keeps_equal_mass;
}

static MuOperator operator_of(const MuPartOps *ops, const PetscReal value[]) {
  if (ops->power && ops->power(value) == 1)
    return ops->kind == MU_PART_TRANSPORT ? MU_OPERATOR_TRANSPORT : MU_OPERATOR_GROWTH;
  if (ops->inverse_ridge) return MU_OPERATOR_KERNEL_INVERSE;
  return ops->smooths_flux ? MU_OPERATOR_KERNEL_TRANSPORT : MU_OPERATOR_OTHER;
}

MuOperator MuGeometryGetOperator(const char *name, const PetscReal value[MU_MAX_PARAMETERS]) {
  const MuPartOps *ops = MuPartFind(name);
  return ops ? operator_of(ops, value) : MU_OPERATOR_OTHER;
}

const char *MuGeometryNameOperator(MuOperator which) {
  PetscReal none[MU_MAX_PARAMETERS];
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) none[k] = NAN;
  for (PetscInt k = 0; k < MOST && table[k] && which != MU_OPERATOR_OTHER; ++k)
    if (operator_of(table[k], none) == which) return table[k]->name;
  return NULL;
}

PetscErrorCode MuGeometryGetTraits(const MuGeometrySpec *spec, PetscInt k, MuPartTraits *traits) {
  const MuSummand *part = &spec->part[k];
  const MuPartOps *ops = MuPartFind(part->name);
  PetscReal value[MU_MAX_PARAMETERS];

  PetscFunctionBegin;
  if (!ops) return MuError(MU_ERR_INPUT, "geometry: there is no %s", part->name);
  PetscCall(PetscArraycpy(value, part->value, MU_MAX_PARAMETERS));
  PetscCall(MuParametersCheck(ops->parameters, "geometry", ops->name, value));
  *traits = (MuPartTraits){.weight = part->weight};
  describe(ops, value, traits);
  if (ops->needs_kernel) traits->kernel = part->kernel ? part->kernel : spec->kernel;
  PetscFunctionReturn(0);
}
