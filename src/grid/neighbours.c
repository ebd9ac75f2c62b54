/* Values of neighbouring cells. */
#include "grid/neighbours.h"

/* Along the axis that is cut among the ranks: whole rows move. */
static PetscErrorCode move_rows(MuGrid grid, const MuGridInfo *info, PetscInt step,
                                const PetscReal *x, PetscReal *y, PetscReal *row) {
  const PetscInt length = info->row_length, rest = (info->rows - 1) * length;

  PetscFunctionBegin;
  PetscCall(MuGridExchangeRows(grid, x, step < 0 ? row : NULL, step < 0 ? NULL : row));
  PetscCall(PetscArraycpy(step < 0 ? y + length : y, step < 0 ? x : x + length, rest));
  PetscCall(PetscArraycpy(step < 0 ? y : y + rest, row, length));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridNeighbours(MuGrid grid, PetscInt axis, PetscInt step, const PetscReal *x,
                                PetscReal *y, PetscReal *row) {
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  if (axis == info->slow_axis) {
    PetscCall(move_rows(grid, info, step, x, y, row));
    PetscFunctionReturn(0);
  }
  const PetscInt length = info->row_length, last = length - 1;
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscReal *from = x + r * length;
    PetscReal *to = y + r * length;
    PetscCall(PetscArraycpy(step < 0 ? to + 1 : to, step < 0 ? from : from + 1, last));
    to[step < 0 ? 0 : last] = info->periodic[axis] ? from[step < 0 ? last : 0] : 0;
  }
  PetscFunctionReturn(0);
}
