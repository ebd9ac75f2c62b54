/* Finer and finer grids until the error that they tell is below an accuracy. */
#include "run/reference.h"

#include "base/files.h"
#include "facts/facts.h"
#include "problem/problem.h"
#include "run/reference_impl.h"

#include <math.h>

#define FEWEST      3    /* grids that an estimate needs */
#define TIME_PART   0.1  /* of the accuracy that the error in time may have */
#define TOLERANCE   3e-3 /* first tolerance over the accuracy */
#define MOST_FACTOR 64   /* cells per cell of the case of the grid for the initial density */
#define MOST_CELLS  4e6  /* of that grid */
#define STALL                                                                                      \
  0.8 /* part of the error that is left on twice the cells where that is no progress               \
       */
#define MOST_STALLED 3                         /* grids without it */
#define LEAST_TIME   (10 * MU_LEAST_TOLERANCE) /* tolerance a tenth of which can be solved to */

static const PetscInt first_factor[2] = {1, 1 << (FEWEST - 1)};

/* ------------------------------------------------------------------ what is refused */

static PetscErrorCode check_spec(const MuReferenceSpec *spec, const MuGridSpec *grid) {
  const PetscInt cells = PetscMax(grid->cells[0], grid->dim == 2 ? grid->cells[1] : 1);

  if (!(spec->accuracy >= MU_LEAST_ACCURACY && spec->accuracy <= MU_MOST_ACCURACY))
    return MuError(MU_ERR_INPUT, "accuracy: %g is not allowed; it must be from %g to %g",
                   spec->accuracy, MU_LEAST_ACCURACY, MU_MOST_ACCURACY);
  if (spec->norm == MU_NORM_W1 && grid->dim == 2)
    return MuError(MU_ERR_INPUT, "norm: w1 is known in 1-D only; in 2-D take l1 or hellinger");
  if (spec->max_cells > 0 && spec->max_cells < first_factor[1] * cells)
    return MuError(MU_ERR_INPUT,
                   "max_cells: %d is too small, an error is found from three grids, the finest of "
                   "%d cells along an axis",
                   (int)spec->max_cells, (int)(first_factor[1] * cells));
  return 0;
}

static PetscErrorCode check(MuReference *r) {
  MuGridSpec grid;
  PetscReal bytes;

  PetscFunctionBegin;
  PetscCall(MuCaseRequire(r->c));
  PetscCall(MuCaseChooseBandwidths(r->c));
  PetscCall(MuCaseGetGridSpec(r->c, &grid));
  PetscCall(check_spec(&r->spec, &grid));
  PetscCall(MuCaseCheckLimit(r->c, "target"));
  PetscCall(MuCaseCheckLimit(r->c, "initial"));
  PetscCall(MuCaseEstimateMemory(r->c, first_factor[1], &bytes));
  PetscCall(
      MuCheckMemory(r->comm, "grid_cells", "the three grids that an error is found from", bytes));
  PetscFunctionReturn(0);
}

/* On rank 0. */
static PetscErrorCode take_lock(MuReference *r) {
  char path[PETSC_MAX_PATH_LEN], what[PETSC_MAX_PATH_LEN];
  PetscBool none;

  PetscFunctionBegin;
  PetscCall(MuMakeDirectory(r->directory));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/run", r->directory));
  PetscCall(PetscSNPrintf(what, sizeof what, "output_directory: %s", r->directory));
  PetscCall(MuLockTake(path, what, &r->lock, &none));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ grids */

static PetscErrorCode print_grid(const MuReference *r, const MuLevel *level) {
  char cells[48];

  PetscFunctionBegin;
  MuReferenceCells(r, level->factor, cells);
  PetscCall(PetscPrintf(r->comm, "grid            %s cells, tolerance %.1g, %.3g s", cells,
                        level->tolerance, level->seconds));
  if (r->refines && r->worst > 0)
    PetscCall(PetscPrintf(r->comm, "; order %.2f, error %.2g in %s", r->order, r->worst,
                          MuNormNames[r->spec.norm]));
  PetscCall(PetscPrintf(r->comm, "\n"));
  PetscFunctionReturn(0);
}

/* What rank 0 knows of the errors goes to all. */
static PetscErrorCode share_estimate(MuReference *r) {
  PetscReal numbers[7] = {0};
  PetscInt at = 0;

  PetscFunctionBegin;
  if (r->rank == 0) {
    const MuErrorSeries *e = &r->refinement.norms[r->spec.norm];
    numbers[0] = MuRefinementWorst(&r->refinement, &at) / r->unit;
    numbers[1] = e->space[at] / r->unit;
    numbers[2] = e->time[at] / r->unit;
    numbers[3] = r->refinement.order[at];
    numbers[4] = r->level[0].time[at];
    for (PetscInt t = 0; t < r->refinement.times; ++t) numbers[5] += r->refinement.extrapolated[t];
    numbers[6] = r->refinement.cornered;
  }
  PetscCallMPI(MPI_Bcast(numbers, 7, MPIU_REAL, 0, r->comm));
  r->worst = numbers[0];
  r->space = numbers[1];
  r->time = numbers[2];
  r->order = numbers[3];
  r->at = numbers[4];
  r->extrapolated = (PetscInt)numbers[5];
  r->cornered = (PetscBool)(numbers[6] > 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_refinement(MuReference *r, PetscInt times) {
  const MuGridInfo *info;

  PetscFunctionBegin;
  if (r->refines) PetscFunctionReturn(0);
  r->refines = PETSC_TRUE;
  PetscCall(MuGridGetInfo(r->grid, &info));
  if (r->rank == 0) PetscCall(MuRefinementCreate(info, r->spec.norm, times, &r->refinement));
  PetscFunctionReturn(0);
}

/* The initial density where it is the first snapshot, from a grid of many more cells. */
static PetscErrorCode find_initial(MuReference *r) {
  const MuLevel *level = &r->level[r->levels - 1];
  const MuGridInfo *info;
  PetscInt factor = MOST_FACTOR;

  PetscFunctionBegin;
  if (r->sought) PetscFunctionReturn(0);
  r->sought = PETSC_TRUE;
  PetscCall(MuGridGetInfo(r->grid, &info));
  while (factor > 1 && pow(factor, (PetscReal)info->dim) * (PetscReal)level->cells > MOST_CELLS)
    factor /= 2;
  if (level->time[0] > 0 || factor <= first_factor[1]) PetscFunctionReturn(0);
  r->initial_factor = factor;
  PetscCall(MuLevelInitial(r->c, factor, level->cells, &r->initial));
  PetscFunctionReturn(0);
}

/* Takes over a new finest level. */
static PetscErrorCode push(MuReference *r, MuLevel *level) {
  PetscFunctionBegin;
  if (r->levels == MU_GRIDS) {
    PetscCall(MuLevelDestroy(&r->level[0]));
    for (PetscInt k = 1; k < MU_GRIDS; ++k) r->level[k - 1] = r->level[k];
    r->levels--;
  }
  r->level[r->levels++] = *level;
  r->grids++;
  if (r->levels < FEWEST) PetscFunctionReturn(0);
  PetscCall(find_initial(r));
  if (r->rank == 0) {
    const MuLevel *levels[MU_GRIDS];
    for (PetscInt k = 0; k < r->levels; ++k) levels[k] = &r->level[k];
    MuRefinementEstimate(&r->refinement, r->levels, levels,
                         4 * level->factor <= r->initial_factor ? r->initial : NULL);
  }
  PetscCall(share_estimate(r));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_level(MuReference *r, PetscInt factor, PetscReal tolerance,
                                  MuLevel *level, PetscBool *stopped) {
  const MuLevelSpec spec = {.factor = factor, .tolerance = tolerance, .deadline = r->deadline};

  PetscFunctionBegin;
  PetscCall(MuLevelSolve(r->c, &spec, MuReferenceOpen, r, level, stopped));
  if (*stopped)
    PetscCall(PetscSNPrintf(r->reason, MU_REASON, "time_wall_limit came in the middle of a grid"));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ time */

/* Errors in time at a level, from a tenth of its tolerance. Where *next is not NULL it gets the
   level at that. */
static PetscErrorCode verify(MuReference *r, const MuLevel *level, MuLevel *next,
                             PetscBool *stopped) {
  MuLevel finer;

  PetscFunctionBegin;
  PetscCall(solve_level(r, level->factor, level->tolerance / 10, &finer, stopped));
  if (*stopped) PetscFunctionReturn(0);
  PetscCall(create_refinement(r, level->times));
  if (r->rank == 0) MuRefinementTime(&r->refinement, level, &finer);
  if (next)
    *next = finer;
  else
    PetscCall(MuLevelDestroy(&finer));
  PetscFunctionReturn(0);
}

static PetscErrorCode time_error(MuReference *r, PetscReal *worst) {
  PetscFunctionBegin;
  *worst = 0;
  for (PetscInt t = 0; r->rank == 0 && t < r->refinement.times; ++t)
    *worst = PetscMax(*worst, r->refinement.norms[r->spec.norm].time[t] / r->unit);
  PetscCallMPI(MPI_Bcast(worst, 1, MPIU_REAL, 0, r->comm));
  PetscFunctionReturn(0);
}

/* What errors are parts of, on rank 0: the mass at first, its root in Hellinger; 1 for probability
   measures and for w1, which is of normalised densities. */
static void find_unit(MuReference *r, const MuLevel *level) {
  const PetscReal mass = r->rank ? 1 : level->scalar[MU_SCALAR_MASS][0];
  r->unit = 1;
  if (MuMassesDiffer(mass, 1) && r->spec.norm != MU_NORM_W1)
    r->unit = r->spec.norm == MU_NORM_HELLINGER ? sqrt(mass) : mass;
}

/* The coarsest grid, with a tolerance whose error there is a small part of the accuracy. */
static PetscErrorCode begin(MuReference *r, PetscBool *stopped) {
  MuLevel level, next;
  PetscReal error;

  PetscFunctionBegin;
  r->tolerance = PetscClipInterval(TOLERANCE * r->spec.accuracy, LEAST_TIME, 1e-3);
  PetscCall(solve_level(r, 1, r->tolerance, &level, stopped));
  if (!*stopped) find_unit(r, &level);
  while (!*stopped) {
    PetscCall(verify(r, &level, &next, stopped));
    if (*stopped) break;
    PetscCall(time_error(r, &error));
    if (error <= TIME_PART * r->spec.accuracy || r->tolerance / 10 < LEAST_TIME) {
      PetscCall(MuLevelDestroy(&next));
      PetscCall(push(r, &level));
      PetscCall(print_grid(r, &r->level[0]));
      PetscFunctionReturn(0);
    }
    if (r->rank == 0) MuRefinementForgetTime(&r->refinement);
    PetscCall(MuLevelDestroy(&level));
    level = next;
    r->tolerance /= 10;
  }
  PetscCall(MuLevelDestroy(&level));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ limits */

/* Doublings that the estimate lets expect. */
static PetscReal doublings_needed(const MuReference *r) {
  const PetscReal order =
      PetscClipInterval(r->order, 0.5, 2) * (r->extrapolated && !r->cornered ? 2 : 1);
  const PetscReal room = r->spec.accuracy - PetscMin(r->time, 0.5 * r->spec.accuracy);
  return PetscMax(1, PetscCeilReal(log2(r->space / room) / order));
}

/* Whether a grid of `factor` is out of memory; then the reason. */
static PetscErrorCode limit_memory(MuReference *r, PetscReal factor, PetscBool *limited) {
  char needed[MU_BYTES_LENGTH], there[MU_BYTES_LENGTH];
  PetscReal bytes;
  const PetscReal memory = MuMachineMemory();

  PetscFunctionBegin;
  PetscCall(MuCaseEstimateMemory(r->c, 1, &bytes));
  const MuGridInfo *info;
  PetscCall(MuGridGetInfo(r->grid, &info));
  bytes *= pow(factor, (PetscReal)info->dim);
  *limited = (PetscBool)(bytes > memory);
  PetscCallMPI(MPI_Bcast(limited, 1, MPIU_BOOL, 0, r->comm));
  if (!*limited) PetscFunctionReturn(0);
  MuFormatBytes(bytes, needed);
  MuFormatBytes(memory, there);
  PetscCall(PetscSNPrintf(r->reason, MU_REASON,
                          "it would need a grid of about %g times the cells of the case along each "
                          "axis and %s of memory; this machine has %s",
                          factor, needed, there));
  PetscFunctionReturn(0);
}

/* Whether the next grid may not be begun; then the reason. */
static PetscErrorCode limit(MuReference *r, PetscInt factor, PetscBool *limited) {
  const MuLevel *last = &r->level[r->levels - 1];
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->grid, &info));
  const PetscInt cells = factor * PetscMax(info->cells[0], info->cells[1]);
  *limited = PETSC_TRUE;
  if (r->spec.max_cells > 0 && cells > r->spec.max_cells) {
    PetscCall(PetscSNPrintf(r->reason, MU_REASON, "-max_cells %d ends the refinement",
                            (int)r->spec.max_cells));
    PetscFunctionReturn(0);
  }
  const PetscReal seconds = last->seconds * pow(2, (PetscReal)info->dim);
  int late = r->deadline > 0 && MPI_Wtime() + seconds > r->deadline;
  PetscCallMPI(MPI_Bcast(&late, 1, MPI_INT, 0, r->comm));
  if (late) {
    PetscCall(PetscSNPrintf(r->reason, MU_REASON,
                            "the next grid would take about %.2g s, beyond time_wall_limit",
                            seconds));
    PetscFunctionReturn(0);
  }
  const PetscReal more = r->levels >= FEWEST ? doublings_needed(r) - 1 : 0;
  PetscCall(limit_memory(r, (PetscReal)factor * exp2(more), limited));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ refinement */

/* The errors in time once more, on the finest grid but one. */
static PetscErrorCode conclude(MuReference *r, PetscBool *reached) {
  PetscBool stopped;

  PetscFunctionBegin;
  *reached = PETSC_FALSE;
  PetscCall(verify(r, &r->level[r->levels - 2], NULL, &stopped));
  if (stopped) PetscFunctionReturn(0);
  PetscCall(share_estimate(r));
  *reached = (PetscBool)(r->worst <= r->spec.accuracy);
  if (!*reached)
    PetscCall(PetscSNPrintf(r->reason, MU_REASON,
                            "the error in time is larger on fine grids than on that of the case"));
  PetscFunctionReturn(0);
}

static PetscErrorCode refine(MuReference *r, PetscBool *reached) {
  PetscBool stopped, limited;
  PetscInt stalled = 0;
  MuLevel level;

  PetscFunctionBegin;
  *reached = PETSC_FALSE;
  PetscCall(begin(r, &stopped));
  for (PetscInt factor = 2; !stopped; factor *= 2) {
    PetscCall(limit(r, factor, &limited));
    if (limited) break;
    PetscErrorCode code = solve_level(r, factor, r->tolerance, &level, &stopped);
    if (code == MU_ERR_NUMERICS && r->levels >= FEWEST) {
      PetscCall(PetscSNPrintf(r->reason, MU_REASON, "%s", MuErrorMessage()));
      break;
    }
    PetscCall(code);
    if (stopped) break;
    const PetscReal before = r->worst;
    PetscCall(push(r, &level));
    PetscCall(print_grid(r, &r->level[r->levels - 1]));
    if (r->levels < FEWEST) continue;
    if (r->worst <= r->spec.accuracy) {
      PetscCall(conclude(r, reached));
      break;
    }
    stalled = r->grids > FEWEST && r->worst > STALL * before ? stalled + 1 : 0;
    if (stalled == MOST_STALLED) {
      PetscCall(PetscSNPrintf(r->reason, MU_REASON, "finer grids no longer lower the error"));
      break;
    }
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

static PetscErrorCode print_end(MuReference *r, PetscBool reached) {
  const char *norm = MuNormNames[r->spec.norm];
  PetscReal memory;

  PetscFunctionBegin;
  PetscCall(MuPeakMemory(r->comm, &memory));
  PetscCall(PetscPrintf(
      r->comm,
      "results         %s/run.h5\n"
      "%s: the %s error of every snapshot is at most about %.2g, %.2g times %s the accuracy %g; it "
      "is worst at t = %.6g, %.2g from the grid (%sextrapolated) and %.1g from the time steps; "
      "%.3g s, %.0f MB%s%s%s\n",
      r->directory, reached ? "reached" : "not reached", norm, r->worst,
      reached ? r->spec.accuracy / r->worst : r->worst / r->spec.accuracy,
      reached ? "below" : "above", r->spec.accuracy, r->at, r->space, r->extrapolated ? "" : "not ",
      r->time, MPI_Wtime() - r->started, memory, r->reason[0] ? "; " : "", r->reason,
      r->cornered && !reached
          ? "; corners of the mask that point into the domain leave errors of the order 4/3"
          : ""));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(MuReference *r, PetscBool *reached) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCall(check(r));
  if (r->rank == 0) code = take_lock(r);
  PetscCall(MuErrorAgree(r->comm, code));
  PetscCall(refine(r, reached));
  if (r->levels < FEWEST) {
    PetscCall(
        PetscPrintf(r->comm,
                    "not reached: %s before there were the three grids that an error is found "
                    "from; nothing is written\n",
                    r->reason));
    PetscFunctionReturn(0);
  }
  PetscCall(MuReferenceWrite(r, *reached));
  PetscCall(print_end(r, *reached));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuReference *r) {
  PetscFunctionBegin;
  PetscCall(MuRunWriterDestroy(&r->writer));
  for (PetscInt k = 0; k < r->levels; ++k) PetscCall(MuLevelDestroy(&r->level[k]));
  if (r->rank == 0) PetscCall(MuRefinementDestroy(&r->refinement));
  PetscCall(PetscFree(r->initial));
  PetscCall(MuGridDestroy(&r->grid));
  PetscCall(MuLockRelease(&r->lock));
  PetscFunctionReturn(0);
}

PetscErrorCode MuReferenceSolve(MuCase c, const MuReferenceSpec *spec, PetscBool *reached) {
  MuReference r = {.c = c, .spec = *spec, .started = MPI_Wtime()};
  PetscReal seconds = 0;
  PetscInt none;
  PetscBool given;

  PetscFunctionBegin;
  *reached = PETSC_FALSE;
  PetscCall(MuCaseGetComm(c, &r.comm));
  PetscCallMPI(MPI_Comm_rank(r.comm, &r.rank));
  PetscCallMPI(MPI_Comm_size(r.comm, &r.size));
  PetscCall(MuCaseGetInterval(c, "time_wall_limit", &seconds, &none, &given));
  if (seconds > 0) r.deadline = r.started + seconds;
  PetscErrorCode code = MuCaseGetString(c, "output_directory", &r.directory, NULL);
  if (!code) code = solve(&r, reached);
  PetscCall(destroy(&r));
  PetscFunctionReturn(code);
}
