/* Applying a convolution, or a function of its symbol. */
#include "base/events.h"
#include "kernel/kernel_impl.h"

PetscErrorCode MuConvolutionApply(MuConvolution convolution, Vec in, Vec out) {
  const MuFilter plain = {.rational = PETSC_FALSE};

  PetscFunctionBegin;
  if (convolution->balanced) {
    PetscCall(VecPointwiseMult(out, convolution->balance, in));
    in = out;
  }
  PetscCall(MuConvolutionFilter(convolution, &plain, in, out));
  if (convolution->balanced) PetscCall(VecPointwiseMult(out, convolution->balance, out));
  PetscFunctionReturn(0);
}

PetscErrorCode MuConvolutionFilter(MuConvolution c, const MuFilter *filter, Vec in, Vec out) {
  const PetscReal *x;
  PetscReal *y;

  PetscFunctionBegin;
  PetscCall(VecGetArray(out, &y));
  x = y;
  if (in != out) PetscCall(VecGetArrayRead(in, &x));
  PetscCall(MuEventBegin(MU_EVENT_CONVOLUTION));
  PetscCall(MuSpectralApply(c->spectral, filter, x, y));
  PetscCall(MuEventEnd(MU_EVENT_CONVOLUTION));
  if (in != out) PetscCall(VecRestoreArrayRead(in, &x));
  PetscCall(VecRestoreArray(out, &y));
  PetscFunctionReturn(0);
}
