/* The row of the ledger: the squared MMD to the target, measured in a kernel of its own, and what
   is read off from the cloud. */
#include "particles/particles_impl.h"

/* The kernel of diagnostics, else of the energy, else of the geometry, else the energy distance. */
static PetscErrorCode test_kernel_spec(MuCase c, MuKernelSpec *spec) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetKernelSpec(c, "diagnostics_kernel", spec, &given));
  if (!given) PetscCall(MuCaseGetCommonKernelSpec(c, "energy", spec, &given));
  if (!given) PetscCall(MuCaseGetCommonKernelSpec(c, "geometry", spec, &given));
  if (given) PetscFunctionReturn(0);
  MuKernelSpecDistance(spec);
  PetscFunctionReturn(0);
}

/* <pi, k*pi> without bias: the mean over pairs of different samples. */
static PetscErrorCode create_test_sample(MuParticles p) {
  const PetscInt m = p->test_count;
  PetscReal sum = 0, diagonal;
  MuRadial radial;
  PetscReal slope;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(m * p->cloud.dim, &p->test_points, m, &p->test_weights, m, &p->test_sum));
  PetscCall(MuLawSample(p->target, p->rng[MU_STREAM_TEST], m, p->test_points));
  for (PetscInt i = 0; i < m; ++i) p->test_weights[i] = 1;
  PetscCall(MuWallKernelApply(p->test_kernel, m, p->test_points, p->test_weights, m, p->test_points,
                              p->test_sum, NULL));
  for (PetscInt i = 0; i < m; ++i) sum += p->test_sum[i];
  PetscCall(MuWallKernelGet(p->test_kernel, &radial, NULL, NULL));
  PetscCall(MuRadialEvaluate(radial, 0, &diagonal, &slope));
  p->test_norm = (sum - m * diagonal) / ((PetscReal)m * (m - 1));
  PetscFunctionReturn(0);
}

/* Exact where a closed form exists or the target is points; else against samples of its own. */
static PetscErrorCode create_test(MuParticles p) {
  MuKernelSpec spec;
  MuWallKernel energy_kernel;
  PetscReal weight;
  const PetscReal *sum;
  const char *sentence = "";
  const MuKernelSpec *resolved;
  PetscBool exact = PETSC_FALSE, only, given;

  PetscFunctionBegin;
  if (!p->target) PetscFunctionReturn(0);
  p->test_count = 1000;
  PetscCall(MuCaseGetInt(p->c, "particles_test_count", &p->test_count, &given));
  if (p->test_count < 2)
    return MuError(MU_ERR_INPUT, "particles_test_count: 1 is not allowed; at least 2 are needed");
  PetscCall(test_kernel_spec(p->c, &spec));
  PetscCall(MuWallKernelCreate(p->comm, &spec, p->cloud.dim, p->info, &p->test_kernel));
  PetscCall(MuWallKernelGet(p->test_kernel, NULL, NULL, &resolved));
  PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &energy_kernel, &sum));
  p->test_shares = MuWallKernelsAgree(p->test_kernel, energy_kernel);
  PetscCall(PetscMalloc1(p->cloud.n, &p->own_sum));
  if (p->target->kind == MU_LAW_MIXTURE || p->target->kind == MU_LAW_POINTS) {
    PetscErrorCode code = MuKernelMeanCreate(p->target, p->test_kernel, p->comm, p->grid,
                                             MU_SAMPLES_EXACT, 0, NULL, &p->test_mean);
    if (!code) PetscCall(MuKernelMeanDescribe(p->test_mean, &exact, &sentence));
    if (!exact) PetscCall(MuKernelMeanDestroy(&p->test_mean));
    if (code != MU_ERR_INPUT) PetscCall(code);
  }
  if (exact) {
    PetscCall(MuKernelMeanGetNorm(p->test_mean, &p->test_norm));
    snprintf(p->test_sentence, sizeof p->test_sentence,
             "squared MMD to the target in kernel %s of bandwidth %g, %s", resolved->type,
             resolved->bandwidth, sentence);
    PetscCall(PetscMalloc1(p->cloud.n, &p->test_sum));
  } else {
    PetscCall(create_test_sample(p));
    snprintf(p->test_sentence, sizeof p->test_sentence,
             "squared MMD to the target in kernel %s of bandwidth %g, estimated without bias from "
             "%d independent samples of the target, the same at all times (it may be negative)",
             resolved->type, resolved->bandwidth, (int)p->test_count);
  }
  PetscFunctionReturn(0);
}

/* <m, k*m> - 2 <m, k*pi> + <pi, k*pi> of the cloud m, scaled to mass 1. */
static PetscErrorCode test_distance(MuParticles p, PetscReal *mmd2) {
  const MuAtoms *cloud = &p->cloud;
  const PetscReal *sum = NULL;
  PetscReal mass = 0, own = 0, cross = 0, weight;
  MuWallKernel kernel;
  PetscBool only;

  PetscFunctionBegin;
  if (p->test_shares) PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &kernel, &sum));
  if (!sum) {
    PetscCall(MuWallKernelApply(p->test_kernel, cloud->n, cloud->x, cloud->w, cloud->n, cloud->x,
                                p->own_sum, NULL));
    sum = p->own_sum;
  }
  for (PetscInt i = 0; i < cloud->n; ++i) {
    mass += cloud->w[i];
    own += cloud->w[i] * sum[i];
  }
  if (p->test_mean) {
    PetscCall(MuKernelMeanApply(p->test_mean, cloud->n, cloud->x, p->test_sum, NULL));
    for (PetscInt i = 0; i < cloud->n; ++i) cross += cloud->w[i] * p->test_sum[i];
  } else {
    PetscCall(MuWallKernelApply(p->test_kernel, cloud->n, cloud->x, cloud->w, p->test_count,
                                p->test_points, p->test_sum, NULL));
    for (PetscInt i = 0; i < p->test_count; ++i) cross += p->test_sum[i] / p->test_count;
  }
  *mmd2 = own / (mass * mass) - 2 * cross / mass + p->test_norm;
  p->test_size = PetscAbsReal(own) / (mass * mass) + PetscAbsReal(2 * cross) / mass +
                 PetscAbsReal(p->test_norm);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the row */

/* t, dt, energy and energy_NAME where they have values, mmd2, ... */
static PetscErrorCode create_columns(MuParticles p) {
  static const MuColumnRole last[] = {MU_COLUMN_MASS, MU_COLUMN_WEIGHT_MIN, MU_COLUMN_WEIGHT_MAX,
                                      MU_COLUMN_EFFECTIVE_SIZE, MU_COLUMN_DISPLACEMENT};
  MuColumns c;
  const char *const *names;
  const PetscBool *has_value;
  PetscInt terms, valued = 0, count;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetTerms(p->energy, &terms, &names, &has_value));
  PetscCall(MuColumnsCreate(NULL, &p->row_columns));
  c = p->row_columns;
  PetscCall(MuColumnsAdd(c, MU_COLUMN_TIME, NULL, NULL));
  PetscCall(MuColumnsAdd(c, MU_COLUMN_STEP, NULL, NULL));
  for (PetscInt t = 0; t < terms; ++t) valued += has_value[t] ? 1 : 0;
  if (valued == terms) PetscCall(MuColumnsAdd(c, MU_COLUMN_ENERGY, NULL, NULL));
  for (PetscInt t = 0; t < terms; ++t)
    if (has_value[t]) PetscCall(MuColumnsAdd(c, MU_COLUMN_ENERGY_TERM, names[t], NULL));
  if (p->target) PetscCall(MuColumnsAdd(c, MU_COLUMN_MMD2, NULL, NULL));
  for (size_t k = 0; k < sizeof last / sizeof *last; ++k)
    PetscCall(MuColumnsAdd(c, last[k], NULL, NULL));
  if (p->simplex) {
    PetscCall(MuColumnsAdd(c, MU_COLUMN_SIMPLEX_RESIDUAL, NULL, NULL));
    PetscCall(MuColumnsAdd(c, MU_COLUMN_SIMPLEX_ITERATIONS, NULL, NULL));
  }
  PetscCall(MuColumnsGet(c, &count, NULL));
  PetscCall(PetscMalloc1(count, &p->row));
  PetscFunctionReturn(0);
}

/* A number of the row, if it has the column. */
static void set(MuParticles p, MuColumnRole role, PetscReal value) {
  PetscReal *at = MuColumnsAt(p->row_columns, p->row, role);
  if (at) *at = value;
}

static PetscErrorCode fill_energies(MuParticles p) {
  const char *const *names;
  const PetscBool *has_value;
  PetscReal energy = 0;
  PetscInt terms, valued = 0;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetTerms(p->energy, &terms, &names, &has_value));
  for (PetscInt t = 0; t < terms; ++t) {
    energy += p->terms[t];
    if (has_value[t])
      p->row[MuColumnsFind(p->row_columns, MU_COLUMN_ENERGY_TERM, valued++)] = p->terms[t];
  }
  set(p, MU_COLUMN_ENERGY, energy);
  PetscFunctionReturn(0);
}

static void fill_weights(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;
  PetscReal mass = 0, square = 0, least = PETSC_MAX_REAL, most = 0;
  for (PetscInt i = 0; i < cloud->n; ++i) {
    mass += cloud->w[i];
    square += PetscSqr(cloud->w[i]);
    least = PetscMin(least, cloud->w[i]);
    most = PetscMax(most, cloud->w[i]);
  }
  set(p, MU_COLUMN_MASS, mass);
  set(p, MU_COLUMN_WEIGHT_MIN, least);
  set(p, MU_COLUMN_WEIGHT_MAX, most);
  set(p, MU_COLUMN_EFFECTIVE_SIZE, mass * mass / square);
}

static PetscErrorCode fill_row(MuParticles p) {
  PetscReal mmd2 = 0;

  PetscFunctionBegin;
  set(p, MU_COLUMN_TIME, p->time);
  set(p, MU_COLUMN_STEP, p->last_step);
  PetscCall(fill_energies(p));
  if (p->target) {
    PetscCall(test_distance(p, &mmd2));
    set(p, MU_COLUMN_MMD2, mmd2);
  }
  fill_weights(p);
  set(p, MU_COLUMN_DISPLACEMENT, p->displacement);
  set(p, MU_COLUMN_SIMPLEX_RESIDUAL, p->simplex_report.residual);
  set(p, MU_COLUMN_SIMPLEX_ITERATIONS, p->simplex_report.iterations);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesCreateRow(MuParticles p) {
  PetscFunctionBegin;
  PetscCall(create_test(p));
  PetscCall(create_columns(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesDestroyRow(MuParticles p) {
  PetscFunctionBegin;
  PetscCall(MuKernelMeanDestroy(&p->test_mean));
  PetscCall(MuWallKernelDestroy(&p->test_kernel));
  if (p->test_points) {
    PetscCall(PetscFree3(p->test_points, p->test_weights, p->test_sum));
  } else {
    PetscCall(PetscFree(p->test_sum));
  }
  PetscCall(PetscFree(p->own_sum));
  PetscCall(MuColumnsDestroy(&p->row_columns));
  PetscCall(PetscFree(p->row));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesGetColumns(MuParticles p, MuColumns *columns) {
  *columns = p->row_columns;
  return 0;
}

PetscErrorCode MuParticlesGetRow(MuParticles p, const PetscReal **row) {
  PetscFunctionBegin;
  if (!p->row_is_current) PetscCall(fill_row(p));
  p->row_is_current = PETSC_TRUE;
  *row = p->row;
  PetscFunctionReturn(0);
}
