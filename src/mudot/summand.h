/* One part of a geometry, or one term of an energy. */
#ifndef MUDOT_SUMMAND_H
#define MUDOT_SUMMAND_H

#include "mudot/kernel.h"

/* A function of a point, or of an offset; an error is passed on. */
typedef PetscErrorCode (*MuPointFunction)(void *ctx, const PetscReal x[2], PetscReal *value);

typedef struct {
  const char *name;                   /* of the table */
  PetscReal weight;                   /* > 0 (where MuSummandInfo.any_sign: any) */
  PetscReal value[MU_MAX_PARAMETERS]; /* in the order of MuSummandInfo.parameters; NaN: not given,
                                         the default stands */
  MuKernel kernel;                    /* NULL: that of the sum. Referenced. */
  MuPointFunction function; /* where MuSummandInfo.function_key is there; called while the sum is
                               made, not later */
  void *function_ctx;
} MuSummand;

#endif
