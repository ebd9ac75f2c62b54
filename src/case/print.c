/* Keys and rows of tables as text. */
#include "case/print.h"
#include "case/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_WIDTH 100

/* How much of the text goes on a line: up to a blank, or after the | of a list of words; at least
   one word. */
static size_t fitting(const char *text, size_t room) {
  size_t best = 0;
  for (size_t n = 1; n <= strlen(text) && (n <= room || best == 0); ++n)
    if (!text[n] || text[n] == ' ' ||
        (n > 1 && text[n - 1] == '|' && islower((unsigned char)text[n - 2]) &&
         islower((unsigned char)text[n])))
      best = n;
  return best;
}

PetscErrorCode MuPrintRow(FILE *out, const char *name, int width, const char *text) {
  const int indent = width + 3;

  PetscFunctionBegin;
  fprintf(out, "  %-*s", width, name);
  do {
    const size_t length = fitting(text, PAGE_WIDTH - (size_t)indent);
    fprintf(out, " %.*s\n", (int)length, text);
    text += length;
    text += strspn(text, " ");
    if (*text) fprintf(out, "%*s", indent - 1, "");
  } while (*text);
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrintTable(FILE *out, MuTableRow table, int width) {
  const char *name, *text;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(table(i, &name, &text));
    if (!name) PetscFunctionReturn(0);
    PetscCall(MuPrintRow(out, name, width, text));
  }
}

/* ------------------------------------------------------------------ what a key takes */

static const char *value_word(const MuKeyRow *row) {
  switch (row->type) {
  case MU_KEY_REAL:
    return row->most == 1 ? "NUMBER" : "NUMBERS";
  case MU_KEY_INT:
    return row->most == 1 ? "INTEGER" : "INTEGERS";
  case MU_KEY_BOOL:
    return "true|false";
  case MU_KEY_TEXT:
    return row->most == 1 ? "TEXT" : "WORDS";
  case MU_KEY_INTERVAL:
    return "INTERVAL";
  case MU_KEY_CHOICE:
    break;
  }
  return "WORD";
}

/* As JSON calls it. */
static const char *type_word(const MuKeyRow *row) {
  if (row->type == MU_KEY_REAL) return "number";
  if (row->type == MU_KEY_INT) return "integer";
  return row->type == MU_KEY_BOOL ? "boolean" : "string";
}

static PetscBool takes(const MuSummandInfo *info, const char *rest) {
  for (const MuParameter *p = info->parameters; p && p->name; ++p)
    if (!strcmp(p->key ? p->key : p->name, rest)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* "lambda, the ridge (ridge_fisher_rao, ridge_stein)": a number that serves several rows. */
static void describe(const MuKeyTable *tables, const MuKey *key, size_t size, char *text) {
  size_t used = (size_t)snprintf(text, size, "%s", key->row.doc);
  MuSummandInfo info;
  PetscInt names = 0;
  for (const MuKeyTable *t = tables; t && t->blocks && key->parameter; ++t)
    for (PetscInt i = 0;
         t->weight_doc && MuKeyInList(t->blocks, key->block) && !t->table(i, &info) && info.name;
         ++i)
      if (takes(&info, MuKeyRest(key)) && used < size)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", names++ ? ", " : " (", info.name);
  if (names && used < size) snprintf(text + used, size - used, ")");
}

static void set_range(MuKeyInfo *info, const MuKey *key) {
  const MuParameter *p = key->parameter;
  info->low = p ? p->low : key->row.range == MU_ANY_SIGN ? -PETSC_MAX_REAL : 0;
  info->high = p ? p->high : PETSC_MAX_REAL;
  info->above_low = p ? p->above_low : (PetscBool)(key->row.range == MU_POSITIVE);
  info->below_high = p ? p->below_high : PETSC_FALSE;
}

typedef struct {
  const MuKeyTable *tables;
  PetscInt left;
  MuKeyInfo *info;
} Count;

static void count_key(void *ctx, const MuKey *key) {
  Count *count = ctx;
  if (count->left-- == 0) MuKeyDescribe(count->tables, key, count->info);
}

void MuKeyDescribe(const MuKeyTable *tables, const MuKey *key, MuKeyInfo *info) {
  *info = (MuKeyInfo){.block = key->block,
                      .value = value_word(&key->row),
                      .type = type_word(&key->row),
                      .most = key->row.most};
  const PetscBool words =
      (PetscBool)(key->row.type == MU_KEY_CHOICE || key->row.type == MU_KEY_REAL);
  info->allowed = words && key->row.allowed ? key->row.allowed : "";
  snprintf(info->name, sizeof info->name, "%s", key->name);
  describe(tables, key, sizeof info->doc, info->doc);
  set_range(info, key);
}

PetscErrorCode MuKeyGet(const MuKeyTable *tables, PetscInt i, MuKeyInfo *info) {
  Count count = {.tables = tables, .left = i, .info = info};
  *info = (MuKeyInfo){.block = NULL};
  MuKeyVisit(tables, PETSC_FALSE, count_key, &count);
  return 0;
}

/* ------------------------------------------------------------------ blocks */

typedef struct {
  const MuKeyTable *tables;
  FILE *out;
  const char *only, *except, *block; /* block: printed last */
  char *names;                       /* of the keys that are only named; owned */
  size_t size, used;
} Print;

/* The names of a block that has the keys of another one. */
static void end_block(Print *p) {
  if (p->used) (void)MuPrintRow(p->out, "", 1, p->names);
  p->used = 0;
}

static void add_name(Print *p, const char *name) {
  const size_t length = strlen(name) + 3;
  if (p->used + length > p->size) {
    char *more = realloc(p->names, 2 * (p->size + length));
    if (!more) return;
    p->names = more;
    p->size = 2 * (p->size + length);
  }
  p->used +=
      (size_t)snprintf(p->names + p->used, p->size - p->used, "%s-%s", p->used ? " " : "", name);
}

static void print_key(const Print *p, const MuKey *key) {
  char name[2 * MU_KEY_LENGTH], head[3 * MU_KEY_LENGTH], text[512];
  MuKeyInfo info;
  MuKeyDescribe(p->tables, key, &info);
  snprintf(name, sizeof name, "-%s", key->name);
  snprintf(head, sizeof head, "%-29s %-11s", name, info.value);
  snprintf(text, sizeof text, "%s%s%s", info.doc, *info.allowed ? ": " : "", info.allowed);
  (void)MuPrintRow(p->out, head, 41, text);
}

/* The blocks whose keys this one shares, as in the rows of keys and tables; the first of them
   prints them in full. */
static const char *blocks_of(const MuKeyTable *tables, const MuKey *key) {
  const char *rest = MuKeyRest(key);
  for (PetscInt r = 0; r < mu_key_count; ++r)
    if (!strcmp(mu_keys[r].name, rest) && MuKeyInList(mu_keys[r].blocks, key->block))
      return mu_keys[r].blocks;
  for (const MuKeyTable *t = tables; t && t->blocks; ++t)
    if (MuKeyInList(t->blocks, key->block)) return t->blocks;
  return key->block;
}

static void visit_key(void *ctx, const MuKey *key) {
  Print *p = ctx;
  char first[MU_KEY_LENGTH];
  if ((p->only && !MuKeyInList(p->only, key->block)) || MuKeyInList(p->except, key->block)) return;
  if (p->block != key->block) {
    end_block(p);
    fprintf(p->out, "\n%s\n", key->block);
  }
  p->block = key->block;
  MuKeyWord(blocks_of(p->tables, key), 0, first);
  if (!strcmp(first, key->block)) {
    print_key(p, key);
    return;
  }
  if (!p->used) fprintf(p->out, "  the keys of %s:\n", first);
  add_name(p, key->name);
}

PetscErrorCode MuKeyPrintBlocks(const MuKeyTable *tables, FILE *out, const char *only,
                                const char *except) {
  Print p = {.tables = tables, .out = out, .only = only, .except = except};

  PetscFunctionBegin;
  MuKeyVisit(tables, PETSC_FALSE, visit_key, &p);
  end_block(&p);
  free(p.names);
  PetscFunctionReturn(0);
}
