/* Specifications of lower layers filled from a case. */
#include "base/files.h"
#include "case/case_private.h"

#include <stdio.h>
#include <string.h>

static PetscErrorCode one_per_axis(const char *key, PetscInt count, PetscInt dim) {
  if (count == dim) return 0;
  return MuError(MU_ERR_INPUT, "%s: has %d items; %d are needed, as many as in grid_lower", key,
                 (int)count, (int)dim);
}

/* Sizes of arrays and counts of faces must fit into an int, on any path. */
static PetscErrorCode limit_cells(const MuGridSpec *spec) {
  const PetscInt most = PETSC_MAX_INT / 16;
  PetscReal cells = (PetscReal)spec->cells[0];
  char shape[64], needed[MU_BYTES_LENGTH];

  PetscFunctionBegin;
  snprintf(shape, sizeof shape, "%d", (int)spec->cells[0]);
  if (spec->dim == 2) {
    cells *= (PetscReal)spec->cells[1];
    snprintf(shape, sizeof shape, "%d x %d", (int)spec->cells[0], (int)spec->cells[1]);
  }
  if (cells <= most) PetscFunctionReturn(0);
  MuFormatBytes(MU_LEAST_FIELDS * cells * (PetscReal)sizeof(PetscReal), needed);
  return MuError(MU_ERR_INPUT,
                 "grid_cells: %s cells are too many, they would need at least %s of memory; at "
                 "most %d are allowed",
                 shape, needed, (int)most);
}

PetscErrorCode MuCaseGetGridSpec(MuCase c, MuGridSpec *spec) {
  PetscInt count = 2, boundary[2] = {0, 0};
  PetscBool given;

  PetscFunctionBegin;
  *spec = (MuGridSpec){.dim = 2};
  PetscCall(MuCaseGetRealArray(c, "grid_lower", &spec->dim, spec->lower, NULL));
  PetscCall(MuCaseGetRealArray(c, "grid_upper", &count, spec->upper, NULL));
  PetscCall(one_per_axis("grid_upper", count, spec->dim));
  count = 2;
  PetscCall(MuCaseGetIntArray(c, "grid_cells", &count, spec->cells, NULL));
  PetscCall(one_per_axis("grid_cells", count, spec->dim));
  PetscCall(limit_cells(spec));
  count = 2;
  PetscCall(MuCaseGetChoiceArray(c, "grid_boundary", &count, boundary, &given));
  if (count == 1)
    boundary[1] = boundary[0];
  else if (given)
    PetscCall(one_per_axis("grid_boundary", count, spec->dim));
  for (PetscInt a = 0; a < spec->dim; ++a) spec->periodic[a] = (PetscBool)(boundary[a] == 1);
  PetscFunctionReturn(0);
}

static PetscErrorCode get_kernel_real(MuCase c, const char *block, const char *name,
                                      PetscReal *value) {
  char key[2 * MU_KEY_LENGTH];
  PetscBool given;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_%s", block, name);
  PetscCall(MuCaseGetReal(c, key, value, &given));
  PetscFunctionReturn(0);
}

/* Copies what the block gives; words are counted from 1 because 0 is the default of the enums. */
static PetscErrorCode read_kernel_block(MuCase c, const char *block, MuKernelSpec *spec) {
  char key[2 * MU_KEY_LENGTH];
  const char *type;
  PetscInt word;
  PetscBool given;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_type", block);
  PetscCall(MuCaseGetString(c, key, &type, &given));
  if (given) PetscCall(PetscStrncpy(spec->type, type, sizeof spec->type));
  snprintf(key, sizeof key, "%s_normalization", block);
  PetscCall(MuCaseGetChoice(c, key, &word, &given));
  if (given) spec->normalization = (MuNormalization)(word + 1);
  snprintf(key, sizeof key, "%s_extension", block);
  PetscCall(MuCaseGetChoice(c, key, &word, &given));
  if (given) spec->extension = (MuExtension)(word + 1);
  PetscCall(get_kernel_real(c, block, "bandwidth", &spec->bandwidth));
  PetscFunctionReturn(0);
}

/* Those of the type that was chosen in the end. */
static PetscErrorCode read_kernel_parameters(MuCase c, const char *block, MuKernelSpec *spec) {
  const MuParameter *p = MuKernelGetParameters(spec->type);

  PetscFunctionBegin;
  for (PetscInt k = 0; p && p[k].name; ++k)
    PetscCall(get_kernel_real(c, block, p[k].name, &spec->parameter[k]));
  PetscFunctionReturn(0);
}

static PetscBool has_block(MuCase c, const char *name) {
  const char *block, *rest;
  for (PetscInt i = 0; i < c->count; ++i) {
    MuKeySplit(c->entries[i].name, &block, &rest);
    if (strcmp(block, name) == 0) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

PetscErrorCode MuCaseGetKernelSpec(MuCase c, const char *block, MuKernelSpec *spec,
                                   PetscBool *given) {
  PetscFunctionBegin;
  *given = (PetscBool)(has_block(c, "kernel") || has_block(c, block));
  MuKernelSpecDefault(spec);
  PetscCall(read_kernel_block(c, "kernel", spec));
  if (strcmp(block, "kernel") != 0) PetscCall(read_kernel_block(c, block, spec));
  PetscCall(read_kernel_parameters(c, "kernel", spec));
  if (strcmp(block, "kernel") != 0) PetscCall(read_kernel_parameters(c, block, spec));
  PetscFunctionReturn(0);
}
