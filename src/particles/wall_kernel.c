/* Kernel sums between walls, by images. An axis from l to u of length L has the images y + 2mL and
   2l - y + 2mL, m any integer; those are kept that are nearer to the box than the kernel's support.
 */
#include "particles/pairs.h"
#include "particles/particles_impl.h"
#include "problem/problem.h"

struct _MuWallKernel {
  MuRadial radial;
  MuPairs pairs;
  PetscInt dim;
  PetscBool reflects;
  const MuGridInfo *info;
  PetscReal support;
  /* images of the sources, grown when needed */
  PetscInt count, room;
  PetscReal *x, *w;      /* [room][dim], [room][1 + dim] */
  PetscInt *source;      /* [room] */
  unsigned char *parity; /* [room] bit a: odd along axis a */
};

PetscErrorCode MuWallKernelCreate(MPI_Comm comm, const MuKernelSpec *spec, PetscInt dim,
                                  const MuGridInfo *info, MuWallKernel *kernel) {
  const MuKernelSpec *resolved = NULL;
  MuWallKernel k;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(&k));
  k->dim = dim;
  k->info = info;
  code = MuRadialCreate(spec, dim, &k->radial);
  if (!code) code = MuPairsCreate(comm, k->radial, &k->pairs);
  if (!code) code = MuRadialGetSpec(k->radial, &resolved, NULL);
  if (!code && resolved->extension == MU_EXTENSION_MASK)
    code = MuError(MU_ERR_INPUT, "kernel_extension: mask is not possible between particles, which "
                                 "know no cells; use zero or reflect");
  if (!code && info && resolved->extension != MU_EXTENSION_ZERO) {
    k->reflects = PETSC_TRUE;
    code = MuKernelSupport(k->radial->kernel, &k->support);
    if (!code && k->support == PETSC_INFINITY)
      code = MuError(MU_ERR_INPUT,
                     "kernel_extension: reflect is not possible between particles for %s, which "
                     "has infinitely many images; use kernel_extension zero",
                     resolved->type);
  }
  if (code) PetscCall(MuWallKernelDestroy(&k));
  *kernel = k;
  PetscFunctionReturn(code);
}

PetscErrorCode MuWallKernelOfCase(MuCase c, MPI_Comm comm, const char *block, const char *why,
                                  PetscInt dim, const MuGridInfo *info, MuWallKernel *kernel) {
  char name[MU_KERNEL_BLOCK];
  MuKernelSpec spec;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetCommonKernelSpec(c, block, &spec, &given));
  if (!given) return MuError(MU_ERR_INPUT, "kernel: is missing; %s", why);
  PetscCall(MuCaseFindKernelBlock(c, block, name));
  PetscCall(
      MuCaseNameKernelKey(c, name, &spec, MuWallKernelCreate(comm, &spec, dim, info, kernel)));
  PetscFunctionReturn(0);
}

PetscErrorCode MuWallKernelDestroy(MuWallKernel *kernel) {
  MuWallKernel k = *kernel;

  PetscFunctionBegin;
  *kernel = NULL;
  if (!k) PetscFunctionReturn(0);
  PetscCall(MuPairsDestroy(&k->pairs));
  PetscCall(MuRadialDestroy(&k->radial));
  PetscCall(PetscFree(k->x));
  PetscCall(PetscFree(k->w));
  PetscCall(PetscFree(k->source));
  PetscCall(PetscFree(k->parity));
  PetscCall(PetscFree(k));
  PetscFunctionReturn(0);
}

PetscErrorCode MuWallKernelGet(MuWallKernel k, MuRadial *radial, PetscBool *reflects,
                               const MuKernelSpec **spec) {
  PetscFunctionBegin;
  if (radial) *radial = k->radial;
  if (reflects) *reflects = k->reflects;
  if (spec) PetscCall(MuRadialGetSpec(k->radial, spec, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode MuWallKernelRemember(MuWallKernel k, PetscReal memory[]) {
  return MuPairsRemember(k->pairs, memory);
}

PetscErrorCode MuWallKernelRecall(MuWallKernel k, const PetscReal memory[]) {
  return MuPairsRecall(k->pairs, memory);
}

PetscBool MuWallKernelsAgree(MuWallKernel a, MuWallKernel b) {
  const MuKernelSpec *s, *t;
  MuKernelSpec u, v;
  if (!a || !b || a->reflects != b->reflects) return PETSC_FALSE;
  if (MuRadialGetSpec(a->radial, &s, NULL) || MuRadialGetSpec(b->radial, &t, NULL))
    return PETSC_FALSE;
  u = *s;
  v = *t;
  u.extension = v.extension = MU_EXTENSION_ZERO;
  return MuKernelSpecEqual(&u, &v);
}

/* ------------------------------------------------------------------ images */

static PetscErrorCode grow(MuWallKernel k) {
  PetscFunctionBegin;
  k->room = 2 * k->room + 1024;
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(k->room * k->dim), &k->x));
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(k->room * (1 + k->dim)), &k->w));
  PetscCall(PetscRealloc(sizeof(PetscInt) * (size_t)k->room, &k->source));
  PetscCall(PetscRealloc((size_t)k->room, &k->parity));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_image(MuWallKernel k, PetscInt source, const PetscReal *x,
                                unsigned char parity) {
  PetscFunctionBegin;
  if (k->count == k->room) PetscCall(grow(k));
  memcpy(k->x + k->count * k->dim, x, sizeof(PetscReal) * (size_t)k->dim);
  k->source[k->count] = source;
  k->parity[k->count++] = parity;
  PetscFunctionReturn(0);
}

/* All images of a point whose coordinates below `axis` are chosen. */
static PetscErrorCode add_images(MuWallKernel k, PetscInt source, PetscInt axis, PetscReal *x,
                                 unsigned char parity) {
  PetscFunctionBegin;
  if (axis >= PetscMin(k->dim, 2)) { /* a box has at most two axes */
    PetscCall(add_image(k, source, x, parity));
    PetscFunctionReturn(0);
  }
  const PetscReal lower = k->info->lower[axis], upper = k->info->upper[axis], y = x[axis];
  const PetscReal period = 2 * (upper - lower);
  const PetscInt most = (PetscInt)PetscCeilReal(k->support / period) + 1;
  for (PetscInt m = -most; m <= most; ++m)
    for (int odd = 0; odd < 2; ++odd) {
      x[axis] = (odd ? 2 * lower - y : y) + m * period;
      if (x[axis] < lower - k->support || x[axis] > upper + k->support) continue;
      PetscCall(
          add_images(k, source, axis + 1, x, (unsigned char)(odd ? parity | 1u << axis : parity)));
    }
  x[axis] = y;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_images(MuWallKernel k, PetscInt n, const PetscReal *x) {
  PetscReal point[2];

  PetscFunctionBegin;
  k->count = 0;
  for (PetscInt i = 0; i < n; ++i) {
    memcpy(point, x + i * k->dim, sizeof(PetscReal) * (size_t)k->dim);
    PetscCall(add_images(k, i, 0, point, 0));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuWallKernelApply(MuWallKernel k, PetscInt n, const PetscReal *x, const PetscReal *w,
                                 PetscInt m, const PetscReal *y, PetscReal *sum,
                                 PetscReal *gradient) {
  PetscFunctionBegin;
  if (!k->reflects) {
    PetscCall(MuPairsApply(k->pairs, n, x, w, m, y, sum, gradient));
    PetscFunctionReturn(0);
  }
  PetscCall(make_images(k, n, x));
  for (PetscInt i = 0; i < k->count; ++i) k->w[i] = w[k->source[i]];
  PetscCall(MuPairsApply(k->pairs, k->count, k->x, k->w, m, y, sum, gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode MuWallKernelApplyVector(MuWallKernel k, PetscInt n, const PetscReal *x,
                                       const PetscReal *w, PetscInt m, const PetscReal *y,
                                       PetscReal *sums, PetscReal *gradient) {
  const PetscInt columns = 1 + k->dim;

  PetscFunctionBegin;
  if (!k->reflects) {
    PetscCall(MuPairsApplyColumns(k->pairs, n, x, columns, w, m, y, sums, gradient));
    PetscFunctionReturn(0);
  }
  PetscCall(make_images(k, n, x));
  for (PetscInt i = 0; i < k->count; ++i) {
    const PetscReal *from = w + k->source[i] * columns;
    k->w[i * columns] = from[0];
    for (PetscInt a = 0; a < k->dim; ++a)
      k->w[i * columns + 1 + a] = k->parity[i] >> a & 1 ? -from[1 + a] : from[1 + a];
  }
  PetscCall(MuPairsApplyColumns(k->pairs, k->count, k->x, columns, k->w, m, y, sums, gradient));
  PetscFunctionReturn(0);
}
