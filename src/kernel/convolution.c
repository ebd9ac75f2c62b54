/* Convolution with a kernel: which transform each axis takes, and the symbol.

   An axis is met in one of three ways: ZERO (walls, nothing beyond them), REFLECT (walls, even
   reflection) or PERIODIC. Without ZERO the symbol is the kernel's Fourier transform at the modes'
   frequencies. With ZERO on an axis the weights are Galerkin averages over pairs of cells, wrapped
   along a PERIODIC axis and padded along a ZERO one so that nothing wraps; the symbol is their
   DFT. */
#include "kernel/kernel_impl.h"

#include <math.h>
#include <string.h>

typedef enum { MEET_ZERO, MEET_REFLECT, MEET_PERIODIC } Meeting;

/* Wrapped sums over more cells than this on one axis are refused: the kernel is far wider than the
   period. */
enum { MAX_WRAPPED_CELLS = 1 << 20 };

typedef struct {
  MuGrid grid;
  const MuGridInfo *info;
  MuKernel kernel;
  Meeting meeting[2];
  MuAxis axis[2];
  PetscInt reach[2];    /* Galerkin: largest cell offset with a weight */
  PetscBool galerkin;   /* an axis is ZERO */
  PetscReal zero_mode;  /* symbol at frequency 0 */
  PetscReal *lines[2];  /* spectra of a separable kernel, their product is the symbol */
  PetscReal *plane;     /* [modes y][modes x] spectrum otherwise */
  PetscInt plane_width; /* modes x */
} Setup;

/* ------------------------------------------------------------------ axes */

static Meeting choose_meeting(const MuGridInfo *info, PetscInt a, MuExtension extension) {
  if (info->periodic[a] || extension == MU_EXTENSION_PERIODIC) return MEET_PERIODIC;
  return extension == MU_EXTENSION_REFLECT ? MEET_REFLECT : MEET_ZERO;
}

/* Offsets at which the kernel averaged over two cells is not negligible. */
static PetscReal cells_in_reach(const Setup *s, PetscInt a) {
  return isinf(s->kernel->shape.support)
             ? INFINITY
             : ceil(s->kernel->shape.support * s->kernel->spec.bandwidth / s->info->spacing[a]) + 1;
}

static void choose_axis(Setup *s, PetscInt a, MuLocation location) {
  const PetscInt n = s->info->cells[a];
  MuAxis *axis = &s->axis[a];
  axis->cells = n;
  axis->skip = (PetscInt)location == a && !s->info->periodic[a];
  switch (s->meeting[a]) {
  case MEET_ZERO:
    axis->kind = MU_TRANSFORM_FOURIER;
    s->reach[a] = (PetscInt)PetscMin((PetscReal)(n - 1), cells_in_reach(s, a));
    axis->length = MuSpectralLength(n + s->reach[a]);
    break;
  case MEET_REFLECT:
    axis->kind = axis->skip ? MU_TRANSFORM_SINE : MU_TRANSFORM_COSINE;
    axis->length = n - axis->skip;
    break;
  case MEET_PERIODIC:
    axis->kind = MU_TRANSFORM_FOURIER;
    axis->length = n;
    s->reach[a] = (PetscInt)PetscMin((PetscReal)MAX_WRAPPED_CELLS, cells_in_reach(s, a));
    break;
  }
}

static PetscErrorCode check_pair(const Setup *s) {
  const MuKernelSpec *spec = &s->kernel->spec;

  PetscFunctionBegin;
  if (s->kernel->dim != s->info->dim)
    return MuError(MU_ERR_INPUT, "kernel: it was made for %d-D and the grid is %d-D",
                   (int)s->kernel->dim, (int)s->info->dim);
  if (!s->galerkin) PetscFunctionReturn(0);
  if (s->kernel->ops->check_averages) PetscCall(s->kernel->ops->check_averages(s->kernel));
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    if (s->meeting[a] != MEET_PERIODIC) continue;
    if (isinf(s->kernel->shape.support))
      return MuError(MU_ERR_INPUT,
                     "kernel_extension: %s has no sum over periods, so that extension zero is not "
                     "possible on a grid with one periodic axis; use reflect or periodic",
                     spec->type);
    if (cells_in_reach(s, a) > MAX_WRAPPED_CELLS)
      return MuError(
          MU_ERR_INPUT,
          "kernel_bandwidth: %g reaches over more than %d cells of the periodic axis %d; "
          "use a smaller one, or extension reflect or periodic",
          spec->bandwidth, (int)MAX_WRAPPED_CELLS, (int)a);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ continuous symbol */

/* Absolute frequency of mode j of an axis. */
static PetscReal frequency(const Setup *s, PetscInt a, PetscInt j) {
  const MuAxis *axis = &s->axis[a];
  if (axis->kind == MU_TRANSFORM_FOURIER)
    return 2 * PETSC_PI * PetscMin(j, axis->length - j) / (axis->length * s->info->spacing[a]);
  return PETSC_PI * (axis->kind == MU_TRANSFORM_SINE ? j + 1 : j) /
         (axis->cells * s->info->spacing[a]);
}

static PetscReal continuous_symbol(void *ctx, PetscInt jx, PetscInt jy) {
  const Setup *s = ctx;
  const PetscReal wx = frequency(s, 0, jx), wy = s->info->dim == 2 ? frequency(s, 1, jy) : 0;
  const PetscReal w = sqrt(wx * wx + wy * wy);
  PetscReal value;
  if (w == 0) return s->zero_mode;
  (void)MuKernelSymbol(s->kernel, w, &value);
  return value;
}

/* Where the integral of the kernel diverges: over one period cell, which adds a constant to the
   kernel; 0 for riesz, which acts on differences of equal mass only. */
static PetscErrorCode find_zero_mode(Setup *s) {
  PetscReal half[2] = {0, 0};

  PetscFunctionBegin;
  PetscCall(MuKernelSymbol(s->kernel, 0, &s->zero_mode));
  if (!isinf(s->zero_mode)) PetscFunctionReturn(0);
  s->zero_mode = 0;
  if (s->kernel->ops->traits.conditional) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < s->info->dim; ++a)
    half[a] = (s->info->upper[a] - s->info->lower[a]) * (s->meeting[a] == MEET_PERIODIC ? 0.5 : 1);
  PetscCall(MuKernelBoxIntegral(s->kernel, half, &s->zero_mode));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Galerkin symbol */

/* Adds the line w[0 .. reach] (even) to the kept half 0 .. length/2 of a period. Along a ZERO axis
   nothing wraps. */
static void wrap_line(const MuAxis *axis, PetscInt reach, PetscInt step, const PetscReal *w,
                      PetscReal *period) {
  const PetscInt n = axis->length;
  for (PetscInt d = 0; d <= reach; ++d) {
    const PetscInt up = d % n, down = (n - up) % n;
    if (up <= n / 2) period[up * step] += w[d];
    if (d > 0 && down <= n / 2) period[down * step] += w[d];
  }
}

static PetscErrorCode separable_spectrum(Setup *s) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    const PetscInt length[2] = {s->axis[a].length, 1};
    PetscReal *w;
    PetscCall(PetscMalloc1(s->reach[a] + 1, &w));
    PetscCall(PetscCalloc1(length[0] / 2 + 1, &s->lines[a]));
    PetscCall(MuGalerkinLine(s->kernel, s->info->spacing[a], s->reach[a] + 1, w));
    wrap_line(&s->axis[a], s->reach[a], 1, w, s->lines[a]);
    PetscCall(MuEvenSpectrum(length, s->lines[a]));
    PetscCall(PetscFree(w));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode plane_spectrum(Setup *s) {
  const PetscInt count[2] = {s->reach[0] + 1, s->reach[1] + 1};
  const PetscInt length[2] = {s->axis[0].length, s->axis[1].length};
  const PetscInt columns = length[0] / 2 + 1, rows = length[1] / 2 + 1;
  PetscReal *w, *wide;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count[0] * count[1], &w));
  PetscCall(MuGalerkinPlane(s->info->comm, s->kernel, s->info->spacing, count, w));
  PetscCall(PetscCalloc1(columns * count[1], &wide)); /* wrapped along x */
  for (PetscInt row = 0; row < count[1]; ++row)
    wrap_line(&s->axis[0], s->reach[0], 1, w + row * count[0], wide + row * columns);
  PetscCall(PetscFree(w));
  PetscCall(PetscCalloc1(columns * rows, &s->plane));
  for (PetscInt row = 0; row < count[1]; ++row) {
    const PetscInt up = row % length[1], down = (length[1] - up) % length[1];
    for (PetscInt c = 0; c < columns; ++c) {
      if (up < rows) s->plane[up * columns + c] += wide[row * columns + c];
      if (row > 0 && down < rows) s->plane[down * columns + c] += wide[row * columns + c];
    }
  }
  PetscCall(PetscFree(wide));
  s->plane_width = columns;
  PetscCall(MuEvenSpectrum(length, s->plane));
  PetscFunctionReturn(0);
}

static PetscErrorCode galerkin_spectrum(Setup *s) {
  PetscFunctionBegin;
  if (s->info->dim == 2 && !s->kernel->shape.separable) {
    PetscCall(plane_spectrum(s));
  } else {
    PetscCall(separable_spectrum(s));
  }
  PetscFunctionReturn(0);
}

static PetscReal galerkin_symbol(void *ctx, PetscInt jx, PetscInt jy) {
  const Setup *s = ctx;
  PetscReal value;
  if (s->plane)
    value = s->plane[jy * s->plane_width + jx];
  else
    value = s->lines[0][jx] * (s->info->dim == 2 ? s->lines[1][jy] : 1);
  return s->kernel->amplitude * s->info->volume * value;
}

/* (sin(w D/2)/(w D/2))^2, D the spacing: what averaging over two cells does to frequency w */
static PetscReal averaging(const Setup *s, PetscInt a, PetscInt j) {
  const PetscReal half = 0.5 * frequency(s, a, j) * s->info->spacing[a];
  return half == 0 ? 1 : PetscSqr(sin(half) / half);
}

/* The Galerkin symbol of the infinite grid without aliases: positive, and a lower bound. */
static PetscReal infinite_symbol(void *ctx, PetscInt jx, PetscInt jy) {
  const Setup *s = ctx;
  const PetscBool plane = (PetscBool)(s->info->dim == 2);
  const PetscReal damping = averaging(s, 0, jx) * (plane ? averaging(s, 1, jy) : 1);
  const PetscReal w = hypot(frequency(s, 0, jx), plane ? frequency(s, 1, jy) : 0);
  PetscReal value;
  (void)MuKernelSymbol(s->kernel, w, &value);
  return isinf(value) ? galerkin_symbol(ctx, jx, jy) : value * damping;
}

/* A kernel cut off at the end of the padding has a spectrum that oscillates about zero, although
   the operator on the box is positive. Its inverse is then modelled by the symbol of the infinite
   grid. Both symbols are smallest in the corner, unless this has happened. */
static PetscErrorCode set_positive_symbol(MuConvolution c, Setup *s) {
  const PetscReal corner =
      infinite_symbol(s, s->axis[0].length / 2, s->info->dim == 2 ? s->axis[1].length / 2 : 0);
  PetscFunctionBegin;
  if (c->smallest < 0.3 * corner) {
    PetscCall(MuSpectralSetPositive(c->spectral, infinite_symbol, s));
    PetscCall(MuSpectralGetRange(c->spectral, &c->smallest, &c->largest, NULL));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ create */

static PetscErrorCode create_object(MuGrid grid, MuLocation location, MuConvolution *convolution) {
  const MuGridInfo *info;
  MuConvolution c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  c->references = 1;
  PetscCall(MuGridReference(grid));
  PetscCall(MuGridGetInfo(grid, &info));
  c->grid = grid;
  c->location = location;
  c->inside = location == MU_CELLS ? info->mask : info->open[location];
  *convolution = c;
  PetscFunctionReturn(0);
}

static PetscErrorCode set_symbol(MuConvolution c, MuSymbolFunction symbol, void *ctx) {
  PetscFunctionBegin;
  PetscCall(MuSpectralSetSymbol(c->spectral, symbol, ctx));
  PetscCall(MuSpectralGetRange(c->spectral, &c->smallest, &c->largest, &c->diagonal));
  PetscCall(MuConvolutionPrepareInverse(c));
  PetscFunctionReturn(0);
}

static PetscErrorCode choose_axes(Setup *s, MuLocation location) {
  PetscFunctionBegin;
  if ((PetscInt)location >= s->info->dim)
    return MuError(MU_ERR_INPUT, "grid: a %d-D grid has no faces along axis %d", (int)s->info->dim,
                   (int)location);
  for (PetscInt a = 0; a < s->info->dim; ++a) {
    s->meeting[a] = choose_meeting(s->info, a, s->kernel->spec.extension);
    if (s->meeting[a] == MEET_ZERO) s->galerkin = PETSC_TRUE;
  }
  PetscCall(check_pair(s));
  for (PetscInt a = 0; a < s->info->dim; ++a) choose_axis(s, a, location);
  PetscFunctionReturn(0);
}

/* Whether no wall face is cut out of a period or a padded box. */
static PetscBool is_exact(const Setup *s) {
  if (s->galerkin || s->info->masked) return PETSC_FALSE;
  if (s->kernel->spec.extension == MU_EXTENSION_MASK) return PETSC_FALSE;
  for (PetscInt a = 0; a < s->info->dim; ++a)
    if (s->meeting[a] == MEET_PERIODIC && s->axis[a].skip) return PETSC_FALSE;
  return PETSC_TRUE;
}

PetscErrorCode MuConvolutionCreate(MuGrid grid, MuKernel kernel, MuLocation location,
                                   MuConvolution *convolution) {
  Setup s = {.grid = grid, .kernel = kernel};
  MuConvolution c;

  PetscFunctionBegin;
  *convolution = NULL;
  PetscCall(MuGridGetInfo(grid, &s.info));
  PetscCall(choose_axes(&s, location));
  PetscCall(create_object(grid, location, &c));
  c->exact = is_exact(&s);
  c->invertible = (PetscBool) !(s.galerkin && kernel->ops->traits.conditional);
  PetscCall(MuSpectralCreate(grid, s.axis, PETSC_TRUE, &c->spectral));
  if (s.galerkin) {
    PetscCall(galerkin_spectrum(&s));
    PetscCall(set_symbol(c, galerkin_symbol, &s));
    PetscCall(set_positive_symbol(c, &s));
  } else {
    PetscCall(find_zero_mode(&s));
    PetscCall(set_symbol(c, continuous_symbol, &s));
  }
  PetscCall(PetscFree(s.lines[0]));
  PetscCall(PetscFree(s.lines[1]));
  PetscCall(PetscFree(s.plane));
  *convolution = c;
  if (kernel->spec.extension != MU_EXTENSION_MASK) PetscFunctionReturn(0);
  const PetscErrorCode failed = MuConvolutionBalance(c, kernel);
  if (failed) PetscCall(MuConvolutionDestroy(convolution));
  PetscFunctionReturn(failed);
}

/* ------------------------------------------------------------------ functions */

typedef PetscErrorCode (*WeightFunction)(void *ctx, const PetscReal z[2], PetscReal *w);

/* Offset in cells of entry i of a period: shortest image; 2 d = length is both +d and -d. */
static PetscInt signed_offset(PetscInt i, PetscInt length) {
  return 2 * i > length ? i - length : i;
}

/* The mean of w over the images of an offset that lies half a period away, which is as far to one
   side as to the other. */
static PetscErrorCode average_weight(const Setup *s, WeightFunction weight, void *ctx,
                                     const PetscInt offset[2], PetscReal *w) {
  PetscInt images = 0;

  PetscFunctionBegin;
  *w = 0;
  for (PetscInt sx = 1; sx >= -1; sx -= 2)
    for (PetscInt sy = 1; sy >= -1; sy -= 2) {
      const PetscInt sign[2] = {sx, sy};
      PetscReal z[2] = {0, 0}, value;
      PetscBool image = PETSC_TRUE;
      for (PetscInt a = 0; a < 2; ++a) {
        if (sign[a] < 0 && (offset[a] == 0 || 2 * offset[a] != s->axis[a].length))
          image = PETSC_FALSE;
        z[a] = sign[a] * offset[a] * s->info->spacing[a];
      }
      if (!image) continue;
      PetscCall(weight(ctx, z, &value));
      *w += value;
      images++;
    }
  *w /= images;
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_weights(const Setup *s, WeightFunction weight, void *ctx, PetscReal *w) {
  const PetscInt nx = s->axis[0].length, ny = s->axis[1].length;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < ny; ++j)
    for (PetscInt i = 0; i < nx; ++i) {
      const PetscInt offset[2] = {signed_offset(i, nx), signed_offset(j, ny)};
      PetscBool used = PETSC_TRUE;
      for (PetscInt a = 0; a < s->info->dim; ++a)
        if (s->meeting[a] == MEET_ZERO && PetscAbsInt(offset[a]) >= s->info->cells[a])
          used = PETSC_FALSE;
      w[j * nx + i] = 0;
      if (used) PetscCall(average_weight(s, weight, ctx, offset, &w[j * nx + i]));
    }
  PetscFunctionReturn(0);
}

static PetscReal function_symbol(void *ctx, PetscInt jx, PetscInt jy) {
  const Setup *s = ctx;
  return s->info->volume * s->plane[jy * s->plane_width + jx];
}

PetscErrorCode MuConvolutionCreateFunction(MuGrid grid, WeightFunction weight, void *ctx,
                                           MuConvolution *convolution) {
  Setup s = {.grid = grid, .axis[1] = {.cells = 1, .length = 1}};
  PetscInt length[2] = {1, 1};
  PetscReal *w;
  MuConvolution c;

  PetscFunctionBegin;
  *convolution = NULL;
  PetscCall(MuGridGetInfo(grid, &s.info));
  for (PetscInt a = 0; a < s.info->dim; ++a) {
    const PetscInt n = s.info->cells[a];
    s.meeting[a] = choose_meeting(s.info, a, MU_EXTENSION_ZERO);
    s.axis[a] = (MuAxis){.kind = MU_TRANSFORM_FOURIER, .cells = n};
    length[a] = s.meeting[a] == MEET_PERIODIC ? n : MuSpectralLength(2 * n - 1);
    s.axis[a].length = length[a];
  }
  s.plane_width = length[0] / 2 + 1;
  PetscCall(PetscMalloc1(length[0] * length[1], &w));
  PetscCall(PetscMalloc1(s.plane_width * length[1], &s.plane));
  PetscCall(fill_weights(&s, weight, ctx, w));
  PetscCall(MuFullSpectrum(length, w, s.plane));
  PetscCall(PetscFree(w));
  PetscCall(create_object(grid, MU_CELLS, &c));
  PetscCall(MuSpectralCreate(grid, s.axis, PETSC_FALSE, &c->spectral));
  PetscCall(set_symbol(c, function_symbol, &s));
  PetscCall(PetscFree(s.plane));
  *convolution = c;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ use */

PetscErrorCode MuConvolutionReference(MuConvolution convolution) {
  convolution->references++;
  return 0;
}

PetscErrorCode MuConvolutionDestroy(MuConvolution *convolution) {
  MuConvolution c = *convolution;

  PetscFunctionBegin;
  *convolution = NULL;
  if (!c || --c->references > 0) PetscFunctionReturn(0);
  PetscCall(MuSpectralDestroy(&c->spectral));
  PetscCall(MuConjugateGradientsDestroy(&c->cg));
  for (PetscInt i = 0; i < 3; ++i) PetscCall(VecDestroy(&c->work[i]));
  PetscCall(VecDestroy(&c->balance));
  PetscCall(MuGridDestroy(&c->grid));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

PetscErrorCode MuConvolutionGetSymbolRange(MuConvolution convolution, PetscReal *smallest,
                                           PetscReal *largest) {
  const PetscReal scale = convolution->balanced ? convolution->mean_square : 1;
  *smallest = scale * convolution->smallest;
  *largest = scale * convolution->largest;
  return 0;
}

PetscErrorCode MuConvolutionGetDiagonal(MuConvolution convolution, PetscReal *diagonal) {
  *diagonal = convolution->diagonal * (convolution->balanced ? convolution->least_square : 1);
  return 0;
}

PetscErrorCode MuConvolutionGetIterations(MuConvolution convolution, PetscInt *iterations) {
  *iterations = convolution->iterations;
  return 0;
}
