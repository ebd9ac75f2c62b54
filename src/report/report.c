/* One self-contained page of the results in some directories: the template page/page.html with the
   data as JSON in it, which the page's script draws. */
#include "report/report.h"
#include "base/files.h"
#include "base/lock.h"
#include "output/terminal.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS    3200000 /* densities and positions of a page: 17 MB as text */
#define ROWS       1500    /* of a ledger, fewer where there are many */
#define ROWS_LEAST 200
#define ROWS_ALL   12000

/* What a directory may hold, in the order of the page. */
static const MuReportPart *const parts[] = {&mu_report_run, &mu_report_particles,
                                            &mu_report_compare, &mu_report_study, &mu_report_rows};
#define PARTS (sizeof parts / sizeof *parts)

/* ------------------------------------------------------------------ directories */

static PetscErrorCode part_path(const char *directory, const MuReportPart *part,
                                char path[PETSC_MAX_PATH_LEN]) {
  PetscFunctionBegin;
  if (strlen(directory) + strlen(part->file) + 2 > PETSC_MAX_PATH_LEN)
    return MuError(MU_ERR_INPUT, "report: the name of the directory %.40s... is too long",
                   directory);
  PetscCall(PetscSNPrintf(path, PETSC_MAX_PATH_LEN, "%s/%s", directory, part->file));
  PetscFunctionReturn(0);
}

/* study.csv only tells what study.h5 does not tell yet. */
static PetscErrorCode has_part(const char *directory, size_t i, PetscBool *has) {
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(part_path(directory, parts[i], path));
  *has = (PetscBool)(access(path, F_OK) == 0);
  if (*has && parts[i] == &mu_report_rows) {
    PetscCall(part_path(directory, &mu_report_study, path));
    *has = (PetscBool)(access(path, F_OK) != 0);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_directory(const char *directory, PetscInt *heavy) {
  struct stat status;
  PetscBool any = PETSC_FALSE, has;

  PetscFunctionBegin;
  if (stat(directory, &status) != 0)
    return MuError(MU_ERR_FILE, "%s: there is no such directory", directory);
  if (!S_ISDIR(status.st_mode))
    return MuError(MU_ERR_INPUT,
                   "%s: is not a directory; give the output directory of a run, a "
                   "study or particles",
                   directory);
  for (size_t i = 0; i < PARTS; ++i) {
    PetscCall(has_part(directory, i, &has));
    if (!has) continue;
    any = PETSC_TRUE;
    if (parts[i]->heavy) ++*heavy;
  }
  if (!any)
    return MuError(MU_ERR_INPUT,
                   "%s: holds nothing that a report shows (run.h5, study.h5, "
                   "study.csv, particles.h5, compare.csv)",
                   directory);
  PetscFunctionReturn(0);
}

static PetscErrorCode write_directory(MuJson *j, const char *directory,
                                      const MuReportShare *share) {
  char path[PETSC_MAX_PATH_LEN];
  PetscBool has;

  PetscFunctionBegin;
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "path", directory);
  for (size_t i = 0; i < PARTS; ++i) {
    PetscCall(has_part(directory, i, &has));
    if (!has) continue;
    PetscCall(part_path(directory, parts[i], path));
    MuJsonBegin(j, parts[i]->name, '{');
    PetscCall(parts[i]->write(j, path, share));
    MuJsonEnd(j, '}');
  }
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the data */

static PetscErrorCode write_formulas(MuJson *j, const MuReportSpec *spec) {
  const char *name, *formula;

  PetscFunctionBegin;
  MuJsonBegin(j, "formulas", '{');
  for (PetscInt k = 0; k < spec->tables; ++k) {
    MuJsonBegin(j, spec->table_names[k], '{');
    for (PetscInt i = 0;; ++i) {
      PetscCall(spec->table_rows[k](i, &name, &formula));
      if (!name) break;
      MuJsonText(j, name, formula);
    }
    MuJsonEnd(j, '}');
  }
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

static PetscErrorCode write_data(MuJson *j, const MuReportSpec *spec, PetscInt heavy) {
  const MuReportShare share = {
      .numbers = NUMBERS / PetscMax(heavy, 1),
      .rows = PetscMax(ROWS_LEAST, PetscMin(ROWS, ROWS_ALL / spec->directories))};
  const time_t now = time(NULL);
  struct tm broken;
  char text[64];

  PetscFunctionBegin;
  gmtime_r(&now, &broken);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "mudot_version", MUDOT_VERSION);
  MuJsonText(j, "created", text);
  PetscCall(write_formulas(j, spec));
  MuJsonBegin(j, "directories", '[');
  for (PetscInt i = 0; i < spec->directories; ++i)
    PetscCall(write_directory(j, spec->directory[i], &share));
  MuJsonEnd(j, ']');
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

static PetscErrorCode write_page(FILE *out, const MuReportSpec *spec, PetscInt heavy) {
  MuJson j = {.out = out};

  PetscFunctionBegin;
  for (const char *const *line = mu_report_page; *line; ++line) {
    if (strcmp(*line, "@DATA@\n") == 0)
      PetscCall(write_data(&j, spec, heavy));
    else
      fputs(*line, out);
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the file */

/* An earlier report may be replaced, nothing else. */
static PetscBool is_report(const char *path) {
  char head[512] = {0};
  FILE *file;
  if (MuFileOpen(NULL, path, &file, NULL)) return PETSC_FALSE;
  size_t length = fread(head, 1, sizeof head - 1, file);
  fclose(file);
  return (PetscBool)(length > 0 &&
                     strstr(head, "<meta name=\"generator\" content=\"mudot report\">"));
}

static PetscErrorCode check_output(const MuReportSpec *spec, const char *path) {
  struct stat status;

  if (stat(path, &status) != 0) return 0;
  if (S_ISDIR(status.st_mode))
    return MuError(MU_ERR_INPUT, "-output: %s is a directory; give the name of a file", path);
  if (!spec->overwrite && !(S_ISREG(status.st_mode) && is_report(path)))
    return MuError(MU_ERR_INPUT,
                   "-output: %s is there and is not a report; give another name or -overwrite",
                   path);
  return 0;
}

/* Under another name first, so that a failure leaves what was there. */
static PetscErrorCode write_file(const MuReportSpec *spec, const char *path, PetscInt heavy) {
  char partial[PETSC_MAX_PATH_LEN + 16];

  snprintf(partial, sizeof partial, "%s.partial", path);
  errno = 0;
  FILE *out = MuFileCreate(partial);
  if (!out) return MuCannotWrite(path);
  const PetscErrorCode code = write_page(out, spec, heavy);
  if (!code) return MuFileFinish(out, partial, path, (PetscBool)(ferror(out) != 0));
  fclose(out);
  unlink(partial);
  return code;
}

static PetscErrorCode write_report(const MuReportSpec *spec, char path[PETSC_MAX_PATH_LEN]) {
  PetscErrorCode code;
  PetscInt heavy = 0;
  PetscBool none;
  MuLock lock;

  PetscFunctionBegin;
  if (spec->directories < 1)
    return MuError(MU_ERR_INPUT, "report: no directory is given; give the output directory of a "
                                 "run, a study or particles");
  for (PetscInt i = 0; i < spec->directories; ++i)
    PetscCall(check_directory(spec->directory[i], &heavy));
  if (spec->output)
    PetscCall(PetscSNPrintf(path, PETSC_MAX_PATH_LEN, "%s", spec->output));
  else if (spec->directories == 1)
    PetscCall(PetscSNPrintf(path, PETSC_MAX_PATH_LEN, "%s/report.html", spec->directory[0]));
  else
    PetscCall(PetscStrncpy(path, "report.html", PETSC_MAX_PATH_LEN));
  PetscCall(MuLockTake(path, path, &lock, &none));
  if (none) PetscCall(MuWarn(PETSC_COMM_SELF, MU_NO_LOCKS, path));
  code = check_output(spec, path);
  if (!code) code = write_file(spec, path, heavy);
  PetscCall(MuLockRelease(&lock));
  PetscFunctionReturn(code);
}

PetscErrorCode MuReportWrite(MPI_Comm comm, const MuReportSpec *spec,
                             char path[PETSC_MAX_PATH_LEN]) {
  PetscErrorCode code = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = write_report(spec, path);
  code = MuErrorAgree(comm, code);
  PetscFunctionReturn(code);
}
