/* Cell-centred multigrid: how a grid is coarsened, and where its levels live.

   The matrices are finite volumes e x + sum of fluxes (face_matrix.h), and so is every level: sums
   of columns are sums of e. A coarse face takes over the drift F = a - b of its fine faces and
   their conductance G = (a - b)/log(a/b) over the longer distance, and is closed again by the
   Scharfetter-Gummel formula a = G B(-F/G): diffusion scales with 1/distance^2, drift with
   1/distance, without knowing the potential. (Without drift a = b = G: the halved couplings without
   which constants cost a factor of two.) Residuals are summed over 2 x 2 cells; red-black
   relaxation; banded LU at the bottom. Where cells are oblong, only their short side is doubled.

   Corrections are interpolated linearly (1/2, 1/4, 1/4) across open faces and relaxed afterwards,
   twice, in a W-cycle; the coarsest level has up to DIRECT cells. A symmetric cycle instead takes
   corrections that are constant on a coarse cell, relaxes once before and once, in the reverse
   order, after them, and goes down to a single cell, so that it is positive semi-definite for
   singular matrices too.

   On several ranks the slabs of the grid are halved (a coarse row belongs to the owner of its lower
   fine row) until they are thin; from there on every rank keeps the whole level. The method is the
   same on any number of ranks, except that a grid of at most DIRECT cells gets no coarse level on
   one rank.

   Mohr and Wienands, Cell-centred multigrid revisited, Comput. Visual. Sci. 7 (2004); Khalil and
   Wesseling, Vertex-centered and cell-centered multigrid, J. Comput. Phys. 98 (1992); Braess,
   Towards algebraic multigrid for elliptic problems of second order, Computing 55 (1995). */
#include "linear/multigrid_impl.h"

#define DIRECT 4096 /* most cells of the coarsest level */
#define SHARED 16384

static void measure(MuMultigridShape *v) {
  const PetscInt pad = MU_MULTIGRID_PAD;
  v->pitch = pad + (v->cells[0] + 2 + pad - 1) / pad * pad;
  v->size = (v->rows + 2) * v->pitch + pad;
}

/* Which axes to coarsen: the ones along which cells are short, up to a factor of 1.5. */
static void choose_factors(const MuMultigridShape *fine, MuMultigridShape *v) {
  const PetscReal *w = fine->width;
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscBool can = (PetscBool)(fine->cells[axis] > 1),
              other = (PetscBool)(fine->cells[1 - axis] > 1);
    v->factor[axis] = can && (!other || w[axis] < 1.5 * w[1 - axis]) ? 2 : 1;
    v->width[axis] = v->factor[axis] * w[axis];
  }
}

/* Rows of a level below one that is cut among the ranks. starts[size + 1] are the first rows of the
   ranks on the finer level, then on this one. */
static PetscErrorCode share_out(const MuGridInfo *info, MuMultigridShape *v, PetscInt *starts) {
  PetscInt thinnest = PETSC_MAX_INT;

  PetscFunctionBegin;
  for (PetscMPIInt r = 0; r <= info->size; ++r)
    starts[r] = (starts[r] + v->factor[1] - 1) / v->factor[1];
  for (PetscMPIInt r = 0; r < info->size; ++r)
    thinnest = PetscMin(thinnest, starts[r + 1] - starts[r]);
  v->shared = (PetscBool)(thinnest < 4 || v->cells[0] * v->cells[1] <= SHARED);
  v->own_first = starts[info->rank];
  v->own_rows = starts[info->rank + 1] - starts[info->rank];
  v->first = v->shared ? 0 : v->own_first;
  v->rows = v->shared ? v->cells[1] : v->own_rows;
  measure(v);
  if (!v->shared) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(info->size, &v->counts, info->size, &v->starts));
  for (PetscMPIInt r = 0; r < info->size; ++r) {
    v->counts[r] = (PetscMPIInt)((starts[r + 1] - starts[r]) * v->pitch);
    v->starts[r] = (PetscMPIInt)(starts[r] * v->pitch);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode coarsen(const MuGridInfo *info, const MuMultigridShape *fine,
                              MuMultigridShape *v, PetscInt *starts) {
  PetscFunctionBegin;
  choose_factors(fine, v);
  for (PetscInt axis = 0; axis < 2; ++axis) {
    v->cells[axis] = fine->cells[axis];
    v->last[axis] = fine->last[axis];
    if (v->factor[axis] == 1) continue;
    v->cells[axis] = (fine->cells[axis] + 1) / 2;
    v->last[axis] = fine->cells[axis] % 2 ? fine->last[axis] / 2 : (1 + fine->last[axis]) / 2;
  }
  if (!fine->shared) {
    PetscCall(share_out(info, v, starts));
    PetscFunctionReturn(0);
  }
  v->shared = PETSC_TRUE;
  v->rows = v->own_rows = v->cells[1];
  measure(v);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_shapes(MuMultigrid mg) {
  const MuGridInfo *info = mg->info;
  const PetscInt bottom = mg->symmetric ? 1 : DIRECT;
  MuMultigridShape *v = &mg->shape[0];
  PetscInt *starts;

  PetscFunctionBegin;
  *v = (MuMultigridShape){.cells = {info->cells[0], info->cells[1]},
                          .width = {info->spacing[0], info->spacing[1]},
                          .last = {1, 1},
                          .first = info->first_row,
                          .rows = info->rows,
                          .shared = (PetscBool)(info->size == 1)};
  measure(v);
  PetscCall(PetscMalloc1(info->size + 1, &starts));
  PetscCall(PetscArraycpy(starts, info->row_starts, info->size + 1));
  for (mg->levels = 1; !v->shared || v->cells[0] * v->cells[1] > bottom; ++mg->levels, ++v)
    PetscCall(coarsen(info, v, v + 1, starts));
  PetscCall(PetscFree(starts));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridCreate(MuGrid grid, PetscBool symmetric, PetscBool single,
                                 MuMultigrid *multigrid) {
  MuMultigrid mg;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mg));
  *multigrid = mg;
  PetscCall(MuGridReference(grid));
  mg->grid = grid;
  PetscCall(MuGridGetInfo(grid, &mg->info));
  mg->symmetric = symmetric;
  mg->ops = single ? &MuMultigridSingle : &MuMultigridDouble;
  PetscCall(create_shapes(mg));
  PetscCall(mg->ops->create(mg));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridDestroy(MuMultigrid *multigrid) {
  MuMultigrid mg = *multigrid;

  PetscFunctionBegin;
  *multigrid = NULL;
  if (!mg) PetscFunctionReturn(0);
  PetscCall(mg->ops->destroy(mg));
  for (PetscInt l = 0; l < mg->levels; ++l)
    if (mg->shape[l].counts) PetscCall(PetscFree2(mg->shape[l].counts, mg->shape[l].starts));
  PetscCall(MuGridDestroy(&mg->grid));
  PetscCall(PetscFree(mg));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridSetUp(MuMultigrid mg, const MuFaceMatrix *matrix) {
  PetscFunctionBegin;
  PetscCall(mg->ops->set_up(mg, matrix));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridApply(MuMultigrid mg, const PetscReal *r, PetscReal scale, PetscReal *z,
                                PetscReal *product) {
  PetscFunctionBegin;
  PetscCall(mg->ops->apply(mg, r, scale, z, product));
  PetscFunctionReturn(0);
}
