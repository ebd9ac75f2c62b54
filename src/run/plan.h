/* Private to run/ and the commands. */
#ifndef MUDOT_RUN_PLAN_H
#define MUDOT_RUN_PLAN_H

#include "mudot/case.h"

/* mudot run -dry_run: builds the problem of a case as a run would, takes one step to see what it
   costs, and prints what would be done: scheme and why, cells, steps, time, memory, files. Writes
   nothing. Collective. Errors as MuRunSolve() before its first step, and MU_ERR_INPUT if results
   are in the way. */
PetscErrorCode MuRunPlan(MuCase c);

#endif
