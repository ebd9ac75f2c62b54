/* Prescribed curves of densities. Private to study/. */
#ifndef MUDOT_PATH_H
#define MUDOT_PATH_H

#include "study/study_impl.h"

typedef enum { MU_PATH_GEODESIC, MU_PATH_LINEAR, MU_PATH_TRANSLATION, MU_PATH_RUN } MuPathKind;

typedef struct {
  MuPathKind kind;
  PetscReal shift; /* TRANSLATION: along x */
  const char *run; /* RUN: its directory */
  PetscInt pieces; /* the others: of the unit of time */
} MuPathSpec;

/* A curve cut into pieces; fields of one grid on one rank. */
typedef struct {
  PetscInt points; /* pieces + 1 */
  PetscReal *time; /* [points] */
  Vec *state;      /* [points] */
} MuPath;

/* The curve on the grid of a trial: from `first` to `second` ((1-s) first^(1/2) + s second^(1/2))^2
   or the mixture, `first` moved along x (cubic between the cells, in the logarithm), or the
   snapshots of the run. thin: every other point. conserve: every state has the mass of the first.
   MU_ERR_INPUT: a run on a grid whose cells are no multiples, or with fewer than 3 snapshots;
   MU_ERR_FILE. */
PetscErrorCode MuPathCreate(const MuPathSpec *spec, const MuTrial *t, Vec first, Vec second,
                            PetscBool thin, PetscBool conserve, MuPath *path);
PetscErrorCode MuPathDestroy(MuPath *path);

#endif
