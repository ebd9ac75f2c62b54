/* Whether the reference density of the parts that do not depend on mu is the target: then chi2
   makes of them the Fokker-Planck equation and d rho/dt = -(rho - pi). */
#include "facts/facts.h"
#include "facts/lookup.h"

#define TOLERANCE 1e-12 /* of K xi, in L1 */

/* The same parts with the target as reference. */
static PetscErrorCode create_at_target(MuGrid grid, MuGeometry like, MuTargetLookup *target,
                                       MuGeometry *geometry) {
  const MuGeometrySpec *given;
  MuGeometrySpec spec;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(like, &given));
  spec = *given;
  for (PetscInt k = 0; k < spec.parts; ++k) {
    spec.part[k].function = MuTargetLookUp;
    spec.part[k].function_ctx = target;
  }
  PetscCall(MuGeometryCreate(grid, &spec, geometry));
  PetscFunctionReturn(0);
}

/* |(K - K') rho| and |K rho| in L1. */
static PetscErrorCode compare(MuGrid grid, MuGeometry a, MuGeometry b, Vec rho,
                              PetscReal *difference, PetscReal *size) {
  MuGeometry geometry[2] = {a, b};
  Vec image[2];

  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    PetscCall(MuGridCreateField(grid, &image[k]));
    PetscCall(MuGeometrySetState(geometry[k], rho));
    PetscCall(MuGeometryApply(geometry[k], MU_PART_ALL, rho, NULL, image[k]));
  }
  PetscCall(MuGridDistanceL1(grid, image[0], NULL, size));
  PetscCall(MuGridDistanceL1(grid, image[0], image[1], difference));
  for (int k = 0; k < 2; ++k) PetscCall(VecDestroy(&image[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSystemFindReference(MuSystem *s, MuGrid grid, MuGeometry geometry, Vec log_target,
                                     Vec initial) {
  PetscReal difference = INFINITY, size = 0;
  MuTargetLookup target;
  MuGeometry other;

  PetscFunctionBegin;
  s->fixed_at_target = PETSC_FALSE;
  for (PetscInt k = 0; k < s->parts; ++k)
    if (!s->part[k].fixed || !log_target) PetscFunctionReturn(0);
  PetscCall(MuTargetLookupBegin(grid, log_target, &target));
  PetscErrorCode code = create_at_target(grid, geometry, &target, &other);
  PetscCall(MuTargetLookupEnd(&target));
  if (code) PetscFunctionReturn(code);
  PetscCall(compare(grid, geometry, other, initial, &difference, &size));
  PetscCall(MuGeometryDestroy(&other));
  s->fixed_at_target = (PetscBool)(difference <= TOLERANCE * size);
  PetscFunctionReturn(0);
}
