/* Errors from nested grids.

   An observed order p is only believed within limits: from 1/2 (below, the differences say little)
   to 2 (the schemes have no more, and what looks like more is chance or not yet the limit). Errors
   are given with a reserve, which is larger where the order is not near a whole one: there the
   differences of neighbouring grids scatter, as they do where a front passes through cells.
   Between 1 and 2 one order is regular, that of a mask in 2-D: at a corner of 3/2 pi that points
   into the domain a solution goes as r^(2/3), which leaves an error of the order 4/3 everywhere
   (Grisvard, Elliptic Problems in Nonsmooth Domains, 1985); what comes next is of order 2.
   Roache, Verification and Validation in Computational Science and Engineering (1998), chapter 5.
 */
#include "run/refinement.h"

#include <math.h>

#define RESERVE      1.25 /* of an error at a regular order */
#define MUCH_RESERVE 2.5  /* at another */
#define LEAST_ORDER  0.5
#define MOST_ORDER   2.0
#define HIGHEST      4.0  /* order of an extrapolated density */
#define CLOSE        0.1  /* to a whole order: what comes next is then at least one higher */
#define MOST_OF      0.75 /* part of the snapshots that have a regular order */
#define NEGLIGIBLE   1e-3 /* part of the largest difference below which a snapshot has no vote */
#define CHANCE       0.02 /* part of a difference of numbers below which the next one is chance */
#define MISSED       3    /* times the estimate: the initial error that makes it doubtful */
#define ROUNDING     1e-13
#define SHRINKS      0.125 /* part of a difference that the next one has at least */

const char *const MuNormNames[MU_NORMS] = {"l1", "hellinger", "w1", "mass"};
const char *const MuScalarNames[MU_SCALARS] = {
    [MU_SCALAR_ENERGY] = "energy",         [MU_SCALAR_MASS] = "mass",
    [MU_SCALAR_RIGHT] = "mass_right",      [MU_SCALAR_MEAN_X] = "mean_x",
    [MU_SCALAR_MEAN_Y] = "mean_y",         [MU_SCALAR_VARIANCE_X] = "variance_x",
    [MU_SCALAR_VARIANCE_Y] = "variance_y", [MU_SCALAR_COVARIANCE] = "covariance"};

/* ------------------------------------------------------------------ the object */

static PetscErrorCode create_series(PetscInt times, MuErrorSeries *series) {
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(times, &series->space));
  PetscCall(PetscCalloc1(times, &series->time));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRefinementCreate(const MuGridInfo *info, MuNorm norm, PetscInt times,
                                  MuRefinement *r) {
  PetscFunctionBegin;
  *r = (MuRefinement){.norm = norm,
                      .dim = info->dim,
                      .corners = (PetscBool)(info->dim == 2 && info->masked),
                      .cells = {info->cells[0], info->cells[1]},
                      .times = times,
                      .count = info->cells[0] * info->cells[1],
                      .spacing = {info->spacing[0], info->spacing[1]},
                      .volume = info->volume};
  for (int q = 0; q < MU_NORMS; ++q) PetscCall(create_series(times, &r->norms[q]));
  for (int k = 0; k < MU_SCALARS; ++k) {
    PetscCall(create_series(times, &r->scalars[k]));
    PetscCall(PetscCalloc1(times, &r->scalar[k]));
  }
  PetscCall(PetscCalloc1(times, &r->energy));
  PetscCall(PetscCalloc1(times, &r->order));
  PetscCall(PetscCalloc1(times, &r->extrapolated));
  PetscCall(PetscCalloc1(times * r->count, &r->density));
  for (int i = 0; i < 2; ++i) PetscCall(PetscMalloc1(r->count, &r->work[i]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRefinementDestroy(MuRefinement *r) {
  PetscFunctionBegin;
  for (int q = 0; q < MU_NORMS; ++q) {
    PetscCall(PetscFree(r->norms[q].space));
    PetscCall(PetscFree(r->norms[q].time));
  }
  for (int k = 0; k < MU_SCALARS; ++k) {
    PetscCall(PetscFree(r->scalars[k].space));
    PetscCall(PetscFree(r->scalars[k].time));
    PetscCall(PetscFree(r->scalar[k]));
  }
  PetscCall(PetscFree(r->energy));
  PetscCall(PetscFree(r->order));
  PetscCall(PetscFree(r->extrapolated));
  PetscCall(PetscFree(r->density));
  for (int i = 0; i < 2; ++i) PetscCall(PetscFree(r->work[i]));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ distances */

static PetscReal mass_of(const MuRefinement *r, const PetscReal *f) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < r->count; ++i) sum += f[i];
  return sum * r->volume;
}

/* int |x|, x linear from a to b over one cell. */
static PetscReal linear_modulus(PetscReal a, PetscReal b) {
  if (a * b >= 0) return 0.5 * fabs(a + b);
  return 0.5 * (a * a + b * b) / (fabs(a) + fabs(b));
}

/* int |F - G| of the distribution functions, which are linear in the cells. */
static PetscReal wasserstein(const MuRefinement *r, const PetscReal *f, const PetscReal *g) {
  const PetscReal a = r->volume / mass_of(r, f), b = r->volume / mass_of(r, g);
  PetscReal below = 0, sum = 0;
  for (PetscInt i = 0; i < r->count; ++i) {
    const PetscReal above = below + a * f[i] - b * g[i];
    sum += linear_modulus(below, above);
    below = above;
  }
  return sum * r->spacing[0];
}

PetscReal MuNormDistance(const MuRefinement *r, MuNorm norm, const PetscReal *f,
                         const PetscReal *g) {
  PetscReal sum = 0;
  if (norm == MU_NORM_W1) return r->dim == 1 ? wasserstein(r, f, g) : 0;
  if (norm == MU_NORM_MASS) return fabs(mass_of(r, f) - mass_of(r, g));
  for (PetscInt i = 0; i < r->count; ++i) {
    const PetscReal d =
        norm == MU_NORM_L1 ? f[i] - g[i] : sqrt(PetscMax(f[i], 0)) - sqrt(PetscMax(g[i], 0));
    sum += norm == MU_NORM_L1 ? fabs(d) : d * d;
  }
  return norm == MU_NORM_L1 ? sum * r->volume : sqrt(sum * r->volume);
}

/* ------------------------------------------------------------------ one number */

/* Orders that errors go on with, and those that come next. */
enum { NO_ORDER, FIRST, SECOND, OF_CORNERS, ORDERS };
static const struct {
  PetscReal low, high, order, next;
} orders[ORDERS] = {
    [FIRST] = {0.85, 1.2, 1, 2}, [SECOND] = {1.6, 2.4, 2, 3}, [OF_CORNERS] = {1.2, 1.6, 4. / 3, 2}};

/* The regular order near p. */
static int regular_order(const MuRefinement *r, PetscReal p) {
  for (int k = FIRST; k < ORDERS; ++k)
    if (p > orders[k].low && p < orders[k].high && (k != OF_CORNERS || r->corners)) return k;
  return NO_ORDER;
}

static PetscReal order_of(PetscReal before, PetscReal last) {
  if (last > 0 && before > 0) return log2(before / last);
  return last > 0 ? 0 : MOST_ORDER;
}

/* Error of the finest of grids with the differences d[0], ..., d[n - 1], the last of the two
   finest. Without a regular order the trend of all of them counts, from which each is taken to
   scatter. */
static PetscReal plain_error(PetscInt n, const PetscReal d[], PetscBool regular) {
  const PetscReal p = order_of(d[n - 2], d[n - 1]), trend = order_of(d[0], d[n - 1]) / (n - 1);
  const PetscReal used =
      PetscClipInterval(regular ? PetscMin(p, trend) : trend, LEAST_ORDER, MOST_ORDER);
  const PetscReal last = PetscMax(d[n - 1], d[n - 2] * (regular ? SHRINKS : exp2(-used)));
  return (regular ? RESERVE : MUCH_RESERVE) * last / (exp2(used) - 1);
}

/* The same of what is extrapolated with the order p where `seen` was observed; e: its n
   differences. */
static PetscReal extrapolated_error(int p, PetscReal seen, PetscInt n, const PetscReal e[]) {
  const PetscReal guess = fabs(seen - orders[p].order) < CLOSE ? orders[p].next : orders[p].order;
  const PetscReal next = n > 1 ? order_of(e[n - 2], e[n - 1]) - 0.5 : guess;
  const PetscReal last = n > 1 ? PetscMax(e[n - 1], SHRINKS * SHRINKS * e[n - 2]) : e[n - 1];
  return RESERVE * last / (exp2(PetscClipInterval(next, 1, HIGHEST)) - 1);
}

/* ------------------------------------------------------------------ densities */

/* fine + (fine - coarse)/(2^p - 1) where that is positive, then of the mass that this sum has. */
static void extrapolate(const MuRefinement *r, int p, const PetscReal *coarse,
                        const PetscReal *fine, PetscReal *sum) {
  const PetscReal weight = 1 / (exp2(orders[p].order) - 1);
  PetscReal wanted = 0, there = 0;
  for (PetscInt i = 0; i < r->count; ++i) {
    const PetscReal value = fine[i] + weight * (fine[i] - coarse[i]);
    wanted += value;
    sum[i] = value > 0 ? value : fine[i];
    there += sum[i];
  }
  if (!(wanted > 0 && there > 0)) return;
  for (PetscInt i = 0; i < r->count; ++i) sum[i] *= wanted / there;
}

typedef struct {
  PetscInt n; /* levels */
  const PetscReal *u[MU_GRIDS];
} Densities;

static void differences(const MuRefinement *r, MuNorm norm, const Densities *u, PetscReal d[]) {
  for (PetscInt k = 1; k < u->n; ++k) d[k - 1] = MuNormDistance(r, norm, u->u[k - 1], u->u[k]);
}

/* The errors of the extrapolated densities of all norms, the best of which is left in work[0]. */
static void try_extrapolation(MuRefinement *r, int p, PetscReal seen, const Densities *u,
                              PetscReal error[MU_NORMS]) {
  PetscReal e[MU_NORMS][MU_GRIDS] = {{0}};
  for (PetscInt k = 1; k < u->n; ++k) {
    PetscReal *const here = r->work[(u->n - 1 - k) % 2], *const before = r->work[(u->n - k) % 2];
    extrapolate(r, p, u->u[k - 1], u->u[k], here);
    for (int q = 0; q < MU_NORMS && k > 1; ++q)
      e[q][k - 2] = MuNormDistance(r, (MuNorm)q, before, here);
  }
  for (int q = 0; q < MU_NORMS; ++q) error[q] = extrapolated_error(p, seen, u->n - 2, e[q]);
}

/* `common`: the regular order of the snapshots, 0: they have none. A norm that is not the one
   asked for may have an order of its own. */
static void estimate_density(MuRefinement *r, PetscInt t, int common, const Densities *u) {
  const PetscBool regular = (PetscBool)(common && regular_order(r, r->order[t]) == common);
  PetscReal d[MU_GRIDS] = {0}, error[MU_NORMS];
  const PetscReal *best = u->u[u->n - 1];
  PetscBool own[MU_NORMS];

  for (int q = 0; q < MU_NORMS; ++q) {
    differences(r, (MuNorm)q, u, d);
    own[q] = (PetscBool)(regular && regular_order(r, order_of(d[u->n - 3], d[u->n - 2])) == common);
    r->norms[q].space[t] = plain_error(u->n - 1, d, own[q]);
    if (!own[q]) r->rough[q] = PETSC_TRUE;
  }
  r->extrapolated[t] = PETSC_FALSE;
  if (regular) {
    try_extrapolation(r, common, r->order[t], u, error);
    if (error[r->norm] < r->norms[r->norm].space[t]) {
      for (int q = 0; q < MU_NORMS; ++q)
        if (own[q] || q == MU_NORM_MASS) r->norms[q].space[t] = error[q];
      r->extrapolated[t] = PETSC_TRUE;
      best = r->work[0];
    }
  }
  PetscCallVoid(PetscArraycpy(r->density + t * r->count, best, r->count));
}

/* Orders of all snapshots, and the whole one that most of them have, of those whose grids differ at
   all; 0: there is none. */
static int find_orders(MuRefinement *r, PetscInt levels, const MuLevel *const level[]) {
  PetscReal largest = 0, *const last = r->norms[r->norm].space; /* not used yet */
  PetscInt votes[ORDERS] = {0}, voters = 0;

  for (PetscInt t = 0; t < r->times; ++t) {
    const PetscReal *u[3];
    for (int k = 0; k < 3; ++k) u[k] = level[levels - 3 + k]->density + t * r->count;
    last[t] = MuNormDistance(r, r->norm, u[1], u[2]);
    r->order[t] = order_of(MuNormDistance(r, r->norm, u[0], u[1]), last[t]);
    largest = PetscMax(largest, last[t]);
  }
  for (PetscInt t = 0; t < r->times; ++t) {
    if (!(last[t] > NEGLIGIBLE * largest)) continue;
    voters++;
    votes[regular_order(r, r->order[t])]++;
  }
  for (int p = FIRST; p < ORDERS; ++p)
    if (votes[p] >= MOST_OF * voters) return p;
  return 0;
}

/* Where a front passes through cells, the differences of a snapshot may be small by chance: no
   error is much below those beside it. */
static void level_out(PetscInt n, PetscReal e[]) {
  PetscReal before = e[0];
  for (PetscInt t = 0; t < n; ++t) {
    const PetscReal own = e[t], after = t + 1 < n ? e[t + 1] : own;
    e[t] = PetscMax(own, PetscMax(before, after));
    before = own;
  }
}

/* ------------------------------------------------------------------ numbers */

/* Whether the last three of n numbers go on as the densities do, which have the order `common`
   (0: none). */
static PetscBool goes_on(const MuRefinement *r, PetscInt n, const PetscReal x[], int common) {
  const PetscReal last = x[n - 1] - x[n - 2], before = x[n - 2] - x[n - 3];
  return (PetscBool)(common && last * before > 0 &&
                     regular_order(r, order_of(fabs(before), fabs(last))) == common);
}

/* One number on n grids: the error of the last. */
static PetscReal finest_error(const MuRefinement *r, PetscInt n, const PetscReal x[], int common) {
  PetscReal d[MU_GRIDS] = {0};
  for (PetscInt k = 1; k < n; ++k) d[k - 1] = fabs(x[k] - x[k - 1]);
  return plain_error(n - 1, d, goes_on(r, n, x, common));
}

/* The same of the best that can be made of them. */
static PetscReal estimate_number(const MuRefinement *r, PetscInt n, const PetscReal x[], int common,
                                 PetscReal *best) {
  const PetscReal plain = finest_error(r, n, x, common), last = fabs(x[n - 1] - x[n - 2]);
  PetscReal e[MU_GRIDS] = {0}, sum[MU_GRIDS];

  *best = x[n - 1];
  if (!goes_on(r, n, x, common)) return plain;
  for (PetscInt k = 1; k < n; ++k)
    sum[k] = x[k] + (x[k] - x[k - 1]) / (exp2(orders[common].order) - 1);
  for (PetscInt k = 2; k < n; ++k) e[k - 2] = PetscMax(fabs(sum[k] - sum[k - 1]), CHANCE * last);
  const PetscReal error = extrapolated_error(common, orders[common].order + CLOSE, n - 2, e);
  if (error >= plain) return plain;
  *best = sum[n - 1];
  return error;
}

static void estimate_scalars(MuRefinement *r, PetscInt t, int common, PetscInt n,
                             const MuLevel *const level[]) {
  PetscReal x[MU_GRIDS];
  for (int k = 0; k < MU_SCALARS; ++k) {
    for (PetscInt i = 0; i < n; ++i) x[i] = level[i]->scalar[k][t];
    r->scalars[k].space[t] = estimate_number(r, n, x, common, &r->scalar[k][t]);
    if (k == MU_SCALAR_ENERGY) r->energy[t] = finest_error(r, n, x, common);
  }
}

/* ------------------------------------------------------------------ all times */

static void estimate_all(MuRefinement *r, int common, PetscInt levels,
                         const MuLevel *const level[]) {
  Densities u = {.n = levels};
  for (int q = 0; q < MU_NORMS; ++q) r->rough[q] = PETSC_FALSE;
  for (PetscInt t = 0; t < r->times; ++t) {
    for (PetscInt k = 0; k < levels; ++k) u.u[k] = level[k]->density + t * r->count;
    estimate_density(r, t, common, &u);
    estimate_scalars(r, t, common, levels, level);
  }
  for (int q = 0; q < MU_NORMS; ++q)
    if (r->rough[q]) level_out(r->times, r->norms[q].space);
}

/* Whether the initial density, which is known, is further off than the grids say: they have missed
   a kink. */
static PetscBool misses_initial(const MuRefinement *r, const PetscReal *initial) {
  const PetscReal error = MuNormDistance(r, r->norm, r->density, initial);
  return (PetscBool)(error > MISSED * r->norms[r->norm].space[0] &&
                     error > ROUNDING * mass_of(r, initial));
}

void MuRefinementEstimate(MuRefinement *r, PetscInt levels, const MuLevel *const level[],
                          const PetscReal *initial) {
  const int common = find_orders(r, levels, level);

  r->cornered = (PetscBool)(common == OF_CORNERS);
  estimate_all(r, common, levels, level);
  if (!initial) return;
  if (common && misses_initial(r, initial)) estimate_all(r, 0, levels, level);
  for (int q = 0; q < MU_NORMS; ++q) {
    const PetscReal error = MuNormDistance(r, (MuNorm)q, r->density, initial);
    r->norms[q].space[0] = PetscMax(r->norms[q].space[0], RESERVE * error);
  }
}

static void raise(PetscReal *error, PetscReal difference) {
  *error = PetscMax(*error, RESERVE * difference);
}

void MuRefinementTime(MuRefinement *r, const MuLevel *level, const MuLevel *finer) {
  for (PetscInt t = 0; t < r->times; ++t) {
    const PetscReal *f = level->density + t * r->count, *g = finer->density + t * r->count;
    for (int q = 0; q < MU_NORMS; ++q)
      raise(&r->norms[q].time[t], MuNormDistance(r, (MuNorm)q, f, g));
    for (int k = 0; k < MU_SCALARS; ++k)
      raise(&r->scalars[k].time[t], fabs(level->scalar[k][t] - finer->scalar[k][t]));
  }
}

void MuRefinementForgetTime(MuRefinement *r) {
  for (PetscInt t = 0; t < r->times; ++t) {
    for (int q = 0; q < MU_NORMS; ++q) r->norms[q].time[t] = 0;
    for (int k = 0; k < MU_SCALARS; ++k) r->scalars[k].time[t] = 0;
  }
}

PetscReal MuRefinementWorst(const MuRefinement *r, PetscInt *at) {
  const MuErrorSeries *e = &r->norms[r->norm];
  PetscReal worst = -1;
  for (PetscInt t = 0; t < r->times; ++t) {
    const PetscReal error = e->space[t] + e->time[t];
    if (error <= worst) continue;
    worst = isnan(error) ? INFINITY : error;
    *at = t;
  }
  return worst;
}
