/* The linear solvers: lines, multigrid, band, conjugate gradients, against plain products with the
   same coefficients. */
#include "linear/band.h"
#include "linear/conjugate_gradients.h"
#include "linear/line.h"
#include "linear/multigrid.h"
#include "support.h"

static PetscReal noise(PetscInt i) {
  PetscReal s = sin(12.9898 * (PetscReal)(i + 1)) * 43758.5453;
  return s - floor(s);
}

/* ------------------------------------------------------------------ lines */

/* Largest |e_i x_i + scale (J_(i+1) - J_i) - r_i| over all lines, relative to the largest term. */
static PetscReal line_residual(const MuLinesLayout *s, PetscReal scale, const PetscReal *e,
                               const PetscReal *a, const PetscReal *b, const PetscReal *r,
                               const PetscReal *x) {
  PetscReal worst = 0;
  for (PetscInt l = 0; l < s->count; ++l)
    for (PetscInt i = 0; i < s->cells; ++i) {
      const PetscInt n = s->cells, up = (i + 1) % n, down = (i + n - 1) % n;
      const PetscInt base = l * s->line_stride, step = s->cell_stride, at = base + i * step;
      const PetscInt above = base + up * step, below = base + down * step;
      PetscBool lower = (PetscBool)(i > 0 || s->cyclic), upper = (PetscBool)(up > 0 || s->cyclic);
      PetscReal in = lower ? scale * (a[at] * x[below] - b[at] * x[at]) : 0;
      PetscReal out = upper ? scale * (a[above] * x[at] - b[above] * x[above]) : 0;
      PetscReal own = (e ? e[at] : 1) * x[at];
      PetscReal size = fabs(own) + fabs(r[at]) +
                       scale * (a[at] + b[at] + a[above] + b[above]) *
                           (fabs(x[at]) + fabs(x[below]) + fabs(x[above]));
      worst = fmax(worst, fabs(own + out - in - r[at]) / size);
    }
  return worst;
}

static void check_lines(MuLinesLayout layout, int kind) {
  const PetscInt size = layout.count * layout.cells;
  PetscReal *v[5], scale = 3;
  MuLines lines;
  for (int k = 0; k < 5; ++k) v[k] = malloc(sizeof(PetscReal) * (size_t)size);
  PetscReal *e = v[0], *a = v[1], *b = v[2], *r = v[3], *x = v[4];
  for (PetscInt i = 0; i < size; ++i) {
    e[i] = kind == 1 ? noise(i) : 0;
    a[i] = pow(10, 20 * noise(3 * i) - 10);
    b[i] = kind == 2 ? a[i] : pow(10, 20 * noise(3 * i + 1) - 10);
    r[i] = noise(5 * i) + 0.1;
  }
  for (PetscInt l = 0; kind == 2 && l < layout.count; ++l) /* singular: r must add up to 0 */
    for (PetscInt i = 0; i < layout.cells; i += 2) {
      const PetscInt at = l * layout.line_stride + i * layout.cell_stride;
      r[at + layout.cell_stride] = -r[at];
    }
  OK(MuLinesCreate(&layout, &lines));
  OK(MuLinesFactor(lines, scale, kind ? e : NULL, a, b));
  OK(MuLinesSolve(lines, r, x));
  PetscReal residual = line_residual(&layout, scale, kind ? e : NULL, a, b, r, x);
  ck_assert_msg(residual < 1e-14, "%d lines of %d, cyclic %d, kind %d: residual %g",
                (int)layout.count, (int)layout.cells, (int)layout.cyclic, kind, residual);
  OK(MuLinesSolve(lines, r, r));
  for (PetscInt i = 0; i < size; ++i) ck_assert_double_eq(r[i], x[i]);
  OK(MuLinesDestroy(&lines));
  for (int k = 0; k < 5; ++k) free(v[k]);
}

/* One line, a few, and more than a block of them, next to each other and across; e = 1, random, and
   0 with a symmetric matrix. */
START_TEST(lines_are_solved_to_rounding) {
  const PetscInt counts[] = {1, 3, 8, 37, 70};
  for (int cyclic = 0; cyclic < 2; ++cyclic)
    for (int kind = 0; kind < 3; ++kind)
      for (int k = 0; k < 5; ++k) {
        const PetscInt count = counts[k], cells = 26;
        check_lines((MuLinesLayout){count, cells, cells, 1, (PetscBool)cyclic}, kind);
        check_lines((MuLinesLayout){count, cells, 1, count, (PetscBool)cyclic}, kind);
      }
}
END_TEST

/* ------------------------------------------------------------------ multigrid */

typedef struct {
  PetscInt nx, ny;
  PetscBool px, py, masked;
  PetscReal stretch;
} Shape;

static MuGrid make_grid(MPI_Comm comm, Shape s) {
  unsigned char *mask = malloc((size_t)(s.nx * s.ny));
  MuGridSpec spec = {.dim = 2,
                     .upper = {1, s.stretch},
                     .cells = {s.nx, s.ny},
                     .periodic = {s.px, s.py},
                     .mask = s.masked ? mask : NULL};
  MuGrid grid;
  for (PetscInt i = 0; i < s.nx * s.ny; ++i) {
    PetscInt x = i % s.nx, y = i / s.nx;
    mask[i] = !(x > s.nx / 3 && x < s.nx / 2 && y > s.ny / 4 && y < s.ny / 2);
  }
  OK(MuGridCreate(comm, &spec, &grid));
  free(mask);
  return grid;
}

static PetscReal hills(PetscReal x, PetscReal y) {
  return 2 * sin(6 * x) + cos(5 * y + x);
}

/* Solutions of random systems along both axes, as a global array; free() it. */
static PetscReal *solve_grid_lines(MPI_Comm comm, Shape shape, PetscBool with_e,
                                   PetscBool reversed) {
  MuGrid grid = make_grid(comm, shape);
  MuFaceMatrix matrix = {.scale = {3, 2}};
  MuGridLines lines;
  PetscReal *x, *global;
  Vec f = TestRandomField(grid, 1, 0.1, 1);
  for (unsigned axis = 0; axis < 2; ++axis) {
    matrix.a[axis] = TestRandomField(grid, 2 + axis, 0, 5);
    matrix.b[axis] = TestRandomField(grid, 4 + axis, 0, 5);
  }
  if (with_e) matrix.e = TestRandomField(grid, 6, 0.5, 1);
  OK(MuGridLinesCreate(grid, &lines));
  for (int times = 0; times < 2; ++times) {
    OK(MuGridLinesFactor(lines, &matrix));
    OK(VecGetArray(f, &x));
    OK(MuGridLinesSolve(lines, reversed, x, x));
    OK(VecRestoreArray(f, &x));
  }
  global = TestGather(grid, f);
  OK(MuGridLinesDestroy(&lines));
  for (unsigned axis = 0; axis < 2; ++axis) {
    OK(VecDestroy(&matrix.a[axis]));
    OK(VecDestroy(&matrix.b[axis]));
  }
  OK(VecDestroy(&matrix.e));
  OK(VecDestroy(&f));
  OK(MuGridDestroy(&grid));
  return global;
}

/* Through shared memory, by messages, and on one rank; fewer and more lines than a block, and fewer
   columns than ranks. */
START_TEST(lines_of_grids_have_the_same_bits_on_any_ranks) {
  const Shape shapes[] = {{.nx = 3, .ny = 5, .stretch = 1},
                          {.nx = 37, .ny = 26, .py = PETSC_TRUE, .stretch = 1},
                          {.nx = 70, .ny = 13, .stretch = 1}};
  for (int k = 0; k < 3; ++k)
    for (int variant = 0; variant < 4; ++variant) {
      const PetscBool e = (PetscBool)(variant % 2), reversed = (PetscBool)(variant / 2);
      PetscReal *one = solve_grid_lines(PETSC_COMM_SELF, shapes[k], e, reversed);
      for (int share = 0; share < 2; ++share) {
        TestShareMemory(share ? "true" : "false");
        PetscReal *several = solve_grid_lines(MPI_COMM_WORLD, shapes[k], e, reversed);
        for (PetscInt i = 0; i < shapes[k].nx * shapes[k].ny; ++i)
          ck_assert_double_eq(one[i], several[i]);
        free(several);
      }
      free(one);
      TestShareMemory(NULL);
    }
}
END_TEST

/* Drift down the hills and diffusion, or, symmetric, diffusion with a coefficient over ten decades;
   e = 1 or 0. */
static MuFaceMatrix make_matrix(MuGrid grid, PetscBool symmetric, PetscBool singular) {
  const MuGridInfo *info;
  MuFaceMatrix m = {.scale = {0.7, 0.9}};
  PetscReal *a, *b, x[2];
  OK(MuGridGetInfo(grid, &info));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    const PetscReal h = info->spacing[axis];
    OK(MuGridCreateField(grid, &m.a[axis]));
    OK(MuGridCreateField(grid, &m.b[axis]));
    OK(VecGetArray(m.a[axis], &a));
    OK(VecGetArray(m.b[axis], &b));
    for (PetscInt i = 0; i < info->local_size; ++i) {
      if (!info->open[axis][i]) continue;
      OK(MuGridCellCentre(grid, i, x));
      PetscReal upper = hills(x[0], x[1]),
                lower = hills(x[0] - (axis == 0 ? h : 0), x[1] - (axis == 1 ? h : 0));
      a[i] = symmetric ? exp(6 * upper) / (h * h) : exp(0.5 * (lower - upper)) / (h * h);
      b[i] = symmetric ? a[i] : exp(0.5 * (upper - lower)) / (h * h);
    }
    OK(VecRestoreArray(m.b[axis], &b));
    OK(VecRestoreArray(m.a[axis], &a));
  }
  if (singular) OK(MuGridCreateField(grid, &m.e));
  return m;
}

static void destroy_matrix(MuFaceMatrix *m) {
  for (PetscInt axis = 0; axis < 2; ++axis) {
    OK(VecDestroy(&m->a[axis]));
    OK(VecDestroy(&m->b[axis]));
  }
  OK(VecDestroy(&m->e));
}

static void apply_multigrid(MuMultigrid mg, Vec r, Vec z) {
  const PetscReal *from;
  PetscReal *to, product, whole, size, other;
  OK(VecGetArrayRead(r, &from));
  OK(VecGetArray(z, &to));
  OK(MuMultigridApply(mg, from, 1, to, &product));
  OK(VecRestoreArray(z, &to));
  OK(VecRestoreArrayRead(r, &from));
  OK(VecDot(r, z, &whole));
  OK(VecNorm(r, NORM_2, &size));
  OK(VecNorm(z, NORM_2, &other));
  MPI_Allreduce(MPI_IN_PLACE, &product, 1, MPIU_REAL, MPI_SUM, PetscObjectComm((PetscObject)r));
  ck_assert_double_eq_tol(product, whole, 1e-13 * size * other);
}

/* out = b - A x, from the arrays of the whole grid */
static void residual(MuGrid grid, const MuFaceMatrix *m, Vec b, Vec x, Vec out) {
  const MuGridInfo *info;
  Vec flux, mean;
  PetscReal *j;
  OK(MuGridGetInfo(grid, &info));
  const PetscInt nx = info->cells[0], ny = info->cells[1], first = info->first_row;
  PetscReal *whole = TestGather(grid, x);
  const PetscReal *pa, *pb;
  OK(MuGridCreateField(grid, &flux));
  OK(MuGridCreateField(grid, &mean));
  if (m->e)
    OK(VecPointwiseMult(out, m->e, x));
  else
    OK(VecCopy(x, out));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    OK(VecGetArray(flux, &j));
    OK(VecGetArrayRead(m->a[axis], &pa));
    OK(VecGetArrayRead(m->b[axis], &pb));
    for (PetscInt i = 0; i < info->local_size; ++i) {
      PetscInt c = i % nx, r = first + i / nx;
      PetscInt lower = axis == 0 ? r * nx + (c + nx - 1) % nx : (r + ny - 1) % ny * nx + c;
      j[i] = pa[i] * whole[lower] - pb[i] * whole[r * nx + c];
    }
    OK(VecRestoreArrayRead(m->b[axis], &pb));
    OK(VecRestoreArrayRead(m->a[axis], &pa));
    OK(VecRestoreArray(flux, &j));
    OK(MuGridAddDivergence(grid, axis, m->scale[axis] * info->spacing[axis], flux, out));
  }
  OK(VecAYPX(out, -1, b));
  OK(VecDestroy(&flux));
  OK(VecDestroy(&mean));
  free(whole);
}

static const Shape shapes[] = {{97, 83, PETSC_FALSE, PETSC_FALSE, PETSC_TRUE, 1},
                               {70, 129, PETSC_TRUE, PETSC_FALSE, PETSC_FALSE, 1},
                               {67, 75, PETSC_TRUE, PETSC_TRUE, PETSC_TRUE, 1},
                               {40, 90, PETSC_FALSE, PETSC_TRUE, PETSC_FALSE, 9}};

/* r -> r - A M r shrinks the residual at the rate that is asked for, in every combination; the
   symmetric cycle is slower and not meant to stand alone. */
START_TEST(multigrid_cycles_contract) {
  for (size_t k = 0; k < (TestQuick() ? 2 : 4); ++k)
    for (int symmetric = 0; symmetric < 2; ++symmetric)
      for (int single = 0; single < 2; ++single) {
        MuGrid grid = make_grid(MPI_COMM_WORLD, shapes[k]);
        MuFaceMatrix m = make_matrix(grid, (PetscBool)symmetric, PETSC_FALSE);
        Vec b = TestRandomField(grid, 3, -1, 1), r, x, z;
        PetscReal before, after;
        MuMultigrid mg;
        if (symmetric)
          for (PetscInt axis = 0; axis < 2; ++axis) { /* one coefficient */
            OK(VecDestroy(&m.b[axis]));
            OK(PetscObjectReference((PetscObject)m.a[axis]));
            m.b[axis] = m.a[axis];
          }
        OK(VecDuplicate(b, &r));
        OK(VecDuplicate(b, &x));
        OK(VecDuplicate(b, &z));
        OK(MuGridApplyMask(grid, b));
        OK(VecSet(x, 0));
        OK(MuMultigridCreate(grid, (PetscBool)symmetric, (PetscBool)single, &mg));
        OK(MuMultigridSetUp(mg, &m));
        OK(VecNorm(b, NORM_1, &before));
        for (int cycle = 0; cycle < 10; ++cycle) {
          residual(grid, &m, b, x, r);
          apply_multigrid(mg, r, z);
          OK(VecAXPY(x, 1, z));
        }
        residual(grid, &m, b, x, r);
        OK(VecNorm(r, NORM_1, &after));
        PetscReal rate = pow(after / before, 0.1);
        ck_assert_msg(rate < (symmetric ? 0.75 : 0.35),
                      "shape %d, symmetric %d, single %d: rate %g", (int)k, symmetric, single,
                      rate);
        OK(MuMultigridDestroy(&mg));
        destroy_matrix(&m);
        OK(VecDestroy(&b));
        OK(VecDestroy(&r));
        OK(VecDestroy(&x));
        OK(VecDestroy(&z));
        OK(MuGridDestroy(&grid));
      }
}
END_TEST

/* <x, M y> = <M x, y> and <x, M x> > 0, e = 1 and e = 0. */
START_TEST(symmetric_cycle_is_symmetric) {
  for (size_t k = 0; k < 4; ++k)
    for (int singular = 0; singular < 2; ++singular) {
      MuGrid grid = make_grid(MPI_COMM_WORLD, shapes[k]);
      MuFaceMatrix m = make_matrix(grid, PETSC_TRUE, (PetscBool)singular);
      Vec x = TestRandomField(grid, 1, -1, 1), y = TestRandomField(grid, 2, -1, 1), mx, my;
      PetscReal left, right, own, size;
      MuMultigrid mg;
      OK(VecDuplicate(x, &mx));
      OK(VecDuplicate(x, &my));
      OK(MuGridApplyMask(grid, x));
      OK(MuGridApplyMask(grid, y));
      OK(MuMultigridCreate(grid, PETSC_TRUE, PETSC_FALSE, &mg));
      OK(MuMultigridSetUp(mg, &m));
      apply_multigrid(mg, x, mx);
      apply_multigrid(mg, y, my);
      OK(VecDot(x, my, &left));
      OK(VecDot(mx, y, &right));
      OK(VecDot(x, mx, &own));
      OK(VecDot(y, my, &size));
      ck_assert_msg(own > 0 && fabs(left - right) <= 1e-11 * (own + size),
                    "shape %d, singular %d: <x, My> %g, <Mx, y> %g, <x, Mx> %g", (int)k, singular,
                    left, right, own);
      OK(MuMultigridDestroy(&mg));
      destroy_matrix(&m);
      OK(VecDestroy(&x));
      OK(VecDestroy(&y));
      OK(VecDestroy(&mx));
      OK(VecDestroy(&my));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* ------------------------------------------------------------------ band */

START_TEST(band_is_solved_with_and_without_interchanges) {
  enum { N = 40, W = 5 };
  for (int dominant = 0; dominant < 2; ++dominant) {
    PetscReal full[N][N] = {{0}}, x[N], r[N] = {0};
    MuBand band;
    OK(MuBandCreate(N, W, &band));
    OK(MuBandZero(band));
    for (PetscInt i = 0; i < N; ++i)
      for (PetscInt j = PetscMax(0, i - W); j <= PetscMin(N - 1, i + W); ++j) {
        full[i][j] = i == j ? (dominant ? 2 * W + 1 : 0.01) : -noise(i * N + j);
        MuBandAdd(band, i, j, full[i][j]);
      }
    for (PetscInt i = 0; i < N; ++i) x[i] = noise(7 * i) - 0.5;
    for (PetscInt i = 0; i < N; ++i)
      for (PetscInt j = 0; j < N; ++j) r[i] += full[i][j] * x[j];
    OK(MuBandFactor(band));
    OK(MuBandSolve(band, r));
    for (PetscInt i = 0; i < N; ++i) ck_assert_double_eq_tol(r[i], x[i], 1e-11);
    OK(MuBandDestroy(&band));
  }
}
END_TEST

/* Differences between neighbours, whose constants are free: the last unknown is kept at 0, and what
   has no sum is solved. */
START_TEST(singular_band_keeps_an_unknown_at_zero) {
  enum { N = 8 };
  PetscReal x[N], r[N] = {0}, sum = 0;
  MuBand band;
  OK(MuBandCreate(N, 1, &band));
  OK(MuBandZero(band));
  for (PetscInt i = 0; i + 1 < N; ++i) {
    r[i] = (PetscReal)(i % 3) - 1; /* small integers: the elimination is exact */
    sum += r[i];
    MuBandAdd(band, i, i, 1);
    MuBandAdd(band, i + 1, i + 1, 1);
    MuBandAdd(band, i, i + 1, -1);
    MuBandAdd(band, i + 1, i, -1);
  }
  r[N - 1] = -sum;
  OK(PetscArraycpy(x, r, N));
  OK(MuBandFactor(band));
  OK(MuBandSolve(band, x));
  ck_assert_double_eq_tol(x[N - 1], 0, 1e-300);
  for (PetscInt i = 0; i < N; ++i) {
    PetscReal product = i > 0 ? x[i] - x[i - 1] : 0;
    if (i + 1 < N) product += x[i] - x[i + 1];
    ck_assert_double_eq_tol(product, r[i], 1e-13);
  }
  OK(MuBandDestroy(&band));
}
END_TEST

/* ------------------------------------------------------------------ conjugate gradients */

typedef struct {
  Vec diagonal;
  PetscInt fails_at, calls;
  PetscReal goal;
} System;

static PetscErrorCode apply_diagonal(void *ctx, Vec x, Vec y) {
  System *s = ctx;

  PetscFunctionBegin;
  if (++s->calls == s->fails_at) return MuError(MU_ERR_NUMERICS, "the operator has failed");
  PetscCall(VecPointwiseMult(y, s->diagonal, x));
  PetscFunctionReturn(0);
}

static PetscBool enough(void *ctx, PetscReal energy, PetscReal recent) {
  return (PetscBool)(recent <= ((System *)ctx)->goal * energy);
}

static const MuConjugateGradientsOps by_residual = {.apply = apply_diagonal};
static const MuConjugateGradientsOps by_energy = {.apply = apply_diagonal, .enough = enough};

START_TEST(conjugate_gradients_stop_as_they_are_told) {
  MuGrid grid = TestGrid(1, 200, 1, 0, 1, PETSC_FALSE);
  System s = {.diagonal = TestRandomField(grid, 4, 1, 100), .goal = 1e-12};
  Vec b = TestRandomField(grid, 5, -1, 1), x, exact;
  MuConjugateGradients cg;
  MuCgOutcome outcome;
  PetscReal norm, energy, distance;
  OK(VecDuplicate(b, &x));
  OK(VecDuplicate(b, &exact));
  OK(VecPointwiseDivide(exact, b, s.diagonal));
  OK(VecNorm(b, NORM_2, &norm));
  OK(VecDot(b, exact, &energy));

  OK(MuConjugateGradientsCreate(b, &by_residual, &s, &cg));
  OK(MuConjugateGradientsSolve(cg, 1e-10 * norm, 500, b, x, &outcome));
  OK(VecAXPY(x, -1, exact));
  OK(VecNorm(x, NORM_2, &distance));
  ck_assert(outcome.reached && !outcome.limited && outcome.residual <= 1e-10 * norm);
  ck_assert_double_le(distance, 1e-10 * norm);
  OK(MuConjugateGradientsSolve(cg, 1e-10 * norm, 5, b, x, &outcome));
  ck_assert(!outcome.reached && outcome.limited && outcome.iterations == 5);
  s.calls = 0;
  s.fails_at = 3;
  ck_assert_int_eq(MuConjugateGradientsSolve(cg, 1e-10 * norm, 500, b, x, &outcome),
                   MU_ERR_NUMERICS);
  s.fails_at = 0;
  OK(MuConjugateGradientsSolve(cg, 1e-10 * norm, 500, b, x, &outcome)); /* as if nothing was */
  ck_assert(outcome.reached);
  OK(MuConjugateGradientsDestroy(&cg));

  OK(MuConjugateGradientsCreate(b, &by_energy, &s, &cg));
  OK(MuConjugateGradientsSolve(cg, 0, 500, b, x, &outcome));
  ck_assert(outcome.reached);
  ck_assert_double_eq_tol(outcome.energy, energy, 1e-10 * energy);
  OK(MuConjugateGradientsDestroy(&cg));
  OK(VecDestroy(&s.diagonal));
  OK(VecDestroy(&b));
  OK(VecDestroy(&x));
  OK(VecDestroy(&exact));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *s = suite_create("linear");
  TCase *t = tcase_create("solvers");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, lines_are_solved_to_rounding);
  tcase_add_test(t, lines_of_grids_have_the_same_bits_on_any_ranks);
  tcase_add_test(t, multigrid_cycles_contract);
  tcase_add_test(t, symmetric_cycle_is_symmetric);
  tcase_add_test(t, band_is_solved_with_and_without_interchanges);
  tcase_add_test(t, singular_band_keeps_an_unknown_at_zero);
  tcase_add_test(t, conjugate_gradients_stop_as_they_are_told);
  suite_add_tcase(s, t);
  return s;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
