/* Ridge Fisher-Rao: K(mu) xi = mu (T + lambda)^(-1) T xi, T f = k*(mu f): the kernel ridge
   regression of xi in L2(mu). Zhu and Mielke, Kernel approximation of Fisher-Rao gradient flows
   (2024). */
#include "geometry/geometry_impl.h"

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  MuRidge ridge;
  const PetscErrorCode failed = MuRidgeCreate(g, part, part->cells, &ridge);
  part->ctx = ridge;
  return failed;
}

static PetscErrorCode destroy(MuPart *part) {
  MuRidge ridge = part->ctx;
  return MuRidgeDestroy(&ridge);
}

static PetscErrorCode set_state(MuGeometry g, MuPart *part) {
  const PetscReal *mu;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(MuRidgeSetWeight(part->ctx, mu));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  PetscFunctionBegin;
  PetscCall(MuRidgeApply(part->ctx, xi, g->work));
  PetscCall(VecAXPY(out, part->weight, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  (void)preimage;
  PetscCall(MuRidgeApply(part->ctx, xi, g->work));
  PetscCall(VecPointwiseMult(g->work, g->rho, g->work));
  PetscCall(VecAXPY(out, part->weight, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  const PetscReal *mu;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(d, &y));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    PetscReal t = part->symbol_largest * mu[i];
    y[i] += part->weight * mu[i] * t / (t + part->value[0]);
  }
  PetscCall(VecRestoreArray(d, &y));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

static const MuLimitRow limits[] = {
    {.parameters = "bandwidth", .to = &MuPartRidgeMobility, .order = 2},
    {.parameters = "ridge", .to = &MuPartFisherRao, .order = 1},
    {.parameters = "bandwidth ridge", .to = &MuPartFisherRao},
    {0}};

const MuPartOps MuPartRidgeFisherRao = {.name = "ridge_fisher_rao",
                                        .formula = "mu (T + lambda)^(-1) T xi, T f = k*(mu f)",
                                        .kind = MU_PART_REACTION,
                                        .needs_kernel = PETSC_TRUE,
                                        .parameters = MuPartRidge,
                                        .regression_ridge = MuPartFirstValue,
                                        .vanishes = PETSC_TRUE,
                                        .create = create,
                                        .destroy = destroy,
                                        .set_state = set_state,
                                        .apply = apply,
                                        .relative = relative,
                                        .diagonal = diagonal,
                                        .limits = limits};
