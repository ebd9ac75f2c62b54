/* The densities of a case: the blocks target and initial, as fields on its grid. */
#include "grid/arrays.h"
#include "measure/samples.h"
#include "output/terminal.h"
#include "problem/problem.h"

#include <stdio.h>
#include <string.h>

#define MASS_OUTSIDE 0.05 /* a larger part cut off at the walls is told */

/* Key of a block: "target" + "mean" -> "target_mean"; a static buffer, used at once. */
static const char *key_of(const char *block, const char *name) {
  static char key[64];
  snprintf(key, sizeof key, "%s_%s", block, name);
  return key;
}

/* Reads count numbers of a key, which must be there and have that many. */
static PetscErrorCode get_exactly(MuCase c, const char *block, const char *name, PetscInt count,
                                  PetscReal *values, PetscBool *given) {
  PetscInt have = count;

  PetscFunctionBegin;
  PetscCall(MuCaseGetRealArray(c, key_of(block, name), &have, values, given));
  if ((!given || *given) && have != count)
    return MuError(MU_ERR_INPUT, "%s_%s: has %d numbers; %d are needed", block, name, (int)have,
                   (int)count);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetList(MuCase c, const char *block, const char *name, PetscInt *count,
                             PetscReal **values) {
  PetscBool given;

  PetscFunctionBegin;
  *values = NULL;
  PetscCall(MuCaseCountItems(c, key_of(block, name), count));
  if (*count == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(*count, values));
  PetscCall(MuCaseGetRealArray(c, key_of(block, name), count, *values, &given));
  PetscFunctionReturn(0);
}

typedef struct {
  MuDensitySpec spec;
  PetscReal *lists[3];
  char *columns[2];
  char path[PETSC_MAX_PATH_LEN];
} DensityInput;

PetscErrorCode MuCaseGetMixture(MuCase c, const char *block, PetscInt dim, PetscInt *components,
                                PetscReal *lists[3]) {
  static const char *const names[3] = {"weights", "means", "covariances"};
  const PetscInt per_component[3] = {1, dim, dim * dim};
  PetscInt count[3];

  PetscFunctionBegin;
  for (int k = 0; k < 3; ++k) PetscCall(MuCaseGetList(c, block, names[k], &count[k], &lists[k]));
  for (int k = 1; k < 3; ++k)
    if (count[k] == 0)
      return MuError(MU_ERR_INPUT, "%s_%s: is missing; a mixture needs it", block, names[k]);
  *components = PetscMax(count[1] / dim, 1);
  for (int k = 0; k < 3; ++k)
    if (count[k] && count[k] != *components * per_component[k])
      return MuError(MU_ERR_INPUT,
                     "%s_%s: has %d numbers; a mixture of %d components in dimension %d needs %d",
                     block, names[k], (int)count[k], (int)*components, (int)dim,
                     (int)(*components * per_component[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_mixture(MuCase c, const char *block, PetscInt dim, DensityInput *in) {
  PetscFunctionBegin;
  PetscCall(MuCaseGetMixture(c, block, dim, &in->spec.components, in->lists));
  in->spec.weights = in->lists[0];
  in->spec.means = in->lists[1];
  in->spec.covariances = in->lists[2];
  PetscFunctionReturn(0);
}

static PetscErrorCode read_samples(MuCase c, const char *block, PetscInt dim, DensityInput *in) {
  PetscInt count = 2, smoothing;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetPath(c, key_of(block, "file"), in->path, NULL));
  in->spec.file = in->path;
  PetscCall(MuCaseGetStringArray(c, key_of(block, "columns"), &count, in->columns, &given));
  if (given && count != dim)
    return MuError(MU_ERR_INPUT, "%s_columns: has %d names; %d are needed, one per axis", block,
                   (int)count, (int)dim);
  for (PetscInt a = 0; a < dim; ++a) in->spec.columns[a] = in->columns[a];
  count = 2;
  PetscCall(MuCaseGetRealArray(c, key_of(block, "bandwidth"), &count, in->spec.bandwidth, &given));
  if (given && count == 1) in->spec.bandwidth[1] = in->spec.bandwidth[0];
  PetscCall(MuCaseGetChoice(c, key_of(block, "smoothing"), &smoothing, &given));
  if (given && smoothing == 1) in->spec.smoothing = MU_SMOOTHING_NONE;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_formula(MuCase c, const char *block, DensityInput *in) {
  PetscBool density, log_density;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, key_of(block, "density"), &in->spec.density, &density));
  PetscCall(MuCaseGetString(c, key_of(block, "log_density"), &in->spec.log_density, &log_density));
  if (density == log_density)
    return MuError(MU_ERR_INPUT,
                   "%s_density: type formula needs exactly one of %s_density and %s_log_density",
                   block, block, block);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_density(MuCase c, const char *block, MuGrid grid, DensityInput *in) {
  static const char *const types[] = {"gaussian", "mixture", "uniform",
                                      "formula",  "file",    "samples"};
  const MuGridInfo *info;
  PetscInt type;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  MuDensitySpecDefault(&in->spec);
  in->spec.block = block;
  PetscCall(MuCaseGetChoice(c, key_of(block, "type"), &type, NULL));
  PetscCall(PetscStrncpy(in->spec.type, types[type], sizeof in->spec.type));
  PetscCall(MuCaseGetReal(c, key_of(block, "background"), &in->spec.background, &given));
  switch (type) {
  case 0:
    PetscCall(get_exactly(c, block, "mean", info->dim, in->spec.mean, NULL));
    PetscCall(
        get_exactly(c, block, "covariance", info->dim * info->dim, in->spec.covariance, NULL));
    break;
  case 1:
    PetscCall(read_mixture(c, block, info->dim, in));
    break;
  case 2:
    for (PetscInt a = 0; a < info->dim; ++a) {
      in->spec.lower[a] = info->lower[a];
      in->spec.upper[a] = info->upper[a];
    }
    PetscCall(get_exactly(c, block, "lower", info->dim, in->spec.lower, &given));
    PetscCall(get_exactly(c, block, "upper", info->dim, in->spec.upper, &given));
    break;
  case 3:
    PetscCall(read_formula(c, block, in));
    break;
  case 4:
    PetscCall(MuCaseGetPath(c, key_of(block, "file"), in->path, NULL));
    in->spec.file = in->path;
    PetscCall(MuCaseGetString(c, key_of(block, "dataset"), &in->spec.dataset, &given));
    break;
  default:
    PetscCall(read_samples(c, block, info->dim, in));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode warn_of_mass_outside(const char *block, const MuGridInfo *info,
                                           MuDensity density) {
  PetscReal mass;

  PetscFunctionBegin;
  PetscCall(MuDensityMassOutside(density, info->lower, info->upper, &mass));
  if (mass > MASS_OUTSIDE)
    PetscCall(MuWarn(info->comm,
                     "%s: %.3g %% of the mass lies outside the grid and is cut off; the rest is "
                     "normalised to 1",
                     block, 100 * mass));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCreateLogDensity(MuCase c, const char *block, MuGrid grid, Vec *log_density) {
  DensityInput in;
  const MuGridInfo *info;
  MuDensity density = NULL;
  MuCells cells;
  PetscReal *x;
  PetscErrorCode failed;

  PetscFunctionBegin;
  memset(&in, 0, sizeof in);
  PetscCall(MuGridGetInfo(grid, &info));
  failed = read_density(c, block, grid, &in);
  if (!failed) failed = MuDensityCreate(info->comm, info->dim, &in.spec, &density);
  for (int k = 0; k < 3; ++k) PetscCall(PetscFree(in.lists[k]));
  for (int k = 0; k < 2; ++k) PetscCall(PetscFree(in.columns[k]));
  PetscCall(failed);
  PetscCall(MuGridCreateField(grid, log_density));
  MuCellsFromGrid(info, &cells);
  PetscCall(VecGetArray(*log_density, &x));
  failed = MuDensityFillLog(density, &cells, x);
  PetscCall(VecRestoreArray(*log_density, &x));
  if (!failed) failed = warn_of_mass_outside(block, info, density);
  PetscCall(MuDensityDestroy(&density));
  PetscCall(failed);
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemCreateInitial(MuCase c, MuProblemParts *p) {
  const MuGridInfo *info;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(MuCaseCreateLogDensity(c, "initial", p->grid, &p->initial));
  PetscCall(VecGetArray(p->initial, &x));
  MuArrayExp(info->local_size, x, x);
  PetscCall(VecRestoreArray(p->initial, &x));
  PetscCall(MuGridApplyMask(p->grid, p->initial));
  PetscFunctionReturn(0);
}
