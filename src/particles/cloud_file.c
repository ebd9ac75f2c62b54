/* Writing one cloud of particles, as CSV or in the layout of particles.h5. */
#include "base/files.h"
#include "base/hdf5.h"
#include "base/lock.h"
#include "base/netcdf.h"
#include "base/npy.h"
#include "output/terminal.h"

#include <errno.h>
#include <unistd.h>

static int print_rows(const MuCloudFile *cloud, FILE *out) {
  int wrong = fprintf(out, "# %s\n%s\n", cloud->origin, cloud->dim == 1 ? "x" : "x,y") < 0;
  for (PetscInt i = 0; i < cloud->n && !wrong; ++i)
    for (PetscInt a = 0; a < cloud->dim; ++a)
      wrong |= fprintf(out, "%.17g%c", cloud->position[i * cloud->dim + a],
                       a + 1 < cloud->dim ? ',' : '\n') < 0;
  return wrong;
}

static int write_csv(const MuCloudFile *cloud, const char *path) {
  FILE *out = MuFileCreate(path);
  if (!out) return 1;
  int wrong = print_rows(cloud, out);
  return fclose(out) != 0 || wrong;
}

static int write_npy(const MuCloudFile *cloud, const char *path) {
  FILE *out = MuFileCreate(path);
  if (!out) return 1;
  int wrong = MuNpyWrite(out, cloud->n, cloud->dim, cloud->position);
  return fclose(out) != 0 || wrong;
}

/* The dimensions of particles.h5. */
static int name_dimensions(hid_t file, const hsize_t size[3]) {
  static const char *const dimension[] = {"/time", "/particle", "/axis", NULL};
  static const char *const two[] = {"/time", "/particle", NULL};
  return MuNetcdfMark(file) | MuNetcdfCoordinate(file, "time", "time") |
         MuNetcdfDimension(file, "particle", size[1]) | MuNetcdfDimension(file, "axis", size[2]) |
         MuNetcdfVariable(file, "position", dimension, "positions of the particles") |
         MuNetcdfVariable(file, "weight", two, "weights of the particles");
}

static int write_hdf5(const MuCloudFile *cloud, const char *path) {
  const hsize_t n = (hsize_t)cloud->n, one[1] = {1}, pair[2] = {1, n};
  const hsize_t triple[3] = {1, n, (hsize_t)cloud->dim};
  double *weight;
  if (PetscMalloc1(cloud->n, &weight)) return 1;
  for (PetscInt i = 0; i < cloud->n; ++i) weight[i] = 1.0 / cloud->n;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = MuHdf5Create();
  int wrong = file < 0;
  if (!wrong) {
    wrong |= MuHdf5PutText(file, "mudot_version", MUDOT_VERSION);
    wrong |= MuHdf5PutText(file, "origin", cloud->origin);
    if (cloud->case_text && cloud->case_text[0])
      wrong |= MuHdf5PutText(file, "case", cloud->case_text);
    wrong |= MuHdf5PutArray(file, "time", 1, one, &cloud->time);
    wrong |= MuHdf5PutArray(file, "position", 3, triple, cloud->position);
    wrong |= MuHdf5PutArray(file, "weight", 2, pair, weight);
    wrong |= name_dimensions(file, triple);
  }
  wrong = MuHdf5Finish(file, path, wrong);
  return PetscFree(weight) || wrong;
}

static PetscBool ends_in(const char *file, const char *ending) {
  const size_t n = strlen(file), m = strlen(ending);
  return (PetscBool)(n > m && strcmp(file + n - m, ending) == 0);
}

/* What writes a file of this name, by its ending; NULL if nothing does. */
static int (*writer_of(const char *file))(const MuCloudFile *, const char *) {
  if (ends_in(file, ".csv")) return write_csv;
  if (ends_in(file, ".h5")) return write_hdf5;
  return ends_in(file, ".npy") ? write_npy : NULL;
}

static PetscErrorCode write_standard_output(const MuCloudFile *cloud) {
  errno = 0;
  if (print_rows(cloud, stdout) || fflush(stdout)) return MuCannotWrite("standard output");
  return 0;
}

/* Under another name first, so that a file is whole or not there. */
static PetscErrorCode write_file(const MuCloudFile *cloud,
                                 int (*write)(const MuCloudFile *, const char *)) {
  char partial[PETSC_MAX_PATH_LEN];
  const char *file = cloud->file;

  if (!cloud->overwrite && access(file, F_OK) == 0)
    return MuError(MU_ERR_INPUT, "output: %s is there already; give another name or -overwrite",
                   file);
  snprintf(partial, sizeof partial, "%s.partial", file);
  errno = 0;
  if (write(cloud, partial) || rename(partial, file)) {
    PetscErrorCode code = MuCannotWrite(file);
    unlink(partial);
    return code;
  }
  return 0;
}

PetscErrorCode MuCloudWrite(const MuCloudFile *cloud) {
  const char *file = cloud->file;
  PetscErrorCode code;
  PetscBool none;
  MuLock lock;

  if (!file) return write_standard_output(cloud);
  int (*const write)(const MuCloudFile *, const char *) = writer_of(file);
  if (!write)
    return MuError(MU_ERR_INPUT,
                   "output: \"%s\" is not allowed; the name of the file ends in .csv, .npy "
                   "or .h5",
                   file);
  if (strlen(file) + 9 > PETSC_MAX_PATH_LEN)
    return MuError(MU_ERR_INPUT, "output: %.40s...: the path is too long", file);
  PetscCall(MuLockTake(file, file, &lock, &none));
  if (none) PetscCall(MuWarn(PETSC_COMM_SELF, MU_NO_LOCKS, file));
  code = write_file(cloud, write);
  PetscCall(MuLockRelease(&lock));
  return code;
}
