/* min over the simplex of 1/2 w' K w - b' w by Mehrotra's predictor-corrector interior point
   method with dense factorizations: Nocedal and Wright, Numerical Optimization (2006), section
   16.6. All ranks compute the same. */
#include "particles/radial.h"

#include <math.h>
#include <petscblaslapack.h>

enum { MAX_ITERATIONS = 200, MAX_RIDGES = 40 };

struct _p_MuSimplex {
  MPI_Comm comm;
  MuRadial radial;
  PetscInt room;                   /* points that the arrays have room for */
  PetscReal *matrix, *factor;      /* [n][n] */
  PetscReal *z, *gradient;         /* [n] multipliers of w >= 0; K w - b */
  PetscReal *ones, *rhs, *dw, *dz; /* [n] solves and steps */
};

PetscErrorCode MuSimplexCreate(MPI_Comm comm, MuRadial radial, MuSimplex *simplex) {
  MuSimplex s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->comm = comm;
  PetscCall(MuRadialReference(radial));
  s->radial = radial;
  *simplex = s;
  PetscFunctionReturn(0);
}

static PetscErrorCode free_work(MuSimplex s) {
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->matrix, s->factor));
  PetscCall(PetscFree6(s->z, s->gradient, s->ones, s->rhs, s->dw, s->dz));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSimplexDestroy(MuSimplex *simplex) {
  MuSimplex s = *simplex;

  PetscFunctionBegin;
  *simplex = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuRadialDestroy(&s->radial));
  PetscCall(free_work(s));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room(MuSimplex s, PetscInt n) {
  PetscFunctionBegin;
  if (n <= s->room) PetscFunctionReturn(0);
  PetscCall(free_work(s));
  PetscCall(PetscMalloc2((size_t)n * n, &s->matrix, (size_t)n * n, &s->factor));
  PetscCall(PetscMalloc6(n, &s->z, n, &s->gradient, n, &s->ones, n, &s->rhs, n, &s->dw, n, &s->dz));
  s->room = n;
  PetscFunctionReturn(0);
}

/* K and its largest entry. */
static PetscReal fill_matrix(MuSimplex s, PetscInt n, const PetscReal *x, PetscReal scale) {
  const PetscInt dim = s->radial->dim;
  PetscReal size = 0;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j <= i; ++j) {
      PetscReal r2 = 0, value;
      for (PetscInt a = 0; a < dim; ++a) r2 += PetscSqr(x[i * dim + a] - x[j * dim + a]);
      (void)MuRadialEvaluate(s->radial, r2, &value, NULL);
      s->matrix[i * n + j] = s->matrix[j * n + i] = scale * value;
      size = PetscMax(size, fabs(scale * value));
    }
  return size;
}

static PetscReal dot(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/* gradient = K w - b */
static void find_gradient(MuSimplex s, PetscInt n, const PetscReal *b, const PetscReal *w) {
  for (PetscInt i = 0; i < n; ++i) s->gradient[i] = dot(n, s->matrix + i * n, w) - b[i];
}

/* K + shift e e' + Z/W + ridge, factored. The shift makes a conditionally positive definite kernel
   positive and changes nothing on the simplex. */
static PetscErrorCode factor(MuSimplex s, PetscInt n, PetscReal size, const PetscReal *w) {
  const PetscReal shift = s->radial->profile >= MU_PROFILE_DISTANCE ? 2 * size : 0;
  PetscBLASInt order, info = 1;
  PetscReal ridge = 0;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &order));
  for (PetscInt trial = 0; info && trial < MAX_RIDGES; ++trial) {
    for (PetscInt i = 0; i < n * n; ++i) s->factor[i] = s->matrix[i] + shift;
    for (PetscInt i = 0; i < n; ++i) s->factor[i * n + i] += s->z[i] / w[i] + ridge;
    LAPACKpotrf_("L", &order, s->factor, &order, &info);
    ridge = ridge > 0 ? 4 * ridge : PETSC_MACHINE_EPSILON * size;
  }
  if (info) return MuError(MU_ERR_NUMERICS, "weight step: the kernel matrix cannot be factored");
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(MuSimplex s, PetscInt n, PetscReal *rhs) {
  PetscBLASInt order, one = 1, info;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &order));
  LAPACKpotrs_("L", &order, &one, s->factor, &order, rhs, &order, &info);
  PetscFunctionReturn(0);
}

/* The Newton step towards w_i z_i = center - correction_i; dw and dz hold the predictor if
   `correct`. `level` is the multiplier of sum w = 1; returns its step. */
static PetscErrorCode newton_step(MuSimplex s, PetscInt n, const PetscReal *w, PetscReal level,
                                  PetscReal center, PetscBool correct, PetscReal *step) {
  PetscReal numerator = 1, denominator = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal target = center - (correct ? s->dw[i] * s->dz[i] : 0) - w[i] * s->z[i];
    s->dz[i] = target / w[i];
    s->rhs[i] = -(s->gradient[i] - level - s->z[i]) + s->dz[i];
  }
  PetscCall(solve(s, n, s->rhs));
  for (PetscInt i = 0; i < n; ++i) {
    numerator -= w[i] + s->rhs[i];
    denominator += s->ones[i];
  }
  *step = numerator / denominator;
  for (PetscInt i = 0; i < n; ++i) {
    s->dw[i] = s->rhs[i] + *step * s->ones[i];
    s->dz[i] -= s->z[i] / w[i] * s->dw[i];
  }
  PetscFunctionReturn(0);
}

static PetscReal longest_step(PetscInt n, const PetscReal *v, const PetscReal *dv) {
  PetscReal step = 1;
  for (PetscInt i = 0; i < n; ++i)
    if (dv[i] < 0) step = PetscMin(step, -v[i] / dv[i]);
  return step;
}

/* One predictor-corrector iteration. */
static PetscErrorCode iterate(MuSimplex s, PetscInt n, PetscReal size, PetscReal *w,
                              PetscReal *level) {
  const PetscReal gap = dot(n, w, s->z) / n;
  PetscReal change, after = 0;

  PetscFunctionBegin;
  PetscCall(factor(s, n, size, w));
  for (PetscInt i = 0; i < n; ++i) s->ones[i] = 1;
  PetscCall(solve(s, n, s->ones));
  PetscCall(newton_step(s, n, w, *level, 0, PETSC_FALSE, &change));
  const PetscReal predicted = PetscMin(longest_step(n, w, s->dw), longest_step(n, s->z, s->dz));
  for (PetscInt i = 0; i < n; ++i)
    after += (w[i] + predicted * s->dw[i]) * (s->z[i] + predicted * s->dz[i]) / n;
  const PetscReal ratio = after / gap, center = gap * ratio * ratio * ratio;
  PetscCall(newton_step(s, n, w, *level, center, PETSC_TRUE, &change));
  const PetscReal step = 0.995 * PetscMin(longest_step(n, w, s->dw), longest_step(n, s->z, s->dz));
  for (PetscInt i = 0; i < n; ++i) {
    w[i] += step * s->dw[i];
    s->z[i] += step * s->dz[i];
  }
  *level += step * change;
  PetscFunctionReturn(0);
}

static void onto_simplex(PetscInt n, PetscReal *w) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    w[i] = w[i] > 0 ? w[i] : 0;
  }
  for (PetscInt i = 0; i < n; ++i) w[i] = sum > 0 ? w[i] / sum : 1.0 / n;
}

/* The violation of the optimality conditions; fills the gradient. */
static PetscReal find_residual(MuSimplex s, PetscInt n, const PetscReal *b, const PetscReal *w) {
  PetscReal worst = 0, level;
  find_gradient(s, n, b, w);
  level = dot(n, w, s->gradient);
  for (PetscInt i = 0; i < n; ++i)
    worst = PetscMax(worst, PetscMax(level - s->gradient[i], w[i] * (s->gradient[i] - level)));
  return worst;
}

static PetscErrorCode interior_point(MuSimplex s, PetscInt n, const PetscReal *b, PetscReal size,
                                     PetscReal tolerance, PetscReal *w, MuSimplexReport *report) {
  PetscReal level;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) w[i] = 0.9 * w[i] + 0.1 / n;
  find_gradient(s, n, b, w);
  level = s->gradient[0];
  for (PetscInt i = 0; i < n; ++i) level = PetscMin(level, s->gradient[i]);
  for (PetscInt i = 0; i < n; ++i) s->z[i] = s->gradient[i] - level + 0.1 * size;
  for (report->iterations = 0; report->iterations < MAX_ITERATIONS; report->iterations++) {
    if (report->iterations) onto_simplex(n, w);
    report->residual = find_residual(s, n, b, w);
    if (report->residual <= tolerance) break;
    for (PetscInt i = 0; i < n; ++i) w[i] = PetscMax(w[i], 1e-30);
    PetscCall(iterate(s, n, size, w, &level));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuSimplexSolve(MuSimplex s, PetscInt n, const PetscReal *x, PetscReal scale,
                              const PetscReal *b, PetscReal tolerance, PetscReal *w,
                              MuSimplexReport *report) {
  MuSimplexReport result = {0, 0};
  PetscReal size;

  PetscFunctionBegin;
  PetscCall(make_room(s, n));
  size = fill_matrix(s, n, x, scale);
  onto_simplex(n, w);
  result.residual = find_residual(s, n, b, w);
  if (result.residual > tolerance) PetscCall(interior_point(s, n, b, size, tolerance, w, &result));
  if (report) *report = result;
  if (!(result.residual <= tolerance))
    return MuError(MU_ERR_NUMERICS,
                   "weight step: its optimality conditions hold to %.3g after %d iterations and "
                   "not to the tolerance %.3g",
                   result.residual, (int)result.iterations, tolerance);
  PetscFunctionReturn(0);
}
