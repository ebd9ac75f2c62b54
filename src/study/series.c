/* Orders of the series of a study: what a claim observes, and what its companions make of it. */
#include "study/study_impl.h"

/* How far the error of row i moves on the companions; infinite where one could not be run. */
static PetscReal floor_of(MuStudy s, const MuStudySeries *q, PetscInt i) {
  const PetscReal error = PetscAbsReal(MuStudyRow(s, q->first + i)[q->column]);
  PetscReal floor = q->rounding;
  for (int k = 0; k < MU_COMPANIONS; ++k) {
    if (q->companion[k] < 0) continue;
    const PetscReal other = PetscAbsReal(MuStudyRow(s, q->companion[k] + i)[q->column]);
    floor += MuStudyDone(s, q->companion[k] + i) ? PetscAbsReal(error - other) : 0;
  }
  return floor;
}

/* The slope of a companion over the rows that are used; NaN if one of them failed. */
static PetscReal companion_slope(MuStudy s, const MuStudySeries *q, int k, const PetscReal *x,
                                 const PetscBool *use, MuClaim *c) {
  static const char *const what[] = {"half the cells", "twice the step"};
  PetscReal y[MU_MAX_VALUES];
  PetscInt n = 0;
  for (PetscInt i = 0; i < s->count; ++i) {
    if (!use[i]) continue;
    if (!MuStudyDone(s, q->companion[k] + i)) {
      MuClaimDoubt(c, "the companion of row %d with %s failed: %.120s", (int)i + 1, what[k],
                   s->status[q->companion[k] + i]);
      return NAN;
    }
    y[n++] = log(PetscAbsReal(MuStudyRow(s, q->companion[k] + i)[q->column]));
  }
  return MuClaimSlope(n, x, y, q->scattered);
}

void MuStudyClaimOrder(MuStudy s, const MuStudySeries *q, MuClaim *c, PetscReal *floor,
                       PetscBool *use) {
  PetscReal x[MU_MAX_VALUES], y[MU_MAX_VALUES];
  PetscInt n = 0;

  for (PetscInt i = 0; i < s->count; ++i) {
    const PetscReal error = PetscAbsReal(MuStudyRow(s, q->first + i)[q->column]);
    floor[i] = floor_of(s, q, i);
    use[i] = (PetscBool)(MuStudyDone(s, q->first + i) && isfinite(error) && error > 0 &&
                         error > MU_FLOOR_FACTOR * floor[i]);
    if (!use[i]) continue;
    x[n] = log(q->inverse ? 1 / s->values[i] : s->values[i]);
    y[n++] = log(error);
  }
  MuClaimFit(c, n, x, y, q->scattered);
  for (int k = 0; k < MU_COMPANIONS; ++k)
    c->error[k] = q->companion[k] < 0
                      ? (!s->bare ? 0 : NAN)
                      : PetscAbsReal(companion_slope(s, q, k, x, use, c) - c->observed);
}

void MuStudyAddClaim(MuStudy s, const char *name, const MuClaim *c) {
  MuStudyAddOrder(s, name, c->observed, MuClaimError(c));
}
