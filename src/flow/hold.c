/* rho >= 0 as a constraint.

   K of mmd, normalized_mmd, the flat geometries and mobilities of a power below 1 does not vanish
   with the density, and nothing in d rho/dt = -K DF keeps rho >= 0 where DF is finite at 0: the
   solution leaves the densities in finite time, on any grid, with any step. The gradient flow on
   the densities is then that of F plus their indicator: d rho/dt = -K (DF - eta), eta >= 0, eta rho
   = 0, the limit of the minimising movements over rho >= 0. A flow goes over to it where even the
   smallest of its steps becomes negative, and says so. */
#include "flow/flow_impl.h"
#include "output/terminal.h"

#include <stdint.h>

PetscErrorCode MuFlowIsHeld(MuFlow flow, PetscBool *held) {
  *held = flow->hold;
  return 0;
}

PetscErrorCode MuFlowBeginHold(MuFlow flow, PetscBool *begun) {
  PetscFunctionBegin;
  *begun = PETSC_FALSE;
  if (flow->hold || !flow->multiplier) PetscFunctionReturn(0);
  flow->hold = PETSC_TRUE;
  *begun = PETSC_TRUE;
  PetscCall(
      MuWarn(flow->info->comm,
             "at t = %g the solution leaves the densities, which this geometry and energy do "
             "not forbid (even a step of %.3g makes it negative): from there rho >= 0 is held "
             "as a constraint, and the balance is that of the energy with the constraint",
             flow->time, flow->tried_step));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowAddMultiplier(MuFlow flow, PetscReal factor, Vec positive, Vec z) {
  PetscFunctionBegin;
  PetscCall(VecAXPBYPCZ(flow->multiplier, factor, -factor, 1, positive, z));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowMeanDiagonal(MuFlow flow, PetscInt kinds, Vec work, Vec image,
                                  PetscReal *mean) {
  const MuGridInfo *info = flow->info;
  PetscReal *x, product, size;

  PetscFunctionBegin;
  PetscCall(VecGetArray(work, &x));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    const uint64_t index = (uint64_t)(info->first_row * info->row_length + i);
    const PetscBool odd = (PetscBool)((index * 0x9E3779B97F4A7C15ull) >> 63);
    x[i] = !info->mask[i] ? 0 : odd ? 1 : -1;
  }
  PetscCall(VecRestoreArray(work, &x));
  PetscCall(MuGeometryApply(flow->geometry, kinds, work, NULL, image));
  PetscCall(MuGridInner(flow->grid, work, image, &product));
  PetscCall(MuGridInner(flow->grid, work, work, &size));
  *mean = product / size;
  PetscFunctionReturn(0);
}
