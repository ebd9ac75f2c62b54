/* The cells that densities are asked for, and what is said of a value there. */
#include "measure/density_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void MuCellsFromGrid(const MuGridInfo *info, MuCells *cells) {
  memset(cells, 0, sizeof *cells);
  cells->comm = info->comm;
  cells->dim = info->dim;
  for (PetscInt a = 0; a < 2; ++a) {
    cells->cells[a] = info->cells[a];
    cells->lower[a] = info->lower[a];
    cells->upper[a] = info->upper[a];
    cells->periodic[a] = info->periodic[a];
  }
  cells->first = info->first_row * info->row_length;
  cells->count = info->local_size;
  cells->mask = info->mask;
}

void MuCellCentre(const MuCells *cells, PetscInt i, PetscReal x[2]) {
  const PetscInt cell = cells->first + i, nx = cells->cells[0];
  const PetscInt index[2] = {cell % nx, cell / nx};
  x[1] = 0;
  for (PetscInt a = 0; a < cells->dim; ++a)
    x[a] = cells->lower[a] +
           (index[a] + 0.5) * ((cells->upper[a] - cells->lower[a]) / cells->cells[a]);
}

/* "(x)" or "(x, y)" */
static const char *point_text(PetscInt dim, const PetscReal x[2], char text[80]) {
  if (dim == 1)
    snprintf(text, 80, "(%g)", x[0]);
  else
    snprintf(text, 80, "(%g, %g)", x[0], x[1]);
  return text;
}

PetscErrorCode MuDensityCheckValue(MuDensity d, const MuCells *cells, PetscInt i, const char *what,
                                   PetscBool is_log, PetscReal value, PetscReal *log_density) {
  char text[80];
  PetscReal x[2];

  PetscFunctionBegin;
  *log_density = is_log ? value : (value > 0 ? log(value) : -INFINITY);
  if (value < INFINITY && (is_log || value >= 0)) PetscFunctionReturn(0);
  MuCellCentre(cells, i, x);
  return MuError(MU_ERR_INPUT, "%s_%s: the value at %s is %g; it must be %s", d->block, what,
                 point_text(d->dim, x, text), value,
                 is_log ? "a number below infinity" : "finite and not negative");
}
