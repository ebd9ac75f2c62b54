/* Private to particles/: matrices of kernel values between points, and systems with them. Not
   collective: every rank has all of it. */
#ifndef MUDOT_PARTICLES_GRAM_H
#define MUDOT_PARTICLES_GRAM_H

#include "particles/pairs_impl.h"

/* G [n][n] = scale k(x_i - x_j): all of it, or L L' by a pivoted Cholesky factorization that is cut
   off at a small rank. The diagonal of what is left bounds its entries. */
typedef struct {
  MuRadial radial;
  PetscInt n, rank;          /* rank = n: all of G */
  PetscReal largest;         /* largest |entry| of G */
  PetscReal error;           /* bound on the entries of G - L L', 0 for all of G */
  MuWork entries;            /* G [n][n] or L [rank][n] */
  MuWork factor;             /* of the system: [n][n] or [rank][rank] */
  MuWork scaled;             /* L with scaled columns */
  MuWork vectors;            /* short-lived arrays */
  const PetscReal *diagonal; /* of the system factored last */
  PetscInt *pivots;          /* room for n */
  PetscInt room;
} MuGram;

/* Fills G with entries accurate to `accuracy` (> 0). radial is borrowed. */
PetscErrorCode MuGramFill(MuGram *gram, MuRadial radial, PetscInt n, const PetscReal *x,
                          PetscReal scale, PetscReal accuracy);
PetscErrorCode MuGramDestroy(MuGram *gram);
/* out = G w */
void MuGramMultiply(MuGram *gram, const PetscReal *w, PetscReal *out);
/* Factors G + diag(d) (+ a multiple of e e' for a conditionally positive definite kernel), d > 0,
   which is borrowed until the last MuGramSolve(). MU_ERR_NUMERICS if that is not possible. */
PetscErrorCode MuGramFactor(MuGram *gram, const PetscReal *d);
/* v = (G + diag(d))^(-1) v */
PetscErrorCode MuGramSolve(MuGram *gram, PetscReal *v);

#endif
