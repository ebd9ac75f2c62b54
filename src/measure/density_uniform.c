/* uniform: constant in a box, which a periodic axis wraps. */
#include "measure/density_impl.h"

#include <math.h>

static PetscErrorCode create_uniform(MuDensity d, const MuDensitySpec *spec) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < d->dim; ++a) {
    d->lower[a] = spec->lower[a];
    d->upper[a] = spec->upper[a];
    if (!(spec->lower[a] < spec->upper[a]))
      return MuError(MU_ERR_INPUT,
                     "%s_upper: axis %d runs from %g to %g; upper must be above lower", d->block,
                     (int)a, spec->lower[a], spec->upper[a]);
  }
  PetscFunctionReturn(0);
}

/* Whether the box, or an image of it, holds x along an axis. */
static PetscBool holds(MuDensity d, const MuCells *cells, PetscInt a, PetscReal x) {
  const PetscReal period = cells->upper[a] - cells->lower[a];
  if (x >= d->lower[a] && x <= d->upper[a]) return PETSC_TRUE;
  if (!cells->periodic[a]) return PETSC_FALSE;
  return (PetscBool)(x + period * PetscCeilReal((d->lower[a] - x) / period) <= d->upper[a]);
}

/* The part of the box, with its images, that lies between two faces of a cell. */
static PetscReal overlap(MuDensity d, const MuCells *cells, PetscInt a, PetscReal lower,
                         PetscReal upper) {
  const PetscReal period = cells->upper[a] - cells->lower[a];
  PetscInt64 first = 0, last = 0;
  PetscReal sum = 0;
  if (cells->periodic[a]) {
    first = (PetscInt64)PetscFloorReal((d->lower[a] - upper) / period);
    last = (PetscInt64)PetscCeilReal((d->upper[a] - lower) / period);
  }
  for (PetscInt64 k = first; k <= last; ++k)
    sum += PetscMax(PetscMin(d->upper[a], upper + (PetscReal)k * period) -
                        PetscMax(d->lower[a], lower + (PetscReal)k * period),
                    0);
  return sum;
}

/* Along an axis a cell has the box's density if its centre lies in the box; if the box is narrower
   than a cell, the mean of it, so that no place of the box is lost between two centres. */
static PetscErrorCode fill_uniform(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal x[2], lower[2], upper[2], constant = 0;
    PetscBool inside = PETSC_TRUE;
    MuCellCentre(cells, i, x);
    MuCellBox(cells, i, lower, upper);
    for (PetscInt a = 0; a < d->dim; ++a) {
      const PetscReal width = d->upper[a] - d->lower[a], spacing = MuCellSpacing(cells, a);
      const PetscReal share = width < spacing ? overlap(d, cells, a, lower[a], upper[a]) / spacing
                                              : (PetscReal)holds(d, cells, a, x[a]);
      constant -= log(width);
      if (share <= 0)
        inside = PETSC_FALSE;
      else if (share < 1)
        constant += log(share);
    }
    log_density[i] = inside ? constant : -INFINITY;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode uniform_law(MuLaw law, const MuDensitySpec *spec) {
  PetscFunctionBegin;
  law->kind = MU_LAW_UNIFORM;
  for (PetscInt a = 0; a < law->dim; ++a) {
    const PetscReal lower = law->info->lower[a], upper = law->info->upper[a];
    law->lower[a] = PetscClipInterval(spec->lower[a], lower, upper);
    law->upper[a] = PetscClipInterval(spec->upper[a], lower, upper);
    law->log_mass += PetscLogReal(law->upper[a] - law->lower[a]);
  }
  PetscFunctionReturn(0);
}

static const MuDensityField fields[] = {
    {"lower", MU_FIELD_BOX, offsetof(MuDensitySpec, lower), 0, PETSC_TRUE},
    {"upper", MU_FIELD_BOX, offsetof(MuDensitySpec, upper), 0, PETSC_TRUE},
    {.name = NULL}};

const MuDensityOps MuDensityUniform = {.name = "uniform",
                                       .formula = "constant between lower and upper",
                                       .fields = fields,
                                       .needs_grid = PETSC_TRUE,
                                       .create = create_uniform,
                                       .fill = fill_uniform,
                                       .law = uniform_law};
