/* The shipped studies of two solutions, of prescribed curves, of sharp constants, and further
   decay, in coarse versions with their verdicts; what a search stores. Runs in the root of the
   source tree. */
#include "study/study_impl.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[PETSC_MAX_PATH_LEN];

static void make_folder(void) {
  TestFolderCreate("test-theorems", folder);
}

static void remove_folder(void) {
  TestFolderRemove(folder);
}

static const struct {
  const char *name, *coarse;
  MuStudyVerdict verdict;
} studies[] = {
    {"curve-kernel-fisher-rao", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-not-fisher-rao", "-grid_cells 64 -study_pieces 16", MU_VERDICT_FAILS},
    {"curve-normalized-kernel-fisher-rao", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-ridge-fisher-rao-bandwidth", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-ridge-fisher-rao-ridge", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-ridge-fisher-rao-joint", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-stein", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-stein-translation", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-ridge-stein-bandwidth", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-ridge-stein-ridge", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-ridge-stein-joint", "-grid_cells 256 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-mmd", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-normalized-mmd", "-grid_cells 256 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-de-stein", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-blob-entropy", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-npmle", "-grid_cells 256 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-blob-internal", "-grid_cells 256 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-not-inclusive", "-grid_cells 256 -study_pieces 16", MU_VERDICT_FAILS},
    {"gamma-kale", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"gamma-kale-too-fast", "-grid_cells 32 -time_end 0.4", MU_VERDICT_FAILS},
    {"gamma-kale-mmd", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"gamma-drmmd", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"gamma-drmmd-mmd", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"gamma-moreau-mmd", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"gamma-moreau-kl", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"gamma-moreau-chi2", "-grid_cells 32 -time_end 0.4", MU_VERDICT_HOLDS},
    {"curve-kale", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-kale-mmd", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-drmmd", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-drmmd-mmd", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"curve-moreau-chi2", "-grid_cells 64 -study_pieces 16", MU_VERDICT_HOLDS},
    {"rate-flat-fisher-rao", "-grid_cells 64 -time_step 0.02", MU_VERDICT_HOLDS},
    {"rate-flat-fokker-planck", "-grid_cells 120 -time_step 0.01", MU_VERDICT_HOLDS},
    {"rate-flat-free-mass", "-grid_cells 120 -time_step 0.01", MU_VERDICT_HOLDS},
    {"rate-flat-too-fast", "-grid_cells 120 -time_step 0.01", MU_VERDICT_FAILS},
    {"rate-spherical-hellinger", "-grid_cells 64", MU_VERDICT_HOLDS},
    {"rate-spherical-inclusive-kl", "-grid_cells 64", MU_VERDICT_HOLDS},
    {"rate-spherical-hk-hellinger", "-grid_cells 64 -time_step 0.02", MU_VERDICT_HOLDS},
    {"rate-late-free", "-grid_cells 120", MU_VERDICT_HOLDS},
    {"order-flat-wasserstein", "-study_values 16,32,64 -time_step 0.01", MU_VERDICT_HOLDS},
    {"gamma-ridge-stein-joint", "-grid_cells 256 -time_end 0.1", MU_VERDICT_HOLDS},
    {"gamma-de-stein", "-grid_cells 64 -time_end 0.2", MU_VERDICT_HOLDS},
    {"gamma-blob-internal", "-grid_cells 256 -time_end 0.2", MU_VERDICT_HOLDS},
    {"gamma-npmle", "-grid_cells 256 -time_end 0.2", MU_VERDICT_HOLDS},
    {"gamma-mmd-energy", "-grid_cells 128 -time_end 0.2", MU_VERDICT_HOLDS},
    {"gamma-wasserstein-ridge-mobility", "-grid_cells 64 -time_end 0.1", MU_VERDICT_HOLDS},
    {"gamma-normalized-mmd", "-grid_cells 64 -time_end 0.2", MU_VERDICT_HOLDS},
    {"gamma-hellinger-kantorovich", "-grid_cells 64 -time_end 0.2", MU_VERDICT_HOLDS},
    {"contraction-ornstein-uhlenbeck", "", MU_VERDICT_HOLDS},
    {"contraction-too-fast", "", MU_VERDICT_FAILS},
    {"contraction-double-well", "", MU_VERDICT_HOLDS},
    {"contraction-l1", "", MU_VERDICT_HOLDS},
    {"contraction-hellinger", "", MU_VERDICT_HOLDS},
    {"contraction-hellinger-quarter", "", MU_VERDICT_HOLDS},
    {"contraction-hellinger-kl", "", MU_VERDICT_FAILS},
    {"contraction-mmd", "", MU_VERDICT_HOLDS},
    {"contraction-hk-mass", "-grid_cells 48", MU_VERDICT_HOLDS},
    {"contraction-hk-internal", "-grid_cells 64", MU_VERDICT_HOLDS},
    {"contraction-hk-too-fast", "-grid_cells 48", MU_VERDICT_FAILS},
    {"equivalence-mmd-inclusive-kl", "", MU_VERDICT_HOLDS},
    {"equivalence-not-the-same", "", MU_VERDICT_FAILS},
    {"equivalence-fokker-planck", "", MU_VERDICT_HOLDS},
    {"equivalence-hellinger-kantorovich", "", MU_VERDICT_HOLDS},
    {"equivalence-de-stein-heat", "", MU_VERDICT_HOLDS},
    {"inequality-gaussian", "-study_starts 4", MU_VERDICT_HOLDS},
    {"inequality-gaussian-too-large", "-study_starts 4 -grid_cells 64", MU_VERDICT_FAILS},
    {"inequality-power-quarter", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-power-zero", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-power-beyond", "-study_starts 8 -grid_cells 64", MU_VERDICT_FAILS},
    {"inequality-power-beyond-floor", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-kl-fisher-rao", "-study_starts 8 -grid_cells 64", MU_VERDICT_FAILS},
    {"inequality-hellinger-kantorovich", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-spherical", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-spherical-045", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-spherical-third", "-study_starts 8 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-spherical-not-free", "-study_starts 8 -grid_cells 64", MU_VERDICT_FAILS},
    {"inequality-two-wells", "-study_starts 4 -grid_cells 64", MU_VERDICT_HOLDS},
    {"inequality-two-wells-tilted", "-study_starts 8 -grid_cells 64", MU_VERDICT_FAILS},
    {"rate-chi2", "", MU_VERDICT_HOLDS},
    {"rate-chi2-faster", "", MU_VERDICT_FAILS},
    {"rate-convex-spherical", "", MU_VERDICT_HOLDS},
    {"rate-convex-mmd", "", MU_VERDICT_HOLDS},
    {"rate-plain-fails", "", MU_VERDICT_FAILS},
    {"rate-plain", "", MU_VERDICT_HOLDS},
    {"rate-late-spherical", "", MU_VERDICT_HOLDS},
    {"rate-late-too-fast", "", MU_VERDICT_FAILS},
};

static MuStudy solved(MPI_Comm comm, const char *name, const char *out, const char *overrides) {
  MuStudy study;
  OK(TestStudyOpen(comm, name, folder, out, overrides, &study));
  OK(MuStudySolve(study));
  return study;
}

/* On several ranks a quarter of them: the rows are the same there. */
START_TEST(studies_have_their_verdicts) {
  PetscMPIInt ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (size_t k = 0; k < sizeof studies / sizeof *studies; k += TestQuick() || ranks > 1 ? 4 : 1) {
    MuStudyResult r;
    MuStudy study = solved(MPI_COMM_WORLD, studies[k].name, studies[k].name, studies[k].coarse);
    OK(MuStudyGetResult(study, &r));
    ck_assert_msg(r.verdict == studies[k].verdict, "%s: verdict %d\n%s", studies[k].name,
                  (int)r.verdict, r.notes);
    OK(MuStudyDestroy(&study));
  }
}
END_TEST

/* Shared out among the ranks or on one: the same rows. */
START_TEST(same_on_any_number_of_ranks) {
  static const char *const names[] = {"curve-stein", "contraction-ornstein-uhlenbeck",
                                      "equivalence-hellinger-kantorovich", "inequality-spherical"};
  static const char *const coarse[] = {"-grid_cells 64 -study_pieces 16", "-time_step 0.05", "",
                                       "-grid_cells 64 -study_starts 4"};
  for (size_t k = 0; k < sizeof names / sizeof *names; ++k) {
    char own[64], all[64];
    PetscMPIInt rank;
    MuStudyResult a, b;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    snprintf(own, sizeof own, "serial-%zu-%d", k, (int)rank);
    snprintf(all, sizeof all, "parallel-%zu", k);
    MuStudy parallel = solved(MPI_COMM_WORLD, names[k], all, coarse[k]);
    MuStudy serial = solved(PETSC_COMM_SELF, names[k], own, coarse[k]);
    OK(MuStudyGetResult(parallel, &a));
    OK(MuStudyGetResult(serial, &b));
    for (PetscInt i = 0; i < a.rows * a.columns; ++i) {
      if (isnan(a.table[i]) && isnan(b.table[i])) continue;
      ck_assert_double_eq_tol(a.table[i], b.table[i], 1e-11 * (1 + fabs(b.table[i])));
    }
    OK(MuStudyDestroy(&parallel));
    OK(MuStudyDestroy(&serial));
  }
}
END_TEST

static PetscReal entry(const MuStudyResult *r, PetscInt row, const char *name) {
  for (PetscInt k = 0; k < r->columns; ++k)
    if (!strcmp(r->names[k], name)) return r->table[row * r->columns + k];
  ck_abort_msg("there is no column %s", name);
}

/* Along ((1-s) mu_0^(1/2) + s mu_1^(1/2))^2 the R of Fisher-Rao is 2 int (mu_1^(1/2) -
   mu_0^(1/2))^2 at all s, up to the square of the pieces. */
START_TEST(geodesics_have_constant_speed) {
  PetscReal exact = 0, error[2];
  for (int i = 0; i < 4096; ++i) {
    const PetscReal x = 2 * PETSC_PI * (i + 0.5) / 4096;
    const PetscReal a = (1 + 0.5 * sin(x)) / (2 * PETSC_PI);
    const PetscReal b = (1 + 0.5 * cos(2 * x)) / (2 * PETSC_PI);
    exact += 2 * PetscSqr(sqrt(b) - sqrt(a)) * 2 * PETSC_PI / 4096;
  }
  for (int k = 0; k < 2; ++k) {
    MuStudyResult r;
    MuStudy study =
        solved(MPI_COMM_WORLD, "curve-normalized-kernel-fisher-rao",
               k ? "geodesic-1" : "geodesic-0", k ? "-study_pieces 32" : "-study_pieces 16");
    OK(MuStudyGetResult(study, &r));
    error[k] = fabs(entry(&r, 0, "primal_limit") - exact) / exact;
    OK(MuStudyDestroy(&study));
  }
  ck_assert_msg(error[0] < 1e-3 && error[1] < 0.3 * error[0], "%g %g", error[0], error[1]);
}
END_TEST

/* Along a stored solution of the limit R_e + R*_e exceeds its own by the square of what R_e and
   R*_e are off: order 4 where these have order 2. */
START_TEST(stored_snapshots_are_a_curve) {
  char directory[2 * PETSC_MAX_PATH_LEN], overrides[4 * PETSC_MAX_PATH_LEN];
  char *words[] = {(char *)"-geometry_kernel_fisher_rao",
                   (char *)"0",
                   (char *)"-geometry_power_mobility",
                   (char *)"1",
                   (char *)"-geometry_mobility_exponent",
                   (char *)"2",
                   (char *)"-grid_cells",
                   (char *)"128",
                   (char *)"-time_step",
                   (char *)"0.02",
                   (char *)"-output_every",
                   (char *)"0.02",
                   (char *)"-output_directory",
                   directory};
  MuStudyResult r;
  MuCase c;
  snprintf(directory, sizeof directory, "%s/run", folder);
  OK(MuCaseCreate(MPI_COMM_WORLD, "scripts/studies/curve-kernel-fisher-rao.yaml", 14, words, &c));
  OK(MuRunCase(c));
  OK(MuCaseDestroy(&c));
  snprintf(overrides, sizeof overrides, "-grid_cells 64 -study_curve run -study_directory %s",
           directory);
  MuStudy study = solved(MPI_COMM_WORLD, "curve-kernel-fisher-rao", "snapshots", overrides);
  OK(MuStudyGetResult(study, &r));
  ck_assert_int_eq(r.verdict, MU_VERDICT_HOLDS);
  ck_assert_double_eq_tol(r.order, 4, 0.3);
  ck_assert(entry(&r, r.rows - 1, "excess") > 0);
  OK(MuStudyDestroy(&study));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("theorems");
  TCase *t = tcase_create("theorems");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_test(t, studies_have_their_verdicts);
  tcase_add_test(t, same_on_any_number_of_ranks);
  tcase_add_test(t, geodesics_have_constant_speed);
  tcase_add_test(t, stored_snapshots_are_a_curve);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
