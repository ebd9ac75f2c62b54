/* De-Stein: K xi = -div(Kc^(-1) grad xi), componentwise, with a ridge (Kc + lambda)^(-1); it does
   not depend on mu. With the mmd energy of the same kernel the flow is the heat equation for mu -
   pi. Gladin, Dvurechensky, Mielke and Zhu, Interaction-force transport gradient flows (2024). As
   the bandwidth vanishes it tends to flat_wasserstein with the uniform reference density. */
#include "geometry/geometry_impl.h"

static PetscErrorCode check_invertible(MuGeometry g, MuPart *part) {
  PetscReal low, high;

  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < g->info->dim; ++axis) {
    PetscCall(MuConvolutionGetSymbolRange(part->faces[axis], &low, &high));
    PetscCall(MuPartCheckCondition(part, low, high, ""));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  PetscFunctionBegin;
  PetscCall(check_invertible(g, part));
  PetscCall(MuConvolutionApplyInverse(part->faces[axis], part->value[0], gradient, g->work));
  PetscCall(VecAXPY(flux, part->weight, g->work));
  PetscFunctionReturn(0);
}

static const MuLimitRow limits[] = {{.parameters = "bandwidth",
                                     .to = &MuPartWassersteinMobility,
                                     .order = 2,
                                     .set = {{"exponent", 0}},
                                     .factor = MuPartRidgeFactor},
                                    {0}};

const MuPartOps MuPartDeStein = {.name = "de_stein",
                                 .formula = "-div(Kc^(-1) grad xi)",
                                 .kind = MU_PART_TRANSPORT,
                                 .parameters = MuPartOptionalRidge,
                                 .needs_kernel = PETSC_TRUE,
                                 .add_flux = add_flux,
                                 .check_invertible = check_invertible,
                                 .limits = limits};
