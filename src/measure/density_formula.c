/* formula: a density, or its logarithm, in x and y. */
#include "measure/density_impl.h"

#include <stdio.h>

static PetscErrorCode create_formula(MuDensity d, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  if (!spec->density == !spec->log_density)
    return MuError(MU_ERR_INPUT,
                   "%s_density: a formula needs one of `density` and `log_density`, %s", d->block,
                   spec->density ? "not both" : "and neither is given");
  d->formula_is_log = (PetscBool)(spec->log_density != NULL);
  snprintf(key, sizeof key, "%s_%s", d->block, d->formula_is_log ? "log_density" : "density");
  PetscCall(
      MuFormulaCreate(key, d->formula_is_log ? spec->log_density : spec->density, &d->formula));
  PetscCall(MuFormulaCheckDimension(d->formula, key, d->dim));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_seam(MuDensity d, const MuCells *cells) {
  MuSeam seam;

  PetscFunctionBegin;
  PetscCall(MuFormulaSeam(d->formula, cells, &seam));
  if (seam.axis >= 0)
    MuDensityDoubt(d,
                   "%s_%s: is %g at one end of the periodic axis %s and %g at the other: the "
                   "density jumps there",
                   d->block, d->formula_is_log ? "log_density" : "density", seam.first,
                   seam.axis ? "y" : "x", seam.last);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_formula(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal x[2], value;
    if (!MuCellIsInside(cells, i)) continue;
    MuCellCentre(cells, i, x);
    PetscCall(MuFormulaEvaluate(d->formula, x, &value));
    PetscCall(MuDensityCheckValue(d, cells, i, d->formula_is_log ? "log_density" : "density",
                                  d->formula_is_log, value, &log_density[i]));
  }
  PetscCall(check_seam(d, cells));
  PetscFunctionReturn(0);
}

static PetscErrorCode formula_law(MuLaw law, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  law->kind = MU_LAW_FORMULA;
  law->formula_is_log = (PetscBool)(spec->log_density != NULL);
  snprintf(key, sizeof key, "%s_%s", law->block, law->formula_is_log ? "log_density" : "density");
  PetscCall(
      MuFormulaCreate(key, law->formula_is_log ? spec->log_density : spec->density, &law->formula));
  PetscFunctionReturn(0);
}

static const MuDensityField fields[] = {
    {"density", MU_FIELD_TEXT, offsetof(MuDensitySpec, density), 0, PETSC_TRUE},
    {"log_density", MU_FIELD_TEXT, offsetof(MuDensitySpec, log_density), 0, PETSC_TRUE},
    {.name = NULL}};

const MuDensityOps MuDensityFormula = {.name = "formula",
                                       .formula = "density, or exp(log_density), of x and y",
                                       .fields = fields,
                                       .needs_grid = PETSC_TRUE,
                                       .create = create_formula,
                                       .fill = fill_formula,
                                       .law = formula_law};
