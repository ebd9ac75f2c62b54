/* How often steps were cut. */
#include "flow/flow_impl.h"

void MuFlowCountCuts(MuFlow flow, PetscInt times, PetscReal planned, PetscReal taken) {
  if (times > flow->cuts.times) flow->cuts = (MuCuts){times, planned, taken};
}

PetscErrorCode MuFlowGetCuts(MuFlow flow, MuCuts *cuts) {
  *cuts = flow->cuts;
  return 0;
}
