/* Private to particles/: distances between a cloud and a density that is constant in every cell. */
#ifndef MUDOT_COMPARE_IMPL_H
#define MUDOT_COMPARE_IMPL_H

#include "mudot.h"

#include <hdf5.h>

/* ------------------------------------------------------------------ on the line */

/* A probability measure whose density is constant in n bins of equal width. */
typedef struct {
  PetscInt n;
  PetscReal lower, width;
  PetscReal *below; /* [n + 1] distribution function at the edges, 0 to 1 */
} MuLineMeasure;

/* A particle on the line. */
typedef struct {
  PetscReal x, w;
} MuPoint;

typedef struct {
  PetscReal w1, w2_squared; /* int_0^1 |Q - Q_0|^p du, Q the quantile functions */
  PetscReal kolmogorov;     /* sup |F - F_0| */
  PetscReal cramer;         /* int (F - F_0)^2 dx: half the energy distance */
} MuLineDistances;

/* below from the masses [n] of the bins, normalised. */
PetscErrorCode MuLineMeasureCreate(PetscInt n, PetscReal lower, PetscReal upper,
                                   const PetscReal *mass, MuLineMeasure *line);
PetscErrorCode MuLineMeasureDestroy(MuLineMeasure *line);
/* The rectangle grid's measure projected on the direction (cosine, sine): the mass of every bin is
   exact; within a bin it is spread evenly, which moves it by less than a bin, a quarter of the
   smaller cell width. mass [ny][nx]. */
PetscErrorCode MuLineMeasureProject(const PetscInt cells[2], const PetscReal lower[2],
                                    const PetscReal upper[2], const PetscReal *mass,
                                    PetscReal cosine, PetscReal sine, MuLineMeasure *line);
/* Sorts n points by x, bin by bin; work [n], count [line->n + 3]. */
void MuLineMeasureSort(const MuLineMeasure *line, PetscInt n, MuPoint *points, MuPoint *work,
                       PetscInt *count);
/* points: sorted, of weights >= 0 with sum 1; they may lie beyond the bins. */
void MuLineMeasureCompare(const MuLineMeasure *line, PetscInt n, const MuPoint *points,
                          MuLineDistances *d);
/* E|X - X'| of independent X, X' from the line's measure. */
PetscReal MuLineMeasureSpread(const MuLineMeasure *line);

/* ------------------------------------------------------------------ against a kernel */

/* g = k * pi for a density pi that is constant in every cell, k on R^dim: the averages of g over
   the cells of a refined grid, which are exact (Galerkin weights), and between them the spline of
   degree 4 with these averages. Every rank has its own. */
typedef struct _MuGridKernel *MuGridKernel;
/* Collective on PETSC_COMM_SELF. MU_ERR_INPUT as MuKernelCreate() and MuConvolutionCreate(). */
PetscErrorCode MuGridKernelCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                                  const PetscReal upper[2], const MuKernelSpec *spec,
                                  MuGridKernel *kernel);
PetscErrorCode MuGridKernelDestroy(MuGridKernel *kernel);
/* mass [ny][nx] of the cells, of sum 1. */
PetscErrorCode MuGridKernelSetMass(MuGridKernel kernel, const PetscReal *mass);
/* g at x [n][dim]. */
PetscErrorCode MuGridKernelEvaluate(MuGridKernel kernel, PetscInt n, const PetscReal *x,
                                    PetscReal *g);
/* <pi, k * pi>, exact. */
PetscErrorCode MuGridKernelInner(MuGridKernel kernel, PetscReal *inner);

/* ------------------------------------------------------------------ the table */

enum {
  MU_METRIC_MMD2,
  MU_METRIC_ENERGY,
  MU_METRIC_W1,
  MU_METRIC_W2,
  MU_METRIC_KOLMOGOROV,
  MU_METRIC_HISTOGRAM,
  MU_METRIC_MEAN,
  MU_METRIC_COVARIANCE,
  MU_METRICS
};

/* The metrics that a dimension has. */
typedef struct {
  PetscInt count;
  PetscInt metric[MU_MAX_METRICS];
  const char *name[MU_MAX_METRICS];
  PetscBool squared[MU_MAX_METRICS];
} MuMetricTable;
const MuMetricTable *MuMetricTableOf(PetscInt dim);

/* What another reference, at most l1 away in L1 and w1 in W1 (NaN: not known), changes the metrics
   by at most, of squares their roots: for a difference s of two probability measures on a box of
   diameter D, W1 <= D |s|/2, W2^2 <= D W1, <s, k s> <= |s|^2 (k(0) - k(D))/2 for a kernel that
   falls. Not collective. */
PetscErrorCode MuComparisonBound(MuComparison comparison, PetscReal l1, PetscReal w1,
                                 PetscReal bound[]);

/* ------------------------------------------------------------------ clouds against a stored run */

#define MU_COMPARE_KEPT 2000

/* Particles of one time as a figure shows them: every k-th, so that they are at most
   MU_COMPARE_KEPT. */
typedef struct {
  PetscInt n;
  PetscReal *x; /* [n][dim] */
  PetscReal *w; /* [n], as parts of their sum */
} MuKeptCloud;

/* What the reference's own error may be in the metrics, of squares their roots. */
typedef struct {
  PetscReal bound[MU_MAX_METRICS]; /* NaN: it states none */
} MuOwnError;

struct _p_MuCompare {
  MPI_Comm comm;
  MuCompareSpec spec;
  MuRunReader reader;
  const MuRunInfo *info;
  MuComparison comparison;
  char kernel[160]; /* described */
  PetscInt metrics;
  const char *const *names;
  const PetscBool *squared;
  PetscInt rows, room;
  MuCompareRow *row;
  MuKeptCloud *cloud; /* [rows] */
  MuOwnError *own;    /* [rows] */
  PetscBool stated;   /* the reference states its error */
  const char *limit;  /* "sampling", "method" or "undecided" */
  char sentence[512];
};

/* value/expected of metric m, of the roots if it is a square. NaN if nothing is expected. */
PetscReal MuCompareRatio(MuCompare c, const MuCompareRow *row, PetscInt m);
/* MU_ERR_INPUT: the directory holds a comparison that is not to be overwritten. */
PetscErrorCode MuCompareRefuse(MuCompare c);

/* A copy of some of n particles; MuKeptCloudDestroy() frees it. */
PetscErrorCode MuKeptCloudCreate(PetscInt dim, PetscInt n, const PetscReal *x, const PetscReal *w,
                                 MuKeptCloud *cloud);
PetscErrorCode MuKeptCloudDestroy(MuKeptCloud *cloud);
/* /cloud of compare.h5: position [time, particle, axis] and weight [time, particle], NaN where a
   time has fewer particles than others. Not 0 if HDF5 failed. */
int MuKeptCloudWrite(MuCompare c, hid_t file);

#endif
