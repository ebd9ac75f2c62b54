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
  PetscBool has_value[MU_MAX_TERMS];
  PetscReal mmd, blob, log_pi, diffusivity; /* sums of weights */
  MuWallKernel kernel;
  MuKernelMean mean;
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
/* The part -log pi of kl. */
PetscErrorCode MuCloudAddLogTarget(MuCloudEnergy energy, const MuCloudEvaluation *v);
PetscErrorCode MuCloudAddPotential(MuCloudEnergy energy, const MuCloudEvaluation *v);
PetscErrorCode MuCloudAddInteraction(MuCloudEnergy energy, const MuCloudEvaluation *v);
/* With resting positions: functions of rho/pi or rho, rho(x_i) = n w_i rho_0(x_i). */
PetscErrorCode MuCloudAddLocal(MuCloudEnergy energy, const MuCloudEvaluation *v);

#endif
