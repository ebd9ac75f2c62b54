/* Inverses of a convolution: the reciprocal symbol where the transform diagonalises it, otherwise
   conjugate gradients on the inside cells, preconditioned by the reciprocal symbol of the circulant
   on the padded box (Chan and Ng, Conjugate gradient methods for Toeplitz systems, 1996). */
#include "grid/arrays.h"
#include "kernel/kernel_impl.h"

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
                           .a = a,
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
static PetscErrorCode apply_inside(MuConvolution c, PetscReal ridge, Vec x, Vec image) {
  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(c, x, image));
  PetscCall(keep_inside(c, image));
  PetscCall(VecAXPY(image, ridge, x));
  PetscFunctionReturn(0);
}

/* Conjugate gradients from x; residual holds b - A x on entry. Ends when its norm, as the
   recurrence has it, is below `goal`. */
static PetscErrorCode iterate(MuConvolution c, PetscReal ridge, PetscReal goal, Vec x,
                              PetscInt *iterations) {
  Vec residual = c->work[0], direction = c->work[1], image = c->work[2];
  PetscReal rz = 0, norm;

  PetscFunctionBegin;
  PetscCall(VecSet(direction, 0));
  PetscCall(VecNorm(residual, NORM_2, &norm));
  while (norm > goal && *iterations < MAX_ITERATIONS) {
    PetscReal before = rz, curvature;
    PetscCall(MuConvolutionApplyRational(c, 1, ridge, residual, image));
    PetscCall(VecDot(residual, image, &rz));
    PetscCall(VecAYPX(direction, before > 0 ? rz / before : 0, image));
    PetscCall(apply_inside(c, ridge, direction, image));
    PetscCall(VecDot(direction, image, &curvature));
    if (!(curvature > 0) || !(rz > 0)) break; /* rounding has taken over */
    PetscCall(VecAXPY(x, rz / curvature, direction));
    PetscCall(VecAXPY(residual, -rz / curvature, image));
    PetscCall(VecNorm(residual, NORM_2, &norm));
    ++*iterations;
  }
  PetscFunctionReturn(0);
}

/* Restarted from the true residual until that is small, or as small as rounding of A x allows. */
static PetscErrorCode solve(MuConvolution c, PetscReal ridge, Vec b, Vec x) {
  const PetscReal size = PetscAbsReal(c->largest) + ridge;
  PetscReal norm_b, norm_x, norm;
  PetscInt iterations = 0;

  PetscFunctionBegin;
  PetscCall(VecNorm(b, NORM_2, &norm_b));
  PetscCall(VecSet(x, 0));
  PetscCall(VecCopy(b, c->work[0]));
  norm = norm_b;
  for (PetscInt k = 0; k < MAX_RESTARTS && norm > 0; ++k) {
    PetscCall(iterate(c, ridge, 0.5 * TOLERANCE * norm_b, x, &iterations));
    PetscCall(apply_inside(c, ridge, x, c->work[0]));
    PetscCall(VecAYPX(c->work[0], -1, b));
    PetscCall(VecNorm(c->work[0], NORM_2, &norm));
    PetscCall(VecNorm(x, NORM_2, &norm_x));
    if (norm <= PetscMax(TOLERANCE * norm_b, 10 * PETSC_MACHINE_EPSILON * size * norm_x)) break;
    if (iterations >= MAX_ITERATIONS || k == MAX_RESTARTS - 1)
      return MuError(
          MU_ERR_NUMERICS,
          "kernel: the inverse of the convolution stalls at relative residual %.1e after "
          "%d iterations (condition number about %.1e); use a larger ridge or a "
          "smaller bandwidth",
          norm / norm_b, (int)iterations, size / (c->smallest + ridge));
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
  PetscReal size;
  PetscBool scaled;

  PetscFunctionBegin;
  PetscCall(check_condition(c, ridge));
  if (c->exact) {
    PetscCall(MuConvolutionApplyRational(c, 1, ridge, in, out));
    PetscFunctionReturn(0);
  }
  PetscCall(VecCopy(in, c->work[3]));
  PetscCall(keep_inside(c, c->work[3]));
  PetscCall(VecNorm(c->work[3], NORM_INFINITY, &size));
  scaled = (PetscBool)(size > HUGE_FIELD && size < INFINITY);
  if (scaled) PetscCall(VecScale(c->work[3], 1 / size));
  PetscCall(solve(c, ridge, c->work[3], out));
  if (scaled) PetscCall(VecScale(out, size));
  PetscFunctionReturn(0);
}
