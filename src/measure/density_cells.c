/* What the types of densities use: cells, values, doubts. */
#include "measure/density_impl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ cells */

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

PetscReal MuCellSpacing(const MuCells *cells, PetscInt axis) {
  return (cells->upper[axis] - cells->lower[axis]) / cells->cells[axis];
}

void MuCellCentre(const MuCells *cells, PetscInt i, PetscReal x[2]) {
  const PetscInt cell = cells->first + i, nx = cells->cells[0];
  const PetscInt index[2] = {cell % nx, cell / nx};
  x[1] = 0;
  for (PetscInt a = 0; a < cells->dim; ++a)
    x[a] = cells->lower[a] + (index[a] + 0.5) * MuCellSpacing(cells, a);
}

void MuCellBox(const MuCells *cells, PetscInt i, PetscReal lower[2], PetscReal upper[2]) {
  const PetscInt cell = cells->first + i, nx = cells->cells[0];
  const PetscInt index[2] = {cell % nx, cell / nx};
  lower[1] = upper[1] = 0;
  for (PetscInt a = 0; a < cells->dim; ++a) {
    lower[a] = cells->lower[a] + index[a] * MuCellSpacing(cells, a);
    upper[a] = cells->lower[a] + (index[a] + 1) * MuCellSpacing(cells, a);
  }
}

/* ------------------------------------------------------------------ values and doubts */

/* "(x)" or "(x, y)" */
static const char *point_text(PetscInt dim, const PetscReal x[2], char text[80]) {
  if (dim == 1)
    snprintf(text, 80, "(%g)", x[0]);
  else
    snprintf(text, 80, "(%g, %g)", x[0], x[1]);
  return text;
}

void MuDensityDoubt(MuDensity d, const char *format, ...) {
  const size_t used = strlen(d->doubts), room = sizeof d->doubts - used;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(d->doubts + used, room, format, arguments);
  va_end(arguments);
  const size_t end = strlen(d->doubts);
  if (end + 1 < sizeof d->doubts) memcpy(d->doubts + end, "\n", 2);
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
