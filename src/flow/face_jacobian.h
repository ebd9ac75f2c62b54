/* The derivative of a local transport in 2-D, as the coefficients of a transport matrix. */
#ifndef MUDOT_FLOW_FACE_JACOBIAN_H
#define MUDOT_FLOW_FACE_JACOBIAN_H

#include "flow/flow_impl.h"

/* Where DF is a function of the density of the cell alone, the flux of a face is a function
   J(rho_lower, rho_upper) of two numbers: the coefficients a' = dJ/drho_lower, b' = -dJ/drho_upper
   make I + dt div (a', b') the Jacobian of a step: column sums one, so that corrections keep
   the mass. Where a derivative is not finite, or hidden by rounding (a near-empty cell next
   to a full one), stands that of the linearly implicit step. */
typedef struct _p_MuFaceJacobian *MuFaceJacobian;

/* *jacobian is NULL where the flux of a face is no such function, and in 1-D. Collective. */
PetscErrorCode MuFaceJacobianCreate(MuFlow flow, MuFaceJacobian *jacobian);
PetscErrorCode MuFaceJacobianDestroy(MuFaceJacobian *jacobian);

/* That of K(rho) DF(rho). The geometry's state is rho, whose linearly implicit coefficients are
   those of `linear`. Fills the coefficients of `matrix`. Collective. */
PetscErrorCode MuFaceJacobianOfForce(MuFaceJacobian jacobian, Vec rho, MuTransport linear,
                                     MuTransport matrix);
/* That of K((start + end)/2) G(start, end) to `end`, G = `gradient` the discrete gradient. The
   geometry's state is the midpoint; the coefficients of `linear` are those at start or end.
   Collective. */
PetscErrorCode MuFaceJacobianOfGradient(MuFaceJacobian jacobian, Vec start, Vec end, Vec gradient,
                                        MuTransport linear, MuTransport matrix);

#endif
