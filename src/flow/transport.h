/* Linear transport steps. */
#ifndef MUDOT_FLOW_TRANSPORT_H
#define MUDOT_FLOW_TRANSPORT_H

#include "mudot/flow.h"

typedef struct _p_MuTransport *MuTransport;

/* Solves (I + dt div J) rho1 = rho0 with face fluxes J_f = a_f rho_lower - b_f rho_upper, a_f, b_f
   >= 0: an M-matrix with column sums one, so rho1 is non-negative with the mass of rho0 for every
   dt. In 1-D every solver is one (cyclic) tridiagonal solve. AUTO is COUPLED; see
   MuTransportChoose(). COUPLED factors the system if its iteration stalls (rough coefficients), and
   uses the factors until the next SetUp. Collective. */
PetscErrorCode MuTransportCreate(MuGrid grid, MuTransportSolver solver, MuTransport *transport);
PetscErrorCode MuTransportDestroy(MuTransport *transport);
/* Face fields a and b of an axis, in units 1/time times length/length: the flux divided by the
   spacing is included, i.e. (div J)_i = sum over axes (J_upper face - J_lower face) with J_f = a_f
   rho_lower - b_f rho_upper and a, b already divided by spacing^2 (1/time). Borrowed, to be filled
   by the caller and then announced by MuTransportSetUp(). Zero on closed faces. */
PetscErrorCode MuTransportGetCoefficients(MuTransport transport, PetscInt axis, Vec *a, Vec *b);
/* Scharfetter-Gummel coefficients of D (grad rho + rho grad V) on every axis: a = D B(V_upper -
   V_lower)/spacing^2, b = D B(V_lower - V_upper)/spacing^2, so that exp(-V) is stationary; V =
   +infinity closes the faces of the cell. Sets log pi = -V. Collective. */
PetscErrorCode MuTransportFillScharfetterGummel(MuTransport transport, PetscReal diffusivity,
                                                Vec potential);
/* log pi with a_f pi_lower = b_f pi_upper (detailed balance), for `coupled` and `direct`, which
 * symmetrise with it; NULL: not reversible. Referenced. */
PetscErrorCode MuTransportSetReversible(MuTransport transport, Vec log_pi);
/* Factors for a step size; call again when dt or the coefficients change. */
PetscErrorCode MuTransportSetUp(MuTransport transport, PetscReal dt);
/* dimension_split: axis order x then y, or y then x if reversed. The others stop when the residual
   rho0 - A rho1 in L1, which bounds the error of rho1 in L1, is below tolerance * mass(rho0), or
   below what rounding leaves of it, about eps | |A| |rho1| |_1 (the larger one, at
   the default tolerance, where the diagonal of A exceeds about 2000). If rho0 >= 0, then rho1 >= 0
   with the mass of rho0. rho0 and rho1 may be the same. MU_ERR_NUMERICS if the tolerance is not
   reached. Collective. */
PetscErrorCode MuTransportSolve(MuTransport transport, PetscBool reversed, Vec rho0, Vec rho1);
PetscErrorCode MuTransportSetTolerance(MuTransport transport,
                                       PetscReal tolerance); /* default 1e-12 */
PetscErrorCode MuTransportGetIterations(MuTransport transport, PetscInt *iterations);
#define MU_TRANSPORT_WHY 256
/* The cheaper of `coupled` and `direct` for a number of steps with the same factors, from measured
   costs; why[MU_TRANSPORT_WHY] gets one sentence. Not collective. */
PetscErrorCode MuTransportChoose(MuGrid grid, PetscInt steps, MuTransportSolver *solver,
                                 char why[MU_TRANSPORT_WHY]);

#endif
