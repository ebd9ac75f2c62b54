/* Densities of the case file as log densities at cell centres. */
#include "measure/measure_impl.h"
#include "measure/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A Gaussian: log density constant - 1/2 |L^(-1)(x - mean)|^2, L lower triangular with L L^T the
   covariance, constant with the log of the weight. */
typedef struct {
  PetscReal mean[2], l[3]; /* l00, l10, l11 */
  PetscReal log_weight, constant;
} Normal;

typedef struct {
  const char *name;
  PetscErrorCode (*create)(MuDensity density, const MuDensitySpec *spec);
  /* log f at the inside cells; may fail on some ranks only */
  PetscErrorCode (*fill)(MuDensity density, const MuCells *cells, PetscReal *log_density);
  /* whether fill is collective (and then fails everywhere or nowhere) */
  PetscBool collective;
} DensityOps;

struct _p_MuDensity {
  const DensityOps *ops;
  MPI_Comm comm;
  PetscMPIInt rank;
  PetscInt dim;
  char block[64];
  PetscReal background;
  PetscInt components;
  Normal *normal;               /* gaussian, mixture: [components] */
  PetscReal lower[2], upper[2]; /* uniform */
  MuFormula formula;
  PetscBool formula_is_log;
  PetscInt shape[2]; /* file: rows, columns; on every rank */
  PetscReal *values; /* file: [rows][columns] on rank 0 */
  PetscInt n;        /* samples */
  PetscReal *points; /* [n][dim] */
  PetscReal bandwidth[2];
  MuSmoothing smoothing;
};

/* ------------------------------------------------------------------ cells */

void MuCellsFromGrid(const MuGridInfo *info, MuCells *cells) {
  memset(cells, 0, sizeof *cells);
  cells->comm = info->comm;
  cells->dim = info->dim;
  for (PetscInt a = 0; a < 2; ++a) {
    cells->cells[a] = info->cells[a];
    cells->lower[a] = info->lower[a];
    cells->upper[a] = info->upper[a];
    cells->periodic[a] = info->periodic[a];
  }
  cells->first = info->first_row * info->row_length;
  cells->count = info->local_size;
  cells->mask = info->mask;
}

static void cell_centre(const MuCells *cells, PetscInt i, PetscReal x[2]) {
  const PetscInt cell = cells->first + i, nx = cells->cells[0];
  const PetscInt index[2] = {cell % nx, cell / nx};
  x[1] = 0;
  for (PetscInt a = 0; a < cells->dim; ++a)
    x[a] = cells->lower[a] +
           (index[a] + 0.5) * ((cells->upper[a] - cells->lower[a]) / cells->cells[a]);
}

static PetscReal cell_volume(const MuCells *cells) {
  PetscReal volume = 1;
  for (PetscInt a = 0; a < cells->dim; ++a)
    volume *= (cells->upper[a] - cells->lower[a]) / cells->cells[a];
  return volume;
}

static PetscBool is_inside(const MuCells *cells, PetscInt i) {
  return (PetscBool)(!cells->mask || cells->mask[i]);
}

/* "(x)" or "(x, y)" */
static const char *point_text(PetscInt dim, const PetscReal x[2], char text[80]) {
  if (dim == 1)
    snprintf(text, 80, "(%g)", x[0]);
  else
    snprintf(text, 80, "(%g, %g)", x[0], x[1]);
  return text;
}

/* ------------------------------------------------------------------ gaussian, mixture */

static PetscErrorCode create_normal(const char *key, PetscInt dim, const PetscReal *mean,
                                    const PetscReal *covariance, PetscReal log_weight,
                                    Normal *normal) {
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

static PetscReal evaluate_normal(const Normal *normal, PetscInt dim, const PetscReal x[2]) {
  PetscReal u = (x[0] - normal->mean[0]) / normal->l[0], v = 0;
  if (dim == 2) v = (x[1] - normal->mean[1] - normal->l[1] * u) / normal->l[2];
  return normal->constant - 0.5 * (u * u + v * v);
}

static PetscErrorCode create_gaussian(MuDensity d, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_covariance", d->block);
  d->components = 1;
  PetscCall(PetscMalloc1(1, &d->normal));
  PetscCall(create_normal(key, d->dim, spec->mean, spec->covariance, 0, d->normal));
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
    cell_centre(cells, i, x);
    for (PetscInt k = 0; k < d->components; ++k)
      largest = PetscMax(largest, evaluate_normal(&d->normal[k], d->dim, x));
    for (PetscInt k = 0; k < d->components && largest > -INFINITY; ++k)
      sum += exp(evaluate_normal(&d->normal[k], d->dim, x) - largest);
    log_density[i] = largest + (sum > 1 ? log(sum) : 0);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ uniform, formula */

static PetscErrorCode create_uniform(MuDensity d, const MuDensitySpec *spec) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < d->dim; ++a) {
    d->lower[a] = spec->lower[a];
    d->upper[a] = spec->upper[a];
    if (!(spec->lower[a] < spec->upper[a]))
      return MuError(MU_ERR_INPUT,
                     "%s_upper: axis %d runs from %g to %g; upper must be above lower", d->block,
                     (int)a, spec->lower[a], spec->upper[a]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_uniform(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscReal constant = 0;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < d->dim; ++a) constant -= log(d->upper[a] - d->lower[a]);
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal x[2];
    cell_centre(cells, i, x);
    log_density[i] = constant;
    for (PetscInt a = 0; a < d->dim; ++a)
      if (x[a] < d->lower[a] || x[a] > d->upper[a]) log_density[i] = -INFINITY;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_formula(MuDensity d, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  if (!spec->density == !spec->log_density)
    return MuError(MU_ERR_INPUT,
                   "%s_density: a formula needs one of `density` and `log_density`, %s", d->block,
                   spec->density ? "not both" : "and neither is given");
  d->formula_is_log = (PetscBool)(spec->log_density != NULL);
  snprintf(key, sizeof key, "%s_%s", d->block, d->formula_is_log ? "log_density" : "density");
  PetscCall(
      MuFormulaCreate(key, d->formula_is_log ? spec->log_density : spec->density, &d->formula));
  PetscCall(MuFormulaCheckDimension(d->formula, key, d->dim));
  PetscFunctionReturn(0);
}

/* Turns a density or log density of a cell into a log density. */
static PetscErrorCode check_value(MuDensity d, const MuCells *cells, PetscInt i, const char *what,
                                  PetscBool is_log, PetscReal value, PetscReal *log_density) {
  char text[80];
  PetscReal x[2];

  PetscFunctionBegin;
  *log_density = is_log ? value : (value > 0 ? log(value) : -INFINITY);
  if (value < INFINITY && (is_log || value >= 0)) PetscFunctionReturn(0);
  cell_centre(cells, i, x);
  return MuError(MU_ERR_INPUT, "%s_%s: the value at %s is %g; it must be %s", d->block, what,
                 point_text(d->dim, x, text), value,
                 is_log ? "a number below infinity" : "finite and not negative");
}

static PetscErrorCode fill_formula(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal x[2], value;
    if (!is_inside(cells, i)) continue;
    cell_centre(cells, i, x);
    PetscCall(MuFormulaEvaluate(d->formula, x, &value));
    PetscCall(check_value(d, cells, i, d->formula_is_log ? "log_density" : "density",
                          d->formula_is_log, value, &log_density[i]));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ file */

static PetscErrorCode read_file(MuDensity d, const MuDensitySpec *spec) {
  const char *dataset = spec->dataset && *spec->dataset ? spec->dataset : "density";
  PetscBool is_pgm;
  PetscInt dim;
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_file", d->block);
  PetscCall(MuPgmRecognise(key, spec->file, &is_pgm));
  if (is_pgm)
    PetscCall(MuPgmReadLocal(spec->file, &d->shape[1], &d->shape[0], &d->values));
  else
    PetscCall(MuDatasetRead(spec->file, dataset, &dim, d->shape, &d->values));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_file(MuDensity d, const MuDensitySpec *spec) {
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  if (!spec->file || !*spec->file)
    return MuError(MU_ERR_INPUT, "%s_file: the name of the file is missing", d->block);
  if (d->rank == 0) failed = read_file(d, spec);
  PetscCall(MuErrorAgree(d->comm, failed));
  PetscCallMPI(MPI_Bcast(d->shape, 2, MPIU_INT, 0, d->comm));
  PetscFunctionReturn(0);
}

/* Every rank's part of the array on rank 0. */
static PetscErrorCode scatter(MuDensity d, const MuCells *cells, PetscReal *part) {
  const int mine[2] = {(int)cells->first, (int)cells->count};
  int *ranges, *starts, *counts;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(d->comm, &size));
  PetscCall(PetscMalloc3(2 * size, &ranges, size, &starts, size, &counts));
  PetscCallMPI(MPI_Gather(mine, 2, MPI_INT, ranges, 2, MPI_INT, 0, d->comm));
  for (PetscMPIInt r = 0; r < size && d->rank == 0; ++r) {
    starts[r] = ranges[2 * r];
    counts[r] = ranges[2 * r + 1];
  }
  PetscCallMPI(MPI_Scatterv(d->values, counts, starts, MPIU_REAL, part, (PetscMPIInt)cells->count,
                            MPIU_REAL, 0, d->comm));
  PetscCall(PetscFree3(ranges, starts, counts));
  PetscFunctionReturn(0);
}

static PetscErrorCode convert_values(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < cells->count; ++i)
    if (is_inside(cells, i))
      PetscCall(check_value(d, cells, i, "file", PETSC_FALSE, log_density[i], &log_density[i]));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_file(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  if (d->shape[0] != cells->cells[1] || d->shape[1] != cells->cells[0]) {
    if (d->dim == 1)
      return MuError(MU_ERR_INPUT,
                     "%s_file: wrong shape: the file has [%d, %d] values ([rows, columns]), the "
                     "grid has [%d] cells",
                     d->block, (int)d->shape[0], (int)d->shape[1], (int)cells->cells[0]);
    return MuError(MU_ERR_INPUT,
                   "%s_file: wrong shape: the file has [%d, %d] values ([rows, columns]), the grid "
                   "has [%d, %d] cells ([ny, nx])",
                   d->block, (int)d->shape[0], (int)d->shape[1], (int)cells->cells[1],
                   (int)cells->cells[0]);
  }
  PetscCall(scatter(d, cells, log_density));
  PetscCall(MuErrorAgree(d->comm, convert_values(d, cells, log_density)));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ samples */

static PetscErrorCode create_samples(MuDensity d, const MuDensitySpec *spec) {
  char key[128];
  PetscReal rule[2];
  PetscBool needed = PETSC_FALSE;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_samples", d->block);
  if (!spec->file || !*spec->file)
    return MuError(MU_ERR_INPUT, "%s_file: the name of the CSV file is missing", key);
  PetscCall(MuSamplesRead(d->comm, key, spec->file, spec->columns, d->dim, &d->n, &d->points));
  d->smoothing = spec->smoothing;
  if (d->smoothing == MU_SMOOTHING_NONE) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < d->dim; ++a) {
    d->bandwidth[a] = spec->bandwidth[a];
    if (spec->bandwidth[a] == 0) needed = PETSC_TRUE;
    if (!(spec->bandwidth[a] >= 0) || PetscIsInfReal(spec->bandwidth[a]))
      return MuError(MU_ERR_INPUT, "%s_bandwidth: %g is not allowed; it must be positive", key,
                     spec->bandwidth[a]);
  }
  if (needed) PetscCall(MuSamplesBandwidth(key, d->n, d->dim, d->points, rule));
  for (PetscInt a = 0; a < d->dim; ++a)
    if (d->bandwidth[a] == 0) d->bandwidth[a] = rule[a];
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_samples(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  if (d->smoothing == MU_SMOOTHING_KDE) {
    PetscCall(MuSamplesLogKde(cells, d->n, d->points, d->bandwidth, log_density));
    PetscFunctionReturn(0);
  }
  PetscCall(MuSamplesBin(cells, d->n, d->points, log_density));
  for (PetscInt i = 0; i < cells->count; ++i)
    log_density[i] = log_density[i] > 0 ? log(log_density[i]) : -INFINITY;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static const DensityOps table[] = {
    {"gaussian", create_gaussian, fill_mixture, PETSC_FALSE},
    {"mixture", create_mixture, fill_mixture, PETSC_FALSE},
    {"uniform", create_uniform, fill_uniform, PETSC_FALSE},
    {"formula", create_formula, fill_formula, PETSC_FALSE},
    {"file", create_file, fill_file, PETSC_TRUE},
    {"samples", create_samples, fill_samples, PETSC_FALSE},
};

void MuDensitySpecDefault(MuDensitySpec *spec) {
  memset(spec, 0, sizeof *spec);
  spec->block = "target";
}

static PetscErrorCode create_parts(MuDensity d, const MuDensitySpec *spec) {
  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof table / sizeof table[0]; ++k)
    if (strcmp(table[k].name, spec->type) == 0) d->ops = &table[k];
  if (!d->ops)
    return MuError(MU_ERR_INPUT,
                   "%s_type: there is no density `%s`; known are gaussian, mixture, uniform, "
                   "formula, file, samples",
                   d->block, spec->type);
  if (!(spec->background >= 0) || PetscIsInfReal(spec->background))
    return MuError(MU_ERR_INPUT, "%s_background: %g is not allowed; it must not be negative",
                   d->block, spec->background);
  d->background = spec->background;
  PetscCall(d->ops->create(d, spec));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityCreate(MPI_Comm comm, PetscInt dim, const MuDensitySpec *spec,
                               MuDensity *density) {
  MuDensity d;

  PetscFunctionBegin;
  *density = NULL;
  PetscCall(PetscNew(&d));
  d->comm = comm;
  d->dim = dim;
  PetscCallMPI(MPI_Comm_rank(comm, &d->rank));
  snprintf(d->block, sizeof d->block, "%s", spec->block ? spec->block : "target");
  PetscErrorCode failed = create_parts(d, spec);
  if (failed) {
    PetscCall(MuDensityDestroy(&d));
    return failed;
  }
  *density = d;
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityDestroy(MuDensity *density) {
  MuDensity d = *density;

  PetscFunctionBegin;
  *density = NULL;
  if (!d) PetscFunctionReturn(0);
  PetscCall(MuFormulaDestroy(&d->formula));
  PetscCall(PetscFree(d->normal));
  PetscCall(PetscFree(d->values));
  PetscCall(PetscFree(d->points));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityFillLogRaw(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  PetscErrorCode failed = d->ops->fill(d, cells, log_density);
  PetscCall(d->ops->collective ? failed : MuErrorAgree(d->comm, failed));
  for (PetscInt i = 0; i < cells->count; ++i)
    if (!is_inside(cells, i)) log_density[i] = -INFINITY;
  PetscFunctionReturn(0);
}

/* log M = *largest + *rest, M the integral of f over the inside cells and *largest the largest log
   density, apart so that values near it lose no digits; and log |D|. The same on every rank. */
static PetscErrorCode log_mass(const MuCells *cells, const PetscReal *log_density,
                               PetscReal *largest, PetscReal *rest, PetscReal *inside) {
  PetscReal sums[2] = {0, 0};

  PetscFunctionBegin;
  *largest = -INFINITY;
  for (PetscInt i = 0; i < cells->count; ++i) *largest = PetscMax(*largest, log_density[i]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, 1, MPIU_REAL, MPI_MAX, cells->comm));
  for (PetscInt i = 0; i < cells->count; ++i) {
    if (!is_inside(cells, i)) continue;
    sums[1] += 1;
    if (log_density[i] > -INFINITY) sums[0] += exp(log_density[i] - *largest);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, cells->comm));
  *rest = log(sums[0] * cell_volume(cells));
  *inside = log(sums[1] * cell_volume(cells));
  PetscFunctionReturn(0);
}

/* log(e^a + e^b) */
static PetscReal log_add(PetscReal a, PetscReal b) {
  PetscReal high = PetscMax(a, b), low = PetscMin(a, b);
  return low == -INFINITY ? high : high + log1p(exp(low - high));
}

PetscErrorCode MuDensityFillLog(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  const PetscReal background = log(d->background), total = log1p(d->background);
  PetscReal largest, rest, inside;

  PetscFunctionBegin;
  PetscCall(MuDensityFillLogRaw(d, cells, log_density));
  PetscCall(log_mass(cells, log_density, &largest, &rest, &inside));
  if (largest == -INFINITY)
    return MuError(MU_ERR_INPUT,
                   "%s_type: the density `%s` has no mass on the grid; place it inside the grid",
                   d->block, d->ops->name);
  for (PetscInt i = 0; i < cells->count; ++i) {
    if (!is_inside(cells, i)) continue;
    log_density[i] = log_add(log_density[i] - largest - rest, background - inside) - total;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuDensityMassOutside(MuDensity d, const PetscReal lower[2], const PetscReal upper[2],
                                    PetscReal *mass) {
  PetscFunctionBegin;
  *mass = 0;
  for (PetscInt a = 0; a < d->dim; ++a) {
    PetscReal beyond = 0;
    for (PetscInt k = 0; k < d->components; ++k) {
      const Normal *normal = &d->normal[k];
      const PetscReal scale = sqrt(2) * (a == 0 ? normal->l[0] : hypot(normal->l[1], normal->l[2]));
      beyond +=
          exp(normal->log_weight) * 0.5 *
          (erfc((normal->mean[a] - lower[a]) / scale) + erfc((upper[a] - normal->mean[a]) / scale));
    }
    *mass = PetscMax(*mass, beyond);
  }
  PetscFunctionReturn(0);
}
