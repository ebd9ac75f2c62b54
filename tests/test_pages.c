/* Arrays of PetscMalloc in large pages: what they hold is theirs, zeros are zeros, and memory goes
 * back. */
#include "support.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARRAYS 200

/* The sizes about the bounds between the kinds of blocks, and one above 8 MiB. */
static const size_t sizes[] = {1,        17,
                               65535,    65536,
                               65600,    (1u << 20) - 1,
                               1u << 20, (1u << 20) + 1,
                               2u << 20, (8u << 20) - 4096,
                               8u << 20, (9u << 20) + 5};
#define SIZES ((PetscInt)(sizeof sizes / sizeof *sizes))

static PetscBool holds(const unsigned char *array, size_t bytes, unsigned char value) {
  for (size_t i = 0; i < bytes; ++i)
    if (array[i] != value) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* Takes and gives back in an order that mixes sizes and ages; every array is filled with a number
   of its own and looked through before it goes. */
START_TEST(arrays_keep_what_they_hold) {
  unsigned char *arrays[ARRAYS] = {NULL};
  size_t bytes[ARRAYS] = {0};
  unsigned state = 1;

  for (PetscInt round = 0; round < (TestQuick() ? 1000 : 3000); ++round) {
    state = state * 1664525u + 1013904223u;
    const PetscInt i = (PetscInt)(state >> 8) % ARRAYS;
    if (arrays[i]) {
      ck_assert_msg(holds(arrays[i], bytes[i], (unsigned char)(i + 1)),
                    "array %d of %zu bytes has changed", (int)i, bytes[i]);
      OK(PetscFree(arrays[i]));
      continue;
    }
    bytes[i] = sizes[(state >> 20) % (i % 20 ? 6 : SIZES)];
    OK(PetscCalloc1(bytes[i], &arrays[i]));
    ck_assert_msg(holds(arrays[i], bytes[i], 0), "array %d of %zu bytes is not zero", (int)i,
                  bytes[i]);
    memset(arrays[i], (int)i + 1, bytes[i]);
  }
  for (PetscInt i = 0; i < ARRAYS; ++i) OK(PetscFree(arrays[i]));
}
END_TEST

/* From each size to each other one and back. */
START_TEST(resized_arrays_keep_their_beginning) {
  for (PetscInt i = 0; i < SIZES; ++i)
    for (PetscInt j = 0; j < SIZES; ++j) {
      unsigned char *array = NULL;
      OK(PetscRealloc(sizes[i], &array));
      memset(array, 7, sizes[i]);
      OK(PetscRealloc(sizes[j], &array));
      ck_assert_msg(holds(array, PetscMin(sizes[i], sizes[j]), 7), "%zu bytes made %zu", sizes[i],
                    sizes[j]);
      memset(array, 8, sizes[j]);
      OK(PetscFree(array));
    }
}
END_TEST

/* Bytes of this process in memory. */
static double resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return 4096. * (double)pages;
}

/* 40 arrays of 4 MiB that nobody touches take less than a small page each, and what was touched is
   given back: within 2 MiB, which the C library may keep for itself. Sanitizers keep what is freed.
 */
#ifdef __SANITIZE_ADDRESS__
#define PAGES_ARE_USED 0
#else
#define PAGES_ARE_USED 1
#endif
START_TEST(memory_is_taken_when_touched_and_given_back) {
  unsigned char *arrays[40];
  const size_t bytes = 4u << 20;
  const double before = resident();

  for (PetscInt i = 0; i < 40; ++i) OK(PetscCalloc1(bytes, &arrays[i]));
  ck_assert_double_lt(resident() - before, 2 << 20);
  for (PetscInt i = 0; i < 40; ++i) memset(arrays[i], 1, bytes);
  ck_assert_double_gt(resident() - before, 39. * (double)bytes);
  for (PetscInt i = 0; i < 40; ++i) OK(PetscFree(arrays[i]));
  ck_assert_double_lt(resident() - before, 2 << 20);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("pages");
  TCase *t = tcase_create("arrays");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, arrays_keep_what_they_hold);
  tcase_add_test(t, resized_arrays_keep_their_beginning);
  if (PAGES_ARE_USED) tcase_add_test(t, memory_is_taken_when_touched_and_given_back);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
