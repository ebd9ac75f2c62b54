/* The system of a case: kernels, energy, geometry, and whether they fit the densities. */
#include "case/keys.h"
#include "facts/facts.h"
#include "measure/density_impl.h"
#include "output/terminal.h"
#include "problem/reference.h"

/* A block of a case. */
typedef struct {
  const char *block;
  MuSummandTable table;
  MuTargetLookup *target; /* of a block whose functions are reference densities; else NULL */
  PetscInt n;
  MuCaseSummand given[MU_MAX_TERMS];
} Sum;

static PetscErrorCode create_formula(const char *key, const char *text, PetscInt dim,
                                     MuFormula *formula) {
  PetscFunctionBegin;
  PetscCall(MuFormulaCreate(key, text, formula));
  PetscCall(MuFormulaCheckDimension(*formula, key, dim));
  PetscFunctionReturn(0);
}

/* Formulas that no term of the energy needs must be right, too. */
static PetscErrorCode check_formulas(MuCase c, PetscInt dim) {
  MuSummandInfo info;
  MuFormula formula = NULL;
  PetscErrorCode failed = 0;
  char key[2 * MU_KEY_LENGTH];
  const char *text;
  PetscBool given;

  PetscFunctionBegin;
  for (PetscInt i = 0; !failed; ++i) {
    PetscCall(MuEnergyGetInfo(i, &info));
    if (!info.name) break;
    if (!info.function_key) continue;
    snprintf(key, sizeof key, "energy_%s", info.function_key);
    PetscCall(MuCaseGetString(c, key, &text, &given));
    if (given) failed = create_formula(key, text, dim, &formula);
    PetscCall(MuFormulaDestroy(&formula));
  }
  PetscFunctionReturn(failed);
}

/* The kernel of a summand, NULL where it is that of the block. */
static PetscErrorCode create_own_kernel(MuCase c, const Sum *sum, PetscInt k, PetscInt dim,
                                        MuKernel of_block, MuKernel *kernel) {
  const MuCaseSummand *own = &sum->given[k];
  const MuKernelSpec *common = NULL;
  char name[MU_KERNEL_BLOCK];
  MuKernelSpec spec;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummandKernelSpec(c, sum->block, own, &spec, &given));
  if (!given)
    return MuError(MU_ERR_INPUT, "kernel: is missing; %s %s needs a kernel", sum->block, own->name);
  if (of_block) PetscCall(MuKernelGetSpec(of_block, &common));
  if (common && MuKernelSpecEqual(common, &spec)) PetscFunctionReturn(0);
  snprintf(name, sizeof name, "%s_kernel", own->own_kernel ? own->key : sum->block);
  PetscCall(MuCaseNameKernelKey(c, name, &spec, MuKernelCreate(&spec, dim, kernel)));
  PetscFunctionReturn(0);
}

/* formula: where that of the summand is kept. */
static PetscErrorCode read_summand(MuCase c, const Sum *sum, PetscInt k, PetscInt dim,
                                   MuKernel kernel, MuFormula *formula, MuSummand *s) {
  const MuCaseSummand *given = &sum->given[k];
  MuSummandInfo info;

  PetscFunctionBegin;
  PetscCall(MuSummandFind(sum->table, given->name, &info));
  *s = (MuSummand){.name = info.name, .weight = given->weight};
  PetscCall(PetscArraycpy(s->value, given->value, MU_MAX_PARAMETERS));
  if (info.needs_kernel) PetscCall(create_own_kernel(c, sum, k, dim, kernel, &s->kernel));
  if (!info.function_key) PetscFunctionReturn(0);
  if (sum->target) {
    PetscCall(MuCaseReadReference(given, dim, sum->target, formula, s));
    PetscFunctionReturn(0);
  }
  if (!given->formula)
    return MuError(MU_ERR_INPUT, "%s: is missing; %s %s needs it", given->formula_key, sum->block,
                   info.name);
  PetscCall(create_formula(given->formula_key, given->formula, dim, formula));
  s->function = MuFormulaFunction;
  s->function_ctx = *formula;
  PetscFunctionReturn(0);
}

/* Fills in the summands of a block, whose own kernels the caller destroys, also after an error.
 *kernel: that of the others, or NULL. */
static PetscErrorCode read_sum(MuCase c, Sum *sum, PetscInt dim, MuKernel *kernel,
                               MuFormula formula[], MuSummand summand[]) {
  char name[MU_KERNEL_BLOCK];
  MuKernelSpec spec;
  PetscBool given;
  PetscInt other;

  PetscFunctionBegin;
  sum->n = MU_MAX_TERMS;
  PetscCall(MuCaseGetSummands(c, sum->block, &sum->n, sum->given));
  PetscCall(MuCaseFindCommonKernel(c, sum->block, sum->n, sum->given, &spec, &given, &other));
  snprintf(name, sizeof name, "%s_kernel", sum->block);
  if (other < 0) PetscCall(MuCaseFindKernelBlock(c, sum->block, name));
  if (given) PetscCall(MuCaseNameKernelKey(c, name, &spec, MuKernelCreate(&spec, dim, kernel)));
  for (PetscInt k = 0; k < sum->n; ++k)
    PetscCall(read_summand(c, sum, k, dim, *kernel, &formula[k], &summand[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_kernels(MuSummand summand[MU_MAX_TERMS]) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuKernelDestroy(&summand[k].kernel));
  PetscFunctionReturn(0);
}

/* A potential that does not go on where a periodic axis closes has a cliff there. */
static PetscErrorCode warn_of_seams(const MuGridInfo *info, const Sum *sum, const MuEnergySpec *e,
                                    MuFormula formula[]) {
  MuTermTraits term;
  MuCells cells;
  MuSeam seam;

  PetscFunctionBegin;
  MuCellsFromGrid(info, &cells);
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &term));
    if (!term.linear || !formula[k]) continue;
    PetscCall(MuFormulaSeam(formula[k], &cells, &seam));
    if (seam.axis < 0) continue;
    PetscCall(MuWarn(info->comm,
                     "%s: is %g at one end of the periodic axis %s and %g at the other: the "
                     "potential jumps there",
                     sum->given[k].formula_key, seam.first, seam.axis ? "y" : "x", seam.last));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_energy(MuCase c, MuProblem problem, PetscInt dim) {
  MuProblemParts *p = &problem->parts;
  Sum sum = {.block = "energy", .table = MuEnergyGetInfo};
  MuEnergySpec e = {.log_target = p->log_target};
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscErrorCode failed = read_sum(c, &sum, dim, &p->energy_kernel, problem->formula, e.term);
  if (!failed) failed = check_formulas(c, dim);
  e.terms = sum.n;
  e.kernel = p->energy_kernel;
  if (!failed) failed = MuEnergyCreate(p->grid, &e, &p->energy);
  PetscCall(MuGridGetInfo(p->grid, &info));
  if (!failed && !problem->quiet) failed = warn_of_seams(info, &sum, &e, problem->formula);
  PetscCall(destroy_kernels(e.term));
  PetscFunctionReturn(failed);
}

/* The exponent m for which Stolarsky's mean turns the flux of the energy into a difference of
   powers, so that fronts move into empty cells: the largest of the terms of rho alone, or else of
   the others; 0 if there is none. */
static PetscErrorCode stolarsky_exponent(const MuEnergySpec *e, PetscReal *exponent) {
  PetscReal largest[2] = {0, 0};
  MuTermTraits term;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &term));
    PetscReal *m = &largest[isnan(term.density_power) ? 1 : 0];
    *m = PetscMax(*m, term.stolarsky);
  }
  *exponent = largest[0] > 0 ? largest[0] : largest[1];
  PetscFunctionReturn(0);
}

/* Whether no term is local, so that nothing diffuses, and every transport part is, with a mobility
   of mu, so that mass follows -grad DF. */
static PetscErrorCode is_pure_drift(const MuEnergySpec *e, const MuGeometrySpec *g,
                                    PetscBool *drift) {
  PetscBool moves = PETSC_FALSE, other = PETSC_FALSE;
  MuTermTraits term;
  MuPartTraits part;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < e->terms; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &term));
    if (term.local) other = PETSC_TRUE;
  }
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &part));
    if (part.kind != MU_PART_TRANSPORT) continue;
    if (part.local && !part.fixed)
      moves = PETSC_TRUE;
    else
      other = PETSC_TRUE;
  }
  *drift = (PetscBool)(moves && !other);
  PetscFunctionReturn(0);
}

/* Auto: the limited mean where nothing diffuses, Stolarsky's where it has an exponent and log rho
 * is no part of DF, else the logarithmic one. */
static PetscErrorCode find_mean(const MuEnergySpec *e, PetscReal diffusivity,
                                const MuGeometrySpec *g, PetscInt *mean) {
  PetscBool drift = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(is_pure_drift(e, g, &drift));
  *mean = drift                                           ? MU_MEAN_LIMITED
          : g->stolarsky_exponent > 0 && diffusivity == 0 ? MU_MEAN_STOLARSKY
                                                          : MU_MEAN_LOGARITHMIC;
  PetscFunctionReturn(0);
}

static PetscErrorCode choose_mean(MuCase c, MuEnergy energy, MuGeometrySpec *g) {
  static const char *const words[] = {[MU_MEAN_AUTO] = "auto",
                                      [MU_MEAN_LOGARITHMIC] = "logarithmic",
                                      [MU_MEAN_ARITHMETIC] = "arithmetic",
                                      [MU_MEAN_UPWIND] = "upwind",
                                      [MU_MEAN_STOLARSKY] = "stolarsky",
                                      [MU_MEAN_LIMITED] = "limited",
                                      NULL};
  const MuEnergySpec *e;
  PetscInt mean = MU_MEAN_AUTO;
  PetscReal diffusivity;
  PetscBool given, only;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(energy, &e));
  PetscCall(MuCaseGetChoice(c, "geometry_face_mean", words, &mean, &given));
  PetscCall(MuEnergyLogarithmicPart(energy, &diffusivity, NULL, &only));
  PetscCall(stolarsky_exponent(e, &g->stolarsky_exponent));
  if (mean == MU_MEAN_AUTO) PetscCall(find_mean(e, diffusivity, g, &mean));
  if (mean == MU_MEAN_STOLARSKY && g->stolarsky_exponent == 0)
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: stolarsky belongs to the energies internal, chi2 and power "
                   "(exponent above 1), which the case does not have; allowed here are "
                   "logarithmic, arithmetic, upwind and limited");
  g->face_mean = (MuMean)mean;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_geometry(MuCase c, PetscInt dim, MuProblemParts *p) {
  MuTargetLookup target;
  Sum sum = {.block = "geometry", .table = MuGeometryGetInfo, .target = &target};
  MuGeometrySpec g = {.spherical = PETSC_FALSE};
  MuFormula formula[MU_MAX_TERMS] = {NULL};
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuTargetLookupBegin(p->grid, p->log_target, &target));
  PetscErrorCode failed = read_sum(c, &sum, dim, &p->geometry_kernel, formula, g.part);
  g.parts = sum.n;
  g.kernel = p->geometry_kernel;
  if (!failed) failed = MuCaseGetBool(c, "geometry_spherical", &g.spherical, &given);
  if (!failed) failed = choose_mean(c, p->energy, &g);
  if (!failed) failed = MuGeometryCreate(p->grid, &g, &p->geometry);
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuFormulaDestroy(&formula[k]));
  PetscCall(MuTargetLookupEnd(&target));
  PetscCall(destroy_kernels(g.part));
  PetscFunctionReturn(failed);
}

typedef struct {
  PetscBool differ;
  PetscReal initial, target; /* NaN: there is no target */
} Masses;

static PetscErrorCode find_masses(const MuProblemParts *p, Masses *m) {
  PetscFunctionBegin;
  *m = (Masses){.target = NAN};
  if (!p->log_target) PetscFunctionReturn(0);
  PetscCall(MuLogDensityMass(p->grid, p->log_target, &m->target));
  PetscCall(MuGridIntegrate(p->grid, p->initial, &m->initial));
  m->differ = MuMassesDiffer(m->initial, m->target);
  PetscFunctionReturn(0);
}

/* With conserved mass the flow cannot reach a target of another one. */
static PetscErrorCode warn_of_masses(const MuProblemParts *p, const Masses *m) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  const MuGridInfo *info;
  MuSystem system;
  Vec nearest;
  PetscReal least;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(p->geometry, &g));
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(MuSystemRead(g, e, &system));
  if (!m->differ || !MuSystemConservesMass(&system)) PetscFunctionReturn(0);
  PetscCall(VecDuplicate(p->log_target, &nearest));
  PetscCall(VecCopy(p->log_target, nearest));
  PetscCall(VecExp(nearest));
  PetscCall(MuGridApplyMask(p->grid, nearest));
  PetscCall(VecScale(nearest, m->initial / m->target));
  PetscCall(MuEnergyEvaluate(p->energy, nearest, &least, NULL, NULL, NULL));
  PetscCall(VecDestroy(&nearest));
  PetscCall(MuWarn(info->comm,
                   "initial_mass: the geometry conserves the mass %.6g, the target has %.6g: the "
                   "flow cannot reach it; the energy of %.6g times the target is %.6g",
                   m->initial, m->target, m->initial / m->target, least));
  PetscFunctionReturn(0);
}

/* A conditionally positive definite kernel measures only differences of equal mass. */
static PetscErrorCode check_conditional(const MuProblemParts *p, const Masses *masses) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuPartTraits part;
  MuTermTraits term;
  PetscBool conserved = (PetscBool)!masses->differ, conditional;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(p->geometry, &g));
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  for (PetscInt k = 0; k < g->parts; ++k) {
    PetscCall(MuGeometryGetTraits(g, k, &part));
    if (part.kind == MU_PART_REACTION && !g->spherical && !part.keeps_equal_mass)
      conserved = PETSC_FALSE;
  }
  for (PetscInt k = 0; k < e->terms && !conserved; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &term));
    if (!term.kernel_square) continue;
    PetscCall(MuKernelIsConditional(term.kernel, &conditional));
    if (conditional && masses->differ)
      return MuError(MU_ERR_INPUT,
                     "kernel_type: riesz compares only measures of equal mass; the initial density "
                     "has the mass %.6g, the target %.6g (initial_mass, target_mass)",
                     masses->initial, masses->target);
    if (conditional)
      return MuError(MU_ERR_INPUT,
                     "kernel_type: riesz compares only measures of equal mass, which this geometry "
                     "does not conserve; set geometry_spherical or use another kernel");
  }
  PetscFunctionReturn(0);
}

/* Mass where pi vanishes: the energy is infinite under kl and its kin. */
static PetscErrorCode check_support(const MuProblemParts *p) {
  const MuEnergySpec *e;
  const MuGridInfo *info;
  const PetscReal *rho, *log_pi;
  PetscReal mass = 0;
  MuTermTraits term;
  const char *who = NULL;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  PetscCall(MuGridGetInfo(p->grid, &info));
  for (PetscInt k = 0; k < e->terms && !who; ++k) {
    PetscCall(MuEnergyGetTraits(e, k, &term));
    if (term.infinite_off_support) who = e->term[k].name;
  }
  if (!who) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(p->initial, &rho));
  PetscCall(VecGetArrayRead(p->log_target, &log_pi));
  for (PetscInt i = 0; i < info->local_size; ++i)
    if (info->mask[i] && log_pi[i] == -INFINITY) mass += rho[i] * info->volume;
  PetscCall(VecRestoreArrayRead(p->log_target, &log_pi));
  PetscCall(VecRestoreArrayRead(p->initial, &rho));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mass, 1, MPIU_REAL, MPI_SUM, info->comm));
  if (mass > 0)
    return MuError(MU_ERR_INPUT,
                   "initial: has mass %.3g where the target vanishes, so that energy %s is "
                   "infinite; the target must be positive there (target_background adds some)",
                   mass, who);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_diagnostics_kernel(MuCase c, PetscInt dim, MuProblemParts *p) {
  MuKernelSpec spec;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetKernelSpec(c, "diagnostics_kernel", &spec, &given));
  if (given)
    PetscCall(MuCaseNameKernelKey(c, "diagnostics_kernel", &spec,
                                  MuKernelCreate(&spec, dim, &p->diagnostics_kernel)));
  else if (p->energy_kernel) {
    PetscCall(MuKernelReference(p->energy_kernel));
    p->diagnostics_kernel = p->energy_kernel;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuProblemCreateSystem(MuCase c, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  const MuGridInfo *info;
  Masses masses;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(create_energy(c, problem, info->dim));
  PetscCall(create_geometry(c, info->dim, p));
  PetscCall(create_diagnostics_kernel(c, info->dim, p));
  PetscCall(find_masses(p, &masses));
  PetscCall(check_conditional(p, &masses));
  PetscCall(check_support(p));
  if (!problem->quiet) PetscCall(warn_of_masses(p, &masses));
  PetscFunctionReturn(0);
}
