/* Onsager operators: weighted sums of named parts, the spherical projection, and what follows from
   them. */
#include "geometry/geometry_impl.h"

/* What a descriptor of its kind cannot do without; NULL: nothing is missing. */
static const char *missing_operation(const MuPartOps *ops) {
  const PetscBool transport = (PetscBool)(ops->kind == MU_PART_TRANSPORT);
  if (!transport && ops->kind != MU_PART_REACTION) return "kind (TRANSPORT or REACTION)";
  if (!ops->formula) return "formula";
  if (ops->create && !ops->destroy) return "destroy";
  if (transport && !ops->add_flux) return "mobility_at or add_flux";
  const PetscBool local = (PetscBool)(ops->mobility_at || ops->multiplies);
  if (transport && ops->mobility && !local) return "mobility_at";
  if (transport && local && !ops->mobility) return "mobility";
  if (!transport && !ops->apply) return "mobility_at or apply";
  if (!transport && !ops->diagonal) return "diagonal";
  if ((ops->inverse_ridge || ops->regression_ridge) && !ops->needs_kernel) return "needs_kernel";
  return NULL;
}

static PetscErrorCode check_kernel(const MuPart *part) {
  PetscBool conditional;

  PetscFunctionBegin;
  if (!part->ops->needs_kernel) PetscFunctionReturn(0);
  if (!part->kernel)
    return MuError(MU_ERR_INPUT, "geometry_%s: needs a kernel; give kernel or geometry_kernel",
                   part->ops->name);
  PetscCall(MuKernelIsConditional(part->kernel, &conditional));
  if (conditional)
    return MuError(MU_ERR_INPUT,
                   "geometry_kernel_type: a kernel that is positive definite on mass zero only "
                   "(riesz) gives no geometry; %s needs a positive definite one",
                   part->ops->name);
  PetscFunctionReturn(0);
}

/* Finds the part's descriptor, completes it and fills in its values. */
static PetscErrorCode read_part(MuGeometry g, PetscInt k) {
  MuSummand *s = &g->spec.part[k];
  const MuPartOps *found = MuPartFind(s->name);
  MuPartOps *ops = &g->ops[k];
  MuPart *part = &g->part[k];

  PetscFunctionBegin;
  if (!found)
    return MuError(MU_ERR_INPUT, "geometry: there is no %s; `mudot list geometries` names them all",
                   s->name);
  *ops = *found;
  MuPartComplete(ops);
  if (missing_operation(ops))
    return MuError(MU_ERR_INPUT, "geometry_%s: its descriptor has no %s, which is required",
                   ops->name, missing_operation(ops));
  if (!(s->weight > 0) || PetscIsInfOrNanReal(s->weight))
    return MuError(MU_ERR_INPUT, "geometry_%s: the weight is %g; it must be positive", ops->name,
                   s->weight);
  *part = (MuPart){.ops = ops, .weight = s->weight, .summand = s};
  if (ops->needs_kernel) part->kernel = s->kernel ? s->kernel : g->spec.kernel;
  PetscCall(check_kernel(part));
  PetscCall(MuParametersCheck(ops->parameters, "geometry", ops->name, s->value));
  s->name = ops->name;
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
    PetscCall(read_part(g, k));
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
  PetscFunctionBegin;
  PetscCall(MuGridCreateField(g->grid, &g->rho));
  PetscCall(fill_one(g));
  for (PetscInt k = 0; k < g->spec.parts && !g->work; ++k)
    if (!g->part[k].ops->mobility_at) PetscCall(MuGridCreateField(g->grid, &g->work));
  g->plain_reaction = MuReactionPlainWeight(g);
  if (!(g->kinds & MU_PART_TRANSPORT)) PetscFunctionReturn(0);
  PetscCall(MuFaceMeansCreate(g));
  g->plain_weight = MuFluxesPlainWeight(g);
  if (!(g->plain_weight > 0)) PetscCall(MuFluxesFields(g));
  for (PetscInt k = 0; k < MU_FLUX_ROWS; ++k)
    PetscCall(PetscCalloc1(g->info->row_length + 1, &g->row[k]));
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
    if (part->ops->inverse_ridge) g->inverse_weight += part->weight;
    PetscCall(create_convolutions(g, part));
    if (part->ops->create) PetscCall(part->ops->create(g, part));
    part->summand = NULL;
    g->spec.part[k].function = NULL;
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
  g->preimage_weight = 1;
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
  PetscCall(VecDestroy(&g->work));
  for (PetscInt k = 0; k < MU_FLUX_ROWS; ++k) PetscCall(PetscFree(g->row[k]));
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

PetscErrorCode MuGeometryGetSpec(MuGeometry g, const MuGeometrySpec **spec) {
  *spec = &g->spec;
  return 0;
}

PetscErrorCode MuGeometryGetKinds(MuGeometry g, PetscInt *kinds) {
  *kinds = g->kinds;
  return 0;
}

PetscErrorCode MuGeometrySetPreimageWeight(MuGeometry g, PetscReal weight) {
  g->preimage_weight = weight;
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

PetscErrorCode MuGeometrySetState(MuGeometry g, Vec rho) {
  PetscFunctionBegin;
  if (rho != g->rho) PetscCall(VecCopy(rho, g->rho));
  PetscCall(MuGridApplyMask(g->grid, g->rho));
  g->reaction_one_ready = g->relative_one_ready = PETSC_FALSE;
  if (g->primal) MuPrimalReset(g->primal);
  if (g->kinds & MU_PART_TRANSPORT) PetscCall(MuFaceMeansSetState(g));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (g->part[k].ops->set_state) PetscCall(g->part[k].ops->set_state(g, &g->part[k]));
  PetscFunctionReturn(0);
}
