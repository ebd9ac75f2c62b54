/* The energy-dissipation balance along a flow, from the states alone: see mudot.h for what each
 * column is. */
#include "base/events.h"
#include "flow/flow_impl.h"
#include "record/checkpoint.h"

#include <math.h>

struct _p_MuLedger {
  MuFlow flow;
  MuColumns columns;
  Vec middle, gradient, preimage, image, velocity;
  PetscReal initial_energy, initial_mass, dissipated;
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
                                      MU_COLUMN_MIN_DENSITY};
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
  PetscCall(create_columns(l));
  PetscCall(MuGridCreateField(flow->grid, &l->middle));
  PetscCall(MuGridCreateField(flow->grid, &l->gradient));
  PetscCall(MuGridCreateField(flow->grid, &l->preimage));
  PetscCall(MuGridCreateField(flow->grid, &l->image));
  PetscCall(MuGridCreateField(flow->grid, &l->velocity));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerDestroy(MuLedger *ledger) {
  MuLedger l = *ledger;

  PetscFunctionBegin;
  *ledger = NULL;
  if (!l) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&l->middle));
  PetscCall(VecDestroy(&l->gradient));
  PetscCall(VecDestroy(&l->preimage));
  PetscCall(VecDestroy(&l->image));
  PetscCall(VecDestroy(&l->velocity));
  PetscCall(MuColumnsDestroy(&l->columns));
  PetscCall(PetscFree(l));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerGetColumns(MuLedger ledger, MuColumns *columns) {
  *columns = ledger->columns;
  return 0;
}

/* K(middle) G into image, and R* = 1/2 <G, K G>. */
static PetscErrorCode dual_potential(MuLedger l, PetscReal *dual) {
  MuFlow flow = l->flow;

  PetscFunctionBegin;
  PetscCall(MuGeometrySetState(flow->geometry, l->middle));
  PetscCall(MuGeometryApply(flow->geometry, MU_PART_ALL, l->gradient,
                            l->flow->preimage ? l->preimage : NULL, l->image));
  PetscCall(MuGridInner(flow->grid, l->gradient, l->image, dual));
  *dual *= 0.5;
  if (isnan(*dual)) *dual = INFINITY; /* it overflows, where DF is e^700 */
  PetscFunctionReturn(0);
}

static PetscErrorCode smallest_density(MuFlow flow, Vec rho, PetscReal *smallest) {
  const PetscReal *x;

  PetscFunctionBegin;
  *smallest = PETSC_INFINITY;
  PetscCall(VecGetArrayRead(rho, &x));
  for (PetscInt i = 0; i < flow->info->local_size; ++i)
    if (flow->info->mask[i]) *smallest = PetscMin(*smallest, x[i]);
  PetscCall(VecRestoreArrayRead(rho, &x));
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
  l->worst_defect = PetscMax(l->worst_defect, PetscAbsReal(defect));
  l->worst_drift = PetscMax(l->worst_drift, PetscAbsReal(mass - l->initial_mass) / l->initial_mass);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerDual(MuLedger l, Vec rho, PetscReal *dual) {
  PetscFunctionBegin;
  PetscCall(VecCopy(rho, l->middle));
  PetscCall(MuEnergyEvaluate(l->flow->energy, rho, NULL, NULL, l->gradient,
                             l->flow->preimage ? l->preimage : NULL));
  PetscCall(dual_potential(l, dual));
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
  l->dissipated = l->worst_defect = l->worst_drift = 0;
  l->cut_off = 0;
  l->initial_energy = flow->energy_value;
  PetscCall(MuGridIntegrate(flow->grid, flow->rho, &l->initial_mass));
  PetscCall(MuLedgerDual(l, flow->rho, &dual));
  PetscCall(fill_row(l, flow->time, 0, dual, dual, flow->rho, row));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerStep(MuLedger l, PetscReal time, PetscReal dt, Vec before, Vec after,
                            PetscReal row[]) {
  MuFlow flow = l->flow;
  PetscReal primal, dual;
  PetscInt iterations;
  PetscBool limited;

  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_LEDGER));
  PetscCall(VecCopy(before, l->middle));
  PetscCall(VecAXPBY(l->middle, 0.5, 0.5, after));
  PetscCall(VecWAXPY(l->velocity, -1, before, after));
  PetscCall(VecScale(l->velocity, 1 / dt));
  PetscCall(MuEnergyDiscreteGradient(flow->energy, before, after, l->gradient,
                                     l->flow->preimage ? l->preimage : NULL));
  PetscCall(dual_potential(l, &dual));
  PetscCall(VecScale(l->gradient, -1));
  PetscCall(VecScale(l->image, -1));
  PetscCall(MuGeometryPrimal(flow->geometry, l->velocity, l->gradient, l->image, &primal));
  if (isnan(primal)) primal = INFINITY;
  PetscCall(MuGeometryGetPrimalReport(flow->geometry, &iterations, &limited));
  l->cut_off += limited ? 1 : 0;
  l->dissipated += dt * (primal + dual);
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

enum { NUMBERS = 6 };

PetscErrorCode MuLedgerSave(MuLedger l, MuCheckpoint checkpoint) {
  const PetscReal numbers[NUMBERS] = {l->initial_energy, l->initial_mass, l->dissipated,
                                      l->worst_defect,   l->worst_drift,  (PetscReal)l->cut_off};

  PetscFunctionBegin;
  PetscCall(MuCheckpointPutNumbers(checkpoint, "ledger", NUMBERS, numbers));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerLoad(MuLedger l, MuCheckpoint checkpoint) {
  PetscReal numbers[NUMBERS];

  PetscFunctionBegin;
  PetscCall(MuCheckpointGetNumbers(checkpoint, "ledger", NUMBERS, numbers));
  l->initial_energy = numbers[0];
  l->initial_mass = numbers[1];
  l->dissipated = numbers[2];
  l->worst_defect = numbers[3];
  l->worst_drift = numbers[4];
  l->cut_off = (PetscInt)numbers[5];
  PetscFunctionReturn(0);
}
