/* gaussian and mixture: sums of normal densities, wrapped around periodic axes. */
#include "measure/density_impl.h"

#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdio.h>

static PetscErrorCode create_gaussian(MuDensity d, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_covariance", d->block);
  if (!spec->means || !spec->covariances)
    return MuError(MU_ERR_INPUT, "%s: a gaussian needs a mean and a covariance", key);
  d->components = 1;
  PetscCall(PetscMalloc1(1, &d->normal));
  PetscCall(MuNormalCreate(key, d->dim, spec->means, spec->covariances, 0, d->normal));
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
    PetscCall(MuNormalCreate(key, d->dim, spec->means + k * d->dim,
                             spec->covariances + k * d->dim * d->dim, log(weight / sum),
                             &d->normal[d->components]));
    d->components++;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ on cells */

#define IMAGES         8.5 /* standard deviations beyond which images cannot be seen in a double */
#define MOST_IMAGES    10000 /* of a component */
#define CANNOT_BE_SEEN 45    /* e^-45 beside 1 */

/* A component, or an image of it on a periodic axis, as the cells see it. */
typedef struct {
  MuNormal normal;
  PetscBool narrow; /* than a cell */
} Part;

typedef struct {
  PetscInt n, room;
  Part *part;
  PetscReal *term; /* [n] at one cell */
} Parts;

/* A component that is wider than two periods along an axis, at every place of the other one, is
   uniform along it to 2 exp(-2 pi^2 2^2) = 1e-34 (Poisson's formula); one that is two periods wide
   is the same, with fewer images. */
static void narrow_to_periods(const MuCells *cells, MuNormal *normal) {
  const PetscReal along_y = cells->dim == 2 ? hypot(normal->l[1], normal->l[2]) : 1;
  const PetscReal conditional[2] = {normal->l[0] * normal->l[2] / along_y, normal->l[2]};
  for (PetscInt a = 0; a < cells->dim; ++a) {
    const PetscReal widest = 2 * (cells->upper[a] - cells->lower[a]);
    if (!cells->periodic[a] || conditional[a] <= widest) continue;
    normal->l[1] = 0;
    if (cells->dim == 2 && a == 0) normal->l[2] = along_y;
    normal->l[2 * a] = widest;
  }
  normal->constant = normal->log_weight - 0.5 * cells->dim * log(2 * PETSC_PI) - log(normal->l[0]) -
                     (cells->dim == 2 ? log(normal->l[2]) : 0);
}

/* The numbers of periods, from -count to count, by which images are moved. */
static PetscInt count_images(const MuCells *cells, const MuNormal *normal, PetscInt axis) {
  const PetscReal period = cells->upper[axis] - cells->lower[axis];
  const PetscReal deviation = axis == 0 ? normal->l[0] : hypot(normal->l[1], normal->l[2]);
  if (axis >= cells->dim || !cells->periodic[axis]) return 0;
  return 1 + (PetscInt)PetscMin(IMAGES * deviation / period, MOST_IMAGES);
}

static PetscErrorCode add_part(const MuCells *cells, const MuNormal *normal, PetscInt i, PetscInt j,
                               Parts *parts) {
  const PetscReal spacing[2] = {MuCellSpacing(cells, 0),
                                cells->dim == 2 ? MuCellSpacing(cells, 1) : 1};
  Part *part = &parts->part[parts->n++];

  PetscFunctionBegin;
  part->normal = *normal;
  part->normal.mean[0] += i * (cells->upper[0] - cells->lower[0]);
  if (cells->dim == 2) part->normal.mean[1] += j * (cells->upper[1] - cells->lower[1]);
  part->narrow = (PetscBool)(MuNormalWidth(normal, cells->dim, spacing) < 1);
  PetscFunctionReturn(0);
}

static void move_into_box(const MuCells *cells, MuNormal *normal) {
  for (PetscInt a = 0; a < cells->dim; ++a) {
    const PetscReal period = cells->upper[a] - cells->lower[a];
    if (cells->periodic[a])
      normal->mean[a] -= period * PetscFloorReal((normal->mean[a] - cells->lower[a]) / period);
  }
}

static PetscErrorCode add_component(MuDensity d, const MuCells *cells, PetscInt k, Parts *parts) {
  MuNormal normal = d->normal[k];
  PetscInt count[2];
  Part *grown;

  PetscFunctionBegin;
  if (cells->periodic[0] || (cells->dim == 2 && cells->periodic[1])) {
    narrow_to_periods(cells, &normal);
    move_into_box(cells, &normal);
  }
  for (PetscInt a = 0; a < 2; ++a) count[a] = count_images(cells, &normal, a);
  const PetscReal images = (2.0 * count[0] + 1) * (2.0 * count[1] + 1);
  if (images > MOST_IMAGES)
    return MuError(MU_ERR_INPUT,
                   "%s_type: component %d reaches over so many periods of the grid that it has %g "
                   "images; at most %d are allowed",
                   d->block, (int)k + 1, images, MOST_IMAGES);
  parts->room = parts->n + (PetscInt)images;
  PetscCall(PetscMalloc1(parts->room, &grown));
  PetscCall(PetscArraycpy(grown, parts->part, parts->n));
  PetscCall(PetscFree(parts->part));
  parts->part = grown;
  for (PetscInt j = -count[1]; j <= count[1]; ++j)
    for (PetscInt i = -count[0]; i <= count[0]; ++i)
      PetscCall(add_part(cells, &normal, i, j, parts));
  PetscFunctionReturn(0);
}

/* log-sum-exp over the parts at one cell: the density at its centre of what is as wide as a cell or
   wider, where the sum over the cells keeps the mass to 2 exp(-2 pi^2) = 5e-9 and the density is
   second order, and the mean over the cell of what is narrower. */
static PetscReal fill_cell(const MuCells *cells, PetscInt i, const Parts *parts) {
  PetscReal x[2], lower[2], upper[2], largest = -INFINITY, sum = 0;
  PetscReal *term = parts->term;
  MuCellCentre(cells, i, x);
  MuCellBox(cells, i, lower, upper);
  for (PetscInt k = 0; k < parts->n; ++k) {
    const Part *part = &parts->part[k];
    term[k] = part->narrow ? MuNormalLogLargest(&part->normal, cells->dim, lower, upper)
                           : MuNormalLog(&part->normal, cells->dim, x);
    if (!part->narrow) largest = PetscMax(largest, term[k]);
  }
  for (PetscInt k = 0; k < parts->n; ++k) {
    if (!parts->part[k].narrow || term[k] < largest - CANNOT_BE_SEEN) continue;
    term[k] = MuNormalLogMean(&parts->part[k].normal, cells->dim, lower, upper);
    largest = PetscMax(largest, term[k]);
  }
  for (PetscInt k = 0; k < parts->n && largest > -INFINITY; ++k) sum += exp(term[k] - largest);
  return largest + (sum > 1 ? log(sum) : 0);
}

static PetscErrorCode fill_mixture(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  Parts parts = {0};
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < d->components && !failed; ++k)
    failed = add_component(d, cells, k, &parts);
  PetscCall(PetscMalloc1(parts.n, &parts.term));
  for (PetscInt i = 0; i < cells->count && !failed; ++i)
    if (MuCellIsInside(cells, i)) log_density[i] = fill_cell(cells, i, &parts);
  PetscCall(PetscFree(parts.part));
  PetscCall(PetscFree(parts.term));
  PetscFunctionReturn(failed);
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
