/* The chapters of the manual, embedded in the program. */
#ifndef MUDOT_MANUAL_H
#define MUDOT_MANUAL_H

#include "mudot/base.h"

#include <stdio.h>

/* A file of src/manual/, typeset for a terminal of 80 columns by scripts/typeset. */
typedef struct {
  const char *name;         /* of the file without .md: what follows `mudot help` */
  const char *summary;      /* its first line, after the colon */
  const char *const *lines; /* ends with NULL */
} MuChapter;

/* Every chapter in the order of the manual; ends with a NULL name. The Makefile makes it. */
extern const MuChapter mu_manual[];

/* Rows of the table of chapters, see MuTableRow. */
PetscErrorCode MuManualGetTableRow(PetscInt i, const char **name, const char **summary);

/* Prints the chapter of this name; nothing if there is none. Backquotes around names turn into
   bold letters on a terminal. Not collective. */
void MuManualPrint(FILE *out, const char *name);

#endif
