/* Samples: the binned empirical measure, and the Gaussian kernel density estimate with Scott's rule
   (Scott, Multivariate Density Estimation, 1992, section 6.3.3). */
#include "measure/samples.h"
#include "measure/measure_impl.h"
#include "measure/normal.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ binning */

static PetscReal spacing_of(const MuCells *cells, PetscInt axis) {
  return (cells->upper[axis] - cells->lower[axis]) / cells->cells[axis];
}

/* The two cells along an axis whose centres surround x, and the share of the second. */
static void surrounding(const MuCells *cells, PetscInt axis, PetscReal x, PetscInt cell[2],
                        PetscReal *second) {
  const PetscInt n = cells->cells[axis];
  const PetscReal u = (x - cells->lower[axis]) / spacing_of(cells, axis) - 0.5;
  const PetscInt below = (PetscInt)PetscFloorReal(u);
  *second = u - below;
  for (PetscInt k = 0; k < 2; ++k)
    cell[k] = cells->periodic[axis] ? (below + k + n) % n : PetscMin(PetscMax(below + k, 0), n - 1);
}

/* Into the box by whole periods. */
static PetscReal wrapped(const MuCells *cells, PetscInt axis, PetscReal x) {
  const PetscReal period = cells->upper[axis] - cells->lower[axis];
  if (!cells->periodic[axis] || (x >= cells->lower[axis] && x <= cells->upper[axis])) return x;
  x -= period * PetscFloorReal((x - cells->lower[axis]) / period);
  return PetscMin(x, cells->upper[axis]);
}

void MuSamplesMoveInside(const MuCells *cells, PetscInt n, PetscReal *points, PetscInt *inside) {
  *inside = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscBool in = PETSC_TRUE;
    for (PetscInt a = 0; a < cells->dim; ++a) {
      const PetscReal x = wrapped(cells, a, points[i * cells->dim + a]);
      if (!(x >= cells->lower[a] && x <= cells->upper[a])) in = PETSC_FALSE;
      points[*inside * cells->dim + a] = x;
    }
    *inside += in ? 1 : 0;
  }
}

static PetscErrorCode check_inside(const MuCells *cells, PetscInt i, const PetscReal *point) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < cells->dim; ++a)
    if (!cells->periodic[a] && !(point[a] >= cells->lower[a] && point[a] <= cells->upper[a]))
      return MuError(MU_ERR_INPUT,
                     "samples: coordinate %d of point %d is %g, outside the grid from %g to %g; "
                     "enlarge the grid (grid_lower, grid_upper)",
                     (int)a + 1, (int)i + 1, point[a], cells->lower[a], cells->upper[a]);
  PetscFunctionReturn(0);
}

static void bin_point(const MuCells *cells, const PetscReal *point, PetscReal weight,
                      PetscReal *density) {
  const PetscInt corners = cells->dim == 2 ? 2 : 1;
  PetscInt cx[2], cy[2] = {0, 0};
  PetscReal sx, sy = 0;
  surrounding(cells, 0, wrapped(cells, 0, point[0]), cx, &sx);
  if (cells->dim == 2) surrounding(cells, 1, wrapped(cells, 1, point[1]), cy, &sy);
  for (PetscInt j = 0; j < corners; ++j)
    for (PetscInt i = 0; i < 2; ++i) {
      PetscInt local = cy[j] * cells->cells[0] + cx[i] - cells->first;
      PetscReal share = (i ? sx : 1 - sx) * (j ? sy : 1 - sy);
      if (local >= 0 && local < cells->count) density[local] += weight * share;
    }
}

PetscErrorCode MuSamplesBin(const MuCells *cells, PetscInt n, const PetscReal *points,
                            PetscReal *density) {
  PetscReal volume = spacing_of(cells, 0) * (cells->dim == 2 ? spacing_of(cells, 1) : 1);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) PetscCall(check_inside(cells, i, points + i * cells->dim));
  memset(density, 0, sizeof(PetscReal) * (size_t)cells->count);
  for (PetscInt i = 0; i < n; ++i)
    bin_point(cells, points + i * cells->dim, 1 / (n * volume), density);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ kernel density estimate */

/* Sample variance of a coordinate; where the axis is periodic, that of the wrapped normal law of
   the same mean resultant length R: (L/2 pi)^2 (-2 log R) (Mardia and Jupp, Directional Statistics,
   2000, section 3.4.1), with angles from their mean direction so that nothing cancels. */
static PetscReal variance(const MuCells *cells, PetscInt axis, PetscInt n,
                          const PetscReal *points) {
  const PetscInt dim = cells->dim;
  const PetscReal period = cells->upper[axis] - cells->lower[axis], unit = 2 * PETSC_PI / period;
  PetscReal mean = 0, square = 0, c = 0, s = 0;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal x = points[i * dim + axis];
    mean += x / n;
    c += cos(unit * x) / n;
    s += sin(unit * x) / n;
  }
  if (cells->periodic[axis]) mean = atan2(s, c) / unit;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal z = points[i * dim + axis] - mean;
    square += cells->periodic[axis] ? 2 * PetscSqr(sin(0.5 * unit * z)) : PetscSqr(z);
  }
  if (cells->periodic[axis])
    square = -2 * log1p(-PetscMin(square / n, 1 - PETSC_MACHINE_EPSILON)) / PetscSqr(unit) * n;
  return square / (n - 1);
}

PetscErrorCode MuSamplesBandwidth(const char *key, const MuCells *cells, PetscInt n,
                                  const PetscReal *points, PetscReal h[2]) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < cells->dim; ++a) {
    const PetscReal square = n < 2 ? 0 : variance(cells, a, n, points);
    if (!(square > 0))
      return MuError(
          MU_ERR_INPUT,
          "%s_bandwidth: coordinate %d of the %d samples has no spread; give a bandwidth", key,
          (int)a + 1, (int)n);
    h[a] = PetscSqrtReal(square) * PetscPowReal((PetscReal)n, -1.0 / (cells->dim + 4));
  }
  PetscFunctionReturn(0);
}

/* log of exp(-z^2/(2h^2)) at a centre; of its mean over the cell if that is wider than h, which
   then keeps the weight of every point wherever it lies in its cell. `far`: from the nearest place
   of the cell, which is enough beyond 34 h. */
static PetscReal point_log(PetscReal z, PetscReal h, PetscReal spacing, PetscBool far) {
  if (h >= spacing) return -0.5 * PetscSqr(z / h);
  if (far) return -0.5 * PetscSqr(PetscMax(PetscAbsReal(z) - 0.5 * spacing, 0) / h);
  return MuNormalLogInterval((z - 0.5 * spacing) / h, (z + 0.5 * spacing) / h) +
         log(h * sqrt(2 * PETSC_PI) / spacing);
}

/* point_log(), summed over the images of a periodic axis: the nearest one, and those whose terms
   can be seen in a double beside it. For h > 2 L the sum is h sqrt(2 pi)/L but for 2 exp(-2 pi^2
   h^2/L^2) < 1e-34 of it (Poisson's formula). */
static PetscReal axis_log(const MuCells *cells, PetscInt axis, PetscReal z, PetscReal h,
                          PetscBool far) {
  const PetscReal period = cells->upper[axis] - cells->lower[axis];
  const PetscReal spacing = spacing_of(cells, axis);
  PetscReal nearest, sum = 1;
  if (!cells->periodic[axis]) return point_log(z, h, spacing, far);
  if (h > 2 * period) return log(h * sqrt(2 * PETSC_PI) / period);
  z -= period * PetscFloorReal(z / period + 0.5);
  nearest = point_log(z, h, spacing, far);
  for (PetscInt k = 1;; ++k) {
    PetscReal before = exp(point_log(z - k * period, h, spacing, far) - nearest);
    PetscReal after = exp(point_log(z + k * period, h, spacing, far) - nearest);
    sum += before + after;
    if (before + after < 1e-17 * sum) break;
  }
  return nearest + log(sum);
}

static PetscReal centre(const MuCells *cells, PetscInt axis, PetscInt index) {
  return cells->lower[axis] + (index + 0.5) * spacing_of(cells, axis);
}

/* log-sum-exp over the points at one cell: for the tails. term: [n]. */
static PetscReal log_sum(const MuCells *cells, PetscInt cell, PetscInt n, const PetscReal *points,
                         const PetscReal h[2], PetscReal *term) {
  const PetscInt ix = cell % cells->cells[0], iy = cell / cells->cells[0];
  PetscReal largest = -INFINITY, sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal *p = points + i * cells->dim;
    term[i] = axis_log(cells, 0, centre(cells, 0, ix) - p[0], h[0], PETSC_TRUE);
    if (cells->dim == 2)
      term[i] += axis_log(cells, 1, centre(cells, 1, iy) - p[1], h[1], PETSC_TRUE);
    largest = PetscMax(largest, term[i]);
  }
  for (PetscInt i = 0; i < n; ++i)
    if (term[i] > largest - 45) sum += exp(term[i] - largest); /* e^-45 cannot be seen beside 1 */
  return sum > 0 ? largest + log(sum) : -INFINITY;
}

/* exp(axis_log()), 0 where that is below e^(-700) for certain. */
static PetscReal axis_factor(const MuCells *cells, PetscInt axis, PetscReal z, PetscReal h) {
  const PetscReal spacing = spacing_of(cells, axis);
  if (h < spacing && axis_log(cells, axis, z, h, PETSC_TRUE) < -700) return 0;
  return exp(axis_log(cells, axis, z, h, PETSC_FALSE));
}

/* Adds the products of the axes' factors of one point to the cells. */
static void add_factors(const MuCells *cells, const PetscReal *point, const PetscReal h[2],
                        PetscReal *factor, PetscReal *sum) {
  const PetscInt nx = cells->cells[0], end = cells->first + cells->count;
  for (PetscInt ix = 0; ix < nx; ++ix)
    factor[ix] = axis_factor(cells, 0, centre(cells, 0, ix) - point[0], h[0]);
  for (PetscInt iy = cells->first / nx; iy * nx < end; ++iy) {
    PetscReal row = 1;
    PetscInt from = PetscMax(iy * nx, cells->first), to = PetscMin((iy + 1) * nx, end);
    if (cells->dim == 2) row = axis_factor(cells, 1, centre(cells, 1, iy) - point[1], h[1]);
    for (PetscInt i = from; i < to; ++i) sum[i - cells->first] += row * factor[i - iy * nx];
  }
}

/* log of 1/(n prod_a h_a sqrt(2 pi)) */
static PetscReal log_scale(const MuCells *cells, PetscInt n, const PetscReal h[2]) {
  PetscReal scale = -log((PetscReal)n);
  for (PetscInt a = 0; a < cells->dim; ++a) scale -= log(h[a]) + 0.5 * log(2 * PETSC_PI);
  return scale;
}

PetscErrorCode MuSamplesLogKde(const MuCells *cells, PetscInt n, const PetscReal *points,
                               const PetscReal h[2], PetscReal *log_density) {
  /* far above the smallest number, so that products that underflowed cannot be seen in the sum */
  const PetscReal least = 1e-250, scale = log_scale(cells, n, h);
  PetscReal *factor, *term;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(cells->cells[0], &factor, n, &term));
  memset(log_density, 0, sizeof(PetscReal) * (size_t)cells->count);
  for (PetscInt i = 0; i < n; ++i)
    add_factors(cells, points + i * cells->dim, h, factor, log_density);
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal sum = log_density[i];
    log_density[i] = -INFINITY;
    if (cells->mask && !cells->mask[i]) continue;
    log_density[i] =
        scale + (sum > least ? log(sum) : log_sum(cells, cells->first + i, n, points, h, term));
  }
  PetscCall(PetscFree2(factor, term));
  PetscFunctionReturn(0);
}
