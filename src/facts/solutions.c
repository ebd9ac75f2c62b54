/* Exact solutions by name, keyed by the traits of the pair. A solution of the reaction kind is
   taken of the density and the target on the grid as they are, so that what is left is the error in
   time alone. Liero, Mielke and Savare (2018); Barenblatt (1952); Risken, The Fokker-Planck
   equation (1989). */
#include "facts/solutions.h"
#include "grid/arrays.h"

/* ------------------------------------------------------------------ reactions */

static PetscErrorCode check_power(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);

  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_FISHER_RAO && !e->system.spherical && term &&
                      !isnan(term->power) && term->power != 1);
  if (!*fits) return 0;
  e->power = term->power;
  e->rate = e->b;
  return 0;
}

/* rho = pi (1 + (s0^(1-p) - 1) e^-t)^(1/(1-p)) */
static PetscErrorCode evaluate_power(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal q = 1 - e->power, decay = exp(-e->rate * time);
  const PetscReal *log_pi, *start;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscReal log_s = log(PetscMax(start[i], MU_MIN_NORMAL)) - log_pi[i];
    rho[i] = e->info->mask[i] ? exp(log_pi[i] + log1p(expm1(q * log_s) * decay) / q) : 0;
  }
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &log_pi));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_kl(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);

  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_FISHER_RAO && term && term->power == 1);
  e->rate = e->b;
  return 0;
}

/* rho = rho_0^(e^-t) pi^(1 - e^-t), normalised if spherical */
static PetscErrorCode evaluate_kl(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal decay = exp(-e->rate * time);
  const PetscReal *log_pi, *start;
  PetscReal mass = 0, initial = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscReal l = log(PetscMax(start[i], MU_MIN_NORMAL));
    rho[i] = e->info->mask[i] ? exp(log_pi[i] + decay * (l - log_pi[i])) : 0;
    mass += rho[i];
    initial += start[i];
  }
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &log_pi));
  for (PetscInt i = 0; i < e->info->local_size && e->system.spherical; ++i)
    rho[i] *= initial / mass;
  PetscFunctionReturn(0);
}

/* Whether conserved mass bends a linear flow: one of equal masses conserves it by itself. */
static PetscBool projects(const MuSolution e) {
  return (PetscBool)(e->system.spherical && e->system.unequal);
}

static PetscErrorCode check_mixture(MuSolution e, PetscBool *fits) {
  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_INVERSE && !projects(e));
  e->rate = MuSystemWeight(&e->system, MU_IS_INVERSE, NULL) * MuSystemKernelSquare(&e->system);
  return 0;
}

/* rho = pi + e^-t (rho_0 - pi) */
static PetscErrorCode evaluate_mixture(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal decay = exp(-e->rate * time);
  const PetscReal *log_pi, *start;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i)
    rho[i] = e->info->mask[i] ? exp(log_pi[i]) * (1 - decay) + decay * start[i] : 0;
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &log_pi));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ heat */

/* x -> e^(t D Laplacian) x with walls or periods: convolution with a Gaussian of variance 2 D t. */
static PetscErrorCode diffuse(MuSolution e, PetscReal variance, Vec x) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuConvolution convolution;

  PetscFunctionBegin;
  if (!(variance > 0)) PetscFunctionReturn(0);
  MuKernelSpecDefault(&spec);
  spec.bandwidth = sqrt(variance);
  spec.extension = MU_EXTENSION_REFLECT;
  PetscCall(MuKernelCreate(&spec, e->info->dim, &kernel));
  PetscCall(MuConvolutionCreate(e->data->grid, kernel, MU_CELLS, &convolution));
  PetscCall(MuConvolutionApply(convolution, x, x));
  PetscCall(MuConvolutionDestroy(&convolution));
  PetscCall(MuKernelDestroy(&kernel));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_heat(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);

  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_WASSERSTEIN && term &&
                      term->density_power == 1 && !e->info->masked);
  e->rate = e->a;
  return 0;
}

static PetscErrorCode evaluate_heat(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecCopy(e->data->initial, e->work));
  PetscCall(diffuse(e, 2 * e->rate * time, e->work));
  PetscCall(VecGetArrayRead(e->work, &x));
  PetscCall(PetscArraycpy(rho, x, e->info->local_size));
  PetscCall(VecRestoreArrayRead(e->work, &x));
  PetscFunctionReturn(0);
}

/* The one part inverts a kernel of unit mass whose inverse is 1 - h^2 Laplacian. */
static PetscErrorCode check_absorption(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);
  const MuPartTraits *part = &e->system.part[0];
  const MuKernelSpec *k;
  PetscReal order;

  PetscFunctionBegin;
  *fits = (PetscBool)(e->system.parts == 1 && term && term->flat_square && !e->info->masked &&
                      !projects(e) && MuSystemClass(&e->system, 0, PETSC_TRUE) == MU_IS_INVERSE);
  if (!*fits) PetscFunctionReturn(0);
  PetscCall(MuKernelGetSpec(part->kernel, &k));
  PetscCall(MuKernelGetInverseOrder(part->kernel, &order));
  *fits =
      (PetscBool)(order == 2 &&
                  (k->extension == MU_EXTENSION_REFLECT || k->extension == MU_EXTENSION_PERIODIC) &&
                  k->normalization == MU_NORMALIZATION_MASS);
  e->spread = k->bandwidth;
  e->rate = part->weight * term->weight;
  PetscFunctionReturn(0);
}

/* rho = pi + e^-t e^(t h^2 Laplacian) (rho_0 - pi) */
static PetscErrorCode evaluate_absorption(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal t = e->rate * time, *log_pi, *x;
  PetscReal *w;

  PetscFunctionBegin;
  PetscCall(VecCopy(e->data->initial, e->work));
  PetscCall(VecGetArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecGetArray(e->work, &w));
  for (PetscInt i = 0; i < e->info->local_size; ++i) w[i] -= exp(log_pi[i]);
  PetscCall(VecRestoreArray(e->work, &w));
  PetscCall(diffuse(e, 2 * t * e->spread * e->spread, e->work));
  PetscCall(VecGetArrayRead(e->work, &x));
  for (PetscInt i = 0; i < e->info->local_size; ++i) rho[i] = exp(log_pi[i]) + exp(-t) * x[i];
  PetscCall(VecRestoreArrayRead(e->work, &x));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &log_pi));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Gaussians */

static void invert(PetscInt d, const PetscReal *m, PetscReal *inverse, PetscReal *determinant) {
  if (d == 1) {
    *determinant = m[0];
    inverse[0] = 1 / m[0];
    return;
  }
  *determinant = m[0] * m[3] - m[1] * m[2];
  inverse[0] = m[3] / *determinant;
  inverse[3] = m[0] / *determinant;
  inverse[1] = -m[1] / *determinant;
  inverse[2] = -m[2] / *determinant;
}

/* chi2 along flat_wasserstein, omega = pi, is the equation of kl along wasserstein. */
static PetscBool is_fokker_planck(const MuSolution e) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);
  for (PetscInt k = 0; k < e->system.parts; ++k)
    if (e->system.part[k].kind != MU_PART_TRANSPORT) return PETSC_FALSE;
  return (PetscBool)(e->system.fixed_at_target && term && term->power == 2);
}

static PetscErrorCode check_gaussians(MuSolution e, PetscBool *fits) {
  const PetscInt both = (PetscInt)MU_IS_WASSERSTEIN | (PetscInt)MU_IS_FISHER_RAO;
  const MuTermTraits *term = MuSolutionOnlyTerm(e);
  PetscReal determinant;

  *fits = (PetscBool)(e->data->initial_gaussian.is && e->data->target_gaussian.is && term &&
                      term->power == 1 && !(e->classes & ~both));
  if (is_fokker_planck(e)) {
    *fits = (PetscBool)(e->data->initial_gaussian.is && e->data->target_gaussian.is);
    for (PetscInt k = 0; k < e->system.parts; ++k) e->a += e->system.part[k].weight * term->weight;
  }
  if (*fits) invert(e->info->dim, e->data->target_gaussian.covariance, e->precision, &determinant);
  return 0;
}

static PetscErrorCode check_ou(MuSolution e, PetscBool *fits) {
  PetscFunctionBegin;
  PetscCall(check_gaussians(e, fits));
  if (e->b != 0) *fits = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static void multiply(PetscInt d, const PetscReal *a, const PetscReal *b, PetscReal *c) {
  for (PetscInt i = 0; i < d; ++i)
    for (PetscInt j = 0; j < d; ++j) {
      c[i * d + j] = 0;
      for (PetscInt k = 0; k < d; ++k) c[i * d + j] += a[i * d + k] * b[k * d + j];
    }
}

/* y = (m, S, u): dm/dt = -(a P + b S P)(m - m_pi), dS/dt = 2a - a (P S + S P) + b (S - S P S). u,
   the logarithm of the mass over the target's, obeys u' = -b (u + H) where it is free, H the
   relative entropy of the shape, 1/2 (tr(P S) - d - log det(P S) + (m - m_pi)' P (m - m_pi)). */
static void gaussian_slope(const MuSolution e, const PetscReal *y, PetscReal *dy) {
  const PetscInt d = e->info->dim;
  const PetscReal *s = y + d;
  PetscReal ps[4], sp[4], sps[4];
  multiply(d, e->precision, s, ps);
  multiply(d, s, e->precision, sp);
  multiply(d, s, ps, sps);
  PetscReal entropy = -(PetscReal)d - log(d == 1 ? ps[0] : ps[0] * ps[3] - ps[1] * ps[2]);
  for (PetscInt i = 0; i < d; ++i) {
    dy[i] = 0;
    entropy += ps[i * d + i];
    for (PetscInt j = 0; j < d; ++j) {
      const PetscInt k = i * d + j;
      dy[i] -= (e->a * e->precision[k] + e->b * sp[k]) * (y[j] - e->data->target_gaussian.mean[j]);
      entropy += (y[i] - e->data->target_gaussian.mean[i]) * e->precision[k] *
                 (y[j] - e->data->target_gaussian.mean[j]);
      dy[d + k] = 2 * e->a * (i == j) - e->a * (ps[k] + sp[k]) + e->b * (s[k] - sps[k]);
    }
  }
  dy[d + d * d] = e->system.spherical ? 0 : -e->b * (y[d + d * d] + 0.5 * entropy);
}

/* The classical Runge-Kutta method with steps whose error is rounding. */
static void gaussian_moments(const MuSolution e, PetscReal time, PetscReal *y) {
  const PetscInt d = e->info->dim, n = d + d * d + 1, steps = 4000;
  const PetscReal dt = time / steps;
  PetscReal k[4][7], z[7];
  for (PetscInt i = 0; i < d; ++i) y[i] = e->data->initial_gaussian.mean[i];
  for (PetscInt i = 0; i < d * d; ++i) y[d + i] = e->data->initial_gaussian.covariance[i];
  y[n - 1] = log(e->data->initial_gaussian.mass / e->data->target_gaussian.mass);
  for (PetscInt step = 0; step < steps; ++step) {
    static const PetscReal at[4] = {0, 0.5, 0.5, 1};
    for (int stage = 0; stage < 4; ++stage) {
      for (PetscInt i = 0; i < n; ++i) z[i] = y[i] + (stage ? at[stage] * dt * k[stage - 1][i] : 0);
      gaussian_slope(e, z, k[stage]);
    }
    for (PetscInt i = 0; i < n; ++i)
      y[i] += dt / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
  }
}

static PetscErrorCode evaluate_gaussian(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscInt d = e->info->dim;
  PetscReal y[7], inverse[4], determinant, x[2];

  PetscFunctionBegin;
  gaussian_moments(e, time, y);
  invert(d, y + d, inverse, &determinant);
  const PetscReal mass = e->data->target_gaussian.mass * exp(y[d + d * d]);
  const PetscReal scale = mass * pow(2 * PETSC_PI, -0.5 * (PetscReal)d) / sqrt(determinant);
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscReal square = 0;
    PetscCall(MuGridCellCentre(e->data->grid, i, x));
    for (PetscInt a = 0; a < d; ++a)
      for (PetscInt b = 0; b < d; ++b) square += (x[a] - y[a]) * inverse[a * d + b] * (x[b] - y[b]);
    rho[i] = e->info->mask[i] ? scale * exp(-0.5 * square) : 0;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Barenblatt */

/* d rho/dt = rate Laplacian rho^2 from the profile at time 1: T^(-d beta) (C - kappa r^2)_+, r = x
   T^(-beta), beta = 1/(d + 2), kappa = beta/4, C for mass 1. */
static PetscErrorCode evaluate_barenblatt(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscInt d = e->info->dim;
  const PetscReal beta = 1.0 / (PetscReal)(d + 2), kappa = beta / 4, t = 1 + e->rate * time;
  const PetscReal c = d == 1 ? pow(0.75 * sqrt(kappa), 2.0 / 3) : sqrt(2 * kappa / PETSC_PI);
  PetscReal x[2];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscCall(MuGridCellCentre(e->data->grid, i, x));
    PetscReal r2 = (x[0] * x[0] + (d == 2 ? x[1] * x[1] : 0)) * pow(t, -2 * beta);
    rho[i] = pow(t, -(PetscReal)d * beta) * PetscMax(0, c - kappa * r2);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_barenblatt(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);
  PetscReal distance, *x;

  PetscFunctionBegin;
  e->rate = e->a;
  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_WASSERSTEIN && term &&
                      term->density_power == 2 && !e->info->masked);
  if (!*fits) PetscFunctionReturn(0);
  PetscCall(VecGetArray(e->work, &x));
  PetscCall(evaluate_barenblatt(e, 0, x));
  PetscCall(VecRestoreArray(e->work, &x));
  PetscCall(MuGridDistanceL1(e->data->grid, e->work, e->data->initial, &distance));
  *fits = (PetscBool)(distance < 0.02); /* the kink at the front, on a coarse grid */
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the table */

static PetscErrorCode check_stationary(MuSolution e, PetscBool *fits) {
  const PetscReal *log_pi, *start;
  PetscReal worst = 0;

  PetscFunctionBegin;
  *fits = (PetscBool)(e->data->log_target != NULL);
  if (!*fits) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i)
    if (e->info->mask[i])
      worst = PetscMax(worst, PetscAbsReal(start[i] - exp(log_pi[i])) / exp(log_pi[i]));
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &log_pi));
  *fits = (PetscBool)(worst < 1e-12);
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate_stationary(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal *start;

  PetscFunctionBegin;
  (void)time;
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  PetscCall(PetscArraycpy(rho, start, e->info->local_size));
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscFunctionReturn(0);
}

static const SolutionOps table[] = {
    {"fisher_rao_power",
     "geometry fisher_rao alone, not spherical, and one of the energies inclusive_kl, hellinger, "
     "chi2 and power with an exponent other than 1",
     check_power, evaluate_power},
    {"fisher_rao_kl", "geometry fisher_rao alone and energy kl", check_kl, evaluate_kl},
    {"spherical_fisher_rao_power",
     "geometry fisher_rao alone, spherical, and one of the energies inclusive_kl, hellinger, chi2 "
     "and power with an exponent other than 1",
     MuSolutionSphericalPowerFits, MuSolutionSphericalPower},
    {"fisher_rao_potential", "geometry fisher_rao alone and energy potential",
     MuSolutionPotentialFits, MuSolutionPotential},
    {"flat_fisher_rao_chi2", "geometry flat_fisher_rao alone, not spherical, and energy chi2",
     MuSolutionFixedFits, MuSolutionFixed},
    {"mmd_mixture", "geometry mmd without a ridge and energy mmd with the same kernel",
     check_mixture, evaluate_mixture},
    {"heat_absorption",
     "geometry mmd without a ridge with a bessel kernel of order 1 and mass 1 (reflect or "
     "periodic), energy l2, and no mask",
     check_absorption, evaluate_absorption},
    {"heat", "geometry wasserstein, energy entropy, and no mask", check_heat, evaluate_heat},
    {"ornstein_uhlenbeck",
     "geometry wasserstein and energy kl, or flat_wasserstein with the target as reference and "
     "chi2, and a gaussian target and a gaussian initial density",
     check_ou, evaluate_gaussian},
    {"gaussian_hellinger_kantorovich",
     "geometry wasserstein and fisher_rao, spherical or not, energy kl, and a gaussian target and "
     "a "
     "gaussian initial density",
     check_gaussians, evaluate_gaussian},
    {"barenblatt",
     "geometry wasserstein, energy internal with exponent 2, no mask, and Barenblatt's profile at "
     "time 1 as the initial density",
     check_barenblatt, evaluate_barenblatt},
    {"energy_distance_quantiles",
     "one dimension without a mask or periods, geometry wasserstein, energy mmd with a riesz "
     "kernel "
     "of exponent 1 and extension zero, and a uniform target",
     MuSolutionQuantilesFit, MuSolutionQuantiles},
    {"stationary", "the target as the initial density", check_stationary, evaluate_stationary},
};
enum { SOLUTIONS = sizeof table / sizeof table[0] };

PetscErrorCode MuSolutionGetTableRow(PetscInt i, const char **name, const char **needs) {
  *name = i < SOLUTIONS ? table[i].name : NULL;
  *needs = i < SOLUTIONS ? table[i].needs : NULL;
  return 0;
}

static PetscErrorCode read_system(MuSolution e) {
  const MuGeometrySpec *g;
  const MuEnergySpec *spec;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(e->data->geometry, &g));
  PetscCall(MuEnergyGetSpec(e->data->energy, &spec));
  PetscCall(MuSystemRead(g, spec, &e->system));
  PetscCall(
      MuSystemCompareMasses(&e->system, e->data->grid, e->data->log_target, e->data->initial));
  PetscCall(MuSystemFindReference(&e->system, e->data->grid, e->data->geometry, e->data->log_target,
                                  e->data->initial));
  const PetscReal weight = e->system.term[0].weight;
  e->a = weight * MuSystemWeight(&e->system, MU_IS_WASSERSTEIN, &e->classes);
  e->b = weight * MuSystemWeight(&e->system, MU_IS_FISHER_RAO, NULL);
  PetscFunctionReturn(0);
}

PetscErrorCode MuSolutionCreate(const char *name, const MuSolutionData *data,
                                MuSolution *solution) {
  const char *found;
  char nearest[64];
  PetscBool fits;
  MuSolution e;

  PetscFunctionBegin;
  *solution = NULL;
  PetscCall(MuTableFind(MuSolutionGetTableRow, name, &found, nearest));
  if (!found)
    return MuError(MU_ERR_INPUT, "study_exact: there is no exact solution %s%s", name, nearest);
  PetscCall(PetscNew(&e));
  e->data = data;
  PetscCall(MuGridGetInfo(data->grid, &e->info));
  for (PetscInt i = 0; i < SOLUTIONS; ++i)
    if (table[i].name == found) e->ops = &table[i];
  PetscCall(MuGridCreateField(data->grid, &e->work));
  PetscCall(read_system(e));
  PetscCall(e->ops->check(e, &fits));
  *solution = e;
  if (fits) PetscFunctionReturn(0);
  const char *needs = e->ops->needs;
  PetscCall(MuSolutionDestroy(solution));
  return MuError(MU_ERR_INPUT, "study_exact: %s does not belong to this case; it needs %s", name,
                 needs);
}

PetscErrorCode MuSolutionDestroy(MuSolution *solution) {
  PetscFunctionBegin;
  if (!*solution) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&(*solution)->work));
  PetscCall(PetscFree(*solution));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSolutionEvaluate(MuSolution e, PetscReal time, Vec rho) {
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArray(rho, &x));
  PetscCall(e->ops->evaluate(e, time, x));
  PetscCall(VecRestoreArray(rho, &x));
  PetscFunctionReturn(0);
}
