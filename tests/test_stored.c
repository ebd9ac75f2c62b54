/* Stored runs and clouds: files read back, files that hold anything, samples drawn from densities.
 */
#include "measure/mixture.h"
#include "record/run_writer.h"
#include "support.h"

#include <gsl/gsl_rng.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static PetscMPIInt rank;

static void make_folder(void) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  strcpy(folder, "/tmp/mudot-stored-XXXXXX");
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name) {
  static char paths[8][200];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* The call failed with this code and its sentence has these words. */
static void refused(PetscErrorCode got, PetscErrorCode code, const char *words) {
  ck_assert_msg(got == code, "code %d, not %d, for: %s (%s)", (int)got, (int)code, words,
                MuErrorMessage());
  ck_assert_msg(strstr(MuErrorMessage(), words) != NULL, "\"%s\" does not say \"%s\"",
                MuErrorMessage(), words);
}

/* ------------------------------------------------------------------ stored runs */

static const char *const case_text = "grid: {lower: [-1, 0.1], upper: [2, 0.8], cells: [9, 7], "
                                     "boundary: [periodic, no_flux]}\n";

static PetscReal bump(PetscReal x, PetscReal y) {
  return 3 + x + 10 * y;
}

static MuColumns only_time(void) {
  static MuColumns columns;
  if (columns) return columns;
  OK(MuColumnsCreate(NULL, &columns));
  OK(MuColumnsAdd(columns, MU_COLUMN_TIME, NULL, NULL));
  return columns;
}

/* Snapshot k, at t = k^2/2, is (bump, 0 outside) * (k + 1). */
static void write_run(const char *directory, MuGrid grid, const char *text, int snapshots) {
  MuRunWriterSpec spec = {.directory = directory, .case_text = text, .columns = only_time()};
  const PetscReal row[1] = {0};
  MuRunWriter w;
  Vec f = TestField(grid, bump), g;
  OK(VecDuplicate(f, &g));
  OK(MuRunWriterCreate(grid, &spec, &w));
  if (rank == 0) OK(MuRunWriterAddLedgerRow(w, row));
  for (int k = 0; k < snapshots; ++k) {
    OK(VecCopy(f, g));
    OK(VecScale(g, k + 1));
    OK(MuRunWriterAddSnapshot(w, 0.5 * k * k, g));
  }
  OK(MuRunWriterFinish(w, "done"));
  OK(MuRunWriterDestroy(&w));
  OK(VecDestroy(&f));
  OK(VecDestroy(&g));
  MPI_Barrier(MPI_COMM_WORLD);
}

static MuGrid masked_grid(void) {
  static unsigned char mask[63];
  for (int i = 0; i < 63; ++i) mask[i] = i % 5 != 0;
  MuGridSpec spec = {.dim = 2,
                     .lower = {-1, 0.1},
                     .upper = {2, 0.8},
                     .cells = {9, 7},
                     .periodic = {PETSC_TRUE, PETSC_FALSE},
                     .mask = mask};
  MuGrid grid;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  return grid;
}

START_TEST(a_run_is_read_back) {
  MuGrid grid = masked_grid();
  const MuRunInfo *info;
  MuRunReader r;
  PetscReal rho[63], expected;
  int wrong = 0;
  write_run(path_of("plane"), grid, case_text, 3);
  OK(MuRunReaderCreate(path_of("plane"), &r)); /* a directory stands for its run.h5 */
  OK(MuRunReaderDestroy(&r));
  OK(MuRunReaderCreate(path_of("plane/run.h5"), &r));
  OK(MuRunReaderGetInfo(r, &info));
  ck_assert_int_eq(info->dim, 2);
  ck_assert_int_eq(info->cells[0], 9);
  ck_assert_int_eq(info->cells[1], 7);
  ck_assert(info->lower[0] == -1 && info->lower[1] == 0.1);
  ck_assert(info->upper[0] == 2 && info->upper[1] == 0.8);
  ck_assert(info->periodic[0] && !info->periodic[1]);
  ck_assert_double_eq_tol(info->volume, 1.0 / 30, 1e-15);
  ck_assert_int_eq(info->times, 3);
  ck_assert(info->time[0] == 0 && info->time[1] == 0.5 && info->time[2] == 2);
  ck_assert_str_eq(info->case_text, case_text);
  ck_assert_str_eq(info->status, "done");
  OK(MuRunReaderAt(r, 1.25, rho)); /* half way between snapshots 1 and 2 */
  for (int i = 0; i < 63; ++i) {
    const PetscReal x = -1 + (i % 9 + 0.5) / 3, y = 0.1 + (i / 9 + 0.5) / 10;
    expected = i % 5 ? 2.5 * bump(x, y) : 0;
    wrong += info->mask[i] != (i % 5 != 0) || fabs(rho[i] - expected) > 1e-13 * (1 + expected);
  }
  ck_assert_int_eq(wrong, 0);
  PetscReal at[63];
  OK(MuRunReaderSnapshot(r, 1, rho));
  OK(MuRunReaderAt(r, 0.5 + 1e-12, at)); /* the snapshot itself */
  ck_assert(memcmp(rho, at, sizeof rho) == 0);
  refused(MuRunReaderAt(r, 2.1, rho), MU_ERR_INPUT, "time: 2.1 is not covered");
  refused(MuRunReaderAt(r, -0.1, rho), MU_ERR_INPUT, "from 0 to 2");
  refused(MuRunReaderAt(r, NAN, rho), MU_ERR_INPUT, "time");
  refused(MuRunReaderSnapshot(r, 3, rho), MU_ERR_INPUT, "no snapshot 3");
  OK(MuRunReaderDestroy(&r));
  OK(MuRunReaderDestroy(&r));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ files that hold anything */

/* Replaces a dataset by one of the given shape, filled with `value` but `first` at the front. */
static void replace(const char *path, const char *name, int dims, const hsize_t *size, double first,
                    double value) {
  hsize_t count = 1;
  for (int a = 0; a < dims; ++a) count *= size[a];
  double *values = malloc(sizeof *values * (count + 1));
  for (hsize_t i = 0; i < count; ++i) values[i] = i ? value : first;
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space, set;
  ck_assert_int_ge(H5Ldelete(file, name, H5P_DEFAULT), 0);
  space = H5Screate_simple(dims, size, NULL);
  set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Fclose(file);
  free(values);
}

typedef struct {
  const char *name; /* NULL: the dataset `text` is deleted */
  int dims;
  hsize_t size[3];
  double first, value;
  const char *text; /* of the sentence */
} Damage;

/* Of a run of 4 cells on [0, 1] and two snapshots. */
static const Damage damages[] = {
    {NULL, 0, {0}, 0, 0, "grid"},
    {NULL, 0, {0}, 0, 0, "density"},
    {NULL, 0, {0}, 0, 0, "time"},
    {"grid/x", 1, {4}, 0.125, 0.375, "does not rise evenly"},
    {"grid/x", 1, {0}, 0, 0, "empty"},
    {"grid/x", 2, {2, 2}, 0, 0, "dimensions"},
    {"grid/x", 1, {4}, NAN, 0, "value 1 of the dataset grid/x is nan"},
    {"grid/cell_volume", 1, {1}, 7, 0, "cell_volume is 7"},
    {"grid/cell_volume", 1, {2}, 0.25, 0.25, "not one number"},
    {"grid/mask", 1, {5}, 1, 1, "shape of the grid"},
    {"grid/mask", 1, {4}, 2, 1, "is 2; allowed are 0 and 1"},
    {"grid/mask", 1, {4}, 0, 0, "no inside cell"},
    {"time", 1, {2}, 1, 1, "does not rise"},
    {"time", 1, {2}, INFINITY, 1, "value 1 of the dataset time is inf"},
    {"time", 1, {0}, 0, 0, "no snapshot"},
    {"time", 1, {3}, -1, 1, "3 times and 2 densities"},
    {"density", 2, {2, 5}, 1, 1, "shape of the grid"},
    {"density", 1, {8}, 1, 1, "shape of the grid"},
};

static void copy_file(const char *from, const char *to) {
  char command[512];
  snprintf(command, sizeof command, "cp %s %s", from, to);
  ck_assert_int_eq(system(command), 0);
}

static void damage(const char *path, const Damage *d) {
  if (d->name) {
    replace(path, d->name, d->dims, d->size, d->first, d->value);
    return;
  }
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert_int_ge(H5Ldelete(file, d->text, H5P_DEFAULT), 0);
  H5Fclose(file);
}

static void cut_short(const char *from, const char *to) {
  struct stat status;
  copy_file(from, to);
  ck_assert_int_eq(stat(to, &status), 0);
  ck_assert_int_eq(truncate(to, status.st_size / 3), 0);
}

START_TEST(whatever_a_file_holds_it_is_told) {
  MuGrid grid = TestGrid(1, 4, 1, 0, 1, PETSC_FALSE);
  MuRunReader r;
  PetscReal rho[4];
  write_run(path_of("line"), grid, "", 2);
  OK(MuGridDestroy(&grid));
  if (rank) return;
  char good[200];
  strcpy(good, path_of("line/run.h5"));
  OK(MuRunReaderCreate(good, &r)); /* without a case the centres tell the box */
  const MuRunInfo *info;
  OK(MuRunReaderGetInfo(r, &info));
  ck_assert_double_eq_tol(info->lower[0], 0, 1e-15);
  ck_assert_double_eq_tol(info->upper[0], 1, 1e-15);
  OK(MuRunReaderDestroy(&r));
  for (size_t i = 0; i < sizeof damages / sizeof *damages; ++i) {
    const char *bad = path_of("bad.h5");
    copy_file(good, bad);
    damage(bad, &damages[i]);
    refused(MuRunReaderCreate(bad, &r), MU_ERR_FILE, damages[i].text);
    ck_assert_ptr_null(r);
  }
  const hsize_t size[2] = {2, 4};
  copy_file(good, path_of("nan.h5"));
  replace(path_of("nan.h5"), "density", 2, size, NAN, 1);
  OK(MuRunReaderCreate(path_of("nan.h5"), &r));
  refused(MuRunReaderSnapshot(r, 0, rho), MU_ERR_FILE, "density is nan");
  OK(MuRunReaderSnapshot(r, 1, rho));
  OK(MuRunReaderDestroy(&r));
  cut_short(good, path_of("short.h5"));
  refused(MuRunReaderCreate(path_of("short.h5"), &r), MU_ERR_FILE, "short.h5");
  refused(MuRunReaderCreate(path_of("absent.h5"), &r), MU_ERR_FILE, "No such file");
  refused(MuRunReaderCreate(path_of("line/ledger.csv"), &r), MU_ERR_FILE, "not an HDF5 file");
}
END_TEST

START_TEST(the_case_must_fit_the_grid) {
  static const char *const texts[] = {"grid: {lower: [0], upper: [1], cells: [5]}\n",
                                      "grid: {lower: [0], upper: [2], cells: [4]}\n",
                                      "grid: {lower: [0, 0], upper: [1, 1], cells: [4, 1]}\n",
                                      "grid: [1\n", "nonsense: {key: 1}\n"};
  MuRunReader r;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    char name[32];
    MuGrid grid = TestGrid(1, 4, 1, 0, 1, PETSC_FALSE);
    snprintf(name, sizeof name, "case-%zu", i);
    write_run(path_of(name), grid, texts[i], 1);
    refused(MuRunReaderCreate(path_of(name), &r), MU_ERR_FILE, "attribute case");
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ samples */

static const PetscInt bins[2] = {8, 1};
static const PetscReal low[2] = {-2, 0}, high[2] = {2, 0};
static const PetscReal stairs[8] = {1, 0, 3, 0.5, 0, 0, 2, 0}; /* in cells of width 1/2 */

/* Its distribution function, by the definition. */
static PetscReal stairs_below(PetscReal x) {
  PetscReal sum = 0, total = 0;
  for (int i = 0; i < 8; ++i) {
    const PetscReal share = fmin(fmax((x - (-2 + 0.5 * i)) / 0.5, 0), 1);
    sum += share * stairs[i];
    total += stairs[i];
  }
  return sum / total;
}

static int compare_reals(const void *a, const void *b) {
  const PetscReal x = *(const PetscReal *)a, y = *(const PetscReal *)b;
  return (x > y) - (x < y);
}

static PetscReal kolmogorov(PetscInt n, PetscReal *x) {
  PetscReal largest = 0;
  qsort(x, (size_t)n, sizeof *x, compare_reals);
  for (PetscInt i = 0; i < n; ++i) {
    const PetscReal f = stairs_below(x[i]);
    largest = fmax(largest, fmax(fabs(f - (PetscReal)i / n), fabs(f - (i + 1.0) / n)));
  }
  return largest;
}

static void draw(unsigned long seed, PetscBool stratified, PetscInt n, PetscReal *x) {
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  MuSampler s;
  gsl_rng_set(rng, seed);
  OK(MuSamplerCreate(1, bins, low, high, stairs, &s));
  OK(MuSamplerDraw(s, rng, stratified, n, x));
  OK(MuSamplerDestroy(&s));
  OK(MuSamplerDestroy(&s));
  gsl_rng_free(rng);
}

/* P(sqrt(n) D > 2.3) < 2 exp(-2 2.3^2) = 5e-5 (Massart). */
START_TEST(samples_have_the_distribution) {
  enum { N = 20000 };
  static PetscReal x[N], y[N];
  int outside = 0;
  draw(1, PETSC_FALSE, N, x);
  draw(1, PETSC_FALSE, N, y);
  ck_assert(memcmp(x, y, sizeof x) == 0);
  draw(2, PETSC_FALSE, N, y);
  ck_assert(memcmp(x, y, sizeof x) != 0);
  for (int i = 0; i < N; ++i) outside += stairs[(int)((x[i] + 2) / 0.5)] == 0;
  ck_assert_int_eq(outside, 0);
  const PetscReal d = kolmogorov(N, x);
  ck_assert_msg(sqrt(N) * d < 2.3, "sqrt(n) D = %g", sqrt(N) * d);
  ck_assert_msg(sqrt(N) * d > 0.2, "sqrt(n) D = %g: too even to be independent", sqrt(N) * d);
}
END_TEST

/* Independent samples: D ~ n^(-1/2); stratified: D <= 1/n, and ~ 1/n. */
START_TEST(stratified_samples_are_of_order_one) {
  enum { SIZES = 4, SEEDS = 12 };
  PetscReal n[SIZES], d[2][SIZES] = {{0}}, *x = malloc(sizeof *x << 12);
  for (int k = 0; k < SIZES; ++k) {
    n[k] = 64 << 2 * k;
    for (unsigned long seed = 1; seed <= SEEDS; ++seed)
      for (int method = 0; method < 2; ++method) {
        draw(seed, (PetscBool)method, (PetscInt)n[k], x);
        const PetscReal here = kolmogorov((PetscInt)n[k], x);
        if (method) ck_assert_msg(here <= (1 + 1e-9) / n[k], "D = %g at n = %g", here, n[k]);
        d[method][k] += here / SEEDS;
      }
  }
  ck_assert_double_eq_tol(TestSlope(SIZES, n, d[0]), -0.5, 0.12);
  ck_assert_double_eq_tol(TestSlope(SIZES, n, d[1]), -1, 0.05);
  free(x);
}
END_TEST

/* In the plane: counts per cell within 4.5 binomial deviations, stratified within 2; positions in a
   cell of mean 1/2 and variance 1/12 of its width, uncorrelated. */
START_TEST(samples_in_the_plane) {
  enum { NX = 5, NY = 4, N = 20000 };
  const PetscInt cells[2] = {NX, NY};
  const PetscReal lower[2] = {1000, -1}, upper[2] = {1001, 3};
  static PetscReal density[NX * NY], x[2 * N];
  PetscReal total = 0;
  MuSampler s;
  gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
  for (int i = 0; i < NX * NY; ++i) total += density[i] = i % 3 ? 1 + i : 0;
  OK(MuSamplerCreate(2, cells, lower, upper, density, &s));
  for (int method = 0; method < 2; ++method) {
    PetscReal count[NX * NY] = {0}, m[5] = {0};
    int outside = 0;
    OK(MuSamplerDraw(s, rng, (PetscBool)method, N, x));
    for (int i = 0; i < N; ++i) {
      const PetscReal u = (x[2 * i] - 1000) * NX, v = (x[2 * i + 1] + 1) * NY / 4;
      const PetscReal a = u - floor(u), b = v - floor(v);
      outside += !(u > 0 && u < NX && v > 0 && v < NY);
      if (outside) break;
      count[(int)v * NX + (int)u]++;
      m[0] += a / N, m[1] += b / N, m[2] += a * a / N, m[3] += b * b / N, m[4] += a * b / N;
    }
    ck_assert_int_eq(outside, 0);
    for (int i = 0; i < NX * NY; ++i) {
      const PetscReal p = density[i] / total;
      const PetscReal allowed = method ? 2 : 4.5 * sqrt(N * p * (1 - p));
      ck_assert_msg(fabs(count[i] - N * p) <= allowed, "cell %d: %g points, not %g", i, count[i],
                    N * p);
    }
    ck_assert_double_eq_tol(m[0], 0.5, 4.5 * sqrt(1.0 / 12 / N));
    ck_assert_double_eq_tol(m[1], 0.5, 4.5 * sqrt(1.0 / 12 / N));
    ck_assert_double_eq_tol(m[2], 1.0 / 3, 4.5 * sqrt(4.0 / 45 / N));
    ck_assert_double_eq_tol(m[3], 1.0 / 3, 4.5 * sqrt(4.0 / 45 / N));
    ck_assert_double_eq_tol(m[4], 0.25, 4.5 * sqrt(7.0 / 144 / N));
  }
  OK(MuSamplerDestroy(&s));
  gsl_rng_free(rng);
}
END_TEST

START_TEST(densities_that_cannot_be_drawn_from) {
  static const struct {
    PetscReal density[4];
    const char *words;
  } bad[] = {{{1, 2, -1e-9, 1}, "cell 3 is -1e-09"},
             {{1, NAN, 1, 1}, "cell 2 is nan"},
             {{INFINITY, 1, 1, 1}, "cell 1 is inf"},
             {{0, 0, 0, 0}, "mass is 0"}};
  const PetscInt cells[2] = {4, 1};
  MuSampler s;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
    refused(MuSamplerCreate(1, cells, low, high, bad[i].density, &s), MU_ERR_INPUT, bad[i].words);
}
END_TEST

/* ------------------------------------------------------------------ clouds */

static void write_text(const char *path, const char *text) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    FILE *out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void check_cloud(MuCloudReader cloud, PetscInt index, PetscInt n, PetscInt dim,
                        const PetscReal *expected, const PetscReal *weights, PetscReal total) {
  const PetscReal *x, *w;
  PetscReal mass;
  PetscInt count;
  OK(MuCloudReaderGet(cloud, index, &count, &x, &w, &mass));
  ck_assert_int_eq(count, n);
  ck_assert_double_eq_tol(mass, total, 1e-14);
  for (PetscInt i = 0; i < n * dim; ++i) ck_assert_double_eq(x[i], expected[i]);
  for (PetscInt i = 0; i < n; ++i) ck_assert_double_eq_tol(w[i], weights[i], 1e-15);
}

static void check_csv(const char *text, PetscInt n, PetscInt dim, const PetscReal *x,
                      const PetscReal *w, PetscReal mass) {
  const PetscReal *time;
  PetscInt times;
  PetscBool timed;
  MuCloudReader cloud;
  write_text(path_of("cloud.csv"), text);
  OK(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("cloud.csv"), dim, 2.5, &cloud));
  OK(MuCloudReaderGetTimes(cloud, &times, &time, &timed));
  ck_assert_int_eq(times, 1);
  ck_assert(time[0] == 2.5 && !timed);
  check_cloud(cloud, 0, n, dim, x, w, mass);
  OK(MuCloudReaderDestroy(&cloud));
  OK(MuCloudReaderDestroy(&cloud));
}

START_TEST(clouds_in_csv_files) {
  const PetscReal x[2] = {1, 3}, xy[4] = {1, 2, 3, 4}, equal[2] = {0.5, 0.5}, w[2] = {0.25, 0.75};
  const PetscReal *time;
  PetscInt times;
  PetscBool timed;
  MuCloudReader cloud;
  check_csv("1\n3\n", 2, 1, x, equal, 2);
  check_csv("# a comment\nx\n1\n\n3\n", 2, 1, x, equal, 2);
  check_csv("1.,1.\n3.,3.\n", 2, 1, x, w, 4); /* integers might be decimals with a comma */
  check_csv("w,other,x\n0.5,7,1\n1.5,7,3\n", 2, 1, x, w, 2);
  check_csv("1.,2.\n3.,4.\n", 2, 2, xy, equal, 2);
  check_csv("y,w,x\n2,1,1\n4,3,3\n", 2, 2, xy, w, 4);
  write_text(path_of("times.csv"), "t,x,w\n0,1,1\n0,3,3\n0.5,-1,2\n2,1,3\n2,3,3\n");
  OK(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("times.csv"), 1, 9, &cloud));
  OK(MuCloudReaderGetTimes(cloud, &times, &time, &timed));
  ck_assert_int_eq(times, 3);
  ck_assert(timed && time[0] == 0 && time[1] == 0.5 && time[2] == 2);
  check_cloud(cloud, 2, 2, 1, x, equal, 6);
  check_cloud(cloud, 0, 2, 1, x, w, 4);
  OK(MuCloudReaderDestroy(&cloud));
}
END_TEST

START_TEST(csv_files_that_are_refused) {
  static const struct {
    const char *text, *words;
    PetscInt dim;
  } bad[] = {
      {"a,b\n1,2\n", "no column x", 1},
      {"x,w\n1,2\n", "no column y", 2},
      {"x,y\n1,2\n", "has a column y; the run is 1-D", 1},
      {"1\n2\n", "has 1 columns and no header", 2},
      {"1,2,3\n", "has 3 columns and no header", 1},
      {"x\n1\n2\nthree\n", "line 4, column 1: `three`", 1},
      {"x,y\n1,2\n1,nan\n", "line 3, column 2: `nan`", 2},
      {"nan\n1\n", "line 1, column 1: `nan`", 1},
      {"x,y\n1,2\n1\n", "line 3: the number of its fields is 1, that of the first line 2", 2},
      {"x\n1\ninf\n", "line 3, column 1: `inf`", 1},
      {"x\n", "has no points", 1},
      {"", "has no points", 1},
      {"t,x\n1,0\n0,0\n", "falls from 1 to 0 at particle 2", 1},
  };
  MuCloudReader cloud;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    write_text(path_of("bad.csv"), bad[i].text);
    refused(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("bad.csv"), bad[i].dim, 0, &cloud),
            MU_ERR_INPUT, bad[i].words);
    ck_assert_ptr_null(cloud);
  }
  refused(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("absent.csv"), 1, 0, &cloud), MU_ERR_FILE,
          "absent.csv");
}
END_TEST

START_TEST(weights_that_are_refused) {
  static const char *const texts[][2] = {{"x,w\n1,1\n2,-0.5\n", "weight of particle 2 is -0.5"},
                                         {"x,w\n1,0\n2,0\n", "the weights sum to 0"}};
  const PetscReal *x, *w;
  PetscReal mass;
  PetscInt n;
  MuCloudReader cloud;
  for (int i = 0; i < 2; ++i) {
    write_text(path_of("bad.csv"), texts[i][0]);
    OK(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("bad.csv"), 1, 0, &cloud));
    refused(MuCloudReaderGet(cloud, 0, &n, &x, &w, &mass), MU_ERR_INPUT, texts[i][1]);
    OK(MuCloudReaderDestroy(&cloud));
  }
}
END_TEST

/* Written as CSV and as HDF5 and read back; what a particle method writes is read too. */
START_TEST(clouds_are_written_and_read_back) {
  const PetscReal x[6] = {0.1, 1.0 / 3, -2, 1e-300, 5, 6}, equal[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
  const PetscReal weights[3] = {0.5, 0.25, 0.25};
  MuRunWriterSpec spec = {.directory = path_of("particles"), .columns = only_time()};
  MuCloudFile out = {.n = 3, .dim = 2, .time = 0.75, .position = x, .origin = "a test"};
  const PetscReal *time;
  PetscInt times;
  PetscBool timed;
  MuRunWriter writer;
  MuCloudReader cloud;
  for (int k = 0; k < 2; ++k) {
    out.file = path_of(k ? "out.h5" : "out.csv");
    if (rank == 0) OK(MuCloudWrite(&out));
    if (rank == 0) refused(MuCloudWrite(&out), MU_ERR_INPUT, "is there already");
    MPI_Barrier(MPI_COMM_WORLD);
    OK(MuCloudReaderCreate(MPI_COMM_WORLD, out.file, 2, 3, &cloud));
    OK(MuCloudReaderGetTimes(cloud, &times, &time, &timed));
    ck_assert(times == 1 && timed == (PetscBool)k && time[0] == (k ? 0.75 : 3));
    check_cloud(cloud, 0, 3, 2, x, equal, k ? 1 : 3);
    OK(MuCloudReaderDestroy(&cloud));
  }
  refused(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("out.h5"), 1, 0, &cloud), MU_ERR_INPUT,
          "in 2 dimensions; the run is 1-D");
  out.file = path_of("out.txt");
  refused(MuCloudWrite(&out), MU_ERR_INPUT, "ends in .csv, .npy or .h5");
  OK(MuRunWriterCreateParticles(MPI_COMM_WORLD, 3, 2, &spec, &writer));
  OK(MuRunWriterAddCloud(writer, 0, x, equal));
  OK(MuRunWriterAddCloud(writer, 1, x, weights));
  OK(MuRunWriterFinish(writer, "done"));
  OK(MuRunWriterDestroy(&writer));
  MPI_Barrier(MPI_COMM_WORLD);
  OK(MuCloudReaderCreate(MPI_COMM_WORLD, path_of("particles"), 2, 0, &cloud));
  check_cloud(cloud, 1, 3, 2, x, weights, 1);
  OK(MuCloudReaderDestroy(&cloud));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("stored");
  TCase *files = tcase_create("files");
  TCase *samples = tcase_create("samples");
  tcase_add_unchecked_fixture(files, make_folder, remove_folder);
  tcase_set_timeout(files, 0);
  tcase_add_test(files, a_run_is_read_back);
  tcase_add_test(files, whatever_a_file_holds_it_is_told);
  tcase_add_test(files, the_case_must_fit_the_grid);
  tcase_add_test(files, clouds_in_csv_files);
  tcase_add_test(files, csv_files_that_are_refused);
  tcase_add_test(files, weights_that_are_refused);
  tcase_add_test(files, clouds_are_written_and_read_back);
  tcase_set_timeout(samples, 0);
  tcase_add_test(samples, samples_have_the_distribution);
  tcase_add_test(samples, stratified_samples_are_of_order_one);
  tcase_add_test(samples, samples_in_the_plane);
  tcase_add_test(samples, densities_that_cannot_be_drawn_from);
  suite_add_tcase(suite, files);
  suite_add_tcase(suite, samples);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
