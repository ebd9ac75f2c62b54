/* Exact solutions of a case: its densities handed to what facts/ knows of the pair. */
#include "facts/facts.h"
#include "problem/problem.h"
#include "study/study_impl.h"

struct _p_MuExact {
  MuTrial alone; /* on several ranks: the case on each of them, whose part is taken */
  Vec whole;
  const MuGridInfo *info; /* of the trial */
  MuSolutionData data;
  MuSolution solution;
};

PetscErrorCode MuExactGetTableRow(PetscInt i, const char **name, const char **needs) {
  return MuSolutionGetTableRow(i, name, needs);
}

/* A Gaussian of the case without a background. */
static PetscErrorCode read_gaussian(MuCase c, const char *block, MuGaussian *gaussian) {
  char key[64];
  PetscInt count = 2;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseHasGaussian(c, block, &gaussian->is));
  if (!gaussian->is) PetscFunctionReturn(0);
  snprintf(key, sizeof key, "%s_mean", block);
  PetscCall(MuCaseGetRealArray(c, key, &count, gaussian->mean, NULL));
  snprintf(key, sizeof key, "%s_covariance", block);
  count = 4;
  PetscCall(MuCaseGetRealArray(c, key, &count, gaussian->covariance, NULL));
  gaussian->mass = 1;
  snprintf(key, sizeof key, "%s_mass", block);
  PetscCall(MuCaseGetReal(c, key, &gaussian->mass, &given));
  PetscFunctionReturn(0);
}

static PetscErrorCode find(MuExact e, const char *name, const MuTrial *trial) {
  const MuProblemParts *p = trial->parts;

  PetscFunctionBegin;
  e->data = (MuSolutionData){.grid = p->grid,
                             .energy = p->energy,
                             .geometry = p->geometry,
                             .log_target = p->log_target,
                             .initial = p->initial};
  PetscErrorCode failed = read_gaussian(trial->c, "target", &e->data.target_gaussian);
  if (!failed) failed = read_gaussian(trial->c, "initial", &e->data.initial_gaussian);
  if (!failed) failed = MuSolutionCreate(name, &e->data, &e->solution);
  PetscFunctionReturn(failed);
}

PetscErrorCode MuExactCreate(const char *name, MuTrial *trial, MuExact *exact) {
  PetscErrorCode code = 0;
  MuExact e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  *exact = e;
  e->info = trial->info;
  if (e->info->size > 1) code = MuTrialAlone(trial, &e->alone);
  if (!code && e->alone.problem) code = MuGridCreateField(e->alone.parts->grid, &e->whole);
  if (!code) code = find(e, name, e->whole ? &e->alone : trial);
  code = MuErrorAgree(e->info->comm, code);
  if (code) PetscCall(MuExactDestroy(exact));
  PetscFunctionReturn(code);
}

PetscErrorCode MuExactDestroy(MuExact *exact) {
  PetscFunctionBegin;
  if (!*exact) PetscFunctionReturn(0);
  PetscCall(MuSolutionDestroy(&(*exact)->solution));
  PetscCall(VecDestroy(&(*exact)->whole));
  PetscCall(MuTrialDestroy(&(*exact)->alone));
  PetscCall(PetscFree(*exact));
  PetscFunctionReturn(0);
}

PetscErrorCode MuExactEvaluate(MuExact e, PetscReal time, Vec rho) {
  const PetscReal *whole;
  PetscReal *part;

  PetscFunctionBegin;
  PetscErrorCode code = MuSolutionEvaluate(e->solution, time, e->whole ? e->whole : rho);
  code = MuErrorAgree(e->info->comm, code);
  if (code || !e->whole) PetscFunctionReturn(code);
  PetscCall(VecGetArrayRead(e->whole, &whole));
  PetscCall(VecGetArrayWrite(rho, &part));
  PetscCall(
      PetscArraycpy(part, whole + e->info->first_row * e->info->row_length, e->info->local_size));
  PetscCall(VecRestoreArrayWrite(rho, &part));
  PetscCall(VecRestoreArrayRead(e->whole, &whole));
  PetscFunctionReturn(0);
}
