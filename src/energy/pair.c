/* Difference quotients of powers and logarithms without cancellation.

   With b = m(1+z), a = m(1-z) and E_q(t) = (e^(qt) - 1)/q the quotient R of (b^p - a^p)/(b - a) =
   p m^(p-1) R is, u = log(1+z) and v = log(1-z),

       R = (E_p(u) - E_p(v))/(2z) = 1/p + q ((1+z) E_q(u) - (1-z) E_q(v))/(2pz),   q = p - 1.

   The first is a sum of positive terms; the second gives (R - 1)/q for q near 0, whose limit is the
   quotient of r log r. Gonzalez, J. Nonlinear Sci. 6 (1996), for what it is used. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#include <features.h>
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
__attribute__((simd("notinbranch"))) double expm1(double);
__attribute__((simd("notinbranch"))) double log1p(double);
#endif
#endif

#include "energy/energy_impl.h"
#include "grid/arrays.h"

void MuArrayExpm1(PetscInt n, const PetscReal *x, PetscReal *y) {
  for (PetscInt i = 0; i < n; ++i) y[i] = expm1(x[i]);
}

void MuArrayLog1p(PetscInt n, const PetscReal *x, PetscReal *y) {
  for (PetscInt i = 0; i < n; ++i) y[i] = log1p(x[i]);
}

void MuPowerLog(PetscInt n, PetscReal q, const PetscReal *t, PetscReal *e) {
  const PetscReal inverse = q == 0 ? 1 : 1 / q, factor = q == 0 ? 1 : q;
  for (PetscInt i = 0; i < n; ++i) e[i] = factor * t[i];
  if (q == 0) return;
  MuArrayExpm1(n, e, e);
  for (PetscInt i = 0; i < n; ++i) e[i] *= inverse;
}

/* log(1-z) from z where z is small, from min/m where 1 - z would lose digits, from the logarithms
   where min/m underflows. */
static void fill_low(const MuPair *pair, PetscInt n, PetscReal *low, PetscReal *work) {
  const PetscReal *z = pair->z, *share = pair->share, *log_m = pair->mid.log_rho;
  const PetscReal *log_a = pair->a->log_rho, *log_b = pair->b->log_rho;
  for (PetscInt i = 0; i < n; ++i) {
    low[i] = z[i] < 0.5 ? -z[i] : 0;
    work[i] = z[i] < 0.5 ? 1 : share[i];
  }
  MuArrayLog1p(n, low, low);
  MuArrayLogPositive(n, work, work);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal logs = PetscMin(log_a[i], log_b[i]) - log_m[i];
    PetscReal far = share[i] < 1e-300 ? logs : work[i];
    low[i] = z[i] < 0.5 ? low[i] : far;
  }
}

void MuPairPrepare(MuPair *pair, PetscInt n, PetscReal *work) {
  const PetscReal *a = pair->a->rho, *b = pair->b->rho, *m = pair->mid.rho;
  PetscReal *z = pair->z, *share = pair->share, *low = pair->low;
  MuArrayLogPositive(n, m, pair->mid.log_rho);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal divisor = PetscMax(m[i], MU_MIN_NORMAL), least = PetscMin(a[i], b[i]);
    z[i] = PetscAbsReal(0.5 * a[i] - 0.5 * b[i]) / divisor;
    share[i] = m[i] > 0 ? least / divisor : 1;
  }
  MuArrayLog1p(n, z, pair->high);
  fill_low(pair, n, low, work);
  for (PetscInt i = 0; i < n; ++i)
    low[i] = ((m[i] > 0) & (PetscMin(a[i], b[i]) == 0)) ? -INFINITY : low[i];
}

/* (atanh(z)/z - 1 + log(1 - z^2)/2)/z^2 as a function of z^2, to rounding for |z| <=
   MU_ATANH_RADIUS: the sum of -z^(2k-2)/(2k (2k+1)), whose first term left out is below 1e-18. */
static inline PetscReal entropy_tail(PetscReal zz) {
  PetscReal sum = -1.0 / (18 * 19);
  sum = sum * zz - 1.0 / (16 * 17);
  sum = sum * zz - 1.0 / (14 * 15);
  sum = sum * zz - 1.0 / (12 * 13);
  sum = sum * zz - 1.0 / (10 * 11);
  sum = sum * zz - 1.0 / (8 * 9);
  sum = sum * zz - 1.0 / (6 * 7);
  sum = sum * zz - 1.0 / (4 * 5);
  return sum * zz - 1.0 / (2 * 3);
}

/* Where a and b are far apart: ((1+z) log(1+z) + (1-z) log(1-z)')/(2z) - 1, 1 +- z = high/m, low/m,
   with the sign that makes it the difference; the logarithms are those of numbers in (1, 2] and
   [0, 1), and 0 log 0 = 0. */
static void far_quotients(PetscInt n, const PetscReal *a, const PetscReal *b, PetscReal *w) {
  PetscReal up[MU_PAIR_CHUNK], down[MU_PAIR_CHUNK];
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal m = PetscMax(0.5 * a[i] + 0.5 * b[i], MU_MIN_NORMAL);
    up[i] = PetscMax(a[i], b[i]) / m;
    down[i] = PetscMin(a[i], b[i]) / m;
  }
  for (PetscInt i = 0; i < n; ++i) w[i] = up[i];
  MuArrayLogPositive(n, w, w);
  for (PetscInt i = 0; i < n; ++i) up[i] *= w[i];
  MuArrayLogPositive(n, down, w);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal m = PetscMax(0.5 * a[i] + 0.5 * b[i], MU_MIN_NORMAL);
    PetscReal z = PetscAbsReal(0.5 * a[i] - 0.5 * b[i]) / m, zz = z * z;
    PetscReal far = (up[i] - down[i] * w[i]) / (2 * z) - 1;
    w[i] = z <= MU_ATANH_RADIUS ? zz * entropy_tail(zz) : far;
  }
}

void MuPairLogarithm(PetscInt n, const PetscReal *a, const PetscReal *b, PetscReal *log_m,
                     PetscReal *w) {
  int far = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal m = 0.5 * a[i] + 0.5 * b[i];
    PetscReal z = PetscAbsReal(0.5 * a[i] - 0.5 * b[i]) / PetscMax(m, MU_MIN_NORMAL), zz = z * z;
    log_m[i] = m;
    far |= !(z <= MU_ATANH_RADIUS);
    w[i] = zz * entropy_tail(zz);
  }
  MuArrayLogPositive(n, log_m, log_m);
  if (far) far_quotients(n, a, b, w);
}

/* p >= 1/2: (((1+z) E_q(u) - (1-z) E_q(v))/(2z) - 1)/p */
static void quotient_near_one(const MuPair *pair, PetscInt n, PetscReal p, PetscReal *w,
                              PetscReal *work) {
  const PetscReal *z = pair->z, *share = pair->share, inverse = 1 / p;
  MuPowerLog(n, p - 1, pair->high, w);
  MuPowerLog(n, p - 1, pair->low, work);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal lower = share[i] > 0 ? share[i] * work[i] : 0;
    PetscReal quotient = ((1 + z[i]) * w[i] - lower) / (2 * z[i]);
    w[i] = z[i] > 0 ? (quotient - 1) * inverse : 0;
  }
}

/* p < 1/2: ((E_p(u) - E_p(v))/(2z) - 1)/q */
static void quotient_far_from_one(const MuPair *pair, PetscInt n, PetscReal p, PetscReal *w,
                                  PetscReal *work) {
  const PetscReal floor = log(MU_MIN_NORMAL), inverse = 1 / (p - 1);
  const PetscReal *z = pair->z, *low = pair->low, *log_m = pair->mid.log_rho;
  for (PetscInt i = 0; i < n; ++i) w[i] = p > 0 ? low[i] : PetscMax(low[i], floor - log_m[i]);
  MuPowerLog(n, p, w, work);
  MuPowerLog(n, p, pair->high, w);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal quotient = (w[i] - work[i]) / (2 * z[i]);
    w[i] = z[i] > 0 ? (quotient - 1) * inverse : 0;
  }
}

void MuPairQuotient(const MuPair *pair, PetscInt n, PetscReal p, PetscReal *w, PetscReal *work) {
  if (p >= 0.5)
    quotient_near_one(pair, n, p, w, work);
  else
    quotient_far_from_one(pair, n, p, w, work);
}
