/* Explicit Runge-Kutta steps to a tolerance, for flows that are not stiff on their grid: transport
   through a kernel whose bandwidth spans several cells.

   A macro step is MU_ROWS steps of the pair of orders 8 and 7 of Prince and Dormand (13 stages;
   GSL's rk8pd), whose difference in L1 over the mass is the estimate of the error; the sum over the
   rows is to be at most the tolerance. Velocities are taken at the positive part of a stage. Where
   the result is not positive a cell takes the value of one first-order substep of the row, the one
   that `extrapolation` uses, which is positive for every step; then the whole is scaled to the mass
   that it must have. What was added counts twice as error of the step.

   Prince and Dormand, High order embedded Runge-Kutta formulae, J. Comput. Appl. Math. 7 (1981);
   Cash and Karp, A variable order Runge-Kutta method, ACM Trans. Math. Softw. 16 (1990). */
#include "flow/flow_impl.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>

#define SAFETY       0.9
#define GROWTH       5    /* of a step at most */
#define DECAY        0.05 /* at least */
#define IDLE         1e-3 /* part of the tolerance below which the high order is wasted */
#define ITERATIONS   12   /* of the power method */
#define PERTURBATION 1e-6 /* part of the mass by which it moves the density */
#define STABLE       5  /* length of the stable interval on the negative axis: 5.5, with reserve */
#define RELAXATION   16 /* steps before the time scale is measured */
#define CONSTANT     1e-5 /* of the error of a step, of the order that one step shows */
#define MOST_STIFF   4    /* times as long as a stable step is an accurate one, at most */

enum { HIGH, LOW, PAIRS };
static const int orders[PAIRS] = {8, 5}, stages[PAIRS] = {13, 6};

typedef struct {
  gsl_odeiv2_step *step[PAIRS];
  PetscInt pair; /* that is used; the memory */
  gsl_odeiv2_system system;
  MuIntegrator substep; /* positive, of first order */
  PetscBool conserves;
  PetscReal mass;      /* before the macro step */
  PetscReal *error;    /* [local_size] of the last row */
  PetscErrorCode code; /* of the last velocity */
  Vec stage, xi, preimage, rate, low;
} RungeKutta;

/* rate = -K DF at the positive part of `stage`, which it leaves there. */
static PetscErrorCode evaluate(MuIntegrator it, Vec rate) {
  RungeKutta *r = it->data;
  MuFlow flow = it->flow;
  Vec preimage = flow->preimage ? r->preimage : NULL;

  PetscFunctionBegin;
  PetscCall(MuFlowPoll(flow));
  PetscCall(MuFlowPositivePart(flow, r->stage, r->stage, NULL));
  PetscCall(MuEnergyEvaluate(flow->energy, r->stage, NULL, NULL, r->xi, preimage));
  PetscCall(MuGeometrySetState(flow->geometry, r->stage));
  PetscCall(MuGeometryApply(flow->geometry, it->kinds, r->xi, preimage, rate));
  PetscCall(VecScale(rate, -1));
  PetscFunctionReturn(0);
}

/* For GSL; an error stays in r->code. */
static int velocity(double t, const double y[], double dydt[], void *ctx) {
  MuIntegrator it = ctx;
  RungeKutta *r = it->data;
  const PetscInt n = it->flow->info->local_size;
  const PetscReal *rate;
  PetscReal *x;

  (void)t;
  r->code = VecGetArray(r->stage, &x);
  if (!r->code) r->code = PetscArraycpy(x, y, n);
  if (!r->code) r->code = VecRestoreArray(r->stage, &x);
  if (!r->code) r->code = evaluate(it, r->rate);
  if (r->code) return GSL_EFAILED;
  r->code = VecGetArrayRead(r->rate, &rate);
  if (!r->code) r->code = PetscArraycpy(dydt, rate, n);
  if (!r->code) r->code = VecRestoreArrayRead(r->rate, &rate);
  return r->code ? GSL_EFAILED : GSL_SUCCESS;
}

/* ------------------------------------------------------------------ creation */

static PetscErrorCode runge_kutta_create(MuIntegrator it) {
  const PetscReal tolerance = it->flow->spec.tolerance;
  const PetscInt n = it->flow->info->local_size;
  MuGrid grid = it->flow->grid;
  RungeKutta *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  it->data = r;
  if (!(it->kinds & MU_PART_TRANSPORT))
    return MuError(MU_ERR_INPUT,
                   "time_scheme: runge_kutta needs a transport part, reactions alone are solved as "
                   "accurately by closed_form or log_density; use auto");
  if (!(tolerance >= MU_LEAST_TOLERANCE && tolerance <= MU_MOST_TOLERANCE))
    return MuError(MU_ERR_INPUT,
                   "time_tolerance: %g is not allowed; runge_kutta takes from %g to %g", tolerance,
                   MU_LEAST_TOLERANCE, MU_MOST_TOLERANCE);
  PetscCall(MuFlowCreateSubstep(it->flow, it->kinds, 0.1 * tolerance, &r->substep));
  PetscCall(MuFlowConservesMass(it->flow, &r->conserves));
  PetscCall(MuGridCreateField(grid, &r->stage));
  PetscCall(MuGridCreateField(grid, &r->xi));
  PetscCall(MuGridCreateField(grid, &r->rate));
  PetscCall(MuGridCreateField(grid, &r->low));
  if (it->flow->preimage) PetscCall(MuGridCreateField(grid, &r->preimage));
  PetscCall(PetscMalloc1(n, &r->error));
  r->system = (gsl_odeiv2_system){.function = velocity, .dimension = (size_t)n, .params = it};
  r->step[HIGH] = gsl_odeiv2_step_alloc(gsl_odeiv2_step_rk8pd, (size_t)n);
  r->step[LOW] = gsl_odeiv2_step_alloc(gsl_odeiv2_step_rkck, (size_t)n);
  if (!r->step[HIGH] || !r->step[LOW])
    return MuError(MU_ERR_NUMERICS, "no memory for the stages of runge_kutta");
  PetscFunctionReturn(0);
}

static PetscErrorCode runge_kutta_destroy(MuIntegrator it) {
  RungeKutta *r = it->data;

  PetscFunctionBegin;
  if (!r) PetscFunctionReturn(0);
  for (int p = 0; p < PAIRS; ++p)
    if (r->step[p]) gsl_odeiv2_step_free(r->step[p]);
  PetscCall(MuIntegratorDestroy(&r->substep));
  PetscCall(VecDestroy(&r->stage));
  PetscCall(VecDestroy(&r->xi));
  PetscCall(VecDestroy(&r->preimage));
  PetscCall(VecDestroy(&r->rate));
  PetscCall(VecDestroy(&r->low));
  PetscCall(PetscFree(r->error));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one row */

/* row = from after dt by the pair; sums: of the moduli of the estimated error over the mass, and
   the number of cells that are not positive. */
static PetscErrorCode apply_pair(MuIntegrator it, PetscReal dt, Vec from, Vec row,
                                 PetscReal sums[2], MuStepOutcome *outcome) {
  RungeKutta *r = it->data;
  const MuGridInfo *info = it->flow->info;
  PetscBool failed;
  PetscReal *y;

  PetscFunctionBegin;
  sums[0] = sums[1] = 0;
  PetscCall(VecCopy(from, row));
  PetscCall(VecGetArray(row, &y));
  r->code = 0;
  (void)gsl_odeiv2_step_apply(r->step[r->pair], 0, dt, y, r->error, NULL, NULL, &r->system);
  for (PetscInt i = 0; i < info->local_size; ++i) {
    sums[0] += fabs(r->error[i]) * info->volume / r->mass;
    sums[1] += info->mask[i] && !(y[i] > 0);
  }
  PetscCall(VecRestoreArray(row, &y));
  PetscCall(MuFlowCatch(it->flow, r->code, &failed));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, info->comm));
  if (failed)
    *outcome = MU_STEP_SOLVER;
  else if (PetscIsInfOrNanReal(sums[0]))
    *outcome = MU_STEP_NOT_FINITE;
  PetscFunctionReturn(0);
}

/* Cells that are not positive take the value of a substep; sums: what was added, to how many. */
static PetscErrorCode raise_cells(MuIntegrator it, PetscReal dt, Vec from, Vec row,
                                  PetscReal sums[2], MuStepOutcome *outcome) {
  RungeKutta *r = it->data;
  const MuGridInfo *info = it->flow->info;
  MuMemory none = {.count = 0};
  const PetscReal *low;
  PetscReal *y;

  PetscFunctionBegin;
  sums[0] = sums[1] = 0;
  PetscCall(VecCopy(from, r->low));
  PetscCall(MuIntegratorRecall(r->substep, &none));
  PetscCall(r->substep->ops->advance(r->substep, dt, r->low, outcome));
  if (*outcome != MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(r->low, &low));
  PetscCall(VecGetArray(row, &y));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    if (y[i] > 0 || y[i] == low[i]) continue;
    sums[0] += (low[i] - y[i]) * info->volume / r->mass;
    sums[1]++;
    y[i] = low[i];
  }
  PetscCall(VecRestoreArray(row, &y));
  PetscCall(VecRestoreArrayRead(r->low, &low));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, info->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode take_row(MuIntegrator it, PetscReal dt, Vec from, Vec row, MuLeap *leap) {
  RungeKutta *r = it->data;
  PetscReal sums[2], raised[2] = {0}, mass;

  PetscFunctionBegin;
  PetscCall(apply_pair(it, dt, from, row, sums, &leap->outcome));
  leap->substeps += stages[r->pair];
  leap->error += sums[0];
  if (leap->outcome != MU_STEP_OK || leap->error > it->flow->spec.tolerance) PetscFunctionReturn(0);
  if (sums[1] > 0) {
    PetscCall(raise_cells(it, dt, from, row, raised, &leap->outcome));
    leap->substeps++;
    leap->error += 2 * raised[0];
    leap->touched += (PetscInt)raised[1];
  }
  if (!r->conserves || leap->outcome != MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(it->flow->grid, row, &mass));
  PetscCall(VecScale(row, r->mass / mass));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the step */

static PetscErrorCode velocity_at(MuIntegrator it, Vec rho, Vec rate, PetscReal *norm) {
  RungeKutta *r = it->data;

  PetscFunctionBegin;
  PetscCall(VecCopy(rho, r->stage));
  PetscCall(evaluate(it, rate));
  PetscCall(MuGridDistanceL1(it->flow->grid, rate, NULL, norm));
  PetscFunctionReturn(0);
}

/* Step whose error is half the tolerance, and the pair that takes it. */
static void choose_next(MuIntegrator it, MuLeap *leap) {
  RungeKutta *r = it->data;
  const PetscReal tolerance = it->flow->spec.tolerance;
  const PetscReal factor =
      leap->error > 0 ? SAFETY * pow(0.5 * tolerance / leap->error, 1.0 / orders[r->pair]) : GROWTH;

  leap->next = leap->step * PetscClipInterval(factor, DECAY, leap->accepted ? GROWTH : 0.7);
  if (r->pair == LOW && !leap->accepted) leap->next = leap->step;
  if (r->pair == HIGH && leap->accepted && leap->cut && leap->error <= IDLE * tolerance)
    r->pair = LOW;
  else if (r->pair == LOW && !(leap->accepted && leap->cut))
    r->pair = HIGH;
}

static PetscErrorCode runge_kutta_leap(MuIntegrator it, Vec rho, Vec row[MU_ROWS], MuLeap *leap) {
  RungeKutta *r = it->data;
  const PetscReal tolerance = it->flow->spec.tolerance;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(it->flow->grid, rho, &r->mass));
  for (PetscInt i = 0; i < MU_ROWS && leap->error <= tolerance; ++i) {
    PetscCall(take_row(it, leap->step / MU_ROWS, i ? row[i - 1] : rho, row[i], leap));
    if (leap->outcome == MU_STEP_OK) continue;
    r->pair = HIGH;
    PetscFunctionReturn(0);
  }
  leap->accepted = (PetscBool)(leap->error <= tolerance);
  choose_next(it, leap);
  PetscFunctionReturn(0);
}

static PetscErrorCode runge_kutta_remember(MuIntegrator it, MuMemory *memory) {
  memory->value[memory->count++] = (PetscReal)((RungeKutta *)it->data)->pair;
  return 0;
}

static PetscErrorCode runge_kutta_recall(MuIntegrator it, MuMemory *memory) {
  ((RungeKutta *)it->data)->pair = memory->value[memory->count++] == LOW ? LOW : HIGH;
  return 0;
}

static PetscErrorCode runge_kutta_describe(MuIntegrator it, char *text, size_t length) {
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, length, "; tolerance %g, explicit steps of order %d or %d",
                          it->flow->spec.tolerance, orders[HIGH], orders[LOW]));
  PetscFunctionReturn(0);
}

const MuIntegratorOps MuRungeKuttaOps = {
    .name = "runge_kutta",
    .formula =
        "transport that is not stiff, alone or with reaction: explicit steps of order 8 or 5 "
        "to a tolerance: positive, conservative",
    .order = 8,
    .create = runge_kutta_create,
    .leap = runge_kutta_leap,
    .destroy = runge_kutta_destroy,
    .remember = runge_kutta_remember,
    .recall = runge_kutta_recall,
    .describe = runge_kutta_describe,
};

/* ------------------------------------------------------------------ stiffness */

/* The density, with every other cell more or less: what a fast mode of the grid looks like. */
static PetscErrorCode roughen(MuFlow flow, Vec rho, Vec rough) {
  const MuGridInfo *info = flow->info;
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArray(rough, &y));
  for (PetscInt i = 0; i < info->local_size; ++i)
    y[i] = (info->first_row + i / info->row_length + i % info->row_length) % 2 ? x[i] : -x[i];
  PetscCall(VecRestoreArray(rough, &y));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscFunctionReturn(0);
}

/* Modulus of the largest eigenvalue of the derivative of -K DF at rho, by the power method with
   differences. work: three fields. */
static PetscErrorCode largest_rate(MuIntegrator it, Vec rho, Vec work[3], PetscReal *largest) {
  RungeKutta *r = it->data;
  MuGrid grid = it->flow->grid;
  PetscReal size, norm;

  PetscFunctionBegin;
  PetscCall(velocity_at(it, rho, work[0], &norm));
  PetscCall(roughen(it->flow, rho, work[1]));
  *largest = 0;
  for (int k = 0; k < ITERATIONS; ++k) {
    PetscCall(MuGridDistanceL1(grid, work[1], NULL, &norm));
    if (!(norm > 0)) break;
    size = PERTURBATION * r->mass;
    PetscCall(VecScale(work[1], size / norm));
    PetscCall(VecWAXPY(work[2], 1, work[1], rho));
    PetscCall(velocity_at(it, work[2], work[1], &norm));
    PetscCall(VecAXPY(work[1], -1, work[0]));
    PetscCall(MuGridDistanceL1(grid, work[1], NULL, &norm));
    *largest = norm / size;
  }
  PetscFunctionReturn(0);
}

/* Past what fast modes of the start do: Euler steps of the inverse of the largest rate. */
static PetscErrorCode relax(MuIntegrator it, PetscReal dt, Vec rho) {
  RungeKutta *r = it->data;
  PetscReal speed;

  PetscFunctionBegin;
  for (int k = 0; k < RELAXATION; ++k) {
    PetscCall(velocity_at(it, rho, r->rate, &speed));
    PetscCall(VecAXPY(rho, dt, r->rate));
    PetscCall(MuFlowPositivePart(it->flow, rho, rho, NULL));
  }
  PetscFunctionReturn(0);
}

/* Time in which the velocity changes by as much as it is: |f|/|f' f|, f = -K DF; the distance that
   mass moves in it. */
static PetscErrorCode time_scale(MuIntegrator it, Vec rho, Vec work[3], PetscReal *scale,
                                 PetscReal *distance) {
  RungeKutta *r = it->data;
  PetscReal speed, change;

  PetscFunctionBegin;
  *scale = *distance = 0;
  PetscCall(velocity_at(it, rho, work[0], &speed));
  if (!(speed > 0)) PetscFunctionReturn(0);
  const PetscReal moment = PERTURBATION * r->mass / speed;
  PetscCall(VecWAXPY(work[2], moment, work[0], rho));
  PetscCall(velocity_at(it, work[2], work[1], &change));
  PetscCall(MuGridDistanceL1(it->flow->grid, work[1], work[0], &change));
  *scale = change > 0 ? moment * speed / change : it->flow->spec.end;
  *distance = *scale * speed / r->mass;
  PetscFunctionReturn(0);
}

/* Longest stable and longest accurate step; 0: not known. The error of a step h is taken to be
   CONSTANT * distance * (h/scale)^8. */
static PetscErrorCode measure(MuIntegrator it, Vec rho, Vec work[3], PetscReal *stable,
                              PetscReal *accurate) {
  RungeKutta *r = it->data;
  const PetscReal end = it->flow->spec.end, tolerance = it->flow->spec.tolerance;
  PetscReal rate = 0, scale, distance;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(it->flow->grid, rho, &r->mass));
  PetscCall(largest_rate(it, rho, work, &rate));
  PetscCall(VecCopy(rho, r->low));
  PetscCall(relax(it, PetscMin(rate > 0 ? 1 / rate : end, end / RELAXATION), r->low));
  PetscCall(time_scale(it, r->low, work, &scale, &distance));
  *stable = PetscMin(rate > 0 ? STABLE / rate : end, end);
  *accurate = end;
  if (distance > 0)
    *accurate =
        PetscMin(end, scale * pow(0.5 * tolerance / (CONSTANT * distance), 1.0 / orders[HIGH]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRungeKuttaSuits(MuFlow flow, PetscInt kinds, Vec rho, PetscBool *suits,
                                 char why[MU_STIFFNESS_WHY]) {
  MuIntegrator it = NULL;
  PetscReal stable = 0, accurate = 0;
  Vec work[3];

  PetscFunctionBegin;
  for (int k = 0; k < 3; ++k) PetscCall(MuGridCreateField(flow->grid, &work[k]));
  PetscErrorCode code = MuIntegratorCreate(flow, &MuRungeKuttaOps, kinds, 0, &it);
  if (!code) code = measure(it, rho, work, &stable, &accurate);
  PetscCall(MuIntegratorDestroy(&it));
  for (int k = 0; k < 3; ++k) PetscCall(VecDestroy(&work[k]));
  PetscCall(MuFlowCatch(flow, code, suits));
  *suits = (PetscBool)(!*suits && stable > 0 && accurate > 0 && accurate <= MOST_STIFF * stable);
  PetscCall(PetscSNPrintf(why, MU_STIFFNESS_WHY,
                          "transport to a tolerance, %s: at the start explicit steps of %.2g are "
                          "stable, and of %.2g accurate",
                          *suits ? "not stiff" : "stiff", (double)stable, (double)accurate));
  PetscFunctionReturn(0);
}
