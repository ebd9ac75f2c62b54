/* Mobilities that are functions of mu.
   power_mobility: K(mu) xi = mu^m xi; m = 0 is the flat L2 geometry, m = 1 Fisher-Rao. In the
   relative form mu^(m-1) xi with m < 1 mu is floored at the smallest normal number. ridge_mobility:
   K(mu) xi = mu^2/(mu + lambda) xi, the limit of ridge_fisher_rao for a narrow kernel of unit mass;
   it tends to Fisher-Rao as lambda vanishes. */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

#include <math.h>

typedef struct {
  Vec mobility; /* mu^m or mu^2/(mu + lambda), 0 outside */
  Vec relative; /* mobility/mu */
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(MuGridCreateField(g->grid, &c->mobility));
  PetscCall(MuGridCreateField(g->grid, &c->relative));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&c->mobility));
  PetscCall(VecDestroy(&c->relative));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_power_state(MuGeometry g, MuPart *part) {
  Context *c = part->ctx;
  const PetscReal m = part->value[0];
  const PetscInt size = g->info->local_size;
  const PetscReal *mu;
  PetscReal *power, *r;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(c->mobility, &power));
  PetscCall(VecGetArray(c->relative, &r));
  for (PetscInt i = 0; i < size; ++i) r[i] = PetscMax(mu[i], MU_MIN_NORMAL);
  MuArrayPow(size, mu, m, power);
  MuArrayPow(size, r, m - 1, r);
  for (PetscInt i = 0; i < size; ++i)
    if (!g->info->mask[i]) power[i] = r[i] = 0;
  PetscCall(VecRestoreArray(c->relative, &r));
  PetscCall(VecRestoreArray(c->mobility, &power));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_ridge_state(MuGeometry g, MuPart *part) {
  Context *c = part->ctx;
  const PetscReal lambda = part->value[0];
  const PetscReal *mu;
  PetscReal *mobility, *r;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(c->mobility, &mobility));
  PetscCall(VecGetArray(c->relative, &r));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    r[i] = mu[i] / (mu[i] + lambda);
    mobility[i] = mu[i] * r[i];
  }
  PetscCall(VecRestoreArray(c->relative, &r));
  PetscCall(VecRestoreArray(c->mobility, &mobility));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  (void)preimage;
  PetscCall(MuGeometryAddProduct(g, part->weight, ((Context *)part->ctx)->mobility, xi, out));
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
  PetscCall(VecAXPY(d, part->weight, ((Context *)part->ctx)->mobility));
  PetscFunctionReturn(0);
}

static PetscReal power_at(PetscReal mu, const PetscReal value[]) {
  return pow(mu, value[0]);
}

const MuPartOps MuPartPowerMobility = {.name = "power_mobility",
                                       .formula = "mu^m xi",
                                       .kind = MU_PART_REACTION,
                                       .parameters = MuPartExponent,
                                       .mobility_at = power_at,
                                       .power = MuPartFirstValue,
                                       .well_posed = PETSC_TRUE,
                                       .create = create,
                                       .destroy = destroy,
                                       .set_state = set_power_state,
                                       .apply = apply,
                                       .relative = relative,
                                       .diagonal = diagonal};

static PetscReal ridge_mobility_at(PetscReal mu, const PetscReal value[]) {
  return mu * (mu / (mu + value[0]));
}

static const MuLimitRow ridge_limits[] = {
    {.parameters = "ridge", .to = &MuPartFisherRao, .order = 1}, {0}};

const MuPartOps MuPartRidgeMobility = {.name = "ridge_mobility",
                                       .formula = "mu^2/(mu + lambda) xi",
                                       .kind = MU_PART_REACTION,
                                       .parameters = MuPartRidge,
                                       .mobility_at = ridge_mobility_at,
                                       .well_posed = PETSC_TRUE,
                                       .create = create,
                                       .destroy = destroy,
                                       .set_state = set_ridge_state,
                                       .apply = apply,
                                       .relative = relative,
                                       .diagonal = diagonal,
                                       .limits = ridge_limits};
