/* The energy-dissipation balance along a flow, from the states alone: see mudot.h for what each
 * column is. */
#include "base/events.h"
#include "flow/flow_impl.h"
#include "mudot/extend.h"
#include "record/checkpoint.h"

#include <math.h>

struct _p_MuLedger {
  MuFlow flow;
  MuColumns columns;
  Vec velocity, gradient, image; /* of the step: -v, G, K G, so that nothing is negated */
  Vec preimage;                  /* where the flow has one, else NULL */
  PetscReal initial_energy, initial_mass, dissipated;
  PetscReal defect; /* of the last row */
  PetscReal energy; /* the same */
  PetscReal lambda; /* of the convexity, NaN: not known */
  PetscReal residual, bound;
  PetscReal worst_defect, worst_drift;
  PetscInt cut_off; /* steps whose R was cut off at the limit of its solve */
};

static PetscErrorCode create_columns(MuLedger l) {
  static const MuColumnRole first[] = {MU_COLUMN_TIME, MU_COLUMN_STEP, MU_COLUMN_ENERGY},
                            last[] = {MU_COLUMN_DISSIPATION_PRIMAL,
                                      MU_COLUMN_DISSIPATION_DUAL,
                                      MU_COLUMN_DISSIPATED,
                                      MU_COLUMN_BALANCE_DEFECT,
                                      MU_COLUMN_MASS,
                                      MU_COLUMN_MIN_DENSITY,
                                      MU_COLUMN_RESIDUAL};
  const char *const *terms;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetTerms(l->flow->energy, &count, &terms, NULL));
  PetscCall(MuColumnsCreate(NULL, &l->columns));
  for (size_t k = 0; k < sizeof first / sizeof *first; ++k)
    PetscCall(MuColumnsAdd(l->columns, first[k], NULL, NULL));
  for (PetscInt k = 0; k < count; ++k)
    PetscCall(MuColumnsAdd(l->columns, MU_COLUMN_ENERGY_TERM, terms[k], NULL));
  for (size_t k = 0; k < sizeof last / sizeof *last; ++k)
    PetscCall(MuColumnsAdd(l->columns, last[k], NULL, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerCreate(MuFlow flow, MuLedger *ledger) {
  MuLedger l;

  PetscFunctionBegin;
  PetscCall(PetscNew(&l));
  *ledger = l;
  l->flow = flow;
  l->lambda = NAN;
  PetscCall(create_columns(l));
  PetscCall(MuGridCreateField(flow->grid, &l->velocity));
  PetscCall(MuGridCreateField(flow->grid, &l->gradient));
  PetscCall(MuGridCreateField(flow->grid, &l->image));
  if (flow->preimage) PetscCall(MuGridCreateField(flow->grid, &l->preimage));
  if (flow->preimage && flow->keep_derivative && !flow->derivative_before)
    PetscCall(MuGridCreateField(flow->grid, &flow->derivative_before));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerDestroy(MuLedger *ledger) {
  MuLedger l = *ledger;

  PetscFunctionBegin;
  *ledger = NULL;
  if (!l) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&l->gradient));
  PetscCall(VecDestroy(&l->preimage));
  PetscCall(VecDestroy(&l->image));
  PetscCall(VecDestroy(&l->velocity));
  PetscCall(MuColumnsDestroy(&l->columns));
  PetscCall(PetscFree(l));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerSetConvexity(MuLedger l, PetscReal lambda) {
  PetscFunctionBegin;
  if (isnan(l->lambda)) PetscCall(MuColumnsAdd(l->columns, MU_COLUMN_DISTANCE_BOUND, NULL, NULL));
  l->lambda = lambda;
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerGetColumns(MuLedger ledger, MuColumns *columns) {
  *columns = ledger->columns;
  return 0;
}

/* Where products with DF overflow, in which inf - inf is NaN: where DF is e^350. */
#define OVERFLOWS 1e150

/* *potential is infinity if it is NaN from an overflow of G, K G or v; what else is NaN stays so
   and is seen. Collective. */
static PetscErrorCode settle(MuLedger l, PetscReal *potential) {
  const Vec fields[] = {l->gradient, l->image, l->velocity};
  PetscReal largest = 0;
  const PetscReal *x;

  PetscFunctionBegin;
  if (!isnan(*potential)) PetscFunctionReturn(0);
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k) {
    PetscCall(VecGetArrayRead(fields[k], &x));
    for (PetscInt i = 0; i < l->flow->info->local_size; ++i)
      if (fabs(x[i]) > largest) largest = fabs(x[i]);
    PetscCall(VecRestoreArrayRead(fields[k], &x));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPIU_REAL, MPI_MAX, l->flow->info->comm));
  if (largest > OVERFLOWS) *potential = INFINITY;
  PetscFunctionReturn(0);
}

/* K(mu) G into image, and R* = 1/2 <G, K G>. */
static PetscErrorCode dual_potential(MuLedger l, Vec mu, PetscReal *dual) {
  MuFlow flow = l->flow;

  PetscFunctionBegin;
  PetscCall(MuGeometrySetState(flow->geometry, mu));
  PetscCall(MuGeometryApply(flow->geometry, MU_PART_ALL, l->gradient, l->preimage, l->image));
  PetscCall(MuGridInner(flow->grid, l->gradient, l->image, dual));
  *dual *= 0.5;
  PetscCall(settle(l, dual));
  PetscFunctionReturn(0);
}

static PetscErrorCode smallest_density(MuFlow flow, Vec rho, PetscReal *smallest) {
  enum { LANES = 8 };
  const unsigned char *mask = flow->info->mask;
  const PetscInt n = flow->info->local_size;
  PetscReal lane[LANES];
  const PetscReal *x;
  PetscInt i = 0;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < LANES; ++l) lane[l] = PETSC_INFINITY;
  PetscCall(VecGetArrayRead(rho, &x));
  for (; i + LANES <= n; i += LANES)
    for (PetscInt l = 0; l < LANES; ++l) {
      PetscReal value = mask[i + l] ? x[i + l] : PETSC_INFINITY;
      lane[l] = value < lane[l] ? value : lane[l];
    }
  for (; i < n; ++i)
    if (mask[i]) lane[0] = PetscMin(lane[0], x[i]);
  PetscCall(VecRestoreArrayRead(rho, &x));
  *smallest = PETSC_INFINITY;
  for (PetscInt l = 0; l < LANES; ++l) *smallest = PetscMin(*smallest, lane[l]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, smallest, 1, MPIU_REAL, MPI_MIN, flow->info->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_row(MuLedger l, PetscReal time, PetscReal dt, PetscReal primal,
                               PetscReal dual, Vec rho, PetscReal row[]) {
  MuColumns c = l->columns;
  PetscReal energy, defect, mass;

  PetscFunctionBegin;
  PetscCall(MuFlowGetEnergy(l->flow, &energy, MuColumnsAt(c, row, MU_COLUMN_ENERGY_TERM)));
  PetscCall(MuGridIntegrate(l->flow->grid, rho, &mass));
  PetscCall(smallest_density(l->flow, rho, MuColumnsAt(c, row, MU_COLUMN_MIN_DENSITY)));
  defect = energy + l->dissipated - l->initial_energy;
  *MuColumnsAt(c, row, MU_COLUMN_TIME) = time;
  *MuColumnsAt(c, row, MU_COLUMN_STEP) = dt;
  *MuColumnsAt(c, row, MU_COLUMN_ENERGY) = energy;
  *MuColumnsAt(c, row, MU_COLUMN_DISSIPATION_PRIMAL) = primal;
  *MuColumnsAt(c, row, MU_COLUMN_DISSIPATION_DUAL) = dual;
  *MuColumnsAt(c, row, MU_COLUMN_DISSIPATED) = l->dissipated;
  *MuColumnsAt(c, row, MU_COLUMN_BALANCE_DEFECT) = defect;
  *MuColumnsAt(c, row, MU_COLUMN_MASS) = mass;
  *MuColumnsAt(c, row, MU_COLUMN_RESIDUAL) = l->residual;
  if (!isnan(l->lambda)) *MuColumnsAt(c, row, MU_COLUMN_DISTANCE_BOUND) = l->bound;
  l->energy = energy;
  l->defect = defect;
  l->worst_defect = PetscMax(l->worst_defect, PetscAbsReal(defect));
  l->worst_drift = PetscMax(l->worst_drift, PetscAbsReal(mass - l->initial_mass) / l->initial_mass);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerDual(MuLedger l, Vec rho, PetscReal *dual) {
  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(l->flow->energy, rho, NULL, NULL, l->gradient, l->preimage));
  PetscCall(dual_potential(l, rho, dual));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerGetStep(MuLedger l, Vec *velocity, Vec *force, Vec *force_image) {
  *velocity = l->velocity;
  *force = l->gradient;
  *force_image = l->image;
  return 0;
}

PetscErrorCode MuLedgerStart(MuLedger l, PetscReal row[]) {
  MuFlow flow = l->flow;
  PetscReal dual;

  PetscFunctionBegin;
  l->dissipated = l->worst_defect = l->worst_drift = l->residual = l->bound = 0;
  l->cut_off = 0;
  l->initial_energy = flow->energy_value;
  PetscCall(MuGridIntegrate(flow->grid, flow->rho, &l->initial_mass));
  PetscCall(MuLedgerDual(l, flow->rho, &dual));
  PetscCall(fill_row(l, flow->time, 0, dual, dual, flow->rho, row));
  PetscFunctionReturn(0);
}

/* The midpoint, where the geometry keeps its state, and -v. */
static PetscErrorCode begin_step(MuLedger l, PetscReal dt, Vec before, Vec after, Vec middle) {
  const PetscInt n = l->flow->info->local_size;
  const PetscReal inverse = 1 / dt;
  const PetscReal *x, *y;
  PetscReal *m, *v;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(before, &x));
  PetscCall(VecGetArrayRead(after, &y));
  PetscCall(VecGetArrayWrite(middle, &m));
  PetscCall(VecGetArrayWrite(l->velocity, &v));
  for (PetscInt i = 0; i < n; ++i) {
    m[i] = 0.5 * x[i] + 0.5 * y[i];
    v[i] = (x[i] - y[i]) * inverse;
  }
  PetscCall(VecRestoreArrayWrite(l->velocity, &v));
  PetscCall(VecRestoreArrayWrite(middle, &m));
  PetscCall(VecRestoreArrayRead(after, &y));
  PetscCall(VecRestoreArrayRead(before, &x));
  PetscFunctionReturn(0);
}

/* G, and its preimage. Where F is quadratic it is the mean of DF at both ends, if the flow has
   them: no convolution. */
static PetscErrorCode discrete_gradient(MuLedger l, Vec before, Vec after, Vec middle) {
  MuFlow flow = l->flow;
  PetscBool known = PETSC_FALSE;
  Vec last;

  PetscFunctionBegin;
  PetscCall(MuFlowDerivativeBefore(flow, before, &last));
  if (last) PetscCall(MuFlowKnowsDerivative(flow, after, &known));
  if (!known) {
    PetscCall(
        MuEnergyDiscreteGradientAt(flow->energy, before, after, middle, l->gradient, l->preimage));
    PetscFunctionReturn(0);
  }
  PetscCall(VecAXPBYPCZ(l->gradient, 0.5, 0.5, 0, last, flow->derivative));
  PetscCall(MuEnergyPreimage(flow->energy, middle, l->preimage));
  PetscFunctionReturn(0);
}

/* R's solve is asked for two digits of what the step adds to the balance defect, and for fewer if
   that is a small part of the defect so far. */
#define OF_DEFECT  1e-2
#define SMALL_PART 0.1

static PetscErrorCode primal_potential(MuLedger l, PetscReal dt, PetscReal *primal) {
  MuGeometry geometry = l->flow->geometry;
  PetscBool limited;

  PetscFunctionBegin;
  PetscCall(MuGeometrySetPrimalTolerance(geometry, OF_DEFECT, SMALL_PART * l->defect / dt));
  PetscCall(MuGeometryPrimal(geometry, l->velocity, l->gradient, l->image, primal));
  PetscCall(MuGeometrySetPrimalTolerance(geometry, 0, 0));
  PetscCall(settle(l, primal));
  PetscCall(MuGeometryGetPrimalReport(geometry, NULL, &limited));
  l->cut_off += limited ? 1 : 0;
  PetscFunctionReturn(0);
}

/* G - eta where rho >= 0 was held; *power = <eta, v>. */
static PetscErrorCode subtract_multiplier(MuLedger l, PetscReal dt, PetscReal *power) {
  MuFlow flow = l->flow;

  PetscFunctionBegin;
  *power = 0;
  if (!flow->hold) PetscFunctionReturn(0);
  PetscCall(VecAXPY(l->gradient, -1 / dt, flow->multiplier));
  PetscCall(MuGridInner(flow->grid, flow->multiplier, l->velocity, power));
  *power /= -dt;
  PetscFunctionReturn(0);
}

/* |v + K G| in the metric of K, from 1/2 |v + K G|^2 = R + R* + <G, v>, <G, v> = (F_1 - F_0)/dt
   less `power`, and the bound that it makes with what is constant over the step. */
static PetscErrorCode take_residual(MuLedger l, PetscReal dt, PetscReal sum, PetscReal power) {
  PetscReal energy;

  PetscFunctionBegin;
  PetscCall(MuFlowGetEnergy(l->flow, &energy, NULL));
  const PetscReal square = 2 * (sum + (energy - l->energy) / dt - power), x = l->lambda * dt;
  const PetscReal weight = fabs(x) > 1e-8 ? -expm1(-x) / x : 1 - x / 2;
  l->residual = square < 0 ? 0 : isinf(sum) ? INFINITY : PetscSqrtReal(square);
  l->bound = exp(-x) * l->bound + dt * weight * l->residual;
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerStep(MuLedger l, PetscReal time, PetscReal dt, Vec before, Vec after,
                            PetscReal row[]) {
  PetscReal primal, dual, power;
  Vec middle;

  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_LEDGER));
  PetscCall(MuGeometryGetState(l->flow->geometry, &middle));
  PetscCall(begin_step(l, dt, before, after, middle));
  PetscCall(discrete_gradient(l, before, after, middle));
  PetscCall(subtract_multiplier(l, dt, &power));
  PetscCall(dual_potential(l, middle, &dual));
  PetscCall(primal_potential(l, dt, &primal));
  l->dissipated += dt * (primal + dual);
  PetscCall(take_residual(l, dt, primal + dual, power));
  PetscCall(fill_row(l, time, dt, primal, dual, after, row));
  PetscCall(MuEventEnd(MU_EVENT_LEDGER));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerGetWorst(MuLedger ledger, PetscReal *defect, PetscReal *mass_drift) {
  if (defect) *defect = ledger->worst_defect;
  if (mass_drift) *mass_drift = ledger->worst_drift;
  return 0;
}

PetscErrorCode MuLedgerGetCutOff(MuLedger ledger, PetscInt *steps) {
  *steps = ledger->cut_off;
  return 0;
}

enum { NUMBERS = 9 };

/* The numbers that are kept, by name; energy and defect are those of the last row, which may be
   older than the state. */
static void list_numbers(MuLedger l, MuNamedNumber list[NUMBERS + 1]) {
  const MuNamedNumber all[NUMBERS + 1] = {{"initial_energy", .real = &l->initial_energy},
                                          {"initial_mass", .real = &l->initial_mass},
                                          {"dissipated", .real = &l->dissipated},
                                          {"worst_defect", .real = &l->worst_defect},
                                          {"worst_drift", .real = &l->worst_drift},
                                          {"cut_off", .count = &l->cut_off},
                                          {"bound", .real = &l->bound},
                                          {"energy", .real = &l->energy},
                                          {"defect", .real = &l->defect}};
  memcpy(list, all, sizeof all);
}

PetscErrorCode MuLedgerSave(MuLedger l, MuCheckpoint checkpoint) {
  MuNamedNumber list[NUMBERS + 1];

  PetscFunctionBegin;
  list_numbers(l, list);
  PetscCall(MuCheckpointPutNamed(checkpoint, "ledger", list));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerLoad(MuLedger l, MuCheckpoint checkpoint) {
  MuNamedNumber list[NUMBERS + 1];

  PetscFunctionBegin;
  list_numbers(l, list);
  PetscCall(MuCheckpointGetNamed(checkpoint, "ledger", list));
  PetscFunctionReturn(0);
}
