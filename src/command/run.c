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
  fprintf(out, "\nKeys of a case file are given as YAML (kernel: {bandwidth: 0.1}) or here "
               "(-kernel_bandwidth 0.1);\nthe command line wins. Lists are separated by commas: "
               "-grid_cells 64,64. Options of PETSc\n(-ksp_..., -snes_..., -ts_..., -log_view, "
               "...) are passed on.\n");
  PetscCall(MuCasePrintKeys(out));
  PetscFunctionReturn(0);
}

const MuCommand mu_command_run = {
    .name = "run",
    .usage = "CASE.yaml [-key value ...]",
    .summary = "solve one flow and write its results",
    .run = solve,
    .help = help,
};
