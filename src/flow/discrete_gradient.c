/* Discrete gradient: (rho_1 - rho_0)/dt = -K((rho_0 + rho_1)/2) G(rho_0, rho_1), <G, rho_1 - rho_0>
   = F(rho_1) - F(rho_0), so that F(rho_1) - F(rho_0) = -dt <G, K G> for every geometry and energy;
   second order (Gonzalez 1996).

   Newton's method (PETSc SNES, matrix-free differences, GMRES) on rho_1 - rho_0 + dt K G = 0,
   preconditioned by (I + dt/2 div J)^(-1) with the M-matrix of linearization.c for the transport
   part, (1 + dt/2 d f'')^(-1) for the reaction part with its diagonal d and the curvature f'' of
   the local energies, and, for a part b (Kc + r)^(-1) with the mean curvature c of F and
   s = dt/2 b c, (I + s (Kc + r)^(-1))^(-1) = I - (Kc/s + 1 + r/s)^(-1). It stops when the balance
   is met:
   |<G, residual>| <= 1e-12 dt <G, K G>, or when the residual has reached rounding. In 2-D, along a
   local transport of a local energy, the Jacobian itself is assembled (face_jacobian.c) and solved
   for by multigrid; the differences take over where that iteration fails. Where K does not
   vanish with the density, or for large steps, the solution may be negative: the flow then tries a
   smaller step.

   Where no step is small enough the flow holds rho >= 0 (hold.c), and the step is

     (rho_1 - rho_0)/dt = -K (G - eta),   rho_1, eta >= 0,   eta rho_1 = 0:

   the same for F plus the indicator of the densities, whose differential at the boundary is
   DF - eta. F falls for any step: F(rho_1) - F(rho_0) = -dt <G - eta, K (G - eta)> - <eta, rho_0>.
   Newton's method has the one unknown z with rho_1 = max(z, 0) and eta = max(-z, 0)/(dt d), d a
   diagonal of K. */
#include "flow/face_jacobian.h"
#include "flow/flow_impl.h"
#include "flow/transport.h"
#include "flow/transport_impl.h"
#include "linear/newton.h"

#include <math.h>

#define BALANCE_TOLERANCE  1e-12
#define RESIDUAL_TOLERANCE 1e-9    /* L1 residual over L1 change of the density */
#define ROUNDING           2e-15   /* L1 residual over the mass */
#define STAGNATION         1.5e-14 /* the same, where an iteration no longer halves it */
#define RIDGE_TOLERANCE    1e-12   /* Newton's differences are of the size 1e-8 */
#define ASSEMBLED_LINEAR   1e-4    /* residual of a correction with the assembled Jacobian */
#define ASSEMBLED_MOST     12      /* of these corrections */

typedef struct {
  SNES snes;
  MuLinearization linearization;
  MuTransport transport;     /* NULL without a local transport part */
  MuConvolution convolution; /* preconditioner of the inverse of a kernel, or NULL */
  /* With an assembled Jacobian, else NULL: I + dt div (a', b'), and Newton's method with it. */
  MuFaceJacobian jacobian;
  MuTransport matrix;
  SNES assembled;
  PetscInt systems; /* that it solved in the last step; -1: not so solved */
  PetscReal dt, inverse_weight, inverse_ridge, inverse_shift;
  Vec start, middle, positive, gradient, preimage, image, curvature, diagonal, work;
  PetscReal mass;
  PetscReal previous; /* L1 residual of the iteration before */
  PetscReal held;     /* 1/(dt d) where rho >= 0 is held, else 0 */
  PetscReal removed;  /* mass of max(-z, 0) */
  PetscBool unsolved; /* a solve inside K failed in this step */
} DiscreteGradient;

/* residual = rho_1 - rho_0 + dt K G, with K and G at the positive part of rho_1, beyond which they
   are not defined; leaves G and K G in the work fields. With rho >= 0 held: of rho_1 = max(z, 0),
   and G - eta. */
static PetscErrorCode evaluate(MuIntegrator it, Vec rho, Vec residual) {
  DiscreteGradient *d = it->data;
  MuFlow flow = it->flow;
  Vec preimage = it->flow->preimage ? d->preimage : NULL;

  PetscFunctionBegin;
  PetscCall(MuFlowPoll(flow));
  PetscCall(MuFlowPositivePart(flow, rho, d->positive, &d->removed));
  PetscCall(VecCopy(d->start, d->middle));
  PetscCall(VecAXPBY(d->middle, 0.5, 0.5, d->positive));
  PetscCall(MuEnergyDiscreteGradient(flow->energy, d->start, d->positive, d->gradient, preimage));
  if (d->held > 0) { /* G - eta = G + (z - max(z, 0))/(dt d) */
    PetscCall(VecAXPY(d->gradient, d->held, rho));
    PetscCall(VecAXPY(d->gradient, -d->held, d->positive));
  }
  PetscCall(MuGeometrySetState(flow->geometry, d->middle));
  PetscCall(MuGeometryApply(flow->geometry, it->kinds, d->gradient, preimage, d->image));
  PetscCall(VecWAXPY(residual, -1, d->start, d->held > 0 ? d->positive : rho));
  PetscCall(VecAXPY(residual, d->dt, d->image));
  PetscFunctionReturn(0);
}

/* A K that cannot be applied is a numerical outcome. */
static PetscErrorCode residual_function(SNES snes, Vec rho, Vec residual, void *ctx) {
  MuIntegrator it = ctx;
  DiscreteGradient *d = it->data;
  PetscErrorCode code = evaluate(it, rho, residual);
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(MuFlowCatch(it->flow, code, &failed));
  if (failed) { /* a solve inside K: a smaller step may do */
    d->unsolved = PETSC_TRUE;
    PetscCall(SNESSetFunctionDomainError(snes));
    PetscCall(VecSet(residual, NAN));
  }
  PetscFunctionReturn(0);
}

/* Reached when the discrete balance holds, or when nothing more can be gained. */
static PetscErrorCode converged_test(SNES snes, PetscInt iteration, PetscReal xnorm,
                                     PetscReal gnorm, PetscReal fnorm, SNESConvergedReason *reason,
                                     void *ctx) {
  MuIntegrator it = ctx;
  DiscreteGradient *d = it->data;
  MuGrid grid = it->flow->grid;
  Vec rho, residual;
  PetscReal l1, change, defect, dissipation, size = d->mass;

  PetscFunctionBegin;
  (void)xnorm;
  (void)gnorm;
  *reason = SNES_CONVERGED_ITERATING;
  if (PetscIsInfOrNanReal(fnorm)) {
    *reason = SNES_DIVERGED_FNORM_NAN;
    PetscFunctionReturn(0);
  }
  PetscCall(SNESGetSolution(snes, &rho));
  PetscCall(SNESGetFunction(snes, &residual, NULL, NULL));
  PetscCall(MuGridDistanceL1(grid, residual, NULL, &l1));
  if (d->held > 0) size += d->removed;
  /* a large constant in G, which the spherical projection takes out, leaves its own rounding */
  const PetscBool stagnates =
      (PetscBool)(iteration > 1 && l1 <= STAGNATION * size && l1 > 0.5 * d->previous);
  d->previous = l1;
  if (l1 <= ROUNDING * size || stagnates) {
    *reason = SNES_CONVERGED_FNORM_ABS;
    PetscFunctionReturn(0);
  }
  if (iteration == 0) PetscFunctionReturn(0);
  PetscCall(MuGridDistanceL1(grid, rho, d->start, &change));
  if (l1 > RESIDUAL_TOLERANCE * change) PetscFunctionReturn(0);
  /* the last evaluation was at rho: full steps are taken */
  PetscCall(MuGridInner(grid, d->gradient, residual, &defect));
  PetscCall(MuGridInner(grid, d->gradient, d->image, &dissipation));
  if (PetscAbsReal(defect) <= BALANCE_TOLERANCE * d->dt * dissipation)
    *reason = SNES_CONVERGED_FNORM_RELATIVE;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ preconditioner */

static PetscErrorCode setup_preconditioner(MuIntegrator it) {
  DiscreteGradient *d = it->data;
  MuFlow flow = it->flow;
  PetscReal sum;

  PetscFunctionBegin;
  if (d->transport) {
    PetscCall(MuLinearizationFill(d->linearization, d->start, d->transport));
    PetscCall(MuTransportSetUp(d->transport, d->dt / 2));
  }
  PetscCall(MuEnergyCurvature(flow->energy, d->start, d->curvature));
  if (it->kinds & MU_PART_REACTION) {
    PetscCall(MuGeometrySetState(flow->geometry, d->start));
    PetscCall(MuGeometryReactionDiagonal(flow->geometry, d->diagonal));
    PetscCall(VecPointwiseMult(d->diagonal, d->diagonal, d->curvature));
  }
  if (d->convolution) {
    PetscCall(VecPointwiseMult(d->work, d->curvature, d->start));
    PetscCall(MuGridIntegrate(flow->grid, d->work, &sum));
    d->inverse_shift =
        d->dt / 2 * d->inverse_weight * sum / d->mass; /* mean curvature where the mass is */
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode precondition(MuIntegrator it, Vec in, Vec out) {
  DiscreteGradient *d = it->data;
  const PetscReal *diagonal;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecCopy(in, out));
  if (d->transport) PetscCall(MuTransportSolve(d->transport, PETSC_FALSE, out, out));
  PetscCall(VecGetArrayRead(d->diagonal, &diagonal));
  PetscCall(VecGetArray(out, &x));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i)
    if (diagonal[i] > 0 && diagonal[i] < 1e100) x[i] /= 1 + d->dt / 2 * diagonal[i];
  PetscCall(VecRestoreArray(out, &x));
  PetscCall(VecRestoreArrayRead(d->diagonal, &diagonal));
  if (d->convolution && d->inverse_shift > 0 && d->inverse_shift < 1e100) {
    PetscReal s = d->inverse_shift;
    PetscCall(
        MuConvolutionApplyRational(d->convolution, 1 / s, 1 + d->inverse_ridge / s, out, d->work));
    PetscCall(VecAXPY(out, -1, d->work));
  }
  PetscFunctionReturn(0);
}

/* A solve that fails is a numerical outcome: of the linear system, and then of the step. */
static PetscErrorCode apply_preconditioner(PC pc, Vec in, Vec out) {
  MuIntegrator it;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &it));
  PetscErrorCode code = precondition(it, in, out);
  PetscCall(MuFlowCatchField(it->flow, code, out));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the integrator */

static PetscErrorCode create_snes(MuIntegrator it) {
  DiscreteGradient *d = it->data;
  const MuNewtonSpec spec = {.prefix = "mudot_gradient_",
                             .residual = residual_function,
                             .precondition = apply_preconditioner,
                             .converged = converged_test,
                             .full_steps = PETSC_TRUE,
                             .linear = 1e-6};
  KSP ksp;

  PetscFunctionBegin;
  PetscCall(MuNewtonCreate(it->flow->rho, &spec, it, &d->snes));
  PetscCall(SNESSetTolerances(d->snes, 0, 0, 0, 40, 1000000));
  PetscCall(SNESGetKSP(d->snes, &ksp));
  PetscCall(KSPSetPCSide(ksp, PC_RIGHT));
  PetscCall(SNESSetFromOptions(d->snes));
  PetscFunctionReturn(0);
}

/* At the iterate of the last evaluation, whose midpoint and gradient are there. */
static PetscErrorCode setup_assembled(SNES snes, Vec rho, Mat jacobian, Mat preconditioner,
                                      void *ctx) {
  MuIntegrator it = ctx;
  DiscreteGradient *d = it->data;
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(MatMFFDComputeJacobian(snes, rho, jacobian, preconditioner, NULL));
  PetscErrorCode code = MuFaceJacobianOfGradient(d->jacobian, d->start, d->positive, d->gradient,
                                                 d->transport, d->matrix);
  if (!code) code = MuTransportSetUp(d->matrix, d->dt);
  PetscCall(MuFlowCatch(it->flow, code, &failed));
  if (failed) PetscCall(SNESSetJacobianDomainError(snes));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_assembled(PC pc, Vec in, Vec out) {
  MuIntegrator it;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &it));
  PetscErrorCode code =
      MuTransportSolve(((DiscreteGradient *)it->data)->matrix, PETSC_FALSE, in, out);
  PetscCall(MuFlowCatchField(it->flow, code, out));
  PetscFunctionReturn(0);
}

/* Newton's method whose corrections are one solve with the assembled Jacobian. */
static PetscErrorCode create_assembled(MuIntegrator it) {
  DiscreteGradient *d = it->data;
  const MuNewtonSpec spec = {.prefix = "mudot_assembled_",
                             .residual = residual_function,
                             .precondition = apply_assembled,
                             .jacobian = setup_assembled,
                             .converged = converged_test,
                             .full_steps = PETSC_TRUE,
                             .linear = ASSEMBLED_LINEAR};
  KSP ksp;

  PetscFunctionBegin;
  if (it->kinds != MU_PART_TRANSPORT || !d->transport) PetscFunctionReturn(0);
  PetscCall(MuFaceJacobianCreate(it->flow, &d->jacobian));
  if (!d->jacobian) PetscFunctionReturn(0);
  PetscCall(MuTransportCreate(it->flow->grid, MU_TRANSPORT_COUPLED, &d->matrix));
  PetscCall(MuTransportSetTolerance(d->matrix, ASSEMBLED_LINEAR));
  PetscCall(MuNewtonCreate(it->flow->rho, &spec, it, &d->assembled));
  PetscCall(SNESSetTolerances(d->assembled, 0, 0, 0, ASSEMBLED_MOST, 1000000));
  PetscCall(SNESGetKSP(d->assembled, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(SNESSetFromOptions(d->assembled));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_inverse_preconditioner(MuIntegrator it) {
  DiscreteGradient *d = it->data;
  const MuGeometrySpec *g;
  MuPartTraits part;

  PetscFunctionBegin;
  if (it->flow->preimage || !(it->kinds & MU_PART_REACTION)) PetscFunctionReturn(0);
  PetscCall(MuGeometryGetSpec(it->flow->geometry, &g));
  for (PetscInt k = 0; k < g->parts && !d->convolution; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &part));
    if (!part.inverts_kernel) continue;
    d->inverse_weight = part.weight;
    d->inverse_ridge = part.ridge;
    PetscCall(MuConvolutionCreate(it->flow->grid, part.kernel, MU_CELLS, &d->convolution));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode discrete_gradient_create(MuIntegrator it) {
  MuFlow flow = it->flow;
  DiscreteGradient *d;
  PetscBool local;

  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  it->data = d;
  Vec *const all[] = {&d->start, &d->positive,  &d->middle,   &d->gradient, &d->preimage,
                      &d->image, &d->curvature, &d->diagonal, &d->work};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; ++k)
    PetscCall(MuGridCreateField(flow->grid, all[k]));
  PetscCall(MuGeometryTransportIsLocal(flow->geometry, &local));
  if ((it->kinds & MU_PART_TRANSPORT) && local) {
    PetscCall(MuLinearizationCreate(flow, &d->linearization));
    PetscCall(MuTransportCreate(flow->grid, MU_TRANSPORT_DIMENSION_SPLIT, &d->transport));
  }
  PetscCall(create_inverse_preconditioner(it));
  PetscCall(create_snes(it));
  PetscCall(create_assembled(it));
  if (!flow->multiplier && !flow->preimage)
    PetscCall(MuGridCreateField(flow->grid, &flow->multiplier));
  PetscCall(MuGeometrySetRidgeTolerance(flow->geometry, RIDGE_TOLERANCE));
  PetscFunctionReturn(0);
}

static PetscErrorCode discrete_gradient_destroy(MuIntegrator it) {
  DiscreteGradient *d = it->data;

  PetscFunctionBegin;
  if (!d) PetscFunctionReturn(0);
  Vec *const all[] = {&d->start, &d->positive,  &d->middle,   &d->gradient, &d->preimage,
                      &d->image, &d->curvature, &d->diagonal, &d->work};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; ++k) PetscCall(VecDestroy(all[k]));
  PetscCall(SNESDestroy(&d->snes));
  PetscCall(SNESDestroy(&d->assembled));
  PetscCall(MuTransportDestroy(&d->matrix));
  PetscCall(MuFaceJacobianDestroy(&d->jacobian));
  PetscCall(MuTransportDestroy(&d->transport));
  PetscCall(MuLinearizationDestroy(&d->linearization));
  PetscCall(MuConvolutionDestroy(&d->convolution));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* 1/(dt d), and z in empty cells: an explicit step, so that no cell begins between eta = 0 and
   rho_1 = 0. */
static PetscErrorCode begin_held(MuIntegrator it, Vec rho) {
  DiscreteGradient *d = it->data;
  PetscReal diagonal = 0, *z;
  const PetscReal *image;
  PetscErrorCode code;
  PetscBool failed;

  PetscFunctionBegin;
  d->held = 0;
  if (!it->flow->hold) PetscFunctionReturn(0);
  code = evaluate(it, rho, d->work);
  if (!code) code = MuFlowMeanDiagonal(it->flow, it->kinds, d->work, d->preimage, &diagonal);
  PetscCall(MuFlowCatch(it->flow, code, &failed));
  if (failed || !(diagonal > 0 && diagonal < PETSC_INFINITY)) PetscFunctionReturn(0);
  d->held = 1 / (d->dt * diagonal);
  PetscCall(VecGetArrayRead(d->image, &image));
  PetscCall(VecGetArray(rho, &z));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i)
    if (it->flow->info->mask[i] && z[i] == 0) z[i] = -d->dt * image[i];
  PetscCall(VecRestoreArray(rho, &z));
  PetscCall(VecRestoreArrayRead(d->image, &image));
  PetscFunctionReturn(0);
}

/* The residual of a held step is relative to z, whose negative part may be much larger than the
   mass: transport gets the mass back. */
static PetscErrorCode keep_mass(MuIntegrator it) {
  DiscreteGradient *d = it->data;
  PetscReal mass;

  PetscFunctionBegin;
  if (it->kinds & MU_PART_REACTION) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(it->flow->grid, d->positive, &mass));
  if (mass > 0) PetscCall(VecScale(d->positive, d->mass / mass));
  PetscFunctionReturn(0);
}

/* rho is left as it was where this does not converge, or to something negative. */
static PetscErrorCode solve_assembled(MuIntegrator it, Vec rho, PetscBool *solved) {
  DiscreteGradient *d = it->data;
  SNESConvergedReason reason = SNES_DIVERGED_FUNCTION_DOMAIN;
  PetscReal removed = 0;
  PetscBool failed;

  PetscFunctionBegin;
  *solved = PETSC_FALSE;
  d->systems = -1;
  if (!d->assembled || it->flow->hold) PetscFunctionReturn(0);
  d->held = 0;
  PetscErrorCode code = MuLinearizationFill(d->linearization, d->start, d->transport);
  PetscCall(MuFlowCatch(it->flow, code, &failed));
  if (!failed) {
    PetscCall(MuNewtonSolve(d->assembled, rho));
    PetscCall(SNESGetConvergedReason(d->assembled, &reason));
  }
  if (reason > 0) PetscCall(MuFlowPositivePart(it->flow, rho, rho, &removed));
  *solved = (PetscBool)(reason > 0 && removed <= ROUNDING * d->mass);
  if (*solved)
    PetscCall(SNESGetIterationNumber(d->assembled, &d->systems));
  else
    PetscCall(VecCopy(d->start, rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDiscreteGradientSystems(MuIntegrator it, PetscInt *systems) {
  *systems = ((DiscreteGradient *)it->data)->systems;
  return 0;
}

static PetscErrorCode discrete_gradient_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                                MuStepOutcome *outcome) {
  DiscreteGradient *d = it->data;
  SNESConvergedReason reason;
  PetscReal removed;
  PetscBool solved;

  PetscFunctionBegin;
  d->dt = dt;
  d->unsolved = PETSC_FALSE;
  *outcome = MU_STEP_OK;
  PetscCall(VecCopy(rho, d->start));
  PetscCall(MuGridIntegrate(it->flow->grid, rho, &d->mass));
  PetscCall(solve_assembled(it, rho, &solved));
  if (solved) PetscFunctionReturn(0);
  d->unsolved = PETSC_FALSE;
  PetscCall(setup_preconditioner(it));
  PetscCall(begin_held(it, rho));
  PetscCall(MuNewtonSolve(d->snes, rho));
  PetscCall(SNESGetConvergedReason(d->snes, &reason));
  *outcome = reason > 0 ? MU_STEP_OK : (d->unsolved ? MU_STEP_SOLVER : MU_STEP_DIVERGED);
  if (reason <= 0) PetscFunctionReturn(0);
  PetscCall(MuFlowPositivePart(it->flow, rho, d->positive, &removed));
  if (d->held > 0) PetscCall(MuFlowAddMultiplier(it->flow, dt * d->held, d->positive, rho));
  if (d->held > 0) PetscCall(keep_mass(it));
  if (d->held > 0 || removed <= ROUNDING * d->mass)
    PetscCall(VecCopy(d->positive, rho));
  else
    *outcome =
        MU_STEP_NEGATIVE; /* said here, before another piece of a splitting goes on with it */
  PetscFunctionReturn(0);
}

const MuIntegratorOps MuDiscreteGradientOps = {
    .name = "discrete_gradient",
    .formula = "(rho1 - rho0)/dt = -K((rho0 + rho1)/2) G(rho0, rho1): "
               "F1 - F0 = -dt <G, K G> exactly, order 2; where that leaves the densities, with "
               "rho1 >= 0 held",
    .order = 2,
    .exact_balance = PETSC_TRUE,
    .may_be_negative = PETSC_TRUE,
    .create = discrete_gradient_create,
    .advance = discrete_gradient_advance,
    .destroy = discrete_gradient_destroy,
};
