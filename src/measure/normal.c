/* Normal densities. The mass of a rectangle is the integral along x of the density of x times the
   mass that y has given x: Genz and Bretz, Computation of Multivariate Normal and t Probabilities
   (2009), section 4.1, with an adaptive rule in place of the transformation, since the logarithm is
   wanted in the tails as well. */
#include "measure/normal.h"
#include "mudot/base.h"

#include <gsl/gsl_sf_erf.h>
#include <math.h>

PetscErrorCode MuNormalCreate(const char *key, PetscInt dim, const PetscReal *mean,
                              const PetscReal *covariance, PetscReal log_weight, MuNormal *normal) {
  const PetscReal a = covariance[0], b = dim == 2 ? covariance[1] : 0;
  const PetscReal c = dim == 2 ? covariance[3] : 1, other = dim == 2 ? covariance[2] : 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < dim; ++k) {
    normal->mean[k] = mean[k];
    if (PetscIsInfOrNanReal(mean[k]))
      return MuError(MU_ERR_INPUT, "%s: a mean is %g; it must be finite", key, mean[k]);
  }
  if (dim == 1 && !(a > 0 && a < INFINITY))
    return MuError(MU_ERR_INPUT, "%s: the variance is %g; it must be positive", key, a);
  if (dim == 2 && PetscAbsReal(b - other) > 1e-12 * (PetscAbsReal(b) + PetscAbsReal(other)))
    return MuError(MU_ERR_INPUT, "%s: the covariance [%g, %g, %g, %g] is not symmetric", key, a, b,
                   other, c);
  if (!(a > 0 && c > 0 && a * c - b * b > 0) || PetscIsInfOrNanReal(a * c - b * b))
    return MuError(MU_ERR_INPUT,
                   "%s: the covariance [%g, %g, %g, %g] is not positive definite; the diagonal and "
                   "the determinant must be positive",
                   key, a, b, other, c);
  normal->l[0] = PetscSqrtReal(a);
  normal->l[1] = b / normal->l[0];
  normal->l[2] = PetscSqrtReal((a * c - b * b) / a);
  normal->log_weight = log_weight;
  normal->constant = log_weight - 0.5 * dim * log(2 * PETSC_PI) - log(normal->l[0]) -
                     (dim == 2 ? log(normal->l[2]) : 0);
  PetscFunctionReturn(0);
}

PetscReal MuNormalLog(const MuNormal *normal, PetscInt dim, const PetscReal x[2]) {
  PetscReal u = (x[0] - normal->mean[0]) / normal->l[0], v = 0;
  if (dim == 2) v = (x[1] - normal->mean[1] - normal->l[1] * u) / normal->l[2];
  return normal->constant - 0.5 * (u * u + v * v);
}

PetscReal MuNormalWidth(const MuNormal *normal, PetscInt dim, const PetscReal spacing[2]) {
  const PetscReal p = normal->l[0] / spacing[0];
  if (dim == 1) return p;
  /* the smaller singular value of [p 0; q r] is its determinant over the larger one */
  const PetscReal q = normal->l[1] / spacing[1], r = normal->l[2] / spacing[1];
  const PetscReal larger = 0.5 * (hypot(p + r, q) + hypot(p - r, q));
  return p * r / larger;
}

/* ------------------------------------------------------------------ intervals */

PetscReal MuNormalLogInterval(PetscReal a, PetscReal b) {
  const PetscReal root = PETSC_SQRT2;
  if (b < 0) return MuNormalLogInterval(-b, -a);
  if (a <= 0) return log(0.5 * (erf(b / root) - erf(a / root)));
  const PetscReal near = gsl_sf_log_erfc(a / root), far = gsl_sf_log_erfc(b / root);
  return near + log(-expm1(far - near)) - log(2);
}

/* log of the mean over [lower, upper] of the normal density with this mean and deviation. */
static PetscReal log_mean_1d(PetscReal mean, PetscReal deviation, PetscReal lower,
                             PetscReal upper) {
  return MuNormalLogInterval((lower - mean) / deviation, (upper - mean) / deviation) -
         log(upper - lower);
}

/* ------------------------------------------------------------------ rectangles */

/* The point of the segment at + t direction, 0 <= t <= 1, that is nearest to 0. */
static PetscReal nearest_on(const PetscReal at[2], const PetscReal direction[2]) {
  const PetscReal square = PetscSqr(direction[0]) + PetscSqr(direction[1]);
  const PetscReal t = -(at[0] * direction[0] + at[1] * direction[1]) / square;
  return PetscClipInterval(t, 0, 1);
}

/* The point of the rectangle where the density is largest. */
static void find_nearest(const MuNormal *n, const PetscReal lower[2], const PetscReal upper[2],
                         PetscReal x[2]) {
  PetscReal least = INFINITY;
  if (n->mean[0] >= lower[0] && n->mean[0] <= upper[0] && n->mean[1] >= lower[1] &&
      n->mean[1] <= upper[1]) {
    x[0] = n->mean[0];
    x[1] = n->mean[1];
    return;
  }
  for (PetscInt edge = 0; edge < 4; ++edge) {
    const PetscReal corner[2] = {edge == 1 ? upper[0] : lower[0], edge == 3 ? upper[1] : lower[1]};
    const PetscReal side[2] = {edge < 2 ? 0 : upper[0] - lower[0],
                               edge < 2 ? upper[1] - lower[1] : 0};
    PetscReal at[2], direction[2]; /* times L^(-1) */
    at[0] = (corner[0] - n->mean[0]) / n->l[0];
    at[1] = (corner[1] - n->mean[1] - n->l[1] * at[0]) / n->l[2];
    direction[0] = side[0] / n->l[0];
    direction[1] = (side[1] - n->l[1] * direction[0]) / n->l[2];
    const PetscReal t = nearest_on(at, direction);
    const PetscReal distance =
        PetscSqr(at[0] + t * direction[0]) + PetscSqr(at[1] + t * direction[1]);
    if (distance >= least) continue;
    least = distance;
    x[0] = corner[0] + t * side[0];
    x[1] = corner[1] + t * side[1];
  }
}

/* The integrand along x, scaled by its value at the nearest point. */
typedef struct {
  const MuNormal *normal;
  PetscReal lower, upper; /* along y */
  PetscReal scale;
} Slice;

static PetscReal log_slice(const Slice *s, PetscReal x) {
  const MuNormal *n = s->normal;
  const PetscReal u = (x - n->mean[0]) / n->l[0], y = n->mean[1] + n->l[1] * u;
  return -0.5 * u * u + MuNormalLogInterval((s->lower - y) / n->l[2], (s->upper - y) / n->l[2]) -
         s->scale;
}

static PetscReal slice(const Slice *s, PetscReal x) {
  return exp(log_slice(s, x));
}

/* Gauss's rule of ten nodes. */
static PetscReal gauss(const Slice *s, PetscReal from, PetscReal to) {
  static const PetscReal node[5] = {0.14887433898163122, 0.43339539412924719, 0.67940956829902441,
                                    0.86506336668898451, 0.97390652851717172};
  static const PetscReal weight[5] = {0.29552422471475287, 0.26926671930999636, 0.21908636251598204,
                                      0.14945134915058059, 0.066671344308688138};
  const PetscReal middle = 0.5 * (from + to), half = 0.5 * (to - from);
  PetscReal sum = 0;
  for (PetscInt k = 0; k < 5; ++k)
    sum += weight[k] * (slice(s, middle - half * node[k]) + slice(s, middle + half * node[k]));
  return half * sum;
}

/* Halves the interval until both halves together agree with the whole. */
static PetscReal integrate(const Slice *s, PetscReal from, PetscReal to, PetscReal whole,
                           PetscReal total, PetscInt depth) {
  const PetscReal middle = 0.5 * (from + to);
  const PetscReal left = gauss(s, from, middle), right = gauss(s, middle, to);
  if (depth == 0 || PetscAbsReal(left + right - whole) <= 1e-11 * PetscMax(total, left + right))
    return left + right;
  return integrate(s, from, middle, left, PetscMax(total, left), depth - 1) +
         integrate(s, middle, to, right, PetscMax(total, right), depth - 1);
}

/* From the nearest point to the end. The integrand is log-concave (Prekopa), so that it is one hill
   near that point: what lies beyond the end where it has fallen by e^40 is left out. */
static PetscReal integrate_side(const Slice *s, PetscReal x, PetscReal end) {
  PetscReal length = end - x;
  if (length == 0) return 0;
  while (log_slice(s, x + 0.5 * length) < -40) length *= 0.5;
  const PetscReal from = PetscMin(x, x + length), to = PetscMax(x, x + length);
  const PetscReal whole = gauss(s, from, to);
  return integrate(s, from, to, whole, whole, 40);
}

PetscReal MuNormalLogLargest(const MuNormal *n, PetscInt dim, const PetscReal lower[2],
                             const PetscReal upper[2]) {
  PetscReal x[2] = {PetscClipInterval(n->mean[0], lower[0], upper[0]), 0};
  if (dim == 2) find_nearest(n, lower, upper, x);
  return MuNormalLog(n, dim, x);
}

static PetscReal log_mean_2d(const MuNormal *n, const PetscReal lower[2],
                             const PetscReal upper[2]) {
  Slice s = {.normal = n, .lower = lower[1], .upper = upper[1]};
  PetscReal x[2];
  find_nearest(n, lower, upper, x);
  const PetscReal largest = MuNormalLog(n, 2, x);
  if (largest < n->constant - 800) return largest;
  s.scale = log_slice(&s, x[0]);
  const PetscReal sum = integrate_side(&s, x[0], lower[0]) + integrate_side(&s, x[0], upper[0]);
  return n->log_weight + s.scale + log(sum / (n->l[0] * PetscSqrtReal(2 * PETSC_PI))) -
         log((upper[0] - lower[0]) * (upper[1] - lower[1]));
}

PetscReal MuNormalLogMean(const MuNormal *n, PetscInt dim, const PetscReal lower[2],
                          const PetscReal upper[2]) {
  if (dim == 2 && n->l[1] != 0) return log_mean_2d(n, lower, upper);
  PetscReal sum = n->log_weight + log_mean_1d(n->mean[0], n->l[0], lower[0], upper[0]);
  if (dim == 2) sum += log_mean_1d(n->mean[1], n->l[2], lower[1], upper[1]);
  return sum;
}
