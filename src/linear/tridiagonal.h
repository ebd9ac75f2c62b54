/* Private to flow/: batches of tridiagonal, possibly cyclic, transport systems. */
#ifndef MUDOT_TRIDIAGONAL_H
#define MUDOT_TRIDIAGONAL_H

#include "mudot.h"

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

/* Factors x_i + dt (J_(i+1) - J_i) = r_i, J_i = a_i x_(i-1) - b_i x_i, a, b >= 0. Entry i of a and
   b is the face below cell i; entry 0 joins the last cell to the first if cyclic and is not read
   otherwise. Not collective. */
PetscErrorCode MuLinesFactor(MuLines lines, PetscReal dt, const PetscReal *a, const PetscReal *b);

/* x may be r. */
PetscErrorCode MuLinesSolve(MuLines lines, const PetscReal *r, PetscReal *x);

#endif
