/* The primal dissipation potential R(mu, v) = 1/2 <zeta, v>, K(mu) zeta = v: the method that each
   geometry has for it, and the closed forms. */
#include "geometry/primal.h"
#include "base/events.h"

#include <math.h>

/* Whether K can be applied without a preimage. */
static PetscBool is_invertible(MuGeometry g, MuPart *part) {
  return (PetscBool)(!part->ops->check_invertible || !part->ops->check_invertible(g, part));
}

static PetscErrorCode choose_method(MuGeometry g, MuPrimal s) {
  PetscBool diagonal = PETSC_TRUE, well_posed = PETSC_FALSE, rough = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPartOps *ops = g->part[k].ops;
    if (ops->inverse_ridge && s->inverse)
      rough = (PetscBool)(rough || !is_invertible(g, &g->part[k]));
    else if (ops->inverse_ridge)
      s->inverse = &g->part[k];
    if (ops->mobility) s->transport = PETSC_TRUE;
    if (MuPrimalIsDiagonal(ops)) s->reaction = PETSC_TRUE;
    diagonal = (PetscBool)(diagonal && MuPrimalIsDiagonal(ops));
    well_posed = (PetscBool)(well_posed || ops->well_posed);
  }
  PetscCall(MuPrimalFindKernel(g, &s->kernel));
  if ((g->kinds & MU_PART_TRANSPORT) && g->spec.face_mean == MU_MEAN_UPWIND) {
    s->method = MU_PRIMAL_IDENTITY;
    s->sentence = "R := 1/2 <-DF, v>: with upwind face means K depends on its argument";
  } else if (diagonal) {
    s->method = MU_PRIMAL_CLOSED;
    s->sentence = "R = 1/2 int v^2/d in closed form, K = multiplication by d";
  } else if (s->inverse && g->spec.parts == 1) {
    s->method = MU_PRIMAL_CLOSED;
    s->sentence = "R = 1/2 <v, k*v> in closed form";
  } else if (s->kernel) {
    s->method = MU_PRIMAL_CLOSED;
    s->sentence = "R = 1/2 <v, K^(-1) v> in closed form: the inverse is diagonal, or a convolution";
  } else if (well_posed && !rough) {
    s->method = MU_PRIMAL_SOLVE;
    s->sentence = "R = 1/2 <zeta, v> from a solve of K zeta = v";
  } else {
    s->method = MU_PRIMAL_IDENTITY;
    s->sentence = "R := 1/2 <-DF, v>: K zeta = v is not well posed for a kernel operator";
  }
  PetscFunctionReturn(0);
}

void MuPrimalReset(MuPrimal s) {
  s->ready = PETSC_FALSE;
}

PetscErrorCode MuGeometryGetPrimalMethod(MuGeometry g, MuPrimalMethod *method,
                                         const char **sentence) {
  if (method) *method = g->primal->method;
  if (sentence) *sentence = g->primal->sentence;
  return 0;
}

PetscErrorCode MuGeometryGetPrimalReport(MuGeometry g, PetscInt *iterations, PetscBool *limited) {
  if (iterations) *iterations = g->primal->iterations;
  if (limited) *limited = g->primal->limited;
  return 0;
}

/* ------------------------------------------------------------------ creation */

PetscErrorCode MuPrimalCreate(MuGeometry g, MuPrimal *primal) {
  MuPrimal s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *primal = s;
  s->geometry = g;
  PetscCall(choose_method(g, s));
  if (s->method == MU_PRIMAL_IDENTITY) PetscFunctionReturn(0);
  PetscCall(MuGridCreateField(g->grid, &s->q));
  if (s->method == MU_PRIMAL_SOLVE)
    PetscCall(MuPrimalSolverCreate(g, s));
  else if (s->kernel)
    PetscCall(MuPrimalKernelCreate(g, s));
  else if (!s->inverse)
    PetscCall(MuGridCreateField(g->grid, &s->diagonal));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalDestroy(MuPrimal *primal) {
  MuPrimal s = *primal;

  PetscFunctionBegin;
  *primal = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(MuPrimalSolverDestroy(s));
  PetscCall(VecDestroy(&s->q));
  PetscCall(VecDestroy(&s->diagonal));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometrySetPrimalTolerance(MuGeometry g, PetscReal of_defect, PetscReal small) {
  g->primal->of_defect = of_defect;
  g->primal->small = small;
  return 0;
}

/* ------------------------------------------------------------------ closed forms */

/* 1/2 int v^2/d with 0/0 = 0 */
static PetscErrorCode divide_by_diagonal(MuGeometry g, MuPrimal s, Vec v, PetscReal *value) {
  const PetscReal *x, *d;
  PetscReal *y;

  PetscFunctionBegin;
  if (!s->ready) PetscCall(MuPrimalTakeDiagonal(g, s));
  s->ready = PETSC_TRUE;
  PetscCall(VecGetArrayRead(v, &x));
  PetscCall(VecGetArrayRead(s->diagonal, &d));
  PetscCall(VecGetArray(s->q, &y));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    y[i] = d[i] > 0 ? x[i] * (x[i] / d[i]) : (x[i] == 0 ? 0 : INFINITY);
  PetscCall(VecRestoreArray(s->q, &y));
  PetscCall(VecRestoreArrayRead(s->diagonal, &d));
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscCall(MuGridIntegrate(g->grid, s->q, value));
  *value *= 0.5;
  PetscFunctionReturn(0);
}

/* 1/(2 weight) <v, (Kc + ridge) v> */
static PetscErrorCode inverse_closed(MuGeometry g, MuPrimal s, Vec v, PetscReal *value) {
  PetscReal smooth, flat;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(s->q, g->one, v));
  PetscCall(MuConvolutionApply(s->inverse->cells, s->q, s->q));
  PetscCall(MuGridInner(g->grid, v, s->q, &smooth));
  PetscCall(MuGridInner(g->grid, v, v, &flat));
  *value = 0.5 / s->inverse->weight * (smooth + MuPrimalInverseRidge(s) * flat);
  PetscFunctionReturn(0);
}

/* The donors of a limited mean are those of the guess, as in its image. */
static PetscErrorCode solve(MuGeometry g, MuPrimal s, Vec v, Vec guess, Vec guess_image,
                            PetscReal *value) {
  const PetscBool depends = (PetscBool)((g->kinds & MU_PART_TRANSPORT) && MuFaceMeansDepend(g));

  PetscFunctionBegin;
  if (depends && !guess)
    return MuError(MU_ERR_INPUT, "geometry: with limited face means the primal dissipation "
                                 "potential needs a guess (minus the derivative of the energy)");
  PetscCall(MuEventBegin(MU_EVENT_PRIMAL));
  if (depends) {
    PetscCall(MuGeometrySetDirection(g, guess));
    MuPrimalReset(s);
  }
  PetscCall(MuPrimalSolve(g, s, v, guess, guess_image, value));
  if (depends) PetscCall(MuGeometrySetDirection(g, NULL));
  PetscCall(MuEventEnd(MU_EVENT_PRIMAL));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryPrimal(MuGeometry g, Vec v, Vec guess, Vec guess_image, PetscReal *value) {
  MuPrimal s = g->primal;

  PetscFunctionBegin;
  s->iterations = 0;
  s->limited = PETSC_FALSE;
  if (s->method == MU_PRIMAL_CLOSED) {
    if (s->kernel)
      PetscCall(MuPrimalKernel(g, s, v, guess, guess_image, value));
    else if (s->inverse)
      PetscCall(inverse_closed(g, s, v, value));
    else
      PetscCall(divide_by_diagonal(g, s, v, value));
  } else if (s->method == MU_PRIMAL_SOLVE) {
    PetscCall(solve(g, s, v, guess, guess_image, value));
  } else {
    if (!guess)
      return MuError(MU_ERR_INPUT,
                     "geometry: the primal dissipation potential has no solve here and needs a "
                     "guess (minus the derivative of the energy)");
    PetscCall(MuGridInner(g->grid, guess, v, value));
    *value *= 0.5;
  }
  PetscFunctionReturn(0);
}
