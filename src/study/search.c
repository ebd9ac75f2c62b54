/* Least value of 2 R*(mu, -DF)/F = <DF, K(mu) DF>/F over densities: the Lojasiewicz constant of a
   pair, for wasserstein and kl twice the constant of the logarithmic Sobolev inequality.

   J = log <DF, K DF> - log F + max(0, log(least F/F))^2, of v with rho = pi e^v (Z scales it where
   K conserves mass), by TAO's limited-memory quasi-Newton method with bounds (BLMVM). Along d rho
   the numerator changes by 2 <D2F K DF, d rho> + <DF, K'(d rho) DF>. D2F is the curvature of the
   local terms, and for squares a difference of DF, which is exact. K' is local: of face mobilities
   M_f(rho_i, rho_j) and reactions m(rho_i), by central differences in log rho of one cell of every
   face at a time (colours of a checkerboard): relative error about 1e-10. Under `spherical` DF is
   replaced by DF - c, since c minimises <DF - c, K (DF - c)>. */
#include "study/search.h"

#include "problem/problem.h"

#include <petsctao.h>

#define RELATIVE_STEP 1e-5 /* of log rho in derivatives of mobilities */
#define DIFFERENCE    1e-4 /* of v where nothing is assembled */

struct _p_MuSearch {
  MuTrial *t;
  MuGrid grid;
  MuEnergy energy, squares; /* squares: the terms that are not local; NULL: none */
  MuGeometry geometry;
  MuSearchBounds bounds;
  PetscBool assembled, transport, reaction, spherical, scaled;
  PetscReal mass;
  Vec log_target, rho, df, kdf, out, work[4], shifted;
  Tao tao;
  Vec low, high, gradient;
};

/* ------------------------------------------------------------------ what is known of the pair */

/* The terms whose DF is linear in rho are kept in an energy of their own. */
static PetscErrorCode find_squares(MuSearch q, const MuEnergySpec *e, PetscBool *known) {
  MuEnergySpec squares = {.kernel = e->kernel, .log_target = e->log_target};
  MuTermTraits traits;

  PetscFunctionBegin;
  *known = PETSC_TRUE;
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &traits));
    if (traits.local || traits.linear) continue;
    if (!traits.kernel_square) *known = PETSC_FALSE;
    squares.term[squares.terms++] = e->term[k];
  }
  if (*known && squares.terms) PetscCall(MuEnergyCreate(q->grid, &squares, &q->squares));
  PetscFunctionReturn(0);
}

static PetscErrorCode look_at_pair(MuSearch q) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuPartTraits traits;
  PetscBool inverts = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(q->geometry, &g));
  PetscCall(MuEnergyGetSpec(q->energy, &e));
  PetscCall(find_squares(q, e, &q->assembled));
  q->spherical = g->spherical;
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &traits));
    if (!traits.local && !traits.inverts_kernel) q->assembled = PETSC_FALSE;
    inverts |= traits.inverts_kernel;
    if (traits.kind == MU_PART_TRANSPORT)
      q->transport = PETSC_TRUE;
    else
      q->reaction = PETSC_TRUE;
  }
  if (q->transport && (g->face_mean == MU_MEAN_UPWIND || g->face_mean == MU_MEAN_LIMITED))
    q->assembled = PETSC_FALSE; /* of more than two cells, and not smooth */
  q->scaled = (PetscBool)(!q->reaction || q->spherical);
  if (q->spherical && inverts) q->assembled = PETSC_FALSE; /* c of both kinds */
  const MuGridInfo *info = q->t->info;
  for (PetscInt a = 0; a < info->dim; ++a)
    if (info->periodic[a] && info->cells[a] % 2) q->assembled = PETSC_FALSE; /* no checkerboard */
  PetscFunctionReturn(0);
}

static PetscErrorCode create_fields(MuSearch q) {
  Vec *const field[] = {&q->rho,     &q->df,      &q->kdf,     &q->out, &q->work[0], &q->work[1],
                        &q->work[2], &q->work[3], &q->shifted, &q->low, &q->high,    &q->gradient};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof field / sizeof *field; ++k)
    PetscCall(MuGridCreateField(q->grid, field[k]));
  PetscCall(VecSet(q->low, log(q->bounds.floor)));
  PetscCall(VecSet(q->high, -log(q->bounds.floor)));
  PetscFunctionReturn(0);
}

static PetscErrorCode objective(Tao tao, Vec v, PetscReal *value, Vec gradient, void *ctx) {
  (void)tao;
  return MuSearchEvaluate(ctx, v, value, gradient);
}

static PetscErrorCode create_tao(MuSearch q) {
  PetscFunctionBegin;
  PetscCall(TaoCreate(PETSC_COMM_SELF, &q->tao));
  PetscCall(TaoSetType(q->tao, TAOBLMVM));
  PetscCall(TaoSetVariableBounds(q->tao, q->low, q->high));
  PetscCall(TaoSetObjectiveAndGradient(q->tao, q->gradient, objective, q));
  PetscCall(TaoSetMaximumFunctionEvaluations(q->tao, q->assembled ? 20000 : 600));
  PetscCall(TaoSetMaximumIterations(q->tao, q->assembled ? 4000 : 300));
  PetscCall(TaoSetTolerances(q->tao, 1e-8, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSearchCreate(MuTrial *t, const MuSearchBounds *bounds, MuSearch *search) {
  MuSearch q;

  PetscFunctionBegin;
  *search = NULL;
  if (!t->parts->log_target)
    return MuError(MU_ERR_INPUT, "study_type: inequality needs a target, at which F is least");
  PetscCall(PetscNew(&q));
  q->t = t;
  q->bounds = *bounds;
  q->log_target = t->parts->log_target;
  PetscCall(MuFlowGetParts(t->flow, &q->grid, &q->energy, &q->geometry));
  PetscErrorCode code = look_at_pair(q);
  if (!code) code = create_fields(q);
  if (!code) code = create_tao(q);
  if (!code) code = VecCopy(q->log_target, q->rho);
  if (!code) code = VecExp(q->rho);
  if (!code) code = MuGridIntegrate(q->grid, q->rho, &q->mass);
  q->bounds.energy *= q->squares ? q->mass * q->mass : q->mass; /* the unit of F */
  if (code)
    PetscCall(MuSearchDestroy(&q));
  else
    *search = q;
  PetscFunctionReturn(code);
}

PetscErrorCode MuSearchDestroy(MuSearch *search) {
  MuSearch q = *search;

  PetscFunctionBegin;
  *search = NULL;
  if (!q) PetscFunctionReturn(0);
  Vec *const field[] = {&q->rho,     &q->df,      &q->kdf,     &q->out, &q->work[0], &q->work[1],
                        &q->work[2], &q->work[3], &q->shifted, &q->low, &q->high,    &q->gradient};
  for (size_t k = 0; k < sizeof field / sizeof *field; ++k) PetscCall(VecDestroy(field[k]));
  PetscCall(TaoDestroy(&q->tao));
  if (q->squares) PetscCall(MuEnergyDestroy(&q->squares));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

PetscBool MuSearchIsScaled(MuSearch q) {
  return q->scaled;
}

PetscReal MuSearchLeastEnergy(MuSearch q) {
  return q->bounds.energy;
}

PetscBool MuSearchIsAssembled(MuSearch q) {
  return q->assembled;
}

/* ------------------------------------------------------------------ the quotient */

PetscErrorCode MuSearchDensity(MuSearch q, Vec v, Vec rho) {
  PetscReal mass, most;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(rho, 1, v, q->log_target));
  if (q->scaled) {
    PetscCall(VecMax(rho, NULL, &most));
    PetscCall(VecShift(rho, -most));
  }
  PetscCall(VecExp(rho));
  PetscCall(MuGridApplyMask(q->grid, rho));
  if (!q->scaled) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(q->grid, rho, &mass));
  PetscCall(VecScale(rho, q->mass / mass));
  PetscFunctionReturn(0);
}

/* rho, DF, K DF; the numerator, F, and J. */
static PetscErrorCode quotient(MuSearch q, Vec v, PetscReal *numerator, PetscReal *energy,
                               PetscReal *value) {
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(MuSearchDensity(q, v, q->rho));
  PetscCall(MuEnergyHasPreimage(q->energy, &has, NULL));
  PetscCall(MuEnergyEvaluate(q->energy, q->rho, energy, NULL, q->df, has ? q->work[0] : NULL));
  PetscCall(MuGeometrySetState(q->geometry, q->rho));
  PetscCall(MuGeometryApply(q->geometry, MU_PART_ALL, q->df, has ? q->work[0] : NULL, q->kdf));
  PetscCall(MuGridInner(q->grid, q->df, q->kdf, numerator));
  if (!(*energy > 0) || !(*numerator > 0) || !isfinite(*energy) || !isfinite(*numerator)) {
    *value = 1e10; /* at pi itself, or beyond what can be computed: not a place to search */
    PetscFunctionReturn(0);
  }
  const PetscReal low = PetscMax(0, log(q->bounds.energy / *energy));
  *value = log(*numerator) - log(*energy) + low * low;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ its gradient */

/* The lower neighbour of cell i, itself at a wall. */
static PetscInt lower_neighbour(const MuGridInfo *info, PetscInt axis, PetscInt i) {
  const PetscInt nx = info->cells[0], ny = info->cells[1], x = i % nx, y = i / nx;
  return axis == 0 ? y * nx + (x + nx - 1) % nx : (y + ny - 1) % ny * nx + x;
}

static PetscInt colour(const MuGridInfo *info, PetscInt i) {
  return (i % info->cells[0] + i / info->cells[0]) % 2;
}

/* The state rho with the cells of a colour (-1: all) times e^step. */
static PetscErrorCode set_shifted(MuSearch q, PetscInt which, PetscReal step) {
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecCopy(q->rho, q->shifted));
  PetscCall(VecGetArray(q->shifted, &x));
  for (PetscInt i = 0; i < q->t->info->local_size; ++i)
    if (which < 0 || colour(q->t->info, i) == which) x[i] *= exp(step);
  PetscCall(VecRestoreArray(q->shifted, &x));
  PetscCall(MuGeometrySetState(q->geometry, q->shifted));
  PetscFunctionReturn(0);
}

/* out += (derivative of the face mobility in log rho_i) (grad DF)^2, of the faces of the cells of
   one colour along one axis. work[0]: mobility(+) - mobility(-); work[1]: grad DF. */
static PetscErrorCode add_faces(MuSearch q, PetscInt axis, PetscInt which) {
  const MuGridInfo *info = q->t->info;
  const PetscReal *change, *slope;
  PetscReal *out;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(q->work[0], &change));
  PetscCall(VecGetArrayRead(q->work[1], &slope));
  PetscCall(VecGetArray(q->out, &out));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    const PetscInt j = lower_neighbour(info, axis, i);
    if (!info->open[axis][i]) continue;
    out[colour(info, i) == which ? i : j] += change[i] / (2 * RELATIVE_STEP) * slope[i] * slope[i];
  }
  PetscCall(VecRestoreArray(q->out, &out));
  PetscCall(VecRestoreArrayRead(q->work[1], &slope));
  PetscCall(VecRestoreArrayRead(q->work[0], &change));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_transport(MuSearch q) {
  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < q->t->info->dim; ++axis) {
    PetscCall(MuGridGradient(q->grid, axis, q->df, q->work[1]));
    for (PetscInt which = 0; which < 2; ++which) {
      PetscCall(set_shifted(q, which, -RELATIVE_STEP));
      PetscCall(MuGeometryFaceMobility(q->geometry, axis, q->work[2]));
      PetscCall(set_shifted(q, which, RELATIVE_STEP));
      PetscCall(MuGeometryFaceMobility(q->geometry, axis, q->work[0]));
      PetscCall(VecAXPY(q->work[0], -1, q->work[2]));
      PetscCall(add_faces(q, axis, which));
    }
  }
  PetscFunctionReturn(0);
}

/* out += (derivative of the reaction in log rho_i) (DF - c)^2. */
static PetscErrorCode add_reaction(MuSearch q) {
  PetscReal weighted, all, c = 0;

  PetscFunctionBegin;
  if (q->spherical) {
    PetscCall(MuGeometrySetState(q->geometry, q->rho));
    PetscCall(MuGeometryReactionDiagonal(q->geometry, q->work[0]));
    PetscCall(MuGridInner(q->grid, q->work[0], q->df, &weighted));
    PetscCall(MuGridIntegrate(q->grid, q->work[0], &all));
    c = weighted / all;
  }
  PetscCall(set_shifted(q, -1, -RELATIVE_STEP));
  PetscCall(MuGeometryReactionDiagonal(q->geometry, q->work[1]));
  PetscCall(set_shifted(q, -1, RELATIVE_STEP));
  PetscCall(MuGeometryReactionDiagonal(q->geometry, q->work[0]));
  PetscCall(VecAXPY(q->work[0], -1, q->work[1]));
  PetscCall(VecCopy(q->df, q->work[1]));
  PetscCall(VecShift(q->work[1], -c));
  PetscCall(VecPointwiseMult(q->work[1], q->work[1], q->work[1]));
  PetscCall(VecPointwiseMult(q->work[1], q->work[1], q->work[0]));
  PetscCall(VecAXPY(q->out, 0.5 / RELATIVE_STEP, q->work[1]));
  PetscFunctionReturn(0);
}

/* out += 2 (D2F K DF) rho. */
static PetscErrorCode add_hessian(MuSearch q) {
  PetscFunctionBegin;
  PetscCall(MuEnergyCurvature(q->energy, q->rho, q->work[0]));
  PetscCall(VecPointwiseMult(q->work[0], q->work[0], q->kdf));
  if (q->squares) {
    PetscCall(VecWAXPY(q->shifted, 1, q->kdf, q->rho));
    PetscCall(MuEnergyEvaluate(q->squares, q->shifted, NULL, NULL, q->work[1], NULL));
    PetscCall(MuEnergyEvaluate(q->squares, q->rho, NULL, NULL, q->work[2], NULL));
    PetscCall(VecAXPY(q->work[0], 1, q->work[1]));
    PetscCall(VecAXPY(q->work[0], -1, q->work[2]));
  }
  PetscCall(VecPointwiseMult(q->work[0], q->work[0], q->rho));
  PetscCall(VecAXPY(q->out, 2, q->work[0]));
  PetscFunctionReturn(0);
}

/* dJ/dv_i = |C| (out_i/N - (1/F + 2 low/F) DF_i rho_i), less the part that the scaling takes. */
static PetscErrorCode assemble(MuSearch q, PetscReal numerator, PetscReal energy, Vec gradient) {
  const PetscReal low = PetscMax(0, log(q->bounds.energy / energy));
  PetscReal sum;

  PetscFunctionBegin;
  PetscCall(VecSet(q->out, 0));
  if (q->transport) PetscCall(add_transport(q));
  if (q->reaction) PetscCall(add_reaction(q));
  PetscCall(add_hessian(q));
  PetscCall(VecPointwiseMult(gradient, q->df, q->rho));
  PetscCall(VecAXPBY(gradient, 1 / numerator, -(1 + 2 * low) / energy, q->out));
  if (q->scaled) {
    PetscCall(MuGridIntegrate(q->grid, gradient, &sum));
    PetscCall(VecAXPY(gradient, -sum / q->mass, q->rho));
  }
  PetscCall(MuGridApplyMask(q->grid, gradient));
  PetscCall(VecScale(gradient, q->t->info->volume));
  PetscFunctionReturn(0);
}

static PetscErrorCode differences(MuSearch q, Vec v, Vec gradient) {
  const PetscInt n = q->t->info->local_size;
  PetscReal numerator, energy, value[2], *g;

  PetscFunctionBegin;
  PetscCall(VecCopy(v, q->work[3]));
  PetscCall(VecGetArray(gradient, &g));
  for (PetscInt i = 0; i < n; ++i) {
    for (int side = 0; side < 2; ++side) {
      PetscReal *x;
      PetscCall(VecGetArray(q->work[3], &x));
      x[i] += side ? -2 * DIFFERENCE : DIFFERENCE;
      PetscCall(VecRestoreArray(q->work[3], &x));
      PetscCall(quotient(q, q->work[3], &numerator, &energy, &value[side]));
    }
    PetscReal *x;
    PetscCall(VecGetArray(q->work[3], &x));
    x[i] += DIFFERENCE;
    PetscCall(VecRestoreArray(q->work[3], &x));
    g[i] = (value[0] - value[1]) / (2 * DIFFERENCE);
  }
  PetscCall(VecRestoreArray(gradient, &g));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSearchEvaluate(MuSearch q, Vec v, PetscReal *value, Vec gradient) {
  PetscReal numerator, energy;

  PetscFunctionBegin;
  PetscCall(quotient(q, v, &numerator, &energy, value));
  if (!gradient) PetscFunctionReturn(0);
  if (*value >= 1e10)
    PetscCall(VecSet(gradient, 0));
  else
    PetscCall(q->assembled ? assemble(q, numerator, energy, gradient)
                           : differences(q, v, gradient));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the search */

PetscErrorCode MuSearchMinimise(MuSearch q, Vec v, PetscReal *least, PetscReal *energy,
                                PetscInt *iterations, PetscBool *ended) {
  TaoConvergedReason reason;
  PetscReal numerator, value;

  PetscFunctionBegin;
  PetscCall(VecMedian(q->low, v, q->high, v)); /* into the bounds */
  PetscCall(TaoSetSolution(q->tao, v));
  PetscCall(TaoSolve(q->tao));
  PetscCall(TaoGetIterationNumber(q->tao, iterations));
  PetscCall(TaoGetConvergedReason(q->tao, &reason));
  *ended = (PetscBool)(reason != TAO_DIVERGED_MAXITS && reason != TAO_DIVERGED_MAXFCN);
  PetscCall(quotient(q, v, &numerator, energy, &value));
  *least = *energy > 0 ? numerator / *energy : NAN;
  PetscFunctionReturn(0);
}
