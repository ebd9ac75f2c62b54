/* mudot: the table of commands, and what becomes of an error. */
#include "base/launch.h"
#include "base/processor.h"
#include "case/print.h"
#include "command/command.h"
#include "manual/manual.h"
#include "mudot/extend.h"
#include "output/terminal.h"

#include <signal.h>

static const MuCommand help_command;
static const MuCommand *const commands[] = {
    &mu_command_new,    &mu_command_run,     &mu_command_study,     &mu_command_particles,
    &mu_command_sample, &mu_command_compare, &mu_command_check,     &mu_command_report,
    &mu_command_list,   &mu_command_tune,    &mu_command_reference, &help_command,
};
#define COMMANDS ((PetscInt)(sizeof commands / sizeof *commands))

static PetscErrorCode command_row(PetscInt i, const char **name, const char **summary) {
  *name = i < COMMANDS ? commands[i]->name : NULL;
  *summary = i < COMMANDS ? commands[i]->summary : NULL;
  return 0;
}

static PetscBool is_help(const char *argument) {
  return (PetscBool)(!strcmp(argument, "--help") || !strcmp(argument, "-help") ||
                     !strcmp(argument, "-h"));
}

static void print_usage(FILE *out, const MuCommand *command) {
  fprintf(out, "mudot %s%s%s\n", command->name, *command->usage ? " " : "", command->usage);
}

static PetscErrorCode print_help(FILE *out) {
  static const char *const statuses[][2] = {
      {"0", "done"},
      {"1", "the verdict of a study is not \"holds\", or a reference fell short of its accuracy"},
      {"2", "the case or the command line is wrong"},
      {"3", "the numerics failed; the last good state is on disk and named"},
      {"4", "a file could not be read or written"},
      {"5", "a run was stopped before its end; it goes on with -restart"}};

  PetscFunctionBegin;
  fprintf(out,
          "mudot %s: gradient flows of measures, d mu/dt = -K(mu) DF(mu), on grids\n"
          "\n    mudot COMMAND [ARGUMENTS]\n"
          "    mpiexec -n 4 mudot COMMAND [ARGUMENTS]\n"
          "\ncommands\n",
          MUDOT_VERSION);
  PetscCall(MuPrintTable(out, command_row, 12));
  fprintf(out,
          "\n\"mudot COMMAND --help\" or \"mudot help COMMAND\" says more; \"mudot --version\" "
          "prints the version.\n"
          "\nchapters of the manual (mudot help CHAPTER)\n");
  PetscCall(MuPrintTable(out, MuManualGetTableRow, 18));
  fprintf(out,
          "\nResults go to files, a summary to standard output, mistakes to standard error, in one "
          "sentence each.\nVerdicts, warnings and errors are coloured on a terminal unless the "
          "environment variable NO_COLOR is set.\n"
          "\nexit status\n");
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; ++i)
    PetscCall(MuPrintRow(out, statuses[i][0], 12, statuses[i][1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_command_help(FILE *out, const MuCommand *command) {
  PetscFunctionBegin;
  print_usage(out, command);
  fprintf(out, "    %s\n", command->summary);
  if (command->help) PetscCall(command->help(out));
  if (command->chapter)
    fprintf(out, "\nThe chapter of the manual: mudot help %s\n", command->chapter);
  PetscFunctionReturn(0);
}

static PetscErrorCode find_command(const char *word, const MuCommand **command) {
  const char *name;
  char nearest[64];

  PetscFunctionBegin;
  PetscCall(MuTableFind(command_row, word, &name, nearest));
  if (!name && word[0] == '-')
    return MuError(MU_ERR_INPUT,
                   "%s: a command comes first; before it only options of PETSc, --help and "
                   "--version are allowed (see mudot --help)",
                   word);
  if (!name)
    return MuError(MU_ERR_INPUT, "there is no command \"%s\"%s (see mudot --help)", word, nearest);
  for (PetscInt i = 0; i < COMMANDS; ++i)
    if (strcmp(commands[i]->name, name) == 0) *command = commands[i];
  PetscFunctionReturn(0);
}

/* mudot help all: the whole manual, from which the manual page and the completion are made. */
static PetscErrorCode print_manual(FILE *out) {
  PetscFunctionBegin;
  PetscCall(print_help(out));
  for (PetscInt i = 0; i < COMMANDS; ++i) {
    fprintf(out, "\n");
    PetscCall(print_command_help(out, commands[i]));
  }
  PetscFunctionReturn(0);
}

/* The commands, then the chapters. */
static PetscErrorCode topic_row(PetscInt i, const char **name, const char **summary) {
  return i < COMMANDS ? command_row(i, name, summary)
                      : MuManualGetTableRow(i - COMMANDS, name, summary);
}

/* The tables that extensions add to, by the chapter that has them. */
static struct {
  const char *chapter;
  MuTableRow row;
  PetscInt own; /* rows without those of extensions */
} tables[] = {{"geometries", MuGeometryGetTableRow, 0},
              {"energies", MuEnergyGetTableRow, 0},
              {"kernels", MuKernelGetTableRow, 0}};
#define TABLES (sizeof tables / sizeof *tables)

static PetscErrorCode count_rows(MuTableRow row, PetscInt *count) {
  const char *name = "", *formula;

  PetscFunctionBegin;
  for (*count = -1; name; ++*count) PetscCall(row(*count + 1, &name, &formula));
  PetscFunctionReturn(0);
}

/* What -load has added to the table of a chapter, which was written without it. */
static PetscErrorCode print_loaded(FILE *out, const char *chapter) {
  const char *name, *formula;
  PetscInt count;

  PetscFunctionBegin;
  for (size_t k = 0; k < TABLES; ++k) {
    if (strcmp(tables[k].chapter, chapter) != 0) continue;
    PetscCall(count_rows(tables[k].row, &count));
    if (count > tables[k].own) fprintf(out, "\nadded by -load\n");
    for (PetscInt i = tables[k].own; i < count; ++i) {
      PetscCall(tables[k].row(i, &name, &formula));
      PetscCall(MuPrintRow(out, name, 30, formula));
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_topic(FILE *out, const char *topic) {
  const char *name;
  char nearest[64];

  PetscFunctionBegin;
  PetscCall(MuTableFind(topic_row, topic, &name, nearest));
  if (!name)
    return MuError(MU_ERR_INPUT,
                   "help: there is no command and no chapter \"%s\"%s (see mudot help)", topic,
                   nearest);
  if (!MuCommandPrints()) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < COMMANDS; ++i)
    if (!strcmp(commands[i]->name, name)) PetscCall(print_command_help(out, commands[i]));
  MuManualPrint(out, name);
  PetscCall(print_loaded(out, name));
  PetscFunctionReturn(0);
}

/* The words of help without -load FILE and options of PETSc. */
static PetscErrorCode find_topic(int argc, char **argv, const char **topic) {
  *topic = NULL;
  for (int k = 0; k < argc;
       k += MuOptionIsPetsc(argv[k]) ? MuOptionPetscLength(argc - k, argv + k) : 1) {
    if (MuOptionIsPetsc(argv[k])) continue;
    if (*topic)
      return MuError(MU_ERR_INPUT,
                     "help: \"%s\" and \"%s\" are given; one command or chapter is allowed", *topic,
                     argv[k]);
    *topic = argv[k];
  }
  return 0;
}

static PetscErrorCode help(MuTableRow table, int argc, char **argv) {
  const char *topic;

  PetscFunctionBegin;
  (void)table;
  PetscCall(find_topic(argc, argv, &topic));
  if (topic && strcmp(topic, "all") != 0)
    PetscCall(print_topic(stdout, topic));
  else if (MuCommandPrints())
    PetscCall((topic ? print_manual : print_help)(stdout));
  PetscFunctionReturn(0);
}

static const MuCommand help_command = {
    .name = "help",
    .usage = "[COMMAND|CHAPTER|all]",
    .summary = "print the help of a command, or of all, or a chapter of the manual",
    .run = help,
    .immediate = PETSC_TRUE,
};

static PetscBool asks_help(int argc, char **argv) {
  for (int k = 0; k < argc; ++k)
    if (is_help(argv[k])) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscBool is_version(const char *argument) {
  return (PetscBool)(!strcmp(argument, "--version") || !strcmp(argument, "-version"));
}

static PetscErrorCode run_command(int argc, char **argv) {
  const MuCommand *command = commands[0];

  PetscFunctionBegin;
  PetscCall(find_command(argv[0], &command));
  if (!asks_help(argc - 1, argv + 1))
    PetscCall(command->run(command_row, argc - 1, argv + 1));
  else if (MuCommandPrints())
    PetscCall(print_command_help(stdout, command));
  PetscFunctionReturn(0);
}

/* Extensions of the command line; a case cannot name any. */
static PetscErrorCode load_extensions(int argc, char **argv) {
  PetscFunctionBegin;
  for (size_t k = 0; k < TABLES; ++k) PetscCall(count_rows(tables[k].row, &tables[k].own));
  for (int k = 1; k < argc; ++k) {
    if (!MuOptionIsLoad(argv[k])) continue;
    if (k + 1 == argc || argv[k + 1][0] == '-')
      return MuError(MU_ERR_INPUT, "-load: needs the name of a shared object, as in -load ./my.so");
    PetscCall(MuExtensionLoad(argv[k + 1]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode dispatch(int argc, char **argv) {
  PetscFunctionBegin;
  PetscCall(load_extensions(argc, argv));
  while (argc > 1 && MuOptionIsPetsc(argv[1])) {
    int length = MuOptionPetscLength(argc - 1, argv + 1);
    argc -= length;
    argv += length;
  }
  if (argc < 2) return MuError(MU_ERR_INPUT, "no command is given (see mudot --help)");
  if (is_help(argv[1])) {
    if (MuCommandPrints()) PetscCall(print_help(stdout));
  } else if (is_version(argv[1])) {
    if (MuCommandPrints()) printf("mudot %s\n", MUDOT_VERSION);
  } else {
    PetscCall(run_command(argc - 1, argv + 1));
  }
  PetscFunctionReturn(0);
}

/* Version, help, lists and a command that does not exist need neither MPI nor PETSc, whose start
   would be most of the time. An option of PETSc wants it started, and mpiexec would end the rank
   that prints as soon as another one is done. */
static PetscBool is_immediate(int argc, char **argv) {
  if (MuLaunched()) return PETSC_FALSE;
  for (int k = 1; k < argc; ++k)
    if (MuOptionIsPetsc(argv[k])) return PETSC_FALSE;
  if (argc < 2 || asks_help(argc - 1, argv + 1)) return PETSC_TRUE;
  for (PetscInt i = 0; i < COMMANDS; ++i)
    if (!strcmp(commands[i]->name, argv[1])) return commands[i]->immediate;
  return PETSC_TRUE;
}

static void PETSC_ATTRIBUTE_FORMAT(1, 2) print_error(const char *format, ...) {
  va_list arguments;
  fprintf(stderr, "%smudot:%s ", MuStyleText(stderr, MU_STYLE_BAD),
          MuStyleText(stderr, MU_STYLE_PLAIN));
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "\n");
}

/* The exit status of the contract; the sentence once, whatever the number of ranks. */
static int report(PetscErrorCode code) {
  static const int statuses[][2] = {{MU_ERR_INPUT, 2}, {MU_ERR_NUMERICS, 3}, {MU_ERR_FILE, 4}};
  if (!code) return mu_command_status;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; ++i) {
    if (code != statuses[i][0]) continue;
    if (MuCommandPrints()) print_error("%s", MuErrorMessage());
    return statuses[i][1];
  }
  if (MuCommandPrints())
    print_error("internal error %d, a fault of the program; the trace above tells where",
                (int)code);
  return 3;
}

/* PETSc sees its own options only: ours are not its business, and --help is ours. */
static PetscErrorCode initialize(int argc, char **argv) {
  static char *own[1024];
  char **arguments = own;
  int count = 0;
  own[count++] = argv[0];
  for (int i = 1; i < argc;) {
    int length = MuOptionIsPetsc(argv[i]) ? MuOptionPetscLength(argc - i, argv + i) : 0;
    for (int k = 0; k < length && count < 1023; ++k) own[count++] = argv[i + k];
    i += length ? length : 1;
  }
  return MuInitialize(&count, &arguments, NULL);
}

/* A reader of our output that has gone away (mudot ... | head) is no reason to lose a run, and a
   limit on the size of files is an error like a full disk. */
static void ignore_signals(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

static int run_with_mpi(int argc, char **argv) {
  PetscErrorCode code = initialize(argc, argv);
  if (code) return report(code);
  ignore_signals(); /* PETSc has set its own handlers */
  int status = report(dispatch(argc, argv));
  fflush(stdout);
  return MuFinalize() && !status ? 3 : status;
}

/* This file and base/processor.c are compiled for any processor, so that one that the rest is not
   made for is told so and does not meet an illegal instruction. */
int main(int argc, char **argv) {
  const char *lacking = MuProcessorLacks();
  if (lacking) {
    fprintf(stderr,
            "mudot: this program is built for processors with %s, which this one does not have; "
            "build it here, or with \"make install ARCH=x86-64\" for all\n",
            lacking);
    return 2;
  }
  ignore_signals();
  return is_immediate(argc, argv) ? report(dispatch(argc, argv)) : run_with_mpi(argc, argv);
}
