/* run: a snapshot of another run, whose cells may be others: the mass of each is shared among those
   that it overlaps (first order, conservative). */
#include "measure/density_impl.h"

#include <math.h>

static PetscReal mass_of(const MuCellDensity *s) {
  PetscReal mass = 0;
  for (PetscInt i = 0; i < s->cells[0] * s->cells[1]; ++i) mass += s->values[i];
  for (PetscInt a = 0; a < s->dim; ++a) mass *= (s->upper[a] - s->lower[a]) / s->cells[a];
  return mass;
}

static PetscErrorCode create_run(MuDensity d, const MuDensitySpec *spec) {
  const MuCellDensity *stored = spec->stored;

  PetscFunctionBegin;
  if (!stored)
    return MuError(MU_ERR_INPUT, "%s_directory: the directory of the run is missing", d->block);
  if (stored->dim != d->dim)
    return MuError(MU_ERR_INPUT, "%s_directory: the run there is %d-D, the grid %d-D", d->block,
                   (int)stored->dim, (int)d->dim);
  const PetscInt total = stored->cells[0] * stored->cells[1];
  d->stored = *stored;
  PetscCall(PetscMalloc1(total, &d->stored.values));
  PetscCall(PetscArraycpy(d->stored.values, stored->values, total));
  d->stored_mass = mass_of(stored);
  if (spec->mass == 0 && d->stored_mass > 0) d->mass = d->stored_mass;
  PetscFunctionReturn(0);
}

/* The stored cells along an axis that [lower, upper] touches, and the part of each that lies in it.
   part: room for all of them. */
static void find_parts(const MuCellDensity *s, PetscInt axis, PetscReal lower, PetscReal upper,
                       PetscInt *first, PetscInt *count, PetscReal *part) {
  const PetscInt n = s->cells[axis];
  const PetscReal h = (s->upper[axis] - s->lower[axis]) / n;
  const PetscReal from = PetscFloorReal((lower - s->lower[axis]) / h);
  const PetscReal to = PetscCeilReal((upper - s->lower[axis]) / h);
  *first = (PetscInt)PetscClipInterval(from, 0, n);
  *count = (PetscInt)PetscClipInterval(to, 0, n) - *first;
  for (PetscInt k = 0; k < *count; ++k) {
    const PetscReal a = s->lower[axis] + (*first + k) * h;
    part[k] = PetscMax(PetscMin(upper, a + h) - PetscMax(lower, a), 0);
  }
}

/* The mean of the stored density over a cell. part: [cells[0]] and [cells[1]]. */
static PetscReal mean_over(const MuCellDensity *s, const PetscReal lower[2],
                           const PetscReal upper[2], PetscReal *const part[2]) {
  PetscInt first[2] = {0, 0}, count[2] = {1, 1};
  PetscReal sum = 0, volume = 1;
  part[1][0] = 1;
  for (PetscInt a = 0; a < s->dim; ++a) {
    find_parts(s, a, lower[a], upper[a], &first[a], &count[a], part[a]);
    volume *= upper[a] - lower[a];
  }
  for (PetscInt j = 0; j < count[1]; ++j)
    for (PetscInt i = 0; i < count[0]; ++i)
      sum += part[0][i] * part[1][j] * s->values[(first[1] + j) * s->cells[0] + first[0] + i];
  return sum / volume;
}

/* What lies beyond the grid or under its mask is lost; another mass than its own is told. */
static PetscErrorCode doubt_mass(MuDensity d, const MuCells *cells, PetscReal here) {
  const PetscReal there = d->stored_mass;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &here, 1, MPIU_REAL, MPI_SUM, cells->comm));
  if (here < there * (1 - 1e-9))
    MuDensityDoubt(d,
                   "%s_directory: %.3g %% of the mass lies outside the domain and is cut off; the "
                   "rest is scaled to the mass %.6g",
                   d->block, 100 * (1 - here / there), d->mass);
  if (PetscAbsReal(there - d->mass) > 1e-6 * there)
    MuDensityDoubt(d, "%s_directory: the density there has the mass %.6g; it is scaled to %.6g",
                   d->block, there, d->mass);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_cells(MuDensity d, const MuCells *cells, PetscReal *log_density,
                                 PetscReal *mass) {
  PetscReal lower[2], upper[2], value, volume = 1, *part[2];
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(d->stored.cells[0], &part[0], d->stored.cells[1], &part[1]));
  for (PetscInt a = 0; a < d->dim; ++a) volume *= MuCellSpacing(cells, a);
  for (PetscInt i = 0; i < cells->count && !failed; ++i) {
    if (!MuCellIsInside(cells, i)) continue;
    MuCellBox(cells, i, lower, upper);
    value = mean_over(&d->stored, lower, upper, part);
    *mass += value * volume;
    failed = MuDensityCheckValue(d, cells, i, "directory", PETSC_FALSE, value, &log_density[i]);
  }
  PetscCall(PetscFree2(part[0], part[1]));
  PetscFunctionReturn(failed);
}

static PetscErrorCode fill_run(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscReal mass = 0;

  PetscFunctionBegin;
  PetscCall(MuErrorAgree(cells->comm, fill_cells(d, cells, log_density, &mass)));
  PetscCall(doubt_mass(d, cells, mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_law(MuLaw law, const MuDensitySpec *spec) {
  (void)spec;
  law->kind = MU_LAW_CELLS;
  return 0;
}

static const MuDensityField fields[] = {
    {"directory", MU_FIELD_RUN, offsetof(MuDensitySpec, stored), 0, PETSC_FALSE}, {.name = NULL}};

const MuDensityOps MuDensityRun = {.name = "run",
                                   .formula = "a snapshot of a run, on its grid or another one",
                                   .fields = fields,
                                   .needs_grid = PETSC_TRUE,
                                   .create = create_run,
                                   .fill = fill_run,
                                   .collective = PETSC_TRUE,
                                   .law = run_law};
