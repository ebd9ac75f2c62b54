/* Memory in pages of 2 MiB. Arrays lie in regions, mapped so that what follows their header is a
   multiple of the address REGION: the header of an array is found by rounding its address down. */
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE           ((size_t)64) /* of the cache */
#define SMALL_PAGE     ((size_t)1 << 12)
#define PAGE           ((size_t)1 << 21)
#define REGION         (4 * PAGE)
#define SHARED_LARGEST (PAGE / 2)
#define PAGES_LEAST    ((size_t)1 << 16)
/* Arrays of one size would lie at one place of every cache, and a loop over many of them would
   drive them out of it: each begins a few lines or small pages later than the one before. */
#define SHIFTS 31

#if defined(MU_PLAIN_MEMORY) || defined(__SANITIZE_ADDRESS__)
#define PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLAIN 1
#endif
#endif
#ifndef PLAIN
#define PLAIN 0
#endif

typedef struct {
  size_t size;   /* bytes after the header */
  size_t used;   /* of them */
  size_t high;   /* the most that were ever used: beyond it are zeros */
  size_t arrays; /* that are not yet freed */
} Region;

static Region *shared;
static size_t turn;

static size_t round_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

static char *content(Region *region) {
  return (char *)(region + 1);
}

static Region *region_of(const void *array) {
  const char *begin = (const char *)array - (uintptr_t)array % REGION;
  return (Region *)(void *)begin - 1;
}

/* The size of an array that shares its region stands before it. */
static size_t *size_before(void *array) {
  return (size_t *)array - 1;
}

static PetscBool is_alone(const Region *region) {
  return (PetscBool)(region->size != REGION);
}

/* The header has the small page before the content, so that an array that nobody touches takes none
   of its own. */
static Region *map_region(size_t size) {
  const size_t whole = size + SMALL_PAGE + REGION;
  /* cppcheck-suppress invalidFunctionArg */
  char *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  const size_t before =
      round_up((uintptr_t)start + SMALL_PAGE, REGION) - SMALL_PAGE - (uintptr_t)start;
  char *begin = start + before + SMALL_PAGE;
  if (before) munmap(start, before);
  if (REGION - before) munmap(begin + size, REGION - before);
#ifdef MADV_HUGEPAGE
  if (size >= PAGE) madvise(begin, size / PAGE * PAGE, MADV_HUGEPAGE);
#endif
  Region *region = (Region *)(void *)begin - 1;
  region->size = size;
  return region;
}

static void *allocate_alone(size_t bytes) {
  const size_t shift = turn++ % SHIFTS * SMALL_PAGE;
  size_t size = round_up(shift + bytes, SMALL_PAGE);
  if (size == REGION) size += SMALL_PAGE;
  Region *region = map_region(size);
  if (!region) return NULL;
  region->arrays = 1;
  return content(region) + shift;
}

static void *allocate_shared(size_t bytes, PetscBool clear) {
  const size_t gap = (1 + turn++ % SHIFTS) * LINE, needed = gap + round_up(bytes, LINE);
  if (!shared || shared->used + needed > shared->size) shared = map_region(REGION);
  if (!shared) return NULL;
  char *array = content(shared) + shared->used + gap;
  if (clear && shared->used < shared->high) memset(array, 0, bytes);
  *size_before(array) = bytes;
  shared->used += needed;
  shared->high = PetscMax(shared->high, shared->used);
  ++shared->arrays;
  return array;
}

static void release(void *array) {
  Region *region = region_of(array);
  if (--region->arrays) return;
  if (region == shared)
    region->used = 0; /* for the next ones */
  else
    munmap(content(region) - SMALL_PAGE, region->size + SMALL_PAGE);
}

/* The blocks of PetscMalloc: small ones are the C library's, with their size before them, and do
   not begin with a line of the cache, by which they are told from the others. */
#define BEFORE_SMALL ((size_t)16)

static PetscBool is_small(const void *block) {
  return (PetscBool)((uintptr_t)block % LINE == BEFORE_SMALL);
}

static size_t size_of(void *block) {
  if (is_small(block)) return *(size_t *)(void *)((char *)block - BEFORE_SMALL);
  Region *region = region_of(block);
  return is_alone(region) ? region->size - (size_t)((char *)block - content(region))
                          : *size_before(block);
}

static PetscErrorCode give(size_t bytes, PetscBool clear, int line, const char *function,
                           const char *file, void **block) {
  (void)line, (void)function, (void)file;
  *block = NULL;
  if (!bytes) return 0;
  if (bytes > SIZE_MAX / 2) return PETSC_ERR_MEM;
  if (bytes >= PAGES_LEAST) {
    *block = bytes > SHARED_LARGEST ? allocate_alone(bytes) : allocate_shared(bytes, clear);
    return *block ? 0 : PETSC_ERR_MEM;
  }
  char *start = aligned_alloc(LINE, round_up(BEFORE_SMALL + bytes, LINE));
  if (!start) return PETSC_ERR_MEM;
  *(size_t *)(void *)start = bytes;
  *block = start + BEFORE_SMALL;
  if (clear) memset(*block, 0, bytes);
  /* cppcheck-suppress memleak ; the block is freed by take() */
  return 0;
}

static PetscErrorCode take(void *block, int line, const char *function, const char *file) {
  (void)line, (void)function, (void)file;
  if (!block) return 0;
  if (is_small(block))
    free((char *)block - BEFORE_SMALL);
  else
    release(block);
  return 0;
}

static PetscErrorCode resize(size_t bytes, int line, const char *function, const char *file,
                             void **block) {
  void *other;
  PetscErrorCode code = give(bytes, PETSC_FALSE, line, function, file, &other);
  if (code) return code;
  if (*block && other) memcpy(other, *block, PetscMin(bytes, size_of(*block)));
  code = take(*block, line, function, file);
  *block = other;
  return code;
}

PetscErrorCode MuPagesUse(void) {
  PetscBool started;
  PetscErrorCode code = PetscInitialized(&started);
  return code || started || PLAIN ? code : PetscMallocSet(give, take, resize);
}
