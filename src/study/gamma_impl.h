/* Private to the gamma study: its columns and curves, the limit flows, the comparison with them. */
#ifndef MUDOT_GAMMA_IMPL_H
#define MUDOT_GAMMA_IMPL_H

#include "study/study_impl.h"

enum {
  MU_GAMMA_VALUE,
  MU_GAMMA_DENSITY_L1,
  MU_GAMMA_DENSITY_HELLINGER,
  MU_GAMMA_ENERGY,
  MU_GAMMA_PRIMAL,
  MU_GAMMA_DUAL,
  MU_GAMMA_DUAL_POTENTIAL,
  MU_GAMMA_BALANCE_DEFECT,
  MU_GAMMA_FLOOR,
  MU_GAMMA_USED,
  MU_GAMMA_DENSITY_W2,
  MU_GAMMA_LIMINF_ENERGY,
  MU_GAMMA_LIMINF_PRIMAL,
  MU_GAMMA_LIMINF_DUAL,
  MU_GAMMA_INITIAL_ENERGY,
  MU_GAMMA_MONOTONE,
  MU_GAMMA_IDENTITY,
  MU_GAMMA_SECOND,
  MU_GAMMA_COLUMNS
};
enum {
  MU_GAMMA_CURVE_L1 = MU_TRIAL_CURVES,
  MU_GAMMA_CURVE_HELLINGER,
  MU_GAMMA_CURVE_W2,
  MU_GAMMA_CURVE_DUAL,
  MU_GAMMA_CURVES
};

/* The limit flow as the rows have it (level 0), on half the cells, with twice the step. Slots are
   those of MuStudySlot; a density is NULL at times that a companion leaves out. */
typedef struct {
  MuTrial trial;
  Vec *density; /* [times] */
  MuDiagnostic *w2;
  PetscReal *dual; /* [times] R*_0 at the limit's states */
} MuLimitFlow;

typedef struct {
  MuOverrides limit; /* the base with the limit */
  MuStudyLimit found;
  PetscInt times;
  MuLimitFlow *flow[1 + MU_COMPANIONS]; /* by level; NULL: not solved yet */
  PetscInt companion[MU_COMPANIONS];    /* first rows; -1: there is none */
  PetscInt leading;                     /* the column whose order is claimed */
  PetscBool has_w2;
  const char *names[MU_GAMMA_CURVES];
} MuGamma;

/* Solves the limit flow of a level, once. MU_ERR_NUMERICS where it fails. */
PetscErrorCode MuGammaSolveLimit(MuStudy s, PetscInt level);
PetscErrorCode MuGammaDestroyLimits(MuGamma *g);
/* Solves the trial and fills a row and its curves by comparison with the limit flow of the level.
 */
PetscErrorCode MuGammaCompare(MuStudy s, MuTrial *t, PetscInt level, PetscReal *row,
                              PetscReal *curve);
/* The curves of the limit flow itself. */
PetscErrorCode MuGammaRecordLimit(MuStudy s, PetscReal *row, PetscReal *curve);
/* Which columns must vanish, the density in L1 first; *count of them. */
const PetscInt *MuGammaErrors(PetscInt *count);

#endif
