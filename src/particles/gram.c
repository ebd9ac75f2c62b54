/* Kernel matrices. Smooth kernels have a small numerical rank: pivoted Cholesky factorization finds
   it from as many columns. Harbrecht, Peters and Schneider, On the low-rank approximation by the
   pivoted Cholesky decomposition (2012). Systems with G + D then cost n rank^2 through
     (L L' + D)^(-1) = D^(-1) - D^(-1) L (1 + L' D^(-1) L)^(-1) L' D^(-1). */
#include "particles/gram.h"

#include "grid/vector_exp.h"
#include "particles/pairs.h"

#include <petscblaslapack.h>

enum { MAX_RIDGES = 40, MAX_ENTRIES = 1 << 27, SMALL = 32 };

PetscErrorCode MuGramDestroy(MuGram *g) {
  PetscFunctionBegin;
  PetscCall(MuWorkDestroy(&g->entries));
  PetscCall(MuWorkDestroy(&g->factor));
  PetscCall(MuWorkDestroy(&g->scaled));
  PetscCall(MuWorkDestroy(&g->vectors));
  PetscCall(MuWorkDestroy(&g->inverse));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ vectors */

static PetscReal dot(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal sum = 0;
#pragma omp simd reduction(+ : sum)
  for (PetscInt i = 0; i < n; ++i) sum = mu_multiply_add(a[i], b[i], sum);
  return sum;
}

/* out[0 .. 3] = a.b_q for four vectors b_q = b + q stride */
static void dot_four(PetscInt n, const PetscReal *a, const PetscReal *b, PetscInt stride,
                     PetscReal out[4]) {
  const PetscReal *b1 = b + stride, *b2 = b + 2 * stride, *b3 = b + 3 * stride;
  PetscReal s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
  for (PetscInt i = 0; i < n; ++i) {
    s0 = mu_multiply_add(a[i], b[i], s0);
    s1 = mu_multiply_add(a[i], b1[i], s1);
    s2 = mu_multiply_add(a[i], b2[i], s2);
    s3 = mu_multiply_add(a[i], b3[i], s3);
  }
  out[0] = s0, out[1] = s1, out[2] = s2, out[3] = s3;
}

/* out[q] = a.b_q, q < count */
static void dot_many(PetscInt n, const PetscReal *a, PetscInt count, const PetscReal *b,
                     PetscInt stride, PetscReal *out) {
  PetscInt q = 0;
  for (; q + 4 <= count; q += 4) dot_four(n, a, b + q * stride, stride, out + q);
  for (; q < count; ++q) out[q] = dot(n, a, b + q * stride);
}

/* a -= sum_q c_q b_q, q < count */
static void subtract_many(PetscInt n, PetscReal *a, PetscInt count, const PetscReal *b,
                          PetscInt stride, const PetscReal *c, PetscInt step) {
  PetscInt q = 0;
  for (; q + 4 <= count; q += 4) {
    const PetscReal *b0 = b + q * stride, *b1 = b0 + stride, *b2 = b1 + stride, *b3 = b2 + stride;
    const PetscReal c0 = -c[q * step], c1 = -c[(q + 1) * step], c2 = -c[(q + 2) * step],
                    c3 = -c[(q + 3) * step];
#pragma omp simd
    for (PetscInt i = 0; i < n; ++i)
      a[i] = mu_multiply_add(
          c3, b3[i],
          mu_multiply_add(c2, b2[i], mu_multiply_add(c1, b1[i], mu_multiply_add(c0, b0[i], a[i]))));
  }
  for (; q < count; ++q) {
    const PetscReal *b0 = b + q * stride, c0 = -c[q * step];
#pragma omp simd
    for (PetscInt i = 0; i < n; ++i) a[i] = mu_multiply_add(c0, b0[i], a[i]);
  }
}

/* ------------------------------------------------------------------ fill */

static void transpose(PetscInt n, PetscInt dim, const PetscReal *x, PetscReal *columns) {
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < dim; ++a) columns[a * n + i] = x[i * dim + a];
}

/* out[i] = scale k(x_i - x_p); columns [dim][n], r2 [n] */
static PetscErrorCode kernel_column(const MuGram *g, const PetscReal *columns, PetscReal scale,
                                    PetscInt p, PetscReal *r2, PetscReal *out) {
  const PetscInt n = g->n, dim = g->radial->dim;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) r2[i] = PetscSqr(columns[i] - columns[p]);
  for (PetscInt a = 1; a < dim; ++a) {
    const PetscReal *x = columns + a * n, y = x[p];
    for (PetscInt i = 0; i < n; ++i) r2[i] = mu_multiply_add(x[i] - y, x[i] - y, r2[i]);
  }
  PetscCall(MuRadialEvaluateArray(g->radial, n, r2, out, NULL));
  for (PetscInt i = 0; i < n; ++i) out[i] *= scale;
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_all(MuGram *g, const PetscReal *columns, PetscReal scale,
                               PetscReal *r2) {
  const PetscInt n = g->n;

  PetscFunctionBegin;
  PetscCall(MuWorkResize(&g->entries, (size_t)n * n));
  g->rank = n;
  g->error = 0;
  g->largest = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal *row = g->entries.data + (size_t)i * n;
    PetscCall(kernel_column(g, columns, scale, i, r2, row));
    for (PetscInt j = 0; j < n; ++j) g->largest = PetscMax(g->largest, fabs(row[j]));
  }
  PetscFunctionReturn(0);
}

static PetscInt find_pivot(PetscInt n, const PetscReal *left) {
  PetscInt p = 0;
  for (PetscInt i = 1; i < n; ++i)
    if (left[i] > left[p]) p = i;
  return p;
}

static PetscInt largest_rank(PetscInt n) {
  return PetscMin(n / 2, MAX_ENTRIES / n);
}

/* The rank is too large to pay: it has used up its share, or an eighth of the points has not
   brought four tenths of the digits. */
static PetscBool gives_up(PetscInt n, PetscInt rank, PetscReal largest, PetscReal left,
                          PetscReal accuracy) {
  if (rank >= largest_rank(n)) return PETSC_TRUE;
  return (PetscBool)(rank == PetscMax(n / 8, 16) &&
                     log(left / largest) > 0.4 * log(accuracy / largest));
}

/* *done: whether the rank is small. left, r2 [n]: work space. */
static PetscErrorCode fill_low_rank(MuGram *g, const PetscReal *columns, PetscReal scale,
                                    PetscReal accuracy, PetscReal *left, PetscReal *r2,
                                    PetscBool *done) {
  const PetscInt n = g->n;
  PetscReal peak;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  PetscCall(MuRadialEvaluate(g->radial, 0, &peak, NULL));
  g->largest = scale * peak;
  PetscCall(MuWorkResize(&g->entries, (size_t)n * (largest_rank(n) + 1)));
  for (PetscInt i = 0; i < n; ++i) left[i] = g->largest;
  for (g->rank = 0;; g->rank++) {
    const PetscInt p = find_pivot(n, left);
    PetscReal *column = g->entries.data + (size_t)g->rank * n, inverse;
    g->error = left[p];
    if (left[p] <= accuracy) break;
    if (gives_up(n, g->rank, g->largest, left[p], accuracy)) PetscFunctionReturn(0);
    PetscCall(kernel_column(g, columns, scale, p, r2, column));
    subtract_many(n, column, g->rank, g->entries.data, n, g->entries.data + p, n);
    inverse = 1 / sqrt(left[p]);
    for (PetscInt i = 0; i < n; ++i) {
      column[i] *= inverse;
      left[i] = mu_multiply_add(-column[i], column[i], left[i]);
    }
    left[p] = 0;
  }
  *done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* Columns [dim][n] of the points in the work space, which has room for two arrays [n] behind. */
static PetscErrorCode make_columns(MuGram *g, MuRadial radial, PetscInt n, const PetscReal *x) {
  PetscFunctionBegin;
  g->radial = radial;
  g->n = n;
  PetscCall(MuWorkResize(&g->vectors, (size_t)n * (radial->dim + 2)));
  transpose(n, radial->dim, x, g->vectors.data);
  PetscFunctionReturn(0);
}

PetscErrorCode MuGramFillAll(MuGram *g, MuRadial radial, PetscInt n, const PetscReal *x,
                             PetscReal scale) {
  PetscFunctionBegin;
  PetscCall(make_columns(g, radial, n, x));
  PetscCall(fill_all(g, g->vectors.data, scale, g->vectors.data + (size_t)n * radial->dim));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGramFillLowRank(MuGram *g, MuRadial radial, PetscInt n, const PetscReal *x,
                                 PetscReal scale, PetscReal accuracy, PetscBool *done) {
  PetscReal *r2;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (MuRadialIsConditional(radial) || n < SMALL) PetscFunctionReturn(0);
  PetscCall(make_columns(g, radial, n, x));
  r2 = g->vectors.data + (size_t)n * radial->dim;
  PetscCall(fill_low_rank(g, g->vectors.data, scale, accuracy, r2 + n, r2, done));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ multiply and solve */

void MuGramMultiply(MuGram *g, const PetscReal *w, PetscReal *out) {
  const PetscInt n = g->n, rank = g->rank;
  PetscReal *part = g->vectors.data; /* n (dim + 2) >= rank */
  if (rank == n) {
    dot_many(n, w, n, g->entries.data, n, out);
    return;
  }
  dot_many(n, w, rank, g->entries.data, n, part);
  for (PetscInt i = 0; i < n; ++i) out[i] = 0;
  for (PetscInt q = 0; q < rank; ++q) part[q] = -part[q];
  subtract_many(n, out, rank, g->entries.data, n, part, 1);
}

/* A shift by a multiple of e e' makes a conditionally positive definite kernel positive; a ridge of
   the size of rounding helps a singular one. */
static PetscErrorCode factor_all(MuGram *g, const PetscReal *d) {
  const PetscInt n = g->n;
  const PetscReal shift = MuRadialIsConditional(g->radial) ? 2 * g->largest : 0;
  PetscBLASInt order, info = 1;
  PetscReal ridge = 0;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCall(MuWorkResize(&g->factor, (size_t)n * n));
  for (PetscInt trial = 0; info && trial < MAX_RIDGES; ++trial) {
    for (size_t e = 0; e < (size_t)n * n; ++e) g->factor.data[e] = g->entries.data[e] + shift;
    for (PetscInt i = 0; i < n; ++i) g->factor.data[(size_t)i * (n + 1)] += d[i] + ridge;
    PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &order, g->factor.data, &order, &info));
    ridge = ridge > 0 ? 4 * ridge : PETSC_MACHINE_EPSILON * g->largest;
  }
  if (info) return MuError(MU_ERR_NUMERICS, "weight step: the kernel matrix cannot be factored");
  PetscFunctionReturn(0);
}

/* 1 + L' D^(-1) L */
static PetscErrorCode factor_low_rank(MuGram *g) {
  const PetscInt n = g->n, rank = g->rank;
  PetscBLASInt order, info;
  PetscReal *root;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(rank, &order));
  PetscCall(MuWorkResize(&g->factor, (size_t)rank * rank));
  PetscCall(MuWorkResize(&g->scaled, (size_t)n * (rank + 1)));
  root = g->scaled.data + (size_t)n * rank;
  for (PetscInt i = 0; i < n; ++i) root[i] = sqrt(g->reciprocal[i]);
  for (PetscInt q = 0; q < rank; ++q)
    for (PetscInt i = 0; i < n; ++i)
      g->scaled.data[(size_t)q * n + i] = root[i] * g->entries.data[(size_t)q * n + i];
  for (PetscInt q = 0; q < rank; ++q) {
    PetscReal *row = g->factor.data + (size_t)q * rank; /* upper triangle of column-major */
    dot_many(n, g->scaled.data + (size_t)q * n, q + 1, g->scaled.data, n, row);
    row[q] += 1;
  }
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("U", &order, g->factor.data, &order, &info));
  if (info) return MuError(MU_ERR_NUMERICS, "weight step: the kernel matrix cannot be factored");
  PetscFunctionReturn(0);
}

PetscErrorCode MuGramFactor(MuGram *g, const PetscReal *d) {
  PetscFunctionBegin;
  PetscCall(MuWorkResize(&g->inverse, g->n));
  g->diagonal = d;
  g->reciprocal = g->inverse.data;
  for (PetscInt i = 0; i < g->n; ++i) g->inverse.data[i] = 1 / d[i];
  if (g->rank == g->n)
    PetscCall(factor_all(g, d));
  else if (g->rank > 0)
    PetscCall(factor_low_rank(g));
  PetscFunctionReturn(0);
}

static PetscErrorCode triangles(const char *uplo, PetscInt n, PetscReal *factor, PetscReal *v) {
  PetscBLASInt order, one = 1, info;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCallBLAS("LAPACKpotrs", LAPACKpotrs_(uplo, &order, &one, factor, &order, v, &order, &info));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGramSolve(MuGram *g, PetscReal *v) {
  const PetscInt n = g->n, rank = g->rank;
  PetscReal *part = g->vectors.data;

  PetscFunctionBegin;
  if (rank == n) {
    PetscCall(triangles("L", n, g->factor.data, v));
    PetscFunctionReturn(0);
  }
  for (PetscInt i = 0; i < n; ++i) v[i] *= g->reciprocal[i];
  if (rank == 0) PetscFunctionReturn(0);
  dot_many(n, v, rank, g->entries.data, n, part);
  PetscCall(triangles("U", rank, g->factor.data, part));
  for (PetscInt i = 0; i < n; ++i) v[i] *= g->diagonal[i];
  subtract_many(n, v, rank, g->entries.data, n, part, 1);
  for (PetscInt i = 0; i < n; ++i) v[i] *= g->reciprocal[i];
  PetscFunctionReturn(0);
}
