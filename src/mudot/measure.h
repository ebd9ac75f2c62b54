/* Formulas, and the densities that a case describes. */
#ifndef MUDOT_MEASURE_H
#define MUDOT_MEASURE_H

#include "mudot/grid.h"

typedef struct _p_MuFormula *MuFormula;

/* A muParser expression in x and y with the constants pi and e; log is natural. Beside muParser's
   own functions there are ln, floor, ceil, mod(a, b) = a - b floor(a/b), erf, not, if(condition, a,
   b), and the operators and, or. `key`
   begins the sentence of an error, e.g. "target_density". Not collective. MU_ERR_INPUT: a syntax
   error (with its position), an unknown name, an assignment, several values, more than 4000
   characters. */
PetscErrorCode MuFormulaCreate(const char *key, const char *expression, MuFormula *formula);
PetscErrorCode MuFormulaDestroy(MuFormula *formula);
/* MU_ERR_INPUT "key: ..." if the formula uses y although dim is 1. Not collective. */
PetscErrorCode MuFormulaCheckDimension(MuFormula formula, const char *key, PetscInt dim);
/* The value at x[0], x[1]; values that are not finite are returned as they are. */
PetscErrorCode MuFormulaEvaluate(MuFormula formula, const PetscReal x[2], PetscReal *value);
/* The same with the signature of MuEnergySpec.potential and .interaction; ctx is the MuFormula. */
PetscErrorCode MuFormulaFunction(void *ctx, const PetscReal x[2], PetscReal *value);

/* The cells a density is wanted on; what MuGridInfo says of them, for a layer below the grid. This
   rank owns `count` cells from number `first` on, row-major [ny][nx]. */
typedef struct {
  MPI_Comm comm;
  PetscInt dim, cells[2];
  PetscReal lower[2], upper[2];
  PetscBool periodic[2];
  PetscInt first, count;
  const unsigned char *mask; /* [count], 1 = inside; NULL: all inside */
} MuCells;

/* Fills `cells` from a grid's info. The mask is borrowed. */
void MuCellsFromGrid(const MuGridInfo *info, MuCells *cells);

typedef enum { MU_SMOOTHING_KDE, MU_SMOOTHING_NONE } MuSmoothing;

/* A density that is constant in the cells of a grid of its own. */
typedef struct {
  PetscInt dim, cells[2]; /* cells[1] = 1 in 1-D */
  PetscReal lower[2], upper[2];
  PetscReal *values; /* [ny][nx], >= 0, on every rank */
} MuCellDensity;

/* What a density is made from; strings and arrays are borrowed until MuDensityCreate() returns. */
typedef struct {
  const char *block;                 /* begins the keys of error sentences: "target" or "initial" */
  char type[32];                     /* a name of the table of densities */
  PetscInt components;               /* gaussian: 1; mixture: sizes of the arrays below */
  const PetscReal *weights;          /* [components], >= 0, normalised here; NULL: equal */
  const PetscReal *means;            /* gaussian, mixture: [components][dim] */
  const PetscReal *covariances;      /* [components][dim][dim], row-major */
  PetscReal lower[2], upper[2];      /* uniform: the box; a centre on its edge is inside */
  const char *density, *log_density; /* formula: one of the two, the other NULL */
  const char *file;           /* file: HDF5 or PGM, a density at the cells; samples: the CSV file */
  const char *dataset;        /* file: HDF5 dataset, [ny][nx] or [nx]; NULL: "density" */
  const char *const *columns; /* samples: [dim], see MuSamplesRead(); NULL: the first ones */
  PetscReal bandwidth[2];     /* samples: of the KDE, per axis; 0: MuSamplesBandwidth() */
  MuSmoothing smoothing;      /* samples: kernel density estimate or binned empirical measure */
  const MuCellDensity *stored; /* run */
  PetscReal background;        /* >= 0: mass of the uniform density added, see MuDensityFillLog() */
  PetscReal mass;              /* > 0: of the whole; 0: that of the stored density of run, else 1 */
} MuDensitySpec;

/* The types of densities, see MuTableRow. */
PetscErrorCode MuDensityGetTableRow(PetscInt i, const char **name, const char **formula);
/* What is known of a type; all FALSE by default and for a type that does not exist. */
typedef struct {
  PetscBool gaussian; /* one normal density, keys mean and covariance */
  PetscBool of_cells; /* given at the cells of one grid, and of no other */
} MuDensityTraits;
PetscErrorCode MuDensityGetTraits(const char *type, MuDensityTraits *traits);

typedef struct _p_MuDensity *MuDensity;

/* Zeros, one component, and block "target". */
void MuDensitySpecDefault(MuDensitySpec *spec);

/* Checks the specification and reads its file. Collective. MU_ERR_INPUT names the key; MU_ERR_FILE.
 */
PetscErrorCode MuDensityCreate(MPI_Comm comm, PetscInt dim, const MuDensitySpec *spec,
                               MuDensity *density);
PetscErrorCode MuDensityDestroy(MuDensity *density);

/* log f of the cells, f not normalised (for a gaussian or a mixture it is the probability density
   on R^dim), without the background: at their centres, or its mean over the cells for what is
   narrower than a cell (components of mixtures, boxes, kernels of samples) and for another grid's
   cells; -infinity where f = 0 and outside the mask. log_density [count]. Collective. MU_ERR_INPUT:
   a formula or file whose density is negative, infinite or not a number (named with the point), a
   file of the wrong shape. */
PetscErrorCode MuDensityFillLogRaw(MuDensity density, const MuCells *cells, PetscReal *log_density);

/* log of the density mass (f/M + background/|D|)/(1 + background), M the mass of f on the inside
   cells and |D| their volume: the integral over the inside cells is the mass of the specification.
   Never formed from densities that underflow. -infinity where it vanishes and outside the mask.
   Collective. MU_ERR_INPUT as above, and if f has no mass on the grid. */
PetscErrorCode MuDensityFillLog(MuDensity density, const MuCells *cells, PetscReal *log_density);

/* Mass that a gaussian or a mixture has beyond the box along one axis, the largest over the axes
   (in 1-D all that the box cuts off); 0 for the other types. Not collective. */
PetscErrorCode MuDensityMassOutside(MuDensity density, const PetscReal lower[2],
                                    const PetscReal upper[2], PetscReal *mass);

#endif
