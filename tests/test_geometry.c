/* Onsager operators: every row of the table against dense matrices built from the formulas of the
   theory, symmetry, semi-definiteness, mass; limits with their orders; the primal potential. */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"
#include "support.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>
#include <string.h>

enum { MAX_CELLS = 64, MAX_SIZE = MAX_CELLS * MAX_CELLS };

/* ------------------------------------------------------------------ makers */

static MuKernel make_kernel(const char *type, PetscReal bandwidth, PetscInt dim) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuKernelSpecDefault(&spec);
  strcpy(spec.type, type);
  spec.bandwidth = bandwidth;
  OK(MuKernelCreate(&spec, dim, &kernel));
  return kernel;
}

/* Of the parts that have a reference density. */
static PetscErrorCode omega(void *ctx, const PetscReal x[2], PetscReal *value) {
  (void)ctx;
  *value = 0.4 + x[0] * x[0] + 0.3 * sin(x[1]);
  return 0;
}

static MuSummand simple_part(const char *name, PetscReal weight) {
  const TestNumbers numbers = {.ridge = strstr(name, "ridge") ? 0.03 : 0, .mobility_exponent = 1.7};
  MuSummand part = TestSummand(MuGeometryGetInfo, name, weight, numbers);
  MuSummandInfo info;
  OK(MuSummandFind(MuGeometryGetInfo, name, &info));
  if (info.function_key) part.function = omega;
  return part;
}

static MuGeometrySpec simple_spec(const char *name, MuKernel kernel) {
  MuGeometrySpec spec = {.parts = 1, .stolarsky_exponent = 2.5, .kernel = kernel};
  spec.part[0] = simple_part(name, 1);
  return spec;
}

static MuGeometry make_geometry(MuGrid grid, const MuGeometrySpec *spec, Vec rho) {
  MuGeometry geometry;
  OK(MuGeometryCreate(grid, spec, &geometry));
  OK(MuGeometrySetRidgeTolerance(geometry, 1e-14));
  if (rho) OK(MuGeometrySetState(geometry, rho));
  return geometry;
}

static Vec apply(MuGeometry geometry, Vec xi) {
  Vec out;
  OK(VecDuplicate(xi, &out));
  OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, out));
  return out;
}

/* The grids of the conformance tests, all on the unit interval or square. */
typedef struct {
  PetscInt dim, nx, ny;
  PetscBool periodic_x, periodic_y, masked;
} Domain;

static const Domain domains[] = {
    {1, 19, 1, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {1, 16, 1, PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
    {1, 17, 1, PETSC_FALSE, PETSC_FALSE, PETSC_TRUE},
    {2, 7, 6, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {2, 8, 6, PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
};
enum { DOMAINS = sizeof domains / sizeof *domains };

static int inside(const Domain *d, PetscInt i) {
  return !d->masked || (i * 5) % 13 != 6;
}

static MuGrid make_grid(MPI_Comm comm, const Domain *d) {
  unsigned char mask[MAX_CELLS];
  for (PetscInt i = 0; i < d->nx * d->ny; ++i) mask[i] = (unsigned char)inside(d, i);
  MuGridSpec spec = {.dim = d->dim,
                     .upper = {1, 1},
                     .cells = {d->nx, d->ny},
                     .periodic = {d->periodic_x, d->periodic_y},
                     .mask = mask};
  MuGrid grid;
  OK(MuGridCreate(comm, &spec, &grid));
  return grid;
}

/* A density over two decades. */
static Vec rough_density(MuGrid grid, unsigned seed) {
  Vec rho = TestRandomField(grid, seed, -1, 1);
  const MuGridInfo *info;
  PetscReal *r;
  OK(MuGridGetInfo(grid, &info));
  OK(VecGetArray(rho, &r));
  for (PetscInt i = 0; i < info->local_size; ++i) r[i] = info->mask[i] ? pow(10, r[i]) : 0;
  OK(VecRestoreArray(rho, &r));
  return rho;
}

/* ------------------------------------------------------------------ dense oracle */

/* Matrices are [n][n], row-major; all the same on every rank. */
typedef struct {
  Domain d;
  PetscInt n;
  PetscReal h[2]; /* spacings */
  PetscReal rho[MAX_CELLS];
  PetscReal bandwidth;
} Dense;

static void dense_create(const Domain *d, MuGrid grid, Vec rho, PetscReal bandwidth, Dense *p) {
  PetscReal *global = TestGather(grid, rho);
  p->d = *d;
  p->n = d->nx * d->ny;
  p->h[0] = 1.0 / d->nx;
  p->h[1] = 1.0 / d->ny;
  p->bandwidth = bandwidth;
  memcpy(p->rho, global, sizeof(PetscReal) * (size_t)p->n);
  free(global);
}

/* The lower neighbour of cell i along an axis, or -1 if the face between is closed. */
static PetscInt lower_cell(const Dense *p, PetscInt axis, PetscInt i) {
  const PetscInt nx = p->d.nx, x = i % nx, y = i / nx;
  PetscInt j = -1;
  if (axis == 0 && (x > 0 || p->d.periodic_x)) j = y * nx + (x + nx - 1) % nx;
  if (axis == 1 && (y > 0 || p->d.periodic_y)) j = (y + p->d.ny - 1) % p->d.ny * nx + x;
  return j >= 0 && inside(&p->d, i) && inside(&p->d, j) ? j : -1;
}

/* One-dimensional Gaussian convolution matrix by direct synthesis from the eigenfunctions: cosines
   (cells between walls), sines (faces along their own axis), the Fourier basis (periodic). */
static void line_kernel(PetscInt n, PetscBool periodic, PetscBool faces, PetscReal bandwidth,
                        PetscReal *k) {
  memset(k, 0, sizeof(PetscReal) * (size_t)(n * n));
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j)
      for (PetscInt m = 0; m < n; ++m) {
        PetscInt alias = m <= n / 2 ? m : n - m;
        PetscReal w = periodic ? 2 * PETSC_PI * alias : PETSC_PI * m;
        PetscReal symbol = exp(-0.5 * w * w * bandwidth * bandwidth), e;
        if (periodic)
          e = cos(2 * PETSC_PI * m * (i - j) / n) / n;
        else if (faces)
          e = 2.0 / n * sin(PETSC_PI * m * i / n) * sin(PETSC_PI * m * j / n);
        else
          e = (m ? 2.0 : 1.0) / n * cos(PETSC_PI * m * (i + 0.5) / n) *
              cos(PETSC_PI * m * (j + 0.5) / n);
        k[i * n + j] += symbol * e;
      }
}

/* Kc on cells (axis -1) or on the faces of an axis; a product of lines since it is a Gaussian. */
static void dense_kernel(const Dense *p, PetscInt axis, PetscReal *k) {
  PetscReal kx[MAX_SIZE], ky[MAX_SIZE];
  const PetscInt nx = p->d.nx, n = p->n;
  line_kernel(nx, p->d.periodic_x, axis == 0, p->bandwidth, kx);
  if (p->d.dim == 2)
    line_kernel(p->d.ny, p->d.periodic_y, axis == 1, p->bandwidth, ky);
  else
    ky[0] = 1;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j)
      k[i * n + j] = kx[(i % nx) * nx + j % nx] * ky[(i / nx) * p->d.ny + j / nx];
}

/* b = a^(-1) b for b [n][n]; a is destroyed. */
static void dense_solve(PetscInt n, PetscReal *a, PetscReal *b) {
  gsl_matrix_view lu = gsl_matrix_view_array(a, (size_t)n, (size_t)n);
  gsl_matrix_view rhs = gsl_matrix_view_array(b, (size_t)n, (size_t)n);
  gsl_permutation *pivots = gsl_permutation_alloc((size_t)n);
  int sign;
  ck_assert_int_eq(gsl_linalg_LU_decomp(&lu.matrix, pivots, &sign), 0);
  for (size_t j = 0; j < (size_t)n; ++j) {
    gsl_vector_view column = gsl_matrix_column(&rhs.matrix, j);
    ck_assert_int_eq(gsl_linalg_LU_svx(&lu.matrix, pivots, &column.vector), 0);
  }
  gsl_permutation_free(pivots);
}

/* Eigenvalues w [n] and eigenvectors, vector e at v[i * n + e], of a symmetric matrix; a is
   destroyed. */
static void dense_eigen(PetscInt n, PetscReal *a, PetscReal *w, PetscReal *v) {
  gsl_matrix_view matrix = gsl_matrix_view_array(a, (size_t)n, (size_t)n);
  gsl_matrix_view vectors = gsl_matrix_view_array(v, (size_t)n, (size_t)n);
  gsl_vector_view values = gsl_vector_view_array(w, (size_t)n);
  gsl_eigen_symmv_workspace *space = gsl_eigen_symmv_alloc((size_t)n);
  ck_assert_int_eq(gsl_eigen_symmv(&matrix.matrix, &values.vector, &vectors.matrix, space), 0);
  gsl_eigen_symmv_free(space);
}

/* The means by their definitions in long double; the operands of these tests are far from equal. */
static PetscReal plain_mean(MuMean mean, PetscReal exponent, PetscReal a, PetscReal b) {
  long double x = a, y = b, m = exponent;
  if (mean == MU_MEAN_ARITHMETIC) return 0.5 * (a + b);
  if (mean == MU_MEAN_STOLARSKY)
    return (PetscReal)((m - 1) / m * (powl(x, m) - powl(y, m)) / (powl(x, m - 1) - powl(y, m - 1)));
  return (PetscReal)((x - y) / (logl(x) - logl(y)));
}

/* weight[i] m (T + lambda)^(-1) T with T = k m, from the unsymmetrised formula. */
static void dense_ridge(PetscInt n, const PetscReal *k, const PetscReal *m, PetscReal ridge,
                        PetscReal *out) {
  PetscReal a[MAX_SIZE];
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) {
      out[i * n + j] = k[i * n + j] * m[j];
      a[i * n + j] = out[i * n + j] + (i == j ? ridge : 0);
    }
  dense_solve(n, a, out);
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) out[i * n + j] *= m[i];
}

static PetscReal dense_omega(const Dense *p, PetscInt i) {
  const PetscReal x[2] = {(i % p->d.nx + 0.5) * p->h[0],
                          p->d.dim == 2 ? (i / p->d.nx + 0.5) * p->h[1] : 0};
  PetscReal value;
  OK(omega(NULL, x, &value));
  return value;
}

/* Inverse of k + ridge on the faces of an axis that are open; 0 elsewhere. */
static void dense_face_inverse(const Dense *p, PetscInt axis, PetscReal ridge, const PetscReal *k,
                               PetscReal *out) {
  const PetscInt n = p->n;
  PetscReal a[MAX_SIZE];
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) {
      int both = lower_cell(p, axis, i) >= 0 && lower_cell(p, axis, j) >= 0;
      a[i * n + j] = both ? k[i * n + j] + (i == j) * ridge : (i == j);
      out[i * n + j] = (i == j) && both;
    }
  dense_solve(n, a, out);
}

static void dense_transport(const Dense *p, const MuGeometrySpec *spec, const MuSummand *part,
                            PetscReal *out) {
  const char *name = part->name;
  const PetscInt n = p->n;
  PetscReal m[MAX_CELLS], k[MAX_SIZE], flux[MAX_SIZE];
  memset(out, 0, sizeof(PetscReal) * (size_t)(n * n));
  for (PetscInt axis = 0; axis < p->d.dim; ++axis) {
    for (PetscInt f = 0; f < n; ++f) {
      PetscInt j = lower_cell(p, axis, f);
      m[f] =
          j < 0 ? 0 : plain_mean(spec->face_mean, spec->stolarsky_exponent, p->rho[f], p->rho[j]);
      if (!strcmp(name, "wasserstein_mobility") && j >= 0) m[f] = pow(m[f], part->value[0]);
      if (!strcmp(name, "wasserstein_ridge_mobility") && j >= 0)
        m[f] = m[f] * m[f] / (m[f] + part->value[0]);
      if (!strcmp(name, "flat_wasserstein") && j >= 0)
        m[f] = dense_omega(p, f) * dense_omega(p, j) /
               plain_mean(MU_MEAN_LOGARITHMIC, 0, dense_omega(p, f), dense_omega(p, j));
    }
    memset(flux, 0, sizeof flux);
    if (strstr(name, "stein")) dense_kernel(p, axis, k);
    if (!strcmp(name, "ridge_stein"))
      dense_ridge(n, k, m, part->value[0], flux);
    else if (!strcmp(name, "de_stein"))
      dense_face_inverse(p, axis, part->value[0], k, flux);
    else
      for (PetscInt f = 0; f < n; ++f)
        for (PetscInt g = 0; g < n; ++g)
          flux[f * n + g] = !strcmp(name, "stein") ? m[f] * k[f * n + g] * m[g] : (f == g) * m[f];
    for (PetscInt f = 0; f < n; ++f)
      for (PetscInt g = 0; g < n; ++g) {
        PetscInt a = lower_cell(p, axis, f), b = lower_cell(p, axis, g);
        PetscReal e = flux[f * n + g] / (p->h[axis] * p->h[axis]);
        if (a < 0 || b < 0) continue;
        out[f * n + g] += e, out[f * n + b] -= e, out[a * n + g] -= e, out[a * n + b] += e;
      }
  }
}

/* Inverse of (P Kc P + ridge) on the inside cells. */
static void dense_mmd(const Dense *p, PetscReal ridge, const PetscReal *k, PetscReal *out) {
  const PetscInt n = p->n;
  PetscReal a[MAX_SIZE];
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) {
      int both = inside(&p->d, i) && inside(&p->d, j);
      a[i * n + j] = both ? k[i * n + j] + (i == j) * ridge : (i == j);
      out[i * n + j] = (i == j) && both;
    }
  dense_solve(n, a, out);
}

static void dense_reaction(const Dense *p, const MuSummand *part, PetscReal *out) {
  const char *name = part->name;
  const PetscInt n = p->n;
  PetscReal k[MAX_SIZE], q[MAX_CELLS] = {0};
  dense_kernel(p, -1, k);
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) q[i] += k[i * n + j] * p->rho[j];
  if (!strcmp(name, "mmd") || !strcmp(name, "normalized_mmd")) dense_mmd(p, part->value[0], k, out);
  if (!strcmp(name, "ridge_fisher_rao")) dense_ridge(n, k, p->rho, part->value[0], out);
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) {
      PetscReal mm = p->rho[i] * p->rho[j] * k[i * n + j];
      if (!strcmp(name, "fisher_rao")) out[i * n + j] = (i == j) * p->rho[i];
      if (!strcmp(name, "power_mobility"))
        out[i * n + j] = (i == j && inside(&p->d, i)) * pow(p->rho[i], part->value[0]);
      if (!strcmp(name, "ridge_mobility"))
        out[i * n + j] =
            (i == j && inside(&p->d, i)) * p->rho[i] * p->rho[i] / (p->rho[i] + part->value[0]);
      if (!strcmp(name, "kernel_fisher_rao")) out[i * n + j] = mm;
      if (!strcmp(name, "normalized_kernel_fisher_rao"))
        out[i * n + j] = mm == 0 ? 0 : mm / sqrt(q[i] * q[j]);
      if (!strcmp(name, "normalized_mmd"))
        out[i * n + j] *= inside(&p->d, i) && inside(&p->d, j) ? sqrt(q[i] * q[j]) : 0;
      if (!strcmp(name, "flat_fisher_rao"))
        out[i * n + j] = (i == j && inside(&p->d, i)) * dense_omega(p, i);
    }
}

/* K - K1 (K1)^T/(1^T K 1) */
static void dense_spherical(PetscInt n, PetscReal *k) {
  PetscReal one[MAX_CELLS] = {0}, total = 0;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) one[i] += k[i * n + j], total += k[i * n + j];
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j) k[i * n + j] -= one[i] * one[j] / total;
}

static PetscBool is_transport(const char *name) {
  MuPartKind kind = MU_PART_ALL;
  OK(MuGeometryGetKind(name, &kind));
  return (PetscBool)(kind == MU_PART_TRANSPORT);
}

/* K of the whole sum. */
static void dense_operator(const Dense *p, const MuGeometrySpec *spec, PetscReal *out) {
  const PetscInt size = p->n * p->n;
  PetscReal part[MAX_SIZE], reaction[MAX_SIZE] = {0};
  PetscBool any = PETSC_FALSE;
  memset(out, 0, sizeof(PetscReal) * (size_t)size);
  for (PetscInt k = 0; k < spec->parts; ++k) {
    PetscBool transport = is_transport(spec->part[k].name);
    if (transport)
      dense_transport(p, spec, &spec->part[k], part);
    else
      dense_reaction(p, &spec->part[k], part);
    any = (PetscBool)(any || !transport);
    for (PetscInt i = 0; i < size; ++i)
      (transport ? out : reaction)[i] += spec->part[k].weight * part[i];
  }
  if (spec->spherical && any) dense_spherical(p->n, reaction);
  for (PetscInt i = 0; i < size; ++i) out[i] += reaction[i];
}

/* ------------------------------------------------------------------ conformance */

typedef struct {
  MuGrid grid;
  MuKernel kernel;
  Vec rho, xi, eta;
  Dense dense;
} Bench;

static void bench_create(const Domain *d, Bench *b) {
  const PetscReal bandwidth = 0.06;
  b->grid = make_grid(MPI_COMM_WORLD, d);
  b->kernel = make_kernel("gaussian", bandwidth, d->dim);
  b->rho = rough_density(b->grid, 1);
  b->xi = TestRandomField(b->grid, 2, -1, 1);
  b->eta = TestRandomField(b->grid, 3, -1, 1);
  dense_create(d, b->grid, b->rho, bandwidth, &b->dense);
}

static void bench_destroy(Bench *b) {
  OK(VecDestroy(&b->rho));
  OK(VecDestroy(&b->xi));
  OK(VecDestroy(&b->eta));
  OK(MuKernelDestroy(&b->kernel));
  OK(MuGridDestroy(&b->grid));
}

static void compare_with_dense(const Bench *b, const MuGeometrySpec *spec, Vec xi, Vec image) {
  const PetscInt n = b->dense.n;
  PetscReal k[MAX_SIZE], *x = TestGather(b->grid, xi), *y = TestGather(b->grid, image), size = 0;
  dense_operator(&b->dense, spec, k);
  for (PetscInt i = 0; i < n; ++i) size = PetscMax(size, fabs(y[i]));
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal sum = 0;
    for (PetscInt j = 0; j < n; ++j) sum += k[i * n + j] * x[j];
    /* the dense inverse of a kernel with condition number 1e4 loses that many digits */
    ck_assert_msg(fabs(sum - y[i]) <= 1e-10 * size, "%s%s mean %d cell %d: %.17g, dense %.17g",
                  spec->part[0].name, spec->spherical ? " spherical" : "", (int)spec->face_mean,
                  (int)i, y[i], sum);
    if (!inside(&b->dense.d, i)) ck_assert(y[i] == 0);
  }
  free(x);
  free(y);
}

static void check_structure(const Bench *b, const MuGeometrySpec *spec, Vec xi_image,
                            Vec eta_image) {
  PetscReal left, right, energy, mass, size;
  OK(MuGridInner(b->grid, b->xi, eta_image, &left));
  OK(MuGridInner(b->grid, b->eta, xi_image, &right));
  OK(MuGridInner(b->grid, b->xi, xi_image, &energy));
  OK(MuGridDistanceL1(b->grid, xi_image, NULL, &size));
  /* |xi|, |eta| <= 1; rounding of the sums, and 1e-14 of the ridge solves */
  ck_assert_msg(fabs(left - right) <= 1e-12 * size, "%s: not symmetric by %g of %g",
                spec->part[0].name, left - right, size);
  ck_assert_msg(energy >= -1e-13 * size, "%s: <xi, K xi> = %g", spec->part[0].name, energy);
  OK(MuGridIntegrate(b->grid, xi_image, &mass));
  if (spec->spherical || is_transport(spec->part[0].name))
    ck_assert_msg(fabs(mass) <= 1e-13 * size, "%s: mass %g of %g", spec->part[0].name, mass, size);
  else
    ck_assert(fabs(mass) > 1e-8 * size);
}

static const char *row_name(PetscInt row) {
  const char *name, *formula;
  OK(MuGeometryGetTableRow(row, &name, &formula));
  ck_assert(!name == !formula);
  return name;
}

static void conform(const Bench *b, const MuGeometrySpec *spec) {
  MuGeometry geometry = make_geometry(b->grid, spec, b->rho);
  Vec xi_image = apply(geometry, b->xi), eta_image = apply(geometry, b->eta);
  check_structure(b, spec, xi_image, eta_image);
  compare_with_dense(b, spec, b->xi, xi_image);
  OK(VecDestroy(&xi_image));
  OK(VecDestroy(&eta_image));
  OK(MuGeometryDestroy(&geometry));
}

START_TEST(every_row_conforms) {
  const MuMean means[] = {MU_MEAN_LOGARITHMIC, MU_MEAN_ARITHMETIC, MU_MEAN_STOLARSKY};
  const char *name;
  for (PetscInt d = 0; d < DOMAINS; ++d) {
    Bench b;
    bench_create(&domains[d], &b);
    for (PetscInt row = 0; (name = row_name(row)) != NULL; ++row)
      for (int variant = 0; variant < (is_transport(name) ? 3 : 2); ++variant) {
        MuGeometrySpec spec = simple_spec(name, b.kernel);
        spec.face_mean = means[variant];
        if (!is_transport(name)) spec.spherical = (PetscBool)(variant == 1);
        spec.part[0].weight = 1.25;
        conform(&b, &spec);
      }
    bench_destroy(&b);
  }
}
END_TEST

START_TEST(sums_conform) {
  for (PetscInt d = 0; d < DOMAINS; ++d)
    for (int spherical = 0; spherical < 2; ++spherical) {
      Bench b;
      bench_create(&domains[d], &b);
      MuGeometrySpec spec = simple_spec("wasserstein", b.kernel);
      spec.parts = 4;
      spec.part[1] = simple_part("mmd", 0.3);
      spec.part[1].value[0] = 0.01;
      spec.part[2] = simple_part("ridge_fisher_rao", 2);
      spec.part[2].value[0] = 0.02;
      spec.part[3] = simple_part("stein", 0.1);
      spec.spherical = (PetscBool)spherical;
      MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
      Vec image = apply(geometry, b.xi), part;
      compare_with_dense(&b, &spec, b.xi, image);
      /* the kinds add up to the whole */
      OK(VecDuplicate(image, &part));
      OK(MuGeometryApply(geometry, MU_PART_REACTION, b.xi, NULL, part));
      OK(VecAXPY(image, -1, part));
      OK(MuGeometryApply(geometry, MU_PART_TRANSPORT, b.xi, NULL, part));
      ck_assert(TestMaxDifference(image, part) < 1e-10);
      OK(VecDestroy(&part));
      OK(VecDestroy(&image));
      OK(MuGeometryDestroy(&geometry));
      bench_destroy(&b);
    }
}
END_TEST

START_TEST(relative_form_times_mu_is_the_operator) {
  const char *name;
  for (PetscInt d = 0; d < DOMAINS; ++d)
    for (int spherical = 0; spherical < 2; ++spherical) {
      Bench b;
      bench_create(&domains[d], &b);
      for (PetscInt row = 0; (name = row_name(row)) != NULL; ++row) {
        MuGeometrySpec spec = simple_spec(name, b.kernel);
        PetscBool has;
        spec.spherical = (PetscBool)spherical;
        MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
        Vec image = apply(geometry, b.xi), relative;
        OK(VecDuplicate(image, &relative));
        OK(MuGeometryHasRelative(geometry, &has));
        MuPartTraits traits;
        OK(MuGeometryGetTraits(&spec, 0, &traits));
        ck_assert_int_eq(has, traits.kind == MU_PART_REACTION &&
                                  (traits.vanishes || !isnan(traits.power)));
        if (has) {
          OK(MuGeometryApplyRelative(geometry, b.xi, relative));
          OK(VecPointwiseMult(relative, relative, b.rho));
          ck_assert_msg(TestMaxDifference(image, relative) < 1e-12, "%s: %g", name,
                        TestMaxDifference(image, relative));
        } else if (!strcmp(name, "mmd")) {
          ck_assert_int_eq(MuGeometryApplyRelative(geometry, b.xi, relative), MU_ERR_INPUT);
        }
        OK(VecDestroy(&relative));
        OK(VecDestroy(&image));
        OK(MuGeometryDestroy(&geometry));
      }
      bench_destroy(&b);
    }
}
END_TEST

/* The same state on a grid of one rank's own. */
START_TEST(ranks_agree_with_one) {
  const char *name;
  for (PetscInt d = 0; d < DOMAINS; ++d) {
    Bench b;
    bench_create(&domains[d], &b);
    MuGrid alone = make_grid(PETSC_COMM_SELF, &domains[d]);
    Vec rho = rough_density(alone, 1), xi = TestRandomField(alone, 2, -1, 1);
    for (PetscInt row = 0; (name = row_name(row)) != NULL; ++row) {
      MuGeometrySpec spec = simple_spec(name, b.kernel);
      spec.spherical = PETSC_TRUE;
      MuGeometry many = make_geometry(b.grid, &spec, b.rho), one = make_geometry(alone, &spec, rho);
      Vec image_many = apply(many, b.xi), image_one = apply(one, xi);
      PetscReal *x = TestGather(b.grid, image_many), *y = TestGather(alone, image_one);
      for (PetscInt i = 0; i < b.dense.n; ++i) ck_assert_double_eq_tol(x[i], y[i], 1e-10);
      free(x);
      free(y);
      OK(VecDestroy(&image_many));
      OK(VecDestroy(&image_one));
      OK(MuGeometryDestroy(&many));
      OK(MuGeometryDestroy(&one));
    }
    OK(VecDestroy(&rho));
    OK(VecDestroy(&xi));
    OK(MuGridDestroy(&alone));
    bench_destroy(&b);
  }
}
END_TEST

/* ------------------------------------------------------------------ face means */

/* M_f (log s_j - log s_i) is the Scharfetter-Gummel flux B(V_i - V_j) rho_j - B(V_j - V_i) rho_i,
   whatever V and rho; also where rho is zero (log rho at the smallest normal number). */
START_TEST(logarithmic_mean_gives_scharfetter_gummel) {
  const PetscReal steps[] = {1e-9, 0.3, 20, 1500, 1e4};
  MuGrid grid = TestGrid(1, 40, 1, 0, 1, PETSC_FALSE);
  MuGeometrySpec spec = simple_spec("wasserstein", NULL);
  for (size_t s = 0; s < sizeof steps / sizeof *steps; ++s) {
    Vec v = TestRandomField(grid, 7, -steps[s], steps[s]);
    Vec rho = TestRandomField(grid, 8, -300, 0), mean;
    const MuGridInfo *info;
    PetscReal *r;
    OK(MuGridGetInfo(grid, &info));
    OK(VecGetArray(rho, &r));
    for (PetscInt i = 0; i < info->local_size; ++i)
      r[i] = (info->first_row + i) % 5 ? exp(r[i] * ((info->first_row + i) % 2)) : 0;
    OK(VecRestoreArray(rho, &r));
    OK(VecDuplicate(rho, &mean));
    MuGeometry geometry = make_geometry(grid, &spec, NULL);
    OK(MuGeometrySetReferencePotential(geometry, v));
    OK(MuGeometrySetState(geometry, rho));
    OK(MuGeometryFaceMean(geometry, 0, mean));
    PetscReal *m = TestGather(grid, mean), *p = TestGather(grid, rho), *u = TestGather(grid, v);
    ck_assert(m[0] == 0);
    for (PetscInt i = 1; i < 40; ++i) {
      long double z = (long double)u[i] - u[i - 1];
      long double up = z / expm1l(z), down = -z / expm1l(-z);
      long double flux = down * p[i] - up * p[i - 1];
      long double rise =
          logl(fmaxl(p[i], MU_MIN_NORMAL)) - logl(fmaxl(p[i - 1], MU_MIN_NORMAL)) + z;
      long double size = fmaxl(down * p[i], up * p[i - 1]);
      ck_assert_msg(fabsl(m[i] * rise - flux) <= 1e-13L * size + 1e-300L,
                    "step %g face %d: %.17Lg, Scharfetter-Gummel %.17Lg", steps[s], (int)i,
                    m[i] * rise, flux);
    }
    free(m);
    free(p);
    free(u);
    OK(MuGeometryDestroy(&geometry));
    OK(VecDestroy(&v));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&mean));
  }
  OK(MuGridDestroy(&grid));
}
END_TEST

START_TEST(infinite_potential_closes_faces) {
  MuGrid grid = TestGrid(1, 12, 1, 0, 1, PETSC_FALSE);
  MuGeometrySpec spec = simple_spec("wasserstein_mobility", NULL);
  spec.part[0].value[0] = 0; /* 0^0 must stay closed too */
  Vec v = TestRandomField(grid, 7, -1, 1), rho = TestRandomField(grid, 8, 1, 2), m;
  const MuGridInfo *info;
  PetscReal *a;
  OK(MuGridGetInfo(grid, &info));
  OK(VecGetArray(v, &a));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if ((info->first_row + i) / 2 == 2) a[i] = INFINITY; /* cells 4 and 5 */
  OK(VecRestoreArray(v, &a));
  OK(VecDuplicate(rho, &m));
  MuGeometry geometry = make_geometry(grid, &spec, NULL);
  OK(MuGeometrySetReferencePotential(geometry, v));
  OK(MuGeometrySetState(geometry, rho));
  OK(MuGeometryFaceMobility(geometry, 0, m));
  PetscReal *x = TestGather(grid, m);
  for (PetscInt i = 0; i < 12; ++i) ck_assert(x[i] == (i == 0 || (i >= 4 && i <= 6) ? 0 : 1));
  free(x);
  OK(MuGeometryDestroy(&geometry));
  OK(VecDestroy(&v));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&m));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* -K xi moves mass against grad xi: it leaves the donor cell, and K is positively homogeneous. */
START_TEST(upwind_takes_the_donor) {
  for (PetscInt d = 0; d < DOMAINS; ++d) {
    Bench b;
    bench_create(&domains[d], &b);
    MuGeometrySpec spec = simple_spec("wasserstein", NULL);
    spec.face_mean = MU_MEAN_UPWIND;
    MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
    Vec image = apply(geometry, b.xi), twice;
    PetscReal *x = TestGather(b.grid, b.xi), *y = TestGather(b.grid, image);
    for (PetscInt i = 0; i < b.dense.n; ++i) {
      PetscReal sum = 0;
      for (PetscInt axis = 0; axis < b.dense.d.dim; ++axis)
        for (PetscInt f = 0; f < b.dense.n; ++f) {
          PetscInt j = lower_cell(&b.dense, axis, f);
          if (j < 0 || (i != f && i != j)) continue;
          PetscReal donor = x[f] > x[j] ? b.dense.rho[f] : b.dense.rho[j];
          sum += (i == f ? 1 : -1) * donor * (x[f] - x[j]) / (b.dense.h[axis] * b.dense.h[axis]);
        }
      ck_assert_double_eq_tol(y[i], sum, 1e-11 * (1 + fabs(sum)));
    }
    OK(VecScale(b.xi, 3));
    twice = apply(geometry, b.xi);
    OK(VecScale(image, 3));
    ck_assert(TestMaxDifference(image, twice) < 1e-10);
    ck_assert_int_eq(MuGeometryFaceMobility(geometry, 0, image), MU_ERR_INPUT);
    free(x);
    free(y);
    OK(VecDestroy(&image));
    OK(VecDestroy(&twice));
    OK(MuGeometryDestroy(&geometry));
    bench_destroy(&b);
  }
}
END_TEST

/* ------------------------------------------------------------------ limits and orders */

static PetscReal bump(PetscReal x, PetscReal y) {
  return exp(-0.5 * x * x / 0.5) + 0.3 * exp(-0.5 * (x - 1) * (x - 1) / 0.3) + 0 * y;
}

/* Its normal derivative vanishes at the walls +-5, which the operators that do not vanish with mu
   see. */
static PetscReal wave(PetscReal x, PetscReal y) {
  return sin(0.5 * PETSC_PI * x) + 0.7 * cos(0.2 * PETSC_PI * x) + 0 * y;
}

static PetscReal bump_2d(PetscReal x, PetscReal y) {
  return bump(x, 0) * exp(-y * y);
}

static PetscReal wave_2d(PetscReal x, PetscReal y) {
  return wave(x, 0) * cos(0.4 * PETSC_PI * y);
}

/* L1 distance of K xi of two geometries. */
static PetscReal distance(MuGrid grid, const MuGeometrySpec *a, const MuGeometrySpec *b) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  Vec rho = TestField(grid, info->dim == 1 ? bump : bump_2d);
  Vec xi = TestField(grid, info->dim == 1 ? wave : wave_2d);
  MuGeometry ga = make_geometry(grid, a, rho), gb = make_geometry(grid, b, rho);
  Vec ya = apply(ga, xi), yb = apply(gb, xi);
  PetscReal result;
  OK(MuGridDistanceL1(grid, ya, yb, &result));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&xi));
  OK(VecDestroy(&ya));
  OK(VecDestroy(&yb));
  OK(MuGeometryDestroy(&ga));
  OK(MuGeometryDestroy(&gb));
  return result;
}

/* The limit of a part as its own geometry. */
static MuGeometrySpec limit_spec(const MuSummand *part, const MuLimit *limit) {
  const TestNumbers numbers = {.ridge = 0.03};
  MuGeometrySpec spec = simple_spec(limit->name, NULL);
  MuSummandInfo info;
  spec.part[0] = TestSummand(MuGeometryGetInfo, limit->name, limit->factor * part->weight, numbers);
  OK(MuSummandFind(MuGeometryGetInfo, limit->name, &info));
  for (PetscInt k = 0; info.parameters && info.parameters[k].name; ++k)
    for (const MuNamedValue *v = limit->set; v->name; ++v)
      if (!strcmp(v->name, info.parameters[k].name)) spec.part[0].value[k] = v->value;
  return spec;
}

/* Slope of the distance of a part to its limit against the bandwidth h = 0.2, 0.1, 0.05; mmd with a
   ridge, so that its limit has a factor. */
static PetscReal bandwidth_slope(PetscInt dim, const char *name) {
  MuLimit limit;
  const PetscInt n = dim == 1 ? 128 : 48;
  PetscReal h[3], error[3];
  MuGrid grid = TestGrid(dim, n, n, -5, 5, PETSC_FALSE);
  for (PetscInt k = 0; k < 3; ++k) {
    h[k] = 0.2 / (1 << k);
    MuKernel kernel = make_kernel("gaussian", h[k], dim);
    MuGeometrySpec a = simple_spec(name, kernel), b;
    MuPartTraits traits;
    OK(MuGeometryGetTraits(&a, 0, &traits));
    if (traits.needs_inverse) a.part[0].value[0] = 0.5;
    OK(MuGeometryGetLimit(&a.part[0], "bandwidth", &limit));
    b = limit_spec(&a.part[0], &limit);
    error[k] = distance(grid, &a, &b);
    OK(MuKernelDestroy(&kernel));
  }
  OK(MuGridDestroy(&grid));
  ck_assert(error[2] > 1e-8); /* not rounding */
  return TestSlope(3, h, error);
}

START_TEST(narrow_kernels_tend_to_local_geometries_as_h_squared) {
  const char *name, *formula;
  PetscInt limits = 0;
  for (PetscInt i = 0; MuGeometryGetTableRow(i, &name, &formula), name; ++i) {
    MuSummand part = simple_part(name, 1);
    MuLimit limit;
    OK(MuGeometryGetLimit(&part, "bandwidth", &limit));
    for (PetscInt dim = 1; dim <= 2 && limit.name; ++dim, ++limits)
      ck_assert_double_eq_tol(bandwidth_slope(dim, name), limit.order, 0.1);
  }
  ck_assert_int_ge(limits, 12);
}
END_TEST

/* A name may stand several times, each with its own kernel and numbers: K is the sum. */
START_TEST(parts_have_their_own_kernels_and_numbers) {
  MuGrid grid = TestGrid(1, 64, 1, -5, 5, PETSC_FALSE);
  MuKernel kernel[2] = {make_kernel("gaussian", 0.8, 1), make_kernel("bessel", 0.3, 1)};
  Vec rho = TestField(grid, bump), xi = TestField(grid, wave), all, one;
  const char *name, *formula;
  for (PetscInt i = 0; MuGeometryGetTableRow(i, &name, &formula), name; ++i) {
    MuGeometrySpec sum = simple_spec(name, kernel[0]);
    sum.parts = 2;
    sum.part[0].value[0] = 0.5;
    sum.part[1] = simple_part(name, 0.3);
    sum.part[1].value[0] = 0.2;
    sum.part[1].kernel = kernel[1];
    MuGeometry geometry = make_geometry(grid, &sum, rho);
    all = apply(geometry, xi);
    OK(MuGeometryDestroy(&geometry));
    for (PetscInt k = 0; k < 2; ++k) {
      MuGeometrySpec alone = {.parts = 1, .part = {sum.part[k]}, .kernel = kernel[k]};
      geometry = make_geometry(grid, &alone, rho);
      one = apply(geometry, xi);
      OK(VecAXPY(all, -1, one));
      OK(VecDestroy(&one));
      OK(MuGeometryDestroy(&geometry));
    }
    PetscReal left;
    OK(VecNorm(all, NORM_INFINITY, &left));
    ck_assert_msg(left < 1e-11, "%s twice: the sum differs by %g", name, left);
    OK(VecDestroy(&all));
  }
  OK(VecDestroy(&rho));
  OK(VecDestroy(&xi));
  for (PetscInt k = 0; k < 2; ++k) OK(MuKernelDestroy(&kernel[k]));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* The matrix of K, column by column. */
static PetscReal *dense(MuGrid grid, const MuGeometrySpec *spec, Vec rho, PetscInt n) {
  MuGeometry geometry = make_geometry(grid, spec, rho);
  PetscReal *matrix = malloc(sizeof *matrix * (size_t)(n * n));
  Vec unit;
  OK(MuGridCreateField(grid, &unit));
  for (PetscInt j = 0; j < n; ++j) {
    const PetscReal *column;
    OK(VecSet(unit, 0));
    OK(VecSetValue(unit, j, 1, INSERT_VALUES));
    OK(VecAssemblyBegin(unit));
    OK(VecAssemblyEnd(unit));
    Vec image = apply(geometry, unit);
    OK(VecGetArrayRead(image, &column));
    for (PetscInt i = 0; i < n; ++i) matrix[i * n + j] = column[i];
    OK(VecRestoreArrayRead(image, &column));
    OK(VecDestroy(&image));
  }
  OK(VecDestroy(&unit));
  OK(MuGeometryDestroy(&geometry));
  return matrix;
}

/* The dense K of two different parts with their own kernels is the sum of those of two geometries.
 */
START_TEST(dense_operator_of_two_kernels_is_the_sum) {
  static const char *const pairs[][2] = {{"stein", "kernel_fisher_rao"},
                                         {"ridge_stein", "ridge_fisher_rao"},
                                         {"normalized_kernel_fisher_rao", "mmd"}};
  enum { N = 20 };
  MuGrid grid;
  const MuGridSpec box = {.dim = 1, .lower = {-5}, .upper = {5}, .cells = {N}};
  OK(MuGridCreate(PETSC_COMM_SELF, &box, &grid));
  MuKernel kernel[2] = {make_kernel("gaussian", 0.8, 1), make_kernel("bessel", 0.3, 1)};
  Vec rho = TestField(grid, bump);
  for (size_t p = 0; p < sizeof pairs / sizeof *pairs; ++p) {
    MuGeometrySpec both = simple_spec(pairs[p][0], NULL);
    PetscReal *one[2], *sum, largest = 0, error = 0;
    both.parts = 2;
    both.part[1] = simple_part(pairs[p][1], 0.3);
    for (PetscInt k = 0; k < 2; ++k) {
      both.part[k].kernel = kernel[k];
      both.part[k].value[0] = 0.2;
      const MuGeometrySpec alone = {.parts = 1, .part = {both.part[k]}};
      one[k] = dense(grid, &alone, rho, N);
    }
    sum = dense(grid, &both, rho, N);
    for (PetscInt i = 0; i < N * N; ++i) {
      largest = PetscMax(largest, PetscAbsReal(sum[i]));
      error = PetscMax(error, PetscAbsReal(sum[i] - one[0][i] - one[1][i]));
    }
    ck_assert_msg(error <= 1e-12 * largest, "%s + %s: %g of %g", pairs[p][0], pairs[p][1], error,
                  largest);
    free(one[0]);
    free(one[1]);
    free(sum);
  }
  OK(VecDestroy(&rho));
  for (PetscInt k = 0; k < 2; ++k) OK(MuKernelDestroy(&kernel[k]));
  OK(MuGridDestroy(&grid));
}
END_TEST

static PetscReal minus_divergence(PetscReal x, PetscReal y) { /* -(rho xi')' of bump and wave */
  PetscReal a = exp(-x * x), b = 0.3 * exp(-(x - 1) * (x - 1) / 0.6);
  PetscReal rho = a + b, slope = -2 * x * a - (x - 1) / 0.3 * b;
  const PetscReal w = 0.5 * PETSC_PI, v = 0.2 * PETSC_PI;
  PetscReal d = w * cos(w * x) - 0.7 * v * sin(v * x);
  PetscReal dd = -w * w * sin(w * x) - 0.7 * v * v * cos(v * x);
  return -(slope * d + rho * dd) + 0 * y;
}

START_TEST(wasserstein_is_second_order_in_space) {
  const MuMean means[] = {MU_MEAN_LOGARITHMIC, MU_MEAN_ARITHMETIC, MU_MEAN_STOLARSKY,
                          MU_MEAN_LIMITED};
  for (int m = 0; m < 4; ++m) {
    PetscReal h[3], error[3];
    for (PetscInt k = 0; k < 3; ++k) {
      PetscInt n = 64 << k;
      MuGrid grid = TestGrid(1, n, 1, -5, 5, PETSC_FALSE);
      MuGeometrySpec spec = simple_spec("wasserstein", NULL);
      spec.face_mean = means[m];
      Vec rho = TestField(grid, bump), xi = TestField(grid, wave);
      Vec exact = TestField(grid, minus_divergence);
      MuGeometry geometry = make_geometry(grid, &spec, rho);
      Vec image = apply(geometry, xi);
      h[k] = 10.0 / n;
      OK(MuGridDistanceL1(grid, image, exact, &error[k]));
      OK(VecDestroy(&rho));
      OK(VecDestroy(&xi));
      OK(VecDestroy(&exact));
      OK(VecDestroy(&image));
      OK(MuGeometryDestroy(&geometry));
      OK(MuGridDestroy(&grid));
    }
    ck_assert_double_eq_tol(TestSlope(3, h, error), 2, 0.1);
  }
}
END_TEST

/* ------------------------------------------------------------------ mmd */

START_TEST(mmd_with_a_preimage_needs_no_inverse) {
  for (int spherical = 0; spherical < 2; ++spherical)
    for (int reflect = 0; reflect < 2; ++reflect) {
      MuGrid grid = TestGrid(1, 64, 1, 0, 1, PETSC_FALSE);
      MuKernelSpec ks;
      MuKernel wide;
      MuKernelSpecDefault(&ks);
      ks.bandwidth = 0.3; /* condition number far above 1/sqrt(eps) */
      ks.extension = reflect ? MU_EXTENSION_REFLECT : MU_EXTENSION_ZERO;
      OK(MuKernelCreate(&ks, 1, &wide));
      MuGeometrySpec spec = simple_spec("mmd", wide);
      spec.spherical = (PetscBool)spherical;
      spec.part[0].weight = 0.5;
      Vec rho = TestRandomField(grid, 1, 1, 2), eta = TestRandomField(grid, 2, -1, 1), xi, out;
      PetscReal mass;
      OK(MuGridIntegrate(grid, eta, &mass));
      OK(VecShift(eta, -mass)); /* as rho - pi */
      OK(VecDuplicate(eta, &xi));
      OK(VecDuplicate(eta, &out));
      MuConvolution c;
      OK(MuConvolutionCreate(grid, wide, MU_CELLS, &c));
      OK(MuConvolutionApply(c, eta, xi));
      MuGeometry geometry = make_geometry(grid, &spec, rho);
      OK(MuGeometryApply(geometry, MU_PART_ALL, xi, eta, out));
      OK(VecAXPY(out, -0.5, eta));
      OK(VecNorm(out, NORM_INFINITY, &mass));
      ck_assert(mass < 1e-14);
      ck_assert_int_eq(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, out), MU_ERR_INPUT);
      ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "geometry_ridge"));
      ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "condition number"));
      ck_assert_int_eq(MuGeometryCheckInvertible(geometry), MU_ERR_INPUT);
      OK(MuGeometryDestroy(&geometry));
      spec.part[0].value[0] = 0.01;
      geometry = make_geometry(grid, &spec, rho);
      OK(MuGeometryCheckInvertible(geometry));
      OK(MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, out));
      OK(MuGeometryDestroy(&geometry));
      OK(MuConvolutionDestroy(&c));
      OK(MuKernelDestroy(&wide));
      OK(VecDestroy(&rho));
      OK(VecDestroy(&eta));
      OK(VecDestroy(&xi));
      OK(VecDestroy(&out));
      OK(MuGridDestroy(&grid));
    }
}
END_TEST

/* With mass in eta the projection needs Kc^(-1) 1: under reflect it is known, under zero it is not.
 */
START_TEST(spherical_mmd_of_a_wide_kernel) {
  for (int reflect = 0; reflect < 2; ++reflect) {
    MuGrid grid = TestGrid(1, 64, 1, 0, 1, PETSC_FALSE);
    MuKernelSpec ks;
    MuKernel wide;
    MuKernelSpecDefault(&ks);
    ks.bandwidth = 0.3;
    ks.extension = reflect ? MU_EXTENSION_REFLECT : MU_EXTENSION_ZERO;
    OK(MuKernelCreate(&ks, 1, &wide));
    MuGeometrySpec spec = simple_spec("mmd", wide);
    spec.spherical = PETSC_TRUE;
    Vec rho = TestRandomField(grid, 1, 1, 2), eta = TestRandomField(grid, 2, 0, 1), out;
    PetscReal mass;
    OK(VecDuplicate(eta, &out));
    MuGeometry geometry = make_geometry(grid, &spec, rho);
    if (reflect) {
      OK(MuGeometryApply(geometry, MU_PART_ALL, eta, eta, out));
      OK(MuGridIntegrate(grid, out, &mass));
      ck_assert(fabs(mass) < 1e-14);
    } else {
      ck_assert_int_eq(MuGeometryApply(geometry, MU_PART_ALL, eta, eta, out), MU_ERR_INPUT);
    }
    OK(MuGridIntegrate(grid, eta, &mass));  /* rounding in the mass is taken off */
    OK(VecShift(eta, -mass * (1 - 1e-12))); /* 5e-13 */
    OK(MuGeometryApply(geometry, MU_PART_ALL, eta, eta, out));
    OK(MuGridIntegrate(grid, out, &mass));
    ck_assert(fabs(mass) < 1e-15);
    /* by a multiple of Kc^(-1) 1, which is large at walls */
    ck_assert(TestMaxDifference(out, eta) < 1e-8);
    OK(MuGeometryDestroy(&geometry));
    OK(MuKernelDestroy(&wide));
    OK(VecDestroy(&rho));
    OK(VecDestroy(&eta));
    OK(VecDestroy(&out));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* ------------------------------------------------------------------ queries */

START_TEST(diagonals_are_those_of_the_limits) {
  Bench b;
  bench_create(&domains[3], &b);
  const char *names[] = {"fisher_rao", "power_mobility", "kernel_fisher_rao", "ridge_fisher_rao",
                         "mmd"};
  for (int k = 0; k < 5; ++k) {
    MuGeometrySpec spec = simple_spec(names[k], b.kernel);
    MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
    Vec diagonal;
    OK(VecDuplicate(b.rho, &diagonal));
    OK(MuGeometryReactionDiagonal(geometry, diagonal));
    PetscReal *d = TestGather(b.grid, diagonal);
    for (PetscInt i = 0; i < b.dense.n; ++i) {
      PetscReal m = b.dense.rho[i];
      const PetscReal expected[] = {m, pow(m, 1.7), m * m, m * m / (m + 0.03), 1};
      ck_assert_double_eq_tol(d[i], expected[k], 1e-14);
    }
    free(d);
    OK(VecDestroy(&diagonal));
    OK(MuGeometryDestroy(&geometry));
  }
  bench_destroy(&b);
}
END_TEST

START_TEST(kinds_and_mobilities) {
  Bench b;
  bench_create(&domains[4], &b);
  MuGeometrySpec spec = simple_spec("wasserstein", b.kernel);
  spec.parts = 3;
  spec.part[1] = simple_part("wasserstein_mobility", 0.5);
  spec.part[2] = simple_part("fisher_rao", 2);
  MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
  PetscInt kinds, parts;
  PetscBool local;
  const char *const *names;
  const PetscReal *weights;
  Vec mobility;
  OK(MuGeometryGetKinds(geometry, &kinds));
  ck_assert_int_eq(kinds, MU_PART_ALL);
  OK(MuGeometryGetParts(geometry, &parts, &names, &weights));
  ck_assert_int_eq(parts, 3);
  ck_assert_str_eq(names[1], "wasserstein_mobility");
  ck_assert_double_eq(weights[2], 2);
  OK(MuGeometryTransportIsLocal(geometry, &local));
  ck_assert(local);
  OK(VecDuplicate(b.rho, &mobility));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    OK(MuGeometryFaceMobility(geometry, axis, mobility));
    PetscReal *m = TestGather(b.grid, mobility);
    for (PetscInt f = 0; f < b.dense.n; ++f) {
      PetscInt j = lower_cell(&b.dense, axis, f);
      PetscReal mean =
          j < 0 ? 0 : plain_mean(MU_MEAN_LOGARITHMIC, 0, b.dense.rho[f], b.dense.rho[j]);
      ck_assert_double_eq_tol(m[f], mean + 0.5 * pow(mean, 1.7), 1e-12 * (1 + mean));
    }
    free(m);
  }
  OK(VecDestroy(&mobility));
  OK(MuGeometryDestroy(&geometry));
  spec.part[1].name = "stein";
  geometry = make_geometry(b.grid, &spec, b.rho);
  OK(MuGeometryTransportIsLocal(geometry, &local));
  ck_assert(!local);
  OK(MuGeometryDestroy(&geometry));
  bench_destroy(&b);
}
END_TEST

static void refused(MuGrid grid, const MuGeometrySpec *spec, const char *key) {
  MuGeometry geometry;
  ck_assert_int_eq(MuGeometryCreate(grid, spec, &geometry), MU_ERR_INPUT);
  ck_assert_ptr_null(geometry);
  ck_assert_msg(strstr(MuErrorMessage(), key) != NULL, "%s", MuErrorMessage());
}

START_TEST(bad_geometries_are_refused) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  MuKernel kernel = make_kernel("gaussian", 0.1, 1), riesz = make_kernel("riesz", 1, 1);
  MuGeometrySpec spec = simple_spec("otto", kernel);
  refused(grid, &spec, "otto");
  spec = simple_spec("wasserstein", kernel);
  spec.part[0].weight = 0;
  refused(grid, &spec, "geometry_wasserstein");
  spec.part[0].weight = NAN;
  refused(grid, &spec, "geometry_wasserstein");
  spec = simple_spec("wasserstein", kernel);
  spec.parts = 0;
  refused(grid, &spec, "parts");
  spec = simple_spec("mmd", NULL);
  refused(grid, &spec, "kernel");
  spec = simple_spec("mmd", riesz);
  refused(grid, &spec, "riesz");
  spec = simple_spec("ridge_stein", kernel);
  spec.part[0].value[0] = 0;
  refused(grid, &spec, "geometry_ridge");
  spec = simple_spec("mmd", kernel);
  spec.part[0].value[0] = -1;
  refused(grid, &spec, "geometry_ridge");
  spec = simple_spec("power_mobility", kernel);
  spec.part[0].value[0] = -1;
  refused(grid, &spec, "geometry_mobility_exponent");
  spec = simple_spec("wasserstein", kernel);
  spec.face_mean = MU_MEAN_STOLARSKY;
  spec.stolarsky_exponent = 0;
  refused(grid, &spec, "geometry_face_mean");
  OK(MuKernelDestroy(&kernel));
  OK(MuKernelDestroy(&riesz));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ primal potential */

/* 1/2 v^T K^+ v |C|: the pseudo-inverse by eigenvalues. */
static PetscReal dense_primal(const Dense *p, const MuGeometrySpec *spec, const PetscReal *v) {
  const PetscInt n = p->n;
  PetscReal k[MAX_SIZE], w[MAX_CELLS], vectors[MAX_SIZE], sum = 0, largest = 0;
  dense_operator(p, spec, k);
  dense_eigen(n, k, w, vectors);
  for (PetscInt e = 0; e < n; ++e) largest = PetscMax(largest, w[e]);
  for (PetscInt e = 0; e < n; ++e) {
    PetscReal projection = 0;
    for (PetscInt i = 0; i < n; ++i) projection += vectors[i * n + e] * v[i];
    if (w[e] > 1e-11 * largest) sum += projection * projection / w[e];
  }
  return 0.5 * sum * p->h[0] * (p->d.dim == 2 ? p->h[1] : 1);
}

typedef struct {
  PetscInt parts;
  const char *name[3];
  PetscReal weight[3];
  PetscBool spherical;
  MuPrimalMethod method;
} Sum;

static const Sum sums[] = {
    {1, {"fisher_rao"}, {2}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {1, {"fisher_rao"}, {2}, PETSC_TRUE, MU_PRIMAL_CLOSED},
    {2, {"fisher_rao", "power_mobility"}, {2, 0.5}, PETSC_TRUE, MU_PRIMAL_CLOSED},
    {1, {"mmd"}, {0.7}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {1, {"mmd"}, {0.7}, PETSC_TRUE, MU_PRIMAL_CLOSED},
    {1, {"wasserstein"}, {1}, PETSC_FALSE, MU_PRIMAL_SOLVE},
    {1, {"wasserstein_mobility"}, {3}, PETSC_FALSE, MU_PRIMAL_SOLVE},
    {2, {"wasserstein", "fisher_rao"}, {0.1, 2}, PETSC_FALSE, MU_PRIMAL_SOLVE},
    {2, {"wasserstein", "fisher_rao"}, {0.1, 2}, PETSC_TRUE, MU_PRIMAL_SOLVE},
    {2, {"wasserstein", "mmd"}, {0.01, 0.5}, PETSC_FALSE, MU_PRIMAL_SOLVE},
    {2, {"wasserstein", "mmd"}, {0.01, 0.5}, PETSC_TRUE, MU_PRIMAL_SOLVE},
    {3,
     {"wasserstein", "kernel_fisher_rao", "power_mobility"},
     {0.1, 1, 1},
     PETSC_TRUE,
     MU_PRIMAL_SOLVE},
    {2, {"stein", "fisher_rao"}, {0.01, 1}, PETSC_FALSE, MU_PRIMAL_SOLVE},
    {3, {"mmd", "fisher_rao", "stein"}, {1, 1, 0.01}, PETSC_TRUE, MU_PRIMAL_SOLVE},
    {1, {"kernel_fisher_rao"}, {1}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {1, {"kernel_fisher_rao"}, {0.7}, PETSC_TRUE, MU_PRIMAL_CLOSED},
    {1, {"normalized_kernel_fisher_rao"}, {2}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {1, {"normalized_kernel_fisher_rao"}, {1}, PETSC_TRUE, MU_PRIMAL_CLOSED},
    {1, {"ridge_fisher_rao"}, {0.7}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {1, {"ridge_fisher_rao"}, {1}, PETSC_TRUE, MU_PRIMAL_CLOSED},
    {1, {"stein"}, {2}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {1, {"ridge_stein"}, {0.7}, PETSC_FALSE, MU_PRIMAL_CLOSED},
    {2, {"stein", "ridge_fisher_rao"}, {1, 1}, PETSC_TRUE, MU_PRIMAL_IDENTITY},
};
enum { SUMS = sizeof sums / sizeof *sums };

static MuGeometrySpec sum_spec(const Sum *sum, MuKernel kernel) {
  MuGeometrySpec spec = simple_spec(sum->name[0], kernel);
  spec.parts = sum->parts;
  spec.spherical = sum->spherical;
  for (PetscInt k = 0; k < sum->parts; ++k) {
    spec.part[k] = simple_part(sum->name[k], sum->weight[k]);
    for (PetscInt j = 0; j < sum->parts; ++j) /* all with the ridge of the sum */
      if (strstr(sum->name[j], "ridge") && !strcmp(sum->name[k], "mmd"))
        spec.part[k].value[0] = 0.03;
  }
  return spec;
}

/* The closed forms of operators that a kernel smooths need a diagonal inverse, those of transport a
 * line.
 */
static MuPrimalMethod expected_method(const Sum *sum, const Domain *d) {
  const PetscBool local =
      (PetscBool)(!strncmp(sum->name[0], "fisher", 6) || !strncmp(sum->name[0], "mmd", 3));
  if (sum->method != MU_PRIMAL_CLOSED || local) return sum->method;
  return d->masked || (is_transport(sum->name[0]) && d->dim > 1) ? MU_PRIMAL_IDENTITY
                                                                 : MU_PRIMAL_CLOSED;
}

/* A velocity in the range of K: of mass zero where K conserves mass, on every component. */
static Vec velocity(const Bench *b, const MuGeometrySpec *spec) {
  Vec v = TestRandomField(b->grid, 11, -1, 1);
  PetscBool conserves = PETSC_TRUE;
  for (PetscInt k = 0; k < spec->parts && !spec->spherical; ++k)
    if (!is_transport(spec->part[k].name)) conserves = PETSC_FALSE;
  if (conserves) {
    MuGeometrySpec w = simple_spec(
        is_transport(spec->part[0].name) && spec->parts == 1 ? "wasserstein" : "fisher_rao", NULL);
    w.spherical = PETSC_TRUE;
    MuGeometry geometry = make_geometry(b->grid, &w, b->rho);
    Vec image = apply(geometry, v);
    OK(VecDestroy(&v));
    OK(MuGeometryDestroy(&geometry));
    v = image;
  }
  return v;
}

/* R from a bad guess and from none, against the dense pseudo-inverse. */
START_TEST(primal_agrees_with_the_dense_pseudo_inverse) {
  for (PetscInt d = 0; d < DOMAINS; ++d) {
    Bench b;
    bench_create(&domains[d], &b);
    for (PetscInt k = 0; k < SUMS; ++k) {
      MuGeometrySpec spec = sum_spec(&sums[k], b.kernel);
      MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
      MuPrimalMethod method;
      const char *sentence;
      PetscReal value, exact, *x;
      PetscInt iterations;
      PetscBool limited;
      OK(MuGeometryGetPrimalMethod(geometry, &method, &sentence));
      ck_assert_int_eq(method, expected_method(&sums[k], &domains[d]));
      ck_assert(strlen(sentence) > 10);
      Vec v = velocity(&b, &spec), image = apply(geometry, b.xi);
      x = TestGather(b.grid, v);
      exact = dense_primal(&b.dense, &spec, x);
      for (int guess = 0; guess < 2 && method != MU_PRIMAL_IDENTITY; ++guess) {
        OK(MuGeometryPrimal(geometry, v, guess ? b.xi : NULL, guess ? image : NULL, &value));
        OK(MuGeometryGetPrimalReport(geometry, &iterations, &limited));
        if (getenv("MU_TEST_TABLE"))
          PetscPrintf(MPI_COMM_WORLD, "domain %d %s+%s: %.12g, error %.1e, %d steps\n", (int)d,
                      spec.part[0].name, spec.parts > 1 ? spec.part[1].name : "", value,
                      value / exact - 1, (int)iterations);
        ck_assert(!limited);
        /* the solve promises 1e-9 */
        ck_assert_msg(fabs(value - exact) <= 1e-8 * exact, "domain %d sum %d guess %d: %.12g %.12g",
                      (int)d, (int)k, guess, value, exact);
      }
      free(x);
      OK(VecDestroy(&v));
      OK(VecDestroy(&image));
      OK(MuGeometryDestroy(&geometry));
    }
    bench_destroy(&b);
  }
}
END_TEST

/* Entry i of a field of a line on several ranks. */
static void set_entry(MuGrid grid, Vec v, PetscInt i, PetscReal value) {
  const MuGridInfo *info;
  PetscReal *x;
  OK(MuGridGetInfo(grid, &info));
  OK(VecSet(v, 0));
  OK(VecGetArray(v, &x));
  if (i >= info->first_row && i < info->first_row + info->rows) x[i - info->first_row] = value;
  OK(VecRestoreArray(v, &x));
}

/* 1/2 <v, K^+ v> with K made column by column. */
static PetscReal columns_primal(MuGeometry geometry, MuGrid grid, Vec v) {
  const MuGridInfo *info;
  OK(MuGridGetInfo(grid, &info));
  const PetscInt n = info->cells[0];
  PetscReal k[MAX_SIZE], w[MAX_CELLS], vectors[MAX_SIZE], *x = TestGather(grid, v), sum = 0;
  Vec unit;
  OK(MuGridCreateField(grid, &unit));
  for (PetscInt j = 0; j < n; ++j) {
    set_entry(grid, unit, j, 1);
    Vec image = apply(geometry, unit);
    PetscReal *y = TestGather(grid, image);
    for (PetscInt i = 0; i < n; ++i) k[i * n + j] = y[i];
    free(y);
    OK(VecDestroy(&image));
  }
  dense_eigen(n, k, w, vectors);
  for (PetscInt e = 0; e < n; ++e) {
    PetscReal projection = 0;
    for (PetscInt i = 0; i < n; ++i) projection += vectors[i * n + e] * x[i];
    if (w[e] > 1e-12 * w[n - 1] && w[e] > 1e-12 * w[0]) sum += projection * projection / w[e];
  }
  free(x);
  OK(VecDestroy(&unit));
  return 0.5 * sum * info->volume;
}

/* The closed forms with kernels of finite smoothness, between walls and on a circle. */
START_TEST(closed_forms_agree_with_columns) {
  static const char *const names[] = {"kernel_fisher_rao", "normalized_kernel_fisher_rao",
                                      "ridge_fisher_rao",  "stein",
                                      "ridge_stein",       "normalized_mmd",
                                      "de_stein"};
  static const struct {
    const char *type;
    PetscReal parameter, bandwidth;
  } kernels[] = {{"bessel", 1, 0.2}, {"matern", 1.5, 0.1}};
  for (int around = 0; around < 2; ++around)
    for (size_t k = 0; k < 2; ++k)
      for (size_t p = 0; p < sizeof names / sizeof *names; ++p) {
        MuGrid grid = TestGrid(1, 20, 1, 0, 1, (PetscBool)around);
        MuKernel kernel;
        MuKernelSpec ks;
        MuKernelSpecDefault(&ks);
        strcpy(ks.type, kernels[k].type);
        ks.bandwidth = kernels[k].bandwidth;
        ks.parameter[0] = kernels[k].parameter;
        OK(MuKernelCreate(&ks, 1, &kernel));
        MuGeometrySpec spec = simple_spec(names[p], kernel);
        spec.part[0].weight = 0.7;
        Vec rho = TestRandomField(grid, 4, 0.2, 2), v = TestRandomField(grid, 5, -1, 1);
        MuGeometry geometry = make_geometry(grid, &spec, rho);
        PetscReal value, exact, mass;
        MuPrimalMethod method;
        OK(MuGeometryGetPrimalMethod(geometry, &method, NULL));
        ck_assert_int_eq(method, MU_PRIMAL_CLOSED);
        OK(MuGridIntegrate(grid, v, &mass)); /* of a box of length 1 */
        if (is_transport(names[p])) OK(VecShift(v, -mass));
        OK(MuGeometryPrimal(geometry, v, NULL, NULL, &value));
        exact = columns_primal(geometry, grid, v);
        /* the eigenvalues of K lose its condition number, 1e4 at most */
        ck_assert_msg(fabs(value - exact) <= 1e-9 * exact, "%s with %s around %d: %.12g %.12g",
                      names[p], kernels[k].type, around, value, exact);
        OK(VecDestroy(&rho));
        OK(VecDestroy(&v));
        OK(MuGeometryDestroy(&geometry));
        OK(MuKernelDestroy(&kernel));
        OK(MuGridDestroy(&grid));
      }
}
END_TEST

/* Fenchel-Young: R(v) + R*(xi) = <xi, v> exactly at v = K xi, whatever the method. */
START_TEST(fenchel_young_is_an_equality_on_the_graph) {
  for (PetscInt d = 0; d < DOMAINS; ++d) {
    Bench b;
    bench_create(&domains[d], &b);
    for (PetscInt k = 0; k < SUMS; ++k) {
      MuGeometrySpec spec = sum_spec(&sums[k], b.kernel);
      MuGeometry geometry = make_geometry(b.grid, &spec, b.rho);
      Vec v = apply(geometry, b.xi);
      PetscReal value, pairing;
      OK(MuGridInner(b.grid, b.xi, v, &pairing));
      OK(MuGeometryPrimal(geometry, v, b.xi, v, &value));
      ck_assert_double_eq_tol(value + 0.5 * pairing, pairing, 1e-12 * pairing);
      if (expected_method(&sums[k], &domains[d]) != MU_PRIMAL_IDENTITY) {
        OK(MuGeometryPrimal(geometry, v, NULL, NULL, &value));
        ck_assert_double_eq_tol(value + 0.5 * pairing, pairing, 1e-8 * pairing);
      } else
        ck_assert_int_eq(MuGeometryPrimal(geometry, v, NULL, NULL, &value), MU_ERR_INPUT);
      OK(VecDestroy(&v));
      OK(MuGeometryDestroy(&geometry));
    }
    bench_destroy(&b);
  }
}
END_TEST

START_TEST(primal_is_infinite_out_of_the_range) {
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  MuGeometrySpec spec = simple_spec("fisher_rao", NULL);
  Vec rho = TestRandomField(grid, 1, 1, 2), v = TestRandomField(grid, 2, -1, 1);
  const MuGridInfo *info;
  PetscReal value, *r, *w;
  OK(MuGridGetInfo(grid, &info));
  for (int hit = 0; hit < 2; ++hit) {
    OK(VecGetArray(rho, &r));
    OK(VecGetArray(v, &w));
    if (info->first_row == 0) r[0] = 0, w[0] = hit;
    OK(VecRestoreArray(v, &w));
    OK(VecRestoreArray(rho, &r));
    MuGeometry geometry = make_geometry(grid, &spec, rho);
    OK(MuGeometryPrimal(geometry, v, NULL, NULL, &value));
    ck_assert_int_eq(PetscIsInfReal(value) != 0, hit); /* 0/0 = 0 */
    OK(MuGeometryDestroy(&geometry));
  }
  OK(VecDestroy(&rho));
  OK(VecDestroy(&v));
  OK(MuGridDestroy(&grid));
}
END_TEST

static PetscReal narrow(PetscReal x, PetscReal y) { /* down to e^-490 on [-3,3]^2 */
  return exp(-50 * ((x - 0.2) * (x - 0.2) + 0.5 * y * y));
}

static PetscReal well(PetscReal x, PetscReal y) {
  return 50 * ((x - 0.2) * (x - 0.2) + 0.5 * y * y) - 4 * (x * x - 1) * (x * x - 1) - y * y;
}

/* R at v = K xi is R*(xi) for densities over hundreds of decades, on a domain in two pieces as
   well; the steps in 2-D do not grow with the grid. */
START_TEST(primal_of_deep_tails) {
  for (int k = 0; k < 5; ++k) {
    const PetscInt dim = k == 0 ? 1 : 2, n = dim == 1 ? 200 : (k == 4 ? 33 : 32 << (k == 2));
    const PetscBool around = (PetscBool)(k == 4); /* an odd number of cells */
    unsigned char *mask = malloc((size_t)(n * n));
    for (PetscInt i = 0; i < n * n; ++i) mask[i] = !(k == 3 && i % n / 2 == n / 4);
    MuGridSpec gs = {.dim = dim,
                     .lower = {-3, -3},
                     .upper = {3, 3},
                     .cells = {n, n},
                     .periodic = {around, around},
                     .mask = mask};
    MuGrid grid;
    OK(MuGridCreate(MPI_COMM_WORLD, &gs, &grid));
    free(mask);
    MuGeometrySpec spec = simple_spec("wasserstein", NULL);
    Vec rho = TestField(grid, narrow), xi = TestField(grid, well);
    MuGeometry geometry = make_geometry(grid, &spec, rho);
    Vec v = apply(geometry, xi);
    PetscReal value, pairing;
    PetscInt steps;
    PetscBool limited;
    OK(MuGridInner(grid, xi, v, &pairing));
    OK(MuGeometryPrimal(geometry, v, NULL, NULL, &value));
    OK(MuGeometryGetPrimalReport(geometry, &steps, &limited));
    ck_assert_double_eq_tol(value, 0.5 * pairing, 1e-9 * pairing);
    ck_assert(!limited);
    /* one cycle in single precision; around an odd number of cells its two colours touch */
    ck_assert_int_le(steps, dim == 1 ? 3 : (around ? 32 : 10));
    OK(MuGeometrySetPrimalTolerance(geometry, 1e-2, 0)); /* of R, without a guess */
    OK(MuGeometryPrimal(geometry, v, NULL, NULL, &value));
    OK(MuGeometryGetPrimalReport(geometry, &steps, &limited));
    ck_assert_double_le(value, 0.5 * pairing * (1 + 1e-9));
    ck_assert_double_ge(value, 0.5 * pairing * (1 - 1e-2));
    ck_assert_int_le(steps, 2);
    OK(VecDestroy(&v));
    OK(VecDestroy(&xi));
    OK(VecDestroy(&rho));
    OK(MuGeometryDestroy(&geometry));
    OK(MuGridDestroy(&grid));
  }
}
END_TEST

/* Where mu is below the rounding of q = k*mu, the floor of q keeps the operator finite, symmetric
   and positive. */
START_TEST(normalized_kernel_survives_deep_tails) {
  MuGrid grid = TestGrid(1, 128, 1, -3, 3, PETSC_FALSE);
  MuKernel kernel = make_kernel("gaussian", 0.2, 1);
  MuGeometrySpec spec = simple_spec("normalized_kernel_fisher_rao", kernel);
  Vec rho = TestField(grid, narrow), xi = TestRandomField(grid, 2, -1, 1);
  Vec eta = TestRandomField(grid, 3, -1, 1), x, y;
  MuGeometry geometry = make_geometry(grid, &spec, rho);
  PetscReal left, right, energy, largest;
  x = apply(geometry, xi);
  y = apply(geometry, eta);
  OK(MuGridInner(grid, xi, y, &left));
  OK(MuGridInner(grid, eta, x, &right));
  OK(MuGridInner(grid, xi, x, &energy));
  ck_assert(energy > 0);
  ck_assert_double_eq_tol(left, right, 1e-13 * energy);
  OK(MuGeometryApplyRelative(geometry, xi, y));
  OK(VecNorm(y, NORM_INFINITY, &largest));
  ck_assert(largest < 10);
  OK(VecPointwiseMult(y, y, rho));
  ck_assert(TestMaxDifference(x, y) < 1e-13);
  OK(VecDestroy(&rho));
  OK(VecDestroy(&xi));
  OK(VecDestroy(&eta));
  OK(VecDestroy(&x));
  OK(VecDestroy(&y));
  OK(MuGeometryDestroy(&geometry));
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

/* ------------------------------------------------------------------ what descriptors say */

/* M(c) of a part on a constant density c, from what it does: its diagonal, or its mobility on an
   inner face. */
static PetscReal mobility_of(MuGrid grid, const MuGeometrySpec *spec, PetscReal c) {
  Vec rho, out;
  MuGeometry geometry;
  PetscReal result;
  PetscInt kinds;
  OK(MuGridCreateField(grid, &rho));
  OK(MuGridCreateField(grid, &out));
  OK(VecSet(rho, c));
  geometry = make_geometry(grid, spec, rho);
  OK(MuGeometryGetKinds(geometry, &kinds));
  if (kinds == MU_PART_TRANSPORT)
    OK(MuGeometryFaceMobility(geometry, 0, out));
  else
    OK(MuGeometryReactionDiagonal(geometry, out));
  OK(VecMax(out, NULL, &result));
  MuPartTraits traits;
  OK(MuGeometryGetTraits(spec, 0, &traits));
  if (kinds == MU_PART_TRANSPORT && !traits.fixed) {
    PetscReal speed;
    OK(MuGeometryDonorSpeed(geometry, c, &speed));
    ck_assert_double_eq_tol(speed * c, result, 1e-13 * (1 + result));
  }
  OK(MuGeometryDestroy(&geometry));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&out));
  return result;
}

/* Largest |K xi| in the cells where mu vanishes, but for those beside others. */
static PetscReal left_in_empty_cells(MuGrid grid, const MuGeometrySpec *spec) {
  Vec rho = TestField(grid, bump), xi = TestField(grid, wave), out;
  const MuGridInfo *info;
  PetscReal *x, largest = 0;
  OK(MuGridGetInfo(grid, &info));
  OK(VecGetArray(rho, &x));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if (i >= 20 && i < 40) x[i] = 0;
  OK(VecRestoreArray(rho, &x));
  MuGeometry geometry = make_geometry(grid, spec, rho);
  out = apply(geometry, xi);
  OK(VecGetArray(out, &x));
  for (PetscInt i = 21; i < 39; ++i) largest = fmax(largest, fabs(x[i]));
  OK(VecRestoreArray(out, &x));
  OK(VecDestroy(&rho));
  OK(VecDestroy(&xi));
  OK(VecDestroy(&out));
  OK(MuGeometryDestroy(&geometry));
  return largest;
}

START_TEST(traits_are_what_the_operators_do) {
  const MuGridSpec line = {.dim = 1, .lower = {-5}, .upper = {5}, .cells = {64}};
  MuKernel kernel = make_kernel("bessel", 0.3, 1);
  const char *name, *formula;
  MuGrid grid;
  OK(MuGridCreate(PETSC_COMM_SELF, &line, &grid));
  for (PetscInt i = 0; MuGeometryGetTableRow(i, &name, &formula), name; ++i) {
    MuGeometrySpec spec = simple_spec(name, kernel);
    MuPartTraits traits;
    OK(MuGeometryGetTraits(&spec, 0, &traits));
    for (PetscReal c = 0.3; c < 3 && traits.local && !isnan(traits.power); c *= 2)
      ck_assert_double_eq_tol(mobility_of(grid, &spec, c), pow(c, traits.power), 1e-13);
    for (PetscReal c = 0.3; c < 3 && traits.local && isnan(traits.power); c *= 2)
      ck_assert(mobility_of(grid, &spec, c) > 0);
    ck_assert_msg(traits.vanishes == (left_in_empty_cells(grid, &spec) < 1e-14),
                  "%s: K xi %s where mu = 0", name,
                  traits.vanishes ? "does not vanish" : "vanishes");
  }
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

typedef void (*Removal)(MuPartOps *ops);
static void no_kind(MuPartOps *ops) {
  ops->kind = 0;
}
static void no_destroy(MuPartOps *ops) {
  ops->destroy = NULL;
}
static void no_flux(MuPartOps *ops) {
  ops->add_flux = NULL;
}
static PetscErrorCode any_mobility(MuGeometry geometry, MuPart *part, PetscInt axis, Vec mobility) {
  (void)geometry, (void)part, (void)axis, (void)mobility;
  return 0;
}
static void only_faces(MuPartOps *ops) {
  ops->mobility_at = NULL;
  ops->add_flux = MuPartStein.add_flux;
  ops->mobility = any_mobility;
}
static void no_mobility_at(MuPartOps *ops) {
  ops->mobility_at = NULL;
}
static void no_apply(MuPartOps *ops) {
  ops->apply = NULL;
}
static void no_diagonal(MuPartOps *ops) {
  ops->diagonal = NULL;
}
static void no_kernel(MuPartOps *ops) {
  ops->needs_kernel = PETSC_FALSE;
}

/* Runs last: it adds to the table. */
START_TEST(incomplete_descriptors_are_refused) {
  static const struct {
    const MuPartOps *of;
    const char *missing;
    Removal removal;
  } rows[] = {{&MuPartStein, "kind", no_kind},
              {&MuPartRidgeStein, "destroy", no_destroy},
              {&MuPartStein, "mobility_at or add_flux", no_flux},
              {&MuPartWasserstein, "mobility_at or add_flux", no_mobility_at},
              {&MuPartWasserstein, "mobility_at", only_faces},
              {&MuPartKernelFisherRao, "mobility_at or apply", no_apply},
              {&MuPartFisherRao, "mobility_at or apply", no_mobility_at},
              {&MuPartKernelFisherRao, "diagonal", no_diagonal},
              {&MuPartMmd, "needs_kernel", no_kernel}};
  enum { ROWS = sizeof rows / sizeof *rows };
  static MuPartOps incomplete[ROWS];
  static char name[ROWS][32];
  MuGrid grid = TestGrid(1, 8, 1, 0, 1, PETSC_FALSE);
  MuKernel kernel = make_kernel("gaussian", 0.2, 1);
  char sentence[64];
  for (PetscInt k = 0; k < ROWS; ++k) {
    snprintf(name[k], sizeof name[k], "incomplete_%d", (int)k);
    snprintf(sentence, sizeof sentence, "no %s", rows[k].missing);
    incomplete[k] = *rows[k].of;
    incomplete[k].name = name[k];
    rows[k].removal(&incomplete[k]);
    OK(MuGeometryRegister(&incomplete[k]));
    MuGeometrySpec spec = simple_spec(name[k], kernel);
    refused(grid, &spec, sentence);
  }
  ck_assert_int_eq(MuGeometryRegister(&incomplete[0]), MU_ERR_INPUT); /* the name is taken */
  OK(MuKernelDestroy(&kernel));
  OK(MuGridDestroy(&grid));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("geometry");
  TCase *t = tcase_create("geometry");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, every_row_conforms);
  tcase_add_test(t, sums_conform);
  tcase_add_test(t, relative_form_times_mu_is_the_operator);
  tcase_add_test(t, ranks_agree_with_one);
  tcase_add_test(t, logarithmic_mean_gives_scharfetter_gummel);
  tcase_add_test(t, infinite_potential_closes_faces);
  tcase_add_test(t, upwind_takes_the_donor);
  tcase_add_test(t, parts_have_their_own_kernels_and_numbers);
  tcase_add_test(t, dense_operator_of_two_kernels_is_the_sum);
  tcase_add_test(t, narrow_kernels_tend_to_local_geometries_as_h_squared);
  tcase_add_test(t, wasserstein_is_second_order_in_space);
  tcase_add_test(t, mmd_with_a_preimage_needs_no_inverse);
  tcase_add_test(t, spherical_mmd_of_a_wide_kernel);
  tcase_add_test(t, diagonals_are_those_of_the_limits);
  tcase_add_test(t, kinds_and_mobilities);
  tcase_add_test(t, bad_geometries_are_refused);
  tcase_add_test(t, primal_agrees_with_the_dense_pseudo_inverse);
  tcase_add_test(t, fenchel_young_is_an_equality_on_the_graph);
  tcase_add_test(t, closed_forms_agree_with_columns);
  tcase_add_test(t, primal_of_deep_tails);
  tcase_add_test(t, normalized_kernel_survives_deep_tails);
  tcase_add_test(t, primal_is_infinite_out_of_the_range);
  tcase_add_test(t, traits_are_what_the_operators_do);
  tcase_add_test(t, incomplete_descriptors_are_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
