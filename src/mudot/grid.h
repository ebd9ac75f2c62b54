/* Grids and the fields on them. */
#ifndef MUDOT_GRID_H
#define MUDOT_GRID_H

#include "mudot/base.h"
#include <petscdmda.h>

typedef struct _p_MuGrid *MuGrid;

/* What a grid is made from. Axis 0 is x, axis 1 is y. */
typedef struct {
  PetscInt dim;                 /* 1 or 2 */
  PetscReal lower[2], upper[2]; /* corners of the box */
  PetscInt cells[2];            /* number of cells per axis; cells[1] is ignored in 1-D */
  PetscBool periodic[2];        /* otherwise no-flux walls */
  const unsigned char *mask; /* global [ny][nx], 1 = inside, the same on all ranks; NULL: everything
                                is inside. Copied. */
} MuGridSpec;

/* What may be known of a grid; read only, owned by the grid. The slow axis is the one cut among the
   ranks: y in 2-D, x in 1-D. Local arrays are [rows][row_length]: in 1-D row_length is 1 and a
   "row" is a cell. */
typedef struct {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  PetscInt dim;
  PetscInt cells[2]; /* cells[1] = 1 in 1-D */
  PetscReal lower[2], upper[2];
  PetscReal spacing[2]; /* cell widths; spacing[1] = 1 in 1-D */
  PetscReal volume;     /* |C|: product of the dim widths */
  PetscBool periodic[2];
  PetscInt slow_axis;           /* dim - 1 */
  PetscInt row_length;          /* nx in 2-D, 1 in 1-D */
  PetscInt total_rows;          /* cells[slow_axis] */
  PetscInt first_row, rows;     /* rows of this rank */
  PetscInt local_size;          /* rows * row_length */
  const PetscInt *row_starts;   /* [size + 1] first row of every rank */
  PetscBool masked;             /* whether any cell is outside */
  const unsigned char *mask;    /* [rows][row_length], 1 = inside; never NULL */
  const unsigned char *open[2]; /* per axis: 1 where the lower face of the cell joins two inside
                                   cells; a face field */
  PetscInt inside;              /* global number of inside cells */
} MuGridInfo;

/* Creates a grid. Collective on comm. MU_ERR_INPUT: no cells, an empty box, no inside cell, fewer
 * rows than ranks. */
PetscErrorCode MuGridCreate(MPI_Comm comm, const MuGridSpec *spec, MuGrid *grid);
PetscErrorCode MuGridDestroy(MuGrid *grid);
PetscErrorCode MuGridReference(MuGrid grid);
PetscErrorCode MuGridGetInfo(MuGrid grid, const MuGridInfo **info);

/* A DMDA of the same layout; borrowed. Made at the first call, which is collective. */
PetscErrorCode MuGridGetDM(MuGrid grid, DM *dm);

/* A new field of zeros; the caller destroys it with VecDestroy(). Collective. */
PetscErrorCode MuGridCreateField(MuGrid grid, Vec *field);

/* Centre of the cell with local index i: x[0], x[1] (x[1] = 0 in 1-D). Not collective. */
PetscErrorCode MuGridCellCentre(MuGrid grid, PetscInt i, PetscReal x[2]);

/* integral of the field: sum of f_i |C| over inside cells, the same bits on every rank. Collective.
 */
PetscErrorCode MuGridIntegrate(MuGrid grid, Vec f, PetscReal *integral);

/* <f, g>: sum of f_i g_i |C|. Collective. */
PetscErrorCode MuGridInner(MuGrid grid, Vec f, Vec g, PetscReal *inner);

/* integral of |f - g|; g may be NULL for zero. Collective. */
PetscErrorCode MuGridDistanceL1(MuGrid grid, Vec f, Vec g, PetscReal *distance);

/* Sets the cells outside the mask to zero. Not collective. */
PetscErrorCode MuGridApplyMask(MuGrid grid, Vec f);

/* Exchanges the rows next to this rank's slab: below[row_length] is the last row of the rank
   before, above[row_length] the first row of the rank after, wrapping around on a periodic axis; at
   a wall they are filled with zero. `local` is the local array [rows][row_length]. Either may be
   NULL. Collective. */
PetscErrorCode MuGridExchangeRows(MuGrid grid, const PetscReal *local, PetscReal *below,
                                  PetscReal *above);

/* Face differences along an axis: d_i = (f_i - f_(lower neighbour)) / spacing on open faces, 0 on
 * closed ones. Collective. */
PetscErrorCode MuGridGradient(MuGrid grid, PetscInt axis, Vec f, Vec d);

/* Adds scale * (flux_(upper face) - flux_(lower face)) / spacing to out: the negative adjoint of
   MuGridGradient(). The flux must vanish on closed faces. Collective. */
PetscErrorCode MuGridAddDivergence(MuGrid grid, PetscInt axis, PetscReal scale, Vec flux, Vec out);

/* Copies the field to every rank (to_all) or to rank 0 as the global array [ny][nx]; `global` is
   allocated by the caller where it is received and may be NULL elsewhere. Collective. */
PetscErrorCode MuGridGather(MuGrid grid, Vec f, PetscBool to_all, PetscReal *global);
/* The reverse: every rank keeps its part of a global array that rank 0 holds. Collective. */
PetscErrorCode MuGridScatter(MuGrid grid, const PetscReal *global, Vec f);

/* Number of connected components of the inside cells (faces join cells, periodic axes wrap) and
   their sizes in cells: sizes[] holds at most max of them, largest first. Collective. */
PetscErrorCode MuGridComponents(MuGrid grid, PetscInt max, PetscInt *count, PetscInt sizes[]);
/* The same components by number: label[local_size] is 0 .. count - 1, and -1 outside. Collective.
 */
PetscErrorCode MuGridLabelComponents(MuGrid grid, PetscInt *count, PetscInt label[]);

#endif
