/* Sums over pairs by differences of coordinates, vectorized over the sources. The common profiles
   in 1, 2 and 3 dimensions are one loop, whose every combination is compiled on its own; the rest
   goes through short arrays of distances and kernel values. */
#include "kernel/profile.h"
#include "particles/pairs_impl.h"

enum { CHUNK = 512 };

/* Sources as columns [dim][n], weights as columns [columns][n]. */
typedef struct {
  const MuPairSum *sum;
  PetscReal *x, *w;
} Columns;

static void transpose(PetscInt rows, PetscInt columns, const PetscReal *in, PetscReal *out) {
  for (PetscInt c = 0; c < columns; ++c)
    for (PetscInt r = 0; r < rows; ++r) out[c * rows + r] = in[r * columns + c];
}

/* ------------------------------------------------------------------ one loop */

static inline __attribute__((always_inline)) void
sum_targets(const PetscInt dim, const MuProfile profile, const PetscBool slopes, const Columns *c) {
  const MuPairSum *s = c->sum;
  const PetscInt n = s->n;
  const PetscReal *x0 = c->x, *x1 = dim > 1 ? c->x + n : c->x, *x2 = dim > 2 ? c->x + 2 * n : c->x;
  const PetscReal *w = c->w, rate2 = PetscSqr(s->radial->rate), amplitude = s->radial->amplitude;

  for (PetscInt i = 0; i < s->m; ++i) {
    const PetscReal *y = s->y + i * dim;
    const PetscReal y0 = y[0], y1 = dim > 1 ? y[1] : 0, y2 = dim > 2 ? y[2] : 0;
    PetscReal total = 0, g0 = 0, g1 = 0, g2 = 0;
#pragma omp simd reduction(+ : total, g0, g1, g2)
    for (PetscInt j = 0; j < n; ++j) {
      const PetscReal d0 = y0 - x0[j], d1 = dim > 1 ? y1 - x1[j] : 0, d2 = dim > 2 ? y2 - x2[j] : 0;
      PetscReal r2 = d0 * d0, value, slope;
      if (dim > 1) r2 = mu_multiply_add(d1, d1, r2);
      if (dim > 2) r2 = mu_multiply_add(d2, d2, r2);
      mu_profile_inline(profile, rate2 * r2, &value, &slope);
      total = mu_multiply_add(w[j], value, total);
      if (slopes) {
        slope *= w[j];
        g0 = mu_multiply_add(slope, d0, g0);
        if (dim > 1) g1 = mu_multiply_add(slope, d1, g1);
        if (dim > 2) g2 = mu_multiply_add(slope, d2, g2);
      }
    }
    if (s->sums) s->sums[i] = amplitude * total;
    if (slopes) {
      PetscReal *g = s->gradient + i * dim;
      g[0] = amplitude * rate2 * g0;
      if (dim > 1) g[1] = amplitude * rate2 * g1;
      if (dim > 2) g[2] = amplitude * rate2 * g2;
    }
  }
}

static inline __attribute__((always_inline)) void
choose_profile(const PetscInt dim, const PetscBool slopes, const Columns *c) {
  switch (c->sum->radial->profile) {
  case MU_PROFILE_GAUSSIAN:
    sum_targets(dim, MU_PROFILE_GAUSSIAN, slopes, c);
    break;
  case MU_PROFILE_EXPONENTIAL:
    sum_targets(dim, MU_PROFILE_EXPONENTIAL, slopes, c);
    break;
  case MU_PROFILE_LINEAR:
    sum_targets(dim, MU_PROFILE_LINEAR, slopes, c);
    break;
  case MU_PROFILE_QUADRATIC:
    sum_targets(dim, MU_PROFILE_QUADRATIC, slopes, c);
    break;
  case MU_PROFILE_IMQ:
    sum_targets(dim, MU_PROFILE_IMQ, slopes, c);
    break;
  case MU_PROFILE_WENDLAND:
    sum_targets(dim, MU_PROFILE_WENDLAND, slopes, c);
    break;
  case MU_PROFILE_DISTANCE:
    sum_targets(dim, MU_PROFILE_DISTANCE, slopes, c);
    break;
  case MU_PROFILE_GENERAL:
    break;
  }
}

static void sum_in_1d(PetscBool slopes, const Columns *c) {
  if (slopes)
    choose_profile(1, PETSC_TRUE, c);
  else
    choose_profile(1, PETSC_FALSE, c);
}

static void sum_in_2d(PetscBool slopes, const Columns *c) {
  if (slopes)
    choose_profile(2, PETSC_TRUE, c);
  else
    choose_profile(2, PETSC_FALSE, c);
}

static void sum_in_3d(PetscBool slopes, const Columns *c) {
  if (slopes)
    choose_profile(3, PETSC_TRUE, c);
  else
    choose_profile(3, PETSC_FALSE, c);
}

/* ------------------------------------------------------------------ through arrays */

static PetscReal dot(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal sum = 0;
#pragma omp simd reduction(+ : sum)
  for (PetscInt i = 0; i < n; ++i) sum = mu_multiply_add(a[i], b[i], sum);
  return sum;
}

/* sum of a (y - b) */
static PetscReal dot_difference(PetscInt n, const PetscReal *a, PetscReal y, const PetscReal *b) {
  PetscReal sum = 0;
#pragma omp simd reduction(+ : sum)
  for (PetscInt i = 0; i < n; ++i) sum = mu_multiply_add(a[i], y - b[i], sum);
  return sum;
}

static void squared_distances(PetscInt dim, PetscInt count, PetscInt stride, const PetscReal *x,
                              const PetscReal *y, PetscReal *r2) {
  for (PetscInt j = 0; j < count; ++j) r2[j] = PetscSqr(y[0] - x[j]);
  for (PetscInt a = 1; a < dim; ++a) {
    const PetscReal *column = x + a * stride;
    for (PetscInt j = 0; j < count; ++j)
      r2[j] = mu_multiply_add(y[a] - column[j], y[a] - column[j], r2[j]);
  }
}

static PetscErrorCode sum_chunk(const Columns *c, PetscInt i, PetscInt first) {
  const MuPairSum *s = c->sum;
  const PetscInt n = s->n, dim = s->radial->dim, count = PetscMin(n - first, CHUNK);
  const PetscReal *y = s->y + i * dim;
  PetscReal r2[CHUNK], value[CHUNK], slope[CHUNK];

  PetscFunctionBegin;
  squared_distances(dim, count, n, c->x + first, y, r2);
  PetscCall(MuRadialEvaluateArray(s->radial, count, r2, value, s->gradient ? slope : NULL));
  for (PetscInt k = 0; s->sums && k < s->columns; ++k)
    s->sums[i * s->columns + k] += dot(count, value, c->w + k * n + first);
  if (!s->gradient) PetscFunctionReturn(0);
  for (PetscInt j = 0; j < count; ++j) slope[j] *= c->w[first + j];
  for (PetscInt a = 0; a < dim; ++a)
    s->gradient[i * dim + a] += dot_difference(count, slope, y[a], c->x + a * n + first);
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_through_arrays(const Columns *c) {
  const MuPairSum *s = c->sum;

  PetscFunctionBegin;
  if (s->sums) PetscCall(PetscArrayzero(s->sums, s->m * s->columns));
  if (s->gradient) PetscCall(PetscArrayzero(s->gradient, s->m * s->radial->dim));
  for (PetscInt i = 0; i < s->m; ++i)
    for (PetscInt first = 0; first < s->n; first += CHUNK) PetscCall(sum_chunk(c, i, first));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairSumByDifferences(const MuPairSum *sum, MuWork *work) {
  const PetscInt dim = sum->radial->dim;
  const PetscBool slopes = (PetscBool)(sum->gradient != NULL);
  Columns c = {.sum = sum};

  PetscFunctionBegin;
  PetscCall(MuWorkResize(work, (size_t)sum->n * (dim + sum->columns)));
  c.x = work->data;
  c.w = work->data + (size_t)sum->n * dim;
  transpose(sum->n, dim, sum->x, c.x);
  transpose(sum->n, sum->columns, sum->w, c.w);
  if (dim > 3 || sum->columns > 1 || sum->radial->profile == MU_PROFILE_GENERAL)
    PetscCall(sum_through_arrays(&c));
  else if (dim == 1)
    sum_in_1d(slopes, &c);
  else if (dim == 2)
    sum_in_2d(slopes, &c);
  else
    sum_in_3d(slopes, &c);
  PetscFunctionReturn(0);
}
