/* Densities as log densities of cells: the object and its normalisation. */
#include "measure/density_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static PetscReal cell_volume(const MuCells *cells) {
  PetscReal volume = 1;
  for (PetscInt a = 0; a < cells->dim; ++a) volume *= MuCellSpacing(cells, a);
  return volume;
}

/* ------------------------------------------------------------------ the object */

void MuDensitySpecDefault(MuDensitySpec *spec) {
  memset(spec, 0, sizeof *spec);
  spec->components = 1;
  spec->block = "target";
}

static PetscErrorCode create_parts(MuDensity d, const MuDensitySpec *spec) {
  PetscFunctionBegin;
  PetscCall(MuDensityFind(d->block, spec->type, &d->ops));
  if (!(spec->background >= 0) || PetscIsInfReal(spec->background))
    return MuError(MU_ERR_INPUT, "%s_background: %g is not allowed; it must not be negative",
                   d->block, spec->background);
  if (!(spec->mass >= 0) || PetscIsInfReal(spec->mass))
    return MuError(MU_ERR_INPUT, "%s_mass: %g is not allowed; it must be positive", d->block,
                   spec->mass);
  d->background = spec->background;
  d->mass = spec->mass > 0 ? spec->mass : 1;
  PetscCall(d->ops->create(d, spec));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityCreate(MPI_Comm comm, PetscInt dim, const MuDensitySpec *spec,
                               MuDensity *density) {
  MuDensity d;

  PetscFunctionBegin;
  *density = NULL;
  PetscCall(PetscNew(&d));
  d->comm = comm;
  d->dim = dim;
  PetscCallMPI(MPI_Comm_rank(comm, &d->rank));
  snprintf(d->block, sizeof d->block, "%s", spec->block ? spec->block : "target");
  PetscErrorCode failed = create_parts(d, spec);
  if (failed) {
    PetscCall(MuDensityDestroy(&d));
    return failed;
  }
  *density = d;
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityDestroy(MuDensity *density) {
  MuDensity d = *density;

  PetscFunctionBegin;
  *density = NULL;
  if (!d) PetscFunctionReturn(0);
  PetscCall(MuFormulaDestroy(&d->formula));
  PetscCall(PetscFree(d->normal));
  PetscCall(PetscFree(d->values));
  PetscCall(PetscFree(d->points));
  PetscCall(PetscFree(d->stored.values));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityFillLogRaw(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  PetscErrorCode failed = d->ops->fill(d, cells, log_density);
  PetscCall(d->ops->collective ? failed : MuErrorAgree(d->comm, failed));
  for (PetscInt i = 0; i < cells->count; ++i)
    if (!MuCellIsInside(cells, i)) log_density[i] = -INFINITY;
  PetscFunctionReturn(0);
}

/* log M = *largest + *rest, M the integral of f over the inside cells and *largest the largest log
   density, apart so that values near it lose no digits; and log |D|. The same on every rank. */
static PetscErrorCode log_mass(const MuCells *cells, const PetscReal *log_density,
                               PetscReal *largest, PetscReal *rest, PetscReal *inside) {
  PetscReal sums[2] = {0, 0};

  PetscFunctionBegin;
  *largest = -INFINITY;
  for (PetscInt i = 0; i < cells->count; ++i) *largest = PetscMax(*largest, log_density[i]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, 1, MPIU_REAL, MPI_MAX, cells->comm));
  for (PetscInt i = 0; i < cells->count; ++i) {
    if (!MuCellIsInside(cells, i)) continue;
    sums[1] += 1;
    if (log_density[i] > -INFINITY) sums[0] += exp(log_density[i] - *largest);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, cells->comm));
  *rest = log(sums[0] * cell_volume(cells));
  *inside = log(sums[1] * cell_volume(cells));
  PetscFunctionReturn(0);
}

/* log(e^a + e^b) */
static PetscReal log_add(PetscReal a, PetscReal b) {
  PetscReal high = PetscMax(a, b), low = PetscMin(a, b);
  return low == -INFINITY ? high : high + log1p(exp(low - high));
}

PetscErrorCode MuDensityFillLog(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  const PetscReal background = log(d->background);
  const PetscReal total = log1p(d->background) - log(d->mass);
  PetscReal largest, rest, inside;

  PetscFunctionBegin;
  PetscCall(MuDensityFillLogRaw(d, cells, log_density));
  PetscCall(log_mass(cells, log_density, &largest, &rest, &inside));
  if (largest == -INFINITY)
    return MuError(MU_ERR_INPUT,
                   "%s_type: the density `%s` has no mass on the grid; place it inside the grid",
                   d->block, d->ops->name);
  for (PetscInt i = 0; i < cells->count; ++i) {
    if (!MuCellIsInside(cells, i)) continue;
    log_density[i] = log_add(log_density[i] - largest - rest, background - inside) - total;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityMassOutside(MuDensity d, const PetscReal lower[2], const PetscReal upper[2],
                                    PetscReal *mass) {
  PetscFunctionBegin;
  *mass = 0;
  for (PetscInt a = 0; a < d->dim; ++a) {
    PetscReal beyond = 0;
    for (PetscInt k = 0; k < d->components; ++k) {
      const MuNormal *normal = &d->normal[k];
      const PetscReal scale = sqrt(2) * (a == 0 ? normal->l[0] : hypot(normal->l[1], normal->l[2]));
      beyond +=
          exp(normal->log_weight) * 0.5 *
          (erfc((normal->mean[a] - lower[a]) / scale) + erfc((upper[a] - normal->mean[a]) / scale));
    }
    *mass = PetscMax(*mass, beyond);
  }
  PetscFunctionReturn(0);
}
