/* A second run of a case at a tenth of the tolerance, beside the first. Private to run/. */
#ifndef MUDOT_RUN_VERIFY_H
#define MUDOT_RUN_VERIFY_H

#include "mudot/problem.h"

typedef struct _p_MuVerification *MuVerification;

/* *verification is NULL where the case does not ask for it (time_verify). Builds the problem a
   second time. Collective. MU_ERR_INPUT: the run has no tolerance that could be a tenth. */
PetscErrorCode MuVerificationCreate(MuCase c, MuFlow flow, MuVerification *verification);
PetscErrorCode MuVerificationDestroy(MuVerification *verification);
/* Takes the second flow to `time` and compares with the density of the first. Collective. */
PetscErrorCode MuVerificationCompare(MuVerification verification, PetscReal time, Vec density);
/* The largest and the last difference so far, in L1 over the mass. Not collective. */
PetscErrorCode MuVerificationGet(MuVerification verification, PetscReal *largest, PetscReal *last);

#endif
