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
/* q^(1/2) or its inverse on inside cells, q = k*mu at the state, 0 outside. A convolution by FFT is
   exact to rounding of its largest value only; where mu is far below that the true q would be lost
   in noise. q is therefore taken as max(k*mu, half_diagonal mu, eps max q), half_diagonal half of
   the mean diagonal of Kc (near walls the diagonal varies): every convolution with a non-negative
   kernel is above the second. Collective. */
PetscErrorCode MuPartSmoothedRoot(MuGeometry g, MuPart *part, PetscReal half_diagonal,
                                  PetscBool inverse, Vec out);
#define MU_MAX_CONDITION 6.7e7 /* 1/sqrt(machine epsilon) */
/* MU_ERR_INPUT where Kc^(-1), the symbol of Kc between these, amplifies grid noise beyond
   1/sqrt(machine epsilon) and the part's first value, a ridge, is 0. `advice` ends the sentence. */
PetscErrorCode MuPartCheckCondition(const MuPart *part, PetscReal smallest, PetscReal largest,
                                    const char *advice);
/* 1/(1 + lambda), lambda the first value: on the weight of (Kc + lambda)^(-1) for a narrow kernel.
 */
PetscReal MuPartRidgeFactor(const PetscReal value[]);

/* The table (table.c): the descriptor of a name, NULL if there is none; row i, NULL past the end.
   Not collective. */
const MuPartOps *MuPartFind(const char *name);
const MuPartOps *MuPartRow(PetscInt i);
extern const MuPartOps MuPartFisherRao, MuPartPowerMobility, MuPartKernelFisherRao,
    MuPartNormalizedKernelFisherRao, MuPartRidgeFisherRao, MuPartWasserstein,
    MuPartWassersteinMobility, MuPartStein, MuPartRidgeStein, MuPartMmd, MuPartRidgeMobility,
    MuPartWassersteinRidgeMobility, MuPartNormalizedMmd, MuPartFlatFisherRao, MuPartFlatWasserstein,
    MuPartDeStein;

#define MU_LIMITED_ROWS 4

/* Face means of the state (face_mean.c). */
typedef struct {
  Vec mean[2];            /* per axis; NULL with UPWIND; with LIMITED of the donors of `followed` */
  PetscReal largest[2];   /* of this rank's */
  unsigned char *open[2]; /* open in the grid and not closed by an infinite potential */
  /* B(V_upper - V_lower), B(V_lower - V_upper); NULL: V = 0 */
  PetscReal *weight_lower[2], *weight_upper[2];
  PetscReal *donor; /* UPWIND: [local_size], NULL before it is needed */
  PetscReal *row,
      *halo; /* [row_length]; halo: with UPWIND the row before the first, else scratch */
  /* LIMITED, else NULL or unused: the field whose donors the means are of (0: none), whether it was
     set for the calls to come, and scratch: [(rows + 3) row_length], [row_length + 3] */
  PetscObjectId followed;
  PetscObjectState followed_state;
  PetscBool directed;
  PetscReal *bend, *line[MU_LIMITED_ROWS];
} MuFaceMeans;

#define MU_FLUX_ROWS 5

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
  /* Transport: the sum of the weights where all parts have M(mu) = mu and the grid is a plane, else
     0 and the fields gradient, flux are scratch; rows of the grid for scratch. */
  PetscReal plain_weight;
  PetscReal plain_reaction; /* the sum of the weights where all reactions are mu xi, else 0 */
  Vec gradient, flux;
  PetscReal *row[MU_FLUX_ROWS]; /* [row_length + 1] */
  Vec work; /* scratch of a part, while it is applied; NULL if all parts are local */
  /* the spherical projection: K_r 1 and (K_r 1)/mu of the state when ready; NULL before */
  Vec reaction_one, relative_one;
  PetscBool reaction_one_ready, relative_one_ready;
  PetscBool one_is_regularised; /* mmd: Kc^(-1) 1 could only be had with a ridge */
  PetscReal inverse_weight;     /* sum of the weights of the parts that invert a kernel */
  PetscReal preimage_weight;    /* MuGeometrySetPreimageWeight() */
  PetscReal ridge_tolerance;
  PetscInt ridge_iterations; /* largest number so far */
  MuPrimal primal;
};

/* out = diagonal_weight diagonal xi - div(weight mobility grad xi), or out -= div(...) without a
   diagonal; mobility NULL: the density of the cell that mass leaves. Arrays of this rank's cells
   and faces; rho and rho_below, its row before the first, are read with upwind only. product, if
   not NULL, becomes <xi, out> of this rank's cells. */
typedef struct {
  PetscReal weight, diagonal_weight;
  PetscReal lowest, diagonal_lowest; /* what smaller entries of mobility and diagonal count as */
  const PetscReal *mobility[2], *diagonal, *rho, *rho_below;
  PetscReal *product;
} MuPlainFluxes;
PetscErrorCode MuFluxesPlain(MuGeometry geometry, const MuPlainFluxes *fluxes, const PetscReal *xi,
                             PetscReal *out);
/* The same for the transport parts of a geometry that is plain: out = reaction rho xi - div(...),
   or out -= div(...) with reaction = 0. */
PetscErrorCode MuFluxesPlainApply(MuGeometry geometry, PetscReal reaction, Vec xi, Vec out);
/* The sum of the weights of the transport, or reaction, parts if all of them have M(mu) = mu (and,
   for the transport parts, the grid is a plane), else 0. */
PetscReal MuFluxesPlainWeight(MuGeometry geometry);
PetscReal MuReactionPlainWeight(MuGeometry geometry);
/* out += K xi of all transport parts. */
PetscErrorCode MuFluxesAdd(MuGeometry geometry, Vec xi, Vec out);
/* Creates geometry->gradient and flux if they are not there. */
PetscErrorCode MuFluxesFields(MuGeometry geometry);

PetscErrorCode MuFaceMeansCreate(MuGeometry geometry);
PetscErrorCode MuFaceMeansDestroy(MuGeometry geometry);
PetscErrorCode MuFaceMeansSetState(MuGeometry geometry);
/* Whether the means depend on what K is applied to. */
PetscBool MuFaceMeansDepend(MuGeometry geometry);
/* With LIMITED, unless a direction was set: the means of the donors of xi, for the calls to come;
   else nothing is done. Collective. */
PetscErrorCode MuFaceMeansFollow(MuGeometry geometry, Vec xi);
/* The limited means (limited_mean.c). */
PetscErrorCode MuLimitedMeanCreate(MuGeometry geometry);
PetscErrorCode MuLimitedMeanDestroy(MuGeometry geometry);
PetscErrorCode MuLimitedMeanFollow(MuGeometry geometry, Vec xi);
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
