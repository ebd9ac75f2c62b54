/* Contraction of two solutions: d(t) <= e^(-c t) d(0) where the energy is c-convex along the
   geodesics of the distance (Ambrosio, Gigli and Savare, Gradient flows, theorem 11.1.4). Relative
   entropy in the Wasserstein space: McCann (1997), von Renesse and Sturm (2005). Powers in the
   Hellinger space: with u = 2 rho^(1/2), in which the metric is flat, the second derivative of pi
   phi_p(u^2/(4 pi)) is phi_p'(s)/2 + s phi_p''(s), s = rho/pi, whose infimum over s is 1/(2(1-p))
   for p <= 1/2, -1/(2(p-1)) for p > 1, and -infinity between. Diffusions are contractions in L1.
   In the Hellinger-Kantorovich space: Liero, Mielke and Savare, Fine properties of geodesics and
   geodesic lambda-convexity for the Hellinger-Kantorovich distance, Arch. Ration. Mech. Anal. 247
   (2023): int rho^m is convex for m > 1, in one dimension -int rho^m for 1/3 <= m <= 1/2, the
   relative entropy is lambda-convex for no lambda; linear terms have the convexity of r^2 V(x) on
   the cone. Flows of such energies contract: Laschos and Mielke, arXiv 2207.09815 (2022). */
#include "facts/facts.h"

static PetscBool alone(const MuSystem *s, MuPartClass class, PetscReal *weight) {
  PetscInt classes;
  *weight = MuSystemWeight(s, class, &classes);
  return (PetscBool)(classes == (PetscInt) class);
}

static void in_wasserstein(const MuSystem *s, PetscReal convexity, MuContraction *c) {
  PetscReal a;
  const PetscBool applies =
      (PetscBool)(alone(s, MU_IS_WASSERSTEIN, &a) && s->terms == 1 && s->term[0].power == 1);
  if (applies) c->rate = a * s->term[0].weight * convexity;
  snprintf(c->sentence, sizeof c->sentence,
           applies
               ? "two solutions approach each other in W2 at the rate at which the potential of "
                 "the target is convex (%.6g), times the weights of kl and wasserstein"
               : "energy kl and geometry wasserstein alone",
           convexity);
}

static void in_hellinger(const MuSystem *s, MuContraction *c) {
  PetscReal b;
  const PetscReal p = s->terms == 1 ? s->term[0].power : NAN;
  const PetscBool applies =
      (PetscBool)(alone(s, MU_IS_FISHER_RAO, &b) && !s->spherical && (p <= 0.5 || p > 1));
  if (applies) c->rate = b * s->term[0].weight * (p <= 0.5 ? 0.5 / (1 - p) : -0.5 / (p - 1));
  snprintf(c->sentence, sizeof c->sentence, "%s",
           applies ? "the energy is 1/(2(1-p))-convex along Hellinger geodesics for p <= 1/2, "
                     "-1/(2(p-1)) for p > 1, times its weight and that of fisher_rao"
                   : "geometry fisher_rao alone, not spherical, and one energy of the power family "
                     "with an exponent up to 1/2 or above 1");
}

static void in_mmd(const MuSystem *s, MuContraction *c) {
  PetscReal b;
  const PetscReal square = MuSystemKernelSquare(s);
  const PetscBool applies =
      (PetscBool)(alone(s, MU_IS_INVERSE, &b) && square > 0 && !(s->spherical && s->unequal));
  if (applies) c->rate = b * square;
  snprintf(c->sentence, sizeof c->sentence, "%s",
           applies ? "d mu/dt = -b (mu - pi), so that any distance of two solutions falls like "
                     "e^(-bt), b the weights of mmd in energy and geometry multiplied"
                   : "geometry mmd alone and energy mmd with the same kernel, and, if it is "
                     "spherical, equal masses");
}

static void in_l1(const MuSystem *s, MuContraction *c) {
  PetscReal a;
  PetscBool applies = alone(s, MU_IS_WASSERSTEIN, &a);
  for (PetscInt k = 0; k < s->terms; ++k)
    applies = (PetscBool)(applies && (s->term[k].logarithmic || s->term[k].linear ||
                                      !isnan(s->term[k].density_power)));
  if (applies) c->rate = 0;
  snprintf(c->sentence, sizeof c->sentence, "%s",
           applies
               ? "diffusions in a potential, linear or of a power of the density, are "
                 "contractions in L1"
               : "geometry wasserstein alone and the energies kl, entropy, internal, potential");
}

static PetscBool convex_on_cone(const MuTermTraits *term) {
  const PetscReal m = term->density_power;
  if (term->linear) return PETSC_TRUE;
  return (PetscBool)(term->weight > 0 && (m > 1 || (m >= 1. / 3 && m <= 0.5)));
}

static void in_hellinger_kantorovich(const MuSystem *s, PetscReal convexity, MuContraction *c) {
  PetscInt classes;
  MuSystemWeight(s, MU_IS_WASSERSTEIN, &classes);
  PetscBool applies = (PetscBool)(classes == (MU_IS_WASSERSTEIN | MU_IS_FISHER_RAO) &&
                                  !s->spherical && !isnan(convexity));
  for (PetscInt k = 0; k < s->terms; ++k)
    applies = (PetscBool)(applies && convex_on_cone(&s->term[k]));
  if (applies) c->rate = convexity;
  snprintf(c->sentence, sizeof c->sentence,
           applies
               ? "two solutions approach each other in HK at the rate at which the potential is "
                 "convex on the cone (%.6g); internal energies are convex"
               : "geometry wasserstein and fisher_rao, not spherical, and the energies potential "
                 "and internal with an exponent above 1 or from 1/3 to 1/2; kl is not convex in "
                 "HK",
           convexity);
}

void MuFactsContraction(const MuSystem *s, MuMetric metric, PetscReal convexity, MuContraction *c) {
  *c = (MuContraction){.rate = NAN};
  switch (metric) {
  case MU_METRIC_W2:
    in_wasserstein(s, convexity, c);
    break;
  case MU_METRIC_HELLINGER:
    in_hellinger(s, c);
    break;
  case MU_METRIC_MMD:
    in_mmd(s, c);
    break;
  case MU_METRIC_L1:
    in_l1(s, c);
    break;
  case MU_METRIC_HK:
    in_hellinger_kantorovich(s, convexity, c);
  }
}
