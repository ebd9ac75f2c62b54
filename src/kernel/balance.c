/* extension: mask. The kernel renormalised on the domain: K = D Kc D with Kc the convolution under
   `zero`, restricted to the inside, and a positive diagonal D for which the rows of K sum to the
   integral of the kernel. K is symmetric and, as Kc is, positive semi-definite; D^(-1/2) Kc
   D^(-1/2) with D = Kc 1 is so, too, but its rows do not sum to 1.

   D is found by the symmetric Sinkhorn iteration D <- sqrt(m D/(Kc D)), m the integral, whose
   errors fall by half or more each time: Knight, Ruiz and Ucar, A symmetry preserving algorithm for
   matrix scaling, SIAM J. Matrix Anal. Appl. 35 (2014). */
#include "kernel/kernel_impl.h"

#include <math.h>

#define TOLERANCE 1e-14
enum { MOST = 1000 };

/* One iteration; *change is the largest relative change of D. */
static PetscErrorCode iterate(MuConvolution c, PetscReal integral, Vec image, PetscReal *change) {
  const MuGridInfo *info;
  const PetscReal *k;
  PetscReal *d, worst[2] = {0, 0};

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(c->grid, &info));
  PetscCall(MuConvolutionApply(c, c->balance, image)); /* c is not balanced yet */
  PetscCall(VecGetArrayRead(image, &k));
  PetscCall(VecGetArray(c->balance, &d));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    if (!c->inside[i]) continue;
    if (!(k[i] > 0)) {
      worst[1] = 1;
      continue;
    }
    const PetscReal next = sqrt(integral * d[i] / k[i]);
    worst[0] = PetscMax(worst[0], PetscAbsReal(next / d[i] - 1));
    d[i] = next;
  }
  PetscCall(VecRestoreArray(c->balance, &d));
  PetscCall(VecRestoreArrayRead(image, &k));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, worst, 2, MPIU_REAL, MPI_MAX, info->comm));
  *change = worst[1] > 0 ? INFINITY : worst[0];
  PetscFunctionReturn(0);
}

/* D = 1 inside to begin with. */
static PetscErrorCode begin(MuConvolution c) {
  const MuGridInfo *info;
  PetscReal *d;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(c->grid, &info));
  PetscCall(VecGetArray(c->balance, &d));
  for (PetscInt i = 0; i < info->local_size; ++i) d[i] = c->inside[i] ? 1 : 0;
  PetscCall(VecRestoreArray(c->balance, &d));
  PetscFunctionReturn(0);
}

/* The mean and the least value of D^2 inside. */
static PetscErrorCode finish(MuConvolution c) {
  const MuGridInfo *info;
  const PetscReal *d;
  PetscReal sums[2] = {0, 0}, least = PETSC_MAX_REAL;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(c->grid, &info));
  PetscCall(VecGetArrayRead(c->balance, &d));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    if (!c->inside[i]) continue;
    sums[0] += d[i] * d[i];
    sums[1]++;
    least = PetscMin(least, d[i] * d[i]);
  }
  PetscCall(VecRestoreArrayRead(c->balance, &d));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPIU_REAL, MPI_MIN, info->comm));
  c->mean_square = sums[0] / sums[1];
  c->least_square = least;
  c->balanced = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode MuConvolutionBalance(MuConvolution c, MuKernel kernel) {
  PetscReal integral, change = 1, previous = PETSC_MAX_REAL;
  Vec image;

  PetscFunctionBegin;
  PetscCall(MuKernelSymbol(kernel, 0, &integral));
  if (!(integral > 0) || PetscIsInfOrNanReal(integral) || kernel->ops->traits.conditional)
    return MuError(
        MU_ERR_INPUT,
        "kernel_extension: mask needs a kernel with a finite integral, which %s has not; "
        "use zero",
        kernel->spec.type);
  PetscCall(MuGridCreateField(c->grid, &c->balance));
  PetscCall(MuGridCreateField(c->grid, &image));
  PetscCall(begin(c));
  for (PetscInt k = 0; k < MOST && change > TOLERANCE; ++k) {
    PetscCall(iterate(c, integral, image, &change));
    if (k > 20 && change < 1e-12 && change >= previous) break; /* rounding of the transforms */
    previous = change;
  }
  PetscCall(VecDestroy(&image));
  if (!(change < 1e-10))
    return MuError(MU_ERR_NUMERICS, "kernel_extension: mask finds no scaling of the kernel on this "
                                    "grid; use a wider kernel, or extension zero");
  PetscCall(finish(c));
  PetscFunctionReturn(0);
}
