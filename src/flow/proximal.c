/* Proximal steps of the inverse of a kernel: for K = b (Kc + r)^(-1)

     rho_1 = argmin over rho of 1/(2 b dt) <rho - rho_0, (Kc + r)(rho - rho_0)> + F(rho)

   (with the mass of rho_0 if the geometry is spherical), the implicit Euler step of the flow and a
   minimising movement (Jordan, Kinderlehrer and Otto, SIAM J. Math. Anal. 29 (1998); Gladin,
   Dvurechensky, Mielke and Zhu 2024). It is taken where DF is -infinity at rho = 0, which keeps the
   minimiser positive although K does not vanish with the density: then for any step the density is
   positive and energy falls. Order 1.

   Newton's method on g = (Kc + r)(rho - rho_0)/(b dt) + DF(rho) - c with the Hessian (Kc + r)/(b
   dt)
   + f'' of the local energies, scaled by its diagonal and solved by conjugate gradients. A
   correction d of the density becomes rho exp(d/rho) where it is negative and is at most 4 rho
   where it is not; steps are halved until the objective or g falls. Iterations start from the
   density with near-empty cells filled to 1e-8 of its maximum: from below, DF brings a cell up by a
   factor at a time only. 8 to 30 iterations, 20 to 800 convolutions, for steps from 1e-4 to 1 and
   ridges from 1e-3 to 10 with densities down to 1e-275.

   `auto` takes the discrete gradient, of order 2, and this where that finds no density: in
   near-empty cells the quotient of differences of F does not see that DF is -infinity at 0. */
#include "flow/flow_impl.h"
#include "linear/conjugate_gradients.h"

#include <math.h>

#define TOLERANCE  1e-12 /* change of the density that is left, in L1 over the mass */
#define LOOSE      1e-9  /* the same, where rounding stops the iterations */
#define MOST       200   /* iterations */
#define MOST_INNER 500   /* of conjugate gradients */
#define FILLED     1e-8  /* of the maximum */
#define SHORTEST   1e-6  /* of a correction */
#define MOST_RISE  4
#define MOST_FALL  6

typedef struct {
  MuConvolution convolution;
  PetscReal weight, ridge, peak; /* b, r, the diagonal of Kc */
  PetscBool spherical;
  MuIntegrator gradient; /* tried first, or NULL */
  MuConjugateGradients cg;
  Vec start, trial, force, change, curvature, scale, right, unit, work, image;
  PetscReal dt, mass;
} Proximal;

/* What is known of a density. */
typedef struct {
  PetscReal objective, residual;
} Point;

/* ------------------------------------------------------------------ creation */

/* The one reaction part, if it inverts a kernel, and whether DF is -infinity at rho = 0. */
static PetscErrorCode find_part(MuFlow flow, MuPartTraits *part, PetscBool *fits) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuTermTraits term;
  MuPartTraits here;
  PetscInt reactions = 0;
  PetscBool barrier = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  PetscCall(MuEnergyGetSpec(flow->energy, &e));
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &here));
    if (here.kind != MU_PART_REACTION) continue;
    ++reactions;
    *part = here;
  }
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &term));
    if (term.singular_at_zero) barrier = PETSC_TRUE;
  }
  *fits = (PetscBool)(reactions == 1 && part->inverts_kernel && barrier);
  PetscFunctionReturn(0);
}

PetscErrorCode MuProximalFits(MuFlow flow, PetscBool *fits) {
  MuPartTraits part = {.inverts_kernel = PETSC_FALSE};

  PetscFunctionBegin;
  PetscCall(find_part(flow, &part, fits));
  PetscFunctionReturn(0);
}

static Vec *field(Proximal *p, PetscInt i) {
  Vec *const all[] = {&p->start, &p->trial, &p->force, &p->change, &p->curvature,
                      &p->scale, &p->right, &p->unit,  &p->work,   &p->image};
  return i < (PetscInt)(sizeof all / sizeof *all) ? all[i] : NULL;
}

/* y = S ((Kc + r)/(b dt) + f'') S x, S the scale. */
static PetscErrorCode apply_hessian(void *ctx, Vec x, Vec y) {
  const MuIntegrator it = ctx;
  Proximal *p = it->data;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(p->work, p->scale, x));
  PetscCall(MuConvolutionApply(p->convolution, p->work, y));
  PetscCall(VecAXPY(y, p->ridge, p->work));
  PetscCall(VecScale(y, 1 / (p->weight * p->dt)));
  PetscCall(VecPointwiseMult(p->work, p->work, p->curvature));
  PetscCall(VecAXPY(y, 1, p->work));
  PetscCall(VecPointwiseMult(y, y, p->scale));
  PetscFunctionReturn(0);
}

static const MuConjugateGradientsOps hessian = {.apply = apply_hessian};

static PetscErrorCode create(MuIntegrator it, PetscBool gradient_first) {
  MuPartTraits part = {.inverts_kernel = PETSC_FALSE};
  MuFlow flow = it->flow;
  const MuGeometrySpec *g;
  Proximal *p;
  PetscBool fits;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  it->data = p;
  PetscCall(find_part(flow, &part, &fits));
  if (it->kinds & MU_PART_TRANSPORT || !fits)
    return MuError(MU_ERR_INPUT,
                   "time_scheme: proximal takes steps of the inverse of one kernel (mmd, alone) "
                   "with an energy whose derivative is infinite at 0 (kl, entropy, hellinger, "
                   "inclusive_kl, power below 1); use discrete_gradient or auto");
  PetscCall(MuGeometryGetSpec(flow->geometry, &g));
  p->weight = part.weight;
  p->ridge = part.ridge;
  p->spherical = g->spherical;
  for (PetscInt i = 0; field(p, i); ++i) PetscCall(MuGridCreateField(flow->grid, field(p, i)));
  PetscCall(MuConvolutionCreate(flow->grid, part.kernel, MU_CELLS, &p->convolution));
  PetscCall(MuConjugateGradientsCreate(p->start, &hessian, it, &p->cg));
  PetscCall(MuConvolutionGetDiagonal(p->convolution, &p->peak));
  if (gradient_first)
    PetscCall(
        MuIntegratorCreate(flow, &MuDiscreteGradientOps, it->kinds, it->tolerance, &p->gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode proximal_create(MuIntegrator it) {
  PetscFunctionBegin;
  PetscCall(create(it, PETSC_FALSE));
  PetscFunctionReturn(0);
}

static PetscErrorCode fallback_create(MuIntegrator it) {
  PetscFunctionBegin;
  PetscCall(create(it, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscErrorCode proximal_destroy(MuIntegrator it) {
  Proximal *p = it->data;

  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(0);
  PetscCall(MuIntegratorDestroy(&p->gradient));
  for (PetscInt i = 0; field(p, i); ++i) PetscCall(VecDestroy(field(p, i)));
  PetscCall(MuConjugateGradientsDestroy(&p->cg));
  PetscCall(MuConvolutionDestroy(&p->convolution));
  PetscCall(PetscFree(it->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the objective */

/* Scale = (diagonal of the Hessian)^(-1/2), 0 outside the mask. */
static PetscErrorCode set_scale(MuIntegrator it, Vec x) {
  Proximal *p = it->data;
  const PetscReal flat = (p->peak + p->ridge) / (p->weight * p->dt);
  const PetscReal *c;
  PetscReal *s;

  PetscFunctionBegin;
  PetscCall(MuEnergyCurvature(it->flow->energy, x, p->curvature));
  PetscCall(MuGridApplyMask(it->flow->grid, p->curvature));
  PetscCall(VecGetArrayRead(p->curvature, &c));
  PetscCall(VecGetArray(p->scale, &s));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i)
    s[i] = it->flow->info->mask[i] ? 1 / sqrt(c[i] + flat) : 0;
  PetscCall(VecRestoreArray(p->scale, &s));
  PetscCall(VecRestoreArrayRead(p->curvature, &c));
  PetscFunctionReturn(0);
}

/* The objective, g in `force` and its size: sum scale^2 |g|, about the change of the density that
   is left. c of the constraint makes the weighted mean of g vanish. */
static PetscErrorCode evaluate(MuIntegrator it, Vec x, Point *point) {
  Proximal *p = it->data;
  const MuGridInfo *info = it->flow->info;
  PetscReal energy, quadratic, sums[2] = {0}, size = 0;
  const PetscReal *s;
  PetscReal *f;

  PetscFunctionBegin;
  PetscCall(MuFlowPoll(it->flow));
  PetscCall(MuEnergyEvaluate(it->flow->energy, x, &energy, NULL, p->force, NULL));
  PetscCall(VecWAXPY(p->change, -1, p->start, x));
  PetscCall(MuConvolutionApply(p->convolution, p->change, p->image));
  PetscCall(VecAXPY(p->image, p->ridge, p->change));
  PetscCall(VecScale(p->image, 1 / (p->weight * p->dt)));
  PetscCall(MuGridInner(it->flow->grid, p->change, p->image, &quadratic));
  PetscCall(VecAXPY(p->force, 1, p->image));
  PetscCall(VecGetArrayRead(p->scale, &s));
  PetscCall(VecGetArray(p->force, &f));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    if (!info->mask[i]) f[i] = 0;
    sums[0] += s[i] * s[i] * f[i];
    sums[1] += s[i] * s[i];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, info->comm));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    if (p->spherical && info->mask[i]) f[i] -= sums[0] / sums[1];
    size += s[i] * s[i] * fabs(f[i]);
  }
  PetscCall(VecRestoreArray(p->force, &f));
  PetscCall(VecRestoreArrayRead(p->scale, &s));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &size, 1, MPIU_REAL, MPI_SUM, info->comm));
  *point =
      (Point){.objective = energy + 0.5 * quadratic, .residual = size * info->volume / p->mass};
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ Newton's method */

static PetscErrorCode solve(MuIntegrator it, PetscReal tolerance, Vec right, Vec x) {
  Proximal *p = it->data;
  MuCgOutcome outcome;
  PetscReal size;

  PetscFunctionBegin;
  PetscCall(VecNorm(right, NORM_2, &size));
  PetscCall(MuConjugateGradientsSolve(p->cg, tolerance * size, MOST_INNER, right, x, &outcome));
  PetscCall(VecPointwiseMult(x, x, p->scale));
  PetscFunctionReturn(0);
}

/* change = -(Hessian)^(-1) g, without mass if the geometry is spherical. */
static PetscErrorCode find_correction(MuIntegrator it, PetscReal residual) {
  Proximal *p = it->data;
  const PetscReal tolerance = PetscClipInterval(residual, 1e-6, 0.1);
  PetscReal defect, unit;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(p->right, p->scale, p->force));
  PetscCall(VecScale(p->right, -1));
  PetscCall(solve(it, tolerance, p->right, p->change));
  if (!p->spherical) PetscFunctionReturn(0);
  PetscCall(VecCopy(p->scale, p->right));
  PetscCall(solve(it, tolerance, p->right, p->unit));
  PetscCall(VecSum(p->change, &defect));
  PetscCall(VecSum(p->unit, &unit));
  PetscCall(VecAXPY(p->change, -defect / unit, p->unit));
  PetscFunctionReturn(0);
}

/* trial = the density moved by t times the correction in `unit`. */
static PetscErrorCode move(MuIntegrator it, PetscReal t, Vec rho) {
  Proximal *p = it->data;
  const PetscReal *x, *d;
  PetscReal *y, mass;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArrayRead(p->unit, &d));
  PetscCall(VecGetArray(p->trial, &y));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i) {
    const PetscReal by = x[i] > 0 ? t * PetscMin(d[i] / x[i], MOST_RISE) : 0;
    y[i] = x[i] * (by < 0 ? exp(PetscMax(by, -MOST_FALL)) : 1 + by);
  }
  PetscCall(VecRestoreArray(p->trial, &y));
  PetscCall(VecRestoreArrayRead(p->unit, &d));
  PetscCall(VecRestoreArrayRead(rho, &x));
  if (!p->spherical) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(it->flow->grid, p->trial, &mass));
  PetscCall(VecScale(p->trial, p->mass / mass));
  PetscFunctionReturn(0);
}

/* The longest of the halved corrections that is better; *found is false if none is. */
static PetscErrorCode search(MuIntegrator it, Vec rho, Point *point, PetscBool *found) {
  Proximal *p = it->data;
  Point next;

  PetscFunctionBegin;
  PetscCall(VecCopy(p->change, p->unit)); /* evaluate() needs `change` */
  *found = PETSC_FALSE;
  for (PetscReal t = 1; t > SHORTEST && !*found; t /= 2) {
    PetscCall(move(it, t, rho));
    PetscCall(evaluate(it, p->trial, &next));
    *found =
        (PetscBool)(next.objective < point->objective || next.residual < 0.5 * point->residual);
  }
  if (*found) PetscCall(VecCopy(p->trial, rho));
  PetscFunctionReturn(0);
}

/* Near-empty cells are filled. */
static PetscErrorCode fill(MuIntegrator it, Vec rho) {
  Proximal *p = it->data;
  PetscReal largest, mass, *x;

  PetscFunctionBegin;
  PetscCall(VecMax(rho, NULL, &largest));
  PetscCall(VecGetArray(rho, &x));
  for (PetscInt i = 0; i < it->flow->info->local_size; ++i)
    if (it->flow->info->mask[i]) x[i] = PetscMax(x[i], FILLED * largest);
  PetscCall(VecRestoreArray(rho, &x));
  if (!p->spherical) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(it->flow->grid, rho, &mass));
  PetscCall(VecScale(rho, p->mass / mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode proximal_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                       MuStepOutcome *outcome) {
  Proximal *p = it->data;
  Point point = {.residual = PETSC_INFINITY};
  PetscBool found = PETSC_TRUE;

  PetscFunctionBegin;
  p->dt = dt;
  *outcome = MU_STEP_DIVERGED;
  PetscCall(VecCopy(rho, p->start));
  PetscCall(MuGridIntegrate(it->flow->grid, rho, &p->mass));
  PetscCall(fill(it, rho));
  for (PetscInt k = 0; k < MOST && found; ++k) {
    PetscCall(set_scale(it, rho));
    PetscCall(evaluate(it, rho, &point));
    if (!(point.residual <= PETSC_MAX_REAL) || point.residual <= TOLERANCE) break;
    PetscCall(find_correction(it, point.residual));
    PetscCall(search(it, rho, &point, &found));
  }
  if (point.residual <= (found ? TOLERANCE : LOOSE)) *outcome = MU_STEP_OK;
  PetscFunctionReturn(0);
}

static PetscErrorCode fallback_advance(MuIntegrator it, PetscReal dt, Vec rho,
                                       MuStepOutcome *outcome) {
  Proximal *p = it->data;

  PetscFunctionBegin;
  PetscCall(VecCopy(rho, p->trial));
  PetscCall(p->gradient->ops->advance(p->gradient, dt, rho, outcome));
  if (*outcome == MU_STEP_OK) PetscFunctionReturn(0);
  PetscCall(VecCopy(p->trial, rho));
  PetscCall(proximal_advance(it, dt, rho, outcome));
  PetscFunctionReturn(0);
}

static PetscErrorCode fallback_describe(MuIntegrator it, char *text, size_t length) {
  (void)it;
  return PetscSNPrintf(text, length,
                       " (discrete_gradient; proximal, of order 1, where that finds "
                       "no density)");
}

const MuIntegratorOps MuProximalOps = {
    .name = "proximal",
    .formula = "mmd alone: min 1/(2 dt) <v, (Kc + r) v> + F(rho0 + v): positive, dissipative for "
               "any step, order 1",
    .order = 1,
    .create = proximal_create,
    .advance = proximal_advance,
    .destroy = proximal_destroy,
};

const MuIntegratorOps MuGradientOrProximalOps = {
    .name = "gradient_or_proximal",
    .formula = "discrete_gradient, and proximal where that finds no density",
    .order = 2,
    .may_be_negative = PETSC_TRUE,
    .create = fallback_create,
    .advance = fallback_advance,
    .destroy = proximal_destroy,
    .describe = fallback_describe,
};
