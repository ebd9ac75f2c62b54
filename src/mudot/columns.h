/* The columns of a ledger: what each is called, what it is, and the part it plays. */
#ifndef MUDOT_COLUMNS_H
#define MUDOT_COLUMNS_H

#include <petscsys.h>

/* The part that a column plays; src/output/columns.c has its name and its line of documentation. */
typedef enum {
  MU_COLUMN_TIME,
  MU_COLUMN_STEP,
  MU_COLUMN_ENERGY,
  MU_COLUMN_ENERGY_TERM, /* one per term */
  MU_COLUMN_DISSIPATION_PRIMAL,
  MU_COLUMN_DISSIPATION_DUAL,
  MU_COLUMN_DISSIPATED,
  MU_COLUMN_BALANCE_DEFECT,
  MU_COLUMN_MASS,
  MU_COLUMN_MIN_DENSITY,
  MU_COLUMN_RESIDUAL,
  MU_COLUMN_DISTANCE_BOUND,
  MU_COLUMN_DIAGNOSTIC, /* one per diagnostic */
  MU_COLUMN_MMD2,
  MU_COLUMN_WEIGHT_MIN,
  MU_COLUMN_WEIGHT_MAX,
  MU_COLUMN_EFFECTIVE_SIZE,
  MU_COLUMN_DISPLACEMENT,
  MU_COLUMN_SIMPLEX_RESIDUAL,
  MU_COLUMN_SIMPLEX_ITERATIONS,
  MU_COLUMN_ROLES
} MuColumnRole;

typedef struct {
  MuColumnRole role;
  char *name;
  char *doc;
} MuColumn;

/* Columns in their order; a row is an array of as many numbers. Nothing here is collective. */
typedef struct _p_MuColumns *MuColumns;
/* Those of `from` (NULL: none), to be added to. */
PetscErrorCode MuColumnsCreate(MuColumns from, MuColumns *columns);
PetscErrorCode MuColumnsDestroy(MuColumns *columns);
/* One more. `what` and its doc: the term or the diagnostic, copied; NULL for the other roles. */
PetscErrorCode MuColumnsAdd(MuColumns columns, MuColumnRole role, const char *what,
                            const char *doc);
/* All of them; borrowed until the next one is added. */
PetscErrorCode MuColumnsGet(MuColumns columns, PetscInt *count, const MuColumn **column);
/* Where the k-th column of a role stands in a row, from 0; -1 if there is none. */
PetscInt MuColumnsFind(MuColumns columns, MuColumnRole role, PetscInt k);
/* The number of the first column of a role, which must be there, in a row. */
PetscReal *MuColumnsAt(MuColumns columns, PetscReal row[], MuColumnRole role);
PetscReal MuColumnsValue(MuColumns columns, const PetscReal row[], MuColumnRole role);

#endif
