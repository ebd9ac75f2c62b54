/* Potential energy F = int V d rho, DF = V. */
#include "energy/energy_impl.h"

static PetscErrorCode fill(const MuTerm *term, PetscReal *v) {
  const MuShared *shared = term->shared;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < shared->n; ++i) {
    PetscReal x[2];
    if (!shared->info->mask[i]) continue;
    PetscCall(MuGridCellCentre(shared->grid, i, x));
    PetscCall(term->summand->function(term->summand->function_ctx, x, &v[i]));
    if (PetscIsInfOrNanReal(v[i]))
      return MuError(MU_ERR_INPUT,
                     "energy_potential_formula: V is %g at the point (%g, %g); it must be finite "
                     "(walls are made with grid_mask)",
                     v[i], x[0], x[1]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuTerm *term) {
  PetscReal *v;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(term->shared->n, &v));
  term->data = v;
  PetscCall(MuErrorAgree(term->shared->info->comm, fill(term, v)));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  return PetscFree(term->data);
}

static PetscErrorCode copy_potential(MuTerm *term, PetscReal *v) {
  const PetscReal *potential = term->data;

  for (PetscInt i = 0; i < term->shared->n; ++i) v[i] = potential[i];
  return 0;
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscReal *v = term->data;

  PetscFunctionBegin;
  for (PetscInt i = 0; f && i < term->shared->n; ++i) f[i] = v[i] * state->rho[i];
  if (df) PetscCall(copy_potential(term, df));
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  (void)pair;
  return copy_potential(term, g);
}

const MuTermOps MuTermPotential = {
    .name = "potential",
    .formula = "int V d rho, V = potential_formula",
    .function_key = "potential_formula",
    .function_doc = "V(x, y), the potential",
    .form = MU_FORM_POTENTIAL,
    .kind = MU_TERM_POTENTIAL,
    .any_sign = PETSC_TRUE,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
    .potential = copy_potential,
};
