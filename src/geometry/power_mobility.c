/* Power mobility: K(mu) xi = mu^m xi; m = 0 is the flat L2 geometry, m = 1 Fisher-Rao. In the
   relative form mu^(m-1) xi with m < 1 mu is floored at the smallest normal number. */
#include "geometry/geometry_impl.h"

typedef struct {
  Vec power; /* mu^m on inside cells */
  Vec relative;
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(MuGridCreateField(g->grid, &c->power));
  PetscCall(MuGridCreateField(g->grid, &c->relative));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&c->power));
  PetscCall(VecDestroy(&c->relative));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_state(MuGeometry g, MuPart *part) {
  Context *c = part->ctx;
  const PetscReal m = g->spec.mobility_exponent;
  const PetscInt size = g->info->local_size;
  const PetscReal *mu;
  PetscReal *power, *r;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(c->power, &power));
  PetscCall(VecGetArray(c->relative, &r));
  for (PetscInt i = 0; i < size; ++i) r[i] = PetscMax(mu[i], MU_MIN_NORMAL);
  MuArrayPow(size, mu, m, power);
  MuArrayPow(size, r, m - 1, r);
  for (PetscInt i = 0; i < size; ++i)
    if (!g->info->mask[i]) power[i] = r[i] = 0;
  PetscCall(VecRestoreArray(c->relative, &r));
  PetscCall(VecRestoreArray(c->power, &power));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  (void)preimage;
  PetscCall(MuGeometryAddProduct(g, part->weight, ((Context *)part->ctx)->power, xi, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  PetscFunctionBegin;
  PetscCall(MuGeometryAddProduct(g, part->weight, ((Context *)part->ctx)->relative, xi, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  PetscFunctionBegin;
  (void)g;
  PetscCall(VecAXPY(d, part->weight, ((Context *)part->ctx)->power));
  PetscFunctionReturn(0);
}

const MuPartOps MuPartPowerMobility = {.name = "power_mobility",
                                       .formula = "mu^m xi",
                                       .kind = MU_PART_REACTION,
                                       .needs_exponent = PETSC_TRUE,
                                       .diagonal_is_exact = PETSC_TRUE,
                                       .well_posed = PETSC_TRUE,
                                       .create = create,
                                       .destroy = destroy,
                                       .set_state = set_state,
                                       .apply = apply,
                                       .relative = relative,
                                       .diagonal = diagonal};
