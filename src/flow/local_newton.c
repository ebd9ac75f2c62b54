/* Newton's method for implicit Euler along a local transport in 2-D, with the assembled Jacobian of
   face_jacobian.c. A correction that does not lower the residual in L1 is halved. */
#include "flow/face_jacobian.h"
#include "flow/flow_impl.h"
#include "flow/transport.h"
#include "flow/transport_impl.h"

#define LINEAR    1e-3  /* residual of a correction, relative to that of the step */
#define TOLERANCE 1e-12 /* L1 residual over the mass */
#define MOST      11    /* corrections */
#define HALVINGS  3

struct _p_MuLocalNewton {
  MuFlow flow;
  MuLinearization linearization; /* borrowed */
  MuTransport exact;             /* borrowed: coefficients at the iterate */
  MuFaceJacobian jacobian;
  MuTransport matrix;     /* I + dt div (a', b') */
  MuTransportOperator op; /* of `exact` */
  Vec trial, residual, correction;
};

PetscErrorCode MuLocalNewtonCreate(MuFlow flow, MuLinearization linearization, MuTransport exact,
                                   MuLocalNewton *newton) {
  MuFaceJacobian jacobian;
  MuLocalNewton n;

  PetscFunctionBegin;
  *newton = NULL;
  PetscCall(MuFaceJacobianCreate(flow, &jacobian));
  if (!jacobian) PetscFunctionReturn(0);
  PetscCall(PetscNew(&n));
  *newton = n;
  n->flow = flow;
  n->linearization = linearization;
  n->exact = exact;
  n->jacobian = jacobian;
  PetscCall(MuTransportCreate(flow->grid, MU_TRANSPORT_COUPLED, &n->matrix));
  PetscCall(MuTransportSetTolerance(n->matrix, LINEAR));
  PetscCall(MuTransportOperatorCreate(flow->grid, &n->op));
  PetscCall(MuGridCreateField(flow->grid, &n->trial));
  PetscCall(MuGridCreateField(flow->grid, &n->residual));
  PetscCall(MuGridCreateField(flow->grid, &n->correction));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLocalNewtonDestroy(MuLocalNewton *newton) {
  MuLocalNewton n = *newton;

  PetscFunctionBegin;
  *newton = NULL;
  if (!n) PetscFunctionReturn(0);
  PetscCall(MuFaceJacobianDestroy(&n->jacobian));
  PetscCall(MuTransportDestroy(&n->matrix));
  PetscCall(MuTransportOperatorDestroy(&n->op));
  PetscCall(VecDestroy(&n->trial));
  PetscCall(VecDestroy(&n->residual));
  PetscCall(VecDestroy(&n->correction));
  PetscCall(PetscFree(n));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the iteration */

/* residual = start - rho - dt div J(rho); *size its sum of moduli, *goal that at which it counts as
 * solved. */
static PetscErrorCode evaluate(MuLocalNewton n, PetscReal dt, Vec start, Vec rho, PetscReal *size,
                               PetscReal *goal) {
  const PetscReal *from, *x;
  PetscReal *r, sums[2], mass;

  PetscFunctionBegin;
  PetscCall(MuFlowPoll(n->flow));
  PetscCall(MuLinearizationFill(n->linearization, rho, n->exact));
  n->exact->dt = dt;
  PetscCall(MuTransportOperatorSetUp(n->op, n->exact));
  PetscCall(VecGetArrayRead(start, &from));
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArray(n->residual, &r));
  PetscCall(MuTransportOperatorResidual(n->op, from, x, r, sums));
  PetscCall(VecRestoreArray(n->residual, &r));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCall(VecRestoreArrayRead(start, &from));
  PetscCall(VecNorm(start, NORM_1, &mass));
  *size = sums[0];
  *goal = PetscMax(TOLERANCE * mass, 2 * PETSC_MACHINE_EPSILON * sums[1]);
  PetscFunctionReturn(0);
}

/* rho <- (rho + correction)_+, halved until the residual falls; *better is false if it does not. */
static PetscErrorCode correct(MuLocalNewton n, PetscReal dt, Vec start, Vec rho, PetscReal *size,
                              PetscReal *goal, PetscBool *better) {
  PetscReal scale = 1, now = *size;

  PetscFunctionBegin;
  *better = PETSC_FALSE;
  for (PetscInt k = 0; k <= HALVINGS && !*better; ++k, scale /= 2) {
    PetscCall(VecWAXPY(n->trial, scale, n->correction, rho));
    PetscCall(MuFlowPositivePart(n->flow, n->trial, n->trial, NULL));
    PetscCall(evaluate(n, dt, start, n->trial, &now, goal));
    *better = (PetscBool)(now < *size || now <= *goal);
  }
  *size = now;
  if (*better) PetscCall(VecCopy(n->trial, rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLocalNewtonSolve(MuLocalNewton n, PetscReal dt, Vec start, Vec rho,
                                  PetscInt *solves, PetscBool *converged) {
  PetscReal size, goal;
  PetscBool better = PETSC_TRUE;

  PetscFunctionBegin;
  *converged = PETSC_FALSE;
  PetscCall(evaluate(n, dt, start, rho, &size, &goal));
  for (*solves = 0; size > goal && *solves < MOST && better; ++*solves) {
    /* the state of the geometry is that of the last evaluation, which is rho */
    PetscCall(MuFaceJacobianOfForce(n->jacobian, rho, n->exact, n->matrix));
    PetscCall(MuTransportSetUp(n->matrix, dt));
    PetscCall(MuTransportSolve(n->matrix, PETSC_FALSE, n->residual, n->correction));
    PetscCall(correct(n, dt, start, rho, &size, &goal, &better));
  }
  *converged = (PetscBool)(size <= goal);
  PetscFunctionReturn(0);
}
