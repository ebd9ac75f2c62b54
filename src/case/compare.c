/* In which key a case differs from the effective text of another one. */
#include "case/case_private.h"

#include <stdio.h>
#include <string.h>

/* One line "  key: value" of an effective text, with the block that it stands in. */
typedef struct {
  const char *next;
  char block[MU_KEY_LENGTH], key[2 * MU_KEY_LENGTH];
  const char *value;
  int length;
} Line;

/* The next key of a text as MuCaseWriteYaml() writes it; false at its end. */
static PetscBool next_key(Line *l) {
  while (*l->next) {
    const char *line = l->next, *end = line + strcspn(line, "\n"), *colon = strchr(line, ':');
    l->next = *end ? end + 1 : end;
    if (!colon || colon > end) continue;
    if (line[0] != ' ') {
      snprintf(l->block, sizeof l->block, "%.*s", (int)(colon - line), line);
      continue;
    }
    line += strspn(line, " ");
    snprintf(l->key, sizeof l->key, "%s_%.*s", l->block, (int)(colon - line), line);
    l->value = colon + 1 + strspn(colon + 1, " ");
    l->length = (int)(end - l->value);
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscBool is_excepted(const char *const except[], const char *key) {
  for (; *except; ++except) {
    size_t length = strlen(*except);
    if ((*except)[length - 1] == '*' ? !strncmp(*except, key, length - 1) : !strcmp(*except, key))
      return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* The value of a key in a text, NULL if it is not there. */
static const char *find(const char *text, const char *key, int *length) {
  for (Line l = {.next = text}; next_key(&l);)
    if (!strcmp(l.key, key)) {
      *length = l.length;
      return l.value;
    }
  return NULL;
}

/* The first key of `one` that `other` does not have or has with another value. */
static PetscBool first_difference(const char *one, const char *other, const char *const except[],
                                  char key[64], char in_one[64], char in_other[64]) {
  for (Line l = {.next = one}; next_key(&l);) {
    int length = 0;
    const char *value = find(other, l.key, &length);
    if (is_excepted(except, l.key)) continue;
    if (value && length == l.length && !strncmp(value, l.value, (size_t)length)) continue;
    snprintf(key, 64, "%.63s", l.key);
    snprintf(in_one, 64, "%.*s", PetscMin(l.length, 63), l.value);
    snprintf(in_other, 64, "%.*s", value ? PetscMin(length, 63) : 0, value ? value : "");
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Sums of terms depend on their order. */
static PetscBool same_order(const char *one, const char *other, const char *block) {
  Line a = {.next = one}, b = {.next = other};
  for (;;) {
    PetscBool more = next_key(&a), in_other = next_key(&b);
    while (more && strcmp(a.block, block) != 0) more = next_key(&a);
    while (in_other && strcmp(b.block, block) != 0) in_other = next_key(&b);
    if (!more || !in_other) return (PetscBool)(more == in_other);
    if (strcmp(a.key, b.key) != 0) return PETSC_FALSE;
  }
}

PetscErrorCode MuCaseCompare(MuCase c, const char *text, const char *const except[], char key[64],
                             char here[64], char there[64]) {
  static const char *const ordered[] = {"energy", "geometry"};

  PetscFunctionBegin;
  key[0] = here[0] = there[0] = 0;
  if (first_difference(c->effective, text, except, key, here, there) ||
      first_difference(text, c->effective, except, key, there, here))
    PetscFunctionReturn(0);
  for (int k = 0; k < 2; ++k) {
    if (same_order(c->effective, text, ordered[k])) continue;
    PetscCall(PetscStrncpy(key, ordered[k], 64));
    PetscCall(PetscStrncpy(here, "another order", 64));
  }
  PetscFunctionReturn(0);
}
