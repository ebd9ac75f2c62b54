/* The optimality conditions of weights on the simplex, and the products that they take. */
#include "particles/simplex_impl.h"

PetscReal MuSimplexDot(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

PetscErrorCode MuSimplexMultiply(MuSimplex s, const PetscReal *w, PetscReal *out) {
  PetscFunctionBegin;
  if (s->stored) {
    MuGramMultiply(&s->gram, w, out);
    PetscFunctionReturn(0);
  }
  if (!s->pairs) {
    PetscCall(MuPairsCreate(s->comm, s->radial, &s->pairs));
    PetscCall(MuPairsSetMethod(s->pairs, MU_PAIRS_DIRECT, 0));
  }
  PetscCall(MuPairsApply(s->pairs, s->n, s->x, w, s->n, s->x, out, NULL));
  for (PetscInt i = 0; i < s->n; ++i) out[i] *= s->scale;
  PetscFunctionReturn(0);
}

void MuSimplexClip(PetscInt n, PetscReal *w) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    w[i] = w[i] > 0 ? w[i] : 0;
    sum += w[i];
  }
  for (PetscInt i = 0; i < n; ++i) w[i] = sum > 0 ? w[i] / sum : 1.0 / n;
}

PetscErrorCode MuSimplexResidual(MuSimplex s, const PetscReal *w, PetscReal *residual) {
  const PetscInt n = s->n;
  PetscReal *g = s->gradient, level;

  PetscFunctionBegin;
  PetscCall(MuSimplexMultiply(s, w, g));
  for (PetscInt i = 0; i < n; ++i) g[i] -= s->b[i];
  level = MuSimplexDot(n, w, g);
  *residual = 0;
  for (PetscInt i = 0; i < n; ++i)
    *residual = PetscMax(*residual, PetscMax(level - g[i], w[i] * (g[i] - level)));
  if (PetscIsInfOrNanReal(level)) *residual = INFINITY;
  PetscFunctionReturn(0);
}
