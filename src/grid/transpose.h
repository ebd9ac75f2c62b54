/* Slabs of rows to slabs of columns and back. */
#ifndef MUDOT_GRID_TRANSPOSE_H
#define MUDOT_GRID_TRANSPOSE_H

#include "mudot/grid.h"

#define MU_CACHE_LINE 8 /* doubles */

/* Redistribution between slabs of rows and slabs of columns, for what works along the slow axis of
   a 2-D grid, by messages; see window.h where the ranks share memory. An item is `item` consecutive
   doubles. Rows are split as in the grid, columns as MuColumnRange() says. Rows side:
   [rows][columns][item]; columns side: [my columns][total_rows][item]. */
typedef struct _p_MuTranspose *MuTranspose;

/* The columns [*first, *first + *count) of `columns` for rank r: whole cache lines of a row, or
   single columns where there are fewer cache lines than ranks. */
void MuColumnRange(const MuGridInfo *info, PetscInt columns, PetscInt item, PetscMPIInt r,
                   PetscInt *first, PetscInt *count);

PetscErrorCode MuTransposeCreate(MuGrid grid, PetscInt columns, PetscInt item,
                                 MuTranspose *transpose);
PetscErrorCode MuTransposeDestroy(MuTranspose *transpose);
/* Collective; in and out must not overlap. */
PetscErrorCode MuTransposeForward(MuTranspose transpose, const PetscReal *rows, PetscReal *columns);
PetscErrorCode MuTransposeBackward(MuTranspose transpose, const PetscReal *columns,
                                   PetscReal *rows);

#endif
