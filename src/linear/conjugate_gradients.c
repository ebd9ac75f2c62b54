/* Conjugate gradients: PETSc's KSPCG with shells around the operator and the preconditioner.

   With enough(), the norm is the natural one, |r_k|^2 = <r_k, z_k>, and the step along p_k adds
   <r_k, z_k>^2/<p_k, A p_k> to <b, A^-1 b> (Hestenes and Stiefel, 1952, theorem 6:1), a sum of
   positive terms that rounding does not spoil (Strakos and Tichy, ETNA 13, 2002). */
#include "linear/conjugate_gradients.h"

#include <math.h>
#include <petscksp.h>

struct _p_MuConjugateGradients {
  const MuConjugateGradientsOps *ops;
  void *ctx;
  KSP ksp;
  PetscErrorCode failure; /* of an operation in this solve: no error may pass through PETSc */
  PetscReal goal;
  PetscReal curvature; /* <p, A p> of the last direction */
  PetscReal natural;   /* <r, z> before its step */
  PetscReal beta;      /* <r, z> over the one before */
  PetscReal energy, last;
};

/* What an operation that failed leaves, so that the iteration stops. */
static PetscErrorCode keep(MuConjugateGradients s, PetscErrorCode code, Vec result) {
  PetscFunctionBegin;
  if (!code) PetscFunctionReturn(0);
  s->failure = code;
  PetscCall(VecSet(result, NAN));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply(Mat matrix, Vec x, Vec y) {
  MuConjugateGradients s;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(matrix, &s));
  PetscCall(keep(s, s->ops->apply(s->ctx, x, y), y));
  if (s->ops->enough) PetscCall(VecDot(x, y, &s->curvature));
  PetscFunctionReturn(0);
}

static PetscErrorCode precondition(PC pc, Vec r, Vec z) {
  MuConjugateGradients s;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &s));
  PetscCall(keep(s, s->ops->precondition(s->ctx, r, z), z));
  PetscFunctionReturn(0);
}

/* For step n: `norm` is |r_n|, its natural norm with enough(). */
static PetscErrorCode test(KSP ksp, PetscInt n, PetscReal norm, KSPConvergedReason *reason,
                           void *ctx) {
  MuConjugateGradients s = ctx;

  PetscFunctionBegin;
  (void)ksp;
  *reason = KSP_CONVERGED_ITERATING;
  if (PetscIsInfOrNanReal(norm)) {
    *reason = KSP_DIVERGED_NANORINF;
  } else if (!s->ops->enough) {
    if (norm <= s->goal) *reason = KSP_CONVERGED_ATOL;
  } else if (n > 0 && !(s->curvature > 0)) {
    *reason = KSP_DIVERGED_INDEFINITE_MAT;
  } else {
    if (n > 0) {
      PetscReal step = s->natural / s->curvature * s->natural;
      s->energy += step;
      if (s->ops->enough(s->ctx, s->energy, step + s->last)) *reason = KSP_CONVERGED_ATOL;
      s->last = step;
    }
    s->beta = n > 0 ? norm * norm / s->natural : 0;
    s->natural = norm * norm;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuConjugateGradientsCreate(Vec like, const MuConjugateGradientsOps *ops, void *ctx,
                                          MuConjugateGradients *cg) {
  MPI_Comm comm = PetscObjectComm((PetscObject)like);
  MuConjugateGradients s;
  PetscInt local, size;
  Mat matrix;
  PC pc;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *cg = s;
  s->ops = ops;
  s->ctx = ctx;
  PetscCall(VecGetLocalSize(like, &local));
  PetscCall(VecGetSize(like, &size));
  PetscCall(MatCreateShell(comm, local, local, size, size, s, &matrix));
  PetscCall(MatShellSetOperation(matrix, MATOP_MULT, (void (*)(void))apply));
  PetscCall(KSPCreate(comm, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, matrix, matrix));
  PetscCall(MatDestroy(&matrix));
  PetscCall(KSPSetType(s->ksp, KSPCG));
  PetscCall(KSPSetNormType(s->ksp, ops->enough ? KSP_NORM_NATURAL : KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetConvergenceTest(s->ksp, test, s, NULL));
  PetscCall(KSPGetPC(s->ksp, &pc));
  PetscCall(PCSetType(pc, ops->precondition ? PCSHELL : PCNONE));
  if (ops->precondition) {
    PetscCall(PCShellSetContext(pc, s));
    PetscCall(PCShellSetApply(pc, precondition));
  }
  PetscCall(KSPSetUp(s->ksp));
  PetscFunctionReturn(0);
}

PetscErrorCode MuConjugateGradientsDestroy(MuConjugateGradients *cg) {
  MuConjugateGradients s = *cg;

  PetscFunctionBegin;
  *cg = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

PetscReal MuConjugateGradientsGetBeta(MuConjugateGradients s) {
  return s->beta;
}

PetscErrorCode MuConjugateGradientsSolve(MuConjugateGradients s, PetscReal goal, PetscInt limit,
                                         Vec b, Vec x, MuCgOutcome *outcome) {
  KSPConvergedReason reason;

  PetscFunctionBegin;
  s->failure = 0;
  s->goal = goal;
  s->energy = 0;
  s->last = PETSC_INFINITY;
  PetscCall(KSPSetTolerances(s->ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, limit));
  PetscCall(KSPSolve(s->ksp, b, x));
  if (s->failure) return s->failure;
  PetscCall(KSPGetConvergedReason(s->ksp, &reason));
  PetscCall(KSPGetIterationNumber(s->ksp, &outcome->iterations));
  PetscCall(KSPGetResidualNorm(s->ksp, &outcome->residual));
  outcome->reached = (PetscBool)(reason > 0);
  outcome->limited = (PetscBool)(reason == KSP_DIVERGED_ITS);
  outcome->energy = s->energy;
  PetscFunctionReturn(0);
}
