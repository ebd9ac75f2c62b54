/* Kernel Fisher-Rao: K(mu) xi = mu k*(mu xi). Zhu and Mielke, Kernel approximation of Fisher-Rao
   gradient flows (2024). As the bandwidth vanishes it tends to power_mobility with m = 2, not to
   Fisher-Rao. */
#include "geometry/geometry_impl.h"

/* work = k*(mu xi) */
static PetscErrorCode smooth(MuGeometry g, MuPart *part, Vec xi) {
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(g->work, g->rho, xi));
  PetscCall(MuConvolutionApply(part->cells, g->work, g->work));
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

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  PetscFunctionBegin;
  PetscCall(smooth(g, part, xi));
  PetscCall(VecAXPY(out, part->weight, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(g->work, g->rho, g->rho));
  PetscCall(VecAXPY(d, part->weight * part->symbol_largest, g->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode factor(MuGeometry g, MuPart *part, Vec f) {
  (void)part;
  return VecCopy(g->rho, f);
}

static const MuLimitRow limits[] = {
    {.parameters = "bandwidth", .to = &MuPartPowerMobility, .order = 2, .set = {{"exponent", 2}}},
    {0}};

const MuPartOps MuPartKernelFisherRao = {.name = "kernel_fisher_rao",
                                         .formula = "mu k*(mu xi)",
                                         .kind = MU_PART_REACTION,
                                         .needs_kernel = PETSC_TRUE,
                                         .vanishes = PETSC_TRUE,
                                         .apply = apply,
                                         .relative = relative,
                                         .diagonal = diagonal,
                                         .factor = factor,
                                         .limits = limits};
