/* The target and the initial measure of a case: sampling, log density, score. */
#include "measure/law.h"
#include "grid/arrays.h"
#include "measure/samples.h"
#include "problem/problem.h"

#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_DRAWS 1000000 /* of one point, before its law is said to have no mass in the box */

static const char *key_of(MuLaw law, const char *name) {
  static char key[64];
  snprintf(key, sizeof key, "%s_%s", law->block, name);
  return key;
}

/* ------------------------------------------------------------------ gaussian, mixture */

/* mean and covariance as lists; they must have dim and dim^2 numbers. */
static PetscErrorCode get_gaussian(MuCase c, MuLaw law, PetscReal *lists[3]) {
  static const char *const names[2] = {"mean", "covariance"};
  PetscInt count;

  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    const PetscInt needed = k ? law->dim * law->dim : law->dim;
    PetscCall(MuCaseGetList(c, law->block, names[k], &count, &lists[1 + k]));
    if (count == 0)
      return MuError(MU_ERR_INPUT, "%s_%s: is missing; a gaussian needs it", law->block, names[k]);
    if (count != needed)
      return MuError(MU_ERR_INPUT, "%s_%s: has %d numbers; %d are needed in dimension %d",
                     law->block, names[k], (int)count, (int)needed, (int)law->dim);
  }
  PetscFunctionReturn(0);
}

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

static PetscErrorCode create_mixture(MuCase c, PetscBool gaussian, MuLaw law) {
  PetscReal *lists[3] = {NULL, NULL, NULL}, total = 0;
  PetscInt components = 1;
  PetscErrorCode code;

  PetscFunctionBegin;
  law->kind = MU_LAW_MIXTURE;
  code = gaussian ? get_gaussian(c, law, lists)
                  : MuCaseGetMixture(c, law->block, law->dim, &components, lists);
  if (!code)
    code = MuMixtureCreate(law->block, law->dim, components, lists[0], lists[1], lists[2],
                           &law->mixture);
  for (PetscInt k = 0; k < components && !code; ++k) {
    const PetscReal weight = lists[0] ? lists[0][k] : 1;
    const PetscReal *mean = lists[1] + k * law->dim;
    const PetscReal *covariance = lists[2] + k * law->dim * law->dim;
    total += weight;
    if (law->info) law->outside += weight * mass_outside(law->info, mean, covariance);
    for (PetscInt a = 0; a < law->dim; ++a)
      law->scale = PetscMax(law->scale, PetscAbsReal(mean[a]) +
                                            10 * PetscSqrtReal(covariance[a * law->dim + a]));
  }
  if (!code) law->outside /= total;
  for (int k = 0; k < 3; ++k) PetscCall(PetscFree(lists[k]));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the other kinds */

static PetscErrorCode create_uniform(MuCase c, MuLaw law) {
  PetscReal *bounds[2] = {law->lower, law->upper};
  static const char *const names[2] = {"lower", "upper"};

  PetscFunctionBegin;
  law->kind = MU_LAW_UNIFORM;
  for (int k = 0; k < 2; ++k) {
    PetscInt count = 2;
    PetscBool given;
    for (PetscInt a = 0; a < law->dim; ++a)
      bounds[k][a] = k ? law->info->upper[a] : law->info->lower[a];
    PetscCall(MuCaseGetRealArray(c, key_of(law, names[k]), &count, bounds[k], &given));
    for (PetscInt a = 0; a < law->dim; ++a)
      bounds[k][a] = PetscClipInterval(bounds[k][a], law->info->lower[a], law->info->upper[a]);
  }
  for (PetscInt a = 0; a < law->dim; ++a)
    law->log_mass += PetscLogReal(law->upper[a] - law->lower[a]);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_formula(MuCase c, MuLaw law) {
  const char *text;
  PetscBool given;

  PetscFunctionBegin;
  law->kind = MU_LAW_FORMULA;
  PetscCall(MuCaseGetString(c, key_of(law, "log_density"), &text, &law->formula_is_log));
  if (!law->formula_is_log) PetscCall(MuCaseGetString(c, key_of(law, "density"), &text, &given));
  PetscCall(MuFormulaCreate(key_of(law, law->formula_is_log ? "log_density" : "density"), text,
                            &law->formula));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_points(MuCase c, MuLaw law) {
  char path[PETSC_MAX_PATH_LEN], key[64], **columns;
  PetscInt count = law->dim;
  PetscBool given;
  PetscErrorCode code;
  MPI_Comm comm;

  PetscFunctionBegin;
  law->kind = MU_LAW_POINTS;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuCaseGetPath(c, key_of(law, "file"), path, NULL));
  PetscCall(PetscCalloc1(law->dim, &columns));
  PetscCall(MuCaseGetStringArray(c, key_of(law, "columns"), &count, columns, &given));
  if (given && count != law->dim)
    return MuError(MU_ERR_INPUT, "%s_columns: has %d names; %d are needed, one per axis",
                   law->block, (int)count, (int)law->dim);
  PetscCall(PetscSNPrintf(key, sizeof key, "%s_samples", law->block));
  code = MuSamplesRead(comm, key, path, given ? (const char *const *)columns : NULL, law->dim,
                       &law->count, &law->points);
  for (PetscInt a = 0; a < law->dim; ++a) PetscCall(PetscFree(columns[a]));
  PetscCall(PetscFree(columns));
  PetscCall(code);
  for (PetscInt i = 0; i < law->count * law->dim; ++i)
    law->scale = PetscMax(law->scale, PetscAbsReal(law->points[i]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ on the grid */

static PetscErrorCode fill_cells(MuCase c, MuGrid grid, MuLaw law) {
  Vec field;

  PetscFunctionBegin;
  PetscCall(MuCaseCreateLogDensity(c, law->block, grid, &field));
  PetscCall(PetscMalloc1(law->info->cells[0] * law->info->cells[1], &law->log_cells));
  PetscCall(MuGridGather(grid, field, PETSC_TRUE, law->log_cells));
  PetscCall(VecDestroy(&field));
  for (PetscInt a = 0; a < law->dim; ++a)
    law->scale = PetscMax(
        law->scale, PetscMax(PetscAbsReal(law->info->lower[a]), PetscAbsReal(law->info->upper[a])));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_sampler(MuLaw law) {
  const MuGridInfo *info = law->info;
  const PetscInt total = info->cells[0] * info->cells[1];
  PetscReal *density;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(total, &density));
  MuArrayExp(total, law->log_cells, density);
  PetscCall(
      MuSamplerCreate(info->dim, info->cells, info->lower, info->upper, density, &law->sampler));
  PetscCall(PetscFree(density));
  PetscFunctionReturn(0);
}

static void centre_of(const MuGridInfo *info, PetscInt cell, PetscReal x[2]) {
  const PetscInt index[2] = {cell % info->cells[0], cell / info->cells[0]};
  for (PetscInt a = 0; a < info->dim; ++a)
    x[a] = info->lower[a] + (index[a] + 0.5) * info->spacing[a];
}

static PetscInt cell_of(const MuGridInfo *info, const PetscReal *x) {
  PetscInt index[2] = {0, 0};
  for (PetscInt a = 0; a < info->dim; ++a)
    index[a] = PetscClipInterval((PetscInt)((x[a] - info->lower[a]) / info->spacing[a]), 0,
                                 info->cells[a] - 1);
  return index[1] * info->cells[0] + index[0];
}

static PetscReal log_volume(const MuGridInfo *info) {
  PetscReal sum = 0;
  for (PetscInt a = 0; a < info->dim; ++a) sum += PetscLogReal(info->upper[a] - info->lower[a]);
  return sum;
}

/* log f and its gradient, f not normalised. */
static PetscErrorCode raw_log_density(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *value,
                                      PetscReal *score);

/* log M from the cell where the normalised density is largest: f/M = p (1 + b) - b/|D| there. */
static PetscErrorCode find_log_mass(MuLaw law) {
  const MuGridInfo *info = law->info;
  PetscReal x[2] = {0, 0}, raw;
  PetscInt largest = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < info->cells[0] * info->cells[1]; ++i)
    if (law->log_cells[i] > law->log_cells[largest]) largest = i;
  centre_of(info, largest, x);
  PetscCall(raw_log_density(law, 1, x, &raw, NULL));
  const PetscReal p = law->log_cells[largest] + log1p(law->background);
  law->log_mass = raw - (p + log1p(-law->background * PetscExpReal(-log_volume(info) - p)));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode build_kind(MuCase c, PetscInt type, MuLaw law) {
  static const char *const types[] = {"gaussian", "mixture", "uniform",
                                      "formula",  "file",    "samples"};
  PetscInt smoothing = 0;
  PetscBool given;

  PetscFunctionBegin;
  if (!law->info && type >= 2 && type <= 4)
    return MuError(MU_ERR_INPUT,
                   "%s_type: %s needs a grid; without one gaussian, mixture and samples are "
                   "allowed",
                   law->block, types[type]);
  PetscCall(MuCaseGetReal(c, key_of(law, "background"), &law->background, &given));
  if (law->background > 0 && !law->info)
    return MuError(MU_ERR_INPUT, "%s_background: %g needs a grid; leave it out", law->block,
                   law->background);
  if (type <= 1) {
    PetscCall(create_mixture(c, (PetscBool)(type == 0), law));
  } else if (type == 2) {
    PetscCall(create_uniform(c, law));
  } else if (type == 3) {
    PetscCall(create_formula(c, law));
  } else {
    law->kind = MU_LAW_CELLS;
    PetscCall(MuCaseGetChoice(c, key_of(law, "smoothing"), &smoothing, &given));
    if (type == 5 && (!law->info || (smoothing == 1 && law->background == 0)))
      PetscCall(create_points(c, law));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCase c, MuGrid grid, MuLaw law) {
  PetscInt type;

  PetscFunctionBegin;
  if (grid) PetscCall(MuGridGetInfo(grid, &law->info));
  PetscCall(MuCaseGetChoice(c, key_of(law, "type"), &type, NULL));
  if (grid) PetscCall(fill_cells(c, grid, law)); /* with all its checks */
  PetscCall(build_kind(c, type, law));
  if (grid && (law->kind == MU_LAW_MIXTURE || law->kind == MU_LAW_FORMULA))
    PetscCall(find_log_mass(law));
  if (law->kind == MU_LAW_FORMULA || law->kind == MU_LAW_CELLS) PetscCall(create_sampler(law));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLawCreate(MuCase c, const char *block, PetscInt dim, MuGrid grid, MuLaw *law) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(law));
  (*law)->block = block;
  (*law)->dim = dim;
  code = build(c, grid, *law);
  if (code) PetscCall(MuLawDestroy(law));
  PetscFunctionReturn(code);
}

PetscErrorCode MuLawDestroy(MuLaw *law) {
  PetscFunctionBegin;
  if (!*law) PetscFunctionReturn(0);
  PetscCall(MuMixtureDestroy(&(*law)->mixture));
  PetscCall(MuFormulaDestroy(&(*law)->formula));
  PetscCall(MuSamplerDestroy(&(*law)->sampler));
  PetscCall(MuInterpolantDestroy(&(*law)->spline));
  PetscCall(PetscFree((*law)->log_cells));
  PetscCall(PetscFree((*law)->points));
  PetscCall(PetscFree(*law));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ sampling */

static PetscBool in_box(const MuGridInfo *info, const PetscReal *x) {
  for (PetscInt a = 0; a < info->dim; ++a)
    if (!(x[a] >= info->lower[a] && x[a] <= info->upper[a])) return PETSC_FALSE;
  return PETSC_TRUE;
}

static void draw_uniform(PetscInt dim, const PetscReal *lower, const PetscReal *upper,
                         const gsl_rng *rng, PetscReal *x) {
  for (PetscInt a = 0; a < dim; ++a) x[a] = lower[a] + (upper[a] - lower[a]) * gsl_rng_uniform(rng);
}

/* A point of the mixture restricted to the box. */
static PetscErrorCode draw_inside(MuLaw law, const gsl_rng *rng, PetscReal *x) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MOST_DRAWS; ++k) {
    PetscCall(MuMixtureSample(law->mixture, rng, 1, x));
    if (in_box(law->info, x)) PetscFunctionReturn(0);
  }
  return MuError(MU_ERR_INPUT,
                 "%s_type: none of %d samples lies in the grid; place the density inside the grid",
                 law->block, MOST_DRAWS);
}

/* A point of a law in closed form, with its background. */
static PetscErrorCode draw_one(MuLaw law, const gsl_rng *rng, PetscReal *x) {
  PetscFunctionBegin;
  if (law->background > 0 && gsl_rng_uniform(rng) < law->background / (1 + law->background))
    draw_uniform(law->dim, law->info->lower, law->info->upper, rng, x);
  else if (law->kind == MU_LAW_UNIFORM)
    draw_uniform(law->dim, law->lower, law->upper, rng, x);
  else
    PetscCall(draw_inside(law, rng, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode draw_points(MuLaw law, const gsl_rng *rng, PetscInt n, PetscReal *x) {
  const size_t size = sizeof(PetscReal) * (size_t)law->dim;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscInt k = (PetscInt)gsl_rng_uniform_int(rng, (unsigned long)law->count);
    memcpy(x + i * law->dim, law->points + k * law->dim, size);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuLawSample(MuLaw law, const gsl_rng *rng, PetscInt n, PetscReal *x) {
  PetscFunctionBegin;
  if (law->sampler)
    PetscCall(MuSamplerDraw(law->sampler, rng, PETSC_FALSE, n, x));
  else if (law->kind == MU_LAW_POINTS)
    PetscCall(draw_points(law, rng, n, x));
  else if (!law->info)
    PetscCall(MuMixtureSample(law->mixture, rng, n, x));
  else
    for (PetscInt i = 0; i < n; ++i) PetscCall(draw_one(law, rng, x + i * law->dim));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ density */

PetscErrorCode MuLawNeedDensity(MuLaw law, const char *who, PetscBool score) {
  PetscFunctionBegin;
  if (law->kind == MU_LAW_POINTS)
    return MuError(MU_ERR_INPUT,
                   "%s_type: samples without a grid, or with smoothing none, have no density, "
                   "which %s needs",
                   law->block, who);
  if (law->kind == MU_LAW_CELLS && score && !law->spline) {
    const PetscInt total = law->info->cells[0] * law->info->cells[1];
    for (PetscInt i = 0; i < total; ++i)
      if (PetscIsInfOrNanReal(law->log_cells[i]))
        return MuError(MU_ERR_INPUT,
                       "%s_type: the density vanishes in some cells, where it has no score, which "
                       "%s needs; add some %s_background",
                       law->block, who, law->block);
    PetscCall(MuInterpolantCreateMirrored(law->info, law->log_cells, &law->spline));
  }
  PetscFunctionReturn(0);
}

/* Length over which formulas are differenced: far below a cell, or below 1. */
static PetscReal difference_step(const MuGridInfo *info, PetscInt axis, PetscReal x) {
  const PetscReal step = 1e-3 * PetscMax(1, PetscAbsReal(x));
  return info ? PetscMin(step, info->spacing[axis] / 8) : step;
}

PetscErrorCode
MuFormulaGradient(PetscErrorCode (*f)(void *ctx, const PetscReal x[2], PetscReal *value), void *ctx,
                  const MuGridInfo *info, PetscInt dim, const PetscReal *x, PetscReal *gradient) {
  static const PetscReal weight[3] = {45, -9, 1};

  PetscFunctionBegin;
  for (PetscInt a = 0; a < dim; ++a) {
    PetscReal at[2] = {x[0], dim == 2 ? x[1] : 0}, up, down;
    const PetscReal step = difference_step(info, a, x[a]);
    gradient[a] = 0;
    for (int k = 0; k < 3; ++k) {
      at[a] = x[a] + (k + 1) * step;
      PetscCall(f(ctx, at, &up));
      at[a] = x[a] - (k + 1) * step;
      PetscCall(f(ctx, at, &down));
      gradient[a] += weight[k] * (up - down) / (60 * step);
    }
  }
  PetscFunctionReturn(0);
}

/* log f of a formula, as MuFormulaGradient() wants it. */
static PetscErrorCode log_formula(void *ctx, const PetscReal x[2], PetscReal *value) {
  MuLaw law = ctx;

  PetscFunctionBegin;
  PetscCall(MuFormulaEvaluate(law->formula, x, value));
  if (!law->formula_is_log) *value = PetscLogReal(*value);
  PetscFunctionReturn(0);
}

static PetscErrorCode raw_log_density(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *value,
                                      PetscReal *score) {
  const PetscInt dim = law->dim;

  PetscFunctionBegin;
  if (law->kind == MU_LAW_MIXTURE) {
    PetscCall(MuMixtureLogDensity(law->mixture, n, x, value, score));
  } else if (law->kind == MU_LAW_CELLS) {
    for (PetscInt i = 0; i < n && value; ++i)
      value[i] = law->log_cells[cell_of(law->info, x + i * dim)];
    if (score) PetscCall(MuInterpolantEvaluate(law->spline, n, x, NULL, score));
  } else {
    for (PetscInt i = 0; i < n; ++i) {
      const PetscReal at[2] = {x[i * dim], dim == 2 ? x[i * dim + 1] : 0};
      if (law->kind == MU_LAW_UNIFORM) {
        if (value) value[i] = 0;
        for (PetscInt a = 0; a < dim; ++a) {
          if (score) score[i * dim + a] = 0;
          if (value && (at[a] < law->lower[a] || at[a] > law->upper[a])) value[i] = -INFINITY;
        }
        continue;
      }
      if (value) PetscCall(log_formula(law, at, &value[i]));
      if (score)
        PetscCall(MuFormulaGradient(log_formula, law, law->info, dim, at, score + i * dim));
    }
  }
  PetscFunctionReturn(0);
}

/* log p = log(f/M + b/|D|) - log(1 + b); the score is that of f times f/M over the sum. */
static PetscErrorCode add_background(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *value,
                                     PetscReal *score) {
  const PetscReal low = PetscLogReal(law->background) - log_volume(law->info);
  PetscReal raw;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    if (value)
      raw = value[i];
    else {
      PetscCall(raw_log_density(law, 1, x + i * law->dim, &raw, NULL));
      raw -= law->log_mass;
    }
    const PetscReal larger = PetscMax(raw, low);
    const PetscReal sum = larger + log1p(PetscExpReal(-PetscAbsReal(raw - low)));
    if (value) value[i] = sum - log1p(law->background);
    for (PetscInt a = 0; a < law->dim && score; ++a)
      score[i * law->dim + a] *= PetscExpReal(raw - sum);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuLawLogDensity(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *log_density,
                               PetscReal *score) {
  PetscFunctionBegin;
  PetscCall(raw_log_density(law, n, x, log_density, score));
  for (PetscInt i = 0; i < n && log_density; ++i) log_density[i] -= law->log_mass;
  if (law->background > 0 && law->kind != MU_LAW_CELLS)
    PetscCall(add_background(law, n, x, log_density, score));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLawLogSampled(MuLaw law, PetscInt n, const PetscReal *x, PetscReal *log_density) {
  PetscFunctionBegin;
  if (law->sampler)
    for (PetscInt i = 0; i < n; ++i)
      log_density[i] = law->log_cells[cell_of(law->info, x + i * law->dim)];
  else
    PetscCall(MuLawLogDensity(law, n, x, log_density, NULL));
  PetscFunctionReturn(0);
}
