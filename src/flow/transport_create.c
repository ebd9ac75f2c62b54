/* The table of linear transport solvers, and which of them is the quickest. */
#include "flow/transport_impl.h"

#include <math.h>

static const MuTransportOps *const solvers[] = {[MU_TRANSPORT_AUTO] = &MuTransportCoupled,
                                                [MU_TRANSPORT_COUPLED] = &MuTransportCoupled,
                                                [MU_TRANSPORT_DIMENSION_SPLIT] = &MuTransportSplit,
                                                [MU_TRANSPORT_DIRECT] = &MuTransportDirect};

PetscErrorCode MuTransportCreate(MuGrid grid, MuTransportSolver solver, MuTransport *transport) {
  MuTransport t;
  const MuGridInfo *info;

  PetscFunctionBegin;
  *transport = NULL;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(PetscNew(&t));
  PetscCall(MuGridReference(grid));
  t->grid = grid;
  t->info = info;
  t->tolerance = 1e-12;
  t->ops = info->dim == 1 ? &MuTransportSplit : solvers[solver];
  for (PetscInt axis = 0; axis < info->dim; ++axis) {
    PetscCall(MuGridCreateField(grid, &t->a[axis]));
    PetscCall(MuGridCreateField(grid, &t->b[axis]));
  }
  PetscCall(MuGridCreateField(grid, &t->minus_potential));
  PetscCall(PetscCalloc1(info->row_length, &t->below));
  PetscCall(MuTransportLabel(t));
  PetscCall(t->ops->create(t));
  *transport = t;
  PetscFunctionReturn(0);
}

/* Seconds, from runs with dt |L| between 1 and 1e6 on one core (64^2 to 1024^2): `coupled` takes
   1.5e-7 per cell and step; `direct` 2.2e-8 n^1.5 for the factors and 3.5e-8 n (n/65536)^0.35 per
   step. On several ranks `coupled` shares its cells and waits for some hundred messages a step;
   `direct` works on the first rank, to which 2e-8 a cell and step are added for the way. */
PetscErrorCode MuTransportChoose(MuGrid grid, PetscInt steps, MuTransportSolver *solver,
                                 char why[MU_TRANSPORT_WHY]) {
  const MuGridInfo *info;
  char where[32] = "";

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  const PetscReal n = info->cells[0] * (PetscReal)info->cells[1];
  const PetscBool several = (PetscBool)(info->size > 1);
  const PetscReal coupled = 1.5e-7 * n / info->size + (several ? 2e-3 : 0);
  const PetscReal factors = 2.2e-8 * n * sqrt(n);
  const PetscReal direct = 3.5e-8 * n * pow(n / 65536, 0.35) + (several ? 2e-8 * n : 0);
  if (several) PetscCall(PetscSNPrintf(where, sizeof where, " on %d ranks", info->size));
  *solver = MU_TRANSPORT_COUPLED;
  if (info->dim == 1) {
    PetscCall(PetscSNPrintf(why, MU_TRANSPORT_WHY,
                            "coupled: in 1-D every solver is one tridiagonal solve"));
  } else if (factors + steps * direct < steps * coupled) {
    *solver = MU_TRANSPORT_DIRECT;
    PetscCall(PetscSNPrintf(why, MU_TRANSPORT_WHY,
                            "direct: factors in about %.2g s pay off over %d steps%s (about %.2g s "
                            "per step, coupled %.2g s)",
                            factors, (int)steps, where, direct, coupled));
  } else {
    PetscCall(PetscSNPrintf(why, MU_TRANSPORT_WHY,
                            "coupled: %d steps%s of about %.2g s are not worth factors in about "
                            "%.2g s (then %.2g s per step)",
                            (int)steps, where, coupled, factors, direct));
  }
  PetscFunctionReturn(0);
}
