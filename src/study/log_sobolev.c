/* Lower bounds of the constant c of the logarithmic Sobolev inequality KL(rho|pi) <= 1/(2c) int
   |grad log(rho/pi)|^2 d rho of a target pi = e^(-V) on the box, and the spectral gap, which bounds
   it from above.

   Bakry and Emery (1985): c >= min of the smallest eigenvalue of the Hessian of V, on a convex
   domain. Holley and Stroock (1987): c >= c_0 e^(-osc(V - V_0)) for a target e^(-V_0) with the
   constant c_0; here V_0 is quadratic between walls and constant along periodic axes, and without
   curvature c_0 is the constant of the uniform density: (pi/L)^2 between walls, (2 pi/L)^2 on a
   circle. Barthe and Roberto, Studia Math. 159 (2003), theorem 3, after Muckenhoupt and Bobkov and
   Goetze: in 1-D c >= 1/(2 max(B-, B+)), B+ = sup over x > m of mu(x, oo) log(1 + e^2/mu(x, oo))
   int_m^x 1/pi, m the median, and B- likewise. */
#include "problem/problem.h"
#include "study/study_impl.h"

enum { CURVATURES = 48 };

/* ------------------------------------------------------------------ Bakry and Emery */

/* 1/(largest variance) of a Gaussian without a background, else NaN. */
static PetscErrorCode bakry_emery(MuTrial *t, PetscReal *constant) {
  PetscFunctionBegin;
  *constant = NAN;
  if (t->info->masked) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < t->info->dim; ++a)
    if (t->info->periodic[a]) PetscFunctionReturn(0);
  PetscCall(MuCaseGetLogSobolev(t->c, t->info->dim, constant));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Holley and Stroock */

/* Mean of the target along every axis, and its largest variance. */
static void moments(const MuTrial *t, const PetscReal *log_pi, const PetscReal (*x)[2],
                    PetscReal mean[2], PetscReal *variance) {
  PetscReal most = -INFINITY, mass = 0, square[2] = {0};
  for (PetscInt i = 0; i < t->info->local_size; ++i) most = PetscMax(most, log_pi[i]);
  mean[0] = mean[1] = 0;
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    const PetscReal p = exp(log_pi[i] - most);
    mass += p;
    for (PetscInt a = 0; a < t->info->dim; ++a) {
      mean[a] += p * x[i][a];
      square[a] += p * x[i][a] * x[i][a];
    }
  }
  *variance = 0;
  for (PetscInt a = 0; a < t->info->dim; ++a) {
    mean[a] /= mass;
    *variance = PetscMax(*variance, square[a] / mass - mean[a] * mean[a]);
  }
}

/* c_0 e^(-osc) for V_0 = kappa |x - mean|^2/2 along the axes with walls. */
static PetscReal perturbed(const MuTrial *t, const PetscReal *log_pi, const PetscReal (*x)[2],
                           const PetscReal mean[2], PetscReal kappa) {
  PetscReal low = INFINITY, high = -INFINITY, constant = INFINITY;
  for (PetscInt a = 0; a < t->info->dim; ++a) {
    const PetscReal length = t->info->upper[a] - t->info->lower[a];
    const PetscReal flat = PetscSqr((t->info->periodic[a] ? 2 * PETSC_PI : PETSC_PI) / length);
    constant =
        PetscMin(constant, t->info->periodic[a] ? flat : PetscMax(kappa, kappa > 0 ? 0 : flat));
  }
  for (PetscInt i = 0; i < t->info->local_size; ++i) {
    PetscReal rest = log_pi[i];
    for (PetscInt a = 0; a < t->info->dim; ++a)
      if (!t->info->periodic[a]) rest += 0.5 * kappa * PetscSqr(x[i][a] - mean[a]);
    low = PetscMin(low, rest);
    high = PetscMax(high, rest);
  }
  return constant * exp(low - high);
}

static PetscErrorCode holley_stroock(MuTrial *t, const PetscReal *log_pi, PetscReal *constant) {
  PetscReal(*x)[2], mean[2], variance;

  PetscFunctionBegin;
  *constant = NAN;
  if (t->info->masked) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(t->info->local_size, &x));
  for (PetscInt i = 0; i < t->info->local_size; ++i)
    PetscCall(MuGridCellCentre(t->parts->grid, i, x[i]));
  moments(t, log_pi, (const PetscReal(*)[2])x, mean, &variance);
  *constant = perturbed(t, log_pi, (const PetscReal(*)[2])x, mean, 0);
  for (int k = 0; k < CURVATURES; ++k) {
    const PetscReal kappa = 0.02 / variance * pow(500, (PetscReal)k / (CURVATURES - 1));
    *constant = PetscMax(*constant, perturbed(t, log_pi, (const PetscReal(*)[2])x, mean, kappa));
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Muckenhoupt */

/* B of one side: cells first, first + step, ... from the median outwards. The cell at x counts
   whole in the tail and in the integral, so that B is not too small. */
static PetscReal tail_bound(const MuTrial *t, const PetscReal *pi, PetscInt first, PetscInt step) {
  const PetscInt n = t->info->local_size;
  const PetscReal h = t->info->volume;
  PetscReal tail = 0, integral = 0, most = 0;
  for (PetscInt i = first; i >= 0 && i < n; i += step) tail += pi[i] * h;
  for (PetscInt i = first; i >= 0 && i < n; i += step) {
    if (!(pi[i] > 1e-290)) return INFINITY;
    integral += h / pi[i];
    most = PetscMax(most, tail * log(1 + exp(2) / tail) * integral);
    tail = PetscMax(tail - pi[i] * h, 1e-300);
  }
  return most;
}

static PetscErrorCode muckenhoupt(MuTrial *t, const PetscReal *log_pi, PetscReal *constant) {
  const PetscInt n = t->info->local_size;
  PetscReal *pi, mass = 0, below = 0;
  PetscInt median = 0;

  PetscFunctionBegin;
  *constant = NAN;
  if (t->info->dim > 1 || t->info->periodic[0] || t->info->masked) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &pi));
  for (PetscInt i = 0; i < n; ++i) mass += (pi[i] = exp(log_pi[i])) * t->info->volume;
  for (PetscInt i = 0; i < n; ++i) pi[i] /= mass;
  while (median < n - 1 && below + pi[median] * t->info->volume < 0.5)
    below += pi[median++] * t->info->volume;
  *constant = 0.5 / PetscMax(tail_bound(t, pi, median, 1), tail_bound(t, pi, median, -1));
  PetscCall(PetscFree(pi));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the best */

static void take(MuTargetConstant *c, PetscReal value, const char *proof) {
  if (!(value > 0) || value <= c->lower) return;
  c->lower = value;
  snprintf(c->proof, sizeof c->proof, "%s", proof);
}

static PetscErrorCode find_constant(MuTrial *t, MuTargetConstant *c) {
  const PetscReal *log_pi;
  PetscReal value;

  PetscFunctionBegin;
  *c = (MuTargetConstant){.lower = NAN, .upper = NAN};
  PetscCall(MuStudySpectralGap(t, &c->upper));
  PetscCall(VecGetArrayRead(t->parts->log_target, &log_pi));
  PetscCall(bakry_emery(t, &value));
  take(c, value, "Bakry-Emery");
  PetscCall(holley_stroock(t, log_pi, &value));
  take(c, value, "Holley-Stroock");
  PetscCall(muckenhoupt(t, log_pi, &value));
  take(c, value, "Muckenhoupt");
  PetscCall(VecRestoreArrayRead(t->parts->log_target, &log_pi));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_alone(const MuTrial *t, MuTargetConstant *c) {
  MuTrial alone;

  PetscFunctionBegin;
  PetscCall(MuTrialAlone(t, &alone));
  const PetscErrorCode code = find_constant(&alone, c);
  PetscCall(MuTrialDestroy(&alone));
  PetscFunctionReturn(code);
}

PetscErrorCode MuStudyTargetConstant(MuTrial *t, MuTargetConstant *c) {
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (t->info->size == 1) return find_constant(t, c);
  if (t->info->rank == 0) code = find_alone(t, c);
  PetscCall(MuErrorAgree(t->info->comm, code));
  PetscCallMPI(MPI_Bcast(c, sizeof *c, MPI_BYTE, 0, t->info->comm));
  PetscFunctionReturn(0);
}
