/* A particle method on a case: building and stepping. Every rank holds the whole cloud and
   draws the same random numbers; sums over pairs are shared. */
#include "particles/particles_impl.h"

#include "particles/pairs.h"
#include "problem/problem.h"

#include <gsl/gsl_errno.h>

#define FAR          1e8  /* times the size of what the case describes: infinite */
#define STEP_SLACK   1e-9 /* a remainder below this fraction of a step is rounding, not a step */
#define MOST_STEPS   1e9  /* counters are ints */
#define MOST_NUMBERS 1e8  /* count times dimension */

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
  p->target_stream = gsl_rng_clone(p->rng[MU_STREAM_TARGET]);
  PetscCheck(p->target_stream, PETSC_COMM_SELF, PETSC_ERR_MEM, "gsl_rng_clone");
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

/* ------------------------------------------------------------------ the state */

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

static PetscErrorCode try_step(MuParticles p, PetscReal *dt) {
  PetscFunctionBegin;
  if (p->adapts) {
    PetscCall(MuParticlesAdaptStep(p, *dt, dt));
    measure_displacement(p);
    PetscFunctionReturn(0);
  }
  PetscCall(p->ops->step(p, *dt));
  PetscCall(MuParticlesCheckFinite(p));
  measure_displacement(p);
  PetscCall(MuParticlesEvaluate(p));
  PetscFunctionReturn(0);
}

/* Of dt, and at most dt if steps are adapted, to `time` if all of it is taken. A step that fails
   leaves the state as it was. */
static PetscErrorCode take_step(MuParticles p, PetscReal dt, PetscReal time) {
  PetscReal taken = dt;
  MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(p->before_x, cloud->x, cloud->n * cloud->dim));
  PetscCall(PetscArraycpy(p->before_w, cloud->w, cloud->n));
  PetscErrorCode code = try_step(p, &taken);
  if (code) {
    PetscCall(PetscArraycpy(cloud->x, p->before_x, cloud->n * cloud->dim));
    PetscCall(PetscArraycpy(cloud->w, p->before_w, cloud->n));
    if (code != MU_ERR_NUMERICS) PetscFunctionReturn(code);
    return MuError(code, "the particles stopped at t = %g: %s", p->time, MuErrorMessage());
  }
  p->time = taken < dt ? p->time + taken : time;
  p->last_step = taken;
  p->steps++;
  p->interval_done++;
  p->row_is_current = PETSC_FALSE;
  if (p->callback) PetscCall(p->callback(p->callback_ctx, p));
  PetscFunctionReturn(0);
}

/* An interval is cut into equal steps where it begins; one that was left half-way goes on. */
static PetscErrorCode begin_interval(MuParticles p, PetscReal end) {
  const PetscReal steps = PetscMax(1, PetscCeilReal((end - p->time) / p->step - STEP_SLACK));

  if (p->interval_end == end) return 0;
  if (steps > MOST_STEPS)
    return MuError(MU_ERR_INPUT, "time_step: %g makes %g steps; at most %g are allowed", p->step,
                   steps, MOST_STEPS);
  p->interval_start = p->time;
  p->interval_end = end;
  p->interval_steps = (PetscInt)steps;
  p->interval_done = 0;
  return 0;
}

PetscErrorCode MuParticlesAdvance(MuParticles p, PetscReal time) {
  PetscFunctionBegin;
  p->stop = PETSC_FALSE;
  while (p->adapts && time > p->time && !p->stop) PetscCall(take_step(p, time - p->time, time));
  if (!(time > p->time) || p->adapts) PetscFunctionReturn(0);
  PetscCall(begin_interval(p, time));
  const PetscReal start = p->interval_start, dt = (time - start) / (PetscReal)p->interval_steps;
  while (p->interval_done < p->interval_steps && !p->stop) {
    const PetscInt k = p->interval_done + 1;
    PetscCall(take_step(p, dt, k < p->interval_steps ? start + k * dt : time));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesStop(MuParticles p) {
  p->stop = PETSC_TRUE;
  return 0;
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode create_laws(MuParticles p) {
  const char *type;
  PetscBool has_target;

  PetscFunctionBegin;
  PetscCall(MuCaseNeedProbability(p->c, "initial", "particles begin as"));
  PetscCall(MuCaseNeedProbability(p->c, "target", "particles are drawn to"));
  PetscCall(MuCaseCreateLaw(p->c, "initial", p->cloud.dim, p->grid, &p->initial));
  PetscCall(MuCaseGetString(p->c, "target_type", &type, &has_target));
  if (has_target) PetscCall(MuCaseCreateLaw(p->c, "target", p->cloud.dim, p->grid, &p->target));
  p->length = p->initial->scale + (p->target ? p->target->scale : 0);
  p->limit = p->length > 0 ? FAR * p->length : PETSC_INFINITY;
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
                                  .length = p->length,
                                  .logarithm = p->ops->logarithm,
                                  .method = p->ops->name,
                                  .rng = p->rng[MU_STREAM_TARGET]};
  return MuCloudEnergyCreate(&spec, &p->energy);
}

static PetscErrorCode build(MuParticles p, const MuParticlesSpec *spec) {
  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(p->c, &p->comm));
  PetscCall(MuParticlesReadKeys(p, spec));
  PetscCall(MuParticlesCreateGrid(p));
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
  PetscCall(MuParticlesReadGeometry(p));
  PetscCall(MuParticlesCreateAdapt(p));
  PetscCall(MuCloudEnergySetInitial(p->energy, &p->cloud));
  PetscCall(MuParticlesCreateRow(p));
  PetscCall(MuParticlesEvaluate(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesCreate(MuCase c, const MuParticlesSpec *spec, MuParticles *particles) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuCaseChooseBandwidths(c));
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
  PetscCall(MuParticlesDestroyRow(p));
  PetscCall(MuWallKernelDestroy(&p->geometry_kernel));
  PetscCall(MuSimplexDestroy(&p->simplex));
  PetscCall(MuLawDestroy(&p->target));
  PetscCall(MuLawDestroy(&p->initial));
  PetscCall(PetscFree4(p->cloud.x, p->cloud.w, p->before_x, p->before_w));
  PetscCall(
      PetscFree6(p->derivative, p->gradient, p->velocity, p->probe, p->columns, p->stein_sums));
  PetscCall(PetscFree(p->terms));
  PetscCall(PetscFree2(p->full_x, p->full_w));
  for (PetscInt s = 0; s < MU_STREAMS; ++s)
    if (p->rng[s]) gsl_rng_free(p->rng[s]);
  if (p->target_stream) gsl_rng_free(p->target_stream);
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

PetscErrorCode MuParticlesSetStepCallback(MuParticles p, MuParticlesCallback callback, void *ctx) {
  p->callback = callback;
  p->callback_ctx = ctx;
  return 0;
}

PetscErrorCode MuParticlesDescribe(MuParticles p, MuParticlesDescription *description) {
  PetscBool random;

  PetscFunctionBegin;
  description->method = p->ops->name;
  description->scheme = p->scheme;
  description->mmd2 = p->test_sentence;
  description->seed = p->seed;
  PetscCall(MuCloudEnergyIsRandom(p->energy, &random));
  description->random =
      (PetscBool)(random || p->ops->random || (p->weight_step && p->weight_step->random));
  PetscCall(MuCloudEnergyDescribe(p->energy, &description->target, &description->energy));
  PetscFunctionReturn(0);
}
