/* Private to geometry/: what one Onsager operator (a part) implements and what parts share. */
#ifndef MUDOT_GEOMETRY_IMPL_H
#define MUDOT_GEOMETRY_IMPL_H

#include "mudot/extend.h"

typedef struct _p_MuPrimal *MuPrimal; /* primal.c */
/* Fills in the operations of a part that is local and has none but its mobility (local.c). */
void MuPartComplete(MuPartOps *ops);
/* M(mu)/mu of a local part, mu > 0. */
PetscReal MuPartSpeed(const MuPart *part, PetscReal mu);
/* Parameters that several parts have (part.c): the exponent m >= 0 of a mobility; a ridge lambda >
   0, and one that may be left out or 0; and the first value, M(mu) = mu. */
extern const MuParameter MuPartExponent[], MuPartRidge[], MuPartOptionalRidge[];
PetscReal MuPartFirstValue(const PetscReal value[]);
PetscReal MuPartIdentity(PetscReal mu, const PetscReal value[]);
PetscReal MuPartOne(const PetscReal value[]);

/* The table (table.c): the descriptor of a name, NULL if there is none; row i, NULL past the end.
   Not collective. */
const MuPartOps *MuPartFind(const char *name);
const MuPartOps *MuPartRow(PetscInt i);
extern const MuPartOps MuPartFisherRao, MuPartPowerMobility, MuPartKernelFisherRao,
    MuPartNormalizedKernelFisherRao, MuPartRidgeFisherRao, MuPartWasserstein,
    MuPartWassersteinMobility, MuPartStein, MuPartRidgeStein, MuPartMmd, MuPartRidgeMobility,
    MuPartWassersteinRidgeMobility;

/* Face means of the state (face_mean.c). */
typedef struct {
  Vec mean[2];            /* per axis; with UPWIND: the density of the lower cell */
  unsigned char *open[2]; /* open in the grid and not closed by an infinite potential */
  /* V_upper - V_lower, B(V_upper - V_lower), B(V_lower - V_upper); NULL: V = 0 */
  PetscReal *rise[2], *weight_lower[2], *weight_upper[2];
  PetscReal *lower, *lower_side, *upper_side, *halo; /* scratch */
} MuFaceMeans;

struct _p_MuGeometry {
  PetscInt references;
  MuGrid grid;
  const MuGridInfo *info;
  MuGeometrySpec spec;
  MuPart part[MU_MAX_TERMS];
  MuPartOps ops[MU_MAX_TERMS]; /* of the parts, completed */
  const char *names[MU_MAX_TERMS];
  PetscReal weights[MU_MAX_TERMS];
  PetscInt kinds;
  Vec rho, one; /* the state; 1 on inside cells */
  MuFaceMeans face;
  Vec gradient, flux; /* transport scratch */
  Vec work;           /* scratch of a part, while it is applied */
  /* the spherical projection: K_r 1 and (K_r 1)/mu of the state when ready */
  Vec reaction_one, relative_one;
  PetscBool reaction_one_ready, relative_one_ready;
  PetscBool one_is_regularised; /* mmd: Kc^(-1) 1 could only be had with a ridge */
  PetscReal inverse_weight;     /* sum of the weights of the parts that invert a kernel */
  PetscReal preimage_weight;    /* MuGeometrySetPreimageWeight() */
  PetscReal ridge_tolerance;
  PetscInt ridge_iterations; /* largest number so far */
  MuPrimal primal;
};

PetscErrorCode MuFaceMeansCreate(MuGeometry geometry);
PetscErrorCode MuFaceMeansDestroy(MuGeometry geometry);
PetscErrorCode MuFaceMeansSetState(MuGeometry geometry);
/* f = (T + lambda)^(-1) T xi with T f = k * (m f), m >= 0, with the kernel and the regression_ridge
   of the part (ridge_solver.c). */
typedef struct _p_MuRidge *MuRidge;
PetscErrorCode MuRidgeCreate(MuGeometry geometry, const MuPart *part, MuConvolution convolution,
                             MuRidge *ridge);
PetscErrorCode MuRidgeDestroy(MuRidge *ridge);
/* Fixes m, an array of local_size values that vanish outside the mask and on closed faces. */
PetscErrorCode MuRidgeSetWeight(MuRidge ridge, const PetscReal *weight);
/* xi is read where m > 0 only; f is written everywhere. */
PetscErrorCode MuRidgeApply(MuRidge ridge, Vec xi, Vec f);

PetscErrorCode MuPrimalCreate(MuGeometry geometry, MuPrimal *primal);
PetscErrorCode MuPrimalDestroy(MuPrimal *primal);
/* The state has changed. */
void MuPrimalReset(MuPrimal primal);

#endif
