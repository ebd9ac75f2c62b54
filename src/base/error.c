/* Error sentences of the library. */
#include "mudot.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char message[MU_SENTENCE];

PetscErrorCode MuError(PetscErrorCode code, const char *format, ...) {
  char text[MU_SENTENCE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  memcpy(message, text, strlen(text) + 1);
  for (char *c = message; *c; ++c) /* one line, and nothing that steers a terminal */
    if ((unsigned char)*c < 32 || *c == 127) *c = *c == '\n' || *c == '\t' ? ' ' : '?';
  return code;
}

const char *MuErrorMessage(void) {
  return message;
}
