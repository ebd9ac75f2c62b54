/* gaussian and mixture: sums of normal densities. */
#include "measure/density_impl.h"

#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdio.h>

static PetscErrorCode create_normal(const char *key, PetscInt dim, const PetscReal *mean,
                                    const PetscReal *covariance, PetscReal log_weight,
                                    MuNormal *normal) {
  const PetscReal a = covariance[0], b = dim == 2 ? covariance[1] : 0;
  const PetscReal c = dim == 2 ? covariance[3] : 1, other = dim == 2 ? covariance[2] : 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < dim; ++k) {
    normal->mean[k] = mean[k];
    if (PetscIsInfOrNanReal(mean[k]))
      return MuError(MU_ERR_INPUT, "%s: a mean is %g; it must be finite", key, mean[k]);
  }
  if (dim == 1 && !(a > 0 && a < INFINITY))
    return MuError(MU_ERR_INPUT, "%s: the variance is %g; it must be positive", key, a);
  if (dim == 2 && PetscAbsReal(b - other) > 1e-12 * (PetscAbsReal(b) + PetscAbsReal(other)))
    return MuError(MU_ERR_INPUT, "%s: the covariance [%g, %g, %g, %g] is not symmetric", key, a, b,
                   other, c);
  if (!(a > 0 && c > 0 && a * c - b * b > 0) || PetscIsInfOrNanReal(a * c - b * b))
    return MuError(MU_ERR_INPUT,
                   "%s: the covariance [%g, %g, %g, %g] is not positive definite; the diagonal and "
                   "the determinant must be positive",
                   key, a, b, other, c);
  normal->l[0] = PetscSqrtReal(a);
  normal->l[1] = b / normal->l[0];
  normal->l[2] = PetscSqrtReal((a * c - b * b) / a);
  normal->log_weight = log_weight;
  normal->constant = log_weight - 0.5 * dim * log(2 * PETSC_PI) - log(normal->l[0]) -
                     (dim == 2 ? log(normal->l[2]) : 0);
  PetscFunctionReturn(0);
}

static PetscReal evaluate_normal(const MuNormal *normal, PetscInt dim, const PetscReal x[2]) {
  PetscReal u = (x[0] - normal->mean[0]) / normal->l[0], v = 0;
  if (dim == 2) v = (x[1] - normal->mean[1] - normal->l[1] * u) / normal->l[2];
  return normal->constant - 0.5 * (u * u + v * v);
}

static PetscErrorCode create_gaussian(MuDensity d, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_covariance", d->block);
  if (!spec->means || !spec->covariances)
    return MuError(MU_ERR_INPUT, "%s: a gaussian needs a mean and a covariance", key);
  d->components = 1;
  PetscCall(PetscMalloc1(1, &d->normal));
  PetscCall(create_normal(key, d->dim, spec->means, spec->covariances, 0, d->normal));
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_of_weights(MuDensity d, const MuDensitySpec *spec, PetscReal *sum) {
  PetscFunctionBegin;
  *sum = spec->weights ? 0 : spec->components;
  for (PetscInt k = 0; spec->weights && k < spec->components; ++k) {
    if (!(spec->weights[k] >= 0) || PetscIsInfReal(spec->weights[k]))
      return MuError(MU_ERR_INPUT, "%s_weights: weight %d is %g; it must not be negative", d->block,
                     (int)k + 1, spec->weights[k]);
    *sum += spec->weights[k];
  }
  if (!(*sum > 0))
    return MuError(MU_ERR_INPUT, "%s_weights: the sum is %g; it must be positive", d->block, *sum);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_mixture(MuDensity d, const MuDensitySpec *spec) {
  PetscReal sum;

  PetscFunctionBegin;
  if (spec->components < 1 || !spec->means || !spec->covariances)
    return MuError(MU_ERR_INPUT,
                   "%s_means: a mixture needs means and covariances of at least one component",
                   d->block);
  PetscCall(sum_of_weights(d, spec, &sum));
  PetscCall(PetscMalloc1(spec->components, &d->normal));
  for (PetscInt k = 0; k < spec->components; ++k) {
    PetscReal weight = spec->weights ? spec->weights[k] : 1;
    char key[128];
    snprintf(key, sizeof key, "%s_covariances (component %d)", d->block, (int)k + 1);
    if (weight == 0) continue;
    PetscCall(create_normal(key, d->dim, spec->means + k * d->dim,
                            spec->covariances + k * d->dim * d->dim, log(weight / sum),
                            &d->normal[d->components]));
    d->components++;
  }
  PetscFunctionReturn(0);
}

/* log-sum-exp over the components */
static PetscErrorCode fill_mixture(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal x[2], largest = -INFINITY, sum = 0;
    MuCellCentre(cells, i, x);
    for (PetscInt k = 0; k < d->components; ++k)
      largest = PetscMax(largest, evaluate_normal(&d->normal[k], d->dim, x));
    for (PetscInt k = 0; k < d->components && largest > -INFINITY; ++k)
      sum += exp(evaluate_normal(&d->normal[k], d->dim, x) - largest);
    log_density[i] = largest + (sum > 1 ? log(sum) : 0);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ particles */

/* Bound on the mass of a component beyond the walls. */
static PetscReal mass_outside(const MuGridInfo *info, const PetscReal *mean,
                              const PetscReal *covariance) {
  PetscReal mass = 0;
  for (PetscInt a = 0; a < info->dim; ++a) {
    const PetscReal sigma = PetscSqrtReal(covariance[a * info->dim + a]);
    mass += gsl_sf_erf_Q((info->upper[a] - mean[a]) / sigma) +
            gsl_sf_erf_Q((mean[a] - info->lower[a]) / sigma);
  }
  return mass;
}

static PetscErrorCode mixture_law(MuLaw law, const MuDensitySpec *spec) {
  const PetscInt dim = law->dim;
  PetscReal total = 0;

  PetscFunctionBegin;
  law->kind = MU_LAW_MIXTURE;
  PetscCall(MuMixtureCreate(law->block, dim, spec->components, spec->weights, spec->means,
                            spec->covariances, &law->mixture));
  for (PetscInt k = 0; k < spec->components; ++k) {
    const PetscReal weight = spec->weights ? spec->weights[k] : 1;
    const PetscReal *mean = spec->means + k * dim;
    const PetscReal *covariance = spec->covariances + k * dim * dim;
    total += weight;
    if (law->info) law->outside += weight * mass_outside(law->info, mean, covariance);
    for (PetscInt a = 0; a < dim; ++a)
      law->scale =
          PetscMax(law->scale, PetscAbsReal(mean[a]) + 10 * PetscSqrtReal(covariance[a * dim + a]));
  }
  law->outside /= total;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ descriptors */

static const MuDensityField gaussian_fields[] = {
    {"mean", MU_FIELD_LIST, offsetof(MuDensitySpec, means), 1, PETSC_FALSE},
    {"covariance", MU_FIELD_LIST, offsetof(MuDensitySpec, covariances), 2, PETSC_FALSE},
    {.name = NULL}};

const MuDensityOps MuDensityGaussian = {.name = "gaussian",
                                        .formula = "N(mean, covariance)",
                                        .fields = gaussian_fields,
                                        .traits = {.gaussian = PETSC_TRUE},
                                        .create = create_gaussian,
                                        .fill = fill_mixture,
                                        .law = mixture_law};

static const MuDensityField mixture_fields[] = {
    {"means", MU_FIELD_COMPONENTS, offsetof(MuDensitySpec, means), 1, PETSC_FALSE},
    {"covariances", MU_FIELD_COMPONENTS, offsetof(MuDensitySpec, covariances), 2, PETSC_FALSE},
    {"weights", MU_FIELD_COMPONENTS, offsetof(MuDensitySpec, weights), 0, PETSC_TRUE},
    {.name = NULL}};

const MuDensityOps MuDensityMixture = {.name = "mixture",
                                       .formula = "sum_c weight_c N(mean_c, covariance_c)",
                                       .fields = mixture_fields,
                                       .create = create_mixture,
                                       .fill = fill_mixture,
                                       .law = mixture_law};
