/* The limit of a case: its energy and geometry with the parts that depend on a vanishing parameter
   replaced by what they tend to. */
#include "study/study_impl.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  MuStudyLimit *found;
  MuOverrides *o;
  MuTrial *trial;
  const char *limit;             /* "auto" or a name */
  PetscBool geometry, energy;    /* whose kernel the parameter is */
  const char *set[MU_MAX_TERMS]; /* flat keys that the limit has set so far, and to what */
  PetscReal value[MU_MAX_TERMS];
  PetscInt sets;
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

/* The flat key serves every summand, so it has one value. */
static PetscErrorCode set_value(Search *q, const char *block, const char *flat, PetscReal value) {
  char key[128];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < q->sets; ++k)
    if (!strcmp(q->set[k], flat) && q->value[k] != value)
      return MuError(MU_ERR_INPUT,
                     "study_limit: the limit would need the values %g and %g of %s_%s at once; "
                     "study the parts one by one",
                     q->value[k], value, block, flat);
  if (q->sets < MU_MAX_TERMS) {
    q->set[q->sets] = flat;
    q->value[q->sets++] = value;
  }
  snprintf(key, sizeof key, "%s_%s", block, flat);
  PetscCall(MuOverridesSet(q->o, key, "%.17g", value));
  PetscFunctionReturn(0);
}

/* The numbers of the limit, and what it is called: "power_mobility with exponent 2". */
static PetscErrorCode set_values(Search *q, const char *block, MuSummandTable table,
                                 const MuLimit *limit, size_t length, char *what) {
  MuSummandInfo info;
  size_t used = (size_t)snprintf(what, length, "%s", limit->name);

  PetscFunctionBegin;
  PetscCall(MuSummandFind(table, limit->name, &info));
  for (const MuNamedValue *v = limit->set; v < limit->set + MU_MAX_PARAMETERS && v->name; ++v)
    for (const MuParameter *p = info.parameters; p && p->name; ++p) {
      if (strcmp(p->name, v->name) != 0) continue;
      PetscCall(set_value(q, block, p->key ? p->key : p->name, v->value));
      if (used < length)
        used += (size_t)snprintf(what + used, length - used, " with %s %g", v->name, v->value);
    }
  PetscFunctionReturn(0);
}

/* Moves the weight of one summand to its limit, adding to what the limit's name has already. */
static PetscErrorCode replace(Search *q, const char *block, MuSummandTable table, PetscInt n,
                              const MuSummand summand[], PetscInt k, const MuLimit *limit) {
  char key[128], to[128];
  PetscReal sum = limit->factor * summand[k].weight;
  char *text = q->found->what;
  const size_t used = strlen(text);

  PetscFunctionBegin;
  for (PetscInt j = 0; j < n; ++j)
    if (j != k && !strcmp(summand[j].name, limit->name)) sum += summand[j].weight;
  snprintf(key, sizeof key, "%s_%s", block, summand[k].name);
  PetscCall(MuOverridesSet(q->o, key, "0"));
  snprintf(key, sizeof key, "%s_%s", block, limit->name);
  PetscCall(MuOverridesSet(q->o, key, "%.17g", sum));
  PetscCall(set_values(q, block, table, limit, sizeof to, to));
  snprintf(text + used, sizeof q->found->what - used, "%s%s -> %s", used ? ", " : "",
           summand[k].name, to);
  if (limit->order > 0)
    q->found->order = q->replaced ? PetscMin(q->found->order, limit->order) : limit->order;
  q->replaced++;
  PetscFunctionReturn(0);
}

/* A kernel of its own, or two summands of one name, cannot be told to the flat keys. */
static PetscErrorCode check_flat(const Search *q, const char *block, PetscInt n,
                                 const MuSummand summand[], PetscInt k, MuKernel kernel) {
  PetscFunctionBegin;
  for (PetscInt j = 0; j < n; ++j)
    if (j != k && !strcmp(summand[j].name, summand[k].name))
      return MuError(MU_ERR_INPUT,
                     "study_limit: %s: %s_%s stands several times; study the parts one by one",
                     q->limit, block, summand[k].name);
  if (summand[k].kernel && summand[k].kernel != kernel)
    return MuError(MU_ERR_INPUT,
                   "study_limit: %s: %s_%s has a kernel of its own, which the varied key does not "
                   "change",
                   q->limit, block, summand[k].name);
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
  *limit = (MuLimit){.name = q->limit, .factor = 1, .order = limit->order}; /* the case's numbers */
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

/* A ridge that is not that of the flat key is the part's own and does not vanish. */
static PetscErrorCode check_ridge(const Search *q, const MuGeometrySpec *g, PetscInt k) {
  PetscReal flat = NAN;
  MuPartTraits traits;
  PetscBool given;

  PetscFunctionBegin;
  if (!q->found->ridge) PetscFunctionReturn(0);
  PetscCall(MuCaseGetReal(q->trial->c, "geometry_ridge", &flat, &given));
  PetscCall(MuGeometryGetTraits(g, k, &traits));
  if (traits.regression && given && traits.ridge != flat)
    return MuError(MU_ERR_INPUT,
                   "study_limit: %s: geometry_%s has the ridge %g of its own, which geometry_ridge "
                   "does not change",
                   q->limit, g->part[k].name, traits.ridge);
  PetscFunctionReturn(0);
}

static PetscErrorCode replace_geometry(Search *q) {
  const MuGeometrySpec *g;
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(q->trial->parts->geometry, &g));
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetLimit(&g->part[k], q->found->parameters, &limit));
    if (!limit.name) continue;
    PetscCall(check_flat(q, "geometry", g->parts, g->part, k, g->kernel));
    PetscCall(check_ridge(q, g, k));
    PetscCall(take_named(q, g->part[k].name, &limit));
    PetscCall(replace(q, "geometry", MuGeometryGetInfo, g->parts, g->part, k, &limit));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode replace_energy(Search *q) {
  const MuEnergySpec *e;
  MuLimit limit;

  PetscFunctionBegin;
  if (strcmp(q->found->parameters, "bandwidth") != 0) PetscFunctionReturn(0);
  PetscCall(MuEnergyGetSpec(q->trial->parts->energy, &e));
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(MuEnergyGetLimit(&e->term[k], &limit));
    if (!limit.name) continue;
    PetscCall(check_flat(q, "energy", e->terms, e->term, k, e->kernel));
    if (strcmp(q->limit, "auto") != 0) limit.name = q->limit;
    PetscCall(replace(q, "energy", MuEnergyGetInfo, e->terms, e->term, k, &limit));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyFindLimit(MuStudy s, const char *limit, MuTrial *trial, MuOverrides *o,
                                MuStudyLimit *found) {
  Search q = {.found = found, .o = o, .trial = trial, .limit = limit};

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
