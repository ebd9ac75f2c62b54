/* The exponential function as plain arithmetic, which compilers inline and vectorize in loops.
   Private to the library. */
#ifndef MUDOT_GRID_VECTOR_EXP_H
#define MUDOT_GRID_VECTOR_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* a b + c, fused where the processor does that at full speed. */
static inline double mu_multiply_add(double a, double b, double c) {
#ifdef __FMA__
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

/* exp(x) for x <= 0 to one unit in the last place; 0 below -708. x = k log 2 + r with k an integer
   and |r| <= log(2)/2, exp(r) by its Taylor polynomial of degree 13. */
static inline double MuExpNonPositive(double x) {
  static const double log2e = 0x1.71547652b82fep0, high = 0x1.62e42fefa39efp-1,
                      low = 0x1.abc9e3b39803fp-56, magic = 0x1.8p52;
  const double y = x > -708.0 ? x : -708.0;
  const double shifted = mu_multiply_add(y, log2e, magic); /* k in the low bits */
  const double k = shifted - magic;
  const double r = mu_multiply_add(-k, low, mu_multiply_add(-k, high, y));
  double p = 1.0 / 6227020800;
  uint64_t bits;
  p = mu_multiply_add(p, r, 1.0 / 479001600);
  p = mu_multiply_add(p, r, 1.0 / 39916800);
  p = mu_multiply_add(p, r, 1.0 / 3628800);
  p = mu_multiply_add(p, r, 1.0 / 362880);
  p = mu_multiply_add(p, r, 1.0 / 40320);
  p = mu_multiply_add(p, r, 1.0 / 5040);
  p = mu_multiply_add(p, r, 1.0 / 720);
  p = mu_multiply_add(p, r, 1.0 / 120);
  p = mu_multiply_add(p, r, 1.0 / 24);
  p = mu_multiply_add(p, r, 1.0 / 6);
  p = mu_multiply_add(p, r, 0.5);
  p = mu_multiply_add(p, r, 1.0);
  p = mu_multiply_add(p, r, 1.0);
  memcpy(&bits, &p, sizeof bits);
  {
    uint64_t shift;
    memcpy(&shift, &shifted, sizeof shift);
    bits += shift << 52; /* p 2^k */
  }
  memcpy(&p, &bits, sizeof p);
  return x > -708.0 ? p : 0.0;
}

#endif
