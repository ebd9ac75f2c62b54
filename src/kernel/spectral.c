/* T^(-1) f(S) T on a grid, T the transform along x and then y that diagonalises the convolution.

   Only data is transformed, never the padding. Along x each row of the grid is padded inside a
   buffer of one row. Then blocks of a few columns, small enough for the cache, are gathered into
   contiguous columns, padded there, transformed along y, multiplied by the symbol, transformed back
   and scattered: one pass over the spectrum does the whole of y. Then the rows go back. A plain
   padded 2-D transform moves four times the memory and transforms zeros (pruned transform; see
   Sorensen and Burrus, Efficient computation of the DFT with only a subset of input or output
   points, 1993).

   The spectrum lies in rows of `stride` entries (one complex number each after a Fourier transform
   along x, else one real). With several ranks it is transposed to [column][row] for the second
   step. A 1-D grid is one row that every rank gathers and works on as a whole. */
#include "kernel/kernel_impl.h"

#include <fftw3.h>
#include <math.h>
#include <string.h>

/* Plans are measured (a few seconds for the largest grids) except on grids so small that measuring
   would cost more than it gains. */
enum { SMALL_GRID = 4096 };
enum {
  BLOCK_BYTES = 512 * 1024,
  MAX_BLOCK = 16,
  MIN_BLOCK = 4,
  LINE = 8
}; /* reals of a cache line */

struct _MuSpectral {
  MuGrid grid;
  const MuGridInfo *info;
  MuAxis axis[2];
  PetscBool folded;
  PetscInt modes[2];       /* kept modes per axis */
  PetscInt item;           /* reals per entry of the spectrum */
  PetscInt stride;         /* entries per row of the spectrum */
  PetscInt first, columns; /* the columns of this rank in the second step */
  PetscInt column_stride;  /* reals from one column of a block to the next */
  PetscInt block;          /* columns per block */
  size_t symbol_size;
  unsigned flags;  /* of the planner of FFTW */
  PetscReal scale; /* of T^(-1) */
  PetscReal smallest, largest, mean;

  PetscReal *row_in, *row_out; /* [length[0]]; row_in keeps zeros in its padding */
  PetscReal *spectrum;         /* [rows][stride][item] */
  PetscReal *transposed;       /* [columns][total_rows][item]; NULL on one rank */
  PetscReal *block_data;       /* [block][column_stride] */
  PetscReal *mode;             /* one transformed column */
  PetscReal *symbol;           /* [columns][modes[1]]; in 1-D [modes[0]] */
  PetscReal *positive;         /* the same for rational filters; symbol itself, or its own */
  PetscReal *line;             /* 1-D on several ranks: the whole field */
  PetscMPIInt *counts, *starts;
  MuTranspose transpose;
  fftw_plan row_forward, row_backward, column_forward, column_backward;
};

/* ------------------------------------------------------------------ lengths */

/* Rough cost of a transform: n times the work per radix, from FFTW's timings. */
static PetscReal transform_cost(PetscInt n) {
  const PetscInt radix[4] = {2, 3, 5, 7};
  const PetscReal work[4] = {1, 1.8, 2.8, 4};
  PetscReal cost = 2;
  PetscInt rest = n;
  for (PetscInt k = 0; k < 4; ++k)
    while (rest % radix[k] == 0) {
      rest /= radix[k];
      cost += work[k];
    }
  return rest == 1 ? cost * n : INFINITY;
}

PetscInt MuSpectralLength(PetscInt least) {
  PetscInt best = 0, power = 2;
  while (power < least) power *= 2;
  best = power;
  for (PetscInt n = least + least % 2; n < power; n += 2)
    if (transform_cost(n) < transform_cost(best)) best = n;
  return best;
}

static PetscInt kept_modes(const MuAxis *axis, PetscBool half) {
  return axis->kind == MU_TRANSFORM_FOURIER && half ? axis->length / 2 + 1 : axis->length;
}

/* ------------------------------------------------------------------ plans */

static PetscErrorCode allocate(size_t count, PetscReal **array) {
  PetscFunctionBegin;
  *array = fftw_alloc_real(PetscMax(count, 1));
  if (!*array)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %zu reals of a transform", count);
  memset(*array, 0, sizeof(PetscReal) * PetscMax(count, 1));
  PetscFunctionReturn(0);
}

static fftw_r2r_kind real_kind(MuTransformKind kind, PetscBool forward) {
  if (kind == MU_TRANSFORM_SINE) return FFTW_RODFT00;
  return forward ? FFTW_REDFT10 : FFTW_REDFT01;
}

static void plan_rows(MuSpectral s) {
  const MuAxis *axis = &s->axis[0];
  const int n = (int)axis->length;
  if (axis->kind == MU_TRANSFORM_FOURIER) {
    s->row_forward = fftw_plan_dft_r2c_1d(n, s->row_in, (fftw_complex *)s->spectrum, s->flags);
    s->row_backward = fftw_plan_dft_c2r_1d(n, (fftw_complex *)s->spectrum, s->row_out, s->flags);
  } else {
    s->row_forward =
        fftw_plan_r2r_1d(n, s->row_in, s->spectrum, real_kind(axis->kind, PETSC_TRUE), s->flags);
    s->row_backward =
        fftw_plan_r2r_1d(n, s->spectrum, s->row_out, real_kind(axis->kind, PETSC_FALSE), s->flags);
  }
}

/* One column; a complex column under a real transform is two interleaved real ones. */
static void plan_columns(MuSpectral s) {
  const MuAxis *axis = &s->axis[1];
  const int n = (int)axis->length, item = (int)s->item;
  PetscReal *column = s->block_data, *mode = s->mode;
  if (axis->kind != MU_TRANSFORM_FOURIER) {
    const fftw_r2r_kind there = real_kind(axis->kind, PETSC_TRUE),
                        back = real_kind(axis->kind, PETSC_FALSE);
    s->column_forward = fftw_plan_many_r2r(1, &n, item, column, NULL, item, 1, mode, NULL, item, 1,
                                           &there, s->flags);
    s->column_backward = fftw_plan_many_r2r(1, &n, item, mode, NULL, item, 1, column, NULL, item, 1,
                                            &back, s->flags);
  } else if (s->item == 2) {
    s->column_forward =
        fftw_plan_dft_1d(n, (fftw_complex *)column, (fftw_complex *)mode, FFTW_FORWARD, s->flags);
    s->column_backward = fftw_plan_dft_1d(n, (fftw_complex *)mode, (fftw_complex *)column,
                                          FFTW_BACKWARD, s->flags | FFTW_DESTROY_INPUT);
  } else {
    s->column_forward = fftw_plan_dft_r2c_1d(n, column, (fftw_complex *)mode, s->flags);
    s->column_backward = fftw_plan_dft_c2r_1d(n, (fftw_complex *)mode, column, s->flags);
  }
}

/* ------------------------------------------------------------------ create, destroy */

/* Whole cache lines of a row, at most BLOCK_BYTES in all. */
static PetscInt choose_block(PetscInt column_stride, PetscInt item) {
  const PetscInt unit = LINE / item;
  const PetscInt fit = BLOCK_BYTES / (PetscInt)sizeof(PetscReal) / column_stride / unit * unit;
  return PetscMin(PetscMax(fit, PetscMax(MIN_BLOCK, unit)), PetscMax(MAX_BLOCK, unit));
}

static PetscErrorCode create_plane(MuSpectral s) {
  const MuGridInfo *info = s->info;
  const PetscInt length = s->axis[1].length;

  PetscFunctionBegin;
  s->columns = s->modes[0];
  if (info->size > 1) {
    PetscCall(MuTransposeCreate(s->grid, s->stride, s->item, &s->transpose));
    PetscCall(MuTransposeGetColumns(s->transpose, &s->first, &s->columns));
    PetscCall(allocate((size_t)(s->columns * info->total_rows * s->item), &s->transposed));
  }
  /* an odd number of cache lines, so that the columns of a block do not share sets of the cache */
  s->column_stride = ((length * s->item + LINE - 1) / LINE | 1) * LINE;
  s->block = choose_block(s->column_stride, s->item);
  PetscCall(allocate((size_t)(s->block * s->column_stride), &s->block_data));
  PetscCall(allocate((size_t)(2 * (length + 1)), &s->mode));
  s->symbol_size = (size_t)(s->columns * s->modes[1]);
  plan_columns(s);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_line(MuSpectral s) {
  const MuGridInfo *info = s->info;

  PetscFunctionBegin;
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

PetscErrorCode MuSpectralCreate(MuGrid grid, const MuAxis axes[2], PetscBool folded,
                                MuSpectral *spectral) {
  MuSpectral s;
  PetscInt rows;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *spectral = s;
  PetscCall(MuGridReference(grid));
  s->grid = grid;
  PetscCall(MuGridGetInfo(grid, &s->info));
  s->folded = folded;
  s->flags = s->info->cells[0] * s->info->cells[1] < SMALL_GRID ? FFTW_ESTIMATE : FFTW_MEASURE;
  s->scale = 1;
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    s->axis[a] = axes[a];
    s->modes[a] = kept_modes(&axes[a], (PetscBool)(a == 0 || folded));
    if (axes[a].length == 0)
      PetscFunctionReturn(0); /* one cell and its wall face: nothing is left */
    s->scale /= axes[a].kind == MU_TRANSFORM_FOURIER ? axes[a].length : 2 * axes[a].cells;
  }
  s->item = axes[0].kind == MU_TRANSFORM_FOURIER ? 2 : 1;
  s->stride = (s->modes[0] * s->item + 7) / 8 * 8 / s->item;
  rows = s->info->dim == 2 ? s->info->rows : 1;
  PetscCall(allocate((size_t)axes[0].length, &s->row_in));
  PetscCall(allocate((size_t)axes[0].length, &s->row_out));
  PetscCall(allocate((size_t)(rows * s->stride * s->item), &s->spectrum));
  plan_rows(s);
  if (s->info->dim == 2)
    PetscCall(create_plane(s));
  else
    PetscCall(create_line(s));
  PetscCall(allocate(s->symbol_size, &s->symbol));
  s->positive = s->symbol;
  /* planning wrote into them */
  memset(s->row_in, 0, sizeof(PetscReal) * (size_t)axes[0].length);
  memset(s->spectrum, 0, sizeof(PetscReal) * (size_t)(rows * s->stride * s->item));
  if (!s->row_forward || !s->row_backward ||
      (s->info->dim == 2 && (!s->column_forward || !s->column_backward)))
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW made no plan");
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralDestroy(MuSpectral *spectral) {
  MuSpectral s = *spectral;

  PetscFunctionBegin;
  *spectral = NULL;
  if (!s) PetscFunctionReturn(0);
  if (s->positive != s->symbol) fftw_free(s->positive);
  PetscReal *const arrays[] = {s->row_in,     s->row_out, s->spectrum, s->transposed,
                               s->block_data, s->mode,    s->symbol,   s->line};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; ++i) fftw_free(arrays[i]);
  const fftw_plan plans[] = {s->row_forward, s->row_backward, s->column_forward,
                             s->column_backward};
  for (size_t i = 0; i < sizeof plans / sizeof plans[0]; ++i)
    if (plans[i]) fftw_destroy_plan(plans[i]);
  PetscCall(PetscFree2(s->counts, s->starts));
  if (s->transpose) PetscCall(MuTransposeDestroy(&s->transpose));
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

static PetscErrorCode fill_symbol(MuSpectral s, MuSymbolFunction symbol, void *ctx,
                                  PetscReal *values) {
  const PetscBool plane = (PetscBool)(s->info->dim == 2);
  const PetscInt modes = plane ? s->modes[1] : 1;
  PetscReal sums[2] = {0, 0}, extremes[2];

  PetscFunctionBegin;
  if (is_empty(s)) PetscFunctionReturn(0);
  s->smallest = INFINITY;
  s->largest = -INFINITY;
  for (PetscInt c = 0; c < s->columns; ++c) {
    const PetscInt jx = s->first + c;
    if (jx >= s->modes[0]) break; /* the rest only fills cache lines */
    const PetscInt times = multiplicity(&s->axis[0], PETSC_TRUE, jx);
    for (PetscInt jy = 0; jy < modes; ++jy) {
      const PetscReal value = symbol(ctx, jx, jy);
      values[c * modes + jy] = value;
      take_value(s, value, plane ? times * multiplicity(&s->axis[1], s->folded, jy) : times, sums);
    }
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

/* ------------------------------------------------------------------ filter */

static inline PetscReal factor(const MuFilter *f, PetscReal scale, PetscReal symbol) {
  return f->rational ? scale / (f->a * PetscMax(symbol, f->floor) + f->b) : scale * symbol;
}

/* v holds `count` items of `item` reals, each multiplied by scale f(symbol). */
static void filter_items(const MuFilter *given, PetscReal scale, PetscInt count, PetscInt item,
                         const PetscReal *restrict symbol, PetscReal *restrict v) {
  const MuFilter f = *given;
  if (item == 1) {
    for (PetscInt c = 0; c < count; ++c) v[c] *= factor(&f, scale, symbol[c]);
    return;
  }
  for (PetscInt c = 0; c < count; ++c) {
    const PetscReal x = factor(&f, scale, symbol[c]);
    v[2 * c] *= x;
    v[2 * c + 1] *= x;
  }
}

/* The same on complex numbers with the symbol in reverse: symbol[0], symbol[-1], ... */
static void filter_reversed(const MuFilter *given, PetscReal scale, PetscInt count,
                            const PetscReal *restrict symbol, PetscReal *restrict v) {
  const MuFilter f = *given;
  for (PetscInt c = 0; c < count; ++c) {
    const PetscReal x = factor(&f, scale, symbol[-c]);
    v[2 * c] *= x;
    v[2 * c + 1] *= x;
  }
}

/* A Fourier transform of complex numbers has modes of both signs: the second half of the symbol is
   the first in reverse. */
static void filter_column(MuSpectral s, const MuFilter *filter, const PetscReal *symbol) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt n = axis->length, kept = s->modes[1];
  const PetscBool fourier = (PetscBool)(axis->kind == MU_TRANSFORM_FOURIER);
  filter_items(filter, s->scale, kept, fourier ? 2 : s->item, symbol, s->mode);
  if (fourier && s->item == 2)
    filter_reversed(filter, s->scale, n - kept, symbol + n - kept, s->mode + 2 * kept);
}

/* ------------------------------------------------------------------ rows */

/* Whether a row of the field can be transformed where it lies. */
static PetscBool fits_plan(const MuAxis *axis, const PetscReal *row, PetscReal *planned) {
  return (PetscBool)(axis->skip == 0 && axis->length == axis->cells &&
                     fftw_alignment_of((PetscReal *)row) == fftw_alignment_of(planned));
}

static void transform_row(MuSpectral s, const PetscReal *in, PetscReal *spectrum) {
  const MuAxis *axis = &s->axis[0];
  PetscReal *from = s->row_in;
  if (fits_plan(axis, in, s->row_in))
    from = (PetscReal *)in; /* FFTW leaves the input of these transforms as it is */
  else
    memcpy(from, in + axis->skip, sizeof(PetscReal) * (size_t)(axis->cells - axis->skip));
  if (axis->kind == MU_TRANSFORM_FOURIER)
    fftw_execute_dft_r2c(s->row_forward, from, (fftw_complex *)spectrum);
  else
    fftw_execute_r2r(s->row_forward, from, spectrum);
}

static void transform_row_back(MuSpectral s, PetscReal *spectrum, PetscReal *out) {
  const MuAxis *axis = &s->axis[0];
  PetscReal *to = fits_plan(axis, out, s->row_out) ? out : s->row_out;
  if (axis->kind == MU_TRANSFORM_FOURIER)
    fftw_execute_dft_c2r(s->row_backward, (fftw_complex *)spectrum, to);
  else
    fftw_execute_r2r(s->row_backward, spectrum, to);
  if (to == out) return;
  if (axis->skip) out[0] = 0;
  memcpy(out + axis->skip, to, sizeof(PetscReal) * (size_t)(axis->cells - axis->skip));
}

/* ------------------------------------------------------------------ columns */

/* A full tile, one cache line of rows by one of columns, with sizes the compiler knows. */
static inline void move_tile(PetscInt item, PetscReal *spectrum, PetscInt row, PetscReal *block,
                             PetscInt column, PetscBool gather) {
  const PetscInt side = LINE / item;
  for (PetscInt k = 0; k < side; ++k)
    for (PetscInt i = 0; i < side; ++i) {
      PetscReal *a = spectrum + i * row + k * item, *b = block + k * column + i * item;
      memcpy(gather ? b : a, gather ? a : b, sizeof(PetscReal) * (size_t)item);
    }
}

/* `rows` rows of `width` neighbouring columns between the spectrum (rows `row` apart) and the block
   (columns `column` apart). */
static inline void move_tiles(PetscInt item, PetscReal *spectrum, PetscInt row, PetscReal *block,
                              PetscInt column, PetscInt rows, PetscInt width, PetscBool gather) {
  const PetscInt side = LINE / item, full_rows = rows / side * side, full = width / side * side;
  for (PetscInt r = 0; r < full_rows; r += side)
    for (PetscInt k = 0; k < full; k += side)
      move_tile(item, spectrum + r * row + k * item, row, block + k * column + r * item, column,
                gather);
  for (PetscInt r = 0; r < rows; ++r)
    for (PetscInt k = r < full_rows ? full : 0; k < width; ++k) {
      PetscReal *a = spectrum + r * row + k * item, *b = block + k * column + r * item;
      memcpy(gather ? b : a, gather ? a : b, sizeof(PetscReal) * (size_t)item);
    }
}

static void move_block(MuSpectral s, PetscInt c, PetscInt width, PetscBool gather) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt data = axis->cells - axis->skip, item = s->item;
  if (!s->transposed) {
    PetscReal *spectrum = s->spectrum + (axis->skip * s->stride + c) * item;
    const PetscInt row = s->stride * item, column = s->column_stride;
    if (item == 2 && gather)
      move_tiles(2, spectrum, row, s->block_data, column, data, width, PETSC_TRUE);
    else if (item == 2)
      move_tiles(2, spectrum, row, s->block_data, column, data, width, PETSC_FALSE);
    else
      move_tiles(1, spectrum, row, s->block_data, column, data, width, gather);
    return;
  }
  for (PetscInt k = 0; k < width; ++k) {
    PetscReal *column = s->block_data + k * s->column_stride;
    PetscReal *there = s->transposed + ((c + k) * axis->cells + axis->skip) * item;
    memcpy(gather ? column : there, gather ? there : column,
           sizeof(PetscReal) * (size_t)(data * item));
  }
}

/* Pads, transforms, filters and transforms back one column of the block. */
static void process_column(MuSpectral s, const MuFilter *filter, const PetscReal *symbol,
                           PetscReal *column) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt data = axis->cells - axis->skip;
  memset(column + data * s->item, 0, sizeof(PetscReal) * (size_t)((axis->length - data) * s->item));
  if (axis->kind != MU_TRANSFORM_FOURIER)
    fftw_execute_r2r(s->column_forward, column, s->mode);
  else if (s->item == 2)
    fftw_execute_dft(s->column_forward, (fftw_complex *)column, (fftw_complex *)s->mode);
  else
    fftw_execute_dft_r2c(s->column_forward, column, (fftw_complex *)s->mode);
  filter_column(s, filter, symbol);
  if (axis->kind != MU_TRANSFORM_FOURIER)
    fftw_execute_r2r(s->column_backward, s->mode, column);
  else if (s->item == 2)
    fftw_execute_dft(s->column_backward, (fftw_complex *)s->mode, (fftw_complex *)column);
  else
    fftw_execute_dft_c2r(s->column_backward, (fftw_complex *)s->mode, column);
}

static PetscErrorCode filter_columns(MuSpectral s, const MuFilter *filter) {
  const PetscReal *symbol = filter->rational ? s->positive : s->symbol;

  PetscFunctionBegin;
  if (s->transpose) PetscCall(MuTransposeForward(s->transpose, s->spectrum, s->transposed));
  for (PetscInt c = 0; c < s->columns; c += s->block) {
    const PetscInt width = PetscMin(s->block, s->columns - c);
    move_block(s, c, width, PETSC_TRUE);
    for (PetscInt k = 0; k < width; ++k)
      process_column(s, filter, symbol + (c + k) * s->modes[1],
                     s->block_data + k * s->column_stride);
    move_block(s, c, width, PETSC_FALSE);
  }
  if (s->transpose) PetscCall(MuTransposeBackward(s->transpose, s->transposed, s->spectrum));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ apply */

static PetscErrorCode apply_plane(MuSpectral s, const MuFilter *filter, const PetscReal *in,
                                  PetscReal *out) {
  const PetscInt rows = s->info->rows, n = s->info->row_length, stride = s->stride * s->item;

  PetscFunctionBegin;
  for (PetscInt r = 0; r < rows; ++r) transform_row(s, in + r * n, s->spectrum + r * stride);
  PetscCall(filter_columns(s, filter));
  for (PetscInt r = 0; r < rows; ++r) transform_row_back(s, s->spectrum + r * stride, out + r * n);
  if (s->axis[1].skip && s->info->first_row == 0) memset(out, 0, sizeof(PetscReal) * (size_t)n);
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_line(MuSpectral s, const MuFilter *filter, const PetscReal *in,
                                 PetscReal *out) {
  const MuGridInfo *info = s->info;
  const PetscReal *from = in;

  PetscFunctionBegin;
  if (s->line) {
    PetscCallMPI(MPI_Allgatherv(in, (PetscMPIInt)info->local_size, MPIU_REAL, s->line, s->counts,
                                s->starts, MPIU_REAL, info->comm));
    from = s->line;
  }
  transform_row(s, from, s->spectrum);
  filter_items(filter, s->scale, s->modes[0], s->item, filter->rational ? s->positive : s->symbol,
               s->spectrum);
  transform_row_back(s, s->spectrum, s->line ? s->line : out);
  if (s->line) memcpy(out, s->line + info->first_row, sizeof(PetscReal) * (size_t)info->local_size);
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralApply(MuSpectral s, const MuFilter *filter, const PetscReal *in,
                               PetscReal *out) {
  PetscFunctionBegin;
  if (is_empty(s))
    memset(out, 0, sizeof(PetscReal) * (size_t)s->info->local_size);
  else if (s->info->dim == 2)
    PetscCall(apply_plane(s, filter, in, out));
  else
    PetscCall(apply_line(s, filter, in, out));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ spectra of weights */

/* Replaces the lines w[0], w[step], ... (first and second half of an even period of `length`) by
   their DFT; `lines` of them, `apart` apart. */
static PetscErrorCode even_lines(PetscInt length, PetscInt step, PetscInt lines, PetscInt apart,
                                 PetscReal w[]) {
  const PetscInt half = length / 2;
  PetscReal *even, *modes;

  PetscFunctionBegin;
  PetscCall(allocate((size_t)length, &even));
  PetscCall(allocate((size_t)(2 * (half + 1)), &modes));
  fftw_plan plan = fftw_plan_dft_r2c_1d((int)length, even, (fftw_complex *)modes, FFTW_ESTIMATE);
  for (PetscInt l = 0; l < lines; ++l) {
    PetscReal *line = w + l * apart;
    for (PetscInt j = 0; j < length; ++j) even[j] = line[PetscMin(j, length - j) * step];
    fftw_execute(plan);
    for (PetscInt j = 0; j <= half; ++j) line[j * step] = modes[2 * j];
  }
  fftw_destroy_plan(plan);
  fftw_free(even);
  fftw_free(modes);
  PetscFunctionReturn(0);
}

PetscErrorCode MuEvenSpectrum(const PetscInt length[2], PetscReal w[]) {
  const PetscInt columns = length[0] / 2 + 1, rows = length[1] / 2 + 1;

  PetscFunctionBegin;
  PetscCall(even_lines(length[0], 1, rows, columns, w));
  if (rows > 1) PetscCall(even_lines(length[1], columns, columns, 1, w));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFullSpectrum(const PetscInt length[2], PetscReal w[], PetscReal spectrum[]) {
  const PetscInt columns = length[0] / 2 + 1;
  PetscReal *modes;

  PetscFunctionBegin;
  PetscCall(allocate((size_t)(2 * columns * length[1]), &modes));
  fftw_plan plan =
      fftw_plan_dft_r2c_2d((int)length[1], (int)length[0], w, (fftw_complex *)modes, FFTW_ESTIMATE);
  fftw_execute(plan);
  for (PetscInt i = 0; i < columns * length[1]; ++i) spectrum[i] = modes[2 * i];
  fftw_destroy_plan(plan);
  fftw_free(modes);
  PetscFunctionReturn(0);
}
