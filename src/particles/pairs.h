/* Sums over pairs of points, the simplex. */
#ifndef MUDOT_PARTICLES_PAIRS_H
#define MUDOT_PARTICLES_PAIRS_H

#include "kernel/radial.h"

/* Particle clouds are arrays on every rank, the same bits on all: positions [n][dim] row-major,
   weights [n]. Collective calls share the work and leave the same result on every rank. dim >= 1.
 */

/* Sums over pairs of points, blocked: the targets are shared among the ranks. Work space is made
   once for the largest sizes and grows only when asked for more. */
typedef struct _p_MuPairs *MuPairs;
PetscErrorCode MuPairsCreate(MPI_Comm comm, MuRadial radial, MuPairs *pairs);
PetscErrorCode MuPairsDestroy(MuPairs *pairs);
/* For targets y [m][dim], sources x [n][dim] and weights w [n]:
   sum[i] = sum_j w_j k(y_i - x_j), gradient[i][a] = d sum / d y_ia. Either may be NULL. x = y is
   allowed (the diagonal counts with k(0)). Collective. */
PetscErrorCode MuPairsApply(MuPairs pairs, PetscInt n, const PetscReal *x, const PetscReal *w,
                            PetscInt m, const PetscReal *y, PetscReal *sum, PetscReal *gradient);
/* sums[i][c] = sum_j w[j][c] k(y_i - x_j), c < columns, and the gradient [i][dim] of the first
   column (may be NULL). Collective. */
PetscErrorCode MuPairsApplyColumns(MuPairs pairs, PetscInt n, const PetscReal *x, PetscInt columns,
                                   const PetscReal *w, PetscInt m, const PetscReal *y,
                                   PetscReal *sums, PetscReal *gradient);
/* How the sums are found. Fast sums (dim <= 2, Fourier series on a grid, n + m operations) have an
   error of at most `tolerance` times sum_j |w_j| k(0), in the gradient divided by the bandwidth;
   direct sums that of rounding. AUTO, the default with tolerance 1e-7, takes fast sums above n m =
   1e10 where they are possible: kernels that decay (not imq, riesz), smooth enough for the
   tolerance (not matern 1/2 or wendland at small bandwidths) and a bandwidth that a grid of 1.6e7
   cells resolves. FAST makes MuPairsApply() return MU_ERR_INPUT where they are not. Not collective,
   but the same on every rank. */
typedef enum { MU_PAIRS_AUTO, MU_PAIRS_DIRECT, MU_PAIRS_FAST } MuPairsMethod;
PetscErrorCode MuPairsSetMethod(MuPairs pairs, MuPairsMethod method, PetscReal tolerance);
/* Fast sums keep their grid while the points fit it: the numbers that say which one it is, for sums
   of the same bits elsewhere. Not collective, but the same on every rank. */
#define MU_PAIRS_MEMORY 4
PetscErrorCode MuPairsRemember(MuPairs pairs, PetscReal memory[MU_PAIRS_MEMORY]);
PetscErrorCode MuPairsRecall(MuPairs pairs, const PetscReal memory[MU_PAIRS_MEMORY]);

/* min over w >= 0, sum w = 1 of 1/2 w' K w - b' w, K [n][n] = scale * k(x_i - x_j). w: on entry a
   guess (on the simplex), on return the solution. The optimality conditions hold to `tolerance`:
   with g = K w - b and l = w' g: g_i >= l - tolerance, w_i (g_i - l) <= tolerance; w >= 0 and
   sum w = 1 to rounding. The tolerance is absolute, and cannot be below about 1e-14 scale k(0). */
typedef struct _p_MuSimplex *MuSimplex;
typedef struct {
  PetscInt iterations;
  PetscReal residual; /* max over i of the violations above */
} MuSimplexReport;
PetscErrorCode MuSimplexCreate(MPI_Comm comm, MuRadial radial, MuSimplex *simplex);
PetscErrorCode MuSimplexDestroy(MuSimplex *simplex);
/* Collective. MU_ERR_NUMERICS if the tolerance is not reached: w and report then hold the last
   iterate. report may be NULL. */
PetscErrorCode MuSimplexSolve(MuSimplex simplex, PetscInt n, const PetscReal *x, PetscReal scale,
                              const PetscReal *b, PetscReal tolerance, PetscReal *w,
                              MuSimplexReport *report);

#endif
