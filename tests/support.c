#include "support.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable()
#define __lsan_enable()
#endif

/* Whether memory has been lost. Looked for here, where what MPI and PETSc hold until their end can
   still be reached; at the exit they have forgotten it. */
static int leaks(void) {
#if defined(__SANITIZE_ADDRESS__)
  const char *options = getenv("LSAN_OPTIONS");
  if (options && strstr(options, "suppressions")) return __lsan_do_recoverable_leak_check();
#endif
  return 0;
}

int TestMain(int argc, char **argv, Suite *(*make_suite)(void)) {
  int failed;
  __lsan_disable(); /* MPI loads and unloads libraries, which forget their memory */
  failed = MuInitialize(&argc, &argv, NULL) != 0;
  __lsan_enable();
  if (failed) return 1;
  SRunner *runner = srunner_create(make_suite());
  srunner_set_fork_status(runner, CK_NOFORK);
  srunner_run_all(runner, CK_NORMAL);
  failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  failed += leaks();
  if (failed) MPI_Abort(MPI_COMM_WORLD, 1);
  return MuFinalize() ? 1 : 0;
}

void TestShareMemory(const char *share) {
  if (share)
    OK(PetscOptionsSetValue(NULL, "-mudot_share_memory", share));
  else
    OK(PetscOptionsClearValue(NULL, "-mudot_share_memory"));
}

void TestFolderCreate(const char *name, char folder[PETSC_MAX_PATH_LEN]) {
  PetscMPIInt rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(folder, PETSC_MAX_PATH_LEN, "/tmp/mudot-%s-XXXXXX", name);
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, PETSC_MAX_PATH_LEN, MPI_CHAR, 0, MPI_COMM_WORLD);
}

void TestFolderRemove(const char *folder) {
  PetscMPIInt rank;
  char command[PETSC_MAX_PATH_LEN + 16];
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}

PetscErrorCode TestStudyOpen(MPI_Comm comm, const char *name, const char *folder, const char *out,
                             const char *overrides, MuStudy *study) {
  char path[PETSC_MAX_PATH_LEN], text[2048], directory[2 * PETSC_MAX_PATH_LEN], *words[64];
  int count = 0;
  MuCase c;
  *study = NULL;
  snprintf(path, sizeof path, "scripts/studies/%s.yaml", name);
  snprintf(text, sizeof text, "%s", overrides);
  snprintf(directory, sizeof directory, "%s/%s", folder, out);
  for (char *word = strtok(text, " "); word && count < 60; word = strtok(NULL, " "))
    words[count++] = word;
  words[count++] = (char *)"-output_directory";
  words[count++] = directory;
  PetscErrorCode code = MuCaseCreate(comm, path, count, words, &c);
  if (code) return code;
  code = MuStudyCreate(c, study);
  OK(MuCaseDestroy(&c));
  return code;
}

PetscBool TestQuick(void) {
  PetscMPIInt size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return (PetscBool)(size > 1 || getenv("MU_TEST_QUICK") != NULL);
}

MuGrid TestGrid(PetscInt dim, PetscInt nx, PetscInt ny, PetscReal lower, PetscReal upper,
                PetscBool periodic) {
  MuGridSpec spec = {.dim = dim,
                     .lower = {lower, lower},
                     .upper = {upper, upper},
                     .cells = {nx, ny},
                     .periodic = {periodic, periodic}};
  MuGrid grid;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  return grid;
}

Vec TestField(MuGrid grid, PetscReal (*f)(PetscReal x, PetscReal y)) {
  const MuGridInfo *info;
  Vec field;
  PetscReal *a, x[2];
  OK(MuGridGetInfo(grid, &info));
  OK(MuGridCreateField(grid, &field));
  OK(VecGetArray(field, &a));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    OK(MuGridCellCentre(grid, i, x));
    a[i] = info->mask[i] ? f(x[0], x[1]) : 0;
  }
  OK(VecRestoreArray(field, &a));
  return field;
}

/* splitmix64 of the global cell number */
static PetscReal uniform(unsigned seed, PetscInt cell) {
  unsigned long long z = (unsigned long long)seed * 0x9E3779B97F4A7C15ull +
                         (unsigned long long)(cell + 1) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  return ((PetscReal)(z >> 11) + 0.5) / 9007199254740992.0;
}

Vec TestRandomField(MuGrid grid, unsigned seed, PetscReal low, PetscReal high) {
  const MuGridInfo *info;
  Vec field;
  PetscReal *a;
  OK(MuGridGetInfo(grid, &info));
  OK(MuGridCreateField(grid, &field));
  OK(VecGetArray(field, &a));
  for (PetscInt i = 0; i < info->local_size; ++i)
    a[i] = info->mask[i]
               ? low + (high - low) * uniform(seed, info->first_row * info->row_length + i)
               : 0;
  OK(VecRestoreArray(field, &a));
  return field;
}

PetscReal *TestGather(MuGrid grid, Vec f) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  PetscReal *global = malloc(sizeof(PetscReal) * (size_t)(info->cells[0] * info->cells[1]));
  OK(MuGridGather(grid, f, PETSC_TRUE, global));
  return global;
}

PetscReal TestSlope(PetscInt n, const PetscReal *x, const PetscReal *y) {
  PetscReal sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal a = log(x[i]), b = log(y[i]);
    sx += a, sy += b, sxx += a * a, sxy += a * b;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

PetscReal TestMaxDifference(Vec f, Vec g) {
  Vec d;
  PetscReal norm;
  OK(VecDuplicate(f, &d));
  OK(VecWAXPY(d, -1, f, g));
  OK(VecNorm(d, NORM_INFINITY, &norm));
  OK(VecDestroy(&d));
  return norm;
}

static PetscReal number_of(const MuParameter *p, TestNumbers numbers) {
  if (!strcmp(p->key, "power_exponent")) return numbers.power_exponent;
  if (strstr(p->key, "internal_exponent")) return numbers.internal_exponent;
  if (!strcmp(p->key, "mobility_exponent")) return numbers.mobility_exponent;
  if (!strcmp(p->key, "ridge")) return numbers.ridge;
  if (!strcmp(p->name, "lambda")) return numbers.lambda > 0 ? numbers.lambda : 0.3;
  return p->initial;
}

MuSummand TestSummand(MuSummandTable table, const char *name, PetscReal weight,
                      TestNumbers numbers) {
  MuSummand summand = {.name = name, .weight = weight};
  MuSummandInfo info;
  OK(MuSummandFind(table, name, &info));
  for (PetscInt k = 0; info.parameters && info.parameters[k].name; ++k)
    summand.value[k] = number_of(&info.parameters[k], numbers);
  return summand;
}
