/* Wasserstein with a mobility that is a function of mu, taken at the face mean. Dolbeault, Nazaret
   and Savare, Calc. Var. 34 (2009). wasserstein_mobility: K(mu) xi = -div(mu^m grad xi).
   wasserstein_ridge_mobility: K(mu) xi = -div(mu^2/(mu + lambda) grad xi), the limit of ridge_stein
   for a narrow kernel of unit mass; it tends to Wasserstein as lambda vanishes. */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

#include <math.h>

typedef struct {
  PetscReal *mobility; /* scratch: mean^m or mean^2/(mean + lambda), 0 on closed faces */
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(PetscMalloc1(g->info->local_size, &c->mobility));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  PetscFunctionBegin;
  PetscCall(PetscFree(((Context *)part->ctx)->mobility));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscReal power_at(PetscReal mu, const PetscReal value[]) {
  return pow(mu, value[0]);
}

static PetscReal power_speed(PetscReal mu, const PetscReal value[]) {
  return pow(mu, value[0] - 1);
}

static PetscReal ridge_at(PetscReal mu, const PetscReal value[]) {
  return mu * mu / (mu + value[0]);
}

static PetscReal ridge_speed(PetscReal mu, const PetscReal value[]) {
  return mu / (mu + value[0]);
}

static PetscErrorCode take_mobility(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient) {
  Context *c = part->ctx;
  const PetscReal *mean;

  PetscFunctionBegin;
  PetscCall(MuFaceMeansGet(g, axis, gradient, &mean));
  if (part->ops->power)
    MuArrayPow(g->info->local_size, mean, part->value[0], c->mobility);
  else
    for (PetscInt i = 0; i < g->info->local_size; ++i)
      c->mobility[i] = ridge_at(mean[i], part->value);
  PetscCall(MuFaceMeansRestore(g, axis, &mean));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    if (!g->face.open[axis][i]) c->mobility[i] = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  Context *c = part->ctx;
  const PetscReal *d;
  PetscReal *j;

  PetscFunctionBegin;
  PetscCall(take_mobility(g, part, axis, gradient));
  PetscCall(VecGetArrayRead(gradient, &d));
  PetscCall(VecGetArray(flux, &j));
  for (PetscInt i = 0; i < g->info->local_size; ++i) j[i] += part->weight * c->mobility[i] * d[i];
  PetscCall(VecRestoreArray(flux, &j));
  PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscFunctionReturn(0);
}

static PetscErrorCode mobility(MuGeometry g, MuPart *part, PetscInt axis, Vec m) {
  Context *c = part->ctx;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(take_mobility(g, part, axis, NULL));
  PetscCall(VecGetArray(m, &y));
  for (PetscInt i = 0; i < g->info->local_size; ++i) y[i] += part->weight * c->mobility[i];
  PetscCall(VecRestoreArray(m, &y));
  PetscFunctionReturn(0);
}

const MuPartOps MuPartWassersteinMobility = {.name = "wasserstein_mobility",
                                             .formula = "-div(mu^m grad xi)",
                                             .kind = MU_PART_TRANSPORT,
                                             .parameters = MuPartExponent,
                                             .mobility_at = power_at,
                                             .speed_at = power_speed,
                                             .power = MuPartFirstValue,
                                             .well_posed = PETSC_TRUE,
                                             .create = create,
                                             .destroy = destroy,
                                             .add_flux = add_flux,
                                             .mobility = mobility};

static const MuLimitRow ridge_limits[] = {
    {.parameters = "ridge", .to = &MuPartWasserstein, .order = 1}, {0}};

const MuPartOps MuPartWassersteinRidgeMobility = {.name = "wasserstein_ridge_mobility",
                                                  .formula = "-div(mu^2/(mu + lambda) grad xi)",
                                                  .kind = MU_PART_TRANSPORT,
                                                  .parameters = MuPartRidge,
                                                  .mobility_at = ridge_at,
                                                  .speed_at = ridge_speed,
                                                  .well_posed = PETSC_TRUE,
                                                  .create = create,
                                                  .destroy = destroy,
                                                  .add_flux = add_flux,
                                                  .mobility = mobility,
                                                  .limits = ridge_limits};
