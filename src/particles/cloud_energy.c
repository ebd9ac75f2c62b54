/* Energies of clouds mu = sum_i w_i delta(x_i): F, DF and grad DF.

     mmd           DF = k*mu - k*pi
     potential     DF = V
     interaction   DF = W*mu, summed directly
     blob_entropy  DF = log(k*mu) + k*(mu/(k*mu)); Carrillo, Craig and Patacchini (2019)
     blob_internal DF = (k*mu)^(m-1)/(m-1) + k*(mu (k*mu)^(m-2)); Craig et al. (2023)
     npmle         DF = 1 - k*(pi/(k*mu)), pi as points; Yan, Wang and Rigollet (2024)
     moreau, kale, drmmd  DF = h, lambda h = k*(mu - pi (phi*)'(h)), pi as points
     kl            DF = log mu - log pi, where log mu is what the method makes of it (MuLogarithm);
                   in the blob form log(k*mu) + k*(mu/(k*mu)) - 1, F with 1 - mass, as on the grid

   With resting positions rho(x_i) = n w_i rho_0(x_i) is known, and so are all energies that are
   functions of rho/pi or rho: DF = (s^(p-1) - 1)/(p-1), log s, log rho + 1. */
#include "mudot/energy.h"
#include "particles/cloud_energy_impl.h"

/* ------------------------------------------------------------------ building */

/* Functions of rho/pi other than the relative entropy need resting positions. */
static PetscBool has_particle_form(MuCloudEnergy e, MuEnergyForm form, PetscReal p) {
  const PetscBool rest = (PetscBool)(e->spec.logarithm == MU_LOG_WEIGHTS);
  return (PetscBool)(form != MU_FORM_OTHER && (form != MU_FORM_RELATIVE || p == 1 || rest));
}

static PetscErrorCode no_particle_form(MuCloudEnergy e, const char *term) {
  const char *name, *formula;
  char allowed[512] = "";
  PetscReal p = 0, none[MU_MAX_PARAMETERS];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) none[k] = NAN;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuEnergyGetTableRow(i, &name, &formula));
    if (!name) break;
    const size_t used = strlen(allowed);
    const MuEnergyForm form = MuEnergyGetForm(name, none, &p);
    if (has_particle_form(e, form, p))
      snprintf(allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "", name);
  }
  return MuError(MU_ERR_INPUT,
                 "energy_%s: has no particle form under particles_method %s; allowed are %s", term,
                 e->spec.method, allowed);
}

static PetscErrorCode classify(MuCloudEnergy e, PetscInt t) {
  MuCaseSummand *s = &e->summands[t];
  MuSummandInfo info;

  PetscFunctionBegin;
  PetscCall(MuSummandFind(MuEnergyGetInfo, s->name, &info));
  e->form[t] = MuEnergyGetForm(s->name, s->value, &e->p[t]);
  if (!has_particle_form(e, e->form[t], e->p[t])) return no_particle_form(e, e->names[t]);
  PetscCall(MuParametersCheck(info.parameters, "energy", e->names[t], s->value));
  (void)MuEnergyGetForm(s->name, s->value, &e->p[t]);
  if (!info.any_sign && !(e->weights[t] > 0))
    return MuError(MU_ERR_INPUT, "energy_%s: the weight is %g; it must be positive", e->names[t],
                   e->weights[t]);
  PetscFunctionReturn(0);
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
    const MuEnergyForm form = e->form[t];
    const PetscReal weight = e->weights[t];
    const PetscBool logarithmic = MuCloudIsLogarithmic(e, t);
    if (form == MU_FORM_MMD) e->mmd += weight;
    e->envelope[t] = MuEnergyGetEnvelope(e->summands[t].name, e->summands[t].value);
    if (form >= MU_FORM_BLOB_POWER) e->smoothed = PETSC_TRUE;
    if (form > MU_FORM_BLOB_POWER) e->sampled = PETSC_TRUE;
    if (form == MU_FORM_BLOB || (logarithmic && logarithm == MU_LOG_BLOB)) e->blob += weight;
    if (form == MU_FORM_RELATIVE && logarithm != MU_LOG_WEIGHTS) e->log_pi += weight;
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

/* The name of the first term of a form; NULL: there is none. */
static const char *first_term(MuCloudEnergy e, MuEnergyForm form) {
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->form[t] == form) return e->names[t];
  return NULL;
}

/* The formula of the terms of a form, which must be one. */
static PetscErrorCode create_formula(MuCloudEnergy e, MuEnergyForm form, MuFormula *formula) {
  const char *text = NULL, *key = NULL;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < e->terms; ++t) {
    const MuCaseSummand *s = &e->summands[t];
    if (e->form[t] != form) continue;
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

/* The name of the first term that needs points of the target; NULL: there is none. */
static const char *first_sampled(MuCloudEnergy e) {
  const char *name = first_term(e, MU_FORM_LIKELIHOOD);
  return name ? name : first_term(e, MU_FORM_ENVELOPE);
}

static PetscErrorCode create_kernel(MuCloudEnergy e) {
  const MuKernelSpec *kernel;
  PetscReal peak, slope;
  MuRadial radial;
  char why[80];

  PetscFunctionBegin;
  snprintf(why, sizeof why, "this energy needs one under %.40s", e->spec.method);
  PetscCall(
      MuWallKernelOfCase(e->spec.c, e->spec.comm, "energy", why, e->spec.dim, e->info, &e->kernel));
  PetscCall(MuWallKernelGet(e->kernel, &radial, NULL, &kernel));
  PetscCall(MuRadialEvaluate(radial, 0, &peak, &slope));
  if (e->sampled && MuRadialIsConditional(radial))
    return MuError(MU_ERR_INPUT,
                   "kernel_type: %s compares only measures of equal mass; energy %s needs a "
                   "positive definite kernel",
                   kernel->type, first_sampled(e));
  if ((e->blob > 0 || e->smoothed) && !(peak > 0))
    return MuError(MU_ERR_INPUT,
                   "kernel_type: %s is not positive, so that log(k*mu) has no "
                   "meaning; use another kernel",
                   kernel->type);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_mean(MuCloudEnergy e) {
  static const char *const words[] = {[MU_SAMPLES_EXACT] = "exact",
                                      [MU_SAMPLES_FIXED] = "fixed",
                                      [MU_SAMPLES_FRESH] = "fresh",
                                      NULL};
  PetscInt samples = MU_SAMPLES_EXACT, count = e->spec.count;
  PetscBool given;

  PetscFunctionBegin;
  if (!e->spec.target)
    return MuError(MU_ERR_INPUT, "target_type: is missing; energy %s needs a target",
                   e->sampled ? first_sampled(e) : first_term(e, MU_FORM_MMD));
  PetscCall(MuCaseGetChoice(e->spec.c, "particles_target_samples", words, &samples, &given));
  PetscCall(MuCaseGetInt(e->spec.c, "particles_target_count", &count, &given));
  PetscCall(MuKernelMeanCreate(e->spec.target, e->kernel, e->spec.comm, e->spec.grid,
                               (MuTargetSamples)samples, count, e->spec.rng, &e->mean));
  if (e->sampled) PetscCall(MuCloudSamplesCreate(e));
  PetscFunctionReturn(0);
}

/* A target with a density, and with a score where positions move. */
static PetscErrorCode check_target(MuCloudEnergy e) {
  const PetscBool rest = (PetscBool)(e->spec.logarithm == MU_LOG_WEIGHTS);
  const char *relative = first_term(e, MU_FORM_RELATIVE);
  char who[96];

  PetscFunctionBegin;
  if (!relative) PetscFunctionReturn(0);
  snprintf(who, sizeof who, "energy %s under method %s", relative, e->spec.method);
  if (!e->spec.target) return MuError(MU_ERR_INPUT, "target_type: is missing; %s needs it", who);
  PetscCall(MuLawNeedDensity(e->spec.target, who, (PetscBool)!rest));
  PetscFunctionReturn(0);
}

static PetscErrorCode build(MuCloudEnergy e) {
  const PetscInt n = e->spec.count, dim = e->spec.dim;

  PetscFunctionBegin;
  if (e->spec.grid) PetscCall(MuGridGetInfo(e->spec.grid, &e->info));
  PetscCall(read_terms(e));
  PetscCall(create_formula(e, MU_FORM_POTENTIAL, &e->potential));
  PetscCall(create_formula(e, MU_FORM_INTERACTION, &e->interaction));
  if (e->mmd > 0 || e->blob > 0 || e->smoothed) PetscCall(create_kernel(e));
  if (e->mmd > 0 || e->sampled) PetscCall(create_mean(e));
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
  PetscCall(MuCloudSamplesDestroy(e));
  PetscCall(MuKernelMeanDestroy(&e->mean));
  PetscCall(MuWallKernelDestroy(&e->kernel));
  PetscCall(MuFormulaDestroy(&e->potential));
  PetscCall(MuFormulaDestroy(&e->interaction));
  PetscCall(PetscFree(e));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudEnergySetInitial(MuCloudEnergy e, const MuAtoms *cloud) {
  const PetscBool relative = (PetscBool)(first_term(e, MU_FORM_RELATIVE) != NULL);

  PetscFunctionBegin;
  if (e->spec.logarithm == MU_LOG_WEIGHTS && (relative || first_term(e, MU_FORM_ENTROPY))) {
    PetscCall(MuLawNeedDensity(e->spec.initial, "this energy with resting positions", PETSC_FALSE));
    PetscCall(MuLawLogSampled(e->spec.initial, cloud->n, cloud->x, e->log_initial));
    for (PetscInt i = 0; i < cloud->n; ++i) e->log_initial[i] += PetscLogReal((PetscReal)cloud->n);
  }
  if (!relative) PetscFunctionReturn(0);
  PetscCall(MuLawLogDensity(e->spec.target, cloud->n, cloud->x, e->log_target, NULL));
  for (PetscInt i = 0; i < cloud->n; ++i)
    if (PetscIsInfOrNanReal(e->log_target[i]))
      return MuError(MU_ERR_INPUT,
                     "target_type: the density vanishes at a particle, where the energy is "
                     "infinite; the target must be positive where the initial measure is");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ evaluation */

static PetscErrorCode evaluate(MuCloudEnergy e, const MuCloudEvaluation *v) {
  const MuAtoms *cloud = v->cloud;

  PetscFunctionBegin;
  if (v->own) e->known_sum = NULL;
  if (e->kernel) {
    PetscCall(MuWallKernelApply(e->kernel, cloud->n, cloud->x, cloud->w, v->m, v->y, e->sum,
                                v->gradient ? e->sum_gradient : NULL));
    e->known_sum = v->own ? e->sum : NULL;
  }
  if (e->mmd > 0) PetscCall(MuCloudAddMmd(e, v));
  if (e->blob > 0) PetscCall(MuCloudAddBlob(e, v));
  if (e->smoothed) PetscCall(MuCloudAddBlobPower(e, v));
  if (e->sampled) PetscCall(MuCloudAddLikelihood(e, v));
  if (e->sampled) PetscCall(MuCloudAddEnvelopes(e, v));
  if (e->log_pi > 0) PetscCall(MuCloudAddLogTarget(e, v));
  if (e->potential) PetscCall(MuCloudAddPotential(e, v));
  if (e->interaction) PetscCall(MuCloudAddInteraction(e, v));
  if (e->spec.logarithm == MU_LOG_WEIGHTS) PetscCall(MuCloudAddLocal(e, v));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCloudEnergyEvaluate(MuCloudEnergy e, const MuAtoms *cloud, PetscInt m,
                                     const PetscReal *y, PetscReal *derivative, PetscReal *gradient,
                                     PetscReal *terms) {
  const MuCloudEvaluation v = {.cloud = cloud,
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
  if (e->samples) PetscCall(MuCloudSamplesCreate(e));
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
  *only_mmd = (PetscBool)(e->mmd > 0);
  for (PetscInt t = 0; t < e->terms; ++t)
    if (e->form[t] != MU_FORM_MMD) *only_mmd = PETSC_FALSE;
  *kernel = e->kernel;
  *sum = e->known_sum;
  return 0;
}

PetscErrorCode MuCloudEnergyIsRandom(MuCloudEnergy e, PetscBool *random) {
  *random = PETSC_FALSE;
  if (e->mean) PetscCall(MuKernelMeanIsRandom(e->mean, random));
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
