/* Reading HDF5 files that may hold anything, and writing small ones. */
#include "base/hdf5.h"
#include "base/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_DIMS = 3, LONGEST_TEXT = 1 << 24 };

PetscErrorCode MuHdf5Open(const char *path, hid_t *file) {
  PetscFunctionBegin;
  *file = -1;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  PetscCall(MuFileCheck(NULL, path));
  if (H5Fis_hdf5(path) <= 0) return MuError(MU_ERR_FILE, "%s: is not an HDF5 file", path);
  *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (*file < 0) return MuError(MU_ERR_FILE, "%s: this HDF5 file cannot be opened", path);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ datasets */

static PetscErrorCode check_extent(const char *path, const char *name, PetscInt most, int dims,
                                   const hsize_t size[], PetscInt extent[]) {
  hsize_t values = 1;

  PetscFunctionBegin;
  for (int a = 0; a < dims; ++a) {
    if (size[a] > PETSC_MAX_INT || (size[a] && values > PETSC_MAX_INT / size[a]))
      return MuError(MU_ERR_FILE, "%s: the dataset %s has too many values", path, name);
    values *= size[a];
  }
  for (PetscInt a = 0; a < most; ++a) extent[a] = a < dims ? (PetscInt)size[a] : 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode find_shape(hid_t set, const char *path, const char *name, PetscInt most,
                                 PetscInt *dims, PetscInt extent[]) {
  hid_t space = H5Dget_space(set), type = H5Dget_type(set);
  const H5T_class_t kind = H5Tget_class(type);
  const H5S_class_t form = H5Sget_simple_extent_type(space);
  const int n = form == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space) : 0;
  hsize_t size[MOST_DIMS] = {0};

  PetscFunctionBegin;
  if (n > 0 && n <= most) H5Sget_simple_extent_dims(space, size, NULL);
  H5Sclose(space);
  H5Tclose(type);
  if ((kind != H5T_FLOAT && kind != H5T_INTEGER) || (form != H5S_SIMPLE && form != H5S_SCALAR))
    return MuError(MU_ERR_FILE, "%s: the dataset %s does not hold numbers", path, name);
  if (n < 0 || n > most)
    return MuError(MU_ERR_FILE, "%s: the dataset %s has %d dimensions; at most %d are allowed",
                   path, name, n, (int)most);
  *dims = n;
  PetscCall(check_extent(path, name, most, n, size, extent));
  PetscFunctionReturn(0);
}

/* Data that a file only points to would be read from paths that nobody named. */
static herr_t refuse_link(const char *parent_file, const char *parent_group, const char *child_file,
                          const char *child_object, unsigned *flags, hid_t access, void *ctx) {
  (void)parent_file, (void)parent_group, (void)child_file, (void)child_object;
  (void)flags, (void)access, (void)ctx;
  return -1;
}

static PetscBool lies_elsewhere(hid_t set) {
  const hid_t created = H5Dget_create_plist(set);
  if (created < 0) return PETSC_TRUE;
  const PetscBool elsewhere =
      (PetscBool)(H5Pget_external_count(created) != 0 || H5Pget_layout(created) == H5D_VIRTUAL);
  H5Pclose(created);
  return elsewhere;
}

static PetscErrorCode open_dataset(hid_t file, const char *path, const char *name, hid_t *set) {
  const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);

  PetscFunctionBegin;
  *set = -1;
  if (H5Pset_elink_cb(access, refuse_link, NULL) >= 0) *set = H5Dopen2(file, name, access);
  H5Pclose(access);
  if (*set < 0) return MuError(MU_ERR_FILE, "%s: there is no dataset %s in this file", path, name);
  if (lies_elsewhere(*set)) {
    H5Dclose(*set);
    return MuError(MU_ERR_FILE, "%s: the dataset %s lies in another file; it must lie in this one",
                   path, name);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuHdf5Shape(hid_t file, const char *path, const char *name, PetscInt most,
                           PetscInt *dims, PetscInt extent[]) {
  PetscErrorCode code;
  hid_t set;

  PetscFunctionBegin;
  PetscCheck(most <= MOST_DIMS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d dimensions",
             (int)most);
  PetscCall(open_dataset(file, path, name, &set));
  code = find_shape(set, path, name, most, dims, extent);
  H5Dclose(set);
  PetscFunctionReturn(code);
}

/* The values of an item go to a dense array of their own. */
static herr_t read_values(hid_t set, PetscInt index, hsize_t count, PetscReal *values) {
  hid_t space = H5Dget_space(set), memory = H5Screate_simple(1, &count, NULL);
  hsize_t start[MOST_DIMS] = {index > 0 ? (hsize_t)index : 0}, size[MOST_DIMS] = {0};
  const int dims = H5Sget_simple_extent_ndims(space);
  herr_t status = dims < 0 || dims > MOST_DIMS ? -1 : 0;
  if (status == 0 && dims > 0) {
    H5Sget_simple_extent_dims(space, size, NULL);
    if (index >= 0) size[0] = 1;
    status = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  }
  if (status >= 0 && H5Sget_select_npoints(space) != (hssize_t)count) status = -1;
  if (status >= 0) status = H5Dread(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values);
  H5Sclose(memory);
  H5Sclose(space);
  return status;
}

PetscErrorCode MuHdf5Read(hid_t file, const char *path, const char *name, PetscInt index,
                          PetscInt count, PetscReal *values) {
  hid_t set;

  PetscFunctionBegin;
  PetscCall(open_dataset(file, path, name, &set));
  const herr_t status = read_values(set, index, (hsize_t)count, values);
  H5Dclose(set);
  if (status < 0) return MuError(MU_ERR_FILE, "%s: the dataset %s cannot be read", path, name);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ attributes */

static PetscErrorCode read_variable(hid_t attribute, char **text, PetscBool *good) {
  hid_t type = H5Tcopy(H5T_C_S1), own = H5Aget_type(attribute);
  char *read = NULL;

  PetscFunctionBegin;
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5Tget_cset(own));
  *good = (PetscBool)(H5Aread(attribute, type, &read) >= 0 && read && strlen(read) <= LONGEST_TEXT);
  if (*good) PetscCall(PetscStrallocpy(read, text));
  if (read) H5free_memory(read);
  H5Tclose(own);
  H5Tclose(type);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_fixed(hid_t attribute, hid_t type, char **text, PetscBool *good) {
  const size_t size = H5Tget_size(type);

  PetscFunctionBegin;
  *good = (PetscBool)(size > 0 && size <= LONGEST_TEXT);
  if (!*good) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(size + 1, text));
  *good = (PetscBool)(H5Aread(attribute, type, *text) >= 0);
  if (!*good) PetscCall(PetscFree(*text));
  PetscFunctionReturn(0);
}

PetscErrorCode MuHdf5Text(hid_t file, const char *path, const char *name, char **text) {
  PetscErrorCode code = 0;
  PetscBool good = PETSC_FALSE;

  PetscFunctionBegin;
  *text = NULL;
  if (H5Aexists(file, name) <= 0) PetscFunctionReturn(0);
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  if (attribute >= 0) {
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1)
      code = H5Tis_variable_str(type) > 0 ? read_variable(attribute, text, &good)
                                          : read_fixed(attribute, type, text, &good);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
  }
  PetscCall(code);
  if (!good) return MuError(MU_ERR_FILE, "%s: the attribute %s is not a text", path, name);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ writing */

hid_t MuHdf5Create(void) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hid_t file = -1;
  if (H5Pset_fapl_core(access, 1 << 20, 0) >= 0)
    file = H5Fcreate("mudot.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  return file;
}

/* The bytes of a file in memory, freed by the caller; NULL if there is no room. */
static void *image_of(hid_t file, size_t *size) {
  ssize_t length = -1;
  void *image = NULL;
  if (H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) length = H5Fget_file_image(file, NULL, 0);
  if (length > 0) image = malloc((size_t)length);
  if (image && H5Fget_file_image(file, image, (size_t)length) < 0) {
    free(image);
    image = NULL;
  }
  *size = length > 0 ? (size_t)length : 0;
  return image;
}

int MuHdf5Finish(hid_t file, const char *path, int wrong) {
  size_t size = 0;
  if (file < 0) return 1;
  void *image = wrong ? NULL : image_of(file, &size);
  H5Fclose(file);
  if (!image) return 1;
  errno = 0;
  FILE *out = MuFileCreate(path);
  wrong = !out || fwrite(image, 1, size, out) != size;
  if (out && fclose(out) != 0) wrong = 1;
  free(image);
  return wrong;
}

int MuHdf5PutText(hid_t at, const char *name, const char *text) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), attribute;
  H5Tset_size(type, H5T_VARIABLE); /* h5py reads a str, as from run.h5 */
  H5Tset_cset(type, H5T_CSET_UTF8);
  attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = attribute < 0 || H5Awrite(attribute, type, &text) < 0;
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  return wrong;
}

int MuHdf5PutNumber(hid_t at, const char *name, double value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t a = H5Acreate2(at, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = a < 0 || H5Awrite(a, H5T_NATIVE_DOUBLE, &value) < 0;
  H5Aclose(a);
  H5Sclose(space);
  return wrong;
}

int MuHdf5PutArray(hid_t at, const char *name, int rank, const hsize_t *shape,
                   const double *values) {
  hid_t space = H5Screate_simple(rank, shape, NULL);
  hid_t set = H5Dcreate2(at, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  int wrong =
      set < 0 || H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0;
  H5Dclose(set);
  H5Sclose(space);
  return wrong;
}
