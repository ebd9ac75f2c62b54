/* The quotient 2 R*(mu, -DF(mu))/F(mu) and its least value over densities. Private to study/. */
#ifndef MUDOT_SEARCH_H
#define MUDOT_SEARCH_H

#include "study/study_impl.h"

typedef struct {
  PetscReal
      floor; /* rho/pi from this to its inverse, where mass is conserved before it is scaled */
  PetscReal energy; /* F is not below this */
} MuSearchBounds;

typedef struct _p_MuSearch *MuSearch;

/* Searches over v, rho = pi e^v, scaled to the mass of pi where K conserves mass. References the
   trial, which has a flow and a target. MU_ERR_INPUT: it has no target. */
PetscErrorCode MuSearchCreate(MuTrial *t, const MuSearchBounds *bounds, MuSearch *search);
PetscErrorCode MuSearchDestroy(MuSearch *search);
/* Whether the densities have the mass of pi. */
PetscBool MuSearchIsScaled(MuSearch search);
/* The least F that is looked at: that of the bounds times the mass of the target, or its square. */
PetscReal MuSearchLeastEnergy(MuSearch search);
/* Whether the gradient is assembled from the derivatives of K and DF; else, for a nonlocal K or F
   that is no square, from differences in every cell. */
PetscBool MuSearchIsAssembled(MuSearch search);
/* log of the quotient at v with the penalty of a low F, and its gradient (NULL allowed) with
   respect to v, cell by cell. */
PetscErrorCode MuSearchEvaluate(MuSearch search, Vec v, PetscReal *value, Vec gradient);
/* Minimises from v, which becomes the minimiser; the quotient and F there. *ended: not by the limit
   of iterations. */
PetscErrorCode MuSearchMinimise(MuSearch search, Vec v, PetscReal *quotient, PetscReal *energy,
                                PetscInt *iterations, PetscBool *ended);
/* rho of v. */
PetscErrorCode MuSearchDensity(MuSearch search, Vec v, Vec rho);

#endif
