/* Mobilities that are powers of mu. power_mobility: K(mu) xi = mu^m xi; m = 0 is the flat L2
   geometry, m = 1 Fisher-Rao. wasserstein_mobility: K(mu) xi = -div(mu^m grad xi). Dolbeault,
   Nazaret and Savare, Calc. Var. 34 (2009). */
#include "geometry/geometry_impl.h"

static PetscReal mobility_at(PetscReal mu, const PetscReal value[]) {
  return pow(mu, value[0]);
}

static PetscReal speed_at(PetscReal mu, const PetscReal value[]) {
  return pow(mu, value[0] - 1);
}

const MuPartOps MuPartPowerMobility = {.name = "power_mobility",
                                       .formula = "mu^m xi",
                                       .kind = MU_PART_REACTION,
                                       .parameters = MuPartExponent,
                                       .mobility_at = mobility_at,
                                       .speed_at = speed_at,
                                       .power = MuPartFirstValue,
                                       .well_posed = PETSC_TRUE};

const MuPartOps MuPartWassersteinMobility = {.name = "wasserstein_mobility",
                                             .formula = "-div(mu^m grad xi)",
                                             .kind = MU_PART_TRANSPORT,
                                             .parameters = MuPartExponent,
                                             .mobility_at = mobility_at,
                                             .speed_at = speed_at,
                                             .power = MuPartFirstValue,
                                             .well_posed = PETSC_TRUE};
