/* The command line of a case, and the words of any. Private to case/ and command/. */
#ifndef MUDOT_ARGUMENTS_H
#define MUDOT_ARGUMENTS_H

#include "case/keys.h"

/* Goes through the arguments: keys of the case (name without dash, value "" for a bare flag) are
   handed to `visit`, options of PETSc are passed over, and the one argument that is neither is
   *file (NULL if there is none). visit may be NULL. MU_ERR_INPUT: two files, a key without its
   value. */
PetscErrorCode MuArgumentsVisit(const MuKeyTable *tables, int argc, char **argv, const char **file,
                                PetscErrorCode (*visit)(void *ctx, const char *name,
                                                        const char *value),
                                void *ctx);

/* The arguments as one line that a shell would read back; the caller frees it with PetscFree(). */
PetscErrorCode MuArgumentsJoin(const char *first, int argc, char **argv, char **line);

/* The next item of a comma-separated list, without blanks around it and the brackets of a list on
   the command line; false behind the last one. *rest: the list, then what is left of it. */
PetscBool MuCaseNextItem(const char **rest, const char **start, size_t *length);
/* A finite decimal number, a decimal integer: the whole text; false if it is none. */
PetscBool MuParseReal(const char *text, PetscReal *value);
PetscBool MuParseInt(const char *text, PetscInt *value);
/* true/false, yes/no, on/off, 1/0; false if the text is none of these. */
PetscBool MuParseBool(const char *text, PetscBool *value);

#endif
