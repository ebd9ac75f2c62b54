/* The energy distance along wasserstein on a line, with a uniform target: DF = k * (rho - pi) with
   k(z) = -c |z| has the slope -2c (R - P), R and P the distribution functions, so that the
   quantiles obey Q' = 2c (s - P(Q)). Of the uniform target on [lower, lower + L] P is linear, and
   Q_t = q + e^(-2ct/L) (Q_0 - q), q(s) = lower + L s. Bonaschi, Carrillo, Di Francesco and Peletier
   (2015). */
#include "facts/solutions.h"
#include "grid/arrays.h"

/* c of -c |z|, 0 for another kernel. */
static PetscErrorCode distance_factor(MuKernel kernel, PetscReal *c) {
  PetscReal half, one, two;

  PetscFunctionBegin;
  PetscCall(MuKernelEvaluate(kernel, 0.5, &half));
  PetscCall(MuKernelEvaluate(kernel, 1, &one));
  PetscCall(MuKernelEvaluate(kernel, 2, &two));
  *c = PetscAbsReal(two - 2 * one) + PetscAbsReal(one - 2 * half) < 1e-12 * PetscAbsReal(one)
           ? PetscMax(-one, 0)
           : 0;
  PetscFunctionReturn(0);
}

/* Whether pi is the same everywhere. */
static PetscErrorCode is_uniform(const MuSolution e, PetscBool *uniform) {
  PetscReal low, high;

  PetscFunctionBegin;
  PetscCall(VecMin(e->data->log_target, NULL, &low));
  PetscCall(VecMax(e->data->log_target, NULL, &high));
  *uniform = (PetscBool)(high - low < 1e-12);
  PetscFunctionReturn(0);
}

PetscErrorCode MuSolutionQuantilesFit(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);
  const MuKernelSpec *spec;
  PetscReal c = 0;

  PetscFunctionBegin;
  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_WASSERSTEIN && term && term->kernel_square &&
                      e->info->dim == 1 && !e->info->masked && !e->info->periodic[0]);
  if (!*fits) PetscFunctionReturn(0);
  PetscCall(MuKernelGetSpec(term->kernel, &spec));
  PetscCall(distance_factor(term->kernel, &c));
  PetscCall(is_uniform(e, fits));
  if (!(c > 0) || spec->extension != MU_EXTENSION_ZERO) *fits = PETSC_FALSE;
  e->rate = 2 * e->a * c / (e->info->upper[0] - e->info->lower[0]);
  PetscFunctionReturn(0);
}

/* The distribution function R of a density at the lower edge of cell `i`, [cells + 1], and between
   the edges the monotone cubic with the slopes of the density there (Fritsch and Carlson 1980). */
typedef struct {
  const PetscReal *rho;
  PetscReal *below; /* [cells + 1] */
  PetscInt cells;
  PetscReal lower, h;
} Distribution;

static PetscReal slope_at(const Distribution *d, PetscInt edge) {
  const PetscReal *rho = d->rho;
  const PetscInt n = d->cells;
  if (n == 1) return rho[0];
  const PetscInt i = PetscMax(1, PetscMin(n - 1, edge));
  const PetscReal mean = 0.5 * (rho[i - 1] + rho[i]);
  const PetscReal slope = mean + (PetscReal)(edge - i) * (rho[i] - rho[i - 1]);
  const PetscReal left = rho[PetscMax(edge - 1, 0)], right = rho[PetscMin(edge, n - 1)];
  return PetscMax(0, PetscMin(slope, 3 * PetscMin(left, right)));
}

static PetscReal distribution_at(const Distribution *d, PetscReal x) {
  const PetscReal place = (x - d->lower) / d->h;
  const PetscInt i = PetscMax(0, PetscMin(d->cells - 1, (PetscInt)floor(place)));
  const PetscReal t = place - (PetscReal)i, mass = d->rho[i];
  const PetscReal left = slope_at(d, i), right = slope_at(d, i + 1);
  return d->below[i] + d->h * (t * t * (3 - 2 * t) * mass + t * (1 - t) * (1 - t) * left -
                               t * t * (1 - t) * right);
}

/* R_t(x) = R_0(y), y the point that Q_t carries to x: decay y + (1 - decay) q(R_0(y)) = x. */
static PetscReal carried(const Distribution *d, PetscReal decay, PetscReal x) {
  const PetscReal length = (PetscReal)d->cells * d->h, total = d->below[d->cells];
  PetscReal low = d->lower, high = d->lower + length;
  for (int k = 0; k < 60; ++k) {
    const PetscReal y = 0.5 * (low + high);
    const PetscReal q = d->lower + length * distribution_at(d, y) / total;
    if (decay * y + (1 - decay) * q < x)
      low = y;
    else
      high = y;
  }
  return distribution_at(d, 0.5 * (low + high));
}

PetscErrorCode MuSolutionQuantiles(MuSolution e, PetscReal time, PetscReal *rho) {
  Distribution d = {
      .cells = e->info->local_size, .lower = e->info->lower[0], .h = e->info->spacing[0]};
  const PetscReal decay = exp(-e->rate * time);
  PetscReal before = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->data->initial, &d.rho));
  PetscCall(PetscCalloc1(d.cells + 1, &d.below));
  for (PetscInt i = 0; i < d.cells; ++i) d.below[i + 1] = d.below[i] + d.h * d.rho[i];
  for (PetscInt i = 0; i < d.cells; ++i) {
    const PetscReal x = d.lower + (PetscReal)(i + 1) * d.h;
    const PetscReal after = i == d.cells - 1 ? d.below[d.cells] : carried(&d, decay, x);
    rho[i] = (after - before) / d.h;
    before = after;
  }
  PetscCall(PetscFree(d.below));
  PetscCall(VecRestoreArrayRead(e->data->initial, &d.rho));
  PetscFunctionReturn(0);
}
