/* Flows whose integrator finds its own steps: a leap to several accurate rows at once, which are
   then handed out one by one, each with the state before it, as if they were steps.

   The last row of a leap, or an earlier one, falls on the time that is to be reached. What is left
   of a leap when it cannot be handed out (an earlier time is asked for) is dropped. */
#include "flow/flow_impl.h"
#include "record/checkpoint.h"

#include <petsc/private/tsimpl.h>

#define SLACK           1e-9 /* of a step: rounding */
#define MOST_REJECTIONS 60
#define ALIGNED         1e-6 /* of a row's distance from the next */

PetscErrorCode MuFlowCreateRows(MuFlow flow) {
  PetscFunctionBegin;
  if (!flow->integrator->ops->leap) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < MU_ROWS; ++i)
    PetscCall(MuGridCreateField(flow->grid, &flow->rows.state[i]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowDestroyRows(MuFlow flow) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < MU_ROWS; ++i) PetscCall(VecDestroy(&flow->rows.state[i]));
  PetscFunctionReturn(0);
}

/* Energies of the rows; a rise beyond rounding from one to the next rejects them all. */
static PetscErrorCode guard_rows(MuFlow flow) {
  MuRows *r = &flow->rows;
  PetscReal before = flow->energy_value;
  PetscBool rises;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < MU_ROWS && flow->outcome == MU_STEP_OK; ++i) {
    PetscCall(MuEnergyEvaluate(flow->energy, r->state[i], &r->energy[i], r->terms[i], NULL, NULL));
    PetscCall(MuFlowEnergyRises(flow, r->state[i], before, r->energy[i], &rises));
    if (PetscIsInfOrNanReal(r->energy[i]))
      flow->outcome = MU_STEP_NOT_FINITE;
    else if (rises)
      flow->outcome = MU_STEP_ENERGY;
    before = r->energy[i];
  }
  PetscFunctionReturn(0);
}

/* One attempt over leap->step, all checks included. */
static PetscErrorCode attempt(MuFlow flow, MuLeap *leap) {
  PetscErrorCode code;
  PetscBool failed;

  PetscFunctionBegin;
  leap->outcome = MU_STEP_OK;
  leap->accepted = PETSC_FALSE;
  leap->error = leap->next = 0;
  leap->substeps = leap->touched = leap->column = 0;
  flow->failure[0] = 0;
  flow->outcome = MU_STEP_OK;
  code = flow->integrator->ops->leap(flow->integrator, flow->rho, flow->rows.state, leap);
  PetscCall(MuFlowCatch(flow, code, &failed));
  flow->tried_step = leap->step;
  flow->effort.substeps += leap->substeps;
  flow->outcome = failed ? MU_STEP_SOLVER : leap->outcome;
  if (flow->stopped) flow->outcome = MU_STEP_STOPPED;
  for (PetscInt i = 0; i < MU_ROWS && leap->accepted && flow->outcome == MU_STEP_OK; ++i)
    PetscCall(MuFlowInspect(flow, flow->rows.state[i], &flow->outcome));
  if (leap->accepted && flow->outcome == MU_STEP_OK) PetscCall(guard_rows(flow));
  if (flow->outcome == MU_STEP_OK) PetscFunctionReturn(0);
  leap->accepted = PETSC_FALSE;
  leap->next = leap->step / 4;
  PetscFunctionReturn(0);
}

/* Whether rows at multiples of `spacing` from an output time on fall on all later ones, if these
   are as far apart as the last two were. */
static PetscBool meets_outputs(const MuRows *r, PetscReal spacing) {
  const PetscReal turns = r->interval / spacing;
  return (PetscBool)(PetscAbsReal(turns - PetscFloorReal(turns + 0.5)) < ALIGNED);
}

/* The step that is planned, far from the time that is asked for. Nearer to it one of at most that
   length whose rows are `rest` over a whole number apart: the longest one, if it does not pass that
   time; beyond it, but not beyond the end, the longest one whose rows fall on the output times that
   follow, so that no row is in vain and no later step is cut; else it ends at that time. */
static PetscReal fit_step(MuFlow flow, PetscReal rest, PetscReal planned) {
  const PetscReal left = PetscMax(rest, flow->spec.end - flow->time);
  const PetscReal least = PetscMax(1, PetscCeilReal(MU_ROWS * rest / planned * (1 - SLACK)));
  if (least > MU_ROWS * MU_ROWS) return planned;
  PetscInt parts = (PetscInt)least;
  for (; parts < MU_ROWS; ++parts)
    if (MU_ROWS * rest <= parts * left * (1 + SLACK) && meets_outputs(&flow->rows, rest / parts))
      break;
  return MU_ROWS * rest / parts;
}

static void accept(MuFlow flow, const MuLeap *leap) {
  MuEffort *effort = &flow->effort;
  MuRows *r = &flow->rows;

  for (PetscInt i = 0; i < MU_ROWS; ++i) r->time[i] = flow->time + leap->step * (i + 1) / MU_ROWS;
  r->slack = SLACK * leap->step;
  r->next = 0;
  r->count = MU_ROWS;
  effort->leaps++;
  effort->error += leap->error;
  effort->touched += leap->touched;
  effort->lowest = effort->leaps == 1 ? leap->column : PetscMin(effort->lowest, leap->column);
  effort->highest = PetscMax(effort->highest, leap->column);
}

/* As if the step had not begun. */
static PetscErrorCode take_back(MuFlow flow, MuMemory memory, PetscInt rejected,
                                PetscInt substeps) {
  PetscFunctionBegin;
  memory.count = 0;
  PetscCall(MuIntegratorRecall(flow->integrator, &memory));
  flow->rejected = rejected;
  flow->effort.substeps = substeps;
  PetscFunctionReturn(0);
}

/* Tries until rows are there; none: *found is false, and flow->outcome says why. */
static PetscErrorCode find_rows(MuFlow flow, PetscReal rest, PetscBool *found) {
  const PetscReal longest = flow->spec.free_step ? PETSC_MAX_REAL : MU_ROWS * flow->spec.step;
  MuLeap leap = {.step = 0};
  PetscReal first = 0;

  PetscFunctionBegin;
  *found = PETSC_FALSE;
  for (PetscInt rejections = 0; rejections <= MOST_REJECTIONS; ++rejections) {
    const PetscBool known = (PetscBool)(flow->adapted_step > 0);
    const PetscReal planned = PetscMin(known ? flow->adapted_step : PETSC_MAX_REAL, longest);
    leap.step = fit_step(flow, rest, planned);
    leap.cut = (PetscBool)(known && leap.step < planned * (1 - SLACK));
    PetscCall(attempt(flow, &leap));
    if (!rejections) first = leap.step;
    flow->adapted_step = leap.next;
    if (leap.accepted) {
      if (leap.cut && leap.next > leap.step) flow->adapted_step = PetscMax(leap.next, planned);
      accept(flow, &leap);
      MuFlowCountCuts(flow, rejections, first, leap.step);
      *found = PETSC_TRUE;
      PetscFunctionReturn(0);
    }
    if (flow->outcome == MU_STEP_STOPPED) break;
    flow->rejected++;
    if (flow->outcome == MU_STEP_STIFF || flow->time + leap.next / 8 == flow->time) break;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ checkpoints */

enum { NUMBERS = 10 };

static void list_numbers(MuFlow flow, MuNamedNumber list[NUMBERS + 1]) {
  MuEffort *e = &flow->effort;
  MuRows *r = &flow->rows;
  const MuNamedNumber all[NUMBERS + 1] = {
      {"count", .count = &r->count},     {"next", .count = &r->next},
      {"slack", .real = &r->slack},      {"interval", .real = &r->interval},
      {"leaps", .count = &e->leaps},     {"substeps", .count = &e->substeps},
      {"lowest", .count = &e->lowest},   {"highest", .count = &e->highest},
      {"touched", .count = &e->touched}, {"error", .real = &e->error}};
  memcpy(list, all, sizeof all);
}

static void name_row(PetscInt i, char name[16]) {
  (void)PetscSNPrintf(name, 16, "row_%d", (int)i);
}

PetscErrorCode MuFlowSaveRows(MuFlow flow, MuCheckpoint checkpoint) {
  MuNamedNumber list[NUMBERS + 1];
  const MuRows *r = &flow->rows;
  char name[16];

  PetscFunctionBegin;
  if (!r->state[0]) PetscFunctionReturn(0);
  list_numbers(flow, list);
  PetscCall(MuCheckpointPutNamed(checkpoint, "rows", list));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "rows.time", MU_ROWS, r->time));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "rows.energy", MU_ROWS, r->energy));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "rows.terms", MU_ROWS * MU_MAX_TERMS, r->terms[0]));
  for (PetscInt i = r->next; i < r->count; ++i) {
    name_row(i, name);
    PetscCall(MuCheckpointPutField(checkpoint, flow->grid, name, r->state[i]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowLoadRows(MuFlow flow, MuCheckpoint checkpoint) {
  MuNamedNumber list[NUMBERS + 1];
  MuRows *r = &flow->rows;
  char name[16];

  PetscFunctionBegin;
  if (!r->state[0]) PetscFunctionReturn(0);
  list_numbers(flow, list);
  PetscCall(MuCheckpointGetNamed(checkpoint, "rows", list));
  if (!(r->count >= 0 && r->count <= MU_ROWS && r->next >= 0))
    return MuError(MU_ERR_FILE, "the checkpoint holds %d rows of a macro step; at most %d can be",
                   (int)r->count, MU_ROWS);
  PetscCall(MuCheckpointGetNumbers(checkpoint, "rows.time", MU_ROWS, r->time));
  PetscCall(MuCheckpointGetNumbers(checkpoint, "rows.energy", MU_ROWS, r->energy));
  PetscCall(MuCheckpointGetNumbers(checkpoint, "rows.terms", MU_ROWS * MU_MAX_TERMS, r->terms[0]));
  for (PetscInt i = r->next; i < r->count; ++i) {
    name_row(i, name);
    PetscCall(MuCheckpointGetField(checkpoint, flow->grid, name, r->state[i]));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ rows */

/* The next row becomes the state. */
static PetscErrorCode hand_out(MuFlow flow, TS ts) {
  MuRows *r = &flow->rows;
  const PetscInt i = r->next++;
  const PetscReal time = fabs(r->time[i] - ts->max_time) <= r->slack ? ts->max_time : r->time[i];

  PetscFunctionBegin;
  PetscCall(VecCopy(flow->rho, flow->before));
  PetscCall(VecCopy(r->state[i], flow->rho));
  flow->energy_value = r->energy[i];
  PetscCall(PetscArraycpy(flow->energy_terms, r->terms[i], MU_MAX_TERMS));
  PetscCall(MuFlowScaleEnergy(flow));
  flow->last_step = time - ts->ptime;
  flow->accepted++;
  ts->ptime = time;
  ts->time_step = flow->last_step;
  PetscFunctionReturn(0);
}

/* New rows; *found is false where there are none, and the state is that before. */
static PetscErrorCode renew_rows(MuFlow flow, PetscReal rest, PetscBool *found) {
  const PetscReal planned = flow->adapted_step;
  const PetscInt rejected = flow->rejected, substeps = flow->effort.substeps;
  MuMemory memory = {.count = 0};

  PetscFunctionBegin;
  PetscCall(MuIntegratorRemember(flow->integrator, &memory));
  PetscCall(find_rows(flow, rest, found));
  if (*found) PetscFunctionReturn(0);
  flow->adapted_step = planned;
  if (flow->outcome == MU_STEP_STOPPED) PetscCall(take_back(flow, memory, rejected, substeps));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowStepRow(TS ts) {
  MuFlow flow;
  MuRows *r;
  PetscBool stop, found = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &flow));
  PetscCall(MuFlowBeginStep(flow, &stop));
  r = &flow->rows;
  if (!stop && r->next < r->count && r->time[r->next] > ts->max_time + r->slack) r->count = 0;
  if (!stop && r->next >= r->count) PetscCall(renew_rows(flow, ts->max_time - ts->ptime, &found));
  if (stop || !found) {
    ts->reason = TS_DIVERGED_STEP_REJECTED;
    PetscFunctionReturn(0);
  }
  PetscCall(hand_out(flow, ts));
  PetscFunctionReturn(0);
}
