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

static void write_value(FILE *out, const MuKeyRow *row, const char *value) {
  PetscBool list = (PetscBool)(row->most != 1);
  if (!list) {
    write_item(out, row, value, strlen(value));
    return;
  }
  fputc('[', out);
  for (const char *rest = value; *rest;) {
    size_t length = strcspn(rest, ","), skip = strspn(rest, " [");
    size_t end = length;
    while (end > skip && strchr(" ]", rest[end - 1])) --end;
    write_item(out, row, rest + skip, end - skip);
    rest += length;
    if (*rest) {
      fprintf(out, ", ");
      rest++;
    }
  }
  fputc(']', out);
}

static PetscErrorCode write_block(MuCase c, FILE *out, const char *block) {
  PetscBool any = PETSC_FALSE;
  const char *own, *rest, *value;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < c->count; ++i) {
    const MuCaseEntry *entry = &c->entries[i];
    MuKeySplit(entry->name, &own, &rest);
    if (strcmp(own, block) != 0 || strcmp(entry->name, "grid_file") == 0 ||
        strcmp(entry->name, "output_overwrite") == 0)
      continue;
    if (!any) fprintf(out, "%s:\n", block);
    any = PETSC_TRUE;
    PetscCall(MuCaseValue(c, entry->name, &value));
    fprintf(out, "  %s: ", rest);
    write_value(out, entry->row, value);
    fputc('\n', out);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseWriteYaml(MuCase c, char **text) {
  char *buffer = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&buffer, &size);

  PetscFunctionBegin;
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "open_memstream");
  for (const char *const *block = mu_key_blocks; *block; ++block)
    PetscCall(write_block(c, out, *block));
  fclose(out);
  PetscCall(PetscStrallocpy(buffer, text));
  free(buffer);
  PetscFunctionReturn(0);
}
