/* Private to problem/: the reference density of a part of the geometry. */
#ifndef MUDOT_PROBLEM_REFERENCE_H
#define MUDOT_PROBLEM_REFERENCE_H

#include "facts/lookup.h"
#include "problem/problem.h"

/* The function of a summand from the text of its key: a formula, which the caller destroys, target
   (NULL: the default) or uniform (the function 1, which is that of no function). `lookup` is kept
   in the summand. Not collective. MU_ERR_INPUT: the case has no target, the formula is wrong. */
PetscErrorCode MuCaseReadReference(const MuCaseSummand *given, PetscInt dim, MuTargetLookup *lookup,
                                   MuFormula *formula, MuSummand *summand);

#endif
