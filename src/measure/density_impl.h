/* Private to the library: the types of densities. */
#ifndef MUDOT_DENSITY_IMPL_H
#define MUDOT_DENSITY_IMPL_H

#include "measure/law.h"
#include "measure/normal.h"
#include "mudot/measure.h"

#include <stddef.h>

/* ------------------------------------------------------------------ what a type reads */

typedef enum {
  MU_FIELD_LIST,       /* const PetscReal *: dim^power numbers, required */
  MU_FIELD_COMPONENTS, /* const PetscReal *: dim^power numbers for each of spec->components; the
                          first such field of a type tells how many there are */
  MU_FIELD_BOX,       /* PetscReal[2]: a number per axis; the box of the grid stands there before */
  MU_FIELD_AXES,      /* PetscReal[2]: a number, or one per axis; optional */
  MU_FIELD_TEXT,      /* const char *; optional */
  MU_FIELD_PATH,      /* const char *: a file, required */
  MU_FIELD_COLUMNS,   /* const char *const *: a name per axis; optional */
  MU_FIELD_SMOOTHING, /* MuSmoothing; optional */
  MU_FIELD_RUN /* const MuCellDensity *: a snapshot of a run, keys directory, time, snapshot */
} MuDensityFieldKind;

/* A key of the block, and where its value stands in MuDensitySpec. */
typedef struct {
  const char *name;
  MuDensityFieldKind kind;
  size_t offset;
  PetscInt power;
  PetscBool optional; /* of COMPONENTS */
} MuDensityField;

/* ------------------------------------------------------------------ a type */

typedef struct {
  const char *name, *formula;
  const MuDensityField *fields; /* REQUIRED; ends with name = NULL */
  MuDensityTraits traits;
  PetscBool needs_grid; /* default no: whether particles need a grid for it */
  /* REQUIRED. Checks the specification and reads its file; fills the part of the density that is
     the type's. */
  PetscErrorCode (*create)(MuDensity density, const MuDensitySpec *spec);
  /* REQUIRED. log f at the inside cells; may fail on some ranks only. */
  PetscErrorCode (*fill)(MuDensity density, const MuCells *cells, PetscReal *log_density);
  PetscBool collective; /* default no: whether fill is (and then fails everywhere or nowhere) */
  /* REQUIRED. Chooses how particles draw from it: fills `kind` and what belongs to it. */
  PetscErrorCode (*law)(MuLaw law, const MuDensitySpec *spec);
} MuDensityOps;

extern const MuDensityOps MuDensityGaussian, MuDensityMixture, MuDensityUniform, MuDensityFormula,
    MuDensityFile, MuDensitySamples, MuDensityRun;

/* The row of a type. MU_ERR_INPUT, with `block`, if there is none. */
PetscErrorCode MuDensityFind(const char *block, const char *type, const MuDensityOps **ops);
/* MU_ERR_INPUT: a type that particles without a grid cannot draw from. */
PetscErrorCode MuDensityNeedsGrid(const char *block, const MuDensityOps *ops);

struct _p_MuDensity {
  const MuDensityOps *ops;
  MPI_Comm comm;
  PetscMPIInt rank;
  PetscInt dim;
  char block[64];
  PetscReal background, mass;
  PetscInt components;
  MuNormal *normal;             /* gaussian, mixture: [components] */
  PetscReal lower[2], upper[2]; /* uniform */
  MuFormula formula;
  PetscBool formula_is_log;
  PetscInt shape[2];    /* file: rows, columns; on every rank */
  PetscReal *values;    /* file: [rows][columns] on rank 0 */
  MuCellDensity stored; /* run */
  PetscReal stored_mass;
  PetscInt n;        /* samples */
  PetscReal *points; /* [n][dim] */
  PetscReal bandwidth[2];
  MuSmoothing smoothing;
  char doubts[1024]; /* of MuDensityDoubt() */
  char chosen[128];  /* what fill() has chosen, in words; "": nothing */
};

/* Where a formula differs at the two ends of a periodic axis by more than a thousandth of its range
   on the grid: the largest difference, axis -1 if there is none. Not collective. */
typedef struct {
  PetscInt axis;
  PetscReal first, last;
} MuSeam;
PetscErrorCode MuFormulaSeam(MuFormula formula, const MuCells *cells, MuSeam *seam);

/* Adds a sentence that the user is to be warned with, without line ends. */
void MuDensityDoubt(MuDensity density, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);

PetscReal MuCellSpacing(const MuCells *cells, PetscInt axis);
void MuCellCentre(const MuCells *cells, PetscInt i, PetscReal x[2]);
/* The corners of a cell. */
void MuCellBox(const MuCells *cells, PetscInt i, PetscReal lower[2], PetscReal upper[2]);
static inline PetscBool MuCellIsInside(const MuCells *cells, PetscInt i) {
  return (PetscBool)(!cells->mask || cells->mask[i]);
}
/* Turns a density or a log density of a cell into a log density. `what` is the key. MU_ERR_INPUT.
 */
PetscErrorCode MuDensityCheckValue(MuDensity density, const MuCells *cells, PetscInt i,
                                   const char *what, PetscBool is_log, PetscReal value,
                                   PetscReal *log_density);

#endif
