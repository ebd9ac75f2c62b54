/* k * pi at any point, pi constant in every cell of a grid and k on R^dim.

   The grid is refined until a cell is an eighth of the bandwidth (or the limit below is reached)
   and padded; the convolution with Galerkin weights gives the averages of k * pi over the refined
   cells exactly. Between them it is the spline of degree 4 that has these averages: its
   coefficients come from the recursive filter of the quintic B-spline (Unser, Aldroubi and Eden,
   IEEE Trans. Signal Processing 41 (1993) 834; Thevenaz, Blu and Unser, IEEE Trans. Medical Imaging
   19 (2000) 739). The error of the spline has mean zero over every refined cell. */
#include "particles/compare_impl.h"

enum { PAD = 32, MARGIN = PAD / 2, TAPS = 5, MOST_PARTS = 64 };

/* Cells per bandwidth that are wanted, and cells of the refined grid that are too many. */
static const PetscReal cells_per_bandwidth[2] = {32, 8};
static const PetscReal most_cells[2] = {1 << 17, 1 << 18};

struct _MuGridKernel {
  PetscInt dim, cells[2], parts;          /* a cell is cut into parts^dim */
  PetscReal lower[2], upper[2], width[2]; /* box of the density; cells */
  MuKernel kernel;
  MuGrid grid; /* refined and padded */
  const MuGridInfo *info;
  MuConvolution convolution;
  Vec density, smooth;
  PetscReal *coefficient; /* [ny][nx] of the spline */
  PetscReal *line;        /* [longest axis] */
  PetscReal *mass;        /* [cells] for points far outside */
  PetscReal inner;
};

/* ------------------------------------------------------------------ creating */

/* Parts per cell and axis: enough for the bandwidth (if it is none: as many as there may be), few
   enough for the memory. */
static PetscInt choose_parts(const MuGridKernel k, const MuKernelSpec *spec) {
  const PetscReal widest = PetscMax(k->width[0], k->dim == 2 ? k->width[1] : 0);
  const MuKernelTraits *traits;

  (void)MuKernelGetTraits(k->kernel, &traits);
  const PetscReal wanted =
      traits->homogeneous ? MOST_PARTS : cells_per_bandwidth[k->dim - 1] * widest / spec->bandwidth;
  const PetscReal most = most_cells[k->dim - 1] / ((PetscReal)k->cells[0] * k->cells[1]);
  const PetscReal parts = PetscMin(ceil(wanted), floor(PetscPowReal(most, 1.0 / k->dim)));
  return (PetscInt)PetscMin(PetscMax(parts, 1), MOST_PARTS);
}

static PetscErrorCode create_grid(MuGridKernel k) {
  MuGridSpec spec = {.dim = k->dim};

  PetscFunctionBegin;
  for (PetscInt a = 0; a < k->dim; ++a) {
    const PetscReal pad = PAD * k->width[a] / k->parts;
    spec.cells[a] = k->cells[a] * k->parts + 2 * PAD;
    spec.lower[a] = k->lower[a] - pad;
    spec.upper[a] = k->upper[a] + pad;
  }
  PetscCall(MuGridCreate(PETSC_COMM_SELF, &spec, &k->grid));
  PetscCall(MuGridGetInfo(k->grid, &k->info));
  PetscCall(MuGridCreateField(k->grid, &k->density));
  PetscCall(MuGridCreateField(k->grid, &k->smooth));
  PetscCall(PetscMalloc3(k->info->local_size, &k->coefficient,
                         PetscMax(k->info->cells[0], k->info->cells[1]), &k->line,
                         k->cells[0] * k->cells[1], &k->mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuGridKernel k, const MuKernelSpec *spec) {
  MuKernelSpec zero = *spec;

  PetscFunctionBegin;
  zero.extension = MU_EXTENSION_ZERO;
  PetscCall(MuKernelCreate(&zero, k->dim, &k->kernel));
  k->parts = choose_parts(k, spec);
  PetscCall(create_grid(k));
  PetscCall(MuConvolutionCreate(k->grid, k->kernel, MU_CELLS, &k->convolution));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridKernelCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                                  const PetscReal upper[2], const MuKernelSpec *spec,
                                  MuGridKernel *kernel) {
  PetscErrorCode code;
  MuGridKernel k;

  PetscFunctionBegin;
  *kernel = NULL;
  PetscCall(PetscNew(&k));
  k->dim = dim;
  k->cells[0] = k->cells[1] = 1;
  for (PetscInt a = 0; a < dim; ++a) {
    k->cells[a] = cells[a];
    k->lower[a] = lower[a];
    k->upper[a] = upper[a];
    k->width[a] = (upper[a] - lower[a]) / cells[a];
  }
  code = build(k, spec);
  if (code)
    PetscCall(MuGridKernelDestroy(&k));
  else
    *kernel = k;
  PetscFunctionReturn(code);
}

PetscErrorCode MuGridKernelDestroy(MuGridKernel *kernel) {
  MuGridKernel k = *kernel;

  PetscFunctionBegin;
  *kernel = NULL;
  if (!k) PetscFunctionReturn(0);
  PetscCall(MuConvolutionDestroy(&k->convolution));
  PetscCall(VecDestroy(&k->density));
  PetscCall(VecDestroy(&k->smooth));
  PetscCall(PetscFree3(k->coefficient, k->line, k->mass));
  PetscCall(MuGridDestroy(&k->grid));
  PetscCall(MuKernelDestroy(&k->kernel));
  PetscCall(PetscFree(k));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the spline */

/* The coefficients c of the quartic B-splines whose averages over the cells are s, in place; s goes
   on beyond its ends as in a mirror. */
static void filter_line(PetscInt n, PetscReal *s) {
  static const PetscReal poles[2] = {-0.43057534709997825, -0.04309628820326465};
  enum { HORIZON = 44 }; /* |pole|^HORIZON < 1e-16 */
  for (int p = 0; p < 2; ++p) {
    const PetscReal z = poles[p];
    PetscReal sum = 0, power = 1;
    for (PetscInt i = 0; i < n; ++i) s[i] *= (1 - z) * (1 - 1 / z);
    for (PetscInt i = 0; i < PetscMin(n, HORIZON); ++i, power *= z) sum += power * s[i];
    s[0] = sum;
    for (PetscInt i = 1; i < n; ++i) s[i] += z * s[i - 1];
    s[n - 1] = z / (z * z - 1) * (z * s[n - 2] + s[n - 1]);
    for (PetscInt i = n - 2; i >= 0; --i) s[i] = z * (s[i + 1] - s[i]);
  }
}

static void filter_plane(MuGridKernel k) {
  const PetscInt nx = k->info->cells[0], ny = k->info->cells[1];
  for (PetscInt j = 0; j < ny; ++j) filter_line(nx, k->coefficient + j * nx);
  for (PetscInt i = 0; i < nx && k->dim == 2; ++i) {
    for (PetscInt j = 0; j < ny; ++j) k->line[j] = k->coefficient[j * nx + i];
    filter_line(ny, k->line);
    for (PetscInt j = 0; j < ny; ++j) k->coefficient[j * nx + i] = k->line[j];
  }
}

/* The five quartic B-splines at t in [-1/2, 1/2] from the middle of a cell: of the cells two
   before it to two after it. */
static void weights_at(PetscReal t, PetscReal w[TAPS]) {
  const PetscReal t2 = t * t, odd = t * (t2 / 6 - 11.0 / 24),
                  even = 19.0 / 96 + t2 * (0.25 - t2 / 6);
  w[0] = PetscSqr(PetscSqr(0.5 - t)) / 24;
  w[1] = even + odd;
  w[3] = even - odd;
  w[4] = w[0] + odd + 0.5 * t;
  w[2] = 1 - w[0] - w[1] - w[3] - w[4];
}

/* Whether x is far enough within the padded grid, and then the first cell and the weights. */
static PetscBool find_cell(const MuGridKernel k, PetscInt a, PetscReal x, PetscInt *first,
                           PetscReal w[TAPS]) {
  const PetscReal u = (x - k->info->lower[a]) / k->info->spacing[a];
  if (!(u >= MARGIN && u <= k->info->cells[a] - MARGIN)) return PETSC_FALSE;
  const PetscReal cell = floor(u);
  *first = (PetscInt)cell - TAPS / 2;
  weights_at(u - cell - 0.5, w);
  return PETSC_TRUE;
}

/* ------------------------------------------------------------------ far outside */

/* Two Gauss points per cell and axis. */
static PetscErrorCode sum_directly(const MuGridKernel k, const PetscReal *x, PetscReal *g) {
  const PetscReal node = 0.5 / sqrt(3.0);
  const PetscInt points = k->dim == 2 ? 4 : 2;
  PetscReal value;

  PetscFunctionBegin;
  *g = 0;
  for (PetscInt i = 0; i < k->cells[0] * k->cells[1]; ++i) {
    const PetscInt index[2] = {i % k->cells[0], i / k->cells[0]};
    for (PetscInt q = 0; q < points && k->mass[i] != 0; ++q) {
      PetscReal r2 = 0;
      for (PetscInt a = 0; a < k->dim; ++a) {
        const PetscReal side = (a ? q / 2 : q % 2) ? node : -node;
        r2 += PetscSqr(x[a] - k->lower[a] - (index[a] + 0.5 + side) * k->width[a]);
      }
      PetscCall(MuKernelEvaluate(k->kernel, sqrt(r2), &value));
      *g += k->mass[i] * value / points;
    }
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ use */

PetscErrorCode MuGridKernelSetMass(MuGridKernel k, const PetscReal *mass) {
  const PetscInt nx = k->info->cells[0], ny = k->info->cells[1], shift = k->dim == 2 ? PAD : 0;
  PetscReal *density, volume = 1;
  const PetscReal *smooth;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < k->dim; ++a) volume *= k->width[a];
  PetscCall(PetscArraycpy(k->mass, mass, k->cells[0] * k->cells[1]));
  PetscCall(VecSet(k->density, 0));
  PetscCall(VecGetArray(k->density, &density));
  for (PetscInt j = shift; j < ny - shift; ++j)
    for (PetscInt i = PAD; i < nx - PAD; ++i) {
      const PetscInt cell = (j - shift) / k->parts * k->cells[0] + (i - PAD) / k->parts;
      density[j * nx + i] = mass[cell] / volume;
    }
  PetscCall(VecRestoreArray(k->density, &density));
  PetscCall(MuConvolutionApply(k->convolution, k->density, k->smooth));
  PetscCall(MuGridInner(k->grid, k->density, k->smooth, &k->inner));
  PetscCall(VecGetArrayRead(k->smooth, &smooth));
  PetscCall(PetscArraycpy(k->coefficient, smooth, nx * ny));
  PetscCall(VecRestoreArrayRead(k->smooth, &smooth));
  filter_plane(k);
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridKernelEvaluate(MuGridKernel k, PetscInt n, const PetscReal *x, PetscReal *g) {
  const PetscInt nx = k->info->cells[0], rows = k->dim == 2 ? TAPS : 1;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal w[2][TAPS] = {{0}, {1}};
    PetscInt first[2] = {0, 0};
    PetscBool near = PETSC_TRUE;
    for (PetscInt a = 0; a < k->dim && near; ++a)
      near = find_cell(k, a, x[i * k->dim + a], &first[a], w[a]);
    if (!near) {
      PetscCall(sum_directly(k, x + i * k->dim, &g[i]));
      continue;
    }
    g[i] = 0;
    for (PetscInt b = 0; b < rows; ++b) {
      const PetscReal *c = k->coefficient + (first[1] + b) * nx + first[0];
      PetscReal row = 0;
      for (PetscInt a = 0; a < TAPS; ++a) row += w[0][a] * c[a];
      g[i] += w[1][b] * row;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuGridKernelInner(MuGridKernel k, PetscReal *inner) {
  *inner = k->inner;
  return 0;
}
