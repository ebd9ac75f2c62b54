/* From the full name of a key to what is known of it: the fixed keys, and those of the rows of
   tables.

       geometry_ridge                   serves every part that has none of its own
       geometry_stein                   a weight; in a mapping `weight`
       geometry_stein_kernel_bandwidth  of that part alone
       geometry_stein_2                 the same name a second time
       system_a_geometry_stein          of one of two systems that a study compares */
#include "case/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_ITEM 99

const char *MuKeyRest(const MuKey *key) {
  const char *rest = key->name + strlen(key->block);
  if (*rest == '_') ++rest;
  if (!key->summand) return rest;
  rest += strlen(key->summand);
  if (key->item > 1) rest += 1 + strspn(rest + 1, "0123456789");
  return *rest == '_' ? rest + 1 : rest;
}

/* What follows "block_" in a name, NULL if it does not begin so. */
static const char *after(const char *name, const char *block) {
  const size_t length = strlen(block);
  return !strncmp(name, block, length) && name[length] == '_' ? name + length + 1 : NULL;
}

static const char *block_text(const char *word) {
  for (const char *const *block = mu_key_blocks; *block; ++block)
    if (strcmp(*block, word) == 0) return *block;
  return NULL;
}

static PetscBool find_fixed(const char *name, MuKey *key) {
  char block[MU_KEY_LENGTH];
  for (PetscInt r = 0; r < mu_key_count; ++r)
    for (PetscInt b = 0; MuKeyWord(mu_keys[r].blocks, b, block); ++b) {
      const char *rest = after(name, block);
      if (!rest || strcmp(rest, mu_keys[r].name) != 0) continue;
      *key = (MuKey){.row = mu_keys[r], .block = block_text(block)};
      char *end = stpcpy(key->name, block);
      *end = '_';
      (void)stpcpy(end + 1, mu_keys[r].same_as ? mu_keys[r].same_as : rest);
      return PETSC_TRUE;
    }
  return PETSC_FALSE;
}

/* ------------------------------------------------------------------ keys of rows */

static void set_key(MuKey *key, const char *block, MuKeyPart part, MuKeyType type,
                    const MuParameter *parameter, const char *doc) {
  *key = (MuKey){.block = block, .part = part, .parameter = parameter};
  key->row = (MuKeyRow){.blocks = block,
                        .name = parameter ? parameter->name : "",
                        .type = type,
                        .most = 1,
                        .doc = parameter ? parameter->doc : doc};
}

static const char *flat_name(const MuParameter *p) {
  return p->key ? p->key : p->name;
}

/* A key of the block that serves every row: a number or a formula. */
static PetscBool find_shared(const MuSummandInfo *info, const char *block, const char *rest,
                             MuKey *key) {
  for (const MuParameter *p = info->parameters; p && p->name; ++p)
    if (!strcmp(flat_name(p), rest)) {
      set_key(key, block, MU_KEY_PLAIN, MU_KEY_REAL, p, NULL);
      return PETSC_TRUE;
    }
  if (!info->function_key || strcmp(info->function_key, rest) != 0) return PETSC_FALSE;
  set_key(key, block, MU_KEY_PLAIN, MU_KEY_TEXT, NULL, info->function_doc);
  return PETSC_TRUE;
}

/* The number in "_2_ridge", "_2"; 1 if there is none. *tail goes behind it. */
static PetscInt read_item(const char **tail) {
  char *end;
  if ((*tail)[0] != '_' || !isdigit((unsigned char)(*tail)[1]) || (*tail)[1] == '0') return 1;
  const long item = strtol(*tail + 1, &end, 10);
  if ((*end && *end != '_') || item > LARGEST_ITEM) return 1;
  *tail = end;
  return (PetscInt)item;
}

static PetscBool find_kernel_key(const MuKeyTable *tables, const char *rest, MuKey *key) {
  char full[2 * MU_KEY_LENGTH];
  snprintf(full, sizeof full, "kernel_%s", rest);
  return (PetscBool)(strncmp(rest, "kernel_", 7) != 0 && MuKeyFind(tables, full, key) &&
                     key->part == MU_KEY_PLAIN);
}

/* What follows the name of a row: nothing or weight, a parameter, formula, kernel_KEY. */
static PetscBool find_own(const MuKeyTable *tables, const MuKeyTable *t, const MuSummandInfo *info,
                          const char *block, const char *tail, MuKey *key) {
  const char *rest = tail;
  if (!*tail || !strcmp(tail, "_weight")) {
    set_key(key, block, MU_KEY_WEIGHT, MU_KEY_REAL, NULL, t->weight_doc);
    return PETSC_TRUE;
  }
  if (*rest++ != '_') return PETSC_FALSE;
  for (const MuParameter *p = info->parameters; p && p->name; ++p)
    if (!strcmp(p->name, rest)) {
      set_key(key, block, MU_KEY_PARAMETER, MU_KEY_REAL, p, NULL);
      return PETSC_TRUE;
    }
  if (info->function_key && !strcmp(rest, "formula")) {
    set_key(key, block, MU_KEY_FORMULA, MU_KEY_TEXT, NULL, info->function_doc);
    return PETSC_TRUE;
  }
  rest = after(rest, "kernel");
  if (!rest || !info->needs_kernel || !find_kernel_key(tables, rest, key)) return PETSC_FALSE;
  key->block = block;
  key->part = MU_KEY_KERNEL;
  return PETSC_TRUE;
}

static PetscBool find_summand(const MuKeyTable *tables, const MuKeyTable *t,
                              const MuSummandInfo *info, const char *block, const char *rest,
                              MuKey *key) {
  const size_t length = strlen(info->name);
  const char *tail = rest + length;
  char number[16] = "";
  if (strncmp(rest, info->name, length) != 0) return PETSC_FALSE;
  const PetscInt item = read_item(&tail);
  if (!find_own(tables, t, info, block, tail, key)) return PETSC_FALSE;
  key->summand = info->name;
  key->item = item;
  if (item > 1) snprintf(number, sizeof number, "_%d", (int)item);
  snprintf(key->name, sizeof key->name, "%s_%s%s%s", block, info->name, number,
           key->part == MU_KEY_WEIGHT ? "" : tail);
  return PETSC_TRUE;
}

static PetscBool find_in_table(const MuKeyTable *tables, const MuKeyTable *t, const char *block,
                               const char *rest, MuKey *key) {
  MuSummandInfo info;
  for (PetscInt i = 0; !t->table(i, &info) && info.name; ++i)
    if (find_shared(&info, block, rest, key)) {
      snprintf(key->name, sizeof key->name, "%s_%s", block, rest);
      return PETSC_TRUE;
    }
  for (PetscInt i = 0; t->weight_doc && !t->table(i, &info) && info.name; ++i)
    if (find_summand(tables, t, &info, block, rest, key)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Without tables: the longest block that the name begins with. */
static PetscBool find_anything(const char *name, MuKey *key) {
  const char *best = NULL;
  for (const char *const *block = mu_key_blocks; *block; ++block)
    if (after(name, *block) && (!best || strlen(*block) > strlen(best))) best = *block;
  if (!best || !*after(name, best)) return PETSC_FALSE;
  set_key(key, best, MU_KEY_PLAIN, MU_KEY_TEXT, NULL, "");
  key->row.most = 0;
  snprintf(key->name, sizeof key->name, "%s", name);
  return PETSC_TRUE;
}

/* system_a_KEY: a key of the case for one of two systems; it is taken as it stands. */
static PetscBool find_of_system(const MuKeyTable *tables, const char *name, MuKey *key) {
  static const char *const systems[] = {"system_a", "system_b"};
  for (int k = 0; k < 2; ++k) {
    char full[2 * MU_KEY_LENGTH];
    const char *rest = after(name, systems[k]);
    if (!rest || after(rest, "study") || after(rest, "system") || !MuKeyFind(tables, rest, key))
      continue;
    if (snprintf(full, sizeof full, "%s_%s", systems[k], key->name) >= MU_KEY_LENGTH) continue;
    snprintf(key->name, sizeof key->name, "%.*s", MU_KEY_LENGTH - 1, full);
    key->block = block_text(systems[k]);
    key->part = MU_KEY_PLAIN;
    key->summand = NULL;
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

PetscBool MuKeyFind(const MuKeyTable *tables, const char *name, MuKey *key) {
  char block[MU_KEY_LENGTH];
  if (strlen(name) >= MU_KEY_LENGTH) return PETSC_FALSE;
  if (find_fixed(name, key)) return PETSC_TRUE;
  if (tables && find_of_system(tables, name, key)) return PETSC_TRUE;
  if (!tables) return find_anything(name, key);
  for (const MuKeyTable *t = tables; t->blocks; ++t)
    for (PetscInt b = 0; MuKeyWord(t->blocks, b, block); ++b) {
      const char *rest = after(name, block);
      if (rest && find_in_table(tables, t, block_text(block), rest, key)) return PETSC_TRUE;
    }
  return PETSC_FALSE;
}

/* ------------------------------------------------------------------ every key */

typedef struct {
  const MuKeyTable *tables, *table;
  PetscBool summands;
  void (*visit)(void *ctx, const MuKey *key);
  void *ctx;
} Visit;

/* By the name, as everybody finds it. */
static void offer(const Visit *v, const char *block, const char *a, const char *b, const char *c) {
  char name[4 * MU_KEY_LENGTH];
  MuKey key;
  snprintf(name, sizeof name, "%s_%s%s%s%s%s", block, a, *b ? "_" : "", b, *c ? "_" : "", c);
  if (MuKeyFind(v->tables, name, &key)) v->visit(v->ctx, &key);
}

static void offer_own(const Visit *v, const char *block, const MuSummandInfo *info) {
  MuSummandInfo family;
  offer(v, block, info->name, "", "");
  for (const MuParameter *p = info->parameters; p && p->name; ++p)
    offer(v, block, info->name, p->name, "");
  if (info->function_key) offer(v, block, info->name, "formula", "");
  for (PetscInt r = 0; r < mu_key_count && info->needs_kernel; ++r)
    if (MuKeyInList(mu_keys[r].blocks, "kernel"))
      offer(v, block, info->name, "kernel", mu_keys[r].name);
  for (const MuKeyTable *t = v->tables; t->blocks && info->needs_kernel; ++t)
    for (PetscInt i = 0; !t->weight_doc && !t->table(i, &family) && family.name; ++i)
      for (const MuParameter *p = family.parameters; p && p->name; ++p)
        offer(v, block, info->name, "kernel", p->name);
}

/* Whether a row before row i has the shared key as well. */
static PetscBool was_offered(const MuKeyTable *t, const char *block, PetscInt i, const char *rest) {
  MuSummandInfo info;
  MuKey key;
  for (PetscInt k = 0; k < i; ++k)
    if (!t->table(k, &info) && find_shared(&info, block, rest, &key)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static void offer_shared(const Visit *v, const MuKeyTable *t, const char *block) {
  MuSummandInfo info;
  for (PetscInt i = 0; !t->table(i, &info) && info.name; ++i) {
    for (const MuParameter *p = info.parameters; p && p->name; ++p)
      if (!was_offered(t, block, i, flat_name(p))) offer(v, block, flat_name(p), "", "");
    if (info.function_key && !was_offered(t, block, i, info.function_key))
      offer(v, block, info.function_key, "", "");
  }
}

/* The placeholders of the keys of any row. */
static void offer_names(const Visit *v, const MuKeyTable *t, const char *block) {
  MuKey key;
  set_key(&key, block, MU_KEY_WEIGHT, MU_KEY_REAL, NULL, t->weight_doc);
  snprintf(key.name, sizeof key.name, "%s_NAME", block);
  v->visit(v->ctx, &key);
  set_key(&key, block, MU_KEY_PARAMETER, MU_KEY_REAL, NULL, t->own_doc);
  snprintf(key.name, sizeof key.name, "%s_NAME_KEY", block);
  v->visit(v->ctx, &key);
}

static void visit_table(const Visit *v, const MuKeyTable *t, const char *block) {
  MuSummandInfo info;
  if (t->weight_doc && !v->summands) offer_names(v, t, block);
  offer_shared(v, t, block);
  for (PetscInt i = 0; t->weight_doc && v->summands && !t->table(i, &info) && info.name; ++i)
    offer_own(v, block, &info);
}

void MuKeyVisit(const MuKeyTable *tables, PetscBool summands,
                void (*visit)(void *ctx, const MuKey *key), void *ctx) {
  const Visit v = {.tables = tables, .summands = summands, .visit = visit, .ctx = ctx};
  for (const char *const *block = mu_key_blocks; *block; ++block) {
    for (PetscInt r = 0; r < mu_key_count; ++r)
      if (!mu_keys[r].same_as && MuKeyInList(mu_keys[r].blocks, *block))
        offer(&v, *block, mu_keys[r].name, "", "");
    for (const MuKeyTable *t = tables; t && t->blocks; ++t)
      if (MuKeyInList(t->blocks, *block)) visit_table(&v, t, *block);
  }
}
