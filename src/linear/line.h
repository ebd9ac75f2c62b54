/* Tridiagonal and cyclic systems: batches of lines, and the lines of a grid. */
#ifndef MUDOT_LINEAR_LINE_H
#define MUDOT_LINEAR_LINE_H

#include "linear/face_matrix.h"

typedef struct _p_MuLines *MuLines;

/* `count` systems of `cells` unknowns; cell i of line l is entry l*line_stride + i*cell_stride of
   every array. One of the strides must be 1. */
typedef struct {
  PetscInt count, cells;
  PetscInt line_stride, cell_stride;
  PetscBool cyclic;
} MuLinesLayout;

PetscErrorCode MuLinesCreate(const MuLinesLayout *layout, MuLines *lines);
PetscErrorCode MuLinesDestroy(MuLines *lines);

/* Factors e_i x_i + scale (J_(i+1) - J_i) = r_i, J_i = a_i x_(i-1) - b_i x_i, a, b, e >= 0; e NULL:
   1. Entry i of a and b is the face below cell i; entry 0 joins the last cell to the first if
   cyclic and is not read otherwise. Not collective. */
PetscErrorCode MuLinesFactor(MuLines lines, PetscReal scale, const PetscReal *e, const PetscReal *a,
                             const PetscReal *b);

/* x may be r. If the matrix is singular (e = 0) and r adds up to 0, x is one of the solutions. */
PetscErrorCode MuLinesSolve(MuLines lines, const PetscReal *r, PetscReal *x);

/* The lines of a grid along its axes, on any number of ranks: a line that is cut among the ranks is
   solved by every rank (1-D), or by one of them (y in 2-D). All is allocated here.
   Collective. */
typedef struct _p_MuGridLines *MuGridLines;
PetscErrorCode MuGridLinesCreate(MuGrid grid, MuGridLines *lines);
PetscErrorCode MuGridLinesDestroy(MuGridLines *lines);
/* For every axis the matrix that has the faces of this axis only. Collective. */
PetscErrorCode MuGridLinesFactor(MuGridLines lines, const MuFaceMatrix *matrix);
/* Solves along one axis after the other, x first, or y first if `reversed`, on local arrays
   [rows][row_length]; x may be r. The same bits on any number of ranks. Collective. */
PetscErrorCode MuGridLinesSolve(MuGridLines lines, PetscBool reversed, const PetscReal *r,
                                PetscReal *x);

#endif
