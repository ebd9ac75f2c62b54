/* uniform: constant in a box. */
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

static PetscErrorCode fill_uniform(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscReal constant = 0;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < d->dim; ++a) constant -= log(d->upper[a] - d->lower[a]);
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal x[2];
    MuCellCentre(cells, i, x);
    log_density[i] = constant;
    for (PetscInt a = 0; a < d->dim; ++a)
      if (x[a] < d->lower[a] || x[a] > d->upper[a]) log_density[i] = -INFINITY;
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
