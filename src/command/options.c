/* Options of a sub-command that does not read a case. */
#include "command/options.h"

#include "case/arguments.h"
#include "case/keys.h"
#include "case/print.h"

enum { MOST_OPTIONS = 64 };

/* The name of an option; a number such as -1 is none. */
static const char *name_of(const char *argument) {
  if (argument[0] != '-') return NULL;
  const char *name = argument + 1 + (argument[1] == '-');
  PetscReal number;
  return *name && !MuParseReal(argument, &number) ? name : NULL;
}

static PetscErrorCode unknown(const MuOptions *o, const char *name) {
  MuNearest nearest = {.word = name};
  char hint[2 * MU_KEY_LENGTH];
  for (PetscInt i = 0; i < o->count; ++i)
    if (o->options[i].doc) MuNearestOffer(&nearest, o->options[i].name);
  MuNearestSay(&nearest, "-", sizeof hint, hint);
  return MuError(MU_ERR_INPUT, "%s: there is no option -%.60s%s (see mudot %s --help)", o->command,
                 name, hint, o->command);
}

static PetscErrorCode wrong(const MuOption *option, const char *value, const char *what) {
  return MuError(MU_ERR_INPUT, "%s: \"%.200s\" is not allowed; %s", option->name, value, what);
}

static PetscErrorCode set_count(const MuOption *option, const char *value) {
  PetscInt number;
  char what[80];

  snprintf(what, sizeof what, "an integer from %d to %d is expected", (int)option->least,
           PETSC_MAX_INT / 16);
  if (!MuParseInt(value, &number) || number < option->least || number > PETSC_MAX_INT / 16)
    return wrong(option, value, what);
  *(PetscInt *)option->value = number;
  return 0;
}

static PetscErrorCode set_choice(const MuOption *option, const char *value) {
  char word[MU_KEY_LENGTH], what[256];

  for (PetscInt i = 0; MuKeyWord(option->allowed, i, word); ++i) {
    if (strcmp(word, value) != 0) continue;
    *(PetscInt *)option->value = i;
    return 0;
  }
  snprintf(what, sizeof what, "the words are %s", option->allowed);
  return wrong(option, value, what);
}

static PetscErrorCode set_value(const MuOption *option, const char *value) {
  PetscReal number;

  PetscFunctionBegin;
  switch (option->type) {
  case MU_OPTION_SWITCH:
    if (!MuParseBool(value, option->value)) return wrong(option, value, "it is true or false");
    break;
  case MU_OPTION_COUNT:
    PetscCall(set_count(option, value));
    break;
  case MU_OPTION_REAL:
    if (!MuParseReal(value, &number)) return wrong(option, value, "a number is expected");
    *(PetscReal *)option->value = number;
    break;
  case MU_OPTION_TEXT:
    if (!value[0]) return wrong(option, value, "it is empty");
    *(const char **)option->value = value;
    break;
  case MU_OPTION_CHOICE:
    PetscCall(set_choice(option, value));
    break;
  }
  PetscFunctionReturn(0);
}

static PetscBool is_passed(const MuOptions *o, const char *name) {
  return (PetscBool)(o->passed && strncmp(name, o->passed, strlen(o->passed)) == 0);
}

/* One option, at argv[0]; *length: how many arguments it took. */
static PetscErrorCode take_option(MuOptions *o, const char *name, int argc, char **argv,
                                  PetscBool *seen, int *length) {
  const MuOption *option = NULL;
  PetscBool truth;
  PetscInt i = 0;

  PetscFunctionBegin;
  while (i < o->count && strcmp(o->options[i].name, name) != 0) ++i;
  if (i < o->count) option = &o->options[i];
  if (!option && !is_passed(o, name)) PetscCall(unknown(o, name));
  *length = argc > 1 && !name_of(argv[1]) ? 2 : 1;
  if (option && option->type == MU_OPTION_SWITCH && *length == 2 && !MuParseBool(argv[1], &truth))
    *length = 1;
  if (*length == 1 && !(option && option->type == MU_OPTION_SWITCH))
    return MuError(MU_ERR_INPUT, "%s: has no value (command line)", name);
  if (!option) {
    o->rest[o->rests++] = argv[0];
    o->rest[o->rests++] = argv[1];
    PetscFunctionReturn(0);
  }
  if (seen[i]) return MuError(MU_ERR_INPUT, "%s: is given twice (command line)", name);
  seen[i] = PETSC_TRUE;
  if (option->given) *option->given = PETSC_TRUE;
  PetscCall(set_value(option, *length == 2 ? argv[1] : "true"));
  PetscFunctionReturn(0);
}

PetscErrorCode MuOptionsParse(MuOptions *o, int argc, char **argv) {
  PetscBool seen[MOST_OPTIONS] = {PETSC_FALSE};
  int length;

  PetscFunctionBegin;
  PetscCheck(o->count <= MOST_OPTIONS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d options",
             (int)o->count);
  o->files = o->rests = 0;
  for (int i = 0; i < argc; i += length) {
    const char *name = name_of(argv[i]);
    length = 1;
    if (!name)
      o->file[o->files++] = argv[i];
    else if (MuOptionIsPetsc(argv[i]))
      length = MuOptionPetscLength(argc - i, argv + i);
    else
      PetscCall(take_option(o, name, argc - i, argv + i, seen, &length));
  }
  PetscFunctionReturn(0);
}

void MuOptionsPrint(FILE *out, const MuOption *options, PetscInt count) {
  static const char *const words[] = {"", "N", "NUMBER", "TEXT", "WORD"};
  char name[64];
  fprintf(out, "\n");
  for (PetscInt i = 0; i < count; ++i) {
    if (!options[i].doc) continue;
    snprintf(name, sizeof name, "-%s", options[i].name);
    fprintf(out, "  %-22s %-7s %s", name, words[options[i].type], options[i].doc);
    if (options[i].allowed) fprintf(out, ": %s", options[i].allowed);
    fprintf(out, "\n");
  }
}
