/* Runs whose work came to little. Private to run/. */
#ifndef MUDOT_RUN_WASTED_H
#define MUDOT_RUN_WASTED_H

#include "mudot/flow.h"
#include "mudot/problem.h"

/* Warns where the density stands still although K DF does not vanish: t |K DF|_1 at the end is more
   than 1e-3 of the mass, 2 t R* more than 1e-6 of F(0) = energy, and |rho(t) - rho(0)|_1 less than
   1e-3 t |K DF|_1. *frozen: whether it does. The ledger's step is lost. Collective. */
PetscErrorCode MuRunWarnOfRest(const MuProblemParts *parts, MuFlow flow, MuLedger ledger,
                               PetscReal energy, PetscBool *frozen);
/* Warns where one step was cut more than ten times before it was taken. Collective. */
PetscErrorCode MuRunWarnOfCuts(MuFlow flow, MPI_Comm comm);

#endif
