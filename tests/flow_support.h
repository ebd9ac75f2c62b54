/* Energies, geometries and flows for tests, built from one-line descriptions. */
#ifndef MUDOT_TESTS_FLOW_SUPPORT_H
#define MUDOT_TESTS_FLOW_SUPPORT_H

#include "support.h"

/* log of exp(-V(x, y)) with mass one on the grid. */
Vec TestLogTarget(MuGrid grid, PetscReal (*potential)(PetscReal x, PetscReal y));

/* exp of a field, zero outside the mask. */
Vec TestExp(MuGrid grid, Vec log_density);

/* Scales a density to mass one. */
void TestNormalise(MuGrid grid, Vec rho);

/* Potentials and initial densities: a double well, a Gaussian that leaves cells almost empty;
   a shallower well, a hill on a background. */
PetscReal TestDoubleWell(PetscReal x, PetscReal y);
PetscReal TestBump(PetscReal x, PetscReal y);
Vec TestBumpDensity(MuGrid grid); /* of mass one, as the next */
PetscReal TestWell(PetscReal x, PetscReal y);
PetscReal TestHill(PetscReal x, PetscReal y);
Vec TestHillDensity(MuGrid grid);

/* A kernel: type, bandwidth; zero means default for the rest. */
MuKernel TestKernel(PetscInt dim, const char *type, PetscReal bandwidth, MuExtension extension);

/* V = (x^2 + y^2)/2, W = (x^2 + y^2)/2 of `potential` and `interaction`. */
PetscErrorCode TestQuadratic(void *ctx, const PetscReal x[2], PetscReal *v);

/* Everything a flow needs; fill what differs from zero, then TestFlowCreate(). */
typedef struct {
  MuGrid grid;
  const char *energy[4], *geometry[4];            /* names, NULL-terminated */
  PetscReal energy_weight[4], geometry_weight[4]; /* 0 means 1 */
  PetscReal power_exponent, internal_exponent, mobility_exponent, ridge, lambda;
  PetscBool spherical;
  MuMean mean;
  MuKernel kernel;
  Vec log_target;
  const char *scheme;
  PetscReal step, end, tolerance;
  PetscBool adapt;
  MuTransportSolver solver;
} TestFlowSpec;

MuEnergy TestEnergy(const TestFlowSpec *spec);
MuGeometry TestGeometry(const TestFlowSpec *spec);
MuFlow TestFlowCreate(const TestFlowSpec *spec, Vec initial);

/* Runs the flow from `initial` to spec->end and returns a copy of the density. */
Vec TestFlowRun(const TestFlowSpec *spec, Vec initial);

/* The density at `end` by the classical Runge-Kutta method with many small steps. */
Vec TestOracle(const TestFlowSpec *spec, Vec initial, PetscReal end, PetscInt steps);

#endif
