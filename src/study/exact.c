/* Exact solutions by name. A solution of the reaction kind is taken of the density and the target
   on the grid as they are, so that what is left is the error in time alone. Liero, Mielke and
   Savare (2018); Barenblatt (1952); Risken, The Fokker-Planck equation (1989). */
#include "grid/arrays.h"
#include "study/study_impl.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const char *name;
  const char *needs; /* "needs ...": what the case must be */
  /* REQUIRED: *fits if the solution belongs to the case; may set numbers of the exact object. */
  PetscErrorCode (*check)(MuExact e, PetscBool *fits);
  /* REQUIRED: the density at `time`. */
  PetscErrorCode (*evaluate)(MuExact e, PetscReal time, PetscReal *rho);
} MuExactOps;

struct _p_MuExact {
  const MuExactOps *ops;
  const MuProblemParts *parts; /* borrowed from the trial */
  const MuGridInfo *info;
  MuCase c;
  PetscReal rate, power, a, b; /* rate: product of the weights; a: wasserstein, b: fisher_rao */
  PetscReal mean[2], covariance[4], target_mean[2], precision[4];
  Vec work;
};

/* ------------------------------------------------------------------ what the case is */

static PetscReal part_weight(const MuExact e, const char *name) {
  const MuGeometrySpec *g;
  if (MuGeometryGetSpec(e->parts->geometry, &g)) return 0;
  for (PetscInt k = 0; k < g->parts; ++k)
    if (!strcmp(g->part[k].name, name)) return g->part[k].weight;
  return 0;
}

static PetscBool only_parts(const MuExact e, const char *one, const char *two) {
  const MuGeometrySpec *g;
  if (MuGeometryGetSpec(e->parts->geometry, &g)) return PETSC_FALSE;
  for (PetscInt k = 0; k < g->parts; ++k)
    if (strcmp(g->part[k].name, one) != 0 && (!two || strcmp(g->part[k].name, two) != 0))
      return PETSC_FALSE;
  return PETSC_TRUE;
}

static PetscBool is_spherical(const MuExact e) {
  const MuGeometrySpec *g;
  return MuGeometryGetSpec(e->parts->geometry, &g) ? PETSC_FALSE : g->spherical;
}

/* Name of the one energy, NULL if there are several. */
static const char *one_energy(const MuExact e, PetscReal *weight) {
  const MuEnergySpec *spec;
  if (MuEnergyGetSpec(e->parts->energy, &spec) || spec->terms != 1) return "";
  *weight = spec->term[0].weight;
  return spec->term[0].name;
}

static PetscBool power_of(const MuExact e, PetscReal *p) {
  const MuEnergySpec *spec;
  MuTermTraits term;
  if (MuEnergyGetSpec(e->parts->energy, &spec) || spec->terms != 1) return PETSC_FALSE;
  if (MuEnergyGetTraits(spec, 0, &term)) return PETSC_FALSE;
  *p = term.power;
  return (PetscBool)(!isnan(*p));
}

/* ------------------------------------------------------------------ reactions */

static PetscErrorCode check_power(MuExact e, PetscBool *fits) {
  PetscReal weight = 0;

  PetscFunctionBegin;
  (void)one_energy(e, &weight);
  e->power = NAN;
  e->rate = weight * part_weight(e, "fisher_rao");
  *fits = (PetscBool)(only_parts(e, "fisher_rao", NULL) && !is_spherical(e) &&
                      power_of(e, &e->power) && e->power != 1);
  PetscFunctionReturn(0);
}

/* rho = pi (1 + (s0^(1-p) - 1) e^-t)^(1/(1-p)) */
static PetscErrorCode evaluate_power(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscReal q = 1 - e->power, decay = exp(-e->rate * time);
  const PetscReal *log_pi, *start;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->parts->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->parts->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscReal log_s = log(PetscMax(start[i], MU_MIN_NORMAL)) - log_pi[i];
    rho[i] = e->info->mask[i] ? exp(log_pi[i] + log1p(expm1(q * log_s) * decay) / q) : 0;
  }
  PetscCall(VecRestoreArrayRead(e->parts->initial, &start));
  PetscCall(VecRestoreArrayRead(e->parts->log_target, &log_pi));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_kl(MuExact e, PetscBool *fits) {
  PetscReal weight = 0;
  const char *name = one_energy(e, &weight);

  PetscFunctionBegin;
  e->rate = weight * part_weight(e, "fisher_rao");
  *fits = (PetscBool)(only_parts(e, "fisher_rao", NULL) && !strcmp(name, "kl"));
  PetscFunctionReturn(0);
}

/* rho = rho_0^(e^-t) pi^(1 - e^-t), normalised if spherical */
static PetscErrorCode evaluate_kl(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscReal decay = exp(-e->rate * time);
  const PetscReal *log_pi, *start;
  PetscReal mass = 0, initial = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->parts->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->parts->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscReal l = log(PetscMax(start[i], MU_MIN_NORMAL));
    rho[i] = e->info->mask[i] ? exp(log_pi[i] + decay * (l - log_pi[i])) : 0;
    mass += rho[i];
    initial += start[i];
  }
  PetscCall(VecRestoreArrayRead(e->parts->initial, &start));
  PetscCall(VecRestoreArrayRead(e->parts->log_target, &log_pi));
  for (PetscInt i = 0; i < e->info->local_size && is_spherical(e); ++i) rho[i] *= initial / mass;
  PetscFunctionReturn(0);
}

static PetscErrorCode check_mixture(MuExact e, PetscBool *fits) {
  PetscReal weight = 0;
  const char *name = one_energy(e, &weight);
  MuKernel k[2] = {e->parts->energy_kernel, e->parts->geometry_kernel};
  const MuKernelSpec *a, *b;

  PetscFunctionBegin;
  *fits = (PetscBool)(only_parts(e, "mmd", NULL) && !strcmp(name, "mmd") && k[0] && k[1]);
  if (*fits) {
    PetscCall(MuKernelGetSpec(k[0], &a));
    PetscCall(MuKernelGetSpec(k[1], &b));
    *fits = MuKernelSpecEqual(a, b);
  }
  e->rate = weight * part_weight(e, "mmd");
  PetscFunctionReturn(0);
}

/* rho = pi + e^-t (rho_0 - pi) */
static PetscErrorCode evaluate_mixture(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscReal decay = exp(-e->rate * time);
  const PetscReal *log_pi, *start;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->parts->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->parts->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i)
    rho[i] = e->info->mask[i] ? exp(log_pi[i]) * (1 - decay) + decay * start[i] : 0;
  PetscCall(VecRestoreArrayRead(e->parts->initial, &start));
  PetscCall(VecRestoreArrayRead(e->parts->log_target, &log_pi));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ heat */

/* x -> e^(t D Laplacian) x with walls or periods: convolution with a Gaussian of variance 2 D t. */
static PetscErrorCode diffuse(MuExact e, PetscReal variance, Vec x) {
  MuKernelSpec spec;
  MuKernel kernel;
  MuConvolution convolution;

  PetscFunctionBegin;
  if (!(variance > 0)) PetscFunctionReturn(0);
  MuKernelSpecDefault(&spec);
  spec.bandwidth = sqrt(variance);
  spec.extension = MU_EXTENSION_REFLECT;
  PetscCall(MuKernelCreate(&spec, e->info->dim, &kernel));
  PetscCall(MuConvolutionCreate(e->parts->grid, kernel, MU_CELLS, &convolution));
  PetscCall(MuConvolutionApply(convolution, x, x));
  PetscCall(MuConvolutionDestroy(&convolution));
  PetscCall(MuKernelDestroy(&kernel));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_heat(MuExact e, PetscBool *fits) {
  PetscReal weight = 0;
  const char *name = one_energy(e, &weight);

  PetscFunctionBegin;
  e->rate = weight * part_weight(e, "wasserstein");
  *fits = (PetscBool)(only_parts(e, "wasserstein", NULL) && !strcmp(name, "entropy") &&
                      !e->info->masked);
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate_heat(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecCopy(e->parts->initial, e->work));
  PetscCall(diffuse(e, 2 * e->rate * time, e->work));
  PetscCall(VecGetArrayRead(e->work, &x));
  PetscCall(PetscArraycpy(rho, x, e->info->local_size));
  PetscCall(VecRestoreArrayRead(e->work, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_absorption(MuExact e, PetscBool *fits) {
  PetscReal weight = 0;
  const char *name = one_energy(e, &weight);
  const MuKernelSpec *k;
  PetscReal order;

  PetscFunctionBegin;
  e->rate = weight * part_weight(e, "mmd");
  *fits = (PetscBool)(only_parts(e, "mmd", NULL) && !strcmp(name, "l2") && !e->info->masked &&
                      e->parts->geometry_kernel);
  if (*fits) {
    PetscCall(MuKernelGetSpec(e->parts->geometry_kernel, &k));
    PetscCall(MuKernelGetInverseOrder(e->parts->geometry_kernel, &order));
    *fits = (PetscBool)(order == 2 && k->extension != MU_EXTENSION_ZERO);
    e->a = k->bandwidth;
  }
  PetscFunctionReturn(0);
}

/* rho = pi + e^-t e^(t h^2 Laplacian) (rho_0 - pi) */
static PetscErrorCode evaluate_absorption(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscReal t = e->rate * time, *log_pi, *x;
  PetscReal *w;

  PetscFunctionBegin;
  PetscCall(VecCopy(e->parts->initial, e->work));
  PetscCall(VecGetArrayRead(e->parts->log_target, &log_pi));
  PetscCall(VecGetArray(e->work, &w));
  for (PetscInt i = 0; i < e->info->local_size; ++i) w[i] -= exp(log_pi[i]);
  PetscCall(VecRestoreArray(e->work, &w));
  PetscCall(diffuse(e, 2 * t * e->a * e->a, e->work));
  PetscCall(VecGetArrayRead(e->work, &x));
  for (PetscInt i = 0; i < e->info->local_size; ++i) rho[i] = exp(log_pi[i]) + exp(-t) * x[i];
  PetscCall(VecRestoreArrayRead(e->work, &x));
  PetscCall(VecRestoreArrayRead(e->parts->log_target, &log_pi));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Gaussians */

static PetscErrorCode read_gaussian(MuExact e, const char *block, PetscReal mean[2],
                                    PetscReal covariance[4], PetscBool *is) {
  char key[64];
  PetscInt type = 0, count = 2;
  PetscReal background = 0;
  PetscBool given;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_type", block);
  PetscCall(MuCaseGetChoice(e->c, key, &type, &given));
  *is = (PetscBool)(given && type == 0);
  snprintf(key, sizeof key, "%s_background", block);
  PetscCall(MuCaseGetReal(e->c, key, &background, &given));
  if (background > 0) *is = PETSC_FALSE;
  if (!*is) PetscFunctionReturn(0);
  snprintf(key, sizeof key, "%s_mean", block);
  PetscCall(MuCaseGetRealArray(e->c, key, &count, mean, NULL));
  snprintf(key, sizeof key, "%s_covariance", block);
  count = 4;
  PetscCall(MuCaseGetRealArray(e->c, key, &count, covariance, NULL));
  PetscFunctionReturn(0);
}

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

static PetscErrorCode check_gaussians(MuExact e, PetscBool *fits) {
  PetscReal weight = 0, target[4], determinant;
  const char *name = one_energy(e, &weight);
  PetscBool initial, pi;

  PetscFunctionBegin;
  PetscCall(read_gaussian(e, "initial", e->mean, e->covariance, &initial));
  PetscCall(read_gaussian(e, "target", e->target_mean, target, &pi));
  e->a = weight * part_weight(e, "wasserstein");
  e->b = weight * part_weight(e, "fisher_rao");
  *fits = (PetscBool)(initial && pi && !strcmp(name, "kl") &&
                      only_parts(e, "wasserstein", "fisher_rao") && (e->b == 0 || is_spherical(e)));
  if (*fits) invert(e->info->dim, target, e->precision, &determinant);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_ou(MuExact e, PetscBool *fits) {
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

/* y = (m, S): dm/dt = -(a P + b S P)(m - m_pi), dS/dt = 2a - a (P S + S P) + b (S - S P S) */
static void gaussian_slope(const MuExact e, const PetscReal *y, PetscReal *dy) {
  const PetscInt d = e->info->dim;
  const PetscReal *s = y + d;
  PetscReal ps[4], sp[4], sps[4];
  multiply(d, e->precision, s, ps);
  multiply(d, s, e->precision, sp);
  multiply(d, s, ps, sps);
  for (PetscInt i = 0; i < d; ++i) {
    dy[i] = 0;
    for (PetscInt j = 0; j < d; ++j) {
      const PetscInt k = i * d + j;
      dy[i] -= (e->a * e->precision[k] + e->b * sp[k]) * (y[j] - e->target_mean[j]);
      dy[d + k] = 2 * e->a * (i == j) - e->a * (ps[k] + sp[k]) + e->b * (s[k] - sps[k]);
    }
  }
}

/* The classical Runge-Kutta method with steps whose error is rounding. */
static void gaussian_moments(const MuExact e, PetscReal time, PetscReal *y) {
  const PetscInt d = e->info->dim, n = d + d * d, steps = 4000;
  const PetscReal dt = time / steps;
  PetscReal k[4][6], z[6];
  for (PetscInt i = 0; i < d; ++i) y[i] = e->mean[i];
  for (PetscInt i = 0; i < d * d; ++i) y[d + i] = e->covariance[i];
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

static PetscErrorCode evaluate_gaussian(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscInt d = e->info->dim;
  PetscReal y[6], inverse[4], determinant, x[2];

  PetscFunctionBegin;
  gaussian_moments(e, time, y);
  invert(d, y + d, inverse, &determinant);
  const PetscReal scale = pow(2 * PETSC_PI, -0.5 * (PetscReal)d) / sqrt(determinant);
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscReal square = 0;
    PetscCall(MuGridCellCentre(e->parts->grid, i, x));
    for (PetscInt a = 0; a < d; ++a)
      for (PetscInt b = 0; b < d; ++b) square += (x[a] - y[a]) * inverse[a * d + b] * (x[b] - y[b]);
    rho[i] = e->info->mask[i] ? scale * exp(-0.5 * square) : 0;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Barenblatt */

/* d rho/dt = rate Laplacian rho^2 from the profile at time 1: T^(-d beta) (C - kappa r^2)_+, r = x
   T^(-beta), beta = 1/(d + 2), kappa = beta/4, C for mass 1. */
static PetscErrorCode evaluate_barenblatt(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscInt d = e->info->dim;
  const PetscReal beta = 1.0 / (PetscReal)(d + 2), kappa = beta / 4, t = 1 + e->rate * time;
  const PetscReal c = d == 1 ? pow(0.75 * sqrt(kappa), 2.0 / 3) : sqrt(2 * kappa / PETSC_PI);
  PetscReal x[2];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    PetscCall(MuGridCellCentre(e->parts->grid, i, x));
    PetscReal r2 = (x[0] * x[0] + (d == 2 ? x[1] * x[1] : 0)) * pow(t, -2 * beta);
    rho[i] = pow(t, -(PetscReal)d * beta) * PetscMax(0, c - kappa * r2);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_barenblatt(MuExact e, PetscBool *fits) {
  const MuEnergySpec *spec;
  PetscReal weight = 0, distance, *x;
  const char *name = one_energy(e, &weight);

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(e->parts->energy, &spec));
  e->rate = weight * part_weight(e, "wasserstein");
  *fits = (PetscBool)(only_parts(e, "wasserstein", NULL) && !strcmp(name, "internal") &&
                      spec->term[0].value[0] == 2 && !e->info->masked);
  if (!*fits) PetscFunctionReturn(0);
  PetscCall(VecGetArray(e->work, &x));
  PetscCall(evaluate_barenblatt(e, 0, x));
  PetscCall(VecRestoreArray(e->work, &x));
  PetscCall(MuGridDistanceL1(e->parts->grid, e->work, e->parts->initial, &distance));
  *fits = (PetscBool)(distance < 0.02); /* the kink at the front, on a coarse grid */
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the table */

static PetscErrorCode check_stationary(MuExact e, PetscBool *fits) {
  const PetscReal *log_pi, *start;
  PetscReal worst = 0;

  PetscFunctionBegin;
  *fits = (PetscBool)(e->parts->log_target != NULL);
  if (!*fits) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(e->parts->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->parts->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i)
    if (e->info->mask[i])
      worst = PetscMax(worst, PetscAbsReal(start[i] - exp(log_pi[i])) / exp(log_pi[i]));
  PetscCall(VecRestoreArrayRead(e->parts->initial, &start));
  PetscCall(VecRestoreArrayRead(e->parts->log_target, &log_pi));
  *fits = (PetscBool)(worst < 1e-12);
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate_stationary(MuExact e, PetscReal time, PetscReal *rho) {
  const PetscReal *start;

  PetscFunctionBegin;
  (void)time;
  PetscCall(VecGetArrayRead(e->parts->initial, &start));
  PetscCall(PetscArraycpy(rho, start, e->info->local_size));
  PetscCall(VecRestoreArrayRead(e->parts->initial, &start));
  PetscFunctionReturn(0);
}

static const MuExactOps table[] = {
    {"fisher_rao_power",
     "geometry fisher_rao alone, not spherical, and one of the energies inclusive_kl, hellinger, "
     "chi2 and power with an exponent other than 1",
     check_power, evaluate_power},
    {"fisher_rao_kl", "geometry fisher_rao alone and energy kl", check_kl, evaluate_kl},
    {"mmd_mixture", "geometry mmd and energy mmd with the same kernel", check_mixture,
     evaluate_mixture},
    {"heat_absorption",
     "geometry mmd with a bessel kernel of order 1 (reflect or periodic), energy l2, and no mask",
     check_absorption, evaluate_absorption},
    {"heat", "geometry wasserstein, energy entropy, and no mask", check_heat, evaluate_heat},
    {"ornstein_uhlenbeck",
     "geometry wasserstein, energy kl, and a gaussian target and a gaussian initial density",
     check_ou, evaluate_gaussian},
    {"gaussian_hellinger_kantorovich",
     "geometry wasserstein and fisher_rao, spherical, energy kl, and a gaussian target and a "
     "gaussian initial density",
     check_gaussians, evaluate_gaussian},
    {"barenblatt",
     "geometry wasserstein, energy internal with exponent 2, no mask, and Barenblatt's profile at "
     "time 1 as the initial density",
     check_barenblatt, evaluate_barenblatt},
    {"stationary", "the target as the initial density", check_stationary, evaluate_stationary},
};
enum { EXACTS = sizeof table / sizeof table[0] };

PetscErrorCode MuExactGetTableRow(PetscInt i, const char **name, const char **needs) {
  *name = i < EXACTS ? table[i].name : NULL;
  *needs = i < EXACTS ? table[i].needs : NULL;
  return 0;
}

PetscErrorCode MuExactCreate(const char *name, MuTrial *trial, MuExact *exact) {
  const char *found;
  char nearest[64];
  PetscBool fits;
  MuExact e;

  PetscFunctionBegin;
  *exact = NULL;
  PetscCall(MuTableFind(MuExactGetTableRow, name, &found, nearest));
  if (!found)
    return MuError(MU_ERR_INPUT, "study_exact: there is no exact solution %s; the nearest is %s",
                   name, nearest);
  PetscCall(PetscNew(&e));
  e->parts = trial->parts;
  e->info = trial->info;
  e->c = trial->c;
  for (PetscInt i = 0; i < EXACTS; ++i)
    if (!strcmp(table[i].name, name)) e->ops = &table[i];
  PetscCall(MuGridCreateField(trial->parts->grid, &e->work));
  PetscCall(e->ops->check(e, &fits));
  *exact = e;
  if (fits) PetscFunctionReturn(0);
  const char *needs = e->ops->needs;
  PetscCall(MuExactDestroy(exact));
  return MuError(MU_ERR_INPUT, "study_exact: %s does not belong to this case; it needs %s", name,
                 needs);
}

PetscErrorCode MuExactDestroy(MuExact *exact) {
  PetscFunctionBegin;
  if (!*exact) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&(*exact)->work));
  PetscCall(PetscFree(*exact));
  PetscFunctionReturn(0);
}

PetscErrorCode MuExactEvaluate(MuExact e, PetscReal time, Vec rho) {
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArray(rho, &x));
  PetscCall(e->ops->evaluate(e, time, x));
  PetscCall(VecRestoreArray(rho, &x));
  PetscFunctionReturn(0);
}
