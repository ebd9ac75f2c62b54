/* Dimension scales and attributes of netCDF-4 files. */
#include "base/netcdf.h"

#include "base/hdf5.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What netCDF calls a scale that has no values; the length follows in ten places. */
#define NO_VARIABLE "This is a netCDF dimension but not a netCDF variable.%10d"

static int put_number(hid_t at, const char *name, int value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t a = H5Acreate2(at, name, H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = a < 0 || H5Awrite(a, H5T_NATIVE_INT, &value) < 0;
  if (a >= 0) H5Aclose(a);
  H5Sclose(space);
  return wrong;
}

int MuNetcdfMark(hid_t file) {
  return MuHdf5PutText(file, "Conventions", "CF-1.10") |
         put_number(file, "format_version", MU_FORMAT_VERSION);
}

/* Numbers of mudot have no units: CF writes 1. */
static int describe(hid_t set, const char *long_name) {
  return MuHdf5PutText(set, "long_name", long_name) | MuHdf5PutText(set, "units", "1");
}

int MuNetcdfCoordinate(hid_t at, const char *path, const char *long_name) {
  const char *slash = strrchr(path, '/');
  const hid_t set = H5Dopen2(at, path, H5P_DEFAULT);
  if (set < 0) return 1;
  int wrong = H5DSset_scale(set, slash ? slash + 1 : path) < 0;
  wrong |= describe(set, long_name);
  return H5Dclose(set) < 0 || wrong;
}

int MuNetcdfDimension(hid_t at, const char *name, hsize_t length) {
  char text[96];
  snprintf(text, sizeof text, NO_VARIABLE, (int)length);
  const hid_t space = H5Screate_simple(1, &length, NULL);
  const hid_t set =
      H5Dcreate2(at, name, H5T_IEEE_F32BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = set < 0 || H5DSset_scale(set, text) < 0;
  if (set >= 0) H5Dclose(set);
  H5Sclose(space);
  return wrong;
}

static int attach(hid_t at, hid_t set, const char *const dimension[]) {
  int wrong = 0;
  for (unsigned axis = 0; dimension[axis] && !wrong; ++axis) {
    const hid_t scale = H5Dopen2(at, dimension[axis], H5P_DEFAULT);
    wrong = scale < 0 || H5DSattach_scale(set, scale, axis) < 0;
    if (scale >= 0) H5Dclose(scale);
  }
  return wrong;
}

/* The values of a mask, in its own type, as CF writes flags. */
static int put_flags(hid_t set) {
  static const unsigned char values[] = {0, 1};
  const hsize_t count = sizeof values;
  const hid_t space = H5Screate_simple(1, &count, NULL);
  const hid_t a = H5Acreate2(set, "flag_values", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = a < 0 || H5Awrite(a, H5T_NATIVE_UCHAR, values) < 0;
  if (a >= 0) H5Aclose(a);
  H5Sclose(space);
  return wrong;
}

/* The number that stands for "no value": NaN, and only where numbers can be NaN. */
static int put_fill_value(hid_t set) {
  const double none = NAN;
  const hid_t type = H5Dget_type(set);
  int wrong = type < 0;
  if (type >= 0 && H5Tget_class(type) == H5T_FLOAT) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate2(set, "_FillValue", type, space, H5P_DEFAULT, H5P_DEFAULT);
    wrong = a < 0 || H5Awrite(a, H5T_NATIVE_DOUBLE, &none) < 0;
    if (a >= 0) H5Aclose(a);
    H5Sclose(space);
  }
  if (type >= 0) H5Tclose(type);
  return wrong;
}

int MuNetcdfMask(hid_t at, const char *path, const char *const dimension[]) {
  const hid_t set = H5Dopen2(at, path, H5P_DEFAULT);
  if (set < 0) return 1;
  int wrong = attach(at, set, dimension) | describe(set, "1 in the cells of the domain") |
              put_flags(set) | MuHdf5PutText(set, "flag_meanings", "obstacle domain");
  return H5Dclose(set) < 0 || wrong;
}

int MuNetcdfMasked(hid_t at, const char *path, const char *mask) {
  const hid_t set = H5Dopen2(at, path, H5P_DEFAULT);
  if (set < 0) return 1;
  const int wrong = MuHdf5PutText(set, "ancillary_variables", mask);
  return H5Dclose(set) < 0 || wrong;
}

int MuNetcdfVariable(hid_t at, const char *path, const char *const dimension[],
                     const char *long_name) {
  const hid_t set = H5Dopen2(at, path, H5P_DEFAULT);
  if (set < 0) return 1;
  int wrong = attach(at, set, dimension);
  wrong |= describe(set, long_name) | put_fill_value(set);
  return H5Dclose(set) < 0 || wrong;
}
