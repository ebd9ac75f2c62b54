/* A diagnostic of one's own, a column of the ledger: int min(rho, pi), the mass that density and
   target have in common.

     make overlap.so
     mudot run congestion.yaml -load ./congestion.so -load ./overlap.so -output_diagnostics overlap
*/
#include <mudot/extend.h>

static PetscErrorCode evaluate(MuGrid grid, Vec pi, Vec rho, PetscReal *value) {
  Vec least;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(rho, &least));
  PetscCall(VecPointwiseMin(least, pi, rho));
  PetscCall(MuGridIntegrate(grid, least, value));
  PetscCall(VecDestroy(&least));
  PetscFunctionReturn(0);
}

static const MuDiagnosticOps overlap = {
    .name = "overlap", .formula = "int min(rho, pi)", .evaluate = evaluate};

static PetscErrorCode start(void) {
  return MuDiagnosticRegister(&overlap);
}
MU_EXTENSION(start)
