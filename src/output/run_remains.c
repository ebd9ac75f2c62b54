/* Reading what an earlier run has left: rank 0 reads, all ranks know. */
#include "output/run_remains.h"

#include "base/files.h"
#include "base/hdf5.h"
#include "output/crash_safe.h"
#include "output/run_file.h"

#include <errno.h>
#include <unistd.h>

/* The text of an attribute of /, "" if there is none, as in a file whose run was killed. */
static PetscErrorCode read_attribute(hid_t file, const char *path, const char *name, char **text) {
  PetscFunctionBegin;
  PetscErrorCode code = MuHdf5Text(file, path, name, text);
  if (code && code != MU_ERR_FILE) PetscFunctionReturn(code);
  if (!*text) PetscCall(PetscStrallocpy("", text));
  PetscFunctionReturn(0);
}

/* A whole dataset of numbers. */
static PetscErrorCode read_dataset(hid_t file, const char *path, const char *name, PetscInt *n,
                                   PetscReal **values) {
  PetscInt dims, extent[2];

  PetscFunctionBegin;
  PetscCall(MuHdf5Shape(file, path, name, 2, &dims, extent));
  *n = extent[0] * extent[1];
  PetscCall(PetscMalloc1(*n + 1, values));
  if (*n > 0) PetscCall(MuHdf5Read(file, path, name, -1, *n, *values));
  PetscFunctionReturn(0);
}

/* The first snapshot, if it is of t = 0. */
static PetscErrorCode read_initial(hid_t file, const char *path, MuRunRemains *r) {
  const char *name = H5Lexists(file, "density", H5P_DEFAULT) > 0 ? "density" : "position";
  PetscInt dims, extent[3] = {1, 1, 1};

  PetscFunctionBegin;
  if (!r->snapshots || r->times[0] != 0) PetscFunctionReturn(0);
  PetscCall(MuHdf5Shape(file, path, name, 3, &dims, extent));
  r->initial_values = extent[1] * extent[2];
  PetscCall(PetscMalloc1(r->initial_values, &r->initial));
  PetscCall(MuHdf5Read(file, path, name, 0, r->initial_values, r->initial));
  PetscFunctionReturn(0);
}

static PetscErrorCode inspect(hid_t file, const char *path, MuRunRemains *r) {
  PetscReal *t;

  PetscFunctionBegin;
  PetscCall(read_attribute(file, path, "case", &r->case_text));
  PetscCall(read_attribute(file, path, "status", &r->status));
  PetscCall(read_attribute(file, path, "restarts", &r->restarts));
  PetscCall(read_dataset(file, path, "time", &r->snapshots, &r->times));
  PetscCall(read_dataset(file, path, "ledger/t", &r->rows, &t));
  PetscCall(PetscFree(t));
  if (H5Lexists(file, "target/log_density", H5P_DEFAULT) > 0)
    PetscCall(read_dataset(file, path, "target/log_density", &r->cells, &r->target));
  if (H5Lexists(file, "grid", H5P_DEFAULT) > 0 && H5Lexists(file, "grid/mask", H5P_DEFAULT) > 0)
    PetscCall(read_dataset(file, path, "grid/mask", &r->mask_cells, &r->mask));
  PetscCall(read_initial(file, path, r));
  r->there = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_file(const char *path, MuRunRemains *r) {
  PetscErrorCode code;
  hid_t properties, file;

  PetscFunctionBegin;
  if (access(path, F_OK) != 0 && errno == ENOENT) PetscFunctionReturn(0);
  PetscCall(MuFileCheckInPlace(path));
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  properties = H5Pcreate(H5P_FILE_ACCESS);
  MuSetCrashSafeDriver(properties);
  errno = 0;
  file = H5Fopen(path, H5F_ACC_RDONLY, properties);
  H5Pclose(properties);
  if (file < 0)
    return MuError(MU_ERR_FILE, "%s: cannot be read%s%s", path, errno ? ": " : "",
                   errno ? strerror(errno) : ", it is damaged");
  code = inspect(file, path, r);
  H5Fclose(file);
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunRemainsRead(MPI_Comm comm, const char *directory, const char *name,
                                MuRunRemains *r) {
  char path[PETSC_MAX_PATH_LEN], **texts[] = {&r->case_text, &r->status, &r->restarts};
  PetscErrorCode code = 0;
  PetscMPIInt rank;
  int lengths[3] = {0}, there;

  PetscFunctionBegin;
  *r = (MuRunRemains){.rows = 0};
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", directory, name));
  if (rank == 0) code = read_file(path, r);
  code = MuErrorAgree(comm, code);
  if (code) {
    PetscCall(MuRunRemainsFree(r));
    PetscFunctionReturn(code);
  }
  there = r->there;
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  r->there = (PetscBool)there;
  PetscCallMPI(MPI_Bcast(&r->rows, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&r->snapshots, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&r->cells, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&r->mask_cells, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&r->initial_values, 1, MPIU_INT, 0, comm));
  if (rank) PetscCall(PetscMalloc1(r->snapshots + 1, &r->times));
  PetscCallMPI(MPI_Bcast(r->times, (PetscMPIInt)r->snapshots, MPIU_REAL, 0, comm));
  for (int k = 0; k < 3; ++k) {
    if (rank == 0 && there) lengths[k] = (int)strlen(*texts[k]);
    PetscCallMPI(MPI_Bcast(&lengths[k], 1, MPI_INT, 0, comm));
    if (!*texts[k]) PetscCall(PetscCalloc1(lengths[k] + 1, texts[k]));
    PetscCallMPI(MPI_Bcast(*texts[k], lengths[k] + 1, MPI_CHAR, 0, comm));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRemainsFree(MuRunRemains *r) {
  PetscFunctionBegin;
  PetscCall(PetscFree(r->times));
  PetscCall(PetscFree(r->target));
  PetscCall(PetscFree(r->mask));
  PetscCall(PetscFree(r->initial));
  PetscCall(PetscFree(r->case_text));
  PetscCall(PetscFree(r->status));
  PetscCall(PetscFree(r->restarts));
  PetscFunctionReturn(0);
}
