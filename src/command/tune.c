/* mudot tune: measures the transforms of a size, or of a case, ahead of the runs that need them. */
#include "base/cache.h"
#include "command/command.h"
#include "mudot/problem.h"

#include <stdlib.h>
#include <string.h>

/* Cells of 1 or 2 axes, as in "512,512"; 0 if the word is something else. */
static PetscInt read_cells(const char *word, PetscInt cells[2]) {
  PetscInt dim = 0;
  for (const char *c = word; *c && dim < 2;) {
    char *end;
    const long count = strtol(c, &end, 10);
    if (end == c || count < 1 || (*end && *end != ',')) return 0;
    cells[dim++] = (PetscInt)count;
    if (!*end) return dim;
    c = end + 1;
  }
  return 0;
}

static PetscErrorCode tune_extension(MuGrid grid, PetscInt dim, MuExtension extension) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuConvolution convolution;

  PetscFunctionBegin;
  MuKernelSpecDefault(&spec);
  spec.bandwidth = 1; /* reaches over the whole grid */
  spec.extension = extension;
  PetscCall(MuKernelCreate(&spec, dim, &kernel));
  for (PetscInt location = 0; location <= dim; ++location) {
    static const MuLocation locations[] = {MU_CELLS, MU_FACES_X, MU_FACES_Y};
    PetscCall(MuConvolutionCreate(grid, kernel, locations[location], &convolution));
    PetscCall(MuConvolutionDestroy(&convolution));
  }
  PetscCall(MuKernelDestroy(&kernel));
  PetscFunctionReturn(0);
}

static PetscErrorCode tune_cells(PetscInt dim, const PetscInt cells[2]) {
  static const MuExtension extensions[] = {MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC,
                                           MU_EXTENSION_ZERO};
  MuGridSpec spec = {.dim = dim, .upper = {1, 1}, .cells = {cells[0], dim == 2 ? cells[1] : 1}};
  MuGrid grid;

  PetscFunctionBegin;
  PetscCall(MuGridCreate(PETSC_COMM_WORLD, &spec, &grid));
  for (size_t k = 0; k < sizeof extensions / sizeof *extensions; ++k)
    PetscCall(tune_extension(grid, dim, extensions[k]));
  PetscCall(MuGridDestroy(&grid));
  PetscFunctionReturn(0);
}

/* A case makes the transforms that its run needs, and no others. */
static PetscErrorCode tune_case(int argc, char **argv) {
  MuCase c;
  MuProblem problem;

  PetscFunctionBegin;
  PetscCall(MuCaseCreate(PETSC_COMM_WORLD, NULL, argc, argv, &c));
  PetscErrorCode code = MuProblemCreate(c, &problem);
  if (!code) code = MuProblemDestroy(&problem);
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

static PetscErrorCode tune(MuTableRow commands, int argc, char **argv) {
  char folder[PETSC_MAX_PATH_LEN];
  PetscInt cells[2], dim;

  PetscFunctionBegin;
  (void)commands;
  if (!argc)
    return MuError(MU_ERR_INPUT,
                   "tune: needs the cells of a grid or a case, as in \"mudot tune 512,512\" or "
                   "\"mudot tune case.yaml\"");
  if (!MuCacheFolder(folder))
    return MuError(
        MU_ERR_FILE,
        "tune: nothing can be kept; MUDOT_CACHE is \"off\", or neither XDG_CACHE_HOME nor "
        "HOME names a folder that can be written to");
  dim = read_cells(argv[0], cells);
  if (dim && argc > 1)
    return MuError(MU_ERR_INPUT, "tune: \"%s\" follows the cells; nothing more is allowed",
                   argv[1]);
  if (dim)
    PetscCall(tune_cells(dim, cells));
  else
    PetscCall(tune_case(argc, argv));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "plans are kept in %s\n", folder));
  PetscFunctionReturn(0);
}

static PetscErrorCode help(FILE *out) {
  fprintf(out,
          "\nMeasures the transforms of a grid of so many cells (kernels that reach over the whole "
          "grid, every extension),\nor exactly those of a case, and keeps the plans in "
          "$XDG_CACHE_HOME/mudot, so that the first run does not\nhave to. Grids below 65536 cells "
          "need no measuring.\n");
  return 0;
}

const MuCommand mu_command_tune = {
    .name = "tune",
    .usage = "CELLS|CASE.yaml [-key value ...]",
    .summary = "measure the transforms of a grid ahead of its runs",
    .run = tune,
    .chapter = "running",
    .help = help,
};
