/* How often steps were cut. Private to flow/ and run/. */
#ifndef MUDOT_FLOW_CUTS_H
#define MUDOT_FLOW_CUTS_H

#include "mudot/flow.h"

/* The step that was rejected and made smaller most often, zeros: none was. */
typedef struct {
  PetscInt times;
  PetscReal planned; /* a fixed step: that of its interval, however short the one before was */
  PetscReal taken;
} MuCuts;

/* Not collective. */
PetscErrorCode MuFlowGetCuts(MuFlow flow, MuCuts *cuts);

#endif
