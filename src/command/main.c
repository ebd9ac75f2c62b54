/* mudot: the table of commands, and what becomes of an error. */
#include "command/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const MuCommand *const commands[] = {&mu_command_run, &mu_command_study, &mu_command_list};
int mu_command_status;
#define COMMANDS ((PetscInt)(sizeof commands / sizeof *commands))

static PetscErrorCode command_row(PetscInt i, const char **name, const char **summary) {
  *name = i < COMMANDS ? commands[i]->name : NULL;
  *summary = i < COMMANDS ? commands[i]->summary : NULL;
  return 0;
}

static PetscBool on_rank_zero(void) {
  PetscMPIInt rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return (PetscBool)(rank == 0);
}

static PetscBool is_help(const char *argument) {
  return (PetscBool)(!strcmp(argument, "--help") || !strcmp(argument, "-help") ||
                     !strcmp(argument, "-h"));
}

static void print_help(FILE *out) {
  fprintf(out, "mudot %s: gradient flows of measures, d mu/dt = -K(mu) DF(mu), on grids\n\n",
          MUDOT_VERSION);
  for (PetscInt i = 0; i < COMMANDS; ++i)
    fprintf(out, "  mudot %s %s\n      %s\n", commands[i]->name, commands[i]->usage,
            commands[i]->summary);
  fprintf(out, "  mudot --help | --version | COMMAND --help\n\n"
               "Exit status: 0 done; 1 a study's verdict is \"does not hold\"; 2 the case or the "
               "command line is\nwrong; 3 the numerics failed; 4 a file could not be read or "
               "written; 5 a run\nwas stopped before its end and goes on with -restart.\n");
}

static PetscErrorCode print_command_help(const MuCommand *command) {
  PetscFunctionBegin;
  if (!on_rank_zero()) PetscFunctionReturn(0);
  printf("mudot %s %s\n    %s\n", command->name, command->usage, command->summary);
  if (command->help) PetscCall(command->help(stdout));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_command(int argc, char **argv) {
  const char *name;
  char nearest[64];

  PetscFunctionBegin;
  PetscCall(MuTableFind(command_row, argv[0], &name, nearest));
  if (!name)
    return MuError(MU_ERR_INPUT, "there is no command \"%s\"; the nearest is %s (see mudot --help)",
                   argv[0], nearest);
  for (PetscInt i = 0; i < COMMANDS; ++i) {
    if (strcmp(commands[i]->name, name) != 0) continue;
    for (int k = 1; k < argc; ++k)
      if (is_help(argv[k])) return print_command_help(commands[i]);
    PetscCall(commands[i]->run(command_row, argc - 1, argv + 1));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode dispatch(int argc, char **argv) {
  PetscFunctionBegin;
  while (argc > 1 && MuOptionIsPetsc(argv[1])) {
    int length = MuOptionPetscLength(argc - 1, argv + 1);
    argc -= length;
    argv += length;
  }
  if (argc < 2) return MuError(MU_ERR_INPUT, "no command is given (see mudot --help)");
  if (is_help(argv[1])) {
    if (on_rank_zero()) print_help(stdout);
  } else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-version")) {
    if (on_rank_zero()) printf("mudot %s\n", MUDOT_VERSION);
  } else {
    PetscCall(run_command(argc - 1, argv + 1));
  }
  PetscFunctionReturn(0);
}

/* The exit status of the contract; the sentence once, whatever the number of ranks. */
static int report(PetscErrorCode code) {
  static const int statuses[][2] = {{MU_ERR_INPUT, 2}, {MU_ERR_NUMERICS, 3}, {MU_ERR_FILE, 4}};
  if (!code) return mu_command_status;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; ++i) {
    if (code != statuses[i][0]) continue;
    if (on_rank_zero()) fprintf(stderr, "mudot: %s\n", MuErrorMessage());
    return statuses[i][1];
  }
  if (on_rank_zero())
    fprintf(stderr,
            "mudot: internal error %d, a fault of the program; the trace above tells where\n",
            (int)code);
  return 3;
}

/* PETSc sees its own options only: ours are not its business, and --help is ours. */
static int initialize(int argc, char **argv) {
  static char *own[1024];
  char **arguments = own;
  int count = 0;
  own[count++] = argv[0];
  for (int i = 1; i < argc;) {
    int length = MuOptionIsPetsc(argv[i]) ? MuOptionPetscLength(argc - i, argv + i) : 0;
    for (int k = 0; k < length && count < 1023; ++k) own[count++] = argv[i + k];
    i += length ? length : 1;
  }
  return MuInitialize(&count, &arguments, NULL) != 0;
}

/* A reader of our output that has gone away (mudot ... | head) is no reason to lose a run, and a
   limit on the size of files is an error like a full disk. */
int main(int argc, char **argv) {
  if (initialize(argc, argv)) return 3;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  int status = report(dispatch(argc, argv));
  fflush(stdout);
  return MuFinalize() && !status ? 3 : status;
}
