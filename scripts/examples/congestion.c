/* An energy of one's own: F = 1/(12 c^3) int rho^4, which punishes densities above the bound c.

     make congestion.so
     mudot run congestion.yaml -load ./congestion.so
     mudot check energy congestion -load ./congestion.so
*/
#include <mudot/extend.h>

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscReal c3 = pow(term->value[0], 3);
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    const PetscReal r = state->rho[i];
    if (f) f[i] = r * r * r * r / (12 * c3);
    if (df) df[i] = r * r * r / (3 * c3);
  }
  return 0;
}

/* (f(b) - f(a))/(b - a), without a difference that would cancel. */
static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const PetscReal c3 = pow(term->value[0], 3);
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    const PetscReal a = pair->a->rho[i], b = pair->b->rho[i];
    g[i] = (a + b) * (a * a + b * b) / (12 * c3);
  }
  return 0;
}

static const MuParameter parameters[] = {{.name = "bound",
                                          .doc = "c, the density above which it costs",
                                          .low = 0,
                                          .above_low = PETSC_TRUE,
                                          .high = PETSC_MAX_REAL,
                                          .initial = 1},
                                         {0}};

static const MuTermOps congestion = {.name = "congestion",
                                     .formula = "1/(12 c^3) int rho^4",
                                     .parameters = parameters,
                                     .kind = MU_TERM_LOCAL,
                                     .convex = PETSC_TRUE,
                                     .evaluate = evaluate,
                                     .gradient = gradient};

static PetscErrorCode start(void) {
  return MuEnergyRegister(&congestion);
}
MU_EXTENSION(start)
