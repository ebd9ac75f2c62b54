/* Weights on the simplex by Mehrotra's predictor-corrector interior point method: Nocedal and
   Wright, Numerical Optimization (2006), section 16.6. Every rank does the same. The barrier keeps
   w_i z_i from falling much below tolerance/n, which is as small as the optimality conditions ask
   for: systems of low rank lose digits as z/w shrinks. */
#include "particles/pairs.h"
#include "particles/simplex_impl.h"

enum { MAX_ITERATIONS = 60 };
/* Of equal weights in the start: a guess near the solution is kept, and left if that does not end.
 */
static const PetscReal start_shares[] = {0.001, 0.2, 1};
#define START_MARGIN 0.1   /* of the spread of the gradient, between it and the level */
#define SMALLEST     1e-30 /* weight in the interior */

/* dw = M^(-1) (rhs + step e), sum w + dw = 1, M = K + diag(z/w); M^(-1) e is in `ones`. */
static PetscErrorCode solve_step(MuSimplex s, PetscInt n, const PetscReal *w, PetscReal *step) {
  PetscReal numerator = 1, denominator = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) s->dw[i] = s->rhs[i];
  PetscCall(MuGramSolve(&s->gram, s->dw));
  for (PetscInt i = 0; i < n; ++i) {
    numerator -= w[i] + s->dw[i];
    denominator += s->ones[i];
  }
  *step = numerator / denominator;
  for (PetscInt i = 0; i < n; ++i) s->dw[i] += *step * s->ones[i];
  PetscFunctionReturn(0);
}

/* Makes up for the cancellation in systems of low rank where z/w is small. */
static PetscErrorCode refine_step(MuSimplex s, PetscInt n, PetscReal step) {
  PetscFunctionBegin;
  if (s->gram.rank == n) PetscFunctionReturn(0);
  MuGramMultiply(&s->gram, s->dw, s->dz);
  for (PetscInt i = 0; i < n; ++i) s->rhs[i] += step - s->dz[i] - s->ratio[i] * s->dw[i];
  PetscCall(MuGramSolve(&s->gram, s->rhs));
  for (PetscInt i = 0; i < n; ++i) s->dw[i] += s->rhs[i];
  PetscFunctionReturn(0);
}

/* The Newton step towards w_i z_i = center - correction_i; dw and dz hold the predictor if
   `correct`. `level` is the multiplier of sum w = 1; returns its step. */
static PetscErrorCode newton_step(MuSimplex s, PetscInt n, const PetscReal *w, PetscReal level,
                                  PetscReal center, PetscBool correct, PetscReal *step) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal target = center - (correct ? s->dw[i] * s->dz[i] : 0) - w[i] * s->z[i];
    s->shift[i] = target / w[i];
    s->rhs[i] = level + s->z[i] - s->gradient[i] + s->shift[i];
  }
  PetscCall(solve_step(s, n, w, step));
  if (correct) PetscCall(refine_step(s, n, *step));
  for (PetscInt i = 0; i < n; ++i) s->dz[i] = s->shift[i] - s->ratio[i] * s->dw[i];
  PetscFunctionReturn(0);
}

/* The longest step, at most 1, that leaves v >= 0, v > 0 before it; in a form that is vectorized.
 */
static PetscReal longest_step(PetscInt n, const PetscReal *v, const PetscReal *dv) {
  PetscReal fastest = 1;
#pragma omp simd reduction(max : fastest)
  for (PetscInt i = 0; i < n; ++i) fastest = PetscMax(fastest, -dv[i] / v[i]);
  return 1 / fastest;
}

/* One predictor-corrector iteration. */
static PetscErrorCode iterate(MuSimplex s, PetscInt n, PetscReal tolerance, PetscReal *w,
                              PetscReal *level) {
  const PetscReal gap = MuSimplexDot(n, w, s->z) / n;
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

/* A feasible start near the guess: w in the interior, z = gradient - level > 0. */
static PetscErrorCode start(MuSimplex s, PetscInt n, PetscReal share, PetscReal *w,
                            PetscReal *level) {
  PetscReal low = INFINITY, high = -INFINITY, residual;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) w[i] = (1 - share) * w[i] + share / n;
  PetscCall(MuSimplexResidual(s, w, &residual));
  for (PetscInt i = 0; i < n; ++i) {
    low = PetscMin(low, s->gradient[i]);
    high = PetscMax(high, s->gradient[i]);
  }
  *level = low - PetscMax(START_MARGIN * (high - low), PETSC_MACHINE_EPSILON * s->gram.largest);
  for (PetscInt i = 0; i < n; ++i) s->z[i] = s->gradient[i] - *level;
  PetscFunctionReturn(0);
}

/* Iterations from one start, as long as they help. */
static PetscErrorCode run(MuSimplex s, PetscReal share, PetscReal tolerance, PetscReal *w,
                          MuSimplexReport *report) {
  const PetscInt n = s->n;
  PetscReal level = 0;

  PetscFunctionBegin;
  PetscCall(start(s, n, share, w, &level));
  for (PetscInt k = 0; k < MAX_ITERATIONS; ++k) {
    for (PetscInt i = 0; i < n; ++i) w[i] = PetscMax(w[i], SMALLEST);
    PetscCall(iterate(s, n, tolerance, w, &level));
    report->iterations++;
    MuSimplexClip(n, w);
    PetscCall(MuSimplexResidual(s, w, &report->residual));
    if (report->residual <= tolerance) break;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuSimplexInteriorPoint(MuSimplex s, PetscReal tolerance, PetscReal *w,
                                      MuSimplexReport *report) {
  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof start_shares / sizeof *start_shares; ++k) {
    PetscCall(run(s, start_shares[k], tolerance, w, report));
    if (report->residual <= tolerance) break;
  }
  PetscFunctionReturn(0);
}
