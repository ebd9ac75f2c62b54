/* MMD: K xi = Kc^(-1) xi, with a ridge (Kc + lambda)^(-1) xi; Kc s = k*s on the inside cells.
   Gladin, Dvurechensky, Mielke and Zhu, Interaction-force transport gradient flows (2024).

   A preimage eta with xi = Kc eta makes the inverse unnecessary (without a ridge). Otherwise the
   inverse is refused where it amplifies grid noise beyond 1/sqrt(machine epsilon). */
#include "geometry/geometry_impl.h"

typedef struct {
  Vec work, image;
  Vec one; /* (Kc + lambda)^(-1) 1; does not depend on the state */
  PetscBool one_ready, one_is_regularised;
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(MuGridCreateField(g->grid, &c->work));
  PetscCall(MuGridCreateField(g->grid, &c->image));
  PetscCall(MuGridCreateField(g->grid, &c->one));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&c->work));
  PetscCall(VecDestroy(&c->image));
  PetscCall(VecDestroy(&c->one));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscReal condition(const MuPart *part) {
  return part->symbol_smallest > 0 ? part->symbol_largest / part->symbol_smallest : INFINITY;
}

static PetscErrorCode check_invertible(MuGeometry g, MuPart *part) {
  (void)g;
  return MuPartCheckCondition(part, part->symbol_smallest, part->symbol_largest,
                              ", or the mmd energy of the same kernel, which needs no inverse");
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  if (preimage && part->value[0] == 0) {
    PetscCall(VecCopy(preimage, c->image));
  } else {
    PetscCall(check_invertible(g, part));
    PetscCall(VecPointwiseMult(c->work, g->one, xi));
    PetscCall(MuConvolutionApplyInverse(part->cells, part->value[0], c->work, c->image));
  }
  PetscCall(MuGridApplyMask(g->grid, c->image));
  PetscCall(VecAXPY(out, part->weight, c->image));
  PetscFunctionReturn(0);
}

/* If Kc 1 is a constant (reflect and periodic without a mask), so is Kc^(-1) 1, whatever the
   condition number. */
static PetscErrorCode constant_inverse(MuGeometry g, MuPart *part, PetscBool *done) {
  Context *c = part->ctx;
  PetscReal low, high;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (g->info->masked) PetscFunctionReturn(0);
  PetscCall(MuConvolutionApply(part->cells, g->one, c->one));
  PetscCall(VecMin(c->one, NULL, &low));
  PetscCall(VecMax(c->one, NULL, &high));
  if (high - low > 1e-11 * high) PetscFunctionReturn(0);
  PetscCall(VecSet(c->one, 1 / (0.5 * (low + high) + part->value[0])));
  *done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* Where Kc cannot be inverted, Kc^(-1) 1 is only needed to take off a defect of mass of the size of
   rounding (see project() in geometry.c); then any ridge does. */
static PetscErrorCode apply_one(MuGeometry g, MuPart *part, Vec out) {
  Context *c = part->ctx;
  PetscBool done;

  PetscFunctionBegin;
  if (!c->one_ready) {
    PetscCall(constant_inverse(g, part, &done));
    if (!done) {
      PetscReal ridge = part->value[0];
      c->one_is_regularised = (PetscBool)(ridge == 0 && !(condition(part) <= MU_MAX_CONDITION));
      if (c->one_is_regularised) ridge = part->symbol_largest / MU_MAX_CONDITION;
      PetscCall(MuConvolutionApplyInverse(part->cells, ridge, g->one, c->one));
      PetscCall(MuGridApplyMask(g->grid, c->one));
    }
    c->one_ready = PETSC_TRUE;
  }
  if (c->one_is_regularised) g->one_is_regularised = PETSC_TRUE;
  PetscCall(VecAXPY(out, part->weight, c->one));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  return VecAXPY(d, part->weight / (part->symbol_largest + part->value[0]), g->one);
}

static const MuLimitRow limits[] = {{.parameters = "bandwidth",
                                     .to = &MuPartPowerMobility,
                                     .order = 2,
                                     .set = {{"exponent", 0}},
                                     .factor = MuPartRidgeFactor},
                                    {.parameters = "bandwidth ridge",
                                     .to = &MuPartPowerMobility,
                                     .order = 1,
                                     .set = {{"exponent", 0}}},
                                    {0}};

const MuPartOps MuPartMmd = {.name = "mmd",
                             .formula = "Kc^(-1) xi, Kc s = k*s",
                             .kind = MU_PART_REACTION,
                             .parameters = MuPartOptionalRidge,
                             .needs_kernel = PETSC_TRUE,
                             .inverse_ridge = MuPartFirstValue,
                             .keeps_equal_mass = PETSC_TRUE,
                             .well_posed = PETSC_TRUE,
                             .create = create,
                             .destroy = destroy,
                             .apply = apply,
                             .apply_one = apply_one,
                             .diagonal = diagonal,
                             .check_invertible = check_invertible,
                             .limits = limits};
