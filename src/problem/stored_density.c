/* A snapshot of another run as a density: rank 0 reads, all ranks have it. */
#include "mudot/output.h"
#include "problem/problem.h"

typedef struct {
  PetscReal time;
  PetscInt snapshot;
  PetscBool has_time, has_snapshot;
} Choice;

static PetscErrorCode read_choice(MuCase c, const char *block, Choice *choice) {
  char key[64];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_time", block);
  PetscCall(MuCaseGetReal(c, key, &choice->time, &choice->has_time));
  snprintf(key, sizeof key, "%s_snapshot", block);
  PetscCall(MuCaseGetInt(c, key, &choice->snapshot, &choice->has_snapshot));
  if (choice->has_time && choice->has_snapshot)
    return MuError(MU_ERR_INPUT, "%s: is given together with %s_time; give one", key, block);
  PetscFunctionReturn(0);
}

/* `stored` owns the values from the first line on, also after an error. */
static PetscErrorCode take(MuRunReader reader, const Choice *choice, MuCellDensity *stored) {
  const MuRunInfo *info;

  PetscFunctionBegin;
  PetscCall(MuRunReaderGetInfo(reader, &info));
  stored->dim = info->dim;
  for (PetscInt a = 0; a < 2; ++a) {
    stored->cells[a] = info->cells[a];
    stored->lower[a] = info->lower[a];
    stored->upper[a] = info->upper[a];
  }
  PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], &stored->values));
  if (choice->has_time) return MuRunReaderAt(reader, choice->time, stored->values);
  return MuRunReaderSnapshot(reader, choice->has_snapshot ? choice->snapshot : info->times - 1,
                             stored->values);
}

static PetscErrorCode read_run(const char *path, const Choice *choice, MuCellDensity *stored) {
  MuRunReader reader;

  PetscFunctionBegin;
  PetscCall(MuRunReaderCreate(path, &reader));
  PetscErrorCode code = take(reader, choice, stored);
  PetscCall(MuRunReaderDestroy(&reader));
  PetscFunctionReturn(code);
}

PetscErrorCode MuCaseReadStored(MuCase c, const char *block, MuCellDensity *stored) {
  char path[PETSC_MAX_PATH_LEN], key[64];
  PetscErrorCode code = 0;
  PetscReal *values;
  PetscMPIInt rank;
  Choice choice;
  MPI_Comm comm;

  PetscFunctionBegin;
  *stored = (MuCellDensity){.dim = 0};
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  snprintf(key, sizeof key, "%s_directory", block);
  PetscCall(MuCaseGetPath(c, key, path, NULL));
  PetscCall(read_choice(c, block, &choice));
  if (rank == 0) code = read_run(path, &choice, stored);
  if (code) code = MuError(code, "%s: %s", key, MuErrorMessage());
  code = MuErrorAgree(comm, code);
  if (code) {
    PetscCall(PetscFree(stored->values));
    PetscFunctionReturn(code);
  }
  values = stored->values;
  PetscCallMPI(MPI_Bcast(stored, sizeof *stored, MPI_BYTE, 0, comm));
  const PetscInt total = stored->cells[0] * stored->cells[1];
  stored->values = values;
  if (rank) PetscCall(PetscMalloc1(total, &stored->values));
  PetscCallMPI(MPI_Bcast(stored->values, (PetscMPIInt)total, MPIU_REAL, 0, comm));
  PetscFunctionReturn(0);
}
