/*
   mudot: gradient flows of measures, d mu/dt = -K(mu) DF(mu), on 1-D and 2-D grids.

   Conventions of every function below
   - Returns a PetscErrorCode; call it inside PetscCall(). A mistake of the user is MU_ERR_INPUT,
   MU_ERR_NUMERICS or MU_ERR_FILE, with one plain sentence kept for MuErrorMessage() and no trace.
   - "Collective" functions must be called by every rank of the grid's communicator.
   - A field is a PETSc Vec with one value per cell, created by MuGridCreateField(): row-major
   [ny][nx], x fastest; a rank owns whole rows (in 1-D: a run of cells). Densities are with respect
   to Lebesgue measure: the mass of a cell is rho_i |C|. Fields vanish outside the mask.
   - <xi, s> is the quadrature sum over inside cells of xi_i s_i |C|.
   - A face field has the same layout as a cell field: entry i of axis a is the face between cell i
   and its lower neighbour along a. The wall faces of a no-flux axis carry zero; the upper wall is
   not stored.
   - Create functions hand over a new object; the caller frees it with the matching Destroy, which
   accepts a handle to NULL and sets the handle to NULL. Objects keep a reference to what they were
   made from.
*/
#ifndef MUDOT_H
#define MUDOT_H

#include "mudot/base.h"
#include "mudot/case.h"
#include "mudot/columns.h"
#include "mudot/compare.h"
#include "mudot/energy.h"
#include "mudot/flow.h"
#include "mudot/geometry.h"
#include "mudot/grid.h"
#include "mudot/kernel.h"
#include "mudot/measure.h"
#include "mudot/output.h"
#include "mudot/particles.h"
#include "mudot/problem.h"
#include "mudot/study.h"
#include "mudot/summand.h"

#endif
