/* Two runs side by side, and distances between them. Private to study/. */
#ifndef MUDOT_TWO_H
#define MUDOT_TWO_H

#include "facts/facts.h"
#include "study/study_impl.h"

/* A distance between two densities on one grid (distance.c). */
typedef struct {
  const struct MuDistanceOps *ops;
  const char *name;
  MuMetric which;
} MuDistance;

/* study_distance. MU_ERR_INPUT: it needs a kernel, or one dimension. */
PetscErrorCode MuDistanceRead(MuCase file, const MuTrial *t, MuDistance *distance);
/* The distance of a and b, fields of the trial's grid; w2 is that of the measures over their
   masses. Collective. MU_ERR_NUMERICS: that of Hellinger-Kantorovich did not converge. */
PetscErrorCode MuDistanceEvaluate(const MuDistance *d, const MuTrial *t, Vec a, Vec b,
                                  PetscReal *value);
/* The weights a, b of K(mu) xi = -a div(mu grad xi) + b mu xi; a = 0 if there is another part. */
PetscErrorCode MuDistanceWeights(const MuTrial *t, PetscReal *a, PetscReal *b);

/* ------------------------------------------------------------------ two systems (two.c) */

typedef struct MuTwo MuTwo;
/* At an output time that both have, the two densities. */
typedef PetscErrorCode (*MuTwoOutput)(void *ctx, MuTwo *two, PetscInt k, Vec a, Vec b);

/* The runs with the keys of system_a and of system_b. */
struct MuTwo {
  MuTrial trial[2];
  Vec *density; /* [times] of the first */
  PetscInt times;
  MuTwoOutput output;
  MuTrialStep step; /* OPTIONAL: after every step of the second */
  void *ctx;
};

/* Adds the keys of system_a (which = 0) or system_b (1) of the study's file. The weights of energy
   and geometry that the system gives stand for all of the case's; other keys replace one by one.
   *any: it has keys at all. */
PetscErrorCode MuTwoOverrides(MuStudy s, int which, MuOverrides *o, PetscBool *any);
/* Builds both, for value `value` on a level (see MuStudyLevelOf()); on an error nothing is left.
   MU_ERR_INPUT: neither system has a key, the grids or output times differ. */
PetscErrorCode MuTwoCreate(MuStudy s, PetscInt value, PetscInt level, PetscBool flow, MuTwo *two);
/* Solves the first, then the second with `output` at every output time. */
PetscErrorCode MuTwoSolve(MuTwo *two);
PetscErrorCode MuTwoDestroy(MuTwo *two);

#endif
