/* Kernel sums between walls. Private to particles/. */
#ifndef MUDOT_WALL_KERNEL_H
#define MUDOT_WALL_KERNEL_H

#include "mudot/case.h"
#include "particles/pairs.h"

/* A kernel that meets the walls of the box as it does on the grid: `zero` is k on R^d; under
   `reflect` every source has its images, k(x, y) = sum over images y' of k(x - y'), as many as the
   kernel's support reaches. Without a box always `zero`. */
typedef struct _MuWallKernel *MuWallKernel;
/* info NULL: no box. Collective. MU_ERR_INPUT: `reflect` and a kernel of infinite support. */
PetscErrorCode MuWallKernelCreate(MPI_Comm comm, const MuKernelSpec *spec, PetscInt dim,
                                  const MuGridInfo *info, MuWallKernel *kernel);
/* The same for the kernel that the summands of "energy" or "geometry" have in common; `why` ends
   the sentence where the case has none: "svgd needs a kernel". */
PetscErrorCode MuWallKernelOfCase(MuCase c, MPI_Comm comm, const char *block, const char *why,
                                  PetscInt dim, const MuGridInfo *info, MuWallKernel *kernel);
PetscErrorCode MuWallKernelDestroy(MuWallKernel *kernel);
PetscErrorCode MuWallKernelGet(MuWallKernel kernel, MuRadial *radial, PetscBool *reflects,
                               const MuKernelSpec **spec);
/* MuPairsApply() with k(x, y). Collective. */
PetscErrorCode MuWallKernelApply(MuWallKernel kernel, PetscInt n, const PetscReal *x,
                                 const PetscReal *w, PetscInt m, const PetscReal *y, PetscReal *sum,
                                 PetscReal *gradient);
/* MuPairsApplyColumns() with 1 + dim columns: column 0 as above; column 1 + a belongs to component
   a of a vector field, whose images are odd along axis a. */
PetscErrorCode MuWallKernelApplyVector(MuWallKernel kernel, PetscInt n, const PetscReal *x,
                                       const PetscReal *w, PetscInt m, const PetscReal *y,
                                       PetscReal *sums, PetscReal *gradient);
/* What earlier sums have left, MU_PAIRS_MEMORY numbers; see MuPairsRemember(). */
PetscErrorCode MuWallKernelRemember(MuWallKernel kernel, PetscReal memory[]);
PetscErrorCode MuWallKernelRecall(MuWallKernel kernel, const PetscReal memory[]);
/* Whether both sum the same numbers. */
PetscBool MuWallKernelsAgree(MuWallKernel a, MuWallKernel b);

#endif
