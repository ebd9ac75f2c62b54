/* Sums over pairs by matrix products, for many dimensions: in blocks of targets and sources,
   |x - y|^2 = |x|^2 + |y|^2 - 2 x.y about the common mean, and the gradient
   sum_j s_ij (y_i - x_j) = y_i sum_j s_ij - (s x)_i.
   Distances that cancel more than four digits are taken from the differences instead. */
#include "particles/pairs_impl.h"

#include "grid/vector_exp.h"

#include <petscblaslapack.h>

enum { TARGETS = 96, SOURCES = 512 };
#define CANCELLED 1e-4

typedef struct {
  const MuPairSum *sum;
  PetscReal *x, *y;              /* about the mean, [n][dim], [m][dim] */
  PetscReal *x2, *y2;            /* squared lengths */
  PetscReal *r2, *value, *slope; /* [TARGETS][SOURCES] */
  PetscReal *total, *product;    /* [TARGETS] sum of slopes; [TARGETS][dim] */
} Blocks;

static void find_mean(const MuPairSum *s, PetscReal *mean) {
  const PetscInt dim = s->radial->dim;
  for (PetscInt a = 0; a < dim; ++a) mean[a] = 0;
  for (PetscInt j = 0; j < s->n; ++j)
    for (PetscInt a = 0; a < dim; ++a) mean[a] += s->x[j * dim + a] / s->n;
}

static void centre(PetscInt n, PetscInt dim, const PetscReal *in, const PetscReal *mean,
                   PetscReal *out, PetscReal *length2) {
  for (PetscInt j = 0; j < n; ++j) {
    length2[j] = 0;
    for (PetscInt a = 0; a < dim; ++a) {
      out[j * dim + a] = in[j * dim + a] - mean[a];
      length2[j] += PetscSqr(out[j * dim + a]);
    }
  }
}

static PetscErrorCode multiply(const char *transpose, PetscInt m, PetscInt n, PetscInt k,
                               PetscReal alpha, const PetscReal *a, PetscInt lda,
                               const PetscReal *b, PetscInt ldb, PetscReal beta, PetscReal *c,
                               PetscInt ldc) {
  const PetscBLASInt rows = (PetscBLASInt)m, columns = (PetscBLASInt)n, inner = (PetscBLASInt)k,
                     stride_a = (PetscBLASInt)lda, stride_b = (PetscBLASInt)ldb,
                     stride_c = (PetscBLASInt)ldc;

  PetscFunctionBegin;
  PetscCallBLAS("BLASgemm", BLASgemm_(transpose, "N", &rows, &columns, &inner, &alpha, a, &stride_a,
                                      b, &stride_b, &beta, c, &stride_c));
  PetscFunctionReturn(0);
}

static PetscReal direct_distance(PetscInt dim, const PetscReal *x, const PetscReal *y) {
  PetscReal sum = 0;
  for (PetscInt a = 0; a < dim; ++a) sum += PetscSqr(x[a] - y[a]);
  return sum;
}

/* x.y to |x - y|^2 in one row of a block: target i, sources first .. first + count - 1. */
static void finish_distances(const Blocks *b, PetscInt i, PetscInt first, PetscInt count,
                             PetscReal *r2) {
  const PetscInt dim = b->sum->radial->dim;
  const PetscReal *x2 = b->x2 + first, y2 = b->y2[i];
  PetscInt cancelled = 0;
#pragma omp simd reduction(+ : cancelled)
  for (PetscInt j = 0; j < count; ++j) {
    const PetscReal sum = x2[j] + y2;
    r2[j] = mu_multiply_add(-2, r2[j], sum);
    cancelled += r2[j] <= CANCELLED * sum;
  }
  for (PetscInt j = 0; cancelled && j < count; ++j)
    if (r2[j] <= CANCELLED * (x2[j] + y2))
      r2[j] = direct_distance(dim, b->sum->x + (first + j) * dim, b->sum->y + i * dim);
}

static void add_values(const Blocks *b, PetscInt first_target, PetscInt targets,
                       PetscInt first_source, PetscInt sources) {
  const PetscReal *w = b->sum->w + first_source;
  for (PetscInt i = 0; i < targets; ++i) {
    const PetscReal *value = b->value + i * SOURCES;
    PetscReal sum = 0;
#pragma omp simd reduction(+ : sum)
    for (PetscInt j = 0; j < sources; ++j) sum = mu_multiply_add(w[j], value[j], sum);
    b->sum->sums[first_target + i] += sum;
  }
}

static PetscErrorCode add_slopes(const Blocks *b, PetscInt targets, PetscInt first_source,
                                 PetscInt sources) {
  const PetscInt dim = b->sum->radial->dim, columns = b->sum->columns;
  const PetscReal *w = b->sum->w + first_source * columns;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < targets; ++i) {
    PetscReal *slope = b->slope + i * SOURCES, total = 0;
    for (PetscInt j = 0; j < sources; ++j) slope[j] *= w[j * columns];
#pragma omp simd reduction(+ : total)
    for (PetscInt j = 0; j < sources; ++j) total += slope[j];
    b->total[i] += total;
  }
  PetscCall(multiply("N", dim, targets, sources, 1, b->x + first_source * dim, dim, b->slope,
                     SOURCES, 1, b->product, dim));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_block(const Blocks *b, PetscInt first_target, PetscInt targets,
                                PetscInt first_source, PetscInt sources) {
  const MuPairSum *s = b->sum;
  const PetscInt dim = s->radial->dim, columns = s->columns;

  PetscFunctionBegin;
  PetscCall(multiply("T", sources, targets, dim, 1, b->x + first_source * dim, dim,
                     b->y + first_target * dim, dim, 0, b->r2, SOURCES));
  for (PetscInt i = 0; i < targets; ++i) {
    PetscReal *row = b->r2 + i * SOURCES;
    finish_distances(b, first_target + i, first_source, sources, row);
    PetscCall(MuRadialEvaluateArray(s->radial, sources, row, b->value + i * SOURCES,
                                    s->gradient ? b->slope + i * SOURCES : NULL));
  }
  if (s->sums && columns == 1) add_values(b, first_target, targets, first_source, sources);
  if (s->sums && columns > 1)
    PetscCall(multiply("N", columns, targets, sources, 1, s->w + first_source * columns, columns,
                       b->value, SOURCES, 1, s->sums + first_target * columns, columns));
  if (s->gradient) PetscCall(add_slopes(b, targets, first_source, sources));
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_targets(const Blocks *b, PetscInt first, PetscInt targets) {
  const MuPairSum *s = b->sum;
  const PetscInt dim = s->radial->dim;

  PetscFunctionBegin;
  if (s->sums) PetscCall(PetscArrayzero(s->sums + first * s->columns, targets * s->columns));
  PetscCall(PetscArrayzero(b->total, targets));
  PetscCall(PetscArrayzero(b->product, targets * dim));
  for (PetscInt source = 0; source < s->n; source += SOURCES)
    PetscCall(add_block(b, first, targets, source, PetscMin(s->n - source, SOURCES)));
  for (PetscInt i = 0; s->gradient && i < targets; ++i)
    for (PetscInt a = 0; a < dim; ++a)
      s->gradient[(first + i) * dim + a] =
          b->total[i] * b->y[(first + i) * dim + a] - b->product[i * dim + a];
  PetscFunctionReturn(0);
}

static PetscReal *take(PetscReal **free_space, size_t size) {
  PetscReal *taken = *free_space;
  *free_space += size;
  return taken;
}

PetscErrorCode MuPairSumByProducts(const MuPairSum *sum, MuWork *work) {
  const PetscInt dim = sum->radial->dim;
  const size_t block = (size_t)TARGETS * SOURCES, n = sum->n, m = sum->m;
  PetscReal *space, *mean;
  Blocks b = {.sum = sum};

  PetscFunctionBegin;
  PetscCall(MuWorkResize(work, (n + m) * (dim + 1) + 3 * block + TARGETS * (dim + 1) + dim));
  space = work->data;
  b.x = take(&space, n * dim);
  b.y = take(&space, m * dim);
  b.x2 = take(&space, n);
  b.y2 = take(&space, m);
  b.r2 = take(&space, block);
  b.value = take(&space, block);
  b.slope = take(&space, block);
  b.total = take(&space, TARGETS);
  b.product = take(&space, (size_t)TARGETS * dim);
  mean = take(&space, dim);
  find_mean(sum, mean);
  centre(sum->n, dim, sum->x, mean, b.x, b.x2);
  centre(sum->m, dim, sum->y, mean, b.y, b.y2);
  for (PetscInt first = 0; first < sum->m; first += TARGETS)
    PetscCall(sum_targets(&b, first, PetscMin(sum->m - first, TARGETS)));
  PetscFunctionReturn(0);
}
