/* A checkpoint file: a block of HEADER bytes of text with the length and the CRC-32 of what
   follows, then an HDF5 file. (HDF5 looks for its beginning at 0, 512, 1024, ... and so reads the
   file as it is.) Whatever bit is flipped and wherever the file ends, the block does not fit.

   Written as DIRECTORY/checkpoint.h5.partial, brought to the disk, and only then given its name: at
   any moment at least one of the two generations is whole. */
#include "record/checkpoint_file.h"

#include "base/files.h"
#include "record/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { HEADER = 512, PIECE = 1 << 24 };

PetscErrorCode MuCheckpointPath(const char *directory, PetscInt generation,
                                char path[PETSC_MAX_PATH_LEN]) {
  return PetscSNPrintf(path, PETSC_MAX_PATH_LEN, "%s/checkpoint%s.h5", directory,
                       generation ? ".1" : "");
}

static void fill_header(const unsigned char *bytes, size_t size, char header[HEADER]) {
  uLong sum = crc32(0, NULL, 0);
  for (size_t at = 0; at < size; at += PIECE)
    sum = crc32(sum, bytes + at, (uInt)PetscMin(size - at, (size_t)PIECE));
  memset(header, 0, HEADER);
  snprintf(header, HEADER, "mudot checkpoint 1\n%zu bytes\nCRC-32 %08lx\n", size, sum);
}

/* ------------------------------------------------------------------ reading */

static int read_all(int fd, char *bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t n = read(fd, bytes + at, PetscMin(size - at, (size_t)PIECE));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    at += (size_t)n;
  }
  return 0;
}

static PetscErrorCode check(const char *path, const char *file, size_t size) {
  char header[HEADER];

  if (size < HEADER) return MuError(MU_ERR_FILE, "%s is cut off", path);
  fill_header((const unsigned char *)file + HEADER, size - HEADER, header);
  if (memcmp(header, file, HEADER) != 0)
    return MuError(MU_ERR_FILE, "%s is damaged: its checksum or its length is wrong", path);
  return 0;
}

PetscErrorCode MuCheckpointFileRead(const char *path, void **bytes, size_t *size) {
  struct stat status;
  PetscErrorCode code = 0;
  char *file;
  int fd = open(path, O_RDONLY | O_NONBLOCK);

  PetscFunctionBegin;
  *bytes = NULL;
  if (fd < 0 && errno == ENOENT) PetscFunctionReturn(0);
  if (fd < 0 || fstat(fd, &status) != 0)
    code = MuError(MU_ERR_FILE, "%s cannot be read: %s", path, strerror(errno));
  else if (!S_ISREG(status.st_mode))
    code = MuError(MU_ERR_FILE, "%s is not a regular file", path);
  if (code) {
    if (fd >= 0) close(fd);
    PetscFunctionReturn(code);
  }
  *size = (size_t)status.st_size;
  PetscCall(PetscMalloc1(*size + 1, &file));
  if (read_all(fd, file, *size) != 0)
    code = MuError(MU_ERR_FILE, "%s cannot be read: %s", path,
                   errno ? strerror(errno) : "it has become shorter");
  close(fd);
  if (!code) code = check(path, file, *size);
  if (code) {
    PetscCall(PetscFree(file));
    PetscFunctionReturn(code);
  }
  *size -= HEADER;
  memmove(file, file + HEADER, *size);
  *bytes = file;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ writing */

static int write_all(int fd, const char *bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t n = write(fd, bytes + at, PetscMin(size - at, (size_t)PIECE));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    at += (size_t)n;
  }
  return 0;
}

static int write_partial(const char *path, const char *header, const char *bytes, size_t size) {
  int fd = -1, failed;
  if (unlink(path) == 0 || errno == ENOENT) fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (fd < 0) return -1;
  failed = write_all(fd, header, HEADER) || write_all(fd, bytes, size) || fsync(fd);
  const int reason = errno;
  if (close(fd) != 0 && !failed) return -1;
  errno = reason;
  return failed ? -1 : 0;
}

/* Names of files last through a crash of the system once their folder is on disk; not every file
   system can be asked for that. */
static void sync_directory(const char *directory) {
  int fd = open(directory, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
}

/* Whether generation 0 is worth keeping. */
static PetscErrorCode is_good(const char *path, PetscBool *good) {
  void *bytes;
  size_t size = 0;
  PetscErrorCode code = MuCheckpointFileRead(path, &bytes, &size);

  PetscFunctionBegin;
  *good = (PetscBool)(!code && bytes);
  if (!code) PetscCall(PetscFree(bytes));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckpointFileWrite(const char *directory, const void *bytes, size_t size,
                                     PetscBool newest_is_good) {
  char newest[PETSC_MAX_PATH_LEN], older[PETSC_MAX_PATH_LEN], partial[PETSC_MAX_PATH_LEN];
  char header[HEADER];

  PetscFunctionBegin;
  PetscCall(MuCheckpointPath(directory, 0, newest));
  PetscCall(MuCheckpointPath(directory, 1, older));
  PetscCall(PetscSNPrintf(partial, sizeof partial, "%s/checkpoint.h5.partial", directory));
  fill_header(bytes, size, header);
  if (!newest_is_good) PetscCall(is_good(newest, &newest_is_good));
  errno = 0;
  if (write_partial(partial, header, bytes, size) != 0 ||
      (newest_is_good && rename(newest, older) != 0 && errno != ENOENT) ||
      rename(partial, newest) != 0) {
    PetscErrorCode code = MuCannotWrite(newest);
    unlink(partial);
    PetscFunctionReturn(code);
  }
  sync_directory(directory);
  PetscFunctionReturn(0);
}
