/* The system of a case: kernels, energy, geometry, and whether they fit the densities. */
#include "case/keys.h"
#include "problem/problem.h"

#include <math.h>
#include <stdio.h>

static PetscErrorCode create_kernel(MuCase c, const char *block, PetscInt dim, MuKernel *kernel) {
  MuKernelSpec spec;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetKernelSpec(c, block, &spec, &given));
  if (given) PetscCall(MuKernelCreate(&spec, dim, kernel));
  PetscFunctionReturn(0);
}

/* Names, weights and numbers of a block: every number has a flat key, which serves all summands. */
static PetscErrorCode read_summands(MuCase c, const char *block, MuTableRow rows,
                                    MuSummandTable table, PetscInt *count, MuSummand summand[]) {
  const char *names[MU_MAX_TERMS];
  PetscReal weights[MU_MAX_TERMS];
  MuSummandInfo info;
  char key[2 * MU_KEY_LENGTH];
  PetscBool given;

  PetscFunctionBegin;
  *count = MU_MAX_TERMS;
  PetscCall(MuCaseGetWeights(c, block, rows, count, names, weights));
  for (PetscInt k = 0; k < *count; ++k) {
    summand[k] = (MuSummand){.name = names[k], .weight = weights[k]};
    PetscCall(MuSummandFind(table, names[k], &info));
    for (PetscInt i = 0; i < MU_MAX_PARAMETERS; ++i) summand[k].value[i] = NAN;
    for (PetscInt i = 0; info.parameters && info.parameters[i].name; ++i) {
      const MuParameter *p = &info.parameters[i];
      snprintf(key, sizeof key, "%s_%s", block, p->key ? p->key : p->name);
      PetscCall(MuCaseGetReal(c, key, &summand[k].value[i], &given));
    }
  }
  PetscFunctionReturn(0);
}

/* What a table needs that numbers are not: a kernel. */
static PetscErrorCode check_kernels(const char *block, MuSummandTable table, PetscInt count,
                                    const MuSummand summand[], MuKernel kernel) {
  MuSummandInfo info;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < count; ++k) {
    PetscCall(MuSummandFind(table, summand[k].name, &info));
    if (info.needs_kernel && !summand[k].kernel && !kernel)
      return MuError(MU_ERR_INPUT, "kernel: is missing; %s %s needs a kernel", block, info.name);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_formula(MuCase c, const char *name, PetscInt dim, MuFormula *formula) {
  const char *text;
  char key[2 * MU_KEY_LENGTH];
  PetscBool given;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "energy_%s", name);
  PetscCall(MuCaseGetString(c, key, &text, &given));
  if (!given) PetscFunctionReturn(0);
  PetscCall(MuFormulaCreate(key, text, formula));
  PetscCall(MuFormulaCheckDimension(*formula, key, dim));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_formulas(MuCase c, MuProblem problem, PetscInt dim, MuEnergySpec *e) {
  MuSummandInfo info;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < e->terms; ++k) {
    MuSummand *term = &e->term[k];
    PetscCall(MuSummandFind(MuEnergyGetInfo, term->name, &info));
    if (!info.function_key) continue;
    PetscCall(create_formula(c, info.function_key, dim, &problem->formula[k]));
    if (!problem->formula[k])
      return MuError(MU_ERR_INPUT, "energy_%s: is missing; energy %s needs it", info.function_key,
                     info.name);
    term->function = MuFormulaFunction;
    term->function_ctx = problem->formula[k];
  }
  PetscFunctionReturn(0);
}

/* Formulas that no term of the energy needs must be right, too. */
static PetscErrorCode check_formulas(MuCase c, PetscInt dim) {
  MuSummandInfo info;
  MuFormula formula = NULL;
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; !failed; ++i) {
    PetscCall(MuEnergyGetInfo(i, &info));
    if (!info.name) break;
    if (info.function_key) failed = create_formula(c, info.function_key, dim, &formula);
    PetscCall(MuFormulaDestroy(&formula));
  }
  PetscFunctionReturn(failed);
}

static PetscErrorCode create_energy(MuCase c, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  MuEnergySpec e = {.kernel = p->energy_kernel, .log_target = p->log_target};
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(read_summands(c, "energy", MuEnergyGetTableRow, MuEnergyGetInfo, &e.terms, e.term));
  PetscCall(check_formulas(c, info->dim));
  PetscCall(create_formulas(c, problem, info->dim, &e));
  PetscCall(check_kernels("energy", MuEnergyGetInfo, e.terms, e.term, e.kernel));
  PetscCall(MuEnergyCreate(p->grid, &e, &p->energy));
  PetscFunctionReturn(0);
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

/* Auto: Stolarsky's mean where it has an exponent and log rho is no part of DF, else the
 * logarithmic one. */
static PetscErrorCode choose_mean(MuCase c, MuEnergy energy, MuGeometrySpec *g) {
  const MuEnergySpec *e;
  PetscInt mean = MU_MEAN_AUTO;
  PetscReal diffusivity;
  PetscBool given, only;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(energy, &e));
  PetscCall(MuCaseGetChoice(c, "geometry_face_mean", &mean, &given));
  PetscCall(MuEnergyLogarithmicPart(energy, &diffusivity, NULL, &only));
  PetscCall(stolarsky_exponent(e, &g->stolarsky_exponent));
  if (mean == MU_MEAN_AUTO)
    mean = g->stolarsky_exponent > 0 && diffusivity == 0 ? MU_MEAN_STOLARSKY : MU_MEAN_LOGARITHMIC;
  if (mean == MU_MEAN_STOLARSKY && g->stolarsky_exponent == 0)
    return MuError(MU_ERR_INPUT,
                   "geometry_face_mean: stolarsky belongs to the energies internal, chi2 and power "
                   "(exponent above 1), which the case does not have; allowed here are "
                   "logarithmic, arithmetic and upwind");
  g->face_mean = (MuMean)mean;
  PetscFunctionReturn(0);
}

static PetscErrorCode create_geometry(MuCase c, MuProblemParts *p) {
  MuGeometrySpec g = {.kernel = p->geometry_kernel};
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(
      read_summands(c, "geometry", MuGeometryGetTableRow, MuGeometryGetInfo, &g.parts, g.part));
  PetscCall(MuCaseGetBool(c, "geometry_spherical", &g.spherical, &given));
  PetscCall(check_kernels("geometry", MuGeometryGetInfo, g.parts, g.part, g.kernel));
  PetscCall(choose_mean(c, p->energy, &g));
  PetscCall(MuGeometryCreate(p->grid, &g, &p->geometry));
  PetscFunctionReturn(0);
}

/* A conditionally positive definite kernel measures only differences of equal mass. */
static PetscErrorCode check_conditional(const MuProblemParts *p) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  MuPartTraits part;
  MuTermTraits term;
  PetscBool conserved = PETSC_TRUE, conditional;

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

PetscErrorCode MuProblemCreateSystem(MuCase c, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(create_kernel(c, "energy_kernel", info->dim, &p->energy_kernel));
  PetscCall(create_kernel(c, "geometry_kernel", info->dim, &p->geometry_kernel));
  PetscCall(create_kernel(c, "diagnostics_kernel", info->dim, &p->diagnostics_kernel));
  if (!p->diagnostics_kernel && p->energy_kernel) {
    PetscCall(MuKernelReference(p->energy_kernel));
    p->diagnostics_kernel = p->energy_kernel;
  }
  PetscCall(create_energy(c, problem));
  PetscCall(create_geometry(c, p));
  PetscCall(check_conditional(p));
  PetscCall(check_support(p));
  PetscFunctionReturn(0);
}
