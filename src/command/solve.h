/* What `mudot run` and `mudot particles` share: a case, -restart, and the exit status of an
   interrupted run. Private to command/. */
#ifndef MUDOT_COMMAND_SOLVE_H
#define MUDOT_COMMAND_SOLVE_H

#include "mudot.h"

typedef PetscErrorCode (*MuSolver)(MuCase c, const MuRunSpec *spec, PetscBool *interrupted);

/* command: "mudot run", as it begins the command line that the results keep. */
PetscErrorCode MuCommandSolve(const char *command, MuSolver solver, int argc, char **argv);

#endif
