/* Private to the multigrid: its levels, and what is compiled once per precision. */
#ifndef MUDOT_LINEAR_MULTIGRID_IMPL_H
#define MUDOT_LINEAR_MULTIGRID_IMPL_H

#include "linear/multigrid.h"

#define MU_MULTIGRID_LEVELS 32
#define MU_MULTIGRID_PAD    16 /* entries before column 0: room for the halo, aligned */

/* A field of a level: [rows + 2][pitch], a halo all around. */
typedef struct {
  PetscInt cells[2];
  PetscInt factor[2];           /* cells of the finer level per cell along an axis: 1 or 2 */
  PetscReal width[2];           /* of a cell, relative to the axes of the grid */
  PetscReal last[2];            /* width of the last cell of an axis over the others' */
  PetscInt first, rows;         /* rows kept here */
  PetscInt own_first, own_rows; /* rows that are summed here from the finer level */
  PetscInt pitch, size;         /* of a row, of a field */
  PetscBool shared;             /* every rank keeps all rows */
  PetscMPIInt *counts, *starts; /* where ranks sum into a shared level */
} MuMultigridShape;

/* REQUIRED all. `data` is allocated for the shapes by create; destroy accepts a half-made one. */
typedef struct {
  PetscErrorCode (*create)(MuMultigrid mg);
  PetscErrorCode (*destroy)(MuMultigrid mg);
  PetscErrorCode (*set_up)(MuMultigrid mg, const MuFaceMatrix *matrix);
  PetscErrorCode (*apply)(MuMultigrid mg, const PetscReal *r, PetscReal scale, PetscReal *z,
                          PetscReal *product);
} MuMultigridOps;

extern const MuMultigridOps MuMultigridSingle, MuMultigridDouble;

struct _p_MuMultigrid {
  MuGrid grid;
  const MuGridInfo *info;
  PetscBool symmetric;
  PetscInt levels;
  MuMultigridShape shape[MU_MULTIGRID_LEVELS];
  const MuMultigridOps *ops;
  void *data; /* of the precision */
};

#endif
