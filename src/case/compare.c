/* In which key a case differs from the effective text of another one. */
#include "case/case_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PetscBool is_excepted(const char *const except[], const char *key) {
  for (; *except; ++except) {
    size_t length = strlen(*except);
    if ((*except)[length - 1] == '*' ? !strncmp(*except, key, length - 1) : !strcmp(*except, key))
      return PETSC_TRUE;
  }
  return !strcmp(key, "grid_file") || !strcmp(key, "output_overwrite");
}

/* Values are the same if they are written the same; "" where there is no entry. */
static PetscErrorCode written(const MuCaseEntry *entry, char **text) {
  size_t size = 0;
  *text = NULL;
  FILE *out = open_memstream(text, &size);
  if (!out) return PETSC_ERR_MEM;
  if (entry) MuCaseWriteValue(out, &entry->key.row, entry->value);
  fclose(out);
  return *text ? 0 : PETSC_ERR_MEM;
}

/* The first key of `one` that `other` does not have or has with another value. */
static PetscErrorCode first_difference(MuCase one, MuCase other, const char *const except[],
                                       char key[64], char in_one[64], char in_other[64]) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < one->count && !key[0]; ++i) {
    const MuCaseEntry *a = &one->entries[i], *b = MuCaseFind(other, a->key.name);
    char *first, *second;
    if (is_excepted(except, a->key.name)) continue;
    PetscCall(written(a, &first));
    PetscCall(written(b, &second));
    if (!b || strcmp(first, second) != 0) {
      snprintf(key, 64, "%.63s", a->key.name);
      snprintf(in_one, 64, "%.63s", first);
      snprintf(in_other, 64, "%.63s", second);
    }
    free(first);
    free(second);
  }
  PetscFunctionReturn(0);
}

/* The weight after entry i of a block, -1 if there is none. */
static PetscInt next_weight(MuCase c, const char *block, PetscInt i) {
  while (++i < c->count)
    if (c->entries[i].key.part == MU_KEY_WEIGHT && c->entries[i].key.item == 1 &&
        !strcmp(c->entries[i].key.block, block))
      return i;
  return -1;
}

/* Sums of terms depend on their order. */
static PetscBool same_order(MuCase one, MuCase other, const char *block) {
  PetscInt i = -1, k = -1;
  do {
    i = next_weight(one, block, i);
    k = next_weight(other, block, k);
    if (i < 0 || k < 0) return (PetscBool)(i == k);
  } while (!strcmp(one->entries[i].key.name, other->entries[k].key.name));
  return PETSC_FALSE;
}

static PetscErrorCode compare(MuCase c, MuCase other, const char *const except[], char key[64],
                              char here[64], char there[64]) {
  PetscFunctionBegin;
  PetscCall(first_difference(c, other, except, key, here, there));
  if (!key[0]) PetscCall(first_difference(other, c, except, key, there, here));
  for (const char *const *block = mu_key_blocks; *block && !key[0]; ++block) {
    if (same_order(c, other, *block)) continue;
    PetscCall(PetscStrncpy(key, *block, 64));
    PetscCall(PetscStrncpy(here, "another order", 64));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCompare(MuCase c, const char *text, const char *const except[], char key[64],
                             char here[64], char there[64]) {
  const MuCaseSource source = {.tables = c->tables, .file = "the stored case", .text = text};
  MuCase other;

  PetscFunctionBegin;
  key[0] = here[0] = there[0] = 0;
  PetscCall(MuCaseRead(PETSC_COMM_SELF, &source, &other));
  PetscErrorCode code = compare(c, other, except, key, here, there);
  PetscCall(MuCaseDestroy(&other));
  PetscFunctionReturn(code);
}
