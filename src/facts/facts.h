/* What is known of a pair of an energy and a geometry: exact steps, exact solutions, decay. Keyed
   by the traits of the summands, never by their names. Private to facts/ and the floors above. */
#ifndef MUDOT_FACTS_H
#define MUDOT_FACTS_H

#include "mudot/energy.h"
#include "mudot/geometry.h"

/* ------------------------------------------------------------------ the pair */

/* A gradient system (M, F, K) as its summands' traits. Kernels are borrowed from the specs. */
typedef struct {
  PetscInt parts, terms;
  MuPartTraits part[MU_MAX_TERMS];
  MuTermTraits term[MU_MAX_TERMS];
  PetscBool spherical;
  PetscBool unequal; /* initial measure and target differ in mass; FALSE after MuSystemRead() */
  PetscBool fixed_at_target; /* K = omega xi, -div(omega grad xi), omega = pi; FALSE likewise */
  PetscReal observed; /* what is asked for in place of F: the p of int phi_p(rho/pi) d pi, infinite
                         for another distance; NaN (after MuSystemRead()): F itself */
} MuSystem;

/* Reads the traits of the specs. Not collective. MU_ERR_INPUT: an unknown name. */
PetscErrorCode MuSystemRead(const MuGeometrySpec *geometry, const MuEnergySpec *energy,
                            MuSystem *system);

/* Whether two masses differ by more than rounding. */
#define MU_SAME_MASS 1e-9
static inline PetscBool MuMassesDiffer(PetscReal a, PetscReal b) {
  return (PetscBool) !(PetscAbsReal(a - b) <= MU_SAME_MASS * PetscMax(a, b));
}
/* The mass of exp(log_density) on the grid. Collective. */
PetscErrorCode MuLogDensityMass(MuGrid grid, Vec log_density, PetscReal *mass);
/* Sets system->unequal; log_target NULL: there is none, and nothing differs. Collective. */
PetscErrorCode MuSystemCompareMasses(MuSystem *system, MuGrid grid, Vec log_target, Vec initial);
/* Sets system->fixed_at_target: K at the initial density is that of the same parts with the target
   as reference. Collective. */
PetscErrorCode MuSystemFindReference(MuSystem *system, MuGrid grid, MuGeometry geometry,
                                     Vec log_target, Vec initial);

/* Kinds of part, told by their traits. */
typedef enum {
  MU_IS_WASSERSTEIN = 1, /* -div(mu grad xi) */
  MU_IS_FISHER_RAO = 2,  /* mu xi */
  MU_IS_INVERSE = 4,     /* Kc^(-1) xi, with the kernel of the square that the energy is */
  MU_IS_OTHER = 8
} MuPartClass;

/* The class of part k; INVERSE only where the energy is a sum of squares of rho - pi with the same
   kernel, or `any_kernel`. */
MuPartClass MuSystemClass(const MuSystem *system, PetscInt k, PetscBool any_kernel);
/* Sum of the weights of the parts of a class; *classes (may be NULL) gets the union of all that are
   there. */
PetscReal MuSystemWeight(const MuSystem *system, MuPartClass wanted, PetscInt *classes);
/* Sum of the weights of the energy if all terms are squares of rho - pi with one kernel, else 0. */
PetscReal MuSystemKernelSquare(const MuSystem *system);
/* Whether K <1> = 0: transport alone, or spherical. */
PetscBool MuSystemConservesMass(const MuSystem *system);

/* ------------------------------------------------------------------ exact steps */

#define MU_WHOLE             (-1)
#define MU_LOGARITHMIC_TERMS (-2) /* all that is linear in log rho or does not depend on rho */

typedef enum {
  MU_FORM_NONE,
  MU_FORM_LOGARITHMIC, /* log rho_t = e^(-c t) log rho_0 - (1 - e^(-c t)) V/D, DF = D log rho + V */
  MU_FORM_POWER,       /* s_t = (1 + (s_0^(1-p) - 1) e^(-c t))^(1/(1-p)) */
  MU_FORM_LINEAR       /* rho_t = pi + e^(-c t) (rho_0 - pi) */
} MuExactStepForm;

typedef struct {
  MuExactStepForm form;
  PetscReal weight;    /* of the part */
  PetscReal rate;      /* c: weight of the part times weight of the term, LOGARITHMIC: without D */
  PetscReal exponent;  /* p of POWER */
  PetscBool normalise; /* spherical: the result is scaled to the mass it had */
  PetscBool quadratic; /* LINEAR: F is one square, so that DF is scaled by e^(-c t) as well */
} MuExactStep;

/* The exact step of the reaction `part` (MU_WHOLE: the only one) for one term, MU_WHOLE or
   MU_LOGARITHMIC_TERMS. Zhu and Mielke (2024), Gladin et al. (2024). */
void MuFactsExactStep(const MuSystem *system, PetscInt part, PetscInt term, MuExactStep *step);

/* ------------------------------------------------------------------ decay */

typedef enum {
  MU_THEOREM_AUTO,
  MU_THEOREM_INTERACTION_FORCE,
  MU_THEOREM_LOG_SOBOLEV,
  MU_THEOREM_SPECTRAL_GAP,
  MU_THEOREM_LOJASIEWICZ,
  MU_THEOREM_POINCARE,
  MU_THEOREM_CONVEXITY,
  MU_THEOREM_LATE
} MuTheorem;

/* By MuTheorem, as study_theorem has them; NULL ends them. */
extern const char *const mu_theorem_names[];

typedef struct {
  MuTheorem theorem;  /* that it is; AUTO: nothing is known */
  PetscBool bound;    /* whether F(t) <= e^(-rate t) F(0) is proved for every initial measure */
  PetscBool equality; /* F(t) = e^(-rate t) F(0) */
  PetscReal rate;     /* NaN: none, or one that the target's constant makes: */
  PetscReal factor;   /* rate = factor * constant of the target + shift, 0 if it has no part */
  PetscReal shift;
  char sentence[400]; /* for a reader of results; "" if nothing is known */
  char missing[200];  /* none applies: what the one that was asked for needs, or one nearly has */
} MuDecay;

/* What is known of the decay of F; `theorem` AUTO: the strongest that applies. Not collective. */
void MuFactsDecay(const MuSystem *system, MuTheorem theorem, MuDecay *decay);

/* lambda such that F is lambda-convex along the geodesics of K, NaN: not known. log_sobolev: the
   least eigenvalue of the Hessian of the target's potential, NaN: not known. The relative entropy
   along wasserstein alone (McCann 1997, Otto and Villani 2000), the squares of mmd in their own
   flat geometry. Not collective. */
PetscReal MuFactsConvexity(const MuSystem *system, PetscReal log_sobolev);

/* Distances between two solutions. */
typedef enum {
  MU_METRIC_L1,
  MU_METRIC_HELLINGER,
  MU_METRIC_W2,
  MU_METRIC_MMD,
  MU_METRIC_HK /* Hellinger-Kantorovich, with the weights of the geometry */
} MuMetric;

typedef struct {
  PetscReal rate;     /* c of d(t) <= e^(-c t) d(0) for any two solutions; NaN: none is known */
  char sentence[240]; /* why, or what would be needed */
} MuContraction;

/* What is known of the contraction of two solutions (contraction.c). convexity: the least
   eigenvalue of the Hessian of the target's potential, for MU_METRIC_HK of that of the potential
   terms on the cone (study/contraction.c), NaN: not known. mmd: the distance has the
   kernel of the geometry. system->unequal: of the two solutions or of the target. Not collective.
 */
void MuFactsContraction(const MuSystem *system, MuMetric metric, PetscReal convexity,
                        MuContraction *contraction);

/* ------------------------------------------------------------------ the table */

/* Everything above by name, and what it needs, see MuTableRow. */
PetscErrorCode MuFactsGetTableRow(PetscInt i, const char **name, const char **needs);

/* Gets a pair and what is known of it. */
typedef PetscErrorCode (*MuFactVisitor)(void *ctx, const char *geometry, const char *energy,
                                        PetscBool spherical, const char *sentence);
/* Calls visit with every geometry, also wasserstein + fisher_rao, and every energy of the tables
   for which row i holds, each alone with weight 1, the default numbers (2 where there is none), the
   same kernel, equal masses and, where K does not depend on mu, the target as reference. Not
   collective. */
PetscErrorCode MuFactsVisitPairs(PetscInt i, MuFactVisitor visit, void *ctx);

/* ------------------------------------------------------------------ exact solutions */

/* A Gaussian density; covariance row-major [dim][dim]; mass: on the whole space. */
typedef struct {
  PetscBool is; /* false: the density is none */
  PetscReal mean[2], covariance[4], mass;
} MuGaussian;

/* What a solution may be made from; everything is borrowed and outlives it. */
typedef struct {
  MuGrid grid;
  MuEnergy energy;
  MuGeometry geometry;
  Vec log_target, initial; /* as fields; log_target may be NULL */
  MuGaussian target_gaussian, initial_gaussian;
} MuSolutionData;

typedef struct _p_MuSolution *MuSolution;

/* Names and needs of the solutions, see MuTableRow. */
PetscErrorCode MuSolutionGetTableRow(PetscInt i, const char **name, const char **needs);
/* Collective. MU_ERR_INPUT "study_exact: ...": there is none of this name, or it does not belong to
   the system. */
PetscErrorCode MuSolutionCreate(const char *name, const MuSolutionData *data, MuSolution *solution);
PetscErrorCode MuSolutionDestroy(MuSolution *solution);
/* The density at `time`. Collective. */
PetscErrorCode MuSolutionEvaluate(MuSolution solution, PetscReal time, Vec rho);

#endif
