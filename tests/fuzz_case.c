/* Fuzz target: the reader of cases and formulas. What is accepted must be written back as a case
   that says the same. */
#include "fuzz.h"

static void read_specs(MuCase c) {
  static const char *const kernels[] = {"kernel", "energy_kernel", "geometry_kernel",
                                        "diagnostics_kernel"};
  MuGridSpec grid;
  MuKernelSpec kernel;
  PetscBool given;
  (void)FuzzRefused(MuCaseGetGridSpec(c, &grid));
  for (int k = 0; k < 4; ++k)
    (void)FuzzRefused(MuCaseGetKernelSpec(c, kernels[k], &kernel, &given));
}

static void evaluate(const char *key, const char *text) {
  static const PetscReal at[][2] = {{0, 0}, {1, -2}, {1e300, -1e300}};
  MuFormula formula;
  PetscReal value;
  if (FuzzRefused(MuFormulaCreate(key, text, &formula))) return;
  for (size_t i = 0; i < sizeof at / sizeof *at; ++i)
    (void)FuzzRefused(MuFormulaEvaluate(formula, at[i], &value));
  if (MuFormulaDestroy(&formula)) FuzzFail("MuFormulaDestroy");
}

static void read_formulas(MuCase c) {
  static const char *const keys[] = {"target_density",
                                     "target_log_density",
                                     "initial_density",
                                     "initial_log_density",
                                     "grid_mask_formula",
                                     "energy_potential_formula",
                                     "energy_interaction_formula"};
  const char *text;
  PetscBool given;
  for (size_t k = 0; k < sizeof keys / sizeof *keys; ++k)
    if (!FuzzRefused(MuCaseGetString(c, keys[k], &text, &given)) && given) evaluate(keys[k], text);
}

static void write_back(MuCase c) {
  const char *text, *again;
  MuCase copy;
  if (MuCaseGetEffective(c, &text)) FuzzFail("MuCaseGetEffective");
  if (MuCaseCreateFromText(PETSC_COMM_SELF, "copy", text, 0, NULL, &copy))
    FuzzFail("what was written back is refused");
  if (MuCaseGetEffective(copy, &again) || strcmp(text, again) != 0)
    FuzzFail("what was written back says something else");
  if (MuCaseDestroy(&copy)) FuzzFail("MuCaseDestroy");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MuCase c;
  if (FuzzRefused(MuCaseCreate(PETSC_COMM_SELF, FuzzFile(data, size), 0, NULL, &c))) return 0;
  read_specs(c);
  read_formulas(c);
  write_back(c);
  return MuCaseDestroy(&c);
}
