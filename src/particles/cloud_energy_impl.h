/* Private to particles/: energies of clouds, between their files. */
#ifndef MUDOT_CLOUD_ENERGY_IMPL_H
#define MUDOT_CLOUD_ENERGY_IMPL_H

#include "mudot/energy.h"
#include "particles/cloud_energy.h"

struct _MuCloudEnergy {
  MuCloudEnergySpec spec;
  const MuGridInfo *info;
  PetscInt terms;
  const char *names[MU_MAX_TERMS];                  /* "mmd", "mmd_2" */
  MuCaseSummand summands[MU_MAX_TERMS];             /* as the case gives them */
  PetscReal weights[MU_MAX_TERMS], p[MU_MAX_TERMS]; /* p of RELATIVE */
  MuEnergyForm form[MU_MAX_TERMS];
  MuEnvelope envelope[MU_MAX_TERMS];
  PetscBool has_value[MU_MAX_TERMS];
  PetscReal mmd, blob, log_pi, diffusivity; /* sums of weights */
  MuWallKernel kernel;
  MuKernelMean mean;
  PetscBool smoothed, sampled;    /* terms of k*mu; those that need points of the target */
  struct MuCloudSamples *samples; /* of the latter */
  MuFormula potential, interaction;
  PetscReal *sum, *sum_gradient;       /* k*mu at y */
  PetscReal *own;                      /* k*mu at the cloud where y is elsewhere */
  PetscReal *mean_value, *vector;      /* [n], [n][dim] scratch */
  PetscReal *ratio;                    /* w/(k*mu) */
  PetscReal *log_initial, *log_target; /* of MU_LOG_WEIGHTS: log(n rho_0), log pi at the points */
  const PetscReal *known_sum;
  char meaning[256];
};

/* One evaluation: of the cloud at points y, with what is wanted of it. */
typedef struct {
  const MuAtoms *cloud;
  PetscInt m;
  const PetscReal *y;
  PetscBool own; /* y are the cloud's points */
  PetscReal *derivative, *gradient;
  PetscReal *terms;
} MuCloudEvaluation;

/* Whether term t is D log mu + a potential: the relative entropy, the entropy. */
static inline PetscBool MuCloudIsLogarithmic(MuCloudEnergy e, PetscInt t) {
  return (PetscBool)(e->form[t] == MU_FORM_ENTROPY ||
                     (e->form[t] == MU_FORM_RELATIVE && e->p[t] == 1));
}

/* Each adds the terms of a form to what is wanted; energy->sum and ->sum_gradient hold k*mu at y.
   Collective. */
PetscErrorCode MuCloudAddMmd(MuCloudEnergy energy, const MuCloudEvaluation *v);
/* log(k*mu) + k*(mu/(k*mu)); with MU_LOG_BLOB also of kl and entropy. */
PetscErrorCode MuCloudAddBlob(MuCloudEnergy energy, const MuCloudEvaluation *v);
/* (k*mu)^(m-1)/(m-1) + k*(mu (k*mu)^(m-2)). */
PetscErrorCode MuCloudAddBlobPower(MuCloudEnergy energy, const MuCloudEvaluation *v);
/* With y_l, l < M, the points of the target: k*(1 - pi/(k*mu)), and the envelopes (smoothed.c). */
PetscErrorCode MuCloudAddLikelihood(MuCloudEnergy energy, const MuCloudEvaluation *v);
PetscErrorCode MuCloudAddEnvelopes(MuCloudEnergy energy, const MuCloudEvaluation *v);
/* Work space for the points of energy->mean, again after a refresh. MU_ERR_INPUT: it has none, or
   too many. Collective. */
PetscErrorCode MuCloudSamplesCreate(MuCloudEnergy energy);
PetscErrorCode MuCloudSamplesDestroy(MuCloudEnergy energy);
/* derivative += a f, gradient += a g for f [m], g [m][dim]. */
void MuCloudAdd(const MuCloudEvaluation *v, PetscReal a, const PetscReal *f, const PetscReal *g);
/* sum w f over the cloud. */
PetscReal MuCloudWeighted(const MuCloudEvaluation *v, const PetscReal *f);
/* *q: k*mu at the cloud. Collective. */
PetscErrorCode MuCloudOwnSum(MuCloudEnergy energy, const MuCloudEvaluation *v, const PetscReal **q);
/* The part -log pi of kl. */
PetscErrorCode MuCloudAddLogTarget(MuCloudEnergy energy, const MuCloudEvaluation *v);
PetscErrorCode MuCloudAddPotential(MuCloudEnergy energy, const MuCloudEvaluation *v);
PetscErrorCode MuCloudAddInteraction(MuCloudEnergy energy, const MuCloudEvaluation *v);
/* With resting positions: functions of rho/pi or rho, rho(x_i) = n w_i rho_0(x_i). */
PetscErrorCode MuCloudAddLocal(MuCloudEnergy energy, const MuCloudEvaluation *v);

#endif
