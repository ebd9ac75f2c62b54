/* What `mudot run` and `mudot particles` share: a case, -restart, and the exit status of an
   interrupted run. Private to command/. */
#ifndef MUDOT_COMMAND_SOLVE_H
#define MUDOT_COMMAND_SOLVE_H

#include "mudot.h"

typedef PetscErrorCode (*MuSolver)(MuCase c, const MuRunSpec *spec, PetscBool *interrupted);

/* What -dry_run does in its place. */
typedef PetscErrorCode (*MuPlanner)(MuCase c);

/* command: "mudot run", as it begins the command line that the results keep. planner NULL: there is
   no -dry_run. */
PetscErrorCode MuCommandSolve(const char *command, MuSolver solver, MuPlanner planner, int argc,
                              char **argv);

#define MU_INTERRUPTED 5 /* exit status */
/* The name under which this program was started, as a shell reads it; freed by the caller. */
PetscErrorCode MuCommandProgram(char **program);

#endif
