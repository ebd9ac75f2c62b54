/* Reading one dataset of an HDF5 file, on one rank. */
#include "case/case_impl.h"

#include <hdf5.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static PetscErrorCode read_values(hid_t set, const char *file, const char *dataset, PetscInt *dim,
                                  PetscInt shape[2], PetscReal **values) {
  hid_t space = H5Dget_space(set), type = H5Dget_type(set);
  const H5T_class_t kind = H5Tget_class(type);
  const int n = H5Sget_simple_extent_ndims(space);
  hsize_t extent[2] = {1, 1};

  PetscFunctionBegin;
  if (n == 1 || n == 2) H5Sget_simple_extent_dims(space, extent + 2 - n, NULL);
  H5Sclose(space);
  H5Tclose(type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER)
    return MuError(MU_ERR_FILE, "%s: the dataset %s does not hold numbers", file, dataset);
  if (n != 1 && n != 2)
    return MuError(MU_ERR_FILE, "%s: the dataset %s has %d dimensions; allowed are 1 and 2", file,
                   dataset, n);
  *dim = n;
  shape[0] = (PetscInt)extent[0];
  shape[1] = (PetscInt)extent[1];
  PetscCall(PetscMalloc1(extent[0] * extent[1], values));
  if (H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, *values) < 0) {
    PetscCall(PetscFree(*values));
    return MuError(MU_ERR_FILE, "%s: the dataset %s cannot be read", file, dataset);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode open_and_read(const char *file, const char *dataset, PetscInt *dim,
                                    PetscInt shape[2], PetscReal **values) {
  PetscErrorCode failed;
  hid_t handle, set;

  PetscFunctionBegin;
  if (H5Fis_hdf5(file) <= 0)
    return MuError(MU_ERR_FILE, "%s: neither an HDF5 file nor a grey map (P2 or P5)", file);
  handle = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (handle < 0) return MuError(MU_ERR_FILE, "%s: this HDF5 file cannot be opened", file);
  set = H5Dopen2(handle, dataset, H5P_DEFAULT);
  if (set < 0) {
    H5Fclose(handle);
    return MuError(MU_ERR_FILE, "%s: there is no dataset %s in this file", file, dataset);
  }
  failed = read_values(set, file, dataset, dim, shape, values);
  H5Dclose(set);
  H5Fclose(handle);
  return failed;
}

PetscErrorCode MuDatasetRead(const char *file, const char *dataset, PetscInt *dim,
                             PetscInt shape[2], PetscReal **values) {
  H5E_auto2_t print;
  void *print_ctx;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *values = NULL;
  H5Eget_auto2(H5E_DEFAULT, &print, &print_ctx); /* the sentence replaces HDF5's trace */
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  failed = open_and_read(file, dataset, dim, shape, values);
  H5Eset_auto2(H5E_DEFAULT, print, print_ctx);
  return failed;
}
