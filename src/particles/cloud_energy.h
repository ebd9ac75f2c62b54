/* Energies of clouds. Private to particles/. */
#ifndef MUDOT_CLOUD_ENERGY_H
#define MUDOT_CLOUD_ENERGY_H

#include "mudot/case.h"
#include "particles/kernel_mean.h"

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
  PetscReal length;      /* the largest |x| of both, roughly */
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
/* Whether evaluations draw random numbers. */
PetscErrorCode MuCloudEnergyIsRandom(MuCloudEnergy energy, PetscBool *random);
/* Sentences on the target and on what the energy means; "" if there is nothing to say. */
PetscErrorCode MuCloudEnergyDescribe(MuCloudEnergy energy, const char **target,
                                     const char **meaning);

#endif
