/* DCT-II by a real or complex Fourier transform of the same length, for filters: the transform is
   never brought into its own order, only multiplied there and taken back.

   With v_j = x_(2j) for the front half and x_(2(n-j)-1) for the back half ("folded" order), V its
   DFT and t_k = exp(i pi k/(2n)),
     V_k conj(t_k) = C_k - i C_(n-k),   C_k = sum_j x_j cos(pi k (j + 1/2)/n),
   so one complex number k = 0 .. n/2 holds the modes k and n - k. Makhoul, A fast cosine transform
   in one and two dimensions, IEEE Trans. ASSP 28 (1980). */
#include "kernel/kernel_impl.h"

#include <math.h>

PetscErrorCode MuCosineTwiddles(PetscInt n, PetscReal t[]) {
  for (PetscInt k = 0; k <= n / 2; ++k) {
    t[2 * k] = cos(0.5 * PETSC_PI * k / n);
    t[2 * k + 1] = sin(0.5 * PETSC_PI * k / n);
  }
  return 0;
}

PetscInt MuCosinePlace(PetscInt n, PetscInt j) {
  return j % 2 ? n - 1 - j / 2 : j / 2;
}

void MuCosineFold(PetscInt n, const PetscReal *restrict x, PetscReal *restrict v) {
  for (PetscInt j = 0; j < n / 2; ++j) {
    v[j] = x[2 * j];
    v[n - 1 - j] = x[2 * j + 1];
  }
  if (n % 2) v[n / 2] = x[n - 1];
}

void MuCosineUnfold(PetscInt n, const PetscReal *restrict v, PetscReal *restrict x) {
  for (PetscInt j = 0; j < n / 2; ++j) {
    x[2 * j] = v[j];
    x[2 * j + 1] = v[n - 1 - j];
  }
  if (n % 2) x[n - 1] = v[n / 2];
}

/* z_k *= conj(t_k), or t_k if `back`. */
void MuCosineTwist(PetscInt n, const PetscReal *restrict t, PetscBool back, PetscReal *restrict z) {
  const PetscReal sign = back ? -1 : 1;
  for (PetscInt k = 0; k <= n / 2; ++k) {
    const PetscReal re = z[2 * k], im = z[2 * k + 1], c = t[2 * k], s = sign * t[2 * k + 1];
    z[2 * k] = re * c + im * s;
    z[2 * k + 1] = im * c - re * s;
  }
}

/* V_k = A_k + i B_k, A and B the transforms of two real columns, from V_k and V_m, m = n - k: A_k =
   (V_k + conj V_m)/2, B_k = (V_k - conj V_m)/(2i). Each is twisted, multiplied by the factors of
   its modes k and n - k, twisted back, and the two are joined again. */
static inline void filter_mode(const PetscReal *t, const PetscReal f[4], PetscReal *v,
                               PetscReal *w) {
  const PetscReal c = t[0], s = t[1];
  const PetscReal ar = 0.5 * (v[0] + w[0]), ai = 0.5 * (v[1] - w[1]);
  const PetscReal br = 0.5 * (v[1] + w[1]), bi = 0.5 * (w[0] - v[0]);
  const PetscReal p = f[0] * (ar * c + ai * s), q = f[1] * (ai * c - ar * s);
  const PetscReal x = f[2] * (br * c + bi * s), y = f[3] * (bi * c - br * s);
  const PetscReal cr = p * c - q * s, ci = p * s + q * c;
  const PetscReal dr = x * c - y * s, di = x * s + y * c;
  v[0] = cr - di;
  v[1] = ci + dr;
  w[0] = cr + di;
  w[1] = dr - ci;
}

void MuCosineFilter(PetscInt n, const PetscReal *t, const MuFilter *given, PetscReal scale,
                    const PetscReal *symbol, PetscReal *v) {
  const PetscInt kept = n / 2 + 1;
  const MuFilter filter = *given;
  for (PetscInt k = 0; k < kept; ++k) {
    PetscReal f[4];
    for (PetscInt i = 0; i < 4; ++i) f[i] = MuFilterFactor(&filter, scale, symbol[4 * k + i]);
    filter_mode(t + 2 * k, f, v + 2 * k, v + 2 * (k ? n - k : 0));
  }
}
