/* Distances between two solutions: L1, Hellinger, in 1-D the Wasserstein distance of the measures
   over their masses, MMD. */
#include "grid/arrays.h"
#include "problem/problem.h"
#include "study/two.h"

struct MuDistanceOps {
  const char *name;
  const char *diagnostic; /* NULL: it has a function of its own */
  PetscReal factor;       /* distance^2 = factor * the diagnostic; 0: they are the same */
  PetscBool needs_kernel;
};

static const struct MuDistanceOps table[] = {{"l1", NULL, 0, PETSC_FALSE},
                                             {"hellinger", "hellinger", 0.5, PETSC_FALSE},
                                             {"w2", "w2", 0, PETSC_FALSE},
                                             {"mmd", "mmd", 2, PETSC_TRUE}};
enum { ROWS = sizeof table / sizeof *table };

static MuKernel kernel_of(const MuTrial *t) {
  const MuProblemParts *p = t->parts;
  if (p->geometry_kernel) return p->geometry_kernel;
  return p->energy_kernel ? p->energy_kernel : p->diagnostics_kernel;
}

PetscErrorCode MuDistanceRead(MuCase file, const MuTrial *t, MuDistance *distance) {
  const char *words[ROWS + 1] = {NULL};
  PetscInt row = 0;
  PetscBool given;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < ROWS; ++k) words[k] = table[k].name;
  PetscCall(MuCaseGetChoice(file, "study_distance", words, &row, &given));
  *distance = (MuDistance){.ops = &table[row], .name = table[row].name, .which = (MuMetric)row};
  if (table[row].needs_kernel && !kernel_of(t))
    return MuError(MU_ERR_INPUT, "study_distance: %s needs a kernel; give the block `kernel`",
                   table[row].name);
  if (distance->which == MU_METRIC_W2 && (t->info->dim != 1 || t->info->periodic[0]))
    return MuError(MU_ERR_INPUT,
                   "study_distance: %s is available in one dimension between walls only; allowed "
                   "here are l1, hellinger and, with a kernel, mmd",
                   table[row].name);
  PetscFunctionReturn(0);
}

PetscErrorCode MuDistanceEvaluate(const MuDistance *d, const MuTrial *t, Vec a, Vec b,
                                  PetscReal *value) {
  MuDiagnostic diagnostic;
  PetscReal *x;
  Vec log_b;

  PetscFunctionBegin;
  if (!d->ops->diagnostic) return MuGridDistanceL1(t->parts->grid, a, b, value);
  PetscCall(VecDuplicate(b, &log_b));
  PetscCall(VecCopy(b, log_b));
  PetscCall(VecGetArray(log_b, &x));
  MuArrayLogPositive(t->info->local_size, x, x);
  PetscCall(VecRestoreArray(log_b, &x));
  PetscErrorCode code =
      MuDiagnosticCreate(t->parts->grid, d->ops->diagnostic, log_b, kernel_of(t), &diagnostic);
  if (!code) {
    code = MuDiagnosticEvaluate(diagnostic, a, value);
    PetscCall(MuDiagnosticDestroy(&diagnostic));
  }
  if (d->ops->factor > 0) *value = sqrt(PetscMax(d->ops->factor * *value, 0));
  PetscCall(VecDestroy(&log_b));
  PetscFunctionReturn(code);
}
