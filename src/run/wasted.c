/* Runs whose work came to little: the density stands still, or steps were cut again and again. */
#include "run/wasted.h"

#include "flow/cuts.h"
#include "output/terminal.h"

#define STILL     1e-3 /* of the change that K DF stands for */
#define CHANGE    1e-3 /* of the mass: what rounding of K DF does not reach, on any grid */
#define DROP      1e-6 /* of F(0) */
#define MOST_CUTS 10

PetscErrorCode MuRunWarnOfRest(const MuProblemParts *parts, MuFlow flow, MuLedger ledger,
                               PetscReal energy, PetscBool *frozen) {
  const MuGridInfo *info;
  PetscReal time, mass, moved, dual, change = 0;
  Vec rho, velocity, force, image;

  PetscFunctionBegin;
  *frozen = PETSC_FALSE;
  PetscCall(MuGridGetInfo(parts->grid, &info));
  PetscCall(MuFlowGetState(flow, &time, &rho));
  PetscCall(MuGridIntegrate(parts->grid, rho, &mass));
  PetscCall(MuGridDistanceL1(parts->grid, rho, parts->initial, &moved));
  if (!(moved < STILL * mass)) PetscFunctionReturn(0);
  PetscCall(MuLedgerDual(ledger, rho, &dual));
  PetscCall(MuLedgerGetStep(ledger, &velocity, &force, &image));
  PetscCall(MuGridDistanceL1(parts->grid, image, NULL, &change));
  change *= time;
  *frozen = (PetscBool)(change > CHANGE * mass && moved < STILL * change &&
                        2 * time * dual > DROP * PetscAbsReal(energy));
  if (*frozen)
    PetscCall(MuWarn(info->comm,
                     "the density stands still although K DF does not vanish: up to t = %g it "
                     "changed by %.2g of its mass, where K DF asks for %.2g; see the "
                     "column dissipation_dual",
                     time, moved / mass, change / mass));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWarnOfCuts(MuFlow flow, MPI_Comm comm) {
  MuCuts cuts;

  PetscFunctionBegin;
  PetscCall(MuFlowGetCuts(flow, &cuts));
  if (cuts.times > MOST_CUTS)
    PetscCall(MuWarn(comm,
                     "a step of %.3g was cut %d times before it was taken, to %.3g; see the column "
                     "dt, and take a smaller time_step",
                     cuts.planned, (int)cuts.times, cuts.taken));
  PetscFunctionReturn(0);
}
