/* The primal potential of operators that a kernel smooths, where Kc^(-1) is diagonal (reflect,
   periodic, no mask) and tame. With g = v/f

       K = f Kc f:                      <v, K^(-1) v> = <g, Kc^(-1) g>,
       K = f (T + lambda)^(-1) T:       <v, K^(-1) v> = <v, g> + lambda <g, Kc^(-1) g>,  T x = Kc (f
   x),

   and for any kernel

       K = f (Kc + lambda)^(-1) f:      <v, K^(-1) v> = <g, Kc g> + lambda <g, g>.

   Zhu and Mielke, Kernel approximation of Fisher-Rao gradient flows (2024). For transport in 1-D
   the same holds with the flux j on faces, v = -div j, in place of v and the face mean in place of
   f: between walls j is the integral of v from the nearer wall; on a circle it has a free constant,
   the one that minimises.

   As in the solves, only the residual r of v = K xi + r is divided, R = 1/2 <xi, K xi> + <xi, r> +
   1/2 <r, K^(-1) r>, and f is floored at 1e-14 of its maximum: r carries rounding, which 1/f would
   blow up in empty cells. A flow spends less than that part of its energy there; R is a lower bound
   with this error. */
#include "geometry/primal.h"

#include <math.h>

#define MAX_CONDITION 6.7e7 /* 1/sqrt(machine epsilon) */
#define FLOOR         1e-14

/* ------------------------------------------------------------------ which part */

/* K = f (Kc + ridge)^(-1) f, of a transport with f = 1, instead of f Kc f. */
static PetscBool inverts_kernel(const MuPartOps *ops) {
  return (PetscBool)(ops->check_invertible && !ops->inverse_ridge &&
                     (ops->factor || ops->kind == MU_PART_TRANSPORT));
}

static MuConvolution convolution_of(const MuPart *part) {
  return part->ops->kind == MU_PART_TRANSPORT ? part->faces[0] : part->cells;
}

PetscErrorCode MuPrimalFindKernel(MuGeometry g, MuPart **found) {
  MuPart *part = &g->part[0];
  const MuPartOps *ops = part->ops;
  const MuKernelSpec *kernel;
  PetscReal low, high;

  PetscFunctionBegin;
  *found = NULL;
  if (g->spec.parts != 1 || !part->kernel || g->info->masked) PetscFunctionReturn(0);
  const PetscBool inverts = inverts_kernel(ops);
  if (!ops->factor && !ops->regression_ridge && !ops->smooths_flux && !inverts)
    PetscFunctionReturn(0);
  if (ops->kind == MU_PART_TRANSPORT && (g->info->dim > 1 || (MuFaceMeansDepend(g) && !inverts)))
    PetscFunctionReturn(0);
  PetscCall(MuKernelGetSpec(part->kernel, &kernel));
  if (kernel->extension == MU_EXTENSION_ZERO) PetscFunctionReturn(0);
  PetscCall(MuConvolutionGetSymbolRange(convolution_of(part), &low, &high));
  if (inverts || (low > 0 && high <= MAX_CONDITION * low)) *found = part;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalKernelCreate(MuGeometry g, MuPrimal s) {
  Vec *fields[] = {&s->r, &s->z, &s->p, &s->diagonal, &s->z_image, &s->p_image};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k)
    PetscCall(MuGridCreateField(g->grid, fields[k]));
  PetscMPIInt ranks;
  PetscCallMPI(MPI_Comm_size(g->info->comm, &ranks));
  PetscCall(PetscMalloc1(2 * ranks, &s->share));
  s->components = 1;
  PetscCall(PetscCalloc2(1, &s->defect, 1, &s->mass));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the factor */

/* s->diagonal = 1/f on cells or open faces, f floored; 0 elsewhere. */
static PetscErrorCode take_factor(MuGeometry g, MuPrimal s) {
  MuPart *part = s->kernel;
  const unsigned char *open = g->info->mask;
  PetscReal largest, *f;

  PetscFunctionBegin;
  if (s->ready) PetscFunctionReturn(0);
  if (part->ops->kind == MU_PART_TRANSPORT) open = g->info->open[0];
  if (part->ops->kind == MU_PART_TRANSPORT && !inverts_kernel(part->ops)) {
    const PetscReal *mean;
    PetscCall(MuFaceMeansGet(g, 0, NULL, &mean));
    PetscCall(VecGetArray(s->diagonal, &f));
    PetscCall(PetscArraycpy(f, mean, g->info->local_size));
    PetscCall(VecRestoreArray(s->diagonal, &f));
    PetscCall(MuFaceMeansRestore(g, 0, &mean));
  } else if (part->ops->kind == MU_PART_TRANSPORT) {
    PetscCall(VecSet(s->diagonal, 1));
  } else if (part->ops->factor) {
    PetscCall(part->ops->factor(g, part, s->diagonal));
  } else {
    PetscCall(VecCopy(g->rho, s->diagonal));
  }
  PetscCall(VecMax(s->diagonal, NULL, &largest));
  PetscCall(VecGetArray(s->diagonal, &f));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    f[i] = open[i] && largest > 0 ? 1 / PetscMax(f[i], FLOOR * largest) : 0;
  PetscCall(VecRestoreArray(s->diagonal, &f));
  s->ready = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the flux */

/* What lies below and above this rank's cells: sums of r and of |r|. */
static PetscErrorCode share_sums(MuGeometry g, MuPrimal s, const PetscReal *r, PetscReal below[2],
                                 PetscReal above[2]) {
  PetscReal own[2] = {0};
  PetscMPIInt rank, size;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    own[0] += r[i];
    own[1] += PetscAbsReal(r[i]);
  }
  PetscCallMPI(MPI_Comm_rank(g->info->comm, &rank));
  PetscCallMPI(MPI_Comm_size(g->info->comm, &size));
  PetscCallMPI(MPI_Allgather(own, 2, MPIU_REAL, s->share, 2, MPIU_REAL, g->info->comm));
  for (int k = 0; k < 2; ++k) {
    below[k] = above[k] = 0;
    for (PetscMPIInt q = 0; q < rank; ++q) below[k] += s->share[2 * q + k];
    for (PetscMPIInt q = size - 1; q > rank; --q) above[k] += s->share[2 * q + k];
  }
  PetscFunctionReturn(0);
}

/* j on lower faces, div j = -r: the sum of r from the wall below or, with the opposite sign, from
   the one above, whichever is nearer as |r| counts. */
static PetscErrorCode take_flux(MuGeometry g, MuPrimal s, Vec r, Vec flux) {
  const PetscReal h = g->info->spacing[0];
  PetscReal *j, below[2], above[2];
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(r, &x));
  PetscCall(VecGetArrayWrite(flux, &j));
  PetscCall(share_sums(g, s, x, below, above));
  const PetscReal high = above[1];
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    j[i] = h * below[0];
    below[0] += x[i];
    below[1] += PetscAbsReal(x[i]);
  }
  const PetscReal half = 0.5 * (below[1] + high);
  for (PetscInt i = g->info->local_size - 1; i >= 0; --i) {
    above[0] += x[i];
    above[1] += PetscAbsReal(x[i]);
    if (above[1] < half) j[i] = -h * above[0];
  }
  PetscCall(VecRestoreArrayWrite(flux, &j));
  PetscCall(VecRestoreArrayRead(r, &x));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the quadratic form */

/* image = K^(-1) x without the weight, or Kc^(-1) (x/f) over f in either case. */
static PetscErrorCode apply_inverse(MuPrimal s, Vec x, Vec image) {
  const MuPartOps *ops = s->kernel->ops;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(s->q, s->diagonal, x));
  if (inverts_kernel(ops)) {
    PetscCall(MuConvolutionApply(convolution_of(s->kernel), s->q, image));
    PetscCall(VecAXPY(image, s->kernel->value[0], s->q));
    PetscCall(VecPointwiseMult(image, s->diagonal, image));
    PetscFunctionReturn(0);
  }
  PetscCall(MuConvolutionApplyInverse(convolution_of(s->kernel), 0, s->q, image));
  PetscCall(VecPointwiseMult(image, s->diagonal, image));
  if (!ops->regression_ridge) PetscFunctionReturn(0);
  PetscCall(VecScale(image, ops->regression_ridge(s->kernel->value)));
  PetscCall(VecAXPY(image, 1, s->q));
  PetscFunctionReturn(0);
}

/* <x, K^(-1) x>; on a circle less what a constant flux makes of it. */
static PetscErrorCode inverse_energy(MuGeometry g, MuPrimal s, Vec x, PetscReal *energy) {
  PetscReal mixed, constant;

  PetscFunctionBegin;
  PetscCall(apply_inverse(s, x, s->z_image));
  PetscCall(MuGridInner(g->grid, x, s->z_image, energy));
  if (s->kernel->ops->kind == MU_PART_TRANSPORT && g->info->periodic[0]) {
    PetscCall(MuGridInner(g->grid, g->one, s->z_image, &mixed));
    PetscCall(apply_inverse(s, g->one, s->p_image));
    PetscCall(MuGridInner(g->grid, g->one, s->p_image, &constant));
    if (constant > 0) *energy -= mixed / constant * mixed;
  }
  *energy = PetscMax(*energy, 0) / s->kernel->weight;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalKernel(MuGeometry g, MuPrimal s, Vec v, Vec guess, Vec image,
                              PetscReal *value) {
  const PetscBool transport = (PetscBool)(s->kernel->ops->kind == MU_PART_TRANSPORT);
  PetscReal energy = 0;

  PetscFunctionBegin;
  PetscCall(take_factor(g, s));
  PetscCall(MuPrimalResidual(g, s, v, guess, image));
  if (transport) PetscCall(take_flux(g, s, s->r, s->p));
  if (s->size > 0 && !PetscIsInfOrNanReal(s->size))
    PetscCall(inverse_energy(g, s, transport ? s->p : s->r, &energy));
  *value = PetscMax(s->base + 0.5 * energy, 0);
  if (PetscIsInfOrNanReal(s->size)) *value = s->size;
  PetscFunctionReturn(0);
}
