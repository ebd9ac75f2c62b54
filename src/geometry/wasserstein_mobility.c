/* Wasserstein with a power mobility: K(mu) xi = -div(mu^m grad xi), the face mean of mu raised to
   m. Dolbeault, Nazaret and Savare, Calc. Var. 34 (2009). */
#include "geometry/geometry_impl.h"

typedef struct {
  PetscReal *power; /* scratch: mean^m, 0 on closed faces */
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(PetscMalloc1(g->info->local_size, &c->power));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  PetscFunctionBegin;
  PetscCall(PetscFree(((Context *)part->ctx)->power));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode take_power(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient) {
  Context *c = part->ctx;
  const PetscReal *mean;

  PetscFunctionBegin;
  PetscCall(MuFaceMeansGet(g, axis, gradient, &mean));
  MuArrayPow(g->info->local_size, mean, g->spec.mobility_exponent, c->power);
  PetscCall(MuFaceMeansRestore(g, axis, &mean));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    if (!g->face.open[axis][i]) c->power[i] = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  Context *c = part->ctx;
  const PetscReal *d;
  PetscReal *j;

  PetscFunctionBegin;
  PetscCall(take_power(g, part, axis, gradient));
  PetscCall(VecGetArrayRead(gradient, &d));
  PetscCall(VecGetArray(flux, &j));
  for (PetscInt i = 0; i < g->info->local_size; ++i) j[i] += part->weight * c->power[i] * d[i];
  PetscCall(VecRestoreArray(flux, &j));
  PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscFunctionReturn(0);
}

static PetscErrorCode mobility(MuGeometry g, MuPart *part, PetscInt axis, Vec m) {
  Context *c = part->ctx;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(take_power(g, part, axis, NULL));
  PetscCall(VecGetArray(m, &y));
  for (PetscInt i = 0; i < g->info->local_size; ++i) y[i] += part->weight * c->power[i];
  PetscCall(VecRestoreArray(m, &y));
  PetscFunctionReturn(0);
}

const MuPartOps MuPartWassersteinMobility = {.name = "wasserstein_mobility",
                                             .formula = "-div(mu^m grad xi)",
                                             .kind = MU_PART_TRANSPORT,
                                             .needs_exponent = PETSC_TRUE,
                                             .well_posed = PETSC_TRUE,
                                             .create = create,
                                             .destroy = destroy,
                                             .add_flux = add_flux,
                                             .mobility = mobility};
