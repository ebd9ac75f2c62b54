/* Extrapolation: variable order and variable step from first-order substeps that are positive.

   A macro step of length H starts from rho and is taken with dt = H/(m j), j = 1, 2, 3, ..., m =
   MU_ROWS. Every sequence passes through the points t + i H/m, i = 1 .. m, and at each of them

     T_(j,1) = the substeps' result, T_(j,l+1) = T_(j,l) + (T_(j,l) - T_(j-1,l))/(j/(j-l) - 1)

   removes one more power of dt (Aitken and Neville), while the substeps themselves go on from what
   is not extrapolated. Column j is accepted when |T_(j,j) - T_(j,j-1)|_1 <= tolerance * mass at all
   m points; the step and the number of columns that come next are those with the least work per
   time.

   Substeps are the Lie composition of one linearly implicit transport pass and the reaction that
   `auto` takes: positive for every dt. The combination need not be. Where T_(k,k) is not positive
   the cell takes the value of the highest T_(l,l), l < k, that is, at last T_(k,1), which is always
   positive; then the whole is scaled to the mass that it must have. This convex choice, cell by
   cell, is positive, keeps the mass exactly, and moves the result in L1 by at most twice what the
   cells were raised, which counts as error of the step. (With a flux between neighbours instead,
   the little that a thin bridge between two wells holds would limit what passes over it.)

   Deuflhard, Recent progress in extrapolation methods for ordinary differential equations, SIAM
   Rev. 27 (1985); Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.9
   (SEULEX). */
#include "flow/flow_impl.h"

#include <math.h>

#define MOST   8    /* columns */
#define LEAST  2    /* with an estimate of the error */
#define SAFETY 0.9  /* of a step */
#define GROWTH 5    /* of a step at most */
#define DECAY  0.05 /* at least */
#define MOMENT 1e-6 /* part of the time in which the first rate is measured */

typedef struct {
  MuIntegrator substep;
  PetscInt columns; /* most, for this tolerance */
  PetscInt order;   /* column that is aimed at, 0: not known; the memory */
  PetscBool conserves;
  PetscReal mass; /* before the step */
  Vec state;
  PetscReal *table[MU_ROWS][MOST + 1]; /* [row][l][local_size]: T_(j,l) of the last j */
  PetscReal error[MOST + 1];           /* of column j; 1: the change of the state */
} Extrapolation;

/* Number of columns that a tolerance is worth: every two digits ask for one more. */
static PetscInt most_columns(PetscReal tolerance) {
  return (PetscInt)PetscClipInterval(floor(3 - 0.5 * log10(tolerance)), 4, MOST);
}

/* Sum of the moduli of the weights of T_(k,k), the amplification of errors in T_(j,1). */
static PetscReal sum_of_weights(PetscInt k) {
  PetscReal sum = 0;
  for (PetscInt j = 1; j <= k; ++j) {
    PetscReal weight = 1;
    for (PetscInt i = 1; i <= k; ++i)
      if (i != j) weight *= (PetscReal)j / (j - i);
    sum += fabs(weight);
  }
  return sum;
}

/* ------------------------------------------------------------------ creation */

static PetscErrorCode create_table(MuIntegrator it) {
  Extrapolation *e = it->data;
  const PetscInt n = it->flow->info->local_size;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < MU_ROWS; ++i)
    for (PetscInt l = 1; l <= e->columns; ++l) PetscCall(PetscMalloc1(n, &e->table[i][l]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowCreateSubstep(MuFlow flow, PetscInt kinds, PetscReal tolerance,
                                   MuIntegrator *integrator) {
  const MuIntegratorOps *ops = kinds & MU_PART_REACTION ? &MuSplittingLieOps : &MuSplitTransportOps;

  PetscFunctionBegin;
  PetscCall(MuIntegratorCreate(flow, ops, kinds, tolerance, integrator));
  PetscFunctionReturn(0);
}

static PetscErrorCode extrapolation_create(MuIntegrator it) {
  const PetscReal tolerance = it->flow->spec.tolerance;
  Extrapolation *e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  it->data = e;
  if (!(it->kinds & MU_PART_TRANSPORT))
    return MuError(MU_ERR_INPUT,
                   "time_scheme: extrapolation needs a transport part, reactions alone are solved "
                   "as accurately by closed_form or log_density; use auto");
  if (!(tolerance >= MU_LEAST_TOLERANCE && tolerance <= MU_MOST_TOLERANCE))
    return MuError(MU_ERR_INPUT,
                   "time_tolerance: %g is not allowed; extrapolation takes from %g to %g",
                   tolerance, MU_LEAST_TOLERANCE, MU_MOST_TOLERANCE);
  e->columns = most_columns(tolerance);
  PetscCall(MuFlowCreateSubstep(it->flow, it->kinds, 0.1 * tolerance / sum_of_weights(e->columns),
                                &e->substep));
  PetscCall(MuFlowConservesMass(it->flow, &e->conserves));
  PetscCall(MuGridCreateField(it->flow->grid, &e->state));
  PetscCall(create_table(it));
  PetscFunctionReturn(0);
}

static PetscErrorCode extrapolation_destroy(MuIntegrator it) {
  Extrapolation *e = it->data;

  PetscFunctionBegin;
  if (!e) PetscFunctionReturn(0);
  PetscCall(MuIntegratorDestroy(&e->substep));
  PetscCall(VecDestroy(&e->state));
  for (PetscInt i = 0; i < MU_ROWS; ++i)
    for (PetscInt l = 1; l <= MOST; ++l) PetscCall(PetscFree(e->table[i][l]));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode extrapolation_remember(MuIntegrator it, MuMemory *memory) {
  memory->value[memory->count++] = (PetscReal)((Extrapolation *)it->data)->order;
  return 0;
}

static PetscErrorCode extrapolation_recall(MuIntegrator it, MuMemory *memory) {
  ((Extrapolation *)it->data)->order = (PetscInt)memory->value[memory->count++];
  return 0;
}

/* ------------------------------------------------------------------ the tableau */

/* Puts scale * x, which is T_(j,1), into a row of the tableau; *change is the sum of
   |T_(j,j) - T_(j,j-1)| on this rank, T_(1,0) = first. */
static void add_to_row(PetscReal *const table[], PetscInt j, PetscInt n, PetscReal scale,
                       const PetscReal *restrict x, const PetscReal *first, PetscReal *change) {
  enum { BLOCK = 256 };
  PetscReal current[BLOCK], sum = 0;

  for (PetscInt start = 0; start < n; start += BLOCK) {
    const PetscInt size = PetscMin(BLOCK, n - start);
    for (PetscInt c = 0; c < size; ++c) current[c] = scale * x[start + c];
    for (PetscInt l = 1; l < j; ++l) {
      PetscReal *restrict old = table[l] + start;
      const PetscReal weight = 1 / ((PetscReal)j / (j - l) - 1);
      for (PetscInt c = 0; c < size; ++c) {
        const PetscReal here = current[c];
        current[c] = here + weight * (here - old[c]);
        old[c] = here;
      }
    }
    const PetscReal *restrict lower = (j > 1 ? table[j - 1] : first) + start;
    for (PetscInt c = 0; c < size; ++c) sum += fabs(current[c] - lower[c]);
    for (PetscInt c = 0; c < size; ++c) table[j][start + c] = current[c];
  }
  *change = sum;
}

/* The state at a point, scaled to the mass where that is conserved. */
static PetscErrorCode take_point(MuIntegrator it, PetscInt i, PetscInt j, Vec rho,
                                 PetscReal *change) {
  Extrapolation *e = it->data;
  PetscReal scale = 1;
  const PetscReal *x, *first;

  PetscFunctionBegin;
  if (e->conserves) {
    PetscCall(MuGridIntegrate(it->flow->grid, e->state, &scale));
    scale = e->mass / scale;
  }
  PetscCall(VecGetArrayRead(rho, &first));
  PetscCall(VecGetArrayRead(e->state, &x));
  add_to_row(e->table[i], j, it->flow->info->local_size, scale, x, first, change);
  PetscCall(VecRestoreArrayRead(e->state, &x));
  PetscCall(VecRestoreArrayRead(rho, &first));
  PetscFunctionReturn(0);
}

static PetscErrorCode start_substeps(MuIntegrator it, Vec rho) {
  Extrapolation *e = it->data;
  MuMemory none = {.count = 0};

  PetscFunctionBegin;
  PetscCall(VecCopy(rho, e->state));
  PetscCall(MuIntegratorRecall(e->substep, &none));
  PetscFunctionReturn(0);
}

/* Column j of all rows: m j substeps, and e->error[j]. */
static PetscErrorCode add_column(MuIntegrator it, PetscInt j, PetscReal step, Vec rho,
                                 MuLeap *leap) {
  Extrapolation *e = it->data;
  const PetscReal dt = step / (MU_ROWS * j);
  PetscReal change[MU_ROWS];

  PetscFunctionBegin;
  PetscCall(start_substeps(it, rho));
  for (PetscInt i = 0; i < MU_ROWS; ++i) {
    for (PetscInt s = 0; s < j; ++s) {
      PetscCall(MuFlowPoll(it->flow));
      PetscCall(e->substep->ops->advance(e->substep, dt, e->state, &leap->outcome));
      leap->substeps++;
      if (leap->outcome != MU_STEP_OK) PetscFunctionReturn(0);
    }
    PetscCall(take_point(it, i, j, rho, &change[i]));
  }
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, change, MU_ROWS, MPIU_REAL, MPI_SUM, it->flow->info->comm));
  e->error[j] = 0;
  for (PetscInt i = 0; i < MU_ROWS; ++i) {
    if (PetscIsInfOrNanReal(change[i])) leap->outcome = MU_STEP_NOT_FINITE;
    e->error[j] = PetscMax(e->error[j], change[i] * it->flow->info->volume / e->mass);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ order and step */

/* Substeps of the first j columns, and one more for the factors of each. */
static PetscReal work(PetscInt j) {
  return MU_ROWS * 0.5 * j * (j + 1) + j;
}

/* Step with which column j, whose error goes with its j-th power, meets half the tolerance. */
static PetscReal step_of_column(const MuFlow flow, PetscReal step, PetscInt j, PetscReal error) {
  const PetscReal factor =
      error > 0 ? SAFETY * pow(0.5 * flow->spec.tolerance / error, 1.0 / j) : GROWTH;
  return step * PetscClipInterval(factor, DECAY, GROWTH);
}

/* What column `last` + 1 would leave: the factors by which errors of columns go down change
   geometrically. */
static PetscReal predict_error(const Extrapolation *e, PetscInt last) {
  const PetscReal factor = e->error[last] / e->error[last - 1];
  const PetscReal before = last > LEAST ? e->error[last - 1] / e->error[last - 2] : factor / 2;
  return e->error[last] * factor * PetscMax(1, factor / before);
}

/* What comes after a step whose columns up to `last` are known: the column of least work per time,
   the one behind them among those that are considered. */
static void choose_next(MuIntegrator it, PetscReal step, PetscInt last, MuLeap *leap) {
  Extrapolation *e = it->data;
  const PetscInt most = PetscMin(last + 1, e->columns);
  PetscReal best = PETSC_MAX_REAL;
  PetscInt order = LEAST;

  for (PetscInt j = LEAST; j <= most; ++j) {
    const PetscReal error = j > last ? predict_error(e, last) : e->error[j];
    const PetscReal length = step_of_column(it->flow, step, j, error);
    if (work(j) / length >= best) continue;
    best = work(j) / length;
    order = j;
    leap->next = length;
  }
  if (!leap->accepted) leap->next = PetscMin(leap->next, 0.7 * step);
  /* a step cut to reach a time says little about the next one */
  e->order = PetscMax(order, leap->cut ? e->order : LEAST + 1);
}

/* Whether columns up to `last` can still bring the error of column j below the tolerance, if each
   divides it by as much as the last one did. */
static PetscBool is_hopeless(const Extrapolation *e, PetscInt j, PetscInt last,
                             PetscReal tolerance) {
  const PetscReal factor = e->error[j] / e->error[j - 1];
  return (PetscBool)(e->error[j] * pow(factor, (PetscReal)(last - j)) > tolerance);
}

/* Length of the first step: the rate of change over a moment, and a small part of a digit of each
   column. */
static PetscErrorCode first_step(MuIntegrator it, Vec rho, MuLeap *leap) {
  Extrapolation *e = it->data;
  const PetscReal tolerance = it->flow->spec.tolerance, moment = MOMENT * leap->step;
  PetscReal moved;

  PetscFunctionBegin;
  e->order = PetscMax(LEAST + 1, e->columns - 2);
  PetscCall(start_substeps(it, rho));
  PetscCall(e->substep->ops->advance(e->substep, moment, e->state, &leap->outcome));
  leap->substeps++;
  if (leap->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(MuGridDistanceL1(it->flow->grid, e->state, rho, &moved));
  const PetscReal length = 0.5 * moment * pow(tolerance, 1.0 / e->order) * e->mass;
  if (moved > 0) leap->step = PetscMin(leap->step, length / moved);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ positivity */

/* The accepted row: column k, and where that is not positive a lower one; see above. sums: what was
   added, and to how many cells. */
static void raise_cells(PetscReal *const table[], PetscInt k, PetscInt n, PetscReal *restrict x,
                        PetscReal sums[2]) {
  for (PetscInt c = 0; c < n; ++c) {
    PetscInt l = k;
    while (l > 1 && !(table[l][c] > 0)) --l;
    x[c] = table[l][c];
    if (l == k || table[k][c] == x[c]) continue;
    sums[0] += x[c] - table[k][c];
    sums[1]++;
  }
}

static PetscErrorCode give_row(MuIntegrator it, PetscInt i, PetscInt k, Vec row, MuLeap *leap) {
  Extrapolation *e = it->data;
  const MuGridInfo *info = it->flow->info;
  PetscReal sums[2] = {0}, mass, *x;

  PetscFunctionBegin;
  PetscCall(VecGetArray(row, &x));
  raise_cells(e->table[i], k, info->local_size, x, sums);
  PetscCall(VecRestoreArray(row, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, info->comm));
  if (e->conserves) {
    PetscCall(MuGridIntegrate(it->flow->grid, row, &mass));
    PetscCall(VecScale(row, e->mass / mass));
  }
  leap->touched += (PetscInt)sums[1];
  leap->error = PetscMax(leap->error, e->error[k] + 2 * sums[0] * info->volume / e->mass);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the step */

static PetscErrorCode give_rows(MuIntegrator it, PetscInt k, Vec row[MU_ROWS], MuLeap *leap) {
  Extrapolation *e = it->data;

  PetscFunctionBegin;
  leap->error = 0;
  leap->touched = 0;
  for (PetscInt i = 0; i < MU_ROWS; ++i) PetscCall(give_row(it, i, k, row[i], leap));
  e->error[k] = leap->error;
  leap->accepted = (PetscBool)(leap->error <= it->flow->spec.tolerance);
  leap->column = k;
  PetscFunctionReturn(0);
}

static PetscErrorCode extrapolation_leap(MuIntegrator it, Vec rho, Vec row[MU_ROWS], MuLeap *leap) {
  Extrapolation *e = it->data;
  const PetscReal tolerance = it->flow->spec.tolerance;
  PetscInt j = 1;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(it->flow->grid, rho, &e->mass));
  if (!e->order) PetscCall(first_step(it, rho, leap));
  if (leap->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  for (const PetscInt last = PetscMin(e->order + 1, e->columns);; ++j) {
    PetscCall(add_column(it, j, leap->step, rho, leap));
    if (leap->outcome != MU_STEP_OK) PetscFunctionReturn(0);
    if (j < LEAST) continue;
    if (e->error[j] <= tolerance) PetscCall(give_rows(it, j, row, leap));
    if (leap->accepted || j == last || is_hopeless(e, j, last, tolerance)) break;
  }
  choose_next(it, leap->step, j, leap);
  PetscFunctionReturn(0);
}

PetscErrorCode MuExtrapolationColumn(MuFlow flow, PetscInt k, PetscReal step, Vec rho,
                                     Vec row[MU_ROWS]) {
  MuIntegrator it = flow->integrator;
  Extrapolation *e = it->data;
  MuLeap leap = {.outcome = MU_STEP_OK};

  PetscFunctionBegin;
  PetscCheck(it->ops == &MuExtrapolationOps && k >= 1 && k <= e->columns, flow->info->comm,
             PETSC_ERR_ARG_OUTOFRANGE, "the scheme has no column %d", (int)k);
  PetscCall(MuGridIntegrate(flow->grid, rho, &e->mass));
  for (PetscInt j = 1; j <= k; ++j) PetscCall(add_column(it, j, step, rho, &leap));
  PetscCall(give_rows(it, k, row, &leap));
  PetscFunctionReturn(0);
}

static PetscErrorCode extrapolation_describe(MuIntegrator it, char *text, size_t length) {
  Extrapolation *e = it->data;
  char substep[256] = "";

  PetscFunctionBegin;
  if (e->substep->ops->describe)
    PetscCall(e->substep->ops->describe(e->substep, substep, sizeof substep));
  PetscCall(PetscSNPrintf(text, length, "; tolerance %g, at most %d columns; substeps %s%s",
                          it->flow->spec.tolerance, (int)e->columns, e->substep->ops->name,
                          substep));
  PetscFunctionReturn(0);
}

const MuIntegratorOps MuExtrapolationOps = {
    .name = "extrapolation",
    .formula = "transport, alone or with reaction: Lie substeps extrapolated to a tolerance, order "
               "and step chosen (SEULEX): positive, conservative",
    .order = 1,
    .create = extrapolation_create,
    .leap = extrapolation_leap,
    .destroy = extrapolation_destroy,
    .remember = extrapolation_remember,
    .recall = extrapolation_recall,
    .describe = extrapolation_describe,
};
