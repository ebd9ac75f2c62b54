/* Points shared among the ranks. */
#include "base/share.h"

PetscErrorCode MuShareSetUp(MuShare *s, MPI_Comm comm) {
  PetscFunctionBegin;
  s->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &s->rank));
  PetscCallMPI(MPI_Comm_size(comm, &s->size));
  PetscCall(PetscFree2(s->counts, s->starts));
  PetscCall(PetscMalloc2(s->size, &s->counts, s->size, &s->starts));
  PetscFunctionReturn(0);
}

PetscErrorCode MuShareDestroy(MuShare *s) {
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->counts, s->starts));
  PetscFunctionReturn(0);
}

static PetscInt first_of(PetscInt n, PetscMPIInt rank, PetscMPIInt size) {
  return (PetscInt)((long long)n * rank / size);
}

void MuShareRun(const MuShare *s, PetscInt n, PetscInt *first, PetscInt *last) {
  *first = first_of(n, s->rank, s->size);
  *last = first_of(n, s->rank + 1, s->size);
}

PetscErrorCode MuShareGather(MuShare *s, PetscInt n, PetscInt width, PetscReal *values) {
  PetscFunctionBegin;
  if (s->size == 1) PetscFunctionReturn(0);
  for (PetscMPIInt r = 0; r < s->size; ++r) {
    PetscCall(PetscMPIIntCast(width * first_of(n, r, s->size), &s->starts[r]));
    PetscCall(PetscMPIIntCast(width * first_of(n, r + 1, s->size) - s->starts[r], &s->counts[r]));
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values, s->counts, s->starts,
                              MPIU_REAL, s->comm));
  PetscFunctionReturn(0);
}
