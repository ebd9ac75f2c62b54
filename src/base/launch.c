/* How the process was started, and what MPI can leave out if it was started alone. */
#include "base/launch.h"
#include "mudot.h"

#include <stdlib.h>

PetscBool MuLaunched(void) {
  static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE", "PMIX_RANK",
                                      "PMI_RANK", "PMI_FD"};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; ++i)
    if (getenv(signs[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A step of Slurm without PMI or PMIx: started by srun, or from a shell that was. */
static PetscBool is_bare_step(void) {
  return (PetscBool)(!MuLaunched() && (getenv("SLURM_STEPID") || getenv("SLURM_STEP_ID")));
}

static int step_tasks(void) {
  const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
  if (!tasks) tasks = getenv("SLURM_NTASKS");
  return tasks ? (int)strtol(tasks, NULL, 10) : 1;
}

int MuLaunchRank(void) {
  const char *number = getenv("SLURM_PROCID");
  return is_bare_step() && number ? (int)strtol(number, NULL, 10) : 0;
}

/* hwloc would open X displays and graphics libraries and ask every device, OpenMPI the libraries of
   every network. The folder that OpenMPI makes under TMPDIR for all processes of a user goes when
   one of them ends: another that starts at that moment fails. A process alone needs none. */
static void set_alone(void) {
  static const char *const settings[][2] = {{"OMPI_MCA_ess_singleton_isolated", "1"},
                                            {"OMPI_MCA_orte_create_session_dirs", "0"},
                                            {"OMPI_MCA_pml", "ob1"},
                                            {"OMPI_MCA_btl", "self"},
                                            {"OMPI_MCA_osc", "sm"},
                                            {"OMPI_MCA_coll", "basic,self,libnbc"},
                                            {"HWLOC_COMPONENTS", "-x86,-linuxio"},
                                            {"HWLOC_PLUGINS_PATH", "/nonexistent"}};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; ++i)
    setenv(settings[i][0], settings[i][1], 0);
}

PetscErrorCode MuLaunchPrepare(void) {
  if (MuLaunched()) return 0;
  if (is_bare_step() && step_tasks() > 1)
    return MuError(MU_ERR_INPUT,
                   "srun started %d processes that do not know of each other; use \"srun "
                   "--mpi=pmix\", or \"mpiexec -n %d\" in the allocation",
                   step_tasks(), step_tasks());
  /* OpenMPI takes a process in a step for one of srun's, and ends if srun did not make it so. */
  if (is_bare_step()) unsetenv("SLURM_NODELIST");
  set_alone();
  return 0;
}
