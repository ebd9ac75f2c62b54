/* The grid indicator: a second grid of doubled cells, on which nothing is solved. */
#include "run/indicator.h"

#include "base/events.h"
#include "flow/preparation.h"
#include "grid/arrays.h"
#include "problem/problem.h"
#include "record/checkpoint.h"

#define MU_WHY 256
/* On more cells it is computed only where it is asked for: a quarter of the memory again. */
#define MU_CELLS_UNASKED 262144

struct _p_MuIndicator {
  MuLedger ledger; /* borrowed */
  MuGrid fine, grid;
  MuProblem coarse;
  const MuProblemParts *parts;
  char why[MU_WHY]; /* there is no indicator; "": there is one */
  Vec density, velocity, derivative, preimage, image;
  PetscReal time, last, integral, largest;
};

/* ------------------------------------------------------------------ means */

/* log of the mean of e^f over doubled cells; extreme targets under- and overflow without a shift.
 */
static void take_log_means(const PetscInt fine[2], const PetscReal *f, const PetscInt coarse[2],
                           PetscReal *g) {
  const PetscInt ry = fine[1] / coarse[1];
  for (PetscInt j = 0; j < coarse[1]; ++j)
    for (PetscInt i = 0; i < coarse[0]; ++i) {
      PetscReal largest = -INFINITY, sum = 0;
      for (PetscInt k = 0; k < 2 * ry; ++k)
        largest = PetscMax(largest, f[(ry * j + k / 2) * fine[0] + 2 * i + k % 2]);
      for (PetscInt k = 0; k < 2 * ry && largest > -INFINITY; ++k)
        sum += exp(f[(ry * j + k / 2) * fine[0] + 2 * i + k % 2] - largest);
      g[j * coarse[0] + i] =
          largest > -INFINITY ? largest + log(sum / (PetscReal)(2 * ry)) : largest;
    }
}

/* Rank 0 does it: rows of the two grids are not shared alike among the ranks. */
static PetscErrorCode restrict_field(MuGrid fine, Vec f, PetscBool logarithmic, MuGrid coarse,
                                     Vec g) {
  PetscReal *whole = NULL, *means = NULL;
  const MuGridInfo *info, *to;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(fine, &info));
  PetscCall(MuGridGetInfo(coarse, &to));
  const PetscInt cells = info->cells[0] * info->cells[1];
  if (info->rank == 0) PetscCall(PetscMalloc2(cells, &whole, cells / 2, &means));
  PetscCall(MuGridGather(fine, f, PETSC_FALSE, whole));
  if (info->rank == 0 && logarithmic)
    take_log_means(info->cells, whole, to->cells, means);
  else if (info->rank == 0)
    MuArrayBlockMeans(info->cells, whole, to->cells, 1, means);
  PetscCall(MuGridScatter(coarse, means, g));
  if (info->rank == 0) PetscCall(PetscFree2(whole, means));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ grid */

static PetscErrorCode gather_mask(MuGrid grid, const MuGridInfo *info, PetscReal **mask) {
  PetscReal *inside;
  Vec field;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(grid, &field));
  PetscCall(VecGetArrayWrite(field, &inside));
  for (PetscInt i = 0; i < info->local_size; ++i) inside[i] = info->mask[i];
  PetscCall(VecRestoreArrayWrite(field, &inside));
  PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], mask));
  PetscCall(MuGridGather(grid, field, PETSC_TRUE, *mask));
  PetscCall(VecDestroy(&field));
  PetscFunctionReturn(0);
}

/* Whether all of a doubled cell is inside, or all of it outside, everywhere. */
static PetscErrorCode coarsen_mask(MuGrid grid, const MuGridInfo *info, const PetscInt cells[2],
                                   unsigned char *coarse, PetscBool *possible) {
  PetscReal *mask, *share;

  PetscFunctionBegin;
  *possible = PETSC_TRUE;
  PetscCall(gather_mask(grid, info, &mask));
  PetscCall(PetscMalloc1(cells[0] * cells[1], &share));
  MuArrayBlockMeans(info->cells, mask, cells, 1, share);
  for (PetscInt i = 0; i < cells[0] * cells[1]; ++i) {
    coarse[i] = (unsigned char)(share[i] > 0.5);
    if (share[i] > 0 && share[i] < 1) *possible = PETSC_FALSE;
  }
  PetscCall(PetscFree(share));
  PetscCall(PetscFree(mask));
  PetscFunctionReturn(0);
}

/* *grid stays NULL where there is none. */
static PetscErrorCode create_grid(MuGrid fine, MuGrid *grid, char why[MU_WHY]) {
  MuGridSpec spec = {.cells = {1, 1}};
  unsigned char *mask = NULL;
  const MuGridInfo *info;
  PetscBool possible = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(fine, &info));
  spec.dim = info->dim;
  for (PetscInt a = 0; a < info->dim; ++a) {
    spec.lower[a] = info->lower[a];
    spec.upper[a] = info->upper[a];
    spec.periodic[a] = info->periodic[a];
    spec.cells[a] = info->cells[a] / 2;
    if (info->cells[a] % 2 == 0) continue;
    snprintf(why, MU_WHY, "%d cells along %s are an odd number", (int)info->cells[a],
             a ? "y" : "x");
    PetscFunctionReturn(0);
  }
  if (info->total_rows / 2 < info->size) {
    snprintf(why, MU_WHY, "%d rows of doubled cells are fewer than %d ranks",
             (int)info->total_rows / 2, info->size);
    PetscFunctionReturn(0);
  }
  if (info->masked) {
    PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], &mask));
    PetscCall(coarsen_mask(fine, info, spec.cells, mask, &possible));
  }
  spec.mask = mask;
  if (possible)
    PetscCall(MuGridCreate(info->comm, &spec, grid));
  else
    snprintf(why, MU_WHY, "the mask cuts through doubled cells");
  PetscCall(PetscFree(mask));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

/* What the system on doubled cells refuses is no mistake of the run: there is no indicator then. */
static PetscErrorCode give_up(MuIndicator d, PetscErrorCode code) {
  if (code != MU_ERR_INPUT && code != MU_ERR_NUMERICS) return code;
  snprintf(d->why, MU_WHY, "on doubled cells %s", MuErrorMessage());
  return MuError(0, "%s", "");
}

static PetscErrorCode create_system(MuCase c, const MuProblemParts *fine, MuIndicator d) {
  Vec log_target = NULL;

  PetscFunctionBegin;
  if (fine->log_target) {
    PetscCall(MuGridCreateField(d->grid, &log_target));
    PetscCall(restrict_field(fine->grid, fine->log_target, PETSC_TRUE, d->grid, log_target));
  }
  PetscCall(restrict_field(fine->grid, fine->initial, PETSC_FALSE, d->grid, d->density));
  PetscErrorCode code = MuProblemCreateOn(c, d->grid, log_target, d->density, &d->coarse);
  PetscCall(VecDestroy(&log_target));
  PetscFunctionReturn(give_up(d, code));
}

static PetscErrorCode build(MuCase c, const MuProblemParts *fine, PetscBool asked, MuIndicator d) {
  const MuGridInfo *info;
  PetscBool preimage;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(fine->grid, &info));
  if (!asked && (PetscInt64)info->cells[0] * info->cells[1] > MU_CELLS_UNASKED) {
    snprintf(d->why, MU_WHY, "on more than %d cells output_grid_indicator: true asks for it",
             MU_CELLS_UNASKED);
    PetscFunctionReturn(0);
  }
  PetscCall(create_grid(fine->grid, &d->grid, d->why));
  if (!d->grid) PetscFunctionReturn(0);
  PetscCall(MuGridCreateField(d->grid, &d->density));
  PetscCall(create_system(c, fine, d));
  if (d->why[0]) PetscFunctionReturn(0);
  PetscCall(MuProblemGetParts(d->coarse, &d->parts));
  PetscCall(MuFlowPrepare(d->grid, d->parts->energy, d->parts->geometry, &preimage));
  PetscCall(MuGridCreateField(d->grid, &d->velocity));
  PetscCall(MuGridCreateField(d->grid, &d->derivative));
  PetscCall(MuGridCreateField(d->grid, &d->image));
  if (preimage) PetscCall(MuGridCreateField(d->grid, &d->preimage));
  PetscFunctionReturn(0);
}

PetscErrorCode MuIndicatorCreate(MuCase c, const MuProblemParts *parts, MuLedger ledger,
                                 MuIndicator *indicator) {
  PetscBool wanted = PETSC_TRUE, given;

  PetscFunctionBegin;
  *indicator = NULL;
  PetscCall(MuCaseGetBool(c, "output_grid_indicator", &wanted, &given));
  if (!wanted) PetscFunctionReturn(0);
  PetscCall(PetscNew(indicator));
  (*indicator)->ledger = ledger;
  (*indicator)->fine = parts->grid;
  (*indicator)->time = NAN;
  PetscCall(build(c, parts, given, *indicator));
  PetscFunctionReturn(0);
}

PetscErrorCode MuIndicatorDestroy(MuIndicator *indicator) {
  MuIndicator d = *indicator;

  PetscFunctionBegin;
  *indicator = NULL;
  if (!d) PetscFunctionReturn(0);
  PetscCall(MuProblemDestroy(&d->coarse));
  PetscCall(VecDestroy(&d->density));
  PetscCall(VecDestroy(&d->velocity));
  PetscCall(VecDestroy(&d->derivative));
  PetscCall(VecDestroy(&d->preimage));
  PetscCall(VecDestroy(&d->image));
  PetscCall(MuGridDestroy(&d->grid));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ output times */

/* K DF on doubled cells, into image. */
static PetscErrorCode apply_coarse(MuIndicator d) {
  const MuProblemParts *p = d->parts;

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(p->energy, d->density, NULL, NULL, d->derivative, d->preimage));
  PetscCall(MuGeometrySetState(p->geometry, d->density));
  PetscCall(MuGeometryApply(p->geometry, MU_PART_ALL, d->derivative, d->preimage, d->image));
  PetscFunctionReturn(0);
}

static PetscErrorCode compare(MuIndicator d, Vec rho, PetscReal *difference) {
  PetscReal dual, mass;
  Vec velocity, force, image;

  PetscFunctionBegin;
  PetscCall(MuLedgerDual(d->ledger, rho, &dual));
  PetscCall(MuLedgerGetStep(d->ledger, &velocity, &force, &image));
  PetscCall(restrict_field(d->fine, image, PETSC_FALSE, d->grid, d->velocity));
  PetscCall(restrict_field(d->fine, rho, PETSC_FALSE, d->grid, d->density));
  PetscCall(apply_coarse(d));
  PetscCall(MuGridDistanceL1(d->grid, d->velocity, d->image, difference));
  PetscCall(MuGridIntegrate(d->grid, d->density, &mass));
  *difference /= mass;
  PetscFunctionReturn(0);
}

PetscErrorCode MuIndicatorAdd(MuIndicator d, PetscReal time, Vec rho) {
  PetscReal difference = NAN;

  PetscFunctionBegin;
  if (d->why[0] || time == d->time) PetscFunctionReturn(0);
  PetscCall(MuEventBegin(MU_EVENT_OUTPUT));
  PetscErrorCode code = compare(d, rho, &difference);
  PetscCall(MuEventEnd(MU_EVENT_OUTPUT));
  PetscCall(give_up(d, code));
  if (!d->why[0] && !isfinite(difference))
    snprintf(d->why, MU_WHY, "at t = %g the velocities differ by what is no number", time);
  if (d->why[0]) PetscFunctionReturn(0);
  if (!isnan(d->time)) d->integral += 0.5 * (time - d->time) * (d->last + difference);
  d->largest = PetscMax(d->largest, difference);
  d->last = difference;
  d->time = time;
  PetscFunctionReturn(0);
}

PetscErrorCode MuIndicatorGet(MuIndicator d, MuIndicatorValue *value) {
  *value = (MuIndicatorValue){
      .missing = d->why[0] ? d->why : NULL, .integral = d->integral, .largest = d->largest};
  return 0;
}

PetscErrorCode MuIndicatorSave(MuIndicator d, MuCheckpoint checkpoint) {
  const PetscReal numbers[] = {d->time, d->last, d->integral, d->largest};
  return d->why[0] ? 0 : MuCheckpointPutNumbers(checkpoint, "grid_indicator", 4, numbers);
}

PetscErrorCode MuIndicatorLoad(MuIndicator d, MuCheckpoint checkpoint) {
  PetscReal numbers[4];

  PetscFunctionBegin;
  if (d->why[0]) PetscFunctionReturn(0);
  if (MuCheckpointGetNumbers(checkpoint, "grid_indicator", 4, numbers)) {
    snprintf(d->why, MU_WHY, "the run had none when it was stopped");
    PetscFunctionReturn(MuError(0, "%s", ""));
  }
  d->time = numbers[0];
  d->last = numbers[1];
  d->integral = numbers[2];
  d->largest = numbers[3];
  PetscFunctionReturn(0);
}
