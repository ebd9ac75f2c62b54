/* The spectral gap of the target: the second eigenvalue of the discrete generator -div(pi
   grad(rho/pi)), made symmetric with pi. It bounds the constant of a logarithmic Sobolev inequality
   from above.

   In 1-D between walls the matrix is tridiagonal (LAPACK). Otherwise Lanczos' method for the
   inverse of A + sigma, factored, on the complement of the known eigenvector sqrt(pi), with full
   reorthogonalisation (Golub and Van Loan, Matrix Computations, section 10.3). */
#include "flow/transport.h"
#include "problem/problem.h"
#include "study/study_impl.h"

#include <petscblaslapack.h>
#include <petscksp.h>

#define MOST_VECTORS 100
#define ACCURACY     1e-10

/* Face coefficients a, b of the axes: the flux over the lower face of cell i is a rho_lower - b
 * rho_i. */
typedef struct {
  MuTransport transport;
  const MuGridInfo *info;
  Vec a[2], b[2];
} Generator;

static PetscErrorCode create_generator(MuTrial *t, Generator *g) {
  Vec potential;

  PetscFunctionBegin;
  g->info = t->info;
  PetscCall(VecDuplicate(t->parts->log_target, &potential));
  PetscCall(VecCopy(t->parts->log_target, potential));
  PetscCall(VecScale(potential, -1));
  PetscCall(MuTransportCreate(t->parts->grid, MU_TRANSPORT_AUTO, &g->transport));
  PetscCall(MuTransportFillScharfetterGummel(g->transport, 1, potential));
  for (PetscInt axis = 0; axis < t->info->dim; ++axis)
    PetscCall(MuTransportGetCoefficients(g->transport, axis, &g->a[axis], &g->b[axis]));
  PetscCall(VecDestroy(&potential));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ one dimension between walls */

static PetscErrorCode second_of_tridiagonal(const Generator *g, PetscReal *value) {
  const PetscInt n = g->info->local_size;
  PetscReal *d, *e, *w, *work;
  PetscBLASInt *iwork, *block, *split, size, second = 2, found, blocks, info;
  PetscReal zero = 0;
  const PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &size));
  PetscCall(PetscCalloc4(n, &d, n, &e, n, &w, 4 * n, &work));
  PetscCall(PetscMalloc3(3 * n, &iwork, n, &block, n, &split));
  PetscCall(VecGetArrayRead(g->a[0], &a));
  PetscCall(VecGetArrayRead(g->b[0], &b));
  for (PetscInt i = 1; i < n; ++i) {
    d[i - 1] += a[i];
    d[i] += b[i];
    e[i - 1] = -sqrt(a[i] * b[i]);
  }
  PetscCall(VecRestoreArrayRead(g->b[0], &b));
  PetscCall(VecRestoreArrayRead(g->a[0], &a));
  LAPACKstebz_("I", "E", &size, &zero, &zero, &second, &second, &zero, d, e, &found, &blocks, w,
               block, split, work, iwork, &info);
  *value = info || found < 1 ? NAN : PetscMax(w[0], 0);
  PetscCall(PetscFree4(d, e, w, work));
  PetscCall(PetscFree3(iwork, block, split));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the matrix */

static PetscInt lower_neighbour(const MuGridInfo *info, PetscInt axis, PetscInt i) {
  const PetscInt nx = info->cells[0], ny = info->cells[1], x = i % nx, y = i / nx;
  return axis == 0 ? y * nx + (x + nx - 1) % nx : (y + ny - 1) % ny * nx + x;
}

static PetscErrorCode add_axis(const Generator *g, PetscInt axis, Mat m, PetscReal *diagonal) {
  const PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->a[axis], &a));
  PetscCall(VecGetArrayRead(g->b[axis], &b));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    const PetscInt j = lower_neighbour(g->info, axis, i);
    const PetscReal both = -sqrt(a[i] * b[i]);
    if (!(a[i] + b[i] > 0) || i == j) continue;
    diagonal[j] += a[i];
    diagonal[i] += b[i];
    PetscCall(MatSetValue(m, i, j, both, ADD_VALUES));
    PetscCall(MatSetValue(m, j, i, both, ADD_VALUES));
  }
  PetscCall(VecRestoreArrayRead(g->b[axis], &b));
  PetscCall(VecRestoreArrayRead(g->a[axis], &a));
  PetscFunctionReturn(0);
}

/* A + sigma; cells that no face leads to are taken out of the way. */
static PetscErrorCode create_matrix(const Generator *g, PetscReal sigma, Mat *m) {
  const PetscInt n = g->info->local_size;
  PetscReal *diagonal, largest = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n, &diagonal));
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 5, NULL, m));
  for (PetscInt axis = 0; axis < g->info->dim; ++axis) PetscCall(add_axis(g, axis, *m, diagonal));
  for (PetscInt i = 0; i < n; ++i) largest = PetscMax(largest, diagonal[i]);
  for (PetscInt i = 0; i < n; ++i)
    PetscCall(MatSetValue(*m, i, i, (diagonal[i] > 0 ? diagonal[i] : largest) + sigma, ADD_VALUES));
  PetscCall(MatAssemblyBegin(*m, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*m, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_solver(Mat m, KSP *ksp) {
  PC pc;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PETSC_COMM_SELF, ksp));
  PetscCall(KSPSetOperators(*ksp, m, m));
  PetscCall(KSPSetType(*ksp, KSPPREONLY));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(PCFactorSetMatOrderingType(pc, MATORDERINGND));
  PetscCall(KSPSetUp(*ksp));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Lanczos */

/* Largest eigenvalue of the tridiagonal matrix and the last entry of its vector. */
static PetscErrorCode largest_pair(PetscInt m, const PetscReal *alpha, const PetscReal *beta,
                                   PetscReal *value, PetscReal *last) {
  PetscReal d[MOST_VECTORS], e[MOST_VECTORS], work[2 * MOST_VECTORS];
  static PetscReal z[MOST_VECTORS * MOST_VECTORS];
  PetscBLASInt size = (PetscBLASInt)m, info;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(d, alpha, m));
  PetscCall(PetscArraycpy(e, beta, m));
  LAPACKsteqr_("I", &size, d, e, z, &size, work, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "steqr: %d", (int)info);
  *value = d[m - 1];
  *last = PetscAbsReal(z[m * m - 1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode orthogonalise(PetscInt count, const Vec basis[], Vec w) {
  PetscScalar product[MOST_VECTORS + 1];

  PetscFunctionBegin;
  for (int twice = 0; twice < 2; ++twice) {
    PetscCall(VecMDot(w, count, basis, product));
    for (PetscInt k = 0; k < count; ++k) product[k] = -product[k];
    PetscCall(VecMAXPY(w, count, product, (Vec *)basis));
  }
  PetscFunctionReturn(0);
}

/* A vector without symmetry, the same on every machine. */
static PetscErrorCode start_vector(Vec v) {
  unsigned long long z = 88172645463325252ull;
  PetscReal *x;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArray(v, &x));
  for (PetscInt i = 0; i < n; ++i) {
    z ^= z << 13;
    z ^= z >> 7;
    z ^= z << 17;
    x[i] = (PetscReal)(z >> 11) / 9007199254740992.0 - 0.5;
  }
  PetscCall(VecRestoreArray(v, &x));
  PetscFunctionReturn(0);
}

/* Largest eigenvalue of the inverse on the complement of basis[0]. */
static PetscErrorCode lanczos(KSP inverse, Vec *basis, PetscReal *value) {
  PetscReal alpha[MOST_VECTORS], beta[MOST_VECTORS + 1], last;
  PetscInt m = 0;

  PetscFunctionBegin;
  PetscCall(start_vector(basis[1]));
  PetscCall(orthogonalise(1, basis, basis[1]));
  PetscCall(VecNormalize(basis[1], NULL));
  for (*value = 0; m < MOST_VECTORS - 1;) {
    Vec w = basis[m + 2];
    PetscCall(KSPSolve(inverse, basis[m + 1], w));
    PetscCall(VecDot(basis[m + 1], w, &alpha[m]));
    PetscCall(orthogonalise(m + 2, basis, w));
    PetscCall(VecNormalize(w, &beta[m]));
    m++;
    PetscCall(largest_pair(m, alpha, beta, value, &last));
    if (beta[m - 1] * last <= ACCURACY * *value) break;
  }
  PetscFunctionReturn(0);
}

/* basis[0] = sqrt(pi), of norm one. */
static PetscErrorCode set_known_vector(MuTrial *t, Vec v) {
  PetscReal most, *x;

  PetscFunctionBegin;
  PetscCall(VecCopy(t->parts->log_target, v));
  PetscCall(VecMax(v, NULL, &most));
  PetscCall(VecGetArray(v, &x));
  for (PetscInt i = 0; i < t->info->local_size; ++i)
    x[i] = t->info->mask[i] ? exp(0.5 * (x[i] - most)) : 0;
  PetscCall(VecRestoreArray(v, &x));
  PetscCall(VecNormalize(v, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode second_of_matrix(MuTrial *t, const Generator *g, PetscReal *value) {
  PetscReal length = 0, inverse;
  Vec *basis;
  KSP ksp;
  Mat m;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < t->info->dim; ++a)
    length = PetscMax(length, t->info->upper[a] - t->info->lower[a]);
  const PetscReal sigma = 1e-3 / PetscSqr(length);
  PetscCall(create_matrix(g, sigma, &m));
  PetscCall(create_solver(m, &ksp));
  PetscCall(VecDuplicateVecs(t->parts->log_target, MOST_VECTORS + 1, &basis));
  PetscCall(set_known_vector(t, basis[0]));
  PetscCall(lanczos(ksp, basis, &inverse));
  *value = PetscMax(1 / inverse - sigma, 0);
  PetscCall(VecDestroyVecs(MOST_VECTORS + 1, &basis));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&m));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudySpectralGap(MuTrial *t, PetscReal *gap) {
  Generator g = {0};

  PetscFunctionBegin;
  PetscCall(create_generator(t, &g));
  if (t->info->dim == 1 && !t->info->periodic[0])
    PetscCall(second_of_tridiagonal(&g, gap));
  else
    PetscCall(second_of_matrix(t, &g, gap));
  PetscCall(MuTransportDestroy(&g.transport));
  PetscFunctionReturn(0);
}
