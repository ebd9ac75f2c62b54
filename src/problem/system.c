/* The system of a case: kernels, energy, geometry, and whether they fit the densities. */
#include "flow/flow_impl.h"
#include "problem/problem.h"

#include <math.h>
#include <string.h>

static PetscErrorCode create_kernel(MuCase c, const char *block, PetscInt dim, MuKernel *kernel) {
  MuKernelSpec spec;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetKernelSpec(c, block, &spec, &given));
  if (given) PetscCall(MuKernelCreate(&spec, dim, kernel));
  PetscFunctionReturn(0);
}

static PetscErrorCode create_formula(MuCase c, const char *key, PetscInt dim, MuFormula *formula) {
  const char *text;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, key, &text, &given));
  if (!given) PetscFunctionReturn(0);
  PetscCall(MuFormulaCreate(key, text, formula));
  PetscCall(MuFormulaCheckDimension(*formula, key, dim));
  PetscFunctionReturn(0);
}

static PetscBool has_name(PetscInt n, const char *const names[], const char *name) {
  for (PetscInt k = 0; k < n; ++k)
    if (!strcmp(names[k], name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A key that the named energy or geometry cannot do without. */
static PetscErrorCode need(MuCase c, PetscBool wanted, const char *who, const char *key,
                           PetscReal *value) {
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetReal(c, key, value, &given));
  if (wanted && !given) return MuError(MU_ERR_INPUT, "%s: is missing; %s needs it", key, who);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_energy(MuCase c, MuProblem problem) {
  MuProblemParts *p = &problem->parts;
  MuEnergySpec e = {0};
  const MuGridInfo *info;

  PetscFunctionBegin;
  e.terms = MU_MAX_TERMS;
  PetscCall(MuCaseGetWeights(c, "energy", MuEnergyGetTableRow, &e.terms, e.name, e.weight));
  PetscCall(need(c, has_name(e.terms, e.name, "power"), "energy power", "energy_power_exponent",
                 &e.power_exponent));
  PetscCall(need(c, has_name(e.terms, e.name, "internal"), "energy internal",
                 "energy_internal_exponent", &e.internal_exponent));
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(create_formula(c, "energy_potential_formula", info->dim, &problem->potential));
  PetscCall(create_formula(c, "energy_interaction_formula", info->dim, &problem->interaction));
  if (has_name(e.terms, e.name, "potential") && !problem->potential)
    return MuError(MU_ERR_INPUT, "energy_potential_formula: is missing; energy potential needs it");
  if (has_name(e.terms, e.name, "interaction") && !problem->interaction)
    return MuError(MU_ERR_INPUT,
                   "energy_interaction_formula: is missing; energy interaction needs it");
  if ((has_name(e.terms, e.name, "mmd") || has_name(e.terms, e.name, "blob_entropy")) &&
      !p->energy_kernel)
    return MuError(MU_ERR_INPUT, "kernel: is missing; energies mmd and blob_entropy need a kernel");
  if (problem->potential) {
    e.potential = MuFormulaFunction;
    e.potential_ctx = problem->potential;
  }
  if (problem->interaction) {
    e.interaction = MuFormulaFunction;
    e.interaction_ctx = problem->interaction;
  }
  e.kernel = p->energy_kernel;
  e.log_target = p->log_target;
  PetscCall(MuEnergyCreate(p->grid, &e, &p->energy));
  PetscFunctionReturn(0);
}

/* The exponent m for which Stolarsky's mean turns the flux of the energy into a difference of
   powers, so that fronts move into empty cells: internal, chi2 and power with p > 1; 0 if there
   is none. */
static PetscReal stolarsky_exponent(const MuEnergySpec *e) {
  if (has_name(e->terms, e->name, "internal")) return e->internal_exponent;
  if (has_name(e->terms, e->name, "chi2")) return 2;
  if (has_name(e->terms, e->name, "power") && e->power_exponent > 1) return e->power_exponent;
  return 0;
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
  g->stolarsky_exponent = stolarsky_exponent(e);
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
  static const char *const kernel_parts[] = {"kernel_fisher_rao", "normalized_kernel_fisher_rao",
                                             "ridge_fisher_rao",  "stein",
                                             "ridge_stein",       "mmd"};
  MuGeometrySpec g = {0};
  PetscBool given;

  PetscFunctionBegin;
  g.parts = MU_MAX_TERMS;
  PetscCall(MuCaseGetWeights(c, "geometry", MuGeometryGetTableRow, &g.parts, g.name, g.weight));
  PetscCall(MuCaseGetBool(c, "geometry_spherical", &g.spherical, &given));
  PetscCall(need(c,
                 (PetscBool)(has_name(g.parts, g.name, "ridge_fisher_rao") ||
                             has_name(g.parts, g.name, "ridge_stein") ||
                             has_name(g.parts, g.name, "ridge_mobility") ||
                             has_name(g.parts, g.name, "wasserstein_ridge_mobility")),
                 "a ridge geometry", "geometry_ridge", &g.ridge));
  PetscCall(need(c,
                 (PetscBool)(has_name(g.parts, g.name, "power_mobility") ||
                             has_name(g.parts, g.name, "wasserstein_mobility")),
                 "a geometry with a mobility", "geometry_mobility_exponent", &g.mobility_exponent));
  for (size_t k = 0; k < sizeof kernel_parts / sizeof kernel_parts[0]; ++k)
    if (has_name(g.parts, g.name, kernel_parts[k]) && !p->geometry_kernel)
      return MuError(MU_ERR_INPUT, "kernel: is missing; geometry %s needs a kernel",
                     kernel_parts[k]);
  PetscCall(choose_mean(c, p->energy, &g));
  g.kernel = p->geometry_kernel;
  PetscCall(MuGeometryCreate(p->grid, &g, &p->geometry));
  PetscFunctionReturn(0);
}

/* A conditionally positive definite kernel measures only differences of equal mass. */
static PetscErrorCode check_conditional(const MuProblemParts *p) {
  const MuGeometrySpec *g;
  const MuEnergySpec *e;
  PetscBool conditional = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(p->geometry, &g));
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  PetscBool conserved = PETSC_TRUE;
  for (PetscInt k = 0; k < g->parts; ++k) {
    if (!MuPartIsReaction(g->name[k])) continue;
    conserved = (PetscBool)(conserved && (g->spherical || !strcmp(g->name[k], "mmd")));
  }
  if (p->energy_kernel && has_name(e->terms, e->name, "mmd")) {
    PetscCall(MuKernelIsConditional(p->energy_kernel, &conditional));
    if (conditional && !conserved)
      return MuError(MU_ERR_INPUT,
                     "kernel_type: riesz compares only measures of equal mass, which this geometry "
                     "does not conserve; set geometry_spherical or use another kernel");
  }
  PetscFunctionReturn(0);
}

/* Mass where pi vanishes: the energy is infinite under kl and its kin. */
static PetscErrorCode check_support(const MuProblemParts *p) {
  static const char *const names[] = {"kl", "chi2", "power"};
  const MuEnergySpec *e;
  const MuGridInfo *info;
  const PetscReal *rho, *log_pi;
  PetscReal mass = 0;
  const char *who = NULL;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetSpec(p->energy, &e));
  PetscCall(MuGridGetInfo(p->grid, &info));
  for (int k = 0; k < 3 && !who; ++k)
    if ((k < 2 || e->power_exponent >= 1) && has_name(e->terms, e->name, names[k])) who = names[k];
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
