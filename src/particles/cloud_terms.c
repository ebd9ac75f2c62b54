/* The terms of the energies of clouds: F, DF and grad DF of each form. */
#include "grid/arrays.h"
#include "particles/cloud_energy_impl.h"

void MuCloudAdd(const MuCloudEvaluation *v, PetscReal a, const PetscReal *f, const PetscReal *g) {
  for (PetscInt i = 0; i < v->m && v->derivative; ++i) v->derivative[i] += a * f[i];
  for (PetscInt i = 0; i < v->m * v->cloud->dim && v->gradient; ++i) v->gradient[i] += a * g[i];
}

PetscReal MuCloudWeighted(const MuCloudEvaluation *v, const PetscReal *f) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < v->cloud->n; ++i) sum += v->cloud->w[i] * f[i];
  return sum;
}

/* Adds the value of every term of a form, weight times `value`. */
static void add_terms(MuCloudEnergy e, const MuCloudEvaluation *v, MuEnergyForm form,
                      PetscReal value) {
  for (PetscInt t = 0; t < e->terms && v->terms; ++t)
    if (e->form[t] == form) v->terms[t] += e->weights[t] * value;
}

PetscErrorCode MuCloudAddMmd(MuCloudEnergy e, const MuCloudEvaluation *v) {
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(MuKernelMeanApply(e->mean, v->m, v->y, e->mean_value, v->gradient ? e->vector : NULL));
  MuCloudAdd(v, e->mmd, e->sum, e->sum_gradient);
  MuCloudAdd(v, -e->mmd, e->mean_value, e->vector);
  if (!v->terms) PetscFunctionReturn(0);
  PetscCall(MuKernelMeanGetNorm(e->mean, &norm));
  add_terms(e, v, MU_FORM_MMD,
            0.5 * (MuCloudWeighted(v, e->sum) - 2 * MuCloudWeighted(v, e->mean_value) + norm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudOwnSum(MuCloudEnergy e, const MuCloudEvaluation *v, const PetscReal **q) {
  const MuAtoms *cloud = v->cloud;

  PetscFunctionBegin;
  *q = v->own ? e->sum : e->own;
  if (!v->own)
    PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, cloud->w, cloud->n, cloud->x, e->own,
                                NULL));
  PetscFunctionReturn(0);
}

/* log q and its gradient grad q/q, q = k*mu at y; then the image of w/q. */
PetscErrorCode MuCloudAddBlob(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const MuAtoms *cloud = v->cloud;
  const PetscInt dim = cloud->dim;
  const PetscReal *q;
  PetscReal value = 0;

  PetscFunctionBegin;
  PetscCall(MuCloudOwnSum(e, v, &q));
  for (PetscInt i = 0; i < cloud->n; ++i) {
    e->ratio[i] = cloud->w[i] / q[i];
    value += cloud->w[i] > 0 ? cloud->w[i] * PetscLogReal(q[i]) : 0;
  }
  PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, e->ratio, v->m, v->y, e->mean_value,
                              v->gradient ? e->vector : NULL));
  MuCloudAdd(v, e->blob, e->mean_value, e->vector);
  for (PetscInt i = 0; i < v->m; ++i) {
    if (v->derivative) v->derivative[i] += e->blob * PetscLogReal(e->sum[i]);
    for (PetscInt a = 0; a < dim && v->gradient; ++a)
      v->gradient[i * dim + a] += e->blob * e->sum_gradient[i * dim + a] / e->sum[i];
  }
  add_terms(e, v, MU_FORM_BLOB, value);
  if (e->spec.logarithm == MU_LOG_BLOB) {
    add_terms(e, v, MU_FORM_RELATIVE, value);
    add_terms(e, v, MU_FORM_ENTROPY, value);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudAddLogTarget(MuCloudEnergy e, const MuCloudEvaluation *v) {
  PetscReal mass = 0;

  PetscFunctionBegin;
  PetscCall(
      MuLawLogDensity(e->spec.target, v->m, v->y, e->mean_value, v->gradient ? e->vector : NULL));
  MuCloudAdd(v, -e->log_pi, e->mean_value, e->vector);
  if (e->spec.logarithm != MU_LOG_BLOB) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < v->m && v->derivative; ++i) v->derivative[i] -= e->log_pi;
  if (!v->terms) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < v->cloud->n; ++i) mass += v->cloud->w[i];
  add_terms(e, v, MU_FORM_RELATIVE, 1 - mass - MuCloudWeighted(v, e->mean_value));
  PetscFunctionReturn(0);
}

static PetscReal weight_of(MuCloudEnergy e, MuEnergyForm form) {
  PetscReal weight = 0;
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->form[t] == form) weight += e->weights[t];
  return weight;
}

PetscErrorCode MuCloudAddPotential(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const PetscInt dim = v->cloud->dim;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < v->m; ++i) {
    const PetscReal at[2] = {v->y[i * dim], dim == 2 ? v->y[i * dim + 1] : 0};
    PetscCall(MuFormulaEvaluate(e->potential, at, &e->mean_value[i]));
    if (v->gradient)
      PetscCall(MuFormulaGradient(MuFormulaFunction, e->potential, e->info, e->spec.length, dim, at,
                                  e->vector + i * dim));
  }
  MuCloudAdd(v, weight_of(e, MU_FORM_POTENTIAL), e->mean_value, e->vector);
  if (v->terms) add_terms(e, v, MU_FORM_POTENTIAL, MuCloudWeighted(v, e->mean_value));
  PetscFunctionReturn(0);
}

/* W*mu and its gradient at one point. A pair at distance 0 adds W(0) if that is finite, and no
   force: W is even. */
static PetscErrorCode interact(MuCloudEnergy e, const MuAtoms *cloud, const PetscReal *y,
                               PetscReal *value, PetscReal *gradient) {
  const PetscInt dim = cloud->dim;
  PetscReal w, force[2];

  PetscFunctionBegin;
  *value = 0;
  for (PetscInt a = 0; a < dim && gradient; ++a) gradient[a] = 0;
  for (PetscInt j = 0; j < cloud->n; ++j) {
    const PetscReal *x = cloud->x + j * dim;
    const PetscReal z[2] = {y[0] - x[0], dim == 2 ? y[1] - x[1] : 0};
    const PetscBool apart = (PetscBool)(z[0] != 0 || z[1] != 0);
    PetscCall(MuFormulaEvaluate(e->interaction, z, &w));
    if (apart || !PetscIsInfOrNanReal(w)) *value += cloud->w[j] * w;
    if (!gradient || !apart) continue;
    PetscCall(MuFormulaGradient(MuFormulaFunction, e->interaction, e->info, e->spec.length, dim, z,
                                force));
    for (PetscInt a = 0; a < dim; ++a) gradient[a] += cloud->w[j] * force[a];
  }
  PetscFunctionReturn(0);
}

/* The points are dealt out to the ranks in turn. */
PetscErrorCode MuCloudAddInteraction(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const PetscInt dim = v->cloud->dim;
  PetscMPIInt rank, size;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(e->spec.comm, &rank));
  PetscCallMPI(MPI_Comm_size(e->spec.comm, &size));
  PetscCall(PetscArrayzero(e->mean_value, v->m));
  PetscCall(PetscArrayzero(e->vector, v->m * dim));
  for (PetscInt i = rank; i < v->m && !code; i += size)
    code = interact(e, v->cloud, v->y + i * dim, &e->mean_value[i],
                    v->gradient ? e->vector + i * dim : NULL);
  PetscCall(MuErrorAgree(e->spec.comm, code));
  if (size > 1) {
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, e->mean_value, (PetscMPIInt)v->m, MPIU_REAL, MPI_SUM,
                               e->spec.comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, e->vector, (PetscMPIInt)(v->m * dim), MPIU_REAL,
                               MPI_SUM, e->spec.comm));
  }
  MuCloudAdd(v, weight_of(e, MU_FORM_INTERACTION), e->mean_value, e->vector);
  if (v->terms) add_terms(e, v, MU_FORM_INTERACTION, 0.5 * MuCloudWeighted(v, e->mean_value));
  PetscFunctionReturn(0);
}

/* phi_p(s)/s and phi_p'(s) at s = exp(u); p = 1 is kl. */
static void relative(PetscReal p, PetscReal u, PetscReal *phi, PetscReal *slope) {
  const PetscReal inverse = PetscExpReal(-u);
  if (p == 1) {
    *slope = u;
    *phi = u - 1 + inverse;
  } else if (p == 0) {
    *slope = -expm1(-u);
    *phi = *slope - u * inverse;
  } else {
    *slope = expm1((p - 1) * u) / (p - 1);
    *phi = (PetscExpReal((p - 1) * u) - p + (p - 1) * inverse) / (p * (p - 1));
  }
}

/* Terms that need rho(x_i) = n w_i rho_0(x_i), weights of 0 at the smallest number. */
PetscErrorCode MuCloudAddLocal(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const MuAtoms *cloud = v->cloud;

  for (PetscInt t = 0; t < e->terms; ++t) {
    const PetscBool is_entropy = (PetscBool)(e->form[t] == MU_FORM_ENTROPY);
    PetscReal value = 0, phi, slope;
    if (!is_entropy && e->form[t] != MU_FORM_RELATIVE) continue;
    for (PetscInt i = 0; i < cloud->n; ++i) {
      const PetscReal log_rho =
          PetscLogReal(PetscMax(cloud->w[i], MU_MIN_NORMAL)) + e->log_initial[i];
      if (is_entropy) {
        phi = log_rho;
        slope = log_rho + 1;
      } else
        relative(e->p[t], log_rho - e->log_target[i], &phi, &slope);
      value += cloud->w[i] * phi;
      if (v->derivative) v->derivative[i] += e->weights[t] * slope;
    }
    if (v->terms) v->terms[t] += e->weights[t] * value;
  }
  return 0;
}
