/* A run: its grid, target and snapshots, thinned to what a page can hold, and its ledger. */
#include "report/report.h"

#define CELLS_LINE   2048    /* shown along x in 1-D */
#define CELLS_PLANE  256     /* along the longer axis in 2-D, */
#define CELLS_COARSE 128     /* down to so many if that shows */
#define TIMES_PLANE  40      /* so many snapshots */
#define CODES        1100000 /* of all of them: with the rest of a page below 4 MB */
#define DECADES      12      /* below the largest value of a snapshot, with codes */
#define CODE_MOST    65534
#define CODE_NAN     65535

typedef struct {
  MuRunReader reader;
  const MuRunInfo *info;
  PetscInt block;        /* cells per axis that are averaged */
  PetscInt shown[2];     /* blocks per axis */
  PetscInt numbers;      /* of all snapshots */
  PetscReal *fine;       /* [ny][nx] */
  PetscReal *coarse;     /* [shown[1]][shown[0]] */
  unsigned char *inside; /* the same */
} Picture;

/* ------------------------------------------------------------------ block means */

static void set_block(Picture *p, PetscInt block) {
  p->block = block;
  for (int a = 0; a < 2; ++a) p->shown[a] = (p->info->cells[a] + block - 1) / block;
}

static PetscInt most_times(const Picture *p) {
  return p->numbers / (p->shown[0] * p->shown[1]);
}

static PetscErrorCode picture_create(MuRunReader reader, const MuReportShare *share, Picture *p) {
  PetscFunctionBegin;
  p->reader = reader;
  PetscCall(MuRunReaderGetInfo(reader, &p->info));
  const PetscInt *cells = p->info->cells, most = p->info->dim == 1 ? CELLS_LINE : CELLS_PLANE;
  set_block(p, (PetscMax(cells[0], cells[1]) + most - 1) / most);
  p->numbers = p->info->dim == 1 ? share->numbers : PetscMin(share->numbers, CODES);
  while (p->info->dim == 2 && most_times(p) < PetscMin(p->info->times, TIMES_PLANE) &&
         PetscMax(cells[0], cells[1]) >= CELLS_COARSE * (p->block + 1))
    set_block(p, p->block + 1);
  PetscCall(PetscMalloc1((size_t)cells[0] * (size_t)cells[1], &p->fine));
  PetscCall(PetscCalloc2((size_t)p->shown[0] * (size_t)p->shown[1], &p->coarse,
                         (size_t)p->shown[0] * (size_t)p->shown[1], &p->inside));
  PetscFunctionReturn(0);
}

static PetscErrorCode picture_destroy(Picture *p) {
  PetscFunctionBegin;
  PetscCall(PetscFree(p->fine));
  PetscCall(PetscFree2(p->coarse, p->inside));
  PetscFunctionReturn(0);
}

/* The mean over the inside cells of a block, NaN if it has none. */
static PetscReal block_mean(const Picture *p, PetscInt bx, PetscInt by) {
  const PetscInt nx = p->info->cells[0], ny = p->info->cells[1];
  const PetscInt right = PetscMin((bx + 1) * p->block, nx), top = PetscMin((by + 1) * p->block, ny);
  PetscInt count = 0;
  PetscReal sum = 0;
  for (PetscInt y = by * p->block; y < top; ++y)
    for (PetscInt x = bx * p->block; x < right; ++x)
      if (p->info->mask[y * nx + x]) {
        sum += p->fine[y * nx + x];
        ++count;
      }
  return count ? sum / count : NAN;
}

static size_t coarsen(Picture *p) {
  const PetscInt nx = p->shown[0], ny = p->shown[1];
  for (PetscInt y = 0; y < ny; ++y)
    for (PetscInt x = 0; x < nx; ++x) p->coarse[y * nx + x] = block_mean(p, x, y);
  return (size_t)nx * (size_t)ny;
}

/* ------------------------------------------------------------------ writing */

static void write_grid(MuJson *j, Picture *p) {
  const MuRunInfo *info = p->info;
  const size_t fine = (size_t)info->cells[0] * (size_t)info->cells[1];
  PetscBool masked = (PetscBool)(memchr(info->mask, 0, fine) != NULL);

  MuJsonInteger(j, "dim", info->dim);
  MuJsonInteger(j, "block", p->block);
  MuJsonBegin(j, "axes", '[');
  for (PetscInt a = 0; a < info->dim; ++a) {
    MuJsonBegin(j, NULL, '{');
    MuJsonNumber(j, "lower", info->lower[a]);
    MuJsonNumber(j, "upper", info->upper[a]);
    MuJsonInteger(j, "cells", info->cells[a]);
    MuJsonInteger(j, "shown", p->shown[a]);
    MuJsonEnd(j, '}');
  }
  MuJsonEnd(j, ']');
  if (!masked) return;
  memset(p->fine, 0, sizeof *p->fine * fine);
  const size_t n = coarsen(p);
  for (size_t i = 0; i < n; ++i) p->inside[i] = (unsigned char)!isnan(p->coarse[i]);
  MuJsonBytes(j, "mask", n, p->inside);
}

static PetscErrorCode write_target(MuJson *j, Picture *p, const MuStored *s) {
  const PetscInt nx = p->info->cells[0], ny = p->info->cells[1];
  PetscInt dims, extent[3];

  PetscFunctionBegin;
  PetscCall(MuStoredShape(s, "target/log_density", &dims, extent));
  if (dims != p->info->dim || extent[dims - 1] != nx || (dims == 2 && extent[0] != ny))
    PetscFunctionReturn(0);
  PetscCall(MuHdf5Read(s->file, s->path, "target/log_density", -1, nx * ny, p->fine));
  for (PetscInt i = 0; i < nx * ny; ++i) p->fine[i] = exp(p->fine[i]);
  const size_t n = coarsen(p);
  MuJsonFloats(j, "target", n, p->coarse);
  PetscFunctionReturn(0);
}

/* Code k of 16 bits, little endian, stands for 10^((k/65534 - 1) 12) of the largest value, within
   0.02 %; 0 for less than that, 65535 for a block outside. */
static void write_codes(MuJson *j, MuBase64 *base64, size_t n, const double *value,
                        double largest) {
  for (size_t i = 0; i < n; ++i) {
    const double part = 1 + log10(value[i] / largest) / DECADES;
    const unsigned k = isnan(value[i]) ? CODE_NAN
                       : !(part > 0)   ? 0
                                       : (unsigned)lround(CODE_MOST * PetscMin(part, 1));
    const unsigned char two[2] = {(unsigned char)(k & 255), (unsigned char)(k >> 8)};
    MuJsonBytesPart(j, base64, 2, two);
  }
}

static double largest_of(size_t n, const double *value) {
  double largest = 0;
  for (size_t i = 0; i < n; ++i)
    if (value[i] > largest) largest = value[i];
  return largest;
}

/* Densities of the shown snapshots; in 2-D as codes, peaks [count] their largest values. */
static PetscErrorCode write_fields(MuJson *j, Picture *p, PetscInt count, PetscInt every,
                                   double *peaks) {
  PetscErrorCode code = 0;
  MuBase64 base64;

  MuJsonFloatsBegin(j, p->info->dim == 1 ? "density" : "codes", &base64);
  for (PetscInt i = 0; i < count && !code; ++i) {
    code = MuRunReaderSnapshot(p->reader, MuReportIndex(i, p->info->times, every), p->fine);
    if (code) break;
    const size_t n = coarsen(p);
    peaks[i] = largest_of(n, p->coarse);
    if (p->info->dim == 1)
      MuJsonFloatsPart(j, &base64, n, p->coarse);
    else
      write_codes(j, &base64, n, p->coarse, peaks[i]);
  }
  MuJsonFloatsEnd(j, &base64);
  return code;
}

static PetscErrorCode write_snapshots(MuJson *j, Picture *p) {
  const PetscInt times = p->info->times;
  const PetscInt every = MuReportEvery(times, most_times(p));
  const PetscInt count = MuReportCount(times, every);
  double *peaks;

  PetscFunctionBegin;
  MuJsonInteger(j, "snapshots", times);
  MuJsonInteger(j, "every", every);
  MuJsonBegin(j, "time", '[');
  for (PetscInt i = 0; i < count; ++i)
    MuJsonNumber(j, NULL, p->info->time[MuReportIndex(i, times, every)]);
  MuJsonEnd(j, ']');
  PetscCall(PetscMalloc1(count, &peaks));
  const PetscErrorCode code = write_fields(j, p, count, every, peaks);
  MuJsonNumbers(j, "peaks", code ? 0 : (size_t)count, peaks);
  PetscCall(PetscFree(peaks));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ references */

typedef struct {
  MuJson *j;
  const MuStored *s;
  const char *group;
  PetscInt times, every;
} Series;

/* A number per snapshot, those that are shown. */
static PetscErrorCode write_number(void *ctx, const char *name) {
  const Series *all = ctx;
  char path[512];
  PetscInt n;
  double *value;

  PetscFunctionBegin;
  snprintf(path, sizeof path, "%s/%s", all->group, name);
  PetscCall(MuStoredSeries(all->s, path, &n, &value));
  const PetscInt count = n == all->times ? MuReportCount(n, all->every) : 0;
  for (PetscInt i = 0; i < count; ++i) value[i] = value[MuReportIndex(i, n, all->every)];
  if (count) MuJsonNumbers(all->j, name, (size_t)count, value);
  PetscCall(PetscFree(value));
  PetscFunctionReturn(0);
}

/* "error" and "moments": what a reference knows of itself. */
static PetscErrorCode write_errors(MuJson *j, const MuStored *s, const Picture *p) {
  static const char *const groups[] = {"error", "moments"};
  Series all = {.j = j,
                .s = s,
                .times = p->info->times,
                .every = MuReportEvery(p->info->times, most_times(p))};

  PetscFunctionBegin;
  for (int k = 0; k < 2; ++k) {
    all.group = groups[k];
    if (H5Lexists(s->file, groups[k], H5P_DEFAULT) <= 0) continue;
    MuJsonBegin(j, groups[k], '{');
    PetscCall(MuReportAttributes(j, s, groups[k]));
    PetscCall(MuStoredEachDataset(s, groups[k], write_number, &all));
    MuJsonEnd(j, '}');
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_densities(MuJson *j, const MuStored *s, const char *path,
                                      const MuReportShare *share) {
  Picture p = {0};
  MuRunReader reader;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuRunReaderCreate(path, &reader));
  PetscCall(picture_create(reader, share, &p));
  write_grid(j, &p);
  code = write_target(j, &p, s);
  if (!code) code = write_snapshots(j, &p);
  if (!code) code = write_errors(j, s, &p);
  PetscCall(picture_destroy(&p));
  PetscCall(MuRunReaderDestroy(&reader));
  PetscFunctionReturn(code);
}

static PetscErrorCode write_run(MuJson *j, const char *path, const MuReportShare *share) {
  PetscErrorCode code;
  MuStored s = {.path = path};

  PetscFunctionBegin;
  PetscCall(MuReportAge(j, path));
  PetscCall(MuHdf5Open(path, &s.file));
  code = MuReportAttributes(j, &s, "/");
  if (!code) code = write_densities(j, &s, path, share);
  if (!code) code = MuReportLedger(j, &s, share->rows);
  H5Fclose(s.file);
  PetscFunctionReturn(code);
}

const MuReportPart mu_report_run = {
    .name = "run", .file = "run.h5", .heavy = PETSC_TRUE, .write = write_run};
