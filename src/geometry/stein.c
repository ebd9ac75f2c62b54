/* Stein: K(mu) xi = -div(mu k*(mu grad xi)). Liu and Wang, NIPS 2016; Duncan, Nuesken and Szpruch,
   On the geometry of Stein variational gradient descent (2023). As the bandwidth vanishes it tends
   to wasserstein_mobility with m = 2. The kernel acts on the face field M grad xi, so that K is
   symmetric and positive semi-definite as it stands. */
#include "geometry/geometry_impl.h"

static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  const PetscInt size = g->info->local_size;
  const PetscReal *mean, *d;
  PetscReal *w, *j;

  PetscFunctionBegin;
  PetscCall(MuFaceMeansGet(g, axis, gradient, &mean));
  PetscCall(VecGetArrayRead(gradient, &d));
  PetscCall(VecGetArray(g->work, &w));
  for (PetscInt i = 0; i < size; ++i) w[i] = mean[i] * d[i];
  PetscCall(VecRestoreArray(g->work, &w));
  PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscCall(MuConvolutionApply(part->faces[axis], g->work, g->work));
  PetscCall(VecGetArray(g->work, &w));
  PetscCall(VecGetArray(flux, &j));
  for (PetscInt i = 0; i < size; ++i) j[i] += part->weight * mean[i] * w[i];
  PetscCall(VecRestoreArray(flux, &j));
  PetscCall(VecRestoreArray(g->work, &w));
  PetscCall(MuFaceMeansRestore(g, axis, &mean));
  PetscFunctionReturn(0);
}

static const MuLimitRow limits[] = {{.parameters = "bandwidth",
                                     .to = &MuPartWassersteinMobility,
                                     .order = 2,
                                     .set = {{"exponent", 2}}},
                                    {0}};

const MuPartOps MuPartStein = {.name = "stein",
                               .formula = "-div(mu k*(mu grad xi))",
                               .kind = MU_PART_TRANSPORT,
                               .needs_kernel = PETSC_TRUE,
                               .smooths_flux = PETSC_TRUE,
                               .vanishes = PETSC_TRUE,
                               .add_flux = add_flux,
                               .limits = limits};
