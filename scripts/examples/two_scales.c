/* A kernel of one's own: a Gaussian and a wider or narrower one, k(r) = e^(-r^2/2) + a e^(-r^2/(2
   s^2)), r = |z|/h.

     make two_scales.so
     mudot run two_scales.yaml -load ./two_scales.so
*/
#include <mudot/extend.h>

enum { SHARE, SCALE };

/* e^(-r^2/2) + factor e^(-(r/scale)^2/2) */
static PetscReal sum(PetscReal r, PetscReal factor, PetscReal scale) {
  return exp(-0.5 * r * r) + factor * exp(-0.5 * r * r / (scale * scale));
}

static PetscReal value(MuKernel kernel, PetscReal r) {
  return sum(r, kernel->spec.parameter[SHARE], kernel->spec.parameter[SCALE]);
}

/* (2 pi)^(d/2) (e^(-w^2/2) + a s^d e^(-s^2 w^2/2)) */
static PetscReal symbol(MuKernel kernel, PetscReal w) {
  const PetscReal a = kernel->spec.parameter[SHARE], s = kernel->spec.parameter[SCALE];
  return pow(2 * PETSC_PI, 0.5 * kernel->dim) * sum(w, a * pow(s, kernel->dim), 1 / s);
}

/* What the quadrature over cells must know: entire, and steep as the narrower of the two. */
static PetscErrorCode setup(MuKernel kernel) {
  kernel->shape.analyticity = MU_ANALYTIC_ENTIRE;
  kernel->shape.rate = 5 / PetscMin(1, kernel->spec.parameter[SCALE]);
  return 0;
}

/* Between particles: p(t) and p'(t)/t, in any dimension. */
static PetscReal profile(MuRadial r, PetscReal t) {
  return value(r->kernel, t);
}

static PetscReal slope(MuRadial r, PetscReal t) {
  const PetscReal a = r->kernel->spec.parameter[SHARE], s = r->kernel->spec.parameter[SCALE];
  return -sum(t, a / (s * s), s);
}

static PetscErrorCode radial(MuRadial r) {
  const PetscReal a = r->kernel->spec.parameter[SHARE], s = r->kernel->spec.parameter[SCALE];
  r->profile = MU_PROFILE_GENERAL;
  r->value = profile;
  r->slope = slope;
  r->log_integral = 0.5 * r->dim * log(2 * PETSC_PI) + log1p(a * pow(s, r->dim));
  r->log_peak = log1p(a);
  return 0;
}

static const MuParameter parameters[] = {
    [SHARE] = {.name = "share", .doc = "a of two_scales", .high = PETSC_MAX_REAL, .initial = 1},
    [SCALE] = {.name = "scale", .doc = "s of two_scales", .low = 0.01, .high = 100, .initial = 4},
    {0}};

static const MuKernelOps two_scales = {.name = "two_scales",
                                       .formula = "exp(-r^2/2) + a exp(-r^2/(2 s^2)), r = |z|/h",
                                       .parameters = parameters,
                                       .value = value,
                                       .symbol = symbol,
                                       .setup = setup,
                                       .radial = radial};

static PetscErrorCode start(void) {
  return MuKernelRegister(&two_scales);
}
MU_EXTENSION(start)
