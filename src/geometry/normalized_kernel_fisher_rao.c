/* Normalised kernel Fisher-Rao: K(mu) xi = mu q^(-1/2) k*(mu q^(-1/2) xi), q = k*mu. As the
   bandwidth vanishes it tends to Fisher-Rao. */
#include "geometry/geometry_impl.h"

typedef struct {
  Vec root; /* q^(-1/2), 0 outside */
  PetscReal half_diagonal;
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(MuGridCreateField(g->grid, &c->root));
  PetscCall(MuConvolutionGetDiagonal(part->cells, &c->half_diagonal));
  c->half_diagonal *= 0.5;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Context *c = part->ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&c->root));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_state(MuGeometry g, MuPart *part) {
  Context *c = part->ctx;
  return MuPartSmoothedRoot(g, part, c->half_diagonal, PETSC_TRUE, c->root);
}

/* work = q^(-1/2) k*(mu q^(-1/2) xi) */
static PetscErrorCode smooth(MuGeometry g, MuPart *part, Vec xi) {
  Vec root = ((Context *)part->ctx)->root;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(g->work, g->rho, xi));
  PetscCall(VecPointwiseMult(g->work, root, g->work));
  PetscCall(MuConvolutionApply(part->cells, g->work, g->work));
  PetscCall(VecPointwiseMult(g->work, root, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  PetscFunctionBegin;
  PetscCall(smooth(g, part, xi));
  PetscCall(VecAXPY(out, part->weight, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  (void)preimage;
  PetscCall(smooth(g, part, xi));
  PetscCall(VecPointwiseMult(g->work, g->rho, g->work));
  PetscCall(VecAXPY(out, part->weight, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(g->work, g->rho, ((Context *)part->ctx)->root));
  PetscCall(VecPointwiseMult(g->work, g->work, g->work));
  PetscCall(VecAXPY(d, part->weight * part->symbol_largest, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode factor(MuGeometry g, MuPart *part, Vec f) {
  return VecPointwiseMult(f, g->rho, ((Context *)part->ctx)->root);
}

static const MuLimitRow limits[] = {{.parameters = "bandwidth", .to = &MuPartFisherRao, .order = 2},
                                    {0}};

const MuPartOps MuPartNormalizedKernelFisherRao = {.name = "normalized_kernel_fisher_rao",
                                                   .formula =
                                                       "mu q^(-1/2) k*(mu q^(-1/2) xi), q = k*mu",
                                                   .kind = MU_PART_REACTION,
                                                   .needs_kernel = PETSC_TRUE,
                                                   .vanishes = PETSC_TRUE,
                                                   .create = create,
                                                   .destroy = destroy,
                                                   .set_state = set_state,
                                                   .apply = apply,
                                                   .relative = relative,
                                                   .diagonal = diagonal,
                                                   .factor = factor,
                                                   .limits = limits};
