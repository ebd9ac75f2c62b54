/* The energy F = sum of weight * term: what the terms share, and their sums. */
#include "base/events.h"
#include "energy/energy_impl.h"
#include "grid/arrays.h"

/* ------------------------------------------------------------------ creation */

static PetscErrorCode unknown_term(const char *name) {
  char known[MU_SENTENCE / 2];

  PetscFunctionBegin;
  PetscCall(MuTableNames(MuEnergyGetTableRow, known));
  return MuError(MU_ERR_INPUT, "energy: there is no energy `%s`; known are %s", name, known);
}

/* What a descriptor of its kind cannot do without; NULL: nothing is missing. */
static const char *missing_operation(const MuTermOps *ops) {
  const PetscBool apart =
      (PetscBool)(ops->kind == MU_TERM_LOGARITHMIC || ops->kind == MU_TERM_POTENTIAL);
  if (!ops->kind) return "kind";
  if (!ops->formula) return "formula";
  if (ops->create && !ops->destroy) return "destroy";
  if (!ops->evaluate) return "evaluate";
  if (!ops->gradient) return "gradient";
  if (apart && !ops->potential) return "potential";
  if (ops->kernel_square && !(ops->needs & MU_NEEDS_KERNEL)) return "needs (KERNEL)";
  return NULL;
}

static PetscErrorCode check_weight(const MuTermOps *ops, PetscReal weight) {
  if (!PetscIsInfOrNanReal(weight) && (ops->any_sign || weight > 0)) return 0;
  return MuError(MU_ERR_INPUT, "energy_%s: the weight is %g; it must be %s", ops->name, weight,
                 ops->any_sign ? "finite" : "positive and finite");
}

/* Finds the term's descriptor and fills in its values. */
static PetscErrorCode read_term(MuEnergySpec *spec, PetscInt k, MuTerm *term) {
  MuSummand *s = &spec->term[k];
  const MuTermOps *ops = MuTermFind(s->name);

  PetscFunctionBegin;
  if (!ops) {
    (void)unknown_term(s->name);
    return MU_ERR_INPUT; /* said here for the static analyser, which does not look into MuError() */
  }
  if (missing_operation(ops))
    return MuError(MU_ERR_INPUT, "energy_%s: its descriptor has no %s, which is required",
                   ops->name, missing_operation(ops));
  PetscCall(check_weight(ops, s->weight));
  *term = (MuTerm){.ops = ops, .weight = s->weight, .summand = s};
  if (ops->needs & MU_NEEDS_KERNEL) term->kernel = s->kernel ? s->kernel : spec->kernel;
  if ((ops->needs & MU_NEEDS_TARGET) && !spec->log_target)
    return MuError(MU_ERR_INPUT, "energy_%s: this energy needs a target; give the block `target`",
                   ops->name);
  if ((ops->needs & MU_NEEDS_KERNEL) && !term->kernel)
    return MuError(MU_ERR_INPUT,
                   "energy_%s: this energy needs a kernel; give the block `kernel` or "
                   "`energy_kernel`",
                   ops->name);
  if (ops->function_key && !s->function)
    return MuError(MU_ERR_INPUT, "energy_%s: its formula is missing; give energy_%s", ops->name,
                   ops->function_key);
  PetscCall(MuParametersCheck(ops->parameters, "energy", ops->name, s->value));
  s->name = ops->name;
  PetscCall(PetscArraycpy(term->value, s->value, MU_MAX_PARAMETERS));
  PetscFunctionReturn(0);
}

/* The name, with the number of the term among those of this name from the second on. */
static PetscErrorCode label_term(MuEnergy e, PetscInt k) {
  const char *name = e->term[k].ops->name;
  PetscInt same = 1;

  for (PetscInt j = 0; j < k; ++j) same += e->term[j].ops == e->term[k].ops;
  e->name[k] = e->label[k];
  return PetscSNPrintf(e->label[k], sizeof e->label[k], same > 1 ? "%s_%d" : "%s", name, (int)same);
}

/* Checks the whole specification before anything is made: every rank sees the same. */
static PetscErrorCode read_spec(MuEnergy e) {
  PetscFunctionBegin;
  if (e->spec.terms < 1 || e->spec.terms > MU_MAX_TERMS)
    return MuError(MU_ERR_INPUT, "energy: %d terms are given; allowed are 1 to %d",
                   (int)e->spec.terms, MU_MAX_TERMS);
  for (PetscInt k = 0; k < e->spec.terms; ++k) {
    PetscCall(read_term(&e->spec, k, &e->term[k]));
    e->term[k].shared = &e->shared;
    e->weight[k] = e->term[k].weight;
    e->needs |= e->term[k].ops->needs;
    PetscCall(label_term(e, k));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_log_target(MuEnergy e, const PetscReal *given) {
  const MuGridInfo *info = e->shared.info;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < e->shared.n; ++i) {
    PetscReal x[2];
    e->log_pi[i] = info->mask[i] ? given[i] : -INFINITY;
    if (e->log_pi[i] <= -PETSC_INFINITY) e->log_pi[i] = -INFINITY; /* PETSc's is a finite number */
    if (e->log_pi[i] < PETSC_INFINITY) continue;
    PetscCall(MuGridCellCentre(e->shared.grid, i, x));
    return MuError(MU_ERR_INPUT,
                   "target: log pi is %g at the point (%g, %g); it must be below "
                   "infinity and a number",
                   e->log_pi[i], x[0], x[1]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_target(MuEnergy e, Vec log_target) {
  const PetscInt n = e->shared.n;
  const PetscReal *given;
  PetscReal *field;

  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)log_target));
  e->log_target = log_target;
  PetscCall(PetscMalloc1(n, &e->log_pi));
  PetscCall(VecGetArrayRead(log_target, &given));
  PetscErrorCode failed = read_log_target(e, given);
  PetscCall(VecRestoreArrayRead(log_target, &given));
  PetscCall(MuErrorAgree(e->shared.info->comm, failed));
  PetscCall(MuGridCreateField(e->shared.grid, &e->shared.target));
  PetscCall(VecGetArray(e->shared.target, &field));
  MuArrayExp(n, e->log_pi, field);
  PetscCall(VecRestoreArray(e->shared.target, &field));
  PetscCall(VecGetArrayRead(e->shared.target, &e->shared.pi)); /* until the end */
  e->shared.log_pi = e->log_pi;
  PetscFunctionReturn(0);
}

/* Scratch, not written to here: what the terms do not use takes no memory. */
static PetscErrorCode create_work(MuEnergy e) {
  const PetscInt n = e->shared.n;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_TERM_WORK; ++k) PetscCall(PetscMalloc1(n, &e->shared.work[k]));
  PetscCall(PetscMalloc1(n, &e->share));
  PetscCall(PetscMalloc1(n, &e->slope));
  PetscCall(PetscMalloc1(n, &e->slope2));
  for (PetscInt k = 0; k < 2; ++k) PetscCall(PetscMalloc1(n, &e->state[k].log_rho));
  PetscCall(PetscMalloc1(n, &e->pair.z));
  PetscCall(PetscMalloc1(n, &e->pair.share));
  PetscCall(PetscMalloc1(n, &e->pair.high));
  PetscCall(PetscMalloc1(n, &e->pair.low));
  PetscCall(PetscMalloc1(n, &e->pair.mid.log_rho));
  e->pair.a = &e->state[0];
  e->pair.b = &e->state[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_work(MuEnergy e) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_TERM_WORK; ++k) PetscCall(PetscFree(e->shared.work[k]));
  PetscCall(PetscFree(e->share));
  PetscCall(PetscFree(e->slope));
  PetscCall(PetscFree(e->slope2));
  for (PetscInt k = 0; k < 2; ++k) PetscCall(PetscFree(e->state[k].log_rho));
  PetscCall(PetscFree(e->pair.z));
  PetscCall(PetscFree(e->pair.share));
  PetscCall(PetscFree(e->pair.high));
  PetscCall(PetscFree(e->pair.low));
  PetscCall(PetscFree(e->pair.mid.log_rho));
  PetscFunctionReturn(0);
}

/* The convolution that another term with an equal kernel has already, or a new one. */
static PetscErrorCode create_convolution(MuEnergy e, MuTerm *term) {
  PetscFunctionBegin;
  if (!term->kernel) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < e->spec.terms; ++k) {
    if (!e->term[k].convolution || !MuKernelsAgree(e->term[k].kernel, term->kernel)) continue;
    term->convolution = e->term[k].convolution;
    PetscCall(MuConvolutionReference(term->convolution));
    PetscFunctionReturn(0);
  }
  PetscCall(MuConvolutionCreate(e->shared.grid, term->kernel, MU_CELLS, &term->convolution));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_terms(MuEnergy e) {
  PetscFunctionBegin;
  PetscCall(create_work(e));
  if (e->spec.kernel) PetscCall(MuKernelReference(e->spec.kernel));
  for (PetscInt k = 0; k < e->spec.terms; ++k)
    if (e->spec.term[k].kernel) PetscCall(MuKernelReference(e->spec.term[k].kernel));
  if (e->spec.log_target) PetscCall(create_target(e, e->spec.log_target));
  for (PetscInt k = 0; k < e->spec.terms; ++k) {
    MuTerm *term = &e->term[k];
    e->terms = k + 1;
    PetscCall(create_convolution(e, term));
    if (term->ops->create) PetscCall(term->ops->create(term));
    e->spec.term[k].function = NULL;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyCreate(MuGrid grid, const MuEnergySpec *spec, MuEnergy *energy) {
  MuEnergy e;

  PetscFunctionBegin;
  *energy = NULL;
  PetscCall(PetscNew(&e));
  e->references = 1;
  e->spec = *spec;
  PetscErrorCode failed = read_spec(e);
  if (failed) {
    PetscCall(PetscFree(e));
    return failed;
  }
  PetscCall(MuGridReference(grid));
  e->shared.grid = grid;
  PetscCall(MuGridGetInfo(grid, &e->shared.info));
  e->shared.n = e->shared.info->local_size;
  failed = create_terms(e);
  if (failed) {
    PetscCall(MuEnergyDestroy(&e));
    return failed;
  }
  *energy = e;
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyReference(MuEnergy energy) {
  energy->references++;
  return 0;
}

PetscErrorCode MuEnergyDestroy(MuEnergy *energy) {
  MuEnergy e = *energy;

  PetscFunctionBegin;
  *energy = NULL;
  if (!e || --e->references > 0) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < e->terms; ++k) {
    if (e->term[k].ops->destroy) PetscCall(e->term[k].ops->destroy(&e->term[k]));
    PetscCall(MuConvolutionDestroy(&e->term[k].convolution));
  }
  for (PetscInt k = 0; k < e->spec.terms; ++k) PetscCall(MuKernelDestroy(&e->spec.term[k].kernel));
  PetscCall(MuKernelDestroy(&e->spec.kernel));
  if (e->shared.target) PetscCall(VecRestoreArrayRead(e->shared.target, &e->shared.pi));
  PetscCall(VecDestroy(&e->shared.target));
  PetscCall(VecDestroy(&e->log_target));
  PetscCall(VecDestroy(&e->mid));
  PetscCall(PetscFree(e->log_pi));
  PetscCall(destroy_work(e));
  PetscCall(MuGridDestroy(&e->shared.grid));
  PetscCall(PetscFree(e));
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyGetTerms(MuEnergy energy, PetscInt *terms, const char *const **names,
                                const PetscReal **weights) {
  if (terms) *terms = energy->terms;
  if (names) *names = energy->name;
  if (weights) *weights = energy->weight;
  return 0;
}

PetscErrorCode MuEnergyGetLogTarget(MuEnergy energy, Vec *log_target) {
  *log_target = energy->log_target;
  return 0;
}

/* ------------------------------------------------------------------ states and sums */

PetscErrorCode MuEnergyStateBegin(MuEnergy e, PetscInt k, Vec rho, PetscInt needs) {
  MuState *state = &e->state[k];

  PetscFunctionBegin;
  state->field = rho;
  PetscCall(VecGetArrayRead(rho, &state->rho));
  if (e->needs & needs) MuArrayLogPositive(e->shared.n, state->rho, state->log_rho);
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyStateEnd(MuEnergy e, PetscInt k) {
  return VecRestoreArrayRead(e->state[k].field, &e->state[k].rho);
}

/* Row by row, so that the sum hardly depends on the number of ranks; a row in eight chains of
   additions, which do not wait for each other. */
static PetscReal sum_inside(const MuGridInfo *info, const PetscReal *f) {
  enum { LANES = 8 };
  PetscReal sum = 0;
  for (PetscInt r = 0; r < info->rows; ++r) {
    const PetscInt end = (r + 1) * info->row_length;
    PetscReal lane[LANES] = {0}, row = 0;
    PetscInt i = r * info->row_length;
    for (; i + LANES <= end; i += LANES)
      for (PetscInt l = 0; l < LANES; ++l) lane[l] += info->mask[i + l] ? f[i + l] : 0;
    for (; i < end; ++i) row += info->mask[i] ? f[i] : 0;
    for (PetscInt l = 0; l < LANES; ++l) row += lane[l];
    sum += row;
  }
  return sum;
}

void MuEnergyAddInside(const MuShared *shared, PetscReal weight, const PetscReal *x, PetscReal *y) {
  const unsigned char *mask = shared->info->mask;
  for (PetscInt i = 0; i < shared->n; ++i) y[i] += mask[i] ? weight * x[i] : 0;
}

void MuEnergyScaleInside(const MuShared *shared, PetscReal weight, PetscReal *y) {
  const unsigned char *mask = shared->info->mask;
  if (weight == 1 && !shared->info->masked) return;
  for (PetscInt i = 0; i < shared->n; ++i) y[i] = mask[i] ? weight * y[i] : 0;
}

/* preimage = (sum of weights)(rho - pi), where there is one. */
PetscErrorCode MuEnergyPreimage(MuEnergy e, Vec rho, Vec preimage) {
  PetscBool has;
  PetscReal weight = 0;

  PetscFunctionBegin;
  PetscCall(MuEnergyHasPreimage(e, &has, NULL));
  if (!preimage || !has) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < e->terms; ++k) weight += e->weight[k];
  PetscCall(VecWAXPY(preimage, -1, e->shared.target, rho));
  if (weight != 1) PetscCall(VecScale(preimage, weight));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ evaluation */

/* sums[k] = weight * F of term k on this rank; df the sum of the terms' DF. Either may be NULL. */
static PetscErrorCode evaluate_terms(MuEnergy e, PetscReal sums[], PetscReal *df) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < e->terms; ++k) {
    MuTerm *term = &e->term[k];
    PetscReal *slope = df && k ? e->slope : df;
    PetscCall(term->ops->evaluate(term, &e->state[0], sums ? e->share : NULL, slope));
    if (sums)
      sums[k] = term->weight * e->shared.info->volume * sum_inside(e->shared.info, e->share);
    if (df && k == 0) MuEnergyScaleInside(&e->shared, term->weight, df);
    if (df && k > 0) MuEnergyAddInside(&e->shared, term->weight, e->slope, df);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyEvaluate(MuEnergy e, Vec rho, PetscReal *value, PetscReal terms[],
                                Vec derivative, Vec preimage) {
  const PetscBool wanted = (PetscBool)(value || terms);
  PetscReal sums[MU_MAX_TERMS], *df = NULL;

  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_ENERGY));
  PetscCall(MuEnergyStateBegin(e, 0, rho, MU_NEEDS_PAIR | MU_NEEDS_LOG));
  if (derivative) PetscCall(VecGetArray(derivative, &df));
  PetscCall(evaluate_terms(e, wanted ? sums : NULL, df));
  if (derivative) PetscCall(VecRestoreArray(derivative, &df));
  PetscCall(MuEnergyStateEnd(e, 0));
  if (wanted)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)e->terms, MPIU_REAL, MPI_SUM,
                               e->shared.info->comm));
  for (PetscInt k = 0; wanted && k < e->terms; ++k) {
    if (value) *value = (k ? *value : 0) + sums[k];
    if (terms) terms[k] = sums[k];
  }
  PetscCall(MuEnergyPreimage(e, rho, preimage));
  PetscCall(MuEventEnd(MU_EVENT_ENERGY));
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyHasPreimage(MuEnergy e, PetscBool *has, MuKernel *kernel) {
  *has = PETSC_TRUE;
  for (PetscInt k = 0; k < e->terms; ++k)
    if (!e->term[k].ops->kernel_square || e->term[k].convolution != e->term[0].convolution)
      *has = PETSC_FALSE;
  if (kernel) *kernel = *has ? e->term[0].kernel : NULL;
  return 0;
}

PetscErrorCode MuEnergyDiscreteGradientAt(MuEnergy e, Vec rho0, Vec rho1, Vec mid, Vec gradient,
                                          Vec preimage) {
  PetscReal *g;

  PetscFunctionBegin;
  PetscCall(MuEventBegin(MU_EVENT_ENERGY));
  PetscCall(MuEnergyStateBegin(e, 0, rho0, MU_NEEDS_PAIR));
  PetscCall(MuEnergyStateBegin(e, 1, rho1, MU_NEEDS_PAIR));
  e->pair.mid.field = mid;
  PetscCall(VecGetArrayRead(mid, &e->pair.mid.rho));
  if (e->needs & MU_NEEDS_PAIR) MuPairPrepare(&e->pair, e->shared.n, e->shared.work[0]);
  PetscCall(VecGetArray(gradient, &g));
  for (PetscInt k = 0; k < e->terms; ++k) {
    MuTerm *term = &e->term[k];
    PetscCall(term->ops->gradient(term, &e->pair, k ? e->slope : g));
    if (k)
      MuEnergyAddInside(&e->shared, term->weight, e->slope, g);
    else
      MuEnergyScaleInside(&e->shared, term->weight, g);
  }
  PetscCall(VecRestoreArray(gradient, &g));
  PetscCall(VecRestoreArrayRead(mid, &e->pair.mid.rho));
  PetscCall(MuEnergyStateEnd(e, 1));
  PetscCall(MuEnergyStateEnd(e, 0));
  PetscCall(MuEnergyPreimage(e, mid, preimage));
  PetscCall(MuEventEnd(MU_EVENT_ENERGY));
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyDiscreteGradient(MuEnergy e, Vec rho0, Vec rho1, Vec gradient,
                                        Vec preimage) {
  PetscFunctionBegin;
  if (!e->mid) PetscCall(MuGridCreateField(e->shared.grid, &e->mid));
  PetscCall(VecCopy(rho0, e->mid));
  PetscCall(VecAXPBY(e->mid, 0.5, 0.5, rho1));
  PetscCall(MuEnergyDiscreteGradientAt(e, rho0, rho1, e->mid, gradient, preimage));
  PetscFunctionReturn(0);
}

PetscErrorCode MuEnergyGetSpec(MuEnergy e, const MuEnergySpec **spec) {
  *spec = &e->spec;
  return 0;
}
