/* Normalised MMD: K(mu) xi = q^(1/2) Kc^(-1) (q^(1/2) xi), q = k*mu, with a ridge (Kc +
   lambda)^(-1). As the bandwidth vanishes it tends to Fisher-Rao; with wasserstein it is the family
   whose limit is Hellinger-Kantorovich. Gladin, Dvurechensky, Mielke and Zhu, Interaction-force
   transport gradient flows (2024). */
#include "geometry/geometry_impl.h"

typedef struct {
  Vec root, image; /* q^(1/2), 0 outside; scratch */
  PetscReal half_diagonal;
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(MuGridCreateField(g->grid, &c->root));
  PetscCall(MuGridCreateField(g->grid, &c->image));
  PetscCall(MuConvolutionGetDiagonal(part->cells, &c->half_diagonal));
  c->half_diagonal *= 0.5;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&c->root));
  PetscCall(VecDestroy(&c->image));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_invertible(MuGeometry g, MuPart *part) {
  (void)g;
  return MuPartCheckCondition(part, part->symbol_smallest, part->symbol_largest, "");
}

static PetscErrorCode set_state(MuGeometry g, MuPart *part) {
  Context *c = part->ctx;
  return MuPartSmoothedRoot(g, part, c->half_diagonal, PETSC_FALSE, c->root);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  (void)preimage;
  PetscCall(check_invertible(g, part));
  PetscCall(VecPointwiseMult(c->image, c->root, xi));
  PetscCall(MuConvolutionApplyInverse(part->cells, part->value[0], c->image, c->image));
  PetscCall(MuGeometryAddProduct(g, part->weight, c->root, c->image, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  const Context *c = part->ctx;
  return MuGeometryAddProduct(g, part->weight / (part->symbol_largest + part->value[0]), c->root,
                              c->root, d);
}

static PetscErrorCode factor(MuGeometry g, MuPart *part, Vec f) {
  const Context *c = part->ctx;
  (void)g;
  return VecCopy(c->root, f);
}

static const MuLimitRow limits[] = {
    {.parameters = "bandwidth", .to = &MuPartFisherRao, .order = 2, .factor = MuPartRidgeFactor},
    {0}};

const MuPartOps MuPartNormalizedMmd = {.name = "normalized_mmd",
                                       .formula = "q^(1/2) Kc^(-1) (q^(1/2) xi), q = k*mu",
                                       .kind = MU_PART_REACTION,
                                       .parameters = MuPartOptionalRidge,
                                       .needs_kernel = PETSC_TRUE,
                                       .well_posed = PETSC_TRUE,
                                       .create = create,
                                       .destroy = destroy,
                                       .set_state = set_state,
                                       .apply = apply,
                                       .diagonal = diagonal,
                                       .check_invertible = check_invertible,
                                       .factor = factor,
                                       .limits = limits};
