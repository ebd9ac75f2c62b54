/* Multigrid for the preconditioner of MuGeometryPrimal() in 2-D: the five-point matrix -d(c d x) +
   e x with couplings c >= 0 on faces and e >= 0 in cells.

   Cells are joined in pairs along the axes whose spacing is within a factor 1.5 of the smallest;
   residuals are summed, corrections are constant on a coarse cell, and the coupling over a coarse
   face is the sum over its fine faces, halved along an axis that is coarsened (its cells are twice
   as far apart: the over-correction without which constants cost a factor of two). Red-black
   Gauss-Seidel before and in the reverse order after the coarse correction keep the cycle symmetric
   and positive semi-definite, as conjugate gradients need it. Braess, Towards algebraic multigrid
   for elliptic problems of second order, Computing 55 (1995).

   On several ranks the finest level is cut like the grid; every rank keeps all coarser levels,
   which are a third of the work. */
#include "geometry/geometry_impl.h"

#include <string.h>

#define MAX_LEVELS 32
#define BOTTOM     4 /* sweeps on the coarsest level, there and back */

/* Arrays are [rows + 2][n]: a halo row below and above. */
typedef struct {
  PetscInt n, rows; /* cells per row, rows kept here */
  PetscInt first;   /* number of the first row: its colour */
  PetscInt total;   /* rows in all */
  PetscInt join[2]; /* cells per coarse cell along x and y, 1 or 2 */
  PetscReal spacing[2];
  PetscReal *c[2];        /* couplings over the lower faces */
  PetscReal *e, *inverse; /* extra diagonal; 1/diagonal, 0 where it vanishes */
  PetscReal *x, *f, *r;
} Level;

struct _p_MuMultigrid {
  MuGrid grid;
  const MuGridInfo *info;
  PetscInt levels;
  Level level[MAX_LEVELS];
};

static PetscInt level_size(const Level *v) {
  return (v->rows + 2) * v->n;
}

static PetscErrorCode create_level(Level *v) {
  PetscReal **arrays[] = {&v->c[0], &v->c[1], &v->e, &v->inverse, &v->x, &v->f, &v->r};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; ++k)
    PetscCall(PetscCalloc1(level_size(v), arrays[k]));
  PetscFunctionReturn(0);
}

/* Pairs cells along the axes that are still long and not much coarser than the other one. */
static PetscBool coarsen(Level *fine, Level *coarse) {
  const PetscInt cells[2] = {fine->n, fine->total};
  PetscReal least = PETSC_MAX_REAL;
  for (int a = 0; a < 2; ++a)
    if (cells[a] > 1) least = PetscMin(least, fine->spacing[a]);
  for (int a = 0; a < 2; ++a) {
    fine->join[a] = cells[a] > 1 && fine->spacing[a] < 1.5 * least ? 2 : 1;
    coarse->spacing[a] = fine->spacing[a] * fine->join[a];
  }
  coarse->n = (fine->n + fine->join[0] - 1) / fine->join[0];
  coarse->total = coarse->rows = (fine->total + fine->join[1] - 1) / fine->join[1];
  coarse->first = 0;
  return (PetscBool)(fine->join[0] * fine->join[1] > 1);
}

PetscErrorCode MuMultigridCreate(MuGrid grid, MuMultigrid *multigrid) {
  MuMultigrid mg;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mg));
  *multigrid = mg;
  PetscCall(MuGridReference(grid));
  mg->grid = grid;
  PetscCall(MuGridGetInfo(grid, &mg->info));
  mg->level[0] = (Level){.n = mg->info->row_length,
                         .rows = mg->info->rows,
                         .first = mg->info->first_row,
                         .total = mg->info->total_rows,
                         .spacing = {mg->info->spacing[0], mg->info->spacing[1]}};
  PetscCall(create_level(&mg->level[0]));
  for (mg->levels = 1; mg->levels < MAX_LEVELS; ++mg->levels) {
    if (!coarsen(&mg->level[mg->levels - 1], &mg->level[mg->levels])) break;
    PetscCall(create_level(&mg->level[mg->levels]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridDestroy(MuMultigrid *multigrid) {
  MuMultigrid mg = *multigrid;

  PetscFunctionBegin;
  *multigrid = NULL;
  if (!mg) PetscFunctionReturn(0);
  for (PetscInt l = 0; l < mg->levels; ++l) {
    Level *v = &mg->level[l];
    PetscReal **arrays[] = {&v->c[0], &v->c[1], &v->e, &v->inverse, &v->x, &v->f, &v->r};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; ++k) PetscCall(PetscFree(*arrays[k]));
  }
  PetscCall(MuGridDestroy(&mg->grid));
  PetscCall(PetscFree(mg));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ halos and transfers */

/* Fills the halo rows of an array of level l; what is beyond a wall is multiplied by c = 0. */
static PetscErrorCode fill_halo(MuMultigrid mg, PetscInt l, PetscReal *x) {
  const Level *v = &mg->level[l];
  const PetscInt n = v->n, rows = v->rows;

  PetscFunctionBegin;
  if (l == 0) {
    PetscCall(MuGridExchangeRows(mg->grid, x + n, x, x + (rows + 1) * n));
  } else if (mg->info->periodic[1]) {
    memcpy(x, x + rows * n, sizeof(PetscReal) * (size_t)n);
    memcpy(x + (rows + 1) * n, x + n, sizeof(PetscReal) * (size_t)n);
  }
  PetscFunctionReturn(0);
}

/* coarse += sum over its fine cells; rows of several ranks are added up. coarse is zero. */
static PetscErrorCode sum_to_coarse(MuMultigrid mg, PetscInt l, const PetscReal *fine,
                                    PetscReal *coarse) {
  const Level *v = &mg->level[l], *w = &mg->level[l + 1];

  PetscFunctionBegin;
  for (PetscInt r = 0; r < v->rows; ++r) {
    const PetscReal *from = fine + (r + 1) * v->n;
    PetscReal *to = coarse + ((v->first + r) / v->join[1] + 1) * w->n;
    for (PetscInt i = 0; i < v->n; ++i) to[i / v->join[0]] += from[i];
  }
  if (l == 0 && mg->info->size > 1)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, coarse + w->n, (PetscMPIInt)(w->rows * w->n),
                               MPIU_REAL, MPI_SUM, mg->info->comm));
  PetscFunctionReturn(0);
}

/* Couplings of the coarse faces, from the fine faces of an axis that lie on them. */
static PetscErrorCode coarsen_coupling(MuMultigrid mg, PetscInt l, PetscInt axis) {
  const Level *v = &mg->level[l];
  Level *w = &mg->level[l + 1];
  const PetscReal scale = v->join[axis] == 2 ? 0.5 : 1;
  const PetscBool to_itself = (PetscBool)((axis == 0 ? w->n : w->total) == 1);
  PetscReal *lying = v->x; /* free during the set-up */

  PetscFunctionBegin;
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt i = 0; i < v->n; ++i) {
      PetscInt along = axis == 0 ? i : v->first + r, k = (r + 1) * v->n + i;
      lying[k] = along % v->join[axis] == 0 && !to_itself ? scale * v->c[axis][k] : 0;
    }
  memset(w->c[axis], 0, sizeof(PetscReal) * (size_t)level_size(w));
  PetscCall(sum_to_coarse(mg, l, lying, w->c[axis]));
  PetscCall(fill_halo(mg, l + 1, w->c[axis]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ set-up */

static void invert_diagonal(Level *v) {
  for (PetscInt r = 1; r <= v->rows; ++r)
    for (PetscInt i = 0; i < v->n; ++i) {
      PetscInt k = r * v->n + i, right = i + 1 < v->n ? k + 1 : r * v->n;
      /* at a wall c[right] is the closed face 0 */
      PetscReal d = v->e[k] + v->c[0][k] + v->c[0][right] + v->c[1][k] + v->c[1][k + v->n];
      v->inverse[k] = d > 0 ? 1 / d : 0;
    }
}

static PetscErrorCode load(MuMultigrid mg, Vec field, PetscReal scale, PetscReal *array) {
  const Level *v = &mg->level[0];
  const PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(field, &f));
  for (PetscInt i = 0; i < v->rows * v->n; ++i) array[v->n + i] = scale * f[i];
  PetscCall(VecRestoreArrayRead(field, &f));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridSetUp(MuMultigrid mg, const Vec mobility[2], Vec diagonal) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) {
    const PetscReal spacing = mg->info->spacing[a];
    PetscCall(load(mg, mobility[a], 1 / (spacing * spacing), mg->level[0].c[a]));
    PetscCall(fill_halo(mg, 0, mg->level[0].c[a]));
  }
  PetscCall(load(mg, diagonal, 1, mg->level[0].e));
  invert_diagonal(&mg->level[0]);
  for (PetscInt l = 0; l + 1 < mg->levels; ++l) {
    Level *w = &mg->level[l + 1];
    for (PetscInt a = 0; a < 2; ++a) PetscCall(coarsen_coupling(mg, l, a));
    memset(w->e, 0, sizeof(PetscReal) * (size_t)level_size(w));
    PetscCall(sum_to_coarse(mg, l, mg->level[l].e, w->e));
    invert_diagonal(w);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ cycle */

/* Relaxes the cells of one colour at once: with an odd number of cells around, neighbours over the
   periodic wall have the same colour and use each other's old value, which keeps the step
   symmetric. */
static PetscErrorCode relax(MuMultigrid mg, PetscInt l, PetscInt colour) {
  const Level *v = &mg->level[l];
  const PetscInt n = v->n;

  PetscFunctionBegin;
  PetscCall(fill_halo(mg, l, v->x));
  for (PetscInt r = 1; r <= v->rows; ++r) {
    PetscReal *x = v->x + r * n;
    const PetscReal *c = v->c[0] + r * n, *lower = v->c[1] + r * n, *upper = lower + n;
    const PetscReal *inverse = v->inverse + r * n, *f = v->f + r * n, first = x[0];
    for (PetscInt i = (v->first + r - 1 + colour) % 2; i < n; i += 2) {
      PetscReal left = i ? x[i - 1] : x[n - 1], right = i + 1 < n ? x[i + 1] : first;
      PetscReal c_right = i + 1 < n ? c[i + 1] : c[0];
      x[i] = inverse[i] *
             (f[i] + c[i] * left + c_right * right + lower[i] * x[i - n] + upper[i] * x[i + n]);
    }
  }
  PetscFunctionReturn(0);
}

/* r = f - A x */
static PetscErrorCode take_residual(MuMultigrid mg, PetscInt l) {
  const Level *v = &mg->level[l];
  const PetscInt n = v->n;

  PetscFunctionBegin;
  PetscCall(fill_halo(mg, l, v->x));
  for (PetscInt row = 1; row <= v->rows; ++row) {
    const PetscReal *x = v->x + row * n, *e = v->e + row * n, *f = v->f + row * n;
    const PetscReal *c = v->c[0] + row * n, *lower = v->c[1] + row * n, *upper = lower + n;
    PetscReal *r = v->r + row * n;
    for (PetscInt i = 0; i < n; ++i) {
      PetscReal left = i ? x[i - 1] : x[n - 1], right = i + 1 < n ? x[i + 1] : x[0];
      PetscReal c_right = i + 1 < n ? c[i + 1] : c[0];
      r[i] = f[i] - e[i] * x[i] - c[i] * (x[i] - left) - c_right * (x[i] - right) -
             lower[i] * (x[i] - x[i - n]) - upper[i] * (x[i] - x[i + n]);
    }
  }
  PetscFunctionReturn(0);
}

static void add_from_coarse(MuMultigrid mg, PetscInt l) {
  const Level *v = &mg->level[l], *w = &mg->level[l + 1];
  for (PetscInt r = 0; r < v->rows; ++r) {
    const PetscReal *from = w->x + ((v->first + r) / v->join[1] + 1) * w->n;
    PetscReal *to = v->x + (r + 1) * v->n;
    for (PetscInt i = 0; i < v->n; ++i)
      if (v->inverse[(r + 1) * v->n + i] > 0) to[i] += from[i / v->join[0]];
  }
}

static PetscErrorCode cycle(MuMultigrid mg, PetscInt l) {
  Level *v = &mg->level[l], *w = v + 1;

  PetscFunctionBegin;
  memset(v->x, 0, sizeof(PetscReal) * (size_t)level_size(v));
  if (l + 1 == mg->levels) {
    for (PetscInt k = 0; k < BOTTOM; ++k) {
      PetscCall(relax(mg, l, 0));
      PetscCall(relax(mg, l, 1));
    }
    for (PetscInt k = 0; k < BOTTOM; ++k) {
      PetscCall(relax(mg, l, 1));
      PetscCall(relax(mg, l, 0));
    }
    PetscFunctionReturn(0);
  }
  PetscCall(relax(mg, l, 0));
  PetscCall(relax(mg, l, 1));
  PetscCall(take_residual(mg, l));
  memset(w->f, 0, sizeof(PetscReal) * (size_t)level_size(w));
  PetscCall(sum_to_coarse(mg, l, v->r, w->f));
  PetscCall(cycle(mg, l + 1));
  add_from_coarse(mg, l);
  PetscCall(relax(mg, l, 1));
  PetscCall(relax(mg, l, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMultigridApply(MuMultigrid mg, Vec r, Vec z) {
  const Level *v = &mg->level[0];
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(load(mg, r, 1, mg->level[0].f));
  PetscCall(cycle(mg, 0));
  PetscCall(VecGetArray(z, &y));
  memcpy(y, v->x + v->n, sizeof(PetscReal) * (size_t)(v->rows * v->n));
  PetscCall(VecRestoreArray(z, &y));
  PetscFunctionReturn(0);
}
