/* Connected components of the inside cells, by union-find on the gathered mask. */
#include "grid/grid_impl.h"

static PetscInt find_root(PetscInt *parent, PetscInt i) {
  while (parent[i] != i) {
    parent[i] = parent[parent[i]];
    i = parent[i];
  }
  return i;
}

static void join(PetscInt *parent, PetscInt i, PetscInt j) {
  PetscInt a = find_root(parent, i), b = find_root(parent, j);
  if (a != b) parent[PetscMax(a, b)] = PetscMin(a, b);
}

static PetscErrorCode gather_mask(MuGrid grid, PetscReal *global) {
  const MuGridInfo *info = &grid->info;
  Vec mask;
  PetscReal *m;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(grid, &mask));
  PetscCall(VecGetArray(mask, &m));
  for (PetscInt i = 0; i < info->local_size; ++i) m[i] = info->mask[i];
  PetscCall(VecRestoreArray(mask, &m));
  PetscCall(MuGridGather(grid, mask, PETSC_TRUE, global));
  PetscCall(VecDestroy(&mask));
  PetscFunctionReturn(0);
}

static void join_neighbours(const MuGridInfo *info, const PetscReal *inside, PetscInt *parent) {
  const PetscInt nx = info->cells[0], ny = info->cells[1];
  for (PetscInt y = 0; y < ny; ++y)
    for (PetscInt x = 0; x < nx; ++x) {
      PetscInt i = y * nx + x;
      PetscInt right = x + 1 < nx ? i + 1 : (info->periodic[0] ? y * nx : -1);
      PetscInt up = y + 1 < ny ? i + nx : (info->periodic[1] ? x : -1);
      if (inside[i] == 0) continue;
      if (right >= 0 && inside[right] != 0) join(parent, i, right);
      if (up >= 0 && inside[up] != 0) join(parent, i, up);
    }
}

/* *parent [cells]: of every inside cell the first one of its component, -1 outside. The caller
   frees it. */
static PetscErrorCode find_components(MuGrid grid, PetscInt **parent) {
  const PetscInt total = grid->info.cells[0] * grid->info.cells[1];
  PetscReal *inside;
  PetscInt *p;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(total, &inside));
  PetscCall(PetscMalloc1(total, parent));
  p = *parent;
  PetscCall(gather_mask(grid, inside));
  for (PetscInt i = 0; i < total; ++i) p[i] = i;
  join_neighbours(&grid->info, inside, p);
  for (PetscInt i = 0; i < total; ++i) p[i] = inside[i] != 0 ? find_root(p, i) : -1;
  PetscCall(PetscFree(inside));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridComponents(MuGrid grid, PetscInt max, PetscInt *count, PetscInt sizes[]) {
  const PetscInt total = grid->info.cells[0] * grid->info.cells[1];
  PetscInt *parent, *cells, found = 0;

  PetscFunctionBegin;
  PetscCall(find_components(grid, &parent));
  PetscCall(PetscCalloc1(total, &cells));
  for (PetscInt i = 0; i < total; ++i)
    if (parent[i] >= 0) cells[parent[i]]++;
  for (PetscInt i = 0; i < total; ++i)
    if (cells[i] > 0) cells[found++] = cells[i];
  PetscCall(PetscSortInt(found, cells));
  for (PetscInt k = 0; k < PetscMin(found, max); ++k) sizes[k] = cells[found - 1 - k];
  *count = found;
  PetscCall(PetscFree(parent));
  PetscCall(PetscFree(cells));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridLabelComponents(MuGrid grid, PetscInt *count, PetscInt label[]) {
  const MuGridInfo *info = &grid->info;
  const PetscInt total = info->cells[0] * info->cells[1],
                 first = info->first_row * info->row_length;
  PetscInt *parent, found = 0;

  PetscFunctionBegin;
  PetscCall(find_components(grid, &parent));
  /* a first cell comes before the others of its component; numbers are stored as -2, -3, ... */
  for (PetscInt i = 0; i < total; ++i)
    if (parent[i] >= 0) parent[i] = parent[i] == i ? -2 - found++ : parent[parent[i]];
  for (PetscInt i = 0; i < info->local_size; ++i) label[i] = -2 - parent[first + i];
  PetscCall(PetscFree(parent));
  *count = found;
  PetscFunctionReturn(0);
}
