/* What several parts have: parameters, and what they ask of their geometry. */
#include "geometry/geometry_impl.h"

const MuParameter MuPartExponent[] = {{.name = "exponent",
                                       .key = "mobility_exponent",
                                       .doc = "m, the exponent of the mobility",
                                       .low = 0,
                                       .high = PETSC_MAX_REAL,
                                       .required = PETSC_TRUE},
                                      {0}};
const MuParameter MuPartRidge[] = {{.name = "ridge",
                                    .key = "ridge",
                                    .doc = "lambda, the ridge",
                                    .low = 0,
                                    .high = PETSC_MAX_REAL,
                                    .above_low = PETSC_TRUE,
                                    .required = PETSC_TRUE},
                                   {0}};
const MuParameter MuPartOptionalRidge[] = {
    {.name = "ridge", .key = "ridge", .doc = "lambda, the ridge", .low = 0, .high = PETSC_MAX_REAL},
    {0}};

PetscReal MuPartFirstValue(const PetscReal value[]) {
  return value[0];
}

PetscReal MuPartOne(const PetscReal value[]) {
  (void)value;
  return 1;
}

PetscReal MuPartIdentity(PetscReal mu, const PetscReal value[]) {
  (void)value;
  return mu;
}

PetscErrorCode MuGeometryAddProduct(MuGeometry g, PetscReal weight, Vec a, Vec b, Vec out) {
  const PetscReal *x, *y;
  PetscReal *z;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(a, &x));
  PetscCall(VecGetArrayRead(b, &y));
  PetscCall(VecGetArray(out, &z));
  for (PetscInt i = 0; i < g->info->local_size; ++i) z[i] += weight * x[i] * y[i];
  PetscCall(VecRestoreArray(out, &z));
  PetscCall(VecRestoreArrayRead(b, &y));
  PetscCall(VecRestoreArrayRead(a, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryGetGrid(MuGeometry g, MuGrid *grid) {
  *grid = g->grid;
  return 0;
}

PetscErrorCode MuGeometryGetState(MuGeometry g, Vec *rho) {
  *rho = g->rho;
  return 0;
}
