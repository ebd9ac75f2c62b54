/* Private to particles/: what the methods are made of. */
#ifndef MUDOT_PARTICLES_IMPL_H
#define MUDOT_PARTICLES_IMPL_H

#include "measure/law.h"
#include "mudot.h"
#include "particles/pairs.h"

#include <gsl/gsl_rng.h>

/* ------------------------------------------------------------------ kernels between walls */

/* A kernel that meets the walls of the box as it does on the grid: `zero` is k on R^d; under
   `reflect` every source has its images, k(x, y) = sum over images y' of k(x - y'), as many as the
   kernel's support reaches. Without a box always `zero`. */
typedef struct _MuWallKernel *MuWallKernel;
/* info NULL: no box. Collective. MU_ERR_INPUT: `reflect` and a kernel of infinite support. */
PetscErrorCode MuWallKernelCreate(MPI_Comm comm, const MuKernelSpec *spec, PetscInt dim,
                                  const MuGridInfo *info, MuWallKernel *kernel);
PetscErrorCode MuWallKernelDestroy(MuWallKernel *kernel);
PetscErrorCode MuWallKernelGet(MuWallKernel kernel, MuRadial *radial, PetscBool *reflects,
                               const MuKernelSpec **spec);
/* MuPairsApply() with k(x, y). Collective. */
PetscErrorCode MuWallKernelApply(MuWallKernel kernel, PetscInt n, const PetscReal *x,
                                 const PetscReal *w, PetscInt m, const PetscReal *y, PetscReal *sum,
                                 PetscReal *gradient);
/* MuPairsApplyColumns() with 1 + dim columns: column 0 as above; column 1 + a belongs to component
   a of a vector field, whose images are odd along axis a. */
PetscErrorCode MuWallKernelApplyVector(MuWallKernel kernel, PetscInt n, const PetscReal *x,
                                       const PetscReal *w, PetscInt m, const PetscReal *y,
                                       PetscReal *sums, PetscReal *gradient);
/* Whether both sum the same numbers. */
PetscBool MuWallKernelsAgree(MuWallKernel a, MuWallKernel b);

/* ------------------------------------------------------------------ the target in the MMD */

typedef enum { MU_SAMPLES_EXACT, MU_SAMPLES_FIXED, MU_SAMPLES_FRESH } MuTargetSamples;

/* k*pi, by one of: closed form (gaussian kernel and mixture), points with equal weights, or the
   density on the grid convolved there and interpolated. */
typedef struct _MuKernelMean *MuKernelMean;
/* count, rng: of the samples of FIXED and FRESH; rng is borrowed. grid NULL: none. Collective. */
PetscErrorCode MuKernelMeanCreate(MuLaw law, MuWallKernel kernel, MPI_Comm comm, MuGrid grid,
                                  MuTargetSamples samples, PetscInt count, const gsl_rng *rng,
                                  MuKernelMean *mean);
PetscErrorCode MuKernelMeanDestroy(MuKernelMean *mean);
/* Draws new samples if FRESH. Collective. */
PetscErrorCode MuKernelMeanRefresh(MuKernelMean mean);
/* value [m], gradient [m][dim] at y; either may be NULL. Collective. */
PetscErrorCode MuKernelMeanApply(MuKernelMean mean, PetscInt m, const PetscReal *y,
                                 PetscReal *value, PetscReal *gradient);
/* <pi, k*pi> of the target as it is represented. */
PetscErrorCode MuKernelMeanGetNorm(MuKernelMean mean, PetscReal *norm);
/* A sentence: how it is had. `exact`: no sampling is involved and no grid. Borrowed. */
PetscErrorCode MuKernelMeanDescribe(MuKernelMean mean, PetscBool *exact, const char **sentence);

/* ------------------------------------------------------------------ energies of clouds */

typedef struct {
  PetscInt n, dim;
  PetscReal *x, *w; /* [n][dim], [n] */
} MuAtoms;

/* What a method makes of D log mu, the part of DF that a cloud of points does not have. */
typedef enum {
  MU_LOG_BLOB,   /* D (log(k*mu) + k*(mu/(k*mu))) */
  MU_LOG_NOISE,  /* Brownian motion: left out of DF here */
  MU_LOG_STEIN,  /* integration by parts under the kernel: left out of DF here */
  MU_LOG_WEIGHTS /* the positions rest: rho(x_i) = n w_i rho_0(x_i); all local energies exist */
} MuLogarithm;

/* F, DF and grad DF of a cloud. */
typedef struct _MuCloudEnergy *MuCloudEnergy;

typedef struct {
  MuCase c;
  MPI_Comm comm;
  PetscInt dim, count;
  MuGrid grid;           /* NULL: none */
  MuLaw target, initial; /* target NULL: none. Borrowed. */
  MuLogarithm logarithm;
  const char *method; /* in sentences */
  gsl_rng *rng;       /* of the target's samples. Borrowed. */
} MuCloudEnergySpec;

PetscErrorCode MuCloudEnergyCreate(const MuCloudEnergySpec *spec, MuCloudEnergy *energy);
PetscErrorCode MuCloudEnergyDestroy(MuCloudEnergy *energy);
/* With MU_LOG_WEIGHTS: the positions for good. */
PetscErrorCode MuCloudEnergySetInitial(MuCloudEnergy energy, const MuAtoms *cloud);
PetscErrorCode MuCloudEnergyRefresh(MuCloudEnergy energy);
/* DF of the cloud at y [m][dim] (y = cloud->x: at its own points), without what `logarithm` leaves
   out: derivative [m], gradient [m][dim]; terms [terms], only with y = cloud->x. Each may be NULL.
   Collective. */
PetscErrorCode MuCloudEnergyEvaluate(MuCloudEnergy energy, const MuAtoms *cloud, PetscInt m,
                                     const PetscReal *y, PetscReal *derivative, PetscReal *gradient,
                                     PetscReal *terms);
/* Names and weights as in the case, and which have a value for clouds. */
PetscErrorCode MuCloudEnergyGetTerms(MuCloudEnergy energy, PetscInt *terms,
                                     const char *const **names, const PetscBool **has_value);
/* D, what is left out of DF. */
PetscErrorCode MuCloudEnergyGetDiffusivity(MuCloudEnergy energy, PetscReal *diffusivity);
/* Weight and kernel of mmd (kernel NULL: no kernel at all), and k*mu [n] at the cloud from the last
   evaluation there (NULL: none). */
PetscErrorCode MuCloudEnergyGetKernel(MuCloudEnergy energy, PetscReal *mmd_weight,
                                      PetscBool *only_mmd, MuWallKernel *kernel,
                                      const PetscReal **sum);
/* Sentences on the target and on what the energy means; "" if there is nothing to say. */
PetscErrorCode MuCloudEnergyDescribe(MuCloudEnergy energy, const char **target,
                                     const char **meaning);

/* ------------------------------------------------------------------ methods */

typedef enum {
  MU_STREAM_INITIAL,
  MU_STREAM_TARGET,
  MU_STREAM_TEST,
  MU_STREAM_NOISE,
  MU_STREAM_RESAMPLING,
  MU_STREAMS
} MuStream;

typedef enum {
  MU_STEP_MMD,
  MU_STEP_ENTROPIC,
  MU_STEP_MULTIPLICATIVE,
  MU_STEP_BIRTH_DEATH
} MuWeightStep;

typedef struct {
  const char *name;
  const char *formula;   /* for `mudot list methods`: ends with the geometry */
  const char *transport; /* part of the geometry that moves positions, NULL: none */
  const char *reaction;  /* part that changes weights, NULL: none */
  MuLogarithm logarithm;
  /* OPTIONAL, default: nothing. Reads and checks what is the method's own. */
  PetscErrorCode (*create)(MuParticles particles);
  /* REQUIRED: one step. DF and its gradient at the state stand in particles->derivative,
     ->gradient. Collective; fails on all ranks. */
  PetscErrorCode (*step)(MuParticles particles, PetscReal dt);
} MuMethodOps;

struct _p_MuParticles {
  MuCase c;
  MPI_Comm comm;
  const MuMethodOps *ops;
  MuGrid grid; /* NULL: R^dim */
  const MuGridInfo *info;
  MuLaw target, initial;
  MuAtoms cloud;
  PetscReal *before_x, *before_w; /* the state before the step */
  PetscReal time, step, last_step;
  PetscInt steps, seed;
  PetscReal limit;               /* |x| beyond it counts as infinite */
  PetscReal transport, reaction; /* weights a, b of the geometry's parts */
  PetscBool spherical;
  MuWeightStep weight_step;
  PetscReal noise, noise_decay, tolerance;
  MuCloudEnergy energy;
  PetscReal *derivative, *gradient; /* at the state */
  PetscReal *velocity;              /* [n][dim] scratch of the methods */
  PetscReal *probe;                 /* [n][dim] points, scratch */
  PetscReal *columns, *stein_sums;  /* [n][1 + dim] scratch */
  MuWallKernel geometry_kernel;     /* svgd, ift; NULL */
  MuSimplex simplex;                /* ift */
  MuSimplexReport simplex_report;
  gsl_rng *rng[MU_STREAMS];
  /* the ledger */
  MuWallKernel test_kernel;
  PetscBool test_shares;  /* its k*mu is that of the energy */
  MuKernelMean test_mean; /* exact value; NULL: an independent sample */
  PetscInt test_count;
  PetscReal *test_points, *test_weights, *test_sum, *own_sum, test_norm;
  char test_sentence[512];
  PetscInt column_count;
  char (*column_storage)[64];
  const char **column_names;
  PetscReal *row, displacement;
  PetscBool row_is_current; /* it is made when it is asked for */
  PetscReal *terms;
  MuParticlesCallback callback;
  void *callback_ctx;
  char scheme[1024];
};

/* x_i += displacement_i [n][dim], reflected at the walls. MU_ERR_NUMERICS: beyond all bounds. */
PetscErrorCode MuParticlesMove(MuParticles particles, const PetscReal *displacement);
/* x -= a dt grad DF, with the gradient [n][dim] given. */
PetscErrorCode MuParticlesDescend(MuParticles particles, PetscReal dt, const PetscReal *gradient);
/* w_i *= exp(-rate (DF_i - mean)), normalised to mass 1 if spherical. */
PetscErrorCode MuParticlesReweight(MuParticles particles, PetscReal rate, const PetscReal *df);
/* The words that the method's weight_step may have, and its default. */
PetscErrorCode MuParticlesReadWeightStep(MuParticles particles, MuWeightStep first,
                                         MuWeightStep second);

extern const MuMethodOps MuMethodIft, MuMethodMmdFlow, MuMethodMmdFlowNoise, MuMethodWfr,
    MuMethodSvgd, MuMethodFisherRaoWeights, MuMethodLangevin;
PetscErrorCode MuMethodFind(const char *name, const MuMethodOps **ops);

#endif
