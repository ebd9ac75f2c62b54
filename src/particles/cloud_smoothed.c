/* Terms of clouds that are made of k*mu: powers of it at the particles, and what compares it with a
   target pi = 1/M sum_l delta(y_l).

     F = KL(pi given k*mu): with q = k*mu, DF = 1 - 1/M sum_l k(. - y_l)/q(y_l). A fixed pi has a
   log density, or F is known up to a constant only. Yan, Wang and Rigollet (2024).

     F = min over sigma of D_phi(sigma given pi) + |sigma - mu|^2/(2 lambda): sigma = 1/M sum_l a_l
     delta(y_l), a = (phi*)'(h), lambda h = k*(mu - sigma), DF = h. At the points G(h) = lambda h +
     K a/M - k*mu = 0, K = k(y_l - y_m), by Newton's method: with D = (phi*)''(h) the step is
     M u/D, (lambda M/D + K) u = -G, halved until |G| falls. F = <h, mu> - 1/M sum phi*(h_l) -
     1/2 (<h, mu> - 1/M sum a_l h_l). Glaser, Arbel and Gretton (2021); Chen et al. (2024). */
#include "grid/arrays.h"
#include "particles/cloud_energy_impl.h"

#include <petscblaslapack.h>

#define MOST_POINTS                                                                                \
  4000 /* a matrix of their pairs is factored in every step of Newton's method                     \
        */
#define MOST_STEPS 200
#define HALVINGS   40
#define RESIDUAL   1e-13 /* of |G| over |k*mu| + |lambda| */

struct MuCloudSamples {
  PetscInt count;
  PetscReal *sum, *h, *trial, *step, *weight, *log_pi; /* [count] */
  PetscReal *kernel, *factor;                          /* [count][count], of the envelopes */
};

/* ------------------------------------------------------------------ powers of k*mu */

PetscErrorCode MuCloudAddBlobPower(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const MuAtoms *cloud = v->cloud;
  const PetscInt dim = cloud->dim;
  const PetscReal *q;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < e->terms; ++t) {
    const PetscReal m = e->p[t], weight = e->weights[t];
    PetscReal value = 0;
    if (e->form[t] != MU_FORM_BLOB_POWER) continue;
    PetscCall(MuCloudOwnSum(e, v, &q));
    for (PetscInt i = 0; i < cloud->n; ++i) {
      e->ratio[i] = cloud->w[i] * PetscPowReal(q[i], m - 2);
      value += e->ratio[i] * q[i] / (m - 1);
    }
    PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, e->ratio, v->m, v->y, e->mean_value,
                                v->gradient ? e->vector : NULL));
    MuCloudAdd(v, weight, e->mean_value, e->vector);
    for (PetscInt i = 0; i < v->m; ++i) {
      const PetscReal slope = weight * PetscPowReal(e->sum[i], m - 2);
      if (v->derivative) v->derivative[i] += slope * e->sum[i] / (m - 1);
      for (PetscInt a = 0; a < dim && v->gradient; ++a)
        v->gradient[i * dim + a] += slope * e->sum_gradient[i * dim + a];
    }
    if (v->terms) v->terms[t] += weight * value;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the points of the target */

static PetscBool has_form(MuCloudEnergy e, MuEnergyForm form) {
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->form[t] == form) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode check_points(MuCloudEnergy e, PetscInt count, const PetscReal *points) {
  const MuKernelSpec *kernel;

  PetscFunctionBegin;
  PetscCall(MuWallKernelGet(e->kernel, NULL, NULL, &kernel));
  if (!points)
    return MuError(MU_ERR_INPUT,
                   "particles_target_samples: exact is not possible for npmle, moreau, kale and "
                   "drmmd, whose particle forms compare with points of the target; give fixed or "
                   "fresh");
  if (has_form(e, MU_FORM_LIKELIHOOD) && kernel->normalization == MU_NORMALIZATION_PEAK)
    return MuError(MU_ERR_INPUT,
                   "kernel_normalization: the likelihood of particles needs a kernel of mass 1; "
                   "give mass");
  if (has_form(e, MU_FORM_ENVELOPE) && count > MOST_POINTS)
    return MuError(MU_ERR_INPUT,
                   "particles_target_count: %d points are too many for moreau, kale and drmmd, "
                   "which factor a matrix of all pairs; at most %d are allowed",
                   (int)count, MOST_POINTS);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_kernel(MuCloudEnergy e, const PetscReal *y) {
  struct MuCloudSamples *s = e->samples;
  const PetscReal one = 1;
  const PetscInt dim = e->spec.dim;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < s->count; ++l)
    PetscCall(MuWallKernelApply(e->kernel, 1, y + l * dim, &one, s->count, y,
                                s->kernel + (size_t)l * s->count, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudSamplesCreate(MuCloudEnergy e) {
  struct MuCloudSamples *s = e->samples;
  const PetscReal *points;
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(MuKernelMeanGetPoints(e->mean, &count, &points));
  PetscCall(check_points(e, count, points));
  const PetscInt pairs = has_form(e, MU_FORM_ENVELOPE) ? count * count : 0;
  if (!s) {
    PetscCall(PetscNew(&s));
    e->samples = s;
    s->count = count;
    PetscCall(PetscMalloc6(count, &s->sum, count, &s->h, count, &s->trial, count, &s->step, count,
                           &s->weight, count, &s->log_pi));
    PetscCall(PetscMalloc2(pairs, &s->kernel, pairs, &s->factor));
  }
  if (pairs) PetscCall(fill_kernel(e, points));
  for (PetscInt l = 0; l < count; ++l) s->log_pi[l] = NAN;
  if (e->spec.target->kind != MU_LAW_POINTS)
    PetscCall(MuLawLogDensity(e->spec.target, count, points, s->log_pi, NULL));
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->form[t] == MU_FORM_LIKELIHOOD) e->has_value[t] = (PetscBool)!isnan(s->log_pi[0]);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudSamplesDestroy(MuCloudEnergy e) {
  struct MuCloudSamples *s = e->samples;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(0);
  PetscCall(PetscFree6(s->sum, s->h, s->trial, s->step, s->weight, s->log_pi));
  PetscCall(PetscFree2(s->kernel, s->factor));
  PetscCall(PetscFree(e->samples));
  PetscFunctionReturn(0);
}

/* k*mu at the points. */
static PetscErrorCode sum_at_points(MuCloudEnergy e, const MuCloudEvaluation *v,
                                    const PetscReal **points) {
  const MuAtoms *cloud = v->cloud;

  PetscFunctionBegin;
  PetscCall(MuKernelMeanGetPoints(e->mean, &e->samples->count, points));
  PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, cloud->w, e->samples->count, *points,
                              e->samples->sum, NULL));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the likelihood */

PetscErrorCode MuCloudAddLikelihood(MuCloudEnergy e, const MuCloudEvaluation *v) {
  struct MuCloudSamples *s = e->samples;
  const PetscReal *points;
  PetscReal value = -1;

  PetscFunctionBegin;
  if (!has_form(e, MU_FORM_LIKELIHOOD)) PetscFunctionReturn(0);
  PetscCall(sum_at_points(e, v, &points));
  for (PetscInt l = 0; l < s->count; ++l) {
    if (!(s->sum[l] > 0))
      return MuError(MU_ERR_NUMERICS,
                     "npmle: no particle is near a point of the target, where k*mu is 0; take a "
                     "wider kernel");
    s->weight[l] = 1 / (s->count * s->sum[l]);
    value += (s->log_pi[l] - PetscLogReal(s->sum[l])) / s->count;
  }
  for (PetscInt i = 0; i < v->cloud->n; ++i) value += v->cloud->w[i];
  PetscCall(MuWallKernelApply(e->kernel, s->count, points, s->weight, v->m, v->y, e->mean_value,
                              v->gradient ? e->vector : NULL));
  for (PetscInt t = 0; t < e->terms; ++t) {
    if (e->form[t] != MU_FORM_LIKELIHOOD) continue;
    MuCloudAdd(v, -e->weights[t], e->mean_value, e->vector);
    for (PetscInt i = 0; i < v->m && v->derivative; ++i) v->derivative[i] += e->weights[t];
    if (v->terms) v->terms[t] += e->weights[t] * value;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the envelopes */

/* (phi*)'(h), which is also (phi*)'' of kl; phi*(h). */
static PetscReal density_at(PetscBool kl, PetscReal h) {
  return kl ? PetscExpReal(h) : 1 + h;
}

static PetscReal conjugate_at(PetscBool kl, PetscReal h) {
  return kl ? expm1(h) : h + 0.5 * h * h;
}

/* step = -G(h); its norm. weight = (phi*)'(h)/M. */
static PetscReal residual(struct MuCloudSamples *s, const MuEnvelope *f, const PetscReal *h) {
  const PetscInt n = s->count;
  PetscReal square = 0;
  for (PetscInt l = 0; l < n; ++l) s->weight[l] = density_at(f->exponent == 1, h[l]) / n;
  for (PetscInt l = 0; l < n; ++l) {
    const PetscReal *row = s->kernel + (size_t)l * n;
    PetscReal image = 0;
    for (PetscInt m = 0; m < n; ++m) image += row[m] * s->weight[m];
    s->step[l] = s->sum[l] - f->lambda * h[l] - image;
    square += s->step[l] * s->step[l];
  }
  return sqrt(square);
}

/* step = M u/D with (lambda M/D + K) u = step. */
static PetscErrorCode newton_step(struct MuCloudSamples *s, const MuEnvelope *f) {
  const PetscInt n = s->count;
  const PetscBool kl = (PetscBool)(f->exponent == 1);
  PetscBLASInt order, one = 1, info;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCall(PetscArraycpy(s->factor, s->kernel, (size_t)n * n));
  for (PetscInt l = 0; l < n; ++l)
    s->factor[(size_t)l * (n + 1)] += f->lambda * n / (kl ? PetscExpReal(s->h[l]) : 1);
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &order, s->factor, &order, &info));
  if (!info)
    PetscCallBLAS("LAPACKpotrs",
                  LAPACKpotrs_("L", &order, &one, s->factor, &order, s->step, &order, &info));
  if (info)
    return MuError(MU_ERR_NUMERICS, "moreau: the kernel matrix of the target's points cannot be "
                                    "factored; take a larger lambda");
  for (PetscInt l = 0; l < n; ++l) s->step[l] *= n / (kl ? PetscExpReal(s->h[l]) : 1);
  PetscFunctionReturn(0);
}

/* h at the points; then sum = k*mu, weight = (phi*)'(h)/M. From h = 0: the same at every restart.
 */
static PetscErrorCode solve_envelope(struct MuCloudSamples *s, const MuEnvelope *f) {
  PetscReal scale = f->lambda, now;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(s->h, s->count));
  for (PetscInt l = 0; l < s->count; ++l) scale = PetscMax(scale, PetscAbsReal(s->sum[l]));
  scale *= sqrt((PetscReal)s->count);
  now = residual(s, f, s->h);
  for (PetscInt k = 0; k < MOST_STEPS && now > RESIDUAL * scale; ++k) {
    const PetscReal before = now;
    PetscReal length = 1;
    PetscCall(newton_step(s, f));
    PetscCall(PetscArraycpy(s->trial, s->step, s->count));
    for (int halving = 0; halving < HALVINGS; ++halving, length /= 2) {
      for (PetscInt l = 0; l < s->count; ++l) s->trial[l] = s->h[l] + length * s->trial[l];
      now = residual(s, f, s->trial);
      if (now < (1 - 1e-4 * length) * before) break;
      for (PetscInt l = 0; l < s->count; ++l) s->trial[l] = (s->trial[l] - s->h[l]) / length;
    }
    if (!(now < before)) break; /* rounding allows no less */
    PetscCall(PetscArraycpy(s->h, s->trial, s->count));
  }
  now = residual(s, f, s->h);
  if (!(now <= 1e-8 * scale))
    return MuError(MU_ERR_NUMERICS,
                   "moreau: the minimiser was not found (residual %.1e); take a larger lambda",
                   now / scale);
  PetscFunctionReturn(0);
}

/* <h, mu> as far as k*mu is in it: 1/lambda (<mu, k*mu> - <sigma, k*mu>). */
static PetscReal envelope_value(const struct MuCloudSamples *s, const MuEnvelope *f,
                                PetscReal own) {
  PetscReal pairing = own, conjugate = 0, at_points = 0;
  for (PetscInt l = 0; l < s->count; ++l) {
    pairing -= s->weight[l] * s->sum[l];
    conjugate += conjugate_at(f->exponent == 1, s->h[l]) / s->count;
    at_points += s->weight[l] * s->h[l];
  }
  pairing /= f->lambda;
  return pairing - conjugate - 0.5 * (pairing - at_points);
}

PetscErrorCode MuCloudAddEnvelopes(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const PetscReal *points, *q;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < e->terms; ++t) {
    const MuEnvelope *f = &e->envelope[t];
    if (e->form[t] != MU_FORM_ENVELOPE) continue;
    const PetscReal scale = e->weights[t] * f->factor / f->lambda;
    PetscCall(sum_at_points(e, v, &points));
    PetscCall(solve_envelope(e->samples, f));
    PetscCall(MuWallKernelApply(e->kernel, e->samples->count, points, e->samples->weight, v->m,
                                v->y, e->mean_value, v->gradient ? e->vector : NULL));
    MuCloudAdd(v, scale, e->sum, e->sum_gradient);
    MuCloudAdd(v, -scale, e->mean_value, e->vector);
    if (!v->terms) continue;
    PetscCall(MuCloudOwnSum(e, v, &q));
    v->terms[t] += e->weights[t] * f->factor * envelope_value(e->samples, f, MuCloudWeighted(v, q));
  }
  PetscFunctionReturn(0);
}
