/* A study: reads what is asked, shares the runs out among groups of ranks, gathers the rows, gives
   the verdict. */
#include "base/stopped.h"
#include "case/chosen.h"
#include "output/terminal.h"
#include "problem/problem.h"
#include "record/interrupt.h"
#include "record/progress.h"
#include "study/study_impl.h"

static const MuStudyOps *const kinds[] = {
    &MuStudyGamma,       &MuStudyOrderOps,   &MuStudyRate,
    &MuStudyBalance,     &MuStudyParticles,  &MuStudyContraction,
    &MuStudyEquivalence, &MuStudyInequality, &MuStudyCurveOps};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ------------------------------------------------------------------ reading */

static PetscErrorCode take_override(void *ctx, const char *key, const char *value) {
  MuStudy s = ctx;

  PetscFunctionBegin;
  if (!strncmp(key, "study_", 6) || !strncmp(key, "system_", 7) ||
      !strcmp(key, "output_directory") || !strcmp(key, "output_overwrite") ||
      !strcmp(key, "grid_file"))
    PetscFunctionReturn(0);
  PetscCall(MuOverridesSet(&s->base, key, "%s", value));
  PetscFunctionReturn(0);
}

/* Short names of the parameters. */
static const char *full_key(const char *word) {
  if (!strcmp(word, "ridge")) return "geometry_ridge";
  if (!strcmp(word, "bandwidth")) return "kernel_bandwidth";
  return word;
}

static PetscErrorCode read_vary(MuStudy s) {
  char *words[2] = {NULL, NULL};
  PetscInt count = 2;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetStringArray(s->file, "study_vary", &count, words, &given));
  s->varied = given ? count : 0;
  for (PetscInt k = 0; k < s->varied; ++k) {
    PetscCall(PetscStrallocpy(full_key(words[k]), &s->vary[k]));
    PetscCall(PetscFree(words[k]));
  }
  s->joint_factor = s->joint_power = 1;
  PetscCall(MuCaseGetReal(s->file, "study_joint_factor", &s->joint_factor, &given));
  PetscCall(MuCaseGetReal(s->file, "study_joint_power", &s->joint_power, &given));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_values(MuStudy s) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(s->file, "study_values", &s->count));
  if (s->count > MU_MAX_VALUES)
    return MuError(MU_ERR_INPUT, "study_values: %d values are too many; at most %d are allowed",
                   (int)s->count, MU_MAX_VALUES);
  PetscCall(PetscMalloc1(PetscMax(s->count, 1), &s->values));
  PetscInt room = s->count;
  if (s->count) PetscCall(MuCaseGetRealArray(s->file, "study_values", &room, s->values, &given));
  PetscFunctionReturn(0);
}

/* The file of the case: a key of the study, or the study's file itself. */
static PetscErrorCode find_case(MuStudy s) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetPath(s->file, "study_case", s->case_path, &given));
  if (!given) PetscCall(MuCaseGetFile(s->file, s->case_path));
  PetscFunctionReturn(0);
}

static PetscErrorCode fix(void *ctx, const char *key, const char *value) {
  return MuOverridesSet(&((MuStudy)ctx)->base, key, "%s", value);
}

/* What is chosen for the case stays as it is in all of its runs. */
static PetscErrorCode fix_chosen(MuStudy s) {
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)s->base.count, s->base.text, &c));
  PetscErrorCode code = MuCaseChooseBandwidths(c);
  if (!code) code = MuCaseVisitChosen(c, fix, s);
  if (!code)
    code = PetscPrintf(s->comm, "%s%s", MuCaseGetNotes(c), MuCaseGetNotes(c)[0] ? "\n" : "");
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

static PetscErrorCode read_estimates(MuStudy s) {
  PetscBool estimates = PETSC_TRUE, given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetBool(s->file, "study_estimates", &estimates, &given));
  s->bare = (PetscBool)!estimates;
  PetscFunctionReturn(0);
}

static PetscErrorCode read(MuStudy s) {
  const char *words[KINDS + 1] = {NULL};
  PetscInt type;
  PetscBool given;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < KINDS; ++k) words[k] = kinds[k]->name;
  PetscCall(MuCaseGetChoice(s->file, "study_type", words, &type, NULL));
  s->ops = kinds[type];
  PetscCall(find_case(s));
  PetscCall(MuCaseVisit(s->file, take_override, s));
  PetscCall(MuOverridesSet(&s->base, "output_directory", "none")); /* a study writes no runs */
  PetscCall(fix_chosen(s));
  PetscCall(read_vary(s));
  PetscCall(read_values(s));
  s->expected = NAN;
  PetscCall(MuCaseGetReal(s->file, "study_expect_order", &s->expected, &given));
  s->tolerance = s->ops->tolerance;
  PetscCall(MuCaseGetReal(s->file, "study_tolerance", &s->tolerance, &given));
  PetscCall(MuStudyGroupsCreate(s));
  PetscCall(read_estimates(s));
  PetscCall(s->ops->create(s));
  if (s->bare && !s->has_estimates)
    return MuError(MU_ERR_INPUT,
                   "study_estimates: false is not allowed; this study makes no further "
                   "runs to estimate its errors");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

static PetscErrorCode make_tables(MuStudy s) {
  const PetscInt tasks = s->rows + s->extras;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(tasks * s->columns, &s->table));
  PetscCall(PetscCalloc1(PetscMax(tasks * s->curves * s->times, 1), &s->curve));
  PetscCall(PetscCalloc1(tasks, &s->status));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyCreate(MuCase file, MuStudy *study) {
  MuStudy s;
  PetscErrorCode code;

  PetscFunctionBegin;
  *study = NULL;
  PetscCall(PetscNew(&s));
  PetscCall(MuCaseReference(file));
  s->file = file;
  s->group = MPI_COMM_NULL;
  PetscCall(MuCaseGetComm(file, &s->comm));
  PetscCallMPI(MPI_Comm_rank(s->comm, &s->rank));
  PetscCallMPI(MPI_Comm_size(s->comm, &s->size));
  code = read(s);
  code = MuErrorAgree(s->comm, code);
  if (!code) code = make_tables(s);
  if (code)
    PetscCall(MuStudyDestroy(&s));
  else
    *study = s;
  PetscFunctionReturn(code);
}

PetscErrorCode MuStudyDestroy(MuStudy *study) {
  MuStudy s = *study;

  PetscFunctionBegin;
  *study = NULL;
  if (!s) PetscFunctionReturn(0);
  if (s->ops) PetscCall(s->ops->destroy(s));
  PetscCall(MuOverridesDestroy(&s->base));
  PetscCall(MuLockRelease(&s->lock));
  PetscCall(PetscFree(s->values));
  PetscCall(PetscFree(s->vary[0]));
  PetscCall(PetscFree(s->vary[1]));
  PetscCall(PetscFree(s->label));
  PetscCall(PetscFree(s->table));
  PetscCall(PetscFree(s->curve));
  PetscCall(PetscFree(s->time));
  PetscCall(PetscFree(s->status));
  for (PetscInt k = 0; k < s->fields; ++k) PetscCall(PetscFree(s->field[k].values));
  PetscCall(MuCaseDestroy(&s->file));
  PetscCall(MuStudyGroupsDestroy(s));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyGetResult(MuStudy s, MuStudyResult *result) {
  *result = (MuStudyResult){.verdict = s->verdict,
                            .stopped = s->stopped,
                            .order = s->order,
                            .order_stderr = s->order_stderr,
                            .expected = s->expected,
                            .rows = s->rows,
                            .columns = s->columns,
                            .times = s->times,
                            .names = s->column_names,
                            .table = s->table,
                            .time = s->time,
                            .notes = s->notes};
  return 0;
}

/* ------------------------------------------------------------------ the runs */

/* What a run has not given is no number. */
static void forget(MuStudy s, PetscInt i) {
  PetscReal *row = MuStudyRow(s, i), *curve = s->curve + i * s->curves * s->times;
  for (PetscInt k = 1; k < s->columns; ++k) row[k] = NAN;
  for (PetscInt k = 0; k < s->curves * s->times; ++k) curve[k] = NAN;
}

/* A numerical failure stays in its row; anything else ends the study. Of one rank of a group it is
   that of all. */
static PetscErrorCode do_task(MuStudy s, PetscInt i) {
  PetscErrorCode code;

  PetscFunctionBegin;
  code = s->ops->task(s, i, MuStudyRow(s, i), s->curve + i * s->curves * s->times);
  code = MuErrorAgree(s->group, code);
  if (code == MU_STOPPED) PetscFunctionReturn(0); /* stops() finds the signal */
  if (code && code != MU_ERR_NUMERICS) PetscFunctionReturn(code);
  snprintf(s->status[i], MU_STATUS_LENGTH, "%s", code ? MuErrorMessage() : "done");
  if (code) forget(s, i);
  for (char *c = s->status[i]; *c; ++c)
    if (*c == ',' || *c == '\n' || *c == '"') *c = ';'; /* a field of study.csv */
  code = s->leads ? MuStudyFileAddRow(s, i) : 0;
  PetscFunctionReturn(MuErrorAgree(s->group, code));
}

/* How far it is, and the time that is left if the runs are as long as those before. */
static PetscErrorCode show(const MuQueue *q, int number, double seconds, MuProgress progress) {
  char text[128], left[48] = "";

  PetscFunctionBegin;
  if (number > 0)
    snprintf(left, sizeof left, ", about %.0f s left",
             seconds / number * ((double)q->tasks - number));
  snprintf(text, sizeof text, "study: run %d of %d%s", number + 1, (int)q->tasks, left);
  PetscCall(MuProgressText(progress, text));
  PetscFunctionReturn(0);
}

/* Whether one rank of the group has got a signal. */
static PetscErrorCode stops(MuStudy s, PetscBool *stop) {
  int write;

  PetscFunctionBegin;
  *stop = (PetscBool)(MuInterruptTake(&write) != 0);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, stop, 1, MPIU_BOOL, MPI_LOR, s->group));
  PetscFunctionReturn(0);
}

/* A signal stops after the run that goes on, or in the middle of a long one. */
static PetscErrorCode do_tasks(MuStudy s, MuQueue *q, MuProgress progress) {
  const double begun = MPI_Wtime();
  PetscErrorCode code = 0;
  int number;

  PetscFunctionBegin;
  if (q->tasks && s->ops->prepare) code = s->ops->prepare(s);
  if (code && code != MU_STOPPED) PetscFunctionReturn(code);
  for (;;) {
    PetscCall(MuQueueNext(s, q, &number));
    if (number >= q->tasks) break;
    PetscCall(stops(s, &s->stopped));
    if (s->stopped) break;
    PetscCall(show(q, number, MPI_Wtime() - begun, progress));
    PetscCall(do_task(s, q->order[number]));
  }
  PetscFunctionReturn(0);
}

/* Every entry counts on the first rank of one group and is zero on all others. */
static PetscErrorCode gather(MuStudy s) {
  const PetscInt tasks = s->rows + s->extras;

  PetscFunctionBegin;
  if (!s->leads) {
    PetscCall(PetscArrayzero(s->table, tasks * s->columns));
    PetscCall(PetscArrayzero(s->curve, tasks * s->curves * s->times));
    PetscCall(PetscArrayzero(s->status, tasks));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->table, (PetscMPIInt)(tasks * s->columns), MPIU_REAL,
                             MPI_SUM, s->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->curve, (PetscMPIInt)(tasks * s->curves * s->times),
                             MPIU_REAL, MPI_SUM, s->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->status, (PetscMPIInt)(tasks * MU_STATUS_LENGTH),
                             MPI_BYTE, MPI_BOR, s->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_all(MuStudy s) {
  PetscBool *stored;
  PetscErrorCode code = 0;
  MuProgress progress;
  MuQueue queue;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(s->rows + s->extras, &stored));
  if (s->rank == 0) code = MuStudyFileOpen(s, stored);
  code = MuErrorAgree(s->comm, code);
  if (code) {
    PetscCall(PetscFree(stored));
    PetscFunctionReturn(code);
  }
  PetscCallMPI(MPI_Bcast(stored, (PetscMPIInt)(s->rows + s->extras), MPIU_BOOL, 0, s->comm));
  PetscCall(MuQueueCreate(s, stored, &queue));
  PetscCall(MuProgressCreate(s->comm, 0, 1, &progress));
  MuInterruptBegin();
  code = do_tasks(s, &queue, progress);
  MuInterruptEnd();
  PetscCall(MuProgressDestroy(&progress));
  code = MuErrorAgree(s->comm, code);
  PetscCall(MuQueueDestroy(&queue));
  PetscCall(PetscFree(stored));
  if (code) PetscFunctionReturn(code);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &s->stopped, 1, MPIU_BOOL, MPI_LOR, s->comm));
  if (!s->stopped) PetscCall(gather(s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

static const MuStyle verdict_styles[] = {[MU_VERDICT_HOLDS] = MU_STYLE_GOOD,
                                         [MU_VERDICT_FAILS] = MU_STYLE_BAD,
                                         [MU_VERDICT_UNDECIDED] = MU_STYLE_DOUBT};

static void note_failures(MuStudy s) {
  if (s->bare) {
    s->verdict = MU_VERDICT_UNDECIDED;
    MuStudyNote(s, "no claim is judged: without estimates (study_estimates: false) it is not known "
                   "what grid and step make of the numbers");
  }
  for (PetscInt i = 0; i < s->rows; ++i) {
    if (MuStudyDone(s, i)) continue;
    s->verdict = MU_VERDICT_UNDECIDED;
    MuStudyNote(s, "row %d failed: %s", (int)i + 1, s->status[i]);
  }
}

static PetscErrorCode print_table(MuStudy s) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < PetscMin(s->columns, 10); ++k)
    PetscCall(PetscPrintf(s->comm, "%s%.24s", k ? "  " : "", s->column_names[k]));
  PetscCall(PetscPrintf(s->comm, "\n"));
  for (PetscInt i = 0; i < s->rows; ++i) {
    for (PetscInt k = 0; k < PetscMin(s->columns, 10); ++k)
      PetscCall(PetscPrintf(s->comm, "%s%*.*g", k ? "  " : "",
                            (int)PetscMin(24, (PetscInt)strlen(s->column_names[k])), 4,
                            MuStudyRow(s, i)[k]));
    if (s->label) PetscCall(PetscPrintf(s->comm, "  %s", s->label[i]));
    PetscCall(PetscPrintf(s->comm, "\n"));
  }
  PetscFunctionReturn(0);
}

/* A fitted number with its error; none where nothing could be fitted. */
static PetscErrorCode print_fitted(MuStudy s, const MuStudyOrder *fitted) {
  PetscFunctionBegin;
  if (isnan(fitted->value))
    PetscCall(PetscPrintf(s->comm, "%-28s        - (nothing to fit)\n", fitted->name));
  else if (isnan(fitted->stderror))
    PetscCall(PetscPrintf(s->comm, "%-28s %8.3f (error not known)\n", fitted->name, fitted->value));
  else
    PetscCall(PetscPrintf(s->comm, "%-28s %8.3f +- %.*f\n", fitted->name, fitted->value,
                          fitted->stderror < 0.01 && fitted->stderror > 0 ? 5 : 3,
                          fitted->stderror));
  PetscFunctionReturn(0);
}

static PetscErrorCode print(MuStudy s) {
  PetscFunctionBegin;
  PetscCall(print_table(s));
  for (PetscInt k = 0; k < s->orders; ++k) PetscCall(print_fitted(s, &s->fitted[k]));
  PetscCall(PetscPrintf(s->comm, "%s", s->notes));
  PetscCall(PetscPrintf(s->comm, "verdict: %s%s%s\n",
                        MuStyleText(stdout, verdict_styles[s->verdict]), MuVerdictWords[s->verdict],
                        MuStyleText(stdout, MU_STYLE_PLAIN)));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudySolve(MuStudy s) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  s->order = s->order_stderr = NAN;
  PetscCall(run_all(s));
  if (s->stopped) PetscFunctionReturn(0);
  PetscCall(s->ops->judge(s));
  note_failures(s);
  if (s->rank == 0) code = MuStudyFileFinish(s);
  PetscCall(MuErrorAgree(s->comm, code));
  PetscCall(print(s));
  PetscFunctionReturn(0);
}
