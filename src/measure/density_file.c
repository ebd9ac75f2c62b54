/* file: a density at the cells, from a dataset or a grey map. */
#include "base/npy.h"
#include "measure/density_impl.h"
#include "measure/measure_impl.h"

#include <stdio.h>

/* An array [ny][nx], or [nx], which is one row. */
static PetscErrorCode read_npy(MuDensity d, const char *key, const MuDensitySpec *spec) {
  const char *array = spec->dataset && *spec->dataset ? spec->dataset : NULL;
  PetscInt dims, extent[2] = {0};

  PetscFunctionBegin;
  PetscCall(MuNpyRead(key, spec->file, array, 2, &dims, extent, &d->values));
  d->shape[0] = dims == 2 ? extent[0] : 1;
  d->shape[1] = extent[dims - 1];
  PetscFunctionReturn(0);
}

/* A dataset of one density; of a run's snapshots there may be several. */
static PetscErrorCode read_dataset(MuDensity d, const char *dataset, const char *file) {
  PetscBool is_of_run;
  PetscErrorCode code;
  PetscInt dim;

  PetscFunctionBegin;
  code = MuDatasetRead(file, dataset, &dim, d->shape, &d->values);
  if (strcmp(dataset, "density") != 0 || (!code && d->shape[0] == 1)) PetscFunctionReturn(code);
  if (!MuDatasetIsOfRun(file, &is_of_run) && is_of_run)
    return MuError(MU_ERR_INPUT,
                   "%s_file: %s holds the snapshots of a run; %s_type run takes one of them, with "
                   "%s_directory and %s_time",
                   d->block, file, d->block, d->block, d->block);
  PetscFunctionReturn(code);
}

static PetscErrorCode read_file(MuDensity d, const MuDensitySpec *spec) {
  const char *dataset = spec->dataset && *spec->dataset ? spec->dataset : "density";
  PetscBool is_pgm;
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_file", d->block);
  PetscCall(MuPgmRecognise(key, spec->file, &is_pgm));
  if (MuNpyRecognise(spec->file))
    PetscCall(read_npy(d, key, spec));
  else if (is_pgm)
    PetscCall(MuPgmReadLocal(spec->file, &d->shape[1], &d->shape[0], &d->values));
  else
    PetscCall(read_dataset(d, dataset, spec->file));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_file(MuDensity d, const MuDensitySpec *spec) {
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  if (!spec->file || !*spec->file)
    return MuError(MU_ERR_INPUT, "%s_file: the name of the file is missing", d->block);
  if (d->rank == 0) failed = read_file(d, spec);
  PetscCall(MuErrorAgree(d->comm, failed));
  PetscCallMPI(MPI_Bcast(d->shape, 2, MPIU_INT, 0, d->comm));
  PetscFunctionReturn(0);
}

/* Every rank's part of the array on rank 0. */
static PetscErrorCode scatter(MuDensity d, const MuCells *cells, PetscReal *part) {
  const int mine[2] = {(int)cells->first, (int)cells->count};
  int *ranges, *starts, *counts;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(d->comm, &size));
  PetscCall(PetscMalloc3(2 * size, &ranges, size, &starts, size, &counts));
  PetscCallMPI(MPI_Gather(mine, 2, MPI_INT, ranges, 2, MPI_INT, 0, d->comm));
  for (PetscMPIInt r = 0; r < size && d->rank == 0; ++r) {
    starts[r] = ranges[2 * r];
    counts[r] = ranges[2 * r + 1];
  }
  PetscCallMPI(MPI_Scatterv(d->values, counts, starts, MPIU_REAL, part, (PetscMPIInt)cells->count,
                            MPIU_REAL, 0, d->comm));
  PetscCall(PetscFree3(ranges, starts, counts));
  PetscFunctionReturn(0);
}

static PetscErrorCode convert_values(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < cells->count; ++i)
    if (MuCellIsInside(cells, i))
      PetscCall(
          MuDensityCheckValue(d, cells, i, "file", PETSC_FALSE, log_density[i], &log_density[i]));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_file(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  if (d->shape[0] != cells->cells[1] || d->shape[1] != cells->cells[0]) {
    if (d->dim == 1)
      return MuError(MU_ERR_INPUT,
                     "%s_file: wrong shape: the file has [%d, %d] values ([rows, columns]), the "
                     "grid has [%d] cells",
                     d->block, (int)d->shape[0], (int)d->shape[1], (int)cells->cells[0]);
    return MuError(MU_ERR_INPUT,
                   "%s_file: wrong shape: the file has [%d, %d] values ([rows, columns]), the grid "
                   "has [%d, %d] cells ([ny, nx])",
                   d->block, (int)d->shape[0], (int)d->shape[1], (int)cells->cells[1],
                   (int)cells->cells[0]);
  }
  PetscCall(scatter(d, cells, log_density));
  PetscCall(MuErrorAgree(d->comm, convert_values(d, cells, log_density)));
  PetscFunctionReturn(0);
}

static PetscErrorCode file_law(MuLaw law, const MuDensitySpec *spec) {
  (void)spec;
  law->kind = MU_LAW_CELLS;
  return 0;
}

static const MuDensityField fields[] = {
    {"file", MU_FIELD_PATH, offsetof(MuDensitySpec, file), 0, PETSC_FALSE},
    {"dataset", MU_FIELD_TEXT, offsetof(MuDensitySpec, dataset), 0, PETSC_TRUE},
    {.name = NULL}};

const MuDensityOps MuDensityFile = {
    .name = "file",
    .formula = "values at the cells: an HDF5 dataset, an array (.npy, .npz), a PGM image",
    .fields = fields,
    .traits = {.of_cells = PETSC_TRUE},
    .needs_grid = PETSC_TRUE,
    .create = create_file,
    .fill = fill_file,
    .collective = PETSC_TRUE,
    .law = file_law};
