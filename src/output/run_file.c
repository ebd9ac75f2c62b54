/* run.h5 and particles.h5: layout and appending, through the crash-safe driver. */
#include "output/run_file.h"

#include "base/files.h"
#include "base/netcdf.h"
#include "output/crash_safe.h"

#include <errno.h>
#include <unistd.h>

#define TIME_CHUNK 512 /* numbers per chunk of a one-dimensional dataset: one page */

/* errno is cleared first so that it tells the reason of this call. */
#define HDF(call)                                                                                  \
  do {                                                                                             \
    errno = 0;                                                                                     \
    if ((call) < 0 || MuCrashSafeLost()) return MuCannotWrite(f->path);                            \
  } while (0)

/* ------------------------------------------------------------------ making datasets */

static hid_t create_group(hid_t file, const char *name) {
  hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  return group < 0 ? -1 : H5Gclose(group);
}

/* A whole dataset of doubles, or of bytes made from them. */
static herr_t write_whole(hid_t file, const char *name, int rank, const hsize_t *size, hid_t type,
                          const double *values) {
  hid_t space = rank ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR);
  hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status =
      set < 0 ? -1 : H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  if (set >= 0 && H5Dclose(set) < 0) status = -1;
  H5Sclose(space);
  return status;
}

/* Attributes stay inside the object's header, where a change is one small write. */
static herr_t keep_attributes_inside(hid_t create) {
  return H5Pset_attr_phase_change(create, 64, 48);
}

/* An empty dataset that grows along its first axis. */
static herr_t create_growing(hid_t file, const char *name, int rank, const hsize_t *item,
                             hsize_t chunk_length) {
  hsize_t size[3] = {0}, most[3] = {H5S_UNLIMITED}, chunk[3] = {chunk_length};
  for (int a = 1; a < rank; ++a) size[a] = most[a] = chunk[a] = item[a - 1];
  hid_t space = H5Screate_simple(rank, size, most), create = H5Pcreate(H5P_DATASET_CREATE);
  hid_t set = -1;
  if (H5Pset_chunk(create, rank, chunk) >= 0 &&
      H5Pset_fill_time(create, H5D_FILL_TIME_NEVER) >= 0 && keep_attributes_inside(create) >= 0)
    set = H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, create, H5P_DEFAULT);
  H5Pclose(create);
  H5Sclose(space);
  return set < 0 ? -1 : H5Dclose(set);
}

void MuRunFileAddSeries(MuRunFile *f, const MuRunSeries *series) {
  MuRunSeries *own = &f->series[f->series_count++];
  *own = *series;
  own->set = -1;
}

/* A link at the root to what /grid holds. */
static herr_t link_root(hid_t file, const char *from, const char *to) {
  return H5Lcreate_hard(file, from, file, to, H5P_DEFAULT, H5P_DEFAULT);
}

/* The dimensions of a field, found at the root. */
static const char *const *field_dimensions(PetscInt dim) {
  static const char *const dimensions[] = {"/y", "/x", NULL};
  return dimensions + (dim == 2 ? 0 : 1);
}

static herr_t write_centres(hid_t file, const char *name, const MuGridInfo *info, PetscInt axis) {
  const hsize_t size = (hsize_t)info->cells[axis];
  double *centres = malloc(sizeof *centres * size);
  if (!centres) return -1;
  for (hsize_t i = 0; i < size; ++i)
    centres[i] = info->lower[axis] + ((double)i + 0.5) * info->spacing[axis];
  herr_t status = write_whole(file, name, 1, &size, H5T_IEEE_F64LE, centres);
  free(centres);
  if (status < 0 || MuNetcdfCoordinate(file, name, strchr(name, '/') + 1)) return -1;
  return link_root(file, name, strchr(name, '/') + 1);
}

/* MuNetcdf...() with the status of HDF5. */
static herr_t name_dimensions(hid_t file, const char *path, const char *const dimension[],
                              const char *doc) {
  return MuNetcdfVariable(file, path, dimension, doc) ? -1 : 0;
}

PetscErrorCode MuRunFileSetGrid(MuRunFile *f, const MuGridInfo *info, const PetscReal *mask) {
  const MuRunSeries *density = &f->series[0];

  HDF(create_group(f->file, "target"));
  HDF(create_group(f->file, "grid"));
  HDF(write_centres(f->file, "grid/x", info, 0));
  if (info->dim == 2) HDF(write_centres(f->file, "grid/y", info, 1));
  HDF(write_whole(f->file, "grid/cell_volume", 0, NULL, H5T_IEEE_F64LE, &info->volume));
  HDF(write_whole(f->file, "grid/mask", density->rank, density->item, H5T_STD_U8LE, mask));
  HDF(MuNetcdfMask(f->file, "grid/mask", field_dimensions(info->dim)) ? -1 : 0);
  HDF(link_root(f->file, "grid/mask", "mask"));
  return 0;
}

static PetscErrorCode create_series(MuRunFile *f) {
  char name[256];

  PetscFunctionBegin;
  HDF(create_group(f->file, "ledger"));
  HDF(create_growing(f->file, "time", 1, NULL, TIME_CHUNK));
  for (int k = 0; k < f->series_count; ++k)
    HDF(create_growing(f->file, f->series[k].name, f->series[k].rank + 1, f->series[k].item, 1));
  for (PetscInt c = 0; c < f->columns; ++c) {
    snprintf(name, sizeof name, "ledger/%s", f->column[c].name);
    HDF(create_growing(f->file, name, 1, NULL, TIME_CHUNK));
  }
  PetscFunctionReturn(0);
}

static herr_t describe_one(hid_t file, const MuRunSeries *s) {
  const char *dimension[4] = {"/time"};
  for (int a = 0; a < s->rank; ++a) {
    dimension[a + 1] = s->dimension[a];
    if (H5Lexists(file, s->dimension[a], H5P_DEFAULT) <= 0 &&
        MuNetcdfDimension(file, s->dimension[a], s->item[a]))
      return -1;
  }
  if (name_dimensions(file, s->name, dimension, s->doc)) return -1;
  const int field = s->rank > 0 && strcmp(s->dimension[s->rank - 1], "x") == 0;
  return field && MuNetcdfMasked(file, s->name, "mask") ? -1 : 0;
}

/* The dimensions of everything that grows; a series has those of the grid or makes its own. */
static PetscErrorCode describe(MuRunFile *f) {
  static const char *const row[] = {"/ledger/t", NULL};
  char name[256];

  PetscFunctionBegin;
  HDF(MuNetcdfMark(f->file) ? -1 : 0);
  HDF(MuNetcdfCoordinate(f->file, "time", "time") ? -1 : 0);
  for (int k = 0; k < f->series_count; ++k) HDF(describe_one(f->file, &f->series[k]));
  HDF(MuNetcdfCoordinate(f->file, "ledger/t", f->column[0].doc) ? -1 : 0);
  for (PetscInt c = 1; c < f->columns; ++c) {
    snprintf(name, sizeof name, "ledger/%s", f->column[c].name);
    HDF(name_dimensions(f->file, name, row, f->column[c].doc));
  }
  PetscFunctionReturn(0);
}

/* What is left of a killed run goes first, and the new file is no link to elsewhere. */
static hid_t create_file(const char *path, hid_t access) {
  hid_t create = H5Pcreate(H5P_FILE_CREATE), file = -1;
  if ((unlink(path) == 0 || errno == ENOENT) && keep_attributes_inside(create) >= 0)
    file = H5Fcreate(path, H5F_ACC_EXCL, create, access);
  H5Pclose(create);
  return file;
}

static PetscErrorCode prepare(MuRunFile *f, const MuRunFileSpec *spec) {
  PetscFunctionBegin;
  f->file = f->time = f->access = -1;
  PetscCall(MuColumnsCreate(spec->columns, &f->own));
  PetscCall(MuColumnsGet(f->own, &f->columns, &f->column));
  PetscCall(PetscSNPrintf(f->path, sizeof f->path, "%s/%s", spec->directory, spec->file));
  PetscCall(PetscSNPrintf(f->partial, sizeof f->partial, "%s.partial", f->path));
  PetscCall(PetscMalloc1(f->columns + 1, &f->ledger));
  for (PetscInt c = 0; c < f->columns; ++c) f->ledger[c] = -1;
  HDF(H5Eset_auto2(H5E_DEFAULT, NULL, NULL));
  HDF(f->access = H5Pcreate(H5P_FILE_ACCESS));
  HDF(MuSetCrashSafeDriver(f->access));
  HDF(H5Pset_libver_bounds(f->access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunFileCreate(MuRunFile *f, const MuRunFileSpec *spec) {
  PetscFunctionBegin;
  PetscCall(prepare(f, spec));
  HDF(f->file = create_file(f->partial, f->access));
  PetscCall(create_series(f));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunFileSetTarget(MuRunFile *f, const PetscReal *values) {
  const MuRunSeries *density = &f->series[0];

  HDF(write_whole(f->file, "target/log_density", density->rank, density->item, H5T_IEEE_F64LE,
                  values));
  HDF(name_dimensions(f->file, "target/log_density", field_dimensions(density->rank),
                      "logarithm of the target's density"));
  return 0;
}

/* ------------------------------------------------------------------ appending on and off */

static PetscErrorCode open_series(MuRunFile *f) {
  char name[256];

  HDF(f->time = H5Dopen2(f->file, "time", H5P_DEFAULT));
  for (int k = 0; k < f->series_count; ++k)
    HDF(f->series[k].set = H5Dopen2(f->file, f->series[k].name, H5P_DEFAULT));
  for (PetscInt c = 0; c < f->columns; ++c) {
    snprintf(name, sizeof name, "ledger/%s", f->column[c].name);
    HDF(f->ledger[c] = H5Dopen2(f->file, name, H5P_DEFAULT));
  }
  return 0;
}

static PetscErrorCode close_dataset(MuRunFile *f, hid_t *set) {
  hid_t open = *set;
  *set = -1;
  if (open >= 0) HDF(H5Dclose(open));
  return 0;
}

/* Everything is closed even if a part fails; the first error is returned. */
static PetscErrorCode close_file(MuRunFile *f) {
  PetscErrorCode first = close_dataset(f, &f->time), code;
  hid_t file = f->file;
  for (int k = 0; k < f->series_count; ++k) {
    code = close_dataset(f, &f->series[k].set);
    if (!first) first = code;
  }
  for (PetscInt c = 0; f->ledger && c < f->columns; ++c) {
    code = close_dataset(f, &f->ledger[c]);
    if (!first) first = code;
  }
  f->file = -1;
  errno = 0;
  if (file >= 0 && MuCrashSafeClose(file) < 0 && !first) first = MuCannotWrite(f->path);
  return first;
}

/* Opens the file for appending in HDF5's ordered mode, or for changing attributes. */
static PetscErrorCode open_file(MuRunFile *f, PetscBool appending) {
  const unsigned flags = H5F_ACC_RDWR | (appending ? H5F_ACC_SWMR_WRITE : 0u);

  PetscFunctionBegin;
  HDF(f->file = H5Fopen(f->published ? f->path : f->partial, flags, f->access));
  HDF(MuMakeRoomToGrow(f->file));
  if (appending) PetscCall(open_series(f));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunFilePublish(MuRunFile *f) {
  PetscFunctionBegin;
  PetscCall(describe(f));
  PetscCall(close_file(f));
  PetscCall(open_file(f, PETSC_TRUE));
  if (rename(f->partial, f->path) != 0) return MuCannotWrite(f->path);
  f->published = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static herr_t length_of(hid_t set, hsize_t *length) {
  hsize_t size[3] = {0};
  hid_t space = H5Dget_space(set);
  herr_t status = H5Sget_simple_extent_dims(space, size, NULL);
  H5Sclose(space);
  *length = size[0];
  return status;
}

PetscErrorCode MuRunFileResume(MuRunFile *f, const MuRunFileSpec *spec) {
  hsize_t snapshots = 0, rows = 0;

  PetscFunctionBegin;
  PetscCall(prepare(f, spec));
  f->published = PETSC_TRUE;
  PetscCall(open_file(f, PETSC_TRUE));
  f->snapshots = (hsize_t)spec->snapshots;
  f->rows = (hsize_t)spec->rows;
  HDF(length_of(f->time, &snapshots));
  PetscBool enough = (PetscBool)(snapshots >= f->snapshots);
  for (int k = 0; k < f->series_count; ++k) {
    HDF(length_of(f->series[k].set, &snapshots));
    if (snapshots < f->snapshots) enough = PETSC_FALSE;
  }
  for (PetscInt c = 0; c < f->columns; ++c) {
    HDF(length_of(f->ledger[c], &rows));
    if (rows < f->rows) enough = PETSC_FALSE;
  }
  if (!enough)
    return MuError(MU_ERR_FILE, "%s: holds less than %d snapshots and %d rows, which are needed",
                   f->path, (int)spec->snapshots, (int)spec->rows);
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunFileClose(MuRunFile *f) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (f->file >= 0) code = close_file(f);
  if (f->access >= 0) H5Pclose(f->access);
  if (!f->published) unlink(f->partial);
  PetscCall(MuColumnsDestroy(&f->own));
  PetscCall(PetscFree(f->ledger));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ attributes */

/* The attribute of an object, opened or made; the type of an existing one is kept. */
static hid_t open_attribute(hid_t object, const char *name, hid_t type) {
  if (H5Aexists(object, name) > 0) return H5Aopen(object, name, H5P_DEFAULT);
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Sclose(space);
  return attribute;
}

static herr_t write_to(hid_t object, const char *name, hid_t type, const void *value) {
  hid_t attribute = open_attribute(object, name, type);
  herr_t status = -1;
  if (attribute < 0) return -1;
  status = H5Awrite(attribute, type, value);
  if (H5Aclose(attribute) < 0) status = -1;
  return status;
}

/* A text lies outside its attribute, and a kill between the writes of the two leaves an attribute
   whose value can be neither read nor replaced: it is made anew. */
static herr_t write_attribute(hid_t file, const char *path, const char *name, hid_t type,
                              const void *value) {
  hid_t object = H5Oopen(file, path, H5P_DEFAULT);
  herr_t status;
  if (object < 0) return -1;
  status = write_to(object, name, type, value);
  if (status < 0 && H5Adelete(object, name) >= 0) status = write_to(object, name, type, value);
  H5Oclose(object);
  return status;
}

/* In the ordered mode attributes cannot change: it is left for that moment. */
static PetscErrorCode change_attribute(MuRunFile *f, const char *object, const char *name,
                                       hid_t type, const void *value) {
  PetscFunctionBegin;
  if (f->published) {
    PetscCall(close_file(f));
    PetscCall(open_file(f, PETSC_FALSE));
  }
  HDF(write_attribute(f->file, object, name, type, value));
  if (f->published) {
    PetscCall(close_file(f));
    PetscCall(open_file(f, PETSC_TRUE));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunFileSetAttribute(MuRunFile *f, const MuRunAttribute *attribute) {
  hid_t type;
  PetscErrorCode code;

  HDF(type = H5Tcopy(H5T_C_S1));
  HDF(H5Tset_size(type, H5T_VARIABLE));
  HDF(H5Tset_cset(type, H5T_CSET_UTF8));
  code = change_attribute(f, attribute->object, attribute->name, type, &attribute->text);
  H5Tclose(type);
  return code;
}

PetscErrorCode MuRunFileSetInteger(MuRunFile *f, const char *name, int value) {
  return change_attribute(f, "/", name, H5T_NATIVE_INT, &value);
}

/* ------------------------------------------------------------------ appending */

/* Writes `count` items behind the first `at` of a growing dataset whose item has the given size,
   and hands them to the system. */
static herr_t append(hid_t set, int rank, hsize_t at, hsize_t count, const hsize_t *item,
                     const double *values) {
  hsize_t size[3] = {at + count}, start[3] = {at}, block[3] = {count}, length;
  herr_t status = -1;
  for (int a = 1; a < rank; ++a) size[a] = block[a] = item[a - 1];
  if (length_of(set, &length) < 0) return -1;
  if (at + count > length && H5Dset_extent(set, size) < 0) return -1;
  hid_t space = H5Dget_space(set), memory = H5Screate_simple(rank, block, NULL);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, block, NULL) >= 0)
    status = H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values);
  H5Sclose(memory);
  H5Sclose(space);
  return status < 0 ? status : H5Dflush(set);
}

PetscErrorCode MuRunFileAddSnapshot(MuRunFile *f, PetscReal t, const PetscReal *const values[]) {
  for (int k = 0; k < f->series_count; ++k) {
    const MuRunSeries *s = &f->series[k];
    HDF(append(s->set, s->rank + 1, f->snapshots, 1, s->item, values[k]));
  }
  HDF(append(f->time, 1, f->snapshots, 1, NULL, &t));
  f->snapshots++;
  return 0;
}

PetscErrorCode MuRunFileAddRows(MuRunFile *f, PetscInt n, const PetscReal *rows) {
  PetscReal *column;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (n == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &column));
  for (PetscInt c = f->columns - 1; c >= 0 && !code; --c) {
    for (PetscInt i = 0; i < n; ++i) column[i] = rows[i * f->columns + c];
    errno = 0;
    if (append(f->ledger[c], 1, f->rows, (hsize_t)n, NULL, column) < 0 || MuCrashSafeLost())
      code = MuCannotWrite(f->path);
  }
  f->rows += (hsize_t)n;
  PetscCall(PetscFree(column));
  PetscFunctionReturn(code);
}

static herr_t write_numbers(hid_t file, const char *name, const char *doc, PetscInt n,
                            const PetscReal *values) {
  static const char *const dimension[] = {"/time", NULL};
  char group[64];
  snprintf(group, sizeof group, "%.*s", (int)strcspn(name, "/"), name);
  if (H5Lexists(file, group, H5P_DEFAULT) <= 0 && create_group(file, group) < 0) return -1;
  if (create_growing(file, name, 1, NULL, TIME_CHUNK) < 0) return -1;
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  herr_t status = set < 0 ? -1 : append(set, 1, 0, (hsize_t)n, NULL, values);
  if (set >= 0 && H5Dclose(set) < 0) status = -1;
  return status < 0 ? status : name_dimensions(file, name, dimension, doc);
}

PetscErrorCode MuRunFileAddNumbers(MuRunFile *f, const char *name, const char *doc, PetscInt n,
                                   const PetscReal *values) {
  PetscFunctionBegin;
  PetscCall(close_file(f));
  PetscCall(open_file(f, PETSC_FALSE));
  HDF(write_numbers(f->file, name, doc, n, values));
  PetscCall(close_file(f));
  PetscCall(open_file(f, PETSC_TRUE));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ resumed runs */

static herr_t cut(hid_t set, int rank, hsize_t length, const hsize_t *item) {
  hsize_t size[3] = {length}, now;
  for (int a = 1; a < rank; ++a) size[a] = item[a - 1];
  if (length_of(set, &now) < 0) return -1;
  if (now <= length) return 0;
  return H5Dset_extent(set, size) < 0 ? -1 : H5Dflush(set);
}

/* First the datasets whose lengths count what is finished. */
PetscErrorCode MuRunFileCut(MuRunFile *f) {
  HDF(cut(f->time, 1, f->snapshots, NULL));
  for (int k = 0; k < f->series_count; ++k)
    HDF(cut(f->series[k].set, f->series[k].rank + 1, f->snapshots, f->series[k].item));
  for (PetscInt c = 0; c < f->columns; ++c) HDF(cut(f->ledger[c], 1, f->rows, NULL));
  return 0;
}

PetscErrorCode MuRunFileSync(MuRunFile *f) {
  void *handle = NULL;

  HDF(H5Fget_vfd_handle(f->file, H5P_DEFAULT, &handle));
  HDF(fsync(*(int *)handle));
  return 0;
}

PetscErrorCode MuRunFileReadRows(MuRunFile *f, PetscInt n, PetscReal *rows) {
  const hsize_t start = 0, count = (hsize_t)n;
  PetscReal *column;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (n == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &column));
  hid_t memory = H5Screate_simple(1, &count, NULL);
  for (PetscInt c = 0; c < f->columns && !code; ++c) {
    hid_t space = H5Dget_space(f->ledger[c]);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    if (H5Dread(f->ledger[c], H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, column) < 0)
      code = MuError(MU_ERR_FILE, "%s: /ledger/%s cannot be read", f->path, f->column[c].name);
    H5Sclose(space);
    for (PetscInt i = 0; i < n; ++i) rows[i * f->columns + c] = column[i];
  }
  H5Sclose(memory);
  PetscCall(PetscFree(column));
  PetscFunctionReturn(code);
}
