/* Specifications of lower layers filled from a case. */
#include "base/files.h"
#include "case/case_private.h"
#include "problem/problem.h"

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

  snprintf(shape, sizeof shape, "%d", (int)spec->cells[0]);
  if (spec->dim == 2) {
    cells *= (PetscReal)spec->cells[1];
    snprintf(shape, sizeof shape, "%d x %d", (int)spec->cells[0], (int)spec->cells[1]);
  }
  if (cells <= most) return 0;
  MuFormatBytes(MU_LEAST_FIELDS * cells * (PetscReal)sizeof(PetscReal), needed);
  return MuError(MU_ERR_INPUT,
                 "grid_cells: %s cells are too many, they would need at least %s of memory; at "
                 "most %d are allowed",
                 shape, needed, (int)most);
}

PetscErrorCode MuCaseGetGridSpec(MuCase c, MuGridSpec *spec) {
  static const char *const words[] = {"no_flux", "periodic", NULL};
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
  PetscCall(MuCaseGetChoiceArray(c, "grid_boundary", words, &count, boundary, &given));
  if (count == 1)
    boundary[1] = boundary[0];
  else if (given)
    PetscCall(one_per_axis("grid_boundary", count, spec->dim));
  for (PetscInt a = 0; a < spec->dim; ++a) spec->periodic[a] = (PetscBool)(boundary[a] == 1);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetTransportSolver(MuCase c, MuTransportSolver *solver) {
  static const char *const words[] = {[MU_TRANSPORT_AUTO] = "auto",
                                      [MU_TRANSPORT_COUPLED] = "coupled",
                                      [MU_TRANSPORT_DIMENSION_SPLIT] = "dimension_split",
                                      [MU_TRANSPORT_DIRECT] = "direct",
                                      NULL};
  PetscInt word = MU_TRANSPORT_AUTO;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetChoice(c, "time_transport_solver", words, &word, &given));
  *solver = (MuTransportSolver)word;
  PetscFunctionReturn(0);
}

static PetscErrorCode get_kernel_real(MuCase c, const char *block, const char *name,
                                      PetscReal *value) {
  char key[4 * MU_KEY_LENGTH];
  PetscBool given;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_%s", block, name);
  PetscCall(MuCaseGetReal(c, key, value, &given));
  PetscFunctionReturn(0);
}

/* Copies what the block gives. */
static PetscErrorCode read_kernel_block(MuCase c, const char *block, MuKernelSpec *spec) {
  static const char *const normalizations[] = {[MU_NORMALIZATION_DEFAULT] = "",
                                               [MU_NORMALIZATION_MASS] = "mass",
                                               [MU_NORMALIZATION_PEAK] = "peak",
                                               NULL};
  static const char *const extensions[] = {
      [MU_EXTENSION_DEFAULT] = "",        [MU_EXTENSION_ZERO] = "zero",
      [MU_EXTENSION_REFLECT] = "reflect", [MU_EXTENSION_PERIODIC] = "periodic",
      [MU_EXTENSION_MASK] = "mask",       NULL};
  char key[4 * MU_KEY_LENGTH];
  const char *type;
  PetscInt word;
  PetscBool given;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_type", block);
  PetscCall(MuCaseGetString(c, key, &type, &given));
  if (given) PetscCall(PetscStrncpy(spec->type, type, sizeof spec->type));
  snprintf(key, sizeof key, "%s_normalization", block);
  PetscCall(MuCaseGetChoice(c, key, normalizations, &word, &given));
  if (given) spec->normalization = (MuNormalization)word;
  snprintf(key, sizeof key, "%s_extension", block);
  PetscCall(MuCaseGetChoice(c, key, extensions, &word, &given));
  if (given) spec->extension = (MuExtension)word;
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

/* Whether a kernel's block, or the kernel of a summand, is given: a key that begins so. */
static PetscBool has_block(MuCase c, const char *name) {
  const size_t length = strlen(name);
  const PetscBool block = MuKeyIsBlock(name);
  for (PetscInt i = 0; i < c->count; ++i) {
    const MuKey *key = &c->entries[i].key;
    if (block ? !strcmp(key->block, name)
              : key->part == MU_KEY_KERNEL && !strncmp(key->name, name, length) &&
                    key->name[length] == '_')
      return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* The blocks whose keys serve a kernel, the weakest first: "kernel", "geometry_kernel",
   "geometry_stein_kernel". */
static PetscInt find_layers(const char *block, char layers[3][MU_KEY_LENGTH]) {
  PetscInt n = 0;
  snprintf(layers[n++], MU_KEY_LENGTH, "kernel");
  if (!strcmp(block, "kernel")) return n;
  if (!MuKeyIsBlock(block))
    snprintf(layers[n++], MU_KEY_LENGTH, "%.*s_kernel", (int)strcspn(block, "_"), block);
  snprintf(layers[n++], MU_KEY_LENGTH, "%s", block);
  return n;
}

PetscErrorCode MuCaseGetKernelSpec(MuCase c, const char *block, MuKernelSpec *spec,
                                   PetscBool *given) {
  char layers[3][MU_KEY_LENGTH];
  const PetscInt n = find_layers(block, layers);

  PetscFunctionBegin;
  *given = PETSC_FALSE;
  MuKernelSpecDefault(spec);
  for (PetscInt k = 0; k < n; ++k) {
    if (has_block(c, layers[k])) *given = PETSC_TRUE;
    PetscCall(read_kernel_block(c, layers[k], spec));
  }
  for (PetscInt k = 0; k < n; ++k) PetscCall(read_kernel_parameters(c, layers[k], spec));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseNameKernelKey(MuCase c, const char *block, const MuKernelSpec *spec,
                                   PetscErrorCode code) {
  char layers[3][MU_KEY_LENGTH], key[4 * MU_KEY_LENGTH], nearest[64];
  const char *sentence = MuErrorMessage(), *strongest = "kernel";
  PetscBool number, given;

  PetscFunctionBegin;
  if (code != MU_ERR_INPUT || strncmp(sentence, "kernel_", 7) != 0) PetscFunctionReturn(code);
  const int tail = (int)strcspn(sentence, ":");
  for (PetscInt k = find_layers(block, layers) - 1; k >= 0; --k) {
    snprintf(key, sizeof key, "%s%.*s", layers[k], tail - 6, sentence + 6);
    PetscCall(MuCaseHasKey(c, key, &number, &given, nearest));
    if (given) return MuError(code, "%s%s", key, sentence + tail);
    if (!strcmp(strongest, "kernel") && has_block(c, layers[k])) strongest = layers[k];
  }
  if (spec->bandwidth == 0)
    return MuError(code, "%s_bandwidth: is missing; the kernel %s needs it, a number above 0",
                   strongest, spec->type);
  PetscFunctionReturn(code);
}

PetscErrorCode MuCaseGetSummandKernelSpec(MuCase c, const char *block, const MuCaseSummand *summand,
                                          MuKernelSpec *spec, PetscBool *given) {
  char name[2 * MU_KEY_LENGTH];

  PetscFunctionBegin;
  snprintf(name, sizeof name, "%s_kernel", summand->own_kernel ? summand->key : block);
  PetscCall(MuCaseGetKernelSpec(c, name, spec, given));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseFindCommonKernel(MuCase c, const char *block, PetscInt n,
                                      const MuCaseSummand summands[], MuKernelSpec *spec,
                                      PetscBool *given, PetscInt *other) {
  char name[2 * MU_KEY_LENGTH];
  MuKernelSpec own;
  PetscBool there, any = PETSC_FALSE;

  PetscFunctionBegin;
  *other = -1;
  snprintf(name, sizeof name, "%s_kernel", block);
  PetscCall(MuCaseGetKernelSpec(c, name, spec, given));
  for (PetscInt k = 0; k < n && *other < 0; ++k) {
    if (!summands[k].takes_kernel) continue;
    PetscCall(MuCaseGetSummandKernelSpec(c, block, &summands[k], &own, &there));
    if (any && !MuKernelSpecEqual(&own, spec)) *other = k;
    if (any) continue;
    *spec = own;
    *given = there;
    any = PETSC_TRUE;
  }
  if (*other >= 0) PetscCall(MuCaseGetKernelSpec(c, name, spec, given));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseFindKernelBlock(MuCase c, const char *block, char name[MU_KERNEL_BLOCK]) {
  MuCaseSummand s[MU_MAX_TERMS];
  PetscInt n = MU_MAX_TERMS, k = 0;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(c, block, &n, s));
  while (k < n && !s[k].takes_kernel) ++k;
  snprintf(name, MU_KERNEL_BLOCK, "%s_kernel", k < n && s[k].own_kernel ? s[k].key : block);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetCommonKernelSpec(MuCase c, const char *block, MuKernelSpec *spec,
                                         PetscBool *given) {
  MuCaseSummand summands[MU_MAX_TERMS];
  PetscInt n = MU_MAX_TERMS, other;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(c, block, &n, summands));
  PetscCall(MuCaseFindCommonKernel(c, block, n, summands, spec, given, &other));
  if (other >= 0)
    return MuError(MU_ERR_INPUT,
                   "%s_kernel: differs from the kernel of another summand of the %s; a particle "
                   "method takes one for all of them",
                   summands[other].key, block);
  PetscFunctionReturn(0);
}
