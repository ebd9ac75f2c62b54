/* Exact solutions of a case: its densities handed to what facts/ knows of the pair. */
#include "facts/facts.h"
#include "problem/problem.h"
#include "study/study_impl.h"

struct _p_MuExact {
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

PetscErrorCode MuExactCreate(const char *name, MuTrial *trial, MuExact *exact) {
  const MuProblemParts *p = trial->parts;
  MuExact e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  *exact = e;
  e->data = (MuSolutionData){.grid = p->grid,
                             .energy = p->energy,
                             .geometry = p->geometry,
                             .log_target = p->log_target,
                             .initial = p->initial};
  PetscErrorCode failed = read_gaussian(trial->c, "target", &e->data.target_gaussian);
  if (!failed) failed = read_gaussian(trial->c, "initial", &e->data.initial_gaussian);
  if (!failed) failed = MuSolutionCreate(name, &e->data, &e->solution);
  if (failed) PetscCall(MuExactDestroy(exact));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuExactDestroy(MuExact *exact) {
  PetscFunctionBegin;
  if (!*exact) PetscFunctionReturn(0);
  PetscCall(MuSolutionDestroy(&(*exact)->solution));
  PetscCall(PetscFree(*exact));
  PetscFunctionReturn(0);
}

PetscErrorCode MuExactEvaluate(MuExact e, PetscReal time, Vec rho) {
  return MuSolutionEvaluate(e->solution, time, rho);
}
