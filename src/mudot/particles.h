/* Particle methods. */
#ifndef MUDOT_PARTICLES_H
#define MUDOT_PARTICLES_H

#include "mudot/case.h"
#include "mudot/columns.h"

/* A particle method on a case with a block `particles`: a cloud sum_i w_i delta(x_i) that
   discretises the case's geometry and energy. Every rank holds the cloud and draws the same random
   numbers: the same result on any number of ranks to rounding, the same bits on the same number. */
typedef struct _p_MuParticles *MuParticles;

/* Overrides of the case. */
typedef struct {
  PetscInt count; /* 0: as in the case */
  PetscInt seed;  /* negative: as in the case */
} MuParticlesSpec;

/* Read only, owned by the object; the arrays are the same on every rank and change with Advance. */
typedef struct {
  PetscReal time;
  PetscInt steps, count, dim;
  const PetscReal *position; /* [count][dim] */
  const PetscReal *weight;   /* [count] */
} MuParticlesState;

/* What a run does, in words; owned by the object. */
typedef struct {
  const char *method;
  const char *scheme; /* the step, ending with the geometry that it discretises */
  const char *target; /* how the target enters energy mmd; "" if it does not */
  const char *energy; /* what the energy of a cloud means where that is not plain; else "" */
  const char *mmd2;   /* how the ledger's mmd2 is had; "" without a target */
  PetscInt seed;
  PetscBool random; /* whether steps draw random numbers: two clouds of the same seed but of other
                       step sizes then differ by more than the time step makes */
} MuParticlesDescription;

/* Called after every step. */
typedef PetscErrorCode (*MuParticlesCallback)(void *ctx, MuParticles particles);

/* Draws the initial cloud, i.i.d. with equal weights, at time 0. spec may be NULL. References the
   case. Collective. MU_ERR_INPUT: one sentence with the key, the value and what is allowed, also
   where method, geometry and energy do not fit; MU_ERR_FILE. */
PetscErrorCode MuParticlesCreate(MuCase c, const MuParticlesSpec *spec, MuParticles *particles);
PetscErrorCode MuParticlesDestroy(MuParticles *particles);
/* To exactly `time`, the interval cut evenly into steps of at most time_step. Collective.
   MU_ERR_NUMERICS: the reason; the cloud then stays at its last good state. */
PetscErrorCode MuParticlesAdvance(MuParticles particles, PetscReal time);
PetscErrorCode MuParticlesGetState(MuParticles particles, MuParticlesState *state);
/* From the step callback: MuParticlesAdvance() returns after this step. The next
   MuParticlesAdvance() to the same time goes on with the same steps as if it had not stopped.
   Collective. */
PetscErrorCode MuParticlesStop(MuParticles particles);
/* The ledger's columns: t, dt, energy and energy_NAME where clouds have them, mmd2 (with a target;
   of the cloud scaled to mass 1), mass, weight_min, weight_max, ess = (sum w)^2/sum w^2,
   displacement (mean distance that a particle moved in the step), and with the MMD weight step
   simplex_residual and simplex_iterations. Borrowed. */
PetscErrorCode MuParticlesGetColumns(MuParticles particles, MuColumns *columns);
/* The row at the state, made now (mmd2 may cost as much as a step); borrowed, it stands until
   Advance. Collective. */
PetscErrorCode MuParticlesGetRow(MuParticles particles, const PetscReal **row);
PetscErrorCode MuParticlesSetStepCallback(MuParticles particles, MuParticlesCallback callback,
                                          void *ctx);
PetscErrorCode MuParticlesDescribe(MuParticles particles, MuParticlesDescription *description);

typedef struct _p_MuCheckpoint *MuCheckpoint; /* record/checkpoint.h */

/* Puts the complete state between two steps into a checkpoint: the cloud, the numbers of the steps
   and of the last one, the streams of random numbers. Particles made from the same case on the same
   number of ranks that take it back go on with the same bits, on another number of ranks to
   rounding. Callable from the step callback. Collective. */
PetscErrorCode MuParticlesSave(MuParticles particles, MuCheckpoint checkpoint);
/* MU_ERR_FILE: the checkpoint is not one of such a cloud. */
PetscErrorCode MuParticlesLoad(MuParticles particles, MuCheckpoint checkpoint);

/* The methods and the geometry that each discretises. */
PetscErrorCode MuMethodGetTableRow(PetscInt i, const char **name, const char **formula);

#endif
