/* Wendland's C2 function (1 - r)^4_+ (4 r + 1) = 1 - 10 r^2 + 20 r^3 - 15 r^4 + 4 r^5 on [0, 1],
   positive definite in R^3 and below; its like in higher dimensions between particles. Wendland,
   Scattered Data Approximation (2005), table 9.1 and corollary 9.14.

   Symbol at small w by Gauss quadrature of the cosine or Hankel transform, at large w in closed
   form, got by parts (the terms of lower order in 1/w cancel exactly because the profile vanishes
   to fourth order at 1):
     1-D  240/w^4 + 240 sin w/w^5 + 960 (cos w - 1)/w^6
     2-D  2 pi [ -60 J_1(w)/w^5 + 900 J_0(w)/w^6 + (180/w^5 - 900/w^7) int_0^w J_0 ]. */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_integration.h>
#include <math.h>

#define QUADRATURE_BELOW    40.0 /* 2-D: the asymptotic series of int J_0 then reaches 1e-17 */
#define QUADRATURE_BELOW_1D 8.0
/* Integrand of degree 6 times cos or J_0 of at most 40: exact to rounding. GSL holds this rule to
   full precision, others only to 1e-10. */
enum { POINTS = 64 };

typedef struct {
  PetscInt dim;
  PetscReal mass;
  gsl_integration_glfixed_table *rule;
  MuTable table; /* the symbol below QUADRATURE_BELOW */
} Wendland;

static PetscReal profile(PetscReal r) {
  const PetscReal t = 1 - r, t2 = t * t;
  return r < 1 ? t2 * t2 * (4 * r + 1) : 0;
}

static PetscReal value(MuKernel kernel, PetscReal r) {
  (void)kernel;
  return profile(r);
}

static PetscReal by_quadrature(void *ctx, PetscReal w) {
  const Wendland *t = ctx;
  PetscReal sum = 0, r, weight;
  for (size_t i = 0; i < POINTS; ++i) {
    gsl_integration_glfixed_point(0, 1, i, &r, &weight, t->rule);
    sum += weight * profile(r) * (t->dim == 1 ? 2 * cos(w * r) : 2 * PETSC_PI * r * j0(w * r));
  }
  return sum;
}

/* int_w^infinity J_0 = sum over k of (-1)^k (1 3 ... (2k-1))^2 [ -J_1/w^(2k) + (2k+1) J_0/w^(2k+1)
   ] */
static PetscReal tail_of_j0(PetscReal w, PetscReal bessel0, PetscReal bessel1) {
  PetscReal sum = 0, factor = 1;
  for (PetscInt k = 0; k < 20; ++k) {
    const PetscReal odd = 2 * k + 1;
    sum += factor * (odd * bessel0 / w - bessel1);
    factor *= -odd * odd / (w * w);
  }
  return sum;
}

static PetscReal closed_form(PetscInt dim, PetscReal w) {
  const PetscReal u = 1 / w, u2 = u * u, u4 = u2 * u2;
  if (dim == 1) return 240 * u4 * (1 + u * sin(w) + 4 * u2 * (cos(w) - 1));
  const PetscReal b0 = j0(w), b1 = j1(w), s = 1 - tail_of_j0(w, b0, b1);
  return 2 * PETSC_PI * u4 * u * (-60 * b1 + 900 * u * b0 + (180 - 900 * u2) * s);
}

static PetscReal symbol(MuKernel kernel, PetscReal w) {
  const Wendland *t = kernel->ctx;
  PetscReal result;
  if (w == 0) return t->mass;
  if (w >= (t->dim == 1 ? QUADRATURE_BELOW_1D : QUADRATURE_BELOW))
    result = closed_form(t->dim, w);
  else if (!MuTableEvaluate(t->table, w, &result))
    result = by_quadrature(kernel->ctx, w);
  return PetscMax(result, 0);
}

static PetscErrorCode setup(MuKernel kernel) {
  Wendland *t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  kernel->ctx = t;
  t->dim = kernel->dim;
  t->rule = gsl_integration_glfixed_table_alloc(POINTS);
  if (!t->rule) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "GSL has no memory for a quadrature rule");
  t->mass = kernel->dim == 1 ? 2.0 / 3 : PETSC_PI / 7;
  kernel->shape.edge = 1;
  kernel->shape.support = 1;
  PetscCall(MuTableCreate(by_quadrature, t, -6, kernel->dim == 1 ? 3 : 6, &t->table));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuKernel kernel) {
  Wendland *t = kernel->ctx;

  PetscFunctionBegin;
  if (t) {
    if (t->rule) gsl_integration_glfixed_table_free(t->rule);
    PetscCall(MuTableDestroy(&t->table));
  }
  PetscCall(PetscFree(kernel->ctx));
  PetscFunctionReturn(0);
}

/* (1 - t)^m_+ (m t + 1), m = l + 1: phi_{l,1} of dimension d, l = floor(d/2) + 2, at least 3. */
static PetscReal radial_value(MuRadial r, PetscReal t) {
  const PetscInt m = *(const PetscInt *)r->ctx;
  return t < 1 ? pow(1 - t, m) * (m * t + 1) : 0;
}

static PetscReal radial_slope(MuRadial r, PetscReal t) {
  const PetscReal m = *(const PetscInt *)r->ctx;
  return t < 1 ? -m * (m + 1) * pow(1 - t, m - 1) : 0;
}

/* The integral is |S^(d-1)| (B(d, m + 1) + m B(d + 1, m + 1)). */
static PetscErrorCode radial(MuRadial r) {
  const PetscReal half = 0.5 * r->dim, d = r->dim;
  const PetscReal log_sphere = log(2) + half * log(PETSC_PI) - lgamma(half);
  PetscInt *power;

  PetscFunctionBegin;
  PetscCall(PetscNew(&power));
  *power = PetscMax(3, r->dim / 2 + 2) + 1;
  const PetscReal m = *power;
  r->ctx = power;
  if (*power == 4) r->profile = MU_PROFILE_WENDLAND;
  r->value = radial_value;
  r->slope = radial_slope;
  r->log_integral =
      log_sphere + lgamma(d) + lgamma(m + 1) - lgamma(d + m + 1) + log1p(m * d / (d + m + 1));
  PetscFunctionReturn(0);
}

const MuKernelOps MuKernelWendland = {
    .name = "wendland",
    .formula = "(1 - |z|/h)^4 (4 |z|/h + 1) for |z| < h, else 0; twice differentiable",
    .value = value,
    .symbol = symbol,
    .setup = setup,
    .destroy = destroy,
    .radial = radial};
