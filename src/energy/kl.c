/* Relative entropy F = int rho log(rho/pi) - rho + pi, DF = log(rho/pi). */
#include "energy/energy_impl.h"
#include "grid/arrays.h"

/* Near s = 1, d = rho - pi, z = d/(rho + pi), log s = 2 atanh z: f = d z + 2 rho z^3 (1/3 + z^2/5 +
   ...), so that F keeps its digits down to equilibrium. */
static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const MuShared *shared = term->shared;
  const PetscInt n = shared->n;
  const PetscReal *rho = state->rho, *log_rho = state->log_rho;
  const PetscReal *pi = shared->pi, *log_pi = shared->log_pi;

  for (PetscInt i = 0; f && i < n; ++i) {
    PetscReal r = rho[i], p = pi[i], d = r - p;
    PetscBool near = MuIsNear(r, p);
    PetscReal z = near ? d / (r + p) : 0, zz = z * z;
    PetscReal far = r > 0 ? r * (log_rho[i] - log_pi[i]) - d : p;
    f[i] = near ? d * z + 2 * r * z * zz * MuAtanhTail(zz) : far;
  }
  for (PetscInt i = 0; df && i < n; ++i) {
    PetscReal t = MuRelativeLog(rho[i], pi[i], log_rho[i], log_pi[i]);
    df[i] = ((rho[i] > 0) | (log_pi[i] > -INFINITY)) ? t : 0;
  }
  return 0;
}

/* log(m/pi) + (the quotient of r log r at m = 1) - 1 */
static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const MuShared *shared = term->shared;
  PetscReal log_m[MU_PAIR_CHUNK];

  for (PetscInt start = 0; start < shared->n; start += MU_PAIR_CHUNK) {
    const PetscInt n = PetscMin(MU_PAIR_CHUNK, shared->n - start);
    const PetscReal *a = pair->a->rho + start, *b = pair->b->rho + start;
    const PetscReal *m = pair->mid.rho + start;
    const PetscReal *pi = shared->pi + start, *log_pi = shared->log_pi + start;
    PetscReal *out = g + start;
    MuPairLogarithm(n, a, b, log_m, out);
    for (PetscInt i = 0; i < n; ++i) {
      PetscReal t = MuRelativeLog(m[i], pi[i], log_m[i], log_pi[i]) + out[i];
      out[i] = ((m[i] > 0) | (log_pi[i] > -INFINITY)) ? t : 0;
    }
  }
  return 0;
}

static PetscErrorCode curvature(MuTerm *term, const MuState *state, PetscReal *c) {
  for (PetscInt i = 0; i < term->shared->n; ++i) c[i] = 1 / PetscMax(state->rho[i], MU_MIN_NORMAL);
  return 0;
}

static PetscErrorCode potential(MuTerm *term, PetscReal *v) {
  for (PetscInt i = 0; i < term->shared->n; ++i) v[i] = -term->shared->log_pi[i];
  return 0;
}

static PetscReal one(const PetscReal value[]) {
  (void)value;
  return 1;
}

const MuTermOps MuTermKL = {
    .name = "kl",
    .formula = "int rho log(rho/pi) - rho + pi",
    .needs = MU_NEEDS_TARGET | MU_NEEDS_LOG,
    .kind = MU_TERM_LOGARITHMIC,
    .power = one,
    .evaluate = evaluate,
    .gradient = gradient,
    .curvature = curvature,
    .potential = potential,
};
