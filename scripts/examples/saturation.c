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

/* out += weight M(mu)^a xi^b: K xi with a = b = 1, (K xi)/mu with M/mu, the diagonal with xi = 1.
 */
static PetscErrorCode add(MuGeometry g, MuPart *part, PetscBool relative, Vec xi, Vec out) {
  const PetscReal *mu, *x = NULL;
  PetscReal *y;
  PetscInt n;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetState(g, &rho));
  PetscCall(VecGetLocalSize(rho, &n));
  PetscCall(VecGetArrayRead(rho, &mu));
  if (xi) PetscCall(VecGetArrayRead(xi, &x));
  PetscCall(VecGetArray(out, &y));
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal m =
        relative ? 1 / (1 + mu[i] / part->value[0]) : mobility_at(mu[i], part->value);
    y[i] += part->weight * m * (x ? x[i] : 1);
  }
  PetscCall(VecRestoreArray(out, &y));
  if (xi) PetscCall(VecRestoreArrayRead(xi, &x));
  PetscCall(VecRestoreArrayRead(rho, &mu));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  (void)preimage;
  return add(g, part, PETSC_FALSE, xi, out);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  return add(g, part, PETSC_TRUE, xi, out);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec out) {
  return add(g, part, PETSC_FALSE, NULL, out);
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
                                     .well_posed = PETSC_TRUE,
                                     .apply = apply,
                                     .relative = relative,
                                     .diagonal = diagonal};

static PetscErrorCode start(void) {
  return MuGeometryRegister(&saturation);
}
MU_EXTENSION(start)
