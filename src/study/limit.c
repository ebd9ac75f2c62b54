/* The limit of a case: its energy and geometry with the parts that depend on a vanishing parameter
   replaced by what they tend to. */
#include "study/study_impl.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  MuStudyLimit *found;
  MuOverrides *o;
  MuTrial *trial;
  const char *limit;          /* "auto" or a name */
  PetscBool geometry, energy; /* whose kernel the parameter is */
  PetscReal exponent;         /* mobility exponent set so far, NaN: none */
  PetscInt replaced;
} Search;

/* ------------------------------------------------------------------ which parameter */

static PetscErrorCode read_parameters(MuStudy s, Search *q) {
  PetscBool bandwidth = PETSC_FALSE, ridge = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->varied; ++k) {
    const char *key = s->vary[k];
    if (!strcmp(key, "geometry_ridge"))
      ridge = q->geometry = PETSC_TRUE;
    else if (!strcmp(key, "kernel_bandwidth"))
      bandwidth = q->geometry = q->energy = PETSC_TRUE;
    else if (!strcmp(key, "geometry_kernel_bandwidth"))
      bandwidth = q->geometry = PETSC_TRUE;
    else if (!strcmp(key, "energy_kernel_bandwidth"))
      bandwidth = q->energy = PETSC_TRUE;
    else
      return MuError(MU_ERR_INPUT,
                     "study_vary: %s has no limit; allowed are kernel_bandwidth, "
                     "geometry_kernel_bandwidth, energy_kernel_bandwidth and geometry_ridge",
                     key);
  }
  q->found->ridge = ridge;
  snprintf(q->found->parameters, sizeof q->found->parameters, "%s%s%s",
           bandwidth ? "bandwidth" : "", bandwidth && ridge ? " " : "", ridge ? "ridge" : "");
  PetscFunctionReturn(0);
}

static PetscErrorCode check_mass(MuStudy s, const Search *q) {
  const MuKernel kernels[] = {q->geometry ? q->trial->parts->geometry_kernel : NULL,
                              q->energy ? q->trial->parts->energy_kernel : NULL};

  PetscFunctionBegin;
  for (int k = 0; k < 2 && strstr(q->found->parameters, "bandwidth"); ++k) {
    const MuKernelSpec *spec;
    if (!kernels[k]) continue;
    PetscCall(MuKernelGetSpec(kernels[k], &spec));
    if (spec->normalization != MU_NORMALIZATION_MASS)
      return MuError(
          MU_ERR_INPUT,
          "study_vary: %s tends to a limit only for a kernel of unit mass; that of %s is "
          "not (kernel_normalization mass)",
          s->vary[0], s->case_path);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ replacing */

static PetscErrorCode set_exponent(Search *q, PetscReal exponent) {
  PetscFunctionBegin;
  if (!isnan(q->exponent) && q->exponent != exponent)
    return MuError(MU_ERR_INPUT,
                   "study_limit: the limit would need the mobility exponents %g and %g at once; "
                   "study the parts one by one",
                   q->exponent, exponent);
  q->exponent = exponent;
  PetscCall(MuOverridesSet(q->o, "geometry_mobility_exponent", "%.17g", exponent));
  PetscFunctionReturn(0);
}

static void describe(Search *q, const char *from, const char *to, PetscReal exponent,
                     PetscBool has_exponent) {
  char *text = q->found->what;
  size_t used = strlen(text), room = sizeof q->found->what - used;
  if (has_exponent)
    snprintf(text + used, room, "%s%s -> %s with exponent %g", used ? ", " : "", from, to,
             exponent);
  else
    snprintf(text + used, room, "%s%s -> %s", used ? ", " : "", from, to);
}

/* Moves the weight of one part to its limit, adding to what the limit's name has already. */
static PetscErrorCode replace(Search *q, const char *block, PetscInt n, const char *const names[],
                              PetscReal weights[], PetscInt k, const MuLimit *limit) {
  char key[128];
  PetscReal sum = weights[k];
  PetscBool has_exponent = (PetscBool)(strstr(limit->name, "power_mobility") ||
                                       !strcmp(limit->name, "wasserstein_mobility"));

  PetscFunctionBegin;
  for (PetscInt j = 0; j < n; ++j)
    if (j != k && !strcmp(names[j], limit->name)) sum += weights[j];
  snprintf(key, sizeof key, "%s_%s", block, names[k]);
  PetscCall(MuOverridesSet(q->o, key, "0"));
  snprintf(key, sizeof key, "%s_%s", block, limit->name);
  PetscCall(MuOverridesSet(q->o, key, "%.17g", sum));
  if (has_exponent && !isnan(limit->mobility_exponent))
    PetscCall(set_exponent(q, limit->mobility_exponent));
  describe(q, names[k], limit->name, limit->mobility_exponent,
           (PetscBool)(has_exponent && !isnan(limit->mobility_exponent)));
  if (limit->order > 0)
    q->found->order = q->replaced ? PetscMin(q->found->order, limit->order) : limit->order;
  q->replaced++;
  PetscFunctionReturn(0);
}

/* The user's name in place of the descriptor's; it must be of the same kind. */
static PetscErrorCode take_named(Search *q, const char *part, MuLimit *limit) {
  MuPartKind own = MU_PART_ALL, named = MU_PART_ALL;

  PetscFunctionBegin;
  if (!strcmp(q->limit, "auto") || !strcmp(q->limit, limit->name)) PetscFunctionReturn(0);
  PetscCall(MuGeometryGetKind(part, &own));
  PetscCall(MuGeometryGetKind(q->limit, &named));
  if (own != named)
    return MuError(MU_ERR_INPUT,
                   "study_limit: %s cannot be the limit of %s, one is transport and the other a "
                   "reaction; the limit is %s",
                   q->limit, part, limit->name);
  limit->name = q->limit;
  limit->mobility_exponent = NAN; /* the case's own */
  PetscFunctionReturn(0);
}

static PetscErrorCode check_name(Search *q) {
  const char *name, *other;
  char nearest[64], unused[64];

  PetscFunctionBegin;
  if (!strcmp(q->limit, "auto")) PetscFunctionReturn(0);
  PetscCall(MuTableFind(MuGeometryGetTableRow, q->limit, &name, nearest));
  PetscCall(MuTableFind(MuEnergyGetTableRow, q->limit, &other, unused));
  if (!name && !other)
    return MuError(MU_ERR_INPUT,
                   "study_limit: %s is neither a geometry nor an energy; the nearest is %s",
                   q->limit, nearest);
  if (other && !name) q->geometry = PETSC_FALSE;
  if (name && !other) q->energy = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode replace_geometry(Search *q) {
  const char *names[MU_MAX_TERMS];
  PetscReal weights[MU_MAX_TERMS];
  PetscInt n = MU_MAX_TERMS;
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(MuCaseGetWeights(q->trial->c, "geometry", MuGeometryGetTableRow, &n, names, weights));
  for (PetscInt k = 0; k < n; ++k) {
    PetscCall(MuGeometryGetLimit(names[k], q->found->parameters, &limit));
    if (!limit.name) continue;
    PetscCall(take_named(q, names[k], &limit));
    PetscCall(replace(q, "geometry", n, names, weights, k, &limit));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode replace_energy(Search *q) {
  const char *names[MU_MAX_TERMS];
  PetscReal weights[MU_MAX_TERMS];
  PetscInt n = MU_MAX_TERMS;
  MuLimit limit;

  PetscFunctionBegin;
  if (strcmp(q->found->parameters, "bandwidth") != 0) PetscFunctionReturn(0);
  PetscCall(MuCaseGetWeights(q->trial->c, "energy", MuEnergyGetTableRow, &n, names, weights));
  for (PetscInt k = 0; k < n; ++k) {
    PetscCall(MuEnergyGetLimit(names[k], &limit));
    if (!limit.name) continue;
    if (strcmp(q->limit, "auto") != 0) limit.name = q->limit;
    PetscCall(replace(q, "energy", n, names, weights, k, &limit));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyFindLimit(MuStudy s, const char *limit, MuTrial *trial, MuOverrides *o,
                                MuStudyLimit *found) {
  Search q = {.found = found, .o = o, .trial = trial, .limit = limit, .exponent = NAN};

  PetscFunctionBegin;
  memset(found, 0, sizeof *found);
  PetscCall(read_parameters(s, &q));
  PetscCall(check_mass(s, &q));
  PetscCall(check_name(&q));
  if (q.geometry) PetscCall(replace_geometry(&q));
  if (q.energy) PetscCall(replace_energy(&q));
  if (!q.replaced)
    return MuError(
        MU_ERR_INPUT,
        "study_limit: %s: nothing in %s has a limit as %s vanishes%s; the README's table "
        "of geometries says what tends to what",
        limit, s->case_path, s->varied == 2 ? "both keys" : s->vary[0],
        strcmp(limit, "auto") ? " that could be replaced by it" : "");
  PetscFunctionReturn(0);
}
