/* Linear transport steps: every solver against a dense elimination, mass, sign, equilibrium,
 * orders, and the error in L1 where 1/pi spans two hundred decades. */
#include "flow/transport.h"
#include "grid/arrays.h"
#include "support.h"

#include <string.h>

static const MuTransportSolver all_solvers[] = {MU_TRANSPORT_COUPLED, MU_TRANSPORT_DIMENSION_SPLIT,
                                                MU_TRANSPORT_DIRECT};

typedef struct {
  PetscInt dim, nx, ny;
  PetscBool px, py, masked;
} Shape;

static MuGrid make_grid(MPI_Comm comm, Shape s, PetscReal half_width) {
  unsigned char *mask = malloc((size_t)(s.nx * s.ny));
  for (PetscInt i = 0; i < s.nx * s.ny; ++i) mask[i] = (i * 7) % 23 != 3;
  MuGridSpec spec = {.dim = s.dim,
                     .lower = {-half_width, -half_width},
                     .upper = {half_width, half_width},
                     .cells = {s.nx, s.ny},
                     .periodic = {s.px, s.py},
                     .mask = s.masked ? mask : NULL};
  MuGrid grid;
  OK(MuGridCreate(comm, &spec, &grid));
  free(mask);
  return grid;
}

/* Fewer cases: under sanitizers, and on several ranks, where every message costs a switch. */
static PetscBool fewer(void) {
  PetscMPIInt size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return (PetscBool)(size > 1 || TestQuick());
}

static PetscReal integral(MuGrid grid, Vec f) {
  PetscReal value;
  OK(MuGridIntegrate(grid, f, &value));
  return value;
}

static PetscReal distance(MuGrid grid, Vec f, Vec g) {
  PetscReal value;
  OK(MuGridDistanceL1(grid, f, g, &value));
  return value;
}

static void normalise(MuGrid grid, Vec f) {
  OK(VecScale(f, 1 / integral(grid, f)));
}

static void set_open(MuGrid grid, MuTransport t, PetscInt axis, Vec a, Vec b) {
  const MuGridInfo *info;
  Vec to[2], from[2] = {a, b};
  OK(MuGridGetInfo(grid, &info));
  OK(MuTransportGetCoefficients(t, axis, &to[0], &to[1]));
  for (int k = 0; k < 2; ++k) {
    const PetscReal *x;
    PetscReal *y;
    OK(VecGetArrayRead(from[k], &x));
    OK(VecGetArray(to[k], &y));
    for (PetscInt i = 0; i < info->local_size; ++i) y[i] = info->open[axis][i] ? x[i] : 0;
    OK(VecRestoreArray(to[k], &y));
    OK(VecRestoreArrayRead(from[k], &x));
  }
}

static void fill_random(MuGrid grid, MuTransport t, PetscInt dim) {
  for (PetscInt axis = 0; axis < dim; ++axis) {
    Vec a = TestRandomField(grid, 10 + (unsigned)axis, 0, 1);
    Vec b = TestRandomField(grid, 20 + (unsigned)axis, 0, 1);
    set_open(grid, t, axis, a, b);
    OK(VecDestroy(&a));
    OK(VecDestroy(&b));
  }
}

/* ------------------------------------------------------------------ the oracle */

/* rate[j*n + i] from cell j to cell i, times dt, for the axes of `axes` (bit mask). */
static PetscReal *dense_rates(MuGrid grid, MuTransport t, PetscReal dt, int axes) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  const PetscInt nx = info->cells[0], n = nx * info->cells[1];
  PetscReal *rate = calloc((size_t)(n * n), sizeof *rate);
  for (PetscInt axis = 0; axis < info->dim; ++axis) {
    Vec va, vb;
    OK(MuTransportGetCoefficients(t, axis, &va, &vb));
    PetscReal *a = TestGather(grid, va), *b = TestGather(grid, vb);
    for (PetscInt i = 0; i < n && (axes >> axis & 1); ++i) {
      PetscInt x = i % nx, y = i / nx;
      PetscInt lower = axis == 0 ? y * nx + (x + nx - 1) % nx
                                 : (y + info->cells[1] - 1) % info->cells[1] * nx + x;
      rate[lower * n + i] += dt * a[i];
      rate[i * n + lower] += dt * b[i];
    }
    free(a);
    free(b);
  }
  return rate;
}

/* Solves x_i + sum_j (rate_ij x_i - rate_ji x_j) = r_i in place by state reduction: all terms are
   non-negative, so every entry is accurate. */
static void dense_solve(PetscInt n, PetscReal *rate, PetscReal *x) {
  PetscReal *stop = malloc(sizeof(PetscReal) * (size_t)n),
            *pivot = malloc(sizeof(PetscReal) * (size_t)n);
  for (PetscInt i = 0; i < n; ++i) stop[i] = 1;
  for (PetscInt k = 0; k < n; ++k) {
    pivot[k] = stop[k];
    for (PetscInt i = k + 1; i < n; ++i) pivot[k] += rate[k * n + i];
    for (PetscInt j = k + 1; j < n; ++j) {
      PetscReal share = rate[j * n + k] / pivot[k];
      stop[j] += share * stop[k];
      for (PetscInt i = k + 1; i < n && share > 0; ++i)
        if (i != j) rate[j * n + i] += share * rate[k * n + i];
    }
    for (PetscInt i = k + 1; i < n; ++i) x[i] += rate[k * n + i] / pivot[k] * x[k];
  }
  for (PetscInt k = n - 1; k >= 0; --k) {
    for (PetscInt j = k + 1; j < n; ++j) x[k] += rate[j * n + k] * x[j];
    x[k] /= pivot[k];
  }
  free(stop);
  free(pivot);
}

static PetscReal *dense_step(MuGrid grid, MuTransport t, MuTransportSolver solver, PetscReal dt,
                             PetscBool reversed, Vec rho0) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  PetscReal *x = TestGather(grid, rho0);
  PetscBool split = (PetscBool)(solver == MU_TRANSPORT_DIMENSION_SPLIT);
  for (int pass = 0; pass < (split ? 2 : 1); ++pass) {
    PetscReal *rate = dense_rates(grid, t, dt, !split ? 3 : (pass == (int)reversed ? 1 : 2));
    dense_solve(info->cells[0] * info->cells[1], rate, x);
    free(rate);
  }
  return x;
}

/* Rounding: A has entries of size up to 8 dt, and the residual of a solver that works with
   residuals cannot be told from zero below a few eps |A| |x|; the dimension split has no residual.
 */
static void check_against_dense(Shape s, MuTransportSolver solver, PetscReal dt,
                                PetscBool reversed) {
  MuGrid grid = make_grid(MPI_COMM_WORLD, s, 1);
  MuTransport t;
  PetscReal worst = 0, total = 0;
  OK(MuTransportCreate(grid, solver, &t));
  fill_random(grid, t, s.dim);
  OK(MuTransportSetUp(t, dt));
  Vec rho = TestRandomField(grid, 3, 0, 1);
  PetscReal *exact = dense_step(grid, t, solver, dt, reversed, rho);
  OK(MuTransportSolve(t, reversed, rho, rho));
  PetscReal *got = TestGather(grid, rho);
  for (PetscInt i = 0; i < s.nx * s.ny; ++i) {
    worst += fabs(got[i] - exact[i]);
    total += exact[i];
  }
  PetscBool exactly = (PetscBool)(solver == MU_TRANSPORT_DIMENSION_SPLIT || s.dim == 1);
  PetscReal allowed = exactly ? 1e-13 : 2e-12 + 2e-15 * dt;
  ck_assert_msg(worst <= allowed * total, "%dx%d solver %d dt %g: %g", (int)s.nx, (int)s.ny,
                (int)solver, dt, worst / total);
  free(exact);
  free(got);
  OK(VecDestroy(&rho));
  OK(MuTransportDestroy(&t));
  OK(MuGridDestroy(&grid));
}

START_TEST(solvers_agree_with_dense_elimination) {
  const PetscBool yes = PETSC_TRUE, no = PETSC_FALSE;
  const Shape shapes[] = {{1, 17, 1, no, no, no},    {1, 16, 1, yes, no, no},
                          {1, 29, 1, yes, no, yes},  {2, 9, 7, no, no, no},
                          {2, 9, 10, yes, no, yes},  {2, 10, 7, no, yes, no},
                          {2, 11, 8, yes, yes, yes}, {2, 1, 6, yes, yes, no},
                          {2, 2, 5, yes, yes, no},   {2, 6, 4, no, yes, yes}};
  const PetscReal steps[] = {1e-6, 1e-2, 1, 1e2, 1e6};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; ++k)
    for (size_t d = 0; d < (fewer() ? 3 : 5); ++d)
      for (int solver = 0; solver < 3; ++solver)
        check_against_dense(shapes[k], all_solvers[solver], steps[fewer() ? 2 * d : d],
                            (PetscBool)((k + d) % 2));
}
END_TEST

START_TEST(bernoulli_function) {
  for (PetscReal z = 1e-12; z < 1e5; z *= 1.7) {
    PetscReal exact = (PetscReal)((long double)z / expm1l((long double)z));
    ck_assert_double_eq_tol(MuBernoulli(z), exact, 4e-16 * exact + 2 * MU_MIN_NORMAL);
    exact = (PetscReal)((long double)-z / expm1l((long double)-z));
    ck_assert_double_eq_tol(MuBernoulli(-z), exact, 4e-16 * exact);
    ck_assert_double_eq_tol(MuBernoulli(-z), MuBernoulli(z) + z, 8e-16 * (1 + z));
  }
  ck_assert_double_eq(MuBernoulli(0), 1);
  ck_assert_double_eq(MuBernoulli(1e300), 0);
  ck_assert_double_eq(MuBernoulli(-1e300), 1e300);
}
END_TEST

/* ------------------------------------------------------------------ conservation, sign, pi */

static PetscReal smallest(Vec f) {
  PetscReal value;
  OK(VecMin(f, NULL, &value));
  return value;
}

static PetscReal spike(PetscReal x, PetscReal y) {
  return fabs(x - 0.31) < 0.02 && fabs(y + 0.2) < 0.02;
}

static PetscReal rough(PetscReal x, PetscReal y) {
  return 3 * sin(7 * x + 1) + 2 * cos(5 * y - x) + x * x;
}

/* Mass to 1e-14 and no negative density for steps from tiny to huge, starting from single cells. */
START_TEST(mass_and_sign_are_kept) {
  const PetscReal steps[] = {1e-6, 1e-2, 1e2, 1e6};
  const PetscInt n = TestQuick() ? 40 : 70;
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    Shape s = {dim, n, dim == 2 ? n - 3 : 1, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
    MuGrid grid = make_grid(MPI_COMM_WORLD, s, 1);
    Vec v = TestField(grid, rough), rho0 = TestField(grid, spike), rho1;
    if (dim == 1) OK(VecShift(rho0, 1e-30));
    OK(VecDuplicate(rho0, &rho1));
    PetscReal mass = integral(grid, rho0);
    ck_assert_double_gt(mass, 0);
    for (int k = 0; k < 3; ++k) {
      MuTransport t;
      OK(MuTransportCreate(grid, all_solvers[k], &t));
      OK(MuTransportFillScharfetterGummel(t, 1, v));
      for (int d = 0; d < 4; ++d) {
        OK(MuTransportSetUp(t, steps[d]));
        OK(MuTransportSolve(t, PETSC_FALSE, rho0, rho1));
        ck_assert_double_eq_tol(integral(grid, rho1), mass, 1e-14 * mass);
        ck_assert_double_ge(smallest(rho1), 0);
      }
      OK(MuTransportDestroy(&t));
    }
    OK(VecDestroy(&v));
    OK(VecDestroy(&rho0));
    OK(VecDestroy(&rho1));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

static PetscReal canyon(PetscReal x, PetscReal y) {
  return 5e3 * (1 - cos(2 * x + 0.5)) * (1 + 0.1 * sin(3 * y)) + 800 * y * y;
}

static PetscReal canyon_pi(PetscReal x, PetscReal y) {
  return exp(-canyon(x, y));
}

/* exp(-V) is stationary to rounding, cell by cell under the split; V ranges over 1e4, so that most
   of exp(-V) underflows, and single faces have a ratio a/b beyond the range of numbers. */
START_TEST(equilibrium_is_stationary) {
  const PetscReal steps[] = {1e-3, 1, 1e3};
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    Shape s = {dim, 61, dim == 2 ? 48 : 1, PETSC_FALSE, PETSC_FALSE, (PetscBool)(dim == 2)};
    MuGrid grid = make_grid(MPI_COMM_WORLD, s, 2);
    Vec v = TestField(grid, canyon), pi = TestField(grid, canyon_pi), rho;
    OK(VecDuplicate(pi, &rho));
    ck_assert_double_gt(integral(grid, pi), 1e-4);
    for (int k = 0; k < 3; ++k)
      for (int d = 0; d < 3; ++d) {
        MuTransport t;
        PetscReal *x;
        const PetscReal *p;
        PetscInt n;
        OK(MuTransportCreate(grid, all_solvers[k], &t));
        OK(MuTransportFillScharfetterGummel(t, 1, v));
        OK(MuTransportSetUp(t, steps[d]));
        OK(MuTransportSolve(t, PETSC_FALSE, pi, rho));
        /* the elimination runs over 61 and 48 cells, a few rounding errors in each */
        ck_assert_double_le(distance(grid, rho, pi), 2e-13 * integral(grid, pi));
        OK(VecGetLocalSize(pi, &n));
        OK(VecGetArray(rho, &x));
        OK(VecGetArrayRead(pi, &p));
        for (PetscInt i = 0; i < n && all_solvers[k] == MU_TRANSPORT_DIMENSION_SPLIT; ++i)
          if (p[i] > 1e-280) ck_assert_double_eq_tol(x[i] / p[i], 1, 1e-12);
        OK(VecRestoreArrayRead(pi, &p));
        OK(VecRestoreArray(rho, &x));
        OK(MuTransportDestroy(&t));
      }
    OK(VecDestroy(&v));
    OK(VecDestroy(&pi));
    OK(VecDestroy(&rho));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* V = +infinity closes faces: nothing leaves or enters. */
static PetscReal half_closed(PetscReal x, PetscReal y) {
  (void)y;
  return x > 0 ? PETSC_INFINITY : x;
}

static PetscReal two_halves(PetscReal x, PetscReal y) {
  return x > 0 ? 2 + y : 1 - y;
}

START_TEST(infinite_potential_is_a_wall) {
  Shape s = {2, 12, 11, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(MPI_COMM_WORLD, s, 1);
  Vec v = TestField(grid, half_closed), rho0 = TestField(grid, two_halves);
  PetscReal *before = TestGather(grid, rho0);
  for (int k = 0; k < 3; ++k) {
    MuTransport t;
    Vec rho1;
    PetscReal left = 0;
    OK(VecDuplicate(rho0, &rho1));
    OK(MuTransportCreate(grid, all_solvers[k], &t));
    OK(MuTransportFillScharfetterGummel(t, 1, v));
    OK(MuTransportSetUp(t, 0.1));
    OK(MuTransportSolve(t, PETSC_FALSE, rho0, rho1));
    PetscReal *after = TestGather(grid, rho1);
    for (PetscInt i = 0; i < 12 * 11; ++i)
      if (i % 12 >= 6)
        ck_assert_double_eq_tol(after[i], before[i], 1e-12);
      else
        left += fabs(after[i] - before[i]);
    ck_assert_double_gt(left, 0.1);
    free(after);
    OK(VecDestroy(&rho1));
    OK(MuTransportDestroy(&t));
  }
  free(before);
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho0));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ multigrid */

static PetscReal hills(PetscReal x, PetscReal y) {
  return 2 * sin(3.1415926535897932 * x) + cos(3.1415926535897932 * (y + x));
}

/* Drift around the centre and diffusion, first-order upwind: not reversible. */
static void fill_rotation(MuGrid grid, MuTransport t) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    Vec a, b;
    PetscReal *pa, *pb, x[2], h = info->spacing[axis];
    OK(MuGridCreateField(grid, &a));
    OK(MuGridCreateField(grid, &b));
    OK(VecGetArray(a, &pa));
    OK(VecGetArray(b, &pb));
    for (PetscInt i = 0; i < info->local_size; ++i) {
      OK(MuGridCellCentre(grid, i, x));
      PetscReal drift = axis == 0 ? -8 * x[1] : 8 * x[0];
      pa[i] = 0.02 / (h * h) + PetscMax(drift, 0) / h;
      pb[i] = 0.02 / (h * h) + PetscMax(-drift, 0) / h;
    }
    OK(VecRestoreArray(a, &pa));
    OK(VecRestoreArray(b, &pb));
    set_open(grid, t, axis, a, b);
    OK(VecDestroy(&a));
    OK(VecDestroy(&b));
  }
}

/* One step from random densities; the result as a global array. */
static PetscReal *hilly_step(MPI_Comm comm, Shape s, MuTransportSolver solver, PetscBool reversible,
                             PetscReal dt, PetscInt *iterations) {
  MuGrid grid = make_grid(comm, s, 1);
  MuTransport t;
  Vec v = TestField(grid, hills), rho = TestRandomField(grid, 5, 0, 1);
  OK(MuTransportCreate(grid, solver, &t));
  if (reversible)
    OK(MuTransportFillScharfetterGummel(t, 1, v));
  else
    fill_rotation(grid, t);
  OK(MuTransportSetUp(t, dt));
  OK(MuTransportSolve(t, PETSC_FALSE, rho, rho));
  OK(MuTransportGetIterations(t, iterations));
  PetscReal *global = TestGather(grid, rho);
  OK(MuTransportDestroy(&t));
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho));
  OK(MuGridDestroy(&grid));
  return global;
}

static PetscReal relative_l1(PetscInt n, const PetscReal *f, const PetscReal *g) {
  PetscReal error = 0, total = 0;
  for (PetscInt i = 0; i < n; ++i) {
    error += fabs(f[i] - g[i]);
    total += fabs(g[i]);
  }
  return error / total;
}

/* Grids with several levels, odd sizes, masks, periodic axes, oblong cells: the same as the
   factorisation on one rank, and in few enough iterations that it was the multigrid that solved it.
   The rates dt |L| reach 1e2 * 4e4 * 4, which sets the rounding of the residual. */
static void check_multigrid(Shape s, PetscBool reversible, PetscReal dt) {
  PetscInt iterations, none;
  PetscReal *exact = hilly_step(MPI_COMM_SELF, s, MU_TRANSPORT_DIRECT, reversible, dt, &none);
  PetscReal *got = hilly_step(MPI_COMM_WORLD, s, MU_TRANSPORT_COUPLED, reversible, dt, &iterations);
  PetscReal error = relative_l1(s.nx * s.ny, got, exact);
  ck_assert_msg(error <= 3e-12 + 4e-12 * dt && iterations > 0 && iterations <= 40,
                "%d x %d, dt %g, reversible %d: error %g, %d iterations", (int)s.nx, (int)s.ny, dt,
                (int)reversible, error, (int)iterations);
  free(exact);
  free(got);
}

START_TEST(multigrid_agrees_with_factorisation) {
  const PetscBool yes = PETSC_TRUE, no = PETSC_FALSE;
  const Shape shapes[] = {{2, 97, 83, no, no, yes},
                          {2, 90, 101, yes, no, no},
                          {2, 75, 77, yes, yes, yes},
                          {2, 300, 20, no, yes, no},
                          {2, 20, 240, yes, no, no}};
  for (size_t k = 0; k < (fewer() ? 3 : 5); ++k)
    for (int reversible = 0; reversible < 2; ++reversible)
      for (PetscReal dt = 1e-3; dt < 2e2; dt *= fewer() ? 1e4 : 1e2)
        check_multigrid(shapes[k], (PetscBool)reversible, dt);
}
END_TEST

/* Two steps in a potential that jumps by up to 30 from cell to cell, where no coarse grid helps:
   the iteration stalls and the factors take over, in the first step and in the second. */
static PetscReal *rough_steps(MPI_Comm comm, MuTransportSolver solver) {
  Shape s = {2, 80, 81, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(comm, s, 3);
  MuTransport t;
  Vec v = TestRandomField(grid, 7, 0, 30), rho = TestRandomField(grid, 8, 0, 1);
  OK(MuTransportCreate(grid, solver, &t));
  OK(MuTransportFillScharfetterGummel(t, 1, v));
  OK(MuTransportSetUp(t, 1));
  for (int k = 0; k < 2; ++k) OK(MuTransportSolve(t, PETSC_FALSE, rho, rho));
  PetscReal *global = TestGather(grid, rho);
  OK(MuTransportDestroy(&t));
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho));
  OK(MuGridDestroy(&grid));
  return global;
}

START_TEST(coupled_copes_with_rough_coefficients) {
  PetscReal *exact = rough_steps(MPI_COMM_SELF, MU_TRANSPORT_DIRECT);
  PetscReal *got = rough_steps(MPI_COMM_WORLD, MU_TRANSPORT_COUPLED);
  ck_assert_double_le(relative_l1(80 * 81, got, exact), 1e-11);
  free(exact);
  free(got);
}
END_TEST

/* ------------------------------------------------------------------ the error in L1 */

static PetscReal wells(PetscReal x, PetscReal y) {
  return 4 * ((x * x - 1) * (x * x - 1) + y * y / 2 + 0.3 * x * y);
}

static PetscReal narrow(PetscReal x, PetscReal y) {
  return exp(-((x + 2.5) * (x + 2.5) + (y - 2.5) * (y - 2.5)) / (2 * 0.01));
}

/* Ten steps; without `reversible` `direct` factors the unsymmetrised matrix. */
static PetscReal *ten_steps(MPI_Comm comm, PetscInt n, MuTransportSolver solver,
                            PetscBool reversible) {
  Shape s = {2, n, n, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(comm, s, 3);
  MuTransport t;
  Vec v = TestField(grid, wells), rho = TestField(grid, narrow);
  normalise(grid, rho);
  OK(MuTransportCreate(grid, solver, &t));
  OK(MuTransportFillScharfetterGummel(t, 1, v));
  if (!reversible) OK(MuTransportSetReversible(t, NULL));
  OK(MuTransportSetUp(t, 0.01));
  for (int k = 0; k < 10; ++k) {
    OK(MuTransportSolve(t, PETSC_FALSE, rho, rho));
    ck_assert_double_eq_tol(integral(grid, rho), 1, 1e-12);
  }
  PetscReal *global = TestGather(grid, rho);
  OK(MuTransportDestroy(&t));
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho));
  OK(MuGridDestroy(&grid));
  return global;
}

/* A narrow density where pi is tiny: rho/sqrt(pi) reaches e^96 at the walls. The usual test on the
   symmetrised unknown is met there with an error of 0.68. Ten steps of a tolerance of 1e-12 each
   leave 1e-11. */
static void check_narrow(PetscInt n, MuTransportSolver solver, MuTransportSolver reference,
                         PetscBool reversible) {
  PetscReal *exact = ten_steps(MPI_COMM_SELF, n, reference, reversible);
  PetscReal *got = ten_steps(MPI_COMM_WORLD, n, solver, PETSC_TRUE);
  ck_assert_double_le(relative_l1(n * n, got, exact), 1e-10);
  free(exact);
  free(got);
}

START_TEST(narrow_density_where_pi_is_tiny) {
  const PetscBool symmetrised = PETSC_TRUE, plain = PETSC_FALSE;
  check_narrow(96, MU_TRANSPORT_DIRECT, MU_TRANSPORT_DIRECT, plain);
  check_narrow(96, MU_TRANSPORT_COUPLED, MU_TRANSPORT_DIRECT, plain);
  if (!fewer()) check_narrow(512, MU_TRANSPORT_COUPLED, MU_TRANSPORT_DIRECT, symmetrised);
}
END_TEST

/* ------------------------------------------------------------------ orders */

/* One step of the split and of the unsplit system differ by dt^2 L_x L_y rho. */
START_TEST(split_differs_by_the_square_of_the_step) {
  Shape s = {2, 24, 20, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(MPI_COMM_WORLD, s, 1);
  Vec v = TestField(grid, hills), rho0 = TestField(grid, rough), rho[2];
  PetscReal step[3], error[3];
  OK(VecShift(rho0, 10));
  for (int k = 0; k < 3; ++k) {
    step[k] = 2e-4 / (1 << k);
    for (int j = 0; j < 2; ++j) {
      MuTransport t;
      OK(VecDuplicate(rho0, &rho[j]));
      OK(MuTransportCreate(grid, all_solvers[j], &t));
      OK(MuTransportFillScharfetterGummel(t, 1, v));
      OK(MuTransportSetUp(t, step[k]));
      OK(MuTransportSolve(t, PETSC_FALSE, rho0, rho[j]));
      OK(MuTransportDestroy(&t));
    }
    error[k] = distance(grid, rho[0], rho[1]);
    OK(VecDestroy(&rho[0]));
    OK(VecDestroy(&rho[1]));
  }
  ck_assert_double_eq_tol(TestSlope(3, step, error), 2, 0.15);
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho0));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Ornstein-Uhlenbeck, V = x^2/2 + y^2: Gaussians stay Gaussian, axis by axis with rate k: mean m0
   e^(-kt), variance 1/k + (s0 - 1/k) e^(-2kt). */
static PetscReal ou_time;
static PetscInt ou_dim;

static PetscReal ou_factor(PetscReal x, PetscReal rate, PetscReal mean, PetscReal variance) {
  PetscReal m = mean * exp(-rate * ou_time);
  PetscReal s = 1 / rate + (variance - 1 / rate) * exp(-2 * rate * ou_time);
  return exp(-(x - m) * (x - m) / (2 * s)) / sqrt(2 * 3.14159265358979324 * s);
}

static PetscReal ou_density(PetscReal x, PetscReal y) {
  return ou_factor(x, 1, 1, 0.5) * (ou_dim == 2 ? ou_factor(y, 2, -0.5, 0.3) : 1);
}

static PetscReal ou_potential(PetscReal x, PetscReal y) {
  return x * x / 2 + (ou_dim == 2 ? y * y : 0);
}

static PetscReal ou_error(MuTransportSolver solver, PetscInt n, PetscInt steps, PetscReal end) {
  Shape s = {ou_dim, n, ou_dim == 2 ? n : 1, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(MPI_COMM_WORLD, s, 5.5);
  MuTransport t;
  ou_time = 0;
  Vec v = TestField(grid, ou_potential), rho = TestField(grid, ou_density);
  OK(MuTransportCreate(grid, solver, &t));
  OK(MuTransportFillScharfetterGummel(t, 1, v));
  OK(MuTransportSetUp(t, end / steps));
  for (PetscInt k = 0; k < steps; ++k) OK(MuTransportSolve(t, (PetscBool)(k % 2), rho, rho));
  ou_time = end;
  Vec exact = TestField(grid, ou_density);
  PetscReal error = distance(grid, rho, exact);
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&exact));
  OK(MuTransportDestroy(&t));
  OK(MuGridDestroy(&grid));
  return error;
}

/* With dt proportional to h^2 the error is O(h^2) only if it is first order in time and second in
   space. */
START_TEST(ornstein_uhlenbeck_second_order_in_space) {
  for (ou_dim = 1; ou_dim <= 2; ++ou_dim)
    for (int k = 0; k < (ou_dim == 2 ? 2 : 1); ++k) {
      PetscReal h[3], error[3];
      for (int j = 0; j < 3; ++j) {
        PetscInt n = 24 << j;
        h[j] = 11.0 / n;
        error[j] = ou_error(all_solvers[k], n, 2 << (2 * j), 0.2);
      }
      ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.2);
      ck_assert_double_lt(error[2], 0.02);
    }
}
END_TEST

START_TEST(ornstein_uhlenbeck_first_order_in_time) {
  for (ou_dim = 1; ou_dim <= 2; ++ou_dim)
    for (int k = 0; k < (ou_dim == 2 ? 2 : 1); ++k) {
      PetscReal step[3], error[3];
      for (int j = 0; j < 3; ++j) {
        step[j] = 0.5 / (4 << j);
        error[j] = ou_error(all_solvers[k], ou_dim == 1 ? 1024 : (80), 4 << j, 0.5);
      }
      ck_assert_double_eq_tol(TestSlope(3, step, error), 1, 0.15);
    }
}
END_TEST

/* ------------------------------------------------------------------ ranks, errors, choice */

static PetscReal bump(PetscReal x, PetscReal y) {
  return 1e-3 + exp(-20 * (x - 0.3) * (x - 0.3) - 10 * y * y);
}

static PetscReal *solve_on(MPI_Comm comm, Shape s, MuTransportSolver solver) {
  MuGrid grid = make_grid(comm, s, 1);
  MuTransport t;
  Vec v = TestField(grid, rough), rho = TestField(grid, bump);
  OK(MuTransportCreate(grid, solver, &t));
  OK(MuTransportFillScharfetterGummel(t, 0.7, v));
  OK(MuTransportSetUp(t, 0.02));
  for (int k = 0; k < 3; ++k) OK(MuTransportSolve(t, (PetscBool)(k == 1), rho, rho));
  PetscReal *global = TestGather(grid, rho);
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho));
  OK(MuTransportDestroy(&t));
  OK(MuGridDestroy(&grid));
  return global;
}

/* Lines are solved in the same order everywhere, so the split agrees to the last bits; the others
   to what their tolerance leaves. */
START_TEST(ranks_do_not_matter) {
  const Shape shapes[] = {{1, 53, 1, PETSC_TRUE, PETSC_FALSE, PETSC_TRUE},
                          {2, 91, 67, PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
                          {2, 66, 75, PETSC_TRUE, PETSC_FALSE, PETSC_FALSE}};
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 3; ++j) {
      PetscReal *alone = solve_on(MPI_COMM_SELF, shapes[k], all_solvers[j]);
      PetscReal *together = solve_on(MPI_COMM_WORLD, shapes[k], all_solvers[j]);
      PetscReal allowed = all_solvers[j] == MU_TRANSPORT_DIMENSION_SPLIT ? 1e-14 : 1e-11;
      ck_assert_double_le(relative_l1(shapes[k].nx * shapes[k].ny, together, alone), allowed);
      free(alone);
      free(together);
    }
}
END_TEST

START_TEST(failures_are_reported) {
  Shape s = {2, 8, 9, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(MPI_COMM_WORLD, s, 1);
  for (int k = 0; k < 3; ++k) {
    MuTransport t;
    Vec rho;
    OK(MuGridCreateField(grid, &rho));
    OK(MuTransportCreate(grid, all_solvers[k], &t));
    fill_random(grid, t, 2);
    ck_assert_int_eq(MuTransportSetUp(t, -1), MU_ERR_INPUT);
    ck_assert_int_eq(MuTransportSetUp(t, NAN), MU_ERR_INPUT);
    ck_assert_int_eq(MuTransportSetTolerance(t, 0), MU_ERR_INPUT);
    OK(MuTransportSetUp(t, 1));
    OK(MuTransportSolve(t, PETSC_FALSE, rho, rho)); /* zero stays zero */
    ck_assert_double_eq(integral(grid, rho), 0);
    OK(VecSet(rho, NAN));
    if (all_solvers[k] != MU_TRANSPORT_DIMENSION_SPLIT)
      ck_assert_int_eq(MuTransportSolve(t, PETSC_FALSE, rho, rho), MU_ERR_NUMERICS);
    OK(VecDestroy(&rho));
    OK(MuTransportDestroy(&t));
  }
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(the_choice_follows_the_number_of_steps) {
  Shape s = {2, 256, 256, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  MuGrid grid = make_grid(MPI_COMM_SELF, s, 1);
  MuTransportSolver few, many;
  char why[MU_TRANSPORT_WHY] = "";
  OK(MuTransportChoose(grid, 3, &few, why));
  ck_assert_int_eq(few, MU_TRANSPORT_COUPLED);
  ck_assert_ptr_nonnull(strstr(why, "coupled"));
  OK(MuTransportChoose(grid, 100000, &many, why));
  ck_assert_int_eq(many, MU_TRANSPORT_DIRECT);
  ck_assert_ptr_nonnull(strstr(why, "direct"));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The mass of the cells left of the middle column. */
static PetscReal left_mass(MuGrid grid, Vec f, PetscInt nx) {
  PetscReal *x = TestGather(grid, f), sum = 0;
  for (PetscInt i = 0; i < nx * 12; ++i)
    if (i % nx < nx / 2) sum += x[i];
  free(x);
  return sum;
}

static PetscReal lopsided(PetscReal x, PetscReal y) {
  return exp(x - y);
}

/* A wall cuts the domain in two. With dt |L| = 1e13 the matrix is singular to rounding, with a
   constant on each piece: solvers alone pass 2e-9 of a piece to the other in a step. */
START_TEST(pieces_keep_their_mass) {
  enum { NX = 9 };
  unsigned char mask[NX * 12];
  for (PetscInt i = 0; i < NX * 12; ++i) mask[i] = i % NX != NX / 2;
  MuGridSpec spec = {.dim = 2, .lower = {-1, -1}, .upper = {1, 1}, .cells = {NX, 12}, .mask = mask};
  const MuTransportSolver solvers[] = {MU_TRANSPORT_COUPLED, MU_TRANSPORT_DIRECT};
  MuGrid grid;
  OK(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  Vec potential = TestField(grid, hills), rho = TestField(grid, lopsided);
  normalise(grid, rho);
  for (int k = 0; k < 2; ++k) {
    MuTransport t;
    const PetscReal before = left_mass(grid, rho, NX);
    OK(MuTransportCreate(grid, solvers[k], &t));
    OK(MuTransportFillScharfetterGummel(t, 1, potential));
    OK(MuTransportSetUp(t, 1e11));
    for (int step = 0; step < 10; ++step) {
      OK(MuTransportSolve(t, PETSC_FALSE, rho, rho));
      const PetscReal drift = fabs(left_mass(grid, rho, NX) / before - 1);
      ck_assert_msg(drift <= 1e-14 * (step + 1), "solver %d, step %d: %g", k, step, drift);
    }
    OK(MuTransportDestroy(&t));
  }
  OK(VecDestroy(&rho));
  OK(VecDestroy(&potential));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("transport");
  TCase *t = tcase_create("transport");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, bernoulli_function);
  tcase_add_test(t, solvers_agree_with_dense_elimination);
  tcase_add_test(t, mass_and_sign_are_kept);
  tcase_add_test(t, equilibrium_is_stationary);
  tcase_add_test(t, infinite_potential_is_a_wall);
  tcase_add_test(t, multigrid_agrees_with_factorisation);
  tcase_add_test(t, coupled_copes_with_rough_coefficients);
  tcase_add_test(t, narrow_density_where_pi_is_tiny);
  tcase_add_test(t, split_differs_by_the_square_of_the_step);
  tcase_add_test(t, ornstein_uhlenbeck_second_order_in_space);
  tcase_add_test(t, ornstein_uhlenbeck_first_order_in_time);
  tcase_add_test(t, pieces_keep_their_mass);
  tcase_add_test(t, ranks_do_not_matter);
  tcase_add_test(t, failures_are_reported);
  tcase_add_test(t, the_choice_follows_the_number_of_steps);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
