/* Studies whose runs take several ranks each: the numbers of one rank, the same bits where a run
   takes as many; a failure, an error and a signal on one rank of a group are those of all; how many
   ranks memory asks for; wrong numbers of ranks. Runs in the root of the source tree. */
#include "study/study_impl.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>

static char folder[PETSC_MAX_PATH_LEN];
static PetscMPIInt rank, size;

static void make_folder(void) {
  TestFolderCreate("test-groups", folder);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
}

static void remove_folder(void) {
  TestFolderRemove(folder);
}

/* Opens a shipped study on comm with `ranks` for each run. */
static MuStudy opened(MPI_Comm comm, const char *name, const char *out, const char *coarse,
                      int ranks) {
  char overrides[512];
  MuStudy study;
  snprintf(overrides, sizeof overrides, "%s -study_ranks_per_run %d", coarse, ranks);
  OK(TestStudyOpen(comm, name, folder, out, overrides, &study));
  return study;
}

static MuStudy solved(MPI_Comm comm, const char *name, const char *out, const char *coarse,
                      int ranks) {
  MuStudy study = opened(comm, name, out, coarse, ranks);
  OK(MuStudySolve(study));
  return study;
}

/* `rounding` is absolute: of defects and gaps of balances it is all there is. */
static void check_same(MuStudy a, MuStudy b, PetscReal rounding) {
  MuStudyResult p, q;
  OK(MuStudyGetResult(a, &p));
  OK(MuStudyGetResult(b, &q));
  ck_assert_int_eq(p.rows, q.rows);
  ck_assert_int_eq(p.verdict, q.verdict);
  for (PetscInt k = 0; k < p.rows * p.columns; ++k) {
    const PetscReal x = p.table[k], y = q.table[k];
    if ((isnan(x) && isnan(y)) || x == y) continue;
    ck_assert_msg(fabs(x - y) <= rounding * (1 + fabs(x)), "%s of row %d: %.17g and %.17g",
                  p.names[k % p.columns], (int)(k / p.columns), x, y);
  }
}

static const struct {
  const char *name, *coarse;
} studies[] = {
    {"gamma-kernel-fisher-rao-2d",
     "-grid_cells 24,24 -study_values 0.8,0.6,0.45,0.35 -time_end 0.5"},
    {"gamma-ridge-fisher-rao-bandwidth",
     "-grid_cells 64 -study_values 0.5,0.35,0.25 -time_end 0.2"},
    {"order-hellinger-kantorovich-2d", "-grid_cells 24,24 -time_end 0.2"},
    {"order-ornstein-uhlenbeck", "-time_end 0.2"},
    {"rate-ornstein-uhlenbeck", "-grid_cells 64"},
    {"balance", "-grid_cells 24 -time_end 0.1"},
    {"contraction-double-well", "-grid_cells 64"},
    {"equivalence-hellinger-kantorovich", "-time_end 0.5"},
};

/* All ranks on each run, groups of two side by side, and one rank. */
START_TEST(the_numbers_of_one_rank) {
  char own[64];
  for (size_t k = 0; k < sizeof studies / sizeof *studies; k += TestQuick() ? 3 : 1) {
    snprintf(own, sizeof own, "%d-alone-%d", (int)k, (int)rank);
    MuStudy one = solved(PETSC_COMM_SELF, studies[k].name, own, studies[k].coarse, 1);
    for (int ranks = 2; ranks <= size; ranks *= 2) {
      snprintf(own, sizeof own, "%d-on-%d", (int)k, ranks);
      MuStudy many = solved(MPI_COMM_WORLD, studies[k].name, own, studies[k].coarse, ranks);
      check_same(one, many, 1e-9);
      OK(MuStudyDestroy(&many));
    }
    OK(MuStudyDestroy(&one));
  }
}
END_TEST

/* Runs on two ranks give what they give on two ranks, whoever else is there. */
START_TEST(the_same_bits_beside_others) {
  static const char *const coarse = "-grid_cells 64 -time_end 0.5";
  char own[64];
  MPI_Comm pair;
  if (size % 2) return;
  MPI_Comm_split(MPI_COMM_WORLD, rank / 2, rank, &pair);
  snprintf(own, sizeof own, "pair-%d", (int)rank / 2);
  MuStudy apart = solved(pair, "rate-ornstein-uhlenbeck", own, coarse, 2);
  MuStudy beside = solved(MPI_COMM_WORLD, "rate-ornstein-uhlenbeck", "pairs", coarse, 2);
  check_same(apart, beside, 0);
  OK(MuStudyDestroy(&apart));
  OK(MuStudyDestroy(&beside));
  MPI_Comm_free(&pair);
}
END_TEST

/* ------------------------------------------------------------------ what happens on one rank */

static const MuStudyOps *real;
static PetscErrorCode trouble; /* of the last rank of every group, in the first row */
static int number;             /* a signal that it gets */

static PetscErrorCode troubled(MuStudy s, PetscInt i, PetscReal *row, PetscReal *curve) {
  PetscMPIInt place, members;
  PetscErrorCode code = real->task(s, i, row, curve);
  MPI_Comm_rank(s->group, &place);
  MPI_Comm_size(s->group, &members);
  if (place != members - 1) return code;
  if (number) raise(number);
  if (trouble && i == 0) return MuError(trouble, "rank %d is in trouble", (int)place);
  return code;
}

static MuStudy troubled_study(const char *out, MuStudyOps *ops) {
  static const char *const coarse =
      "-grid_cells 64 -study_values 0.4,0.28,0.2,0.14 -time_end 0.2 -time_step 0.1";
  MuStudy study = opened(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", out, coarse, size % 2 ? 1 : 2);
  real = study->ops;
  *ops = *real;
  ops->task = troubled;
  study->ops = ops;
  return study;
}

START_TEST(a_failure_on_one_rank_stays_in_its_row) {
  MuStudyOps ops;
  MuStudy study = troubled_study("failure", &ops);
  trouble = MU_ERR_NUMERICS;
  OK(MuStudySolve(study));
  trouble = 0;
  ck_assert_ptr_nonnull(strstr(study->status[0], "is in trouble"));
  ck_assert(MuStudyDone(study, 1));
  ck_assert_ptr_nonnull(strstr(study->notes, "is in trouble"));
  ck_assert_int_eq(study->verdict, MU_VERDICT_UNDECIDED);
  OK(MuStudyDestroy(&study));
}
END_TEST

START_TEST(an_error_on_one_rank_ends_all) {
  MuStudyOps ops;
  MuStudy study = troubled_study("error", &ops);
  trouble = MU_ERR_FILE;
  ck_assert_int_eq(MuStudySolve(study), MU_ERR_FILE);
  trouble = 0;
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "is in trouble"));
  OK(MuStudyDestroy(&study));
}
END_TEST

START_TEST(a_signal_to_one_rank_stops_all) {
  MuStudyOps ops;
  MuStudyResult r;
  MuStudy study = troubled_study("signal", &ops);
  number = SIGTERM;
  OK(MuStudySolve(study));
  number = 0;
  OK(MuStudyGetResult(study, &r));
  ck_assert(r.stopped);
  OK(MuStudyDestroy(&study));
  study = troubled_study("signal", &ops); /* and goes on */
  OK(MuStudySolve(study));
  OK(MuStudyGetResult(study, &r));
  ck_assert(!r.stopped);
  OK(MuStudyDestroy(&study));
}
END_TEST

/* ------------------------------------------------------------------ how many */

START_TEST(as_many_ranks_as_memory_asks_for) {
  ck_assert_int_eq(MuStudyRanksByMemory(1, 8, 8, 8), 1);
  ck_assert_int_eq(MuStudyRanksByMemory(2, 8, 8, 8), 2);
  ck_assert_int_eq(MuStudyRanksByMemory(2.5, 8, 8, 8), 4); /* three at a time do not divide 8 */
  ck_assert_int_eq(MuStudyRanksByMemory(2.5, 8, 8, 4), 2); /* on two machines */
  ck_assert_int_eq(MuStudyRanksByMemory(3, 8, 6, 6), 3);
  ck_assert_int_eq(MuStudyRanksByMemory(100, 8, 6, 6), 6);
}
END_TEST

static void check_refused(const char *name, const char *overrides, const char *part) {
  MuStudy study;
  PetscErrorCode code = TestStudyOpen(MPI_COMM_WORLD, name, folder, "refused", overrides, &study);
  ck_assert_int_eq(code, MU_ERR_INPUT);
  ck_assert_ptr_null(study);
  ck_assert_msg(strstr(MuErrorMessage(), "study_ranks_per_run") && strstr(MuErrorMessage(), part),
                "%s", MuErrorMessage());
}

START_TEST(wrong_numbers_of_ranks_are_refused) {
  char part[64];
  check_refused("gamma-stein", "-study_ranks_per_run 0", "0");
  check_refused("gamma-stein", "-study_ranks_per_run 3", "mpiexec -n 3");
  snprintf(part, sizeof part, "which is %d", (int)size);
  check_refused("gamma-stein", "-study_ranks_per_run 3", part);
  check_refused("inequality-gaussian", "-study_ranks_per_run 2", "type inequality");
  check_refused("curve-stein", "-study_ranks_per_run 2", "type curve");
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("groups");
  TCase *t = tcase_create("groups");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_test(t, as_many_ranks_as_memory_asks_for);
  tcase_add_test(t, wrong_numbers_of_ranks_are_refused);
  tcase_add_test(t, the_same_bits_beside_others);
  tcase_add_test(t, a_failure_on_one_rank_stays_in_its_row);
  tcase_add_test(t, an_error_on_one_rank_ends_all);
  tcase_add_test(t, a_signal_to_one_rank_stops_all);
  tcase_add_test(t, the_numbers_of_one_rank);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
