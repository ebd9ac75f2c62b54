/* What makes an HDF5 file a netCDF-4 file as well: every dimension is an HDF5 dimension scale, a
   variable names its dimensions, and attributes follow the CF conventions (cfconventions.org). The
   functions return what is not 0 if HDF5 failed; the caller has the sentence. Private to the layers
   from case/ up. NetCDF-4 file format specification, docs.unidata.ucar.edu, appendix C. */
#ifndef MUDOT_NETCDF_H
#define MUDOT_NETCDF_H

#include <hdf5.h>

#define MU_FORMAT_VERSION 2 /* of the files' layout; those of 0.2 do not say it, and are 1 */

/* Attributes Conventions and format_version of the root. */
int MuNetcdfMark(hid_t file);
/* Makes the one-dimensional dataset `path` the coordinate variable of the dimension of its name,
   with a line that says what it is; lines end up in ncdump and at the axes of plots. */
int MuNetcdfCoordinate(hid_t at, const char *path, const char *long_name);
/* A dimension without coordinates: a dataset without values that has its name and length. */
int MuNetcdfDimension(hid_t at, const char *name, hsize_t length);
/* Names the dimensions of a dataset: the paths of their scales from the root, slowest first, NULL
   at the end, and says what it is. NaN is the _FillValue of floating-point numbers. */
int MuNetcdfVariable(hid_t at, const char *path, const char *const dimension[],
                     const char *long_name);
/* The same for a dataset of bytes that is 1 in the cells of the domain and 0 in obstacles. */
int MuNetcdfMask(hid_t at, const char *path, const char *const dimension[]);
/* Says that the values of the dataset `path` count only where the dataset `mask` is 1: outside they
   are 0, which is a density too, and so no _FillValue. */
int MuNetcdfMasked(hid_t at, const char *path, const char *mask);

#endif
