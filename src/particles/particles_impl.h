/* Private to particles/: what the methods are made of. */
#ifndef MUDOT_PARTICLES_IMPL_H
#define MUDOT_PARTICLES_IMPL_H

#include "mudot/columns.h"
#include "mudot/geometry.h"
#include "mudot/particles.h"
#include "particles/cloud_energy.h"
#include "particles/pairs.h"

#include <gsl/gsl_rng.h>

typedef enum {
  MU_STREAM_INITIAL,
  MU_STREAM_TARGET,
  MU_STREAM_TEST,
  MU_STREAM_NOISE,
  MU_STREAM_RESAMPLING,
  MU_STREAMS
} MuStream;

/* A way to change weights. */
typedef struct {
  const char *word;    /* of the key particles_weight_step */
  MuOperator reaction; /* what it discretises beside the method's own; OTHER: nothing */
  PetscBool random;    /* whether it draws random numbers */
} MuWeightStep;

typedef struct {
  const char *name;
  const char *formula;  /* for `mudot list methods`: ends with the geometry */
  MuOperator transport; /* the part of the geometry that moves positions, OTHER: none */
  MuOperator reaction;  /* the part that changes weights, OTHER: none */
  MuLogarithm logarithm;
  PetscBool random; /* default no: whether steps draw random numbers */
  /* OPTIONAL, default: none. Ways to change weights, the default first; ends with word = NULL. */
  const MuWeightStep *weight_steps;
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
  PetscReal interval_start, interval_end; /* begun last; cut evenly into ... */
  PetscInt interval_steps, interval_done; /* ... steps, of which so many are done */
  PetscBool stop;                         /* MuParticlesStop() */
  PetscBool adapts;                       /* steps follow their error: */
  PetscReal step_tolerance, planned;      /* of a step, the next step */
  PetscInt refused;                       /* attempts */
  PetscReal *full_x, *full_w;             /* scratch of adaptive steps */
  PetscReal length;                       /* largest |x| of initial measure and target, roughly */
  PetscReal limit;                        /* |x| beyond it counts as infinite */
  PetscReal transport, reaction;          /* weights a, b of the geometry's parts */
  PetscBool spherical;
  const MuWeightStep *weight_step; /* of the method's list; NULL if there is none */
  PetscReal noise, noise_decay, tolerance;
  PetscInt noise_until; /* the first step without noise */
  MuCloudEnergy energy;
  PetscReal *derivative, *gradient; /* at the state */
  PetscReal *velocity;              /* [n][dim] scratch of the methods */
  PetscReal *probe;                 /* [n][dim] points, scratch */
  PetscReal *columns, *stein_sums;  /* [n][1 + dim] scratch */
  MuWallKernel geometry_kernel;     /* svgd, ift; NULL */
  MuSimplex simplex;                /* ift */
  MuSimplexReport simplex_report;
  gsl_rng *rng[MU_STREAMS];
  /* of the evaluation at the state: what it began with */
  gsl_rng *target_stream;
  PetscReal energy_memory[MU_PAIRS_MEMORY];
  /* the ledger */
  MuWallKernel test_kernel;
  PetscBool test_shares;  /* its k*mu is that of the energy */
  MuKernelMean test_mean; /* exact value; NULL: an independent sample */
  PetscInt test_count;
  PetscReal *test_points, *test_weights, *test_sum, *own_sum, test_norm;
  PetscReal test_size; /* sum of the absolute parts of mmd2 */
  char test_sentence[512];
  MuColumns row_columns;
  PetscReal *row, displacement;
  PetscBool row_is_current; /* it is made when it is asked for */
  PetscReal *terms;
  MuParticlesCallback callback;
  void *callback_ctx;
  char scheme[1024];
};

/* What the case says (particles_case.c). MU_ERR_INPUT. */
PetscErrorCode MuParticlesReadKeys(MuParticles particles, const MuParticlesSpec *spec);
PetscErrorCode MuParticlesCreateGrid(MuParticles particles);
/* After the method's create(): the parts that it discretises, and no others. */
PetscErrorCode MuParticlesReadGeometry(MuParticles particles);

/* The ledger's row (particles_row.c). */
PetscErrorCode MuParticlesCreateRow(MuParticles particles);
PetscErrorCode MuParticlesDestroyRow(MuParticles particles);

/* Reads particles_step_tolerance (adapt.c). MU_ERR_INPUT: the steps are random. */
PetscErrorCode MuParticlesCreateAdapt(MuParticles particles);
/* From the state, which is also in before_x and before_w, by a step of at most `rest` whose error
   is below the tolerance. Collective. MU_ERR_NUMERICS: there is none. */
PetscErrorCode MuParticlesAdaptStep(MuParticles particles, PetscReal rest, PetscReal *taken);

/* DF, its gradient and the energies at the state. Collective. MU_ERR_NUMERICS. */
PetscErrorCode MuParticlesEvaluate(MuParticles particles);
/* MU_ERR_NUMERICS: a particle beyond all bounds or a weight that is none. */
PetscErrorCode MuParticlesCheckFinite(MuParticles particles);
/* x_i += displacement_i [n][dim], reflected at the walls. MU_ERR_NUMERICS: beyond all bounds. */
PetscErrorCode MuParticlesMove(MuParticles particles, const PetscReal *displacement);
/* x -= a dt grad DF, with the gradient [n][dim] given. */
PetscErrorCode MuParticlesDescend(MuParticles particles, PetscReal dt, const PetscReal *gradient);
/* w_i *= exp(-rate (DF_i - mean)), normalised to mass 1 if spherical. */
PetscErrorCode MuParticlesReweight(MuParticles particles, PetscReal rate, const PetscReal *df);

extern const MuMethodOps MuMethodIft, MuMethodMmdFlow, MuMethodMmdFlowNoise, MuMethodWfr,
    MuMethodSvgd, MuMethodFisherRaoWeights, MuMethodLangevin;
PetscErrorCode MuMethodFind(const char *name, const MuMethodOps **ops);

#endif
