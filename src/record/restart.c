/* What of an earlier run is there, whether it is of the same case, and the newest state to trust.
 */
#include "mudot/kernel.h"
#include "output/terminal.h"
#include "record/record_impl.h"

/* Keys that do not change what the flow is up to a given time. */
static const char *const free_keys[] = {
    "time_end",          "time_wall_limit",  "time_steady", "output_directory",
    "output_checkpoint", "output_overwrite", "study_*",     NULL};

static PetscErrorCode compare(MuRecord record, const char *text) {
  char key[64], here[64], there[64];

  PetscFunctionBegin;
  if (!text[0]) PetscFunctionReturn(0); /* a kill can leave the attribute unreadable */
  PetscCall(MuCaseCompare(record->c, text, free_keys, key, here, there));
  if (key[0])
    return MuError(MU_ERR_INPUT,
                   "%s: is %s, but %s in the run that %s holds; a restart needs the same case", key,
                   here[0] ? here : "not given", there[0] ? there : "not given", record->directory);
  PetscFunctionReturn(0);
}

/* To another end the run goes on only with a step that does not follow from it, and not to one that
   lies behind. */
static PetscErrorCode check_end(MuRecord record) {
  static const char *const others[] = {"time_wall_limit", "time_steady", "output_*", "study_*",
                                       NULL};
  const char *directory = record->directory;
  const MuRestart *r = &record->restart;
  MuCase c = record->c;
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

/* Takes the checkpoint if the file holds all that was written before it. */
static PetscErrorCode take(MuRecord record, MuCheckpoint checkpoint, const char *path) {
  MuRestart *r = &record->restart;
  PetscReal numbers[MU_RUN_NUMBERS];

  PetscFunctionBegin;
  PetscCall(MuCheckpointGetNumbers(checkpoint, "run", MU_RUN_NUMBERS, numbers));
  r->rows = (PetscInt)numbers[MU_RUN_ROWS];
  r->snapshots = (PetscInt)numbers[MU_RUN_SNAPSHOTS];
  r->ranks = (PetscInt)numbers[MU_RUN_RANKS];
  r->time = numbers[MU_RUN_TIME];
  if (r->rows > r->remains.rows || r->snapshots > r->remains.snapshots)
    return MuError(MU_ERR_FILE, "%s needs %d rows and %d snapshots of %s, which holds %d and %d",
                   path, (int)r->rows, (int)r->snapshots, record->ops->file, (int)r->remains.rows,
                   (int)r->remains.snapshots);
  r->checkpoint = checkpoint;
  PetscCall(PetscStrncpy(r->path, path, sizeof r->path));
  PetscFunctionReturn(0);
}

/* The sentences on the generations that are there and not good. */
typedef struct {
  PetscInt count;
  char why[MU_SENTENCE];
} Bad;

static PetscErrorCode add_bad(Bad *bad) {
  size_t used;

  PetscFunctionBegin;
  PetscCall(PetscStrlen(bad->why, &used));
  PetscCall(PetscSNPrintf(bad->why + used, sizeof bad->why - used, "%s%.900s", used ? "; " : "",
                          MuErrorMessage()));
  bad->count++;
  PetscFunctionReturn(0);
}

/* The newest generation that is good. */
static PetscErrorCode find_checkpoint(MuRecord record, Bad *bad) {
  char path[PETSC_MAX_PATH_LEN];
  MuCheckpoint checkpoint;
  PetscErrorCode code;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_GENERATIONS && !record->restart.checkpoint; ++k) {
    PetscCall(MuCheckpointPath(record->directory, k, path));
    code = MuCheckpointRead(record->comm, record->directory, k, &checkpoint);
    if (!code && !checkpoint) continue;
    if (!code) code = take(record, checkpoint, path);
    if (!code) break;
    if (code != MU_ERR_FILE) PetscFunctionReturn(code);
    PetscCall(MuCheckpointDestroy(&checkpoint));
    PetscCall(add_bad(bad));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode find_state(MuRecord record) {
  MuRestart *r = &record->restart;
  Bad bad = {.count = 0};
  const char *text;

  PetscFunctionBegin;
  PetscCall(find_checkpoint(record, &bad));
  if (bad.count && !r->checkpoint)
    return MuError(MU_ERR_FILE,
                   "%s; there is no other state to go on from, and nothing was changed (without "
                   "checkpoint files -restart begins at t = 0)",
                   bad.why);
  if (bad.count) PetscCall(MuWarn(record->comm, "%s; the state before it is taken", bad.why));
  if (!r->checkpoint) {
    r->rows = r->snapshots = 0;
    PetscFunctionReturn(0);
  }
  PetscCall(MuCheckpointGetText(r->checkpoint, "case", &text));
  PetscCall(compare(record, text));
  PetscCall(MuCheckpointGetText(r->checkpoint, "transform_plans", &text));
  PetscCall(MuTransformPlansSet(text));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRestartFind(MuRecord record) {
  static const char *const only_output[] = {"time_wall_limit", "output_*", "study_*", NULL};
  MuRestart *r = &record->restart;
  char key[64], here[64], there[64];
  PetscBool done;

  PetscFunctionBegin;
  PetscCall(MuRunRemainsRead(record->comm, record->directory, record->ops->file, &r->remains));
  if (r->remains.there) {
    PetscCall(compare(record, r->remains.case_text));
    PetscCall(check_end(record));
    PetscCall(MuCaseCompare(record->c, r->remains.case_text, only_output, key, here, there));
    PetscCall(PetscStrcmp(r->remains.status, "done", &done));
    r->finished = (PetscBool)(done && !key[0]);
  }
  if (!r->finished) PetscCall(find_state(record));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRestartFree(MuRestart *r) {
  PetscFunctionBegin;
  PetscCall(MuRunRemainsFree(&r->remains));
  PetscCall(MuCheckpointDestroy(&r->checkpoint));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ after building */

PetscErrorCode MuRestartCheck(MuRecord record) {
  const MuRestart *r = &record->restart;
  const MuRecordPlan *p = &record->plan;

  if (!r->remains.there) return 0;
  for (PetscInt k = 0; k < r->snapshots; ++k)
    if (k >= p->snapshots || r->remains.times[k] != p->times[k])
      return MuError(MU_ERR_INPUT,
                     "output_every: snapshot %d of the run in %s is of t = %g, and would be of t = "
                     "%g now; give output_every or output_times in both",
                     (int)k, record->directory, r->remains.times[k],
                     k < p->snapshots ? p->times[k] : p->end);
  return 0;
}
