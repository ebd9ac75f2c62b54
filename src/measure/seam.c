/* Formulas on periodic axes: whether they go on where the axis closes. */
#include "measure/density_impl.h"

#include <math.h>

/* Least and largest finite value at the centres of the cells of all ranks, from their numbers. */
static PetscErrorCode find_range(MuFormula formula, const MuCells *cells, PetscReal range[2]) {
  MuCells all = *cells;

  PetscFunctionBegin;
  all.first = 0;
  range[0] = INFINITY;
  range[1] = -INFINITY;
  for (PetscInt i = 0; i < cells->cells[0] * (cells->dim == 2 ? cells->cells[1] : 1); ++i) {
    PetscReal x[2], value;
    MuCellCentre(&all, i, x);
    PetscCall(MuFormulaEvaluate(formula, x, &value));
    if (PetscIsInfOrNanReal(value)) continue;
    range[0] = PetscMin(range[0], value);
    range[1] = PetscMax(range[1], value);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode look_along(MuFormula formula, const MuCells *cells, PetscInt axis,
                                 PetscReal least, MuSeam *seam) {
  const PetscInt other = 1 - axis, count = cells->dim == 2 ? cells->cells[other] : 1;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < count; ++k) {
    PetscReal x[2] = {0, 0}, first, last;
    if (cells->dim == 2) x[other] = cells->lower[other] + (k + 0.5) * MuCellSpacing(cells, other);
    x[axis] = cells->lower[axis];
    PetscCall(MuFormulaEvaluate(formula, x, &first));
    x[axis] = cells->upper[axis];
    PetscCall(MuFormulaEvaluate(formula, x, &last));
    const PetscReal jump = PetscAbsReal(last - first);
    if (!(jump > least) || jump <= PetscAbsReal(seam->last - seam->first)) continue;
    *seam = (MuSeam){.axis = axis, .first = first, .last = last};
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFormulaSeam(MuFormula formula, const MuCells *cells, MuSeam *seam) {
  PetscReal range[2];

  PetscFunctionBegin;
  *seam = (MuSeam){.axis = -1};
  if (!cells->periodic[0] && !(cells->dim == 2 && cells->periodic[1])) PetscFunctionReturn(0);
  PetscCall(find_range(formula, cells, range));
  for (PetscInt a = 0; a < cells->dim; ++a)
    if (cells->periodic[a])
      PetscCall(look_along(formula, cells, a, 1e-3 * (range[1] - range[0]), seam));
  PetscFunctionReturn(0);
}
