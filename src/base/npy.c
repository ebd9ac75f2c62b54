/* Reading and writing NumPy's .npy: a magic word, a version, the length of a header and the header,
   a dictionary of Python's with the type, the order and the shape; then the numbers. NumPy
   Enhancement Proposal 1, numpy.lib.format. */
#include "base/npy.h"

#include "base/files.h"
#include "base/npz.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC        "\223NUMPY"
#define MAGIC_LENGTH 6
enum { MOST_DIMS = 3, MOST_HEADER = 1 << 16, MOST_VALUES = PETSC_MAX_INT / 16 };

typedef struct {
  const char *key, *path;
  FILE *file;
  long long size; /* of the file */
  char type[16];  /* <f8 and the like */
  int fortran;
  PetscInt dims, extent[MOST_DIMS], most;
} Npy;

static PetscErrorCode wrong(const Npy *a, const char *what) {
  return MuError(MU_ERR_FILE, "%s%s%s: %s", a->key ? a->key : "", a->key ? ": " : "", a->path,
                 what);
}

/* How a file begins; zeros if it cannot be read. */
static void read_magic(const char *path, char magic[MAGIC_LENGTH]) {
  FILE *f;
  memset(magic, 0, MAGIC_LENGTH);
  if (MuFileOpen(NULL, path, &f, NULL)) return;
  if (fread(magic, 1, MAGIC_LENGTH, f) != MAGIC_LENGTH) memset(magic, 0, MAGIC_LENGTH);
  fclose(f);
}

static PetscBool is_archive(const char magic[MAGIC_LENGTH]) {
  return (PetscBool)(memcmp(magic, "PK\3\4", 4) == 0 || memcmp(magic, "PK\5\6", 4) == 0);
}

PetscBool MuNpyRecognise(const char *path) {
  char magic[MAGIC_LENGTH];
  read_magic(path, magic);
  return (PetscBool)(memcmp(magic, MAGIC, MAGIC_LENGTH) == 0 || is_archive(magic));
}

/* ------------------------------------------------------------------ header */

static const char *skip(const char *p) {
  while (isspace((unsigned char)*p) || *p == ',') ++p;
  return p;
}

/* What stands behind 'name': in the dictionary; NULL if it is not there. */
static const char *find(const char *header, const char *name) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "'%s':", name);
  const char *at = strstr(header, quoted);
  return at ? skip(at + strlen(quoted)) : NULL;
}

static PetscErrorCode read_type(Npy *a, const char *header) {
  static const char *const allowed[] = {"<f8", ">f8", "<f4", ">f4"};
  const char *at = find(header, "descr"), *end = at && *at == '\'' ? strchr(at + 1, '\'') : NULL;
  char sentence[160];

  PetscFunctionBegin;
  if (end && end - at - 1 < (long)sizeof a->type) {
    memcpy(a->type, at + 1, (size_t)(end - at - 1));
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; ++i)
      if (!strcmp(a->type, allowed[i])) PetscFunctionReturn(0);
  }
  for (char *c = a->type; *c; ++c)
    if (!isalnum((unsigned char)*c) && !strchr("<>|=", *c)) *c = '?';
  snprintf(sentence, sizeof sentence,
           "the array has the type %s; allowed are float32 and float64 (array.astype(float))",
           a->type[0] ? a->type : "of a record");
  return wrong(a, sentence);
}

static PetscErrorCode read_shape(Npy *a, const char *header) {
  const char *at = find(header, "shape");
  PetscReal values = 1;

  PetscFunctionBegin;
  if (!at || *at != '(') return wrong(a, "the header of the array is wrong: there is no shape");
  for (at = skip(at + 1); *at != ')'; at = skip(at)) {
    char *end;
    const long long n = strtoll(at, &end, 10);
    if (end == at || n < 0) return wrong(a, "the header of the array is wrong: the shape");
    if (a->dims == a->most || n > MOST_VALUES) {
      a->dims = -1;
      break;
    }
    a->extent[a->dims++] = (PetscInt)n;
    values *= (PetscReal)n;
    at = end;
  }
  if (a->dims < 1 || values > MOST_VALUES)
    return wrong(a, a->most == 2 ? "the array must have one or two dimensions and less than 2^27 "
                                   "values"
                                 : "the array has too many dimensions or values");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_header(Npy *a) {
  unsigned char begin[12] = {0};
  const char *order;
  char *header;

  PetscFunctionBegin;
  if (fread(begin, 1, 8, a->file) != 8 || memcmp(begin, MAGIC, MAGIC_LENGTH) != 0)
    return wrong(a, "this is not an array of NumPy");
  const int major = begin[6], bytes = major == 1 ? 2 : 4;
  if (major < 1 || major > 3) return wrong(a, "the array has a format that is not 1.0 to 3.0");
  if (fread(begin + 8, 1, (size_t)bytes, a->file) != (size_t)bytes) return wrong(a, "is cut off");
  const size_t length =
      (size_t)begin[8] | (size_t)begin[9] << 8 | (size_t)begin[10] << 16 | (size_t)begin[11] << 24;
  if (length > MOST_HEADER) return wrong(a, "the header of the array is too long");
  PetscCall(PetscCalloc1(length + 1, &header));
  PetscErrorCode code = 0;
  if (fread(header, 1, length, a->file) != length) code = wrong(a, "is cut off");
  if (!code) code = read_type(a, header);
  if (!code) code = read_shape(a, header);
  order = find(header, "fortran_order");
  a->fortran = order && !strncmp(order, "True", 4);
  PetscCall(PetscFree(header));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ values */

/* A number of `size` bytes in the byte order of the file. */
static PetscReal decode(const unsigned char *bytes, int size, PetscBool big) {
  uint64_t bits = 0;
  for (int i = 0; i < size; ++i) bits = bits << 8 | bytes[big ? i : size - 1 - i];
  if (size == 8) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  const uint32_t half = (uint32_t)bits;
  float value;
  memcpy(&value, &half, sizeof value);
  return (PetscReal)value;
}

/* Where number `i` of the file stands in a row-major array. */
static PetscInt place(const Npy *a, PetscInt i) {
  PetscInt at = 0, stride = 1, digit[MOST_DIMS];
  if (!a->fortran) return i;
  for (PetscInt k = 0; k < a->dims; ++k) {
    digit[k] = i % a->extent[k];
    i /= a->extent[k];
  }
  for (PetscInt k = a->dims - 1; k >= 0; stride *= a->extent[k--]) at += digit[k] * stride;
  return at;
}

static PetscErrorCode read_values(Npy *a, PetscReal **values) {
  const int size = a->type[2] - '0';
  const PetscBool big = (PetscBool)(a->type[0] == '>');
  const long start = ftell(a->file);
  unsigned char bytes[8];
  PetscInt count = 1;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < a->dims; ++k) count *= a->extent[k];
  if (start < 0 || a->size - start != (long long)count * size) /* before so much is allocated */
    return wrong(a, "the file does not hold as many numbers as its header says");
  PetscCall(PetscMalloc1(count + 1, values));
  for (PetscInt i = 0; i < count; ++i) {
    if (fread(bytes, 1, (size_t)size, a->file) != (size_t)size) {
      PetscCall(PetscFree(*values));
      return wrong(a, "cannot be read");
    }
    (*values)[place(a, i)] = decode(bytes, size, big);
  }
  PetscFunctionReturn(0);
}

/* The file, or the array of an archive as a file in memory. */
static PetscErrorCode open_array(Npy *a, const char *array, unsigned char **bytes) {
  char magic[MAGIC_LENGTH];
  size_t size = 0;

  PetscFunctionBegin;
  *bytes = NULL;
  read_magic(a->path, magic);
  if (!is_archive(magic)) {
    if (array) return wrong(a, "holds one array without a name; dataset is for archives (.npz)");
    PetscCall(MuFileOpen(a->key, a->path, &a->file, &a->size));
    PetscFunctionReturn(0);
  }
  PetscCall(MuNpzExtract(a->key, a->path, array, bytes, &size));
  a->size = (long long)size;
  a->file = size ? fmemopen(*bytes, size, "rb") : NULL;
  if (!a->file) {
    PetscCall(PetscFree(*bytes));
    return wrong(a, "its array is empty");
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuNpyRead(const char *key, const char *path, const char *array, PetscInt most,
                         PetscInt *dims, PetscInt extent[], PetscReal **values) {
  Npy a = {.key = key, .path = path, .most = most};
  unsigned char *bytes;

  PetscFunctionBegin;
  *values = NULL;
  PetscCheck(most <= MOST_DIMS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d dimensions",
             (int)most);
  PetscCall(open_array(&a, array, &bytes));
  PetscErrorCode code = read_header(&a);
  if (!code) code = read_values(&a, values);
  fclose(a.file);
  PetscCall(PetscFree(bytes));
  *dims = a.dims;
  for (PetscInt k = 0; k < a.dims; ++k) extent[k] = a.extent[k];
  PetscFunctionReturn(code);
}

int MuNpyWrite(FILE *out, PetscInt n, PetscInt dim, const PetscReal *values) {
  const uint16_t probe = 1;
  char text[118]; /* with the ten bytes before it a multiple of 64 */
  const int little = *(const unsigned char *)&probe;
  const int written =
      snprintf(text, sizeof text, "{'descr': '%cf8', 'fortran_order': False, 'shape': (%d, %d), }",
               little ? '<' : '>', (int)n, (int)dim);
  memset(text + written, ' ', sizeof text - (size_t)written);
  text[sizeof text - 1] = '\n';
  const size_t count = (size_t)n * (size_t)dim;
  return fwrite(MAGIC "\1\0v\0", 1, 10, out) != 10 ||
         fwrite(text, 1, sizeof text, out) != sizeof text ||
         fwrite(values, sizeof *values, count, out) != count;
}
