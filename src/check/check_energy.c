/* The conformance suite on an energy: DF against differences of F, the discrete gradient and its
   second order, convexity and the limit as declared, and the same on any number of ranks. */
#include "check/check.h"

#define BANDWIDTH 0.3

typedef struct {
  MuGrid grid;
  const MuGridInfo *info;
  MuEnergy energy;
  MuSummandInfo row;
  MuTermTraits traits;
  MuSummand term;
  Vec rho, other, direction, gradient, work, log_target;
} Subject;

static PetscErrorCode create(MPI_Comm comm, const char *name, PetscInt dim, PetscInt cells,
                             PetscReal bandwidth, Subject *s) {
  PetscFunctionBegin;
  *s = (Subject){0};
  PetscCall(MuCheckSummand(MuEnergyGetInfo, MuEnergyGetTableRow, "energy", name, dim, bandwidth,
                           PETSC_FALSE, &s->term, &s->row));
  PetscCall(MuCheckGrid(comm, dim, cells, &s->grid));
  PetscCall(MuGridGetInfo(s->grid, &s->info));
  PetscCall(MuCheckDensity(s->grid, 0, &s->rho));
  PetscCall(MuCheckDensity(s->grid, 1, &s->other));
  PetscCall(MuCheckDensity(s->grid, 2, &s->log_target));
  PetscCall(VecLog(s->log_target));
  PetscCall(MuGridCreateField(s->grid, &s->direction));
  PetscCall(MuGridCreateField(s->grid, &s->gradient));
  PetscCall(MuGridCreateField(s->grid, &s->work));
  PetscCall(VecWAXPY(s->direction, -1, s->rho, s->other));
  MuEnergySpec spec = {.terms = 1, .term = {s->term}};
  if (s->row.needs_target) spec.log_target = s->log_target;
  PetscCall(MuEnergyCreate(s->grid, &spec, &s->energy));
  PetscCall(MuEnergyGetTraits(&spec, 0, &s->traits));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Subject *s) {
  Vec *fields[] = {&s->rho, &s->other, &s->direction, &s->gradient, &s->work, &s->log_target};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k) PetscCall(VecDestroy(fields[k]));
  PetscCall(MuEnergyDestroy(&s->energy));
  PetscCall(MuKernelDestroy(&s->term.kernel));
  PetscCall(MuGridDestroy(&s->grid));
  PetscFunctionReturn(0);
}

/* F(rho + t direction), with `work` left at that density. */
static PetscErrorCode value_at(Subject *s, PetscReal t, PetscReal *value) {
  PetscFunctionBegin;
  PetscCall(VecWAXPY(s->work, t, s->direction, s->rho));
  PetscCall(MuEnergyEvaluate(s->energy, s->work, value, NULL, NULL, NULL));
  PetscFunctionReturn(0);
}

/* Central differences of step h have an error of h^2: with h and h/2 it is removed. */
static PetscErrorCode check_derivative(Subject *s, MuCheckTable *table) {
  const PetscReal step[2] = {0.02, 0.01};
  PetscReal slope, up, down, quotient[2];

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(s->energy, s->rho, NULL, NULL, s->gradient, NULL));
  PetscCall(MuGridInner(s->grid, s->gradient, s->direction, &slope));
  for (int k = 0; k < 2; ++k) {
    PetscCall(value_at(s, step[k], &up));
    PetscCall(value_at(s, -step[k], &down));
    quotient[k] = (up - down) / (2 * step[k]);
  }
  const PetscReal best = (4 * quotient[1] - quotient[0]) / 3;
  MuCheckAdd(table, "derivative", "<DF, v> against differences of F",
             PetscAbsReal(best - slope) / PetscAbsReal(slope), 1e-6);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_identity(Subject *s, MuCheckTable *table) {
  PetscReal start, end, work, difference, largest;

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(s->energy, s->rho, &start, NULL, NULL, NULL));
  PetscCall(MuEnergyEvaluate(s->energy, s->other, &end, NULL, NULL, NULL));
  PetscCall(MuEnergyDiscreteGradient(s->energy, s->rho, s->other, s->gradient, NULL));
  PetscCall(MuGridInner(s->grid, s->gradient, s->direction, &work));
  MuCheckAdd(table, "discrete gradient", "<G, rho1 - rho0> against F1 - F0",
             PetscAbsReal(work - (end - start)) / (PetscAbsReal(start) + PetscAbsReal(end)), 1e-12);
  PetscCall(MuEnergyDiscreteGradient(s->energy, s->other, s->rho, s->work, NULL));
  PetscCall(MuCheckLargest(s->work, s->gradient, &difference));
  PetscCall(MuCheckLargest(s->gradient, NULL, &largest));
  MuCheckAdd(table, "symmetric quotient", "G(rho0, rho1) against G(rho1, rho0)",
             difference / largest, 1e-12);
  PetscFunctionReturn(0);
}

/* |G(rho, rho + t v) - DF(rho + t v/2)|, largest. */
static PetscErrorCode quotient_error(Subject *s, PetscReal t, PetscReal *error) {
  Vec middle;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(s->rho, &middle));
  PetscCall(VecWAXPY(s->work, t, s->direction, s->rho));
  PetscCall(MuEnergyDiscreteGradient(s->energy, s->rho, s->work, s->gradient, NULL));
  PetscCall(VecWAXPY(middle, t / 2, s->direction, s->rho));
  PetscCall(MuEnergyEvaluate(s->energy, middle, NULL, NULL, s->work, NULL));
  PetscCall(MuCheckLargest(s->gradient, s->work, error));
  PetscCall(VecDestroy(&middle));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_quotient(Subject *s, MuCheckTable *table) {
  PetscReal error[2], largest;
  char note[96];

  PetscFunctionBegin;
  PetscCall(quotient_error(s, 0.04, &error[0]));
  PetscCall(quotient_error(s, 0.02, &error[1]));
  PetscCall(MuCheckLargest(s->gradient, NULL, &largest));
  const PetscBool exact = (PetscBool)(error[0] <= 1e-12 * PetscMax(largest, 1e-300));
  const PetscReal order = exact ? 2 : log(error[0] / error[1]) / log(2.0);
  if (exact)
    snprintf(note, sizeof note, "exact: DF at the midpoint");
  else
    snprintf(note, sizeof note, "order %.2f in the length of the step, 2 is right", order);
  MuCheckAdd(table, "second-order quotient", note, PetscMax(0, 2 - order), 0.1);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_convexity(Subject *s, MuCheckTable *table) {
  PetscReal value[3];

  PetscFunctionBegin;
  if (!s->traits.convex) {
    MuCheckSkip(table, "convex", "not declared");
    PetscFunctionReturn(0);
  }
  for (int k = 0; k < 3; ++k) PetscCall(value_at(s, 0.5 * k, &value[k]));
  MuCheckAdd(table, "convex", "F at the midpoint above the mean of the ends",
             PetscMax(0, value[1] - 0.5 * (value[0] + value[2])) /
                 (PetscAbsReal(value[0]) + PetscAbsReal(value[2])),
             1e-13);
  PetscFunctionReturn(0);
}

/* Along the first geometry of the table. */
static PetscErrorCode check_flow(Subject *s, MuCheckTable *table) {
  MuGeometrySpec spec = {.parts = 1, .part = {{.weight = 1, .value = {NAN, NAN, NAN, NAN}}}};
  MuGeometry geometry;
  const char *formula;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetTableRow(0, &spec.part[0].name, &formula));
  PetscCall(MuGeometryCreate(s->grid, &spec, &geometry));
  PetscCall(MuCheckFlow(s->grid, s->energy, geometry, s->rho, table));
  PetscCall(MuGeometryDestroy(&geometry));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the limit */

/* Directional derivatives along one direction: those of an energy and of its limit differ by a
   constant at most in DF where mass is conserved, which the direction does. */
static PetscErrorCode limit_error(const char *name, PetscReal bandwidth, PetscReal *error,
                                  MuLimit *limit) {
  Subject s, to;
  PetscReal here, there;

  PetscFunctionBegin;
  *error = NAN;
  PetscCall(create(PETSC_COMM_SELF, name, 1, 800, bandwidth, &s));
  PetscCall(MuEnergyGetLimit(&s.term, "bandwidth", PETSC_FALSE, limit));
  if (limit->name) {
    PetscCall(create(PETSC_COMM_SELF, limit->name, 1, 800, bandwidth, &to));
    PetscCall(MuEnergyEvaluate(s.energy, s.rho, NULL, NULL, s.gradient, NULL));
    PetscCall(MuGridInner(s.grid, s.gradient, s.direction, &here));
    PetscCall(MuEnergyEvaluate(to.energy, to.rho, NULL, NULL, to.gradient, NULL));
    PetscCall(MuGridInner(to.grid, to.gradient, to.direction, &there));
    *error = PetscAbsReal(here - there) / PetscAbsReal(there);
    PetscCall(destroy(&to));
  }
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_limit(const char *name, MuCheckTable *table) {
  PetscReal error[2];
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(limit_error(name, 0.08, &error[0], &limit));
  PetscCall(limit_error(name, 0.04, &error[1], &limit));
  if (limit.name)
    MuCheckOrder(table, "limit, bandwidth", error, &limit);
  else
    MuCheckSkip(table, "limit", "none is declared for a narrow kernel");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ ranks */

static PetscErrorCode values(MPI_Comm comm, const char *name, PetscReal value[2]) {
  Subject s;

  PetscFunctionBegin;
  PetscCall(create(comm, name, 2, 17, BANDWIDTH, &s));
  PetscCall(MuEnergyEvaluate(s.energy, s.rho, &value[0], NULL, s.gradient, NULL));
  PetscCall(MuGridInner(s.grid, s.gradient, s.gradient, &value[1]));
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckEnergy(MPI_Comm comm, const char *name, MuCheckTable *table) {
  Subject s;

  PetscFunctionBegin;
  table->rows = 0;
  PetscCall(create(PETSC_COMM_SELF, name, 2, 12, BANDWIDTH, &s));
  PetscCall(check_derivative(&s, table));
  PetscCall(check_identity(&s, table));
  PetscCall(check_quotient(&s, table));
  PetscCall(check_convexity(&s, table));
  PetscCall(check_flow(&s, table));
  PetscCall(destroy(&s));
  PetscCall(check_limit(name, table));
  PetscCall(MuCheckRanks(comm, name, values, "F and |DF|, relative", 1e-11, table));
  PetscFunctionReturn(0);
}
