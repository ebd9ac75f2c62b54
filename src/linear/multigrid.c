/* Cell-centred multigrid for I + dt div J, as a preconditioner in single precision.

   The unknowns are densities, the right-hand sides masses, and every level is a finite-volume
   transport operator n_i rho_i + sum of fluxes, J = a rho_lower - b rho_upper, with n_i fine cells
   in cell i: column sums are n at every level. A coarse face takes over the drift F = a - b of its
   fine faces and their conductance G = (a - b)/log(a/b) over the longer distance, and is closed
   again by the Scharfetter-Gummel formula a = G B(-F/G): diffusion scales with 1/distance^2, drift
   with 1/distance, without knowing the potential. Residuals are summed over 2 x 2 cells,
   corrections interpolated linearly (1/2, 1/4, 1/4) across open faces, red-black relaxation, banded
   LU at the bottom. Where cells are oblong, only their short side is doubled.

   Mohr and Wienands, Cell-centred multigrid revisited, Comput. Visual. Sci. 7 (2004); Khalil and
   Wesseling, Vertex-centered and cell-centered multigrid, J. Comput. Phys. 98 (1992).

   On several ranks the slabs of the grid are halved (a coarse row belongs to the owner of its lower
   fine row) until they are thin; from there on every rank keeps the whole level. The method is the
   same on any number of ranks, except that a grid of at most DIRECT cells gets no coarse level on
   one rank. */
#include "linear/multigrid.h"
#include "flow/transport.h"
#include "grid/arrays.h"
#include "linear/band.h"

#include <math.h>
#include <string.h>

#define MAX_LEVELS 32
#define SWEEPS     2    /* red-black sweeps after every coarse correction, none before */
#define PAD        16   /* floats before column 0: room for the halo, aligned */
#define DIRECT     4096 /* most cells of the coarsest level */
#define SHARED     16384

/* A field of a level: [rows + 2][pitch], a halo all around. */
typedef struct {
  PetscInt cells[2];
  PetscInt factor[2];           /* cells of the finer level per cell along an axis: 1 or 2 */
  PetscReal width[2];           /* of a cell, relative to the axes of the grid */
  PetscReal last[2];            /* width of the last cell of an axis over the others' */
  PetscInt first, rows;         /* rows kept here */
  PetscInt own_first, own_rows; /* rows that are summed here from the finer level */
  PetscInt pitch;
  PetscBool shared;                        /* every rank keeps all rows */
  PetscMPIInt *counts, *starts;            /* where ranks sum into a shared level */
  float *conductance[2], *drift[2];        /* G, F per axis at the lower faces */
  float *a[2], *b[2], *cells_in, *inverse; /* inverse of the diagonal */
  float *x, *f;
} Level;

struct _p_MuTransportMultigrid {
  MuGrid grid;
  const MuGridInfo *info;
  PetscInt levels;
  Level level[MAX_LEVELS];
  float *row[2];
  MuBand band;
  PetscReal *bottom; /* [band.size] */
};

static inline PetscInt at(const Level *v, PetscInt r) {
  return (r + 1) * v->pitch + PAD;
}

/* ------------------------------------------------------------------ halos */

static void wrap_columns(const MuTransportMultigrid mg, const Level *v, float *row) {
  if (!mg->info->periodic[0]) return;
  row[-1] = row[v->cells[0] - 1];
  row[v->cells[0]] = row[0];
}

static PetscErrorCode exchange_rows(MuTransportMultigrid mg, const Level *v, float *x) {
  const MuGridInfo *info = mg->info;
  const PetscBool wrap = info->periodic[1];
  const PetscMPIInt n = (PetscMPIInt)v->pitch;
  float *below = x, *first = x + n, *last = x + v->rows * n, *above = x + (v->rows + 1) * n;

  PetscFunctionBegin;
  if (v->shared) {
    if (!wrap) PetscFunctionReturn(0);
    memcpy(below, last, sizeof(float) * (size_t)n);
    memcpy(above, first, sizeof(float) * (size_t)n);
    PetscFunctionReturn(0);
  }
  PetscMPIInt before = info->rank > 0 ? info->rank - 1 : (wrap ? info->size - 1 : MPI_PROC_NULL);
  PetscMPIInt after = info->rank < info->size - 1 ? info->rank + 1 : (wrap ? 0 : MPI_PROC_NULL);
  PetscCallMPI(MPI_Sendrecv(last, n, MPI_FLOAT, after, 21, below, n, MPI_FLOAT, before, 21,
                            info->comm, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Sendrecv(first, n, MPI_FLOAT, before, 22, above, n, MPI_FLOAT, after, 22,
                            info->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_halo(MuTransportMultigrid mg, const Level *v, float *x) {
  PetscFunctionBegin;
  for (PetscInt r = 0; r < v->rows; ++r) wrap_columns(mg, v, x + at(v, r));
  PetscCall(exchange_rows(mg, v, x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one level */

/* Gauss-Seidel on the cells of a row whose column + row has the parity of `colour`. */
static void relax_row(MuTransportMultigrid mg, Level *v, PetscInt r, PetscInt colour) {
  const PetscInt n = v->cells[0], p = at(v, r), up = v->pitch;
  const int odd = (int)((v->first + r + colour) & 1);
  const float *restrict ax = v->a[0] + p, *restrict bx = v->b[0] + p;
  const float *restrict ay = v->a[1] + p, *restrict by = v->b[1] + p + up;
  const float *restrict f = v->f + p, *restrict inverse = v->inverse + p;
  const float *restrict below = v->x + p - up, *restrict above = v->x + p + up;
  const float *restrict x = v->x + p;
  float *restrict out = mg->row[0]; /* not in place, or the compiler would not vectorise */

  for (int c = 0; c < n; ++c) {
    float here = x[c], left = x[c - 1], right = x[c + 1];
    float inflow = (ax[c] * left + bx[c + 1] * right) + (ay[c] * below[c] + by[c] * above[c]);
    float relaxed = (f[c] + inflow) * inverse[c];
    out[c] = ((c ^ odd) & 1) ? here : relaxed;
  }
  memcpy(v->x + p, out, sizeof(float) * (size_t)n);
  wrap_columns(mg, v, v->x + p);
}

/* All half sweeps in one pass through memory, each one row behind the one before. */
static void relax_wavefront(MuTransportMultigrid mg, Level *v) {
  for (PetscInt front = 0; front < v->rows + 2 * SWEEPS - 1; ++front)
    for (PetscInt half = 0; half < 2 * SWEEPS; ++half) {
      PetscInt r = front - half;
      if (r >= 0 && r < v->rows) relax_row(mg, v, r, half % 2);
    }
}

/* Red-black sweeps. Where rows depend on those of other ranks or wrap around, two colours share a
   pass and the outer rows wait for the halo. */
static PetscErrorCode relax(MuTransportMultigrid mg, Level *v) {
  PetscFunctionBegin;
  if (v->shared && !mg->info->periodic[1]) {
    relax_wavefront(mg, v);
    PetscFunctionReturn(0);
  }
  for (PetscInt sweep = 0; sweep < SWEEPS; ++sweep) {
    for (PetscInt r = 0; r < v->rows; ++r) {
      relax_row(mg, v, r, 0);
      if (r >= 2) relax_row(mg, v, r - 1, 1);
    }
    PetscCall(exchange_rows(mg, v, v->x));
    relax_row(mg, v, 0, 1);
    if (v->rows > 1) relax_row(mg, v, v->rows - 1, 1);
    PetscCall(exchange_rows(mg, v, v->x));
  }
  PetscFunctionReturn(0);
}

/* The right-hand side if x is still zero. */
static void residual_row(const Level *v, PetscInt r, PetscBool zero, float *restrict out) {
  const PetscInt n = v->cells[0], p = at(v, r), up = v->pitch;
  const float *restrict ax = v->a[0] + p, *restrict bx = v->b[0] + p;
  const float *restrict ay = v->a[1] + p, *restrict by = v->b[1] + p;
  const float *restrict f = v->f + p, *restrict inverse = v->inverse + p, *restrict x = v->x + p;

  out[n] = 0;
  if (zero) {
    for (int c = 0; c < n; ++c) out[c] = f[c];
    return;
  }
  for (int c = 0; c < n; ++c) {
    float inflow =
        (ax[c] * x[c - 1] + bx[c + 1] * x[c + 1]) + (ay[c] * x[c - up] + by[c + up] * x[c + up]);
    out[c] = (f[c] + inflow) - x[c] / inverse[c];
  }
}

/* ------------------------------------------------------------------ between levels */

/* out_c (+)= the sum of the `factor` entries of in that make coarse cell c. */
static void sum_cells(PetscInt n, PetscInt factor, const float *restrict in, float *restrict out) {
  if (factor == 2)
    for (int c = 0; c < n; ++c) out[c] += in[2 * c] + in[2 * c + 1];
  else
    for (int c = 0; c < n; ++c) out[c] += in[c];
}

/* A first row that is the upper half of a coarse row of the rank before goes there. */
static PetscErrorCode hand_down(MuTransportMultigrid mg, Level *fine, Level *coarse,
                                PetscBool zero) {
  const MuGridInfo *info = mg->info;
  const PetscInt n = coarse->cells[0], next = fine->first + fine->rows;
  const PetscBool gives = (PetscBool)(fine->first % 2);
  const PetscBool takes = (PetscBool)(next % 2 && next < fine->cells[1]);

  PetscFunctionBegin;
  if (fine->shared || coarse->factor[1] == 1) PetscFunctionReturn(0);
  if (gives) {
    residual_row(fine, 0, zero, mg->row[0]);
    PetscCall(PetscArrayzero(mg->row[1], n));
    sum_cells(n, coarse->factor[0], mg->row[0], mg->row[1]);
  }
  PetscMPIInt to = gives ? info->rank - 1 : MPI_PROC_NULL;
  PetscMPIInt from = takes ? info->rank + 1 : MPI_PROC_NULL;
  PetscCallMPI(MPI_Sendrecv(mg->row[1], (PetscMPIInt)n, MPI_FLOAT, to, 23, mg->row[0],
                            (PetscMPIInt)n, MPI_FLOAT, from, 23, info->comm, MPI_STATUS_IGNORE));
  if (takes)
    sum_cells(n, 1, mg->row[0],
              coarse->f + at(coarse, coarse->own_first + coarse->own_rows - 1 - coarse->first));
  PetscFunctionReturn(0);
}

/* Every rank gets all rows of a shared level that the ranks have summed in parts. */
static PetscErrorCode share(MuTransportMultigrid mg, Level *v, float *x) {
  PetscFunctionBegin;
  if (v->counts)
    PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x + v->pitch, v->counts,
                                v->starts, MPI_FLOAT, mg->info->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode restrict_residual(MuTransportMultigrid mg, Level *fine, Level *coarse,
                                        PetscBool zero) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < coarse->own_rows; ++k) {
    const PetscInt row = coarse->own_first + k, r = coarse->factor[1] * row - fine->first;
    float *f = coarse->f + at(coarse, row - coarse->first);
    PetscCall(PetscArrayzero(f, coarse->cells[0]));
    for (PetscInt half = r; half < PetscMin(r + coarse->factor[1], fine->rows); ++half) {
      residual_row(fine, half, zero, mg->row[0]);
      sum_cells(coarse->cells[0], coarse->factor[0], mg->row[0], f);
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
                            float *restrict out) {
  const PetscInt n = coarse->cells[0];
  const float *restrict e = coarse->x + p, *restrict beyond = coarse->x + over;
  const float *restrict ax = coarse->a[0] + p, *restrict bx = coarse->b[0] + p;
  const float *restrict ay = coarse->a[1] + face, *restrict by = coarse->b[1] + face;
  const float weight = coarse->factor[1] == 2 ? 0.25f : 0;

  if (coarse->factor[0] == 1) {
    for (int c = 0; c < n; ++c) {
      float step = beyond[c] - e[c], open_y = ay[c] + by[c];
      out[c] = e[c] + weight * (open_y > 0 ? step : 0);
    }
    return;
  }
  for (int c = 0; c < n; ++c) {
    float here = e[c], west = e[c - 1] - here, east = e[c + 1] - here, up = beyond[c] - here;
    float open_west = ax[c] + bx[c], open_east = ax[c + 1] + bx[c + 1], open_y = ay[c] + by[c];
    west = open_west > 0 ? west : 0;
    east = open_east > 0 ? east : 0;
    here += weight * (open_y > 0 ? up : 0);
    out[2 * c] = here + 0.25f * west;
    out[2 * c + 1] = here + 0.25f * east;
  }
}

/* x of the fine level = (if zero) or += the interpolated x of the coarse one. */
static PetscErrorCode add_correction(MuTransportMultigrid mg, Level *fine, const Level *coarse,
                                     PetscBool zero) {
  const PetscInt factor = coarse->factor[1];
  float *restrict correction = mg->row[0];

  PetscFunctionBegin;
  for (PetscInt r = 0; r < fine->rows; ++r) {
    const PetscInt row = fine->first + r, p = at(coarse, row / factor - coarse->first);
    const PetscBool upper = (PetscBool)(row % factor == 1);
    float *restrict x = fine->x + at(fine, r);
    const float *restrict in = fine->cells_in + at(fine, r);
    interpolate_row(coarse, p, upper ? p + coarse->pitch : p - coarse->pitch,
                    upper ? p + coarse->pitch : p, correction);
    if (zero)
      for (int c = 0; c < fine->cells[0]; ++c) x[c] = in[c] > 0 ? correction[c] : 0;
    else
      for (int c = 0; c < fine->cells[0]; ++c) x[c] += in[c] > 0 ? correction[c] : 0;
  }
  PetscCall(fill_halo(mg, fine, fine->x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the coarsest level */

/* Unknowns run along the short side; a periodic long side is folded (0, n-1, 1, n-2, ...), so that
   neighbours are at most two lines apart. */
static PetscInt bottom_index(const MuTransportMultigrid mg, const Level *v, PetscInt r,
                             PetscInt c) {
  const PetscBool rows_long = (PetscBool)(v->cells[0] <= v->cells[1]);
  const PetscInt axis = rows_long ? 1 : 0, n = v->cells[axis], width = v->cells[1 - axis];
  PetscInt line = rows_long ? r : c;
  if (mg->info->periodic[axis]) line = line < (n + 1) / 2 ? 2 * line : 2 * (n - 1 - line) + 1;
  return line * width + (rows_long ? c : r);
}

static PetscErrorCode bottom_create(MuTransportMultigrid mg) {
  const Level *v = &mg->level[mg->levels - 1];
  const PetscInt axis = v->cells[0] <= v->cells[1] ? 1 : 0;
  const PetscInt width = v->cells[1 - axis] * (mg->info->periodic[axis] ? 2 : 1);

  PetscFunctionBegin;
  PetscCall(MuBandCreate(v->cells[0] * v->cells[1], width, &mg->band));
  PetscCall(PetscMalloc1(mg->band.size, &mg->bottom));
  PetscFunctionReturn(0);
}

static void bottom_add(MuBand *band, PetscInt i, PetscInt j, PetscReal value) {
  band->row[i * (2 * band->width + 1) + band->width + j - i] += value;
}

static PetscErrorCode bottom_set_up(MuTransportMultigrid mg) {
  const Level *v = &mg->level[mg->levels - 1];
  MuBand *band = &mg->band;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(band->row, band->size * (2 * band->width + 1)));
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt c = 0; c < v->cells[0]; ++c) {
      const PetscInt p = at(v, r) + c, i = bottom_index(mg, v, r, c);
      bottom_add(band, i, i, v->cells_in[p] > 0 ? v->cells_in[p] : 1);
      for (PetscInt axis = 0; axis < 2; ++axis) {
        const PetscReal a = v->a[axis][p], b = v->b[axis][p];
        const PetscInt n = v->cells[axis];
        if (a + b == 0) continue;
        PetscInt j = axis == 0 ? bottom_index(mg, v, r, (c + n - 1) % n)
                               : bottom_index(mg, v, (r + n - 1) % n, c);
        bottom_add(band, i, i, b);
        bottom_add(band, j, j, a);
        bottom_add(band, i, j, -a);
        bottom_add(band, j, i, -b);
      }
    }
  PetscCall(MuBandFactor(band));
  PetscFunctionReturn(0);
}

static PetscErrorCode bottom_solve(MuTransportMultigrid mg) {
  const Level *v = &mg->level[mg->levels - 1];

  PetscFunctionBegin;
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt c = 0; c < v->cells[0]; ++c)
      mg->bottom[bottom_index(mg, v, r, c)] = v->f[at(v, r) + c];
  MuBandSolve(&mg->band, mg->bottom);
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt c = 0; c < v->cells[0]; ++c)
      v->x[at(v, r) + c] = (float)mg->bottom[bottom_index(mg, v, r, c)];
  PetscCall(fill_halo(mg, v, v->x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the hierarchy */

static PetscErrorCode level_allocate(Level *v) {
  PetscInt size;

  PetscFunctionBegin;
  v->pitch = PAD + (v->cells[0] + 2 + PAD - 1) / PAD * PAD;
  size = (v->rows + 2) * v->pitch + PAD;
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(PetscCalloc2(size, &v->conductance[axis], size, &v->drift[axis]));
    PetscCall(PetscCalloc2(size, &v->a[axis], size, &v->b[axis]));
  }
  PetscCall(PetscCalloc4(size, &v->cells_in, size, &v->inverse, size, &v->x, size, &v->f));
  PetscFunctionReturn(0);
}

/* Which axes to coarsen: the ones along which cells are short, up to a factor of 1.5. */
static void choose_factors(const Level *fine, Level *v) {
  const PetscReal *w = fine->width;
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscBool can = (PetscBool)(fine->cells[axis] > 1),
              other = (PetscBool)(fine->cells[1 - axis] > 1);
    v->factor[axis] = can && (!other || w[axis] < 1.5 * w[1 - axis]) ? 2 : 1;
    v->width[axis] = v->factor[axis] * w[axis];
  }
}

/* starts[size + 1] are the first rows of the ranks on the finer level, then on this one. */
static PetscErrorCode level_coarsen(MuTransportMultigrid mg, const Level *fine, Level *v,
                                    PetscInt *starts) {
  const PetscMPIInt size = mg->info->size, rank = mg->info->rank;
  PetscInt thinnest = PETSC_MAX_INT;

  PetscFunctionBegin;
  choose_factors(fine, v);
  for (PetscInt axis = 0; axis < 2; ++axis) {
    v->cells[axis] = fine->cells[axis];
    v->last[axis] = fine->last[axis];
    if (v->factor[axis] == 1) continue;
    v->cells[axis] = (fine->cells[axis] + 1) / 2;
    v->last[axis] = fine->cells[axis] % 2 ? fine->last[axis] / 2 : (1 + fine->last[axis]) / 2;
  }
  if (fine->shared) {
    v->shared = PETSC_TRUE;
    v->rows = v->own_rows = v->cells[1];
  } else {
    for (PetscMPIInt r = 0; r <= size; ++r)
      starts[r] = (starts[r] + v->factor[1] - 1) / v->factor[1];
    for (PetscMPIInt r = 0; r < size; ++r) thinnest = PetscMin(thinnest, starts[r + 1] - starts[r]);
    v->shared = (PetscBool)(thinnest < 4 || v->cells[0] * v->cells[1] <= SHARED);
    v->own_first = starts[rank];
    v->own_rows = starts[rank + 1] - starts[rank];
    v->first = v->shared ? 0 : v->own_first;
    v->rows = v->shared ? v->cells[1] : v->own_rows;
  }
  PetscCall(level_allocate(v));
  if (v->shared && !fine->shared) {
    PetscCall(PetscMalloc2(size, &v->counts, size, &v->starts));
    for (PetscMPIInt r = 0; r < size; ++r) {
      v->counts[r] = (PetscMPIInt)((starts[r + 1] - starts[r]) * v->pitch);
      v->starts[r] = (PetscMPIInt)(starts[r] * v->pitch);
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportMultigridCreate(MuGrid grid, MuTransportMultigrid *multigrid) {
  MuTransportMultigrid mg;
  PetscInt *starts;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mg));
  PetscCall(MuGridReference(grid));
  mg->grid = grid;
  PetscCall(MuGridGetInfo(grid, &mg->info));
  const MuGridInfo *info = mg->info;
  Level *v = &mg->level[0];
  v->cells[0] = info->cells[0], v->cells[1] = info->cells[1];
  v->last[0] = v->last[1] = 1;
  for (PetscInt axis = 0; axis < 2; ++axis) v->width[axis] = info->spacing[axis];
  v->first = v->own_first = info->first_row;
  v->rows = v->own_rows = info->rows;
  v->shared = (PetscBool)(info->size == 1);
  PetscCall(level_allocate(v));
  PetscCall(PetscMalloc1(info->size + 1, &starts));
  PetscCall(PetscArraycpy(starts, info->row_starts, info->size + 1));
  for (mg->levels = 1; !v->shared || v->cells[0] * v->cells[1] > DIRECT; ++mg->levels, ++v)
    PetscCall(level_coarsen(mg, v, v + 1, starts));
  PetscCall(PetscFree(starts));
  PetscCall(PetscCalloc2(info->cells[0] + 4, &mg->row[0], info->cells[0] + 4, &mg->row[1]));
  PetscCall(bottom_create(mg));
  *multigrid = mg;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportMultigridDestroy(MuTransportMultigrid *multigrid) {
  MuTransportMultigrid mg = *multigrid;

  PetscFunctionBegin;
  *multigrid = NULL;
  if (!mg) PetscFunctionReturn(0);
  for (Level *v = mg->level; v < mg->level + mg->levels; ++v) {
    for (PetscInt axis = 0; axis < 2; ++axis) {
      PetscCall(PetscFree2(v->conductance[axis], v->drift[axis]));
      PetscCall(PetscFree2(v->a[axis], v->b[axis]));
    }
    PetscCall(PetscFree4(v->cells_in, v->inverse, v->x, v->f));
    if (v->counts) PetscCall(PetscFree2(v->counts, v->starts));
  }
  PetscCall(PetscFree2(mg->row[0], mg->row[1]));
  PetscCall(MuBandDestroy(&mg->band));
  PetscCall(PetscFree(mg->bottom));
  PetscCall(MuGridDestroy(&mg->grid));
  PetscCall(PetscFree(mg));
  PetscFunctionReturn(0);
}

/* (a - b)/(log a - log b) */
static PetscReal logarithmic_mean(PetscReal a, PetscReal b) {
  PetscReal u = (a - b) / (a + b);
  if (a == 0 || b == 0) return 0;
  return fabs(u) < 1e-4 ? 0.5 * (a + b) * (1 - u * u / 3) : (a - b) / log(a / b);
}

static PetscErrorCode finest_axis(MuTransportMultigrid mg, MuTransport t, PetscInt axis) {
  Level *v = &mg->level[0];
  const PetscInt n = v->cells[0];
  const PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(t->a[axis], &a));
  PetscCall(VecGetArrayRead(t->b[axis], &b));
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt c = 0; c < n; ++c) {
      const PetscInt p = at(v, r) + c, i = r * n + c;
      const PetscReal up = t->dt * a[i], down = t->dt * b[i];
      v->a[axis][p] = (float)up;
      v->b[axis][p] = (float)down;
      v->drift[axis][p] = (float)(up - down);
      v->conductance[axis][p] = (float)logarithmic_mean(up, down);
    }
  PetscCall(VecRestoreArrayRead(t->b[axis], &b));
  PetscCall(VecRestoreArrayRead(t->a[axis], &a));
  PetscFunctionReturn(0);
}

/* Distance of the centres on both sides of face i, in cells of the level. */
static PetscReal distance(const Level *v, PetscInt axis, PetscInt i) {
  return i == 0 || i == v->cells[axis] - 1 ? 0.5 * (1 + v->last[axis]) : 1;
}

/* What face i of an axis takes over from one of its fine faces. */
static void coarse_face(const Level *fine, Level *v, PetscInt axis, PetscInt i, PetscInt from,
                        PetscInt to) {
  if (v->cells[axis] < 2) return; /* a cell that is its own neighbour */
  const PetscInt factor = v->factor[axis];
  PetscReal ratio = distance(fine, axis, factor * i) / (factor * distance(v, axis, i));
  v->conductance[axis][to] += (float)(fine->conductance[axis][from] * ratio);
  v->drift[axis][to] += fine->drift[axis][from];
}

static void close_face(Level *v, PetscInt axis, PetscInt p) {
  const PetscReal g = v->conductance[axis][p], drift = v->drift[axis][p];
  if (g > 0 && fabs(drift) < 600 * g) {
    v->a[axis][p] = (float)(g * MuBernoulli(-drift / g));
    v->b[axis][p] = (float)(g * MuBernoulli(drift / g));
  } else {
    v->a[axis][p] = (float)PetscMax(drift, 0);
    v->b[axis][p] = (float)PetscMax(-drift, 0);
  }
}

static void coarse_row(const Level *fine, Level *v, PetscInt row) {
  const PetscInt to = at(v, row - v->first), first = v->factor[1] * row;
  const PetscInt halves = PetscMin(v->factor[1], fine->cells[1] - first);

  for (PetscInt c = 0; c < v->cells[0]; ++c) {
    const PetscInt p = to + c;
    for (PetscInt axis = 0; axis < 2; ++axis) v->conductance[axis][p] = v->drift[axis][p] = 0;
    v->cells_in[p] = 0;
    for (PetscInt half = 0; half < halves; ++half) {
      const PetscInt from = at(fine, first + half - fine->first) + v->factor[0] * c;
      coarse_face(fine, v, 0, c, from, p);
      for (PetscInt k = 0; k < PetscMin(v->factor[0], fine->cells[0] - v->factor[0] * c); ++k) {
        if (half == 0) coarse_face(fine, v, 1, row, from + k, p);
        v->cells_in[p] += fine->cells_in[from + k];
      }
    }
    close_face(v, 0, p);
    close_face(v, 1, p);
  }
}

/* The halos of all coefficients and the diagonal. */
static PetscErrorCode finish_level(MuTransportMultigrid mg, Level *v) {
  PetscFunctionBegin;
  PetscCall(share(mg, v, v->cells_in));
  PetscCall(fill_halo(mg, v, v->cells_in));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    float *field[4] = {v->a[axis], v->b[axis], v->conductance[axis], v->drift[axis]};
    for (PetscInt k = 0; k < 4; ++k) {
      PetscCall(share(mg, v, field[k]));
      PetscCall(fill_halo(mg, v, field[k]));
    }
  }
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt c = 0, p = at(v, r); c < v->cells[0]; ++c, ++p) {
      float out = v->a[0][p + 1] + v->b[0][p] + v->a[1][p + v->pitch] + v->b[1][p];
      v->inverse[p] = v->cells_in[p] > 0 ? 1 / (v->cells_in[p] + out) : 1;
    }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportMultigridSetUp(MuTransportMultigrid mg, MuTransport t) {
  Level *v = &mg->level[0];

  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < 2; ++axis) PetscCall(finest_axis(mg, t, axis));
  for (PetscInt r = 0; r < v->rows; ++r)
    for (PetscInt c = 0; c < v->cells[0]; ++c)
      v->cells_in[at(v, r) + c] = mg->info->mask[r * v->cells[0] + c];
  PetscCall(finish_level(mg, v));
  for (; v + 1 < mg->level + mg->levels; ++v) {
    for (PetscInt k = 0; k < v[1].own_rows; ++k) coarse_row(v, v + 1, v[1].own_first + k);
    PetscCall(finish_level(mg, v + 1));
  }
  PetscCall(bottom_set_up(mg));
  PetscFunctionReturn(0);
}

static PetscErrorCode cycle(MuTransportMultigrid mg, PetscInt l) {
  Level *v = &mg->level[l];

  PetscFunctionBegin;
  if (l == mg->levels - 1) {
    PetscCall(bottom_solve(mg));
    PetscFunctionReturn(0);
  }
  /* a W-cycle below the finest level, as long as a level is a quarter of the one above */
  const PetscInt visits = l > 0 && v[1].factor[0] * v[1].factor[1] == 4 ? 2 : 1;
  for (PetscInt visit = 0; visit < visits; ++visit) {
    PetscCall(restrict_residual(mg, v, v + 1, (PetscBool)(visit == 0)));
    PetscCall(cycle(mg, l + 1));
    PetscCall(add_correction(mg, v, v + 1, (PetscBool)(visit == 0)));
    PetscCall(relax(mg, v));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportMultigridApply(MuTransportMultigrid mg, const PetscReal *r,
                                         PetscReal scale, PetscReal *z) {
  Level *v = &mg->level[0];
  const PetscInt n = v->cells[0];

  PetscFunctionBegin;
  for (PetscInt row = 0; row < v->rows; ++row) {
    float *f = v->f + at(v, row);
    for (PetscInt c = 0; c < n; ++c) f[c] = (float)(scale * r[row * n + c]);
  }
  PetscCall(cycle(mg, 0));
  for (PetscInt row = 0; row < v->rows; ++row) {
    const float *x = v->x + at(v, row);
    for (PetscInt c = 0; c < n; ++c) z[row * n + c] = x[c] / scale;
  }
  PetscFunctionReturn(0);
}
