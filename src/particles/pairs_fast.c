/* Sums over pairs in 1-D and 2-D by Fourier series, for many points: spread the weights on a grid,
   transform, multiply by the kernel's Fourier coefficients, transform back, interpolate; the
   window is exp(b (sqrt(1 - z^2) - 1)) with twofold oversampling. Potts, Steidl and Nieslony, Fast
   convolution with radial kernels at nonequispaced knots (2004); Barnett, Magland and af
   Klinteberg, A parallel non-uniform fast Fourier transform library based on an exponential of
   semicircle kernel (2019).

   The period is the box of all points plus the radius at which the kernel has decayed, so that no
   image counts. The modes go up to the frequency W where the rest of the symbol,
     int_{|w| > W} max(1, h |w|) k^(w) dw / (2 pi)^d,
   is below the tolerance times k(0): Fourier coefficients are positive, so that this bounds the
   error that leaving them out makes in the kernel and, times 1/h, in its gradient. */
#include "particles/pairs_impl.h"

#include "grid/vector_exp.h"
#include "particles/pairs.h"

#include <fftw3.h>
#include <gsl/gsl_integration.h>

enum {
  RULE = 64,          /* points of Gauss rules */
  MAX_WIDTH = 14,     /* of the window in cells */
  MAX_CELLS = 1 << 24 /* of the grid */
};

struct _MuFastSum {
  MPI_Comm comm;
  MuRadial radial;
  MuKernel kernel; /* of the radial */
  PetscInt dim, width;
  PetscReal shape; /* b of the window */
  PetscReal tolerance, bandwidth;
  PetscReal cutoff; /* W; 0: no grid reaches the tolerance */
  PetscReal reach;  /* radius where the kernel has decayed */
  PetscReal low[2], period[2], spacing[2];
  PetscInt cells[2];
  PetscReal *grid;            /* [cells y][cells x] */
  fftw_complex *modes, *part; /* [cells y][cells x/2 + 1] */
  PetscReal *multiplier;      /* the same: coefficient of the kernel, windows divided out */
  fftw_plan forward, backward;
};

/* ------------------------------------------------------------------ parameters */

/* The rest of the symbol beyond `from`, as in the head of this file, octave by octave. */
static PetscReal symbol_rest(struct _MuFastSum *f, const gsl_integration_glfixed_table *rule,
                             PetscReal from) {
  const PetscReal h = f->bandwidth;
  PetscReal total = 0;
  for (PetscInt octave = 0; octave < 40; ++octave) {
    PetscReal part = 0, w, weight, symbol;
    for (size_t i = 0; i < RULE; ++i) {
      gsl_integration_glfixed_point(from, 2 * from, i, &w, &weight, rule);
      (void)MuKernelSymbol(f->kernel, w, &symbol);
      part +=
          weight * symbol * PetscMax(1, h * w) * (f->dim == 1 ? 1 / PETSC_PI : w / (2 * PETSC_PI));
    }
    total += part;
    if (part <= 1e-3 * total) return total;
    from *= 2;
  }
  return INFINITY;
}

/* The least W on a ladder; 0 if there is none below 1e4/h. */
static PetscErrorCode find_cutoff(struct _MuFastSum *f, PetscReal peak) {
  const PetscReal h = f->bandwidth;
  gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(RULE);

  if (!rule) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "GSL has no memory for a quadrature rule");
  f->cutoff = 1 / h;
  while (symbol_rest(f, rule, f->cutoff) > 0.5 * f->tolerance * peak) {
    f->cutoff *= 1.1;
    if (f->cutoff * h > 1e4) {
      f->cutoff = 0;
      break;
    }
  }
  gsl_integration_glfixed_table_free(rule);
  return 0;
}

static PetscErrorCode find_reach(struct _MuFastSum *f, PetscReal peak) {
  const PetscReal h = f->bandwidth;
  PetscReal value, slope;

  PetscFunctionBegin;
  f->reach = 0.5 * h;
  do {
    f->reach *= 1.1;
    PetscCall(MuRadialEvaluate(f->radial, PetscSqr(f->reach), &value, &slope));
  } while (PetscMax(fabs(value), fabs(slope) * f->reach * h) > 0.1 * f->tolerance * peak);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFastSumCreate(MPI_Comm comm, MuRadial radial, PetscReal tolerance,
                               MuFastSum *fast) {
  const MuKernelSpec *spec;
  PetscReal peak, support;
  MuFastSum f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  f->comm = comm;
  PetscCall(MuRadialReference(radial));
  f->radial = radial;
  f->dim = radial->dim;
  f->tolerance = PetscMax(tolerance, 1e-11);
  f->width = PetscMin((PetscInt)ceil(-log10(f->tolerance)) + 3, MAX_WIDTH);
  f->shape = 2.3 * f->width;
  *fast = f;
  f->kernel = radial->kernel;
  PetscCall(MuRadialGetSpec(radial, &spec, NULL));
  f->bandwidth = spec->bandwidth;
  PetscCall(MuKernelSupport(f->kernel, &support));
  if (radial->dim > 2 || support == PETSC_INFINITY) PetscFunctionReturn(0); /* tails have no end */
  PetscCall(MuRadialEvaluate(radial, 0, &peak, NULL));
  PetscCall(find_cutoff(f, peak));
  PetscCall(find_reach(f, peak));
  PetscFunctionReturn(0);
}

static PetscErrorCode free_grid(MuFastSum f) {
  PetscFunctionBegin;
  if (f->forward) fftw_destroy_plan(f->forward);
  if (f->backward) fftw_destroy_plan(f->backward);
  f->forward = f->backward = NULL;
  fftw_free(f->grid);
  fftw_free(f->modes);
  fftw_free(f->part);
  f->grid = NULL;
  f->modes = f->part = NULL;
  PetscCall(PetscFree(f->multiplier));
  f->cells[0] = f->cells[1] = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode MuFastSumDestroy(MuFastSum *fast) {
  MuFastSum f = *fast;

  PetscFunctionBegin;
  *fast = NULL;
  if (!f) PetscFunctionReturn(0);
  PetscCall(free_grid(f));
  PetscCall(MuRadialDestroy(&f->radial));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ grid */

/* The Fourier transform of the window exp(b (sqrt(1 - z^2) - 1)), z = 2 x/(width spacing). */
static PetscReal window_transform(const struct _MuFastSum *f, PetscReal spacing, PetscReal w,
                                  const gsl_integration_glfixed_table *rule) {
  const PetscReal half = 0.5 * f->width * spacing;
  PetscReal sum = 0, z, weight;
  for (size_t i = 0; i < RULE; ++i) {
    gsl_integration_glfixed_point(-1, 1, i, &z, &weight, rule);
    sum += weight * exp(f->shape * (sqrt(1 - z * z) - 1)) * cos(w * half * z);
  }
  return half * sum;
}

/* spacing/transform of the window for modes 0 .. cells/2, 0 beyond the cut-off */
static PetscErrorCode window_line(const struct _MuFastSum *f, PetscInt a, PetscReal *line) {
  gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(RULE);

  if (!rule) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "GSL has no memory for a quadrature rule");
  for (PetscInt l = 0; l <= f->cells[a] / 2; ++l) {
    const PetscReal w = 2 * PETSC_PI * l / f->period[a];
    line[l] =
        l <= f->cells[a] / 4 ? f->spacing[a] / window_transform(f, f->spacing[a], w, rule) : 0;
  }
  gsl_integration_glfixed_table_free(rule);
  return 0;
}

static PetscReal frequency(const struct _MuFastSum *f, PetscInt a, PetscInt l) {
  const PetscInt n = f->cells[a];
  return 2 * PETSC_PI * (l <= n / 2 ? l : l - n) / f->period[a];
}

static PetscErrorCode fill_multiplier(MuFastSum f) {
  const PetscInt columns = f->cells[0] / 2 + 1, rows = f->cells[1];
  PetscReal *x, *y, symbol;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(columns, &x, rows / 2 + 1, &y));
  PetscCall(window_line(f, 0, x));
  y[0] = 1;
  if (f->dim == 2) PetscCall(window_line(f, 1, y));
  for (PetscInt j = 0; j < rows; ++j)
    for (PetscInt i = 0; i < columns; ++i) {
      const PetscReal window = x[i] * y[PetscMin(j, rows - j)];
      const PetscReal wy = f->dim == 2 ? frequency(f, 1, j) : 0;
      PetscCall(MuKernelSymbol(f->kernel, hypot(frequency(f, 0, i), wy), &symbol));
      f->multiplier[j * columns + i] = window * window * symbol / (f->period[0] * f->period[1]);
    }
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(0);
}

/* The least even number >= least with prime factors 2, 3, 5. */
static PetscInt fast_length(PetscInt least) {
  for (PetscInt n = least + least % 2;; n += 2) {
    PetscInt rest = n;
    for (PetscInt p = 2; p <= 5; p += p == 2 ? 1 : 2)
      while (rest % p == 0) rest /= p;
    if (rest == 1) return n;
  }
}

/* An axis of so many cells from `low`. */
static void set_axis(MuFastSum f, PetscInt a, PetscReal low, PetscInt cells) {
  f->low[a] = low;
  f->cells[a] = cells;
  f->spacing[a] = PETSC_PI / (2 * f->cutoff); /* half of what resolves W */
  f->period[a] = f->spacing[a] * cells;
}

/* An axis for points on a stretch of length `extent` from `low`. */
static void choose_axis(MuFastSum f, PetscInt a, PetscReal low, PetscReal extent) {
  const PetscReal spacing = PETSC_PI / (2 * f->cutoff);
  const PetscReal margin = PetscMax(f->reach, (f->width + 2) * spacing);
  const PetscReal cells = ceil((extent + margin) / spacing);
  set_axis(f, a, low, cells < MAX_CELLS ? fast_length((PetscInt)cells) : MAX_CELLS);
}

/* The box of all points; every rank has them all. */
static void find_box(const MuPairSum *s, PetscReal low[2], PetscReal high[2]) {
  const PetscInt dim = s->radial->dim;
  for (PetscInt a = 0; a < dim; ++a) {
    low[a] = INFINITY;
    high[a] = -INFINITY;
    for (PetscInt j = 0; j < s->n; ++j) {
      low[a] = PetscMin(low[a], s->x[j * dim + a]);
      high[a] = PetscMax(high[a], s->x[j * dim + a]);
    }
    for (PetscInt i = 0; i < s->m; ++i) {
      low[a] = PetscMin(low[a], s->y[i * dim + a]);
      high[a] = PetscMax(high[a], s->y[i * dim + a]);
    }
  }
}

/* Whether the points fit in the grid that is there, and fill a fair part of it. */
static PetscBool box_fits(const struct _MuFastSum *f, const PetscReal low[2],
                          const PetscReal high[2]) {
  PetscReal share = 1;
  for (PetscInt a = 0; a < f->dim; ++a) {
    const PetscReal margin = PetscMax(f->reach, (f->width + 2) * f->spacing[a]);
    const PetscReal room = f->period[a] - margin;
    if (!f->cells[a] || low[a] < f->low[a] || high[a] > f->low[a] + room) return PETSC_FALSE;
    share *= (high[a] - low[a] + margin) / f->period[a];
  }
  return (PetscBool)(share > 0.4);
}

/* Room, plans and the multiplier for the axes that are set. */
static PetscErrorCode fill_grid(MuFastSum f) {
  const PetscInt columns = f->cells[0], rows = f->cells[1];

  PetscFunctionBegin;
  f->grid = fftw_alloc_real((size_t)(rows * columns));
  f->modes = fftw_alloc_complex((size_t)(rows * (columns / 2 + 1)));
  f->part = fftw_alloc_complex((size_t)(rows * (columns / 2 + 1)));
  f->forward = fftw_plan_dft_r2c_2d((int)rows, (int)columns, f->grid, f->modes, FFTW_ESTIMATE);
  f->backward = fftw_plan_dft_c2r_2d((int)rows, (int)columns, f->part, f->grid, FFTW_ESTIMATE);
  PetscCall(PetscMalloc1(rows * (columns / 2 + 1), &f->multiplier));
  PetscCall(fill_multiplier(f));
  PetscFunctionReturn(0);
}

/* In 1-D the other axis is one cell. */
static PetscErrorCode clear_grid(MuFastSum f) {
  PetscFunctionBegin;
  PetscCall(free_grid(f));
  f->cells[1] = 1;
  f->period[1] = f->spacing[1] = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_grid(MuFastSum f, const PetscReal low[2], const PetscReal high[2],
                                PetscBool *possible) {
  PetscFunctionBegin;
  PetscCall(clear_grid(f));
  for (PetscInt a = 0; a < f->dim; ++a) {
    const PetscReal slack = 0.05 * (high[a] - low[a]); /* for points that move */
    choose_axis(f, a, low[a] - slack, high[a] - low[a] + 2 * slack);
  }
  *possible = (PetscBool)((PetscReal)f->cells[0] * (PetscReal)f->cells[1] < MAX_CELLS);
  if (*possible)
    PetscCall(fill_grid(f));
  else
    f->cells[0] = 0;
  PetscFunctionReturn(0);
}

void MuFastSumRemember(MuFastSum f, PetscReal memory[MU_PAIRS_MEMORY]) {
  for (PetscInt a = 0; a < 2; ++a) {
    memory[a] = f->low[a];
    memory[2 + a] = (PetscReal)f->cells[a];
  }
}

PetscErrorCode MuFastSumRecall(MuFastSum f, const PetscReal memory[MU_PAIRS_MEMORY]) {
  PetscFunctionBegin;
  PetscCall(clear_grid(f));
  if (f->cutoff == 0 || !(memory[2] > 0)) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < f->dim; ++a) set_axis(f, a, memory[a], (PetscInt)memory[2 + a]);
  PetscCall(fill_grid(f));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ spread and interpolate */

/* First cell and window values of one coordinate. */
static inline PetscInt window_at(const struct _MuFastSum *f, PetscInt a, PetscReal x,
                                 PetscReal values[MAX_WIDTH]) {
  const PetscInt width = f->width;
  const PetscReal position = (x - f->low[a]) / f->spacing[a] + 0.5 * width + 1;
  const PetscReal first = ceil(position - 0.5 * width), offset = first - position;
  for (PetscInt k = 0; k < MAX_WIDTH; ++k) {
    const PetscReal z = (offset + k) * (2.0 / width), q = 1 - z * z;
    values[k] = MuExpNonPositive(f->shape * (sqrt(q > 0 ? q : 0) - 1));
  }
  return (PetscInt)first;
}

/* The cells of one point: row offset, window values. In 1-D there is one row. */
typedef struct {
  PetscInt first, rows;
  PetscReal x[MAX_WIDTH], y[MAX_WIDTH];
} Stencil;

static inline void stencil_at(const struct _MuFastSum *f, const PetscReal *x, Stencil *s) {
  s->first = window_at(f, 0, x[0], s->x);
  s->rows = 1;
  s->y[0] = 1;
  if (f->dim == 2) {
    s->rows = f->width;
    s->first += window_at(f, 1, x[1], s->y) * f->cells[0];
  }
}

static void spread(const struct _MuFastSum *f, PetscInt n, const PetscReal *x, const PetscReal *w,
                   PetscInt stride) {
  Stencil s;
  for (PetscInt j = 0; j < n; ++j) {
    stencil_at(f, x + j * f->dim, &s);
    for (PetscInt b = 0; b < s.rows; ++b) {
      PetscReal *row = f->grid + s.first + b * f->cells[0];
      const PetscReal weight = w[j * stride] * s.y[b];
      for (PetscInt a = 0; a < f->width; ++a) row[a] = mu_multiply_add(weight, s.x[a], row[a]);
    }
  }
}

static void interpolate(const struct _MuFastSum *f, PetscInt m, const PetscReal *y, PetscReal *out,
                        PetscInt stride) {
  Stencil s;
  for (PetscInt i = 0; i < m; ++i) {
    PetscReal sum = 0;
    stencil_at(f, y + i * f->dim, &s);
    for (PetscInt b = 0; b < s.rows; ++b) {
      const PetscReal *row = f->grid + s.first + b * f->cells[0];
      PetscReal part = 0;
#pragma omp simd reduction(+ : part)
      for (PetscInt a = 0; a < f->width; ++a) part = mu_multiply_add(s.x[a], row[a], part);
      sum = mu_multiply_add(s.y[b], part, sum);
    }
    out[i * stride] = sum;
  }
}

/* ------------------------------------------------------------------ apply */

/* part = modes multiplier, times i w_a for a >= 0; back to the grid */
static void filter(MuFastSum f, PetscInt a) {
  const PetscInt columns = f->cells[0] / 2 + 1;
  const PetscReal *in = (const PetscReal *)f->modes; /* real and imaginary parts */
  PetscReal *out = (PetscReal *)f->part;
  for (PetscInt j = 0; j < f->cells[1]; ++j)
    for (PetscInt i = 0; i < columns; ++i) {
      const PetscInt e = j * columns + i;
      const PetscReal c = f->multiplier[e];
      const PetscReal w = a < 0 ? 1 : a == 0 ? frequency(f, 0, i) : frequency(f, 1, j);
      out[2 * e] = a < 0 ? c * in[2 * e] : -c * w * in[2 * e + 1];
      out[2 * e + 1] = a < 0 ? c * in[2 * e + 1] : c * w * in[2 * e];
    }
  fftw_execute(f->backward);
}

static PetscErrorCode transform_weights(MuFastSum f, const MuPairSum *s, PetscInt column,
                                        PetscInt first, PetscInt last) {
  const PetscInt cells = f->cells[0] * f->cells[1];
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(f->grid, cells));
  spread(f, last - first, s->x + first * f->dim, s->w + first * s->columns + column, s->columns);
  PetscCallMPI(MPI_Comm_size(f->comm, &size));
  if (size > 1)
    PetscCallMPI(
        MPI_Allreduce(MPI_IN_PLACE, f->grid, (PetscMPIInt)cells, MPIU_REAL, MPI_SUM, f->comm));
  fftw_execute(f->forward);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFastSumPrepare(MuFastSum f, const MuPairSum *s, PetscBool *possible) {
  PetscReal low[2] = {0, 0}, high[2] = {0, 0};

  PetscFunctionBegin;
  *possible = PETSC_FALSE;
  if (f->cutoff == 0 || s->n == 0 || s->m == 0) PetscFunctionReturn(0);
  find_box(s, low, high);
  for (PetscInt a = 0; a < f->dim; ++a)
    if (!(high[a] - low[a] < PETSC_MAX_REAL)) PetscFunctionReturn(0); /* infinite or NaN */
  *possible = PETSC_TRUE;
  if (!box_fits(f, low, high)) PetscCall(make_grid(f, low, high, possible));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFastSumApply(MuFastSum f, const MuPairSum *s, PetscInt first_source,
                              PetscInt last_source, PetscInt first, PetscInt last) {
  const PetscReal *y = s->y + first * f->dim;

  PetscFunctionBegin;
  for (PetscInt c = s->columns - 1; c >= 0; --c) { /* the gradient is that of column 0 */
    if (!s->sums && c > 0) continue;
    PetscCall(transform_weights(f, s, c, first_source, last_source));
    if (!s->sums) continue;
    filter(f, -1);
    interpolate(f, last - first, y, s->sums + first * s->columns + c, s->columns);
  }
  for (PetscInt a = 0; s->gradient && a < f->dim; ++a) {
    filter(f, a);
    interpolate(f, last - first, y, s->gradient + first * f->dim + a, f->dim);
  }
  PetscFunctionReturn(0);
}
