/* Lengths of padded transforms, and the spectra of real weights that symbols are made from. */
#include "kernel/kernel_impl.h"

#include <fftw3.h>
#include <math.h>

/* ------------------------------------------------------------------ lengths */

/* Rough cost of a transform: n times the work per radix, from FFTW's timings. */
static PetscReal transform_cost(PetscInt n) {
  const PetscInt radix[4] = {2, 3, 5, 7};
  const PetscReal work[4] = {1, 1.8, 2.8, 4};
  PetscReal cost = 2;
  PetscInt rest = n;
  for (PetscInt k = 0; k < 4; ++k)
    while (rest % radix[k] == 0) {
      rest /= radix[k];
      cost += work[k];
    }
  return rest == 1 ? cost * n : INFINITY;
}

PetscInt MuSpectralLength(PetscInt least) {
  PetscInt best = 0, power = 2;
  while (power < least) power *= 2;
  best = power;
  for (PetscInt n = least + least % 2; n < power; n += 2)
    if (transform_cost(n) < transform_cost(best)) best = n;
  return best;
}

/* ------------------------------------------------------------------ spectra of weights */

static PetscErrorCode allocate(PetscInt count, PetscReal **array) {
  PetscFunctionBegin;
  *array = fftw_alloc_real((size_t)count);
  if (!*array)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %d reals of a transform", (int)count);
  PetscFunctionReturn(0);
}

/* Replaces the lines w[0], w[step], ... (first and second half of an even period of `length`) by
   their DFT; `lines` of them, `apart` apart. */
static PetscErrorCode even_lines(PetscInt length, PetscInt step, PetscInt lines, PetscInt apart,
                                 PetscReal w[]) {
  const PetscInt half = length / 2;
  PetscReal *even, *modes;

  PetscFunctionBegin;
  PetscCall(allocate(length, &even));
  PetscCall(allocate(2 * (half + 1), &modes));
  fftw_plan plan = fftw_plan_dft_r2c_1d((int)length, even, (fftw_complex *)modes, FFTW_ESTIMATE);
  for (PetscInt l = 0; l < lines; ++l) {
    PetscReal *line = w + l * apart;
    for (PetscInt j = 0; j < length; ++j) even[j] = line[PetscMin(j, length - j) * step];
    fftw_execute(plan);
    for (PetscInt j = 0; j <= half; ++j) line[j * step] = modes[2 * j];
  }
  fftw_destroy_plan(plan);
  fftw_free(even);
  fftw_free(modes);
  PetscFunctionReturn(0);
}

PetscErrorCode MuEvenSpectrum(const PetscInt length[2], PetscReal w[]) {
  const PetscInt columns = length[0] / 2 + 1, rows = length[1] / 2 + 1;

  PetscFunctionBegin;
  PetscCall(even_lines(length[0], 1, rows, columns, w));
  if (rows > 1) PetscCall(even_lines(length[1], columns, columns, 1, w));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFullSpectrum(const PetscInt length[2], PetscReal w[], PetscReal spectrum[]) {
  const PetscInt columns = length[0] / 2 + 1;
  PetscReal *modes;

  PetscFunctionBegin;
  PetscCall(allocate(2 * columns * length[1], &modes));
  fftw_plan plan =
      fftw_plan_dft_r2c_2d((int)length[1], (int)length[0], w, (fftw_complex *)modes, FFTW_ESTIMATE);
  fftw_execute(plan);
  for (PetscInt i = 0; i < columns * length[1]; ++i) spectrum[i] = modes[2 * i];
  fftw_destroy_plan(plan);
  fftw_free(modes);
  PetscFunctionReturn(0);
}
