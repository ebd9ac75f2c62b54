/* Elementary functions over arrays, through the vector versions of the C library where the compiler
 * offers them. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
__attribute__((simd("notinbranch"))) double exp(double);
__attribute__((simd("notinbranch"))) double log(double);
__attribute__((simd("notinbranch"))) double pow(double, double);
#endif

#include "grid/arrays.h"
#include "mudot.h"

#include <math.h>

void MuArrayExp(PetscInt n, const PetscReal *x, PetscReal *y) {
  for (PetscInt i = 0; i < n; ++i) y[i] = exp(x[i]);
}

void MuArrayLog(PetscInt n, const PetscReal *x, PetscReal *y) {
  for (PetscInt i = 0; i < n; ++i) y[i] = log(x[i]);
}

void MuArrayLogPositive(PetscInt n, const PetscReal *x, PetscReal *y) {
  for (PetscInt i = 0; i < n; ++i) y[i] = log(x[i] > MU_MIN_NORMAL ? x[i] : MU_MIN_NORMAL);
}

void MuArrayPow(PetscInt n, const PetscReal *x, PetscReal p, PetscReal *y) {
  if (p == 2) /* the mobilities of the kernel geometries' limits */
    for (PetscInt i = 0; i < n; ++i) y[i] = x[i] * x[i];
  else if (p == 1)
    for (PetscInt i = 0; i < n; ++i) y[i] = x[i];
  else
    for (PetscInt i = 0; i < n; ++i) y[i] = pow(x[i], p);
}
