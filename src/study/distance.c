/* Distances between two solutions: L1, Hellinger, in 1-D the Wasserstein distance of the measures
   over their masses, MMD, in 1-D Hellinger-Kantorovich with the weights of the geometry. */
#include "grid/arrays.h"
#include "problem/problem.h"
#include "study/hellinger_kantorovich.h"
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
                                             {"mmd", "mmd", 2, PETSC_TRUE},
                                             {"hellinger_kantorovich", NULL, 0, PETSC_FALSE}};
enum { ROWS = sizeof table / sizeof *table };

static MuKernel kernel_of(const MuTrial *t) {
  const MuProblemParts *p = t->parts;
  if (p->geometry_kernel) return p->geometry_kernel;
  return p->energy_kernel ? p->energy_kernel : p->diagnostics_kernel;
}

PetscErrorCode MuDistanceWeights(const MuTrial *t, PetscReal *a, PetscReal *b) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuSystem system;
  PetscInt classes;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(t->parts->geometry, &g));
  PetscCall(MuEnergyGetSpec(t->parts->energy, &e));
  PetscCall(MuSystemRead(g, e, &system));
  *a = MuSystemWeight(&system, MU_IS_WASSERSTEIN, &classes);
  *b = MuSystemWeight(&system, MU_IS_FISHER_RAO, NULL);
  if (classes & ~(PetscInt)(MU_IS_WASSERSTEIN | MU_IS_FISHER_RAO)) *a = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode check_kantorovich(const MuTrial *t, const char *name) {
  PetscReal a, b;

  PetscFunctionBegin;
  PetscCall(MuDistanceWeights(t, &a, &b));
  if (a > 0 && b > 0) PetscFunctionReturn(0);
  return MuError(MU_ERR_INPUT,
                 "study_distance: %s is that of the geometry wasserstein and fisher_rao, whose "
                 "weights it takes; this case has another one",
                 name);
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
  const PetscBool line =
      (PetscBool)(distance->which == MU_METRIC_W2 || distance->which == MU_METRIC_HK);
  if (line && (t->info->dim != 1 || t->info->periodic[0]))
    return MuError(MU_ERR_INPUT,
                   "study_distance: %s is available in one dimension between walls only; allowed "
                   "here are l1, hellinger and, with a kernel, mmd",
                   table[row].name);
  if (distance->which == MU_METRIC_HK) PetscCall(check_kantorovich(t, table[row].name));
  PetscFunctionReturn(0);
}

/* Of the whole densities, on rank 0. */
static PetscErrorCode kantorovich(const MuTrial *t, const PetscReal *a, const PetscReal *b,
                                  PetscReal *value) {
  const PetscInt n = t->info->cells[0];
  PetscReal *x, *mu, *nu, bounds[2], weight[2];

  PetscFunctionBegin;
  PetscCall(MuDistanceWeights(t, &weight[0], &weight[1]));
  PetscCall(PetscMalloc3(n, &x, n, &mu, n, &nu));
  for (PetscInt i = 0; i < n; ++i) {
    x[i] = t->info->lower[0] + ((PetscReal)i + 0.5) * t->info->spacing[0];
    mu[i] = a[i] * t->info->volume;
    nu[i] = b[i] * t->info->volume;
  }
  const PetscErrorCode code = MuHellingerKantorovich(n, x, mu, nu, weight[0], weight[1], bounds);
  *value = sqrt(0.5 * (PetscSqr(bounds[0]) + PetscSqr(bounds[1])));
  PetscCall(PetscFree3(x, mu, nu));
  PetscFunctionReturn(code);
}

static PetscErrorCode evaluate_kantorovich(const MuTrial *t, Vec a, Vec b, PetscReal *value) {
  const PetscInt n = t->info->cells[0];
  PetscErrorCode code = 0;
  PetscReal *whole[2];

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &whole[0], n, &whole[1]));
  PetscCall(MuGridGather(t->parts->grid, a, PETSC_FALSE, whole[0]));
  PetscCall(MuGridGather(t->parts->grid, b, PETSC_FALSE, whole[1]));
  if (t->info->rank == 0) code = kantorovich(t, whole[0], whole[1], value);
  PetscCall(PetscFree2(whole[0], whole[1]));
  PetscCall(MuErrorAgree(t->info->comm, code));
  PetscCallMPI(MPI_Bcast(value, 1, MPIU_REAL, 0, t->info->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDistanceEvaluate(const MuDistance *d, const MuTrial *t, Vec a, Vec b,
                                  PetscReal *value) {
  MuDiagnostic diagnostic;
  PetscReal *x;
  Vec log_b;

  PetscFunctionBegin;
  if (d->which == MU_METRIC_HK) return evaluate_kantorovich(t, a, b, value);
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
