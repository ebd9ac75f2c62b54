/* The target as a function of cell centres. Private to facts/ and the floors above. */
#ifndef MUDOT_FACTS_LOOKUP_H
#define MUDOT_FACTS_LOOKUP_H

#include "mudot/grid.h"

typedef struct {
  const MuGridInfo *info;
  Vec log_target;
  const PetscReal *log_pi; /* its array */
} MuTargetLookup;

/* log_target may be NULL. MuTargetLookupEnd() gives its array back. */
PetscErrorCode MuTargetLookupBegin(MuGrid grid, Vec log_target, MuTargetLookup *lookup);
PetscErrorCode MuTargetLookupEnd(MuTargetLookup *lookup);
/* pi at the centre of one of this rank's cells, with the signature of MuSummand.function; ctx is a
   MuTargetLookup. */
PetscErrorCode MuTargetLookUp(void *ctx, const PetscReal x[2], PetscReal *value);

#endif
