/* Kernel Fisher-Rao: K(mu) xi = mu k*(mu xi). Zhu and Mielke, Kernel approximation of Fisher-Rao
   gradient flows (2024). As the bandwidth vanishes it tends to power_mobility with m = 2, not to
   Fisher-Rao. */
#include "geometry/geometry_impl.h"

typedef struct {
  Vec work;
} Context;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Context *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(MuGridCreateField(g->grid, &c->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  PetscFunctionBegin;
  PetscCall(VecDestroy(&((Context *)part->ctx)->work));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

/* work = k*(mu xi) */
static PetscErrorCode smooth(MuGeometry g, MuPart *part, Vec xi) {
  Vec work = ((Context *)part->ctx)->work;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(work, g->rho, xi));
  PetscCall(MuConvolutionApply(part->cells, work, work));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  Vec work = ((Context *)part->ctx)->work;

  PetscFunctionBegin;
  (void)preimage;
  PetscCall(smooth(g, part, xi));
  PetscCall(VecPointwiseMult(work, g->rho, work));
  PetscCall(VecAXPY(out, part->weight, work));
  PetscFunctionReturn(0);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  PetscFunctionBegin;
  PetscCall(smooth(g, part, xi));
  PetscCall(VecAXPY(out, part->weight, ((Context *)part->ctx)->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  Vec work = ((Context *)part->ctx)->work;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(work, g->rho, g->rho));
  PetscCall(VecAXPY(d, part->weight * part->symbol_largest, work));
  PetscFunctionReturn(0);
}

static const MuLimitRow limits[] = {
    {.parameters = "bandwidth", .to = &MuPartPowerMobility, .order = 2, .set = {{"exponent", 2}}},
    {0}};

const MuPartOps MuPartKernelFisherRao = {.name = "kernel_fisher_rao",
                                         .formula = "mu k*(mu xi)",
                                         .kind = MU_PART_REACTION,
                                         .needs_kernel = PETSC_TRUE,
                                         .vanishes = PETSC_TRUE,
                                         .create = create,
                                         .destroy = destroy,
                                         .apply = apply,
                                         .relative = relative,
                                         .diagonal = diagonal,
                                         .limits = limits};
