/* min over the simplex of 1/2 w' K w - b' w by Mehrotra's predictor-corrector interior point
   method: Nocedal and Wright, Numerical Optimization (2006), section 16.6. All ranks compute the
   same. */
#include "particles/gram.h"

#include <math.h>

enum { MAX_ITERATIONS = 100 };
#define START_SHARE  0.01 /* of equal weights in the start */
#define START_MARGIN 0.1  /* of the spread of the gradient, between it and the level */
/* The cut-off of a low-rank factorization, in parts of the tolerance and of rounding. */
#define TOLERANCE_SHARE 0.05
#define ROUNDING        16

struct _p_MuSimplex {
  MPI_Comm comm;
  MuRadial radial;
  PetscInt room; /* points that the arrays have room for */
  MuGram gram;
  PetscReal *z, *gradient;   /* [n] multipliers of w >= 0; K w - b */
  PetscReal *ones, *dw, *dz; /* [n] solves and steps */
  PetscReal *ratio;          /* [n] z/w */
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
  PetscCall(PetscFree6(s->z, s->gradient, s->ones, s->dw, s->dz, s->ratio));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSimplexDestroy(MuSimplex *simplex) {
  MuSimplex s = *simplex;

  PetscFunctionBegin;
  *simplex = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuRadialDestroy(&s->radial));
  PetscCall(free_work(s));
  PetscCall(MuGramDestroy(&s->gram));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room(MuSimplex s, PetscInt n) {
  PetscFunctionBegin;
  if (n <= s->room) PetscFunctionReturn(0);
  PetscCall(free_work(s));
  PetscCall(
      PetscMalloc6(n, &s->z, n, &s->gradient, n, &s->ones, n, &s->dw, n, &s->dz, n, &s->ratio));
  s->room = n;
  PetscFunctionReturn(0);
}

static PetscReal dot(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/* gradient = K w - b */
static void find_gradient(MuSimplex s, PetscInt n, const PetscReal *b, const PetscReal *w) {
  MuGramMultiply(&s->gram, w, s->gradient);
  for (PetscInt i = 0; i < n; ++i) s->gradient[i] -= b[i];
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
    s->dw[i] = -(s->gradient[i] - level - s->z[i]) + s->dz[i];
  }
  PetscCall(MuGramSolve(&s->gram, s->dw));
  for (PetscInt i = 0; i < n; ++i) {
    numerator -= w[i] + s->dw[i];
    denominator += s->ones[i];
  }
  *step = numerator / denominator;
  for (PetscInt i = 0; i < n; ++i) {
    s->dw[i] += *step * s->ones[i];
    s->dz[i] -= s->ratio[i] * s->dw[i];
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
static PetscErrorCode iterate(MuSimplex s, PetscInt n, PetscReal tolerance, PetscReal *w,
                              PetscReal *level) {
  const PetscReal gap = dot(n, w, s->z) / n;
  PetscReal change, after = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    s->ratio[i] = s->z[i] / w[i];
    s->ones[i] = 1;
  }
  PetscCall(MuGramFactor(&s->gram, s->ratio));
  PetscCall(MuGramSolve(&s->gram, s->ones));
  PetscCall(newton_step(s, n, w, *level, 0, PETSC_FALSE, &change));
  const PetscReal predicted = PetscMin(longest_step(n, w, s->dw), longest_step(n, s->z, s->dz));
  for (PetscInt i = 0; i < n; ++i)
    after += (w[i] + predicted * s->dw[i]) * (s->z[i] + predicted * s->dz[i]) / n;
  const PetscReal ratio = after / gap,
                  center = PetscMax(gap * ratio * ratio * ratio, 0.1 * tolerance / n);
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
    sum += w[i];
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

/* A feasible start near the guess: w in the interior, z = gradient - level > 0. */
static void start(MuSimplex s, PetscInt n, const PetscReal *b, PetscReal *w, PetscReal *level) {
  PetscReal low = INFINITY, high = -INFINITY;
  for (PetscInt i = 0; i < n; ++i) w[i] = (1 - START_SHARE) * w[i] + START_SHARE / n;
  find_gradient(s, n, b, w);
  for (PetscInt i = 0; i < n; ++i) {
    low = PetscMin(low, s->gradient[i]);
    high = PetscMax(high, s->gradient[i]);
  }
  *level = low - PetscMax(START_MARGIN * (high - low), PETSC_MACHINE_EPSILON * s->gram.largest);
  for (PetscInt i = 0; i < n; ++i) s->z[i] = s->gradient[i] - *level;
}

static PetscErrorCode interior_point(MuSimplex s, PetscInt n, const PetscReal *b,
                                     PetscReal tolerance, PetscReal *w, MuSimplexReport *report) {
  PetscReal level;

  PetscFunctionBegin;
  start(s, n, b, w, &level);
  while (report->iterations < MAX_ITERATIONS) {
    for (PetscInt i = 0; i < n; ++i) w[i] = PetscMax(w[i], 1e-30);
    PetscCall(iterate(s, n, tolerance, w, &level));
    report->iterations++;
    onto_simplex(n, w);
    report->residual = find_residual(s, n, b, w);
    if (report->residual <= tolerance) break;
  }
  PetscFunctionReturn(0);
}

/* What the optimality conditions of G cannot be told apart from: twice the bound on the entries of
   G - L L', as w sums to 1. */
static PetscReal uncertainty(MuSimplex s) {
  return 2 * s->gram.error;
}

PetscErrorCode MuSimplexSolve(MuSimplex s, PetscInt n, const PetscReal *x, PetscReal scale,
                              const PetscReal *b, PetscReal tolerance, PetscReal *w,
                              MuSimplexReport *report) {
  MuSimplexReport result = {0, 0};
  PetscReal peak, accuracy;

  PetscFunctionBegin;
  PetscCall(make_room(s, n));
  PetscCall(MuRadialEvaluate(s->radial, 0, &peak, NULL));
  accuracy = PetscMax(TOLERANCE_SHARE * tolerance, ROUNDING * PETSC_MACHINE_EPSILON * scale * peak);
  PetscCall(MuGramFill(&s->gram, s->radial, n, x, scale, accuracy));
  onto_simplex(n, w);
  result.residual = find_residual(s, n, b, w);
  if (!(result.residual <= tolerance - uncertainty(s)))
    PetscCall(interior_point(s, n, b, tolerance - uncertainty(s), w, &result));
  result.residual += uncertainty(s);
  if (report) *report = result;
  if (!(result.residual <= tolerance))
    return MuError(MU_ERR_NUMERICS,
                   "weight step: its optimality conditions hold to %.3g after %d iterations and "
                   "not to the tolerance %.3g",
                   result.residual, (int)result.iterations, tolerance);
  PetscFunctionReturn(0);
}
