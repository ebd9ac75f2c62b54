/* The complete state of a cloud between two steps, and back. DF at the state is evaluated again,
   from what its evaluation began with: the stream of the target's samples and what the kernel's
   sums remember. */
#include "particles/particles_impl.h"
#include "record/checkpoint.h"

#include <stdint.h>

enum {
  TIME,
  LAST_STEP,
  STEPS,
  INTERVAL_START,
  INTERVAL_END,
  INTERVAL_STEPS,
  INTERVAL_DONE,
  DISPLACEMENT,
  RESIDUAL,
  ITERATIONS,
  PLANNED,
  REFUSED,
  NUMBERS
};

/* ------------------------------------------------------------------ random numbers */

/* Words of 32 bits of the state of a generator, each a number. */
static PetscInt words_of(const gsl_rng *rng) {
  return (PetscInt)(gsl_rng_size(rng) / sizeof(uint32_t));
}

static void pack(const gsl_rng *rng, PetscReal *words) {
  const unsigned char *bytes = gsl_rng_state(rng);
  for (PetscInt k = 0; k < words_of(rng); ++k) {
    uint32_t word;
    memcpy(&word, bytes + sizeof word * (size_t)k, sizeof word);
    words[k] = word;
  }
}

static void unpack(gsl_rng *rng, const PetscReal *words) {
  unsigned char *bytes = gsl_rng_state(rng);
  for (PetscInt k = 0; k < words_of(rng); ++k) {
    const uint32_t word = (uint32_t)words[k];
    memcpy(bytes + sizeof word * (size_t)k, &word, sizeof word);
  }
}

/* That of the target is the one that the evaluation at the state began with. */
static PetscErrorCode save_streams(MuParticles p, MuCheckpoint checkpoint) {
  const PetscInt words = words_of(p->rng[0]);
  PetscReal *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MU_STREAMS * words, &all));
  for (PetscInt s = 0; s < MU_STREAMS; ++s)
    pack(s == MU_STREAM_TARGET ? p->target_stream : p->rng[s], all + s * words);
  PetscCall(MuCheckpointPutNumbers(checkpoint, "random", MU_STREAMS * words, all));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode load_streams(MuParticles p, MuCheckpoint checkpoint) {
  const PetscInt words = words_of(p->rng[0]);
  PetscReal *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MU_STREAMS * words, &all));
  PetscErrorCode code = MuCheckpointGetNumbers(checkpoint, "random", MU_STREAMS * words, all);
  for (PetscInt s = 0; s < MU_STREAMS && !code; ++s) unpack(p->rng[s], all + s * words);
  PetscCall(PetscFree(all));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ kernel sums */

/* The energy's kernel as the evaluation at the state found it; those of the method and of the
   ledger as they are. */
static PetscErrorCode save_sums(MuParticles p, MuCheckpoint checkpoint) {
  PetscReal memory[3][MU_PAIRS_MEMORY] = {{0}};

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(memory[0], p->energy_memory, MU_PAIRS_MEMORY));
  if (p->geometry_kernel) PetscCall(MuWallKernelRemember(p->geometry_kernel, memory[1]));
  if (p->test_kernel) PetscCall(MuWallKernelRemember(p->test_kernel, memory[2]));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "kernel_sums", 3 * MU_PAIRS_MEMORY, memory[0]));
  PetscFunctionReturn(0);
}

static PetscErrorCode load_sums(MuParticles p, MuCheckpoint checkpoint) {
  PetscReal memory[3][MU_PAIRS_MEMORY], weight;
  MuWallKernel kernel;
  const PetscReal *sum;
  PetscBool only;

  PetscFunctionBegin;
  PetscCall(MuCheckpointGetNumbers(checkpoint, "kernel_sums", 3 * MU_PAIRS_MEMORY, memory[0]));
  PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &kernel, &sum));
  if (kernel) PetscCall(MuWallKernelRecall(kernel, memory[0]));
  if (p->geometry_kernel) PetscCall(MuWallKernelRecall(p->geometry_kernel, memory[1]));
  if (p->test_kernel) PetscCall(MuWallKernelRecall(p->test_kernel, memory[2]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the whole */

PetscErrorCode MuParticlesSave(MuParticles p, MuCheckpoint checkpoint) {
  const PetscReal numbers[NUMBERS] = {
      [TIME] = p->time,
      [LAST_STEP] = p->last_step,
      [STEPS] = (PetscReal)p->steps,
      [INTERVAL_START] = p->interval_start,
      [INTERVAL_END] = p->interval_end,
      [INTERVAL_STEPS] = (PetscReal)p->interval_steps,
      [INTERVAL_DONE] = (PetscReal)p->interval_done,
      [DISPLACEMENT] = p->displacement,
      [RESIDUAL] = p->simplex_report.residual,
      [ITERATIONS] = (PetscReal)p->simplex_report.iterations,
      [PLANNED] = p->planned,
      [REFUSED] = (PetscReal)p->refused,
  };
  const MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  PetscCall(MuCheckpointPutNumbers(checkpoint, "particles", NUMBERS, numbers));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "position", cloud->n * cloud->dim, cloud->x));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "weight", cloud->n, cloud->w));
  PetscCall(save_streams(p, checkpoint));
  PetscCall(save_sums(p, checkpoint));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesLoad(MuParticles p, MuCheckpoint checkpoint) {
  PetscReal numbers[NUMBERS];
  MuAtoms *cloud = &p->cloud;

  PetscFunctionBegin;
  PetscCall(MuCheckpointGetNumbers(checkpoint, "particles", NUMBERS, numbers));
  PetscCall(MuCheckpointGetNumbers(checkpoint, "position", cloud->n * cloud->dim, cloud->x));
  PetscCall(MuCheckpointGetNumbers(checkpoint, "weight", cloud->n, cloud->w));
  PetscCall(load_streams(p, checkpoint));
  PetscCall(load_sums(p, checkpoint));
  PetscCall(MuParticlesEvaluate(p));
  p->time = numbers[TIME];
  p->last_step = numbers[LAST_STEP];
  p->steps = (PetscInt)numbers[STEPS];
  p->interval_start = numbers[INTERVAL_START];
  p->interval_end = numbers[INTERVAL_END];
  p->interval_steps = (PetscInt)numbers[INTERVAL_STEPS];
  p->interval_done = (PetscInt)numbers[INTERVAL_DONE];
  p->displacement = numbers[DISPLACEMENT];
  p->simplex_report.residual = numbers[RESIDUAL];
  p->simplex_report.iterations = (PetscInt)numbers[ITERATIONS];
  p->planned = numbers[PLANNED];
  p->refused = (PetscInt)numbers[REFUSED];
  p->row_is_current = PETSC_FALSE;
  PetscFunctionReturn(0);
}
