/* How far the velocity on the grid of a run is from that on doubled cells. Private to run/. */
#ifndef MUDOT_RUN_INDICATOR_H
#define MUDOT_RUN_INDICATOR_H

#include "mudot/problem.h"

/* The relative truncation error of multigrid, at output times: the velocity -K DF of the density,
   averaged to doubled cells, against that which is computed there from the averaged density and
   target, in L1 over the mass. An indicator, not an error: it sees how well the grid resolves the
   velocity, and is of the order of the scheme; neither how errors die out nor how they grow. */
typedef struct _p_MuIndicator *MuIndicator;

typedef struct {
  const char *missing; /* why there is none: an odd number of cells, a mask that cuts through a
                          doubled cell, fewer rows than ranks, a system that is refused or fails
                          there, a checkpoint without; NULL: there is one. Borrowed. */
  PetscReal integral, largest; /* over the output times so far, by the trapezoidal rule */
} MuIndicatorValue;

/* Builds the system on doubled cells; *indicator is NULL where output_grid_indicator is false. The
   ledger, of which work space is used, is borrowed. Collective, like everything below. */
PetscErrorCode MuIndicatorCreate(MuCase c, const MuProblemParts *parts, MuLedger ledger,
                                 MuIndicator *indicator);
PetscErrorCode MuIndicatorDestroy(MuIndicator *indicator);
/* At a density of the ledger's flow, whose geometry then stands there; times ascend. */
PetscErrorCode MuIndicatorAdd(MuIndicator indicator, PetscReal time, Vec rho);
PetscErrorCode MuIndicatorGet(MuIndicator indicator, MuIndicatorValue *value);
/* With the flow's checkpoint. */
PetscErrorCode MuIndicatorSave(MuIndicator indicator, MuCheckpoint checkpoint);
PetscErrorCode MuIndicatorLoad(MuIndicator indicator, MuCheckpoint checkpoint);

#endif
