/* Small texts that are kept between runs in $XDG_CACHE_HOME/mudot (by default ~/.cache/mudot), for
   this kind of processor. Nothing depends on their being there: no function fails, and
   MUDOT_CACHE=off in the environment turns them off. Not collective. */
#ifndef MUDOT_BASE_CACHE_H
#define MUDOT_BASE_CACHE_H

#include <petscsys.h>

#define MU_CACHE_NAME 128 /* length of a name: letters, digits, - and . */

typedef struct {
  int descriptor;
} MuCacheLock;

/* The folder, which is made if need be; PETSC_FALSE if there is none that can be written to. */
PetscBool MuCacheFolder(char folder[PETSC_MAX_PATH_LEN]);
/* The text of a name, to be freed with free(); NULL if there is none. */
char *MuCacheRead(const char *name);
/* Puts a whole text in place of what was there, or leaves that; whether it is on the disk. */
PetscBool MuCacheWrite(const char *name, const char *text);
/* Waits until no other process holds the name, a minute at most; PETSC_FALSE: it cannot be had. A
   process that ends loses its locks. */
PetscBool MuCacheLockName(const char *name, MuCacheLock *lock);
void MuCacheUnlock(MuCacheLock *lock);

#endif
