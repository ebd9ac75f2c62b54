/* The transport part of K: fluxes over faces and their divergence.

   In two dimensions K xi = -div(M grad xi) takes one pass over the grid if the mobility is a
   multiple of the face mean: the fluxes of a row of faces live in the cache only. Otherwise
   gradient, fluxes and divergence are fields. */
#include "geometry/geometry_impl.h"
#include "grid/row.h"

PetscReal MuFluxesPlainWeight(MuGeometry g) {
  PetscReal weight = 0;
  if (g->info->dim != 2) return 0;
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPart *part = &g->part[k];
    if (part->ops->kind != MU_PART_TRANSPORT) continue;
    if (!part->ops->mobility || !part->ops->power || part->ops->power(part->value) != 1) return 0;
    weight += part->weight;
  }
  return weight;
}

PetscReal MuReactionPlainWeight(MuGeometry g) {
  PetscReal weight = 0;
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPart *part = &g->part[k];
    if (part->ops->kind != MU_PART_REACTION) continue;
    if (!part->ops->mobility_at || !part->ops->power || part->ops->power(part->value) != 1)
      return 0;
    weight += part->weight;
  }
  return weight;
}

/* ------------------------------------------------------------------ one pass */

/* A row of faces: the two sides of what is transported and, with upwind means, of the density. */
typedef struct {
  const unsigned char *open;      /* NULL: all are */
  const PetscReal *mobility;      /* NULL: upwind, the density of the cell that mass leaves */
  const PetscReal *lower, *upper; /* xi */
  const PetscReal *lower_rho, *upper_rho;
  PetscReal weight, lowest; /* of the mobility */
  PetscReal inverse;        /* 1/spacing */
} Faces;

static inline PetscReal slope(const Faces *f, PetscBool walls, PetscInt c) {
  const PetscReal d = (f->upper[c] - f->lower[c]) * f->inverse;
  return !walls || f->open[c] ? d : 0;
}

static inline void fluxes(const Faces *f, PetscBool walls, PetscInt n, PetscReal *restrict j) {
  if (f->mobility)
    for (PetscInt c = 0; c < n; ++c) {
      const PetscReal m = f->weight * PetscMax(f->mobility[c], f->lowest);
      j[c] = m * slope(f, walls, c);
    }
  else
    for (PetscInt c = 0; c < n; ++c) {
      const PetscReal d = slope(f, walls, c), m = d > 0 ? f->upper_rho[c] : f->lower_rho[c];
      j[c] = f->weight * m * d;
    }
}

/* j = M grad xi, the negative flux. */
static void row_fluxes(const Faces *given, PetscInt n, PetscReal *restrict j) {
  const Faces f = *given;
  if (f.open)
    fluxes(&f, PETSC_TRUE, n, j);
  else
    fluxes(&f, PETSC_FALSE, n, j);
}

/* The faces along x of a row of n cells; j[n] is the upper one of the last cell. */
static void fluxes_x(const Faces *f, PetscInt n, const MuGridInfo *info, PetscReal *j) {
  Faces first = *f, rest = *f;
  first.lower = f->upper + n - 1;
  rest.open = info->masked ? f->open + 1 : NULL;
  rest.lower = f->upper;
  rest.upper = f->upper + 1;
  if (f->mobility) {
    rest.mobility = f->mobility + 1;
  } else {
    first.lower_rho = f->upper_rho + n - 1;
    rest.lower_rho = f->upper_rho;
    rest.upper_rho = f->upper_rho + 1;
  }
  row_fluxes(&first, 1, j);
  row_fluxes(&rest, n - 1, j + 1);
  j[n] = info->periodic[0] ? j[0] : 0;
}

/* out (+)= the divergence of a row; factor: -1/spacing of the axes, weight and lowest value of the
   diagonal. */
static void row_divergence(PetscInt n, const PetscReal factor[4], const PetscReal *x,
                           const PetscReal *lower, const PetscReal *upper,
                           const PetscReal *restrict diagonal, const PetscReal *restrict xi,
                           PetscReal *restrict out) {
  if (diagonal)
    for (PetscInt c = 0; c < n; ++c) {
      PetscReal here = factor[2] * PetscMax(diagonal[c], factor[3]) * xi[c];
      here += factor[0] * (x[c + 1] - x[c]);
      out[c] = here + factor[1] * (upper[c] - lower[c]);
    }
  else
    for (PetscInt c = 0; c < n; ++c)
      out[c] = (out[c] + factor[0] * (x[c + 1] - x[c])) + factor[1] * (upper[c] - lower[c]);
}

/* The faces below row r. */
static Faces faces_y(const MuPlainFluxes *p, const MuGridInfo *info, PetscInt r,
                     const PetscReal *xi, const PetscReal *below) {
  const PetscInt n = info->row_length, i = r * n;
  return (Faces){.open = info->masked || r == 0 ? info->open[1] + i : NULL,
                 .mobility = p->mobility[1] ? p->mobility[1] + i : NULL,
                 .lower = r ? xi + i - n : below,
                 .upper = xi + i,
                 .lower_rho = r ? p->rho + i - n : p->rho_below,
                 .upper_rho = p->rho + i,
                 .weight = p->weight,
                 .lowest = p->lowest,
                 .inverse = 1 / info->spacing[1]};
}

PetscErrorCode MuFluxesPlain(MuGeometry g, const MuPlainFluxes *p, const PetscReal *xi,
                             PetscReal *out) {
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length;
  const PetscReal factor[4] = {-1 / info->spacing[0], -1 / info->spacing[1], p->diagonal_weight,
                               p->diagonal_lowest};
  PetscReal *x = g->row[0], *lower = g->row[1], *upper = g->row[2], *above = g->row[3];

  PetscFunctionBegin;
  PetscCall(MuGridExchangeRows(g->grid, xi, g->row[4], NULL));
  Faces f = faces_y(p, info, 0, xi, g->row[4]);
  row_fluxes(&f, n, lower);
  PetscCall(MuGridExchangeRows(g->grid, lower, NULL, above));
  if (p->product) *p->product = 0;
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt i = r * n;
    Faces fx = {.open = info->open[0] + i,
                .mobility = p->mobility[0] ? p->mobility[0] + i : NULL,
                .upper = xi + i,
                .upper_rho = p->rho + i,
                .weight = p->weight,
                .lowest = p->lowest,
                .inverse = 1 / info->spacing[0]};
    fluxes_x(&fx, n, info, x);
    if (r + 1 < info->rows) {
      f = faces_y(p, info, r + 1, xi, NULL);
      row_fluxes(&f, n, upper);
    }
    row_divergence(n, factor, x, lower, r + 1 < info->rows ? upper : above,
                   p->diagonal ? p->diagonal + i : NULL, xi + i, out + i);
    if (p->product) *p->product += MuRowProduct(n, xi + i, out + i);
    PetscReal *swap = lower;
    lower = upper;
    upper = swap;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFluxesPlainApply(MuGeometry g, PetscReal reaction, Vec xi, Vec out) {
  const PetscBool upwind = (PetscBool)(g->spec.face_mean == MU_MEAN_UPWIND);
  MuPlainFluxes p = {
      .weight = g->plain_weight, .diagonal_weight = reaction, .rho_below = g->face.halo};
  const PetscReal *from;
  PetscReal *to;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &p.rho));
  if (reaction > 0) p.diagonal = p.rho;
  for (PetscInt a = 0; a < 2 && !upwind; ++a)
    PetscCall(VecGetArrayRead(g->face.mean[a], &p.mobility[a]));
  PetscCall(VecGetArrayRead(xi, &from));
  PetscCall(VecGetArray(out, &to));
  PetscCall(MuFluxesPlain(g, &p, from, to));
  PetscCall(VecRestoreArray(out, &to));
  PetscCall(VecRestoreArrayRead(xi, &from));
  for (PetscInt a = 0; a < 2 && !upwind; ++a)
    PetscCall(VecRestoreArrayRead(g->face.mean[a], &p.mobility[a]));
  PetscCall(VecRestoreArrayRead(g->rho, &p.rho));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ as fields */

PetscErrorCode MuFluxesFields(MuGeometry g) {
  PetscFunctionBegin;
  if (g->gradient) PetscFunctionReturn(0);
  PetscCall(MuGridCreateField(g->grid, &g->gradient));
  PetscCall(MuGridCreateField(g->grid, &g->flux));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFluxesAdd(MuGeometry g, Vec xi, Vec out) {
  PetscFunctionBegin;
  if (g->plain_weight > 0) {
    PetscCall(MuFluxesPlainApply(g, 0, xi, out));
    PetscFunctionReturn(0);
  }
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
    PetscCall(VecSet(flux[a], 0));
    if (g->plain_weight > 0) continue;
    PetscCall(MuFaceMeansFollow(g, xi));
    PetscCall(MuGridGradient(g->grid, a, xi, g->gradient));
    for (PetscInt k = 0; k < g->spec.parts; ++k)
      if (g->part[k].ops->kind == MU_PART_TRANSPORT && !g->part[k].ops->mobility)
        PetscCall(g->part[k].ops->add_flux(g, &g->part[k], a, g->gradient, flux[a]));
    PetscCall(VecScale(flux[a], -1));
  }
  PetscFunctionReturn(0);
}
