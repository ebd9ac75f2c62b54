/* Geometries: weighted sums of Onsager operators. */
#ifndef MUDOT_GEOMETRY_H
#define MUDOT_GEOMETRY_H

#include "mudot/summand.h"

/* Rows of the table of what there is, see MuTableRow. */
PetscErrorCode MuGeometryGetTableRow(PetscInt i, const char **name, const char **formula);
/* The same with what a part needs, see MuSummandTable. */
PetscErrorCode MuGeometryGetInfo(PetscInt i, MuSummandInfo *info);

/* Limit of a part as `parameters` vanish: "bandwidth" (for a kernel of unit mass), "ridge", or
   "bandwidth ridge" for both along a curve. limit->name is NULL if there is none. Not collective.
 */
PetscErrorCode MuGeometryGetLimit(const MuSummand *part, const char *parameters, MuLimit *limit);

typedef struct _p_MuGeometry *MuGeometry;

/* Mean of rho over a face. AUTO: logarithmic, except Stolarsky's for `internal`, whose flux then is
 * the difference of rho^m. LIMITED: rho of the donor, the cell that mass leaves, with a slope that
 * is limited. */
typedef enum {
  MU_MEAN_AUTO,
  MU_MEAN_LOGARITHMIC,
  MU_MEAN_ARITHMETIC,
  MU_MEAN_UPWIND,
  MU_MEAN_STOLARSKY,
  MU_MEAN_LIMITED
} MuMean;

typedef struct {
  PetscInt parts; /* 1 .. MU_MAX_TERMS */
  MuSummand part[MU_MAX_TERMS];
  PetscBool spherical;          /* project the reaction part to conserve mass */
  MuMean face_mean;             /* AUTO is taken as LOGARITHMIC here */
  PetscReal stolarsky_exponent; /* m of STOLARSKY: (m-1)/m (a^m - b^m)/(a^(m-1) - b^(m-1)) */
  MuKernel kernel;              /* of the parts that have none of their own; may be NULL */
} MuGeometrySpec;

typedef enum { MU_PART_TRANSPORT = 1, MU_PART_REACTION = 2, MU_PART_ALL = 3 } MuPartKind;

/* The kind of a name of the geometry table; *kind is left alone if it is not there. Not collective.
 */
PetscErrorCode MuGeometryGetKind(const char *name, MuPartKind *kind);

/* Operators K(mu) xi that methods of particles know. */
typedef enum {
  MU_OPERATOR_OTHER,
  MU_OPERATOR_TRANSPORT,        /* -div(mu grad xi) */
  MU_OPERATOR_KERNEL_TRANSPORT, /* -div(mu k*(mu grad xi)) */
  MU_OPERATOR_GROWTH,           /* mu xi */
  MU_OPERATOR_KERNEL_INVERSE    /* k*(K xi) = xi */
} MuOperator;

/* The operator of a name of the geometry table with these parameters, by its traits (a ridge is not
   looked at); the first name of an operator, NULL if there is none. Not collective. */
MuOperator MuGeometryGetOperator(const char *name, const PetscReal value[MU_MAX_PARAMETERS]);
const char *MuGeometryNameOperator(MuOperator which);

/* What is known of a part: questions are answered by its descriptor, never by its name. */
typedef struct {
  MuPartKind kind; /* TRANSPORT or REACTION */
  PetscReal weight;
  PetscBool local;            /* K(mu) xi = M xi, or -div(M grad xi), M = M(mu) or fixed */
  PetscBool fixed;            /* local, and M does not depend on mu */
  PetscReal power;            /* m where M(mu) = mu^m: 1 is Fisher-Rao, or Wasserstein; else NaN */
  PetscBool inverts_kernel;   /* K = (Kc + ridge)^(-1): the part takes a preimage if ridge = 0 */
  PetscBool needs_inverse;    /* K applies (Kc + ridge)^(-1), which not every kernel allows */
  PetscBool regression;       /* K = mu (T + ridge)^(-1) T, or its transport, T f = k*(mu f) */
  PetscReal ridge;            /* of these two, else 0 */
  PetscBool vanishes;         /* K(mu) xi = 0 where mu = 0: a flow keeps the sign of mu */
  PetscBool keeps_equal_mass; /* of mu and pi, along energies that are functions of mu - pi */
  MuKernel kernel;            /* that it uses, NULL if none; borrowed */
} MuPartTraits;

/* Traits of part k. Not collective. MU_ERR_INPUT: there is no such name. */
PetscErrorCode MuGeometryGetTraits(const MuGeometrySpec *spec, PetscInt k, MuPartTraits *traits);

/* K = sum of weight * named part; a name may stand several times. Collective. MU_ERR_INPUT: unknown
   name, weight <= 0, missing kernel or ridge, ... */
PetscErrorCode MuGeometryCreate(MuGrid grid, const MuGeometrySpec *spec, MuGeometry *geometry);
PetscErrorCode MuGeometryDestroy(MuGeometry *geometry);
PetscErrorCode MuGeometryReference(MuGeometry geometry);
PetscErrorCode MuGeometryGetParts(MuGeometry geometry, PetscInt *parts, const char *const **names,
                                  const PetscReal **weights);
/* What the geometry was made from (borrowed; names and kernels live as long as the geometry), with
   the values of the parts filled in. */
PetscErrorCode MuGeometryGetSpec(MuGeometry geometry, const MuGeometrySpec **spec);
/* Which kinds of part are there: MU_PART_TRANSPORT, MU_PART_REACTION or both. */
PetscErrorCode MuGeometryGetKinds(MuGeometry geometry, PetscInt *kinds);

/* Potential V of the Scharfetter-Gummel mean: with s = rho exp(V), M_f = pi_f L(s_i, s_j) = L(B(V_j
   - V_i) rho_i, B(V_i - V_j) rho_j), so that M_f (log s_i - log s_j) is the Scharfetter-Gummel
   flux. NULL (default): V = 0, the logarithmic mean of rho. Used with MU_MEAN_LOGARITHMIC, by the
   next MuGeometrySetState(); copied. Only differences of V enter; where V is +infinity the faces
   are closed. Where rho = 0 its logarithm is that of the smallest normal number, as in
   MuEnergyEvaluate(). Collective. */
PetscErrorCode MuGeometrySetReferencePotential(MuGeometry geometry, Vec potential);

/* Fixes mu = rho for the calls below: face means, q = k * mu, square roots. rho >= 0 is copied
   where needed. With UPWIND and LIMITED the face mean is that of the cell that mass leaves (the
   upper one where xi rises), taken in Apply: K is then positively homogeneous, not linear.
   Collective. */
PetscErrorCode MuGeometrySetState(MuGeometry geometry, Vec rho);
/* With LIMITED: the donors of the calls below are those of xi, whatever K is applied to, until the
   state changes; K is then linear. NULL: those of what it is applied to. With another mean nothing
   is done. Collective. */
PetscErrorCode MuGeometrySetDirection(MuGeometry geometry, Vec xi);

/* out = K(mu) xi for the parts of `kind` (spherical projection included for the reaction part).
   `preimage` (may be NULL) is eta with xi = Kc eta for the kernel of every part that inverts one
   without a ridge: these then need no inverse. out must differ from xi. MU_ERR_INPUT: see
   MuGeometryCheckInvertible(); MU_ERR_NUMERICS: a ridge solve has not converged. Collective. */
PetscErrorCode MuGeometryApply(MuGeometry geometry, PetscInt kind, Vec xi, Vec preimage, Vec out);

/* The w of the preimages w (rho - pi) that MuGeometryApply() is given, default 1: their integrals,
   differences of two masses, are known to the rounding of w mass(rho). Not collective. */
PetscErrorCode MuGeometrySetPreimageWeight(MuGeometry geometry, PetscReal weight);

/* out = (K_reaction(mu) xi)/mu without dividing (power_mobility: mu^(m-1) xi, ...), spherical
   included; with m < 1 mu is floored at the smallest normal number. MU_ERR_INPUT if a reaction part
   has no such form (mmd). `has` is false as well if there is no reaction part. Collective. */
PetscErrorCode MuGeometryApplyRelative(MuGeometry geometry, Vec xi, Vec out);
PetscErrorCode MuGeometryHasRelative(MuGeometry geometry, PetscBool *has);

/* MU_ERR_INPUT if K can only be applied with a preimage: e.g. mmd without a ridge and a kernel
   whose condition number on this grid is above 1/sqrt(machine epsilon) = 6.7e7. Not collective. */
PetscErrorCode MuGeometryCheckInvertible(MuGeometry geometry);
/* Relative residual of the solves with a ridge (default 1e-10), which bounds
   the relative error of K xi in the norm weighted by 1/mu, and the largest number of iterations of
   any of them so far. */
PetscErrorCode MuGeometrySetRidgeTolerance(MuGeometry geometry, PetscReal tolerance);
PetscErrorCode MuGeometryGetRidgeIterations(MuGeometry geometry, PetscInt *largest);

/* Mobility of the local transport parts on the faces of an axis: sum of weight * M(face mean), so
   that their K xi = -div(mobility grad xi). MU_ERR_INPUT with UPWIND, and with LIMITED without a
   direction. Collective. */
PetscErrorCode MuGeometryFaceMobility(MuGeometry geometry, PetscInt axis, Vec mobility);
/* The face mean M_f itself. */
PetscErrorCode MuGeometryFaceMean(MuGeometry geometry, PetscInt axis, Vec mean);
/* Sum of weight * M(rho)/rho over the local transport parts: the speed of mass that follows a unit
   gradient, with UPWIND that of the donor cell. At rho = 0 only the parts with M(rho) = rho. */
PetscErrorCode MuGeometryDonorSpeed(MuGeometry geometry, PetscReal rho, PetscReal *speed);
/* flux[axis]: the face flux of the nonlocal transport parts, e.g. -weight * M_f
   k*(M_f grad xi): mass per time and face area, towards the upper cell if positive. dim face
   fields, set. Collective. */
PetscErrorCode MuGeometryNonlocalFlux(MuGeometry geometry, Vec xi, Vec flux[]);
/* Whether every transport part is local. */
PetscErrorCode MuGeometryTransportIsLocal(MuGeometry geometry, PetscBool *local);
/* Diagonal d_i >= 0 with K_reaction ~ diag(d): for preconditioners; mu for Fisher-Rao, mu^m,
   mu^2/(mu + lambda), ...: the limit of a narrow kernel, times its largest symbol where that is not
   1; without the spherical projection. Collective. */
PetscErrorCode MuGeometryReactionDiagonal(MuGeometry geometry, Vec diagonal);

/* How R(mu, v) = sup_xi <xi, v> - R*(mu, xi) = 1/2 <zeta, v>, K zeta = v, is had. */
typedef enum { MU_PRIMAL_CLOSED, MU_PRIMAL_SOLVE, MU_PRIMAL_IDENTITY } MuPrimalMethod;
/* The method for this geometry; IDENTITY where K zeta = v is not well posed (kernel operators with
 * fast-decaying spectrum). Not collective. */
PetscErrorCode MuGeometryGetPrimalMethod(MuGeometry geometry, MuPrimalMethod *method,
                                         const char **sentence);
/* R(mu, v) at the state mu; +infinity (IEEE) where v is not in the range of a diagonal K. `guess` ~
   zeta with guess_image = K guess (both may be NULL) starts the solve and gives the accuracy: R is
   a lower bound whose error is about 1e-9 of R and 1e-3 of 1/2 <v - K guess, K^(-1)(v - K guess)>,
   plus 1e-14 of what is spent where mobilities are below 1e-14 of their maximum; it is not below 0.
   Where K conserves mass, that of v is taken as zero (on every component, for a pure transport).
   With IDENTITY R = 1/2 <guess, v> and guess must be there; with LIMITED it must be there, too: K
   is that of its donors. Collective. */
PetscErrorCode MuGeometryPrimal(MuGeometry geometry, Vec v, Vec guess, Vec guess_image,
                                PetscReal *value);
/* With of_defect > 0 R of the next calls is accurate enough for the balance of energy and
   dissipation: the error is about of_defect of 1/2 <v - K guess, K^(-1)(v - K guess)>, the part by
   which R + R* exceeds <guess, v>; where that part is at most `small` and K has local parts only,
   it may be a tenth of it (measured: a hundredth). 0, the default: as above. Not collective. */
PetscErrorCode MuGeometrySetPrimalTolerance(MuGeometry geometry, PetscReal of_defect,
                                            PetscReal small);
/* Of the last MuGeometryPrimal(): steps of its solve (0 if it had none), and whether it was cut off
   at the limit (300) before it was accurate. Not collective. */
PetscErrorCode MuGeometryGetPrimalReport(MuGeometry geometry, PetscInt *iterations,
                                         PetscBool *limited);

#endif
