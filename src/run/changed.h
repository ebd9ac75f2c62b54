/* Files that a case is made from may change between a run and its restart. Private to run/. */
#ifndef MUDOT_RUN_CHANGED_H
#define MUDOT_RUN_CHANGED_H

#include "mudot/problem.h"
#include "output/run_remains.h"

/* *changed: "initial", "target" or "grid_mask", whatever is not as it was beyond rounding; NULL:
   nothing. The flow stands at its initial density; energy: that of the earlier run at t = 0, NaN if
   it is not known. Collective. */
PetscErrorCode MuRunChanged(const MuProblemParts *parts, MuFlow flow, const MuRunRemains *remains,
                            PetscReal energy, const char **changed);

#endif
