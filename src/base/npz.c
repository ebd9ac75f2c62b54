/* Reading an archive of numpy.savez or numpy.savez_compressed: the directory at the end of a ZIP
   file, and members that are stored or deflated. PKWARE, .ZIP File Format Specification (APPNOTE),
   sections 4.3.7, 4.3.12 and 4.3.16. */
#include "base/npz.h"

#include "base/files.h"

#include <string.h>
#include <zlib.h>

enum {
  END_LENGTH = 22,   /* of the record at the end, without its comment */
  ENTRY_LENGTH = 46, /* of an entry of the directory, without its name */
  LOCAL_LENGTH = 30, /* of the header before a member */
  MOST_COMMENT = 65535,
  MOST_RATIO = 1032, /* deflate makes nothing smaller than that */
};
#define MOST_BYTES ((long long)PETSC_MAX_INT / 2)

typedef struct {
  const char *key, *path;
  unsigned char *bytes;
  long long size;
} Archive;

/* A member of the directory. */
typedef struct {
  char name[128]; /* without .npy */
  unsigned method, flags;
  long long packed, size, at, crc;
} Member;

static unsigned word(const unsigned char *p) {
  return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static long long two_words(const unsigned char *p) {
  return (long long)word(p) | (long long)word(p + 2) << 16;
}

static PetscErrorCode wrong(const Archive *a, const char *what) {
  return MuError(MU_ERR_FILE, "%s%s%s: %s", a->key ? a->key : "", a->key ? ": " : "", a->path,
                 what);
}

static PetscErrorCode read_archive(Archive *a) {
  FILE *f;

  PetscFunctionBegin;
  PetscCall(MuFileOpen(a->key, a->path, &f, &a->size));
  PetscErrorCode code = a->size > MOST_BYTES ? wrong(a, "the archive is larger than 1 GB") : 0;
  if (!code) code = PetscMalloc1(a->size + 1, &a->bytes);
  if (!code && fread(a->bytes, 1, (size_t)a->size, f) != (size_t)a->size)
    code = wrong(a, "cannot be read");
  fclose(f);
  PetscFunctionReturn(code);
}

/* Where the directory begins, and how many members it has. */
static PetscErrorCode find_directory(const Archive *a, long long *at, unsigned *members) {
  const long long last = a->size - END_LENGTH;

  PetscFunctionBegin;
  for (long long i = last; i >= 0 && i >= last - MOST_COMMENT; --i) {
    if (memcmp(a->bytes + i, "PK\5\6", 4) != 0) continue;
    *members = word(a->bytes + i + 10);
    *at = two_words(a->bytes + i + 16);
    PetscFunctionReturn(0);
  }
  return wrong(a, "the archive has no directory; it is cut off");
}

/* The entry at *at, which goes on to the next; FALSE if it does not lie within the file. */
static PetscBool read_entry(const Archive *a, long long *at, Member *m) {
  const unsigned char *p = a->bytes + *at;
  if (*at < 0 || *at + ENTRY_LENGTH > a->size || memcmp(p, "PK\1\2", 4) != 0) return PETSC_FALSE;
  const size_t length = word(p + 28);
  if (*at + ENTRY_LENGTH + (long long)length > a->size) return PETSC_FALSE;
  *m = (Member){.flags = word(p + 8), .method = word(p + 10)};
  m->crc = two_words(p + 16);
  m->packed = two_words(p + 20);
  m->size = two_words(p + 24);
  m->at = two_words(p + 42);
  const size_t kept = length < sizeof m->name ? length : sizeof m->name - 1;
  for (size_t i = 0; i < kept; ++i) /* a sentence is one line */
    m->name[i] = (char)(p[ENTRY_LENGTH + i] < ' ' || p[ENTRY_LENGTH + i] == 127 ? '?' : p[46 + i]);
  char *dot = strrchr(m->name, '.');
  if (dot && !strcmp(dot, ".npy")) *dot = 0;
  *at += ENTRY_LENGTH + (long long)length + word(p + 30) + word(p + 32);
  return PETSC_TRUE;
}

static PetscErrorCode find_member(const Archive *a, const char *array, Member *found) {
  char names[512] = "";
  size_t used = 0;
  long long at = 0;
  unsigned members = 0;
  PetscBool there = PETSC_FALSE;
  Member m;

  PetscFunctionBegin;
  PetscCall(find_directory(a, &at, &members));
  for (unsigned k = 0; k < members; ++k) {
    if (!read_entry(a, &at, &m)) return wrong(a, "the directory of the archive is damaged");
    if (used + strlen(m.name) + 3 < sizeof names)
      used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "", m.name);
    if (array ? !strcmp(array, m.name) : members == 1) *found = m, there = PETSC_TRUE;
  }
  if (there) PetscFunctionReturn(0);
  if (array)
    return MuError(MU_ERR_FILE, "%s%s%s: has no array %s; it holds %s", a->key ? a->key : "",
                   a->key ? ": " : "", a->path, array, names);
  return MuError(MU_ERR_FILE, "%s%s%s: one array is needed; it holds %s%s", a->key ? a->key : "",
                 a->key ? ": " : "", a->path, members ? names : "none",
                 a->key && members ? "; the key dataset chooses one" : "");
}

static PetscErrorCode inflate_member(const Archive *a, const Member *m, const unsigned char *from,
                                     unsigned char *to) {
  z_stream z = {.next_in = (unsigned char *)from,
                .avail_in = (uInt)m->packed,
                .next_out = to,
                .avail_out = (uInt)m->size};

  PetscFunctionBegin;
  PetscCheck(inflateInit2(&z, -MAX_WBITS) == Z_OK, PETSC_COMM_SELF, PETSC_ERR_MEM, "zlib");
  const int status = inflate(&z, Z_FINISH);
  const PetscBool whole = (PetscBool)(status == Z_STREAM_END && z.avail_out == 0);
  inflateEnd(&z);
  if (!whole) return wrong(a, "the archive is damaged");
  PetscFunctionReturn(0);
}

static PetscErrorCode unpack(const Archive *a, const Member *m, unsigned char **bytes) {
  const unsigned char *local = a->bytes + m->at;

  PetscFunctionBegin;
  if (m->at + LOCAL_LENGTH > a->size || memcmp(local, "PK\3\4", 4) != 0)
    return wrong(a, "the archive is damaged");
  const long long at = m->at + LOCAL_LENGTH + word(local + 26) + word(local + 28);
  if (at + m->packed > a->size) return wrong(a, "the archive is damaged");
  if (m->flags & 1 || (m->method != 0 && m->method != 8))
    return wrong(a, "is encrypted or packed in a way that numpy.savez does not use");
  if (m->size > MOST_BYTES || m->size > MOST_RATIO * m->packed + 1024 ||
      (m->method == 0 && m->size != m->packed)) /* before so much is allocated */
    return wrong(a, "the archive is damaged");
  PetscCall(PetscMalloc1(m->size + 1, bytes));
  PetscErrorCode code = 0;
  if (m->method == 8)
    code = inflate_member(a, m, a->bytes + at, *bytes);
  else
    memcpy(*bytes, a->bytes + at, (size_t)m->size);
  if (!code && (long long)crc32(0, *bytes, (uInt)m->size) != m->crc)
    code = wrong(a, "the archive is damaged");
  if (code) PetscCall(PetscFree(*bytes));
  PetscFunctionReturn(code);
}

PetscErrorCode MuNpzExtract(const char *key, const char *path, const char *array,
                            unsigned char **bytes, size_t *size) {
  Archive a = {.key = key, .path = path};
  Member m = {.size = 0};

  PetscFunctionBegin;
  *bytes = NULL;
  PetscErrorCode code = read_archive(&a);
  if (!code) code = find_member(&a, array, &m);
  if (!code) code = unpack(&a, &m, bytes);
  if (!code) *size = (size_t)m.size;
  PetscCall(PetscFree(a.bytes));
  PetscFunctionReturn(code);
}
