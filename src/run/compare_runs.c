/* Distances between two stored flows. */
#include "run/compare_runs.h"

#include "grid/arrays.h"
#include "problem/problem.h"
#include "run/refinement.h"

#define SAME_TIME 1e-9 /* part of 1 + |t| that two times may differ by */
#define SAME_BOX  1e-9 /* part of its size that two corners may */

typedef struct {
  MPI_Comm comm;
  const char *name[2];
  MuRunReader reader[2];
  const MuRunInfo *info[2];
  MuRefinement common;   /* only what distances need */
  PetscReal *fine[2];    /* [cells of its own] */
  PetscReal *density[2]; /* [common.count] */
  PetscInt times;        /* given */
  const PetscReal *time;
  PetscInt rows;
  PetscReal worst, at, stated; /* the largest L1 distance, its time, what is stated there */
} Runs;

PetscBool MuIsStoredRun(const char *file) {
  MuRunReader reader;
  if (MuRunReaderCreate(file, &reader)) return PETSC_FALSE;
  return (PetscBool)(MuRunReaderDestroy(&reader) == 0);
}

/* The coarser cells of both. */
static PetscErrorCode find_common(Runs *r) {
  const MuRunInfo *a = r->info[0], *b = r->info[1];
  MuRefinement *c = &r->common;

  c->dim = a->dim;
  c->volume = 1;
  c->count = 1;
  if (a->dim != b->dim)
    return MuError(MU_ERR_INPUT, "compare: %s is %d-D, %s %d-D", r->name[0], (int)a->dim,
                   r->name[1], (int)b->dim);
  for (PetscInt k = 0; k < 2; ++k) {
    const PetscReal size = a->upper[k] - a->lower[k];
    c->cells[k] = PetscMin(a->cells[k], b->cells[k]);
    c->count *= c->cells[k];
    if (k >= a->dim) continue;
    c->spacing[k] = size / c->cells[k];
    c->volume *= c->spacing[k];
    if (fabs(a->lower[k] - b->lower[k]) > SAME_BOX * size ||
        fabs(a->upper[k] - b->upper[k]) > SAME_BOX * size)
      return MuError(MU_ERR_INPUT, "compare: %s and %s are on other boxes", r->name[0], r->name[1]);
    if (a->cells[k] % c->cells[k] || b->cells[k] % c->cells[k])
      return MuError(MU_ERR_INPUT,
                     "compare: %s has %d cells along axis %d, %s %d; one number must be a multiple "
                     "of the other",
                     r->name[0], (int)a->cells[k], (int)k + 1, r->name[1], (int)b->cells[k]);
  }
  return 0;
}

static PetscErrorCode open_runs(Runs *r) {
  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    PetscCall(MuRunReaderCreate(r->name[k], &r->reader[k]));
    PetscCall(MuRunReaderGetInfo(r->reader[k], &r->info[k]));
  }
  PetscCall(find_common(r));
  for (int k = 0; k < 2; ++k) {
    PetscCall(PetscMalloc1(r->info[k]->cells[0] * r->info[k]->cells[1], &r->fine[k]));
    PetscCall(PetscMalloc1(r->common.count, &r->density[k]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode close_runs(Runs *r) {
  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    PetscCall(PetscFree(r->fine[k]));
    PetscCall(PetscFree(r->density[k]));
    PetscCall(MuRunReaderDestroy(&r->reader[k]));
  }
  PetscFunctionReturn(0);
}

static PetscBool same_time(PetscReal a, PetscReal b) {
  return (PetscBool)(fabs(a - b) <= SAME_TIME * (1 + fabs(a)));
}

static PetscBool is_wanted(const Runs *r, PetscReal time) {
  for (PetscInt k = 0; k < r->times; ++k)
    if (same_time(r->time[k], time)) return PETSC_TRUE;
  return (PetscBool)(r->times == 0);
}

/* The sum of the L1 errors that the runs state; NaN where neither does. */
static PetscErrorCode find_stated(Runs *r, PetscReal time, PetscReal *stated) {
  PetscReal error;

  PetscFunctionBegin;
  *stated = NAN;
  for (int k = 0; k < 2; ++k) {
    PetscCall(MuRunReaderError(r->reader[k], MuNormNames[MU_NORM_L1], time, &error));
    if (!isnan(error)) *stated = isnan(*stated) ? error : *stated + error;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode compare_at(Runs *r, PetscReal time) {
  PetscReal distance[MU_NORMS], stated;
  char own[32] = "-";

  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    PetscCall(MuRunReaderAt(r->reader[k], time, r->fine[k]));
    MuArrayBlockMeans(r->info[k]->cells, r->fine[k], r->common.cells, 1, r->density[k]);
  }
  for (int q = 0; q < MU_NORMS; ++q)
    distance[q] = MuNormDistance(&r->common, (MuNorm)q, r->density[0], r->density[1]);
  PetscCall(find_stated(r, time, &stated));
  if (!isnan(stated)) PetscCall(PetscSNPrintf(own, sizeof own, "%.3g", stated));
  PetscCall(PetscPrintf(r->comm, "%12.6g", time));
  for (int q = 0; q < MU_NORMS; ++q)
    if (q != MU_NORM_W1 || r->common.dim == 1)
      PetscCall(PetscPrintf(r->comm, " %12.5g", distance[q]));
  PetscCall(PetscPrintf(r->comm, " %12s\n", own));
  if (!r->rows++ || distance[MU_NORM_L1] > r->worst) {
    r->worst = distance[MU_NORM_L1];
    r->at = time;
    r->stated = stated;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_head(const Runs *r) {
  PetscFunctionBegin;
  PetscCall(PetscPrintf(r->comm, "run         %s\nother       %s\nmeans over  %d", r->name[0],
                        r->name[1], (int)r->common.cells[0]));
  if (r->common.dim == 2) PetscCall(PetscPrintf(r->comm, " x %d", (int)r->common.cells[1]));
  PetscCall(PetscPrintf(r->comm, " cells\n\n%12s", "t"));
  for (int q = 0; q < MU_NORMS; ++q)
    if (q != MU_NORM_W1 || r->common.dim == 1)
      PetscCall(PetscPrintf(r->comm, " %12s", MuNormNames[q]));
  PetscCall(PetscPrintf(r->comm, " %12s\n", "stated l1"));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_end(const Runs *r) {
  PetscFunctionBegin;
  PetscCall(PetscPrintf(r->comm, "\nat most %.3g apart in L1, at t = %.6g", r->worst, r->at));
  if (isnan(r->stated))
    PetscCall(PetscPrintf(r->comm, "; neither states an error, as runs of mudot reference do\n"));
  else
    PetscCall(PetscPrintf(r->comm, ", %.2g times the error that is stated there\n",
                          r->worst / r->stated));
  PetscFunctionReturn(0);
}

static PetscErrorCode compare(Runs *r) {
  PetscFunctionBegin;
  PetscCall(open_runs(r));
  PetscCall(print_head(r));
  for (PetscInt i = 0; i < r->info[0]->times; ++i) {
    const PetscReal time = r->info[0]->time[i];
    PetscBool both = PETSC_FALSE;
    for (PetscInt k = 0; k < r->info[1]->times; ++k)
      if (same_time(time, r->info[1]->time[k])) both = PETSC_TRUE;
    if (both && is_wanted(r, time)) PetscCall(compare_at(r, time));
  }
  if (!r->rows)
    return MuError(MU_ERR_INPUT, "compare: %s and %s have no snapshot at the same time%s",
                   r->name[0], r->name[1], r->times ? " among those that are given" : "");
  PetscCall(print_end(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCompareRuns(MPI_Comm comm, const char *run, const char *other, PetscInt times,
                             const PetscReal time[]) {
  Runs r = {.comm = comm, .name = {run, other}, .times = times, .time = time};

  PetscFunctionBegin;
  PetscErrorCode code = compare(&r);
  PetscCall(close_runs(&r));
  PetscFunctionReturn(code);
}
