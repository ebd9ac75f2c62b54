/* Parts of DF, which linearly implicit transport treats each in its own way, and the curvature. */
#include "energy/energy_impl.h"

PetscErrorCode MuEnergyCurvature(MuEnergy e, Vec rho, Vec curvature) {
  PetscReal *c;

  PetscFunctionBegin;
  PetscCall(VecSet(curvature, 0));
  PetscCall(MuEnergyStateBegin(e, 0, rho, MU_NEEDS_PAIR | MU_NEEDS_LOG));
  PetscCall(VecGetArray(curvature, &c));
  for (PetscInt k = 0; k < e->terms; ++k) {
    MuTerm *term = &e->term[k];
    if (!term->ops->curvature) continue;
    PetscCall(term->ops->curvature(term, &e->state[0], e->slope));
    MuEnergyAddInside(&e->shared, term->weight, e->slope, c);
  }
  PetscCall(VecRestoreArray(curvature, &c));
  PetscCall(MuEnergyStateEnd(e, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyLogarithmicPart(MuEnergy e, PetscReal *diffusivity, Vec potential,
                                       PetscBool *only) {
  PetscReal *v = NULL, logarithms = 0;
  PetscBool rest = PETSC_FALSE, first = PETSC_TRUE;

  PetscFunctionBegin;
  if (potential) {
    PetscCall(VecSet(potential, 0));
    PetscCall(VecGetArray(potential, &v));
  }
  for (PetscInt k = 0; k < e->terms; ++k) {
    MuTerm *term = &e->term[k];
    if (term->ops->kind == MU_TERM_LOGARITHMIC) logarithms += term->weight;
    if (!term->ops->potential) rest = PETSC_TRUE;
    if (!v || !term->ops->potential) continue;
    PetscCall(term->ops->potential(term, first ? v : e->slope));
    if (first)
      MuEnergyScaleInside(&e->shared, term->weight, v);
    else
      MuEnergyAddInside(&e->shared, term->weight, e->slope, v);
    first = PETSC_FALSE;
  }
  if (potential) PetscCall(VecRestoreArray(potential, &v));
  if (diffusivity) *diffusivity = logarithms;
  if (only) *only = (PetscBool)!rest;
  PetscFunctionReturn(0);
}

/* Which part takes DF of a term as a whole, or MU_DF_PARTS: none (it is logarithmic or a
 * potential). */
static PetscInt part_of(const MuTermOps *ops) {
  static const MuTermKind kinds[MU_DF_PARTS] = {[MU_DF_RELATIVE] = MU_TERM_RELATIVE,
                                                [MU_DF_LOCAL] = MU_TERM_LOCAL,
                                                [MU_DF_FROZEN] = MU_TERM_FROZEN};
  PetscInt p = 0;
  while (p < MU_DF_PARTS && kinds[p] != ops->kind) ++p;
  return p;
}

static PetscErrorCode add_parts(MuEnergy e, MuTerm *term, PetscReal *const part[MU_DF_PARTS]) {
  const PetscInt which = part_of(term->ops);

  PetscFunctionBegin;
  if (term->ops->split) {
    PetscCall(term->ops->split(term, &e->state[0], e->slope, e->slope2));
    if (part[MU_DF_LOCAL]) MuEnergyAddInside(&e->shared, term->weight, e->slope, part[MU_DF_LOCAL]);
    if (part[MU_DF_FROZEN])
      MuEnergyAddInside(&e->shared, term->weight, e->slope2, part[MU_DF_FROZEN]);
  } else if (which < MU_DF_PARTS && part[which]) {
    PetscCall(term->ops->evaluate(term, &e->state[0], NULL, e->slope));
    MuEnergyAddInside(&e->shared, term->weight, e->slope, part[which]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyTransportParts(MuEnergy e, Vec rho, const Vec field[MU_DF_PARTS],
                                      PetscBool has[MU_DF_PARTS]) {
  PetscReal *part[MU_DF_PARTS] = {NULL};
  PetscBool there[MU_DF_PARTS] = {PETSC_FALSE};

  PetscFunctionBegin;
  for (PetscInt p = 0; p < MU_DF_PARTS; ++p)
    if (field[p]) {
      PetscCall(VecSet(field[p], 0));
      PetscCall(VecGetArray(field[p], &part[p]));
    }
  PetscCall(MuEnergyStateBegin(e, 0, rho, MU_NEEDS_PAIR | MU_NEEDS_LOG));
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscInt which = part_of(e->term[k].ops);
    if (which < MU_DF_PARTS) there[which] = PETSC_TRUE;
    if (e->term[k].ops->split) there[MU_DF_FROZEN] = PETSC_TRUE;
    PetscCall(add_parts(e, &e->term[k], part));
  }
  PetscCall(MuEnergyStateEnd(e, 0));
  for (PetscInt p = 0; p < MU_DF_PARTS; ++p) {
    if (field[p]) PetscCall(VecRestoreArray(field[p], &part[p]));
    if (has) has[p] = there[p];
  }
  PetscFunctionReturn(0);
}
