/* The limited mean: the density on a face seen from the cell that mass leaves, the donor.

   With a the difference of the density behind the donor (away from the face), b that towards the
   face and c the second differences at the donor and at its two neighbours,

     mean = donor + u (1 + x/(1 + 4 x^2)) (1 - (1 - t)^3),   u = (a + 2 b)/6,
     x = (2 c_behind + c - 3 c_ahead)/(60 u),   t = 2 a b/(a^2 + b^2),

   0 in place of the second term where a and b differ in sign or one vanishes (extrema, walls), and
   at most b. u alone is the parabola through the cells' averages, x makes it the polynomial of
   degree four, of fifth order, and 1 - t, which is of second order where the density is smooth, is
   van Albada's measure of roughness: he has t itself in place of 1 - (1 - t)^3. The mean is a
   smooth function of the densities but at extrema; it lies between the densities on both sides of
   the face, so that no extrema arise, and is at most 3.5 times the donor, so that an empty cell
   gives nothing. As the mean is not negative, energy falls; as it leaves one cell for another, mass
   stays.

   The order of the scheme is the second one, that of the difference quotient that drives the flux.

   van Albada, van Leer and Roberts, A comparative study of computational methods in cosmic gas
   dynamics, Astron. Astrophys. 108 (1982); Carrillo, Chertock and Huang, A finite-volume method for
   nonlinear nonlocal equations with a gradient flow structure, Commun. Comput. Phys. 17 (2015);
   Bailo, Carrillo and Hu, Fully discrete positivity-preserving and energy-dissipating schemes,
   Commun. Math. Sci. 18 (2020). */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

#include <math.h>

#define LARGE     1e100 /* an x beyond it counts as none */
#define MOST_RISE 2.5   /* over the donor */

/* A row of faces: what is transported and the density on both sides, and the second differences of
   the density at the cell before the lower one, at both, and at the one after the upper one. */
typedef struct {
  const unsigned char *open;
  const PetscReal *lower, *upper; /* xi */
  const PetscReal *lower_rho, *upper_rho;
  const PetscReal *before, *at_lower, *at_upper, *after;
} Faces;

/* The mean. a carries the rounding of b: where b is far larger than the donor, the bound counts. */
static inline PetscReal mean_of(PetscReal donor, PetscReal a, PetscReal b, PetscReal behind,
                                PetscReal here, PetscReal ahead) {
  const PetscReal size_a = PetscAbsReal(a), size_b = PetscAbsReal(b);
  const PetscReal low = PetscMin(size_a, size_b), high = PetscMax(size_a, size_b);
  if ((a > 0) != (b > 0) || low < MU_MIN_NORMAL) return donor;
  const PetscReal u = (a + 2 * b) / 6, p = low / high;
  const PetscReal rough = (1 - p) * (1 - p) / (1 + p * p);
  const PetscReal given = (2 * behind + here - 3 * ahead) / (60 * u);
  const PetscReal x = PetscAbsReal(given) < LARGE ? given : 0;
  const PetscReal value = u * (1 + x / (1 + 4 * x * x)) * (1 - rough * rough * rough);
  const PetscReal most = PetscMin(size_b, MOST_RISE * donor);
  return donor + (PetscAbsReal(value) < most ? value : copysign(most, b));
}

static void face_means(const Faces *given, PetscInt n, PetscReal *restrict mean,
                       PetscReal *largest) {
  const Faces f = *given;
  for (PetscInt c = 0; c < n; ++c) {
    const PetscReal d = f.upper_rho[c] - f.lower_rho[c];
    PetscReal value;
    if (f.upper[c] > f.lower[c]) /* the flux is -M grad xi: the upper cell is the donor */
      value = mean_of(f.upper_rho[c], -(d + f.at_upper[c]), -d, f.after[c], f.at_upper[c],
                      f.at_lower[c]);
    else
      value =
          mean_of(f.lower_rho[c], d - f.at_lower[c], d, f.before[c], f.at_lower[c], f.at_upper[c]);
    mean[c] = f.open[c] ? value : 0;
    *largest = PetscMax(*largest, mean[c]);
  }
}

PetscErrorCode MuLimitedMeanCreate(MuGeometry g) {
  MuFaceMeans *face = &g->face;
  const PetscInt n = g->info->row_length;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((g->info->rows + 3) * n, &face->bend));
  for (PetscInt k = 0; k < MU_LIMITED_ROWS; ++k) PetscCall(PetscCalloc1(n + 3, &face->line[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLimitedMeanDestroy(MuGeometry g) {
  MuFaceMeans *face = &g->face;

  PetscFunctionBegin;
  PetscCall(PetscFree(face->bend));
  for (PetscInt k = 0; k < MU_LIMITED_ROWS; ++k) PetscCall(PetscFree(face->line[k]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ across the rows */

/* Second differences of the rows, two more before the first and one after the last, from the
   differences over faces with the sign turned; `below` is the row of rho before the first. */
static PetscErrorCode bend_rows(MuGeometry g, const PetscReal *rho, const PetscReal *below) {
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length, size = info->local_size;
  const unsigned char *open = info->open[info->slow_axis];
  PetscReal *bend = g->face.bend + 2 * n, *above = bend + size;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) bend[i] = open[i] ? below[i] - rho[i] : 0;
  for (PetscInt i = n; i < size; ++i) bend[i] = open[i] ? rho[i - n] - rho[i] : 0;
  PetscCall(MuGridExchangeRows(g->grid, bend, NULL, above));
  for (PetscInt i = 0; i < size; ++i) bend[i] -= bend[i + n];
  PetscCall(MuGridExchangeRows(g->grid, bend, bend - n, above));
  PetscCall(MuGridExchangeRows(g->grid, bend - n, bend - 2 * n, NULL)); /* the last row but one */
  PetscFunctionReturn(0);
}

static PetscErrorCode slow_means(MuGeometry g, const PetscReal *xi, const PetscReal *rho,
                                 PetscReal *mean, PetscReal *largest) {
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length;
  const PetscReal *bend = g->face.bend + 2 * n;
  PetscReal *below = g->face.line[0], *xi_below = g->face.line[1];

  PetscFunctionBegin;
  PetscCall(MuGridExchangeRows(g->grid, rho, below, NULL));
  PetscCall(MuGridExchangeRows(g->grid, xi, xi_below, NULL));
  PetscCall(bend_rows(g, rho, below));
  const Faces first = {.open = info->open[info->slow_axis],
                       .lower = xi_below,
                       .upper = xi,
                       .lower_rho = below,
                       .upper_rho = rho,
                       .before = bend - 2 * n,
                       .at_lower = bend - n,
                       .at_upper = bend,
                       .after = bend + n};
  const Faces rest = {.open = first.open + n,
                      .lower = xi,
                      .upper = xi + n,
                      .lower_rho = rho,
                      .upper_rho = rho + n,
                      .before = bend - n,
                      .at_lower = bend,
                      .at_upper = bend + n,
                      .after = bend + 2 * n};
  face_means(&first, n, mean, largest);
  face_means(&rest, info->local_size - n, mean + n, largest);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ along the rows */

/* row[0] is the last value, then all of them follow. */
static void shift(PetscInt n, const PetscReal *x, PetscReal *restrict row) {
  row[0] = x[n - 1];
  for (PetscInt c = 0; c < n; ++c) row[c + 1] = x[c];
}

/* Second differences of a row, two more before it and one after. A closed face has no difference,
   so that nothing depends on what lies behind a wall. */
static void bend_row(PetscInt n, const unsigned char *open, const PetscReal *shifted,
                     PetscReal *restrict d, PetscReal *restrict bend) {
  for (PetscInt c = 0; c < n; ++c) d[c] = open[c] ? shifted[c + 1] - shifted[c] : 0;
  d[n] = d[0];
  for (PetscInt c = 0; c < n; ++c) bend[c + 2] = d[c + 1] - d[c];
  bend[1] = bend[n + 1];
  bend[0] = bend[n];
  if (n == 1) bend[0] = bend[2];
  bend[n + 2] = bend[2];
}

static void fast_means(MuGeometry g, const PetscReal *xi, const PetscReal *rho, PetscReal *mean,
                       PetscReal *largest) {
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length;
  PetscReal *rho_row = g->face.line[0], *xi_row = g->face.line[1], *bend = g->face.line[2];

  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt i = r * n;
    shift(n, rho + i, rho_row);
    shift(n, xi + i, xi_row);
    bend_row(n, info->open[0] + i, rho_row, g->face.line[3], bend);
    const Faces f = {.open = info->open[0] + i,
                     .lower = xi_row,
                     .upper = xi_row + 1,
                     .lower_rho = rho_row,
                     .upper_rho = rho_row + 1,
                     .before = bend,
                     .at_lower = bend + 1,
                     .at_upper = bend + 2,
                     .after = bend + 3};
    face_means(&f, n, mean + i, largest);
  }
}

/* ------------------------------------------------------------------ both */

PetscErrorCode MuLimitedMeanFollow(MuGeometry g, Vec xi) {
  MuFaceMeans *face = &g->face;
  const PetscReal *rho, *x;
  PetscReal *mean;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &rho));
  PetscCall(VecGetArrayRead(xi, &x));
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    face->largest[a] = 0;
    PetscCall(VecGetArray(face->mean[a], &mean));
    if (a == g->info->slow_axis)
      PetscCall(slow_means(g, x, rho, mean, &face->largest[a]));
    else
      fast_means(g, x, rho, mean, &face->largest[a]);
    PetscCall(VecRestoreArray(face->mean[a], &mean));
  }
  PetscCall(VecRestoreArrayRead(xi, &x));
  PetscCall(VecRestoreArrayRead(g->rho, &rho));
  PetscFunctionReturn(0);
}
