/* The heat equation d rho/dt = Laplacian rho on [0, 1] with insulated ends: the Wasserstein
   gradient flow of the entropy. Its cosine mode decays exactly, rho = 1 + 1/2 exp(-pi^2 t) cos(pi
   x).

     cc heat.c $(pkg-config --cflags --libs mudot) -o heat
     ./heat                        or    mpiexec -n 2 ./heat
*/
#include <mudot.h>

/* The exact density at the cells of this rank. */
static PetscErrorCode fill_exact(MuGrid grid, PetscReal t, Vec rho) {
  PetscInt n;
  PetscReal *value, x[2];

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(rho, &n));
  PetscCall(VecGetArray(rho, &value));
  for (PetscInt i = 0; i < n; ++i) {
    PetscCall(MuGridCellCentre(grid, i, x));
    value[i] = 1 + 0.5 * exp(-PETSC_PI * PETSC_PI * t) * cos(PETSC_PI * x[0]);
  }
  PetscCall(VecRestoreArray(rho, &value));
  PetscFunctionReturn(0);
}

/* Advances in five parts; after each the largest error of the density, relative to 1. */
static PetscErrorCode advance(MuGrid grid, MuFlow flow, Vec exact) {
  PetscReal energy, error;
  Vec rho;

  PetscFunctionBegin;
  for (int k = 0; k <= 5; ++k) {
    const PetscReal t = 0.02 * k;
    PetscCall(MuFlowAdvance(flow, t));
    PetscCall(MuFlowGetState(flow, NULL, &rho)); /* the flow's own: read only */
    PetscCall(MuFlowGetEnergy(flow, &energy, NULL));
    PetscCall(fill_exact(grid, t, exact));
    PetscCall(VecAXPY(exact, -1, rho));
    PetscCall(VecNorm(exact, NORM_INFINITY, &error));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "t = %.2f  entropy = %.8f  error = %.2e\n", t, energy,
                          error));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode run(void) {
  MuGridSpec grid_spec = {.dim = 1, .lower = {0}, .upper = {1}, .cells = {200}};
  MuEnergySpec energy_spec = {.terms = 1, .term = {{.name = "entropy", .weight = 1}}};
  MuGeometrySpec geometry_spec = {.parts = 1, .part = {{.name = "wasserstein", .weight = 1}}};
  MuFlowSpec flow_spec;
  MuGrid grid;
  MuEnergy energy;
  MuGeometry geometry;
  MuFlow flow;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuGridCreate(PETSC_COMM_WORLD, &grid_spec, &grid));
  PetscCall(MuEnergyCreate(grid, &energy_spec, &energy));
  PetscCall(MuGeometryCreate(grid, &geometry_spec, &geometry));
  PetscCall(MuGridCreateField(grid, &rho));
  PetscCall(fill_exact(grid, 0, rho));

  MuFlowSpecDefault(&flow_spec);
  flow_spec.scheme = "discrete_gradient"; /* of second order */
  flow_spec.step = 0.001;
  flow_spec.end = 0.1;
  PetscCall(MuFlowCreate(grid, energy, geometry, rho, &flow_spec, &flow));
  PetscCall(advance(grid, flow, rho));

  PetscCall(MuFlowDestroy(&flow));
  PetscCall(VecDestroy(&rho));
  PetscCall(MuGeometryDestroy(&geometry));
  PetscCall(MuEnergyDestroy(&energy));
  PetscCall(MuGridDestroy(&grid));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  const PetscErrorCode error = run();
  if (error) fprintf(stderr, "heat: %s\n", MuErrorMessage());
  return MuFinalize() || error;
}
