/* Private to geometry/: what one Onsager operator (a part) implements and what parts share. */
#ifndef MUDOT_GEOMETRY_IMPL_H
#define MUDOT_GEOMETRY_IMPL_H

#include "mudot.h"

typedef struct _p_MuPrimal *MuPrimal; /* primal.c */
typedef struct MuPartOps MuPartOps;

typedef struct {
  const MuPartOps *ops;
  PetscReal weight;
  PetscReal value[MU_MAX_PARAMETERS]; /* in the order of ops->parameters */
  MuKernel kernel;                    /* where the part needs one; borrowed from the geometry */
  MuConvolution cells, faces[2];      /* with it: of a reaction, of a transport; else NULL */
  PetscReal symbol_smallest, symbol_largest; /* of cells */
  void *ctx;                                 /* of the part's own file; NULL if it needs none */
} MuPart;

/* What a part tends to as `parameters` go to 0: "bandwidth", "ridge" or "bandwidth ridge". */
typedef struct {
  const char *parameters; /* NULL ends the list */
  const MuPartOps *to;
  PetscReal order; /* see MuLimit */
  MuNamedValue set[MU_MAX_PARAMETERS];
  PetscReal (*factor)(const PetscReal value[]); /* OPTIONAL, default 1: on the weight */
} MuLimitRow;

/* Operations of a part. "Adds" means out += weight * result. Vec arguments never alias. `value` are
   the part's numbers in the order of `parameters`. What is REQUIRED is checked at the creation of a
   geometry. */
struct MuPartOps {
  const char *name, *formula;    /* REQUIRED: as in the case file; K(mu) xi in one line */
  MuPartKind kind;               /* REQUIRED: TRANSPORT or REACTION */
  const MuParameter *parameters; /* OPTIONAL, default: none */
  PetscBool needs_kernel;        /* default no */
  const MuLimitRow *limits;      /* OPTIONAL, default: none */

  /* Traits, see MuPartTraits. */
  /* REQUIRED for local parts, absent otherwise: M(mu), mu >= 0. */
  PetscReal (*mobility_at)(PetscReal mu, const PetscReal value[]);
  /* OPTIONAL, default M(mu)/mu: the same without dividing. mu > 0. */
  PetscReal (*speed_at)(PetscReal mu, const PetscReal value[]);
  /* OPTIONAL for local parts, default: M is no power. m of M(mu) = mu^m, or NaN. */
  PetscReal (*power)(const PetscReal value[]);
  /* OPTIONAL, default: K inverts no kernel. lambda of K = (Kc + lambda)^(-1), a reaction. */
  PetscReal (*inverse_ridge)(const PetscReal value[]);
  /* OPTIONAL, default: K is no ridge regression. lambda of mu (T + lambda)^(-1) T. */
  PetscReal (*regression_ridge)(const PetscReal value[]);
  PetscBool vanishes;         /* of nonlocal parts, default no; local ones: whether M(0) = 0 */
  PetscBool keeps_equal_mass; /* default no */
  PetscBool well_posed;       /* default no: whether K zeta = v can be solved in a sum with it */

  /* OPTIONAL, default: no context. The part's convolutions exist already. */
  PetscErrorCode (*create)(MuGeometry geometry, MuPart *part);
  PetscErrorCode (*destroy)(MuPart *part); /* REQUIRED if create is there */
  /* OPTIONAL, default nothing: prepares for the state geometry->rho, face means taken. */
  PetscErrorCode (*set_state)(MuGeometry geometry, MuPart *part);

  /* REQUIRED for transport: adds the negative flux M(grad xi) along an axis; `gradient` vanishes on
     closed faces, and so does what is added. */
  PetscErrorCode (*add_flux)(MuGeometry geometry, MuPart *part, PetscInt axis, Vec gradient,
                             Vec flux);
  /* REQUIRED for local transport, absent otherwise: adds the face mobility. */
  PetscErrorCode (*mobility)(MuGeometry geometry, MuPart *part, PetscInt axis, Vec mobility);

  /* REQUIRED for reaction: adds K xi; preimage may be NULL. */
  PetscErrorCode (*apply)(MuGeometry geometry, MuPart *part, Vec xi, Vec preimage, Vec out);
  /* OPTIONAL, default apply() to the constant 1: adds K 1. */
  PetscErrorCode (*apply_one)(MuGeometry geometry, MuPart *part, Vec out);
  /* OPTIONAL, default: there is no relative form. Adds (K xi)/mu. */
  PetscErrorCode (*relative)(MuGeometry geometry, MuPart *part, Vec xi, Vec out);
  /* REQUIRED for reaction: adds d with K ~ diag(d), K = diag(d) for local ones. */
  PetscErrorCode (*diagonal)(MuGeometry geometry, MuPart *part, Vec diagonal);
  /* OPTIONAL, default: always. MU_ERR_INPUT if K cannot be applied without a preimage. */
  PetscErrorCode (*check_invertible)(MuGeometry geometry, MuPart *part);
};

/* Parameters that several parts have: the exponent m >= 0 of a mobility; a ridge lambda > 0, and
   one that may be left out or 0; and the first value, M(mu) = mu. */
extern const MuParameter MuPartExponent[], MuPartRidge[], MuPartOptionalRidge[];
PetscReal MuPartFirstValue(const PetscReal value[]);
PetscReal MuPartIdentity(PetscReal mu, const PetscReal value[]);
PetscReal MuPartOne(const PetscReal value[]);

/* The table (table.c): the descriptor of a name, NULL if there is none; row i, NULL past the end; a
   new row behind the others (borrowed for ever). Not collective. */
const MuPartOps *MuPartFind(const char *name);
const MuPartOps *MuPartRow(PetscInt i);
PetscErrorCode MuPartAdd(const MuPartOps *ops);
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
  const char *names[MU_MAX_TERMS];
  PetscReal weights[MU_MAX_TERMS];
  PetscInt kinds;
  Vec rho, one; /* the state; 1 on inside cells */
  MuFaceMeans face;
  Vec gradient, flux; /* transport scratch */
  /* the spherical projection: reaction scratch, K_r 1 and (K_r 1)/mu of the state when ready */
  Vec reaction, reaction_one, relative_one;
  PetscBool reaction_one_ready, relative_one_ready;
  PetscBool one_is_regularised; /* mmd: Kc^(-1) 1 could only be had with a ridge */
  PetscReal ridge_tolerance;
  PetscInt ridge_iterations; /* largest number so far */
  MuPrimal primal;
};

/* out += weight * a * b, entry by entry. */
PetscErrorCode MuGeometryAddProduct(MuGeometry geometry, PetscReal weight, Vec a, Vec b, Vec out);
PetscErrorCode MuFaceMeansCreate(MuGeometry geometry);
PetscErrorCode MuFaceMeansDestroy(MuGeometry geometry);
PetscErrorCode MuFaceMeansSetState(MuGeometry geometry);
/* The face mean as a local array, valid until the next call; with UPWIND chosen by the sign of
   `gradient`. Not to be freed. */
PetscErrorCode MuFaceMeansGet(MuGeometry geometry, PetscInt axis, Vec gradient,
                              const PetscReal **mean);
PetscErrorCode MuFaceMeansRestore(MuGeometry geometry, PetscInt axis, const PetscReal **mean);

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

/* The matrix -div(mobility grad x) + diagonal x of a 1-D grid, mobility and diagonal >= 0, factored
   exactly (line.c). */
typedef struct _p_MuLine *MuLine;
PetscErrorCode MuLineCreate(MuGrid grid, MuLine *line);
PetscErrorCode MuLineDestroy(MuLine *line);
PetscErrorCode MuLineFactor(MuLine line, Vec mobility, Vec diagonal);
/* z = inverse applied to r; if it is singular, one of the solutions. Collective. */
PetscErrorCode MuLineSolve(MuLine line, Vec r, Vec z);

/* One symmetric cycle for the same matrix on a 2-D grid (multigrid.c). */
typedef struct _p_MuMultigrid *MuMultigrid;
PetscErrorCode MuMultigridCreate(MuGrid grid, MuMultigrid *multigrid);
PetscErrorCode MuMultigridDestroy(MuMultigrid *multigrid);
PetscErrorCode MuMultigridSetUp(MuMultigrid multigrid, const Vec mobility[2], Vec diagonal);
/* z ~ inverse of the operator applied to r. Collective. */
PetscErrorCode MuMultigridApply(MuMultigrid multigrid, Vec r, Vec z);

#endif
