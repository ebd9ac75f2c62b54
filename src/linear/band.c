/* Banded LU without pivoting (Golub and Van Loan, Matrix Computations, 4th ed., section 4.3). */
#include "linear/band.h"

PetscErrorCode MuBandCreate(PetscInt size, PetscInt width, MuBand *band) {
  PetscFunctionBegin;
  band->size = size;
  band->width = PetscMin(width, size - 1);
  PetscCall(PetscCalloc2(size * (2 * band->width + 1), &band->row, size, &band->pivot));
  PetscFunctionReturn(0);
}

PetscErrorCode MuBandDestroy(MuBand *band) {
  PetscFunctionBegin;
  if (band->row) PetscCall(PetscFree2(band->row, band->pivot));
  PetscFunctionReturn(0);
}

PetscErrorCode MuBandFactor(MuBand *band) {
  const PetscInt n = band->size, w = band->width, length = 2 * w + 1;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; ++k) {
    const PetscInt reach = PetscMin(w, n - 1 - k);
    const PetscReal *restrict upper = band->row + k * length + w;
    band->pivot[k] = 1 / upper[0];
    for (PetscInt i = k + 1; i <= k + reach; ++i) {
      PetscReal *restrict row = band->row + i * length + w - (i - k);
      if (row[0] == 0) continue;
      PetscReal factor = row[0] *= band->pivot[k];
      for (PetscInt j = 1; j <= reach; ++j) row[j] -= factor * upper[j];
    }
  }
  PetscFunctionReturn(0);
}

/* Sum of a_j x_j in eight chains, which a vector unit can run side by side. */
static PetscReal inner(PetscInt n, const PetscReal *restrict a, const PetscReal *restrict x) {
  PetscReal lane[8] = {0}, sum = 0;
  PetscInt i = 0;
  for (; i + 8 <= n; i += 8)
    for (PetscInt l = 0; l < 8; ++l) lane[l] += a[i + l] * x[i + l];
  for (; i < n; ++i) sum += a[i] * x[i];
  for (PetscInt l = 0; l < 8; ++l) sum += lane[l];
  return sum;
}

void MuBandSolve(const MuBand *band, PetscReal *x) {
  const PetscInt n = band->size, w = band->width, length = 2 * w + 1;

  for (PetscInt i = 1; i < n; ++i) {
    const PetscInt reach = PetscMin(w, i);
    x[i] -= inner(reach, band->row + i * length + w - reach, x + i - reach);
  }
  for (PetscInt i = n - 1; i >= 0; --i) {
    const PetscInt reach = PetscMin(w, n - 1 - i);
    x[i] = (x[i] - inner(reach, band->row + i * length + w + 1, x + i + 1)) * band->pivot[i];
  }
}
