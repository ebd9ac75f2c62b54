/* A checkpoint: named numbers, texts and fields. On disk it is an HDF5 file, one dataset each:
   numbers [n], a field [ny][nx] (in 1-D [1][nx]), a text as one string. The file is made in memory,
   so that its length and checksum are known before the first byte is written. */
#include "record/checkpoint_file.h"

#include "base/hdf5.h"
#include "record/checkpoint.h"

#include <unistd.h>

enum { ENTRIES = 128, NAME_LENGTH = 32, LONGEST_TEXT = 1 << 24 };

typedef enum { NUMBERS = 1, FIELD = 2, TEXT = 0 } Kind; /* the rank of its dataset */

typedef struct {
  char name[NAME_LENGTH];
  Kind kind;
  hsize_t size[2];   /* NUMBERS: [n]; FIELD: [ny][nx] */
  PetscReal *values; /* of a FIELD on rank 0 only */
  char *text;
} Entry;

struct _p_MuCheckpoint {
  MPI_Comm comm;
  PetscMPIInt rank;
  PetscInt count;
  Entry entry[ENTRIES];
  PetscBool newest_is_good;
};

PetscErrorCode MuCheckpointCreate(MPI_Comm comm, MuCheckpoint *checkpoint) {
  PetscFunctionBegin;
  PetscCall(PetscNew(checkpoint));
  (*checkpoint)->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &(*checkpoint)->rank));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointDestroy(MuCheckpoint *checkpoint) {
  MuCheckpoint c = *checkpoint;

  PetscFunctionBegin;
  *checkpoint = NULL;
  if (!c) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < c->count; ++k) {
    PetscCall(PetscFree(c->entry[k].values));
    PetscCall(PetscFree(c->entry[k].text));
  }
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ entries */

static Entry *find(MuCheckpoint c, const char *name) {
  for (PetscInt k = 0; k < c->count; ++k)
    if (!strcmp(c->entry[k].name, name)) return &c->entry[k];
  return NULL;
}

/* The entry of a name with room for its values; room that is there is used again. */
static PetscErrorCode make_room(MuCheckpoint c, const char *name, Kind kind, hsize_t rows,
                                hsize_t columns, Entry **entry) {
  Entry *e = find(c, name);

  PetscFunctionBegin;
  if (!e) {
    PetscCheck(c->count < ENTRIES && strlen(name) < NAME_LENGTH, PETSC_COMM_SELF,
               PETSC_ERR_ARG_OUTOFRANGE, "no room for an entry %s", name);
    e = &c->entry[c->count++];
    PetscCall(PetscStrncpy(e->name, name, sizeof e->name));
  } else if (e->kind != kind || e->size[0] != rows || e->size[1] != columns) {
    PetscCall(PetscFree(e->values));
  }
  e->kind = kind;
  e->size[0] = rows;
  e->size[1] = columns;
  if (!e->values && (kind == NUMBERS || (kind == FIELD && c->rank == 0)))
    PetscCall(PetscMalloc1(rows * columns, &e->values));
  *entry = e;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointPutNumbers(MuCheckpoint c, const char *name, PetscInt n,
                                      const PetscReal values[]) {
  Entry *e;

  PetscFunctionBegin;
  PetscCall(make_room(c, name, NUMBERS, (hsize_t)n, 1, &e));
  PetscCall(PetscArraycpy(e->values, values, n));
  PetscFunctionReturn(0);
}

static PetscErrorCode name_number(const char *group, const char *name, char text[NAME_LENGTH]) {
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, NAME_LENGTH, "%s.%s", group, name));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointPutNamed(MuCheckpoint c, const char *group, const MuNamedNumber list[]) {
  char name[NAME_LENGTH];

  PetscFunctionBegin;
  for (const MuNamedNumber *n = list; n->name; ++n) {
    const PetscReal value = n->real    ? *n->real
                            : n->count ? (PetscReal)*n->count
                                       : (PetscReal)*n->flag;
    PetscCall(name_number(group, n->name, name));
    PetscCall(MuCheckpointPutNumbers(c, name, 1, &value));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointPutText(MuCheckpoint c, const char *name, const char *text) {
  Entry *e;

  PetscFunctionBegin;
  PetscCall(make_room(c, name, TEXT, 1, 1, &e));
  PetscCall(PetscFree(e->text));
  PetscCall(PetscStrallocpy(text, &e->text));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointPutField(MuCheckpoint c, MuGrid grid, const char *name, Vec field) {
  const MuGridInfo *info;
  Entry *e;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(make_room(c, name, FIELD, (hsize_t)info->cells[1], (hsize_t)info->cells[0], &e));
  PetscCall(MuGridGather(grid, field, PETSC_FALSE, e->values));
  PetscFunctionReturn(0);
}

static PetscErrorCode look_up(MuCheckpoint c, const char *name, Kind kind, hsize_t rows,
                              hsize_t columns, Entry **entry) {
  Entry *e = find(c, name);

  if (!e || e->kind != kind || e->size[0] != rows || e->size[1] != columns)
    return MuError(MU_ERR_FILE,
                   "the checkpoint holds no %s of this size: it is of another version "
                   "of mudot or of another case",
                   name);
  *entry = e;
  return 0;
}

PetscErrorCode MuCheckpointGetNumbers(MuCheckpoint c, const char *name, PetscInt n,
                                      PetscReal values[]) {
  Entry *e = c->entry;

  PetscFunctionBegin;
  PetscCall(look_up(c, name, NUMBERS, (hsize_t)n, 1, &e));
  PetscCall(PetscArraycpy(values, e->values, n));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointGetNamed(MuCheckpoint c, const char *group, const MuNamedNumber list[]) {
  char name[NAME_LENGTH];
  PetscReal value;

  PetscFunctionBegin;
  for (const MuNamedNumber *n = list; n->name; ++n) {
    PetscCall(name_number(group, n->name, name));
    PetscCall(MuCheckpointGetNumbers(c, name, 1, &value));
    if (n->real) *n->real = value;
    if (n->count) *n->count = (PetscInt)value;
    if (n->flag) *n->flag = (PetscBool)(value != 0);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointGetText(MuCheckpoint c, const char *name, const char **text) {
  Entry *e = c->entry;

  PetscFunctionBegin;
  PetscCall(look_up(c, name, TEXT, 1, 1, &e));
  *text = e->text;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointGetField(MuCheckpoint c, MuGrid grid, const char *name, Vec field) {
  const MuGridInfo *info;
  Entry *e = c->entry;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(look_up(c, name, FIELD, (hsize_t)info->cells[1], (hsize_t)info->cells[0], &e));
  PetscCall(MuGridScatter(grid, e->values, field));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ to and from HDF5, rank 0 */

static herr_t write_entry(hid_t file, const Entry *e) {
  hid_t space = e->kind == TEXT ? H5Screate(H5S_SCALAR) : H5Screate_simple(e->kind, e->size, NULL);
  hid_t type = H5Tcopy(e->kind == TEXT ? H5T_C_S1 : H5T_IEEE_F64LE);
  if (e->kind == TEXT) H5Tset_size(type, strlen(e->text) + 1);
  hid_t set = H5Dcreate2(file, e->name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status = -1;
  if (set >= 0)
    status = H5Dwrite(set, e->kind == TEXT ? type : H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL,
                      H5P_DEFAULT, e->kind == TEXT ? (const void *)e->text : e->values);
  if (set >= 0 && H5Dclose(set) < 0) status = -1;
  H5Tclose(type);
  H5Sclose(space);
  return status;
}

/* A list of properties for a file that is in memory only. */
static hid_t memory_access(void) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 1 << 20, 0);
  return access;
}

static PetscErrorCode make_image(MuCheckpoint c, void **image, size_t *size) {
  hid_t access = memory_access(), file;
  herr_t status = 0;
  ssize_t length = -1;

  PetscFunctionBegin;
  file = H5Fcreate("checkpoint.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  for (PetscInt k = 0; k < c->count && status >= 0; ++k) status = write_entry(file, &c->entry[k]);
  if (status >= 0 && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0)
    length = H5Fget_file_image(file, NULL, 0);
  *image = NULL;
  if (length > 0) {
    PetscCall(PetscMalloc1(length, (char **)image));
    length = H5Fget_file_image(file, *image, (size_t)length);
    *size = (size_t)length;
  }
  if (file >= 0) H5Fclose(file);
  H5Pclose(access);
  PetscCheck(length > 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "HDF5 made no image of the checkpoint");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_text(hid_t set, hid_t type, Entry *e, herr_t *status) {
  hid_t memory = H5Tcopy(H5T_C_S1);
  const size_t size = H5Tget_size(type);

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size + 1, &e->text));
  H5Tset_size(memory, size);
  *status = H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, e->text);
  H5Tclose(memory);
  PetscFunctionReturn(0);
}

/* A scalar text of fixed length. */
static PetscErrorCode read_text_entry(MuCheckpoint c, hid_t set, const char *name, herr_t *status) {
  hid_t space = H5Dget_space(set), type = H5Dget_type(set);
  Entry *e;

  PetscFunctionBegin;
  *status = -1;
  if (H5Sget_simple_extent_type(space) == H5S_SCALAR && H5Tis_variable_str(type) == 0 &&
      H5Tget_size(type) <= LONGEST_TEXT) {
    PetscCall(make_room(c, name, TEXT, 1, 1, &e));
    PetscCall(read_text(set, type, e, status));
  }
  H5Tclose(type);
  H5Sclose(space);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_number_entry(MuCheckpoint c, hid_t file, const char *path,
                                        const char *name) {
  PetscInt dims, extent[2];
  Entry *e;

  PetscFunctionBegin;
  PetscCall(MuHdf5Shape(file, path, name, 2, &dims, extent));
  PetscCall(
      make_room(c, name, dims == 2 ? FIELD : NUMBERS, (hsize_t)extent[0], (hsize_t)extent[1], &e));
  const PetscInt count = extent[0] * extent[1];
  if (count > 0) PetscCall(MuHdf5Read(file, path, name, -1, count, e->values));
  PetscFunctionReturn(0);
}

/* A dataset that lies in this image. */
static PetscErrorCode read_entry(MuCheckpoint c, hid_t file, const char *path, const char *name,
                                 herr_t *status) {
  H5L_info_t link;
  hid_t set = -1, type = -1;
  H5T_class_t kind = H5T_NO_CLASS;

  *status = -1;
  if (H5Lget_info(file, name, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD)
    set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return 0;
  type = H5Dget_type(set);
  if (type >= 0) {
    kind = H5Tget_class(type);
    H5Tclose(type);
  }
  *status = 0;
  PetscErrorCode code = kind == H5T_STRING ? read_text_entry(c, set, name, status)
                                           : read_number_entry(c, file, path, name);
  H5Dclose(set);
  return code;
}

/* The bytes have passed their checksum: what does not fit is another version's. */
static PetscErrorCode parse_image(MuCheckpoint c, const char *path, void *image, size_t size) {
  hid_t access = memory_access(), file;
  char name[NAME_LENGTH];
  H5G_info_t group = {.nlinks = 0};
  herr_t status = 0;

  PetscFunctionBegin;
  H5Pset_file_image(access, image, size);
  file = H5Fopen("checkpoint.h5", H5F_ACC_RDONLY, access);
  if (file < 0 || H5Gget_info(file, &group) < 0) status = -1;
  for (hsize_t k = 0; k < group.nlinks && k < ENTRIES && status >= 0; ++k) {
    H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, k, name, sizeof name, H5P_DEFAULT);
    PetscCall(read_entry(c, file, path, name, &status));
  }
  if (file >= 0) H5Fclose(file);
  H5Pclose(access);
  if (status < 0)
    return MuError(MU_ERR_FILE, "%s is whole but not a checkpoint of this version of mudot", path);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ files */

PetscErrorCode MuCheckpointWrite(MuCheckpoint c, const char *directory) {
  PetscErrorCode code = 0;
  void *image;
  size_t size = 0;

  PetscFunctionBegin;
  if (c->rank == 0) {
    PetscCall(make_image(c, &image, &size));
    code = MuCheckpointFileWrite(directory, image, size, c->newest_is_good);
    PetscCall(PetscFree(image));
  }
  if (!code) c->newest_is_good = PETSC_TRUE;
  code = MuErrorAgree(c->comm, code);
  PetscFunctionReturn(code);
}

/* Numbers and texts from rank 0 to the others, which also learn of its fields. */
static PetscErrorCode share(MuCheckpoint c) {
  int count = (int)c->count;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&count, 1, MPI_INT, 0, c->comm));
  for (int k = 0; k < count; ++k) {
    Entry copy = c->rank == 0 ? c->entry[k] : (Entry){.kind = TEXT}, *e = &c->entry[k];
    unsigned long long length = c->rank == 0 && copy.text ? strlen(copy.text) + 1 : 0;
    PetscCallMPI(MPI_Bcast(&copy, (PetscMPIInt)sizeof copy, MPI_BYTE, 0, c->comm));
    PetscCallMPI(MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, c->comm));
    if (c->rank) PetscCall(make_room(c, copy.name, copy.kind, copy.size[0], copy.size[1], &e));
    if (c->rank && copy.kind == TEXT) PetscCall(PetscMalloc1(length, &e->text));
    if (copy.kind == TEXT)
      PetscCallMPI(MPI_Bcast(e->text, (PetscMPIInt)length, MPI_CHAR, 0, c->comm));
    if (copy.kind == NUMBERS)
      PetscCallMPI(MPI_Bcast(e->values, (PetscMPIInt)copy.size[0], MPIU_REAL, 0, c->comm));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_file(MuCheckpoint c, const char *path, int *there) {
  void *bytes;
  size_t size = 0;

  PetscFunctionBegin;
  PetscCall(MuCheckpointFileRead(path, &bytes, &size));
  *there = bytes != NULL;
  if (!bytes) PetscFunctionReturn(0);
  PetscErrorCode code = parse_image(c, path, bytes, size);
  PetscCall(PetscFree(bytes));
  PetscFunctionReturn(code);
}

PetscErrorCode MuCheckpointRead(MPI_Comm comm, const char *directory, PetscInt generation,
                                MuCheckpoint *checkpoint) {
  char path[PETSC_MAX_PATH_LEN];
  PetscErrorCode code = 0;
  int there = 0;
  MuCheckpoint c;

  PetscFunctionBegin;
  *checkpoint = NULL;
  PetscCall(MuCheckpointPath(directory, generation, path));
  PetscCall(MuCheckpointCreate(comm, &c));
  if (c->rank == 0) code = read_file(c, path, &there);
  code = MuErrorAgree(comm, code);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  if (!code && there) {
    PetscCall(share(c));
    *checkpoint = c;
  } else {
    PetscCall(MuCheckpointDestroy(&c));
  }
  PetscFunctionReturn(code);
}

PetscErrorCode MuCheckpointRemove(MPI_Comm comm, const char *directory) {
  char path[PETSC_MAX_PATH_LEN];
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (PetscInt k = 0; k < MU_GENERATIONS && rank == 0; ++k) {
    PetscCall(MuCheckpointPath(directory, k, path));
    (void)unlink(path);
  }
  PetscFunctionReturn(0);
}
