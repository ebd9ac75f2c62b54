/* Where a case lives: its grid with mask, and whether the memory for it is there. */
#include "base/files.h"
#include "measure/samples.h"
#include "mudot/flow.h"
#include "mudot/geometry.h"
#include "output/terminal.h"
#include "problem/problem.h"

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

#define EXTRAPOLATION 40 /* doubles per cell of its rows and columns, at the least tolerance */

/* About how many doubles per cell a run holds at its peak, from runs of 1024 x 1024 cells (closed
   form 40, transport 100 to 120, of 512 x 512 a factorisation 170, growing like the logarithm).
   leaps: it extrapolates; otherwise the case tells. */
static PetscErrorCode doubles_per_cell(MuCase c, PetscInt dim, PetscReal cells, PetscBool leaps,
                                       PetscReal *doubles) {
  char key[64], nearest[64];
  const char *name, *formula;
  MuTransportSolver solver;
  MuPartKind kind = MU_PART_ALL;
  PetscReal unused;
  PetscBool transport = PETSC_FALSE, number, given;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuGeometryGetTableRow(i, &name, &formula));
    if (!name) break;
    snprintf(key, sizeof key, "geometry_%s", name);
    PetscCall(MuCaseHasKey(c, key, &number, &given, nearest));
    PetscCall(MuGeometryGetKind(name, &kind));
    if (given && kind == MU_PART_TRANSPORT) transport = PETSC_TRUE;
  }
  PetscCall(MuCaseGetTransportSolver(c, &solver));
  *doubles = MU_LEAST_FIELDS;
  if (!transport || dim == 1) PetscFunctionReturn(0);
  *doubles += solver == MU_TRANSPORT_DIRECT ? 7 * PetscLog2Real(cells) : 60;
  PetscCall(MuCaseGetReal(c, "time_tolerance", &unused, &given));
  PetscCall(MuCaseGetReal(c, "time_step", &unused, &number));
  if (leaps || (given && !number)) *doubles += EXTRAPOLATION;
  PetscFunctionReturn(0);
}

/* Before anything is allocated. */
static PetscErrorCode check_memory(MuCase c, const MuGridSpec *spec, MPI_Comm comm) {
  const PetscInt ny = spec->dim == 2 ? spec->cells[1] : 1;
  const PetscReal cells = (PetscReal)spec->cells[0] * (PetscReal)ny;
  PetscReal doubles = MU_LEAST_FIELDS;
  char what[64];

  PetscFunctionBegin;
  PetscCall(doubles_per_cell(c, spec->dim, cells, PETSC_FALSE, &doubles));
  if (spec->dim == 2)
    snprintf(what, sizeof what, "%d x %d cells", (int)spec->cells[0], (int)ny);
  else
    snprintf(what, sizeof what, "%d cells", (int)spec->cells[0]);
  PetscCall(
      MuCheckMemory(comm, "grid_cells", what, doubles * cells * (PetscReal)sizeof(PetscReal)));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseEstimateMemory(MuCase c, PetscInt refinement, PetscReal *bytes) {
  MuGridSpec spec;
  PetscReal cells = 1, doubles = MU_LEAST_FIELDS;

  PetscFunctionBegin;
  PetscCall(MuCaseGetGridSpec(c, &spec));
  for (PetscInt a = 0; a < spec.dim; ++a) cells *= (PetscReal)refinement * (PetscReal)spec.cells[a];
  PetscCall(doubles_per_cell(c, spec.dim, cells, PETSC_TRUE, &doubles));
  *bytes = doubles * cells * (PetscReal)sizeof(PetscReal);
  PetscFunctionReturn(0);
}

/* Every cell of a mask becomes factor^dim cells, freed by the caller. */
static PetscErrorCode refine_mask(const MuGridSpec *spec, PetscInt factor,
                                  const unsigned char *mask, unsigned char **fine) {
  const PetscInt nx = spec->cells[0] * factor, plane = spec->dim == 2 ? factor : 1;
  const PetscInt ny = (spec->dim == 2 ? spec->cells[1] : 1) * plane;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)nx * (size_t)ny, fine));
  for (PetscInt j = 0; j < ny; ++j)
    for (PetscInt i = 0; i < nx; ++i)
      (*fine)[j * nx + i] = mask[j / plane * spec->cells[0] + i / factor];
  PetscFunctionReturn(0);
}

/* The grid of a specification of the case's own cells, with or without their mask. */
static PetscErrorCode create_refined(MPI_Comm comm, MuGridSpec *spec, PetscInt factor,
                                     const unsigned char *mask, MuGrid *grid) {
  unsigned char *fine = NULL;

  PetscFunctionBegin;
  if (mask && factor > 1) PetscCall(refine_mask(spec, factor, mask, &fine));
  spec->mask = fine ? fine : mask;
  for (PetscInt a = 0; a < spec->dim; ++a) spec->cells[a] *= factor;
  PetscErrorCode failed = MuGridCreate(comm, spec, grid);
  PetscCall(PetscFree(fine));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuCaseCreateGrid(MuCase c, PetscInt refinement, MuGrid *grid) {
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
  if (!failed)
    failed = create_refined(comm, &spec, refinement, image || formula ? mask : NULL, grid);
  PetscCall(PetscFree(mask));
  PetscCall(failed);
  if (refinement == 1) PetscCall(warn_of_components(*grid));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ dimension */

static PetscErrorCode ratio_of_items(MuCase c, const char *above, const char *below,
                                     PetscInt *ratio) {
  PetscInt a, b;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(c, above, &a));
  PetscCall(MuCaseCountItems(c, below, &b));
  if (*ratio == 0 && a > 0 && b > 0) *ratio = PetscMax(a / b, 1);
  PetscFunctionReturn(0);
}

/* d from the grid, from dimension, or from the lengths of means and covariances. */
PetscErrorCode MuCaseGetDimension(MuCase c, PetscBool has_grid, PetscInt *dim) {
  PetscInt stated = 0;
  PetscBool given;

  PetscFunctionBegin;
  *dim = 0;
  PetscCall(MuCaseGetInt(c, "particles_dimension", &stated, &given));
  if (has_grid) {
    PetscCall(MuCaseCountItems(c, "grid_lower", dim));
    if (given && stated != *dim)
      return MuError(MU_ERR_INPUT,
                     "particles_dimension: %d is given, but the grid has dimension %d", (int)stated,
                     (int)*dim);
    PetscFunctionReturn(0);
  }
  *dim = stated;
  if (*dim == 0) PetscCall(MuCaseCountItems(c, "target_mean", dim));
  if (*dim == 0) PetscCall(MuCaseCountItems(c, "initial_mean", dim));
  PetscCall(ratio_of_items(c, "target_covariances", "target_means", dim));
  PetscCall(ratio_of_items(c, "initial_covariances", "initial_means", dim));
  if (*dim == 0)
    return MuError(MU_ERR_INPUT,
                   "particles_dimension: is missing; without a grid the dimension comes from it, "
                   "or from the mean of a gaussian or the covariances of a mixture");
  PetscFunctionReturn(0);
}
