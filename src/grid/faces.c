/* Face fields: halo rows, differences and their negative adjoint. */
#include "grid/grid_impl.h"

#include <string.h>

PetscErrorCode MuGridExchangeRows(MuGrid grid, const PetscReal *local, PetscReal *below,
                                  PetscReal *above) {
  const MuGridInfo *info = &grid->info;
  const PetscMPIInt n = (PetscMPIInt)info->row_length;
  PetscBool wrap = info->periodic[info->slow_axis];
  PetscMPIInt before = info->rank > 0 ? info->rank - 1 : (wrap ? info->size - 1 : MPI_PROC_NULL);
  PetscMPIInt after = info->rank < info->size - 1 ? info->rank + 1 : (wrap ? 0 : MPI_PROC_NULL);
  const PetscReal *first = local, *last = local + (info->rows - 1) * info->row_length;

  PetscFunctionBegin;
  if (below) {
    if (before == MPI_PROC_NULL) memset(below, 0, sizeof(PetscReal) * (size_t)n);
    PetscCallMPI(MPI_Sendrecv(last, n, MPIU_REAL, after, 11, below, n, MPIU_REAL, before, 11,
                              info->comm, MPI_STATUS_IGNORE));
  }
  if (above) {
    if (after == MPI_PROC_NULL) memset(above, 0, sizeof(PetscReal) * (size_t)n);
    PetscCallMPI(MPI_Sendrecv(first, n, MPIU_REAL, before, 12, above, n, MPIU_REAL, after, 12,
                              info->comm, MPI_STATUS_IGNORE));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridGradient(MuGrid grid, PetscInt axis, Vec f, Vec d) {
  const MuGridInfo *info = &grid->info;
  const PetscInt n = info->row_length;
  const PetscReal inverse = 1 / info->spacing[axis];
  const unsigned char *open = info->open[axis];
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(f, &x));
  PetscCall(VecGetArray(d, &y));
  if (axis == info->slow_axis) {
    PetscCall(MuGridExchangeRows(grid, x, grid->halo_below, NULL));
    for (PetscInt r = 0; r < info->rows; ++r) {
      const PetscReal *here = x + r * n, *lower = r ? here - n : grid->halo_below;
      for (PetscInt c = 0; c < n; ++c)
        y[r * n + c] = open[r * n + c] ? (here[c] - lower[c]) * inverse : 0;
    }
  } else {
    for (PetscInt r = 0; r < info->rows; ++r) {
      const PetscReal *here = x + r * n;
      y[r * n] = open[r * n] ? (here[0] - here[n - 1]) * inverse : 0;
      for (PetscInt c = 1; c < n; ++c)
        y[r * n + c] = open[r * n + c] ? (here[c] - here[c - 1]) * inverse : 0;
    }
  }
  PetscCall(VecRestoreArray(d, &y));
  PetscCall(VecRestoreArrayRead(f, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridAddDivergence(MuGrid grid, PetscInt axis, PetscReal scale, Vec flux, Vec out) {
  const MuGridInfo *info = &grid->info;
  const PetscInt n = info->row_length;
  const PetscReal factor = scale / info->spacing[axis];
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(flux, &x));
  PetscCall(VecGetArray(out, &y));
  if (axis == info->slow_axis) {
    PetscCall(MuGridExchangeRows(grid, x, NULL, grid->halo_above));
    for (PetscInt r = 0; r < info->rows; ++r) {
      const PetscReal *here = x + r * n, *upper = r < info->rows - 1 ? here + n : grid->halo_above;
      for (PetscInt c = 0; c < n; ++c) y[r * n + c] += factor * (upper[c] - here[c]);
    }
  } else {
    const PetscReal wrap = info->periodic[axis] ? 1 : 0;
    for (PetscInt r = 0; r < info->rows; ++r) {
      const PetscReal *here = x + r * n;
      for (PetscInt c = 0; c < n - 1; ++c) y[r * n + c] += factor * (here[c + 1] - here[c]);
      y[r * n + n - 1] += factor * (wrap * here[0] - here[n - 1]);
    }
  }
  PetscCall(VecRestoreArray(out, &y));
  PetscCall(VecRestoreArrayRead(flux, &x));
  PetscFunctionReturn(0);
}
