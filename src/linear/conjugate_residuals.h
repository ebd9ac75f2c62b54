/* Generalised conjugate residuals for operators that are not symmetric. */
#ifndef MUDOT_LINEAR_CONJUGATE_RESIDUALS_H
#define MUDOT_LINEAR_CONJUGATE_RESIDUALS_H

#include <petscsys.h>

typedef struct _p_MuConjugateResiduals *MuConjugateResiduals;

/* On local arrays that do not overlap. */
typedef struct {
  /* REQUIRED. y = A x */
  PetscErrorCode (*apply)(void *ctx, const PetscReal *x, PetscReal *y);
  /* REQUIRED. z ~ A^-1 r; |r|_1 = size over all ranks. May differ from call to call. */
  PetscErrorCode (*precondition)(void *ctx, const PetscReal *r, PetscReal size, PetscReal *z);
} MuConjugateResidualsOps;

/* Work space for `local` unknowns on this rank; ops and ctx are borrowed. Not collective. */
PetscErrorCode MuConjugateResidualsCreate(MPI_Comm comm, PetscInt local,
                                          const MuConjugateResidualsOps *ops, void *ctx,
                                          MuConjugateResiduals *cr);
PetscErrorCode MuConjugateResidualsDestroy(MuConjugateResiduals *cr);
/* Improves x until |r|_1 <= goal, to a restart, or for at most `limit` iterations, which are added
   to *iterations. r = b - A x and *size = |r|_1 on entry, as the recurrence has them at the end.
   Collective. */
PetscErrorCode MuConjugateResidualsCycle(MuConjugateResiduals cr, PetscReal goal, PetscInt limit,
                                         PetscReal *r, PetscReal *x, PetscReal *size,
                                         PetscInt *iterations);

#endif
