/* Tables that stand in CSV files, as the page shows them: numbers where a cell is one. */
#include "base/files.h"
#include "report/report.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MOST (16 << 20)

PetscErrorCode MuReportReadText(const char *path, char **text) {
  FILE *file;
  long long size;
  PetscBool read = PETSC_FALSE;

  PetscFunctionBegin;
  *text = NULL;
  PetscCall(MuFileOpen(NULL, path, &file, &size));
  if (size <= TEXT_MOST) {
    const size_t length = (size_t)size;
    PetscCall(PetscCalloc1(length + 1, text));
    read = (PetscBool)(fread(*text, 1, length, file) == length);
  }
  fclose(file);
  if (read) PetscFunctionReturn(0);
  PetscCall(PetscFree(*text));
  return MuError(MU_ERR_FILE, "%s: cannot be read as a text file of at most %d MB", path,
                 TEXT_MOST >> 20);
}

static void write_cell(MuJson *j, const char *cell) {
  char *end;
  const double value = strtod(cell, &end);
  if (end != cell && *end == 0)
    MuJsonNumber(j, NULL, value);
  else
    MuJsonText(j, NULL, cell);
}

/* Cuts the next cell out of *rest, in place; *last tells whether it ends the line. Quotes as in
   RFC 4180. */
static char *next_cell(char **rest, PetscBool *last) {
  char *cell = *rest, *to = cell, *from = cell;
  PetscBool quoted = (PetscBool)(*from == '"');
  if (quoted) ++from;
  while (*from && (quoted || (*from != ',' && *from != '\n'))) {
    if (quoted && *from == '"') {
      if (from[1] != '"') {
        quoted = PETSC_FALSE;
        ++from;
        continue;
      }
      ++from;
    }
    if (*from != '\r') *to++ = *from;
    ++from;
  }
  *last = (PetscBool)(*from != ',');
  *rest = *from ? from + 1 : from;
  *to = 0;
  return cell;
}

static void write_line(MuJson *j, const char *name, char **rest) {
  PetscBool last = PETSC_FALSE;
  MuJsonBegin(j, name, '[');
  while (!last) write_cell(j, next_cell(rest, &last));
  MuJsonEnd(j, ']');
}

PetscErrorCode MuReportCsv(MuJson *j, const char *path) {
  char *text, *rest;

  PetscFunctionBegin;
  PetscCall(MuReportReadText(path, &text));
  rest = text;
  while (*rest == '#') rest += strcspn(rest, "\n") + (strchr(rest, '\n') ? 1 : 0);
  write_line(j, "header", &rest);
  MuJsonBegin(j, "rows", '[');
  while (*rest) write_line(j, NULL, &rest);
  MuJsonEnd(j, ']');
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_run(void *ctx, const char *name, const char *text, PetscReal number) {
  char *path = ctx;
  (void)number;
  if (text && strcmp(name, "run") == 0) snprintf(path, PETSC_MAX_PATH_LEN, "%s", text);
  return 0;
}

/* The run that particles were compared with, if it still stands where it stood. */
static PetscErrorCode write_reference(MuJson *j, const MuStored *s, const MuReportShare *share) {
  char run[PETSC_MAX_PATH_LEN] = "";
  struct stat status;

  PetscFunctionBegin;
  PetscCall(MuStoredEachAttribute(s, "/", find_run, run));
  const size_t length = strlen(run);
  if (stat(run, &status) == 0 && S_ISDIR(status.st_mode) && length + 8 < sizeof run)
    snprintf(run + length, sizeof run - length, "/run.h5");
  if (access(run, R_OK) != 0) PetscFunctionReturn(0);
  MuJsonBegin(j, "reference", '{');
  PetscCall(mu_report_run.write(j, run, share));
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

static PetscErrorCode write_words(MuJson *j, const MuStored *s, const MuReportShare *share) {
  PetscFunctionBegin;
  PetscCall(MuReportAttributes(j, s, "/"));
  PetscCall(MuReportCloud(j, s, share));
  PetscCall(write_reference(j, s, share));
  PetscFunctionReturn(0);
}

/* compare.csv, and what compare.h5 beside it says in words and shows. */
static PetscErrorCode write_compare(MuJson *j, const char *path, const MuReportShare *share) {
  char words[PETSC_MAX_PATH_LEN + 16];
  PetscErrorCode code;
  MuStored s = {.path = words};

  PetscFunctionBegin;
  PetscCall(MuReportCsv(j, path));
  snprintf(words, sizeof words, "%.*s.h5", (int)(strlen(path) - strlen(".csv")), path);
  if (access(words, F_OK) != 0) PetscFunctionReturn(0);
  PetscCall(MuHdf5Open(words, &s.file));
  code = write_words(j, &s, share);
  H5Fclose(s.file);
  PetscFunctionReturn(code);
}

const MuReportPart mu_report_compare = {
    .name = "compare", .file = "compare.csv", .heavy = PETSC_TRUE, .write = write_compare};
