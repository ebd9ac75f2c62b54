/* The conformance suite that users run passes for every row of the tables, and fails for operators
   and energies that are wrong. */
#include "check/check.h"
#include "energy/energy_impl.h"
#include "geometry/geometry_impl.h"
#include "support.h"

static const char *failed_line(const MuCheckTable *table) {
  for (PetscInt k = 0; k < table->rows; ++k)
    if (table->row[k].outcome == MU_CHECK_FAILED) return table->row[k].what;
  return NULL;
}

START_TEST(every_geometry_passes) {
  const char *name, *formula;
  MuCheckTable table;
  for (PetscInt i = 0;; ++i) {
    OK(MuGeometryGetTableRow(i, &name, &formula));
    if (!name) break;
    OK(MuCheckGeometry(MPI_COMM_WORLD, name, &table));
    ck_assert_msg(!failed_line(&table), "%s: %s", name, failed_line(&table));
    ck_assert_int_ge(table.rows, 8);
  }
}
END_TEST

START_TEST(every_energy_passes) {
  const char *name, *formula;
  MuCheckTable table;
  for (PetscInt i = 0;; ++i) {
    OK(MuEnergyGetTableRow(i, &name, &formula));
    if (!name) break;
    OK(MuCheckEnergy(MPI_COMM_WORLD, name, &table));
    ck_assert_msg(!failed_line(&table), "%s: %s", name, failed_line(&table));
    ck_assert_int_ge(table.rows, 7);
  }
}
END_TEST

START_TEST(a_name_that_is_not_there_is_refused) {
  MuCheckTable table;
  ck_assert_int_eq(MuCheckEnergy(MPI_COMM_WORLD, "kll", &table), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "nearest is kl"));
  ck_assert_int_eq(MuCheckGeometry(MPI_COMM_WORLD, "steyn", &table), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "nearest is stein"));
}
END_TEST

/* ------------------------------------------------------------------ what is wrong is found */

/* K xi = mu (x_i + 1/2) xi_(i-1): neither symmetric nor semi-definite. */
static PetscErrorCode skewed(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  const PetscReal *x, *mu;
  PetscReal *y;
  (void)preimage;
  OK(VecGetArrayRead(xi, &x));
  OK(VecGetArrayRead(g->rho, &mu));
  OK(VecGetArray(out, &y));
  for (PetscInt i = 1; i < g->info->local_size; ++i) y[i] += part->weight * mu[i] * x[i - 1];
  OK(VecRestoreArray(out, &y));
  OK(VecRestoreArrayRead(g->rho, &mu));
  OK(VecRestoreArrayRead(xi, &x));
  return 0;
}

static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  return VecAXPY(d, part->weight, g->rho);
}

START_TEST(a_wrong_operator_fails) {
  static const MuPartOps wrong = {.name = "wrong_operator",
                                  .formula = "none",
                                  .kind = MU_PART_REACTION,
                                  .vanishes = PETSC_TRUE,
                                  .apply = skewed,
                                  .diagonal = diagonal};
  MuCheckTable table;
  OK(MuGeometryRegister(&wrong));
  OK(MuCheckGeometry(MPI_COMM_WORLD, "wrong_operator", &table));
  ck_assert_msg(failed_line(&table) && !strcmp(failed_line(&table), "symmetric, 1-D"), "%s",
                failed_line(&table));
}
END_TEST

static PetscErrorCode nothing(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  (void)g, (void)part, (void)xi, (void)out;
  return 0;
}

/* Its relative form, with which log_density steps, is 0. */
START_TEST(a_flow_that_stands_still_fails) {
  static MuPartOps frozen;
  PetscBool flow = PETSC_FALSE;
  MuCheckTable table;
  frozen = MuPartKernelFisherRao;
  frozen.name = "frozen_operator";
  frozen.relative = nothing;
  OK(MuGeometryRegister(&frozen));
  OK(MuCheckGeometry(MPI_COMM_WORLD, "frozen_operator", &table));
  for (PetscInt k = 0; k < table.rows; ++k)
    if (!strcmp(table.row[k].what, "flow"))
      flow = (PetscBool)(table.row[k].outcome == MU_CHECK_FAILED);
  ck_assert(flow);
}
END_TEST

/* The limits of a ridge stand in the table, each with its line. */
START_TEST(limits_of_a_ridge_have_lines) {
  static const char *const what[] = {"limit, bandwidth", "limit, ridge", "limit, both"};
  MuCheckTable table;
  OK(MuCheckGeometry(MPI_COMM_WORLD, "ridge_fisher_rao", &table));
  for (int i = 0; i < 3; ++i) {
    PetscInt k = 0;
    while (k < table.rows && strcmp(table.row[k].what, what[i]) != 0) ++k;
    ck_assert_msg(k < table.rows, "%s", what[i]);
    ck_assert_int_eq(table.row[k].outcome, MU_CHECK_PASSED);
  }
}
END_TEST

/* F = 1/2 int rho^2 with DF = 1.01 rho. */
static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    if (f) f[i] = 0.5 * state->rho[i] * state->rho[i];
    if (df) df[i] = 1.01 * state->rho[i];
  }
  return 0;
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  for (PetscInt i = 0; i < term->shared->n; ++i) g[i] = 0.5 * (pair->a->rho[i] + pair->b->rho[i]);
  return 0;
}

START_TEST(a_wrong_energy_fails) {
  static const MuTermOps wrong = {.name = "wrong_energy",
                                  .formula = "none",
                                  .kind = MU_TERM_FROZEN,
                                  .evaluate = evaluate,
                                  .gradient = gradient};
  MuCheckTable table;
  OK(MuEnergyRegister(&wrong));
  OK(MuCheckEnergy(MPI_COMM_WORLD, "wrong_energy", &table));
  ck_assert_msg(failed_line(&table) && !strcmp(failed_line(&table), "derivative"), "%s",
                failed_line(&table));
}
END_TEST

static Suite *suite(void) {
  Suite *s = suite_create("check");
  TCase *t = tcase_create("check");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, every_geometry_passes);
  tcase_add_test(t, every_energy_passes);
  tcase_add_test(t, a_name_that_is_not_there_is_refused);
  tcase_add_test(t, a_wrong_operator_fails);
  tcase_add_test(t, a_flow_that_stands_still_fails);
  tcase_add_test(t, limits_of_a_ridge_have_lines);
  tcase_add_test(t, a_wrong_energy_fails);
  suite_add_tcase(s, t);
  return s;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, suite);
}
