/* order: refinement of step or grid against an exact solution, a stored run, or a much finer run.
   Without an exact solution densities are compared on the coarsest grid of the study, to which they
   are carried over by cell means, which conserves mass.

   Where the step is refined, the companions of the rows have half the cells; where the grid is,
   twice the step; where both are, there is nothing left that could be coarser. */
#include "study/study_impl.h"

#include "grid/arrays.h"
#include "problem/problem.h"

enum { VALUE, ERROR_L1, ERROR_L2, ERROR_MAX, FLOOR, USED, SECOND, COLUMNS };
static const char *const columns[COLUMNS] = {"value", "error_l1",    "error_l2",    "error_max",
                                             "floor", "used_in_fit", "second_value"};
enum { ERRORS = 3 }; /* norms; their curves, then the cells of the grid of comparison */
static const char *const error_curves[ERRORS] = {"error_l1", "error_l2", "error_max"};

typedef enum { AGAINST_EXACT, AGAINST_STORED, AGAINST_FINEST } Against;

typedef struct {
  Against against;
  const char *exact;
  char stored[PETSC_MAX_PATH_LEN];
  PetscBool grid;                    /* the first key is grid_cells */
  PetscReal beyond;                  /* the reference refines the finest value by this */
  PetscInt companion[MU_COMPANIONS]; /* first rows; -1: there is none */
  int coarser;                       /* the companion that there is, -1 */
  MuGrid coarse[2];                  /* on which densities are compared: rows, companions */
  const MuGridInfo *info[2];
  PetscInt cells[2]; /* all of its cells */
} Order;

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode check_vary(MuStudy s, Order *o) {
  PetscFunctionBegin;
  PetscCall(MuStudyCheckValues(s, 3));
  o->grid = (PetscBool)!strcmp(s->vary[0], "grid_cells");
  if (!o->grid && strcmp(s->vary[0], "time_step") != 0)
    return MuError(MU_ERR_INPUT,
                   "study_vary: %s is not refined by an order study; allowed are time_step and "
                   "grid_cells, or [grid_cells, time_step]",
                   s->vary[0]);
  if (s->varied == 2 && (!o->grid || strcmp(s->vary[1], "time_step") != 0))
    return MuError(MU_ERR_INPUT, "study_vary: with two keys they are [grid_cells, time_step]");
  if ((s->values[1] > s->values[0]) != o->grid)
    return MuError(MU_ERR_INPUT, "study_values: must go from coarse to fine: %s",
                   o->grid ? "numbers of cells that rise" : "steps that fall");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_against(MuStudy s, Order *o) {
  PetscBool exact, stored;
  const char *directory = NULL;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_exact", &o->exact, &exact));
  PetscCall(MuCaseGetString(s->file, "study_reference", &directory, &stored));
  if (exact && stored)
    return MuError(MU_ERR_INPUT, "study_reference: is given together with study_exact; give one");
  o->against = exact ? AGAINST_EXACT : (stored ? AGAINST_STORED : AGAINST_FINEST);
  if (stored) snprintf(o->stored, sizeof o->stored, "%s/run.h5", directory);
  const PetscBool high = (PetscBool)(s->expected >= 1.75);
  o->beyond = high ? 4 : 8;
  PetscFunctionReturn(0);
}

/* The grid on which densities are compared, of the rows (0) or the companions (1). */
static PetscErrorCode keep_grid(Order *o, int which, MuGrid grid) {
  PetscFunctionBegin;
  PetscCall(MuGridReference(grid));
  o->coarse[which] = grid;
  PetscCall(MuGridGetInfo(grid, &o->info[which]));
  o->cells[which] = o->info[which]->cells[0] * o->info[which]->cells[1];
  PetscFunctionReturn(0);
}

/* Tasks: the rows, what they are compared with, the companions of all, what these are compared
 * with.
 */
static PetscErrorCode place_companions(MuStudy s, Order *o, MuTrial *t) {
  const PetscBool shared = (PetscBool)(o->against == AGAINST_FINEST); /* by rows and companions */
  PetscBool can;

  PetscFunctionBegin;
  PetscCall(MuTrialCanRefine(t, &can));
  s->rows = s->count;
  s->extras = o->against == AGAINST_EXACT ? 0 : 1;
  o->companion[MU_FROM_GRID] = o->companion[MU_FROM_STEP] = o->coarser = -1;
  s->has_estimates =
      (PetscBool)(s->varied == 1 && (o->grid || (can && o->against != AGAINST_STORED)));
  if (!s->has_estimates || s->bare) PetscFunctionReturn(0);
  o->coarser = o->grid ? MU_FROM_STEP : MU_FROM_GRID;
  o->companion[o->coarser] = s->rows + s->extras;
  s->extras += s->rows + (shared ? 1 : 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode build_companion(MuStudy s, Order *o) {
  MuOverrides overrides = {0};
  MuTrial trial;

  PetscFunctionBegin;
  if (o->coarser != MU_FROM_GRID) {
    PetscCall(keep_grid(o, 1, o->coarse[0]));
    PetscFunctionReturn(0);
  }
  PetscErrorCode code = MuStudyOverrides(s, 0, &overrides);
  if (!code) code = MuStudyCoarsen(s, o->coarser, &overrides);
  PetscCall(MuStudyTrial(s, code, &overrides, PETSC_FALSE, &trial));
  PetscCall(keep_grid(o, 1, trial.parts->grid));
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(0);
}

/* The coarsest run, built: output times, coarsest grid, and whether the exact solution fits. */
static PetscErrorCode build_coarsest(MuStudy s, Order *o) {
  MuTrial trial;
  MuExact exact = NULL;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuStudyTrialOf(s, 0, PETSC_FALSE, &trial));
  code = MuStudyTakeTimes(s, &trial);
  PetscCall(keep_grid(o, 0, trial.parts->grid));
  if (o->against == AGAINST_EXACT && !code) code = MuExactCreate(o->exact, &trial, &exact);
  if (o->grid && trial.info->masked && !code)
    code =
        MuError(MU_ERR_INPUT,
                "study_vary: grid_cells cannot be refined on a domain with a mask, whose staircase "
                "changes with the grid");
  PetscCall(MuExactDestroy(&exact));
  if (!code) code = place_companions(s, o, &trial);
  PetscCall(MuTrialDestroy(&trial));
  if (!code) code = build_companion(s, o);
  PetscFunctionReturn(code);
}

static PetscErrorCode create(MuStudy s) {
  Order *o;

  PetscFunctionBegin;
  PetscCall(PetscNew(&o));
  s->data = o;
  PetscCall(check_vary(s, o));
  PetscCall(MuStudyCheckThreshold(s->expected, s->tolerance));
  PetscCall(read_against(s, o));
  if (o->grid) PetscCall(MuStudyReadGrid(s, (PetscBool)(o->against != AGAINST_EXACT)));
  PetscCall(build_coarsest(s, o));
  MuStudySetTable(s, COLUMNS, columns, ERRORS + (o->against == AGAINST_EXACT ? 0 : o->cells[0]),
                  error_curves);
  s->work_curves = s->curves - ERRORS;
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Order *o = s->data;

  PetscFunctionBegin;
  if (!o) PetscFunctionReturn(0);
  PetscCall(MuGridDestroy(&o->coarse[0]));
  PetscCall(MuGridDestroy(&o->coarse[1]));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ errors */

/* L1, L2 and largest difference of two arrays of n cells. */
static void differences(PetscInt n, PetscReal volume, const PetscReal *a, PetscInt stride_a,
                        const PetscReal *b, PetscInt stride_b, PetscReal error[ERRORS]) {
  error[0] = error[1] = error[2] = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal d = PetscAbsReal(a[i * stride_a] - b[i * stride_b]);
    error[0] += d * volume;
    error[1] += d * d * volume;
    error[2] = PetscMax(error[2], d);
  }
  error[1] = sqrt(error[1]);
}

/* The same of fields, of which every rank has seen its part. */
static PetscErrorCode of_all_ranks(const MuGridInfo *info, PetscReal error[ERRORS]) {
  PetscFunctionBegin;
  if (info->size == 1) PetscFunctionReturn(0);
  error[1] *= error[1];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, error, 2, MPIU_REAL, MPI_SUM, info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, error + 2, 1, MPIU_REAL, MPI_MAX, info->comm));
  error[1] = sqrt(error[1]);
  PetscFunctionReturn(0);
}

typedef struct {
  MuStudy study;
  MuExact exact;
  const MuGridInfo *info; /* of the grid on which densities are compared */
  Vec work;               /* exact: of the trial's grid */
  PetscReal *row, *curve;
} Watch;

static PetscErrorCode against_exact(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Watch *w = ctx;
  const PetscInt slot = MuStudySlot(w->study, t->parts->snapshot_times[k]);
  const PetscReal *a, *b;
  PetscReal error[ERRORS];

  PetscFunctionBegin;
  PetscCall(MuExactEvaluate(w->exact, t->parts->snapshot_times[k], w->work));
  PetscCall(VecGetArrayRead(rho, &a));
  PetscCall(VecGetArrayRead(w->work, &b));
  differences(t->info->local_size, t->info->volume, a, 1, b, 1, error);
  PetscCall(of_all_ranks(t->info, error));
  PetscCall(VecRestoreArrayRead(w->work, &b));
  PetscCall(VecRestoreArrayRead(rho, &a));
  for (int q = 0; q < ERRORS; ++q) {
    w->curve[q * w->study->times + slot] = error[q];
    w->row[ERROR_L1 + q] = PetscMax(w->row[ERROR_L1 + q], error[q]);
  }
  PetscFunctionReturn(0);
}

/* curve [cells][times] behind those of the errors: the density on the coarsest grid. */
static PetscErrorCode keep_coarse(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Watch *w = ctx;
  const PetscInt times = w->study->times, slot = MuStudySlot(w->study, t->parts->snapshot_times[k]);
  return MuTransferRestrict(t->parts->grid, rho, w->info, times, w->curve + ERRORS * times + slot);
}

static PetscErrorCode solve(MuStudy s, MuTrial *t, int which, PetscBool kept, PetscReal *row,
                            PetscReal *curve) {
  Order *o = s->data;
  Watch w = {.study = s, .info = o->info[which], .row = row, .curve = curve};
  const PetscBool exact = (PetscBool)(o->against == AGAINST_EXACT);
  PetscErrorCode code;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->curves * s->times; ++k) curve[k] = NAN;
  PetscCall(MuGridCreateField(t->parts->grid, &w.work));
  code = exact ? MuExactCreate(o->exact, t, &w.exact) : 0;
  t->output = exact ? against_exact : keep_coarse;
  t->ctx = &w;
  if (!code && kept) code = MuStudyKeepRun(s, t, "finest");
  if (!code) code = MuStudyKeptRun(t, MuTrialSolve(t));
  t->ctx = NULL;
  PetscCall(MuExactDestroy(&w.exact));
  PetscCall(VecDestroy(&w.work));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ a stored run */

static PetscErrorCode find_snapshot(MuStudy s, const Order *o, const MuRunInfo *run, PetscInt k,
                                    PetscInt *found) {
  for (*found = 0; *found < run->times; ++*found)
    if (PetscAbsReal(run->time[*found] - s->time[k]) <= 1e-9 * s->time[k]) return 0;
  return MuError(MU_ERR_INPUT,
                 "study_reference: %s has no snapshot at t = %g, which is an output time of the "
                 "study",
                 o->stored, s->time[k]);
}

static PetscErrorCode check_stored(const Order *o, const MuRunInfo *run) {
  const PetscInt *fine = run->cells, *coarse = o->info[0]->cells;
  if (fine[0] % coarse[0] == 0 && fine[1] % coarse[1] == 0) return 0;
  return MuError(MU_ERR_INPUT,
                 "study_reference: %s has %d x %d cells; multiples of the coarsest grid's %d x %d "
                 "are needed",
                 o->stored, (int)fine[0], (int)fine[1], (int)coarse[0], (int)coarse[1]);
}

/* The largest L1 error that the stored run states at the study's times, NaN: it states none. */
static PetscErrorCode read_own_error(MuStudy s, MuRunReader reader, PetscReal *own) {
  PetscReal error;

  PetscFunctionBegin;
  *own = NAN;
  for (PetscInt k = 0; k < s->times; ++k) {
    PetscCall(MuRunReaderError(reader, "l1", s->time[k], &error));
    if (!isnan(error)) *own = isnan(*own) ? error : PetscMax(*own, error);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_stored(MuStudy s, MuRunReader reader, PetscReal *curve) {
  const Order *o = s->data;
  const MuRunInfo *run;
  PetscErrorCode code = 0;
  PetscReal *density;
  PetscInt snapshot;

  PetscFunctionBegin;
  PetscCall(MuRunReaderGetInfo(reader, &run));
  PetscCall(check_stored(o, run));
  PetscCall(PetscMalloc1(run->cells[0] * run->cells[1], &density));
  for (PetscInt k = 0; k < s->times && !code; ++k) {
    code = find_snapshot(s, o, run, k, &snapshot);
    if (!code) code = MuRunReaderSnapshot(reader, snapshot, density);
    if (!code)
      MuArrayBlockMeans(run->cells, density, o->info[0]->cells, s->times,
                        curve + ERRORS * s->times + k);
  }
  PetscCall(PetscFree(density));
  PetscFunctionReturn(code);
}

/* *own: as read_own_error() finds it. */
static PetscErrorCode load_stored(MuStudy s, PetscReal *curve, PetscReal *own) {
  const Order *o = s->data;
  MuRunReader reader;
  PetscErrorCode code;

  PetscFunctionBegin;
  code = MuRunReaderCreate(o->stored, &reader);
  if (code == MU_ERR_FILE) return MuError(code, "study_reference: %s", MuErrorMessage());
  PetscCall(code);
  code = read_stored(s, reader, curve);
  if (!code) code = read_own_error(s, reader, own);
  PetscCall(MuRunReaderDestroy(&reader));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ tasks */

/* The number of a task among the rows (0) or the companions (1), which it tells; the number of
   values: the reference. */
static int which_of(MuStudy s, PetscInt task, PetscInt *value) {
  const Order *o = s->data;
  const PetscInt first = o->coarser < 0 ? s->rows + s->extras : o->companion[o->coarser];
  *value = task < first ? task : task - first;
  return task >= first;
}

/* The task of the finest run, which is kept: the one that the others are compared with, or the last
   row. */
static PetscInt finest_of(MuStudy s) {
  const Order *o = s->data;
  return o->against == AGAINST_FINEST ? s->rows : s->rows - 1;
}

/* Overrides of a task; the reference refines beyond the finest value. */
static PetscErrorCode overrides_of(MuStudy s, PetscInt value, int which, MuOverrides *out) {
  const Order *o = s->data;
  const PetscInt last = s->rows - 1;
  const PetscReal kept = s->values[last];

  if (value == s->rows) s->values[last] = o->grid ? kept * o->beyond : kept / o->beyond;
  PetscErrorCode code = MuStudyOverrides(s, PetscMin(value, last), out);
  s->values[last] = kept;
  if (!code && which) code = MuStudyCoarsen(s, o->coarser, out);
  return code;
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const Order *o = s->data;
  PetscInt value;
  const int which = which_of(s, i, &value);
  MuOverrides overrides = {0};
  MuTrial trial;
  PetscErrorCode code;

  PetscFunctionBegin;
  row[VALUE] = value < s->rows ? s->values[value] : 0;
  row[SECOND] = value < s->rows ? MuStudyJoint(s, value) : NAN;
  row[FLOOR] = row[USED] = NAN;
  if (value == s->rows && o->against == AGAINST_STORED) {
    for (PetscInt k = 0; k < ERRORS * s->times; ++k) curve[k] = NAN;
    PetscCall(load_stored(s, curve, &row[FLOOR]));
    PetscFunctionReturn(0);
  }
  code = overrides_of(s, value, which, &overrides);
  PetscCall(MuStudyTrial(s, code, &overrides, PETSC_TRUE, &trial));
  code = solve(s, &trial, which, (PetscBool)(!which && value == finest_of(s)), row, curve);
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* Errors of the rows or the companions against a task, at the output times that both have, and the
   largest of them. */
static void compare_with_reference(MuStudy s, PetscInt first, PetscInt reference, int which) {
  const Order *o = s->data;
  const PetscReal *right = MuStudyCurve(s, reference, ERRORS);
  PetscReal error[ERRORS];
  for (PetscInt i = 0; i < s->rows; ++i) {
    PetscReal *row = MuStudyRow(s, first + i);
    const PetscReal *own = MuStudyCurve(s, first + i, ERRORS);
    row[ERROR_L1] = row[ERROR_L2] = row[ERROR_MAX] = 0;
    for (PetscInt k = 0; k < s->times && MuStudyDone(s, first + i); ++k) {
      if (isnan(own[k]) || isnan(right[k])) continue;
      differences(o->cells[which], o->info[which]->volume, own + k, s->times, right + k, s->times,
                  error);
      for (int q = 0; q < ERRORS; ++q) {
        MuStudyCurve(s, first + i, q)[k] = error[q];
        row[ERROR_L1 + q] = PetscMax(row[ERROR_L1 + q], error[q]);
      }
    }
  }
}

static void compare_all(MuStudy s) {
  const Order *o = s->data;
  if (o->against == AGAINST_EXACT) return;
  compare_with_reference(s, 0, s->rows, 0);
  if (o->coarser < 0) return;
  const PetscInt first = o->companion[o->coarser];
  compare_with_reference(s, first, o->against == AGAINST_FINEST ? first + s->rows : s->rows, 1);
}

/* The failure of a run that others are compared with. */
static PetscBool reference_failed(MuStudy s) {
  const Order *o = s->data;
  for (PetscInt i = s->rows; i < s->rows + s->extras; ++i) {
    PetscInt value;
    which_of(s, i, &value);
    if (value < s->rows || MuStudyDone(s, i) || o->against == AGAINST_EXACT) continue;
    MuStudyNote(s, "the reference run failed: %s", s->status[i]);
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Whether the stored run is a reference, whose own error adds to the floor. */
static PetscBool states_error(MuStudy s) {
  const Order *o = s->data;
  return (PetscBool)(o->against == AGAINST_STORED && !isnan(MuStudyRow(s, s->rows)[FLOOR]));
}

/* What the errors are measured against and on. */
static void note_reference(MuStudy s) {
  const Order *o = s->data;
  const PetscInt *cells = o->info[0]->cells;

  MuStudyNote(s, "against %s",
              o->against == AGAINST_EXACT
                  ? o->exact
                  : (o->against == AGAINST_STORED ? o->stored : "a run beyond the finest value"));
  if (o->against != AGAINST_EXACT && o->info[0]->dim == 2)
    MuStudyNote(s, "errors are measured on %d x %d cells, the coarsest of the study", (int)cells[0],
                (int)cells[1]);
  else if (o->against != AGAINST_EXACT)
    MuStudyNote(s, "errors are measured on %d cells, the coarsest of the study", (int)cells[0]);
  if (states_error(s))
    MuStudyNote(s, "its own L1 error, at most %.3g, is in the floor",
                MuStudyRow(s, s->rows)[FLOOR]);
  else if (o->against == AGAINST_STORED)
    MuStudyNote(s, "the stored run states no error and counts as exact; one of mudot reference "
                   "would state it");
}

static MuClaim claim_column(MuStudy s, PetscInt column) {
  const Order *o = s->data;
  MuStudySeries series = {.column = column, .inverse = o->grid};
  MuClaim c = {.claimed = s->expected, .tolerance = s->tolerance};
  PetscReal floor[MU_MAX_VALUES];
  PetscBool use[MU_MAX_VALUES];

  if (isnan(s->expected)) {
    c.claimed = 0.25;
    c.tolerance = 0;
  }
  snprintf(c.name, sizeof c.name, "order of %s", columns[column]);
  if (column == ERROR_L1 && states_error(s)) series.rounding = MuStudyRow(s, s->rows)[FLOOR];
  for (int k = 0; k < MU_COMPANIONS; ++k) series.companion[k] = o->companion[k];
  MuStudyClaimOrder(s, &series, &c, floor, use);
  MuStudyAddClaim(s, columns[column], &c);
  for (PetscInt i = 0; i < s->rows && column == ERROR_L1; ++i) {
    MuStudyRow(s, i)[USED] = use[i];
    MuStudyRow(s, i)[FLOOR] = floor[i];
  }
  return c;
}

static PetscErrorCode judge(MuStudy s) {
  s->verdict = MU_VERDICT_UNDECIDED;
  if (reference_failed(s)) return 0;
  compare_all(s);
  note_reference(s);
  if (!s->has_estimates && s->varied == 1)
    MuStudyNote(s, "what half the cells would change is not known");
  s->verdict = MU_VERDICT_HOLDS;
  claim_column(s, ERROR_MAX);
  claim_column(s, ERROR_L2);
  const MuClaim c = claim_column(s, ERROR_L1);
  MuStudyTakeClaim(s, &c);
  MuStudyJudge(s, &c);
  return 0;
}

const MuStudyOps MuStudyOrderOps = {.name = "order",
                                    .held = 1,
                                    .beyond = 4,
                                    .tolerance = 0.25,
                                    .create = create,
                                    .task = task,
                                    .judge = judge,
                                    .destroy = destroy};
