/* Interaction-force transport: Gladin, Dvurechensky, Mielke and Zhu (2024), algorithm 1. A
   transport step x -= a dt grad DF(x), then at the new positions the weights

     w = argmin over the simplex of F(w) + MMD^2(w, w_k)/(2 eta), eta = b dt.

   Of F = c/2 MMD^2(w, pi) + G the second term is linearised at w_k. With DF taken at w_k this is
     min 1/2 w' K w (c + 1/eta) - w' [(c + 1/eta) K w_k - DF],
   where c = 0 if the energy's kernel is not the geometry's. w_k are the old weights at the new
   positions. The entropic variant replaces the MMD by the relative entropy: w ~ w_k exp(-eta DF),
   the spherical Fisher-Rao step. The projected variant is what the program published with the paper
   does: one gradient step w = P(w_k - eta DF), P the Euclidean projection onto the simplex (Held,
   Wolfe and Crowder 1974); its metric is that of the vectors w, which depends on the particles. */
#include "particles/pairs.h"
#include "particles/particles_impl.h"

enum { MMD, PROJECTED, ENTROPIC };

static const MuWeightStep weight_steps[] = {
    [MMD] = {.word = "mmd"},
    [PROJECTED] = {.word = "projected"},
    [ENTROPIC] = {.word = "entropic", .reaction = MU_OPERATOR_GROWTH},
    {.word = NULL}};

/* c, and whether K w_k is among the sums of the energy. */
static PetscErrorCode quadratic_weight(MuParticles p, PetscReal *weight, const PetscReal **sum) {
  MuWallKernel kernel;
  PetscBool only;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetKernel(p->energy, weight, &only, &kernel, sum));
  if (MuWallKernelsAgree(kernel, p->geometry_kernel)) PetscFunctionReturn(0);
  *weight = 0;
  *sum = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_simplex(MuParticles p) {
  MuRadial radial;
  PetscBool reflects;

  PetscFunctionBegin;
  PetscCall(MuWallKernelOfCase(p->c, p->comm, "geometry", "ift needs a kernel", p->cloud.dim,
                               p->info, &p->geometry_kernel));
  PetscCall(MuWallKernelGet(p->geometry_kernel, &radial, &reflects, NULL));
  if (reflects)
    return MuError(MU_ERR_INPUT,
                   "kernel_extension: reflect does not fit the weight step mmd of ift; use "
                   "kernel_extension zero, or particles_weight_step entropic");
  PetscCall(MuSimplexCreate(p->comm, radial, &p->simplex));
  PetscFunctionReturn(0);
}

/* The step keeps the mass, as the geometry does if it is spherical, or with energy mmd alone in the
   same kernel, where K DF = mu - pi. */
static PetscErrorCode check_mass(MuParticles p) {
  PetscBool spherical = PETSC_FALSE, given, only;
  MuWallKernel kernel;
  const PetscReal *sum;
  PetscReal weight;

  PetscFunctionBegin;
  PetscCall(MuCaseGetBool(p->c, "geometry_spherical", &spherical, &given));
  PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &kernel, &sum));
  if (p->geometry_kernel && !MuWallKernelsAgree(kernel, p->geometry_kernel)) only = PETSC_FALSE;
  if (!spherical && !only)
    return MuError(MU_ERR_INPUT,
                   "geometry_spherical: ift keeps the mass, which this geometry does with energy "
                   "mmd alone; set geometry_spherical true");
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuParticles p) {
  PetscFunctionBegin;
  if (p->weight_step == &weight_steps[MMD])
    PetscCall(create_simplex(p));
  else if (p->weight_step == &weight_steps[PROJECTED])
    snprintf(p->scheme, sizeof p->scheme,
             "projected variant: x' = -a grad DF(x); w = P(w - b dt DF), P the projection onto the "
             "simplex: a wasserstein, and the vector of weights in its own metric");
  else
    snprintf(p->scheme, sizeof p->scheme,
             "entropic variant: x' = -a grad DF(x); w ~ w exp(-b dt DF), normalised: a wasserstein "
             "+ b spherical fisher_rao");
  PetscCall(check_mass(p));
  PetscFunctionReturn(0);
}

/* Sums over the cloud are rounded to this part of the largest. */
#define ROUNDING 1e-13

/* In any units the same: the conditions hold to `tolerance` of the energy's differences, among
   which are those of its kernel, or to rounding. sum: K w. *unit: that of the energy. */
static PetscErrorCode find_tolerance(MuParticles p, PetscReal weight, PetscReal scale,
                                     const PetscReal *sum, PetscReal *unit, PetscReal *tolerance) {
  PetscReal size, low = PETSC_MAX_REAL, high = -PETSC_MAX_REAL;
  MuRadial radial;

  PetscFunctionBegin;
  PetscCall(MuWallKernelGet(p->geometry_kernel, &radial, NULL, NULL));
  PetscCall(MuRadialEvaluate(radial, 0, &size, NULL));
  for (PetscInt i = 0; i < p->cloud.n; ++i) {
    size = PetscMax(size, PetscAbsReal(sum[i]));
    low = PetscMin(low, p->derivative[i]);
    high = PetscMax(high, p->derivative[i]);
  }
  *unit = PetscMax(weight * size, high - low);
  *tolerance = PetscMax(p->tolerance * *unit, ROUNDING * scale * size);
  PetscFunctionReturn(0);
}

static PetscErrorCode mmd_step(MuParticles p, PetscReal dt) {
  const MuAtoms *cloud = &p->cloud;
  const PetscReal *sum;
  PetscReal weight, unit = 0, tolerance = 0;

  PetscFunctionBegin;
  PetscCall(quadratic_weight(p, &weight, &sum));
  const PetscReal scale = weight + 1 / (p->reaction * dt);
  if (!sum) {
    PetscCall(MuWallKernelApply(p->geometry_kernel, cloud->n, cloud->x, cloud->w, cloud->n,
                                cloud->x, p->columns, NULL));
    sum = p->columns;
  }
  for (PetscInt i = 0; i < cloud->n; ++i) p->probe[i] = scale * sum[i] - p->derivative[i];
  PetscCall(find_tolerance(p, weight, scale, sum, &unit, &tolerance));
  PetscCall(MuSimplexSolve(p->simplex, cloud->n, cloud->x, scale, p->probe, tolerance, cloud->w,
                           &p->simplex_report));
  p->simplex_report.residual = unit > 0 ? p->simplex_report.residual / unit : 0;
  PetscFunctionReturn(0);
}

/* w = max(v - l, 0), v = w - rate DF, with the l for which the sum is 1: over the largest m entries
   of v, m the most for which the least of them is above l. */
static PetscErrorCode projected_step(MuParticles p, PetscReal rate) {
  const PetscInt n = p->cloud.n;
  PetscReal *v = p->probe, *sorted = p->columns, sum = 0, level = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) sorted[i] = v[i] = p->cloud.w[i] - rate * p->derivative[i];
  PetscCall(PetscSortReal(n, sorted));
  for (PetscInt m = 1; m <= n; ++m) {
    sum += sorted[n - m];
    const PetscReal next = (sum - 1) / m;
    if (!(sorted[n - m] > next)) break;
    level = next;
  }
  sum = 0;
  for (PetscInt i = 0; i < n; ++i) sum += p->cloud.w[i] = PetscMax(v[i] - level, 0);
  for (PetscInt i = 0; i < n; ++i) p->cloud.w[i] /= sum; /* rounding */
  PetscFunctionReturn(0);
}

static PetscErrorCode step(MuParticles p, PetscReal dt) {
  PetscFunctionBegin;
  PetscCall(MuParticlesDescend(p, dt, p->gradient));
  PetscCall(MuCloudEnergyEvaluate(p->energy, &p->cloud, p->cloud.n, p->cloud.x, p->derivative, NULL,
                                  NULL));
  if (p->weight_step == &weight_steps[MMD]) {
    PetscCall(mmd_step(p, dt));
  } else if (p->weight_step == &weight_steps[PROJECTED]) {
    PetscCall(projected_step(p, p->reaction * dt));
  } else {
    p->spherical = PETSC_TRUE;
    PetscCall(MuParticlesReweight(p, p->reaction * dt, p->derivative));
  }
  PetscFunctionReturn(0);
}

const MuMethodOps MuMethodIft = {
    .name = "ift",
    .formula = "x' = -a grad DF(x); w by the MMD step: a wasserstein + b mmd, spherical",
    .transport = MU_OPERATOR_TRANSPORT,
    .reaction = MU_OPERATOR_KERNEL_INVERSE,
    .weight_steps = weight_steps,
    .logarithm = MU_LOG_BLOB,
    .create = create,
    .step = step,
};
