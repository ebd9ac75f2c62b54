/* The tasks of a study, shared out among its groups of ranks. */
#include "study/study_impl.h"

PetscErrorCode MuQueueCreate(MuStudy s, const PetscBool *stored, MuQueue *q) {
  const PetscInt tasks = s->rows + s->extras;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(tasks, &q->order));
  q->tasks = 0;
  for (PetscInt i = tasks - 1; i >= s->rows; --i)
    if (!stored[i]) q->order[q->tasks++] = i;
  for (PetscInt i = s->rows - 1; i >= 0; --i)
    if (!stored[i]) q->order[q->tasks++] = i;
  PetscCallMPI(
      MPI_Win_allocate(sizeof(int), sizeof(int), MPI_INFO_NULL, s->comm, &q->counter, &q->window));
  PetscCallMPI(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, s->rank, 0, q->window));
  *q->counter = 0;
  PetscCallMPI(MPI_Win_unlock(s->rank, q->window));
  PetscCallMPI(MPI_Barrier(s->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuQueueNext(MuStudy s, MuQueue *q, int *number) {
  const int one = 1;

  PetscFunctionBegin;
  if (s->leads) {
    PetscCallMPI(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, q->window));
    PetscCallMPI(MPI_Fetch_and_op(&one, number, MPI_INT, 0, 0, MPI_SUM, q->window));
    PetscCallMPI(MPI_Win_unlock(0, q->window));
  }
  PetscCallMPI(MPI_Bcast(number, 1, MPI_INT, 0, s->group));
  PetscFunctionReturn(0);
}

PetscErrorCode MuQueueDestroy(MuQueue *q) {
  PetscFunctionBegin;
  PetscCallMPI(MPI_Win_free(&q->window));
  PetscCall(PetscFree(q->order));
  PetscFunctionReturn(0);
}
