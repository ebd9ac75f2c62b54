/* The primal dissipation potential R(mu, v) = 1/2 <zeta, v>, K(mu) zeta = v.

   SOLVE starts from a guess xi with K xi known: with the residual r = v - K xi

       R = 1/2 <xi, K xi> + <xi, r> + 1/2 <r, K^(-1) r>,

   so that only the dual norm of a small r is computed: by conjugate gradients on K delta = r from
   delta = 0, whose steps add positive terms that increase to <r, K^(-1) r>. It stops when two steps
   together add less than 1e-3 of what has been added and less than 1e-10 of R (or less than 1e-13
   of R), at the latest after 300 steps: R is a lower bound with this relative error (or 0, where
   base is far below 0).

   r carries rounding of the size of eps v, and mobilities range over hundreds of decades: the local
   mobilities (faces, and diagonal reactions) are floored at 1e-14 of their maximum in the solve. A
   flow spends less than that part of its energy in such cells; R is a lower bound with this error.
   Faces that an infinite reference potential closes get the floor as well.

   The spherical projection drops out: it changes K xi by a K of a constant only, and for v of mass
   zero the infimal convolution R(v) = min R_t(v1) + R_r(v - v1) has v - v1 of mass zero, for which
   the projected and the plain R_r are the same. So K is always the plain one, and where mass is
   conserved r is made free of mass (on every connected component of a pure transport) by taking
   off a multiple of mu.

   Preconditioner: the local part's inverse in 1-D, one multigrid cycle for it in 2-D (measured on
   64^2 to 512^2 cells with a potential that spans e^96: 5 to 8 steps, against 20 to 150 with the
   lines of both axes). With mmd, its Kc: with z = (Kc + ridge) z' the image b Kc^(-1) p = b p' of a
   direction follows by the recursion that makes p of the z, and Kc^(-1) is not formed.
 */
#include "base/events.h"
#include "geometry/geometry_impl.h"
#include "linear/conjugate_gradients.h"
#include "linear/line.h"
#include "linear/multigrid.h"

#define MAX_ITERATIONS 300
#define MOBILITY_FLOOR 1e-14
#define OF_ADDED       1e-3
#define OF_TOTAL       1e-10
#define ROUNDING       1e-13

struct _p_MuPrimal {
  MuGeometry geometry; /* borrowed: it owns this */
  MuPrimalMethod method;
  const char *sentence;
  MuPart *inverse;               /* the (first) part (Kc + ridge)^(-1), NULL if there is none */
  PetscBool transport, reaction; /* whether there are local parts: mobilities, diagonal */
  PetscBool ready;               /* for this state */
  Vec mobility[2], diagonal;     /* local parts, floored */
  Vec inverse_diagonal;          /* without local transport */
  MuGridLines line;              /* 1-D with local transport, without `inverse` */
  MuMultigrid multigrid;         /* the same in 2-D */
  MuConjugateGradients cg;
  PetscReal base;              /* R without what the solve adds */
  Vec r, z, work;              /* right-hand side, solution */
  Vec z_image, p_image;        /* with `inverse`: z', p' */
  PetscInt components, *label; /* pure transport on a domain in pieces; label NULL: one piece */
  PetscReal *defect, *mass;    /* [components] */
  PetscInt iterations;
  PetscBool limited;
};

/* Whether K xi = d xi. */
static PetscBool is_diagonal(const MuPartOps *ops) {
  return (PetscBool)(ops->kind == MU_PART_REACTION && ops->mobility_at);
}

/* Whether K can be applied without a preimage. */
static PetscBool is_invertible(MuGeometry g, MuPart *part) {
  return (PetscBool)(!part->ops->check_invertible || !part->ops->check_invertible(g, part));
}

static PetscReal inverse_ridge(const struct _p_MuPrimal *s) {
  return s->inverse->ops->inverse_ridge(s->inverse->value);
}

static PetscErrorCode choose_method(MuGeometry g, MuPrimal s) {
  PetscBool diagonal = PETSC_TRUE, well_posed = PETSC_FALSE, rough = PETSC_FALSE;

  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPartOps *ops = g->part[k].ops;
    if (ops->inverse_ridge && s->inverse)
      rough = (PetscBool)(rough || !is_invertible(g, &g->part[k]));
    else if (ops->inverse_ridge)
      s->inverse = &g->part[k];
    if (ops->mobility) s->transport = PETSC_TRUE;
    if (is_diagonal(ops)) s->reaction = PETSC_TRUE;
    diagonal = (PetscBool)(diagonal && is_diagonal(ops));
    well_posed = (PetscBool)(well_posed || ops->well_posed);
  }
  if ((g->kinds & MU_PART_TRANSPORT) && g->spec.face_mean == MU_MEAN_UPWIND) {
    s->method = MU_PRIMAL_IDENTITY;
    s->sentence = "R := 1/2 <-DF, v>: with upwind face means K depends on its argument";
  } else if (diagonal) {
    s->method = MU_PRIMAL_CLOSED;
    s->sentence = "R = 1/2 int v^2/d in closed form, K = multiplication by d";
  } else if (s->inverse && g->spec.parts == 1) {
    s->method = MU_PRIMAL_CLOSED;
    s->sentence = "R = 1/2 <v, k*v> in closed form";
  } else if (well_posed && !rough) {
    s->method = MU_PRIMAL_SOLVE;
    s->sentence = "R = 1/2 <zeta, v> from a solve of K zeta = v";
  } else {
    s->method = MU_PRIMAL_IDENTITY;
    s->sentence = "R := 1/2 <-DF, v>: K zeta = v is not well posed for a kernel operator";
  }
  return 0;
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

/* ------------------------------------------------------------------ the local part of K */

/* The sum of the diagonal reactions. */
static PetscErrorCode take_diagonal(MuGeometry g, MuPrimal s) {
  PetscFunctionBegin;
  PetscCall(VecSet(s->diagonal, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (is_diagonal(g->part[k].ops))
      PetscCall(g->part[k].ops->diagonal(g, &g->part[k], s->diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_floor(MuGeometry g, PetscReal floor_value, const unsigned char *where,
                                  Vec field) {
  PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArray(field, &f));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    f[i] = where[i] ? PetscMax(f[i], floor_value) : 0;
  PetscCall(VecRestoreArray(field, &f));
  PetscFunctionReturn(0);
}

static PetscErrorCode take_local_part(MuGeometry g, MuPrimal s) {
  PetscReal largest = 0, here;

  PetscFunctionBegin;
  PetscCall(take_diagonal(g, s));
  PetscCall(VecMax(s->diagonal, NULL, &here));
  if (s->reaction) PetscCall(apply_floor(g, MOBILITY_FLOOR * here, g->info->mask, s->diagonal));
  if (!s->transport) PetscFunctionReturn(0);
  for (PetscInt a = 0; a < g->info->dim; ++a) {
    PetscCall(MuGeometryFaceMobility(g, a, s->mobility[a]));
    PetscCall(VecMax(s->mobility[a], NULL, &here));
    largest = PetscMax(largest, here);
  }
  for (PetscInt a = 0; a < g->info->dim; ++a)
    PetscCall(apply_floor(g, MOBILITY_FLOOR * largest, g->info->open[a], s->mobility[a]));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare(MuGeometry g, MuPrimal s) {
  const PetscReal *spacing = g->info->spacing;
  const MuFaceMatrix matrix = {
      .a = {s->mobility[0], s->mobility[1]},
      .b = {s->mobility[0], s->mobility[1]},
      .e = s->diagonal,
      .scale = {1 / (spacing[0] * spacing[0]), 1 / (spacing[1] * spacing[1])}};
  PetscReal *d;

  PetscFunctionBegin;
  if (s->ready) PetscFunctionReturn(0);
  PetscCall(take_local_part(g, s));
  if (s->line) {
    PetscCall(MuGridLinesFactor(s->line, &matrix));
  } else if (s->multigrid) {
    PetscCall(MuMultigridSetUp(s->multigrid, &matrix));
  } else if (!s->inverse) {
    PetscCall(VecCopy(s->diagonal, s->inverse_diagonal));
    PetscCall(VecGetArray(s->inverse_diagonal, &d));
    for (PetscInt i = 0; i < g->info->local_size; ++i) d[i] = d[i] > 0 ? 1 / d[i] : 0;
    PetscCall(VecRestoreArray(s->inverse_diagonal, &d));
  }
  s->ready = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the solve */

/* Adds the fluxes of x to q. */
static PetscErrorCode add_fluxes(MuGeometry g, MuPrimal s, PetscInt axis, Vec x, Vec q) {
  PetscFunctionBegin;
  PetscCall(MuGridGradient(g->grid, axis, x, g->gradient));
  PetscCall(VecSet(g->flux, 0));
  if (s->transport) PetscCall(MuGeometryAddProduct(g, 1, s->mobility[axis], g->gradient, g->flux));
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPartOps *ops = g->part[k].ops;
    if (ops->kind == MU_PART_TRANSPORT && !ops->mobility)
      PetscCall(ops->add_flux(g, &g->part[k], axis, g->gradient, g->flux));
  }
  PetscCall(MuGridAddDivergence(g->grid, axis, -1, g->flux, q));
  PetscFunctionReturn(0);
}

/* q = K p, with the floored local part and without the projection */
static PetscErrorCode apply_operator(void *ctx, Vec p, Vec q) {
  MuPrimal s = ctx;
  MuGeometry g = s->geometry;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(q, s->diagonal, p));
  for (PetscInt a = 0; a < g->info->dim && (g->kinds & MU_PART_TRANSPORT); ++a)
    PetscCall(add_fluxes(g, s, a, p, q));
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPartOps *ops = g->part[k].ops;
    if (ops->kind == MU_PART_REACTION && !is_diagonal(ops) && &g->part[k] != s->inverse)
      PetscCall(ops->apply(g, &g->part[k], p, NULL, q));
  }
  if (s->inverse) {
    PetscCall(VecAYPX(s->p_image, MuConjugateGradientsGetBeta(s->cg), s->z_image));
    PetscCall(VecAXPY(q, s->inverse->weight, s->p_image));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode precondition(void *ctx, Vec r, Vec z) {
  MuPrimal s = ctx;
  MuGeometry g = s->geometry;
  const PetscReal *from;
  PetscReal *to;

  PetscFunctionBegin;
  if (s->inverse) {
    PetscCall(VecCopy(r, s->z_image));
    PetscCall(VecScale(s->z_image, 1 / s->inverse->weight));
    PetscCall(MuConvolutionApply(s->inverse->cells, s->z_image, z));
    PetscCall(VecAXPY(z, inverse_ridge(s), s->z_image));
    PetscCall(MuGridApplyMask(g->grid, z));
    PetscFunctionReturn(0);
  }
  if (!s->line && !s->multigrid) {
    PetscCall(VecPointwiseMult(z, s->inverse_diagonal, r));
    PetscFunctionReturn(0);
  }
  PetscCall(VecGetArrayRead(r, &from));
  PetscCall(VecGetArrayWrite(z, &to));
  if (s->line)
    PetscCall(MuGridLinesSolve(s->line, 0, from, to));
  else
    PetscCall(MuMultigridApply(s->multigrid, from, 1, to));
  PetscCall(VecRestoreArrayWrite(z, &to));
  PetscCall(VecRestoreArrayRead(r, &from));
  PetscFunctionReturn(0);
}

static PetscBool enough(void *ctx, PetscReal energy, PetscReal recent) {
  MuPrimal s = ctx;
  const PetscReal volume = s->geometry->info->volume, added = volume * energy;
  const PetscReal total = PetscAbsReal(s->base) + 0.5 * added;
  const PetscReal least = PetscMax(ROUNDING * total, PetscMin(OF_ADDED * added, OF_TOTAL * total));
  return (PetscBool)(volume * recent <= least);
}

static const MuConjugateGradientsOps system_ops = {
    .apply = apply_operator, .precondition = precondition, .enough = enough};

/* Takes off r the multiple of mu that carries its mass, on every component. */
static PetscErrorCode remove_mass(MuGeometry g, MuPrimal s) {
  const PetscReal *mu;
  PetscReal *r;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < s->components; ++c) s->defect[c] = s->mass[c] = 0;
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(s->r, &r));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    if (!g->info->mask[i]) continue;
    s->defect[s->label ? s->label[i] : 0] += r[i];
    s->mass[s->label ? s->label[i] : 0] += mu[i];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->defect, (PetscMPIInt)s->components, MPIU_REAL,
                             MPI_SUM, g->info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->mass, (PetscMPIInt)s->components, MPIU_REAL, MPI_SUM,
                             g->info->comm));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    PetscInt c = s->label ? s->label[i] : 0;
    if (g->info->mask[i] && s->mass[c] > 0) r[i] -= mu[i] * (s->defect[c] / s->mass[c]);
  }
  PetscCall(VecRestoreArray(s->r, &r));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

/* *energy = <r, K^(-1) r> */
static PetscErrorCode dual_norm(MuPrimal s, PetscReal *energy) {
  MuCgOutcome outcome;

  PetscFunctionBegin;
  PetscCall(MuConjugateGradientsSolve(s->cg, 0, MAX_ITERATIONS, s->r, s->z, &outcome));
  s->iterations = outcome.iterations;
  s->limited = outcome.limited;
  *energy = outcome.energy * s->geometry->info->volume;
  PetscFunctionReturn(0);
}

/* r = v - K guess, and R without the dual norm of r. */
static PetscErrorCode residual_form(MuGeometry g, MuPrimal s, Vec v, Vec guess, Vec image) {
  PetscReal dual = 0, mixed = 0;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(s->r, g->one, v));
  if (guess) PetscCall(VecAXPY(s->r, -1, image));
  PetscCall(MuGridApplyMask(g->grid, s->r));
  if (!(g->kinds & MU_PART_REACTION) || g->spec.spherical) PetscCall(remove_mass(g, s));
  if (guess) {
    PetscCall(MuGridInner(g->grid, guess, image, &dual));
    PetscCall(MuGridInner(g->grid, guess, s->r, &mixed));
  }
  s->base = 0.5 * dual + mixed;
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(MuGeometry g, MuPrimal s, Vec v, Vec guess, Vec image,
                            PetscReal *value) {
  PetscReal energy = 0, norm;

  PetscFunctionBegin;
  PetscCall(prepare(g, s));
  PetscCall(residual_form(g, s, v, guess, image));
  PetscCall(VecNorm(s->r, NORM_2, &norm));
  PetscCall(dual_norm(s, &energy));
  *value = PetscMax(s->base + 0.5 * energy, 0);
  if (PetscIsInfOrNanReal(norm)) *value = norm;
  if (norm > 0 && energy == 0 && s->base == 0) *value = INFINITY; /* mu = 0, so K = 0 */
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ creation */

static PetscErrorCode create_solver(MuGeometry g, MuPrimal s) {
  Vec *fields[] = {&s->r, &s->z, &s->z_image, &s->p_image, &s->inverse_diagonal};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k)
    PetscCall(MuGridCreateField(g->grid, fields[k]));
  PetscCall(MuConjugateGradientsCreate(s->z, &system_ops, s, &s->cg));
  for (PetscInt a = 0; a < g->info->dim && s->transport; ++a)
    PetscCall(MuGridCreateField(g->grid, &s->mobility[a]));
  if (s->transport && !s->inverse && g->info->dim == 1)
    PetscCall(MuGridLinesCreate(g->grid, &s->line));
  if (s->transport && !s->inverse && g->info->dim == 2)
    PetscCall(MuMultigridCreate(g->grid, PETSC_TRUE, PETSC_FALSE, &s->multigrid));
  s->components = 1;
  if (!(g->kinds & MU_PART_REACTION) && g->info->masked) {
    PetscCall(PetscMalloc1(g->info->local_size, &s->label));
    PetscCall(MuGridLabelComponents(g->grid, &s->components, s->label));
  }
  PetscCall(PetscCalloc2(s->components, &s->defect, s->components, &s->mass));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalCreate(MuGeometry g, MuPrimal *primal) {
  MuPrimal s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *primal = s;
  s->geometry = g;
  PetscCall(choose_method(g, s));
  PetscCall(MuGridCreateField(g->grid, &s->diagonal));
  PetscCall(MuGridCreateField(g->grid, &s->work));
  if (s->method == MU_PRIMAL_SOLVE) PetscCall(create_solver(g, s));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalDestroy(MuPrimal *primal) {
  MuPrimal s = *primal;

  PetscFunctionBegin;
  *primal = NULL;
  if (!s) PetscFunctionReturn(0);
  Vec *fields[] = {&s->r,           &s->z,           &s->z_image,  &s->p_image,         &s->work,
                   &s->mobility[0], &s->mobility[1], &s->diagonal, &s->inverse_diagonal};
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k) PetscCall(VecDestroy(fields[k]));
  PetscCall(MuConjugateGradientsDestroy(&s->cg));
  PetscCall(MuGridLinesDestroy(&s->line));
  PetscCall(MuMultigridDestroy(&s->multigrid));
  PetscCall(PetscFree(s->label));
  if (s->defect) PetscCall(PetscFree2(s->defect, s->mass));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ closed forms */

/* 1/2 int v^2/d with 0/0 = 0 */
static PetscErrorCode divide_by_diagonal(MuGeometry g, MuPrimal s, Vec v, PetscReal *value) {
  const PetscReal *x, *d;
  PetscReal *y;

  PetscFunctionBegin;
  if (!s->ready) PetscCall(take_diagonal(g, s));
  s->ready = PETSC_TRUE;
  PetscCall(VecGetArrayRead(v, &x));
  PetscCall(VecGetArrayRead(s->diagonal, &d));
  PetscCall(VecGetArray(s->work, &y));
  for (PetscInt i = 0; i < g->info->local_size; ++i)
    y[i] = d[i] > 0 ? x[i] * (x[i] / d[i]) : (x[i] == 0 ? 0 : INFINITY);
  PetscCall(VecRestoreArray(s->work, &y));
  PetscCall(VecRestoreArrayRead(s->diagonal, &d));
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscCall(MuGridIntegrate(g->grid, s->work, value));
  *value *= 0.5;
  PetscFunctionReturn(0);
}

/* 1/(2 weight) <v, (Kc + ridge) v> */
static PetscErrorCode inverse_closed(MuGeometry g, MuPrimal s, Vec v, PetscReal *value) {
  PetscReal smooth, flat;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(s->work, g->one, v));
  PetscCall(MuConvolutionApply(s->inverse->cells, s->work, s->work));
  PetscCall(MuGridInner(g->grid, v, s->work, &smooth));
  PetscCall(MuGridInner(g->grid, v, v, &flat));
  *value = 0.5 / s->inverse->weight * (smooth + inverse_ridge(s) * flat);
  PetscFunctionReturn(0);
}

PetscErrorCode MuGeometryPrimal(MuGeometry g, Vec v, Vec guess, Vec guess_image, PetscReal *value) {
  MuPrimal s = g->primal;

  PetscFunctionBegin;
  s->iterations = 0;
  s->limited = PETSC_FALSE;
  if (s->method == MU_PRIMAL_CLOSED) {
    if (s->inverse)
      PetscCall(inverse_closed(g, s, v, value));
    else
      PetscCall(divide_by_diagonal(g, s, v, value));
  } else if (s->method == MU_PRIMAL_SOLVE) {
    PetscCall(MuEventBegin(MU_EVENT_PRIMAL));
    PetscCall(solve(g, s, v, guess, guess_image, value));
    PetscCall(MuEventEnd(MU_EVENT_PRIMAL));
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
