/* Slabs of rows to slabs of columns and back. */
#ifndef MUDOT_GRID_TRANSPOSE_H
#define MUDOT_GRID_TRANSPOSE_H

#include "mudot/grid.h"

/* Redistribution between slabs of rows and slabs of columns, for what works along the slow axis of
   a 2-D grid. An item is `item` consecutive doubles. Rows are split as in the grid; `columns`
   columns are split as evenly as PETSc splits a layout. Rows side: [rows][columns][item]; columns
   side: [my columns][total_rows][item]. */
typedef struct _p_MuTranspose *MuTranspose;
PetscErrorCode MuTransposeCreate(MuGrid grid, PetscInt columns, PetscInt item,
                                 MuTranspose *transpose);
PetscErrorCode MuTransposeDestroy(MuTranspose *transpose);
PetscErrorCode MuTransposeGetColumns(MuTranspose transpose, PetscInt *first, PetscInt *count);
/* Collective; in and out must not overlap. */
PetscErrorCode MuTransposeForward(MuTranspose transpose, const PetscReal *rows, PetscReal *columns);
PetscErrorCode MuTransposeBackward(MuTranspose transpose, const PetscReal *columns,
                                   PetscReal *rows);

#endif
