/* Ridge Stein: K(mu) xi = -div(mu (T + lambda)^(-1) T grad xi), T f = k*(mu f), componentwise on
   faces with the face mean for mu. He, Balasubramanian, Sriperumbudur and Lu, Regularized Stein
   variational gradient flow (2022). */
#include "geometry/geometry_impl.h"

typedef struct {
  MuRidge ridge[2];
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  for (PetscInt a = 0; a < g->info->dim; ++a)
    PetscCall(MuRidgeCreate(g, part, part->faces[a], &c->ridge[a]));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) PetscCall(MuRidgeDestroy(&c->ridge[a]));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

/* Where the means depend on xi the weight is known in add_flux() only. */
static PetscErrorCode set_state(MuGeometry g, MuPart *part) {
  Context *c = part->ctx;
  const PetscReal *mean;

  PetscFunctionBegin;
  if (MuFaceMeansDepend(g)) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    PetscCall(MuFaceMeansGet(g, a, NULL, &mean));
    PetscCall(MuRidgeSetWeight(c->ridge[a], mean));
    PetscCall(MuFaceMeansRestore(g, a, &mean));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  Context *c = part->ctx;
  const PetscReal *mean, *f;
  PetscReal *j;

  PetscFunctionBegin;
  PetscCall(MuFaceMeansGet(g, axis, gradient, &mean));
  if (MuFaceMeansDepend(g)) PetscCall(MuRidgeSetWeight(c->ridge[axis], mean));
  PetscCall(MuRidgeApply(c->ridge[axis], gradient, g->work));
  PetscCall(VecGetArrayRead(g->work, &f));
  PetscCall(VecGetArray(flux, &j));
  for (PetscInt i = 0; i < g->info->local_size; ++i) j[i] += part->weight * mean[i] * f[i];
  PetscCall(VecRestoreArray(flux, &j));
  PetscCall(VecRestoreArrayRead(g->work, &f));
  PetscCall(MuFaceMeansRestore(g, axis, &mean));
  PetscFunctionReturn(0);
}

static const MuLimitRow limits[] = {
    {.parameters = "bandwidth", .to = &MuPartWassersteinRidgeMobility, .order = 2},
    {.parameters = "ridge", .to = &MuPartWasserstein, .order = 1},
    {.parameters = "bandwidth ridge", .to = &MuPartWasserstein},
    {0}};

const MuPartOps MuPartRidgeStein = {.name = "ridge_stein",
                                    .formula =
                                        "-div(mu (T + lambda)^(-1) T grad xi), T f = k*(mu f)",
                                    .kind = MU_PART_TRANSPORT,
                                    .needs_kernel = PETSC_TRUE,
                                    .parameters = MuPartRidge,
                                    .regression_ridge = MuPartFirstValue,
                                    .vanishes = PETSC_TRUE,
                                    .create = create,
                                    .destroy = destroy,
                                    .set_state = set_state,
                                    .add_flux = add_flux,
                                    .limits = limits};
