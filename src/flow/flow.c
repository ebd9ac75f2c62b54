/* MuFlow: a PETSc TS whose type is one of mudot's schemes, with step control, exact output times
 * and the energy guard. */
#include "base/stopped.h"
#include "facts/facts.h"
#include "flow/flow_impl.h"
#include "flow/preparation.h"
#include "record/checkpoint.h"

#include <petsc/private/tsimpl.h>
#include <string.h>

void MuFlowSpecDefault(MuFlowSpec *spec) {
  memset(spec, 0, sizeof *spec);
  spec->scheme = "auto";
  spec->tolerance = 1e-8;
  spec->guard = PETSC_TRUE;
}

static const char *outcome_sentence(MuFlow flow) {
  if (flow->outcome == MU_STEP_DIVERGED && !(flow->integrator->kinds & MU_PART_TRANSPORT))
    return "the integrator did not converge";
  switch (flow->outcome) {
  case MU_STEP_DIVERGED:
    return "the nonlinear solver did not converge (where mass piles up without diffusion, "
           "geometry_face_mean upwind is monotone)";
  case MU_STEP_NEGATIVE:
    return "the density became negative, which this geometry and energy do not forbid";
  case MU_STEP_NOT_FINITE:
    return "the density was no longer finite";
  case MU_STEP_ENERGY:
    return "the energy rose";
  case MU_STEP_SOLVER:
    return flow->failure;
  case MU_STEP_STIFF:
    return "the reaction is too fast for explicit inner steps (scheme discrete_gradient is "
           "implicit)";
  default:
    return "the error of a step stays above time_tolerance";
  }
}

/* ------------------------------------------------------------------ TS */

static PetscErrorCode create_ts_type(TS ts) {
  PetscFunctionBegin;
  ts->ops->step = MuFlowStep;
  ts->default_adapt_type = TSADAPTNONE;
  ts->usessnes = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode post_step(TS ts) {
  MuFlow flow;

  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &flow));
  if (ts->reason == TS_DIVERGED_STEP_REJECTED) PetscFunctionReturn(0);
  flow->time = ts->ptime;
  if (flow->callback)
    PetscCall(flow->callback(flow->callback_ctx, flow, flow->time, flow->last_step, flow->before,
                             flow->rho));
  if (flow->stop) PetscCall(TSSetConvergedReason(ts, TS_CONVERGED_USER));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

/* mudot's schemes are TS types of their own: mudot_implicit_euler, ... */
static PetscErrorCode register_ts_types(void) {
  static PetscBool done = PETSC_FALSE;
  const char *name, *formula;
  char type[64];

  PetscFunctionBegin;
  if (done) PetscFunctionReturn(0);
  done = PETSC_TRUE;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuSchemeGetTableRow(i, &name, &formula));
    if (!name) break;
    PetscCall(PetscSNPrintf(type, sizeof type, "mudot_%s", name));
    PetscCall(TSRegister(type, create_ts_type));
  }
  PetscCall(PetscSNPrintf(type, sizeof type, "mudot_%s", MuGradientOrProximalOps.name));
  PetscCall(TSRegister(type, create_ts_type));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_ts(MuFlow flow) {
  char type[64];

  PetscFunctionBegin;
  PetscCall(register_ts_types());
  PetscCall(TSCreate(flow->info->comm, &flow->ts));
  PetscCall(PetscSNPrintf(type, sizeof type, "mudot_%s", flow->integrator->ops->name));
  PetscCall(TSSetType(flow->ts, type));
  PetscCall(TSSetApplicationContext(flow->ts, flow));
  PetscCall(TSSetProblemType(flow->ts, TS_NONLINEAR));
  PetscCall(TSSetMaxSteps(flow->ts, PETSC_MAX_INT));
  PetscCall(TSSetExactFinalTime(flow->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetErrorIfStepFails(flow->ts, PETSC_FALSE));
  if (flow->integrator->ops->leap) flow->ts->ops->step = MuFlowStepRow;
  PetscCall(TSSetPostStep(flow->ts, post_step));
  PetscCall(TSSetSolution(flow->ts, flow->rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode choose_scheme(MuFlow flow) {
  const MuIntegratorOps *ops = NULL;
  const char *why = "asked for", *missing = "";
  PetscInt kinds;
  size_t used;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetKinds(flow->geometry, &kinds));
  if (flow->spec.scheme) PetscCall(MuSchemeFind(flow->spec.scheme, &ops));
  if (!ops && flow->spec.free_step) {
    PetscCall(MuFlowChooseByTolerance(flow, kinds, &ops, &why));
    if (!ops) missing = why;
  }
  if (!ops) PetscCall(MuFlowChooseScheme(flow, kinds, &ops, &why));
  PetscCall(MuIntegratorCreate(flow, ops, kinds, 0, &flow->integrator));
  PetscCall(PetscStrncpy(flow->scheme, flow->integrator->ops->name, sizeof flow->scheme));
  PetscCall(PetscSNPrintf(flow->why, sizeof flow->why, "%s: %s", flow->scheme, why));
  PetscCall(PetscStrlen(flow->why, &used));
  if (missing[0])
    PetscCall(PetscSNPrintf(flow->why + used, sizeof flow->why - used,
                            "; the tolerance is not kept: %s, steps are of %g", missing,
                            flow->spec.step));
  PetscCall(PetscStrlen(flow->why, &used));
  if (flow->integrator->ops->describe)
    PetscCall(flow->integrator->ops->describe(flow->integrator, flow->why + used,
                                              sizeof flow->why - used));
  PetscFunctionReturn(0);
}

/* A linear exact step under `spherical` belongs to equal masses alone. */
static PetscErrorCode compare_masses(MuFlow f, Vec initial) {
  MuSystem system;
  Vec log_target;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetLogTarget(f->energy, &log_target));
  PetscCall(MuSystemCompareMasses(&system, f->grid, log_target, initial));
  f->unequal = system.unequal;
  PetscFunctionReturn(0);
}

/* The first part that carries what DF is in one cell to others, and the first term whose DF grows
   like a power where rho = 0; -1: none. */
static PetscErrorCode find_singular(MuFlow f, PetscInt *part, PetscInt *term) {
  const MuGeometrySpec *geometry;
  const MuEnergySpec *energy;
  MuPartTraits p;
  MuTermTraits t;

  PetscFunctionBegin;
  *part = *term = -1;
  PetscCall(MuGeometryGetSpec(f->geometry, &geometry));
  PetscCall(MuEnergyGetSpec(f->energy, &energy));
  for (PetscInt k = geometry->parts - 1; k >= 0; --k) {
    PetscCall(MuGeometryGetTraits(geometry, k, &p));
    if (p.kind == MU_PART_TRANSPORT && !p.local) *part = k;
  }
  for (PetscInt k = energy->terms - 1; k >= 0; --k) {
    PetscCall(MuEnergyGetTraits(energy, k, &t));
    if (t.power < 1 || t.density_power < 1) *term = k;
  }
  PetscFunctionReturn(0);
}

#define INFINITE 1e150 /* DF is 1e154 at the smallest number in the place of 0 */

/* DF infinite in empty cells, and an operator that carries it everywhere: the flow has no velocity
   at the start, and no step is short enough. */
static PetscErrorCode refuse_singular(MuFlow f) {
  const MuGeometrySpec *geometry;
  const MuEnergySpec *energy;
  PetscInt part, term;
  PetscReal rate;

  PetscFunctionBegin;
  PetscCall(find_singular(f, &part, &term));
  if (part < 0 || term < 0) PetscFunctionReturn(0);
  PetscCall(MuGeometryGetSpec(f->geometry, &geometry));
  PetscCall(MuEnergyGetSpec(f->energy, &energy));
  PetscCall(MuGeometrySetState(f->geometry, f->rho));
  PetscCall(MuEnergyEvaluate(f->energy, f->rho, NULL, NULL, f->before, NULL));
  PetscCall(MuGeometryApply(f->geometry, MU_PART_TRANSPORT, f->before, NULL, f->full));
  PetscCall(MuGridInner(f->grid, f->before, f->full, &rate));
  if (rate < INFINITE) PetscFunctionReturn(0);
  return MuError(
      MU_ERR_INPUT,
      "initial: it is 0 or next to it in cells where the derivative of the energy `%s` then is "
      "infinite, and the geometry `%s` carries that everywhere: the flow has no "
      "velocity; set initial_background above 0",
      energy->term[term].name, geometry->part[part].name);
}

static PetscErrorCode build(MuFlow f, MuGrid grid, MuEnergy energy, MuGeometry geometry,
                            Vec initial) {
  PetscFunctionBegin;
  PetscCall(MuGridReference(grid));
  f->grid = grid;
  PetscCall(MuGridGetInfo(grid, &f->info));
  PetscCall(MuEnergyReference(energy));
  f->energy = energy;
  PetscCall(MuGeometryReference(geometry));
  f->geometry = geometry;
  PetscCall(MuGridCreateField(grid, &f->rho));
  PetscCall(MuGridCreateField(grid, &f->before));
  PetscCall(MuGridCreateField(grid, &f->full));
  PetscCall(MuGridCreateField(grid, &f->derivative));
  PetscCall(MuFlowPrepare(grid, energy, geometry, &f->preimage));
  if (!f->preimage) PetscCall(MuGeometryCheckInvertible(geometry));
  PetscCall(compare_masses(f, initial));
  PetscCall(VecCopy(initial, f->rho)); /* the choice may measure there */
  PetscCall(MuGridApplyMask(grid, f->rho));
  PetscCall(choose_scheme(f));
  PetscCall(MuFlowCreateRows(f));
  PetscCall(create_ts(f));
  PetscCall(MuFlowSetState(f, 0, initial));
  PetscCall(refuse_singular(f));
  PetscFunctionReturn(0);
}

/* What has no energy or velocity at the start is refused there. */
static PetscErrorCode refused(PetscErrorCode code) {
  char sentence[1000];
  if (code != MU_ERR_NUMERICS) return code;
  (void)PetscSNPrintf(sentence, sizeof sentence, "%s", MuErrorMessage());
  return MuError(MU_ERR_INPUT, "%s", sentence);
}

PetscErrorCode MuFlowCreate(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec initial,
                            const MuFlowSpec *spec, MuFlow *flow) {
  PetscErrorCode failed;

  PetscFunctionBegin;
  *flow = NULL;
  if (!(spec->step > 0) || PetscIsInfOrNanReal(spec->step))
    return MuError(MU_ERR_INPUT, "time_step: %g is not allowed; it must be positive", spec->step);
  if (!(spec->tolerance > 0))
    return MuError(MU_ERR_INPUT, "time_tolerance: %g is not allowed; it must be positive",
                   spec->tolerance);
  PetscCall(PetscNew(flow));
  (*flow)->spec = *spec;
  failed = refused(build(*flow, grid, energy, geometry, initial));
  if (failed) PetscCall(MuFlowDestroy(flow));
  PetscCall(failed);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowDestroy(MuFlow *flow) {
  MuFlow f = *flow;

  PetscFunctionBegin;
  *flow = NULL;
  if (!f) PetscFunctionReturn(0);
  PetscCall(TSDestroy(&f->ts));
  PetscCall(MuIntegratorDestroy(&f->integrator));
  PetscCall(MuFlowDestroyRows(f));
  PetscCall(VecDestroy(&f->rho));
  PetscCall(VecDestroy(&f->before));
  PetscCall(VecDestroy(&f->full));
  PetscCall(VecDestroy(&f->derivative));
  PetscCall(VecDestroy(&f->derivative_before));
  PetscCall(VecDestroy(&f->multiplier));
  PetscCall(MuEnergyDestroy(&f->energy));
  PetscCall(MuGeometryDestroy(&f->geometry));
  PetscCall(MuGridDestroy(&f->grid));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowSetState(MuFlow flow, PetscReal time, Vec density) {
  PetscFunctionBegin;
  PetscCall(VecCopy(density, flow->rho));
  PetscCall(MuGridApplyMask(flow->grid, flow->rho));
  PetscCall(MuFlowInspect(flow, flow->rho, &flow->outcome));
  if (flow->outcome != MU_STEP_OK)
    return MuError(MU_ERR_INPUT, "initial: the density is not finite and non-negative everywhere");
  flow->time = flow->interval_end = time;
  flow->adapted_step = flow->integrator->ops->leap ? 0 : flow->spec.step;
  flow->rows.count = flow->rows.next = 0;
  flow->memory = (MuMemory){.count = 0};
  PetscCall(MuIntegratorRecall(flow->integrator, &flow->memory));
  flow->halved_step = PETSC_MAX_REAL;
  flow->hold = PETSC_FALSE;
  PetscCall(MuEnergyEvaluate(flow->energy, flow->rho, &flow->energy_value, flow->energy_terms, NULL,
                             NULL));
  PetscCall(MuFlowEvaluateDerivative(flow));
  if (PetscIsInfOrNanReal(flow->energy_value))
    return MuError(MU_ERR_INPUT,
                   "initial: its energy is infinite, it has mass where the target vanishes or is "
                   "too small for this energy");
  flow->energy_scale = 0;
  PetscCall(MuFlowScaleEnergy(flow));
  PetscFunctionReturn(0);
}

static PetscErrorCode failed_to_advance(MuFlow flow) {
  return MuError(MU_ERR_NUMERICS, "the flow stopped at t = %g: %s, even with a step of %.3g (%s)",
                 flow->time, outcome_sentence(flow), flow->tried_step, flow->scheme);
}

PetscErrorCode MuFlowAdvance(MuFlow flow, PetscReal time) {
  TSConvergedReason reason;

  PetscFunctionBegin;
  flow->stop = PETSC_FALSE;
  if (time <= flow->time) PetscFunctionReturn(0);
  MuFlowBeginInterval(flow, time);
  PetscCall(TSSetTime(flow->ts, flow->time));
  PetscCall(TSSetTimeStep(flow->ts, PetscMin(time - flow->time, flow->interval_step)));
  PetscCall(TSSetMaxTime(flow->ts, time));
  PetscCall(TSSolve(flow->ts, NULL));
  PetscCall(TSGetConvergedReason(flow->ts, &reason));
  if (reason < 0 && flow->outcome == MU_STEP_STOPPED) PetscFunctionReturn(MU_STOPPED);
  if (reason < 0) PetscCall(failed_to_advance(flow));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowStop(MuFlow flow) {
  flow->stop = PETSC_TRUE;
  return 0;
}

PetscErrorCode MuFlowSetStepCallback(MuFlow flow, MuStepCallback callback, void *ctx) {
  flow->callback = callback;
  flow->callback_ctx = ctx;
  return 0;
}

PetscErrorCode MuFlowGetState(MuFlow flow, PetscReal *time, Vec *density) {
  if (time) *time = flow->time;
  if (density) *density = flow->rho;
  return 0;
}

PetscErrorCode MuFlowGetEnergy(MuFlow flow, PetscReal *value, PetscReal terms[]) {
  PetscInt count;

  PetscFunctionBegin;
  *value = flow->energy_value;
  if (terms) {
    PetscCall(MuEnergyGetTerms(flow->energy, &count, NULL, NULL));
    PetscCall(PetscArraycpy(terms, flow->energy_terms, count));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowGetScheme(MuFlow flow, const char **name, PetscInt *order, const char **why) {
  if (name) *name = flow->scheme;
  if (order) *order = flow->integrator->order;
  if (why) *why = flow->why;
  return 0;
}

PetscErrorCode MuFlowGetSteps(MuFlow flow, PetscInt *accepted, PetscInt *rejected) {
  if (accepted) *accepted = flow->accepted;
  if (rejected) *rejected = flow->rejected;
  return 0;
}

PetscErrorCode MuFlowLeaps(MuFlow flow, PetscBool *leaps) {
  *leaps = (PetscBool)(flow->integrator->ops->leap != NULL);
  return 0;
}

PetscErrorCode MuFlowGetEffort(MuFlow flow, MuEffort *effort) {
  *effort = flow->effort;
  return 0;
}

PetscErrorCode MuFlowHasExactBalance(MuFlow flow, PetscBool *exact) {
  *exact = (PetscBool)(flow->integrator->ops->exact_balance && !flow->hold);
  return 0;
}

PetscErrorCode MuFlowGetParts(MuFlow flow, MuGrid *grid, MuEnergy *energy, MuGeometry *geometry) {
  if (grid) *grid = flow->grid;
  if (energy) *energy = flow->energy;
  if (geometry) *geometry = flow->geometry;
  return 0;
}

/* ------------------------------------------------------------------ checkpoints */

/* The numbers that are kept, by name. */
enum { NUMBERS = 14 };

static void list_numbers(MuFlow flow, MuNamedNumber list[NUMBERS + 1]) {
  const MuNamedNumber all[NUMBERS + 1] = {{"time", .real = &flow->time},
                                          {"interval_end", .real = &flow->interval_end},
                                          {"interval_step", .real = &flow->interval_step},
                                          {"adapted_step", .real = &flow->adapted_step},
                                          {"last_step", .real = &flow->last_step},
                                          {"accepted", .count = &flow->accepted},
                                          {"rejected", .count = &flow->rejected},
                                          {"energy_value", .real = &flow->energy_value},
                                          {"energy_scale", .real = &flow->energy_scale},
                                          {"halved_step", .real = &flow->halved_step},
                                          {"cuts", .count = &flow->cuts.times},
                                          {"cuts_planned", .real = &flow->cuts.planned},
                                          {"cuts_taken", .real = &flow->cuts.taken},
                                          {"hold", .flag = &flow->hold}};
  memcpy(list, all, sizeof all);
}

PetscErrorCode MuFlowSave(MuFlow flow, MuCheckpoint checkpoint) {
  MuNamedNumber list[NUMBERS + 1];
  MuMemory memory = {.count = 0};

  PetscFunctionBegin;
  list_numbers(flow, list);
  PetscCall(MuIntegratorRemember(flow->integrator, &memory));
  PetscCall(MuCheckpointPutField(checkpoint, flow->grid, "density", flow->rho));
  PetscCall(MuCheckpointPutNamed(checkpoint, "flow", list));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "energy_terms", MU_MAX_TERMS, flow->energy_terms));
  PetscCall(MuCheckpointPutNumbers(checkpoint, "memory", MU_MEMORY, memory.value));
  PetscCall(MuFlowSaveRows(flow, checkpoint));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFlowLoad(MuFlow flow, MuCheckpoint checkpoint) {
  MuNamedNumber list[NUMBERS + 1];
  MuMemory memory = {.count = 0};

  PetscFunctionBegin;
  list_numbers(flow, list);
  PetscCall(MuCheckpointGetNamed(checkpoint, "flow", list));
  PetscCall(MuCheckpointGetNumbers(checkpoint, "energy_terms", MU_MAX_TERMS, flow->energy_terms));
  PetscCall(MuCheckpointGetNumbers(checkpoint, "memory", MU_MEMORY, memory.value));
  PetscCall(MuCheckpointGetField(checkpoint, flow->grid, "density", flow->rho));
  PetscCall(MuIntegratorRecall(flow->integrator, &memory));
  PetscCall(MuFlowLoadRows(flow, checkpoint));
  PetscCall(MuFlowEvaluateDerivative(flow));
  PetscFunctionReturn(0);
}
