/* The reference density of a part of the geometry: the target, uniform, or a formula. */
#include "problem/reference.h"

PetscErrorCode MuCaseReadReference(const MuCaseSummand *given, PetscInt dim, MuTargetLookup *lookup,
                                   MuFormula *formula, MuSummand *summand) {
  const char *text = given->formula ? given->formula : "target";

  PetscFunctionBegin;
  if (!strcmp(text, "uniform")) PetscFunctionReturn(0);
  if (!strcmp(text, "target")) {
    if (!lookup->log_pi)
      return MuError(MU_ERR_INPUT,
                     "%s: target is the default of %s, and the case has none; give the block "
                     "`target`, or uniform or a formula here",
                     given->formula_key, summand->name);
    summand->function = MuTargetLookUp;
    summand->function_ctx = lookup;
    PetscFunctionReturn(0);
  }
  PetscCall(MuFormulaCreate(given->formula_key, text, formula));
  PetscCall(MuFormulaCheckDimension(*formula, given->formula_key, dim));
  summand->function = MuFormulaFunction;
  summand->function_ctx = *formula;
  PetscFunctionReturn(0);
}
