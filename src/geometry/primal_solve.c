/* R(mu, v) = 1/2 <zeta, v> from a solve of K(mu) zeta = v.

   It starts from a guess xi with K xi known: with the residual r = v - K xi

       R = 1/2 <xi, K xi> + <xi, r> + 1/2 <r, K^(-1) r>,

   so that only the dual norm of a small r is computed: by conjugate gradients on K delta = r from
   delta = 0, whose steps add positive terms that increase to <r, K^(-1) r> (Hestenes and Stiefel,
   1952, theorem 6:1; a sum that rounding does not spoil: Strakos and Tichy, ETNA 13, 2002). It
   stops when two steps together add less than 1e-3 of what has been added and less than 1e-10 of R
   (or less than 1e-13 of R), at the latest after 300 steps: R is a lower bound with this relative
   error (or 0, where base is far below 0).

   With a tolerance of_defect > 0 it is the last term alone that gets this relative error: for the
   ledger, whose balance defect is the sum of these terms. Then two steps that together add less
   than of_defect of what has been added are enough, and so is, where all parts are local and the
   preconditioner B is nearly the inverse up to a factor, a fall of <r_k, B r_k> ~ <r_k, K^(-1) r_k>
   below two thirds of of_defect of its first value (measured: within a tenth of what the next step
   adds). Where the term is small beside the defect that there is, one step is taken without looking
   at what is left: 0.01 to 1 % in the measured cases.

   r carries rounding of the size of eps v, and mobilities range over hundreds of decades: the local
   mobilities (faces, and diagonal reactions) are floored at 1e-14 of their maximum in the solve. A
   flow spends less than that part of its energy in such cells; R is a lower bound with this error.
   Faces that an infinite reference potential closes get the floor as well.

   The spherical projection drops out: it changes K xi by a K of a constant only, and for v of mass
   zero the infimal convolution R(v) = min R_t(v1) + R_r(v - v1) has v - v1 of mass zero, for which
   the projected and the plain R_r are the same. So K is always the plain one, and where mass is
   conserved r is made free of mass (on every connected component of a pure transport) by taking
   off a multiple of mu.

   Preconditioner: the local part's inverse in 1-D, one multigrid cycle for it in 2-D, in single
   precision (measured on 64^2 to 512^2 cells with a potential that spans e^96: 5 to 8 steps,
   against 20 to 150 with the lines of both axes). With mmd, its Kc: with z = (Kc + ridge) z' the
   image b Kc^(-1) p = b p' of a direction follows by the recursion that makes p of the z, and
   Kc^(-1) is not formed.
 */
#include "geometry/primal.h"
#include "grid/row.h"

#include <math.h>

#define MAX_ITERATIONS 300
#define MOBILITY_FLOOR 1e-14
#define OF_ADDED       1e-3
#define OF_TOTAL       1e-10
#define ROUNDING       1e-13
#define SAFETY         1.5

PetscBool MuPrimalIsDiagonal(const MuPartOps *ops) {
  return (PetscBool)(ops->kind == MU_PART_REACTION && (ops->mobility_at || ops->multiplies));
}

PetscReal MuPrimalInverseRidge(MuPrimal s) {
  return s->inverse->ops->inverse_ridge(s->inverse->value);
}

/* ------------------------------------------------------------------ the local part of K */

PetscErrorCode MuPrimalTakeDiagonal(MuGeometry g, MuPrimal s) {
  PetscFunctionBegin;
  PetscCall(VecSet(s->diagonal, 0));
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (MuPrimalIsDiagonal(g->part[k].ops))
      PetscCall(g->part[k].ops->diagonal(g, &g->part[k], s->diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_floor(MuGeometry g, const unsigned char *where, PetscReal lowest,
                                  Vec field) {
  PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArray(field, &f));
  for (PetscInt i = 0; i < g->info->local_size; ++i) f[i] = where[i] ? PetscMax(f[i], lowest) : 0;
  PetscCall(VecRestoreArray(field, &f));
  PetscFunctionReturn(0);
}

/* Where both kinds are plain, the face means and the density stand for mobilities and diagonal. */
static PetscErrorCode take_plain(MuGeometry g, MuPrimal s, MuFaceMatrix *m) {
  PetscReal largest[3] = {g->face.largest[0], g->face.largest[1], 0}, here;
  const PetscReal *rho;

  PetscFunctionBegin;
  if (s->reaction) {
    PetscCall(VecGetArrayRead(g->rho, &rho));
    largest[2] = MuRowLargest(g->info->local_size, rho, 0);
    PetscCall(VecRestoreArrayRead(g->rho, &rho));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, 3, MPIU_REAL, MPI_MAX, g->info->comm));
  *m = (MuFaceMatrix){.a = {g->face.mean[0], g->face.mean[1]},
                      .b = {g->face.mean[0], g->face.mean[1]},
                      .e = g->rho,
                      .scale_e = g->plain_reaction,
                      .lowest = MOBILITY_FLOOR * PetscMax(largest[0], largest[1]),
                      .lowest_e = MOBILITY_FLOOR * largest[2]};
  s->largest = g->plain_reaction * largest[2];
  for (PetscInt a = 0; a < 2; ++a) {
    m->scale[a] = g->plain_weight / PetscSqr(g->info->spacing[a]);
    here = m->scale[a] * largest[a];
    s->largest = PetscMax(s->largest, here);
  }
  PetscFunctionReturn(0);
}

/* Copies with the floor. */
static PetscErrorCode take_fields(MuGeometry g, MuPrimal s, MuFaceMatrix *m) {
  PetscReal largest = 0, here;

  PetscFunctionBegin;
  *m = (MuFaceMatrix){.a = {s->mobility[0], s->mobility[1]},
                      .b = {s->mobility[0], s->mobility[1]},
                      .e = s->diagonal,
                      .scale_e = 1};
  PetscCall(MuPrimalTakeDiagonal(g, s));
  PetscCall(VecMax(s->diagonal, NULL, &s->largest));
  if (s->reaction)
    PetscCall(apply_floor(g, g->info->mask, MOBILITY_FLOOR * s->largest, s->diagonal));
  for (PetscInt a = 0; a < g->info->dim && s->transport; ++a) {
    PetscCall(MuGeometryFaceMobility(g, a, s->mobility[a]));
    PetscCall(VecMax(s->mobility[a], NULL, &here));
    largest = PetscMax(largest, here);
    m->scale[a] = 1 / PetscSqr(g->info->spacing[a]);
    s->largest = PetscMax(s->largest, m->scale[a] * here);
  }
  for (PetscInt a = 0; a < g->info->dim && s->transport; ++a)
    PetscCall(apply_floor(g, g->info->open[a], MOBILITY_FLOOR * largest, s->mobility[a]));
  PetscFunctionReturn(0);
}

/* Single precision has no room for every unit of length: the multigrid gets a matrix of size 1. */
static PetscErrorCode set_up_multigrid(MuPrimal s, const MuFaceMatrix *matrix) {
  const PetscReal unit = s->largest > 0 ? 1 / s->largest : 1;
  MuFaceMatrix m = *matrix;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) m.scale[a] *= unit;
  m.scale_e *= unit;
  PetscCall(MuMultigridSetUp(s->multigrid, &m));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare(MuGeometry g, MuPrimal s) {
  PetscReal *d;

  PetscFunctionBegin;
  if (s->ready) PetscFunctionReturn(0);
  PetscCall((s->plain ? take_plain : take_fields)(g, s, &s->matrix));
  if (s->line) {
    PetscCall(MuGridLinesFactor(s->line, &s->matrix));
  } else if (s->multigrid) {
    PetscCall(set_up_multigrid(s, &s->matrix));
  } else if (!s->inverse) {
    PetscCall(VecCopy(s->diagonal, s->inverse_diagonal));
    PetscCall(VecGetArray(s->inverse_diagonal, &d));
    for (PetscInt i = 0; i < g->info->local_size; ++i) d[i] = d[i] > 0 ? 1 / d[i] : 0;
    PetscCall(VecRestoreArray(s->inverse_diagonal, &d));
  }
  s->ready = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the operator */

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

/* q = K p and <p, q>, in one pass. */
static PetscErrorCode apply_plain(MuGeometry g, MuPrimal s, Vec p, Vec q, PetscReal *curvature) {
  MuPlainFluxes fluxes = {.weight = g->plain_weight,
                          .lowest = s->matrix.lowest,
                          .diagonal_weight = g->plain_reaction,
                          .diagonal_lowest = s->matrix.lowest_e,
                          .product = curvature};
  const PetscReal *from;
  PetscReal *to;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2; ++a) PetscCall(VecGetArrayRead(s->matrix.a[a], &fluxes.mobility[a]));
  PetscCall(VecGetArrayRead(s->matrix.e, &fluxes.diagonal));
  PetscCall(VecGetArrayRead(p, &from));
  PetscCall(VecGetArrayWrite(q, &to));
  PetscCall(MuFluxesPlain(g, &fluxes, from, to));
  PetscCall(VecRestoreArrayWrite(q, &to));
  PetscCall(VecRestoreArrayRead(p, &from));
  PetscCall(VecRestoreArrayRead(s->matrix.e, &fluxes.diagonal));
  for (PetscInt a = 0; a < 2; ++a)
    PetscCall(VecRestoreArrayRead(s->matrix.a[a], &fluxes.mobility[a]));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, curvature, 1, MPIU_REAL, MPI_SUM, g->info->comm));
  PetscFunctionReturn(0);
}

/* q = K p and <p, q>, with the floored local part and without the projection */
static PetscErrorCode apply_operator(MuPrimal s, PetscReal *curvature) {
  MuGeometry g = s->geometry;

  PetscFunctionBegin;
  if (s->plain) {
    PetscCall(apply_plain(g, s, s->p, s->q, curvature));
    PetscFunctionReturn(0);
  }
  PetscCall(VecPointwiseMult(s->q, s->diagonal, s->p));
  for (PetscInt a = 0; a < g->info->dim && (g->kinds & MU_PART_TRANSPORT); ++a)
    PetscCall(add_fluxes(g, s, a, s->p, s->q));
  for (PetscInt k = 0; k < g->spec.parts; ++k) {
    const MuPartOps *ops = g->part[k].ops;
    if (ops->kind == MU_PART_REACTION && !MuPrimalIsDiagonal(ops) && &g->part[k] != s->inverse)
      PetscCall(ops->apply(g, &g->part[k], s->p, NULL, s->q));
  }
  if (s->inverse) {
    PetscCall(VecAYPX(s->p_image, s->beta, s->z_image));
    PetscCall(VecAXPY(s->q, s->inverse->weight, s->p_image));
  }
  PetscCall(VecDot(s->p, s->q, curvature));
  PetscFunctionReturn(0);
}

/* z = an approximate inverse of K times r, up to a factor; natural = <r, z>. */
static PetscErrorCode precondition(MuPrimal s, PetscReal *natural) {
  MuGeometry g = s->geometry;
  const PetscReal *from;
  PetscReal *to;

  PetscFunctionBegin;
  if (s->inverse) {
    PetscCall(VecCopy(s->r, s->z_image));
    PetscCall(VecScale(s->z_image, 1 / s->inverse->weight));
    PetscCall(MuConvolutionApply(s->inverse->cells, s->z_image, s->z));
    PetscCall(VecAXPY(s->z, MuPrimalInverseRidge(s), s->z_image));
    PetscCall(MuGridApplyMask(g->grid, s->z));
    PetscCall(VecDot(s->r, s->z, natural));
    PetscFunctionReturn(0);
  }
  if (!s->line && !s->multigrid) {
    PetscCall(VecPointwiseMult(s->z, s->inverse_diagonal, s->r));
    PetscCall(VecDot(s->r, s->z, natural));
    PetscFunctionReturn(0);
  }
  PetscCall(VecGetArrayRead(s->r, &from));
  PetscCall(VecGetArrayWrite(s->z, &to));
  if (s->line)
    PetscCall(MuGridLinesSolve(s->line, PETSC_FALSE, from, to));
  else
    PetscCall(MuMultigridApply(s->multigrid, from, 1 / s->size, to, natural));
  PetscCall(VecRestoreArrayWrite(s->z, &to));
  PetscCall(VecRestoreArrayRead(s->r, &from));
  if (s->line)
    PetscCall(VecDot(s->r, s->z, natural));
  else
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, natural, 1, MPIU_REAL, MPI_SUM, g->info->comm));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ conjugate gradients */

/* Whether `added` is accurate, the last step and the one before included. */
static PetscBool enough(MuPrimal s, PetscReal added, PetscReal step, PetscReal last) {
  const PetscReal volume = s->geometry->info->volume, recent = volume * (step + last);
  const PetscReal total = PetscAbsReal(s->base) + 0.5 * volume * added;
  if (recent <= ROUNDING * total) return PETSC_TRUE;
  if (s->of_defect > 0) return (PetscBool)(step + last <= s->of_defect * added);
  return (PetscBool)(recent <= PetscMin(OF_ADDED * volume * added, OF_TOTAL * total));
}

/* Whether the first step is enough: where it adds little to the defect that there is. */
static PetscBool enough_at_once(MuPrimal s, PetscReal added) {
  return (PetscBool)(s->local && s->of_defect > 0 &&
                     0.5 * s->geometry->info->volume * added <= s->small);
}

/* Whether little is missing, as far as <r, B r> falls like it: `left` is that over its first value.
 */
static PetscBool enough_left(MuPrimal s, PetscReal left) {
  return (PetscBool)(s->local && SAFETY * left <= s->of_defect);
}

static void exchange(Vec *a, Vec *b) {
  Vec c = *a;
  *a = *b;
  *b = c;
}

/* *energy = <r, K^(-1) r> from below; r is overwritten. */
static PetscErrorCode dual_norm(MuPrimal s, PetscReal *energy) {
  PetscReal added = 0, step, last = INFINITY, natural, first, before, curvature;

  PetscFunctionBegin;
  s->beta = 0;
  PetscCall(precondition(s, &natural));
  first = natural;
  exchange(&s->z, &s->p);
  while (natural > 0) {
    PetscCall(apply_operator(s, &curvature));
    if (!(curvature > 0)) break;
    step = natural / curvature * natural;
    added += step;
    s->iterations++;
    if (enough(s, added, step, last) || enough_at_once(s, added)) break;
    s->limited = (PetscBool)(s->iterations == MAX_ITERATIONS);
    if (s->limited) break;
    last = step;
    before = natural;
    PetscCall(VecAXPY(s->r, -natural / curvature, s->q));
    PetscCall(precondition(s, &natural));
    if (enough_left(s, natural / first)) break;
    s->beta = natural / before;
    PetscCall(VecAYPX(s->p, s->beta, s->z));
  }
  *energy = added * s->geometry->info->volume;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the residual form */

/* Takes off r the multiple of mu that carries its mass, on every component. */
static PetscErrorCode remove_mass(MuGeometry g, MuPrimal s) {
  const PetscReal *mu;
  PetscReal *r;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < s->components; ++c) s->defect[c] = s->mass[c] = 0;
  if (!s->label) { /* integrals, divided by the volume of a cell on both sides */
    PetscCall(MuGridIntegrate(g->grid, s->r, &s->defect[0]));
    PetscCall(MuGridIntegrate(g->grid, g->rho, &s->mass[0]));
    if (s->mass[0] > 0) PetscCall(VecAXPY(s->r, -s->defect[0] / s->mass[0], g->rho));
    PetscFunctionReturn(0);
  }
  PetscCall(VecGetArrayRead(g->rho, &mu));
  PetscCall(VecGetArray(s->r, &r));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    if (!g->info->mask[i]) continue;
    s->defect[s->label[i]] += r[i];
    s->mass[s->label[i]] += mu[i];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->defect, (PetscMPIInt)s->components, MPIU_REAL,
                             MPI_SUM, g->info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->mass, (PetscMPIInt)s->components, MPIU_REAL, MPI_SUM,
                             g->info->comm));
  for (PetscInt i = 0; i < g->info->local_size; ++i) {
    const PetscInt c = s->label[i];
    if (g->info->mask[i] && s->mass[c] > 0) r[i] -= mu[i] * (s->defect[c] / s->mass[c]);
  }
  PetscCall(VecRestoreArray(s->r, &r));
  PetscCall(VecRestoreArrayRead(g->rho, &mu));
  PetscFunctionReturn(0);
}

/* r = v - image on the inside cells, and <guess, image>, <guess, r>, <r, r>: rows are summed in
   eight chains of additions. */
static PetscErrorCode subtract_image(MuGeometry g, Vec v, Vec guess, Vec image, Vec r,
                                     PetscReal sums[3]) {
  enum { LANES = 8 };
  const MuGridInfo *info = g->info;
  const PetscInt n = info->row_length;
  const PetscReal *x, *y, *w;
  PetscReal *z;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(v, &w));
  PetscCall(VecGetArrayRead(guess, &x));
  PetscCall(VecGetArrayRead(image, &y));
  PetscCall(VecGetArrayWrite(r, &z));
  for (PetscInt row = 0; row < info->rows; ++row) {
    PetscReal dual[LANES] = {0}, mixed[LANES] = {0}, square[LANES] = {0};
    for (PetscInt start = row * n; start < (row + 1) * n; start += LANES) {
      const PetscInt lanes = PetscMin(LANES, (row + 1) * n - start);
      for (PetscInt l = 0, i = start; l < lanes; ++l, ++i) {
        z[i] = info->mask[i] ? w[i] - y[i] : 0;
        dual[l] += info->mask[i] ? x[i] * y[i] : 0;
        mixed[l] += x[i] * z[i];
        square[l] += z[i] * z[i];
      }
    }
    for (PetscInt l = 1; l < LANES; ++l) {
      dual[0] += dual[l];
      mixed[0] += mixed[l];
      square[0] += square[l];
    }
    sums[0] += dual[0];
    sums[1] += mixed[0];
    sums[2] += square[0];
  }
  PetscCall(VecRestoreArrayWrite(r, &z));
  PetscCall(VecRestoreArrayRead(image, &y));
  PetscCall(VecRestoreArrayRead(guess, &x));
  PetscCall(VecRestoreArrayRead(v, &w));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPIU_REAL, MPI_SUM, info->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalResidual(MuGeometry g, MuPrimal s, Vec v, Vec guess, Vec image) {
  const PetscBool conserves = (PetscBool)(!(g->kinds & MU_PART_REACTION) || g->spec.spherical);
  const PetscReal volume = g->info->volume;
  PetscReal sums[3] = {0}, mixed = 0;

  PetscFunctionBegin;
  if (guess) {
    PetscCall(subtract_image(g, v, guess, image, s->r, sums));
    mixed = volume * sums[1];
    s->size = sqrt(sums[2]);
  } else {
    PetscCall(VecCopy(v, s->r));
    PetscCall(MuGridApplyMask(g->grid, s->r));
  }
  if (conserves) PetscCall(remove_mass(g, s));
  if (guess && conserves) PetscCall(MuGridInner(g->grid, guess, s->r, &mixed));
  if (!guess || conserves || !(s->size < 1e100 && s->size > 1e-100))
    PetscCall(VecNorm(s->r, NORM_2, &s->size)); /* squares may have left the range */
  s->base = 0.5 * volume * sums[0] + mixed;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalSolve(MuGeometry g, MuPrimal s, Vec v, Vec guess, Vec image,
                             PetscReal *value) {
  PetscReal energy = 0;

  PetscFunctionBegin;
  PetscCall(prepare(g, s));
  PetscCall(MuPrimalResidual(g, s, v, guess, image));
  if (s->size > 0 && !PetscIsInfOrNanReal(s->size)) PetscCall(dual_norm(s, &energy));
  *value = PetscMax(s->base + 0.5 * energy, 0);
  if (PetscIsInfOrNanReal(s->size)) *value = s->size;
  if (s->size > 0 && energy == 0 && s->base == 0) *value = INFINITY; /* mu = 0, so K = 0 */
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ creation */

static PetscErrorCode create_preconditioner(MuGeometry g, MuPrimal s) {
  PetscFunctionBegin;
  if (s->inverse) {
    PetscCall(MuGridCreateField(g->grid, &s->z_image));
    PetscCall(MuGridCreateField(g->grid, &s->p_image));
  } else if (!s->transport) {
    PetscCall(MuGridCreateField(g->grid, &s->inverse_diagonal));
  } else if (g->info->dim == 1) {
    PetscCall(MuGridLinesCreate(g->grid, &s->line));
  } else {
    PetscCall(MuMultigridCreate(g->grid, PETSC_TRUE, PETSC_TRUE, &s->multigrid));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalSolverCreate(MuGeometry g, MuPrimal s) {
  Vec *fields[] = {&s->r, &s->z, &s->p};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k)
    PetscCall(MuGridCreateField(g->grid, fields[k]));
  s->plain = (PetscBool)(!s->inverse && g->plain_weight > 0 &&
                         (g->plain_reaction > 0 || !(g->kinds & MU_PART_REACTION)));
  for (PetscInt a = 0; a < g->info->dim && s->transport && !s->plain; ++a)
    PetscCall(MuGridCreateField(g->grid, &s->mobility[a]));
  if (!s->plain) PetscCall(MuGridCreateField(g->grid, &s->diagonal));
  if (s->transport && !s->plain) PetscCall(MuFluxesFields(g));
  PetscCall(create_preconditioner(g, s));
  s->local = PETSC_TRUE;
  for (PetscInt k = 0; k < g->spec.parts; ++k)
    if (!g->part[k].ops->mobility_at && !g->part[k].ops->multiplies) s->local = PETSC_FALSE;
  s->components = 1;
  if (!(g->kinds & MU_PART_REACTION) && g->info->masked) {
    PetscCall(PetscMalloc1(g->info->local_size, &s->label));
    PetscCall(MuGridLabelComponents(g->grid, &s->components, s->label));
  }
  PetscCall(PetscCalloc2(s->components, &s->defect, s->components, &s->mass));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalSolverDestroy(MuPrimal s) {
  Vec *fields[] = {&s->r,           &s->z,           &s->p,       &s->z_image,
                   &s->mobility[0], &s->mobility[1], &s->p_image, &s->inverse_diagonal};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k) PetscCall(VecDestroy(fields[k]));
  PetscCall(MuGridLinesDestroy(&s->line));
  PetscCall(MuMultigridDestroy(&s->multigrid));
  PetscCall(PetscFree(s->label));
  PetscCall(PetscFree(s->share));
  if (s->defect) PetscCall(PetscFree2(s->defect, s->mass));
  PetscFunctionReturn(0);
}
