/* The matrices of this folder, given by their coefficients. */
#ifndef MUDOT_LINEAR_FACE_MATRIX_H
#define MUDOT_LINEAR_FACE_MATRIX_H

#include "mudot/grid.h"

/* (A x)_i = scale_e e_i x_i + sum over the axes of scale (J_upper face - J_lower face), with the
   fluxes J_f = a_f x_lower - b_f x_upper, a, b, e >= 0: an M-matrix whose columns add up to e.
   Symmetric if b = a. */
typedef struct {
  Vec a[2], b[2];     /* face fields per axis, 0 on closed faces; borrowed */
  Vec e;              /* cell field; NULL: 1 in the cells inside; borrowed */
  PetscReal scale[2]; /* per axis */
  /* Multigrid only: the scale of e; and a, b on open faces and e inside count as at least these. */
  PetscReal scale_e, lowest, lowest_e;
} MuFaceMatrix;

#endif
