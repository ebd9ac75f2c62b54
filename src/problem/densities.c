/* The densities of a case: the blocks target and initial, as fields on its grid. */
#include "case/chosen.h"
#include "grid/arrays.h"
#include "measure/density_impl.h"
#include "measure/samples.h"
#include "output/terminal.h"
#include "problem/problem.h"

#define MASS_OUTSIDE 0.05 /* a larger part cut off at the walls is told */
#define MASS_LOST    0.99 /* of the initial density: a larger part is an error */

/* A specification with what its pointers point to. */
typedef struct {
  MuDensitySpec spec;
  PetscReal *lists[3];
  PetscInt list_count;
  char **columns; /* [dim] */
  PetscInt dim;
  char path[PETSC_MAX_PATH_LEN];
  MuCellDensity stored;
} DensityInput;

static PetscErrorCode free_input(DensityInput *in) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < in->list_count; ++k) PetscCall(PetscFree(in->lists[k]));
  for (PetscInt a = 0; a < in->dim && in->columns; ++a) PetscCall(PetscFree(in->columns[a]));
  PetscCall(PetscFree(in->columns));
  PetscCall(PetscFree(in->stored.values));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ keys */

/* All numbers of a key; NULL if it is not there. */
static PetscErrorCode get_list(MuCase c, const char *key, DensityInput *in, PetscInt *count,
                               const PetscReal **values) {
  PetscReal *list;
  PetscBool given;

  PetscFunctionBegin;
  *values = NULL;
  PetscCall(MuCaseCountItems(c, key, count));
  if (*count == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(*count, &list));
  in->lists[in->list_count++] = list;
  PetscCall(MuCaseGetRealArray(c, key, count, list, &given));
  *values = list;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_list(MuCase c, const MuDensityField *f, const char *key,
                                DensityInput *in, const PetscReal **values) {
  const PetscInt size = f->power == 0 ? 1 : f->power == 1 ? in->dim : in->dim * in->dim;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(get_list(c, key, in, &count, values));
  if (count == 0 && f->optional) PetscFunctionReturn(0);
  if (count == 0) return MuError(MU_ERR_INPUT, "%s: is missing; a %s needs it", key, in->spec.type);
  if (f->kind == MU_FIELD_LIST && count != size)
    return MuError(MU_ERR_INPUT, "%s: has %d numbers; %d are needed in dimension %d", key,
                   (int)count, (int)size, (int)in->dim);
  if (f->kind == MU_FIELD_LIST) PetscFunctionReturn(0);
  if (in->list_count == 1) in->spec.components = PetscMax(count / size, 1);
  if (count != in->spec.components * size)
    return MuError(MU_ERR_INPUT,
                   "%s: has %d numbers; a %s of %d components in dimension %d needs %d", key,
                   (int)count, in->spec.type, (int)in->spec.components, (int)in->dim,
                   (int)(in->spec.components * size));
  PetscFunctionReturn(0);
}

/* Numbers per axis, which has room for two. */
static PetscErrorCode read_axes(MuCase c, const MuDensityField *f, const char *key, PetscInt dim,
                                PetscReal values[2]) {
  PetscInt count = 2;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetRealArray(c, key, &count, values, &given));
  if (!given) PetscFunctionReturn(0);
  if (f->kind == MU_FIELD_AXES && count == 1)
    values[1] = values[0];
  else if (f->kind == MU_FIELD_BOX && count != dim)
    return MuError(MU_ERR_INPUT, "%s: has %d numbers; %d are needed", key, (int)count, (int)dim);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_columns(MuCase c, const char *key, DensityInput *in) {
  PetscInt count = in->dim;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(in->dim, &in->columns));
  PetscCall(MuCaseGetStringArray(c, key, &count, in->columns, &given));
  if (given && count != in->dim)
    return MuError(MU_ERR_INPUT, "%s: has %d names; %d are needed, one per axis", key, (int)count,
                   (int)in->dim);
  if (given) in->spec.columns = (const char *const *)in->columns;
  PetscFunctionReturn(0);
}

static const char *const smoothings[] = {
    [MU_SMOOTHING_KDE] = "gaussian", [MU_SMOOTHING_NONE] = "none", NULL};

static PetscErrorCode read_field(MuCase c, const MuDensityField *f, DensityInput *in) {
  void *at = (char *)&in->spec + f->offset;
  PetscInt word;
  PetscBool given;
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_%s", in->spec.block, f->name);
  switch (f->kind) {
  case MU_FIELD_LIST:
  case MU_FIELD_COMPONENTS:
    PetscCall(read_list(c, f, key, in, at));
    break;
  case MU_FIELD_BOX:
  case MU_FIELD_AXES:
    PetscCall(read_axes(c, f, key, in->dim, at));
    break;
  case MU_FIELD_TEXT:
    PetscCall(MuCaseGetString(c, key, at, &given));
    break;
  case MU_FIELD_PATH:
    PetscCall(MuCaseGetPath(c, key, in->path, NULL));
    *(const char **)at = in->path;
    break;
  case MU_FIELD_COLUMNS:
    PetscCall(read_columns(c, key, in));
    break;
  case MU_FIELD_SMOOTHING:
    PetscCall(MuCaseGetChoice(c, key, smoothings, &word, &given));
    if (given) *(MuSmoothing *)at = (MuSmoothing)word;
    break;
  case MU_FIELD_RUN:
    PetscCall(MuCaseReadStored(c, in->spec.block, &in->stored));
    *(const MuCellDensity **)at = &in->stored;
    break;
  }
  PetscFunctionReturn(0);
}

/* info NULL: no grid. */
static PetscErrorCode read_density(MuCase c, const char *block, PetscInt dim,
                                   const MuGridInfo *info, DensityInput *in) {
  const MuDensityOps *ops;
  const char *type;
  PetscBool given;
  char key[64];

  PetscFunctionBegin;
  memset(in, 0, sizeof *in);
  MuDensitySpecDefault(&in->spec);
  in->dim = dim;
  in->spec.block = block;
  snprintf(key, sizeof key, "%s_type", block);
  PetscCall(MuCaseGetString(c, key, &type, NULL));
  PetscCall(MuDensityFind(block, type, &ops));
  if (!info) PetscCall(MuDensityNeedsGrid(block, ops));
  PetscCall(PetscStrncpy(in->spec.type, type, sizeof in->spec.type));
  snprintf(key, sizeof key, "%s_background", block);
  PetscCall(MuCaseGetReal(c, key, &in->spec.background, &given));
  snprintf(key, sizeof key, "%s_mass", block);
  PetscCall(MuCaseGetReal(c, key, &in->spec.mass, &given));
  for (PetscInt a = 0; info && a < info->dim; ++a) {
    in->spec.lower[a] = info->lower[a];
    in->spec.upper[a] = info->upper[a];
  }
  for (const MuDensityField *f = ops->fields; f->name; ++f) PetscCall(read_field(c, f, in));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ on the grid */

/* Nothing is lost along a periodic axis. The tail of a target may be meant: it is a potential. */
static PetscErrorCode check_mass_outside(const char *block, const MuGridInfo *info,
                                         MuDensity density) {
  PetscReal mass, lower[2], upper[2];

  PetscFunctionBegin;
  for (PetscInt a = 0; a < info->dim; ++a) {
    lower[a] = info->periodic[a] ? -INFINITY : info->lower[a];
    upper[a] = info->periodic[a] ? INFINITY : info->upper[a];
  }
  PetscCall(MuDensityMassOutside(density, lower, upper, &mass));
  if (mass > MASS_LOST && !strcmp(block, "initial"))
    return MuError(MU_ERR_INPUT,
                   "%s: %.6g %% of the mass lies outside the grid; place it inside, or enlarge the "
                   "grid (grid_lower, grid_upper)",
                   block, 100 * mass);
  if (mass > MASS_OUTSIDE)
    PetscCall(MuWarn(info->comm,
                     "%s: %.3g %% of the mass lies outside the grid and is cut off; the rest is "
                     "normalised to %g",
                     block, 100 * mass, density->mass));
  PetscFunctionReturn(0);
}

/* What is to be doubted of how the density was read. */
static PetscErrorCode warn_of_doubts(MuDensity density) {
  PetscFunctionBegin;
  for (const char *at = density->doubts; *at;) {
    const size_t length = strcspn(at, "\n");
    PetscCall(MuWarn(density->comm, "%.*s", (int)length, at));
    at += length + (at[length] == '\n');
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_field(MuCase c, const DensityInput *in, MuGrid grid,
                                   Vec *log_density) {
  const MuGridInfo *info;
  MuDensity density;
  MuCells cells;
  PetscReal *x;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(MuDensityCreate(info->comm, info->dim, &in->spec, &density));
  PetscCall(MuGridCreateField(grid, log_density));
  MuCellsFromGrid(info, &cells);
  PetscCall(VecGetArray(*log_density, &x));
  failed = MuDensityFillLog(density, &cells, x);
  PetscCall(VecRestoreArray(*log_density, &x));
  if (!failed) failed = check_mass_outside(in->spec.block, info, density);
  if (!failed) failed = warn_of_doubts(density);
  if (!failed && density->chosen[0]) failed = MuCaseNote(c, "%s", density->chosen);
  PetscCall(MuDensityDestroy(&density));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuCaseCreateLogDensity(MuCase c, const char *block, MuGrid grid, Vec *log_density) {
  DensityInput in;
  const MuGridInfo *info;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  failed = read_density(c, block, info->dim, info, &in);
  if (!failed) failed = create_field(c, &in, grid, log_density);
  PetscCall(free_input(&in));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuCaseNeedProbability(MuCase c, const char *block, const char *who) {
  PetscReal mass = 1;
  PetscBool given;
  char key[64];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_mass", block);
  PetscCall(MuCaseGetReal(c, key, &mass, &given));
  if (mass != 1)
    return MuError(MU_ERR_INPUT, "%s: %g is not allowed; %s probability measures, leave it out",
                   key, mass, who);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCreateLaw(MuCase c, const char *block, PetscInt dim, MuGrid grid, MuLaw *law) {
  DensityInput in;
  const MuGridInfo *info = NULL;
  MPI_Comm comm;
  Vec log_density = NULL;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  if (grid) PetscCall(MuGridGetInfo(grid, &info));
  failed = read_density(c, block, dim, info, &in);
  in.spec.mass = 1; /* the shape alone */
  if (!failed && grid) failed = create_field(c, &in, grid, &log_density);
  if (!failed) failed = MuLawCreate(comm, dim, grid, &in.spec, log_density, law);
  PetscCall(VecDestroy(&log_density));
  PetscCall(free_input(&in));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuCaseReadSamples(MuCase c, const char *block, const MuGridInfo *info, PetscInt *n,
                                 PetscReal **points) {
  MuDensity density = NULL;
  DensityInput in;
  MuCells cells;

  PetscFunctionBegin;
  *points = NULL;
  MuCellsFromGrid(info, &cells);
  PetscErrorCode failed = read_density(c, block, info->dim, info, &in);
  if (!failed) failed = MuDensityCreate(info->comm, info->dim, &in.spec, &density);
  if (!failed && density->points) {
    PetscCall(PetscMalloc1(density->n * density->dim, points));
    PetscCall(PetscArraycpy(*points, density->points, density->n * density->dim));
    MuSamplesMoveInside(&cells, density->n, *points, n);
  }
  if (density) PetscCall(MuDensityDestroy(&density));
  PetscCall(free_input(&in));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuCaseHasGaussian(MuCase c, const char *block, PetscBool *has) {
  MuDensityTraits traits;
  const char *type;
  PetscReal background = 0;
  PetscBool given;
  char key[64];

  PetscFunctionBegin;
  *has = PETSC_FALSE;
  snprintf(key, sizeof key, "%s_type", block);
  PetscCall(MuCaseGetString(c, key, &type, &given));
  if (!given) PetscFunctionReturn(0);
  PetscCall(MuDensityGetTraits(type, &traits));
  snprintf(key, sizeof key, "%s_background", block);
  PetscCall(MuCaseGetReal(c, key, &background, &given));
  *has = (PetscBool)(traits.gaussian && !(background > 0));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetLogSobolev(MuCase c, PetscInt dim, PetscReal *constant) {
  PetscReal s[4] = {0};
  PetscInt count = 4;
  PetscBool gaussian;

  PetscFunctionBegin;
  *constant = NAN;
  PetscCall(MuCaseHasGaussian(c, "target", &gaussian));
  if (!gaussian) PetscFunctionReturn(0);
  PetscCall(MuCaseGetRealArray(c, "target_covariance", &count, s, NULL));
  const PetscReal middle = dim == 1 ? s[0] : 0.5 * (s[0] + s[3]);
  const PetscReal half = dim == 1 ? 0 : sqrt(0.25 * (s[0] - s[3]) * (s[0] - s[3]) + s[1] * s[2]);
  *constant = 1 / (middle + half);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCheckLimit(MuCase c, const char *block) {
  MuDensityTraits traits;
  const char *type;
  PetscInt word = MU_SMOOTHING_KDE;
  PetscBool given;
  char key[64];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(key, sizeof key, "%s_type", block));
  PetscCall(MuCaseGetString(c, key, &type, &given));
  if (!given) PetscFunctionReturn(0);
  PetscCall(MuDensityGetTraits(type, &traits));
  if (traits.of_cells)
    return MuError(MU_ERR_INPUT,
                   "%s: %s gives the density at the cells of one grid; a reference needs one that "
                   "is known on finer grids too",
                   key, type);
  PetscCall(PetscSNPrintf(key, sizeof key, "%s_smoothing", block));
  PetscCall(MuCaseGetChoice(c, key, smoothings, &word, &given));
  if (word == MU_SMOOTHING_NONE)
    return MuError(MU_ERR_INPUT,
                   "%s: none puts point masses into cells, which tend to no density on finer "
                   "grids; a reference needs smoothing gaussian",
                   key);
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
