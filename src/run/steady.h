/* Whether a flow has come to rest. Private to run/. */
#ifndef MUDOT_RUN_STEADY_H
#define MUDOT_RUN_STEADY_H

#include "mudot/case.h"
#include "mudot/flow.h"
#include "record/checkpoint.h"

/* With s = time_steady: after a step in which |F(rho1) - F(rho0)|/dt and |rho1 - rho0|_1/dt are
   both at most s times what they were in the first step; or at whose rate the density would change
   by no more than rounding up to time_end. */
typedef struct _p_MuSteady *MuSteady;

/* The flow stands at its initial density. Borrowed. MU_ERR_INPUT: time_steady. */
PetscErrorCode MuSteadyCreate(MuCase c, MuFlow flow, MuSteady *steady);
PetscErrorCode MuSteadyDestroy(MuSteady *steady);
/* From the step callback. Collective. */
PetscErrorCode MuSteadyStep(MuSteady steady, PetscReal time, PetscReal dt, Vec before, Vec after);
/* The time at which it has come to rest, NaN: not yet. asked: whether the case has time_steady. */
PetscErrorCode MuSteadyGet(MuSteady steady, PetscReal *time, PetscBool *asked);
/* In words; "" if it is not asked for. */
PetscErrorCode MuSteadyDescribe(MuSteady steady, size_t size, char sentence[]);
PetscErrorCode MuSteadySave(MuSteady steady, MuCheckpoint checkpoint);
/* After the flow has been loaded. Of a checkpoint that knows nothing the next step counts as the
   first. */
PetscErrorCode MuSteadyLoad(MuSteady steady, MuCheckpoint checkpoint);

#endif
