/* Prescribed curves: Fisher-Rao geodesics, mixtures, translations, stored snapshots. */
#include "study/path.h"

#include "grid/arrays.h"

/* ------------------------------------------------------------------ between two densities */

static PetscErrorCode mix(MuPathKind kind, PetscReal s, Vec first, Vec second, Vec rho) {
  const PetscReal *a, *b;
  PetscReal *x;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(rho, &n));
  PetscCall(VecGetArrayRead(first, &a));
  PetscCall(VecGetArrayRead(second, &b));
  PetscCall(VecGetArray(rho, &x));
  for (PetscInt i = 0; i < n; ++i)
    x[i] = kind == MU_PATH_LINEAR ? (1 - s) * a[i] + s * b[i]
                                  : PetscSqr((1 - s) * sqrt(a[i]) + s * sqrt(b[i]));
  PetscCall(VecRestoreArray(rho, &x));
  PetscCall(VecRestoreArrayRead(second, &b));
  PetscCall(VecRestoreArrayRead(first, &a));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ translations */

/* The cubic through the values at -1, 0, 1, 2. */
static PetscReal cubic(const PetscReal y[4], PetscReal u) {
  return y[1] +
         0.5 * u *
             (y[2] - y[0] +
              u * (2 * y[0] - 5 * y[1] + 4 * y[2] - y[3] + u * (3 * (y[1] - y[2]) + y[3] - y[0])));
}

/* A value of the logarithm at cell i of a row; beyond walls as the two cells there go on. */
static PetscReal log_at(const PetscReal *row, PetscInt n, PetscBool periodic, PetscInt i) {
  if (periodic) return row[((i % n) + n) % n];
  if (i < 0) return row[0] + (PetscReal)i * (row[1] - row[0]);
  if (i >= n) return row[n - 1] + (PetscReal)(i - n + 1) * (row[n - 1] - row[n - 2]);
  return row[i];
}

static PetscErrorCode translate(const MuTrial *t, PetscReal shift, Vec first, Vec rho) {
  const PetscInt n = t->info->cells[0];
  const PetscReal cell = (t->info->upper[0] - t->info->lower[0]) / (PetscReal)n;
  const PetscReal *a;
  PetscReal *x, *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &row));
  PetscCall(VecGetArrayRead(first, &a));
  PetscCall(VecGetArray(rho, &x));
  for (PetscInt j = 0; j < t->info->local_size / n; ++j) {
    MuArrayLogPositive(n, a + j * n, row);
    for (PetscInt i = 0; i < n; ++i) {
      const PetscReal place = (PetscReal)i - shift / cell, base = floor(place);
      PetscReal y[4];
      for (int k = 0; k < 4; ++k)
        y[k] = log_at(row, n, t->info->periodic[0], (PetscInt)base - 1 + k);
      x[j * n + i] = exp(cubic(y, place - base));
    }
  }
  PetscCall(VecRestoreArray(rho, &x));
  PetscCall(VecRestoreArrayRead(first, &a));
  PetscCall(PetscFree(row));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ stored snapshots */

static PetscErrorCode check_run(const MuPathSpec *spec, const MuTrial *t, const MuRunInfo *run) {
  const PetscInt *n = t->info->cells;
  if (run->times < 3)
    return MuError(MU_ERR_INPUT, "study_directory: %s has %d snapshots; a curve needs at least 3",
                   spec->run, (int)run->times);
  if (run->cells[0] % n[0] == 0 && run->cells[1] % n[1] == 0) return 0;
  return MuError(MU_ERR_INPUT,
                 "study_directory: %s has %d x %d cells; multiples of the study's %d x %d are "
                 "needed",
                 spec->run, (int)run->cells[0], (int)run->cells[1], (int)n[0], (int)n[1]);
}

static PetscErrorCode read_run(const MuPathSpec *spec, const MuTrial *t, MuRunReader reader,
                               MuPath *path) {
  const MuRunInfo *run;
  PetscErrorCode code = 0;
  PetscReal *density, *x;

  PetscFunctionBegin;
  PetscCall(MuRunReaderGetInfo(reader, &run));
  PetscCall(check_run(spec, t, run));
  path->points = run->times;
  PetscCall(PetscMalloc1(path->points, &path->time));
  PetscCall(PetscCalloc1(path->points, &path->state));
  PetscCall(PetscMalloc1(run->cells[0] * run->cells[1], &density));
  for (PetscInt k = 0; k < path->points && !code; ++k) {
    path->time[k] = run->time[k];
    PetscCall(MuGridCreateField(t->parts->grid, &path->state[k]));
    code = MuRunReaderSnapshot(reader, k, density);
    PetscCall(VecGetArray(path->state[k], &x));
    if (!code) MuArrayBlockMeans(run->cells, density, t->info->cells, 1, x);
    PetscCall(VecRestoreArray(path->state[k], &x));
  }
  PetscCall(PetscFree(density));
  PetscFunctionReturn(code);
}

static PetscErrorCode load_run(const MuPathSpec *spec, const MuTrial *t, MuPath *path) {
  char file[PETSC_MAX_PATH_LEN + 16];
  MuRunReader reader;

  PetscFunctionBegin;
  snprintf(file, sizeof file, "%s/run.h5", spec->run);
  PetscErrorCode code = MuRunReaderCreate(file, &reader);
  if (code == MU_ERR_FILE) return MuError(code, "study_directory: %s", MuErrorMessage());
  PetscCall(code);
  code = read_run(spec, t, reader, path);
  PetscCall(MuRunReaderDestroy(&reader));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the curve */

static PetscErrorCode make(const MuPathSpec *spec, const MuTrial *t, Vec first, Vec second,
                           MuPath *path) {
  PetscFunctionBegin;
  path->points = spec->pieces + 1;
  PetscCall(PetscMalloc1(path->points, &path->time));
  PetscCall(PetscCalloc1(path->points, &path->state));
  for (PetscInt k = 0; k < path->points; ++k) {
    const PetscReal s = (PetscReal)k / (PetscReal)spec->pieces;
    path->time[k] = s;
    PetscCall(MuGridCreateField(t->parts->grid, &path->state[k]));
    if (spec->kind == MU_PATH_TRANSLATION)
      PetscCall(translate(t, s * spec->shift, first, path->state[k]));
    else
      PetscCall(mix(spec->kind, s, first, second, path->state[k]));
  }
  PetscFunctionReturn(0);
}

/* Leaves out every other point. */
static PetscErrorCode thin_out(MuPath *path) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < path->points; ++k) {
    if (k % 2) {
      PetscCall(VecDestroy(&path->state[k]));
      continue;
    }
    path->time[k / 2] = path->time[k];
    path->state[k / 2] = path->state[k];
    if (k) path->state[k] = NULL;
  }
  path->points = (path->points + 1) / 2;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPathCreate(const MuPathSpec *spec, const MuTrial *t, Vec first, Vec second,
                            PetscBool thin, PetscBool conserve, MuPath *path) {
  PetscReal mass, own;

  PetscFunctionBegin;
  *path = (MuPath){0};
  PetscErrorCode code =
      spec->kind == MU_PATH_RUN ? load_run(spec, t, path) : make(spec, t, first, second, path);
  if (code) {
    PetscCall(MuPathDestroy(path));
    PetscFunctionReturn(code);
  }
  if (thin) PetscCall(thin_out(path));
  for (PetscInt k = 0; k < path->points && conserve; ++k) {
    PetscCall(MuGridIntegrate(t->parts->grid, path->state[k], &own));
    if (k == 0) mass = own;
    PetscCall(VecScale(path->state[k], mass / own));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuPathDestroy(MuPath *path) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < path->points && path->state; ++k) PetscCall(VecDestroy(&path->state[k]));
  PetscCall(PetscFree(path->state));
  PetscCall(PetscFree(path->time));
  *path = (MuPath){0};
  PetscFunctionReturn(0);
}
