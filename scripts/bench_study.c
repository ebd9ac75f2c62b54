/* Benchmark of sharing within a study: a gamma study of 8 bandwidths, 1024 cells, 200 steps, as a
   multiple of a single one of its runs, with everything that a run is: plans, ledger, files. With
   estimates of its errors every run has companions on half the cells and with twice the step. */
#include "bench.h"

#include <string.h>

static const char *const run_keys[] = {"-grid_file",          "meshes/line.yaml",
                                       "-grid_cells",         "1024",
                                       "-target_type",        "mixture",
                                       "-target_weights",     "0.7,0.3",
                                       "-target_means",       "-1.5,1.5",
                                       "-target_covariances", "0.25,0.25",
                                       "-time_end",           "20",
                                       "-time_step",          "0.1",
                                       "-output_every",       "1",
                                       "-output_overwrite",   "true",
                                       "-kernel_bandwidth",   "0.1",
                                       "-output_directory",   "/tmp/mudot-bench-study/run"};
static const char *const study_keys[] = {
    "-grid_cells",       "1024",
    "-study_values",     "0.4,0.28,0.2,0.14,0.1,0.07,0.05,0.035",
    "-time_end",         "20",
    "-time_step",        "0.1",
    "-output_every",     "1",
    "-output_overwrite", "true",
    "-output_directory", "/tmp/mudot-bench-study/study"};
enum { KEYS = sizeof study_keys / sizeof *study_keys };

static PetscErrorCode run(void *ctx) {
  MuCase c;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(MuCaseCreate(PETSC_COMM_WORLD, "scripts/kernel-fisher-rao.yaml",
                         (int)(sizeof run_keys / sizeof *run_keys), (char **)run_keys, &c));
  PetscCall(MuRunCase(c));
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(0);
}

static PetscErrorCode study(void *estimates) {
  char *keys[KEYS + 2] = {"-study_estimates", estimates};
  MuCase c;
  MuStudy s;

  PetscFunctionBegin;
  memcpy(keys + 2, study_keys, sizeof study_keys);
  PetscCall(MuCaseCreate(PETSC_COMM_WORLD, "scripts/studies/gamma-kernel-fisher-rao.yaml", KEYS + 2,
                         keys, &c));
  PetscCall(MuStudyCreate(c, &s));
  PetscCall(MuStudySolve(s));
  PetscCall(MuStudyDestroy(&s));
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(0);
}

/* The table and the summaries are not what is timed, nor wanted on the screen. */
static FILE *quiet(void) {
  FILE *nowhere = fopen("/dev/null", "w");
  if (nowhere) PETSC_STDOUT = nowhere;
  return nowhere;
}

int main(int argc, char **argv) {
  char with[] = "true", without[] = "false";
  double whole, single, few, one;

  if (MuInitialize(&argc, &argv, NULL)) return 1;
  FILE *nowhere = quiet();
  PetscCall(BenchPair(study, with, run, NULL, 5, &whole, &single));
  PetscCall(BenchPair(study, without, run, NULL, 5, &few, &one));
  PETSC_STDOUT = stdout;
  if (nowhere) fclose(nowhere);
  PetscCall(BenchReport("gamma study of 8 bandwidths with its error estimates [runs]",
                        whole / single, 16, whole));
  PetscCall(BenchReport("gamma study of 8 bandwidths without estimates [runs]", few / one, 8, few));
  return MuFinalize() ? 1 : 0;
}
