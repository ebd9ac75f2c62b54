/* Colour on a terminal, plain text anywhere else. */
#include "output/terminal.h"
#include "mudot.h"

#include <unistd.h>

/* A launcher of MPI may put a pseudo-terminal between a rank and a pipe or a file: what stands
   behind it cannot be seen from here. */
static PetscBool is_launched(void) {
  static const char *const variables[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; ++i)
    if (getenv(variables[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscBool takes_colour(FILE *stream) {
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  if (no_color && *no_color) return PETSC_FALSE;
  if (!term || !*term || !strcmp(term, "dumb")) return PETSC_FALSE;
  return (PetscBool)(isatty(fileno(stream)) && !is_launched());
}

const char *MuStyleText(FILE *stream, MuStyle style) {
  static const char *const sequences[] = {"\033[0m", "\033[1;32m", "\033[1;31m", "\033[1;33m",
                                          "\033[1m"};
  return takes_colour(stream) ? sequences[style] : "";
}
