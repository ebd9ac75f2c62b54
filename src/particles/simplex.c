/* min over the simplex of 1/2 w' K w - b' w: which way is taken. A kernel matrix of low rank goes
   to the interior point method at n rank^2 operations an iteration. One of full rank goes there at
   n^3 if it is small; in many dimensions, where points are far from each other and it is well
   conditioned, and where it is too large to be factored, active sets with conjugate gradients come
   first. */
#include "particles/simplex_impl.h"

enum {
  FEW_POINTS = 300,      /* factored at once, in any dimension */
  SOME_POINTS = 3000,    /* the most that are factored */
  STORED_POINTS = 11000, /* the matrix is stored, 1 GB */
  MANY_DIMENSIONS = 4,   /* from here on reading a stored matrix is faster than recomputing it */
  MAX_PRODUCTS = 3000
};
/* The cut-off of a low-rank factorization, in parts of the tolerance and of rounding. */
#define TOLERANCE_SHARE 0.2
#define ROUNDING        16

PetscErrorCode MuSimplexCreate(MPI_Comm comm, MuRadial radial, MuSimplex *simplex) {
  MuSimplex s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->comm = comm;
  PetscCall(MuRadialReference(radial));
  s->radial = radial;
  *simplex = s;
  PetscFunctionReturn(0);
}

static PetscErrorCode free_work(MuSimplex s) {
  PetscFunctionBegin;
  PetscCall(PetscFree6(s->z, s->gradient, s->ones, s->dw, s->dz, s->ratio));
  PetscCall(PetscFree2(s->rhs, s->shift));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSimplexDestroy(MuSimplex *simplex) {
  MuSimplex s = *simplex;

  PetscFunctionBegin;
  *simplex = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuRadialDestroy(&s->radial));
  PetscCall(MuPairsDestroy(&s->pairs));
  PetscCall(free_work(s));
  PetscCall(MuGramDestroy(&s->gram));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room(MuSimplex s, PetscInt n) {
  PetscFunctionBegin;
  if (n <= s->room) PetscFunctionReturn(0);
  PetscCall(free_work(s));
  PetscCall(
      PetscMalloc6(n, &s->z, n, &s->gradient, n, &s->ones, n, &s->dw, n, &s->dz, n, &s->ratio));
  PetscCall(PetscMalloc2(n, &s->rhs, n, &s->shift));
  s->room = n;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ solve */

static PetscErrorCode store_all(MuSimplex s) {
  PetscFunctionBegin;
  PetscCall(MuGramFillAll(&s->gram, s->radial, s->n, s->x, s->scale));
  s->stored = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* The kernel matrix is of low rank: its error counts twice, as w sums to 1. */
static PetscErrorCode solve_low_rank(MuSimplex s, PetscReal tolerance, PetscReal *w,
                                     MuSimplexReport *report) {
  const PetscReal uncertainty = 2 * s->gram.error;

  PetscFunctionBegin;
  s->stored = PETSC_TRUE;
  PetscCall(MuSimplexResidual(s, w, &report->residual));
  if (!(report->residual <= tolerance - uncertainty))
    PetscCall(MuSimplexInteriorPoint(s, tolerance - uncertainty, w, report));
  report->residual += uncertainty;
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_full_rank(MuSimplex s, PetscReal tolerance, PetscReal *w,
                                      MuSimplexReport *report) {
  const PetscInt n = s->n;
  const PetscBool many = (PetscBool)(s->radial->dim >= MANY_DIMENSIONS);
  const PetscBool by_sets = (PetscBool)(n > (many ? FEW_POINTS : SOME_POINTS));
  const PetscInt products = n > SOME_POINTS ? MAX_PRODUCTS : n / 2; /* less than a factorization */

  PetscFunctionBegin;
  if (!by_sets || (many && n <= STORED_POINTS)) PetscCall(store_all(s));
  PetscCall(MuSimplexResidual(s, w, &report->residual));
  if (by_sets && !(report->residual <= tolerance))
    PetscCall(MuSimplexActiveSet(s, tolerance, products, w, report));
  if (n <= SOME_POINTS && !(report->residual <= tolerance))
    PetscCall(MuSimplexInteriorPoint(s, tolerance, w, report));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSimplexSolve(MuSimplex s, PetscInt n, const PetscReal *x, PetscReal scale,
                              const PetscReal *b, PetscReal tolerance, PetscReal *w,
                              MuSimplexReport *report) {
  MuSimplexReport result = {0, 0};
  PetscReal peak, accuracy;
  PetscBool low_rank;

  PetscFunctionBegin;
  PetscCall(make_room(s, n));
  s->n = n;
  s->x = x;
  s->b = b;
  s->scale = scale;
  s->stored = PETSC_FALSE;
  MuSimplexClip(n, w);
  PetscCall(MuRadialEvaluate(s->radial, 0, &peak, NULL));
  accuracy = PetscMax(TOLERANCE_SHARE * tolerance, ROUNDING * PETSC_MACHINE_EPSILON * scale * peak);
  PetscCall(MuGramFillLowRank(&s->gram, s->radial, n, x, scale, accuracy, &low_rank));
  if (low_rank) PetscCall(solve_low_rank(s, tolerance, w, &result));
  if (!low_rank || !(result.residual <= tolerance)) {
    s->stored = PETSC_FALSE;
    PetscCall(solve_full_rank(s, tolerance, w, &result));
  }
  if (report) *report = result;
  if (!(result.residual <= tolerance))
    return MuError(MU_ERR_NUMERICS,
                   "weight step: its optimality conditions hold to %.3g after %d iterations and "
                   "not to the tolerance %.3g",
                   result.residual, (int)result.iterations, tolerance);
  PetscFunctionReturn(0);
}
