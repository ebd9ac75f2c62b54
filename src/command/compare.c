/* mudot compare RUN.h5 PARTICLES: distances between particles and a stored density. */
#include "command/command.h"
#include "command/options.h"

#include "case/arguments.h"
#include "run/compare_runs.h"

enum { MOST_TIMES = 4096 };

static MuCompareSpec given;
static const char *times;
static PetscReal time_list[MOST_TIMES];

static const MuOption options[] = {
    {"time", MU_OPTION_TEXT, &times,
     .doc = "times, separated by commas: of CSV files without a column t one per file\n"
            "                                 (default for one file: the last snapshot), otherwise "
            "a selection"},
    {"directions", MU_OPTION_COUNT, &given.directions, .least = 1,
     .doc = "of the sliced distances in 2-D (default 64)"},
    {"replicates", MU_OPTION_COUNT, &given.replicates, .least = 2,
     .doc = "samples that expected values are estimated from (default 20)"},
    {"seed", MU_OPTION_COUNT, &given.seed, .doc = "of their random numbers (default 1)"},
    {"allow_outside", MU_OPTION_SWITCH, &given.allow_outside,
     .doc = "count particles outside the domain instead of refusing them"},
    {"output_directory", MU_OPTION_TEXT, &given.directory,
     .doc = "for compare.csv and compare.h5, which scripts/plot.py draws"},
    {"overwrite", MU_OPTION_SWITCH, &given.overwrite, .doc = "replace a comparison that is there"},
    {"output_overwrite", MU_OPTION_SWITCH, &given.overwrite, .doc = NULL},
};
#define OPTIONS ((PetscInt)(sizeof options / sizeof *options))

static PetscErrorCode read_times(void) {
  char item[64];

  given.times = 0;
  given.time = time_list;
  for (const char *rest = times; rest; rest = strchr(rest, ',') ? strchr(rest, ',') + 1 : NULL) {
    snprintf(item, sizeof item, "%.*s", (int)PetscMin(strcspn(rest, ","), 60), rest);
    if (given.times == MOST_TIMES || !MuParseReal(item, &time_list[given.times]))
      return MuError(MU_ERR_INPUT,
                     "time: \"%s\" is not allowed; at most %d numbers, separated by "
                     "commas, are expected",
                     item, MOST_TIMES);
    given.times++;
  }
  return 0;
}

static PetscErrorCode compare_files(void) {
  PetscErrorCode code;
  MuCompare compare;

  PetscFunctionBegin;
  PetscCall(MuCompareCreate(PETSC_COMM_WORLD, &given, &compare));
  code = MuCompareWrite(compare);
  if (!code) code = MuComparePrint(compare, stdout);
  PetscCall(MuCompareDestroy(&compare));
  PetscFunctionReturn(code);
}

/* The second file is a flow on a grid, not particles. */
static PetscErrorCode compare_runs(const MuOptions *o) {
  if (o->files > 2)
    return MuError(MU_ERR_INPUT, "compare: %d files are given; two runs are compared at a time",
                   (int)o->files);
  return MuCompareRuns(PETSC_COMM_WORLD, o->file[0], o->file[1], given.times, given.time);
}

static PetscErrorCode compare(MuTableRow commands, int argc, char **argv) {
  MuOptions o = {.command = "compare", .options = options, .count = OPTIONS, .passed = "kernel_"};
  PetscErrorCode code;
  char *line;

  PetscFunctionBegin;
  (void)commands;
  given = (MuCompareSpec){.directions = 64, .replicates = 20, .seed = 1};
  PetscCall(PetscMalloc2(argc + 1, &o.file, 2 * argc + 1, &o.rest));
  code = MuOptionsParse(&o, argc, argv);
  if (!code && o.files < 2)
    code = MuError(MU_ERR_INPUT, "compare: %d files are given; a run.h5 and particles are needed",
                   (int)o.files);
  if (!code) code = read_times();
  if (!code && MuIsStoredRun(o.file[1])) {
    code = compare_runs(&o);
    PetscCall(PetscFree2(o.file, o.rest));
    PetscFunctionReturn(code);
  }
  if (!code) code = MuArgumentsJoin("mudot compare", argc, argv, &line);
  if (!code) {
    given.run = o.file[0];
    given.files = o.files - 1;
    given.file = o.file + 1;
    given.overrides = (int)o.rests / 2;
    given.override = o.rest;
    given.command_line = line;
    code = compare_files();
    PetscCall(PetscFree(line));
  }
  PetscCall(PetscFree2(o.file, o.rest));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  MuOptionsPrint(out, options, OPTIONS);
  fprintf(
      out,
      "  %-22s %-7s of mmd2: type, bandwidth, normalization, smoothness, order, exponent\n"
      "%33s(default: the run's own)\n\n"
      "RUN.h5 is the run.h5 of a run, or its directory; PARTICLES are particles.h5 or its "
      "directory, or CSV\nfiles with the columns x[,y][,w][,t] (a header in any order, or none "
      "and x[,y][,w]). Every distance\nstands beside its mean and standard deviation (sd) for "
      "N independent samples of the reference:\nratio = value/expected, score = (value - "
      "expected)/sd, for the squares mmd2 and energy_distance\nthat of their roots. A score "
      "above 5 is not chance: there the method limits, not N.\n\nWhere PARTICLES is the run.h5 "
      "of another run, or its directory, the two flows are compared at the snapshots\nthat both "
      "have, as means over the coarser cells, beside the errors that they state.\n",
      "-kernel_NAME", "VALUE", "");
  return 0;
}

const MuCommand mu_command_compare = {
    .name = "compare",
    .usage = "RUN.h5 PARTICLES... [-option value ...]",
    .summary = "distances between particles and a stored density",
    .run = compare,
    .chapter = "comparing",
    .help = help,
};
