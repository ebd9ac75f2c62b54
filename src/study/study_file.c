/* The files of a study: study.csv, study.h5, the text that the rows belong to, and until the study
   is finished one small file per task, from which an interrupted study continues. */
#include "base/files.h"
#include "base/hdf5.h"
#include "base/netcdf.h"
#include "output/terminal.h"
#include "study/study_impl.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_TEXT (4 << 20) /* a study and its case are at most 1 MB each */

typedef char Path[PETSC_MAX_PATH_LEN + 64];

static PetscErrorCode directory_of(MuStudy s, const char **directory) {
  return MuCaseGetString(s->file, "output_directory", directory, NULL);
}

static PetscErrorCode path_of(MuStudy s, const char *name, Path path) {
  const char *directory;

  PetscFunctionBegin;
  PetscCall(directory_of(s, &directory));
  snprintf(path, sizeof(Path), "%s/%s", directory, name);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the study's text */

/* Everything that the rows depend on: the study and its case, both after overrides. */
static PetscErrorCode study_text(MuStudy s, char **text) {
  const char *study, *effective;
  size_t length;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseGetEffective(s->file, &study));
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)s->base.count, s->base.text, &c));
  PetscCall(MuCaseGetEffective(c, &effective));
  length = strlen(study) + strlen(effective) + 256;
  PetscCall(PetscMalloc1(length, text));
  snprintf(*text, length,
           "# mudot %s, the study after overrides:\n%s# its case after overrides:\n%s",
           MUDOT_VERSION, study, effective);
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(0);
}

/* The text without the lines that do not matter for the rows. */
static PetscBool same_text(const char *a, const char *b) {
  static const char *const skipped[] = {"  expect:", "  ranks_per_run:"};
  for (;;) {
    const char *const lines[2] = {a, b};
    size_t length[2];
    PetscBool skip[2] = {PETSC_FALSE, PETSC_FALSE};
    for (int k = 0; k < 2; ++k) {
      length[k] = strcspn(lines[k], "\n");
      for (size_t j = 0; j < sizeof skipped / sizeof *skipped; ++j)
        if (!strncmp(lines[k], skipped[j], strlen(skipped[j]))) skip[k] = PETSC_TRUE;
    }
    if (skip[0]) {
      a += length[0] + 1;
    } else if (skip[1]) {
      b += length[1] + 1;
    } else {
      if (length[0] != length[1] || strncmp(a, b, length[0]) != 0) return PETSC_FALSE;
      if (!a[length[0]] || !b[length[1]]) return (PetscBool)(a[length[0]] == b[length[1]]);
      a += length[0] + 1;
      b += length[1] + 1;
    }
  }
}

static PetscErrorCode read_text(const char *path, char **text) {
  long long size;
  FILE *file;

  PetscFunctionBegin;
  *text = NULL;
  if (access(path, F_OK) != 0) PetscFunctionReturn(0);
  PetscCall(MuFileOpen(NULL, path, &file, &size));
  if (size > LARGEST_TEXT) size = 0; /* not ours */
  PetscCall(PetscCalloc1((size_t)size + 1, text));
  if (fread(*text, 1, (size_t)size, file) != (size_t)size) (*text)[0] = 0;
  fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode write_text(const char *path, const char *text) {
  FILE *file = MuFileCreate(path);
  if (!file) return MuCannotWrite(path);
  int wrong = fputs(text, file) < 0;
  wrong |= fclose(file) != 0;
  return wrong ? MuCannotWrite(path) : 0;
}

/* ------------------------------------------------------------------ finished tasks */

static PetscErrorCode task_path(MuStudy s, PetscInt i, Path path) {
  char name[64];

  PetscFunctionBegin;
  snprintf(name, sizeof name, ".row-%04d", (int)i);
  PetscCall(path_of(s, name, path));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_task(MuStudy s, PetscInt i) {
  const size_t columns = (size_t)s->columns, curves = (size_t)(s->curves * s->times);
  Path path, partial;

  PetscFunctionBegin;
  PetscCall(task_path(s, i, path));
  snprintf(partial, sizeof partial, "%.*s.new", (int)sizeof partial - 8, path);
  FILE *file = MuFileCreate(partial);
  if (!file) return MuCannotWrite(partial);
  int wrong = fwrite(MuStudyRow(s, i), sizeof(PetscReal), columns, file) != columns;
  wrong |= fwrite(s->curve + i * s->curves * s->times, sizeof(PetscReal), curves, file) != curves;
  PetscCall(MuFileFinish(file, partial, path, (PetscBool)(wrong != 0)));
  PetscFunctionReturn(0);
}

/* Fills the row and the curves of a task that is on disk, whole. */
static PetscErrorCode read_task(MuStudy s, PetscInt i, PetscBool *stored) {
  const size_t columns = (size_t)s->columns, curves = (size_t)(s->curves * s->times);
  long long size;
  FILE *file;
  Path path;

  PetscFunctionBegin;
  *stored = PETSC_FALSE;
  PetscCall(task_path(s, i, path));
  if (access(path, F_OK) != 0) PetscFunctionReturn(0);
  PetscCall(MuFileOpen(NULL, path, &file, &size));
  if ((size_t)size == (columns + curves) * sizeof(PetscReal))
    *stored = (PetscBool)(fread(MuStudyRow(s, i), sizeof(PetscReal), columns, file) == columns &&
                          fread(s->curve + i * s->curves * s->times, sizeof(PetscReal), curves,
                                file) == curves);
  fclose(file);
  if (*stored) snprintf(s->status[i], MU_STATUS_LENGTH, "done");
  PetscFunctionReturn(0);
}

static PetscErrorCode remove_tasks(MuStudy s) {
  Path path;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < s->rows + s->extras; ++i) {
    PetscCall(task_path(s, i, path));
    unlink(path);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ study.csv */

static void print_header(MuStudy s, FILE *file) {
  for (PetscInt k = 0; k < s->columns; ++k) fprintf(file, "%s%s", k ? "," : "", s->column_names[k]);
  if (s->label) fprintf(file, ",system");
  fprintf(file, ",status\n");
}

static void print_row(MuStudy s, PetscInt i, FILE *file) {
  for (PetscInt k = 0; k < s->columns; ++k)
    fprintf(file, "%s%.17g", k ? "," : "", MuStudyRow(s, i)[k]);
  if (s->label) fprintf(file, ",%s", s->label[i]);
  fprintf(file, ",%s\n", s->status[i]);
}

/* A row goes out in one write, so that those of several ranks do not mix. */
static PetscErrorCode append_row(MuStudy s, PetscInt i) {
  char *text;
  size_t length;
  Path path;

  PetscFunctionBegin;
  PetscCall(path_of(s, "study.csv", path));
  FILE *memory = open_memstream(&text, &length);
  PetscCheck(memory, PETSC_COMM_SELF, PETSC_ERR_MEM, "open_memstream");
  print_row(s, i, memory);
  fclose(memory);
  FILE *file = MuFileAppend(path);
  int wrong = !file;
  if (file) {
    setvbuf(file, NULL, _IOFBF, length + 1);
    wrong = fwrite(text, 1, length, file) != length;
    wrong |= fclose(file) != 0;
  }
  free(text);
  if (wrong) return MuCannotWrite(path);
  PetscFunctionReturn(0);
}

/* All rows that are done, in order. */
static PetscErrorCode write_table(MuStudy s) {
  Path path, partial;

  PetscFunctionBegin;
  PetscCall(path_of(s, "study.csv", path));
  PetscCall(path_of(s, ".study.csv.new", partial));
  FILE *file = MuFileCreate(partial);
  if (!file) return MuCannotWrite(partial);
  print_header(s, file);
  for (PetscInt i = 0; i < s->rows; ++i)
    if (s->status[i][0]) print_row(s, i, file);
  PetscCall(MuFileFinish(file, partial, path, PETSC_FALSE));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyFileAddRow(MuStudy s, PetscInt i) {
  PetscFunctionBegin;
  if (MuStudyDone(s, i)) PetscCall(write_task(s, i));
  if (i < s->rows) PetscCall(append_row(s, i));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ opening */

/* An unfinished study of the same text is continued; anything else needs output_overwrite. */
static PetscErrorCode look_at_directory(MuStudy s, const char *directory, const char *text,
                                        PetscBool *same) {
  PetscBool overwrite = PETSC_FALSE, given;
  char *old;
  Path path;

  PetscFunctionBegin;
  *same = PETSC_FALSE;
  PetscCall(MuCaseGetBool(s->file, "output_overwrite", &overwrite, &given));
  if (overwrite) PetscFunctionReturn(0);
  PetscCall(path_of(s, "run.h5", path));
  const PetscBool run = (PetscBool)(access(path, F_OK) == 0);
  PetscCall(path_of(s, "study.h5", path));
  const PetscBool finished = (PetscBool)(access(path, F_OK) == 0);
  PetscCall(path_of(s, "study.yaml", path));
  PetscCall(read_text(path, &old));
  *same = (PetscBool)(old && same_text(old, text));
  const PetscBool other = (PetscBool)(old && !*same);
  PetscCall(PetscFree(old));
  if (run || finished || other)
    return MuError(
        MU_ERR_INPUT,
        "output_directory: %s holds the results of %s; give -output_overwrite or another "
        "directory",
        directory, other ? "another study" : (run ? "a run" : "this study, which is finished"));
  PetscFunctionReturn(0);
}

static PetscErrorCode lock_directory(MuStudy s, const char *directory) {
  Path path, what;
  PetscBool none;

  PetscFunctionBegin;
  PetscCall(MuMakeDirectory(directory));
  PetscCall(path_of(s, "study", path));
  snprintf(what, sizeof what, "output_directory: %s", directory);
  PetscCall(MuLockTake(path, what, &s->lock, &none));
  if (none) PetscCall(MuWarn(s->comm, MU_NO_LOCKS, what));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyFileOpen(MuStudy s, PetscBool *stored) {
  const char *directory;
  PetscBool same = PETSC_FALSE;
  PetscErrorCode code;
  char *text;
  Path path;

  PetscFunctionBegin;
  PetscCall(directory_of(s, &directory));
  PetscCall(study_text(s, &text));
  code = lock_directory(s, directory);
  if (!code) code = look_at_directory(s, directory, text, &same);
  if (!code) code = path_of(s, "study.h5", path);
  if (!code) unlink(path);
  if (!code && !same) code = remove_tasks(s);
  if (!code) code = path_of(s, "study.yaml", path);
  if (!code) code = write_text(path, text);
  for (PetscInt i = 0; i < s->rows + s->extras && !code && same; ++i)
    code = read_task(s, i, &stored[i]);
  PetscCall(PetscFree(text));
  if (code) PetscFunctionReturn(code);
  PetscCall(write_table(s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ study.h5 */

/* One dataset per column: [rows] below /rows, [extras] below /reference. */
static int put_columns(MuStudy s, hid_t file, const char *group, PetscInt first, PetscInt count) {
  const char *const dimension[] = {first ? "/reference_row" : "/row", NULL};
  hid_t at = H5Gcreate2(file, group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t shape[1] = {(hsize_t)count};
  double *column = calloc((size_t)PetscMax(count, 1), sizeof *column);
  int wrong = at < 0 || !column;
  for (PetscInt k = 0; k < s->columns && !wrong; ++k) {
    for (PetscInt i = 0; i < count; ++i) column[i] = MuStudyRow(s, first + i)[k];
    wrong |= MuHdf5PutArray(at, s->column_names[k], 1, shape, column);
    wrong |= MuNetcdfVariable(at, s->column_names[k], dimension, s->column_names[k]);
  }
  free(column);
  H5Gclose(at);
  return wrong;
}

/* /curves/NAME [rows + extras][times], /curves/t [times]. */
static int put_curves(MuStudy s, hid_t file) {
  const PetscInt tasks = s->rows + s->extras;
  const hsize_t shape[2] = {(hsize_t)tasks, (hsize_t)s->times}, length[1] = {(hsize_t)s->times};
  static const char *const dimension[] = {"/task", "/curves/t", NULL};
  const PetscInt results = s->curves - s->work_curves;
  if (!s->times || !results) return 0;
  hid_t at = H5Gcreate2(file, "curves", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  double *all = malloc(sizeof *all * (size_t)(tasks * s->times));
  int wrong = at < 0 || !all;
  if (!wrong) wrong = MuHdf5PutArray(at, "t", 1, length, s->time);
  if (!wrong) wrong = MuNetcdfCoordinate(at, "t", "time");
  for (PetscInt c = 0; c < results && !wrong; ++c) {
    for (PetscInt i = 0; i < tasks; ++i)
      memcpy(all + i * s->times, MuStudyCurve(s, i, c), sizeof *all * (size_t)s->times);
    wrong |= MuHdf5PutArray(at, s->curve_names[c], 2, shape, all);
    wrong |= MuNetcdfVariable(at, s->curve_names[c], dimension, s->curve_names[c]);
  }
  free(all);
  H5Gclose(at);
  return wrong;
}

/* Dimensions that have no coordinates; /task counts the rows and behind them those of /reference.
 */
static int put_dimensions(MuStudy s, hid_t file) {
  int wrong = MuNetcdfMark(file) | MuNetcdfDimension(file, "row", (hsize_t)s->rows);
  if (s->extras) wrong |= MuNetcdfDimension(file, "reference_row", (hsize_t)s->extras);
  return wrong | MuNetcdfDimension(file, "task", (hsize_t)(s->rows + s->extras));
}

static int put_labels(MuStudy s, hid_t file) {
  char name[64];
  int wrong = 0;
  for (PetscInt i = 0; i < s->rows; ++i) {
    snprintf(name, sizeof name, "status_%04d", (int)i);
    wrong |= MuHdf5PutText(file, name, s->status[i]);
    snprintf(name, sizeof name, "system_%04d", (int)i);
    if (s->label) wrong |= MuHdf5PutText(file, name, s->label[i]);
  }
  return wrong;
}

static int put_fields(MuStudy s, hid_t file) {
  hid_t group = -1;
  int wrong = 0;
  for (PetscInt k = 0; k < s->fields; ++k) {
    const MuStudyField *f = &s->field[k];
    const hsize_t shape[2] = {(hsize_t)f->shape[0], (hsize_t)f->shape[1]};
    if (f->rank == 0) {
      wrong |= MuHdf5PutNumber(file, f->name, *f->values);
      continue;
    }
    if (group < 0) group = H5Gcreate2(file, "minimiser", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    wrong |= group < 0 || MuHdf5PutArray(group, f->name, (int)f->rank, shape, f->values);
  }
  if (group >= 0) H5Gclose(group);
  return wrong;
}

static PetscErrorCode put_attributes(MuStudy s, hid_t file, int *wrong) {
  const char *line, *study;
  char name[96], *text;
  PetscInt expect = MU_VERDICT_HOLDS;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetCommandLine(s->file, &line));
  PetscCall(MuCaseGetEffective(s->file, &study));
  PetscCall(MuCaseGetChoice(s->file, "study_expect", MuVerdictWords, &expect, &given));
  PetscCall(study_text(s, &text));
  *wrong |= MuHdf5PutText(file, "mudot_version", MUDOT_VERSION);
  *wrong |= MuHdf5PutText(file, "command_line", line);
  *wrong |= MuHdf5PutText(file, "study", study);
  *wrong |= MuHdf5PutText(file, "case", text);
  *wrong |= MuHdf5PutText(file, "type", s->ops->name);
  *wrong |= MuHdf5PutText(file, "vary", s->varied ? s->vary[0] : "");
  *wrong |= MuHdf5PutText(file, "verdict", MuVerdictWords[s->verdict]);
  *wrong |= MuHdf5PutText(file, "expected_verdict", MuVerdictWords[expect]);
  *wrong |= MuHdf5PutText(file, "notes", s->notes);
  *wrong |= MuHdf5PutNumber(file, "order", s->order);
  *wrong |= MuHdf5PutNumber(file, "order_stderr", s->order_stderr);
  *wrong |= MuHdf5PutNumber(file, "expected", s->expected);
  for (PetscInt k = 0; k < s->orders; ++k) {
    snprintf(name, sizeof name, "order_%s", s->fitted[k].name);
    *wrong |= MuHdf5PutNumber(file, name, s->fitted[k].value);
    snprintf(name, sizeof name, "order_stderr_%s", s->fitted[k].name);
    *wrong |= MuHdf5PutNumber(file, name, s->fitted[k].stderror);
  }
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyFileFinish(MuStudy s) {
  Path path, partial;
  int wrong = 0;

  PetscFunctionBegin;
  PetscCall(write_table(s));
  PetscCall(path_of(s, "study.h5", path));
  PetscCall(path_of(s, ".study.h5.new", partial));
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  errno = 0;
  hid_t file = MuHdf5Create();
  if (file < 0) return MuCannotWrite(partial);
  PetscErrorCode code = put_attributes(s, file, &wrong);
  wrong |= put_dimensions(s, file) | put_columns(s, file, "rows", 0, s->rows);
  if (s->extras) wrong |= put_columns(s, file, "reference", s->rows, s->extras);
  wrong |= put_curves(s, file) | put_labels(s, file) | put_fields(s, file);
  wrong = MuHdf5Finish(file, partial, wrong || code);
  PetscCall(code);
  if (wrong || rename(partial, path)) return MuCannotWrite(path);
  PetscCall(remove_tasks(s));
  PetscCall(MuLockRelease(&s->lock)); /* nothing more is written */
  PetscFunctionReturn(0);
}
