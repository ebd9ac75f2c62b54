/* Fuzz target: a case, built as a problem of a few cells: no number in a case may make mudot
   loop for ever or divide by zero. */
#include "fuzz.h"

/* The same case on 6 or 6 x 6 cells. */
static void build(MuCase c, const char *file) {
  static char key[] = "-grid_cells", one[] = "6", two[] = "6,6";
  PetscInt dim = 0;
  MuProblem problem;
  MuCase small;
  if (MuCaseCountItems(c, "grid_lower", &dim)) FuzzFail("MuCaseCountItems");
  char *arguments[] = {key, dim == 2 ? two : one, NULL};
  if (FuzzRefused(MuCaseCreate(PETSC_COMM_SELF, file, 2, arguments, &small))) return;
  if (!FuzzRefused(MuProblemCreate(small, &problem)) && MuProblemDestroy(&problem))
    FuzzFail("MuProblemDestroy");
  if (MuCaseDestroy(&small)) FuzzFail("MuCaseDestroy");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *file = FuzzFile(data, size);
  MuCase c;
  if (FuzzRefused(MuCaseCreate(PETSC_COMM_SELF, file, 0, NULL, &c))) return 0;
  build(c, file);
  return MuCaseDestroy(&c);
}
