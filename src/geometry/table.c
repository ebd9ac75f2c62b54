/* Every Onsager operator there is. A new one: its own file and a line here. */
#include "geometry/geometry_impl.h"

#include <string.h>

const MuPartOps *const MuPartTable[] = {&MuPartFisherRao,
                                        &MuPartPowerMobility,
                                        &MuPartKernelFisherRao,
                                        &MuPartNormalizedKernelFisherRao,
                                        &MuPartRidgeFisherRao,
                                        &MuPartWasserstein,
                                        &MuPartWassersteinMobility,
                                        &MuPartStein,
                                        &MuPartRidgeStein,
                                        &MuPartMmd,
                                        &MuPartRidgeMobility,
                                        &MuPartWassersteinRidgeMobility,
                                        NULL};

const MuParameter MuPartExponent[] = {{.name = "exponent",
                                       .key = "mobility_exponent",
                                       .doc = "m, the exponent of the mobility",
                                       .low = 0,
                                       .high = PETSC_MAX_REAL,
                                       .required = PETSC_TRUE},
                                      {0}};
const MuParameter MuPartRidge[] = {{.name = "ridge",
                                    .key = "ridge",
                                    .doc = "lambda, the ridge",
                                    .low = 0,
                                    .high = PETSC_MAX_REAL,
                                    .above_low = PETSC_TRUE,
                                    .required = PETSC_TRUE},
                                   {0}};
const MuParameter MuPartOptionalRidge[] = {
    {.name = "ridge", .key = "ridge", .doc = "lambda, the ridge", .low = 0, .high = PETSC_MAX_REAL},
    {0}};

static const MuPartOps *find_part(const char *name) {
  for (PetscInt k = 0; MuPartTable[k]; ++k)
    if (!strcmp(name, MuPartTable[k]->name)) return MuPartTable[k];
  return NULL;
}

PetscErrorCode MuGeometryGetLimit(const char *name, const char *parameters, MuLimit *limit) {
  const MuPartOps *ops = find_part(name);
  *limit = (MuLimit){.name = NULL};
  for (const MuLimitRow *row = ops ? ops->limits : NULL; row && row->parameters; ++row)
    if (!strcmp(row->parameters, parameters)) *limit = row->limit;
  return 0;
}

PetscErrorCode MuGeometryGetKind(const char *name, MuPartKind *kind) {
  const MuPartOps *ops = find_part(name);
  if (ops) *kind = ops->kind;
  return 0;
}

PetscErrorCode MuGeometryGetTableRow(PetscInt i, const char **name, const char **formula) {
  const PetscInt rows = (PetscInt)(sizeof MuPartTable / sizeof *MuPartTable) - 1;
  const PetscBool there = (PetscBool)(i >= 0 && i < rows);
  *name = there ? MuPartTable[i]->name : NULL;
  *formula = there ? MuPartTable[i]->formula : NULL;
  return 0;
}

PetscErrorCode MuGeometryGetInfo(PetscInt i, MuSummandInfo *info) {
  PetscFunctionBegin;
  *info = (MuSummandInfo){0};
  PetscCall(MuGeometryGetTableRow(i, &info->name, &info->formula));
  if (!info->name) PetscFunctionReturn(0);
  info->parameters = MuPartTable[i]->parameters;
  info->needs_kernel = MuPartTable[i]->needs_kernel;
  PetscFunctionReturn(0);
}
