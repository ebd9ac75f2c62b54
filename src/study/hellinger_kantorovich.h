/* The Hellinger-Kantorovich distance of two measures on a line. Private to study/. */
#ifndef MUDOT_HELLINGER_KANTOROVICH_H
#define MUDOT_HELLINGER_KANTOROVICH_H

#include "mudot/base.h"

/* The distance that belongs to K(mu) xi = -a div(mu grad xi) + b mu xi, a, b > 0, of the measures
   sum mu_i delta_(x_i) and sum nu_i delta_(x_i): x [n], mu [n], nu [n] >= 0. It is in
   [bounds[0], bounds[1]], where bounds[1]^2 - bounds[0]^2 is at most 1e-7 of bounds[1]^2, or 1e-9
   of the mean of the masses times 4/b. Not collective. MU_ERR_NUMERICS: that was not reached. */
PetscErrorCode MuHellingerKantorovich(PetscInt n, const PetscReal *x, const PetscReal *mu,
                                      const PetscReal *nu, PetscReal a, PetscReal b,
                                      PetscReal bounds[2]);

#endif
