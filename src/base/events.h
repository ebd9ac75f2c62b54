/* Events that -log_view times. */
#ifndef MUDOT_BASE_EVENTS_H
#define MUDOT_BASE_EVENTS_H

#include <petscsys.h>

/* Parts of a run that PETSc's -log_view times, beside PETSc's own TSStep and solvers; the time of a
   part contains that of the parts it uses. Begin and End stand in pairs, inside PetscCall(). */
enum {
  MU_EVENT_SETUP,       /* building a problem and its flow */
  MU_EVENT_CONVOLUTION, /* one application of a kernel operator or of its inverse */
  MU_EVENT_RIDGE,       /* (T + lambda)^(-1) */
  MU_EVENT_ENERGY,      /* F, DF or a discrete gradient */
  MU_EVENT_GEOMETRY,    /* K(mu) xi */
  MU_EVENT_FACTOR,      /* coefficients and factors of transport steps */
  MU_EVENT_TRANSPORT,   /* linear solves of transport steps */
  MU_EVENT_LEDGER,      /* a row of the ledger */
  MU_EVENT_PRIMAL,      /* its primal dissipation potential */
  MU_EVENT_OUTPUT,      /* ledger rows and snapshots on their way to the files */
  MU_EVENTS
};
extern PetscLogEvent mu_events[MU_EVENTS];
#define MuEventBegin(event) PetscLogEventBegin(mu_events[event], 0, 0, 0, 0)
#define MuEventEnd(event)   PetscLogEventEnd(mu_events[event], 0, 0, 0, 0)
/* MuInitialize() does it. Collective. */
PetscErrorCode MuEventsRegister(void);

#endif
