/* Styles and warnings on a terminal. */
#ifndef MUDOT_OUTPUT_TERMINAL_H
#define MUDOT_OUTPUT_TERMINAL_H

#include <petscsys.h>

/* The escape sequence that begins a style, PLAIN the one that ends it. "" unless the stream is a
   terminal with a TERM other than dumb, no launcher of MPI stands before it, and NO_COLOR is unset
   or empty. Static text. Not collective. */
typedef enum { MU_STYLE_PLAIN, MU_STYLE_GOOD, MU_STYLE_BAD, MU_STYLE_DOUBT, MU_STYLE_NAME } MuStyle;
const char *MuStyleText(FILE *stream, MuStyle style);

/* Prints "mudot: warning: sentence" on rank 0's stderr, the same sentence once. Not collective. */
PetscErrorCode MuWarn(MPI_Comm comm, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);

#endif
