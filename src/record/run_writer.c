/* A run's output: run.h5, ledger.csv and run.xdmf in one directory, or particles.h5 and ledger.csv.
   Rank 0 writes; the errors it meets are given to every rank at the next collective call. */
#include "base/events.h"
#include "base/files.h"
#include "output/run_file.h"
#include "record/record.h"

#include <errno.h>
#include <fftw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XDMF_SECONDS 0.1 /* run.xdmf is rewritten no more often, and at the end */

struct _p_MuRunWriter {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MuGrid grid; /* NULL: particles */
  const MuGridInfo *info;
  PetscBool finished;
  PetscInt columns;
  /* rank 0 only */
  char directory[PETSC_MAX_PATH_LEN];
  MuRunFile file;
  FILE *csv;
  char *csv_header;
  PetscReal *field; /* [ny][nx] */
  PetscReal *rows;  /* [buffered][columns] not yet in run.h5 */
  PetscInt buffered, capacity;
  PetscReal *times; /* of the snapshots in the file */
  PetscInt snapshots, times_capacity;
  PetscInt in_file; /* snapshots that times knows: a resumed file may hold more than this run has */
  PetscReal flush_seconds, last_flush, last_xdmf;
  PetscErrorCode failed; /* first error */
  char sentence[1024];
};

static PetscBool writes(const MuRunWriter w) {
  return (PetscBool)(w->rank == 0);
}

/* Remembers the first error with its sentence; after it nothing more is written. */
static PetscErrorCode remember(MuRunWriter w, PetscErrorCode code) {
  if (w->failed) return MuError(w->failed, "%s", w->sentence);
  w->failed = code;
  if (code) snprintf(w->sentence, sizeof w->sentence, "%s", MuErrorMessage());
  return code;
}

/* ------------------------------------------------------------------ the directory */

PetscErrorCode MuMakeDirectory(const char *directory) {
  char path[PETSC_MAX_PATH_LEN];
  struct stat status;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(path, directory, sizeof path));
  for (char *c = path + 1; *c; ++c) {
    if (*c != '/') continue;
    *c = 0;
    if (mkdir(path, 0777) != 0 && errno != EEXIST && stat(path, &status) != 0)
      return MuError(MU_ERR_FILE, "output_directory: %s cannot be made: %s", directory,
                     strerror(errno));
    *c = '/';
  }
  if (mkdir(path, 0777) != 0 && errno != EEXIST)
    return MuError(MU_ERR_FILE, "output_directory: %s cannot be made: %s", directory,
                   strerror(errno));
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
    return MuError(MU_ERR_FILE, "output_directory: %s is not a directory", directory);
  PetscFunctionReturn(0);
}

/* Results of the same kind are replaced with `overwrite`; those of the other command never are,
   since ledger.csv belongs to one of them. */
static PetscErrorCode refuse_results(MuRunWriter w, PetscBool overwrite) {
  static const struct {
    const char *name;
    PetscBool run, particles; /* who writes it */
  } results[] = {{"run.h5", PETSC_TRUE, PETSC_FALSE},
                 {"run.xdmf", PETSC_TRUE, PETSC_FALSE},
                 {"particles.h5", PETSC_FALSE, PETSC_TRUE},
                 {"ledger.csv", PETSC_TRUE, PETSC_TRUE}};
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof results / sizeof *results; ++i) {
    const PetscBool own = w->grid ? results[i].run : results[i].particles;
    PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", w->directory, results[i].name));
    if (access(path, F_OK) != 0 || (own && overwrite)) continue;
    return MuError(MU_ERR_INPUT,
                   "output_directory: %s holds the results of %s (%s); give another directory%s",
                   w->directory,
                   own       ? "a run"
                   : w->grid ? "mudot particles"
                             : "mudot run",
                   results[i].name, own ? " or -output_overwrite" : "");
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what the run was */

static void utc_now(char *text, size_t size) {
  time_t now = time(NULL);
  struct tm broken;
  gmtime_r(&now, &broken);
  strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &broken);
}

static PetscErrorCode set_root(MuRunWriter w, const char *name, const char *text) {
  MuRunAttribute attribute = {.object = "/", .name = name, .text = text};

  PetscFunctionBegin;
  PetscCall(MuRunFileSetAttribute(&w->file, &attribute));
  PetscFunctionReturn(0);
}

/* `status`, `finished` and `restarts`, which change, come first. */
static PetscErrorCode describe_run(MuRunWriter w, const MuRunWriterSpec *spec) {
  char text[64];
  PetscInt major, minor, subminor;

  PetscFunctionBegin;
  PetscCall(set_root(w, "status", "running"));
  PetscCall(set_root(w, "finished", ""));
  PetscCall(set_root(w, "restarts", "")); /* one line per restart; made now, changed in place */
  utc_now(text, sizeof text);
  PetscCall(set_root(w, "started", text));
  PetscCall(set_root(w, "mudot_version", MUDOT_VERSION));
  PetscCall(PetscGetVersionNumber(&major, &minor, &subminor, NULL));
  PetscCall(PetscSNPrintf(text, sizeof text, "%" PetscInt_FMT ".%" PetscInt_FMT ".%" PetscInt_FMT,
                          major, minor, subminor));
  PetscCall(set_root(w, "petsc_version", text));
  PetscCall(set_root(w, "fftw_version", fftw_version));
  PetscCall(MuRunFileSetInteger(&w->file, "mpi_ranks", w->size));
  PetscCall(set_root(w, "command_line", spec->command_line ? spec->command_line : ""));
  PetscCall(set_root(w, "case", spec->case_text ? spec->case_text : ""));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ create, start */

static PetscErrorCode gather_mask(MuRunWriter w) {
  PetscReal *values;
  Vec mask;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(w->grid, &mask));
  PetscCall(VecGetArray(mask, &values));
  for (PetscInt i = 0; i < w->info->local_size; ++i) values[i] = w->info->mask[i];
  PetscCall(VecRestoreArray(mask, &values));
  PetscCall(MuGridGather(w->grid, mask, PETSC_FALSE, w->field));
  PetscCall(VecDestroy(&mask));
  PetscFunctionReturn(0);
}

static PetscErrorCode join_names(const MuRunWriterSpec *spec, char **line) {
  size_t length = 2;
  char *end;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < spec->columns; ++c) length += strlen(spec->names[c]) + 1;
  PetscCall(PetscMalloc1(length, line));
  end = *line;
  for (PetscInt c = 0; c < spec->columns; ++c) {
    if (c) *end++ = ',';
    end = stpcpy(end, spec->names[c]);
  }
  *end++ = '\n';
  *end = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode check_directory(MuRunWriter w, const MuRunWriterSpec *spec) {
  PetscFunctionBegin;
  if (strlen(spec->directory) > PETSC_MAX_PATH_LEN - 32 || !spec->directory[0])
    return MuError(MU_ERR_INPUT, "output_directory: \"%.40s\" is empty or too long",
                   spec->directory);
  PetscCall(PetscStrncpy(w->directory, spec->directory, sizeof w->directory));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_files(MuRunWriter w, const MuRunWriterSpec *spec) {
  PetscFunctionBegin;
  PetscCall(check_directory(w, spec));
  PetscCall(MuMakeDirectory(w->directory));
  PetscCall(refuse_results(w, spec->overwrite));
  PetscCall(join_names(spec, &w->csv_header));
  PetscCall(MuRunFileCreate(&w->file, w->grid ? "run.h5" : "particles.h5", spec));
  if (w->grid) PetscCall(MuRunFileSetGrid(&w->file, w->info, w->field));
  PetscCall(describe_run(w, spec));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ an earlier run goes on */

/* Where the line behind the header and the first `rows` rows begins, -1 if there is none. */
static long find_row(FILE *csv, PetscInt rows) {
  PetscInt lines = 0;
  for (int c = getc(csv); c != EOF; c = getc(csv))
    if (c == '\n' && lines++ == rows) return ftell(csv);
  return -1;
}

static PetscErrorCode write_csv_row(MuRunWriter w, const PetscReal *values);

static PetscErrorCode open_csv(MuRunWriter w, const char *path, PetscBool anew) {
  PetscFunctionBegin;
  errno = 0;
  w->csv = anew ? MuFileCreate(path) : MuFileUpdate(path);
  if (!w->csv || setvbuf(w->csv, NULL, _IOLBF, 1 << 16) != 0) return MuCannotWrite(path);
  PetscFunctionReturn(0);
}

/* ledger.csv anew from the rows of run.h5. */
static PetscErrorCode rebuild_csv(MuRunWriter w, const char *path, PetscInt rows) {
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows * w->columns, &values));
  PetscCall(MuRunFileReadRows(&w->file, rows, values));
  PetscCall(open_csv(w, path, PETSC_TRUE));
  if (fputs(w->csv_header, w->csv) < 0) return MuCannotWrite(path);
  for (PetscInt r = 0; r < rows; ++r) PetscCall(write_csv_row(w, values + r * w->columns));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(0);
}

/* Behind its first rows; the lines behind them stay until they are written again. */
static PetscErrorCode resume_csv(MuRunWriter w, PetscInt rows) {
  char path[PETSC_MAX_PATH_LEN];
  FILE *csv;
  long at = -1;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/ledger.csv", w->directory));
  csv = MuFileUpdate(path);
  if (csv) at = find_row(csv, rows);
  if (csv) fclose(csv);
  if (at < 0) {
    PetscCall(rebuild_csv(w, path, rows));
  } else {
    PetscCall(open_csv(w, path, PETSC_FALSE));
    if (fseek(w->csv, at, SEEK_SET) != 0) return MuCannotWrite(path);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room_for_times(MuRunWriter w, PetscInt count) {
  PetscFunctionBegin;
  if (count <= w->times_capacity) PetscFunctionReturn(0);
  w->times_capacity = 2 * count + 256;
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)w->times_capacity, &w->times));
  PetscFunctionReturn(0);
}

static PetscErrorCode resume_files(MuRunWriter w, const MuRunWriterSpec *spec) {
  MuRunRemains remains = {.there = PETSC_FALSE};
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(check_directory(w, spec));
  PetscCall(join_names(spec, &w->csv_header));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/run.h5", w->directory));
  PetscCall(MuRunFileInspect(path, &remains));
  PetscCall(MuRunFileResume(&w->file, "run.h5", spec));
  w->snapshots = spec->snapshots;
  w->in_file = remains.snapshots;
  PetscCall(make_room_for_times(w, w->in_file));
  PetscCall(PetscArraycpy(w->times, remains.times, w->in_file));
  PetscCall(MuRunRemainsFree(&remains));
  PetscCall(set_root(w, "status", "running"));
  PetscCall(set_root(w, "finished", ""));
  PetscCall(MuRunFileSetInteger(&w->file, "mpi_ranks", w->size));
  PetscCall(resume_csv(w, spec->rows));
  w->last_flush = MPI_Wtime();
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRemainsRead(MPI_Comm comm, const char *directory, MuRunRemains *r) {
  char path[PETSC_MAX_PATH_LEN], **texts[] = {&r->case_text, &r->status, &r->restarts};
  PetscErrorCode code = 0;
  PetscMPIInt rank;
  int lengths[3] = {0}, there;

  PetscFunctionBegin;
  *r = (MuRunRemains){.rows = 0};
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/run.h5", directory));
  if (rank == 0) code = MuRunFileInspect(path, r);
  code = MuErrorAgree(comm, code);
  if (code) {
    PetscCall(MuRunRemainsFree(r));
    PetscFunctionReturn(code);
  }
  there = r->there;
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  r->there = (PetscBool)there;
  PetscCallMPI(MPI_Bcast(&r->rows, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&r->snapshots, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&r->cells, 1, MPIU_INT, 0, comm));
  if (rank) PetscCall(PetscMalloc1(r->snapshots + 1, &r->times));
  PetscCallMPI(MPI_Bcast(r->times, (PetscMPIInt)r->snapshots, MPIU_REAL, 0, comm));
  for (int k = 0; k < 3; ++k) {
    if (rank == 0 && there) lengths[k] = (int)strlen(*texts[k]);
    PetscCallMPI(MPI_Bcast(&lengths[k], 1, MPI_INT, 0, comm));
    if (!*texts[k]) PetscCall(PetscCalloc1(lengths[k] + 1, texts[k]));
    PetscCallMPI(MPI_Bcast(*texts[k], lengths[k] + 1, MPI_CHAR, 0, comm));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRemainsFree(MuRunRemains *r) {
  PetscFunctionBegin;
  PetscCall(PetscFree(r->times));
  PetscCall(PetscFree(r->target));
  PetscCall(PetscFree(r->case_text));
  PetscCall(PetscFree(r->status));
  PetscCall(PetscFree(r->restarts));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ a new run */

static PetscErrorCode create_writer(MPI_Comm comm, const MuRunWriterSpec *spec,
                                    MuRunWriter *writer) {
  PetscFunctionBegin;
  PetscCall(PetscNew(writer));
  (*writer)->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &(*writer)->rank));
  PetscCallMPI(MPI_Comm_size(comm, &(*writer)->size));
  (*writer)->columns = spec->columns;
  (*writer)->flush_seconds = spec->flush_seconds > 0 ? spec->flush_seconds : 2;
  (*writer)->file.access = (*writer)->file.file = -1;
  (*writer)->last_flush = (*writer)->last_xdmf = -PETSC_MAX_REAL;
  PetscFunctionReturn(0);
}

/* Makes the files on rank 0; without them there is no writer. */
static PetscErrorCode open_writer(MuRunWriter w, const MuRunWriterSpec *spec, MuRunWriter *writer) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  *writer = NULL;
  if (writes(w)) code = remember(w, spec->resume ? resume_files(w, spec) : create_files(w, spec));
  code = MuErrorAgree(w->comm, code);
  if (code)
    PetscCall(MuRunWriterDestroy(&w));
  else
    *writer = w;
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunWriterCreate(MuGrid grid, const MuRunWriterSpec *spec, MuRunWriter *writer) {
  const MuGridInfo *info;
  MuRunWriter w;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(create_writer(info->comm, spec, &w));
  PetscCall(MuGridReference(grid));
  w->grid = grid;
  w->info = info;
  if (writes(w)) PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], &w->field));
  PetscCall(gather_mask(w));
  MuRunFileAddSeries(&w->file, "density", (int)info->dim,
                     info->dim == 2 ? info->cells[1] : info->cells[0], info->cells[0]);
  PetscCall(open_writer(w, spec, writer));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterCreateParticles(MPI_Comm comm, PetscInt n, PetscInt dim,
                                          const MuRunWriterSpec *spec, MuRunWriter *writer) {
  MuRunWriter w;

  PetscFunctionBegin;
  PetscCall(create_writer(comm, spec, &w));
  MuRunFileAddSeries(&w->file, "position", 2, n, dim);
  MuRunFileAddSeries(&w->file, "weight", 1, n, 0);
  PetscCall(open_writer(w, spec, writer));
  PetscFunctionReturn(0);
}

/* From the partial file to a directory that readers can use; results of an earlier run go now. */
static PetscErrorCode start(MuRunWriter w) {
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/run.xdmf", w->directory));
  unlink(path);
  PetscCall(MuCheckpointRemove(PETSC_COMM_SELF, w->directory));
  PetscCall(MuRunFilePublish(&w->file));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/ledger.csv", w->directory));
  PetscCall(open_csv(w, path, PETSC_TRUE));
  if (fputs(w->csv_header, w->csv) < 0) return MuCannotWrite(path);
  w->last_flush = MPI_Wtime();
  PetscFunctionReturn(0);
}

static PetscErrorCode start_once(MuRunWriter w) {
  PetscFunctionBegin;
  if (!w->file.published) PetscCall(start(w));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ target and attributes */

PetscErrorCode MuRunWriterSetTarget(MuRunWriter w, Vec log_density) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCall(MuGridGather(w->grid, log_density, PETSC_FALSE, w->field));
  if (writes(w)) code = remember(w, w->failed ? 0 : MuRunFileSetTarget(&w->file, w->field));
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterSetAttribute(MuRunWriter w, const char *object, const char *name,
                                       const char *text) {
  MuRunAttribute attribute = {.object = object, .name = name, .text = text};
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (writes(w)) code = remember(w, w->failed ? 0 : MuRunFileSetAttribute(&w->file, &attribute));
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ rows and snapshots */

static PetscErrorCode flush_rows(MuRunWriter w) {
  PetscFunctionBegin;
  PetscCall(start_once(w));
  PetscCall(MuRunFileAddRows(&w->file, w->buffered, w->rows));
  w->buffered = 0;
  w->last_flush = MPI_Wtime();
  PetscFunctionReturn(0);
}

static PetscErrorCode write_csv_row(MuRunWriter w, const PetscReal *values) {
  PetscFunctionBegin;
  errno = 0;
  for (PetscInt c = 0; c < w->columns; ++c) fprintf(w->csv, "%s%.17g", c ? "," : "", values[c]);
  fputc('\n', w->csv);
  if (ferror(w->csv)) {
    char path[PETSC_MAX_PATH_LEN];
    PetscCall(PetscSNPrintf(path, sizeof path, "%s/ledger.csv", w->directory));
    return MuCannotWrite(path);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode add_row(MuRunWriter w, const PetscReal *values) {
  PetscFunctionBegin;
  PetscCall(start_once(w));
  if (w->buffered == w->capacity) {
    w->capacity = 2 * w->capacity + 256;
    PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(w->capacity * w->columns), &w->rows));
  }
  PetscCall(PetscArraycpy(w->rows + w->buffered * w->columns, values, w->columns));
  w->buffered++;
  PetscCall(write_csv_row(w, values));
  if (MPI_Wtime() - w->last_flush > w->flush_seconds) PetscCall(flush_rows(w));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterAddLedgerRow(MuRunWriter w, const PetscReal *values) {
  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_OUTPUT));
  if (writes(w) && !w->failed) remember(w, add_row(w, values));
  PetscCall(MuEventEnd(MU_EVENT_OUTPUT));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_snapshot(MuRunWriter w, PetscReal t, const PetscReal *const values[]) {
  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  PetscCall(MuRunFileAddSnapshot(&w->file, t, values));
  PetscCall(make_room_for_times(w, w->snapshots + 1));
  w->times[w->snapshots++] = t;
  w->in_file = PetscMax(w->in_file, w->snapshots);
  if (w->grid && MPI_Wtime() - w->last_xdmf > XDMF_SECONDS) {
    PetscCall(MuXdmfWrite(w->directory, w->info, w->in_file, w->times));
    w->last_xdmf = MPI_Wtime();
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterAddSnapshot(MuRunWriter w, PetscReal t, Vec rho) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_OUTPUT));
  PetscCall(MuGridGather(w->grid, rho, PETSC_FALSE, w->field));
  const PetscReal *const values[] = {w->field};
  if (writes(w)) code = remember(w, w->failed ? 0 : add_snapshot(w, t, values));
  PetscCall(MuEventEnd(MU_EVENT_OUTPUT));
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterAddCloud(MuRunWriter w, PetscReal t, const PetscReal *x,
                                   const PetscReal *weights) {
  const PetscReal *const values[] = {x, weights};
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (writes(w)) code = remember(w, w->failed ? 0 : add_snapshot(w, t, values));
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

static PetscErrorCode sync_files(MuRunWriter w) {
  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  PetscCall(MuRunFileSync(&w->file));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterSync(MuRunWriter w, PetscInt *rows, PetscInt *snapshots) {
  PetscErrorCode code = 0;
  PetscInt counts[2] = {0};

  PetscFunctionBegin;
  if (writes(w)) {
    code = remember(w, w->failed ? 0 : sync_files(w));
    counts[0] = (PetscInt)w->file.rows;
    counts[1] = w->snapshots;
  }
  code = MuErrorAgree(w->info->comm, code);
  PetscCallMPI(MPI_Bcast(counts, 2, MPIU_INT, 0, w->info->comm));
  *rows = counts[0];
  *snapshots = counts[1];
  PetscFunctionReturn(code);
}

static PetscErrorCode cut_files(MuRunWriter w) {
  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  PetscCall(MuRunFileCut(&w->file));
  w->in_file = w->snapshots;
  errno = 0;
  if (fflush(w->csv) != 0 || ftruncate(fileno(w->csv), ftell(w->csv)) != 0)
    return MuCannotWrite(w->directory);
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterCut(MuRunWriter w) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (writes(w)) code = remember(w, w->failed ? 0 : cut_files(w));
  code = MuErrorAgree(w->info->comm, code);
  PetscFunctionReturn(code);
}

static PetscErrorCode finish(MuRunWriter w, const char *status) {
  char text[64];

  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  if (w->grid) PetscCall(MuXdmfWrite(w->directory, w->info, w->in_file, w->times));
  utc_now(text, sizeof text);
  PetscCall(set_root(w, "finished", text));
  PetscCall(set_root(w, "status", status));
  PetscFunctionReturn(0);
}

static PetscErrorCode close_files(MuRunWriter w) {
  PetscErrorCode code;

  PetscFunctionBegin;
  errno = 0;
  if (w->csv && fclose(w->csv) != 0) remember(w, MuCannotWrite(w->directory));
  w->csv = NULL;
  code = MuRunFileClose(&w->file);
  PetscFunctionReturn(code);
}

PetscErrorCode MuRunWriterFinish(MuRunWriter w, const char *status) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (w->finished) PetscFunctionReturn(0);
  w->finished = PETSC_TRUE;
  if (writes(w)) {
    if (!w->failed) remember(w, finish(w, status));
    code = close_files(w);
    code = remember(w, code);
  }
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterDestroy(MuRunWriter *writer) {
  MuRunWriter w = *writer;

  PetscFunctionBegin;
  *writer = NULL;
  if (!w) PetscFunctionReturn(0);
  if (writes(w) && !w->finished) {
    if (w->file.published && w->csv && !w->failed) (void)finish(w, "failed: the run was given up");
    (void)close_files(w);
  }
  PetscCall(PetscFree(w->csv_header));
  PetscCall(PetscFree(w->field));
  PetscCall(PetscFree(w->rows));
  PetscCall(PetscFree(w->times));
  PetscCall(MuGridDestroy(&w->grid));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(0);
}
