/* Private to particles/: matrices of kernel values between points, and systems with them. Not
   collective: every rank has all of it. */
#ifndef MUDOT_PARTICLES_GRAM_H
#define MUDOT_PARTICLES_GRAM_H

#include "particles/pairs.h"
#include "particles/pairs_impl.h"

/* G [n][n] = scale k(x_i - x_j): all of it, or L L' by a pivoted Cholesky factorization that is cut
   off at a small rank. The diagonal of what is left bounds its entries. */
typedef struct {
  MuRadial radial;
  PetscInt n, rank;                       /* rank = n: all of G */
  PetscReal largest;                      /* largest |entry| of G */
  PetscReal error;                        /* bound on the entries of G - L L', 0 for all of G */
  MuWork entries;                         /* G [n][n] or L [rank][n] */
  MuWork factor;                          /* of the system: [n][n] or [rank][rank] */
  MuWork scaled;                          /* L with scaled columns */
  MuWork vectors;                         /* short-lived arrays */
  MuWork inverse;                         /* of the diagonal */
  const PetscReal *diagonal, *reciprocal; /* of the system factored last */
} MuGram;

/* radial is borrowed. */
PetscErrorCode MuGramFillAll(MuGram *gram, MuRadial radial, PetscInt n, const PetscReal *x,
                             PetscReal scale);
/* L L' with entries accurate to `accuracy` > 0. *done: whether the rank is small enough to pay. */
PetscErrorCode MuGramFillLowRank(MuGram *gram, MuRadial radial, PetscInt n, const PetscReal *x,
                                 PetscReal scale, PetscReal accuracy, PetscBool *done);
PetscErrorCode MuGramDestroy(MuGram *gram);
/* out = G w */
void MuGramMultiply(MuGram *gram, const PetscReal *w, PetscReal *out);
/* Factors G + diag(d) (+ a multiple of e e' for a conditionally positive definite kernel), d > 0,
   which is borrowed until the last MuGramSolve(). MU_ERR_NUMERICS if that is not possible. */
PetscErrorCode MuGramFactor(MuGram *gram, const PetscReal *d);
/* v = (G + diag(d))^(-1) v; with low rank the relative error grows as d shrinks. */
PetscErrorCode MuGramSolve(MuGram *gram, PetscReal *v);

#endif
