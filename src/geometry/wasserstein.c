/* Wasserstein (Otto): K(mu) xi = -div(mu grad xi). Jordan, Kinderlehrer and Otto, SIAM J. Math.
   Anal. 29 (1998). */
#include "geometry/geometry_impl.h"

static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  const PetscReal *mean, *d;
  PetscReal *j;

  PetscFunctionBegin;
  PetscCall(MuFaceMeansGet(g, axis, gradient, &mean));
  PetscCall(VecGetArrayRead(gradient, &d));
  PetscCall(VecGetArray(flux, &j));
  for (PetscInt i = 0; i < g->info->local_size; ++i) j[i] += part->weight * mean[i] * d[i];
  PetscCall(VecRestoreArray(flux, &j));
  PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscCall(MuFaceMeansRestore(g, axis, &mean));
  PetscFunctionReturn(0);
}

static PetscErrorCode mobility(MuGeometry g, MuPart *part, PetscInt axis, Vec m) {
  PetscFunctionBegin;
  PetscCall(VecAXPY(m, part->weight, g->face.mean[axis]));
  PetscFunctionReturn(0);
}

const MuPartOps MuPartWasserstein = {.name = "wasserstein",
                                     .formula = "-div(mu grad xi)",
                                     .kind = MU_PART_TRANSPORT,
                                     .mobility_at = MuPartIdentity,
                                     .power = MuPartOne,
                                     .well_posed = PETSC_TRUE,
                                     .add_flux = add_flux,
                                     .mobility = mobility};
