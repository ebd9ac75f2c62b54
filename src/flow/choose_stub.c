#include "mudot.h"
PetscErrorCode MuTransportChoose(MuGrid grid, PetscInt steps, MuTransportSolver *solver, char *why);
PetscErrorCode MuTransportChoose(MuGrid grid, PetscInt steps, MuTransportSolver *solver, char *why) {
  (void)grid; (void)steps;
  *solver = MU_TRANSPORT_COUPLED;
  why[0] = 0;
  return 0;
}
