/* The multigrid of one precision: set-up, coarsest level, cycle. Number, MPI_NUMBER and
   MULTIGRID_OPS are defined by the file that includes this. */
#include "linear/multigrid_level.h"

#include "grid/arrays.h"
#include "grid/row.h"

#define SWEEPS 2 /* red-black sweeps after a coarse correction where none come before it */

/* ------------------------------------------------------------------ the coarsest level */

/* Unknowns run along the short side; a periodic long side is folded (0, n-1, 1, n-2, ...), so that
   neighbours are at most two lines apart. */
static PetscInt bottom_index(const Hierarchy *mg, const Level *v, PetscInt r, PetscInt c) {
  const PetscInt *cells = v->shape->cells;
  const PetscBool rows_long = (PetscBool)(cells[0] <= cells[1]);
  const PetscInt axis = rows_long ? 1 : 0, n = cells[axis], width = cells[1 - axis];
  PetscInt line = rows_long ? r : c;
  if (mg->info->periodic[axis]) line = line < (n + 1) / 2 ? 2 * line : 2 * (n - 1 - line) + 1;
  return line * width + (rows_long ? c : r);
}

static PetscErrorCode bottom_create(Hierarchy *mg, const Level *v) {
  const PetscInt *cells = v->shape->cells;
  const PetscInt axis = cells[0] <= cells[1] ? 1 : 0;
  const PetscInt width = cells[1 - axis] * (mg->info->periodic[axis] ? 2 : 1);

  PetscFunctionBegin;
  PetscCall(MuBandCreate(cells[0] * cells[1], width, &mg->band));
  PetscCall(PetscMalloc1(cells[0] * cells[1], &mg->bottom));
  PetscFunctionReturn(0);
}

/* Cells without a diagonal (outside, or all that is left of a singular matrix) get one that keeps
   them at 0. */
static PetscErrorCode bottom_set_up(const Hierarchy *mg, const Level *v) {
  const PetscInt *cells = v->shape->cells;

  PetscFunctionBegin;
  PetscCall(MuBandZero(mg->band));
  for (PetscInt r = 0; r < v->shape->rows; ++r)
    for (PetscInt c = 0; c < cells[0]; ++c) {
      const PetscInt p = at(v, r) + c, i = bottom_index(mg, v, r, c);
      MuBandAdd(mg->band, i, i, v->e[p] > 0 ? v->e[p] : PETSC_MAX_REAL);
      for (PetscInt axis = 0; axis < 2; ++axis) {
        const PetscReal a = v->a[axis][p], b = v->b[axis][p];
        const PetscInt n = cells[axis];
        if (a + b == 0) continue;
        PetscInt j = axis == 0 ? bottom_index(mg, v, r, (c + n - 1) % n)
                               : bottom_index(mg, v, (r + n - 1) % n, c);
        MuBandAdd(mg->band, i, i, b);
        MuBandAdd(mg->band, j, j, a);
        MuBandAdd(mg->band, i, j, -a);
        MuBandAdd(mg->band, j, i, -b);
      }
    }
  PetscCall(MuBandFactor(mg->band));
  PetscFunctionReturn(0);
}

static PetscErrorCode bottom_solve(const Hierarchy *mg, const Level *v) {
  const PetscInt rows = v->shape->rows, n = v->shape->cells[0];

  PetscFunctionBegin;
  for (PetscInt r = 0; r < rows; ++r)
    for (PetscInt c = 0; c < n; ++c) mg->bottom[bottom_index(mg, v, r, c)] = v->f[at(v, r) + c];
  PetscCall(MuBandSolve(mg->band, mg->bottom));
  for (PetscInt r = 0; r < rows; ++r)
    for (PetscInt c = 0; c < n; ++c)
      v->x[at(v, r) + c] = (Number)mg->bottom[bottom_index(mg, v, r, c)];
  PetscCall(fill_halo(mg, v, v->x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the hierarchy */

static PetscErrorCode level_allocate(const Hierarchy *mg, Level *v) {
  const PetscInt size = v->shape->size;

  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(PetscCalloc1(size, &v->a[axis]));
    v->b[axis] = v->conductance[axis] = v->a[axis];
    if (mg->symmetric) continue;
    PetscCall(PetscCalloc3(size, &v->b[axis], size, &v->conductance[axis], size, &v->drift[axis]));
  }
  PetscCall(PetscCalloc4(size, &v->e, size, &v->inverse, size, &v->x, size, &v->f));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuMultigrid multigrid) {
  const PetscInt n = multigrid->info->cells[0];
  Hierarchy *mg;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mg));
  multigrid->data = mg;
  mg->info = multigrid->info;
  mg->symmetric = multigrid->symmetric;
  for (PetscInt l = 0; l < multigrid->levels; ++l) {
    mg->level[l].shape = &multigrid->shape[l];
    PetscCall(level_allocate(mg, &mg->level[l]));
  }
  PetscCall(PetscCalloc2(n + 4, &mg->row[0], n + 4, &mg->row[1]));
  PetscCall(PetscMalloc3(n, &mg->whole[0], n, &mg->whole[1], n, &mg->whole[2]));
  PetscCall(bottom_create(mg, &mg->level[multigrid->levels - 1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuMultigrid multigrid) {
  Hierarchy *mg = multigrid->data;

  PetscFunctionBegin;
  if (!mg) PetscFunctionReturn(0);
  for (Level *v = mg->level; v < mg->level + multigrid->levels; ++v) {
    for (PetscInt axis = 0; axis < 2; ++axis) {
      PetscCall(PetscFree(v->a[axis]));
      if (v->drift[axis]) PetscCall(PetscFree3(v->b[axis], v->conductance[axis], v->drift[axis]));
    }
    if (v->e) PetscCall(PetscFree4(v->e, v->inverse, v->x, v->f));
  }
  if (mg->row[0]) PetscCall(PetscFree2(mg->row[0], mg->row[1]));
  if (mg->whole[0]) PetscCall(PetscFree3(mg->whole[0], mg->whole[1], mg->whole[2]));
  PetscCall(MuBandDestroy(&mg->band));
  PetscCall(PetscFree(mg->bottom));
  PetscCall(PetscFree(mg));
  PetscFunctionReturn(0);
}

/* out = scale max(a, lowest) where it is open. */
static void floored_row(PetscReal scale, PetscReal lowest, PetscInt n,
                        const unsigned char *restrict open, const PetscReal *restrict a,
                        Number *restrict out) {
  for (PetscInt c = 0; c < n; ++c) out[c] = open[c] ? (Number)(scale * PetscMax(a[c], lowest)) : 0;
}

/* The coefficients of the grid, row by row. */
static PetscErrorCode finest_axis(const Hierarchy *mg, const MuFaceMatrix *m, PetscInt axis) {
  const Level *v = &mg->level[0];
  const PetscInt n = v->shape->cells[0];
  PetscReal *const *whole = mg->whole;
  const PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(m->a[axis], &a));
  PetscCall(VecGetArrayRead(m->b[axis], &b));
  for (PetscInt r = 0; r < v->shape->rows; ++r) {
    const PetscInt p = at(v, r);
    if (mg->symmetric) {
      floored_row(m->scale[axis], m->lowest, n, mg->info->open[axis] + r * n, a + r * n,
                  v->a[axis] + p);
      continue;
    }
    for (PetscInt c = 0; c < n; ++c) whole[0][c] = m->scale[axis] * a[r * n + c];
    for (PetscInt c = 0; c < n; ++c) v->a[axis][p + c] = (Number)whole[0][c];
    for (PetscInt c = 0; c < n; ++c) whole[1][c] = m->scale[axis] * b[r * n + c];
    MuArrayLogarithmicMean(n, whole[0], whole[1], whole[2]);
    for (PetscInt c = 0; c < n; ++c) {
      v->b[axis][p + c] = (Number)whole[1][c];
      v->drift[axis][p + c] = (Number)(whole[0][c] - whole[1][c]);
      v->conductance[axis][p + c] = (Number)whole[2][c];
    }
  }
  PetscCall(VecRestoreArrayRead(m->b[axis], &b));
  PetscCall(VecRestoreArrayRead(m->a[axis], &a));
  PetscFunctionReturn(0);
}

static PetscErrorCode finest_diagonal(const Hierarchy *mg, const MuFaceMatrix *m) {
  const Level *v = &mg->level[0];
  const PetscInt n = v->shape->cells[0];
  const PetscReal *e = NULL;

  PetscFunctionBegin;
  if (m->e) PetscCall(VecGetArrayRead(m->e, &e));
  for (PetscInt r = 0; r < v->shape->rows; ++r) {
    const unsigned char *mask = mg->info->mask + r * n;
    Number *out = v->e + at(v, r);
    if (e)
      floored_row(m->scale_e, m->lowest_e, n, mask, e + r * n, out);
    else
      for (PetscInt c = 0; c < n; ++c) out[c] = mask[c];
  }
  if (m->e) PetscCall(VecRestoreArrayRead(m->e, &e));
  PetscFunctionReturn(0);
}

/* Distance of the centres on both sides of face i, in cells of the level. */
static PetscReal distance(const MuMultigridShape *v, PetscInt axis, PetscInt i) {
  return i == 0 || i == v->cells[axis] - 1 ? 0.5 * (1 + v->last[axis]) : 1;
}

/* What face i of an axis takes over from one of its fine faces. */
static void coarse_face(const Level *fine, const Level *v, PetscInt axis, PetscInt i, PetscInt from,
                        PetscInt to) {
  if (v->shape->cells[axis] < 2) return; /* a cell that is its own neighbour */
  const PetscInt factor = v->shape->factor[axis];
  PetscReal ratio =
      distance(fine->shape, axis, factor * i) / (factor * distance(v->shape, axis, i));
  v->conductance[axis][to] += (Number)(fine->conductance[axis][from] * ratio);
  if (v->drift[axis]) v->drift[axis][to] += fine->drift[axis][from];
}

static void close_face(const Level *v, PetscInt axis, PetscInt p) {
  if (!v->drift[axis]) return;
  const PetscReal g = v->conductance[axis][p], drift = v->drift[axis][p];
  if (g > 0 && fabs(drift) < 600 * g) {
    v->a[axis][p] = (Number)(g * MuBernoulli(-drift / g));
    v->b[axis][p] = (Number)(g * MuBernoulli(drift / g));
  } else {
    v->a[axis][p] = (Number)PetscMax(drift, 0);
    v->b[axis][p] = (Number)PetscMax(-drift, 0);
  }
}

/* Whether the cells of the coarse row are of 2 x 2 whole ones, and the matrix is symmetric. */
static PetscBool is_regular(const Level *fine, const Level *v, PetscInt row) {
  const MuMultigridShape *s = fine->shape, *t = v->shape;
  return (PetscBool)(!v->drift[0] && t->factor[0] == 2 && t->factor[1] == 2 && row > 0 &&
                     2 * row + 1 < s->cells[1] && row < t->cells[1] - 1);
}

/* coarse_row() for the cells 1 .. cells - 2 of such a row: distances are those of equal cells. */
static void coarse_regular_row(const Level *fine, const Level *v, PetscInt row) {
  const PetscInt from = at(fine, 2 * row - fine->shape->first), up = fine->shape->pitch;
  const PetscInt to = at(v, row - v->shape->first);
  const Number *restrict ax = fine->a[0] + from, *restrict ay = fine->a[1] + from;
  const Number *restrict e = fine->e + from;
  Number *restrict x = v->a[0] + to, *restrict y = v->a[1] + to, *restrict d = v->e + to;
#pragma omp simd
  for (int c = 1; c < (int)v->shape->cells[0] - 1; ++c) {
    x[c] = (Number)0.5 * ax[2 * c] + (Number)0.5 * ax[2 * c + up];
    y[c] = (Number)0.5 * ay[2 * c] + (Number)0.5 * ay[2 * c + 1];
    d[c] = ((e[2 * c] + e[2 * c + 1]) + e[2 * c + up]) + e[2 * c + up + 1];
  }
}

/* Row `row`, cells 0, step, ... */
static void coarse_cells(const Level *fine, const Level *v, PetscInt row, PetscInt step) {
  const MuMultigridShape *s = fine->shape, *t = v->shape;
  const PetscInt to = at(v, row - t->first), first = t->factor[1] * row;
  const PetscInt halves = PetscMin(t->factor[1], s->cells[1] - first);

  for (PetscInt c = 0; c < t->cells[0]; c += step) {
    const PetscInt p = to + c;
    for (PetscInt axis = 0; axis < 2; ++axis) {
      v->conductance[axis][p] = 0;
      if (v->drift[axis]) v->drift[axis][p] = 0;
    }
    v->e[p] = 0;
    for (PetscInt half = 0; half < halves; ++half) {
      const PetscInt from = at(fine, first + half - s->first) + t->factor[0] * c;
      coarse_face(fine, v, 0, c, from, p);
      for (PetscInt k = 0; k < PetscMin(t->factor[0], s->cells[0] - t->factor[0] * c); ++k) {
        if (half == 0) coarse_face(fine, v, 1, row, from + k, p);
        v->e[p] += fine->e[from + k];
      }
    }
    close_face(v, 0, p);
    close_face(v, 1, p);
  }
}

static void coarse_row(const Level *fine, const Level *v, PetscInt row) {
  const PetscInt n = v->shape->cells[0];
  if (n < 4 || !is_regular(fine, v, row)) {
    coarse_cells(fine, v, row, 1);
    return;
  }
  coarse_cells(fine, v, row, n - 1); /* the first and the last */
  coarse_regular_row(fine, v, row);
}

static PetscErrorCode share_and_fill(const Hierarchy *mg, const Level *v, Number *x) {
  PetscFunctionBegin;
  PetscCall(share(mg, v, x));
  PetscCall(fill_halo(mg, v, x));
  PetscFunctionReturn(0);
}

/* The halos of all coefficients and the diagonal. */
static PetscErrorCode finish_level(const Hierarchy *mg, const Level *v) {
  PetscFunctionBegin;
  PetscCall(share_and_fill(mg, v, v->e));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(share_and_fill(mg, v, v->a[axis]));
    if (mg->symmetric) continue;
    PetscCall(share_and_fill(mg, v, v->b[axis]));
    PetscCall(share_and_fill(mg, v, v->conductance[axis]));
    PetscCall(share_and_fill(mg, v, v->drift[axis]));
  }
  for (PetscInt r = 0; r < v->shape->rows; ++r)
    for (PetscInt c = 0, p = at(v, r); c < v->shape->cells[0]; ++c, ++p) {
      Number out = v->a[0][p + 1] + v->b[0][p] + v->a[1][p + v->shape->pitch] + v->b[1][p];
      v->inverse[p] = v->e[p] + out > 0 ? 1 / (v->e[p] + out) : 1;
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode set_up(MuMultigrid multigrid, const MuFaceMatrix *matrix) {
  const Hierarchy *mg = multigrid->data;
  const Level *v = mg->level, *bottom = v + multigrid->levels - 1;

  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < 2; ++axis) PetscCall(finest_axis(mg, matrix, axis));
  PetscCall(finest_diagonal(mg, matrix));
  PetscCall(finish_level(mg, v));
  for (; v < bottom; ++v) {
    const MuMultigridShape *coarse = v[1].shape;
    for (PetscInt k = 0; k < coarse->own_rows; ++k) coarse_row(v, v + 1, coarse->own_first + k);
    PetscCall(finish_level(mg, v + 1));
  }
  PetscCall(bottom_set_up(mg, bottom));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the cycle */

static PetscErrorCode cycle(const Hierarchy *mg, const Level *v, const Level *bottom) {
  const Level *coarse = v + 1;

  PetscFunctionBegin;
  if (v == bottom) {
    PetscCall(bottom_solve(mg, v));
    PetscFunctionReturn(0);
  }
  if (mg->symmetric) {
    PetscCall(relax_zero(mg, v));
    PetscCall(restrict_residual(mg, v, coarse, PETSC_FALSE));
    PetscCall(cycle(mg, coarse, bottom));
    PetscCall(add_correction(mg, v, coarse, PETSC_FALSE));
    PetscCall(relax(mg, v, 1, 1));
    PetscFunctionReturn(0);
  }
  /* a W-cycle below the finest level, as long as a level is a quarter of the one above */
  const PetscInt *factor = coarse->shape->factor;
  const PetscInt visits = v > mg->level && factor[0] * factor[1] == 4 ? 2 : 1;
  for (PetscInt visit = 0; visit < visits; ++visit) {
    PetscCall(restrict_residual(mg, v, coarse, (PetscBool)(visit == 0)));
    PetscCall(cycle(mg, coarse, bottom));
    PetscCall(add_correction(mg, v, coarse, (PetscBool)(visit == 0)));
    PetscCall(relax(mg, v, 0, SWEEPS));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuMultigrid multigrid, const PetscReal *r, PetscReal scale,
                            PetscReal *z, PetscReal *product) {
  const Hierarchy *mg = multigrid->data;
  const Level *v = &mg->level[0];
  const PetscInt n = v->shape->cells[0];

  PetscFunctionBegin;
  for (PetscInt row = 0; row < v->shape->rows; ++row) {
    Number *f = v->f + at(v, row);
    for (PetscInt c = 0; c < n; ++c) f[c] = (Number)(scale * r[row * n + c]);
  }
  PetscCall(cycle(mg, v, v + multigrid->levels - 1));
  if (product) *product = 0;
  for (PetscInt row = 0; row < v->shape->rows; ++row) {
    const Number *x = v->x + at(v, row);
    for (PetscInt c = 0; c < n; ++c) z[row * n + c] = x[c] / scale;
    if (product) *product += MuRowProduct(n, r + row * n, z + row * n);
  }
  PetscFunctionReturn(0);
}

const MuMultigridOps MULTIGRID_OPS = {
    .create = create, .destroy = destroy, .set_up = set_up, .apply = apply};
