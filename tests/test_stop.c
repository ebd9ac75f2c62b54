/* A signal within a long step: the step is cut off, whatever the scheme, and leaves no trace; a
   flow that goes on from there, and one that reads its checkpoint, has the bits of one that was not
   cut. An energy that waits stands for a long step. */
#include "base/stopped.h"
#include "flow_support.h"
#include "mudot/extend.h"
#include "record/checkpoint.h"
#include "record/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static int evaluations, last; /* since the start, and the one in which a signal comes; 0: none */

/* On one rank alone the signal comes, on all the evaluation takes longer than half a second. */
static void count(void) {
  PetscMPIInt rank;
  if (++evaluations != last) return;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) raise(SIGTERM);
  usleep(600000);
}

/* F = 1/2 int rho^2 */
static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  count();
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    if (f) f[i] = 0.5 * state->rho[i] * state->rho[i];
    if (df) df[i] = state->rho[i];
  }
  return 0;
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  count();
  for (PetscInt i = 0; i < term->shared->n; ++i) g[i] = 0.5 * (pair->a->rho[i] + pair->b->rho[i]);
  return 0;
}

static PetscErrorCode curvature(MuTerm *term, const MuState *state, PetscReal *c) {
  (void)state;
  for (PetscInt i = 0; i < term->shared->n; ++i) c[i] = 1;
  return 0;
}

static const MuTermOps slow = {.name = "slow",
                               .formula = "1/2 int rho^2",
                               .kind = MU_TERM_LOCAL,
                               .evaluate = evaluate,
                               .gradient = gradient,
                               .curvature = curvature};

static const struct {
  const char *scheme, *geometry[2], *kernel;
  PetscBool adapt;
} cases[] = {{"implicit_euler", {"wasserstein"}, NULL, PETSC_FALSE},
             {"discrete_gradient", {"wasserstein", "fisher_rao"}, NULL, PETSC_TRUE},
             {"extrapolation", {"wasserstein"}, NULL, PETSC_FALSE},
             {"runge_kutta", {"stein"}, "gaussian", PETSC_FALSE},
             {"log_density", {"fisher_rao"}, NULL, PETSC_FALSE}};
enum { CASES = sizeof cases / sizeof *cases };

static void check_same(const char *what, MuFlow whole, MuFlow cut) {
  PetscInt accepted[2], rejected[2], n;
  PetscReal time[2], energy[2];
  const PetscReal *x, *y;
  Vec a, b;
  OK(MuFlowGetState(whole, &time[0], &a));
  OK(MuFlowGetState(cut, &time[1], &b));
  OK(MuFlowGetEnergy(whole, &energy[0], NULL));
  OK(MuFlowGetEnergy(cut, &energy[1], NULL));
  OK(MuFlowGetSteps(whole, &accepted[0], &rejected[0]));
  OK(MuFlowGetSteps(cut, &accepted[1], &rejected[1]));
  ck_assert_msg(time[0] == time[1] && energy[0] == energy[1], "%s", what);
  ck_assert_msg(accepted[0] == accepted[1] && rejected[0] == rejected[1], "%s: steps", what);
  OK(VecGetLocalSize(a, &n));
  OK(VecGetArrayRead(a, &x));
  OK(VecGetArrayRead(b, &y));
  ck_assert_msg(!memcmp(x, y, sizeof *x * (size_t)n), "%s: other bits", what);
  OK(VecRestoreArrayRead(b, &y));
  OK(VecRestoreArrayRead(a, &x));
}

/* A new flow with the state of this one. */
static MuFlow copy(const TestFlowSpec *spec, Vec initial, MuFlow flow) {
  MuFlow other = TestFlowCreate(spec, initial);
  char folder[] = "/tmp/mudot-stop-XXXXXX", path[64];
  PetscMPIInt rank;
  MuCheckpoint c;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
  OK(MuCheckpointCreate(MPI_COMM_WORLD, &c));
  OK(MuFlowSave(flow, c));
  OK(MuCheckpointWrite(c, folder));
  OK(MuCheckpointDestroy(&c));
  OK(MuCheckpointRead(MPI_COMM_WORLD, folder, 0, &c));
  OK(MuFlowLoad(other, c));
  OK(MuCheckpointDestroy(&c));
  MPI_Barrier(MPI_COMM_WORLD);
  snprintf(path, sizeof path, "%s/checkpoint.h5", folder);
  if (rank == 0) ck_assert(unlink(path) == 0 && rmdir(folder) == 0);
  return other;
}

START_TEST(a_step_is_cut_off) {
  const PetscReal end = 0.1;
  const char *what = cases[_i].scheme;
  MuGrid grid = TestGrid(1, 24, 1, -2, 2, PETSC_FALSE);
  Vec initial = TestBumpDensity(grid);
  TestFlowSpec spec = {.grid = grid,
                       .energy = {"slow"},
                       .geometry = {cases[_i].geometry[0], cases[_i].geometry[1]},
                       .scheme = what,
                       .adapt = cases[_i].adapt,
                       .tolerance = 1e-5,
                       .step = 0.02,
                       .end = end};
  if (cases[_i].kernel) spec.kernel = TestKernel(1, cases[_i].kernel, 0.6, MU_EXTENSION_REFLECT);
  last = 0;
  MuFlow whole = TestFlowCreate(&spec, initial), cut = TestFlowCreate(&spec, initial), other;
  evaluations = 0;
  OK(MuFlowAdvance(whole, end));
  last = evaluations / 2;
  evaluations = 0;
  MuInterruptBegin();
  ck_assert_msg(MuFlowAdvance(cut, end) == MU_STOPPED, "%s: goes on", what);
  ck_assert_msg(evaluations <= last + 2, "%s: %d evaluations more", what, evaluations - last);
  ck_assert_msg(MuFlowAdvance(cut, end) == MU_STOPPED, "%s: forgets", what);
  MuInterruptEnd();
  MuInterruptBegin(); /* no signal any more */
  other = copy(&spec, initial, cut);
  OK(MuFlowAdvance(cut, end));
  OK(MuFlowAdvance(other, end));
  MuInterruptEnd();
  check_same(what, whole, cut);
  check_same(what, whole, other);
  OK(MuFlowDestroy(&other));
  OK(MuFlowDestroy(&cut));
  OK(MuFlowDestroy(&whole));
  OK(MuKernelDestroy(&spec.kernel));
  OK(VecDestroy(&initial));
  OK(MuGridDestroy(&grid));
}
END_TEST

static void register_slow(void) {
  OK(MuEnergyRegister(&slow));
}

static Suite *make_suite(void) {
  Suite *suite = suite_create("stop");
  TCase *t = tcase_create("stop");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, register_slow, NULL);
  tcase_add_loop_test(t, a_step_is_cut_off, 0, CASES);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
