/* What is known, as a table: the theorems on decay and contraction and the exact steps, what each
   needs, and the pairs of the tables of geometries and energies that have it. */
#include "facts/facts.h"

#include "mudot/extend.h"

typedef struct {
  const char *name;
  enum { DECAY, CONTRACTION, STEP } kind;
  PetscInt which;               /* MuTheorem, MuMetric, MuExactStepForm */
  const char *needs, *sentence; /* of a step */
} Fact;

static const Fact facts[] = {
    {NULL, DECAY, MU_THEOREM_INTERACTION_FORCE, NULL, NULL},
    {NULL, DECAY, MU_THEOREM_LOG_SOBOLEV, NULL, NULL},
    {NULL, DECAY, MU_THEOREM_SPECTRAL_GAP, NULL, NULL},
    {NULL, DECAY, MU_THEOREM_LOJASIEWICZ, NULL, NULL},
    {NULL, DECAY, MU_THEOREM_POINCARE, NULL, NULL},
    {NULL, DECAY, MU_THEOREM_CONVEXITY, NULL, NULL},
    {NULL, DECAY, MU_THEOREM_LATE, NULL, NULL},
    {"contraction_l1", CONTRACTION, MU_METRIC_L1, NULL, NULL},
    {"contraction_hellinger", CONTRACTION, MU_METRIC_HELLINGER, NULL, NULL},
    {"contraction_w2", CONTRACTION, MU_METRIC_W2, NULL, NULL},
    {"contraction_mmd", CONTRACTION, MU_METRIC_MMD, NULL, NULL},
    {"contraction_hk", CONTRACTION, MU_METRIC_HK, NULL, NULL},
    {"step_logarithmic", STEP, MU_FORM_LOGARITHMIC,
     "one reaction, of which K xi = mu xi, and energies that are linear in log mu or in mu",
     "log rho_t = e^(-ct) log rho_0 - (1 - e^(-ct)) V/D where DF = D log rho + V"},
    {"step_power", STEP, MU_FORM_POWER,
     "one reaction, of which K xi = mu xi, not spherical, and one energy of the power family with "
     "another exponent than 1 and 0",
     "s_t = (1 + (s_0^(1-p) - 1) e^(-ct))^(1/(1-p)), s = rho/pi, p the exponent of the energy"},
    {"step_linear", STEP, MU_FORM_LINEAR,
     "one reaction for which d mu/dt = -c (mu - pi): mmd without a ridge and the energy mmd with "
     "the "
     "same kernel, or fisher_rao and inclusive_kl, or a square of the density and K constant",
     "rho_t = pi + e^(-ct) (rho_0 - pi)"}};
#define FACTS ((PetscInt)(sizeof facts / sizeof *facts))

/* What it needs, as it says of a system that has nothing. */
static void describe(const Fact *fact, size_t size, char *text) {
  const MuSystem nothing = {.observed = NAN};
  MuContraction contraction;
  MuDecay decay;

  if (fact->kind == DECAY) {
    MuFactsDecay(&nothing, (MuTheorem)fact->which, &decay);
    snprintf(text, size, "%s", decay.missing);
  } else if (fact->kind == CONTRACTION) {
    MuFactsContraction(&nothing, (MuMetric)fact->which, NAN, &contraction);
    snprintf(text, size, "%s", contraction.sentence);
  } else {
    snprintf(text, size, "%s", fact->needs);
  }
}

PetscErrorCode MuFactsGetTableRow(PetscInt i, const char **name, const char **needs) {
  static char text[sizeof facts / sizeof *facts][sizeof((MuContraction *)0)->sentence];

  PetscFunctionBegin;
  *name = *needs = NULL;
  if (i < 0 || i >= FACTS) PetscFunctionReturn(0);
  *name = facts[i].kind == DECAY ? mu_theorem_names[facts[i].which] : facts[i].name;
  if (!text[i][0]) describe(&facts[i], sizeof text[i], text[i]);
  *needs = text[i];
  PetscFunctionReturn(0);
}

/* A theorem on the late rate is no bound; of the others one that is only tried is none that holds.
 */
static PetscBool is_late(const Fact *fact) {
  return (PetscBool)(fact->which == MU_THEOREM_LATE || fact->which == MU_THEOREM_SPECTRAL_GAP);
}

/* Whether the fact holds for the system; the distance of the target from convexity is 1, and chi2
   is what is observed where F does not fall at a rate of its own. */
static PetscBool holds(const Fact *fact, const MuSystem *given, size_t size, char *sentence) {
  MuSystem system = *given;
  MuContraction contraction;
  MuExactStep step;
  MuDecay decay;

  if (fact->kind == CONTRACTION) {
    MuFactsContraction(&system, (MuMetric)fact->which, 1, &contraction);
    snprintf(sentence, size, "%s", contraction.sentence);
    return (PetscBool)!isnan(contraction.rate);
  }
  if (fact->kind == STEP) {
    MuFactsExactStep(&system, MU_WHOLE, MU_WHOLE, &step);
    snprintf(sentence, size, "%s", fact->sentence);
    return (PetscBool)(step.form == (MuExactStepForm)fact->which);
  }
  MuFactsDecay(&system, (MuTheorem)fact->which, &decay);
  system.observed = 2;
  if (!decay.theorem) MuFactsDecay(&system, (MuTheorem)fact->which, &decay);
  snprintf(sentence, size, "%s", decay.sentence);
  return (PetscBool)(decay.theorem != MU_THEOREM_AUTO && (decay.bound || is_late(fact)));
}

/* ------------------------------------------------------------------ pairs */

/* Weight 1, numbers that have no default 2 or, where that is too large, half of what is allowed. */
static MuSummand with_defaults(const MuSummandInfo *info) {
  MuSummand summand = {.name = info->name, .weight = 1};
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) summand.value[k] = NAN;
  for (PetscInt k = 0; info->parameters && info->parameters[k].name; ++k) {
    const MuParameter *p = &info->parameters[k];
    if (p->required) summand.value[k] = p->high > 2 ? 2 : 0.5 * (PetscMax(p->low, -1) + p->high);
  }
  return summand;
}

/* One operator, or two that are added. */
typedef struct {
  PetscInt parts;
  MuSummandInfo part[2];
  char name[2 * MU_NAME_LENGTH + 8];
} Operator;

static PetscErrorCode read_pair(const Operator *o, const MuSummandInfo *e, PetscBool spherical,
                                MuKernel kernel, MuSystem *system) {
  const MuEnergySpec energy = {.terms = 1, .term = {with_defaults(e)}, .kernel = kernel};
  MuGeometrySpec geometry = {.parts = o->parts, .spherical = spherical, .kernel = kernel};

  PetscFunctionBegin;
  for (PetscInt k = 0; k < o->parts; ++k) geometry.part[k] = with_defaults(&o->part[k]);
  PetscCall(MuSystemRead(&geometry, &energy, system));
  system->fixed_at_target = PETSC_TRUE;
  for (PetscInt k = 0; k < o->parts; ++k)
    if (!system->part[k].fixed) system->fixed_at_target = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscBool has_reaction(const MuSystem *s) {
  for (PetscInt k = 0; k < s->parts; ++k)
    if (s->part[k].kind == MU_PART_REACTION) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* The pairs of one operator. */
static PetscErrorCode visit_operator(PetscInt i, const Operator *o, MuKernel kernel,
                                     MuFactVisitor visit, void *ctx) {
  char sentence[sizeof((MuDecay *)0)->sentence];
  MuSummandInfo e;
  MuSystem system;

  PetscFunctionBegin;
  for (PetscInt k = 0;; ++k) {
    PetscCall(MuEnergyGetInfo(k, &e));
    if (!e.name) PetscFunctionReturn(0);
    for (int spherical = 0; spherical < 2; ++spherical) {
      PetscCall(read_pair(o, &e, (PetscBool)spherical, kernel, &system));
      if (spherical && !has_reaction(&system)) break;
      if (!holds(&facts[i], &system, sizeof sentence, sentence)) continue;
      PetscCall(visit(ctx, o->name, e.name, (PetscBool)spherical, sentence));
    }
  }
}

/* The first operator of each class that Hellinger-Kantorovich adds. */
static PetscErrorCode find_classes(const Operator *one, MuKernel kernel, Operator *both) {
  static const MuPartClass classes[] = {MU_IS_WASSERSTEIN, MU_IS_FISHER_RAO};
  MuSummandInfo e;
  MuSystem system;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetInfo(0, &e));
  PetscCall(read_pair(one, &e, PETSC_FALSE, kernel, &system));
  for (int k = 0; k < 2; ++k)
    if (!both->part[k].name && MuSystemClass(&system, 0, PETSC_FALSE) == classes[k])
      both->part[k] = one->part[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode visit_all(PetscInt i, MuKernel kernel, MuFactVisitor visit, void *ctx) {
  Operator both = {.parts = 2}, one = {.parts = 1};

  PetscFunctionBegin;
  for (PetscInt k = 0;; ++k) {
    PetscCall(MuGeometryGetInfo(k, &one.part[0]));
    if (!one.part[0].name) break;
    snprintf(one.name, sizeof one.name, "%s", one.part[0].name);
    PetscCall(visit_operator(i, &one, kernel, visit, ctx));
    PetscCall(find_classes(&one, kernel, &both));
  }
  snprintf(both.name, sizeof both.name, "%s + %s", both.part[0].name, both.part[1].name);
  PetscCall(visit_operator(i, &both, kernel, visit, ctx));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFactsVisitPairs(PetscInt i, MuFactVisitor visit, void *ctx) {
  MuKernelSpec spec;
  MuKernel kernel;

  PetscFunctionBegin;
  MuKernelSpecDefault(&spec);
  spec.bandwidth = 1;
  PetscCall(MuKernelCreate(&spec, 1, &kernel));
  const PetscErrorCode code = visit_all(i, kernel, visit, ctx);
  PetscCall(MuKernelDestroy(&kernel));
  PetscFunctionReturn(code);
}
