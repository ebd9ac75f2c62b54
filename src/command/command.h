/* What a sub-command is. Private to command/. */
#ifndef MUDOT_COMMAND_H
#define MUDOT_COMMAND_H

#include "mudot.h"

typedef struct {
  const char *name;
  const char *usage;   /* what follows the name */
  const char *summary; /* one line of --help and of mudot list commands */
  const char *chapter; /* OPTIONAL: of the manual, that says more */
  /* REQUIRED: argv are the arguments after the name; commands is the table that the command stands
     in. Collective. */
  PetscErrorCode (*run)(MuTableRow commands, int argc, char **argv);
  /* OPTIONAL, on rank 0: the rest of --help. Default: nothing more. Needs no MPI. */
  PetscErrorCode (*help)(FILE *out);
  /* OPTIONAL: `run` is called without MPI and PETSc being started. Default: it needs them. */
  PetscBool immediate;
} MuCommand;

/* Exit status of a command that did its work: 0, 1 for a verdict "does not hold", or 5 for a run
   that was stopped before its end. */
extern int mu_command_status;

/* Whether this is the rank that prints, also where MPI is not started. */
PetscBool MuCommandPrints(void);

extern const MuCommand mu_command_run, mu_command_study, mu_command_particles, mu_command_sample,
    mu_command_compare, mu_command_check, mu_command_report, mu_command_list, mu_command_new,
    mu_command_tune, mu_command_reference;

#endif
