/* A particle method on a case: building, stepping, the ledger. Every rank holds the whole cloud and
   draws the same random numbers; sums over pairs are shared. */
#include "particles/particles_impl.h"

#include "particles/pairs.h"
#include "problem/problem.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FAR          1e8  /* times the size of what the case describes: infinite */
#define STEP_SLACK   1e-9 /* a remainder below this fraction of a step is rounding, not a step */
#define MOST_STEPS   1e9  /* counters are ints */
#define MOST_NUMBERS 1e8  /* count times dimension */

/* ------------------------------------------------------------------ dimension and grid */

static PetscErrorCode ratio_of_items(MuCase c, const char *above, const char *below,
                                     PetscInt *ratio) {
  PetscInt a, b;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(c, above, &a));
  PetscCall(MuCaseCountItems(c, below, &b));
  if (*ratio == 0 && a > 0 && b > 0) *ratio = PetscMax(a / b, 1);
  PetscFunctionReturn(0);
}

/* d from the grid, from dimension, or from the lengths of means and covariances. */
static PetscErrorCode find_dimension(MuCase c, PetscBool has_grid, PetscInt *dim) {
  PetscInt stated = 0;
  PetscBool given;

  PetscFunctionBegin;
  *dim = 0;
  PetscCall(MuCaseGetInt(c, "particles_dimension", &stated, &given));
  if (has_grid) {
    PetscCall(MuCaseCountItems(c, "grid_lower", dim));
    if (given && stated != *dim)
      return MuError(MU_ERR_INPUT,
                     "particles_dimension: %d is given, but the grid has dimension %d", (int)stated,
                     (int)*dim);
    PetscFunctionReturn(0);
  }
  *dim = stated;
  if (*dim == 0) PetscCall(MuCaseCountItems(c, "target_mean", dim));
  if (*dim == 0) PetscCall(MuCaseCountItems(c, "initial_mean", dim));
  PetscCall(ratio_of_items(c, "target_covariances", "target_means", dim));
  PetscCall(ratio_of_items(c, "initial_covariances", "initial_means", dim));
  if (*dim == 0)
    return MuError(MU_ERR_INPUT,
                   "particles_dimension: is missing; without a grid the dimension comes from it, "
                   "or from the mean of a gaussian or the covariances of a mixture");
  PetscFunctionReturn(0);
}

static PetscErrorCode create_grid(MuParticles p) {
  PetscBool has_grid;
  PetscInt items, file = 0;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(p->c, "grid_lower", &items));
  PetscCall(MuCaseCountItems(p->c, "grid_cells", &file));
  has_grid = (PetscBool)(items > 0 || file > 0);
  PetscCall(find_dimension(p->c, has_grid, &p->cloud.dim));
  if (!has_grid) PetscFunctionReturn(0);
  PetscCall(MuCaseCreateGrid(p->c, &p->grid));
  PetscCall(MuGridGetInfo(p->grid, &p->info));
  if (p->info->masked)
    return MuError(MU_ERR_INPUT, "grid_mask: particles move in a whole box; leave the mask out");
  for (PetscInt a = 0; a < p->info->dim; ++a)
    if (p->info->periodic[a])
      return MuError(MU_ERR_INPUT,
                     "grid_boundary: periodic is not possible for particles; use no_flux");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ geometry */

/* The geometry's parts must be those that the method discretises. */
static PetscErrorCode wrong_geometry(MuParticles p, const char *name) {
  const char *join = p->ops->transport && p->ops->reaction ? " + " : "";
  return MuError(MU_ERR_INPUT,
                 "particles_method: %s discretises the geometry %s%s%s; that of the case has %s",
                 p->ops->name, p->ops->transport ? p->ops->transport : "", join,
                 p->ops->reaction ? p->ops->reaction : "", name);
}

static PetscErrorCode read_geometry(MuParticles p) {
  const char *names[MU_MAX_TERMS];
  PetscReal weights[MU_MAX_TERMS];
  PetscInt parts = MU_MAX_TERMS;
  PetscBool given;
  char fault[128];

  PetscFunctionBegin;
  PetscCall(MuCaseGetWeights(p->c, "geometry", MuGeometryGetTableRow, &parts, names, weights));
  PetscCall(MuCaseGetBool(p->c, "geometry_spherical", &p->spherical, &given));
  for (PetscInt k = 0; k < parts; ++k) {
    const PetscBool entropic = (PetscBool)(p->weight_step == MU_STEP_ENTROPIC);
    snprintf(fault, sizeof fault, "%s", names[k]);
    if (!(weights[k] > 0))
      return MuError(MU_ERR_INPUT, "geometry_%s: the weight is %g; it must be positive", names[k],
                     weights[k]);
    if (p->ops->transport && !strcmp(names[k], p->ops->transport))
      p->transport = weights[k];
    else if (p->ops->reaction && p->reaction == 0 &&
             (!strcmp(names[k], p->ops->reaction) || (entropic && !strcmp(names[k], "fisher_rao"))))
      p->reaction = weights[k];
    else
      PetscCall(wrong_geometry(p, fault));
  }
  if (p->ops->transport && p->transport == 0) {
    snprintf(fault, sizeof fault, "no %s", p->ops->transport);
    PetscCall(wrong_geometry(p, fault));
  }
  if (p->ops->reaction && p->reaction == 0) {
    snprintf(fault, sizeof fault, "no %s", p->ops->reaction);
    PetscCall(wrong_geometry(p, fault));
  }
  PetscFunctionReturn(0);
}

/* A conditionally positive definite kernel measures only differences of equal mass. */
static PetscErrorCode check_conditional(MuParticles p) {
  const MuKernelSpec *spec;
  const PetscReal *sum;
  MuWallKernel kernel;
  MuRadial radial;
  PetscReal weight;
  PetscBool only;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &kernel, &sum));
  if (!(weight > 0) || !p->ops->reaction || p->spherical || !strcmp(p->ops->reaction, "mmd"))
    PetscFunctionReturn(0);
  PetscCall(MuWallKernelGet(kernel, &radial, NULL, &spec));
  if (MuRadialIsConditional(radial))
    return MuError(MU_ERR_INPUT,
                   "kernel_type: %s compares only measures of equal mass, which this geometry "
                   "does not conserve; set geometry_spherical or use another kernel",
                   spec->type);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesReadWeightStep(MuParticles p, MuWeightStep first, MuWeightStep second) {
  static const char *const words[] = {"mmd", "entropic", "multiplicative", "birth_death"};
  PetscInt word = first;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetChoice(p->c, "particles_weight_step", &word, &given));
  if (word != (PetscInt)first && word != (PetscInt)second)
    return MuError(MU_ERR_INPUT,
                   "particles_weight_step: %s does not belong to particles_method %s; allowed are "
                   "%s and %s",
                   words[word], p->ops->name, words[first], words[second]);
  p->weight_step = (MuWeightStep)word;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ random numbers */

/* splitmix64: seeds of streams that are independent of each other. */
static unsigned long stream_seed(PetscInt seed, PetscInt stream) {
  unsigned long long z = ((unsigned long long)seed * MU_STREAMS + (unsigned long long)stream + 1) *
                         0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return (unsigned long)((z ^ (z >> 31)) & 0xFFFFFFFFull);
}

static PetscErrorCode create_streams(MuParticles p) {
  PetscFunctionBegin;
  gsl_set_error_handler_off();
  for (PetscInt s = 0; s < MU_STREAMS; ++s) {
    p->rng[s] = gsl_rng_alloc(gsl_rng_mt19937);
    PetscCheck(p->rng[s], PETSC_COMM_SELF, PETSC_ERR_MEM, "gsl_rng_alloc");
    gsl_rng_set(p->rng[s], stream_seed(p->seed, s));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the cloud */

/* i.i.d. samples of the initial measure with equal weights; points of a file themselves if there
   are as many as particles. */
static PetscErrorCode draw_cloud(MuParticles p) {
  MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  if (p->initial->kind == MU_LAW_POINTS && p->initial->count == cloud->n)
    PetscCall(PetscArraycpy(cloud->x, p->initial->points, cloud->n * cloud->dim));
  else
    PetscCall(MuLawSample(p->initial, p->rng[MU_STREAM_INITIAL], cloud->n, cloud->x));
  for (PetscInt i = 0; i < cloud->n; ++i) cloud->w[i] = 1.0 / cloud->n;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_arrays(MuParticles p) {
  const PetscInt n = p->cloud.n, dim = p->cloud.dim;

  PetscFunctionBegin;
  PetscCall(
      PetscMalloc4(n * dim, &p->cloud.x, n, &p->cloud.w, n * dim, &p->before_x, n, &p->before_w));
  PetscCall(PetscMalloc6(n, &p->derivative, n * dim, &p->gradient, n * dim, &p->velocity, n * dim,
                         &p->probe, n * (1 + dim), &p->columns, n * (1 + dim), &p->stein_sums));
  PetscCall(PetscMalloc1(MU_MAX_TERMS, &p->terms));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ mmd2 of the ledger */

/* The kernel of diagnostics, else of the energy, else of the geometry, else the energy distance. */
static PetscErrorCode test_kernel_spec(MuCase c, MuKernelSpec *spec) {
  static const char *const blocks[] = {"diagnostics_kernel", "energy_kernel", "geometry_kernel"};
  PetscBool given = PETSC_FALSE;

  PetscFunctionBegin;
  for (int k = 0; k < 3 && !given; ++k) PetscCall(MuCaseGetKernelSpec(c, blocks[k], spec, &given));
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
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the ledger */

static PetscErrorCode add_column(MuParticles p, const char *prefix, const char *name) {
  char *text = p->column_storage[p->column_count];

  PetscFunctionBegin;
  snprintf(text, sizeof p->column_storage[0], "%s%s", prefix, name);
  p->column_names[p->column_count++] = text;
  PetscFunctionReturn(0);
}

/* t, dt, energy and energy_NAME where they have values, mmd2, ... in the order of fill_row(). */
static PetscErrorCode create_columns(MuParticles p) {
  static const char *const last[] = {"mass", "weight_min", "weight_max", "ess", "displacement"};
  const char *const *names;
  const PetscBool *has_value;
  PetscInt terms, valued = 0;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetTerms(p->energy, &terms, &names, &has_value));
  PetscCall(PetscMalloc3(MU_MAX_TERMS + 16, &p->column_storage, MU_MAX_TERMS + 16, &p->column_names,
                         MU_MAX_TERMS + 16, &p->row));
  PetscCall(add_column(p, "", "t"));
  PetscCall(add_column(p, "", "dt"));
  for (PetscInt t = 0; t < terms; ++t) valued += has_value[t] ? 1 : 0;
  if (valued == terms) PetscCall(add_column(p, "", "energy"));
  for (PetscInt t = 0; t < terms; ++t)
    if (has_value[t]) PetscCall(add_column(p, "energy_", names[t]));
  if (p->target) PetscCall(add_column(p, "", "mmd2"));
  for (size_t k = 0; k < sizeof last / sizeof *last; ++k) PetscCall(add_column(p, "", last[k]));
  if (p->simplex) {
    PetscCall(add_column(p, "", "simplex_residual"));
    PetscCall(add_column(p, "", "simplex_iterations"));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_row(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;
  const char *const *names;
  const PetscBool *has_value;
  PetscReal mass = 0, square = 0, least = PETSC_MAX_REAL, most = 0, energy = 0, *at = p->row;
  PetscInt terms, valued = 0;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetTerms(p->energy, &terms, &names, &has_value));
  *at++ = p->time;
  *at++ = p->last_step;
  for (PetscInt t = 0; t < terms; ++t) {
    valued += has_value[t] ? 1 : 0;
    energy += p->terms[t];
  }
  if (valued == terms) *at++ = energy;
  for (PetscInt t = 0; t < terms; ++t)
    if (has_value[t]) *at++ = p->terms[t];
  if (p->target) PetscCall(test_distance(p, at++));
  for (PetscInt i = 0; i < cloud->n; ++i) {
    mass += cloud->w[i];
    square += PetscSqr(cloud->w[i]);
    least = PetscMin(least, cloud->w[i]);
    most = PetscMax(most, cloud->w[i]);
  }
  *at++ = mass;
  *at++ = least;
  *at++ = most;
  *at++ = mass * mass / square;
  *at++ = p->displacement;
  if (p->simplex) {
    *at++ = p->simplex_report.residual;
    *at++ = p->simplex_report.iterations;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the state */

static PetscErrorCode check_finite(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < cloud->n; ++i) {
    PetscReal far = 0;
    for (PetscInt a = 0; a < cloud->dim; ++a) {
      const PetscReal x = cloud->x[i * cloud->dim + a];
      far = PetscIsNanReal(x) ? INFINITY : PetscMax(far, PetscAbsReal(x));
    }
    if (!(far < p->limit))
      return MuError(MU_ERR_NUMERICS,
                     "particle %d runs to infinity (a coordinate is %g): the step is too large, or "
                     "the energy is not bounded below",
                     (int)i + 1, far);
    if (!(cloud->w[i] >= 0) || PetscIsInfReal(cloud->w[i]))
      return MuError(MU_ERR_NUMERICS, "the weight of particle %d is %g: the step is too large",
                     (int)i + 1, cloud->w[i]);
  }
  PetscFunctionReturn(0);
}

/* DF, its gradient and the energies at the state. */
static PetscErrorCode evaluate_state(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyRefresh(p->energy));
  PetscCall(MuCloudEnergyEvaluate(p->energy, cloud, cloud->n, cloud->x, p->derivative,
                                  p->ops->transport ? p->gradient : NULL, p->terms));
  for (PetscInt i = 0; i < cloud->n; ++i)
    if (PetscIsInfOrNanReal(p->derivative[i]))
      return MuError(MU_ERR_NUMERICS, "DF at particle %d is %g", (int)i + 1, p->derivative[i]);
  PetscFunctionReturn(0);
}

static void measure_displacement(MuParticles p) {
  const MuAtoms *cloud = &p->cloud;
  PetscReal sum = 0;
  for (PetscInt i = 0; i < cloud->n; ++i) {
    PetscReal square = 0;
    for (PetscInt a = 0; a < cloud->dim; ++a)
      square += PetscSqr(cloud->x[i * cloud->dim + a] - p->before_x[i * cloud->dim + a]);
    sum += PetscSqrtReal(square);
  }
  p->displacement = sum / cloud->n;
}

static PetscErrorCode try_step(MuParticles p, PetscReal dt) {
  PetscFunctionBegin;
  PetscCall(p->ops->step(p, dt));
  PetscCall(check_finite(p));
  measure_displacement(p);
  PetscCall(evaluate_state(p));
  PetscFunctionReturn(0);
}

/* A step that fails leaves the state as it was. */
static PetscErrorCode take_step(MuParticles p, PetscReal dt, PetscReal time) {
  MuAtoms *cloud = &p->cloud;
  char sentence[1024];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(p->before_x, cloud->x, cloud->n * cloud->dim));
  PetscCall(PetscArraycpy(p->before_w, cloud->w, cloud->n));
  PetscErrorCode code = try_step(p, dt);
  if (code) {
    PetscCall(PetscArraycpy(cloud->x, p->before_x, cloud->n * cloud->dim));
    PetscCall(PetscArraycpy(cloud->w, p->before_w, cloud->n));
    if (code != MU_ERR_NUMERICS) PetscFunctionReturn(code);
    PetscCall(PetscStrncpy(sentence, MuErrorMessage(), sizeof sentence));
    return MuError(code, "the particles stopped at t = %g: %s", p->time, sentence);
  }
  p->time = time;
  p->last_step = dt;
  p->steps++;
  p->row_is_current = PETSC_FALSE;
  if (p->callback) PetscCall(p->callback(p->callback_ctx, p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesAdvance(MuParticles p, PetscReal time) {
  const PetscReal start = p->time, rest = time - start;
  const PetscReal steps = PetscMax(1, PetscCeilReal(rest / p->step - STEP_SLACK));

  PetscFunctionBegin;
  if (!(rest > 0)) PetscFunctionReturn(0);
  if (steps > MOST_STEPS)
    return MuError(MU_ERR_INPUT, "time_step: %g makes %g steps; at most %g are allowed", p->step,
                   steps, MOST_STEPS);
  for (PetscInt k = 1; k <= (PetscInt)steps; ++k)
    PetscCall(take_step(p, rest / steps, k < (PetscInt)steps ? start + k * (rest / steps) : time));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what methods share */

/* Into [lower, upper] by reflections at both ends. */
static PetscReal reflect(PetscReal x, PetscReal lower, PetscReal upper) {
  const PetscReal length = upper - lower;
  PetscReal u = fmod(x - lower, 2 * length);
  if (u < 0) u += 2 * length;
  return PetscClipInterval(u <= length ? lower + u : upper - (u - length), lower, upper);
}

/* A step across the whole box is no step of a flow in it. */
static PetscErrorCode check_reach(MuParticles p, const PetscReal *displacement) {
  const PetscInt dim = p->cloud.dim;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < p->cloud.n * dim && p->info; ++i) {
    const PetscReal length = p->info->upper[i % dim] - p->info->lower[i % dim];
    if (!(PetscAbsReal(displacement[i]) <= length))
      return MuError(MU_ERR_NUMERICS,
                     "particle %d moves by %g in one step, which is more than the box: the step is "
                     "too large",
                     (int)(i / dim) + 1, displacement[i]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesMove(MuParticles p, const PetscReal *displacement) {
  const PetscInt dim = p->cloud.dim;

  PetscFunctionBegin;
  PetscCall(check_reach(p, displacement));
  for (PetscInt i = 0; i < p->cloud.n * dim; ++i) p->cloud.x[i] += displacement[i];
  PetscCall(check_finite(p));
  for (PetscInt i = 0; i < p->cloud.n && p->info; ++i)
    for (PetscInt a = 0; a < dim; ++a)
      p->cloud.x[i * dim + a] =
          reflect(p->cloud.x[i * dim + a], p->info->lower[a], p->info->upper[a]);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesDescend(MuParticles p, PetscReal dt, const PetscReal *gradient) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < p->cloud.n * p->cloud.dim; ++i)
    p->velocity[i] = -p->transport * dt * gradient[i];
  PetscCall(MuParticlesMove(p, p->velocity));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesReweight(MuParticles p, PetscReal rate, const PetscReal *df) {
  MuAtoms *cloud = &p->cloud;
  PetscReal least = 0, sum = 0;

  PetscFunctionBegin;
  if (p->spherical) {
    least = PETSC_MAX_REAL;
    for (PetscInt i = 0; i < cloud->n; ++i)
      if (cloud->w[i] > 0) least = PetscMin(least, df[i]);
  }
  for (PetscInt i = 0; i < cloud->n; ++i) {
    cloud->w[i] *= PetscExpReal(-rate * (df[i] - least));
    sum += cloud->w[i];
  }
  for (PetscInt i = 0; i < cloud->n && p->spherical; ++i) cloud->w[i] /= sum;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode read_keys(MuParticles p, const MuParticlesSpec *spec) {
  MuFlowSpec flow;
  PetscInt one = 1;
  const char *name;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(p->c, "particles_method", &name, NULL));
  PetscCall(MuCaseGetNames(p->c, "particles_method", MuMethodGetTableRow, &one, &name, &given));
  PetscCall(MuMethodFind(name, &p->ops));
  p->cloud.n = 1000;
  p->seed = 1;
  p->tolerance = 1e-10;
  PetscCall(MuCaseGetInt(p->c, "particles_count", &p->cloud.n, &given));
  PetscCall(MuCaseGetInt(p->c, "particles_seed", &p->seed, &given));
  PetscCall(MuCaseGetReal(p->c, "particles_tolerance", &p->tolerance, &given));
  if (spec && spec->count > 0) p->cloud.n = spec->count;
  if (spec && spec->seed >= 0) p->seed = spec->seed;
  PetscCall(MuCaseGetTime(p->c, &flow));
  p->step = flow.step;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_laws(MuParticles p) {
  PetscInt choice;
  PetscBool has_target;

  PetscFunctionBegin;
  PetscCall(MuLawCreate(p->c, "initial", p->cloud.dim, p->grid, &p->initial));
  PetscCall(MuCaseGetChoice(p->c, "target_type", &choice, &has_target));
  if (has_target) PetscCall(MuLawCreate(p->c, "target", p->cloud.dim, p->grid, &p->target));
  p->limit = 1 + p->initial->scale + (p->target ? p->target->scale : 0);
  p->limit *= FAR;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_energy(MuParticles p) {
  const MuCloudEnergySpec spec = {.c = p->c,
                                  .comm = p->comm,
                                  .dim = p->cloud.dim,
                                  .count = p->cloud.n,
                                  .grid = p->grid,
                                  .target = p->target,
                                  .initial = p->initial,
                                  .logarithm = p->ops->logarithm,
                                  .method = p->ops->name,
                                  .rng = p->rng[MU_STREAM_TARGET]};

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyCreate(&spec, &p->energy));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuParticles p, const MuParticlesSpec *spec) {
  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(p->c, &p->comm));
  PetscCall(read_keys(p, spec));
  PetscCall(create_grid(p));
  if ((PetscReal)p->cloud.n * p->cloud.dim > MOST_NUMBERS)
    return MuError(MU_ERR_INPUT,
                   "particles_count: %d particles in dimension %d are too many; at most %g "
                   "coordinates are allowed",
                   (int)p->cloud.n, (int)p->cloud.dim, MOST_NUMBERS);
  PetscCall(create_laws(p));
  PetscCall(create_streams(p));
  PetscCall(create_arrays(p));
  PetscCall(draw_cloud(p));
  PetscCall(create_energy(p));
  PetscCall(PetscStrncpy(p->scheme, p->ops->formula, sizeof p->scheme));
  if (p->ops->create) PetscCall(p->ops->create(p));
  PetscCall(read_geometry(p));
  PetscCall(check_conditional(p));
  PetscCall(MuCloudEnergySetInitial(p->energy, &p->cloud));
  PetscCall(create_test(p));
  PetscCall(create_columns(p));
  PetscCall(evaluate_state(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesCreate(MuCase c, const MuParticlesSpec *spec, MuParticles *particles) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(particles));
  PetscCall(MuCaseReference(c));
  (*particles)->c = c;
  code = build(*particles, spec);
  if (code) PetscCall(MuParticlesDestroy(particles));
  PetscFunctionReturn(code);
}

PetscErrorCode MuParticlesDestroy(MuParticles *particles) {
  MuParticles p = *particles;

  PetscFunctionBegin;
  *particles = NULL;
  if (!p) PetscFunctionReturn(0);
  PetscCall(MuCloudEnergyDestroy(&p->energy));
  PetscCall(MuKernelMeanDestroy(&p->test_mean));
  PetscCall(MuWallKernelDestroy(&p->test_kernel));
  PetscCall(MuWallKernelDestroy(&p->geometry_kernel));
  PetscCall(MuSimplexDestroy(&p->simplex));
  PetscCall(MuLawDestroy(&p->target));
  PetscCall(MuLawDestroy(&p->initial));
  PetscCall(PetscFree4(p->cloud.x, p->cloud.w, p->before_x, p->before_w));
  PetscCall(
      PetscFree6(p->derivative, p->gradient, p->velocity, p->probe, p->columns, p->stein_sums));
  PetscCall(PetscFree(p->terms));
  if (p->test_points) {
    PetscCall(PetscFree3(p->test_points, p->test_weights, p->test_sum));
  } else {
    PetscCall(PetscFree(p->test_sum));
  }
  PetscCall(PetscFree(p->own_sum));
  PetscCall(PetscFree3(p->column_storage, p->column_names, p->row));
  for (PetscInt s = 0; s < MU_STREAMS; ++s)
    if (p->rng[s]) gsl_rng_free(p->rng[s]);
  PetscCall(MuGridDestroy(&p->grid));
  PetscCall(MuCaseDestroy(&p->c));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesGetState(MuParticles p, MuParticlesState *state) {
  *state = (MuParticlesState){.time = p->time,
                              .steps = p->steps,
                              .count = p->cloud.n,
                              .dim = p->cloud.dim,
                              .position = p->cloud.x,
                              .weight = p->cloud.w};
  return 0;
}

PetscErrorCode MuParticlesGetRow(MuParticles p, PetscInt *columns, const char *const **names,
                                 const PetscReal **row) {
  PetscFunctionBegin;
  if (columns) *columns = p->column_count;
  if (names) *names = p->column_names;
  if (!row) PetscFunctionReturn(0);
  if (!p->row_is_current) PetscCall(fill_row(p));
  p->row_is_current = PETSC_TRUE;
  *row = p->row;
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesSetStepCallback(MuParticles p, MuParticlesCallback callback, void *ctx) {
  p->callback = callback;
  p->callback_ctx = ctx;
  return 0;
}

PetscErrorCode MuParticlesDescribe(MuParticles p, MuParticlesDescription *description) {
  PetscFunctionBegin;
  description->method = p->ops->name;
  description->scheme = p->scheme;
  description->mmd2 = p->test_sentence;
  description->seed = p->seed;
  PetscCall(MuCloudEnergyDescribe(p->energy, &description->target, &description->energy));
  PetscFunctionReturn(0);
}
