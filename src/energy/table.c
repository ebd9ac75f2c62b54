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
