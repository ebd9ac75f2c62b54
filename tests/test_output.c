/* A run's files: layout and values read back, refusal to overwrite, errors, and run.h5 replayed
 * write by write: whatever write a kill comes after, an ordinary reader finds every finished
 * snapshot. */
#include "base/files.h"
#include "base/lock.h"
#include "record/run_writer.h"
#include "support.h"

#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ------------------------------------------------------------------ what goes to the system */

typedef struct {
  int cut; /* ftruncate to `at`, else a write */
  off_t at;
  size_t size;
  unsigned char *bytes;
} Operation;

static struct {
  int on;
  int finished; /* snapshots whose AddSnapshot had returned, for the operations recorded now */
  ino_t inode;  /* of run.h5; 0: not known yet */
  size_t count, capacity;
  Operation *operations;
  int *finished_at;
} tape;

static void record(int fd, int cut, off_t at, size_t size, const void *bytes) {
  struct stat status;
  if (!tape.on || fstat(fd, &status) != 0 || (tape.inode && status.st_ino != tape.inode)) return;
  if (tape.count == tape.capacity) {
    tape.capacity = 2 * tape.capacity + 256;
    tape.operations = realloc(tape.operations, tape.capacity * sizeof *tape.operations);
    tape.finished_at = realloc(tape.finished_at, tape.capacity * sizeof *tape.finished_at);
  }
  Operation *operation = &tape.operations[tape.count];
  *operation = (Operation){.cut = cut, .at = at, .size = size};
  if (size) {
    operation->bytes = malloc(size);
    memcpy(operation->bytes, bytes, size);
  }
  tape.finished_at[tape.count++] = tape.finished;
}

/* These stand before the C library's, for HDF5 as well. */
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
  record(fd, 0, at, size, bytes);
  return syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  return pwrite64(fd, bytes, size, at);
}

int ftruncate64(int fd, off_t size) {
  record(fd, 1, size, 0, NULL);
  return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

/* ------------------------------------------------------------------ a folder, a run */

static char folder[64];
static PetscMPIInt rank;

static void make_folder(void) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  strcpy(folder, "/tmp/mudot-output-XXXXXX");
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name) {
  static char paths[8][200];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static const char *const names[] = {"t", "dt", "energy"};
enum { COLUMNS = 3 };

static MuColumns columns_of_rows(void) {
  static MuColumns columns;
  if (columns) return columns;
  OK(MuColumnsCreate(NULL, &columns));
  OK(MuColumnsAdd(columns, MU_COLUMN_TIME, NULL, NULL));
  OK(MuColumnsAdd(columns, MU_COLUMN_STEP, NULL, NULL));
  OK(MuColumnsAdd(columns, MU_COLUMN_ENERGY, NULL, NULL));
  return columns;
}

static PetscErrorCode create(MuGrid grid, const char *directory, PetscBool overwrite,
                             MuRunWriter *w) {
  MuRunWriterSpec spec = {.directory = directory,
                          .overwrite = overwrite,
                          .command_line = "mudot run 'a b.yaml'",
                          .case_text = "time:\n  end: 1\n",
                          .columns = columns_of_rows()};
  return MuRunWriterCreate(grid, &spec, w);
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return 1 + x + 10 * y;
}

/* Snapshot k is bump + k, the field as it comes; row i is i, i + 0.1, i/3. */
static PetscErrorCode add_snapshot(MuRunWriter w, Vec field, int k) {
  PetscErrorCode code = MuRunWriterAddSnapshot(w, 0.5 * k, field);
  return code ? code : VecShift(field, 1);
}

static void add_rows(MuRunWriter w, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const PetscReal row[COLUMNS] = {i, i + 0.1, i / 3.0};
    OK(MuRunWriterAddLedgerRow(w, row));
  }
}

/* ------------------------------------------------------------------ reading back */

/* Size of a dataset (zero-filled) and its values; NULL if it cannot be read. The caller frees. */
static double *read_dataset(hid_t file, const char *name, hsize_t size[3]) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space;
  double *values = NULL;
  if (set < 0) return NULL;
  space = H5Dget_space(set);
  memset(size, 0, 3 * sizeof *size);
  H5Sget_simple_extent_dims(space, size, NULL);
  hssize_t count = H5Sget_simple_extent_npoints(space);
  values = calloc((size_t)count + 1, sizeof *values);
  if (count && H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    free(values);
    values = NULL;
  }
  H5Sclose(space);
  H5Dclose(set);
  return values;
}

/* The text of an attribute, NULL if it cannot be read; the caller frees. */
static char *read_attribute(hid_t file, const char *object, const char *name) {
  hid_t node = H5Oopen(file, object, H5P_DEFAULT), attribute, type;
  char *text = NULL;
  ck_assert_int_ge(node, 0);
  attribute = H5Aopen(node, name, H5P_DEFAULT);
  ck_assert_msg(attribute >= 0, "%s has no attribute %s", object, name);
  type = H5Aget_type(attribute);
  if (H5Aread(attribute, type, &text) < 0) text = NULL;
  H5Tclose(type);
  H5Aclose(attribute);
  H5Oclose(node);
  return text;
}

static void check_text(hid_t file, const char *object, const char *name, const char *expected) {
  char *text = read_attribute(file, object, name);
  ck_assert_msg(text != NULL, "%s of %s cannot be read", name, object);
  if (expected)
    ck_assert_str_eq(text, expected);
  else
    ck_assert_uint_gt(strlen(text), 0);
  free(text);
}

/* Values are counted, not asserted one by one: Check writes every assertion to a file. */
static void check_snapshots(hid_t file, const MuGridInfo *info, int count) {
  hsize_t size[3];
  double *values = read_dataset(file, "/density", size), *times;
  const hsize_t nx = (hsize_t)info->cells[0], ny = (hsize_t)info->cells[1];
  int wrong = 0;
  ck_assert_ptr_nonnull(values);
  ck_assert_uint_eq(size[0], (hsize_t)count);
  ck_assert_uint_eq(size[1], info->dim == 2 ? ny : nx);
  ck_assert_uint_eq(size[2], info->dim == 2 ? nx : 0);
  for (hsize_t k = 0; k < size[0]; ++k)
    for (hsize_t j = 0; j < ny; ++j)
      for (hsize_t i = 0; i < nx; ++i) {
        double x = info->lower[0] + ((double)i + 0.5) * info->spacing[0];
        double y = info->dim == 2 ? info->lower[1] + ((double)j + 0.5) * info->spacing[1] : 0;
        wrong += values[(k * ny + j) * nx + i] != bump(x, y) + (double)k;
      }
  ck_assert_int_eq(wrong, 0);
  free(values);
  times = read_dataset(file, "/time", size);
  ck_assert_uint_eq(size[0], (hsize_t)count);
  for (int k = 0; k < count; ++k) ck_assert_double_eq(times[k], 0.5 * k);
  free(times);
}

static void check_ledger(hid_t file, int count) {
  for (int c = 0; c < COLUMNS; ++c) {
    char name[64];
    hsize_t size[3];
    snprintf(name, sizeof name, "/ledger/%s", names[c]);
    double *values = read_dataset(file, name, size);
    ck_assert_ptr_nonnull(values);
    ck_assert_uint_eq(size[0], (hsize_t)count);
    int wrong = 0;
    for (int i = 0; i < count; ++i) wrong += values[i] != (c == 0 ? i : c == 1 ? i + 0.1 : i / 3.0);
    ck_assert_int_eq(wrong, 0);
    free(values);
  }
}

static void check_csv(const char *path, int count) {
  FILE *in = fopen(path, "r");
  char line[256];
  int wrong = 0;
  ck_assert_ptr_nonnull(in);
  ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
  ck_assert_str_eq(line, "t,dt,energy\n");
  for (int i = 0; i < count; ++i) {
    double a, b, c; /* 17 digits give every bit */
    wrong += !fgets(line, sizeof line, in) || sscanf(line, "%lf,%lf,%lf", &a, &b, &c) != 3 ||
             a != i || b != i + 0.1 || c != i / 3.0;
  }
  ck_assert_int_eq(wrong, 0);
  ck_assert_ptr_null(fgets(line, sizeof line, in));
  fclose(in);
}

static hid_t open_run(const char *directory) {
  char path[256];
  snprintf(path, sizeof path, "%s/run.h5", directory);
  return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

static char *read_text(const char *path) {
  static char text[1 << 16];
  FILE *in = fopen(path, "r");
  ck_assert_ptr_nonnull(in);
  text[fread(text, 1, sizeof text - 1, in)] = 0;
  fclose(in);
  return text;
}

/* ------------------------------------------------------------------ tests */

static void write_run(MuGrid grid, const char *directory, PetscBool overwrite, int snapshots) {
  MuRunWriter w;
  Vec field = TestField(grid, bump);
  OK(create(grid, directory, overwrite, &w));
  OK(MuRunWriterSetTarget(w, field));
  OK(MuRunWriterSetAttribute(w, "/ledger/energy", "identity", "closed form"));
  for (int k = 0; k < snapshots; ++k) {
    OK(add_snapshot(w, field, k));
    add_rows(w, 500 * k, 500); /* chunks hold 512 */
  }
  OK(MuRunWriterSetAttribute(w, "/ledger/energy", "late", "yes"));
  OK(MuRunWriterFinish(w, "done"));
  OK(MuRunWriterDestroy(&w));
  OK(VecDestroy(&field));
  MPI_Barrier(MPI_COMM_WORLD);
}

static void check_grid_group(hid_t file, MuGrid grid) {
  const MuGridInfo *info;
  hsize_t size[3];
  double *values;
  OK(MuGridGetInfo(grid, &info));
  values = read_dataset(file, "/grid/x", size);
  ck_assert_uint_eq(size[0], (hsize_t)info->cells[0]);
  ck_assert_double_eq(values[1], info->lower[0] + 1.5 * info->spacing[0]);
  free(values);
  values = read_dataset(file, "/grid/cell_volume", size);
  ck_assert_double_eq(values[0], info->volume);
  free(values);
  values = read_dataset(file, "/grid/mask", size);
  ck_assert_uint_eq(size[info->dim - 1], (hsize_t)info->cells[0]);
  ck_assert_double_eq(values[0], 1);
  free(values);
  values = read_dataset(file, "/target/log_density", size);
  ck_assert_uint_eq(size[info->dim - 1], (hsize_t)info->cells[0]);
  ck_assert_double_eq(values[0], bump(info->lower[0] + info->spacing[0] / 2,
                                      info->dim == 2 ? info->lower[1] + info->spacing[1] / 2 : 0));
  free(values);
}

START_TEST(everything_is_read_back) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    MuGrid grid = TestGrid(dim, 9, 7, -1, 2, PETSC_FALSE);
    const MuGridInfo *info;
    const char *directory = path_of(dim == 1 ? "a/b/line" : "a/b/plane");
    OK(MuGridGetInfo(grid, &info));
    write_run(grid, directory, PETSC_FALSE, 3);
    if (rank == 0) {
      hid_t file = open_run(directory);
      ck_assert_int_ge(file, 0);
      check_snapshots(file, info, 3);
      check_ledger(file, 1500);
      check_grid_group(file, grid);
      check_text(file, "/", "status", "done");
      check_text(file, "/", "case", "time:\n  end: 1\n");
      check_text(file, "/", "command_line", "mudot run 'a b.yaml'");
      check_text(file, "/", "mudot_version", MUDOT_VERSION);
      check_text(file, "/", "petsc_version", NULL);
      check_text(file, "/", "fftw_version", NULL);
      check_text(file, "/", "started", NULL);
      check_text(file, "/", "finished", NULL);
      check_text(file, "/ledger/energy", "identity", "closed form");
      check_text(file, "/ledger/energy", "late", "yes");
      check_text(file, "/ledger/energy", "long_name", "energy F");
      H5Fclose(file);
    }
    OK(MuGridDestroy(&grid));
  }
  if (rank == 0) {
    check_csv(path_of("a/b/line/ledger.csv"), 1500);
    ck_assert_ptr_nonnull(strstr(read_text(path_of("a/b/plane/run.xdmf")),
                                 "Format=\"HDF\">run.h5:/density|2 0 0:1 1 1:1 7 9:3 7 9"));
    ck_assert_ptr_nonnull(strstr(read_text(path_of("a/b/plane/run.xmf")),
                                 "Dimensions=\"3 7 9\" NumberType=\"Float\" Precision=\"8\" "
                                 "Format=\"HDF\">run.h5:/density"));
    ck_assert_ptr_nonnull(strstr(read_text(path_of("a/b/line/run.xdmf")), "<Time Value=\"1\"/>"));
  }
}
END_TEST

/* Refused without `overwrite`; with it, what was there stays until the first row comes. */
START_TEST(nothing_is_overwritten) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  const MuGridInfo *info;
  const char *directory = path_of("twice");
  MuRunWriter w;
  OK(MuGridGetInfo(grid, &info));
  write_run(grid, directory, PETSC_FALSE, 2);
  ck_assert_int_eq(create(grid, directory, PETSC_FALSE, &w), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "-output_overwrite"));
  ck_assert_ptr_null(w);
  OK(create(grid, directory, PETSC_TRUE, &w));
  OK(MuRunWriterDestroy(&w));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    hid_t file = open_run(directory);
    check_snapshots(file, info, 2);
    H5Fclose(file);
    check_csv(path_of("twice/ledger.csv"), 1000);
    ck_assert_int_ne(access(path_of("twice/run.h5.partial"), F_OK), 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  write_run(grid, directory, PETSC_TRUE, 1);
  if (rank == 0) {
    hid_t file = open_run(directory);
    check_snapshots(file, info, 1);
    H5Fclose(file);
    check_csv(path_of("twice/ledger.csv"), 500);
  }
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(places_that_cannot_be_written) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  MuRunWriter w;
  if (rank == 0) {
    FILE *out = fopen(path_of("plain"), "w");
    fclose(out);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  ck_assert_int_eq(create(grid, path_of("plain"), PETSC_FALSE, &w), MU_ERR_FILE);
  ck_assert_int_eq(create(grid, path_of("plain/below"), PETSC_FALSE, &w), MU_ERR_FILE);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "plain/below cannot be made"));
  ck_assert_int_eq(create(grid, "/proc/self/fd/none", PETSC_FALSE, &w), MU_ERR_FILE);
  ck_assert_int_eq(create(grid, "", PETSC_FALSE, &w), MU_ERR_INPUT);
  OK(MuGridDestroy(&grid));
}
END_TEST

/* A run that was given up says so. */
START_TEST(a_run_without_end) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  Vec field = TestField(grid, bump);
  MuRunWriter w;
  OK(create(grid, path_of("given-up"), PETSC_FALSE, &w));
  OK(add_snapshot(w, field, 0));
  OK(MuRunWriterDestroy(&w));
  OK(create(grid, path_of("failed"), PETSC_FALSE, &w));
  add_rows(w, 0, 1);
  OK(MuRunWriterFinish(w, "failed: the step size fell below 1e-12"));
  OK(MuRunWriterDestroy(&w));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    hid_t file = open_run(path_of("given-up"));
    check_text(file, "/", "status", "failed: the run was given up");
    H5Fclose(file);
    file = open_run(path_of("failed"));
    check_text(file, "/", "status", "failed: the step size fell below 1e-12");
    check_ledger(file, 1);
    H5Fclose(file);
  }
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* A disk that is full, played by a limit on the size of files: the error comes on every rank, once
 * and again, and the finished snapshots are there. */
START_TEST(a_full_disk) {
  enum { CELLS = 4096, MOST = 400 };
  MuGrid grid = TestGrid(1, CELLS, 1, 0, 1, PETSC_FALSE);
  const MuGridInfo *info;
  struct rlimit before, limit;
  Vec field = TestField(grid, bump);
  MuRunWriter w;
  int k = 0;
  OK(MuGridGetInfo(grid, &info));
  OK(create(grid, path_of("full"), PETSC_FALSE, &w));
  OK(add_snapshot(w, field, k++));
  if (rank == 0) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 5 << 20; /* 160 snapshots of 32 kB */
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  PetscErrorCode code = 0;
  while (!code && k < MOST) {
    code = add_snapshot(w, field, k);
    k += !code;
  }
  if (rank == 0) setrlimit(RLIMIT_FSIZE, &before);
  ck_assert_int_eq(code, MU_ERR_FILE);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "full/run.h5: cannot be written"));
  ck_assert_int_gt(k, 5);
  ck_assert_int_eq(add_snapshot(w, field, k), MU_ERR_FILE);
  ck_assert_int_eq(MuRunWriterFinish(w, "done"), MU_ERR_FILE);
  OK(MuRunWriterDestroy(&w));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    hid_t file = open_run(path_of("full"));
    ck_assert_int_ge(file, 0);
    check_snapshots(file, info, k);
    H5Fclose(file);
  }
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* A disk that is full before the first row, at every place of the file's beginning: an error, no
 * results, and no file that HDF5 holds half closed (it would crash over it at exit). */
START_TEST(a_full_disk_at_the_start) {
  MuGrid grid = TestGrid(1, 64, 1, 0, 1, PETSC_FALSE);
  Vec field = TestField(grid, bump);
  struct rlimit before, limit;
  int refused = 0;
  getrlimit(RLIMIT_FSIZE, &before);
  limit = before;
  signal(SIGXFSZ, SIG_IGN);
  for (rlim_t most = 32; most < 1 << 14; most += 96 + most / 8) {
    MuRunWriter w = NULL;
    limit.rlim_cur = most;
    if (rank == 0) setrlimit(RLIMIT_FSIZE, &limit);
    PetscErrorCode code = create(grid, path_of("early"), PETSC_TRUE, &w);
    if (!code) code = add_snapshot(w, field, 0);
    if (rank == 0) setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(code, MU_ERR_FILE);
    refused++;
    OK(MuRunWriterDestroy(&w));
    ck_assert_msg(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE) == 0, "after %d bytes: %s",
                  (int)most, MuErrorMessage());
  }
  ck_assert_int_gt(refused, 10);
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ every write a possible last */

#define RESTARTS "2026-01-01T00:00:00Z from t = 3: mudot run 'a b.yaml' -restart\n"

/* Texts that change lie outside their attributes: between two writes one cannot be read. */
static int unreadable(hid_t file) {
  static const char *const changing[] = {"status", "finished", "restarts"};
  int count = 0;
  for (int k = 0; k < 3; ++k) {
    char *text = read_attribute(file, "/", changing[k]);
    count += !text;
    free(text);
  }
  return count;
}

static int check_replayed(const char *path, int finished, double cells) {
  hsize_t size[3], ledger[3], other[3];
  int wrong = 0;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  ck_assert_msg(file >= 0, "cannot be opened with %d snapshots finished", finished);
  double *values = read_dataset(file, "/time", size);
  ck_assert_ptr_nonnull(values);
  const hsize_t count = size[0];
  ck_assert_uint_ge(count, (hsize_t)finished);
  free(values);
  values = read_dataset(file, "/density", size);
  ck_assert_ptr_nonnull(values);
  ck_assert_uint_ge(size[0], count);
  for (hsize_t k = 0; k < size[0]; ++k) /* the first cell: 1 + x + k */
    wrong += values[k * size[1]] != 1 + 0.5 / cells + (double)k;
  free(values);
  free(read_dataset(file, "/ledger/t", ledger));
  for (int c = 1; c < COLUMNS; ++c) {
    char name[64];
    snprintf(name, sizeof name, "/ledger/%s", names[c]);
    values = read_dataset(file, name, other);
    ck_assert_ptr_nonnull(values);
    ck_assert_uint_ge(other[0], ledger[0]);
    for (hsize_t i = 0; i < other[0]; ++i)
      wrong += values[i] != (c == 1 ? (double)i + 0.1 : (double)i / 3);
    free(values);
  }
  ck_assert_int_eq(wrong, 0);
  check_text(file, "/", "case", "time:\n  end: 1\n");
  const int lost = unreadable(file);
  ck_assert_int_ge(H5Fclose(file), 0);
  return lost;
}

static void apply(int fd, const Operation *o) {
  if (o->cut)
    ck_assert_int_eq(ftruncate(fd, o->at), 0);
  else
    ck_assert_int_eq(pwrite(fd, o->bytes, o->size, o->at), (ssize_t)o->size);
}

/* A resumed run writes again what was behind its checkpoint, and one snapshot more. */
static void resume_run(MuGrid grid, const char *directory, int from, int snapshots) {
  MuRunWriterSpec spec = {.directory = directory,
                          .columns = columns_of_rows(),
                          .resume = PETSC_TRUE,
                          .rows = 1 + 100 * from,
                          .snapshots = from};
  Vec field = TestField(grid, bump);
  PetscInt rows, count;
  MuRunWriter w;
  OK(VecShift(field, from));
  OK(MuRunWriterCreate(grid, &spec, &w));
  OK(MuRunWriterSetAttribute(w, "/", "restarts", RESTARTS));
  for (int k = from; k <= snapshots; ++k) {
    OK(add_snapshot(w, field, k));
    add_rows(w, 1 + 100 * k, 100);
  }
  OK(MuRunWriterSync(w, &rows, &count));
  ck_assert_int_eq(rows, 1 + 100 * (snapshots + 1));
  ck_assert_int_eq(count, snapshots + 1);
  if (tape.on) tape.finished = snapshots + 1;
  OK(MuRunWriterCut(w));
  OK(MuRunWriterFinish(w, "done"));
  OK(MuRunWriterDestroy(&w));
  OK(VecDestroy(&field));
}

/* A run can be resumed although a kill left an attribute that cannot be read. */
static void resume_copy(const char *path, int cells, int finished) {
  char command[600];
  MuGridSpec spec = {.dim = 1, .lower = {0}, .upper = {1}, .cells = {cells}};
  MuGrid grid;
  hid_t file;
  snprintf(command, sizeof command, "mkdir -p %s && cp %s %s", path_of("copy"), path,
           path_of("copy/run.h5"));
  ck_assert_int_eq(system(command), 0);
  OK(MuGridCreate(MPI_COMM_SELF, &spec, &grid));
  resume_run(grid, path_of("copy"), finished / 2, finished);
  OK(MuGridDestroy(&grid));
  file = open_run(path_of("copy"));
  check_text(file, "/", "status", "done");
  check_text(file, "/", "restarts", RESTARTS);
  H5Fclose(file);
}

/* Applies what was recorded to a new file and reads it after every operation from `first` on. */
static void replay(const char *name, size_t first, int cells) {
  char path[200];
  strcpy(path, path_of(name));
  int fd = open(path, O_RDWR | O_CREAT, 0666), resumed = 0;
  for (size_t i = 0; i < tape.count; ++i) {
    apply(fd, &tape.operations[i]);
    if (i + 1 >= first && check_replayed(path, tape.finished_at[i], cells)) {
      resume_copy(path, cells, tape.finished_at[i]);
      resumed++;
    }
    free(tape.operations[i].bytes);
  }
  ck_assert_msg(resumed <= 12, "%d moments at which an attribute cannot be read", resumed);
  close(fd);
  free(tape.operations);
  free(tape.finished_at);
}

START_TEST(a_kill_after_any_write_leaves_a_readable_file) {
  const int cells = 16, snapshots = TestQuick() ? 6 : 40;
  MuGrid grid = TestGrid(1, cells, 1, 0, 1, PETSC_FALSE);
  MuRunWriter w;
  Vec field = TestField(grid, bump);
  size_t published;
  struct stat status;
  memset(&tape, 0, sizeof tape);
  tape.on = rank == 0;
  OK(create(grid, path_of("killed"), PETSC_FALSE, &w));
  if (rank == 0) {
    ck_assert_int_eq(stat(path_of("killed/run.h5.partial"), &status), 0);
    tape.inode = status.st_ino;
  }
  OK(MuRunWriterSetTarget(w, field));
  add_rows(w, 0, 1); /* publishes the file; its rows follow with the snapshot */
  published = tape.count;
  for (int k = 0; k < snapshots; ++k) {
    OK(add_snapshot(w, field, k));
    tape.finished = k + 1;
    add_rows(w, 1 + 100 * k, 100);
  }
  OK(MuRunWriterFinish(w, "done"));
  OK(MuRunWriterDestroy(&w));
  OK(VecDestroy(&field));
  resume_run(grid, path_of("killed"), snapshots / 2, snapshots);
  tape.on = 0;
  if (rank == 0) {
    ck_assert_uint_gt(tape.count, published + 10 * (size_t)snapshots);
    replay("replayed.h5", published, cells);
  }
  OK(MuGridDestroy(&grid));
}
END_TEST

/* An ordinary reader in another process opens the file while it is being written. */
START_TEST(the_file_is_open_to_readers) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  const MuGridInfo *info;
  Vec field = TestField(grid, bump);
  MuRunWriter w;
  OK(MuGridGetInfo(grid, &info));
  OK(create(grid, path_of("open"), PETSC_FALSE, &w));
  for (int k = 0; k < 3; ++k) {
    OK(add_snapshot(w, field, k));
    if (rank == 0) { /* a second open by the default driver is a second reader to HDF5 */
      hid_t file = open_run(path_of("open"));
      ck_assert_int_ge(file, 0);
      check_snapshots(file, info, k + 1);
      check_text(file, "/", "status", "running");
      H5Fclose(file);
    }
  }
  OK(MuRunWriterFinish(w, "done"));
  OK(MuRunWriterDestroy(&w));
  OK(VecDestroy(&field));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Rows reach run.h5 without a snapshot after flush_seconds. */
START_TEST(rows_do_not_wait_for_snapshots) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  MuRunWriterSpec spec = {
      .directory = path_of("rows"), .columns = columns_of_rows(), .flush_seconds = 1e-9};
  MuRunWriter w;
  OK(MuRunWriterCreate(grid, &spec, &w));
  for (int i = 0; i < 5; ++i) {
    add_rows(w, i, 1);
    if (rank == 0) {
      hid_t file = open_run(path_of("rows"));
      ck_assert_int_ge(file, 0);
      check_ledger(file, i + 1);
      H5Fclose(file);
    }
  }
  OK(MuRunWriterFinish(w, "done"));
  OK(MuRunWriterDestroy(&w));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* One owner at a time, who is named; the file goes with the lock, and one that a crash has left
   blocks nobody. */
START_TEST(locks_have_one_owner) {
  char path[256], file[256], own[64];
  MuLock first, second;
  PetscBool none;
  if (rank) return;
  OK(MuMakeDirectory(path_of("locked")));
  snprintf(path, sizeof path, "%s/run", path_of("locked"));
  snprintf(file, sizeof file, "%s/.run.lock", path_of("locked"));
  snprintf(own, sizeof own, "process %ld on ", (long)getpid());
  OK(MuLockTake(path, "output_directory: here", &first, &none));
  ck_assert(!none);
  for (int k = 0; k < 2; ++k) {
    ck_assert_int_eq(MuLockTake(path, "output_directory: here", &second, &none), MU_ERR_FILE);
    ck_assert_ptr_null(second);
    ck_assert(strstr(MuErrorMessage(), "output_directory: here is being written by another mudot"));
    ck_assert(strstr(MuErrorMessage(), own));
  }
  OK(MuLockRelease(&first));
  ck_assert_ptr_null(first);
  OK(MuLockRelease(&first));
  ck_assert_int_eq(access(file, F_OK), -1);
  FILE *left = fopen(file, "w");
  fputs("process 1 on another\n", left);
  fclose(left);
  OK(MuLockTake(path, "output_directory: here", &first, &none));
  ck_assert_int_eq(access(file, F_OK), 0);
  unlink(file); /* by somebody: the next one takes a new file, which stays when the first goes */
  OK(MuLockTake(path, "output_directory: here", &second, &none));
  OK(MuLockRelease(&first));
  ck_assert_int_eq(access(file, F_OK), 0);
  OK(MuLockRelease(&second));
  ck_assert_int_eq(MuLockTake("/proc/no/run", "here", &first, &none), MU_ERR_FILE);
  ck_assert(strstr(MuErrorMessage(), "here: cannot be written"));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("output");
  TCase *t = tcase_create("output");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_test(t, everything_is_read_back);
  tcase_add_test(t, nothing_is_overwritten);
  tcase_add_test(t, locks_have_one_owner);
  tcase_add_test(t, places_that_cannot_be_written);
  tcase_add_test(t, a_run_without_end);
  tcase_add_test(t, a_full_disk);
  tcase_add_test(t, a_full_disk_at_the_start);
  tcase_add_test(t, a_kill_after_any_write_leaves_a_readable_file);
  tcase_add_test(t, the_file_is_open_to_readers);
  tcase_add_test(t, rows_do_not_wait_for_snapshots);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
