/* The limit of a case: its energy and geometry with the parts that depend on a vanishing parameter
   replaced by what they tend to. */
#include "problem/problem.h"
#include "study/study_impl.h"

typedef struct {
  MuStudy study;
  MuStudyLimit *found;
  MuOverrides *o;
  MuTrial *trial;
  const char *limit; /* "auto" or a name */
  PetscBool rises;   /* the values do: the parameter goes to infinity */
  PetscInt replaced;
} Search;

/* The summands of a block with the limits that come to it. */
typedef struct {
  const char *block;
  MuSummandTable table;
  PetscInt n;
  MuCaseSummand list[2 * MU_MAX_TERMS];
} Sum;

/* ------------------------------------------------------------------ which parameter */

static PetscBool ends_with(const char *key, const char *end) {
  const size_t length = strlen(key), tail = strlen(end);
  return (PetscBool)(length >= tail && !strcmp(key + length - tail, end));
}

/* Whether the second key is the weight of the term whose number the first one is. */
static PetscBool weighs(const MuStudy s) {
  const size_t length = s->varied == 2 ? strlen(s->vary[1]) : 0;
  return (PetscBool)(length > 0 && !strncmp(s->vary[0], s->vary[1], length) &&
                     s->vary[0][length] == '_');
}

static PetscErrorCode check_keys(MuStudy s) {
  for (PetscInt k = 0; k < s->varied - (PetscInt)weighs(s); ++k)
    if (!ends_with(s->vary[k], "kernel_bandwidth") && !ends_with(s->vary[k], "_ridge") &&
        !ends_with(s->vary[k], "_lambda"))
      return MuError(
          MU_ERR_INPUT,
          "study_vary: %s has no limit; allowed are kernel_bandwidth, "
          "geometry_kernel_bandwidth, energy_kernel_bandwidth and geometry_ridge, or "
          "those of one part, and the lambda of an energy (energy_kale_lambda), also with "
          "its weight ([energy_moreau_lambda, energy_moreau])",
          s->vary[k]);
  return 0;
}

/* Whether the first of the keys (ends with "") that the case gives is varied: it is the one that
   counts. */
static PetscErrorCode counts(const Search *q, char keys[][MU_STATUS_LENGTH], PetscBool *varied) {
  char nearest[64];
  PetscBool number, given = PETSC_FALSE;

  PetscFunctionBegin;
  *varied = PETSC_FALSE;
  for (PetscInt i = 0; keys[i][0] && !given; ++i) {
    PetscCall(MuCaseHasKey(q->trial->c, keys[i], &number, &given, nearest));
    for (PetscInt k = 0; k < q->study->varied && given; ++k)
      if (!strcmp(q->study->vary[k], keys[i])) *varied = PETSC_TRUE;
  }
  PetscFunctionReturn(0);
}

/* A number of a summand: its own, else that of the block. */
static PetscErrorCode number_is_varied(const Search *q, const char *block, const MuCaseSummand *s,
                                       const MuParameter *p, PetscBool *varied) {
  char keys[3][MU_STATUS_LENGTH] = {""};

  PetscFunctionBegin;
  snprintf(keys[0], sizeof keys[0], "%s_%s", s->key, p->name);
  snprintf(keys[1], sizeof keys[1], "%s_%s", block, p->key ? p->key : p->name);
  PetscCall(counts(q, keys, varied));
  PetscFunctionReturn(0);
}

/* The bandwidth of a summand's kernel: its own, that of the block, that of all. */
static PetscErrorCode bandwidth_is_varied(const Search *q, const char *block,
                                          const MuCaseSummand *s, PetscBool *varied) {
  char keys[4][MU_STATUS_LENGTH] = {""};

  PetscFunctionBegin;
  *varied = PETSC_FALSE;
  if (!s->takes_kernel) PetscFunctionReturn(0);
  snprintf(keys[0], sizeof keys[0], "%s_kernel_bandwidth", s->key);
  snprintf(keys[1], sizeof keys[1], "%s_kernel_bandwidth", block);
  snprintf(keys[2], sizeof keys[2], "kernel_bandwidth");
  PetscCall(counts(q, keys, varied));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_mass(const Search *q, const char *block, const MuCaseSummand *s) {
  const MuKernelSpec *resolved;
  MuKernelSpec spec;
  PetscBool given;
  MuKernel kernel;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummandKernelSpec(q->trial->c, block, s, &spec, &given));
  PetscCall(MuKernelCreate(&spec, q->trial->info->dim, &kernel));
  PetscCall(MuKernelGetSpec(kernel, &resolved));
  const PetscBool mass = (PetscBool)(resolved->normalization == MU_NORMALIZATION_MASS);
  PetscCall(MuKernelDestroy(&kernel));
  if (!mass)
    return MuError(MU_ERR_INPUT,
                   "study_vary: %s tends to a limit only for a kernel of unit mass; that of %s is "
                   "not (kernel_normalization mass)",
                   q->study->vary[0], q->study->case_path);
  PetscFunctionReturn(0);
}

/* "bandwidth", "ridge", "bandwidth ridge", "lambda weight" or "": which of a summand's parameters
   vanish. */
static PetscErrorCode find_vanishing(Search *q, const Sum *sum, PetscInt k, char parameters[32]) {
  const MuCaseSummand *s = &sum->list[k];
  MuSummandInfo info;
  PetscBool varied;

  PetscFunctionBegin;
  PetscCall(bandwidth_is_varied(q, sum->block, s, &varied));
  snprintf(parameters, 32, "%s", varied ? "bandwidth" : "");
  if (varied) PetscCall(check_mass(q, sum->block, s));
  PetscCall(MuSummandFind(sum->table, s->name, &info));
  for (const MuParameter *p = info.parameters; p && p->name; ++p) {
    const size_t used = strlen(parameters);
    PetscCall(number_is_varied(q, sum->block, s, p, &varied));
    if (!varied) continue;
    snprintf(parameters + used, 32 - used, "%s%s", used ? " " : "", p->name);
    if (!strcmp(p->name, "ridge")) q->found->ridge = PETSC_TRUE;
  }
  if (weighs(q->study) && !strcmp(q->study->vary[1], s->key))
    strncat(parameters, parameters[0] ? " weight" : "weight", 31 - strlen(parameters));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ replacing */

/* A number of the limit: its own, else that of the part by its name, else NaN. */
static PetscErrorCode number_of(const Sum *sum, const MuCaseSummand *from, const MuLimit *limit,
                                const char *name, PetscReal *value) {
  MuSummandInfo info;

  PetscFunctionBegin;
  *value = NAN;
  PetscCall(MuSummandFind(sum->table, from->name, &info));
  for (PetscInt i = 0; info.parameters && info.parameters[i].name; ++i)
    if (!strcmp(info.parameters[i].name, name)) *value = from->value[i];
  for (const MuNamedValue *v = limit->set; v < limit->set + MU_MAX_PARAMETERS && v->name; ++v)
    if (!strcmp(v->name, name)) *value = v->value;
  PetscFunctionReturn(0);
}

static PetscBool same_numbers(const PetscReal a[], const PetscReal b[]) {
  for (PetscInt i = 0; i < MU_MAX_PARAMETERS; ++i)
    if (!isnan(a[i]) && a[i] != b[i]) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* The summand of the limit's name and numbers, which may be a new one. */
static MuCaseSummand *find_place(Sum *sum, const char *name, const PetscReal value[]) {
  PetscInt items = 0;
  for (PetscInt k = 0; k < sum->n; ++k) {
    if (strcmp(sum->list[k].name, name) != 0) continue;
    if (same_numbers(value, sum->list[k].value)) return &sum->list[k];
    items = PetscMax(items, sum->list[k].item);
  }
  MuCaseSummand *place = &sum->list[sum->n++];
  *place = (MuCaseSummand){.name = name, .item = items + 1};
  for (PetscInt i = 0; i < MU_MAX_PARAMETERS; ++i) place->value[i] = value[i];
  snprintf(place->key, sizeof place->key, items ? "%.8s_%.48s_%d" : "%.8s_%.48s", sum->block, name,
           (int)items + 1);
  return place;
}

/* The weight that the limit's factor multiplies: the summand's, or of one that is in proportion to
   a number what it has per unit of that. */
static PetscErrorCode weight_of(const Search *q, const MuCaseSummand *from, PetscReal *weight) {
  const MuStudy s = q->study;

  PetscFunctionBegin;
  *weight = from->weight;
  if (!weighs(s) || strcmp(s->vary[1], from->key) != 0) PetscFunctionReturn(0);
  *weight = s->joint_factor;
  if (s->joint_power == 1) PetscFunctionReturn(0);
  return MuError(
      MU_ERR_INPUT,
      "study_joint_power: %g is not allowed; the limit is that of a weight in proportion "
      "to %s, which is 1",
      s->joint_power, s->vary[0]);
}

/* The weight and the numbers of the limit, and what it is called: "power_mobility with exponent 2".
 */
static PetscErrorCode set_limit(Search *q, Sum *sum, PetscInt k, const MuLimit *limit,
                                size_t length, char *what) {
  const MuCaseSummand from = sum->list[k];
  PetscReal value[MU_MAX_PARAMETERS] = {NAN, NAN, NAN, NAN};
  size_t used = (size_t)snprintf(what, length, "%s", limit->name);
  MuSummandInfo info;
  char key[128];

  PetscFunctionBegin;
  PetscCall(MuSummandFind(sum->table, limit->name, &info));
  for (PetscInt i = 0; info.parameters && info.parameters[i].name; ++i)
    PetscCall(number_of(sum, &from, limit, info.parameters[i].name, &value[i]));
  if (info.needs_kernel && from.own_kernel)
    return MuError(MU_ERR_INPUT,
                   "study_limit: %s: the limit %s of %s has the same kernel; give it in the block "
                   "%s_kernel or kernel, not in the entry itself",
                   q->limit, limit->name, from.name, sum->block);
  MuCaseSummand *to = find_place(sum, limit->name, value);
  PetscReal weight;
  PetscCall(weight_of(q, &from, &weight));
  to->weight += limit->factor * weight;
  PetscCall(MuOverridesSet(q->o, to->key, "%.17g", to->weight));
  for (PetscInt i = 0; info.parameters && info.parameters[i].name; ++i) {
    if (isnan(value[i])) continue;
    snprintf(key, sizeof key, "%s_%s", to->key, info.parameters[i].name);
    PetscCall(MuOverridesSet(q->o, key, "%.17g", value[i]));
    if (used < length)
      used += (size_t)snprintf(what + used, length - used, " with %s %g", info.parameters[i].name,
                               value[i]);
  }
  PetscFunctionReturn(0);
}

/* Moves the weight of one summand to its limit, adding to what stands there already. */
static PetscErrorCode replace(Search *q, Sum *sum, PetscInt k, const MuLimit *limit) {
  char *text = q->found->what, to[128];
  const size_t used = strlen(text);

  PetscFunctionBegin;
  PetscCall(set_limit(q, sum, k, limit, sizeof to, to));
  PetscCall(MuOverridesSet(q->o, sum->list[k].key, "0"));
  snprintf(text + used, sizeof q->found->what - used, "%s%s -> %s", used ? ", " : "",
           sum->list[k].key + strlen(sum->block) + 1, to);
  if (limit->order > 0)
    q->found->order = q->replaced ? PetscMin(q->found->order, limit->order) : limit->order;
  q->replaced++;
  PetscFunctionReturn(0);
}

/* The user's name in place of the descriptor's; it must be of the same kind. */
static PetscErrorCode take_named(Search *q, const char *part, MuLimit *limit) {
  MuPartKind own = MU_PART_ALL, named = MU_PART_ALL;

  PetscFunctionBegin;
  if (!strcmp(q->limit, limit->name)) PetscFunctionReturn(0);
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

/* Whether the limit is a name among the energies, the geometries. */
static PetscErrorCode check_name(Search *q, PetscBool *energy, PetscBool *geometry) {
  const char *name, *other;
  char nearest[64], unused[64];

  PetscFunctionBegin;
  *energy = *geometry = PETSC_FALSE;
  if (!strcmp(q->limit, "auto")) PetscFunctionReturn(0);
  PetscCall(MuTableFind(MuGeometryGetTableRow, q->limit, &name, nearest));
  PetscCall(MuTableFind(MuEnergyGetTableRow, q->limit, &other, unused));
  if (!name && !other)
    return MuError(MU_ERR_INPUT, "study_limit: %s is neither a geometry nor an energy%s", q->limit,
                   nearest);
  *geometry = (PetscBool)(name != NULL);
  *energy = (PetscBool)(other != NULL);
  PetscFunctionReturn(0);
}

/* A summand that depends on the parameter and knows no limit would stay where it is. */
static PetscErrorCode refuse(const Search *q, const Sum *sum, PetscInt k, const char *parameters) {
  if (q->rises)
    return MuError(MU_ERR_INPUT,
                   "study_values: %g, ..., %g rise, and no limit of the %s %s is known as the %s "
                   "rises; a parameter that goes to its limit 0 needs values that fall to 0",
                   q->study->values[0], q->study->values[q->study->count - 1], sum->block,
                   sum->list[k].name, parameters);
  return MuError(MU_ERR_INPUT,
                 "study_limit: %s: the %s %s depends on %s%s and no limit of it is known as the %s "
                 "vanishes; give it a kernel or a ridge of its own that does not vary",
                 q->limit, sum->block, sum->list[k].name, q->study->vary[0],
                 q->study->varied == 2 ? " or the other key" : "", parameters);
}

static PetscErrorCode replace_geometry(Search *q, PetscBool named) {
  Sum sum = {.block = "geometry", .table = MuGeometryGetInfo, .n = MU_MAX_TERMS};
  const MuGeometrySpec *g;
  char parameters[32];
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(q->trial->c, sum.block, &sum.n, sum.list));
  PetscCall(MuGeometryGetSpec(q->trial->parts->geometry, &g));
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(find_vanishing(q, &sum, k, parameters));
    if (!parameters[0]) continue;
    PetscCall(MuGeometryGetLimit(&g->part[k], parameters, &limit));
    if (!limit.name || q->rises) return refuse(q, &sum, k, parameters);
    if (named) PetscCall(take_named(q, sum.list[k].name, &limit));
    PetscCall(replace(q, &sum, k, &limit));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode replace_energy(Search *q, PetscBool named) {
  Sum sum = {.block = "energy", .table = MuEnergyGetInfo, .n = MU_MAX_TERMS};
  const MuEnergySpec *e;
  char parameters[32];
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(q->trial->c, sum.block, &sum.n, sum.list));
  PetscCall(MuEnergyGetSpec(q->trial->parts->energy, &e));
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(find_vanishing(q, &sum, k, parameters));
    if (!parameters[0]) continue;
    PetscCall(MuEnergyGetLimit(&e->term[k], parameters, q->rises, &limit));
    if (!limit.name) return refuse(q, &sum, k, parameters);
    if (named) limit.name = q->limit;
    PetscCall(replace(q, &sum, k, &limit));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyFindLimit(MuStudy s, const char *limit, MuTrial *trial, MuOverrides *o,
                                MuStudyLimit *found) {
  Search q = {.study = s,
              .found = found,
              .o = o,
              .trial = trial,
              .limit = limit,
              .rises = (PetscBool)(s->values[0] < s->values[s->count - 1])};
  PetscBool energy, geometry;

  PetscFunctionBegin;
  memset(found, 0, sizeof *found);
  found->rises = q.rises;
  PetscCall(check_keys(s));
  PetscCall(check_name(&q, &energy, &geometry));
  PetscCall(replace_geometry(&q, geometry)); /* what has no name given goes to its own limit */
  PetscCall(replace_energy(&q, energy));
  if (!q.replaced)
    return MuError(MU_ERR_INPUT,
                   "study_limit: %s: nothing in %s has a limit as %s %s%s; mudot help "
                   "geometries and mudot help energies say what tends to what",
                   limit, s->case_path, s->varied == 2 ? "both keys" : s->vary[0],
                   q.rises          ? "rises"
                   : s->varied == 2 ? "vanish"
                                    : "vanishes",
                   strcmp(limit, "auto") ? " that could be replaced by it" : "");
  PetscFunctionReturn(0);
}
