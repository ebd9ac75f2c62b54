/* Numbers of operators, energies and kernels: their defaults and ranges. */
#include "mudot/base.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

PetscBool MuParameterAllows(const MuParameter *p, PetscReal value) {
  if (PetscIsInfOrNanReal(value)) return PETSC_FALSE;
  if (value < p->low || value > p->high) return PETSC_FALSE;
  return (PetscBool) !((p->above_low && value == p->low) || (p->below_high && value == p->high));
}

void MuParameterRange(const MuParameter *p, size_t length, char *text) {
  const PetscBool lower = (PetscBool)(p->low > -PETSC_MAX_REAL),
                  upper = (PetscBool)(p->high < PETSC_MAX_REAL);
  char low[48] = "", high[48] = "";
  if (lower)
    snprintf(low, sizeof low,
             p->above_low ? "above %g"
             : upper      ? "from %g"
                          : "of at least %g",
             p->low);
  if (upper)
    snprintf(high, sizeof high,
             p->below_high           ? "below %g"
             : lower && p->above_low ? "at most %g"
             : lower                 ? "to %g"
                                     : "of at most %g",
             p->high);
  snprintf(text, length, "a number%s%s%s%s%s", lower ? " " : "", low,
           lower && upper && (p->above_low || p->below_high) ? " and" : "", upper ? " " : "", high);
}

PetscErrorCode MuParametersCheck(const MuParameter parameters[], const char *block,
                                 const char *owner, PetscReal values[MU_MAX_PARAMETERS]) {
  char allowed[128];

  PetscFunctionBegin;
  for (PetscInt k = 0; parameters && parameters[k].name; ++k) {
    const MuParameter *p = &parameters[k];
    MuParameterRange(p, sizeof allowed, allowed);
    if (isnan(values[k])) {
      if (p->required)
        return MuError(MU_ERR_INPUT, "%s_%s: is missing; %s needs it, %s", block,
                       p->key ? p->key : p->name, owner, allowed);
      values[k] = p->initial;
    } else if (!MuParameterAllows(p, values[k]))
      return MuError(MU_ERR_INPUT, "%s_%s: is %g; %s needs %s", block, p->key ? p->key : p->name,
                     values[k], owner, allowed);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTableNames(MuTableRow table, char names[MU_SENTENCE / 2]) {
  const char *name, *formula;
  size_t used = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(table(i, &name, &formula));
    if (!name || used >= MU_SENTENCE / 2) PetscFunctionReturn(0);
    used += (size_t)snprintf(names + used, MU_SENTENCE / 2 - used, "%s%s", i ? ", " : "", name);
  }
}

PetscErrorCode MuSummandFind(MuSummandTable table, const char *name, MuSummandInfo *info) {
  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(table(i, info));
    if (!info->name || !strcmp(info->name, name)) PetscFunctionReturn(0);
  }
}
