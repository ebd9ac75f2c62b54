/* Checkpoints: a flow that is cut in two has the bits of one that is not, for every scheme;
   rejected steps leave no trace; files that are damaged are refused and the generation before is
   there. */
#include "flow_support.h"
#include "record/checkpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[128];
static int rank;

static void make_folder(void) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) {
    snprintf(folder, sizeof folder, "/tmp/mudot-restart-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
  }
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static const char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void remove_folder(void) {
  static const char *const files[] = {"checkpoint.h5", "checkpoint.1.h5", "checkpoint.h5.partial"};
  MPI_Barrier(MPI_COMM_WORLD);
  for (size_t k = 0; k < 3 && rank == 0; ++k) unlink(path_of(files[k]));
  if (rank == 0) rmdir(folder);
}

/* ------------------------------------------------------------------ flows to cut in two */

typedef struct {
  const char *what;
  TestFlowSpec spec;
  PetscInt dim;
  const char *kernel;
  int flags;
} Pair;

/* ROUGH: a target that jumps from cell to cell. RANKS: on several ranks as well, which are slow on
   fewer cores; there the pairs are run that differ in what ranks exchange. EXACT: its inner steps
   keep the tolerance, so that no step is ever rejected. */
enum { ROUGH = 1, RANKS = 2, EXACT = 4 };

#define ON PETSC_TRUE
static const Pair pairs[] = {
    {"constant coefficients", {.energy = {"kl"}, .geometry = {"wasserstein"}}, 1, NULL, RANKS},
    {"coupled",
     {.energy = {"kl"}, .geometry = {"wasserstein"}, .solver = MU_TRANSPORT_COUPLED},
     2,
     NULL,
     RANKS},
    {"coupled that stalls",
     {.energy = {"kl"},
      .geometry = {"wasserstein"},
      .solver = MU_TRANSPORT_COUPLED,
      .step = 1,
      .end = 8},
     2,
     NULL,
     ROUGH},
    {"direct",
     {.energy = {"kl"}, .geometry = {"wasserstein"}, .solver = MU_TRANSPORT_DIRECT},
     2,
     NULL,
     RANKS},
    {"dimension_split",
     {.energy = {"kl"}, .geometry = {"wasserstein"}, .solver = MU_TRANSPORT_DIMENSION_SPLIT},
     2,
     NULL,
     0},
    {"Newton on a line",
     {.energy = {"internal"}, .geometry = {"wasserstein"}, .mean = MU_MEAN_STOLARSKY},
     1,
     NULL,
     0},
    {"Newton in the plane", {.energy = {"chi2"}, .geometry = {"wasserstein"}}, 2, NULL, RANKS},
    {"upwind drift",
     {.energy = {"mmd"}, .geometry = {"wasserstein"}, .mean = MU_MEAN_UPWIND},
     1,
     "matern",
     0},
    {"limited drift in the plane",
     {.energy = {"mmd"}, .geometry = {"wasserstein"}, .mean = MU_MEAN_LIMITED},
     2,
     "matern",
     0},
    {"upwind drift in the plane",
     {.energy = {"mmd"}, .geometry = {"wasserstein"}, .mean = MU_MEAN_UPWIND},
     2,
     "gaussian",
     RANKS},
    {"interaction",
     {.energy = {"entropy", "interaction"}, .geometry = {"wasserstein"}},
     1,
     NULL,
     0},
    {"derivative scaled by the closed form",
     {.energy = {"mmd"}, .geometry = {"wasserstein", "mmd"}, .mean = MU_MEAN_UPWIND},
     1,
     "matern",
     0},
    {"the same in the plane",
     {.energy = {"mmd"}, .geometry = {"wasserstein", "mmd"}, .mean = MU_MEAN_UPWIND},
     2,
     "matern",
     RANKS},
    {"splitting",
     {.energy = {"kl"}, .geometry = {"wasserstein", "fisher_rao"}, .spherical = ON},
     1,
     NULL,
     0},
    {"splitting_lie",
     {.energy = {"kl"}, .geometry = {"wasserstein", "fisher_rao"}, .scheme = "splitting_lie"},
     2,
     NULL,
     RANKS},
    {"pieces in closed form",
     {.energy = {"kl", "chi2"}, .geometry = {"fisher_rao"}, .scheme = "splitting"},
     1,
     NULL,
     0},
    {"closed form", {.energy = {"kl"}, .geometry = {"fisher_rao"}, .spherical = ON}, 1, NULL, 0},
    {"log_density", {.energy = {"l2"}, .geometry = {"fisher_rao"}}, 1, NULL, 0},
    {"log_density of a ridge",
     {.energy = {"kl"}, .geometry = {"ridge_fisher_rao"}, .ridge = 0.01},
     1,
     "gaussian",
     0},
    {"log_density in the plane",
     {.energy = {"kl"}, .geometry = {"kernel_fisher_rao"}, .spherical = ON},
     2,
     "gaussian",
     RANKS},
    {"transport and log_density",
     {.energy = {"kl"}, .geometry = {"wasserstein", "kernel_fisher_rao"}},
     1,
     "gaussian",
     0},
    {"discrete gradient of stein", {.energy = {"kl"}, .geometry = {"stein"}}, 1, "gaussian", 0},
    {"discrete gradient of ridge_stein",
     {.energy = {"kl"}, .geometry = {"ridge_stein"}, .ridge = 0.1},
     1,
     "gaussian",
     0},
    {"discrete gradient of mmd",
     {.energy = {"mmd"}, .geometry = {"mmd"}, .scheme = "discrete_gradient", .spherical = ON},
     1,
     "matern",
     RANKS},
    {"discrete gradient in the plane",
     {.energy = {"kl"}, .geometry = {"wasserstein"}, .scheme = "discrete_gradient"},
     2,
     NULL,
     0},
    {"adaptive transport",
     {.energy = {"kl"}, .geometry = {"wasserstein"}, .adapt = ON, .tolerance = 1e-4, .step = 0.3},
     1,
     NULL,
     RANKS},
    {"adaptive splitting",
     {.energy = {"kl"},
      .geometry = {"wasserstein", "kernel_fisher_rao"},
      .adapt = ON,
      .tolerance = 1e-4,
      .step = 0.3},
     1,
     "gaussian",
     0},
    {"adaptive upwind drift and closed form",
     {.energy = {"mmd"},
      .geometry = {"wasserstein", "mmd"},
      .mean = MU_MEAN_UPWIND,
      .adapt = ON,
      .tolerance = 3e-4,
      .step = 0.3},
     1,
     "matern",
     0},
    {"adaptive log_density",
     {.energy = {"l2"}, .geometry = {"fisher_rao"}, .adapt = ON, .tolerance = 1e-11, .step = 0.3},
     1,
     NULL,
     EXACT},
    {"adaptive discrete gradient",
     {.energy = {"kl"}, .geometry = {"stein"}, .adapt = ON, .tolerance = 1e-5, .step = 0.3},
     1,
     "gaussian",
     0},
};
enum { PAIRS = sizeof pairs / sizeof *pairs, MOST_ROWS = 400, COLUMNS = 16 };

static PetscBool left_out(const Pair *pair) {
  PetscMPIInt size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return (PetscBool)(size > 1 && !(pair->flags & RANKS));
}

static PetscReal wells(PetscReal x, PetscReal y) {
  return (x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y;
}

static PetscReal bump(PetscReal x, PetscReal y) {
  return exp(-(x - 0.5) * (x - 0.5) / 0.5 - (y + 0.2) * (y + 0.2) / 0.8);
}

/* A flow with its ledger, everything its own. */
typedef struct {
  TestFlowSpec spec;
  MuGrid grid;
  Vec log_target, initial;
  MuKernel kernel;
  MuFlow flow;
  MuLedger ledger;
  PetscInt rows, stop_after;
  PetscReal row[MOST_ROWS][COLUMNS];
} World;

static MuGrid make_grid(MPI_Comm comm, const Pair *pair) {
  MuGridSpec g = {.dim = pair->dim,
                  .lower = {-2, -2},
                  .upper = {2, 2},
                  .cells = {pair->dim == 1 ? 48 : 14, 12}};
  MuGrid grid;
  if ((pair->flags & ROUGH)) g.cells[0] = 80, g.cells[1] = 81;
  OK(MuGridCreate(comm, &g, &grid));
  return grid;
}

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  World *w = ctx;
  ck_assert_int_lt(w->rows, MOST_ROWS);
  OK(MuLedgerStep(w->ledger, time, dt, before, after, w->row[w->rows++]));
  if (w->rows == w->stop_after) OK(MuFlowStop(flow));
  return 0;
}

static World *create_world(MPI_Comm comm, const Pair *pair) {
  World *w = calloc(1, sizeof *w);
  w->spec = pair->spec;
  w->grid = w->spec.grid = make_grid(comm, pair);
  if ((pair->flags & ROUGH)) {
    Vec rho;
    PetscReal mass;
    w->log_target = TestRandomField(w->grid, 7, -30, 0);
    rho = TestExp(w->grid, w->log_target);
    OK(MuGridIntegrate(w->grid, rho, &mass));
    OK(VecShift(w->log_target, -log(mass)));
    OK(VecDestroy(&rho));
  } else {
    w->log_target = TestLogTarget(w->grid, wells);
  }
  w->initial = TestField(w->grid, bump);
  TestNormalise(w->grid, w->initial);
  w->spec.log_target = w->log_target;
  w->spec.internal_exponent = 2;
  if (pair->kernel)
    w->spec.kernel = w->kernel = TestKernel(pair->dim, pair->kernel, 0.6, MU_EXTENSION_REFLECT);
  if (w->spec.step == 0) w->spec.step = 0.04;
  if (w->spec.end == 0) w->spec.end = TestQuick() ? 0.3 : 0.5;
  w->flow = TestFlowCreate(&w->spec, w->initial);
  OK(MuLedgerCreate(w->flow, &w->ledger));
  OK(MuFlowSetStepCallback(w->flow, on_step, w));
  return w;
}

static void destroy_world(World *w) {
  OK(MuLedgerDestroy(&w->ledger));
  OK(MuFlowDestroy(&w->flow));
  OK(MuKernelDestroy(&w->kernel));
  OK(VecDestroy(&w->log_target));
  OK(VecDestroy(&w->initial));
  OK(MuGridDestroy(&w->grid));
  free(w);
}

/* To the end by way of output times that the steps do not divide, or until it is stopped. */
static void run(World *w) {
  const PetscReal times[] = {0.3 * w->spec.end, 0.71 * w->spec.end, w->spec.end};
  for (int k = 0; k < 3; ++k) {
    OK(MuFlowAdvance(w->flow, times[k]));
    if (w->stop_after && w->rows == w->stop_after) return;
  }
}

static void save(World *w, MPI_Comm comm) {
  const PetscReal rows = (PetscReal)w->rows;
  MuCheckpoint c;
  OK(MuCheckpointCreate(comm, &c));
  OK(MuFlowSave(w->flow, c));
  OK(MuLedgerSave(w->ledger, c));
  OK(MuCheckpointPutNumbers(c, "rows", 1, &rows));
  OK(MuCheckpointPutText(c, "text", "output: {every: 1}\n"));
  OK(MuCheckpointWrite(c, folder));
  OK(MuCheckpointDestroy(&c));
}

static void load(World *w, PetscInt *rows) {
  PetscReal number;
  const char *text;
  MuCheckpoint c;
  OK(MuCheckpointRead(MPI_COMM_WORLD, folder, 0, &c));
  ck_assert_ptr_nonnull(c);
  OK(MuFlowLoad(w->flow, c));
  OK(MuLedgerLoad(w->ledger, c));
  OK(MuCheckpointGetNumbers(c, "rows", 1, &number));
  OK(MuCheckpointGetText(c, "text", &text));
  ck_assert_str_eq(text, "output: {every: 1}\n");
  *rows = (PetscInt)number;
  OK(MuCheckpointDestroy(&c));
}

static void begin(World *w) {
  OK(MuLedgerStart(w->ledger, w->row[w->rows++]));
}

static int bits_differ(Vec a, Vec b) {
  const PetscReal *x, *y;
  PetscInt n;
  int differ;
  OK(VecGetLocalSize(a, &n));
  OK(VecGetArrayRead(a, &x));
  OK(VecGetArrayRead(b, &y));
  differ = memcmp(x, y, sizeof *x * (size_t)n) != 0;
  OK(VecRestoreArrayRead(b, &y));
  OK(VecRestoreArrayRead(a, &x));
  MPI_Allreduce(MPI_IN_PLACE, &differ, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return differ;
}

/* `part` began with row `from` of `whole`: densities, energies, rows and counters have the same
   bits. */
static void check_same(const char *what, const World *whole, const World *part, PetscInt from) {
  PetscReal ta, tb, fa, fb, terms_a[MU_MAX_TERMS] = {0}, terms_b[MU_MAX_TERMS] = {0};
  PetscInt accepted[2], rejected[2];
  Vec a, b;
  OK(MuFlowGetState(whole->flow, &ta, &a));
  OK(MuFlowGetState(part->flow, &tb, &b));
  ck_assert(ta == tb);
  ck_assert_msg(!bits_differ(a, b), "%s: after row %d the density has other bits", what, (int)from);
  OK(MuFlowGetEnergy(whole->flow, &fa, terms_a));
  OK(MuFlowGetEnergy(part->flow, &fb, terms_b));
  ck_assert_msg(fa == fb && !memcmp(terms_a, terms_b, sizeof terms_a), "%s: energy", what);
  OK(MuFlowGetSteps(whole->flow, &accepted[0], &rejected[0]));
  OK(MuFlowGetSteps(part->flow, &accepted[1], &rejected[1]));
  ck_assert_msg(accepted[0] == accepted[1] && rejected[0] == rejected[1], "%s: steps", what);
  ck_assert_msg(whole->rows == from + part->rows, "%s: rows", what);
  ck_assert_msg(!memcmp(whole->row[from], part->row[0], sizeof part->row[0] * (size_t)part->rows),
                "%s: a ledger row after row %d has other bits", what, (int)from);
  PetscReal worst[2][2];
  OK(MuLedgerGetWorst(whole->ledger, &worst[0][0], &worst[0][1]));
  OK(MuLedgerGetWorst(part->ledger, &worst[1][0], &worst[1][1]));
  ck_assert_msg(!memcmp(worst[0], worst[1], sizeof worst[0]), "%s: worst values", what);
}

/* Stopped after some step in the middle of an interval, written, read by a flow that knows nothing
   of the first: the same bits from there on. */
START_TEST(a_flow_cut_in_two_has_the_same_bits) {
  const Pair *pair = &pairs[_i];
  if (left_out(pair)) return;
  World *whole = create_world(MPI_COMM_WORLD, pair);
  begin(whole);
  run(whole);
  for (PetscInt stop = 3; stop < whole->rows; stop += 3) {
    World *first = create_world(MPI_COMM_WORLD, pair), *second;
    PetscInt from;
    begin(first);
    first->stop_after = stop;
    run(first);
    ck_assert_int_eq(first->rows, stop);
    save(first, MPI_COMM_WORLD);
    destroy_world(first);
    second = create_world(MPI_COMM_WORLD, pair);
    load(second, &from);
    ck_assert_int_eq(from, stop);
    run(second);
    check_same(pair->what, whole, second, from);
    destroy_world(second);
    if ((pair->flags & ROUGH) || stop > 20 || TestQuick()) break;
  }
  destroy_world(whole);
}
END_TEST

/* Saving and stopping change nothing for the flow that goes on itself. */
START_TEST(a_stopped_flow_goes_on) {
  const Pair *pair = &pairs[_i];
  if (left_out(pair) || TestQuick()) return;
  World *whole = create_world(MPI_COMM_WORLD, pair), *stopped;
  begin(whole);
  run(whole);
  stopped = create_world(MPI_COMM_WORLD, pair);
  begin(stopped);
  stopped->stop_after = 4;
  run(stopped);
  save(stopped, MPI_COMM_WORLD);
  stopped->stop_after = 0;
  run(stopped);
  check_same(pair->what, whole, stopped, 0);
  destroy_world(stopped);
  destroy_world(whole);
}
END_TEST

/* One rank writes, all ranks go on: the end is the same to rounding, which convergence to 1e-10 of
   the mass and the growth of rounding over a dozen steps leave at 1e-8 at most. */
START_TEST(another_number_of_ranks_goes_on) {
  const Pair *pair = &pairs[_i];
  if (left_out(pair)) return;
  World *whole, *second;
  PetscReal distance;
  PetscInt from;
  Vec a, b;
  PetscMPIInt size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size == 1 || pair->spec.adapt) return; /* adapted steps follow from rounding */
  if (rank == 0) {
    World *first = create_world(MPI_COMM_SELF, pair);
    begin(first);
    first->stop_after = 4;
    run(first);
    save(first, MPI_COMM_SELF);
    destroy_world(first);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  whole = create_world(MPI_COMM_WORLD, pair);
  begin(whole);
  run(whole);
  second = create_world(MPI_COMM_WORLD, pair);
  load(second, &from);
  ck_assert_int_eq(from, 4);
  run(second);
  OK(MuFlowGetState(whole->flow, NULL, &a));
  OK(MuFlowGetState(second->flow, NULL, &b));
  OK(MuGridDistanceL1(whole->grid, a, b, &distance));
  ck_assert_msg(distance < 1e-8, "%s: differs by %g", pair->what, distance);
  ck_assert_int_eq(whole->rows, from + second->rows);
  for (PetscInt k = 0; k < second->rows; ++k)
    ck_assert_msg(fabs(second->row[k][2] - whole->row[from + k][2]) <=
                      1e-8 * (1 + fabs(whole->row[0][2])),
                  "%s: energy in row %d", pair->what, (int)(from + k));
  destroy_world(second);
  destroy_world(whole);
}
END_TEST

/* ------------------------------------------------------------------ rejected steps */

/* A flow that had steps rejected before it took one of size dt ends it with the bits of one that
   tried dt first. */
START_TEST(rejected_steps_leave_no_trace) {
  const Pair *pair = &pairs[_i];
  if (left_out(pair)) return;
  World *w, *direct;
  PetscInt rejected, other;
  Vec a, b;
  Pair p = *pair;
  if (!pair->spec.adapt || (pair->flags & EXACT)) return;
  p.spec.step = 3;
  p.spec.end = 50;
  w = create_world(MPI_COMM_WORLD, &p);
  begin(w);
  w->stop_after = 2;
  run(w);
  OK(MuFlowGetSteps(w->flow, NULL, &rejected));
  ck_assert_msg(rejected > 0, "%s: nothing is rejected", p.what);
  p.spec.step = w->row[1][1];
  direct = create_world(MPI_COMM_WORLD, &p);
  begin(direct);
  direct->stop_after = 2;
  run(direct);
  OK(MuFlowGetSteps(direct->flow, NULL, &other));
  ck_assert_int_eq(other, 0);
  OK(MuFlowGetState(w->flow, NULL, &a));
  OK(MuFlowGetState(direct->flow, NULL, &b));
  ck_assert_msg(!bits_differ(a, b), "%s: %d rejected steps have left a trace", p.what,
                (int)rejected);
  ck_assert_msg(!memcmp(w->row[1], direct->row[1], sizeof w->row[1]), "%s: ledger row", p.what);
  destroy_world(direct);
  destroy_world(w);
}
END_TEST

/* ------------------------------------------------------------------ files */

static void write_numbers(PetscReal value, PetscErrorCode expected) {
  PetscReal numbers[300];
  MuCheckpoint c;
  for (int k = 0; k < 300; ++k) numbers[k] = value + k;
  OK(MuCheckpointCreate(MPI_COMM_WORLD, &c));
  OK(MuCheckpointPutNumbers(c, "numbers", 300, numbers));
  OK(MuCheckpointPutText(c, "case", "time: {end: 1}\n"));
  ck_assert_int_eq(MuCheckpointWrite(c, folder), expected);
  OK(MuCheckpointDestroy(&c));
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Numbers have names, whatever their order; a checkpoint that lacks one, as those of versions that
   kept them by position, is refused with its name. */
START_TEST(numbers_have_names) {
  PetscReal x = 0.1, y = 0, old[2] = {1, 2};
  PetscInt n = 7, m = 0;
  PetscBool on = PETSC_TRUE, set = PETSC_FALSE;
  MuCheckpoint c;
  OK(MuCheckpointCreate(MPI_COMM_WORLD, &c));
  OK(MuCheckpointPutNamed(
      c, "group",
      (const MuNamedNumber[]){
          {"x", .real = &x}, {"n", .count = &n}, {"on", .flag = &on}, {.name = NULL}}));
  OK(MuCheckpointWrite(c, folder));
  OK(MuCheckpointDestroy(&c));
  OK(MuCheckpointRead(MPI_COMM_WORLD, folder, 0, &c));
  OK(MuCheckpointGetNamed(
      c, "group",
      (const MuNamedNumber[]){
          {"on", .flag = &set}, {"n", .count = &m}, {"x", .real = &y}, {.name = NULL}}));
  ck_assert(y == x && m == n && set);
  ck_assert_int_eq(
      MuCheckpointGetNamed(c, "group", (const MuNamedNumber[]){{"z", .real = &y}, {.name = NULL}}),
      MU_ERR_FILE);
  ck_assert_ptr_nonnull(
      strstr(MuErrorMessage(), "no group.z of this size: it is of another version of mudot"));
  OK(MuCheckpointPutNumbers(c, "old", 2, old));
  ck_assert_int_eq(
      MuCheckpointGetNamed(c, "old", (const MuNamedNumber[]){{"x", .real = &y}, {.name = NULL}}),
      MU_ERR_FILE);
  OK(MuCheckpointDestroy(&c));
  MPI_Barrier(MPI_COMM_WORLD);
}
END_TEST

/* What a generation holds: 0 damaged, -1 not there. */
static PetscReal read_numbers(PetscInt generation) {
  PetscReal numbers[300];
  MuCheckpoint c;
  PetscErrorCode code = MuCheckpointRead(MPI_COMM_WORLD, folder, generation, &c);
  if (code) {
    ck_assert_int_eq(code, MU_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), folder));
    return 0;
  }
  if (!c) return -1;
  OK(MuCheckpointGetNumbers(c, "numbers", 300, numbers));
  for (int k = 0; k < 300; ++k) ck_assert(numbers[k] == numbers[0] + k);
  ck_assert_int_eq(MuCheckpointGetNumbers(c, "numbers", 299, numbers), MU_ERR_FILE);
  ck_assert_int_eq(MuCheckpointGetNumbers(c, "case", 1, numbers), MU_ERR_FILE);
  OK(MuCheckpointDestroy(&c));
  return numbers[0];
}

static void flip_bit(off_t at, int bit) {
  unsigned char byte;
  int fd = open(path_of("checkpoint.h5"), O_RDWR);
  ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
  byte ^= (unsigned char)(1 << bit);
  ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
  close(fd);
}

START_TEST(generations) {
  OK(MuCheckpointRemove(MPI_COMM_WORLD, folder));
  MPI_Barrier(MPI_COMM_WORLD);
  ck_assert(read_numbers(0) == -1);
  write_numbers(1, 0);
  ck_assert(read_numbers(0) == 1);
  ck_assert(read_numbers(1) == -1);
  write_numbers(2, 0);
  ck_assert(read_numbers(0) == 2);
  ck_assert(read_numbers(1) == 1);
  if (rank == 0) flip_bit(700, 3);
  MPI_Barrier(MPI_COMM_WORLD);
  ck_assert(read_numbers(0) == 0);
  ck_assert(read_numbers(1) == 1);
  write_numbers(3, 0); /* the damaged one does not push out the good one */
  ck_assert(read_numbers(0) == 3);
  ck_assert(read_numbers(1) == 1);
}
END_TEST

/* Every length and a bit of every byte */
START_TEST(damage_is_found) {
  struct stat status;
  const char *path = path_of("checkpoint.h5");
  MuCheckpoint c;
  const PetscReal number = 1;
  if (rank) return;
  OK(MuCheckpointCreate(MPI_COMM_SELF, &c));
  OK(MuCheckpointPutNumbers(c, "numbers", 1, &number));
  OK(MuCheckpointPutText(c, "case", "time: {end: 1}\n"));
  OK(MuCheckpointWrite(c, folder));
  OK(MuCheckpointDestroy(&c));
  ck_assert_int_eq(stat(path, &status), 0);
  const off_t step = TestQuick() ? 41 : 3;
  for (off_t at = 0; at < status.st_size; at += step) {
    flip_bit(at, (int)(at % 8));
    ck_assert_msg(MuCheckpointRead(MPI_COMM_SELF, folder, 0, &c) == MU_ERR_FILE,
                  "a flipped bit of byte %d is not found", (int)at);
    ck_assert_ptr_null(c);
    flip_bit(at, (int)(at % 8));
  }
  OK(MuCheckpointRead(MPI_COMM_SELF, folder, 0, &c));
  OK(MuCheckpointDestroy(&c));
  for (off_t size = status.st_size - 1; size >= 0; size -= size > 600 ? step : 1) {
    ck_assert_int_eq(truncate(path, size), 0);
    ck_assert_msg(MuCheckpointRead(MPI_COMM_SELF, folder, 0, &c) == MU_ERR_FILE,
                  "a file cut off at %d is not found", (int)size);
  }
  unlink(path);
}
END_TEST

/* A full disk, played by a limit on the size of files: both generations stay, nothing else is left
 */
START_TEST(a_full_disk_keeps_both_generations) {
  struct rlimit before, limit;
  OK(MuCheckpointRemove(MPI_COMM_WORLD, folder));
  MPI_Barrier(MPI_COMM_WORLD);
  write_numbers(1, 0);
  write_numbers(2, 0);
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before);
  for (rlim_t most = 0; most < 3000; most += 300) {
    limit = before;
    limit.rlim_cur = most;
    if (rank == 0) setrlimit(RLIMIT_FSIZE, &limit);
    write_numbers(3, MU_ERR_FILE);
    if (rank == 0) setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "checkpoint.h5: cannot be written"));
    ck_assert(read_numbers(0) == 2);
    ck_assert(read_numbers(1) == 1);
    ck_assert_int_ne(access(path_of("checkpoint.h5.partial"), F_OK), 0);
    MPI_Barrier(MPI_COMM_WORLD); /* all have looked before rank 0 writes again */
  }
  MPI_Barrier(MPI_COMM_WORLD);
  write_numbers(4, 0);
  ck_assert(read_numbers(0) == 4);
  ck_assert(read_numbers(1) == 2);
}
END_TEST

/* The state of another flow is refused: another grid. */
START_TEST(another_grid_is_refused) {
  World *first = create_world(MPI_COMM_WORLD, &pairs[0]), *other;
  MuCheckpoint c;
  begin(first);
  save(first, MPI_COMM_WORLD);
  other = create_world(MPI_COMM_WORLD, &pairs[1]);
  OK(MuCheckpointRead(MPI_COMM_WORLD, folder, 0, &c));
  ck_assert_int_eq(MuFlowLoad(other->flow, c), MU_ERR_FILE);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "density"));
  OK(MuCheckpointDestroy(&c));
  destroy_world(other);
  destroy_world(first);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("restart");
  TCase *t = tcase_create("restart");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_loop_test(t, a_flow_cut_in_two_has_the_same_bits, 0, PAIRS);
  tcase_add_loop_test(t, a_stopped_flow_goes_on, 0, PAIRS);
  tcase_add_loop_test(t, another_number_of_ranks_goes_on, 0, PAIRS);
  tcase_add_loop_test(t, rejected_steps_leave_no_trace, 0, PAIRS);
  tcase_add_test(t, numbers_have_names);
  tcase_add_test(t, generations);
  tcase_add_test(t, damage_is_found);
  tcase_add_test(t, a_full_disk_keeps_both_generations);
  tcase_add_test(t, another_grid_is_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
