/* Conjugate gradients for operators that are given by what they do. */
#ifndef MUDOT_LINEAR_CONJUGATE_GRADIENTS_H
#define MUDOT_LINEAR_CONJUGATE_GRADIENTS_H

#include <petscvec.h>

typedef struct _p_MuConjugateGradients *MuConjugateGradients;

/* An error of one of the first two ends the solve and is returned by it. */
typedef struct {
  /* REQUIRED. y = A x, symmetric positive semi-definite. x is not to be changed. */
  PetscErrorCode (*apply)(void *ctx, Vec x, Vec y);
  /* OPTIONAL, default: z = r. z ~ A^-1 r, symmetric positive semi-definite. r is not to be changed.
   */
  PetscErrorCode (*precondition)(void *ctx, Vec r, Vec z);
  /* OPTIONAL, default: the norm of the residual decides. Whether <b, A^-1 b> is known well enough:
     `energy` is the part of it that the steps so far have added up, `recent` what the last two
     added (infinite after the first). The same on every rank. */
  PetscBool (*enough)(void *ctx, PetscReal energy, PetscReal recent);
} MuConjugateGradientsOps;

/* What became of a solve: a numerical outcome, the same on every rank. */
typedef struct {
  PetscInt iterations;
  PetscBool reached;  /* the goal, or enough() */
  PetscBool limited;  /* cut off at the limit of iterations; neither: rounding has taken over */
  PetscReal residual; /* |b - A x| of the recurrence; with enough(): not known */
  PetscReal energy;   /* with enough() */
} MuCgOutcome;

/* Work space for fields like `like`; ops and ctx are borrowed. Collective. */
PetscErrorCode MuConjugateGradientsCreate(Vec like, const MuConjugateGradientsOps *ops, void *ctx,
                                          MuConjugateGradients *cg);
PetscErrorCode MuConjugateGradientsDestroy(MuConjugateGradients *cg);
/* A x = b from x = 0, until |b - A x| <= goal (not looked at with enough()), at most `limit`
   iterations. Collective. */
PetscErrorCode MuConjugateGradientsSolve(MuConjugateGradients cg, PetscReal goal, PetscInt limit,
                                         Vec b, Vec x, MuCgOutcome *outcome);
/* For apply() of a solve with enough(): x = z + beta (the x before), with z from the last
   precondition(); 0 for the first x. What is linear in x can follow the same recursion. */
PetscReal MuConjugateGradientsGetBeta(MuConjugateGradients cg);

#endif
