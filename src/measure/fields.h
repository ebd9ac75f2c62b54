/* Lines of tables: what separates their fields, and numbers. */
#ifndef MUDOT_MEASURE_FIELDS_H
#define MUDOT_MEASURE_FIELDS_H

#include <petscsys.h>

#define MU_MOST_FIELDS 1024
#define MU_MOST_LINE   65536 /* bytes of a line, with the zero at its end */

/* Cuts a line, in place, at the delimiter (',', ';', a tab; ' ': runs of blanks; 0: nowhere) into
   fields without surrounding blanks. A field in quotes may hold the delimiter, and a quote twice.
   Returns their number; -1: a quote is not closed, or something follows it; -2: too many. */
PetscInt MuFieldsCut(char delimiter, char *line, char *field[MU_MOST_FIELDS]);

/* n without the empty fields at the end. */
PetscInt MuFieldsTrim(PetscInt n, char *const field[]);

/* How a number is written; bits, so that those of a table can be joined. */
enum {
  MU_MARK_POINT = 1,    /* 1.5 */
  MU_MARK_COMMA = 2,    /* 1,5; not where commas separate fields */
  MU_MARK_THOUSANDS = 4 /* 1,500: with MARK_COMMA, and may be meant as a thousand and more */
};

/* Whether the text is a decimal number, which need not be finite, and how it is written; value and
   marks may be NULL. */
PetscBool MuFieldNumber(char delimiter, const char *text, PetscReal *value, int *marks);

/* Whether it begins like one: 1.2.3, 5 m, 1,83. */
PetscBool MuFieldLooksLikeNumber(const char *text);

/* Whether the n fields of a line with commas may be half as many numbers with decimal commas. */
PetscBool MuFieldsMayBeDecimals(PetscInt n, char *const field[]);

/* The delimiter under which the first two lines (second NULL: there is one line only) have equally
   many fields, more than one, and the most numbers; 0 if there is none. *ambiguous if two fit
   equally well. scratch: room for a line. */
char MuFieldsGuess(const char *first, const char *second, char *scratch, PetscBool *ambiguous);

/* For sentences: "semicolons". */
const char *MuDelimiterName(char delimiter);

#endif
