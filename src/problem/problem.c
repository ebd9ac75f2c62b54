/* A case, built: grid with mask, target, initial density, kernels, energy, geometry, time and
 * output. */
#include "base/events.h"
#include "base/files.h"
#include "flow/flow_impl.h"
#include "grid/arrays.h"
#include "measure/samples.h"
#include "output/terminal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MASS_OUTSIDE 0.05 /* a larger part cut off at the walls is told */
#define MOST_STEPS   1e9  /* counters are ints, and t + step must differ from t */

struct _p_MuProblem {
  MuProblemParts parts;
  MuFormula potential, interaction;
};

/* ------------------------------------------------------------------ grid */

static PetscErrorCode mask_from_image(MuCase c, const MuGridSpec *spec, unsigned char *mask,
                                      PetscBool *given) {
  char path[PETSC_MAX_PATH_LEN];
  PetscInt width, height, ny = spec->dim == 2 ? spec->cells[1] : 1;
  PetscReal *values;
  MPI_Comm comm;

  PetscFunctionBegin;
  PetscCall(MuCaseGetPath(c, "grid_mask", path, given));
  if (!*given) PetscFunctionReturn(0);
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuPgmRead(comm, path, &width, &height, &values));
  if (width != spec->cells[0] || height != ny) {
    PetscCall(PetscFree(values));
    return MuError(MU_ERR_INPUT,
                   "grid_mask: %s has %d x %d pixels; the grid has %d x %d cells, they must agree",
                   path, (int)width, (int)height, (int)spec->cells[0], (int)ny);
  }
  for (PetscInt i = 0; i < width * height; ++i) mask[i] = values[i] > 0.5;
  PetscCall(PetscFree(values));
  PetscFunctionReturn(0);
}

/* Inside is where the formula is positive, and the image light if there is one too. */
static PetscErrorCode mask_from_formula(MuCase c, const MuGridSpec *spec, unsigned char *mask,
                                        PetscBool *given) {
  const char *text;
  MuFormula formula;
  PetscErrorCode failed;
  const PetscInt nx = spec->cells[0], ny = spec->dim == 2 ? spec->cells[1] : 1;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, "grid_mask_formula", &text, given));
  if (!*given) PetscFunctionReturn(0);
  PetscCall(MuFormulaCreate("grid_mask_formula", text, &formula));
  failed = MuFormulaCheckDimension(formula, "grid_mask_formula", spec->dim);
  for (PetscInt i = 0; i < nx * ny && !failed; ++i) {
    PetscInt index[2] = {i % nx, i / nx};
    PetscReal x[2] = {0, 0}, value;
    for (PetscInt a = 0; a < spec->dim; ++a)
      x[a] = spec->lower[a] + (index[a] + 0.5) * (spec->upper[a] - spec->lower[a]) / spec->cells[a];
    PetscCall(MuFormulaEvaluate(formula, x, &value));
    if (isnan(value))
      failed = MuError(MU_ERR_INPUT, "grid_mask_formula: \"%s\" is not a number at (%g, %g)", text,
                       x[0], x[1]);
    mask[i] = mask[i] && value > 0;
  }
  PetscCall(MuFormulaDestroy(&formula));
  PetscFunctionReturn(failed);
}

static PetscErrorCode warn_of_components(MuGrid grid) {
  enum { SHOWN = 8 };
  const MuGridInfo *info;
  PetscInt count, sizes[SHOWN];
  char text[256] = "";
  size_t used = 0;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  if (!info->masked) PetscFunctionReturn(0);
  PetscCall(MuGridComponents(grid, SHOWN, &count, sizes));
  if (count == 1) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < PetscMin(count, SHOWN); ++k)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", k ? ", " : "", (int)sizes[k]);
  PetscCall(MuWarn(info->comm,
                   "grid_mask: the domain falls into %d components of %s%s cells; transport does "
                   "not pass between them",
                   (int)count, text, count > SHOWN ? ", ..." : ""));
  PetscFunctionReturn(0);
}

/* About how many doubles per cell a run holds at its peak, from runs of 1024 x 1024 cells (closed
   form 40, transport 100 to 120, of 512 x 512 a factorisation 170, growing like the logarithm). */
static PetscErrorCode doubles_per_cell(MuCase c, const MuGridSpec *spec, PetscReal cells,
                                       PetscReal *doubles) {
  char key[64], nearest[64];
  const char *name, *formula;
  PetscInt solver = MU_TRANSPORT_AUTO;
  PetscBool transport = PETSC_FALSE, number, given;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuGeometryGetTableRow(i, &name, &formula));
    if (!name) break;
    snprintf(key, sizeof key, "geometry_%s", name);
    PetscCall(MuCaseHasKey(c, key, &number, &given, nearest));
    if (given && !MuPartIsReaction(name)) transport = PETSC_TRUE;
  }
  PetscCall(MuCaseGetChoice(c, "time_transport_solver", &solver, &given));
  *doubles = MU_LEAST_FIELDS;
  if (!transport || spec->dim == 1) PetscFunctionReturn(0);
  *doubles += solver == MU_TRANSPORT_DIRECT ? 7 * PetscLog2Real(cells) : 60;
  PetscFunctionReturn(0);
}

/* Before anything is allocated. */
static PetscErrorCode check_memory(MuCase c, const MuGridSpec *spec, MPI_Comm comm) {
  const PetscInt ny = spec->dim == 2 ? spec->cells[1] : 1;
  const PetscReal cells = (PetscReal)spec->cells[0] * (PetscReal)ny;
  PetscReal doubles = MU_LEAST_FIELDS;
  char what[64];

  PetscFunctionBegin;
  PetscCall(doubles_per_cell(c, spec, cells, &doubles));
  if (spec->dim == 2)
    snprintf(what, sizeof what, "%d x %d cells", (int)spec->cells[0], (int)ny);
  else
    snprintf(what, sizeof what, "%d cells", (int)spec->cells[0]);
  PetscCall(
      MuCheckMemory(comm, "grid_cells", what, doubles * cells * (PetscReal)sizeof(PetscReal)));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCreateGrid(MuCase c, MuGrid *grid) {
  MuGridSpec spec;
  MPI_Comm comm;
  unsigned char *mask;
  PetscBool image, formula;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuCaseGetGridSpec(c, &spec));
  PetscCall(check_memory(c, &spec, comm));
  PetscInt total = spec.cells[0] * (spec.dim == 2 ? spec.cells[1] : 1);
  PetscCall(PetscMalloc1(total, &mask));
  memset(mask, 1, (size_t)total);
  failed = mask_from_image(c, &spec, mask, &image);
  if (!failed) failed = mask_from_formula(c, &spec, mask, &formula);
  if (!failed) {
    spec.mask = image || formula ? mask : NULL;
    failed = MuGridCreate(comm, &spec, grid);
  }
  PetscCall(PetscFree(mask));
  PetscCall(failed);
  PetscCall(warn_of_components(*grid));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ densities */

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

/* rho_0 = exp of its logarithm; outside cells 0. */
static PetscErrorCode create_initial(MuCase c, MuProblemParts *p) {
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

/* ------------------------------------------------------------------ energy and geometry */

static PetscErrorCode create_kernel(MuCase c, const char *block, PetscInt dim, MuKernel *kernel) {
  MuKernelSpec spec;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetKernelSpec(c, block, &spec, &given));
  if (given) PetscCall(MuKernelCreate(&spec, dim, kernel));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_formula(MuCase c, const char *key, PetscInt dim, MuFormula *formula) {
  const char *text;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, key, &text, &given));
  if (!given) PetscFunctionReturn(0);
  PetscCall(MuFormulaCreate(key, text, formula));
  PetscCall(MuFormulaCheckDimension(*formula, key, dim));
  PetscFunctionReturn(0);
}

static PetscBool has_name(PetscInt n, const char *const names[], const char *name) {
  for (PetscInt k = 0; k < n; ++k)
    if (!strcmp(names[k], name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A key that the named energy or geometry cannot do without. */
static PetscErrorCode need(MuCase c, PetscBool wanted, const char *who, const char *key,
                           PetscReal *value) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, key, value, &given));
  if (wanted && !given) return MuError(MU_ERR_INPUT, "%s: is missing; %s needs it", key, who);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_energy(MuCase c, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  MuEnergySpec e = {0};
  const MuGridInfo *info;

  PetscFunctionBegin;
  e.terms = MU_MAX_TERMS;
  PetscCall(MuCaseGetWeights(c, "energy", MuEnergyGetTableRow, &e.terms, e.name, e.weight));
  PetscCall(need(c, has_name(e.terms, e.name, "power"), "energy power", "energy_power_exponent",
                 &e.power_exponent));
  PetscCall(need(c, has_name(e.terms, e.name, "internal"), "energy internal",
                 "energy_internal_exponent", &e.internal_exponent));
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(create_formula(c, "energy_potential_formula", info->dim, &problem->potential));
  PetscCall(create_formula(c, "energy_interaction_formula", info->dim, &problem->interaction));
  if (has_name(e.terms, e.name, "potential") && !problem->potential)
    return MuError(MU_ERR_INPUT, "energy_potential_formula: is missing; energy potential needs it");
  if (has_name(e.terms, e.name, "interaction") && !problem->interaction)
    return MuError(MU_ERR_INPUT,
                   "energy_interaction_formula: is missing; energy interaction needs it");
  if ((has_name(e.terms, e.name, "mmd") || has_name(e.terms, e.name, "blob_entropy")) &&
      !p->energy_kernel)
    return MuError(MU_ERR_INPUT, "kernel: is missing; energies mmd and blob_entropy need a kernel");
  if (problem->potential) {
    e.potential = MuFormulaFunction;
    e.potential_ctx = problem->potential;
  }
  if (problem->interaction) {
    e.interaction = MuFormulaFunction;
    e.interaction_ctx = problem->interaction;
  }
  e.kernel = p->energy_kernel;
  e.log_target = p->log_target;
  PetscCall(MuEnergyCreate(p->grid, &e, &p->energy));
  PetscFunctionReturn(0);
}

/* The exponent m for which Stolarsky's mean turns the flux of the energy into a difference of
   powers, so that fronts move into empty cells: internal, chi2 and power with p > 1; 0 if there
   is none. */
static PetscReal stolarsky_exponent(const MuEnergySpec *e) {
  if (has_name(e->terms, e->name, "internal")) return e->internal_exponent;
  if (has_name(e->terms, e->name, "chi2")) return 2;
  if (has_name(e->terms, e->name, "power") && e->power_exponent > 1) return e->power_exponent;
  return 0;
}

/* Auto: Stolarsky's mean where it has an exponent and log rho is no part of DF, else the
 * logarithmic one. */
static PetscErrorCode choose_mean(MuCase c, MuEnergy energy, MuGeometrySpec *g) {
  const MuEnergySpec *e;
  PetscInt mean = MU_MEAN_AUTO;
  PetscReal diffusivity;
  PetscBool given, only;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(energy, &e));
  PetscCall(MuCaseGetChoice(c, "geometry_face_mean", &mean, &given));
  PetscCall(MuEnergyLogarithmicPart(energy, &diffusivity, NULL, &only));
  g->stolarsky_exponent = stolarsky_exponent(e);
  if (mean == MU_MEAN_AUTO)
    mean = g->stolarsky_exponent > 0 && diffusivity == 0 ? MU_MEAN_STOLARSKY : MU_MEAN_LOGARITHMIC;
  if (mean == MU_MEAN_STOLARSKY && g->stolarsky_exponent == 0)
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: stolarsky belongs to the energies internal, chi2 and power "
                   "(exponent above 1), which the case does not have; allowed here are "
                   "logarithmic, arithmetic and upwind");
  g->face_mean = (MuMean)mean;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_geometry(MuCase c, MuProblemParts *p) {
  static const char *const kernel_parts[] = {"kernel_fisher_rao", "normalized_kernel_fisher_rao",
                                             "ridge_fisher_rao",  "stein",
                                             "ridge_stein",       "mmd"};
  MuGeometrySpec g = {0};
  PetscBool given;

  PetscFunctionBegin;
  g.parts = MU_MAX_TERMS;
  PetscCall(MuCaseGetWeights(c, "geometry", MuGeometryGetTableRow, &g.parts, g.name, g.weight));
  PetscCall(MuCaseGetBool(c, "geometry_spherical", &g.spherical, &given));
  PetscCall(need(c,
                 (PetscBool)(has_name(g.parts, g.name, "ridge_fisher_rao") ||
                             has_name(g.parts, g.name, "ridge_stein") ||
                             has_name(g.parts, g.name, "ridge_mobility") ||
                             has_name(g.parts, g.name, "wasserstein_ridge_mobility")),
                 "a ridge geometry", "geometry_ridge", &g.ridge));
  PetscCall(need(c,
                 (PetscBool)(has_name(g.parts, g.name, "power_mobility") ||
                             has_name(g.parts, g.name, "wasserstein_mobility")),
                 "a geometry with a mobility", "geometry_mobility_exponent", &g.mobility_exponent));
  for (size_t k = 0; k < sizeof kernel_parts / sizeof kernel_parts[0]; ++k)
    if (has_name(g.parts, g.name, kernel_parts[k]) && !p->geometry_kernel)
      return MuError(MU_ERR_INPUT, "kernel: is missing; geometry %s needs a kernel",
                     kernel_parts[k]);
  PetscCall(choose_mean(c, p->energy, &g));
  g.kernel = p->geometry_kernel;
  PetscCall(MuGeometryCreate(p->grid, &g, &p->geometry));
  PetscFunctionReturn(0);
}

/* A conditionally positive definite kernel measures only differences of equal mass. */
static PetscErrorCode check_conditional(const MuProblemParts *p) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  PetscBool conditional = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(p->geometry, &g));
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  PetscBool conserved = PETSC_TRUE;
  for (PetscInt k = 0; k < g->parts; ++k) {
    if (!MuPartIsReaction(g->name[k])) continue;
    conserved = (PetscBool)(conserved && (g->spherical || !strcmp(g->name[k], "mmd")));
  }
  if (p->energy_kernel && has_name(e->terms, e->name, "mmd")) {
    PetscCall(MuKernelIsConditional(p->energy_kernel, &conditional));
    if (conditional && !conserved)
      return MuError(MU_ERR_INPUT,
                     "kernel_type: riesz compares only measures of equal mass, which this geometry "
                     "does not conserve; set geometry_spherical or use another kernel");
  }
  PetscFunctionReturn(0);
}

/* Mass where pi vanishes: the energy is infinite under kl and its kin. */
static PetscErrorCode check_support(const MuProblemParts *p) {
  static const char *const names[] = {"kl", "chi2", "power"};
  const MuEnergySpec *e;
  const MuGridInfo *info;
  const PetscReal *rho, *log_pi;
  PetscReal mass = 0;
  const char *who = NULL;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  PetscCall(MuGridGetInfo(p->grid, &info));
  for (int k = 0; k < 3 && !who; ++k)
    if ((k < 2 || e->power_exponent >= 1) && has_name(e->terms, e->name, names[k])) who = names[k];
  if (!who) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(p->initial, &rho));
  PetscCall(VecGetArrayRead(p->log_target, &log_pi));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if (info->mask[i] && log_pi[i] == -INFINITY) mass += rho[i] * info->volume;
  PetscCall(VecRestoreArrayRead(p->log_target, &log_pi));
  PetscCall(VecRestoreArrayRead(p->initial, &rho));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mass, 1, MPIU_REAL, MPI_SUM, info->comm));
  if (mass > 0)
    return MuError(MU_ERR_INPUT,
                   "initial: has mass %.3g where the target vanishes, so that energy %s is "
                   "infinite; the target must be positive there (target_background adds some)",
                   mass, who);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ time and output */

PetscErrorCode MuCaseGetTime(MuCase c, MuFlowSpec *f) {
  PetscInt solver = MU_TRANSPORT_AUTO;
  PetscBool given;

  PetscFunctionBegin;
  MuFlowSpecDefault(f);
  PetscCall(MuCaseGetReal(c, "time_end", &f->end, NULL));
  f->step = f->end / 100;
  PetscCall(MuCaseGetReal(c, "time_step", &f->step, &given));
  PetscCall(MuCaseGetString(c, "time_scheme", &f->scheme, &given));
  PetscCall(MuCaseGetBool(c, "time_adapt", &f->adapt, &given));
  PetscCall(MuCaseGetReal(c, "time_tolerance", &f->tolerance, &given));
  PetscCall(MuCaseGetChoice(c, "time_transport_solver", &solver, &given));
  f->solver = (MuTransportSolver)solver;
  if (!f->adapt && f->end / f->step > MOST_STEPS)
    return MuError(MU_ERR_INPUT, "time_step: %g makes %g steps; at most %g are allowed", f->step,
                   f->end / f->step, MOST_STEPS);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetSnapshots(MuCase c, PetscReal end, PetscInt *snapshots, PetscReal **times) {
  PetscReal every = end / 10;
  PetscBool has_every, given;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, "output_every", &every, &has_every));
  PetscCall(MuCaseCountItems(c, "output_times", &count));
  if (count && has_every)
    return MuError(MU_ERR_INPUT, "output_times: is given together with output_every; give one");
  if (!count) {
    PetscReal intervals = PetscCeilReal(end / every - 1e-9);
    if (intervals > 1e6)
      return MuError(MU_ERR_INPUT, "output_every: %g makes %.0f snapshots; at most 1e6 are allowed",
                     every, intervals);
    *snapshots = (PetscInt)intervals + 1;
    PetscCall(PetscMalloc1(*snapshots, times));
    for (PetscInt k = 0; k < *snapshots; ++k) (*times)[k] = PetscMin(k * every, end);
    (*times)[*snapshots - 1] = end;
    PetscFunctionReturn(0);
  }
  *snapshots = count;
  PetscCall(PetscMalloc1(count, times));
  PetscCall(MuCaseGetRealArray(c, "output_times", &count, *times, &given));
  for (PetscInt k = 0; k < count; ++k) {
    PetscReal t = (*times)[k];
    if (t < 0 || t > end || (k && t <= (*times)[k - 1]))
      return MuError(MU_ERR_INPUT,
                     "output_times: %g is out of order or outside [0, time_end = %g]; times must "
                     "ascend",
                     t, end);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_diagnostics(MuCase c, MuProblemParts *p) {
  PetscBool given;

  PetscFunctionBegin;
  p->diagnostics = MU_MAX_TERMS;
  PetscCall(MuCaseGetNames(c, "output_diagnostics", MuDiagnosticGetTableRow, &p->diagnostics,
                           p->diagnostic_names, &given));
  if (!given) p->diagnostics = 0;
  if (p->diagnostics && !p->log_target)
    return MuError(MU_ERR_INPUT,
                   "output_diagnostics: %s compares with the target, which the case does not have",
                   p->diagnostic_names[0]);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode build(MuCase c, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  const MuGridInfo *info;
  PetscBool has_target;
  PetscInt choice;

  PetscFunctionBegin;
  PetscCall(MuCaseCreateGrid(c, &p->grid));
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(MuCaseGetChoice(c, "target_type", &choice, &has_target));
  if (has_target) PetscCall(MuCaseCreateLogDensity(c, "target", p->grid, &p->log_target));
  PetscCall(create_initial(c, p));
  PetscCall(create_kernel(c, "energy_kernel", info->dim, &p->energy_kernel));
  PetscCall(create_kernel(c, "geometry_kernel", info->dim, &p->geometry_kernel));
  PetscCall(create_kernel(c, "diagnostics_kernel", info->dim, &p->diagnostics_kernel));
  if (!p->diagnostics_kernel && p->energy_kernel) {
    PetscCall(MuKernelReference(p->energy_kernel));
    p->diagnostics_kernel = p->energy_kernel;
  }
  PetscCall(create_energy(c, problem));
  PetscCall(create_geometry(c, p));
  PetscCall(check_conditional(p));
  PetscCall(check_support(p));
  PetscCall(MuCaseGetTime(c, &p->flow));
  PetscCall(MuCaseGetSnapshots(c, p->flow.end, &p->snapshots, &p->snapshot_times));
  PetscCall(read_diagnostics(c, p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemCreate(MuCase c, MuProblem *problem) {
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuCaseRequire(c));
  PetscCall(PetscNew(problem));
  PetscCall(MuEventBegin(MU_EVENT_SETUP));
  failed = build(c, *problem);
  PetscCall(MuEventEnd(MU_EVENT_SETUP));
  if (failed) PetscCall(MuProblemDestroy(problem));
  PetscCall(failed);
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemDestroy(MuProblem *problem) {
  MuProblemParts *p;

  PetscFunctionBegin;
  if (!*problem) PetscFunctionReturn(0);
  p = &(*problem)->parts;
  PetscCall(MuEnergyDestroy(&p->energy));
  PetscCall(MuGeometryDestroy(&p->geometry));
  PetscCall(MuKernelDestroy(&p->energy_kernel));
  PetscCall(MuKernelDestroy(&p->geometry_kernel));
  PetscCall(MuKernelDestroy(&p->diagnostics_kernel));
  PetscCall(VecDestroy(&p->log_target));
  PetscCall(VecDestroy(&p->initial));
  PetscCall(PetscFree(p->snapshot_times));
  PetscCall(MuFormulaDestroy(&(*problem)->potential));
  PetscCall(MuFormulaDestroy(&(*problem)->interaction));
  PetscCall(MuGridDestroy(&p->grid));
  PetscCall(PetscFree(*problem));
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemGetParts(MuProblem problem, const MuProblemParts **parts) {
  *parts = &problem->parts;
  return 0;
}
