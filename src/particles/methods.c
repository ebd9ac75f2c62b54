/* The table of particle methods. */
#include "particles/particles_impl.h"

static const MuMethodOps *const methods[] = {
    &MuMethodIft,  &MuMethodMmdFlow,          &MuMethodMmdFlowNoise, &MuMethodWfr,
    &MuMethodSvgd, &MuMethodFisherRaoWeights, &MuMethodLangevin,
};
enum { METHODS = sizeof methods / sizeof methods[0] };

PetscErrorCode MuMethodGetTableRow(PetscInt i, const char **name, const char **formula) {
  const PetscBool there = (PetscBool)(i >= 0 && i < METHODS);
  *name = there ? methods[i]->name : NULL;
  *formula = there ? methods[i]->formula : NULL;
  return 0;
}

PetscErrorCode MuMethodFind(const char *name, const MuMethodOps **ops) {
  PetscFunctionBegin;
  *ops = NULL;
  for (PetscInt i = 0; i < METHODS; ++i)
    if (strcmp(methods[i]->name, name) == 0) *ops = methods[i];
  PetscCheck(*ops, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: no such method", name);
  PetscFunctionReturn(0);
}
