/* What a rate study measures of one run: the fitted exponent, the rate of the bound, the least
   quotient of the inequality. */
#include "problem/problem.h"
#include "study/rate_impl.h"

/* An energy below this part of its initial value is rounding; quotients of energies are already at
   the root of it. */
#define ROUNDING          1e-12
#define QUOTIENT_ROUNDING 1e-8

/* Exponent of the points k = first .. last - 1. */
static PetscReal exponent(PetscInt first, PetscInt last, const PetscReal *x, const PetscReal *y) {
  return -MuFitLine(last - first, x + first, y + first).slope;
}

/* The window: as given, or the later half of the time in which F is above rounding. Its error is
   the largest change of the exponent where a third of it is left out at either end. */
static PetscErrorCode fit_rate(const MuRate *r, PetscInt n, const PetscReal *t,
                               const PetscReal *energy, PetscReal *row) {
  PetscReal *x, *y, first = r->window[0], last = r->window[1];
  PetscInt m = 0;

  PetscFunctionBegin;
  if (!r->has_window) {
    last = t[0];
    for (PetscInt k = 0; k < n; ++k)
      if (energy[k] > ROUNDING * energy[0]) last = t[k];
    first = 0.5 * (t[0] + last);
  }
  PetscCall(PetscMalloc2(n, &x, n, &y));
  for (PetscInt k = 0; k < n; ++k)
    if (t[k] >= first && t[k] <= last && energy[k] > ROUNDING * energy[0] && energy[k] > 0) {
      x[m] = t[k];
      y[m++] = log(energy[k]);
    }
  const PetscInt part = PetscMax(1, m / 3);
  row[MU_RATE_RATE] = exponent(0, m, x, y);
  row[MU_RATE_WINDOW_ERROR] =
      m < 3 ? NAN
            : PetscMax(PetscAbsReal(exponent(part, m, x, y) - row[MU_RATE_RATE]),
                       PetscAbsReal(exponent(0, m - part, x, y) - row[MU_RATE_RATE]));
  PetscCall(PetscFree2(x, y));
  row[MU_RATE_WINDOW_START] = first;
  row[MU_RATE_WINDOW_END] = last;
  row[MU_RATE_USED] = m;
  PetscFunctionReturn(0);
}

/* The excess of log F over the bound, and the least log(F(0)/F(t))/t. */
static void check_bound(PetscInt n, const PetscReal *t, const PetscReal *energy, PetscReal *row) {
  row[MU_RATE_EXCESS] = -INFINITY;
  row[MU_RATE_WORST_TIME] = 0;
  row[MU_RATE_BOUND_RATE] = NAN;
  for (PetscInt k = 0; k < n; ++k) {
    if (!(t[k] > t[0]) || !(energy[k] > ROUNDING * energy[0])) continue;
    const PetscReal fall = log(energy[0] / energy[k]), time = t[k] - t[0];
    row[MU_RATE_BOUND_RATE] =
        fmin(row[MU_RATE_BOUND_RATE], fall / time); /* fmin: of a NaN the other */
    if (row[MU_RATE_CONSTANT] * time - fall <= row[MU_RATE_EXCESS]) continue;
    row[MU_RATE_EXCESS] = row[MU_RATE_CONSTANT] * time - fall;
    row[MU_RATE_WORST_TIME] = t[k];
  }
}

/* What is measured at the output times: F or the diagnostic, and 2 R*(mu, -DF)/F. */
typedef struct {
  MuDiagnostic of;
  PetscReal *value, *quotient; /* [times] */
} Watch;

static PetscErrorCode look(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  const Watch *w = ctx;
  PetscReal dual;

  PetscFunctionBegin;
  PetscCall(MuLedgerDual(t->ledger, rho, &dual));
  w->quotient[k] = 2 * dual / t->curve[MU_CURVE_ENERGY][k];
  w->value[k] = t->curve[MU_CURVE_ENERGY][k];
  if (w->of) PetscCall(MuDiagnosticEvaluate(w->of, rho, &w->value[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_watch(const MuRate *r, const MuTrial *t, Watch *w) {
  const MuProblemParts *p = t->parts;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(t->times, &w->value));
  PetscCall(PetscCalloc1(t->times, &w->quotient));
  if (r->of && !p->log_target) return MuError(MU_ERR_INPUT, "study_of: %s needs a target", r->of);
  if (r->of)
    PetscCall(MuDiagnosticCreate(p->grid, r->of, p->log_target,
                                 p->diagnostics_kernel ? p->diagnostics_kernel : p->energy_kernel,
                                 &w->of));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_watch(Watch *w) {
  PetscFunctionBegin;
  if (w->of) PetscCall(MuDiagnosticDestroy(&w->of));
  PetscCall(PetscFree(w->value));
  PetscCall(PetscFree(w->quotient));
  PetscFunctionReturn(0);
}

static PetscReal least_quotient(const MuTrial *t, const PetscReal *quotient) {
  const PetscReal *energy = t->curve[MU_CURVE_ENERGY];
  PetscReal least = NAN;
  for (PetscInt k = 0; k < t->times; ++k)
    if (energy[k] > QUOTIENT_ROUNDING * energy[0]) least = fmin(least, quotient[k]);
  return least;
}

/* Whether the flow starts at its target, up to rounding. */
static PetscErrorCode starts_at_target(const MuTrial *t, PetscBool *is) {
  PetscReal distance, size;
  Vec target;

  PetscFunctionBegin;
  *is = PETSC_FALSE;
  if (!t->parts->log_target) PetscFunctionReturn(0);
  PetscCall(VecDuplicate(t->parts->log_target, &target));
  PetscCall(VecCopy(t->parts->log_target, target));
  PetscCall(VecExp(target));
  PetscCall(MuGridApplyMask(t->parts->grid, target));
  PetscCall(MuGridDistanceL1(t->parts->grid, target, NULL, &size));
  PetscCall(MuGridDistanceL1(t->parts->grid, target, t->parts->initial, &distance));
  PetscCall(VecDestroy(&target));
  *is = (PetscBool)(distance <= 1e-12 * size);
  PetscFunctionReturn(0);
}

static void keep_curves(MuStudy s, const MuTrial *t, const Watch *w, PetscReal constant,
                        PetscReal *curve) {
  const PetscReal *time = t->parts->snapshot_times;
  for (PetscInt k = MU_RATE_CURVE_BOUND * s->times; k < MU_RATE_CURVES * s->times; ++k)
    curve[k] = NAN;
  for (PetscInt k = 0; k < t->times; ++k) {
    const PetscInt slot = MuStudySlot(s, time[k]);
    curve[MU_RATE_CURVE_BOUND * s->times + slot] =
        w->value[0] * exp(-constant * (time[k] - time[0]));
    curve[MU_RATE_CURVE_QUOTIENT * s->times + slot] = w->quotient[k];
    curve[MU_RATE_CURVE_OBSERVED * s->times + slot] = w->value[k];
  }
}

/* The least KL(pi|mu_0)/(t F(t)). */
static PetscErrorCode sublinear(const MuTrial *t, const PetscReal *value, PetscReal *least) {
  const PetscReal *log_pi, *rho, *time = t->parts->snapshot_times;
  PetscReal start = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(t->parts->log_target, &log_pi));
  PetscCall(VecGetArrayRead(t->parts->initial, &rho));
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    const PetscReal pi = exp(log_pi[i]);
    if (t->info->masked && !(pi > 0)) continue;
    start += (pi > 0 ? pi * (log_pi[i] - log(rho[i])) - pi : 0) + rho[i];
  }
  PetscCall(VecRestoreArrayRead(t->parts->initial, &rho));
  PetscCall(VecRestoreArrayRead(t->parts->log_target, &log_pi));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &start, 1, MPIU_REAL, MPI_SUM, t->info->comm));
  *least = NAN;
  for (PetscInt k = 0; k < t->times; ++k)
    if (time[k] > 0 && value[k] > 0)
      *least = fmin(*least, start * t->info->volume / (time[k] * value[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode conclude(MuStudy s, MuTrial *t, const Watch *w, PetscReal *row,
                               PetscReal *curve) {
  const MuRate *r = s->data;
  const PetscReal *value = w->value, *time = t->parts->snapshot_times;
  PetscBool still;

  PetscFunctionBegin;
  PetscCall(MuStudyKeepCurves(s, t, curve));
  keep_curves(s, t, w, row[MU_RATE_CONSTANT], curve);
  row[MU_RATE_INEQUALITY] = least_quotient(t, w->quotient);
  PetscCall(starts_at_target(t, &still));
  row[MU_RATE_ENERGY_FINAL] = value[t->times - 1];
  PetscCall(fit_rate(r, t->times, time, value, row));
  check_bound(t->times, time, value, row);
  row[MU_RATE_ENERGY_INITIAL] = still ? 0 : value[0];
  if (still)
    row[MU_RATE_RATE] = row[MU_RATE_WINDOW_ERROR] = row[MU_RATE_EXCESS] = NAN; /* of rounding */
  row[MU_RATE_OBSERVED] =
      MuRateIsLate(r) ? row[MU_RATE_RATE]
                      : (MuRateIsInequality(r) ? row[MU_RATE_INEQUALITY] : row[MU_RATE_BOUND_RATE]);
  if (MuRateIsSublinear(r)) PetscCall(sublinear(t, value, &row[MU_RATE_OBSERVED]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRateMeasure(MuStudy s, MuTrial *t, PetscReal *row, PetscReal *curve) {
  Watch w = {0};

  PetscFunctionBegin;
  PetscErrorCode code = create_watch(s->data, t, &w);
  t->output = look;
  t->ctx = &w;
  if (!code) code = MuTrialSolve(t);
  t->ctx = NULL;
  if (!code) code = conclude(s, t, &w, row, curve);
  PetscCall(destroy_watch(&w));
  PetscFunctionReturn(code);
}
