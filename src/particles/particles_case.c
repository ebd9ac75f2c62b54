/* What a case says of particles: keys, dimension, grid, and the geometry that the method must fit.
 */
#include "particles/particles_impl.h"
#include "problem/problem.h"

#include <stdio.h>
#include <string.h>

PetscErrorCode MuParticlesReadKeys(MuParticles p, const MuParticlesSpec *spec) {
  MuFlowSpec flow;
  PetscInt one = 1;
  const char *name;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(p->c, "particles_method", &name, NULL));
  PetscCall(MuCaseGetNames(p->c, "particles_method", MuMethodGetTableRow, &one, &name, &given));
  PetscCall(MuMethodFind(name, &p->ops));
  p->cloud.n = 1000;
  p->seed = 1;
  p->tolerance = 1e-10;
  PetscCall(MuCaseGetInt(p->c, "particles_count", &p->cloud.n, &given));
  PetscCall(MuCaseGetInt(p->c, "particles_seed", &p->seed, &given));
  PetscCall(MuCaseGetReal(p->c, "particles_tolerance", &p->tolerance, &given));
  if (spec && spec->count > 0) p->cloud.n = spec->count;
  if (spec && spec->seed >= 0) p->seed = spec->seed;
  PetscCall(MuCaseGetTime(p->c, &flow));
  p->step = flow.step;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ dimension and grid */

static PetscErrorCode ratio_of_items(MuCase c, const char *above, const char *below,
                                     PetscInt *ratio) {
  PetscInt a, b;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(c, above, &a));
  PetscCall(MuCaseCountItems(c, below, &b));
  if (*ratio == 0 && a > 0 && b > 0) *ratio = PetscMax(a / b, 1);
  PetscFunctionReturn(0);
}

/* d from the grid, from dimension, or from the lengths of means and covariances. */
static PetscErrorCode find_dimension(MuCase c, PetscBool has_grid, PetscInt *dim) {
  PetscInt stated = 0;
  PetscBool given;

  PetscFunctionBegin;
  *dim = 0;
  PetscCall(MuCaseGetInt(c, "particles_dimension", &stated, &given));
  if (has_grid) {
    PetscCall(MuCaseCountItems(c, "grid_lower", dim));
    if (given && stated != *dim)
      return MuError(MU_ERR_INPUT,
                     "particles_dimension: %d is given, but the grid has dimension %d", (int)stated,
                     (int)*dim);
    PetscFunctionReturn(0);
  }
  *dim = stated;
  if (*dim == 0) PetscCall(MuCaseCountItems(c, "target_mean", dim));
  if (*dim == 0) PetscCall(MuCaseCountItems(c, "initial_mean", dim));
  PetscCall(ratio_of_items(c, "target_covariances", "target_means", dim));
  PetscCall(ratio_of_items(c, "initial_covariances", "initial_means", dim));
  if (*dim == 0)
    return MuError(MU_ERR_INPUT,
                   "particles_dimension: is missing; without a grid the dimension comes from it, "
                   "or from the mean of a gaussian or the covariances of a mixture");
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesCreateGrid(MuParticles p) {
  PetscBool has_grid;
  PetscInt items, file = 0;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(p->c, "grid_lower", &items));
  PetscCall(MuCaseCountItems(p->c, "grid_cells", &file));
  has_grid = (PetscBool)(items > 0 || file > 0);
  PetscCall(find_dimension(p->c, has_grid, &p->cloud.dim));
  if (!has_grid) PetscFunctionReturn(0);
  PetscCall(MuCaseCreateGrid(p->c, &p->grid));
  PetscCall(MuGridGetInfo(p->grid, &p->info));
  if (p->info->masked)
    return MuError(MU_ERR_INPUT, "grid_mask: particles move in a whole box; leave the mask out");
  for (PetscInt a = 0; a < p->info->dim; ++a)
    if (p->info->periodic[a])
      return MuError(MU_ERR_INPUT,
                     "grid_boundary: periodic is not possible for particles; use no_flux");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ geometry */

/* The geometry's parts must be those that the method discretises. */
static PetscErrorCode wrong_geometry(MuParticles p, const char *name) {
  const char *join = p->ops->transport && p->ops->reaction ? " + " : "";
  return MuError(MU_ERR_INPUT,
                 "particles_method: %s discretises the geometry %s%s%s; that of the case has %s",
                 p->ops->name, p->ops->transport ? p->ops->transport : "", join,
                 p->ops->reaction ? p->ops->reaction : "", name);
}

/* Whether a part is the one that the method discretises by its reaction. */
static PetscBool is_reaction(MuParticles p, const char *name, const char *before) {
  const PetscBool entropic = (PetscBool)(p->weight_step == MU_STEP_ENTROPIC);
  if (!p->ops->reaction || (before && strcmp(before, name) != 0)) return PETSC_FALSE;
  return (PetscBool)(!strcmp(name, p->ops->reaction) || (entropic && !strcmp(name, "fisher_rao")));
}

static PetscErrorCode read_parts(MuParticles p) {
  MuCaseSummand part[MU_MAX_TERMS];
  const char *reaction = NULL;
  PetscInt parts = MU_MAX_TERMS;
  PetscBool given;
  char fault[128];

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(p->c, "geometry", &parts, part));
  PetscCall(MuCaseGetBool(p->c, "geometry_spherical", &p->spherical, &given));
  for (PetscInt k = 0; k < parts; ++k) {
    const PetscReal weight = part[k].weight;
    snprintf(fault, sizeof fault, "%s", part[k].name);
    if (!(weight > 0))
      return MuError(MU_ERR_INPUT, "%s: the weight is %g; it must be positive", part[k].key,
                     weight);
    if (p->ops->transport && !strcmp(part[k].name, p->ops->transport))
      p->transport += weight;
    else if (is_reaction(p, part[k].name, reaction)) {
      p->reaction += weight;
      reaction = part[k].name;
    } else
      PetscCall(wrong_geometry(p, fault));
  }
  if (p->ops->transport && p->transport == 0) {
    snprintf(fault, sizeof fault, "no %s", p->ops->transport);
    PetscCall(wrong_geometry(p, fault));
  }
  if (p->ops->reaction && p->reaction == 0) {
    snprintf(fault, sizeof fault, "no %s", p->ops->reaction);
    PetscCall(wrong_geometry(p, fault));
  }
  PetscFunctionReturn(0);
}

/* A conditionally positive definite kernel measures only differences of equal mass. */
static PetscErrorCode check_conditional(MuParticles p) {
  const MuKernelSpec *spec;
  const PetscReal *sum;
  MuWallKernel kernel;
  MuRadial radial;
  PetscReal weight;
  PetscBool only;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetKernel(p->energy, &weight, &only, &kernel, &sum));
  if (!(weight > 0) || !p->ops->reaction || p->spherical || !strcmp(p->ops->reaction, "mmd"))
    PetscFunctionReturn(0);
  PetscCall(MuWallKernelGet(kernel, &radial, NULL, &spec));
  if (MuRadialIsConditional(radial))
    return MuError(MU_ERR_INPUT,
                   "kernel_type: %s compares only measures of equal mass, which this geometry "
                   "does not conserve; set geometry_spherical or use another kernel",
                   spec->type);
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesReadGeometry(MuParticles p) {
  PetscFunctionBegin;
  PetscCall(read_parts(p));
  PetscCall(check_conditional(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesReadWeightStep(MuParticles p, MuWeightStep first, MuWeightStep second) {
  static const char *const words[] = {"mmd", "entropic", "multiplicative", "birth_death"};
  PetscInt word = first;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetChoice(p->c, "particles_weight_step", &word, &given));
  if (word != (PetscInt)first && word != (PetscInt)second)
    return MuError(MU_ERR_INPUT,
                   "particles_weight_step: %s does not belong to particles_method %s; allowed are "
                   "%s and %s",
                   words[word], p->ops->name, words[first], words[second]);
  p->weight_step = (MuWeightStep)word;
  PetscFunctionReturn(0);
}
