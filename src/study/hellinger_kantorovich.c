/* The Hellinger-Kantorovich distance of atoms on a line by its logarithmic entropy-transport
   problem: Liero, Mielke and Savare, Optimal entropy-transport problems and a new
   Hellinger-Kantorovich distance between positive measures, Invent. Math. 211 (2018), for a = 1,
   b = 4; others by y = x (b/(4a))^(1/2) and HK_(a,b)^2 = (4/b) HK^2 in y.

     HK^2 = min over gamma >= 0 of KL(gamma_1|mu) + KL(gamma_2|nu) + sum L_ij gamma_ij,
          = max over f_i + g_j <= L_ij of sum mu_i (1 - e^(-f_i)) + sum nu_j (1 - e^(-g_j)),

   L_ij = -2 log cos|y_i - y_j|, infinite from pi/2 on. An interior-point method on the second: with
   t log(L_ij - f_i - g_j) added, Newton's method (a Schur complement in g), t falling. Every pair
   (f, g) is admissible, and so is gamma_ij = t/(L_ij - f_i - g_j): both values bound the result. */
#include "study/hellinger_kantorovich.h"

#include <petscblaslapack.h>

#define ACCURACY     1e-7  /* of HK^2 */
#define ROUNDING     1e-9  /* of slacks in the values, at the t that belongs to it */
#define NEGLIGIBLE   1e-26 /* of the mass: such an atom moves the distance by 1e-13 of its root */
#define FALL         0.05  /* of t */
#define MOST_STEPS   1000
#define MOST_HALVING 60

typedef struct {
  PetscInt n, m, pairs; /* atoms of mu and of nu, pairs nearer than pi/2 */
  PetscReal *mu, *nu;   /* over the mean of both masses */
  PetscReal *cost;      /* [n][m], -1 where it is infinite */
  PetscReal t;
  PetscReal *f, *g, *df, *dg; /* [n], [m]: the potentials and Newton's step */
  PetscReal *a, *c, *rf, *rg; /* diagonals of minus the Hessian, gradient */
  PetscReal *b;               /* [n][m]: t/slack^2, then over the root of a */
  PetscReal *schur;           /* [m][m] */
} Problem;

static PetscReal slack(const Problem *p, PetscInt i, PetscInt j) {
  return p->cost[i * p->m + j] - p->f[i] - p->g[j];
}

/* ------------------------------------------------------------------ values */

/* The value that is maximised, at f + s df, g + s dg; -infinity outside. */
static PetscReal barrier(const Problem *p, PetscReal s) {
  PetscReal value = 0, logs = 0;
  for (PetscInt i = 0; i < p->n; ++i) value -= p->mu[i] * expm1(-(p->f[i] + s * p->df[i]));
  for (PetscInt j = 0; j < p->m; ++j) value -= p->nu[j] * expm1(-(p->g[j] + s * p->dg[j]));
  for (PetscInt i = 0; i < p->n; ++i)
    for (PetscInt j = 0; j < p->m; ++j) {
      if (p->cost[i * p->m + j] < 0) continue;
      const PetscReal room = slack(p, i, j) - s * (p->df[i] + p->dg[j]);
      if (!(room > 0)) return -INFINITY;
      logs += log(room);
    }
  return value + p->t * logs;
}

static PetscReal entropy(PetscReal x, PetscReal m) {
  return x > 0 ? x * log(x / m) - x + m : m;
}

/* bounds = values of (f, g) and of gamma. */
static void find_bounds(const Problem *p, PetscReal bounds[2]) {
  bounds[0] = bounds[1] = 0;
  for (PetscInt i = 0; i < p->n; ++i) bounds[0] -= p->mu[i] * expm1(-p->f[i]);
  for (PetscInt j = 0; j < p->m; ++j) {
    bounds[0] -= p->nu[j] * expm1(-p->g[j]);
    p->dg[j] = 0; /* the second marginal */
  }
  for (PetscInt i = 0; i < p->n; ++i) {
    PetscReal first = 0;
    for (PetscInt j = 0; j < p->m; ++j) {
      if (p->cost[i * p->m + j] < 0) continue;
      const PetscReal gamma = p->t / slack(p, i, j);
      first += gamma;
      p->dg[j] += gamma;
      bounds[1] += gamma * p->cost[i * p->m + j];
    }
    bounds[1] += entropy(first, p->mu[i]);
  }
  for (PetscInt j = 0; j < p->m; ++j) bounds[1] += entropy(p->dg[j], p->nu[j]);
}

/* ------------------------------------------------------------------ Newton's method */

/* Gradient and minus the Hessian: [diag a, b; b', diag c]. */
static void differentiate(Problem *p) {
  for (PetscInt i = 0; i < p->n; ++i) p->rf[i] = p->a[i] = p->mu[i] * exp(-p->f[i]);
  for (PetscInt j = 0; j < p->m; ++j) p->rg[j] = p->c[j] = p->nu[j] * exp(-p->g[j]);
  for (PetscInt i = 0; i < p->n; ++i)
    for (PetscInt j = 0; j < p->m; ++j) {
      PetscReal *b = &p->b[i * p->m + j];
      *b = 0;
      if (p->cost[i * p->m + j] < 0) continue;
      const PetscReal gamma = p->t / slack(p, i, j);
      *b = gamma * gamma / p->t;
      p->rf[i] -= gamma;
      p->rg[j] -= gamma;
      p->a[i] += *b;
      p->c[j] += *b;
    }
}

/* (diag c - b' b/a) dg = rg - b' rf/a, df = (rf - b dg)/a; *decrement = the gradient times the
   step, *solved whether the matrix was positive. */
static PetscErrorCode find_step(Problem *p, PetscReal *decrement, PetscBool *solved) {
  const PetscReal one = 1, minus = -1;
  PetscBLASInt n, m, info, unit = 1;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(p->n, &n));
  PetscCall(PetscBLASIntCast(p->m, &m));
  PetscCall(PetscArrayzero(p->schur, p->m * p->m));
  for (PetscInt j = 0; j < p->m; ++j) p->schur[j * p->m + j] = p->c[j], p->dg[j] = p->rg[j];
  for (PetscInt i = 0; i < p->n; ++i) {
    const PetscReal root = sqrt(p->a[i]), part = p->rf[i] / p->a[i];
    for (PetscInt j = 0; j < p->m; ++j) {
      p->dg[j] -= p->b[i * p->m + j] * part;
      p->b[i * p->m + j] /= root;
    }
  }
  /* b is stored by rows: a column-major [m][n] */
  PetscCallBLAS("syrk", BLASsyrk_("U", "N", &m, &n, &minus, p->b, &m, &one, p->schur, &m));
  LAPACKpotrf_("U", &m, p->schur, &m, &info);
  *solved = (PetscBool)!info;
  if (info) PetscFunctionReturn(0);
  LAPACKpotrs_("U", &m, &unit, p->schur, &m, p->dg, &m, &info);
  *decrement = 0;
  for (PetscInt j = 0; j < p->m; ++j) *decrement += p->rg[j] * p->dg[j];
  for (PetscInt i = 0; i < p->n; ++i) {
    PetscReal sum = p->rf[i];
    for (PetscInt j = 0; j < p->m; ++j) sum -= p->b[i * p->m + j] * sqrt(p->a[i]) * p->dg[j];
    p->df[i] = sum / p->a[i];
    *decrement += p->rf[i] * p->df[i];
  }
  PetscFunctionReturn(0);
}

/* The largest part of the step, at most 1, that keeps a twentieth of every slack. */
static PetscReal longest(const Problem *p) {
  PetscReal s = 1;
  for (PetscInt i = 0; i < p->n; ++i)
    for (PetscInt j = 0; j < p->m; ++j)
      if (p->cost[i * p->m + j] >= 0 && s * (p->df[i] + p->dg[j]) > 0.95 * slack(p, i, j))
        s = 0.95 * slack(p, i, j) / (p->df[i] + p->dg[j]);
  return s;
}

/* One step with Armijo's rule; *near: the centre of t is reached. */
static PetscErrorCode improve(Problem *p, PetscBool *near, PetscBool *stuck) {
  PetscReal decrement = 0;
  PetscBool solved = PETSC_FALSE;

  PetscFunctionBegin;
  differentiate(p);
  PetscCall(find_step(p, &decrement, &solved));
  *near = PETSC_FALSE;
  *stuck = (PetscBool)!solved;
  if (*stuck) PetscFunctionReturn(0);
  PetscReal s = longest(p);
  const PetscReal value = barrier(p, 0);
  for (int k = 0; k < MOST_HALVING && !(barrier(p, s) >= value + 0.05 * s * decrement); ++k) s /= 2;
  for (PetscInt i = 0; i < p->n; ++i) p->f[i] += s * p->df[i];
  for (PetscInt j = 0; j < p->m; ++j) p->g[j] += s * p->dg[j];
  *near = (PetscBool)(decrement <= 0.1 * p->t);
  PetscFunctionReturn(0);
}

static PetscBool good(const PetscReal bounds[2]) {
  return (PetscBool)(bounds[1] - bounds[0] <= PetscMax(ACCURACY * bounds[1], ROUNDING));
}

/* bounds of HK^2 over the mean mass. */
static PetscErrorCode solve(Problem *p, PetscReal bounds[2]) {
  PetscBool near = PETSC_FALSE, stuck = PETSC_FALSE;

  PetscFunctionBegin;
  if (!p->n || !p->m) { /* HK^2 = all mass */
    for (PetscInt i = 0; i < p->n; ++i) bounds[1] += p->mu[i];
    for (PetscInt j = 0; j < p->m; ++j) bounds[1] += p->nu[j];
    bounds[0] = bounds[1];
    PetscFunctionReturn(0);
  }
  for (PetscInt i = 0; i < p->n; ++i) p->f[i] = -1;
  for (PetscInt j = 0; j < p->m; ++j) p->g[j] = -1;
  p->t = 1 / (PetscReal)PetscMax(p->pairs, 1);
  for (PetscInt step = 0; step < MOST_STEPS && !stuck; ++step) {
    PetscCall(improve(p, &near, &stuck));
    if (!near) continue;
    find_bounds(p, bounds);
    if (good(bounds)) PetscFunctionReturn(0);
    p->t *= FALL;
  }
  PetscFunctionReturn(
      MuError(MU_ERR_NUMERICS,
              "the Hellinger-Kantorovich distance did not converge: it lies between "
              "%.3g and %.3g of the mass",
              sqrt(PetscMax(bounds[0], 0)), sqrt(bounds[1])));
}

/* ------------------------------------------------------------------ the problem */

/* The atoms that count, their masses over `mean` and their places times `stretch`. */
static PetscInt take_atoms(PetscInt n, const PetscReal *x, const PetscReal *mass, PetscReal mean,
                           PetscReal stretch, PetscReal *taken, PetscReal *y) {
  PetscInt count = 0;
  for (PetscInt i = 0; i < n; ++i) {
    if (!(mass[i] > NEGLIGIBLE * mean)) continue;
    taken[count] = mass[i] / mean;
    y[count++] = stretch * x[i];
  }
  return count;
}

static PetscErrorCode create(Problem *p, PetscInt n) {
  PetscFunctionBegin;
  PetscCall(PetscCalloc6(n, &p->mu, n, &p->f, n, &p->df, n, &p->a, n, &p->rf, n * n, &p->cost));
  PetscCall(PetscCalloc7(n, &p->nu, n, &p->g, n, &p->dg, n, &p->c, n, &p->rg, n * n, &p->b, n * n,
                         &p->schur));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(Problem *p) {
  PetscFunctionBegin;
  PetscCall(PetscFree6(p->mu, p->f, p->df, p->a, p->rf, p->cost));
  PetscCall(PetscFree7(p->nu, p->g, p->dg, p->c, p->rg, p->b, p->schur));
  PetscFunctionReturn(0);
}

static void set_costs(Problem *p, const PetscReal *x, const PetscReal *y) {
  for (PetscInt i = 0; i < p->n; ++i)
    for (PetscInt j = 0; j < p->m; ++j) {
      const PetscReal d = PetscAbsReal(x[i] - y[j]), near = d < 0.5 * PETSC_PI ? cos(d) : 0;
      p->cost[i * p->m + j] = near > 1e-12 ? -2 * log(near) : -1;
      p->pairs += near > 1e-12;
    }
}

PetscErrorCode MuHellingerKantorovich(PetscInt n, const PetscReal *x, const PetscReal *mu,
                                      const PetscReal *nu, PetscReal a, PetscReal b,
                                      PetscReal bounds[2]) {
  const PetscReal stretch = sqrt(b / (4 * a));
  PetscErrorCode code = 0;
  PetscReal mean = 0, *y;
  Problem p = {0};

  PetscFunctionBegin;
  bounds[0] = bounds[1] = 0;
  for (PetscInt i = 0; i < n; ++i) mean += 0.5 * (mu[i] + nu[i]);
  if (!(mean > 0)) PetscFunctionReturn(0);
  PetscCall(create(&p, n));
  PetscCall(PetscMalloc1(2 * n, &y));
  p.n = take_atoms(n, x, mu, mean, stretch, p.mu, y);
  p.m = take_atoms(n, x, nu, mean, stretch, p.nu, y + n);
  set_costs(&p, y, y + n);
  code = solve(&p, bounds);
  for (int k = 0; k < 2; ++k) bounds[k] = sqrt(PetscMax(bounds[k], 0) * mean * 4 / b);
  PetscCall(PetscFree(y));
  PetscCall(destroy(&p));
  PetscFunctionReturn(code);
}
