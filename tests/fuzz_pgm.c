/* Fuzz target: the reader of grey maps. */
#include "fuzz.h"
#include "measure/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  PetscInt width = 0, height = 0;
  PetscReal *values = NULL;
  if (FuzzRefused(MuPgmRead(PETSC_COMM_SELF, FuzzFile(data, size), &width, &height, &values)))
    return 0;
  if (width < 1 || height < 1) FuzzFail("an image without pixels");
  for (PetscInt i = 0; i < width * height; ++i)
    if (!(values[i] >= 0 && values[i] <= 1)) FuzzFail("a value outside [0, 1]");
  return PetscFree(values);
}
