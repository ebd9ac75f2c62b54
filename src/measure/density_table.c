/* Every type of density there is. A new one: its own file and a line here. */
#include "measure/density_impl.h"

#include <stdio.h>
#include <string.h>

static const MuDensityOps *const types[] = {
    &MuDensityGaussian, &MuDensityMixture, &MuDensityUniform, &MuDensityFormula,
    &MuDensityFile,     &MuDensitySamples, &MuDensityRun};
enum { TYPES = sizeof types / sizeof types[0] };

PetscErrorCode MuDensityGetTableRow(PetscInt i, const char **name, const char **formula) {
  const PetscBool there = (PetscBool)(i >= 0 && i < TYPES);
  *name = there ? types[i]->name : NULL;
  *formula = there ? types[i]->formula : NULL;
  return 0;
}

static const MuDensityOps *find(const char *type) {
  for (PetscInt k = 0; k < TYPES; ++k)
    if (strcmp(types[k]->name, type) == 0) return types[k];
  return NULL;
}

PetscErrorCode MuDensityGetTraits(const char *type, MuDensityTraits *traits) {
  const MuDensityOps *ops = find(type);
  *traits = ops ? ops->traits : (MuDensityTraits){0};
  return 0;
}

/* The names of all types, or of those that do without a grid. */
static const char *list_types(PetscBool without_grid, size_t size, char *text) {
  *text = 0;
  for (PetscInt k = 0; k < TYPES; ++k) {
    const size_t used = strlen(text);
    if (!without_grid || !types[k]->needs_grid)
      snprintf(text + used, size - used, "%s%s", used ? ", " : "", types[k]->name);
  }
  return text;
}

PetscErrorCode MuDensityFind(const char *block, const char *type, const MuDensityOps **ops) {
  char names[256];

  PetscFunctionBegin;
  *ops = find(type);
  if (!*ops)
    return MuError(MU_ERR_INPUT, "%s_type: \"%.31s\" is not a type of density; allowed are %s",
                   block, type, list_types(PETSC_FALSE, sizeof names, names));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityNeedsGrid(const char *block, const MuDensityOps *ops) {
  char names[256];

  PetscFunctionBegin;
  if (ops->needs_grid)
    return MuError(MU_ERR_INPUT, "%s_type: %s needs a grid; without one allowed are %s", block,
                   ops->name, list_types(PETSC_TRUE, sizeof names, names));
  PetscFunctionReturn(0);
}
