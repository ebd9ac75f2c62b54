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
   along x, else one real). With several ranks it is transposed to [column][row] for the second
   step. A 1-D grid is one row that every rank gathers and works on as a whole. */
#include "grid/transpose.h"
#include "kernel/kernel_impl.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Plans are measured (a few seconds for the largest grids) except on grids below this size. There
   they are estimated, which makes a transform about a fifth slower but gives it the same bits
   whenever the program is started; -mudot_estimate_plans does so for every grid. */
enum { SMALL_GRID = 65536 };
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
  PetscBool paired;          /* cosine transforms along both axes of a plane */
  PetscBool complex_rows;    /* rows go through a real-to-complex transform */
  PetscBool complex_columns; /* columns are transformed as complex numbers, or to complex ones */
  PetscInt modes[2];         /* entries of a row of the spectrum; symbols per column */
  PetscInt item;             /* reals per entry of the spectrum */
  PetscInt stride;           /* entries per row of the spectrum */
  PetscInt first, columns;   /* the columns of this rank in the second step */
  PetscInt column_stride;    /* reals from one column of a block to the next */
  PetscInt block;            /* columns per block */
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
  PetscReal *twiddles[2];      /* paired */
  PetscReal *line;             /* 1-D on several ranks: the whole field */
  PetscMPIInt *counts, *starts;
  MuTranspose transpose;
  fftw_plan row_forward, row_backward, column_forward, column_backward;
};

static void count_modes(MuSpectral s) {
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    const MuAxis *axis = &s->axis[a];
    const PetscBool half = (PetscBool)(axis->kind == MU_TRANSFORM_FOURIER && (a == 0 || s->folded));
    s->modes[a] = half || s->paired ? axis->length / 2 + 1 : axis->length;
  }
  if (s->paired) s->modes[1] *= 4;
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
  if (s->complex_rows) {
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
  if (!s->complex_columns) {
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

static void plan(MuSpectral s) {
  plan_rows(s);
  if (s->info->dim == 2) plan_columns(s);
}

PetscErrorCode MuTransformPlansGet(char **text) {
  char *wisdom = fftw_export_wisdom_to_string();

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(wisdom ? wisdom : "", text));
  free(wisdom);
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransformPlansSet(const char *text) {
  if (text[0]) (void)fftw_import_wisdom_from_string(text);
  return 0;
}

/* Rank 0 measures, the others take over what it found, so that all have the same plans. */
static PetscErrorCode plan_alike(MuSpectral s) {
  unsigned long long length = 0;
  char *text = NULL;

  PetscFunctionBegin;
  if (s->flags == FFTW_ESTIMATE || s->info->size == 1) {
    plan(s);
    PetscFunctionReturn(0);
  }
  if (s->info->rank == 0) {
    plan(s);
    PetscCall(MuTransformPlansGet(&text));
    length = strlen(text) + 1;
  }
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, s->info->comm));
  if (s->info->rank) PetscCall(PetscMalloc1(length, &text));
  PetscCallMPI(MPI_Bcast(text, (PetscMPIInt)length, MPI_CHAR, 0, s->info->comm));
  if (s->info->rank) {
    PetscCall(MuTransformPlansSet(text));
    plan(s);
  }
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
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
  for (PetscInt a = 0; a < 2 && s->paired; ++a) {
    PetscCall(allocate((size_t)(2 * (s->axis[a].length / 2 + 1)), &s->twiddles[a]));
    PetscCall(MuCosineTwiddles(s->axis[a].length, s->twiddles[a]));
  }
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
  PetscBool estimate = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *spectral = s;
  PetscCall(MuGridReference(grid));
  s->grid = grid;
  PetscCall(MuGridGetInfo(grid, &s->info));
  s->folded = folded;
  if (s->info->cells[0] * s->info->cells[1] < SMALL_GRID) estimate = PETSC_TRUE;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-mudot_estimate_plans", &estimate, NULL));
  s->flags = estimate ? FFTW_ESTIMATE : FFTW_MEASURE;
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
  rows = s->info->dim == 2 ? s->info->rows : 1;
  PetscCall(allocate((size_t)axes[0].length, &s->row_in));
  PetscCall(allocate((size_t)axes[0].length, &s->row_out));
  PetscCall(allocate((size_t)(rows * s->stride * s->item), &s->spectrum));
  if (s->info->dim == 2)
    PetscCall(create_plane(s));
  else
    PetscCall(create_line(s));
  PetscCall(plan_alike(s));
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
  PetscReal *const arrays[] = {s->row_in, s->row_out, s->spectrum,    s->transposed,  s->block_data,
                               s->mode,   s->symbol,  s->twiddles[0], s->twiddles[1], s->line};
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

/* ------------------------------------------------------------------ filter */

/* v holds `count` items of `item` reals, each multiplied by scale f(symbol). */
static void filter_items(const MuFilter *given, PetscReal scale, PetscInt count, PetscInt item,
                         const PetscReal *restrict symbol, PetscReal *restrict v) {
  const MuFilter f = *given;
  if (item == 1) {
    for (PetscInt c = 0; c < count; ++c) v[c] *= MuFilterFactor(&f, scale, symbol[c]);
    return;
  }
  for (PetscInt c = 0; c < count; ++c) {
    const PetscReal x = MuFilterFactor(&f, scale, symbol[c]);
    v[2 * c] *= x;
    v[2 * c + 1] *= x;
  }
}

/* The same on complex numbers with the symbol in reverse: symbol[0], symbol[-1], ... */
static void filter_reversed(const MuFilter *given, PetscReal scale, PetscInt count,
                            const PetscReal *restrict symbol, PetscReal *restrict v) {
  const MuFilter f = *given;
  for (PetscInt c = 0; c < count; ++c) {
    const PetscReal x = MuFilterFactor(&f, scale, symbol[-c]);
    v[2 * c] *= x;
    v[2 * c + 1] *= x;
  }
}

/* A Fourier transform of complex numbers has modes of both signs: the second half of the symbol is
   the first in reverse. */
static void filter_column(MuSpectral s, const MuFilter *filter, const PetscReal *symbol) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt n = axis->length, kept = s->modes[1];
  if (s->paired) {
    MuCosineFilter(n, s->twiddles[1], filter, s->scale, symbol, s->mode);
    return;
  }
  filter_items(filter, s->scale, kept, s->complex_columns ? 2 : s->item, symbol, s->mode);
  if (s->complex_columns && s->item == 2)
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
  if (s->paired)
    MuCosineFold(axis->length, in, from);
  else if (fits_plan(axis, in, s->row_in))
    from = (PetscReal *)in; /* FFTW leaves the input of these transforms as it is */
  else
    memcpy(from, in + axis->skip, sizeof(PetscReal) * (size_t)(axis->cells - axis->skip));
  if (s->complex_rows)
    fftw_execute_dft_r2c(s->row_forward, from, (fftw_complex *)spectrum);
  else
    fftw_execute_r2r(s->row_forward, from, spectrum);
  if (s->paired) MuCosineTwist(axis->length, s->twiddles[0], PETSC_FALSE, spectrum);
}

static void transform_row_back(MuSpectral s, PetscReal *spectrum, PetscReal *out) {
  const MuAxis *axis = &s->axis[0];
  PetscReal *to = !s->paired && fits_plan(axis, out, s->row_out) ? out : s->row_out;
  if (s->paired) MuCosineTwist(axis->length, s->twiddles[0], PETSC_TRUE, spectrum);
  if (s->complex_rows)
    fftw_execute_dft_c2r(s->row_backward, (fftw_complex *)spectrum, to);
  else
    fftw_execute_r2r(s->row_backward, spectrum, to);
  if (s->paired) {
    MuCosineUnfold(axis->length, to, out);
  } else if (to != out) {
    if (axis->skip) out[0] = 0;
    memcpy(out + axis->skip, to, sizeof(PetscReal) * (size_t)(axis->cells - axis->skip));
  }
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

/* A column of complex numbers between natural and folded order. */
static void fold_column(PetscInt n, PetscReal *natural, PetscReal *folded, PetscBool there) {
  for (PetscInt j = 0; j < n; ++j) {
    PetscReal *a = natural + 2 * j, *b = folded + 2 * MuCosinePlace(n, j);
    memcpy(there ? b : a, there ? a : b, 2 * sizeof(PetscReal));
  }
}

/* Between the spectrum and the block. Paired columns are in folded order in the block; on one rank
   the rows of the spectrum already are. */
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
    if (s->paired)
      fold_column(axis->length, there, column, gather);
    else
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
  if (!s->complex_columns)
    fftw_execute_r2r(s->column_forward, column, s->mode);
  else if (s->item == 2)
    fftw_execute_dft(s->column_forward, (fftw_complex *)column, (fftw_complex *)s->mode);
  else
    fftw_execute_dft_r2c(s->column_forward, column, (fftw_complex *)s->mode);
  filter_column(s, filter, symbol);
  if (!s->complex_columns)
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

static PetscReal *spectrum_row(MuSpectral s, PetscInt r) {
  const PetscInt place = s->paired && !s->transposed ? MuCosinePlace(s->axis[1].length, r) : r;
  return s->spectrum + place * s->stride * s->item;
}

static PetscErrorCode apply_plane(MuSpectral s, const MuFilter *filter, const PetscReal *in,
                                  PetscReal *out) {
  const PetscInt rows = s->info->rows, n = s->info->row_length;

  PetscFunctionBegin;
  for (PetscInt r = 0; r < rows; ++r) transform_row(s, in + r * n, spectrum_row(s, r));
  PetscCall(filter_columns(s, filter));
  for (PetscInt r = 0; r < rows; ++r) transform_row_back(s, spectrum_row(s, r), out + r * n);
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
