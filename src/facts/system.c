/* Gradient systems seen through the traits of their summands, and their exact steps. */
#include "facts/facts.h"

PetscErrorCode MuSystemRead(const MuGeometrySpec *g, const MuEnergySpec *e, MuSystem *system) {
  PetscFunctionBegin;
  *system =
      (MuSystem){.parts = g->parts, .terms = e->terms, .spherical = g->spherical, .observed = NAN};
  for (PetscInt k = 0; k < g->parts; ++k) PetscCall(MuGeometryGetTraits(g, k, &system->part[k]));
  for (PetscInt k = 0; k < e->terms; ++k) PetscCall(MuEnergyGetTraits(e, k, &system->term[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLogDensityMass(MuGrid grid, Vec log_density, PetscReal *mass) {
  Vec density;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(log_density, &density));
  PetscCall(VecCopy(log_density, density));
  PetscCall(VecExp(density));
  PetscCall(MuGridApplyMask(grid, density));
  PetscCall(MuGridIntegrate(grid, density, mass));
  PetscCall(VecDestroy(&density));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSystemCompareMasses(MuSystem *system, MuGrid grid, Vec log_target, Vec initial) {
  PetscReal of_target, of_initial;

  PetscFunctionBegin;
  system->unequal = PETSC_FALSE;
  if (!log_target) PetscFunctionReturn(0);
  PetscCall(MuLogDensityMass(grid, log_target, &of_target));
  PetscCall(MuGridIntegrate(grid, initial, &of_initial));
  system->unequal = MuMassesDiffer(of_initial, of_target);
  PetscFunctionReturn(0);
}

PetscReal MuSystemKernelSquare(const MuSystem *s) {
  PetscReal weight = 0;
  for (PetscInt k = 0; k < s->terms; ++k) {
    if (!s->term[k].kernel_square || !MuKernelsAgree(s->term[k].kernel, s->term[0].kernel))
      return 0;
    weight += s->term[k].weight;
  }
  return weight;
}

MuPartClass MuSystemClass(const MuSystem *s, PetscInt k, PetscBool any_kernel) {
  const MuPartTraits *part = &s->part[k];
  if (part->local && part->power == 1)
    return part->kind == MU_PART_TRANSPORT ? MU_IS_WASSERSTEIN : MU_IS_FISHER_RAO;
  if (!part->inverts_kernel || part->ridge > 0) return MU_IS_OTHER;
  if (any_kernel) return MU_IS_INVERSE;
  return MuSystemKernelSquare(s) > 0 && MuKernelsAgree(part->kernel, s->term[0].kernel)
             ? MU_IS_INVERSE
             : MU_IS_OTHER;
}

PetscReal MuSystemWeight(const MuSystem *s, MuPartClass wanted, PetscInt *classes) {
  PetscReal weight = 0;
  if (classes) *classes = 0;
  for (PetscInt k = 0; k < s->parts; ++k) {
    const MuPartClass class = MuSystemClass(s, k, PETSC_FALSE);
    if (classes) *classes |= (PetscInt) class;
    if (class == wanted) weight += s->part[k].weight;
  }
  return weight;
}

PetscBool MuSystemConservesMass(const MuSystem *s) {
  for (PetscInt k = 0; k < s->parts; ++k)
    if (s->part[k].kind == MU_PART_REACTION && !s->spherical) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* ------------------------------------------------------------------ exact steps */

/* The only reaction part, -1 if there is none or several. */
static PetscInt only_reaction(const MuSystem *s) {
  PetscInt found = -1;
  for (PetscInt k = 0; k < s->parts; ++k) {
    if (s->part[k].kind != MU_PART_REACTION) continue;
    if (found >= 0) return -1;
    found = k;
  }
  return found;
}

/* Whether rho_t = pi + e^(-c t) (rho_0 - pi): mass is conserved if rho_0 and pi have the same, so
   that `spherical` changes nothing; if they have not, it does. */
static PetscBool is_linear(const MuSystem *s, const MuPartTraits *part, const MuTermTraits *term) {
  if (s->spherical && s->unequal) return PETSC_FALSE;
  if (part->inverts_kernel)
    return (PetscBool)(part->ridge == 0 && term->kernel_square &&
                       MuKernelsAgree(part->kernel, term->kernel));
  return (PetscBool)((part->power == 0 && term->flat_square) ||
                     (part->power == 1 && term->power == 0));
}

static PetscBool only_logarithmic(const MuSystem *s) {
  for (PetscInt k = 0; k < s->terms; ++k)
    if (!s->term[k].logarithmic && !s->term[k].linear) return PETSC_FALSE;
  return PETSC_TRUE;
}

void MuFactsExactStep(const MuSystem *s, PetscInt part, PetscInt term, MuExactStep *step) {
  *step = (MuExactStep){.form = MU_FORM_NONE, .normalise = s->spherical};
  if (part == MU_WHOLE) part = only_reaction(s);
  if (part < 0) return;
  const MuPartTraits *p = &s->part[part];
  step->rate = step->weight = p->weight;
  if (term == MU_LOGARITHMIC_TERMS || (term == MU_WHOLE && only_logarithmic(s))) {
    if (p->power == 1) step->form = MU_FORM_LOGARITHMIC;
    return;
  }
  if (term == MU_WHOLE && s->terms != 1) return;
  const MuTermTraits *t = &s->term[term == MU_WHOLE ? 0 : term];
  step->rate *= t->weight;
  if (is_linear(s, p, t)) {
    step->form = MU_FORM_LINEAR;
    step->quadratic = (PetscBool)(s->terms == 1 && (t->kernel_square || t->flat_square));
  } else if (p->power == 1 && !s->spherical && !isnan(t->power) && t->power != 1) {
    step->form = MU_FORM_POWER;
    step->exponent = t->power;
  }
}
