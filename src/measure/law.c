/* Probability measures as particles meet them: sampling, log density, score. */
#include "measure/law.h"
#include "grid/arrays.h"
#include "measure/density_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_DRAWS 1000000 /* of one point, before its law is said to have no mass in the box */

/* ------------------------------------------------------------------ on the grid */

static PetscErrorCode fill_cells(MuGrid grid, Vec log_density, MuLaw law) {
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(law->info->cells[0] * law->info->cells[1], &law->log_cells));
  PetscCall(MuGridGather(grid, log_density, PETSC_TRUE, law->log_cells));
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

/* log f of one cell, f not normalised, as the field has it. */
static PetscErrorCode raw_log_cell(const MuGridInfo *info, const MuDensitySpec *spec, PetscInt cell,
                                   PetscReal *raw) {
  MuDensity density;
  MuCells cells;

  PetscFunctionBegin;
  MuCellsFromGrid(info, &cells);
  cells.comm = PETSC_COMM_SELF;
  cells.first = cell;
  cells.count = 1;
  cells.mask = NULL;
  PetscCall(MuDensityCreate(PETSC_COMM_SELF, info->dim, spec, &density));
  PetscErrorCode failed = MuDensityFillLogRaw(density, &cells, raw);
  PetscCall(MuDensityDestroy(&density));
  PetscFunctionReturn(failed);
}

/* log M from the cell where the normalised density is largest: f/M = p (1 + b) - b/|D| there. */
static PetscErrorCode find_log_mass(MuLaw law, const MuDensitySpec *spec) {
  const MuGridInfo *info = law->info;
  PetscReal raw;
  PetscInt largest = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < info->cells[0] * info->cells[1]; ++i)
    if (law->log_cells[i] > law->log_cells[largest]) largest = i;
  PetscCall(raw_log_cell(info, spec, largest, &raw));
  const PetscReal p = law->log_cells[largest] + log1p(law->background);
  law->log_mass = raw - (p + log1p(-law->background * PetscExpReal(-log_volume(info) - p)));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode build(MuLaw law, MuGrid grid, const MuDensitySpec *spec, Vec log_density) {
  const MuDensityOps *ops;

  PetscFunctionBegin;
  PetscCall(MuDensityFind(law->block, spec->type, &ops));
  if (grid) {
    PetscCall(MuGridGetInfo(grid, &law->info));
    PetscCall(fill_cells(grid, log_density, law));
  } else {
    PetscCall(MuDensityNeedsGrid(law->block, ops));
    if (spec->background > 0)
      return MuError(MU_ERR_INPUT, "%s_background: %g needs a grid; leave it out", law->block,
                     spec->background);
  }
  law->background = spec->background;
  PetscCall(ops->law(law, spec));
  if (grid && (law->kind == MU_LAW_MIXTURE || law->kind == MU_LAW_FORMULA))
    PetscCall(find_log_mass(law, spec));
  if (law->kind == MU_LAW_FORMULA || law->kind == MU_LAW_CELLS) PetscCall(create_sampler(law));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLawCreate(MPI_Comm comm, PetscInt dim, MuGrid grid, const MuDensitySpec *spec,
                           Vec log_density, MuLaw *law) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(law));
  (*law)->comm = comm;
  snprintf((*law)->block, sizeof(*law)->block, "%s", spec->block);
  (*law)->dim = dim;
  code = build(*law, grid, spec, log_density);
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

/* Length over which formulas are differenced: far below a cell, and below `length`. */
static PetscReal difference_step(const MuGridInfo *info, PetscInt axis, PetscReal length,
                                 PetscReal x) {
  const PetscReal size = PetscMax(0.1 * length, PetscAbsReal(x));
  const PetscReal step = 1e-3 * (size > 0 ? size : 1);
  return info ? PetscMin(step, info->spacing[axis] / 8) : step;
}

PetscErrorCode MuFormulaGradient(PetscErrorCode (*f)(void *ctx, const PetscReal x[2],
                                                     PetscReal *value),
                                 void *ctx, const MuGridInfo *info, PetscReal length, PetscInt dim,
                                 const PetscReal *x, PetscReal *gradient) {
  static const PetscReal weight[3] = {45, -9, 1};

  PetscFunctionBegin;
  for (PetscInt a = 0; a < dim; ++a) {
    PetscReal at[2] = {x[0], dim == 2 ? x[1] : 0}, up, down;
    const PetscReal step = difference_step(info, a, length, x[a]);
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
        PetscCall(
            MuFormulaGradient(log_formula, law, law->info, law->scale, dim, at, score + i * dim));
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
