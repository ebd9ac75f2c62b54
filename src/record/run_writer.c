/* A run's output: run.h5, ledger.csv and run.xdmf in one directory, or particles.h5 and its own.
   Rank 0 writes; the errors it meets are given to every rank at the next collective call. */
#include "record/run_writer.h"

#include "base/events.h"
#include "base/files.h"
#include "output/run_file.h"
#include "output/run_remains.h"
#include "record/checkpoint.h"
#include "record/ledger_csv.h"

#include <fftw3.h>
#include <time.h>
#include <unistd.h>

#define XDMF_SECONDS 0.1 /* the files of viewers are rewritten no more often, and at the end */

typedef struct {
  const char *file, *command;
} Kind;
static const Kind run = {"run.h5", "mudot run"}, particles = {"particles.h5", "mudot particles"};

struct _p_MuRunWriter {
  const Kind *kind;
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MuGrid grid; /* NULL: particles */
  const MuGridInfo *info;
  PetscBool finished;
  PetscInt columns;
  /* rank 0 only */
  char directory[PETSC_MAX_PATH_LEN];
  MuRunFile file;
  MuLedgerCsv csv;
  PetscReal *field; /* [ny][nx] */
  MuXdmf xdmf;      /* what viewers are told of */
  PetscReal *rows;  /* [buffered][columns] not yet in run.h5 */
  PetscInt buffered, capacity;
  PetscReal *times; /* of the snapshots in the file */
  PetscInt snapshots, times_capacity;
  PetscInt in_file; /* snapshots that times knows: a resumed file may hold more than this run has */
  PetscReal flush_seconds, last_flush, last_xdmf;
  PetscErrorCode failed; /* first error */
  char sentence[MU_SENTENCE];
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

/* Results of the same kind are replaced with `overwrite`; those of the other command never are,
   since ledger.csv belongs to one of them. */
static PetscErrorCode refuse_results(MuRunWriter w, PetscBool overwrite) {
  static const struct {
    const char *name;
    const Kind *kind; /* NULL: of either */
  } results[] = {
      {"run.h5", &run}, {"run.xdmf", &run}, {"particles.h5", &particles}, {"ledger.csv", NULL}};
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof results / sizeof *results; ++i) {
    const PetscBool own = (PetscBool)(!results[i].kind || results[i].kind == w->kind);
    PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", w->directory, results[i].name));
    if (access(path, F_OK) != 0 || (own && overwrite)) continue;
    return MuError(MU_ERR_INPUT,
                   "output_directory: %s holds the results of %s (%s); give another directory%s",
                   w->directory, own ? "a run" : results[i].kind->command, results[i].name,
                   own ? " or -output_overwrite" : "");
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
  return MuRunFileSetAttribute(&w->file, &(MuRunAttribute){"/", name, text});
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

static PetscErrorCode check_directory(MuRunWriter w, const MuRunWriterSpec *spec) {
  PetscFunctionBegin;
  if (strlen(spec->directory) > PETSC_MAX_PATH_LEN - 32 || !spec->directory[0])
    return MuError(MU_ERR_INPUT, "output_directory: \"%.40s\" is empty or too long",
                   spec->directory);
  PetscCall(PetscStrncpy(w->directory, spec->directory, sizeof w->directory));
  w->xdmf.directory = w->directory;
  PetscFunctionReturn(0);
}

static MuRunFileSpec file_spec(MuRunWriter w, const MuRunWriterSpec *spec) {
  return (MuRunFileSpec){.directory = w->directory,
                         .file = w->kind->file,
                         .columns = spec->columns,
                         .rows = spec->rows,
                         .snapshots = spec->snapshots};
}

static PetscErrorCode create_files(MuRunWriter w, const MuRunWriterSpec *spec) {
  const MuRunFileSpec file = file_spec(w, spec);

  PetscFunctionBegin;
  PetscCall(check_directory(w, spec));
  PetscCall(MuMakeDirectory(w->directory));
  PetscCall(refuse_results(w, spec->overwrite));
  PetscCall(MuLedgerCsvSetUp(&w->csv, &file));
  PetscCall(MuRunFileCreate(&w->file, &file));
  if (w->grid) PetscCall(MuRunFileSetGrid(&w->file, w->info, w->field));
  PetscCall(describe_run(w, spec));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ an earlier run goes on */

static PetscErrorCode make_room_for_times(MuRunWriter w, PetscInt count) {
  PetscFunctionBegin;
  if (count <= w->times_capacity) PetscFunctionReturn(0);
  w->times_capacity = 2 * count + 256;
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)w->times_capacity, &w->times));
  PetscFunctionReturn(0);
}

static PetscErrorCode resume_files(MuRunWriter w, const MuRunWriterSpec *spec) {
  const MuRunFileSpec file = file_spec(w, spec);
  MuRunRemains remains;

  PetscFunctionBegin;
  PetscCall(check_directory(w, spec));
  PetscCall(MuLedgerCsvSetUp(&w->csv, &file));
  PetscCall(MuRunRemainsRead(PETSC_COMM_SELF, w->directory, w->kind->file, &remains));
  PetscCall(MuRunFileResume(&w->file, &file));
  w->snapshots = spec->snapshots;
  w->in_file = remains.snapshots;
  PetscCall(make_room_for_times(w, w->in_file));
  PetscCall(PetscArraycpy(w->times, remains.times, w->in_file));
  w->xdmf.target = (PetscBool)(remains.target != NULL);
  PetscCall(MuRunRemainsFree(&remains));
  PetscCall(set_root(w, "status", "running"));
  PetscCall(set_root(w, "finished", ""));
  PetscCall(MuRunFileSetInteger(&w->file, "mpi_ranks", w->size));
  PetscCall(MuLedgerCsvResume(&w->csv, &w->file, spec->rows));
  w->last_flush = MPI_Wtime();
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ a new run */

static PetscErrorCode create_writer(MPI_Comm comm, const Kind *kind, const MuRunWriterSpec *spec,
                                    MuRunWriter *writer) {
  PetscFunctionBegin;
  PetscCall(PetscNew(writer));
  (*writer)->kind = kind;
  (*writer)->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &(*writer)->rank));
  PetscCallMPI(MPI_Comm_size(comm, &(*writer)->size));
  PetscCall(MuColumnsGet(spec->columns, &(*writer)->columns, NULL));
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
  PetscCall(create_writer(info->comm, &run, spec, &w));
  PetscCall(MuGridReference(grid));
  w->grid = grid;
  w->info = w->xdmf.info = info;
  if (writes(w)) PetscCall(PetscMalloc1(info->cells[0] * info->cells[1], &w->field));
  PetscCall(gather_mask(w));
  const PetscInt slow = info->dim - 1;
  MuRunFileAddSeries(&w->file,
                     &(MuRunSeries){.name = "density",
                                    .doc = "density",
                                    .rank = (int)info->dim,
                                    .item = {(hsize_t)info->cells[slow], (hsize_t)info->cells[0]},
                                    .dimension = {slow ? "y" : "x", slow ? "x" : NULL}});
  PetscCall(open_writer(w, spec, writer));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterCreateParticles(MPI_Comm comm, PetscInt n, PetscInt dim,
                                          const MuRunWriterSpec *spec, MuRunWriter *writer) {
  MuRunWriter w;

  PetscFunctionBegin;
  PetscCall(create_writer(comm, &particles, spec, &w));
  w->xdmf.particles = n;
  w->xdmf.dim = dim;
  MuRunFileAddSeries(&w->file, &(MuRunSeries){.name = "position",
                                              .doc = "positions of the particles",
                                              .rank = 2,
                                              .item = {(hsize_t)n, (hsize_t)dim},
                                              .dimension = {"particle", "axis"}});
  MuRunFileAddSeries(&w->file, &(MuRunSeries){.name = "weight",
                                              .doc = "weights of the particles",
                                              .rank = 1,
                                              .item = {(hsize_t)n},
                                              .dimension = {"particle"}});
  PetscCall(open_writer(w, spec, writer));
  PetscFunctionReturn(0);
}

/* From the partial file to a directory that readers can use; results of an earlier run go now. */
static PetscErrorCode start(MuRunWriter w) {
  PetscFunctionBegin;
  MuXdmfRemove(w->directory);
  PetscCall(MuCheckpointRemove(PETSC_COMM_SELF, w->directory));
  PetscCall(MuRunFilePublish(&w->file));
  PetscCall(MuLedgerCsvCreate(&w->csv));
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
  w->xdmf.target = PETSC_TRUE;
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterSetAttribute(MuRunWriter w, const char *object, const char *name,
                                       const char *text) {
  const MuRunAttribute attribute = {.object = object, .name = name, .text = text};
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

static PetscErrorCode add_row(MuRunWriter w, const PetscReal *values) {
  PetscFunctionBegin;
  PetscCall(start_once(w));
  if (w->buffered == w->capacity) {
    w->capacity = 2 * w->capacity + 256;
    PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(w->capacity * w->columns), &w->rows));
  }
  PetscCall(PetscArraycpy(w->rows + w->buffered * w->columns, values, w->columns));
  w->buffered++;
  PetscCall(MuLedgerCsvAddRow(&w->csv, values));
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

static PetscErrorCode write_xdmf(MuRunWriter w) {
  PetscFunctionBegin;
  w->xdmf.snapshots = w->in_file;
  w->xdmf.times = w->times;
  PetscCall(MuXdmfWrite(&w->xdmf));
  w->last_xdmf = MPI_Wtime();
  PetscFunctionReturn(0);
}

static PetscErrorCode add_snapshot(MuRunWriter w, PetscReal t, const PetscReal *const values[]) {
  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  PetscCall(MuRunFileAddSnapshot(&w->file, t, values));
  PetscCall(make_room_for_times(w, w->snapshots + 1));
  w->times[w->snapshots++] = t;
  w->in_file = PetscMax(w->in_file, w->snapshots);
  if (MPI_Wtime() - w->last_xdmf > XDMF_SECONDS) PetscCall(write_xdmf(w));
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

PetscErrorCode MuRunWriterAddNumbers(MuRunWriter w, const char *name, const char *doc,
                                     const PetscReal *values) {
  PetscErrorCode code = 0;
  if (writes(w) && !w->failed)
    code = remember(w, MuRunFileAddNumbers(&w->file, name, doc, w->snapshots, values));
  return MuErrorAgree(w->comm, code);
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
  code = MuErrorAgree(w->comm, code);
  PetscCallMPI(MPI_Bcast(counts, 2, MPIU_INT, 0, w->comm));
  *rows = counts[0];
  *snapshots = counts[1];
  PetscFunctionReturn(code);
}

static PetscErrorCode cut_files(MuRunWriter w) {
  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  PetscCall(MuRunFileCut(&w->file));
  w->in_file = w->snapshots;
  PetscCall(MuLedgerCsvCut(&w->csv));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunWriterCut(MuRunWriter w) {
  PetscErrorCode code = 0;
  if (writes(w)) code = remember(w, w->failed ? 0 : cut_files(w));
  return MuErrorAgree(w->comm, code);
}

static PetscErrorCode finish(MuRunWriter w, const char *status) {
  char text[64];

  PetscFunctionBegin;
  PetscCall(flush_rows(w));
  PetscCall(write_xdmf(w));
  utc_now(text, sizeof text);
  PetscCall(set_root(w, "finished", text));
  PetscCall(set_root(w, "status", status));
  PetscFunctionReturn(0);
}

static PetscErrorCode close_files(MuRunWriter w) {
  PetscErrorCode code = MuLedgerCsvClose(&w->csv);
  if (code) remember(w, code);
  return MuRunFileClose(&w->file);
}

PetscErrorCode MuRunWriterFinish(MuRunWriter w, const char *status) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (w->finished) PetscFunctionReturn(0);
  w->finished = PETSC_TRUE;
  if (writes(w)) {
    if (!w->failed) remember(w, finish(w, status));
    code = remember(w, close_files(w));
  }
  PetscCall(MuErrorAgree(w->comm, code));
  PetscFunctionReturn(0);
}

/* Closes what was given up; the sentence why it was stays the last one. */
static void give_up(MuRunWriter w) {
  char sentence[MU_SENTENCE];
  snprintf(sentence, sizeof sentence, "%s", MuErrorMessage());
  if (w->file.published && w->csv.file && !w->failed)
    (void)finish(w, "failed: the run was given up");
  (void)close_files(w);
  (void)MuError(0, "%s", sentence);
}

PetscErrorCode MuRunWriterDestroy(MuRunWriter *writer) {
  MuRunWriter w = *writer;

  PetscFunctionBegin;
  *writer = NULL;
  if (!w) PetscFunctionReturn(0);
  if (writes(w) && !w->finished) give_up(w);
  PetscCall(PetscFree(w->field));
  PetscCall(PetscFree(w->rows));
  PetscCall(PetscFree(w->times));
  PetscCall(MuGridDestroy(&w->grid));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(0);
}
