/* Fisher-Rao (Hellinger): K(mu) xi = mu xi. Liero, Mielke and Savare, Invent. Math. 211 (2018). */
#include "geometry/geometry_impl.h"

const MuPartOps MuPartFisherRao = {.name = "fisher_rao",
                                   .formula = "mu xi",
                                   .kind = MU_PART_REACTION,
                                   .mobility_at = MuPartIdentity,
                                   .power = MuPartOne,
                                   .well_posed = PETSC_TRUE};
