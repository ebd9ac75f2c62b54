/* Fuzz target: the readers of points and of clouds. The first byte chooses the dimension and the
 * columns. */
#include "fuzz.h"
#include "measure/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[4] = {NULL, "y", "2", ""};
  const char *const columns[2] = {names[size ? data[0] / 2 % 4 : 0],
                                  names[size ? data[0] / 8 % 4 : 0]};
  const PetscInt dim = size ? 1 + data[0] % 2 : 1;
  PetscInt n = 0;
  PetscReal *points = NULL;
  const char *file = FuzzFile(data + (size ? 1 : 0), size - (size ? 1 : 0));
  const MuPointsSpec spec = {.key = "target",
                             .file = file,
                             .dim = dim,
                             .columns = columns,
                             .optional = size && data[0] & 32 ? dim - 1 : 0};
  FuzzCloud(file);
  if (FuzzRefused(MuSamplesRead(PETSC_COMM_SELF, &spec, NULL, &n, &points))) return 0;
  if (n < 1) FuzzFail("no points");
  for (PetscInt i = 0; i < n * dim; ++i)
    if (PetscIsInfOrNanReal(points[i])) FuzzFail("a coordinate that is not finite");
  return PetscFree(points);
}
