/* Reading tables of points. A number that may be another one than was meant is an error. */
#include "base/files.h"
#include "base/npy.h"
#include "measure/fields.h"
#include "measure/measure_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUES (1 << 28) /* points times dimension: sizes of messages are ints */

/* ------------------------------------------------------------------ lines */

/* The file being read, and where it stands. */
typedef struct {
  const MuPointsSpec *spec;
  FILE *file;
  PetscInt number;          /* of the line, from 1 */
  char line[MU_MOST_LINE];  /* the one that was read */
  char ahead[MU_MOST_LINE]; /* the one after it, while the table is looked at */
  char scratch[MU_MOST_LINE];
} Lines;

/* What a sentence begins with: the key that gives the columns or the file; a static buffer. */
static const char *prefix(const MuPointsSpec *spec, const char *name) {
  static char text[128];
  text[0] = '\0';
  if (spec->key) snprintf(text, sizeof text, "%s_%s: ", spec->key, name);
  return text;
}

/* A line without its end, which may be that of any system; *there: not the end of the file. */
static PetscErrorCode read_line(Lines *lines, PetscBool *there) {
  size_t length = 0;
  int c = getc(lines->file);

  PetscFunctionBegin;
  *there = (PetscBool)(c != EOF);
  lines->number++;
  for (; c != EOF && c != '\n' && c != '\r'; c = getc(lines->file)) {
    if (c == 0 || length + 2 >= MU_MOST_LINE)
      return MuError(MU_ERR_INPUT,
                     "%s%s, line %d: holds a zero byte or more than %d characters; a line of text "
                     "is wanted",
                     prefix(lines->spec, "file"), lines->spec->file, (int)lines->number,
                     MU_MOST_LINE - 2);
    lines->line[length++] = (char)c;
  }
  if (c == '\r' && (c = getc(lines->file)) != '\n' && c != EOF) ungetc(c, lines->file);
  lines->line[length] = '\0';
  PetscFunctionReturn(0);
}

/* The next line that is neither empty nor a comment. */
static PetscErrorCode next_line(Lines *lines, PetscBool *there) {
  PetscFunctionBegin;
  do {
    PetscCall(read_line(lines, there));
    const char first = lines->line[strspn(lines->line, " \t")];
    if (first && first != '#') break;
  } while (*there);
  PetscFunctionReturn(0);
}

/* To the beginning, behind the mark of UTF-8. */
static PetscErrorCode rewind_lines(Lines *lines) {
  unsigned char mark[3] = {0};
  const size_t n = (rewind(lines->file), fread(mark, 1, 3, lines->file));

  PetscFunctionBegin;
  lines->number = 0;
  if (n >= 2 && ((mark[0] == 0xff && mark[1] == 0xfe) || (mark[0] == 0xfe && mark[1] == 0xff)))
    return MuError(MU_ERR_INPUT, "%s%s: is written in UTF-16; save it as UTF-8 or ASCII",
                   prefix(lines->spec, "file"), lines->spec->file);
  if (n < 3 || memcmp(mark, "\xef\xbb\xbf", 3) != 0) rewind(lines->file);
  PetscFunctionReturn(0);
}

static PetscErrorCode open_lines(const MuPointsSpec *spec, Lines **lines) {
  char key[64];

  PetscFunctionBegin;
  PetscCall(PetscNew(lines));
  (*lines)->spec = spec;
  snprintf(key, sizeof key, "%s_file", spec->key ? spec->key : "");
  PetscErrorCode code = MuFileOpen(spec->key ? key : NULL, spec->file, &(*lines)->file, NULL);
  if (code) PetscCall(PetscFree(*lines));
  PetscFunctionReturn(code);
}

static PetscErrorCode close_lines(Lines **lines) {
  PetscFunctionBegin;
  fclose((*lines)->file);
  PetscCall(PetscFree(*lines));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the table */

typedef struct {
  Lines *lines;
  const MuPointsSpec *spec;
  MuPointsLayout layout;
  PetscInt *column;   /* [dim], from 0 */
  PetscBool half;     /* so far all lines may be half as many numbers with decimal commas */
  int joined, common; /* marks of the numbers: of any, and of all with a decimal comma */
  PetscInt n, room;
  PetscReal *points;
  char *field[MU_MOST_FIELDS];
} Table;

static PetscErrorCode no_points(const MuPointsSpec *spec) {
  return MuError(MU_ERR_INPUT, "%s%s has no points", prefix(spec, "file"), spec->file);
}

/* Cuts the line that was read. */
static PetscErrorCode cut_line(Table *t, PetscInt *n) {
  PetscFunctionBegin;
  *n = MuFieldsCut(t->layout.delimiter, t->lines->line, t->field);
  if (*n >= 0) PetscFunctionReturn(0);
  return MuError(MU_ERR_INPUT, "%s%s, line %d: %s", prefix(t->spec, "file"), t->spec->file,
                 (int)t->lines->number,
                 *n == -1 ? "a quote has no end, or something stands between it and the next field"
                          : "has more than 1024 fields");
}

/* A first line with numbers and names may be a header: it is none if the words stand where the
   second line has words, too. */
static PetscErrorCode check_kinds(Table *t) {
  const char delimiter = t->layout.delimiter;
  char *first[MU_MOST_FIELDS];
  const PetscInt n = MuFieldsCut(delimiter, t->lines->ahead, first);
  const PetscInt m = MuFieldsCut(delimiter, t->lines->line, t->field);
  PetscInt numbers = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; ++k)
    numbers += MuFieldNumber(delimiter, first[k], NULL, NULL) ? 1 : 0;
  for (PetscInt k = 0; k < PetscMin(n, m) && numbers; ++k)
    if (first[k][0] && !MuFieldNumber(delimiter, first[k], NULL, NULL) &&
        MuFieldNumber(delimiter, t->field[k], NULL, NULL))
      return MuError(MU_ERR_INPUT,
                     "%s%s: its first line has a number, so that it is no header, but `%.60s` in "
                     "column %d, where the next line has `%.60s`",
                     prefix(t->spec, "file"), t->spec->file, first[k], (int)k + 1, t->field[k]);
  PetscFunctionReturn(0);
}

/* Finds the delimiter from the first two lines; *there: there is a line. */
static PetscErrorCode find_delimiter(Table *t, PetscBool *there) {
  Lines *lines = t->lines;
  PetscBool second = PETSC_FALSE, ambiguous;

  PetscFunctionBegin;
  PetscCall(rewind_lines(lines));
  PetscCall(next_line(lines, there));
  if (!*there) PetscFunctionReturn(0);
  memcpy(lines->ahead, lines->line, strlen(lines->line) + 1);
  PetscCall(next_line(lines, &second));
  t->layout.delimiter =
      MuFieldsGuess(lines->ahead, second ? lines->line : NULL, lines->scratch, &ambiguous);
  if (ambiguous)
    return MuError(MU_ERR_INPUT,
                   "%s%s: what separates its columns is not clear; write commas between them and "
                   "decimal points",
                   prefix(t->spec, "file"), t->spec->file);
  if (second) PetscCall(check_kinds(t));
  PetscCall(rewind_lines(lines));
  PetscFunctionReturn(0);
}

static PetscBool is_header(const Table *t, PetscInt n) {
  for (PetscInt k = 0; k < n; ++k)
    if (MuFieldLooksLikeNumber(t->field[k]) ||
        MuFieldNumber(t->layout.delimiter, t->field[k], NULL, NULL))
      return PETSC_FALSE;
  return PETSC_TRUE;
}

/* Reads up to the first line, which is left cut in `field` if there is one. */
static PetscErrorCode read_first(Table *t) {
  PetscBool there;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(find_delimiter(t, &there));
  if (!there) return no_points(t->spec);
  PetscCall(next_line(t->lines, &there));
  PetscCall(cut_line(t, &n));
  t->layout.columns = PetscMax(MuFieldsTrim(n, t->field), 1);
  t->layout.header = is_header(t, n);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ columns */

/* The column of a name of the header, -1 if there is none, -2 if there are two. */
static PetscInt find_name(const Table *t, const char *name) {
  PetscInt found = -1;
  for (PetscInt k = 0; t->layout.header && k < t->layout.columns; ++k)
    if (strcmp(t->field[k], name) == 0) found = found == -1 ? k : -2;
  return found;
}

static PetscErrorCode find_column(const Table *t, const char *wanted, PetscInt *column) {
  char *end;

  PetscFunctionBegin;
  *column = find_name(t, wanted);
  if (*column == -2)
    return MuError(MU_ERR_INPUT, "%s%s has two columns `%s`; give their numbers",
                   prefix(t->spec, "columns"), t->spec->file, wanted);
  if (*column >= 0) PetscFunctionReturn(0);
  *column = (PetscInt)strtol(wanted, &end, 10) - 1;
  if (*end != '\0' || *column < 0 || *column >= t->layout.columns)
    return MuError(MU_ERR_INPUT,
                   "%s%s has no column `%s`; give a name of its header or a number from 1 to %d",
                   prefix(t->spec, "columns"), t->spec->file, wanted, (int)t->layout.columns);
  PetscFunctionReturn(0);
}

static PetscErrorCode find_columns(Table *t) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < t->spec->dim; ++a) {
    const char *wanted = t->spec->columns ? t->spec->columns[a] : NULL;
    t->column[a] = a;
    if (wanted && *wanted)
      PetscCall(find_column(t, wanted, &t->column[a]));
    else if (a >= t->layout.columns)
      return MuError(MU_ERR_INPUT, "%s%s has %d columns; %d are needed", prefix(t->spec, "columns"),
                     t->spec->file, (int)t->layout.columns, (int)a + 1);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ points */

static PetscErrorCode make_room(Table *t) {
  const PetscInt dim = t->spec->dim;
  PetscReal *grown = NULL;

  PetscFunctionBegin;
  if (t->n >= MAX_VALUES / dim)
    return MuError(MU_ERR_INPUT, "%s%s has more than %d points; no more are allowed",
                   prefix(t->spec, "file"), t->spec->file, (int)(MAX_VALUES / dim));
  if (t->n < t->room) PetscFunctionReturn(0);
  const PetscInt room = 2 * t->room + 256;
  PetscCall(PetscMalloc1(room * dim, &grown));
  if (t->n) memcpy(grown, t->points, sizeof(PetscReal) * (size_t)(t->n * dim));
  PetscCall(PetscFree(t->points));
  t->points = grown;
  t->room = room;
  PetscFunctionReturn(0);
}

/* A line of another length is not the same table: a decimal comma is one field more. */
static PetscErrorCode check_fields(Table *t, PetscInt n) {
  const PetscInt trimmed = MuFieldsTrim(n, t->field);

  PetscFunctionBegin;
  if (trimmed > t->layout.columns || n < t->layout.columns)
    return MuError(
        MU_ERR_INPUT,
        "%s%s, line %d: the number of its fields is %d, that of the first line %d; all lines "
        "must have equally many",
        prefix(t->spec, "file"), t->spec->file, (int)t->lines->number, (int)trimmed,
        (int)t->layout.columns);
  t->half = (PetscBool)(t->half && MuFieldsMayBeDecimals(t->layout.columns, t->field));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_value(Table *t, PetscInt column, PetscReal *value) {
  const char *text = t->field[column];
  int marks;

  PetscFunctionBegin;
  if (!MuFieldNumber(t->layout.delimiter, text, value, &marks) || PetscIsInfOrNanReal(*value))
    return MuError(MU_ERR_INPUT, "%s%s, line %d, column %d: `%.60s` is not a finite number%s",
                   prefix(t->spec, "file"), t->spec->file, (int)t->lines->number, (int)column + 1,
                   text, strchr(text, ',') ? " (write a point in place of a decimal comma)" : "");
  t->joined |= marks;
  if (marks & MU_MARK_COMMA) t->common &= marks;
  if ((t->joined & MU_MARK_COMMA) && (t->joined & MU_MARK_POINT))
    return MuError(MU_ERR_INPUT,
                   "%s%s, line %d, column %d: up to here there are decimal points and decimal "
                   "commas; write points only",
                   prefix(t->spec, "file"), t->spec->file, (int)t->lines->number, (int)column + 1);
  PetscFunctionReturn(0);
}

static PetscErrorCode add_point(Table *t, PetscInt n) {
  PetscFunctionBegin;
  PetscCall(check_fields(t, n));
  PetscCall(make_room(t));
  for (PetscInt a = 0; a < t->spec->dim; ++a)
    PetscCall(add_value(t, t->column[a], &t->points[t->n * t->spec->dim + a]));
  t->n++;
  PetscFunctionReturn(0);
}

/* What can be said only when all lines are known. */
static PetscErrorCode check_whole(Table *t) {
  PetscFunctionBegin;
  if (t->n == 0) return no_points(t->spec);
  if (t->half)
    return MuError(
        MU_ERR_INPUT,
        "%s%s: it may have %d columns of integers, or %d of numbers with decimal commas; "
        "write decimal points, or a first line with the names of the columns",
        prefix(t->spec, "file"), t->spec->file, (int)t->layout.columns, (int)t->layout.columns / 2);
  if ((t->joined & MU_MARK_COMMA) && (t->common & MU_MARK_THOUSANDS))
    return MuError(MU_ERR_INPUT,
                   "%s%s: its commas, all before three digits, may be decimal ones or separate "
                   "thousands; write decimal points and nothing between thousands",
                   prefix(t->spec, "file"), t->spec->file);
  t->layout.decimal_comma = (PetscBool)((t->joined & MU_MARK_COMMA) != 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_points(Table *t) {
  const PetscInt least = t->spec->dim - t->spec->optional;
  PetscBool there = PETSC_TRUE;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(read_first(t));
  PetscCall(find_columns(t));
  t->half = (PetscBool)(!t->layout.header && t->layout.delimiter == ',' &&
                        t->layout.columns / 2 >= least);
  if (!t->layout.header) PetscCall(add_point(t, t->layout.columns));
  for (;;) {
    PetscCall(next_line(t->lines, &there));
    if (!there) break;
    PetscCall(cut_line(t, &n));
    PetscCall(add_point(t, n));
  }
  PetscCall(check_whole(t));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_table(Table *t) {
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  PetscCall(open_lines(t->spec, &t->lines));
  if (t->spec->array)
    failed = MuError(MU_ERR_INPUT, "%s%s is a table; dataset chooses an array of a .npz file",
                     prefix(t->spec, "file"), t->spec->file);
  if (!failed) failed = read_points(t);
  PetscCall(close_lines(&t->lines));
  if (failed) PetscCall(PetscFree(t->points));
  return failed;
}

PetscErrorCode MuSamplesRead(MPI_Comm comm, const MuPointsSpec *spec, MuPointsLayout *layout,
                             PetscInt *n, PetscReal **points) {
  Table *t;
  PetscErrorCode failed = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *points = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&t));
  t->spec = spec;
  t->common = ~0;
  PetscCall(PetscMalloc1(spec->dim, &t->column));
  if (rank == 0)
    failed = MuNpyRecognise(spec->file) ? MuSamplesReadNpy(spec, &t->n, &t->points) : read_table(t);
  PetscCall(PetscFree(t->column));
  failed = MuErrorAgree(comm, failed);
  if (!failed) {
    PetscCallMPI(MPI_Bcast(&t->n, 1, MPIU_INT, 0, comm));
    PetscCallMPI(MPI_Bcast(&t->layout, sizeof t->layout, MPI_BYTE, 0, comm));
    if (rank != 0) PetscCall(PetscMalloc1(t->n * spec->dim, &t->points));
    PetscCallMPI(MPI_Bcast(t->points, (PetscMPIInt)(t->n * spec->dim), MPIU_REAL, 0, comm));
    if (layout) *layout = t->layout;
    *n = t->n;
    *points = t->points;
  }
  PetscCall(PetscFree(t));
  PetscFunctionReturn(failed);
}

const char *MuPointsDescribe(const MuPointsLayout *layout, PetscInt size, char *text) {
  text[0] = '\0';
  if (layout->delimiter && layout->delimiter != ',')
    snprintf(text, (size_t)size, "is read with %s between its columns%s",
             MuDelimiterName(layout->delimiter),
             layout->decimal_comma ? " and decimal commas" : "");
  return text;
}

/* ------------------------------------------------------------------ the first line */

/* result: number of fields, whether they are a header, and the columns. */
static PetscErrorCode read_header(Table *t, PetscInt count, const char *const names[],
                                  PetscInt result[]) {
  PetscFunctionBegin;
  PetscCall(open_lines(t->spec, &t->lines));
  PetscErrorCode failed = read_first(t);
  result[0] = t->layout.columns;
  result[1] = t->layout.header;
  for (PetscInt i = 0; i < count && !failed; ++i) {
    const PetscInt found = find_name(t, names[i]);
    if (found == -2) failed = find_column(t, names[i], &result[2 + i]);
    result[2 + i] = found + 1;
  }
  PetscCall(close_lines(&t->lines));
  PetscFunctionReturn(failed);
}

PetscErrorCode MuSamplesHeader(MPI_Comm comm, const char *key, const char *file, PetscInt count,
                               const char *const names[], PetscInt *fields, PetscBool *header,
                               PetscInt column[]) {
  const MuPointsSpec spec = {.key = key, .file = file};
  PetscErrorCode failed = 0;
  PetscInt *result;
  PetscMPIInt rank;
  Table *t;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&t));
  t->spec = &spec;
  PetscCall(PetscCalloc1(count + 2, &result));
  if (rank == 0)
    failed = MuNpyRecognise(file) ? MuSamplesNpyFields(&spec, &result[0])
                                  : read_header(t, count, names, result);
  PetscCall(PetscFree(t));
  failed = MuErrorAgree(comm, failed);
  PetscCallMPI(MPI_Bcast(result, (PetscMPIInt)(count + 2), MPIU_INT, 0, comm));
  *fields = result[0];
  *header = (PetscBool)(result[1] != 0);
  PetscCall(PetscArraycpy(column, result + 2, count));
  PetscCall(PetscFree(result));
  PetscFunctionReturn(failed);
}
