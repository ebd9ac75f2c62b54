/* Derivatives of face means and mobilities, for assembled Jacobians. */
#ifndef MUDOT_GEOMETRY_FACE_DERIVATIVES_H
#define MUDOT_GEOMETRY_FACE_DERIVATIVES_H

#include "mudot/geometry.h"

/* Face fields of an axis: dM/drho of the lower and of the upper cell, M the face mean; the mobility
   m = sum of weight * M(M) of the local transport parts, and dm/dM. */
typedef struct {
  Vec lower, upper, mobility, slope;
} MuFaceDerivatives;

/* Sets them at the state. `gradient`, a face field, chooses the donors with UPWIND; else it may be
   NULL. An entry that is not finite has no derivative: a mean at rho = 0. MU_ERR_INPUT with
   LIMITED, whose means depend on more than two densities. Collective. */
PetscErrorCode MuGeometryFaceDerivatives(MuGeometry geometry, PetscInt axis, Vec gradient,
                                         const MuFaceDerivatives *at);

#endif
