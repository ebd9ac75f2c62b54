/* Start, end and error sentences of the library. */
#include "mudot.h"

#include <stdarg.h>
#include <stdio.h>

static char message[4096];

static PetscBool is_quiet(PetscErrorCode code) {
  return (PetscBool)(code == MU_ERR_INPUT || code == MU_ERR_NUMERICS || code == MU_ERR_FILE);
}

/* A user's mistake passes silently (main prints its sentence); anything else gets PETSc's trace. */
static PetscErrorCode error_handler(MPI_Comm comm, int line, const char *function, const char *file,
                                    PetscErrorCode code, PetscErrorType type, const char *text,
                                    void *ctx) {
  if (is_quiet(code)) return code;
  return PetscTraceBackErrorHandler(comm, line, function, file, code, type, text, ctx);
}

PetscErrorCode MuInitialize(int *argc, char ***argv, const char *help) {
  PetscCall(PetscInitialize(argc, argv, NULL, help));
  PetscCall(PetscPushErrorHandler(error_handler, NULL));
  return 0;
}

PetscErrorCode MuFinalize(void) {
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscFinalize());
  return 0;
}

PetscErrorCode MuError(PetscErrorCode code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return code;
}

const char *MuErrorMessage(void) {
  return message;
}
