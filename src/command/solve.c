/* A run from its command line to its exit status. */
#include "command/solve.h"

#include "case/arguments.h"
#include "command/command.h"

static PetscBool is_switch(const char *argument, const char *name) {
  while (*argument == '-') ++argument;
  return (PetscBool)!strcmp(argument, name);
}

/* Takes -restart and -dry_run out of the arguments; what is left belongs to the case. */
static PetscErrorCode split_arguments(int argc, char **argv, int *left, char ***rest,
                                      PetscBool *restart, PetscBool *dry) {
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(argc + 1, rest));
  *left = 0;
  *restart = PETSC_FALSE;
  for (int k = 0; k < argc; ++k) {
    if (argv[k][0] == '-' && is_switch(argv[k], "restart"))
      *restart = PETSC_TRUE;
    else if (dry && argv[k][0] == '-' &&
             (is_switch(argv[k], "dry_run") || is_switch(argv[k], "dry-run")))
      *dry = PETSC_TRUE;
    else
      (*rest)[(*left)++] = argv[k];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuCommandProgram(char **program) {
  int count;
  char **arguments;

  PetscFunctionBegin;
  PetscCall(PetscGetArgs(&count, &arguments));
  PetscCall(MuArgumentsJoin("", 1, arguments, program));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCommandSolve(const char *command, MuSolver solver, MuPlanner planner, int argc,
                              char **argv) {
  PetscBool interrupted = PETSC_FALSE, dry = PETSC_FALSE;
  PetscErrorCode code;
  MuRunSpec spec = {.restart = PETSC_FALSE};
  char **rest = NULL, *program = NULL;
  int left = 0;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCommandProgram(&program));
  spec.program = program;
  PetscCall(split_arguments(argc, argv, &left, &rest, &spec.restart, planner ? &dry : NULL));
  code = MuCaseCreate(PETSC_COMM_WORLD, NULL, left, rest, &c);
  if (!code) code = MuCaseSetCommandLine(c, command, argc, argv);
  if (!code) code = dry ? planner(c) : solver(c, &spec, &interrupted);
  PetscCall(MuCaseDestroy(&c));
  PetscCall(PetscFree(rest));
  PetscCall(PetscFree(program));
  if (interrupted) mu_command_status = MU_INTERRUPTED;
  PetscFunctionReturn(code);
}
