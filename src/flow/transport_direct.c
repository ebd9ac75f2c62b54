/* direct: a sparse factorisation of A = I + dt div J, made once per set-up.

   Reversible coefficients: Cholesky of D^-1 A D, D = sqrt(pi), which has the entries sqrt(a b) and
   half the work of LU. Scaling does not change the relative rounding errors of an elimination
   without pivoting, and all that is added up in it has one sign, so densities are accurate cell by
   cell although the scaled unknown rho/sqrt(pi) may span hundreds of decades; only its range limits
   the scaling. Otherwise LU of A itself, which is diagonally dominant by columns: no pivoting. The
   residual in L1, which bounds the error, is checked after every solve, and one step of refinement
   taken where it is above the tolerance.

   The factors are PETSc's own with nested dissection and live on rank 0: at 512^2 a solve takes a
   fifth of the time it takes MUMPS, whose fronts are small here, and distributed factors add up in
   the order in which messages arrive, so that no two runs would have the same bits.

   George, Nested dissection of a regular finite element mesh, SIAM J. Numer. Anal. 10 (1973). */
#include "flow/transport.h"
#include "flow/transport_impl.h"

#include <math.h>

#define MOST_RANGE 1200 /* of log pi: exp(+-300) leaves room for densities down to 1e-170 */

typedef struct {
  Mat matrix, factor;      /* rank 0; factor: NULL before the first SetUp */
  Vec whole_in, whole_out; /* [cells], rank 0 */
  PetscReal *a, *b;        /* coefficients of one axis, [cells], rank 0 */
  unsigned char *open[2];  /* [cells], rank 0 */
  PetscBool symmetric;
  MuTransportOperator op;
  Vec scale, residual, correction; /* scale: sqrt(pi) up to a factor */
  PetscReal *rhs;
} Direct;

/* The faces between inside cells, which make the pattern of the matrix. */
static PetscErrorCode gather_open(MuTransport t, Direct *s, PetscInt axis) {
  const MuGridInfo *info = t->info;
  const PetscInt cells = info->cells[0] * info->cells[1];
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArray(s->residual, &x)); /* scratch */
  for (PetscInt i = 0; i < info->local_size; ++i) x[i] = info->open[axis][i];
  PetscCall(VecRestoreArray(s->residual, &x));
  PetscCall(MuGridGather(t->grid, s->residual, PETSC_FALSE, s->a));
  if (info->rank) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(cells, &s->open[axis]));
  for (PetscInt i = 0; i < cells; ++i) s->open[axis][i] = s->a[i] != 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_whole(MuTransport t, Direct *s) {
  const PetscInt cells = t->info->cells[0] * t->info->cells[1];

  PetscFunctionBegin;
  if (t->info->rank == 0) {
    PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, cells, cells, 5, NULL, &s->matrix));
    PetscCall(MatSetOption(s->matrix, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
    PetscCall(VecCreateSeq(PETSC_COMM_SELF, cells, &s->whole_in));
    PetscCall(VecCreateSeq(PETSC_COMM_SELF, cells, &s->whole_out));
    PetscCall(PetscMalloc2(cells, &s->a, cells, &s->b));
  }
  for (PetscInt axis = 0; axis < 2; ++axis) PetscCall(gather_open(t, s, axis));
  PetscFunctionReturn(0);
}

static PetscErrorCode direct_create(MuTransport t) {
  Direct *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  t->data = s;
  PetscCall(MuTransportOperatorCreate(t->grid, &s->op));
  PetscCall(MuGridCreateField(t->grid, &s->scale));
  PetscCall(MuGridCreateField(t->grid, &s->residual));
  PetscCall(MuGridCreateField(t->grid, &s->correction));
  PetscCall(PetscMalloc1(t->info->local_size, &s->rhs));
  PetscCall(create_whole(t, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode direct_destroy(MuTransport t) {
  Direct *s = t->data;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MatDestroy(&s->matrix));
  PetscCall(MatDestroy(&s->factor));
  PetscCall(VecDestroy(&s->whole_in));
  PetscCall(VecDestroy(&s->whole_out));
  if (s->a) PetscCall(PetscFree2(s->a, s->b));
  PetscCall(PetscFree(s->open[0]));
  PetscCall(PetscFree(s->open[1]));
  PetscCall(MuTransportOperatorDestroy(&s->op));
  PetscCall(VecDestroy(&s->scale));
  PetscCall(VecDestroy(&s->residual));
  PetscCall(VecDestroy(&s->correction));
  PetscCall(PetscFree(s->rhs));
  PetscCall(PetscFree(s));
  t->data = NULL;
  PetscFunctionReturn(0);
}

/* scale = exp((log pi - middle)/2) and whether the range of log pi allows it. */
static PetscErrorCode set_scale(MuTransport t, PetscBool *possible) {
  Direct *s = t->data;
  const PetscReal *log_pi;
  PetscReal ends[2] = {-PETSC_MAX_REAL, -PETSC_MAX_REAL}, *scale; /* max of log pi, of -log pi */

  PetscFunctionBegin;
  *possible = PETSC_FALSE;
  if (!t->log_pi) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(t->log_pi, &log_pi));
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    if (!t->info->mask[i]) continue;
    ends[0] = PetscMax(ends[0], log_pi[i]);
    ends[1] = PetscMax(ends[1], -log_pi[i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPIU_REAL, MPI_MAX, t->info->comm));
  *possible = (PetscBool)(ends[0] + ends[1] <= MOST_RANGE);
  if (*possible) {
    PetscCall(VecGetArray(s->scale, &scale));
    for (PetscInt i = 0; i < t->info->local_size; ++i)
      scale[i] = t->info->mask[i] ? exp(0.5 * (log_pi[i] - 0.5 * (ends[0] - ends[1]))) : 1;
    PetscCall(VecRestoreArray(s->scale, &scale));
  }
  PetscCall(VecRestoreArrayRead(t->log_pi, &log_pi));
  PetscFunctionReturn(0);
}

/* The four entries of the face below cell i; `lower` is the cell on its other side. */
static PetscErrorCode add_face(Direct *s, PetscInt lower, PetscInt i, PetscReal a, PetscReal b) {
  const PetscInt index[2] = {lower, i};
  PetscReal to_lower = s->symmetric ? sqrt(a) * sqrt(b) : b;
  PetscReal to_upper = s->symmetric ? to_lower : a;
  const PetscReal block[4] = {a, -to_lower, -to_upper, b};

  PetscFunctionBegin;
  PetscCall(MatSetValues(s->matrix, 2, index, 2, index, block, ADD_VALUES));
  PetscFunctionReturn(0);
}

/* Rank 0: the faces of an axis, with its coefficients in s->a and s->b. */
static PetscErrorCode fill_axis(MuTransport t, PetscInt axis) {
  Direct *s = t->data;
  const PetscInt nx = t->info->cells[0], ny = t->info->cells[1];

  PetscFunctionBegin;
  for (PetscInt row = 0; row < ny; ++row)
    for (PetscInt c = 0; c < nx; ++c) {
      const PetscInt i = row * nx + c;
      if (!s->open[axis][i]) continue;
      PetscInt lower = axis == 0 ? row * nx + (c + nx - 1) % nx : (row + ny - 1) % ny * nx + c;
      PetscCall(add_face(s, lower, i, t->dt * s->a[i], t->dt * s->b[i]));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_matrix(MuTransport t) {
  Direct *s = t->data;
  const PetscInt cells = t->info->cells[0] * t->info->cells[1];

  PetscFunctionBegin;
  if (s->matrix) {
    PetscCall(MatZeroEntries(s->matrix));
    for (PetscInt i = 0; i < cells; ++i) PetscCall(MatSetValue(s->matrix, i, i, 1, ADD_VALUES));
  }
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(MuGridGather(t->grid, t->a[axis], PETSC_FALSE, s->a));
    PetscCall(MuGridGather(t->grid, t->b[axis], PETSC_FALSE, s->b));
    if (s->matrix) PetscCall(fill_axis(t, axis));
  }
  if (!s->matrix) PetscFunctionReturn(0);
  PetscCall(MatAssemblyBegin(s->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatSetOption(s->matrix, MAT_SYMMETRIC, s->symmetric));
  PetscCall(MatSetOption(s->matrix, MAT_SPD, s->symmetric));
  PetscFunctionReturn(0);
}

/* The pattern of the grid is analysed once; a change between the two kinds starts anew. */
static PetscErrorCode create_factor(Direct *s) {
  const MatFactorType type = s->symmetric ? MAT_FACTOR_CHOLESKY : MAT_FACTOR_LU;
  MatFactorInfo options;
  IS rows, columns;

  PetscFunctionBegin;
  PetscCall(MatFactorInfoInitialize(&options));
  options.fill = 10;
  PetscCall(MatGetFactor(s->matrix, MATSOLVERPETSC, type, &s->factor));
  PetscCall(MatGetOrdering(s->matrix, MATORDERINGND, &rows, &columns));
  if (type == MAT_FACTOR_CHOLESKY)
    PetscCall(MatCholeskyFactorSymbolic(s->factor, s->matrix, rows, &options));
  else
    PetscCall(MatLUFactorSymbolic(s->factor, s->matrix, rows, columns, &options));
  PetscCall(ISDestroy(&rows));
  PetscCall(ISDestroy(&columns));
  PetscFunctionReturn(0);
}

/* Rank 0. */
static PetscErrorCode factorise(Direct *s, MatFactorError *error) {
  MatFactorInfo options;

  PetscFunctionBegin;
  PetscCall(MatFactorInfoInitialize(&options));
  if (!s->factor) PetscCall(create_factor(s));
  if (s->symmetric)
    PetscCall(MatCholeskyFactorNumeric(s->factor, s->matrix, &options));
  else
    PetscCall(MatLUFactorNumeric(s->factor, s->matrix, &options));
  PetscCall(MatFactorGetError(s->factor, error));
  PetscFunctionReturn(0);
}

static PetscErrorCode direct_set_up(MuTransport t) {
  Direct *s = t->data;
  MatFactorError error = MAT_FACTOR_NOERROR;
  PetscBool symmetric;
  int failed;

  PetscFunctionBegin;
  PetscCall(set_scale(t, &symmetric));
  if (symmetric != s->symmetric) PetscCall(MatDestroy(&s->factor));
  s->symmetric = symmetric;
  PetscCall(fill_matrix(t));
  PetscCall(MuTransportOperatorSetUp(s->op, t));
  if (s->matrix) PetscCall(factorise(s, &error));
  failed = (int)error;
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, t->info->comm));
  if (failed)
    return MuError(MU_ERR_NUMERICS,
                   "time_transport_solver: the factorisation of `direct` failed (%s); use coupled",
                   failed == MAT_FACTOR_OUTMEMORY ? "out of memory" : "zero pivot");
  PetscFunctionReturn(0);
}

/* out = the factors' inverse applied to in, by way of rank 0. */
static PetscErrorCode solve_whole(MuTransport t, Vec in, Vec out) {
  Direct *s = t->data;
  PetscReal *x = NULL;
  const PetscReal *y = NULL;

  PetscFunctionBegin;
  if (s->factor) PetscCall(VecGetArray(s->whole_in, &x));
  PetscCall(MuGridGather(t->grid, in, PETSC_FALSE, x));
  if (s->factor) {
    PetscCall(VecRestoreArray(s->whole_in, &x));
    PetscCall(MatSolve(s->factor, s->whole_in, s->whole_out));
    PetscCall(VecGetArrayRead(s->whole_out, &y));
  }
  PetscCall(MuGridScatter(t->grid, y, out));
  if (s->factor) PetscCall(VecRestoreArrayRead(s->whole_out, &y));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_factors(MuTransport t, Vec in, Vec out) {
  Direct *s = t->data;

  PetscFunctionBegin;
  if (s->symmetric) PetscCall(VecPointwiseDivide(in, in, s->scale));
  PetscCall(solve_whole(t, in, out));
  if (s->symmetric) PetscCall(VecPointwiseMult(out, out, s->scale));
  PetscFunctionReturn(0);
}

static PetscErrorCode residual(MuTransport t, Vec rho, PetscReal *size, PetscReal *floor_size) {
  Direct *s = t->data;
  const PetscReal *x;
  PetscReal *r, sums[2];

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArray(s->residual, &r));
  PetscCall(MuTransportOperatorResidual(s->op, s->rhs, x, r, sums));
  PetscCall(VecRestoreArray(s->residual, &r));
  PetscCall(VecRestoreArrayRead(rho, &x));
  *size = sums[0];
  *floor_size = 2 * PETSC_MACHINE_EPSILON * sums[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode direct_solve(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1) {
  Direct *s = t->data;
  const PetscReal *r;
  PetscReal *x, mass, size = 0, rounding = 0;

  PetscFunctionBegin;
  (void)reversed;
  PetscCall(VecGetArrayRead(rho0, &r));
  PetscCall(PetscArraycpy(s->rhs, r, t->info->local_size));
  PetscCall(VecRestoreArrayRead(rho0, &r));
  PetscCall(VecNorm(rho0, NORM_1, &mass));
  PetscCall(VecCopy(rho0, s->residual));
  PetscCall(apply_factors(t, s->residual, rho1));
  PetscCall(residual(t, rho1, &size, &rounding));
  for (t->iterations = 1; t->iterations < 3; ++t->iterations) {
    if (size <= PetscMax(t->tolerance * mass, rounding)) break;
    PetscCall(apply_factors(t, s->residual, s->correction));
    PetscCall(VecAXPY(rho1, 1, s->correction));
    PetscCall(residual(t, rho1, &size, &rounding));
  }
  if (!(size <= PetscMax(t->tolerance * mass, rounding)))
    return MuError(MU_ERR_NUMERICS,
                   "time_transport_solver: `direct` leaves a residual of %g of the mass; the "
                   "transport tolerance is %g",
                   size / mass, t->tolerance);
  PetscCall(VecGetArray(rho1, &x));
  PetscCall(MuTransportRepair(t, s->rhs, x));
  PetscCall(VecRestoreArray(rho1, &x));
  PetscFunctionReturn(0);
}

const MuTransportOps MuTransportDirect = {
    .name = "direct",
    .formula = "(I + dt div J)^-1 by sparse factorisation",
    .reversible = PETSC_TRUE,
    .create = direct_create,
    .set_up = direct_set_up,
    .solve = direct_solve,
    .destroy = direct_destroy,
};
