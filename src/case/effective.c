/* A case written back as YAML: what a run was, with the command line's overrides. */
#include "case/arguments.h"
#include "case/case_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plain words are written bare; anything YAML could read otherwise in double quotes. */
static void write_scalar(FILE *out, const char *text, size_t length) {
  PetscBool plain = (PetscBool)(length > 0 && isalpha((unsigned char)text[0]));
  for (size_t i = 0; i < length; ++i)
    if (!isalnum((unsigned char)text[i]) && !strchr("_./-", text[i])) plain = PETSC_FALSE;
  if (plain) {
    fprintf(out, "%.*s", (int)length, text);
    return;
  }
  fputc('"', out);
  for (size_t i = 0; i < length; ++i) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c < 32)
      fprintf(out, "\\x%02X", c);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

static void write_item(FILE *out, const MuKeyRow *row, const char *text, size_t length) {
  if (row->type == MU_KEY_TEXT)
    write_scalar(out, text, length);
  else
    fprintf(out, "%.*s", (int)length, text);
}

void MuCaseWriteValue(FILE *out, const MuKeyRow *row, const char *value) {
  PetscBool list = (PetscBool)(row->most != 1);
  if (!list) {
    write_item(out, row, value, strlen(value));
    return;
  }
  fputc('[', out);
  const char *rest = *value ? value : NULL, *item;
  for (size_t length, count = 0; MuCaseNextItem(&rest, &item, &length); ++count) {
    if (count) fprintf(out, ", ");
    write_item(out, row, item, length);
  }
  fputc(']', out);
}

/* ------------------------------------------------------------------ summands */

static PetscBool is_of(const MuKey *key, const MuKey *summand, PetscInt item) {
  return (PetscBool)(key->summand == summand->summand && !strcmp(key->block, summand->block) &&
                     (item == 0 || key->item == item));
}

/* Number of keys of an item; of all items for 0. */
static PetscInt count_keys(MuCase c, const MuKey *summand, PetscInt item) {
  PetscInt count = 0;
  for (PetscInt i = 0; i < c->count; ++i) count += is_of(&c->entries[i].key, summand, item) ? 1 : 0;
  return count;
}

/* The keys of one part of an item as "a: 1, b: 2"; separated from what stands before. */
static PetscBool write_part(MuCase c, FILE *out, const MuKey *summand, PetscInt item,
                            MuKeyPart part, PetscBool any) {
  for (PetscInt i = 0; i < c->count; ++i) {
    const MuCaseEntry *entry = &c->entries[i];
    if (!is_of(&entry->key, summand, item) || entry->key.part != part) continue;
    const char *rest = MuKeyRest(&entry->key);
    if (part == MU_KEY_KERNEL) rest += strlen("kernel_");
    fprintf(out, "%s%s: ", any ? ", " : "", part == MU_KEY_WEIGHT ? "weight" : rest);
    MuCaseWriteValue(out, &entry->key.row, entry->value);
    any = PETSC_TRUE;
  }
  return any;
}

static PetscBool has_part(MuCase c, const MuKey *summand, PetscInt item, MuKeyPart part) {
  for (PetscInt i = 0; i < c->count; ++i)
    if (is_of(&c->entries[i].key, summand, item) && c->entries[i].key.part == part)
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* {weight: 1, ridge: 0.01, kernel: {type: gaussian, bandwidth: 0.2}} */
static void write_summand(MuCase c, FILE *out, const MuKey *summand, PetscInt item) {
  PetscBool any = PETSC_FALSE;
  fputc('{', out);
  for (MuKeyPart part = MU_KEY_WEIGHT; part < MU_KEY_KERNEL; ++part)
    any = write_part(c, out, summand, item, part, any);
  if (has_part(c, summand, item, MU_KEY_KERNEL)) {
    fprintf(out, "%skernel: {", any ? ", " : "");
    (void)write_part(c, out, summand, item, MU_KEY_KERNEL, PETSC_FALSE);
    fputc('}', out);
  }
  fputc('}', out);
}

/* All items of a name. */
static void write_name(MuCase c, FILE *out, const MuCaseEntry *first) {
  const MuKey *key = &first->key;
  const PetscInt all = count_keys(c, key, 0);
  PetscInt written = 0;
  if (all == 1 && key->part == MU_KEY_WEIGHT && key->item == 1) {
    MuCaseWriteValue(out, &key->row, first->value);
    return;
  }
  const PetscBool list = (PetscBool)(count_keys(c, key, 1) < all);
  if (list) fputc('[', out);
  for (PetscInt item = 1; written < all; ++item) {
    if (item > 1) fprintf(out, ", ");
    write_summand(c, out, key, item);
    written += count_keys(c, key, item);
  }
  if (list) fputc(']', out);
}

/* ------------------------------------------------------------------ blocks */

static PetscBool is_first(MuCase c, PetscInt i) {
  for (PetscInt k = 0; k < i; ++k)
    if (is_of(&c->entries[k].key, &c->entries[i].key, 0)) return PETSC_FALSE;
  return PETSC_TRUE;
}

static void write_entry(MuCase c, FILE *out, PetscInt i) {
  const MuCaseEntry *entry = &c->entries[i];
  if (entry->key.summand && !is_first(c, i)) return;
  fprintf(out, "  %s: ", entry->key.summand ? entry->key.summand : MuKeyRest(&entry->key));
  if (entry->key.summand)
    write_name(c, out, entry);
  else
    MuCaseWriteValue(out, &entry->key.row, entry->value);
  fputc('\n', out);
}

static void write_block(MuCase c, FILE *out, const char *block) {
  PetscBool any = PETSC_FALSE;
  for (PetscInt i = 0; i < c->count; ++i) {
    const MuKey *key = &c->entries[i].key;
    if (strcmp(key->block, block) != 0 || strcmp(key->name, "grid_file") == 0 ||
        strcmp(key->name, "output_overwrite") == 0)
      continue;
    if (!any) fprintf(out, "%s:\n", block);
    any = PETSC_TRUE;
    write_entry(c, out, i);
  }
}

PetscErrorCode MuCaseWriteYaml(MuCase c, char **text) {
  char *buffer = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&buffer, &size);

  PetscFunctionBegin;
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "open_memstream");
  for (const char *const *block = mu_key_blocks; *block; ++block) write_block(c, out, *block);
  fclose(out);
  PetscCall(PetscStrallocpy(buffer, text));
  free(buffer);
  PetscFunctionReturn(0);
}
