/* samples: points of a table, smoothed or binned. */
#include "measure/density_impl.h"
#include "measure/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_OUTSIDE 0.5 /* of the points; a smaller part is told */

static MuPointsSpec points_spec(const char *key, const MuDensitySpec *spec, PetscInt dim) {
  return (MuPointsSpec){.key = key,
                        .file = spec->file,
                        .dim = dim,
                        .columns = spec->columns,
                        .array = spec->dataset && *spec->dataset ? spec->dataset : NULL};
}

static PetscErrorCode read_points(MuDensity d, const char *key, const MuDensitySpec *spec) {
  const MuPointsSpec points = points_spec(key, spec, d->dim);
  MuPointsLayout layout;
  char text[96];

  PetscFunctionBegin;
  PetscCall(MuSamplesRead(d->comm, &points, &layout, &d->n, &d->points));
  if (MuPointsDescribe(&layout, sizeof text, text)[0])
    MuDensityDoubt(d, "%s_file: %s %s", key, spec->file, text);
  if (!spec->columns && layout.columns > d->dim)
    MuDensityDoubt(d, "%s_columns: %s has %d columns, of which the first %d are read", key,
                   spec->file, (int)layout.columns, (int)d->dim);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_samples(MuDensity d, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_samples", d->block);
  if (!spec->file || !*spec->file)
    return MuError(MU_ERR_INPUT, "%s_file: the name of the CSV file is missing", key);
  PetscCall(read_points(d, key, spec));
  d->smoothing = spec->smoothing;
  if (d->smoothing == MU_SMOOTHING_NONE) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < d->dim; ++a) {
    d->bandwidth[a] = spec->bandwidth[a];
    if (!(spec->bandwidth[a] >= 0) || PetscIsInfReal(spec->bandwidth[a]))
      return MuError(MU_ERR_INPUT, "%s_bandwidth: %g is not allowed; it must be positive", key,
                     spec->bandwidth[a]);
  }
  PetscFunctionReturn(0);
}

/* Points beyond the walls would pile up in front of them. */
static PetscErrorCode check_outside(MuDensity d, PetscInt inside) {
  const PetscInt outside = d->n - inside;

  PetscFunctionBegin;
  if (!outside) PetscFunctionReturn(0);
  if (outside > MOST_OUTSIDE * d->n)
    return MuError(MU_ERR_INPUT,
                   "%s_samples: %d of the %d points lie outside the grid; enlarge it (grid_lower, "
                   "grid_upper)",
                   d->block, (int)outside, (int)d->n);
  MuDensityDoubt(d, "%s_samples: %d of the %d points lie outside the grid and are left out",
                 d->block, (int)outside, (int)d->n);
  PetscFunctionReturn(0);
}

static void note_bandwidth(MuDensity d, PetscInt n, const PetscReal h[2]) {
  const int used = snprintf(d->chosen, sizeof d->chosen, "%s_bandwidth %.4g", d->block, h[0]);
  if (d->dim == 2) snprintf(d->chosen + used, sizeof d->chosen - (size_t)used, ", %.4g", h[1]);
  const size_t end = strlen(d->chosen);
  snprintf(d->chosen + end, sizeof d->chosen - end, " (Scott's rule for %d samples)", (int)n);
}

static PetscErrorCode fill_kde(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscReal rule[2] = {0, 0}, h[2], *points;
  PetscErrorCode failed;
  PetscBool chosen;
  PetscInt n;
  char key[128];

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_samples", d->block);
  PetscCall(PetscMalloc1(d->n * d->dim, &points));
  PetscCall(PetscArraycpy(points, d->points, d->n * d->dim));
  MuSamplesMoveInside(cells, d->n, points, &n);
  failed = check_outside(d, n);
  chosen = (PetscBool)(d->bandwidth[0] == 0 || (d->dim == 2 && d->bandwidth[1] == 0));
  if (!failed && chosen) failed = MuSamplesBandwidth(key, cells, n, points, rule);
  for (PetscInt a = 0; a < 2; ++a) h[a] = d->bandwidth[a] == 0 ? rule[a] : d->bandwidth[a];
  if (!failed && chosen) note_bandwidth(d, n, h);
  if (!failed) failed = MuSamplesLogKde(cells, n, points, h, log_density);
  PetscCall(PetscFree(points));
  PetscFunctionReturn(failed);
}

static PetscErrorCode fill_samples(MuDensity d, const MuCells *cells, PetscReal *log_density) {
  PetscFunctionBegin;
  if (d->smoothing == MU_SMOOTHING_KDE) {
    PetscCall(fill_kde(d, cells, log_density));
    PetscFunctionReturn(0);
  }
  PetscCall(MuSamplesBin(cells, d->n, d->points, log_density));
  for (PetscInt i = 0; i < cells->count; ++i)
    log_density[i] = log_density[i] > 0 ? log(log_density[i]) : -INFINITY;
  PetscFunctionReturn(0);
}

/* Without a grid, or neither smoothed nor mixed with a background, particles draw the points. */
static PetscErrorCode samples_law(MuLaw law, const MuDensitySpec *spec) {
  char key[128];

  PetscFunctionBegin;
  law->kind = MU_LAW_CELLS;
  if (law->info && (spec->smoothing != MU_SMOOTHING_NONE || law->background > 0))
    PetscFunctionReturn(0);
  law->kind = MU_LAW_POINTS;
  snprintf(key, sizeof key, "%s_samples", law->block);
  const MuPointsSpec points = points_spec(key, spec, law->dim);
  PetscCall(MuSamplesRead(law->comm, &points, NULL, &law->count, &law->points));
  for (PetscInt i = 0; i < law->count * law->dim; ++i)
    law->scale = PetscMax(law->scale, PetscAbsReal(law->points[i]));
  PetscFunctionReturn(0);
}

static const MuDensityField fields[] = {
    {"file", MU_FIELD_PATH, offsetof(MuDensitySpec, file), 0, PETSC_FALSE},
    {"dataset", MU_FIELD_TEXT, offsetof(MuDensitySpec, dataset), 0, PETSC_TRUE},
    {"columns", MU_FIELD_COLUMNS, offsetof(MuDensitySpec, columns), 0, PETSC_TRUE},
    {"bandwidth", MU_FIELD_AXES, offsetof(MuDensitySpec, bandwidth), 0, PETSC_TRUE},
    {"smoothing", MU_FIELD_SMOOTHING, offsetof(MuDensitySpec, smoothing), 0, PETSC_TRUE},
    {.name = NULL}};

const MuDensityOps MuDensitySamples = {
    .name = "samples",
    .formula = "points of a CSV file: kernel density estimate, or the binned empirical measure",
    .fields = fields,
    .create = create_samples,
    .fill = fill_samples,
    .law = samples_law};
