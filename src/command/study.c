/* mudot study STUDY.yaml [-key value ...] */
#include "command/command.h"

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
  PetscCall(MuStudyDestroy(&s));
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  const char *name, *needs;

  PetscFunctionBegin;
  fprintf(out,
          "\nThe study block says what is varied and what is claimed; every other key of a case, "
          "in the "
          "file or here,\noverrides the case (-time_step 0.01, -study_values 0.2,0.1,0.05).\n");
  fprintf(out, "\nexact solutions (study_exact) and what each needs of the case\n");
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuExactGetTableRow(i, &name, &needs));
    if (!name) break;
    fprintf(out, "  %-32s %s\n", name, needs);
  }
  PetscCall(MuCasePrintKeys(out));
  PetscFunctionReturn(0);
}

const MuCommand mu_command_study = {
    .name = "study",
    .usage = "STUDY.yaml [-key value ...]",
    .summary = "sweep a parameter and give a verdict on a theorem",
    .run = study,
    .help = help,
};
