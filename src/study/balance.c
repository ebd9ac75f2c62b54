/* balance: the defect of the energy-dissipation balance against the time step, for a list of
   systems geometry:energy:scheme, and at every step the Helmholtz-Rayleigh principle: the computed
   velocity v minimises R(mu, .) + <G, .>, and the minimum is -R*(mu, -G).

   By Fenchel-Young a step adds dt/2 <v + KG, K^(-1)(v + KG)> to the defect: a scheme of order p
   gives 2p, where p counts up to 2, the order of the ledger's own midpoint. Where the ledger takes
   R from the identity 1/2 <-G, v>, what is added is dt/2 <G, v + KG>, and the order is p. */
#include "study/study_impl.h"

#include <ctype.h>

enum {
  VALUE,
  DEFECT,
  PRIMAL,
  DUAL,
  DISSIPATED,
  GAP,
  PERTURBED,
  EXPECTED,
  FLOOR,
  USED,
  SYSTEM,
  IDENTITY,
  EXACT,
  COLUMNS
};
static const char *const columns[COLUMNS] = {"value",
                                             "balance_defect",
                                             "dissipation_primal",
                                             "dissipation_dual",
                                             "dissipated_energy",
                                             "rayleigh_gap",
                                             "rayleigh_perturbed",
                                             "expected_order",
                                             "floor",
                                             "used_in_fit",
                                             "system_index",
                                             "primal_identity",
                                             "exact_balance"};

/* The primal solves are good to 1e-9 of R, which is half of what is dissipated; closed forms and
   the identity to the rounding of F. */
#define PRIMAL_ACCURACY 1e-9
#define ROUNDING        1e-14
/* discrete_gradient: defect relative to what is dissipated. */
#define SOLVER_TOLERANCE 1e-7
/* Size of the perturbation: R of it over R*. */
#define PERTURBATION 0.01

typedef struct {
  PetscInt systems;
  char **text;
} Balance;

/* ------------------------------------------------------------------ systems */

/* strsep(rest, "+"), but for the + of a number with an exponent. */
static char *next_part(char **rest) {
  char *begin = *rest, *plus = begin;
  if (!begin) return NULL;
  while ((plus = strchr(plus, '+')) && plus > begin + 1 && tolower(plus[-1]) == 'e' &&
         (isdigit(plus[-2]) || plus[-2] == '.') && isdigit(plus[1]))
    ++plus;
  if (plus) *plus++ = 0;
  *rest = plus;
  return begin;
}

/* Sets the weights of a block from "name*weight+name+...": those that the case has are taken away.
 */
static PetscErrorCode set_block(MuCase c, const char *block, MuTableRow table, const char *parts,
                                MuOverrides *o) {
  MuCaseSummand summands[MU_MAX_TERMS];
  const char *found;
  PetscInt n = MU_MAX_TERMS;
  char text[MU_STATUS_LENGTH], key[MU_STATUS_LENGTH + 32], nearest[64], *rest = text, *word;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(c, block, &n, summands));
  for (PetscInt k = 0; k < n; ++k) PetscCall(MuOverridesSet(o, summands[k].key, "0"));
  snprintf(text, sizeof text, "%s", parts);
  while ((word = next_part(&rest))) {
    char *star = strchr(word, '*');
    if (star) *star = 0;
    if (!strcmp(word, "spherical") && !strcmp(block, "geometry")) {
      PetscCall(MuOverridesSet(o, "geometry_spherical", "true"));
      continue;
    }
    PetscCall(MuTableFind(table, word, &found, nearest));
    if (!found)
      return MuError(MU_ERR_INPUT, "study_systems: there is no %s %s%s", block, word, nearest);
    snprintf(key, sizeof key, "%s_%s", block, word);
    PetscCall(MuOverridesSet(o, key, "%s", star ? star + 1 : "1"));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode overrides_of(MuStudy s, PetscInt i, MuOverrides *o) {
  Balance *b = s->data;
  char text[MU_STATUS_LENGTH], *field[3], *rest = text;
  PetscErrorCode code;
  int fields = 0;
  MuCase c;

  PetscFunctionBegin;
  snprintf(text, sizeof text, "%s", b->text[i / s->count]);
  while (fields < 3 && (field[fields] = strsep(&rest, ":"))) fields++;
  if (fields != 3 || rest)
    return MuError(
        MU_ERR_INPUT,
        "study_systems: \"%s\" is not geometry:energy:scheme, with + between parts, e.g. "
        "wasserstein+fisher_rao:kl:splitting",
        b->text[i / s->count]);
  PetscCall(MuOverridesCopy(&s->base, o));
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)o->count, o->text, &c));
  code = set_block(c, "geometry", MuGeometryGetTableRow, field[0], o);
  if (!code) code = set_block(c, "energy", MuEnergyGetTableRow, field[1], o);
  PetscCall(MuCaseDestroy(&c));
  if (code) PetscFunctionReturn(code);
  PetscCall(MuOverridesSet(o, "time_scheme", "%s", field[2]));
  PetscCall(MuOverridesSet(o, "time_step", "%.17g", s->values[i % s->count]));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_systems(MuStudy s, Balance *b) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(s->file, "study_systems", &b->systems));
  if (b->systems == 0)
    return MuError(MU_ERR_INPUT, "study_systems: is missing; a balance study needs a list of "
                                 "geometry:energy:scheme");
  PetscCall(PetscCalloc1(b->systems, &b->text));
  PetscInt room = b->systems;
  PetscCall(MuCaseGetStringArray(s->file, "study_systems", &room, b->text, &given));
  PetscFunctionReturn(0);
}

/* Builds every system once, with the largest step. */
static PetscErrorCode check_systems(MuStudy s, Balance *b) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < b->systems; ++k) {
    MuOverrides o = {0};
    MuTrial t;
    PetscCall(MuStudyTrial(s, overrides_of(s, k * s->count, &o), &o, PETSC_TRUE, &t));
    if (k == 0) PetscCall(MuStudyTakeTimes(s, &t));
    PetscCall(MuTrialDestroy(&t));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuStudy s) {
  Balance *b;

  PetscFunctionBegin;
  PetscCall(PetscNew(&b));
  s->data = b;
  if (s->varied && (s->varied > 1 || strcmp(s->vary[0], "time_step") != 0))
    return MuError(MU_ERR_INPUT, "study_vary: a balance study varies time_step, not %s",
                   s->vary[0]);
  if (!s->varied) PetscCall(PetscStrallocpy("time_step", &s->vary[0]));
  s->varied = 1;
  PetscCall(MuStudyCheckValues(s, 2));
  if (s->values[1] > s->values[0] || !(s->values[s->count - 1] > 0))
    return MuError(MU_ERR_INPUT, "study_values: steps must be positive and fall");
  PetscCall(MuStudyCheckThreshold(NAN, s->tolerance));
  PetscCall(read_systems(s, b));
  PetscCall(check_systems(s, b));
  s->rows = b->systems * s->count;
  MuStudySetTable(s, COLUMNS, columns, MU_TRIAL_CURVES, MuTrialCurveNames);
  PetscCall(PetscCalloc1(s->rows, &s->label));
  for (PetscInt i = 0; i < s->rows; ++i)
    snprintf(s->label[i], MU_STATUS_LENGTH, "%s", b->text[i / s->count]);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Balance *b = s->data;

  PetscFunctionBegin;
  if (!b) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < b->systems && b->text; ++k) PetscCall(PetscFree(b->text[k]));
  PetscCall(PetscFree(b->text));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the Rayleigh principle */

typedef struct {
  PetscReal gap, perturbed; /* largest and smallest over the steps, relative to R* */
  Vec noise, image, velocity, guess, guess_image;
  PetscInt seed;
} Rayleigh;

static PetscErrorCode create_rayleigh(MuGrid grid, Rayleigh *r) {
  Vec *const fields[] = {&r->noise, &r->image, &r->velocity, &r->guess, &r->guess_image};

  PetscFunctionBegin;
  for (int k = 0; k < 5; ++k) PetscCall(MuGridCreateField(grid, fields[k]));
  r->gap = 0;
  r->perturbed = INFINITY;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_rayleigh(Rayleigh *r) {
  Vec *const fields[] = {&r->noise, &r->image, &r->velocity, &r->guess, &r->guess_image};

  PetscFunctionBegin;
  for (int k = 0; k < 5; ++k) PetscCall(VecDestroy(fields[k]));
  PetscFunctionReturn(0);
}

/* Uniform in (-1, 1), the same on every machine: splitmix64. */
static PetscReal random_number(unsigned long long n) {
  unsigned long long z = (n + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  return 2 * (((PetscReal)(z >> 11) + 0.5) / 9007199254740992.0) - 1;
}

/* w = v + scale K(noise) with R(w - v) = PERTURBATION R*; noise and image are scaled. */
static PetscErrorCode perturb(Rayleigh *r, MuTrial *t, PetscReal dual) {
  const PetscInt first = t->info->first_row * t->info->row_length;
  PetscReal *x, size;

  PetscFunctionBegin;
  PetscCall(VecGetArray(r->noise, &x));
  for (PetscInt i = 0; i < t->info->local_size; ++i)
    x[i] =
        t->info->mask[i] ? random_number((unsigned long long)(r->seed * 1000003 + first + i)) : 0;
  PetscCall(VecRestoreArray(r->noise, &x));
  r->seed++;
  PetscCall(MuGeometryApply(t->parts->geometry, MU_PART_ALL, r->noise, NULL, r->image));
  PetscCall(MuGridInner(t->parts->grid, r->noise, r->image, &size));
  const PetscReal scale = size > 0 ? sqrt(PERTURBATION * dual / (0.5 * size)) : 0;
  PetscCall(VecScale(r->noise, scale));
  PetscCall(VecScale(r->image, scale));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_step(void *ctx, MuTrial *t, PetscReal time, PetscReal dt) {
  Rayleigh *r = ctx;
  MuGrid grid = t->parts->grid;
  const PetscReal primal = MuTrialValue(t, MU_COLUMN_DISSIPATION_PRIMAL);
  const PetscReal dual = MuTrialValue(t, MU_COLUMN_DISSIPATION_DUAL);
  PetscReal work, other, other_work;
  Vec v, force, image;

  PetscFunctionBegin;
  (void)time;
  (void)dt;
  PetscCall(MuLedgerGetStep(t->ledger, &v, &force, &image));
  PetscCall(MuGridInner(grid, force, v, &work)); /* <-G, v> */
  if (!(dual > 0)) PetscFunctionReturn(0);
  r->gap = PetscMax(r->gap, (primal - work + dual) / dual);
  PetscCall(perturb(r, t, dual));
  PetscCall(VecWAXPY(r->velocity, 1, v, r->image));
  PetscCall(VecWAXPY(r->guess, 1, force, r->noise));
  PetscCall(VecWAXPY(r->guess_image, 1, image, r->image));
  PetscCall(MuGeometryPrimal(t->parts->geometry, r->velocity, r->guess, r->guess_image, &other));
  PetscCall(MuGridInner(grid, force, r->velocity, &other_work));
  r->perturbed = PetscMin(r->perturbed, ((other - other_work) - (primal - work)) / dual);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one run */

static PetscErrorCode describe(MuTrial *t, PetscReal *row) {
  MuPrimalMethod method;
  const char *sentence;
  PetscBool exact;
  PetscInt order;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetPrimalMethod(t->parts->geometry, &method, &sentence));
  PetscCall(MuFlowGetScheme(t->flow, NULL, &order, NULL));
  PetscCall(MuFlowHasExactBalance(t->flow, &exact));
  row[FLOOR] = method == MU_PRIMAL_SOLVE ? PRIMAL_ACCURACY : ROUNDING; /* relative so far */
  row[IDENTITY] = method == MU_PRIMAL_IDENTITY;
  row[EXACT] = exact;
  row[EXPECTED] = PetscMin(order, 2) * (row[IDENTITY] > 0 ? 1 : 2);
  PetscFunctionReturn(0);
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  MuOverrides o = {0};
  Rayleigh r = {0};
  MuTrial t;
  PetscErrorCode code;

  PetscFunctionBegin;
  const PetscInt system = i / s->count;
  row[VALUE] = s->values[i % s->count];
  row[SYSTEM] = (PetscReal)system;
  row[USED] = NAN;
  PetscCall(MuStudyTrial(s, overrides_of(s, i, &o), &o, PETSC_TRUE, &t));
  code = create_rayleigh(t.parts->grid, &r);
  t.step = check_step;
  t.ctx = &r;
  if (!code) code = describe(&t, row);
  if (!code) code = MuTrialSolve(&t);
  if (!code) code = MuStudyKeepCurves(s, &t, curve);
  row[DEFECT] = t.worst_defect;
  row[PRIMAL] = t.primal_integral;
  row[DUAL] = t.dual_integral;
  row[DISSIPATED] = t.primal_integral + t.dual_integral;
  row[FLOOR] *= row[DISSIPATED];
  row[GAP] = r.gap;
  row[PERTURBED] = r.perturbed;
  PetscCall(destroy_rayleigh(&r));
  PetscCall(MuTrialDestroy(&t));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* A perturbed velocity is never below the minimum, and at the smallest step never below v. */
static PetscBool rayleigh_holds(MuStudy s, PetscInt k) {
  for (PetscInt j = 0; j < s->count; ++j) {
    const PetscReal *row = MuStudyRow(s, k * s->count + j);
    const PetscReal slack = j + 1 < s->count ? row[GAP] : 0;
    if (!(row[PERTURBED] >= -slack - 1e-8)) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* A scheme that keeps the balance: the largest defect over what is dissipated, at any step, is that
   of the solver. */
static void judge_exact(MuStudy s, PetscInt k) {
  const char *name = s->label[k * s->count];
  MuClaim c = {.claimed = 0, .tolerance = SOLVER_TOLERANCE};
  PetscReal worst = 0;

  for (PetscInt j = 0; j < s->count; ++j) {
    const PetscReal *row = MuStudyRow(s, k * s->count + j);
    worst = PetscMax(worst, row[DEFECT] / row[DISSIPATED]);
    if (!(row[DISSIPATED] > 0)) MuClaimDoubt(&c, "nothing is dissipated");
  }
  snprintf(c.name, sizeof c.name, "%.60s: defect, negative", name);
  c.observed = -worst;
  c.error[MU_FROM_STEP] = ROUNDING;
  MuStudyNote(s, "%-44s defect %.1e of what is dissipated, at any step", name, worst);
  MuStudyJudge(s, &c);
}

/* The order of the defect. The balance is that of the discrete flow: the grid has no error here. */
static void judge_order(MuStudy s, PetscInt k) {
  const char *name = s->label[k * s->count];
  const PetscReal *last = MuStudyRow(s, (k + 1) * s->count - 1);
  MuStudySeries series = {.first = k * s->count, .companion = {-1, -1}, .column = DEFECT};
  MuClaim c = {.claimed = last[EXPECTED], .tolerance = s->tolerance};
  PetscReal floor[MU_MAX_VALUES];
  PetscBool use[MU_MAX_VALUES];

  for (PetscInt j = 0; j < s->count; ++j)
    series.rounding = PetscMax(series.rounding, MuStudyRow(s, k * s->count + j)[FLOOR]);
  snprintf(c.name, sizeof c.name, "%.60s: order", name);
  MuStudyClaimOrder(s, &series, &c, floor, use);
  for (PetscInt j = 0; j < s->count; ++j) MuStudyRow(s, k * s->count + j)[USED] = use[j];
  MuStudyAddClaim(s, name, &c);
  MuStudyNote(s, "%-44s order %.2f +- %.2f, expected %g%s", name, c.observed, MuClaimError(&c),
              last[EXPECTED], last[IDENTITY] > 0 ? " (R from the identity)" : "");
  if (isnan(s->order)) {
    MuStudyTakeClaim(s, &c);
    s->expected = last[EXPECTED];
  }
  MuStudyJudge(s, &c);
}

static void judge_system(MuStudy s, PetscInt k) {
  const PetscReal *last = MuStudyRow(s, (k + 1) * s->count - 1);

  for (PetscInt j = 0; j < s->count; ++j)
    if (!MuStudyDone(s, k * s->count + j)) {
      s->verdict = MuStudyWorse(s->verdict, MU_VERDICT_UNDECIDED);
      return;
    }
  if (!rayleigh_holds(s, k)) {
    MuStudyNote(s, "%s: a perturbed velocity does better than the computed one",
                s->label[k * s->count]);
    s->verdict = MU_VERDICT_FAILS;
  }
  if (last[EXACT] > 0)
    judge_exact(s, k);
  else
    judge_order(s, k);
}

static PetscErrorCode judge(MuStudy s) {
  const Balance *b = s->data;

  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt k = 0; k < b->systems; ++k) judge_system(s, k);
  return 0;
}

const MuStudyOps MuStudyBalance = {.name = "balance",
                                   .held = 1,
                                   .tolerance = 0.25,
                                   .create = create,
                                   .task = task,
                                   .judge = judge,
                                   .destroy = destroy};
