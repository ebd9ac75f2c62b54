/* Energies and diagnostics. */
#ifndef MUDOT_ENERGY_H
#define MUDOT_ENERGY_H

#include "mudot/summand.h"

/* Rows of the table of what there is, see MuTableRow. */
PetscErrorCode MuEnergyGetTableRow(PetscInt i, const char **name, const char **formula);
/* The same with what a term needs, see MuSummandTable. */
PetscErrorCode MuEnergyGetInfo(PetscInt i, MuSummandInfo *info);
PetscErrorCode MuDiagnosticGetTableRow(PetscInt i, const char **name, const char **formula);

/* Limit of a term as `parameters` vanish, or rise: "bandwidth" (of a kernel of unit mass), or the
   name of a number. limit->name is NULL if there is none. Not collective. */
PetscErrorCode MuEnergyGetLimit(const MuSummand *term, const char *parameters, PetscBool rises,
                                MuLimit *limit);

typedef struct _p_MuEnergy *MuEnergy;

typedef struct {
  PetscInt terms; /* 1 .. MU_MAX_TERMS */
  MuSummand term[MU_MAX_TERMS];
  MuKernel kernel; /* of the terms that have none of their own; may be NULL */
  Vec log_target;  /* log pi as a field, -infinity where pi vanishes; NULL if no term needs it.
                      Referenced. */
} MuEnergySpec;

/* Functionals F(mu) that methods of particles know. */
typedef enum {
  MU_FORM_OTHER,
  MU_FORM_RELATIVE,    /* int phi_p(rho/pi) pi, see `power`; p = 1: the relative entropy */
  MU_FORM_ENTROPY,     /* int rho log rho */
  MU_FORM_BLOB,        /* int log(k*mu) d mu */
  MU_FORM_MMD,         /* 1/2 <mu - pi, k*(mu - pi)> */
  MU_FORM_POTENTIAL,   /* int V d mu */
  MU_FORM_INTERACTION, /* 1/2 <mu, W*mu> */
  MU_FORM_BLOB_POWER,  /* int (k*mu)^(p-1)/(p-1) d mu, p the first parameter */
  MU_FORM_LIKELIHOOD,  /* KL(pi given k*mu) */
  MU_FORM_ENVELOPE     /* see MuEnvelope */
} MuEnergyForm;

/* factor times the least D(sigma given pi) + <sigma - mu, k*(sigma - mu)>/(2 lambda) over sigma, D
   of the power `exponent`: 1, the relative entropy, or 2, chi2 (of signed sigma). */
typedef struct {
  PetscReal lambda, exponent, factor;
} MuEnvelope;

/* The functional of a name of the energy table with these parameters, by its traits, and the p of
   RELATIVE and BLOB_POWER: NaN where it is a parameter that is not given. Not collective. */
MuEnergyForm MuEnergyGetForm(const char *name, const PetscReal value[MU_MAX_PARAMETERS],
                             PetscReal *p);
/* That of a term of the form ENVELOPE; NaN in all fields for others. Not collective. */
MuEnvelope MuEnergyGetEnvelope(const char *name, const PetscReal value[MU_MAX_PARAMETERS]);

/* What is known of a term: questions are answered by its descriptor, never by its name. */
typedef struct {
  PetscReal weight;
  PetscBool logarithmic; /* DF = log rho + V, V not of rho */
  PetscBool linear;      /* DF = V, not of rho */
  PetscBool local;       /* DF is a function of rho, or of rho/pi, cell by cell: it diffuses */
  PetscReal power; /* p where F = int phi_p(rho/pi) d pi: 0 inclusive KL, 1 KL, ...; else NaN */
  PetscReal density_power; /* m where F = int rho^m/(m-1), 1 for int rho log rho; else NaN */
  PetscBool kernel_square; /* F = 1/2 <rho - pi, Kc (rho - pi)>: rho - pi is the preimage of DF */
  PetscBool flat_square;   /* F = 1/2 int (rho - pi)^2 */
  PetscBool convex;        /* in rho, along lines */
  PetscBool infinite_off_support; /* F is where rho > 0 = pi */
  PetscBool singular_at_zero;     /* DF is infinite where rho = 0 < pi */
  PetscReal stolarsky; /* m for which M grad DF is a difference of m-th powers, M Stolarsky's mean
                          with m, so that fronts move into empty cells; 0: none */
  MuKernel kernel;     /* that it uses, NULL if none; borrowed */
} MuTermTraits;

/* Traits of term k. Not collective. MU_ERR_INPUT: there is no such name. */
PetscErrorCode MuEnergyGetTraits(const MuEnergySpec *spec, PetscInt k, MuTermTraits *traits);

/* F = sum of weight * named term; a name may stand several times. Callbacks are called here, not
   later; log_target is read here, so later changes of it have no effect. Collective. MU_ERR_INPUT:
   unknown name, exponent out of range, a missing target or kernel, a V that is not finite, a W that
   is not even. */
PetscErrorCode MuEnergyCreate(MuGrid grid, const MuEnergySpec *spec, MuEnergy *energy);
PetscErrorCode MuEnergyDestroy(MuEnergy *energy);
PetscErrorCode MuEnergyReference(MuEnergy energy);
/* The names with _2, _3, ... for the second, third, ... term of a name; borrowed. */
PetscErrorCode MuEnergyGetTerms(MuEnergy energy, PetscInt *terms, const char *const **names,
                                const PetscReal **weights);

/* F(rho), the weighted terms (NULL or [terms]), and DF(rho) (NULL or a field), all from one pass.
   With `preimage` not NULL and MuEnergyHasPreimage(), preimage is set so that DF = Kc preimage,
   exactly: weight * (rho - pi). DF is with respect to <.,.>: dF = <DF, d rho>. Where
   rho = 0, log rho is taken at the smallest normal number, so DF stays finite there; where pi
   vanishes too, DF of the terms relative to pi is 0. F may be +infinity: mass where pi vanishes
   (kl, chi2, power p >= 1), or rho = 0 where pi > 0 (inclusive_kl, power p <= 0). `value` and
   `derivative` may be NULL, and cost nothing then. Collective. */
PetscErrorCode MuEnergyEvaluate(MuEnergy energy, Vec rho, PetscReal *value, PetscReal terms[],
                                Vec derivative, Vec preimage);

/* That preimage eta alone, where there is one; `preimage` may be NULL. Not collective. */
PetscErrorCode MuEnergyPreimage(MuEnergy energy, Vec rho, Vec preimage);

/* Whether every term is a square of rho - pi with the same kernel, so that the preimage exists;
 *kernel (may be NULL) is that kernel, borrowed. */
PetscErrorCode MuEnergyHasPreimage(MuEnergy energy, PetscBool *has, MuKernel *kernel);

/* A discrete gradient (Gonzalez): <G, rho1 - rho0> = F(rho1) - F(rho0) to rounding, G(rho, rho) =
   DF(rho), symmetric in its arguments. Local terms cell by cell without cancellation, quadratic
   ones DF at the midpoint, blob_entropy by the product rule with logarithmic means. Where F is
   infinite at an end the identity has no meaning and G is that of rho at the smallest normal
   number. rho0 and rho1 may be the same. preimage as above, at the midpoint (NULL allowed).
   Collective. */
PetscErrorCode MuEnergyDiscreteGradient(MuEnergy energy, Vec rho0, Vec rho1, Vec gradient,
                                        Vec preimage);
/* The same with the midpoint (rho0 + rho1)/2, which the caller has. */
PetscErrorCode MuEnergyDiscreteGradientAt(MuEnergy energy, Vec rho0, Vec rho1, Vec mid,
                                          Vec gradient, Vec preimage);

/* The diagonal of the local terms' second derivative: f_i''(rho_i), with the smallest normal number
   for rho = 0; nonlocal terms add nothing. Collective. */
PetscErrorCode MuEnergyCurvature(MuEnergy energy, Vec rho, Vec curvature);

/* The part of DF that is linear in log rho: DF = diffusivity * log rho + potential + rest,
   diffusivity = the sum of the weights of kl and entropy, potential (NULL or a field) from kl,
   entropy and potential terms (so +infinity where pi vanishes, with kl). *only: there is no rest.
   Collective. */
PetscErrorCode MuEnergyLogarithmicPart(MuEnergy energy, PetscReal *diffusivity, Vec potential,
                                       PetscBool *only);

/* The rest of DF, split for linearly implicit transport: relative (function of s = rho/pi:
   inclusive_kl, hellinger, chi2, power) into `relative`, function of rho alone (internal, and rho
   of l2) into `local`, everything else (mmd, interaction, blob_entropy, -pi of l2) into `frozen`.
   Each a field, set (not added to); NULL fields are skipped. `has` (may be NULL): which of them is
   there at all. Collective. */
typedef enum { MU_DF_RELATIVE, MU_DF_LOCAL, MU_DF_FROZEN, MU_DF_PARTS } MuDerivativePart;
PetscErrorCode MuEnergyTransportParts(MuEnergy energy, Vec rho, const Vec field[MU_DF_PARTS],
                                      PetscBool has[MU_DF_PARTS]);

/* What the energy was made from (borrowed; names and kernels live as long as the energy), with the
   values of the terms filled in. */
PetscErrorCode MuEnergyGetSpec(MuEnergy energy, const MuEnergySpec **spec);

/* log pi, or NULL; borrowed. */
PetscErrorCode MuEnergyGetLogTarget(MuEnergy energy, Vec *log_target);

typedef struct _p_MuDiagnostic *MuDiagnostic;

/* A distance of rho to pi, by name: every energy that needs a target and no number of its own (kl,
   inclusive_kl, hellinger, chi2, l2, mmd, ...), with weight 1 (l2 and mmd so are half a squared
   norm); l1 = int |rho - pi|; w2 = the Wasserstein distance (int_0^1 |Q_rho - Q_pi|^2 du)^(1/2) of
   the two measures normalised to mass 1, 1-D with walls only, exact for densities that are constant
   in every cell. log_target as in MuEnergySpec, referenced; `kernel` of mmd, NULL elsewhere.
   Collective. MU_ERR_INPUT: an unknown name, w2 in 2-D or on a periodic axis, a missing kernel. */
PetscErrorCode MuDiagnosticCreate(MuGrid grid, const char *name, Vec log_target, MuKernel kernel,
                                  MuDiagnostic *diagnostic);
PetscErrorCode MuDiagnosticDestroy(MuDiagnostic *diagnostic);
/* The same bits on every rank; +infinity where the energy is. Collective. MU_ERR_NUMERICS: w2 of a
   density without mass. */
PetscErrorCode MuDiagnosticEvaluate(MuDiagnostic diagnostic, Vec rho, PetscReal *value);

#endif
