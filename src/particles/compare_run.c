/* Clouds of particles over time against a stored run. */
#include "particles/compare_impl.h"

#include "problem/problem.h"

#include <unistd.h>

#define SAME_TIME 1e-9 /* part of |t| that two times may differ by */
#define BETTER    0.1  /* of what is expected, that the error of a reference may be */
#define LIMITED   5    /* score from which it is not chance */
#define CLOSER    0.5 /* ratio of distances below which a cloud is better than independent samples */

/* ------------------------------------------------------------------ the kernel */

static PetscBool has_block(MuCase c, const char *block) {
  static const char *const keys[] = {"type", "bandwidth"};
  char key[80], nearest[64];
  PetscBool number, given = PETSC_FALSE;
  for (int i = 0; i < 2 && !given; ++i) {
    snprintf(key, sizeof key, "%s_%s", block, keys[i]);
    if (MuCaseHasKey(c, key, &number, &given, nearest)) return PETSC_FALSE;
  }
  return given;
}

/* The block whose kernel the run measured with: that of its diagnostics, or else the energy's, or
   the geometry's. */
static const char *choose_block(MuCase c) {
  if (has_block(c, "diagnostics_kernel")) return "diagnostics_kernel";
  if (has_block(c, "energy_kernel")) return "energy_kernel";
  if (has_block(c, "kernel")) return "kernel";
  return has_block(c, "geometry_kernel") ? "geometry_kernel" : "kernel";
}

/* The case with the kernel keys of the command line in the block that counts. */
static PetscErrorCode override_kernel(MuCompare c, const char *block, MuCase *result) {
  const int count = c->spec.overrides;
  char **arguments, *text;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(2 * count + 1, &arguments, count * 128 + 1, &text));
  for (int i = 0; i < count; ++i) {
    char *name = text + i * 128;
    snprintf(name, 128, "-%s_%.60s", block, c->spec.override[2 * i] + strlen("-kernel_"));
    arguments[2 * i] = name;
    arguments[2 * i + 1] = c->spec.override[2 * i + 1];
  }
  PetscErrorCode code = MuCaseCreateFromText(PETSC_COMM_SELF, "its case", c->info->case_text,
                                             2 * count, arguments, result);
  PetscCall(PetscFree2(arguments, text));
  PetscFunctionReturn(code);
}

/* Where neither run nor command line give a bandwidth: half of the reference's standard deviation
   at the last time, to one digit. */
static PetscErrorCode default_bandwidth(MuCompare c, PetscReal *bandwidth) {
  const MuRunInfo *info = c->info;
  const PetscInt n = info->cells[0] * info->cells[1];
  PetscReal *rho, total = 0, mean[2] = {0}, square = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &rho));
  PetscErrorCode code = MuRunReaderSnapshot(c->reader, info->times - 1, rho);
  for (PetscInt pass = 0; pass < 2 && !code; ++pass)
    for (PetscInt i = 0; i < n; ++i) {
      const PetscInt index[2] = {i % info->cells[0], i / info->cells[0]};
      if (!pass) total += rho[i];
      for (PetscInt a = 0; a < info->dim; ++a) {
        const PetscReal h = (info->upper[a] - info->lower[a]) / info->cells[a];
        const PetscReal x = (index[a] + 0.5) * h;
        if (!pass) mean[a] += rho[i] * x;
        if (pass) square += rho[i] * (PetscSqr(x - mean[a] / total) + h * h / 12) / total;
      }
    }
  PetscCall(PetscFree(rho));
  PetscCall(code);
  const PetscReal h = 0.5 * PetscSqrtReal(square / info->dim);
  const PetscReal unit = PetscPowReal(10, floor(log10(h)));
  *bandwidth = h > 0 && !PetscIsInfOrNanReal(unit) ? PetscMax(rint(h / unit), 1) * unit : 1;
  PetscFunctionReturn(0);
}

static void describe_kernel(MuCompare c, const MuKernelSpec *spec, const char *origin) {
  MuKernelSpecDescribe(spec, sizeof c->kernel, c->kernel);
  const size_t used = strlen(c->kernel);
  snprintf(c->kernel + used, sizeof c->kernel - used, ", %s", origin);
}

static PetscErrorCode find_kernel(MuCompare c, MuKernelSpec *spec) {
  PetscBool given;
  const char *block, *origin;
  MuCase own;

  PetscFunctionBegin;
  PetscCall(MuCaseCreateFromText(PETSC_COMM_SELF, "its case", c->info->case_text, 0, NULL, &own));
  block = choose_block(own);
  origin = has_block(own, block) ? "as in the run" : "chosen from the reference";
  PetscCall(MuCaseDestroy(&own));
  if (c->spec.overrides) origin = "as given";
  PetscCall(override_kernel(c, block, &own));
  PetscErrorCode code = MuCaseGetKernelSpec(own, block, spec, &given);
  PetscCall(MuCaseDestroy(&own));
  PetscCall(code);
  if (spec->bandwidth == 0) PetscCall(default_bandwidth(c, &spec->bandwidth));
  describe_kernel(c, spec, origin);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one time */

static PetscErrorCode add_row(MuCompare c, const MuCompareRow *row, const MuKeptCloud *cloud,
                              const MuOwnError *own) {
  PetscFunctionBegin;
  if (c->rows == c->room) {
    c->room = 2 * c->room + 16;
    PetscCall(PetscRealloc(sizeof *c->row * (size_t)c->room, &c->row));
    PetscCall(PetscRealloc(sizeof *c->cloud * (size_t)c->room, &c->cloud));
    PetscCall(PetscRealloc(sizeof *c->own * (size_t)c->room, &c->own));
  }
  PetscInt i = c->rows++;
  for (; i > 0 && c->row[i - 1].time > row->time; --i) {
    c->row[i] = c->row[i - 1];
    c->cloud[i] = c->cloud[i - 1];
    c->own[i] = c->own[i - 1];
  }
  c->row[i] = *row;
  c->cloud[i] = *cloud;
  c->own[i] = *own;
  PetscFunctionReturn(0);
}

PetscReal MuCompareRatio(MuCompare c, const MuCompareRow *row, PetscInt m) {
  const PetscReal ratio = row->value[m] / row->expected[m];
  return c->squared[m] ? PetscSqrtReal(ratio) : ratio;
}

static void find_scores(MuCompare c, MuCompareRow *row) {
  for (PetscInt m = 0; m < c->metrics; ++m) {
    const PetscReal root = PetscSqrtReal(row->expected[m]);
    const PetscReal away = c->squared[m] ? 2 * root * (PetscSqrtReal(row->value[m]) - root)
                                         : row->value[m] - row->expected[m];
    row->score[m] = away / row->deviation[m];
  }
}

static PetscErrorCode check_outside(MuCompare c, const char *file, const MuCompareRow *row) {
  if (!row->outside || c->spec.allow_outside) return 0;
  return MuError(MU_ERR_INPUT,
                 "%s: at t = %g %d of %d particles, mass %.3g, are outside the domain of %s; give "
                 "-allow_outside to compare all the same",
                 file, row->time, (int)row->outside, (int)row->n, row->outside_mass, c->spec.run);
}

/* What the error that the reference states may be in the metrics; its density is normalised. */
static PetscErrorCode find_own_error(MuCompare c, PetscReal time, const PetscReal *density,
                                     MuOwnError *own) {
  PetscReal l1, w1, mass = 0;

  PetscFunctionBegin;
  PetscCall(MuRunReaderError(c->reader, "l1", time, &l1));
  PetscCall(MuRunReaderError(c->reader, "w1", time, &w1));
  if (!isnan(l1)) c->stated = PETSC_TRUE;
  for (PetscInt i = 0; i < c->info->cells[0] * c->info->cells[1]; ++i)
    mass += density[i] * c->info->volume;
  PetscCall(MuComparisonBound(c->comparison, 2 * l1 / mass, w1, own->bound));
  PetscFunctionReturn(0);
}

static PetscErrorCode compare_time(MuCompare c, const char *file, MuCloudReader cloud,
                                   PetscInt index, PetscReal time, PetscReal *density) {
  const PetscReal *x, *w;
  MuCompareRow row = {.time = time};
  MuKeptCloud kept;
  MuOwnError own;
  PetscReal squares = 0;

  PetscFunctionBegin;
  PetscCall(MuCloudReaderGet(cloud, index, &row.n, &x, &w, &row.mass));
  for (PetscInt i = 0; i < row.n; ++i) squares += w[i] * w[i];
  row.effective = 1 / squares;
  PetscCall(MuComparisonCountOutside(c->comparison, row.n, x, w, &row.outside, &row.outside_mass));
  PetscCall(check_outside(c, file, &row));
  PetscCall(MuErrorAgree(c->comm, MuRunReaderAt(c->reader, time, density)));
  PetscCall(MuErrorAgree(c->comm, find_own_error(c, time, density, &own)));
  PetscCall(MuComparisonSetReference(c->comparison, density));
  PetscCall(MuComparisonEvaluate(c->comparison, row.n, x, w, row.value));
  PetscCall(MuComparisonExpect(c->comparison, row.n, row.expected, row.deviation));
  find_scores(c, &row);
  PetscCall(MuKeptCloudCreate(c->info->dim, row.n, x, w, &kept));
  PetscCall(add_row(c, &row, &kept, &own));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the times of a cloud */

static PetscBool same_time(PetscReal a, PetscReal b) {
  return (PetscBool)(fabs(a - b) <= SAME_TIME * fmax(fabs(a), fabs(b)));
}

static PetscBool is_chosen(const MuCompare c, PetscReal time) {
  for (PetscInt i = 0; i < c->spec.times; ++i)
    if (same_time(time, c->spec.time[i])) return PETSC_TRUE;
  return (PetscBool)(c->spec.times == 0);
}

static PetscErrorCode check_covered(const MuCompare c, const char *file, PetscReal time) {
  const PetscReal first = c->info->time[0], last = c->info->time[c->info->times - 1];
  if ((time >= first && time <= last) || same_time(time, first) || same_time(time, last)) return 0;
  return MuError(MU_ERR_INPUT,
                 "%s: time %g is not covered by %s, whose snapshots go from %g to %g; choose times "
                 "with -time",
                 file, time, c->spec.run, first, last);
}

/* Every time that was asked for must be there, and in the run. */
static PetscErrorCode check_times(const MuCompare c, const char *file, MuCloudReader cloud) {
  const PetscReal *time;
  PetscInt times, k;
  PetscBool timed;

  PetscFunctionBegin;
  PetscCall(MuCloudReaderGetTimes(cloud, &times, &time, &timed));
  for (PetscInt i = 0; timed && i < c->spec.times; ++i) {
    for (k = 0; k < times && !same_time(time[k], c->spec.time[i]);) ++k;
    if (k == times)
      return MuError(MU_ERR_INPUT, "time: %g is not a time of %s, which go from %g to %g",
                     c->spec.time[i], file, time[0], time[times - 1]);
  }
  for (k = 0; k < times; ++k)
    if (!timed || is_chosen(c, time[k])) PetscCall(check_covered(c, file, time[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode compare_cloud(MuCompare c, const char *file, MuCloudReader cloud,
                                    PetscReal *density) {
  const PetscReal *time;
  PetscInt times;
  PetscBool timed;

  PetscFunctionBegin;
  PetscCall(check_times(c, file, cloud));
  PetscCall(MuCloudReaderGetTimes(cloud, &times, &time, &timed));
  for (PetscInt k = 0; k < times; ++k)
    if (!timed || is_chosen(c, time[k]))
      PetscCall(compare_time(c, file, cloud, k, time[k], density));
  PetscFunctionReturn(0);
}

/* Several files without times of their own need one each. */
static PetscErrorCode compare_file(MuCompare c, PetscInt i, PetscReal *density) {
  const PetscReal *time;
  const char *file = c->spec.file[i];
  PetscReal at = c->info->time[c->info->times - 1];
  PetscInt times;
  PetscBool timed;
  MuCloudReader cloud;

  PetscFunctionBegin;
  if (i < c->spec.times) at = c->spec.time[i];
  PetscCall(MuCloudReaderCreate(c->comm, file, c->info->dim, at, &cloud));
  PetscErrorCode code = MuCloudReaderGetTimes(cloud, &times, &time, &timed);
  if (!code && !timed && c->spec.times != c->spec.files && (c->spec.times || c->spec.files > 1))
    code = MuError(MU_ERR_INPUT,
                   "time: %d times are given for %d files; %s has none of its own, so that one per "
                   "file is needed, separated by commas",
                   (int)c->spec.times, (int)c->spec.files, file);
  if (!code) code = compare_cloud(c, file, cloud, density);
  PetscCall(MuCloudReaderDestroy(&cloud));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the sentence */

/* The reference's own error over what is expected of a metric; 0 where it is not known. */
static PetscReal own_part(const MuCompare c, PetscInt row, PetscInt m) {
  const PetscReal expected = c->row[row].expected[m], own = c->own[row].bound[m];
  if (isnan(own)) return 0;
  return own / (c->squared[m] ? PetscSqrtReal(expected) : expected);
}

/* The metric that is farthest off among those where it is not chance, and the reference good
   enough; -1: none. */
static PetscInt find_limit(const MuCompare c, PetscInt i) {
  const MuCompareRow *row = &c->row[i];
  PetscInt worst = -1;
  for (PetscInt m = 0; m < c->metrics; ++m)
    if (row->score[m] > LIMITED && own_part(c, i, m) <= BETTER &&
        (worst < 0 || MuCompareRatio(c, row, m) > MuCompareRatio(c, row, worst)))
      worst = m;
  return worst;
}

/* The metric in which the reference is best beside what is expected. */
static PetscInt find_best(const MuCompare c, PetscInt row) {
  PetscInt best = 0;
  for (PetscInt m = 1; m < c->metrics; ++m)
    if (own_part(c, row, m) < own_part(c, row, best)) best = m;
  return best;
}

/* The reference is not good enough in any metric at this time. */
static void refuse_verdict(MuCompare c, PetscInt row) {
  const PetscInt m = find_best(c, row);
  c->limit = "undecided";
  snprintf(c->sentence, sizeof c->sentence,
           "no verdict: at t = %g the reference's own error may be %.2g times what %d i.i.d. "
           "samples give (%s, the best of the distances); a tenth is needed, a smaller -accuracy "
           "of mudot reference or fewer particles",
           c->row[row].time, own_part(c, row, m), (int)c->row[row].n, c->names[m]);
}

static PetscBool is_closer(const MuCompare c, const MuCompareRow *row) {
  for (PetscInt m = 0; m < c->metrics; ++m)
    if (!(MuCompareRatio(c, row, m) < CLOSER)) return PETSC_FALSE;
  return PETSC_TRUE;
}

static void conclude(MuCompare c) {
  PetscInt limited = 0, closer = 0, metric = -1, poor = -1;
  const MuCompareRow *worst = NULL;
  for (PetscInt i = 0; i < c->rows; ++i) {
    const PetscInt m = find_limit(c, i);
    if (own_part(c, i, find_best(c, i)) > BETTER) poor = i;
    if (is_closer(c, &c->row[i])) ++closer;
    if (m < 0) continue;
    ++limited;
    if (worst && MuCompareRatio(c, &c->row[i], m) <= MuCompareRatio(c, worst, metric)) continue;
    worst = &c->row[i];
    metric = m;
  }
  c->limit = worst ? "method" : "sampling";
  if (!worst && poor >= 0)
    refuse_verdict(c, poor);
  else if (!worst)
    snprintf(c->sentence, sizeof c->sentence, "the particles are %s N i.i.d. samples%s",
             closer == c->rows ? "closer to the reference than" : "at the level of",
             c->rows > 1 ? " at every time" : "");
  else
    snprintf(c->sentence, sizeof c->sentence,
             "the method limits%s, not the number of particles: at t = %g %s is %.3g times what %d "
             "i.i.d. samples would give",
             limited == c->rows ? (c->rows > 1 ? " at every time" : "") : " at some times",
             worst->time, c->names[metric], worst->value[metric] / worst->expected[metric],
             (int)worst->n);
}

/* ------------------------------------------------------------------ the object */

PetscErrorCode MuCompareRefuse(const MuCompare c) {
  static const char *const results[] = {"compare.csv", "compare.h5"};
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  for (size_t i = 0; i < 2 && c->spec.directory && !c->spec.overwrite; ++i) {
    PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", c->spec.directory, results[i]));
    if (access(path, F_OK) == 0)
      return MuError(MU_ERR_INPUT,
                     "output_directory: %s holds a comparison (%s); give another directory or "
                     "-overwrite",
                     c->spec.directory, results[i]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode open_run(MuCompare c) {
  PetscFunctionBegin;
  PetscCall(MuErrorAgree(c->comm, MuCompareRefuse(c)));
  PetscCall(MuErrorAgree(c->comm, MuRunReaderCreate(c->spec.run, &c->reader)));
  PetscCall(MuRunReaderGetInfo(c->reader, &c->info));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_comparison(MuCompare c) {
  const MuRunInfo *info = c->info;
  MuComparisonSpec spec = {.dim = info->dim,
                           .mask = info->mask,
                           .directions = c->spec.directions,
                           .replicates = c->spec.replicates,
                           .seed = c->spec.seed};

  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) {
    spec.cells[a] = info->cells[a];
    spec.lower[a] = info->lower[a];
    spec.upper[a] = info->upper[a];
    spec.periodic[a] = info->periodic[a];
  }
  PetscCall(MuErrorAgree(c->comm, find_kernel(c, &spec.kernel)));
  PetscCall(MuComparisonCreate(c->comm, &spec, &c->comparison));
  PetscCall(MuComparisonGetMetrics(c->comparison, &c->metrics, &c->names, &c->squared));
  PetscFunctionReturn(0);
}

static PetscErrorCode compare_all(MuCompare c) {
  PetscErrorCode code = 0;
  PetscReal *density;

  PetscFunctionBegin;
  PetscCall(open_run(c));
  PetscCall(create_comparison(c));
  PetscCall(PetscMalloc1(c->info->cells[0] * c->info->cells[1], &density));
  for (PetscInt i = 0; i < c->spec.files && !code; ++i) code = compare_file(c, i, density);
  PetscCall(PetscFree(density));
  if (!code) conclude(c);
  PetscFunctionReturn(code);
}

PetscErrorCode MuCompareCreate(MPI_Comm comm, const MuCompareSpec *spec, MuCompare *compare) {
  PetscErrorCode code;
  MuCompare c;

  PetscFunctionBegin;
  *compare = NULL;
  PetscCall(PetscNew(&c));
  c->comm = comm;
  c->spec = *spec;
  code = compare_all(c);
  if (code)
    PetscCall(MuCompareDestroy(&c));
  else
    *compare = c;
  PetscFunctionReturn(code);
}

PetscErrorCode MuCompareDestroy(MuCompare *compare) {
  MuCompare c = *compare;

  PetscFunctionBegin;
  *compare = NULL;
  if (!c) PetscFunctionReturn(0);
  PetscCall(MuComparisonDestroy(&c->comparison));
  PetscCall(MuRunReaderDestroy(&c->reader));
  for (PetscInt i = 0; i < c->rows; ++i) PetscCall(MuKeptCloudDestroy(&c->cloud[i]));
  PetscCall(PetscFree(c->cloud));
  PetscCall(PetscFree(c->own));
  PetscCall(PetscFree(c->row));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}
