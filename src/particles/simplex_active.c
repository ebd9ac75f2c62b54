/* Weights on the simplex by active sets: on the set F of positive weights the problem is the linear
   system K w - b = level, sum w = 1, solved by conjugate gradients among weights of sum 0; then
   weights that have become negative leave F and points whose gradient is below the level enter it.
   Hintermueller, Ito and Kunisch, The primal-dual active set strategy as a semismooth Newton method
   (2002). Late sweeps let points enter only when no weight is negative, which keeps the method from
   cycling. */
#include "particles/pairs.h"
#include "particles/simplex_impl.h"

enum { MAX_SWEEPS = 200, EAGER_SWEEPS = 40 };
#define FACE_SHARE 0.25 /* of the tolerance, for the system on F */
#define FACE_DIGIT 0.05 /* of the violation of the last sweep, while that is larger */

/* F as ones and zeros in s->ones; level = mean of the gradient over F. */
static PetscReal face_level(MuSimplex s) {
  PetscReal sum = 0, count = 0;
  for (PetscInt i = 0; i < s->n; ++i) {
    sum += s->ones[i] * s->gradient[i];
    count += s->ones[i];
  }
  return sum / count;
}

/* Minus the gradient within F, its sum taken out; returns the largest entry. */
static PetscReal face_residual(MuSimplex s, PetscReal *r) {
  const PetscReal level = face_level(s);
  PetscReal largest = 0;
  for (PetscInt i = 0; i < s->n; ++i) {
    r[i] = s->ones[i] * (level - s->gradient[i]);
    largest = PetscMax(largest, fabs(r[i]));
  }
  return largest;
}

/* Conjugate gradients on F from w, whose gradient is in s->gradient. */
static PetscErrorCode solve_face(MuSimplex s, PetscReal tolerance, PetscInt max_products,
                                 PetscReal *w, PetscInt *products) {
  const PetscInt n = s->n;
  PetscReal *r = s->rhs, *p = s->dw, *kp = s->dz, largest = face_residual(s, r);
  PetscReal rr = MuSimplexDot(n, r, r);

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(p, r, n));
  while (largest > tolerance && *products < max_products) {
    PetscCall(MuSimplexMultiply(s, p, kp));
    ++*products;
    const PetscReal curvature = MuSimplexDot(n, p, kp);
    if (!(curvature > 0)) break; /* rounding */
    const PetscReal step = rr / curvature, before = rr;
    for (PetscInt i = 0; i < n; ++i) {
      w[i] += step * p[i];
      s->gradient[i] += step * kp[i];
    }
    largest = face_residual(s, r);
    rr = MuSimplexDot(n, r, r);
    for (PetscInt i = 0; i < n; ++i) p[i] = r[i] + rr / before * p[i];
  }
  PetscFunctionReturn(0);
}

/* Negative weights leave F, at 0; points with a gradient below the level enter. Returns how many.
 */
static PetscInt change_face(MuSimplex s, PetscReal tolerance, PetscBool eager, PetscReal *w) {
  const PetscReal level = face_level(s);
  PetscInt left = 0, entered = 0;
  for (PetscInt i = 0; i < s->n; ++i)
    if (w[i] < 0) {
      w[i] = s->ones[i] = 0;
      left++;
    }
  for (PetscInt i = 0; i < s->n && (eager || !left); ++i)
    if (s->ones[i] == 0 && level - s->gradient[i] > tolerance) {
      s->ones[i] = 1;
      entered++;
    }
  return left + entered;
}

static void set_face(MuSimplex s, const PetscReal *w) {
  for (PetscInt i = 0; i < s->n; ++i) s->ones[i] = w[i] > 0;
}

PetscErrorCode MuSimplexActiveSet(MuSimplex s, PetscReal tolerance, PetscInt max_products,
                                  PetscReal *w, MuSimplexReport *report) {
  PetscInt changes = 1, products = 0;

  PetscFunctionBegin;
  set_face(s, w);
  for (PetscInt sweep = 0; sweep < MAX_SWEEPS && products < max_products; ++sweep) {
    const PetscReal accuracy =
        PetscMax(FACE_SHARE * tolerance, changes ? FACE_DIGIT * report->residual : 0);
    PetscCall(solve_face(s, accuracy, max_products, w, &products));
    changes = change_face(s, 0.5 * tolerance, (PetscBool)(sweep < EAGER_SWEEPS), w);
    MuSimplexClip(s->n, w);
    PetscCall(MuSimplexResidual(s, w, &report->residual));
    products++;
    if (report->residual <= tolerance) break;
  }
  report->iterations += products;
  PetscFunctionReturn(0);
}
