/* Application of an Onsager operator: sums over its parts, the spherical projection, and what
   schemes ask of it. */
#include "base/events.h"
#include "geometry/geometry_impl.h"

PetscErrorCode MuGeometryCheckInvertible(MuGeometry g) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->check_invertible)
      PetscCall(g->part[k].ops->check_invertible(g, &g->part[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_reaction(MuGeometry g, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->kind == MU_PART_REACTION)
      PetscCall(g->part[k].ops->apply(g, &g->part[k], xi, preimage, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare_reaction_one(MuGeometry g) {
  PetscFunctionBegin;
  if (g->reaction_one_ready) PetscFunctionReturn(0);
  if (!g->reaction_one) PetscCall(MuGridCreateField(g->grid, &g->reaction_one));
  PetscCall(VecSet(g->reaction_one, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    MuPart *part = &g->part[k];
    if (part->ops->kind != MU_PART_REACTION) continue;
    if (part->ops->apply_one)
      PetscCall(part->ops->apply_one(g, part, g->reaction_one));
    else
      PetscCall(part->ops->apply(g, part, g->one, NULL, g->reaction_one));
  }
  g->reaction_one_ready = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* A defect of mass above this, relative to `scale` in project(), is not rounding. */
#define ROUNDING_OF_MASS 1e-9

/* With a preimage w (rho - pi) (mmd of mmd) the defect of b Kc^(-1) is b w times the difference of
   two masses; below this, relative to `scale` = b w mass, it is their rounding. */
#define ROUNDING_OF_PREIMAGE 1e-12

/* y -= c K_r 1 with the c that makes the integral of y vanish; K_r 1 is not even computed where y
   has no more mass than rounding. */
static PetscErrorCode project(MuGeometry g, Vec preimage, Vec y) {
  PetscReal defect, size, unit, mass, scale;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(g->grid, y, &defect));
  PetscCall(MuGridDistanceL1(g->grid, y, NULL, &size));
  if (PetscAbsReal(defect) <= 8 * PETSC_MACHINE_EPSILON * size) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(g->grid, g->rho, &mass));
  scale = g->inverse_weight * g->preimage_weight * mass;
  if (preimage && PetscAbsReal(defect) <= ROUNDING_OF_PREIMAGE * scale) {
    PetscCall(VecAXPY(y, -defect / mass, g->rho));
    PetscFunctionReturn(0);
  }
  PetscCall(prepare_reaction_one(g));
  if (g->one_is_regularised && PetscAbsReal(defect) > ROUNDING_OF_MASS * scale)
    PetscCall(MuGeometryCheckInvertible(g));
  PetscCall(MuGridIntegrate(g->grid, g->reaction_one, &unit));
  if (unit > 0) PetscCall(VecAXPY(y, -defect / unit, g->reaction_one));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryApply(MuGeometry g, PetscInt kind, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_GEOMETRY));
  if (kind & g->kinds & MU_PART_TRANSPORT) PetscCall(MuFaceMeansFollow(g, xi));
  if ((kind & g->kinds) == MU_PART_ALL && g->plain_weight > 0 && g->plain_reaction > 0 &&
      !g->spec.spherical) {
    PetscCall(MuFluxesPlainApply(g, g->plain_reaction, xi, out));
    PetscCall(MuEventEnd(MU_EVENT_GEOMETRY));
    PetscFunctionReturn(0);
  }
  PetscCall(VecSet(out, 0));
  if (kind & g->kinds & MU_PART_REACTION) {
    PetscCall(apply_reaction(g, xi, preimage, out));
    if (g->spec.spherical) PetscCall(project(g, preimage, out));
  }
  if (kind & g->kinds & MU_PART_TRANSPORT) PetscCall(MuFluxesAdd(g, xi, out));
  PetscCall(MuEventEnd(MU_EVENT_GEOMETRY));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryHasRelative(MuGeometry g, PetscBool *has) {
  *has = (PetscBool)((g->kinds & MU_PART_REACTION) != 0);
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->kind == MU_PART_REACTION && !g->part[k].ops->relative) *has = PETSC_FALSE;
  return 0;
}

static PetscErrorCode apply_relative(MuGeometry g, Vec xi, Vec out) {
  PetscFunctionBegin;
  PetscCall(VecSet(out, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    MuPart *part = &g->part[k];
    if (part->ops->kind != MU_PART_REACTION) continue;
    if (!part->ops->relative)
      return MuError(MU_ERR_INPUT, "geometry_%s: has no relative form (K xi)/mu", part->ops->name);
    PetscCall(part->ops->relative(g, part, xi, out));
  }
  PetscCall(MuGridApplyMask(g->grid, out));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryApplyRelative(MuGeometry g, Vec xi, Vec out) {
  PetscReal defect, unit;

  PetscFunctionBegin;
  PetscCall(apply_relative(g, xi, out));
  if (!g->spec.spherical) PetscFunctionReturn(0);
  if (!g->relative_one) PetscCall(MuGridCreateField(g->grid, &g->relative_one));
  if (!g->relative_one_ready) {
    PetscCall(apply_relative(g, g->one, g->relative_one));
    g->relative_one_ready = PETSC_TRUE;
  }
  PetscCall(MuGridInner(g->grid, g->rho, out, &defect));
  PetscCall(MuGridInner(g->grid, g->rho, g->relative_one, &unit));
  if (unit > 0) PetscCall(VecAXPY(out, -defect / unit, g->relative_one));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what schemes ask */

static PetscErrorCode check_linear_transport(MuGeometry g) {
  if (!(g->kinds & MU_PART_TRANSPORT))
    return MuError(MU_ERR_INPUT, "geometry: has no transport part, so no mobility on faces");
  if (g->spec.face_mean == MU_MEAN_UPWIND)
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: upwind has no mobility of its own; use logarithmic, "
                   "arithmetic or stolarsky");
  if (g->spec.face_mean == MU_MEAN_LIMITED && !g->face.directed)
    return MuError(MU_ERR_INPUT, "geometry_face_mean: limited has no mobility without a direction");
  return 0;
}

PetscErrorCode MuGeometryFaceMobility(MuGeometry g, PetscInt axis, Vec mobility) {
  PetscFunctionBegin;
  PetscCall(check_linear_transport(g));
  PetscCall(VecSet(mobility, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->mobility)
      PetscCall(g->part[k].ops->mobility(g, &g->part[k], axis, mobility));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryFaceMean(MuGeometry g, PetscInt axis, Vec mean) {
  PetscFunctionBegin;
  PetscCall(check_linear_transport(g));
  PetscCall(VecCopy(g->face.mean[axis], mean));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryDonorSpeed(MuGeometry g, PetscReal rho, PetscReal *speed) {
  *speed = 0;
  for (PetscInt others = 0; others < 2; ++others) /* first the parts of constant speed */
    for (PetscInt k = 0; k < g->spec.parts; ++k) {
      const MuPart *part = &g->part[k];
      const MuPartOps *ops = part->ops;
      if (ops->kind != MU_PART_TRANSPORT || !ops->mobility_at) continue;
      const PetscInt linear = ops->power && ops->power(part->value) == 1;
      if (linear == others) continue;
      if (linear)
        *speed += part->weight;
      else if (rho > 0)
        *speed += part->weight * MuPartSpeed(part, rho);
    }
  return 0;
}

PetscErrorCode MuGeometryTransportIsLocal(MuGeometry g, PetscBool *local) {
  *local = PETSC_TRUE;
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->kind == MU_PART_TRANSPORT && !g->part[k].ops->mobility)
      *local = PETSC_FALSE;
  return 0;
}

PetscErrorCode MuGeometryReactionDiagonal(MuGeometry g, Vec diagonal) {
  PetscFunctionBegin;
  PetscCall(VecSet(diagonal, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->kind == MU_PART_REACTION)
      PetscCall(g->part[k].ops->diagonal(g, &g->part[k], diagonal));
  PetscFunctionReturn(0);
}
