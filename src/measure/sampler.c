/* Draws from a density that is constant in every cell, by inversion: in 1-D of the piecewise-linear
   distribution function; in 2-D of the distribution function of the cells in row-major order, whose
   remainder is uniform in the cell and gives x, while y is drawn by itself (Devroye, Non-Uniform
   Random Variate Generation, 1986, sections II.2 and III.2). */
#include "measure/mixture.h"
#include "mudot.h"

#include <gsl/gsl_rng.h>
#include <math.h>

#define LARGEST (1 - 0x1p-53) /* level below 1 */

struct _p_MuSampler {
  PetscInt dim, cells[2], count;
  PetscReal lower[2], width[2];
  PetscReal edge[2]; /* share of a cell's width that rounding can carry over its edge */
  PetscReal *below;  /* [count + 1] mass of the cells before, of total 1 */
};

static PetscErrorCode accumulate(MuSampler s, const PetscReal *density) {
  PetscReal total;

  PetscFunctionBegin;
  s->below[0] = 0;
  for (PetscInt i = 0; i < s->count; ++i) {
    if (!(density[i] >= 0) || PetscIsInfReal(density[i]))
      return MuError(MU_ERR_INPUT,
                     "density: the value of cell %d is %g; to draw from it, it must be finite and "
                     "not negative",
                     (int)i + 1, density[i]);
    s->below[i + 1] = s->below[i] + density[i];
  }
  total = s->below[s->count];
  if (!(total > 0) || PetscIsInfReal(total))
    return MuError(MU_ERR_INPUT, "density: its mass is %g; to draw from it, it must be positive",
                   total);
  for (PetscInt i = 0; i <= s->count; ++i) s->below[i] /= total;
  PetscFunctionReturn(0);
}

PetscErrorCode MuSamplerCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                               const PetscReal upper[2], const PetscReal *density,
                               MuSampler *sampler) {
  PetscErrorCode failed;
  MuSampler s;

  PetscFunctionBegin;
  *sampler = NULL;
  PetscCall(PetscNew(&s));
  s->dim = dim;
  s->count = 1;
  for (PetscInt a = 0; a < dim; ++a) {
    s->cells[a] = cells[a];
    s->count *= cells[a];
    s->lower[a] = lower[a];
    s->width[a] = (upper[a] - lower[a]) / cells[a];
    s->edge[a] = 4 * PETSC_MACHINE_EPSILON * PetscMax(fabs(lower[a]), fabs(upper[a])) / s->width[a];
  }
  PetscCall(PetscMalloc1(s->count + 1, &s->below));
  failed = accumulate(s, density);
  if (failed)
    PetscCall(MuSamplerDestroy(&s));
  else
    *sampler = s;
  PetscFunctionReturn(failed);
}

PetscErrorCode MuSamplerDestroy(MuSampler *sampler) {
  PetscFunctionBegin;
  if (*sampler) PetscCall(PetscFree((*sampler)->below));
  PetscCall(PetscFree(*sampler));
  PetscFunctionReturn(0);
}

/* A uniform number in [0, 1) with all 53 bits: those of two draws. */
static PetscReal uniform(const gsl_rng *rng) {
  const PetscReal high = floor(gsl_rng_uniform(rng) * 0x1p26);
  const PetscReal u = (high + gsl_rng_uniform(rng)) * 0x1p-26;
  return PetscMin(u, LARGEST);
}

/* The cell with below[cell] <= u < below[cell + 1], which has mass. */
static PetscInt find_cell(const MuSampler s, PetscReal u) {
  PetscInt low = 0, high = s->count;
  while (high - low > 1) {
    const PetscInt middle = low + (high - low) / 2;
    if (s->below[middle] <= u)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static PetscReal position(const MuSampler s, PetscInt axis, PetscInt index, PetscReal share) {
  share = PetscMin(PetscMax(share, s->edge[axis]), 1 - s->edge[axis]);
  return s->lower[axis] + (index + share) * s->width[axis];
}

PetscErrorCode MuSamplerDraw(MuSampler sampler, const gsl_rng *rng, PetscBool stratified,
                             PetscInt n, PetscReal *x) {
  const MuSampler s = sampler;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal u = uniform(rng);
    if (stratified) u = PetscMin((i + u) / n, LARGEST);
    const PetscInt cell = find_cell(s, u);
    const PetscReal share = (u - s->below[cell]) / (s->below[cell + 1] - s->below[cell]);
    x[i * s->dim] = position(s, 0, cell % s->cells[0], share);
    if (s->dim == 2) x[2 * i + 1] = position(s, 1, cell / s->cells[0], uniform(rng));
  }
  PetscFunctionReturn(0);
}
