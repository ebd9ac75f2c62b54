/* The parts of a run that -log_view times. */
#include "base/events.h"
#include "mudot.h"

PetscLogEvent mu_events[MU_EVENTS];

PetscErrorCode MuEventsRegister(void) {
  static const char *const names[MU_EVENTS] = {
      [MU_EVENT_SETUP] = "MuSetUp",
      [MU_EVENT_CONVOLUTION] = "MuConvolution",
      [MU_EVENT_RIDGE] = "MuRidgeSolve",
      [MU_EVENT_ENERGY] = "MuEnergy",
      [MU_EVENT_GEOMETRY] = "MuGeometry",
      [MU_EVENT_FACTOR] = "MuTransportSetUp",
      [MU_EVENT_TRANSPORT] = "MuTransportSolve",
      [MU_EVENT_LEDGER] = "MuLedger",
      [MU_EVENT_PRIMAL] = "MuPrimalSolve",
      [MU_EVENT_OUTPUT] = "MuOutput",
  };
  static PetscClassId class;

  PetscFunctionBegin;
  PetscCall(PetscClassIdRegister("mudot", &class));
  for (int i = 0; i < MU_EVENTS; ++i)
    PetscCall(PetscLogEventRegister(names[i], class, &mu_events[i]));
  PetscFunctionReturn(0);
}
