/* The summands of an energy or a geometry: weights, numbers, formulas and kernels of their own. */
#include "case/arguments.h"
#include "case/case_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void weight_name(const char *block, const char *summand, PetscInt item,
                        char name[MU_KEY_LENGTH]) {
  if (item > 1)
    snprintf(name, MU_KEY_LENGTH, "%s_%s_%d", block, summand, (int)item);
  else
    snprintf(name, MU_KEY_LENGTH, "%s_%s", block, summand);
}

/* The key of the block that a mapping `power: {exponent: 3}` writes, where it is also the one that
   serves every row: energy_power_exponent. Empty otherwise. */
static const char *summand_of_shared(const MuKeyTable *t, const MuKey *key) {
  MuSummandInfo info;
  const char *rest = MuKeyRest(key);
  for (PetscInt i = 0; !t->table(i, &info) && info.name; ++i) {
    const size_t length = strlen(info.name);
    if (!strncmp(rest, info.name, length) && rest[length] == '_') return info.name;
  }
  return NULL;
}

/* Every summand that has a key has a weight, and the second item comes after a first one. */
static PetscErrorCode check_entry(MuCase c, const MuKeyTable *t, const MuCaseEntry *entry) {
  const MuKey *key = &entry->key;
  const char *summand = key->summand;
  char weight[MU_KEY_LENGTH], before[MU_KEY_LENGTH], where[PETSC_MAX_PATH_LEN + 32];

  PetscFunctionBegin;
  if (!summand && entry->nested) summand = summand_of_shared(t, key);
  if (!summand) PetscFunctionReturn(0);
  MuCasePlace(c, entry, sizeof where, where);
  weight_name(key->block, summand, PetscMax(key->item, 1), weight);
  if (!MuCaseFind(c, weight))
    return MuError(MU_ERR_INPUT, "%s_weight: is missing; %s is given, and %s needs a weight (%s)",
                   weight, key->name, summand, where);
  if (key->item < 2) PetscFunctionReturn(0);
  weight_name(key->block, summand, key->item - 1, before);
  if (!MuCaseFind(c, before))
    return MuError(MU_ERR_INPUT, "%s: is given without %s; items are numbered one by one (%s)",
                   key->name, before, where);
  PetscFunctionReturn(0);
}

static PetscErrorCode get_number(MuCase c, const char *name, PetscReal *value) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, name, value, &given));
  PetscFunctionReturn(0);
}

/* Each number and formula: that of the block, then its own. */
static PetscErrorCode read_own(MuCase c, const char *block, const MuSummandInfo *info,
                               MuCaseSummand *s) {
  char name[3 * MU_KEY_LENGTH];
  PetscBool given;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) s->value[k] = NAN;
  for (PetscInt k = 0; info->parameters && info->parameters[k].name; ++k) {
    const MuParameter *p = &info->parameters[k];
    snprintf(name, sizeof name, "%s_%s", block, p->key ? p->key : p->name);
    PetscCall(get_number(c, name, &s->value[k]));
    snprintf(name, sizeof name, "%s_%s", s->key, p->name);
    PetscCall(get_number(c, name, &s->value[k]));
  }
  s->formula = NULL;
  if (!info->function_key) PetscFunctionReturn(0);
  snprintf(s->formula_key, sizeof s->formula_key, "%s_%s", block, info->function_key);
  PetscCall(MuCaseGetString(c, s->formula_key, &s->formula, &given));
  snprintf(name, sizeof name, "%s_formula", s->key);
  PetscCall(MuCaseGetString(c, name, &s->formula, &given));
  if (given) PetscCall(PetscStrncpy(s->formula_key, name, sizeof s->formula_key));
  PetscFunctionReturn(0);
}

static PetscBool has_kernel(MuCase c, const char *block, const MuKey *weight) {
  for (PetscInt i = 0; i < c->count; ++i) {
    const MuKey *key = &c->entries[i].key;
    if (key->part == MU_KEY_KERNEL && key->summand == weight->summand &&
        key->item == weight->item && !strcmp(key->block, block))
      return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscErrorCode add_summand(MuCase c, const MuKeyTable *t, const MuCaseEntry *entry,
                                  PetscInt most, PetscInt *count, MuCaseSummand summands[]) {
  const MuKey *key = &entry->key;
  MuSummandInfo info;
  PetscReal weight;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, key->name, &weight, NULL));
  if (weight == 0) PetscFunctionReturn(0);
  if (*count == most)
    return MuError(MU_ERR_INPUT, "%s: has more than %d weights; at most %d are allowed", key->block,
                   (int)most, (int)most);
  MuCaseSummand *s = &summands[(*count)++];
  *s = (MuCaseSummand){.name = key->summand, .item = key->item, .weight = weight};
  PetscCall(PetscStrncpy(s->key, key->name, sizeof s->key));
  s->own_kernel = has_kernel(c, key->block, key);
  PetscCall(MuSummandFind(t->table, key->summand, &info));
  s->takes_kernel = info.needs_kernel;
  PetscCall(read_own(c, key->block, &info, s));
  PetscFunctionReturn(0);
}

/* All items of a name, where the name comes first. */
static PetscErrorCode add_name(MuCase c, const MuKeyTable *t, const MuCaseEntry *entry,
                               PetscInt most, PetscInt *count, MuCaseSummand summands[]) {
  char name[MU_KEY_LENGTH];
  const MuCaseEntry *next = entry;

  PetscFunctionBegin;
  for (PetscInt item = 1; next; ++item) {
    PetscCall(add_summand(c, t, next, most, count, summands));
    weight_name(entry->key.block, entry->key.summand, item + 1, name);
    next = MuCaseFind(c, name);
  }
  PetscFunctionReturn(0);
}

static const MuKeyTable *table_of(MuCase c, const char *block) {
  for (const MuKeyTable *t = c->tables; t && t->blocks; ++t)
    if (t->weight_doc && MuKeyInList(t->blocks, block)) return t;
  return NULL;
}

PetscErrorCode MuCaseGetSummands(MuCase c, const char *block, PetscInt *count,
                                 MuCaseSummand summands[]) {
  const MuKeyTable *t = table_of(c, block);
  const PetscInt most = *count;

  PetscFunctionBegin;
  PetscCheck(t, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: is no block of summands", block);
  *count = 0;
  for (PetscInt i = 0; i < c->count; ++i)
    if (!strcmp(c->entries[i].key.block, block)) PetscCall(check_entry(c, t, &c->entries[i]));
  for (PetscInt i = 0; i < c->count; ++i) {
    const MuKey *key = &c->entries[i].key;
    if (!strcmp(key->block, block) && key->part == MU_KEY_WEIGHT && key->item == 1)
      PetscCall(add_name(c, t, &c->entries[i], most, count, summands));
  }
  if (*count == 0)
    return MuError(MU_ERR_INPUT, "%s: is missing; at least one %s_NAME: weight is needed (%s)",
                   block, block, c->file);
  PetscFunctionReturn(0);
}
