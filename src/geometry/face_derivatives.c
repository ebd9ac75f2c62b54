/* Derivatives of face means: with A = (a + b)/2, z = (a - b)/(a + b) and r = log(a/b)

     logarithmic  L_a = (1 - L/a)/r,                       L_b = (L/b - 1)/r
     Stolarsky    S_a = (m-1) a^(m-2) (a - S)/(a^(m-1) - b^(m-1)), and S_b with a, b exchanged

   and near a = b, where these lose their digits, those of A (1 + k z^2 + O(z^4)), k = (m - 2)/3, m
   = 1 for the logarithmic mean. With a potential a and b are the densities times Bernoulli weights
   (face_mean.c). */
#include "geometry/face_derivatives.h"
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

#include <math.h>

#define NEAR       1e-3 /* of |z|: the relative error of a derivative is about NEAR^2 */
#define DIFFERENCE 1e-5 /* relative, of a mobility that is no power */

/* What one row of faces reads, and the two densities' derivatives that it writes. */
typedef struct {
  PetscInt n;
  const PetscReal *low, *up, *mean, *gradient;
  const PetscReal *weight_low, *weight_up; /* NULL: 1 */
  const unsigned char *open;
  PetscReal *by_low, *by_up;
} Row;

/* z where the two are close, with *by_a and *by_b set; else NaN. */
static inline PetscBool is_near(PetscReal a, PetscReal b, PetscReal k, PetscReal *by_a,
                                PetscReal *by_b) {
  const PetscReal sum = a + b, z = sum > 0 ? (a - b) / sum : 0;
  if (PetscAbsReal(z) > NEAR) return PETSC_FALSE;
  *by_a = 0.5 + k * z;
  *by_b = 0.5 - k * z;
  return PETSC_TRUE;
}

static void row_logarithmic(const Row *w) {
  for (PetscInt c = 0; c < w->n; ++c) {
    const PetscReal wl = w->weight_low ? w->weight_low[c] : 1;
    const PetscReal wu = w->weight_up ? w->weight_up[c] : 1;
    const PetscReal a = wl * w->low[c], b = wu * w->up[c], mean = w->mean[c];
    PetscReal by_a, by_b;
    if (!is_near(a, b, -1.0 / 3, &by_a, &by_b)) {
      const PetscReal r = log(a / b);
      by_a = (1 - mean / a) / r;
      by_b = (mean / b - 1) / r;
    }
    w->by_low[c] = w->open[c] ? wl * by_a : 0;
    w->by_up[c] = w->open[c] ? wu * by_b : 0;
  }
}

static void row_stolarsky(const Row *w, PetscReal m) {
  for (PetscInt c = 0; c < w->n; ++c) {
    const PetscReal a = w->low[c], b = w->up[c], mean = w->mean[c];
    PetscReal by_a, by_b;
    if (!is_near(a, b, (m - 2) / 3, &by_a, &by_b)) {
      const PetscReal pa = pow(a, m - 2), pb = pow(b, m - 2);
      const PetscReal factor = (m - 1) / (a * pa - b * pb);
      by_a = factor * pa * (a - mean);
      by_b = factor * pb * (mean - b);
    }
    w->by_low[c] = w->open[c] ? by_a : 0;
    w->by_up[c] = w->open[c] ? by_b : 0;
  }
}

/* Mass flows from where xi is large: where it rises the donor is the upper cell. */
static void row_upwind(const Row *w) {
  for (PetscInt c = 0; c < w->n; ++c) {
    const PetscBool rises = (PetscBool)(w->gradient && w->gradient[c] > 0);
    w->by_low[c] = w->open[c] && !rises;
    w->by_up[c] = w->open[c] && rises;
  }
}

static void row_arithmetic(const Row *w) {
  for (PetscInt c = 0; c < w->n; ++c) w->by_low[c] = w->by_up[c] = w->open[c] ? 0.5 : 0;
}

static void differentiate_row(MuGeometry g, const Row *w) {
  const MuMean mean = g->spec.face_mean;
  const PetscReal m = g->spec.stolarsky_exponent;
  if (mean == MU_MEAN_UPWIND)
    row_upwind(w);
  else if (mean == MU_MEAN_ARITHMETIC || (mean == MU_MEAN_STOLARSKY && m == 2))
    row_arithmetic(w);
  else if (mean == MU_MEAN_STOLARSKY && m != 1)
    row_stolarsky(w, m);
  else
    row_logarithmic(w);
}

/* The rows of an axis; the arrays of `first` are those of this rank, `low` is filled in here. */
static PetscErrorCode differentiate_means(MuGeometry g, PetscInt axis, Row first) {
  const MuGridInfo *info = g->info;
  const MuFaceMeans *face = &g->face;
  const PetscInt n = info->row_length;
  const PetscBool slow = (PetscBool)(axis == info->slow_axis);

  PetscFunctionBegin;
  if (slow) PetscCall(MuGridExchangeRows(g->grid, first.up, face->halo, NULL));
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt at = r * n;
    Row w = {.n = n,
             .up = first.up + at,
             .low = slow ? (r ? first.up + at - n : face->halo) : face->row,
             .mean = first.mean + at,
             .gradient = first.gradient ? first.gradient + at : NULL,
             .weight_low = face->weight_lower[axis] ? face->weight_lower[axis] + at : NULL,
             .weight_up = face->weight_upper[axis] ? face->weight_upper[axis] + at : NULL,
             .open = face->open[axis] + at,
             .by_low = first.by_low + at,
             .by_up = first.by_up + at};
    if (!slow) {
      face->row[0] = w.up[n - 1];
      memcpy(face->row + 1, w.up, sizeof(PetscReal) * (size_t)(n - 1));
    }
    differentiate_row(g, &w);
  }
  PetscFunctionReturn(0);
}

/* m += weight M(mean), slope += weight M'(mean) */
static void add_mobility(const MuPart *part, PetscInt n, const PetscReal *mean,
                         const unsigned char *open, PetscReal *m, PetscReal *slope) {
  const MuPartOps *ops = part->ops;
  const PetscReal power = ops->power ? ops->power(part->value) : NAN;

  for (PetscInt i = 0; i < n; ++i) {
    if (!open[i]) continue;
    const PetscReal x = mean[i], value = power == 1 ? x : ops->mobility_at(x, part->value);
    m[i] += part->weight * value;
    if (power == 1)
      slope[i] += part->weight;
    else if (!isnan(power))
      slope[i] += part->weight * power * value / x;
    else
      slope[i] += part->weight *
                  (ops->mobility_at(x * (1 + DIFFERENCE), part->value) -
                   ops->mobility_at(x * (1 - DIFFERENCE), part->value)) /
                  (2 * DIFFERENCE * x);
  }
}

static PetscErrorCode add_mobilities(MuGeometry g, PetscInt axis, const PetscReal *mean,
                                     const MuFaceDerivatives *at) {
  PetscReal *m, *slope;

  PetscFunctionBegin;
  PetscCall(VecSet(at->mobility, 0));
  PetscCall(VecSet(at->slope, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    MuPart *part = &g->part[k];
    if (part->ops->kind != MU_PART_TRANSPORT) continue;
    if (!part->ops->mobility_at) {
      if (part->ops->mobility) PetscCall(part->ops->mobility(g, part, axis, at->mobility));
      continue;
    }
    PetscCall(VecGetArray(at->mobility, &m));
    PetscCall(VecGetArray(at->slope, &slope));
    add_mobility(part, g->info->local_size, mean, g->face.open[axis], m, slope);
    PetscCall(VecRestoreArray(at->slope, &slope));
    PetscCall(VecRestoreArray(at->mobility, &m));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryFaceDerivatives(MuGeometry g, PetscInt axis, Vec gradient,
                                         const MuFaceDerivatives *at) {
  Row first = {.n = 0};

  PetscFunctionBegin;
  if (g->spec.face_mean == MU_MEAN_LIMITED)
    return MuError(MU_ERR_INPUT, "geometry_face_mean: limited has no derivative by two densities");
  if (g->spec.face_mean == MU_MEAN_UPWIND && !gradient)
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: upwind has derivatives along a gradient only");
  PetscCall(MuFaceMeansGet(g, axis, gradient, &first.mean));
  PetscCall(add_mobilities(g, axis, first.mean, at));
  PetscCall(VecGetArrayRead(g->rho, &first.up));
  if (gradient) PetscCall(VecGetArrayRead(gradient, &first.gradient));
  PetscCall(VecGetArray(at->lower, &first.by_low));
  PetscCall(VecGetArray(at->upper, &first.by_up));
  PetscCall(differentiate_means(g, axis, first));
  PetscCall(VecRestoreArray(at->upper, &first.by_up));
  PetscCall(VecRestoreArray(at->lower, &first.by_low));
  if (gradient) PetscCall(VecRestoreArrayRead(gradient, &first.gradient));
  PetscCall(VecRestoreArrayRead(g->rho, &first.up));
  PetscCall(MuFaceMeansRestore(g, axis, &first.mean));
  PetscFunctionReturn(0);
}
