/* The metrics of comparisons, by dimension. */
#include "particles/compare_impl.h"

static const MuMetricTable tables[2] = {
    {8,
     {MU_METRIC_MMD2, MU_METRIC_ENERGY, MU_METRIC_W1, MU_METRIC_W2, MU_METRIC_KOLMOGOROV,
      MU_METRIC_HISTOGRAM, MU_METRIC_MEAN, MU_METRIC_COVARIANCE},
     {"mmd2", "energy_distance", "w1", "w2", "kolmogorov", "histogram_l1", "mean_error",
      "covariance_error"},
     {PETSC_TRUE, PETSC_TRUE}},
    {7,
     {MU_METRIC_MMD2, MU_METRIC_ENERGY, MU_METRIC_W1, MU_METRIC_W2, MU_METRIC_HISTOGRAM,
      MU_METRIC_MEAN, MU_METRIC_COVARIANCE},
     {"mmd2", "energy_distance", "sliced_w1", "sliced_w2", "histogram_l1", "mean_error",
      "covariance_error"},
     {PETSC_TRUE, PETSC_TRUE}},
};

const MuMetricTable *MuMetricTableOf(PetscInt dim) {
  return &tables[dim - 1];
}
