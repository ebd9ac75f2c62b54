/* ledger.csv. */
#include "record/ledger_csv.h"

#include "base/files.h"

#include <errno.h>
#include <unistd.h>

static PetscErrorCode join_names(const MuRunFileSpec *spec, char **line) {
  const MuColumn *column;
  PetscInt count;
  size_t length = 2;
  char *end;

  PetscFunctionBegin;
  PetscCall(MuColumnsGet(spec->columns, &count, &column));
  for (PetscInt c = 0; c < count; ++c) length += strlen(column[c].name) + 1;
  PetscCall(PetscMalloc1(length, line));
  end = *line;
  for (PetscInt c = 0; c < count; ++c) {
    if (c) *end++ = ',';
    end = stpcpy(end, column[c].name);
  }
  *end++ = '\n';
  *end = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerCsvSetUp(MuLedgerCsv *csv, const MuRunFileSpec *spec) {
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(csv->path, sizeof csv->path, "%s/ledger.csv", spec->directory));
  csv->file = NULL;
  PetscCall(MuColumnsGet(spec->columns, &csv->columns, NULL));
  PetscCall(join_names(spec, &csv->header));
  PetscFunctionReturn(0);
}

/* Takes a file that was opened, or the reason why it was not. */
static PetscErrorCode take(MuLedgerCsv *csv, FILE *file) {
  csv->file = file;
  if (!file || setvbuf(file, NULL, _IOLBF, 1 << 16) != 0) return MuCannotWrite(csv->path);
  return 0;
}

PetscErrorCode MuLedgerCsvCreate(MuLedgerCsv *csv) {
  PetscFunctionBegin;
  errno = 0;
  PetscCall(take(csv, MuFileCreate(csv->path)));
  if (fputs(csv->header, csv->file) < 0) return MuCannotWrite(csv->path);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerCsvAddRow(MuLedgerCsv *csv, const PetscReal *values) {
  errno = 0;
  for (PetscInt c = 0; c < csv->columns; ++c)
    fprintf(csv->file, "%s%.17g", c ? "," : "", values[c]);
  fputc('\n', csv->file);
  if (ferror(csv->file)) return MuCannotWrite(csv->path);
  return 0;
}

/* Where the line behind the header and the first `rows` rows begins, -1 if there is none. */
static long find_row(FILE *file, PetscInt rows) {
  PetscInt lines = 0;
  for (int c = getc(file); c != EOF; c = getc(file))
    if (c == '\n' && lines++ == rows) return ftell(file);
  return -1;
}

static PetscErrorCode rebuild(MuLedgerCsv *csv, MuRunFile *run, PetscInt rows) {
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows * csv->columns, &values));
  PetscCall(MuRunFileReadRows(run, rows, values));
  PetscCall(MuLedgerCsvCreate(csv));
  for (PetscInt r = 0; r < rows; ++r) PetscCall(MuLedgerCsvAddRow(csv, values + r * csv->columns));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerCsvResume(MuLedgerCsv *csv, MuRunFile *run, PetscInt rows) {
  FILE *file = MuFileUpdate(csv->path);
  long at = -1;

  PetscFunctionBegin;
  if (file) at = find_row(file, rows);
  if (file) fclose(file);
  if (at < 0) {
    PetscCall(rebuild(csv, run, rows));
    PetscFunctionReturn(0);
  }
  errno = 0;
  PetscCall(take(csv, MuFileUpdate(csv->path)));
  if (fseek(csv->file, at, SEEK_SET) != 0) return MuCannotWrite(csv->path);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLedgerCsvCut(MuLedgerCsv *csv) {
  errno = 0;
  if (fflush(csv->file) != 0 || ftruncate(fileno(csv->file), ftell(csv->file)) != 0)
    return MuCannotWrite(csv->path);
  return 0;
}

PetscErrorCode MuLedgerCsvClose(MuLedgerCsv *csv) {
  FILE *file = csv->file;

  PetscFunctionBegin;
  csv->file = NULL;
  PetscCall(PetscFree(csv->header));
  errno = 0;
  if (file && fclose(file) != 0) return MuCannotWrite(csv->path);
  PetscFunctionReturn(0);
}
