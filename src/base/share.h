/* Private to the library: points shared among the ranks in runs of nearly equal length. */
#ifndef MUDOT_BASE_SHARE_H
#define MUDOT_BASE_SHARE_H

#include <petscsys.h>

typedef struct {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  PetscMPIInt *counts, *starts; /* [size] */
} MuShare;

PetscErrorCode MuShareSetUp(MuShare *share, MPI_Comm comm);
PetscErrorCode MuShareDestroy(MuShare *share);
/* This rank's run of n points: first .. last - 1. */
void MuShareRun(const MuShare *share, PetscInt n, PetscInt *first, PetscInt *last);
/* values [n][width]: every rank has the rows of its run; afterwards all have all. Collective. */
PetscErrorCode MuShareGather(MuShare *share, PetscInt n, PetscInt width, PetscReal *values);

#endif
