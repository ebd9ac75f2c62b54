/* order: refinement of step or grid against an exact solution, a stored run, or a much finer run.
   Without an exact solution densities are compared on the coarsest grid of the study, to which they
   are carried over by cell means, which conserves mass.

   The floor is what refinement does not remove: with an exact solution the error of one run beyond
   the finest value, otherwise what is to be expected of the reference's own error. */
#include "study/study_impl.h"

enum { VALUE, ERROR_L1, ERROR_L2, ERROR_MAX, FLOOR, USED, SECOND, COLUMNS };
static const char *const columns[COLUMNS] = {"value", "error_l1",    "error_l2",    "error_max",
                                             "floor", "used_in_fit", "second_value"};
static const char *const error_curves[] = {"error_l1", "error_l2", "error_max"};

typedef enum { AGAINST_EXACT, AGAINST_STORED, AGAINST_FINEST } Against;

typedef struct {
  Against against;
  const char *exact;
  char stored[PETSC_MAX_PATH_LEN];
  PetscBool grid;   /* the first key is grid_cells */
  PetscReal beyond; /* the last task refines the finest value by this */
  MuGrid coarse;
  const MuGridInfo *info; /* of coarse */
  PetscInt cells;
} Order;

/* ------------------------------------------------------------------ what is asked */

static PetscErrorCode check_cells(MuStudy s, const Order *o) {
  const PetscReal first = PetscMin(s->values[0], s->values[s->count - 1]);

  for (PetscInt i = 0; i < s->count; ++i) {
    const PetscReal n = s->values[i], ny = n * s->grid_ratio;
    if (n != floor(n) || n < 1 || (s->grid_dim == 2 && ny != floor(ny)))
      return MuError(
          MU_ERR_INPUT,
          "study_values: %g is no number of cells; a whole number along x is needed, and one "
          "along y in the ratio of the case",
          n);
    if (o->against != AGAINST_EXACT && fmod(n, first) != 0)
      return MuError(
          MU_ERR_INPUT,
          "study_values: %g is not a multiple of %g; without an exact solution the grids "
          "must be nested",
          n, first);
  }
  return 0;
}

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
  o->beyond = exact ? (high ? 2 : 4) : (high ? 4 : 8);
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
  PetscCall(MuGridReference(trial.parts->grid));
  o->coarse = trial.parts->grid;
  o->info = trial.info;
  o->cells = trial.info->local_size;
  if (o->against == AGAINST_EXACT && !code) code = MuExactCreate(o->exact, &trial, &exact);
  if (o->grid && trial.info->masked && !code)
    code =
        MuError(MU_ERR_INPUT,
                "study_vary: grid_cells cannot be refined on a domain with a mask, whose staircase "
                "changes with the grid");
  PetscCall(MuExactDestroy(&exact));
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(code);
}

static PetscErrorCode read_grid(MuStudy s) {
  MuTrial trial;

  PetscFunctionBegin;
  PetscCall(MuTrialCreate(s->case_path, &s->base, PETSC_FALSE, &trial));
  s->grid_dim = trial.info->dim;
  s->grid_ratio = (PetscReal)trial.info->cells[1] / (PetscReal)trial.info->cells[0];
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuStudy s) {
  Order *o;

  PetscFunctionBegin;
  PetscCall(PetscNew(&o));
  s->data = o;
  PetscCall(check_vary(s, o));
  PetscCall(read_against(s, o));
  PetscCall(read_grid(s));
  if (o->grid) PetscCall(check_cells(s, o));
  PetscCall(build_coarsest(s, o));
  s->rows = s->count;
  s->extras = 1; /* the run beyond the finest, or the stored one */
  s->columns = COLUMNS;
  s->column_names = columns;
  s->curve_names = error_curves;
  s->curves = o->against == AGAINST_EXACT ? 3 : o->cells;
  s->hide_curves = (PetscBool)(o->against != AGAINST_EXACT);
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuStudy s) {
  Order *o = s->data;

  PetscFunctionBegin;
  if (!o) PetscFunctionReturn(0);
  PetscCall(MuGridDestroy(&o->coarse));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ errors */

/* L1, L2 and largest difference of two arrays of n cells. */
static void differences(PetscInt n, PetscReal volume, const PetscReal *a, PetscInt stride_a,
                        const PetscReal *b, PetscInt stride_b, PetscReal error[3]) {
  error[0] = error[1] = error[2] = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal d = PetscAbsReal(a[i * stride_a] - b[i * stride_b]);
    error[0] += d * volume;
    error[1] += d * d * volume;
    error[2] = PetscMax(error[2], d);
  }
  error[1] = sqrt(error[1]);
}

typedef struct {
  MuStudy study;
  MuExact exact;
  Vec work; /* exact: of the trial's grid; otherwise of the coarsest */
  PetscReal *row, *curve;
} Watch;

static PetscErrorCode against_exact(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Watch *w = ctx;
  const PetscReal *a, *b;
  PetscReal error[3];

  PetscFunctionBegin;
  PetscCall(MuExactEvaluate(w->exact, t->parts->snapshot_times[k], w->work));
  PetscCall(VecGetArrayRead(rho, &a));
  PetscCall(VecGetArrayRead(w->work, &b));
  differences(t->info->local_size, t->info->volume, a, 1, b, 1, error);
  PetscCall(VecRestoreArrayRead(w->work, &b));
  PetscCall(VecRestoreArrayRead(rho, &a));
  for (int q = 0; q < 3; ++q) {
    w->curve[q * w->study->times + k] = error[q];
    w->row[ERROR_L1 + q] = PetscMax(w->row[ERROR_L1 + q], error[q]);
  }
  PetscFunctionReturn(0);
}

/* curve [cells][times]: the density on the coarsest grid. */
static PetscErrorCode keep_coarse(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  Watch *w = ctx;
  Order *o = w->study->data;
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(MuTransferRestrict(t->info, rho, o->info, w->work));
  PetscCall(VecGetArrayRead(w->work, &x));
  for (PetscInt i = 0; i < o->cells; ++i) w->curve[i * w->study->times + k] = x[i];
  PetscCall(VecRestoreArrayRead(w->work, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(MuStudy s, MuTrial *t, PetscReal *row, PetscReal *curve) {
  Order *o = s->data;
  Watch w = {.study = s, .row = row, .curve = curve};
  const PetscBool exact = (PetscBool)(o->against == AGAINST_EXACT);
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(exact ? t->parts->grid : o->coarse, &w.work));
  code = exact ? MuExactCreate(o->exact, t, &w.exact) : 0;
  t->output = exact ? against_exact : keep_coarse;
  t->ctx = &w;
  if (!code) code = MuTrialSolve(t);
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
  const PetscInt *fine = run->cells, *coarse = o->info->cells;
  if (fine[0] % coarse[0] == 0 && fine[1] % coarse[1] == 0) return 0;
  return MuError(MU_ERR_INPUT,
                 "study_reference: %s has %d x %d cells; multiples of the coarsest grid's %d x %d "
                 "are needed",
                 o->stored, (int)fine[0], (int)fine[1], (int)coarse[0], (int)coarse[1]);
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
    if (!code) MuTransferMeans(run->cells, density, o->info->cells, s->times, curve + k);
  }
  PetscCall(PetscFree(density));
  PetscFunctionReturn(code);
}

static PetscErrorCode load_stored(MuStudy s, PetscReal *curve) {
  const Order *o = s->data;
  MuRunReader reader;
  PetscErrorCode code;

  PetscFunctionBegin;
  code = MuRunReaderCreate(o->stored, &reader);
  if (code == MU_ERR_FILE) return MuError(code, "study_reference: %s", MuErrorMessage());
  PetscCall(code);
  code = read_stored(s, reader, curve);
  PetscCall(MuRunReaderDestroy(&reader));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ tasks */

/* Overrides of a task; the last one refines beyond the finest value. */
static PetscErrorCode overrides_of(MuStudy s, PetscInt i, MuOverrides *out) {
  const Order *o = s->data;
  const PetscInt last = s->rows - 1;
  const PetscReal kept = s->values[last];

  if (i == s->rows) s->values[last] = o->grid ? kept * o->beyond : kept / o->beyond;
  PetscErrorCode code = MuStudyOverrides(s, PetscMin(i, last), out);
  s->values[last] = kept;
  return code;
}

static PetscErrorCode task(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  const Order *o = s->data;
  MuOverrides overrides = {0};
  MuTrial trial;
  PetscErrorCode code;

  PetscFunctionBegin;
  row[VALUE] = i < s->rows ? s->values[i] : 0;
  row[SECOND] = i < s->rows ? MuStudyJoint(s, i) : NAN;
  row[FLOOR] = row[USED] = NAN;
  if (i == s->rows && o->against == AGAINST_STORED) {
    PetscCall(load_stored(s, curve));
    PetscFunctionReturn(0);
  }
  code = overrides_of(s, i, &overrides);
  PetscCall(MuStudyTrial(s, code, &overrides, PETSC_TRUE, &trial));
  code = solve(s, &trial, row, curve);
  PetscCall(MuTrialDestroy(&trial));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the verdict */

/* Errors of the rows against the reference task, the largest over the output times. */
static void compare_with_reference(MuStudy s) {
  const Order *o = s->data;
  const PetscReal *reference = MuStudyCurve(s, s->rows, 0);
  PetscReal error[3];
  for (PetscInt i = 0; i < s->rows; ++i) {
    PetscReal *row = MuStudyRow(s, i);
    row[ERROR_L1] = row[ERROR_L2] = row[ERROR_MAX] = 0;
    for (PetscInt k = 0; k < s->times && MuStudyDone(s, i); ++k) {
      differences(o->cells, o->info->volume, MuStudyCurve(s, i, 0) + k, s->times, reference + k,
                  s->times, error);
      for (int q = 0; q < 3; ++q) row[ERROR_L1 + q] = PetscMax(row[ERROR_L1 + q], error[q]);
    }
  }
}

static PetscReal floor_of(MuStudy s, PetscInt column) {
  const Order *o = s->data;
  const PetscReal last = MuStudyRow(s, s->rows - 1)[column];
  const PetscReal order = isnan(s->expected) ? 1 : s->expected;
  if (o->against == AGAINST_EXACT) return MuStudyRow(s, s->rows)[column];
  return o->against == AGAINST_STORED ? 0 : last / (pow(o->beyond, order) - 1);
}

static PetscErrorCode judge(MuStudy s) {
  const Order *o = s->data;
  PetscBool use[MU_MAX_VALUES];

  s->verdict = MU_VERDICT_UNDECIDED;
  if (!MuStudyDone(s, s->rows)) {
    MuStudyNote(s, "the reference run failed: %s", s->status[s->rows]);
    return 0;
  }
  if (o->against != AGAINST_EXACT) compare_with_reference(s);
  MuStudyNote(s, "against %s",
              o->against == AGAINST_EXACT
                  ? o->exact
                  : (o->against == AGAINST_STORED ? o->stored : "a run beyond the finest value"));
  for (PetscInt column = ERROR_MAX; column >= ERROR_L1; --column) {
    const PetscReal floor = floor_of(s, column);
    MuFit fit = MuStudyFit(s, 0, column, o->grid, &floor, 0, use);
    MuStudyAddOrder(s, columns[column], fit.slope, fit.stderror);
    if (column != ERROR_L1) continue;
    for (PetscInt i = 0; i < s->rows; ++i) {
      MuStudyRow(s, i)[USED] = use[i];
      MuStudyRow(s, i)[FLOOR] = floor;
    }
    MuStudyTakeOrder(s, &fit);
    if (fit.points < 3)
      MuStudyNote(s, "only %d rows lie a factor 3 above the floor; three are needed",
                  (int)fit.points);
    s->verdict =
        MuStudyJudgeFit(&fit, isnan(s->expected) ? 0.25 : s->expected - s->tolerance, s->tolerance);
  }
  return 0;
}

const MuStudyOps MuStudyOrderOps = {.name = "order",
                                    .tolerance = 0.25,
                                    .create = create,
                                    .task = task,
                                    .judge = judge,
                                    .destroy = destroy};
