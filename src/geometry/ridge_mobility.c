/* The mobility M(mu) = mu^2/(mu + lambda), which tends to mu as lambda vanishes. ridge_mobility:
   K(mu) xi = M(mu) xi, the limit of ridge_fisher_rao for a narrow kernel of unit mass;
   wasserstein_ridge_mobility: K(mu) xi = -div(M(mu) grad xi), that of ridge_stein. */
#include "geometry/geometry_impl.h"

static PetscReal speed_at(PetscReal mu, const PetscReal value[]) {
  return mu / (mu + value[0]);
}

static PetscReal mobility_at(PetscReal mu, const PetscReal value[]) {
  return mu * speed_at(mu, value);
}

static const MuLimitRow to_fisher_rao[] = {
    {.parameters = "ridge", .to = &MuPartFisherRao, .order = 1}, {0}};
static const MuLimitRow to_wasserstein[] = {
    {.parameters = "ridge", .to = &MuPartWasserstein, .order = 1}, {0}};

const MuPartOps MuPartRidgeMobility = {.name = "ridge_mobility",
                                       .formula = "mu^2/(mu + lambda) xi",
                                       .kind = MU_PART_REACTION,
                                       .parameters = MuPartRidge,
                                       .mobility_at = mobility_at,
                                       .speed_at = speed_at,
                                       .well_posed = PETSC_TRUE,
                                       .limits = to_fisher_rao};

/* mu^2 first: of the face means, whose products are rounded so. */
static PetscReal square_at(PetscReal mu, const PetscReal value[]) {
  return mu * mu / (mu + value[0]);
}

const MuPartOps MuPartWassersteinRidgeMobility = {.name = "wasserstein_ridge_mobility",
                                                  .formula = "-div(mu^2/(mu + lambda) grad xi)",
                                                  .kind = MU_PART_TRANSPORT,
                                                  .parameters = MuPartRidge,
                                                  .mobility_at = square_at,
                                                  .speed_at = speed_at,
                                                  .well_posed = PETSC_TRUE,
                                                  .limits = to_wasserstein};
