/* How the process was started. Private to base/ and command/. */
#ifndef MUDOT_BASE_LAUNCH_H
#define MUDOT_BASE_LAUNCH_H

#include <petscsys.h>

/* Whether a launcher that MPI can talk to (mpiexec, srun --mpi=pmix) started this process. */
PetscBool MuLaunched(void);

/* The rank of a process that no such launcher started: its number in a step of Slurm, else 0. */
int MuLaunchRank(void);

/* To be called before MPI starts. A process without a launcher is one rank by itself: MPI is told
   (through the environment, where the user has not set the same variable) to look for no partners,
   networks and devices, which takes most of its start. MU_ERR_INPUT: srun started several processes
   that MPI could not join. Not collective. */
PetscErrorCode MuLaunchPrepare(void);

#endif
