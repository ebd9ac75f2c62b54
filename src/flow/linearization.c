/* The transport part of a flow as an M-matrix: face fluxes J_f = a_f rho_lower - b_f rho_upper with
   a, b >= 0 that depend on a density rho^k and are exact at it, so that a fixed point of "solve (I
   + dt div J(rho^k)) rho^(k+1) = rho_0" is an implicit Euler step, while every iterate is positive
   and has the mass of rho_0.

   With M_f the face mean at rho^k, m_f = sum of weight * M(M_f) the mobility, and DF = D log
   rho + V + relative(s) + local(rho) + frozen: D log rho + V    (m_f/M_f) * Scharfetter-Gummel,
   linear in rho because M_f (log s_i - log s_j) is (Scharfetter and Gummel 1969); relative(s)
   secant: m_f (xi_i - xi_j)/(s_i - s_j) (s_i - s_j), s = rho/pi: a diffusion in s; local(rho) the
   same in rho; frozen, and all of DF for nonlocal transport: the flux at rho^k, carried by its
   donor cell: flux_f * rho_donor/rho^k_donor (Patankar 1980). */
#include "flow/flow_impl.h"
#include "flow/transport.h"
#include "grid/arrays.h"

#include <math.h>
#include <string.h>

/* Relative step of the derivative that replaces a secant between equal values. */
#define SLOPE_STEP 1e-6
/* Values closer than this (relatively) have no secant. */
#define SECANT_LIMIT 1e-5
#define LARGEST      1e200 /* of a secant times its mobility, of a flux over its donor */

enum { RHO, LOG_PI, RELATIVE, RELATIVE_SLOPE, LOCAL, LOCAL_SLOPE, FROZEN, QUANTITIES };

struct _p_MuLinearization {
  MuFlow flow;
  PetscReal diffusivity;
  PetscBool has[MU_DF_PARTS];
  PetscBool local_parts, nonlocal_parts; /* of the geometry */
  PetscBool unit_exponent;               /* M(mu) = mu for every local part */
  PetscReal total_weight;                /* of the parts with M(mu) = mu */
  MuMean mean;
  Vec potential; /* V of DF = D log rho + V */
  Vec log_target;
  PetscBool plain_upwind; /* all of DF is frozen, carried by the donor: no face mean is needed */
  PetscBool from_donor;   /* the mean is that of the cell that mass leaves: upwind, limited */
  PetscBool nonlinear;    /* with it: the drift contains nonlinear diffusion */
  PetscBool only_drift;   /* all of DF is frozen: the flow may know it already */
  Vec drift;              /* borrowed: the frozen part while filling */
  Vec part[3], slope[3], shifted; /* relative, local, frozen; derivatives */
  Vec face_mean, mobility;
  Vec sg_a[2], sg_b[2];          /* Scharfetter-Gummel with diffusivity D, unit mobility */
  Vec flux[2], derivative;       /* nonlocal transport */
  PetscReal *buffer[QUANTITIES]; /* rows of lower neighbours */
  PetscReal *halo[QUANTITIES];
  const PetscReal *value[QUANTITIES]; /* local arrays while filling */
};

/* ------------------------------------------------------------------ creation */

static PetscErrorCode read_geometry(MuLinearization l, const MuGeometrySpec *g) {
  MuPartTraits part;

  PetscFunctionBegin;
  l->unit_exponent = PETSC_TRUE;
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &part));
    if (part.kind != MU_PART_TRANSPORT) continue;
    if (!part.local)
      l->nonlocal_parts = PETSC_TRUE;
    else
      l->local_parts = PETSC_TRUE;
    if (part.power == 1)
      l->total_weight += part.weight;
    else if (part.local)
      l->unit_exponent = PETSC_FALSE;
  }
  l->mean = g->face_mean;
  PetscFunctionReturn(0);
}

/* sg_a = D B((V_upper - V_lower)/D)/h^2, sg_b = D B((V_lower - V_upper)/D)/h^2; at D = 0 nothing.
 */
static PetscErrorCode fill_scharfetter_gummel(MuLinearization l, PetscInt axis) {
  const MuGridInfo *info = l->flow->info;
  const PetscReal d = l->diffusivity, h = info->spacing[axis];
  const PetscReal *difference;
  PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(l->flow->grid, &l->sg_a[axis]));
  PetscCall(MuGridCreateField(l->flow->grid, &l->sg_b[axis]));
  PetscCall(MuGridGradient(l->flow->grid, axis, l->potential, l->shifted));
  PetscCall(VecGetArrayRead(l->shifted, &difference));
  PetscCall(VecGetArray(l->sg_a[axis], &a));
  PetscCall(VecGetArray(l->sg_b[axis], &b));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscReal z = difference[i] * h / d;
    if (!info->open[axis][i] || PetscIsInfOrNanReal(z)) continue;
    a[i] = d * MuBernoulli(z) / (h * h);
    b[i] = d * MuBernoulli(-z) / (h * h);
  }
  PetscCall(VecRestoreArray(l->sg_b[axis], &b));
  PetscCall(VecRestoreArray(l->sg_a[axis], &a));
  PetscCall(VecRestoreArrayRead(l->shifted, &difference));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_fields(MuLinearization l) {
  MuGrid grid = l->flow->grid;
  const MuGridInfo *info = l->flow->info;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < 3; ++k) {
    PetscCall(MuGridCreateField(grid, &l->part[k]));
    PetscCall(MuGridCreateField(grid, &l->slope[k]));
  }
  PetscCall(MuGridCreateField(grid, &l->shifted));
  PetscCall(MuGridCreateField(grid, &l->face_mean));
  PetscCall(MuGridCreateField(grid, &l->mobility));
  PetscCall(MuGridCreateField(grid, &l->potential));
  PetscCall(MuGridCreateField(grid, &l->derivative));
  for (PetscInt a = 0; a < info->dim; ++a) PetscCall(MuGridCreateField(grid, &l->flux[a]));
  for (PetscInt q = 0; q < QUANTITIES; ++q) {
    PetscCall(PetscCalloc1(info->row_length, &l->buffer[q]));
    PetscCall(PetscCalloc1(info->row_length, &l->halo[q]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuLinearizationCreate(MuFlow flow, MuLinearization *linearization) {
  MuLinearization l;
  const MuGeometrySpec *g;
  PetscBool only;
  Vec ones;

  PetscFunctionBegin;
  PetscCall(PetscNew(&l));
  *linearization = l;
  l->flow = flow;
  PetscCall(create_fields(l));
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  PetscCall(read_geometry(l, g));
  PetscCall(MuEnergyGetLogTarget(flow->energy, &l->log_target));
  PetscCall(MuEnergyLogarithmicPart(flow->energy, &l->diffusivity, l->potential, &only));
  PetscCall(VecDuplicate(flow->rho, &ones));
  PetscCall(VecSet(ones, 1));
  PetscCall(MuGridApplyMask(flow->grid, ones));
  PetscCall(MuEnergyTransportParts(flow->energy, ones, (Vec[MU_DF_PARTS]){NULL}, l->has));
  PetscCall(VecDestroy(&ones));
  /* the donor is chosen by all of DF, so that nothing can be split off */
  l->from_donor = (PetscBool)(l->mean == MU_MEAN_UPWIND || l->mean == MU_MEAN_LIMITED);
  if (l->diffusivity == 0 && l->from_donor) {
    l->nonlinear = (PetscBool)(l->has[MU_DF_RELATIVE] || l->has[MU_DF_LOCAL]);
    l->has[MU_DF_RELATIVE] = l->has[MU_DF_LOCAL] = PETSC_FALSE;
  }
  l->only_drift =
      (PetscBool)(l->diffusivity == 0 && !l->has[MU_DF_RELATIVE] && !l->has[MU_DF_LOCAL]);
  if (l->only_drift) flow->keep_derivative = PETSC_TRUE;
  l->plain_upwind = (PetscBool)(l->only_drift && l->mean == MU_MEAN_UPWIND && l->unit_exponent &&
                                !l->nonlocal_parts);
  if (l->diffusivity > 0) {
    if (l->mean != MU_MEAN_LOGARITHMIC && l->mean != MU_MEAN_AUTO && l->local_parts)
      return MuError(MU_ERR_INPUT,
                     "geometry_face_mean: with kl or entropy in the energy only logarithmic (the "
                     "Scharfetter-Gummel flux) is allowed");
    for (PetscInt a = 0; a < flow->info->dim; ++a) PetscCall(fill_scharfetter_gummel(l, a));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuLinearizationDestroy(MuLinearization *linearization) {
  MuLinearization l = *linearization;

  PetscFunctionBegin;
  *linearization = NULL;
  if (!l) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < 3; ++k) {
    PetscCall(VecDestroy(&l->part[k]));
    PetscCall(VecDestroy(&l->slope[k]));
  }
  for (PetscInt a = 0; a < 2; ++a) {
    PetscCall(VecDestroy(&l->sg_a[a]));
    PetscCall(VecDestroy(&l->sg_b[a]));
    PetscCall(VecDestroy(&l->flux[a]));
  }
  for (PetscInt q = 0; q < QUANTITIES; ++q) {
    PetscCall(PetscFree(l->buffer[q]));
    PetscCall(PetscFree(l->halo[q]));
  }
  PetscCall(VecDestroy(&l->shifted));
  PetscCall(VecDestroy(&l->face_mean));
  PetscCall(VecDestroy(&l->mobility));
  PetscCall(VecDestroy(&l->potential));
  PetscCall(VecDestroy(&l->derivative));
  PetscCall(PetscFree(l));
  PetscFunctionReturn(0);
}

/* The potential term without diffusion is frozen too, but not part of has[MU_DF_FROZEN]. */
static PetscBool has_drift(MuLinearization l) {
  return (PetscBool)(l->has[MU_DF_FROZEN] || l->diffusivity == 0);
}

PetscErrorCode MuLinearizationIsConstant(MuLinearization l, PetscBool *constant) {
  *constant = (PetscBool)(!l->nonlocal_parts && l->unit_exponent && !l->has[MU_DF_RELATIVE] &&
                          !l->has[MU_DF_LOCAL] && !has_drift(l));
  return 0;
}

PetscErrorCode MuLinearizationIsFrozen(MuLinearization l, PetscBool *frozen) {
  *frozen = (PetscBool)(!l->nonlocal_parts && l->unit_exponent && !l->has[MU_DF_RELATIVE] &&
                        !l->has[MU_DF_LOCAL] && !l->nonlinear);
  return 0;
}

/* ------------------------------------------------------------------ filling */

/* Evaluates the parts of DF at rho and, for the nonlinear ones, their derivative by a relative
 * step. */
static PetscErrorCode evaluate_parts(MuLinearization l, Vec rho) {
  MuFlow flow = l->flow;
  Vec *p = l->part, *s = l->slope, wanted[MU_DF_PARTS];

  PetscFunctionBegin;
  if (l->only_drift) {
    PetscCall(MuFlowDerivative(flow, rho, &l->drift));
    PetscFunctionReturn(0);
  }
  l->drift = p[MU_DF_FROZEN];
  for (PetscInt k = 0; k < MU_DF_PARTS; ++k) wanted[k] = l->has[k] ? p[k] : NULL;
  PetscCall(MuEnergyTransportParts(flow->energy, rho, wanted, NULL));
  if (l->diffusivity == 0) {
    if (l->has[MU_DF_FROZEN])
      PetscCall(VecAXPY(p[MU_DF_FROZEN], 1, l->potential));
    else
      PetscCall(VecCopy(l->potential, p[MU_DF_FROZEN]));
  }
  if (!l->has[MU_DF_RELATIVE] && !l->has[MU_DF_LOCAL]) PetscFunctionReturn(0);
  PetscCall(VecCopy(rho, l->shifted));
  PetscCall(VecScale(l->shifted, 1 + SLOPE_STEP));
  for (PetscInt k = 0; k < MU_DF_FROZEN; ++k) wanted[k] = l->has[k] ? s[k] : NULL;
  wanted[MU_DF_FROZEN] = NULL;
  PetscCall(MuEnergyTransportParts(flow->energy, l->shifted, wanted, NULL));
  for (PetscInt k = 0; k < MU_DF_FROZEN; ++k) {
    if (!l->has[k]) continue;
    PetscCall(VecAXPY(s[k], -1, p[k])); /* = derivative * SLOPE_STEP * value */
    PetscCall(VecScale(s[k], 1 / SLOPE_STEP));
  }
  PetscFunctionReturn(0);
}

/* mobility * (x_i - x_j)/(u_i - u_j), or the derivative where u_i = u_j; g = u dx/du. In near-empty
   cells the mobility vanishes and the secant may overflow: neither alone, nor more than LARGEST. */
static inline PetscReal secant(PetscReal mobility, PetscReal ui, PetscReal uj, PetscReal xi,
                               PetscReal xj, PetscReal gi, PetscReal gj) {
  PetscReal difference = ui - uj, size = ui + uj, value;
  if (PetscAbsReal(difference) > SECANT_LIMIT * size)
    value = mobility * (xi - xj) / difference;
  else
    value = size > MU_MIN_NORMAL ? mobility * (gi + gj) / size : 0;
  return PetscMin(value, LARGEST);
}

/* Coefficients of one row; `low` and `up` hold the quantities of the lower and upper cell of each
 * face. */
typedef struct {
  PetscInt n;
  const unsigned char *open;
  PetscReal inverse_h2;
  const PetscReal *low[QUANTITIES], *up[QUANTITIES];
  const PetscReal *mean, *mobility, *sg_a, *sg_b, *flux;
  PetscReal *a, *b;
} FaceRow;

static void row_linear(MuLinearization l, const FaceRow *f) {
  for (PetscInt c = 0; c < f->n; ++c) {
    PetscReal ratio =
        l->unit_exponent ? l->total_weight : (f->mean[c] > 0 ? f->mobility[c] / f->mean[c] : 0);
    f->a[c] += ratio * f->sg_a[c];
    f->b[c] += ratio * f->sg_b[c];
  }
}

static void row_local(const FaceRow *f) {
  for (PetscInt c = 0; c < f->n; ++c) {
    if (!f->open[c]) continue;
    PetscReal k =
        f->inverse_h2 * secant(f->mobility[c], f->low[RHO][c], f->up[RHO][c], f->low[LOCAL][c],
                               f->up[LOCAL][c], f->low[LOCAL_SLOPE][c], f->up[LOCAL_SLOPE][c]);
    f->a[c] += k;
    f->b[c] += k;
  }
}

static void row_relative(const FaceRow *f) {
  for (PetscInt c = 0; c < f->n; ++c) {
    if (!f->open[c]) continue;
    /* s scaled by the larger pi of the two, so that neither overflows */
    PetscReal shift = PetscMax(f->low[LOG_PI][c], f->up[LOG_PI][c]);
    PetscReal el = exp(shift - f->low[LOG_PI][c]), eu = exp(shift - f->up[LOG_PI][c]);
    if (PetscIsInfOrNanReal(el) || PetscIsInfOrNanReal(eu)) continue;
    PetscReal k = f->inverse_h2 * secant(f->mobility[c], f->low[RHO][c] * el, f->up[RHO][c] * eu,
                                         f->low[RELATIVE][c], f->up[RELATIVE][c],
                                         f->low[RELATIVE_SLOPE][c], f->up[RELATIVE_SLOPE][c]);
    f->a[c] += PetscMin(k * el, LARGEST);
    f->b[c] += PetscMin(k * eu, LARGEST);
  }
}

static inline void add_donor_flux(const FaceRow *f, PetscInt c, PetscReal flux) {
  PetscReal donor = flux > 0 ? f->low[RHO][c] : f->up[RHO][c];
  if (donor < MU_MIN_NORMAL) return;
  if (flux > 0)
    f->a[c] += PetscMin(flux / donor, LARGEST);
  else
    f->b[c] += PetscMin(-flux / donor, LARGEST);
}

/* M/rho of a donor, which may be empty: what enters it during the step leaves it, too. */
static PetscErrorCode donor_speed(MuLinearization l, const FaceRow *f, PetscInt c, PetscReal donor,
                                  PetscReal *speed) {
  PetscFunctionBegin;
  *speed = l->total_weight;
  if (l->mean == MU_MEAN_LIMITED && donor >= MU_MIN_NORMAL)
    *speed = PetscMin(f->mobility[c] / donor, LARGEST);
  else if (!l->unit_exponent)
    PetscCall(MuGeometryDonorSpeed(l->flow->geometry, donor, speed));
  PetscFunctionReturn(0);
}

static PetscErrorCode row_frozen(MuLinearization l, const FaceRow *f) {
  PetscReal speed;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < f->n; ++c) {
    if (!f->open[c]) continue;
    PetscReal drop = (f->low[FROZEN][c] - f->up[FROZEN][c]) * f->inverse_h2;
    if (l->from_donor) {
      PetscCall(donor_speed(l, f, c, drop > 0 ? f->low[RHO][c] : f->up[RHO][c], &speed));
      if (drop > 0)
        f->a[c] += speed * drop;
      else
        f->b[c] -= speed * drop;
    } else {
      add_donor_flux(f, c, f->mobility[c] * drop);
    }
  }
  PetscFunctionReturn(0);
}

/* Pointer to the row of lower neighbours of local row r. */
static const PetscReal *lower_row(MuLinearization l, PetscInt axis, PetscInt q, PetscInt r) {
  const MuGridInfo *info = l->flow->info;
  const PetscInt n = info->row_length;
  const PetscReal *here = l->value[q] + r * n;
  if (axis == info->slow_axis) return r ? here - n : l->halo[q];
  l->buffer[q][0] = here[n - 1];
  memcpy(l->buffer[q] + 1, here, sizeof(PetscReal) * (size_t)(n - 1));
  return l->buffer[q];
}

/* Upwind drift alone: a = weight (Phi_lower - Phi_upper)_+ / h^2, b = weight (Phi_upper -
 * Phi_lower)_+ / h^2. */
static PetscErrorCode fill_upwind_axis(MuLinearization l, PetscInt axis, Vec a, Vec b) {
  const MuGridInfo *info = l->flow->info;
  const PetscInt n = info->row_length;
  const PetscReal factor = l->total_weight / (info->spacing[axis] * info->spacing[axis]);
  PetscReal *pa, *pb;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(l->drift, &l->value[FROZEN]));
  PetscCall(VecGetArray(a, &pa));
  PetscCall(VecGetArray(b, &pb));
  if (axis == info->slow_axis)
    PetscCall(MuGridExchangeRows(l->flow->grid, l->value[FROZEN], l->halo[FROZEN], NULL));
  for (PetscInt r = 0; r < info->rows; ++r) {
    const unsigned char *restrict open = info->open[axis] + r * n;
    const PetscReal *restrict up = l->value[FROZEN] + r * n, *restrict low;
    PetscReal *restrict ra = pa + r * n, *restrict rb = pb + r * n;
    low = lower_row(l, axis, FROZEN, r);
    for (PetscInt c = 0; c < n; ++c) {
      PetscReal drop = open[c] ? factor * (low[c] - up[c]) : 0;
      ra[c] = drop > 0 ? drop : 0;
      rb[c] = drop > 0 ? 0 : -drop;
    }
  }
  PetscCall(VecRestoreArray(b, &pb));
  PetscCall(VecRestoreArray(a, &pa));
  PetscCall(VecRestoreArrayRead(l->drift, &l->value[FROZEN]));
  PetscFunctionReturn(0);
}

/* The rows of an axis from the arrays in `first`, which point at the first row; sg_a NULL: no
   diffusion, flux NULL: no nonlocal part. */
static PetscErrorCode fill_rows(MuLinearization l, PetscInt axis, const FaceRow *first) {
  const MuGridInfo *info = l->flow->info;
  const PetscInt n = info->row_length;

  PetscFunctionBegin;
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt at = r * n;
    FaceRow f = {.n = n,
                 .open = info->open[axis] + at,
                 .inverse_h2 = 1 / (info->spacing[axis] * info->spacing[axis]),
                 .mean = first->mean + at,
                 .mobility = first->mobility + at,
                 .a = first->a + at,
                 .b = first->b + at};
    for (PetscInt q = 0; q < QUANTITIES; ++q) {
      if (!l->value[q]) continue;
      f.up[q] = l->value[q] + at;
      f.low[q] = lower_row(l, axis, q, r);
    }
    if (first->sg_a && l->local_parts) {
      f.sg_a = first->sg_a + at;
      f.sg_b = first->sg_b + at;
      row_linear(l, &f);
    }
    if (l->has[MU_DF_LOCAL] && l->local_parts) row_local(&f);
    if (l->has[MU_DF_RELATIVE] && l->local_parts) row_relative(&f);
    if (has_drift(l) && l->local_parts) PetscCall(row_frozen(l, &f));
    for (PetscInt c = 0; first->flux && c < n; ++c)
      if (f.open[c]) add_donor_flux(&f, c, first->flux[at + c] / info->spacing[axis]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_axis(MuLinearization l, PetscInt axis, Vec a, Vec b,
                                const Vec quantity[QUANTITIES]) {
  const PetscBool need_mobility = (PetscBool)(l->local_parts && l->mean != MU_MEAN_UPWIND &&
                                              (l->has[MU_DF_RELATIVE] || l->has[MU_DF_LOCAL] ||
                                               has_drift(l) || !l->unit_exponent));
  Vec sg_a = l->diffusivity > 0 ? l->sg_a[axis] : NULL, sg_b = sg_a ? l->sg_b[axis] : NULL;
  Vec flux = l->nonlocal_parts ? l->flux[axis] : NULL;
  FaceRow first = {.n = 0};

  PetscFunctionBegin;
  if (need_mobility) {
    PetscCall(MuGeometryFaceMobility(l->flow->geometry, axis, l->mobility));
    PetscCall(MuGeometryFaceMean(l->flow->geometry, axis, l->face_mean));
  }
  const struct {
    Vec field;
    const PetscReal **array;
  } read[] = {{l->face_mean, &first.mean},
              {l->mobility, &first.mobility},
              {flux, &first.flux},
              {sg_a, &first.sg_a},
              {sg_b, &first.sg_b}};
  enum { READ = sizeof read / sizeof *read };
  for (PetscInt k = 0; k < READ; ++k)
    if (read[k].field) PetscCall(VecGetArrayRead(read[k].field, read[k].array));
  PetscCall(VecSet(a, 0));
  PetscCall(VecSet(b, 0));
  PetscCall(VecGetArray(a, &first.a));
  PetscCall(VecGetArray(b, &first.b));
  for (PetscInt q = 0; q < QUANTITIES; ++q) {
    l->value[q] = NULL;
    if (!quantity[q]) continue;
    PetscCall(VecGetArrayRead(quantity[q], &l->value[q]));
    if (axis == l->flow->info->slow_axis)
      PetscCall(MuGridExchangeRows(l->flow->grid, l->value[q], l->halo[q], NULL));
  }
  PetscErrorCode code = fill_rows(l, axis, &first);
  for (PetscInt q = 0; q < QUANTITIES; ++q)
    if (quantity[q]) PetscCall(VecRestoreArrayRead(quantity[q], &l->value[q]));
  PetscCall(VecRestoreArray(b, &first.b));
  PetscCall(VecRestoreArray(a, &first.a));
  for (PetscInt k = READ - 1; k >= 0; --k)
    if (read[k].field) PetscCall(VecRestoreArrayRead(read[k].field, read[k].array));
  PetscFunctionReturn(code);
}

PetscErrorCode MuLinearizationFill(MuLinearization l, Vec rho, MuTransport transport) {
  MuFlow flow = l->flow;
  PetscBool constant;
  Vec quantity[QUANTITIES] = {NULL}, a, b;

  PetscFunctionBegin;
  PetscCall(MuLinearizationIsConstant(l, &constant));
  if (!constant) {
    if (!l->plain_upwind) PetscCall(MuGeometrySetState(flow->geometry, rho));
    if (l->local_parts) PetscCall(evaluate_parts(l, rho));
    if (l->local_parts && l->only_drift)
      PetscCall(MuGeometrySetDirection(flow->geometry, l->drift));
    quantity[RHO] = rho;
    quantity[LOG_PI] = l->has[MU_DF_RELATIVE] ? l->log_target : NULL;
    quantity[RELATIVE] = l->has[MU_DF_RELATIVE] ? l->part[0] : NULL;
    quantity[RELATIVE_SLOPE] = l->has[MU_DF_RELATIVE] ? l->slope[0] : NULL;
    quantity[LOCAL] = l->has[MU_DF_LOCAL] ? l->part[1] : NULL;
    quantity[LOCAL_SLOPE] = l->has[MU_DF_LOCAL] ? l->slope[1] : NULL;
    quantity[FROZEN] = has_drift(l) ? l->drift : NULL;
  }
  if (l->nonlocal_parts) {
    PetscCall(MuEnergyEvaluate(flow->energy, rho, NULL, NULL, l->derivative, NULL));
    PetscCall(MuGeometryNonlocalFlux(flow->geometry, l->derivative, l->flux));
  }
  for (PetscInt axis = 0; axis < flow->info->dim; ++axis) {
    PetscCall(MuTransportGetCoefficients(transport, axis, &a, &b));
    if (l->plain_upwind)
      PetscCall(fill_upwind_axis(l, axis, a, b));
    else
      PetscCall(fill_axis(l, axis, a, b, quantity));
  }
  PetscFunctionReturn(0);
}
