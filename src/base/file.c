/* Opening files: only regular ones are read, so that a device or a pipe cannot hold the program up
   or feed it for ever, and none is written through a symbolic link. */
#include "base/files.h"
#include "mudot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "key: " or nothing. */
static PetscErrorCode file_error(const char *key, const char *path, const char *verb,
                                 const char *reason) {
  return MuError(MU_ERR_FILE, "%s%s%s %s%s%s", key ? key : "", key ? ": " : "", path, verb,
                 reason ? ": " : "", reason ? reason : "");
}

PetscErrorCode MuFileOpen(const char *key, const char *path, FILE **file, long long *size) {
  /* without O_NONBLOCK the opening of a pipe would wait for its writer */
  const int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status;

  PetscFunctionBegin;
  *file = NULL;
  if (descriptor < 0) return file_error(key, path, "cannot be read", strerror(errno));
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return file_error(key, path, "is not a regular file", NULL);
  }
  *file = fdopen(descriptor, "rb");
  if (!*file) {
    close(descriptor);
    return file_error(key, path, "cannot be read", strerror(errno));
  }
  if (size) *size = (long long)status.st_size;
  PetscFunctionReturn(0);
}

PetscErrorCode MuFileCheck(const char *key, const char *path) {
  FILE *file;

  PetscFunctionBegin;
  PetscCall(MuFileOpen(key, path, &file, NULL));
  fclose(file);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFileCheckInPlace(const char *path) {
  struct stat status;

  PetscFunctionBegin;
  if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
    return file_error(NULL, path, "is a symbolic link and is not written to", NULL);
  PetscCall(MuFileCheck(NULL, path));
  PetscFunctionReturn(0);
}

/* The stream of a descriptor; closes it if there is none. */
static FILE *stream_of(int descriptor, const char *mode) {
  FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, mode);
  if (!file && descriptor >= 0) close(descriptor);
  return file;
}

FILE *MuFileCreate(const char *path) {
  if (unlink(path) != 0 && errno != ENOENT) return NULL;
  return stream_of(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), "w");
}

FILE *MuFileUpdate(const char *path) {
  const int descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  if (descriptor >= 0 && (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))) {
    close(descriptor);
    return NULL;
  }
  return stream_of(descriptor, "r+");
}

FILE *MuFileAppend(const char *path) {
  return stream_of(open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666), "a");
}

PetscErrorCode MuCannotWrite(const char *path) {
  return MuError(MU_ERR_FILE, "%s: cannot be written%s%s", path, errno ? ": " : "",
                 errno ? strerror(errno) : "");
}

PetscErrorCode MuFileFinish(FILE *file, const char *partial, const char *path, PetscBool wrong) {
  if (fclose(file) == 0 && !wrong && rename(partial, path) == 0) return 0;
  PetscErrorCode code = MuCannotWrite(path);
  unlink(partial);
  return code;
}

PetscErrorCode MuMakeDirectory(const char *directory) {
  char path[PETSC_MAX_PATH_LEN];
  struct stat status;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(path, directory, sizeof path));
  for (char *c = path + 1; *c; ++c) {
    if (*c != '/') continue;
    *c = 0;
    if (mkdir(path, 0777) != 0 && errno != EEXIST && stat(path, &status) != 0)
      return MuError(MU_ERR_FILE, "output_directory: %s cannot be made: %s", directory,
                     strerror(errno));
    *c = '/';
  }
  if (mkdir(path, 0777) != 0 && errno != EEXIST)
    return MuError(MU_ERR_FILE, "output_directory: %s cannot be made: %s", directory,
                   strerror(errno));
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
    return MuError(MU_ERR_FILE, "output_directory: %s is not a directory", directory);
  PetscFunctionReturn(0);
}
