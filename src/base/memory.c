/* Sizes that the machine cannot hold are refused before anything is allocated. */
#include "base/files.h"
#include "mudot.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The limit that a control group file sets; 0 if it sets none ("max", no such file). */
static PetscReal group_limit(const char *path) {
  FILE *file = fopen(path, "r");
  char text[64] = "";
  if (!file) return 0;
  if (!fgets(text, sizeof text, file)) text[0] = 0;
  fclose(file);
  return strtod(text, NULL);
}

static PetscReal least(PetscReal limit, PetscReal other) {
  return other > 0 && other < limit ? other : limit;
}

PetscReal MuMachineMemory(void) {
  const PetscReal pages = (PetscReal)sysconf(_SC_PHYS_PAGES);
  PetscReal limit = pages * (PetscReal)sysconf(_SC_PAGESIZE);
  struct rlimit own;
  limit = least(limit, group_limit("/sys/fs/cgroup/memory.max"));
  limit = least(limit, group_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  if (getrlimit(RLIMIT_AS, &own) == 0 && own.rlim_cur != RLIM_INFINITY)
    limit = least(limit, (PetscReal)own.rlim_cur);
  return limit;
}

void MuFormatBytes(PetscReal bytes, char text[MU_BYTES_LENGTH]) {
  static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  int unit = 0;
  bytes /= 1e3;
  while (bytes >= 999.5 && unit < 5) {
    bytes /= 1e3;
    ++unit;
  }
  snprintf(text, MU_BYTES_LENGTH, "%.3g %s", bytes, units[unit]);
}

PetscErrorCode MuCheckMemory(MPI_Comm comm, const char *key, const char *what, PetscReal bytes) {
  char needed[MU_BYTES_LENGTH], there[MU_BYTES_LENGTH];
  PetscMPIInt size, neighbours;
  MPI_Comm node;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &neighbours));
  PetscCallMPI(MPI_Comm_free(&node));
  PetscErrorCode code = 0;
  const PetscReal here = bytes * neighbours / size, limit = MuMachineMemory();
  if (here > limit) {
    MuFormatBytes(bytes, needed);
    MuFormatBytes(limit, there);
    code = MuError(MU_ERR_INPUT, "%s: %s need about %s of memory; this machine has %s", key, what,
                   needed, there);
  }
  return MuErrorAgree(comm, code);
}

PetscErrorCode MuPeakMemory(MPI_Comm comm, PetscReal *megabytes) {
  struct rusage usage;

  PetscFunctionBegin;
  getrusage(RUSAGE_SELF, &usage);
  *megabytes = (PetscReal)usage.ru_maxrss / 1024;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, megabytes, 1, MPIU_REAL, MPI_SUM, comm));
  PetscFunctionReturn(0);
}
