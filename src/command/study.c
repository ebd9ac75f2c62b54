/* mudot study STUDY.yaml [-key value ...] */
#include "case/print.h"
#include "command/command.h"
#include "command/solve.h"

/* The same command does what is left. */
static PetscErrorCode tell_how_to_go_on(MuCase c) {
  char *program, launcher[32] = "";
  PetscMPIInt size;
  const char *line;

  PetscFunctionBegin;
  mu_command_status = MU_INTERRUPTED;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size > 1) snprintf(launcher, sizeof launcher, "mpiexec -n %d ", size);
  PetscCall(MuCommandProgram(&program));
  PetscCall(MuCaseGetCommandLine(c, &line));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "stopped         the runs that are done are kept\n"
                        "go on with      %s%s%s\n",
                        launcher, program, strchr(line, ' ')));
  PetscCall(PetscFree(program));
  PetscFunctionReturn(0);
}

/* Verdict "does not hold" (fails or undecided) is exit status 1: see main.c. */
static PetscErrorCode study(MuTableRow commands, int argc, char **argv) {
  MuStudyResult result;
  MuStudy s = NULL;
  PetscErrorCode code;
  MuCase c;

  PetscFunctionBegin;
  (void)commands;
  PetscCall(MuCaseCreate(PETSC_COMM_WORLD, NULL, argc, argv, &c));
  code = MuCaseSetCommandLine(c, "mudot study", argc, argv);
  if (!code) code = MuStudyCreate(c, &s);
  if (!code) code = MuStudySolve(s);
  if (!code) code = MuStudyGetResult(s, &result);
  if (!code && result.verdict != MU_VERDICT_HOLDS) mu_command_status = 1;
  if (!code && result.stopped) code = tell_how_to_go_on(c);
  PetscCall(MuStudyDestroy(&s));
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  PetscFunctionBegin;
  fprintf(
      out,
      "\nA study solves a case for several values of a key and says whether a claim holds, fails "
      "or stays undecided:\ntype gamma, that a kernel or ridge geometry (or energy) tends to its "
      "limit; order, the order of the error\nagainst an exact solution or the finest run; rate, "
      "that the energy decays as a theorem says; balance, that\nthe energy-dissipation balance "
      "closes with the order of the scheme; particles, that a particle method tends to\nthe grid "
      "flow of the same case as N^(-1/2). The exit status is 0 if it holds, else 1.\n"
      "\n    mudot study study.yaml\n"
      "    mpiexec -n 2 mudot study study.yaml -study_values 0.2,0.1,0.05,0.025\n");
  PetscCall(MuCasePrintBlocks(out, "study", NULL));
  fprintf(out, "\nexact solutions (study_exact) and what each needs of the case\n");
  PetscCall(MuPrintTable(out, MuExactGetTableRow, 32));
  fprintf(out,
          "\nEvery other key of a case, in the study file or here (-time_step 0.01), overrides "
          "that of the case.\n");
  PetscCall(MuCasePrintBlocks(out, NULL, "study|particles"));
  PetscFunctionReturn(0);
}

const MuCommand mu_command_study = {
    .name = "study",
    .usage = "STUDY.yaml [-key value ...]",
    .summary = "sweep a parameter and give a verdict on a theorem",
    .run = study,
    .chapter = "studies",
    .help = help,
};
