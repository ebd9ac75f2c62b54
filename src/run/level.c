/* One grid of a reference: from the case to its densities on the cells of the case. */
#include "run/level.h"

#include "grid/arrays.h"
#include "problem/problem.h"

#define FIRST_STEPS 20 /* of a scheme whose steps have to be adapted from outside */

typedef struct {
  MuProblem problem;
  const MuProblemParts *parts;
  const MuGridInfo *info;
  MuFlow flow;
  MuRunRows rows;
  PetscReal *fine; /* rank 0: [ny][nx] */
  MuLevel *level;
  double deadline;
  PetscReal target; /* time that the flow is advanced to */
  PetscBool stopped;
} Work;

/* ------------------------------------------------------------------ building */

/* By its tolerance where the scheme has one of its own, else by doubling steps. */
static PetscErrorCode create_flow(Work *w, PetscReal tolerance) {
  const MuProblemParts *p = w->parts;
  MuFlowSpec spec = p->flow;

  PetscFunctionBegin;
  spec.scheme = "auto";
  spec.tolerance = tolerance;
  spec.step = spec.end / FIRST_STEPS;
  spec.free_step = PETSC_TRUE;
  spec.adapt = PETSC_FALSE;
  PetscCall(MuFlowCreate(p->grid, p->energy, p->geometry, p->initial, &spec, &w->flow));
  PetscCall(MuFlowLeaps(w->flow, &w->level->leaps));
  if (w->level->leaps) PetscFunctionReturn(0);
  PetscCall(MuFlowDestroy(&w->flow));
  spec.free_step = PETSC_FALSE;
  spec.adapt = PETSC_TRUE;
  PetscCall(MuFlowCreate(p->grid, p->energy, p->geometry, p->initial, &spec, &w->flow));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_arrays(Work *w) {
  MuLevel *l = w->level;

  PetscFunctionBegin;
  l->times = w->parts->snapshots;
  l->cells = w->info->cells[0] / l->factor;
  if (w->info->dim == 2) l->cells *= w->info->cells[1] / l->factor;
  PetscCall(PetscMalloc1(l->times, &l->time));
  PetscCall(PetscArraycpy(l->time, w->parts->snapshot_times, l->times));
  if (w->info->rank) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(w->info->cells[0] * w->info->cells[1], &w->fine));
  PetscCall(PetscCalloc1(l->times * l->cells, &l->density));
  for (int k = 0; k < MU_SCALARS; ++k) PetscCall(PetscCalloc1(l->times, &l->scalar[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCase c, const MuLevelSpec *spec, Work *w) {
  PetscFunctionBegin;
  PetscCall(MuProblemCreateRefined(c, spec->factor, &w->problem));
  PetscCall(MuProblemGetParts(w->problem, &w->parts));
  PetscCall(MuGridGetInfo(w->parts->grid, &w->info));
  PetscCall(create_flow(w, spec->tolerance));
  PetscCall(MuRunRowsCreate(c, w->parts, w->flow, &w->rows));
  PetscCall(MuColumnsCreate(w->rows.columns, &w->level->columns));
  PetscCall(create_arrays(w));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Work *w) {
  PetscFunctionBegin;
  PetscCall(MuRunRowsDestroy(&w->rows));
  PetscCall(MuFlowDestroy(&w->flow));
  PetscCall(MuProblemDestroy(&w->problem));
  PetscCall(PetscFree(w->fine));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ rows */

static PetscErrorCode keep_row(Work *w) {
  MuLevel *l = w->level;
  PetscInt columns;

  PetscFunctionBegin;
  l->rows++;
  if (w->info->rank) PetscFunctionReturn(0);
  PetscCall(MuColumnsGet(l->columns, &columns, NULL));
  if (l->rows > l->room) {
    l->room = 2 * l->rows + 256;
    PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(l->room * columns), &l->row));
  }
  PetscCall(PetscArraycpy(l->row + (l->rows - 1) * columns, w->rows.row, columns));
  PetscFunctionReturn(0);
}

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  Work *w = ctx;
  int late = w->deadline > 0 && MPI_Wtime() > w->deadline;
  PetscBool row;

  PetscFunctionBegin;
  PetscCall(MuRunRowsStep(&w->rows, time, dt, (PetscBool)(time == w->target), before, after, &row));
  if (row) PetscCall(keep_row(w));
  PetscCallMPI(MPI_Bcast(&late, 1, MPI_INT, 0, w->info->comm));
  if (!late) PetscFunctionReturn(0);
  w->stopped = PETSC_TRUE;
  PetscCall(MuFlowStop(flow));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ densities */

static void take_means(const MuGridInfo *info, PetscInt factor, const PetscReal *fine,
                       PetscReal *coarse) {
  const PetscInt cells[2] = {info->cells[0] / factor, info->dim == 2 ? info->cells[1] / factor : 1};
  MuArrayBlockMeans(info->cells, fine, cells, 1, coarse);
}

/* Raw moments: mass, mass right of the centre, x, y, xx, yy, xy. */
static void take_moments(const MuGridInfo *info, const PetscReal *fine, PetscReal m[7]) {
  const PetscReal centre = 0.5 * (info->lower[0] + info->upper[0]);
  for (int k = 0; k < 7; ++k) m[k] = 0;
  for (PetscInt j = 0; j < info->cells[1]; ++j)
    for (PetscInt i = 0; i < info->cells[0]; ++i) {
      const PetscReal mass = fine[j * info->cells[0] + i] * info->volume;
      const PetscReal x = info->lower[0] + ((PetscReal)i + 0.5) * info->spacing[0];
      const PetscReal y =
          info->dim == 2 ? info->lower[1] + ((PetscReal)j + 0.5) * info->spacing[1] : 0;
      m[0] += mass;
      m[1] += mass * PetscClipInterval((x - centre) / info->spacing[0] + 0.5, 0, 1);
      m[2] += mass * x;
      m[3] += mass * y;
      m[4] += mass * x * x;
      m[5] += mass * y * y;
      m[6] += mass * x * y;
    }
}

static void keep_scalars(Work *w, PetscInt k, PetscReal energy) {
  MuLevel *l = w->level;
  PetscReal m[7];
  take_moments(w->info, w->fine, m);
  const PetscReal x = m[2] / m[0], y = m[3] / m[0];
  l->scalar[MU_SCALAR_ENERGY][k] = energy;
  l->scalar[MU_SCALAR_MASS][k] = m[0];
  l->scalar[MU_SCALAR_RIGHT][k] = m[1];
  l->scalar[MU_SCALAR_MEAN_X][k] = x;
  l->scalar[MU_SCALAR_MEAN_Y][k] = y;
  l->scalar[MU_SCALAR_VARIANCE_X][k] = m[4] / m[0] - x * x;
  l->scalar[MU_SCALAR_VARIANCE_Y][k] = m[5] / m[0] - y * y;
  l->scalar[MU_SCALAR_COVARIANCE][k] = m[6] / m[0] - x * y;
}

static PetscErrorCode keep_snapshot(Work *w, PetscInt k) {
  MuLevel *l = w->level;
  PetscReal energy;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(w->flow, NULL, &rho));
  PetscCall(MuFlowGetEnergy(w->flow, &energy, NULL));
  PetscCall(MuGridGather(w->parts->grid, rho, PETSC_FALSE, w->fine));
  if (w->info->rank) PetscFunctionReturn(0);
  take_means(w->info, l->factor, w->fine, l->density + k * l->cells);
  keep_scalars(w, k, energy);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ solving */

static PetscErrorCode solve(Work *w) {
  PetscFunctionBegin;
  PetscCall(MuRunRowsStart(&w->rows, w->rows.row));
  PetscCall(keep_row(w));
  PetscCall(MuFlowSetStepCallback(w->flow, on_step, w));
  for (PetscInt k = 0; k < w->level->times && !w->stopped; ++k) {
    w->target = w->level->time[k];
    PetscCall(MuFlowAdvance(w->flow, w->target));
    if (!w->stopped) PetscCall(keep_snapshot(w, k));
  }
  w->target = w->parts->flow.end;
  if (!w->stopped) PetscCall(MuFlowAdvance(w->flow, w->target));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLevelSolve(MuCase c, const MuLevelSpec *spec, MuLevelBuilt built, void *ctx,
                            MuLevel *level, PetscBool *stopped) {
  const double begun = MPI_Wtime();
  Work w = {.level = level, .deadline = spec->deadline};
  MPI_Comm comm;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  *level = (MuLevel){.factor = spec->factor, .tolerance = spec->tolerance};
  PetscErrorCode code = build(c, spec, &w);
  if (!code && built) code = built(ctx, &w.rows);
  if (!code) code = solve(&w);
  PetscCall(destroy(&w));
  level->seconds = MPI_Wtime() - begun;
  PetscCallMPI(MPI_Bcast(&level->seconds, 1, MPIU_REAL, 0, comm));
  *stopped = w.stopped;
  if (code || w.stopped) PetscCall(MuLevelDestroy(level));
  PetscFunctionReturn(code);
}

PetscErrorCode MuLevelDestroy(MuLevel *l) {
  PetscFunctionBegin;
  PetscCall(PetscFree(l->time));
  PetscCall(PetscFree(l->density));
  for (int k = 0; k < MU_SCALARS; ++k) PetscCall(PetscFree(l->scalar[k]));
  PetscCall(PetscFree(l->row));
  PetscCall(MuColumnsDestroy(&l->columns));
  *l = (MuLevel){.factor = 0};
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the initial density */

static PetscErrorCode take_initial(MuCase c, PetscInt factor, MuProblemParts *p,
                                   PetscReal *density) {
  const MuGridInfo *info;
  PetscReal *fine = NULL;

  PetscFunctionBegin;
  PetscCall(MuProblemCreateInitial(c, p));
  PetscCall(MuGridGetInfo(p->grid, &info));
  if (info->rank == 0) PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], &fine));
  PetscCall(MuGridGather(p->grid, p->initial, PETSC_FALSE, fine));
  if (info->rank == 0) take_means(info, factor, fine, density);
  PetscCall(PetscFree(fine));
  PetscFunctionReturn(0);
}

/* density [cells] of the case on rank 0, of zeros. */
static PetscErrorCode sample_initial(MuCase c, PetscInt factor, PetscReal *density) {
  MuProblemParts p = {.grid = NULL};

  PetscFunctionBegin;
  PetscCall(MuCaseCreateGrid(c, factor, &p.grid));
  PetscErrorCode code = take_initial(c, factor, &p, density);
  PetscCall(VecDestroy(&p.initial));
  PetscCall(MuGridDestroy(&p.grid));
  PetscFunctionReturn(code);
}

PetscErrorCode MuLevelInitial(MuCase c, PetscInt factor, PetscInt cells, PetscReal **density) {
  PetscReal *coarse = NULL;
  PetscMPIInt rank;
  MPI_Comm comm;

  PetscFunctionBegin;
  *density = NULL;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    PetscCall(PetscCalloc1(cells, density));
    PetscCall(PetscCalloc1(cells, &coarse));
  }
  PetscErrorCode code = sample_initial(c, factor, *density);
  if (!code) code = sample_initial(c, factor / 2, coarse);
  for (PetscInt i = 0; rank == 0 && i < cells; ++i)
    (*density)[i] = PetscMax(0, (4 * (*density)[i] - coarse[i]) / 3);
  PetscCall(PetscFree(coarse));
  PetscFunctionReturn(code);
}
