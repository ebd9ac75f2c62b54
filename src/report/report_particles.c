/* Particles: positions and weights over time, thinned to what a page can hold. */
#include "report/report.h"

#define SHOWN 2000 /* particles */
#define BINS  60   /* of the histogram in 1-D */

typedef struct {
  const MuStored *s;
  const char *position_path, *weight_path;
  PetscInt times, particles, dimension;
  PetscBool weighted;
  PetscInt axes; /* shown: 1 or 2 */
  PetscInt every_time, every_particle;
  double *position, *weight; /* of one time: [particles][dimension], [particles] */
} Cloud;

/* ------------------------------------------------------------------ reading */

/* /time [ns], /position [ns, n, d], /weight [ns, n]; the times that all have. */
static PetscErrorCode find(Cloud *c) {
  PetscInt time[3], position[3], weight[3], time_dims, dims, weight_dims;

  PetscFunctionBegin;
  PetscCall(MuStoredShape(c->s, "time", &time_dims, time));
  PetscCall(MuStoredShape(c->s, c->position_path, &dims, position));
  PetscCall(MuStoredShape(c->s, c->weight_path, &weight_dims, weight));
  if (time_dims != 1 || dims != 3 || position[1] < 1 || position[2] < 1)
    return MuError(MU_ERR_FILE, "%s: has no /time [ns] and /position [ns, n, d]", c->s->path);
  c->particles = position[1];
  c->dimension = position[2];
  c->axes = position[2] > 1 ? 2 : 1;
  c->times = PetscMin(time[0], position[0]);
  c->weighted = (PetscBool)(weight_dims == 2 && weight[1] == position[1]);
  if (c->weighted) c->times = PetscMin(c->times, weight[0]);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_time(Cloud *c, PetscInt k) {
  PetscFunctionBegin;
  PetscCall(MuHdf5Read(c->s->file, c->s->path, c->position_path, k, c->particles * c->dimension,
                       c->position));
  if (c->weighted) {
    PetscCall(MuHdf5Read(c->s->file, c->s->path, c->weight_path, k, c->particles, c->weight));
  } else {
    for (PetscInt i = 0; i < c->particles; ++i) c->weight[i] = 1.0 / (double)c->particles;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ writing */

/* All particles go into the extent, those not shown as well. */
static void widen(const Cloud *c, double extent[2][2]) {
  for (PetscInt i = 0; i < c->particles; ++i)
    for (PetscInt a = 0; a < c->axes; ++a) {
      const double x = c->position[i * c->dimension + a];
      if (!isfinite(x)) continue;
      if (!(extent[a][0] <= x)) extent[a][0] = x;
      if (!(extent[a][1] >= x)) extent[a][1] = x;
    }
}

/* Of every shown particle its first coordinates and its weight times the number of particles. */
static void write_particles(MuJson *j, MuBase64 *code, const Cloud *c) {
  const PetscInt n = c->particles, count = MuReportCount(n, c->every_particle);
  for (PetscInt k = 0; k < count; ++k) {
    const PetscInt i = MuReportIndex(k, n, c->every_particle);
    const double weight = c->weight[i] * (double)c->particles;
    MuJsonFloatsPart(j, code, (size_t)c->axes, c->position + i * c->dimension);
    MuJsonFloatsPart(j, code, 1, &weight);
  }
}

static PetscErrorCode write_cloud(MuJson *j, Cloud *c, double extent[2][2]) {
  const PetscInt times = c->times, count = MuReportCount(times, c->every_time);
  PetscErrorCode error = 0;
  MuBase64 code;

  MuJsonFloatsBegin(j, "cloud", &code);
  for (PetscInt k = 0; k < count && !error; ++k) {
    error = read_time(c, MuReportIndex(k, times, c->every_time));
    if (error) break;
    widen(c, extent);
    write_particles(j, &code, c);
  }
  MuJsonFloatsEnd(j, &code);
  return error;
}

/* Mass per bin of the first coordinate at every shown time: all particles, also those not shown. */
static PetscErrorCode write_histograms(MuJson *j, Cloud *c, const double extent[2]) {
  const PetscInt times = c->times, count = MuReportCount(times, c->every_time);
  const double width = (extent[1] - extent[0]) / BINS;
  PetscErrorCode error = 0;
  double mass[BINS];
  MuBase64 code;

  MuJsonInteger(j, "bins", BINS);
  MuJsonFloatsBegin(j, "histogram", &code);
  for (PetscInt k = 0; k < count && !error; ++k) {
    for (int b = 0; b < BINS; ++b) mass[b] = 0;
    error = read_time(c, MuReportIndex(k, times, c->every_time));
    for (PetscInt i = 0; i < c->particles && !error; ++i) {
      const double bin = (c->position[i * c->dimension] - extent[0]) / width;
      if (bin >= 0 && bin <= BINS) mass[PetscMin((int)bin, BINS - 1)] += c->weight[i];
    }
    MuJsonFloatsPart(j, &code, BINS, mass);
  }
  MuJsonFloatsEnd(j, &code);
  return error;
}

static PetscErrorCode write_positions(MuJson *j, Cloud *c) {
  double extent[2][2] = {{NAN, NAN}, {NAN, NAN}};

  PetscFunctionBegin;
  PetscCall(write_cloud(j, c, extent));
  MuJsonBegin(j, "extent", '[');
  for (PetscInt a = 0; a < c->axes; ++a) MuJsonNumbers(j, NULL, 2, extent[a]);
  MuJsonEnd(j, ']');
  if (c->axes == 1 && extent[0][1] > extent[0][0]) PetscCall(write_histograms(j, c, extent[0]));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_times(MuJson *j, const Cloud *c) {
  double *time;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(MuStoredSeries(c->s, "time", &n, &time));
  MuJsonBegin(j, "time", '[');
  for (PetscInt k = 0; k < MuReportCount(c->times, c->every_time); ++k)
    MuJsonNumber(j, NULL, time[MuReportIndex(k, c->times, c->every_time)]);
  MuJsonEnd(j, ']');
  PetscCall(PetscFree(time));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_all(MuJson *j, Cloud *c, const MuReportShare *share) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(find(c));
  c->every_particle = MuReportEvery(c->particles, SHOWN);
  const PetscInt shown = MuReportCount(c->particles, c->every_particle);
  c->every_time = MuReportEvery(c->times, share->numbers / (shown * (c->axes + 1)));
  MuJsonInteger(j, "dimension", c->dimension);
  MuJsonInteger(j, "axes", c->axes);
  MuJsonInteger(j, "particles", c->particles);
  MuJsonInteger(j, "shown", shown);
  MuJsonInteger(j, "every", c->every_time);
  PetscCall(write_times(j, c));
  PetscCall(PetscMalloc2((size_t)c->particles * (size_t)c->dimension, &c->position,
                         (size_t)c->particles, &c->weight));
  code = write_positions(j, c);
  PetscCall(PetscFree2(c->position, c->weight));
  PetscFunctionReturn(code);
}

PetscErrorCode MuReportCloud(MuJson *j, const MuStored *s, const MuReportShare *share) {
  Cloud c = {.s = s, .position_path = "cloud/position", .weight_path = "cloud/weight"};
  PetscInt dims, extent[3];

  PetscFunctionBegin;
  PetscCall(MuStoredShape(s, c.position_path, &dims, extent));
  if (dims != 3) PetscFunctionReturn(0);
  MuJsonBegin(j, "cloud", '{');
  PetscCall(write_all(j, &c, share));
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

static PetscErrorCode write_particles_file(MuJson *j, const char *path,
                                           const MuReportShare *share) {
  PetscErrorCode code;
  MuStored s = {.path = path};
  Cloud c = {.s = &s, .position_path = "position", .weight_path = "weight"};

  PetscFunctionBegin;
  PetscCall(MuReportAge(j, path));
  PetscCall(MuHdf5Open(path, &s.file));
  code = MuReportAttributes(j, &s, "/");
  if (!code) code = write_all(j, &c, share);
  if (!code) code = MuReportLedger(j, &s, share->rows);
  H5Fclose(s.file);
  PetscFunctionReturn(code);
}

const MuReportPart mu_report_particles = {.name = "particles",
                                          .file = "particles.h5",
                                          .heavy = PETSC_TRUE,
                                          .write = write_particles_file};
