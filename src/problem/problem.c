/* A case, built: grid with mask, target, initial density, kernels, energy, geometry, time and
 * output. */
#include "problem/problem.h"

#include "base/events.h"

#define MOST_STEPS 1e9 /* counters are ints, and t + step must differ from t */

/* Of any tolerance, that rounding allows it; one without a step says how accurate the flow is to be
   and leaves the steps to the scheme. */
static PetscErrorCode check_tolerance(const MuFlowSpec *f, PetscBool has_scheme) {
  if (f->tolerance < MU_ROUNDING_TOLERANCE)
    return MuError(
        MU_ERR_INPUT,
        "time_tolerance: %g is not allowed; it must be at least %g, below which rounding "
        "is larger",
        f->tolerance, MU_ROUNDING_TOLERANCE);
  if (has_scheme || !f->free_step ||
      (f->tolerance >= MU_LEAST_TOLERANCE && f->tolerance <= MU_MOST_TOLERANCE))
    return 0;
  return MuError(MU_ERR_INPUT,
                 "time_tolerance: %g is not allowed without time_step; it must be from %g to %g",
                 f->tolerance, MU_LEAST_TOLERANCE, MU_MOST_TOLERANCE);
}

PetscErrorCode MuCaseGetTime(MuCase c, MuFlowSpec *f) {
  PetscBool given, has_step, has_scheme, has_tolerance;

  PetscFunctionBegin;
  MuFlowSpecDefault(f);
  PetscCall(MuCaseGetReal(c, "time_end", &f->end, NULL));
  f->step = f->end / 100;
  PetscCall(MuCaseGetReal(c, "time_step", &f->step, &has_step));
  PetscCall(MuCaseGetString(c, "time_scheme", &f->scheme, &has_scheme));
  PetscCall(MuCaseGetBool(c, "time_adapt", &f->adapt, &given));
  PetscCall(MuCaseGetReal(c, "time_tolerance", &f->tolerance, &has_tolerance));
  f->free_step = (PetscBool)(!has_step && has_tolerance && !f->adapt);
  PetscCall(check_tolerance(f, has_scheme));
  PetscCall(MuCaseGetTransportSolver(c, &f->solver));
  if (!f->adapt && f->end / f->step > MOST_STEPS)
    return MuError(MU_ERR_INPUT, "time_step: %g makes %g steps; at most %g are allowed", f->step,
                   f->end / f->step, MOST_STEPS);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetSnapshots(MuCase c, PetscReal end, PetscInt *snapshots, PetscReal **times) {
  PetscReal every = end / 10;
  PetscBool has_every, given;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, "output_every", &every, &has_every));
  PetscCall(MuCaseCountItems(c, "output_times", &count));
  if (count && has_every)
    return MuError(MU_ERR_INPUT, "output_times: is given together with output_every; give one");
  if (!count) {
    PetscReal intervals = PetscCeilReal(end / every - 1e-9);
    if (intervals > 1e6)
      return MuError(MU_ERR_INPUT, "output_every: %g makes %.0f snapshots; at most 1e6 are allowed",
                     every, intervals);
    *snapshots = (PetscInt)intervals + 1;
    PetscCall(PetscMalloc1(*snapshots, times));
    for (PetscInt k = 0; k < *snapshots; ++k) (*times)[k] = PetscMin(k * every, end);
    (*times)[*snapshots - 1] = end;
    PetscFunctionReturn(0);
  }
  *snapshots = count;
  PetscCall(PetscMalloc1(count, times));
  PetscCall(MuCaseGetRealArray(c, "output_times", &count, *times, &given));
  for (PetscInt k = 0; k < count; ++k) {
    PetscReal t = (*times)[k];
    if (t < 0 || t > end || (k && t <= (*times)[k - 1]))
      return MuError(MU_ERR_INPUT,
                     "output_times: %g is out of order or outside [0, time_end = %g]; times must "
                     "ascend",
                     t, end);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_diagnostics(MuCase c, MuProblemParts *p) {
  PetscBool given;

  PetscFunctionBegin;
  p->diagnostics = MU_MAX_TERMS;
  PetscCall(MuCaseGetNames(c, "output_diagnostics", MuDiagnosticGetTableRow, &p->diagnostics,
                           p->diagnostic_names, &given));
  if (!given) p->diagnostics = 0;
  if (p->diagnostics && !p->log_target)
    return MuError(MU_ERR_INPUT,
                   "output_diagnostics: %s compares with the target, which the case does not have",
                   p->diagnostic_names[0]);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode build(MuCase c, PetscInt refinement, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  PetscBool has_target;
  const char *type;

  PetscFunctionBegin;
  PetscCall(MuCaseCreateGrid(c, refinement, &p->grid));
  PetscCall(MuCaseGetString(c, "target_type", &type, &has_target));
  if (has_target) PetscCall(MuCaseCreateLogDensity(c, "target", p->grid, &p->log_target));
  PetscCall(MuProblemCreateInitial(c, p));
  PetscCall(MuProblemCreateSystem(c, problem));
  PetscCall(MuCaseGetTime(c, &p->flow));
  PetscCall(MuCaseGetSnapshots(c, p->flow.end, &p->snapshots, &p->snapshot_times));
  PetscCall(read_diagnostics(c, p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemCreateRefined(MuCase c, PetscInt refinement, MuProblem *problem) {
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuCaseRequire(c));
  PetscCall(MuCaseChooseBandwidths(c));
  PetscCall(PetscNew(problem));
  PetscCall(MuEventBegin(MU_EVENT_SETUP));
  failed = build(c, refinement, *problem);
  PetscCall(MuEventEnd(MU_EVENT_SETUP));
  if (failed) PetscCall(MuProblemDestroy(problem));
  PetscCall(failed);
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemCreate(MuCase c, MuProblem *problem) {
  return MuProblemCreateRefined(c, 1, problem);
}

PetscErrorCode MuProblemCreateOn(MuCase c, MuGrid grid, Vec log_target, Vec initial,
                                 MuProblem *problem) {
  MuProblemParts *p;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscNew(problem));
  (*problem)->quiet = PETSC_TRUE;
  p = &(*problem)->parts;
  PetscCall(MuGridReference(grid));
  p->grid = grid;
  if (log_target) PetscCall(PetscObjectReference((PetscObject)log_target));
  p->log_target = log_target;
  PetscCall(PetscObjectReference((PetscObject)initial));
  p->initial = initial;
  PetscCall(MuEventBegin(MU_EVENT_SETUP));
  failed = MuProblemCreateSystem(c, *problem);
  PetscCall(MuEventEnd(MU_EVENT_SETUP));
  if (failed) PetscCall(MuProblemDestroy(problem));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuProblemDestroy(MuProblem *problem) {
  MuProblemParts *p;

  PetscFunctionBegin;
  if (!*problem) PetscFunctionReturn(0);
  p = &(*problem)->parts;
  PetscCall(MuEnergyDestroy(&p->energy));
  PetscCall(MuGeometryDestroy(&p->geometry));
  PetscCall(MuKernelDestroy(&p->energy_kernel));
  PetscCall(MuKernelDestroy(&p->geometry_kernel));
  PetscCall(MuKernelDestroy(&p->diagnostics_kernel));
  PetscCall(VecDestroy(&p->log_target));
  PetscCall(VecDestroy(&p->initial));
  PetscCall(PetscFree(p->snapshot_times));
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuFormulaDestroy(&(*problem)->formula[k]));
  PetscCall(MuGridDestroy(&p->grid));
  PetscCall(PetscFree(*problem));
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemGetParts(MuProblem problem, const MuProblemParts **parts) {
  *parts = &problem->parts;
  return 0;
}
