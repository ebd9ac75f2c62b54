/* Private to grid/. */
#ifndef MUDOT_GRID_IMPL_H
#define MUDOT_GRID_IMPL_H

#include "mudot.h"

struct _p_MuGrid {
  PetscInt references;
  MuGridInfo info;
  DM dm;
  PetscInt *row_starts;
  PetscMPIInt *cell_counts, *cell_starts; /* [size] cells of the ranks in a global array */
  unsigned char *mask;
  unsigned char *open[2];
  PetscReal *halo_below, *halo_above; /* [row_length] scratch of the face operators */
};

#endif
