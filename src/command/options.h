/* Options of a sub-command that does not read a case: one table serves the parser and --help.
   Private to command/. */
#ifndef MUDOT_OPTIONS_H
#define MUDOT_OPTIONS_H

#include "mudot.h"

typedef enum {
  MU_OPTION_SWITCH, /* PetscBool */
  MU_OPTION_COUNT,  /* PetscInt, at least `least` */
  MU_OPTION_REAL,   /* PetscReal */
  MU_OPTION_TEXT,   /* const char *, borrowed from argv */
  MU_OPTION_CHOICE  /* PetscInt: index of a word of `allowed` */
} MuOptionType;

typedef struct {
  const char *name; /* without the dash */
  MuOptionType type;
  void *value;         /* left alone if the option is not given */
  PetscInt least;      /* COUNT */
  const char *allowed; /* CHOICE: words separated by | */
  PetscBool *given;    /* may be NULL */
  const char *doc;     /* NULL: a second spelling, not printed */
} MuOption;

/* Reads the arguments: options into their values, words without a dash into files[argc], options of
   PETSc passed over, options that begin with `passed` (may be NULL) with their values into
   rest[2 argc]. MU_ERR_INPUT: an unknown option (names the nearest), one given twice or without its
   value, a value that is not allowed. */
typedef struct {
  const char *command;
  const MuOption *options;
  PetscInt count;
  const char *passed;
  PetscInt files, rests; /* set by MuOptionsParse() */
  char **file, **rest;   /* room of the caller */
} MuOptions;
PetscErrorCode MuOptionsParse(MuOptions *o, int argc, char **argv);

/* One line per option. */
void MuOptionsPrint(FILE *out, const MuOption *options, PetscInt count);

#endif
