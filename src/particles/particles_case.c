/* What a case says of particles: keys, dimension, grid, and the geometry that the method must fit.
 */
#include "mudot/geometry.h"
#include "particles/particles_impl.h"
#include "problem/problem.h"

static PetscErrorCode wrong_weight_step(MuParticles p, const char *word) {
  char words[128] = "";
  for (const MuWeightStep *s = p->ops->weight_steps; s->word; ++s) {
    const size_t used = strlen(words);
    snprintf(words + used, sizeof words - used, "%s%s",
             s == p->ops->weight_steps ? ""
             : s[1].word               ? ", "
                                       : " and ",
             s->word);
  }
  return MuError(MU_ERR_INPUT,
                 "particles_weight_step: %s does not belong to particles_method %s; allowed are %s",
                 word, p->ops->name, words);
}

static PetscErrorCode read_weight_step(MuParticles p) {
  const MuWeightStep *s = p->ops->weight_steps;
  const char *word;
  PetscBool given;

  PetscFunctionBegin;
  p->weight_step = s;
  PetscCall(MuCaseGetString(p->c, "particles_weight_step", &word, &given));
  if (!s || !given) PetscFunctionReturn(0);
  while (s->word && strcmp(s->word, word) != 0) ++s;
  if (!s->word) return wrong_weight_step(p, word);
  p->weight_step = s;
  PetscFunctionReturn(0);
}

PetscErrorCode MuParticlesReadKeys(MuParticles p, const MuParticlesSpec *spec) {
  MuFlowSpec flow;
  PetscInt one = 1;
  const char *name;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(p->c, "particles_method", &name, NULL));
  PetscCall(MuCaseGetNames(p->c, "particles_method", MuMethodGetTableRow, &one, &name, &given));
  PetscCall(MuMethodFind(name, &p->ops));
  PetscCall(read_weight_step(p));
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

PetscErrorCode MuParticlesCreateGrid(MuParticles p) {
  PetscBool has_grid;
  PetscInt items, file = 0;

  PetscFunctionBegin;
  PetscCall(MuCaseCountItems(p->c, "grid_lower", &items));
  PetscCall(MuCaseCountItems(p->c, "grid_cells", &file));
  has_grid = (PetscBool)(items > 0 || file > 0);
  PetscCall(MuCaseGetDimension(p->c, has_grid, &p->cloud.dim));
  if (!has_grid) PetscFunctionReturn(0);
  PetscCall(MuCaseCreateGrid(p->c, 1, &p->grid));
  PetscCall(MuGridGetInfo(p->grid, &p->info));
  if (p->info->masked)
    return MuError(MU_ERR_INPUT, "grid_mask: particles move in a whole box; leave the mask out");
  for (PetscInt a = 0; a < p->info->dim; ++a)
    if (p->info->periodic[a])
      return MuError(MU_ERR_INPUT,
                     "grid_boundary: periodic is not possible for particles; use no_flux");
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the geometry */

/* The geometry's parts must be those that the method discretises. */
static PetscErrorCode wrong_geometry(MuParticles p, const char *no, const char *name) {
  const char *transport = MuGeometryNameOperator(p->ops->transport),
             *reaction = MuGeometryNameOperator(p->ops->reaction);
  return MuError(MU_ERR_INPUT,
                 "particles_method: %s discretises the geometry %s%s%s; that of the case has %s%s",
                 p->ops->name, transport ? transport : "", transport && reaction ? " + " : "",
                 reaction ? reaction : "", no, name);
}

/* Whether it is the reaction of the method, and like that of the parts before. */
static PetscBool is_reaction(MuParticles p, MuOperator which, MuOperator before) {
  if (which == MU_OPERATOR_OTHER || (before != MU_OPERATOR_OTHER && which != before))
    return PETSC_FALSE;
  return (PetscBool)(which == p->ops->reaction ||
                     (p->weight_step && which == p->weight_step->reaction));
}

/* The operators of particles have no ridge: one that is given would be left out without a word. */
static PetscErrorCode refuse_ridge(MuParticles p, const MuCaseSummand *part) {
  MuGeometrySpec spec = {.parts = 1, .part = {{.name = part->name, .weight = part->weight}}};
  MuPartTraits traits;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(spec.part[0].value, part->value, MU_MAX_PARAMETERS));
  PetscCall(MuGeometryGetTraits(&spec, 0, &traits));
  if (!(traits.ridge > 0)) PetscFunctionReturn(0);
  return MuError(
      MU_ERR_INPUT,
      "geometry_ridge: %g is given for %s, but particles_method %s takes no ridge; leave "
      "it out, or give 0",
      traits.ridge, part->key, p->ops->name);
}

static PetscErrorCode take_part(MuParticles p, const MuCaseSummand *part, MuOperator *reaction) {
  const MuOperator which = MuGeometryGetOperator(part->name, part->value);

  PetscFunctionBegin;
  if (which != MU_OPERATOR_OTHER) PetscCall(refuse_ridge(p, part));
  if (!(part->weight > 0))
    return MuError(MU_ERR_INPUT, "%s: the weight is %g; it must be positive", part->key,
                   part->weight);
  if (which != MU_OPERATOR_OTHER && which == p->ops->transport) {
    p->transport += part->weight;
  } else if (is_reaction(p, which, *reaction)) {
    p->reaction += part->weight;
    *reaction = which;
  } else
    PetscCall(wrong_geometry(p, "", part->name));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_parts(MuParticles p) {
  MuCaseSummand part[MU_MAX_TERMS];
  MuOperator reaction = MU_OPERATOR_OTHER;
  PetscInt parts = MU_MAX_TERMS;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuCaseGetSummands(p->c, "geometry", &parts, part));
  PetscCall(MuCaseGetBool(p->c, "geometry_spherical", &p->spherical, &given));
  for (PetscInt k = 0; k < parts; ++k) PetscCall(take_part(p, &part[k], &reaction));
  if (p->ops->transport != MU_OPERATOR_OTHER && p->transport == 0)
    PetscCall(wrong_geometry(p, "no ", MuGeometryNameOperator(p->ops->transport)));
  if (p->ops->reaction != MU_OPERATOR_OTHER && p->reaction == 0)
    PetscCall(wrong_geometry(p, "no ", MuGeometryNameOperator(p->ops->reaction)));
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
  if (!(weight > 0) || p->ops->reaction == MU_OPERATOR_OTHER || p->spherical ||
      p->ops->reaction == MU_OPERATOR_KERNEL_INVERSE)
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
