/* Typed values out of a case: one parser per type serves the check at reading and the getters. */
#include "case/arguments.h"
#include "case/case_private.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_LENGTH 512

/* ------------------------------------------------------------------ items of a list */

static void trim(const char **start, size_t *length) {
  while (*length && strchr(" \t", **start)) (*start)++, (*length)--;
  while (*length && strchr(" \t", (*start)[*length - 1])) (*length)--;
}

/* Cuts off a bracket of a list on the command line, "[a, b]"; those of "position [mm]" stay. */
static void cut_brackets(const char **start, size_t *length) {
  int open = 0;
  for (size_t k = 0; k < *length; ++k) open += ((*start)[k] == '[') - ((*start)[k] == ']');
  const PetscBool first = (PetscBool)(*length && **start == '[' && open >= 0);
  const PetscBool last = (PetscBool)(*length && (*start)[*length - 1] == ']' && open <= 0);
  if (open == 0 && first != last) return;
  if (first) (*start)++, (*length)--;
  if (last && *length) (*length)--;
  trim(start, length);
}

PetscBool MuCaseNextItem(const char **rest, const char **start, size_t *length) {
  *start = *rest;
  if (!*start) return PETSC_FALSE;
  *length = strcspn(*start, ",");
  *rest = (*start)[*length] ? *start + *length + 1 : NULL;
  trim(start, length);
  cut_brackets(start, length);
  return PETSC_TRUE;
}

static PetscBool next_item(const char **rest, char item[ITEM_LENGTH]) {
  const char *start;
  size_t length;
  if (!MuCaseNextItem(rest, &start, &length)) return PETSC_FALSE;
  snprintf(item, ITEM_LENGTH, "%.*s", (int)PetscMin(length, ITEM_LENGTH - 1), start);
  return PETSC_TRUE;
}

PetscBool MuParseReal(const char *text, PetscReal *value) {
  char *end;
  *value = strtod(text, &end);
  return (PetscBool)(end != text && *end == 0 && isfinite(*value) && !strpbrk(text, "xXnN"));
}

PetscBool MuParseInt(const char *text, PetscInt *value) {
  char *end;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  *value = (PetscInt)number;
  return (PetscBool)(end != text && *end == 0 && !errno && number == (long long)*value);
}

static PetscInt find_word(const char *list, const char *text) {
  char word[MU_KEY_LENGTH];
  for (PetscInt i = 0; MuKeyWord(list, i, word); ++i)
    if (strcmp(word, text) == 0) return i;
  return -1;
}

/* ------------------------------------------------------------------ checks at reading */

static const char *range_sentence(MuKeyRange range, PetscReal value) {
  if (range == MU_POSITIVE && !(value > 0)) return "must be above 0";
  if (range == MU_NOT_NEGATIVE && !(value >= 0)) return "must not be negative";
  return NULL;
}

/* What is wrong with an item, NULL if nothing. */
static const char *item_fault(const MuKeyRow *row, const char *item, size_t size, char *buffer) {
  PetscReal real;
  PetscInt integer;
  PetscBool truth;
  switch (row->type) {
  case MU_KEY_INTERVAL:
    return MuParseInterval(item, (PetscBool)(row->allowed != NULL), &real, &integer);
  case MU_KEY_REAL:
    if (MuKeyInList(row->allowed, item)) return NULL;
    if (MuParseReal(item, &real)) return range_sentence(row->range, real);
    snprintf(buffer, size, row->allowed ? "is not a number, nor one of %s" : "is not a number",
             row->allowed);
    return buffer;
  case MU_KEY_INT:
    if (!MuParseInt(item, &integer)) return "is not an integer";
    return range_sentence(row->range, (PetscReal)integer);
  case MU_KEY_BOOL:
    return MuParseBool(item, &truth) ? NULL : "is neither true nor false";
  case MU_KEY_TEXT:
    return item[0] ? NULL : "is an empty word";
  case MU_KEY_CHOICE:
    break;
  }
  if (find_word(row->allowed, item) >= 0) return NULL;
  snprintf(buffer, size, "is not one of %s", row->allowed);
  return buffer;
}

/* Formulas may be written on several lines. */
static PetscBool has_control(const char *text) {
  for (; *text; ++text)
    if (iscntrl((unsigned char)*text) && !isspace((unsigned char)*text)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A number of a summand alone; one that serves several is checked where it is used. */
static const char *parameter_fault(const MuKey *key, const char *item, size_t size, char *buffer) {
  char allowed[128];
  PetscReal value;
  if (key->part != MU_KEY_PARAMETER || !key->parameter || !MuParseReal(item, &value) ||
      MuParameterAllows(key->parameter, value))
    return NULL;
  MuParameterRange(key->parameter, sizeof allowed, allowed);
  snprintf(buffer, size, "is not allowed; %s takes %s", key->summand, allowed);
  return buffer;
}

static PetscErrorCode check_text(MuCase c, const MuCaseEntry *entry) {
  if (entry->list) return MuCaseWrong(c, entry, entry->value, "is a list; one text is wanted");
  if (entry->value[0] == '~')
    return MuCaseWrong(c, entry, entry->value,
                       "begins with ~, which only a shell replaces; write the path in full");
  if (has_control(entry->value))
    return MuCaseWrong(c, entry, entry->value, "holds a control character; plain text is wanted");
  return 0;
}

static PetscErrorCode check_overwrite(MuCase c, const MuCaseEntry *entry) {
  PetscBool truth;
  if (!entry->line || strcmp(entry->key.name, "output_overwrite") != 0 ||
      !MuParseBool(entry->value, &truth) || !truth)
    return 0;
  return MuCaseWrong(c, entry, entry->value,
                     "is allowed on the command line only (-output_overwrite): no file can make "
                     "mudot replace results");
}

PetscErrorCode MuCaseCheckEntry(MuCase c, const MuCaseEntry *entry) {
  const MuKeyRow *row = &entry->key.row;
  const char *value = entry->value, *rest, *fault;
  char item[ITEM_LENGTH], buffer[256];
  PetscInt count = 0;

  PetscFunctionBegin;
  if (row->type == MU_KEY_TEXT && row->most == 1) {
    PetscCall(check_text(c, entry));
    PetscFunctionReturn(0);
  }
  if (row->most == 1 && (entry->list || strchr(value, ',')))
    return MuCaseWrong(
        c, entry, value,
        entry->key.part == MU_KEY_WEIGHT
            ? "is a list; one weight is wanted, or a list of mappings {weight: 1, ...}"
            : "is a list; one value is wanted");
  PetscCall(check_overwrite(c, entry));
  for (rest = value; next_item(&rest, item); ++count) {
    fault = item_fault(row, item, sizeof buffer, buffer);
    if (!fault) fault = parameter_fault(&entry->key, item, sizeof buffer, buffer);
    if (fault) return MuCaseWrong(c, entry, item, fault);
  }
  if (row->most && count > row->most) {
    snprintf(buffer, sizeof buffer, "has %d items; at most %d are allowed", (int)count,
             (int)row->most);
    return MuCaseWrong(c, entry, value, buffer);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ getters */

/* The value of a key and its entry; *entry NULL if it is not given and need not be. */
static PetscErrorCode look_up(MuCase c, const char *name, MuKeyType type, PetscBool *given,
                              const MuCaseEntry **entry, const char **value) {
  MuKey key;

  PetscFunctionBegin;
  PetscCheck(MuKeyFind(c->tables, name, &key) && key.row.type == type, PETSC_COMM_SELF,
             PETSC_ERR_ARG_WRONG, "%s: there is no such key of this type", name);
  *entry = MuCaseFind(c, key.name);
  if (given) *given = (PetscBool)(*entry != NULL);
  if (!*entry && !given) PetscCall(MuCaseMissing(c, name));
  if (*entry) *value = (*entry)->value;
  PetscFunctionReturn(0);
}

static PetscErrorCode check_count(MuCase c, const MuCaseEntry *entry, const char *value,
                                  PetscInt count, PetscInt most) {
  char sentence[96];
  if (count <= most) return 0;
  snprintf(sentence, sizeof sentence, "has %d items; at most %d are allowed", (int)count,
           (int)most);
  return MuCaseWrong(c, entry, value, sentence);
}

PetscErrorCode MuCaseGetRealArray(MuCase c, const char *key, PetscInt *count, PetscReal values[],
                                  PetscBool *given) {
  const PetscInt most = *count;
  const MuCaseEntry *entry;
  const char *value, *rest;
  char item[ITEM_LENGTH];
  PetscReal number;
  PetscInt n = 0;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(look_up(c, key, MU_KEY_REAL, given, &entry, &value));
  if (!entry) PetscFunctionReturn(0);
  for (rest = value; next_item(&rest, item); ++n) {
    if (MuKeyInList(entry->key.row.allowed, item))
      return MuCaseWrong(c, entry, item, "is found from the target, which the case does not have");
    if (!MuParseReal(item, &number)) return MuCaseWrong(c, entry, item, "is not a number");
    if (n < most) values[n] = number;
  }
  PetscCall(check_count(c, entry, value, n, most));
  *count = n;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCountItems(MuCase c, const char *key, PetscInt *count) {
  const MuCaseEntry *entry;
  char item[ITEM_LENGTH];
  MuKey found;

  PetscFunctionBegin;
  *count = 0;
  entry = MuKeyFind(c->tables, key, &found) ? MuCaseFind(c, found.name) : NULL;
  for (const char *rest = entry ? entry->value : NULL; next_item(&rest, item);) ++*count;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetReal(MuCase c, const char *key, PetscReal *value, PetscBool *given) {
  PetscInt count = 1;

  PetscFunctionBegin;
  PetscCall(MuCaseGetRealArray(c, key, &count, value, given));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetIntArray(MuCase c, const char *key, PetscInt *count, PetscInt values[],
                                 PetscBool *given) {
  const PetscInt most = *count;
  const MuCaseEntry *entry;
  const char *value, *rest;
  char item[ITEM_LENGTH];
  PetscInt number, n = 0;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(look_up(c, key, MU_KEY_INT, given, &entry, &value));
  if (!entry) PetscFunctionReturn(0);
  for (rest = value; next_item(&rest, item); ++n)
    if (MuParseInt(item, &number) && n < most) values[n] = number;
  PetscCall(check_count(c, entry, value, n, most));
  *count = n;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetInt(MuCase c, const char *key, PetscInt *value, PetscBool *given) {
  PetscInt count = 1;

  PetscFunctionBegin;
  PetscCall(MuCaseGetIntArray(c, key, &count, value, given));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetBool(MuCase c, const char *key, PetscBool *value, PetscBool *given) {
  const MuCaseEntry *entry;
  const char *text;

  PetscFunctionBegin;
  PetscCall(look_up(c, key, MU_KEY_BOOL, given, &entry, &text));
  if (entry) MuParseBool(text, value);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetInterval(MuCase c, const char *key, PetscReal *seconds, PetscInt *steps,
                                 PetscBool *given) {
  const MuCaseEntry *entry;
  const char *text;

  PetscFunctionBegin;
  PetscCall(look_up(c, key, MU_KEY_INTERVAL, given, &entry, &text));
  if (entry) MuParseInterval(text, (PetscBool)(entry->key.row.allowed != NULL), seconds, steps);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetString(MuCase c, const char *key, const char **value, PetscBool *given) {
  const MuCaseEntry *entry;

  PetscFunctionBegin;
  PetscCall(look_up(c, key, MU_KEY_TEXT, given, &entry, value));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetStringArray(MuCase c, const char *key, PetscInt *count, char *values[],
                                    PetscBool *given) {
  const PetscInt most = *count;
  const MuCaseEntry *entry;
  const char *value, *rest;
  char item[ITEM_LENGTH];
  PetscInt n = 0;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(look_up(c, key, MU_KEY_TEXT, given, &entry, &value));
  if (!entry) PetscFunctionReturn(0);
  for (rest = value; next_item(&rest, item);) ++n;
  PetscCall(check_count(c, entry, value, n, most));
  for (rest = value; next_item(&rest, item); ++*count)
    PetscCall(PetscStrallocpy(item, &values[*count]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetChoiceArray(MuCase c, const char *key, const char *const words[],
                                    PetscInt *count, PetscInt values[], PetscBool *given) {
  const PetscInt most = *count;
  const MuCaseEntry *entry;
  const char *value, *rest;
  char item[ITEM_LENGTH];
  PetscInt n = 0;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(look_up(c, key, MU_KEY_CHOICE, given, &entry, &value));
  if (!entry) PetscFunctionReturn(0);
  for (rest = value; next_item(&rest, item); ++n) {
    PetscInt word = 0;
    while (words[word] && strcmp(words[word], item) != 0) ++word;
    PetscCheck(words[word], PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s: %s has no index", key, item);
    if (n < most) values[n] = word;
  }
  PetscCall(check_count(c, entry, value, n, most));
  *count = n;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetChoice(MuCase c, const char *key, const char *const words[],
                               PetscInt *value, PetscBool *given) {
  PetscInt count = 1;
  return MuCaseGetChoiceArray(c, key, words, &count, value, given);
}

/* ------------------------------------------------------------------ names of a table */

/* The name in the table that equals word, NULL (and the nearest) if there is none. */
static PetscErrorCode find_name(MuTableRow table, const char *word, const char **name,
                                MuNearest *nearest) {
  const char *formula;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(table(i, name, &formula));
    if (!*name || strcmp(*name, word) == 0) break;
    MuNearestOffer(nearest, *name);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTableFind(MuTableRow table, const char *word, const char **name,
                           char nearest[64]) {
  MuNearest best = {.word = word};

  PetscFunctionBegin;
  PetscCall(find_name(table, word, name, &best));
  MuNearestSay(&best, "", MU_KEY_LENGTH, nearest);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetNames(MuCase c, const char *key, MuTableRow table, PetscInt *count,
                              const char *names[], PetscBool *given) {
  const PetscInt most = *count;
  const MuCaseEntry *entry;
  const char *value, *rest;
  char item[ITEM_LENGTH], sentence[3 * MU_KEY_LENGTH], hint[2 * MU_KEY_LENGTH];
  PetscInt n = 0;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(look_up(c, key, MU_KEY_TEXT, given, &entry, &value));
  if (!entry) PetscFunctionReturn(0);
  for (rest = value; next_item(&rest, item); ++n) {
    MuNearest nearest = {.word = item};
    const char *name;
    PetscCall(find_name(table, item, &name, &nearest));
    if (!name) {
      MuNearestSay(&nearest, "", sizeof hint, hint);
      snprintf(sentence, sizeof sentence, "is not known%s", hint);
      return MuCaseWrong(c, entry, item, sentence);
    }
    for (PetscInt k = 0; k < PetscMin(n, most); ++k)
      if (names[k] == name) return MuCaseWrong(c, entry, item, "is given twice");
    if (n < most) names[n] = name;
  }
  PetscCall(check_count(c, entry, value, n, most));
  *count = n;
  PetscFunctionReturn(0);
}
