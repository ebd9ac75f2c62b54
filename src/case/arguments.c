/* Command-line arguments: which belong to the case, which to PETSc, and which one is the file. */
#include "case/arguments.h"

#include "case/keys.h"
#include "case/print.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Options that begin so are left to PETSc's own database. */
static const char *const petsc_prefixes[] = {
    "mudot_",   "snes_", "ksp_", "pc_",          "ts_",     "mat_",    "vec_",
    "log_view", "log_",  "info", "options_left", "malloc_", "memory_", "fp_trap"};

static const char *option_name(const char *argument) {
  if (argument[0] != '-') return NULL;
  if (argument[1] == '-') argument++;
  return isalpha((unsigned char)argument[1]) ? argument + 1 : NULL;
}

PetscBool MuOptionIsLoad(const char *argument) {
  const char *name = option_name(argument);
  return (PetscBool)(name && !strcmp(name, "load"));
}

PetscBool MuOptionIsPetsc(const char *argument) {
  const char *name = option_name(argument);
  if (!name) return PETSC_FALSE;
  if (MuOptionIsLoad(argument)) return PETSC_TRUE;
  for (size_t i = 0; i < sizeof petsc_prefixes / sizeof *petsc_prefixes; ++i)
    if (strncmp(name, petsc_prefixes[i], strlen(petsc_prefixes[i])) == 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscBool MuParseBool(const char *text, PetscBool *value) {
  static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
    if (strcasecmp(text, words[i]) == 0) {
      *value = (PetscBool)(i % 2);
      return PETSC_TRUE;
    }
  return PETSC_FALSE;
}

/* Those of PETSc's options that are switches unless a viewer or a truth word follows. */
static PetscBool is_switch(const char *name) {
  static const char *const switches[] = {"log_", "info", "options_left", "malloc_", "memory_"};
  for (size_t i = 0; i < sizeof switches / sizeof *switches; ++i)
    if (strncmp(name, switches[i], strlen(switches[i])) == 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

int MuOptionPetscLength(int argc, char **argv) {
  PetscBool truth;
  if (argc < 2 || option_name(argv[1])) return 1;
  if (!is_switch(option_name(argv[0]))) return 2;
  return strchr(argv[1], ':') || MuParseBool(argv[1], &truth) ? 2 : 1;
}

/* Whether an argument is itself a key, so that the one before it lacks its value; a formula such as
 * -x^2 is not. */
static PetscBool is_key(const MuKeyTable *tables, const char *argument) {
  const char *name = option_name(argument);
  MuKey key;
  return (PetscBool)(name && MuKeyFind(tables, name, &key));
}

/* Number of arguments an option takes: 1, or 2 with a value. A switch takes a value only if it is a
 * truth word. An unknown key takes what does not look like an option; it is refused anyway. */
static int option_length(const MuKeyTable *tables, const char *name, int argc, char **argv) {
  PetscBool truth;
  MuKey key;
  if (argc < 2 || is_key(tables, argv[1])) return 1;
  if (!MuKeyFind(tables, name, &key)) return option_name(argv[1]) ? 1 : 2;
  if (key.row.type == MU_KEY_BOOL) return MuParseBool(argv[1], &truth) ? 2 : 1;
  return 2;
}

PetscErrorCode MuArgumentsVisit(const MuKeyTable *tables, int argc, char **argv, const char **file,
                                PetscErrorCode (*visit)(void *ctx, const char *name,
                                                        const char *value),
                                void *ctx) {
  PetscFunctionBegin;
  *file = NULL;
  for (int i = 0; i < argc;) {
    const char *name = option_name(argv[i]);
    if (!name) {
      if (*file)
        return MuError(MU_ERR_INPUT, "%s: one case file is allowed, and %s is given already",
                       argv[i], *file);
      *file = argv[i++];
    } else if (MuOptionIsPetsc(argv[i])) {
      i += MuOptionPetscLength(argc - i, argv + i);
    } else {
      int length = option_length(tables, name, argc - i, argv + i);
      if (visit) PetscCall(visit(ctx, name, length == 2 ? argv[i + 1] : ""));
      i += length;
    }
  }
  PetscFunctionReturn(0);
}

static void append_quoted(char **end, const char *word) {
  PetscBool plain = (PetscBool)(word[0] != 0);
  for (const char *c = word; *c; ++c)
    if (!isalnum((unsigned char)*c) && !strchr("-_./,:=+@%", *c)) plain = PETSC_FALSE;
  if (!plain) *(*end)++ = '\'';
  for (const char *c = word; *c; ++c) {
    if (*c == '\'')
      *end = stpcpy(*end, "'\\''");
    else
      *(*end)++ = *c;
  }
  if (!plain) *(*end)++ = '\'';
}

PetscErrorCode MuArgumentsJoin(const char *first, int argc, char **argv, char **line) {
  size_t length = strlen(first) + 1;
  char *end;

  PetscFunctionBegin;
  for (int i = 0; i < argc; ++i) length += 4 * strlen(argv[i]) + 3;
  PetscCall(PetscMalloc1(length, line));
  end = stpcpy(*line, first);
  for (int i = 0; i < argc; ++i) {
    if (end > *line) *end++ = ' ';
    append_quoted(&end, argv[i]);
  }
  *end = 0;
  PetscFunctionReturn(0);
}
