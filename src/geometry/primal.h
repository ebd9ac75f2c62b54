/* Private to the primal dissipation potential: its methods (primal.c) and the solve of K zeta = v
   (primal_solve.c). */
#ifndef MUDOT_GEOMETRY_PRIMAL_H
#define MUDOT_GEOMETRY_PRIMAL_H

#include "geometry/geometry_impl.h"
#include "linear/line.h"
#include "linear/multigrid.h"

struct _p_MuPrimal {
  MuGeometry geometry; /* borrowed: it owns this */
  MuPrimalMethod method;
  const char *sentence;
  MuPart *inverse;  /* the (first) part (Kc + ridge)^(-1), NULL if there is none */
  MuPart *kernel;   /* the only part, smoothed by a kernel with a tame inverse, or NULL */
  PetscReal *share; /* with `kernel`: [2][ranks] sums of v and of |v| */
  PetscBool transport, reaction; /* whether there are local parts: mobilities, diagonal */
  PetscBool ready;               /* for this state */
  PetscReal of_defect, small;    /* what is asked for: see MuGeometrySetPrimalTolerance() */
  PetscBool plain;               /* K is -div(c mu grad) + d mu in a plane: no copies are needed */
  Vec mobility[2], diagonal;     /* else: local parts, floored */
  MuFaceMatrix matrix;           /* of the local parts */
  PetscReal largest;             /* its largest entry */
  Vec inverse_diagonal;          /* without local transport */
  MuGridLines line;              /* 1-D with local transport, without `inverse` */
  MuMultigrid multigrid;         /* the same in 2-D */
  PetscBool local;               /* no part but local ones: the preconditioner is a good inverse */
  PetscReal base;                /* R without what the solve adds */
  PetscReal size;                /* Euclidean norm of the right-hand side */
  Vec r, z, p, q;                /* of conjugate gradients: K delta = r */
  Vec z_image, p_image;          /* with `inverse`: z', p' */
  PetscReal beta;                /* of the direction p */
  PetscInt components, *label;   /* pure transport on a domain in pieces; label NULL: one piece */
  PetscReal *defect, *mass;      /* [components] */
  PetscInt iterations;
  PetscBool limited;
};

/* Whether K xi = d xi. */
PetscBool MuPrimalIsDiagonal(const MuPartOps *ops);
PetscReal MuPrimalInverseRidge(MuPrimal primal);
/* The sum of the diagonal reactions. */
PetscErrorCode MuPrimalTakeDiagonal(MuGeometry geometry, MuPrimal primal);

/* r = v - K guess, its size, and `base`: R without 1/2 <r, K^(-1) r>. */
PetscErrorCode MuPrimalResidual(MuGeometry geometry, MuPrimal primal, Vec v, Vec guess, Vec image);

/* Operators that a kernel smooths (primal_kernel.c). *found: the only part of a geometry if <v,
   K^(-1) v> has a closed form, else NULL. Not collective. */
PetscErrorCode MuPrimalFindKernel(MuGeometry geometry, MuPart **found);
PetscErrorCode MuPrimalKernelCreate(MuGeometry geometry, MuPrimal primal);
PetscErrorCode MuPrimalKernel(MuGeometry geometry, MuPrimal primal, Vec v, Vec guess, Vec image,
                              PetscReal *value);

/* The solve: its fields and solvers; R of v. */
PetscErrorCode MuPrimalSolverCreate(MuGeometry geometry, MuPrimal primal);
PetscErrorCode MuPrimalSolverDestroy(MuPrimal primal);
PetscErrorCode MuPrimalSolve(MuGeometry geometry, MuPrimal primal, Vec v, Vec guess, Vec image,
                             PetscReal *value);

#endif
