/* Sums over pairs of points. The targets are cut into one run per rank; every rank gets all sums.
 */
#include "particles/pairs.h"
#include "base/share.h"
#include "particles/pairs_impl.h"

/* Above this many dimensions matrix products are faster than differences. */
enum { FEW_DIMENSIONS = 16 };
/* Up to this many pairs MU_PAIRS_AUTO sums directly. */
#define MANY_PAIRS        1e10
#define DEFAULT_TOLERANCE 1e-7

struct _p_MuPairs {
  MuShare share;
  MuRadial radial;
  MuWork work;
  MuPairsMethod method;
  PetscReal tolerance;
  MuFastSum fast; /* made when it is first asked for */
};

PetscErrorCode MuPairsCreate(MPI_Comm comm, MuRadial radial, MuPairs *pairs) {
  MuPairs p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  PetscCall(MuShareSetUp(&p->share, comm));
  PetscCall(MuRadialReference(radial));
  p->radial = radial;
  p->tolerance = DEFAULT_TOLERANCE;
  *pairs = p;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsDestroy(MuPairs *pairs) {
  MuPairs p = *pairs;

  PetscFunctionBegin;
  *pairs = NULL;
  if (!p) PetscFunctionReturn(0);
  PetscCall(MuRadialDestroy(&p->radial));
  PetscCall(MuShareDestroy(&p->share));
  PetscCall(MuWorkDestroy(&p->work));
  PetscCall(MuFastSumDestroy(&p->fast));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsSetMethod(MuPairs p, MuPairsMethod method, PetscReal tolerance) {
  PetscFunctionBegin;
  p->method = method;
  p->tolerance = tolerance;
  PetscCall(MuFastSumDestroy(&p->fast));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsRemember(MuPairs p, PetscReal memory[MU_PAIRS_MEMORY]) {
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(memory, MU_PAIRS_MEMORY));
  if (p->fast) MuFastSumRemember(p->fast, memory);
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsRecall(MuPairs p, const PetscReal memory[MU_PAIRS_MEMORY]) {
  PetscBool none = PETSC_TRUE;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_PAIRS_MEMORY; ++k)
    if (memory[k] != 0) none = PETSC_FALSE;
  PetscCall(MuFastSumDestroy(&p->fast));
  if (none) PetscFunctionReturn(0);
  PetscCall(MuFastSumCreate(p->share.comm, p->radial, p->tolerance, &p->fast));
  PetscCall(MuFastSumRecall(p->fast, memory));
  PetscFunctionReturn(0);
}

/* *done: whether the fast sum was asked for and possible. */
static PetscErrorCode sum_fast(MuPairs p, const MuPairSum *all, PetscBool *done) {
  PetscInt first_source, last_source, first, last;
  const MuKernelSpec *spec;

  PetscFunctionBegin;
  PetscCall(MuRadialGetSpec(p->radial, &spec, NULL));
  *done = PETSC_FALSE;
  if (p->method == MU_PAIRS_DIRECT) PetscFunctionReturn(0);
  if (p->method == MU_PAIRS_AUTO &&
      (p->radial->dim > 2 || (PetscReal)all->n * (PetscReal)all->m <= MANY_PAIRS))
    PetscFunctionReturn(0);
  if (!p->fast) PetscCall(MuFastSumCreate(p->share.comm, p->radial, p->tolerance, &p->fast));
  PetscCall(MuFastSumPrepare(p->fast, all, done));
  if (!*done && p->method == MU_PAIRS_FAST)
    return MuError(
        MU_ERR_INPUT,
        "kernel_type: '%s' with bandwidth %g is not possible for fast sums to %g between "
        "these points in %d-D; its tails in space and frequency must end on a grid of "
        "1.6e7 cells, so use a wider or smoother kernel, or direct sums",
        spec->type, spec->bandwidth, p->tolerance, (int)p->radial->dim);
  if (!*done) PetscFunctionReturn(0);
  MuShareRun(&p->share, all->n, &first_source, &last_source);
  MuShareRun(&p->share, all->m, &first, &last);
  PetscCall(MuFastSumApply(p->fast, all, first_source, last_source, first, last));
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_directly(MuPairs p, const MuPairSum *all) {
  const PetscInt dim = p->radial->dim;
  MuPairSum mine = *all;
  PetscInt first, last;

  PetscFunctionBegin;
  MuShareRun(&p->share, all->m, &first, &last);
  mine.m = last - first;
  mine.y += first * dim;
  if (mine.sums) mine.sums += first * mine.columns;
  if (mine.gradient) mine.gradient += first * dim;
  if (dim <= FEW_DIMENSIONS)
    PetscCall(MuPairSumByDifferences(&mine, &p->work));
  else
    PetscCall(MuPairSumByProducts(&mine, &p->work));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsApplyColumns(MuPairs p, PetscInt n, const PetscReal *x, PetscInt columns,
                                   const PetscReal *w, PetscInt m, const PetscReal *y,
                                   PetscReal *sums, PetscReal *gradient) {
  const MuPairSum all = {.radial = p->radial,
                         .n = n,
                         .columns = columns,
                         .m = m,
                         .x = x,
                         .w = w,
                         .y = y,
                         .sums = sums,
                         .gradient = gradient};
  PetscBool done;

  PetscFunctionBegin;
  PetscCall(sum_fast(p, &all, &done));
  if (!done) PetscCall(sum_directly(p, &all));
  if (sums) PetscCall(MuShareGather(&p->share, m, columns, sums));
  if (gradient) PetscCall(MuShareGather(&p->share, m, p->radial->dim, gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsApply(MuPairs pairs, PetscInt n, const PetscReal *x, const PetscReal *w,
                            PetscInt m, const PetscReal *y, PetscReal *sum, PetscReal *gradient) {
  return MuPairsApplyColumns(pairs, n, x, 1, w, m, y, sum, gradient);
}
