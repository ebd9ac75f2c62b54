/* Samples: reading points, the binned empirical measure, and the Gaussian kernel density estimate
   with Scott's rule (Scott, Multivariate Density Estimation, 1992, section 6.3.3). */
#include "measure/samples.h"
#include "base/files.h"
#include "measure/measure_impl.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ CSV */

#define MAX_FIELDS 1024
#define MAX_LINE   65536     /* bytes, with the end of the line */
#define MAX_VALUES (1 << 28) /* points times dimension: sizes of messages are ints */

/* The file being read, and its points so far. */
typedef struct {
  const char *key, *file;
  PetscInt dim;
  PetscInt *column; /* [dim], from 0 */
  PetscInt n, room;
  PetscReal *points;
} Table;

/* Cuts the line at its commas, in place: fields without surrounding blanks and quotes. Returns
   their number. */
static PetscInt cut_fields(char *line, char *field[MAX_FIELDS]) {
  PetscInt n = 0;
  for (char *rest = line; rest && n < MAX_FIELDS;) {
    char *comma = strchr(rest, ','), *end;
    if (comma) *comma = '\0';
    while (isspace((unsigned char)*rest) || *rest == '"') ++rest;
    end = rest + strlen(rest);
    while (end > rest && (isspace((unsigned char)end[-1]) || end[-1] == '"')) --end;
    *end = '\0';
    field[n++] = rest;
    rest = comma ? comma + 1 : NULL;
  }
  return n;
}

/* A number, which need not be finite. */
static PetscBool parse_number(const char *text, PetscReal *value) {
  char *end;
  *value = strtod(text, &end);
  return (PetscBool)(*text != '\0' && *end == '\0');
}

/* What a sentence begins with: the key that gives the columns or the file; a static buffer. */
static const char *prefix(const Table *table, const char *name) {
  static char text[128];
  text[0] = '\0';
  if (table->key) snprintf(text, sizeof text, "%s_%s: ", table->key, name);
  return text;
}

static PetscErrorCode find_column(const Table *table, const char *wanted, PetscInt axis, PetscInt n,
                                  char *field[], PetscBool header, PetscInt *column) {
  char *end;
  PetscInt number;

  PetscFunctionBegin;
  *column = axis;
  if (wanted && *wanted) {
    for (PetscInt k = 0; header && k < n; ++k)
      if (strcmp(field[k], wanted) == 0) {
        *column = k;
        PetscFunctionReturn(0);
      }
    number = (PetscInt)strtol(wanted, &end, 10);
    if (*end != '\0' || number < 1 || number > n)
      return MuError(MU_ERR_INPUT,
                     "%s%s has no column `%s`; give a name of its header or a number from "
                     "1 to %d",
                     prefix(table, "columns"), table->file, wanted, (int)n);
    *column = number - 1;
  }
  if (*column >= n)
    return MuError(MU_ERR_INPUT, "%s%s has %d columns; %d are needed", prefix(table, "columns"),
                   table->file, (int)n, (int)axis + 1);
  PetscFunctionReturn(0);
}

static PetscErrorCode add_point(Table *table, PetscInt line, PetscInt n, char *field[]) {
  PetscFunctionBegin;
  if (table->n >= MAX_VALUES / table->dim)
    return MuError(MU_ERR_INPUT, "%s%s has more than %d points; no more are allowed",
                   prefix(table, "file"), table->file, (int)(MAX_VALUES / table->dim));
  if (table->n == table->room) {
    PetscReal *grown = NULL;
    PetscInt room = 2 * table->room + 256;
    PetscCall(PetscMalloc1(room * table->dim, &grown));
    if (table->n) memcpy(grown, table->points, sizeof(PetscReal) * (size_t)(table->n * table->dim));
    PetscCall(PetscFree(table->points));
    table->points = grown;
    table->room = room;
  }
  for (PetscInt a = 0; a < table->dim; ++a) {
    const char *text = table->column[a] < n ? field[table->column[a]] : "";
    PetscReal *value = &table->points[table->n * table->dim + a];
    if (!parse_number(text, value) || PetscIsInfOrNanReal(*value))
      return MuError(MU_ERR_INPUT, "%s%s, line %d, column %d: `%.60s` is not a finite number",
                     prefix(table, "file"), table->file, (int)line, (int)table->column[a] + 1,
                     text);
  }
  table->n++;
  PetscFunctionReturn(0);
}

static PetscBool is_header(PetscInt n, char *field[]) {
  PetscReal value;
  for (PetscInt k = 0; k < n; ++k)
    if (!parse_number(field[k], &value)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* The first line: finds the columns; *header says whether it is used up. */
static PetscErrorCode read_first(Table *table, const char *const columns[], PetscInt n,
                                 char *field[], PetscBool *header) {
  PetscFunctionBegin;
  *header = is_header(n, field);
  for (PetscInt a = 0; a < table->dim; ++a)
    PetscCall(
        find_column(table, columns ? columns[a] : NULL, a, n, field, *header, &table->column[a]));
  PetscFunctionReturn(0);
}

/* A file of lines, and where it stands. */
typedef struct {
  FILE *file;
  char line[MAX_LINE];
  PetscInt number; /* of the line, from 1 */
} Lines;

/* The next line that is neither empty nor a comment. */
static PetscErrorCode next_line(const Table *table, Lines *lines, PetscBool *there) {
  PetscFunctionBegin;
  *there = PETSC_FALSE;
  while (!*there && fgets(lines->line, MAX_LINE, lines->file)) {
    const char *begin = lines->line + strspn(lines->line, " \t\r\n");
    lines->number++;
    if (!strchr(lines->line, '\n') && !feof(lines->file))
      return MuError(MU_ERR_INPUT,
                     "%s%s, line %d: holds a zero byte or more than %d characters; a line of text "
                     "is wanted",
                     prefix(table, "file"), table->file, (int)lines->number, MAX_LINE - 2);
    *there = (PetscBool)(*begin != '\0' && *begin != '#');
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode open_lines(const Table *table, Lines **lines) {
  char key[64];

  PetscFunctionBegin;
  PetscCall(PetscNew(lines));
  snprintf(key, sizeof key, "%s_file", table->key ? table->key : "");
  PetscErrorCode code = MuFileOpen(table->key ? key : NULL, table->file, &(*lines)->file, NULL);
  if (code) PetscCall(PetscFree(*lines));
  PetscFunctionReturn(code);
}

static PetscErrorCode close_lines(Lines **lines) {
  PetscFunctionBegin;
  fclose((*lines)->file);
  PetscCall(PetscFree(*lines));
  PetscFunctionReturn(0);
}

static PetscErrorCode no_points(const Table *table) {
  return MuError(MU_ERR_INPUT, "%s%s has no points", prefix(table, "file"), table->file);
}

static PetscErrorCode read_lines(Lines *lines, const char *const columns[], Table *table) {
  char *field[MAX_FIELDS];
  PetscBool first = PETSC_TRUE, there;

  PetscFunctionBegin;
  for (;;) {
    PetscBool header = PETSC_FALSE;
    PetscCall(next_line(table, lines, &there));
    if (!there) break;
    PetscInt n = cut_fields(lines->line, field);
    if (first) PetscCall(read_first(table, columns, n, field, &header));
    first = PETSC_FALSE;
    if (!header) PetscCall(add_point(table, lines->number, n, field));
  }
  if (table->n == 0) return no_points(table);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_table(const char *const columns[], Table *table) {
  Lines *lines;

  PetscFunctionBegin;
  PetscCall(open_lines(table, &lines));
  PetscErrorCode failed = read_lines(lines, columns, table);
  PetscCall(close_lines(&lines));
  if (failed) PetscCall(PetscFree(table->points));
  return failed;
}

PetscErrorCode MuSamplesRead(MPI_Comm comm, const char *key, const char *file,
                             const char *const columns[], PetscInt dim, PetscInt *n,
                             PetscReal **points) {
  Table table = {.key = key, .file = file, .dim = dim};
  PetscErrorCode failed = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc1(dim, &table.column));
  if (rank == 0) failed = read_table(columns, &table);
  PetscCall(PetscFree(table.column));
  PetscCall(MuErrorAgree(comm, failed));
  PetscCallMPI(MPI_Bcast(&table.n, 1, MPIU_INT, 0, comm));
  if (rank != 0) PetscCall(PetscMalloc1(table.n * dim, &table.points));
  PetscCallMPI(MPI_Bcast(table.points, (PetscMPIInt)(table.n * dim), MPIU_REAL, 0, comm));
  *n = table.n;
  *points = table.points;
  PetscFunctionReturn(0);
}

/* result: number of fields, whether they are a header, and the columns. */
static PetscErrorCode read_header(const Table *table, PetscInt count, const char *const names[],
                                  PetscInt result[]) {
  char *field[MAX_FIELDS];
  PetscBool there;
  Lines *lines;

  PetscFunctionBegin;
  PetscCall(open_lines(table, &lines));
  PetscErrorCode failed = next_line(table, lines, &there);
  if (!failed && there) {
    const PetscInt n = cut_fields(lines->line, field);
    result[0] = n;
    result[1] = is_header(n, field);
    for (PetscInt k = 0; k < n && result[1]; ++k)
      for (PetscInt i = 0; i < count; ++i)
        if (!result[2 + i] && strcmp(field[k], names[i]) == 0) result[2 + i] = k + 1;
  }
  PetscCall(close_lines(&lines));
  if (failed) PetscFunctionReturn(failed);
  if (!result[0]) return no_points(table);
  PetscFunctionReturn(0);
}

PetscErrorCode MuSamplesHeader(MPI_Comm comm, const char *key, const char *file, PetscInt count,
                               const char *const names[], PetscInt *fields, PetscBool *header,
                               PetscInt column[]) {
  const Table table = {.key = key, .file = file};
  PetscErrorCode failed = 0;
  PetscInt *result;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscCalloc1(count + 2, &result));
  if (rank == 0) failed = read_header(&table, count, names, result);
  failed = MuErrorAgree(comm, failed);
  PetscCallMPI(MPI_Bcast(result, (PetscMPIInt)(count + 2), MPIU_INT, 0, comm));
  *fields = result[0];
  *header = (PetscBool)(result[1] != 0);
  PetscCall(PetscArraycpy(column, result + 2, count));
  PetscCall(PetscFree(result));
  PetscFunctionReturn(failed);
}

/* ------------------------------------------------------------------ binning */

static PetscReal spacing_of(const MuCells *cells, PetscInt axis) {
  return (cells->upper[axis] - cells->lower[axis]) / cells->cells[axis];
}

/* The two cells along an axis whose centres surround x, and the share of the second. */
static void surrounding(const MuCells *cells, PetscInt axis, PetscReal x, PetscInt cell[2],
                        PetscReal *second) {
  const PetscInt n = cells->cells[axis];
  const PetscReal u = (x - cells->lower[axis]) / spacing_of(cells, axis) - 0.5;
  const PetscInt below = (PetscInt)PetscFloorReal(u);
  *second = u - below;
  for (PetscInt k = 0; k < 2; ++k)
    cell[k] = cells->periodic[axis] ? (below + k + n) % n : PetscMin(PetscMax(below + k, 0), n - 1);
}

static PetscErrorCode check_inside(const MuCells *cells, PetscInt i, const PetscReal *point) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < cells->dim; ++a)
    if (!(point[a] >= cells->lower[a] && point[a] <= cells->upper[a]))
      return MuError(MU_ERR_INPUT,
                     "samples: coordinate %d of point %d is %g, outside the grid from %g to %g; "
                     "enlarge the grid (grid_lower, grid_upper)",
                     (int)a + 1, (int)i + 1, point[a], cells->lower[a], cells->upper[a]);
  PetscFunctionReturn(0);
}

static void bin_point(const MuCells *cells, const PetscReal *point, PetscReal weight,
                      PetscReal *density) {
  const PetscInt corners = cells->dim == 2 ? 2 : 1;
  PetscInt cx[2], cy[2] = {0, 0};
  PetscReal sx, sy = 0;
  surrounding(cells, 0, point[0], cx, &sx);
  if (cells->dim == 2) surrounding(cells, 1, point[1], cy, &sy);
  for (PetscInt j = 0; j < corners; ++j)
    for (PetscInt i = 0; i < 2; ++i) {
      PetscInt local = cy[j] * cells->cells[0] + cx[i] - cells->first;
      PetscReal share = (i ? sx : 1 - sx) * (j ? sy : 1 - sy);
      if (local >= 0 && local < cells->count) density[local] += weight * share;
    }
}

PetscErrorCode MuSamplesBin(const MuCells *cells, PetscInt n, const PetscReal *points,
                            PetscReal *density) {
  PetscReal volume = spacing_of(cells, 0) * (cells->dim == 2 ? spacing_of(cells, 1) : 1);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) PetscCall(check_inside(cells, i, points + i * cells->dim));
  memset(density, 0, sizeof(PetscReal) * (size_t)cells->count);
  for (PetscInt i = 0; i < n; ++i)
    bin_point(cells, points + i * cells->dim, 1 / (n * volume), density);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ kernel density estimate */

PetscErrorCode MuSamplesBandwidth(const char *key, PetscInt n, PetscInt dim,
                                  const PetscReal *points, PetscReal h[2]) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < dim; ++a) {
    PetscReal mean = 0, square = 0;
    for (PetscInt i = 0; i < n; ++i) mean += points[i * dim + a] / n;
    for (PetscInt i = 0; i < n; ++i) square += PetscSqr(points[i * dim + a] - mean);
    if (n < 2 || !(square > 0))
      return MuError(
          MU_ERR_INPUT,
          "%s_bandwidth: coordinate %d of the %d samples has no spread; give a bandwidth", key,
          (int)a + 1, (int)n);
    h[a] = PetscSqrtReal(square / (n - 1)) * PetscPowReal((PetscReal)n, -1.0 / (dim + 4));
  }
  PetscFunctionReturn(0);
}

/* log of exp(-z^2/(2h^2)), summed over the images of a periodic axis: the nearest one, and those
   whose terms can be seen in a double beside it. For h > 2 L the sum is h sqrt(2 pi)/L but for
   2 exp(-2 pi^2 h^2/L^2) < 1e-34 of it (Poisson's formula). */
static PetscReal axis_log(const MuCells *cells, PetscInt axis, PetscReal z, PetscReal h) {
  const PetscReal period = cells->upper[axis] - cells->lower[axis];
  PetscReal nearest, sum = 1;
  if (!cells->periodic[axis]) return -0.5 * PetscSqr(z / h);
  if (h > 2 * period) return log(h * sqrt(2 * PETSC_PI) / period);
  z -= period * PetscFloorReal(z / period + 0.5);
  nearest = -0.5 * PetscSqr(z / h);
  for (PetscInt k = 1;; ++k) {
    PetscReal before = exp(-0.5 * PetscSqr((z - k * period) / h) - nearest);
    PetscReal after = exp(-0.5 * PetscSqr((z + k * period) / h) - nearest);
    sum += before + after;
    if (before + after < 1e-17 * sum) break;
  }
  return nearest + log(sum);
}

static PetscReal centre(const MuCells *cells, PetscInt axis, PetscInt index) {
  return cells->lower[axis] + (index + 0.5) * spacing_of(cells, axis);
}

/* log-sum-exp over the points at one cell: for the tails. term: [n]. */
static PetscReal log_sum(const MuCells *cells, PetscInt cell, PetscInt n, const PetscReal *points,
                         const PetscReal h[2], PetscReal *term) {
  const PetscInt ix = cell % cells->cells[0], iy = cell / cells->cells[0];
  PetscReal largest = -INFINITY, sum = 0;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal *p = points + i * cells->dim;
    term[i] = axis_log(cells, 0, centre(cells, 0, ix) - p[0], h[0]);
    if (cells->dim == 2) term[i] += axis_log(cells, 1, centre(cells, 1, iy) - p[1], h[1]);
    largest = PetscMax(largest, term[i]);
  }
  for (PetscInt i = 0; i < n; ++i)
    if (term[i] > largest - 45) sum += exp(term[i] - largest); /* e^-45 cannot be seen beside 1 */
  return sum > 0 ? largest + log(sum) : -INFINITY;
}

/* Adds the products of the axes' factors of one point to the cells. */
static void add_factors(const MuCells *cells, const PetscReal *point, const PetscReal h[2],
                        PetscReal *factor, PetscReal *sum) {
  const PetscInt nx = cells->cells[0], end = cells->first + cells->count;
  for (PetscInt ix = 0; ix < nx; ++ix)
    factor[ix] = exp(axis_log(cells, 0, centre(cells, 0, ix) - point[0], h[0]));
  for (PetscInt iy = cells->first / nx; iy * nx < end; ++iy) {
    PetscReal row = 1;
    PetscInt from = PetscMax(iy * nx, cells->first), to = PetscMin((iy + 1) * nx, end);
    if (cells->dim == 2) row = exp(axis_log(cells, 1, centre(cells, 1, iy) - point[1], h[1]));
    for (PetscInt i = from; i < to; ++i) sum[i - cells->first] += row * factor[i - iy * nx];
  }
}

/* log of 1/(n prod_a h_a sqrt(2 pi)) */
static PetscReal log_scale(const MuCells *cells, PetscInt n, const PetscReal h[2]) {
  PetscReal scale = -log((PetscReal)n);
  for (PetscInt a = 0; a < cells->dim; ++a) scale -= log(h[a]) + 0.5 * log(2 * PETSC_PI);
  return scale;
}

PetscErrorCode MuSamplesLogKde(const MuCells *cells, PetscInt n, const PetscReal *points,
                               const PetscReal h[2], PetscReal *log_density) {
  /* far above the smallest number, so that products that underflowed cannot be seen in the sum */
  const PetscReal least = 1e-250, scale = log_scale(cells, n, h);
  PetscReal *factor, *term;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(cells->cells[0], &factor, n, &term));
  memset(log_density, 0, sizeof(PetscReal) * (size_t)cells->count);
  for (PetscInt i = 0; i < n; ++i)
    add_factors(cells, points + i * cells->dim, h, factor, log_density);
  for (PetscInt i = 0; i < cells->count; ++i) {
    PetscReal sum = log_density[i];
    log_density[i] = -INFINITY;
    if (cells->mask && !cells->mask[i]) continue;
    log_density[i] =
        scale + (sum > least ? log(sum) : log_sum(cells, cells->first + i, n, points, h, term));
  }
  PetscCall(PetscFree2(factor, term));
  PetscFunctionReturn(0);
}
