/* Every Onsager operator there is. A new one: its own file and a line here. */
#include "geometry/geometry_impl.h"

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
                                        NULL};

PetscErrorCode MuGeometryGetTableRow(PetscInt i, const char **name, const char **formula) {
  const PetscInt rows = (PetscInt)(sizeof MuPartTable / sizeof *MuPartTable) - 1;
  const PetscBool there = (PetscBool)(i >= 0 && i < rows);
  *name = there ? MuPartTable[i]->name : NULL;
  *formula = there ? MuPartTable[i]->formula : NULL;
  return 0;
}
