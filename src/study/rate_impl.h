/* Private to the rate study: its columns, what is asked, what is measured. */
#ifndef MUDOT_RATE_IMPL_H
#define MUDOT_RATE_IMPL_H

#include "facts/facts.h"
#include "study/study_impl.h"

enum {
  MU_RATE_VALUE,
  MU_RATE_RATE,
  MU_RATE_RATE_STDERR,
  MU_RATE_CONSTANT,
  MU_RATE_EXCESS,
  MU_RATE_WORST_TIME,
  MU_RATE_FLOOR,
  MU_RATE_WINDOW_START,
  MU_RATE_WINDOW_END,
  MU_RATE_USED,
  MU_RATE_ENERGY_INITIAL,
  MU_RATE_ENERGY_FINAL,
  MU_RATE_OBSERVED,
  MU_RATE_BOUND_RATE,
  MU_RATE_INEQUALITY,
  MU_RATE_WINDOW_ERROR,
  MU_RATE_COLUMNS
};

enum {
  MU_RATE_CURVE_BOUND = MU_TRIAL_CURVES,
  MU_RATE_CURVE_QUOTIENT,
  MU_RATE_CURVE_OBSERVED,
  MU_RATE_CURVES
};

typedef struct {
  PetscInt theorem;   /* that is asked for */
  MuDecay decay;      /* what it says of the case */
  PetscReal constant; /* given by the user, NaN: the theorem's */
  PetscReal window[2];
  PetscBool has_window;
  PetscInt companion[MU_COMPANIONS]; /* first rows; -1: there is none */
  const char *of;                    /* the diagnostic in place of F; NULL: F */
  PetscReal power;                   /* of it, see MuSystem.observed */
  const char *names[MU_RATE_CURVES];
  char sentence[sizeof(((MuDecay *)0)->sentence) + 160];
} MuRate;

/* What is judged: the fitted late rate, or 2 R* >= c F, or else the bound. */
static inline PetscBool MuRateIsLate(const MuRate *r) {
  return (PetscBool)(r->decay.theorem == MU_THEOREM_SPECTRAL_GAP ||
                     r->decay.theorem == MU_THEOREM_LATE);
}

static inline PetscBool MuRateIsInequality(const MuRate *r) {
  return (PetscBool)(r->decay.theorem == MU_THEOREM_LOJASIEWICZ);
}

static inline PetscBool MuRateIsSublinear(const MuRate *r) {
  return (PetscBool)(r->decay.theorem == MU_THEOREM_CONVEXITY);
}

/* Solves the trial and fills the row, whose constant is set, and its curves (rate_measure.c). */
PetscErrorCode MuRateMeasure(MuStudy s, MuTrial *t, PetscReal *row, PetscReal *curve);

#endif
