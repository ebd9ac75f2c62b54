/* Linear transport steps: the object and its coefficients. */
#include "flow/transport.h"
#include "base/events.h"
#include "flow/transport_impl.h"
#include "grid/arrays.h"

PetscErrorCode MuTransportLabel(MuTransport t) {
  PetscFunctionBegin;
  t->components = 1;
  if (!t->info->masked) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(t->info->local_size, &t->label));
  PetscCall(MuGridLabelComponents(t->grid, &t->components, t->label));
  if (t->components == 1) PetscCall(PetscFree(t->label));
  PetscCall(PetscMalloc1(3 * t->components, &t->sums));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportCreateCompanion(MuTransport t, const MuTransportOps *ops,
                                          MuTransport *companion) {
  MuTransport c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  PetscCall(MuGridReference(t->grid));
  c->grid = t->grid;
  c->info = t->info;
  c->tolerance = t->tolerance;
  c->ops = ops;
  for (PetscInt axis = 0; axis < t->info->dim; ++axis) {
    PetscCall(PetscObjectReference((PetscObject)t->a[axis]));
    PetscCall(PetscObjectReference((PetscObject)t->b[axis]));
    c->a[axis] = t->a[axis];
    c->b[axis] = t->b[axis];
  }
  PetscCall(MuTransportLabel(c));
  PetscCall(ops->create(c));
  *companion = c;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportDestroy(MuTransport *transport) {
  MuTransport t = *transport;

  PetscFunctionBegin;
  *transport = NULL;
  if (!t) PetscFunctionReturn(0);
  PetscCall(t->ops->destroy(t));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(VecDestroy(&t->a[axis]));
    PetscCall(VecDestroy(&t->b[axis]));
  }
  PetscCall(VecDestroy(&t->log_pi));
  PetscCall(VecDestroy(&t->minus_potential));
  PetscCall(PetscFree(t->below));
  PetscCall(PetscFree(t->label));
  PetscCall(PetscFree(t->sums));
  PetscCall(MuGridDestroy(&t->grid));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportGetCoefficients(MuTransport t, PetscInt axis, Vec *a, Vec *b) {
  *a = t->a[axis];
  *b = t->b[axis];
  return 0;
}

MuFaceMatrix MuTransportMatrix(MuTransport t) {
  return (MuFaceMatrix){.a = {t->a[0], t->a[1]}, .b = {t->b[0], t->b[1]}, .scale = {t->dt, t->dt}};
}

PetscErrorCode MuTransportSetReversible(MuTransport t, Vec log_pi) {
  PetscFunctionBegin;
  if (!t->ops->reversible) log_pi = NULL;
  if (log_pi) PetscCall(PetscObjectReference((PetscObject)log_pi));
  PetscCall(VecDestroy(&t->log_pi));
  t->log_pi = log_pi;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportSetTolerance(MuTransport t, PetscReal tolerance) {
  PetscFunctionBegin;
  if (!(tolerance > 0 && tolerance < 1))
    return MuError(MU_ERR_INPUT, "time_tolerance: the transport tolerance is %g; allowed is (0, 1)",
                   tolerance);
  t->tolerance = tolerance;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportGetIterations(MuTransport t, PetscInt *iterations) {
  *iterations = t->iterations;
  return 0;
}

PetscErrorCode MuTransportSetUp(MuTransport t, PetscReal dt) {
  PetscFunctionBegin;
  if (!(dt >= 0) || PetscIsInfOrNanReal(dt))
    return MuError(MU_ERR_INPUT, "time_step: %g; a finite step of at least 0 is needed", dt);
  t->dt = dt;
  t->ready = t->stalled = PETSC_FALSE;
  PetscCall(MuEventBegin(MU_EVENT_FACTOR));
  PetscCall(t->ops->set_up(t));
  PetscCall(MuEventEnd(MU_EVENT_FACTOR));
  t->ready = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportSolve(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1) {
  PetscFunctionBegin;
  PetscCheck(t->ready, t->info->comm, PETSC_ERR_ORDER, "MuTransportSetUp() comes first");
  t->iterations = 0;
  PetscCall(MuEventBegin(MU_EVENT_TRANSPORT));
  PetscCall(t->ops->solve(t, reversed, rho0, rho1));
  PetscCall(MuEventEnd(MU_EVENT_TRANSPORT));
  PetscFunctionReturn(0);
}

/* Sum of max(x_i, lowest) in eight chains: quick, and its rounding error grows with n/8. */
static PetscReal sum_above(PetscInt n, const PetscReal *x, PetscReal lowest) {
  PetscReal lane[8] = {0}, sum = 0;
  PetscInt i = 0;
  for (; i + 8 <= n; i += 8)
    for (PetscInt l = 0; l < 8; ++l) lane[l] += PetscMax(x[i + l], lowest);
  for (; i < n; ++i) sum += PetscMax(x[i], lowest);
  for (PetscInt l = 0; l < 8; ++l) sum += lane[l];
  return sum;
}

/* The same on a domain in pieces. */
static PetscErrorCode repair_components(MuTransport t, const PetscReal *rhs, PetscReal *x) {
  const PetscInt count = t->components;
  PetscReal *before = t->sums, *above = before + count, *after = above + count;
  PetscReal negative = 0;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(t->sums, 3 * count));
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    const PetscInt c = t->label[i];
    if (c < 0) continue;
    before[c] += rhs[i];
    above[c] += PetscMax(rhs[i], 0);
    after[c] += PetscMax(x[i], 0);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, t->sums, (PetscMPIInt)(3 * count), MPIU_REAL, MPI_SUM,
                             t->info->comm));
  for (PetscInt c = 0; c < count; ++c) negative = PetscMax(negative, above[c] - before[c]);
  if (negative > 0) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    const PetscInt c = t->label[i];
    if (c >= 0 && after[c] > 0) x[i] = PetscMax(x[i], 0) * (before[c] / after[c]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportRepair(MuTransport t, const PetscReal *rhs, PetscReal *x) {
  const PetscInt n = t->info->row_length;
  PetscReal sums[3] = {0}; /* mass before, its positive part, mass after */

  PetscFunctionBegin;
  if (t->label) {
    PetscCall(repair_components(t, rhs, x));
    PetscFunctionReturn(0);
  }
  for (PetscInt r = 0; r < t->info->rows; ++r) {
    sums[0] += sum_above(n, rhs + r * n, -PETSC_MAX_REAL);
    sums[1] += sum_above(n, rhs + r * n, 0);
    sums[2] += sum_above(n, x + r * n, 0);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPIU_REAL, MPI_SUM, t->info->comm));
  if (sums[0] < sums[1] || !(sums[2] > 0)) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < t->info->local_size; ++i) x[i] = PetscMax(x[i], 0) * (sums[0] / sums[2]);
  PetscFunctionReturn(0);
}

/* a = D B(V_upper - V_lower)/h^2, b = D B(V_lower - V_upper)/h^2 on one face. */
static void fill_face(PetscReal rate, PetscReal lower, PetscReal upper, PetscReal *a,
                      PetscReal *b) {
  PetscReal z = upper - lower;

  *a = *b = 0;
  if (lower == PETSC_INFINITY || upper == PETSC_INFINITY || lower > PETSC_MAX_REAL ||
      upper > PETSC_MAX_REAL)
    return;
  *a = rate * MuBernoulli(z);
  *b = rate * MuBernoulli(-z);
}

static PetscErrorCode fill_axis(MuTransport t, PetscInt axis, PetscReal diffusivity,
                                const PetscReal *v, const PetscReal *below) {
  const MuGridInfo *info = t->info;
  const PetscInt n = info->row_length;
  const PetscReal rate = diffusivity / (info->spacing[axis] * info->spacing[axis]);
  PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(t->a[axis], &a));
  PetscCall(VecGetArrayWrite(t->b[axis], &b));
  for (PetscInt r = 0; r < info->rows; ++r)
    for (PetscInt c = 0; c < n; ++c) {
      PetscInt i = r * n + c;
      PetscReal lower;
      a[i] = b[i] = 0;
      if (!info->open[axis][i]) continue;
      if (axis == info->slow_axis)
        lower = r ? v[i - n] : below[c];
      else
        lower = c ? v[i - 1] : v[i + n - 1];
      fill_face(rate, lower, v[i], &a[i], &b[i]);
    }
  PetscCall(VecRestoreArrayWrite(t->b[axis], &b));
  PetscCall(VecRestoreArrayWrite(t->a[axis], &a));
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransportFillScharfetterGummel(MuTransport t, PetscReal diffusivity,
                                                Vec potential) {
  const PetscReal *v;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(potential, &v));
  PetscCall(MuGridExchangeRows(t->grid, v, t->below, NULL));
  for (PetscInt axis = 0; axis < t->info->dim; ++axis)
    PetscCall(fill_axis(t, axis, diffusivity, v, t->below));
  PetscCall(VecRestoreArrayRead(potential, &v));
  PetscCall(VecCopy(potential, t->minus_potential));
  PetscCall(VecScale(t->minus_potential, -1));
  PetscCall(MuTransportSetReversible(t, t->minus_potential));
  PetscFunctionReturn(0);
}
