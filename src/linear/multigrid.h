/* Cell-centred multigrid for finite volumes on 2-D grids, as a preconditioner. */
#ifndef MUDOT_LINEAR_MULTIGRID_H
#define MUDOT_LINEAR_MULTIGRID_H

#include "linear/face_matrix.h"

typedef struct _p_MuMultigrid *MuMultigrid;

/* All levels and work space are allocated here. `symmetric`: for matrices with b = a, a cycle that
   is symmetric and positive semi-definite, as conjugate gradients need it, and that copes with e =
   0; otherwise the one that reduces residuals fastest. `single`: levels in single precision.
   Collective. */
PetscErrorCode MuMultigridCreate(MuGrid grid, PetscBool symmetric, PetscBool single,
                                 MuMultigrid *multigrid);
PetscErrorCode MuMultigridDestroy(MuMultigrid *multigrid);
/* Levels and coarsest factors. The matrix is not used after it. Collective. */
PetscErrorCode MuMultigridSetUp(MuMultigrid multigrid, const MuFaceMatrix *matrix);
/* z ~ A^-1 r by one cycle, on local arrays [rows][row_length]; r is 0 in the cells outside. r is
   multiplied by `scale` before it is rounded to the levels' precision, and z divided by it: in
   single precision |r| scale should be about one per cell. product (NULL: not asked for) becomes
   <r, z> of this rank's cells. Collective. */
PetscErrorCode MuMultigridApply(MuMultigrid multigrid, const PetscReal *r, PetscReal scale,
                                PetscReal *z, PetscReal *product);

#endif
