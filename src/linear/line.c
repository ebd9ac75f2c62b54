/* Tridiagonal and cyclic systems by state reduction.

   Elimination without subtractions in the manner of Grassmann, Taksar and Heyman (Oper. Res. 33,
   1985): the matrix of a line is the generator of a walk that is stopped at the rates e. A pivot is
   the sum of its column: the rate of stopping (which grows by the mass that eliminated cells would
   have returned and stopped) and the rates into the cells that remain. All terms are non-negative,
   so factors and solutions are accurate component by component, whatever the range of the
   coefficients, the mass is kept to rounding, and a singular matrix (e = 0) is recognised by a
   pivot 0. A cyclic line is bordered: its last cell is eliminated last, and the fill-in of its row
   (g) and column (h) is carried along.

   Lines are solved `width` at a time, interleaved, so that the recurrences run in vector lanes. */
#include "linear/line.h"

#include <string.h>

#define ACROSS 8  /* width for lines that are contiguous: one transposed tile of cache lines */
#define ALONG  32 /* width for lines that are neighbours in memory */

struct _p_MuLines {
  MuLinesLayout layout;
  PetscInt width, blocks;
  /* [blocks][cells][width]: z_i = r_i inverse_i + up_i z_(i-1), x_i = z_i + down_i x_(i+1) (+
     from_border_i x_last); r_last += sum to_border_i z_i */
  PetscReal *inverse, *up, *down, *to_border, *from_border; /* 0 in lanes beyond the last line */
  PetscReal *buffer;                                        /* [cells][width] */
};

PetscErrorCode MuLinesCreate(const MuLinesLayout *layout, MuLines *lines) {
  MuLines s;
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->layout = *layout;
  if (s->layout.cells < 2) s->layout.cyclic = PETSC_FALSE;
  s->width = layout->cell_stride > 1 ? ALONG : ACROSS;
  if (layout->cell_stride == layout->line_stride) s->width = 1; /* there is one line */
  s->blocks = (layout->count + s->width - 1) / s->width;
  size = s->blocks * s->width * layout->cells;
  PetscCall(PetscCalloc3(size, &s->inverse, size, &s->up, size, &s->down));
  if (s->layout.cyclic) PetscCall(PetscCalloc2(size, &s->to_border, size, &s->from_border));
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

/* One line; e, a, b are read with the cell stride, the factors written with stride `width`. */
static void factor_line(MuLines s, PetscReal scale, const PetscReal *e, const PetscReal *a,
                        const PetscReal *b, PetscInt at) {
  const PetscInt n = s->layout.cells, w = s->width, stride = s->layout.cell_stride;
  const PetscInt inner = s->layout.cyclic ? n - 1 : n, last = at + (n - 1) * w;
  PetscReal stop = 0, pivot = PETSC_INFINITY, g = 0, h = 0;
  PetscReal border_stop = e ? e[(n - 1) * stride] : 1;

  for (PetscInt i = 0; i < inner; ++i) {
    PetscReal from_lower = i ? scale * a[i * stride] : 0, to_lower = i ? scale * b[i * stride] : 0;
    PetscReal to_upper = i < n - 1 ? scale * a[(i + 1) * stride] : 0;
    PetscReal from_upper = i < n - 1 ? scale * b[(i + 1) * stride] : 0;
    stop = (e ? e[i * stride] : 1) + to_lower * (stop / pivot);
    if (s->layout.cyclic) { /* g, h: rates to and from the last cell */
      g = i ? to_lower * (g / pivot) : scale * b[0];
      h = i ? from_lower * (h / pivot) : scale * a[0];
      if (i == inner - 1) {
        g += to_upper;
        h += from_upper;
        to_upper = from_upper = 0;
      }
    }
    pivot = stop + to_upper + g;
    if (pivot == 0) pivot = PETSC_INFINITY; /* a singular matrix: the cell is left at 0 */
    s->inverse[at + i * w] = 1 / pivot;
    s->up[at + i * w] = from_lower / pivot;
    s->down[at + i * w] = from_upper / pivot;
    if (!s->layout.cyclic) continue;
    border_stop += h * (stop / pivot);
    s->to_border[at + i * w] = g;
    s->from_border[at + i * w] = h / pivot;
  }
  if (s->layout.cyclic) s->inverse[last] = border_stop != 0 ? 1 / border_stop : 0;
}

/* factor_line() for a block of lines at once that are not cyclic; whole blocks (lanes = width) with
   a width and an e = NULL known to the compiler: the recurrence of a line waits for its own
   divisions, but not for those of its neighbours. */
static inline void factor_block(MuLines s, PetscReal scale, const PetscReal *e, const PetscReal *a,
                                const PetscReal *b, PetscInt at, const PetscInt width,
                                const PetscInt lanes) {
  const PetscInt n = s->layout.cells, line = s->layout.line_stride, cell = s->layout.cell_stride;
  PetscReal *restrict inverse = s->inverse + at, *restrict up = s->up + at;
  PetscReal *restrict down = s->down + at;
  PetscReal returned[ALONG] = {0}; /* stop/pivot of the cell below */
  PetscReal from_lower[ALONG] = {0}, to_lower[ALONG] = {0};

  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal above = i < n - 1 ? scale : 0;
    const PetscInt next = (i < n - 1 ? i + 1 : i) * cell;
    const PetscReal *an = a + next, *bn = b + next, *ei = e ? e + i * cell : NULL;
    for (PetscInt l = 0; l < lanes; ++l) {
      PetscReal to_upper = above * an[l * line], from_upper = above * bn[l * line];
      PetscReal stop = (ei ? ei[l * line] : 1) + to_lower[l] * returned[l];
      PetscReal pivot = stop + to_upper;
      PetscReal reciprocal = !e || pivot != 0 ? 1 / pivot : 0;
      returned[l] = stop * reciprocal;
      inverse[i * width + l] = reciprocal;
      up[i * width + l] = from_lower[l] * reciprocal;
      down[i * width + l] = from_upper * reciprocal;
      from_lower[l] = to_upper;
      to_lower[l] = from_upper;
    }
  }
}

static void factor_blocks(MuLines s, PetscReal scale, const PetscReal *e, const PetscReal *a,
                          const PetscReal *b) {
  const PetscInt size = s->width * s->layout.cells, step = s->width * s->layout.line_stride;

  for (PetscInt k = 0; k < s->blocks; ++k) {
    const PetscInt at = k * size, from = k * step;
    const PetscInt lanes = PetscMin(s->width, s->layout.count - k * s->width);
    if (lanes < s->width)
      factor_block(s, scale, e ? e + from : NULL, a + from, b + from, at, s->width, lanes);
    else if (e && s->width == ALONG)
      factor_block(s, scale, e + from, a + from, b + from, at, ALONG, ALONG);
    else if (e)
      factor_block(s, scale, e + from, a + from, b + from, at, ACROSS, ACROSS);
    else if (s->width == ALONG)
      factor_block(s, scale, NULL, a + from, b + from, at, ALONG, ALONG);
    else
      factor_block(s, scale, NULL, a + from, b + from, at, ACROSS, ACROSS);
  }
}

PetscErrorCode MuLinesFactor(MuLines s, PetscReal scale, const PetscReal *e, const PetscReal *a,
                             const PetscReal *b) {
  PetscFunctionBegin;
  if (!s->layout.cyclic && s->width > 1) {
    factor_blocks(s, scale, e, a, b);
    PetscFunctionReturn(0);
  }
  for (PetscInt l = 0; l < s->layout.count; ++l) {
    PetscInt at = (l / s->width) * s->width * s->layout.cells + l % s->width;
    PetscInt from = l * s->layout.line_stride;
    factor_line(s, scale, e ? e + from : NULL, a + from, b + from, at);
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
