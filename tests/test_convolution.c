/* Convolutions: Galerkin weights against independent quadrature, every extension and location
   against dense sums over eigenfunctions, definiteness, limits, orders, inverses, ranks. */
#include "support.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sort.h>
#include <string.h>

/* ------------------------------------------------------------------ cases and helpers */

typedef struct {
  const char *type;
  PetscReal parameter;
} Family;

static const Family families[] = {{"gaussian", 1}, {"matern", 0.5}, {"matern", 1.5},
                                  {"matern", 2.5}, {"bessel", 0.7}, {"bessel", 1},
                                  {"bessel", 1.5}, {"bessel", 3},   {"imq", 1},
                                  {"wendland", 1}, {"riesz", 1},    {"riesz", 0.5}};
enum { FAMILIES = sizeof families / sizeof families[0], WORKSPACE = 2000 };

static gsl_integration_workspace *outer_space, *inner_space;

static MuKernel make_kernel(Family family, PetscReal bandwidth, PetscInt dim,
                            MuExtension extension) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuKernelSpecDefault(&spec);
  strcpy(spec.type, family.type);
  spec.bandwidth = bandwidth;
  spec.parameter[0] = family.parameter;
  spec.extension = extension;
  OK(MuKernelCreate(&spec, dim, &kernel));
  return kernel;
}

static MuConvolution make_convolution(MuGrid grid, Family family, PetscReal bandwidth,
                                      MuExtension extension, MuLocation location) {
  const MuGridInfo *info;
  MuConvolution convolution;
  OK(MuGridGetInfo(grid, &info));
  MuKernel kernel = make_kernel(family, bandwidth, info->dim, extension);
  OK(MuConvolutionCreate(grid, kernel, location, &convolution));
  OK(MuKernelDestroy(&kernel));
  return convolution;
}

static MuGrid make_grid(MPI_Comm comm, PetscInt dim, PetscInt nx, PetscInt ny, PetscBool px,
                        PetscBool py, const unsigned char *mask) {
  MuGridSpec spec = {.dim = dim,
                     .lower = {-1, 2},
                     .upper = {-1 + 0.25 * nx, 2 + 0.15 * ny},
                     .cells = {nx, ny},
                     .periodic = {px, py},
                     .mask = mask};
  MuGrid grid;
  OK(MuGridCreate(comm, &spec, &grid));
  return grid;
}

/* Column `cell` of Kc as a global array; free() it. */
static PetscReal *response(MuGrid grid, MuConvolution convolution, PetscInt cell) {
  const MuGridInfo *info;
  PetscReal *x, *global;
  Vec f;
  OK(MuGridGetInfo(grid, &info));
  OK(MuGridCreateField(grid, &f));
  OK(VecGetArray(f, &x));
  const PetscInt local = cell - info->first_row * info->row_length;
  if (local >= 0 && local < info->local_size) x[local] = 1;
  OK(VecRestoreArray(f, &x));
  OK(MuConvolutionApply(convolution, f, f));
  global = TestGather(grid, f);
  OK(VecDestroy(&f));
  return global;
}

/* ------------------------------------------------------------------ Galerkin weights */

typedef struct {
  MuKernel kernel;
  PetscReal spacing[2];
  PetscInt offset[2];
  PetscInt part[2]; /* 0: cell above the offset, 1: cell below it */
  PetscReal x;
} Average;

/* (1 - |t|) of the position z (in cells) near the offset d */
static PetscReal hat(PetscReal z, PetscInt d) {
  return 1 - fabs(z - d);
}

static PetscReal evaluate(MuKernel kernel, PetscReal r) {
  PetscReal value;
  OK(MuKernelEvaluate(kernel, r, &value));
  return value;
}

static PetscReal integrate(double (*f)(double, void *), void *ctx, PetscReal from, PetscReal to,
                           PetscReal tolerance, gsl_integration_workspace *space) {
  gsl_function function = {.function = f, .params = ctx};
  double result, error;
  gsl_integration_qags(&function, from, to, 0, tolerance, WORKSPACE, space, &result, &error);
  return result;
}

static double line_integrand(double z, void *ctx) {
  const Average *a = ctx;
  return evaluate(a->kernel, z * a->spacing[0]) * hat(z, a->offset[0]);
}

/* z = exp(-s): resolves singularities and kernels much narrower than a cell */
static double log_line_integrand(double s, void *ctx) {
  const double z = exp(-s);
  return z < 1e-280 ? 0 : line_integrand(z, ctx) * z;
}

/* from z = min(1, support) inwards */
static PetscReal to_infinity(double (*f)(double, void *), void *ctx) {
  const Average *a = ctx;
  gsl_function function = {.function = f, .params = ctx};
  double result, error, support;
  OK(MuKernelSupport(a->kernel, &support));
  gsl_integration_qagiu(&function, fmax(0, log(a->spacing[0] / support)), 0, 1e-13, WORKSPACE,
                        outer_space, &result, &error);
  return result;
}

static PetscReal line_weight(MuKernel kernel, PetscReal spacing, PetscInt d) {
  Average a = {.kernel = kernel, .spacing = {spacing, 1}, .offset = {d, 0}};
  if (d == 0) return 2 * to_infinity(log_line_integrand, &a);
  PetscReal below = d == 1 ? to_infinity(log_line_integrand, &a)
                           : integrate(line_integrand, &a, d - 1, d, 1e-13, outer_space);
  return below + integrate(line_integrand, &a, d, d + 1, 1e-13, outer_space);
}

START_TEST(weights_on_the_line) {
  const PetscReal ratios[] = {1e-6, 1e-3, 0.1, 0.7, 3, 40, 1e6};
  enum { N = 6 };
  MuGrid grid = make_grid(MPI_COMM_WORLD, 1, N, 1, PETSC_FALSE, PETSC_FALSE, NULL);
  const Family cases[] = {families[0], families[1], families[3], {"bessel", 0.1}, families[4],
                          families[5], families[8], families[9], families[10],    {"riesz", 0.1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
    for (PetscInt k = 0; k < 7; ++k) {
      const PetscReal h = 0.25 * ratios[k];
      MuKernel kernel = make_kernel(cases[i], h, 1, MU_EXTENSION_ZERO);
      MuConvolution c = make_convolution(grid, cases[i], h, MU_EXTENSION_ZERO, MU_CELLS);
      PetscReal *column = response(grid, c, 0), largest = 0;
      for (PetscInt d = 0; d < N; ++d) largest = PetscMax(largest, fabs(column[d]));
      for (PetscInt d = 0; d < N; ++d) {
        const PetscReal exact = line_weight(kernel, 0.25, d) * 0.25;
        /* transforms and both quadratures: a few hundred units of rounding */
        ck_assert_msg(fabs(column[d] - exact) < 1e-13 * largest,
                      "%s %g, h = %g cells, offset %d: %.16g, exact %.16g", cases[i].type,
                      cases[i].parameter, ratios[k], (int)d, column[d], exact);
      }
      free(column);
      OK(MuConvolutionDestroy(&c));
      OK(MuKernelDestroy(&kernel));
    }
  OK(MuGridDestroy(&grid));
}
END_TEST

/* Antiderivative in the angle of (1 - r cos)(1 - r sin) */
static PetscReal angular(PetscReal r, PetscReal theta) {
  return theta - r * sin(theta) + r * cos(theta) + 0.5 * r * r * sin(theta) * sin(theta);
}

/* Offset 0 on square cells in polar coordinates, the angle done exactly */
static double polar_integrand(double r, void *ctx) {
  const Average *a = ctx;
  const double from = r <= 1 ? 0 : acos(1 / r), to = r <= 1 ? PETSC_PI / 2 : asin(1 / r);
  return 4 * r * evaluate(a->kernel, r * a->spacing[0]) * (angular(r, to) - angular(r, from));
}

static double log_polar_integrand(double s, void *ctx) {
  const double r = exp(-s);
  return r < 1e-280 ? 0 : polar_integrand(r, ctx) * r;
}

START_TEST(central_weight_in_the_plane) {
  const PetscReal ratios[] = {1e-6, 1e-3, 0.1, 0.7, 3, 40, 1e6};
  MuGrid grid = TestGrid(2, 4, 4, 0, 2, PETSC_FALSE);
  for (PetscInt i = 0; i < FAMILIES; ++i)
    for (PetscInt k = 0; k < 7; ++k) {
      const PetscReal h = 0.5 * ratios[k];
      MuConvolution c = make_convolution(grid, families[i], h, MU_EXTENSION_ZERO, MU_CELLS);
      Average a = {.kernel = make_kernel(families[i], h, 2, MU_EXTENSION_ZERO),
                   .spacing = {0.5, 0.5}};
      PetscReal exact = to_infinity(log_polar_integrand, &a) +
                        integrate(polar_integrand, &a, 1, sqrt(2), 1e-13, outer_space);
      PetscReal *column = response(grid, c, 0), diagonal, largest = 0;
      for (PetscInt d = 0; d < 16; ++d) largest = PetscMax(largest, fabs(column[d]));
      OK(MuConvolutionGetDiagonal(c, &diagonal));
      exact *= 0.25;
      ck_assert_msg(fabs(column[0] - exact) < 2e-13 * largest, "%s %g, h = %g cells: %.16g, %.16g",
                    families[i].type, families[i].parameter, ratios[k], column[0], exact);
      ck_assert_double_eq_tol(diagonal, column[0], 1e-14 * largest);
      free(column);
      OK(MuKernelDestroy(&a.kernel));
      OK(MuConvolutionDestroy(&c));
    }
  OK(MuGridDestroy(&grid));
}
END_TEST

static double inner_integrand(double y, void *ctx) {
  const Average *a = ctx;
  return evaluate(a->kernel, hypot(a->x * a->spacing[0], y * a->spacing[1])) * hat(y, a->offset[1]);
}

static double outer_integrand(double x, void *ctx) {
  Average a = *(Average *)ctx;
  const PetscInt from = a.offset[1] - a.part[1];
  a.x = x;
  return hat(x, a.offset[0]) * integrate(inner_integrand, &a, from, from + 1, 1e-12, inner_space);
}

/* Anisotropic cells; nested adaptive quadrature over the four cells around the offset */
START_TEST(weights_in_the_plane) {
  const PetscInt offsets[][2] = {{1, 0}, {0, 1}, {3, 2}};
  const Family cases[] = {families[1], families[4], families[5],
                          families[8], families[9], families[11]};
  const PetscReal ratios[] = {0.8, 4};
  MuGrid grid = make_grid(MPI_COMM_WORLD, 2, 5, 4, PETSC_FALSE, PETSC_FALSE, NULL);
  for (PetscInt i = TestQuick() ? 3 : 0; i < 6; ++i)
    for (PetscInt k = 0; k < 2; ++k) {
      const PetscReal h = 0.25 * ratios[k];
      MuConvolution c = make_convolution(grid, cases[i], h, MU_EXTENSION_ZERO, MU_CELLS);
      Average a = {.kernel = make_kernel(cases[i], h, 2, MU_EXTENSION_ZERO),
                   .spacing = {0.25, 0.15}};
      PetscReal *column = response(grid, c, 0);
      for (PetscInt o = 0; o < 3; ++o) {
        PetscReal exact = 0;
        memcpy(a.offset, offsets[o], sizeof a.offset);
        for (PetscInt p = 0; p < 4; ++p) {
          a.part[0] = p % 2;
          a.part[1] = p / 2;
          const PetscInt from = a.offset[0] - a.part[0];
          /* the cell on the other side of the origin is the mirror image */
          PetscInt fold = 1;
          for (PetscInt axis = 0; axis < 2; ++axis)
            if (a.offset[axis] == 0) fold *= a.part[axis] ? 0 : 2;
          if (fold)
            exact += fold * integrate(outer_integrand, &a, from, from + 1, 1e-11, outer_space);
        }
        exact *= 0.25 * 0.15;
        /* nested adaptive quadrature promises 1e-11 */
        ck_assert_msg(fabs(column[offsets[o][1] * 5 + offsets[o][0]] - exact) <
                          2e-11 * PetscMax(fabs(column[0]), fabs(exact)),
                      "%s %g, h = %g, offset %d %d: %.15g, exact %.15g", cases[i].type,
                      cases[i].parameter, h, (int)offsets[o][0], (int)offsets[o][1],
                      column[offsets[o][1] * 5 + offsets[o][0]], exact);
      }
      free(column);
      OK(MuKernelDestroy(&a.kernel));
      OK(MuConvolutionDestroy(&c));
    }
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The weights of all offsets sum to the mass: Kc 1 = 1 at a distance of the support from walls */
START_TEST(weights_sum_to_the_mass) {
  for (PetscInt dim = 1; dim <= 2; ++dim) {
    const PetscInt n = dim == 1 ? 301 : 61;
    MuGrid grid = make_grid(MPI_COMM_WORLD, dim, n, n, PETSC_FALSE, PETSC_FALSE, NULL);
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      if (!strcmp(families[i].type, "imq") || !strcmp(families[i].type, "riesz")) continue;
      MuKernel probe = make_kernel(families[i], 1, dim, MU_EXTENSION_ZERO);
      PetscReal support, *values, one = 1;
      OK(MuKernelSupport(probe, &support));
      MuConvolution c = make_convolution(grid, families[i], 0.14 * (n / 2) / support,
                                         MU_EXTENSION_ZERO, MU_CELLS);
      Vec f;
      OK(MuGridCreateField(grid, &f));
      OK(VecSet(f, one));
      OK(MuConvolutionApply(c, f, f));
      values = TestGather(grid, f);
      ck_assert_double_eq_tol(values[dim == 1 ? n / 2 : (n / 2) * n + n / 2], 1, 2e-13);
      free(values);
      OK(VecDestroy(&f));
      OK(MuConvolutionDestroy(&c));
      OK(MuKernelDestroy(&probe));
    }
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ dense oracles */

/* Orthonormal eigenfunctions of an axis and their frequencies; f[m * n + i]. */
typedef struct {
  PetscInt n, modes;
  PetscReal frequency[64], *f;
} Basis;

static Basis make_basis(PetscInt n, PetscReal extent, PetscBool periodic, PetscBool sine) {
  Basis b = {.n = n, .modes = sine ? n - 1 : n};
  b.f = calloc((size_t)(n * n), sizeof(PetscReal));
  for (PetscInt m = 0; m < b.modes; ++m) {
    const PetscInt wave = (m + 1) / 2; /* 0, 1, 1, 2, 2, ... */
    PetscReal norm = 0, *f = b.f + m * n;
    b.frequency[m] =
        periodic ? 2 * PETSC_PI * wave / extent : PETSC_PI * (sine ? m + 1 : m) / extent;
    for (PetscInt i = 0; i < n; ++i) {
      const PetscReal phase = 2 * PETSC_PI * wave * i / n;
      if (periodic)
        f[i] = m % 2 ? cos(phase) : m == 0 ? 1 : sin(phase);
      else
        f[i] = sine ? sin(PETSC_PI * (m + 1) * i / n) : cos(PETSC_PI * m * (i + 0.5) / n);
      norm += f[i] * f[i];
    }
    for (PetscInt i = 0; i < n; ++i) f[i] /= sqrt(norm);
  }
  return b;
}

static double imq_box_integrand(double x, void *ctx) {
  const PetscReal *p = ctx; /* h, half height */
  return 4 * p[0] * asinh(p[1] / hypot(p[0], x));
}

/* Symbol with mudot's convention at frequency 0 */
static PetscReal symbol_or_zero_mode(MuKernel kernel, PetscReal w, PetscInt dim,
                                     const PetscReal half[2]) {
  const MuKernelSpec *spec;
  PetscReal value;
  OK(MuKernelSymbol(kernel, w, &value));
  if (!isinf(value)) return value;
  OK(MuKernelGetSpec(kernel, &spec));
  if (!strcmp(spec->type, "riesz")) return 0;
  PetscReal p[2] = {spec->bandwidth, half[1]};
  return dim == 1 ? 2 * p[0] * asinh(half[0] / p[0])
                  : integrate(imq_box_integrand, p, 0, half[0], 1e-13, outer_space);
}

/* out = sum over modes of symbol * eigenfunction * <eigenfunction, in> */
static void synthesise(MuKernel kernel, PetscInt dim, const Basis basis[2], const PetscReal half[2],
                       const PetscReal *in, PetscReal *out) {
  const PetscInt nx = basis[0].n, ny = dim == 2 ? basis[1].n : 1;
  memset(out, 0, sizeof(PetscReal) * (size_t)(nx * ny));
  for (PetscInt my = 0; my < (dim == 2 ? basis[1].modes : 1); ++my)
    for (PetscInt mx = 0; mx < basis[0].modes; ++mx) {
      const PetscReal wy = dim == 2 ? basis[1].frequency[my] : 0;
      const PetscReal s = symbol_or_zero_mode(kernel, hypot(basis[0].frequency[mx], wy), dim, half);
      PetscReal inner = 0;
      for (PetscInt j = 0; j < ny; ++j)
        for (PetscInt i = 0; i < nx; ++i)
          inner +=
              basis[0].f[mx * nx + i] * (dim == 2 ? basis[1].f[my * ny + j] : 1) * in[j * nx + i];
      for (PetscInt j = 0; j < ny; ++j)
        for (PetscInt i = 0; i < nx; ++i)
          out[j * nx + i] +=
              s * inner * basis[0].f[mx * nx + i] * (dim == 2 ? basis[1].f[my * ny + j] : 1);
    }
}

static PetscReal worst(PetscInt n, const PetscReal *a, const PetscReal *b) {
  PetscReal difference = 0;
  for (PetscInt i = 0; i < n; ++i) difference = PetscMax(difference, fabs(a[i] - b[i]));
  return difference;
}

static void check_continuous(PetscInt dim, PetscBool px, PetscBool py, MuLocation location,
                             Family family) {
  const PetscInt odd = family.parameter == 1; /* both parities on both axes */
  const PetscInt n[2] = {8 + odd, dim == 2 ? 7 - odd : 1};
  const PetscBool periodic[2] = {px, py};
  MuGrid grid = make_grid(MPI_COMM_WORLD, dim, n[0], n[1], px, py, NULL);
  const MuGridInfo *info;
  Basis basis[2];
  PetscReal half[2];
  OK(MuGridGetInfo(grid, &info));
  for (PetscInt a = 0; a < 2; ++a) {
    const PetscReal extent = info->upper[a] - info->lower[a];
    basis[a] =
        make_basis(n[a], extent, periodic[a], (PetscBool)((PetscInt)location == a && !periodic[a]));
    half[a] = extent * (periodic[a] ? 0.5 : 1);
  }
  MuConvolution c = make_convolution(grid, family, 0.4, MU_EXTENSION_REFLECT, location);
  MuKernel kernel = make_kernel(family, 0.4, dim, MU_EXTENSION_REFLECT);
  Vec f = TestRandomField(grid, 7, -1, 1), g;
  OK(VecDuplicate(f, &g));
  OK(MuConvolutionApply(c, f, g));
  PetscReal *in = TestGather(grid, f), *got = TestGather(grid, g);
  PetscReal *expected = calloc((size_t)(n[0] * n[1]), sizeof(PetscReal));
  PetscReal smallest, largest;
  synthesise(kernel, dim, basis, half, in, expected);
  OK(MuConvolutionGetSymbolRange(c, &smallest, &largest));
  ck_assert_msg(worst(n[0] * n[1], got, expected) < 1e-13 * PetscMax(1, largest),
                "%s %g in %d-D, periodic %d %d, location %d: error %g", family.type,
                family.parameter, (int)dim, px, py, location, worst(n[0] * n[1], got, expected));
  free(in);
  free(got);
  free(expected);
  free(basis[0].f);
  free(basis[1].f);
  OK(VecDestroy(&f));
  OK(VecDestroy(&g));
  OK(MuKernelDestroy(&kernel));
  OK(MuConvolutionDestroy(&c));
  OK(MuGridDestroy(&grid));
}

START_TEST(reflect_and_periodic_are_the_continuous_symbol) {
  for (PetscInt i = 0; i < FAMILIES; ++i)
    for (int p = 0; p < 4; ++p)
      for (PetscInt dim = 1; dim <= 2; ++dim)
        for (PetscInt location = -1; location < dim; ++location)
          if (p < 2 || dim == 2)
            check_continuous(dim, (PetscBool)(p & 1), (PetscBool)(p >> 1), (MuLocation)location,
                             families[i]);
}
END_TEST

/* Zero extension: direct double sum with the weights; faces leave out their wall */
START_TEST(zero_is_the_direct_double_sum) {
  for (PetscInt i = 0; i < FAMILIES; ++i)
    for (PetscInt dim = 1; dim <= 2; ++dim)
      for (PetscInt location = -1; location < dim; ++location) {
        const PetscInt nx = 7, ny = dim == 2 ? 6 : 1;
        MuGrid grid = make_grid(MPI_COMM_WORLD, dim, nx, ny, PETSC_FALSE, PETSC_FALSE, NULL);
        MuConvolution cells = make_convolution(grid, families[i], 0.4, MU_EXTENSION_ZERO, MU_CELLS);
        MuConvolution c =
            make_convolution(grid, families[i], 0.4, MU_EXTENSION_ZERO, (MuLocation)location);
        Vec f = TestRandomField(grid, 3, -1, 1);
        PetscReal *w = response(grid, cells, 0), *in = TestGather(grid, f), *got;
        OK(MuConvolutionApply(c, f, f));
        got = TestGather(grid, f);
        for (PetscInt j = 0; j < ny; ++j)
          for (PetscInt k = 0; k < nx; ++k) {
            const PetscInt skip_x = location == 0, skip_y = location == 1;
            PetscReal expected = 0;
            for (PetscInt l = skip_y; l < ny; ++l)
              for (PetscInt m = skip_x; m < nx; ++m)
                expected += w[PetscAbsInt(j - l) * nx + PetscAbsInt(k - m)] * in[l * nx + m];
            if (j < skip_y || k < skip_x) expected = 0;
            ck_assert_double_eq_tol(got[j * nx + k], expected, 1e-14);
          }
        free(w);
        free(in);
        free(got);
        OK(VecDestroy(&f));
        OK(MuConvolutionDestroy(&c));
        OK(MuConvolutionDestroy(&cells));
        OK(MuGridDestroy(&grid));
      }
}
END_TEST

/* Zero extension along one axis, periodic along the other: the weights of a wide grid, summed over
   images. The odd period 7 and the even period 6 are both met. */
START_TEST(zero_with_a_periodic_axis_sums_images) {
  const Family cases[] = {families[0], families[2], families[5], families[9]};
  for (size_t i = 0; i < 4; ++i)
    for (PetscInt axis = 0; axis < 2; ++axis) {
      const PetscInt nx = 7, ny = 6, images = 12;
      const PetscReal h = strcmp(cases[i].type, "wendland") ? 0.2 : 2;
      MuGrid grid = make_grid(MPI_COMM_WORLD, 2, nx, ny, axis == 0, axis == 1, NULL);
      const PetscInt wide_x = axis == 0 ? nx * images : nx, wide_y = axis == 1 ? ny * images : ny;
      MuGrid wide = make_grid(MPI_COMM_WORLD, 2, wide_x, wide_y, PETSC_FALSE, PETSC_FALSE, NULL);
      MuConvolution c = make_convolution(grid, cases[i], h, MU_EXTENSION_ZERO, MU_CELLS);
      MuConvolution open = make_convolution(wide, cases[i], h, MU_EXTENSION_ZERO, MU_CELLS);
      PetscReal *w = response(wide, open, 0), *got = response(grid, c, 0);
      for (PetscInt y = 0; y < ny; ++y)
        for (PetscInt x = 0; x < nx; ++x) {
          PetscReal expected = 0;
          for (PetscInt m = -images + 1; m < images; ++m) {
            const PetscInt dx = PetscAbsInt(axis == 0 ? x + m * nx : x);
            const PetscInt dy = PetscAbsInt(axis == 1 ? y + m * ny : y);
            if ((m == 0 || dx < wide_x) && (m == 0 || dy < wide_y) && dx < wide_x && dy < wide_y)
              expected += w[dy * wide_x + dx];
          }
          ck_assert_double_eq_tol(got[y * nx + x], expected, 1e-14);
        }
      free(w);
      free(got);
      OK(MuConvolutionDestroy(&c));
      OK(MuConvolutionDestroy(&open));
      OK(MuGridDestroy(&grid));
      OK(MuGridDestroy(&wide));
    }
}
END_TEST

static PetscErrorCode saddle(void *ctx, const PetscReal z[2], PetscReal *w) {
  const PetscReal *strength = ctx;
  *w = *strength * z[0] * z[1] + z[0] * z[0] - 0.3 * cos(2 * z[1]);
  return 0;
}

/* A function that is even under z -> -z but not in each axis */
START_TEST(functions_are_direct_double_sums) {
  PetscReal strength = 0.8;
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (int p = 0; p < 4; ++p) {
      const PetscInt n[2] = {7, dim == 2 ? 6 : 1};
      const PetscBool periodic[2] = {(PetscBool)(p & 1), (PetscBool)(p >> 1)};
      MuGrid grid = make_grid(MPI_COMM_WORLD, dim, n[0], n[1], periodic[0], periodic[1], NULL);
      MuConvolution c;
      const MuGridInfo *info;
      OK(MuGridGetInfo(grid, &info));
      OK(MuConvolutionCreateFunction(grid, saddle, &strength, &c));
      Vec f = TestRandomField(grid, 5, -1, 1);
      PetscReal *in = TestGather(grid, f), *got;
      OK(MuConvolutionApply(c, f, f));
      got = TestGather(grid, f);
      for (PetscInt i = 0; i < n[0] * n[1]; ++i) {
        PetscReal expected = 0;
        for (PetscInt j = 0; j < n[0] * n[1]; ++j) {
          PetscInt d[2] = {i % n[0] - j % n[0], i / n[0] - j / n[0]};
          PetscReal total = 0, count = 0;
          /* all nearest images, of which there are two at half a period */
          for (PetscInt mx = -1; mx <= 1; ++mx)
            for (PetscInt my = -1; my <= 1; ++my) {
              const PetscInt e[2] = {d[0] + mx * n[0], d[1] + my * n[1]};
              if ((mx && !periodic[0]) || (my && !(periodic[1] && dim == 2))) continue;
              if (periodic[0] && 2 * PetscAbsInt(e[0]) > n[0]) continue;
              if (dim == 2 && periodic[1] && 2 * PetscAbsInt(e[1]) > n[1]) continue;
              PetscReal z[2] = {e[0] * info->spacing[0], dim == 2 ? e[1] * info->spacing[1] : 0}, w;
              OK(saddle(&strength, z, &w));
              total += w;
              count += 1;
            }
          expected += total / count * in[j] * info->volume;
        }
        ck_assert_double_eq_tol(got[i], expected, 1e-13);
      }
      free(in);
      free(got);
      OK(VecDestroy(&f));
      OK(MuConvolutionDestroy(&c));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* ------------------------------------------------------------------ structure */

/* Eigenvalues of the dense symmetric matrix, ascending; the matrix is destroyed. */
static void eigenvalues(PetscInt n, PetscReal *matrix, PetscReal *values) {
  const size_t size = (size_t)n;
  gsl_matrix_view a = gsl_matrix_view_array(matrix, size, size);
  gsl_vector_view v = gsl_vector_view_array(values, size);
  gsl_eigen_symm_workspace *space = gsl_eigen_symm_alloc(size);
  ck_assert_int_eq(gsl_eigen_symm(&a.matrix, &v.vector, space), 0);
  gsl_eigen_symm_free(space);
  gsl_sort(values, 1, size);
}

/* Dense, column by column, so every rank on its own; that ranks agree is tested below. */
START_TEST(symmetric_and_positive_semidefinite) {
  const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC};
  const PetscReal bandwidths[] = {0.2, 3};
  for (PetscInt i = 0; i < FAMILIES; ++i)
    for (PetscInt dim = 1; dim <= 2; ++dim)
      for (PetscInt e = 0; e < 3; ++e)
        for (PetscInt b = 0; b < 2; ++b) {
          const PetscInt nx = dim == 1 ? 24 : 5, ny = dim == 1 ? 1 : 6, n = nx * ny;
          const PetscBool riesz = (PetscBool)(strcmp(families[i].type, "riesz") == 0);
          const MuLocation location = riesz ? MU_CELLS : (MuLocation)((i + e + b) % (dim + 1) - 1);
          MuGrid grid = make_grid(PETSC_COMM_SELF, dim, nx, ny, PETSC_FALSE, PETSC_FALSE, NULL);
          MuConvolution c =
              make_convolution(grid, families[i], bandwidths[b], extensions[e], location);
          PetscReal *matrix = malloc(sizeof(PetscReal) * (size_t)(n * n)), values[30];
          for (PetscInt j = 0; j < n; ++j) {
            PetscReal *column = response(grid, c, j);
            memcpy(matrix + j * n, column, sizeof(PetscReal) * (size_t)n);
            free(column);
          }
          PetscReal scale = 0;
          for (PetscInt j = 0; j < n * n; ++j) scale = PetscMax(scale, fabs(matrix[j]));
          for (PetscInt j = 0; j < n; ++j)
            for (PetscInt k = 0; k < n; ++k)
              ck_assert_double_eq_tol(matrix[j * n + k], matrix[k * n + j], 1e-14 * scale);
          if (!strcmp(families[i].type,
                      "riesz")) { /* on mass zero: remove the mean of both sides */
            for (PetscInt side = 0; side < 2; ++side)
              for (PetscInt j = 0; j < n; ++j) {
                PetscReal mean = 0;
                for (PetscInt k = 0; k < n; ++k) mean += matrix[side ? k * n + j : j * n + k] / n;
                for (PetscInt k = 0; k < n; ++k) matrix[side ? k * n + j : j * n + k] -= mean;
              }
          }
          eigenvalues(n, matrix, values);
          ck_assert_msg(values[0] > -3e-15 * n * scale, "%s %g %d-D extension %d h %g: %g of %g",
                        families[i].type, families[i].parameter, (int)dim, (int)e, bandwidths[b],
                        values[0], values[n - 1]);
          ck_assert_double_gt(values[n - 1], 0);
          free(matrix);
          OK(MuConvolutionDestroy(&c));
          OK(MuGridDestroy(&grid));
        }
}
END_TEST

START_TEST(reflect_keeps_constants) {
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      if (!strcmp(families[i].type, "imq") || !strcmp(families[i].type, "riesz")) continue;
      MuGrid grid = make_grid(MPI_COMM_WORLD, dim, 20, 12, PETSC_FALSE, PETSC_FALSE, NULL);
      MuConvolution c = make_convolution(grid, families[i], 0.7, MU_EXTENSION_REFLECT, MU_CELLS);
      Vec f, g;
      OK(MuGridCreateField(grid, &f));
      OK(VecSet(f, 1));
      OK(VecDuplicate(f, &g));
      OK(MuConvolutionApply(c, f, g));
      ck_assert_double_le(TestMaxDifference(f, g), 1e-14);
      OK(VecDestroy(&f));
      OK(VecDestroy(&g));
      OK(MuConvolutionDestroy(&c));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* h -> 0 on a fixed grid: Kc -> 1, with error O(h^2) under reflect (symbol 1 - O(h^2 w^2)) and O(h)
   under zero, where a part E|z_a|/spacing_a of the mass leaves the cell through each pair of faces.
   Gaussian: E|z_a| = h sqrt(2/pi). */
START_TEST(identity_in_the_limit_of_small_bandwidth) {
  const PetscReal bandwidths[] = {4e-3, 2e-3, 1e-3};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      if (!strcmp(families[i].type, "imq") || !strcmp(families[i].type, "riesz")) continue;
      PetscReal reflect[3], zero[3], leak[3];
      MuGrid grid = make_grid(MPI_COMM_WORLD, dim, 10, 8, PETSC_FALSE, PETSC_FALSE, NULL);
      Vec f = TestRandomField(grid, 4, -1, 1), g;
      OK(VecDuplicate(f, &g));
      for (PetscInt b = 0; b < 3; ++b)
        for (PetscInt e = 0; e < 2; ++e) {
          MuConvolution c =
              make_convolution(grid, families[i], bandwidths[b],
                               e ? MU_EXTENSION_REFLECT : MU_EXTENSION_ZERO, MU_CELLS);
          OK(MuConvolutionApply(c, f, g));
          (e ? reflect : zero)[b] = TestMaxDifference(f, g);
          if (!e) {
            OK(MuConvolutionGetDiagonal(c, &leak[b]));
            leak[b] = 1 - leak[b];
          }
          OK(MuConvolutionDestroy(&c));
        }
      ck_assert_double_eq_tol(TestSlope(3, bandwidths, reflect), 2, 0.02);
      ck_assert_double_eq_tol(TestSlope(3, bandwidths, zero), 1, 0.02);
      ck_assert_double_eq_tol(TestSlope(3, bandwidths, leak), 1, 0.02);
      if (i == 0) {
        const PetscReal faces = dim == 1 ? 1 / 0.25 : 1 / 0.25 + 1 / 0.15;
        const PetscReal first = bandwidths[2] * sqrt(2 / PETSC_PI) * faces;
        ck_assert_double_eq_tol(leak[2], first, first * first);
      }
      OK(VecDestroy(&f));
      OK(VecDestroy(&g));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* ------------------------------------------------------------------ orders */

static PetscReal standard_deviation;

static PetscReal bump(PetscReal x, PetscReal y) {
  const PetscReal s = standard_deviation;
  return exp(-0.5 * ((x - 0.3) * (x - 0.3) + (y + 0.2) * (y + 0.2)) / (s * s)) / (s * s);
}

/* Gaussian kernel on a Gaussian: the variances add. Cell averaging errs by O(spacing^2). */
START_TEST(zero_is_second_order) {
  PetscReal spacing[3], error[3], gap[3];
  for (PetscInt k = 0; k < 3; ++k) {
    const PetscInt n = 40 + 10 * k;
    MuGrid grid = TestGrid(2, n, n, -5, 5, PETSC_FALSE);
    MuConvolution c = make_convolution(grid, families[0], 0.5, MU_EXTENSION_ZERO, MU_CELLS);
    MuConvolution r = make_convolution(grid, families[0], 0.5, MU_EXTENSION_REFLECT, MU_CELLS);
    standard_deviation = 0.6;
    Vec f = TestField(grid, bump), g, reflected;
    standard_deviation = sqrt(0.36 + 0.25);
    Vec exact = TestField(grid, bump);
    OK(VecDuplicate(f, &g));
    OK(VecDuplicate(f, &reflected));
    OK(MuConvolutionApply(c, f, g));
    OK(MuConvolutionApply(r, f, reflected));
    spacing[k] = 10.0 / n;
    error[k] = TestMaxDifference(g, exact);
    gap[k] = TestMaxDifference(g, reflected);
    /* the symbol is exact for what the grid resolves; the walls see exp(-4.7^2/1.22) = 1e-8 */
    ck_assert_double_le(TestMaxDifference(reflected, exact), 3e-8);
    OK(VecDestroy(&f));
    OK(VecDestroy(&g));
    OK(VecDestroy(&reflected));
    OK(VecDestroy(&exact));
    OK(MuConvolutionDestroy(&c));
    OK(MuConvolutionDestroy(&r));
    OK(MuGridDestroy(&grid));
  }
  ck_assert_double_eq_tol(TestSlope(3, spacing, error), 2, 0.05);
  ck_assert_double_eq_tol(TestSlope(3, spacing, gap), 2, 0.05);
}
END_TEST

/* ------------------------------------------------------------------ inverses */

static const unsigned char *obstacle(PetscInt nx, PetscInt ny) {
  static unsigned char mask[4096];
  for (PetscInt i = 0; i < nx * ny; ++i) {
    const PetscInt x = i % nx, y = i / nx;
    mask[i] = !(x > nx / 3 && x < nx / 2 && (ny == 1 || y > ny / 4));
  }
  return mask;
}

/* (Kc + ridge)^(-1) (Kc + ridge) f = f on inside cells, and how many iterations that took */
static PetscReal inverse_error(MuGrid grid, MuConvolution c, PetscReal ridge,
                               PetscInt *iterations) {
  Vec f = TestRandomField(grid, 11, -1, 1), g;
  PetscReal error;
  OK(VecDuplicate(f, &g));
  OK(MuConvolutionApply(c, f, g));
  OK(MuGridApplyMask(grid, g));
  OK(VecAXPY(g, ridge, f));
  OK(MuConvolutionApplyInverse(c, ridge, g, g));
  error = TestMaxDifference(f, g);
  OK(MuConvolutionGetIterations(c, iterations));
  OK(VecDestroy(&f));
  OK(VecDestroy(&g));
  return error;
}

START_TEST(inverses_invert) {
  const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC};
  const Family cases[] = {{"matern", 0.5}, {"bessel", 1}, {"matern", 1.5},
                          {"wendland", 1}, {"imq", 1},    {"gaussian", 1}};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
      for (PetscInt e = 0; e < 3; ++e)
        for (PetscInt masked = 0; masked < 2; ++masked) {
          const PetscInt nx = dim == 1 ? 60 : 20, ny = dim == 1 ? 1 : 16;
          MuGrid grid = make_grid(MPI_COMM_WORLD, dim, nx, ny, PETSC_FALSE, PETSC_FALSE,
                                  masked ? obstacle(nx, ny) : NULL);
          MuConvolution c = make_convolution(grid, cases[i], 0.25, extensions[e], MU_CELLS);
          PetscInt iterations;
          /* condition number at most 1e4 (gaussian: exp(pi^2/2 (1 + (0.25/0.15)^2)) = 1e8) */
          const PetscReal tolerance = i == 5 ? 1e-3 : 1e-8;
          const PetscInt enough = i == 5 ? 300 : 80;
          PetscReal error = inverse_error(grid, c, 0, &iterations);
          ck_assert_msg(error < tolerance && iterations <= enough,
                        "%s %d-D extension %d masked %d: error %g, %d iterations", cases[i].type,
                        (int)dim, (int)e, (int)masked, error, (int)iterations);
          if (e && !masked) ck_assert_int_eq(iterations, 0);
          error = inverse_error(grid, c, 1e-2, &iterations);
          ck_assert_msg(error < 1e-9, "%s %d-D extension %d masked %d, ridge: error %g",
                        cases[i].type, (int)dim, (int)e, (int)masked, error);
          OK(MuConvolutionDestroy(&c));
          OK(MuGridDestroy(&grid));
        }
}
END_TEST

/* ApplyRational: the inverse where it is exact, symmetric and positive otherwise */
START_TEST(rational_functions) {
  for (PetscInt e = 0; e < 2; ++e)
    for (PetscInt masked = 0; masked < 2; ++masked) {
      MuGrid grid = make_grid(MPI_COMM_WORLD, 2, 14, 11, PETSC_FALSE, PETSC_FALSE,
                              masked ? obstacle(14, 11) : NULL);
      MuConvolution c = make_convolution(grid, families[2], 0.4,
                                         e ? MU_EXTENSION_REFLECT : MU_EXTENSION_ZERO, MU_CELLS);
      Vec f = TestRandomField(grid, 1, -1, 1), g = TestRandomField(grid, 2, -1, 1), u, v;
      PetscReal left, right, positive;
      OK(VecDuplicate(f, &u));
      OK(VecDuplicate(f, &v));
      OK(MuConvolutionApplyRational(c, 2, 0.3, f, u));
      OK(MuConvolutionApplyRational(c, 2, 0.3, g, v));
      OK(VecDot(u, g, &left));
      OK(VecDot(v, f, &right));
      OK(VecDot(u, f, &positive));
      ck_assert_double_eq_tol(left, right, 1e-12);
      ck_assert_double_gt(positive, 0);
      if (e && !masked) {
        OK(MuConvolutionApply(c, u, v));
        OK(VecAXPBY(v, 0.3, 2, u));
        ck_assert_double_le(TestMaxDifference(f, v), 1e-14);
      }
      OK(VecDestroy(&f));
      OK(VecDestroy(&g));
      OK(VecDestroy(&u));
      OK(VecDestroy(&v));
      OK(MuConvolutionDestroy(&c));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* ------------------------------------------------------------------ ranks, diagonal, bad input */

START_TEST(ranks_agree_with_one) {
  const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC};
  const Family cases[] = {{"matern", 1.5}, {"imq", 1}, {"gaussian", 1}};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt i = 0; i < 3; ++i)
      for (PetscInt e = 0; e < 3; ++e)
        for (PetscInt location = -1; location < dim; ++location) {
          const PetscInt nx = 37, ny = dim == 2 ? 22 : 1;
          const PetscReal h = i == 1 ? 0.5 : 0.1;
          PetscReal *values[2];
          for (PetscInt k = 0; k < 2; ++k) {
            MPI_Comm comm = k ? PETSC_COMM_SELF : MPI_COMM_WORLD;
            MuGrid grid = make_grid(comm, dim, nx, ny, PETSC_FALSE, PETSC_FALSE, NULL);
            MuConvolution c =
                make_convolution(grid, cases[i], h, extensions[e], (MuLocation)location);
            Vec f = TestRandomField(grid, 9, -1, 1);
            OK(MuConvolutionApply(c, f, f));
            OK(MuConvolutionApplyRational(c, 1, 0.5, f, f));
            OK(MuConvolutionApplyInverse(c, 1, f, f));
            values[k] = TestGather(grid, f);
            OK(VecDestroy(&f));
            OK(MuConvolutionDestroy(&c));
            OK(MuGridDestroy(&grid));
          }
          ck_assert_double_le(worst(nx * ny, values[0], values[1]), 1e-12);
          free(values[0]);
          free(values[1]);
        }
}
END_TEST

/* Through shared memory, by messages, and on one rank: the same sums in the same order. */
START_TEST(ways_between_the_ranks_give_the_same_bits) {
  const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC};
  for (PetscInt nx = 7; nx < 80; nx += 33)
    for (PetscInt e = 0; e < 3; ++e)
      for (PetscInt location = -1; location < 2; ++location) {
        const PetscInt ny = 22;
        PetscReal *values[3];
        for (PetscInt k = 0; k < 3; ++k) {
          MPI_Comm comm = k ? MPI_COMM_WORLD : PETSC_COMM_SELF;
          MuGrid grid = make_grid(comm, 2, nx, ny, PETSC_FALSE, PETSC_FALSE, NULL);
          TestShareMemory(k == 1 ? "true" : "false");
          MuConvolution c =
              make_convolution(grid, families[2], 0.3, extensions[e], (MuLocation)location);
          Vec f = TestRandomField(grid, 9, -1, 1);
          OK(MuConvolutionApply(c, f, f));
          OK(MuConvolutionApply(c, f, f));
          values[k] = TestGather(grid, f);
          OK(VecDestroy(&f));
          OK(MuConvolutionDestroy(&c));
          OK(MuGridDestroy(&grid));
        }
        TestShareMemory(NULL);
        for (PetscInt i = 0; i < nx * ny; ++i) {
          ck_assert_double_eq(values[0][i], values[1][i]);
          ck_assert_double_eq(values[0][i], values[2][i]);
        }
        for (PetscInt k = 0; k < 3; ++k) free(values[k]);
      }
}
END_TEST

START_TEST(diagonal_is_the_mean_response) {
  const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC};
  for (PetscInt dim = 1; dim <= 2; ++dim)
    for (PetscInt e = 0; e < 3; ++e) {
      MuGrid grid =
          make_grid(MPI_COMM_WORLD, dim, 9, dim == 2 ? 4 : 1, PETSC_FALSE, PETSC_FALSE, NULL);
      MuConvolution c = make_convolution(grid, families[2], 0.3, extensions[e], MU_CELLS);
      const PetscInt n = dim == 2 ? 36 : 9;
      PetscReal diagonal, trace = 0;
      for (PetscInt i = 0; i < n; ++i) {
        PetscReal *column = response(grid, c, i);
        trace += column[i];
        free(column);
      }
      OK(MuConvolutionGetDiagonal(c, &diagonal));
      ck_assert_double_eq_tol(diagonal, trace / n, 1e-14);
      OK(MuConvolutionDestroy(&c));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* One cell in an axis: no padding, no interior face */
START_TEST(smallest_grids) {
  const MuExtension extensions[] = {MU_EXTENSION_ZERO, MU_EXTENSION_REFLECT, MU_EXTENSION_PERIODIC};
  for (PetscInt e = 0; e < 3; ++e)
    for (PetscInt location = -1; location < 2; ++location) {
      MuGrid grid = make_grid(MPI_COMM_WORLD, 2, 1, 4, PETSC_FALSE, PETSC_FALSE, NULL);
      MuConvolution c =
          make_convolution(grid, families[2], 0.3, extensions[e], (MuLocation)location);
      Vec f = TestRandomField(grid, 9, 1, 2);
      PetscReal *values, largest;
      OK(MuConvolutionApply(c, f, f));
      OK(VecNorm(f, NORM_INFINITY, &largest));
      values = TestGather(grid, f);
      ck_assert(location == 0 ? largest == 0 : largest > 0.01);
      if (location == 1) ck_assert_double_eq(values[0], 0);
      free(values);
      OK(VecDestroy(&f));
      OK(MuConvolutionDestroy(&c));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

static void refuse(MuGrid grid, Family family, PetscReal h, const char *key) {
  const MuGridInfo *info;
  MuConvolution c = NULL;
  OK(MuGridGetInfo(grid, &info));
  MuKernel kernel = make_kernel(family, h, info->dim, MU_EXTENSION_ZERO);
  ck_assert_int_eq(MuConvolutionCreate(grid, kernel, MU_CELLS, &c), MU_ERR_INPUT);
  ck_assert_ptr_null(c);
  ck_assert_msg(strstr(MuErrorMessage(), key) != NULL, "%s", MuErrorMessage());
  OK(MuKernelDestroy(&kernel));
}

START_TEST(bad_convolutions_are_refused) {
  MuGrid walls = TestGrid(2, 8, 8, 0, 1, PETSC_FALSE);
  MuGrid mixed = make_grid(MPI_COMM_WORLD, 2, 8, 8, PETSC_TRUE, PETSC_FALSE, NULL);
  refuse(walls, (Family){"bessel", 0.5}, 1, "kernel_order");
  refuse(mixed, (Family){"imq", 1}, 1, "kernel_extension");
  refuse(mixed, (Family){"riesz", 1}, 1, "kernel_extension");
  refuse(mixed, (Family){"gaussian", 1}, 1e6, "kernel_bandwidth");

  MuConvolution wide = make_convolution(walls, families[0], 0.7, MU_EXTENSION_REFLECT, MU_CELLS);
  MuConvolution riesz = make_convolution(walls, families[10], 0.7, MU_EXTENSION_ZERO, MU_CELLS);
  Vec f = TestRandomField(walls, 1, -1, 1), g;
  OK(VecDuplicate(f, &g));
  ck_assert_int_eq(MuConvolutionApplyInverse(wide, 0, f, g), MU_ERR_NUMERICS);
  ck_assert(strstr(MuErrorMessage(), "condition number") && strstr(MuErrorMessage(), "ridge"));
  OK(MuConvolutionApplyInverse(wide, 1e-6, f, g));
  ck_assert_int_eq(MuConvolutionApplyInverse(riesz, 0, f, g), MU_ERR_INPUT);
  MuConvolution padded = make_convolution(walls, families[0], 0.7, MU_EXTENSION_ZERO, MU_CELLS);
  ck_assert_int_eq(MuConvolutionApplyInverse(padded, 0, f, g), MU_ERR_NUMERICS);
  ck_assert(strstr(MuErrorMessage(), "condition number") && strstr(MuErrorMessage(), "ridge"));
  OK(MuConvolutionDestroy(&padded));
  OK(VecDestroy(&f));
  OK(VecDestroy(&g));
  OK(MuConvolutionDestroy(&wide));
  OK(MuConvolutionDestroy(&riesz));
  OK(MuGridDestroy(&walls));
  OK(MuGridDestroy(&mixed));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("convolution");
  TCase *t = tcase_create("convolution");
  outer_space = gsl_integration_workspace_alloc(WORKSPACE);
  inner_space = gsl_integration_workspace_alloc(WORKSPACE);
  tcase_set_timeout(t, 0);
  tcase_add_test(t, weights_on_the_line);
  tcase_add_test(t, central_weight_in_the_plane);
  tcase_add_test(t, weights_in_the_plane);
  tcase_add_test(t, weights_sum_to_the_mass);
  tcase_add_test(t, reflect_and_periodic_are_the_continuous_symbol);
  tcase_add_test(t, zero_is_the_direct_double_sum);
  tcase_add_test(t, zero_with_a_periodic_axis_sums_images);
  tcase_add_test(t, functions_are_direct_double_sums);
  tcase_add_test(t, symmetric_and_positive_semidefinite);
  tcase_add_test(t, reflect_keeps_constants);
  tcase_add_test(t, identity_in_the_limit_of_small_bandwidth);
  tcase_add_test(t, zero_is_second_order);
  tcase_add_test(t, inverses_invert);
  tcase_add_test(t, rational_functions);
  tcase_add_test(t, ranks_agree_with_one);
  tcase_add_test(t, ways_between_the_ranks_give_the_same_bits);
  tcase_add_test(t, diagonal_is_the_mean_response);
  tcase_add_test(t, smallest_grids);
  tcase_add_test(t, bad_convolutions_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
