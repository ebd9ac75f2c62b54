/* Fisher-Rao (Hellinger): K(mu) xi = mu xi. Liero, Mielke and Savare, Invent. Math. 211 (2018). */
#include "geometry/geometry_impl.h"

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  (void)preimage;
  PetscCall(MuGeometryAddProduct(g, part->weight, g->rho, xi, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  PetscFunctionBegin;
  (void)g;
  PetscCall(VecAXPY(out, part->weight, xi));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  PetscFunctionBegin;
  PetscCall(VecAXPY(d, part->weight, g->rho));
  PetscFunctionReturn(0);
}

const MuPartOps MuPartFisherRao = {.name = "fisher_rao",
                                   .formula = "mu xi",
                                   .kind = MU_PART_REACTION,
                                   .mobility_at = MuPartIdentity,
                                   .power = MuPartOne,
                                   .well_posed = PETSC_TRUE,
                                   .apply = apply,
                                   .relative = relative,
                                   .diagonal = diagonal};
