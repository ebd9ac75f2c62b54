/* Tridiagonal and cyclic transport systems by state reduction.

   Elimination without subtractions in the manner of Grassmann, Taksar and Heyman (Oper. Res. 33,
   1985): the matrix of a line is the generator of a walk that is stopped at rate 1. A pivot is the
   sum of its column: the rate of stopping (c, which grows by the mass that eliminated cells would
   have returned and stopped) and the rates into the cells that remain. All terms are non-negative,
   so factors and solutions are accurate component by component and the mass is kept to rounding. A
   cyclic line is bordered: its last cell is eliminated last, and the fill-in of its row (g) and
   column (h) is carried along.

   Lines are solved `width` at a time, interleaved, so that the recurrences run in vector lanes. */
#include "linear/tridiagonal.h"

#include <string.h>

#define ACROSS 8  /* width for lines that are contiguous: one transposed tile of cache lines */
#define ALONG  32 /* width for lines that are neighbours in memory */

struct _p_MuLines {
  MuLinesLayout layout;
  PetscInt width, blocks;
  /* [blocks][cells][width]: z_i = r_i inverse_i + up_i z_(i-1), x_i = z_i + down_i x_(i+1) (+
     from_border_i x_last); r_last += sum to_border_i z_i */
  PetscReal *inverse, *up, *down, *to_border, *from_border;
  PetscReal *buffer; /* [cells][width] */
};

PetscErrorCode MuLinesCreate(const MuLinesLayout *layout, MuLines *lines) {
  MuLines s;
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->layout = *layout;
  if (s->layout.cells < 2) s->layout.cyclic = PETSC_FALSE;
  s->width = layout->count == 1 ? 1 : (layout->cell_stride == 1 ? ACROSS : ALONG);
  s->blocks = (layout->count + s->width - 1) / s->width;
  size = s->blocks * s->width * layout->cells;
  PetscCall(PetscMalloc3(size, &s->inverse, size, &s->up, size, &s->down));
  if (s->layout.cyclic) PetscCall(PetscMalloc2(size, &s->to_border, size, &s->from_border));
  PetscCall(PetscCalloc1(s->width * layout->cells, &s->buffer));
  *lines = s;
  PetscFunctionReturn(0);
}

PetscErrorCode MuLinesDestroy(MuLines *lines) {
  MuLines s = *lines;

  PetscFunctionBegin;
  *lines = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(PetscFree3(s->inverse, s->up, s->down));
  if (s->layout.cyclic) PetscCall(PetscFree2(s->to_border, s->from_border));
  PetscCall(PetscFree(s->buffer));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* One line; a, b are read with the cell stride, the factors written with stride `width`. */
static void factor_plain(MuLines s, PetscReal dt, const PetscReal *a, const PetscReal *b,
                         PetscInt at) {
  const PetscInt n = s->layout.cells, w = s->width, stride = s->layout.cell_stride;
  PetscReal stop = 1, lower_pivot = 1;

  for (PetscInt i = 0; i < n; ++i) {
    PetscReal from_lower = i ? dt * a[i * stride] : 0, to_lower = i ? dt * b[i * stride] : 0;
    PetscReal to_upper = i < n - 1 ? dt * a[(i + 1) * stride] : 0;
    PetscReal from_upper = i < n - 1 ? dt * b[(i + 1) * stride] : 0;
    stop = i ? 1 + to_lower * (stop / lower_pivot) : 1;
    lower_pivot = stop + to_upper;
    s->inverse[at + i * w] = 1 / lower_pivot;
    s->up[at + i * w] = from_lower / lower_pivot;
    s->down[at + i * w] = from_upper / lower_pivot;
  }
}

/* factor_plain() for a whole block of lines at once, for a width known to the compiler: the
   recurrence of a line waits for its own divisions, but not for those of its neighbours. */
static inline void factor_block(MuLines s, PetscReal dt, const PetscReal *a, const PetscReal *b,
                                PetscInt at, const PetscInt width) {
  const PetscInt n = s->layout.cells, line = s->layout.line_stride, cell = s->layout.cell_stride;
  PetscReal *restrict inverse = s->inverse + at, *restrict up = s->up + at;
  PetscReal *restrict down = s->down + at;
  PetscReal returned[ALONG] = {0}; /* stop/pivot of the cell below */

  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal below = i ? dt : 0, above = i < n - 1 ? dt : 0;
    const PetscReal *ai = a + i * cell, *bi = b + i * cell;
    const PetscReal *an = i < n - 1 ? ai + cell : ai, *bn = i < n - 1 ? bi + cell : bi;
    for (PetscInt l = 0; l < width; ++l) {
      PetscReal stop = 1 + below * bi[l * line] * returned[l];
      PetscReal reciprocal = 1 / (stop + above * an[l * line]);
      returned[l] = stop * reciprocal;
      inverse[i * width + l] = reciprocal;
      up[i * width + l] = below * ai[l * line] * reciprocal;
      down[i * width + l] = above * bn[l * line] * reciprocal;
    }
  }
}

static void factor_cyclic(MuLines s, PetscReal dt, const PetscReal *a, const PetscReal *b,
                          PetscInt at) {
  const PetscInt n = s->layout.cells, w = s->width, stride = s->layout.cell_stride;
  const PetscInt last = at + (n - 1) * w;
  PetscReal stop = 1, pivot = 1, border_stop = 1;
  PetscReal g = dt * b[0], h = dt * a[0]; /* rates to and from the last cell */

  for (PetscInt i = 0; i < n - 1; ++i) {
    PetscReal from_lower = i ? dt * a[i * stride] : 0, to_lower = i ? dt * b[i * stride] : 0;
    PetscReal to_upper = dt * a[(i + 1) * stride], from_upper = dt * b[(i + 1) * stride];
    if (i) {
      stop = 1 + to_lower * (stop / pivot);
      g = to_lower * (g / pivot);
      h = from_lower * (h / pivot);
    }
    if (i == n - 2) {
      g += to_upper;
      h += from_upper;
      to_upper = from_upper = 0;
    }
    pivot = stop + to_upper + g;
    border_stop += h * (stop / pivot);
    s->inverse[at + i * w] = 1 / pivot;
    s->up[at + i * w] = from_lower / pivot;
    s->down[at + i * w] = from_upper / pivot;
    s->to_border[at + i * w] = g;
    s->from_border[at + i * w] = h / pivot;
  }
  s->inverse[last] = 1 / border_stop;
  s->up[last] = s->down[last] = s->to_border[last] = s->from_border[last] = 0;
}

/* Lanes beyond the last line: the identity. */
static void factor_nothing(MuLines s, PetscInt at) {
  for (PetscInt i = at; i < at + s->layout.cells * s->width; i += s->width) {
    s->inverse[i] = 1;
    s->up[i] = s->down[i] = 0;
    if (s->layout.cyclic) s->to_border[i] = s->from_border[i] = 0;
  }
}

PetscErrorCode MuLinesFactor(MuLines s, PetscReal dt, const PetscReal *a, const PetscReal *b) {
  const PetscInt whole = s->layout.cyclic || s->width == 1 ? 0 : s->layout.count / s->width;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < whole; ++k) {
    PetscInt at = k * s->width * s->layout.cells, from = k * s->width * s->layout.line_stride;
    if (s->width == ALONG)
      factor_block(s, dt, a + from, b + from, at, ALONG);
    else
      factor_block(s, dt, a + from, b + from, at, ACROSS);
  }
  for (PetscInt l = whole * s->width; l < s->blocks * s->width; ++l) {
    PetscInt at = (l / s->width) * s->width * s->layout.cells + l % s->width;
    PetscInt from = l * s->layout.line_stride;
    if (l >= s->layout.count)
      factor_nothing(s, at);
    else if (s->layout.cyclic)
      factor_cyclic(s, dt, a + from, b + from, at);
    else
      factor_plain(s, dt, a + from, b + from, at);
  }
  PetscFunctionReturn(0);
}

/* The three below are written for a width known to the compiler. */
static inline void load(MuLines s, const PetscReal *r, PetscInt lanes, const PetscInt width) {
  const PetscInt n = s->layout.cells, line = s->layout.line_stride, cell = s->layout.cell_stride;
  PetscReal *z = s->buffer;

  if (lanes == width)
    for (PetscInt i = 0; i < n; ++i)
      for (PetscInt l = 0; l < width; ++l) z[i * width + l] = r[l * line + i * cell];
  else
    for (PetscInt i = 0; i < n; ++i)
      for (PetscInt l = 0; l < width; ++l)
        z[i * width + l] = l < lanes ? r[l * line + i * cell] : 0;
}

static inline void store(MuLines s, PetscReal *x, PetscInt lanes, const PetscInt width) {
  const PetscInt n = s->layout.cells, line = s->layout.line_stride, cell = s->layout.cell_stride;
  const PetscReal *z = s->buffer;

  if (lanes == width)
    for (PetscInt i = 0; i < n; ++i)
      for (PetscInt l = 0; l < width; ++l) x[l * line + i * cell] = z[i * width + l];
  else
    for (PetscInt i = 0; i < n; ++i)
      for (PetscInt l = 0; l < lanes; ++l) x[l * line + i * cell] = z[i * width + l];
}

static inline void sweep(MuLines s, PetscInt block, const PetscInt width) {
  const PetscInt n = s->layout.cells, at = block * n * width, last = (n - 1) * width;
  const PetscReal *restrict inverse = s->inverse + at, *restrict up = s->up + at;
  const PetscReal *restrict down = s->down + at;
  PetscReal *restrict z = s->buffer;
  PetscReal carry[ALONG] = {0}, border[ALONG] = {0};

  for (PetscInt i = 0; i < n - 1; ++i)
    for (PetscInt l = 0; l < width; ++l) {
      PetscInt k = i * width + l;
      z[k] = carry[l] = z[k] * inverse[k] + up[k] * carry[l];
    }
  if (s->layout.cyclic) {
    const PetscReal *restrict g = s->to_border + at, *restrict h = s->from_border + at;
    for (PetscInt l = 0; l < width; ++l) border[l] = z[last + l];
    for (PetscInt i = 0; i < n - 1; ++i)
      for (PetscInt l = 0; l < width; ++l) border[l] += g[i * width + l] * z[i * width + l];
    for (PetscInt l = 0; l < width; ++l) z[last + l] = border[l] *= inverse[last + l];
    for (PetscInt i = 0; i < n - 1; ++i)
      for (PetscInt l = 0; l < width; ++l) z[i * width + l] += h[i * width + l] * border[l];
    for (PetscInt l = 0; l < width; ++l) carry[l] = 0;
  } else {
    for (PetscInt l = 0; l < width; ++l)
      z[last + l] = carry[l] = z[last + l] * inverse[last + l] + up[last + l] * carry[l];
  }
  for (PetscInt i = n - 2; i >= 0; --i)
    for (PetscInt l = 0; l < width; ++l) {
      PetscInt k = i * width + l;
      z[k] = carry[l] = z[k] + down[k] * carry[l];
    }
}

static inline void solve_blocks(MuLines s, const PetscReal *r, PetscReal *x, const PetscInt width) {
  for (PetscInt block = 0; block < s->blocks; ++block) {
    PetscInt first = block * width, from = first * s->layout.line_stride;
    PetscInt lanes = PetscMin(width, s->layout.count - first);
    load(s, r + from, lanes, width);
    sweep(s, block, width);
    store(s, x + from, lanes, width);
  }
}

PetscErrorCode MuLinesSolve(MuLines s, const PetscReal *r, PetscReal *x) {
  PetscFunctionBegin;
  if (s->width == ALONG)
    solve_blocks(s, r, x, ALONG);
  else if (s->width == ACROSS)
    solve_blocks(s, r, x, ACROSS);
  else
    solve_blocks(s, r, x, 1);
  PetscFunctionReturn(0);
}
