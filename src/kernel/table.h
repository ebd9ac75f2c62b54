/* Tables of functions of one variable. */
#ifndef MUDOT_KERNEL_TABLE_H
#define MUDOT_KERNEL_TABLE_H

#include "mudot.h"

/* f on [2^first, 2^last) by Chebyshev series on 16 panels per octave. */
typedef struct _MuTable *MuTable;
PetscErrorCode MuTableCreate(PetscReal (*f)(void *ctx, PetscReal x), void *ctx, PetscInt first,
                             PetscInt last, MuTable *table);
PetscErrorCode MuTableDestroy(MuTable *table);
/* Whether x is inside, and if so the value. */
PetscBool MuTableEvaluate(MuTable table, PetscReal x, PetscReal *value);

#endif
