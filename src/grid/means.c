/* Means of two non-negative numbers. With m = (a + b)/2 and z = |a - b|/(a + b) every mean is m
   times an even function of z, which is evaluated without cancellation for each z in [0, 1].
   Stolarsky, Generalizations of the logarithmic mean, Math. Mag. 48 (1975). */
#include "grid/means.h"
#include "grid/arrays.h"

#include <math.h>
#include <string.h>

/* (high + low)/2 without overflow, and without halves of the smallest numbers, which are flushed.
 */
static inline PetscReal half_sum(PetscReal high, PetscReal low) {
  return high > 1 ? 0.5 * high + 0.5 * low : 0.5 * (high + low);
}

PetscReal MuLogarithmicMean(PetscReal a, PetscReal b) {
  const PetscReal high = PetscMax(a, b), low = PetscMin(a, b);
  const PetscReal m = half_sum(high, low), z = half_sum(high, -low) / m;
  if (!(low > 0)) return 0;
  if (z <= MU_ATANH_RADIUS) return m / (1 + z * z * MuAtanhTail(z * z));
  PetscReal ratio = high / low;
  return (high - low) / (ratio < PETSC_MAX_REAL ? log(ratio) : log(high) - log(low));
}

enum { CHUNK = 256 };

/* Where the two are close; whether all of them are. */
static PetscBool near_means(PetscInt n, const PetscReal *x, const PetscReal *y, PetscReal *mean) {
  int far = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal high = PetscMax(x[i], y[i]), low = PetscMin(x[i], y[i]);
    PetscReal m = half_sum(high, low), half = half_sum(high, -low);
    PetscReal z = half / PetscMax(m, MU_MIN_NORMAL);
    far |= (!(z <= MU_ATANH_RADIUS)) | ((low > 0) & (low < MU_MIN_NORMAL));
    mean[i] = low > 0 ? m / (1 + z * z * MuAtanhTail(z * z)) : 0;
  }
  return (PetscBool)!far;
}

static void all_means(PetscInt n, const PetscReal *x, const PetscReal *y, PetscReal *mean) {
  PetscReal ratio[CHUNK], logarithm[CHUNK];
  PetscBool extreme = PETSC_FALSE;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal high = PetscMax(x[i], y[i]), low = PetscMin(x[i], y[i]);
    ratio[i] = high / PetscMax(low, MU_MIN_NORMAL);
  }
  MuArrayLog(n, ratio, logarithm);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal high = PetscMax(x[i], y[i]), low = PetscMin(x[i], y[i]);
    PetscReal m = half_sum(high, low), half = half_sum(high, -low);
    PetscReal z = half / PetscMax(m, MU_MIN_NORMAL);
    PetscReal near = m / (1 + z * z * MuAtanhTail(z * z)), far = (high - low) / logarithm[i];
    extreme |= (PetscBool)((ratio[i] > PETSC_MAX_REAL) | ((low > 0) & (low < MU_MIN_NORMAL)));
    mean[i] = low > 0 ? (z <= MU_ATANH_RADIUS ? near : far) : 0;
  }
  for (PetscInt i = 0; extreme && i < n; ++i) mean[i] = MuLogarithmicMean(x[i], y[i]);
}

void MuArrayLogarithmicMean(PetscInt n, const PetscReal *a, const PetscReal *b, PetscReal *mean) {
  PetscReal out[CHUNK];
  for (PetscInt start = 0; start < n; start += CHUNK) {
    const PetscInt count = PetscMin(CHUNK, n - start);
    const PetscReal *x = a + start, *y = b + start;
    if (!near_means(count, x, y, out)) all_means(count, x, y, out);
    memcpy(mean + start, out, sizeof(PetscReal) * (size_t)count);
  }
}

/* (e^(pt) - 1)/p, t at p = 0; t may be -infinity. */
static PetscReal power_difference(PetscReal p, PetscReal t) {
  return p == 0 ? t : expm1(p * t) / p;
}

PetscReal MuStolarskyMean(PetscReal a, PetscReal b, PetscReal exponent) {
  const PetscReal high = PetscMax(a, b), low = PetscMin(a, b);
  const PetscReal m = half_sum(high, low), z = half_sum(high, -low) / m;
  const PetscReal share = low / m; /* 1 - z, exact to rounding near z = 1 too */
  if (!(high > 0) || (exponent <= 1 && !(low > 0))) return 0;
  if (high < 4 * MU_MIN_NORMAL) return low; /* below it differences are subnormal, hence zero */
  if (z == 0) return m;
  PetscReal up = log1p(z), down = z < 0.5 ? log1p(-z) : log(share);
  if (low > 0 && share < MU_MIN_NORMAL) down = log(low) - log(m);
  PetscReal numerator = power_difference(exponent, up) - power_difference(exponent, down);
  PetscReal denominator = power_difference(exponent - 1, up) - power_difference(exponent - 1, down);
  if (!PetscIsInfReal(denominator)) return m * (numerator / denominator);
  /* an exponent below 1 and a ratio so large that only the smaller number's power counts */
  if (PetscIsInfReal(numerator)) return (exponent - 1) / exponent * low;
  return (1 - exponent) * exp((1 - exponent) * down + log(numerator) + log(m));
}

PetscReal MuBernoulli(PetscReal z) {
  if (z > 750) return 0; /* below the smallest number */
  if (z < -40) return -z;
  return PetscAbsReal(z) < 1e-5 ? 1 - z / 2 + z * z / 12 : z / expm1(z);
}
