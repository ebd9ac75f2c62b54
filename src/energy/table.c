/* Every energy there is. */
#include "energy/energy_impl.h"

#include <string.h>

extern const MuTermOps MuTermKL, MuTermInclusiveKL, MuTermHellinger, MuTermChi2, MuTermPower,
    MuTermMmd, MuTermL2, MuTermPotential, MuTermEntropy, MuTermInternal, MuTermInteraction,
    MuTermBlobEntropy;

const MuTermOps *const MuTermTable[] = {
    &MuTermKL,      &MuTermInclusiveKL, &MuTermHellinger,   &MuTermChi2,
    &MuTermPower,   &MuTermMmd,         &MuTermL2,          &MuTermPotential,
    &MuTermEntropy, &MuTermInternal,    &MuTermInteraction, &MuTermBlobEntropy,
};
const PetscInt MuTermTableSize = sizeof MuTermTable / sizeof MuTermTable[0];

PetscErrorCode MuEnergyGetLimit(const char *name, MuLimit *limit) {
  *limit = (MuLimit){.name = NULL};
  for (PetscInt i = 0; i < MuTermTableSize; ++i)
    if (!strcmp(MuTermTable[i]->name, name)) *limit = MuTermTable[i]->limit;
  return 0;
}

PetscErrorCode MuEnergyGetTableRow(PetscInt i, const char **name, const char **formula) {
  const PetscBool there = (PetscBool)(i >= 0 && i < MuTermTableSize);
  *name = there ? MuTermTable[i]->name : NULL;
  *formula = there ? MuTermTable[i]->formula : NULL;
  return 0;
}

PetscErrorCode MuEnergyGetInfo(PetscInt i, MuSummandInfo *info) {
  PetscFunctionBegin;
  *info = (MuSummandInfo){0};
  PetscCall(MuEnergyGetTableRow(i, &info->name, &info->formula));
  if (!info->name) PetscFunctionReturn(0);
  info->parameters = MuTermTable[i]->parameters;
  info->needs_kernel = (PetscBool)((MuTermTable[i]->needs & MU_NEEDS_KERNEL) != 0);
  info->needs_target = (PetscBool)((MuTermTable[i]->needs & MU_NEEDS_TARGET) != 0);
  info->any_sign = MuTermTable[i]->any_sign;
  info->function_key = MuTermTable[i]->function_key;
  info->function_doc = MuTermTable[i]->function_doc;
  PetscFunctionReturn(0);
}
