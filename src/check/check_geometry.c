/* The conformance suite on an Onsager operator: symmetric and semi-definite as a dense matrix,
   mass, sign and locality as declared, its relative form, its limit, and the same on any number of
   ranks.
 */
#include "check/check.h"

#include <petscblaslapack.h>

#define BANDWIDTH 0.3
#define ROUNDING  1e-10 /* of K, whose ridge solves are accurate to 1e-10 of their right side */

typedef struct {
  MuGrid grid;
  const MuGridInfo *info;
  MuGeometry geometry;
  MuSummandInfo row;
  MuPartTraits traits;
  MuSummand part;
  Vec rho, xi, image;
  PetscReal *matrix; /* [n][n], n = local_size on one rank */
} Subject;

/* ridge NAN: in the middle of its range. */
static PetscErrorCode create(MPI_Comm comm, const char *name, PetscInt dim, PetscInt cells,
                             PetscReal bandwidth, PetscReal ridge, Subject *s) {
  PetscFunctionBegin;
  *s = (Subject){0};
  PetscCall(MuCheckSummand(MuGeometryGetInfo, MuGeometryGetTableRow, "geometry", name, dim,
                           bandwidth, PETSC_FALSE, &s->part, &s->row));
  MuGeometrySpec spec = {.parts = 1, .part = {s->part}};
  PetscCall(MuGeometryGetTraits(&spec, 0, &s->traits));
  if (s->traits.needs_inverse) {
    PetscCall(MuKernelDestroy(&s->part.kernel));
    PetscCall(MuCheckSummand(MuGeometryGetInfo, MuGeometryGetTableRow, "geometry", name, dim,
                             bandwidth, PETSC_TRUE, &s->part, &s->row));
    spec.part[0] = s->part;
  }
  for (PetscInt k = 0; s->row.parameters && s->row.parameters[k].name && !isnan(ridge); ++k)
    if (!strcmp(s->row.parameters[k].name, "ridge")) spec.part[0].value[k] = ridge;
  s->part = spec.part[0];
  PetscCall(MuCheckGrid(comm, dim, cells, &s->grid));
  PetscCall(MuGridGetInfo(s->grid, &s->info));
  PetscCall(MuGeometryCreate(s->grid, &spec, &s->geometry));
  PetscCall(MuCheckDensity(s->grid, 0, &s->rho));
  PetscCall(MuCheckField(s->grid, 1, &s->xi));
  PetscCall(MuGridCreateField(s->grid, &s->image));
  PetscCall(MuGeometrySetState(s->geometry, s->rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Subject *s) {
  PetscFunctionBegin;
  PetscCall(VecDestroy(&s->rho));
  PetscCall(VecDestroy(&s->xi));
  PetscCall(VecDestroy(&s->image));
  PetscCall(MuGeometryDestroy(&s->geometry));
  PetscCall(MuKernelDestroy(&s->part.kernel));
  PetscCall(MuGridDestroy(&s->grid));
  PetscCall(PetscFree(s->matrix));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ as a matrix, on one rank */

/* Column j is K applied to the j-th unit vector. */
static PetscErrorCode fill_matrix(Subject *s) {
  const PetscInt n = s->info->local_size;
  const PetscReal *column;
  PetscReal *unit;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * n, &s->matrix));
  for (PetscInt j = 0; j < n; ++j) {
    PetscCall(VecGetArray(s->xi, &unit));
    for (PetscInt i = 0; i < n; ++i) unit[i] = i == j;
    PetscCall(VecRestoreArray(s->xi, &unit));
    PetscCall(MuGeometryApply(s->geometry, MU_PART_ALL, s->xi, NULL, s->image));
    PetscCall(VecGetArrayRead(s->image, &column));
    for (PetscInt i = 0; i < n; ++i) s->matrix[i * n + j] = column[i];
    PetscCall(VecRestoreArrayRead(s->image, &column));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode smallest_eigenvalue(PetscInt n, PetscReal *matrix, PetscReal *smallest) {
  PetscReal *values, *work;
  PetscBLASInt size, length, failed;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &size));
  PetscCall(PetscBLASIntCast(8 * n, &length));
  PetscCall(PetscMalloc2(n, &values, 8 * n, &work));
  LAPACKsyev_("N", "U", &size, matrix, &size, values, work, &length, &failed);
  *smallest = failed ? NAN : values[0];
  PetscCall(PetscFree2(values, work));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_matrix(const char *name, PetscInt dim, MuCheckTable *table) {
  Subject s;
  PetscReal largest = 0, asymmetry = 0, mass = 0, smallest;

  PetscFunctionBegin;
  PetscCall(create(PETSC_COMM_SELF, name, dim, dim == 1 ? 24 : 7, BANDWIDTH, NAN, &s));
  PetscCall(fill_matrix(&s));
  const PetscInt n = s.info->local_size;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) {
      largest = PetscMax(largest, PetscAbsReal(s.matrix[i * n + j]));
      asymmetry = PetscMax(asymmetry, PetscAbsReal(s.matrix[i * n + j] - s.matrix[j * n + i]));
    }
  for (PetscInt j = 0; j < n; ++j) {
    PetscReal sum = 0;
    for (PetscInt i = 0; i < n; ++i) sum += s.matrix[i * n + j];
    mass = PetscMax(mass, PetscAbsReal(sum));
  }
  PetscCall(smallest_eigenvalue(n, s.matrix, &smallest));
  MuCheckAdd(table, dim == 1 ? "symmetric, 1-D" : "symmetric, 2-D", "|K - K'| over |K|",
             asymmetry / largest, ROUNDING);
  MuCheckAdd(table, dim == 1 ? "semi-definite, 1-D" : "semi-definite, 2-D",
             "-smallest eigenvalue over |K|", PetscMax(0, -smallest) / largest, ROUNDING);
  if (dim == 1 && s.traits.kind == MU_PART_TRANSPORT)
    MuCheckAdd(table, "mass", "|<1, K xi>|: transport conserves it", mass / largest, ROUNDING);
  if (dim == 1 && s.traits.kind != MU_PART_TRANSPORT)
    MuCheckSkip(table, "mass", "a reaction; `spherical` projects it");
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what is declared */

/* A state that vanishes on the left half. */
static PetscErrorCode empty_half(Subject *s) {
  PetscReal *rho, x[2];

  PetscFunctionBegin;
  PetscCall(VecGetArray(s->rho, &rho));
  for (PetscInt i = 0; i < s->info->local_size; ++i) {
    PetscCall(MuGridCellCentre(s->grid, i, x));
    if (x[0] < 0) rho[i] = 0;
  }
  PetscCall(VecRestoreArray(s->rho, &rho));
  PetscCall(MuGeometrySetState(s->geometry, s->rho));
  PetscFunctionReturn(0);
}

/* Largest |K xi| where rho and its neighbours vanish, over the largest anywhere. */
static PetscErrorCode check_sign(Subject *s, MuCheckTable *table) {
  const PetscReal *image;
  PetscReal inside = 0, outside = 0, x[2];

  PetscFunctionBegin;
  if (!s->traits.vanishes) {
    MuCheckSkip(table, "vanishes with mu", "not declared: a flow may leave the densities");
    PetscFunctionReturn(0);
  }
  PetscCall(empty_half(s));
  PetscCall(MuGeometryApply(s->geometry, MU_PART_ALL, s->xi, NULL, s->image));
  PetscCall(VecGetArrayRead(s->image, &image));
  for (PetscInt i = 0; i < s->info->local_size; ++i) {
    PetscCall(MuGridCellCentre(s->grid, i, x));
    PetscReal *most = x[0] < -s->info->spacing[0] ? &outside : &inside;
    *most = PetscMax(*most, PetscAbsReal(image[i]));
  }
  PetscCall(VecRestoreArrayRead(s->image, &image));
  MuCheckAdd(table, "vanishes with mu", "|K xi| where mu = 0, over its largest", outside / inside,
             ROUNDING);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_relative(Subject *s, MuCheckTable *table) {
  PetscBool has;
  PetscReal difference, largest;
  Vec relative;

  PetscFunctionBegin;
  PetscCall(MuGeometryHasRelative(s->geometry, &has));
  if (!has) {
    MuCheckSkip(table, "relative form", "there is none");
    PetscFunctionReturn(0);
  }
  PetscCall(VecDuplicate(s->xi, &relative));
  PetscCall(MuGeometryApply(s->geometry, MU_PART_ALL, s->xi, NULL, s->image));
  PetscCall(MuGeometryApplyRelative(s->geometry, s->xi, relative));
  PetscCall(VecPointwiseMult(relative, relative, s->rho));
  PetscCall(MuCheckLargest(relative, s->image, &difference));
  PetscCall(MuCheckLargest(s->image, NULL, &largest));
  PetscCall(VecDestroy(&relative));
  MuCheckAdd(table, "relative form", "mu (K xi)/mu against K xi", difference / largest, ROUNDING);
  PetscFunctionReturn(0);
}

/* On an almost constant state a local operator is its mobility there times xi, or the negative
   Laplacian of xi. */
static PetscErrorCode check_locality(Subject *s, MuCheckTable *table) {
  const PetscReal *image, *xi;
  PetscReal value[2] = {0, 0};

  PetscFunctionBegin;
  if (!s->traits.local || s->traits.kind != MU_PART_REACTION || isnan(s->traits.power)) {
    MuCheckSkip(table, "mobility as declared", "not a local reaction with a power of mu");
    PetscFunctionReturn(0);
  }
  PetscCall(VecSet(s->rho, 0.7));
  PetscCall(MuGeometrySetState(s->geometry, s->rho));
  PetscCall(MuGeometryApply(s->geometry, MU_PART_ALL, s->xi, NULL, s->image));
  PetscCall(VecGetArrayRead(s->image, &image));
  PetscCall(VecGetArrayRead(s->xi, &xi));
  for (PetscInt i = 0; i < s->info->local_size; ++i) {
    const PetscReal expected = pow(0.7, s->traits.power) * xi[i];
    value[0] = PetscMax(value[0], PetscAbsReal(image[i] - expected));
    value[1] = PetscMax(value[1], PetscAbsReal(expected));
  }
  PetscCall(VecRestoreArrayRead(s->xi, &xi));
  PetscCall(VecRestoreArrayRead(s->image, &image));
  MuCheckAdd(table, "mobility as declared", "K xi against mu^m xi", value[0] / value[1], ROUNDING);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_declared(const char *name, MuCheckTable *table) {
  Subject s;

  PetscFunctionBegin;
  PetscCall(create(PETSC_COMM_SELF, name, 1, 40, BANDWIDTH, NAN, &s));
  PetscCall(check_relative(&s, table));
  PetscCall(check_sign(&s, table));
  PetscCall(check_locality(&s, table));
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the limit */

/* Numbers of the limit: its own, else those of the part by their names. */
static PetscErrorCode limit_summand(const Subject *s, const MuLimit *limit, MuSummand *to) {
  MuSummandInfo info;

  PetscFunctionBegin;
  PetscCall(MuSummandFind(MuGeometryGetInfo, limit->name, &info));
  *to = (MuSummand){.name = info.name, .weight = limit->factor, .kernel = s->part.kernel};
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) to->value[k] = NAN;
  for (PetscInt k = 0; info.parameters && info.parameters[k].name; ++k) {
    const char *wanted = info.parameters[k].name;
    for (PetscInt j = 0; s->row.parameters && s->row.parameters[j].name; ++j)
      if (!strcmp(s->row.parameters[j].name, wanted)) to->value[k] = s->part.value[j];
    for (PetscInt j = 0; j < MU_MAX_PARAMETERS && limit->set[j].name; ++j)
      if (!strcmp(limit->set[j].name, wanted)) to->value[k] = limit->set[j].value;
  }
  PetscFunctionReturn(0);
}

/* <xi, (K - K_0) xi>, relative: the form, in which walls do not show. */
static PetscErrorCode limit_error(const char *name, const char *parameters, PetscReal bandwidth,
                                  PetscReal ridge, PetscReal *error, MuLimit *limit) {
  Subject s;
  MuGeometry other;
  MuSummand to;
  PetscReal here, there;

  PetscFunctionBegin;
  *error = NAN;
  PetscCall(create(PETSC_COMM_SELF, name, 1, 800, bandwidth, ridge, &s));
  PetscCall(MuGeometryGetLimit(&s.part, parameters, limit));
  if (limit->name) {
    PetscCall(limit_summand(&s, limit, &to));
    const MuGeometrySpec spec = {.parts = 1, .part = {to}};
    PetscCall(MuGeometryCreate(s.grid, &spec, &other));
    PetscCall(MuGeometrySetState(other, s.rho));
    PetscCall(MuGeometryApply(s.geometry, MU_PART_ALL, s.xi, NULL, s.image));
    PetscCall(MuGridInner(s.grid, s.xi, s.image, &here));
    PetscCall(MuGeometryApply(other, MU_PART_ALL, s.xi, NULL, s.image));
    PetscCall(MuGridInner(s.grid, s.xi, s.image, &there));
    *error = PetscAbsReal(here - there) / PetscAbsReal(there);
    PetscCall(MuGeometryDestroy(&other));
  }
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

/* What it tends to as a bandwidth, a ridge or both vanish: halving a small one divides the error by
   2^order. A limit without a declared order must be near. */
static PetscErrorCode check_limits(const char *name, MuCheckTable *table) {
  static const struct {
    const char *parameters, *what;
    PetscReal bandwidth[2], ridge[2]; /* NAN: in the middle of its range */
  } rows[] = {{"bandwidth", "limit, bandwidth", {0.08, 0.04}, {NAN, NAN}},
              {"ridge", "limit, ridge", {0.1, 0.1}, {2e-3, 1e-3}},
              {"bandwidth ridge", "limit, both", {0.08, 0.04}, {4e-3, 1e-3}}};
  const PetscInt before = table->rows;
  PetscReal error[2];
  MuLimit limit;

  PetscFunctionBegin;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; ++r) {
    for (int k = 0; k < 2; ++k)
      PetscCall(limit_error(name, rows[r].parameters, rows[r].bandwidth[k], rows[r].ridge[k],
                            &error[k], &limit));
    if (!limit.name) continue;
    MuCheckOrder(table, rows[r].what, error, &limit);
  }
  if (table->rows == before) MuCheckSkip(table, "limit", "none is declared");
  PetscFunctionReturn(0);
}

/* Along the first energy that needs neither a kernel nor a formula. */
static PetscErrorCode check_flow(const char *name, MuCheckTable *table) {
  MuEnergySpec spec = {.terms = 1};
  MuSummandInfo info;
  MuEnergy energy;
  PetscInt i = 0;
  Subject s;

  PetscFunctionBegin;
  do PetscCall(MuEnergyGetInfo(i++, &info));
  while (info.needs_kernel || info.function_key || info.parameters);
  PetscCall(create(PETSC_COMM_SELF, name, 1, 40, BANDWIDTH, NAN, &s));
  PetscCall(MuCheckDensity(s.grid, 1, &spec.log_target));
  PetscCall(VecLog(spec.log_target));
  spec.term[0] = (MuSummand){.name = info.name, .weight = 1, .value = {NAN, NAN, NAN, NAN}};
  PetscCall(MuEnergyCreate(s.grid, &spec, &energy));
  PetscCall(MuCheckFlow(s.grid, energy, s.geometry, s.rho, table));
  PetscCall(MuEnergyDestroy(&energy));
  PetscCall(VecDestroy(&spec.log_target));
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ ranks */

static PetscErrorCode norm_of_image(MPI_Comm comm, const char *name, PetscReal norm[2]) {
  Subject s;

  PetscFunctionBegin;
  PetscCall(create(comm, name, 2, 17, BANDWIDTH, NAN, &s));
  PetscCall(MuGeometryApply(s.geometry, MU_PART_ALL, s.xi, NULL, s.image));
  PetscCall(MuGridInner(s.grid, s.image, s.image, &norm[0]));
  PetscCall(MuGridInner(s.grid, s.xi, s.image, &norm[1]));
  PetscCall(destroy(&s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckGeometry(MPI_Comm comm, const char *name, MuCheckTable *table) {
  PetscFunctionBegin;
  table->rows = 0;
  PetscCall(check_matrix(name, 1, table));
  PetscCall(check_matrix(name, 2, table));
  PetscCall(check_declared(name, table));
  PetscCall(check_flow(name, table));
  PetscCall(check_limits(name, table));
  PetscCall(
      MuCheckRanks(comm, name, norm_of_image, "|K xi| and <xi, K xi>, relative", 1e-9, table));
  PetscFunctionReturn(0);
}
