/* Where the files of a case are. */
#include "case/case_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void MuCaseFolder(const char *file, char folder[PETSC_MAX_PATH_LEN]) {
  const char *slash = strrchr(file, '/');
  if (slash)
    snprintf(folder, PETSC_MAX_PATH_LEN, "%.*s", (int)(slash - file), file);
  else
    snprintf(folder, PETSC_MAX_PATH_LEN, ".");
  if (slash == file) snprintf(folder, PETSC_MAX_PATH_LEN, "/");
}

static PetscErrorCode try_paths(MuCase c, const char *path, char *resolved) {
  char folder[PETSC_MAX_PATH_LEN];
  static const char *const forms[] = {"%s/%s", "%s/../%s"};

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(resolved, path, PETSC_MAX_PATH_LEN));
  if (access(resolved, F_OK) == 0) PetscFunctionReturn(0);
  MuCaseFolder(c->file, folder);
  for (int k = 0; path[0] != '/' && k < 2; ++k) {
    PetscCall(PetscSNPrintf(resolved, PETSC_MAX_PATH_LEN, forms[k], folder, path));
    if (access(resolved, F_OK) == 0) PetscFunctionReturn(0);
  }
  resolved[0] = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseResolvePath(MuCase c, const char *path, char resolved[PETSC_MAX_PATH_LEN]) {
  PetscMPIInt rank;

  PetscFunctionBegin;
  if (strlen(path) >= PETSC_MAX_PATH_LEN)
    return MuError(MU_ERR_INPUT, "%.40s...: the path is too long", path);
  PetscCallMPI(MPI_Comm_rank(c->comm, &rank));
  memset(resolved, 0, PETSC_MAX_PATH_LEN);
  if (rank == 0) PetscCall(try_paths(c, path, resolved));
  PetscCallMPI(MPI_Bcast(resolved, PETSC_MAX_PATH_LEN, MPI_CHAR, 0, c->comm));
  if (!resolved[0])
    return MuError(MU_ERR_FILE,
                   "%s: there is no such file, neither in the working directory nor in the folder "
                   "of %s nor in that folder's parent",
                   path, c->file);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetPath(MuCase c, const char *key, char resolved[PETSC_MAX_PATH_LEN],
                             PetscBool *given) {
  const char *path;
  PetscBool there = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, key, &path, given ? &there : NULL));
  if (given) *given = there;
  if (!there) PetscFunctionReturn(0);
  PetscErrorCode code = MuCaseResolvePath(c, path, resolved);
  if (code) return MuError(code, "%s: %s", key, MuErrorMessage());
  PetscFunctionReturn(0);
}
