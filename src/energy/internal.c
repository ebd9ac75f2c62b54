/* Internal energy F = int rho^m/(m-1), DF = m/(m-1) rho^(m-1), m > 0, m != 1 (porous medium m > 1,
   fast diffusion m < 1, where DF at rho = 0 is taken at the smallest normal number). */
#include "energy/energy_impl.h"
#include "grid/arrays.h"

static PetscErrorCode create(MuTerm *term) {
  if (term->value[0] != 1) return 0;
  return MuError(
      MU_ERR_INPUT,
      "energy_internal_exponent: 1 is not allowed; give a number above 0, at most 100 and "
      "not 1 (m = 1 is the energy `entropy`)");
}

static PetscErrorCode destroy(MuTerm *term) {
  (void)term;
  return 0;
}

/* scale * rho^power, with the smallest normal number in place of 0 where the power is negative */
static void scaled_power(PetscInt n, const PetscReal *rho, PetscReal power, PetscReal scale,
                         PetscReal *y) {
  const PetscReal least = power < 0 ? MU_MIN_NORMAL : 0;
  for (PetscInt i = 0; i < n; ++i) y[i] = PetscMax(rho[i], least);
  MuArrayPow(n, y, power, y);
  for (PetscInt i = 0; i < n; ++i) y[i] *= scale;
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  const PetscReal m = term->value[0];

  if (f) scaled_power(n, state->rho, m, 1 / (m - 1), f);
  if (df) scaled_power(n, state->rho, m - 1, m / (m - 1), df);
  return 0;
}

/* m/(m-1) mid^(m-1) R, R = 1 + (m-1) w of MuPairQuotient() */
static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const PetscInt n = term->shared->n;
  const PetscReal m = term->value[0];
  PetscReal *w = term->shared->work[0];

  MuPairQuotient(pair, n, m, w, term->shared->work[1]);
  scaled_power(n, pair->mid.rho, m - 1, m / (m - 1), g);
  for (PetscInt i = 0; i < n; ++i) g[i] *= 1 + (m - 1) * w[i];
  return 0;
}

static PetscErrorCode curvature(MuTerm *term, const MuState *state, PetscReal *c) {
  const PetscReal m = term->value[0];

  scaled_power(term->shared->n, state->rho, m - 2, m, c);
  return 0;
}

static PetscReal exponent(const PetscReal value[]) {
  return value[0];
}

static const MuParameter parameters[] = {{.name = "exponent",
                                          .key = "internal_exponent",
                                          .doc = "m, the exponent, not 1",
                                          .low = 0,
                                          .high = 100,
                                          .above_low = PETSC_TRUE,
                                          .required = PETSC_TRUE},
                                         {0}};

const MuTermOps MuTermInternal = {
    .name = "internal",
    .parameters = parameters,
    .formula = "int rho^m/(m-1), m = internal_exponent",
    .needs = MU_NEEDS_PAIR,
    .kind = MU_TERM_LOCAL,
    .density_power = exponent,
    .stolarsky = exponent,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
    .curvature = curvature,
};
