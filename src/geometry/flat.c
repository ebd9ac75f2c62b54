/* Operators of a fixed reference density omega, which do not depend on mu: flat_fisher_rao,
   K xi = omega xi, and flat_wasserstein, K xi = -div(omega grad xi). Of omega = pi and chi2 the
   second is the Fokker-Planck equation: omega on a face is omega_i omega_j/L(omega_i, omega_j), L
   the logarithmic mean, with which its flux is the Scharfetter-Gummel flux of wasserstein and kl.
 */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"
#include "grid/neighbours.h"

static PetscErrorCode fill_reference(MuGeometry g, const MuPart *part, PetscReal *omega) {
  const MuSummand *s = part->summand;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    PetscReal x[2];
    omega[i] = g->info->mask[i];
    if (!s->function || !g->info->mask[i]) continue;
    PetscCall(MuGridCellCentre(g->grid, i, x));
    PetscCall(s->function(s->function_ctx, x, &omega[i]));
    if (!(omega[i] >= 0) || PetscIsInfOrNanReal(omega[i]))
      return MuError(MU_ERR_INPUT,
                     "geometry_%s: the reference density is %g at the point (%g, %g); it must be "
                     "finite and at least 0",
                     part->ops->function_key, omega[i], x[0], x[1]);
  }
  PetscFunctionReturn(0);
}

/* omega at the cell centres: the part's function, or 1; 0 outside. [local_size]. Collective. */
static PetscErrorCode reference_density(MuGeometry g, const MuPart *part, PetscReal *omega) {
  return MuErrorAgree(g->info->comm, fill_reference(g, part, omega));
}

/* ------------------------------------------------------------------ reaction */

static PetscErrorCode create_cells(MuGeometry g, MuPart *part) {
  PetscReal *omega;
  Vec field;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(g->grid, &field));
  part->ctx = field;
  PetscCall(VecGetArray(field, &omega));
  const PetscErrorCode failed = reference_density(g, part, omega);
  PetscCall(VecRestoreArray(field, &omega));
  PetscFunctionReturn(failed);
}

static PetscErrorCode destroy_cells(MuPart *part) {
  Vec field = part->ctx;

  part->ctx = NULL;
  return VecDestroy(&field);
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  (void)preimage;
  return MuGeometryAddProduct(g, part->weight, part->ctx, xi, out);
}

/* omega, which is K 1 as well. */
static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  (void)g;
  return VecAXPY(d, part->weight, part->ctx);
}

/* ------------------------------------------------------------------ transport */

typedef struct {
  PetscReal *face[2]; /* omega on the faces of an axis, 0 on closed ones */
} Faces;

static PetscErrorCode fill_faces(MuGeometry g, PetscInt axis, const PetscReal *omega,
                                 PetscReal *row, PetscReal *face) {
  PetscFunctionBegin;
  PetscCall(MuGridNeighbours(g->grid, axis, -1, omega, face, row));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    const PetscReal low = PetscMin(omega[i], face[i]), high = PetscMax(omega[i], face[i]);
    face[i] = g->info->open[axis][i] && low > 0 ? low * (high / MuLogarithmicMean(low, high)) : 0;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_mean(const MuGeometry g, const MuPart *part) {
  if (g->spec.face_mean != MU_MEAN_UPWIND && g->spec.face_mean != MU_MEAN_LIMITED) return 0;
  return MuError(MU_ERR_INPUT,
                 "geometry_face_mean: %s is not allowed with %s, whose mobility is no density that "
                 "a cell could give; use logarithmic",
                 g->spec.face_mean == MU_MEAN_UPWIND ? "upwind" : "limited", part->ops->name);
}

static PetscErrorCode create_faces(MuGeometry g, MuPart *part) {
  PetscReal *omega, *row;
  Faces *c;

  PetscFunctionBegin;
  PetscCall(check_mean(g, part));
  PetscCall(PetscNew(&c));
  part->ctx = c;
  PetscCall(PetscMalloc2(g->info->local_size, &omega, g->info->row_length, &row));
  PetscErrorCode failed = reference_density(g, part, omega);
  for (PetscInt axis = 0; axis < g->info->dim && !failed; ++axis) {
    PetscCall(PetscMalloc1(g->info->local_size, &c->face[axis]));
    failed = fill_faces(g, axis, omega, row, c->face[axis]);
  }
  PetscCall(PetscFree2(omega, row));
  PetscFunctionReturn(failed);
}

static PetscErrorCode destroy_faces(MuPart *part) {
  Faces *c = part->ctx;

  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(0);
  for (PetscInt axis = 0; axis < 2; ++axis) PetscCall(PetscFree(c->face[axis]));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

/* y += weight omega x, x = 1 where it is NULL */
static PetscErrorCode add_flux(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient, Vec flux) {
  const PetscReal *face = ((Faces *)part->ctx)->face[axis], *x = NULL;
  PetscReal *y;

  PetscFunctionBegin;
  if (gradient) PetscCall(VecGetArrayRead(gradient, &x));
  PetscCall(VecGetArray(flux, &y));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    y[i] += part->weight * face[i] * (x ? x[i] : 1);
  PetscCall(VecRestoreArray(flux, &y));
  if (gradient) PetscCall(VecRestoreArrayRead(gradient, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode mobility(MuGeometry g, MuPart *part, PetscInt axis, Vec m) {
  return add_flux(g, part, axis, NULL, m);
}

#define REFERENCE "flat_reference"
#define REFERENCE_DOC                                                                              \
  "omega(x, y), the reference density: a formula, target (the default) or uniform"

const MuPartOps MuPartFlatFisherRao = {.name = "flat_fisher_rao",
                                       .formula = "omega xi, omega = flat_reference",
                                       .kind = MU_PART_REACTION,
                                       .function_key = REFERENCE,
                                       .function_doc = REFERENCE_DOC,
                                       .multiplies = PETSC_TRUE,
                                       .well_posed = PETSC_TRUE,
                                       .create = create_cells,
                                       .destroy = destroy_cells,
                                       .apply = apply,
                                       .apply_one = diagonal,
                                       .diagonal = diagonal};

const MuPartOps MuPartFlatWasserstein = {.name = "flat_wasserstein",
                                         .formula = "-div(omega grad xi), omega = flat_reference",
                                         .kind = MU_PART_TRANSPORT,
                                         .function_key = REFERENCE,
                                         .function_doc = REFERENCE_DOC,
                                         .multiplies = PETSC_TRUE,
                                         .well_posed = PETSC_TRUE,
                                         .create = create_faces,
                                         .destroy = destroy_faces,
                                         .add_flux = add_flux,
                                         .mobility = mobility};
