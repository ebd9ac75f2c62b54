/* Private to flow/. */
#ifndef MUDOT_FLOW_IMPL_H
#define MUDOT_FLOW_IMPL_H

#include "facts/facts.h"
#include "mudot.h"

#include "flow/cuts.h"
#include "flow/transport.h"
#include <petscts.h>

/* A numerical outcome of a step: the flow restores the state and tries a smaller one unless it is
 * OK. */
typedef enum {
  MU_STEP_OK,
  MU_STEP_DIVERGED,   /* a solver did not converge */
  MU_STEP_NEGATIVE,   /* the density became negative */
  MU_STEP_NOT_FINITE, /* NaN or infinity */
  MU_STEP_ENERGY,     /* the energy rose */
  MU_STEP_SOLVER,     /* an inner solve failed; its sentence is recorded */
  MU_STEP_STIFF,      /* too many inner steps; half the step would not be cheaper */
  MU_STEP_STOPPED     /* a signal asks to stop */
} MuStepOutcome;

typedef struct _p_MuIntegrator *MuIntegrator;

/* The numbers of an integrator that survive a step and change the bits of the next one: with the
 * density they are its whole state. Zeros are the memory of an integrator that has not begun. */
#define MU_MEMORY 8
typedef struct {
  PetscReal value[MU_MEMORY];
  PetscInt count;
} MuMemory;

/* Rows of a macro step: equidistant states, each as accurate as the last. */
#define MU_ROWS 4

/* A macro step that is tried, and what came of it. */
typedef struct {
  PetscReal step;     /* its length; the first one of an integrator may be made smaller */
  PetscBool cut;      /* it was made to fit a time, the integrator would have taken a longer one */
  PetscBool accepted; /* the error is within the tolerance: the rows are there */
  PetscReal error;    /* estimated, in L1 over the mass */
  PetscReal next;     /* length of what is to be tried next, after a rejection too */
  PetscInt substeps, touched, column; /* see MuEffort; column 0: stages, no tableau */
  MuStepOutcome outcome;
} MuLeap;

/* Accepted rows that are handed out one by one. */
typedef struct {
  PetscInt count, next; /* next: the first that has not been handed out */
  PetscReal slack;      /* within which a row is at the time that is asked for */
  PetscReal interval;   /* to that time from the one before it */
  PetscReal time[MU_ROWS], energy[MU_ROWS], terms[MU_ROWS][MU_MAX_TERMS];
  Vec state[MU_ROWS]; /* NULL: the integrator does not leap */
} MuRows;

/* One time integrator; it advances the parts of K that `kinds` names (MU_PART_*). */
typedef struct {
  const char *name;
  const char *formula;       /* for `mudot list schemes` */
  PetscInt order;            /* in time */
  PetscBool exact_balance;   /* default no: F1 - F0 = -dt <G, K G> in every step */
  PetscBool may_be_negative; /* default no: no step of any length is sure to be positive */
  /* REQUIRED: work space and plans; MU_ERR_INPUT if it does not fit the pair. */
  PetscErrorCode (*create)(MuIntegrator integrator);
  /* REQUIRED unless it leaps: rho(t) -> rho(t + dt) in place. On another outcome than OK rho is
     undefined. */
  PetscErrorCode (*advance)(MuIntegrator integrator, PetscReal dt, Vec rho, MuStepOutcome *outcome);
  /* OPTIONAL, in place of advance(), by an integrator that finds its own steps: tries a macro step
     of leap->step from rho, which stays as it is, and fills in the rest of leap; accepted: `row`
     has the states at its MU_ROWS equidistant points. */
  PetscErrorCode (*leap)(MuIntegrator integrator, Vec rho, Vec row[MU_ROWS], MuLeap *leap);
  /* OPTIONAL: frees data; default: nothing to free. */
  PetscErrorCode (*destroy)(MuIntegrator integrator);
  /* OPTIONAL, both or none: appends its memory; takes it back in the same order, from value[count].
     Default: no memory, advance() depends on dt and rho alone. */
  PetscErrorCode (*remember)(MuIntegrator integrator, MuMemory *memory);
  PetscErrorCode (*recall)(MuIntegrator integrator, MuMemory *memory);
  /* OPTIONAL: adds to the sentence of MuFlowGetScheme(); default: nothing. */
  PetscErrorCode (*describe)(MuIntegrator integrator, char *text, size_t length);
} MuIntegratorOps;

struct _p_MuIntegrator {
  const MuIntegratorOps *ops;
  MuFlow flow; /* borrowed */
  PetscInt kinds;
  PetscInt order; /* ops->order, or what create() found */
  PetscInt part;  /* closed_form: index of the one geometry part to advance, or MU_WHOLE */
  PetscInt term;  /* closed_form: index of the one energy term, MU_LOGARITHMIC_TERMS, or MU_WHOLE */
  /* as a substep of something more accurate: its own errors are to be below this part of the mass,
     and transport takes one linearly implicit pass; 0: it stands for itself */
  PetscReal tolerance;
  void *data;
};

#define MU_STIFFNESS_WHY 160

struct _p_MuFlow {
  MuGrid grid;
  const MuGridInfo *info;
  MuEnergy energy;
  MuGeometry geometry;
  MuFlowSpec spec;
  char scheme[32];
  MuIntegrator integrator;
  TS ts;
  Vec rho;    /* the state; the TS's solution */
  Vec before; /* the state before the step */
  Vec full;   /* adaptation: the full step */
  PetscReal time;
  PetscReal interval_end;  /* end of the interval that was begun; <= time: none is */
  PetscReal interval_step; /* its step */
  PetscReal adapted_step;  /* next step of the adaptation, next macro step; 0: not known */
  PetscReal halved_step;   /* the fixed step was halved to this, and is doubled again */
  PetscReal last_step;     /* size of the accepted step */
  PetscReal tried_step;    /* size of the last attempt */
  PetscBool at_start;      /* rho still is `before` */
  PetscBool stop;          /* MuFlowStop() */
  MuMemory memory;         /* the integrator's, before the step */
  MuRows rows;
  MuEffort effort;
  PetscInt accepted, rejected;
  MuCuts cuts;
  PetscBool hold; /* rho >= 0 is held as a constraint, see hold.c */
  Vec multiplier; /* dt eta of the step, 0 where rho >= 0 is not held; NULL: nothing holds it */
  Vec derivative; /* DF at rho while derivative_state is rho's object state, see MuFlowDerivative()
                   */
  PetscObjectState derivative_state;
  Vec derivative_before; /* DF at `before` while before_state is its object state; NULL: not kept */
  PetscObjectState before_state;
  PetscBool keep_derivative; /* the energy guard leaves DF for the next step */
  PetscBool unequal;         /* initial density and target differ in mass */
  PetscBool preimage;        /* DF = Kc eta with the geometry's kernel: no inverse is needed */
  MuStepOutcome outcome;     /* of the last attempt */
  char failure[512];         /* sentence of the solver that failed in it, or "" */
  PetscLogDouble step_began; /* by the clock */
  PetscBool stopped;         /* a signal has cut the step off */
  PetscReal energy_value, energy_scale;
  PetscReal energy_terms[MU_MAX_TERMS];
  MuStepCallback callback;
  void *callback_ctx;
  char why[512];
  char stiffness[MU_STIFFNESS_WHY]; /* what was measured to choose the scheme, or "" */
};

/* tolerance: see MuIntegrator. */
PetscErrorCode MuIntegratorCreate(MuFlow flow, const MuIntegratorOps *ops, PetscInt kinds,
                                  PetscReal tolerance, MuIntegrator *integrator);
PetscErrorCode MuIntegratorDestroy(MuIntegrator *integrator);
/* The memory of an integrator that has one, and back; see MuMemory. */
PetscErrorCode MuIntegratorRemember(MuIntegrator integrator, MuMemory *memory);
PetscErrorCode MuIntegratorRecall(MuIntegrator integrator, MuMemory *memory);
/* A step begins: *stop and the outcome MU_STEP_STOPPED if a signal asks to stop. Collective. */
PetscErrorCode MuFlowBeginStep(MuFlow flow, PetscBool *stop);
/* The step function of the TS: one accepted step towards ts->max_time, or
   TS_DIVERGED_STEP_REJECTED (step.c). */
PetscErrorCode MuFlowStep(TS ts);
/* The same for an integrator that leaps: the next row (leap.c). */
PetscErrorCode MuFlowStepRow(TS ts);
/* flow->rows, where the integrator leaps; Load drops them where it does not. */
PetscErrorCode MuFlowCreateRows(MuFlow flow);
PetscErrorCode MuFlowDestroyRows(MuFlow flow);
PetscErrorCode MuFlowSaveRows(MuFlow flow, MuCheckpoint checkpoint);
PetscErrorCode MuFlowLoadRows(MuFlow flow, MuCheckpoint checkpoint);
/* A step was taken after so many cuts. */
void MuFlowCountCuts(MuFlow flow, PetscInt times, PetscReal planned, PetscReal taken);
/* After attempts with negative densities, the smallest of which failed: *begun if rho >= 0 can be
   held from now on and was not before. Says so. Collective. */
PetscErrorCode MuFlowBeginHold(MuFlow flow, PetscBool *begun);
/* multiplier += factor (positive - z). */
PetscErrorCode MuFlowAddMultiplier(MuFlow flow, PetscReal factor, Vec positive, Vec z);
/* An estimate of the mean of K's diagonal, where the geometry stands, from one application to signs
   that are the same on every number of ranks. work, image: scratch. Collective. */
PetscErrorCode MuFlowMeanDiagonal(MuFlow flow, PetscInt kinds, Vec work, Vec image,
                                  PetscReal *mean);
/* An interval is cut into equal steps where it begins; one that was left half-way goes on. */
void MuFlowBeginInterval(MuFlow flow, PetscReal end);
/* Everything of the state at rho that is a function of rho and lives through a step. */
PetscErrorCode MuFlowEvaluateDerivative(MuFlow flow);
/* flow->energy_scale: the largest sum of absolute terms so far, what the rounding of F is a part
   of. */
PetscErrorCode MuFlowScaleEnergy(MuFlow flow);
/* Whether F, now `value` at rho, rose above `before` by more than rounding: 1e-11 energy_scale, and
   1e-14 of the unit of energy (|F(1.1 rho) - F| + |F(0.9 rho) - F|)/0.01, which does not vanish at
   an equilibrium; there rho changes by the rounding of a solve. False without the guard. If F rose
   at all the kept derivative is evaluated anew, for the bits of a restart; it is lost if F rises.
   Collective. */
PetscErrorCode MuFlowEnergyRises(MuFlow flow, Vec rho, PetscReal before, PetscReal value,
                                 PetscBool *rises);
/* MU_STOPPED if a signal asks to stop (record/interrupt.h) and the step has gone on for more than
   half a second; a shorter one comes to its end. For the loops within a step. Collective. */
PetscErrorCode MuFlowPoll(MuFlow flow);
/* For callbacks of PETSc's solvers, through which no error may pass: *failed and 0 for
   MU_ERR_NUMERICS, whose sentence is kept, and for MU_STOPPED; other codes as they are. Not
   collective. */
PetscErrorCode MuFlowCatch(MuFlow flow, PetscErrorCode code, PetscBool *failed);
/* The same for what fills `field`: NaN where it failed, by which the solver about it ends. */
PetscErrorCode MuFlowCatchField(MuFlow flow, PetscErrorCode code, Vec field);
/* A closed form of one part and one term (see the fields of MuIntegrator); *integrator is NULL if
 * there is none. */
PetscErrorCode MuClosedFormPieceCreate(MuFlow flow, PetscInt part, PetscInt term,
                                       MuIntegrator *integrator);
/* One positive step of first order of everything in `kinds`, as a substep of something more
   accurate: Lie, or transport alone; see MuIntegrator for the tolerance. */
PetscErrorCode MuFlowCreateSubstep(MuFlow flow, PetscInt kinds, PetscReal tolerance,
                                   MuIntegrator *integrator);
PetscErrorCode MuFlowConservesMass(MuFlow flow, PetscBool *conserves);
/* What `auto` takes for the reaction, and why (a static string). */
PetscErrorCode MuFlowChooseReaction(MuFlow flow, const MuIntegratorOps **ops, const char **why);
/* What `auto` takes for these parts, and why (a static string). */
PetscErrorCode MuFlowChooseScheme(MuFlow flow, PetscInt kinds, const MuIntegratorOps **ops,
                                  const char **why);
/* The same where the tolerance is given and no step: NULL if no scheme controls the error of these
   parts by itself; *why is then what is missing, "" for reactions alone, which have no need.
   Nonlocal transport is measured at flow->rho; *why then belongs to the flow. */
PetscErrorCode MuFlowChooseByTolerance(MuFlow flow, PetscInt kinds, const MuIntegratorOps **ops,
                                       const char **why);
/* The scheme of a name; NULL: auto. MU_ERR_INPUT: there is none. */
PetscErrorCode MuSchemeFind(const char *name, const MuIntegratorOps **ops);

/* to = max(from, 0); may be the same. `removed` (may be NULL) gets the mass taken away. */
PetscErrorCode MuFlowPositivePart(MuFlow flow, Vec from, Vec to, PetscReal *removed);

/* DF(rho), from the last evaluation if rho has not changed since: one convolution a step instead of
 * two. Borrowed. */
PetscErrorCode MuFlowDerivative(MuFlow flow, Vec rho, Vec *derivative);
/* DF at flow->before, NULL if `before` is another field or DF was not kept. Borrowed. */
PetscErrorCode MuFlowDerivativeBefore(MuFlow flow, Vec before, Vec *derivative);
/* flow->before = flow->rho, with DF where it is kept. */
PetscErrorCode MuFlowKeepBefore(MuFlow flow);
/* After rho was changed such that DF(rho) is `factor` times what it was; `known`: DF was known
 * before. */
PetscErrorCode MuFlowKnowsDerivative(MuFlow flow, Vec rho, PetscBool *known);
PetscErrorCode MuFlowScaleDerivative(MuFlow flow, Vec rho, PetscReal factor);

/* Closed forms of the reaction part (closed_form.c): whether there is one for the pair. */
PetscErrorCode MuClosedFormExists(MuFlow flow, PetscBool *exists);

/* OK, NEGATIVE or NOT_FINITE, the same on every rank. */
PetscErrorCode MuFlowInspect(MuFlow flow, Vec rho, MuStepOutcome *outcome);

extern const MuIntegratorOps MuImplicitEulerOps, MuClosedFormOps, MuLogDensityOps, MuSplittingOps,
    MuSplittingLieOps, MuDiscreteGradientOps, MuExtrapolationOps, MuRungeKuttaOps, MuProximalOps;
/* Whether explicit steps suit the flow from rho on: no accurate step is longer than a few stable
   ones, by the largest eigenvalue of the derivative of -K DF at rho and the error of one step; why
   gets what was measured. Collective. */
PetscErrorCode MuRungeKuttaSuits(MuFlow flow, PetscInt kinds, Vec rho, PetscBool *suits,
                                 char why[MU_STIFFNESS_WHY]);
/* discrete_gradient with proximal steps where it finds no density. Not in the table. */
extern const MuIntegratorOps MuGradientOrProximalOps;
/* Whether proximal steps fit the reaction. */
PetscErrorCode MuProximalFits(MuFlow flow, PetscBool *fits);
/* For tests of the orders: T_(k,k) of a flow that extrapolates, at the rows of one macro step from
   rho, whatever the tolerance. Collective. */
PetscErrorCode MuExtrapolationColumn(MuFlow flow, PetscInt k, PetscReal step, Vec rho,
                                     Vec row[MU_ROWS]);
/* For tests, of an integrator of discrete_gradient: how many linear systems with the assembled
   Jacobian its last step took, -1 if that Jacobian did not serve. Not collective. */
PetscErrorCode MuDiscreteGradientSystems(MuIntegrator integrator, PetscInt *systems);
/* implicit_euler as a substep: one linearly implicit pass where the drift is smooth. Not in the
 * table. */
extern const MuIntegratorOps MuSplitTransportOps;

/* Coefficients of the linearly implicit transport step at a density (linearization.c). */
typedef struct _p_MuLinearization *MuLinearization;
PetscErrorCode MuLinearizationCreate(MuFlow flow, MuLinearization *linearization);
PetscErrorCode MuLinearizationDestroy(MuLinearization *linearization);
/* Whether the coefficients do not depend on the density: Scharfetter-Gummel alone. */
PetscErrorCode MuLinearizationIsConstant(MuLinearization linearization, PetscBool *constant);
/* Whether all that depends on the density is smooth in it (no nonlinear diffusion): one pass is a
 * consistent step. */
PetscErrorCode MuLinearizationIsFrozen(MuLinearization linearization, PetscBool *frozen);
/* Fills the coefficients of `transport` such that (div J) rho = K_transport(rho) DF(rho) at this
 * rho. */
PetscErrorCode MuLinearizationFill(MuLinearization linearization, Vec rho, MuTransport transport);

/* Newton's method with an assembled Jacobian for implicit Euler (local_newton.c). *newton is NULL
   where the flux of a face is no function of the two densities beside it, and in 1-D. `exact` is
   borrowed as room for coefficients and has those at the solution in the end. Collective. */
typedef struct _p_MuLocalNewton *MuLocalNewton;
PetscErrorCode MuLocalNewtonCreate(MuFlow flow, MuLinearization linearization, MuTransport exact,
                                   MuLocalNewton *newton);
PetscErrorCode MuLocalNewtonDestroy(MuLocalNewton *newton);
/* Solves rho + dt div J(rho) = start from the guess rho >= 0, to 1e-12 of the mass in L1; *solves
   is the number of linear systems. Where *converged is false rho is the best iterate.
   MU_ERR_NUMERICS if a linear system has no solution. Collective. */
PetscErrorCode MuLocalNewtonSolve(MuLocalNewton newton, PetscReal dt, Vec start, Vec rho,
                                  PetscInt *solves, PetscBool *converged);

#endif
