/* Onsager operators: weighted sums of named parts, the spherical projection, and what follows from
   them. */
#include "base/events.h"
#include "geometry/geometry_impl.h"

#include <string.h>

/* What a descriptor of its kind cannot do without; NULL: nothing is missing. */
static const char *missing_operation(const MuPartOps *ops) {
  const PetscBool transport = (PetscBool)(ops->kind == MU_PART_TRANSPORT);
  if (!transport && ops->kind != MU_PART_REACTION) return "kind (TRANSPORT or REACTION)";
  if (!ops->formula) return "formula";
  if (ops->create && !ops->destroy) return "destroy";
  if (transport && !ops->add_flux) return "add_flux";
  if (transport && ops->mobility && !ops->mobility_at) return "mobility_at";
  if (transport && ops->mobility_at && !ops->mobility) return "mobility";
  if (!transport && !ops->apply) return "apply";
  if (!transport && !ops->diagonal) return "diagonal";
  if ((ops->inverse_ridge || ops->regression_ridge) && !ops->needs_kernel) return "needs_kernel";
  return NULL;
}

static PetscErrorCode check_kernel(const MuPartOps *ops, MuKernel kernel) {
  PetscBool conditional;

  PetscFunctionBegin;
  if (!ops->needs_kernel) PetscFunctionReturn(0);
  if (!kernel)
    return MuError(MU_ERR_INPUT, "geometry_%s: needs a kernel; give kernel or geometry_kernel",
                   ops->name);
  PetscCall(MuKernelIsConditional(kernel, &conditional));
  if (conditional)
    return MuError(MU_ERR_INPUT,
                   "geometry_kernel_type: a kernel that is positive definite on mass zero only "
                   "(riesz) gives no geometry; %s needs a positive definite one",
                   ops->name);
  PetscFunctionReturn(0);
}

/* Finds the part's descriptor and fills in its values. */
static PetscErrorCode read_part(MuGeometrySpec *spec, PetscInt k, MuPart *part) {
  MuSummand *s = &spec->part[k];
  const MuPartOps *ops = MuPartFind(s->name);

  PetscFunctionBegin;
  if (!ops)
    return MuError(MU_ERR_INPUT, "geometry: there is no %s; `mudot list geometries` names them all",
                   s->name);
  if (missing_operation(ops))
    return MuError(MU_ERR_INPUT, "geometry_%s: its descriptor has no %s, which is required",
                   ops->name, missing_operation(ops));
  if (!(s->weight > 0) || PetscIsInfOrNanReal(s->weight))
    return MuError(MU_ERR_INPUT, "geometry_%s: the weight is %g; it must be positive", ops->name,
                   s->weight);
  PetscCall(check_kernel(ops, s->kernel ? s->kernel : spec->kernel));
  PetscCall(MuParametersCheck(ops->parameters, "geometry", ops->name, s->value));
  s->name = ops->name;
  *part = (MuPart){.ops = ops, .weight = s->weight};
  if (ops->needs_kernel) part->kernel = s->kernel ? s->kernel : spec->kernel;
  PetscCall(PetscArraycpy(part->value, s->value, MU_MAX_PARAMETERS));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_spec(MuGeometry g) {
  MuGeometrySpec *spec = &g->spec;

  PetscFunctionBegin;
  if (spec->parts < 1 || spec->parts > MU_MAX_TERMS)
    return MuError(MU_ERR_INPUT, "geometry: has %d parts; allowed are 1 to %d", (int)spec->parts,
                   MU_MAX_TERMS);
  for (PetscInt k = 0; k < spec->parts; ++k) {
    PetscCall(read_part(spec, k, &g->part[k]));
    g->kinds |= (PetscInt)g->part[k].ops->kind;
  }
  if (spec->face_mean == MU_MEAN_AUTO) spec->face_mean = MU_MEAN_LOGARITHMIC;
  if (spec->face_mean == MU_MEAN_STOLARSKY &&
      (!(spec->stolarsky_exponent > 0) || PetscIsInfOrNanReal(spec->stolarsky_exponent)))
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: Stolarsky's mean has the exponent %g; it must be positive",
                   spec->stolarsky_exponent);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_one(MuGeometry g) {
  PetscReal *one;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(g->grid, &g->one));
  PetscCall(VecGetArray(g->one, &one));
  for (PetscInt i = 0; i < g->info->local_size; ++i) one[i] = g->info->mask[i];
  PetscCall(VecRestoreArray(g->one, &one));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_fields(MuGeometry g) {
  Vec *fields[] = {&g->rho,      &g->gradient,     &g->flux,
                   &g->reaction, &g->reaction_one, &g->relative_one};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k)
    PetscCall(MuGridCreateField(g->grid, fields[k]));
  PetscCall(fill_one(g));
  if (g->kinds & MU_PART_TRANSPORT) PetscCall(MuFaceMeansCreate(g));
  PetscFunctionReturn(0);
}

/* The convolution at `location` that another part with an equal kernel has already, or a new one.
 */
static PetscErrorCode share_convolution(MuGeometry g, MuKernel kernel, MuLocation location,
                                        MuConvolution *convolution) {
  MuConvolution found = NULL;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->spec.parts && !found; ++k) {
    const MuPart *p = &g->part[k];
    if (!MuKernelsAgree(p->kernel, kernel)) continue;
    found = location == MU_CELLS ? p->cells : p->faces[location];
  }
  if (found) {
    PetscCall(MuConvolutionReference(found));
    *convolution = found;
  } else {
    PetscCall(MuConvolutionCreate(g->grid, kernel, location, convolution));
  }
  PetscFunctionReturn(0);
}

/* Cells for reactions, faces for transport. */
static PetscErrorCode create_convolutions(MuGeometry g, MuPart *part) {
  PetscFunctionBegin;
  if (!part->kernel) PetscFunctionReturn(0);
  if (part->ops->kind == MU_PART_REACTION) {
    PetscCall(share_convolution(g, part->kernel, MU_CELLS, &part->cells));
    PetscCall(
        MuConvolutionGetSymbolRange(part->cells, &part->symbol_smallest, &part->symbol_largest));
    PetscFunctionReturn(0);
  }
  for (PetscInt a = 0; a < g->info->dim; ++a)
    PetscCall(share_convolution(g, part->kernel, a ? MU_FACES_Y : MU_FACES_X, &part->faces[a]));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_parts(MuGeometry g) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    MuPart *part = &g->part[k];
    g->names[k] = part->ops->name;
    g->weights[k] = part->weight;
    PetscCall(create_convolutions(g, part));
    if (part->ops->create) PetscCall(part->ops->create(g, part));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode reference_kernels(MuGeometry g) {
  PetscFunctionBegin;
  if (g->spec.kernel) PetscCall(MuKernelReference(g->spec.kernel));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->spec.part[k].kernel) PetscCall(MuKernelReference(g->spec.part[k].kernel));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryCreate(MuGrid grid, const MuGeometrySpec *spec, MuGeometry *geometry) {
  MuGeometry g;

  PetscFunctionBegin;
  *geometry = NULL;
  PetscCall(PetscNew(&g));
  g->references = 1;
  g->spec = *spec;
  g->ridge_tolerance = 1e-10;
  PetscErrorCode failed = read_spec(g);
  if (failed) {
    PetscCall(PetscFree(g));
    return failed;
  }
  PetscCall(MuGridReference(grid));
  g->grid = grid;
  PetscCall(MuGridGetInfo(grid, &g->info));
  PetscCall(reference_kernels(g));
  PetscCall(create_fields(g));
  failed = create_parts(g);
  if (!failed) failed = MuPrimalCreate(g, &g->primal);
  if (failed) {
    PetscCall(MuGeometryDestroy(&g));
    return failed;
  }
  *geometry = g;
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryReference(MuGeometry g) {
  g->references++;
  return 0;
}

static PetscErrorCode destroy_part(MuPart *part, MuSummand *summand) {
  PetscFunctionBegin;
  if (part->ctx) PetscCall(part->ops->destroy(part));
  PetscCall(MuConvolutionDestroy(&part->cells));
  for (PetscInt a = 0; a < 2; ++a) PetscCall(MuConvolutionDestroy(&part->faces[a]));
  PetscCall(MuKernelDestroy(&summand->kernel));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryDestroy(MuGeometry *geometry) {
  MuGeometry g = *geometry;

  PetscFunctionBegin;
  *geometry = NULL;
  if (!g || --g->references > 0) PetscFunctionReturn(0);
  PetscCall(MuPrimalDestroy(&g->primal));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    PetscCall(destroy_part(&g->part[k], &g->spec.part[k]));
  PetscCall(MuFaceMeansDestroy(g));
  PetscCall(VecDestroy(&g->rho));
  PetscCall(VecDestroy(&g->one));
  PetscCall(VecDestroy(&g->gradient));
  PetscCall(VecDestroy(&g->flux));
  PetscCall(VecDestroy(&g->reaction));
  PetscCall(VecDestroy(&g->reaction_one));
  PetscCall(VecDestroy(&g->relative_one));
  PetscCall(MuKernelDestroy(&g->spec.kernel));
  PetscCall(MuGridDestroy(&g->grid));
  PetscCall(PetscFree(g));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryGetParts(MuGeometry g, PetscInt *parts, const char *const **names,
                                  const PetscReal **weights) {
  if (parts) *parts = g->spec.parts;
  if (names) *names = g->names;
  if (weights) *weights = g->weights;
  return 0;
}

PetscErrorCode MuGeometryGetGrid(MuGeometry g, MuGrid *grid) {
  *grid = g->grid;
  return 0;
}

PetscErrorCode MuGeometryGetState(MuGeometry g, Vec *rho) {
  *rho = g->rho;
  return 0;
}

PetscErrorCode MuGeometryGetKinds(MuGeometry g, PetscInt *kinds) {
  *kinds = g->kinds;
  return 0;
}

PetscErrorCode MuGeometrySetRidgeTolerance(MuGeometry g, PetscReal tolerance) {
  g->ridge_tolerance = tolerance;
  return 0;
}

PetscErrorCode MuGeometryGetRidgeIterations(MuGeometry g, PetscInt *largest) {
  *largest = g->ridge_iterations;
  return 0;
}

PetscErrorCode MuGeometryCheckInvertible(MuGeometry g) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->check_invertible)
      PetscCall(g->part[k].ops->check_invertible(g, &g->part[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometrySetState(MuGeometry g, Vec rho) {
  PetscFunctionBegin;
  PetscCall(VecCopy(rho, g->rho));
  PetscCall(MuGridApplyMask(g->grid, g->rho));
  g->reaction_one_ready = g->relative_one_ready = PETSC_FALSE;
  if (g->primal) MuPrimalReset(g->primal);
  if (g->kinds & MU_PART_TRANSPORT) PetscCall(MuFaceMeansSetState(g));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->set_state) PetscCall(g->part[k].ops->set_state(g, &g->part[k]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ application */

PetscErrorCode MuGeometryAddProduct(MuGeometry g, PetscReal weight, Vec a, Vec b, Vec out) {
  const PetscReal *x, *y;
  PetscReal *z;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(a, &x));
  PetscCall(VecGetArrayRead(b, &y));
  PetscCall(VecGetArray(out, &z));
  for (PetscInt i = 0; i < g->info->local_size; ++i) z[i] += weight * x[i] * y[i];
  PetscCall(VecRestoreArray(out, &z));
  PetscCall(VecRestoreArrayRead(b, &y));
  PetscCall(VecRestoreArrayRead(a, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_transport(MuGeometry g, Vec xi, Vec out) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    PetscCall(MuGridGradient(g->grid, a, xi, g->gradient));
    PetscCall(VecSet(g->flux, 0));
    for (PetscInt k = 0; k < g->spec.parts; ++k)
      if (g->part[k].ops->kind == MU_PART_TRANSPORT)
        PetscCall(g->part[k].ops->add_flux(g, &g->part[k], a, g->gradient, g->flux));
    PetscCall(MuGridAddDivergence(g->grid, a, -1, g->flux, out));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryNonlocalFlux(MuGeometry g, Vec xi, Vec flux[]) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    PetscCall(MuGridGradient(g->grid, a, xi, g->gradient));
    PetscCall(VecSet(flux[a], 0));
    for (PetscInt k = 0; k < g->spec.parts; ++k)
      if (g->part[k].ops->kind == MU_PART_TRANSPORT && !g->part[k].ops->mobility)
        PetscCall(g->part[k].ops->add_flux(g, &g->part[k], a, g->gradient, flux[a]));
    PetscCall(VecScale(flux[a], -1));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_reaction(MuGeometry g, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  PetscCall(VecSet(out, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->kind == MU_PART_REACTION)
      PetscCall(g->part[k].ops->apply(g, &g->part[k], xi, preimage, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare_reaction_one(MuGeometry g) {
  PetscFunctionBegin;
  if (g->reaction_one_ready) PetscFunctionReturn(0);
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

/* A defect of mass above this, relative to the mass of the state, is not rounding. */
#define ROUNDING_OF_MASS 1e-9

/* With a preimage (mmd of mmd) the defect is the difference of two masses; below this, relative to
   the mass of the state, it is their rounding. */
#define ROUNDING_OF_PREIMAGE 1e-12

/* y -= c K_r 1 with the c that makes the integral of y vanish; K_r 1 is not even computed where y
   has no more mass than rounding. */
static PetscErrorCode project(MuGeometry g, Vec preimage, Vec y) {
  PetscReal defect, size, unit, mass;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(g->grid, y, &defect));
  PetscCall(MuGridDistanceL1(g->grid, y, NULL, &size));
  if (PetscAbsReal(defect) <= 8 * PETSC_MACHINE_EPSILON * size) PetscFunctionReturn(0);
  if (preimage) {
    PetscCall(MuGridIntegrate(g->grid, g->rho, &mass));
    if (PetscAbsReal(defect) <= ROUNDING_OF_PREIMAGE * mass) {
      PetscCall(VecAXPY(y, -defect / mass, g->rho));
      PetscFunctionReturn(0);
    }
  }
  PetscCall(prepare_reaction_one(g));
  if (g->one_is_regularised) {
    PetscCall(MuGridIntegrate(g->grid, g->rho, &mass));
    if (PetscAbsReal(defect) > ROUNDING_OF_MASS * mass) PetscCall(MuGeometryCheckInvertible(g));
  }
  PetscCall(MuGridIntegrate(g->grid, g->reaction_one, &unit));
  if (unit > 0) PetscCall(VecAXPY(y, -defect / unit, g->reaction_one));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryApply(MuGeometry g, PetscInt kind, Vec xi, Vec preimage, Vec out) {
  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_GEOMETRY));
  PetscCall(VecSet(out, 0));
  if (kind & g->kinds & MU_PART_REACTION) {
    PetscCall(apply_reaction(g, xi, preimage, out));
    if (g->spec.spherical) PetscCall(project(g, preimage, out));
  }
  if (kind & g->kinds & MU_PART_TRANSPORT) PetscCall(add_transport(g, xi, out));
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
  PetscFunctionBegin;
  if (!(g->kinds & MU_PART_TRANSPORT))
    return MuError(MU_ERR_INPUT, "geometry: has no transport part, so no mobility on faces");
  if (g->spec.face_mean == MU_MEAN_UPWIND)
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: upwind has no mobility of its own; use logarithmic, "
                   "arithmetic or stolarsky");
  PetscFunctionReturn(0);
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
  PetscFunctionBegin;
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
        *speed += part->weight * (ops->speed_at ? ops->speed_at(rho, part->value)
                                                : ops->mobility_at(rho, part->value) / rho);
    }
  PetscFunctionReturn(0);
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

PetscErrorCode MuGeometryGetSpec(MuGeometry g, const MuGeometrySpec **spec) {
  *spec = &g->spec;
  return 0;
}
