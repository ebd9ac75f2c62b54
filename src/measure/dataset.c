/* Reading one dataset of an HDF5 file, on one rank. */
#include "measure/measure_impl.h"

#include "base/files.h"
#include "base/hdf5.h"

enum { MOST_VALUES = PETSC_MAX_INT / 16 }; /* as many as a grid has cells */

static PetscErrorCode read_values(hid_t handle, const char *file, const char *dataset,
                                  PetscInt *dim, PetscInt shape[2], PetscReal **values) {
  PetscInt extent[2];

  PetscFunctionBegin;
  PetscCall(MuHdf5Shape(handle, file, dataset, 2, dim, extent));
  if (*dim == 0)
    return MuError(MU_ERR_FILE, "%s: the dataset %s has 0 dimensions; allowed are 1 and 2", file,
                   dataset);
  if (extent[1] && extent[0] > MOST_VALUES / extent[1])
    return MuError(MU_ERR_FILE, "%s: the dataset %s has %d x %d values; at most %d are allowed",
                   file, dataset, (int)extent[0], (int)extent[1], MOST_VALUES);
  shape[0] = *dim == 2 ? extent[0] : 1;
  shape[1] = extent[*dim - 1];
  PetscCall(PetscMalloc1(shape[0] * shape[1], values));
  PetscErrorCode code = MuHdf5Read(handle, file, dataset, -1, shape[0] * shape[1], *values);
  if (code) PetscCall(PetscFree(*values));
  PetscFunctionReturn(code);
}

PetscErrorCode MuDatasetIsOfRun(const char *file, PetscBool *is_of_run) {
  hid_t handle;

  PetscFunctionBegin;
  *is_of_run = PETSC_FALSE;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (H5Fis_hdf5(file) <= 0) PetscFunctionReturn(0);
  PetscCall(MuHdf5Open(file, &handle));
  *is_of_run = (PetscBool)(H5Lexists(handle, "ledger", H5P_DEFAULT) > 0);
  H5Fclose(handle);
  PetscFunctionReturn(0);
}

PetscErrorCode MuDatasetRead(const char *file, const char *dataset, PetscInt *dim,
                             PetscInt shape[2], PetscReal **values) {
  PetscErrorCode code;
  hid_t handle;

  PetscFunctionBegin;
  *values = NULL;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  PetscCall(MuFileCheck(NULL, file));
  if (H5Fis_hdf5(file) <= 0)
    return MuError(MU_ERR_FILE, "%s: neither an HDF5 file nor a grey map (P2 or P5)", file);
  PetscCall(MuHdf5Open(file, &handle));
  code = read_values(handle, file, dataset, dim, shape, values);
  H5Fclose(handle);
  PetscFunctionReturn(code);
}
