/* An Onsager operator of one's own: K(mu) xi = mu/(1 + mu/c) xi, birth and death that saturates at
   the density c. Where mu is small it is Fisher-Rao.

     make saturation.so
     mudot run saturation.yaml -load ./saturation.so
     mudot check geometry saturation -load ./saturation.so
*/
#include <mudot/extend.h>

static PetscReal mobility_at(PetscReal mu, const PetscReal value[]) {
  return mu / (1 + mu / value[0]);
}

/* M(mu)/mu: without a division by mu, so that it is right where mu is 0. */
static PetscReal speed_at(PetscReal mu, const PetscReal value[]) {
  return 1 / (1 + mu / value[0]);
}

static const MuParameter parameters[] = {{.name = "density",
                                          .doc = "c, where the mobility saturates",
                                          .low = 0,
                                          .above_low = PETSC_TRUE,
                                          .high = PETSC_MAX_REAL,
                                          .required = PETSC_TRUE},
                                         {0}};

static const MuPartOps saturation = {.name = "saturation",
                                     .formula = "mu/(1 + mu/c) xi",
                                     .kind = MU_PART_REACTION,
                                     .parameters = parameters,
                                     .mobility_at = mobility_at,
                                     .speed_at = speed_at,
                                     .well_posed = PETSC_TRUE};

static PetscErrorCode start(void) {
  return MuGeometryRegister(&saturation);
}
MU_EXTENSION(start)
