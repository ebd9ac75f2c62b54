#include "flow_support.h"

Vec TestExp(MuGrid grid, Vec log_density) {
  Vec rho;
  PetscReal *a;
  PetscInt n;
  OK(VecDuplicate(log_density, &rho));
  OK(VecCopy(log_density, rho));
  OK(VecGetLocalSize(rho, &n));
  OK(VecGetArray(rho, &a));
  for (PetscInt i = 0; i < n; ++i) a[i] = exp(a[i]);
  OK(VecRestoreArray(rho, &a));
  OK(MuGridApplyMask(grid, rho));
  return rho;
}

void TestNormalise(MuGrid grid, Vec rho) {
  PetscReal mass;
  OK(MuGridIntegrate(grid, rho, &mass));
  OK(VecScale(rho, 1 / mass));
}

Vec TestLogTarget(MuGrid grid, PetscReal (*potential)(PetscReal x, PetscReal y)) {
  Vec v = TestField(grid, potential), rho;
  PetscReal mass, smallest;
  OK(VecMin(v, NULL, &smallest));
  OK(VecShift(v, -smallest));
  OK(VecScale(v, -1));
  rho = TestExp(grid, v);
  OK(MuGridIntegrate(grid, rho, &mass));
  OK(VecShift(v, -log(mass)));
  OK(MuGridApplyMask(grid, v));
  OK(VecDestroy(&rho));
  return v;
}

PetscReal TestDoubleWell(PetscReal x, PetscReal y) {
  return (x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y;
}

PetscReal TestBump(PetscReal x, PetscReal y) {
  return exp(-(x - 0.5) * (x - 0.5) / 0.5 - (y + 0.2) * (y + 0.2) / 0.8);
}

PetscReal TestWell(PetscReal x, PetscReal y) {
  return 0.5 * (x * x - 1) * (x * x - 1) + 0.4 * y * y + 0.2 * x * y;
}

PetscReal TestHill(PetscReal x, PetscReal y) {
  return 0.1 + exp(-2 * (x - 0.5) * (x - 0.5) - 1.5 * (y + 0.2) * (y + 0.2));
}

static Vec density(MuGrid grid, PetscReal (*f)(PetscReal x, PetscReal y)) {
  Vec rho = TestField(grid, f);
  TestNormalise(grid, rho);
  return rho;
}

Vec TestBumpDensity(MuGrid grid) {
  return density(grid, TestBump);
}

Vec TestHillDensity(MuGrid grid) {
  return density(grid, TestHill);
}

MuKernel TestKernel(PetscInt dim, const char *type, PetscReal bandwidth, MuExtension extension) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuKernelSpecDefault(&spec);
  OK(PetscStrncpy(spec.type, type, sizeof spec.type));
  spec.bandwidth = bandwidth;
  spec.extension = extension;
  OK(MuKernelCreate(&spec, dim, &kernel));
  return kernel;
}

PetscErrorCode TestQuadratic(void *ctx, const PetscReal x[2], PetscReal *v) {
  (void)ctx;
  *v = 0.5 * (x[0] * x[0] + x[1] * x[1]);
  return 0;
}

static TestNumbers numbers_of(const TestFlowSpec *spec) {
  return (TestNumbers){spec->power_exponent, spec->internal_exponent, spec->mobility_exponent,
                       spec->ridge, spec->lambda};
}

MuEnergy TestEnergy(const TestFlowSpec *spec) {
  MuEnergySpec e = {.kernel = spec->kernel, .log_target = spec->log_target};
  MuEnergy energy;
  for (; e.terms < 4 && spec->energy[e.terms]; ++e.terms) {
    const PetscReal weight = spec->energy_weight[e.terms];
    e.term[e.terms] = TestSummand(MuEnergyGetInfo, spec->energy[e.terms], weight != 0 ? weight : 1,
                                  numbers_of(spec));
    e.term[e.terms].function = TestQuadratic;
  }
  OK(MuEnergyCreate(spec->grid, &e, &energy));
  return energy;
}

MuGeometry TestGeometry(const TestFlowSpec *spec) {
  MuGeometrySpec g = {.spherical = spec->spherical,
                      .face_mean = spec->mean == MU_MEAN_AUTO ? MU_MEAN_LOGARITHMIC : spec->mean,
                      .stolarsky_exponent = spec->internal_exponent,
                      .kernel = spec->kernel};
  MuGeometry geometry;
  for (; g.parts < 4 && spec->geometry[g.parts]; ++g.parts) {
    const PetscReal weight = spec->geometry_weight[g.parts];
    g.part[g.parts] = TestSummand(MuGeometryGetInfo, spec->geometry[g.parts],
                                  weight != 0 ? weight : 1, numbers_of(spec));
  }
  OK(MuGeometryCreate(spec->grid, &g, &geometry));
  return geometry;
}

MuFlow TestFlowCreate(const TestFlowSpec *spec, Vec initial) {
  MuEnergy energy = TestEnergy(spec);
  MuGeometry geometry = TestGeometry(spec);
  MuFlowSpec f;
  MuFlow flow;
  MuFlowSpecDefault(&f);
  if (spec->scheme) f.scheme = spec->scheme;
  f.step = spec->step;
  f.end = spec->end;
  f.solver = spec->solver;
  f.adapt = spec->adapt;
  if (spec->tolerance > 0) f.tolerance = spec->tolerance;
  OK(MuFlowCreate(spec->grid, energy, geometry, initial, &f, &flow));
  OK(MuEnergyDestroy(&energy));
  OK(MuGeometryDestroy(&geometry));
  return flow;
}

Vec TestFlowRun(const TestFlowSpec *spec, Vec initial) {
  MuFlow flow = TestFlowCreate(spec, initial);
  Vec rho, result;
  PetscReal time;
  OK(MuFlowAdvance(flow, spec->end));
  OK(MuFlowGetState(flow, &time, &rho));
  ck_assert_double_eq(time, spec->end);
  OK(VecDuplicate(rho, &result));
  OK(VecCopy(rho, result));
  OK(MuFlowDestroy(&flow));
  return result;
}

/* k = -K(rho) DF(rho), nothing else. */
static void derivative(MuEnergy energy, MuGeometry geometry, Vec rho, Vec xi, Vec k) {
  OK(MuEnergyEvaluate(energy, rho, NULL, NULL, xi, NULL));
  OK(MuGeometrySetState(geometry, rho));
  OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, k));
  OK(VecScale(k, -1));
}

Vec TestOracle(const TestFlowSpec *spec, Vec initial, PetscReal end, PetscInt steps) {
  static const PetscReal node[4] = {0, 0.5, 0.5, 1}, weight[4] = {1 / 6., 1 / 3., 1 / 3., 1 / 6.};
  MuFlow flow = TestFlowCreate(spec, initial); /* sets the face mean of the geometry */
  MuEnergy energy;
  MuGeometry geometry;
  Vec rho, stage, sum, xi, k;
  const PetscReal dt = end / steps;
  OK(MuFlowGetParts(flow, NULL, &energy, &geometry));
  OK(VecDuplicate(initial, &rho));
  OK(VecCopy(initial, rho));
  OK(VecDuplicate(rho, &stage));
  OK(VecDuplicate(rho, &sum));
  OK(VecDuplicate(rho, &xi));
  OK(VecDuplicate(rho, &k));
  OK(VecSet(k, 0));
  for (PetscInt n = 0; n < steps; ++n) {
    OK(VecCopy(rho, sum));
    for (int s = 0; s < 4; ++s) {
      OK(VecWAXPY(stage, node[s] * dt, k, rho));
      derivative(energy, geometry, stage, xi, k);
      OK(VecAXPY(sum, weight[s] * dt, k));
    }
    OK(VecCopy(sum, rho));
  }
  OK(VecDestroy(&stage));
  OK(VecDestroy(&sum));
  OK(VecDestroy(&xi));
  OK(VecDestroy(&k));
  OK(MuFlowDestroy(&flow));
  return rho;
}
