/* Error sentences of the library. */
#include "mudot.h"

#include <stdarg.h>
#include <stdio.h>

static char message[4096];

PetscErrorCode MuError(PetscErrorCode code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  for (char *c = message; *c; ++c) /* one line, and nothing that steers a terminal */
    if ((unsigned char)*c < 32 || *c == 127) *c = *c == '\n' || *c == '\t' ? ' ' : '?';
  return code;
}

const char *MuErrorMessage(void) {
  return message;
}
