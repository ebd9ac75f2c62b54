/* Studies: every shipped one in a coarse version with its verdict; the same numbers on any number
   of ranks; continuation; exact solutions, fits and transfers against obvious oracles; wrong input.
   Runs in the root of the source tree, where scripts/studies is. */
#include "study/study_impl.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[PETSC_MAX_PATH_LEN];

static void make_folder(void) {
  TestFolderCreate("test-study", folder);
}

static void remove_folder(void) {
  TestFolderRemove(folder);
}

static MuStudy solved(MPI_Comm comm, const char *name, const char *out, const char *overrides) {
  MuStudy study;
  OK(TestStudyOpen(comm, name, folder, out, overrides, &study));
  OK(MuStudySolve(study));
  return study;
}

static PetscInt column_of(const MuStudyResult *r, const char *name) {
  for (PetscInt k = 0; k < r->columns; ++k)
    if (!strcmp(r->names[k], name)) return k;
  ck_abort_msg("there is no column %s", name);
}

static PetscReal entry(const MuStudyResult *r, PetscInt row, const char *name) {
  return r->table[row * r->columns + column_of(r, name)];
}

/* ------------------------------------------------------------------ the shipped studies, coarse */

typedef struct {
  const char *name, *coarse;
  MuStudyVerdict verdict;
  PetscReal order, tolerance; /* of the leading error */
} Shipped;

/* The orders are those of the theorems; the tolerance is what coarse values leave of them. */
static const Shipped gammas[] = {
    {"gamma-kernel-fisher-rao", "-grid_cells 128 -study_values 0.4,0.28,0.2,0.14 -time_end 2",
     MU_VERDICT_HOLDS, 2, 0.1},
    {"gamma-not-fisher-rao", "-grid_cells 128 -study_values 0.4,0.28,0.2,0.14 -time_end 2",
     MU_VERDICT_FAILS, 0, 0.1},
    {"gamma-normalized-kernel-fisher-rao",
     "-grid_cells 256 -study_values 0.4,0.28,0.2,0.14 -time_end 1 -time_step 0.0125",
     MU_VERDICT_HOLDS, 2, 0.2},
    {"gamma-ridge-fisher-rao-bandwidth",
     "-grid_cells 256 -study_values 0.25,0.16,0.1 -time_end 1 -time_step 0.0125", MU_VERDICT_HOLDS,
     2, 0.1},
    {"gamma-ridge-fisher-rao-ridge",
     "-grid_cells 256 -study_values 3e-3,1e-3,3e-4 -time_end 1 -time_step 0.0125", MU_VERDICT_HOLDS,
     0.9, 0.1},
    {"gamma-ridge-fisher-rao-joint",
     "-grid_cells 256 -study_values 0.25,0.16,0.1 -time_end 1 -time_step 0.0125", MU_VERDICT_HOLDS,
     1.8, 0.2},
    {"gamma-ridge-mobility",
     "-grid_cells 256 -study_values 3e-3,1e-3,3e-4 -time_end 1 -time_step 0.0125", MU_VERDICT_HOLDS,
     0.9, 0.1},
    {"gamma-stein", "-grid_cells 128 -study_values 0.4,0.25,0.16 -time_end 0.5 -time_step 0.05",
     MU_VERDICT_HOLDS, 2, 0.15},
    {"gamma-ridge-stein-bandwidth",
     "-grid_cells 192 -study_values 0.375,0.24,0.15 -time_end 0.5 -time_step 0.02",
     MU_VERDICT_HOLDS, 2, 0.3},
    {"gamma-ridge-stein-ridge",
     "-grid_cells 128 -study_values 6e-2,3e-2,1.5e-2 -time_end 0.5 -time_step 0.05",
     MU_VERDICT_HOLDS, 0.9, 0.1},
    {"gamma-ridge-torus-s2", "-grid_cells 512 -time_end 0.1 -time_step 0.05", MU_VERDICT_HOLDS,
     0.75, 0.02},
    {"gamma-ridge-torus-s3", "-grid_cells 512 -time_end 0.1 -time_step 0.05", MU_VERDICT_HOLDS, 0.5,
     0.02},
    {"gamma-mmd", "-grid_cells 128 -study_values 0.25,0.16,0.1 -time_end 1 -time_step 0.1",
     MU_VERDICT_HOLDS, 2, 0.1},
    {"gamma-blob-entropy", "-time_step 0.01", MU_VERDICT_HOLDS, 4, 0.3},
    {"gamma-kernel-fisher-rao-2d",
     "-grid_cells 64,64 -study_values 0.28,0.16,0.1 -time_end 1 -time_step 0.2", MU_VERDICT_HOLDS,
     2, 0.25},
    {"gamma-ridge-fisher-rao-2d",
     "-grid_cells 48,48 -study_values 0.4,0.25,0.16 -time_end 0.4 -time_step 0.05",
     MU_VERDICT_HOLDS, 2, 0.15},
    {"gamma-stein-2d",
     "-grid_cells 48,48 -study_values 0.4,0.28,0.2,0.14 -time_end 0.6 -time_step 0.1",
     MU_VERDICT_HOLDS, 2, 0.25},
};

#define PARTICLES "-grid_cells 200 -study_seeds 8 -study_values 25,50,100,200"

static const Shipped others[] = {
    {"order-fisher-rao-step", "-grid_cells 64 -study_values 0.2,0.1,0.05", MU_VERDICT_HOLDS, 2,
     0.05},
    {"order-heat-2d", "-grid_cells 64,64 -study_values 0.001,0.0005,0.00025 -time_end 0.008",
     MU_VERDICT_HOLDS, 1, 0.1},
    {"order-ornstein-uhlenbeck", "-study_values 32,64,128", MU_VERDICT_HOLDS, 2, 0.15},
    {"order-hellinger-kantorovich-2d", "-study_values 16,32,64 -time_end 0.2", MU_VERDICT_HOLDS, 2,
     0.15},
    /* between the order 1 of the kink and 2 of the rest */
    {"order-porous-medium", "-study_values 32,64,128", MU_VERDICT_HOLDS, 1.5, 0.5},
    {"order-stein-finest", "-study_values 16,32,64 -time_end 0.4", MU_VERDICT_HOLDS, 2, 0.3},
    /* exact solutions: the rates are those of the formulas */
    {"rate-mmd-exact", "-grid_cells 64", MU_VERDICT_HOLDS, 2, 1e-9},
    {"rate-ornstein-uhlenbeck", "-grid_cells 128", MU_VERDICT_HOLDS, 2, 0.03},
    {"rate-lojasiewicz", "-grid_cells 128", MU_VERDICT_HOLDS, 2, 1e-9},
    {"rate-lojasiewicz-fails", "-grid_cells 128", MU_VERDICT_FAILS, NAN, 0},
    {"rate-lojasiewicz-holes", "-grid_cells 128", MU_VERDICT_HOLDS, 2, 1e-9},
    {"rate-ift-mmd", "-grid_cells 128 -time_step 0.05", MU_VERDICT_HOLDS, NAN, 0},
    {"rate-spherical-ift-mmd", "-grid_cells 128 -time_step 0.05", MU_VERDICT_HOLDS, NAN, 0},
    {"rate-spherical-ift-kl", "-grid_cells 64 -time_step 0.05 -time_end 1", MU_VERDICT_HOLDS, NAN,
     0},
    {"rate-spherical-ift-kl-bimodal", "-grid_cells 64 -time_step 0.05 -time_end 1",
     MU_VERDICT_HOLDS, NAN, 0},
    {"rate-hellinger-kantorovich", "-grid_cells 128 -time_step 0.02", MU_VERDICT_HOLDS, NAN, 0},
    /* gap of the continuous operator for this mixture: 2 * 0.579 = 1.158 */
    {"rate-hellinger-kantorovich-bimodal", "-grid_cells 128 -time_step 0.02", MU_VERDICT_HOLDS,
     1.16, 0.02},
    {"balance", "-grid_cells 32 -study_values 0.02,0.01,0.005 -time_end 0.1", MU_VERDICT_HOLDS, 4,
     0.05},
    /* seeds are fixed, so these are the same numbers every time; 1/2 with the noise of 8 seeds,
       which leaves it open (the whole studies take 60) */
    {"particles-ift", PARTICLES, MU_VERDICT_UNDECIDED, 0.5, 0.15},
    {"particles-wfr", PARTICLES, MU_VERDICT_UNDECIDED, 0.5, 0.15},
    {"particles-svgd", PARTICLES, MU_VERDICT_UNDECIDED, 0.5, 0.15},
    {"particles-ift-entropic", PARTICLES, MU_VERDICT_FAILS, 0, 0.15},
};

static void check_shipped(const Shipped *s) {
  MuStudyResult r;
  MuStudy study = solved(MPI_COMM_WORLD, s->name, s->name, s->coarse);
  OK(MuStudyGetResult(study, &r));
  ck_assert_msg(r.verdict == s->verdict, "%s: verdict %d, wanted %d\n%s", s->name, (int)r.verdict,
                (int)s->verdict, r.notes);
  if (!isnan(s->order))
    ck_assert_msg(fabs(r.order - s->order) <= s->tolerance, "%s: order %g, wanted %g +- %g",
                  s->name, r.order, s->order, s->tolerance);
  OK(MuStudyDestroy(&study));
}

START_TEST(gamma_studies) {
  for (size_t k = 0; k < sizeof gammas / sizeof *gammas; k += TestQuick() ? 3 : 1)
    check_shipped(&gammas[k]);
}
END_TEST

START_TEST(other_studies) {
  for (size_t k = 0; k < sizeof others / sizeof *others; k += TestQuick() ? 3 : 1)
    check_shipped(&others[k]);
}
END_TEST

/* ------------------------------------------------------------------ what the columns say */

/* kernel_fisher_rao in closed form: for rho constant in x and kl, K xi = rho^2 xi for every h, so
   all errors are rounding, and no order can be claimed. */
START_TEST(constant_densities_have_no_error) {
  MuStudyResult r;
  MuStudy study =
      solved(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", "constant",
             "-grid_cells 32 -target_type uniform -initial_type formula -initial_density 1 "
             "-study_values 0.4,0.2,0.1 -time_end 1");
  OK(MuStudyGetResult(study, &r));
  ck_assert_int_eq(r.verdict, MU_VERDICT_UNDECIDED);
  for (PetscInt i = 0; i < r.rows; ++i) {
    ck_assert(entry(&r, i, "density_error_l1") < 1e-12);
    ck_assert(entry(&r, i, "used_in_fit") == 0);
  }
  OK(MuStudyDestroy(&study));
}
END_TEST

/* R*_lambda < R*_0, and identity (2) to the tolerance of the ridge solves (1e-10). */
START_TEST(ridge_columns) {
  MuStudyResult r;
  MuStudy study = solved(MPI_COMM_WORLD, "gamma-ridge-fisher-rao-ridge", "ridge",
                         "-grid_cells 128 -study_values 3e-2,1e-2,3e-3 -time_end 0.4");
  OK(MuStudyGetResult(study, &r));
  for (PetscInt i = 0; i < r.rows; ++i) {
    ck_assert(entry(&r, i, "dual_potential_gap") > 0);
    ck_assert(entry(&r, i, "ridge_identity") < 1e-8);
    if (i) ck_assert(entry(&r, i, "dual_potential_gap") < entry(&r, i - 1, "dual_potential_gap"));
  }
  OK(MuStudyDestroy(&study));
}
END_TEST

START_TEST(same_on_any_number_of_ranks) {
  static const char *const coarse = "-grid_cells 64 -study_values 0.4,0.28,0.2,0.14 -time_end 1";
  char own[64];
  PetscMPIInt rank;
  MuStudyResult a, b;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(own, sizeof own, "serial-%d", (int)rank);
  MuStudy parallel = solved(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", "parallel", coarse);
  MuStudy serial = solved(PETSC_COMM_SELF, "gamma-kernel-fisher-rao", own, coarse);
  OK(MuStudyGetResult(parallel, &a));
  OK(MuStudyGetResult(serial, &b));
  for (PetscInt k = 0; k < a.rows * a.columns; ++k) {
    if (isnan(a.table[k]) && isnan(b.table[k])) continue;
    /* plans of the transforms may differ: rounding */
    ck_assert_double_eq_tol(a.table[k], b.table[k], 1e-11);
  }
  OK(MuStudyDestroy(&parallel));
  OK(MuStudyDestroy(&serial));
}
END_TEST

/* ------------------------------------------------------------------ continuation */

/* An interrupted study: no study.h5 yet, and some rows on disk, which are told by a wrong number.
 */
START_TEST(interrupted_study_continues) {
  static const char *const coarse = "-grid_cells 64 -study_values 0.4,0.28,0.2,0.14 -time_end 1";
  char path[2 * PETSC_MAX_PATH_LEN];
  MuStudyResult r;
  PetscMPIInt rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MuStudy study = solved(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", "interrupted", coarse);
  MuStudy again;
  OK(TestStudyOpen(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", folder, "interrupted", coarse,
                   &again));
  ck_assert_int_eq(MuStudySolve(again), MU_ERR_INPUT); /* it is finished */
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "finished"));
  OK(MuStudyDestroy(&again));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    snprintf(path, sizeof path, "%s/interrupted/study.h5", folder);
    ck_assert_int_eq(unlink(path), 0);
    MuStudyRow(study, 2)[1] = 42;
    OK(MuStudyFileAddRow(study, 2));
  }
  MPI_Barrier(MPI_COMM_WORLD);
  const PetscReal kept = MuStudyRow(study, 1)[1];
  OK(MuStudyDestroy(&study));
  study = solved(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", "interrupted", coarse);
  OK(MuStudyGetResult(study, &r));
  ck_assert_double_eq(entry(&r, 2, "density_error_l1"), 42);
  ck_assert_double_eq_tol(entry(&r, 1, "density_error_l1"), kept, 1e-11);
  OK(MuStudyDestroy(&study));
  OK(TestStudyOpen(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", folder, "interrupted",
                   "-grid_cells 64 -study_values 0.4,0.3,0.2 -time_end 1", &study));
  ck_assert_int_eq(MuStudySolve(study), MU_ERR_INPUT); /* another study */
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "another study"));
  OK(MuStudyDestroy(&study));
}
END_TEST

/* Rows whose runs failed do not count, and the two others are no order. */
START_TEST(failed_runs_stay_in_their_rows) {
  MuStudyResult r;
  MuStudy study = solved(MPI_COMM_WORLD, "gamma-kernel-fisher-rao", "failed",
                         "-grid_cells 64 -study_values 0.4,0.28,0.2,0.14 -time_end 1");
  for (int i = 1; i < 3; ++i) {
    ck_assert(MuStudyDone(study, i));
    snprintf(study->status[i], MU_STATUS_LENGTH, "failed: the flow stopped at t = 0");
    ck_assert(!MuStudyDone(study, i));
  }
  OK(study->ops->judge(study));
  OK(MuStudyGetResult(study, &r));
  ck_assert_int_eq(r.verdict, MU_VERDICT_UNDECIDED);
  OK(MuStudyDestroy(&study));
}
END_TEST

/* ------------------------------------------------------------------ wrong input */

START_TEST(mistakes_are_one_sentence) {
  static const struct {
    const char *study, *overrides, *sentence;
  } wrong[] = {
      {"gamma-kernel-fisher-rao", "-study_values 0.4", "study_values: has 1 value; at least 3"},
      {"gamma-kernel-fisher-rao", "-study_values 0.4,0.1,0.2", "is not monotone"},
      {"gamma-kernel-fisher-rao", "-study_values 0.1,0.2,0.4", "study_values: 0.1, ..., 0.4 rise"},
      {"gamma-moreau-kl", "-study_values 1,2,4", "no limit of the energy moreau is known as the"},
      {"gamma-kernel-fisher-rao", "-study_values 0.4,0.2,-0.1", "study_values: -0.1"},
      {"gamma-kernel-fisher-rao", "-study_vary geometry_ridge",
       "study_vary: geometry_ridge is not in"},
      {"gamma-kernel-fisher-rao", "-study_vary kernel_bandwith", "the nearest is kernel_bandwidth"},
      {"gamma-kernel-fisher-rao", "-study_vary time_step", "study_vary: time_step has no limit"},
      {"gamma-kernel-fisher-rao", "-study_limit wasserstein",
       "study_limit: wasserstein cannot be the limit of kernel_fisher_rao"},
      {"gamma-kernel-fisher-rao", "-study_limit fisher_rau", "the nearest is fisher_rao"},
      {"gamma-kernel-fisher-rao", "-geometry_kernel_fisher_rao 0 -geometry_fisher_rao 1",
       "nothing in"},
      {"gamma-kernel-fisher-rao", "-kernel_normalization peak", "unit mass"},
      {"order-fisher-rao-step", "-study_exact ornstein_uhlenbeck",
       "study_exact: ornstein_uhlenbeck does not belong to this case; it needs geometry "
       "wasserstein"},
      {"order-fisher-rao-step", "-study_exact fisher_rao", "the nearest is fisher_rao"},
      {"order-stein-finest", "-study_values 32,48,64", "not a multiple"},
      {"rate-ift-mmd", "-study_theorem lojasiewicz", "study_theorem: lojasiewicz does not belong"},
      {"balance", "-study_systems wasserstein:kl", "is not geometry:energy:scheme"},
      {"balance", "-study_systems wassertein:kl:auto", "the nearest is wasserstein"},
  };
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; ++k) {
    MuStudy study;
    PetscErrorCode code =
        TestStudyOpen(MPI_COMM_WORLD, wrong[k].study, folder, "wrong", wrong[k].overrides, &study);
    ck_assert_msg(code == MU_ERR_INPUT, "%s %s: code %d", wrong[k].study, wrong[k].overrides,
                  (int)code);
    ck_assert_msg(strstr(MuErrorMessage(), wrong[k].sentence) != NULL, "%s: \"%s\" lacks \"%s\"",
                  wrong[k].overrides, MuErrorMessage(), wrong[k].sentence);
    ck_assert_ptr_null(study);
  }
}
END_TEST

/* ------------------------------------------------------------------ fits and transfers */

/* Anscombe's first quartet: slope 0.500, standard error 0.118 (Anscombe 1973). */
START_TEST(fit_has_the_textbook_error) {
  const PetscReal x[] = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
  const PetscReal y[] = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  MuFit fit = MuFitLine(11, x, y);
  ck_assert_double_eq_tol(fit.slope, 0.5001, 1e-4);
  ck_assert_double_eq_tol(fit.intercept, 3.0001, 1e-4);
  ck_assert_double_eq_tol(fit.stderror, 0.1179, 1e-4);
}
END_TEST

START_TEST(transfer_conserves_mass) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    MuGridSpec spec = {.dim = dim, .lower = {0, 0}, .upper = {1, 2}, .cells = {24, 12}};
    MuGrid fine, coarse;
    const MuGridInfo *b;
    PetscReal before, after = 0, *c;
    OK(MuGridCreate(PETSC_COMM_SELF, &spec, &fine));
    spec.cells[0] = 8;
    spec.cells[1] = 3;
    OK(MuGridCreate(PETSC_COMM_SELF, &spec, &coarse));
    Vec f = TestRandomField(fine, 7, 0, 1);
    OK(MuGridGetInfo(coarse, &b));
    OK(PetscMalloc1(b->cells[0] * b->cells[1], &c));
    OK(MuTransferRestrict(fine, f, b, 1, c));
    OK(MuGridIntegrate(fine, f, &before));
    for (PetscInt i = 0; i < b->cells[0] * b->cells[1]; ++i) after += c[i] * b->volume;
    ck_assert_double_eq_tol(before, after, 1e-14);
    Vec g = TestRandomField(coarse, 7, 0, 1);
    const MuGridInfo *a;
    OK(MuGridGetInfo(fine, &a));
    ck_assert_int_eq(MuTransferRestrict(coarse, g, a, 1, c), MU_ERR_INPUT);
    OK(VecDestroy(&f));
    OK(VecDestroy(&g));
    OK(PetscFree(c));
    OK(MuGridDestroy(&fine));
    OK(MuGridDestroy(&coarse));
  }
}
END_TEST

/* ------------------------------------------------------------------ exact solutions */

static MuTrial open_trial(const char *file, const char *overrides) {
  char text[1024], *words[32], path[PETSC_MAX_PATH_LEN];
  MuOverrides o = {0};
  MuTrial t;
  int count = 0;
  snprintf(text, sizeof text, "%s", overrides);
  snprintf(path, sizeof path, "scripts/%s.yaml", file);
  for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) words[count++] = word;
  for (int k = 0; k + 1 < count; k += 2) OK(MuOverridesSet(&o, words[k], "%s", words[k + 1]));
  OK(MuTrialCreate(PETSC_COMM_SELF, path, &o, PETSC_TRUE, &t));
  OK(MuOverridesDestroy(&o));
  return t;
}

/* The exact density at `time` satisfies d rho/dt = -K DF of the discrete flow up to the error of
   its discretisation: the velocity is differenced in time. Relative error in L1. */
static PetscReal equation_defect(MuTrial *t, const char *name, PetscReal time) {
  const PetscReal dt = 1e-4;
  MuGrid grid = t->parts->grid;
  Vec before, here, after, xi, image;
  PetscReal defect, size;
  MuExact e;
  OK(MuExactCreate(name, t, &e));
  Vec *const fields[] = {&before, &here, &after, &xi, &image};
  for (int k = 0; k < 5; ++k) OK(MuGridCreateField(grid, fields[k]));
  OK(MuExactEvaluate(e, time - dt, before));
  OK(MuExactEvaluate(e, time, here));
  OK(MuExactEvaluate(e, time + dt, after));
  OK(VecAXPY(after, -1, before));
  OK(VecScale(after, 1 / (2 * dt)));
  OK(MuEnergyEvaluate(t->parts->energy, here, NULL, NULL, xi, NULL));
  OK(MuGeometrySetState(t->parts->geometry, here));
  OK(MuGeometryApply(t->parts->geometry, MU_PART_ALL, xi, NULL, image));
  OK(MuGridDistanceL1(grid, after, NULL, &size));
  OK(VecAXPY(after, 1, image));
  OK(MuGridDistanceL1(grid, after, NULL, &defect));
  for (int k = 0; k < 5; ++k) OK(VecDestroy(fields[k]));
  OK(MuExactDestroy(&e));
  return defect / size;
}

START_TEST(exact_solutions_solve_the_equation) {
  static const struct {
    const char *file, *overrides, *name;
    PetscReal bound; /* reactions: dt^2 of the difference; transport: spacing^2 */
  } cases[] = {
      {"power", "grid_cells 64", "fisher_rao_power", 1e-6},
      {"hellinger", "grid_cells 64", "fisher_rao_power", 1e-6},
      {"inclusive-kl", "grid_cells 64", "fisher_rao_power", 1e-6},
      {"fisher-rao", "grid_cells 64", "fisher_rao_kl", 1e-6},
      {"fisher-rao", "grid_cells 64 geometry_spherical true geometry_fisher_rao 2", "fisher_rao_kl",
       1e-6},
      {"mmd-l2", "grid_cells 256", "heat_absorption", 1e-5},
      {"ornstein-uhlenbeck", "grid_cells 512", "ornstein_uhlenbeck", 2e-3},
      {"ornstein-uhlenbeck",
       "grid_cells 512 geometry_fisher_rao 0.7 geometry_spherical true target_covariance 1.3",
       "gaussian_hellinger_kantorovich", 2e-3},
      {"heat-equation", "grid_cells 96,96", "heat", 2e-3},
      {"porous-medium", "grid_cells 512", "barenblatt", 4e-2},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
    MuTrial t = open_trial(cases[k].file, cases[k].overrides);
    PetscReal defect =
        equation_defect(&t, cases[k].name, !strcmp(cases[k].name, "heat") ? 0.01 : 0.3);
    ck_assert_msg(defect < cases[k].bound, "%s of %s: defect %g", cases[k].name, cases[k].file,
                  defect);
    OK(MuTrialDestroy(&t));
  }
}
END_TEST

/* pi + e^-t (rho_0 - pi): cheap enough to write down. */
START_TEST(mixture_is_exact) {
  MuTrial t = open_trial("ift-mmd", "grid_lower -6 grid_upper 10 grid_cells 64 target_mean 0 "
                                    "target_covariance 1 initial_mean 5 initial_covariance 1 "
                                    "geometry_wasserstein 0 geometry_mmd 0.5");
  MuExact e;
  Vec rho;
  PetscReal error;
  OK(MuExactCreate("mmd_mixture", &t, &e));
  OK(MuGridCreateField(t.parts->grid, &rho));
  OK(MuExactEvaluate(e, 2, rho));
  Vec expected;
  OK(VecDuplicate(t.parts->log_target, &expected));
  OK(VecCopy(t.parts->log_target, expected));
  OK(VecExp(expected));
  OK(VecAXPBY(expected, exp(-1), 1 - exp(-1), t.parts->initial));
  OK(MuGridDistanceL1(t.parts->grid, rho, expected, &error));
  ck_assert(error < 1e-14);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&expected));
  OK(MuExactDestroy(&e));
  OK(MuTrialDestroy(&t));
}
END_TEST

/* The largest of an error over the output times is that of its row. */
static void check_curves(MuStudy s, const MuStudyResult *r) {
  static const char *const names[] = {"error_l1", "error_l2", "error_max"};
  for (PetscInt i = 0; i < r->rows; ++i)
    for (int q = 0; q < 3; ++q) {
      const PetscReal *error = MuStudyCurve(s, i, q);
      PetscReal worst = 0;
      for (PetscInt k = 0; k < s->times; ++k) {
        ck_assert(isfinite(error[k]));
        worst = PetscMax(worst, error[k]);
      }
      ck_assert_double_eq(worst, entry(r, i, names[q]));
    }
}

/* The finest run is kept, and as a stored reference it gives the errors that it gave; 16 cells are
   the coarsest of both studies. */
START_TEST(finest_run_is_a_reference) {
  const char *coarse = "-study_values 16,32,64 -time_end 0.4";
  char overrides[3 * PETSC_MAX_PATH_LEN];
  MuStudyResult before, after;
  MuStudy first = solved(MPI_COMM_WORLD, "order-stein-finest", "against-finest", coarse), second;
  OK(MuStudyGetResult(first, &before));
  check_curves(first, &before);
  MPI_Barrier(MPI_COMM_WORLD);
  snprintf(overrides, sizeof overrides, "%s -study_reference %s/against-finest/finest", coarse,
           folder);
  second = solved(MPI_COMM_WORLD, "order-stein-finest", "against-stored", overrides);
  OK(MuStudyGetResult(second, &after));
  check_curves(second, &after);
  ck_assert_int_eq(after.verdict, MU_VERDICT_HOLDS);
  ck_assert_double_eq_tol(after.order, 2, 0.3);
  for (PetscInt i = 0; i < 3; ++i) /* what is stored is the same to the bit */
    ck_assert_double_eq(entry(&before, i, "error_l1"), entry(&after, i, "error_l1"));
  OK(MuStudyDestroy(&first));
  OK(MuStudyDestroy(&second));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("study");
  TCase *t = tcase_create("study");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_test(t, fit_has_the_textbook_error);
  tcase_add_test(t, transfer_conserves_mass);
  tcase_add_test(t, exact_solutions_solve_the_equation);
  tcase_add_test(t, mixture_is_exact);
  tcase_add_test(t, mistakes_are_one_sentence);
  tcase_add_test(t, constant_densities_have_no_error);
  tcase_add_test(t, ridge_columns);
  tcase_add_test(t, same_on_any_number_of_ranks);
  tcase_add_test(t, interrupted_study_continues);
  tcase_add_test(t, failed_runs_stay_in_their_rows);
  tcase_add_test(t, finest_run_is_a_reference);
  tcase_add_test(t, gamma_studies);
  tcase_add_test(t, other_studies);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
