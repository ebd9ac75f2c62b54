/* Means over blocks of cells: what a density on a fine grid is on a coarser one. */
#include "grid/arrays.h"

void MuArrayBlockMeans(const PetscInt fine[2], const PetscReal *f, const PetscInt coarse[2],
                       PetscInt stride, PetscReal *c) {
  const PetscInt rx = fine[0] / coarse[0], ry = fine[1] / coarse[1];
  for (PetscInt i = 0; i < coarse[0] * coarse[1]; ++i) c[i * stride] = 0;
  for (PetscInt j = 0; j < fine[1]; ++j)
    for (PetscInt i = 0; i < fine[0]; ++i)
      c[((j / ry) * coarse[0] + i / rx) * stride] += f[j * fine[0] + i] / (PetscReal)(rx * ry);
}
