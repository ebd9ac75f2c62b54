/* Values of neighbouring cells. */
#ifndef MUDOT_GRID_NEIGHBOURS_H
#define MUDOT_GRID_NEIGHBOURS_H

#include "mudot/grid.h"

/* y = x of the lower (step -1) or the upper (step 1) neighbour along an axis, around a periodic
   one; 0 beyond a wall. x and y: local arrays [rows][row_length], different; row: scratch
   [row_length]. Collective. */
PetscErrorCode MuGridNeighbours(MuGrid grid, PetscInt axis, PetscInt step, const PetscReal *x,
                                PetscReal *y, PetscReal *row);

#endif
