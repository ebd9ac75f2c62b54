/* Private to particles/: ways to find weights on the simplex. */
#ifndef MUDOT_PARTICLES_SIMPLEX_IMPL_H
#define MUDOT_PARTICLES_SIMPLEX_IMPL_H

#include "particles/gram.h"
#include "particles/pairs.h"

/* One problem, and work space that is kept. */
struct _p_MuSimplex {
  MPI_Comm comm;
  MuRadial radial;
  PetscInt n, room; /* points; those that the arrays have room for */
  PetscReal scale;
  const PetscReal *x, *b;
  PetscBool stored; /* K is in gram */
  MuGram gram;
  MuPairs pairs;             /* K otherwise; made when it is first needed */
  PetscReal *gradient;       /* [n] K w - b */
  PetscReal *z;              /* [n] multipliers of w >= 0 */
  PetscReal *ones, *dw, *dz; /* [n] solves and steps */
  PetscReal *ratio;          /* [n] z/w */
  PetscReal *rhs, *shift;    /* [n] of a Newton step */
};

/* out = K w. Collective. */
PetscErrorCode MuSimplexMultiply(MuSimplex s, const PetscReal *w, PetscReal *out);
/* Fills the gradient and finds the violation of the optimality conditions at w on the simplex.
   Collective. */
PetscErrorCode MuSimplexResidual(MuSimplex s, const PetscReal *w, PetscReal *residual);
/* Cuts negative weights off and scales the sum to 1. */
void MuSimplexClip(PetscInt n, PetscReal *w);
PetscReal MuSimplexDot(PetscInt n, const PetscReal *a, const PetscReal *b);

/* Both start from the weights w and leave the best that they have; report->residual <= tolerance
   tells whether that is good enough. */
/* Interior point method; K must be stored. */
PetscErrorCode MuSimplexInteriorPoint(MuSimplex s, PetscReal tolerance, PetscReal *w,
                                      MuSimplexReport *report);
/* Active sets and conjugate gradients, at most max_products products with K. */
PetscErrorCode MuSimplexActiveSet(MuSimplex s, PetscReal tolerance, PetscInt max_products,
                                  PetscReal *w, MuSimplexReport *report);

#endif
