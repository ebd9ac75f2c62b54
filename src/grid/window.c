/* Memory that all ranks of a grid share: a window of MPI-3 that the first rank allocates.

   Hoefler et al., MPI + MPI: a new hybrid approach to parallel programming with MPI plus shared
   memory, Computing 95 (2013). */
#include "grid/window.h"

#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
  PAGE = 4096,       /* bytes of a page, or a part of them */
  LINE = 64,         /* bytes of a cache line */
  LEAST = 256 * 1024 /* bytes for which a window, which takes milliseconds to make, is worth it */
};
static const char *const place = "/dev/shm"; /* where MPI puts shared memory */

struct _p_MuWindow {
  MPI_Comm node;
  MPI_Win window;
  PetscReal *array;
};

/* MPI does not see every lack of room, and who writes where there is none is killed. */
static PetscBool has_room(size_t bytes) {
  struct statvfs system;
  if (statvfs(place, &system)) return PETSC_FALSE;
  return (PetscBool)((double)system.f_bavail * (double)system.f_frsize > 2. * (double)bytes);
}

/* Whether it holds on every rank. */
static PetscErrorCode all(MPI_Comm comm, PetscBool here, PetscBool *everywhere) {
  int yes = here;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &yes, 1, MPI_INT, MPI_LAND, comm));
  *everywhere = (PetscBool)(yes != 0);
  PetscFunctionReturn(0);
}

/* The ranks of the grid if they can share `bytes`, in the same order; else MPI_COMM_NULL. */
static PetscErrorCode find_node(const MuGridInfo *info, size_t bytes, MPI_Comm *node) {
  PetscBool share = (PetscBool)(bytes >= LEAST);
  PetscMPIInt size;

  PetscFunctionBegin;
  *node = MPI_COMM_NULL;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-mudot_share_memory", &share, NULL));
  if (!share || info->size == 1) PetscFunctionReturn(0);
  PetscCallMPI(
      MPI_Comm_split_type(info->comm, MPI_COMM_TYPE_SHARED, info->rank, MPI_INFO_NULL, node));
  PetscCallMPI(MPI_Comm_size(*node, &size));
  share = (PetscBool)(size == info->size && (info->rank || has_room(bytes)));
  PetscCall(all(info->comm, share, &share));
  if (!share) PetscCallMPI(MPI_Comm_free(node));
  PetscFunctionReturn(0);
}

/* The array at the first cache line of the window, which must be at the same place everywhere. */
static PetscErrorCode find_array(MuWindow s, PetscBool *found) {
  MPI_Aint bytes;
  int unit, range[2];
  char *base;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Win_shared_query(s->window, 0, &bytes, &unit, (void *)&base));
  range[0] = (int)((uintptr_t)base % LINE);
  range[1] = -range[0];
  s->array = (PetscReal *)(void *)(base + (LINE - range[0]) % LINE);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_INT, MPI_MAX, s->node));
  *found = (PetscBool)(range[0] == -range[1]);
  PetscFunctionReturn(0);
}

/* Every rank its part, so that the memory is near the processor that asks for it. Then each reads a
   number of every page, so that no step waits until the system has mapped it. */
static PetscErrorCode fill_zeros(MuWindow s, const MuGridInfo *info, size_t count) {
  const size_t size = (size_t)info->size, rank = (size_t)info->rank;
  const size_t first = count / size * rank, last = rank + 1 < size ? first + count / size : count;

  PetscFunctionBegin;
  memset(s->array + first, 0, sizeof(PetscReal) * (last - first));
  PetscCall(MuWindowMeet(s));
  for (size_t i = 0; i < count; i += PAGE / sizeof(PetscReal))
    (void)*(volatile PetscReal *)&s->array[i];
  PetscFunctionReturn(0);
}

PetscErrorCode MuWindowCreate(MuGrid grid, size_t count, MuWindow *window) {
  const size_t bytes = sizeof(PetscReal) * count + LINE;
  const MuGridInfo *info;
  MPI_Comm node;
  MuWindow s;
  PetscBool found = PETSC_FALSE;
  void *own;

  PetscFunctionBegin;
  *window = NULL;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(find_node(info, bytes, &node));
  if (node == MPI_COMM_NULL) PetscFunctionReturn(0);
  PetscCall(PetscNew(&s));
  s->node = node;
  PetscCallMPI(MPI_Win_allocate_shared(info->rank ? 0 : (MPI_Aint)bytes, 1, MPI_INFO_NULL, node,
                                       &own, &s->window));
  PetscCallMPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, s->window));
  *window = s;
  PetscCall(find_array(s, &found));
  if (found)
    PetscCall(fill_zeros(s, info, count));
  else
    PetscCall(MuWindowDestroy(window));
  PetscFunctionReturn(0);
}

PetscErrorCode MuWindowDestroy(MuWindow *window) {
  MuWindow s = *window;

  PetscFunctionBegin;
  *window = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Win_unlock_all(s->window));
  PetscCallMPI(MPI_Win_free(&s->window));
  PetscCallMPI(MPI_Comm_free(&s->node));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

PetscReal *MuWindowArray(MuWindow window) {
  return window->array;
}

PetscErrorCode MuWindowMeet(MuWindow s) {
  PetscFunctionBegin;
  PetscCallMPI(MPI_Win_sync(s->window));
  PetscCallMPI(MPI_Barrier(s->node));
  PetscCallMPI(MPI_Win_sync(s->window));
  PetscFunctionReturn(0);
}
