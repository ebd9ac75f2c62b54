/* Means of the density over faces. With the logarithmic mean and a potential V it is the mean that
   turns the difference of log s, s = rho exp(V), into the Scharfetter-Gummel flux:
   Mielke, A gradient structure for reaction-diffusion systems, Nonlinearity 24 (2011), section 3;
   Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969). */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"
#include "grid/row.h"

#include <petsc/private/petscimpl.h>

/* A potential step that closes a face; NaN (infinite on both sides) does, too. PETSC_INFINITY is a
   finite number. */
#define INFINITE_RISE 1e300

/* lower_i = f at the lower neighbour of cell i along the axis; anything at a wall. lower: [size] */
static PetscErrorCode lower_neighbours(MuGeometry g, PetscInt axis, const PetscReal *f,
                                       PetscReal *lower) {
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length;

  PetscFunctionBegin;
  if (axis == info->slow_axis) {
    PetscCall(MuGridExchangeRows(g->grid, f, g->face.halo, NULL));
    memcpy(lower, g->face.halo, sizeof(PetscReal) * (size_t)n);
    memcpy(lower + n, f, sizeof(PetscReal) * (size_t)(info->local_size - n));
    PetscFunctionReturn(0);
  }
  for (PetscInt r = 0; r < info->rows; ++r) {
    lower[r * n] = f[r * n + n - 1];
    memcpy(lower + r * n + 1, f + r * n, sizeof(PetscReal) * (size_t)(n - 1));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansCreate(MuGeometry g) {
  MuFaceMeans *face = &g->face;
  const PetscInt size = g->info->local_size;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    if (g->spec.face_mean != MU_MEAN_UPWIND) PetscCall(MuGridCreateField(g->grid, &face->mean[a]));
    PetscCall(PetscMalloc1(size, &face->open[a]));
    memcpy(face->open[a], g->info->open[a], (size_t)size);
  }
  PetscCall(PetscCalloc1(g->info->row_length, &face->row));
  PetscCall(PetscCalloc1(g->info->row_length, &face->halo));
  if (g->spec.face_mean == MU_MEAN_LIMITED) PetscCall(MuLimitedMeanCreate(g));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansDestroy(MuGeometry g) {
  MuFaceMeans *face = &g->face;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) {
    PetscCall(VecDestroy(&face->mean[a]));
    PetscCall(PetscFree(face->open[a]));
    PetscCall(PetscFree(face->weight_lower[a]));
    PetscCall(PetscFree(face->weight_upper[a]));
  }
  PetscCall(PetscFree(face->donor));
  PetscCall(PetscFree(face->row));
  PetscCall(PetscFree(face->halo));
  PetscCall(MuLimitedMeanDestroy(g));
  PetscFunctionReturn(0);
}

static PetscErrorCode take_potential(MuGeometry g, PetscInt axis, const PetscReal *v) {
  MuFaceMeans *face = &g->face;
  const PetscInt size = g->info->local_size;
  PetscReal *lower;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(size, &lower));
  if (!face->weight_lower[axis]) {
    PetscCall(PetscMalloc1(size, &face->weight_lower[axis]));
    PetscCall(PetscMalloc1(size, &face->weight_upper[axis]));
  }
  PetscCall(lower_neighbours(g, axis, v, lower));
  for (PetscInt i = 0; i < size; ++i) {
    PetscReal rise = v[i] - lower[i];
    PetscBool open = (PetscBool)(g->info->open[axis][i] && PetscAbsReal(rise) < INFINITE_RISE);
    face->open[axis][i] = open;
    face->weight_lower[axis][i] = open ? MuBernoulli(rise) : 0;
    face->weight_upper[axis][i] = open ? MuBernoulli(-rise) : 0;
  }
  PetscCall(PetscFree(lower));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometrySetReferencePotential(MuGeometry g, Vec potential) {
  const PetscReal *v;

  PetscFunctionBegin;
  if (!(g->kinds & MU_PART_TRANSPORT)) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < g->info->dim && g->spec.face_mean == MU_MEAN_LOGARITHMIC; ++a) {
    if (potential) {
      PetscCall(VecGetArrayRead(potential, &v));
      PetscCall(take_potential(g, a, v));
      PetscCall(VecRestoreArrayRead(potential, &v));
    } else {
      memcpy(g->face.open[a], g->info->open[a], (size_t)g->info->local_size);
      PetscCall(PetscFree(g->face.weight_lower[a]));
      PetscCall(PetscFree(g->face.weight_upper[a]));
    }
  }
  PetscFunctionReturn(0);
}

/* The logarithmic mean of a, b >= 0 whose logarithms differ by `difference`; b may have underflown
   or be zero. */
static PetscReal mean_of_extremes(PetscReal high, PetscReal difference) {
  PetscReal d = PetscAbsReal(difference);
  return d > 0 ? high * -expm1(-d) / d : high;
}

enum { CHUNK = 256 };

/* V_upper - V_lower = z from B(z) and B(-z). */
static PetscReal rise_of(PetscReal weight_lower, PetscReal weight_upper) {
  if (weight_upper > 40) return weight_upper; /* B(-z) = z (1 + e^-z + ...) */
  if (weight_lower > 40) return -weight_lower;
  return log(weight_upper / weight_lower); /* B(-z)/B(z) = e^z */
}

/* Where the smaller side is below the normal numbers its logarithm is taken from those of rho and
   V: B may have underflown while the mean has not. */
static void repair_extremes(const MuFaceMeans *face, PetscInt axis, PetscInt first, PetscInt n,
                            const PetscReal *lower, const PetscReal *upper, const PetscReal *a,
                            const PetscReal *b, PetscReal *mean) {
  const PetscReal *wl = face->weight_lower[axis], *wu = face->weight_upper[axis];
  for (PetscInt i = 0; i < n; ++i) {
    if (PetscMin(a[i], b[i]) >= MU_MIN_NORMAL || !face->open[axis][first + i]) continue;
    mean[i] = mean_of_extremes(PetscMax(a[i], b[i]),
                               log(PetscMax(lower[i], MU_MIN_NORMAL)) -
                                   log(PetscMax(upper[i], MU_MIN_NORMAL)) -
                                   (wl ? rise_of(wl[first + i], wu[first + i]) : 0));
  }
}

/* n <= CHUNK faces from local index `first` on, with the densities below and above them. */
static void logarithmic_means(const MuFaceMeans *face, PetscInt axis, PetscInt first, PetscInt n,
                              const PetscReal *lower, const PetscReal *upper, PetscReal *mean) {
  const unsigned char *open = face->open[axis] + first;
  PetscReal a[CHUNK], b[CHUNK];
  int extreme = 0;

  if (face->weight_lower[axis]) {
    const PetscReal *wl = face->weight_lower[axis] + first, *wu = face->weight_upper[axis] + first;
    for (PetscInt i = 0; i < n; ++i) { /* the weights vanish where a face is closed */
      a[i] = wl[i] * lower[i];
      b[i] = wu[i] * upper[i];
    }
  } else {
    for (PetscInt i = 0; i < n; ++i) {
      a[i] = open[i] ? lower[i] : 0;
      b[i] = open[i] ? upper[i] : 0;
    }
  }
  for (PetscInt i = 0; i < n; ++i) extreme |= open[i] & (!(PetscMin(a[i], b[i]) >= MU_MIN_NORMAL));
  MuArrayLogarithmicMean(n, a, b, mean);
  if (extreme) repair_extremes(face, axis, first, n, lower, upper, a, b, mean);
}

static void simple_means(MuGeometry g, PetscInt axis, PetscInt first, PetscInt n,
                         const PetscReal *lower, const PetscReal *upper, PetscReal *mean) {
  const PetscReal m = g->spec.stolarsky_exponent;
  const unsigned char *open = g->face.open[axis] + first;
  if (g->spec.face_mean == MU_MEAN_ARITHMETIC || m == 2) /* Stolarsky's then is the same */
    for (PetscInt i = 0; i < n; ++i) mean[i] = open[i] ? 0.5 * (lower[i] + upper[i]) : 0;
  else
    for (PetscInt i = 0; i < n; ++i) mean[i] = open[i] ? MuStolarskyMean(lower[i], upper[i], m) : 0;
}

/* Any number of neighbouring faces. */
static void face_means(MuGeometry g, PetscInt axis, PetscInt first, PetscInt count,
                       const PetscReal *lower, const PetscReal *upper, PetscReal *mean) {
  for (PetscInt i = 0; i < count; i += CHUNK) {
    const PetscInt n = PetscMin(CHUNK, count - i);
    if (g->spec.face_mean == MU_MEAN_LOGARITHMIC)
      logarithmic_means(&g->face, axis, first + i, n, lower + i, upper + i, mean + i);
    else
      simple_means(g, axis, first + i, n, lower + i, upper + i, mean + i);
    g->face.largest[axis] = MuRowLargest(n, mean + i, g->face.largest[axis]);
  }
}

static PetscErrorCode axis_means(MuGeometry g, PetscInt axis, const PetscReal *rho,
                                 PetscReal *mean) {
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length;
  PetscReal *row = g->face.row;

  PetscFunctionBegin;
  g->face.largest[axis] = 0;
  if (axis == info->slow_axis) {
    PetscCall(MuGridExchangeRows(g->grid, rho, g->face.halo, NULL));
    face_means(g, axis, 0, n, g->face.halo, rho, mean);
    face_means(g, axis, n, info->local_size - n, rho, rho + n, mean + n);
    PetscFunctionReturn(0);
  }
  for (PetscInt r = 0; r < info->rows; ++r) {
    row[0] = rho[r * n + n - 1];
    memcpy(row + 1, rho + r * n, sizeof(PetscReal) * (size_t)(n - 1));
    face_means(g, axis, r * n, n, row, rho + r * n, mean + r * n);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansSetState(MuGeometry g) {
  const PetscReal *rho;
  PetscReal *mean;

  PetscFunctionBegin;
  g->face.directed = PETSC_FALSE;
  g->face.followed = 0;
  if (g->spec.face_mean == MU_MEAN_LIMITED) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(g->rho, &rho));
  if (g->spec.face_mean == MU_MEAN_UPWIND)
    PetscCall(MuGridExchangeRows(g->grid, rho, g->face.halo, NULL));
  for (PetscInt a = 0; a < g->info->dim && g->face.mean[a]; ++a) {
    PetscCall(VecGetArray(g->face.mean[a], &mean));
    PetscCall(axis_means(g, a, rho, mean));
    PetscCall(VecRestoreArray(g->face.mean[a], &mean));
  }
  PetscCall(VecRestoreArrayRead(g->rho, &rho));
  PetscFunctionReturn(0);
}

PetscBool MuFaceMeansDepend(MuGeometry g) {
  return (PetscBool)(g->spec.face_mean == MU_MEAN_UPWIND || g->spec.face_mean == MU_MEAN_LIMITED);
}

PetscErrorCode MuFaceMeansFollow(MuGeometry g, Vec xi) {
  MuFaceMeans *face = &g->face;
  PetscObjectId id;
  PetscObjectState state;

  PetscFunctionBegin;
  if (g->spec.face_mean != MU_MEAN_LIMITED || face->directed) PetscFunctionReturn(0);
  PetscCall(PetscObjectGetId((PetscObject)xi, &id));
  PetscCall(PetscObjectStateGet((PetscObject)xi, &state));
  if (face->followed == id && face->followed_state == state) PetscFunctionReturn(0);
  PetscCall(MuLimitedMeanFollow(g, xi));
  face->followed = id;
  face->followed_state = state;
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometrySetDirection(MuGeometry g, Vec xi) {
  PetscFunctionBegin;
  g->face.directed = PETSC_FALSE;
  if (!xi || !(g->kinds & MU_PART_TRANSPORT)) PetscFunctionReturn(0);
  PetscCall(MuFaceMeansFollow(g, xi));
  g->face.directed = (PetscBool)(g->spec.face_mean == MU_MEAN_LIMITED);
  PetscFunctionReturn(0);
}

/* The flux is -M grad xi: where xi rises, mass flows downward and the donor is the upper cell. */
static PetscErrorCode take_donors(MuGeometry g, PetscInt axis, Vec gradient) {
  const PetscReal *rho, *d;
  const unsigned char *open = g->face.open[axis];
  const PetscInt n = g->info->row_length;
  const PetscBool slow = (PetscBool)(axis == g->info->slow_axis);
  PetscReal *donor;

  PetscFunctionBegin;
  if (!g->face.donor) PetscCall(PetscCalloc1(g->info->local_size, &g->face.donor));
  donor = g->face.donor;
  PetscCall(VecGetArrayRead(g->rho, &rho));
  PetscCall(VecGetArrayRead(gradient, &d));
  for (PetscInt r = 0; r < g->info->rows; ++r) {
    const PetscReal *here = rho + r * n, *lower = r ? here - n : g->face.halo;
    for (PetscInt c = 0, i = r * n; c < n; ++c, ++i) {
      const PetscReal below = slow ? lower[c] : here[c ? c - 1 : n - 1];
      donor[i] = open[i] ? (d[i] > 0 ? here[c] : below) : 0;
    }
  }
  PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscCall(VecRestoreArrayRead(g->rho, &rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansGet(MuGeometry g, PetscInt axis, Vec gradient, const PetscReal **mean) {
  PetscFunctionBegin;
  if (g->spec.face_mean == MU_MEAN_UPWIND) {
    PetscCall(take_donors(g, axis, gradient));
    *mean = g->face.donor;
  } else {
    PetscCall(VecGetArrayRead(g->face.mean[axis], mean));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansRestore(MuGeometry g, PetscInt axis, const PetscReal **mean) {
  PetscFunctionBegin;
  if (g->spec.face_mean != MU_MEAN_UPWIND) PetscCall(VecRestoreArrayRead(g->face.mean[axis], mean));
  *mean = NULL;
  PetscFunctionReturn(0);
}
