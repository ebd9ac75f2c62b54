/* Mixtures of Gaussians. Points are handled in blocks, coordinates as columns of the block:
   [dim][BLOCK], so that a solve with a Cholesky factor is one call of BLAS. */
#include "measure/mixture.h"
#include "base/share.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <petscblaslapack.h>

enum { BLOCK = 256 };

/* Gaussians of covariances S_c + added I, factored: S = L L', L [dim][dim] lower, column-major. */
typedef struct {
  PetscReal added;
  PetscReal *factors;  /* [components][dim][dim] */
  PetscReal *log_norm; /* [components] log w_c - log sqrt(det(2 pi S)) */
} Factors;

struct _p_MuMixture {
  PetscInt dim, components;
  PetscReal *weights, *means, *covariances;
  Factors plain;                   /* the mixture itself */
  Factors smoothed;                /* convolved with the kernel asked for last */
  MuShare share;                   /* among the ranks asked last */
  PetscReal *solved, *logs, *part; /* [components][dim][BLOCK], [components][BLOCK], [BLOCK] */
};

/* ------------------------------------------------------------------ factors */

/* Whether `matrix` (symmetric) + added I is positive definite; factor and log det. */
static PetscErrorCode factor(PetscInt dim, const PetscReal *matrix, PetscReal added,
                             PetscReal *lower, PetscReal *log_det, PetscBool *positive) {
  PetscBLASInt order, info;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(dim, &order));
  PetscCall(PetscArraycpy(lower, matrix, dim * dim));
  for (PetscInt a = 0; a < dim; ++a) lower[a * dim + a] += added;
  LAPACKpotrf_("L", &order, lower, &order, &info);
  *positive = (PetscBool)(info == 0);
  *log_det = 0;
  for (PetscInt a = 0; a < dim && *positive; ++a) {
    *positive = (PetscBool)(lower[a * dim + a] > 0 && !PetscIsInfOrNanReal(lower[a * dim + a]));
    *log_det += 2 * log(lower[a * dim + a]);
  }
  PetscFunctionReturn(0);
}

/* *bad: the first covariance that is not positive definite, or -1 */
static PetscErrorCode factor_all(MuMixture m, PetscReal added, Factors *f, PetscInt *bad) {
  const PetscInt dim = m->dim;

  PetscFunctionBegin;
  if (!f->factors)
    PetscCall(PetscMalloc2(m->components * dim * dim, &f->factors, m->components, &f->log_norm));
  f->added = added;
  *bad = -1;
  for (PetscInt c = 0; c < m->components && *bad < 0; ++c) {
    PetscReal log_det;
    PetscBool positive;
    PetscCall(factor(dim, m->covariances + c * dim * dim, added, f->factors + c * dim * dim,
                     &log_det, &positive));
    f->log_norm[c] = log(m->weights[c]) - 0.5 * (dim * log(2 * PETSC_PI) + log_det);
    if (!positive) *bad = c;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ create */

static PetscErrorCode copy_weights(const char *block, PetscInt n, const PetscReal *given,
                                   PetscReal *weights) {
  PetscReal sum = 0;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < n; ++c) {
    weights[c] = given ? given[c] : 1;
    if (!(weights[c] >= 0) || PetscIsInfOrNanReal(weights[c]))
      return MuError(MU_ERR_INPUT, "%s_weights: %g is not allowed; weights are not negative", block,
                     weights[c]);
    sum += weights[c];
  }
  if (!(sum > 0))
    return MuError(MU_ERR_INPUT, "%s_weights: they are all 0; one must be positive", block);
  for (PetscInt c = 0; c < n; ++c) weights[c] /= sum;
  PetscFunctionReturn(0);
}

static PetscErrorCode check_symmetric(const char *block, PetscInt dim, PetscInt c,
                                      const PetscReal *s) {
  PetscFunctionBegin;
  for (PetscInt a = 0; a < dim; ++a)
    for (PetscInt b = 0; b < a; ++b)
      if (!(fabs(s[a * dim + b] - s[b * dim + a]) <=
            1e-12 * (fabs(s[a * dim + a]) + fabs(s[b * dim + b]))))
        return MuError(MU_ERR_INPUT,
                       "%s_covariances: matrix %d has %g in row %d, column %d and %g across the "
                       "diagonal; it must be symmetric positive definite",
                       block, (int)c + 1, s[a * dim + b], (int)a + 1, (int)b + 1, s[b * dim + a]);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill(const char *block, const PetscReal *weights, const PetscReal *means,
                           const PetscReal *covariances, MuMixture m) {
  const PetscInt dim = m->dim;
  PetscInt bad;

  PetscFunctionBegin;
  PetscCall(copy_weights(block, m->components, weights, m->weights));
  PetscCall(PetscArraycpy(m->means, means, m->components * dim));
  for (PetscInt c = 0; c < m->components; ++c)
    PetscCall(check_symmetric(block, dim, c, covariances + c * dim * dim));
  PetscCall(PetscArraycpy(m->covariances, covariances, m->components * dim * dim));
  PetscCall(factor_all(m, 0, &m->plain, &bad));
  if (bad >= 0)
    return MuError(MU_ERR_INPUT,
                   "%s_covariances: matrix %d is not positive definite; it must be symmetric "
                   "positive definite",
                   block, (int)bad + 1);
  PetscFunctionReturn(0);
}

PetscErrorCode MuMixtureCreate(const char *block, PetscInt dim, PetscInt components,
                               const PetscReal *weights, const PetscReal *means,
                               const PetscReal *covariances, MuMixture *mixture) {
  PetscErrorCode failed;
  MuMixture m;

  PetscFunctionBegin;
  *mixture = NULL;
  if (dim < 1 || components < 1)
    return MuError(MU_ERR_INPUT, "%s: a mixture needs at least one component in at least 1-D",
                   block);
  PetscCall(PetscNew(&m));
  m->dim = dim;
  m->components = components;
  PetscCall(PetscMalloc3(components, &m->weights, components * dim, &m->means,
                         components * dim * dim, &m->covariances));
  PetscCall(PetscMalloc3(components * dim * BLOCK, &m->solved, components * BLOCK, &m->logs, BLOCK,
                         &m->part));
  failed = fill(block, weights, means, covariances, m);
  if (failed) {
    PetscCall(MuMixtureDestroy(&m));
    return failed;
  }
  *mixture = m;
  PetscFunctionReturn(0);
}

PetscErrorCode MuMixtureDestroy(MuMixture *mixture) {
  MuMixture m = *mixture;

  PetscFunctionBegin;
  *mixture = NULL;
  if (!m) PetscFunctionReturn(0);
  PetscCall(PetscFree3(m->weights, m->means, m->covariances));
  PetscCall(PetscFree2(m->plain.factors, m->plain.log_norm));
  PetscCall(PetscFree2(m->smoothed.factors, m->smoothed.log_norm));
  PetscCall(PetscFree3(m->solved, m->logs, m->part));
  PetscCall(MuShareDestroy(&m->share));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ densities */

/* block [dim][BLOCK] = block L^(-T), or L^(-1) from the right if not `transposed`. */
static PetscErrorCode solve_block(PetscInt dim, PetscInt count, const PetscReal *lower,
                                  PetscBool transposed, PetscReal *block) {
  const PetscBLASInt rows = (PetscBLASInt)count, columns = (PetscBLASInt)dim, stride = BLOCK;
  const PetscReal one = 1;

  PetscFunctionBegin;
  PetscCallBLAS("BLAStrsm", BLAStrsm_("R", "L", transposed ? "T" : "N", "N", &rows, &columns, &one,
                                      lower, &columns, block, &stride));
  PetscFunctionReturn(0);
}

/* logs[c] = log of the weighted density of component c at count points; with `scores`,
   solved[c] = S_c^(-1) (x - m_c). */
static PetscErrorCode evaluate_components(MuMixture m, const Factors *f, PetscInt count,
                                          const PetscReal *x, PetscBool scores) {
  const PetscInt dim = m->dim;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < m->components; ++c) {
    const PetscReal *lower = f->factors + c * dim * dim;
    PetscReal *block = m->solved + c * dim * BLOCK, *logs = m->logs + c * BLOCK;
    for (PetscInt a = 0; a < dim; ++a)
      for (PetscInt i = 0; i < count; ++i)
        block[a * BLOCK + i] = x[i * dim + a] - m->means[c * dim + a];
    PetscCall(solve_block(dim, count, lower, PETSC_TRUE, block));
    for (PetscInt i = 0; i < count; ++i) logs[i] = f->log_norm[c];
    for (PetscInt a = 0; a < dim; ++a)
      for (PetscInt i = 0; i < count; ++i) logs[i] -= 0.5 * PetscSqr(block[a * BLOCK + i]);
    if (scores) PetscCall(solve_block(dim, count, lower, PETSC_FALSE, block));
  }
  PetscFunctionReturn(0);
}

/* log density and score from what evaluate_components() left; logs become the shares of the
   components. */
static void combine(MuMixture m, PetscInt count, PetscReal *log_density, PetscReal *score) {
  const PetscInt dim = m->dim;
  for (PetscInt i = 0; i < count; ++i) {
    PetscReal top = -INFINITY, sum = 0;
    for (PetscInt c = 0; c < m->components; ++c) top = PetscMax(top, m->logs[c * BLOCK + i]);
    for (PetscInt c = 0; c < m->components; ++c) {
      m->logs[c * BLOCK + i] = exp(m->logs[c * BLOCK + i] - top);
      sum += m->logs[c * BLOCK + i];
    }
    if (log_density) log_density[i] = top + log(sum);
    for (PetscInt a = 0; score && a < dim; ++a) {
      PetscReal total = 0;
      for (PetscInt c = 0; c < m->components; ++c)
        total -= m->logs[c * BLOCK + i] * m->solved[(c * dim + a) * BLOCK + i];
      score[i * dim + a] = total / sum;
    }
  }
}

static PetscErrorCode evaluate(MuMixture m, const Factors *f, PetscInt n, const PetscReal *x,
                               PetscReal *log_density, PetscReal *score) {
  const PetscInt dim = m->dim;

  PetscFunctionBegin;
  for (PetscInt first = 0; first < n; first += BLOCK) {
    const PetscInt count = PetscMin(n - first, BLOCK);
    PetscCall(evaluate_components(m, f, count, x + first * dim, (PetscBool)(score != NULL)));
    combine(m, count, log_density ? log_density + first : NULL, score ? score + first * dim : NULL);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuMixtureLogDensity(MuMixture m, PetscInt n, const PetscReal *x,
                                   PetscReal *log_density, PetscReal *score) {
  PetscFunctionBegin;
  PetscCall(evaluate(m, &m->plain, n, x, log_density, score));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ samples and moments */

PetscErrorCode MuMixtureSample(MuMixture m, const gsl_rng *rng, PetscInt n, PetscReal *x) {
  const PetscInt dim = m->dim;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal u = gsl_rng_uniform(rng), *y = x + i * dim;
    PetscInt c = 0;
    while (c + 1 < m->components && u >= m->weights[c]) u -= m->weights[c++];
    const PetscReal *lower = m->plain.factors + c * dim * dim;
    for (PetscInt a = 0; a < dim; ++a) y[a] = m->means[c * dim + a];
    for (PetscInt b = 0; b < dim; ++b) {
      const PetscReal normal = gsl_ran_gaussian_ziggurat(rng, 1);
      for (PetscInt a = b; a < dim; ++a) y[a] += lower[b * dim + a] * normal;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuMixtureMoments(MuMixture m, PetscReal *mean, PetscReal *covariance) {
  const PetscInt dim = m->dim;
  PetscReal *middle;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(dim, &middle));
  for (PetscInt c = 0; c < m->components; ++c)
    for (PetscInt a = 0; a < dim; ++a) middle[a] += m->weights[c] * m->means[c * dim + a];
  if (mean) PetscCall(PetscArraycpy(mean, middle, dim));
  for (PetscInt a = 0; covariance && a < dim; ++a)
    for (PetscInt b = 0; b < dim; ++b) {
      covariance[a * dim + b] = 0;
      for (PetscInt c = 0; c < m->components; ++c)
        covariance[a * dim + b] += m->weights[c] * (m->covariances[(c * dim + a) * dim + b] +
                                                    (m->means[c * dim + a] - middle[a]) *
                                                        (m->means[c * dim + b] - middle[b]));
    }
  PetscCall(PetscFree(middle));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ kernels */

/* log of the factor between a gaussian kernel and the density of N(0, h^2 I) */
static PetscErrorCode gaussian_factor(MuMixture m, MuRadial radial, PetscReal *h2,
                                      PetscReal *log_factor) {
  const MuKernelSpec *spec;

  PetscFunctionBegin;
  PetscCall(MuRadialGetSpec(radial, &spec, NULL));
  if (!MuRadialIsGaussian(radial))
    return MuError(
        MU_ERR_INPUT,
        "kernel_type: '%s' is not possible with a mixture in closed form; only a gaussian "
        "kernel is",
        spec->type);
  if (radial->dim != m->dim)
    return MuError(MU_ERR_INPUT, "kernel: it was made for %d-D and the mixture is %d-D",
                   (int)radial->dim, (int)m->dim);
  *h2 = PetscSqr(spec->bandwidth);
  *log_factor = log(radial->amplitude) + 0.5 * m->dim * log(2 * PETSC_PI * *h2);
  PetscFunctionReturn(0);
}

static PetscErrorCode kernel_mean(MuMixture m, PetscReal log_factor, PetscInt n, const PetscReal *x,
                                  PetscReal *value, PetscReal *gradient) {
  const PetscInt dim = m->dim;

  PetscFunctionBegin;
  for (PetscInt first = 0; first < n; first += BLOCK) {
    const PetscInt count = PetscMin(n - first, BLOCK);
    PetscReal *out = gradient ? gradient + first * dim : NULL;
    PetscCall(evaluate(m, &m->smoothed, count, x + first * dim, m->part, out));
    for (PetscInt i = 0; i < count; ++i) {
      const PetscReal v = exp(m->part[i] + log_factor);
      if (value) value[first + i] = v;
      for (PetscInt a = 0; out && a < dim; ++a) out[i * dim + a] *= v;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuMixtureKernelMean(MuMixture m, MuRadial radial, MPI_Comm comm, PetscInt n,
                                   const PetscReal *x, PetscReal *value, PetscReal *gradient) {
  const PetscInt dim = m->dim;
  PetscReal h2 = 0, log_factor = 0;
  PetscInt bad, first, last;

  PetscFunctionBegin;
  PetscCall(gaussian_factor(m, radial, &h2, &log_factor));
  if (m->smoothed.added != h2) PetscCall(factor_all(m, h2, &m->smoothed, &bad));
  if (!m->share.counts || m->share.comm != comm) PetscCall(MuShareSetUp(&m->share, comm));
  MuShareRun(&m->share, n, &first, &last);
  PetscCall(kernel_mean(m, log_factor, last - first, x + first * dim, value ? value + first : NULL,
                        gradient ? gradient + first * dim : NULL));
  if (value) PetscCall(MuShareGather(&m->share, n, 1, value));
  if (gradient) PetscCall(MuShareGather(&m->share, n, dim, gradient));
  PetscFunctionReturn(0);
}

/* The density of N(0, S) at z, times exp(log_factor). sum [dim][dim] is destroyed. */
static PetscErrorCode gaussian_at(PetscInt dim, PetscReal log_factor, PetscReal *sum,
                                  PetscReal *lower, PetscReal *z, PetscReal *value) {
  PetscReal log_det, q = 0;
  PetscBool positive;

  PetscFunctionBegin;
  PetscCall(factor(dim, sum, 0, lower, &log_det, &positive));
  for (PetscInt a = 0; a < dim; ++a) {
    for (PetscInt b = 0; b < a; ++b) z[a] -= lower[b * dim + a] * z[b];
    z[a] /= lower[a * dim + a];
    q += z[a] * z[a];
  }
  *value = exp(log_factor - 0.5 * (q + log_det + dim * log(2 * PETSC_PI)));
  PetscFunctionReturn(0);
}

PetscErrorCode MuMixtureKernelInner(MuMixture a, MuMixture b, MuRadial radial, PetscReal *value) {
  const PetscInt dim = a->dim;
  PetscReal h2 = 0, log_factor = 0, *sum, *lower, *z, part = 0;

  PetscFunctionBegin;
  PetscCall(gaussian_factor(a, radial, &h2, &log_factor));
  PetscCall(gaussian_factor(b, radial, &h2, &log_factor));
  PetscCall(PetscMalloc3(dim * dim, &sum, dim * dim, &lower, dim, &z));
  *value = 0;
  for (PetscInt i = 0; i < a->components; ++i)
    for (PetscInt j = 0; j < b->components; ++j) {
      for (PetscInt e = 0; e < dim * dim; ++e)
        sum[e] = a->covariances[i * dim * dim + e] + b->covariances[j * dim * dim + e];
      for (PetscInt c = 0; c < dim; ++c) {
        sum[c * dim + c] += h2;
        z[c] = a->means[i * dim + c] - b->means[j * dim + c];
      }
      PetscCall(gaussian_at(dim, log_factor, sum, lower, z, &part));
      *value += a->weights[i] * b->weights[j] * part;
    }
  PetscCall(PetscFree3(sum, lower, z));
  PetscFunctionReturn(0);
}
