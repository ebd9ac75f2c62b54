/* Grids: quadrature, adjointness of difference and divergence, transposition, components, bad
 * input. */
#include "grid/transpose.h"
#include "grid/window.h"
#include "support.h"

static PetscReal quadratic(PetscReal x, PetscReal y) {
  return x * x + 2 * y;
}

START_TEST(quadrature_is_second_order) {
  PetscReal h[3], error[3];
  for (PetscInt k = 0; k < 3; ++k) {
    PetscInt n = 16 << k;
    MuGrid grid = TestGrid(2, n, n, 0, 1, PETSC_FALSE);
    Vec f = TestField(grid, quadratic);
    PetscReal integral;
    OK(MuGridIntegrate(grid, f, &integral));
    h[k] = 1.0 / n;
    error[k] = fabs(integral - (1.0 / 3 + 1));
    OK(VecDestroy(&f));
    OK(MuGridDestroy(&grid));
  }
  ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.01);
}
END_TEST

static MuGrid masked_grid(PetscInt dim, PetscBool px, PetscBool py) {
  enum { NX = 12, NY = 10 };
  unsigned char mask[NX * NY];
  for (PetscInt i = 0; i < NX * NY; ++i) mask[i] = (i * 7) % 11 != 3;
  MuGridSpec spec = {.dim = dim,
                     .lower = {0, -1},
                     .upper = {3, 1},
                     .cells = {NX, NY},
                     .periodic = {px, py},
                     .mask = mask};
  MuGrid grid;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  return grid;
}

/* <grad f, J> + <f, div J> = 0 for J zero on closed faces, to rounding */
START_TEST(divergence_is_the_negative_adjoint) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int p = 0; p < 4; ++p) {
      MuGrid grid = masked_grid(dim, (PetscBool)(p & 1), (PetscBool)(p >> 1));
      const MuGridInfo *info;
      OK(MuGridGetInfo(grid, &info));
      for (PetscInt axis = 0; axis < dim; ++axis) {
        Vec f = TestRandomField(grid, 1, -1, 1), flux = TestRandomField(grid, 2, -1, 1), d, div;
        PetscReal *j, left, right;
        OK(VecGetArray(flux, &j));
        for (PetscInt i = 0; i < info->local_size; ++i)
          if (!info->open[axis][i]) j[i] = 0;
        OK(VecRestoreArray(flux, &j));
        OK(MuGridCreateField(grid, &d));
        OK(MuGridCreateField(grid, &div));
        OK(MuGridGradient(grid, axis, f, d));
        OK(MuGridAddDivergence(grid, axis, 1, flux, div));
        OK(MuGridInner(grid, d, flux, &left));
        OK(MuGridInner(grid, f, div, &right));
        ck_assert_double_eq_tol(left, -right, 1e-12 * fabs(left) + 1e-13);
        OK(MuGridIntegrate(grid, div, &right));
        ck_assert_double_eq_tol(right, 0, 1e-12);
        OK(VecDestroy(&f));
        OK(VecDestroy(&flux));
        OK(VecDestroy(&d));
        OK(VecDestroy(&div));
      }
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

START_TEST(transpose_goes_there_and_back) {
  for (PetscInt item = 1; item <= 2; ++item) {
    MuGrid grid = TestGrid(2, 5, 9, 0, 1, PETSC_FALSE);
    const MuGridInfo *info;
    const PetscInt columns = 7;
    PetscInt first, count;
    MuTranspose t;
    OK(MuGridGetInfo(grid, &info));
    OK(MuTransposeCreate(grid, columns, item, &t));
    MuColumnRange(info, columns, item, info->rank, &first, &count);
    PetscReal *rows = malloc(sizeof(PetscReal) * (size_t)(info->rows * columns * item));
    PetscReal *back = calloc((size_t)(info->rows * columns * item), sizeof(PetscReal));
    PetscReal *cols = calloc((size_t)(count * info->total_rows * item) + 1, sizeof(PetscReal));
    for (PetscInt r = 0; r < info->rows; ++r)
      for (PetscInt c = 0; c < columns; ++c)
        for (PetscInt k = 0; k < item; ++k)
          rows[(r * columns + c) * item + k] = 1000 * (info->first_row + r) + 10 * c + k;
    OK(MuTransposeForward(t, rows, cols));
    for (PetscInt c = 0; c < count; ++c)
      for (PetscInt r = 0; r < info->total_rows; ++r)
        for (PetscInt k = 0; k < item; ++k)
          ck_assert_double_eq(cols[(c * info->total_rows + r) * item + k],
                              1000 * r + 10 * (first + c) + k);
    OK(MuTransposeBackward(t, cols, back));
    for (PetscInt i = 0; i < info->rows * columns * item; ++i)
      ck_assert_double_eq(rows[i], back[i]);
    free(rows);
    free(back);
    free(cols);
    OK(MuTransposeDestroy(&t));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* Every rank writes its rows and reads what the others have written in its columns. */
START_TEST(windows_are_seen_by_all_ranks) {
  MuGrid grid = TestGrid(2, 5, 9, 0, 1, PETSC_FALSE);
  const MuGridInfo *info;
  const PetscInt columns = 20, rows = 9;
  PetscInt first, count;
  MuWindow window;
  OK(MuGridGetInfo(grid, &info));
  OK(MuWindowCreate(grid, 10, &window)); /* too little */
  ck_assert_ptr_null(window);
  OK(MuWindowCreate(grid, (size_t)1 << 50, &window)); /* more than a node has */
  ck_assert_ptr_null(window);
  TestShareMemory("false");
  OK(MuWindowCreate(grid, 100000, &window));
  ck_assert_ptr_null(window);
  TestShareMemory("true");
  OK(MuWindowCreate(grid, (size_t)(columns * rows), &window));
  ck_assert_int_eq(window != NULL, info->size > 1);
  if (window) {
    PetscReal *a = MuWindowArray(window);
    ck_assert_int_eq((uintptr_t)a % 64, 0);
    for (PetscInt i = 0; i < columns * rows; ++i) ck_assert_double_eq(a[i], 0);
    OK(MuWindowMeet(window));
    for (PetscInt i = info->first_row * columns; i < (info->first_row + info->rows) * columns; ++i)
      a[i] = (PetscReal)i;
    OK(MuWindowMeet(window));
    MuColumnRange(info, columns, 1, info->rank, &first, &count);
    for (PetscInt r = 0; r < rows; ++r)
      for (PetscInt c = first; c < first + count; ++c)
        ck_assert_double_eq(a[r * columns + c], (PetscReal)(r * columns + c));
  }
  OK(MuWindowDestroy(&window));
  TestShareMemory(NULL);
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Whole cache lines where there are enough, and every column once. */
START_TEST(columns_are_shared_out) {
  for (PetscMPIInt size = 1; size < 6; ++size)
    for (PetscInt columns = 1; columns < 70; ++columns)
      for (PetscInt item = 1; item <= 2; ++item) {
        const MuGridInfo info = {.size = size};
        PetscInt next = 0, first, count;
        for (PetscMPIInt r = 0; r < size; ++r) {
          MuColumnRange(&info, columns, item, r, &first, &count);
          ck_assert_int_eq(first, next);
          ck_assert_int_ge(count, 0);
          if (columns * item >= 8 * size && first < columns) ck_assert_int_eq(first * item % 8, 0);
          next = first + count;
        }
        ck_assert_int_eq(next, columns);
      }
}
END_TEST

START_TEST(components_are_counted) {
  unsigned char mask[8 * 4];
  for (PetscInt i = 0; i < 32; ++i) mask[i] = i % 8 != 3;
  MuGridSpec spec = {.dim = 2, .upper = {8, 4}, .cells = {8, 4}, .mask = mask};
  PetscInt count, sizes[2];
  MuGrid grid;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  OK(MuGridComponents(grid, 2, &count, sizes));
  ck_assert_int_eq(count, 2);
  ck_assert_int_eq(sizes[0], 16);
  ck_assert_int_eq(sizes[1], 12);
  OK(MuGridDestroy(&grid));
  spec.periodic[0] = PETSC_TRUE;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  OK(MuGridComponents(grid, 2, &count, sizes));
  ck_assert_int_eq(count, 1);
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(bad_grids_are_refused) {
  unsigned char closed[16] = {0};
  MuGridSpec good = {.dim = 2, .upper = {1, 1}, .cells = {4, 4}}, bad;
  MuGrid grid;
  bad = good;
  bad.cells[1] = 0;
  ck_assert_int_eq(MuGridCreate(MPI_COMM_WORLD, &bad, &grid), MU_ERR_INPUT);
  bad = good;
  bad.upper[0] = 0;
  ck_assert_int_eq(MuGridCreate(MPI_COMM_WORLD, &bad, &grid), MU_ERR_INPUT);
  bad = good;
  bad.mask = closed;
  ck_assert_int_eq(MuGridCreate(MPI_COMM_WORLD, &bad, &grid), MU_ERR_INPUT);
  ck_assert_ptr_null(grid);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("grid");
  TCase *t = tcase_create("grid");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, quadrature_is_second_order);
  tcase_add_test(t, divergence_is_the_negative_adjoint);
  tcase_add_test(t, transpose_goes_there_and_back);
  tcase_add_test(t, windows_are_seen_by_all_ranks);
  tcase_add_test(t, columns_are_shared_out);
  tcase_add_test(t, components_are_counted);
  tcase_add_test(t, bad_grids_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
