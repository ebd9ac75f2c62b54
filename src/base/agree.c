/* One outcome for all ranks: a collective call fails on every rank or on none. */
#include "mudot.h"

#include <string.h>

PetscErrorCode MuErrorAgree(MPI_Comm comm, PetscErrorCode code) {
  char sentence[MU_SENTENCE] = "";
  PetscMPIInt rank, size;
  int first, shared = (int)code;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  first = code ? rank : size;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Bcast(&shared, 1, MPI_INT, first, comm));
  if (rank == first) strncpy(sentence, MuErrorMessage(), sizeof sentence - 1);
  PetscCallMPI(MPI_Bcast(sentence, (PetscMPIInt)sizeof sentence, MPI_CHAR, first, comm));
  return MuError(shared, "%s", sentence);
}
