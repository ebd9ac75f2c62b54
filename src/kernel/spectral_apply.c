/* The passes of a spectral operator, see spectral.c: rows, columns and what multiplies the
 * spectrum.
 */
#include "kernel/spectral.h"

#include <string.h>

static PetscBool is_empty(const MuSpectral s) {
  return (PetscBool)(s->axis[0].length == 0 || (s->info->dim == 2 && s->axis[1].length == 0));
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
  const PetscInt side = MU_CACHE_LINE / item;
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
  const PetscInt side = MU_CACHE_LINE / item, full_rows = rows / side * side,
                 full = width / side * side;
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

/* Between the spectrum and the block. Paired columns are in folded order in the block; the rows of
   a spectrum that is not transposed already are. */
static void move_block(MuSpectral s, PetscInt c, PetscInt width, PetscBool gather) {
  const MuAxis *axis = &s->axis[1];
  const PetscInt data = axis->cells - axis->skip, item = s->item;
  if (!s->transposed) {
    PetscReal *spectrum = s->spectrum + (axis->skip * s->stride + s->first + c) * item;
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
  if (s->window) PetscCall(MuWindowMeet(s->window));
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
  if (s->window) PetscCall(MuWindowMeet(s->window));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ apply */

static PetscReal *spectrum_row(MuSpectral s, PetscInt r) {
  const PetscInt row = s->transposed ? r : s->info->first_row + r;
  const PetscInt place = s->paired && !s->transposed ? MuCosinePlace(s->axis[1].length, row) : row;
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
