/* Errors that only rank 0 can meet (files), made known to every rank. */
#include "mudot.h"

#include <stdio.h>
#include <string.h>

PetscErrorCode MuErrorShare(MPI_Comm comm, PetscErrorCode code) {
  struct {
    int code;
    char sentence[2048];
  } shared = {.code = code};
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0 && code) snprintf(shared.sentence, sizeof shared.sentence, "%s", MuErrorMessage());
  PetscCallMPI(MPI_Bcast(&shared, sizeof shared, MPI_BYTE, 0, comm));
  if (shared.code == 0) PetscFunctionReturn(0);
  return rank ? MuError(shared.code, "%s", shared.sentence) : shared.code;
}
