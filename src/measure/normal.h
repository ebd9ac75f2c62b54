/* Normal densities in one dimension and two, at points and over cells. */
#ifndef MUDOT_MEASURE_NORMAL_H
#define MUDOT_MEASURE_NORMAL_H

#include <petscsys.h>

/* A Gaussian: log density constant - 1/2 |L^(-1)(x - mean)|^2, L lower triangular with L L^T the
   covariance, constant with the log of the weight. */
typedef struct {
  PetscReal mean[2], l[3]; /* l00, l10, l11; l11 = 1 in one dimension */
  PetscReal log_weight, constant;
} MuNormal;

/* covariance [dim][dim]. MU_ERR_INPUT, with `key`: it is not symmetric positive definite. */
PetscErrorCode MuNormalCreate(const char *key, PetscInt dim, const PetscReal *mean,
                              const PetscReal *covariance, PetscReal log_weight, MuNormal *normal);

/* log of the weighted density at x. */
PetscReal MuNormalLog(const MuNormal *normal, PetscInt dim, const PetscReal x[2]);

/* The smallest standard deviation along any direction, in cells of the given spacing. */
PetscReal MuNormalWidth(const MuNormal *normal, PetscInt dim, const PetscReal spacing[2]);

/* log of the standard normal mass of [a, b], a < b. */
PetscReal MuNormalLogInterval(PetscReal a, PetscReal b);

/* log of the mean of the weighted density over the box: exact in one dimension and without
   correlation, to about 1e-10 of the mean with it. A box whose nearest point lies beyond 40
   standard deviations has the density there, above the mean by a factor of at most its area over
   that of a standard deviation, which cannot be seen beside e^(-800). */
PetscReal MuNormalLogMean(const MuNormal *normal, PetscInt dim, const PetscReal lower[2],
                          const PetscReal upper[2]);

/* log of the largest density in the box, which is no less. */
PetscReal MuNormalLogLargest(const MuNormal *normal, PetscInt dim, const PetscReal lower[2],
                             const PetscReal upper[2]);

#endif
