/* Energies of clouds mu = sum_i w_i delta(x_i): F, DF and grad DF.

     mmd           DF = k*mu - k*pi
     potential     DF = V
     interaction   DF = W*mu, summed directly
     blob_entropy  DF = log(k*mu) + k*(mu/(k*mu))                     Carrillo, Craig, Patacchini
   (2019) kl            log mu - log pi, where log mu is what the method makes of it (MuLogarithm);
   in the blob form log(k*mu) + k*(mu/(k*mu)) - 1, F with 1 - mass, as on the grid

   With resting positions rho(x_i) = n w_i rho_0(x_i) is known, and so are all energies that are
   functions of rho/pi or rho: DF = (s^(p-1) - 1)/(p-1), log s, log rho + 1. */
#include "grid/arrays.h"
#include "mudot/energy.h"
#include "particles/pairs.h"
#include "particles/particles_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum {
  TERM_MMD,
  TERM_POTENTIAL,
  TERM_INTERACTION,
  TERM_BLOB,
  TERM_KL,
  TERM_ENTROPY,
  TERM_RELATIVE /* a function of s = rho/pi with exponent p */
} TermKind;

struct _MuCloudEnergy {
  MuCloudEnergySpec spec;
  const MuGridInfo *info;
  PetscInt terms;
  const char *names[MU_MAX_TERMS]; /* "mmd", "mmd_2" */
  PetscReal weights[MU_MAX_TERMS], exponent[MU_MAX_TERMS];
  MuCaseSummand summands[MU_MAX_TERMS]; /* as the case gives them */
  TermKind kind[MU_MAX_TERMS];
  PetscBool has_value[MU_MAX_TERMS];
  PetscReal mmd, blob, log_pi, diffusivity; /* sums of weights */
  MuWallKernel kernel;
  MuKernelMean mean;
  MuFormula potential, interaction;
  PetscReal *sum, *sum_gradient;       /* k*mu at y */
  PetscReal *own;                      /* k*mu at the cloud where y is elsewhere */
  PetscReal *mean_value, *vector;      /* [n], [n][dim] scratch */
  PetscReal *ratio;                    /* w/(k*mu) */
  PetscReal *log_initial, *log_target; /* of MU_LOG_WEIGHTS: log(n rho_0), log pi at the points */
  const PetscReal *known_sum;
  char meaning[256];
};

/* ------------------------------------------------------------------ building */

static const struct {
  const char *name;
  TermKind kind;
  PetscReal exponent;
} kinds[] = {{"mmd", TERM_MMD, 0},
             {"potential", TERM_POTENTIAL, 0},
             {"interaction", TERM_INTERACTION, 0},
             {"blob_entropy", TERM_BLOB, 0},
             {"kl", TERM_KL, 1},
             {"entropy", TERM_ENTROPY, 0},
             {"inclusive_kl", TERM_RELATIVE, 0},
             {"hellinger", TERM_RELATIVE, 0.5},
             {"chi2", TERM_RELATIVE, 2},
             {"power", TERM_RELATIVE, NAN}};

static PetscErrorCode read_exponent(MuCloudEnergy e, PetscInt t) {
  MuSummandInfo info;

  PetscFunctionBegin;
  PetscCall(MuSummandFind(MuEnergyGetInfo, e->summands[t].name, &info));
  PetscCall(MuParametersCheck(info.parameters, "energy", e->names[t], e->summands[t].value));
  e->exponent[t] = e->summands[t].value[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode classify(MuCloudEnergy e, PetscInt t) {
  const PetscBool rest = (PetscBool)(e->spec.logarithm == MU_LOG_WEIGHTS);

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
    if (strcmp(kinds[k].name, e->summands[t].name) != 0) continue;
    if (kinds[k].kind == TERM_RELATIVE && !rest) break;
    e->kind[t] = kinds[k].kind;
    e->exponent[t] = kinds[k].exponent;
    if (isnan(e->exponent[t])) PetscCall(read_exponent(e, t));
    PetscFunctionReturn(0);
  }
  return MuError(MU_ERR_INPUT,
                 "energy_%s: has no particle form under particles_method %s; allowed are mmd, "
                 "potential, interaction, blob_entropy, kl, entropy%s",
                 e->names[t], e->spec.method, rest ? ", inclusive_kl, hellinger, chi2, power" : "");
}

static PetscErrorCode read_terms(MuCloudEnergy e) {
  const MuLogarithm logarithm = e->spec.logarithm;

  PetscFunctionBegin;
  e->terms = MU_MAX_TERMS;
  PetscCall(MuCaseGetSummands(e->spec.c, "energy", &e->terms, e->summands));
  for (PetscInt t = 0; t < e->terms; ++t) {
    e->names[t] = e->summands[t].key + strlen("energy_");
    e->weights[t] = e->summands[t].weight;
    PetscCall(classify(e, t));
    const TermKind kind = e->kind[t];
    const PetscReal weight = e->weights[t];
    const PetscBool logarithmic = (PetscBool)(kind == TERM_KL || kind == TERM_ENTROPY);
    if (!(weight > 0) && kind != TERM_POTENTIAL && kind != TERM_INTERACTION)
      return MuError(MU_ERR_INPUT, "energy_%s: the weight is %g; it must be positive", e->names[t],
                     weight);
    if (kind == TERM_MMD) e->mmd += weight;
    if (kind == TERM_BLOB || (logarithmic && logarithm == MU_LOG_BLOB)) e->blob += weight;
    if (kind == TERM_KL && logarithm != MU_LOG_WEIGHTS) e->log_pi += weight;
    if (logarithmic && (logarithm == MU_LOG_NOISE || logarithm == MU_LOG_STEIN))
      e->diffusivity += weight;
    e->has_value[t] =
        (PetscBool)(!logarithmic || logarithm == MU_LOG_BLOB || logarithm == MU_LOG_WEIGHTS);
    if (logarithmic && logarithm == MU_LOG_BLOB)
      snprintf(e->meaning, sizeof e->meaning,
               "log mu of kl and entropy in the blob form log(k*mu) + k*(mu/(k*mu)) with the "
               "energy's kernel, as in blob_entropy");
    if (logarithmic && !e->has_value[t])
      snprintf(e->meaning, sizeof e->meaning,
               "kl and entropy of points are infinite: the ledger has no value of theirs");
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode has_term(MuCloudEnergy e, TermKind kind, PetscBool *has) {
  *has = PETSC_FALSE;
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->kind[t] == kind) *has = PETSC_TRUE;
  return 0;
}

/* The formula of the terms of a kind, which must be one. */
static PetscErrorCode create_formula(MuCloudEnergy e, TermKind kind, MuFormula *formula) {
  const char *text = NULL, *key = NULL;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < e->terms; ++t) {
    const MuCaseSummand *s = &e->summands[t];
    if (e->kind[t] != kind) continue;
    if (!s->formula)
      return MuError(MU_ERR_INPUT, "%s: is missing; the energy needs it", s->formula_key);
    if (text && strcmp(text, s->formula) != 0)
      return MuError(MU_ERR_INPUT, "%s: is another formula than %s; particles_method %s takes one",
                     s->formula_key, key, e->spec.method);
    text = s->formula;
    key = s->formula_key;
  }
  if (!text) PetscFunctionReturn(0);
  if (e->spec.dim > 2)
    return MuError(MU_ERR_INPUT, "%s: a formula has the variables x and y; the dimension is %d",
                   key, (int)e->spec.dim);
  PetscCall(MuFormulaCreate(key, text, formula));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_kernel(MuCloudEnergy e) {
  MuKernelSpec kernel;
  PetscBool given;
  PetscReal peak, slope;
  MuRadial radial;

  PetscFunctionBegin;
  PetscCall(MuCaseGetCommonKernelSpec(e->spec.c, "energy", &kernel, &given));
  if (!given)
    return MuError(MU_ERR_INPUT, "kernel: is missing; this energy needs one under %s",
                   e->spec.method);
  PetscCall(MuWallKernelCreate(e->spec.comm, &kernel, e->spec.dim, e->info, &e->kernel));
  PetscCall(MuWallKernelGet(e->kernel, &radial, NULL, NULL));
  PetscCall(MuRadialEvaluate(radial, 0, &peak, &slope));
  if (e->blob > 0 && !(peak > 0))
    return MuError(MU_ERR_INPUT,
                   "kernel_type: %s is not positive, so that log(k*mu) has no "
                   "meaning; use another kernel",
                   kernel.type);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_mean(MuCloudEnergy e) {
  PetscInt samples = MU_SAMPLES_EXACT, count = e->spec.count;
  PetscBool given;

  PetscFunctionBegin;
  if (!e->spec.target)
    return MuError(MU_ERR_INPUT, "target_type: is missing; energy mmd needs a target");
  PetscCall(MuCaseGetChoice(e->spec.c, "particles_target_samples", &samples, &given));
  PetscCall(MuCaseGetInt(e->spec.c, "particles_target_count", &count, &given));
  PetscCall(MuKernelMeanCreate(e->spec.target, e->kernel, e->spec.comm, e->spec.grid,
                               (MuTargetSamples)samples, count, e->spec.rng, &e->mean));
  PetscFunctionReturn(0);
}

/* A target with a density, and with a score where positions move. */
static PetscErrorCode check_target(MuCloudEnergy e) {
  const PetscBool rest = (PetscBool)(e->spec.logarithm == MU_LOG_WEIGHTS);
  PetscBool kl, relative;
  char who[96];

  PetscFunctionBegin;
  PetscCall(has_term(e, TERM_KL, &kl));
  PetscCall(has_term(e, TERM_RELATIVE, &relative));
  if (!kl && !relative) PetscFunctionReturn(0);
  snprintf(who, sizeof who, "energy %s under method %s", kl ? "kl" : "relative to pi",
           e->spec.method);
  if (!e->spec.target) return MuError(MU_ERR_INPUT, "target_type: is missing; %s needs it", who);
  PetscCall(MuLawNeedDensity(e->spec.target, who, (PetscBool)!rest));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCloudEnergy e) {
  const PetscInt n = e->spec.count, dim = e->spec.dim;

  PetscFunctionBegin;
  if (e->spec.grid) PetscCall(MuGridGetInfo(e->spec.grid, &e->info));
  PetscCall(read_terms(e));
  PetscCall(create_formula(e, TERM_POTENTIAL, &e->potential));
  PetscCall(create_formula(e, TERM_INTERACTION, &e->interaction));
  if (e->mmd > 0 || e->blob > 0) PetscCall(create_kernel(e));
  if (e->mmd > 0) PetscCall(create_mean(e));
  PetscCall(check_target(e));
  PetscCall(PetscMalloc5(n, &e->sum, n * dim, &e->sum_gradient, n, &e->own, n, &e->mean_value,
                         n * dim, &e->vector));
  PetscCall(PetscMalloc3(n, &e->ratio, n, &e->log_initial, n, &e->log_target));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudEnergyCreate(const MuCloudEnergySpec *spec, MuCloudEnergy *energy) {
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(energy));
  (*energy)->spec = *spec;
  code = build(*energy);
  if (code) PetscCall(MuCloudEnergyDestroy(energy));
  PetscFunctionReturn(code);
}

PetscErrorCode MuCloudEnergyDestroy(MuCloudEnergy *energy) {
  MuCloudEnergy e = *energy;

  PetscFunctionBegin;
  *energy = NULL;
  if (!e) PetscFunctionReturn(0);
  PetscCall(PetscFree5(e->sum, e->sum_gradient, e->own, e->mean_value, e->vector));
  PetscCall(PetscFree3(e->ratio, e->log_initial, e->log_target));
  PetscCall(MuKernelMeanDestroy(&e->mean));
  PetscCall(MuWallKernelDestroy(&e->kernel));
  PetscCall(MuFormulaDestroy(&e->potential));
  PetscCall(MuFormulaDestroy(&e->interaction));
  PetscCall(PetscFree(e));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudEnergySetInitial(MuCloudEnergy e, const MuAtoms *cloud) {
  PetscBool kl, entropy, relative;

  PetscFunctionBegin;
  PetscCall(has_term(e, TERM_KL, &kl));
  PetscCall(has_term(e, TERM_ENTROPY, &entropy));
  PetscCall(has_term(e, TERM_RELATIVE, &relative));
  if (!kl && !entropy && !relative) PetscFunctionReturn(0);
  PetscCall(MuLawNeedDensity(e->spec.initial, "this energy with resting positions", PETSC_FALSE));
  PetscCall(MuLawLogSampled(e->spec.initial, cloud->n, cloud->x, e->log_initial));
  for (PetscInt i = 0; i < cloud->n; ++i) e->log_initial[i] += PetscLogReal((PetscReal)cloud->n);
  if (!kl && !relative) PetscFunctionReturn(0);
  PetscCall(MuLawLogDensity(e->spec.target, cloud->n, cloud->x, e->log_target, NULL));
  for (PetscInt i = 0; i < cloud->n; ++i)
    if (PetscIsInfOrNanReal(e->log_target[i]))
      return MuError(MU_ERR_INPUT,
                     "target_type: the density vanishes at a particle, where the energy is "
                     "infinite; the target must be positive where the initial measure is");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the terms */

/* One evaluation: of the cloud at points y, with what is wanted of it. */
typedef struct {
  const MuAtoms *cloud;
  PetscInt m;
  const PetscReal *y;
  PetscBool own; /* y are the cloud's points */
  PetscReal *derivative, *gradient;
  PetscReal *terms;
} Evaluation;

/* derivative += a f, gradient += a g for f [m], g [m][dim]. */
static void add(const Evaluation *v, PetscReal a, const PetscReal *f, const PetscReal *g) {
  for (PetscInt i = 0; i < v->m && v->derivative; ++i) v->derivative[i] += a * f[i];
  for (PetscInt i = 0; i < v->m * v->cloud->dim && v->gradient; ++i) v->gradient[i] += a * g[i];
}

static PetscReal weighted(const Evaluation *v, const PetscReal *f) {
  PetscReal sum = 0;
  for (PetscInt i = 0; i < v->cloud->n; ++i) sum += v->cloud->w[i] * f[i];
  return sum;
}

/* Adds the value of every term of a kind, weight times `value`. */
static void add_terms(MuCloudEnergy e, const Evaluation *v, TermKind kind, PetscReal value) {
  for (PetscInt t = 0; t < e->terms && v->terms; ++t)
    if (e->kind[t] == kind) v->terms[t] += e->weights[t] * value;
}

static PetscErrorCode add_mmd(MuCloudEnergy e, const Evaluation *v) {
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(MuKernelMeanApply(e->mean, v->m, v->y, e->mean_value, v->gradient ? e->vector : NULL));
  add(v, e->mmd, e->sum, e->sum_gradient);
  add(v, -e->mmd, e->mean_value, e->vector);
  if (!v->terms) PetscFunctionReturn(0);
  PetscCall(MuKernelMeanGetNorm(e->mean, &norm));
  add_terms(e, v, TERM_MMD, 0.5 * (weighted(v, e->sum) - 2 * weighted(v, e->mean_value) + norm));
  PetscFunctionReturn(0);
}

/* log q and its gradient grad q/q, q = k*mu at y; then the image of w/q. */
static PetscErrorCode add_blob(MuCloudEnergy e, const Evaluation *v) {
  const MuAtoms *cloud = v->cloud;
  const PetscInt dim = cloud->dim;
  const PetscReal *q = e->sum;
  PetscReal value = 0;

  PetscFunctionBegin;
  if (!v->own) {
    PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, cloud->w, cloud->n, cloud->x, e->own,
                                NULL));
    q = e->own;
  }
  for (PetscInt i = 0; i < cloud->n; ++i) {
    e->ratio[i] = cloud->w[i] / q[i];
    value += cloud->w[i] > 0 ? cloud->w[i] * PetscLogReal(q[i]) : 0;
  }
  PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, e->ratio, v->m, v->y, e->mean_value,
                              v->gradient ? e->vector : NULL));
  add(v, e->blob, e->mean_value, e->vector);
  for (PetscInt i = 0; i < v->m; ++i) {
    if (v->derivative) v->derivative[i] += e->blob * PetscLogReal(e->sum[i]);
    for (PetscInt a = 0; a < dim && v->gradient; ++a)
      v->gradient[i * dim + a] += e->blob * e->sum_gradient[i * dim + a] / e->sum[i];
  }
  add_terms(e, v, TERM_BLOB, value);
  if (e->spec.logarithm == MU_LOG_BLOB) {
    add_terms(e, v, TERM_KL, value);
    add_terms(e, v, TERM_ENTROPY, value);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode add_log_target(MuCloudEnergy e, const Evaluation *v) {
  PetscReal mass = 0;

  PetscFunctionBegin;
  PetscCall(
      MuLawLogDensity(e->spec.target, v->m, v->y, e->mean_value, v->gradient ? e->vector : NULL));
  add(v, -e->log_pi, e->mean_value, e->vector);
  if (e->spec.logarithm != MU_LOG_BLOB) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < v->m && v->derivative; ++i) v->derivative[i] -= e->log_pi;
  if (!v->terms) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < v->cloud->n; ++i) mass += v->cloud->w[i];
  add_terms(e, v, TERM_KL, 1 - mass - weighted(v, e->mean_value));
  PetscFunctionReturn(0);
}

static PetscReal weight_of(MuCloudEnergy e, TermKind kind) {
  PetscReal weight = 0;
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->kind[t] == kind) weight += e->weights[t];
  return weight;
}

static PetscErrorCode add_potential(MuCloudEnergy e, const Evaluation *v) {
  const PetscInt dim = v->cloud->dim;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < v->m; ++i) {
    const PetscReal at[2] = {v->y[i * dim], dim == 2 ? v->y[i * dim + 1] : 0};
    PetscCall(MuFormulaEvaluate(e->potential, at, &e->mean_value[i]));
    if (v->gradient)
      PetscCall(MuFormulaGradient(MuFormulaFunction, e->potential, e->info, dim, at,
                                  e->vector + i * dim));
  }
  add(v, weight_of(e, TERM_POTENTIAL), e->mean_value, e->vector);
  if (v->terms) add_terms(e, v, TERM_POTENTIAL, weighted(v, e->mean_value));
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
    PetscCall(MuFormulaGradient(MuFormulaFunction, e->interaction, e->info, dim, z, force));
    for (PetscInt a = 0; a < dim; ++a) gradient[a] += cloud->w[j] * force[a];
  }
  PetscFunctionReturn(0);
}

/* The points are dealt out to the ranks in turn. */
static PetscErrorCode add_interaction(MuCloudEnergy e, const Evaluation *v) {
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
  add(v, weight_of(e, TERM_INTERACTION), e->mean_value, e->vector);
  if (v->terms) add_terms(e, v, TERM_INTERACTION, 0.5 * weighted(v, e->mean_value));
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
static PetscErrorCode add_local(MuCloudEnergy e, const Evaluation *v) {
  const MuAtoms *cloud = v->cloud;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < e->terms; ++t) {
    const PetscBool is_entropy = (PetscBool)(e->kind[t] == TERM_ENTROPY);
    PetscReal value = 0, phi, slope;
    if (!is_entropy && e->kind[t] != TERM_KL && e->kind[t] != TERM_RELATIVE) continue;
    for (PetscInt i = 0; i < cloud->n; ++i) {
      const PetscReal log_rho =
          PetscLogReal(PetscMax(cloud->w[i], MU_MIN_NORMAL)) + e->log_initial[i];
      if (is_entropy) {
        phi = log_rho;
        slope = log_rho + 1;
      } else
        relative(e->exponent[t], log_rho - e->log_target[i], &phi, &slope);
      value += cloud->w[i] * phi;
      if (v->derivative) v->derivative[i] += e->weights[t] * slope;
    }
    if (v->terms) v->terms[t] += e->weights[t] * value;
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ evaluation */

static PetscErrorCode evaluate(MuCloudEnergy e, const Evaluation *v) {
  const MuAtoms *cloud = v->cloud;

  PetscFunctionBegin;
  if (v->own) e->known_sum = NULL;
  if (e->kernel) {
    PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, cloud->w, v->m, v->y, e->sum,
                                v->gradient ? e->sum_gradient : NULL));
    e->known_sum = v->own ? e->sum : NULL;
  }
  if (e->mmd > 0) PetscCall(add_mmd(e, v));
  if (e->blob > 0) PetscCall(add_blob(e, v));
  if (e->log_pi > 0) PetscCall(add_log_target(e, v));
  if (e->potential) PetscCall(add_potential(e, v));
  if (e->interaction) PetscCall(add_interaction(e, v));
  if (e->spec.logarithm == MU_LOG_WEIGHTS) PetscCall(add_local(e, v));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudEnergyEvaluate(MuCloudEnergy e, const MuAtoms *cloud, PetscInt m,
                                     const PetscReal *y, PetscReal *derivative, PetscReal *gradient,
                                     PetscReal *terms) {
  const Evaluation v = {.cloud = cloud,
                        .m = m,
                        .y = y,
                        .own = (PetscBool)(y == cloud->x),
                        .derivative = derivative,
                        .gradient = gradient,
                        .terms = terms};

  PetscFunctionBegin;
  PetscCheck(m <= e->spec.count, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "more points than particles");
  if (derivative) PetscCall(PetscArrayzero(derivative, m));
  if (gradient) PetscCall(PetscArrayzero(gradient, m * cloud->dim));
  if (terms) PetscCall(PetscArrayzero(terms, e->terms));
  PetscCall(evaluate(e, &v));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudEnergyRefresh(MuCloudEnergy e) {
  PetscFunctionBegin;
  if (e->mean) PetscCall(MuKernelMeanRefresh(e->mean));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ what it is */

PetscErrorCode MuCloudEnergyGetTerms(MuCloudEnergy e, PetscInt *terms, const char *const **names,
                                     const PetscBool **has_value) {
  *terms = e->terms;
  *names = e->names;
  *has_value = e->has_value;
  return 0;
}

PetscErrorCode MuCloudEnergyGetDiffusivity(MuCloudEnergy e, PetscReal *diffusivity) {
  *diffusivity = e->diffusivity;
  return 0;
}

PetscErrorCode MuCloudEnergyGetKernel(MuCloudEnergy e, PetscReal *mmd_weight, PetscBool *only_mmd,
                                      MuWallKernel *kernel, const PetscReal **sum) {
  *mmd_weight = e->mmd;
  *only_mmd = (PetscBool)(weight_of(e, TERM_MMD) > 0);
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->kind[t] != TERM_MMD) *only_mmd = PETSC_FALSE;
  *kernel = e->kernel;
  *sum = e->known_sum;
  return 0;
}

PetscErrorCode MuCloudEnergyDescribe(MuCloudEnergy e, const char **target, const char **meaning) {
  PetscBool exact;

  PetscFunctionBegin;
  *target = "";
  *meaning = e->meaning;
  if (e->mean) PetscCall(MuKernelMeanDescribe(e->mean, &exact, target));
  PetscFunctionReturn(0);
}
