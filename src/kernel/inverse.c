/* Inverses of a convolution: the reciprocal symbol where the transform diagonalises it, otherwise
   conjugate gradients on the inside cells, preconditioned by the reciprocal symbol of the circulant
   on the padded box (Chan and Ng, Conjugate gradient methods for Toeplitz systems, 1996). */
#include "grid/arrays.h"
#include "kernel/kernel_impl.h"
#include "linear/conjugate_gradients.h"

#include <math.h>

#define TOLERANCE  1e-12
#define HUGE_FIELD 1e100 /* beyond it squares overflow: the field is scaled */
enum { MAX_ITERATIONS = 2000, MAX_RESTARTS = 8 };

/* The circulant of a positive definite Toeplitz matrix need not be positive: it is raised to this
   part of its largest value, below which rounding of the symbol hides what it should be. */
#define FLOOR 1e-14

static PetscErrorCode keep_inside(MuConvolution c, Vec f) {
  const MuGridInfo *info;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(c->grid, &info));
  PetscCall(VecGetArray(f, &x));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if (!c->inside[i]) x[i] = 0;
  PetscCall(VecRestoreArray(f, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuConvolutionApplyRational(MuConvolution c, PetscReal a, PetscReal b, Vec in,
                                          Vec out) {
  const MuFilter filter = {.rational = PETSC_TRUE,
                           .a = c->balanced ? a * c->mean_square : a,
                           .b = b,
                           .floor = c->exact ? 0 : FLOOR * PetscAbsReal(c->largest)};

  PetscFunctionBegin;
  if (!(a >= 0 && b >= 0 && a * PetscMax(c->smallest, filter.floor) + b > 0))
    return MuError(MU_ERR_NUMERICS,
                   "kernel: (%g Kc + %g) has no inverse, the smallest value of the kernel's symbol "
                   "is %g; a positive ridge is needed",
                   a, b, c->smallest);
  PetscCall(MuConvolutionFilter(c, &filter, in, out));
  if (!c->exact) PetscCall(keep_inside(c, out));
  PetscFunctionReturn(0);
}

/* image = (P Kc P + ridge) x for x that vanishes outside. */
static PetscErrorCode apply_inside(void *ctx, Vec x, Vec image) {
  MuConvolution c = ctx;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(c, x, image));
  PetscCall(keep_inside(c, image));
  PetscCall(VecAXPY(image, c->ridge, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_circulant(void *ctx, Vec r, Vec z) {
  MuConvolution c = ctx;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApplyRational(c, 1, c->ridge, r, z));
  PetscFunctionReturn(0);
}

static const MuConjugateGradientsOps inverse_ops = {.apply = apply_inside,
                                                    .precondition = apply_circulant};

PetscErrorCode MuConvolutionPrepareInverse(MuConvolution c) {
  PetscFunctionBegin;
  if (c->exact || !c->invertible) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < 3; ++i) PetscCall(MuGridCreateField(c->grid, &c->work[i]));
  PetscCall(MuConjugateGradientsCreate(c->work[0], &inverse_ops, c, &c->cg));
  PetscFunctionReturn(0);
}

/* Restarted from the true residual until that is small, or as small as rounding of A x allows. */
static PetscErrorCode solve(MuConvolution c, Vec b, Vec x) {
  const PetscReal size = PetscAbsReal(c->largest) + c->ridge;
  Vec residual = c->work[0], correction = c->work[1];
  PetscReal norm_b, norm_x, norm;
  PetscInt iterations = 0;
  MuCgOutcome outcome;

  PetscFunctionBegin;
  PetscCall(VecNorm(b, NORM_2, &norm_b));
  PetscCall(VecSet(x, 0));
  PetscCall(VecCopy(b, residual));
  norm = norm_b;
  for (PetscInt k = 0; k < MAX_RESTARTS && norm > 0; ++k) {
    PetscCall(MuConjugateGradientsSolve(c->cg, 0.5 * TOLERANCE * norm_b,
                                        MAX_ITERATIONS - iterations, residual, correction,
                                        &outcome));
    iterations += outcome.iterations;
    PetscCall(VecAXPY(x, 1, correction));
    PetscCall(apply_inside(c, x, residual));
    PetscCall(VecAYPX(residual, -1, b));
    PetscCall(VecNorm(residual, NORM_2, &norm));
    PetscCall(VecNorm(x, NORM_2, &norm_x));
    if (norm <= PetscMax(TOLERANCE * norm_b, 10 * PETSC_MACHINE_EPSILON * size * norm_x)) break;
    if (iterations >= MAX_ITERATIONS || k == MAX_RESTARTS - 1)
      return MuError(
          MU_ERR_NUMERICS,
          "kernel: the inverse of the convolution stalls at relative residual %.1e after "
          "%d iterations (condition number about %.1e); use a larger ridge or a "
          "smaller bandwidth",
          norm / norm_b, (int)iterations, size / (c->smallest + c->ridge));
  }
  c->iterations = PetscMax(c->iterations, iterations);
  PetscFunctionReturn(0);
}

/* Refuses what rounding makes meaningless, before anything is computed. */
static PetscErrorCode check_condition(MuConvolution c, PetscReal ridge) {
  const PetscReal low = c->smallest + ridge, high = c->largest + ridge;

  PetscFunctionBegin;
  if (!c->invertible)
    return MuError(MU_ERR_INPUT, "kernel: this convolution is not positive definite and has no "
                                 "inverse; riesz needs extension reflect or periodic and a ridge");
  if (!(low > (c->exact ? PETSC_MACHINE_EPSILON : FLOOR) * high))
    return MuError(MU_ERR_NUMERICS,
                   "kernel: the inverse of the convolution has condition number %.1e, which "
                   "rounding makes meaningless; use a ridge or a smaller bandwidth",
                   high / PetscMax(low, MU_MIN_NORMAL));
  PetscFunctionReturn(0);
}

PetscErrorCode MuConvolutionApplyInverse(MuConvolution c, PetscReal ridge, Vec in, Vec out) {
  Vec rhs = c->work[2];
  PetscReal size;
  PetscBool scaled;

  PetscFunctionBegin;
  PetscCall(check_condition(c, ridge));
  if (c->exact) {
    PetscCall(MuConvolutionApplyRational(c, 1, ridge, in, out));
    PetscFunctionReturn(0);
  }
  c->ridge = ridge;
  PetscCall(VecCopy(in, rhs));
  PetscCall(keep_inside(c, rhs));
  PetscCall(VecNorm(rhs, NORM_INFINITY, &size));
  scaled = (PetscBool)(size > HUGE_FIELD && size < INFINITY);
  if (scaled) PetscCall(VecScale(rhs, 1 / size));
  PetscCall(solve(c, rhs, out));
  if (scaled) PetscCall(VecScale(out, size));
  PetscFunctionReturn(0);
}
