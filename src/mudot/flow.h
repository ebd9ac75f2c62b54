/* Flows in time, and the ledger of their energy-dissipation balance. */
#ifndef MUDOT_FLOW_H
#define MUDOT_FLOW_H

#include "mudot/columns.h"
#include "mudot/energy.h"
#include "mudot/geometry.h"

/* Rows of the table of what there is, see MuTableRow. */
PetscErrorCode MuSchemeGetTableRow(PetscInt i, const char **name, const char **formula);

/* How a 2-D transport step is solved. */
typedef enum {
  MU_TRANSPORT_AUTO,
  MU_TRANSPORT_COUPLED,
  MU_TRANSPORT_DIMENSION_SPLIT,
  MU_TRANSPORT_DIRECT
} MuTransportSolver;

/* What tolerances extrapolation takes: below the first rounding is larger. */
#define MU_LEAST_TOLERANCE 1e-11
#define MU_MOST_TOLERANCE  0.1
/* No tolerance of a step may be smaller: it would be rounding. */
#define MU_ROUNDING_TOLERANCE 1e-14

typedef struct _p_MuFlow *MuFlow;

/* How a flow is integrated in time. */
typedef struct {
  const char *scheme;  /* a name of the scheme table; "auto" chooses */
  PetscReal step;      /* largest step; the interval between output times is cut evenly. > 0 */
  PetscBool free_step; /* `step` was chosen by nobody: a scheme that controls its error takes no
                          bound from it, and auto prefers such a scheme where there is transport */
  PetscBool adapt; /* step doubling: |full - two halves|_L1 / (2^order - 1) <= tolerance * mass */
  PetscReal tolerance;      /* of adapt and extrapolation: the error of a step in L1 over the mass;
                               and of the inner Runge-Kutta steps of log_density; > 0 */
  MuTransportSolver solver; /* of 2-D transport steps */
  PetscReal end;            /* end time: lets `auto` count the steps. > 0 */
  PetscBool guard;          /* reject steps that raise the energy beyond rounding (default true) */
} MuFlowSpec;

/* scheme auto, step 0 (must be set), no adaptation, tolerance 1e-8, solver auto, guard. */
void MuFlowSpecDefault(MuFlowSpec *spec);

/* A flow of `energy` along `geometry` from the density `initial` (copied) at time 0. Chooses the
   scheme, makes all work space and plans. References what it is given. Collective. MU_ERR_INPUT: a
   scheme that does not fit the pair (the sentence says which does), a face mean that does not fit
   the energy, a geometry that needs an inverse which there is not (MuGeometryCheckInvertible()). */
PetscErrorCode MuFlowCreate(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec initial,
                            const MuFlowSpec *spec, MuFlow *flow);
PetscErrorCode MuFlowDestroy(MuFlow *flow);

/* Called after every accepted step with the densities before and after (borrowed). */
typedef PetscErrorCode (*MuStepCallback)(void *ctx, MuFlow flow, PetscReal time, PetscReal dt,
                                         Vec before, Vec after);
PetscErrorCode MuFlowSetStepCallback(MuFlow flow, MuStepCallback callback, void *ctx);

/* Integrates to exactly `time`. Collective. MU_ERR_NUMERICS: the reason; the flow then stays at its
 * last good state. Another code where a signal that the run of a case or a study has caught cut a
 * long step off: the same. */
PetscErrorCode MuFlowAdvance(MuFlow flow, PetscReal time);

/* From the step callback: MuFlowAdvance() returns after this step. The next MuFlowAdvance() to the
   same time goes on with the same steps as if it had not stopped. Collective. */
PetscErrorCode MuFlowStop(MuFlow flow);

/* The time and the density reached; borrowed, read only. */
PetscErrorCode MuFlowGetState(MuFlow flow, PetscReal *time, Vec *density);
/* Restarts from another density (copied) at another time, without building anything anew.
 * Collective. */
PetscErrorCode MuFlowSetState(MuFlow flow, PetscReal time, Vec density);
/* F at the state; terms (NULL or [terms]) as in MuEnergyEvaluate(). Collective. */
PetscErrorCode MuFlowGetEnergy(MuFlow flow, PetscReal *value, PetscReal terms[]);
/* Name of the scheme in use, its order in time, and a sentence that says what was chosen and why.
 * Borrowed. */
PetscErrorCode MuFlowGetScheme(MuFlow flow, const char **name, PetscInt *order, const char **why);
/* Accepted and rejected steps so far. */
PetscErrorCode MuFlowGetSteps(MuFlow flow, PetscInt *accepted, PetscInt *rejected);

/* Whether the scheme has an error control of its own (extrapolation): steps in leaps of several
   rows, to the tolerance of the spec. */
PetscErrorCode MuFlowLeaps(MuFlow flow, PetscBool *leaps);
/* What such a scheme has done so far; zeros for others. */
typedef struct {
  PetscInt leaps;           /* macro steps */
  PetscInt substeps;        /* in all attempts, those of rejected ones too */
  PetscInt lowest, highest; /* columns at which they were accepted */
  PetscInt touched;         /* cells that were not positive and took a lower order */
  PetscReal error; /* sum of the estimated errors of the macro steps, in L1 over the mass */
} MuEffort;
PetscErrorCode MuFlowGetEffort(MuFlow flow, MuEffort *effort);
/* Whether the scheme keeps the balance of energy and dissipation exactly, step by step. */
PetscErrorCode MuFlowHasExactBalance(MuFlow flow, PetscBool *exact);
/* Whether, since a time at which the solution left the densities, rho >= 0 is held as a constraint:
   d rho/dt = -K (DF - eta), eta >= 0, eta rho = 0, the gradient flow of F plus the indicator of the
   densities. A ledger then has G - eta in place of G, and the balance of that. */
PetscErrorCode MuFlowIsHeld(MuFlow flow, PetscBool *held);
/* The parts; borrowed. */
PetscErrorCode MuFlowGetParts(MuFlow flow, MuGrid *grid, MuEnergy *energy, MuGeometry *geometry);

typedef struct _p_MuCheckpoint *MuCheckpoint; /* record/checkpoint.h */

/* Puts the complete state between two steps into a checkpoint: the density, the numbers of the step
   control and those that the integrator keeps from step to step. A flow made from the same case on
   the same number of ranks that takes it back goes on with the same bits, on another number of
   ranks to rounding. Callable from the step callback. Collective. */
PetscErrorCode MuFlowSave(MuFlow flow, MuCheckpoint checkpoint);
/* MU_ERR_FILE: the checkpoint is not one of a flow on this grid. */
PetscErrorCode MuFlowLoad(MuFlow flow, MuCheckpoint checkpoint);

/* The energy-dissipation balance along a flow. Row n >= 1 belongs to the step from t_(n-1) to t_n,
   with v = (mu_n - mu_(n-1))/dt, the midpoint mu = (mu_(n-1) + mu_n)/2 and G the discrete gradient
   of F over the step (<G, mu_n - mu_(n-1)> = F_n - F_(n-1)): dissipation_dual   = R*(mu, -G) = 1/2
   <G, K(mu) G> dissipation_primal = R(mu, v), from v alone by solving K zeta = v, or as
   MuGeometryGetPrimalMethod() says dissipated         = running sum of dt (R + R*), balance_defect
   = F_n + dissipated - F_0. By the Fenchel-Young inequality each step adds 1/2 <v + KG, K^(-1)(v +
   KG)> >= 0 to the defect: it vanishes if and only if the step solves the flow. Row 0 has dt = 0
   and both potentials at mu_0 with v = -K DF. */
typedef struct _p_MuLedger *MuLedger;

/* References the flow. Collective. */
PetscErrorCode MuLedgerCreate(MuFlow flow, MuLedger *ledger);
PetscErrorCode MuLedgerDestroy(MuLedger *ledger);
/* F is lambda-convex along the geometry: a column distance_bound, int_0^t e^(-lambda (t - s))
   residual(s) ds, which bounds the distance in the metric of K between the densities of the steps,
   joined by lines, and the exact flow on the grid. Before the columns are asked for. */
PetscErrorCode MuLedgerSetConvexity(MuLedger ledger, PetscReal lambda);
/* t, dt, energy, energy_NAME ..., dissipation_primal, dissipation_dual, dissipated, balance_defect,
   mass, min_density, residual (2 (R + R* + <G, v>))^(1/2) = |v + K G| in the metric of K, and where
   it was asked for distance_bound: a row of the functions below has as many numbers. Borrowed. */
PetscErrorCode MuLedgerGetColumns(MuLedger ledger, MuColumns *columns);
/* Row 0, at the flow's state. Collective. */
PetscErrorCode MuLedgerStart(MuLedger ledger, PetscReal row[]);
/* The row of the step that ended at `time`. Collective. */
PetscErrorCode MuLedgerStep(MuLedger ledger, PetscReal time, PetscReal dt, Vec before, Vec after,
                            PetscReal row[]);
/* R*(rho, -DF(rho)) at any density, not a part of the ledger. Collective. */
PetscErrorCode MuLedgerDual(MuLedger ledger, Vec rho, PetscReal *dual);
/* Of the last step: -v, G and K G at the midpoint, at which the flow's geometry then stands.
   Borrowed, read only. Not collective. */
PetscErrorCode MuLedgerGetStep(MuLedger ledger, Vec *velocity, Vec *force, Vec *force_image);
/* Worst |balance_defect| and worst relative mass drift so far. */
PetscErrorCode MuLedgerGetWorst(MuLedger ledger, PetscReal *defect, PetscReal *mass_drift);
/* Number of steps whose R is only a lower bound because its solve was cut off. */
PetscErrorCode MuLedgerGetCutOff(MuLedger ledger, PetscInt *steps);
/* The running sums, with the flow's checkpoint; MuLedgerLoad() stands in for MuLedgerStart().
   Collective. */
PetscErrorCode MuLedgerSave(MuLedger ledger, MuCheckpoint checkpoint);
PetscErrorCode MuLedgerLoad(MuLedger ledger, MuCheckpoint checkpoint);

#endif
