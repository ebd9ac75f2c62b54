/* Kernel Stein discrepancy: F = 1/2 <j, k*j>, j = grad rho + rho grad V, V = -log pi, k on each
   component: R* of `stein` at `kl`. Korba, Aubin-Frankowski, Majewski and Ablin, Kernel Stein
   discrepancy descent, ICML (2021).

   j lives on faces and is the Scharfetter-Gummel flux of the Fokker-Planck equation,
   j = (B(V_lower - V_upper) rho_upper - B(V_upper - V_lower) rho_lower)/spacing, which vanishes at
   rho = c pi and divides by nothing. It is linear in rho, so that F is quadratic: DF is the adjoint
   of rho -> j applied to k*j, and DF at the midpoint is a discrete gradient. */
#include "energy/smoothed.h"
#include "grid/arrays.h"
#include "grid/neighbours.h"

typedef struct {
  PetscReal *lower[2], *upper[2]; /* of j, per axis; 0 on closed faces */
  MuConvolution faces[2];
  Vec flux;
  PetscReal *cell, *row; /* scratch: [n], [row_length] */
} Ksd;

static PetscErrorCode shift(const MuTerm *term, PetscInt axis, PetscInt step, const PetscReal *x) {
  const Ksd *own = term->data;
  return MuGridNeighbours(term->shared->grid, axis, step, x, own->cell, own->row);
}

/* The weights of j along an axis. Faces at which pi vanishes on one side are closed. */
static PetscErrorCode fill_weights(MuTerm *term, PetscInt axis) {
  const MuShared *shared = term->shared;
  Ksd *own = term->data;

  PetscFunctionBegin;
  PetscCall(shift(term, axis, -1, shared->log_pi));
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscReal rise = own->cell[i] - shared->log_pi[i]; /* V_upper - V_lower */
    const PetscBool open = (PetscBool)(shared->info->open[axis][i] && own->cell[i] > -INFINITY &&
                                       shared->log_pi[i] > -INFINITY);
    own->lower[axis][i] = open ? -MuBernoulli(rise) / shared->info->spacing[axis] : 0;
    own->upper[axis][i] = open ? MuBernoulli(-rise) / shared->info->spacing[axis] : 0;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuTerm *term) {
  const MuShared *shared = term->shared;
  Ksd *own;

  PetscFunctionBegin;
  PetscCall(MuSmoothedCheckKernel(term));
  PetscCall(PetscNew(&own));
  term->data = own;
  PetscCall(MuGridCreateField(shared->grid, &own->flux));
  PetscCall(PetscMalloc1(shared->n, &own->cell));
  PetscCall(PetscMalloc1(shared->info->row_length, &own->row));
  for (PetscInt axis = 0; axis < shared->info->dim; ++axis) {
    PetscCall(PetscMalloc1(shared->n, &own->lower[axis]));
    PetscCall(PetscMalloc1(shared->n, &own->upper[axis]));
    PetscCall(MuConvolutionCreate(shared->grid, term->kernel, axis == 0 ? MU_FACES_X : MU_FACES_Y,
                                  &own->faces[axis]));
    PetscCall(fill_weights(term, axis));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Ksd *own = term->data;

  PetscFunctionBegin;
  if (!own) PetscFunctionReturn(0);
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(PetscFree(own->lower[axis]));
    PetscCall(PetscFree(own->upper[axis]));
    PetscCall(MuConvolutionDestroy(&own->faces[axis]));
  }
  PetscCall(VecDestroy(&own->flux));
  PetscCall(PetscFree(own->cell));
  PetscCall(PetscFree(own->row));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

/* df += the adjoint of rho -> j applied to w */
static PetscErrorCode add_adjoint(MuTerm *term, PetscInt axis, const PetscReal *w, PetscReal *df) {
  const Ksd *own = term->data;
  PetscReal *product = term->shared->work[0];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < term->shared->n; ++i) {
    df[i] += own->upper[axis][i] * w[i];
    product[i] = own->lower[axis][i] * w[i];
  }
  PetscCall(shift(term, axis, 1, product));
  for (PetscInt i = 0; i < term->shared->n; ++i) df[i] += own->cell[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  const Ksd *own = term->data;
  PetscReal *j, *kept = term->shared->work[0];
  const PetscReal *w;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    if (f) f[i] = 0;
    if (df) df[i] = 0;
  }
  for (PetscInt axis = 0; axis < term->shared->info->dim; ++axis) {
    PetscCall(shift(term, axis, -1, state->rho));
    PetscCall(VecGetArray(own->flux, &j));
    for (PetscInt i = 0; i < n; ++i)
      kept[i] = j[i] = own->upper[axis][i] * state->rho[i] + own->lower[axis][i] * own->cell[i];
    PetscCall(VecRestoreArray(own->flux, &j));
    PetscCall(MuConvolutionApply(own->faces[axis], own->flux, own->flux));
    PetscCall(VecGetArrayRead(own->flux, &w));
    for (PetscInt i = 0; f && i < n; ++i) f[i] += 0.5 * kept[i] * w[i];
    if (df) PetscCall(add_adjoint(term, axis, w, df));
    PetscCall(VecRestoreArrayRead(own->flux, &w));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  return evaluate(term, &pair->mid, NULL, g);
}

const MuTermOps MuTermKsd = {
    .name = "ksd",
    .formula = "1/2 <j, k*j>, j = grad rho + rho grad V, V = -log pi",
    .needs = MU_NEEDS_TARGET | MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .convex = PETSC_TRUE,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
