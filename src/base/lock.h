/* One process at a time writes what a lock is for. */
#ifndef MUDOT_BASE_LOCK_H
#define MUDOT_BASE_LOCK_H

#include <petscsys.h>

typedef struct _p_MuLock *MuLock;

/* Takes the lock of `path`, a file DIRECTORY/.NAME.lock beside DIRECTORY/NAME that tells the host,
   the process and since when, until it is released or the process ends, however it ends: what a
   crash leaves behind blocks nobody. `what` begins the sentence of a refusal, e.g.
   "output_directory: out". Not collective: one rank takes it. MU_ERR_FILE: another process has it,
   or the file cannot be made.

   *none is true where the file system has no locks (some network ones have not): then nothing is
   refused, and the caller warns with MU_NO_LOCKS. */
PetscErrorCode MuLockTake(const char *path, const char *what, MuLock *lock, PetscBool *none);
#define MU_NO_LOCKS                                                                                \
  "%s: this file system has no locks; another mudot that writes there would not be noticed"
/* Removes the file. NULL is allowed. */
PetscErrorCode MuLockRelease(MuLock *lock);

#endif
