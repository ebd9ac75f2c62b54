/* The user's cache: files that are written beside their place and renamed. */
#include "base/cache.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 16 * 1024 * 1024, LONGEST_WAIT = 60 };

static PetscBool make_folder(const char *path) {
  struct stat status;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return PETSC_FALSE;
  return (PetscBool)(stat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

PetscBool MuCacheFolder(char folder[PETSC_MAX_PATH_LEN]) {
  const char *chosen = getenv("MUDOT_CACHE"), *cache = getenv("XDG_CACHE_HOME"),
             *home = getenv("HOME");
  char above[PETSC_MAX_PATH_LEN];
  if (chosen && !strcmp(chosen, "off")) return PETSC_FALSE;
  if (cache && cache[0] == '/') /* a relative path is to be passed over, says the standard */
    snprintf(above, sizeof above, "%s", cache);
  else if (home && home[0] == '/')
    snprintf(above, sizeof above, "%s/.cache", home);
  else
    return PETSC_FALSE;
  if (snprintf(folder, PETSC_MAX_PATH_LEN, "%s/mudot", above) >= PETSC_MAX_PATH_LEN)
    return PETSC_FALSE;
  return (PetscBool)(make_folder(above) && make_folder(folder) && access(folder, W_OK) == 0);
}

/* A number for the model and the abilities of the processor: FNV-1a over the lines that name them,
   of the first processor. */
static uint64_t processor(void) {
  static const char *const lines[] = {"vendor_id", "cpu family", "model",
                                      "flags",     "Features",   "CPU"};
  uint64_t hash = 14695981039346656037u;
  char line[8192];
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file && fgets(line, sizeof line, file) && line[0] != '\n')
    for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i) {
      if (strncmp(line, lines[i], strlen(lines[i])) != 0) continue;
      for (const char *c = line; *c; ++c) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
      break;
    }
  if (file) fclose(file);
  return hash;
}

/* FOLDER/name-PROCESSOR, with an ending. */
static PetscBool path_of(const char *name, const char *ending, char path[PETSC_MAX_PATH_LEN]) {
  char folder[PETSC_MAX_PATH_LEN];
  if (!MuCacheFolder(folder)) return PETSC_FALSE;
  return (PetscBool)(snprintf(path, PETSC_MAX_PATH_LEN, "%s/%s-%016llx%s", folder, name,
                              (unsigned long long)processor(), ending) < PETSC_MAX_PATH_LEN);
}

char *MuCacheRead(const char *name) {
  char path[PETSC_MAX_PATH_LEN], *text = NULL;
  long long size;
  FILE *file;
  if (!path_of(name, "", path)) return NULL;
  if (access(path, R_OK) != 0 || MuFileOpen(NULL, path, &file, &size)) return NULL;
  if (size > 0 && size < LONGEST) text = calloc((size_t)size + 1, 1);
  if (text && fread(text, 1, (size_t)size, file) != (size_t)size) {
    free(text);
    text = NULL;
  }
  fclose(file);
  return text;
}

PetscBool MuCacheWrite(const char *name, const char *text) {
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN], ending[32];
  FILE *file;
  snprintf(ending, sizeof ending, ".%ld", (long)getpid());
  if (!path_of(name, "", path) || !path_of(name, ending, part)) return PETSC_FALSE;
  file = MuFileCreate(part);
  if (!file) return PETSC_FALSE;
  const size_t length = strlen(text);
  int good = fwrite(text, 1, length, file) == length && fflush(file) == 0;
  good = good && fsync(fileno(file)) == 0;
  good = fclose(file) == 0 && good;
  good = good && rename(part, path) == 0;
  if (!good) unlink(part);
  return (PetscBool)good;
}

PetscBool MuCacheLockName(const char *name, MuCacheLock *lock) {
  char path[PETSC_MAX_PATH_LEN];
  if (!path_of(name, ".lock", path)) return PETSC_FALSE;
  lock->descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock->descriptor < 0) return PETSC_FALSE;
  for (int tenths = 0; tenths < 10 * LONGEST_WAIT; ++tenths) {
    if (flock(lock->descriptor, LOCK_EX | LOCK_NB) == 0) return PETSC_TRUE;
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    usleep(100000);
  }
  close(lock->descriptor);
  return PETSC_FALSE;
}

void MuCacheUnlock(MuCacheLock *lock) {
  close(lock->descriptor); /* with it the lock ends; the file stays, so that nobody locks another */
}
