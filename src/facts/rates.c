/* Theorems on the decay of the energy.
   Gladin, Dvurechensky, Mielke and Zhu (2024): MMD energy along interaction-force transport, and
   relative entropy under a logarithmic Sobolev inequality where mass is conserved. Mielke and Zhu
   (2025): Hellinger-Kantorovich flows. The Lojasiewicz inequality s phi_p'(s)^2 >= phi_p(s)/(1 - p)
   holds for all s > 0 exactly for p <= 1/2.

   More parts only add to the dissipation, so each theorem asks for the parts that it needs and
   allows others, unless the projection onto conserved mass mixes them. */
#include "facts/facts.h"

const char *const mu_theorem_names[] = {[MU_THEOREM_AUTO] = "auto",
                                        [MU_THEOREM_INTERACTION_FORCE] = "interaction_force",
                                        [MU_THEOREM_LOG_SOBOLEV] = "log_sobolev",
                                        [MU_THEOREM_SPECTRAL_GAP] = "spectral_gap",
                                        [MU_THEOREM_LOJASIEWICZ] = "lojasiewicz",
                                        [MU_THEOREM_POINCARE] = "poincare",
                                        [MU_THEOREM_CONVEXITY] = "convexity",
                                        [MU_THEOREM_LATE] = "late",
                                        NULL};

typedef struct {
  MuTheorem theorem;
  const char *needs; /* what the case must be */
  /* Whether it applies; fills rate or factor, equality, bound and the sentence. */
  PetscBool (*apply)(const MuSystem *system, MuDecay *decay);
} Theorem;

/* F(t) <= e^(-2bt) F(0): the part takes b (mu - pi) off, whatever the others do. Under the
   projection a second reaction part would change that. */
static PetscBool interaction_force(const MuSystem *s, MuDecay *d) {
  PetscInt classes;
  const PetscReal square = MuSystemKernelSquare(s);
  const PetscReal b = MuSystemWeight(s, MU_IS_INVERSE, &classes);
  PetscInt reactions = 0, inverses = 0;
  for (PetscInt k = 0; k < s->parts; ++k) {
    reactions += s->part[k].kind == MU_PART_REACTION;
    inverses += MuSystemClass(s, k, PETSC_FALSE) == MU_IS_INVERSE;
  }
  if (!(square > 0) || !(b > 0) || (s->spherical && reactions > inverses)) return PETSC_FALSE;
  d->rate = 2 * b * square;
  d->equality = (PetscBool)(classes == (PetscInt)MU_IS_INVERSE);
  snprintf(d->sentence, sizeof d->sentence,
           d->equality
               ? "d mu/dt = -b (mu - pi), so that F(t) = e^(-2bt) F(0), b the weights of mmd in "
                 "energy and geometry multiplied"
               : "F(t) <= e^(-2bt) F(0) for every target and initial measure, MMD energy "
                 "along interaction-force transport, b the weights of mmd in energy and "
                 "geometry multiplied");
  return PETSC_TRUE;
}

/* One relative entropy, transport, and conserved mass: the logarithmic Sobolev inequality fails for
   measures of other masses (rho = c pi). */
static PetscBool entropy_decay(const MuSystem *s, MuDecay *d) {
  const PetscReal a = MuSystemWeight(s, MU_IS_WASSERSTEIN, NULL);
  if (s->terms != 1 || s->term[0].power != 1 || !(a > 0)) return PETSC_FALSE;
  d->factor = 2 * a * s->term[0].weight;
  return MuSystemConservesMass(s);
}

static PetscBool log_sobolev(const MuSystem *s, MuDecay *d) {
  if (!entropy_decay(s, d)) return PETSC_FALSE;
  snprintf(
      d->sentence, sizeof d->sentence,
      "KL(t) <= e^(-2act) KL(0), a the weights of kl and wasserstein multiplied, if the target "
      "satisfies a logarithmic Sobolev inequality with constant c; for a Gaussian c = "
      "1/largest variance");
  return PETSC_TRUE;
}

static PetscBool spectral_gap(const MuSystem *s, MuDecay *d) {
  if (!entropy_decay(s, d)) return PETSC_FALSE;
  d->bound = PETSC_FALSE;
  snprintf(d->sentence, sizeof d->sentence,
           "late rate of KL at least 2a gap, a the weights of kl and wasserstein multiplied, gap = "
           "spectral gap of the target; the logarithmic Sobolev constant is at most the gap");
  return PETSC_TRUE;
}

/* With conserved mass, p = 0 and p = 1/2: c = 1. For p = 1/2, fisher_rao alone, F = 4 (1 - tanh(t +
   alpha)) and F' = -(1 + tanh(t + alpha)) F, alpha >= 0 (Mielke and Zhu 2025). */
static PetscBool spherical_lojasiewicz(const MuSystem *s, PetscReal b, MuDecay *d) {
  const PetscReal p = s->term[0].power;
  for (PetscInt k = 0; k < s->parts; ++k)
    if (s->part[k].kind == MU_PART_REACTION && MuSystemClass(s, k, PETSC_FALSE) != MU_IS_FISHER_RAO)
      return PETSC_FALSE;
  if (p != 0 && p != 0.5) return PETSC_FALSE;
  d->rate = b * s->term[0].weight;
  snprintf(
      d->sentence, sizeof d->sentence,
      "Lojasiewicz inequality 2 R*(mu, -DF) >= b F for measures of the target's mass, p = 0 "
      "or 1/2, b the weights of energy and fisher_rao multiplied; hence F(t) <= e^(-bt) F(0)%s",
      p == 0.5 ? "; along fisher_rao alone F = 4 (1 - tanh(t + alpha)) for b = 1 and mass 1" : "");
  return PETSC_TRUE;
}

/* 2 R* >= c F itself. p <= 1/2: c = 1/(1-p). Beyond, no c > 0 holds for every measure; 2, the rate
   near equilibrium and the sharp constant at p = 1/2, is what is tried. */
static PetscBool lojasiewicz(const MuSystem *s, MuDecay *d) {
  PetscInt classes;
  const PetscReal b = MuSystemWeight(s, MU_IS_FISHER_RAO, &classes);
  const PetscReal p = s->term[0].power;
  if (s->terms != 1 || isnan(p) || !(b > 0)) return PETSC_FALSE;
  if (s->spherical) return spherical_lojasiewicz(s, b, d);
  d->bound = (PetscBool)(p <= 0.5);
  if (!d->bound && classes != (PetscInt)MU_IS_FISHER_RAO) return PETSC_FALSE;
  d->rate = b * s->term[0].weight * (d->bound ? 1 / (1 - p) : 2);
  snprintf(d->sentence, sizeof d->sentence,
           d->bound
               ? "Lojasiewicz inequality 2 R*(mu, -DF) >= c F for every measure, c = b/(1-p), "
                 "valid for p <= 1/2, b the weights of energy and fisher_rao multiplied, p the "
                 "exponent of the energy; hence F(t) <= e^(-ct) F(0)"
               : "no inequality 2 R*(mu, -DF) >= c F holds for every measure (p > 1/2): those "
                 "that hardly charge the support of the target break it; tried is c = 2b, true "
                 "near the target, b the weights of energy and fisher_rao multiplied");
  return PETSC_TRUE;
}

/* Linearised at the target, rho = pi (1 + f): f' = a L f - b f, L the generator of the target, and
   F = 1/2 int f^2 d pi for every power. With conserved mass f has the mean zero and its slowest
   mode decays at a gap + b; where mass is free the constants decay at b. */
static PetscBool late(const MuSystem *s, MuDecay *d) {
  const PetscInt both = (PetscInt)MU_IS_WASSERSTEIN | (PetscInt)MU_IS_FISHER_RAO;
  PetscInt classes;
  const PetscReal a = MuSystemWeight(s, MU_IS_WASSERSTEIN, &classes);
  const PetscReal b = MuSystemWeight(s, MU_IS_FISHER_RAO, NULL);
  if ((classes & ~both) || s->terms != 1 || isnan(s->term[0].power)) return PETSC_FALSE;
  const PetscBool conserved = MuSystemConservesMass(s);
  d->bound = PETSC_FALSE;
  d->shift = 2 * b * s->term[0].weight;
  if (conserved) d->factor = 2 * a * s->term[0].weight;
  if (!(d->factor > 0)) d->rate = d->shift;
  snprintf(d->sentence, sizeof d->sentence,
           conserved
               ? "sharp late rate of F: 2 (a gap + b), a and b the weights of wasserstein and "
                 "fisher_rao times that of the energy, gap = spectral gap of the target"
               : "sharp late rate of F where mass is free: 2b, that of the mass, b the "
                 "weights of fisher_rao and of the energy multiplied");
  return PETSC_TRUE;
}

/* chi2 as the energy of operators whose reference density is pi: the equation f' = a L f - b f for
   f = s - 1, with the Dirichlet form of L. Where mass is free the constants fall at b alone. */
static PetscBool linear(const MuSystem *s, MuDecay *d) {
  PetscReal a = 0, b = 0;
  if (!isnan(s->observed) || !s->fixed_at_target || s->terms != 1 || s->term[0].power != 2)
    return PETSC_FALSE;
  for (PetscInt k = 0; k < s->parts; ++k)
    *(s->part[k].kind == MU_PART_TRANSPORT ? &a : &b) += s->part[k].weight * s->term[0].weight;
  if (MuSystemConservesMass(s)) d->factor = 2 * a;
  d->equality = (PetscBool)(a == 0);
  d->shift = 2 * b;
  if (!(d->factor > 0)) d->rate = d->shift;
  snprintf(d->sentence, sizeof d->sentence, "%s",
           a == 0 ? "d mu/dt = -b (mu - pi), so that chi2(t) = e^(-2bt) chi2(0), b the weights of "
                    "chi2 and flat_fisher_rao multiplied"
           : d->factor > 0
               ? "chi2(t) <= e^(-2 (a gap + b) t) chi2(0), a and b the weights of flat_wasserstein "
                 "and flat_fisher_rao times that of chi2: the equation is linear (Poincare "
                 "inequality)"
               : "chi2(t) <= e^(-2bt) chi2(0) where mass is free, b the weights of chi2 and "
                 "flat_fisher_rao multiplied: the equation is linear");
  return PETSC_TRUE;
}

/* The Poincare inequality: chi2 along the Fokker-Planck equation, which is linear, falls at least
   like e^(-2 a gap t), and late at no other rate. */
static PetscBool poincare(const MuSystem *s, MuDecay *d) {
  PetscInt classes;
  if (linear(s, d)) return PETSC_TRUE;
  const PetscReal a = MuSystemWeight(s, MU_IS_WASSERSTEIN, &classes);
  if (s->observed != 2 || classes != (PetscInt)MU_IS_WASSERSTEIN || s->terms != 1 ||
      s->term[0].power != 1)
    return PETSC_FALSE;
  d->factor = 2 * a * s->term[0].weight;
  snprintf(d->sentence, sizeof d->sentence,
           "chi2(t) <= e^(-2a gap t) chi2(0) along the Fokker-Planck equation (Poincare "
           "inequality), a the weights of kl and wasserstein multiplied");
  return PETSC_TRUE;
}

/* d/dt KL(pi|mu) = -<DF, mu - pi> <= -(F(mu) - F(pi)) for a convex F, and -2F for a square. */
static PetscBool convexity(const MuSystem *s, MuDecay *d) {
  PetscInt classes;
  const PetscReal b = MuSystemWeight(s, MU_IS_FISHER_RAO, &classes);
  if (classes != (PetscInt)MU_IS_FISHER_RAO) return PETSC_FALSE;
  PetscReal factor = INFINITY;
  for (PetscInt k = 0; k < s->terms; ++k) {
    const MuTermTraits *term = &s->term[k];
    const PetscBool square = (PetscBool)(term->kernel_square || term->flat_square);
    if (!square && isnan(term->power)) return PETSC_FALSE; /* least at pi */
    factor = PetscMin(factor, square ? 2 : 1);
  }
  d->rate = b * factor;
  snprintf(d->sentence, sizeof d->sentence,
           "F(t) <= KL(pi|mu_0)/(c t), c the weight of fisher_rao, twice it if F is a square, for "
           "any convex F that is least at pi; observed is the least KL(pi|mu_0)/(t F(t))");
  return PETSC_TRUE;
}

/* In the order in which AUTO tries them. */
static const Theorem theorems[] = {
    {MU_THEOREM_INTERACTION_FORCE,
     "energy mmd and geometry mmd without a ridge, with the same kernel, and under spherical no "
     "other reaction",
     interaction_force},
    {MU_THEOREM_LOG_SOBOLEV,
     "energy kl, geometry wasserstein, and conserved mass: no reaction, or spherical", log_sobolev},
    {MU_THEOREM_SPECTRAL_GAP,
     "energy kl, geometry wasserstein, and conserved mass: no reaction, or spherical",
     spectral_gap},
    {MU_THEOREM_LOJASIEWICZ,
     "geometry fisher_rao and one energy of the power family; alone if its exponent is above 1/2, "
     "and if it is spherical with the exponent 0 or 1/2",
     lojasiewicz},
    {MU_THEOREM_POINCARE,
     "study_of chi2, energy kl and geometry wasserstein alone; or energy chi2 and "
     "flat_wasserstein, "
     "flat_fisher_rao or both, with the target as reference",
     poincare},
    {MU_THEOREM_CONVEXITY,
     "geometry fisher_rao alone and energies that are convex and least at the target", convexity},
    {MU_THEOREM_LATE,
     "geometry wasserstein, fisher_rao or both, nothing else, and one energy of the power family",
     late}};

static const char *const masses_differ =
    "equal masses of initial and target (initial_mass, target_mass), or a geometry that does not "
    "conserve mass: as it is, F cannot fall to 0";

/* Which theorems speak of what is observed; convexity is no rate, late no bound, and both
   wait to be asked for. */
static PetscBool is_meant(const MuSystem *s, MuTheorem asked, MuTheorem theorem) {
  if (asked == MU_THEOREM_AUTO && (theorem == MU_THEOREM_CONVEXITY || theorem == MU_THEOREM_LATE))
    return PETSC_FALSE;
  return (PetscBool)(isnan(s->observed) || theorem == MU_THEOREM_POINCARE);
}

void MuFactsDecay(const MuSystem *s, MuTheorem theorem, MuDecay *decay) {
  PetscBool lacks_mass = PETSC_FALSE;
  if (s->unequal && MuSystemConservesMass(s)) {
    *decay = (MuDecay){.rate = NAN};
    snprintf(decay->missing, sizeof decay->missing, "%s", masses_differ);
    return;
  }
  for (size_t k = 0; k < sizeof theorems / sizeof *theorems; ++k) {
    const Theorem *t = &theorems[k];
    if (theorem != MU_THEOREM_AUTO && theorem != t->theorem) continue;
    *decay = (MuDecay){.theorem = t->theorem, .bound = PETSC_TRUE, .rate = NAN};
    if (is_meant(s, theorem, t->theorem) && t->apply(s, decay)) return;
    const PetscBool free_mass = (PetscBool)(decay->factor > 0);
    *decay = (MuDecay){.rate = NAN};
    if (theorem != MU_THEOREM_AUTO)
      snprintf(decay->missing, sizeof decay->missing, "%s", t->needs);
    else if (free_mass)
      lacks_mass = PETSC_TRUE;
  }
  if (lacks_mass)
    snprintf(
        decay->missing, sizeof decay->missing,
        "conserved mass (geometry_spherical true): the logarithmic Sobolev inequality fails for "
        "measures of other masses");
}

/* ------------------------------------------------------------------ convexity */

PetscReal MuFactsConvexity(const MuSystem *s, PetscReal log_sobolev) {
  PetscInt classes;
  const PetscReal a = MuSystemWeight(s, MU_IS_WASSERSTEIN, &classes);
  if (classes == (PetscInt)MU_IS_WASSERSTEIN && s->terms == 1 && s->term[0].power == 1)
    return a * s->term[0].weight * log_sobolev;
  if (classes == (PetscInt)MU_IS_INVERSE)
    return MuSystemKernelSquare(s) * MuSystemWeight(s, MU_IS_INVERSE, NULL);
  return NAN;
}
