/* An energy and a geometry made ready for each other. Private to flow/ and the floors above. */
#ifndef MUDOT_FLOW_PREPARATION_H
#define MUDOT_FLOW_PREPARATION_H

#include "mudot/energy.h"
#include "mudot/geometry.h"

/* What a flow does before K is applied to DF: face means get the reference potential of the energy,
   and the geometry learns how its preimages are weighted. *preimage: MuGeometryApply() is to be
   given that of DF. Collective. */
PetscErrorCode MuFlowPrepare(MuGrid grid, MuEnergy energy, MuGeometry geometry,
                             PetscBool *preimage);

#endif
