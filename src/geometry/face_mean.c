/* Means of the density over faces. With the logarithmic mean and a potential V it is the mean that
   turns the difference of log s, s = rho exp(V), into the Scharfetter-Gummel flux:
   Mielke, A gradient structure for reaction-diffusion systems, Nonlinearity 24 (2011), section 3;
   Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969). */
#include "geometry/geometry_impl.h"
#include "grid/arrays.h"

/* A potential step that closes a face; NaN (infinite on both sides) does, too. PETSC_INFINITY is a
   finite number. */
#define INFINITE_RISE 1e300

/* lower_i = f at the lower neighbour of cell i along the axis; anything at a wall. */
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
    PetscCall(MuGridCreateField(g->grid, &face->mean[a]));
    PetscCall(PetscMalloc1(size, &face->open[a]));
    memcpy(face->open[a], g->info->open[a], (size_t)size);
  }
  PetscCall(PetscCalloc1(size, &face->lower));
  PetscCall(PetscCalloc1(size, &face->lower_side));
  PetscCall(PetscCalloc1(size, &face->upper_side));
  PetscCall(PetscCalloc1(g->info->row_length, &face->halo));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansDestroy(MuGeometry g) {
  MuFaceMeans *face = &g->face;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) {
    PetscCall(VecDestroy(&face->mean[a]));
    PetscCall(PetscFree(face->open[a]));
    PetscCall(PetscFree(face->rise[a]));
    PetscCall(PetscFree(face->weight_lower[a]));
    PetscCall(PetscFree(face->weight_upper[a]));
  }
  PetscCall(PetscFree(face->lower));
  PetscCall(PetscFree(face->lower_side));
  PetscCall(PetscFree(face->upper_side));
  PetscCall(PetscFree(face->halo));
  PetscFunctionReturn(0);
}

static PetscErrorCode take_potential(MuGeometry g, PetscInt axis, const PetscReal *v) {
  MuFaceMeans *face = &g->face;
  const PetscInt size = g->info->local_size;

  PetscFunctionBegin;
  if (!face->rise[axis]) {
    PetscCall(PetscMalloc1(size, &face->rise[axis]));
    PetscCall(PetscMalloc1(size, &face->weight_lower[axis]));
    PetscCall(PetscMalloc1(size, &face->weight_upper[axis]));
  }
  PetscCall(lower_neighbours(g, axis, v, face->lower));
  for (PetscInt i = 0; i < size; ++i) {
    PetscReal rise = v[i] - face->lower[i];
    PetscBool open = (PetscBool)(g->info->open[axis][i] && PetscAbsReal(rise) < INFINITE_RISE);
    face->open[axis][i] = open;
    face->rise[axis][i] = open ? rise : 0;
    face->weight_lower[axis][i] = open ? MuBernoulli(rise) : 0;
    face->weight_upper[axis][i] = open ? MuBernoulli(-rise) : 0;
  }
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
      PetscCall(PetscFree(g->face.rise[a]));
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

/* Where the smaller side is below the normal numbers its logarithm is taken from those of rho and
   V: B may have underflown while the mean has not. */
static void repair_extremes(MuGeometry g, PetscInt axis, const PetscReal *rho, PetscReal *mean) {
  const MuFaceMeans *face = &g->face;
  const PetscReal *rise = face->rise[axis], *a = face->lower_side, *b = face->upper_side;
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    if (PetscMin(a[i], b[i]) >= MU_MIN_NORMAL || !face->open[axis][i]) continue;
    mean[i] = mean_of_extremes(PetscMax(a[i], b[i]), log(PetscMax(face->lower[i], MU_MIN_NORMAL)) -
                                                         log(PetscMax(rho[i], MU_MIN_NORMAL)) -
                                                         (rise ? rise[i] : 0));
  }
}

static void logarithmic_means(MuGeometry g, PetscInt axis, const PetscReal *rho, PetscReal *mean) {
  MuFaceMeans *face = &g->face;
  const PetscReal *wl = face->weight_lower[axis], *wu = face->weight_upper[axis];
  const unsigned char *open = face->open[axis];
  const PetscInt size = g->info->local_size;
  PetscReal *a = face->lower_side, *b = face->upper_side;

  for (PetscInt i = 0; i < size; ++i) {
    a[i] = open[i] ? (wl ? wl[i] * face->lower[i] : face->lower[i]) : 0;
    b[i] = open[i] ? (wu ? wu[i] * rho[i] : rho[i]) : 0;
  }
  MuArrayLogarithmicMean(size, a, b, mean);
  repair_extremes(g, axis, rho, mean);
}

static void simple_means(MuGeometry g, PetscInt axis, const PetscReal *rho, PetscReal *mean) {
  const MuFaceMeans *face = &g->face;
  const PetscReal m = g->spec.stolarsky_exponent;
  const unsigned char *open = face->open[axis];
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    if (!open[i])
      mean[i] = 0;
    else if (g->spec.face_mean == MU_MEAN_ARITHMETIC)
      mean[i] = 0.5 * (face->lower[i] + rho[i]);
    else if (g->spec.face_mean == MU_MEAN_STOLARSKY)
      mean[i] = MuStolarskyMean(face->lower[i], rho[i], m);
    else
      mean[i] = face->lower[i]; /* UPWIND: the other choice is rho itself */
  }
}

PetscErrorCode MuFaceMeansSetState(MuGeometry g) {
  const PetscReal *rho;
  PetscReal *mean;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->rho, &rho));
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    PetscCall(lower_neighbours(g, a, rho, g->face.lower));
    PetscCall(VecGetArray(g->face.mean[a], &mean));
    if (g->spec.face_mean == MU_MEAN_LOGARITHMIC)
      logarithmic_means(g, a, rho, mean);
    else
      simple_means(g, a, rho, mean);
    PetscCall(VecRestoreArray(g->face.mean[a], &mean));
  }
  PetscCall(VecRestoreArrayRead(g->rho, &rho));
  PetscFunctionReturn(0);
}

/* The flux is -M grad xi: where xi rises, mass flows downward and the donor is the upper cell. */
static PetscErrorCode take_donors(MuGeometry g, PetscInt axis, Vec gradient) {
  const PetscReal *lower, *rho, *d;
  const unsigned char *open = g->face.open[axis];

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(g->face.mean[axis], &lower));
  PetscCall(VecGetArrayRead(g->rho, &rho));
  PetscCall(VecGetArrayRead(gradient, &d));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    g->face.upper_side[i] = open[i] ? (d[i] > 0 ? rho[i] : lower[i]) : 0;
  PetscCall(VecRestoreArrayRead(gradient, &d));
  PetscCall(VecRestoreArrayRead(g->rho, &rho));
  PetscCall(VecRestoreArrayRead(g->face.mean[axis], &lower));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFaceMeansGet(MuGeometry g, PetscInt axis, Vec gradient, const PetscReal **mean) {
  PetscFunctionBegin;
  if (g->spec.face_mean == MU_MEAN_UPWIND) {
    PetscCall(take_donors(g, axis, gradient));
    *mean = g->face.upper_side;
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
