/* What a comparison looks like: the table on standard output, compare.csv and compare.h5. */
#include "particles/compare_impl.h"

#include "base/files.h"
#include "base/hdf5.h"
#include "base/lock.h"
#include "base/netcdf.h"

#include "output/terminal.h"

#include <errno.h>

/* ------------------------------------------------------------------ the table */

static void print_head(const MuCompare c, FILE *out) {
  const MuRunInfo *info = c->info;
  fprintf(out, "reference   %s: %d-D, %d", c->spec.run, (int)info->dim, (int)info->cells[0]);
  if (info->dim == 2) fprintf(out, " x %d", (int)info->cells[1]);
  fprintf(out, " cells, t = %g to %g", info->time[0], info->time[info->times - 1]);
  if (info->periodic[0] || info->periodic[1]) fprintf(out, ", periodic axes cut at the walls");
  if (c->stated)
    fprintf(out, "\nits error   below what own error says, of the root for squares");
  else
    fprintf(out, "\nits error   not known; that of mudot reference is");
  fprintf(out, "\nparticles   %s", c->spec.file[0]);
  if (c->spec.files > 1) fprintf(out, " and %d more files", (int)c->spec.files - 1);
  fprintf(out, "\nkernel      %s, on R^%d\n", c->kernel, (int)info->dim);
  fprintf(out,
          "expected    of N independent samples of the reference at the same time; %d "
          "replicates, seed %d\n",
          (int)c->spec.replicates, (int)c->spec.seed);
}

static void print_ratio(FILE *out, int width, PetscReal value, PetscReal expected) {
  if (expected > 0)
    fprintf(out, " %*.3g", width, value / expected);
  else
    fprintf(out, " %*s", width, "-");
}

static int width_of(const MuCompare c, PetscInt m) {
  return (int)PetscMax(strlen(c->names[m]), 8);
}

static void print_ratios(const MuCompare c, FILE *out) {
  fprintf(out, "\nvalue / expected\n%12s %9s", "t", "N");
  for (PetscInt m = 0; m < c->metrics; ++m) fprintf(out, " %*s", width_of(c, m), c->names[m]);
  fprintf(out, "\n");
  for (PetscInt i = 0; i < c->rows; ++i) {
    const MuCompareRow *row = &c->row[i];
    fprintf(out, "%12.6g %9d", row->time, (int)row->n);
    for (PetscInt m = 0; m < c->metrics; ++m)
      print_ratio(out, width_of(c, m), row->value[m], row->expected[m]);
    fprintf(out, "\n");
  }
}

static void print_row(const MuCompare c, const MuCompareRow *row, FILE *out) {
  fprintf(out, "\nt = %g, N = %d", row->time, (int)row->n);
  if (row->effective < 0.999 * row->n) fprintf(out, " (effective %.4g)", row->effective);
  if (row->outside)
    fprintf(out, ", %d outside the domain (mass %.3g)", (int)row->outside, row->outside_mass);
  fprintf(out, "\n%-18s %12s %12s %10s %9s %8s%s\n", "metric", "value", "expected", "sd", "ratio",
          "score", c->stated ? "  own error" : "");
  for (PetscInt m = 0; m < c->metrics; ++m) {
    fprintf(out, "%-18s %12.5g %12.5g %10.2g", c->names[m], row->value[m], row->expected[m],
            row->deviation[m]);
    print_ratio(out, 9, row->value[m], row->expected[m]);
    fprintf(out, " %8.2f", row->score[m]);
    if (c->stated) fprintf(out, " %10.2g", c->own[row - c->row].bound[m]);
    fprintf(out, "\n");
  }
}

PetscErrorCode MuComparePrint(MuCompare c, FILE *out) {
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(c->comm, &rank));
  if (rank) PetscFunctionReturn(0);
  print_head(c, out);
  if (c->rows > 1) print_ratios(c, out);
  print_row(c, &c->row[c->rows - 1], out);
  fprintf(out, "\n%s\n", c->sentence);
  if (c->spec.directory) fprintf(out, "results     %s/compare.csv\n", c->spec.directory);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ files */

static int print_csv(const MuCompare c, FILE *out) {
  fprintf(out, "t,particles,effective,mass,outside,outside_mass");
  for (PetscInt m = 0; m < c->metrics; ++m)
    fprintf(out, ",%s,%s_expected,%s_sd", c->names[m], c->names[m], c->names[m]);
  for (PetscInt m = 0; m < c->metrics && c->stated; ++m) fprintf(out, ",%s_own", c->names[m]);
  fprintf(out, "\n");
  for (PetscInt i = 0; i < c->rows; ++i) {
    const MuCompareRow *row = &c->row[i];
    fprintf(out, "%.17g,%d,%.17g,%.17g,%d,%.17g", row->time, (int)row->n, row->effective, row->mass,
            (int)row->outside, row->outside_mass);
    for (PetscInt m = 0; m < c->metrics; ++m)
      fprintf(out, ",%.17g,%.17g,%.17g", row->value[m], row->expected[m], row->deviation[m]);
    for (PetscInt m = 0; m < c->metrics && c->stated; ++m)
      fprintf(out, ",%.17g", c->own[i].bound[m]);
    fprintf(out, "\n");
  }
  return ferror(out);
}

static int write_csv(const MuCompare c, const char *path) {
  FILE *out = MuFileCreate(path);
  if (!out) return 1;
  int wrong = print_csv(c, out);
  return fclose(out) != 0 || wrong;
}

static int name_dimension(hid_t at, const char *name, const char *doc) {
  static const char *const dimension[] = {"/time", NULL};
  return MuNetcdfVariable(at, name, dimension, doc);
}

/* A number of every row, `offset` bytes into it. */
static int put_column(const MuCompare c, hid_t at, const char *name, size_t offset,
                      double *column) {
  const hsize_t rows = (hsize_t)c->rows;
  for (PetscInt i = 0; i < c->rows; ++i)
    column[i] = *(const PetscReal *)((const char *)&c->row[i] + offset);
  return MuHdf5PutArray(at, name, 1, &rows, column);
}

/* What the reference's own error may be in a metric. */
static int put_own(const MuCompare c, hid_t at, PetscInt m, double *column) {
  const hsize_t rows = (hsize_t)c->rows;
  if (!c->stated) return 0;
  for (PetscInt i = 0; i < c->rows; ++i) column[i] = c->own[i].bound[m];
  return MuHdf5PutArray(at, "own", 1, &rows, column) |
         name_dimension(at, "own", "bound of the reference's own error, of the root of a square");
}

static int put_metric(const MuCompare c, hid_t file, PetscInt m, double *column) {
  const size_t shift = sizeof(PetscReal) * (size_t)m;
  hid_t at = H5Gcreate2(file, c->names[m], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  int wrong = at < 0;
  if (wrong) return wrong;
  wrong |= put_column(c, at, "value", offsetof(MuCompareRow, value) + shift, column);
  wrong |= put_column(c, at, "expected", offsetof(MuCompareRow, expected) + shift, column);
  wrong |= put_column(c, at, "sd", offsetof(MuCompareRow, deviation) + shift, column);
  wrong |= put_column(c, at, "score", offsetof(MuCompareRow, score) + shift, column);
  wrong |= name_dimension(at, "value", c->names[m]);
  wrong |= name_dimension(at, "expected", "mean over as many independent samples");
  wrong |= name_dimension(at, "sd", "its standard deviation");
  wrong |= name_dimension(at, "score", "(value - expected)/sd");
  wrong |= put_own(c, at, m, column);
  wrong |= MuHdf5PutNumber(at, "squared", c->squared[m]);
  return H5Gclose(at) < 0 || wrong;
}

static int put_numbers(const MuCompare c, hid_t file, double *column) {
  const hsize_t rows = (hsize_t)c->rows;
  int wrong = put_column(c, file, "time", offsetof(MuCompareRow, time), column);
  wrong |= put_column(c, file, "effective", offsetof(MuCompareRow, effective), column);
  wrong |= put_column(c, file, "mass", offsetof(MuCompareRow, mass), column);
  wrong |= put_column(c, file, "outside_mass", offsetof(MuCompareRow, outside_mass), column);
  for (PetscInt i = 0; i < c->rows; ++i) column[i] = c->row[i].n;
  wrong |= MuHdf5PutArray(file, "particles", 1, &rows, column);
  wrong |= MuNetcdfMark(file) | MuNetcdfCoordinate(file, "time", "time");
  wrong |= name_dimension(file, "effective", "effective sample size");
  wrong |= name_dimension(file, "mass", "mass of the particles");
  wrong |= name_dimension(file, "outside_mass", "mass outside the domain");
  wrong |= name_dimension(file, "particles", "number of particles");
  for (PetscInt m = 0; m < c->metrics; ++m) wrong |= put_metric(c, file, m, column);
  return wrong;
}

static int write_hdf5(const MuCompare c, const char *path) {
  double *column;
  if (PetscMalloc1(c->rows, &column)) return 1;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = MuHdf5Create();
  int wrong = file < 0;
  if (!wrong) {
    wrong |= MuHdf5PutText(file, "mudot_version", MUDOT_VERSION);
    wrong |= MuHdf5PutText(file, "command_line", c->spec.command_line ? c->spec.command_line : "");
    wrong |= MuHdf5PutText(file, "run", c->spec.run);
    wrong |= MuHdf5PutText(file, "kernel", c->kernel);
    wrong |= MuHdf5PutText(file, "sentence", c->sentence);
    wrong |= MuHdf5PutText(file, "limit", c->limit);
    wrong |= put_numbers(c, file, column);
    wrong |= MuKeptCloudWrite(c, file);
  }
  wrong = MuHdf5Finish(file, path, wrong);
  return PetscFree(column) || wrong;
}

/* Under another name first, so that a file is whole or as before. */
static PetscErrorCode write_file(const MuCompare c, const char *name,
                                 int (*write)(const MuCompare, const char *)) {
  char path[PETSC_MAX_PATH_LEN], partial[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", c->spec.directory, name));
  PetscCall(PetscSNPrintf(partial, sizeof partial, "%s/.%s.new", c->spec.directory, name));
  errno = 0;
  if (write(c, partial) || rename(partial, path)) {
    PetscErrorCode code = MuCannotWrite(path);
    remove(partial);
    return code;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_locked(const MuCompare c) {
  PetscErrorCode code;

  PetscFunctionBegin;
  code = MuCompareRefuse(c);
  if (!code) code = write_file(c, "compare.csv", write_csv);
  if (!code) code = write_file(c, "compare.h5", write_hdf5);
  PetscFunctionReturn(code);
}

static PetscErrorCode write_directory(const MuCompare c) {
  char path[PETSC_MAX_PATH_LEN], what[PETSC_MAX_PATH_LEN];
  PetscErrorCode code;
  PetscBool none;
  MuLock lock;

  PetscFunctionBegin;
  PetscCall(MuMakeDirectory(c->spec.directory));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/compare", c->spec.directory));
  PetscCall(PetscSNPrintf(what, sizeof what, "output_directory: %s", c->spec.directory));
  PetscCall(MuLockTake(path, what, &lock, &none));
  if (none) PetscCall(MuWarn(c->comm, MU_NO_LOCKS, what));
  code = write_locked(c);
  PetscCall(MuLockRelease(&lock));
  PetscFunctionReturn(code);
}

PetscErrorCode MuCompareWrite(MuCompare c) {
  PetscErrorCode code = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(c->comm, &rank));
  if (rank == 0 && c->spec.directory) code = write_directory(c);
  PetscCall(MuErrorAgree(c->comm, code));
  PetscFunctionReturn(0);
}
