/* What commands tell main.c, and which rank speaks. */
#include "base/launch.h"
#include "command/command.h"

int mu_command_status;

PetscBool MuCommandPrints(void) {
  PetscMPIInt rank = MuLaunchRank();
  int started = 0;
  MPI_Initialized(&started);
  if (started) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return (PetscBool)(rank == 0);
}
