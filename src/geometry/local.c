/* The operations of a local operator, from its mobility M alone: the reaction K(mu) xi = M(mu) xi,
   or the transport K(mu) xi = -div(M(mu) grad xi) with M at the face mean (Dolbeault, Nazaret and
   Savare, Calc. Var. 34 (2009)). In the relative form M(mu)/mu xi mu is floored at the smallest
   normal number. With M(mu) = mu the state and its face means serve as they are. */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

typedef struct {
  Vec mobility, relative; /* of a reaction: M(mu) and M(mu)/mu, 0 outside */
  PetscReal *face;        /* scratch of a transport: M at the means of an axis, 0 on closed faces */
} Local;

static PetscErrorCode create(MuGeometry g, MuPart *part) {
  Local *c;

  PetscFunctionBegin;
  if (part->ops->mobility_at == MuPartIdentity) PetscFunctionReturn(0);
  PetscCall(PetscNew(&c));
  part->ctx = c;
  if (part->ops->kind == MU_PART_TRANSPORT) {
    PetscCall(PetscMalloc1(g->info->local_size, &c->face));
  } else {
    PetscCall(MuGridCreateField(g->grid, &c->mobility));
    PetscCall(MuGridCreateField(g->grid, &c->relative));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuPart *part) {
  Local *c = part->ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&c->mobility));
  PetscCall(VecDestroy(&c->relative));
  PetscCall(PetscFree(c->face));
  PetscCall(PetscFree(part->ctx));
  PetscFunctionReturn(0);
}

/* y = M(x) x^(-shift), shift 0 or 1, where `open`, else 0; x and y may be the same. */
static void fill(const MuPart *part, PetscInt n, const PetscReal *x, PetscInt shift,
                 const unsigned char *open, PetscReal *y) {
  const MuPartOps *ops = part->ops;
  const PetscReal power = ops->power ? ops->power(part->value) : NAN;
  if (!isnan(power))
    MuArrayPow(n, x, power - shift, y);
  else
    for (PetscInt i = 0; i < n; ++i)
      y[i] = shift ? MuPartSpeed(part, x[i]) : ops->mobility_at(x[i], part->value);
  for (PetscInt i = 0; i < n; ++i)
    if (!open[i]) y[i] = 0;
}

PetscReal MuPartSpeed(const MuPart *part, PetscReal mu) {
  return part->ops->speed_at ? part->ops->speed_at(mu, part->value)
                             : part->ops->mobility_at(mu, part->value) / mu;
}

/* ------------------------------------------------------------------ reaction */

static PetscErrorCode set_state(MuGeometry g, MuPart *part) {
  Local *c = part->ctx;
  const PetscInt n = g->info->local_size;
  const PetscReal *mu;
  PetscReal *m, *r;

  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(c->mobility, &m));
  PetscCall(VecGetArray(c->relative, &r));
  fill(part, n, mu, 0, g->info->mask, m);
  for (PetscInt i = 0; i < n; ++i) r[i] = PetscMax(mu[i], MU_MIN_NORMAL);
  fill(part, n, r, 1, g->info->mask, r);
  PetscCall(VecRestoreArray(c->relative, &r));
  PetscCall(VecRestoreArray(c->mobility, &m));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

static Vec mobility_of(MuGeometry g, const MuPart *part) {
  return part->ctx ? ((Local *)part->ctx)->mobility : g->rho;
}

static PetscErrorCode apply(MuGeometry g, MuPart *part, Vec xi, Vec preimage, Vec out) {
  (void)preimage;
  return MuGeometryAddProduct(g, part->weight, mobility_of(g, part), xi, out);
}

static PetscErrorCode relative(MuGeometry g, MuPart *part, Vec xi, Vec out) {
  const Local *c = part->ctx;
  return c ? MuGeometryAddProduct(g, part->weight, c->relative, xi, out)
           : VecAXPY(out, part->weight, xi);
}

/* M(mu), which is K 1 as well. */
static PetscErrorCode diagonal(MuGeometry g, MuPart *part, Vec d) {
  return VecAXPY(d, part->weight, mobility_of(g, part));
}

/* ------------------------------------------------------------------ transport */

/* y += weight M(face mean) x, x = 1 where it is NULL; the sign of `gradient` chooses with UPWIND.
 */
static PetscErrorCode add_product(MuGeometry g, MuPart *part, PetscInt axis, Vec gradient,
                                  Vec out) {
  const Local *c = part->ctx;
  const PetscInt n = g->info->local_size;
  const PetscReal *mean, *d = NULL;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(MuFaceMeansGet(g, axis, gradient, &mean));
  if (c) fill(part, n, mean, 0, g->face.open[axis], c->face);
  const PetscReal *m = c ? c->face : mean;
  if (gradient) PetscCall(VecGetArrayRead(gradient, &d));
  PetscCall(VecGetArray(out, &y));
  for (PetscInt i = 0; i < n; ++i) y[i] += part->weight * m[i] * (d ? d[i] : 1);
  PetscCall(VecRestoreArray(out, &y));
  if (gradient) PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscCall(MuFaceMeansRestore(g, axis, &mean));
  PetscFunctionReturn(0);
}

static PetscErrorCode mobility(MuGeometry g, MuPart *part, PetscInt axis, Vec m) {
  return part->ctx ? add_product(g, part, axis, NULL, m)
                   : VecAXPY(m, part->weight, g->face.mean[axis]);
}

void MuPartComplete(MuPartOps *ops) {
  if (!ops->mobility_at || ops->add_flux || ops->apply) return;
  if (!ops->create) {
    ops->create = create;
    ops->destroy = destroy;
  }
  if (ops->kind == MU_PART_TRANSPORT) {
    ops->add_flux = add_product;
    if (!ops->mobility) ops->mobility = mobility;
  } else {
    ops->set_state = set_state;
    ops->apply = apply;
    ops->apply_one = ops->diagonal = diagonal;
    ops->relative = relative;
  }
}
