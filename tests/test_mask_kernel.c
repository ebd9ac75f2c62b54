/* Kernels renormalised on the inside of a mask: a dense oracle, rows, definiteness, inverses. */
#include "flow_support.h"

enum { MOST = 128 };

typedef struct {
  const char *what;
  PetscInt dim, cells[2];
  PetscBool periodic, masked;
} Domain;

static const Domain domains[] = {
    {"a line", 1, {24, 1}, PETSC_FALSE, PETSC_FALSE},
    {"a line with a gap", 1, {30, 1}, PETSC_FALSE, PETSC_TRUE},
    {"a circle with a gap", 1, {30, 1}, PETSC_TRUE, PETSC_TRUE},
    {"rooms", 2, {12, 9}, PETSC_FALSE, PETSC_TRUE},
    {"a torus with obstacles", 2, {10, 8}, PETSC_TRUE, PETSC_TRUE},
};
enum { DOMAINS = sizeof domains / sizeof *domains };
static const char *const types[] = {"gaussian", "matern", "wendland"};
enum { TYPES = sizeof types / sizeof *types };

/* A wall of two cells in the middle, in the plane with a door. */
static MuGrid make_grid(const Domain *d) {
  unsigned char mask[MOST];
  MuGridSpec spec = {.dim = d->dim, .lower = {-2, -2}, .upper = {2, 2}};
  MuGrid grid;
  for (PetscInt a = 0; a < d->dim; ++a) {
    spec.cells[a] = d->cells[a];
    spec.periodic[a] = d->periodic;
  }
  for (PetscInt i = 0; i < d->cells[0] * d->cells[1]; ++i) {
    const PetscInt x = i % d->cells[0], y = i / d->cells[0];
    mask[i] = x / 2 != d->cells[0] / 4 || (d->dim == 2 && y >= 3 && y < 5);
  }
  if (d->masked) spec.mask = mask;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  return grid;
}

static MuConvolution make_convolution(MuGrid grid, PetscInt dim, const char *type,
                                      MuExtension extension, MuLocation location) {
  MuKernel kernel = TestKernel(dim, type, 0.5, extension);
  MuConvolution convolution;
  OK(MuConvolutionCreate(grid, kernel, location, &convolution));
  OK(MuKernelDestroy(&kernel));
  return convolution;
}

/* The matrix of a convolution between the cells, by columns. */
static void columns_of(MuConvolution convolution, MuGrid grid, const PetscReal *inside, PetscInt n,
                       PetscReal *matrix) {
  const MuGridInfo *info;
  Vec unit;
  OK(MuGridGetInfo(grid, &info));
  OK(MuGridCreateField(grid, &unit));
  for (PetscInt j = 0; j < n; ++j) {
    const PetscInt mine = j - info->first_row * info->row_length;
    PetscReal *x, *column;
    OK(VecSet(unit, 0));
    OK(VecGetArray(unit, &x));
    if (mine >= 0 && mine < info->local_size) x[mine] = inside[j];
    OK(VecRestoreArray(unit, &x));
    OK(MuConvolutionApply(convolution, unit, unit));
    column = TestGather(grid, unit);
    for (PetscInt i = 0; i < n; ++i) matrix[i * n + j] = column[i] * inside[i];
    free(column);
  }
  OK(VecDestroy(&unit));
}

/* d with d_i (K d)_i = 1 where `inside`, by plain iteration. */
static void balance(PetscInt n, const PetscReal *k, const PetscReal *inside, PetscReal *d) {
  PetscReal next[MOST];
  for (PetscInt i = 0; i < n; ++i) d[i] = inside[i];
  for (int round = 0; round < 300; ++round) {
    for (PetscInt i = 0; i < n; ++i) {
      PetscReal sum = 0;
      for (PetscInt j = 0; j < n; ++j) sum += k[i * n + j] * d[j];
      next[i] = inside[i] > 0 ? sqrt(d[i] / sum) : 0;
    }
    memcpy(d, next, sizeof(PetscReal) * (size_t)n);
  }
}

/* Whether a + shift is positive definite, by Cholesky's factors, which replace a. */
static PetscBool is_definite(PetscInt n, PetscReal *a, PetscReal shift) {
  for (PetscInt j = 0; j < n; ++j) {
    for (PetscInt i = j; i < n; ++i) {
      PetscReal sum = a[i * n + j] + (i == j ? shift : 0);
      for (PetscInt k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && sum <= 0) return PETSC_FALSE;
      a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
    }
  }
  return PETSC_TRUE;
}

/* Where cells, or faces of an axis, are. */
static Vec inside_of(MuGrid grid, MuLocation location) {
  const MuGridInfo *info;
  PetscReal *x;
  Vec inside;
  OK(MuGridGetInfo(grid, &info));
  OK(MuGridCreateField(grid, &inside));
  OK(VecGetArray(inside, &x));
  for (PetscInt i = 0; i < info->local_size; ++i)
    x[i] = location == MU_CELLS ? info->mask[i] : info->open[location][i];
  OK(VecRestoreArray(inside, &x));
  return inside;
}

static void check_matrix(const Domain *d, MuGrid grid, const char *type, MuLocation location) {
  const PetscInt n = d->cells[0] * d->cells[1];
  PetscReal *plain = calloc((size_t)(n * n), sizeof *plain);
  PetscReal *matrix = calloc((size_t)(n * n), sizeof *matrix), scale[MOST];
  Vec field = inside_of(grid, location);
  PetscReal *inside = TestGather(grid, field);
  MuConvolution zero = make_convolution(grid, d->dim, type, MU_EXTENSION_ZERO, location);
  MuConvolution mask = make_convolution(grid, d->dim, type, MU_EXTENSION_MASK, location);
  columns_of(zero, grid, inside, n, plain);
  columns_of(mask, grid, inside, n, matrix);
  balance(n, plain, inside, scale);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal row = 0;
    for (PetscInt j = 0; j < n; ++j) {
      const PetscReal expected = scale[i] * plain[i * n + j] * scale[j];
      row += matrix[i * n + j];
      ck_assert_msg(fabs(matrix[i * n + j] - expected) < 1e-12,
                    "%s, %s: entry %d, %d is %g, not %g", d->what, type, (int)i, (int)j,
                    matrix[i * n + j], expected);
    }
    ck_assert_double_eq_tol(row, inside[i], 1e-12);
  }
  ck_assert_msg(is_definite(n, matrix, 1e-12), "%s, %s: not semi-definite", d->what, type);
  OK(MuConvolutionDestroy(&zero));
  OK(MuConvolutionDestroy(&mask));
  OK(VecDestroy(&field));
  free(inside);
  free(plain);
  free(matrix);
}

/* D Kc D with the D of a plain iteration; rows 1; positive semi-definite. On cells and on faces. */
START_TEST(the_dense_oracle) {
  for (int d = 0; d < DOMAINS; ++d) {
    MuGrid grid = make_grid(&domains[d]);
    for (int t = 0; t < (TestQuick() ? 1 : TYPES); ++t) {
      check_matrix(&domains[d], grid, types[t], MU_CELLS);
      check_matrix(&domains[d], grid, types[t], MU_FACES_X);
    }
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* (K + ridge)^(-1) against K. */
START_TEST(inverses) {
  static const PetscReal ridges[] = {1e-3, 0.1, 10};
  for (int d = 0; d < DOMAINS; ++d)
    for (int r = 0; r < 3; ++r) {
      MuGrid grid = make_grid(&domains[d]);
      MuConvolution mask =
          make_convolution(grid, domains[d].dim, "matern", MU_EXTENSION_MASK, MU_CELLS);
      Vec x = TestRandomField(grid, 3, -1, 1), y, z;
      OK(MuGridApplyMask(grid, x));
      OK(VecDuplicate(x, &y));
      OK(VecDuplicate(x, &z));
      OK(MuConvolutionApplyInverse(mask, ridges[r], x, y));
      OK(MuConvolutionApply(mask, y, z));
      OK(VecAXPY(z, ridges[r], y));
      ck_assert_double_le(TestMaxDifference(x, z), 1e-10);
      OK(VecDestroy(&x));
      OK(VecDestroy(&y));
      OK(VecDestroy(&z));
      OK(MuConvolutionDestroy(&mask));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

static PetscReal shallow(PetscReal x, PetscReal y) {
  return 0.5 * x * x + 0.3 * sin(x - y);
}

static PetscReal shifted(PetscReal x, PetscReal y) {
  return exp(-shallow(x, y) + 0.3 * cos(2 * x));
}

/* Geometries and energies with the kernel in two rooms: a step keeps the density positive and
   brings the energy down; the ledger's balance holds to the step. */
START_TEST(flows_in_rooms) {
  static const char *const pairs[][2] = {{"kernel_fisher_rao", "kl"},
                                         {"normalized_kernel_fisher_rao", "kl"},
                                         {"ridge_fisher_rao", "kl"},
                                         {"mmd", "kl"},
                                         {"stein", "kl"},
                                         {"fisher_rao", "blob_entropy"},
                                         {"wasserstein", "mmd"}};
  MuGrid grid = make_grid(&domains[3]);
  for (size_t k = 0; k < sizeof pairs / sizeof *pairs; ++k) {
    TestFlowSpec spec = {.grid = grid,
                         .energy = {pairs[k][1]},
                         .geometry = {pairs[k][0]},
                         .ridge = 0.1,
                         .log_target = TestLogTarget(grid, shallow),
                         .kernel = TestKernel(2, "gaussian", 0.5, MU_EXTENSION_MASK),
                         .step = 0.01,
                         .end = 0.05};
    Vec initial = TestField(grid, shifted), rho;
    TestNormalise(grid, initial);
    MuFlow flow = TestFlowCreate(&spec, initial);
    PetscReal before, after, smallest, time;
    OK(MuFlowGetEnergy(flow, &before, NULL));
    OK(MuFlowAdvance(flow, spec.end));
    OK(MuFlowGetEnergy(flow, &after, NULL));
    OK(MuFlowGetState(flow, &time, &rho));
    OK(VecMin(rho, NULL, &smallest));
    ck_assert_msg(after < before, "%s of %s: energy %g, then %g", pairs[k][0], pairs[k][1], before,
                  after);
    ck_assert(smallest >= 0);
    OK(MuFlowDestroy(&flow));
    OK(VecDestroy(&initial));
    OK(VecDestroy(&spec.log_target));
    OK(MuKernelDestroy(&spec.kernel));
  }
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Kernels without an integral are refused. */
START_TEST(unfit_kernels_are_refused) {
  static const char *const unfit[] = {"imq", "riesz"};
  MuGrid grid = make_grid(&domains[1]);
  for (int k = 0; k < 2; ++k) {
    MuKernel kernel = TestKernel(1, unfit[k], 0.5, MU_EXTENSION_MASK);
    MuConvolution convolution;
    ck_assert_int_eq(MuConvolutionCreate(grid, kernel, MU_CELLS, &convolution), MU_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "mask"));
    OK(MuKernelDestroy(&kernel));
  }
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("mask_kernel");
  TCase *t = tcase_create("mask_kernel");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, the_dense_oracle);
  tcase_add_test(t, inverses);
  tcase_add_test(t, flows_in_rooms);
  tcase_add_test(t, unfit_kernels_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
