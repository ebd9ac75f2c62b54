/* Advisory locks on files, flock(2): they belong to the open file, so that they end with the
   process, also on network file systems, where Linux makes them locks of the whole file at the
   server. The file is removed while it is locked; who opened it before and waits for nothing finds
   that the name is another file now, and tries again. */
#include "base/lock.h"
#include "mudot/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct _p_MuLock {
  int descriptor;
  char path[PETSC_MAX_PATH_LEN];
};

/* Whether the open file still has the name. */
static PetscBool is_current(const MuLock lock) {
  struct stat opened, named;
  return (PetscBool)(fstat(lock->descriptor, &opened) == 0 && stat(lock->path, &named) == 0 &&
                     opened.st_ino == named.st_ino && opened.st_dev == named.st_dev);
}

static PetscErrorCode refuse(const MuLock lock, const char *what) {
  char owner[256];
  const ssize_t length = pread(lock->descriptor, owner, sizeof owner - 1, 0);
  owner[length > 0 ? length : 0] = '\0';
  owner[strcspn(owner, "\n")] = '\0';
  return MuError(MU_ERR_FILE,
                 "%s is being written by another mudot%s%s%s; wait until it has ended, or choose "
                 "another place",
                 what, owner[0] ? " (" : "", owner, owner[0] ? ")" : "");
}

/* For people, and for the sentence of who comes second; the lock holds without it. */
static void sign(const MuLock lock) {
  char host[128] = "?", now[32], text[256];
  const time_t seconds = time(NULL);
  struct tm broken;
  gethostname(host, sizeof host - 1);
  gmtime_r(&seconds, &broken);
  strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &broken);
  const int length =
      snprintf(text, sizeof text, "process %ld on %s since %s\n", (long)getpid(), host, now);
  if (ftruncate(lock->descriptor, 0) != 0 ||
      pwrite(lock->descriptor, text, (size_t)length, 0) != length)
    errno = 0;
}

/* Opens and locks the file; *taken: it was current then. */
static PetscErrorCode try(MuLock lock, const char *what, PetscBool *taken, PetscBool *none) {
  PetscFunctionBegin;
  *taken = PETSC_FALSE;
  lock->descriptor = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  if (lock->descriptor < 0)
    return MuError(MU_ERR_FILE, "%s: cannot be written: %s", what, strerror(errno));
  if (flock(lock->descriptor, LOCK_EX | LOCK_NB) == 0) {
    *taken = is_current(lock);
    PetscFunctionReturn(0);
  }
  if (errno == EWOULDBLOCK || errno == EACCES) return refuse(lock, what);
  *taken = PETSC_TRUE;
  *none = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static void close_file(MuLock lock) {
  if (lock->descriptor >= 0) close(lock->descriptor);
  lock->descriptor = -1;
}

/* DIRECTORY/.NAME.lock of DIRECTORY/NAME */
static PetscErrorCode name_file(const char *path, MuLock lock) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

  PetscFunctionBegin;
  if (strlen(path) + 8 > sizeof lock->path)
    return MuError(MU_ERR_INPUT, "%.60s...: the path is too long", path);
  snprintf(lock->path, sizeof lock->path, "%.*s.%s.lock", (int)(name - path), path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLockTake(const char *path, const char *what, MuLock *lock, PetscBool *none) {
  PetscBool taken = PETSC_FALSE;

  PetscFunctionBegin;
  *none = PETSC_FALSE;
  PetscCall(PetscNew(lock));
  PetscErrorCode code = name_file(path, *lock);
  while (!taken && !code) {
    code = try(*lock, what, &taken, none);
    if (!taken) close_file(*lock);
  }
  if (code) {
    PetscCall(PetscFree(*lock));
    PetscFunctionReturn(code);
  }
  sign(*lock);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLockRelease(MuLock *lock) {
  PetscFunctionBegin;
  if (!*lock) PetscFunctionReturn(0);
  if (is_current(*lock)) unlink((*lock)->path);
  close_file(*lock);
  PetscCall(PetscFree(*lock));
  PetscFunctionReturn(0);
}
