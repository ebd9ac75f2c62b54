/* The particles of a comparison, as far as a figure shows them. */
#include "particles/compare_impl.h"

#include "base/hdf5.h"
#include "base/netcdf.h"

PetscErrorCode MuKeptCloudCreate(PetscInt dim, PetscInt n, const PetscReal *x, const PetscReal *w,
                                 MuKeptCloud *cloud) {
  const PetscInt every = (n + MU_COMPARE_KEPT - 1) / MU_COMPARE_KEPT;
  PetscReal sum = 0;

  PetscFunctionBegin;
  cloud->n = 0;
  PetscCall(PetscMalloc2(MU_COMPARE_KEPT * dim, &cloud->x, MU_COMPARE_KEPT, &cloud->w));
  for (PetscInt i = 0; i < n; i += every) {
    for (PetscInt a = 0; a < dim; ++a) cloud->x[cloud->n * dim + a] = x[i * dim + a];
    cloud->w[cloud->n++] = w[i];
    sum += w[i];
  }
  for (PetscInt i = 0; i < cloud->n; ++i) cloud->w[i] /= sum;
  PetscFunctionReturn(0);
}

PetscErrorCode MuKeptCloudDestroy(MuKeptCloud *cloud) {
  PetscFunctionBegin;
  PetscCall(PetscFree2(cloud->x, cloud->w));
  PetscFunctionReturn(0);
}

/* Rows of `width` numbers a particle, one row for every time. */
static int put(const MuCompare c, hid_t at, const char *name, PetscInt width, PetscInt most,
               double *value) {
  const hsize_t shape[] = {(hsize_t)c->rows, (hsize_t)most, (hsize_t)width};
  const PetscBool position = (PetscBool)(name[0] == 'p');
  for (PetscInt i = 0; i < c->rows; ++i) {
    const MuKeptCloud *cloud = &c->cloud[i];
    const PetscReal *from = position ? cloud->x : cloud->w;
    for (PetscInt k = 0; k < most * width; ++k)
      value[i * most * width + k] = k < cloud->n * width ? from[k] : NAN;
  }
  return MuHdf5PutArray(at, name, position ? 3 : 2, shape, value);
}

int MuKeptCloudWrite(MuCompare c, hid_t file) {
  static const char *const dimensions[] = {"/time", "/cloud/particle", "/cloud/axis", NULL};
  static const char *const two[] = {"/time", "/cloud/particle", NULL};
  PetscInt most = 1;
  double *value;
  for (PetscInt i = 0; i < c->rows; ++i) most = PetscMax(most, c->cloud[i].n);
  if (PetscMalloc1(c->rows * most * c->info->dim, &value)) return 1;
  hid_t at = H5Gcreate2(file, "cloud", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = at < 0;
  if (!wrong) {
    wrong |= put(c, at, "position", c->info->dim, most, value);
    wrong |= put(c, at, "weight", 1, most, value);
    wrong |= MuNetcdfDimension(at, "particle", (hsize_t)most);
    wrong |= MuNetcdfDimension(at, "axis", (hsize_t)c->info->dim);
    wrong |= MuNetcdfVariable(at, "position", dimensions, "some of the particles");
    wrong |= MuNetcdfVariable(at, "weight", two, "their weights");
    wrong |= H5Gclose(at) < 0;
  }
  return PetscFree(value) || wrong;
}
