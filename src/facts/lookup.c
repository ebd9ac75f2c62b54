/* The target as a function of points: its values at the cell centres. */
#include "facts/lookup.h"

PetscErrorCode MuTargetLookupBegin(MuGrid grid, Vec log_target, MuTargetLookup *lookup) {
  PetscFunctionBegin;
  *lookup = (MuTargetLookup){.log_target = log_target};
  PetscCall(MuGridGetInfo(grid, &lookup->info));
  if (log_target) PetscCall(VecGetArrayRead(log_target, &lookup->log_pi));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTargetLookupEnd(MuTargetLookup *lookup) {
  PetscFunctionBegin;
  if (lookup->log_pi) PetscCall(VecRestoreArrayRead(lookup->log_target, &lookup->log_pi));
  PetscFunctionReturn(0);
}

/* The cell of a coordinate along an axis. */
static PetscInt cell_of(const MuGridInfo *info, PetscInt axis, PetscReal x) {
  return (PetscInt)PetscFloorReal((x - info->lower[axis]) / info->spacing[axis]);
}

PetscErrorCode MuTargetLookUp(void *ctx, const PetscReal x[2], PetscReal *value) {
  const MuTargetLookup *t = ctx;
  const PetscInt row = cell_of(t->info, t->info->slow_axis, x[t->info->slow_axis]);
  const PetscInt column = t->info->dim == 2 ? cell_of(t->info, 0, x[0]) : 0;
  const PetscInt i = (row - t->info->first_row) * t->info->row_length + column;

  if (i < 0 || i >= t->info->local_size)
    return MuError(MU_ERR_NUMERICS, "the point (%g, %g) is in no cell of this rank", x[0], x[1]);
  *value = exp(t->log_pi[i]);
  return 0;
}
