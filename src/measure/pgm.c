/* Portable grey maps, P2 (text) and P5 (binary, most significant byte first); netpbm's pgm(5). */
#include "base/files.h"
#include "measure/measure_impl.h"
#include "measure/samples.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_CELLS 100000000

PetscErrorCode MuPgmRecognise(const char *key, const char *file, PetscBool *is_pgm) {
  char magic[2] = "";
  FILE *f;

  PetscFunctionBegin;
  PetscCall(MuFileOpen(key, file, &f, NULL));
  *is_pgm = (PetscBool)(fread(magic, 1, 2, f) == 2 && magic[0] == 'P' &&
                        (magic[1] == '2' || magic[1] == '5'));
  fclose(f);
  PetscFunctionReturn(0);
}

/* The next character, a # comment counting as the end of its line, as in netpbm. */
static int next_character(FILE *f) {
  int c = fgetc(f);
  if (c == '#')
    while (c != EOF && c != '\n' && c != '\r') c = fgetc(f);
  return c;
}

/* The next number of a text part, past white space and comments, which may stand within it; -1 if
   there is none. The character behind it is eaten. */
static long next_number(FILE *f) {
  long value = 0;
  int c = next_character(f);
  while (c != EOF && isspace(c)) c = next_character(f);
  if (c == EOF || !isdigit(c)) return -1;
  for (; c != EOF && isdigit(c) && value < MAX_CELLS; c = next_character(f))
    value = 10 * value + (c - '0');
  return c == EOF || isspace(c) ? value : -1;
}

/* Finds the first byte of a binary raster of `bytes` bytes in a file of `size`. One white space
   stands before it; the line feed of a line that ends with CR LF, and comments behind the largest
   value, are passed over only where the rest of the file is then just the raster. */
static PetscErrorCode find_raster(FILE *f, const char *file, long long size, long long bytes) {
  const long start = ftell(f);
  int before = 0, c = 0;

  PetscFunctionBegin;
  (void)fseek(f, start - 1, SEEK_SET);
  before = fgetc(f);
  while (size - ftell(f) > bytes && c != EOF) {
    c = fgetc(f);
    if (c == '#')
      while (c != EOF && c != '\n') c = fgetc(f);
    else if (before != '\r' || c != '\n') {
      (void)fseek(f, start, SEEK_SET);
      break;
    }
    before = c;
  }
  if (size - start > bytes && size - ftell(f) != bytes)
    return MuError(MU_ERR_FILE,
                   "%s: %lld bytes stand behind the header of this grey map, where the image takes "
                   "%lld; nothing else may follow it",
                   file, size - start, bytes);
  PetscFunctionReturn(0);
}

static long next_sample(FILE *f, PetscBool text, long maximum) {
  int high, low;
  if (text) return next_number(f);
  high = maximum > 255 ? fgetc(f) : 0;
  low = fgetc(f);
  return high == EOF || low == EOF ? -1 : 256L * high + low;
}

static PetscErrorCode read_samples(FILE *f, const char *file, PetscBool text, long maximum,
                                   PetscInt width, PetscInt height, PetscReal *values) {
  PetscFunctionBegin;
  for (PetscInt row = 0; row < height; ++row)
    for (PetscInt column = 0; column < width; ++column) {
      long sample = next_sample(f, text, maximum);
      if (sample < 0 || sample > maximum)
        return MuError(MU_ERR_FILE,
                       "%s: image row %d, column %d is %s; the image has %d rows of %d values from "
                       "0 to %ld",
                       file, (int)row + 1, (int)column + 1, sample < 0 ? "missing" : "too large",
                       (int)height, (int)width, maximum);
      values[(height - 1 - row) * width + column] = (PetscReal)sample / (PetscReal)maximum;
    }
  PetscFunctionReturn(0);
}

/* Behind the last value of a text image stand white space and comments only. */
static PetscErrorCode check_end(FILE *f, const char *file) {
  int c = next_character(f);

  PetscFunctionBegin;
  while (c != EOF && isspace(c)) c = next_character(f);
  if (c != EOF)
    return MuError(MU_ERR_FILE,
                   "%s: something stands behind the last value of the image; a grey map ends there",
                   file);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_image(FILE *f, const char *file, long long size, PetscInt *width,
                                 PetscInt *height, PetscReal **values) {
  const int p = fgetc(f), kind = fgetc(f);
  long w, h, maximum;

  PetscFunctionBegin;
  if (p != 'P' || (kind != '2' && kind != '5'))
    return MuError(MU_ERR_FILE, "%s: not a portable grey map; it must begin with P2 or P5", file);
  w = next_number(f);
  h = next_number(f);
  maximum = next_number(f);
  if (w < 1 || h < 1 || w > MAX_CELLS / h || maximum < 1 || maximum > 65535)
    return MuError(MU_ERR_FILE,
                   "%s: the header of this grey map is wrong; it must give width, height and a "
                   "largest value from 1 to 65535",
                   file);
  if (size < w * h * (kind == '5' && maximum > 255 ? 2 : 1)) /* before so much is allocated */
    return MuError(MU_ERR_FILE, "%s: is too short for an image of %ld x %ld values", file, w, h);
  if (kind == '5') PetscCall(find_raster(f, file, size, (maximum > 255 ? 2LL : 1LL) * w * h));
  *width = (PetscInt)w;
  *height = (PetscInt)h;
  PetscCall(PetscMalloc1(w * h, values));
  PetscErrorCode failed =
      read_samples(f, file, (PetscBool)(kind == '2'), maximum, *width, *height, *values);
  if (!failed && kind == '2') failed = check_end(f, file);
  if (failed) PetscCall(PetscFree(*values));
  return failed;
}

PetscErrorCode MuPgmReadLocal(const char *file, PetscInt *width, PetscInt *height,
                              PetscReal **values) {
  FILE *f;
  long long size;

  PetscFunctionBegin;
  *values = NULL;
  PetscCall(MuFileOpen(NULL, file, &f, &size));
  PetscErrorCode failed = read_image(f, file, size, width, height, values);
  fclose(f);
  return failed;
}

PetscErrorCode MuPgmRead(MPI_Comm comm, const char *file, PetscInt *width, PetscInt *height,
                         PetscReal **values) {
  PetscErrorCode failed = 0;
  PetscInt shape[2] = {0, 0};
  PetscMPIInt rank;

  PetscFunctionBegin;
  *values = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) failed = MuPgmReadLocal(file, &shape[0], &shape[1], values);
  PetscCall(MuErrorAgree(comm, failed));
  PetscCallMPI(MPI_Bcast(shape, 2, MPIU_INT, 0, comm));
  if (rank != 0) PetscCall(PetscMalloc1(shape[0] * shape[1], values));
  PetscCallMPI(MPI_Bcast(*values, (PetscMPIInt)(shape[0] * shape[1]), MPIU_REAL, 0, comm));
  *width = shape[0];
  *height = shape[1];
  PetscFunctionReturn(0);
}
