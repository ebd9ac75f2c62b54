/* Reading run.h5, or a file of its layout that may hold anything. */
#include "base/hdf5.h"
#include "problem/problem.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  MOST_VALUES = PETSC_MAX_INT / 16,
  ATTEMPTS = 3,
  PAUSE = 20000 /* microseconds */,
  FRESH = 10 /* seconds */
};

#define UNEVEN    1e-6 /* part of a cell by which centres may deviate from even spacing */
#define SAME_TIME 1e-9 /* part of |t| that two times may differ by */

struct _p_MuRunReader {
  char path[PETSC_MAX_PATH_LEN];
  hid_t file;
  MuRunInfo info;
  PetscBool boxed;      /* the box is that of the case */
  PetscInt count;       /* cells */
  PetscReal *centre[2]; /* [cells] */
  unsigned char *mask;
  PetscReal *time, *work; /* [times], [count] */
  char *case_text, *status, *command_line;
};

/* ------------------------------------------------------------------ pieces */

static PetscErrorCode check_finite(const MuRunReader r, const char *name, PetscInt n,
                                   const PetscReal *values) {
  for (PetscInt i = 0; i < n; ++i)
    if (PetscIsInfOrNanReal(values[i]))
      return MuError(MU_ERR_FILE, "%s: value %d of the dataset %s is %g; it must be finite",
                     r->path, (int)i + 1, name, values[i]);
  return 0;
}

/* A dataset of one dimension: its values, allocated. */
static PetscErrorCode read_line(MuRunReader r, const char *name, PetscInt *n, PetscReal **values) {
  PetscInt dims;

  PetscFunctionBegin;
  PetscCall(MuHdf5Shape(r->file, r->path, name, 1, &dims, n));
  if (dims != 1 || *n > MOST_VALUES)
    return MuError(MU_ERR_FILE, "%s: the dataset %s is not a list of at most %d numbers", r->path,
                   name, MOST_VALUES);
  PetscCall(PetscMalloc1(*n, values));
  PetscCall(MuHdf5Read(r->file, r->path, name, -1, *n, *values));
  PetscCall(check_finite(r, name, *n, *values));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ grid */

static PetscErrorCode check_spacing(MuRunReader r, PetscInt a, const char *name) {
  const PetscInt n = r->info.cells[a];
  const PetscReal *x = r->centre[a];
  const PetscReal h = n > 1 ? (x[n - 1] - x[0]) / (n - 1) : 1;

  if (n < 1) return MuError(MU_ERR_FILE, "%s: the dataset %s is empty", r->path, name);
  for (PetscInt i = 0; i < n; ++i)
    if (!(h > 0) || PetscIsInfReal(h) || fabs(x[i] - (x[0] + i * h)) > UNEVEN * h)
      return MuError(MU_ERR_FILE, "%s: the dataset %s does not rise evenly at value %d", r->path,
                     name, (int)i + 1);
  r->info.lower[a] = x[0] - 0.5 * h;
  r->info.upper[a] = x[n - 1] + 0.5 * h;
  return 0;
}

static PetscErrorCode read_axes(MuRunReader r) {
  static const char *const names[2] = {"grid/x", "grid/y"};
  PetscReal values = 1;

  PetscFunctionBegin;
  if (H5Lexists(r->file, "grid", H5P_DEFAULT) <= 0)
    return MuError(MU_ERR_FILE, "%s: is not the file of a run: there is no group grid", r->path);
  r->info.dim = H5Lexists(r->file, names[1], H5P_DEFAULT) > 0 ? 2 : 1;
  r->info.cells[1] = 1;
  for (PetscInt a = 0; a < r->info.dim; ++a) {
    PetscCall(read_line(r, names[a], &r->info.cells[a], &r->centre[a]));
    PetscCall(check_spacing(r, a, names[a]));
    values *= r->info.cells[a];
  }
  if (values > MOST_VALUES)
    return MuError(MU_ERR_FILE, "%s: the grid has more than %d cells", r->path, MOST_VALUES);
  r->count = r->info.cells[0] * r->info.cells[1];
  PetscFunctionReturn(0);
}

/* Whether the case's box is that of the centres, which tell nothing of the width of a single cell.
 */
static PetscBool is_same_box(const MuRunReader r, const MuGridSpec *spec) {
  if (spec->dim != r->info.dim) return PETSC_FALSE;
  for (PetscInt a = 0; a < spec->dim; ++a) {
    const PetscReal h = (spec->upper[a] - spec->lower[a]) / spec->cells[a];
    const PetscInt n = r->info.cells[a];
    if (spec->cells[a] != n) return PETSC_FALSE;
    if (fabs(r->centre[a][0] - spec->lower[a] - 0.5 * h) > UNEVEN * h) return PETSC_FALSE;
    if (fabs(r->centre[a][n - 1] - spec->upper[a] + 0.5 * h) > UNEVEN * h) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* The grid of the case, if it has one. */
static PetscErrorCode read_grid_spec(const MuRunReader r, MuGridSpec *spec, PetscBool *there) {
  PetscBool number;
  char nearest[64];
  PetscErrorCode code;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseCreateFromText(PETSC_COMM_SELF, "its case", r->case_text, 0, NULL, &c));
  code = MuCaseHasKey(c, "grid_lower", &number, there, nearest);
  if (!code && *there) code = MuCaseGetGridSpec(c, spec);
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(code);
}

/* The error of its case: it may name what an extension adds. */
static PetscErrorCode wrong_case(const MuRunReader r) {
  const char *load = strstr(r->command_line, " -load "), *sentence = MuErrorMessage();

  if (!load)
    return MuError(MU_ERR_FILE, "%s: the attribute case is not that of a run: %s", r->path,
                   sentence);
  load += strlen(" -load ");
  return MuError(MU_ERR_FILE, "%s: is not read without -load %.*s, which its run had (%.*s)",
                 r->path, (int)strcspn(load, " "), load, (int)strcspn(sentence, ";"), sentence);
}

/* Exact corners and the boundary from the case, where the file has one. */
static PetscErrorCode read_case(MuRunReader r) {
  PetscBool there = PETSC_FALSE;
  MuGridSpec spec;

  if (read_grid_spec(r, &spec, &there)) return wrong_case(r);
  if (!there) return 0;
  if (!is_same_box(r, &spec))
    return MuError(MU_ERR_FILE, "%s: the grid is not that of the attribute case", r->path);
  r->boxed = PETSC_TRUE;
  for (PetscInt a = 0; a < r->info.dim; ++a) {
    r->info.lower[a] = spec.lower[a];
    r->info.upper[a] = spec.upper[a];
    r->info.periodic[a] = spec.periodic[a];
  }
  return 0;
}

static PetscErrorCode read_volume(MuRunReader r) {
  PetscInt dims, extent[1];
  PetscReal stored = 0, volume = 1;

  PetscFunctionBegin;
  PetscCall(MuHdf5Shape(r->file, r->path, "grid/cell_volume", 1, &dims, extent));
  if (extent[0] != 1)
    return MuError(MU_ERR_FILE, "%s: the dataset grid/cell_volume is not one number", r->path);
  PetscCall(MuHdf5Read(r->file, r->path, "grid/cell_volume", -1, 1, &stored));
  for (PetscInt a = 0; a < r->info.dim; ++a)
    volume *= (r->info.upper[a] - r->info.lower[a]) / r->info.cells[a];
  if (r->info.dim == 1 && r->count == 1 && !r->boxed && stored > 0) {
    r->info.lower[0] = r->centre[0][0] - 0.5 * stored;
    r->info.upper[0] = r->centre[0][0] + 0.5 * stored;
    volume = stored;
  }
  if (!(fabs(stored - volume) <= 4 * UNEVEN * volume))
    return MuError(MU_ERR_FILE, "%s: the dataset grid/cell_volume is %g; the centres give %g",
                   r->path, stored, volume);
  r->info.volume = volume;
  PetscFunctionReturn(0);
}

/* A field: [ny][nx], in 1-D [nx]; `before`: dimensions before those. */
static PetscErrorCode check_field(MuRunReader r, const char *name, PetscInt before,
                                  PetscInt *items) {
  const PetscInt needed = before + r->info.dim;
  PetscInt dims, extent[3] = {1, 1, 1};

  PetscFunctionBegin;
  PetscCall(MuHdf5Shape(r->file, r->path, name, 3, &dims, extent));
  if (dims != needed || extent[dims - 1] != r->info.cells[0] ||
      (r->info.dim == 2 && extent[dims - 2] != r->info.cells[1]))
    return MuError(MU_ERR_FILE, "%s: the dataset %s does not have the shape of the grid, %d x %d",
                   r->path, name, (int)r->info.cells[0], (int)r->info.cells[1]);
  *items = before ? extent[0] : 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_mask(MuRunReader r) {
  PetscInt items, inside = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(r->count, &r->mask, r->count, &r->work));
  PetscCall(check_field(r, "grid/mask", 0, &items));
  PetscCall(MuHdf5Read(r->file, r->path, "grid/mask", -1, r->count, r->work));
  for (PetscInt i = 0; i < r->count; ++i) {
    if (r->work[i] != 0 && r->work[i] != 1)
      return MuError(MU_ERR_FILE,
                     "%s: value %d of the dataset grid/mask is %g; allowed are 0 and 1", r->path,
                     (int)i + 1, r->work[i]);
    r->mask[i] = r->work[i] != 0;
    inside += r->mask[i];
  }
  if (!inside) return MuError(MU_ERR_FILE, "%s: the mask has no inside cell", r->path);
  r->info.mask = r->mask;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the file */

static PetscErrorCode read_times(MuRunReader r) {
  PetscInt items;

  PetscFunctionBegin;
  PetscCall(read_line(r, "time", &r->info.times, &r->time));
  PetscCall(check_field(r, "density", 1, &items));
  if (items < r->info.times)
    return MuError(MU_ERR_FILE, "%s: there are %d times and %d densities", r->path,
                   (int)r->info.times, (int)items);
  if (r->info.times == 0)
    return MuError(MU_ERR_FILE, "%s: there is no snapshot in this file yet", r->path);
  for (PetscInt k = 1; k < r->info.times; ++k)
    if (!(r->time[k] > r->time[k - 1]))
      return MuError(MU_ERR_FILE, "%s: the dataset time does not rise at value %d", r->path,
                     (int)k + 1);
  r->info.time = r->time;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_text(MuRunReader r, const char *name, char **text) {
  PetscFunctionBegin;
  PetscCall(MuHdf5Text(r->file, r->path, name, text));
  if (!*text) PetscCall(PetscStrallocpy("", text));
  PetscFunctionReturn(0);
}

static PetscErrorCode load(MuRunReader r) {
  PetscFunctionBegin;
  PetscCall(MuHdf5Open(r->path, &r->file));
  PetscCall(read_text(r, "case", &r->case_text));
  PetscCall(read_text(r, "status", &r->status));
  PetscCall(read_text(r, "command_line", &r->command_line));
  r->info.case_text = r->case_text;
  r->info.status = r->status;
  PetscCall(read_axes(r));
  PetscCall(read_case(r));
  PetscCall(read_volume(r));
  PetscCall(read_mask(r));
  PetscCall(read_times(r));
  PetscFunctionReturn(0);
}

static PetscErrorCode unload(MuRunReader r) {
  PetscFunctionBegin;
  if (r->file >= 0) H5Fclose(r->file);
  r->file = -1;
  PetscCall(PetscFree2(r->mask, r->work));
  for (PetscInt a = 0; a < 2; ++a) PetscCall(PetscFree(r->centre[a]));
  PetscCall(PetscFree(r->time));
  PetscCall(PetscFree(r->case_text));
  PetscCall(PetscFree(r->status));
  PetscCall(PetscFree(r->command_line));
  r->info = (MuRunInfo){0};
  r->boxed = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* A folder stands for the run.h5 in it. */
static PetscErrorCode find_file(MuRunReader r, const char *file) {
  struct stat status;
  const PetscBool folder = (PetscBool)(stat(file, &status) == 0 && S_ISDIR(status.st_mode));

  PetscFunctionBegin;
  if (strlen(file) + 8 >= sizeof r->path)
    return MuError(MU_ERR_FILE, "%.40s...: the path is too long", file);
  PetscCall(PetscSNPrintf(r->path, sizeof r->path, "%s%s", file, folder ? "/run.h5" : ""));
  PetscFunctionReturn(0);
}

static PetscBool is_being_written(const char *path) {
  struct stat status;
  return (PetscBool)(stat(path, &status) == 0 && time(NULL) - status.st_mtime < FRESH);
}

/* A file that is being written may be met in the middle of an append: opened again, it is whole. */
static PetscErrorCode load_again(MuRunReader r) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  for (int i = 0; i < ATTEMPTS; ++i) {
    code = load(r);
    if (!code || !is_being_written(r->path)) break;
    PetscCall(unload(r));
    usleep(PAUSE);
  }
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunReaderCreate(const char *file, MuRunReader *reader) {
  PetscErrorCode code;
  MuRunReader r;

  PetscFunctionBegin;
  *reader = NULL;
  PetscCall(PetscNew(&r));
  r->file = -1;
  code = find_file(r, file);
  if (!code) code = load_again(r);
  if (code)
    PetscCall(MuRunReaderDestroy(&r));
  else
    *reader = r;
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunReaderDestroy(MuRunReader *reader) {
  PetscFunctionBegin;
  if (*reader) PetscCall(unload(*reader));
  PetscCall(PetscFree(*reader));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunReaderGetInfo(MuRunReader reader, const MuRunInfo **info) {
  *info = &reader->info;
  return 0;
}

/* ------------------------------------------------------------------ densities */

PetscErrorCode MuRunReaderSnapshot(MuRunReader r, PetscInt index, PetscReal *density) {
  PetscFunctionBegin;
  if (index < 0 || index >= r->info.times)
    return MuError(MU_ERR_INPUT, "%s: there is no snapshot %d; there are %d, counted from 0",
                   r->path, (int)index, (int)r->info.times);
  PetscCall(MuHdf5Read(r->file, r->path, "density", index, r->count, density));
  PetscCall(check_finite(r, "density", r->count, density));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunReaderAt(MuRunReader r, PetscReal time, PetscReal *density) {
  const PetscInt last = r->info.times - 1;
  const PetscReal close = SAME_TIME * fabs(time);
  PetscInt k = 0;

  PetscFunctionBegin;
  if (!(time >= r->time[0] - close && time <= r->time[last] + close))
    return MuError(MU_ERR_INPUT, "time: %g is not covered by %s, whose snapshots go from %g to %g",
                   time, r->path, r->time[0], r->time[last]);
  while (k < last && r->time[k + 1] <= time + close) ++k; /* at or after snapshot k */
  PetscCall(MuRunReaderSnapshot(r, k, density));
  if (k == last || time <= r->time[k] + close) PetscFunctionReturn(0);
  const PetscReal share = (time - r->time[k]) / (r->time[k + 1] - r->time[k]);
  PetscCall(MuRunReaderSnapshot(r, k + 1, r->work));
  for (PetscInt i = 0; i < r->count; ++i)
    density[i] = (1 - share) * density[i] + share * r->work[i];
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunReaderError(MuRunReader r, const char *name, PetscReal time, PetscReal *error) {
  const PetscReal close = SAME_TIME * (1 + fabs(time));
  char path[64];
  PetscReal *stated = NULL;
  PetscInt n = 0;

  PetscFunctionBegin;
  *error = NAN;
  PetscCall(PetscSNPrintf(path, sizeof path, "error/%s", name));
  if (H5Lexists(r->file, "error", H5P_DEFAULT) <= 0) PetscFunctionReturn(0);
  if (H5Lexists(r->file, path, H5P_DEFAULT) <= 0) PetscFunctionReturn(0);
  PetscCall(read_line(r, path, &n, &stated));
  for (PetscInt k = 0; stated && k < PetscMin(n, r->info.times); ++k) {
    const PetscBool before = (PetscBool)(k + 1 < r->info.times && r->time[k + 1] <= time - close);
    const PetscBool after = (PetscBool)(k > 0 && r->time[k - 1] >= time + close);
    const PetscBool exact = (PetscBool)(fabs(r->time[k] - time) <= close);
    if (exact) *error = stated[k];
    if (exact) break;
    if (!before && !after) *error = isnan(*error) ? stated[k] : PetscMax(*error, stated[k]);
  }
  PetscCall(PetscFree(stated));
  PetscFunctionReturn(0);
}
