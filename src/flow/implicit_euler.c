/* Implicit Euler for transport: rho_1 + dt K(rho_1) DF(rho_1) = rho_0.

   Every iterate solves the M-matrix system (I + dt div J(rho^k)) rho^(k+1) = rho_0 of
   linearization.c: positive, with the mass of rho_0, and with the exact discrete flux at a fixed
   point. With kl, entropy and potential alone J is constant and one solve is the step. Otherwise
   the fixed-point map T is iterated while it contracts well; if it does not, Newton's method is
   applied to rho - T(rho) = 0 (PETSc SNES, matrix-free), whose Jacobian is close to the identity.
   In 2-D, where an evaluation of T is a whole solve, Newton's method takes the residual of the step
   itself: with an assembled Jacobian where the fluxes are local (local_newton.c), else, and where
   that fails, matrix-free, preconditioned by one line solve per axis with the same coefficients;
   one evaluation of T then has the last word. For convex F the energy cannot rise for any step:
   F(rho_1) - F(rho_0) <= <DF(rho_1), rho_1 - rho_0> <= 0.

   In a splitting a single pass from rho_0 (linearly implicit Euler, consistent of order one) is
   kept where no part of J is a nonlinear diffusion; the flow's energy guard watches it. Sources:
   Scharfetter and Gummel (1969); Maas (2011); Mielke (2011). */
#include "flow/flow_impl.h"
#include "flow/transport.h"
#include "flow/transport_impl.h"
#include "linear/newton.h"

#include <math.h>

#define FIXED_POINT_TOLERANCE 1e-12 /* L1 change over the mass */
#define CONTRACTION           0.3   /* above it Newton takes over */
#define FEW                   12    /* iterations before Newton is tried */
/* where Newton fails: near-empty cells, whose logarithmic mean has no useful derivative */
#define MANY 400

typedef struct {
  MuTransport transport;
  MuTransport lines;       /* preconditioner of the residual form in 2-D, or NULL */
  MuLocalNewton assembled; /* NULL: the Jacobian is known by differences alone */
  MuLinearization linearization;
  PetscBool constant, single_pass;
  /* Constant coefficients: factors are kept as long as dt differs by rounding. `reference` is the
     dt that they stand for and `stalled` what their transport remembers (both are memory);
     `factored` is the dt of those that are there. */
  PetscReal reference, factored;
  PetscBool stalled;
  PetscReal dt;
  Vec start, iterate, image, fallback;
  SNES snes;
  char solver[256];
} ImplicitEuler;

static PetscErrorCode set_reversible(MuIntegrator it) {
  ImplicitEuler *e = it->data;
  MuFlow flow = it->flow;
  PetscReal d;
  PetscBool only;
  Vec potential;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(flow->grid, &potential));
  PetscCall(MuEnergyLogarithmicPart(flow->energy, &d, potential, &only));
  PetscCall(VecScale(potential, -1 / d));
  PetscCall(MuTransportSetReversible(e->transport, potential));
  PetscCall(VecDestroy(&potential));
  PetscCall(MuLinearizationFill(e->linearization, flow->rho, e->transport));
  PetscCall(MuLinearizationDestroy(&e->linearization)); /* nothing changes any more */
  PetscFunctionReturn(0);
}

/* A linear solve that does not reach its tolerance is a numerical outcome: *failed, the same on
 * every rank, and a smaller step is tried. */
static PetscErrorCode solve_linear(MuIntegrator it, Vec from, Vec to, PetscBool *failed) {
  PetscErrorCode code =
      MuTransportSolve(((ImplicitEuler *)it->data)->transport, PETSC_FALSE, from, to);

  PetscFunctionBegin;
  PetscCall(MuFlowCatch(it->flow, code, failed));
  PetscFunctionReturn(0);
}

/* The same for the factors. */
static PetscErrorCode set_up(MuIntegrator it, MuTransport transport, PetscReal dt,
                             PetscBool *failed) {
  PetscErrorCode code = MuTransportSetUp(transport, dt);

  PetscFunctionBegin;
  PetscCall(MuFlowCatch(it->flow, code, failed));
  PetscFunctionReturn(0);
}

/* Fills and factors for the coefficients at rho. */
static PetscErrorCode linearize(MuIntegrator it, Vec rho, MuTransport transport, PetscReal dt,
                                PetscBool *failed) {
  PetscErrorCode code = MuFlowPoll(it->flow);
  if (!code) code = MuLinearizationFill(((ImplicitEuler *)it->data)->linearization, rho, transport);

  PetscFunctionBegin;
  PetscCall(MuFlowCatch(it->flow, code, failed));
  if (!*failed) PetscCall(set_up(it, transport, dt, failed));
  PetscFunctionReturn(0);
}

/* T(x): one solve with the coefficients at x. */
static PetscErrorCode apply_map(MuIntegrator it, Vec x, Vec y, PetscBool *failed) {
  ImplicitEuler *e = it->data;

  PetscFunctionBegin;
  PetscCall(linearize(it, x, e->transport, e->dt, failed));
  if (!*failed) PetscCall(solve_linear(it, e->start, y, failed));
  PetscFunctionReturn(0);
}

/* x - T(max(x, 0)) */
static PetscErrorCode map_residual(SNES snes, Vec x, Vec residual, void *ctx) {
  MuIntegrator it = ctx;
  ImplicitEuler *e = it->data;
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(MuFlowPositivePart(it->flow, x, e->image, NULL));
  PetscCall(apply_map(it, e->image, residual, &failed));
  if (failed) {
    PetscCall(SNESSetFunctionDomainError(snes));
    PetscCall(VecSet(residual, NAN));
  }
  PetscCall(VecAYPX(residual, -1, x));
  PetscFunctionReturn(0);
}

/* x - rho_0 + dt K(x) DF(x), K and DF at max(x, 0) */
static PetscErrorCode step_residual(SNES snes, Vec x, Vec residual, void *ctx) {
  MuIntegrator it = ctx;
  ImplicitEuler *e = it->data;
  MuFlow flow = it->flow;
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(MuFlowPositivePart(it->flow, x, e->image, NULL));
  /* no error may leave through SNES, which would count its nested solves wrongly ever after */
  PetscErrorCode code = MuFlowPoll(flow);
  if (!code) code = MuEnergyEvaluate(flow->energy, e->image, NULL, NULL, e->iterate, NULL);
  PetscCall(MuFlowCatch(flow, code, &failed));
  if (!failed) {
    PetscCall(MuGeometrySetState(flow->geometry, e->image));
    code = MuGeometryApply(flow->geometry, MU_PART_TRANSPORT, e->iterate, NULL, residual);
    PetscCall(MuFlowCatch(flow, code, &failed));
  }
  if (failed) {
    PetscCall(SNESSetFunctionDomainError(snes));
    PetscCall(VecSet(residual, NAN));
  }
  PetscCall(VecAYPX(residual, e->dt, x));
  PetscCall(VecAXPY(residual, -1, e->start));
  PetscFunctionReturn(0);
}

static PetscErrorCode setup_lines(SNES snes, Vec x, Mat jacobian, Mat preconditioner, void *ctx) {
  MuIntegrator it = ctx;
  ImplicitEuler *e = it->data;
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(MatMFFDComputeJacobian(snes, x, jacobian, preconditioner, NULL));
  PetscCall(MuFlowPositivePart(it->flow, x, e->image, NULL));
  PetscCall(linearize(it, e->image, e->lines, e->dt, &failed));
  if (failed) PetscCall(SNESSetJacobianDomainError(snes));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_lines(PC pc, Vec in, Vec out) {
  MuIntegrator it;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &it));
  PetscErrorCode code = MuTransportSolve(((ImplicitEuler *)it->data)->lines, PETSC_FALSE, in, out);
  PetscCall(MuFlowCatchField(it->flow, code, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_newton(MuIntegrator it) {
  ImplicitEuler *e = it->data;
  const MuNewtonSpec map = {
      .prefix = "mudot_euler_", .residual = map_residual, .linear = 1e-4, .forcing = PETSC_TRUE};
  const MuNewtonSpec step = {.prefix = "mudot_euler_",
                             .residual = step_residual,
                             .jacobian = setup_lines,
                             .precondition = apply_lines,
                             .linear = 1e-4,
                             .forcing = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(MuNewtonCreate(it->flow->rho, e->lines ? &step : &map, it, &e->snes));
  PetscCall(SNESSetMaxLinearSolveFailures(e->snes, 1000)); /* an inexact correction still helps */
  PetscCall(SNESSetFromOptions(e->snes));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_transport(MuIntegrator it) {
  ImplicitEuler *e = it->data;
  MuFlow flow = it->flow;
  MuTransportSolver solver = flow->spec.solver;
  PetscBool alone = (PetscBool)(it->kinds == MU_PART_TRANSPORT && !e->single_pass);
  const char *why = "asked for";
  char reason[MU_TRANSPORT_WHY] = "";

  PetscFunctionBegin;
  if (flow->info->dim == 1) {
    solver = MU_TRANSPORT_DIRECT;
    why = "one tridiagonal system in 1-D";
  } else if (solver == MU_TRANSPORT_AUTO && e->constant && alone) {
    PetscReal steps = flow->spec.end / flow->spec.step;
    PetscCall(MuTransportChoose(flow->grid, (PetscInt)PetscMin(steps, 1e9), &solver, reason));
    why = reason;
  } else if (solver == MU_TRANSPORT_AUTO) {
    solver = alone ? MU_TRANSPORT_COUPLED : MU_TRANSPORT_DIMENSION_SPLIT;
    why = it->tolerance > 0 ? "its error is extrapolated too"
          : alone           ? "coefficients change with the density"
                            : "of the same order in time as the splitting";
  }
  static const char *const names[] = {"auto", "coupled", "dimension_split", "direct"};
  if (reason[0])
    PetscCall(PetscSNPrintf(e->solver, sizeof e->solver, "; transport_solver %s", reason));
  else
    PetscCall(PetscSNPrintf(e->solver, sizeof e->solver, "; transport_solver %s: %s", names[solver],
                            why));
  PetscCall(MuTransportCreate(flow->grid, solver, &e->transport));
  if (it->tolerance > 0) PetscCall(MuTransportSetTolerance(e->transport, it->tolerance));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_common(MuIntegrator it, PetscBool in_splitting) {
  MuFlow flow = it->flow;
  ImplicitEuler *e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  it->data = e;
  if (it->kinds & MU_PART_REACTION)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: implicit_euler solves transport alone and the geometry has a "
                   "reaction part; use splitting, discrete_gradient or auto");
  PetscCall(MuLinearizationCreate(flow, &e->linearization));
  PetscCall(MuLinearizationIsConstant(e->linearization, &e->constant));
  PetscCall(MuLinearizationIsFrozen(e->linearization, &e->single_pass));
  e->single_pass = (PetscBool)(it->tolerance > 0 || (in_splitting && e->single_pass));
  PetscCall(create_transport(it));
  if (e->constant) PetscCall(set_reversible(it));
  PetscCall(MuGridCreateField(flow->grid, &e->start));
  PetscCall(MuGridCreateField(flow->grid, &e->iterate));
  PetscCall(MuGridCreateField(flow->grid, &e->image));
  PetscCall(MuGridCreateField(flow->grid, &e->fallback));
  if (!e->constant && !e->single_pass && flow->info->dim == 2)
    PetscCall(MuTransportCreate(flow->grid, MU_TRANSPORT_DIMENSION_SPLIT, &e->lines));
  if (e->lines) PetscCall(MuLocalNewtonCreate(flow, e->linearization, e->transport, &e->assembled));
  if (!e->constant) PetscCall(create_newton(it));
  PetscFunctionReturn(0);
}

static PetscErrorCode implicit_euler_create(MuIntegrator it) {
  PetscFunctionBegin;
  PetscCall(create_common(it, PETSC_FALSE));
  PetscFunctionReturn(0);
}

static PetscErrorCode split_transport_create(MuIntegrator it) {
  PetscFunctionBegin;
  PetscCall(create_common(it, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscErrorCode implicit_euler_destroy(MuIntegrator it) {
  ImplicitEuler *e = it->data;

  PetscFunctionBegin;
  if (!e) PetscFunctionReturn(0);
  PetscCall(SNESDestroy(&e->snes));
  PetscCall(MuLocalNewtonDestroy(&e->assembled));
  PetscCall(MuTransportDestroy(&e->transport));
  PetscCall(MuTransportDestroy(&e->lines));
  PetscCall(MuLinearizationDestroy(&e->linearization));
  PetscCall(VecDestroy(&e->start));
  PetscCall(VecDestroy(&e->iterate));
  PetscCall(VecDestroy(&e->image));
  PetscCall(VecDestroy(&e->fallback));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* rho <- T(rho) until the change is small; *converged is false when it contracts too slowly. */
static PetscErrorCode iterate_map(MuIntegrator it, Vec rho, PetscInt limit, PetscBool *converged) {
  ImplicitEuler *e = it->data;
  PetscReal mass, change, previous = PETSC_INFINITY;
  PetscBool failed;

  PetscFunctionBegin;
  *converged = PETSC_FALSE;
  PetscCall(MuGridIntegrate(it->flow->grid, e->start, &mass));
  for (PetscInt k = 0; k < limit; ++k) {
    PetscCall(apply_map(it, rho, e->iterate, &failed));
    if (failed) break;
    PetscCall(MuGridDistanceL1(it->flow->grid, rho, e->iterate, &change));
    PetscCall(VecCopy(e->iterate, rho));
    if (PetscIsInfOrNanReal(change)) break;
    if (change <= FIXED_POINT_TOLERANCE * mass) {
      *converged = PETSC_TRUE;
      PetscFunctionReturn(0);
    }
    if (limit == FEW && k > 1 && change > CONTRACTION * previous) PetscFunctionReturn(0);
    previous = change;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_newton(MuIntegrator it, Vec rho, PetscBool *converged) {
  ImplicitEuler *e = it->data;
  SNESConvergedReason reason;
  PetscReal norm;
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(VecNorm(rho, NORM_2, &norm));
  PetscCall(SNESSetTolerances(e->snes, 1e-11 * norm, 0, 1e-14, 25, 100000));
  PetscCall(MuNewtonSolve(e->snes, rho));
  PetscCall(SNESGetConvergedReason(e->snes, &reason));
  *converged = (PetscBool)(reason > 0);
  if (!*converged) PetscFunctionReturn(0);
  PetscCall(MuFlowPositivePart(it->flow, rho, rho, NULL));
  /* the last word is T's: positive, with the exact mass */
  PetscCall(apply_map(it, rho, e->iterate, &failed));
  if (failed)
    *converged = PETSC_FALSE;
  else
    PetscCall(VecCopy(e->iterate, rho));
  PetscFunctionReturn(0);
}

/* The same with the assembled Jacobian; rho is left as it was if it fails. */
static PetscErrorCode solve_assembled(MuIntegrator it, Vec rho, PetscBool *converged) {
  ImplicitEuler *e = it->data;
  PetscInt solves;
  PetscBool failed;

  PetscFunctionBegin;
  PetscErrorCode code = MuLocalNewtonSolve(e->assembled, e->dt, e->start, rho, &solves, converged);
  PetscCall(MuFlowCatch(it->flow, code, &failed));
  if (!failed && *converged) PetscCall(set_up(it, e->transport, e->dt, &failed));
  if (!failed && *converged) PetscCall(solve_linear(it, e->start, rho, &failed));
  *converged = (PetscBool)(*converged && !failed);
  if (!*converged) PetscCall(VecCopy(e->start, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode advance_constant(MuIntegrator it, Vec rho, PetscBool *failed) {
  ImplicitEuler *e = it->data;

  PetscFunctionBegin;
  if (PetscAbsReal(e->dt - e->reference) > 1e-12 * e->dt) {
    e->reference = e->dt;
    e->stalled = PETSC_FALSE;
  }
  if (e->factored != e->reference) {
    e->factored = 0;
    PetscCall(set_up(it, e->transport, e->reference, failed));
    if (*failed) PetscFunctionReturn(0);
    e->factored = e->reference;
  }
  e->transport->stalled = e->stalled;
  PetscCall(solve_linear(it, rho, rho, failed));
  e->stalled = e->transport->stalled;
  PetscFunctionReturn(0);
}

static PetscErrorCode implicit_euler_remember(MuIntegrator it, MuMemory *memory) {
  ImplicitEuler *e = it->data;
  memory->value[memory->count++] = e->reference;
  memory->value[memory->count++] = e->stalled;
  return 0;
}

static PetscErrorCode implicit_euler_recall(MuIntegrator it, MuMemory *memory) {
  ImplicitEuler *e = it->data;
  e->reference = memory->value[memory->count++];
  e->stalled = (PetscBool)(memory->value[memory->count++] != 0);
  return 0;
}

static PetscErrorCode implicit_euler_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                             MuStepOutcome *outcome) {
  ImplicitEuler *e = it->data;
  PetscBool converged, failed;

  PetscFunctionBegin;
  *outcome = MU_STEP_OK;
  e->dt = dt;
  if (e->constant) {
    PetscCall(advance_constant(it, rho, &failed));
    if (failed) *outcome = MU_STEP_DIVERGED;
    PetscFunctionReturn(0);
  }
  if (e->single_pass) {
    PetscCall(linearize(it, rho, e->transport, dt, &failed));
    if (!failed) PetscCall(solve_linear(it, rho, rho, &failed));
    if (failed) *outcome = MU_STEP_DIVERGED;
    PetscFunctionReturn(0);
  }
  PetscCall(VecCopy(rho, e->start));
  if (!e->lines) {
    PetscCall(iterate_map(it, rho, FEW, &converged));
    PetscCall(MuFlowInspect(it->flow, rho, outcome));
    if (converged || *outcome != MU_STEP_OK) PetscFunctionReturn(0);
  }
  if (e->assembled) {
    PetscCall(solve_assembled(it, rho, &converged));
    if (converged) PetscFunctionReturn(0);
  }
  PetscCall(VecCopy(rho, e->fallback));
  PetscCall(solve_newton(it, rho, &converged));
  if (converged) PetscFunctionReturn(0);
  PetscCall(VecCopy(e->fallback, rho));
  PetscCall(iterate_map(it, rho, MANY, &converged));
  if (!converged) *outcome = MU_STEP_DIVERGED;
  PetscFunctionReturn(0);
}

static PetscErrorCode implicit_euler_describe(MuIntegrator it, char *text, size_t length) {
  ImplicitEuler *e = it->data;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(text, e->solver, length));
  PetscFunctionReturn(0);
}

const MuIntegratorOps MuImplicitEulerOps = {
    .name = "implicit_euler",
    .formula = "transport: rho1 + dt K(rho1) DF(rho1) = rho0: positive, conservative, dissipative "
               "for any step, order 1",
    .order = 1,
    .create = implicit_euler_create,
    .advance = implicit_euler_advance,
    .destroy = implicit_euler_destroy,
    .remember = implicit_euler_remember,
    .recall = implicit_euler_recall,
    .describe = implicit_euler_describe,
};

const MuIntegratorOps MuSplitTransportOps = {
    .name = "implicit_euler",
    .formula = "implicit_euler as a substep: one linearly implicit pass where the drift is smooth",
    .order = 1,
    .create = split_transport_create,
    .advance = implicit_euler_advance,
    .destroy = implicit_euler_destroy,
    .remember = implicit_euler_remember,
    .recall = implicit_euler_recall,
    .describe = implicit_euler_describe,
};
