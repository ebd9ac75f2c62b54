/* The reference potential of face means, and preimages of DF. */
#include "flow/preparation.h"

/* The mean is the logarithmic one wherever log rho is in DF: then the flux is linear and positive.
 */
static PetscErrorCode set_face_mean(MuGrid grid, MuEnergy energy, MuGeometry geometry) {
  PetscReal diffusivity;
  PetscBool only;
  Vec potential;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(grid, &potential));
  PetscCall(MuEnergyLogarithmicPart(energy, &diffusivity, potential, &only));
  if (diffusivity > 0) {
    PetscCall(VecScale(potential, 1 / diffusivity));
    PetscCall(MuGeometrySetReferencePotential(geometry, potential));
  } else {
    PetscCall(MuGeometrySetReferencePotential(geometry, NULL));
  }
  PetscCall(VecDestroy(&potential));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_preimage(MuEnergy energy, MuGeometry geometry, PetscBool *preimage) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuPartTraits part;
  MuKernel kernel;
  PetscReal weight = 0;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(geometry, &g));
  PetscCall(MuEnergyHasPreimage(energy, preimage, &kernel));
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &part));
    if (part.inverts_kernel && !MuKernelsAgree(part.kernel, kernel)) *preimage = PETSC_FALSE;
  }
  PetscCall(MuEnergyGetSpec(energy, &e));
  for (PetscInt k = 0; k < e->terms; ++k) weight += PetscAbsReal(e->term[k].weight);
  PetscCall(MuGeometrySetPreimageWeight(geometry, weight));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowPrepare(MuGrid grid, MuEnergy energy, MuGeometry geometry,
                             PetscBool *preimage) {
  PetscFunctionBegin;
  PetscCall(set_face_mean(grid, energy, geometry));
  PetscCall(find_preimage(energy, geometry, preimage));
  PetscFunctionReturn(0);
}
