/* T^(-1) f(S) T on a grid, T the transform along x and then y that diagonalises the convolution.

   Only data is transformed, never the padding. Along x each row of the grid is padded inside a
   buffer of one row. Then blocks of a few columns, small enough for the cache, are gathered into
   contiguous columns, padded there, transformed along y, multiplied by the symbol, transformed back
   and scattered: one pass over the spectrum does the whole of y. Then the rows go back. A plain
   padded 2-D transform moves four times the memory and transforms zeros (pruned transform; see
   Sorensen and Burrus, Efficient computation of the DFT with only a subset of input or output
   points, 1993).

   In the plane two cosine transforms are done together with complex ones of the same length, as
   cosine.c says: entry k of a row then holds the modes k and n - k as its two parts ("paired").

   The spectrum lies in rows of `stride` entries (one complex number each after a Fourier transform
   along x, else one real). Several ranks share it and work each on its columns; where they cannot,
   it is transposed to [column][row] for the second step. A 1-D grid is one row that every rank
   gathers and works on as a whole. */
#include "kernel/spectral.h"

#include <math.h>
#include <string.h>

enum { BLOCK_BYTES = 512 * 1024, MAX_BLOCK = 16, MIN_BLOCK = 4 };

static void count_modes(MuSpectral s) {
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    const MuAxis *axis = &s->axis[a];
    const PetscBool half = (PetscBool)(axis->kind == MU_TRANSFORM_FOURIER && (a == 0 || s->folded));
    s->modes[a] = half || s->paired ? axis->length / 2 + 1 : axis->length;
  }
  if (s->paired) s->modes[1] *= 4;
}

static PetscErrorCode allocate(size_t count, PetscReal **array) {
  PetscFunctionBegin;
  *array = fftw_alloc_real(PetscMax(count, 1));
  if (!*array)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %zu reals of a transform", count);
  memset(*array, 0, sizeof(PetscReal) * PetscMax(count, 1));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ create, destroy */

/* Whole cache lines of a row, at most BLOCK_BYTES in all. */
static PetscInt choose_block(PetscInt column_stride, PetscInt item) {
  const PetscInt unit = MU_CACHE_LINE / item;
  const PetscInt fit = BLOCK_BYTES / (PetscInt)sizeof(PetscReal) / column_stride / unit * unit;
  return PetscMin(PetscMax(fit, PetscMax(MIN_BLOCK, unit)), PetscMax(MAX_BLOCK, unit));
}

static PetscErrorCode create_spectrum(MuSpectral s) {
  const size_t row = (size_t)(s->stride * s->item);

  PetscFunctionBegin;
  PetscCall(MuWindowCreate(s->grid, (size_t)s->info->total_rows * row, &s->window));
  if (s->window)
    s->spectrum = MuWindowArray(s->window);
  else
    PetscCall(allocate((size_t)s->info->rows * row, &s->spectrum));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_plane(MuSpectral s) {
  const MuGridInfo *info = s->info;
  const PetscInt length = s->axis[1].length;

  PetscFunctionBegin;
  s->columns = s->modes[0];
  PetscCall(create_spectrum(s));
  if (info->size > 1) MuColumnRange(info, s->stride, s->item, info->rank, &s->first, &s->columns);
  if (info->size > 1 && !s->window) {
    PetscCall(MuTransposeCreate(s->grid, s->stride, s->item, &s->transpose));
    PetscCall(allocate((size_t)(s->columns * info->total_rows * s->item), &s->transposed));
  }
  /* an odd number of cache lines, so that the columns of a block do not share sets of the cache */
  s->column_stride = ((length * s->item + MU_CACHE_LINE - 1) / MU_CACHE_LINE | 1) * MU_CACHE_LINE;
  s->block = choose_block(s->column_stride, s->item);
  PetscCall(allocate((size_t)(s->block * s->column_stride), &s->block_data));
  PetscCall(allocate((size_t)(2 * (length + 1)), &s->mode));
  s->symbol_size = (size_t)(s->columns * s->modes[1]);
  for (PetscInt a = 0; a < 2 && s->paired; ++a) {
    PetscCall(allocate((size_t)(2 * (s->axis[a].length / 2 + 1)), &s->twiddles[a]));
    PetscCall(MuCosineTwiddles(s->axis[a].length, s->twiddles[a]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_line(MuSpectral s) {
  const MuGridInfo *info = s->info;

  PetscFunctionBegin;
  PetscCall(allocate((size_t)(s->stride * s->item), &s->spectrum));
  s->columns = s->modes[0];
  s->symbol_size = (size_t)s->modes[0];
  if (info->size > 1) {
    PetscCall(allocate((size_t)info->cells[0], &s->line));
    PetscCall(PetscMalloc2(info->size, &s->counts, info->size, &s->starts));
    for (PetscMPIInt r = 0; r < info->size; ++r) {
      s->starts[r] = (PetscMPIInt)info->row_starts[r];
      s->counts[r] = (PetscMPIInt)(info->row_starts[r + 1] - info->row_starts[r]);
    }
  }
  PetscFunctionReturn(0);
}

/* Planning wrote into these, on every rank into the first row of a shared spectrum. */
static PetscErrorCode clear_planned(MuSpectral s) {
  PetscFunctionBegin;
  memset(s->row_in, 0, sizeof(PetscReal) * (size_t)s->axis[0].length);
  if (s->window) PetscCall(MuWindowMeet(s->window));
  if (!s->window || s->info->rank == 0)
    memset(s->spectrum, 0, sizeof(PetscReal) * (size_t)(s->stride * s->item));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralCreate(MuGrid grid, const MuAxis axes[2], PetscBool folded,
                                MuSpectral *spectral) {
  MuSpectral s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *spectral = s;
  PetscCall(MuGridReference(grid));
  s->grid = grid;
  PetscCall(MuGridGetInfo(grid, &s->info));
  s->folded = folded;
  s->scale = 1;
  s->paired = (PetscBool)(s->info->dim == 2 && axes[0].kind == MU_TRANSFORM_COSINE &&
                          axes[1].kind == MU_TRANSFORM_COSINE);
  s->complex_rows = (PetscBool)(s->paired || axes[0].kind == MU_TRANSFORM_FOURIER);
  s->complex_columns = (PetscBool)(s->paired || axes[1].kind == MU_TRANSFORM_FOURIER);
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    const PetscBool fourier = (PetscBool)(axes[a].kind == MU_TRANSFORM_FOURIER || s->paired);
    s->axis[a] = axes[a];
    if (axes[a].length == 0)
      PetscFunctionReturn(0); /* one cell and its wall face: nothing is left */
    s->scale /= fourier ? axes[a].length : 2 * axes[a].cells;
  }
  count_modes(s);
  s->item = s->complex_rows ? 2 : 1;
  s->stride = (s->modes[0] * s->item + 7) / 8 * 8 / s->item;
  PetscCall(allocate((size_t)axes[0].length, &s->row_in));
  PetscCall(allocate((size_t)axes[0].length, &s->row_out));
  if (s->info->dim == 2)
    PetscCall(create_plane(s));
  else
    PetscCall(create_line(s));
  PetscCall(MuSpectralPlan(s));
  PetscCall(allocate(s->symbol_size, &s->symbol));
  s->positive = s->symbol;
  PetscCall(clear_planned(s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralDestroy(MuSpectral *spectral) {
  MuSpectral s = *spectral;

  PetscFunctionBegin;
  *spectral = NULL;
  if (!s) PetscFunctionReturn(0);
  if (s->positive != s->symbol) fftw_free(s->positive);
  PetscReal *const arrays[] = {s->row_in,     s->row_out,    s->window ? NULL : s->spectrum,
                               s->transposed, s->block_data, s->mode,
                               s->symbol,     s->line,       s->twiddles[0],
                               s->twiddles[1]};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; ++i) fftw_free(arrays[i]);
  const fftw_plan plans[] = {s->row_forward, s->row_backward, s->column_forward,
                             s->column_backward};
  for (size_t i = 0; i < sizeof plans / sizeof plans[0]; ++i)
    if (plans[i]) fftw_destroy_plan(plans[i]);
  PetscCall(PetscFree2(s->counts, s->starts));
  PetscCall(MuTransposeDestroy(&s->transpose));
  PetscCall(MuWindowDestroy(&s->window));
  PetscCall(MuGridDestroy(&s->grid));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ symbol */

static PetscBool is_empty(const MuSpectral s) {
  return (PetscBool)(s->axis[0].length == 0 || (s->info->dim == 2 && s->axis[1].length == 0));
}

/* How many modes of the full set a kept mode stands for. */
static PetscInt multiplicity(const MuAxis *axis, PetscBool half, PetscInt j) {
  return axis->kind == MU_TRANSFORM_FOURIER && half && j > 0 && 2 * j < axis->length ? 2 : 1;
}

static void take_value(MuSpectral s, PetscReal value, PetscInt times, PetscReal sums[2]) {
  s->smallest = PetscMin(s->smallest, value);
  s->largest = PetscMax(s->largest, value);
  sums[0] += value * times;
  sums[1] += times;
}

static void fill_column(MuSpectral s, MuSymbolFunction symbol, void *ctx, PetscInt jx,
                        PetscReal *values, PetscReal sums[2]) {
  const PetscBool plane = (PetscBool)(s->info->dim == 2);
  const PetscInt times = multiplicity(&s->axis[0], PETSC_TRUE, jx);
  for (PetscInt jy = 0; jy < (plane ? s->modes[1] : 1); ++jy) {
    values[jy] = symbol(ctx, jx, jy);
    take_value(s, values[jy], plane ? times * multiplicity(&s->axis[1], s->folded, jy) : times,
               sums);
  }
}

/* Mode n - k is not there for k = 0 and is mode k for 2k = n; its place then holds that of k. */
static void fill_paired_column(MuSpectral s, MuSymbolFunction symbol, void *ctx, PetscInt kx,
                               PetscReal *values, PetscReal sums[2]) {
  const PetscInt nx = s->axis[0].length, ny = s->axis[1].length;
  const PetscBool twice_x = (PetscBool)(kx > 0 && 2 * kx < nx);
  for (PetscInt ky = 0; ky <= ny / 2; ++ky) {
    const PetscBool twice_y = (PetscBool)(ky > 0 && 2 * ky < ny);
    for (PetscInt i = 0; i < 4; ++i) {
      const PetscInt jx = i / 2 && kx ? nx - kx : kx, jy = i % 2 && ky ? ny - ky : ky;
      const PetscInt times = (i / 2 == 0 || twice_x) && (i % 2 == 0 || twice_y);
      values[4 * ky + i] = symbol(ctx, jx, jy);
      take_value(s, values[4 * ky + i], times, sums);
    }
  }
}

static PetscErrorCode fill_symbol(MuSpectral s, MuSymbolFunction symbol, void *ctx,
                                  PetscReal *values) {
  const PetscBool plane = (PetscBool)(s->info->dim == 2);
  PetscReal sums[2] = {0, 0}, extremes[2];

  PetscFunctionBegin;
  if (is_empty(s)) PetscFunctionReturn(0);
  s->smallest = INFINITY;
  s->largest = -INFINITY;
  for (PetscInt c = 0; c < s->columns; ++c) {
    const PetscInt jx = s->first + c;
    if (jx >= s->modes[0]) break; /* the rest only fills cache lines */
    (s->paired ? fill_paired_column : fill_column)(s, symbol, ctx, jx,
                                                   values + c * (plane ? s->modes[1] : 1), sums);
  }
  if (plane) {
    extremes[0] = -s->smallest;
    extremes[1] = s->largest;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, extremes, 2, MPIU_REAL, MPI_MAX, s->info->comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, s->info->comm));
    s->smallest = -extremes[0];
    s->largest = extremes[1];
  }
  s->mean = sums[0] / sums[1];
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralSetSymbol(MuSpectral s, MuSymbolFunction symbol, void *ctx) {
  PetscFunctionBegin;
  PetscCall(fill_symbol(s, symbol, ctx, s->symbol));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralSetPositive(MuSpectral s, MuSymbolFunction symbol, void *ctx) {
  PetscFunctionBegin;
  if (s->positive == s->symbol) PetscCall(allocate(s->symbol_size, &s->positive));
  PetscCall(fill_symbol(s, symbol, ctx, s->positive));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralGetRange(MuSpectral s, PetscReal *smallest, PetscReal *largest,
                                  PetscReal *mean) {
  *smallest = s->smallest;
  *largest = s->largest;
  if (mean) *mean = s->mean;
  return 0;
}
