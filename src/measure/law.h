/* Private to the library: probability measures as particles meet them. */
#ifndef MUDOT_MEASURE_LAW_H
#define MUDOT_MEASURE_LAW_H

#include "measure/interpolant.h"
#include "measure/mixture.h"
#include "mudot/measure.h"

/* A probability measure, the target pi or the initial rho_0, as particles meet it. */
typedef enum {
  MU_LAW_MIXTURE, /* gaussian, mixture: in closed form */
  MU_LAW_UNIFORM,
  MU_LAW_FORMULA, /* density of a formula; sampled from its values at the cell centres */
  MU_LAW_CELLS,   /* constant in every cell: file, kernel density estimate */
  MU_LAW_POINTS   /* the empirical measure of points: samples without a grid or without smoothing */
} MuLawKind;

typedef struct {
  MuLawKind kind;
  MPI_Comm comm;
  char block[64];
  PetscInt dim;
  const MuGridInfo *info;       /* NULL: no grid */
  MuMixture mixture;            /* MIXTURE */
  PetscReal outside;            /* MIXTURE: bound on its mass outside the box */
  PetscReal lower[2], upper[2]; /* UNIFORM */
  MuFormula formula;            /* FORMULA */
  PetscBool formula_is_log;
  PetscReal log_mass;   /* log density = log f - log_mass, before the background is added */
  PetscReal background; /* mass of the uniform density that is added */
  PetscReal *log_cells; /* [ny][nx] on every rank, normalised; NULL: no grid */
  MuSampler sampler;    /* FORMULA, CELLS */
  MuInterpolant spline; /* CELLS: of the log density, NULL until it is needed */
  PetscInt count;       /* POINTS */
  PetscReal *points;    /* [count][dim] */
  PetscReal scale;      /* largest |x| where it lives, roughly */
} * MuLaw;

/* grid NULL: on R^dim; else log_density is the field of MuDensityFillLog() for the same
   specification, of mass 1. Nothing of either is kept. Collective. MU_ERR_INPUT, MU_ERR_FILE. */
PetscErrorCode MuLawCreate(MPI_Comm comm, PetscInt dim, MuGrid grid, const MuDensitySpec *spec,
                           Vec log_density, MuLaw *law);
PetscErrorCode MuLawDestroy(MuLaw *law);
/* n independent samples x [n][dim], in the box if there is a grid. */
PetscErrorCode MuLawSample(MuLaw law, const gsl_rng *rng, PetscInt n, PetscReal *x);
/* MU_ERR_INPUT if there is no density (POINTS), or, with `score`, none with a gradient. `who`
   begins the sentence. */
PetscErrorCode MuLawNeedDensity(MuLaw law, const char *who, PetscBool score);
/* Normalised log density [n] and its gradient [n][dim]; either may be NULL. */
PetscErrorCode MuLawLogDensity(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *log_density,
                               PetscReal *score);
/* log of the density that MuLawSample() draws from: constant in cells for FORMULA. */
PetscErrorCode MuLawLogSampled(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *log_density);

/* Gradient [dim] of a formula at x [dim] by central differences of order 6. info NULL: no grid.
   length: the largest |x| in use, roughly. Not collective. */
PetscErrorCode MuFormulaGradient(PetscErrorCode (*f)(void *ctx, const PetscReal x[2],
                                                     PetscReal *value),
                                 void *ctx, const MuGridInfo *info, PetscReal length, PetscInt dim,
                                 const PetscReal *x, PetscReal *gradient);

#endif
