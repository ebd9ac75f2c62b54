#include "linear/newton.h"

static PetscErrorCode set_linear_solver(const MuNewtonSpec *spec, void *ctx, SNES snes) {
  KSP ksp;
  PC pc;

  PetscFunctionBegin;
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGMRESSetRestart(ksp, 60));
  PetscCall(
      KSPSetTolerances(ksp, spec->linear, spec->forcing ? PETSC_DEFAULT : 0, PETSC_DEFAULT, 120));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, spec->precondition ? PCSHELL : PCNONE));
  if (spec->precondition) {
    PetscCall(PCShellSetContext(pc, ctx));
    PetscCall(PCShellSetApply(pc, spec->precondition));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuNewtonCreate(Vec like, const MuNewtonSpec *spec, void *ctx, SNES *snes) {
  SNESLineSearch search;
  Mat jacobian;
  Vec residual;

  PetscFunctionBegin;
  PetscCall(SNESCreate(PetscObjectComm((PetscObject)like), snes));
  PetscCall(SNESSetOptionsPrefix(*snes, spec->prefix));
  PetscCall(VecDuplicate(like, &residual));
  PetscCall(SNESSetFunction(*snes, residual, spec->residual, ctx));
  PetscCall(VecDestroy(&residual));
  PetscCall(MatCreateSNESMF(*snes, &jacobian));
  PetscCall(SNESSetJacobian(*snes, jacobian, jacobian,
                            spec->jacobian ? spec->jacobian : MatMFFDComputeJacobian, ctx));
  PetscCall(MatDestroy(&jacobian));
  if (spec->converged) PetscCall(SNESSetConvergenceTest(*snes, spec->converged, ctx, NULL));
  PetscCall(SNESGetLineSearch(*snes, &search));
  if (spec->full_steps) PetscCall(SNESLineSearchSetType(search, SNESLINESEARCHBASIC));
  PetscCall(SNESKSPSetUseEW(*snes, spec->forcing));
  PetscCall(set_linear_solver(spec, ctx, *snes));
  PetscFunctionReturn(0);
}
