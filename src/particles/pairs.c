/* Sums over pairs of points. The targets are cut into one run per rank; every rank gets all sums.
 */
#include "particles/pairs_impl.h"

/* Above this many dimensions matrix products are faster than differences. */
enum { FEW_DIMENSIONS = 16 };
/* Up to this many pairs MU_PAIRS_AUTO sums directly. */
#define MANY_PAIRS        1e10
#define DEFAULT_TOLERANCE 1e-8

struct _p_MuPairs {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MuRadial radial;
  PetscMPIInt *counts, *starts; /* [size] of the gathered runs */
  MuWork work;
  MuPairsMethod method;
  PetscReal tolerance;
  MuFastSum fast; /* made when it is first asked for */
};

PetscErrorCode MuWorkResize(MuWork *work, size_t size) {
  PetscFunctionBegin;
  if (size <= work->size) PetscFunctionReturn(0);
  PetscCall(PetscFree(work->data));
  PetscCall(PetscMalloc1(size, &work->data));
  work->size = size;
  PetscFunctionReturn(0);
}

PetscErrorCode MuWorkDestroy(MuWork *work) {
  PetscFunctionBegin;
  PetscCall(PetscFree(work->data));
  work->size = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsCreate(MPI_Comm comm, MuRadial radial, MuPairs *pairs) {
  MuPairs p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &p->rank));
  PetscCallMPI(MPI_Comm_size(comm, &p->size));
  PetscCall(MuRadialReference(radial));
  p->radial = radial;
  p->tolerance = DEFAULT_TOLERANCE;
  PetscCall(PetscMalloc2(p->size, &p->counts, p->size, &p->starts));
  *pairs = p;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsDestroy(MuPairs *pairs) {
  MuPairs p = *pairs;

  PetscFunctionBegin;
  *pairs = NULL;
  if (!p) PetscFunctionReturn(0);
  PetscCall(MuRadialDestroy(&p->radial));
  PetscCall(PetscFree2(p->counts, p->starts));
  PetscCall(MuWorkDestroy(&p->work));
  PetscCall(MuFastSumDestroy(&p->fast));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}

static PetscInt first_of(PetscInt m, PetscMPIInt rank, PetscMPIInt size) {
  return (PetscInt)((long long)m * rank / size);
}

/* values [m][width]: every rank has its run of rows; afterwards all have all. */
static PetscErrorCode gather_rows(MuPairs p, PetscInt m, PetscInt width, PetscReal *values) {
  PetscFunctionBegin;
  if (p->size == 1) PetscFunctionReturn(0);
  for (PetscMPIInt r = 0; r < p->size; ++r) {
    p->starts[r] = (PetscMPIInt)(width * first_of(m, r, p->size));
    p->counts[r] = (PetscMPIInt)(width * first_of(m, r + 1, p->size)) - p->starts[r];
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values, p->counts, p->starts,
                              MPIU_REAL, p->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsSetMethod(MuPairs p, MuPairsMethod method, PetscReal tolerance) {
  PetscFunctionBegin;
  p->method = method;
  p->tolerance = tolerance;
  PetscCall(MuFastSumDestroy(&p->fast));
  PetscFunctionReturn(0);
}

/* *done: whether the fast sum was asked for and possible. */
static PetscErrorCode sum_fast(MuPairs p, const MuPairSum *all, PetscBool *done) {
  const PetscMPIInt rank = p->rank, size = p->size;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (p->method == MU_PAIRS_DIRECT) PetscFunctionReturn(0);
  if (p->method == MU_PAIRS_AUTO &&
      (p->radial->dim > 2 || (PetscReal)all->n * (PetscReal)all->m <= MANY_PAIRS))
    PetscFunctionReturn(0);
  if (!p->fast) PetscCall(MuFastSumCreate(p->comm, p->radial, p->tolerance, &p->fast));
  PetscCall(MuFastSumPrepare(p->fast, all, done));
  if (!*done && p->method == MU_PAIRS_FAST)
    return MuError(
        MU_ERR_INPUT,
        "kernel_type: '%s' with bandwidth %g is not possible for fast sums to %g between "
        "these points in %d-D; its tails in space and frequency must end on a grid of "
        "1.6e7 cells, so use a wider or smoother kernel, or direct sums",
        p->radial->spec.type, p->radial->spec.bandwidth, p->tolerance, (int)p->radial->dim);
  if (*done)
    PetscCall(MuFastSumApply(p->fast, all, first_of(all->n, rank, size),
                             first_of(all->n, rank + 1, size), first_of(all->m, rank, size),
                             first_of(all->m, rank + 1, size)));
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_directly(MuPairs p, const MuPairSum *all) {
  const PetscInt dim = p->radial->dim, first = first_of(all->m, p->rank, p->size);
  MuPairSum mine = *all;

  PetscFunctionBegin;
  mine.m = first_of(all->m, p->rank + 1, p->size) - first;
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
  if (sums) PetscCall(gather_rows(p, m, columns, sums));
  if (gradient) PetscCall(gather_rows(p, m, p->radial->dim, gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsApply(MuPairs pairs, PetscInt n, const PetscReal *x, const PetscReal *w,
                            PetscInt m, const PetscReal *y, PetscReal *sum, PetscReal *gradient) {
  PetscFunctionBegin;
  PetscCall(MuPairsApplyColumns(pairs, n, x, 1, w, m, y, sum, gradient));
  PetscFunctionReturn(0);
}
