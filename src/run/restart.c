/* What of an earlier run is there, whether it is of the same case, and the newest state to trust.
 */
#include "run/restart.h"

#include "output/terminal.h"
#include "run/keeping.h"

#include <math.h>

/* Keys that do not change what the flow is up to a given time. */
static const char *const free_keys[] = {"time_end",
                                        "time_wall_limit",
                                        "output_directory",
                                        "output_checkpoint",
                                        "output_overwrite",
                                        "study_*",
                                        NULL};

static PetscErrorCode compare(MuCase c, const char *directory, const char *text) {
  char key[64], here[64], there[64];

  PetscFunctionBegin;
  if (!text[0]) PetscFunctionReturn(0); /* a kill can leave the attribute unreadable */
  PetscCall(MuCaseCompare(c, text, free_keys, key, here, there));
  if (key[0])
    return MuError(MU_ERR_INPUT,
                   "%s: is %s, but %s in the run that %s holds; a restart needs the same case", key,
                   here[0] ? here : "not given", there[0] ? there : "not given", directory);
  PetscFunctionReturn(0);
}

/* To another end the run goes on only with a step that does not follow from it, and not to one that
   lies behind. */
static PetscErrorCode check_end(MuCase c, const MuRestart *r, const char *directory) {
  static const char *const others[] = {"time_wall_limit", "output_*", "study_*", NULL};
  char key[64], here[64], there[64];
  PetscReal end, step;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, "time_end", &end, NULL));
  PetscCall(MuCaseGetReal(c, "time_step", &step, &given));
  PetscCall(MuCaseCompare(c, r->remains.case_text, others, key, here, there));
  if (!key[0] || !r->remains.case_text[0]) PetscFunctionReturn(0);
  if (!given)
    return MuError(MU_ERR_INPUT,
                   "time_end: is %s, but %s in the run that %s holds, and without time_step the "
                   "step follows from it; give time_step in both or the same time_end",
                   here, there, directory);
  if (r->remains.snapshots > 0 && end < r->remains.times[r->remains.snapshots - 1])
    return MuError(MU_ERR_INPUT, "time_end: %g lies before t = %g, which the run in %s has reached",
                   end, r->remains.times[r->remains.snapshots - 1], directory);
  PetscFunctionReturn(0);
}

/* Takes the checkpoint if run.h5 holds all that was written before it. */
static PetscErrorCode take(MuRestart *r, MuCheckpoint checkpoint, const char *path) {
  PetscReal numbers[MU_RUN_NUMBERS];

  PetscFunctionBegin;
  PetscCall(MuCheckpointGetNumbers(checkpoint, "run", MU_RUN_NUMBERS, numbers));
  r->rows = (PetscInt)numbers[MU_RUN_ROWS];
  r->snapshots = (PetscInt)numbers[MU_RUN_SNAPSHOTS];
  r->initial_energy = numbers[MU_RUN_INITIAL_ENERGY];
  r->time = numbers[MU_RUN_TIME];
  if (r->rows > r->remains.rows || r->snapshots > r->remains.snapshots)
    return MuError(
        MU_ERR_FILE, "%s needs %d rows and %d snapshots of run.h5, which holds %d and %d", path,
        (int)r->rows, (int)r->snapshots, (int)r->remains.rows, (int)r->remains.snapshots);
  r->checkpoint = checkpoint;
  PetscCall(PetscStrncpy(r->path, path, sizeof r->path));
  PetscFunctionReturn(0);
}

/* The newest generation that is good; *bad: how many were there and are not, with why. */
static PetscErrorCode find_checkpoint(MPI_Comm comm, const char *directory, MuRestart *r,
                                      PetscInt *bad, char why[2048]) {
  char path[PETSC_MAX_PATH_LEN];
  MuCheckpoint checkpoint;
  PetscErrorCode code;

  PetscFunctionBegin;
  *bad = 0;
  why[0] = 0;
  for (PetscInt k = 0; k < MU_GENERATIONS && !r->checkpoint; ++k) {
    size_t used;
    PetscCall(MuCheckpointPath(directory, k, path));
    code = MuCheckpointRead(comm, directory, k, &checkpoint);
    if (!code && !checkpoint) continue;
    if (!code) code = take(r, checkpoint, path);
    if (!code) break;
    if (code != MU_ERR_FILE) PetscFunctionReturn(code);
    PetscCall(MuCheckpointDestroy(&checkpoint));
    PetscCall(PetscStrlen(why, &used));
    PetscCall(
        PetscSNPrintf(why + used, 2048 - used, "%s%.900s", used ? "; " : "", MuErrorMessage()));
    ++*bad;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode find_state(MuCase c, const char *directory, MuRestart *r) {
  PetscInt bad;
  const char *text;
  char why[2048];
  MPI_Comm comm;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(find_checkpoint(comm, directory, r, &bad, why));
  if (bad && !r->checkpoint)
    return MuError(MU_ERR_FILE,
                   "%s; there is no other state to go on from, and nothing was changed (without "
                   "checkpoint files -restart begins at t = 0)",
                   why);
  if (bad) PetscCall(MuWarn(comm, "%s; the state before it is taken", why));
  if (!r->checkpoint) PetscFunctionReturn(0);
  PetscCall(MuCheckpointGetText(r->checkpoint, "case", &text));
  PetscCall(compare(c, directory, text));
  PetscCall(MuCheckpointGetText(r->checkpoint, "transform_plans", &text));
  PetscCall(MuTransformPlansSet(text));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRestartFind(MuCase c, MuRestart *r) {
  char key[64], here[64], there[64];
  const char *const only_output[] = {"time_wall_limit", "output_*", "study_*", NULL};
  const char *directory;
  MPI_Comm comm;

  PetscFunctionBegin;
  PetscCall(MuCaseGetComm(c, &comm));
  PetscCall(MuCaseGetString(c, "output_directory", &directory, NULL));
  PetscCall(MuRunRemainsRead(comm, directory, "run.h5", &r->remains));
  if (r->remains.there) {
    PetscCall(compare(c, directory, r->remains.case_text));
    PetscCall(check_end(c, r, directory));
    PetscCall(MuCaseCompare(c, r->remains.case_text, only_output, key, here, there));
    PetscBool done;
    PetscCall(PetscStrcmp(r->remains.status, "done", &done));
    r->finished = (PetscBool)(done && !key[0]);
  }
  if (!r->finished) PetscCall(find_state(c, directory, r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRestartFree(MuRestart *r) {
  PetscFunctionBegin;
  PetscCall(MuRunRemainsFree(&r->remains));
  PetscCall(MuCheckpointDestroy(&r->checkpoint));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ after building */

static PetscErrorCode compare_target(const MuRestart *r, const MuProblemParts *p, int *same) {
  const MuGridInfo *info;
  PetscReal *target = NULL;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  const PetscInt cells = info->cells[0] * info->cells[1];
  *same = r->remains.cells == (p->log_target ? cells : 0);
  if (!p->log_target || !*same) PetscFunctionReturn(0);
  if (info->rank == 0) PetscCall(PetscMalloc1(cells, &target));
  PetscCall(MuGridGather(p->grid, p->log_target, PETSC_FALSE, target));
  for (PetscInt i = 0; i < cells && info->rank == 0; ++i) {
    const PetscReal here = target[i], there = r->remains.target[i];
    if (here != there && !(fabs(here - there) <= 1e-9 * (1 + fabs(there)))) *same = 0;
  }
  PetscCall(PetscFree(target));
  PetscCallMPI(MPI_Bcast(same, 1, MPI_INT, 0, info->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRestartCheck(const MuRestart *r, const MuProblemParts *p, const char *directory) {
  int same;

  PetscFunctionBegin;
  if (!r->remains.there) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < r->snapshots; ++k)
    if (k >= p->snapshots || r->remains.times[k] != p->snapshot_times[k])
      return MuError(MU_ERR_INPUT,
                     "output_every: snapshot %d of the run in %s is of t = %g, and would be of t = "
                     "%g now; give output_every or output_times in both",
                     (int)k, directory, r->remains.times[k],
                     k < p->snapshots ? p->snapshot_times[k] : p->flow.end);
  PetscCall(compare_target(r, p, &same));
  if (!same)
    return MuError(MU_ERR_INPUT,
                   "target: is not the one of the run in %s although the case is the same; a file "
                   "that it is made from has changed",
                   directory);
  PetscFunctionReturn(0);
}
