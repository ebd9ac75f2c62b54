/* Printing keys and rows of tables; options of PETSc. */
#ifndef MUDOT_CASE_PRINT_H
#define MUDOT_CASE_PRINT_H

#include "mudot/base.h"

/* Prints two blanks, the name in `width` columns and the text, wrapped at 100 columns beside it.
   Not collective. */
PetscErrorCode MuPrintRow(FILE *out, const char *name, int width, const char *text);
/* The rows of a table, one by one so. */
PetscErrorCode MuPrintTable(FILE *out, MuTableRow table, int width);

/* Whether an argument is an option of PETSc (-ksp_..., -snes_..., -log_view, ...), which mudot
   leaves alone, and how many arguments it takes with its value (1 or 2). Not collective. */
/* -load FILE is passed over as well: extensions are loaded before anything is read. */
PetscBool MuOptionIsLoad(const char *argument);
PetscBool MuOptionIsPetsc(const char *argument);
int MuOptionPetscLength(int argc, char **argv);

#endif
