/* Moreau envelope of a divergence in the MMD, and its named cases:

     F(rho) = min over sigma of D_phi(sigma given pi) + |sigma - rho|^2/(2 lambda),
     |s|^2 = <s, k*s>, D_phi = int phi(sigma/pi) d pi: KL (exponent 1) or chi2 (exponent 2).

   kale = (1 + lambda) moreau of KL: Glaser, Arbel and Gretton, KALE flow, NeurIPS (2021). drmmd =
   2 (1 + lambda) moreau of chi2, (1 + lambda) |(T_pi + lambda)^(-1/2) k*(rho - pi)|^2 in the RKHS:
   Chen, Mustafi, Glaser, Korba, Gretton and Sriperumbudur, (De)-regularized maximum mean
   discrepancy gradient flow (2024). As lambda -> 0 F tends to D_phi(rho given pi), lambda F to 1/2
   |rho - pi|^2 as lambda -> infinity.

   The minimiser is sigma = pi (phi*)'(h) with lambda h = k*(rho - sigma), and DF = h. With a = rho
   - sigma the dual value is F = <h, rho - pi> - int pi (phi*(h) - h) - 1/2 <a, h>, whose error is
   the square of that of a. Newton's method for G(a) = a + pi (phi*)'(k*a/lambda) - rho = 0: with
   W^2 = pi (phi*)''(h), (lambda + W Kc W) w = -lambda W Kc G by conjugate gradients, and the step
   is -G - W w/lambda. It minimises the convex -F along a line, so that damping by halves makes it
   global; for chi2 the first step is exact. The linear systems are solved as far as the step
   deserves: to the size of G, but to three digits at least, and to one more after a step that
   did not halve G.

   The iteration begins at a = 0, so that h has the same bits whatever came before, but for the
   second density of a pair, where it begins at the a of the first one. What was found is kept as
   long as the density is the same.

   Discrete gradient: F is a supremum over h, so that with d = rho1 - rho0 and h_i of rho_i
   F1 - F0 = <(h0 + h1)/2, d> + e, e = <h1 - h0, pi (mean of (phi*)' - its difference quotient)>, of
   third order in d and 0 for chi2: G = (h0 + h1)/2 + e d/|d|^2 (Gonzalez). */
#include "energy/smoothed.h"
#include "grid/arrays.h"
#include "linear/conjugate_gradients.h"

#include <petsc/private/petscimpl.h>

#define MOST_STEPS      60
#define MOST_ITERATIONS 3000
#define MOST_HALVINGS   60
#define RESIDUAL        1e-14 /* of G against rho and pi, in L1; solved when reached */
#define ROUGH_RESIDUAL  1e-8  /* accepted where rounding allows no less */
#define DECREASE        1e-4  /* of the slope, asked of a step (Armijo) */
#define ROUGH_LINEAR    1e-3  /* largest residual of a linear system, relative */
#define TIGHTER         0.1   /* times it, after a step that did not halve G */
#define FINE_LINEAR     1e-12 /* and the smallest */
#define NARROW          0.1   /* of the largest symbol: Kc is then preconditioned by its diagonal */
#define LARGEST         700.0 /* of h: its exponential is finite */

/* a and h of a density: that of a field in a state of PETSc's; id 0: of none. */
typedef struct {
  Vec a, h;
  PetscObjectId id;
  PetscObjectState state;
} Minimiser;

typedef struct {
  Minimiser found[2]; /* from a = 0, and of the second density of a pair */
  Vec residual, root, step, image, work, rhs;
  MuConjugateGradients cg;
  PetscReal lambda;
  PetscReal diagonal; /* of Kc where it is nearly a multiple of the identity, else 0 */
  PetscInt limited;   /* linear systems of the last minimisation that were cut off */
  MuTerm *term;
} Moreau;

/* 1 for KL, 2 for chi2 */
static PetscReal exponent_of(const MuTerm *term) {
  return term->ops->envelope(term->value).exponent;
}

static PetscReal scale_of(const MuTerm *term) {
  return term->ops->envelope(term->value).factor;
}

/* ------------------------------------------------------------------ phi* */

/* (phi*)'(h) - 1 */
static PetscReal slope_less_one(PetscBool kl, PetscReal h) {
  return kl ? expm1(h) : h;
}

static PetscReal curvature_of(PetscBool kl, PetscReal h) {
  return kl ? exp(h) : 1;
}

/* phi*(h) - h: e^h - 1 - h or h^2/2. Near 0 by its series, whose first term left out is below
   rounding. */
static PetscReal conjugate_rest(PetscBool kl, PetscReal h) {
  PetscReal sum = 0;
  if (!kl) return 0.5 * h * h;
  if (PetscAbsReal(h) > 0.25) return expm1(h) - h;
  for (PetscInt n = 14; n >= 2; --n) sum = (sum + 1) * h / n;
  return sum * h;
}

/* ((phi*)'(a) + (phi*)'(b))/2 - (phi*(b) - phi*(a))/(b - a) */
static PetscReal trapezoid_excess(PetscBool kl, PetscReal a, PetscReal b) {
  const PetscReal x = 0.5 * (b - a), xx = x * x;
  PetscReal sum = 0;
  if (!kl) return 0;
  if (PetscAbsReal(x) > 1) return 0.5 * (exp(a) + exp(b)) - (exp(b) - exp(a)) / (b - a);
  /* cosh x - sinh x/x = sum of 2n x^(2n)/(2n + 1)! */
  for (PetscInt n = 9; n >= 1; --n)
    sum = (sum + 1) * xx * (PetscReal)n / ((PetscReal)PetscMax(n - 1, 1) * 2 * n * (2 * n + 1));
  return exp(0.5 * (a + b)) * sum * 2;
}

/* ------------------------------------------------------------------ creation */

/* y = (lambda + W Kc W) x */
static PetscErrorCode apply_normal(void *ctx, Vec x, Vec y) {
  Moreau *m = ctx;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(m->work, m->root, x));
  PetscCall(MuConvolutionApply(m->term->convolution, m->work, m->work));
  PetscCall(VecPointwiseMult(y, m->root, m->work));
  PetscCall(VecAXPY(y, m->lambda, x));
  PetscFunctionReturn(0);
}

/* z = r/(lambda + W^2 times the diagonal of Kc) */
static PetscErrorCode precondition(void *ctx, Vec r, Vec z) {
  const Moreau *m = ctx;
  const PetscReal *from, *root;
  PetscReal *to;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(r, &from));
  PetscCall(VecGetArrayRead(m->root, &root));
  PetscCall(VecGetArray(z, &to));
  for (PetscInt i = 0; i < m->term->shared->n; ++i)
    to[i] = from[i] / (m->lambda + m->diagonal * root[i] * root[i]);
  PetscCall(VecRestoreArray(z, &to));
  PetscCall(VecRestoreArrayRead(m->root, &root));
  PetscCall(VecRestoreArrayRead(r, &from));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_diagonal(Moreau *m) {
  PetscReal low, high;

  PetscFunctionBegin;
  PetscCall(MuConvolutionGetSymbolRange(m->term->convolution, &low, &high));
  if (low >= NARROW * high) PetscCall(MuConvolutionGetDiagonal(m->term->convolution, &m->diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_values(const MuTerm *term) {
  const PetscReal p = exponent_of(term);

  PetscFunctionBegin;
  PetscCall(MuSmoothedCheckKernel(term));
  if (p != 1 && p != 2)
    return MuError(MU_ERR_INPUT, "energy_%s_exponent: %g is not allowed; give 1 (kl) or 2 (chi2)",
                   term->ops->name, p);
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuTerm *term) {
  static const MuConjugateGradientsOps ops = {.apply = apply_normal, .precondition = precondition};
  MuGrid grid = term->shared->grid;
  Moreau *m;

  PetscFunctionBegin;
  PetscCall(check_values(term));
  PetscCall(PetscNew(&m));
  term->data = m;
  m->lambda = term->value[0];
  m->term = term;
  Vec *const fields[] = {&m->found[0].a, &m->found[0].h, &m->found[1].a, &m->found[1].h,
                         &m->residual,   &m->root,       &m->step,       &m->image,
                         &m->work,       &m->rhs};
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k)
    PetscCall(MuGridCreateField(grid, fields[k]));
  PetscCall(MuConjugateGradientsCreate(m->rhs, &ops, m, &m->cg));
  PetscCall(find_diagonal(m));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Moreau *m = term->data;

  PetscFunctionBegin;
  if (!m) PetscFunctionReturn(0);
  Vec *const fields[] = {&m->found[0].a, &m->found[0].h, &m->found[1].a, &m->found[1].h,
                         &m->residual,   &m->root,       &m->step,       &m->image,
                         &m->work,       &m->rhs};
  for (size_t k = 0; k < sizeof fields / sizeof *fields; ++k) PetscCall(VecDestroy(fields[k]));
  PetscCall(MuConjugateGradientsDestroy(&m->cg));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the minimiser */

/* h = k*a/lambda */
static PetscErrorCode potential(const Moreau *m, Vec a, Vec h) {
  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(m->term->convolution, a, h));
  PetscCall(VecScale(h, 1 / m->lambda));
  PetscCall(MuGridApplyMask(m->term->shared->grid, h));
  PetscFunctionReturn(0);
}

/* residual = G(a), root = W; *size = int |G| over the sum of the masses. */
static PetscErrorCode linearise(Moreau *m, Vec rho, const Minimiser *x, PetscReal *size) {
  const MuShared *shared = m->term->shared;
  const PetscBool kl = (PetscBool)(exponent_of(m->term) == 1);
  const PetscReal *r, *a, *potential_of;
  PetscReal *residual, *root, sums[2] = {0};

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &r));
  PetscCall(VecGetArrayRead(x->a, &a));
  PetscCall(VecGetArrayRead(x->h, &potential_of));
  PetscCall(VecGetArray(m->residual, &residual));
  PetscCall(VecGetArray(m->root, &root));
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscReal pi = shared->pi[i];
    residual[i] = a[i] + pi * slope_less_one(kl, potential_of[i]) - (r[i] - pi);
    root[i] = sqrt(pi * curvature_of(kl, potential_of[i]));
    sums[0] += PetscAbsReal(residual[i]);
    sums[1] += PetscAbsReal(r[i]) + pi;
  }
  PetscCall(VecRestoreArray(m->root, &root));
  PetscCall(VecRestoreArray(m->residual, &residual));
  PetscCall(VecRestoreArrayRead(x->h, &potential_of));
  PetscCall(VecRestoreArrayRead(x->a, &a));
  PetscCall(VecRestoreArrayRead(rho, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, shared->info->comm));
  *size = sums[1] > 0 ? sums[0] / sums[1] : 0;
  PetscFunctionReturn(0);
}

/* step = -G - W w/lambda, w to the relative residual `tolerance`. */
static PetscErrorCode newton_step(Moreau *m, PetscReal tolerance) {
  MuCgOutcome outcome;
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(m->term->convolution, m->residual, m->image));
  PetscCall(VecPointwiseMult(m->rhs, m->root, m->image));
  PetscCall(VecScale(m->rhs, -m->lambda));
  PetscCall(VecNorm(m->rhs, NORM_2, &norm));
  PetscCall(MuConjugateGradientsSolve(m->cg, tolerance * norm, MOST_ITERATIONS, m->rhs, m->step,
                                      &outcome));
  if (outcome.limited) ++m->limited;
  PetscCall(VecPointwiseMult(m->step, m->root, m->step));
  PetscCall(VecScale(m->step, -1 / m->lambda));
  PetscCall(VecAXPY(m->step, -1, m->residual));
  PetscFunctionReturn(0);
}

/* The convex function -F(a + t step) + F(a), t > 0, from h and image = k*step/lambda; infinite
   where an exponential overflows. *noise: its rounding, all there is where k*(rho - pi) = 0. */
static PetscErrorCode increase(Moreau *m, Vec rho, const Minimiser *x, PetscReal t, PetscReal *sum,
                               PetscReal *noise) {
  const MuShared *shared = m->term->shared;
  const PetscBool kl = (PetscBool)(exponent_of(m->term) == 1);
  const PetscReal *r, *a, *step, *from, *change;
  PetscReal total[2] = {0};

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &r));
  PetscCall(VecGetArrayRead(x->a, &a));
  PetscCall(VecGetArrayRead(m->step, &step));
  PetscCall(VecGetArrayRead(x->h, &from));
  PetscCall(VecGetArrayRead(m->image, &change));
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscReal d = t * change[i], pi = shared->pi[i];
    const PetscReal linear = pi * slope_less_one(kl, from[i]) - (r[i] - pi);
    if (from[i] + d > LARGEST) total[0] = INFINITY;
    total[0] += pi * curvature_of(kl, from[i]) * conjugate_rest(kl, d) + d * linear +
                0.5 * (a[i] * d + t * step[i] * (from[i] + d));
    total[1] += fabs(d) * (fabs(linear) + fabs(a[i])) + fabs(t * step[i] * (from[i] + d));
  }
  PetscCall(VecRestoreArrayRead(m->image, &change));
  PetscCall(VecRestoreArrayRead(x->h, &from));
  PetscCall(VecRestoreArrayRead(m->step, &step));
  PetscCall(VecRestoreArrayRead(x->a, &a));
  PetscCall(VecRestoreArrayRead(rho, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, total, 2, MPIU_REAL, MPI_SUM, shared->info->comm));
  *sum = total[0] * shared->info->volume;
  *noise = RESIDUAL * total[1] * shared->info->volume;
  PetscFunctionReturn(0);
}

/* Goes along the step, by halves until -F falls enough. */
static PetscErrorCode advance(Moreau *m, Vec rho, const Minimiser *x) {
  PetscReal slope, change, noise, t = 1;

  PetscFunctionBegin;
  PetscCall(potential(m, m->step, m->image));
  PetscCall(MuGridInner(m->term->shared->grid, m->residual, m->image, &slope));
  for (PetscInt k = 0; k < MOST_HALVINGS && exponent_of(m->term) == 1; ++k) {
    PetscCall(increase(m, rho, x, t, &change, &noise));
    if (change <= DECREASE * t * slope + 1e-13 * PetscAbsReal(slope) + noise) break;
    t *= 0.5;
  }
  PetscCall(VecAXPY(x->a, t, m->step));
  PetscFunctionReturn(0);
}

/* Whether x is that of rho, the same on every rank. */
static PetscErrorCode is_known(const Moreau *m, const Minimiser *x, Vec rho, PetscBool *known) {
  PetscObjectId id;
  PetscObjectState state;
  int both;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)rho, &id));
  PetscCall(PetscObjectStateGet((PetscObject)rho, &state));
  both = x->id == id && x->state == state;
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, &both, 1, MPI_INT, MPI_MIN, m->term->shared->info->comm));
  *known = (PetscBool)both;
  PetscFunctionReturn(0);
}

/* Newton's method from x->a and its h. */
static PetscErrorCode iterate(Moreau *m, Vec rho, Minimiser *x) {
  PetscReal linear = exponent_of(m->term) == 1 ? ROUGH_LINEAR : FINE_LINEAR;
  PetscReal size = INFINITY, before = INFINITY;

  PetscFunctionBegin;
  m->limited = 0;
  for (PetscInt k = 0; k < MOST_STEPS; ++k) {
    PetscCall(linearise(m, rho, x, &size));
    if (size <= RESIDUAL || (size <= ROUGH_RESIDUAL && size > 0.5 * before)) PetscFunctionReturn(0);
    if (size > 0.5 * before) linear *= TIGHTER;
    before = size;
    PetscCall(newton_step(m, PetscMax(PetscMin(size, linear), FINE_LINEAR)));
    PetscCall(advance(m, rho, x));
    PetscCall(potential(m, x->a, x->h));
  }
  if (size <= ROUGH_RESIDUAL) PetscFunctionReturn(0);
  return MuError(MU_ERR_NUMERICS,
                 "energy_%s: the minimisation did not converge (residual %.1e after %d steps of "
                 "Newton's method, asked is %.0e; %d of the linear systems reached the limit of %d "
                 "iterations); take a larger lambda",
                 m->term->ops->name, size, MOST_STEPS, ROUGH_RESIDUAL, (int)m->limited,
                 MOST_ITERATIONS);
}

/* x of rho, from `guess` or, if it is NULL, from a = 0, unless x is that already. */
static PetscErrorCode minimise(MuTerm *term, Vec rho, const Minimiser *guess, Minimiser *x) {
  Moreau *m = term->data;
  PetscBool known = PETSC_FALSE;

  PetscFunctionBegin;
  if (!guess) PetscCall(is_known(m, x, rho, &known));
  if (known) PetscFunctionReturn(0);
  x->id = 0; /* until it is found */
  if (guess) {
    PetscCall(VecCopy(guess->a, x->a));
    PetscCall(VecCopy(guess->h, x->h));
  } else {
    PetscCall(VecSet(x->a, 0));
    PetscCall(VecSet(x->h, 0));
  }
  PetscCall(iterate(m, rho, x));
  PetscCall(PetscObjectGetId((PetscObject)rho, &x->id));
  PetscCall(PetscObjectStateGet((PetscObject)rho, &x->state));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the term */

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const MuShared *shared = term->shared;
  const PetscBool kl = (PetscBool)(exponent_of(term) == 1);
  const PetscReal scale = scale_of(term);
  Minimiser *x = ((Moreau *)term->data)->found;
  const PetscReal *a, *h;

  PetscFunctionBegin;
  PetscCall(minimise(term, state->field, NULL, x));
  PetscCall(VecGetArrayRead(x->a, &a));
  PetscCall(VecGetArrayRead(x->h, &h));
  for (PetscInt i = 0; i < shared->n; ++i) {
    const PetscReal pi = shared->pi[i];
    if (df) df[i] = scale * h[i];
    if (f)
      f[i] =
          scale * (h[i] * (state->rho[i] - pi) - pi * conjugate_rest(kl, h[i]) - 0.5 * a[i] * h[i]);
  }
  PetscCall(VecRestoreArrayRead(x->h, &h));
  PetscCall(VecRestoreArrayRead(x->a, &a));
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const MuShared *shared = term->shared;
  const PetscBool kl = (PetscBool)(exponent_of(term) == 1);
  const PetscReal scale = scale_of(term), *rho0 = pair->a->rho, *rho1 = pair->b->rho;
  Minimiser *x = ((Moreau *)term->data)->found;
  const PetscReal *h0, *h1;
  PetscReal sums[2] = {0};

  PetscFunctionBegin;
  PetscCall(minimise(term, pair->a->field, NULL, &x[0]));
  PetscCall(minimise(term, pair->b->field, &x[0], &x[1]));
  PetscCall(VecGetArrayRead(x[0].h, &h0));
  PetscCall(VecGetArrayRead(x[1].h, &h1));
  for (PetscInt i = 0; i < shared->n; ++i) {
    g[i] = 0.5 * scale * (h0[i] + h1[i]);
    sums[0] += shared->pi[i] * (h1[i] - h0[i]) * trapezoid_excess(kl, h0[i], h1[i]);
    sums[1] += (rho1[i] - rho0[i]) * (rho1[i] - rho0[i]);
  }
  PetscCall(VecRestoreArrayRead(x[1].h, &h1));
  PetscCall(VecRestoreArrayRead(x[0].h, &h0));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, shared->info->comm));
  for (PetscInt i = 0; i < shared->n && sums[1] > 0; ++i)
    g[i] += scale * sums[0] / sums[1] * (rho1[i] - rho0[i]);
  PetscFunctionReturn(0);
}

#define LAMBDA(term)                                                                               \
  {                                                                                                \
    .name = "lambda", .key = term "_lambda",                                                       \
    .doc = "lambda, the weight of the distance is 1/(2 lambda)", .low = 0, .high = PETSC_MAX_REAL, \
    .above_low = PETSC_TRUE, .required = PETSC_TRUE                                                \
  }

static const MuParameter of_moreau[] = {LAMBDA("moreau"),
                                        {.name = "exponent",
                                         .key = "moreau_exponent",
                                         .doc = "1: of kl, 2: of chi2",
                                         .low = 1,
                                         .high = 2,
                                         .initial = 1},
                                        {0}};
static const MuParameter of_kale[] = {LAMBDA("kale"), {0}};
static const MuParameter of_drmmd[] = {LAMBDA("drmmd"), {0}};

/* As lambda falls to the divergence: rho - sigma = lambda Kc^(-1) h. As it rises h tends to 0, and
   sigma to pi: (1 + lambda) moreau to the square of the MMD. */
static PetscBool is_of_kl(const PetscReal value[]) {
  return (PetscBool)(value[1] == 1);
}

static PetscBool is_of_chi2(const PetscReal value[]) {
  return (PetscBool)(value[1] == 2);
}

static MuEnvelope moreau_envelope(const PetscReal value[]) {
  return (MuEnvelope){.lambda = value[0], .exponent = value[1], .factor = 1};
}

static MuEnvelope kale_envelope(const PetscReal value[]) {
  return (MuEnvelope){.lambda = value[0], .exponent = 1, .factor = 1 + value[0]};
}

static MuEnvelope drmmd_envelope(const PetscReal value[]) {
  return (MuEnvelope){.lambda = value[0], .exponent = 2, .factor = 2 * (1 + value[0])};
}

static const MuTermLimit moreau_limits[] = {
    {.parameters = "lambda", .to = &MuTermKL, .order = 1, .applies = is_of_kl},
    {.parameters = "lambda", .to = &MuTermChi2, .order = 1, .applies = is_of_chi2},
    {.parameters = "lambda weight", .rises = PETSC_TRUE, .to = &MuTermMmd, .order = 1},
    {.parameters = NULL}};
static const MuTermLimit kale_limits[] = {
    {.parameters = "lambda", .to = &MuTermKL, .order = 1},
    {.parameters = "lambda", .rises = PETSC_TRUE, .to = &MuTermMmd, .order = 1},
    {.parameters = NULL}};
static const MuTermLimit drmmd_limits[] = {
    {.parameters = "lambda", .to = &MuTermChi2, .order = 1, .factor = 2},
    {.parameters = "lambda", .rises = PETSC_TRUE, .to = &MuTermMmd, .order = 1, .factor = 2},
    {.parameters = NULL}};

#define ENVELOPE_OPS                                                                               \
  .form = MU_FORM_ENVELOPE, .needs = MU_NEEDS_TARGET | MU_NEEDS_KERNEL, .kind = MU_TERM_FROZEN,    \
  .convex = PETSC_TRUE, .create = create, .destroy = destroy, .evaluate = evaluate,                \
  .gradient = gradient

const MuTermOps MuTermMoreau = {
    .name = "moreau",
    .parameters = of_moreau,
    .limits = moreau_limits,
    .envelope = moreau_envelope,
    .formula = "min over sigma of D(sigma given pi) + <sigma - rho, k*(sigma - rho)>/(2 lambda)",
    ENVELOPE_OPS,
};

const MuTermOps MuTermKale = {
    .name = "kale",
    .parameters = of_kale,
    .limits = kale_limits,
    .envelope = kale_envelope,
    .formula = "(1 + lambda) moreau of kl",
    ENVELOPE_OPS,
};

const MuTermOps MuTermDrMmd = {
    .name = "drmmd",
    .parameters = of_drmmd,
    .limits = drmmd_limits,
    .envelope = drmmd_envelope,
    .formula = "2 (1 + lambda) moreau of chi2",
    ENVELOPE_OPS,
};
