/* Blob energies F = int f(k*rho) d rho, DF = f(q) + k*(rho f'(q)), q = k*rho: f = log for
   blob_entropy, f(q) = q^(m-1)/(m-1) for blob_internal.
   Carrillo, Craig, Patacchini, A blob method for diffusion, Calc. Var. 58 (2019).

   Discrete gradient, M the mean of rho0 and rho1 and D the difference quotient of f at q0 and q1
   (log: the inverse of their logarithmic mean): <rho1, f(q1)> - <rho0, f(q0)> =
   <rho1 - rho0, (f(q0) + f(q1))/2> + <M, f(q1) - f(q0)>, and f(q1) - f(q0) = D k*(rho1 - rho0), so
   that G = (f(q0) + f(q1))/2 + k*(M D), as k is symmetric.

   A kernel with non-negative weights has q >= w0 rho, w0 its least diagonal entry. Where rounding
   of the transforms (far tails, 1e-16 of the largest q) or a bandwidth below the cell width
   (weights that ring, hence of both signs) leave less than that, q is taken as w0 rho, and as the
   smallest normal number where that is 0: rho/q stays bounded by 1/w0. Such a cell adds
   w0 rho f'(q) to DF instead of its share of k*(rho f'(q)). Where q is of one kind in rho0 and of
   another in rho1, F has a kink between them; what then is missing in the identity of G is added
   along rho1 - rho0 (Gonzalez). */
#include "energy/smoothed.h"
#include "grid/arrays.h"

/* What q is in a cell. */
enum { SMOOTHED, OWN, LEAST };

typedef struct {
  Vec q[2], image, change;
  PetscReal *f[2]; /* f(q) */
  unsigned char *kind[2];
  PetscReal diagonal;
} Blob;

/* ------------------------------------------------------------------ the functions f */

/* m of blob_internal; the entropy, f = log, is the case m = 1. */
static PetscReal exponent_of(const MuTerm *term) {
  return term->ops->parameters ? term->value[0] : 1;
}

/* f(q), q > 0 */
static void fill_values(PetscReal m, PetscInt n, const PetscReal *q, PetscReal *f) {
  if (m == 1) {
    MuArrayLog(n, q, f);
    return;
  }
  MuArrayPow(n, q, m - 1, f);
  for (PetscInt i = 0; i < n; ++i) f[i] /= m - 1;
}

/* y = rho f'(q) = (rho/q) q^(m-1): q^(m-2) alone overflows where q is e^-700 */
static void fill_slopes(PetscReal m, PetscInt n, const PetscReal *rho, const PetscReal *q,
                        PetscReal *y) {
  if (m != 1) MuArrayPow(n, q, m - 1, y);
  for (PetscInt i = 0; i < n; ++i) y[i] = m == 1 ? rho[i] / q[i] : rho[i] / q[i] * y[i];
}

/* `mean` times (f(b) - f(a))/(b - a) for a, b > 0 and f of exponent m != 1, to rounding for every
   ratio; mean/max(a, b) is bounded, the quotient is not. */
static PetscReal quotient(PetscReal m, PetscReal mean, PetscReal a, PetscReal b) {
  const PetscReal low = PetscMin(a, b), high = PetscMax(a, b), x = (high - low) / high;
  const PetscReal share = mean / high, value = pow(high, m - 1);
  if (x == 0) return share * value;
  if (x > 0.5) return share * (value - pow(low, m - 1)) / ((m - 1) * x);
  return -share * value * expm1((m - 1) * log1p(-x)) / ((m - 1) * x);
}

/* y = M times the difference quotient of f; y may not be q0 or q1 */
static void fill_quotients(PetscReal m, PetscInt n, const PetscReal *mean, const PetscReal *q0,
                           const PetscReal *q1, PetscReal *y) {
  if (m == 1) MuArrayLogarithmicMean(n, q0, q1, y);
  for (PetscInt i = 0; i < n; ++i)
    y[i] = m == 1 ? mean[i] / y[i] : quotient(m, mean[i], q0[i], q1[i]);
}

/* ------------------------------------------------------------------ the term */

/* The least diagonal entry of Kc: under `reflect` walls add their images to the entries near them,
   and the cell in the middle of the box has the least. Collective. */
static PetscErrorCode least_diagonal(MuTerm *term, Vec work, PetscReal *diagonal) {
  const MuKernelSpec *kernel;
  const MuGridInfo *info;
  PetscReal middle = 0, *x;

  PetscFunctionBegin;
  PetscCall(MuConvolutionGetDiagonal(term->convolution, diagonal));
  PetscCall(MuKernelGetSpec(term->kernel, &kernel));
  if (kernel->extension != MU_EXTENSION_REFLECT) PetscFunctionReturn(0);
  PetscCall(MuGridGetInfo(term->shared->grid, &info));
  const PetscInt row = info->total_rows / 2 - info->first_row;
  const PetscInt entry = row * info->row_length + info->row_length / 2;
  const PetscBool mine = (PetscBool)(row >= 0 && row < info->rows);
  PetscCall(VecSet(work, 0));
  PetscCall(VecGetArray(work, &x));
  if (mine) x[entry] = 1;
  PetscCall(VecRestoreArray(work, &x));
  PetscCall(MuConvolutionApply(term->convolution, work, work));
  PetscCall(VecGetArray(work, &x));
  if (mine) middle = x[entry];
  PetscCall(VecRestoreArray(work, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &middle, 1, MPIU_REAL, MPI_SUM, info->comm));
  *diagonal = PetscMin(*diagonal, middle);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_exponent(const MuTerm *term) {
  if (!term->ops->parameters || exponent_of(term) != 1) return 0;
  return MuError(MU_ERR_INPUT,
                 "energy_%s_exponent: 1 is not allowed; give a number above 0, at most 100 and not "
                 "1 (m = 1 is the energy `%s`)",
                 term->ops->name, MuTermBlobEntropy.name);
}

static PetscErrorCode create(MuTerm *term) {
  const MuShared *shared = term->shared;
  Blob *blob;

  PetscFunctionBegin;
  PetscCall(check_exponent(term));
  PetscCall(MuSmoothedCheckKernel(term));
  PetscCall(PetscNew(&blob));
  term->data = blob;
  PetscCall(MuGridCreateField(shared->grid, &blob->q[0]));
  PetscCall(MuGridCreateField(shared->grid, &blob->q[1]));
  PetscCall(MuGridCreateField(shared->grid, &blob->image));
  PetscCall(MuGridCreateField(shared->grid, &blob->change));
  PetscCall(PetscCalloc4(shared->n, &blob->f[0], shared->n, &blob->f[1], shared->n, &blob->kind[0],
                         shared->n, &blob->kind[1]));
  PetscCall(least_diagonal(term, blob->image, &blob->diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Blob *blob = term->data;

  PetscFunctionBegin;
  if (!blob) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&blob->q[0]));
  PetscCall(VecDestroy(&blob->q[1]));
  PetscCall(VecDestroy(&blob->image));
  PetscCall(VecDestroy(&blob->change));
  PetscCall(PetscFree4(blob->f[0], blob->f[1], blob->kind[0], blob->kind[1]));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

/* q[k] = k*rho, bounded below, and f of it */
static PetscErrorCode smooth(MuTerm *term, PetscInt k, const MuState *state) {
  Blob *blob = term->data;
  const PetscInt n = term->shared->n;
  PetscReal *q;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->convolution, state->field, blob->q[k]));
  PetscCall(VecGetArray(blob->q[k], &q));
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal own = blob->diagonal * state->rho[i], least = PetscMax(own, MU_MIN_NORMAL);
    blob->kind[k][i] = q[i] >= least ? SMOOTHED : (own > MU_MIN_NORMAL ? OWN : LEAST);
    q[i] = PetscMax(q[i], least);
  }
  fill_values(exponent_of(term), n, q, blob->f[k]);
  PetscCall(VecRestoreArray(blob->q[k], &q));
  PetscFunctionReturn(0);
}

/* g += k*(image); image is overwritten */
static PetscErrorCode add_image(MuTerm *term, PetscReal *g) {
  Blob *blob = term->data;
  const PetscReal *image;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(term->convolution, blob->image, blob->image));
  PetscCall(VecGetArrayRead(blob->image, &image));
  for (PetscInt i = 0; i < term->shared->n; ++i) g[i] += image[i];
  PetscCall(VecRestoreArrayRead(blob->image, &image));
  PetscFunctionReturn(0);
}

/* Takes the cells that are of the same kind, OWN or LEAST, in both states out of image = rho f'(q):
   what they add to g is their own. */
static void take_own(Blob *blob, PetscInt a, PetscInt b, PetscInt n, PetscReal *image,
                     PetscReal *g) {
  for (PetscInt i = 0; i < n; ++i) {
    if (blob->kind[a][i] == SMOOTHED || blob->kind[a][i] != blob->kind[b][i]) continue;
    if (blob->kind[a][i] == OWN) g[i] += blob->diagonal * image[i];
    image[i] = 0;
  }
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  Blob *blob = term->data;
  const PetscReal *value = blob->f[0], *q;
  PetscReal *image;

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, state));
  for (PetscInt i = 0; f && i < n; ++i) f[i] = state->rho[i] * value[i];
  if (df) {
    PetscCall(VecGetArrayRead(blob->q[0], &q));
    PetscCall(VecGetArray(blob->image, &image));
    fill_slopes(exponent_of(term), n, state->rho, q, image);
    PetscCall(VecRestoreArrayRead(blob->q[0], &q));
    for (PetscInt i = 0; i < n; ++i) df[i] = value[i];
    take_own(blob, 0, 0, n, image, df);
    PetscCall(VecRestoreArray(blob->image, &image));
    PetscCall(add_image(term, df));
  }
  PetscFunctionReturn(0);
}

/* Whether a cell with mass is of two kinds. Collective. */
static PetscErrorCode find_kinks(MuTerm *term, const MuPair *pair, PetscBool *any) {
  const Blob *blob = term->data;
  int found = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < term->shared->n; ++i)
    found |= blob->kind[0][i] != blob->kind[1][i] && pair->mid.rho[i] > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MAX, term->shared->info->comm));
  *any = (PetscBool)found;
  PetscFunctionReturn(0);
}

/* Adds a (rho1 - rho0) such that <M, f(q1) - f(q0)> = <M D, k*(rho1 - rho0)> + a |rho1 - rho0|^2
   over the cells of two kinds; image = M D. */
static PetscErrorCode add_kinks(MuTerm *term, const MuPair *pair, const PetscReal *image,
                                PetscReal *g) {
  const PetscInt n = term->shared->n;
  const PetscReal *rho0 = pair->a->rho, *rho1 = pair->b->rho;
  Blob *blob = term->data;
  PetscReal sums[2] = {0}, *change;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(blob->change, -1, pair->a->field, pair->b->field));
  PetscCall(MuConvolutionApply(term->convolution, blob->change, blob->change));
  PetscCall(VecGetArray(blob->change, &change));
  for (PetscInt i = 0; i < n; ++i) {
    sums[1] += (rho1[i] - rho0[i]) * (rho1[i] - rho0[i]);
    if (blob->kind[0][i] != blob->kind[1][i])
      sums[0] += pair->mid.rho[i] * (blob->f[1][i] - blob->f[0][i]) - image[i] * change[i];
  }
  PetscCall(VecRestoreArray(blob->change, &change));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPI_SUM, term->shared->info->comm));
  for (PetscInt i = 0; i < n && sums[1] > 0; ++i) g[i] += sums[0] / sums[1] * (rho1[i] - rho0[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const PetscInt n = term->shared->n;
  Blob *blob = term->data;
  const PetscReal *q0, *q1;
  PetscReal *image;
  PetscBool kinks;

  PetscFunctionBegin;
  PetscCall(smooth(term, 0, pair->a));
  PetscCall(smooth(term, 1, pair->b));
  PetscCall(find_kinks(term, pair, &kinks));
  PetscCall(VecGetArrayRead(blob->q[0], &q0));
  PetscCall(VecGetArrayRead(blob->q[1], &q1));
  PetscCall(VecGetArray(blob->image, &image));
  fill_quotients(exponent_of(term), n, pair->mid.rho, q0, q1, image);
  for (PetscInt i = 0; i < n; ++i) g[i] = 0.5 * (blob->f[0][i] + blob->f[1][i]);
  take_own(blob, 0, 1, n, image, g);
  if (kinks) PetscCall(add_kinks(term, pair, image, g));
  PetscCall(VecRestoreArray(blob->image, &image));
  PetscCall(VecRestoreArrayRead(blob->q[1], &q1));
  PetscCall(VecRestoreArrayRead(blob->q[0], &q0));
  PetscCall(add_image(term, g));
  PetscFunctionReturn(0);
}

static const MuTermLimit of_entropy[] = {
    {.parameters = "bandwidth", .to = &MuTermEntropy, .order = 2}, {.parameters = NULL}};

const MuTermOps MuTermBlobEntropy = {
    .name = "blob_entropy",
    .formula = "int log(k*rho) d rho",
    .form = MU_FORM_BLOB,
    .needs = MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .limits = of_entropy,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};

static const MuParameter parameters[] = {{.name = "exponent",
                                          .key = "blob_internal_exponent",
                                          .doc = "m, the exponent, not 1",
                                          .low = 0,
                                          .high = 100,
                                          .above_low = PETSC_TRUE,
                                          .required = PETSC_TRUE},
                                         {0}};

static const MuTermLimit of_internal[] = {
    {.parameters = "bandwidth", .to = &MuTermInternal, .order = 2}, {.parameters = NULL}};

const MuTermOps MuTermBlobInternal = {
    .name = "blob_internal",
    .parameters = parameters,
    .formula = "int (k*rho)^(m-1)/(m-1) d rho, m = blob_internal_exponent",
    .form = MU_FORM_BLOB_POWER,
    .needs = MU_NEEDS_KERNEL,
    .kind = MU_TERM_FROZEN,
    .limits = of_internal,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
