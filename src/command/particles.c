/* mudot particles CASE.yaml [-restart] [-key value ...] */
#include "case/print.h"
#include "command/command.h"
#include "command/solve.h"

static PetscErrorCode run(MuTableRow commands, int argc, char **argv) {
  (void)commands;
  return MuCommandSolve("mudot particles", MuRunSolveParticles, NULL, argc, argv);
}

static PetscErrorCode help(FILE *out) {
  PetscFunctionBegin;
  fprintf(out, "\nThe case is that of mudot run with a block particles. Steps are explicit, of "
               "time_step; time_scheme,\ntime_adapt and output_diagnostics belong to mudot run and "
               "are passed over. Without a grid the\nparticles move in R^d, any d, with "
               "densities gaussian, mixture and samples.\n\nmethods, and the geometry of which "
               "each is the discretisation\n");
  PetscCall(MuPrintTable(out, MuMethodGetTableRow, 20));
  fprintf(out,
          "\n  -restart    go on from the newest good checkpoint of output_directory, or begin "
          "if there is\n              none; signals and time_wall_limit act as on mudot run\n");
  PetscCall(MuCasePrintBlocks(out, "particles", NULL));
  PetscCall(MuCasePrintBlocks(out, NULL, "particles|study"));
  PetscFunctionReturn(0);
}

const MuCommand mu_command_particles = {
    .name = "particles",
    .usage = "CASE.yaml [-restart] [-key value ...]",
    .summary = "run a particle method on a case",
    .run = run,
    .chapter = "particle-methods",
    .help = help,
};
