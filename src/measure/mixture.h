/* Mixtures of Gaussians, and drawing from densities. */
#ifndef MUDOT_MEASURE_MIXTURE_H
#define MUDOT_MEASURE_MIXTURE_H

#include "kernel/radial.h"
#include <gsl/gsl_rng.h>

/* A mixture of Gaussians on R^dim, dim >= 1. */
typedef struct _p_MuMixture *MuMixture;
/* weights [components] >= 0, normalised here, NULL: equal; means [components][dim]; covariances
   [components][dim][dim]. Copied. `block` begins the keys of error sentences. Not collective.
   MU_ERR_INPUT: a covariance that is not symmetric positive definite. */
PetscErrorCode MuMixtureCreate(const char *block, PetscInt dim, PetscInt components,
                               const PetscReal *weights, const PetscReal *means,
                               const PetscReal *covariances, MuMixture *mixture);
PetscErrorCode MuMixtureDestroy(MuMixture *mixture);
/* log density [n] and its gradient, the score [n][dim], at x [n][dim], by log-sum-exp; either may
   be NULL. Not collective. */
PetscErrorCode MuMixtureLogDensity(MuMixture mixture, PetscInt n, const PetscReal *x,
                                   PetscReal *log_density, PetscReal *score);
/* n independent samples x [n][dim]. Not collective. */
PetscErrorCode MuMixtureSample(MuMixture mixture, const gsl_rng *rng, PetscInt n, PetscReal *x);
/* Mean [dim] and covariance [dim][dim] of the mixture; either may be NULL. */
PetscErrorCode MuMixtureMoments(MuMixture mixture, PetscReal *mean, PetscReal *covariance);
/* (k * pi)(x_i) and its gradient, in closed form, for a gaussian kernel: sum_c w_c times the
   Gaussian of covariance S_c + h^2 I, scaled to the kernel's normalization. MU_ERR_INPUT for
   another family. Either output may be NULL. Collective on comm: the points are shared. */
PetscErrorCode MuMixtureKernelMean(MuMixture mixture, MuRadial radial, MPI_Comm comm, PetscInt n,
                                   const PetscReal *x, PetscReal *value, PetscReal *gradient);
/* double integral of k(x - y) over a(dx) b(dy), in closed form for a gaussian kernel. A difference
   such as MMD^2 = <a,k*a> - 2 <a,k*b> + <b,k*b> is accurate to about 1e-16 k(0), not relative to
   itself. */
PetscErrorCode MuMixtureKernelInner(MuMixture a, MuMixture b, MuRadial radial, PetscReal *value);

/* Draws from a density that is constant in every cell of a box: 1-D by exact inversion of the
   piecewise-linear distribution function, 2-D cell by cell. */
typedef struct _p_MuSampler *MuSampler;
/* density [ny][nx] (1-D: [nx]), >= 0, normalised here, copied: cells of density 0 get no point. A
   point is never on or beyond the edge of its cell's row or column. Not collective. MU_ERR_INPUT: a
   negative or infinite density, or none. */
PetscErrorCode MuSamplerCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                               const PetscReal upper[2], const PetscReal *density,
                               MuSampler *sampler);
PetscErrorCode MuSamplerDestroy(MuSampler *sampler);
/* n points x [n][dim]. Independent, or stratified: the level of the distribution
   function (2-D: of the cells in row-major order, y in the cell being independent) is (i + U)/n for
   point i, U uniform in [0, 1). Not collective. */
PetscErrorCode MuSamplerDraw(MuSampler sampler, const gsl_rng *rng, PetscBool stratified,
                             PetscInt n, PetscReal *x);

#endif
