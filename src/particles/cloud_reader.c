/* Reading clouds of particles over time: particles.h5, or CSV. Rank 0 reads. */
#include "base/hdf5.h"
#include "measure/samples.h"
#include "output/terminal.h"

#include <sys/stat.h>

struct _p_MuCloudReader {
  MPI_Comm comm;
  PetscMPIInt rank;
  char path[PETSC_MAX_PATH_LEN];
  PetscInt dim, times;
  PetscReal *time;
  PetscBool timed;
  PetscBool stored;  /* particles.h5, otherwise CSV */
  hid_t file;        /* of particles.h5, open on rank 0 */
  PetscInt *first;   /* CSV: [times + 1] first particle of each time */
  PetscInt n;        /* particles.h5: of each time; CSV: in all */
  PetscReal *x, *w;  /* [n][dim], [n]: of one time; CSV: of all */
  PetscReal *weight; /* [n] normalised */
};

/* ------------------------------------------------------------------ CSV */

enum { COLUMNS_X, COLUMNS_Y, COLUMNS_W, COLUMNS_T, COLUMNS };
static const char *const column_names[COLUMNS] = {"x", "y", "w", "t"};

/* The columns of a file without a header: x[,y][,w]. */
static PetscErrorCode count_columns(const MuCloudReader c, PetscInt fields,
                                    PetscInt column[COLUMNS]) {
  if (fields != c->dim && fields != c->dim + 1)
    return MuError(MU_ERR_INPUT,
                   "%s has %d columns and no header; the run is %d-D, so that %s are expected",
                   c->path, (int)fields, (int)c->dim, c->dim == 1 ? "x[,w]" : "x,y[,w]");
  for (PetscInt a = 0; a < c->dim; ++a) column[a] = a + 1;
  if (fields > c->dim) column[COLUMNS_W] = c->dim + 1;
  return 0;
}

static PetscErrorCode find_columns(const MuCloudReader c, PetscInt column[COLUMNS]) {
  PetscInt fields;
  PetscBool header;

  PetscFunctionBegin;
  PetscCall(
      MuSamplesHeader(c->comm, NULL, c->path, COLUMNS, column_names, &fields, &header, column));
  if (!header) {
    PetscCall(count_columns(c, fields, column));
    PetscFunctionReturn(0);
  }
  for (PetscInt a = 0; a < c->dim; ++a)
    if (!column[a])
      return MuError(MU_ERR_INPUT, "%s has no column %s; the run is %d-D, and the columns are %s",
                     c->path, column_names[a], (int)c->dim,
                     c->dim == 1 ? "x[,w][,t]" : "x,y[,w][,t]");
  if (c->dim == 1 && column[COLUMNS_Y])
    return MuError(MU_ERR_INPUT, "%s has a column y; the run is 1-D", c->path);
  PetscFunctionReturn(0);
}

/* Rows of equal t are the cloud at that time. */
static PetscErrorCode cut_times(MuCloudReader c, PetscInt width, PetscInt at,
                                const PetscReal *table, PetscReal time) {
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(c->n, &c->time, c->n + 1, &c->first));
  for (PetscInt i = 0; i < c->n; ++i) {
    const PetscReal t = at < 0 ? time : table[i * width + at];
    if (c->times && t < c->time[c->times - 1])
      return MuError(MU_ERR_INPUT, "%s: the time falls from %g to %g at particle %d; sort the rows",
                     c->path, c->time[c->times - 1], t, (int)i + 1);
    if (c->times && t == c->time[c->times - 1]) continue;
    c->time[c->times] = t;
    c->first[c->times++] = i;
  }
  c->first[c->times] = c->n;
  c->timed = (PetscBool)(at >= 0);
  PetscFunctionReturn(0);
}

/* table [n][width]: x[,y], then w and t where they are there. */
static PetscErrorCode take_table(MuCloudReader c, PetscInt width, const PetscInt column[COLUMNS],
                                 const PetscReal *table, PetscReal time) {
  const PetscBool weighted = (PetscBool)(column[COLUMNS_W] != 0);

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(c->n * c->dim, &c->x, c->n, &c->w, c->n, &c->weight));
  for (PetscInt i = 0; i < c->n; ++i) {
    for (PetscInt a = 0; a < c->dim; ++a) c->x[i * c->dim + a] = table[i * width + a];
    c->w[i] = weighted ? table[i * width + c->dim] : 1;
  }
  PetscCall(cut_times(c, width, column[COLUMNS_T] ? width - 1 : -1, table, time));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_csv(MuCloudReader c, PetscReal time) {
  PetscInt column[COLUMNS] = {0}, width = 0;
  MuPointsLayout layout;
  char word[COLUMNS][16], text[96];
  const char *words[COLUMNS];
  PetscReal *table;

  PetscFunctionBegin;
  PetscCall(find_columns(c, column));
  for (PetscInt k = 0; k < COLUMNS; ++k) {
    if (!column[k]) continue;
    snprintf(word[width], sizeof word[width], "%d", (int)column[k]);
    words[width] = word[width];
    ++width;
  }
  const MuPointsSpec spec = {
      .file = c->path, .dim = width, .columns = words, .optional = column[COLUMNS_W] != 0};
  PetscCall(MuSamplesRead(c->comm, &spec, &layout, &c->n, &table));
  MuPointsDescribe(&layout, sizeof text, text);
  if (text[0]) PetscCall(MuWarn(c->comm, "%s %s", c->path, text));
  PetscErrorCode code = take_table(c, width, column, table, time);
  PetscCall(PetscFree(table));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ particles.h5 */

/* sizes: times, particles, dimension. */
static PetscErrorCode check_shapes(MuCloudReader c, PetscInt sizes[3]) {
  PetscInt dims, times, position[3], weight[2];

  PetscFunctionBegin;
  PetscCall(MuHdf5Open(c->path, &c->file));
  PetscCall(MuHdf5Shape(c->file, c->path, "time", 1, &dims, &times));
  PetscCall(MuHdf5Shape(c->file, c->path, "position", 3, &dims, position));
  if (dims != 3 || position[0] < times || position[1] < 1)
    return MuError(MU_ERR_FILE, "%s: the dataset position is not [times, particles, dimension]",
                   c->path);
  PetscCall(MuHdf5Shape(c->file, c->path, "weight", 2, &dims, weight));
  if (dims != 2 || weight[0] < times || weight[1] != position[1])
    return MuError(MU_ERR_FILE, "%s: the dataset weight is not [times, particles]", c->path);
  if (times < 1) return MuError(MU_ERR_FILE, "%s: there is no snapshot in this file yet", c->path);
  if (position[2] != c->dim)
    return MuError(MU_ERR_INPUT, "%s holds particles in %d dimensions; the run is %d-D", c->path,
                   (int)position[2], (int)c->dim);
  sizes[0] = times;
  sizes[1] = position[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode check_times(const MuCloudReader c) {
  for (PetscInt k = 0; k < c->times; ++k)
    if (PetscIsInfOrNanReal(c->time[k]) || (k && !(c->time[k] > c->time[k - 1])))
      return MuError(MU_ERR_FILE, "%s: the dataset time does not rise at value %d", c->path,
                     (int)k + 1);
  return 0;
}

static PetscErrorCode read_hdf5(MuCloudReader c) {
  PetscInt sizes[3] = {0};
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (c->rank == 0) code = check_shapes(c, sizes);
  PetscCall(MuErrorAgree(c->comm, code));
  PetscCallMPI(MPI_Bcast(sizes, 2, MPIU_INT, 0, c->comm));
  c->times = sizes[0];
  c->n = sizes[1];
  c->timed = PETSC_TRUE;
  PetscCall(PetscMalloc2(c->times, &c->time, 1, &c->first));
  PetscCall(PetscMalloc3(c->n * c->dim, &c->x, c->n, &c->w, c->n, &c->weight));
  if (c->rank == 0) code = MuHdf5Read(c->file, c->path, "time", -1, c->times, c->time);
  if (c->rank == 0 && !code) code = check_times(c);
  PetscCall(MuErrorAgree(c->comm, code));
  PetscCallMPI(MPI_Bcast(c->time, (PetscMPIInt)c->times, MPIU_REAL, 0, c->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_item(MuCloudReader c, PetscInt index) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (c->rank == 0) code = MuHdf5Read(c->file, c->path, "position", index, c->n * c->dim, c->x);
  if (c->rank == 0 && !code) code = MuHdf5Read(c->file, c->path, "weight", index, c->n, c->w);
  PetscCall(MuErrorAgree(c->comm, code));
  PetscCallMPI(MPI_Bcast(c->x, (PetscMPIInt)(c->n * c->dim), MPIU_REAL, 0, c->comm));
  PetscCallMPI(MPI_Bcast(c->w, (PetscMPIInt)c->n, MPIU_REAL, 0, c->comm));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the object */

/* What the name stands for, on rank 0: a folder for the particles.h5 in it. */
static PetscErrorCode find_file(MuCloudReader c, const char *file, int *is_hdf5) {
  struct stat status;
  const PetscBool folder = (PetscBool)(stat(file, &status) == 0 && S_ISDIR(status.st_mode));

  if (strlen(file) + 14 > sizeof c->path)
    return MuError(MU_ERR_FILE, "%.40s...: the path is too long", file);
  snprintf(c->path, sizeof c->path, "%s%s", file, folder ? "/particles.h5" : "");
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  *is_hdf5 = folder || H5Fis_hdf5(c->path) > 0;
  return 0;
}

static PetscErrorCode open_file(MuCloudReader c, const char *file, PetscReal time) {
  PetscErrorCode code = 0;
  int is_hdf5 = 0;

  PetscFunctionBegin;
  if (c->rank == 0) code = find_file(c, file, &is_hdf5);
  PetscCall(MuErrorAgree(c->comm, code));
  PetscCallMPI(MPI_Bcast(&is_hdf5, 1, MPI_INT, 0, c->comm));
  PetscCallMPI(MPI_Bcast(c->path, sizeof c->path, MPI_CHAR, 0, c->comm));
  c->stored = (PetscBool)is_hdf5;
  PetscCall(is_hdf5 ? read_hdf5(c) : read_csv(c, time));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudReaderCreate(MPI_Comm comm, const char *file, PetscInt dim, PetscReal time,
                                   MuCloudReader *cloud) {
  PetscErrorCode code;
  MuCloudReader c;

  PetscFunctionBegin;
  *cloud = NULL;
  PetscCall(PetscNew(&c));
  c->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &c->rank));
  c->dim = dim;
  c->file = -1;
  code = open_file(c, file, time);
  if (code)
    PetscCall(MuCloudReaderDestroy(&c));
  else
    *cloud = c;
  PetscFunctionReturn(code);
}

PetscErrorCode MuCloudReaderDestroy(MuCloudReader *cloud) {
  MuCloudReader c = *cloud;

  PetscFunctionBegin;
  *cloud = NULL;
  if (!c) PetscFunctionReturn(0);
  if (c->file >= 0) H5Fclose(c->file);
  PetscCall(PetscFree2(c->time, c->first));
  PetscCall(PetscFree3(c->x, c->w, c->weight));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudReaderGetTimes(MuCloudReader cloud, PetscInt *times, const PetscReal **time,
                                     PetscBool *timed) {
  *times = cloud->times;
  *time = cloud->time;
  *timed = cloud->timed;
  return 0;
}

static PetscErrorCode normalize(MuCloudReader c, PetscInt n, const PetscReal *x, const PetscReal *w,
                                PetscReal *mass) {
  *mass = 0;
  for (PetscInt i = 0; i < n; ++i) {
    for (PetscInt a = 0; a < c->dim; ++a)
      if (PetscIsInfOrNanReal(x[i * c->dim + a]))
        return MuError(MU_ERR_INPUT, "%s: a coordinate of particle %d is %g; it must be finite",
                       c->path, (int)i + 1, x[i * c->dim + a]);
    if (!(w[i] >= 0) || PetscIsInfReal(w[i]))
      return MuError(MU_ERR_INPUT,
                     "%s: the weight of particle %d is %g; it must be finite and not negative",
                     c->path, (int)i + 1, w[i]);
    *mass += w[i];
  }
  if (!(*mass > 0) || PetscIsInfReal(*mass))
    return MuError(MU_ERR_INPUT, "%s: the weights sum to %g; the sum must be positive", c->path,
                   *mass);
  for (PetscInt i = 0; i < n; ++i) c->weight[i] = w[i] / *mass;
  return 0;
}

PetscErrorCode MuCloudReaderGet(MuCloudReader c, PetscInt index, PetscInt *n,
                                const PetscReal **position, const PetscReal **weight,
                                PetscReal *mass) {
  PetscInt first = 0;

  PetscFunctionBegin;
  PetscCheck(index >= 0 && index < c->times, c->comm, PETSC_ERR_ARG_OUTOFRANGE, "time %d of %d",
             (int)index, (int)c->times);
  *n = c->n;
  if (c->stored) {
    PetscCall(read_item(c, index));
  } else {
    first = c->first[index];
    *n = c->first[index + 1] - first;
  }
  PetscCall(normalize(c, *n, c->x + first * c->dim, c->w + first, mass));
  *position = c->x + first * c->dim;
  *weight = c->weight;
  PetscFunctionReturn(0);
}
