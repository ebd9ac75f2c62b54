/* Private to flow/: an approximate inverse of the unsplit transport operator in single precision.
 */
#ifndef MUDOT_MULTIGRID_H
#define MUDOT_MULTIGRID_H

#include "flow/transport.h"
#include "flow/transport_impl.h"

typedef struct _p_MuTransportMultigrid *MuTransportMultigrid;

/* 2-D grids only. All levels and work space are allocated here. Collective. */
PetscErrorCode MuTransportMultigridCreate(MuGrid grid, MuTransportMultigrid *mg);
PetscErrorCode MuTransportMultigridDestroy(MuTransportMultigrid *mg);
/* Levels and coarsest factors for t->dt and the coefficients of t. Collective. */
PetscErrorCode MuTransportMultigridSetUp(MuTransportMultigrid mg, MuTransport t);
/* z ~ A^-1 r by one V-cycle, on local arrays [rows][row_length]. r is multiplied by `scale` before
   it is rounded and z divided by it: |r| scale should be about one per cell. Collective. */
PetscErrorCode MuTransportMultigridApply(MuTransportMultigrid mg, const PetscReal *r,
                                         PetscReal scale, PetscReal *z);

#endif
