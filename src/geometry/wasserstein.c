/* Wasserstein (Otto): K(mu) xi = -div(mu grad xi). Jordan, Kinderlehrer and Otto, SIAM J. Math.
   Anal. 29 (1998). */
#include "geometry/geometry_impl.h"

const MuPartOps MuPartWasserstein = {.name = "wasserstein",
                                     .formula = "-div(mu grad xi)",
                                     .kind = MU_PART_TRANSPORT,
                                     .mobility_at = MuPartIdentity,
                                     .power = MuPartOne,
                                     .well_posed = PETSC_TRUE};
