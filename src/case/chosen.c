/* What is chosen for a case where it does not give a number: words become numbers once and for all,
   and sentences tell which. */
#include "case/chosen.h"
#include "case/case_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static PetscBool has_word(const MuCaseEntry *e) {
  return (PetscBool)(e->key.row.type == MU_KEY_REAL && MuKeyInList(e->key.row.allowed, e->value));
}

static PetscErrorCode replace(MuCaseEntry *e, PetscReal number) {
  char text[32];

  PetscFunctionBegin;
  snprintf(text, sizeof text, "%.4g", number);
  PetscCall(PetscFree(e->value));
  PetscCall(PetscStrallocpy(text, &e->value));
  e->chosen = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseResolveWords(MuCase c, MuCaseNumber find, void *ctx) {
  char why[MU_NOTE];
  PetscBool any = PETSC_FALSE;
  PetscReal number;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < c->count; ++i) {
    MuCaseEntry *e = &c->entries[i];
    if (!has_word(e)) continue;
    PetscCall(find(ctx, c, e->key.name, e->value, &number, why));
    PetscCall(replace(e, number));
    PetscCall(MuCaseNote(c, "%s %s (%s)", e->key.name, e->value, why));
    any = PETSC_TRUE;
  }
  if (!any) PetscFunctionReturn(0);
  PetscCall(PetscFree(c->effective));
  PetscCall(MuCaseWriteYaml(c, &c->effective));
  PetscFunctionReturn(0);
}

PetscBool MuCaseHasWords(MuCase c) {
  for (PetscInt i = 0; i < c->count; ++i)
    if (has_word(&c->entries[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode
MuCaseVisitChosen(MuCase c, PetscErrorCode (*visit)(void *ctx, const char *key, const char *value),
                  void *ctx) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < c->count; ++i)
    if (c->entries[i].chosen) PetscCall(visit(ctx, c->entries[i].key.name, c->entries[i].value));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseNote(MuCase c, const char *format, ...) {
  const size_t used = strlen(c->notes);
  char note[MU_NOTE + 128];
  va_list arguments;

  PetscFunctionBegin;
  va_start(arguments, format);
  vsnprintf(note, sizeof note, format, arguments);
  va_end(arguments);
  if (!strstr(c->notes, note))
    snprintf(c->notes + used, sizeof c->notes - used, "%s%s", used ? "\n" : "", note);
  PetscFunctionReturn(0);
}

const char *MuCaseGetNotes(MuCase c) {
  return c->notes;
}
