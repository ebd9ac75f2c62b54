/* What several parts have: parameters, and what they ask of their geometry. */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

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

PetscReal MuPartRidgeFactor(const PetscReal value[]) {
  return 1 / (1 + (value[0] > 0 ? value[0] : 0));
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

PetscErrorCode MuPartSmoothedRoot(MuGeometry g, MuPart *part, PetscReal half_diagonal,
                                  PetscBool inverse, Vec out) {
  const PetscReal *mu;
  PetscReal *q, least;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(part->cells, g->rho, out));
  PetscCall(VecMax(out, NULL, &least));
  least = PetscMax(PETSC_MACHINE_EPSILON * least, MU_MIN_NORMAL);
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(out, &q));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    const PetscReal bounded = PetscMax(PetscMax(q[i], half_diagonal * mu[i]), least);
    const PetscReal root = sqrt(bounded);
    q[i] = !g->info->mask[i] ? 0 : inverse ? 1 / root : root;
  }
  PetscCall(VecRestoreArray(out, &q));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPartCheckCondition(const MuPart *part, PetscReal smallest, PetscReal largest,
                                    const char *advice) {
  const PetscReal condition = smallest > 0 ? largest / smallest : INFINITY;
  if (part->value[0] > 0 || condition <= MU_MAX_CONDITION) return 0;
  return MuError(MU_ERR_INPUT,
                 "geometry_%s: this kernel has condition number %.1e on this grid, allowed is "
                 "%.1e; set geometry_ridge > 0, or use a narrower or rougher kernel%s",
                 part->ops->name, condition, MU_MAX_CONDITION, advice);
}
