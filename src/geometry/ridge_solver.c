/* f = (T + lambda)^(-1) T xi, T f = k*(m f): with S = diag(sqrt m) and A = S Kc S,

       (A + lambda) z = S xi,    f = Kc S z

   (lambda f = T(xi - f) and m (xi - f) = lambda S z). Neither form divides by sqrt m, and since
   m f = S A z an error of z enters through A only: it is bounded by the residual of the solve, for
   every lambda. Conjugate gradients with the Euclidean norm of the residual.

   Preconditioner. With k^ the symbol, m* the largest weight, and N = |{m k^(0) > lambda}| w^d/(pi
   or 4 pi), m* k^(w) = lambda, an estimate of the number of eigenvalues of A above lambda (Weyl):

     none        if m* k^max <= 3 lambda (the condition number is below 4) or N <= 15 (low rank)
     diagonal    else if k^min >= k^max/10: 1/(m k + lambda), k the mean of k^
     multilevel  else: sum_j W_j (m_j Kc + lambda)^(-1) W_j, levels m_j between lambda/k^max and m*,
                 one per two decades, W_j^2 a partition of unity in log m: W is the cosine and sine
                 of the position between two levels. (Windows with a kink where they begin, such as
                 square roots of hats, and levels closer together both cost iterations: with one
                 level per decade and square roots 50 instead of 35 at h = 64 dx, lambda = 1e-6.)

   Iterations to 1e-10, the larger of a smooth (log s) and a rough (random) right-hand side, for 0.5
   N(-1.5,0.64) + 0.5 N(1.5,0.64) on [-6,6], N = 1024, spacing dx, unit mass, reflect:

               Gaussian, lambda =                      Matern 3/2, lambda =
     h         1e-1 1e-2 1e-3 1e-4 1e-5 1e-6           1e-1 1e-2 1e-3 1e-4 1e-5 1e-6
     0.3 dx     20   11   11   11   11   11             20   12   12   12   12   12
     0.7 dx     20   18   21   29   25   31             20   26   29   29   29   29
     1 dx       20   18   21   29   25   31             20   18   21   29   25   31
     8 dx       17   17   20   27   24   30             17   16   20   27   24   30
     32 dx      14   12   15   22   25   31             14   12   15   21   22   29
     64 dx      10   16   24   21   27   35             11   20   15   21   23   31
     96 dx       8   13   17   25   38   36              9   16   14   18   23   32
     128 dx      7   10   14   20   27   33              8   14   24   18   24   32
     256 dx      6    7   10   11   15   16              7   10   15   25   20   28

   Zero extension and Matern 1/2 and 5/2: at most 39 (tests/test_ridge.c sweeps them all). With none
   the same sweep takes up to 600 and more, with the diagonal up to 600. Other densities, same
   sweep: a box, a ramp exp(-3|x|), a narrow N(0,0.01) at most 41, 49, 50; two scales at once, 0.5
   N(-2,0.01) + 0.5 N(2,1), at most 75 (Gaussian, lambda = 1e-6, h between the two scales).

   He et al., Regularized Stein variational gradient flow (2022), use the same operator. */
#include "base/events.h"
#include "geometry/geometry_impl.h"
#include "linear/conjugate_gradients.h"

#define MAX_ITERATIONS 2000
#define MAX_LEVELS     12
#define HUGE_FIELD     1e100 /* beyond it squares overflow: the field is scaled */
#define LEVEL_RATIO    100.0
#define SAMPLES        96 /* of the symbol, geometric in frequency */

typedef enum { PLAIN, DIAGONAL, MULTILEVEL } Preconditioner;

struct _p_MuRidge {
  MuGeometry geometry; /* borrowed: it owns this */
  MuConvolution convolution;
  PetscReal lambda;
  PetscReal smallest, largest, mean; /* of the symbol */
  PetscReal frequency[SAMPLES], symbol[SAMPLES];
  Vec root; /* sqrt m */
  Vec z, r, q, work;
  MuConjugateGradients cg;
  Preconditioner kind;
  Vec inverse_diagonal; /* DIAGONAL */
  PetscInt levels;      /* MULTILEVEL: cell i is between level[i] and level[i] + 1 */
  PetscReal level_weight[MAX_LEVELS];
  PetscInt *level;
  PetscReal *window_low, *window_high;
};

/* Frequencies from 1/(1000 h) to the grid's largest. */
static PetscErrorCode sample_symbol(MuRidge ridge, MuKernel kernel) {
  const MuGridInfo *info = ridge->geometry->info;
  const MuKernelSpec *spec;
  PetscReal top = 0, bottom;

  PetscFunctionBegin;
  PetscCall(MuKernelGetSpec(kernel, &spec));
  for (PetscInt a = 0; a < info->dim; ++a) top = PetscMax(top, PETSC_PI / info->spacing[a]);
  bottom = PetscMin(1e-3 / spec->bandwidth, 1e-3 * top);
  for (PetscInt k = 0; k < SAMPLES; ++k) {
    ridge->frequency[k] = bottom * pow(top / bottom, k / (SAMPLES - 1.0));
    PetscCall(MuKernelSymbol(kernel, ridge->frequency[k], &ridge->symbol[k]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_vectors(MuRidge ridge) {
  Vec *vectors[] = {&ridge->root, &ridge->z,    &ridge->r,
                    &ridge->q,    &ridge->work, &ridge->inverse_diagonal};
  const PetscInt size = ridge->geometry->info->local_size;

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; ++k)
    PetscCall(MuGridCreateField(ridge->geometry->grid, vectors[k]));
  PetscCall(PetscCalloc1(size, &ridge->level));
  PetscCall(PetscCalloc1(size, &ridge->window_low));
  PetscCall(PetscCalloc1(size, &ridge->window_high));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRidgeDestroy(MuRidge *ridge) {
  MuRidge s = *ridge;

  PetscFunctionBegin;
  *ridge = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuConjugateGradientsDestroy(&s->cg));
  PetscCall(VecDestroy(&s->root));
  PetscCall(VecDestroy(&s->z));
  PetscCall(VecDestroy(&s->r));
  PetscCall(VecDestroy(&s->q));
  PetscCall(VecDestroy(&s->work));
  PetscCall(VecDestroy(&s->inverse_diagonal));
  PetscCall(PetscFree(s->level));
  PetscCall(PetscFree(s->window_low));
  PetscCall(PetscFree(s->window_high));
  PetscCall(MuConvolutionDestroy(&s->convolution));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* N of the comment above: cells with m k^max > lambda, and w where m* k^(w) falls to lambda. */
static PetscErrorCode count_eigenvalues(MuRidge ridge, const PetscReal *m, PetscReal largest,
                                        PetscReal *count) {
  const MuGridInfo *info = ridge->geometry->info;
  PetscReal cells = 0;
  PetscInt k = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < info->local_size; ++i) cells += m[i] * ridge->largest > ridge->lambda;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &cells, 1, MPIU_REAL, MPI_SUM, info->comm));
  while (k < SAMPLES - 1 && largest * ridge->symbol[k] > ridge->lambda) ++k;
  *count = cells * info->volume *
           (info->dim == 1 ? ridge->frequency[k] / PETSC_PI
                           : PetscSqr(ridge->frequency[k]) / (4 * PETSC_PI));
  PetscFunctionReturn(0);
}

static PetscErrorCode choose(MuRidge ridge, const PetscReal *m, PetscReal largest) {
  PetscReal count = 0;

  PetscFunctionBegin;
  PetscCall(count_eigenvalues(ridge, m, largest, &count));
  if (largest * ridge->largest <= 3 * ridge->lambda || count <= 15)
    ridge->kind = PLAIN;
  else if (ridge->smallest >= 0.1 * ridge->largest)
    ridge->kind = DIAGONAL;
  else
    ridge->kind = MULTILEVEL;
  PetscFunctionReturn(0);
}

static PetscErrorCode set_diagonal(MuRidge ridge, const PetscReal *m) {
  PetscReal *d;

  PetscFunctionBegin;
  PetscCall(VecGetArray(ridge->inverse_diagonal, &d));
  for (PetscInt i = 0; i < ridge->geometry->info->local_size; ++i)
    d[i] = 1 / (m[i] * ridge->mean + ridge->lambda);
  PetscCall(VecRestoreArray(ridge->inverse_diagonal, &d));
  PetscFunctionReturn(0);
}

/* Weights below the lowest level count as that level; where m = 0 the right-hand side and the
   residual vanish, and so do the windows. */
static void set_levels(MuRidge ridge, const PetscReal *m, PetscReal largest) {
  const PetscReal low = log(ridge->lambda / ridge->largest), range = log(largest) - low;
  PetscInt n = (PetscInt)ceil(range / log(LEVEL_RATIO)) + 1;

  n = ridge->levels = PetscMin(PetscMax(n, 2), MAX_LEVELS);
  for (PetscInt j = 0; j < n; ++j) ridge->level_weight[j] = exp(low + j * range / (n - 1));
  for (PetscInt i = 0; i < ridge->geometry->info->local_size; ++i) {
    PetscReal t = m[i] > 0 ? PetscMax((log(m[i]) - low) * (n - 1) / range, 0) : 0;
    PetscInt j = PetscMin((PetscInt)t, n - 2);
    PetscReal angle = 0.5 * PETSC_PI * PetscMin(t - j, 1);
    ridge->level[i] = j;
    ridge->window_low[i] = m[i] > 0 ? cos(angle) : 0;
    ridge->window_high[i] = m[i] > 0 ? sin(angle) : 0;
  }
}

PetscErrorCode MuRidgeSetWeight(MuRidge ridge, const PetscReal *m) {
  const MuGridInfo *info = ridge->geometry->info;
  PetscReal *root, largest = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArray(ridge->root, &root));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    root[i] = sqrt(PetscMax(m[i], 0));
    largest = PetscMax(largest, m[i]);
  }
  PetscCall(VecRestoreArray(ridge->root, &root));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPIU_REAL, MPI_MAX, info->comm));
  PetscCall(choose(ridge, m, largest));
  if (ridge->kind == DIAGONAL) PetscCall(set_diagonal(ridge, m));
  if (ridge->kind == MULTILEVEL) set_levels(ridge, m, largest);
  PetscFunctionReturn(0);
}

/* out = W_j in, or out += W_j in */
static PetscErrorCode apply_window(MuRidge ridge, PetscInt j, Vec in, PetscBool add, Vec out) {
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(in, &x));
  PetscCall(VecGetArray(out, &y));
  for (PetscInt i = 0; i < ridge->geometry->info->local_size; ++i) {
    PetscReal w = ridge->level[i] == j ? ridge->window_low[i]
                                       : (ridge->level[i] == j - 1 ? ridge->window_high[i] : 0);
    y[i] = (add ? y[i] : 0) + w * x[i];
  }
  PetscCall(VecRestoreArray(out, &y));
  PetscCall(VecRestoreArrayRead(in, &x));
  PetscFunctionReturn(0);
}

static PetscErrorCode precondition(void *ctx, Vec r, Vec s) {
  MuRidge ridge = ctx;

  PetscFunctionBegin;
  if (ridge->kind == PLAIN) {
    PetscCall(VecCopy(r, s));
  } else if (ridge->kind == DIAGONAL) {
    PetscCall(VecPointwiseMult(s, ridge->inverse_diagonal, r));
  } else {
    PetscCall(VecSet(s, 0));
    for (PetscInt j = 0; j < ridge->levels; ++j) {
      PetscCall(apply_window(ridge, j, r, PETSC_FALSE, ridge->work));
      PetscCall(MuConvolutionApplyRational(ridge->convolution, ridge->level_weight[j],
                                           ridge->lambda, ridge->work, ridge->q));
      PetscCall(apply_window(ridge, j, ridge->q, PETSC_TRUE, s));
    }
  }
  PetscFunctionReturn(0);
}

/* q = (A + lambda) p */
static PetscErrorCode apply_operator(void *ctx, Vec p, Vec q) {
  MuRidge ridge = ctx;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(ridge->work, ridge->root, p));
  PetscCall(MuConvolutionApply(ridge->convolution, ridge->work, ridge->work));
  PetscCall(VecPointwiseMult(q, ridge->root, ridge->work));
  PetscCall(VecAXPY(q, ridge->lambda, p));
  PetscFunctionReturn(0);
}

static const MuConjugateGradientsOps system_ops = {.apply = apply_operator,
                                                   .precondition = precondition};

/* Solves (A + lambda) z = r from z = 0, so that the result depends on the state and xi alone. */
static PetscErrorCode solve(MuRidge ridge) {
  MuGeometry geometry = ridge->geometry;
  MuCgOutcome outcome;
  PetscReal start;

  PetscFunctionBegin;
  PetscCall(VecNorm(ridge->r, NORM_2, &start));
  PetscCall(MuConjugateGradientsSolve(ridge->cg, geometry->ridge_tolerance * start, MAX_ITERATIONS,
                                      ridge->r, ridge->z, &outcome));
  if (!outcome.reached)
    return MuError(MU_ERR_NUMERICS,
                   "geometry_ridge: the solve with ridge %g has not converged in %d iterations "
                   "(relative residual %.1e); use a larger ridge",
                   ridge->lambda, (int)outcome.iterations, outcome.residual / start);
  geometry->ridge_iterations = PetscMax(geometry->ridge_iterations, outcome.iterations);
  PetscFunctionReturn(0);
}

PetscErrorCode MuRidgeCreate(MuGeometry geometry, const MuPart *part, MuConvolution convolution,
                             MuRidge *ridge) {
  MuRidge s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *ridge = s;
  s->geometry = geometry;
  s->convolution = convolution;
  PetscCall(MuConvolutionReference(convolution));
  s->lambda = part->ops->regression_ridge(part->value);
  PetscCall(MuConvolutionGetSymbolRange(convolution, &s->smallest, &s->largest));
  PetscCall(MuConvolutionGetDiagonal(convolution, &s->mean));
  PetscCall(sample_symbol(s, part->kernel));
  PetscCall(create_vectors(s));
  PetscCall(MuConjugateGradientsCreate(s->z, &system_ops, s, &s->cg));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRidgeApply(MuRidge ridge, Vec xi, Vec f) {
  PetscReal size;
  PetscBool scaled;

  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_RIDGE));
  PetscCall(VecPointwiseMult(ridge->r, ridge->root, xi));
  PetscCall(VecNorm(ridge->r, NORM_INFINITY, &size));
  scaled = (PetscBool)(size > HUGE_FIELD && size < INFINITY);
  if (scaled) PetscCall(VecScale(ridge->r, 1 / size));
  PetscCall(solve(ridge));
  PetscCall(MuEventEnd(MU_EVENT_RIDGE));
  if (scaled) PetscCall(VecScale(ridge->z, size));
  PetscCall(VecPointwiseMult(ridge->work, ridge->root, ridge->z));
  PetscCall(MuConvolutionApply(ridge->convolution, ridge->work, f));
  PetscFunctionReturn(0);
}
