#include "linear/newton.h"

#include <math.h>

/* A quarter of sqrt(rounding): the residual bends most in near-empty cells. */
#define DIFFERENCE   (0.25 * PETSC_SQRT_MACHINE_EPSILON)
#define LONGEST_STEP 1e8 /* of the line search, in units of the start */

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

/* The difference along a is taken with the step error sqrt(1 + |x|)/|a|: `error` is set such that
   the step is DIFFERENCE |x|/|a|. */
PetscErrorCode MuNewtonSolve(SNES snes, Vec x) {
  SNESLineSearch search;
  PetscReal norm;
  Mat jacobian;

  PetscFunctionBegin;
  PetscCall(VecNorm(x, NORM_2, &norm));
  if (norm > 0) {
    PetscCall(SNESGetJacobian(snes, &jacobian, NULL, NULL, NULL));
    PetscCall(MatMFFDSetFunctionError(jacobian, DIFFERENCE * norm / sqrt(1 + norm)));
    PetscCall(SNESGetLineSearch(snes, &search));
    PetscCall(SNESLineSearchSetTolerances(search, PETSC_DEFAULT, LONGEST_STEP * norm, PETSC_DEFAULT,
                                          PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  }
  PetscCall(SNESSolve(snes, NULL, x));
  PetscFunctionReturn(0);
}
