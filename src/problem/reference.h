/* Private to problem/: the reference density of a part of the geometry. */
#ifndef MUDOT_PROBLEM_REFERENCE_H
#define MUDOT_PROBLEM_REFERENCE_H

#include "problem/problem.h"

/* The target of a case as a function of cell centres. */
typedef struct {
  const MuGridInfo *info;
  Vec log_target;
  const PetscReal *log_pi; /* its array */
} MuTargetLookup;

/* log_target may be NULL. MuTargetLookupEnd() gives its array back. */
PetscErrorCode MuTargetLookupBegin(MuGrid grid, Vec log_target, MuTargetLookup *lookup);
PetscErrorCode MuTargetLookupEnd(MuTargetLookup *lookup);

/* The function of a summand from the text of its key: a formula, which the caller destroys, target
   (NULL: the default) or uniform (the function 1, which is that of no function). `lookup` is kept
   in the summand. Not collective. MU_ERR_INPUT: the case has no target, the formula is wrong. */
PetscErrorCode MuCaseReadReference(const MuCaseSummand *given, PetscInt dim, MuTargetLookup *lookup,
                                   MuFormula *formula, MuSummand *summand);

#endif
