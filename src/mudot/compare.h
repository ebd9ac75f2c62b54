/* Comparing clouds of particles with stored densities. */
#ifndef MUDOT_COMPARE_H
#define MUDOT_COMPARE_H

#include "mudot/kernel.h"

/* Distances between a cloud mu of weights of sum 1 and a density pi that is constant in every cell,
   normalised to mass 1, and what N independent samples of pi would have. MuMetricRow of the table:
   mmd2               <mu - pi, k*(mu - pi)>, k on R^d; >= 0, rounding below that is 0
   energy_distance    2E|X - Y| - E|X - X'| - E|Y - Y'|; X ~ mu, Y ~ pi
   w1, w2             1-D: (int_0^1 |Q_mu - Q_pi|^p du)^(1/p), exact
   kolmogorov         1-D: sup |F_mu - F_pi|, exact
   sliced_w1, _w2     2-D: (mean over directions of W_p^p)^(1/p) of the projections on equally
   spaced directions; the projection of pi is exact in its mass per quarter of a cell histogram_l1
   sum over cells of |mu(cell) - pi(cell)|, and the mass of mu outside the domain mean_error |mean
   of mu - mean of pi| covariance_error   Frobenius norm of the difference of the covariances A
   periodic axis is taken as an interval, cut at the walls of the box. */
#define MU_MAX_METRICS 8

typedef struct {
  PetscInt dim, cells[2];
  PetscReal lower[2], upper[2];
  PetscBool periodic[2];     /* particles are moved into the box by whole periods */
  const unsigned char *mask; /* [ny][nx], 1 = inside; NULL: all; copied */
  MuKernelSpec kernel;       /* of mmd2 */
  PetscInt directions;       /* of sliced_w1 and _w2, > 0 */
  PetscInt replicates;       /* samples that expected values are estimated from, > 1 */
  PetscInt seed;             /* of their random numbers */
} MuComparisonSpec;

/* 64 directions, 20 replicates, seed 1, gaussian kernel of bandwidth 0 (must be set). */
void MuComparisonSpecDefault(MuComparisonSpec *spec);

typedef struct _p_MuComparison *MuComparison;
/* Collective. MU_ERR_INPUT as MuKernelCreate(), MuRadialCreate(), MuConvolutionCreate(). */
PetscErrorCode MuComparisonCreate(MPI_Comm comm, const MuComparisonSpec *spec,
                                  MuComparison *comparison);
PetscErrorCode MuComparisonDestroy(MuComparison *comparison);
/* Names [count] of the metrics, and which are squares of distances; borrowed. */
PetscErrorCode MuComparisonGetMetrics(MuComparison comparison, PetscInt *count,
                                      const char *const **names, const PetscBool **squared);
/* density [ny][nx], the same on all ranks. Collective. MU_ERR_INPUT as MuSamplerCreate(). */
PetscErrorCode MuComparisonSetReference(MuComparison comparison, const PetscReal *density);
/* Particles outside the box or the mask, and their weight. Not collective. */
PetscErrorCode MuComparisonCountOutside(MuComparison comparison, PetscInt n, const PetscReal *x,
                                        const PetscReal *w, PetscInt *count, PetscReal *mass);
/* The metrics of a cloud x [n][dim], w [n], the same on all ranks, to values [count]. Collective.
 */
PetscErrorCode MuComparisonEvaluate(MuComparison comparison, PetscInt n, const PetscReal *x,
                                    const PetscReal *w, PetscReal values[]);
/* Mean and standard deviation [count] of the metrics of n independent samples of pi with equal
   weights. mmd2 and energy_distance in closed form, the mean being (E k(X, X) - E k(X, X'))/n (only
   the deviation is estimated from pairs, and that of energy_distance in 1-D from the replicates);
   the others from the replicates. The same on any number of ranks. Collective. */
PetscErrorCode MuComparisonExpect(MuComparison comparison, PetscInt n, PetscReal mean[],
                                  PetscReal deviation[]);

/* What `mudot compare` compares. */
typedef struct {
  const char *run; /* run.h5 or its directory */
  PetscInt files;  /* of particles: particles.h5, its directory, CSV */
  char *const *file;
  PetscInt times; /* given; of CSV files without times one per file, otherwise a selection */
  const PetscReal *time;
  int overrides; /* kernel keys: [2 k] "-kernel_NAME", [2 k + 1] value */
  char **override;
  PetscInt directions, replicates, seed;
  PetscBool allow_outside; /* particles outside the domain are counted, not refused */
  const char *directory;   /* for compare.csv and compare.h5; NULL: none */
  PetscBool overwrite;
  const char *command_line;
} MuCompareSpec;

/* The comparison at one time. */
typedef struct {
  PetscReal time;
  PetscInt n;
  PetscReal effective; /* 1/sum w^2 */
  PetscReal mass;      /* sum of the weights as they were given */
  PetscInt outside;    /* particles outside the domain, and their share of the mass */
  PetscReal outside_mass;
  PetscReal value[MU_MAX_METRICS], expected[MU_MAX_METRICS], deviation[MU_MAX_METRICS];
  PetscReal score[MU_MAX_METRICS]; /* (value - expected)/deviation; of a square, that of its root */
} MuCompareRow;

/* The comparisons, by time, and a sentence; the same on every rank. */
typedef struct _p_MuCompare *MuCompare;
/* Collective. MU_ERR_INPUT: times that the run does not cover, particles outside the domain, a
   directory that holds a comparison, and what MuCloudReaderCreate() and MuComparisonCreate() say;
   MU_ERR_FILE. */
PetscErrorCode MuCompareCreate(MPI_Comm comm, const MuCompareSpec *spec, MuCompare *compare);
PetscErrorCode MuCompareDestroy(MuCompare *compare);
/* Prints the table on rank 0's standard output. Not collective. */
PetscErrorCode MuComparePrint(MuCompare compare, FILE *out);
/* compare.csv and compare.h5 in the directory, if there is one. Collective. MU_ERR_FILE. */
PetscErrorCode MuCompareWrite(MuCompare compare);

#endif
