/* mudot sample RUN.h5 -n N: particles from a stored density. */
#include "command/command.h"
#include "command/options.h"
#include "measure/mixture.h"

#include <gsl/gsl_rng.h>

typedef struct {
  PetscInt n, snapshot, seed, method;
  PetscReal time;
  const char *output;
  PetscBool overwrite, has_n, has_snapshot, has_time;
} Sample;

static Sample given;

static const MuOption options[] = {
    {"n", MU_OPTION_COUNT, &given.n, .least = 1, .given = &given.has_n, .doc = "number of points"},
    {"time", MU_OPTION_REAL, &given.time, .given = &given.has_time,
     .doc = "time of the density; between two snapshots it is their mixture"},
    {"snapshot", MU_OPTION_COUNT, &given.snapshot, .given = &given.has_snapshot,
     .doc = "number of the snapshot instead, from 0 (default: the last)"},
    {"seed", MU_OPTION_COUNT, &given.seed, .doc = "of the random numbers (default 1)"},
    {"method", MU_OPTION_CHOICE, &given.method, .allowed = "iid|stratified",
     .doc = "how the points are drawn (default iid)"},
    {"output", MU_OPTION_TEXT, &given.output,
     .doc = "file .csv, .npy or .h5 (as particles.h5); default: CSV on standard output"},
    {"overwrite", MU_OPTION_SWITCH, &given.overwrite, .doc = "replace the file"},
    {"output_overwrite", MU_OPTION_SWITCH, &given.overwrite, .doc = NULL},
};
#define OPTIONS ((PetscInt)(sizeof options / sizeof *options))

static PetscErrorCode check(const MuOptions *o) {
  if (o->files != 1)
    return MuError(MU_ERR_INPUT, "sample: %d files are given; one run.h5 is needed", (int)o->files);
  if (!given.has_n)
    return MuError(MU_ERR_INPUT, "n: is missing; give the number of points, e.g. -n 1000");
  if (given.has_time && given.has_snapshot)
    return MuError(MU_ERR_INPUT, "snapshot: is given together with time; give one");
  return 0;
}

/* The density asked for, and its time. */
static PetscErrorCode read_density(MuRunReader reader, PetscReal *time, PetscReal *density) {
  const MuRunInfo *info;

  PetscFunctionBegin;
  PetscCall(MuRunReaderGetInfo(reader, &info));
  if (given.has_time) {
    *time = given.time;
    PetscCall(MuRunReaderAt(reader, given.time, density));
    PetscFunctionReturn(0);
  }
  const PetscInt index = given.has_snapshot ? given.snapshot : info->times - 1;
  PetscCall(MuRunReaderSnapshot(reader, index, density));
  *time = info->time[index];
  PetscFunctionReturn(0);
}

static PetscErrorCode draw(const MuRunInfo *info, const PetscReal *density, PetscReal *x) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  PetscErrorCode code;
  MuSampler sampler;

  PetscFunctionBegin;
  PetscCheck(rng, PETSC_COMM_SELF, PETSC_ERR_MEM, "random number generator");
  gsl_rng_set(rng, (unsigned long)given.seed);
  code = MuSamplerCreate(info->dim, info->cells, info->lower, info->upper, density, &sampler);
  if (!code) {
    code = MuSamplerDraw(sampler, rng, (PetscBool)(given.method == 1), given.n, x);
    PetscCall(MuSamplerDestroy(&sampler));
  }
  gsl_rng_free(rng);
  PetscFunctionReturn(code);
}

static PetscErrorCode write_points(const char *file, const MuRunInfo *info, PetscReal time,
                                   PetscReal mass, const PetscReal *x) {
  char origin[2 * PETSC_MAX_PATH_LEN];
  const MuCloudFile out = {.file = given.output,
                           .overwrite = given.overwrite,
                           .n = given.n,
                           .dim = info->dim,
                           .time = time,
                           .position = x,
                           .origin = origin,
                           .case_text = info->case_text};

  PetscFunctionBegin;
  snprintf(origin, sizeof origin,
           "mudot %s: %d points of %s at t = %.15g, method %s, seed %d, mass of the density %.15g "
           "(normalised)",
           MUDOT_VERSION, (int)given.n, file, time, given.method ? "stratified" : "iid",
           (int)given.seed, mass);
  PetscCall(MuCloudWrite(&out));
  PetscFunctionReturn(0);
}

static PetscErrorCode sample_run(MuRunReader reader, const char *file) {
  const MuRunInfo *info;
  PetscReal *density, *x, time = 0, mass = 0;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuRunReaderGetInfo(reader, &info));
  const PetscInt cells = info->cells[0] * info->cells[1];
  PetscCall(PetscMalloc2(cells, &density, given.n * info->dim, &x));
  code = read_density(reader, &time, density);
  for (PetscInt i = 0; i < cells && !code; ++i) mass += density[i] * info->volume;
  if (!code) code = draw(info, density, x);
  if (!code) code = write_points(file, info, time, mass, x);
  PetscCall(PetscFree2(density, x));
  PetscFunctionReturn(code);
}

static PetscErrorCode sample_file(const char *file) {
  MuRunReader reader;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuRunReaderCreate(file, &reader));
  code = sample_run(reader, file);
  PetscCall(MuRunReaderDestroy(&reader));
  PetscFunctionReturn(code);
}

static PetscErrorCode sample(MuTableRow commands, int argc, char **argv) {
  MuOptions o = {.command = "sample", .options = options, .count = OPTIONS};
  PetscErrorCode code;
  PetscMPIInt rank;

  PetscFunctionBegin;
  (void)commands;
  given = (Sample){.seed = 1};
  PetscCall(PetscMalloc1(argc + 1, &o.file));
  code = MuOptionsParse(&o, argc, argv);
  if (!code) code = check(&o);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!code && rank == 0) code = sample_file(o.file[0]);
  PetscCall(PetscFree(o.file));
  PetscCall(MuErrorAgree(PETSC_COMM_WORLD, code));
  PetscFunctionReturn(0);
}

static PetscErrorCode help(FILE *out) {
  MuOptionsPrint(out, options, OPTIONS);
  fprintf(out,
          "\nRUN.h5 is the run.h5 of a run, or its directory. The density is constant in every "
          "cell: in 1-D its\ndistribution function is inverted exactly, in 2-D a cell is drawn "
          "and a point in it. stratified takes\nthe levels (i + U)/N of the distribution "
          "function (2-D: of the cells, row by row) in place of\nindependent ones.\n");
  return 0;
}

const MuCommand mu_command_sample = {
    .name = "sample",
    .usage = "RUN.h5 -n N [-option value ...]",
    .summary = "draw particles from a stored density",
    .run = sample,
    .chapter = "comparing",
    .help = help,
};
