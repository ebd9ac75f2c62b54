/* mudot run CASE.yaml [-restart] [-key value ...] */
#include "command/command.h"
#include "command/solve.h"
#include "run/plan.h"

static PetscErrorCode solve(MuTableRow commands, int argc, char **argv) {
  (void)commands;
  return MuCommandSolve("mudot run", MuRunSolve, MuRunPlan, argc, argv);
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
  fprintf(out,
          "\n  -restart    go on from the newest good checkpoint of output_directory, or begin if "
          "there is none\n  -dry_run    only check the case and say what would be done: scheme, "
          "steps, time, memory, "
          "files\n\nSIGTERM, SIGINT, SIGHUP and time_wall_limit stop a run after the "
          "step, with a checkpoint; SIGUSR1 has\none written and the run goes on.\n");
  PetscCall(MuCasePrintBlocks(out, NULL, "study|particles"));
  PetscFunctionReturn(0);
}

const MuCommand mu_command_run = {
    .name = "run",
    .usage = "CASE.yaml [-restart] [-dry_run] [-key value ...]",
    .summary = "solve one flow and write its results",
    .run = solve,
    .chapter = "running",
    .help = help,
};
