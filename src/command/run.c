/* mudot run CASE.yaml [-key value ...] */
#include "command/command.h"

static PetscErrorCode solve(MuTableRow commands, int argc, char **argv) {
  PetscErrorCode code;
  MuCase c;

  PetscFunctionBegin;
  (void)commands;
  PetscCall(MuCaseCreate(PETSC_COMM_WORLD, NULL, argc, argv, &c));
  code = MuCaseSetCommandLine(c, "mudot run", argc, argv);
  if (!code) code = MuCaseRequire(c);
  if (!code) code = MuRunCase(c);
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  PetscFunctionBegin;
  fprintf(out,
          "\nA case file is YAML, blocks of keys: \"time: {end: 2, step: 0.01}\". Needed are grid, "
          "initial, energy,\ngeometry, time and output, and a target if the energy has one. Every "
          "key may be given here too and then\nwins: -time_step 0.005, lists with commas: "
          "-grid_cells 64,64. Options of PETSc (-log_view, -ksp_...,\n-snes_..., -ts_...) are "
          "passed on. Existing results are kept unless -output_overwrite is given.\n"
          "\n    mudot run case.yaml\n"
          "    mudot run case.yaml -time_step 0.005 -output_directory out/half-the-step\n"
          "    mpiexec -n 4 mudot run case.yaml -grid_cells 512,512 -output_overwrite\n");
  PetscCall(MuCasePrintBlocks(out, NULL, "study|particles"));
  PetscFunctionReturn(0);
}

const MuCommand mu_command_run = {
    .name = "run",
    .usage = "CASE.yaml [-key value ...]",
    .summary = "solve one flow and write its results",
    .run = solve,
    .help = help,
};
