/* Fuzz target: the readers of HDF5 files, a density's dataset, a stored run and clouds. An even
   first byte: the other bytes are the file. An odd one: they say how a good file is spoilt, two
   bytes for each of its objects, so that what HDF5 itself accepts is reached. */
#include "fuzz.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>

enum {
  GOOD,
  ABSENT,
  INTEGERS,
  SHORT_FLOATS,
  TEXT,
  COMPOUND,
  VARIABLE,
  SCALAR,
  ONE_MORE_AXIS,
  EMPTY,
  LONGER,
  HUGE,
  EXTERNAL_FILE,
  EXTERNAL_LINK,
  LOOP,
  FOLDER,
  NOT_A_NUMBER,
  NEGATIVE,
  SPOILS
};

typedef struct {
  const char *name;
  int dims;
  hsize_t size[3];
  double first, step;
} Object;

/* A run of two snapshots on 4 x 3 cells, and d. */
static const Object objects[] = {
    {"grid/x", 1, {4}, 0.5, 1},
    {"grid/y", 1, {3}, 0.5, 1},
    {"grid/cell_volume", 0, {0}, 1, 0},
    {"grid/mask", 2, {3, 4}, 1, 0},
    {"time", 1, {2}, 0, 1},
    {"density", 3, {2, 3, 4}, 1, 0},
    {"d", 2, {3, 4}, 1, 1},
    {"position", 3, {2, 5, 2}, 0, 0.1},
    {"weight", 2, {2, 5}, 1, 1},
};

static hid_t type_of(int how) {
  hid_t type;
  switch (how) {
  case INTEGERS:
    return H5Tcopy(H5T_STD_I16BE);
  case SHORT_FLOATS:
    return H5Tcopy(H5T_IEEE_F32BE);
  case TEXT:
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 7);
    return type;
  case COMPOUND:
    type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "a", 0, H5T_NATIVE_DOUBLE);
    return type;
  case VARIABLE:
    return H5Tvlen_create(H5T_NATIVE_DOUBLE);
  default:
    return H5Tcopy(H5T_IEEE_F64LE);
  }
}

static hid_t layout_of(int how, int dims) {
  const hsize_t chunk[4] = {2, 2, 2, 2};
  hid_t create = H5Pcreate(H5P_DATASET_CREATE);
  if (how == HUGE && dims) H5Pset_chunk(create, dims, chunk);
  if (how == EXTERNAL_FILE) H5Pset_external(create, "/etc/hostname", 0, H5F_UNLIMITED);
  return create;
}

static hid_t space_of(const Object *o, int how, int much, int *dims) {
  hsize_t size[4] = {1, 1, 1, 1};
  *dims = how == SCALAR ? 0 : o->dims + (how == ONE_MORE_AXIS);
  for (int a = 0; a < o->dims; ++a) size[a] = o->size[a];
  if (how == EMPTY) size[much % 3] = 0;
  if (how == LONGER) size[much % 3] += (hsize_t)(much / 3);
  for (int a = 0; a < *dims && how == HUGE; ++a) size[a] = (hsize_t)1 << (much % 60);
  return *dims ? H5Screate_simple(*dims, size, NULL) : H5Screate(H5S_SCALAR);
}

static void write_values(hid_t set, hid_t space, const Object *o, int how, int much) {
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  double values[512];
  if (n < 1 || n > 512) return;
  for (int i = 0; i < n; ++i) values[i] = o->first + i * o->step;
  if (how == NOT_A_NUMBER) values[much % n] = much % 2 ? 0.0 / 0.0 : 1.0 / 0.0;
  if (how == NEGATIVE) values[much % n] = -much;
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

static void add_object(hid_t file, const Object *o, int how, int much) {
  int dims;
  if (how == ABSENT) return;
  if (how == EXTERNAL_LINK) {
    H5Lcreate_external("/dev/shm/mudot-fuzz-other.h5", "d", file, o->name, H5P_DEFAULT,
                       H5P_DEFAULT);
    return;
  }
  if (how == LOOP) {
    H5Lcreate_soft(o->name, file, o->name, H5P_DEFAULT, H5P_DEFAULT);
    return;
  }
  if (how == FOLDER) {
    H5Gclose(H5Gcreate2(file, o->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    return;
  }
  hid_t space = space_of(o, how, much, &dims), type = type_of(how), create = layout_of(how, dims);
  hid_t set = H5Dcreate2(file, o->name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  if (set >= 0) {
    write_values(set, space, o, how, much);
    H5Dclose(set);
  }
  H5Pclose(create);
  H5Tclose(type);
  H5Sclose(space);
}

static void add_text(hid_t file, const char *name, const char *text, size_t length) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, length ? length : 1);
  hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    H5Awrite(attribute, type, text);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  H5Tclose(type);
}

/* What is left of the bytes is the attribute `case`. */
static void write_spoilt(const char *path, const uint8_t *data, size_t size) {
  const size_t count = sizeof objects / sizeof *objects;
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) FuzzFail("H5Fcreate");
  H5Gclose(H5Gcreate2(file, "grid", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  for (size_t k = 0; k < count; ++k)
    add_object(file, &objects[k], 2 * k < size ? data[2 * k] % SPOILS : GOOD,
               2 * k + 1 < size ? data[2 * k + 1] : 0);
  if (size > 2 * count) add_text(file, "case", (const char *)data + 2 * count, size - 2 * count);
  add_text(file, "status", "done", 4);
  H5Fclose(file);
}

static void read_run(const char *path) {
  const MuRunInfo *info;
  MuRunReader reader;
  if (FuzzRefused(MuRunReaderCreate(path, &reader))) return;
  if (MuRunReaderGetInfo(reader, &info)) FuzzFail("MuRunReaderGetInfo");
  const size_t cells = (size_t)info->cells[0] * (size_t)info->cells[1];
  double *density = calloc(cells, sizeof *density);
  (void)FuzzRefused(MuRunReaderSnapshot(reader, info->times - 1, density));
  (void)FuzzRefused(MuRunReaderAt(reader, 0.5, density));
  free(density);
  if (MuRunReaderDestroy(&reader)) FuzzFail("MuRunReaderDestroy");
}

static void read_density(const char *path) {
  const PetscReal edge[2] = {4, 3};
  MuDensitySpec spec;
  MuDensity density;
  MuDensitySpecDefault(&spec);
  strcpy(spec.type, "file");
  spec.block = "target";
  spec.file = path;
  spec.dataset = "d";
  if (FuzzRefused(MuDensityCreate(PETSC_COMM_SELF, 2, &spec, &density))) return;
  MuCells cells = {
      .comm = PETSC_COMM_SELF, .dim = 2, .cells = {4, 3}, .upper = {edge[0], edge[1]}, .count = 12};
  PetscReal values[12];
  (void)FuzzRefused(MuDensityFillLog(density, &cells, values));
  if (MuDensityDestroy(&density)) FuzzFail("MuDensityDestroy");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct timespec old[2] = {{0}, {0}};
  if (!size) return 0;
  const char *path = FuzzFile(data + 1, size - 1);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (data[0] % 2) write_spoilt(path, data + 1, size - 1);
  utimensat(AT_FDCWD, path, old, 0); /* a file that is being written would be read several times */
  read_run(path);
  read_density(path);
  FuzzCloud(path);
  return 0;
}
