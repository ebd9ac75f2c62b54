/* Newton's method with differences of the residual for the Jacobian (PETSc SNES and GMRES). */
#ifndef MUDOT_LINEAR_NEWTON_H
#define MUDOT_LINEAR_NEWTON_H

#include <petscsnes.h>

/* No error may pass through PETSc: what fails numerically marks the solver
   (SNESSetFunctionDomainError(), SNESSetJacobianDomainError()) and returns 0. */
typedef struct {
  const char *prefix; /* REQUIRED: of PETSc's options for this solver */
  /* REQUIRED. f = the residual at x. */
  PetscErrorCode (*residual)(SNES snes, Vec x, Vec f, void *ctx);
  /* OPTIONAL, default: none, GMRES runs bare. z ~ J^-1 r; its context (PCShellGetContext()) is ctx.
   */
  PetscErrorCode (*precondition)(PC pc, Vec r, Vec z);
  /* OPTIONAL, default: MatMFFDComputeJacobian(), which it calls first. Makes the preconditioner
     ready for x. */
  PetscErrorCode (*jacobian)(SNES snes, Vec x, Mat jacobian, Mat same, void *ctx);
  /* OPTIONAL, default: PETSc's, with the tolerances that the caller sets. */
  PetscErrorCode (*converged)(SNES snes, PetscInt iteration, PetscReal xnorm, PetscReal gnorm,
                              PetscReal fnorm, SNESConvergedReason *reason, void *ctx);
  PetscBool full_steps; /* no line search */
  PetscReal linear;     /* relative tolerance of GMRES */
  PetscBool forcing;    /* only of the first; after it those of Eisenstat and Walker */
} MuNewtonSpec;

/* A solver for fields like `like`, the caller's to adjust and to destroy; ctx is borrowed.
   Collective. */
PetscErrorCode MuNewtonCreate(Vec like, const MuNewtonSpec *spec, void *ctx, SNES *snes);

/* Solves from x into x, in any units: PETSc's differences and line search have lengths of their own
   (sqrt(1 + |x|), 1e8), which are replaced by multiples of |x|. Collective. */
PetscErrorCode MuNewtonSolve(SNES snes, Vec x);

#endif
