/* T^(-1) f(S) T on a grid, T the transform along x and then y that diagonalises the convolution.

   Only data is transformed, never the padding. Along x each row of the grid is padded inside a
   buffer of one row. Then blocks of a few columns, small enough for the cache, are gathered, padded
   there, transformed along y, multiplied by the symbol, transformed back and scattered: one pass
   over the spectrum does the whole of y. Then the rows go back. A plain padded 2-D transform moves
   four times the memory and transforms zeros (pruned transform; see Sorensen and Burrus, Efficient
   computation of the DFT with only a subset of input or output points, 1993).

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
enum { BLOCK_BYTES = 256 * 1024, MAX_BLOCK = 32, MIN_BLOCK = 4 };

struct _MuSpectral {
  MuGrid grid;
  const MuGridInfo *info;
  MuAxis axis[2];
  PetscBool folded;
  PetscInt modes[2];       /* kept modes per axis */
  PetscInt item;           /* reals per entry of the spectrum */
  PetscInt stride;         /* entries per row of the spectrum */
  PetscInt first, columns; /* the columns of this rank in the second step */
  PetscInt block;          /* columns per block */
  size_t symbol_size;
  unsigned flags;  /* of the planner of FFTW */
  PetscReal scale; /* of T^(-1) */
  PetscReal smallest, largest, mean;

  PetscReal *row_in, *row_out; /* [length[0]]; row_in keeps zeros in its padding */
  PetscReal *spectrum;         /* [rows][stride][item] */
  PetscReal *transposed;       /* [columns][total_rows][item]; NULL on one rank */
  PetscReal *column, *mode;    /* buffers of a block, [..][block][item]; mode = column in place */
  PetscReal *symbol;           /* [blocks][modes[1]][block]; in 1-D [modes[0]] */
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

static void plan_columns(MuSpectral s) {
  const MuAxis *axis = &s->axis[1];
  const int n = (int)axis->length, many = (int)s->block, reals = (int)(s->block * s->item);
  fftw_complex *column = (fftw_complex *)s->column, *mode = (fftw_complex *)s->mode;
  if (axis->kind != MU_TRANSFORM_FOURIER) {
    const fftw_r2r_kind there = real_kind(axis->kind, PETSC_TRUE),
                        back = real_kind(axis->kind, PETSC_FALSE);
    s->column_forward = fftw_plan_many_r2r(1, &n, reals, s->column, NULL, reals, 1, s->mode, NULL,
                                           reals, 1, &there, s->flags);
    s->column_backward = fftw_plan_many_r2r(1, &n, reals, s->mode, NULL, reals, 1, s->column, NULL,
                                            reals, 1, &back, s->flags);
  } else if (s->item == 2) {
    s->column_forward = fftw_plan_many_dft(1, &n, many, column, NULL, many, 1, mode, NULL, many, 1,
                                           FFTW_FORWARD, s->flags);
    s->column_backward = fftw_plan_many_dft(1, &n, many, mode, NULL, many, 1, column, NULL, many, 1,
                                            FFTW_BACKWARD, s->flags);
  } else {
    s->column_forward = fftw_plan_many_dft_r2c(1, &n, many, s->column, NULL, many, 1, mode, NULL,
                                               many, 1, s->flags);
    s->column_backward = fftw_plan_many_dft_c2r(1, &n, many, mode, NULL, many, 1, s->column, NULL,
                                                many, 1, s->flags);
  }
}

/* ------------------------------------------------------------------ create, destroy */

/* A whole number of cache lines of columns, at most BLOCK_BYTES for one buffer. */
static PetscInt choose_block(PetscInt length, PetscInt item, PetscInt columns) {
  const PetscInt unit = 8 / item;
  PetscInt block = BLOCK_BYTES / (PetscInt)sizeof(PetscReal) / (length * item);
  block = PetscMin(PetscMax(block, MIN_BLOCK), MAX_BLOCK);
  block = PetscMax(block / unit * unit, unit);
  return PetscMin(block, PetscMax((columns + unit - 1) / unit * unit, unit));
}

static PetscErrorCode create_plane(MuSpectral s) {
  const MuGridInfo *info = s->info;
  const PetscInt length = s->axis[1].length;
  size_t block_size, mode_size;

  PetscFunctionBegin;
  s->columns = s->modes[0];
  if (info->size > 1) {
    PetscCall(MuTransposeCreate(s->grid, s->stride, s->item, &s->transpose));
    PetscCall(MuTransposeGetColumns(s->transpose, &s->first, &s->columns));
    PetscCall(allocate((size_t)(s->columns * info->total_rows * s->item), &s->transposed));
  }
  s->block = choose_block(length, s->item, s->columns);
  block_size = (size_t)(length * s->block * s->item);
  mode_size = (size_t)((length / 2 + 1) * 2 * s->block);
  PetscCall(allocate(block_size, &s->column));
  s->mode = s->column;
  if (s->axis[1].kind == MU_TRANSFORM_FOURIER && s->item == 1)
    PetscCall(allocate(mode_size, &s->mode));
  s->symbol_size = (size_t)((s->columns + s->block) * s->modes[1]);
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
  if (s->mode != s->column) fftw_free(s->mode);
  if (s->positive != s->symbol) fftw_free(s->positive);
  PetscReal *const arrays[] = {s->row_in, s->row_out, s->spectrum, s->transposed,
                               s->column, s->symbol,  s->line};
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
      const PetscInt place = plane ? (c / s->block * modes + jy) * s->block + c % s->block : c;
      values[place] = value;
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

/* v holds `count` items of `item` reals; item c is multiplied by scale f(symbol[c]). */
static void filter_items(const MuFilter *f, PetscReal scale, PetscInt count, PetscInt item,
                         const PetscReal *symbol, PetscReal *v) {
  if (f->rational) {
    for (PetscInt c = 0; c < count; ++c) {
      const PetscReal factor = scale / (f->a * PetscMax(symbol[c], f->floor) + f->b);
      for (PetscInt k = 0; k < item; ++k) v[item * c + k] *= factor;
    }
  } else if (item == 2) {
    for (PetscInt c = 0; c < count; ++c) {
      const PetscReal factor = scale * symbol[c];
      v[2 * c] *= factor;
      v[2 * c + 1] *= factor;
    }
  } else {
    for (PetscInt c = 0; c < count; ++c) v[c] *= scale * symbol[c];
  }
}

static void filter_block(MuSpectral s, const MuFilter *filter, const PetscReal *symbol) {
  const MuAxis *axis = &s->axis[1];
  const PetscBool fourier = (PetscBool)(axis->kind == MU_TRANSFORM_FOURIER);
  const PetscInt item = fourier ? 2 : s->item;
  const PetscInt rows = fourier && s->item == 1 ? axis->length / 2 + 1 : axis->length;
  for (PetscInt j = 0; j < rows; ++j) {
    const PetscInt row = fourier && s->folded ? PetscMin(j, axis->length - j) : j;
    filter_items(filter, s->scale, s->block, item, symbol + row * s->block,
                 s->mode + j * s->block * item);
  }
}

/* ------------------------------------------------------------------ rows */

static void transform_row(MuSpectral s, const PetscReal *in, PetscReal *spectrum) {
  const MuAxis *axis = &s->axis[0];
  memcpy(s->row_in, in + axis->skip, sizeof(PetscReal) * (size_t)(axis->cells - axis->skip));
  if (axis->kind == MU_TRANSFORM_FOURIER)
    fftw_execute_dft_r2c(s->row_forward, s->row_in, (fftw_complex *)spectrum);
  else
    fftw_execute_r2r(s->row_forward, s->row_in, spectrum);
}

static void transform_row_back(MuSpectral s, PetscReal *spectrum, PetscReal *out) {
  const MuAxis *axis = &s->axis[0];
  if (axis->kind == MU_TRANSFORM_FOURIER)
    fftw_execute_dft_c2r(s->row_backward, (fftw_complex *)spectrum, s->row_out);
  else
    fftw_execute_r2r(s->row_backward, spectrum, s->row_out);
  if (axis->skip) out[0] = 0;
  memcpy(out + axis->skip, s->row_out, sizeof(PetscReal) * (size_t)(axis->cells - axis->skip));
}

/* ------------------------------------------------------------------ columns */

/* Columns c .. c + width - 1 of this rank into the block, zeros behind the data. */
static void gather_block(MuSpectral s, PetscInt c, PetscInt width) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt item = s->item, reals = s->block * item, data = axis->cells - axis->skip;
  for (PetscInt r = 0; r < data; ++r) {
    PetscReal *to = s->column + r * reals;
    if (!s->transposed) {
      memcpy(to, s->spectrum + ((r + axis->skip) * s->stride + c) * item,
             sizeof(PetscReal) * (size_t)(width * item));
    } else {
      const PetscReal *from = s->transposed + (c * axis->cells + r + axis->skip) * item;
      for (PetscInt k = 0; k < width; ++k)
        for (PetscInt i = 0; i < item; ++i) to[k * item + i] = from[k * axis->cells * item + i];
    }
  }
  memset(s->column + data * reals, 0, sizeof(PetscReal) * (size_t)((axis->length - data) * reals));
}

static void scatter_block(MuSpectral s, PetscInt c, PetscInt width) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt item = s->item, reals = s->block * item;
  for (PetscInt r = 0; r < axis->cells - axis->skip; ++r) {
    const PetscReal *from = s->column + r * reals;
    if (!s->transposed) {
      memcpy(s->spectrum + ((r + axis->skip) * s->stride + c) * item, from,
             sizeof(PetscReal) * (size_t)(width * item));
    } else {
      PetscReal *to = s->transposed + (c * axis->cells + r + axis->skip) * item;
      for (PetscInt k = 0; k < width; ++k)
        for (PetscInt i = 0; i < item; ++i) to[k * axis->cells * item + i] = from[k * item + i];
    }
  }
}

static PetscErrorCode filter_columns(MuSpectral s, const MuFilter *filter) {
  const PetscReal *symbol = filter->rational ? s->positive : s->symbol;

  PetscFunctionBegin;
  if (s->transpose) PetscCall(MuTransposeForward(s->transpose, s->spectrum, s->transposed));
  for (PetscInt c = 0; c < s->columns; c += s->block) {
    const PetscInt width = PetscMin(s->block, s->columns - c);
    gather_block(s, c, width);
    fftw_execute(s->column_forward);
    filter_block(s, filter, symbol + c * s->modes[1]);
    fftw_execute(s->column_backward);
    scatter_block(s, c, width);
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
