/* Two runs side by side: a case with the keys of system_a, and with those of system_b. */
#include "study/two.h"

#include "problem/problem.h"

/* ------------------------------------------------------------------ the keys of a system */

static const char *const prefixes[] = {"system_a_", "system_b_"};

/* A key of one of two spellings drops the other. */
static PetscErrorCode drop_other(MuOverrides *o, const char *key) {
  static const char *const pairs[][2] = {{"output_every", "output_times"},
                                         {"target_density", "target_log_density"},
                                         {"initial_density", "initial_log_density"}};

  PetscFunctionBegin;
  for (size_t k = 0; k < 2 * sizeof pairs / sizeof *pairs; ++k)
    if (!strcmp(key, pairs[k / 2][k % 2])) PetscCall(MuOverridesRemove(o, pairs[k / 2][1 - k % 2]));
  PetscFunctionReturn(0);
}

static const char *const sums[] = {"energy", "geometry"};

/* The sum that a key is a weight of: 0 energy, 1 geometry, -1 none. */
static int sum_of(const char *key) {
  MuSummandInfo info;
  for (int k = 0; k < 2; ++k) {
    const size_t length = strlen(sums[k]);
    if (strncmp(key, sums[k], length) != 0 || key[length] != '_') continue;
    PetscErrorCode (*get)(PetscInt, MuSummandInfo *) = k ? MuGeometryGetInfo : MuEnergyGetInfo;
    for (PetscInt i = 0; !get(i, &info) && info.name; ++i)
      if (!strcmp(key + length + 1, info.name)) return k;
  }
  return -1;
}

typedef struct {
  const char *prefix; /* of the keys that are looked at */
  MuOverrides *o;
  PetscBool any, sums[2]; /* there are some; weights of energy and geometry among them */
} Reading;

static PetscErrorCode see_key(void *ctx, const char *key, const char *value) {
  Reading *r = ctx;
  const size_t length = strlen(r->prefix);

  PetscFunctionBegin;
  (void)value;
  if (strncmp(key, r->prefix, length) != 0) PetscFunctionReturn(0);
  r->any = PETSC_TRUE;
  const int sum = sum_of(key + length);
  if (sum >= 0) r->sums[sum] = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode take_key(void *ctx, const char *key, const char *value) {
  Reading *r = ctx;
  const size_t length = strlen(r->prefix);

  PetscFunctionBegin;
  if (strncmp(key, r->prefix, length) != 0) PetscFunctionReturn(0);
  PetscCall(MuOverridesSet(r->o, key + length, "%s", value));
  PetscCall(drop_other(r->o, key + length));
  PetscFunctionReturn(0);
}

/* The case's own weights of a sum become 0. */
static PetscErrorCode clear_sum(MuStudy s, int sum, MuOverrides *o) {
  Reading own = {.prefix = ""};
  MuCaseSummand list[MU_MAX_TERMS];
  PetscInt n = MU_MAX_TERMS;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)o->count, o->text, &c));
  PetscErrorCode code = MuCaseVisit(c, see_key, &own);
  if (!own.sums[sum]) n = 0;
  if (!code && n) code = MuCaseGetSummands(c, sums[sum], &n, list);
  for (PetscInt k = 0; k < n && !code; ++k) code = MuOverridesSet(o, list[k].key, "0");
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

PetscErrorCode MuTwoOverrides(MuStudy s, int which, MuOverrides *o, PetscBool *any) {
  Reading reading = {.prefix = prefixes[which], .o = o};

  PetscFunctionBegin;
  PetscCall(MuCaseVisit(s->file, see_key, &reading));
  for (int k = 0; k < 2; ++k)
    if (reading.sums[k]) PetscCall(clear_sum(s, k, o));
  PetscCall(MuCaseVisit(s->file, take_key, &reading));
  *any = reading.any;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ both */

static PetscErrorCode build(MuStudy s, int which, PetscInt value, PetscInt level, PetscBool flow,
                            MuTrial *t, PetscBool *any) {
  MuOverrides o = {0};

  PetscFunctionBegin;
  PetscErrorCode code = MuStudyOverrides(s, value, &o);
  if (!code) code = MuTwoOverrides(s, which, &o, any);
  if (!code && level) code = MuStudyCoarsen(s, (int)level - 1, &o);
  PetscCall(MuStudyTrial(s, code, &o, flow, t));
  PetscFunctionReturn(0);
}

/* Both have the same cells and output times. */
static PetscErrorCode check(const MuTwo *two) {
  const MuTrial *a = &two->trial[0], *b = &two->trial[1];
  PetscBool same = (PetscBool)(a->info->dim == b->info->dim && a->times == b->times);
  for (PetscInt k = 0; k < a->info->dim && same; ++k)
    same = (PetscBool)(a->info->cells[k] == b->info->cells[k] &&
                       a->info->lower[k] == b->info->lower[k] &&
                       a->info->upper[k] == b->info->upper[k]);
  for (PetscInt k = 0; k < a->times && same; ++k)
    same = (PetscBool)(PetscAbsReal(a->parts->snapshot_times[k] - b->parts->snapshot_times[k]) <
                       1e-12 * a->parts->flow.end);
  if (same) return 0;
  return MuError(MU_ERR_INPUT,
                 "system_b: has another grid or other output times than system_a; two "
                 "solutions are compared on one grid at the same times");
}

PetscErrorCode MuTwoCreate(MuStudy s, PetscInt value, PetscInt level, PetscBool flow, MuTwo *two) {
  PetscBool any[2] = {PETSC_FALSE, PETSC_FALSE};

  PetscFunctionBegin;
  *two = (MuTwo){0};
  PetscErrorCode code = build(s, 0, value, level, flow, &two->trial[0], &any[0]);
  if (!code) code = build(s, 1, value, level, flow, &two->trial[1], &any[1]);
  if (!code && !any[0] && !any[1])
    code = MuError(MU_ERR_INPUT, "system_b: is missing; it is needed: the keys in which the second "
                                 "system differs from the case, as blocks");
  if (!code) code = check(two);
  if (!code) two->times = two->trial[0].times;
  if (!code) code = PetscCalloc1(two->times, &two->density);
  if (code) PetscCall(MuTwoDestroy(two));
  PetscFunctionReturn(code);
}

PetscErrorCode MuTwoDestroy(MuTwo *two) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < two->times && two->density; ++k) PetscCall(VecDestroy(&two->density[k]));
  PetscCall(PetscFree(two->density));
  for (int k = 0; k < 2; ++k) PetscCall(MuTrialDestroy(&two->trial[k]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ solving */

static PetscErrorCode keep(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  MuTwo *two = ctx;

  PetscFunctionBegin;
  (void)t;
  PetscCall(VecDuplicate(rho, &two->density[k]));
  PetscCall(VecCopy(rho, two->density[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode meet(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  MuTwo *two = ctx;
  (void)t;
  return two->output(two->ctx, two, k, two->density[k], rho);
}

static PetscErrorCode pass_step(void *ctx, MuTrial *t, PetscReal time, PetscReal dt) {
  MuTwo *two = ctx;
  return two->step ? two->step(two->ctx, t, time, dt) : 0;
}

PetscErrorCode MuTwoSolve(MuTwo *two) {
  MuTrial *a = &two->trial[0], *b = &two->trial[1];

  PetscFunctionBegin;
  a->ctx = b->ctx = two;
  a->output = keep;
  b->output = meet;
  b->step = pass_step;
  PetscErrorCode code = MuTrialSolve(a);
  if (!code) code = MuTrialSolve(b);
  PetscFunctionReturn(code);
}
