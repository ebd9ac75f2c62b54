/* dimension_split: (I + dt L_y)^-1 (I + dt L_x)^-1, one batch of tridiagonal solves per axis, each
   positive and conservative. In 1-D it is the whole step.

   Marchuk, Splitting and alternating direction methods (1990), section 2. */
#include "flow/transport_impl.h"
#include "linear/line.h"

static PetscErrorCode split_create(MuTransport t) {
  MuGridLines lines;

  PetscFunctionBegin;
  PetscCall(MuGridLinesCreate(t->grid, &lines));
  t->data = lines;
  PetscFunctionReturn(0);
}

static PetscErrorCode split_destroy(MuTransport t) {
  MuGridLines lines = t->data;

  PetscFunctionBegin;
  PetscCall(MuGridLinesDestroy(&lines));
  t->data = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode split_set_up(MuTransport t) {
  const MuFaceMatrix matrix = MuTransportMatrix(t);

  PetscFunctionBegin;
  PetscCall(MuGridLinesFactor(t->data, &matrix));
  PetscFunctionReturn(0);
}

static PetscErrorCode split_solve(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1) {
  const PetscReal *r = NULL;
  PetscReal *x;

  PetscFunctionBegin;
  if (rho0 != rho1) PetscCall(VecGetArrayRead(rho0, &r));
  PetscCall(VecGetArray(rho1, &x));
  PetscCall(MuGridLinesSolve(t->data, reversed, r ? r : x, x));
  PetscCall(VecRestoreArray(rho1, &x));
  if (rho0 != rho1) PetscCall(VecRestoreArrayRead(rho0, &r));
  PetscFunctionReturn(0);
}

const MuTransportOps MuTransportSplit = {
    .name = "dimension_split",
    .formula = "(I + dt div_y J_y)^-1 (I + dt div_x J_x)^-1",
    .create = split_create,
    .set_up = split_set_up,
    .solve = split_solve,
    .destroy = split_destroy,
};
