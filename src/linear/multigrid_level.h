/* One level of the multigrid and what passes between levels. Compiled once per precision: Number
   and MPI_NUMBER are defined by the file that includes multigrid_body.h. */
#include "linear/band.h"
#include "linear/multigrid_impl.h"

#include <math.h>
#include <string.h>

typedef struct {
  const MuMultigridShape *shape;
  Number *a[2], *b[2];               /* per axis at the lower faces, times scale */
  Number *conductance[2], *drift[2]; /* G, F; symmetric: b = G = a, no F */
  Number *e, *inverse;               /* inverse of the diagonal, 1 where there is none */
  Number *x, *f;
} Level;

typedef struct {
  const MuGridInfo *info;
  PetscBool symmetric;
  Level level[MU_MULTIGRID_LEVELS];
  Number *row[2];
  PetscReal *whole[3]; /* rows of the grid */
  MuBand band;
  PetscReal *bottom; /* the coarsest field in the order of `band` */
} Hierarchy;

static inline PetscInt at(const Level *v, PetscInt r) {
  return (r + 1) * v->shape->pitch + MU_MULTIGRID_PAD;
}

/* ------------------------------------------------------------------ halos */

static void wrap_columns(const Hierarchy *mg, const Level *v, Number *row) {
  const PetscInt n = v->shape->cells[0];
  if (!mg->info->periodic[0]) return;
  row[-1] = row[n - 1];
  row[n] = row[0];
}

static PetscErrorCode exchange_rows(const Hierarchy *mg, const Level *v, Number *x) {
  const MuGridInfo *info = mg->info;
  const PetscBool wrap = info->periodic[1];
  const PetscMPIInt n = (PetscMPIInt)v->shape->pitch;
  const PetscInt rows = v->shape->rows;
  Number *below = x, *first = x + n, *last = x + rows * n, *above = x + (rows + 1) * n;

  PetscFunctionBegin;
  if (v->shape->shared) {
    if (!wrap) PetscFunctionReturn(0);
    memcpy(below, last, sizeof(Number) * (size_t)n);
    memcpy(above, first, sizeof(Number) * (size_t)n);
    PetscFunctionReturn(0);
  }
  PetscMPIInt before = info->rank > 0 ? info->rank - 1 : (wrap ? info->size - 1 : MPI_PROC_NULL);
  PetscMPIInt after = info->rank < info->size - 1 ? info->rank + 1 : (wrap ? 0 : MPI_PROC_NULL);
  PetscCallMPI(MPI_Sendrecv(last, n, MPI_NUMBER, after, 21, below, n, MPI_NUMBER, before, 21,
                            info->comm, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Sendrecv(first, n, MPI_NUMBER, before, 22, above, n, MPI_NUMBER, after, 22,
                            info->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_halo(const Hierarchy *mg, const Level *v, Number *x) {
  PetscFunctionBegin;
  for (PetscInt r = 0; r < v->shape->rows; ++r) wrap_columns(mg, v, x + at(v, r));
  PetscCall(exchange_rows(mg, v, x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one level */

/* Gauss-Seidel on the cells of a row whose column + row has the parity of `colour`. Where an odd
   number of cells closes a circle, neighbours of one colour use each other's old value, which keeps
   the step symmetric. */
static void relax_row(const Hierarchy *mg, const Level *v, PetscInt r, PetscInt colour) {
  const PetscInt n = v->shape->cells[0], p = at(v, r), up = v->shape->pitch;
  const int odd = (int)((v->shape->first + r + colour) & 1);
  const Number *restrict ax = v->a[0] + p, *restrict bx = v->b[0] + p;
  const Number *restrict ay = v->a[1] + p, *restrict by = v->b[1] + p + up;
  const Number *restrict f = v->f + p, *restrict inverse = v->inverse + p;
  const Number *restrict below = v->x + p - up, *restrict above = v->x + p + up;
  const Number *restrict x = v->x + p;
  Number *restrict out = mg->row[0]; /* not in place, or the compiler would not vectorise */

  for (int c = 0; c < n; ++c) {
    Number here = x[c], left = x[c - 1], right = x[c + 1];
    Number inflow = (ax[c] * left + bx[c + 1] * right) + (ay[c] * below[c] + by[c] * above[c]);
    Number relaxed = (f[c] + inflow) * inverse[c];
    out[c] = ((c ^ odd) & 1) ? here : relaxed;
  }
  memcpy(v->x + p, out, sizeof(Number) * (size_t)n);
  wrap_columns(mg, v, v->x + p);
}

/* All half sweeps in one pass through memory, each one row behind the one before. */
static void relax_wavefront(const Hierarchy *mg, const Level *v, PetscInt first, PetscInt sweeps) {
  for (PetscInt front = 0; front < v->shape->rows + 2 * sweeps - 1; ++front)
    for (PetscInt half = 0; half < 2 * sweeps; ++half) {
      PetscInt r = front - half;
      if (r >= 0 && r < v->shape->rows) relax_row(mg, v, r, (first + half) % 2);
    }
}

/* Red-black sweeps that begin with the colour `first`. Where rows depend on those of other ranks or
   wrap around, two colours share a pass and the outer rows wait for the halo. */
static PetscErrorCode relax(const Hierarchy *mg, const Level *v, PetscInt first, PetscInt sweeps) {
  const PetscInt rows = v->shape->rows, second = 1 - first;

  PetscFunctionBegin;
  if (v->shape->shared && !mg->info->periodic[1]) {
    relax_wavefront(mg, v, first, sweeps);
    PetscFunctionReturn(0);
  }
  for (PetscInt sweep = 0; sweep < sweeps; ++sweep) {
    for (PetscInt r = 0; r < rows; ++r) {
      relax_row(mg, v, r, first);
      if (r >= 2) relax_row(mg, v, r - 1, second);
    }
    PetscCall(exchange_rows(mg, v, v->x));
    relax_row(mg, v, 0, second);
    if (rows > 1) relax_row(mg, v, rows - 1, second);
    PetscCall(exchange_rows(mg, v, v->x));
  }
  PetscFunctionReturn(0);
}

/* What the half sweep of the first colour makes of x = 0. */
static void relax_zero_row(const Hierarchy *mg, const Level *v, PetscInt r) {
  const PetscInt n = v->shape->cells[0], p = at(v, r);
  const int odd = (int)((v->shape->first + r) & 1);
  const Number *restrict f = v->f + p, *restrict inverse = v->inverse + p;
  Number *restrict x = v->x + p;

  for (int c = 0; c < n; ++c) {
    Number relaxed = f[c] * inverse[c];
    x[c] = ((c ^ odd) & 1) ? 0 : relaxed;
  }
  wrap_columns(mg, v, x);
}

/* x = one red-black sweep from zero. */
static PetscErrorCode relax_zero(const Hierarchy *mg, const Level *v) {
  const PetscInt rows = v->shape->rows;

  PetscFunctionBegin;
  if (v->shape->shared && !mg->info->periodic[1]) {
    for (PetscInt r = 0; r <= rows; ++r) {
      if (r < rows) relax_zero_row(mg, v, r);
      if (r > 0) relax_row(mg, v, r - 1, 1);
    }
    PetscFunctionReturn(0);
  }
  for (PetscInt r = 0; r < rows; ++r) relax_zero_row(mg, v, r);
  PetscCall(exchange_rows(mg, v, v->x));
  for (PetscInt r = 0; r < rows; ++r) relax_row(mg, v, r, 1);
  PetscCall(exchange_rows(mg, v, v->x));
  PetscFunctionReturn(0);
}

/* The right-hand side if x is still zero. */
static void residual_row(const Level *v, PetscInt r, PetscBool zero, Number *restrict out) {
  const PetscInt n = v->shape->cells[0], p = at(v, r), up = v->shape->pitch;
  const Number *restrict ax = v->a[0] + p, *restrict bx = v->b[0] + p;
  const Number *restrict ay = v->a[1] + p, *restrict by = v->b[1] + p;
  const Number *restrict f = v->f + p, *restrict inverse = v->inverse + p, *restrict x = v->x + p;

  out[n] = 0;
  if (zero) {
    for (int c = 0; c < n; ++c) out[c] = f[c];
    return;
  }
  for (int c = 0; c < n; ++c) {
    Number inflow =
        (ax[c] * x[c - 1] + bx[c + 1] * x[c + 1]) + (ay[c] * x[c - up] + by[c + up] * x[c + up]);
    out[c] = (f[c] + inflow) - x[c] / inverse[c];
  }
}

/* ------------------------------------------------------------------ between levels */

/* out_c (+)= the sum of the `factor` entries of in that make coarse cell c. */
static void sum_cells(PetscInt n, PetscInt factor, const Number *restrict in,
                      Number *restrict out) {
  if (factor == 2)
    for (int c = 0; c < n; ++c) out[c] += in[2 * c] + in[2 * c + 1];
  else
    for (int c = 0; c < n; ++c) out[c] += in[c];
}

/* A first row that is the upper half of a coarse row of the rank before goes there. */
static PetscErrorCode hand_down(const Hierarchy *mg, const Level *fine, const Level *coarse,
                                PetscBool zero) {
  const MuGridInfo *info = mg->info;
  const MuMultigridShape *s = fine->shape, *t = coarse->shape;
  const PetscInt n = t->cells[0], next = s->first + s->rows;
  const PetscBool gives = (PetscBool)(s->first % 2);
  const PetscBool takes = (PetscBool)(next % 2 && next < s->cells[1]);

  PetscFunctionBegin;
  if (s->shared || t->factor[1] == 1) PetscFunctionReturn(0);
  if (gives) {
    residual_row(fine, 0, zero, mg->row[0]);
    PetscCall(PetscArrayzero(mg->row[1], n));
    sum_cells(n, t->factor[0], mg->row[0], mg->row[1]);
  }
  PetscMPIInt to = gives ? info->rank - 1 : MPI_PROC_NULL;
  PetscMPIInt from = takes ? info->rank + 1 : MPI_PROC_NULL;
  PetscCallMPI(MPI_Sendrecv(mg->row[1], (PetscMPIInt)n, MPI_NUMBER, to, 23, mg->row[0],
                            (PetscMPIInt)n, MPI_NUMBER, from, 23, info->comm, MPI_STATUS_IGNORE));
  if (takes)
    sum_cells(n, 1, mg->row[0], coarse->f + at(coarse, t->own_first + t->own_rows - 1 - t->first));
  PetscFunctionReturn(0);
}

/* Every rank gets all rows of a shared level that the ranks have summed in parts. */
static PetscErrorCode share(const Hierarchy *mg, const Level *v, Number *x) {
  PetscFunctionBegin;
  if (v->shape->counts)
    PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x + v->shape->pitch,
                                v->shape->counts, v->shape->starts, MPI_NUMBER, mg->info->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode restrict_residual(const Hierarchy *mg, const Level *fine, const Level *coarse,
                                        PetscBool zero) {
  const MuMultigridShape *s = fine->shape, *t = coarse->shape;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < t->own_rows; ++k) {
    const PetscInt row = t->own_first + k, r = t->factor[1] * row - s->first;
    Number *f = coarse->f + at(coarse, row - t->first);
    PetscCall(PetscArrayzero(f, t->cells[0]));
    for (PetscInt half = r; half < PetscMin(r + t->factor[1], s->rows); ++half) {
      residual_row(fine, half, zero, mg->row[0]);
      sum_cells(t->cells[0], t->factor[0], mg->row[0], f);
    }
  }
  PetscCall(hand_down(mg, fine, coarse, zero));
  PetscCall(share(mg, coarse, coarse->f));
  PetscFunctionReturn(0);
}

/* out = e + 1/4 (neighbour along x - e) + 1/4 (neighbour along y - e) on the fine cells of a row,
   without the neighbour where a face is closed and along an axis that is not coarsened. `face` is
   where the y-face to row `over` is stored. */
static void interpolate_row(const Level *coarse, PetscInt p, PetscInt over, PetscInt face,
                            Number *restrict out) {
  const PetscInt n = coarse->shape->cells[0], *factor = coarse->shape->factor;
  const Number *restrict e = coarse->x + p, *restrict beyond = coarse->x + over;
  const Number *restrict ax = coarse->a[0] + p, *restrict bx = coarse->b[0] + p;
  const Number *restrict ay = coarse->a[1] + face, *restrict by = coarse->b[1] + face;
  const Number weight = factor[1] == 2 ? 0.25f : 0;

  if (factor[0] == 1) {
    for (int c = 0; c < n; ++c) {
      Number step = beyond[c] - e[c], open_y = ay[c] + by[c];
      out[c] = e[c] + weight * (open_y > 0 ? step : 0);
    }
    return;
  }
  for (int c = 0; c < n; ++c) {
    Number here = e[c], west = e[c - 1] - here, east = e[c + 1] - here, up = beyond[c] - here;
    Number open_west = ax[c] + bx[c], open_east = ax[c + 1] + bx[c + 1], open_y = ay[c] + by[c];
    west = open_west > 0 ? west : 0;
    east = open_east > 0 ? east : 0;
    here += weight * (open_y > 0 ? up : 0);
    out[2 * c] = here + 0.25f * west;
    out[2 * c + 1] = here + 0.25f * east;
  }
}

/* out = e on the fine cells of a row: the transpose of sum_cells(). */
static void spread_row(const Level *coarse, PetscInt p, Number *restrict out) {
  const PetscInt n = coarse->shape->cells[0];
  const Number *restrict e = coarse->x + p;

  if (coarse->shape->factor[0] == 2)
    for (int c = 0; c < n; ++c) out[2 * c] = out[2 * c + 1] = e[c];
  else
    for (int c = 0; c < n; ++c) out[c] = e[c];
}

/* x of the fine level = (if zero) or += the interpolated x of the coarse one. Cells without faces
   get something, too; the relaxation that follows takes it away. */
static PetscErrorCode add_correction(const Hierarchy *mg, const Level *fine, const Level *coarse,
                                     PetscBool zero) {
  const MuMultigridShape *s = fine->shape, *t = coarse->shape;
  const PetscInt factor = t->factor[1], n = s->cells[0];
  Number *restrict correction = mg->row[0];

  PetscFunctionBegin;
  for (PetscInt r = 0; r < s->rows; ++r) {
    const PetscInt row = s->first + r, p = at(coarse, row / factor - t->first);
    const PetscBool upper = (PetscBool)(row % factor == 1);
    Number *restrict x = fine->x + at(fine, r);
    if (mg->symmetric)
      spread_row(coarse, p, correction);
    else
      interpolate_row(coarse, p, upper ? p + t->pitch : p - t->pitch, upper ? p + t->pitch : p,
                      correction);
    if (zero)
      for (int c = 0; c < n; ++c) x[c] = correction[c];
    else
      for (int c = 0; c < n; ++c) x[c] += correction[c];
  }
  PetscCall(fill_halo(mg, fine, fine->x));
  PetscFunctionReturn(0);
}
