/* The companions of the rows of a study: the same runs on half the cells, and with twice the step.
 */
#include "study/study_impl.h"

PetscErrorCode MuStudyPlaceCompanions(MuStudy s, const MuTrial *t,
                                      PetscInt companion[MU_COMPANIONS]) {
  PetscBool grid;

  PetscFunctionBegin;
  s->has_estimates = PETSC_TRUE;
  companion[MU_FROM_GRID] = companion[MU_FROM_STEP] = -1;
  if (s->bare) PetscFunctionReturn(0);
  PetscCall(MuTrialCanCoarsen(t, &grid));
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    companion[k] = k == MU_FROM_GRID && !grid ? -1 : s->rows + s->extras;
    if (companion[k] >= 0) s->extras += s->rows;
  }
  PetscFunctionReturn(0);
}

PetscInt MuStudyLevelOf(const PetscInt companion[MU_COMPANIONS], PetscInt task, PetscInt *value) {
  PetscInt level = 0;
  *value = task;
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    if (companion[k] < 0 || task < companion[k]) continue;
    level = k + 1;
    *value = task - companion[k];
  }
  return level;
}

PetscReal MuStudyChange(MuStudy s, PetscInt i, PetscInt companion, PetscInt column, PetscInt less) {
  if (companion < 0) return !s->bare ? 0 : NAN;
  const PetscReal *a = MuStudyRow(s, i), *b = MuStudyRow(s, companion + i);
  if (!MuStudyDone(s, companion + i)) return NAN;
  return PetscAbsReal(a[column] - b[column] - (less < 0 ? 0 : a[less] - b[less]));
}

void MuStudyDoubtCompanions(MuStudy s, PetscInt i, const PetscInt companion[MU_COMPANIONS],
                            MuClaim *c) {
  static const char *const what[] = {"half the cells", "twice the step"};
  if (!MuStudyDone(s, i)) MuClaimDoubt(c, "the run failed");
  for (int k = 0; k < MU_COMPANIONS && !c->reason[0]; ++k)
    if (companion[k] >= 0 && !MuStudyDone(s, companion[k] + i))
      MuClaimDoubt(c, "the companion with %s failed: %.120s", what[k], s->status[companion[k] + i]);
  if (companion[MU_FROM_GRID] < 0 && !s->bare)
    MuClaimDoubt(c, "the grid has a shape of its own (a mask, densities of given cells): what half "
                    "the cells would change is not known");
}
