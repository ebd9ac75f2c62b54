/* What an exact solution is made of. Private to facts/. */
#ifndef MUDOT_FACTS_SOLUTIONS_H
#define MUDOT_FACTS_SOLUTIONS_H

#include "facts/facts.h"

typedef struct {
  const char *name;
  const char *needs; /* "needs ...": what the case must be */
  /* REQUIRED: *fits if the solution belongs to the system; may set numbers of the object. */
  PetscErrorCode (*check)(MuSolution e, PetscBool *fits);
  /* REQUIRED: the density at `time`. */
  PetscErrorCode (*evaluate)(MuSolution e, PetscReal time, PetscReal *rho);
} SolutionOps;

struct _p_MuSolution {
  const SolutionOps *ops;
  const MuSolutionData *data; /* borrowed */
  const MuGridInfo *info;
  MuSystem system;
  PetscInt classes;       /* of the parts, see MuPartClass */
  PetscReal rate;         /* product of the weights of the one part and the one term */
  PetscReal power;        /* of the term */
  PetscReal a, b, spread; /* a: wasserstein, b: fisher_rao, times the term; h of the kernel */
  PetscReal precision[4]; /* of the Gaussian target */
  Vec work;
};

/* The one term of the energy, NULL if there are several. */
static inline const MuTermTraits *MuSolutionOnlyTerm(const MuSolution e) {
  return e->system.terms == 1 ? &e->system.term[0] : NULL;
}

/* Reactions that no exact step knows (reactions.c), rho [local_size]. On one rank. */
PetscErrorCode MuSolutionSphericalPowerFits(MuSolution e, PetscBool *fits);
PetscErrorCode MuSolutionSphericalPower(MuSolution e, PetscReal time, PetscReal *rho);
PetscErrorCode MuSolutionPotentialFits(MuSolution e, PetscBool *fits);
PetscErrorCode MuSolutionPotential(MuSolution e, PetscReal time, PetscReal *rho);
PetscErrorCode MuSolutionFixedFits(MuSolution e, PetscBool *fits);
PetscErrorCode MuSolutionFixed(MuSolution e, PetscReal time, PetscReal *rho);

/* Transport of quantiles in 1-D (quantiles.c). On one rank. */
PetscErrorCode MuSolutionQuantilesFit(MuSolution e, PetscBool *fits);
PetscErrorCode MuSolutionQuantiles(MuSolution e, PetscReal time, PetscReal *rho);

#endif
