/* k*pi of the target at any point: in closed form, from points, or from the grid. */
#include "measure/mixture.h"
#include "particles/pairs.h"
#include "particles/particles_impl.h"

#define NEGLIGIBLE 1e-4 /* mass of a mixture outside the box that the closed form may ignore */

struct _MuKernelMean {
  MPI_Comm comm;
  MuLaw law;           /* borrowed */
  MuWallKernel kernel; /* borrowed */
  MuTargetSamples samples;
  const gsl_rng *rng;
  PetscBool closed;
  PetscInt count; /* points */
  PetscReal *points, *weights, *sum;
  MuInterpolant spline;
  PetscReal norm;
  PetscBool exact;
  char sentence[256];
};

/* ------------------------------------------------------------------ closed form */

/* Whether k*pi and <pi, k*pi> have one. */
static PetscErrorCode has_closed_form(MuLaw law, MuWallKernel kernel, PetscBool *has) {
  MuRadial radial;
  PetscBool reflects;

  PetscFunctionBegin;
  PetscCall(MuWallKernelGet(kernel, &radial, &reflects, NULL));
  *has = (PetscBool)(law->kind == MU_LAW_MIXTURE && MuRadialIsGaussian(radial) && !reflects &&
                     law->background == 0 && law->outside <= NEGLIGIBLE);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_closed(MuKernelMean m) {
  MuRadial radial;

  PetscFunctionBegin;
  m->closed = m->exact = PETSC_TRUE;
  PetscCall(MuWallKernelGet(m->kernel, &radial, NULL, NULL));
  PetscCall(MuMixtureKernelInner(m->law->mixture, m->law->mixture, radial, &m->norm));
  snprintf(m->sentence, sizeof m->sentence,
           "exact: k*pi in closed form (gaussian kernel and mixture)");
  if (m->law->outside > 1e-12)
    snprintf(m->sentence, sizeof m->sentence,
             "exact: k*pi in closed form (gaussian kernel and mixture; its mass outside the grid, "
             "at most %.1e, is kept)",
             m->law->outside);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ points */

static PetscErrorCode points_norm(MuKernelMean m) {
  PetscFunctionBegin;
  PetscCall(MuWallKernelApply(m->kernel, m->count, m->points, m->weights, m->count, m->points,
                              m->sum, NULL));
  m->norm = 0;
  for (PetscInt i = 0; i < m->count; ++i) m->norm += m->weights[i] * m->sum[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode create_points(MuKernelMean m, PetscInt count) {
  const PetscInt dim = m->law->dim;

  PetscFunctionBegin;
  m->exact = (PetscBool)(m->samples == MU_SAMPLES_EXACT);
  m->count = m->exact ? m->law->count : count;
  PetscCall(PetscMalloc3(m->count * dim, &m->points, m->count, &m->weights, m->count, &m->sum));
  for (PetscInt i = 0; i < m->count; ++i) m->weights[i] = 1.0 / m->count;
  if (m->exact)
    PetscCall(PetscArraycpy(m->points, m->law->points, m->count * dim));
  else
    PetscCall(MuLawSample(m->law, m->rng, m->count, m->points));
  PetscCall(points_norm(m));
  snprintf(m->sentence, sizeof m->sentence, "%s: %d points with equal weights%s",
           m->exact                         ? "exact"
           : m->samples == MU_SAMPLES_FIXED ? "fixed"
                                            : "fresh",
           (int)m->count, m->samples == MU_SAMPLES_FRESH ? ", drawn anew for each step" : "");
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelMeanRefresh(MuKernelMean m) {
  PetscFunctionBegin;
  if (m->samples != MU_SAMPLES_FRESH) PetscFunctionReturn(0);
  PetscCall(MuLawSample(m->law, m->rng, m->count, m->points));
  PetscCall(points_norm(m));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the grid */

/* A grid with MU_MARGIN more cells on every side. */
static PetscErrorCode enlarge(const MuGridInfo *info, MuGrid *grid) {
  MuGridSpec spec = {.dim = info->dim};

  PetscFunctionBegin;
  for (PetscInt a = 0; a < info->dim; ++a) {
    spec.cells[a] = info->cells[a] + 2 * MU_MARGIN;
    spec.lower[a] = info->lower[a] - MU_MARGIN * info->spacing[a];
    spec.upper[a] = info->upper[a] + MU_MARGIN * info->spacing[a];
  }
  PetscCall(MuGridCreate(info->comm, &spec, grid));
  PetscFunctionReturn(0);
}

/* pi as a field of a grid that is `margin` cells larger on every side. */
static PetscErrorCode fill_target(MuLaw law, MuGrid grid, PetscInt margin, Vec field) {
  const MuGridInfo *info, *own = law->info;
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(VecGetArray(field, &values));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    const PetscInt cell = info->first_row * info->row_length + i;
    const PetscInt ix = cell % info->cells[0] - margin;
    const PetscInt iy = own->dim == 2 ? cell / info->cells[0] - margin : 0;
    values[i] = 0;
    if (ix >= 0 && ix < own->cells[0] && iy >= 0 && iy < own->cells[1])
      values[i] = PetscExpReal(law->log_cells[iy * own->cells[0] + ix]);
  }
  PetscCall(VecRestoreArray(field, &values));
  PetscFunctionReturn(0);
}

/* k*pi on the grid (under `zero` an enlarged one), and its inner product with pi. */
static PetscErrorCode convolve_target(MuKernelMean m, MuGrid grid, PetscBool reflects) {
  const MuKernelSpec *spec;
  const MuGridInfo *info;
  MuConvolution convolution;
  MuKernel kernel;
  Vec target, image;
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(MuWallKernelGet(m->kernel, NULL, NULL, &spec));
  PetscCall(MuKernelCreate(spec, info->dim, &kernel));
  PetscCall(MuConvolutionCreate(grid, kernel, MU_CELLS, &convolution));
  PetscCall(MuGridCreateField(grid, &target));
  PetscCall(MuGridCreateField(grid, &image));
  PetscCall(fill_target(m->law, grid, reflects ? 0 : MU_MARGIN, target));
  PetscCall(MuConvolutionApply(convolution, target, image));
  PetscCall(MuGridInner(grid, target, image, &m->norm));
  PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], &values));
  PetscCall(MuGridGather(grid, image, PETSC_TRUE, values));
  if (reflects)
    PetscCall(MuInterpolantCreateMirrored(info, values, &m->spline));
  else
    PetscCall(MuInterpolantCreate(info->dim, info->cells, info->lower, info->spacing, values,
                                  &m->spline));
  PetscCall(PetscFree(values));
  PetscCall(VecDestroy(&target));
  PetscCall(VecDestroy(&image));
  PetscCall(MuConvolutionDestroy(&convolution));
  PetscCall(MuKernelDestroy(&kernel));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_spline(MuKernelMean m, MuGrid grid) {
  PetscBool reflects;
  MuGrid larger = NULL;

  PetscFunctionBegin;
  PetscCall(MuWallKernelGet(m->kernel, NULL, &reflects, NULL));
  if (!reflects) PetscCall(enlarge(m->law->info, &larger));
  PetscCall(convolve_target(m, reflects ? grid : larger, reflects));
  PetscCall(MuGridDestroy(&larger));
  snprintf(m->sentence, sizeof m->sentence,
           "exact: k*pi of the density on the grid, interpolated by cubic splines (error "
           "O(cell width^2))");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode create_exact(MuKernelMean m, MuGrid grid) {
  const MuKernelSpec *spec;
  PetscBool closed = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(has_closed_form(m->law, m->kernel, &closed));
  PetscCall(MuWallKernelGet(m->kernel, NULL, NULL, &spec));
  if (closed)
    PetscCall(create_closed(m));
  else if (m->law->kind == MU_LAW_POINTS)
    PetscCall(create_points(m, 0));
  else if (grid)
    PetscCall(create_spline(m, grid));
  else
    return MuError(MU_ERR_INPUT,
                   "particles_target_samples: exact has no closed form for kernel %s without a "
                   "grid; allowed are fixed and fresh, or kernel_type gaussian",
                   spec->type);
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelMeanCreate(MuLaw law, MuWallKernel kernel, MPI_Comm comm, MuGrid grid,
                                  MuTargetSamples samples, PetscInt count, const gsl_rng *rng,
                                  MuKernelMean *mean) {
  MuKernelMean m;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  m->comm = comm;
  m->law = law;
  m->kernel = kernel;
  m->samples = samples;
  m->rng = rng;
  code = samples == MU_SAMPLES_EXACT ? create_exact(m, grid) : create_points(m, count);
  if (code) PetscCall(MuKernelMeanDestroy(&m));
  *mean = m;
  PetscFunctionReturn(code);
}

PetscErrorCode MuKernelMeanDestroy(MuKernelMean *mean) {
  MuKernelMean m = *mean;

  PetscFunctionBegin;
  *mean = NULL;
  if (!m) PetscFunctionReturn(0);
  PetscCall(PetscFree3(m->points, m->weights, m->sum));
  PetscCall(MuInterpolantDestroy(&m->spline));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelMeanApply(MuKernelMean mean, PetscInt m, const PetscReal *y,
                                 PetscReal *value, PetscReal *gradient) {
  MuRadial radial;

  PetscFunctionBegin;
  PetscCall(MuWallKernelGet(mean->kernel, &radial, NULL, NULL));
  if (mean->closed)
    PetscCall(MuMixtureKernelMean(mean->law->mixture, radial, mean->comm, m, y, value, gradient));
  else if (mean->spline)
    PetscCall(MuInterpolantEvaluate(mean->spline, m, y, value, gradient));
  else
    PetscCall(MuWallKernelApply(mean->kernel, mean->count, mean->points, mean->weights, m, y, value,
                                gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelMeanGetPoints(MuKernelMean m, PetscInt *count, const PetscReal **points) {
  *count = m->count;
  *points = m->points;
  return 0;
}

PetscErrorCode MuKernelMeanGetNorm(MuKernelMean m, PetscReal *norm) {
  *norm = m->norm;
  return 0;
}

PetscErrorCode MuKernelMeanIsRandom(MuKernelMean m, PetscBool *random) {
  *random = (PetscBool)(m->samples == MU_SAMPLES_FRESH);
  return 0;
}

PetscErrorCode MuKernelMeanDescribe(MuKernelMean m, PetscBool *exact, const char **sentence) {
  *exact = m->exact;
  *sentence = m->sentence;
  return 0;
}
