/* The flux J = m(M) (D_lower - D_upper)/h^2, M the face mean of a density of which rho is the share
   `share` (1, or 1/2 at a midpoint) and D a function of rho in its cell alone, has the derivative

     dJ/drho_lower = (share m'(M) dM/drho_lower (D_lower - D_upper) + m dD_lower/drho_lower)/h^2.

   For D = DF its derivative is the curvature f''(rho). For the discrete gradient G(r, s) =
   (f(s) - f(r))/(s - r) = int_0^1 f'(r + t (s - r)) dt it is (f'(s) - G)/(s - r), and near s = r,
   where that loses its digits, int t f'' dt = f''(r + 2/3 (s - r))/2 + O((s - r)^2). */
#include "flow/face_jacobian.h"
#include "flow/transport.h"
#include "flow/transport_impl.h"
#include "geometry/face_derivatives.h"

#include <math.h>

#define CLOSE 1e-4 /* |s - r|/(s + r) below which the second form stands */
#define NOISE 1e-3 /* largest rounding of a derivative, relative to the coefficients */

struct _p_MuFaceJacobian {
  MuFlow flow;
  Vec force, slope, between;      /* DF; dD/drho; of the quotient */
  Vec gradient;                   /* of D, along an axis */
  MuFaceDerivatives mean;         /* along an axis */
  PetscReal *below, *below_slope; /* [row_length]: D and dD/drho under the first row */
};

PetscErrorCode MuFaceJacobianCreate(MuFlow flow, MuFaceJacobian *jacobian) {
  MuFaceJacobian j;
  const MuGeometrySpec *g;
  PetscBool has[MU_DF_PARTS], local;
  Vec ones;

  PetscFunctionBegin;
  *jacobian = NULL;
  PetscCall(MuGeometryTransportIsLocal(flow->geometry, &local));
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  PetscCall(VecDuplicate(flow->rho, &ones));
  PetscCall(VecSet(ones, 1));
  PetscCall(MuGridApplyMask(flow->grid, ones));
  PetscCall(MuEnergyTransportParts(flow->energy, ones, (Vec[MU_DF_PARTS]){NULL}, has));
  PetscCall(VecDestroy(&ones));
  if (!local || has[MU_DF_FROZEN] || !(has[MU_DF_RELATIVE] || has[MU_DF_LOCAL]) ||
      g->face_mean == MU_MEAN_LIMITED || flow->info->dim != 2)
    PetscFunctionReturn(0);
  PetscCall(PetscNew(&j));
  *jacobian = j;
  j->flow = flow;
  Vec *const all[] = {&j->force,      &j->slope,      &j->between,       &j->gradient,
                      &j->mean.lower, &j->mean.upper, &j->mean.mobility, &j->mean.slope};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; ++k)
    PetscCall(MuGridCreateField(flow->grid, all[k]));
  PetscCall(
      PetscCalloc2(flow->info->row_length, &j->below, flow->info->row_length, &j->below_slope));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceJacobianDestroy(MuFaceJacobian *jacobian) {
  MuFaceJacobian j = *jacobian;

  PetscFunctionBegin;
  *jacobian = NULL;
  if (!j) PetscFunctionReturn(0);
  Vec *const all[] = {&j->force,      &j->slope,      &j->between,       &j->gradient,
                      &j->mean.lower, &j->mean.upper, &j->mean.mobility, &j->mean.slope};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; ++k) PetscCall(VecDestroy(all[k]));
  PetscCall(PetscFree2(j->below, j->below_slope));
  PetscCall(PetscFree(j));
  PetscFunctionReturn(0);
}

/* One row of faces; what is indexed by the cell above a face, and D below it. */
typedef struct {
  PetscReal share, inverse_h2;
  const PetscReal *up, *up_slope;             /* D, dD/drho */
  const PetscReal *lower, *upper, *m, *slope; /* MuFaceDerivatives */
  const PetscReal *linear_a, *linear_b;
  PetscReal *a, *b;
} Row;

/* `by_mean` + `by_slope` if it is finite and no rounding of parts of the size `size` hides it. */
static inline PetscReal derivative(PetscReal by_mean, PetscReal by_slope, PetscReal size,
                                   PetscReal scale, PetscReal otherwise) {
  const PetscReal value = by_mean + by_slope;
  const PetscReal noise = PETSC_MACHINE_EPSILON * (size + PetscAbsReal(by_slope));
  return noise < NOISE * scale && isfinite(value) ? value : otherwise;
}

static inline void face(const Row *w, PetscInt c, PetscReal low, PetscReal low_slope) {
  const PetscReal la = w->share * w->linear_a[c], lb = w->share * w->linear_b[c];
  const PetscReal drop = low - w->up[c], size = PetscAbsReal(low) + PetscAbsReal(w->up[c]);
  const PetscReal lift = w->share * w->slope[c] * w->inverse_h2, m = w->m[c] * w->inverse_h2;
  w->a[c] =
      derivative(lift * w->lower[c] * drop, m * low_slope, lift * w->lower[c] * size, la + lb, la);
  w->b[c] = derivative(-lift * w->upper[c] * drop, m * w->up_slope[c], lift * w->upper[c] * size,
                       la + lb, lb);
}

static void axis_rows(const MuFaceJacobian j, PetscInt axis, const Row *first) {
  const MuGridInfo *info = j->flow->info;
  const PetscInt n = info->row_length;

  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt at = r * n;
    const Row w = {first->share,         first->inverse_h2,    first->up + at, first->up_slope + at,
                   first->lower + at,    first->upper + at,    first->m + at,  first->slope + at,
                   first->linear_a + at, first->linear_b + at, first->a + at,  first->b + at};
    if (axis == info->slow_axis) {
      const PetscReal *low = r ? w.up - n : j->below;
      const PetscReal *low_slope = r ? w.up_slope - n : j->below_slope;
      for (PetscInt c = 0; c < n; ++c) face(&w, c, low[c], low_slope[c]);
    } else {
      for (PetscInt c = 0; c < n; ++c) {
        const PetscInt left = c ? c - 1 : n - 1;
        face(&w, c, w.up[left], w.up_slope[left]);
      }
    }
  }
}

static PetscErrorCode fill_axis(MuFaceJacobian j, PetscInt axis, Vec d, PetscReal share,
                                MuTransport linear, MuTransport matrix) {
  MuFlow flow = j->flow;
  const PetscReal h = flow->info->spacing[axis];
  Row first = {.share = share, .inverse_h2 = 1 / (h * h)};

  PetscFunctionBegin;
  PetscCall(MuGridGradient(flow->grid, axis, d, j->gradient));
  PetscCall(MuGeometryFaceDerivatives(flow->geometry, axis, j->gradient, &j->mean));
  const struct {
    Vec field;
    const PetscReal **array;
  } read[] = {{d, &first.up},
              {j->slope, &first.up_slope},
              {j->mean.lower, &first.lower},
              {j->mean.upper, &first.upper},
              {j->mean.mobility, &first.m},
              {j->mean.slope, &first.slope},
              {linear->a[axis], &first.linear_a},
              {linear->b[axis], &first.linear_b}};
  enum { READ = sizeof read / sizeof *read };
  for (PetscInt k = 0; k < READ; ++k) PetscCall(VecGetArrayRead(read[k].field, read[k].array));
  PetscCall(VecGetArray(matrix->a[axis], &first.a));
  PetscCall(VecGetArray(matrix->b[axis], &first.b));
  if (axis == flow->info->slow_axis) {
    PetscCall(MuGridExchangeRows(flow->grid, first.up, j->below, NULL));
    PetscCall(MuGridExchangeRows(flow->grid, first.up_slope, j->below_slope, NULL));
  }
  axis_rows(j, axis, &first);
  PetscCall(VecRestoreArray(matrix->b[axis], &first.b));
  PetscCall(VecRestoreArray(matrix->a[axis], &first.a));
  for (PetscInt k = READ - 1; k >= 0; --k)
    PetscCall(VecRestoreArrayRead(read[k].field, read[k].array));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceJacobianOfForce(MuFaceJacobian j, Vec rho, MuTransport linear,
                                     MuTransport matrix) {
  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(j->flow->energy, rho, NULL, NULL, j->force, NULL));
  PetscCall(MuEnergyCurvature(j->flow->energy, rho, j->slope));
  for (PetscInt axis = 0; axis < 2; ++axis)
    PetscCall(fill_axis(j, axis, j->force, 1, linear, matrix));
  PetscFunctionReturn(0);
}

/* slope = dG/dend */
static PetscErrorCode gradient_slope(MuFaceJacobian j, Vec start, Vec end, Vec gradient) {
  const PetscReal *r, *s, *g, *force;
  PetscReal *slope;

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(j->flow->energy, end, NULL, NULL, j->force, NULL));
  PetscCall(VecCopy(start, j->between));
  PetscCall(VecAXPBY(j->between, 2.0 / 3, 1.0 / 3, end));
  PetscCall(MuEnergyCurvature(j->flow->energy, j->between, j->slope));
  PetscCall(VecGetArrayRead(start, &r));
  PetscCall(VecGetArrayRead(end, &s));
  PetscCall(VecGetArrayRead(gradient, &g));
  PetscCall(VecGetArrayRead(j->force, &force));
  PetscCall(VecGetArray(j->slope, &slope));
  for (PetscInt i = 0; i < j->flow->info->local_size; ++i) {
    const PetscReal d = s[i] - r[i], sum = s[i] + r[i];
    slope[i] = PetscAbsReal(d) > CLOSE * sum ? (force[i] - g[i]) / d : slope[i] / 2;
  }
  PetscCall(VecRestoreArray(j->slope, &slope));
  PetscCall(VecRestoreArrayRead(j->force, &force));
  PetscCall(VecRestoreArrayRead(gradient, &g));
  PetscCall(VecRestoreArrayRead(end, &s));
  PetscCall(VecRestoreArrayRead(start, &r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceJacobianOfGradient(MuFaceJacobian j, Vec start, Vec end, Vec gradient,
                                        MuTransport linear, MuTransport matrix) {
  PetscFunctionBegin;
  PetscCall(gradient_slope(j, start, end, gradient));
  for (PetscInt axis = 0; axis < 2; ++axis)
    PetscCall(fill_axis(j, axis, gradient, 0.5, linear, matrix));
  PetscFunctionReturn(0);
}
