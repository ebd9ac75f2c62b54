/* mudot reference CASE.yaml -accuracy A [-norm N] [-cells N,M] [-max_cells N] [-key value ...] */
#include "run/reference.h"

#include "command/command.h"
#include "command/options.h"

#define NOT_REACHED 1 /* exit status */

static MuReferenceSpec given;
static PetscInt norm;
static const char *cells;
static PetscBool has_accuracy;

static const MuOption options[] = {
    {"accuracy", MU_OPTION_REAL, &given.accuracy, .given = &has_accuracy,
     .doc = "error of every snapshot that is to be reached, e.g. 1e-4"},
    {"norm", MU_OPTION_CHOICE, &norm, .allowed = MU_NORM_WORDS,
     .doc = "in which (default l1; w1 in 1-D)"},
    {"cells", MU_OPTION_TEXT, &cells,
     .doc = "of the snapshots, and of the coarsest grid (default: those of the case)"},
    {"max_cells", MU_OPTION_COUNT, &given.max_cells, .least = 1,
     .doc = "of the finest grid along an axis (default: as many as fit into memory)"},
};
#define OPTIONS ((PetscInt)(sizeof options / sizeof *options))

static PetscBool is_own(const char *argument) {
  for (PetscInt i = 0; i < OPTIONS; ++i)
    if (argument[0] == '-' && !strcmp(argument + 1 + (argument[1] == '-'), options[i].name))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Own options with their values into own, the rest, which belongs to the case, into rest. */
static void split_arguments(int argc, char **argv, int *owns, char **own, int *rests, char **rest) {
  *owns = *rests = 0;
  for (int k = 0; k < argc; ++k) {
    if (!is_own(argv[k])) {
      rest[(*rests)++] = argv[k];
      continue;
    }
    own[(*owns)++] = argv[k];
    if (k + 1 < argc) own[(*owns)++] = argv[++k];
  }
}

static PetscErrorCode solve(int rests, char **rest, int argc, char **argv) {
  static char key[] = "-grid_cells";
  PetscBool reached = PETSC_FALSE;
  MuCase c;

  PetscFunctionBegin;
  if (cells) {
    rest[rests++] = key;
    rest[rests++] = (char *)cells;
  }
  PetscErrorCode code = MuCaseCreate(PETSC_COMM_WORLD, NULL, rests, rest, &c);
  if (!code) code = MuCaseSetCommandLine(c, "mudot reference", argc, argv);
  if (!code) code = MuReferenceSolve(c, &given, &reached);
  PetscCall(MuCaseDestroy(&c));
  if (!code && !reached) mu_command_status = NOT_REACHED;
  PetscFunctionReturn(code);
}

static PetscErrorCode reference(MuTableRow commands, int argc, char **argv) {
  MuOptions o = {.command = "reference", .options = options, .count = OPTIONS};
  char **own, **rest;
  int owns, rests;

  PetscFunctionBegin;
  (void)commands;
  given = (MuReferenceSpec){.norm = MU_NORM_L1};
  PetscCall(PetscMalloc3(argc + 1, &own, argc + 3, &rest, argc + 1, &o.file));
  split_arguments(argc, argv, &owns, own, &rests, rest);
  PetscErrorCode code = MuOptionsParse(&o, owns, own);
  if (!code && !has_accuracy)
    code = MuError(MU_ERR_INPUT, "accuracy: is missing; give the error of every snapshot that is "
                                 "to be reached, as in -accuracy 1e-4");
  given.norm = (MuNorm)norm;
  if (!code) code = solve(rests, rest, argc, argv);
  PetscCall(PetscFree3(own, rest, o.file));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  MuOptionsPrint(out, options, OPTIONS);
  fprintf(out,
          "\nThe flow is solved on grids of 1, 2, 4, ... times the cells of the case, each to a "
          "tolerance in time far\nbelow the accuracy, until what three grids tell of the error is "
          "below it at every output time. The\ndirectory is that of a run on the cells of the case "
          "(cell averages), with the errors in /error. time_step,\ntime_scheme and time_tolerance "
          "of the case are not used. Every key of a case may be given as on mudot run.\nExit "
          "status 1: the accuracy was not reached within -max_cells, memory or "
          "-time_wall_limit.\n"
          "\n    mudot reference case.yaml -accuracy 1e-4\n"
          "    mudot reference case.yaml -accuracy 1e-3 -norm hellinger -time_wall_limit 60\n");
  return 0;
}

const MuCommand mu_command_reference = {
    .name = "reference",
    .usage = "CASE.yaml -accuracy A [-option value ...] [-key value ...]",
    .summary = "solve one flow to a stated accuracy: a run with an error bar",
    .run = reference,
    .chapter = "references",
    .help = help,
};
